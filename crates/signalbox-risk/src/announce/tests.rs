use proptest::prelude::*;

use super::*;
use crate::indicators::{Absences, ChronicAbsence, Counts, Episode, Evaluation, Settings};
use crate::observation::Category::{self, AbsentExcused, Present};
use crate::reference::{Reference, Rows};
use crate::student::{Student, build, calendar, day, reference, with_feeds};

pub(super) fn now() -> Timestamp {
    "2026-09-21T23:10:02Z".parse().expect("a timestamp")
}

/// Announces and checks that saying it again says nothing.
#[track_caller]
pub(super) fn tell(announced: &mut Announced, evaluation: &Evaluation) -> Vec<(u32, FlagChangeKind)> {
    let changes = announce(evaluation, announced, now());
    let before = announced.clone();
    assert_eq!(announce(evaluation, announced, now()), []);
    assert_eq!(*announced, before);
    changes.into_iter().map(|change| (change.number, change.kind)).collect()
}

/// What a flag was told with.
pub(super) fn told(flag: &Flag) -> &Absences {
    Absences::of(&flag.measured).expect("a flag of chronic absence")
}

pub(super) fn kinds(announced: &Announced, number: u32) -> Vec<HistoryKind> {
    let flag = announced.flag(number).expect("announced");
    flag.history.iter().map(|entry| entry.kind).collect()
}

/// Absent on days 18 and 19, announced on day 20.
pub(super) fn raised() -> (Student, Announced) {
    let student = Student::new().absent([18, 19]);
    let mut announced = Announced::default();
    let changes = tell(&mut announced, &student.evaluate(&reference(20), 20));
    assert_eq!(changes, [(1, FlagChangeKind::Raised)]);
    (student, announced)
}

#[test]
fn a_raise_says_why() {
    let student = Student::new().absent([18, 19]);
    let mut announced = Announced::default();
    let changes = announce(&student.evaluate(&reference(20), 20), &mut announced, now());
    let reason = "Absent 2 of 20 school days (10.0 %); the line is 10 %.".to_owned();
    assert_eq!(changes, [FlagChange { number: 1, kind: FlagChangeKind::Raised, reason: reason.clone() }]);
    let flag = announced.flag(1).expect("announced");
    assert_eq!((flag.state, flag.start, flag.until), (FlagState::Open, day(20), day(20)));
    assert_eq!(told(flag).dates, [day(18), day(19)]);
    assert_eq!(flag.history, [HistoryEntry { at: now(), kind: HistoryKind::Raised, text: reason }]);
    assert_eq!(Settings::ChronicAbsence(ChronicAbsence::default()).reasons(flag)[0].value, "2/20");
}

#[test]
fn a_correction_withdraws_under_the_same_number() {
    let (student, mut announced) = raised();
    let corrected = student.row("100", 19, Some(Present));
    let changes = announce(&corrected.evaluate(&reference(21), 21), &mut announced, now());
    let reason = "2026-09-17 no longer counts as absent. \
                  As known now: absent 1 of 21 school days (4.8 %); the line is 10 %.";
    let reason = reason.to_owned();
    assert_eq!(changes, [FlagChange { number: 1, kind: FlagChangeKind::Withdrawn, reason }]);
    let flag = announced.flag(1).expect("announced");
    assert_eq!((flag.state, told(flag).counts.expected_days), (FlagState::Withdrawn, 20), "as it was told");
    assert_eq!(kinds(&announced, 1), [HistoryKind::Raised, HistoryKind::Corrected, HistoryKind::Withdrawn]);
    assert_eq!(flag.history[1].text, "2026-09-17 no longer counts as absent.");
}

#[test]
fn a_correction_below_the_minimum_of_days_withdraws_too() {
    let (student, mut announced) = raised();
    let entry = Some(crate::Enrollment { school: "100", entry: day(2), exit: None, grade: None });
    let key = format!("100-{}", day(1));
    let corrected = student.tell("sis", crate::Fact::Enrollment { key: &key, value: entry });
    let evaluation = corrected.evaluate(&reference(20), 20);
    assert!(!evaluation.lacks_data());
    assert_eq!(tell(&mut announced, &evaluation), [(1, FlagChangeKind::Withdrawn)]);
    assert_eq!(kinds(&announced, 1)[1], HistoryKind::Corrected);
    let text = &announced.flags()[0].history[1].text;
    assert_eq!(
        text,
        "The school days behind this flag changed: \
         2 of 20 school days (10.0 %), now 2 of 19 school days (10.5 %)."
    );
}

#[test]
fn a_changed_policy_withdraws_without_a_correction() {
    let (student, mut announced) = raised();
    let strict = ChronicAbsence::new(
        "20%".parse().expect("valid"),
        "9%".parse().expect("valid"),
        20,
        crate::HalfDay::Whole,
    );
    let strict = strict.expect("sound");
    let evaluation = crate::evaluate(&student.registers, &reference(20), &strict, 2027, day(20));
    assert_eq!(tell(&mut announced, &evaluation), [(1, FlagChangeKind::Withdrawn)]);
    assert_eq!(kinds(&announced, 1), [HistoryKind::Raised, HistoryKind::Withdrawn]);
}

#[test]
fn a_correction_that_leaves_the_flag_open_is_noted() {
    let student = Student::new().absent([17, 18, 19]);
    let mut announced = Announced::default();
    tell(&mut announced, &student.evaluate(&reference(20), 20));
    let corrected = student.row("100", 17, Some(Category::Tardy));
    assert_eq!(tell(&mut announced, &corrected.evaluate(&reference(21), 20)), []);
    assert_eq!(kinds(&announced, 1), [HistoryKind::Raised, HistoryKind::Corrected]);
    assert_eq!(told(&announced.flags()[0]).dates, [day(18), day(19)]);
}

#[test]
fn cleared_below_the_lower_line_then_raised_under_a_new_number() {
    let (student, mut announced) = raised();
    assert_eq!(tell(&mut announced, &student.evaluate(&reference(22), 22)), []);
    assert_eq!(announced.flags()[0].until, day(22));
    let changes = announce(&student.evaluate(&reference(24), 24), &mut announced, now());
    let reason = "Fell below 9 % on 2026-09-23. Absent 2 of 24 school days (8.3 %) now.".to_owned();
    assert_eq!(changes, [FlagChange { number: 1, kind: FlagChangeKind::Cleared, reason }]);
    assert_eq!((announced.flags()[0].state, announced.flags()[0].until), (FlagState::Cleared, day(23)));

    let worse = student.absent([25]);
    assert_eq!(tell(&mut announced, &worse.evaluate(&reference(25), 25)), [(2, FlagChangeKind::Raised)]);
    assert_eq!(announced.flags()[1].start, day(25));
    assert_eq!(announced.flags()[0].state, FlagState::Cleared);
}

#[test]
fn a_clear_and_a_raise_can_meet_in_one_run() {
    let (student, mut announced) = raised();
    let worse = student.absent([25]);
    assert_eq!(
        tell(&mut announced, &worse.evaluate(&reference(26), 26)),
        [(1, FlagChangeKind::Cleared), (2, FlagChangeKind::Raised)]
    );
}

#[test]
fn a_correction_that_undoes_a_clear_raises_a_new_number() {
    let (student, mut announced) = raised();
    tell(&mut announced, &student.evaluate(&reference(23), 23));
    let late = student.absent([15]);
    assert_eq!(tell(&mut announced, &late.evaluate(&reference(23), 23)), [(2, FlagChangeKind::Raised)]);
    assert_eq!(announced.flags()[1].start, day(20));
}

/// Days of several weeks may come at once: what is told of a flag that came off is of the day on which it did.
#[test]
fn a_clear_speaks_of_its_own_day() {
    let (student, mut announced) = raised();
    let again = student.absent([24, 25, 26]);
    let changes = announce(&again.evaluate(&reference(26), 26), &mut announced, now());
    let kinds: Vec<_> = changes.iter().map(|change| (change.number, change.kind)).collect();
    assert_eq!(kinds, [(1, FlagChangeKind::Cleared), (2, FlagChangeKind::Raised)]);
    let end = day(23);
    let told = format!(
        "Fell below 9 % on {end}, absent 2 of 23 school days (8.7 %). Absent 5 of 26 school days (19.2 %) now."
    );
    assert_eq!(changes[0].reason, told);
    let [cleared, raised] = announced.flags() else { panic!("two flags") };
    let of = |flag| {
        let reason = Settings::ChronicAbsence(ChronicAbsence::default()).reasons(flag).remove(0);
        (reason.value, reason.operator, reason.threshold, reason.evidence.len())
    };
    assert_eq!(of(cleared), ("2/23".into(), "<", "9%".into(), 2));
    assert_eq!(of(raised), ("5/26".into(), ">=", "10%".into(), 5));
}

#[test]
fn a_flag_keeps_its_number_while_its_episode_moves() {
    let student = Student::new().absent([21, 22, 23]);
    let mut announced = Announced::default();
    tell(&mut announced, &student.evaluate(&reference(25), 25));
    assert_eq!(announced.flags()[0].start, day(23));
    let earlier = student.absent([1, 2]);
    assert_eq!(tell(&mut announced, &earlier.evaluate(&reference(25), 25)), []);
    assert_eq!((announced.flags()[0].start, announced.flags().len()), (day(20), 1));
}

/// Both ends of an interval belong to it: an episode that ends on the day the flag starts overlaps it.
#[test]
fn intervals_that_share_one_day_overlap() {
    let student = Student::new().absent([21, 22, 23]);
    let mut announced = Announced::default();
    tell(&mut announced, &student.evaluate(&reference(23), 23));
    assert_eq!(announced.flags()[0].start, day(23));
    let present = [21, 22, 23].into_iter().fold(student, |student, at| student.row("100", at, Some(Present)));
    let evaluation = present.absent([1, 2]).evaluate(&reference(23), 23);
    let counts = Counts { absent_half_days: 4, expected_days: 23 };
    assert_eq!(
        evaluation.episodes,
        [Episode { start: day(20), end: Some(day(23)), counts, unknown_days: 0 }]
    );
    assert_eq!(tell(&mut announced, &evaluation), [(1, FlagChangeKind::Cleared)]);
}

#[test]
fn an_episode_that_ended_before_it_could_be_announced_stays_silent() {
    let student = Student::new().absent([18, 19]);
    let mut announced = Announced::default();
    let evaluation = student.evaluate(&reference(40), 40);
    assert_eq!(evaluation.episodes.len(), 1);
    assert_eq!(tell(&mut announced, &evaluation), []);
    assert_eq!(announced, Announced::default());
}

#[test]
fn absence_of_data_neither_raises_nor_clears() {
    let (student, announced) = raised();
    let no_calendar = build(Reference::builder("").attendance_feed("att", Rows::Exceptions));
    let no_coverage = build(Reference::builder("").default_calendar(calendar()));
    let gone = Student::default();
    let moved = Student::default().enrolled("100", 1, Some(20)).enrolled("300", 21, None).absent([18, 19]);
    for (student, reference) in [
        (&student, no_calendar),
        (&student, no_coverage),
        (&gone, reference(30)),
        (&moved, build(with_feeds(&[("att", Rows::Exceptions)], 30))),
    ] {
        let mut frozen = announced.clone();
        assert_eq!(tell(&mut frozen, &student.evaluate(&reference, 30)), []);
        let mut unconfirmed = announced.clone();
        unconfirmed.unconfirm();
        assert_eq!(frozen, unconfirmed);
        assert!(frozen.flags()[0].unconfirmed);
    }
}

#[test]
fn people_act_on_open_flags_only() {
    let (student, mut announced) = raised();
    assert_eq!(announced.acknowledge(2, "ortiz", None, now()), Err(ActError::NoSuchFlag));
    for _ in 0..2 {
        assert_eq!(announced.acknowledge(1, "ortiz", Some("called home"), now()), Ok(()));
    }
    assert_eq!(kinds(&announced, 1), [HistoryKind::Raised, HistoryKind::Acknowledged]);
    assert_eq!(announced.flags()[0].history[1].text, "Acknowledged by ortiz: called home");

    tell(&mut announced, &student.row("100", 19, None).evaluate(&reference(20), 20));
    assert_eq!(announced.acknowledge(1, "ortiz", Some("called home"), now()), Ok(()), "the same act again");
    let withdrawn = Err(ActError::NotOpen(FlagState::Withdrawn));
    assert_eq!(announced.acknowledge(1, "chen", None, now()), withdrawn);
    assert_eq!(announced.dismiss(1, "chen", None, now()), withdrawn);
}

#[test]
fn a_dismissed_flag_is_not_raised_again_for_the_same_episode() {
    let (student, mut announced) = raised();
    for _ in 0..2 {
        assert_eq!(announced.dismiss(1, "ortiz", None, now()), Ok(()));
    }
    assert_eq!(tell(&mut announced, &student.evaluate(&reference(22), 22)), []);
    assert_eq!(announced.flags()[0].state, FlagState::Dismissed);
    assert_eq!(tell(&mut announced, &student.evaluate(&reference(23), 23)), [(1, FlagChangeKind::Cleared)]);
}

#[test]
fn serde_keeps_what_was_announced_and_the_digest_leaves_out_the_clock() {
    let (_, announced) = raised();
    let bytes = postcard::to_stdvec(&announced).expect("serialises");
    assert_eq!(postcard::from_bytes(&bytes), Ok(announced.clone()));

    let digest = |announced: &Announced| {
        let mut bytes = Vec::new();
        announced.digest_into(&mut bytes);
        bytes
    };
    let mut later = announced.clone();
    later.flags[0].history[0].at = Timestamp::UNIX_EPOCH;
    assert_eq!(digest(&later), digest(&announced));
    later.flags[0].state = FlagState::Dismissed;
    assert_ne!(digest(&later), digest(&announced));
}

#[test]
fn a_year_that_is_over_ends_what_is_live_and_nothing_else() {
    let (student, mut announced) = raised();
    tell(&mut announced, &student.evaluate(&reference(23), 23));
    let worse = student.absent([25]);
    tell(&mut announced, &worse.evaluate(&reference(25), 25));
    assert_eq!(announced.dismiss(2, "ortiz", None, now()), Ok(()));
    assert!(announced.end_year(true, now()));
    let ended = announced.clone();
    assert!(!announced.end_year(true, now()));
    assert_eq!(announced, ended);
    let states: Vec<_> = announced.flags().iter().map(|flag| flag.state).collect();
    assert_eq!(states, [FlagState::Cleared, FlagState::Ended]);
    let last = announced.flags()[1].history.last().expect("it ended");
    assert_eq!((last.kind, last.text.as_str()), (HistoryKind::Ended, "The school year is over."));
}

proptest! {
    /// Whatever arrives in whatever order: numbers count up, at most one flag is live, a flag is live exactly
    /// while the walk is open, and what has ended is never touched again.
    #[test]
    fn i19_each_raise_is_later_open_cleared_or_withdrawn(
        steps in prop::collection::vec((1_i64..45, prop::option::of(any::<bool>()), 15_i64..45), 1..60),
    ) {
        let (mut student, mut announced) = (Student::new(), Announced::default());
        for (number, absent, covered) in steps {
            let value = absent.map(|absent| if absent { AbsentExcused } else { Present });
            student = student.row("100", number, value);
            let evaluation = student.evaluate(&reference(covered), covered);
            let before = announced.clone();
            tell(&mut announced, &evaluation);

            for (at, flag) in announced.flags().iter().enumerate() {
                prop_assert_eq!(flag.number as usize, at + 1);
                if let Some(ended) = before.flags().get(at).filter(|flag| !flag.state.is_live()) {
                    prop_assert_eq!(ended, flag);
                }
            }
            let is_open = evaluation.episodes.last().is_some_and(|episode| episode.end.is_none());
            let live = announced.flags().iter().filter(|flag| flag.state.is_live()).count();
            prop_assert_eq!(live, usize::from(is_open));
        }
    }
}
