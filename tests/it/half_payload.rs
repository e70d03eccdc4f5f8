//! I20: half a payload never raises, clears or ends anything.

use crate::district::District;
use crate::drops::through;
use crate::receiver::Receiver;

/// The process died after a file's events were in the log and before its run ended there.
fn in_mid_run(receiver: &Receiver) -> District {
    let mut district = District::telling(receiver);
    district.enroll(&[1000, 1001, 1002]);
    district.attend(&[(1001, 3, "A"), (1001, 4, "A"), through(20)]);
    district.up();
    district.attend(&[(1001, 3, "A"), (1002, 5, "A"), (1002, 6, "A"), through(20)]);
    assert!(district.up_dying_at("ledger", 1), "it died");
    district
}

#[test]
fn a_persons_act_in_mid_run_evaluates_nothing() {
    let receiver = Receiver::start();
    let district = in_mid_run(&receiver);
    acknowledge(&district);
    assert_still_open(&district, &receiver);

    district.up();
    let mut kinds = receiver.kinds();
    kinds[1..].sort();
    assert_eq!(kinds, ["risk.flag.raised", "risk.flag.raised", "risk.flag.withdrawn"]);
    let acknowledged: Vec<_> = district.flags().iter().map(|flag| flag["acknowledged_by"].clone()).collect();
    assert!(acknowledged.contains(&"Pat".into()), "the act is not lost: {acknowledged:?}");
}

#[test]
fn another_feed_in_mid_run_evaluates_nothing() {
    let receiver = Receiver::start();
    let mut district = in_mid_run(&receiver);
    district.enroll(&[1000, 1001, 1002, 1003]);
    // The roster is read first; the process dies when that run is through and the attendance run still is not.
    assert!(district.up_dying_at("run.close", 1), "it died");
    acknowledge(&district);
    assert_eq!(
        district.student(1003)["enrollments"].as_array().map(Vec::len),
        Some(1),
        "the roster is folded"
    );
    assert_still_open(&district, &receiver);
    district.up();
    assert_eq!(receiver.kinds().len(), 3);
}

/// A person's act; the command folds what is in the log.
fn acknowledge(district: &District) {
    let flag = district.flags()[0]["flag_id"].as_str().expect("an id").to_owned();
    district.run(&["flags", "ack", &flag, "--by", "Pat"]).exit(0);
}

fn assert_still_open(district: &District, receiver: &Receiver) {
    let flags = district.flags();
    assert_eq!((flags.len(), &flags[0]["state"]), (1, &"open".into()), "{flags:?}");
    assert_eq!(flags[0]["acknowledged_by"], "Pat");
    assert_eq!(receiver.kinds(), ["risk.flag.raised"]);
}
