//! Incidents in the order of their days: when the line was crossed, and when it was not any more.

use std::sync::Arc;

use jiff::civil::Date;

use super::{Behavior, CountedIncident, CountedIncidents, Indicator};
use crate::judged::{Judging, Missing, SchoolDaysOf, Span};
use crate::observation::IncidentCategory;
use crate::registers::LiveIncident;

/// The incidents of a student, walked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Walked {
    /// With every incident left out that may not count: above the line whatever those are. In date order, disjoint; only the
    /// last can be open.
    pub(super) certain: Vec<Span>,
    /// With every one of them counted.
    pub(super) possible: Vec<Span>,
    /// Those that count while they are recent, in date order; with the day on which each no longer is.
    counts: Vec<(CountedIncident, Option<Date>)>,
    pub(super) counted: Vec<CountedIncident>,
    /// Incidents whose day and category are known.
    pub(super) known: u32,
    /// Incidents that may count or not, while they are recent.
    perhaps: Vec<At>,
    /// Those that may count on any day.
    undated: u32,
    pub(super) missing: Vec<Missing>,
    pub(super) feeds: Vec<Arc<str>>,
    /// The next day on which one is no longer recent, or has come.
    pub(super) next_change: Option<Date>,
    /// The day of the last one.
    pub(super) known_to: Option<Date>,
}

impl Walked {
    /// What counts on a day.
    pub(super) fn measured_on(&self, date: Date) -> CountedIncidents {
        let recent = self.counts.iter().filter(|(incident, end)| is_recent(incident.date, *end, date));
        let perhaps = self.perhaps.iter().filter(|one| is_recent(one.date, one.end, date)).count() as u32;
        CountedIncidents {
            counted: recent.map(|(incident, _)| incident.clone()).collect(),
            unknown: perhaps + self.undated,
        }
    }

    /// The incidents that may count or not, or may have, in sentences.
    pub(super) fn may_count(&self) -> impl Iterator<Item = String> {
        let dates: Vec<String> = self.perhaps.iter().map(|one| one.date.to_string()).collect();
        let dated = match dates.as_slice() {
            [] => None,
            [one] => Some(format!("whether the incident of {one} counts")),
            several => Some(format!("which of the incidents of {} count", several.join(", "))),
        };
        let undated = (self.undated > 0).then(|| match self.undated {
            1 => "whether 1 incident counts whose day cannot be read".to_owned(),
            several => format!("which of {several} incidents count whose days cannot be read"),
        });
        dated.into_iter().chain(undated)
    }
}

fn is_recent(since: Date, end: Option<Date>, on: Date) -> bool {
    since <= on && end.is_none_or(|end| end > on)
}

/// One incident on its day.
#[derive(Debug, Clone, PartialEq, Eq)]
struct At {
    date: Date,
    /// The first day on which it is no longer recent.
    end: Option<Date>,
}

pub(super) fn walk(settings: &Behavior, on: &Judging<'_>) -> Walked {
    let days = on.days();
    let incidents = heard(on);
    let end_of = |date: Date| settings.within.and_then(|within| days.after(date, within.school_days));
    // What was before the school year is none of it, and what is to come counts when it comes.
    let is_of_year = |live: &&LiveIncident<'_>| live.said.date.is_none_or(|date| days.begin() <= Some(date));
    let is_past = |live: &&LiveIncident<'_>| live.said.date.is_none_or(|date| date <= on.as_of);
    let incidents: Vec<_> = incidents.iter().filter(is_of_year).collect();
    let to_come = incidents.iter().filter_map(|live| live.said.date).filter(|date| *date > on.as_of);
    let (mut counts, mut perhaps, mut undated, mut known) = (Vec::new(), Vec::new(), 0, 0);
    for live in incidents.iter().copied().filter(is_past) {
        let (category, date) = (live.said.category, live.said.date);
        known += u32::from(date.is_some() && category != IncidentCategory::Unknown);
        let may_count = category == IncidentCategory::Unknown || settings.categories.contains(&category);
        match date {
            _ if !may_count => {}
            None => undated += 1,
            Some(date) if category == IncidentCategory::Unknown => {
                perhaps.push(At { date, end: end_of(date) });
            }
            Some(date) => {
                counts
                    .push((CountedIncident { date, incident: live.incident.into(), category }, end_of(date)));
            }
        }
    }
    counts.sort();
    let certain: Vec<At> = counts.iter().map(|(one, end)| At { date: one.date, end: *end }).collect();
    let spans = |also: &[At], always| spans(settings, certain.iter().chain(also), always, on.as_of);
    let ends = certain.iter().chain(&perhaps).filter_map(|one| one.end).filter(|end| *end > on.as_of);
    let next_change = ends.chain(to_come).min();
    let known_to = incidents.iter().filter_map(|live| live.said.date).filter(|date| *date <= on.as_of).max();
    Walked {
        certain: spans(&[], 0),
        possible: spans(&perhaps, undated),
        counted: counts.iter().map(|(one, _)| one.clone()).collect(),
        counts,
        known,
        perhaps,
        undated,
        missing: missing(settings, on, &days),
        feeds: feeds(&incidents, settings, |date| is_recent(date, end_of(date), on.as_of)),
        next_change,
        known_to,
    }
}

/// Live incidents. Of several feeds that speak of one, the first in authority order is heard.
fn heard<'a>(on: &Judging<'a>) -> Vec<LiveIncident<'a>> {
    let mut heard: Vec<LiveIncident<'a>> = Vec::new();
    for live in on.registers.incidents.live() {
        let rank = |live: &LiveIncident<'_>| on.reference.feed_rank(live.feed);
        match heard.last_mut().filter(|last| last.incident == live.incident) {
            Some(last) if rank(&live) < rank(last) => *last = live,
            Some(_) => {}
            None => heard.push(live),
        }
    }
    heard
}

/// Those of the incidents that count now; where none does, of those that did; else of all: what is told rests on them.
fn feeds(
    incidents: &[&LiveIncident<'_>],
    settings: &Behavior,
    counts_on: impl Fn(Date) -> bool,
) -> Vec<Arc<str>> {
    let is_of = |live: &LiveIncident<'_>| settings.categories.contains(&live.said.category);
    let counts = |live: &LiveIncident<'_>| is_of(live) && live.said.date.is_some_and(&counts_on);
    let of = |told: &dyn Fn(&LiveIncident<'_>) -> bool| -> Vec<Arc<str>> {
        incidents.iter().filter(|live| told(live)).map(|live| live.feed.into()).collect()
    };
    let choices = [&counts as &dyn Fn(&LiveIncident<'_>) -> bool, &is_of, &|_| true];
    let mut feeds = choices.into_iter().map(of).find(|feeds| !feeds.is_empty()).unwrap_or_default();
    feeds.sort_unstable();
    feeds.dedup();
    feeds
}

fn missing(settings: &Behavior, on: &Judging<'_>, days: &SchoolDaysOf<'_>) -> Vec<Missing> {
    if !on.reference.has_read(Behavior::READS) {
        return vec![Missing::Incidents];
    }
    match days.school() {
        Some(school) if settings.within.is_some() && !days.is_known() => {
            vec![Missing::Calendar { school: school.to_owned() }]
        }
        None if settings.within.is_some() && !days.is_known() => vec![Missing::Enrollment],
        _ => Vec::new(),
    }
}

/// When the count was at the line. `always`: so many count on every day.
fn spans<'a>(
    settings: &Behavior,
    incidents: impl Iterator<Item = &'a At>,
    always: u32,
    as_of: Date,
) -> Vec<Span> {
    let mut steps: Vec<(Date, i64)> = vec![(Date::MIN, i64::from(always))];
    for At { date, end } in incidents {
        steps.push((*date, 1));
        steps.extend(end.filter(|end| *end <= as_of).map(|end| (end, -1)));
    }
    steps.sort_unstable();
    let (mut count, mut open, mut spans) = (0, None, Vec::new());
    for day in steps.chunk_by(|a, b| a.0 == b.0) {
        count += day.iter().map(|(_, step)| step).sum::<i64>();
        let date = day[0].0;
        match open {
            None if count >= i64::from(settings.at_least) => open = Some(date),
            Some(start) if count < i64::from(settings.leave()) => {
                spans.push(Span { start, end: Some(date) });
                open = None;
            }
            _ => {}
        }
    }
    spans.extend(open.map(|start| Span { start, end: None }));
    spans
}
