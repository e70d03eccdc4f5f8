//! A process dies at every dangerous place, while two others share the shards with it.

use std::collections::BTreeSet;

use super::{end, pass_over};
use crate::crash::{Week, survived};

/// As many weeks at a time.
const BESIDE: usize = 7;

/// Two processes fold beside the one that dies.
fn play(week: &mut Week, failpoint: &str, hit: u32) {
    week.drop_sunday();
    week.district.up();
    week.turn_live();
    let risk = [week.district.start_run(&["risk"]), week.district.start_run(&["risk"])];
    week.run_from_live_to_tuesday((failpoint, hit));
    risk.into_iter().for_each(end);
}

/// Which of the three relays is chance, and in a quiet week one of them may not come to it.
fn assert_passed(survived: &BTreeSet<String>) {
    let by_one_process = BTreeSet::from(["relay".to_owned()]);
    assert!(survived.is_subset(&by_one_process), "{survived:?} are passed by nobody");
}

#[test]
fn death_beside_others_at_the_first_hit_of_every_failpoint_changes_nothing() {
    if !pass_over("crashes") {
        assert_passed(&survived(BESIDE, |week, failpoint| play(week, failpoint, 1)));
    }
}

#[test]
fn death_beside_others_at_the_second_hit_of_every_failpoint_changes_nothing() {
    if !pass_over("crashes") {
        assert_passed(&survived(BESIDE, |week, failpoint| play(week, failpoint, 2)));
    }
}
