//! The rows of one school wait for a person, and the nights go on: the same wrong export lets nothing go that waits, and the
//! next good one needs nobody.

use serde_json::Value;

use crate::district::{District, last_run};
use crate::drops::Row;

/// The 30 students of school 200 with a row each, those of school 100 with 120; school day 20 is the newest.
fn nightly(night: u32, shifted_by: u32) -> Vec<Row> {
    let at_100 = (0..120).map(|n| (1000 + n % 30, 1 + (n / 30) as usize * 5 + n as usize % 4, "A"));
    let at_200 = (0..30).map(move |n| (2000 + n + shifted_by, 2 + n as usize % 17, "A"));
    at_100.chain(at_200).chain([(1000, 20, "T"), (2000, 20, "T"), (1010 + night, 20, "T")]).collect()
}

fn loaded() -> District {
    let mut district = District::new();
    district.enroll(&(1000..1030).chain(2000..2040).collect::<Vec<_>>());
    district.attend(&nightly(0, 0));
    assert_eq!(last_run(&district.up(), "attendance")["reject"], 0);
    district
}

/// What everybody at school 200 is said to be.
fn answers(district: &District) -> Vec<Value> {
    (2000..2031).map(|id| district.answer(id)["value"].clone()).collect()
}

#[track_caller]
fn waits(district: &District, status: &Value, feed: &str) {
    let run = last_run(status, feed);
    assert_eq!(
        (&status["holds"], &run["end"], &run["hold"]["reason"]),
        (&1.into(), &0.into(), &"school".into())
    );
    assert_eq!(district.holds().len(), 1);
}

#[test]
fn the_same_wrong_file_again_ends_nothing_that_waits() {
    for person in [None, Some("refuse")] {
        let mut district = loaded();
        let true_values = answers(&district);
        for night in 1..4 {
            district.attend(&nightly(night, 7));
            let status = district.up();
            waits(&district, &status, "attendance");
            if let Some(verb) = person {
                let id = district.holds()[0]["id"].as_str().expect("an id").to_owned();
                district.run(&["holds", verb, &id, "--by", "Pat", "--reason", "wrong ids"]).exit(0);
            }
        }
        // Whoever is away by a right row is; the next good file takes the wrong ones back and asks nobody.
        district.attend(&nightly(4, 0));
        let status = district.up();
        assert_eq!((&status["holds"], &last_run(&status, "attendance")["hold"]), (&0.into(), &Value::Null));
        assert_eq!(answers(&district), true_values);
        district.attend(&nightly(5, 0));
        assert_eq!(last_run(&district.up(), "attendance")["hold"], Value::Null);
        assert_eq!(answers(&district), true_values);
    }
}

#[test]
fn what_is_approved_after_some_nights_ends() {
    let mut district = loaded();
    for night in 1..3 {
        district.attend(&nightly(night, 7));
        district.up();
    }
    let id = district.holds()[0]["id"].as_str().expect("an id").to_owned();
    district.run(&["holds", "approve", &id, "--by", "Pat", "--reason", "they were wrong"]).exit(0);
    let status = district.up();
    assert_eq!(status["holds"], 0, "{status}");
    district.attend(&nightly(3, 7));
    let status = district.up();
    assert_eq!(
        (&status["holds"], &last_run(&status, "attendance")["end"]),
        (&0.into(), &0.into()),
        "{status}"
    );
    assert_eq!(district.answer(2000)["value"], "0/20");
}

/// So few that only the whole of them waits.
#[test]
fn a_small_school_whose_ids_change_waits_every_night() {
    let mut district = District::new();
    let (others, small): (Vec<u32>, Vec<u32>) = ((1000..1300).collect(), (3000..3009).collect());
    let renumbered: Vec<u32> = small.iter().map(|id| id + 500).collect();
    let with = |small: &[u32]| [&others[..], small].concat();
    district.enroll(&with(&small));
    district.up();
    for _ in 0..3 {
        district.enroll(&with(&renumbered));
        let status = district.up();
        waits(&district, &status, "enrollment");
    }
    district.enroll(&with(&small));
    let status = district.up();
    assert_eq!(
        (&status["holds"], &last_run(&status, "enrollment")["hold"]),
        (&0.into(), &Value::Null),
        "{status}"
    );
    let enrollments = district.json(&["student", "3000"])["enrollments"].clone();
    assert!(enrollments[0]["exit_date"].is_null(), "{enrollments}");
}

/// Nobody loses every row: nothing waits.
#[test]
fn students_who_keep_rows_are_not_lost() {
    let mut district = District::new();
    let students: Vec<u32> = (1000..1100).collect();
    district.enroll(&students);
    let all =
        || students.iter().flat_map(|id| (1..=10).map(move |day| (*id, day, "A"))).collect::<Vec<Row>>();
    district.attend(&[all(), vec![(1000, 20, "T")]].concat());
    district.up();
    let kept = all().into_iter().filter(|(id, day, _)| id % 20 != 0 || day % 3 != 0);
    district.attend(&kept.chain([(1000, 20, "T")]).collect::<Vec<_>>());
    let status = district.up();
    let run = last_run(&status, "attendance");
    assert_eq!((&run["hold"], &run["end"]), (&Value::Null, &15.into()), "{status}");
}

/// A variable that was not set is nobody's beginning.
#[test]
fn a_blank_id_decides_nothing() {
    let mut district = loaded();
    district.attend(&nightly(1, 7));
    district.up();
    let decided = district.run(&["holds", "approve", "", "--by", "Pat", "--reason", "looked at it"]).exit(2);
    assert!(decided.failure()[0].contains("no hold"), "{decided:?}");
    assert_eq!(district.holds().len(), 1);
    district.run(&["alerts", "resend", "", "--by", "Pat", "--reason", "looked at it"]).exit(2);
}

/// What came with the wrong file goes with the next good one; what came since does not go unasked.
#[test]
fn right_rows_that_came_while_a_school_waited_are_no_less() {
    let mut district = loaded();
    let since =
        |night: u32| (1..=night).flat_map(|day| (2031..2039).map(move |id| (id, 20 + day as usize, "A")));
    for night in 1..6 {
        district.attend(&nightly(night, 7).into_iter().chain(since(night)).collect::<Vec<_>>());
        district.later(24 * 60);
        let status = district.up();
        waits(&district, &status, "attendance");
    }
    // The old rows are right again, and the new ones are gone: that is another loss.
    let through_26 = [(1000, 26, "T"), (2000, 26, "T")];
    district.attend(&[&nightly(6, 0)[..], &through_26].concat());
    let status = district.up();
    let hold = &last_run(&status, "attendance")["hold"];
    assert_eq!((&hold["reason"], &hold["would_end"]), (&"school".into(), &70.into()), "{status}");
    district.attend(&nightly(7, 0).into_iter().chain(since(6)).collect::<Vec<_>>());
    let status = district.up();
    assert_eq!(
        (&status["holds"], &last_run(&status, "attendance")["hold"]),
        (&0.into(), &Value::Null),
        "{status}"
    );
    assert_eq!(district.answer(2031)["value"], "6/26");
}

/// Wrong rows whose code changed meanwhile are wrong all the same.
#[test]
fn wrong_rows_that_change_go_with_the_good_file() {
    let mut district = loaded();
    let true_values = answers(&district);
    district.attend(&nightly(1, 7));
    district.up();
    let excused = nightly(2, 7).into_iter().map(|(id, day, code)| match (id, code) {
        (2000.., "A") => (id, day, "E"),
        _ => (id, day, code),
    });
    district.attend(&excused.collect::<Vec<_>>());
    district.up();
    district.attend(&nightly(3, 0));
    let status = district.up();
    assert_eq!(
        (&status["holds"], &last_run(&status, "attendance")["hold"]),
        (&0.into(), &Value::Null),
        "{status}"
    );
    assert_eq!(answers(&district), true_values);
}

/// The few rows of a small school stand on without anybody being asked; once they are gone for good, nobody is asked either.
#[test]
fn who_was_never_asked_about_is_not_asked_about_later() {
    let mut district = loaded();
    district.enroll(&(1000..1030).chain(2000..2040).chain(3000..3005).collect::<Vec<_>>());
    district.attend(&[nightly(1, 0), vec![(3000, 18, "A")]].concat());
    district.up();
    district.attend(&nightly(2, 0));
    assert_eq!(last_run(&district.up(), "attendance")["end"], 0, "it stands on");
    district.attend(&[nightly(3, 0), vec![(3001, 20, "A")]].concat());
    let status = district.up();
    let run = last_run(&status, "attendance");
    assert_eq!((&run["hold"], &run["end"]), (&Value::Null, &1.into()), "{status}");
}
