//! `classes.csv`: in which terms a class is held.

use std::ops::ControlFlow;

use signalbox_connector::{Claims, Refusal};

use super::Roster;
use super::known::{Days, Known};
use super::rows::{claimed, deleted, status, unknown};
use crate::package::FileName;

pub(super) fn read(roster: &mut Roster<'_, '_, '_>) -> Result<ControlFlow<()>, Refusal> {
    let all_terms = roster.manifest.is_whole(FileName::AcademicSessions);
    roster.rows(
        FileName::Classes,
        |header| {
            let [id, state, terms] = header.columns(["sourcedId", "status", "termSourcedIds"])?;
            Ok((id, state, terms, header.optional(Some("schoolSourcedId"))))
        },
        |(.., school), row| Claims {
            school: school.and_then(|school| claimed(row, school)),
            ..Claims::default()
        },
        |known, (id, state, terms, _), row| {
            let is_active = status(row, *state)?.is_active();
            let id = row.id(*id)?;
            if !is_active {
                known.add_deleted(FileName::Classes, id);
                return Ok(None);
            }
            let list = row.optional(Some(*terms))?.unwrap_or_default();
            let days = days(known, list);
            // The class is there, even when its terms are not: enrolments with dates of their own don't need them.
            known.classes.insert(id.into(), days.ok().flatten());
            match days {
                Err(UnknownTerm) if all_terms => {
                    let is_deleted =
                        each(list).any(|term| known.is_deleted(FileName::AcademicSessions, term));
                    Err(if is_deleted {
                        deleted(row, *terms, list, FileName::AcademicSessions)
                    } else {
                        unknown(row, *terms, list, "a term that academicSessions.csv does not have")
                    })
                }
                _ => Ok(None),
            }
        },
    )
}

/// A term is not among the sessions.
#[derive(Debug, Clone, Copy)]
struct UnknownTerm;

fn each(terms: &str) -> impl Iterator<Item = &str> {
    terms.split(',').map(str::trim).filter(|term| !term.is_empty())
}

/// From the first day of the earliest term to the first day after the latest.
fn days(known: &Known, terms: &str) -> Result<Option<Days>, UnknownTerm> {
    let mut days: Option<Days> = None;
    for term in each(terms) {
        let (first, end) = *known.sessions.get(term).ok_or(UnknownTerm)?;
        days = Some(days.map_or((first, end), |(earliest, latest)| (earliest.min(first), latest.max(end))));
    }
    Ok(days)
}
