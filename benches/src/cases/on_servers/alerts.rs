//! How fast a hub on servers answers: from an event to its flag, and after a stop.

use std::collections::{HashMap, VecDeque};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use anyhow::ensure;
use signalbox_event::Domain;
use signalbox_kafka::{Config, KafkaLog};
use signalbox_log::{EventLog, Message};
use tokio::task::{JoinHandle, JoinSet};

use super::{LIMIT, Place};
use crate::measure::Taken;
use crate::report::Case;

const PUSHED_PER_S: u32 = 1_000;
const PUSHED: u64 = 30_000;
/// Events pushed at a time.
const PUSH: u32 = 10;
/// How long the last flags may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// What waits for a hub that is started again.
const WAITING: u64 = 1_200;
/// What a hub is killed amidst.
const AMIDST: u64 = 200_000;

/// An event that was appended: when, about whom, and whether it raises a flag.
type Pushed = (Instant, String, bool);

impl Place<'_> {
    /// To be made once: they go on where they were.
    pub(super) fn corrections(&self) -> anyhow::Result<Corrections<'_, '_>> {
        Ok(Corrections { place: self, log: self.connect()?, next: 0 })
    }

    /// Restart and recovery, on a hub that has caught up.
    pub(super) fn comings_back<'a>(
        &'a self,
        [restart, recovery]: [&'static str; 2],
        corrections: &mut Corrections<'a, '_>,
    ) -> anyhow::Result<[Case; 2]> {
        let restart =
            self.again((restart, "TERM", "3 s to the first commit"), corrections, |corrections| {
                corrections.append(WAITING)
            })?;
        let recovery = self.again(
            (recovery, "kill -9 amidst work", "2 s to the first new commit"),
            corrections,
            |corrections| {
                let topic = self.topic(Domain::Attendance);
                let before = self.watch.folded(&topic)?;
                let mut hub = self.start()?;
                corrections.append(AMIDST)?;
                hub.until(LIMIT, || Ok(self.watch.folded(&topic)? > before))?;
                hub.kill()?;
                corrections.append(WAITING)
            },
        )?;
        Ok([restart, recovery])
    }

    fn connect(&self) -> anyhow::Result<KafkaLog> {
        Ok(self.watch.runtime.block_on(KafkaLog::connect(Config::new([&self.servers.brokers])))?)
    }

    /// From an event to the row of its flag, on a hub that has caught up.
    pub(super) fn alert_latency(&self, corrections: &mut Corrections<'_, '_>) -> anyhow::Result<Case> {
        // The first is the warning shot: the hub has its shards once it is folded.
        corrections.append(1)?;
        let (_, mut hub) = self.caught_up(Domain::Attendance, corrections.end())?;
        let seq = self.watch.last_seq()?;
        let (told, pushed) = channel();
        let before = hub.look();
        let pushing = corrections.push(told);
        let mut latencies = self.latencies(&pushed, seq)?;
        self.watch.runtime.block_on(pushing)??;
        let taken = hub.look();
        hub.end()?;
        ensure!(!latencies.is_empty(), "no flag was announced");
        latencies.sort_unstable();
        let at = |percent: usize| Some(latencies[(latencies.len() - 1) * percent / 100].as_secs_f64() * 1e3);
        let workload = format!(
            "{PUSHED} corrections appended at {PUSHED_PER_S}/s, each raising a flag or taking it back; from the append to the \
             row in the outbox, as seen by a client that looks every 2 ms; {} rows",
            latencies.len()
        );
        let case = still("alert_latency", workload, "p99 of 250 ms", taken);
        Ok(Case { p50_ms: at(50), p99_ms: at(99), cpu_s: taken.cpu_s - before.cpu_s, ..case })
    }

    /// Waits for the row of each event. Two corrections of a student that are folded in one batch leave none.
    fn latencies(&self, pushed: &Receiver<Pushed>, mut seq: i64) -> anyhow::Result<Vec<Duration>> {
        let mut waiting: HashMap<String, VecDeque<(Instant, bool)>> = HashMap::new();
        let (mut latencies, mut heard) = (Vec::new(), Instant::now());
        while (latencies.len() as u64) < PUSHED && heard.elapsed() < PATIENCE {
            let rows = self.watch.announced_after(seq)?;
            let now = Instant::now();
            for (at, student, raises) in pushed.try_iter() {
                waiting.entry(student).or_default().push_back((at, raises));
                heard = now;
            }
            for row in rows {
                (seq, heard) = (row.seq, now);
                let events = waiting.entry(row.student).or_default();
                while let Some((at, raises)) = events.pop_front() {
                    if raises == row.raised {
                        latencies.push(now.saturating_duration_since(at));
                        break;
                    }
                }
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(latencies)
    }

    /// Several times: `stop`, which leaves events behind, then `run risk` from the start of its process to its first
    /// commit.
    fn again<'a, 'b>(
        &'a self,
        (name, how, goal): (&'static str, &str, &'static str),
        corrections: &mut Corrections<'a, 'b>,
        stop: impl Fn(&mut Corrections<'a, 'b>) -> anyhow::Result<()>,
    ) -> anyhow::Result<Case> {
        let topic = self.topic(Domain::Attendance);
        let mut rounds = Vec::new();
        for _ in 0..self.bench.repeat {
            stop(corrections)?;
            let mut hub = self.start()?;
            // After the start: what the one before had under way is committed by now.
            let before = self.watch.folded(&topic)?;
            rounds.push(hub.until(LIMIT, || Ok(self.watch.folded(&topic)? > before))?);
            let end = corrections.end();
            hub.until(LIMIT, || Ok(self.watch.folded(&topic)? >= end && self.watch.is_idle()?))?;
            hub.end()?;
        }
        rounds.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
        let median = rounds[rounds.len() / 2];
        let workload = format!(
            "`run risk` started after {how}, {} states there and events waiting; from the start of the process to its first \
             commit",
            self.workload.students
        );
        Ok(Case { p50_ms: Some(median.seconds * 1e3), ..still(name, workload, goal, median) })
    }
}

/// A case without a rate.
fn still(name: &'static str, workload: String, ceiling: &'static str, taken: Taken) -> Case {
    Case { name, workload, ceiling, rss_mib: taken.rss_mib, cpu_s: taken.cpu_s, ..Case::default() }
}

/// Corrections that raise flags and take them back, without end.
pub(super) struct Corrections<'a, 'b> {
    place: &'a Place<'b>,
    log: KafkaLog,
    next: u64,
}

impl Corrections<'_, '_> {
    /// Records of the attendance topic by now.
    fn end(&self) -> u64 {
        self.place.workload.attendance_records() + self.next
    }

    /// Appends some at once.
    fn append(&mut self, count: u64) -> anyhow::Result<()> {
        let numbers = self.next..self.next + count;
        self.next = numbers.end;
        let messages: Vec<Message> = numbers.map(|number| self.place.workload.toggle(number).2).collect();
        Ok(self.place.watch.runtime.block_on(self.log.append(&messages))?)
    }

    /// Appends them at a steady rate, whether or not earlier ones are acknowledged.
    fn push(&mut self, told: Sender<Pushed>) -> JoinHandle<anyhow::Result<()>> {
        let numbers = self.next..self.next + PUSHED;
        self.next = numbers.end;
        let (workload, log) = (self.place.workload.clone(), self.log.clone());
        self.place.watch.runtime.spawn(async move {
            let mut beat = tokio::time::interval(Duration::from_secs(1) * PUSH / PUSHED_PER_S);
            let mut under_way = JoinSet::new();
            for first in numbers.step_by(PUSH as usize) {
                let pushed: Vec<_> =
                    (first..first + u64::from(PUSH)).map(|number| workload.toggle(number)).collect();
                beat.tick().await;
                let (at, log) = (Instant::now(), log.clone());
                let mut messages = Vec::with_capacity(pushed.len());
                for (student, raises, message) in pushed {
                    told.send((at, student, raises))?;
                    messages.push(message);
                }
                under_way.spawn(async move { log.append(&messages).await });
            }
            while let Some(done) = under_way.join_next().await {
                done??;
            }
            Ok(())
        })
    }
}
