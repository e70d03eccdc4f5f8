//! The PostgreSQL stores against the suites, and what only a server can get wrong: other processes, lost connections,
//! crashes. Needs a server:
//!
//! ```text
//! eval "$(scripts/postgres start)" && cargo test -p signalbox-sql --test postgres_conformance
//! ```
//!
//! Without SIGNALBOX_TEST_POSTGRES every test here is skipped, and says so.

mod batches;
mod claims;
mod crash;
mod fencing;
mod filled;
mod import;
mod migrations;
mod proxy;
mod scratch;
mod server;
mod unknown_commit;

use signalbox_sql::postgres::{PgFeeds, PgState};

use server::Schema;

/// The store that is made, or the end of the test where there is no server.
macro_rules! or_skip {
    ($made:expr) => {{
        let Some(made) = $made.await else { return };
        std::future::ready(made)
    }};
}

signalbox_store::state_conformance!(or_skip!(state()));
signalbox_store::card_conformance!(or_skip!(state()));
signalbox_store::outbox_conformance!(or_skip!(state()));
signalbox_store::feed_conformance!(or_skip!(feeds()));

async fn state() -> Option<(PgState, Schema)> {
    let schema = Schema::fresh().await?;
    Some((schema.database().await.state(), schema))
}

async fn feeds() -> Option<(PgFeeds, Schema)> {
    let schema = Schema::fresh().await?;
    Some((schema.database().await.feeds(), schema))
}
