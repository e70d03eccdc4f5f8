//! Calendars fit themselves and each other.

use super::Rules;
use crate::config::sections::{Calendar, Schools};

impl Rules<'_> {
    pub(in crate::config) fn calendars(&mut self, calendars: &[Calendar]) {
        for (index, calendar) in calendars.iter().enumerate() {
            self.calendar(&index.to_string(), calendar);
            let overlapping = calendars[..index]
                .iter()
                .find(|earlier| same_school(earlier, calendar) && overlap(earlier, calendar));
            if let Some(earlier) = overlapping {
                let message =
                    format!("this calendar and that of {} speak for the same days", earlier.school_year);
                let help =
                    "keep one calendar per school and school year; a school's own goes before that of all";
                self.report.error(
                    self.tree.place_of(&["calendars", &index.to_string()]),
                    "calendar_overlap",
                    message,
                    help,
                );
            }
        }
    }

    fn calendar(&mut self, index: &str, calendar: &Calendar) {
        /// Far above any school year: it catches a mistyped year.
        const LONGEST_DAYS: i32 = 731;
        let Calendar { first, last, .. } = calendar;
        let days = first.0.until(last.0).map_or(0, |span| span.get_days());
        if last < first {
            let place = self.place(&["calendars", index, "last"]);
            let message = format!("the school year ends ({}) before it begins ({})", last.0, first.0);
            self.report.error(place, "calendar_reversed", message, "mind the order of first and last");
        } else if days > LONGEST_DAYS {
            let place = self.place(&["calendars", index, "last"]);
            let message = format!("this school year lasts {days} days");
            self.report.error(place, "calendar_too_long", message, "one entry per school year");
        } else {
            self.named_by_its_spring(index, calendar);
            self.without_holidays(index, calendar, days);
            self.closed(index, calendar);
            self.open(index, calendar);
        }
    }

    /// Every school year has days without school: one that has none was not written down.
    fn without_holidays(&mut self, index: &str, calendar: &Calendar, days: i32) {
        /// A term may have none.
        const MOST_OF_A_YEAR_DAYS: i32 = 150;
        if calendar.closed.is_empty() && days > MOST_OF_A_YEAR_DAYS {
            let place = self.place(&["calendars", index, "first"]);
            let message = "no day of this school year is closed: its holidays would count as school days";
            let (fall, spring) = (calendar.first.0.year(), calendar.last.0.year());
            let help = format!("add closed, e.g. [{{from: {fall}-12-19, to: {spring}-01-03}}]");
            self.report.warning(place, "no_closed_day", message, &help);
        }
    }

    fn open(&mut self, index: &str, calendar: &Calendar) {
        for (at, open) in calendar.open.iter().enumerate() {
            if *open < calendar.first || *open > calendar.last {
                let place = self.place(&["calendars", index, "open", &at.to_string()]);
                let message = format!(
                    "{} lies outside the school year ({} to {})",
                    open.0, calendar.first.0, calendar.last.0
                );
                self.report.error(place, "open_outside", message, "mind the year, or move first or last");
            }
        }
        if calendar.weekdays.is_empty() {
            let place = self.place(&["calendars", index, "weekdays"]);
            let help = "e.g. weekdays: [mon, tue, wed, thu, fri]";
            self.report.error(place, "no_weekday", "there is school on no day of the week", help);
        }
    }

    /// A calendar that stops before the new year still belongs to the spring after it.
    fn named_by_its_spring(&mut self, index: &str, calendar: &Calendar) {
        let (year, last) = (i32::from(calendar.school_year), i32::from(calendar.last.0.year()));
        let stops_early = calendar.last.0.month() > 7;
        if year != last && !(stops_early && year == last + 1) {
            let place = self.place(&["calendars", index, "school_year"]);
            let message = format!("school_year {year} is not the year in which it ends ({last})");
            let help = format!(
                "write school_year: {last}; under another number every flag of the year is raised again"
            );
            self.report.error(place, "calendar_year", message, help);
        }
    }

    fn closed(&mut self, index: &str, calendar: &Calendar) {
        for (at, closed) in calendar.closed.iter().enumerate() {
            let place = self.place(&["calendars", index, "closed", &at.to_string()]);
            if closed.to < closed.from {
                let message = format!("the range ends ({}) before it begins ({})", closed.to, closed.from);
                self.report.error(place, "closed_reversed", message, "mind the order of from and to");
            } else if closed.to < calendar.first.0 || closed.from > calendar.last.0 {
                let message = format!(
                    "{} lies outside the school year ({} to {})",
                    closed.from, calendar.first.0, calendar.last.0
                );
                self.report.error(place, "closed_outside", message, "mind the year, or take it out");
            }
        }
    }
}

fn same_school(a: &Calendar, b: &Calendar) -> bool {
    match (&a.schools, &b.schools) {
        (Schools::All, Schools::All) => true,
        (Schools::These(a), Schools::These(b)) => a.iter().any(|school| b.contains(school)),
        _ => false,
    }
}

fn overlap(a: &Calendar, b: &Calendar) -> bool {
    a.school_year == b.school_year || (a.first <= b.last && b.first <= a.last)
}
