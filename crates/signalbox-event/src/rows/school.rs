//! `reference.school`: a school.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Role, Row, Stands, Subject, Text, owned, string};
use crate::data::{Data, Status};

/// One school, as a connector drafts it and the ledger keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SchoolRow<'a> {
    #[serde(borrow)]
    pub id: Text<'a>,
    #[serde(borrow)]
    pub identifier: Option<Text<'a>>,
    #[serde(borrow)]
    pub name: Option<Text<'a>>,
}

impl SchoolRow<'_> {
    pub(super) fn into_owned(self) -> SchoolRow<'static> {
        let Self { id, identifier, name } = self;
        SchoolRow { id: owned(id), identifier: identifier.map(owned), name: name.map(owned) }
    }
}

impl<'a> Row<'a> for SchoolRow<'a> {
    const ROLE: Role = Role::Identity;
    const KEY: &'static str = "school";

    fn stands(&self) -> Stands {
        Stands::Throughout
    }

    fn school(&self) -> Option<&str> {
        Some(&self.id)
    }

    fn push_key(&self, to: &mut String) {
        to.push_str(&self.id);
    }

    fn data(&self, status: Status, _: Subject<'_>) -> Data {
        Data::ReferenceSchool(School {
            id: self.id.clone().into_owned(),
            identifier: string(self.identifier.as_ref()),
            name: string(self.name.as_ref()),
            status,
        })
    }
}

/// A school of the roster of record (OneRoster `org` of type school).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct School {
    /// OneRoster `sourcedId`: what events call `school`.
    #[schemars(extend("x-ndpa" = "None", "x-data-class" = "operational"))]
    pub id: String,
    /// OneRoster `identifier`, e.g. the state's number of the school.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-ndpa" = "None", "x-data-class" = "operational"))]
    pub identifier: Option<String>,
    /// The school's name as people know it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-ndpa" = "None", "x-data-class" = "operational"))]
    pub name: Option<String>,
    /// Whether the row still stands in its source.
    #[serde(default)]
    #[schemars(extend("x-ndpa" = "None", "x-data-class" = "operational"))]
    pub status: Status,
}
