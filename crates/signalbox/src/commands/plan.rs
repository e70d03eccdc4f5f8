//! `signalbox plan`: what `up --once` would do now, tried on a scratch copy.

use std::io::{self, Write};
use std::sync::Arc;

use serde::Serialize;
use signalbox_connector::words::plural;
use signalbox_runtime::hub::Hub;
use signalbox_runtime::ingest::{HoldReport, Holder, RunReport, Warning};
use signalbox_runtime::up::Loops;
use signalbox_runtime::view::status::{Note, untold};

use super::trial::{self, Changes};
use crate::cli::{Global, Output};
use crate::clock::Clock;
use crate::exit::{Done, Failure};
use crate::screen::{self, Table};

/// What would happen.
#[derive(Debug, Serialize)]
struct Plan {
    feeds: Vec<RunLine>,
    alerts: Changes,
    warnings: Vec<Note>,
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

pub(super) async fn run(out: &mut dyn Write, global: &Global) -> Result<Done, Failure> {
    trial::on_a_copy(global, async |hub| tell(out, global, hub).await).await?;
    Ok(Done::Ok)
}

async fn tell(out: &mut dyn Write, global: &Global, hub: &Arc<Hub>) -> Result<(), Failure> {
    let before = trial::last_entry(hub).await?;
    let mut loops = Loops::open(hub.clone(), Holder::embedded(), None).await?;
    let report = loops.pass(Clock::new(global.now).frozen()).await?;
    for (feed, error) in &report.failed {
        tracing::warn!(feed, %error, "the feed could not be read");
    }
    let plan = Plan {
        feeds: report.runs.iter().map(|run| RunLine::of(hub, run)).collect(),
        alerts: Changes::since(hub, before).await?,
        warnings: untold(hub),
    };
    match global.output {
        Output::Json => screen::json(out, &plan)?,
        Output::Text => text(out, hub, &plan)?,
    }
    Ok(())
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
    writeln!(out, "Flags if you run it: {}.", plan.alerts)?;
    plan.alerts.print_recipients(out)?;
    for feed in hub.settings.feeds.iter().filter(|feed| feed.is_attendance()) {
        if feed.mode != signalbox_event::data::Mode::Live {
            let name = hub.settings.names.called(&feed.name);
            writeln!(out, "  {name} is in {}: none is sent", feed.mode.as_str())?;
        }
    }
    for warning in &plan.warnings {
        writeln!(out, "{}", warning.message)?;
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
