//! What waits or was given up is not sent once nobody is to be told: the mode of its feed is turned back, its student has
//! left, its school year is over.

use serde_json::{Value, json};

use crate::district::District;
use crate::drops::{Row, through};
use crate::first_day::loaded;
use crate::receiver::{Answer, Receiver};
use crate::webhook::resend;

const ROWS: [Row; 5] = [(1001, 3, "A"), (1001, 4, "A"), (1002, 5, "A"), (1002, 6, "A"), (1000, 20, "T")];
const A_NIGHT: i64 = 24 * 60;

/// 1001 and 1002 are flagged, and the receiver took neither raise: it is away, or wants nothing more.
fn untold(receiver: &Receiver, answer: u16) -> District {
    let mut district = District::telling(receiver);
    district.enroll(&[1000, 1001, 1002]);
    district.attend(&ROWS);
    receiver.answer_next(&[Answer::Status(answer), Answer::Status(answer)]);
    district.up();
    assert_eq!(receiver.deliveries().len(), 2);
    district
}

fn turned(district: &mut District, mode: &'static str) {
    district.configure(|config| config.mode = mode);
    district.later(A_NIGHT);
    district.up();
}

fn stand(district: &District) -> Vec<String> {
    let mut stand: Vec<String> = district
        .alerts()
        .iter()
        .map(|alert| format!("{} {}", text(alert, "type"), text(alert, "state")))
        .collect();
    stand.sort();
    stand
}

fn text<'a>(alert: &'a Value, key: &str) -> &'a str {
    alert[key].as_str().unwrap_or_default()
}

fn resent(district: &District) -> Value {
    resend(district, &["--to", "counselor"])["resent"].clone()
}

#[test]
fn what_waits_does_not_leave_in_a_mode_that_was_turned_back() {
    for (mode, answer, left) in
        [("test", 503, "withheld"), ("history", 503, "withheld"), ("test", 410, "dead")]
    {
        let receiver = Receiver::start();
        let mut district = untold(&receiver, answer);
        turned(&mut district, mode);
        assert_eq!(receiver.deliveries().len(), 2, "nothing leaves in {mode}");
        assert_eq!(stand(&district), vec![format!("risk.flag.raised {left}"); 2], "{mode}");
        assert_eq!(resent(&district), 0);

        turned(&mut district, "live");
        if answer == 410 {
            assert_eq!(
                (receiver.deliveries().len(), resent(&district)),
                (2, 2.into()),
                "it waits for a person"
            );
            district.up();
        }
        assert_eq!(receiver.kinds().len(), 4, "both go once they may");
        assert_eq!(receiver.ids().len(), 2, "under their ids");
        district.later(A_NIGHT);
        district.up();
        assert_eq!(receiver.kinds().len(), 4);
    }
}

#[test]
fn what_was_told_stays_told_while_its_feed_is_tried_out() {
    let receiver = Receiver::start();
    let mut district = District::telling(&receiver);
    district.enroll(&[1000, 1001, 1002]);
    district.attend(&ROWS);
    district.up();
    for mode in ["test", "live"] {
        turned(&mut district, mode);
        assert_eq!(stand(&district), ["risk.flag.raised delivered"; 2]);
    }
    assert_eq!(receiver.kinds().len(), 2);
}

/// The raise was tried: it may have arrived, so its end is told although nothing else is.
#[test]
fn an_end_of_what_waits_is_told_in_test_if_the_raise_was_tried() {
    let receiver = Receiver::start();
    let mut district = untold(&receiver, 503);
    turned(&mut district, "test");
    district.attend(&ROWS[1..]);
    district.later(A_NIGHT);
    district.up();
    assert_eq!(receiver.kinds()[2..], ["risk.flag.withdrawn"]);
    turned(&mut district, "live");
    assert_eq!(receiver.kinds()[3..], ["risk.flag.raised"], "of the other student");
}

#[test]
fn a_list_that_waits_loses_what_may_not_leave() {
    let receiver = Receiver::start();
    let mut district = loaded("history", &receiver);
    receiver.answer_next(&[Answer::Status(503)]);
    turned(&mut district, "live");
    assert_eq!(receiver.kinds(), ["risk.flags.standing"]);
    turned(&mut district, "test");
    assert_eq!(receiver.kinds().len(), 1, "nothing leaves in test");
    turned(&mut district, "live");
    assert_eq!(receiver.kinds()[1..], ["risk.flags.standing"], "one list again");
    let [first, second] = &receiver.deliveries()[..] else { panic!("both were tries of it") };
    assert_eq!(second.json()["data"]["flags"].as_array().map(Vec::len), Some(2));
    assert_eq!(second.id(), first.id(), "it may have arrived");
}

/// The process died before the list was tried once: whoever was not told of a flag is not told of its end.
#[test]
fn a_list_that_nobody_tried_loses_what_has_ended() {
    let receiver = Receiver::start();
    let mut district = loaded("history", &receiver);
    district.configure(|config| config.mode = "live");
    district.later(A_NIGHT);
    assert!(district.up_dying_at("bundle", 1));
    district.attend(&ROWS[1..]);
    district.later(A_NIGHT);
    district.up();
    assert_eq!(receiver.kinds(), ["risk.flags.standing"]);
    assert_eq!(receiver.deliveries()[0].json()["data"]["flags"].as_array().map(Vec::len), Some(1));
}

/// Whoever was not told of a flag hears of it when it is certain.
#[test]
fn what_was_not_sent_waits_while_it_is_unconfirmed() {
    let receiver = Receiver::start();
    let mut district = loaded("history", &receiver);
    district.configure(|config| config.mode = "live");
    district.later(A_NIGHT);
    assert!(district.up_dying_at("bundle", 1));
    turned(&mut district, "test");
    district.attend(&ROWS.map(|(id, day, code)| (id, day, if id == 1001 { "Q" } else { code })));
    turned(&mut district, "live");
    let told = |at: usize| receiver.deliveries()[at].json()["data"]["flags"].as_array().map(Vec::len);
    assert_eq!((receiver.kinds(), told(0)), (vec!["risk.flags.standing".to_owned()], Some(1)));
    district.attend(&ROWS);
    district.later(A_NIGHT);
    district.up();
    assert_eq!((receiver.kinds().len(), told(1)), (2, Some(1)));
}

/// Raise and end both wait when the feed is turned back.
#[test]
fn what_has_ended_does_not_leave_either() {
    let receiver = Receiver::start();
    let mut district = untold(&receiver, 503);
    district.attend(&[&ROWS[..4], &[through(60)]].concat());
    receiver.answer_next(&[Answer::Status(503), Answer::Status(503)]);
    district.later(60 * A_NIGHT);
    district.up();
    let before = receiver.kinds().len();
    turned(&mut district, "test");
    assert_eq!(receiver.kinds()[before..], ["risk.flag.cleared"; 2], "of what may have arrived only the end");
    turned(&mut district, "live");
    assert_eq!(receiver.kinds().len(), before + 2);
}

/// Without grades in the roster it is open whether the rule is the student's; that its feed is in test is known.
#[test]
fn what_is_not_decided_on_is_withheld_too() {
    let receiver = Receiver::start();
    let mut district = untold(&receiver, 503);
    district.configure(|config| {
        config.risk = "{rules: [{rule: chronic-absence, grades: [\"09\"], min_days: 20}]}";
    });
    turned(&mut district, "test");
    assert_eq!(receiver.deliveries().len(), 2, "nothing leaves in test");
    assert_eq!(stand(&district), ["risk.flag.raised withheld"; 2]);
    let flag = &district.flags()[0];
    assert_eq!(flag["unconfirmed"], true);
    let why = district.json(&["explain", text(flag, "flag_id")]);
    assert_eq!(
        why["unknown"],
        json!(["the rule is for some grades, and the student's is not known"]),
        "{why}"
    );
    turned(&mut district, "live");
    assert_eq!(receiver.deliveries().len(), 2, "nor while it is unconfirmed");
    district.configure(|config| config.risk = "{rules: [{rule: chronic-absence, min_days: 20}]}");
    turned(&mut district, "live");
    assert_eq!(receiver.deliveries().len(), 4);
}

#[test]
fn nobody_is_told_of_a_year_that_is_over() {
    for answer in [503, 410] {
        let receiver = Receiver::start();
        let mut district = untold(&receiver, answer);
        "2022-08-01T23:00:00Z".clone_into(&mut district.now);
        district.configure(|config| {
            "[{schools: all, school_year: 2022, first: 2021-08-23, last: 2022-05-27}, \
              {schools: all, school_year: 2023, first: 2022-08-01, last: 2023-05-26}]"
                .clone_into(&mut config.calendars);
        });
        let status = district.up();
        assert_eq!(status["flags"]["ended"], 2, "{status}");
        assert_eq!((receiver.deliveries().len(), resent(&district)), (2, 0.into()));
        assert_eq!(stand(&district), ["risk.flag.raised superseded"; 2]);
        district.up();
        assert_eq!(receiver.deliveries().len(), 2);
    }
}

#[test]
fn a_student_who_has_left_is_told_of_to_nobody() {
    let receiver = Receiver::start();
    let mut district = untold(&receiver, 410);
    district.enroll(&[1000, 1001]);
    district.later(A_NIGHT);
    district.up();
    assert_eq!(resent(&district), 1, "of the one who is here");
    district.up();
    let told = receiver.deliveries();
    assert_eq!(told.len(), 3);
    assert_eq!(told[2].json()["data"]["student"]["id"], "1001");
    district.enroll(&[1000, 1001, 1002, 1003]);
    district.later(A_NIGHT);
    district.up();
    assert_eq!(resent(&district), 1, "who is back is told of");
}

/// The list was given up, one of its flags was withdrawn, and what is left of it waits for another when it clears.
#[test]
fn a_list_does_not_tell_of_what_has_cleared_meanwhile() {
    let receiver = Receiver::start();
    let mut district = loaded("history", &receiver);
    receiver.answer_next(&[Answer::Status(410)]);
    turned(&mut district, "live");
    district.attend(&ROWS[1..]);
    district.later(A_NIGHT);
    district.up();
    assert_eq!(receiver.kinds()[1..], ["risk.flag.withdrawn"]);
    assert_eq!(resent(&district), 1);
    district.attend(&[&ROWS[1..], &[through(60)]].concat());
    district.later(60 * A_NIGHT);
    district.up();
    assert_eq!(district.status()["flags"]["cleared"], 1);
    assert_eq!(receiver.kinds()[2..], ["risk.flag.cleared"], "the list may have arrived, its end is told");
    district.later(A_NIGHT);
    district.up();
    assert_eq!(receiver.kinds().len(), 3, "and no list after it");
}

/// Its end stands behind it.
#[test]
fn what_waits_for_its_next_try_is_due_now_also_if_it_is_over() {
    let receiver = Receiver::start();
    let mut district = untold(&receiver, 503);
    district.attend(&[&ROWS[..4], &[through(60)]].concat());
    receiver.answer_next(&[Answer::Status(503), Answer::Status(503)]);
    district.later(60 * A_NIGHT);
    district.up();
    let before = receiver.kinds().len();
    district.later(1);
    assert_eq!(resent(&district), 4);
    district.up();
    let mut told = receiver.kinds()[before..].to_vec();
    told.sort();
    assert_eq!(told, ["risk.flag.cleared", "risk.flag.cleared", "risk.flag.raised", "risk.flag.raised"]);
}

#[test]
fn an_alert_to_nobody_who_is_configured_is_not_sent_again() {
    let receiver = Receiver::start();
    let mut district = untold(&receiver, 410);
    let alert = text(&district.alerts()[0], "alert_id").to_owned();
    district.configure(|config| "dean".clone_into(&mut config.webhooks[0].0));
    let args = ["alerts", "resend", &alert, "--by", "R. Ortiz", "--reason", "the tool is back"];
    let refused = district.run(&args).exit(2);
    assert!(refused.failure()[0].contains("no destination"), "{refused:?}");
}
