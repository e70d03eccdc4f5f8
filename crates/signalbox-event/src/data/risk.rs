use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Mode;

/// A flag was raised, cleared or withdrawn: the event's type says which.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FlagChanged {
    /// The same from the raise to whatever ends it; the student's next flag of this rule has another.
    #[schemars(extend("x-ndpa" = "None", "x-data-class" = "operational"))]
    pub flag_id: Uuid,
    /// Whom the flag is about.
    pub student: StudentRef,
    /// The rule, e.g. `chronic-absence`.
    #[schemars(extend("x-ndpa" = "Special Indicator", "x-data-class" = "sensitive"))]
    pub rule: String,
    /// What people work on because of it: `attendance`, `course` or `behavior`.
    #[schemars(extend("x-ndpa" = "Special Indicator", "x-data-class" = "sensitive"))]
    pub domain: String,
    /// The indicator that the rule measures by, e.g. `chronic-absence`.
    #[schemars(extend("x-ndpa" = "Special Indicator", "x-data-class" = "sensitive"))]
    pub indicator: String,
    /// Why, with the numbers.
    pub reasons: Vec<Reason>,
    /// What happened, in one sentence; absent for a raise, whose `reasons` say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-ndpa" = "Special Indicator", "x-data-class" = "sensitive"))]
    pub reason: Option<String>,
    /// What would clear the flag, in plain words; absent once it is cleared or withdrawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-ndpa" = "Special Indicator", "x-data-class" = "sensitive"))]
    pub clears_when: Option<String>,
    /// The last day that was used; null when there is none any more.
    #[schemars(extend("x-ndpa" = "Special Indicator", "x-data-class" = "education_record"))]
    pub as_of: Option<Date>,
    /// How far what the flag rests on may reach: the lowest mode among its feeds. Absent in what is sent to a tool, which is
    /// always `live`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-ndpa" = "None", "x-data-class" = "operational"))]
    pub mode: Option<Mode>,
}

/// The student as the district's own tools know them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StudentRef {
    /// The student's first id in the roster of record.
    #[schemars(extend("x-ndpa" = "Student Identifiers", "x-data-class" = "education_record"))]
    pub id: String,
    /// The name of the roster feed that gave the id.
    #[schemars(extend("x-ndpa" = "None", "x-data-class" = "operational"))]
    pub id_system: String,
    /// The school's id, of the enrolment that holds on `as_of`; null when none does.
    #[schemars(extend("x-ndpa" = "Enrollment", "x-data-class" = "education_record"))]
    pub school: Option<String>,
    /// The grade, of the same enrolment; null when unknown.
    #[schemars(extend("x-ndpa" = "Enrollment", "x-data-class" = "education_record"))]
    pub grade: Option<String>,
}

/// Why, with the numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reason {
    /// What kind of reason it is: `ABSENCE_RATE`, `COURSE_GRADE`, `BEHAVIOR_COUNT`.
    #[schemars(extend("x-ndpa" = "Special Indicator", "x-data-class" = "sensitive"))]
    pub code: String,
    /// The reason in one sentence.
    #[schemars(extend("x-ndpa" = "Special Indicator", "x-data-class" = "sensitive"))]
    pub text: String,
    /// What was measured, not rounded: absent days over school days (`2/20`), a grade (`59.99`), a number of incidents.
    #[schemars(extend("x-ndpa" = "Special Indicator", "x-data-class" = "sensitive"))]
    pub value: String,
    /// How `value` stands to `threshold`, e.g. `>=`.
    #[schemars(extend("x-ndpa" = "None", "x-data-class" = "operational"))]
    pub operator: String,
    /// The line that the district's rules draw, e.g. `10%`.
    #[schemars(extend("x-ndpa" = "None", "x-data-class" = "operational"))]
    pub threshold: String,
    /// What it rests on.
    pub evidence: Vec<Evidence>,
    /// Of attendance: days absent; halves possible where half days count half.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-ndpa" = "Attendance", "x-data-class" = "education_record"))]
    pub absent_days: Option<serde_json::Number>,
    /// Of attendance: school days on which the student was enrolled and the day is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-ndpa" = "Attendance", "x-data-class" = "education_record"))]
    pub expected_days: Option<u32>,
    /// Of attendance: the days absent, ascending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-ndpa" = "Attendance", "x-data-class" = "education_record"))]
    pub dates: Option<Vec<Date>>,
}

/// One thing that a reason rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// The day of it: an absence, an incident, the entry of a grade.
    #[schemars(extend("x-ndpa" = "Special Indicator", "x-data-class" = "sensitive"))]
    pub date: Date,
    /// What it was, in a few words: `absent`, `59.99 in Q1`, `major`.
    #[schemars(extend("x-ndpa" = "Special Indicator", "x-data-class" = "sensitive"))]
    pub what: String,
    /// What its tool calls it: a class, an incident; null where the day says it.
    #[schemars(extend("x-ndpa" = "Special Indicator", "x-data-class" = "sensitive"))]
    #[serde(rename = "ref")]
    pub reference: Option<String>,
}
