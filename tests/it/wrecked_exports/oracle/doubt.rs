//! Rows that nobody could use, and what they may stand for.

use std::collections::BTreeSet;

use super::super::damage::counts_nowhere;
use super::super::export::{Claims, Export, Reads};

/// The rows of a file in doubt.
#[derive(Debug, Default)]
pub(super) struct Doubt {
    /// Which rows, and what is wrong with them.
    rows: BTreeSet<(Option<usize>, usize, String)>,
    students: BTreeSet<usize>,
    days: BTreeSet<(usize, usize)>,
    schools: BTreeSet<usize>,
    whole_file: bool,
    /// The rows that are missing because they could not be used: student and day.
    pub(super) lost: BTreeSet<(usize, usize)>,
}

impl Doubt {
    /// `is_found`: whether the roster knows the student.
    pub(super) fn of(file: &Export, is_found: impl Fn(usize) -> bool) -> Self {
        let mut doubt = Self::default();
        for line in &file.lines {
            let found = line.student.is_none_or(&is_found);
            let claims = match &line.reads {
                Reads::Not { claims, .. } => Claims { student: claims.student.filter(|_| found), ..*claims },
                Reads::NotTheCode | Reads::NotTheSchool if found => {
                    Claims { student: line.student, ..Claims::default() }
                }
                Reads::NotTheSchool => Claims::default(),
                Reads::OfAnother => continue,
                Reads::Fully if found || !file.is_attendance() => continue,
                _ => Claims { student: None, school: Some(line.school), day: Some(line.day) },
            };
            // A row that is told into other columns than last night is another row.
            let told = format!("{:?}{}", line.cells, file.style.rows_end_in);
            doubt.rows.insert((line.student, line.day, told));
            doubt.claim(claims);
            let is_lost = matches!(line.reads, Reads::Not { kind, .. } if !counts_nowhere(kind));
            if let Some(student) = line.student.filter(|_| is_lost) {
                doubt.lost.insert((student, line.day));
            }
        }
        doubt
    }

    /// Two rows of this student disagree.
    pub(super) fn disagree(&mut self, student: usize, day: usize) {
        self.rows.insert((Some(student), day, "disagree".to_owned()));
        self.students.insert(student);
    }

    fn claim(&mut self, Claims { student, school, day }: Claims) {
        if let Some(student) = student {
            self.students.insert(student);
        }
        match (school, day) {
            // An id that would be one but for its shape: of that student, or of somebody on that day.
            (Some(school), Some(day)) => drop(self.days.insert((school, day))),
            _ if student.is_some() => {}
            (Some(school), None) => drop(self.schools.insert(school)),
            (None, _) => self.whole_file = true,
        }
    }

    /// Whether one of the rows may be that student's of that day (0: an enrolment).
    pub(super) fn covers(&self, student: usize, school: usize, day: usize) -> bool {
        self.whole_file
            || self.schools.contains(&school)
            || self.students.contains(&student)
            || self.days.contains(&(school, day))
    }

    pub(super) fn is_any(&self) -> bool {
        !self.rows.is_empty()
    }

    /// Whether rows were in doubt before that are not now: then what is new is not certain to count as new.
    pub(super) fn is_old(&self, before: &Self) -> bool {
        !before.rows.is_subset(&self.rows)
    }
}
