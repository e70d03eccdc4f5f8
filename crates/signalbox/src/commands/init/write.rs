//! The YAML that `init` writes: complete, commented, and valid.

mod calendar;
mod feed;

use std::fmt::{self, Write};
use std::path::Path;

use jiff::tz::TimeZone;
use signalbox_connector::Entity;

use super::scan::Found;

/// The text of a `signalbox.yaml` that stands in `base`.
pub(super) fn yaml(found: &Found, base: &Path) -> String {
    let mut text = String::new();
    write_all(&mut text, found, base).expect("writing to a string cannot fail");
    text
}

fn write_all(out: &mut String, found: &Found, base: &Path) -> fmt::Result {
    out.push_str(
        "# Signalbox. Paths are relative to this file. `signalbox check` says what is wrong, and where.\n\n",
    );
    district(out)?;
    calendar::calendar(out, found)?;
    feeds(out, found, base)?;
    let more: Vec<_> =
        RULES.iter().filter(|rule| found.tables().any(|table| table.entity == rule.reads)).collect();
    destinations(out, &more)?;
    out.push_str(RISK);
    more_rules(out, &more)
}

fn district(out: &mut String) -> fmt::Result {
    let system = TimeZone::system();
    let zone = system.iana_name().filter(|name| name.contains('/') && !name.starts_with("Etc/"));
    let zone = zone.unwrap_or("America/Chicago");
    writeln!(out, "district:")?;
    writeln!(out, "  id: my-district            # yours; it stands in every event and never changes")?;
    writeln!(out, "  timezone: {zone}  # yours; it decides which day it is")?;
    writeln!(out, "data_dir: ./var              # what the hub keeps: back it up, let nobody else read it\n")
}

fn feeds(out: &mut String, found: &Found, base: &Path) -> fmt::Result {
    if found.feeds.is_empty() && found.incomplete.is_empty() {
        return out.write_str(EXAMPLE_FEEDS);
    }
    let key = if found.feeds.is_empty() { "# feeds:" } else { "feeds:" };
    writeln!(out, "{key}")?;
    let roster = found.feeds.iter().position(|feed| feed.entity().is_none_or(Entity::is_roster));
    for (at, feed) in found.feeds.iter().enumerate() {
        feed::feed(out, feed, base, roster == Some(at))?;
    }
    for (feed, table) in found.lacking() {
        feed::skeleton(out, feed, table, base)?;
    }
    out.push('\n');
    Ok(())
}

fn destinations(out: &mut String, more: &[&Proposed]) -> fmt::Result {
    writeln!(out, "# Who is told, once a feed is live, of the flags of which rule:")?;
    writeln!(
        out,
        "# destinations: [{{name: counselor, webhook: {{url: \"https://tool.example/hooks\", secret: \"SECRET[env.HOOK]\"}}}}]"
    )?;
    writeln!(out, "# routes:")?;
    let names = ["chronic-absence"].into_iter().chain(more.iter().map(|rule| rule.name));
    names.into_iter().try_for_each(|name| writeln!(out, "#   - {{rule: {name}, to: counselor}}"))?;
    writeln!(out)
}

/// Rules for what else is there: which of them the district wants is its own decision.
fn more_rules(out: &mut String, more: &[&Proposed]) -> fmt::Result {
    if more.is_empty() {
        return Ok(());
    }
    writeln!(out, "# Your files hold more. To have that judged too, write this in place of the line above:")?;
    writeln!(out, "# risk:")?;
    writeln!(out, "#   rules:")?;
    writeln!(out, "#     - {{rule: chronic-absence, min_days: 20, enter: 10%, leave: 9%}}")?;
    more.iter().try_for_each(|Proposed { name, rest, .. }| writeln!(out, "#     - {{rule: {name}, {rest}"))
}

/// As plain YAML where that is safe.
fn quoted(text: &str) -> String {
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic());
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let word = matches!(
        text.to_lowercase().as_str(),
        "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n"
    );
    if starts && plain && !word { text.to_owned() } else { in_quotes(text) }
}

/// As a text in double quotes, on one line whatever is in it.
fn in_quotes(text: &str) -> String {
    let json = serde_json::Value::from(text).to_string();
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{FEFF}');
    let escaped = |c: char| if breaks(c) { format!("\\u{:04X}", u32::from(c)) } else { c.to_string() };
    json.chars().map(escaped).collect()
}

/// Words for one line of a comment.
fn remark(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c })
        .collect()
}

const EXAMPLE_FEEDS: &str = "\
# feeds:
#   - {name: sis, roster_of_record: true, oneroster: {path: ./drop/sis}}
#   - name: attendance
#     mode: test               # history | test: alerts are shown, none is sent | live
#     csv: {path: \"./drop/attendance*.csv\", entity: attendance.daily, rows: exceptions, covers: school_year, absent_rows: end,
#           columns: {student: Student_Number, school: School_ID, date: {from: Att_Date, format: \"%m/%d/%Y\"}, category: Att_Code},
#           codes: {category: {A: absent_unexcused, E: absent_excused, T: tardy}}}

";

const RISK: &str = "\
# The federal definition of chronic absence: 10 % or more of the days, whatever the reason.
risk: {packs: [federal-chronic-absence], min_days: 20, enter: 10%, leave: 9%}
";

/// A rule for what a file may hold.
struct Proposed {
    reads: Entity,
    name: &'static str,
    /// What stands behind its name.
    rest: &'static str,
}

const RULES: &[Proposed] = &[
    Proposed {
        reads: Entity::CourseGrade,
        name: "course-failure",
        rest: "kind: posted, below: 60, leave: 63, scale: {A: 95, B: 85, C: 75, D: 65, F: 50}}   # in at 59.99, out from 63; B+ and others of yours: add them",
    },
    Proposed {
        reads: Entity::Incident,
        name: "behavior",
        rest: "categories: [major, suspension_out], at_least: 2, within: {school_days: 45}}",
    },
];
