//! Which column holds what, for each entity.

use signalbox_connector::Entity;
use signalbox_connector::delimited::DateFormat;
use signalbox_connector::event::data::AttendanceCategory;
use signalbox_connector::jiff::tz::TimeZone;

use super::check::Meanings;
use super::{Column, Columns, Pad};

/// Which column holds what.
#[derive(Debug)]
pub(crate) enum Table {
    Enrollment(Box<EnrollmentTable>),
    Attendance(Box<AttendanceTable>),
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

/// The columns of an entity, which were checked to be there.
pub(super) fn table(entity: Entity, mut columns: Columns, pad: &Pad, codes: Meanings) -> Table {
    let id = |column, pad: Option<std::num::NonZeroU8>| IdColumn {
        from: name(column).expect("ids are required"),
        width: pad.map_or(0, |digits| usize::from(digits.get())),
    };
    let (student, school) =
        (id(columns.take("student"), pad.student), id(columns.take("school"), pad.school));
    if entity == Entity::Enrollment {
        return Table::Enrollment(Box::new(EnrollmentTable {
            student,
            school,
            entry: date(columns.take("entry")).expect("entry is required"),
            exit: date(columns.take("exit")),
            grade: name(columns.take("grade")),
            last_name: name(columns.take("last_name")),
            first_name: name(columns.take("first_name")),
            birth_date: date(columns.take("birth_date")),
        }));
    }
    Table::Attendance(Box::new(AttendanceTable {
        student,
        school,
        date: date(columns.take("date")).expect("date is required"),
        category: columns.take("category").expect("category is required").from,
        codes: codes.codes,
        blank: codes.blank,
    }))
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
    /// Reads moments as days of this zone; whether there are any.
    pub(super) fn set_zone(&mut self, zone: &TimeZone) -> bool {
        let dates = match self {
            Self::Attendance(table) => [Some(&mut table.date), None, None],
            Self::Enrollment(table) => {
                [Some(&mut table.entry), table.exit.as_mut(), table.birth_date.as_mut()]
            }
        };
        let mut names_moments = false;
        for column in dates.into_iter().flatten().filter(|column| column.format.names_a_moment()) {
            column.format = column.format.clone().in_zone(zone);
            names_moments = true;
        }
        names_moments
    }
}
