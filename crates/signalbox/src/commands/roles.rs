//! The roles of a running process: each a loop of its own, until asked to stop.
//!
//! A store or log that does not answer is waited for. What cannot heal by itself ends the process, with the mend.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use signalbox_connector::Destination;
use signalbox_consume::relay;
use signalbox_hub::consumer::{Consumer, Consuming};
use signalbox_hub::running::Running;
use signalbox_hub::{Hub, HubError};
use signalbox_ingest::{self as ingest, Holder, Ingest, PassReport};
use signalbox_roles::up;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, watch};
use tokio::task::JoinError;
use tokio::time::{sleep, timeout};

use crate::clock::Clock;
use crate::exit::Failure;

/// How often a role looks for something new.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long a file must have been still before it is read.
pub(super) const STILL_FOR: Duration = Duration::from_secs(2);
/// How long the step in hand may take after a request to stop; what it leaves is finished at the next start.
const DRAIN_FOR: Duration = Duration::from_secs(10);
/// How long a destination that takes nothing is left alone, or a store that does not answer.
const LEAVE_ALONE: Duration = Duration::from_secs(5);
/// How long a consumer waits for a delivery before it looks at the calendars.
const IDLE: Duration = Duration::from_millis(250);

/// Told once, when the process is to stop.
pub(super) type Stopped = watch::Receiver<bool>;

/// What a role works with.
#[derive(Clone)]
pub(super) struct Post {
    pub(super) hub: Arc<Hub>,
    pub(super) clock: Clock,
    pub(super) stopped: Stopped,
}

/// Is told when the process is asked to stop, by Ctrl-C or SIGTERM; from this call on neither ends it at once.
///
/// # Errors
/// The system does not let us listen.
pub(super) fn until_signal() -> io::Result<Stopped> {
    let (mut term, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = interrupt.recv() => {}
        }
        // Nobody listens any more only when the process is ending anyway.
        stop.send(true).ok();
    });
    Ok(stopped)
}

/// Whether this process can send what it is to send, as far as that is known without asking anybody.
///
/// # Errors
/// A destination's secret is missing or none.
pub(super) fn ready_to_deliver(hub: &Hub) -> Result<(), Failure> {
    hub.settings.targets.iter().try_for_each(|target| ready(&target.name, &*target.destination))
}

/// Whether the destination can be sent to, as far as that is known without asking it.
pub(super) fn ready(name: &str, destination: &dyn Destination) -> Result<(), Failure> {
    destination.ready().map_err(|error| {
        let message = anyhow!("destination {name} cannot be told anything: {error}");
        Failure::environment(message, "put its secret right and try again")
    })
}

impl Post {
    /// Reads feeds, all or only some.
    pub(super) async fn ingest(mut self, holder: Holder, only: Option<Vec<String>>) -> Result<(), HubError> {
        let _keeping = keep(&self.hub, &holder, self.clock);
        let mut ingest = Ingest::new(self.hub.clone(), holder.clone(), Some(STILL_FOR));
        if let Some(only) = only {
            ingest = ingest.only(only);
        }
        let mut trouble = Trouble::default();
        let mut running = Running::new("ingest");
        while !self.is_stopped() {
            let now = self.clock.running();
            let Some(pass) = unless_drained(&self.stopped, Box::pin(ingest.pass(now))).await else { break };
            trouble.hear(pass.map(|report| of_pass(&report)))?;
            self.says(&mut running).await;
            self.pause(LOOK_EVERY).await;
        }
        self.ended(running).await;
        if let Err(error) = ingest::let_go(&self.hub, &holder).await {
            tracing::warn!(%error, "others may take the feeds only when their term is over");
        }
        Ok(())
    }

    /// Folds events and decides; appends what was decided, beside the next events.
    pub(super) async fn consumer(self, consumer: &Consumer) -> Result<(), HubError> {
        let decided = Notify::new();
        let (consuming, relaying) = (self.clone(), self);
        tokio::try_join!(consuming.consume(consumer, &decided), relaying.relay(&decided))?;
        Ok(())
    }

    async fn consume(mut self, consumer: &Consumer, decided: &Notify) -> Result<(), HubError> {
        let mut trouble = Trouble::default();
        let mut running = Running::new(consumer.name);
        let mut joined = None;
        while !self.is_stopped() {
            let turn = self.turn(consumer, &mut joined);
            let Some(turn) = unless_drained(&self.stopped, turn).await else { break };
            if turn.as_ref().is_ok_and(|decided| *decided > 0) {
                decided.notify_one();
            }
            if trouble.hear(turn.map(|_| None))? {
                self.pause(LOOK_EVERY).await;
            }
            self.says(&mut running).await;
        }
        self.ended(running).await;
        Ok(())
    }

    async fn turn(
        &self,
        consumer: &Consumer,
        joined: &mut Option<Box<dyn Consuming>>,
    ) -> Result<usize, HubError> {
        if joined.is_none() {
            ingest::announce(&self.hub, self.clock.running()).await?;
            *joined = Some((consumer.join)(self.hub.clone()).await?);
        }
        let member = joined.as_mut().expect("it has just joined");
        member.turn(IDLE, &|| self.clock.running()).await
    }

    async fn relay(mut self, decided: &Notify) -> Result<(), HubError> {
        let mut trouble = Trouble::default();
        while !self.is_stopped() {
            let step = relay::drain(&self.hub, self.clock.running());
            let Some(step) = unless_drained(&self.stopped, step).await else { break };
            trouble.hear(step.map(|_| None))?;
            // Others, and records that could not be read, leave entries too: looks now and then.
            tokio::select! {
                () = decided.notified() => {}
                () = self.pause(LOOK_EVERY) => {}
            }
        }
        Ok(())
    }

    /// Sends alerts, beside the other roles, so that a slow receiver holds up nobody.
    pub(super) async fn deliver(mut self) -> Result<(), HubError> {
        let mut trouble = Trouble::default();
        let mut running = Running::new("deliver");
        while !self.is_stopped() {
            let step = up::deliver(&self.hub, || self.clock.running());
            let Some(step) = unless_drained(&self.stopped, step).await else { break };
            let (wait, heard) = match step {
                Ok(done) if done.retried > 0 && done.delivered == 0 => (LEAVE_ALONE, Ok(None)),
                Ok(_) => (LOOK_EVERY, Ok(None)),
                Err(error) => (LEAVE_ALONE, Err(error)),
            };
            trouble.hear(heard)?;
            self.says(&mut running).await;
            self.pause(wait).await;
        }
        self.ended(running).await;
        Ok(())
    }

    /// Says that a role runs. People see it; nothing waits for it.
    pub(super) async fn says(&self, running: &mut Running) {
        if let Err(error) = running.passed(&*self.hub.feeds, self.clock.running()).await {
            tracing::debug!(%error, "what runs could not be noted this time");
        }
    }

    pub(super) async fn ended(&self, running: Running) {
        if let Err(error) = running.ended(&*self.hub.feeds).await {
            tracing::debug!(%error, "that a role ended could not be noted");
        }
    }

    pub(super) fn is_stopped(&self) -> bool {
        *self.stopped.borrow()
    }

    /// Waits, unless asked to stop.
    pub(super) async fn pause(&mut self, wait: Duration) {
        // Either way the caller looks whether it is to stop.
        drop(timeout(wait, self.stopped.wait_for(|stop| *stop)).await);
    }
}

/// How a role's task ended. A panic of it goes on here: a hub that lacks a role does not run.
pub(super) fn end_of(task: Result<Result<(), HubError>, JoinError>) -> Result<(), HubError> {
    match task {
        Ok(ended) => ended,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        // It was aborted, as the hub ends.
        Err(_) => Ok(()),
    }
}

/// Keeps the feeds of `holder` while the guard lives.
pub(super) fn keep(hub: &Arc<Hub>, holder: &Holder, clock: Clock) -> Keeping {
    let (hub, holder) = (hub.clone(), holder.clone());
    Keeping(tokio::spawn(async move {
        // An embedded hub's feeds need no keeping.
        while !holder.term.is_zero() {
            if let Err(error) = ingest::keep(&hub, &holder, clock.running()).await {
                tracing::debug!(%error, "the feeds could not be kept this time");
            }
            sleep(holder.term / 3).await;
        }
    }))
}

/// See [`keep`].
pub(super) struct Keeping(tokio::task::JoinHandle<()>);

impl Drop for Keeping {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// `None`: the process was asked to stop, and the step did not end in time.
pub(super) async fn unless_drained<T>(stopped: &Stopped, step: impl Future<Output = T>) -> Option<T> {
    let mut stopped = stopped.clone();
    let drained = async {
        if stopped.wait_for(|stop| *stop).await.is_err() {
            // Nobody can ask any more.
            std::future::pending::<()>().await;
        }
        sleep(DRAIN_FOR).await;
    };
    tokio::select! {
        done = step => Some(done),
        () = drained => None,
    }
}

/// Says trouble once, not at every step.
#[derive(Debug, Default)]
pub(super) struct Trouble(String);

impl Trouble {
    /// What a step came to: `Ok(Some)` is trouble that it went on beside. `true`: there is trouble.
    ///
    /// # Errors
    /// Those that do not heal by themselves.
    pub(super) fn hear(&mut self, step: Result<Option<String>, HubError>) -> Result<bool, HubError> {
        let trouble = match step {
            Ok(trouble) => trouble.unwrap_or_default(),
            Err(error) if error.heals() => plain(&error),
            Err(error) => return Err(error),
        };
        if !trouble.is_empty() && trouble != self.0 {
            tracing::warn!(trouble, "waiting; it goes on by itself once this is over");
        } else if trouble.is_empty() && !self.0.is_empty() {
            tracing::info!("it goes on");
        }
        self.0 = trouble;
        Ok(!self.0.is_empty())
    }
}

/// With the reason, which says which server it is.
fn plain(error: &HubError) -> String {
    use std::error::Error;
    error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}

/// Feeds that could not be read, if any.
pub(super) fn of_pass(report: &PassReport) -> Option<String> {
    let failed: Vec<String> = report.failed.iter().map(|(feed, error)| format!("{feed}: {error}")).collect();
    (!failed.is_empty()).then(|| failed.join("; "))
}
