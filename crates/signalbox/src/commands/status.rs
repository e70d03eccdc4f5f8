//! `signalbox status`: is it healthy, what is late, what do I do.

use std::io::{self, Write};

use signalbox_runtime::hub::Hub;
use signalbox_runtime::view::status::{FeedStatus, Status, status};

use super::open_hub;
use crate::cli::{Global, Output};
use crate::exit::{Done, Failure};
use crate::screen::{self, Table};

pub(super) async fn run(out: &mut dyn Write, global: &Global) -> Result<Done, Failure> {
    let opened = open_hub(global).await?;
    print(out, global, &opened.hub).await?;
    Ok(Done::Ok)
}

pub(super) async fn print(out: &mut dyn Write, global: &Global, hub: &Hub) -> Result<(), Failure> {
    let status = status(hub).await?;
    match global.output {
        Output::Json => screen::json(out, &status)?,
        Output::Text => text(out, &status)?,
    }
    Ok(())
}

fn text(out: &mut dyn Write, status: &Status) -> io::Result<()> {
    let mut table =
        Table::new(["feed", "", "mode", "known through", "last file", "rows", "new", "changed", "ended"]);
    for feed in &status.feeds {
        table.row(feed_row(feed));
    }
    table.print(out)?;
    for feed in &status.feeds {
        if let Some(step) = &feed.next_step {
            writeln!(out, "{}: {step}", feed.feed)?;
        }
        for warning in feed.last_run.iter().flat_map(|run| &run.warnings) {
            writeln!(out, "{}: {} {}", feed.feed, warning.count, warning.message)?;
        }
    }
    let flags = &status.flags;
    writeln!(out, "Flags: {} open, {} cleared, {} withdrawn.", flags.open, flags.cleared, flags.withdrawn)?;
    let outbox = &status.outbox;
    writeln!(
        out,
        "Alerts: {} delivered, {} waiting to be sent, {} withheld (test), {} given up.",
        outbox.delivered, outbox.pending, outbox.withheld, outbox.dead
    )?;
    writeln!(
        out,
        "Waiting for your decision: {}. Rows we couldn't use: {}. Students not found yet: {} rows.",
        status.holds, status.rejects, status.unmatched
    )?;
    if status.dead_letters > 0 {
        writeln!(
            out,
            "Events that this version cannot read: {}. A newer one may: signalbox events redrive.",
            status.dead_letters
        )?;
    }
    Ok(())
}

fn feed_row(feed: &FeedStatus) -> Vec<String> {
    let count = |of: fn(&signalbox_runtime::ingest::Counts) -> u64| {
        feed.last_run.as_ref().map(|run| of(&run.counts).to_string()).unwrap_or_default()
    };
    vec![
        feed.feed.clone(),
        plain(feed.state).to_owned(),
        if feed.is_attendance { feed.mode.to_owned() } else { String::new() },
        feed.covered_through.clone().unwrap_or_default(),
        feed.last_run.as_ref().map(|run| run.payload.clone()).unwrap_or_default(),
        count(|counts| counts.rows),
        count(|counts| counts.add),
        count(|counts| counts.change),
        count(|counts| counts.end),
    ]
}

fn plain(state: &str) -> &str {
    match state {
        "never_read" => "nothing read yet",
        "waiting" => "WAITING for you",
        "refused" => "NOT USED",
        "attention" => "ok, look below",
        other => other,
    }
}
