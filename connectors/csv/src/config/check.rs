//! From the section to a feed that can be read: what belongs together, and what is missing.

use std::collections::BTreeMap;

use serde::Deserialize;
use signalbox_connector::delimited::Format;
use signalbox_connector::event::rows::Holds;
use signalbox_connector::jiff::tz::TimeZone;
use signalbox_connector::serde_json::{Map, Value, json};
use signalbox_connector::{Entity, Extent, drop_folder};

use super::codes::Meanings;
use super::extent::{self, extent};
use super::table::Table;
use super::{Columns, Config, Pad};

/// A feed whose section was checked.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Config")]
pub(crate) struct Feed {
    pub(crate) path: String,
    pub(crate) format: Format,
    pub(crate) extent: Extent,
    pub(crate) table: Table,
    pub(crate) student_id_type: Option<String>,
    /// All of the above but the path, as canonical JSON.
    pub(crate) mapping: String,
}

impl TryFrom<Config> for Feed {
    type Error = String;

    fn try_from(mut config: Config) -> Result<Self, String> {
        drop_folder::check_pattern(&config.path)?;
        let format = Format::new(config.encoding.as_deref(), config.delimiter.as_deref())?;
        let entity = config.entity.0;
        let meanings = std::mem::take(&mut config.codes).meanings(entity)?;
        let extent = extent(&config)?;
        let student_id_type = config.ids.student.map(|kind| kind.trim().to_owned());
        if student_id_type.as_deref() == Some("") {
            return Err("ids.student is blank: name a type of id, such as identifier".to_owned());
        }
        config.columns.check(entity)?;
        let mut mapping = mapping(&extent, format, &config.columns, &meanings);
        mapping.insert("student_id_type".to_owned(), json!(student_id_type));
        mapping.insert("pad".to_owned(), pad(&config.pad));
        let table = Table::new(entity, config.columns, &config.pad, meanings);
        let mapping = Value::Object(mapping).to_string();
        Ok(Self { path: config.path, format, extent, table, student_id_type, mapping })
    }
}

impl Feed {
    /// The same, with the days of the district's zone where moments are written.
    pub(crate) fn in_zone(mut self, zone: &TimeZone) -> Self {
        if self.table.set_zone(zone) {
            let name = zone.iana_name().unwrap_or("without a name");
            self.mapping = format!("{} {name}", self.mapping);
        }
        self
    }
}

/// All that decides what a file says. Keys come out sorted, defaults spelled out.
fn mapping(
    extent: &Extent,
    format: Format,
    columns: &Columns,
    meanings: &BTreeMap<&'static str, Meanings>,
) -> Map<String, Value> {
    let of_file = [
        ("connector", json!("csv/3")),
        ("encoding", json!(format.encoding.name())),
        ("delimiter", json!(char::from(format.delimiter))),
        ("columns", Value::Object(columns.mapping(extent.entity))),
        ("codes", Value::Object(codes(extent.entity, meanings))),
    ];
    let all = of_file.into_iter().chain(extent::mapping(extent));
    all.map(|(key, value)| (key.to_owned(), value)).collect()
}

fn codes(entity: Entity, meanings: &BTreeMap<&'static str, Meanings>) -> Map<String, Value> {
    let written = entity.columns().iter().filter_map(|column| match column.holds {
        Holds::Word(words) | Holds::Code(words) => {
            Some((column.name.to_owned(), meanings.get(column.name)?.mapping(words)))
        }
        _ => None,
    });
    written.collect()
}

fn pad(pad: &Pad) -> Value {
    json!({"student": pad.student, "school": pad.school})
}
