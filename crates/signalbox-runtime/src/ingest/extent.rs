//! What a payload speaks for: which ledger rows it may end, and which dates it covers.

use std::collections::HashMap;

use jiff::civil::Date;
use signalbox_connector::{AbsentRows, CoveredThrough, Covers, Entity, Extent};
use signalbox_event::data::SchoolCoverage;

use super::read::ReadIn;
use super::row::Row;
use crate::calendar::Calendars;

/// The part of one entity's ledger in which a missing row means something.
#[derive(Debug)]
pub(crate) struct Judged {
    pub entity: Entity,
    pub school_year: u16,
    /// Per school the window of dates; `None`: the whole school year, every school.
    windows: Option<HashMap<String, (Date, Date)>>,
}

impl Judged {
    /// Whether the row lies inside.
    pub(crate) fn holds(&self, row: &Row<'_>) -> bool {
        let Some(windows) = &self.windows else { return true };
        let (Some(school), Some(date)) = (row.school(), row.date()) else { return false };
        windows.get(school).is_some_and(|(first, last)| *first <= date && date <= *last)
    }
}

/// The extents in which absent rows end. `ledger_year` is the latest year that the ledger holds of an entity, for a
/// payload without rows.
pub(crate) fn judged(
    read: &ReadIn,
    calendars: &Calendars,
    ledger_year: impl Fn(Entity) -> Option<u16>,
) -> Vec<Judged> {
    read.contents
        .extents
        .iter()
        .filter(|extent| extent.absent_rows != AbsentRows::Keep && extent.covers != Covers::OwnRows)
        .filter_map(|extent| {
            let school_year =
                payload_year(read, calendars, extent.entity).or_else(|| ledger_year(extent.entity))?;
            let windows = match extent.covers {
                Covers::SchoolDays(n) => Some(windows(read, calendars, n)),
                Covers::SchoolYear | Covers::OwnRows => None,
            };
            Some(Judged { entity: extent.entity, school_year, windows })
        })
        .collect()
}

/// The school year of the payload's latest row.
fn payload_year(read: &ReadIn, calendars: &Calendars, entity: Entity) -> Option<u16> {
    if entity == Entity::Attendance {
        read.latest.values().max().map(|date| calendars.school_year(*date))
    } else {
        read.payload_year
    }
}

fn windows(read: &ReadIn, calendars: &Calendars, days: u16) -> HashMap<String, (Date, Date)> {
    read.latest
        .iter()
        .map(|(school, latest)| (school.clone(), (window_start(calendars, school, *latest, days), *latest)))
        .collect()
}

fn window_start(calendars: &Calendars, school: &str, latest: Date, days: u16) -> Date {
    calendars.of(school, calendars.school_year(latest)).map_or(latest, |year| year.window_start(latest, days))
}

/// The dates that the payload covers, per school: its extent, ending at the school's latest readable row (or the run's
/// day where so declared) and never after the run's local day.
pub(crate) fn coverage(read: &ReadIn, calendars: &Calendars, run_day: Date) -> Vec<SchoolCoverage> {
    let Some(extent) = read.contents.extents.iter().find(|extent| extent.entity == Entity::Attendance) else {
        return Vec::new();
    };
    let mut covered: Vec<_> = read
        .latest
        .iter()
        .filter_map(|(school, latest)| school_coverage(extent, calendars, school, *latest, run_day))
        .collect();
    covered.sort_by(|a, b| a.school.cmp(&b.school));
    covered
}

fn school_coverage(
    extent: &Extent,
    calendars: &Calendars,
    school: &str,
    latest: Date,
    run_day: Date,
) -> Option<SchoolCoverage> {
    let calendar = calendars.of(school, calendars.school_year(latest));
    let first = match extent.covers {
        Covers::OwnRows => return None,
        Covers::SchoolYear => calendar?.first,
        Covers::SchoolDays(n) => window_start(calendars, school, latest, n),
    };
    let last = match extent.covered_through {
        CoveredThrough::LatestRow => latest,
        CoveredThrough::RunDay => calendar.map_or(run_day, |calendar| calendar.last.min(run_day)),
        CoveredThrough::DayBeforeRun => {
            calendar.map_or(run_day, |calendar| calendar.last.min(run_day)).yesterday().unwrap_or(run_day)
        }
    }
    .min(run_day);
    (first <= last).then(|| SchoolCoverage { school: school.to_owned(), first, last, doubtful: Vec::new() })
}
