//! The comparison of a payload with the ledger: two ordered scans, merged.

use std::collections::{BTreeSet, VecDeque};

use signalbox_connector::Entity;
use signalbox_store::feed::{FeedStore, LedgerKey, LedgerRow, LedgerStatus, Scope};

use super::extent::Judged;
use super::read::ReadIn;
use super::row::{Row, content_hash};
use super::sort::{ENDS, FAULT, Head, Rows, UNMATCHED};
use crate::hub::HubError;

/// Ledger rows read at a time.
const LEDGER_PAGE: usize = 20_000;

/// What becomes of one natural key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Add,
    Change,
    Unchanged,
    /// Its row is gone, inside the extent: it ends.
    EndAbsent,
    /// Its row says so: it ends.
    EndDelta,
    /// Student not found, and the ledger does not know the row yet or not like this.
    Hold,
    /// Student not found, as before.
    StillHeld,
    /// A row whose student was never found is gone.
    DropHeld,
}

impl Verdict {
    /// Whether the ledger changes.
    pub(crate) const fn is_recorded(self) -> bool {
        !matches!(self, Self::Unchanged | Self::StillHeld)
    }

    /// Whether an event goes out.
    pub(crate) const fn is_published(self) -> bool {
        matches!(self, Self::Add | Self::Change | Self::EndAbsent | Self::EndDelta)
    }
}

/// One natural key, judged.
#[derive(Debug)]
pub(crate) struct Step {
    pub entity: Entity,
    pub school_year: u16,
    pub verdict: Verdict,
    /// The row as it stands in the ledger, if it does.
    pub old: Option<LedgerRow>,
    /// The ledger row to be written (meaningful if `verdict.is_recorded()`).
    pub new: LedgerRow,
    /// Rows of the payload with this key.
    pub rows: u64,
    /// Where they stand, if there are several, and whether they agree.
    pub lines: Vec<u32>,
    pub conflict: bool,
    pub fault: bool,
}

/// Walks payload and ledger together.
pub(crate) struct Diff<'a> {
    feeds: &'a dyn FeedStore,
    feed: &'a str,
    rows: Rows<'a>,
    payload_year: u16,
    judged: &'a [Judged],
    scopes: VecDeque<(Entity, u16)>,
    current: Option<Ledger>,
    row: Vec<u8>,
    other: Vec<u8>,
}

impl<'a> Diff<'a> {
    pub(crate) fn new(
        feeds: &'a dyn FeedStore,
        feed: &'a str,
        read: &'a ReadIn,
        judged: &'a [Judged],
    ) -> Result<Self, HubError> {
        let mut scopes: BTreeSet<(Entity, u16)> = judged.iter().map(|j| (j.entity, j.school_year)).collect();
        for entity in Entity::ALL {
            scopes.extend(
                read.scopes.iter().filter(|(e, _)| *e == entity as u8).map(|(_, year)| (entity, *year)),
            );
        }
        Ok(Self {
            feeds,
            feed,
            rows: read.sorted.rows()?,
            payload_year: read.payload_year.unwrap_or(0),
            judged,
            scopes: scopes.into_iter().collect(),
            current: None,
            row: Vec::new(),
            other: Vec::new(),
        })
    }

    /// The next natural key; keys come in order of entity, school year and ledger key.
    pub(crate) async fn next(&mut self) -> Result<Option<Step>, HubError> {
        loop {
            let Some(ledger) = &mut self.current else {
                let Some((entity, school_year)) = self.scopes.pop_front() else { return Ok(None) };
                self.current = Some(Ledger::new(entity, school_year));
                continue;
            };
            let old = ledger.peek(self.feeds, self.feed).await?.map(|row| row.key);
            let (entity, school_year) = (ledger.entity, ledger.school_year);
            let new = self.peek_row(entity, school_year).map(|head| head.key);
            match (old, new) {
                (None, None) => self.current = None,
                (Some(old), Some(new)) if old < new => {
                    if let Some(step) = self.missing()? {
                        return Ok(Some(step));
                    }
                }
                (Some(_), None) => {
                    if let Some(step) = self.missing()? {
                        return Ok(Some(step));
                    }
                }
                (Some(old), Some(new)) if old == new => {
                    let old = self.take_ledger();
                    return self.present(entity, school_year, old).map(Some);
                }
                (_, Some(_)) => return self.present(entity, school_year, None).map(Some),
            }
        }
    }

    fn peek_row(&self, entity: Entity, school_year: u16) -> Option<Head> {
        self.rows.peek().filter(|head| {
            let year = if head.school_year == 0 { self.payload_year } else { head.school_year };
            head.entity == entity as u8 && year == school_year
        })
    }

    fn take_ledger(&mut self) -> Option<LedgerRow> {
        self.current.as_mut().and_then(|ledger| ledger.page.pop_front())
    }

    /// A ledger row that the payload does not have.
    fn missing(&mut self) -> Result<Option<Step>, HubError> {
        let Some(old) = self.take_ledger() else { return Ok(None) };
        let (entity, school_year) = match &self.current {
            Some(ledger) => (ledger.entity, ledger.school_year),
            None => return Ok(None),
        };
        let judged = self.judged.iter().find(|j| j.entity == entity && j.school_year == school_year);
        let Some(judged) = judged else { return Ok(None) };
        let verdict = match old.status {
            LedgerStatus::Ended => return Ok(None),
            LedgerStatus::Live => Verdict::EndAbsent,
            LedgerStatus::Unmatched => Verdict::DropHeld,
        };
        if !judged.holds(&Row::decode(&old.detail)?) {
            return Ok(None);
        }
        let new = ended(&old);
        Ok(Some(Step {
            entity,
            school_year,
            verdict,
            old: Some(old),
            new,
            rows: 0,
            lines: Vec::new(),
            conflict: false,
            fault: false,
        }))
    }

    /// The rows of the payload under one key, against what the ledger has.
    fn present(
        &mut self,
        entity: Entity,
        school_year: u16,
        old: Option<LedgerRow>,
    ) -> Result<Step, HubError> {
        let mut row = std::mem::take(&mut self.row);
        let head = self.rows.take(&mut row)?.expect("a row was seen");
        let mut lines = Vec::new();
        let mut conflict = false;
        while let Some(next) = self.rows.peek().filter(|next| {
            next.entity == head.entity && next.school_year == head.school_year && next.key == head.key
        }) {
            conflict |= next.content != head.content || (next.flags ^ head.flags) & ENDS != 0;
            if lines.is_empty() {
                lines.push(head.line);
            }
            lines.push(next.line);
            self.rows.take(&mut self.other)?;
        }
        let mut content = head.content;
        if conflict && entity == Entity::Attendance {
            let unknown = Row::decode(&row)?.into_unknown();
            let mut encoded = Vec::with_capacity(row.len());
            unknown.encode(&mut encoded);
            content = content_hash(&encoded);
            row = encoded;
        }
        let (verdict, new) = verdict(&head, content, &row, old.as_ref());
        self.row = row;
        let fault = head.flags & FAULT != 0;
        let rows = lines.len().max(1) as u64;
        Ok(Step { entity, school_year, verdict, old, new, rows, lines, conflict, fault })
    }
}

fn ended(old: &LedgerRow) -> LedgerRow {
    let published = old.status == LedgerStatus::Live;
    LedgerRow {
        key: old.key,
        content: 0,
        revision: old.revision + u32::from(published),
        status: LedgerStatus::Ended,
        detail: old.detail.clone(),
    }
}

fn verdict(head: &Head, content: u64, row: &[u8], old: Option<&LedgerRow>) -> (Verdict, LedgerRow) {
    let unmatched = head.flags & UNMATCHED != 0;
    let revision = old.map_or(0, |old| old.revision);
    let status = old.map(|old| old.status);
    let same = old.is_some_and(|old| old.content == content);
    if head.flags & ENDS != 0 {
        return match (old, status) {
            (Some(old), Some(LedgerStatus::Live)) => (Verdict::EndDelta, ended(old)),
            _ => (Verdict::Unchanged, ledger_row(head, content, revision, LedgerStatus::Ended, Vec::new())),
        };
    }
    let verdict = match (status, unmatched) {
        (Some(LedgerStatus::Live), true) => Verdict::StillHeld,
        (Some(LedgerStatus::Unmatched), true) if same => Verdict::StillHeld,
        (_, true) => Verdict::Hold,
        (Some(LedgerStatus::Live), false) if same => Verdict::Unchanged,
        (Some(LedgerStatus::Live), false) => Verdict::Change,
        (_, false) => Verdict::Add,
    };
    let new = match verdict {
        Verdict::Unchanged | Verdict::StillHeld => {
            ledger_row(head, content, revision, LedgerStatus::Live, Vec::new())
        }
        Verdict::Hold => ledger_row(head, content, revision, LedgerStatus::Unmatched, row.to_vec()),
        _ => ledger_row(head, content, revision + 1, LedgerStatus::Live, row.to_vec()),
    };
    (verdict, new)
}

fn ledger_row(head: &Head, content: u64, revision: u32, status: LedgerStatus, detail: Vec<u8>) -> LedgerRow {
    LedgerRow { key: head.key, content, revision, status, detail }
}

/// The ledger of one entity and school year, page by page.
struct Ledger {
    entity: Entity,
    school_year: u16,
    page: VecDeque<LedgerRow>,
    after: Option<LedgerKey>,
    done: bool,
}

impl Ledger {
    const fn new(entity: Entity, school_year: u16) -> Self {
        Self { entity, school_year, page: VecDeque::new(), after: None, done: false }
    }

    async fn peek(&mut self, feeds: &dyn FeedStore, feed: &str) -> Result<Option<&LedgerRow>, HubError> {
        if self.page.is_empty() && !self.done {
            let scope = Scope { entity: self.entity as u16, school_year: self.school_year };
            let rows = feeds.ledger(feed, scope, self.after.as_ref(), LEDGER_PAGE).await?;
            self.done = rows.len() < LEDGER_PAGE;
            self.after = rows.last().map(|row| row.key).or(self.after);
            self.page = rows.into();
        }
        Ok(self.page.front())
    }
}
