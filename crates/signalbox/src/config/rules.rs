//! What the sections must agree on, each fault at its place.

mod calendars;
mod risk;

use std::collections::HashMap;

use jiff::tz::TimeZone;
use signalbox_event::data::Mode;
use signalbox_risk::{ATTENDANCE_FEEDS_AT_MOST, CHRONIC_ABSENCE, Rule, Settings};

pub(super) use self::risk::of_a_rule;
use super::Backing;
use super::District;
#[cfg(feature = "servers")]
use super::Servers;
use super::parts::{Destination, Feed};
use super::place::{Place, closest, did_you_mean, quoted};
use super::sections::{self, Calendar, Kafka, Log, Reader, Route, Schools, Store, When};
use super::tree::Node;
use crate::problem::Report;

pub(super) struct Rules<'a> {
    pub(super) tree: &'a Node,
    pub(super) report: &'a mut Report,
}

impl Rules<'_> {
    fn place(&self, path: &[&str]) -> Place {
        self.tree.place_of(path)
    }

    pub(super) fn district(&mut self, district: sections::District) -> Option<District> {
        let sections::District { id, timezone, secret } = district;
        let is_id = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if id.is_empty() || !id.chars().all(is_id) {
            let message = format!("\"{id}\" cannot be a district's id");
            let place = self.place(&["district", "id"]);
            self.report.error(place, "invalid_name", message, "use letters, digits, hyphens, dots");
            return None;
        }
        let Ok(zone) = TimeZone::get(&timezone) else {
            self.unknown_zone(&timezone);
            return None;
        };
        self.zone_of_no_place(&timezone);
        Some(District { id, zone, secret })
    }

    /// A zone without summer time, which the district's clocks have: an hour off for most of the school year.
    fn zone_of_no_place(&mut self, name: &str) {
        let abbreviated = ABBREVIATIONS.iter().find(|(short, _)| short.eq_ignore_ascii_case(name));
        if let Some((_, zone)) = abbreviated {
            let place = self.place(&["district", "timezone"]);
            let message = format!("\"{name}\" is one hour off while clocks say summer time");
            let help = format!("write the name of the place, e.g. {zone}");
            self.report.warning(place, "fixed_timezone", message, help);
        }
    }

    fn unknown_zone(&mut self, name: &str) {
        let names: Vec<String> = jiff::tz::db().available().map(|name| name.to_string()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let abbreviated = ABBREVIATIONS.iter().find(|(short, _)| short.eq_ignore_ascii_case(name));
        let example = abbreviated.map(|(_, zone)| *zone).or_else(|| closest(name, &names));
        let example = example.unwrap_or("America/Chicago");
        let help = format!("write the IANA name, e.g. {example}");
        let place = self.place(&["district", "timezone"]);
        self.report.error(place, "unknown_timezone", format!("\"{name}\" is no time zone"), help);
    }

    pub(super) fn feeds(&mut self, feeds: &mut [Feed], calendars: Option<&[Calendar]>) {
        let names: Vec<(&str, usize)> = feeds.iter().map(|feed| (feed.name.as_str(), feed.index)).collect();
        self.unique_names("feeds", &names);
        self.roster_of_record(feeds);
        self.attendance_feeds(feeds);
        let everywhere = |calendar: &Calendar| calendar.schools == Schools::All;
        if let Some(feed) = feeds.iter().find(|feed| feed.is_attendance())
            && calendars.is_some_and(|calendars| !calendars.iter().any(everywhere))
        {
            let place = self.place(&["feeds", &feed.index.to_string(), "name"]);
            let message = "attendance is read, but no calendar speaks for all schools";
            let help = "schools without a calendar get no answers; add calendars: [{schools: all, …}]";
            self.report.warning(place, "no_calendar", message, help);
        }
    }

    /// Whether no feed is left out for a fault of its own: what the others lack, it may have.
    pub(super) fn all_are_read(&self, feeds: &[Feed]) -> bool {
        self.tree.get("feeds").map_or(0, |written| written.items().len()) == feeds.len()
    }

    /// What is known of a day is kept in a bit for each of them.
    fn attendance_feeds(&mut self, feeds: &[Feed]) {
        let attendance: Vec<&Feed> = feeds.iter().filter(|feed| feed.is_attendance()).collect();
        if let Some(feed) = attendance.get(ATTENDANCE_FEEDS_AT_MOST) {
            let place = self.place(&["feeds", &feed.index.to_string(), "name"]);
            let message = format!(
                "this is attendance feed {}; a hub has {ATTENDANCE_FEEDS_AT_MOST} at most",
                attendance.len()
            );
            let help = "let one feed read the files of many schools: path: ./drop/att*.csv";
            self.report.error(place, "too_many_feeds", message, help);
        }
    }

    /// Exactly one feed's ids are the district's. Without a word about it, the only roster feed is that one.
    fn roster_of_record(&mut self, feeds: &mut [Feed]) {
        let declared: Vec<usize> =
            feeds.iter().filter(|feed| feed.roster_of_record).map(|feed| feed.index).collect();
        let rosters: Vec<usize> = (0..feeds.len()).filter(|at| feeds[*at].is_roster()).collect();
        match (declared.as_slice(), rosters.as_slice()) {
            ([_, second, ..], _) => {
                let place = self.place(&["feeds", &second.to_string(), "roster_of_record"]);
                let message = "two feeds say that they are the roster of record";
                self.report.error(
                    place,
                    "two_rosters",
                    message,
                    "keep it at the feed whose ids the district uses",
                );
            }
            ([one], _) => self.roster_must_be_one(*one, feeds),
            ([], [only]) => feeds[*only].roster_of_record = true,
            ([], [first, ..]) => {
                let names: Vec<&str> = rosters.iter().map(|at| feeds[*at].name.as_str()).collect();
                let place = self.place(&["feeds", &feeds[*first].index.to_string(), "name"]);
                let message = format!(
                    "several feeds carry the roster ({}), none is the one of record",
                    names.join(", ")
                );
                let help = "add roster_of_record: true to the one whose ids the district uses";
                self.report.error(place, "no_roster_of_record", message, help);
            }
            ([], []) if feeds.is_empty() || !self.all_are_read(feeds) => {}
            ([], []) => {
                let place = self.place(&["feeds"]);
                let message = "no feed says who is enrolled: no student would be found";
                self.report.warning(place, "no_roster", message, "add a OneRoster or an enrollment feed");
            }
        }
    }

    fn roster_must_be_one(&mut self, index: usize, feeds: &[Feed]) {
        if feeds.iter().any(|feed| feed.index == index && !feed.is_roster()) {
            let place = self.place(&["feeds", &index.to_string(), "roster_of_record"]);
            let message = "this feed carries no roster, so it cannot be the roster of record";
            self.report.error(
                place,
                "not_a_roster",
                message,
                "move it to the feed that says who is enrolled",
            );
        }
    }

    fn unique_names(&mut self, list: &str, names: &[(&str, usize)]) {
        let mut seen = HashMap::new();
        for (name, index) in names {
            if let Some(first) = seen.insert(*name, *index) {
                let earlier = self.place(&[list, &first.to_string(), "name"]);
                let place = self.place(&[list, &index.to_string(), "name"]);
                let message = format!("the name \"{name}\" is taken (line {})", earlier.line);
                self.report.error(place, "duplicate_name", message, "names are unique; choose another");
            }
        }
    }

    /// A live feed whose flags nobody hears of.
    pub(super) fn live_feeds(&mut self, feeds: &[Feed], routes: &[Route]) {
        let live = feeds.iter().find(|feed| !feed.is_roster() && feed.mode == Mode::Live);
        if let Some(feed) = live.filter(|_| routes.is_empty()) {
            let place = self.place(&["feeds", &feed.index.to_string(), "mode"]);
            let message = format!("\"{}\" is live and nobody is told: no route leads anywhere", feed.name);
            let help = format!("add destinations: and routes: [{{rule: {CHRONIC_ABSENCE}, to: …}}]");
            self.report.warning(place, "live_without_destination", message, help);
        }
    }

    pub(super) fn destinations(&mut self, destinations: &[Destination], routes: Option<&[Route]>) {
        let names: Vec<(&str, usize)> = destinations.iter().map(|d| (d.name.as_str(), d.index)).collect();
        self.unique_names("destinations", &names);
        let Some(routes) = routes else { return };
        for (name, index) in names {
            if !routes.iter().any(|route| route.to == name) {
                let place = self.place(&["destinations", &index.to_string(), "name"]);
                let message = format!("no route leads to \"{name}\": it is told of nothing");
                let help = format!("add to routes: {{rule: {CHRONIC_ABSENCE}, to: {name}}}");
                self.report.warning(place, "no_route", message, help);
            }
        }
    }

    /// `rules`: those that are configured, if they can be read.
    pub(super) fn routes(&mut self, routes: &[Route], destinations: &[Destination], rules: Option<&[Rule]>) {
        for (index, route) in routes.iter().enumerate() {
            let at = index.to_string();
            self.route_source(&at, route, rules);
            self.route_target(&at, route, destinations);
            if route.when == Some(When::Digest) {
                let place = self.place(&["routes", &at, "when"]);
                let message = "digests are not in this build yet: alerts would go out at once";
                self.report.error(
                    place,
                    "not_in_this_build",
                    message,
                    "write when: at_once, or leave it out",
                );
            }
            if routes[..index].iter().any(|earlier| (&earlier.rule, &earlier.to) == (&route.rule, &route.to))
            {
                let place = self.place(&["routes", &at]);
                self.report.error(
                    place,
                    "duplicate_route",
                    "this route stands here twice",
                    "keep one of the two",
                );
            }
        }
    }

    fn route_source(&mut self, at: &str, route: &Route, rules: Option<&[Rule]>) {
        let place = self.place(&["routes", at, "rule"]);
        if !Settings::NAMES.contains(&route.rule.as_str()) {
            let message = format!("there is no rule \"{}\"", route.rule);
            let help = did_you_mean(&route.rule, Settings::NAMES.iter().copied());
            self.report.error(place, "unknown_rule", message, help);
        } else if rules.is_some_and(|rules| rules.iter().all(|rule| rule.name() != route.rule)) {
            let message =
                format!("the rule \"{}\" is not configured: nobody is ever told by this route", route.rule);
            let help = format!("add to risk: rules: [{{rule: {}, …}}]", route.rule);
            self.report.error(place, "no_such_rule", message, help);
        }
    }

    fn route_target(&mut self, at: &str, route: &Route, destinations: &[Destination]) {
        // A destination that is there but faulty is reported once, there.
        let written = self.tree.get("destinations").map(Node::items).unwrap_or_default();
        let mut names = written.iter().filter_map(|node| node.get("name").and_then(Node::text));
        if names.any(|name| name == route.to) {
            return;
        }
        let place = self.place(&["routes", at, "to"]);
        let message = format!("there is no destination \"{}\"", route.to);
        let help = did_you_mean(&route.to, destinations.iter().map(|d| d.name.as_str()));
        self.report.error(place, "unknown_destination", message, help);
    }

    /// Both embedded, or both servers.
    pub(super) fn backing(&mut self, log: Log, store: Store) -> Option<Backing> {
        if let Log::Kafka(kafka) = &log {
            self.kafka(kafka);
        }
        let key = match (log, store) {
            (Log::Sqlite(_), Store::Sqlite(_)) => return Some(Backing::Embedded),
            #[cfg(feature = "servers")]
            (Log::Kafka(kafka), Store::Postgres(postgres)) => {
                return Some(Backing::Servers(Servers { kafka, postgres }));
            }
            #[cfg(not(feature = "servers"))]
            (Log::Kafka(_), Store::Postgres(_)) => {
                let message = "this signalbox was built without Kafka and PostgreSQL";
                let help = "take one that was built with them: cargo build --release -p signalbox";
                self.report.error(self.place(&["log"]), "not_built_in", message, help);
                return None;
            }
            (Log::Kafka(_), Store::Sqlite(_)) => "log",
            (Log::Sqlite(_), Store::Postgres(_)) => "store",
        };
        let message = "log and store go together: both embedded, or Kafka with PostgreSQL";
        self.report.error(self.place(&[key]), "log_and_store", message, "declare both, or neither");
        None
    }
}

impl Rules<'_> {
    fn kafka(&mut self, kafka: &Kafka) {
        let Kafka { brokers, shards, replication, readers, .. } = kafka;
        let fault = if brokers.is_empty() {
            Some(("brokers", "no broker is named", "e.g. brokers: [\"kafka-1:9092\"]"))
        } else if brokers.iter().any(|broker| broker.contains('@')) {
            Some(("brokers", "a broker is HOST:PORT", "who the hub is, scram_sha_512 says"))
        } else if *shards == Some(0) {
            Some(("shards", "topics need at least one shard", "12 is usual, and fixed for the log's life"))
        } else if *replication == Some(0) {
            Some(("replication", "topics need at least one copy", "3 is usual"))
        } else {
            None
        };
        if let Some((key, message, help)) = fault {
            self.report.error(self.place(&["log", "kafka", key]), "invalid_kafka", message, help);
        } else {
            self.kafka_encryption(kafka);
        }
        for (index, reader) in readers.iter().enumerate() {
            self.reader(&index.to_string(), reader, &readers[..index]);
        }
    }

    fn kafka_encryption(&mut self, Kafka { brokers, tls, plaintext, .. }: &Kafka) {
        let elsewhere = brokers.iter().find(|broker| !is_loopback(host_of(broker)));
        let (message, help) = match (elsewhere, tls.is_some(), plaintext) {
            (_, true, true) => ("tls and plaintext exclude each other".to_owned(), "take out plaintext"),
            (Some(broker), false, false) => (
                format!("students' records would go to {} in clear", quoted(host_of(broker))),
                "add tls: {} (tls: {ca: ./ca.pem} for an authority of your own), or, where the network itself is trusted, \
                 plaintext: true",
            ),
            _ => return,
        };
        self.report.error(self.place(&["log", "kafka", "plaintext"]), "in_clear", message, help);
    }

    fn reader(&mut self, index: &str, reader: &Reader, earlier: &[Reader]) {
        let place = self.place(&["log", "kafka", "readers", index]);
        let Reader { user, domains } = reader;
        if user.is_empty() || domains.is_empty() {
            let help = "e.g. {user: analytics, domains: [attendance, risk]}";
            self.report.error(place, "invalid_reader", "a reader has a user and at least one domain", help);
        } else if !user.chars().all(|c| c.is_alphanumeric() || "-_.@=, /+".contains(c)) {
            let message = "a reader is one user by name, and no pattern";
            self.report.error(place, "invalid_reader", message, "name each user that may read");
        } else if earlier.iter().any(|earlier| earlier.user == *user) {
            let message = format!("reader \"{user}\" stands here twice");
            self.report.error(place, "duplicate_reader", message, "name all its domains in one place");
        }
    }
}

/// What clocks in the United States say, and the zone that is meant.
const ABBREVIATIONS: [(&str, &str); 17] = [
    ("EST", "America/New_York"),
    ("EDT", "America/New_York"),
    ("ET", "America/New_York"),
    ("Eastern", "America/New_York"),
    ("CST", "America/Chicago"),
    ("CDT", "America/Chicago"),
    ("CT", "America/Chicago"),
    ("Central", "America/Chicago"),
    ("MST", "America/Denver, or America/Phoenix where clocks do not change"),
    ("MDT", "America/Denver"),
    ("MT", "America/Denver"),
    ("Mountain", "America/Denver"),
    ("PST", "America/Los_Angeles"),
    ("PDT", "America/Los_Angeles"),
    ("PT", "America/Los_Angeles"),
    ("Pacific", "America/Los_Angeles"),
    ("AKST", "America/Anchorage"),
];

/// The host of a broker: of `host:port` or `[address]:port`.
fn host_of(broker: &str) -> &str {
    let host = broker.rsplit_once(':').map_or(broker, |(host, _)| host);
    host.trim_start_matches('[').trim_end_matches(']')
}

/// Whether what is sent there stays on this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}
