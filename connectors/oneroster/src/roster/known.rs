//! What later files point to.

use std::collections::{BTreeMap, HashMap, HashSet};

use signalbox_connector::jiff::civil::Date;

use crate::package::FileName;

/// The first day, and the first day after the last: OneRoster's end dates are exclusive.
pub(super) type Days = (Date, Date);

/// Different grades that are told apart.
const MAX_GRADES: usize = 256;

/// The keys of rows that were read.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) sessions: HashMap<Box<str>, Days>,
    pub(super) schools: HashSet<Box<str>>,
    /// Those with role student in `roles.csv`.
    pub(super) students_by_role: HashSet<Box<str>>,
    /// Students, and their grade as a place in `grades`.
    students: HashMap<Box<str>, Option<u16>>,
    grades: Vec<Box<str>>,
    /// Classes, and from when to when their terms last; `None` when a term is not known, or there is none.
    pub(super) classes: HashMap<Box<str>, Option<Days>>,
    /// Rows that are marked `tobedeleted`: nothing else points to them.
    deleted: BTreeMap<FileName, HashSet<Box<str>>>,
}

impl Known {
    pub(super) fn add_deleted(&mut self, file: FileName, id: &str) {
        self.deleted.entry(file).or_default().insert(id.into());
    }

    pub(super) fn is_deleted(&self, file: FileName, id: &str) -> bool {
        self.deleted.get(&file).is_some_and(|ids| ids.contains(id))
    }

    pub(super) fn add_student(&mut self, id: &str, grade: Option<&str>) {
        let grade = grade.and_then(|grade| self.place(grade));
        self.students.insert(id.into(), grade);
    }

    pub(super) fn has_student(&self, id: &str) -> bool {
        self.students.contains_key(id)
    }

    pub(super) fn grade(&self, student: &str) -> Option<&str> {
        let place = (*self.students.get(student)?)?;
        Some(&self.grades[usize::from(place)])
    }

    /// Where a grade stands in the list. There are about twenty; beyond [`MAX_GRADES`] different words it is no grade, and
    /// the list stays short enough to be looked through for every student.
    fn place(&mut self, grade: &str) -> Option<u16> {
        if let Some(at) = self.grades.iter().position(|there| **there == *grade) {
            return u16::try_from(at).ok();
        }
        if self.grades.len() == MAX_GRADES {
            return None;
        }
        self.grades.push(grade.into());
        u16::try_from(self.grades.len() - 1).ok()
    }
}
