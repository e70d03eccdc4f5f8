//! One payload, from its landed bytes to the closed run.

use jiff::Timestamp;
use jiff::civil::Date;
use signalbox_connector::{Entity, Refusal, RejectCode};
use signalbox_event::data::RowsMean;
use signalbox_event::id::derived;
use signalbox_store::feed::{Closing, FeedLease, Hold, HoldState, Outcome, Run};

use super::diff::Diff;
use super::emit::{Emitter, end_run};
use super::extent::{self, Judged};
use super::gate::{Gated, Held, Tally};
use super::identity::Resolver;
use super::read::{self, Notes, ReadIn};
use super::rejects::RejectBook;
use super::same::{self, Accepted};
use super::settings::FeedSettings;
use super::{HoldReport, RunReport, Warning, cause};
use crate::hub::{Feed, Hub, HubError};

/// Works an open run through: read, compare, gate, publish, close.
pub(crate) async fn process(
    hub: &Hub,
    feed: &Feed,
    lease: &FeedLease,
    run: &Run,
    resolver: &mut Resolver,
    now: Timestamp,
) -> Result<RunReport, HubError> {
    let run_day = run_day(hub, run, now);
    // Before ids are resolved: what is added to the crosswalk from here on may not have been heard of.
    let context = same::context(hub, feed).await?;
    let payload = hub.landing.payload(&run.payload)?;
    let size_bytes = payload.metadata()?.len();
    let scratch = hub.landing.scratch();
    let read = tokio::task::block_in_place(|| {
        read::read(&hub.settings, feed, &run.name, payload, scratch, run_day, resolver)
    })?;
    let mut read = match read {
        Ok(read) => read,
        Err(refusal) => return refuse(hub, lease, run, &refusal).await,
    };
    let judged = judge(hub, feed, &read).await?;
    let gated = gate(hub, feed, lease, run, &mut read, &judged, run_day).await?;
    if let Some(held) = &gated.hold {
        return hold(hub, lease, run, &gated, held, now).await;
    }
    publish(hub, feed, lease, run, &read, &judged, &gated, resolver).await?;
    let accepted = Accepted::of(context, size_bytes, &read, &gated);
    close(hub, lease, run, read, &gated, accepted).await
}

/// Works an open run through whose rows are those of the last accepted payload (see [`same`]). `None`: they are not, or
/// the run is for looking twice.
pub(crate) async fn recognised(
    hub: &Hub,
    feed: &Feed,
    lease: &FeedLease,
    run: &Run,
    now: Timestamp,
) -> Result<Option<RunReport>, HubError> {
    if run.cause != cause::DROP || run.gated.is_some() {
        return Ok(None);
    }
    let Some(accepted) = FeedSettings::load(hub, &feed.name).await?.accepted else { return Ok(None) };
    let run_day = run_day(hub, run, now);
    let context = same::context(hub, feed).await?;
    let payload = hub.landing.payload(&run.payload)?;
    let read =
        tokio::task::block_in_place(|| accepted.recognise(feed, &context, run_day, &run.name, payload))?;
    let Some(read) = read else { return Ok(None) };
    let covered = extent::coverage(&read, &hub.settings.calendars, run_day);
    let gated = accepted.gated(covered);
    decide(hub, lease, run, &gated).await?;
    cover(hub, feed, lease, run, &read, &gated).await?;
    close(hub, lease, run, read, &gated, Some(accepted)).await.map(Some)
}

/// The local day on which the run was opened.
fn run_day(hub: &Hub, run: &Run, now: Timestamp) -> Date {
    let opened = Timestamp::from_millisecond(run.opened_ms).unwrap_or(now);
    hub.settings.district.local_date(opened)
}

async fn judge(hub: &Hub, feed: &Feed, read: &ReadIn) -> Result<Vec<Judged>, HubError> {
    let mut latest = Vec::new();
    for entity in Entity::ALL {
        latest.push((entity, hub.feeds.ledger_years(&feed.name, entity as u16).await?.last().copied()));
    }
    let ledger_year = |entity| latest.iter().find(|(e, _)| *e == entity).and_then(|(_, year)| *year);
    Ok(extent::judged(read, &hub.settings.calendars, ledger_year))
}

/// Counts what the payload would do. A resumed run keeps what was decided before.
async fn gate(
    hub: &Hub,
    feed: &Feed,
    lease: &FeedLease,
    run: &Run,
    read: &mut ReadIn,
    judged: &[Judged],
    run_day: Date,
) -> Result<Gated, HubError> {
    let mut rejects = std::mem::replace(&mut read.rejects, RejectBook::new(&feed.name, &run.name));
    let mut tally = Tally::new(feed.source.entities(), read.rows, read.rejected);
    let mut diff = Diff::new(&*hub.feeds, &feed.name, read, judged)?;
    while let Some(step) = diff.next().await? {
        tally.step(&step, &mut rejects)?;
    }
    read.rejects = rejects;
    if let Some(gated) = &run.gated {
        return serde_json::from_str(gated).map_err(|_| HubError::Stored("run's gate"));
    }
    let covered = extent::coverage(read, &hub.settings.calendars, run_day);
    let gated = tally.finish(!run.cause.starts_with(cause::APPROVED), covered, read.notes.clone());
    decide(hub, lease, run, &gated).await?;
    Ok(gated)
}

/// Remembers what was decided, so that a resumed run does not decide again.
async fn decide(hub: &Hub, lease: &FeedLease, run: &Run, gated: &Gated) -> Result<(), HubError> {
    let json = serde_json::to_string(gated).expect("counts always serialise");
    hub.feeds.gate_run(lease, run.number, &json).await?;
    crate::failpoint!("run.gate");
    Ok(())
}

#[expect(clippy::too_many_arguments, reason = "the parts of one run, each used once")]
async fn publish(
    hub: &Hub,
    feed: &Feed,
    lease: &FeedLease,
    run: &Run,
    read: &ReadIn,
    judged: &[Judged],
    gated: &Gated,
    resolver: &Resolver,
) -> Result<(), HubError> {
    if !read.ids.is_empty() {
        same::crosswalk_grows(hub, lease, run, "before").await?;
        hub.feeds.add_crosswalk(lease, &read.ids).await?;
        same::crosswalk_grows(hub, lease, run, "after").await?;
    }
    if gated.changes {
        forget_accepted(hub, lease).await?;
        let mut emitter = Emitter::new(hub, lease, run, resolver, id_system(hub));
        let mut diff = Diff::new(&*hub.feeds, &feed.name, read, judged)?;
        while let Some(step) = diff.next().await? {
            emitter.step(step).await?;
        }
        emitter.flush().await?;
    }
    cover(hub, feed, lease, run, read, gated).await
}

/// From here on the ledger is no longer that of the last accepted payload.
async fn forget_accepted(hub: &Hub, lease: &FeedLease) -> Result<(), HubError> {
    let mut settings = FeedSettings::load(hub, &lease.feed).await?;
    match settings.accepted.take() {
        Some(_) => settings.save(hub, lease).await,
        None => Ok(()),
    }
}

/// Ends the run on the log, if it changed a fact or covers more than was covered.
async fn cover(
    hub: &Hub,
    feed: &Feed,
    lease: &FeedLease,
    run: &Run,
    read: &ReadIn,
    gated: &Gated,
) -> Result<(), HubError> {
    let mut settings = FeedSettings::load(hub, &feed.name).await?;
    let extends = settings.extends(&gated.covered);
    if gated.publishes || extends {
        end_run(hub, run, feed.domain(), rows_mean(read), &gated.covered).await?;
    }
    if extends {
        settings.extend(&gated.covered);
        settings.save(hub, lease).await?;
    }
    Ok(())
}

/// The name under which first ids are known: that of the roster of record.
pub(crate) fn id_system(hub: &Hub) -> &str {
    hub.settings.feeds.iter().find(|feed| feed.roster_of_record).map_or("", |feed| &feed.name)
}

fn rows_mean(read: &ReadIn) -> Option<RowsMean> {
    read.contents.extents.iter().find_map(|extent| extent.rows)
}

async fn close(
    hub: &Hub,
    lease: &FeedLease,
    run: &Run,
    read: ReadIn,
    gated: &Gated,
    accepted: Option<Accepted>,
) -> Result<RunReport, HubError> {
    let report = report(run, gated, None);
    let mut settings = FeedSettings::load(hub, &run.feed).await?;
    settings.last = Some(report.clone());
    settings.accepted = accepted;
    settings.save(hub, lease).await?;
    let approved = run.cause.strip_prefix(cause::APPROVED);
    let closing = Closing {
        outcome: Outcome::Accepted,
        summary: summary(&report),
        rejects: Some(read.rejects.into_parts()),
        hold: None,
        hold_done: approved.map(str::to_owned),
        supersede_holds: true,
    };
    hub.feeds.close_run(lease, run.number, closing).await?;
    crate::failpoint!("run.close");
    Ok(report)
}

/// Closes a run that a person must decide on. Bytes that were held or refused before are not held again: the hold
/// that waits goes on waiting, and what was refused stays refused.
async fn hold(
    hub: &Hub,
    lease: &FeedLease,
    run: &Run,
    gated: &Gated,
    held: &Held,
    now: Timestamp,
) -> Result<RunReport, HubError> {
    let earlier = earlier_hold(hub, run).await?;
    let mut report = report(run, gated, Some(held));
    if let Some(refused) = earlier.as_ref().filter(|hold| hold.state == HoldState::Refused) {
        let by = refused.decided_by.as_deref().unwrap_or("somebody");
        report.hold = None;
        report.refused = Some(format!("The same file was refused by {by}. Drop a good one."));
    }
    remember(hub, lease, &report).await?;
    let closing = Closing {
        outcome: if report.refused.is_some() { Outcome::Refused } else { Outcome::Held },
        summary: summary(&report),
        // Nothing of the payload is used: what is open is still what the last one left.
        rejects: None,
        hold: earlier.is_none().then(|| new_hold(run, held, now)),
        hold_done: None,
        // The latest payload is the one that a person is asked about.
        supersede_holds: earlier.is_none(),
    };
    hub.feeds.close_run(lease, run.number, closing).await?;
    crate::failpoint!("run.close");
    Ok(report)
}

fn new_hold(run: &Run, held: &Held, now: Timestamp) -> Hold {
    let id = derived(&[b"hold", run.feed.as_bytes(), &run.number.to_be_bytes(), run.payload.as_bytes()]);
    Hold {
        id: id.simple().to_string()[..12].to_owned(),
        feed: run.feed.clone(),
        run: run.number,
        reason: held.reason.clone(),
        would_end: held.would_end,
        schools: serde_json::to_string(&held.schools).expect("schools always serialise"),
        since_ms: now.as_millisecond(),
        state: HoldState::Waiting,
        decided_by: None,
        decided_reason: None,
    }
}

/// The last hold of the same bytes that waits or was refused.
async fn earlier_hold(hub: &Hub, run: &Run) -> Result<Option<Hold>, HubError> {
    let mut holds = hub.feeds.holds().await?;
    holds.retain(|hold| {
        hold.feed == run.feed && matches!(hold.state, HoldState::Waiting | HoldState::Refused)
    });
    for hold in holds.into_iter().rev() {
        let held = hub.feeds.run(&hold.feed, hold.run).await?;
        if held.is_some_and(|held| held.payload == run.payload) {
            return Ok(Some(hold));
        }
    }
    Ok(None)
}

/// Keeps what `status` shows of the feed's last payload.
async fn remember(hub: &Hub, lease: &FeedLease, report: &RunReport) -> Result<(), HubError> {
    let mut settings = FeedSettings::load(hub, &report.feed).await?;
    settings.last = Some(report.clone());
    settings.save(hub, lease).await
}

/// Closes a run whose payload cannot be used at all.
pub(crate) async fn refuse(
    hub: &Hub,
    lease: &FeedLease,
    run: &Run,
    refusal: &Refusal,
) -> Result<RunReport, HubError> {
    let mut rejects = RejectBook::new(&run.feed, &run.name);
    rejects.refuse(refusal);
    let report = RunReport {
        feed: run.feed.clone(),
        payload: run.name.clone(),
        refused: Some(sentences(&refusal.message, &refusal.help)),
        ..RunReport::default()
    };
    remember(hub, lease, &report).await?;
    let closing = Closing {
        outcome: Outcome::Refused,
        summary: summary(&report),
        rejects: Some(rejects.into_parts()),
        hold: None,
        hold_done: None,
        supersede_holds: false,
    };
    hub.feeds.close_run(lease, run.number, closing).await?;
    crate::failpoint!("run.close");
    Ok(report)
}

/// A refusal as it stands in a run's cause.
pub(crate) fn refusal_text(refusal: &Refusal) -> String {
    let Refusal { code, file, column, message, help } = refusal;
    serde_json::to_string(&(code.as_str(), file, column, message, help)).expect("text always serialises")
}

pub(crate) fn refusal_of(text: &str) -> Result<Refusal, HubError> {
    let (code, file, column, message, help): (String, _, _, _, _) =
        serde_json::from_str(text).map_err(|_| HubError::Stored("run's cause"))?;
    let code = RejectCode::ALL.iter().copied().find(|known| known.as_str() == code);
    Ok(Refusal { code: code.ok_or(HubError::Stored("run's cause"))?, file, column, message, help })
}

/// Two sentences, whether or not the first ends like one.
pub(crate) fn sentences(message: &str, help: &str) -> String {
    let message = message.trim_end_matches('.');
    format!("{message}. {help}").trim_end().to_owned()
}

fn summary(report: &RunReport) -> String {
    serde_json::to_string(report).expect("a report with text keys always serialises")
}

fn report(run: &Run, gated: &Gated, held: Option<&Held>) -> RunReport {
    RunReport {
        feed: run.feed.clone(),
        payload: run.name.clone(),
        counts: gated.counts.clone(),
        hold: held.map(|held| HoldReport { reason: held.reason.clone(), would_end: held.would_end }),
        refused: None,
        warnings: warnings(&gated.notes),
    }
}

fn warnings(notes: &Notes) -> Vec<Warning> {
    [
        (
            "non_instructional_day",
            notes.non_instructional,
            "row",
            "on a day without school: kept, counted nowhere",
        ),
        ("no_calendar", notes.no_calendar, "row", "on a date that no calendar covers: counted nowhere"),
        (
            "leading_zeros",
            notes.leading_zeros,
            "student",
            "not found whose id differs from a known one only in leading zeros: export the id as text",
        ),
        (
            "ambiguous_id",
            notes.ambiguous,
            "student",
            "not found because their id names several students: set `ids:` to say which id it is",
        ),
    ]
    .into_iter()
    .filter(|(_, count, ..)| *count > 0)
    .map(|(code, count, one, which)| {
        let plural = if count == 1 { "" } else { "s" };
        Warning { code: code.to_owned(), count, message: format!("{one}{plural} {which}") }
    })
    .collect()
}
