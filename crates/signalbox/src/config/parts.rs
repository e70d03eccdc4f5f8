//! Feeds and destinations: a name, a few settings, and exactly one section named after a connector.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use jiff::tz::TimeZone;
use signalbox_connector::{Connector, Entity, ParseCx, Source};
use signalbox_event::data::Mode;

use super::place::{Fault, Place, did_you_mean, quoted};
use super::read::{read, read_erased};
use super::tree::{Key, Node, Value};
use crate::problem::Report;

/// One entry of `feeds:`.
pub(crate) struct Feed {
    pub(crate) name: String,
    /// Its index in `feeds:`.
    pub(crate) index: usize,
    pub(crate) mode: Mode,
    pub(crate) roster_of_record: bool,
    /// The name of its connector, which is the key of its section.
    pub(crate) connector: &'static str,
    pub(crate) source: Arc<dyn Source>,
}

impl Feed {
    /// Whether it says who is enrolled where.
    pub(crate) fn is_roster(&self) -> bool {
        self.source.entities().iter().any(|entity| entity.is_roster())
    }

    pub(crate) fn is_attendance(&self) -> bool {
        self.source.entities().contains(&Entity::Attendance)
    }
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed").field("name", &self.name).finish_non_exhaustive()
    }
}

/// One entry of `destinations:`.
pub(crate) struct Destination {
    pub(crate) name: String,
    pub(crate) index: usize,
    /// The name of its connector, which is the key of its section.
    pub(crate) connector: &'static str,
    pub(crate) channel: Arc<dyn signalbox_connector::Destination>,
}

impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Destination").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Reads `feeds:`; what cannot be read is reported and left out.
pub(crate) fn feeds(
    tree: &Node,
    cx: &ParseCx<'_>,
    connectors: &[Connector],
    report: &mut Report,
) -> Vec<Feed> {
    let kind = Kind {
        list: "feeds",
        one: "feed",
        keys: &["name", "mode", "roster_of_record"],
        takes: |connector| connector.source.is_some(),
    };
    kind.items(tree, report)
        .filter_map(|(index, node)| {
            let part = kind.part(node, connectors, report);
            let mode = setting(node, "mode", report);
            let roster_of_record = setting(node, "roster_of_record", report);
            let Section { connector, key, node } = part.section?;
            let parse = connector.source.expect("only connectors with a source are taken");
            let source = read_erased(key, node, |section| parse(section, cx));
            let source = source.map_err(|fault| report.fault(fault)).ok()?;
            Some(Feed {
                name: part.name?,
                index,
                mode: mode?.unwrap_or_default(),
                roster_of_record: roster_of_record?.unwrap_or_default(),
                connector: connector.name,
                source: Arc::from(source),
            })
        })
        .collect()
}

impl Feed {
    /// The same source as if its section's `path` were this one: to try a drop that lies elsewhere.
    pub(crate) fn source_at(
        &self,
        path: &Path,
        zone: &TimeZone,
        tree: &Node,
        connectors: &[Connector],
    ) -> Result<Box<dyn Source>, Fault> {
        let items = tree.get("feeds").map(Node::items).unwrap_or_default();
        let (key, section) = items[self.index].entry(self.connector).expect("the feed was read from it");
        let mut section = section.clone();
        section.set("path", &path.to_string_lossy());
        let connector = connectors.iter().find(|connector| connector.name == self.connector);
        let parse = connector.and_then(|connector| connector.source).expect("the feed was read with it");
        let cx = ParseCx { base: Path::new("/"), zone };
        read_erased(key, &section, |deserializer| parse(deserializer, &cx))
    }
}

/// Reads `destinations:`; what cannot be read is reported and left out.
pub(crate) fn destinations(
    tree: &Node,
    cx: &ParseCx<'_>,
    connectors: &[Connector],
    report: &mut Report,
) -> Vec<Destination> {
    let kind = Kind {
        list: "destinations",
        one: "destination",
        keys: &["name"],
        takes: |connector| connector.destination.is_some(),
    };
    kind.items(tree, report)
        .filter_map(|(index, node)| {
            let part = kind.part(node, connectors, report);
            let Section { connector, key, node } = part.section?;
            let parse = connector.destination.expect("only connectors with a destination are taken");
            let destination = read_erased(key, node, |section| parse(section, cx));
            let destination = destination.map_err(|fault| report.fault(fault)).ok()?;
            Some(Destination {
                name: part.name?,
                index,
                connector: connector.name,
                channel: Arc::from(destination),
            })
        })
        .collect()
}

/// Outer `None`: faulty. Inner `None`: not there.
#[expect(clippy::option_option, reason = "faulty and absent are different answers")]
fn setting<T: serde::de::DeserializeOwned>(
    node: &Node,
    name: &str,
    report: &mut Report,
) -> Option<Option<T>> {
    let Some((key, node)) = node.entry(name) else { return Some(None) };
    read(key, node).map_err(|fault| report.fault(fault)).ok().map(Some)
}

/// What feeds and destinations differ in.
struct Kind {
    list: &'static str,
    one: &'static str,
    keys: &'static [&'static str],
    takes: fn(&Connector) -> bool,
}

struct Part<'a> {
    name: Option<String>,
    section: Option<Section<'a>>,
}

struct Section<'a> {
    connector: Connector,
    key: &'a Key,
    node: &'a Node,
}

impl Kind {
    /// The items of the list that are maps, each with its index.
    fn items<'a>(
        &self,
        tree: &'a Node,
        report: &mut Report,
    ) -> impl Iterator<Item = (usize, &'a Node)> + use<'a> {
        let list = tree.get(self.list);
        if let Some(node) = list
            && !matches!(node.value, Value::List(_))
        {
            let message = format!("\"{}\" is a list", self.list);
            report.error(node.place, "invalid_type", message, "begin each item with \"- \"");
        }
        let items = list.map(Node::items).unwrap_or_default();
        for item in items.iter().filter(|item| !matches!(item.value, Value::Map(_))) {
            let message = format!("a {} is a map: {{name: …, <connector>: {{…}}}}", self.one);
            report.error(item.place, "invalid_type", message, "");
        }
        items.iter().enumerate().filter(|(_, item)| matches!(item.value, Value::Map(_)))
    }

    fn part<'a>(&self, node: &'a Node, connectors: &[Connector], report: &mut Report) -> Part<'a> {
        let mut sections = Vec::new();
        for (key, value) in node.entries().iter().filter(|(key, _)| !self.keys.contains(&key.text.as_str())) {
            match connectors.iter().find(|connector| connector.name == key.text) {
                Some(connector) if (self.takes)(connector) => {
                    sections.push(Section { connector: *connector, key, node: value });
                }
                Some(connector) => self.wrong_side(connector, key.place, report),
                None => self.unknown_key(key, connectors, report),
            }
        }
        if sections.len() > 1 {
            let message =
                format!("a {} has exactly one connector, this one has {}", self.one, sections.len());
            let help = format!("make a {} of its own for each", self.one);
            report.error(sections[1].key.place, "two_connectors", message, help);
        }
        if sections.is_empty() && node.entries().iter().all(|(key, _)| self.keys.contains(&key.text.as_str()))
        {
            let message = format!("this {} does not say what it connects to", self.one);
            let help = format!("add one of: {}", self.names(connectors).join(", "));
            report.error(node.place, "no_connector", message, help);
        }
        let section = if sections.len() == 1 { sections.pop() } else { None };
        Part { name: self.name(node, report), section }
    }

    fn name(&self, node: &Node, report: &mut Report) -> Option<String> {
        let Some((key, value)) = node.entry("name") else {
            let message = format!("this {} has no name", self.one);
            report.error(node.place, "missing_key", message, "add \"name: …\", e.g. name: attendance");
            return None;
        };
        let name: String = read(key, value).map_err(|fault| report.fault(fault)).ok()?;
        if name.is_empty() || !name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-')) {
            let message = format!("\"{name}\" cannot be the name of a {}", self.one);
            report.error(value.place, "invalid_name", message, "use small letters, digits and hyphens");
            return None;
        }
        Some(name)
    }

    fn names(&self, connectors: &[Connector]) -> Vec<&'static str> {
        connectors
            .iter()
            .filter(|connector| (self.takes)(connector))
            .map(|connector| connector.name)
            .collect()
    }

    fn wrong_side(&self, connector: &Connector, place: Place, report: &mut Report) {
        let (message, help) = match self.list {
            "feeds" => ("nothing can be read from it", "it belongs under destinations"),
            _ => ("no alert can be sent to it", "it belongs under feeds"),
        };
        let message = format!("\"{}\" cannot be a {}: {message}", connector.name, self.one);
        report.error(place, "wrong_connector", message, help);
    }

    fn unknown_key(&self, key: &Key, connectors: &[Connector], report: &mut Report) {
        let known = self.keys.iter().copied().chain(self.names(connectors));
        let message = format!("unknown key {} in a {}", quoted(&key.text), self.one);
        report.error(key.place, "unknown_key", message, did_you_mean(&key.text, known));
    }
}
