//! `roster.student`: a student, with every id that the roster states.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Day, Role, Row, Stands, Subject, Text, owned, string};
use crate::data::{Data, Status};

/// One student, as a connector drafts it and the ledger keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StudentRow<'a> {
    #[serde(borrow)]
    pub id: Text<'a>,
    /// Further ids: (type, value).
    #[serde(borrow)]
    pub ids: Vec<(Text<'a>, Text<'a>)>,
    #[serde(borrow)]
    pub given_name: Option<Text<'a>>,
    #[serde(borrow)]
    pub family_name: Option<Text<'a>>,
    pub birth_date: Option<Day>,
}

impl StudentRow<'_> {
    pub(super) fn into_owned(self) -> StudentRow<'static> {
        StudentRow {
            id: owned(self.id),
            ids: self.ids.into_iter().map(|(kind, value)| (owned(kind), owned(value))).collect(),
            given_name: self.given_name.map(owned),
            family_name: self.family_name.map(owned),
            birth_date: self.birth_date,
        }
    }
}

impl<'a> Row<'a> for StudentRow<'a> {
    const ROLE: Role = Role::Identity;
    const KEY: &'static str = "student";

    fn stands(&self) -> Stands {
        Stands::Throughout
    }

    fn push_key(&self, to: &mut String) {
        to.push_str(&self.id);
    }

    fn data(&self, status: Status, of: Subject<'_>) -> Data {
        let id_value = |(kind, value): &(Text<'_>, Text<'_>)| IdValue {
            kind: kind.clone().into_owned(),
            value: value.clone().into_owned(),
        };
        Data::RosterStudent(Student {
            id: self.id.clone().into_owned(),
            id_system: of.id_system.to_owned(),
            ids: self.ids.iter().map(id_value).collect(),
            given_name: string(self.given_name.as_ref()),
            family_name: string(self.family_name.as_ref()),
            birth_date: self.birth_date.map(Into::into),
            status,
        })
    }
}

/// A student of the roster of record (OneRoster `user` with role student).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Student {
    /// The first id: the one the student's key is derived from (OneRoster `sourcedId`).
    #[schemars(extend("x-ndpa" = "Student Identifiers", "x-data-class" = "education_record"))]
    pub id: String,
    /// The name of the roster feed that gave the id.
    #[schemars(extend("x-ndpa" = "None", "x-data-class" = "operational"))]
    pub id_system: String,
    /// Every other id the roster states: `identifier`, each of `userIds`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<IdValue>,
    /// OneRoster `givenName`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-ndpa" = "Student Name", "x-data-class" = "directory"))]
    pub given_name: Option<String>,
    /// OneRoster `familyName`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-ndpa" = "Student Name", "x-data-class" = "directory"))]
    pub family_name: Option<String>,
    /// OneRoster `birthDate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-ndpa" = "Demographics", "x-data-class" = "education_record"))]
    pub birth_date: Option<Date>,
    /// Whether the row still stands in its source.
    #[serde(default)]
    #[schemars(extend("x-ndpa" = "None", "x-data-class" = "operational"))]
    pub status: Status,
}

/// One id of a student.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IdValue {
    /// `sourcedId`, `identifier`, or the type of a OneRoster `userIds` entry.
    #[serde(rename = "type")]
    #[schemars(extend("x-ndpa" = "None", "x-data-class" = "operational"))]
    pub kind: String,
    /// The id, as the roster writes it.
    #[schemars(extend("x-ndpa" = "Student Identifiers", "x-data-class" = "education_record"))]
    pub value: String,
}
