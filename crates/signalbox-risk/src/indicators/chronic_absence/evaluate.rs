//! Registers, reference and policy to an answer and its episodes.

use std::ops::Range;
use std::sync::Arc;

use jiff::civil::Date;

use super::ChronicAbsence;
use crate::day::Day;
use crate::observation::Category;
use crate::reference::{Reference, SchoolYear};
use crate::registers::Registers;
use crate::registers::days::{AttendanceRow, Days, EnrollmentRow, Term};

mod answer;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
mod timeline;
mod union;
mod unused;
mod walk;

use crate::judged::{Missing, Status};
pub use answer::{AbsenceRate, Counts, Episode, Evaluation};
use timeline::Timeline;
pub(crate) use unused::is_enrolled_on;
pub use unused::{school_days_after, unused_rows};
use walk::{Walk, Walked};

/// Evaluates one student for one school year, on the values as known now, up to and including `as_of`.
///
/// A date is expected, once, when at one school a live enrolment covers it (of the first feed in authority order that
/// has one at that school), the school's calendar has it as instructional, it lies between the first and the last day
/// there that an attendance feed covers, and it is not after `as_of`. At each such school the first feed in authority
/// order with a live row decides; with no row, the first feed that covers the date does: what silence means is its
/// [`Rows`](crate::Rows), and unknown where a row that could not be used may belong there. A day that no feed covers is
/// unknown as well. Of several schools, a row that says absent counts before one that says unknown, that
/// before one that says present, and a row before silence.
///
/// A row of a school at which the student is not enrolled that day makes it unknown where no school of enrolment has a
/// row. Rows outside of expected days count nowhere ([`unused_rows`]).
///
/// Every school at which the student had school days must have a calendar, and some coverage unless the student was
/// enrolled meanwhile at one that has, or the answer is insufficient: the days of one school are no answer for a student
/// who also attends another.
///
/// Expected days are walked in date order, never in the order of arrival. Where days are unknown they are walked twice,
/// every unknown day present and every one absent: [`Evaluation::episodes`] and [`Evaluation::possible`].
pub fn evaluate(
    registers: &Registers,
    reference: &Reference,
    policy: &ChronicAbsence,
    school_year: u16,
    as_of: Date,
) -> Evaluation {
    let registers = &registers.days;
    let mut review = Review {
        registers,
        reference,
        policy: *policy,
        school_year,
        as_of: Day::of(as_of),
        year_days: 0,
        feeds: 0,
        is_enrolled: false,
        no_enrollment_left: false,
        missing: Vec::new(),
    };
    let mut walk = Walk::new(*policy, registers.attendance.len());
    review.walk(&mut walk);
    review.conclude(walk)
}

/// Enrolled at one school from one day to another, both inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Stint {
    school: u32,
    from: Day,
    to: Day,
}

impl Stint {
    fn of(term: &Term) -> Stint {
        Stint { school: term.school, from: term.entry, to: term.exit.unwrap_or(Day::LAST) }
    }

    fn contains(&self, day: Day) -> bool {
        self.from <= day && day <= self.to
    }
}

struct Review<'a> {
    registers: &'a Days,
    reference: &'a Reference,
    policy: ChronicAbsence,
    school_year: u16,
    as_of: Day,
    /// Enrolled ∩ instructional dates of the whole year.
    year_days: u32,
    /// Feeds that decided an expected day, by rank.
    feeds: u64,
    is_enrolled: bool,
    no_enrollment_left: bool,
    missing: Vec<Missing>,
}

impl<'a> Review<'a> {
    /// Most students have one enrolment and need no allocation to be walked.
    fn walk(&mut self, walk: &mut Walk) {
        let mut terms = self.registers.enrollments.iter().filter_map(|row| row.value.as_ref());
        match (terms.next(), terms.next()) {
            (None, _) => {
                self.no_enrollment_left = !self.registers.enrollments.is_empty();
                self.missing.push(Missing::Enrollment);
            }
            (Some(only), None) => self.walk_stints(&[Stint::of(only)], walk),
            (Some(_), Some(_)) => self.walk_stints(&stints(self.registers, self.reference), walk),
        }
    }

    fn walk_stints(&mut self, stints: &[Stint], walk: &mut Walk) {
        self.is_enrolled = stints.iter().any(|stint| stint.contains(self.as_of));
        let school = stints[0].school;
        let is_one = stints.iter().all(|stint| stint.school == school) && all_rows_at(self.registers, school);
        if !is_one {
            return self.walk_union(stints, walk);
        }
        for stint in stints {
            self.visit(*stint, walk);
        }
    }

    /// The days at the student's only school.
    fn visit(&mut self, stint: Stint, walk: &mut Walk) {
        let Some(year) = self.year_at(stint.school) else { return };
        self.year_days += year.span(stint.from, stint.to).len() as u32;
        let due = year.span(stint.from, stint.to.min(self.as_of));
        if !due.is_empty() && !year.is_covered_by(self.as_of) {
            return self.lack_coverage(stint.school);
        }
        self.decide(year, due, walk);
    }

    fn year_at(&mut self, school: u32) -> Option<&'a SchoolYear> {
        let school = self.registers.schools.get(school);
        let year = self.reference.school_year(school, self.school_year);
        if year.is_none() {
            self.lack(Missing::Calendar { school: school.to_owned() });
        }
        year
    }

    fn lack_coverage(&mut self, school: u32) {
        self.lack(Missing::Coverage { school: self.registers.schools.get(school).to_owned() });
    }

    fn lack(&mut self, missing: Missing) {
        if !self.missing.contains(&missing) {
            self.missing.push(missing);
        }
    }

    fn decide(&mut self, year: &SchoolYear, due: Range<usize>, walk: &mut Walk) {
        let due = year.covered(due);
        let mut authority = Authority::of(self);
        let mut timeline = Timeline::new(year, due.start, walk);
        for rows in self.registers.attendance.chunk_by(|a, b| a.date == b.date) {
            let Some(position) = year.position(rows[0].date).filter(|at| due.contains(at)) else { continue };
            let decided = match rows {
                [only] => authority.rank(only.feed).zip(only.value),
                several => authority.first(several),
            };
            let Some((rank, category)) = decided else { continue };
            match self.policy.absent_half_days(category) {
                None if category == Category::Doubtful => timeline.doubt(position),
                half_days => timeline.row(position, rank, half_days),
            }
        }
        self.feeds |= timeline.finish(due.end);
    }

    fn conclude(mut self, walk: Walk) -> Evaluation {
        let Walked { counts, unknown_dates, as_of, absent_dates, certain, possible } = walk.finish();
        let unknown_days = unknown_dates.len() as u32;
        let (have, need) = (counts.expected_days + unknown_days, self.policy.min_days());
        if self.missing.is_empty() && have < need {
            self.missing.push(Missing::MinDays { have, need });
        } else if self.missing.is_empty() && counts.expected_days == 0 {
            self.missing.push(Missing::KnownDays { unknown: unknown_days });
        }
        let answer = AbsenceRate {
            status: if self.missing.is_empty() { Status::Ok } else { Status::Insufficient },
            absent_half_days: counts.absent_half_days,
            expected_days: counts.expected_days,
            unknown_days,
            as_of,
            days_left: self.days_left(counts),
            missing: self.missing,
            absent_dates,
            unknown_dates,
            feeds: feed_names(self.reference, self.feeds),
        };
        let Self { is_enrolled, no_enrollment_left, policy, .. } = self;
        Evaluation { answer, episodes: certain, possible, is_enrolled, no_enrollment_left, policy }
    }

    fn days_left(&self, counts: Counts) -> Option<u32> {
        let blind = |missing: &Missing| matches!(missing, Missing::Enrollment | Missing::Calendar { .. });
        if self.year_days == 0 || self.missing.iter().any(blind) {
            return None;
        }
        // Scaled by 20,000: half-days times parts per 10,000.
        let line = u64::from(self.policy.enter().parts_per_10_000()) * 2 * u64::from(self.year_days);
        let absent = 10_000 * u64::from(counts.absent_half_days);
        Some(line.saturating_sub(absent).div_ceil(20_000) as u32)
    }
}

/// Ranks the rows of one date. Neighbouring rows mostly come from the same feed, so the last rank is kept.
struct Authority<'a> {
    registers: &'a Days,
    reference: &'a Reference,
    known: Option<(u32, Option<u8>)>,
}

impl<'a> Authority<'a> {
    fn of(review: &Review<'a>) -> Authority<'a> {
        Authority { registers: review.registers, reference: review.reference, known: None }
    }

    /// The live row of the first feed in authority order: that feed's rank, and what the row says. Rows that only say
    /// that silence is in doubt come last.
    fn first(&mut self, rows: &[AttendanceRow]) -> Option<(u8, Category)> {
        let live = rows.iter().filter_map(|row| Some((self.rank(row.feed)?, row.value?)));
        live.min_by_key(|(rank, category)| (*category == Category::Doubtful, *rank))
    }

    fn rank(&mut self, feed: u32) -> Option<u8> {
        match self.known {
            Some((known, rank)) if known == feed => rank,
            _ => {
                let rank = self.reference.rank(self.registers.feeds.get(feed));
                self.known = Some((feed, rank));
                rank
            }
        }
    }
}

fn all_rows_at(registers: &Days, school: u32) -> bool {
    match (registers.attendance.first(), registers.attendance.last()) {
        (Some(first), Some(last)) => first.school == school && last.school == school,
        _ => true,
    }
}

fn rows_at(registers: &Days, school: u32) -> &[AttendanceRow] {
    let rows = &registers.attendance;
    let start = rows.partition_point(|row| row.school < school);
    let end = rows.partition_point(|row| row.school <= school);
    &rows[start..end]
}

/// The live enrolments as disjoint stints, by school and then date: several rows of one school unite. Of several feeds
/// that speak of one school, the first in authority order is heard.
fn stints(registers: &Days, reference: &Reference) -> Vec<Stint> {
    let ranked = |row: &EnrollmentRow| {
        let stint = Stint::of(row.value.as_ref()?);
        Some((stint.school, reference.enrollment_rank(registers.feeds.get(row.feed)), stint))
    };
    let mut ranked: Vec<(u32, usize, Stint)> = registers.enrollments.iter().filter_map(ranked).collect();
    ranked.sort_unstable();
    let mut heard = None;
    let mut stints: Vec<Stint> = Vec::with_capacity(ranked.len());
    for (school, rank, stint) in ranked {
        if heard.is_none_or(|(at, _)| at != school) {
            heard = Some((school, rank));
        }
        if heard == Some((school, rank)) {
            stints.push(stint);
        }
    }
    stints.dedup_by(|next, held| {
        let overlap = next.school == held.school && next.from <= held.to;
        if overlap {
            held.to = held.to.max(next.to);
        }
        overlap
    });
    stints
}

fn feed_names(reference: &Reference, feeds: u64) -> Vec<Arc<str>> {
    let ranked = reference.feeds().iter().enumerate();
    ranked.filter(|(rank, _)| feeds >> rank & 1 == 1).map(|(_, feed)| Arc::clone(&feed.name)).collect()
}
