//! Tries one file against a feed: the feed's own `normalize`, and nothing else.

mod findings;
mod payload;

use std::ops::ControlFlow;
use std::path::Path;

use jiff::Timestamp;
use signalbox_connector::words::{counted, plural};
use signalbox_connector::{Refusal, RejectCode, regular_file};
use signalbox_event::data::AttendanceCategory;

use crate::config::Loaded;
use crate::config::parts::Feed;
use crate::config::place::did_you_mean;
use crate::open;
use crate::problem::{Problem, Report, Severity};
use findings::{Cause, Findings, Seen};

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
    let calendars = open::calendars(&loaded.config);
    let mut findings = Findings::new(&calendars, feed.source.entities());
    let read = payload::open(file, feed, loaded, now).and_then(|mut payload| {
        feed.source.normalize(&mut *payload, &mut |item| {
            findings.see(item);
            ControlFlow::Continue(())
        })
    });
    let shown = Shown { loaded, feed, file, header: Header::of(file, loaded, feed) };
    let mut rows = Report::new(file);
    let refused = read.is_err();
    if let Err(refusal) = read {
        shown.refusal(refusal, &mut rows);
    }
    shown.causes(&findings, &mut report, &mut rows);
    shown.left_out(&findings, &mut rows);
    shown.closed_days(&findings, &mut rows);
    let summary = if refused { String::new() } else { shown.summary(&findings) };
    let mut problems = report.into_problems();
    problems.extend(rows.into_problems());
    Sample { problems, summary }
}

/// The header of a sample that is one plain table.
struct Header(Vec<String>);

impl Header {
    fn of(file: &Path, loaded: &Loaded, feed: &Feed) -> Self {
        let delimiter = loaded.tree.get("feeds").and_then(|feeds| {
            feeds.items().get(feed.index)?.get(feed.connector)?.get("delimiter")?.text()?.bytes().next()
        });
        let mut reader = csv::ReaderBuilder::new();
        reader.delimiter(delimiter.unwrap_or(b','));
        let opened = regular_file::open(file).ok();
        let names = opened.and_then(|file| reader.from_reader(file).byte_headers().cloned().ok());
        let names = names.iter().flat_map(csv::ByteRecord::iter);
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
        rows.push(Severity::Error, (column.map(|_| 1), column), code.as_str(), message, help);
    }

    /// A code without a meaning is mended in the YAML; every other fault in the file.
    fn causes(&self, findings: &Findings<'_>, report: &mut Report, rows: &mut Report) {
        /// A column mapped wrongly gives a cause per row.
        const MOST_CAUSES: usize = 50;
        let mut causes: Vec<_> = findings.causes.iter().collect();
        causes.sort_by_key(|(_, seen)| std::cmp::Reverse(seen.count));
        for (cause, seen) in causes.iter().take(MOST_CAUSES) {
            if cause.code == RejectCode::UnmappedCode {
                self.unmapped(cause, seen, findings, report);
            } else {
                self.fault(cause, seen, rows);
            }
        }
        if let Some(more) = causes.len().checked_sub(MOST_CAUSES + 1) {
            let message = format!("and {} more causes", more + 1);
            let help = "so many causes are usually one: a column that is mapped to the wrong key";
            rows.push(Severity::Error, (None, None), "more_causes", message, help.to_owned());
        }
    }

    fn unmapped(&self, cause: &Cause, seen: &Seen, findings: &Findings<'_>, report: &mut Report) {
        let index = self.feed.index.to_string();
        let place = self.loaded.tree.place_of(&["feeds", &index, self.feed.connector, "codes", "category"]);
        let only = match seen.schools.first() {
            Some(school) if seen.schools.len() == 1 && findings.schools.len() > 1 => {
                format!(", only at school {school}")
            }
            _ => String::new(),
        };
        let message = format!(
            "attendance code \"{}\" has no meaning yet\nIn {} {}{}{only}.\n\
             Until mapped, those days count as unknown: neither present nor absent.",
            cause.value_class,
            self.file_name(),
            times(seen),
            in_column(cause),
        );
        let words: Vec<&str> = AttendanceCategory::MAPPABLE.iter().map(|word| word.as_str()).collect();
        let help = format!("add one of  {}: {}", cause.value_class, words.join(" | "));
        report.error(place, cause.code.as_str(), message, help);
    }

    fn fault(&self, cause: &Cause, seen: &Seen, rows: &mut Report) {
        let column = cause.column.as_deref().and_then(|column| self.header.position(column));
        let (message, help) = (self.said(cause, seen), seen.help.clone());
        rows.push(Severity::Error, (seen.first_row, column), cause.code.as_str(), message, help);
    }

    fn said(&self, cause: &Cause, seen: &Seen) -> String {
        let subject = cause.column.as_deref().map(|column| format!("{column}: ")).unwrap_or_default();
        let inside = cause.file.map(|file| format!(" of {file}")).unwrap_or_default();
        let (plain, class) = (cause.code.plain(), &cause.value_class);
        format!("{subject}{plain} (\"{class}\")\nIn {}{inside} {}.", self.file_name(), times(seen))
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

    fn closed_days(&self, findings: &Findings<'_>, rows: &mut Report) {
        let Some((count, first)) = findings.closed else { return };
        let subject = counted(count, "row is", "rows are");
        let message = format!("{subject} on days without school\nThey are kept and counted nowhere.");
        let help = "if school was held, correct closed: in the calendar; if not, the rows at their source"
            .to_owned();
        rows.push(Severity::Warning, (Some(first), self.date_column()), "not_a_school_day", message, help);
    }

    /// Where the date stands in the header, if the feed maps one.
    fn date_column(&self) -> Option<u64> {
        let feeds = self.loaded.tree.get("feeds")?;
        let date =
            feeds.items().get(self.feed.index)?.get(self.feed.connector)?.get("columns")?.get("date")?;
        let name = date.text().or_else(|| date.get("from")?.text())?;
        self.header.position(name)
    }

    fn summary(&self, findings: &Findings<'_>) -> String {
        let Findings { rows, unusable, .. } = findings;
        format!("{}: {} of {} can be used.", self.file_name(), rows - unusable, plural(*rows, "row"))
    }
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
