//! `calendars`, from the days that stand in the files.

use std::collections::BTreeSet;
use std::fmt::{self, Write};

use jiff::civil::Date;
use signalbox_connector::Entity;

use crate::commands::init::closed;
use crate::commands::init::scan::Found;

pub(super) fn calendar(out: &mut String, found: &Found) -> fmt::Result {
    out.push_str("# School days are weekdays less closed days.\n");
    let days = days(found);
    let Some(latest) = days.last().copied() else {
        out.push_str(
            "# calendars:\n#   - {schools: all, school_year: 2027, first: 2026-08-17, last: 2027-05-28,\n",
        );
        return out.write_str("#      closed: [2026-09-07, {from: 2026-12-19, to: 2027-01-03}]}\n\n");
    };
    let year = if latest.month() >= 7 { latest.year() + 1 } else { latest.year() };
    let begins = Date::constant(year - 1, 7, 1);
    let first = days.range(begins..).next().copied().unwrap_or(latest);
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
        "    closed: []               # e.g. [{}-09-06, {{from: {}-12-20, to: {year}-01-02}}]",
        year - 1,
        year - 1
    )?;
    silent(out, found, begins)?;
    out.push('\n');
    Ok(())
}

/// The days on which school is known to be held or begun; without any, those on which something happened.
fn days(found: &Found) -> BTreeSet<Date> {
    let of = |is_wanted: fn(Entity) -> bool| -> BTreeSet<Date> {
        let tables = found.tables().filter(|table| is_wanted(table.entity));
        tables.flat_map(|table| &table.days).copied().collect()
    };
    let of_school = of(|entity| entity == Entity::Attendance || entity.is_roster());
    if of_school.is_empty() { of(|_| true) } else { of_school }
}

/// Days without a row, where nearly every day has some.
fn silent(out: &mut String, found: &Found, begins: Date) -> fmt::Result {
    let tables = found.tables().filter(|table| table.entity == Entity::Attendance);
    let days: BTreeSet<Date> = tables.flat_map(|table| table.days.range(begins..)).copied().collect();
    let closed = closed::days(&days);
    if closed.is_empty() {
        return Ok(());
    }
    let written = closed
        .iter()
        .map(|(from, to)| if from == to { from.to_string() } else { format!("{{from: {from}, to: {to}}}") });
    writeln!(out, "    # No row on these weekdays: closed?")?;
    writeln!(out, "    # closed: [{}]", written.collect::<Vec<_>>().join(", "))
}
