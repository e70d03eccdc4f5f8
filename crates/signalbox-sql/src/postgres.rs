//! PostgreSQL 14 or later, for a hub that runs as many processes. One hub has one schema of one database.
//!
//! [`migrate`] makes and updates the tables; [`connect`] refuses a schema that is not as this version needs it.
//!
//! Every write of a shard or feed locks the row of its lease first, so a later lease waits for the write in hand and
//! fences all that come after it. When the connection is lost at COMMIT, the answer is
//! [`StoreError::Unknown`](signalbox_store::StoreError::Unknown); lost at any other time,
//! [`StoreError::Unavailable`](signalbox_store::StoreError::Unavailable), and nothing was written. The pool replaces
//! lost connections by itself.
//!
//! Let calls finish: a future that is dropped in the middle of a statement leaves its connection to be cleared
//! up, which on a dead network may take the pool a place until the system gives the connection up. Time limits belong
//! to the server (`statement_timeout` and its like, see [`connect`]).
//!
//! # Layout
//! - `connect`: the URL, what every connection is set to, the pool; `encryption`: who can read along
//! - `migrate`: tables and their versions
//! - [`state`] and `outbox`: what of them is this database's own; one transaction writes both
//! - `engine`: what both databases say alike, said here
//! - [`import`](mod@import): the way here from a hub on SQLite
//! - `scratch`: a copy of the schema to try things on; `tables`: which tables there are to copy
//! - `refusal`: the server's errors in the words of the stores; `statement`: many rows at once

mod connect;
mod encryption;
mod engine;
pub mod import;
mod migrate;
mod outbox;
mod refusal;
mod scratch;
pub mod state;
mod statement;
mod tables;

pub use connect::{Database, Options, address, connect};
pub use encryption::{Reach, reach, verifying};
pub use import::{ImportError, Imported, import};
pub use migrate::{Migrations, OpenError, migrate, migrations};
pub use scratch::{Scratch, scratch_copy};
pub use state::PgState;

/// [`FeedStore`](signalbox_store::FeedStore) in a PostgreSQL schema.
pub type PgFeeds = crate::feeds::Feeds<sqlx::postgres::PgPool>;
