//! What `status` says beside the feeds that work: feeds that are no longer configured, runs that hold up decisions, and
//! warnings.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;
use signalbox_event::data::Mode;
use signalbox_hub::running;
use signalbox_hub::shard::{self, ShardState};
use signalbox_hub::{Hub, HubError, Settings};
use signalbox_ingest::feeds;
use signalbox_ingest::{self as ingest, FeedSettings, RunReport, Trouble};
use signalbox_risk::Rule;
use signalbox_store::feed::FeedRow;

use super::{FeedStatus, RoleStatus, local};
use crate::LocalTime;

/// Something that is not as one would think.
#[derive(Debug, Clone, Serialize)]
pub struct Note {
    pub code: &'static str,
    pub message: String,
}

/// Since when a run of the feed is open; nobody on the hub is judged until it ends.
pub(super) async fn open_since(hub: &Hub, feed: &str) -> Result<Option<String>, HubError> {
    let Some(row) = hub.feeds.feed(feed).await? else { return Ok(None) };
    Ok(feeds::open_run(hub, &row).await?.map(|run| local(hub, run.opened_ms)))
}

/// Why a feed does not go on, and since when.
pub(super) fn since(hub: &Hub, trouble: &Trouble) -> String {
    format!("{} So since {}.", trouble.what, local(hub, trouble.since.as_millisecond()))
}

/// The state of a feed with an open run, and what to do.
pub(super) fn reading(since: &str, trouble: Option<Trouble>) -> (&'static str, Option<String>) {
    if let Some(trouble) = trouble {
        return (
            "reading",
            Some(format!("Nobody is judged until its file is read, since {since}. {}", trouble.what)),
        );
    }
    let step = format!(
        "Its file is being read since {since}, and nobody is judged until that is done. If it stays so, see that the hub \
         runs (signalbox up, or run ingest): it goes on by itself."
    );
    ("reading", Some(step))
}

/// Feeds of which something is remembered and that are not in the configuration.
pub(super) async fn not_configured(hub: &Hub) -> Result<Vec<FeedStatus>, HubError> {
    let mut gone = Vec::new();
    for row in feeds::not_configured(hub).await? {
        gone.push(of_gone(hub, &row).await?);
    }
    Ok(gone)
}

async fn of_gone(hub: &Hub, row: &FeedRow) -> Result<FeedStatus, HubError> {
    let name = hub.settings.names.called(&row.feed).to_owned();
    let last = FeedSettings::load(hub, &row.feed).await?.last;
    let step = format!(
        "It is not in the configuration: nothing that it said counts, and days that only it covered are unknown. Put it \
         back; or, if it has another name now: signalbox feeds rename {name} NEW; or end what it said: signalbox feeds \
         retire {name} --by NAME --reason TEXT."
    );
    Ok(FeedStatus {
        mode: None,
        not_used: Vec::new(),
        state: "not_configured",
        covered_through: None,
        doubtful: 0,
        expected_by: None,
        last_run: last.map(|last| called(hub, last)),
        next_step: Some(step),
        open_run_since: open_since(hub, &row.feed).await?,
        feed: name,
    })
}

/// A report under the name that the feed is called by.
pub fn called(hub: &Hub, report: RunReport) -> RunReport {
    RunReport { feed: hub.settings.names.called(&report.feed).to_owned(), ..report }
}

/// The hub never takes back a day that it judged on. Where this clock says an earlier one, it waits until that day.
async fn clock_behind(hub: &Hub, now: Timestamp) -> Result<Option<Note>, HubError> {
    let today = hub.settings.district.local_date(now);
    let judged_on = shard::stored(hub, 0).await?.as_of.filter(|day| *day > today);
    Ok(judged_on.map(|day| Note {
        code: "clock_behind",
        message: format!(
            "It is {today} here, and the hub has judged as of {day} already: a clock ran ahead, or this one is behind. \
             Students are judged as of {day} until then. Set the clock right; if {day} was wrong, restore the stores from \
             a backup of before. Who begins with empty ones tells of every open flag anew."
        ),
    }))
}

pub(super) async fn warnings(hub: &Hub, feeds: &[FeedStatus], now: Timestamp) -> Result<Vec<Note>, HubError> {
    let mut notes = Vec::new();
    if ingest::differs(hub).await? {
        notes.push(Note {
            code: "configuration_differs",
            message: "This configuration is not the one in force: the hub was started with another one, or another \
                      process announced another. All judge by the one in force; restart the hub to put this one in force."
                .to_owned(),
        });
    }
    notes.extend(clock_behind(hub, now).await?);
    notes.extend(untold(hub));
    let open = feeds.iter().filter_map(|feed| Some((&feed.feed, feed.open_run_since.as_ref()?)));
    notes.extend(open.map(|(feed, since)| Note {
        code: "open_run",
        message: format!(
            "A file of {feed} is being read since {since}: nobody is judged until that is done."
        ),
    }));
    notes.extend(silent(hub, feeds).await?);
    Ok(notes)
}

/// What leads nowhere of the way from a flag to a person.
pub fn untold(hub: &Hub) -> Vec<Note> {
    let Settings { feeds, targets, routes, rules, names, .. } = &hub.settings;
    let leads_on = |to: &str| targets.iter().any(|target| target.name == to);
    let mut notes = Vec::new();
    let live = feeds.iter().filter(|feed| !feed.is_roster() && feed.mode == Mode::Live);
    if !routes.iter().any(|route| leads_on(&route.to)) {
        notes.extend(live.map(|feed| Note {
            code: "live_without_destination",
            message: format!(
                "{} is live and nobody is told: add a destination, and a route that leads to it.",
                names.called(&feed.name)
            ),
        }));
    }
    let has_route = |rule: &str| routes.is_empty() || routes.iter().any(|route| route.rule == rule);
    let mut unrouted: Vec<&str> = rules.iter().map(Rule::name).filter(|name| !has_route(name)).collect();
    unrouted.sort_unstable();
    unrouted.dedup();
    notes.extend(unrouted.into_iter().map(|rule| Note {
        code: "rule_without_route",
        message: format!("No route leads from the rule {rule}: nobody is told of its flags."),
    }));
    notes.extend(routes.iter().filter(|route| !leads_on(&route.to)).map(|route| Note {
        code: "route_without_destination",
        message: format!("A route leads to {}, which is no destination.", route.to),
    }));
    let is_told = |name: &str| routes.iter().any(|route| route.to == name);
    notes.extend(targets.iter().filter(|target| !is_told(&target.name)).map(|target| Note {
        code: "no_route",
        message: format!("No route leads to {}: it is told of nothing.", target.name),
    }));
    notes
}

/// The roles that run.
pub(super) async fn running(hub: &Hub, now: Timestamp) -> Result<Vec<RoleStatus>, HubError> {
    let mut roles = Vec::new();
    for role in running::roles(hub.settings.topics.consumers) {
        let Some(beat) = running::beat(&*hub.feeds, role, now).await? else { continue };
        let zone = &hub.settings.district.zone;
        roles.push(RoleStatus {
            role,
            since: LocalTime::new(beat.since, zone),
            last_pass: LocalTime::new(beat.last_pass, zone),
        });
    }
    Ok(roles)
}

/// Feeds of which a run is open on a shard and in no store: decisions wait for its end.
async fn silent(hub: &Hub, feeds: &[FeedStatus]) -> Result<Vec<Note>, HubError> {
    let mut waiting = BTreeSet::new();
    for shard in 0..hub.settings.topics.shards {
        for consumer in hub.settings.topics.consumers {
            let (state, _) = ShardState::<()>::stored(hub, consumer.kept_as, shard).await?;
            let open = state.feeds.iter().filter(|(_, feed)| feed.open_run.is_some());
            waiting.extend(open.map(|(feed, _)| hub.settings.names.called(feed).to_owned()));
        }
    }
    let is_named = |name: &str| feeds.iter().any(|feed| feed.feed == name && feed.open_run_since.is_some());
    let silent = waiting.iter().filter(|name| !is_named(name));
    let note = |name: &String| Note {
        code: "open_run",
        message: format!(
            "What a file of {name} said is not wholly folded: some students are not judged until it is. If it stays so \
             while the hub runs, please report it."
        ),
    };
    Ok(silent.map(note).collect())
}
