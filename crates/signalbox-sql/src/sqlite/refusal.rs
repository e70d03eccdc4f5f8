//! SQLite's errors in the words of the stores.

use signalbox_store::StoreError;

use super::connect::{is_away, is_unfit};

/// [`StoreError::Unknown`] never comes from here: SQLite runs in this process, so a COMMIT always answers.
pub(super) fn refusal(error: sqlx::Error) -> StoreError {
    if is_away(&error) {
        StoreError::Unavailable(error.into())
    } else if is_unfit(&error) {
        StoreError::Unfit(error.into())
    } else {
        StoreError::Failed(error.into())
    }
}
