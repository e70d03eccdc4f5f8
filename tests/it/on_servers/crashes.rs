//! A process dies at every dangerous place, while others do its work or another part of it.

use std::collections::BTreeSet;

use super::{end, pass_over};
use crate::crash::{NOW_AFTER_DEATH, TOLD_TUESDAY, Week, failpoints, survived_among};
use crate::district::Up;

/// Two processes fold beside the one that dies.
fn play(week: &mut Week, failpoint: &str, hit: u32) {
    week.drop_sunday();
    week.district.up();
    week.turn_live();
    let risk = [week.district.start_run(&["risk"]), week.district.start_run(&["risk"])];
    week.run_from_live_to_tuesday(&["up"], (failpoint, hit));
    week.finish();
    risk.into_iter().for_each(end);
}

/// How often a week is played whose process does not come to its failpoint: which of several folds what is chance.
const TRIES: usize = 3;

/// The failpoints at which no process died.
fn survived(play: impl Fn(&mut Week, &str) + Sync) -> BTreeSet<String> {
    (0..TRIES).fold(failpoints(), |left, _| survived_among(left, &play))
}

/// Which of the three relays is chance, and in a quiet week one of them may not come to it.
fn assert_passed(survived: &BTreeSet<String>) {
    let by_one_process = BTreeSet::from(["relay".to_owned()]);
    assert!(survived.is_subset(&by_one_process), "{survived:?} are passed by nobody");
}

#[test]
fn death_beside_others_at_the_first_hit_of_every_failpoint_changes_nothing() {
    if !pass_over("crashes") {
        assert_passed(&survived(|week, failpoint| play(week, failpoint, 1)));
    }
}

#[test]
fn death_beside_others_at_the_second_hit_of_every_failpoint_changes_nothing() {
    if !pass_over("crashes") {
        assert_passed(&survived(|week, failpoint| play(week, failpoint, 2)));
    }
}

/// The role that comes to a failpoint.
fn role(failpoint: &str) -> &'static str {
    match failpoint {
        "land" | "run.open" | "run.gate" | "append" | "ledger" | "run.end" | "run.close" => "ingest",
        "poll" | "state.commit" | "relay" => "risk",
        "bundle" | "outbox.claim" | "attempt" | "settle" => "deliver",
        other => panic!("no role is known to come to {other}"),
    }
}

/// Each role in a process of its own, risk in two; the process of one role dies.
fn play_in_roles(week: &mut Week, failpoint: &str, hit: u32) {
    week.drop_sunday();
    week.district.up();
    week.turn_live();
    let dying = role(failpoint);
    let mut others = vec!["ingest", "risk", "risk", "deliver"];
    others.remove(others.iter().position(|role| *role == dying).expect("it is one of them"));
    let mut others: Vec<Up> = others.into_iter().map(|role| start(week, role)).collect();
    week.run_from_live_to_tuesday(&["run", dying], (failpoint, hit));
    if dying != "deliver" {
        // What it tells it settles, so that it is not told again in the end.
        others.pop().into_iter().for_each(end);
    }
    week.finish();
    others.into_iter().for_each(end);
    if dying != "deliver" {
        assert_eq!(week.deliveries(), [TOLD_TUESDAY; 2], "each once, with a crash at {failpoint}");
    }
}

/// What a process decides that was started again is due by its clock, so the clock of delivery is no earlier.
fn start(week: &mut Week, role: &str) -> Up {
    let now = week.district.now.clone();
    if role == "deliver" {
        NOW_AFTER_DEATH.clone_into(&mut week.district.now);
    }
    let process = week.district.start_run(&[role]);
    week.district.now = now;
    process
}

/// Also `relay` by the one of two: on Monday and on Tuesday flags change on the first shard and on the last.
#[test]
fn death_of_a_role_at_the_first_hit_of_every_failpoint_changes_nothing() {
    if !pass_over("crashes") {
        let survived = survived(|week, failpoint| play_in_roles(week, failpoint, 1));
        assert_eq!(survived, BTreeSet::new(), "every failpoint is passed by its role");
    }
}

#[test]
fn death_of_a_role_at_the_second_hit_of_every_failpoint_changes_nothing() {
    if !pass_over("crashes") {
        assert_passed(&survived(|week, failpoint| play_in_roles(week, failpoint, 2)));
    }
}
