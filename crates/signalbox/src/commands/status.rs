//! `signalbox status`: is it healthy, what waits, what do I do.

use std::io::{self, Write};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use signalbox_connector::words::{counted, plural};
use signalbox_hub::{Hub, HubError};
use signalbox_log::LogError;
use signalbox_view::LocalTime;
use signalbox_view::status::{
    DestinationStatus, FeedStatus, NotUsed, Note, Status, status, status_without_log,
};

use super::load;
use super::runs::{beside_rows, if_used, unused};
use super::up::fingerprint;
use crate::cli::{Global, Output};
use crate::clock::Clock;
use crate::exit::{Done, Failure};
use crate::open::Opened;
use crate::open::look::{Look, Standing, look};
use crate::screen::{self, Table};

/// What is printed; without `status` when the database does not answer.
#[derive(Serialize)]
struct Report {
    servers: Standing,
    #[serde(flatten)]
    status: Option<Status>,
}

pub(super) async fn run(out: &mut dyn Write, global: &Global) -> Result<Done, Failure> {
    let config = load(global)?;
    let zone = config.config.district.zone.clone();
    let Look { mut standing, brokers, opened } = look(config).await?;
    let now = Clock::new(global.now).frozen();
    let mut status = None;
    if let Some(opened) = &opened {
        status = ask_log(&opened.hub, now, &mut standing, &brokers).await?;
        if status.is_none() {
            status = Some(status_without_log(&opened.hub, now).await?);
        }
        let changed = opened.was_started_otherwise(&fingerprint(global)?)?;
        status = status.map(|status| if changed { changed_since(status) } else { status });
    }
    let done = if standing.away().next().is_none() { Done::Ok } else { Done::Away };
    print(out, global, &zone, &Report { servers: standing, status })?;
    Ok(done)
}

/// What runs knows of no change to its file until it is started again.
fn changed_since(mut status: Status) -> Status {
    const CODE: &str = "configuration_differs";
    let is_said = status.warnings.iter().any(|warning| warning.code == CODE);
    if !status.running.is_empty() && !is_said {
        let message = "The configuration was changed since the hub was started: it goes on with the one before. Restart it to \
                       put this one in force.";
        status.warnings.push(Note { code: CODE, message: message.to_owned() });
    }
    status
}

/// The status of a hub that has just done its work.
pub(super) async fn of(out: &mut dyn Write, global: &Global, opened: &Opened) -> Result<(), Failure> {
    let servers = if opened.is_shared() { Standing::all_well() } else { Standing::default() };
    let report =
        Report { servers, status: Some(status(&opened.hub, Clock::new(global.now).frozen()).await?) };
    Ok(print(out, global, &opened.hub.settings.district.zone, &report)?)
}

/// `None`: the log is away, by now at least.
async fn ask_log(
    hub: &Hub,
    now: Timestamp,
    standing: &mut Standing,
    brokers: &[String],
) -> Result<Option<Status>, Failure> {
    if standing.has_no_log() {
        return Ok(None);
    }
    match status(hub, now).await {
        Ok(status) => Ok(Some(status)),
        Err(HubError::Log(LogError::Unavailable(_))) if !brokers.is_empty() => {
            standing.without_kafka(brokers);
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

fn print(out: &mut dyn Write, global: &Global, zone: &TimeZone, report: &Report) -> io::Result<()> {
    if global.output == Output::Json {
        return screen::json(out, report);
    }
    for server in report.servers.away() {
        writeln!(out, "{} {}", server.message, server.next_step.unwrap_or_default())?;
    }
    let Some(status) = &report.status else { return Ok(()) };
    text(out, status, &Here { now: Clock::new(global.now).frozen(), zone })
}

/// The district's clocks.
struct Here<'a> {
    now: Timestamp,
    zone: &'a TimeZone,
}

impl Here<'_> {
    fn clock(&self, at: Timestamp) -> String {
        LocalTime::new(at, self.zone).to_string()
    }
}

/// Whether the hub runs, and what holds it up: what is to be known first.
fn at_a_glance(out: &mut dyn Write, status: &Status, here: &Here<'_>) -> io::Result<()> {
    let holds_up = |feed: &&FeedStatus| feed.open_run_since.is_some();
    for feed in status.feeds.iter().filter(holds_up) {
        let since = feed.open_run_since.as_deref().unwrap_or_default();
        writeln!(
            out,
            "A file of {} is being read since {since}: nobody is judged until that is done.",
            feed.feed
        )?;
    }
    let since = status.running.iter().map(|role| role.since.timestamp()).min();
    let last = status.running.iter().map(|role| role.last_pass.timestamp()).max();
    match since.zip(last) {
        None => writeln!(out, "The hub does not run: signalbox up starts it."),
        Some((since, last)) => {
            let roles: Vec<&str> = status.running.iter().map(|role| role.role).collect();
            let roles = roles.join(", ");
            writeln!(out, "Running since {} ({roles}); last looked {}.", here.clock(since), here.clock(last))
        }
    }
}

fn text(out: &mut dyn Write, status: &Status, here: &Here<'_>) -> io::Result<()> {
    at_a_glance(out, status, here)?;
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
        let lines = feed.last_run.iter().flat_map(|run| [unused(run), beside_rows(run)].concat());
        let is_said = |line: &str| feed.next_step.as_deref().is_some_and(|step| step.starts_with(line));
        for line in lines.filter(|line| !is_said(line)) {
            writeln!(out, "{}: {line}", feed.feed)?;
        }
        for NotUsed { file, why } in &feed.not_used {
            writeln!(out, "{}: {file} is not used: {why}", feed.feed)?;
        }
        for warning in feed.last_run.iter().flat_map(|run| &run.warnings) {
            writeln!(out, "{}: {} {}", feed.feed, warning.count, warning.message)?;
        }
    }
    // What is open stands on the first line.
    let said =
        |feed: &FeedStatus, message: &str| feed.open_run_since.is_some() && message.contains(&feed.feed);
    for warning in &status.warnings {
        let is_said =
            warning.code == "open_run" && status.feeds.iter().any(|feed| said(feed, &warning.message));
        if !is_said {
            writeln!(out, "{}", warning.message)?;
        }
    }
    let flags = &status.flags;
    writeln!(out, "Flags: {} open, {} cleared, {} withdrawn.", flags.open, flags.cleared, flags.withdrawn)?;
    let outbox = &status.outbox;
    writeln!(
        out,
        "Alerts: {} delivered, {} waiting to be sent, {} withheld (a feed is not live, the student has left, or no route leads there), {} given up.",
        outbox.delivered, outbox.pending, outbox.withheld, outbox.dead
    )?;
    for line in status.destinations.iter().filter_map(|one| failing(one, here)) {
        writeln!(out, "{line}")?;
    }
    writeln!(
        out,
        "Waiting for your decision: {}. Rows that could not be used: {}. Rows whose student is not found yet: {}.",
        plural(status.holds, "file"),
        status.rejects,
        status.unmatched
    )?;
    if let Some(dead_letters @ 1..) = status.dead_letters {
        writeln!(
            out,
            "Records on the log that are not used: {dead_letters}. Once they can be: signalbox events redrive. Why: docs/servers.md."
        )?;
    }
    Ok(())
}

/// Of a destination that does not take alerts: since when, why, and what waits.
fn failing(destination: &DestinationStatus, here: &Here<'_>) -> Option<String> {
    let DestinationStatus { destination, pending, failing_since, last_error, next_try, dead: _, next_step } =
        destination;
    let Some(since) = failing_since else {
        return next_step.as_ref().map(|step| format!("{destination}: {step}"));
    };
    let since = here.clock(since.timestamp());
    let error = last_error.as_deref().unwrap_or("no reason was given");
    let waiting = match pending {
        0 => "no alert waits".to_owned(),
        n => counted(*n, "alert waits", "alerts wait"),
    };
    let next_try = match next_try.as_ref().map(LocalTime::timestamp) {
        None => String::new(),
        Some(at) if at <= here.now => "; the next try is due".to_owned(),
        Some(at) => format!("; next try {}", here.clock(at)),
    };
    let next_step = next_step.as_ref().map(|step| format!(" {step}")).unwrap_or_default();
    Some(format!("Deliveries to {destination} fail since {since}: {error}; {waiting}{next_try}.{next_step}"))
}

fn feed_row(feed: &FeedStatus) -> Vec<String> {
    let count = |of: fn(&signalbox_ingest::Counts) -> u64| {
        feed.last_run.as_ref().map(|run| if_used(run, of(&run.counts))).unwrap_or_default()
    };
    vec![
        feed.feed.clone(),
        plain(feed.state).to_owned(),
        feed.mode.unwrap_or_default().to_owned(),
        feed.covered_through.clone().unwrap_or_default(),
        feed.last_run.as_ref().map(|run| run.payload.clone()).unwrap_or_default(),
        feed.last_run.as_ref().map(|run| run.counts.rows.to_string()).unwrap_or_default(),
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
        "reading" => "READING, all wait",
        "not_configured" => "NOT CONFIGURED",
        "unreadable" => "CANNOT BE READ",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(
        pending: u64,
        since: &str,
        next_try: Option<&str>,
        next_step: Option<&'static str>,
    ) -> Option<String> {
        let next_step = next_step.map(str::to_owned);
        let zone = TimeZone::get("America/Chicago").expect("is known");
        let at = |text: &str| text.parse::<Timestamp>().expect("a time");
        let here = |text: &str| LocalTime::new(at(text), &zone);
        let destination = DestinationStatus {
            destination: "counselors".to_owned(),
            pending,
            failing_since: Some(here(since)),
            last_error: Some("hub.example.org is busy (503)".to_owned()),
            next_try: next_try.map(here),
            dead: 0,
            next_step,
        };
        failing(&destination, &Here { now: at("2026-09-21T14:15:00Z"), zone: &zone })
    }

    #[test]
    fn a_failing_destination_is_told_by_the_districts_clocks() {
        let soon = said(12, "2026-09-21T14:14:00Z", Some("2026-09-21T14:20:00Z"), None);
        let expected = "Deliveries to counselors fail since 2026-09-21T09:14:00-05:00: hub.example.org is busy (503); 12 alerts wait; next try 2026-09-21T09:20:00-05:00.";
        assert_eq!(soon.as_deref(), Some(expected));
        let due = said(1, "2026-09-20T02:00:00Z", Some("2026-09-21T14:15:00Z"), None);
        let expected = "Deliveries to counselors fail since 2026-09-19T21:00:00-05:00: hub.example.org is busy (503); 1 alert waits; the next try is due.";
        assert_eq!(due.as_deref(), Some(expected));
        let given_up = said(0, "2026-09-21T14:14:00Z", None, Some("Take it out."));
        assert!(given_up.is_some_and(|line| line.ends_with("; no alert waits. Take it out.")));
    }
}
