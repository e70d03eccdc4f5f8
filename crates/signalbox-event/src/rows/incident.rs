//! `behavior.incident`: a student's part in a discipline incident.

use std::borrow::Cow;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Body, Cells, Column, Day, Holds, Lacks, Role, Row, Stands, Subject, Text, owned, push_part};
use crate::data::{Data, Status};

/// One student's part in one incident, as a connector drafts it and the ledger keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IncidentRow<'a> {
    #[serde(borrow)]
    pub incident: Text<'a>,
    /// The school's first id; blank where the row's school cannot be used.
    #[serde(borrow)]
    pub school: Text<'a>,
    /// `None`: on which day it was is not known.
    pub date: Option<Day>,
    pub category: IncidentCategory,
}

impl IncidentRow<'_> {
    pub(super) fn into_owned(self) -> IncidentRow<'static> {
        let Self { incident, school, date, category } = self;
        IncidentRow { incident: owned(incident), school: owned(school), date, category }
    }
}

impl<'a> Row<'a> for IncidentRow<'a> {
    const ROLE: Role = Role::Fact;
    const KEY: &'static str = "incident, student";
    const COLUMNS: &'static [Column] = &[
        Column::key("incident", Holds::Id, "The incident, as the tool numbers it"),
        Column::key("student", Holds::Student, "The student"),
        Column::required("school", Holds::School, "The school"),
        Column::required("date", Holds::Day, "The day on which it was"),
        Column::required("category", Holds::Word(IncidentCategory::WORDS), "How grave it was"),
    ];
    const WHILE_DISPUTED: &'static str = "That incident counts as one of which nothing is known until the source says one \
                                          thing.";

    fn of_cells([incident, _, _, date, category, ..]: &mut Cells<'a>, say: &mut dyn FnMut(Body<'a>)) {
        let Some(incident) = incident.text() else { return };
        let category = category.word(IncidentCategory::MAPPABLE).unwrap_or(IncidentCategory::Unknown);
        let date = date.date().map(Day::from);
        say(Self { incident, school: Cow::default(), date, category }.into());
    }

    fn stands(&self) -> Stands {
        self.date.map_or(Stands::Throughout, |date| Stands::At(date.into()))
    }

    fn school(&self) -> Option<&str> {
        Some(&self.school)
    }

    fn set_school(&mut self, first_id: Cow<'a, str>) {
        self.school = first_id;
    }

    fn push_key(&self, to: &mut String) {
        push_part(to, &self.incident);
    }

    /// The same incident, nothing known of when and how grave it was.
    fn disputed(self) -> Option<Self> {
        Some(Self { date: None, category: IncidentCategory::Unknown, ..self })
    }

    const MAY_LACK: bool = true;

    /// The day that is known, where none can be read, or one that has not come.
    fn complete(&mut self, before: Self, lacks: Lacks) -> bool {
        let is_slip = self.date.is_none() || lacks.is_ahead && before.date < self.date;
        let completes = before.date.is_some() && is_slip;
        if completes {
            self.date = before.date;
        }
        completes
    }

    fn data(&self, status: Status, _: Subject<'_>) -> Data {
        Data::BehaviorIncident(Incident {
            incident: self.incident.clone().into_owned(),
            school: (!self.school.is_empty()).then(|| self.school.clone().into_owned()),
            date: self.date.map(Into::into),
            category: self.category,
            status,
        })
    }
}

words! {
    /// How grave an incident was, and what followed (PBIS: office discipline referrals, minor and major).
    pub enum IncidentCategory {
        /// Dealt with in the classroom.
        Minor = "minor",
        /// Referred to the office.
        Major = "major",
        /// Suspended, in school.
        SuspensionIn = "suspension_in",
        /// Suspended, out of school.
        SuspensionOut = "suspension_out",
    }
    beside {
        /// A code that nobody mapped, or rows that disagree.
        Unknown = "unknown",
    }
}

/// A student's part in a discipline incident (Ed-Fi `studentDisciplineIncidentBehaviorAssociation`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Incident {
    /// The incident, as the tool numbers it (Ed-Fi `incidentIdentifier`).
    #[schemars(extend("x-ndpa" = "Conduct", "x-data-class" = "sensitive"))]
    pub incident: String,
    /// The school's id in the roster of record. Absent where the row's school could not be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-ndpa" = "Enrollment", "x-data-class" = "education_record"))]
    pub school: Option<String>,
    /// The civil date in the district's zone (Ed-Fi `incidentDate`). Absent where it could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-ndpa" = "Conduct", "x-data-class" = "sensitive"))]
    pub date: Option<Date>,
    /// How grave it was, in the hub's words.
    #[schemars(extend("x-ndpa" = "Conduct", "x-data-class" = "sensitive"))]
    pub category: IncidentCategory,
    /// Whether the row still stands in its source.
    #[serde(default)]
    #[schemars(extend("x-ndpa" = "None", "x-data-class" = "operational"))]
    pub status: Status,
}
