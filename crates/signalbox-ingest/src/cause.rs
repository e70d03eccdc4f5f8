//! Why a run was opened: text that stands in the run, so that it can be finished after a crash.

use signalbox_connector::{Refusal, RejectCode};
use signalbox_hub::HubError;
use signalbox_store::feed::Run;

pub(crate) const DROP: &str = "drop";
pub(crate) const RELEASE: &str = "release";

/// Followed by why the payload could not be landed.
const UNLANDED: &str = "unlanded:";

/// Followed by the run that the payload came with.
const RETRY: &str = "retry:";

/// Followed by the hold's id, a colon, and the run that the payload came with.
const APPROVED: &str = "approved:";

pub(crate) fn retry(earlier: &Run) -> String {
    format!("{RETRY}{}", came_with(earlier))
}

/// Whether a payload is read once more.
pub(crate) fn is_retry(cause: &str) -> bool {
    cause.starts_with(RETRY)
}

pub(crate) fn approved(hold_id: &str, held: &Run) -> String {
    format!("{APPROVED}{hold_id}:{}", came_with(held))
}

/// The hold that was approved, if that is why.
pub(crate) fn approved_hold(cause: &str) -> Option<&str> {
    cause.strip_prefix(APPROVED)?.split(':').next()
}

/// The number of the run that the payload came with: it says no more than it said then, however late it is read again.
pub(crate) fn came_with(run: &Run) -> u64 {
    let is_again = is_retry(&run.cause) || run.cause.starts_with(APPROVED);
    let first = run.cause.rsplit(':').next().filter(|_| is_again);
    first.and_then(|number| number.parse().ok()).unwrap_or(run.number)
}

pub(crate) fn unlanded(why: &Refusal) -> String {
    let Refusal { code, file, column, message, help } = why;
    let why = serde_json::to_string(&(code.as_str(), file, column, message, help));
    format!("{UNLANDED}{}", why.expect("text always serialises"))
}

/// Why the payload could not be landed, if that is why.
pub(crate) fn why_unlanded(cause: &str) -> Result<Option<Refusal>, HubError> {
    let stored = || HubError::Stored("run's cause");
    let Some(why) = cause.strip_prefix(UNLANDED) else { return Ok(None) };
    let (code, file, column, message, help): (String, _, _, _, _) =
        serde_json::from_str(why).map_err(|_| stored())?;
    let code = RejectCode::ALL.iter().copied().find(|known| known.as_str() == code).ok_or_else(stored)?;
    Ok(Some(Refusal { code, file, column, message, help }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_reads_as_written() {
        let why = Refusal {
            code: RejectCode::TooLarge,
            file: None,
            column: Some("Att_Date".to_owned()),
            message: "9 bytes; at most 8 are taken".to_owned(),
            help: "Split it".to_owned(),
        };
        let cause = unlanded(&why);
        assert_eq!(
            why_unlanded(&cause).expect("reads").map(|why| format!("{why:?}")),
            Some(format!("{why:?}"))
        );
        assert_eq!(approved_hold(&approved("h1", &run(7, DROP))), Some("h1"));
        for other in [DROP, RELEASE, "retry:7"] {
            assert!(why_unlanded(other).expect("reads").is_none() && approved_hold(other).is_none());
        }
        assert!(why_unlanded("unlanded:{}").is_err());
    }

    #[test]
    fn a_payload_that_is_read_again_is_as_old_as_it_was() {
        let first = run(7, DROP);
        let again = run(8, &retry(&first));
        let decided = run(9, &approved("h1", &again));
        assert_eq!([&first, &again, &decided].map(came_with), [7; 3]);
        assert_eq!(came_with(&run(10, RELEASE)), 10);
        assert!(is_retry(&again.cause) && !is_retry(&decided.cause));
    }

    fn run(number: u64, cause: &str) -> Run {
        Run {
            feed: "sis".to_owned(),
            number,
            payload: String::new(),
            name: String::new(),
            opened_ms: 0,
            marks: Vec::new(),
            cause: cause.to_owned(),
            gated: None,
            unsent: None,
            outcome: None,
            summary: None,
        }
    }
}
