use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A flag was raised, cleared or withdrawn: the event's type says which.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FlagChanged {
    /// The same from the raise to whatever ends it; the student's next flag of this rule has another.
    #[schemars(extend("x-ndpa" = "None", "x-data-class" = "operational"))]
    pub flag_id: Uuid,
    /// Whom the flag is about.
    pub student: StudentRef,
    /// The indicator, e.g. `chronic-absence`.
    #[schemars(extend("x-ndpa" = "Attendance", "x-data-class" = "education_record"))]
    pub indicator: String,
    /// Why, with the numbers.
    pub reasons: Vec<Reason>,
    /// What happened, in one sentence; absent for a raise, whose `reasons` say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-ndpa" = "Attendance", "x-data-class" = "education_record"))]
    pub reason: Option<String>,
    /// What would clear the flag, in plain words; absent once it is cleared or withdrawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-ndpa" = "Attendance", "x-data-class" = "education_record"))]
    pub clears_when: Option<String>,
    /// The last covered day that was used; null when no day is covered any more.
    #[schemars(extend("x-ndpa" = "Attendance", "x-data-class" = "education_record"))]
    pub as_of: Option<Date>,
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
    /// What kind of reason it is, e.g. `ABSENCE_RATE`.
    #[schemars(extend("x-ndpa" = "Attendance", "x-data-class" = "education_record"))]
    pub code: String,
    /// The reason in one sentence.
    #[schemars(extend("x-ndpa" = "Attendance", "x-data-class" = "education_record"))]
    pub text: String,
    /// What was measured, as a fraction that was not rounded, e.g. `2/20`.
    #[schemars(extend("x-ndpa" = "Attendance", "x-data-class" = "education_record"))]
    pub value: String,
    /// How `value` stands to `threshold`, e.g. `>=`.
    #[schemars(extend("x-ndpa" = "None", "x-data-class" = "operational"))]
    pub operator: String,
    /// The line that the district's rules draw, e.g. `10%`.
    #[schemars(extend("x-ndpa" = "None", "x-data-class" = "operational"))]
    pub threshold: String,
    /// Days absent; halves possible where half days count half.
    #[schemars(extend("x-ndpa" = "Attendance", "x-data-class" = "education_record"))]
    pub absent_days: serde_json::Number,
    /// School days on which the student was enrolled and the day is known.
    #[schemars(extend("x-ndpa" = "Attendance", "x-data-class" = "education_record"))]
    pub expected_days: u32,
    /// The days absent, ascending.
    #[schemars(extend("x-ndpa" = "Attendance", "x-data-class" = "education_record"))]
    pub dates: Vec<Date>,
}
