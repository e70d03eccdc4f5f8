//! `signalbox up`: run the hub.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};
use signalbox_runtime::hub::{Hub, HubError};
use signalbox_runtime::ingest::PassReport;
use signalbox_runtime::up::{self, Beside, Loops};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::{load, status};
use crate::cli::{Global, Up};
use crate::clock::Clock;
use crate::exit::{Done, Failure};
use crate::open::{self, Lock, Opened};

/// How often `up` looks for something new.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long a file must have been still before `up` reads it.
const STILL_FOR: Duration = Duration::from_secs(2);
/// How long a pass in hand may take after a request to stop; what it leaves is finished at the next start.
const DRAIN_FOR: Duration = Duration::from_secs(10);
/// How long a destination that takes nothing is left alone.
const LEAVE_ALONE: Duration = Duration::from_secs(5);

pub(super) async fn run(out: &mut dyn Write, global: &Global, args: &Up) -> Result<Done, Failure> {
    let clock = Clock::new(global.now);
    let configuration = fingerprint(global)?;
    let opened = open::open(load(global)?).await?;
    let _lock = opened.data_dir.lock(&configuration)?;
    // Whoever claimed an alert before is gone: the lock says so.
    opened.hub.outbox.release_claims().await?;
    if args.once { once(out, global, &opened, clock).await } else { forever(out, &opened, clock).await }
}

/// Whether a command that holds the lock, or does not get it, is alone.
pub(super) fn beside(lock: Option<&Lock>) -> Beside {
    if lock.is_some() { Beside::Nobody } else { Beside::Up }
}

/// Names the configuration that a process runs with.
pub(super) fn fingerprint(global: &Global) -> Result<String, Failure> {
    let text = std::fs::read(&global.config).map_err(|error| {
        Failure::input(
            error,
            "signalbox init writes a configuration to start from; --config names another place",
        )
    })?;
    Ok(format!("{:x}", sha2_hex(&text)))
}

fn sha2_hex(bytes: &[u8]) -> impl std::fmt::LowerHex {
    let digest = Sha256::digest(bytes);
    u128::from_be_bytes(digest[..16].try_into().expect("sixteen of thirty-two bytes"))
}

async fn once(out: &mut dyn Write, global: &Global, opened: &Opened, clock: Clock) -> Result<Done, Failure> {
    let hub = &opened.hub;
    let mut loops = Loops::open(hub.clone(), None).await?;
    let report = loops.pass(clock.frozen()).await?;
    warn(&report);
    up::deliver(hub, || clock.frozen()).await?;
    status::print(out, global, hub).await?;
    Ok(Done::Ok)
}

async fn forever(out: &mut dyn Write, opened: &Opened, clock: Clock) -> Result<Done, Failure> {
    let (stop, stopped) = watch::channel(false);
    let delivering = tokio::spawn(deliver(opened.hub.clone(), clock, stopped.clone()));
    let signals = tokio::spawn(async move {
        wait_for_signal().await;
        // Nobody listens any more only when the process is ending anyway.
        stop.send(true).ok();
    });
    writeln!(out, "The hub is running. Ctrl-C stops it; signalbox status shows it.")?;
    out.flush()?;
    let worked = work(opened.hub.clone(), clock, stopped).await;
    signals.abort();
    delivering.abort();
    worked?;
    writeln!(out, "Stopped. Start again to go on.")?;
    Ok(Done::Ok)
}

/// Passes, one after the other, until asked to stop.
async fn work(hub: Arc<Hub>, clock: Clock, mut stopped: watch::Receiver<bool>) -> Result<(), Failure> {
    let mut loops = Loops::open(hub, Some(STILL_FOR)).await?;
    let mut last_trouble = String::new();
    loop {
        let pass = async { loops.pass(clock.running()).await };
        let report = tokio::select! {
            report = pass => report,
            () = drained(stopped.clone()) => return Ok(()),
        };
        say_trouble(report, &mut last_trouble)?;
        tokio::select! {
            () = sleep(LOOK_EVERY) => {}
            _ = stopped.wait_for(|stop| *stop) => return Ok(()),
        }
    }
}

/// Says trouble once, not at every pass. What cannot heal by itself ends the process.
fn say_trouble(report: Result<PassReport, HubError>, last: &mut String) -> Result<(), Failure> {
    let trouble = match report {
        Ok(report) => report
            .failed
            .iter()
            .map(|(feed, error)| format!("{feed}: {error}"))
            .collect::<Vec<_>>()
            .join("; "),
        Err(error) if heals(&error) => error.to_string(),
        Err(error) => return Err(error.into()),
    };
    if !trouble.is_empty() && trouble != *last {
        tracing::warn!(trouble, "waiting; it goes on by itself once this is over");
    } else if trouble.is_empty() && !last.is_empty() {
        tracing::info!("all feeds answer again");
    }
    *last = trouble;
    Ok(())
}

fn heals(error: &HubError) -> bool {
    use signalbox_log::LogError;
    use signalbox_store::StoreError;
    matches!(error, HubError::Log(LogError::Unavailable(_)) | HubError::Store(StoreError::Unavailable(_)))
}

fn warn(report: &PassReport) {
    for (feed, error) in &report.failed {
        tracing::warn!(feed, %error, "the feed could not be read");
    }
}

/// Delivers beside the passes, so that a slow receiver holds up nobody.
async fn deliver(hub: Arc<Hub>, clock: Clock, mut stopped: watch::Receiver<bool>) {
    loop {
        let wait = match up::deliver(&hub, || clock.running()).await {
            Ok(done) if done.retried > 0 && done.delivered == 0 => LEAVE_ALONE,
            Ok(_) => LOOK_EVERY,
            Err(error) => {
                tracing::warn!(%error, "alerts wait; they go out once the store answers");
                LEAVE_ALONE
            }
        };
        let ended = timeout(wait, stopped.wait_for(|stop| *stop)).await;
        if ended.is_ok() {
            return;
        }
    }
}

/// Ends some time after the request to stop.
async fn drained(mut stopped: watch::Receiver<bool>) {
    if stopped.wait_for(|stop| *stop).await.is_ok() {
        sleep(DRAIN_FOR).await;
    }
}

async fn wait_for_signal() {
    let term = signal(SignalKind::terminate());
    match term {
        Ok(mut term) => tokio::select! {
            _ = term.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        },
        // Without the handler SIGTERM ends the process at once, which is safe too.
        Err(_) => drop(tokio::signal::ctrl_c().await),
    }
}
