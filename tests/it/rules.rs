//! Rules beside each other: whom each is for, and what becomes of flags when a rule is no longer somebody's.

use serde_json::Value;

use crate::district::District;
use crate::drops::Row;
use crate::receiver::Receiver;
use crate::{grades, incidents};

const ALL: &str = "{rules: [{rule: chronic-absence}, {rule: course-failure, kind: posted, below: 60, leave: 63}, \
                   {rule: behavior, categories: [major], at_least: 2, within: {school_days: 45}}]}";

const ABSENCES: [Row; 4] = [(1001, 3, "A"), (1001, 4, "A"), (1001, 5, "A"), (1000, 20, "T")];

fn district(receiver: &Receiver) -> District {
    let mut district = District::with(|config| {
        config.beside = [grades::FEED, incidents::FEED].concat();
        config.risk = ALL;
        config.webhooks = vec![("counselor".to_owned(), receiver.url())];
        config.told_of = vec!["chronic-absence", "course-failure", "behavior"];
    });
    district.enroll(&[1000, 1001, 1002]);
    district.attend(&ABSENCES);
    district.drop(
        "grades-1.csv",
        grades::export(&[(1001, "ALG1", "Q1", "P", "40"), (1000, "ALG1", "Q1", "P", "90")]),
    );
    district.drop("incidents-1.csv", incidents::export(&[(1, 1001, 10, "2"), (2, 1001, 20, "2")]));
    district.up();
    district
}

fn told(district: &District) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let mut told: Vec<_> =
        district.flags().iter().map(|flag| (text(&flag["rule"]), text(&flag["state"]))).collect();
    told.sort();
    told
}

#[test]
fn one_student_with_three_flags_of_three_rules() {
    let receiver = Receiver::start();
    let district = district(&receiver);
    let flags = district.flags();
    assert_eq!(flags.len(), 3, "{flags:?}");
    assert_eq!(receiver.kinds(), ["risk.flag.raised"; 3]);
    let mut ids: Vec<&str> = flags.iter().map(|flag| flag["flag_id"].as_str().expect("an id")).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 3);
    let mut certificates = Vec::new();
    for id in ids {
        let explained = district.json(&["explain", id, "--verify"]);
        assert_eq!(explained["verified"], true, "{explained}");
        assert_eq!(explained["together"].as_array().map(Vec::len), Some(2), "{explained}");
        certificates.push(explained["certificate"]["policy_hash"].as_str().expect("a hash").to_owned());
    }
    certificates.sort();
    certificates.dedup();
    assert_eq!(certificates.len(), 3, "of three rules");
    let student = district.student(1001);
    let rules: Vec<&Value> =
        student["answers"].as_array().expect("answers").iter().map(|answer| &answer["rule"]).collect();
    assert_eq!(rules, ["chronic-absence", "course-failure", "behavior"]);
    for event in district.events(&["--type", "risk.flag.raised"]) {
        let data = &event["data"];
        assert_eq!((&data["mode"], &data["student"]["school"]), (&"live".into(), &"100".into()), "{data}");
        assert!(
            ["attendance", "course", "behavior"].iter().any(|domain| data["domain"] == *domain),
            "{data}"
        );
    }
}

#[test]
fn a_rule_that_is_taken_out_ends_its_flags_told_as_cleared() {
    let receiver = Receiver::start();
    let mut district = district(&receiver);
    let id = district.flags().iter().find(|flag| flag["rule"] == "behavior").expect("one")["flag_id"].clone();
    district.configure(|config| {
        config.risk = "{rules: [{rule: chronic-absence}, {rule: course-failure, kind: posted, below: 60}]}";
        config.told_of = vec!["chronic-absence", "course-failure"];
    });
    district.up();
    let word = |rule: &str, state: &str| (rule.to_owned(), state.to_owned());
    let expected =
        [word("behavior", "cleared"), word("chronic-absence", "open"), word("course-failure", "open")];
    assert_eq!(told(&district), expected);
    assert_eq!(receiver.kinds()[3..], ["risk.flag.cleared"]);
    let cleared = receiver.deliveries()[3].json();
    assert_eq!(cleared["data"]["reason"], "The rule is no longer one for this student.");
    let explained = district.json(&["explain", id.as_str().expect("an id"), "--verify"]);
    assert_eq!(explained["verified"], true, "{explained}");
    district.configure(|config| config.risk = ALL);
    district.up();
    assert_eq!(receiver.kinds().len(), 4, "nobody is routed to it any more");
    assert_eq!(told(&district).iter().filter(|(_, state)| state == "open").count(), 3, "raised anew");
}

#[test]
fn of_rules_of_one_name_the_first_that_fits_holds() {
    let receiver = Receiver::start();
    let mut district = district(&receiver);
    district.configure(|config| {
        config.risk = "{rules: [{rule: chronic-absence, schools: [\"200\"]}, \
                       {rule: course-failure, kind: posted, below: 30, schools: [\"100\"]}, \
                       {rule: course-failure, kind: posted, below: 60}]}";
        config.told_of = vec!["chronic-absence", "course-failure"];
    });
    district.up();
    assert!(told(&district).iter().all(|(_, state)| state != "open"), "{:?}", told(&district));
    let student = district.student(1001);
    let rules: Vec<&Value> =
        student["answers"].as_array().expect("answers").iter().map(|answer| &answer["rule"]).collect();
    assert_eq!(rules, ["course-failure"]);
}

/// Who is at two schools is at both.
#[test]
fn a_rule_for_a_school_is_for_all_who_are_there() {
    let receiver = Receiver::start();
    let mut district = district(&receiver);
    district.configure(|config| {
        config.risk = "{rules: [{rule: course-failure, kind: posted, below: 60, schools: [\"100\"]}]}";
        config.told_of = vec!["course-failure"];
    });
    district.up();
    let open = |district: &District| {
        told(district).iter().filter(|(rule, state)| rule == "course-failure" && state == "open").count()
    };
    assert_eq!(open(&district), 1);
    let at_100 = crate::drops::enrollment(&[1000, 1001, 1002]);
    let also_at_200 = format!("{at_100}1001,Quillfeather1001,Zebedee,2007-03-03,200,9/1/2021,\r\n");
    district.drop("enrollment-900.csv", also_at_200);
    district.up();
    assert_eq!(district.student(1001)["enrollments"].as_array().expect("enrolments").len(), 2);
    assert_eq!(open(&district), 1, "{:?}", told(&district));
}

/// Nobody knows the student's grade level: a rule for some levels decides nothing.
#[test]
fn a_rule_for_grade_levels_that_are_not_known_freezes() {
    let receiver = Receiver::start();
    let mut district = district(&receiver);
    district.configure(|config| {
        config.risk = "{rules: [{rule: chronic-absence, grades: [\"09\"]}]}";
        config.told_of = vec!["chronic-absence"];
    });
    district.up();
    let chronic: Vec<_> = told(&district).into_iter().filter(|(rule, _)| rule == "chronic-absence").collect();
    assert_eq!(chronic[0].1, "open");
    let flags = district.flags();
    assert!(
        flags.iter().filter(|flag| flag["rule"] == "chronic-absence").all(|flag| flag["unconfirmed"] == true)
    );
    let answer = district.answer(1001);
    assert_eq!(answer["status"], "insufficient");
    assert!(answer["missing"][0].as_str().is_some_and(|text| text.contains("for some grades")), "{answer}");
}

/// A rule for "9" where the roster says "09" is for nobody, and `status` says so.
#[test]
fn a_rule_for_nobody_says_so() {
    let receiver = Receiver::start();
    let mut district = district(&receiver);
    district.configure(|config| {
        config.risk = "{rules: [{rule: chronic-absence, schools: [\"0100\"]}]}";
        config.told_of = vec!["chronic-absence"];
    });
    let status = district.up();
    let warning =
        status["warnings"].as_array().expect("a list").iter().find(|one| one["code"] == "rule_for_nobody");
    let said = warning.map(|warning| warning["message"].as_str().expect("text")).unwrap_or_default();
    assert_eq!(
        said,
        "The rule chronic-absence is for school \"0100\", and no student is in it: the rosters write \"100\"."
    );
}

#[test]
fn flags_are_listed_by_school_state_and_rule() {
    let receiver = Receiver::start();
    let district = district(&receiver);
    let listed = |args: &[&str]| {
        let args = [&["flags", "list"], args].concat();
        district.json(&args).as_array().expect("a list").len()
    };
    for (args, count) in [
        (&[][..], 3),
        (&["--rule", "behavior"], 1),
        (&["--school", "100"], 3),
        (&["--school", "200"], 0),
        (&["--state", "open", "--rule", "course-failure"], 1),
        (&["--state", "cleared"], 0),
    ] {
        assert_eq!(listed(args), count, "{args:?}");
    }
    district.run(&["flags", "list", "--rule", "lateness"]).exit(2);
    let nobody = district.run(&["flags", "list", "--school", "200"]).exit(0);
    assert!(nobody.stderr.contains("nobody is enrolled at a school"), "{nobody:?}");
}

/// Each recipient hears of the rules that lead to it.
#[test]
fn plan_counts_by_routes() {
    let receivers = [Receiver::start(), Receiver::start()];
    let mut district = District::with(|config| {
        config.beside = [grades::FEED.replace("live", "test"), incidents::FEED.to_owned()].concat();
        config.risk = ALL;
        config.webhooks =
            vec![("counselor".to_owned(), receivers[0].url()), ("dean".to_owned(), receivers[1].url())];
    });
    district.enroll(&[1000, 1001]);
    district.drop(
        "grades-1.csv",
        grades::export(&[(1001, "ALG1", "Q1", "P", "40"), (1000, "ALG1", "Q1", "P", "40")]),
    );
    district.drop("incidents-1.csv", incidents::export(&[(1, 1001, 10, "2"), (2, 1001, 20, "2")]));
    for (told_of, raise, untold) in [(vec!["course-failure", "behavior"], 3, 2), (vec!["behavior"], 1, 0)] {
        district.configure(|config| config.told_of = told_of);
        let plan = district.json(&["plan"]);
        let to = plan["alerts"]["to"].as_array().expect("recipients");
        let counts = |to: &Value| (to["raise"].as_u64(), to["raise_untold"].as_u64().unwrap_or_default());
        assert_eq!(to.iter().map(counts).collect::<Vec<_>>(), [(Some(raise), untold); 2], "{plan}");
        assert_eq!(plan["alerts"]["raise"], 3);
    }
}
