//! What must hold after each night: reckoned from the rows of the dropped files and from which files the hub says that
//! it used, with none of our code.
//!
//! For every student and day the oracle keeps the answers that are right: absent, present, unknown, or several of them
//! where the contract leaves room. A file that was used says what its readable rows say; what it does not say has ended
//! unless a row that nobody could use may be the one that is missing.
//!
//! # Where it is weaker than the contract
//! - A row in doubt stands on, or is unknown; both are right. That one is not present whose row could not be used, in the
//!   first such file: in the next the row may be one that is never found, which must not hide its day for ever.
//! - Two files in a row with different rows in doubt: what is missing in the second may have ended, since only doubt that
//!   is new keeps it ("no more such rows than before" is counted by the hub and not here). See [`Doubt::is_old`].
//! - The latest day of a school is known only roughly where its last rows cannot be used ([`Span`]).
//! - An enrolment whose row is in doubt, twice in a row, may stand or have ended.

mod attendance;
mod doubt;
mod roster;
mod walk;

use super::district::{LAST_NIGHT, SCHOOLS, Student, Truth};
use super::export::Export;
use doubt::Doubt;
pub(super) use walk::is_open;

/// Right answers for one day, as bits.
pub(super) type Right = u8;
pub(super) const ABSENT: Right = 1;
pub(super) const PRESENT: Right = 2;
pub(super) const UNKNOWN: Right = 4;

/// The first and the last day that a day can be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) low: usize,
    pub(super) high: usize,
}

/// First and last school day of an enrolment.
pub(super) type Window = (usize, Option<usize>);

/// What became of a night's file.
#[derive(Debug, Clone, Default)]
pub(super) struct Outcome {
    pub(super) used: bool,
    /// Schools whose ends wait.
    pub(super) held_schools: Vec<usize>,
    /// Rows that are missing and stand on.
    pub(super) doubtful: u64,
}

#[derive(Debug, Default)]
pub(super) struct Oracle {
    /// By student: right answers for the days from 1.
    days: Vec<[Right; LAST_NIGHT + 1]>,
    /// By student: right enrolments; none while the roster has not named the student.
    windows: Vec<Vec<Window>>,
    schools: Vec<usize>,
    /// By school: through which day it is covered.
    covered: [Span; SCHOOLS.len()],
    roster_doubt: Doubt,
    attendance_doubt: Doubt,
}

/// What the hub answered about a student.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) absent: usize,
    pub(super) known: usize,
    pub(super) unknown: usize,
}

impl Oracle {
    /// A roster file was dropped on this night.
    pub(super) fn roster(&mut self, truth: &Truth, file: &Export, outcome: &Outcome) {
        self.meet(&truth.students);
        if outcome.used {
            self.read_roster(file, outcome, truth.through);
        }
    }

    /// An attendance file was dropped on this night, after the roster.
    pub(super) fn attendance(&mut self, truth: &Truth, file: &Export, outcome: &Outcome) {
        // A header alone says nothing.
        if outcome.used && !file.lines.is_empty() {
            self.read_attendance(file, outcome, truth.through);
        }
    }

    fn meet(&mut self, students: &[Student]) {
        self.days.resize(students.len(), [0; LAST_NIGHT + 1]);
        self.windows.resize(students.len(), Vec::new());
        self.schools = students.iter().map(|student| student.school).collect();
    }

    /// Whether no attendance was read yet.
    pub(super) fn knows_no_attendance(&self) -> bool {
        self.covered.iter().all(|span| span.high == 0)
    }

    pub(super) fn is_known(&self, student: usize) -> bool {
        !self.windows[student].is_empty()
    }

    /// Whether only one answer is right, and it knows every day.
    pub(super) fn is_plain(&self, student: usize) -> bool {
        self.windows[student].len() <= 1 && self.days[student].iter().all(|right| *right <= PRESENT)
    }

    /// Every way in which this student's days may be counted.
    fn countings(&self, student: usize) -> impl Iterator<Item = &[Right]> {
        self.countings_from(student).map(|(_, days)| days)
    }

    /// The same with the first day.
    fn countings_from(&self, student: usize) -> impl Iterator<Item = (usize, &[Right])> {
        let Span { low, high } = self.covered[self.schools[student]];
        let days = &self.days[student];
        self.windows[student].iter().flat_map(move |(entry, exit)| {
            (low..=high).map(move |through| {
                let last = exit.map_or(through, |exit| exit.min(through));
                (*entry, if *entry > last { &days[..0] } else { &days[*entry..=last] })
            })
        })
    }

    /// Whether the answer is right. `None`: the hub knows nothing of the student.
    pub(super) fn is_right(&self, student: usize, answer: Option<Answer>) -> bool {
        match answer {
            None => !self.is_known(student),
            Some(answer) => {
                (!self.is_known(student) && answer.known == 0)
                    || self.countings(student).any(|days| fits(days, answer))
            }
        }
    }

    /// Whether somebody could rightly be told that the line is crossed.
    pub(super) fn may_raise(&self, student: usize) -> bool {
        self.countings(student).any(|days| is_open(days, |right| right & ABSENT != 0))
    }

    /// Whether what was told as of that day could rightly be taken back: the line was not crossed all the time since.
    pub(super) fn may_take_back(&self, student: usize, told_as_of: usize) -> bool {
        self.countings_from(student).any(|(first, days)| {
            let from = (told_as_of + 1).saturating_sub(first).min(days.len());
            (from..=days.len()).any(|n| !is_open(&days[..n], |right| right & PRESENT == 0))
        })
    }

    /// Whether a flag must be open whatever the unknown days were.
    pub(super) fn must_be_open(&self, student: usize) -> bool {
        self.is_known(student) && self.countings(student).all(|days| is_open(days, |right| right == ABSENT))
    }

    /// Whether no flag may be open whatever the unknown days were.
    pub(super) fn must_not_be_open(&self, student: usize) -> bool {
        self.countings(student).all(|days| !is_open(days, |right| right != PRESENT))
    }

    /// Whether the student is certainly enrolled nowhere on this day.
    pub(super) fn has_left(&self, student: usize, day: usize) -> bool {
        self.windows[student].iter().all(|(_, exit)| exit.is_some_and(|exit| exit < day))
    }

    /// The right answers of a student, for whoever looks at a failure.
    pub(super) fn describe(&self, student: usize) -> String {
        let letters = |right: &Right| ["?", "A", "P", "AP", "U", "AU", "PU", "APU"][usize::from(*right)];
        let days: Vec<&str> = self.days[student][1..].iter().map(letters).collect();
        let (windows, covered) = (&self.windows[student], self.covered[self.schools[student]]);
        format!("enrolled {windows:?}, covered through {covered:?}, days {}", days.join(" "))
    }

    /// After two good files nothing is open to doubt, and it is the truth.
    pub(super) fn is_the_truth(&self, truth: &Truth) -> bool {
        self.covered == [Span { low: truth.through, high: truth.through }; SCHOOLS.len()]
            && truth.students.iter().enumerate().all(|(at, student)| {
                let right = |day| if truth.is_absent(at, day) { ABSENT } else { PRESENT };
                self.windows[at] == [(student.entry, student.exit)]
                    && (student.entry..=student.exit.unwrap_or(truth.through))
                        .all(|day| self.days[at][day] == right(day))
            })
    }
}

/// Whether the days can be counted so.
fn fits(days: &[Right], answer: Answer) -> bool {
    let count = |is: fn(Right) -> bool| days.iter().filter(|right| is(**right)).count();
    let between = |n: usize, must: usize, can: usize| (must..=can).contains(&n);
    answer.known + answer.unknown == days.len()
        && between(answer.absent, count(|r| r == ABSENT), count(|r| r & ABSENT != 0))
        && between(answer.known - answer.absent, count(|r| r == PRESENT), count(|r| r & PRESENT != 0))
        && between(answer.unknown, count(|r| r == UNKNOWN), count(|r| r & UNKNOWN != 0))
}
