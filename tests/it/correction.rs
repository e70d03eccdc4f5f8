//! The office corrects an absence: the flag is taken back under its own id, once.

use crate::district::District;
use crate::drops::through;
use crate::receiver::Receiver;

#[test]
fn a_correction_withdraws_the_flag_once_under_the_same_id() {
    let receiver = Receiver::start();
    let mut district = District::telling(&receiver);
    district.enroll(&[1000, 1001]);
    district.attend(&[(1001, 3, "A"), (1001, 4, "A"), through(20)]);
    district.up();
    let flag = district.flags()[0]["flag_id"].as_str().expect("an id").to_owned();

    district.attend(&[(1001, 3, "A"), through(20)]);
    let status = district.up();
    assert_eq!((&status["flags"]["open"], &status["flags"]["withdrawn"]), (&0.into(), &1.into()));
    let flags = district.flags();
    assert_eq!(flags.len(), 1);
    assert_eq!((&flags[0]["flag_id"], &flags[0]["state"]), (&flag.as_str().into(), &"withdrawn".into()));

    district.attend(&[(1001, 3, "A"), through(20)]);
    district.up();
    assert_eq!(receiver.kinds(), ["risk.flag.raised", "risk.flag.withdrawn"]);
    for delivery in receiver.deliveries() {
        assert_eq!(delivery.json()["data"]["flag_id"], flag.as_str());
    }
    let withdrawn = &receiver.deliveries()[1].json()["data"];
    assert!(withdrawn.to_string().contains("2021-08-26"), "says which day was corrected: {withdrawn}");

    let explained = district.json(&["explain", &flag, "--verify"]);
    let history = explained["history"].as_array().expect("a history");
    let kinds: Vec<_> = history.iter().map(|entry| entry["kind"].as_str().expect("a kind")).collect();
    assert_eq!(kinds, ["raised", "corrected", "withdrawn"]);
    assert_eq!(explained["verified"], true, "{explained}");
}

/// After a withdrawal the next raise is another flag.
#[test]
fn the_next_raise_has_a_new_id() {
    let mut district = District::new();
    district.enroll(&[1000, 1001]);
    let (full, corrected) =
        (vec![(1001, 3, "A"), (1001, 4, "A"), through(20)], vec![(1001, 3, "A"), through(20)]);
    for rows in [&full, &corrected, &full] {
        district.attend(rows);
        district.up();
    }
    let flags = district.flags();
    let mut states: Vec<_> = flags.iter().map(|flag| flag["state"].as_str().expect("a state")).collect();
    states.sort_unstable();
    assert_eq!(states, ["open", "withdrawn"]);
    assert_ne!(flags[0]["flag_id"], flags[1]["flag_id"]);
}

/// A changed row that still is an absence changes the reasons and takes nothing back.
#[test]
fn an_absence_that_becomes_excused_keeps_its_flag() {
    let receiver = Receiver::start();
    let mut district = District::telling(&receiver);
    district.enroll(&[1000, 1001]);
    for code in ["A", "E"] {
        district.attend(&[(1001, 3, "A"), (1001, 4, code), through(20)]);
        district.up();
    }
    assert_eq!(receiver.kinds(), ["risk.flag.raised"]);
    assert_eq!(district.status()["flags"]["open"], 1);
}
