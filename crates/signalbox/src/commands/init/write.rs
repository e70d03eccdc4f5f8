//! The YAML that `init` writes: complete, commented, and valid.

use std::fmt::{self, Write};
use std::path::Path;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use signalbox_event::data::AttendanceCategory;

use super::scan::Found;
use super::table::{Kind, Mapped, Table};

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
    calendar(out, found)?;
    feeds(out, found, base)?;
    out.push_str(DESTINATIONS);
    out.push_str(RISK);
    Ok(())
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

fn calendar(out: &mut String, found: &Found) -> fmt::Result {
    let spans = found.feeds.iter().filter_map(|feed| feed.table.as_ref()?.dates);
    let latest = spans.clone().map(|(_, last)| last).max();
    out.push_str("# School days are weekdays less closed days.\n");
    let Some(latest) = latest else {
        out.push_str(
            "# calendars:\n#   - {schools: all, school_year: 2027, first: 2026-08-17, last: 2027-05-28,\n",
        );
        return out.write_str("#      closed: [2026-09-07, {from: 2026-12-19, to: 2027-01-03}]}\n\n");
    };
    let year = if latest.month() >= 7 { latest.year() + 1 } else { latest.year() };
    let in_year = |date: Date| date > Date::constant(year - 1, 6, 30);
    let first = spans.map(|(first, _)| first).filter(|date| in_year(*date)).min().unwrap_or(latest);
    let last = latest.max(Date::constant(year, 5, 31));
    out.push_str(
        "# Guessed from the dates in your files: put in your first and last day, and your holidays.\n",
    );
    writeln!(out, "calendars:")?;
    writeln!(out, "  - schools: all")?;
    writeln!(out, "    school_year: {year}        # the year in which it ends")?;
    writeln!(out, "    first: {first}")?;
    writeln!(out, "    last: {last}")?;
    writeln!(
        out,
        "    closed: []               # e.g. [{}-09-06, {{from: {}-12-20, to: {year}-01-02}}]\n",
        year - 1,
        year - 1
    )
}

fn feeds(out: &mut String, found: &Found, base: &Path) -> fmt::Result {
    if found.feeds.is_empty() {
        return out.write_str(EXAMPLE_FEEDS);
    }
    writeln!(out, "feeds:")?;
    let roster = found.feeds.iter().position(|feed| feed.table.is_none());
    let roster = roster.or_else(|| {
        found
            .feeds
            .iter()
            .position(|feed| feed.table.as_ref().is_some_and(|table| table.kind == Kind::Enrollment))
    });
    for (at, feed) in found.feeds.iter().enumerate() {
        writeln!(out, "  - name: {}", feed.name)?;
        writeln!(
            out,
            "    mode: test               # history | test: alerts are shown, none is sent | live"
        )?;
        if roster == Some(at) {
            writeln!(out, "    roster_of_record: true   # its ids are the district's")?;
        }
        let path = quoted(&relative(&feed.path, base));
        match &feed.table {
            None => writeln!(out, "    oneroster: {{path: {path}}}")?,
            Some(table) => csv(out, table, &path)?,
        }
    }
    out.push('\n');
    Ok(())
}

fn csv(out: &mut String, table: &Table, path: &str) -> fmt::Result {
    writeln!(out, "    csv:")?;
    writeln!(out, "      path: {path}")?;
    match table.kind {
        Kind::Enrollment => writeln!(out, "      entity: roster.enrollment")?,
        Kind::Attendance => {
            writeln!(out, "      entity: attendance.daily")?;
            writeln!(out, "      rows: {}", rows(table))?;
        }
    }
    writeln!(out, "      covers: school_year    # each file holds the whole year, or {{school_days: N}}")?;
    writeln!(
        out,
        "      absent_rows: end       # a row that is no longer there ended; keep: it means nothing"
    )?;
    if let Some(encoding) = table.encoding {
        writeln!(out, "      encoding: {encoding}")?;
    }
    if let Some(delimiter) = table.delimiter {
        writeln!(out, "      delimiter: {}", serde_json::Value::from(delimiter))?;
    }
    writeln!(out, "      columns:")?;
    for Mapped { key, column, format, none } in &table.columns {
        let name = quoted(column);
        let format = format.map(|format| format!(", format: \"{format}\"")).unwrap_or_default();
        let words: Vec<String> = none.iter().map(|word| format!("\"{word}\"")).collect();
        let none = if words.is_empty() { String::new() } else { format!(", none: [{}]", words.join(", ")) };
        match format!("{format}{none}") {
            plain if plain.is_empty() => writeln!(out, "        {key}: {name}")?,
            more => writeln!(out, "        {key}: {{from: {name}{more}}}")?,
        }
    }
    if table.kind == Kind::Attendance { codes(out, table) } else { Ok(()) }
}

/// Files that name present students usually name all of them.
fn rows(table: &Table) -> &'static str {
    if table.codes.iter().any(|(_, meaning)| *meaning == Some(AttendanceCategory::Present)) {
        "every_day        # every student has a row every day; exceptions: no row means present"
    } else {
        "exceptions       # no row means present; every_day: no row means unknown"
    }
}

fn codes(out: &mut String, table: &Table) -> fmt::Result {
    writeln!(out, "      codes:")?;
    let words: Vec<&str> = AttendanceCategory::MAPPABLE.iter().map(|word| word.as_str()).collect();
    writeln!(out, "        # Guessed from the letters; each is one of {}", words.join(", "))?;
    let known: Vec<String> = table
        .codes
        .iter()
        .filter_map(|(code, meaning)| Some(format!("{}: {}", quoted(code), meaning.as_ref()?)))
        .collect();
    writeln!(out, "        category: {{{}}}", known.join(", "))?;
    for (code, _) in table.codes.iter().filter(|(_, meaning)| meaning.is_none()) {
        writeln!(
            out,
            "        # {} has no meaning yet: until it has one, its days are unknown",
            quoted(code)
        )?;
    }
    Ok(())
}

/// As plain YAML where that is safe.
fn quoted(text: &str) -> String {
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic());
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let word = matches!(
        text.to_lowercase().as_str(),
        "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n"
    );
    if starts && plain && !word { text.to_owned() } else { serde_json::Value::from(text).to_string() }
}

/// `path` as seen from `base`, where that is simple.
fn relative(path: &Path, base: &Path) -> String {
    let full = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    match full(path).strip_prefix(full(base)) {
        Ok(inside) => format!("./{}", inside.display()),
        Err(_) => full(path).display().to_string(),
    }
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

const DESTINATIONS: &str = "\
# Who is told, once a feed is live:
# destinations: [{name: counselor, webhook: {url: \"https://tool.example/hooks\", secret: \"SECRET[env.HOOK]\"}}]
# routes: [{rule: chronic-absence, to: counselor}]

";

const RISK: &str = "\
# The federal definition of chronic absence: 10 % or more of the days, whatever the reason.
risk: {packs: [federal-chronic-absence], min_days: 20, enter: 10%, leave: 9%}
";
