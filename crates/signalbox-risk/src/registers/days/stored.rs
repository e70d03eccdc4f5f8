use serde::Deserialize;

use super::{AttendanceRow, Days, EnrollmentRow, Names, packed};
use crate::registers::RegistersError;

/// Days as read back, before they are believed: damaged bytes must not become a panic later.
#[derive(Deserialize)]
pub(super) struct Stored {
    feeds: Names,
    schools: Names,
    enrollments: Vec<EnrollmentRow>,
    #[serde(deserialize_with = "packed::deserialize")]
    attendance: Vec<AttendanceRow>,
}

impl Stored {
    fn is_sorted(&self) -> bool {
        self.feeds.is_sorted()
            && self.schools.is_sorted()
            && self.enrollments.is_sorted_by(|a, b| (a.feed, &a.key) < (b.feed, &b.key))
            && self.attendance.is_sorted_by(|a, b| a.key() < b.key())
    }

    fn names_are_there(&self) -> bool {
        let (feeds, schools) = (self.feeds.len(), self.schools.len());
        let mut terms = self.enrollments.iter().filter_map(|row| row.value.as_ref());
        terms.all(|term| (term.school as usize) < schools)
            && self.enrollments.iter().all(|row| (row.feed as usize) < feeds)
            && self
                .attendance
                .iter()
                .all(|row| (row.feed as usize) < feeds && (row.school as usize) < schools)
    }
}

impl TryFrom<Stored> for Days {
    type Error = RegistersError;

    fn try_from(stored: Stored) -> Result<Days, RegistersError> {
        if !stored.is_sorted() {
            return Err(RegistersError("rows or names are not in order"));
        }
        if !stored.names_are_there() {
            return Err(RegistersError("a row refers to a name that is not there"));
        }
        let Stored { feeds, schools, enrollments, attendance } = stored;
        Ok(Days { feeds, schools, enrollments, attendance })
    }
}
