//! What consumers there are, for all who do not fold: whose topics are kept, who is behind, which roles run.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::BoxFuture;
use jiff::Timestamp;
use signalbox_event::Domain;

use crate::{Hub, HubError, Topics};

/// A consumer, as it stands in the list of them. It is made of its folder (`signalbox-consume`).
pub struct Consumer {
    /// What people call it; also the role that runs it, and a part of its topics' names.
    pub name: &'static str,
    /// What it does, for people.
    pub about: &'static str,
    /// Its name in the state store, with its generation.
    pub kept_as: &'static str,
    /// Whose topics it reads; of several with records, the earlier is read first.
    pub domains: &'static [Domain],
    /// Becomes a member of its group.
    pub join: Join,
}

/// Makes a member of a consumer's group.
pub type Join = fn(Arc<Hub>) -> BoxFuture<'static, Result<Box<dyn Consuming>, HubError>>;

impl fmt::Debug for Consumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer").field("kept_as", &self.kept_as).finish_non_exhaustive()
    }
}

impl Consumer {
    /// Its group on the log: hubs with other topics are other groups.
    pub fn group(&self, topics: &Topics) -> String {
        format!("{}.signalbox.{}", topics.prefix, self.name)
    }

    /// The topics that it reads, in its order.
    pub fn topics(&self, topics: &Topics) -> Vec<String> {
        self.domains.iter().map(|domain| topics.name(*domain)).collect()
    }
}

/// A consumer's member in this process: it owns the shards that the group gives it.
#[async_trait]
pub trait Consuming: Send {
    /// Folds and decides until nothing is left to do on the shards in hand.
    ///
    /// # Errors
    /// Log or store do not answer, or hold what this version did not write. Its shards are taken anew at the next call.
    async fn drain(&mut self, now: Timestamp) -> Result<(), HubError>;

    /// One turn of a process that runs on: waits for something to happen, at most `idle`, takes what else is at hand,
    /// begins to fold it, and to decide on the shards with news that have caught up. `clock` says the time when there is
    /// something to do. Returns how many subjects were decided on since the last turn.
    ///
    /// # Errors
    /// As [`drain`](Self::drain).
    async fn turn(
        &mut self,
        idle: Duration,
        clock: &(dyn Fn() -> Timestamp + Send + Sync),
    ) -> Result<usize, HubError>;
}
