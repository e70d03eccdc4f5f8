use jiff::Timestamp;
use serde_json::json;

use crate::announce::Announced;
use crate::judged::Status;
use crate::observation::{Fact, Incident, IncidentCategory};
use crate::student::{Student, build, day, with_feeds};
use crate::{Judging, Reference, Rule};

fn rule(settings: serde_json::Value) -> Rule {
    let serde_json::Value::Object(mut json) = settings else { panic!("settings are an object") };
    json.insert("rule".to_owned(), "behavior".into());
    Rule::from_json(json).expect("a sound rule")
}

fn two_in_45() -> Rule {
    let categories = ["major", "suspension_out"];
    rule(json!({"categories": categories, "at_least": 2, "within": {"school_days": 45}}))
}

fn reference() -> Reference {
    build(with_feeds(&[], 180).read("incidents", ["behavior.incident".to_owned()]))
}

impl Student {
    fn incident(self, incident: &str, on: Option<i64>, category: IncidentCategory) -> Self {
        let value = Some(Incident { school: "100", date: on.map(day), category });
        self.tell("incidents", Fact::Incident { incident, value })
    }

    fn major(self, incident: &str, on: i64) -> Self {
        self.incident(incident, Some(on), IncidentCategory::Major)
    }
}

#[track_caller]
fn tell(student: &Student, rule: &Rule, announced: &mut Announced, as_of: i64) -> Vec<&'static str> {
    let reference = reference();
    let on = student.on(&reference, as_of);
    let judgement = rule.judge(&on);
    let changes = judgement.announce(announced, Timestamp::UNIX_EPOCH);
    assert_eq!(judgement.announce(announced, Timestamp::UNIX_EPOCH), [], "again");
    for change in &changes {
        let flag = announced.flag(change.number).expect("just told of");
        assert!(judgement.gives(flag), "{flag:?}");
    }
    changes.iter().map(|change| change.kind.as_str()).collect()
}

#[test]
fn the_second_within_45_school_days_flags_and_the_46th_day_lets_it_go() {
    let rule = two_in_45();
    for (second, told) in [(45, &["raised"][..]), (46, &[])] {
        let student = Student::new().major("a", 1).major("b", second);
        assert_eq!(tell(&student, &rule, &mut Announced::default(), second), told, "day {second}");
    }
    let student = Student::new().major("a", 1).major("b", 20);
    let mut announced = Announced::default();
    assert_eq!(tell(&student, &rule, &mut announced, 20), ["raised"]);
    let text = &announced.flags()[0].history[0].text;
    assert_eq!(text, "2 incidents within 45 school days; the line is 2.");
    assert_eq!(tell(&student, &rule, &mut announced, 45), [""; 0]);
    assert_eq!(tell(&student, &rule, &mut announced, 46), ["cleared"]);
    let looks_again = |as_of| {
        let reference = reference();
        let on = student.on(&reference, as_of);
        rule.judge(&on).looks_again()
    };
    assert_eq!((looks_again(20), looks_again(46), looks_again(65)), (Some(day(46)), Some(day(65)), None));
}

#[test]
fn an_incident_that_is_taken_back_withdraws() {
    let (rule, mut announced) = (two_in_45(), Announced::default());
    let student = Student::new().major("a", 1).major("b", 20);
    assert_eq!(tell(&student, &rule, &mut announced, 20), ["raised"]);
    let gone = student.tell("incidents", Fact::Incident { incident: "a", value: None });
    assert_eq!(tell(&gone, &rule, &mut announced, 21), ["withdrawn"]);
    let text = "The incident of 2026-08-24 no longer counts. As known now: 1 incident within 45 school days; the line is 2.";
    assert_eq!(announced.flags()[0].history.last().expect("it has one").text, text);
}

#[test]
fn what_may_count_neither_raises_nor_clears() {
    let rule = two_in_45();
    for (on, category) in [
        (Some(20), IncidentCategory::Unknown),
        (None, IncidentCategory::Major),
        (None, IncidentCategory::Unknown),
    ] {
        let student = Student::new().major("a", 1).incident("b", on, category);
        assert_eq!(tell(&student, &rule, &mut Announced::default(), 21), [""; 0], "{on:?} {category}");
        let mut announced = Announced::default();
        let known = Student::new().major("a", 1).major("b", 20);
        assert_eq!(tell(&known, &rule, &mut announced, 20), ["raised"]);
        let unknown = known.incident("b", on, category);
        assert_eq!(tell(&unknown, &rule, &mut announced, 21), [""; 0], "{on:?} {category}");
        assert!(announced.flags()[0].unconfirmed);
    }
    let minor = Student::new().major("a", 1).incident("b", Some(20), IncidentCategory::Minor);
    assert_eq!(tell(&minor, &rule, &mut Announced::default(), 21), [""; 0]);
}

/// What may count is recent, as what counts is.
#[test]
fn what_is_long_ago_may_not_count() {
    let rule = two_in_45();
    let student = Student::new().incident("old", Some(1), IncidentCategory::Unknown);
    let student = student.major("a", 14).major("b", 50);
    let mut announced = Announced::default();
    assert_eq!(tell(&student, &rule, &mut announced, 54), ["raised"]);
    let text = &announced.flags()[0].history[0].text;
    assert_eq!(text, "2 incidents within 45 school days; the line is 2.");
    let reference = reference();
    let on = |as_of| rule.judge(&student.on(&reference, as_of)).answer();
    assert_eq!((on(45).unknown, on(45).missing.len()), (1, 1), "it is recent");
    assert_eq!((on(46).unknown, on(46).missing.len()), (0, 0));
}

#[test]
fn without_a_feed_of_incidents_nothing_is_known() {
    let (student, reference) = (Student::new(), crate::student::reference(60));
    let on = student.on(&reference, 20);
    let answer = two_in_45().judge(&on).answer();
    assert_eq!(
        (answer.status, answer.value, answer.missing[0].code()),
        (Status::Insufficient, None, "incidents")
    );
    let reference = self::reference();
    let answer = two_in_45().judge(&Judging { reference: &reference, ..on }).answer();
    assert_eq!((answer.status, answer.value.as_deref()), (Status::Ok, Some("0")));
}

#[test]
fn an_incident_to_come_counts_when_its_day_does() {
    let student = Student::new().major("a", 1).major("b", 20);
    assert_eq!(tell(&student, &two_in_45(), &mut Announced::default(), 19), [""; 0]);
    let reference = reference();
    let on = student.on(&reference, 19);
    assert_eq!(two_in_45().judge(&on).looks_again(), Some(day(20)));
}

/// What was before the first day of the school year is none of it.
#[test]
fn an_incident_of_last_year_counts_nowhere() {
    let student = Student::new().major("a", -40).major("b", 5);
    assert_eq!(tell(&student, &two_in_45(), &mut Announced::default(), 6), [""; 0]);
}

/// Nobody knows where the student is, and so how long an incident is recent.
#[test]
fn without_an_enrolment_nothing_is_decided() {
    let two = |student: Student| student.major("a", 1).major("b", 100);
    let calendar = || crate::student::calendar();
    let reference = crate::Reference::builder("r1")
        .calendar("100", calendar())
        .read("incidents", ["behavior.incident".to_owned()]);
    let reference = build(reference);
    for (student, told) in [(two(Student::default()), 0), (two(Student::new()).major("c", 101), 1)] {
        let on = student.on(&reference, 120);
        let mut announced = Announced::default();
        let changes = two_in_45().judge(&on).announce(&mut announced, Timestamp::UNIX_EPOCH);
        assert_eq!(changes.len(), told, "{changes:?}");
    }
}

/// A feed whose incidents are no longer recent has no say in what is told.
#[test]
fn a_flag_rests_on_the_incidents_that_count() {
    let said = |on| Incident { school: "100", date: Some(day(on)), category: IncidentCategory::Major };
    let of_another =
        |student: Student, on| student.tell("trial", Fact::Incident { incident: "t", value: Some(said(on)) });
    let reference = reference();
    for (student, feeds) in [
        (of_another(Student::new(), 3).major("a", 50).major("b", 55), &["incidents"][..]),
        (of_another(Student::new(), 70).major("a", 50).major("b", 55), &["incidents"]),
        (of_another(Student::new(), 52).major("a", 50).major("b", 55), &["incidents", "trial"]),
        (of_another(Student::new(), 3), &["trial"]),
    ] {
        let on = student.on(&reference, 60);
        let judgement = two_in_45().judge(&on);
        assert!(judgement.feeds().iter().map(|feed| &**feed).eq(feeds.iter().copied()), "{judgement:?}");
    }
}
