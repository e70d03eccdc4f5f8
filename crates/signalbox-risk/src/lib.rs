//! Who is at risk: observations become registers, registers a judgement by each rule, and the difference between a judgement
//! and what was announced becomes flag changes.
//!
//! Everything here is pure: no clock, no randomness, no I/O, and integers only in every decision, so that
//! the same facts give the same answer bit for bit on every machine.
//!
//! # Layout
//! - `observation`: what a feed says about one student.
//! - `registers`: the newest word of every feed about every fact. [`Registers::apply`] may be called in any
//!   order and any number of times.
//! - `date_ranges`, `reference`: calendars, coverage and the authority of feeds.
//! - [`indicators`]: one file each: thresholds with their sources, the judgement, the sentences that people read.
//! - `rule`: an indicator with a district's settings, and for whom; `judged`: what every judgement has.
//! - [`announce()`]: the only part that depends on history: what to raise, clear or withdraw.
//!
//! # Invariants
//! - **I16, honest absence.** A day without knowledge is never counted as present: outside coverage it is not
//!   expected, and an unmapped code or a missing row of an every-day feed leaves numerator and denominator.
//! - **I17, no protected attribute.** [`Observation`] carries a feed, a revision, an enrolment, a day of
//!   attendance, a grade or an incident, and nothing else: there is no field through which race, sex, language, disability or income
//!   could enter. This crate depends on no other crate of the hub, so no wider event type can be passed in.
//! - **I19, order does not matter.** Any permutation or duplication of the same observations gives equal
//!   registers, down to their bytes, and therefore equal evaluations.

#[macro_use]
mod words;

mod announce;
mod date_ranges;
mod day;
pub mod indicators;
pub mod judged;
mod observation;
mod points;
#[cfg(test)]
mod properties;
mod ratio;
mod reasons;
mod reference;
mod registers;
mod rule;
#[cfg(test)]
mod student;

pub use announce::{
    Acknowledgement, ActError, Announced, Flag, FlagChange, FlagChangeKind, FlagState, HistoryEntry,
    HistoryKind, announce,
};
pub use date_ranges::DateRanges;
pub use indicators::{
    AbsenceRate, ChronicAbsence, ChronicAbsenceError, Counts, Episode, Evaluation, HalfDay, Judgement,
    Measured, SettingFault, Settings, evaluate, school_days_after, unused_rows,
};
pub use judged::{Answer, Judging, Missing, Status};
pub use observation::{
    Category, CourseGrade, Enrollment, Fact, GradeKind, GradeOf, Incident, IncidentCategory, Mark,
    Observation,
};
pub use points::{Points, PointsError};
pub use ratio::{Ratio, RatioError};
pub use reasons::{Evidence, Reason};
pub use reference::{
    ATTENDANCE_FEEDS_AT_MOST, Calendar, CalendarError, Reference, ReferenceBuilder, ReferenceError, Rows,
};
pub use registers::{Applied, Heard, LiveAttendance, LiveEnrollment, Registers, RegistersError};
pub use rule::{Fits, Rule, RuleError, fitting, policy_hash};

/// Name of the indicator and of its rule in the pack [`FEDERAL_CHRONIC_ABSENCE`].
pub const CHRONIC_ABSENCE: &str = "chronic-absence";

/// The rule pack with the federal definition of chronic absenteeism (`EDFacts` FS195).
pub const FEDERAL_CHRONIC_ABSENCE: &str = "federal-chronic-absence";
