//! `users.csv`, and `roles.csv` of 1.2: the students.

use std::borrow::Cow;
use std::ops::ControlFlow;

use signalbox_connector::delimited::{Column, Header, Row, is_id};
use signalbox_connector::draft::{LeftOut, RESERVED_ID_TYPES, is_reserved_id_type, or_left_out};
use signalbox_connector::event::Status;
use signalbox_connector::event::rows::{EnrollmentRow, StudentRow};
use signalbox_connector::{Claims, Draft, Refusal, Reject, RejectCode};

use super::Roster;
use super::known::Known;
use super::rows::{claimed, claiming, draft, is_student, status};
use crate::manifest::Roles;
use crate::package::FileName;

/// Learns from `roles.csv` who is a student; a primary role and any other count alike.
pub(super) fn read_roles(roster: &mut Roster<'_, '_, '_>) -> Result<ControlFlow<()>, Refusal> {
    if roster.manifest.roles == Roles::Users {
        return Ok(ControlFlow::Continue(()));
    }
    roster.rows(
        FileName::Roles,
        |header| header.columns(["status", "userSourcedId", "role"]),
        |[_, user, _], row| Claims { student: claimed(row, *user), ..Claims::default() },
        |known, [state, user, role], row| {
            if status(row, *state)?.is_active() && is_student(row, *role)? {
                known.students_by_role.insert(row.id(*user)?.into());
            }
            Ok(None)
        },
    )
}

/// Reads `users.csv`.
pub(super) fn read(roster: &mut Roster<'_, '_, '_>) -> Result<ControlFlow<()>, Refusal> {
    let roles = roster.manifest.roles;
    roster.rows(
        FileName::Users,
        |header| Columns::new(header, roles),
        Columns::claims,
        |known, columns, row| columns.take(known, row),
    )
}

/// An id's type and value.
type TypedId<'r> = (Cow<'r, str>, Cow<'r, str>);

struct Columns {
    id: Column,
    state: Column,
    given_name: Column,
    family_name: Column,
    /// `None` when `roles.csv` says it.
    role: Option<Column>,
    user_ids: Option<Column>,
    identifier: Option<Column>,
    grades: Option<Column>,
}

impl Columns {
    fn new(header: &Header, roles: Roles) -> Result<Self, Refusal> {
        let [id, state, _, given_name, family_name] =
            header.columns(["sourcedId", "status", "enabledUser", "givenName", "familyName"])?;
        let role = match roles {
            Roles::Users => {
                let [role] = header.columns(["role"])?;
                Some(role)
            }
            Roles::RolesFile => None,
        };
        let [user_ids, identifier, grades] =
            ["userIds", "identifier", "grades"].map(|name| header.optional(Some(name)));
        Ok(Self { id, state, given_name, family_name, role, user_ids, identifier, grades })
    }

    fn take<'r>(&self, known: &mut Known, row: &Row<'r>) -> Result<Option<Draft<'r>>, Reject> {
        let id = row.id(self.id)?;
        let is_student = match self.role {
            Some(role) => is_student(row, role)?,
            None => known.students_by_role.contains(id),
        };
        if !is_student {
            return Ok(None);
        }
        let status = status(row, self.state)?;
        let mut left_out = Vec::new();
        let student = self.student(row, id, &mut left_out)?;
        let grades = or_left_out(row.optional_line(self.grades), Some(EnrollmentRow::GRADE), &mut left_out);
        if status == Status::Active {
            known.add_student(id, grades.as_deref().and_then(first_grade));
        } else {
            known.add_deleted(FileName::Users, id);
        }
        let left_out = claiming(left_out, &self.claims(row));
        Ok(Some(draft(FileName::Users, row, status, student, left_out)))
    }

    fn claims<'r>(&self, row: &Row<'r>) -> Claims<'r> {
        Claims { student: claimed(row, self.id), ..Claims::default() }
    }

    fn student<'r>(
        &self,
        row: &Row<'r>,
        id: &'r str,
        left_out: &mut Vec<LeftOut>,
    ) -> Result<StudentRow<'r>, Reject> {
        Ok(StudentRow {
            id: Cow::Borrowed(id),
            ids: self.ids(row, left_out)?,
            given_name: or_left_out(row.optional_line(Some(self.given_name)), None, left_out),
            family_name: or_left_out(row.optional_line(Some(self.family_name)), None, left_out),
            birth_date: None,
        })
    }

    /// `identifier`, and each `{type:id}` of `userIds`. A `username` is no id: it changes, and is used again.
    fn ids<'r>(&self, row: &Row<'r>, left_out: &mut Vec<LeftOut>) -> Result<Vec<TypedId<'r>>, Reject> {
        let mut ids = Vec::new();
        if let Some(identifier) = or_left_out(row.optional_id(self.identifier), None, left_out) {
            ids.push((Cow::Borrowed("identifier"), Cow::Borrowed(identifier)));
        }
        let list = or_left_out(row.optional(self.user_ids), None, left_out);
        let (Some(column), Some(list)) = (self.user_ids, list) else { return Ok(ids) };
        for entry in list.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
            match typed_id(entry) {
                Some((kind, _)) if is_reserved_id_type(kind) => return Err(reserved(row, column, entry)),
                Some((kind, id)) => ids.push((Cow::Borrowed(kind), Cow::Borrowed(id))),
                None => left_out.push(LeftOut { kept: None, why: invalid_id(row, column, entry) }),
            }
        }
        Ok(ids)
    }
}

/// `{type:id}`; some exports leave the braces out.
fn typed_id(entry: &str) -> Option<(&str, &str)> {
    let inner = entry.strip_prefix('{').map_or(Some(entry), |inner| inner.strip_suffix('}'))?;
    let (kind, id) = inner.split_once(':')?;
    let (kind, id) = (kind.trim(), id.trim());
    (!kind.is_empty() && !id.is_empty() && is_id(kind) && is_id(id)).then_some((kind, id))
}

/// The first of a list; a student has one grade as a rule.
fn first_grade(list: &str) -> Option<&str> {
    list.split(',').map(str::trim).find(|grade| !grade.is_empty())
}

#[cold]
fn invalid_id(row: &Row<'_>, column: Column, entry: &str) -> Reject {
    let help = "Write \"userIds\" as OneRoster has it: {type:id}, separated by commas, such as {Local:863}";
    row.reject(column, RejectCode::InvalidId, entry, help.to_owned())
}

/// Believing it would make one student of two.
#[cold]
fn reserved(row: &Row<'_>, column: Column, entry: &str) -> Reject {
    let help = format!(
        "\"userIds\" may not name an id of type {}: these are columns of users.csv. Name the type otherwise, such as {{Local:863}}, or take it out",
        RESERVED_ID_TYPES.join(" or ")
    );
    row.reject(column, RejectCode::InvalidId, entry, help)
}
