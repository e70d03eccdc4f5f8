//! Properties over random students: the order of arrival, and a slow walk written day by day as the oracle.

use jiff::civil::Date;
use proptest::prelude::*;
use proptest::sample::{Index, subsequence};

use super::*;
use crate::Registers;
use crate::observation::{Category, Enrollment, Fact, Observation};
use crate::student::{Student, YEAR, build, bytes, calendar, day, read_back, reference};
use crate::{DateRanges, HalfDay, Ratio, Rows};

const SCHOOLS: [&str; 3] = ["100", "050", "200"];
const FEEDS: [&str; 3] = ["att", "office", "unlisted"];

fn school() -> impl Strategy<Value = &'static str> {
    prop_oneof![4 => Just(SCHOOLS[0]), 1 => Just(SCHOOLS[1]), 1 => Just(SCHOOLS[2])]
}

/// Of a row of attendance; blank where it could not be used.
fn school_of_row() -> impl Strategy<Value = &'static str> {
    prop_oneof![12 => school(), 1 => Just("")]
}

fn attendance() -> impl Strategy<Value = Observation<'static>> {
    let category = prop::option::weighted(0.9, prop::sample::select(Category::ALL.to_vec()));
    (0..FEEDS.len(), school_of_row(), -3_i64..60, 1_u64..4, category).prop_map(
        |(feed, school, at, revision, value)| Observation {
            feed: FEEDS[feed],
            revision,
            fact: Fact::Attendance { school, date: day(at), value },
        },
    )
}

fn enrollment() -> impl Strategy<Value = Observation<'static>> {
    let value = (school(), 1_i64..40, prop::option::of(5_i64..60)).prop_map(|(school, entry, exit)| {
        Enrollment { school, entry: day(entry), exit: exit.map(day), grade: Some("09") }
    });
    let value = prop::option::weighted(0.8, value);
    (prop::sample::select(vec!["e1", "e2", "e3"]), 1_u64..4, value).prop_map(|(key, revision, value)| {
        Observation { feed: "sis", revision, fact: Fact::Enrollment { key, value } }
    })
}

fn observations() -> impl Strategy<Value = Vec<Observation<'static>>> {
    (prop::collection::vec(enrollment(), 0..5), prop::collection::vec(attendance(), 0..50))
        .prop_map(|(enrollments, attendance)| [enrollments, attendance].concat())
}

fn ranges() -> impl Strategy<Value = DateRanges> {
    prop::collection::vec((1_i64..50, 0_i64..40), 0..3)
        .prop_map(|ranges| ranges.iter().map(|(at, length)| (day(*at), day(at + length))).collect())
}

/// What the reference was built from, kept for the oracle.
#[derive(Debug, Clone)]
struct World {
    rows: [Rows; 2],
    /// By feed, then school; school 200 is never covered by the second feed.
    covered: Vec<Vec<DateRanges>>,
    /// By school.
    doubtful: Vec<DateRanges>,
}

impl World {
    fn reference(&self) -> Reference {
        let mut builder = Reference::builder("r").default_calendar(calendar());
        for (feed, rows) in self.rows.iter().enumerate() {
            builder = builder.attendance_feed(FEEDS[feed], *rows);
            for (school, ranges) in self.covered[feed].iter().enumerate() {
                builder = builder.covered(FEEDS[feed], SCHOOLS[school], ranges);
            }
        }
        for (school, ranges) in self.doubtful.iter().enumerate() {
            builder = builder.doubtful(SCHOOLS[school], ranges);
        }
        build(builder)
    }

    /// What silence means, and whether it is in doubt.
    fn silence(&self, school: &str, date: Date) -> Option<(Rows, bool)> {
        let at = SCHOOLS.iter().position(|held| *held == school).expect("one of them");
        let covering = |date: Date| (0..2).find(|feed| self.covered[*feed][at].contains(date));
        if let Some(feed) = covering(date) {
            return Some((self.rows[feed], self.doubtful[at].contains(date)));
        }
        let covered: Vec<Date> = (1..=180).map(day).filter(|date| covering(*date).is_some()).collect();
        // A gap.
        let is_between = *covered.first()? < date && date < *covered.last()?;
        is_between.then_some((Rows::EveryDay, false))
    }
}

fn world() -> impl Strategy<Value = World> {
    let rows = || prop_oneof![3 => Just(Rows::Exceptions), 1 => Just(Rows::EveryDay)];
    let covered = prop::collection::vec(prop::collection::vec(ranges(), 3), 2);
    let doubtful = prop::collection::vec(prop_oneof![2 => Just(DateRanges::new()), 1 => ranges()], 3);
    ([rows(), rows()], covered, doubtful).prop_map(|(rows, covered, doubtful)| World {
        rows,
        covered,
        doubtful,
    })
}

fn policy() -> impl Strategy<Value = ChronicAbsence> {
    let half_day = prop_oneof![Just(HalfDay::Whole), Just(HalfDay::Half)];
    (1_u32..3000, 0_u32..=100, 1_u32..30, half_day).prop_map(|(enter, share, min_days, half_day)| {
        let ratio = |parts| Ratio::from_parts_per_10_000(parts).expect("below 100 %");
        ChronicAbsence::new(ratio(enter), ratio(enter * share / 100), min_days, half_day).expect("sound")
    })
}

fn registers(observations: &[Observation<'_>]) -> Registers {
    let mut registers = Registers::default();
    for observation in observations {
        registers.apply(observation);
    }
    registers
}

/// What the definition says.
#[derive(Debug, Default, PartialEq)]
struct Told {
    counts: Counts,
    unknown: u32,
    certain: Vec<Episode>,
    possible: Vec<Episode>,
}

/// One date after the other, straight from the definition.
fn oracle(registers: &Registers, world: &World, policy: &ChronicAbsence, as_of: Date) -> Told {
    let (mut told, mut low, mut high) = (Told::default(), Counts::default(), Counts::default());
    for date in (1..=180).map(day).filter(|date| *date <= as_of) {
        let Some(value) = value(registers, world, policy, date) else { continue };
        for (counts, absent) in [(&mut low, value.unwrap_or(0)), (&mut high, value.unwrap_or(2))] {
            counts.expected_days += 1;
            counts.absent_half_days += absent;
        }
        match value {
            None => told.unknown += 1,
            Some(half_days) => {
                told.counts.expected_days += 1;
                told.counts.absent_half_days += half_days;
            }
        }
        step(&mut told.certain, low, policy, date);
        step(&mut told.possible, high, policy, date);
        for episode in told.certain.iter_mut().chain(&mut told.possible) {
            if episode.end.is_none_or(|end| end == date) {
                (episode.counts, episode.unknown_days) = (told.counts, told.unknown);
            }
        }
    }
    told
}

fn step(episodes: &mut Vec<Episode>, counts: Counts, policy: &ChronicAbsence, date: Date) {
    let absent = counts.absent_half_days * 10_000;
    let line = |ratio: Ratio| ratio.parts_per_10_000() * 2 * counts.expected_days;
    match episodes.last_mut().filter(|episode| episode.end.is_none()) {
        Some(open) if absent < line(policy.leave()) => open.end = Some(date),
        None if counts.expected_days >= policy.min_days() && absent >= line(policy.enter()) => {
            episodes.push(Episode { start: date, end: None, counts: Counts::default(), unknown_days: 0 });
        }
        _ => {}
    }
}

/// The value of a date over all schools: `None` where nobody expects the student, `Some(None)` where it is unknown.
#[expect(clippy::option_option, reason = "a day may be unexpected, unknown or known")]
fn value(registers: &Registers, world: &World, policy: &ChronicAbsence, date: Date) -> Option<Option<u32>> {
    let here: Vec<_> = SCHOOLS.into_iter().filter(|school| is_enrolled(registers, school, date)).collect();
    let expected: Vec<_> =
        here.iter().filter_map(|school| Some((*school, world.silence(school, date)?))).collect();
    if expected.is_empty() {
        return None;
    }
    let rows: Vec<Vec<Category>> =
        expected.iter().map(|(school, _)| deciding(registers, school, date)).collect();
    let said: Vec<_> = rows.concat().into_iter().filter(|row| *row != Category::Doubtful).collect();
    let absent =
        said.iter().filter_map(|row| policy.absent_half_days(*row)).filter(|half_days| *half_days > 0);
    if let Some(half_days) = absent.max() {
        return Some(Some(half_days));
    }
    if !said.is_empty() {
        return Some(if said.contains(&Category::Unknown) { None } else { Some(0) });
    }
    let elsewhere = live(registers, date).filter(|(_, school, _)| SCHOOLS.contains(school));
    let mut elsewhere = elsewhere.filter(|(_, _, category)| *category != Category::Doubtful);
    let is_stray = elsewhere.any(|(_, school, _)| !here.contains(&school));
    let mut silent = expected.iter().zip(&rows).filter(|((_, (rows, _)), _)| *rows == Rows::Exceptions);
    let is_doubtful = silent.clone().any(|((_, (_, doubt)), rows)| *doubt || !rows.is_empty());
    Some((silent.next().is_some() && !is_doubtful && !is_stray).then_some(0))
}

fn is_enrolled(registers: &Registers, school: &str, date: Date) -> bool {
    registers.live_enrollments().any(|live| {
        let Enrollment { school: at, entry, exit, .. } = live.enrollment;
        at == school && entry <= date && exit.is_none_or(|exit| date <= exit)
    })
}

/// Live rows of a date: the feed's rank, the school, what it says.
fn live(registers: &Registers, date: Date) -> impl Iterator<Item = (usize, &str, Category)> {
    let rows = registers.live_attendance().filter(move |row| row.date == date);
    rows.filter_map(|row| {
        let rank = FEEDS[..2].iter().position(|feed| *feed == row.feed)?;
        Some((rank, row.school, row.category))
    })
}

/// The rows that decide a date at a school: those of the first feed that has one there, or one without a school; if none
/// has, those that only doubt.
fn deciding(registers: &Registers, school: &str, date: Date) -> Vec<Category> {
    let here = live(registers, date).filter(|(_, at, _)| *at == school || at.is_empty());
    let said = here.map(|(rank, at, category)| match category {
        Category::Doubtful => (true, 0, category),
        _ if at.is_empty() => (false, rank, Category::Unknown),
        _ => (false, rank, category),
    });
    let said: Vec<_> = said.collect();
    let first = said.iter().map(|(doubts, rank, _)| (*doubts, *rank)).min();
    said.iter().filter(|(doubts, rank, _)| Some((*doubts, *rank)) == first).map(|said| said.2).collect()
}

/// Any order of the observations, some of them twice.
fn shuffled() -> impl Strategy<Value = (Vec<Observation<'static>>, Vec<Observation<'static>>)> {
    let doubled = observations().prop_flat_map(|observations| {
        let count = observations.len();
        let repeated = subsequence(observations.clone(), 0..=count);
        (Just(observations), repeated)
    });
    doubled.prop_flat_map(|(observations, repeated)| {
        let all = [observations.clone(), repeated].concat();
        (Just(observations), Just(all).prop_shuffle())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn i19_any_order_and_duplication_gives_equal_registers_and_evaluation(
        (observations, shuffled) in shuffled(), world in world(), as_of in 1_i64..70,
    ) {
        let (straight, shuffled) = (registers(&observations), registers(&shuffled));
        prop_assert_eq!(&straight, &shuffled);
        prop_assert_eq!(bytes(&straight), bytes(&shuffled));
        let (reference, policy) = (world.reference(), ChronicAbsence::default());
        prop_assert_eq!(
            evaluate(&straight, &reference, &policy, YEAR, day(as_of)),
            evaluate(&shuffled, &reference, &policy, YEAR, day(as_of))
        );
    }

    #[test]
    fn i19_registers_survive_a_stop_anywhere(observations in observations(), at in any::<Index>()) {
        let (before, after) = observations.split_at(at.index(observations.len() + 1));
        let mut resumed = read_back(&bytes(&registers(before))).expect("just written");
        for observation in after {
            resumed.apply(observation);
        }
        prop_assert_eq!(resumed, registers(&observations));
    }

    #[test]
    fn the_walk_is_the_definition_day_by_day(
        observations in observations(), world in world(), policy in policy(), as_of in 1_i64..70,
    ) {
        let registers = registers(&observations);
        let evaluation = evaluate(&registers, &world.reference(), &policy, YEAR, day(as_of));
        let told = Told {
            counts: evaluation.answer.counts(),
            unknown: evaluation.answer.unknown_days,
            certain: evaluation.episodes.clone(),
            possible: evaluation.possible().to_vec(),
        };
        prop_assert_eq!(told, oracle(&registers, &world, &policy, day(as_of)));
    }

    #[test]
    fn days_left_is_the_smallest_that_reaches_the_line(
        absent in prop::collection::btree_set(1_i64..=180, 0..40), exit in 20_i64..=180, policy in policy(),
    ) {
        let student = Student::default().enrolled("100", 1, Some(exit)).absent(absent);
        let reference = reference(180);
        let answer = evaluate(&student.registers, &reference, &policy, YEAR, day(180)).answer;
        let left = answer.days_left.expect("enrolled, with a calendar");
        let reaches = |k: u32| {
            let line = policy.enter().parts_per_10_000() * 2 * exit as u32;
            (answer.absent_half_days + 2 * k) * 10_000 >= line
        };
        prop_assert!(reaches(left) && (left == 0 || !reaches(left - 1)));
    }
}
