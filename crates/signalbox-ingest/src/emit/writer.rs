//! Writing one chunk while the next is being made.

use std::sync::Arc;

use signalbox_hub::{Hub, HubError};
use signalbox_log::EventLog;
use signalbox_store::FeedStore;
use signalbox_store::feed::{Decision, FeedLease};
use tokio::task::JoinSet;

use super::chunk::Chunk;

/// Records and appends chunks, one at a time and in their order: the log never lacks more of what the ledger says than
/// the rows that the open run names. What is in hand when the writer is dropped is given up; the run is still open, and
/// whoever works it again begins with these rows.
pub(super) struct Writer {
    log: Arc<dyn EventLog>,
    feeds: Arc<dyn FeedStore>,
    lease: FeedLease,
    /// What was decided of the run, until it is stored with the first chunk.
    decision: Option<Decision>,
    /// At most one.
    writing: JoinSet<Result<Chunk, HubError>>,
}

impl Writer {
    pub(super) fn new(hub: &Hub, lease: &FeedLease) -> Self {
        let (log, feeds) = (hub.log.clone(), hub.feeds.clone());
        Self { log, feeds, lease: lease.clone(), decision: None, writing: JoinSet::new() }
    }

    pub(super) fn deciding(self, decision: Option<Decision>) -> Self {
        Self { decision, ..self }
    }

    /// Waits for the chunk before and begins with this one. Gives back an empty chunk.
    pub(super) async fn write(&mut self, chunk: Chunk) -> Result<Chunk, HubError> {
        let empty = self.finish().await?;
        let (log, feeds, lease) = (self.log.clone(), self.feeds.clone(), self.lease.clone());
        let decision = self.decision.take();
        self.writing.spawn(async move { write(&*log, &*feeds, &lease, decision, chunk).await });
        Ok(empty)
    }

    /// Waits for the chunk before, and until this one is written.
    pub(super) async fn write_last(&mut self, chunk: Chunk) -> Result<(), HubError> {
        self.finish().await?;
        write(&*self.log, &*self.feeds, &self.lease, self.decision.take(), chunk).await?;
        Ok(())
    }

    async fn finish(&mut self) -> Result<Chunk, HubError> {
        match self.writing.join_next().await {
            None => Ok(Chunk::default()),
            Some(Ok(written)) => written,
            Some(Err(error)) => std::panic::resume_unwind(error.into_panic()),
        }
    }
}

async fn write(
    log: &dyn EventLog,
    feeds: &dyn FeedStore,
    lease: &FeedLease,
    decision: Option<Decision>,
    mut chunk: Chunk,
) -> Result<Chunk, HubError> {
    match (decision, chunk.rows()) {
        (Some(decision), rows) => {
            feeds.gate_run(lease, &decision, rows).await?;
            signalbox_hub::failpoint!("run.gate");
        }
        (None, Some((scope, rows))) => feeds.record(lease, scope, rows).await?,
        (None, None) => {}
    }
    signalbox_hub::failpoint!("ledger");
    if !chunk.messages().is_empty() {
        log.append(chunk.messages()).await?;
        signalbox_hub::failpoint!("append");
    }
    chunk.clear();
    Ok(chunk)
}
