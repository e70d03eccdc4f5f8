use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A flag was raised, cleared or withdrawn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FlagChanged {
    #[schemars(extend("x-ndpa" = "None", "x-data-class" = "operational"))]
    pub flag_id: Uuid,
    pub student: StudentRef,
    /// The indicator, e.g. `chronic-absence`.
    #[schemars(extend("x-ndpa" = "Attendance", "x-data-class" = "education_record"))]
    pub indicator: String,
    #[schemars(extend("x-ndpa" = "Attendance", "x-data-class" = "education_record"))]
    pub reasons: Vec<Reason>,
    /// What happened, in one sentence; absent for a raise, whose `reasons` say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-ndpa" = "Attendance", "x-data-class" = "education_record"))]
    pub reason: Option<String>,
    /// In plain words; absent once the flag is cleared or withdrawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-ndpa" = "Attendance", "x-data-class" = "education_record"))]
    pub clears_when: Option<String>,
    /// The last covered day that was used.
    #[schemars(with = "Option<String>", extend("format" = "date", "x-ndpa" = "Attendance", "x-data-class" = "education_record"))]
    pub as_of: Option<Date>,
}

/// The student as the district's own tools know them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StudentRef {
    #[schemars(extend("x-ndpa" = "Student Identifiers", "x-data-class" = "education_record"))]
    pub id: String,
    #[schemars(extend("x-ndpa" = "None", "x-data-class" = "operational"))]
    pub id_system: String,
    #[schemars(extend("x-ndpa" = "Enrollment", "x-data-class" = "education_record"))]
    pub school: Option<String>,
    #[schemars(extend("x-ndpa" = "Enrollment", "x-data-class" = "education_record"))]
    pub grade: Option<String>,
}

/// Why, with the numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reason {
    /// E.g. `ABSENCE_RATE`.
    pub code: String,
    pub text: String,
    /// E.g. `2/20`.
    pub value: String,
    /// E.g. `>=`.
    pub operator: String,
    /// E.g. `10%`.
    pub threshold: String,
    /// Days absent; halves possible where half days count half.
    pub absent_days: serde_json::Number,
    pub expected_days: u32,
    #[schemars(with = "Vec<String>")]
    pub dates: Vec<Date>,
}
