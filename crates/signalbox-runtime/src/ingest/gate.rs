//! The gate: what a payload would do is counted, and a person asked, before anything is done.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use signalbox_connector::{Claims, Entity, Reject, RejectCode};
use signalbox_event::data::SchoolCoverage;

use super::diff::{Step, Verdict};
use super::read::Notes;
use super::rejects::RejectBook;
use super::row::Row;
use crate::hub::HubError;

/// Fewer rows than this never hold a payload up.
const FLOOR: u64 = 10;

/// Rows of the feed's entities: `rows = add + change + unchanged + duplicate + reject + unmatched`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    pub rows: u64,
    pub add: u64,
    pub change: u64,
    /// Ledger rows that end.
    pub end: u64,
    pub unchanged: u64,
    pub duplicate: u64,
    pub reject: u64,
    pub unmatched: u64,
}

/// Why a payload waits for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// `file`, `school` or `ids_changed`.
    pub reason: String,
    pub would_end: u64,
    pub schools: Vec<SchoolEnds>,
}

/// Rows that would end at one school.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchoolEnds {
    pub school: String,
    pub would_end: u64,
}

/// What the gate found: kept with the run, so that a resumed run does not judge again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Gated {
    pub counts: Counts,
    pub hold: Option<Held>,
    /// Whether anything is to be published or recorded.
    pub changes: bool,
    pub publishes: bool,
    /// Every row could be used and stands in the ledger as the payload has it.
    #[serde(default)]
    pub whole: bool,
    pub covered: Vec<SchoolCoverage>,
    pub notes: Notes,
}

/// Counts steps.
pub(crate) struct Tally {
    counted: Vec<Entity>,
    counts: Counts,
    changes: bool,
    publishes: bool,
    whole: bool,
    guards: BTreeMap<Entity, Guard>,
}

/// What one entity would lose.
#[derive(Debug, Default)]
struct Guard {
    live: u64,
    added: u64,
    ends: u64,
    schools: BTreeMap<String, SchoolGuard>,
}

#[derive(Debug, Default)]
struct SchoolGuard {
    /// Live rows inside the extent that the payload still has.
    kept: u64,
    ends: u64,
}

impl Tally {
    pub(crate) fn new(counted: &[Entity], rows: u64, rejected: u64) -> Self {
        Self {
            counted: counted.to_vec(),
            counts: Counts { rows, reject: rejected, ..Counts::default() },
            changes: false,
            publishes: false,
            whole: rejected == 0,
            guards: BTreeMap::new(),
        }
    }

    pub(crate) fn step(&mut self, step: &Step, rejects: &mut RejectBook) -> Result<(), HubError> {
        self.changes |= step.verdict.is_recorded();
        self.publishes |= step.verdict.is_published();
        let is_held = matches!(step.verdict, Verdict::Hold | Verdict::StillHeld);
        self.whole &= !(step.conflict || step.fault || is_held);
        self.guard(step)?;
        if step.conflict {
            rejects.add(conflict(step)?);
        }
        if self.counted.contains(&step.entity) {
            self.count(step);
        }
        Ok(())
    }

    fn count(&mut self, step: &Step) {
        let counts = &mut self.counts;
        if step.conflict || step.fault {
            counts.reject += step.rows;
            return;
        }
        counts.duplicate += step.rows.saturating_sub(1);
        match step.verdict {
            Verdict::Add => counts.add += 1,
            Verdict::Change => counts.change += 1,
            Verdict::Unchanged => counts.unchanged += 1,
            Verdict::Hold | Verdict::StillHeld => counts.unmatched += 1,
            Verdict::EndAbsent => counts.end += 1,
            Verdict::EndDelta => {
                counts.end += 1;
                counts.change += 1;
            }
            Verdict::DropHeld => {}
        }
    }

    fn guard(&mut self, step: &Step) -> Result<(), HubError> {
        let guard = self.guards.entry(step.entity).or_default();
        match step.verdict {
            Verdict::Add => guard.added += 1,
            Verdict::Unchanged | Verdict::Change => guard.live += 1,
            Verdict::EndAbsent => {
                guard.live += 1;
                guard.ends += 1;
            }
            _ => return Ok(()),
        }
        let (Some(old), true) = (&step.old, step.entity != Entity::School) else { return Ok(()) };
        let row = Row::decode(&old.detail)?;
        let Some(school) = row.school() else { return Ok(()) };
        if !guard.schools.contains_key(school) {
            guard.schools.insert(school.to_owned(), SchoolGuard::default());
        }
        let school = guard.schools.get_mut(school).expect("just inserted");
        if step.verdict == Verdict::EndAbsent {
            school.ends += 1;
        } else {
            school.kept += 1;
        }
        Ok(())
    }

    /// What was found, and whether a person must be asked.
    pub(crate) fn finish(
        self,
        rejects_are_guarded: bool,
        covered: Vec<SchoolCoverage>,
        notes: Notes,
    ) -> Gated {
        let hold = if rejects_are_guarded { self.guards.values().find_map(Guard::hold) } else { None };
        let Self { counts, changes, publishes, whole, .. } = self;
        Gated { counts, hold, changes, publishes, whole, covered, notes }
    }
}

impl Guard {
    /// The rules of the contract: more than half of all keys ended with as many added; a school that vanished or would
    /// lose more than half; more than 10 % of all.
    fn hold(&self) -> Option<Held> {
        let many = |ends: u64| ends >= FLOOR;
        let reason = if many(self.ends) && self.ends * 2 > self.live && self.added >= self.ends {
            "ids_changed"
        } else if self.schools.values().any(|school| many(school.ends) && school.ends > school.kept) {
            "school"
        } else if many(self.ends) && self.ends * 10 > self.live {
            "file"
        } else {
            return None;
        };
        Some(Held {
            reason: reason.to_owned(),
            would_end: self.ends,
            schools: self
                .schools
                .iter()
                .filter(|(_, school)| school.ends > 0)
                .map(|(name, school)| SchoolEnds { school: name.clone(), would_end: school.ends })
                .collect(),
        })
    }
}

/// The one reject that names every line of a key whose rows disagree.
fn conflict(step: &Step) -> Result<Reject, HubError> {
    let row = match (&step.new.detail[..], &step.old) {
        ([], Some(old)) => Row::decode(&old.detail)?,
        (detail, _) => Row::decode(detail)?,
    };
    let lines: Vec<String> = step.lines.iter().map(u32::to_string).collect();
    let what = match row.entity() {
        Entity::Attendance => "That day counts as unknown until the source says one thing.",
        _ => "One of them is used, always the same one, until the source says one thing.",
    };
    Ok(Reject {
        file: None,
        row: step.lines.first().map(|line| u64::from(*line)),
        column: None,
        code: RejectCode::ConflictingRows,
        value_class: String::new(),
        help: format!("Rows {} have the same key and disagree. {what}", lines.join(", ")),
        claims: Claims::default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(live: u64, added: u64, schools: &[(&str, u64, u64)]) -> Guard {
        Guard {
            live,
            added,
            ends: schools.iter().map(|(_, _, ends)| ends).sum(),
            schools: schools
                .iter()
                .map(|(name, kept, ends)| ((*name).to_owned(), SchoolGuard { kept: *kept, ends: *ends }))
                .collect(),
        }
    }

    #[test]
    fn the_guard_counts_rows_that_would_end() {
        for (name, guard, expected) in [
            ("a tenth exactly", guard(100, 0, &[("1", 90, 10)]), None),
            ("more than a tenth", guard(109, 0, &[("1", 98, 11)]), Some("file")),
            ("a tenth of few rows", guard(20, 0, &[("1", 11, 9)]), None),
            ("a school vanished", guard(1000, 0, &[("1", 985, 0), ("2", 0, 15)]), Some("school")),
            ("half a school", guard(1000, 0, &[("1", 970, 0), ("2", 15, 15)]), None),
            ("more than half a school", guard(1000, 0, &[("1", 970, 0), ("2", 14, 16)]), Some("school")),
            ("all ids changed", guard(100, 100, &[("1", 0, 100)]), Some("ids_changed")),
            ("all gone", guard(100, 3, &[("1", 0, 100)]), Some("school")),
            ("nothing ends", guard(100, 500, &[("1", 100, 0)]), None),
        ] {
            assert_eq!(guard.hold().map(|held| held.reason).as_deref(), expected, "{name}");
        }
    }
}
