//! The server's errors in the words of the stores.

use signalbox_store::StoreError;
use sqlx::postgres::{PgDatabaseError, PgSeverity};
use sqlx::{Postgres, Transaction};

type Source = Box<dyn std::error::Error + Send + Sync>;

/// What the server said, without the detail, which may hold the values of a row.
#[derive(Debug, thiserror::Error)]
#[error("{message} (SQLSTATE {code})")]
struct ServerSaid {
    code: String,
    message: String,
}

/// Of a call that wrote nothing.
pub(super) fn refusal(error: sqlx::Error) -> StoreError {
    if may_succeed_later(&error) {
        StoreError::Unavailable(source(error))
    } else if is_unfit(&error) {
        StoreError::Unfit(source(error))
    } else {
        StoreError::Failed(source(error))
    }
}

/// Of a statement that commits by itself, or of COMMIT: when no answer came, it may have been written.
pub(super) fn commit_refusal(error: sqlx::Error) -> StoreError {
    if was_answered(&error) { refusal(error) } else { StoreError::Unknown }
}

/// Ends a transaction.
pub(super) async fn commit(transaction: Transaction<'static, Postgres>) -> Result<(), StoreError> {
    transaction.commit().await.map_err(commit_refusal)
}

/// Whether the server is away or overloaded, rather than asked for something that it cannot do.
pub(super) fn may_succeed_later(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(error) => {
            let error = error.downcast_ref::<PgDatabaseError>();
            is_passing(error.code())
                || error.severity() != PgSeverity::Error && !is_refused_login(error.code())
        }
        error => is_lost(error),
    }
}

pub(super) fn source(error: sqlx::Error) -> Source {
    match error {
        sqlx::Error::Database(error) => {
            let error = error.downcast_ref::<PgDatabaseError>();
            ServerSaid { code: error.code().to_owned(), message: error.message().to_owned() }.into()
        }
        error => error.into(),
    }
}

/// SQLSTATEs that pass by themselves, by class and by code:
/// <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
fn is_passing(code: &str) -> bool {
    // Connection exception, transaction rollback (deadlock, serialization), insufficient resources, operator
    // intervention (shutdown, statement_timeout).
    const CLASSES: [&str; 4] = ["08", "40", "53", "57"];
    // lock_not_available (lock_timeout), idle_in_transaction_session_timeout, read_only_sql_transaction (a standby
    // that is about to be promoted).
    const CODES: [&str; 3] = ["55P03", "25P03", "25006"];
    CLASSES.iter().any(|class| code.starts_with(class)) || CODES.contains(&code)
}

/// A data exception (a NUL in a text), or a limit of the program (a row that no index page holds).
fn is_unfit(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| code.starts_with("22") || code.starts_with("54"))
}

/// FATAL, but not because the server is going away: a wrong password, no such database or a wrong setting.
fn is_refused_login(code: &str) -> bool {
    ["28", "3D", "22", "42"].iter().any(|class| code.starts_with(class))
}

fn is_lost(error: &sqlx::Error) -> bool {
    use sqlx::Error::{BeginFailed, Io, PoolClosed, PoolTimedOut, Protocol, Tls, WorkerCrashed};
    matches!(error, Io(_) | Tls(_) | Protocol(_) | PoolTimedOut | PoolClosed | WorkerCrashed | BeginFailed)
}

/// An ERROR ends the transaction and nothing was written. After FATAL the session is gone, and it may have gone
/// after the transaction was written.
fn was_answered(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(error) => {
            error.downcast_ref::<PgDatabaseError>().severity() == PgSeverity::Error
        }
        error => !is_lost(error),
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    fn reset() -> sqlx::Error {
        io::Error::from(io::ErrorKind::ConnectionReset).into()
    }

    #[test]
    fn a_lost_connection_is_unavailable_and_at_commit_unknown() {
        assert!(matches!(refusal(reset()), StoreError::Unavailable(_)));
        assert!(matches!(commit_refusal(reset()), StoreError::Unknown));
        assert!(matches!(refusal(sqlx::Error::PoolTimedOut), StoreError::Unavailable(_)));
    }

    #[test]
    fn what_cannot_be_read_fails() {
        let damaged = || sqlx::Error::Decode("a run has an outcome that this version does not know".into());
        assert!(matches!(refusal(damaged()), StoreError::Failed(_)));
        assert!(matches!(commit_refusal(damaged()), StoreError::Failed(_)));
    }

    #[test]
    fn states_that_pass_are_told_from_mistakes() {
        for code in ["57P01", "57014", "40P01", "53300", "08006", "55P03"] {
            assert!(is_passing(code), "{code}");
        }
        for code in ["42P01", "23505", "28P01", "3D000", "22021"] {
            assert!(!is_passing(code), "{code}");
        }
    }
}
