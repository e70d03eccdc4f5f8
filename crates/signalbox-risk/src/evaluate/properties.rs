//! Properties over random students: the order of arrival, and a slow walk written day by day as the oracle.

use jiff::civil::Date;
use proptest::prelude::*;
use proptest::sample::{Index, subsequence};

use super::*;
use crate::observation::{Category, Enrollment, Fact, Observation};
use crate::student::{Student, YEAR, build, calendar, day, reference};
use crate::{DateRanges, HalfDay, Ratio, Rows};

const SCHOOLS: [&str; 3] = ["100", "050", "200"];
const FEEDS: [&str; 3] = ["att", "office", "unlisted"];

fn school() -> impl Strategy<Value = &'static str> {
    prop_oneof![4 => Just(SCHOOLS[0]), 1 => Just(SCHOOLS[1]), 1 => Just(SCHOOLS[2])]
}

fn attendance() -> impl Strategy<Value = Observation<'static>> {
    let category = prop::option::weighted(0.9, prop::sample::select(Category::ALL.to_vec()));
    (0..FEEDS.len(), school(), -3_i64..60, 1_u64..4, category).prop_map(
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
        build(builder)
    }

    fn silence(&self, school: &str, date: Date) -> Option<Rows> {
        let at = SCHOOLS.iter().position(|held| *held == school).expect("one of them");
        (0..2).find(|feed| self.covered[*feed][at].contains(date)).map(|feed| self.rows[feed])
    }
}

fn world() -> impl Strategy<Value = World> {
    let rows = || prop_oneof![3 => Just(Rows::Exceptions), 1 => Just(Rows::EveryDay)];
    let covered = prop::collection::vec(prop::collection::vec(ranges(), 3), 2);
    ([rows(), rows()], covered).prop_map(|(rows, covered)| World { rows, covered })
}

fn policy() -> impl Strategy<Value = Policy> {
    let half_day = prop_oneof![Just(HalfDay::Whole), Just(HalfDay::Half)];
    (1_u32..3000, 0_u32..=100, 1_u32..30, half_day).prop_map(|(enter, share, min_days, half_day)| {
        let ratio = |parts| Ratio::from_parts_per_10_000(parts).expect("below 100 %");
        Policy::new(ratio(enter), ratio(enter * share / 100), min_days, half_day).expect("sound")
    })
}

fn registers(observations: &[Observation<'_>]) -> Registers {
    let mut registers = Registers::default();
    for observation in observations {
        registers.apply(observation);
    }
    registers
}

/// (absent half-days, known, unknown, episodes), one date after the other, straight from the definition.
fn oracle(registers: &Registers, world: &World, policy: &Policy, as_of: Date) -> (Counts, u32, Vec<Episode>) {
    let (mut counts, mut unknown, mut episodes) = (Counts::default(), 0, Vec::<Episode>::new());
    for date in (1..=180).map(day).filter(|date| *date <= as_of) {
        let mut is_known = false;
        for category in SCHOOLS.iter().filter_map(|school| expected(registers, world, school, date)) {
            match policy.absent_half_days(category) {
                None => unknown += 1,
                Some(half_days) => {
                    is_known = true;
                    counts.expected_days += 1;
                    counts.absent_half_days += half_days;
                }
            }
        }
        if is_known {
            step(&mut episodes, counts, policy, date);
        }
    }
    (counts, unknown, episodes)
}

fn step(episodes: &mut Vec<Episode>, counts: Counts, policy: &Policy, date: Date) {
    let absent = counts.absent_half_days * 10_000;
    let line = |ratio: Ratio| ratio.parts_per_10_000() * 2 * counts.expected_days;
    match episodes.last_mut().filter(|episode| episode.end.is_none()) {
        Some(open) if absent < line(policy.leave()) => open.end = Some(date),
        None if counts.expected_days >= policy.min_days() && absent >= line(policy.enter()) => {
            episodes.push(Episode { start: date, end: None });
        }
        _ => {}
    }
}

fn expected(registers: &Registers, world: &World, school: &str, date: Date) -> Option<Category> {
    let is_enrolled = registers.live_enrollments().any(|live| {
        let Enrollment { school: at, entry, exit, .. } = live.enrollment;
        at == school && entry <= date && exit.is_none_or(|exit| date <= exit)
    });
    let silence = world.silence(school, date).filter(|_| is_enrolled)?;
    let row = FEEDS[..2].iter().find_map(|feed| {
        let mut rows = registers.live_attendance();
        rows.find(|row| row.feed == *feed && row.school == school && row.date == date)
    });
    Some(match (row, silence) {
        (Some(row), _) => row.category,
        (None, Rows::Exceptions) => Category::Present,
        (None, Rows::EveryDay) => Category::Unknown,
    })
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
        let bytes = |registers: &Registers| postcard::to_stdvec(registers).expect("serialises");
        prop_assert_eq!(bytes(&straight), bytes(&shuffled));
        let (reference, policy) = (world.reference(), Policy::default());
        prop_assert_eq!(
            evaluate(&straight, &reference, &policy, YEAR, day(as_of)),
            evaluate(&shuffled, &reference, &policy, YEAR, day(as_of))
        );
    }

    #[test]
    fn i19_registers_survive_a_stop_anywhere(observations in observations(), at in any::<Index>()) {
        let (before, after) = observations.split_at(at.index(observations.len() + 1));
        let bytes = postcard::to_stdvec(&registers(before)).expect("serialises");
        let mut resumed: Registers = postcard::from_bytes(&bytes).expect("just written");
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
        let (counts, unknown, episodes) = oracle(&registers, &world, &policy, day(as_of));
        prop_assert_eq!(evaluation.answer.counts(), counts);
        prop_assert_eq!(evaluation.answer.unknown_days, unknown);
        prop_assert_eq!(evaluation.episodes, episodes);
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
