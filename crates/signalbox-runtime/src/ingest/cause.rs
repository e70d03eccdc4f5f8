//! Why a run was opened: text that stands in the run, so that it can be finished after a crash.

use signalbox_connector::{Refusal, RejectCode};

use crate::hub::HubError;

pub(crate) const DROP: &str = "drop";
pub(crate) const RETRY: &str = "retry";
pub(crate) const RELEASE: &str = "release";

/// Followed by why the payload could not be landed.
const UNLANDED: &str = "unlanded:";

/// Followed by the hold's id.
const APPROVED: &str = "approved:";

pub(crate) fn approved(hold_id: &str) -> String {
    format!("{APPROVED}{hold_id}")
}

/// The hold that was approved, if that is why.
pub(crate) fn approved_hold(cause: &str) -> Option<&str> {
    cause.strip_prefix(APPROVED)
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
        assert_eq!(approved_hold(&approved("h1")), Some("h1"));
        for other in [DROP, RETRY, RELEASE] {
            assert!(why_unlanded(other).expect("reads").is_none() && approved_hold(other).is_none());
        }
        assert!(why_unlanded("unlanded:{}").is_err());
    }
}
