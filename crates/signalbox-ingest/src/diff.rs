//! The comparison of a payload with the ledger: two ordered scans, merged. `ledger`: its side, page by page; `step`: what comes
//! of a key, and `one_key`: why; `leaving`: what becomes of enrolments that are gone.

mod leaving;
mod ledger;
mod one_key;
mod step;

use std::collections::{BTreeSet, HashSet, VecDeque};

use jiff::civil::Date;
use signalbox_connector::{AbsentRows, Entity};
use signalbox_event::{Body, Status, StudentKey};
use signalbox_hub::calendar::Standing;
use signalbox_hub::{HubError, Settings};
use signalbox_store::feed::{FeedStore, LedgerKey, LedgerRow, LedgerStatus, before};

use self::leaving::Leaving;
pub(crate) use self::ledger::{Group, group};
use self::ledger::{Ledger, first_of};
pub(crate) use self::one_key::marked;
use self::one_key::{Incoming, dropped, ended, is_inferred, matched, stays_longer, waiting};
pub(crate) use self::step::{Departure, Step, Verdict};
use super::doubt::Doubt;
use super::extent::{Judged, Missing, Speaks};
use super::read::ReadIn;
use super::row::{Mark, Row, Slot, Waiting, content_hash};
use super::sort::{ENDS, FAULT, Rows};

/// Enrolments of a student that are looked up at a time.
const STINTS: usize = 64;

/// As many lines of rows with one key are named.
const LINES: usize = 20;

/// Keeps the lines that stand first.
fn first_of_all(lines: &mut Vec<u32>) {
    lines.sort_unstable();
    lines.truncate(LINES);
}

/// What a payload is compared by.
#[derive(Clone, Copy)]
pub(crate) struct By<'a> {
    pub feeds: &'a dyn FeedStore,
    pub feed: &'a str,
    pub settings: &'a Settings,
    /// The day on which the payload is read; never before that on which the one before was, whatever the clock says.
    pub read_on: Date,
    /// When it is read, in ms since 1970.
    pub read_ms: i64,
    pub judged: &'a [Judged],
}

/// Walks payload and ledger together.
pub(crate) struct Diff<'a> {
    by: By<'a>,
    doubt: &'a Doubt,
    succeeded: &'a HashSet<StudentKey>,
    spoken_of: &'a BTreeSet<String>,
    speaks: &'a Speaks,
    /// Slots and school years in which a row of the payload says that it ends another.
    ends: &'a BTreeSet<(u8, u16)>,
    rows: Rows<'a>,
    scopes: VecDeque<(Slot, u16)>,
    current: Option<Ledger>,
    /// Enrolments of the student in hand.
    group: Vec<Step>,
    ready: VecDeque<Step>,
    row: Vec<u8>,
    other: Vec<u8>,
}

impl<'a> Diff<'a> {
    pub(crate) fn new(by: By<'a>, read: &'a ReadIn) -> Result<Self, HubError> {
        let mut scopes: BTreeSet<(Slot, u16)> = BTreeSet::new();
        for judged in by.judged {
            for waits in [false, true] {
                scopes.insert((Slot { waits, entity: judged.entity }, judged.school_year));
            }
        }
        for slot in Slot::all() {
            let of_slot = read.scopes.iter().filter(|(number, _)| *number == slot.number());
            scopes.extend(of_slot.map(|(_, year)| (slot, *year)));
        }
        Ok(Self {
            by,
            doubt: &read.doubt,
            succeeded: &read.succeeded,
            spoken_of: &read.spoken_of,
            speaks: &read.speaks,
            ends: &read.ends,
            rows: read.sorted.rows()?,
            scopes: scopes.into_iter().collect(),
            current: None,
            group: Vec::new(),
            ready: VecDeque::new(),
            row: Vec::new(),
            other: Vec::new(),
        })
    }

    /// The next natural key; keys come in order of slot, school year and ledger key.
    pub(crate) async fn next(&mut self) -> Result<Option<Step>, HubError> {
        loop {
            if let Some(step) = self.ready.pop_front() {
                return Ok(Some(step));
            }
            match self.compare().await? {
                None if self.group.is_empty() => return Ok(None),
                None => self.settle()?,
                Some(step) if step.slot.entity == Entity::Enrollment && !step.slot.waits => {
                    let goes_on = self.group.last().is_none_or(|last| {
                        last.group() == step.group() && last.school_year == step.school_year
                    });
                    if !goes_on {
                        self.settle()?;
                    }
                    self.group.push(step);
                }
                Some(step) if self.group.is_empty() => return Ok(Some(step)),
                Some(step) => {
                    self.settle()?;
                    self.ready.push_back(step);
                }
            }
        }
    }

    fn settle(&mut self) -> Result<(), HubError> {
        let Some(first) = self.group.first() else { return Ok(()) };
        let school_year = first.school_year;
        let judged = self.judged(Entity::Enrollment, school_year);
        let student = first.row()?.and_then(|row| row.student).map(StudentKey::from_uuid);
        // What the person before had under the id, this one never had.
        let absent_rows = match student {
            Some(student) if self.succeeded.contains(&student) => AbsentRows::Erase,
            _ => judged.map_or(AbsentRows::End, |judged| judged.absent_rows),
        };
        let By { settings, read_on, read_ms, .. } = self.by;
        Leaving { calendars: &settings.calendars, read_on, read_ms, absent_rows, school_year }
            .settle(&mut self.group)?;
        self.ready.extend(self.group.drain(..));
        Ok(())
    }

    /// The next natural key, by itself.
    async fn compare(&mut self) -> Result<Option<Step>, HubError> {
        loop {
            let Some(ledger) = &mut self.current else {
                let Some((slot, school_year)) = self.scopes.pop_front() else { return Ok(None) };
                let only_mentioned = !self.looks_at_all(slot, school_year);
                self.current = Some(Ledger::new(slot, school_year, only_mentioned));
                continue;
            };
            let (slot, school_year) = (ledger.slot, ledger.school_year);
            let new = self.rows.peek().filter(|head| head.is_of(slot, school_year)).map(|head| head.key);
            let old = ledger.peek(self.by.feeds, self.by.feed, new.as_ref()).await?.map(|row| row.key);
            let step = match (old, new) {
                (None, None) => {
                    self.current = None;
                    None
                }
                (Some(old), Some(new)) if old == new => {
                    let old = self.take_ledger();
                    Some(self.present(slot, school_year, old)?)
                }
                (Some(old), new) if new.is_none_or(|new| old < new) => {
                    self.missing(slot, school_year).await?
                }
                (_, Some(_)) => Some(self.present(slot, school_year, None)?),
                (Some(_), None) => unreachable!("a ledger row without a row of the payload is missing"),
            };
            if step.is_some() {
                return Ok(step);
            }
        }
    }

    /// Whether rows that the payload does not have are looked at too: what ends is measured by what stands.
    fn looks_at_all(&self, slot: Slot, school_year: u16) -> bool {
        if self.ends.contains(&(slot.number(), school_year)) {
            return true;
        }
        let mut of_entity = self.by.judged.iter().filter(|judged| judged.entity == slot.entity);
        of_entity.any(|judged| slot.waits || judged.school_year == school_year)
    }

    fn take_ledger(&mut self) -> Option<LedgerRow> {
        self.current.as_mut().and_then(Ledger::take)
    }

    fn judged(&self, entity: Entity, school_year: u16) -> Option<&'a Judged> {
        self.by.judged.iter().find(|j| j.entity == entity && j.school_year == school_year)
    }

    /// A ledger row that the payload does not have.
    async fn missing(&mut self, slot: Slot, school_year: u16) -> Result<Option<Step>, HubError> {
        let Some(old) = self.take_ledger() else { return Ok(None) };
        if old.status == LedgerStatus::Ended {
            if slot.entity != Entity::Enrollment || slot.waits {
                return Ok(None);
            }
            let row = Row::decode(&old.detail)?;
            let moved_on = leaving::has_moved_on(&row);
            let student = row.student.map(StudentKey::from_uuid);
            if old.content != 0 && student.is_some_and(|student| self.succeeded.contains(&student)) {
                let (new, publish) = (Some(ended(&old, self.by.read_ms)), Some(Status::ToBeDeleted));
                return Ok(Some(Step {
                    new,
                    publish,
                    ..Step::new(slot, school_year, Verdict::Corrected, Some(old))
                }));
            }
            return Ok(moved_on.then(|| Step::new(slot, school_year, Verdict::Untouched, Some(old))));
        }
        let judged = self.judged(slot.entity, school_year);
        let Some(judged) = judged.filter(|judged| !slot.waits || !judged.is_to_come()) else {
            if !slot.waits {
                return Ok(Some(Step::new(slot, school_year, Verdict::Untouched, Some(old))));
            }
            // A row that waits in another year counts nowhere; once the file does not have it, nobody has to look for it.
            let is_judged = self.by.judged.iter().any(|judged| judged.entity == slot.entity);
            return Ok(is_judged.then(|| dropped(slot, school_year, old)));
        };
        if slot.waits {
            let Waiting { row, school, .. } = Waiting::decode(&old.detail)?;
            let missing = match row.school() {
                Some("") if judged.names(&school) => judged.missing_at(&row, Some(&school)),
                Some("") => judged.missing_of_no_school(&row, &[]),
                _ => judged.missing(&row),
            };
            let goes = matches!(missing, Missing::Ended | Missing::Vanished);
            return Ok(goes.then(|| dropped(slot, school_year, old)));
        }
        let mut row = Row::decode(&old.detail)?;
        let missing = match (row.school(), row.student) {
            (Some(""), Some(_)) if row.date().is_some() => {
                let schools = self.schools_of(&row, &old.key, school_year).await?;
                judged.missing_of_no_school(&row, &schools)
            }
            _ => judged.missing(&row),
        };
        let unmissed = missing != Missing::Outside && self.is_unmissed(&row);
        let doubted_by = match missing {
            Missing::Ended | Missing::Vanished if unmissed => Vec::new(),
            Missing::Ended | Missing::Vanished => self.doubt.on(&row),
            Missing::Outside | Missing::Late => Vec::new(),
        };
        let verdict = match missing {
            Missing::Outside => return Ok(None),
            // Of a school that is not mentioned nothing is known that was not before.
            Missing::Vanished if row.is_silence() => return Ok(None),
            Missing::Late => Verdict::Late,
            Missing::Ended | Missing::Vanished if !doubted_by.is_empty() => Verdict::Doubted,
            Missing::Ended => Verdict::EndAbsent,
            Missing::Vanished => Verdict::EndVanished,
        };
        let new = match verdict {
            Verdict::Late => None,
            Verdict::Doubted => (row.mark != Mark::Doubtful).then(|| {
                row.mark = Mark::Doubtful;
                marked(&old, &row)
            }),
            _ => Some(ended(&old, self.by.read_ms)),
        };
        let publish = verdict.is_end().then_some(Status::ToBeDeleted);
        Ok(Some(Step {
            new,
            publish,
            doubted_by,
            unmissed,
            ..Step::new(slot, school_year, verdict, Some(old))
        }))
    }

    fn is_unmissed(&self, row: &Row<'_>) -> bool {
        let Body::Attendance(day) = &row.body else { return self.speaks.replaces(row) };
        let standing = self.by.settings.calendars.standing(day.date.into(), &day.school, self.by.read_on);
        row.is_counted() && standing != Standing::Counts
    }

    /// Where the row's student was enrolled on its day, as the roster feeds say, of the schools that the feed speaks of.
    async fn schools_of(
        &self,
        row: &Row<'_>,
        key: &LedgerKey,
        school_year: u16,
    ) -> Result<Vec<String>, HubError> {
        let scope = Slot { waits: false, entity: Entity::Enrollment }.scope(school_year);
        let student = group(key);
        let mut schools = Vec::new();
        for roster in self.by.settings.feeds.iter().filter(|feed| feed.is_roster()) {
            let mut after = before(first_of(student));
            loop {
                let rows = self.by.feeds.ledger(&roster.name, scope, after.as_ref(), STINTS).await?;
                let of_group: Vec<_> = rows.iter().take_while(|stint| group(&stint.key) == student).collect();
                // One that a student left has its last day; one that never was has no content.
                for stint in
                    of_group.iter().filter(|one| one.status == LedgerStatus::Live || one.content != 0)
                {
                    let stint = Row::decode(&stint.detail)?;
                    let is_there = row.date().is_some_and(|date| stint.is_enrolled_on(date));
                    if stint.student == row.student && is_there {
                        schools.extend(stint.school().map(str::to_owned));
                    }
                }
                if of_group.len() < STINTS {
                    break;
                }
                after = rows.last().map(|row| row.key);
            }
        }
        schools.retain(|school| self.spoken_of.contains(school));
        Ok(schools)
    }

    /// The rows of the payload under one key, against what the ledger has. Where rows disagree, a day is unknown; what is
    /// inferred gives way to what stands in the payload.
    fn present(&mut self, slot: Slot, school_year: u16, old: Option<LedgerRow>) -> Result<Step, HubError> {
        let mut row = std::mem::take(&mut self.row);
        let mut other = std::mem::take(&mut self.other);
        let mut head = self.rows.take(&mut row)?.expect("a row was seen");
        if let Some(ledger) = &mut self.current {
            ledger.matched(&head.key);
        }
        let (mut lines, mut count) = (Vec::new(), 1);
        let mut first_ms = head.read_ms;
        let mut conflict = false;
        while self.rows.peek().is_some_and(|next| next.is_same_key(&head)) {
            let next = self.rows.take(&mut other)?.expect("a row was seen");
            first_ms = first_ms.min(next.read_ms);
            match (is_inferred(&head), is_inferred(&next)) {
                (false, true) => continue,
                (true, false) => {
                    head = next;
                    std::mem::swap(&mut row, &mut other);
                    continue;
                }
                (true, true) => {
                    if !slot.waits && Row::decode(&row)?.is_silence() {
                        head = next;
                        std::mem::swap(&mut row, &mut other);
                    }
                    continue;
                }
                (false, false) => {}
            }
            conflict |= next.content != head.content || (next.flags ^ head.flags) & ENDS != 0;
            if lines.is_empty() {
                lines.push(head.line);
            }
            lines.push(next.line);
            count += 1;
            if lines.len() > 2 * LINES {
                first_of_all(&mut lines);
            }
            // Nobody can tell which of them holds; a child leaves no earlier than one says.
            if !slot.waits && stays_longer(&other, &row)? {
                head = next;
                std::mem::swap(&mut row, &mut other);
            }
        }
        self.other = other;
        let mut content = head.content;
        let mut none_is_believed = false;
        if conflict && !slot.waits {
            let disputed = Row::decode(&row)?.disputed();
            none_is_believed = disputed.is_none();
            if let Some(disputed) = disputed {
                let mut encoded = Vec::with_capacity(row.len());
                disputed.encode(&mut encoded);
                content = content_hash(&encoded);
                row = encoded;
            }
        }
        let read_ms = first_ms.min(self.by.read_ms);
        let stands = old.as_ref().is_some_and(|old| old.status == LedgerStatus::Live);
        let incoming = Incoming { head: &head, row: &row, read_ms };
        let mut step = if slot.waits {
            waiting(slot, school_year, incoming, old)
        } else if none_is_believed && stands {
            // What is known stands.
            Step::new(slot, school_year, Verdict::Unchanged, old)
        } else {
            matched(slot, school_year, incoming, content, old)?
        };
        self.row = row;
        step.fault = head.flags & FAULT != 0;
        step.rows = if is_inferred(&head) { 0 } else { count };
        first_of_all(&mut lines);
        step.lines = lines;
        step.conflict = conflict;
        Ok(step)
    }
}
