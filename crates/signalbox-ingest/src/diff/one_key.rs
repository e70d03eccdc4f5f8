//! What becomes of one natural key: a row of the payload, or none, against what the ledger has.

use signalbox_event::rows::{Day, Lacks, Role};
use signalbox_event::{Body, Status};
use signalbox_hub::HubError;
use signalbox_store::feed::{LedgerRow, LedgerStatus};

use super::{Step, Verdict};
use crate::row::{Mark, Row, Slot, content_hash};
use crate::sort::{ENDS, FAULT, Head, INFERRED, lacks};

pub(super) const fn is_inferred(head: &Head) -> bool {
    head.flags & INFERRED != 0
}

/// The same row, marked in the ledger; what it says does not change.
pub(crate) fn marked(old: &LedgerRow, row: &Row<'_>) -> LedgerRow {
    let mut detail = Vec::with_capacity(old.detail.len());
    row.encode(&mut detail);
    LedgerRow { detail, ..old.clone() }
}

/// That it is gone was read at `read_ms`.
pub(super) fn ended(old: &LedgerRow, read_ms: i64) -> LedgerRow {
    LedgerRow { content: 0, revision: old.revision + 1, status: LedgerStatus::Ended, read_ms, ..old.clone() }
}

pub(super) fn dropped(slot: Slot, school_year: u16, old: LedgerRow) -> Step {
    let new = LedgerRow { content: 0, status: LedgerStatus::Ended, ..old.clone() };
    Step { new: Some(new), ..Step::new(slot, school_year, Verdict::DropHeld, Some(old)) }
}

/// A row of the payload, or one that waited.
#[derive(Clone, Copy)]
pub(super) struct Incoming<'a> {
    pub head: &'a Head,
    pub row: &'a [u8],
    /// When it was read first, in ms since 1970.
    pub read_ms: i64,
}

/// A row of a student who is found, or about none.
pub(super) fn matched(
    slot: Slot,
    school_year: u16,
    Incoming { head, row, read_ms }: Incoming<'_>,
    content: u64,
    old: Option<LedgerRow>,
) -> Result<Step, HubError> {
    let live = old.as_ref().filter(|old| old.status == LedgerStatus::Live);
    let lacks = lacks(head.flags);
    let is_incomplete = lacks.unread.contains(&true) || slot.entity.may_lack();
    let completed = match live.filter(|live| is_incomplete && live.content != content) {
        Some(live) => completed(row, &live.detail, lacks)?,
        None => None,
    };
    let (row, content) =
        completed.as_ref().map_or((row, content), |encoded| (encoded, content_hash(encoded)));
    if head.flags & ENDS != 0 {
        let new = live.map(|live| ended(live, read_ms));
        let verdict = if new.is_some() { Verdict::EndDelta } else { Verdict::Unchanged };
        let publish = new.is_some().then_some(Status::ToBeDeleted);
        return Ok(Step { new, publish, ..Step::new(slot, school_year, verdict, old) });
    }
    if let Some(same) = live.filter(|live| live.content == content) {
        let new = if Row::is_marked(&same.detail) {
            Some(marked(same, &Row { mark: Mark::None, ..Row::decode(&same.detail)? }))
        } else {
            None
        };
        return Ok(Step { new, ..Step::new(slot, school_year, Verdict::Unchanged, old) });
    }
    let was_said = match live {
        Some(live) => !Row::decode(&live.detail)?.is_silence(),
        None => false,
    };
    if let Some(said) = live.filter(|_| was_said && is_inferred(head) && slot.entity.role() == Role::Fact) {
        // What is inferred never takes the place of what was said.
        let row = Row::decode(&said.detail)?;
        let new = (row.mark != Mark::Doubtful).then(|| marked(said, &Row { mark: Mark::Doubtful, ..row }));
        return Ok(Step { new, ..Step::new(slot, school_year, Verdict::Doubted, old) });
    }
    let verdict = if was_said { Verdict::Change } else { Verdict::Add };
    let revision = old.as_ref().map_or(0, |old| old.revision) + 1;
    let (status, detail) = (LedgerStatus::Live, row.to_vec());
    let new = LedgerRow { key: head.key, content, revision, status, read_ms, detail };
    Ok(Step { new: Some(new), publish: Some(Status::Active), ..Step::new(slot, school_year, verdict, old) })
}

/// Whether a row says of an enrolment that it lasts longer than the other row does.
pub(super) fn stays_longer(row: &[u8], than: &[u8]) -> Result<bool, HubError> {
    let last = |row: &[u8]| -> Result<Option<Option<Day>>, HubError> {
        Ok(match Row::decode(row)?.body {
            Body::Enrollment(row) => Some(row.exit),
            _ => None,
        })
    };
    Ok(match (last(row)?, last(than)?) {
        (Some(None), Some(Some(_))) => true,
        (Some(Some(row)), Some(Some(than))) => row > than,
        _ => false,
    })
}

/// The row with what it said before in place of what it lacks.
fn completed(row: &[u8], before: &[u8], lacks: Lacks) -> Result<Option<Vec<u8>>, HubError> {
    let (mut row, before) = (Row::decode(row)?, Row::decode(before)?);
    if !row.body.complete(before.body, lacks) {
        return Ok(None);
    }
    let mut encoded = Vec::new();
    row.encode(&mut encoded);
    Ok(Some(encoded))
}

/// A row that waits for its student or school.
pub(super) fn waiting(
    slot: Slot,
    school_year: u16,
    Incoming { head, row, read_ms }: Incoming<'_>,
    old: Option<LedgerRow>,
) -> Step {
    let held = old.as_ref().filter(|old| old.status != LedgerStatus::Ended);
    if head.flags & ENDS != 0 {
        return match held.cloned() {
            Some(held) => dropped(slot, school_year, held),
            None if is_inferred(head) => Step::new(slot, school_year, Verdict::Untouched, old),
            None => Step::new(slot, school_year, Verdict::StillHeld, old),
        };
    }
    // Those whose school is not known count as rejects, not as rows whose student is not found.
    let status = if head.flags & FAULT == 0 { LedgerStatus::Unmatched } else { LedgerStatus::Live };
    if held.is_some_and(|held| held.content == head.content && held.status == status) {
        return Step::new(slot, school_year, Verdict::StillHeld, old);
    }
    let &Head { key, content, .. } = head;
    // What it waits for may be another thing by now; what it says was read before.
    let read_ms = held.filter(|held| held.content == content).map_or(read_ms, |held| held.read_ms);
    let new = LedgerRow { key, content, revision: 0, status, read_ms, detail: row.to_vec() };
    Step { new: Some(new), ..Step::new(slot, school_year, Verdict::Hold, old) }
}
