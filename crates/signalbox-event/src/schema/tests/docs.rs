//! `docs/events.md` names what there is.

use std::fs;

use super::repository;
use crate::codec::{arbitrary, to_binary};
use crate::kind::{DataClass, Domain, Kind};
use crate::topic::{DEFAULT_PREFIX, name};

#[test]
fn the_page_on_events_names_every_topic_type_and_attribute() {
    let page = fs::read_to_string(repository().join("docs/events.md")).expect("reads the page");
    let mut wanted: Vec<String> =
        Domain::ALL.iter().map(|domain| format!("| `{}` |", name(DEFAULT_PREFIX, *domain))).collect();
    wanted.extend(Kind::ALL.iter().map(|kind| {
        let place = if *kind == Kind::OpsRunEnded { "the run's" } else { kind.domain().as_str() };
        format!("| `{}` | {place} | {} |", kind.short(), kind.data_class().as_str())
    }));
    let event = arbitrary::full_event();
    let (headers, _) = to_binary(&event);
    wanted
        .extend(headers.iter().filter_map(|(name, _)| Some(format!("| `{}` |", name.strip_prefix("ce_")?))));
    // The class that asks for most care says which types are of it.
    let sensitive = page.lines().find(|line| line.starts_with("| `sensitive` |")).unwrap_or_default();
    let is_sensitive = |kind: &&Kind| kind.data_class() == DataClass::Sensitive;
    let unsaid = Kind::ALL.iter().filter(is_sensitive).map(|kind| format!("`{}`", kind.short()));
    wanted.extend(
        unsaid.filter(|kind| !sensitive.contains(kind.as_str())).map(|kind| format!("sensitive: {kind}")),
    );
    wanted.retain(|row| !page.contains(row.as_str()));
    assert_eq!(wanted, Vec::<String>::new(), "rows that docs/events.md lacks");
}
