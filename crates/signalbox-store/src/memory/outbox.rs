//! The entries of the outbox, in the order of writing.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Bound;

use uuid::Uuid;

use crate::outbox::{
    Again, Amended, Amendment, Bundle, Claim, EndOf, Entry, EntryState, Front, NewEntry, Settled, TO_LOG,
    Tally, WithheldBecause,
};

#[derive(Debug, Default)]
pub(super) struct Entries {
    /// By `seq`.
    rows: BTreeMap<u64, Row>,
    by_id: HashMap<Uuid, u64>,
    last_seq: u64,
}

#[derive(Debug)]
struct Row {
    entry: Entry,
    claim: Option<LiveClaim>,
    /// The bundle that it went into, of a part.
    bundled_into: Option<Uuid>,
    /// Not to be sent, nor again, and why.
    held: Option<WithheldBecause>,
    /// What it tells of has ended.
    over: bool,
    /// Claims in which nothing was sent.
    not_sent: u32,
}

#[derive(Debug)]
struct LiveClaim {
    token: u64,
    /// `None`: let go, but nobody took it since.
    until_ms: Option<i64>,
}

impl Entries {
    /// Adds an entry unless its id is there.
    pub(super) fn add(&mut self, new: NewEntry) {
        if self.by_id.contains_key(&new.id) {
            return;
        }
        let (is_sent, at_ms) = (new.withheld.is_none(), new.created_ms);
        let meet = new.end_of.is_some_and(|end| self.end(end, is_sent, at_ms));
        let state = if meet { EntryState::Superseded } else { new.first_state() };
        self.last_seq += 1;
        self.by_id.insert(new.id, self.last_seq);
        let entry = stored(new, self.last_seq, state);
        let row = Row { entry, claim: None, bundled_into: None, held: None, over: false, not_sent: 0 };
        self.rows.insert(self.last_seq, row);
    }

    /// Supersedes an entry that nobody was sent, nor will be; else it has ended. `false`: it may have been sent, or is not
    /// there. `is_sent`: its end is to be sent.
    fn end(&mut self, EndOf { id, takes_back }: EndOf, is_sent: bool, at_ms: i64) -> bool {
        self.take_from_bundle(id, |bundle| !bundle.was_tried(), at_ms);
        let is_in_unreached = self.is_in_unreached(id);
        let Some(row) = self.row(id) else { return false };
        let may_meet = match row.entry.state {
            EntryState::Pending => takes_back || row.entry.part,
            EntryState::Withheld => is_sent,
            EntryState::Dead => true,
            EntryState::Bundled => is_in_unreached,
            _ => false,
        };
        let meet = may_meet && !row.was_tried();
        let to = if meet { Amended::Over { end: None } } else { Amended::Ended };
        self.amend(Amendment { id, to, at_ms });
        meet
    }

    /// Whether it is a part of a bundle that was given up and reached nobody.
    fn is_in_unreached(&mut self, part: Uuid) -> bool {
        let bundle = self.row(part).and_then(|row| row.bundled_into);
        let bundle = bundle.and_then(|bundle| self.row(bundle));
        bundle.is_some_and(|bundle| bundle.entry.state == EntryState::Dead && !bundle.was_tried())
    }

    /// Does what is to become of an entry, if it is there.
    pub(super) fn amend(&mut self, Amendment { id, to, at_ms }: Amendment) {
        use EntryState::{Dead, Pending, Superseded, Withheld};
        if matches!(to, Amended::Withheld(_) | Amended::Over { .. }) {
            self.take_from_bundle(id, |_| true, at_ms);
        }
        let Some(row) = self.row(id) else { return };
        let (state, was_tried) = (row.entry.state, row.was_tried());
        match to {
            Amended::Withheld(because) => {
                row.held = Some(because);
                if matches!(state, Pending | Withheld) {
                    row.withhold();
                }
            }
            Amended::ToBeSent { listed_as } => {
                row.held = None;
                if state == Withheld && !row.over {
                    row.make_due(at_ms);
                    row.entry.last_error = None;
                    if !was_tried {
                        row.entry.part = true;
                        listed_as.clone_into(&mut row.entry.kind);
                    }
                }
            }
            Amended::Ended => {
                row.over = true;
                if state == Dead || row.is_pending_part() || state == Withheld && was_tried {
                    row.end(Superseded);
                }
            }
            Amended::Over { end } => {
                row.over = true;
                if matches!(state, Pending | Dead | Withheld) {
                    row.end(Superseded);
                }
                let end = end.filter(|_| matches!(state, Pending | Withheld) && !was_tried);
                if let Some(end) = end.and_then(|end| self.row(end)).filter(|end| end.entry.state == Pending)
                {
                    end.end(Superseded);
                }
            }
        }
    }

    /// Takes the bundle apart that the part went into, if it waits and is one of `those`.
    fn take_from_bundle(&mut self, part: Uuid, those: impl Fn(&Row) -> bool, at_ms: i64) {
        let Some(bundle) = self.row(part).and_then(|row| row.bundled_into) else { return };
        if self.row(bundle).is_some_and(|row| row.entry.state == EntryState::Pending && those(row)) {
            self.take_apart(bundle, at_ms);
        }
    }

    /// Lets the parts of a bundle that are not over wait for another from now on. `false`: none does.
    fn take_apart(&mut self, bundle: Uuid, at_ms: i64) -> bool {
        let Some(row) = self.row(bundle) else { return false };
        // What is left of it goes as another: itself it is not sent again.
        row.over = true;
        let was_tried = row.was_tried();
        if row.entry.state != EntryState::Delivered {
            row.end(EntryState::Superseded);
        }
        let mut any_waits = false;
        for row in self.rows.values_mut() {
            if row.bundled_into == Some(bundle) && !row.over {
                // The bundle may have been sent.
                row.entry.attempts += u32::from(was_tried);
                row.bundled_into = None;
                if row.held.is_some() {
                    row.withhold();
                } else {
                    row.entry.state = EntryState::Pending;
                    row.entry.next_try_ms = Some(at_ms);
                    any_waits = true;
                }
            }
        }
        any_waits
    }

    fn row(&mut self, id: Uuid) -> Option<&mut Row> {
        self.rows.get_mut(self.by_id.get(&id)?)
    }

    pub(super) fn claim(&mut self, target: &str, now_ms: i64, hold_ms: i64, max: usize) -> Vec<Claim> {
        let mut front = Front::default();
        self.rows
            .values_mut()
            .filter(|row| row.entry.target == target && row.entry.stands_in_lane())
            .filter(|row| front.admits(&row.entry.lane, target))
            .filter(|row| row.is_ready(now_ms))
            .take(max)
            .map(|row| row.take(now_ms + hold_ms))
            .collect()
    }

    pub(super) fn settle(&mut self, claim: &Claim, how: Settled, error: Option<&str>) -> bool {
        let Some(row) = self.row(claim.entry.id) else { return false };
        let is_live = row.claim.as_ref().is_some_and(|live| live.token == claim.token);
        let is_true_anyway = how == Settled::Delivered && row.was_amended_since(claim);
        if !is_live && !is_true_anyway {
            return false;
        }
        (row.entry.state, row.entry.next_try_ms) = how.leaves();
        if row.over && row.entry.state == EntryState::Dead {
            row.entry.state = EntryState::Superseded;
        }
        row.entry.last_error = error.map(str::to_owned);
        row.entry.tried_before += how.uncounted();
        row.not_sent += how.not_sent();
        row.claim = None;
        true
    }

    pub(super) fn release(&mut self) {
        for claim in self.rows.values_mut().filter_map(|row| row.claim.as_mut()) {
            claim.until_ms = None;
        }
    }

    pub(super) fn parts(&self, target: &str) -> Vec<Entry> {
        let pending = self.rows.values().filter(|row| row.entry.target == target && row.is_pending_part());
        pending.map(|row| row.entry.clone()).collect()
    }

    pub(super) fn bundle(&mut self, bundles: &[Bundle]) -> bool {
        let there = bundles.iter().filter_map(|bundle| self.by_id.get(&bundle.into.id));
        let is_there = there.map(|seq| &self.rows[seq]).any(|row| !row.over);
        let mut parts = bundles.iter().flat_map(|bundle| &bundle.parts);
        if is_there || !parts.all(|id| self.row(*id).is_some_and(|row| row.is_pending_part())) {
            return false;
        }
        for Bundle { parts, into } in bundles {
            for row in parts.iter().filter_map(|id| self.by_id.get(id)) {
                let row = self.rows.get_mut(row).expect("it is a pending part");
                row.end(EntryState::Bundled);
                row.bundled_into = Some(into.id);
            }
            match self.row(into.id) {
                Some(row) => row.be_whole_again(into.created_ms),
                None => self.add(into.clone()),
            }
        }
        true
    }

    pub(super) fn resend(&mut self, which: Again<'_>, now_ms: i64) -> u64 {
        use EntryState::{Dead, Delivered, Pending};
        let is_meant = |entry: &Entry| match which {
            Again::Entry(id) => entry.id == id && matches!(entry.state, Pending | Delivered | Dead),
            Again::Target(target) => entry.target == target && matches!(entry.state, Pending | Dead),
        };
        let meant = self.rows.values().map(|row| &row.entry).filter(|entry| is_meant(entry));
        let meant: Vec<Uuid> =
            meant.filter(|entry| !entry.part && entry.target != TO_LOG).map(|entry| entry.id).collect();
        meant.into_iter().map(|id| u64::from(self.again(id, now_ms))).sum()
    }

    /// Makes an entry due. `false`: it tells of nothing but what is over.
    fn again(&mut self, id: Uuid, now_ms: i64) -> bool {
        let parts = self.rows.values().filter(|row| row.bundled_into == Some(id));
        let falls_out = |part: &Row| part.over || part.held.is_some();
        let loses_parts = parts.into_iter().any(falls_out);
        let Some(row) = self.row(id) else { return false };
        let waits = row.entry.state == EntryState::Pending;
        if falls_out(row) && !waits {
            return false;
        }
        if loses_parts && !waits {
            return self.take_apart(id, now_ms);
        }
        row.make_due(now_ms);
        true
    }

    pub(super) fn hasten(&mut self, target: &str, now_ms: i64) {
        let waits = |entry: &Entry| entry.target == target && entry.next_try_ms.is_some_and(|at| at > now_ms);
        for row in self.rows.values_mut().filter(|row| waits(&row.entry)) {
            row.entry.next_try_ms = Some(now_ms);
        }
    }

    pub(super) fn after(&self, seq: u64, max: usize) -> Vec<Entry> {
        let later = self.rows.range((Bound::Excluded(seq), Bound::Unbounded));
        later.take(max).map(|(_, row)| row.entry.clone()).collect()
    }

    pub(super) fn waiting(&self, target: &str, seq: u64, max: usize) -> Vec<Entry> {
        let later = self.rows.range((Bound::Excluded(seq), Bound::Unbounded)).map(|(_, row)| &row.entry);
        let waiting = later.filter(|entry| entry.target == target && entry.state == EntryState::Pending);
        waiting.take(max).cloned().collect()
    }

    pub(super) fn tallies(&self) -> Vec<Tally> {
        let entries = || self.rows.values().map(|row| &row.entry);
        let parts = entries().filter(|entry| entry.is_listed());
        let listed: HashSet<_> = parts.filter_map(|part| Some((part.flag_id?, &*part.target))).collect();
        let mut counts = BTreeMap::new();
        for Entry { target, state, flag_id, part, .. } in entries() {
            let is_told = flag_id.is_some_and(|flag| listed.contains(&(flag, target)));
            let state = match state {
                EntryState::Withheld if is_told && !part => EntryState::Superseded,
                state => *state,
            };
            *counts.entry((target, state)).or_default() += 1;
        }
        let tally =
            |((target, state), count): ((&String, _), _)| Tally { target: target.clone(), state, count };
        counts.into_iter().map(tally).collect()
    }

    pub(super) fn prune(&mut self, before_ms: i64) {
        let open = self
            .rows
            .values()
            .filter(|row| matches!(row.entry.state, EntryState::Pending | EntryState::Dead));
        let open: HashSet<Uuid> = open.map(|row| row.entry.id).collect();
        let is_needed = |row: &Row| row.bundled_into.is_some_and(|bundle| open.contains(&bundle));
        self.rows.retain(|_, row| {
            row.entry.created_ms >= before_ms || !row.entry.state.is_settled() || is_needed(row)
        });
        let rows = &self.rows;
        self.by_id.retain(|_, seq| rows.contains_key(seq));
    }
}

impl Row {
    fn is_pending_part(&self) -> bool {
        self.entry.part && self.entry.state == EntryState::Pending
    }

    /// Whether somebody may have been sent it.
    fn was_tried(&self) -> bool {
        self.entry.attempts > self.not_sent
    }

    fn is_ready(&self, now_ms: i64) -> bool {
        let claimed =
            self.claim.as_ref().and_then(|claim| claim.until_ms).is_some_and(|until| until > now_ms);
        !claimed && self.entry.next_try_ms.is_some_and(|next| next <= now_ms)
    }

    fn take(&mut self, until_ms: i64) -> Claim {
        self.entry.attempts += 1;
        let token = u64::from(self.entry.attempts);
        self.claim = Some(LiveClaim { token, until_ms: Some(until_ms) });
        Claim { entry: self.entry.clone(), token }
    }

    /// Whether it was withheld or superseded while the claim was live, and nobody claimed it since.
    fn was_amended_since(&self, claim: &Claim) -> bool {
        let is_last = u64::from(self.entry.attempts) == claim.token;
        is_last && matches!(self.entry.state, EntryState::Withheld | EntryState::Superseded)
    }

    /// A bundle that was taken apart has its parts again. If it arrived after all, nothing is to be sent.
    fn be_whole_again(&mut self, at_ms: i64) {
        self.over = false;
        if self.entry.state != EntryState::Delivered {
            self.make_due(at_ms);
        }
    }

    fn withhold(&mut self) {
        self.end(EntryState::Withheld);
        self.entry.last_error = self.held.map(|because| because.as_str().to_owned());
    }

    /// With all its tries.
    fn make_due(&mut self, at_ms: i64) {
        self.entry.state = EntryState::Pending;
        self.entry.next_try_ms = Some(at_ms);
        self.entry.tried_before = self.entry.attempts;
    }

    fn end(&mut self, state: EntryState) {
        self.entry.state = state;
        self.entry.next_try_ms = None;
        self.claim = None;
    }
}

fn stored(new: NewEntry, seq: u64, state: EntryState) -> Entry {
    Entry {
        seq,
        id: new.id,
        target: new.target,
        lane: new.lane,
        kind: new.kind,
        flag_id: new.flag_id,
        body: new.body,
        created_ms: new.created_ms,
        part: new.part,
        state,
        attempts: 0,
        next_try_ms: (state == EntryState::Pending).then_some(new.created_ms),
        last_error: new.withheld.map(|why| why.as_str().to_owned()),
        tried_before: 0,
    }
}
