//! The event log on SQLite, and the stores on SQLite and PostgreSQL. sqlx is used only here.
//!
//! # Layout
//! - [`sqlite`]: for a hub on one machine. Each file has one purpose and no transaction spans two of them: `log.db`
//!   (the event log), `state.db` (consumer state and outbox), `feeds.db` (runs, ledger, holds)
//! - [`postgres`]: for a hub of many processes. One schema of one database holds states, outbox and feeds
//! - `feeds`, `states`: what both say alike, written once on `engine`, which is either database. A table to come
//!   is one more file there
//! - `page`: the ledger's pages, the same bytes in both; `stored`: rows of both in the words of the stores

mod engine;
mod feeds;
mod migrations;
mod page;
#[cfg(feature = "postgres")]
pub mod postgres;
pub mod sqlite;
mod states;
mod stored;
