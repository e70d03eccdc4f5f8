//! The days of several schools, each date once: for students who are enrolled at several, or of whom a row is known of
//! a school at which they are not enrolled, or of none that can be used.

use std::ops::Range;

use super::walk::Walk;
use super::{Authority, Review, Stint, rows_at};
use crate::day::Day;
use crate::indicators::ChronicAbsence;
use crate::observation::Category;
use crate::reference::{SchoolDay, SchoolYear, Silence};
use crate::registers::days::{AttendanceRow, Days};

/// What is said about a date. Of the words of several schools the greatest counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Say {
    /// A row of a feed of every day is missing.
    Nothing,
    /// A feed of exceptions is silent.
    Silent,
    /// It is silent, and a row that could not be used, or stands at another school, may belong there.
    Doubtful,
    Present,
    Unknown,
    /// With the half-days.
    Absent(u32),
}

impl Say {
    fn of_silence(silence: Silence) -> Say {
        match silence {
            Silence::Unknown => Say::Nothing,
            Silence::Present => Say::Silent,
            Silence::Doubtful => Say::Doubtful,
        }
    }

    fn of_row(category: Category, policy: &ChronicAbsence) -> Say {
        match policy.absent_half_days(category) {
            _ if category == Category::Doubtful => Say::Doubtful,
            None => Say::Unknown,
            Some(0) => Say::Present,
            Some(half_days) => Say::Absent(half_days),
        }
    }
}

/// What the feeds say about one date at one school, as far as it was heard.
#[derive(Clone, Copy)]
struct Word {
    day: Day,
    /// Of the feed.
    rank: u8,
    say: Say,
}

impl<'a> Review<'a> {
    /// Walks the dates on which a school expects the student and is covered, each once.
    pub(super) fn walk_union(&mut self, stints: &[Stint], walk: &mut Walk) {
        let covered = self.covered(stints);
        let mut said = Vec::new();
        for (stint, year, due) in &covered {
            self.say(stint.school, year, due.clone(), &mut said);
        }
        said.sort_unstable();
        let strays = self.strays(stints);
        for date in said.chunk_by(|a, b| a.0 == b.0) {
            let (day, mut say) = *date.last().expect("a chunk is not empty");
            if say < Say::Doubtful && strays.binary_search(&day.day).is_ok() {
                say = Say::Doubtful;
            }
            match say {
                Say::Nothing | Say::Doubtful | Say::Unknown => walk.unknown(&[day]),
                Say::Silent | Say::Present => walk.present(&[day]),
                Say::Absent(half_days) => walk.absent(day, half_days),
            }
        }
    }

    /// The stints at schools of which something is known by now, with their school days until then. A school of which
    /// nothing is known is missed if the student was at no other meanwhile.
    fn covered(&mut self, stints: &[Stint]) -> Vec<(Stint, &'a SchoolYear, Range<usize>)> {
        let (mut covered, mut uncovered, mut year_days) = (Vec::new(), Vec::new(), Vec::new());
        for stint in stints {
            let Some(year) = self.year_at(stint.school) else { continue };
            year_days.extend(year.days(year.span(stint.from, stint.to)).iter().map(|day| day.day));
            let due = year.span(stint.from, stint.to.min(self.as_of));
            let place = if year.is_covered_by(self.as_of) { &mut covered } else { &mut uncovered };
            place.push((*stint, year, due));
        }
        self.year_days = count_once(year_days);
        for (stint, year, due) in uncovered {
            let elsewhere = |day: &SchoolDay| covered.iter().any(|(stint, ..)| stint.contains(day.day));
            if !year.days(due).iter().all(elsewhere) {
                self.lack_coverage(stint.school);
            }
        }
        covered
    }

    /// What one school says of its covered days among `due`.
    fn say(&mut self, school: u32, year: &SchoolYear, due: Range<usize>, said: &mut Vec<(SchoolDay, Say)>) {
        let words = self.words(school);
        for position in due {
            let Some(ruling) = year.ruling(position) else { continue };
            let day = year.days(position..position + 1)[0];
            let from = words.partition_point(|word| word.day < day.day);
            let of_day = words[from..].iter().take_while(|word| word.day == day.day);
            let first = of_day.clone().find(|word| word.say > Say::Doubtful);
            let silence = Say::of_silence(ruling.silence);
            let (rank, say) = match first {
                Some(word) => (word.rank, word.say),
                None if silence == Say::Silent && of_day.count() > 0 => (ruling.rank, Say::Doubtful),
                None => (ruling.rank, silence),
            };
            self.feeds |= 1 << rank;
            said.push((day, say));
        }
    }

    /// The live rows of a school and those without one, by day, then authority; of one feed the greatest word first.
    fn words(&self, school: u32) -> Vec<Word> {
        let mut authority = Authority::of(self);
        let rows = rows_at(self.registers, school);
        let mut words: Vec<Word> =
            rows.iter().filter_map(|row| self.word(&mut authority, row, None)).collect();
        words.extend(
            without_school(self.registers)
                .iter()
                .filter_map(|row| self.word(&mut authority, row, Some(Say::Unknown))),
        );
        words.sort_unstable_by(|a, b| (a.day, a.rank, b.say).cmp(&(b.day, b.rank, a.say)));
        words
    }

    fn word(&self, authority: &mut Authority<'_>, row: &AttendanceRow, most: Option<Say>) -> Option<Word> {
        let say = Say::of_row(row.value?, &self.policy);
        let say = most.filter(|_| say > Say::Doubtful).unwrap_or(say);
        Some(Word { day: row.date, rank: authority.rank(row.feed)?, say })
    }

    /// The days of live rows at schools at which the student is not enrolled that day, in order.
    fn strays(&self, stints: &[Stint]) -> Vec<Day> {
        let mut authority = Authority::of(self);
        let is_stray = |row: &&AttendanceRow| {
            row.value.is_some_and(|category| category != Category::Doubtful)
                && authority.rank(row.feed).is_some()
                && !stints.iter().any(|stint| stint.school == row.school && stint.contains(row.date))
                && self.may_have_school(row)
        };
        let rows = self.registers.attendance.iter().filter(is_stray);
        let mut days: Vec<Day> = rows.map(|row| row.date).collect();
        days.sort_unstable();
        days
    }

    /// A school without a calendar may.
    fn may_have_school(&self, row: &AttendanceRow) -> bool {
        let school = self.registers.schools.get(row.school);
        let year = self.reference.school_year(school, self.school_year);
        !school.is_empty() && year.is_none_or(|year| year.position(row.date).is_some())
    }
}

/// The rows whose school could not be used: a blank name is the first of all.
fn without_school(registers: &Days) -> &[AttendanceRow] {
    let has_any =
        registers.attendance.first().is_some_and(|row| registers.schools.get(row.school).is_empty());
    if has_any { rows_at(registers, registers.attendance[0].school) } else { &[] }
}

/// How many dates there are.
pub(super) fn count_once(mut days: Vec<Day>) -> u32 {
    days.sort_unstable();
    days.dedup();
    days.len() as u32
}
