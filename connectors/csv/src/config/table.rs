//! Which column holds what, for each entity.

use signalbox_connector::delimited::DateFormat;
use signalbox_connector::event::data::AttendanceCategory;
use signalbox_connector::jiff::tz::TimeZone;

use super::check::Meanings;
use super::{Column, Columns, Pad, RowEntity};

/// Which column holds what.
#[derive(Debug)]
pub(crate) enum Table {
    Enrollment(EnrollmentTable),
    Attendance(AttendanceTable),
}

#[derive(Debug)]
pub(crate) struct EnrollmentTable {
    pub(crate) student: IdColumn,
    pub(crate) school: IdColumn,
    pub(crate) entry: DateColumn,
    pub(crate) exit: Option<DateColumn>,
    pub(crate) grade: Option<String>,
    pub(crate) last_name: Option<String>,
    pub(crate) first_name: Option<String>,
    pub(crate) birth_date: Option<DateColumn>,
}

#[derive(Debug)]
pub(crate) struct AttendanceTable {
    pub(crate) student: IdColumn,
    pub(crate) school: IdColumn,
    pub(crate) date: DateColumn,
    /// Several are joined.
    pub(crate) category: Vec<String>,
    /// Sorted by code.
    pub(crate) codes: Vec<(String, AttendanceCategory)>,
    /// What an empty cell means, if anything.
    pub(crate) blank: Option<AttendanceCategory>,
}

#[derive(Debug)]
pub(crate) struct IdColumn {
    pub(crate) from: String,
    /// Digits that an id has; 0: as it is written.
    pub(crate) width: usize,
}

#[derive(Debug)]
pub(crate) struct DateColumn {
    pub(crate) from: String,
    pub(crate) format: DateFormat,
    /// Words for no date.
    pub(crate) none: Vec<String>,
    /// Whether it is the first day out.
    pub(crate) exclusive: bool,
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

pub(super) const DATES: [&str; 4] = ["entry", "exit", "birth_date", "date"];

impl Columns {
    pub(super) fn named(&self) -> [(&'static str, Option<&Column>); 10] {
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
                Some(column) => column.check(key)?,
                None => {}
            }
        }
        Ok(())
    }
}

impl Column {
    fn check(&self, key: &str) -> Result<(), String> {
        if self.format.is_some() && !DATES.contains(&key) {
            return Err(format!("columns.{key} is no date and takes no format"));
        }
        if self.from.len() > 1 && key != "category" {
            return Err(format!("columns.{key} takes one column: only category joins several"));
        }
        if self.exclusive && key != "exit" {
            return Err(format!("columns.{key} takes no exclusive: only exit may be the first day out"));
        }
        if !self.none.is_empty() && !["exit", "birth_date"].contains(&key) {
            return Err(format!(
                "columns.{key} takes no words for none: only exit and birth_date may lack a date"
            ));
        }
        Ok(())
    }
}

pub(super) fn table(
    entity: RowEntity,
    columns: Columns,
    pad: &Pad,
    codes: Meanings,
) -> Result<Table, String> {
    let keys = if entity == RowEntity::Attendance { &ATTENDANCE } else { &ENROLLMENT };
    columns.check(keys)?;
    let id = |column, pad: Option<std::num::NonZeroU8>| IdColumn {
        from: name(column).expect("ids are required"),
        width: pad.map_or(0, |digits| usize::from(digits.get())),
    };
    let (student, school) = (id(columns.student, pad.student), id(columns.school, pad.school));
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
            category: columns.category.expect("category is required").from,
            codes: codes.codes,
            blank: codes.blank,
        }),
    })
}

/// The name of a column that is one.
fn name(column: Option<Column>) -> Option<String> {
    column.and_then(|column| column.from.into_iter().next())
}

fn date(column: Option<Column>) -> Option<DateColumn> {
    let Column { from, format, none, exclusive } = column?;
    let from = from.into_iter().next()?;
    Some(DateColumn { from, format: format.unwrap_or(DateFormat::ISO), none, exclusive })
}

impl Table {
    /// The same, with the days of this zone; whether that makes a difference.
    pub(super) fn set_zone(&mut self, zone: &TimeZone) -> bool {
        let dates = match self {
            Self::Attendance(table) => [Some(&mut table.date), None, None],
            Self::Enrollment(table) => {
                [Some(&mut table.entry), table.exit.as_mut(), table.birth_date.as_mut()]
            }
        };
        let moments = dates.into_iter().flatten().filter(|column| column.format.names_a_moment());
        moments.map(|column| column.format = column.format.clone().in_zone(zone)).count() > 0
    }
}
