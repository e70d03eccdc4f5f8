//! The event log and the stores on SQLite. sqlx is used only here.
//!
//! Each file has one purpose and no transaction spans two of them: `log.db` (the event log), `state.db` (consumer
//! state and outbox), `feeds.db` (runs, ledger, holds).

pub mod sqlite;
