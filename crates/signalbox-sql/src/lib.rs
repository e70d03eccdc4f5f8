//! The event log on SQLite, and the stores on SQLite and PostgreSQL. sqlx is used only here.
//!
//! # Layout
//! - [`sqlite`]: for a hub on one machine. Each file has one purpose and no transaction spans two of them: `log.db`
//!   (the event log), `state.db` (consumer state and outbox), `feeds.db` (runs, ledger, holds)
//! - [`postgres`]: for a hub of many processes. One schema of one database holds states, outbox and feeds
//! - `page`: the ledger's pages, the same bytes in both

mod page;
pub mod postgres;
pub mod sqlite;
