//! What a webhook receiver can rely on: Standard Webhooks, the same id on every attempt, nothing that was taken back.

use serde_json::Value;

use crate::district::District;
use crate::drops::through;
use crate::receiver::{Answer, Receiver};

fn raised(receiver: &Receiver) -> District {
    let mut district = District::telling(receiver);
    district.enroll(&[1000, 1001]);
    district.attend(&[(1001, 3, "A"), (1001, 20, "E"), through(20)]);
    district.up();
    district
}

/// Moves the clock past an alert's next attempt.
fn wait_for_next_try(district: &mut District) {
    let alerts = district.alerts();
    let next: jiff::Timestamp = alerts[0]["next_try"].as_str().expect("a time").parse().expect("RFC 3339");
    district.now = (next + jiff::SignedDuration::from_secs(1)).to_string();
}

#[test]
fn the_alert_is_what_the_contract_shows() {
    let receiver = Receiver::start();
    raised(&receiver);
    let deliveries = receiver.deliveries();
    assert_eq!(deliveries.len(), 1);
    let delivery = &deliveries[0];
    assert!(delivery.is_signed(), "{:?}", delivery.headers);
    assert_eq!(delivery.header("content-type"), "application/json");
    let seconds: i64 = delivery.header("webhook-timestamp").parse().expect("seconds");
    let now: jiff::Timestamp = crate::district::NOW.parse().expect("RFC 3339");
    assert!((seconds - now.as_second()).abs() < 5, "the time of the attempt");

    let alert = delivery.json();
    assert_eq!(alert["type"], "risk.flag.raised");
    let decided: jiff::Timestamp = alert["timestamp"].as_str().expect("text").parse().expect("RFC 3339");
    assert!((decided.as_second() - now.as_second()).abs() < 5);
    let data = &alert["data"];
    assert_eq!(data["alert_id"], delivery.id());
    let student =
        serde_json::json!({"id": "1001", "id_system": "enrollment", "school": "100", "grade": null});
    assert_eq!(data["student"], student);
    assert_eq!((&data["rule"], &data["domain"]), (&"chronic-absence".into(), &"attendance".into()));
    assert_eq!((&data["indicator"], &data["as_of"]), (&"chronic-absence".into(), &"2021-09-20".into()));
    let reason = serde_json::json!({"code": "ABSENCE_RATE",
        "text": "Absent 2 of 20 school days (10.0 %); the line is 10 %.",
        "value": "2/20", "operator": ">=", "threshold": "10%",
        "evidence": [{"date": "2021-08-25", "what": "absent", "ref": null},
                     {"date": "2021-09-20", "what": "absent", "ref": null}],
        "absent_days": 2, "expected_days": 20, "dates": ["2021-08-25", "2021-09-20"]});
    assert_eq!(data["reasons"], serde_json::json!([reason]));
    assert!(data["clears_when"].as_str().is_some_and(|text| !text.is_empty()), "{data}");
    assert_eq!(data["owner"], serde_json::json!({"name": "counselor", "because": "route"}));
}

#[test]
fn an_alert_carries_no_name_and_no_birth_date() {
    let receiver = Receiver::start();
    raised(&receiver);
    let text = String::from_utf8(receiver.deliveries()[0].body.clone()).expect("UTF-8");
    assert!(
        !text.contains("Quillfeather") && !text.contains("Zebedee") && !text.contains("2007-03"),
        "{text}"
    );
}

#[test]
fn a_failed_delivery_comes_again_with_the_same_id() {
    let receiver = Receiver::start();
    receiver.answer_next(&[Answer::Status(500), Answer::HangUp, Answer::Status(503)]);
    let mut district = raised(&receiver);
    assert_eq!(receiver.deliveries().len(), 1, "no second attempt before its time");
    district.up();
    assert_eq!(receiver.deliveries().len(), 1, "no second attempt before its time");
    for attempts in 1..=3 {
        let alerts = district.alerts();
        assert_eq!((&alerts[0]["state"], &alerts[0]["attempts"]), (&"pending".into(), &attempts.into()));
        wait_for_next_try(&mut district);
        district.up();
    }
    assert_eq!((receiver.deliveries().len(), receiver.ids().len()), (4, 1), "four attempts, one id");
    let bodies: std::collections::BTreeSet<_> = receiver.deliveries().into_iter().map(|d| d.body).collect();
    assert_eq!(bodies.len(), 1, "the body is the same on every attempt");
    assert!(receiver.deliveries().iter().all(crate::receiver::Delivery::is_signed));
    let answers: Vec<_> = receiver.deliveries().iter().map(|delivery| delivery.answered).collect();
    assert_eq!(answers, [Some(500), None, Some(503), Some(204)]);
    let alerts = district.alerts();
    assert_eq!((&alerts[0]["state"], &alerts[0]["attempts"]), (&"delivered".into(), &4.into()));
    district.up();
    assert_eq!(receiver.deliveries().len(), 4);
}

#[test]
fn a_raise_that_is_taken_back_before_it_was_sent_is_not_sent() {
    let receiver = Receiver::start();
    let mut district = District::telling(&receiver);
    district.enroll(&[1000, 1001]);
    district.attend(&[(1001, 3, "A"), (1001, 4, "A"), through(20)]);
    assert!(district.up_dying_at("relay", 1), "decided, and not sent yet");
    assert_eq!(district.alerts()[0]["state"], "pending");
    district.attend(&[(1001, 3, "A"), through(20)]);
    district.up();
    assert!(receiver.deliveries().is_empty());
    let states: Vec<Value> = district.alerts().iter().map(|alert| alert["state"].clone()).collect();
    assert_eq!(states, ["superseded", "superseded"]);
    assert_eq!(district.status()["outbox"]["pending"], 0);
}

/// Nobody knows what a receiver did that answered 500: it hears of both, in order.
#[test]
fn a_raise_that_was_tried_is_taken_back_in_order() {
    let receiver = Receiver::start();
    receiver.answer_next(&[Answer::Status(500)]);
    let mut district = raised(&receiver);
    district.attend(&[(1001, 3, "A"), (1001, 20, "T"), through(20)]);
    wait_for_next_try(&mut district);
    district.up();
    assert_eq!(receiver.kinds(), ["risk.flag.raised", "risk.flag.raised", "risk.flag.withdrawn"]);
    let states: Vec<Value> = district.alerts().iter().map(|alert| alert["state"].clone()).collect();
    assert_eq!(states, ["delivered", "delivered"]);
}

/// No answer within the time set is a failure like any other.
#[test]
fn a_silent_receiver_is_tried_again_with_the_same_id() {
    let receiver = Receiver::start();
    receiver.answer_next(&[Answer::Silence]);
    let mut district = District::telling(&receiver);
    let yaml = district.config.render().replace("allow_private: true", "allow_private: true, timeout_s: 1");
    district.configure(|config| config.verbatim = Some(yaml));
    district.enroll(&[1000, 1001]);
    district.attend(&[(1001, 3, "A"), (1001, 4, "A"), through(20)]);
    assert_eq!(district.up()["outbox"]["pending"], 1);
    wait_for_next_try(&mut district);
    assert_eq!(district.up()["outbox"]["delivered"], 1);
    assert_eq!((receiver.deliveries().len(), receiver.ids().len()), (2, 1));
}

fn status_in_words(district: &District) -> String {
    let mut command = district.command();
    command.arg("--config").arg(district.config_path()).args(["--now", &district.now, "status"]);
    crate::binary::Run::from(command.output().expect("the binary starts")).exit(0).stdout
}

/// Since the first failure in a row, in words and for scripts, until an alert is taken.
#[test]
fn status_says_which_destination_does_not_take_alerts() {
    let receiver = Receiver::start();
    receiver.answer_next(&[Answer::Status(500), Answer::HangUp]);
    let mut district = raised(&receiver);
    let first = district.status()["destinations"][0]["failing_since"].clone();
    let at = |text: &str| text.parse::<jiff::Timestamp>().expect("RFC 3339").as_second() / 60;
    assert!(first.as_str().is_some_and(|since| at(since) == at(&district.now)), "{first}");
    assert!(first.as_str().is_some_and(|since| since.ends_with("-05:00")), "as people there see it: {first}");
    for reason in ["127.0.0.1 answered 500", "127.0.0.1 broke the exchange off"] {
        let status = district.status();
        let next_try = &district.alerts()[0]["next_try"];
        let expected = serde_json::json!([{"destination": "counselor", "pending": 1, "dead": 0, "failing_since": first,
            "last_error": reason, "next_try": next_try, "next_step": null}]);
        assert_eq!(status["destinations"], expected);
        let since = first.as_str().unwrap_or_default();
        // 23:00 in UTC.
        let words = format!(
            "Deliveries to counselor fail since {since}: {reason}; 1 alert waits; next try 2021-11-01T18:0"
        );
        let said = status_in_words(&district);
        assert!(said.contains(&words), "{said}");
        wait_for_next_try(&mut district);
        let due = status_in_words(&district);
        assert!(due.contains("1 alert waits; the next try is due."), "{due}");
        district.up();
    }
    let expected = serde_json::json!([{"destination": "counselor", "pending": 0, "dead": 0, "failing_since": null,
        "last_error": null, "next_try": null, "next_step": null}]);
    assert_eq!(district.status()["destinations"], expected);
    assert!(!status_in_words(&district).contains("Deliveries"));
}

/// 410 ends the subscription (Standard Webhooks): nothing is tried again, and a person has to know.
#[test]
fn status_says_what_to_do_about_a_receiver_that_is_gone() {
    let receiver = Receiver::start();
    receiver.answer_next(&[Answer::Status(410)]);
    let district = raised(&receiver);
    let status = district.status();
    assert_eq!((&status["outbox"]["dead"], &status["outbox"]["pending"]), (&1.into(), &0.into()));
    let next_step = status["destinations"][0]["next_step"].as_str().expect("a next step");
    let said = status_in_words(&district);
    let words = format!("127.0.0.1 wants nothing more (410 Gone); no alert waits. {next_step}");
    assert!(said.contains(&words), "{said}");
}

/// Nobody listens: the command still did its work.
#[test]
fn a_destination_that_is_down_is_no_error() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}/", listener.local_addr().expect("it is bound"));
    drop(listener);
    let mut district = District::with(|config| config.webhooks = vec![("counselor".to_owned(), url)]);
    district.enroll(&[1000, 1001]);
    district.attend(&[(1001, 3, "A"), (1001, 4, "A"), through(20)]);
    let status = district.up();
    assert_eq!((&status["outbox"]["pending"], &status["outbox"]["dead"]), (&1.into(), &0.into()));
}

/// A loopback address is refused unless the district allows it.
#[test]
fn a_private_address_needs_leave() {
    let receiver = Receiver::start();
    let mut district = District::telling(&receiver);
    let yaml = district.config.render().replace(", allow_private: true", "");
    district.configure(|config| config.verbatim = Some(yaml));
    district.enroll(&[1000, 1001]);
    district.attend(&[(1001, 3, "A"), (1001, 4, "A"), through(20)]);
    let run = district.run(&["up", "--once"]);
    assert!(matches!(run.status.code(), Some(0 | 2)), "refused or not delivered: {run:?}");
    assert!(receiver.deliveries().is_empty());
}

#[test]
fn two_receivers_are_told_under_two_ids() {
    let (first, second) = (Receiver::start(), Receiver::start());
    let mut district = District::with(|config| {
        config.webhooks = vec![("counselor".to_owned(), first.url()), ("dean".to_owned(), second.url())];
    });
    district.enroll(&[1000, 1001]);
    district.attend(&[(1001, 3, "A"), (1001, 4, "A"), through(20)]);
    district.up();
    assert_eq!((first.kinds(), second.kinds().len()), (vec!["risk.flag.raised".to_owned()], 1));
    assert_ne!(first.ids(), second.ids());
}

/// Whoever was told of a flag is told that it was wrong, also while the feed is being tried out.
#[test]
fn a_withdrawal_that_is_decided_in_test_reaches_whoever_was_told() {
    let receiver = Receiver::start();
    let mut district = raised(&receiver);
    district.configure(|config| config.mode = "test");
    district.attend(&[(1001, 3, "A"), (1001, 20, "T"), through(20)]);
    district.up();
    assert_eq!(receiver.kinds(), ["risk.flag.raised", "risk.flag.withdrawn"]);
}

/// Sends again, and answers what the command does.
pub(crate) fn resend(district: &District, args: &[&str]) -> Value {
    let who = ["--by", "R. Ortiz", "--reason", "the tool is back"];
    let args: Vec<&str> = ["alerts", "resend"].iter().chain(args).chain(&who).copied().collect();
    district.run(&args).exit(0).json()
}

/// What a receiver lost, or wanted no more, goes out again under its id when a person says so.
#[test]
fn a_person_sends_an_alert_again() {
    let receiver = Receiver::start();
    receiver.answer_next(&[Answer::Status(410)]);
    let district = raised(&receiver);
    let of = |state: &str| district.run(&["alerts", "list", "--state", state]).exit(0).json();
    let dead = of("dead");
    assert!(dead[0]["last_error"].as_str().is_some_and(|error| error.contains("410")), "{dead}");
    assert!(dead[0]["decided"].as_str().is_some_and(|at| at.ends_with("-05:00")), "{dead}");
    assert_eq!(of("delivered"), serde_json::json!([]));
    assert_eq!(resend(&district, &["--to", "counselor"])["resent"], 1);
    district.up();
    assert_eq!(of("delivered")[0]["alert_id"], dead[0]["alert_id"]);

    let id = dead[0]["alert_id"].as_str().expect("an id").to_owned();
    assert_eq!(resend(&district, &[&id[..8]])["resent"], 1);
    district.up();
    assert_eq!((receiver.deliveries().len(), receiver.ids().len()), (3, 1), "the same id each time");
    assert_eq!(
        resend(&district, &["--to", "counselor"])["resent"],
        0,
        "what was delivered is not sent by the dozen"
    );
    let acts = district.run(&["events", "list", "--type", "ops.action"]).exit(0).stdout;
    assert_eq!(acts.matches("alert.resend").count(), 3, "{acts}");
    for args in [&["ffffffff"][..], &["--to", "nobody"], &[&id, "--to", "counselor"], &[]] {
        let args: Vec<&str> =
            ["alerts", "resend", "--by", "x", "--reason", "y"].iter().chain(args).copied().collect();
        district.run(&args).exit(2);
    }
}

/// A secret that is none would use up every try without anything being sent.
#[test]
fn a_malformed_secret_is_refused_at_start() {
    let receiver = Receiver::start();
    let mut district = District::telling(&receiver);
    let yaml = district.config.render();
    for (secret, said) in [("SECRET[env.SIGNALBOX_NOT_SET]", "not set"), ("SECRET[env.HOME]", "whsec_")] {
        let yaml = yaml.replace("SECRET[env.HOOK]", secret);
        district.configure(|config| config.verbatim = Some(yaml.clone()));
        let run = district.run(&["up", "--once"]).exit(3);
        assert!(run.stderr.contains("counselor") && run.stderr.contains(said), "{run:?}");
    }
    district.configure(|config| config.verbatim = None);
    district.enroll(&[1000, 1001]);
    district.attend(&[(1001, 3, "A"), (1001, 20, "E"), through(20)]);
    district.up();
    assert_eq!(receiver.deliveries().len(), 1);
}

fn schema_of(kind: &str) -> Value {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../schemas/webhooks");
    let text = std::fs::read_to_string(folder.join(format!("{kind}.json"))).expect("it is published");
    serde_json::from_str(&text).expect("is JSON")
}

/// Every body that leaves the hub fits the schema that receivers are given.
#[test]
fn every_body_fits_its_published_schema() {
    let receiver = Receiver::start();
    let mut district = District::telling(&receiver);
    district.configure(|config| config.mode = "test");
    district.enroll(&[1000, 1001, 1002]);
    district.attend(&[(1001, 3, "A"), (1001, 4, "A"), through(20)]);
    district.up();
    let planned = {
        district.configure(|config| config.mode = "live");
        district.run(&["plan"]).exit(0).json()
    };
    assert_eq!(planned["alerts"]["to"][0]["standing"], 1, "{planned}");
    district.up();
    district.attend(&[(1001, 3, "A"), (1002, 3, "A"), (1002, 4, "A"), through(20)]);
    district.up();
    district.attend(&[(1001, 3, "A"), (1002, 3, "A"), (1002, 4, "A"), through(40)]);
    district.up();
    district.run(&["send", "test", "--to", "counselor"]).exit(0);
    let kinds: std::collections::BTreeSet<String> = receiver.kinds().into_iter().collect();
    let expected = [
        "risk.flag.cleared",
        "risk.flag.raised",
        "risk.flag.withdrawn",
        "risk.flags.standing",
        "signalbox.test",
    ];
    assert!(kinds.iter().map(String::as_str).eq(expected), "{kinds:?}");
    for delivery in receiver.deliveries() {
        let body = delivery.json();
        let schema = schema_of(body["type"].as_str().expect("text"));
        let validator = jsonschema::options().should_validate_formats(true).build(&schema).expect("compiles");
        let faults: Vec<String> = validator.iter_errors(&body).map(|fault| fault.to_string()).collect();
        assert!(faults.is_empty() && delivery.is_signed(), "{faults:?}: {body}");
    }
}

#[test]
fn a_test_message_says_whether_it_was_taken() {
    let receiver = Receiver::start();
    receiver.answer_next(&[Answer::Status(500)]);
    let district = District::telling(&receiver);
    let refused = district.run(&["send", "test", "--to", "counselor"]).exit(1);
    assert!(refused.stderr.contains("answered 500"), "{refused:?}");
    assert_eq!(district.run(&["send", "test", "--to", "counselor"]).exit(0).json()["delivered"], true);
    district.run(&["send", "test", "--to", "nobody"]).exit(2);
    assert!(!district.path().join("var").exists(), "it needs no hub");
}

/// Live, and nobody is told: said wherever somebody looks.
#[test]
fn a_flag_that_would_reach_nobody_is_said_beforehand() {
    let mut district = District::new();
    let codes = |found: &Value| -> Vec<String> {
        let list = found.as_array().expect("a list").iter();
        list.map(|one| one["code"].as_str().expect("a word").to_owned()).collect()
    };
    let checked = district.run(&["check"]).exit(0).json();
    assert!(codes(&checked["problems"]).contains(&"live_without_destination".to_owned()), "{checked}");
    district.enroll(&[1000]);
    let planned = district.run(&["plan"]).exit(0).json();
    assert_eq!(codes(&planned["warnings"]), ["live_without_destination"]);
    district.up();
    assert_eq!(codes(&district.status()["warnings"]), ["live_without_destination"]);
}
