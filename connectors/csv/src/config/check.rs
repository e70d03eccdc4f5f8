//! From the section to a feed that can be read: what belongs together, and what is missing.

use serde::Deserialize;
use signalbox_connector::delimited::Format;
use signalbox_connector::event::data::{AttendanceCategory, RowsMean};
use signalbox_connector::jiff::tz::TimeZone;
use signalbox_connector::serde_json::{Map, Value, json};
use signalbox_connector::{AbsentRows, CoveredThrough, Covers, Entity, Extent, drop_folder};

use super::table::{Table, table};
use super::{Columns, Config, Missing, Pad, Span, Through};

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

    fn try_from(config: Config) -> Result<Self, String> {
        drop_folder::check_pattern(&config.path)?;
        let format = Format::new(config.encoding.as_deref(), config.delimiter.as_deref())?;
        let extent = extent(&config)?;
        let student_id_type = config.ids.student.map(|kind| kind.trim().to_owned());
        if student_id_type.as_deref() == Some("") {
            return Err("ids.student is blank: name a type of id, such as identifier".to_owned());
        }
        let entity = extent.entity;
        config.columns.check(entity)?;
        let codes = codes(entity, config.codes)?;
        let mut mapping = mapping(&extent, format, &config.columns, &codes);
        mapping.insert("student_id_type".to_owned(), json!(student_id_type));
        mapping.insert("pad".to_owned(), pad(&config.pad));
        let table = table(entity, config.columns, &config.pad, codes);
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

/// What codes mean.
#[derive(Debug)]
pub(super) struct Meanings {
    /// Sorted by code.
    pub(super) codes: Vec<(String, AttendanceCategory)>,
    pub(super) blank: Option<AttendanceCategory>,
}

/// The key for an empty cell.
const BLANK: &str = "blank";

fn extent(config: &Config) -> Result<Extent, String> {
    let covers = config.covers.ok_or(
        "covers is missing and has no default: school_year, or {school_days: N}, says what a file speaks for",
    )?;
    let absent_rows = config.absent_rows.ok_or(
        "absent_rows is missing and has no default: end or keep says what a row means that is no longer there",
    )?;
    let entity = config.entity.0;
    if entity != Entity::Enrollment && absent_rows == Missing::Erase {
        return Err(
            "absent_rows is end or keep here: erase is for enrolments, and a day that ends is taken back"
                .to_owned(),
        );
    }
    let rows = config.rows;
    if entity == Entity::Attendance && rows.is_none() {
        return Err(
            "rows is missing and has no default: exceptions (no row means present), or every_day".to_owned()
        );
    }
    if entity != Entity::Attendance && rows.is_some() {
        return Err(format!("rows has no place in a {entity} feed: it is about school days"));
    }
    Ok(Extent {
        entity,
        covers: match covers {
            Span::SchoolYear => Covers::SchoolYear,
            Span::SchoolDays(days) => Covers::SchoolDays(days.get()),
        },
        absent_rows: match absent_rows {
            Missing::End => AbsentRows::End,
            Missing::Erase => AbsentRows::Erase,
            Missing::Keep => AbsentRows::Keep,
        },
        rows,
        covered_through: match config.covered_through.unwrap_or_default() {
            Through::LatestRow => CoveredThrough::LatestRow,
            Through::RunDay => CoveredThrough::RunDay,
            Through::DayBeforeRun => CoveredThrough::DayBeforeRun,
        },
    })
}

fn codes(entity: Entity, codes: super::Codes) -> Result<Meanings, String> {
    if entity.column("category").is_none() && !codes.category.is_empty() {
        return Err(format!("codes.category has no place in a {entity} feed"));
    }
    let mut sorted: Vec<_> =
        codes.category.into_iter().map(|(code, word)| (code.trim().to_owned(), word.0)).collect();
    sorted.sort();
    if sorted.iter().any(|(code, _)| code.is_empty()) {
        return Err("codes.category maps an empty code: write the word blank for an empty cell".to_owned());
    }
    if let Some(pair) = sorted.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(format!("codes.category maps \"{}\" twice", pair[0].0));
    }
    let blank = sorted.iter().position(|(code, _)| code == BLANK).map(|at| sorted.remove(at).1);
    Ok(Meanings { codes: sorted, blank })
}

/// All that decides what a file says. Keys come out sorted, defaults spelled out.
fn mapping(extent: &Extent, format: Format, columns: &Columns, codes: &Meanings) -> Map<String, Value> {
    let word = |category: &AttendanceCategory| Value::from(category.as_str());
    let mapped: Map<_, _> = codes.codes.iter().map(|(code, means)| (code.clone(), word(means))).collect();
    Map::from_iter([
        ("connector".to_owned(), json!("csv/2")),
        ("entity".to_owned(), json!(extent.entity.as_str())),
        ("rows".to_owned(), json!(extent.rows.map(rows_word))),
        ("covers".to_owned(), json!(covers_word(extent.covers))),
        ("absent_rows".to_owned(), json!(absent_word(extent.absent_rows))),
        ("covered_through".to_owned(), json!(through_word(extent.covered_through))),
        ("encoding".to_owned(), json!(format.encoding.name())),
        ("delimiter".to_owned(), json!(char::from(format.delimiter))),
        ("columns".to_owned(), Value::Object(columns.mapping(extent.entity))),
        ("codes".to_owned(), Value::Object(mapped)),
        ("blank".to_owned(), json!(codes.blank.as_ref().map(word))),
    ])
}

fn pad(pad: &Pad) -> Value {
    json!({"student": pad.student, "school": pad.school})
}

fn rows_word(rows: RowsMean) -> &'static str {
    match rows {
        RowsMean::Exceptions => "exceptions",
        RowsMean::EveryDay => "every_day",
    }
}

/// The number of school days; 0 is the school year.
fn covers_word(covers: Covers) -> u16 {
    match covers {
        Covers::SchoolDays(days) => days,
        Covers::SchoolYear | Covers::OwnRows => 0,
    }
}

fn absent_word(absent: AbsentRows) -> &'static str {
    match absent {
        AbsentRows::End => "end",
        AbsentRows::Erase => "erase",
        AbsentRows::Keep => "keep",
    }
}

fn through_word(through: CoveredThrough) -> &'static str {
    match through {
        CoveredThrough::LatestRow => "latest_row",
        CoveredThrough::RunDay => "run_day",
        CoveredThrough::DayBeforeRun => "day_before_run",
    }
}
