//! `signalbox up`: run the hub.

use std::io::Write;
use std::time::Duration;

use clap::ValueEnum;
use sha2::{Digest, Sha256};
use signalbox_connector::regular_file;
use signalbox_hub::running::Running;
use signalbox_ingest::{self as ingest, Holder, PassReport};
use signalbox_roles::up::{self, Left, Loops};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout};

use super::roles::{self, LOOK_EVERY, Post, STILL_FOR, Trouble, unless_drained, until_signal};
use super::{load, run as run_command, status};
use crate::cli::{Global, Role, Up};
use crate::clock::Clock;
use crate::config;
use crate::exit::{Done, Failure};
use crate::open::{self, Lock, Opened};

pub(super) async fn run(out: &mut dyn Write, global: &Global, args: &Up) -> Result<Done, Failure> {
    if args.once { run_once(out, global).await } else { Box::pin(run_on(out, global)).await }
}

/// How long `up --once` waits before it says what for.
const PATIENCE: Duration = Duration::from_secs(10);

async fn run_once(out: &mut dyn Write, global: &Global) -> Result<Done, Failure> {
    let clock = Clock::new(global.now);
    let configuration = fingerprint(global)?;
    let opened = open::open_to_run_once(load(global)?).await?;
    roles::ready_to_deliver(&opened.hub)?;
    let _lock = if opened.is_shared() { None } else { Some(alone(&opened, &configuration).await?) };
    once(out, global, opened, &configuration, clock).await
}

async fn run_on(out: &mut dyn Write, global: &Global) -> Result<Done, Failure> {
    let stopped = until_signal()?;
    let clock = Clock::new(global.now);
    let configuration = fingerprint(global)?;
    let opened = open::open_to_run(load(global)?, &configuration).await?;
    let post = Post { hub: opened.hub.clone(), clock, stopped };
    if opened.is_shared() {
        let roles = Role::value_variants().iter().copied().collect();
        return run_command::forever(out, opened, post, &configuration, &roles, None).await;
    }
    roles::ready_to_deliver(&opened.hub)?;
    let _lock = alone(&opened, &configuration).await?;
    Box::pin(forever(out, post)).await
}

/// No other process runs an embedded hub while the lock is held.
async fn alone(opened: &Opened, configuration: &str) -> Result<Lock, Failure> {
    let lock = opened.data_dir.lock(configuration)?;
    // Whoever claimed an alert before is gone: the lock says so.
    opened.hub.outbox.release_claims().await?;
    Ok(lock)
}

/// Names the configuration that a process runs with.
pub(super) fn fingerprint(global: &Global) -> Result<String, Failure> {
    let text = regular_file::read_text(&global.config, config::MOST_BYTES).map_err(|error| {
        let context = format!("the configuration {} cannot be read", global.config.display());
        Failure::input(
            anyhow::Error::new(error).context(context),
            "signalbox init writes a configuration to start from; --config names another place",
        )
    })?;
    Ok(format!("{:x}", sha2_hex(text.as_bytes())))
}

fn sha2_hex(bytes: &[u8]) -> impl std::fmt::LowerHex {
    let digest = Sha256::digest(bytes);
    u128::from_be_bytes(digest[..16].try_into().expect("sixteen of thirty-two bytes"))
}

/// Everything that is there now, by all roles in this process.
async fn once(
    out: &mut dyn Write,
    global: &Global,
    opened: Opened,
    configuration: &str,
    clock: Clock,
) -> Result<Done, Failure> {
    let (holder, _slot) = opened.holder(configuration)?;
    let hub = opened.hub.clone();
    {
        let _keeping = roles::keep(&hub, &holder, clock);
        let mut loops = Loops::open(hub.clone(), holder.clone(), None).await?;
        let report = loops.pass_to_end(clock.frozen()).await?;
        warn(&report);
        wait_for_others(&opened, &mut loops, clock).await?;
    }
    ingest::let_go(&hub, &holder).await?;
    if up::is_decided(&hub).await? {
        deliver(&opened, clock).await?;
    } else {
        tracing::warn!(
            "no alert was sent: a file was not read to its end, so nothing is decided; signalbox status says which"
        );
    }
    status::of(out, global, &opened).await?;
    opened.close().await?;
    Ok(Done::Ok)
}

async fn deliver(opened: &Opened, clock: Clock) -> Result<(), Failure> {
    // What others decided meanwhile is dated later than the beginning of this command.
    let is_shared = opened.is_shared();
    up::deliver(&opened.hub, || if is_shared { clock.running() } else { clock.frozen() }).await?;
    Ok(())
}

/// Shards that other processes have are theirs to drain. They may come to this one while it waits, so it goes on taking
/// its turns.
async fn wait_for_others(opened: &Opened, loops: &mut Loops, clock: Clock) -> Result<(), Failure> {
    let begun = Instant::now();
    let mut silent_for = PATIENCE;
    while opened.is_shared() {
        let left = up::left(&opened.hub).await?;
        if left == Left::Nothing {
            break;
        }
        if begun.elapsed() >= silent_for {
            tracing::warn!("waiting for other processes of this hub: {left}; signalbox status shows more");
            silent_for *= 2;
        }
        sleep(LOOK_EVERY).await;
        loops.settle(clock.frozen()).await?;
    }
    Ok(())
}

fn warn(report: &PassReport) {
    for (feed, error) in &report.failed {
        tracing::warn!(feed, %error, "the feed could not be read");
    }
}

/// The embedded hub: ingest and consumers take turns, delivery goes on beside them, once everybody was judged by this
/// configuration: what it withholds of what waited is not to be sent.
async fn forever(out: &mut dyn Write, post: Post) -> Result<Done, Failure> {
    let (judging, after_judging) = oneshot::channel::<()>();
    let delivery = post.clone().deliver();
    let mut delivering = tokio::spawn(async move {
        // Dropped unsaid: the hub ends before everybody was judged.
        match after_judging.await {
            Ok(()) => delivery.await,
            Err(_) => Ok(()),
        }
    });
    writeln!(out, "The hub is running. Ctrl-C stops it; signalbox status shows it.")?;
    out.flush()?;
    let mut working = Box::pin(work(post, judging));
    tokio::select! {
        worked = &mut working => {
            // It has been asked to stop as well; a try in hand may take longer than a person waits.
            let delivered = timeout(LOOK_EVERY, &mut delivering).await;
            delivering.abort();
            worked?;
            if let Ok(delivered) = delivered {
                roles::end_of(delivered)?;
            }
        }
        // Nobody is told anything any more: unless asked to stop, the hub does not go on without it.
        delivered = &mut delivering => {
            roles::end_of(delivered)?;
            working.await?;
        }
    }
    writeln!(out, "Stopped. Start again to go on.")?;
    Ok(Done::Ok)
}

/// Passes, one after the other, until asked to stop. Says on `judging` when everybody was judged.
async fn work(mut post: Post, judging: oneshot::Sender<()>) -> Result<(), Failure> {
    let mut judging = Some(judging);
    let mut loops = Loops::open(post.hub.clone(), Holder::embedded(), Some(STILL_FOR)).await?;
    let mut trouble = Trouble::default();
    let consumers = post.hub.settings.topics.consumers.iter().map(|consumer| consumer.name);
    let mut running: Vec<Running> = ["ingest"].into_iter().chain(consumers).map(Running::new).collect();
    while !post.is_stopped() {
        let now = post.clock.running();
        let pass = async {
            let report = loops.pass(now).await?;
            if judging.is_some() && up::is_decided(&post.hub).await? {
                // Nobody listens only when delivery has ended, and the hub with it.
                judging.take().map(|judging| judging.send(()));
            }
            Ok(roles::of_pass(&report))
        };
        let Some(trouble_of_pass) = unless_drained(&post.stopped, Box::pin(pass)).await else { break };
        trouble.hear(trouble_of_pass)?;
        for role in &mut running {
            post.says(role).await;
        }
        post.pause(LOOK_EVERY).await;
    }
    for role in running {
        post.ended(role).await;
    }
    Ok(())
}
