//! Flags beside unknown days.

use super::tests::{kinds, raised, tell, told};
use super::*;
use crate::indicators::Counts;
use crate::observation::Category::{AbsentExcused, Present, Unknown};
use crate::student::{Student, reference};

/// Two of three days of evidence become unreadable: 1 of 18 known days, and 3 of 20 may still be.
#[test]
fn unreadable_evidence_leaves_a_flag_as_it_was_told_until_it_can_be_read() {
    let student = Student::new().absent([16, 18, 19]);
    let mut announced = Announced::default();
    tell(&mut announced, &student.evaluate(&reference(20), 20));
    let told = announced.flags()[0].clone();
    let unreadable = student.row("100", 18, Some(Unknown)).row("100", 19, Some(Unknown));
    assert_eq!(tell(&mut announced, &unreadable.evaluate(&reference(21), 21)), []);
    assert_eq!(announced.flags()[0], Flag { unconfirmed: true, ..told.clone() });

    let mut healed = announced.clone();
    let readable = unreadable.clone().absent([18, 19]);
    assert_eq!(tell(&mut healed, &readable.evaluate(&reference(20), 20)), []);
    assert_eq!(healed.flags(), [told]);

    let corrected = unreadable.row("100", 18, Some(Present)).row("100", 19, Some(Present));
    let changes = tell(&mut announced, &corrected.evaluate(&reference(21), 21));
    assert_eq!(changes, [(1, FlagChangeKind::Withdrawn)]);
    assert!(!announced.flags()[0].unconfirmed);
}

#[test]
fn a_flag_is_cleared_only_when_no_unknown_day_could_keep_it() {
    let (student, mut announced) = raised();
    let unknown = student.row("100", 21, Some(Unknown));
    assert_eq!(tell(&mut announced, &unknown.evaluate(&reference(23), 23)), []);
    assert!(announced.flags()[0].unconfirmed, "2 of 23, or 3 of 23");
    assert_eq!(tell(&mut announced, &unknown.evaluate(&reference(33), 33)), []);
    assert_eq!(tell(&mut announced, &unknown.evaluate(&reference(34), 34)), [(1, FlagChangeKind::Cleared)]);
    assert_eq!(kinds(&announced, 1), [HistoryKind::Raised, HistoryKind::Cleared]);
}

#[test]
fn nobody_is_flagged_because_of_days_that_may_have_been_present() {
    let student =
        Student::new().absent([24, 28, 31]).row("100", 20, Some(Unknown)).row("100", 21, Some(Unknown));
    let mut announced = Announced::default();
    assert_eq!(tell(&mut announced, &student.evaluate(&reference(31), 31)), []);
    let absent = student.row("100", 20, Some(AbsentExcused));
    assert_eq!(tell(&mut announced, &absent.evaluate(&reference(31), 31)), [(1, FlagChangeKind::Raised)]);
    assert_eq!(told(&announced.flags()[0]).counts, Counts { absent_half_days: 8, expected_days: 30 });
}

/// Low closes and opens again later, high never closes: one flag all along, which keeps where it began.
#[test]
fn a_flag_claims_what_may_be_the_same_episode() {
    let (student, mut announced) = raised();
    let unknown = student.row("100", 21, Some(Unknown)).row("100", 22, Some(Unknown)).absent([25, 26]);
    assert_eq!(tell(&mut announced, &unknown.evaluate(&reference(26), 26)), []);
    let flag = &announced.flags()[0];
    assert_eq!((flag.start, flag.until), (crate::student::day(20), crate::student::day(26)));
    assert!(!flag.unconfirmed);
}

/// The day that it was raised for is none any more; an unknown one may have been, and later ones certainly are. Deciding again
/// says the same.
#[test]
fn a_flag_goes_on_since_the_day_that_is_certain() {
    let student = Student::new().absent([18, 20]);
    let mut announced = Announced::default();
    tell(&mut announced, &student.evaluate(&reference(20), 20));
    let mended = student.row("100", 20, Some(Present)).row("100", 19, Some(Unknown)).absent([22, 25]);
    for _ in 0..2 {
        assert_eq!(tell(&mut announced, &mended.evaluate(&reference(25), 25)), []);
        let flag = &announced.flags()[0];
        assert_eq!((flag.start, flag.unconfirmed), (crate::student::day(25), false));
    }
}
