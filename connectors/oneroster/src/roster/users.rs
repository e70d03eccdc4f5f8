//! `users.csv`, and `roles.csv` of 1.2: the students.

use std::borrow::Cow;
use std::ops::ControlFlow;

use signalbox_connector::delimited::{Column, Header, Row};
use signalbox_connector::event::Status;
use signalbox_connector::{Draft, Record, Refusal, Reject, RejectCode};

use super::Roster;
use super::known::Known;
use super::rows::{draft, is_student, status};
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
        let record = self.student(row, id)?;
        let grades = row.optional(self.grades)?;
        if status == Status::Active {
            known.add_student(id, grades.and_then(first_grade));
        }
        Ok(Some(draft(FileName::Users, row, status, record)))
    }

    fn student<'r>(&self, row: &Row<'r>, id: &'r str) -> Result<Record<'r>, Reject> {
        Ok(Record::Student {
            id: Cow::Borrowed(id),
            ids: self.ids(row)?,
            given_name: row.optional(Some(self.given_name))?.map(Cow::Borrowed),
            family_name: row.optional(Some(self.family_name))?.map(Cow::Borrowed),
            birth_date: None,
        })
    }

    /// `identifier`, and each `{type:id}` of `userIds`. A `username` is no id: it changes, and is used again.
    fn ids<'r>(&self, row: &Row<'r>) -> Result<Vec<TypedId<'r>>, Reject> {
        let mut ids = Vec::new();
        if let Some(identifier) = row.optional(self.identifier)? {
            ids.push((Cow::Borrowed("identifier"), Cow::Borrowed(identifier)));
        }
        if let (Some(column), Some(list)) = (self.user_ids, row.optional(self.user_ids)?) {
            for entry in list.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
                let (kind, id) = typed_id(entry).ok_or_else(|| invalid_ids(row, column, list))?;
                ids.push((Cow::Borrowed(kind), Cow::Borrowed(id)));
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
    (!kind.is_empty() && !id.is_empty()).then_some((kind, id))
}

/// The first of a list; a student has one grade as a rule.
fn first_grade(list: &str) -> Option<&str> {
    list.split(',').map(str::trim).find(|grade| !grade.is_empty())
}

#[cold]
fn invalid_ids(row: &Row<'_>, column: Column, list: &str) -> Reject {
    let help = "Write \"userIds\" as OneRoster has it: {type:id}, separated by commas, such as {Local:863}";
    row.reject(column, RejectCode::InvalidId, list, help.to_owned())
}
