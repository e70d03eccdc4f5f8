//! What the rows of all files have in common.

use std::borrow::Cow;
use std::ops::ControlFlow;

use signalbox_connector::delimited::{Column, Header, Row};
use signalbox_connector::draft::LeftOut;
use signalbox_connector::event::{Body, Status};
use signalbox_connector::{Claims, Draft, Item, Refusal, Reject, RejectCode};

use super::Roster;
use crate::manifest::Mode;
use crate::package::FileName;

/// The most rows of a file whose keys are kept in memory; the largest district has about a million students.
const MAX_KEPT_ROWS: usize = 3_000_000;

/// The roles of users and enrolments in 1.1 and 1.2, besides `student`.
const OTHER_ROLES: [&str; 13] = [
    "administrator",
    "aide",
    "counselor",
    "districtAdministrator",
    "guardian",
    "parent",
    "principal",
    "proctor",
    "relative",
    "siteAdministrator",
    "sysAdmin",
    "systemAdministrator",
    "teacher",
];

impl Roster<'_, '_, '_> {
    /// Reads a file, if the package has it. `find` looks its columns up; `take` learns from a row, and makes a draft
    /// of it when it is about something that the hub keeps; `claims` says whom a row speaks of that cannot be used.
    pub(super) fn rows<C>(
        &mut self,
        file: FileName,
        find: impl FnOnce(&Header) -> Result<C, Refusal>,
        claims: impl for<'r> Fn(&C, &Row<'r>) -> Claims<'r>,
        mut take: impl for<'r> FnMut(&mut super::Known, &C, &Row<'r>) -> Result<Option<Draft<'r>>, Reject>,
    ) -> Result<ControlFlow<()>, Refusal> {
        if self.manifest.mode(file) == Mode::Absent {
            return Ok(ControlFlow::Continue(()));
        }
        let (known, emit) = (&mut self.known, &mut *self.emit);
        let mut count = 0;
        let flow = self.package.read(file, self.format, |reader| {
            let columns = find(reader.header())?;
            reader.rows(|row| {
                count += 1;
                if count > MAX_KEPT_ROWS && file != FileName::Enrollments {
                    return ControlFlow::Break(());
                }
                let taken = match row {
                    Ok(row) => {
                        take(known, &columns, &row).map_err(|reject| reject.claiming(claims(&columns, &row)))
                    }
                    Err(misread) => Err(misread.claiming(|parts| claims(&columns, parts))),
                };
                match taken {
                    Ok(Some(draft)) => emit(Item::Draft(draft)),
                    Ok(None) => ControlFlow::Continue(()),
                    Err(reject) => emit(Item::Reject(reject)),
                }
            })
        })?;
        if count > MAX_KEPT_ROWS && file != FileName::Enrollments {
            return Err(too_many(file));
        }
        Ok(flow)
    }
}

/// The row as a draft, with what could not be read of it.
pub(super) fn draft<'r>(
    file: FileName,
    row: &Row<'r>,
    status: Status,
    body: impl Into<Body<'r>>,
    left_out: Vec<LeftOut>,
) -> Draft<'r> {
    let (file, body) = (Some(file.as_str()), body.into());
    Draft { file, row: row.line(), status, claims: Claims::default(), body, fault: None, left_out }
}

/// An id that can be read, for claims.
pub(super) fn claimed<'r>(row: &Row<'r>, column: Column) -> Option<Cow<'r, str>> {
    row.id(column).ok().map(Cow::Borrowed)
}

/// What could not be read, each with whom its row speaks of.
pub(super) fn claiming(left_out: Vec<LeftOut>, claims: &Claims<'_>) -> Vec<LeftOut> {
    left_out.into_iter().map(|one| LeftOut { why: one.why.claiming(claims.clone()), ..one }).collect()
}

/// `status`: blank in a bulk file, `active` or `tobedeleted` in a delta.
pub(super) fn status(row: &Row<'_>, column: Column) -> Result<Status, Reject> {
    match row.optional(Some(column))? {
        None => Ok(Status::Active),
        Some(word) if word.eq_ignore_ascii_case("active") => Ok(Status::Active),
        Some(word) if word.eq_ignore_ascii_case("tobedeleted") => Ok(Status::ToBeDeleted),
        Some(word) => Err(invalid(row, column, word, "active, tobedeleted, or blank in a bulk file")),
    }
}

/// Whether `role` is student.
pub(super) fn is_student(row: &Row<'_>, column: Column) -> Result<bool, Reject> {
    let role = row.required(column)?;
    if role.eq_ignore_ascii_case("student") {
        return Ok(true);
    }
    if role.starts_with("ext:") || OTHER_ROLES.iter().any(|other| other.eq_ignore_ascii_case(role)) {
        return Ok(false);
    }
    Err(invalid(row, column, role, "a role of OneRoster, such as student or teacher, or ext:…"))
}

/// The reject for a word that the standard does not have.
#[cold]
pub(super) fn invalid(row: &Row<'_>, column: Column, word: &str, allowed: &str) -> Reject {
    let help = format!("Write \"{}\" as OneRoster has it: {allowed}", row.name(column));
    row.reject(column, RejectCode::InvalidEnum, word, help)
}

/// The reject for a row that points to one that is not there.
#[cold]
pub(super) fn unknown(row: &Row<'_>, column: Column, id: &str, what: &str) -> Reject {
    let help = format!(
        "\"{}\" names {what}: export all files at the same time, or mend it in the source",
        row.name(column)
    );
    row.reject(column, RejectCode::UnknownReference, id, help)
}

/// The reject for a row that points to one that is marked `tobedeleted`.
#[cold]
pub(super) fn deleted(row: &Row<'_>, column: Column, id: &str, file: FileName) -> Reject {
    let help = format!(
        "\"{}\" names a row that {} marks tobedeleted: mark this one tobedeleted, too, or take the mark from that one",
        row.name(column),
        file.as_str()
    );
    row.reject(column, RejectCode::DeletedReference, id, help)
}

fn too_many(file: FileName) -> Refusal {
    Refusal {
        code: RejectCode::TooLarge,
        file: Some(file.as_str().to_owned()),
        column: None,
        message: format!("more than {MAX_KEPT_ROWS} rows"),
        help: "Export less at a time, e.g. one district".to_owned(),
    }
}
