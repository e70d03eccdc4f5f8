//! `academicSessions.csv`: from when to when a term lasts.

use std::ops::ControlFlow;

use signalbox_connector::delimited::DateFormat;
use signalbox_connector::{Claims, Refusal, RejectCode};

use super::Roster;
use super::rows::status;
use crate::package::FileName;

pub(super) fn read(roster: &mut Roster<'_, '_, '_>) -> Result<ControlFlow<()>, Refusal> {
    roster.rows(
        FileName::AcademicSessions,
        |header| header.columns(["sourcedId", "status", "startDate", "endDate"]),
        |_, _| Claims::default(),
        |known, [id, state, first, end], row| {
            let is_active = status(row, *state)?.is_active();
            let id = row.id(*id)?;
            if !is_active {
                known.add_deleted(FileName::AcademicSessions, id);
                return Ok(None);
            }
            let days = (row.date(*first, &DateFormat::ISO)?, row.date(*end, &DateFormat::ISO)?);
            if days.1 < days.0 {
                let help = "\"endDate\" lies before \"startDate\": mend one of them in the source".to_owned();
                return Err(row.reject(*end, RejectCode::InvalidRange, row.text(*end)?, help));
            }
            known.sessions.insert(id.into(), days);
            Ok(None)
        },
    )
}
