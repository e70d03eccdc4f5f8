//! When an alert that was not taken is tried again.

use signalbox_connector::ErrorKind;
use signalbox_event::id;
use signalbox_store::outbox::{Entry, Settled};

/// From the n-th try to the next: Standard Webhooks 1.0.0, "Retries" (10 tries in about 75 hours).
const DELAYS_S: [i64; 9] =
    [5, 5 * 60, 30 * 60, 2 * 60 * 60, 5 * 60 * 60, 10 * 60 * 60, 14 * 60 * 60, 20 * 60 * 60, 24 * 60 * 60];

/// A Retry-After beyond the longest delay would put an alert off for ever.
const RETRY_AFTER_MAX_S: u64 = 24 * 60 * 60;

/// What was not sent at all uses up no try: it is looked at again this much later.
const NOT_SENT_S: i64 = 5 * 60;

/// What follows a failure of the entry's try in hand at `now_ms`. Tries before a person sent it again do not count.
pub(super) fn after_failure(entry: &Entry, kind: ErrorKind, now_ms: i64) -> Settled {
    let tried = entry.attempts.saturating_sub(entry.tried_before + 1) as usize;
    match (kind, DELAYS_S.get(tried)) {
        (ErrorKind::NotSent, _) => Settled::NotSent { at_ms: now_ms + NOT_SENT_S * 1_000 },
        (ErrorKind::Unreached, None) => Settled::DeadUnreached,
        (ErrorKind::Permanent, _) | (_, None) => Settled::Dead,
        (kind, Some(delay_s)) => {
            let delay_ms = delay_s * (1_000 + jitter_permille(entry));
            let at_ms = now_ms + delay_ms.max(asked_for_ms(kind));
            if kind == ErrorKind::Unreached {
                Settled::Unreached { at_ms }
            } else {
                Settled::RetryAt { at_ms }
            }
        }
    }
}

fn asked_for_ms(kind: ErrorKind) -> i64 {
    match kind {
        ErrorKind::RateLimited { retry_after_s } => retry_after_s.min(RETRY_AFTER_MAX_S) as i64 * 1_000,
        _ => 0,
    }
}

/// -100..=100: spreads out what failed together. Derived, so that the same try always waits equally long.
fn jitter_permille(entry: &Entry) -> i64 {
    let hash = id::derived(&[b"jitter", entry.id.as_bytes(), &entry.attempts.to_be_bytes()]);
    (hash.as_u128() % 201) as i64 - 100
}
