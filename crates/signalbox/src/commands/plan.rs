//! `signalbox plan`: what `up --once` would do now, tried on a scratch copy.

use std::io::{self, Write};
use std::sync::Arc;

use serde::Serialize;
use signalbox_event::data::Mode;
use signalbox_hub::{Feed, Hub};
use signalbox_ingest::{Holder, RunReport};
use signalbox_roles::up::Loops;
use signalbox_view::status::{Note, called, for_nobody, untold};

use super::runs;
use super::trial::{self, Before, Changes};
use crate::cli::{Global, Output};
use crate::clock::Clock;
use crate::exit::{Done, Failure};
use crate::screen;

/// What would happen.
#[derive(Debug, Serialize)]
struct Plan {
    feeds: Vec<RunReport>,
    alerts: Changes,
    warnings: Vec<Note>,
}

pub(super) async fn run(out: &mut dyn Write, global: &Global) -> Result<Done, Failure> {
    trial::on_a_copy(global, async |hub| tell(out, global, hub).await).await?;
    Ok(Done::Ok)
}

async fn tell(out: &mut dyn Write, global: &Global, hub: &Arc<Hub>) -> Result<(), Failure> {
    let before = Before::of(hub).await?;
    let mut loops = Loops::open(hub.clone(), Holder::embedded(), None).await?;
    let report = loops.pass(Clock::new(global.now).frozen()).await?;
    for (feed, error) in &report.failed {
        tracing::warn!(feed, %error, "the feed could not be read");
    }
    let plan = Plan {
        feeds: report.runs.into_iter().map(|run| called(hub, run)).collect(),
        alerts: Changes::since(hub, &before).await?,
        warnings: [untold(hub), for_nobody(hub).await?].concat(),
    };
    match global.output {
        Output::Json => screen::json(out, &plan)?,
        Output::Text => text(out, hub, &plan)?,
    }
    Ok(())
}

fn text(out: &mut dyn Write, hub: &Hub, plan: &Plan) -> io::Result<()> {
    if plan.feeds.is_empty() {
        writeln!(out, "No file is new.")?;
    }
    runs::print(out, &plan.feeds)?;
    writeln!(out, "Flags if you run it: {}.", plan.alerts)?;
    plan.alerts.print_recipients(out)?;
    let is_quiet = |feed: &&Feed| !feed.is_roster() && feed.mode != Mode::Live;
    for feed in hub.settings.feeds.iter().filter(is_quiet) {
        let name = hub.settings.names.called(&feed.name);
        writeln!(out, "  {name} is in {}: what rests on it is not sent", feed.mode.as_str())?;
    }
    for warning in &plan.warnings {
        writeln!(out, "{}", warning.message)?;
    }
    writeln!(out, "Nothing was written.")?;
    if plan.feeds.iter().any(|feed| feed.counts.reject > 0) {
        writeln!(out, "Why rows can't be used: signalbox check --feed FEED --sample FILE")?;
    }
    Ok(())
}
