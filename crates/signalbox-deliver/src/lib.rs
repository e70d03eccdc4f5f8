//! Outbox to destinations: claim, tell, settle.
//!
//! A lane (one student at one target) is told in order; lanes go on beside each other, and so do targets. A target that
//! does not answer is left alone until its next try: entries that were not claimed keep all their tries.
//!
//! # Layout
//! - this file: `step`; `attempt`: one try; `schedule`: when the next one is; `standing`: standing lists
//! - `outage`: which targets do not take what they are told, and since when
//!
//! **Architecture invariant:** it sees traits only; it names neither a database, nor Kafka, nor a vendor. No clock and no
//! randomness: `now` is an argument.

use std::time::Duration;

use futures::StreamExt;
use futures::future::join_all;
use futures::stream::FuturesUnordered;
use jiff::Timestamp;
use signalbox_hub::Target;
use signalbox_store::outbox::Claim;
use signalbox_store::{FeedStore, Outbox, StoreError};
use tokio::time::Instant;

use self::attempt::{ATTEMPT_TIMEOUT, Attempted, Told};
use self::outage::Answer;
pub use self::outage::Outage;
pub use self::standing::bundle;

mod attempt;
mod outage;
mod schedule;
mod standing;
#[cfg(test)]
mod tests;

/// Tries in flight at one target.
const IN_FLIGHT_MAX: usize = 8;

/// How many failures in a row make the step leave a target alone.
const FAILURES_MAX: usize = 3;

/// How long a step begins new tries: they carry the step's `now`, which receivers compare with their clocks
/// (Standard Webhooks: 5 min).
const STEP_BUDGET: Duration = Duration::from_secs(20);

/// A claim outlives the longest try that may be made under it: begun at the end of the budget, given up at the timeout.
const HOLD: Duration = Duration::from_mins(1).saturating_add(ATTEMPT_TIMEOUT);
const _: () = assert!(HOLD.as_secs() > STEP_BUDGET.as_secs() + ATTEMPT_TIMEOUT.as_secs());

/// What a step did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Delivered {
    pub attempted: usize,
    pub delivered: usize,
    /// Failed, and to be tried again.
    pub retried: usize,
    /// Given up.
    pub dead: usize,
    /// The earliest next try that this step knows of, in Unix milliseconds; `now` when its time was over before its
    /// work. Retries of earlier steps may be due before that, and `None` does not mean that nothing waits.
    pub next_try_ms: Option<i64>,
}

/// One step: claims what is due for each target, delivers and settles it.
///
/// Returns when nothing due is left, or once 20 s are over and the tries in flight have ended, so that `now` stays close
/// to the caller's clock. Dropping it loses nothing: claims in hand lapse after two minutes and are tried again.
///
/// `notes` remembers which targets do not take what they are told.
///
/// # Errors
/// A store failed. What was in flight is finished first; another target's work is not stopped by it.
pub async fn step(
    outbox: &dyn Outbox,
    notes: &dyn FeedStore,
    targets: &[Target],
    now: Timestamp,
) -> Result<Delivered, StoreError> {
    let until = Instant::now() + STEP_BUDGET;
    let all = targets.iter().map(|target| async move {
        let round = Round { outbox, notes, target, now, until };
        round.run().await
    });
    join_all(all).await.into_iter().try_fold(Delivered::default(), |sum, one| Ok(sum.and(one?)))
}

impl Delivered {
    /// What both did.
    pub fn and(self, other: Self) -> Self {
        Self {
            attempted: self.attempted + other.attempted,
            delivered: self.delivered + other.delivered,
            retried: self.retried + other.retried,
            dead: self.dead + other.dead,
            next_try_ms: earlier(self.next_try_ms, other.next_try_ms),
        }
    }
}

fn earlier(one: Option<i64>, other: Option<i64>) -> Option<i64> {
    one.into_iter().chain(other).min()
}

/// One target's share of a step.
struct Round<'a> {
    outbox: &'a dyn Outbox,
    notes: &'a dyn FeedStore,
    target: &'a Target,
    now: Timestamp,
    until: Instant,
}

impl Round<'_> {
    async fn run(&self) -> Result<Delivered, StoreError> {
        let mut tally = Tally::default();
        let mut failure = None;
        let mut in_flight = FuturesUnordered::new();
        loop {
            let go_on = failure.is_none() && self.may_claim(&mut tally);
            // Claimed by the half width: a claim is a transaction.
            if go_on && in_flight.len() <= tally.width() / 2 {
                match self.claim(tally.width() - in_flight.len()).await {
                    Ok(claims) => in_flight.extend(claims.into_iter().map(|claim| self.tell(claim))),
                    Err(error) => failure = Some(error),
                }
            }
            // Only tries are in flight: the store is used here alone, one call after the other, so no call of this
            // round can wait for another that is not polled.
            let Some((claim, told)) = in_flight.next().await else { break };
            let said = told.as_ref().err().map(ToString::to_string).unwrap_or_default();
            let settled = attempt::settle(self.outbox, self.target, &claim, told, self.now).await;
            let counted = match settled {
                Ok(attempted) => {
                    tally.count(attempted, said);
                    self.hear(attempted, &mut tally).await
                }
                Err(error) => Err(error),
            };
            failure = failure.or(counted.err());
        }
        if let Some(answer) = tally.last.take() {
            outage::remember(self.notes, &self.target.name, answer, self.now).await?;
        }
        failure.map_or(Ok(tally.done), Err)
    }

    fn may_claim(&self, tally: &mut Tally) -> bool {
        if tally.left_alone() {
            return false;
        }
        let in_time = Instant::now() < self.until;
        if !in_time {
            tally.done.next_try_ms = earlier(tally.done.next_try_ms, Some(self.now.as_millisecond()));
        }
        in_time
    }

    async fn claim(&self, max: usize) -> Result<Vec<Claim>, StoreError> {
        let hold_ms = HOLD.as_millis() as i64;
        let claims = self.outbox.claim(&self.target.name, self.now.as_millisecond(), hold_ms, max).await?;
        if !claims.is_empty() {
            signalbox_hub::failpoint!("outbox.claim");
        }
        Ok(claims)
    }

    /// A target that was away and takes an alert again is told now of all that waits for its next try.
    async fn hear(&self, attempted: Attempted, tally: &mut Tally) -> Result<(), StoreError> {
        if attempted != Attempted::Delivered || std::mem::replace(&mut tally.is_back, true) {
            return Ok(());
        }
        if Outage::of(self.notes, &self.target.name).await?.is_some() {
            self.outbox.hasten(&self.target.name, self.now.as_millisecond()).await?;
        }
        Ok(())
    }

    async fn tell(&self, claim: Claim) -> (Claim, Told) {
        let told = attempt::tell(self.target, &claim.entry, self.now).await;
        (claim, told)
    }
}

/// How a target has answered in this step.
#[derive(Debug, Default)]
struct Tally {
    done: Delivered,
    failures_in_a_row: usize,
    asked_for_patience: bool,
    /// It took an alert, and what waited was made due.
    is_back: bool,
    last: Option<Answer>,
}

impl Tally {
    /// `said`: why it was not taken.
    fn count(&mut self, attempted: Attempted, said: String) {
        self.done.attempted += 1;
        match attempted {
            Attempted::Delivered => self.done.delivered += 1,
            Attempted::Retried { at_ms, .. } => {
                self.done.retried += 1;
                self.done.next_try_ms = earlier(self.done.next_try_ms, Some(at_ms));
            }
            Attempted::GivenUp | Attempted::Refused | Attempted::Unreadable => self.done.dead += 1,
            Attempted::TakenOver => {}
        }
        if attempted.target_failed() {
            self.failures_in_a_row += 1;
        } else {
            self.failures_in_a_row = 0;
        }
        match attempted {
            Attempted::Delivered => self.last = Some(Answer::Taken),
            Attempted::Retried { .. } | Attempted::GivenUp => self.last = Some(Answer::NotTaken(said)),
            Attempted::Refused => self.last = Some(Answer::Refused(said)),
            // It was told nothing, or the other process remembers.
            Attempted::Unreadable | Attempted::TakenOver => {}
        }
        self.asked_for_patience |= matches!(attempted, Attempted::Retried { patience: true, .. });
    }

    fn left_alone(&self) -> bool {
        self.asked_for_patience || self.failures_in_a_row >= FAILURES_MAX
    }

    /// How many tries may be in flight. At a target in doubt, only as many as may fail before it is left alone.
    fn width(&self) -> usize {
        let proven = self.done.delivered > 0 && self.failures_in_a_row == 0;
        if proven { IN_FLIGHT_MAX } else { FAILURES_MAX.saturating_sub(self.failures_in_a_row) }
    }
}
