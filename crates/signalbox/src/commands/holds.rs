//! `signalbox holds`: payloads that wait for a decision.

use std::io::Write;

use anyhow::anyhow;
use jiff::Timestamp;
use serde::Serialize;
use signalbox_connector::words::{counted, plural};
use signalbox_event::data::Action;
use signalbox_hub::Hub;
use signalbox_hub::act;
use signalbox_ingest::Holder;
use signalbox_roles::up::Loops;
use signalbox_store::feed::HoldState;
use signalbox_view::repair::{HoldDetail, hold, holds};

use super::open_hub;
use super::rejects::print_group;
use super::trial::{self, Before, Changes};
use crate::cli::{Decision, Global, Holds, HoldsWhat, Output};
use crate::clock::Clock;
use crate::exit::{Done, Failure};
use crate::screen::{self, Table};

pub(super) async fn run(out: &mut dyn Write, global: &Global, args: &Holds) -> Result<Done, Failure> {
    let opened = open_hub(global).await?;
    let hub = &opened.hub;
    let now = Clock::new(global.now).frozen();
    match &args.what {
        HoldsWhat::List => list(out, global, hub).await?,
        HoldsWhat::Show { id } => {
            let id = whole_id(hub, id).await?;
            let hold = the_hold(hub, &id).await?;
            let alerts = if hold.state == "waiting" { Some(if_approved(global, &id).await?) } else { None };
            show(out, global, &Shown { hold, alerts })?;
        }
        HoldsWhat::Approve(decision) => {
            let id = whole_id(hub, &decision.id).await?;
            decide(hub, &id, decision, HoldState::Approved, "hold.approve", now).await?;
            show(out, global, &Shown { hold: the_hold(hub, &id).await?, alerts: None })?;
        }
        HoldsWhat::Refuse(decision) => {
            let id = whole_id(hub, &decision.id).await?;
            decide(hub, &id, decision, HoldState::Refused, "hold.refuse", now).await?;
            show(out, global, &Shown { hold: the_hold(hub, &id).await?, alerts: None })?;
        }
    }
    Ok(Done::Ok)
}

/// A hold, and while it waits what people would be told.
#[derive(Debug, Serialize)]
struct Shown {
    #[serde(flatten)]
    hold: HoldDetail,
    #[serde(skip_serializing_if = "Option::is_none")]
    alerts: Option<Changes>,
}

async fn list(out: &mut dyn Write, global: &Global, hub: &Hub) -> Result<(), Failure> {
    let lines = holds(hub).await?;
    match global.output {
        Output::Json => screen::json(out, &lines)?,
        Output::Text if lines.is_empty() => writeln!(out, "Nothing waits for your decision.")?,
        Output::Text => {
            let mut table = Table::new(["id", "feed", "why", "rows that would end", "since"]);
            for line in lines {
                let why = plain(&line.reason).to_owned();
                table.row(vec![line.id, line.feed, why, line.would_end.to_string(), line.since]);
            }
            table.print(out)?;
            writeln!(out, "Next: signalbox holds show ID")?;
        }
    }
    Ok(())
}

/// What people would be told if the hold were approved now: tried on a copy, with nothing else that may be due.
async fn if_approved(global: &Global, id: &str) -> Result<Changes, Failure> {
    let now = Clock::new(global.now).frozen();
    trial::on_a_copy(global, async |hub| {
        let Some(hold) = hub.feeds.hold(id).await? else {
            return Ok(Changes::default());
        };
        let mut loops = Loops::open(hub.clone(), Holder::embedded(), None).await?;
        loops.settle(now).await?;
        let before = Before::of(hub).await?;
        hub.feeds.decide_hold(id, HoldState::Approved, "nobody", "to see what would come of it").await?;
        loops.approved(&hold.feed, now).await?;
        Changes::since(hub, &before).await
    })
    .await
}

fn show(out: &mut dyn Write, global: &Global, shown: &Shown) -> Result<(), Failure> {
    if global.output == Output::Json {
        screen::json(out, shown)?;
        return Ok(());
    }
    let Shown { hold, alerts } = shown;
    let line = &hold.line;
    writeln!(
        out,
        "{} {}, file {}: {}; {} would end ({}).",
        line.id,
        line.feed,
        hold.file,
        plain(&line.reason),
        plural(line.would_end, "row"),
        hold.state
    )?;
    for school in &hold.schools {
        writeln!(out, "  school {}: {}", school.school, plural(school.would_end, "row"))?;
    }
    why(out, hold)?;
    if let Some(alerts) = alerts {
        writeln!(out, "Flags if you approve it: {alerts}.")?;
        alerts.print_recipients(out)?;
    }
    match (hold.state, &hold.decided_by) {
        ("waiting", _) => writeln!(
            out,
            "Next: signalbox holds approve {0} --by NAME --reason TEXT, or holds refuse {0} …, or drop a good file.",
            line.id
        )?,
        ("approved", Some(by)) => writeln!(out, "approved by {by}; it takes effect at the next pass.")?,
        (state, Some(by)) => writeln!(out, "{state} by {by}.")?,
        _ => {}
    }
    Ok(())
}

/// What is wrong with the rows of a file that waits.
fn why(out: &mut dyn Write, hold: &HoldDetail) -> Result<(), Failure> {
    for group in &hold.rejects {
        print_group(out, group)?;
    }
    if hold.doubtful > 0 {
        let rows = counted(hold.doubtful, "row is", "rows are");
        writeln!(
            out,
            "{rows} not in it, and would stand on: it may end before them, or have them in rows that could not be used."
        )?;
    }
    if hold.unmatched > 0 {
        writeln!(out, "{} whose student is not found.", plural(hold.unmatched, "row"))?;
    }
    for warning in &hold.warnings {
        writeln!(out, "{}: {}", warning.count, warning.message)?;
    }
    Ok(())
}

fn plain(reason: &str) -> &str {
    match reason {
        "students" => "too many students lose all their rows",
        "unusable" => "too few of its rows can be used",
        "file" => "more than a tenth of the rows are missing",
        "school" => "a school is missing, or more than half of its rows",
        "ids_changed" => "most ids are gone and as many new ones came",
        other => other,
    }
}

/// The id that begins so, if it is the only one.
async fn whole_id(hub: &Hub, start: &str) -> Result<String, Failure> {
    let holds = hub.feeds.holds(&HoldState::ALL).await?;
    let mut ids: Vec<String> = holds.into_iter().map(|hold| hold.id).collect();
    // A blank beginning is a variable that was not set.
    ids.retain(|id| !start.is_empty() && id.starts_with(start));
    match (ids.pop(), ids.is_empty()) {
        (Some(id), true) => Ok(id),
        (Some(_), false) => {
            Err(Failure::input(anyhow!("several holds begin with \"{start}\""), "give more of it"))
        }
        (None, _) => Err(Failure::input(
            anyhow!("there is no hold \"{start}\""),
            "signalbox holds list shows what waits",
        )),
    }
}

async fn the_hold(hub: &Hub, id: &str) -> Result<HoldDetail, Failure> {
    hold(hub, id).await?.ok_or_else(|| {
        Failure::input(anyhow!("there is no hold \"{id}\""), "signalbox holds list shows what waits")
    })
}

async fn decide(
    hub: &Hub,
    id: &str,
    decision: &Decision,
    state: HoldState,
    action: &str,
    now: Timestamp,
) -> Result<(), Failure> {
    if !hub.feeds.decide_hold(id, state, &decision.by, &decision.reason).await? {
        return Err(Failure::input(
            anyhow!("hold \"{id}\" does not wait any more"),
            "signalbox holds show says what became of it",
        ));
    }
    let action = Action {
        actor: decision.by.clone(),
        action: action.to_owned(),
        target: id.to_owned(),
        reason: decision.reason.clone(),
    };
    Ok(act::operate(hub, action, now).await?)
}
