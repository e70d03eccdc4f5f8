//! `academicSessions.csv`: from when to when a term lasts.

use std::ops::ControlFlow;

use signalbox_connector::delimited::DateFormat;
use signalbox_connector::{Refusal, RejectCode};

use super::Roster;
use super::rows::status;
use crate::package::FileName;

pub(super) fn read(roster: &mut Roster<'_, '_, '_>) -> Result<ControlFlow<()>, Refusal> {
    roster.rows(
        FileName::AcademicSessions,
        |header| header.columns(["sourcedId", "status", "startDate", "endDate"]),
        |known, [id, state, first, last], row| {
            if !status(row, *state)?.is_active() {
                return Ok(None);
            }
            let id = row.id(*id)?;
            let days = (row.date(*first, &DateFormat::ISO)?, row.date(*last, &DateFormat::ISO)?);
            if days.1 < days.0 {
                let help = "\"endDate\" lies before \"startDate\": mend one of them in the source".to_owned();
                return Err(row.reject(*last, RejectCode::InvalidRange, row.text(*last)?, help));
            }
            known.sessions.insert(id.into(), days);
            Ok(None)
        },
    )
}
