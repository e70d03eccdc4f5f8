use serde::Deserialize;

use super::{AttendanceRow, EnrollmentRow, Names, Registers};

/// Registers as read back, before they are believed: damaged bytes must not become a panic later.
#[derive(Deserialize)]
pub(super) struct Stored {
    feeds: Names,
    schools: Names,
    enrollments: Vec<EnrollmentRow>,
    attendance: Vec<AttendanceRow>,
}

/// The stored form was not written by this crate, or was damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RegistersError {
    #[error("registers are damaged: rows or names are not in order")]
    Unsorted,
    #[error("registers are damaged: a row refers to a name that is not there")]
    DanglingName,
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

impl TryFrom<Stored> for Registers {
    type Error = RegistersError;

    fn try_from(stored: Stored) -> Result<Registers, RegistersError> {
        if !stored.is_sorted() {
            return Err(RegistersError::Unsorted);
        }
        if !stored.names_are_there() {
            return Err(RegistersError::DanglingName);
        }
        let Stored { feeds, schools, enrollments, attendance } = stored;
        Ok(Registers { feeds, schools, enrollments, attendance })
    }
}
