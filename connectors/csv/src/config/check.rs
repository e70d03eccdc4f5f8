//! From the section to a feed that can be read: what belongs together, and what is missing.

use serde::Deserialize;
use signalbox_connector::delimited::{DateFormat, Format};
use signalbox_connector::event::data::{AttendanceCategory, RowsMean};
use signalbox_connector::serde_json::{Map, Value, json};
use signalbox_connector::{AbsentRows, CoveredThrough, Covers, Entity, Extent, drop_folder};

use super::{Column, Columns, Config, Missing, RowEntity, Span, Through};

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

/// Which column holds what.
#[derive(Debug)]
pub(crate) enum Table {
    Enrollment(EnrollmentTable),
    Attendance(AttendanceTable),
}

#[derive(Debug)]
pub(crate) struct EnrollmentTable {
    pub(crate) student: String,
    pub(crate) school: String,
    pub(crate) entry: DateColumn,
    pub(crate) exit: Option<DateColumn>,
    pub(crate) grade: Option<String>,
    pub(crate) last_name: Option<String>,
    pub(crate) first_name: Option<String>,
    pub(crate) birth_date: Option<DateColumn>,
}

#[derive(Debug)]
pub(crate) struct AttendanceTable {
    pub(crate) student: String,
    pub(crate) school: String,
    pub(crate) date: DateColumn,
    pub(crate) category: String,
    /// Sorted by code.
    pub(crate) codes: Vec<(String, AttendanceCategory)>,
}

#[derive(Debug)]
pub(crate) struct DateColumn {
    pub(crate) from: String,
    pub(crate) format: DateFormat,
}

/// Which columns an entity's feed has.
struct Keys {
    entity: &'static str,
    required: &'static [&'static str],
    optional: &'static [&'static str],
}

const ENROLLMENT: Keys = Keys {
    entity: "roster.enrollment",
    required: &["student", "school", "entry"],
    optional: &["exit", "grade", "last_name", "first_name", "birth_date"],
};

const ATTENDANCE: Keys =
    Keys { entity: "attendance.daily", required: &["student", "school", "date", "category"], optional: &[] };

const DATES: [&str; 4] = ["entry", "exit", "birth_date", "date"];

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
        let codes = codes(config.entity, config.codes)?;
        let mut mapping = mapping(&extent, format, &config.columns, &codes);
        mapping.insert("student_id_type".to_owned(), json!(student_id_type));
        let table = table(config.entity, config.columns, codes)?;
        let mapping = Value::Object(mapping).to_string();
        Ok(Self { path: config.path, format, extent, table, student_id_type, mapping })
    }
}

fn extent(config: &Config) -> Result<Extent, String> {
    let covers = config.covers.ok_or(
        "covers is missing and has no default: school_year, or {school_days: N}, says what a file speaks for",
    )?;
    let absent_rows = config.absent_rows.ok_or(
        "absent_rows is missing and has no default: end or keep says what a row means that is no longer there",
    )?;
    let (entity, rows) = match (config.entity, config.rows) {
        (RowEntity::Attendance, Some(rows)) => (Entity::Attendance, Some(rows)),
        (RowEntity::Enrollment, None) => (Entity::Enrollment, None),
        (RowEntity::Attendance, None) => {
            return Err(
                "rows is missing and has no default: exceptions (no row means present), or every_day"
                    .to_owned(),
            );
        }
        (RowEntity::Enrollment, Some(_)) => {
            return Err("rows has no place in a roster.enrollment feed: it is about school days".to_owned());
        }
    };
    Ok(Extent {
        entity,
        covers: match covers {
            Span::SchoolYear => Covers::SchoolYear,
            Span::SchoolDays(days) => Covers::SchoolDays(days.get()),
        },
        absent_rows: match absent_rows {
            Missing::End => AbsentRows::End,
            Missing::Keep => AbsentRows::Keep,
        },
        rows,
        covered_through: match config.covered_through.unwrap_or_default() {
            Through::LatestRow => CoveredThrough::LatestRow,
            Through::RunDay => CoveredThrough::RunDay,
        },
    })
}

fn codes(entity: RowEntity, codes: super::Codes) -> Result<Vec<(String, AttendanceCategory)>, String> {
    if entity == RowEntity::Enrollment && !codes.category.is_empty() {
        return Err("codes.category has no place in a roster.enrollment feed".to_owned());
    }
    let mut sorted: Vec<_> =
        codes.category.into_iter().map(|(code, word)| (code.trim().to_owned(), word.0)).collect();
    sorted.sort();
    if sorted.iter().any(|(code, _)| code.is_empty()) {
        return Err("codes.category maps a blank code: a row without a code is one we cannot use".to_owned());
    }
    match sorted.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        Some(pair) => Err(format!("codes.category maps \"{}\" twice", pair[0].0)),
        None => Ok(sorted),
    }
}

impl Columns {
    fn named(&self) -> [(&'static str, Option<&Column>); 10] {
        [
            ("student", self.student.as_ref()),
            ("school", self.school.as_ref()),
            ("entry", self.entry.as_ref()),
            ("exit", self.exit.as_ref()),
            ("grade", self.grade.as_ref()),
            ("last_name", self.last_name.as_ref()),
            ("first_name", self.first_name.as_ref()),
            ("birth_date", self.birth_date.as_ref()),
            ("date", self.date.as_ref()),
            ("category", self.category.as_ref()),
        ]
    }

    fn check(&self, keys: &Keys) -> Result<(), String> {
        for (key, column) in self.named() {
            let required = keys.required.contains(&key);
            match column {
                None if required => {
                    let (entity, all) = (keys.entity, keys.required.join(", "));
                    return Err(format!("columns.{key} is missing: a {entity} feed needs {all}"));
                }
                Some(_) if !required && !keys.optional.contains(&key) => {
                    return Err(format!("columns.{key} has no place in a {} feed", keys.entity));
                }
                Some(Column { format: Some(_), .. }) if !DATES.contains(&key) => {
                    return Err(format!("columns.{key} is no date and takes no format"));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn table(
    entity: RowEntity,
    columns: Columns,
    codes: Vec<(String, AttendanceCategory)>,
) -> Result<Table, String> {
    let keys = if entity == RowEntity::Attendance { &ATTENDANCE } else { &ENROLLMENT };
    columns.check(keys)?;
    let student = name(columns.student).expect("student is required");
    let school = name(columns.school).expect("school is required");
    Ok(match entity {
        RowEntity::Enrollment => Table::Enrollment(EnrollmentTable {
            student,
            school,
            entry: date(columns.entry).expect("entry is required"),
            exit: date(columns.exit),
            grade: name(columns.grade),
            last_name: name(columns.last_name),
            first_name: name(columns.first_name),
            birth_date: date(columns.birth_date),
        }),
        RowEntity::Attendance => Table::Attendance(AttendanceTable {
            student,
            school,
            date: date(columns.date).expect("date is required"),
            category: name(columns.category).expect("category is required"),
            codes,
        }),
    })
}

fn name(column: Option<Column>) -> Option<String> {
    column.map(|column| column.from)
}

fn date(column: Option<Column>) -> Option<DateColumn> {
    column.map(|column| DateColumn { from: column.from, format: column.format.unwrap_or(DateFormat::ISO) })
}

/// All that decides what a file says. Keys come out sorted, defaults spelled out.
fn mapping(
    extent: &Extent,
    format: Format,
    columns: &Columns,
    codes: &[(String, AttendanceCategory)],
) -> Map<String, Value> {
    let columns: Map<_, _> = columns
        .named()
        .into_iter()
        .filter_map(|(key, column)| {
            let column = column?;
            let format = column.format.as_ref().map_or(DateFormat::ISO.pattern(), DateFormat::pattern);
            let format = DATES.contains(&key).then_some(format);
            Some((key.to_owned(), json!({"from": column.from, "format": format})))
        })
        .collect();
    let codes: Map<_, _> =
        codes.iter().map(|(code, word)| (code.clone(), Value::from(word.as_str()))).collect();
    Map::from_iter([
        ("connector".to_owned(), json!("csv/1")),
        ("entity".to_owned(), json!(extent.entity.as_str())),
        ("rows".to_owned(), json!(extent.rows.map(rows_word))),
        ("covers".to_owned(), json!(covers_word(extent.covers))),
        ("absent_rows".to_owned(), json!(matches!(extent.absent_rows, AbsentRows::End))),
        ("run_day".to_owned(), json!(matches!(extent.covered_through, CoveredThrough::RunDay))),
        ("encoding".to_owned(), json!(format.encoding.name())),
        ("delimiter".to_owned(), json!(char::from(format.delimiter))),
        ("columns".to_owned(), Value::Object(columns)),
        ("codes".to_owned(), Value::Object(codes)),
    ])
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
