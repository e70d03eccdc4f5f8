//! What the hub's gate says of a sample, in words: whether it would wait, and how much of it can be used.

use signalbox_connector::words::{counted, plural};
use signalbox_ingest::FirstLoad;

use super::findings::Findings;
use super::roster::Nobody;
use crate::problem::{Report, Severity};

/// That so much cannot be used that nothing of it would be, until a person says so.
pub(super) fn would_wait(first: &FirstLoad, findings: &Findings<'_>, rows: &mut Report) {
    if !first.waits {
        return;
    }
    let counts = &first.counts;
    let unusable = counts.reject + counts.unmatched;
    let of = plural(counts.rows, "row");
    let message = format!(
        "the file would wait for you: {unusable} of {of} cannot be used, or name a student who is not found\nSo many usually mean a wrong mapping: until you approve it, nothing of it is used."
    );
    let help = if findings.roster.as_ref().is_err_and(|nobody| nobody.is_faulty_roster()) {
        "see to the roster first: as it lies there, it brings no student whom a row could be about"
    } else if counts.reject == counts.rows {
        "no row can be used, and a file like that waits every time: correct what is named here"
    } else {
        "correct what is named here; if the file is right as it is, approve it once (signalbox holds list): later ones \
         wait only if a greater share of them cannot be used"
    };
    rows.push(Severity::Warning, (None, None), "would_wait", message, help.to_owned());
}

/// Rows about whoever has the id of another person, too. Of a roster, which is looked up nowhere.
pub(super) fn two_persons(first: &FirstLoad, column: Option<u64>, rows: &mut Report) {
    if first.two_persons == 0 {
        return;
    }
    let message = format!(
        "{} a student by an id under which the file has two persons\nThey wait: nothing of them counts yet.",
        counted(first.two_persons, "row names", "rows name")
    );
    let help =
        "their birth dates differ, and every word of their names: give each of them an id of their own";
    rows.push(Severity::Warning, (None, column), "two_persons", message, help.to_owned());
}

/// A roster without anybody.
pub(super) fn names_nobody(first: &FirstLoad, rows: &mut Report) {
    if first.counts.rows > 0 {
        return;
    }
    let message = "the file names nobody: it has no row".to_owned();
    let help = "see that the export is whole: rows about students whom no roster names wait";
    rows.push(Severity::Warning, (None, None), "names_nobody", message, help.to_owned());
}

/// One sentence or two: how much can be used, and when.
pub(super) fn summary(file: &str, first: &FirstLoad, findings: &Findings<'_>) -> String {
    let counts = &first.counts;
    let usable = counts.rows.saturating_sub(counts.reject);
    let used = format!("{file}: {usable} of {} can be used", plural(counts.rows, "row"));
    let said = match (&findings.roster, counts.unmatched) {
        (Ok(_) | Err(Nobody::IsTheRoster), 0) => format!("{used}."),
        (Ok(_) | Err(Nobody::IsTheRoster), lost) => {
            format!("{used}, {lost} of them once their students are found.")
        }
        (Err(nobody), _) => format!("{used}, if their students are found: {}.", nobody.why()),
    };
    if first.waits && usable > 0 { format!("{said} Until you approve the file, none is.") } else { said }
}
