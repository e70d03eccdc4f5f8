//! The newest word of every feed about every fact of one student in one school year.

mod course_grades;
pub(crate) mod days;
mod digest;
mod facts;
mod incidents;
#[cfg(test)]
mod tests;

use jiff::civil::Date;
use serde::Serialize;

use self::course_grades::CourseGrades;
pub(crate) use self::course_grades::LiveCourseGrade;
use self::days::Days;
pub use self::days::{LiveAttendance, LiveEnrollment};
use self::digest::{Digest, Digested, Live as _};
use self::incidents::Incidents;
pub(crate) use self::incidents::LiveIncident;
use crate::observation::{Enrollment, Fact, Observation};

/// What an observation did to the registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// A live fact appeared, changed or ended: evaluate.
    Changed,
    /// The registers changed, no live fact did (a newer revision of the same value, or the end of a row that
    /// was never live): store, no need to evaluate.
    Noted,
    /// Nothing changed: the register already knew this revision or a newer one.
    Ignored,
}

impl Applied {
    fn by<T: PartialEq>(before: Option<&T>, after: Option<&T>) -> Applied {
        if before == after { Applied::Noted } else { Applied::Changed }
    }
}

/// What is heard of a feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    All,
    /// That it said something; what it said is not known any more.
    Unknown,
    Nothing,
}

/// The stored form was not written by this crate, or was damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("registers are damaged: {0}")]
pub struct RegistersError(pub(crate) &'static str);

macro_rules! registers {
    ($($(#[$doc:meta])* $name:ident: $register:ty = $tag:literal of $($fact:ident)|+;)*) => {
        /// All registers of ONE student in ONE school year.
        ///
        /// A register is (feed, natural key) -> (revision, value or ended). Ended registers stay, because they carry
        /// the revision that older news is measured against. Registers that have seen the same observations are equal and
        /// serialise to the same bytes, whatever the order (I19).
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        pub struct Registers { $($(#[$doc])* pub(crate) $name: Digested<$register>,)* }

        impl Registers {
            /// The tags of the sections that it is stored in.
            pub const TAGS: &'static [u8] = &[$($tag,)*];

            /// The tag of the section that a fact belongs to.
            pub const fn tag_of(fact: &Fact<'_>) -> u8 {
                match fact {
                    $($(Fact::$fact { .. })|+ => $tag,)*
                }
            }

            /// Appends the section with this tag to `bytes` and answers the digest of its live facts: equal for equal facts,
            /// however often rows came and went. `None`: there is none with this tag, or it holds nothing.
            pub fn write_section(&self, tag: u8, bytes: &mut Vec<u8>) -> Option<u128> {
                match tag {
                    $($tag if self.$name.facts != <$register>::default() => {
                        append(bytes, &self.$name.facts);
                        Some(self.$name.digest.into())
                    })*
                    _ => None,
                }
            }

            /// Takes in a section that [`write_section`](Self::write_section) wrote, with the digest that it answered. `false`:
            /// there is none with this tag.
            ///
            /// # Errors
            /// When the bytes are none that this crate writes.
            pub fn take_section(
                &mut self,
                tag: u8,
                digest: u128,
                bytes: &[u8],
            ) -> Result<bool, RegistersError> {
                match tag {
                    $($tag => {
                        let read: Result<$register, _> = postcard::from_bytes(bytes);
                        // Nothing is written of a register that holds nothing.
                        let facts = read.ok().filter(|facts| *facts != <$register>::default());
                        let facts = facts.ok_or(RegistersError(stringify!($name)))?;
                        self.$name = Digested { facts, digest: digest.into() };
                    })*
                    _ => return Ok(false),
                }
                Ok(true)
            }

            /// What is heard of the feeds: to be judged, not to be stored, so it has no digest.
            #[must_use]
            pub fn heard(&self, of: &dyn Fn(&str) -> Heard) -> Registers {
                Registers { $($name: Digested { facts: self.$name.facts.heard(of), digest: Digest::default() },)* }
            }

            /// The same facts, whose digests are made of them once more.
            #[cfg(test)]
            pub(crate) fn added_up_again(&self) -> Registers {
                Registers { $($name: Digested::of(self.$name.facts.clone()),)* }
            }

            /// Appends the canonical bytes of the LIVE facts, in a fixed order and without ambiguity: no revisions, no ended
            /// registers. Equal facts give equal bytes, however often rows came and went.
            pub fn digest_into(&self, known: &mut Vec<u8>) {
                $(self.$name.facts.each_live(&mut |fact| known.extend_from_slice(fact));)*
            }
        }
    };
}

registers! {
    /// Enrolments and days of attendance.
    days: Days = 16 of Enrollment | Attendance;
    course_grades: CourseGrades = 17 of CourseGrade;
    incidents: Incidents = 18 of Incident;
}

impl Registers {
    /// Takes one observation. Commutative and idempotent: the higher revision wins, and of two contents of
    /// equal revision the greater (an ended row is the least), so any order and any repetition of the same
    /// observations ends in the same registers.
    pub fn apply(&mut self, observation: &Observation<'_>) -> Applied {
        let Observation { feed, revision, fact } = *observation;
        match fact {
            Fact::Attendance { school, date, value } => {
                let Digested { facts, digest } = &mut self.days;
                facts.attend(digest, feed, revision, (school, date), value)
            }
            Fact::Enrollment { key, value } => {
                let Digested { facts, digest } = &mut self.days;
                facts.enroll(digest, feed, revision, key, value)
            }
            Fact::CourseGrade { of, value } => {
                let Digested { facts, digest } = &mut self.course_grades;
                facts.apply(digest, feed, revision, of, value)
            }
            Fact::Incident { incident, value } => {
                let Digested { facts, digest } = &mut self.incidents;
                facts.apply(digest, feed, revision, incident, value)
            }
        }
    }

    /// Live enrolments in the order (feed, key).
    pub fn live_enrollments(&self) -> impl Iterator<Item = LiveEnrollment<'_>> {
        self.days.live_enrollments()
    }

    /// Live attendance in the order (school, date, feed).
    pub fn live_attendance(&self) -> impl Iterator<Item = LiveAttendance<'_>> {
        self.days.live_attendance()
    }

    /// The enrolment that says where the student is on `date`: one that covers it, else the last that ended,
    /// else the first to come. Of several, the latest entry. Of several feeds that speak of one school the first in authority is
    /// heard (the least `rank`; none: not at all); a grade level that it does not have is taken from the next.
    pub fn enrollment_on(&self, date: Date, rank: impl Fn(&str) -> Option<usize>) -> Option<Enrollment<'_>> {
        self.days.enrollment_on(date, rank)
    }

    /// All enrolments that cover `date`; without one what [`enrollment_on`](Self::enrollment_on) answers.
    pub fn enrollments_on(&self, date: Date, rank: impl Fn(&str) -> Option<usize>) -> Vec<Enrollment<'_>> {
        self.days.enrollments_on(date, rank)
    }

    /// The next day after `date` on which an enrolment begins, or is over.
    pub fn moves_after(&self, date: Date) -> Option<Date> {
        let terms = self.live_enrollments().map(|live| live.enrollment);
        let over = |exit: Date| exit.tomorrow().ok();
        let days = terms.flat_map(|term| [Some(term.entry), term.exit.and_then(over)]);
        days.flatten().filter(|day| *day > date).min()
    }
}

fn append(bytes: &mut Vec<u8>, value: &impl Serialize) {
    let longer = postcard::to_extend(value, std::mem::take(bytes));
    *bytes = longer.expect("a buffer that grows takes any value");
}
