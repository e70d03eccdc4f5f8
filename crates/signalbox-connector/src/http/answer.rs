//! What an answer means, after Standard Webhooks 1.0.0.

use jiff::Timestamp;
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};

use super::HttpError;
use crate::ErrorKind;

/// `Ok` for 2xx. All else is a failure that is worth another try (3xx and most 4xx too: receivers get mended), but
/// 410, by which the receiver says that it wants no more.
pub(super) fn judge(
    host: &str,
    status: StatusCode,
    headers: &HeaderMap,
    now: Timestamp,
) -> Result<(), HttpError> {
    if status.is_success() {
        return Ok(());
    }
    let code = status.as_u16();
    let (kind, message) = match code {
        410 => (ErrorKind::Permanent, format!("{host} wants nothing more (410 Gone)")),
        401 | 403 => (
            ErrorKind::Unauthorized,
            format!("{host} refuses our key or signature ({code}): compare the secrets"),
        ),
        429 | 502 | 503 | 504 => match retry_after_s(headers, now) {
            Some(retry_after_s) => (
                ErrorKind::RateLimited { retry_after_s },
                format!("{host} asks for {retry_after_s} s of patience ({code})"),
            ),
            None => (ErrorKind::Transient, format!("{host} is busy ({code})")),
        },
        300..=399 => (
            ErrorKind::Transient,
            format!("{host} redirects ({code}), which is not followed: correct the URL"),
        ),
        _ => (ErrorKind::Transient, format!("{host} answered {code}")),
    };
    Err(HttpError::new(kind, message, None))
}

/// Retry-After in seconds from `now`: a number, or an HTTP date (IMF-fixdate, the only form that may be sent).
fn retry_after_s(headers: &HeaderMap, now: Timestamp) -> Option<u64> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(seconds);
    }
    let until = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    Some(u64::try_from(until.as_second() - now.as_second()).unwrap_or(0))
}
