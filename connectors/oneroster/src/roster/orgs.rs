//! `orgs.csv`: the schools.

use std::borrow::Cow;
use std::ops::ControlFlow;

use signalbox_connector::draft::or_left_out;
use signalbox_connector::event::rows::SchoolRow;
use signalbox_connector::{Claims, Refusal};

use super::Roster;
use super::rows::{claimed, claiming, draft, invalid, status};
use crate::package::FileName;

/// The types of organisations besides `school`.
const OTHER_TYPES: [&str; 5] = ["department", "district", "local", "state", "national"];

pub(super) fn read(roster: &mut Roster<'_, '_, '_>) -> Result<ControlFlow<()>, Refusal> {
    roster.rows(
        FileName::Orgs,
        |header| {
            let [id, state, name, kind] = header.columns(["sourcedId", "status", "name", "type"])?;
            Ok((id, state, name, kind, header.optional(Some("identifier"))))
        },
        |(id, ..), row| Claims { school: claimed(row, *id), ..Claims::default() },
        |known, (id, state, name, kind, identifier), row| {
            let word = row.required(*kind)?;
            if !word.eq_ignore_ascii_case("school") {
                let is_known = word.starts_with("ext:")
                    || OTHER_TYPES.iter().any(|other| other.eq_ignore_ascii_case(word));
                let allowed = "school, or another type of organisation such as district";
                return if is_known { Ok(None) } else { Err(invalid(row, *kind, word, allowed)) };
            }
            let id = row.id(*id)?;
            let status = status(row, *state)?;
            let mut left_out = Vec::new();
            let school = SchoolRow {
                id: Cow::Borrowed(id),
                identifier: or_left_out(row.optional_id(*identifier), None, &mut left_out).map(Cow::Borrowed),
                name: or_left_out(row.optional_line(Some(*name)), None, &mut left_out),
            };
            let claims = Claims { school: Some(id.into()), ..Claims::default() };
            let left_out = claiming(left_out, &claims);
            if status.is_active() {
                known.schools.insert(id.into());
            } else {
                known.add_deleted(FileName::Orgs, id);
            }
            Ok(Some(draft(FileName::Orgs, row, status, school, left_out)))
        },
    )
}
