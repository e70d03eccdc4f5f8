//! `signalbox plan`: what `up --once` would do now, tried on a scratch copy.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::Arc;

use anyhow::anyhow;
use serde::Serialize;
use signalbox_connector::words::plural;
use signalbox_runtime::hub::Hub;
use signalbox_runtime::ingest::{HoldReport, Holder, RunReport, Warning};
use signalbox_runtime::up::Loops;
use signalbox_store::outbox::TO_LOG;

use super::load;
use super::roles::{Stopped, until_signal};
use crate::cli::{Global, Output};
use crate::clock::Clock;
use crate::exit::{Done, Failure, Kind};
use crate::open;
use crate::screen::{self, Table};

const PAGE: usize = 2_000;

/// What would happen.
#[derive(Debug, Serialize)]
struct Plan {
    feeds: Vec<RunLine>,
    alerts: Changes,
}

/// One payload, as `plan` and `retry` show it.
#[derive(Debug, Clone, Serialize)]
pub(super) struct RunLine {
    feed: String,
    payload: String,
    rows: u64,
    add: u64,
    change: u64,
    end: u64,
    unchanged: u64,
    duplicate: u64,
    reject: u64,
    unmatched: u64,
    hold: Option<HoldReport>,
    refused: Option<String>,
    warnings: Vec<Warning>,
}

/// Flags that would change, whatever the mode.
#[derive(Debug, Default, Serialize)]
struct Changes {
    raise: u64,
    withdraw: u64,
    clear: u64,
    to: Vec<Recipient>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
struct Recipient {
    name: String,
    raise: u64,
    withdraw: u64,
}

pub(super) async fn run(out: &mut dyn Write, global: &Global) -> Result<Done, Failure> {
    let mut stopped = until_signal()?;
    let opened = unless(&mut stopped, open::open_copy(load(global)?)).await?;
    let told = unless(&mut stopped, tell(out, global, &opened.hub)).await;
    // However it ended, the copy goes.
    let closed = opened.close().await;
    if let (Err(_), Err(Failure::Other { error, help, .. })) = (&told, &closed) {
        tracing::warn!(error = format!("{error:#}"), help, "besides, what it was tried on stays");
    }
    told.and(closed)?;
    Ok(Done::Ok)
}

/// The copy is of students: who asks the command to end does not leave it behind.
async fn unless<T>(
    stopped: &mut Stopped,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::select! {
        done = work => done,
        Ok(_) = stopped.wait_for(|stop| *stop) => Err(Failure::Other {
            kind: Kind::Runtime,
            error: anyhow!("it was asked to stop before it knew"),
            help: "nothing was written; start it again for an answer".to_owned(),
        }),
    }
}

async fn tell(out: &mut dyn Write, global: &Global, hub: &Arc<Hub>) -> Result<(), Failure> {
    let before = last_entry(hub).await?;
    let mut loops = Loops::open(hub.clone(), Holder::embedded(), None).await?;
    let report = loops.pass(Clock::new(global.now).frozen()).await?;
    for (feed, error) in &report.failed {
        tracing::warn!(feed, %error, "the feed could not be read");
    }
    let plan = Plan {
        feeds: report.runs.iter().map(|run| RunLine::of(hub, run)).collect(),
        alerts: changes(hub, before).await?,
    };
    match global.output {
        Output::Json => screen::json(out, &plan)?,
        Output::Text => text(out, hub, &plan)?,
    }
    Ok(())
}

async fn last_entry(hub: &Hub) -> Result<u64, Failure> {
    let mut last = 0;
    while let Some(entry) = hub.outbox.entries(last, PAGE).await?.last() {
        last = entry.seq;
    }
    Ok(last)
}

/// Counts the flag events that the pass decided, and who would be told by the routes.
async fn changes(hub: &Hub, before: u64) -> Result<Changes, Failure> {
    let mut changes = Changes::default();
    let mut after = before;
    loop {
        let entries = hub.outbox.entries(after, PAGE).await?;
        let Some(last) = entries.last() else { break };
        after = last.seq;
        for entry in entries.iter().filter(|entry| entry.target == TO_LOG) {
            match entry.kind.as_str() {
                "risk.flag.raised" => changes.raise += 1,
                "risk.flag.withdrawn" => changes.withdraw += 1,
                "risk.flag.cleared" => changes.clear += 1,
                _ => {}
            }
        }
    }
    let recipients: BTreeSet<&str> = hub.settings.routes.iter().map(|route| route.to.as_str()).collect();
    changes.to = recipients
        .into_iter()
        .map(|name| Recipient { name: name.to_owned(), raise: changes.raise, withdraw: changes.withdraw })
        .collect();
    Ok(changes)
}

impl RunLine {
    /// Under the name that the feed is called by.
    pub(super) fn of(hub: &Hub, report: &RunReport) -> Self {
        Self { feed: hub.settings.names.called(&report.feed).to_owned(), ..Self::from(report) }
    }
}

impl From<&RunReport> for RunLine {
    fn from(report: &RunReport) -> Self {
        let counts = &report.counts;
        Self {
            feed: report.feed.clone(),
            payload: report.payload.clone(),
            rows: counts.rows,
            add: counts.add,
            change: counts.change,
            end: counts.end,
            unchanged: counts.unchanged,
            duplicate: counts.duplicate,
            reject: counts.reject,
            unmatched: counts.unmatched,
            hold: report.hold.clone(),
            refused: report.refused.clone(),
            warnings: report.warnings.clone(),
        }
    }
}

fn text(out: &mut dyn Write, hub: &Hub, plan: &Plan) -> io::Result<()> {
    if plan.feeds.is_empty() {
        writeln!(out, "No file is new.")?;
    }
    print_runs(out, &plan.feeds)?;
    let alerts = &plan.alerts;
    writeln!(
        out,
        "Flags if you run it: {} new, {} taken back, {} cleared.",
        alerts.raise, alerts.withdraw, alerts.clear
    )?;
    for to in &alerts.to {
        writeln!(out, "  to {}: {} new, {} taken back", to.name, to.raise, to.withdraw)?;
    }
    for feed in hub.settings.feeds.iter().filter(|feed| feed.is_attendance()) {
        if feed.mode != signalbox_event::data::Mode::Live {
            let name = hub.settings.names.called(&feed.name);
            writeln!(out, "  {name} is in {}: none is sent", feed.mode.as_str())?;
        }
    }
    writeln!(out, "Nothing was written.")?;
    if plan.feeds.iter().any(|feed| feed.reject > 0) {
        writeln!(out, "Why rows can't be used: signalbox check --feed FEED --sample FILE")?;
    }
    Ok(())
}

/// One line per payload, with what is worth saying below.
pub(super) fn print_runs(out: &mut dyn Write, runs: &[RunLine]) -> io::Result<()> {
    let mut table = Table::new([
        "feed",
        "file",
        "rows",
        "new",
        "changed",
        "ended",
        "same",
        "twice",
        "unusable",
        "student not found",
    ]);
    for run in runs {
        let counts =
            [run.rows, run.add, run.change, run.end, run.unchanged, run.duplicate, run.reject, run.unmatched];
        let mut cells = vec![run.feed.clone(), run.payload.clone()];
        cells.extend(counts.iter().map(u64::to_string));
        table.row(cells);
    }
    if !runs.is_empty() {
        table.print(out)?;
    }
    for run in runs {
        if let Some(hold) = &run.hold {
            writeln!(
                out,
                "{}: {} WAITS for your decision: {} would end ({})",
                run.feed,
                run.payload,
                plural(hold.would_end, "row"),
                hold.reason
            )?;
        }
        if let Some(why) = &run.refused {
            writeln!(out, "{}: {} is not used: {why}", run.feed, run.payload)?;
        }
        for warning in &run.warnings {
            writeln!(out, "{}: {} {}", run.feed, warning.count, warning.message)?;
        }
    }
    Ok(())
}
