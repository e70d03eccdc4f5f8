use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Status;

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

/// A student's enrolment at a school (Ed-Fi `studentSchoolAssociation`; OneRoster `enrollment` rows of a school).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Enrollment {
    /// The row's own key inside its feed: a OneRoster `sourcedId`, or school and entry date.
    #[schemars(extend("x-ndpa" = "Enrollment", "x-data-class" = "education_record"))]
    pub enrollment_id: String,
    /// The student's first id in the roster of record.
    #[schemars(extend("x-ndpa" = "Student Identifiers", "x-data-class" = "education_record"))]
    pub student_id: String,
    /// The name of the roster feed that gave the student's id.
    #[schemars(extend("x-ndpa" = "None", "x-data-class" = "operational"))]
    pub id_system: String,
    /// The school's id in the roster of record.
    #[schemars(extend("x-ndpa" = "Enrollment", "x-data-class" = "education_record"))]
    pub school: String,
    /// First day enrolled.
    #[schemars(extend("x-ndpa" = "Enrollment", "x-data-class" = "education_record"))]
    pub entry_date: Date,
    /// Last day enrolled, itself included; absent while enrolled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-ndpa" = "Enrollment", "x-data-class" = "education_record"))]
    pub exit_date: Option<Date>,
    /// The grade as the source writes it, e.g. `09` (OneRoster `grades`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-ndpa" = "Enrollment", "x-data-class" = "education_record"))]
    pub grade: Option<String>,
    /// Whether the row still stands in its source.
    #[serde(default)]
    #[schemars(extend("x-ndpa" = "None", "x-data-class" = "operational"))]
    pub status: Status,
}
