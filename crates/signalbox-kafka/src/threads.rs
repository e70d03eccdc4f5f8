//! Threads for what blocks.
//!
//! Not those of the runtime: that would wait for them when it ends, though the brokers be gone and nobody want the
//! answer.

use std::io;
use std::sync::{Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use signalbox_log::LogError;
use tokio::sync::oneshot;

/// Threads that were begun and are not joined. None is ever detached: when a thread ends while it is being detached,
/// glibc (seen with 2.36) looks into its memory after that was given back.
static BEGUN: Mutex<Vec<JoinHandle<()>>> = Mutex::new(Vec::new());

/// Begins work that may block, and does not wait for it. The end of the process does not wait for it either.
pub(crate) fn begin(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let thread = thread::Builder::new().name(name.to_owned()).spawn(work)?;
    let mut begun = BEGUN.lock().unwrap_or_else(PoisonError::into_inner);
    for ended in begun.extract_if(.., |thread| thread.is_finished()) {
        // A panic was told of where it happened.
        drop(ended.join());
    }
    begun.push(thread);
    Ok(())
}

/// Waits for work that blocks, on a thread of its own.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, LogError> {
    let (answer, answered) = oneshot::channel();
    let work = move || {
        // Nobody is left to hear it when the call was dropped.
        drop(answer.send(work()));
    };
    begin("kafka call", work).map_err(|error| LogError::Unavailable(Box::new(error)))?;
    answered.await.map_err(|error| LogError::Failed(Box::new(error)))
}
