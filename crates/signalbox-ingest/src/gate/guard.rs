//! What one entity of a payload would lose, and whether that is so much that a person must be asked.

use std::collections::BTreeSet;

use indexmap::IndexMap;
use jiff::civil::Date;

use super::SchoolEnds;
use super::moved::{Gone, Moved};
use crate::diff::{Group, Verdict};

/// Fewer rows than this never hold a payload up by their share.
const FLOOR: u64 = 10;
/// As many students must lose every row.
const STUDENTS: u64 = 5;
/// A student with fewer rows loses them all by a correction or two.
const ROWS_OF_A_STUDENT: u64 = 3;

/// Rows of one entity, as a payload leaves them.
#[derive(Debug, Default)]
pub(super) struct Guard {
    /// Where every student or every day has a row, no school may go as a whole.
    pub(super) always_has_rows: bool,
    /// Whether whole students are looked for.
    pub(super) counts_students: bool,
    pub(super) added: u64,
    schools: IndexMap<String, Losses>,
    last_place: usize,
    student: Student,
    /// Students with rows at several schools.
    between_schools: Students,
    moved: Moved,
}

/// Students, and who of them lose what they had.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Students {
    /// Who lose every row.
    lost: u64,
    /// Those with at least [`ROWS_OF_A_STUDENT`] rows, and who of them lose all.
    several: u64,
    several_lost: u64,
}

/// Rows at one school (of the blank name: at none).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Losses {
    /// Live rows inside the extent.
    live: u64,
    /// Those that would end, and those that stand on only because the payload ends before them.
    gone: u64,
    /// Of those, on the day of the run.
    gone_today: u64,
    /// Those that would end.
    ends: u64,
    /// Of those, because their school has no row at all.
    vanished: u64,
    /// Of those that would end, whose student is elsewhere now.
    moves: u64,
    /// Those that stand on because a row that could not be used may have been them.
    doubted: u64,
    /// It waits: known once all rows were seen.
    is_held: bool,
    /// Rows that an earlier payload did not have, and about which a person was asked; and those of them that are still missing.
    kept_back: u64,
    still_missing: u64,
    /// Rows that came with that payload, perhaps in the place of those; and how many are gone. Counted with the others only
    /// where the school waits.
    beside: u64,
    beside_gone: u64,
    /// Those who have rows at this school only.
    students: Students,
}

impl Losses {
    fn count_beside(&mut self) {
        self.live += self.beside;
        self.gone += self.beside_gone;
        self.ends += self.beside_gone;
        (self.beside, self.beside_gone) = (0, 0);
    }
}

/// The student in hand.
#[derive(Debug, Default)]
struct Student {
    group: Option<Group>,
    /// The place of the one school where the rows so far are; `None`: at several.
    school: Option<usize>,
    rows: u64,
    gone: u64,
}

/// Why a whole payload waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whole {
    File,
    Students,
    IdsChanged,
}

impl Whole {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Students => "students",
            Self::IdsChanged => "ids_changed",
        }
    }
}

impl Guard {
    /// The payload brings a row of the student's day.
    pub(super) fn said(&mut self, group: Option<Group>, date: Date) {
        self.turn_to(group);
        self.moved.said(date);
    }

    /// A live row of attendance is gone, or moved to another school.
    pub(super) fn gone(&mut self, group: Option<Group>, row: Gone) {
        self.turn_to(group);
        self.moved.gone(row);
    }

    fn turn_to(&mut self, group: Option<Group>) {
        if self.moved.group != group {
            self.settle();
            self.moved.group = group;
        }
    }

    fn settle(&mut self) {
        let group = self.moved.group;
        for Gone { school, verdict, is_today, .. } in self.moved.settle() {
            self.count(&school, group, verdict, is_today);
        }
    }

    /// A live row: what becomes of it. Those of one student come one after the other.
    pub(super) fn row(&mut self, school: &str, group: Option<Group>, verdict: Verdict, is_today: bool) {
        self.turn_to(group);
        self.count(school, group, verdict, is_today);
    }

    /// A person was asked about the end of rows of the school, one of which this is, and has not said yes: whether it is still
    /// missing.
    pub(super) fn was_kept_back(&mut self, school: &str, is_missing: bool) {
        let place = self.place(school);
        let losses = &mut self.schools[place];
        losses.kept_back += 1;
        losses.still_missing += u64::from(is_missing);
    }

    /// A row that came beside others that were kept back: nobody's loss, once those are back.
    pub(super) fn beside(&mut self, school: &str, is_gone: bool) {
        let place = self.place(school);
        let losses = &mut self.schools[place];
        losses.beside += 1;
        losses.beside_gone += u64::from(is_gone);
    }

    fn count(&mut self, school: &str, group: Option<Group>, verdict: Verdict, is_today: bool) {
        let place = self.place(school);
        let losses = &mut self.schools[place];
        let is_gone = verdict.is_end() || verdict == Verdict::Late;
        losses.live += 1;
        losses.gone += u64::from(is_gone);
        losses.gone_today += u64::from(is_gone && is_today);
        losses.ends += u64::from(verdict.is_end());
        losses.vanished += u64::from(verdict == Verdict::EndVanished);
        losses.doubted += u64::from(verdict == Verdict::Doubted);
        if self.student.group != group {
            self.next_student(group);
            self.student.school = Some(place);
        } else if self.student.school != Some(place) {
            self.student.school = None;
        }
        self.student.rows += 1;
        self.student.gone += u64::from(is_gone);
    }

    /// Whose last row of the school is gone is elsewhere now.
    pub(super) fn moves(&mut self, school: &str) {
        let place = self.place(school);
        self.schools[place].moves += 1;
    }

    /// Most rows have the school of the row before.
    fn place(&mut self, school: &str) -> usize {
        if self.schools.get_index(self.last_place).is_none_or(|(last, _)| last != school) {
            self.last_place = self
                .schools
                .get_index_of(school)
                .unwrap_or_else(|| self.schools.insert_full(school.to_owned(), Losses::default()).0);
        }
        self.last_place
    }

    fn next_student(&mut self, group: Option<Group>) {
        let next = Student { group, ..Student::default() };
        let Student { school, rows, gone, .. } = std::mem::replace(&mut self.student, next);
        if !self.counts_students || rows == 0 {
            return;
        }
        let students = match school {
            Some(place) => &mut self.schools[place].students,
            None => &mut self.between_schools,
        };
        let (is_lost, has_several) = (rows == gone, rows >= ROWS_OF_A_STUDENT);
        students.lost += u64::from(is_lost);
        students.several += u64::from(has_several);
        students.several_lost += u64::from(has_several && is_lost);
    }

    /// All rows were seen.
    pub(super) fn finish(&mut self) {
        self.settle();
        self.next_student(None);
        let held: Vec<String> = self.schools().into_iter().map(str::to_owned).collect();
        for school in held {
            let losses = &mut self.schools[&school];
            losses.count_beside();
            losses.is_held = true;
        }
    }

    /// What a person is shown is all that would end.
    pub(super) fn count_beside(&mut self) {
        self.schools.values_mut().for_each(Losses::count_beside);
    }

    /// Schools that wait, and did not before.
    pub(super) fn newly_held(&self) -> impl Iterator<Item = &str> {
        let held = self.schools.iter().filter(|(_, losses)| losses.is_held && losses.kept_back == 0);
        held.map(|(school, _)| school.as_str())
    }

    /// The schools that would lose more than half of their rows, or all where that may not be; and those that would lose most
    /// of what a person was asked about and has not let go. What came in its place makes it no smaller part.
    pub(super) fn schools(&self) -> BTreeSet<&str> {
        let is_lost = |losses: &Losses| {
            let many = losses.gone >= FLOOR && losses.gone * 2 > losses.live;
            let whole = self.always_has_rows && losses.gone > 0 && losses.gone == losses.live;
            // A school that one slip of the pen made up goes with it.
            let is_made_up = losses.gone == 1 && losses.moves == 1;
            let as_before = losses.still_missing >= FLOOR && losses.still_missing * 2 > losses.kept_back;
            losses.ends > 0 && (losses.is_held || many || as_before || whole && !is_made_up)
        };
        let named = self.schools.iter().filter(|(school, _)| !school.is_empty());
        named.filter(|(_, losses)| is_lost(losses)).map(|(school, _)| school.as_str()).collect()
    }

    /// Schools without a row in the payload whose few rows stand on: nobody is asked, and nothing ends.
    pub(super) fn vanished(&self) -> impl Iterator<Item = &str> {
        self.schools.iter().filter(|(_, losses)| losses.vanished > 0).map(|(school, _)| school.as_str())
    }

    /// Whether the whole payload waits: more than half of all keys are gone and others came for a third of them or
    /// more; else, besides the schools that are held, more than a tenth of all rows, or all rows of several students.
    ///
    /// For changed ids it is no matter whether what is gone would end: what came is wrong, and would have to end.
    pub(super) fn whole(&self, held: &BTreeSet<&str>) -> Option<Whole> {
        let sum = |rest_only: bool, rows: fn(&Losses) -> u64| -> u64 {
            let schools = self.schools.iter();
            let rest = schools.filter(|(school, _)| !rest_only || !held.contains(school.as_str()));
            rest.map(|(_, losses)| rows(losses)).sum()
        };
        let (live, gone) = (|losses: &Losses| losses.live, |losses: &Losses| losses.gone - losses.gone_today);
        let missing = sum(false, gone) + sum(false, |losses| losses.doubted);
        let (rest, rest_gone) = (sum(true, live), sum(true, gone));
        let rest_gone_today = sum(true, |losses| losses.gone);
        if missing >= FLOOR && missing * 2 > sum(false, live) && self.added * 3 >= missing {
            return Some(Whole::IdsChanged);
        }
        if rest_gone >= FLOOR && rest_gone * 10 > rest {
            return Some(Whole::File);
        }
        (rest_gone_today >= FLOOR && self.loses_students(held)).then_some(Whole::Students)
    }

    /// Whether several students of schools that are not held lose everything.
    fn loses_students(&self, held: &BTreeSet<&str>) -> bool {
        let rest = self.schools.iter().filter(|(school, _)| !held.contains(school.as_str()));
        let Students { lost, several, several_lost } =
            rest.fold(self.between_schools, |sum, (_, Losses { students, .. })| Students {
                lost: sum.lost + students.lost,
                several: sum.several + students.several,
                several_lost: sum.several_lost + students.several_lost,
            });
        lost >= STUDENTS && several_lost * 100 > several
    }

    /// Schools that would lose rows, in the order of their ids.
    pub(super) fn ends_by_school(&self) -> impl Iterator<Item = SchoolEnds> {
        let losing = self.schools.iter().filter(|(_, losses)| losses.ends > 0);
        let ends =
            losing.map(|(school, losses)| SchoolEnds { school: school.clone(), would_end: losses.ends });
        let mut ends: Vec<_> = ends.collect();
        ends.sort_unstable_by(|a, b| a.school.cmp(&b.school));
        ends.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Per school: rows that stay, rows that end.
    fn guard(added: u64, schools: &[(&str, u64, u64)]) -> Guard {
        let mut guard = Guard { added, ..Guard::default() };
        for (school, kept, ends) in schools {
            (0..*kept).for_each(|_| guard.row(school, None, Verdict::Unchanged, false));
            (0..*ends).for_each(|_| guard.row(school, None, Verdict::EndAbsent, false));
        }
        guard.finish();
        guard
    }

    #[test]
    fn shares_of_a_file_and_of_schools() {
        for (name, guard, schools, whole) in [
            ("a tenth exactly", guard(0, &[("1", 90, 10)]), &[][..], None),
            ("more than a tenth", guard(0, &[("1", 98, 11)]), &[], Some(Whole::File)),
            ("a tenth of few rows", guard(0, &[("1", 11, 9)]), &[], None),
            ("a school vanished", guard(0, &[("1", 985, 0), ("2", 0, 15)]), &["2"], None),
            ("half a school", guard(0, &[("1", 970, 0), ("2", 15, 15)]), &[], None),
            ("more than half a school", guard(0, &[("1", 970, 0), ("2", 14, 16)]), &["2"], None),
            ("all ids changed", guard(100, &[("1", 0, 100)]), &["1"], Some(Whole::IdsChanged)),
            ("and the file is cut", guard(60, &[("1", 0, 100)]), &["1"], Some(Whole::IdsChanged)),
            ("all gone", guard(3, &[("1", 0, 100)]), &["1"], None),
            ("a school and more", guard(0, &[("1", 40, 10), ("2", 0, 10)]), &["2"], Some(Whole::File)),
            ("nothing ends", guard(500, &[("1", 100, 0)]), &[], None),
        ] {
            let held = guard.schools();
            assert_eq!(held.iter().copied().collect::<Vec<_>>(), schools, "{name}");
            assert_eq!(guard.whole(&held), whole, "{name}");
        }
    }

    #[test]
    fn a_small_school_goes_only_where_silence_may_be_good_news() {
        for (always_has_rows, held) in [(true, &["2"][..]), (false, &[])] {
            let guard = Guard { always_has_rows, ..guard(0, &[("1", 400, 0), ("2", 0, 9)]) };
            assert_eq!(guard.schools().into_iter().collect::<Vec<_>>(), held);
        }
    }

    #[test]
    fn all_rows_of_several_students() {
        let students = |lost: u8, kept: u8, rows: usize| {
            let mut guard = Guard { counts_students: true, ..Guard::default() };
            for student in 0..lost + kept {
                let verdict = if student < lost { Verdict::EndAbsent } else { Verdict::Unchanged };
                (0..rows).for_each(|_| guard.row("1", Some([student; 8]), verdict, false));
            }
            guard.finish();
            guard.whole(&BTreeSet::new())
        };
        assert_eq!(students(5, 200, 4), Some(Whole::Students));
        assert_eq!(students(4, 100, 4), None, "four students");
        assert_eq!(students(5, 200, 1), None, "a row each: corrections, and fewer than ten");
    }

    /// Who keeps most rows loses nothing, in whatever order they come.
    #[test]
    fn who_keeps_rows_is_not_lost() {
        let mut guard = Guard { counts_students: true, ..Guard::default() };
        for student in 0..100_u8 {
            let group = Some([student; 8]);
            for day in 1..=10 {
                let date = jiff::civil::date(2026, 9, day);
                if student % 20 == 0 && day % 3 == 0 {
                    let (school, verdict) = ("1".to_owned(), Verdict::EndAbsent);
                    guard.gone(group, Gone { school, date, verdict, is_today: false });
                } else {
                    guard.row("1", group, Verdict::Unchanged, false);
                }
            }
        }
        guard.finish();
        assert_eq!(guard.whole(&guard.schools()), None);
        assert_eq!(guard.ends_by_school().map(|ends| ends.would_end).collect::<Vec<_>>(), [15]);
    }

    /// The same wrong rows once more are no reason to let the right ones go.
    #[test]
    fn what_was_kept_back_waits_until_it_is_back() {
        let guard = |missing: u64| {
            let mut guard = Guard::default();
            (0..30).for_each(|_| guard.row("1", None, Verdict::Unchanged, false));
            for row in 0..30 {
                let verdict = if row < missing { Verdict::EndAbsent } else { Verdict::Unchanged };
                guard.was_kept_back("1", row < missing);
                guard.row("1", None, verdict, false);
            }
            guard.finish();
            guard.schools().len()
        };
        assert_eq!([guard(30), guard(16), guard(15), guard(0)], [1, 1, 0, 0]);
    }

    /// One school is missing, and of another the last students are.
    #[test]
    fn students_count_beside_a_school_that_is_held() {
        let mut guard = Guard { counts_students: true, ..Guard::default() };
        for student in 0..200_u8 {
            let (school, is_lost) = (if student < 20 { "3" } else { "2" }, !(20..188).contains(&student));
            let verdict = if is_lost { Verdict::EndAbsent } else { Verdict::Unchanged };
            (0..4).for_each(|_| guard.row(school, Some([student; 8]), verdict, false));
        }
        guard.finish();
        let held = guard.schools();
        assert_eq!(held.iter().copied().collect::<Vec<_>>(), ["3"]);
        assert_eq!(guard.whole(&held), Some(Whole::Students));
    }

    /// One night the rows of a school are written under another's number.
    #[test]
    fn days_that_stand_at_another_school_are_not_lost() {
        let mut guard = Guard { counts_students: true, ..Guard::default() };
        let date = |day: i8| jiff::civil::date(2026, 9, day);
        let gone =
            |day| Gone { school: "3".into(), date: date(day), verdict: Verdict::EndAbsent, is_today: false };
        for student in 0..20_u8 {
            let group = Some([student; 8]);
            for day in 1..5 {
                guard.said(group, date(day));
                guard.gone(group, gone(day));
            }
            // Of one of them a day is nowhere.
            if student == 7 {
                guard.gone(group, gone(9));
            }
        }
        guard.finish();
        assert_eq!(guard.schools(), BTreeSet::new());
        let ends: Vec<_> = guard.ends_by_school().map(|ends| ends.would_end).collect();
        assert_eq!(ends, [1]);
    }

    #[test]
    fn changed_ids_wait_in_doubt_too() {
        let mut guard = Guard { added: 30, ..Guard::default() };
        (0..30).for_each(|_| guard.row("1", None, Verdict::Doubted, false));
        guard.finish();
        assert_eq!(guard.whole(&BTreeSet::new()), Some(Whole::IdsChanged));
        guard.added = 9;
        assert_eq!(guard.whole(&BTreeSet::new()), None, "nothing ends, and nothing takes its place");
    }

    #[test]
    fn the_day_of_the_run_is_not_over() {
        let mut guard = Guard::default();
        (0..50).for_each(|_| guard.row("1", None, Verdict::Unchanged, false));
        (0..20).for_each(|_| guard.row("1", None, Verdict::EndAbsent, true));
        guard.finish();
        assert_eq!(guard.whole(&BTreeSet::new()), None);
    }
}
