//! What becomes of a draft: a row under its student's key, or one that waits for its student or school; and what is
//! inferred of a row that cannot be used as it stands.

use std::io;

use jiff::civil::Date;
use signalbox_connector::draft::mark_of;
use signalbox_connector::{Claims, Draft, RejectCode};
use signalbox_event::rows::Stands;
use signalbox_event::{Body, Status, StudentKey};
use signalbox_store::feed::LedgerKey;

use super::Reader;
use super::ids::{School, unknown_school};
use super::place::{When, outside_years};
use crate::identity::Found;
use crate::row::{Row, Slot, Waiting, content_hash};
use crate::sort::{AHEAD, ENDS, FAULT, Head, INFERRED, NOW, unread};

impl Reader<'_> {
    pub(super) fn keep(&mut self, mut draft: Draft<'_>) -> io::Result<()> {
        let fault = draft.fault.take();
        let flags = if draft.status == Status::ToBeDeleted { ENDS } else { 0 };
        match &draft.body {
            Body::School(_) => self.keep_row(draft, None, School::None, flags),
            Body::Student(row) => match self.resolver.known_student(&row.id) {
                Some(key) if !self.resolver.is_two_persons(key) => {
                    self.keep_row(draft, Some(key), School::None, flags)
                }
                // Nobody, until the roster has one person under the id.
                Some(key) => {
                    self.doubts.on_student(key, None, None, mark_of(&row.id));
                    Ok(())
                }
                None => Ok(()),
            },
            _ => {
                let student = self.student(draft.claims.student.as_deref().unwrap_or_default());
                let school = draft.claims.school.as_ref().map_or(School::None, |school| self.school(school));
                let left_out = draft.left_out.iter().filter_map(|left_out| left_out.kept);
                let mut flags = left_out.fold(flags, |flags, kept| flags | unread(kept));
                match fault {
                    Some(fault) if matches!(student, Found::One(_)) => {
                        self.found.rejects.add(*fault);
                        flags |= FAULT;
                    }
                    Some(fault) if fault.code == RejectCode::WrongFieldCount => {
                        self.unusable(*fault);
                        return Ok(());
                    }
                    // It counts as not found; the fault is told of once it is.
                    _ => {}
                }
                self.keep_about(draft, student, school, flags)
            }
        }
    }

    /// A row about a student.
    fn keep_about(
        &mut self,
        draft: Draft<'_>,
        student: Found<StudentKey>,
        school: School<'_>,
        flags: u8,
    ) -> io::Result<()> {
        match (student, school) {
            (Found::One(student), School::Known(school)) => {
                self.keep_row(draft, Some(student), School::Known(school), flags)
            }
            (Found::One(student), School::None) => {
                self.doubts.on_student(student, None, draft.claims.date, 0);
                self.keep_row(draft, Some(student), School::None, flags)
            }
            (student, school) => self.keep_waiting(&draft, &student, &school, flags),
        }
    }

    fn keep_row(
        &mut self,
        draft: Draft<'_>,
        student: Option<StudentKey>,
        school: School<'_>,
        flags: u8,
    ) -> io::Result<()> {
        let school = match school {
            School::Known(school) => Some(school),
            School::Unknown | School::None => None,
        };
        let Some(year) = self.year_or_reject(&draft, student, school.as_deref().unwrap_or_default()) else {
            return Ok(());
        };
        let read_ms = match student {
            Some(_) if self.beside.some_wait => self.no_longer_waits(&draft, year)?,
            _ => NOW,
        };
        let line = line_of(&draft);
        let is_ahead = matches!(draft.body.stands(), Stands::At(date) if date > self.run_day);
        let flags = if is_ahead { flags | AHEAD } else { flags };
        let mut row = Row::new(student, draft.body);
        if let Some(school) = school {
            row.body.set_school(school);
        }
        self.push(&row, year, line, flags, read_ms)
    }

    /// A row whose student or school is not found: it is kept as it stands, and looked up again when the roster changes.
    fn keep_waiting(
        &mut self,
        draft: &Draft<'_>,
        student: &Found<StudentKey>,
        school: &School<'_>,
        mut flags: u8,
    ) -> io::Result<()> {
        let (student_id, school_id, date) = claims(draft);
        self.doubt(Some(student_id), school_id, date, mark_of(student_id));
        if *school == School::Unknown {
            let reject = unknown_school(draft, school_id.unwrap_or_default());
            self.found.rejects.add(reject);
            flags |= FAULT;
        } else {
            self.note_not_found(student, student_id);
        }
        let school_of = match school {
            School::Known(first) => first.as_ref(),
            School::Unknown | School::None => "",
        };
        let Some(year) = self.year_or_reject(draft, None, school_of) else { return Ok(()) };
        for student in found(student) {
            self.infer_unknown(draft, student, year)?;
        }
        self.push_waiting(draft, year, flags)?;
        Ok(())
    }

    /// The school year that a row counts in. One that counts in none is a reject, and says nothing of how well the file is
    /// written. One on a day that counts nowhere may be the very row that is missing.
    fn year_or_reject(
        &mut self,
        draft: &Draft<'_>,
        student: Option<StudentKey>,
        school: &str,
    ) -> Option<u16> {
        let when = self.when(&draft.body, school);
        let key = || {
            let mut key = String::new();
            draft.body.push_key(&mut key);
            key
        };
        match (when, student, draft.body.stands()) {
            (When::Uncounted(_), Some(student), Stands::On(_) | Stands::At(_)) => {
                self.doubts.misdated(student, &key());
            }
            // As it stands it is no row of the running year, and may be the very one that is missing there.
            (When::In(year), Some(student), Stands::At(_) | Stands::By(_)) if year < self.year => {
                self.doubts.misdated(student, &key());
            }
            (When::Outside, Some(student), Stands::From(entry)) => {
                self.doubts.on_student(student, Some(school), None, mark_of(&entry.to_string()));
            }
            _ => {}
        }
        match when {
            When::In(year) | When::Uncounted(year) => Some(year),
            When::Outside => {
                self.found.outside_years += 1;
                self.reject(outside_years(draft));
                None
            }
        }
    }

    /// What the row is about is unknown of a student whom it fits, at whatever school, in the year that the row counts in.
    fn infer_unknown(&mut self, draft: &Draft<'_>, student: StudentKey, year: u16) -> io::Result<()> {
        let Some(mut unknown) = draft.body.clone().disputed() else { return Ok(()) };
        unknown.set_school("".into());
        self.infer(&Row::new(Some(student), unknown), year)
    }

    fn note_not_found(&mut self, student: &Found<StudentKey>, id: &str) {
        let notes = &mut self.found.notes;
        if matches!(student, Found::Several(_)) {
            notes.ambiguous += 1;
        } else if self.resolver.known_student(id).is_some_and(|key| self.resolver.is_two_persons(key)) {
            notes.two_persons += 1;
        } else if let Some(hint) = self.resolver.hint(id) {
            *notes.hints.entry(hint).or_default() += 1;
        }
    }

    /// A row that may have waited is found: what waits under the same words is not to be used once more. Returns when that
    /// was read first.
    fn no_longer_waits(&mut self, draft: &Draft<'_>, year: u16) -> io::Result<i64> {
        if draft.body.entity().names_identity() {
            return Ok(NOW);
        }
        let key = self.push_waiting(draft, year, ENDS | INFERRED)?;
        Ok(self.beside.waited.get(&(year, key)).copied().unwrap_or(NOW))
    }

    /// Returns the key under which it waits.
    fn push_waiting(&mut self, draft: &Draft<'_>, year: u16, flags: u8) -> io::Result<LedgerKey> {
        let slot = Slot { waits: true, entity: draft.body.entity() };
        let mut waiting = Waiting::of(draft);
        // Where it stands in its file is no part of what it says.
        waiting.encode(&mut self.encoded);
        let content = content_hash(&self.encoded);
        let line = line_of(draft);
        waiting.line = line;
        waiting.encode(&mut self.encoded);
        let key = waiting.ledger_key(&mut self.natural_key);
        self.found.scopes.insert((slot.number(), year));
        let head = Head { slot: slot.number(), school_year: year, key, line, flags, content, read_ms: NOW };
        self.sorter.push(head, &self.encoded)?;
        Ok(key)
    }

    /// Adds a row under its student's key.
    pub(super) fn push(
        &mut self,
        row: &Row<'_>,
        year: u16,
        line: u32,
        flags: u8,
        read_ms: i64,
    ) -> io::Result<()> {
        if flags & (FAULT | INFERRED | ENDS) == 0 {
            self.found.speaks.hear(row);
        }
        row.encode(&mut self.encoded);
        let slot = Slot { waits: false, entity: row.entity() };
        let head = Head {
            slot: slot.number(),
            school_year: year,
            key: row.ledger_key(&mut self.natural_key),
            line,
            flags,
            content: content_hash(&self.encoded),
            read_ms,
        };
        self.found.scopes.insert((head.slot, head.school_year));
        if flags & ENDS != 0 {
            self.found.ends.insert((head.slot, head.school_year));
        }
        self.sorter.push(head, &self.encoded)
    }
}

/// Ids as the row writes them, and its day of attendance.
fn claims<'r>(draft: &'r Draft<'_>) -> (&'r str, Option<&'r str>, Option<Date>) {
    let Claims { student, school, date } = &draft.claims;
    (student.as_deref().unwrap_or_default(), school.as_deref(), *date)
}

/// The students that a row fits.
fn found(student: &Found<StudentKey>) -> Vec<StudentKey> {
    match student {
        Found::One(key) => vec![*key],
        Found::Several(keys) => keys.clone(),
        Found::None => Vec::new(),
    }
}

fn line_of(draft: &Draft<'_>) -> u32 {
    u32::try_from(draft.row).unwrap_or(u32::MAX)
}
