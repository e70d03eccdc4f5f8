use jiff::Timestamp;
use jiff::civil::date;
use serde_json::json;

use crate::announce::{Announced, FlagState};
use crate::judged::Status;
use crate::observation::{CourseGrade, Fact, GradeKind, GradeOf, Mark};
use crate::student::{Student, build, day, reference, with_feeds};
use crate::{Reference, Rule};

fn rule(settings: serde_json::Value) -> Rule {
    let serde_json::Value::Object(mut json) = settings else { panic!("settings are an object") };
    json.insert("rule".to_owned(), "course-failure".into());
    Rule::from_json(json).expect("a sound rule")
}

fn posted() -> Rule {
    rule(json!({"kind": "posted", "below": 60, "leave": 63}))
}

impl Student {
    /// A grade, as its number or its letter; `""`: none yet, `"?"`: unknown; entered on that school day.
    fn graded(self, class: &str, kind: GradeKind, grade: &str, entered: i64) -> Self {
        let mark = match grade {
            "" => Mark::None,
            "?" => Mark::Unknown,
            grade => grade.parse().map_or(Mark::Letter(grade), Mark::Points),
        };
        let of = GradeOf { school: "100", class, term: "Q1", kind };
        let value = Some(CourseGrade { mark, date: day(entered) });
        self.tell("grades", Fact::CourseGrade { of, value })
    }

    fn posted(self, class: &str, grade: &str) -> Self {
        self.graded(class, GradeKind::Posted, grade, 40)
    }

    fn without(self, class: &str) -> Self {
        let of = GradeOf { school: "100", class, term: "Q1", kind: GradeKind::Posted };
        self.tell("grades", Fact::CourseGrade { of, value: None })
    }
}

/// What is said, after what was announced before; twice, as saying it again says nothing.
#[track_caller]
fn tell(
    student: &Student,
    rule: &Rule,
    announced: &mut Announced,
    as_of: i64,
    reference: &Reference,
) -> Vec<&'static str> {
    let on = student.on(reference, as_of);
    let judgement = rule.judge(&on);
    let changes = judgement.announce(announced, Timestamp::UNIX_EPOCH);
    assert_eq!(judgement.announce(announced, Timestamp::UNIX_EPOCH), [], "again");
    let touched = |flag: &&crate::Flag| {
        flag.state.is_live() && !flag.unconfirmed || changes.iter().any(|change| change.number == flag.number)
    };
    for flag in announced.flags().iter().filter(touched) {
        assert!(judgement.gives(flag), "{flag:?}");
    }
    changes.iter().map(|change| change.kind.as_str()).collect()
}

#[test]
fn the_line_is_exact_and_a_flag_stays_until_the_lower_one() {
    let (rule, reference) = (posted(), reference(60));
    for (grade, status, told) in [
        ("60", Status::Ok, &[][..]),
        ("59.99", Status::Ok, &["raised"]),
        ("0", Status::Ok, &["raised"]),
        ("100", Status::Ok, &[]),
        ("", Status::Insufficient, &[]),
        ("?", Status::Insufficient, &[]),
        ("F", Status::Insufficient, &[]),
    ] {
        let student = Student::new().posted("ALG1", grade);
        assert_eq!(tell(&student, &rule, &mut Announced::default(), 45, &reference), told, "{grade}");
        let on = student.on(&reference, 45);
        assert_eq!(rule.judge(&on).answer().status, status, "{grade}");
    }
    let mut announced = Announced::default();
    let mut student = Student::new();
    for (grade, told) in
        [("59.99", &["raised"][..]), ("61", &[]), ("62.99", &[]), ("63", &["withdrawn"]), ("61", &[])]
    {
        student = student.posted("ALG1", grade);
        assert_eq!(tell(&student, &rule, &mut announced, 45, &reference), told, "{grade}");
    }
}

#[test]
fn a_posted_grade_that_is_retaken_or_gone_takes_its_flag_back_once() {
    let (rule, reference) = (posted(), reference(60));
    let failing = Student::new().posted("ALG1", "58").posted("ENG9", "91");
    for (after, text) in [
        (
            failing.clone().posted("ALG1", "71"),
            "The grade in ALG1 (Q1) is 71 now, it was 58. As known now no posted grade is below 60.",
        ),
        (
            failing.clone().without("ALG1"),
            "The grade in ALG1 (Q1) is gone. As known now no posted grade is below 60.",
        ),
    ] {
        let mut announced = Announced::default();
        assert_eq!(tell(&failing, &rule, &mut announced, 45, &reference), ["raised"]);
        assert_eq!(announced.flags()[0].history[0].text, "ALG1 (Q1): 58; the line is 60.");
        assert_eq!(tell(&after, &rule, &mut announced, 46, &reference), ["withdrawn"]);
        assert_eq!(announced.flags()[0].history.last().expect("it has one").text, text);
        assert_eq!(tell(&failing, &rule, &mut announced, 47, &reference), ["raised"], "another flag");
    }
}

#[test]
fn a_running_grade_that_rises_clears_its_flag() {
    let (rule, reference) = (rule(json!({"kind": "in_progress", "below": 60})), reference(60));
    let (mut announced, kind) = (Announced::default(), GradeKind::InProgress);
    let failing = Student::new().graded("ALG1", kind, "58", 20);
    assert_eq!(tell(&failing, &rule, &mut announced, 20, &reference), ["raised"]);
    let risen = failing.graded("ALG1", kind, "71", 30);
    assert_eq!(tell(&risen, &rule, &mut announced, 30, &reference), ["cleared"]);
    assert_eq!(announced.flags()[0].state, FlagState::Cleared);
}

/// Of two failing classes one is mended while the other cannot be read: the flag was told of both.
#[test]
fn a_class_that_a_flag_was_told_of_is_not_forgotten() {
    let (rule, reference) = (posted(), reference(60));
    for unread in ["?", "", "P"] {
        let mut announced = Announced::default();
        let both = Student::new().posted("ALG1", "50").posted("ENG9", "50");
        assert_eq!(tell(&both, &rule, &mut announced, 45, &reference), ["raised"]);
        let one = both.posted("ENG9", unread);
        assert_eq!(tell(&one, &rule, &mut announced, 46, &reference), [""; 0], "{unread}");
        let mended = one.posted("ALG1", "90");
        assert_eq!(tell(&mended, &rule, &mut announced, 47, &reference), [""; 0], "{unread}");
        assert!(announced.flags()[0].unconfirmed);
        let read = mended.posted("ENG9", "50");
        assert_eq!(tell(&read, &rule, &mut announced, 48, &reference), [""; 0], "the same flag: {unread}");
    }
}

/// A flag stands for the grades that it was told of: what fails later is told of by another, and a grade that was wrong is taken
/// back whatever else fails.
#[test]
fn a_class_that_fails_later_is_told_of_by_a_flag_of_its_own() {
    let (rule, reference) = (posted(), reference(60));
    let mut announced = Announced::default();
    let algebra = Student::new().posted("ALG1", "55").posted("ENG9", "90").posted("SCI", "73");
    assert_eq!(tell(&algebra, &rule, &mut announced, 45, &reference), ["raised"]);
    let more = algebra.posted("ENG9", "35").posted("SCI", "40");
    assert_eq!(tell(&more, &rule, &mut announced, 46, &reference), ["raised"]);
    let corrected = more.posted("ALG1", "80");
    assert_eq!(tell(&corrected, &rule, &mut announced, 47, &reference), ["withdrawn"]);
    let last =
        |number| announced.flag(number).and_then(|flag| flag.history.last()).expect("a word").text.clone();
    assert_eq!(
        [last(1), last(2)],
        [
            "The grade in ALG1 (Q1) is 80 now, it was 55. As known now none of these posted grades is below 60.",
            "ENG9 (Q1): 35; the line is 60. SCI (Q1): 40; the line is 60."
        ]
    );
    let between = corrected.posted("SCI", "61");
    assert_eq!(tell(&between, &rule, &mut announced, 48, &reference), [""; 0]);
    let one = between.posted("SCI", "70");
    assert_eq!(tell(&one, &rule, &mut announced, 48, &reference), [""; 0], "of English it was told too");
    let both = one.posted("ENG9", "70");
    assert_eq!(tell(&both, &rule, &mut announced, 49, &reference), ["withdrawn"]);
}

#[test]
fn a_running_grade_ends_when_it_is_posted() {
    let (rule, reference) = (rule(json!({"kind": "in_progress", "below": 60})), reference(60));
    let mut announced = Announced::default();
    let failing = Student::new().graded("ALG1", GradeKind::InProgress, "40", 20);
    assert_eq!(tell(&failing, &rule, &mut announced, 20, &reference), ["raised"]);
    let ended = failing.graded("ALG1", GradeKind::Posted, "45", 40);
    assert_eq!(tell(&ended, &rule, &mut announced, 40, &reference), ["cleared"]);
    let kinds: Vec<_> = announced.flags()[0].history.iter().map(|entry| entry.text.as_str()).collect();
    assert_eq!(kinds, ["ALG1 (Q1): 40; the line is 60.", "ALG1 (Q1): 45 posted."]);
}

#[test]
fn a_grade_that_is_not_known_decides_nothing() {
    let (rule, reference) = (posted(), reference(60));
    let mut announced = Announced::default();
    let failing = Student::new().posted("ALG1", "58");
    assert_eq!(tell(&failing, &rule, &mut announced, 45, &reference), ["raised"]);
    let blank = failing.posted("ALG1", "");
    assert_eq!(
        tell(&blank, &rule, &mut announced, 46, &reference),
        [""; 0],
        "a cell may be blank for a night"
    );
    assert!(announced.flags()[0].unconfirmed, "it stands as it was told");
    let unreadable = blank.posted("ALG1", "?").posted("ART", "P");
    assert_eq!(tell(&unreadable, &rule, &mut announced, 46, &reference), [""; 0]);
    assert!(announced.flags()[0].unconfirmed, "it stands as it was told");
    let passed = unreadable.posted("ALG1", "80");
    assert_eq!(tell(&passed, &rule, &mut announced, 47, &reference), ["withdrawn"], "art was never in it");
}

#[test]
fn letters_are_worth_what_the_scale_says() {
    let reference = reference(60);
    let scale = rule(json!({"kind": "posted", "below": 60, "scale": {"D": 65, "F": 50}}));
    for (letter, told) in [("F", &["raised"][..]), ("D", &[]), ("f", &[]), ("INC", &[])] {
        let student = Student::new().posted("ALG1", letter);
        assert_eq!(tell(&student, &scale, &mut Announced::default(), 45, &reference), told, "{letter}");
    }
}

#[test]
fn running_grades_that_nobody_enters_any_more_freeze_their_flags() {
    let reference = reference(60);
    let stale = rule(json!({"kind": "in_progress", "below": 60, "stale_after": {"school_days": 10}}));
    let student = Student::new().graded("ALG1", GradeKind::InProgress, "58", 20);
    let on = |as_of| student.on(&reference, as_of);
    assert_eq!(stale.judge(&on(29)).answer().status, Status::Ok);
    assert_eq!(stale.judge(&on(29)).looks_again(), Some(day(30)));
    let answer = stale.judge(&on(30)).answer();
    assert_eq!((answer.status, answer.missing[0].code()), (Status::Stale, "entries"));
    let mut announced = Announced::default();
    assert_eq!(tell(&student, &stale, &mut announced, 29, &reference), ["raised"]);
    let judged = stale.judge(&on(30));
    assert_eq!(judged.announce(&mut announced, Timestamp::UNIX_EPOCH), []);
    assert_eq!(announced.flags()[0].state, FlagState::Open);
}

#[test]
fn of_two_feeds_the_first_in_authority_is_heard() {
    let builder = with_feeds(&[], 60).read("office", []).read("grades", []);
    let reference = build(builder);
    let student = Student::new().posted("ALG1", "58");
    let of = GradeOf { school: "100", class: "ALG1", term: "Q1", kind: GradeKind::Posted };
    let value =
        Some(CourseGrade { mark: Mark::Points("80".parse().expect("a grade")), date: date(2026, 10, 1) });
    let corrected = student.clone().tell("office", Fact::CourseGrade { of, value });
    assert_eq!(tell(&student, &posted(), &mut Announced::default(), 45, &reference), ["raised"]);
    assert_eq!(tell(&corrected, &posted(), &mut Announced::default(), 45, &reference), [""; 0]);
    let blank = student.tell(
        "office",
        Fact::CourseGrade { of, value: Some(CourseGrade { mark: Mark::None, date: day(40) }) },
    );
    assert_eq!(
        tell(&blank, &posted(), &mut Announced::default(), 45, &reference),
        ["raised"],
        "no grade is no word"
    );
}

#[test]
fn settings_that_contradict_each_other_name_their_place() {
    let fault = |settings: serde_json::Value| {
        let serde_json::Value::Object(mut json) = settings else { panic!("an object") };
        json.insert("rule".to_owned(), "course-failure".into());
        Rule::from_json(json).map(|_| ()).expect_err("it is none").to_string()
    };
    for (settings, told) in [
        (json!({"kind": "posted", "below": 0}), "below: no grade is below 0"),
        (json!({"kind": "posted", "below": 60, "leave": 59.99}), "leave: leave must not be below"),
        (json!({"kind": "posted", "below": 60, "stale_after": {"school_days": 10}}), "stale_after: a posted"),
        (json!({"kind": "final", "below": 60}), "unknown variant `final`"),
        (json!({"kind": "posted", "below": 60, "scale": {"4": 95}}), "scale: the scale has \"4\""),
        (json!({"below": 60}), "missing field `kind`"),
        (json!({"kind": "posted", "below": 250}), "a grade is a number from 0 to 200"),
        (json!({"kind": "posted", "below": 60, "at_least": 2}), "unknown field `at_least`"),
        (json!({"kind": "posted", "below": 60, "grades": []}), "grades: grades is empty"),
    ] {
        let text = fault(settings);
        assert!(text.contains(told), "{text}");
    }
}

/// Beside a posted grade that cannot be read the running one is not known: nothing is raised, nothing comes off.
#[test]
fn a_posted_grade_that_cannot_be_read_decides_nothing() {
    let (rule, reference) = (rule(json!({"kind": "in_progress", "below": 60})), reference(60));
    let failing = Student::new().graded("ALG1", GradeKind::InProgress, "40", 20);
    let mut announced = Announced::default();
    assert_eq!(tell(&failing, &rule, &mut announced, 45, &reference), ["raised"]);
    let unread = failing.clone().posted("ALG1", "?");
    assert_eq!(tell(&unread, &rule, &mut announced, 45, &reference), [""; 0]);
    assert_eq!(announced.flags()[0].state, FlagState::Open);
    let posted = unread.posted("ALG1", "45");
    assert_eq!(tell(&posted, &rule, &mut announced, 45, &reference), ["cleared"]);
    let unread = posted.posted("ALG1", "?");
    assert_eq!(tell(&unread, &rule, &mut announced, 45, &reference), [""; 0], "nor is it raised anew");
}

/// Where no calendar of last year is configured its grades fall into this one.
#[test]
fn what_was_entered_before_the_school_year_is_none_of_it() {
    let student = Student::new().graded("ALG1", GradeKind::Posted, "40", -60);
    assert_eq!(tell(&student, &posted(), &mut Announced::default(), 45, &reference(60)), [""; 0]);
    let student = student.posted("ALG1", "40");
    assert_eq!(tell(&student, &posted(), &mut Announced::default(), 45, &reference(60)), ["raised"]);
}
