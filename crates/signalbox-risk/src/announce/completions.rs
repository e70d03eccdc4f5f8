//! What is decided with unknown days, against every way those days may have been.

use proptest::prelude::*;

use super::tests::told;
use super::*;
use crate::indicators::{Absences, Counts, Episode, Evaluation};
use crate::observation::Category;
use crate::reference::Reference;
use crate::student::{Student, YEAR, day, reference};
use crate::{ChronicAbsence, HalfDay, Ratio};

const MAX_UNKNOWN: usize = 12;

/// A school year so far, day by day; `None` is unknown.
type Days = Vec<Option<Category>>;

fn days() -> impl Strategy<Value = Days> {
    let known = || {
        let category = [Category::Present, Category::AbsentUnexcused, Category::AbsentHalfDay];
        prop_oneof![4 => Just(category[0]), 1 => Just(category[1]), 1 => Just(category[2])]
    };
    let year = prop::collection::vec(known().prop_map(Some), 1..50);
    (year, prop::collection::btree_set(0_usize..50, 0..=MAX_UNKNOWN)).prop_map(|(mut year, unknown)| {
        for at in unknown {
            if let Some(day) = year.get_mut(at) {
                *day = None;
            }
        }
        year
    })
}

fn policy() -> impl Strategy<Value = ChronicAbsence> {
    let half_day = prop_oneof![Just(HalfDay::Whole), Just(HalfDay::Half)];
    (200_u32..3500, 50_u32..=100, 1_u32..25, half_day).prop_map(|(enter, share, min_days, half_day)| {
        let ratio = |parts| Ratio::from_parts_per_10_000(parts).expect("below 100 %");
        ChronicAbsence::new(ratio(enter), ratio(enter * share / 100), min_days, half_day).expect("sound")
    })
}

fn evaluation(days: &Days, policy: &ChronicAbsence, reference: &Reference) -> Evaluation {
    let student = days.iter().zip(1..).fold(Student::new(), |student, (category, number)| {
        student.row("100", number, Some(category.unwrap_or(Category::Unknown)))
    });
    crate::evaluate(&student.registers, reference, policy, YEAR, day(days.len() as i64))
}

/// The episodes of every completion.
fn completions(days: &Days, policy: &ChronicAbsence, reference: &Reference) -> Vec<Vec<Episode>> {
    let unknown: Vec<usize> = (0..days.len()).filter(|at| days[*at].is_none()).collect();
    let ways = 0_u32..1 << unknown.len();
    let complete = |way: u32| {
        let mut days = days.clone();
        for (bit, at) in unknown.iter().enumerate() {
            let is_absent = way >> bit & 1 == 1;
            days[*at] = Some(if is_absent { Category::AbsentUnexcused } else { Category::Present });
        }
        evaluation(&days, policy, reference).episodes
    };
    ways.map(complete).collect()
}

fn live_flag(start: Date, until: Date) -> Announced {
    let flag = Flag {
        number: 1,
        state: FlagState::Open,
        start,
        until,
        measured: Absences {
            counts: Counts { absent_half_days: 4, expected_days: 20 },
            unknown_days: 0,
            dates: vec![start],
        }
        .keep(),
        acknowledgement: None,
        history: Vec::new(),
        unconfirmed: false,
    };
    Announced { flags: vec![flag] }
}

fn is_open(episodes: &[Episode]) -> bool {
    episodes.iter().any(|episode| episode.end.is_none())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn raise_clear_withdraw_and_stay_agree_with_every_completion(
        days in days(), policy in policy(), flag in prop::option::of((1_i64..50, 0_i64..20)),
    ) {
        let reference = reference(days.len() as i64);
        let every = completions(&days, &policy, &reference);
        let all_open = every.iter().all(|episodes| is_open(episodes));
        let mut announced = flag.map_or_else(Announced::default, |(at, length)| {
            live_flag(day(at), day(at + length))
        });
        let mut expected = Vec::new();
        let mut is_claimed = false;
        let before = announced.clone();
        if let Some(flag) = before.flag(1) {
            let overlapping: Vec<Episode> = every.concat().into_iter().filter(|episode| {
                episode.start <= flag.until && episode.end.is_none_or(|end| end >= flag.start)
            }).collect();
            is_claimed = is_open(&overlapping);
            if overlapping.is_empty() {
                expected.push((1, FlagChangeKind::Withdrawn));
            } else if !is_claimed {
                expected.push((1, FlagChangeKind::Cleared));
            }
        }
        if all_open && !is_claimed {
            expected.push((before.flags.len() as u32 + 1, FlagChangeKind::Raised));
        }

        let evaluation = evaluation(&days, &policy, &reference);
        let changes = announce(&evaluation, &mut announced, Timestamp::UNIX_EPOCH);
        let said: Vec<_> = changes.iter().map(|change| (change.number, change.kind)).collect();
        prop_assert_eq!(said, expected);
        prop_assert_eq!(announce(&evaluation, &mut announced, Timestamp::UNIX_EPOCH), []);

        if let (Some(was), Some(flag)) = (before.flag(1), announced.flag(1))
            && is_claimed
        {
            prop_assert_eq!(flag.unconfirmed, !all_open);
            let as_told = Flag { unconfirmed: !all_open, ..was.clone() };
            prop_assert!(all_open || *flag == as_told);
            prop_assert!(!all_open || told(flag).counts == evaluation.answer.counts());
        }
    }
}
