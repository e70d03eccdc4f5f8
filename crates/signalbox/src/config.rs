//! `signalbox.yaml`: read, checked, every fault with its place.
//!
//! # Layout
//! - this file: `Config` and `load`
//! - `tree`: the YAML with places; `read`: Rust types out of it; `place`: places and faults
//! - `sections`: the sections as written; `parts`: feeds and destinations with their connector
//! - `rules`: what must fit together; `secrets`: what is said about secrets; `hidden`: what is never said
//! - `schema`: all of it as a JSON Schema

mod hidden;
pub(crate) mod parts;
pub(crate) mod place;
mod read;
pub(crate) mod rules;
pub(crate) mod schema;
pub(crate) mod secrets;
pub(crate) mod sections;
pub(crate) mod tree;

use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use serde::de::DeserializeOwned;
use signalbox_connector::{Connector, ParseCx, Secret, regular_file};
use signalbox_risk::Rule;

use crate::problem::{Problem, Report};
use hidden::Hidden;
use parts::{Destination, Feed};
use place::{Fault, Place, did_you_mean, quoted};
use sections::{Calendar, Log, Risk, Route, Store};
#[cfg(feature = "servers")]
use sections::{Kafka, Postgres};
use tree::Node;

/// A district's configuration, checked.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) district: District,
    pub(crate) data_dir: PathBuf,
    pub(crate) calendars: Vec<Calendar>,
    /// In the order of the YAML, which is the order of authority.
    pub(crate) feeds: Vec<Feed>,
    pub(crate) destinations: Vec<Destination>,
    pub(crate) routes: Vec<Route>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) backing: Backing,
    /// The folder that relative paths start from.
    pub(crate) base: PathBuf,
}

/// Where events and state are kept.
#[derive(Debug)]
pub(crate) enum Backing {
    /// In files of data_dir, by one process.
    Embedded,
    /// On Kafka and PostgreSQL, by as many processes as wanted.
    #[cfg(feature = "servers")]
    Servers(Servers),
}

#[cfg(feature = "servers")]
#[derive(Debug)]
pub(crate) struct Servers {
    pub(crate) kafka: Box<Kafka>,
    pub(crate) postgres: Postgres,
}

#[derive(Debug)]
pub(crate) struct District {
    pub(crate) id: String,
    pub(crate) zone: TimeZone,
    pub(crate) secret: Option<Secret>,
}

/// A configuration that can be used.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) config: Config,
    /// Warnings only.
    pub(crate) problems: Vec<Problem>,
    /// To point at places of the file.
    pub(crate) tree: Node,
}

/// A configuration that cannot be used: at least one error, and warnings.
#[derive(Debug)]
pub(crate) struct Problems(pub(crate) Vec<Problem>);

/// No configuration is longer, in bytes.
pub(crate) const MOST_BYTES: u64 = 4 << 20;

/// Reads and checks the configuration. Opens no connection.
pub(crate) fn load(path: &Path, connectors: &[Connector]) -> Result<Loaded, Problems> {
    match regular_file::read_text(path, MOST_BYTES) {
        Ok(source) => parse(path, &source, connectors),
        Err(error) => Err(unreadable(path, &error)),
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Problems {
    let mut report = Report::new(path);
    let help = "signalbox init writes one to start from; --config names another place";
    let fault = Fault {
        place: None,
        code: "config_unreadable",
        message: format!("the configuration cannot be read: {error}"),
        help: help.to_owned(),
    };
    report.fault(fault);
    Problems(report.into_problems())
}

/// As [`load`], of a text that stands at `path`.
pub(crate) fn parse(path: &Path, source: &str, connectors: &[Connector]) -> Result<Loaded, Problems> {
    let mut report = Report::new(path);
    let base = folder(path);
    match Node::parse(source) {
        Ok(tree) => {
            let config = Reading { tree: &tree, base: &base, connectors, report: &mut report }.config();
            secrets::check(&tree, &base, &mut report);
            let is_usable = !report.has_errors();
            let problems = shown(report, |words| Hidden::of(&tree, source, words));
            match config {
                Some(config) if is_usable => Ok(Loaded { config, problems, tree }),
                _ => Err(Problems(problems)),
            }
        }
        Err(fault) => {
            report.fault(fault);
            Err(Problems(shown(report, |words| Hidden::of_text(source, words))))
        }
    }
}

/// The problems, without what may be a secret.
fn shown(report: Report, hidden: impl FnOnce(&schema::Words) -> Hidden) -> Vec<Problem> {
    let mut problems = report.into_problems();
    if !problems.is_empty() {
        let hidden = hidden(&schema::words());
        for problem in &mut problems {
            hidden.hide(problem);
        }
    }
    problems
}

/// The folder that a file stands in, however it is named: the parent of a bare name is the working directory.
pub(crate) fn folder(file: &Path) -> PathBuf {
    let absolute = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    absolute.parent().map(Path::to_owned).unwrap_or_default()
}

/// What reading the sections needs at hand.
struct Reading<'a> {
    tree: &'a Node,
    base: &'a Path,
    connectors: &'a [Connector],
    report: &'a mut Report,
}

const SECTIONS: &[&str] =
    &["district", "data_dir", "calendars", "feeds", "destinations", "routes", "risk", "log", "store"];

impl Reading<'_> {
    /// `None` when a section cannot be read; every fault is in the report.
    fn config(&mut self) -> Option<Config> {
        self.check_keys()?;
        let district: Option<sections::District> = self.required("district");
        // One that is not known is reported below: then nothing is read with it.
        let zone = district.as_ref().and_then(|district| TimeZone::get(&district.timezone).ok());
        let cx = ParseCx { base: self.base, zone: &zone.unwrap_or(TimeZone::UTC) };
        let data_dir = self.optional("data_dir").unwrap_or_else(|| Some(PathBuf::from("./var")));
        let calendars: Option<Vec<Calendar>> = self.list("calendars");
        let mut feeds = parts::feeds(self.tree, &cx, self.connectors, self.report);
        let destinations = parts::destinations(self.tree, &cx, self.connectors, self.report);
        let routes: Option<Vec<Route>> = self.list("routes");
        let risk = self.risk();
        let log = self.optional("log").unwrap_or_else(|| Some(Log::Sqlite(sections::Embedded {})));
        let store = self.optional("store").unwrap_or_else(|| Some(Store::Sqlite(sections::Embedded {})));

        let mut rules = rules::Rules { tree: self.tree, report: self.report };
        let district = district.and_then(|district| rules.district(district));
        rules.calendars(calendars.as_deref().unwrap_or_default());
        rules.feeds(&mut feeds, calendars.as_deref());
        rules.destinations(&destinations, routes.as_deref());
        let by = risk.and_then(|risk| rules.risk(&risk));
        rules.routes(routes.as_deref().unwrap_or_default(), &destinations, by.as_deref());
        rules.rules_have_time(by.as_deref().unwrap_or_default(), calendars.as_deref().unwrap_or_default());
        if rules.all_are_read(&feeds) {
            rules.rules_have_feeds(by.as_deref().unwrap_or_default(), &feeds);
            rules.rules_have_codes(by.as_deref().unwrap_or_default(), &feeds);
        }
        if let Some(routes) = &routes {
            rules.live_feeds(&feeds, routes);
            rules.rules_have_routes(by.as_deref().unwrap_or_default(), routes);
        }
        let backing = log.zip(store).and_then(|(log, store)| rules.backing(log, store));

        Some(Config {
            district: district?,
            data_dir: self.base.join(data_dir?),
            calendars: calendars?,
            feeds,
            destinations,
            routes: routes?,
            rules: by?,
            backing: backing?,
            base: self.base.to_owned(),
        })
    }

    fn check_keys(&mut self) -> Option<()> {
        if self.tree.entries().is_empty() {
            let message = "the configuration has no sections";
            self.report.error(
                self.tree.place,
                "empty_config",
                message,
                "signalbox init writes one to start from",
            );
            return None;
        }
        for (key, _) in self.tree.entries() {
            if !SECTIONS.contains(&key.text.as_str()) {
                let message = format!("unknown section {}", quoted(&key.text));
                let help = did_you_mean(&key.text, SECTIONS.iter().copied());
                self.report.error(key.place, "unknown_key", message, help);
            }
        }
        Some(())
    }

    fn required<T: DeserializeOwned>(&mut self, name: &str) -> Option<T> {
        self.optional(name).unwrap_or_else(|| {
            let message = format!("the section \"{name}\" is missing");
            let help = "e.g. district: {id: lakeview, timezone: America/Chicago}";
            self.report.error(Place { line: 1, column: 1 }, "missing_key", message, help);
            None
        })
    }

    /// Outer `None`: not there. Inner `None`: there, and faulty.
    #[expect(clippy::option_option, reason = "faulty and absent are different answers")]
    fn optional<T: DeserializeOwned>(&mut self, name: &str) -> Option<Option<T>> {
        let (key, node) = self.tree.entry(name)?;
        Some(read::read(key, node).map_err(|fault| self.report.fault(fault)).ok())
    }

    fn risk(&mut self) -> Option<Risk> {
        let Some((key, node)) = self.tree.entry("risk") else { return Some(Risk::default()) };
        let fault = |fault| self.report.fault(rules::of_a_rule(node, fault));
        read::read(key, node).map_err(fault).ok()
    }

    /// Reads item by item, so that one faulty item hides no other.
    fn list<T: DeserializeOwned>(&mut self, name: &str) -> Option<Vec<T>> {
        let Some((key, node)) = self.tree.entry(name) else { return Some(Vec::new()) };
        let tree::Value::List(items) = &node.value else {
            let message = format!("\"{name}\" is a list");
            self.report.error(node.place, "invalid_type", message, "begin each item with \"- \"");
            return None;
        };
        let mut whole = true;
        let mut read_items = Vec::new();
        for item in items {
            match read::read(&tree::Key { text: key.text.clone(), place: item.place }, item) {
                Ok(value) => read_items.push(value),
                Err(fault) => {
                    self.report.fault(fault);
                    whole = false;
                }
            }
        }
        whole.then_some(read_items)
    }
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;
