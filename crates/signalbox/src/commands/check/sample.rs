//! Tries one file against a feed: the feed's own `normalize`, and the hub's own gate (`trial`; in words: `gated`). Nothing is
//! kept.

mod findings;
mod gated;
mod payload;
mod roster;
mod trial;

pub(super) use payload::Nameless;

use std::io;
use std::ops::ControlFlow;
use std::path::Path;

use jiff::Timestamp;
use jiff::civil::Date;
use signalbox_connector::draft::shown_class;
use signalbox_connector::words::{counted, plural};
use signalbox_connector::{ReadSeek, Refusal, RejectCode};
use signalbox_event::data::AttendanceCategory;
use signalbox_hub::calendar::Standing;
use signalbox_ingest::{FirstLoad, Lost};

use crate::config::Loaded;
use crate::config::parts::Feed;
use crate::config::place::did_you_mean;
use crate::open;
use crate::problem::{Problem, Report, Severity};
use findings::{Cause, Findings, Rows, Seen};
use roster::{Nobody, Roster};
use trial::Trial;

/// What a sample showed.
pub(super) struct Sample {
    pub(super) problems: Vec<Problem>,
    /// One sentence for people.
    pub(super) summary: String,
}

/// Reads `file` as `feed` would.
pub(super) fn check(config: &Path, loaded: &Loaded, feed: &str, file: &Path, now: Timestamp) -> Sample {
    let mut report = Report::new(config);
    let Some(feed) = loaded.config.feeds.iter().find(|candidate| candidate.name == feed) else {
        let names = loaded.config.feeds.iter().map(|feed| feed.name.as_str());
        let help = did_you_mean(feed, names);
        let place = loaded.tree.place_of(&["feeds"]);
        report.error(place, "unknown_feed", format!("there is no feed \"{feed}\""), help);
        return Sample { problems: report.into_problems(), summary: String::new() };
    };
    let trial = Trial::of(loaded, now);
    let calendars = open::calendars(&loaded.config);
    let roster = Roster::load(loaded, feed, &trial);
    let mut findings = Findings::new(&calendars, today(loaded, now), &*feed.source, roster);
    let (header, read) = read(loaded, feed, payload::open(file, feed, loaded, now), &trial, &mut findings);
    let shown = Shown { loaded, feed, file, header, severity: Severity::Error };
    let mut rows = Report::new(file);
    let first = read.map_err(|refusal| shown.refusal(refusal, &mut rows)).ok();
    shown.causes(&findings, |_| true, &mut report, &mut rows);
    shown.left_out(&findings, &mut rows);
    shown.idle(&findings, &mut rows);
    shown.lost(&findings, &mut rows);
    let summary = first.map(|first| shown.first(&first, &findings, &mut rows)).unwrap_or_default();
    Sample { problems: both(report, rows), summary }
}

/// What the newest file of a feed says about its mapping: only warnings, as the file may be an old one.
pub(super) fn newest(
    config: &Path,
    loaded: &Loaded,
    feed: &Feed,
    file: &Path,
    bytes: io::Result<Box<dyn ReadSeek>>,
    now: Timestamp,
) -> Vec<Problem> {
    let trial = Trial::of(loaded, now);
    let calendars = open::calendars(&loaded.config);
    let nobody = if feed.roster_of_record { Nobody::IsTheRoster } else { Nobody::NoRoster };
    let mut findings = Findings::new(&calendars, today(loaded, now), &*feed.source, Err(nobody));
    let payload = bytes.map_err(|error| payload::unreadable(&error));
    let (header, read) = read(loaded, feed, payload, &trial, &mut findings);
    let shown = Shown { loaded, feed, file, header, severity: Severity::Warning };
    let (mut report, mut rows) = (Report::new(config), Report::new(file));
    match read {
        Err(refusal) => shown.refusal(refusal, &mut rows),
        Ok(first) => {
            shown.causes(&findings, is_code, &mut report, &mut rows);
            shown.unusable(&first, &findings, &mut rows);
        }
    }
    both(report, rows)
}

fn today(loaded: &Loaded, now: Timestamp) -> Date {
    now.to_zoned(loaded.config.district.zone.clone()).date()
}

/// The header, and what the gate says of what the source makes of the rows.
fn read(
    loaded: &Loaded,
    feed: &Feed,
    payload: Result<Box<dyn ReadSeek>, Refusal>,
    trial: &Trial,
    findings: &mut Findings<'_>,
) -> (Header, Result<FirstLoad, Refusal>) {
    let mut payload = match payload {
        Ok(payload) => payload,
        Err(refusal) => return (Header::default(), Err(refusal)),
    };
    let header = Header::of(&mut payload, loaded, feed);
    let rewound = payload.rewind().map_err(|error| payload::unreadable(&error));
    let read = rewound.and_then(|()| {
        feed.source.normalize(&mut *payload, &mut |item| {
            findings.see(item);
            ControlFlow::Continue(())
        })
    });
    let first = read.and_then(|_| trial.judge(feed, &mut *payload, findings.known()));
    if let Ok(first) = &first {
        findings.dispute(first);
    }
    (header, first)
}

/// The problems of the configuration, then those of the file.
fn both(report: Report, rows: Report) -> Vec<Problem> {
    let mut problems = report.into_problems();
    problems.extend(rows.into_problems());
    problems
}

/// The header of a sample that is one plain table.
#[derive(Default)]
struct Header(Vec<String>);

impl Header {
    fn of(payload: &mut dyn ReadSeek, loaded: &Loaded, feed: &Feed) -> Self {
        let delimiter = loaded.tree.get("feeds").and_then(|feeds| {
            feeds.items().get(feed.index)?.get(feed.connector)?.get("delimiter")?.text()?.bytes().next()
        });
        let mut reader = csv::ReaderBuilder::new();
        reader.delimiter(delimiter.unwrap_or(b','));
        let mut reader = reader.from_reader(payload);
        let names = reader.byte_headers().ok().into_iter().flat_map(csv::ByteRecord::iter);
        Self(
            names
                .map(|name| String::from_utf8_lossy(name).trim_start_matches('\u{feff}').trim().to_owned())
                .collect(),
        )
    }

    /// From 1.
    fn position(&self, column: &str) -> Option<u64> {
        let exact = self.0.iter().position(|name| name == column);
        let at = exact.or_else(|| self.0.iter().position(|name| name.eq_ignore_ascii_case(column)))?;
        Some(at as u64 + 1)
    }
}

/// Turns findings into problems.
struct Shown<'a> {
    loaded: &'a Loaded,
    feed: &'a Feed,
    file: &'a Path,
    header: Header,
    /// Of what keeps the file, or rows of it, from being used.
    severity: Severity,
}

impl Shown<'_> {
    fn file_name(&self) -> String {
        self.file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    fn refusal(&self, refusal: Refusal, rows: &mut Report) {
        let Refusal { code, file, column, message, help } = refusal;
        let column = column.as_deref().and_then(|column| self.header.position(column));
        let message = match file {
            Some(file) => format!("{message} ({file})"),
            None => message,
        };
        rows.push(self.severity, (column.map(|_| 1), column), code.as_str(), message, help);
    }

    /// That rows cannot be used for other reasons than their codes, and how to see why.
    fn unusable(&self, first: &FirstLoad, findings: &Findings<'_>, rows: &mut Report) {
        let others = findings.causes.iter().filter(|(cause, _)| !is_code(cause));
        let faults: u64 = others.map(|(_, seen)| seen.count).sum();
        // A row may have several.
        let unusable = faults.min(first.counts.reject);
        if unusable > 0 {
            let message = format!("{unusable} of {} cannot be used", plural(first.counts.rows, "row"));
            let (feed, file) = (&self.feed.name, self.file.display());
            let help = format!("signalbox check --feed {feed} --sample {file}  shows why");
            rows.push(self.severity, (None, None), "unusable_rows", message, help);
        }
    }

    fn causes(
        &self,
        findings: &Findings<'_>,
        wanted: fn(&Cause) -> bool,
        report: &mut Report,
        rows: &mut Report,
    ) {
        /// A column mapped wrongly gives a cause per row.
        const MOST_CAUSES: usize = 50;
        let mut causes: Vec<_> = findings.causes.iter().filter(|(cause, _)| wanted(cause)).collect();
        causes.sort_by_key(|(_, seen)| std::cmp::Reverse(seen.count));
        for (cause, seen) in causes.iter().take(MOST_CAUSES) {
            if is_code(cause) {
                self.unmapped(cause, seen, findings, report);
            } else {
                self.fault(cause, seen, rows);
            }
        }
        if let Some(more) = causes.len().checked_sub(MOST_CAUSES + 1) {
            let message = format!("and {} more causes", more + 1);
            let help = "so many causes are usually one: a column that is mapped to the wrong key";
            rows.push(self.severity, (None, None), "more_causes", message, help.to_owned());
        }
    }

    fn unmapped(&self, cause: &Cause, seen: &Seen, findings: &Findings<'_>, report: &mut Report) {
        let index = self.feed.index.to_string();
        let codes = ["feeds", &index, self.feed.connector, "codes", "category"];
        if !self.feed.is_attendance() {
            let place = self.loaded.tree.place_of(&codes[..4]);
            let message =
                format!("{}\nUntil mapped, it is unknown what those rows say.", self.said(cause, seen));
            let at = (Some(place.line), Some(place.column));
            return report.push(self.severity, at, cause.code.as_str(), message, seen.help.clone());
        }
        let place = self.loaded.tree.place_of(&codes);
        let only = match seen.schools.first() {
            // What a roster has is a school, and no name in the wrong column.
            Some(school)
                if seen.schools.len() == 1
                    && findings.schools.len() > 1
                    && findings.roster.as_ref().is_ok_and(|roster| roster.has_school(school)) =>
            {
                format!(", only at school {school}")
            }
            _ => String::new(),
        };
        let code = shown_class(cause.code.as_str(), &cause.value_class);
        let message = format!(
            "attendance code {code} has no meaning yet\nIn {} {}{}{only}.\n\
             Until mapped, those days count as unknown: neither present nor absent.",
            self.file_name(),
            times(seen),
            in_column(cause),
        );
        let words: Vec<&str> = AttendanceCategory::MAPPABLE.iter().map(|word| word.as_str()).collect();
        // A shape is no code that could be added.
        let help = if code.starts_with('"') {
            format!("add one of  {}: {}", cause.value_class, words.join(" | "))
        } else {
            seen.help.clone()
        };
        let at = (Some(place.line), Some(place.column));
        report.push(self.severity, at, cause.code.as_str(), message, help);
    }

    fn fault(&self, cause: &Cause, seen: &Seen, rows: &mut Report) {
        let column = cause.column.as_deref().and_then(|column| self.header.position(column));
        let (message, help) = (self.said(cause, seen), seen.help.clone());
        rows.push(self.severity, (seen.first_row, column), cause.code.as_str(), message, help);
    }

    fn said(&self, cause: &Cause, seen: &Seen) -> String {
        let subject = cause.column.as_deref().map(|column| format!("{column}: ")).unwrap_or_default();
        let inside = cause.file.map(|file| format!(" of {file}")).unwrap_or_default();
        let (plain, value) = (cause.code.plain(), shown_class(cause.code.as_str(), &cause.value_class));
        // Of a blank value it is said already.
        let value = if plain.ends_with(&value) { String::new() } else { format!(", {value}") };
        format!("{subject}{plain}{value}\nIn {}{inside} {}.", self.file_name(), times(seen))
    }

    /// Values that are left out of rows that are used.
    fn left_out(&self, findings: &Findings<'_>, rows: &mut Report) {
        const MOST_CAUSES: usize = 50;
        for (cause, seen) in findings.left_out.iter().take(MOST_CAUSES) {
            let column = cause.column.as_deref().and_then(|column| self.header.position(column));
            let message = format!("{}\nThe value is left out; the row is used.", self.said(cause, seen));
            let (code, help) = (cause.code.as_str(), seen.help.clone());
            rows.push(Severity::Warning, (seen.first_row, column), code, message, help);
        }
    }

    /// Rows on days that count nowhere.
    fn idle(&self, findings: &Findings<'_>, rows: &mut Report) {
        for (standing, Rows { count, first }) in &findings.idle {
            let (code, which, help) = match standing {
                Standing::Counts => continue,
                Standing::NoCalendar => (
                    "no_calendar",
                    "on dates that no calendar covers",
                    "add the school year to calendars:, or correct the dates at their source",
                ),
                Standing::NoSchool => (
                    "not_a_school_day",
                    "on days without school",
                    "if school was held, correct closed: in the calendar; if not, the rows at their source",
                ),
                Standing::Ahead => (
                    "ahead",
                    "on days that have not come",
                    "planned absences count when their day comes; if these are none, mind the format: of the date",
                ),
            };
            let message = format!(
                "{} {which}\nThey are kept and counted nowhere.",
                counted(*count, "row is", "rows are")
            );
            rows.push(Severity::Warning, (Some(*first), self.date_column()), code, message, help.to_owned());
        }
    }

    /// Rows about students whom the roster does not have.
    fn lost(&self, findings: &Findings<'_>, rows: &mut Report) {
        for (lost, Rows { count, first }) in findings.roster.iter().flat_map(|roster| &roster.lost) {
            let (code, which, help) = match *lost {
                Lost::Several => (
                    "ambiguous_student",
                    "an id that fits several students",
                    "say in the feed by which id its rows name students: ids: {student: …}",
                ),
                Lost::Written { code, mend } => (code, "a student by an id that no roster has so", mend),
                Lost::TwoPersons => (
                    "two_persons",
                    "a student by an id under which the roster has two persons",
                    "mend the roster: give each of them an id of their own",
                ),
                Lost::Nobody => (
                    "unknown_student",
                    "a student whom the roster does not have",
                    "if these are new, they are used once the roster brings them; if it is nearly all, another column has the id",
                ),
            };
            let message = format!(
                "{} {which}\nThey wait: nothing of them counts yet.",
                counted(*count, "row names", "rows name")
            );
            let column = self.column_of("student");
            rows.push(Severity::Warning, (Some(*first), column), code, message, help.to_owned());
        }
    }

    /// Where the date stands in the header, if the feed maps one.
    fn date_column(&self) -> Option<u64> {
        self.column_of("date")
    }

    fn column_of(&self, key: &str) -> Option<u64> {
        let feeds = self.loaded.tree.get("feeds")?;
        let columns = feeds.items().get(self.feed.index)?.get(self.feed.connector)?.get("columns")?;
        let column = columns.get(key)?;
        let name = column.text().or_else(|| column.get("from")?.text())?;
        self.header.position(name)
    }

    /// What the gate would say; returns one sentence for people.
    fn first(&self, first: &FirstLoad, findings: &Findings<'_>, rows: &mut Report) -> String {
        gated::would_wait(first, findings, rows);
        if self.feed.roster_of_record {
            gated::two_persons(first, self.column_of("student"), rows);
        }
        if self.feed.is_roster() {
            gated::names_nobody(first, rows);
        }
        gated::summary(&self.file_name(), first, findings)
    }
}

/// Mended in the YAML; every other fault in the file.
fn is_code(cause: &Cause) -> bool {
    cause.code == RejectCode::UnmappedCode
}

fn times(seen: &Seen) -> String {
    let times = if seen.count == 1 { "once".to_owned() } else { plural(seen.count, "time") };
    match seen.first_row {
        Some(row) => format!("{times}, first at row {row}"),
        None => times,
    }
}

fn in_column(cause: &Cause) -> String {
    cause.column.as_deref().map(|column| format!(" column {column}")).unwrap_or_default()
}
