//! From the configuration to what the runtime works with.

use signalbox_runtime::calendar::{CalendarSpec, Calendars};

use crate::config::Config;
use crate::config::sections::Schools;

/// The school years and days that the district declared.
pub(crate) fn calendars(config: &Config) -> Calendars {
    let specs: Vec<CalendarSpec> = config
        .calendars
        .iter()
        .map(|calendar| CalendarSpec {
            schools: match &calendar.schools {
                Schools::All => None,
                Schools::These(ids) => Some(ids.clone()),
            },
            school_year: calendar.school_year,
            first: calendar.first.0,
            last: calendar.last.0,
            closed: calendar.closed.iter().map(|closed| (closed.from, closed.to)).collect(),
        })
        .collect();
    Calendars::new(&specs)
}
