//! The gate: what a payload would do is counted, and a person asked, before anything is done. `guard`: how much may go;
//! `moved`: what only goes to another school.

mod guard;
mod moved;

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use signalbox_connector::{Entity, Reject, RejectCode};
use signalbox_event::data::SchoolCoverage;
use signalbox_event::rows::Role;
use signalbox_hub::HubError;
use signalbox_store::feed::{Hold, LedgerRow, LedgerStatus};

use self::guard::Guard;
use self::moved::Gone;
use super::diff::{Departure, Step, Verdict, marked};
use super::doubt::{Book, Place};
use super::extent;
use super::read::{Notes, ReadIn};
use super::rejects::RejectBook;
use super::returned::Returned;
use super::row::{Mark, Row};

/// The reason of a payload of which too much could not be used.
pub(crate) const UNUSABLE: &str = "unusable";
/// The reason that keeps back only some schools' ends.
pub(crate) const SCHOOL: &str = "school";
/// Fewer unusable rows never hold a payload up, unless there is no other.
const UNUSABLE_FLOOR: u64 = 10;

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
    /// Ledger rows that are missing and stand on: the payload may end before them, or have them in a row that could not
    /// be used.
    #[serde(default)]
    pub doubtful: u64,
    /// Values of columns that are not required, left out because they could not be used.
    #[serde(default)]
    pub left_out: u64,
}

/// Why a payload, or a part of it, waits for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// `file`, `school`, `students`, `ids_changed` or `unusable`.
    pub reason: String,
    pub would_end: u64,
    pub schools: Vec<SchoolEnds>,
}

impl Held {
    /// Whether nothing of the payload goes through meanwhile.
    pub(crate) fn is_whole(&self) -> bool {
        self.reason != SCHOOL
    }

    fn names(&self, school: &str) -> bool {
        self.schools.iter().any(|ends| ends.school == school)
    }
}

/// Rows that would end at one school.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchoolEnds {
    pub school: String,
    pub would_end: u64,
}

/// What the gate found: kept with the run, so that a resumed run does not judge again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Gated {
    /// What this rests on besides the payload; when that changed, it is judged again.
    pub basis: String,
    pub counts: Counts,
    pub hold: Option<Held>,
    /// Schools whose rows do not end, by entity.
    pub kept_back: BTreeSet<(u16, String)>,
    /// Those of them that did not wait before: what comes there now may stand in the place of what is missing.
    #[serde(default)]
    pub newly_held: BTreeSet<(u16, String)>,
    /// Whether anything is to be published or recorded.
    pub changes: bool,
    /// Every row could be used and stands in the ledger as the payload has it.
    pub whole: bool,
    pub covered: Vec<SchoolCoverage>,
    pub notes: Notes,
    /// What the next payload's doubt is measured by.
    pub book: Book,
    /// Rows that were in doubt before and are back.
    #[serde(default)]
    pub returned: Returned,
}

impl Gated {
    /// Whether rows of the payload go into the ledger and on the log.
    pub(crate) fn publishes(&self) -> bool {
        self.changes && !self.hold.as_ref().is_some_and(Held::is_whole)
    }

    /// What is done of a step. At a school whose ends wait for a person, what would end stands on; that, and what came beside
    /// it, is marked: by the next payload one is to be told from the other.
    pub(crate) fn allowed(&self, mut step: Step) -> Result<Step, HubError> {
        if self.kept_back.is_empty() || step.slot.waits {
            return Ok(step);
        }
        let row = step.row()?;
        let school = row.as_ref().and_then(|row| row.school()).unwrap_or_default();
        if !is_kept_back(&self.kept_back, step.slot.entity as u16, school) {
            return Ok(step);
        }
        let place = (step.slot.entity as u16, school.to_owned());
        let is_asked_about = self.hold.as_ref().is_some_and(|hold| hold.names(school));
        let is_marked = is_asked_about && is_about_students(step.slot.entity);
        let is_kept = step.verdict.is_end() && !step.unmissed;
        let was = step.old.as_ref().map(|old| Row::decode(&old.detail)).transpose()?;
        let was_beside = was.as_ref().is_some_and(|row| row.mark == Mark::Beside);
        let is_beside = match step.verdict {
            Verdict::Add => self.newly_held.contains(&place),
            Verdict::Change => was_beside,
            _ => false,
        };
        let new = match (&step.old, &step.new) {
            (Some(old), _) if is_kept && is_marked && !was_beside => mark_as(Mark::KeptBack, old)?,
            (_, Some(new)) if is_beside && is_marked => mark_as(Mark::Beside, new)?,
            _ if is_kept || was_beside && step.verdict == Verdict::Unchanged => None,
            _ => return Ok(step),
        };
        if is_kept {
            step.publish = None;
        }
        step.new = new;
        Ok(step)
    }
}

/// The row with a mark, if it counts and has not this one.
fn mark_as(mark: Mark, stands: &LedgerRow) -> Result<Option<LedgerRow>, HubError> {
    let row = Row::decode(&stands.detail)?;
    if row.mark == mark {
        return Ok(None);
    }
    Ok(Some(marked(stands, &Row { mark, ..row })))
}

/// Students and schools go only when nothing is kept back.
fn is_kept_back(kept_back: &BTreeSet<(u16, String)>, entity: u16, school: &str) -> bool {
    let whole_entity = Entity::ALL.iter().any(|one| one.names_identity() && *one as u16 == entity);
    !kept_back.is_empty() && (whole_entity || kept_back.contains(&(entity, school.to_owned())))
}

/// Counts steps.
pub(crate) struct Tally {
    counted: Vec<Entity>,
    counts: Counts,
    changes: bool,
    whole: bool,
    run_day: Date,
    /// That of the day on which the payload is read.
    school_year: u16,
    /// By entity and school year.
    guards: BTreeMap<(Entity, u16), Guard>,
    /// Entities of which no school may go as a whole.
    always_have_rows: BTreeSet<Entity>,
    /// Places because of which rows stand on.
    stood: BTreeSet<Place>,
}

impl Tally {
    pub(crate) fn new(counted: &[Entity], read: &ReadIn, run_day: Date) -> Self {
        let always = Entity::ALL.iter().copied().filter(|entity| extent::always_has_rows(read, *entity));
        Self {
            counted: counted.to_vec(),
            counts: Counts {
                rows: read.rows,
                reject: read.rejected,
                left_out: read.left_out,
                ..Counts::default()
            },
            changes: false,
            whole: read.rejected == 0 && read.left_out == 0,
            run_day,
            school_year: read.year,
            guards: BTreeMap::new(),
            always_have_rows: always.collect(),
            stood: BTreeSet::new(),
        }
    }

    pub(crate) fn step(&mut self, step: &Step, rejects: &mut RejectBook) -> Result<(), HubError> {
        self.changes |= step.new.is_some();
        let stands_on =
            matches!(step.verdict, Verdict::Hold | Verdict::StillHeld | Verdict::Doubted | Verdict::Late);
        self.whole &= !(step.conflict || step.fault || stands_on);
        if step.conflict {
            rejects.add(conflict(step));
        }
        self.stood.extend(step.doubted_by.iter().cloned());
        if !step.slot.waits {
            self.guard(step)?;
        }
        if self.counted.contains(&step.slot.entity) {
            self.count(step)?;
        }
        Ok(())
    }

    fn count(&mut self, step: &Step) -> Result<(), HubError> {
        let counts = &mut self.counts;
        if step.conflict || step.fault {
            counts.reject += step.rows;
            return Ok(());
        }
        counts.duplicate += step.rows.saturating_sub(1);
        let row = step.rows.min(1);
        match step.verdict {
            Verdict::Add => counts.add += row,
            Verdict::Change | Verdict::Corrects => counts.change += row,
            Verdict::Unchanged => counts.unchanged += row,
            Verdict::Hold | Verdict::StillHeld => counts.unmatched += row,
            Verdict::EndDelta => {
                counts.end += 1;
                counts.change += row;
            }
            // It was over by then: nothing of it changes.
            Verdict::EndAbsent | Verdict::EndVanished if step.publish.is_none() => {}
            Verdict::Late | Verdict::Doubted | Verdict::EndAbsent | Verdict::EndVanished => {
                if step.row()?.is_some_and(|row| row.is_counted()) {
                    let is_end = step.verdict.is_end();
                    *(if is_end { &mut counts.end } else { &mut counts.doubtful }) += 1;
                }
            }
            Verdict::DropHeld | Verdict::Corrected | Verdict::Left | Verdict::Untouched => {}
        }
        Ok(())
    }

    fn guard(&mut self, step: &Step) -> Result<(), HubError> {
        let entity = step.slot.entity;
        let before = match &step.old {
            Some(old) if step.verdict != Verdict::Add => Some((old.status, Row::decode(&old.detail)?)),
            _ => None,
        };
        // A day that the payload brings.
        let is_new = matches!(step.verdict, Verdict::Add | Verdict::Change) && step.rows > 0;
        let said = if is_new && entity == Entity::Attendance { step.row()? } else { None };
        let said = said.and_then(|row| row.date());
        let guard = self.guards.entry((entity, step.school_year)).or_insert_with(|| {
            let mut guard = Guard::default();
            guard.always_has_rows = self.always_have_rows.contains(&entity);
            guard.counts_students = entity.role() == Role::Fact;
            guard
        });
        if let Some(date) = said {
            guard.said(step.group(), date);
        }
        let Some((status, row)) = before else {
            guard.added += u64::from(step.verdict == Verdict::Add && step.rows > 0);
            return Ok(());
        };
        // What is of a later school year counts nowhere yet.
        let is_to_come = step.school_year > self.school_year && row.date() > Some(self.run_day);
        if status != LedgerStatus::Live || !row.is_counted() || step.unmissed || is_to_come {
            return Ok(());
        }
        let is_lost = step.verdict.is_end() && step.departure == Departure::Leaves;
        match row.mark {
            Mark::Beside => {
                guard.beside(row.school().unwrap_or_default(), step.verdict.is_end());
                return Ok(());
            }
            Mark::KeptBack => guard.was_kept_back(row.school().unwrap_or_default(), is_lost),
            Mark::None | Mark::Doubtful => {}
        }
        let verdict = if step.departure == Departure::Stays { Verdict::Unchanged } else { step.verdict };
        let school = if step.slot.entity == Entity::School { None } else { row.school() };
        let is_today = row.date() == Some(self.run_day);
        let school = school.unwrap_or_default();
        match row.date() {
            Some(date) if entity == Entity::Attendance && (verdict.is_end() || verdict == Verdict::Late) => {
                guard.gone(step.group(), Gone { school: school.to_owned(), date, verdict, is_today });
            }
            _ => guard.row(school, step.group(), verdict, is_today),
        }
        if step.departure == Departure::Moves {
            guard.moves(school);
        }
        Ok(())
    }

    /// What was found, and whether a person must be asked. `approved`: the hold that a person approved.
    pub(crate) fn finish(mut self, read: &ReadIn, before: &Book, approved: Option<&Hold>) -> Gated {
        self.guards.values_mut().for_each(Guard::finish);
        let (mut hold, kept_back) = match approved {
            Some(approved) => self.as_shown(approved),
            None => self.ask(read, before),
        };
        if let Some(held) = hold.as_mut().filter(|held| held.is_whole()) {
            self.guards.values_mut().for_each(Guard::count_beside);
            *held = self.held(&held.reason);
        }
        let ends: Vec<_> = self
            .guards
            .iter()
            .flat_map(|((entity, _), guard)| guard.ends_by_school().map(|ends| (*entity as u16, ends)))
            .map(|(entity, ends)| ((entity, ends.school), ends.would_end))
            .collect();
        let is_kept = |(entity, school): &(u16, String)| is_kept_back(&kept_back, *entity, school);
        let mut counts = self.counts;
        if hold.as_ref().is_none_or(|held| !held.is_whole()) {
            let is_counted = |entity: u16| self.counted.iter().any(|counted| *counted as u16 == entity);
            let kept = ends.iter().filter(|(place, _)| is_counted(place.0) && is_kept(place));
            let kept: u64 = kept.map(|(_, rows)| rows).sum();
            counts.end -= kept.min(counts.end);
            // Those of schools that nobody is asked about.
            counts.doubtful += kept.saturating_sub(hold.as_ref().map_or(0, |held| held.would_end));
        }
        let newly_held = self.guards.iter().flat_map(|((entity, _), guard)| {
            guard.newly_held().map(|school| (*entity as u16, school.to_owned()))
        });
        let newly_held = newly_held.collect();
        let unusable = (counts.reject + counts.unmatched).saturating_sub(read.outside_years);
        self.stood.extend(read.unheard.iter().cloned());
        Gated {
            basis: String::new(),
            book: read.doubt.book(counts.rows, unusable, &self.stood),
            counts,
            hold,
            whole: self.whole && kept_back.is_empty(),
            covered: covered(read, &kept_back),
            kept_back,
            newly_held,
            changes: self.changes,
            notes: read.notes.clone(),
            returned: Returned::default(),
        }
    }

    fn ask(&self, read: &ReadIn, before: &Book) -> (Option<Held>, BTreeSet<(u16, String)>) {
        let unusable = (self.counts.reject + self.counts.unmatched).saturating_sub(read.outside_years);
        if is_unusable(self.counts.rows, self.counts.reject, unusable, before) {
            return (Some(self.held(UNUSABLE)), BTreeSet::new());
        }
        let mut kept_back = BTreeSet::new();
        let mut schools = Vec::new();
        for ((entity, _), guard) in self.guards.iter().filter(|((entity, _), _)| is_about_students(*entity)) {
            let held = guard.schools();
            if let Some(whole) = guard.whole(&held) {
                return (Some(self.held(whole.as_str())), BTreeSet::new());
            }
            schools.extend(guard.ends_by_school().filter(|ends| held.contains(ends.school.as_str())));
            let stay = held.iter().copied().chain(guard.vanished());
            kept_back.extend(stay.map(|school| (*entity as u16, school.to_owned())));
        }
        if !schools.is_empty() {
            let would_end = schools.iter().map(|school| school.would_end).sum();
            return (Some(Held { reason: SCHOOL.to_owned(), would_end, schools }), kept_back);
        }
        let others = self.guards.iter().filter(|((entity, _), _)| !is_about_students(*entity));
        let whole =
            others.filter(|_| kept_back.is_empty()).find_map(|(_, guard)| guard.whole(&BTreeSet::new()));
        (whole.map(|whole| self.held(whole.as_str())), kept_back)
    }

    /// Ends what a person was shown. Where that would be more by now, it waits anew.
    fn as_shown(&self, approved: &Hold) -> (Option<Held>, BTreeSet<(u16, String)>) {
        let shown: Vec<SchoolEnds> = serde_json::from_str(&approved.schools).unwrap_or_default();
        let mut shown_at: BTreeMap<&str, u64> = BTreeMap::new();
        for shown in &shown {
            *shown_at.entry(&shown.school).or_default() += shown.would_end;
        }
        let by_school = approved.reason == SCHOOL;
        let mut kept_back = BTreeSet::new();
        let mut ends: BTreeMap<String, u64> = BTreeMap::new();
        for (entity, losing) in self.losing() {
            if by_school && !shown_at.contains_key(&*losing.school) {
                kept_back.insert((entity as u16, losing.school));
            } else {
                *ends.entry(losing.school).or_default() += losing.would_end;
            }
        }
        let is_more_at = |(school, ends): (&String, &u64)| {
            !school.is_empty() && shown_at.get(&**school).is_none_or(|shown| ends > shown)
        };
        let is_more = ends.values().sum::<u64>() > approved.would_end || ends.iter().any(is_more_at);
        (is_more.then(|| self.held(&approved.reason)), kept_back)
    }

    /// What would end of what is about students at schools; where nothing of that would, all that would.
    fn losing(&self) -> Vec<(Entity, SchoolEnds)> {
        let of = |about_students: bool| {
            let guards = self
                .guards
                .iter()
                .filter(move |((entity, _), _)| is_about_students(*entity) == about_students);
            guards.flat_map(|((entity, _), guard)| guard.ends_by_school().map(|ends| (*entity, ends)))
        };
        let losing: Vec<_> = of(true).collect();
        if losing.is_empty() { of(false).collect() } else { losing }
    }

    fn held(&self, reason: &str) -> Held {
        let losing = self.losing();
        Held {
            reason: reason.to_owned(),
            would_end: losing.iter().map(|(_, ends)| ends.would_end).sum(),
            schools: losing
                .into_iter()
                .map(|(_, ends)| ends)
                .filter(|ends| !ends.school.is_empty())
                .collect(),
        }
    }
}

/// What the payload covers. Of a school whose rows are not believed to be gone, its silence is not believed either.
fn covered(read: &ReadIn, kept_back: &BTreeSet<(u16, String)>) -> Vec<SchoolCoverage> {
    let mut covered = read.covered.clone();
    for school in &mut covered {
        let first_heard = read.first_heard.get(&school.school);
        if is_kept_back(kept_back, Entity::Attendance as u16, &school.school) {
            school.doubtful = first_heard.cloned().unwrap_or_default().into();
        }
    }
    covered
}

const fn is_about_students(entity: Entity) -> bool {
    !entity.names_identity()
}

/// More than a tenth of the rows, at least ten, and a share five points above that of the last accepted payload, could not
/// be used or matched; or every row was a reject.
fn is_unusable(rows: u64, rejects: u64, unusable: u64, before: &Book) -> bool {
    if rows > 0 && rejects == rows && unusable > 0 {
        return true;
    }
    let above_before = unusable * before.rows * 20 >= rows * (before.rows + 20 * before.unusable);
    unusable >= UNUSABLE_FLOOR && unusable * 10 > rows && above_before
}

/// The one reject that names every line of a key whose rows disagree.
fn conflict(step: &Step) -> Reject {
    let named: Vec<String> = step.lines.iter().map(u32::to_string).collect();
    let more = step.rows.saturating_sub(named.len() as u64);
    let lines = if more > 0 { format!("{} and {more} more", named.join(", ")) } else { named.join(", ") };
    let what = step.slot.entity.while_disputed();
    Reject {
        file: None,
        row: step.lines.first().map(|line| u64::from(*line)),
        column: None,
        code: RejectCode::ConflictingRows,
        value_class: String::new(),
        help: format!("Rows {lines} have the same key and disagree. {what}"),
        claims: Box::default(),
        mark: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_much_that_cannot_be_used() {
        let before = |rows, unusable| crate::doubt::Doubt::default().book(rows, unusable, &BTreeSet::new());
        for (name, rows, unusable, before, expected) in [
            ("a tenth", 100, 10, before(0, 0), false),
            ("more than a tenth, at the first load", 100, 11, before(0, 0), true),
            ("few rows", 50, 9, before(0, 0), false),
            ("few that are not matched", 3, 3, before(100, 0), false),
            ("no rows", 0, 0, before(100, 0), false),
            ("as the night before", 400, 50, before(400, 50), false),
            ("five points more", 400, 70, before(400, 50), true),
            ("four points more", 400, 66, before(400, 50), false),
        ] {
            assert_eq!(is_unusable(rows, 0, unusable, &before), expected, "{name}");
        }
        assert!(is_unusable(3, 3, 3, &before(100, 0)), "all of few");
    }
}
