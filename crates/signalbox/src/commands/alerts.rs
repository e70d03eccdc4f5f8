//! `signalbox alerts`: who was told what, what waits, and sending it again.

use std::io::Write;

use anyhow::anyhow;
use jiff::Timestamp;
use serde::Serialize;
use signalbox_connector::words::plural;
use signalbox_event::data::Action;
use signalbox_hub::Hub;
use signalbox_hub::act;
use signalbox_store::outbox::Again;
use signalbox_view::flags::{AlertLine, alerts};

use super::open_hub;
use crate::cli::{Alerts, AlertsList, AlertsResend, AlertsWhat, Global, Output};
use crate::clock::Clock;
use crate::config::place::did_you_mean;
use crate::exit::{Done, Failure};
use crate::screen::{self, Table};

pub(super) async fn run(out: &mut dyn Write, global: &Global, args: &Alerts) -> Result<Done, Failure> {
    let opened = open_hub(global).await?;
    let hub = &opened.hub;
    match &args.what {
        AlertsWhat::List(which) => list(out, global, hub, which).await?,
        AlertsWhat::Resend(args) => {
            let resent = resend(hub, args, Clock::new(global.now).frozen()).await?;
            show(out, global, &resent)?;
        }
    }
    Ok(Done::Ok)
}

async fn list(
    out: &mut dyn Write,
    global: &Global,
    hub: &Hub,
    AlertsList { to, state }: &AlertsList,
) -> Result<(), Failure> {
    if let Some(to) = to {
        known(hub, to)?;
    }
    let mut lines = alerts(hub).await?;
    lines.retain(|line| to.as_ref().is_none_or(|to| line.to == *to));
    lines.retain(|line| state.as_ref().is_none_or(|state| line.state == state));
    match global.output {
        Output::Json => screen::json(out, &lines)?,
        Output::Text if lines.is_empty() => writeln!(out, "No alerts.")?,
        Output::Text => print(out, lines)?,
    }
    Ok(())
}

fn print(out: &mut dyn Write, lines: Vec<AlertLine>) -> Result<(), Failure> {
    let mut table =
        Table::new(["alert", "what", "rule", "student", "to", "state", "decided", "tries", "next try"]);
    let mut errors = Vec::new();
    for line in lines {
        let alert = line.alert_id.to_string();
        if let Some(error) = line.last_error {
            errors.push(format!("{alert}: not taken the last time, {error}"));
        }
        let state = match line.withheld {
            Some(why) => format!("{}: {why}", line.state),
            None => line.state.to_owned(),
        };
        table.row(vec![
            alert,
            line.kind,
            line.rule.unwrap_or_default(),
            line.student_id.unwrap_or_default(),
            line.to,
            state,
            line.decided,
            line.attempts.to_string(),
            line.next_try.unwrap_or_default(),
        ]);
    }
    table.print(out)?;
    for error in errors {
        writeln!(out, "{error}")?;
    }
    Ok(())
}

/// A destination that is configured.
fn known(hub: &Hub, name: &str) -> Result<(), Failure> {
    let names: Vec<&str> = hub.settings.targets.iter().map(|target| target.name.as_str()).collect();
    if names.contains(&name) {
        return Ok(());
    }
    Err(Failure::input(anyhow!("there is no destination \"{name}\""), did_you_mean(name, names)))
}

/// What was made due.
#[derive(Debug, Serialize)]
struct Resent {
    resent: u64,
}

fn show(out: &mut dyn Write, global: &Global, resent: &Resent) -> Result<(), Failure> {
    match global.output {
        Output::Json => screen::json(out, resent)?,
        Output::Text if resent.resent == 0 => {
            writeln!(
                out,
                "Nothing is sent: nothing waits there, and of what was given up nothing is to be told now. signalbox alerts list --to NAME shows why."
            )?;
        }
        Output::Text => {
            let alerts = plural(resent.resent, "alert");
            writeln!(out, "{alerts} due now: the running hub sends them, or the next signalbox up.")?;
        }
    }
    Ok(())
}

async fn resend(hub: &Hub, args: &AlertsResend, now: Timestamp) -> Result<Resent, Failure> {
    let (which, target) = match (&args.id, &args.to) {
        (Some(id), _) => {
            let alert = the_alert(hub, id).await?;
            known(hub, &alert.to)?;
            (Again::Entry(alert.alert_id), alert.alert_id.to_string())
        }
        (None, to) => {
            let to = to.as_deref().unwrap_or_default();
            known(hub, to)?;
            (Again::Target(to), to.to_owned())
        }
    };
    // Who decided it is on the log before anything goes out.
    let action = Action {
        actor: args.by.clone(),
        action: "alert.resend".to_owned(),
        target,
        reason: args.reason.clone(),
    };
    act::operate(hub, action, now).await?;
    let resent =
        hub.outbox.resend(which, now.as_millisecond()).await.map_err(signalbox_hub::HubError::from)?;
    if let (Some(id), 0) = (&args.id, resent) {
        let message = anyhow!("alert {id} is not sent again: nothing of it is to be told now");
        return Err(Failure::input(
            message,
            "what is over is not told, nor what is of a feed that is not live, of a student who has left, or of a rule without a route there; a list goes as another",
        ));
    }
    Ok(Resent { resent })
}

/// The one alert that an id, or its beginning, names, if it can be sent again.
async fn the_alert(hub: &Hub, id: &str) -> Result<AlertLine, Failure> {
    let start = id.to_ascii_lowercase();
    let mut found = alerts(hub).await?;
    found.retain(|line| !start.is_empty() && line.alert_id.to_string().starts_with(&start));
    let help = match (found.pop(), found.is_empty()) {
        (Some(line), true) if line.is_part && line.state == "pending" => {
            let message = anyhow!("alert {} goes out with the next list", line.alert_id);
            return Err(Failure::input(message, "the running hub sends it, or the next signalbox up"));
        }
        (Some(line), true) if matches!(line.state, "pending" | "delivered" | "dead") => return Ok(line),
        (Some(line), true) if line.state == "superseded" => {
            let message = anyhow!(
                "alert {} is superseded: its receiver is told otherwise, or is told no more",
                line.alert_id
            );
            return Err(Failure::input(message, "signalbox alerts list shows what it was told of the flag"));
        }
        (Some(line), true) => {
            let why = line.withheld.as_deref().unwrap_or("it was never to be sent");
            let message = anyhow!("alert {} is {}: {why}", line.alert_id, line.state);
            return Err(Failure::input(
                message,
                "a feed in `mode: live` sends its alerts, of students who are enrolled, where a route leads",
            ));
        }
        (None, _) => (format!("there is no alert \"{id}\""), "signalbox alerts list shows them"),
        (Some(_), false) => (format!("several alerts begin with \"{id}\""), "give more of it"),
    };
    Err(Failure::input(anyhow!(help.0), help.1))
}
