//! history -> test -> live: nobody is stormed on the first day.

use crate::district::District;
use crate::drops::{Row, through};
use crate::receiver::{Answer, Receiver};
use crate::webhook::resend;

const STANDING: [Row; 5] = [(1001, 3, "A"), (1001, 4, "A"), (1002, 5, "A"), (1002, 6, "A"), (1000, 20, "T")];

/// 1001 and 1002 are flagged, and nobody was told.
pub(crate) fn loaded(mode: &'static str, receiver: &Receiver) -> District {
    let mut district = District::telling(receiver);
    district.configure(|config| config.mode = mode);
    district.enroll(&[1000, 1001, 1002, 1003]);
    district.attend(&STANDING);
    district.up();
    assert_eq!(district.status()["flags"]["open"], 2);
    assert!(receiver.deliveries().is_empty(), "nothing leaves the hub in {mode}");
    district
}

fn go_live(district: &mut District) {
    district.configure(|config| config.mode = "live");
    district.up();
}

#[test]
fn going_live_hands_over_one_standing_list() {
    let receiver = Receiver::start();
    let mut district = loaded("history", &receiver);
    go_live(&mut district);
    assert_eq!(receiver.kinds(), ["risk.flags.standing"]);
    let standing = receiver.deliveries()[0].json();
    let flags = standing["data"]["flags"].as_array().expect("flags");
    let mut students: Vec<_> = flags.iter().map(|flag| flag["student"]["id"].clone()).collect();
    students.sort_by_key(ToString::to_string);
    assert_eq!(students, ["1001", "1002"]);
    for key in ["alert_id", "as_of", "owner"] {
        assert!(!standing["data"][key].is_null(), "{key}: {standing}");
    }
    district.up();
    assert_eq!(receiver.kinds().len(), 1, "once");
}

#[test]
fn the_next_new_flag_alerts_once_and_a_told_one_can_be_taken_back() {
    let receiver = Receiver::start();
    let mut district = loaded("history", &receiver);
    go_live(&mut district);
    let next = [&STANDING[..], &[(1003, 7, "A"), (1003, 8, "A")]].concat();
    district.attend(&next);
    district.up();
    assert_eq!(receiver.kinds(), ["risk.flags.standing", "risk.flag.raised"]);
    assert_eq!(receiver.deliveries()[1].json()["data"]["student"]["id"], "1003");
    district.attend(&next[1..]);
    district.up();
    assert_eq!(receiver.kinds()[2..], ["risk.flag.withdrawn"]);
    district.up();
    assert_eq!(receiver.kinds().len(), 3);
}

/// The receiver refused the list, and is told since that a flag of it was withdrawn.
#[test]
fn a_list_that_is_sent_again_leaves_out_what_is_over() {
    let receiver = Receiver::start();
    let mut district = loaded("history", &receiver);
    receiver.answer_next(&[Answer::Status(410)]);
    go_live(&mut district);
    district.attend(&STANDING[1..]);
    district.up();
    assert_eq!(receiver.kinds(), ["risk.flags.standing", "risk.flag.withdrawn"]);
    assert_eq!(resend(&district, &["--to", "counselor"])["resent"], 1);
    district.up();
    let [first, .., last] = &receiver.deliveries()[..] else { panic!("more than one") };
    assert_eq!(last.json()["data"]["flags"].as_array().map(Vec::len), Some(1));
    assert_eq!(last.json()["data"]["flags"][0]["student"]["id"], "1002");
    assert_ne!(last.json()["data"]["alert_id"], first.json()["data"]["alert_id"], "it says something else");
    assert_eq!(resend(&district, &["--to", "counselor"])["resent"], 0);
    assert_eq!(district.status()["outbox"]["dead"], 0);
}

#[test]
fn a_flag_that_ended_before_anybody_was_told_is_never_told() {
    let receiver = Receiver::start();
    let mut district = loaded("test", &receiver);
    district.attend(&STANDING[2..]);
    district.up();
    go_live(&mut district);
    assert_eq!(receiver.kinds(), ["risk.flags.standing"]);
    let flags = receiver.deliveries()[0].json()["data"]["flags"].clone();
    assert_eq!(flags.as_array().map(Vec::len), Some(1), "{flags}");
}

#[test]
fn no_open_flag_no_standing_list() {
    let receiver = Receiver::start();
    let mut district = District::telling(&receiver);
    district.configure(|config| config.mode = "history");
    district.enroll(&[1000, 1001]);
    district.attend(&[(1001, 3, "A"), through(20)]);
    district.up();
    go_live(&mut district);
    assert!(receiver.deliveries().is_empty());
}

#[test]
fn test_mode_shows_who_would_have_been_told() {
    let receiver = Receiver::start();
    let district = loaded("test", &receiver);
    let alerts = district.alerts();
    assert_eq!(alerts.len(), 2, "{alerts:?}");
    for alert in &alerts {
        let brief = (alert["state"].as_str(), alert["to"].as_str(), alert["type"].as_str());
        assert_eq!(brief, (Some("withheld"), Some("counselor"), Some("risk.flag.raised")));
    }
    assert_eq!(district.status()["outbox"]["withheld"], 2);
}

/// Flags of the time before it are shown for a route that is added, too, and once.
#[test]
fn a_route_that_is_added_in_test_shows_who_would_be_told() {
    let (receiver, another) = (Receiver::start(), Receiver::start());
    let mut district = loaded("history", &receiver);
    assert!(district.alerts().is_empty(), "history shows nobody");
    district.configure(|config| config.mode = "test");
    district.up();
    assert_eq!(district.alerts().len(), 2, "it is in test now");
    district.configure(|config| config.webhooks.push(("nurse".to_owned(), another.url())));
    district.up();
    district.up();
    let mut told: Vec<_> = district.alerts().iter().map(|alert| alert["to"].to_string()).collect();
    told.sort();
    assert_eq!(told, ["\"counselor\"", "\"counselor\"", "\"nurse\"", "\"nurse\""]);
    assert_eq!(district.status()["outbox"]["withheld"], 4);
    go_live(&mut district);
    for told in [&receiver, &another] {
        assert_eq!(told.kinds(), ["risk.flags.standing"]);
    }
}

/// What was withheld in test is told by the list: nothing is left that somebody might wait for.
#[test]
fn whoever_stands_in_the_list_is_withheld_no_more() {
    let receiver = Receiver::start();
    let mut district = loaded("test", &receiver);
    assert_eq!(district.status()["outbox"]["withheld"], 2);
    go_live(&mut district);
    let outbox = &district.status()["outbox"];
    assert_eq!((&outbox["withheld"], &outbox["superseded"]), (&0.into(), &2.into()), "{outbox}");
    let raised: Vec<_> =
        district.alerts().into_iter().filter(|alert| alert["type"] == "risk.flag.raised").collect();
    assert!(raised.iter().all(|alert| alert["state"] == "superseded"), "{raised:?}");
}
