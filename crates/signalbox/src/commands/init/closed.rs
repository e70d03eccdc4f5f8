//! Days that seem to be without school.

use std::collections::BTreeSet;
use std::ops::Range;

use jiff::Span;
use jiff::civil::{Date, Weekday};

/// Fewer days with rows say nothing about those without.
const FEWEST_DAYS: usize = 10;

/// Fewer weekdays than these in a hundred have rows in no file of a whole school year, or of the months around a break.
const FEWEST_PERCENT: usize = 66;

/// So many weekdays without a row are a break, not single days.
const BREAK_DAYS: usize = 3;

/// Of weekdays outside breaks, so many in a hundred have rows where nearly every school day has some.
const FEWEST_PERCENT_BESIDE_BREAKS: usize = 90;

/// The weekdays between the first and the last of these days that are not among them, as first and last of those that
/// follow each other; none where too many are missing to be days without school.
pub(super) fn days(with_rows: &BTreeSet<Date>) -> Vec<(Date, Date)> {
    let (Some(&first), Some(&last)) = (with_rows.first(), with_rows.last()) else { return Vec::new() };
    let all = first.series(Span::new().days(1)).take_while(|day| *day <= last);
    let weekdays: Vec<Date> = all.filter(|day| is_weekday(*day)).collect();
    let runs = silent_runs(&weekdays, with_rows);
    if !is_nearly_every_day(weekdays.len(), &runs) {
        return Vec::new();
    }
    runs.into_iter().map(|run| (weekdays[run.start], weekdays[run.end - 1])).collect()
}

/// The places of weekdays without a row that follow each other.
fn silent_runs(weekdays: &[Date], with_rows: &BTreeSet<Date>) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    let silent = (0..weekdays.len()).filter(|at| !with_rows.contains(&weekdays[*at]));
    for at in silent {
        match runs.last_mut() {
            Some(run) if run.end == at => run.end += 1,
            _ => runs.push(at..at + 1),
        }
    }
    runs
}

fn is_nearly_every_day(weekdays: usize, silent: &[Range<usize>]) -> bool {
    let held = weekdays - silent.iter().map(Range::len).sum::<usize>();
    let single = silent.iter().map(Range::len).filter(|days| *days < BREAK_DAYS).sum::<usize>();
    held >= FEWEST_DAYS
        && held * 100 >= weekdays * FEWEST_PERCENT
        && held * 100 >= (held + single) * FEWEST_PERCENT_BESIDE_BREAKS
}

fn is_weekday(day: Date) -> bool {
    !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday)
}
