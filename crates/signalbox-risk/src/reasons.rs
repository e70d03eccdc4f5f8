//! Why a flag stands, for people and for programs.

use jiff::civil::Date;

use crate::indicators::Counts;

/// Why a flag of a year that is over ended.
pub(crate) const YEAR_OVER: &str = "The school year is over.";
/// Why one of a year that the calendars do not reach ended.
pub(crate) const YEAR_TO_COME: &str =
    "The school year has not begun, by the calendars that are configured now.";
/// Why one of a rule that is none of the student's any more came off.
pub(crate) const NO_LONGER_FITS: &str = "The rule is no longer one for this student.";

/// Why a flag stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// Of its kind, e.g. `ABSENCE_RATE`.
    pub code: &'static str,
    /// `Absent 2 of 20 school days (10.0 %); the line is 10 %.`
    pub text: String,
    /// What was measured, not rounded: `2/20`, `59.99`.
    pub value: String,
    /// How the value is compared to the threshold.
    pub operator: &'static str,
    /// `10%`, `60`
    pub threshold: String,
    pub evidence: Vec<Evidence>,
    /// Of attendance only.
    pub counts: Option<Counts>,
}

/// One thing that a reason rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    pub date: Date,
    /// What it was, in a word or two.
    pub what: String,
    /// What its tool calls it: a class, an incident; `None`: the day itself.
    pub reference: Option<String>,
}
