//! Filling a log with the events of the consuming cases; the ceilings of consuming and of appending.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::{Args, ValueEnum};
use signalbox_event::codec::from_record;
use signalbox_event::topic::{self, DEFAULT_PREFIX, DEFAULT_SHARDS};
use signalbox_event::{Domain, Event};
use signalbox_kafka::{Config, KafkaLog};
use signalbox_log::{Delivery, EventLog, LogError, Message, Record, Shard};
use signalbox_sql::postgres::{self, Options};
use signalbox_sql::sqlite::{SqliteFeeds, SqliteLog};
use signalbox_store::FeedStore;
use signalbox_store::feed::{Closing, LedgerRow, LedgerStatus, NewRun, Outcome, Scope, Term};

use super::Done;
use crate::workload::Workload;

/// Messages of one append: enough that waiting for its end counts for nothing.
const BATCH: usize = 50_000;
/// Records of one delivery: as many as the hub takes.
const RECORDS: usize = 8_000;
/// Corrections without end go up to it.
const HIGHEST_REVISION: u32 = 1_000_000_000;
/// How long leaving a group may take.
const LEAVE_WITHIN: Duration = Duration::from_secs(5);

/// A log: a hub's data folder, or topics of a prefix on brokers.
#[derive(Debug, Args)]
pub(crate) struct LogAt {
    #[arg(long)]
    data_dir: Option<PathBuf>,
    #[arg(long)]
    kafka: Option<String>,
    #[arg(long, default_value = DEFAULT_PREFIX)]
    prefix: String,
}

/// What a log is filled with.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum What {
    Roster,
    Grades,
    Incidents,
    Attendance,
}

/// Either log, and the group to leave at the end.
struct Opened {
    log: Arc<dyn EventLog>,
    kafka: Option<KafkaLog>,
}

impl LogAt {
    async fn open(&self) -> anyhow::Result<Opened> {
        if let Some(brokers) = &self.kafka {
            let kafka = KafkaLog::connect(Config::new([brokers])).await?;
            return Ok(Opened { log: Arc::new(kafka.clone()), kafka: Some(kafka) });
        }
        let data_dir = self.data_dir.as_ref().context("--data-dir or --kafka")?;
        Ok(Opened { log: Arc::new(SqliteLog::open(&data_dir.join("log.db")).await?), kafka: None })
    }

    async fn feeds(&self, database: Option<&str>) -> anyhow::Result<Arc<dyn FeedStore>> {
        if let Some(url) = database {
            return Ok(Arc::new(postgres::connect(url, &Options::default()).await?.feeds()));
        }
        let data_dir = self.data_dir.as_ref().context("--data-dir or --database")?;
        Ok(Arc::new(SqliteFeeds::open(&data_dir.join("feeds.db")).await?))
    }

    fn attendance(&self) -> String {
        topic::name(&self.prefix, Domain::Attendance)
    }
}

impl Opened {
    async fn close(self) {
        if let Some(kafka) = self.kafka {
            kafka.close(LEAVE_WITHIN).await;
        }
    }
}

/// Appends the roster, or every day of attendance.
#[tokio::main]
pub(super) async fn fill(
    at: &LogAt,
    database: Option<&str>,
    what: What,
    students: u32,
    days: u32,
) -> anyhow::Result<Done> {
    let opened = at.open().await?;
    let workload = Workload { students, days, prefix: at.prefix.clone() };
    let feeds = at.feeds(database).await?;
    match what {
        What::Roster => remember(&*feeds, "enrollment", 1).await?,
        What::Grades => remember(&*feeds, "grades", 1).await?,
        What::Incidents => remember(&*feeds, "incidents", 1).await?,
        What::Attendance => remember(&*feeds, "attendance", days).await?,
    }
    let started = Instant::now();
    let items = match what {
        What::Roster => append(&*opened.log, workload.roster()).await?,
        What::Grades => append(&*opened.log, workload.grades()).await?,
        What::Incidents => append(&*opened.log, workload.incidents()).await?,
        What::Attendance => append(&*opened.log, (0..days).flat_map(|day| workload.day(day))).await?,
    };
    Ok(Done { items, seconds: started.elapsed().as_secs_f64() })
}

/// The hub believes no record of a run that was never opened, and no revision that was never given.
async fn remember(feeds: &dyn FeedStore, feed: &str, runs: u32) -> anyhow::Result<()> {
    let lease = feeds.take(feed, Term { holder: "bench", now_ms: 0, until_ms: 0 }).await?;
    for _ in 0..runs {
        let run = NewRun {
            payload: String::new(),
            name: String::new(),
            opened_ms: 0,
            marks: Vec::new(),
            cause: String::new(),
        };
        let run = feeds.open_run(&lease, run).await?;
        let closing = Closing::new(Outcome::Refused, String::new());
        feeds.close_run(&lease, run.number, closing).await?;
    }
    let row = LedgerRow {
        key: [0; 16],
        content: 0,
        revision: HIGHEST_REVISION,
        status: LedgerStatus::Ended,
        read_ms: 0,
        detail: Vec::new(),
    };
    Ok(feeds.record(&lease, Scope { entity: 0, school_year: 0 }, &[row]).await?)
}

async fn append(log: &dyn EventLog, mut messages: impl Iterator<Item = Message>) -> anyhow::Result<u64> {
    let mut items = 0;
    loop {
        let batch: Vec<Message> = messages.by_ref().take(BATCH).collect();
        if batch.is_empty() {
            return Ok(items);
        }
        log.append(&batch).await?;
        items += batch.len() as u64;
    }
}

/// Consumes the attendance topic as the hub does, reads each event, and does nothing with it.
#[tokio::main]
pub(super) async fn consume(at: &LogAt) -> anyhow::Result<Done> {
    let started = Instant::now();
    let opened = at.open().await?;
    let items = each_batch(&*opened.log, &at.attendance(), async |records| {
        for record in &records {
            std::hint::black_box(read(record)?);
        }
        Ok(())
    })
    .await?;
    let seconds = started.elapsed().as_secs_f64();
    opened.close().await;
    Ok(Done { items, seconds })
}

/// Appends the records of the attendance topic to that of another prefix; only appending is timed.
#[tokio::main]
pub(super) async fn copy(at: &LogAt, to_prefix: &str) -> anyhow::Result<Done> {
    let opened = at.open().await?;
    let to = topic::name(to_prefix, Domain::Attendance);
    let (mut batch, mut took) = (Vec::with_capacity(2 * BATCH), Duration::ZERO);
    let log = opened.log.clone();
    let items = each_batch(&*opened.log, &at.attendance(), async |records| {
        batch.extend(records.into_iter().map(|record| Message { topic: to.clone(), ..record.into() }));
        if batch.len() >= BATCH {
            took += timed(&*log, &batch).await?;
            batch.clear();
        }
        Ok(())
    })
    .await?;
    took += timed(&*log, &batch).await?;
    opened.close().await;
    Ok(Done { items, seconds: took.as_secs_f64() })
}

async fn timed(log: &dyn EventLog, batch: &[Message]) -> Result<Duration, LogError> {
    let started = Instant::now();
    log.append(batch).await?;
    Ok(started.elapsed())
}

/// Everything that a topic holds now, as a member of a group of one's own.
async fn each_batch(
    log: &dyn EventLog,
    topic: &str,
    mut each: impl AsyncFnMut(Vec<Record>) -> anyhow::Result<()>,
) -> anyhow::Result<u64> {
    let places: Vec<(String, Shard)> = (0..DEFAULT_SHARDS).map(|shard| (topic.to_owned(), shard)).collect();
    let all: u64 = log.ends(&places).await?.iter().sum();
    let group = format!("{topic}.bench.{}", std::process::id());
    let mut subscription = log.join(&group, &[topic.to_owned()]).await?;
    let mut items = 0;
    while items < all {
        match subscription.next(RECORDS).await? {
            Delivery::Assigned(shards) => {
                for shard in shards {
                    subscription.start(shard, &[]).await?;
                }
            }
            Delivery::Revoked(_) => ensure!(items == 0, "another member came"),
            Delivery::Records { records, .. } => {
                items += records.len() as u64;
                each(records).await?;
            }
        }
    }
    Ok(items)
}

fn read(record: &Record) -> anyhow::Result<Event> {
    Ok(from_record(record.headers.named_in_bytes(), &record.value)?)
}
