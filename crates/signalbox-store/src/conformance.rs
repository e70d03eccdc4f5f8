//! The suites that every implementation of the traits runs: one test per promise.
//!
//! ```text
//! async fn empty() -> (MyStore, impl Sized) { … }   // an empty store, and what must outlive it (a directory, say)
//! signalbox_store::state_conformance!(empty());
//! signalbox_store::card_conformance!(empty());
//! signalbox_store::outbox_conformance!(empty());
//! signalbox_store::feed_conformance!(empty_feeds());
//! ```
//!
//! A caller needs `tokio` with `macros` and a runtime. Each macro makes a module of its own.

pub mod again;
pub mod bundle;
pub mod card;
pub mod claim;
pub mod crosswalk;
pub mod feed;
pub mod hold;
pub mod lease;
pub mod ledger;
pub mod outbox;
pub mod reject;
pub mod run;
pub mod state;
pub mod withdrawal;

/// One `#[tokio::test]` per case, each with a store of its own.
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_cases {
    ($suite:ident, $make:expr, $($(#[$doc:meta])* $case:ident)+) => {$(
        #[tokio::test]
        async fn $case() {
            let (store, _outlives_it) = $make.await;
            $crate::conformance::$suite::$case(&store).await;
        }
    )+};
}

/// Asserts that a call failed with a given [`StoreError`](crate::StoreError).
macro_rules! assert_refused {
    ($call:expr, $why:ident $(($any:pat))?) => {{
        let answer = $call;
        assert!(
            matches!(answer, Err($crate::StoreError::$why $(($any))?)),
            "wanted {}, got {answer:?}",
            stringify!($why)
        );
    }};
}
pub(crate) use assert_refused;

/// Takes a feed, whoever has it.
pub(crate) async fn taken(store: &impl crate::FeedStore, feed: &str) -> crate::feed::FeedLease {
    let term = crate::feed::Term { holder: "one", now_ms: 0, until_ms: 60_000 };
    store.take(feed, term).await.expect("takes the feed")
}
