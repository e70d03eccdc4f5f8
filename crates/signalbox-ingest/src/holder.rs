//! Whose feeds they are, of several processes.

use std::time::Duration;

use jiff::Timestamp;
use signalbox_hub::Hub;
use signalbox_store::StoreError;
use signalbox_store::feed::Term;

/// Who reads feeds: of several processes each has its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    pub name: String,
    /// After this long without [`keep`], another may take the feeds.
    pub term: Duration,
}

impl Holder {
    /// All processes of an embedded hub: a command takes a feed from a running `up`, which takes it back.
    pub fn embedded() -> Self {
        Self { name: "embedded".to_owned(), term: Duration::ZERO }
    }

    pub(crate) fn term_at(&self, now: Timestamp) -> Term<'_> {
        Term { holder: &self.name, now_ms: now.as_millisecond(), until_ms: self.until_ms(now) }
    }

    fn until_ms(&self, now: Timestamp) -> i64 {
        now.as_millisecond().saturating_add(i64::try_from(self.term.as_millis()).unwrap_or(i64::MAX))
    }
}

/// Keeps the feeds that `holder` has. To be called several times a term, beside the passes: reading one payload may
/// take longer.
pub async fn keep(hub: &Hub, holder: &Holder, now: Timestamp) -> Result<(), StoreError> {
    hub.feeds.keep(&holder.name, holder.until_ms(now)).await.map(drop)
}

/// Lets go of the feeds, so that another may take them at once.
pub async fn let_go(hub: &Hub, holder: &Holder) -> Result<(), StoreError> {
    hub.feeds.let_go(&holder.name).await
}
