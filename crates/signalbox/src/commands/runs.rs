//! What became of files, as people read it.

use std::io::{self, Write};

use signalbox_connector::words::plural;
use signalbox_ingest::RunReport;

use crate::screen::Table;

/// One line per file, with what is worth saying below.
pub(super) fn print(out: &mut dyn Write, runs: &[RunReport]) -> io::Result<()> {
    let columns =
        ["feed", "file", "rows", "new", "changed", "ended", "same", "twice", "unusable", "not found"];
    let mut table = Table::new(columns);
    for run in runs {
        let counts = &run.counts;
        let [add, change, end, unchanged] =
            [counts.add, counts.change, counts.end, counts.unchanged].map(|count| if_used(run, count));
        let [rows, duplicate, reject, unmatched] =
            [counts.rows, counts.duplicate, counts.reject, counts.unmatched].map(|count| count.to_string());
        let (feed, file) = (run.feed.clone(), run.payload.clone());
        table.row(vec![feed, file, rows, add, change, end, unchanged, duplicate, reject, unmatched]);
    }
    if !runs.is_empty() {
        table.print(out)?;
    }
    for run in runs {
        beside(out, run)?;
    }
    Ok(())
}

fn beside(out: &mut dyn Write, run: &RunReport) -> io::Result<()> {
    let RunReport { feed, payload, .. } = run;
    if let Some(hold) = &run.hold {
        let rows = plural(hold.would_end, "row");
        writeln!(out, "{feed}: {payload} WAITS for your decision: {rows} would end ({})", hold.reason)?;
    }
    if let Some(why) = &run.refused {
        writeln!(out, "{feed}: {payload} is not used: {why}")?;
    }
    for line in beside_rows(run) {
        writeln!(out, "{feed}: {line}")?;
    }
    for warning in &run.warnings {
        writeln!(out, "{feed}: {} {}", warning.count, warning.message)?;
    }
    Ok(())
}

/// Of a file that waits, or that a person refused, nothing is new, changed or ended.
pub(super) fn if_used(run: &RunReport, count: u64) -> String {
    if waits(run) || run.refused.is_some() { String::new() } else { count.to_string() }
}

/// Nothing of it is used until a person has decided.
fn waits(run: &RunReport) -> bool {
    run.hold.as_ref().is_some_and(|hold| hold.reason != "school")
}

/// Rows that are not used, or not yet.
pub(super) fn unused(run: &RunReport) -> Vec<String> {
    let counts = &run.counts;
    told(&[
        (counts.reject, "row", "could not be used"),
        (
            counts.unmatched,
            "row",
            if waits(run) {
                "of a student who is not found (while the file waits, in no list of those)"
            } else {
                "of a student who was not found then: kept, and used when the roster brings them"
            },
        ),
        (counts.duplicate, "row", "twice in it"),
    ])
}

/// What a file says, or fails to say, beside its rows.
pub(super) fn beside_rows(run: &RunReport) -> Vec<String> {
    let counts = &run.counts;
    told(&[
        (
            counts.left_out,
            "value",
            "left out of rows that are used: signalbox check --feed FEED --sample FILE shows which and why",
        ),
        (
            counts.doubtful,
            "row",
            "not in it, standing on (doubtful): it may end before them, or have them in rows that could not be used",
        ),
    ])
}

fn told(lines: &[(u64, &str, &str)]) -> Vec<String> {
    let told = lines.iter().filter(|(count, ..)| *count > 0);
    told.map(|(count, one, what)| format!("{} {what}", plural(*count, one))).collect()
}
