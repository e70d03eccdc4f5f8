//! Who is chronically absent, decided from attendance alone: observations become registers, registers an
//! evaluation, and the difference between an evaluation and what was announced becomes flag changes.
//!
//! Everything here is pure: no clock, no randomness, no I/O, and integers only in every decision, so that
//! the same facts give the same answer bit for bit on every machine.
//!
//! # Layout
//! - `observation`: what a feed says about one student.
//! - `registers`: the newest word of every feed about every fact. [`Registers::apply`] may be called in any
//!   order and any number of times.
//! - `date_ranges`, `reference`: calendars, coverage and the authority of feeds.
//! - `policy`: the thresholds, with their sources.
//! - [`evaluate()`]: expected days, absences and the episodes above the line, walked in date order.
//! - [`announce()`]: the only part that depends on history: what to raise, clear or withdraw.
//! - [`reasons`]: the sentences that people read.
//!
//! # Invariants
//! - **I16, honest absence.** A day without knowledge is never counted as present: outside coverage it is not
//!   expected, and an unmapped code or a missing row of an every-day feed leaves numerator and denominator.
//! - **I17, no protected attribute.** [`Observation`] carries a feed, a revision, an enrolment or a day of
//!   attendance, and nothing else: there is no field through which race, sex, language, disability or income
//!   could enter. This crate depends on no other crate of the hub, so no wider event type can be passed in.
//! - **I19, order does not matter.** Any permutation or duplication of the same observations gives equal
//!   registers, down to their bytes, and therefore equal evaluations.

mod announce;
mod date_ranges;
mod day;
mod evaluate;
mod observation;
mod policy;
pub mod reasons;
mod reference;
mod registers;
#[cfg(test)]
mod student;

pub use announce::{
    Acknowledgement, ActError, Announced, Flag, FlagChange, FlagChangeKind, FlagState, HistoryEntry,
    HistoryKind, announce,
};
pub use date_ranges::DateRanges;
pub use evaluate::{
    Answer, Counts, Episode, Evaluation, Missing, Status, evaluate, school_days_after, unused_rows,
};
pub use observation::{Category, Enrollment, Fact, Observation, UnknownCategory};
pub use policy::{HalfDay, Policy, PolicyError, Ratio, RatioError};
pub use reference::{Calendar, CalendarError, Reference, ReferenceBuilder, ReferenceError, Rows};
pub use registers::{Applied, LiveAttendance, LiveEnrollment, Registers, RegistersError};

/// Name of the indicator and of its rule in the pack [`FEDERAL_CHRONIC_ABSENCE`].
pub const CHRONIC_ABSENCE: &str = "chronic-absence";

/// The rule pack with the federal definition of chronic absenteeism (`EDFacts` FS195).
pub const FEDERAL_CHRONIC_ABSENCE: &str = "federal-chronic-absence";
