//! Enrolments whose row is gone: the child left on the day before, moved within the district, or the row was corrected.

use std::borrow::Cow;

use jiff::civil::Date;
use signalbox_connector::AbsentRows;
use signalbox_event::rows::{Day, EnrollmentRow};
use signalbox_event::{Body, Status};
use signalbox_hub::HubError;
use signalbox_hub::calendar::Calendars;
use signalbox_store::feed::{LedgerRow, LedgerStatus};

use super::one_key::ended;
use super::{Departure, Step, Verdict};
use crate::row::{Mark, Row, content_hash};

/// An entry date that moves by at most so many school days is the same enrolment, mended.
const SAME_WITHIN: usize = 20;
/// For so many school days a roster may have both where a child was and where it went.
const TRANSFER_WITHIN: usize = 20;

/// What stands in the key of an enrolment between the row's key and the last day there.
const UNTIL: &str = " until ";

/// What is needed to say when somebody left.
#[derive(Clone, Copy)]
pub(super) struct Leaving<'a> {
    pub calendars: &'a Calendars,
    /// The day on which the payload is read; never before that on which the one before was, whatever the clock says.
    pub read_on: Date,
    /// When it is read, in ms since 1970.
    pub read_ms: i64,
    pub absent_rows: AbsentRows,
    pub school_year: u16,
}

/// An enrolment as it stands in a step.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stint {
    school: String,
    key: Option<String>,
    entry: Date,
    exit: Option<Date>,
}

impl Leaving<'_> {
    /// Settles what becomes of one student's enrolments that are gone, or are another under their row key.
    pub(super) fn settle(&self, steps: &mut Vec<Step>) -> Result<(), HubError> {
        if self.absent_rows == AbsentRows::Erase {
            return Ok(());
        }
        came_back(steps, self.read_ms)?;
        self.leave_gone(steps)?;
        let moved = steps.iter().map(|step| self.moved(step)).collect::<Result<Vec<_>, _>>()?;
        for step in moved.into_iter().flatten() {
            again(steps, step);
        }
        steps.sort_by_key(Step::key);
        Ok(())
    }

    fn leave_gone(&self, steps: &mut [Step]) -> Result<(), HubError> {
        if !steps.iter().any(|step| step.verdict.is_end()) {
            return Ok(());
        }
        let stints = steps.iter().map(stint).collect::<Result<Vec<_>, _>>()?;
        for at in 0..steps.len() {
            let Some(gone) = stints[at].as_ref().filter(|_| steps[at].verdict.is_end()) else { continue };
            if let Some(mended) = self.mended(gone, steps, &stints) {
                steps[at].verdict = Verdict::Corrected;
                steps[mended].verdict = Verdict::Corrects;
                continue;
            }
            let elsewhere = present(steps, &stints).filter(|(step, other)| {
                other.school != gone.school && other.entry >= gone.entry && self.is_transfer(step, other)
            });
            let first_elsewhere = elsewhere.map(|(_, other)| other.entry).min();
            let left = self.left(first_elsewhere);
            // One that is over by then, or has not begun, keeps nobody at the school.
            let is_now = |other: &Stint| {
                other.entry <= self.read_on && other.exit.is_none_or(|exit| exit >= self.read_on)
            };
            let now = |here: bool| {
                present(steps, &stints)
                    .any(|(_, other)| (other.school == gone.school) == here && is_now(other))
            };
            steps[at].departure = match (now(true), now(false)) {
                (true, _) => Departure::Stays,
                (false, true) => Departure::Moves,
                (false, false) => Departure::Leaves,
            };
            self.leave(&mut steps[at], gone, left)?;
        }
        Ok(())
    }

    /// Whether an entry elsewhere is where the child went: the payload brings it, or it is recent, as a roster may have
    /// both for a while. Beside one that has lasted longer the child was at both schools.
    fn is_transfer(&self, step: &Step, other: &Stint) -> bool {
        let is_recent =
            || self.school_days_between(&other.school, other.entry, self.read_on) <= TRANSFER_WITHIN;
        step.verdict == Verdict::Add || is_recent()
    }

    /// The new row that says the same with another entry date.
    fn mended(&self, gone: &Stint, steps: &[Step], stints: &[Option<Stint>]) -> Option<usize> {
        let is_it = |at: &usize| {
            let new = &steps[*at];
            let is_new = new.verdict == Verdict::Add;
            stints[*at].as_ref().filter(|_| is_new).is_some_and(|stint| {
                gone.key.is_none()
                    && stint.key.is_none()
                    && stint.school == gone.school
                    && self.school_days_between(&gone.school, gone.entry, stint.entry) <= SAME_WITHIN
            })
        };
        (0..steps.len()).find(is_it)
    }

    /// Some tools keep a row's key when its student moves to another school or term: that they were there before stands,
    /// under a key of its own.
    fn moved(&self, step: &Step) -> Result<Option<Step>, HubError> {
        let (Verdict::Change, Some(old), Some(new)) = (step.verdict, &step.old, &step.new) else {
            return Ok(None);
        };
        let (Some(before), Some(after)) = (stint_of(&old.detail)?, stint_of(&new.detail)?) else {
            return Ok(None);
        };
        let is_later = after.entry > before.entry;
        // Another school from the same day on: one of the two was a slip of the pen.
        let is_another = is_later
            && (before.school != after.school
                || self.school_days_between(&before.school, before.entry, after.entry) > SAME_WITHIN);
        let left = self.left(Some(after.entry));
        let left = before.exit.map_or(left, |exit| exit.min(left));
        if !is_another || left < before.entry {
            return Ok(None);
        }
        let mut row = Row { mark: Mark::None, ..Row::decode(&old.detail)? };
        if let Body::Enrollment(EnrollmentRow { key: Some(key), exit, .. }) = &mut row.body {
            *key = format!("{key}{UNTIL}{left}").into();
            *exit = Some(Day::from(left));
        }
        let mut detail = Vec::with_capacity(old.detail.len());
        row.encode(&mut detail);
        let key = row.ledger_key(&mut String::new());
        let content = content_hash(&detail);
        let (status, read_ms) = (LedgerStatus::Ended, self.read_ms);
        let stood = LedgerRow { key, content, revision: 1, status, read_ms, detail };
        let (slot, school_year) = (step.slot, step.school_year);
        let publish = Some(Status::Active);
        Ok(Some(Step { new: Some(stood), publish, ..Step::new(slot, school_year, Verdict::Left, None) }))
    }

    fn school_days_between(&self, school: &str, one: Date, other: Date) -> usize {
        let (first, last) = (one.min(other), one.max(other));
        match self.calendars.of(school, self.school_year) {
            Some(year) => year.days.iter().filter(|day| first < **day && **day <= last).count(),
            None => last.duration_since(first).as_hours().unsigned_abs() as usize / 24 * 5 / 7,
        }
    }

    /// The last day there: that before the payload was read, and not after the day before an entry elsewhere.
    fn left(&self, first_elsewhere: Option<Date>) -> Date {
        let first_out = first_elsewhere.map_or(self.read_on, |entry| entry.min(self.read_on));
        first_out.yesterday().unwrap_or(Date::MIN)
    }

    /// Gone after that day; where it lies before its own entry, it never was.
    fn leave(&self, step: &mut Step, gone: &Stint, left: Date) -> Result<(), HubError> {
        if left < gone.entry {
            return Ok(());
        }
        let Some(old) = &step.old else { return Ok(()) };
        let last_of_year = self.calendars.of(&gone.school, self.school_year).map(|year| year.last);
        let ends_anyway = [gone.exit, last_of_year].into_iter().flatten().min();
        let mut new = old.clone();
        new.status = LedgerStatus::Ended;
        if ends_anyway.is_some_and(|end| end <= left) {
            // No day of it changes.
            step.publish = None;
            step.departure = Departure::Stays;
        } else {
            let mut row = Row::decode(&old.detail)?;
            if let Body::Enrollment(row) = &mut row.body {
                row.exit = Some(Day::from(left));
            }
            row.mark = Mark::None;
            new.read_ms = self.read_ms;
            let mut detail = Vec::with_capacity(old.detail.len());
            row.encode(&mut detail);
            new.content = content_hash(&detail);
            new.detail = detail;
            new.revision = old.revision + 1;
            step.publish = Some(Status::Active);
        }
        step.new = Some(new);
        Ok(())
    }
}

/// Whether a ledger row is what stands of an enrolment whose row key moved on.
pub(super) fn has_moved_on(row: &Row<'_>) -> bool {
    matches!(&row.body, Body::Enrollment(row) if row.key.as_deref().is_some_and(|key| key.contains(UNTIL)))
}

/// Adds what stands of an enrolment; where it stood before and was taken back, it goes on from there.
fn again(steps: &mut Vec<Step>, mut step: Step) {
    let Some(before) = steps.iter_mut().find(|before| before.key() == step.key()) else {
        return steps.push(step);
    };
    if let (Some(new), Some(old)) = (&mut step.new, &before.old) {
        new.revision = old.revision + 1;
    }
    step.old.clone_from(&before.old);
    *before = step;
}

/// A row key that is back where it was never moved on.
fn came_back(steps: &mut [Step], read_ms: i64) -> Result<(), HubError> {
    let stints = steps.iter().map(stint).collect::<Result<Vec<_>, _>>()?;
    for at in 0..steps.len() {
        let (Verdict::Untouched, Some(past), Some(old)) = (steps[at].verdict, &stints[at], &steps[at].old)
        else {
            continue;
        };
        if old.content == 0 {
            continue;
        }
        let Some((key, _)) = past.key.as_deref().and_then(|key| key.split_once(UNTIL)) else { continue };
        let is_it = |(step, stint): (&Step, &Option<Stint>)| {
            let stint = stint.as_ref().filter(|_| step.verdict == Verdict::Change);
            stint.is_some_and(|now| {
                now.key.as_deref() == Some(key) && now.school == past.school && now.entry <= past.entry
            })
        };
        if steps.iter().zip(&stints).any(is_it) {
            let new = ended(old, read_ms);
            steps[at].new = Some(new);
            steps[at].verdict = Verdict::Corrected;
            steps[at].publish = Some(Status::ToBeDeleted);
        }
    }
    Ok(())
}

/// Those whose row the payload has.
fn present<'s>(
    steps: &'s [Step],
    stints: &'s [Option<Stint>],
) -> impl Iterator<Item = (&'s Step, &'s Stint)> {
    let stays = |step: &Step| {
        matches!(
            step.verdict,
            Verdict::Add | Verdict::Corrects | Verdict::Change | Verdict::Unchanged | Verdict::Untouched
        )
    };
    let never_was = |step: &Step| step.new.is_none() && step.old.as_ref().is_some_and(|old| old.content == 0);
    let present = steps.iter().zip(stints).filter(move |(step, _)| stays(step) && !never_was(step));
    present.filter_map(|(step, stint)| stint.as_ref().map(|stint| (step, stint)))
}

fn stint(step: &Step) -> Result<Option<Stint>, HubError> {
    let newest = match (&step.new, &step.old) {
        (Some(new), _) if !new.detail.is_empty() => new,
        (_, Some(old)) => old,
        _ => return Ok(None),
    };
    stint_of(&newest.detail)
}

fn stint_of(detail: &[u8]) -> Result<Option<Stint>, HubError> {
    let row = Row::decode(detail)?;
    let Body::Enrollment(row) = row.body else { return Ok(None) };
    Ok(Some(Stint {
        school: row.school.into_owned(),
        key: row.key.map(Cow::into_owned),
        entry: row.entry.into(),
        exit: row.exit.map(Into::into),
    }))
}
