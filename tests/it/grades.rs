//! Grades in classes, from file to webhook: `gradebook.course_grade` and the rule `course-failure`.

use serde_json::{Value, json};

use crate::district::{District, assert_counts, last_run};
use crate::drops::school;
use crate::receiver::Receiver;

/// A feed of grades; some are final and some are not.
pub(crate) const FEED: &str = r#"  - name: grades
    mode: live
    csv: {path: "./drop/grades*.csv", entity: gradebook.course_grade, covers: school_year, absent_rows: end,
          columns: {student: Student, school: School, class: Section, term: Term, kind: Type, grade: Grade},
          codes: {kind: {P: posted, I: in_progress}}}
"#;

pub(crate) const POSTED: &str = "{rules: [{rule: course-failure, kind: posted, below: 60, leave: 63}]}";

/// Student, class, term, type, grade.
pub(crate) type Grade<'a> = (u32, &'a str, &'a str, &'a str, &'a str);

pub(crate) fn export(rows: &[Grade<'_>]) -> String {
    let row = |(student, class, term, kind, grade): &Grade<'_>| {
        format!("{student},{},{class},{term},{kind},{grade}\r\n", school(*student))
    };
    format!("Student,School,Section,Term,Type,Grade\r\n{}", rows.iter().map(row).collect::<String>())
}

/// Students 1000 to 1004 and 2000, with grades and a rule for them; nobody is told but of that rule.
fn district(receiver: &Receiver, risk: &'static str) -> District {
    let mut district = District::with(|config| {
        FEED.clone_into(&mut config.beside);
        config.risk = risk;
        config.webhooks = vec![("counselor".to_owned(), receiver.url())];
        config.told_of = vec!["course-failure"];
    });
    district.enroll(&[1000, 1001, 1002, 1003, 1004, 2000]);
    district
}

fn grade(district: &mut District, name: &str, rows: &[Grade<'_>]) -> Value {
    district.drop(name, export(rows));
    district.up()
}

/// What is answered of a student's grades.
fn answer(district: &District, id: u32) -> Value {
    let student = district.student(id);
    let answers = student["answers"].as_array().expect("answers").iter();
    answers.clone().find(|answer| answer["rule"] == "course-failure").expect("an answer").clone()
}

#[test]
fn the_line_is_exact_and_a_flag_comes_off_at_the_upper_one() {
    let receiver = Receiver::start();
    let mut district = district(&receiver, POSTED);
    let rows = [
        (1000, "ALG1", "Q1", "P", "60"),
        (1001, "ALG1", "Q1", "P", "59.99"),
        (1002, "ALG1", "Q1", "P", ""),
        (1003, "ALG1", "Q1", "P", "0"),
        (1004, "ALG1", "Q1", "P", "F"),
        (2000, "ALG1", "Q1", "I", "12"),
    ];
    let status = grade(&mut district, "grades-1.csv", &rows);
    assert_counts(last_run(&status, "grades"), &[("rows", 6), ("add", 6)]);
    let flagged: Vec<Value> = district.flags().iter().map(|flag| flag["student_id"].clone()).collect();
    assert_eq!(flagged, ["1001", "1003"]);
    assert_eq!(receiver.kinds(), ["risk.flag.raised"; 2]);
    for (id, status, value) in [
        (1000, "ok", json!("0/1")),
        (1001, "ok", json!("1/1")),
        (1002, "insufficient", Value::Null),
        (1004, "insufficient", Value::Null),
        (2000, "insufficient", Value::Null),
    ] {
        let answer = answer(&district, id);
        assert_eq!((&answer["status"], &answer["value"]), (&status.into(), &value), "{id}: {answer}");
    }
    assert!(answer(&district, 1004)["missing"].to_string().contains("scale"), "F is no number");
    for (grade_of_1001, open) in [("61", 2), ("62.99", 2), ("63", 1)] {
        let mut rows = rows;
        rows[1].4 = grade_of_1001;
        let status = grade(&mut district, &format!("grades-{grade_of_1001}.csv"), &rows);
        assert_eq!(status["flags"]["open"], open, "{grade_of_1001}: {status}");
    }
    assert_eq!(receiver.kinds()[2..], ["risk.flag.withdrawn"]);
}

#[test]
fn a_grade_that_is_retaken_takes_its_flag_back_once() {
    let receiver = Receiver::start();
    let mut district = district(&receiver, POSTED);
    let good = (1000, "ENG9", "Q1", "P", "88");
    grade(&mut district, "grades-1.csv", &[good, (1001, "ALG1", "Q1", "P", "58")]);
    let flag = district.flags()[0].clone();
    assert_eq!(
        (&flag["rule"], &flag["domain"], &flag["value"]),
        (&"course-failure".into(), &"course".into(), &"58".into())
    );
    assert_eq!(flag["school"], "100");
    let id = flag["flag_id"].as_str().expect("an id");
    let explained = district.json(&["explain", id, "--verify"]);
    assert_eq!(explained["verified"], true, "{explained}");
    let reason = &explained["reasons"][0];
    assert_eq!(reason["text"], "ALG1 (Q1): 58; the line is 60.");
    assert_eq!(
        (&reason["code"], &reason["operator"], &reason["threshold"]),
        (&"COURSE_GRADE".into(), &"<".into(), &"60".into())
    );
    assert_eq!(
        (&reason["evidence"][0]["ref"], &reason["evidence"][0]["what"]),
        (&"ALG1".into(), &"58 in Q1".into())
    );
    assert_eq!(reason.get("dates"), None, "those are of attendance only");
    assert_eq!(explained["certificate"]["events"].as_array().map(Vec::len), Some(2), "enrolled, and a grade");

    for name in ["grades-2.csv", "grades-3.csv"] {
        grade(&mut district, name, &[good, (1001, "ALG1", "Q1", "P", "71")]);
    }
    assert_eq!(receiver.kinds(), ["risk.flag.raised", "risk.flag.withdrawn"]);
    let withdrawn = receiver.deliveries()[1].json();
    assert_eq!(withdrawn["data"]["flag_id"], id);
    let told = "The grade in ALG1 (Q1) is 71 now, it was 58. As known now no posted grade is below 60.";
    assert_eq!(withdrawn["data"]["reason"], told);
    assert_eq!(district.json(&["explain", id, "--verify"])["verified"], true);
}

#[test]
fn a_file_speaks_for_its_terms_and_what_is_gone_there_is_taken_back() {
    let receiver = Receiver::start();
    let mut district = district(&receiver, POSTED);
    let first =
        [(1000, "ALG1", "Q1", "P", "50"), (1001, "ALG1", "Q1", "P", "55"), (1002, "ALG1", "Q1", "P", "90")];
    grade(&mut district, "grades-1.csv", &first);
    let second = [(1000, "ALG1", "Q2", "P", "70"), (1001, "ALG1", "Q2", "P", "58")];
    let status = grade(&mut district, "grades-2.csv", &second);
    assert_counts(last_run(&status, "grades"), &[("rows", 2), ("add", 2)]);
    assert_eq!(
        status["flags"]["open"], 3,
        "the first term stands, and 1001 fails in the second too: {status}"
    );
    let status = grade(&mut district, "grades-3.csv", &[first[1], first[2]]);
    assert_counts(last_run(&status, "grades"), &[("rows", 2), ("unchanged", 2), ("end", 1)]);
    assert_eq!((&status["flags"]["open"], &status["flags"]["withdrawn"]), (&2.into(), &1.into()), "{status}");
}

/// Whoever was told of one class hears of the next, and that the first was wrong, whatever else fails.
#[test]
fn a_class_that_fails_later_is_told_and_one_that_was_wrong_is_taken_back() {
    let receiver = Receiver::start();
    let mut district = district(&receiver, POSTED);
    grade(&mut district, "grades-1.csv", &[(1000, "ALG1", "Q1", "P", "55"), (1000, "SCI", "Q1", "P", "73")]);
    let classes = |at: usize| {
        let data = receiver.deliveries()[at].json()["data"].clone();
        let reasons = data["reasons"].as_array().expect("reasons").clone();
        reasons
            .iter()
            .map(|reason| reason["evidence"][0]["ref"].as_str().unwrap_or_default().to_owned())
            .collect::<Vec<_>>()
    };
    grade(&mut district, "grades-2.csv", &[(1000, "ALG1", "Q1", "P", "55"), (1000, "SCI", "Q1", "P", "40")]);
    assert_eq!(receiver.kinds(), ["risk.flag.raised"; 2]);
    assert_eq!((classes(0), classes(1)), (vec!["ALG1".to_owned()], vec!["SCI".to_owned()]));
    grade(&mut district, "grades-3.csv", &[(1000, "ALG1", "Q1", "P", "75"), (1000, "SCI", "Q1", "P", "40")]);
    assert_eq!(receiver.kinds()[2..], ["risk.flag.withdrawn"]);
    assert_eq!(classes(2), ["ALG1"], "of the class that was told of");
    for flag in district.flags() {
        let id = flag["flag_id"].as_str().expect("an id").to_owned();
        district.run(&["explain", &id, "--verify"]).exit(0);
    }
}

/// A flag takes the mode of the feeds that its own classes are of: a gradebook that is tried out tells nobody, and silences
/// nobody.
#[test]
fn of_two_gradebooks_one_is_tried_out() {
    let receiver = Receiver::start();
    let mut district = district(&receiver, POSTED);
    district.configure(|config| {
        let tried = FEED.replace("grades", "lms").replace("gradebook.course_lms", "gradebook.course_grade");
        config.beside = format!("{FEED}{}", tried.replace("mode: live", "mode: test"));
    });
    let told = || {
        let classes = receiver.deliveries().into_iter().map(|one| {
            let data = one.json()["data"].clone();
            data["reasons"][0]["evidence"][0]["ref"].as_str().unwrap_or("a list").to_owned()
        });
        classes.collect::<Vec<_>>()
    };
    grade(&mut district, "lms-1.csv", &[(1000, "SCI", "Q1", "P", "50")]);
    assert_eq!(told(), [""; 0], "it is in test");
    grade(&mut district, "grades-1.csv", &[(1000, "ALG1", "Q1", "P", "40")]);
    assert_eq!(told(), ["ALG1"], "live, whatever the other says");
    grade(&mut district, "lms-2.csv", &[(1000, "SCI", "Q1", "P", "61")]);
    grade(&mut district, "grades-2.csv", &[(1000, "ALG1", "Q1", "P", "40"), (1000, "ENG9", "Q1", "P", "45")]);
    assert_eq!(told(), ["ALG1", "ENG9"]);
    let stand: Vec<Value> = district.alerts().iter().map(|alert| alert["state"].clone()).collect();
    assert_eq!(stand, ["withheld", "delivered", "delivered"]);
}

#[test]
fn what_cannot_be_read_is_unknown_and_never_passing() {
    let receiver = Receiver::start();
    let mut district = district(&receiver, POSTED);
    let failing =
        [(1000, "ALG1", "Q1", "P", "50"), (1001, "ALG1", "Q1", "P", "50"), (1002, "ALG1", "Q1", "P", "50")];
    grade(&mut district, "grades-1.csv", &failing);
    assert_eq!(receiver.kinds().len(), 3);
    let bad = [
        (1000, "ALG1", "Q1", "P", "250"),
        (1001, "ALG1", "Q1", "P", "59,99"),
        (1002, "ALG1", "Q1", "X", "90"),
    ];
    let mut text = export(&bad).replace("1001,100,ALG1,Q1,P,59,99", "1001,100,ALG1,Q1,P,\"59,99\"");
    text.push_str("1003,100,ALG1\r\n1004,100,,Q1,P,30\r\n1000,100,ENG9,Q1,P,40\r\n1000,100,ENG9,Q1,P,80\r\n1000,100,ART,Q1,P,95\r\n");
    district.drop("grades-2.csv", text);
    let status = district.up();
    let run = last_run(&status, "grades");
    assert_eq!((&run["rows"], &run["reject"], &run["end"]), (&8.into(), &7.into(), &0.into()), "{status}");
    assert_eq!(receiver.kinds().len(), 3, "nothing is decided by it");
    let flags = district.flags();
    assert!(flags.iter().take(2).all(|flag| flag["unconfirmed"] == true), "{flags:?}");
    let codes: Vec<String> =
        district.rejects().iter().map(|reject| reject["code"].as_str().expect("a word").to_owned()).collect();
    for code in ["invalid_grade", "unmapped_code", "wrong_field_count", "missing_value", "conflicting_rows"] {
        assert!(codes.iter().any(|one| one == code), "{code}: {codes:?}");
    }
    let grouped = district.json(&["rejects", "list", "--group"]);
    assert!(grouped.to_string().contains("from 0 to 200"), "the mend: {grouped}");
    // The next good file heals.
    let status = grade(&mut district, "grades-3.csv", &failing);
    assert_eq!((&status["flags"]["open"], &status["rejects"]), (&3.into(), &0.into()), "{status}");
    assert!(district.flags().iter().all(|flag| flag["unconfirmed"] == false));
    assert_eq!(receiver.kinds().len(), 3);
}

#[test]
fn a_grade_of_a_student_or_school_to_come_is_used_once_the_roster_brings_them() {
    let receiver = Receiver::start();
    let mut district = district(&receiver, POSTED);
    let rows =
        [(1000, "ALG1", "Q1", "P", "90"), (1009, "ALG1", "Q1", "P", "40"), (3000, "ALG1", "Q1", "P", "40")];
    let status = grade(&mut district, "grades-1.csv", &rows);
    let run = last_run(&status, "grades");
    assert_eq!((&run["reject"], &run["unmatched"]), (&1.into(), &1.into()), "{status}");
    assert_eq!(status["flags"]["open"], 0);
    district.enroll(&[1000, 1001, 1002, 1003, 1004, 1009, 2000, 3000]);
    let status = district.up();
    assert_eq!((&status["flags"]["open"], &status["unmatched"]), (&2.into(), &0.into()), "{status}");
    let status = grade(&mut district, "grades-2.csv", &rows);
    assert_counts(last_run(&status, "grades"), &[("rows", 3), ("unchanged", 3)]);
}

#[test]
fn an_export_that_lost_most_of_its_rows_waits_for_a_person() {
    let receiver = Receiver::start();
    let mut district = District::with(|config| {
        FEED.clone_into(&mut config.beside);
        config.risk = POSTED;
        config.webhooks = vec![("counselor".to_owned(), receiver.url())];
        config.told_of = vec!["course-failure"];
    });
    let ids: Vec<u32> = (1000..1040).collect();
    district.enroll(&ids);
    let all: Vec<Grade<'_>> = ids.iter().map(|id| (*id, "ALG1", "Q1", "P", "40")).collect();
    grade(&mut district, "grades-1.csv", &all);
    let status = grade(&mut district, "grades-2.csv", &all[..20]);
    assert_eq!((&status["holds"], &status["flags"]["open"]), (&1.into(), &40.into()), "{status}");
    let hold = district.holds()[0].clone();
    assert_eq!((&hold["reason"], &hold["would_end"]), (&"file".into(), &20.into()));
    let status = grade(&mut district, "grades-3.csv", &all);
    assert_eq!((&status["holds"], &status["flags"]["open"]), (&0.into(), &40.into()), "{status}");
}

#[test]
fn grades_of_a_feed_in_test_reach_nobody() {
    let receiver = Receiver::start();
    let mut district = district(&receiver, POSTED);
    district.configure(|config| config.beside = FEED.replace("live", "test"));
    let rows = [(1000, "ALG1", "Q1", "P", "90"), (1001, "ALG1", "Q1", "P", "40")];
    district.drop("grades-1.csv", export(&rows));
    let to = json!([{"name": "counselor", "raise": 1, "raise_untold": 1, "withdraw": 0}]);
    assert_eq!(district.json(&["plan"])["alerts"]["to"], to);
    assert!(district.text(&["plan"]).contains("grades is in test: what rests on it is not sent"));
    let status = district.up();
    assert_eq!((&status["flags"]["open"], receiver.kinds().len()), (&1.into(), 0), "{status}");
    assert_eq!(district.alerts()[0]["state"], "withheld");
    district.configure(|config| config.beside = FEED.to_owned());
    district.up();
    assert_eq!(receiver.kinds(), ["risk.flags.standing"]);
}

#[test]
fn a_running_grade_that_nobody_enters_any_more_freezes_its_flag() {
    let receiver = Receiver::start();
    let risk =
        "{rules: [{rule: course-failure, kind: in_progress, below: 60, stale_after: {school_days: 10}}]}";
    let mut district = district(&receiver, risk);
    let rows = [(1000, "ALG1", "Q1", "I", "90"), (1001, "ALG1", "Q1", "I", "40")];
    grade(&mut district, "grades-1.csv", &rows);
    assert_eq!(answer(&district, 1001)["status"], "ok");
    district.later(60 * 24 * 21);
    let status = district.up();
    assert_eq!(status["flags"]["open"], 1, "{status}");
    let stale = answer(&district, 1001);
    assert_eq!((&stale["status"], &stale["value"]), (&"stale".into(), &"1/1".into()), "{stale}");
    let risen = [rows[0], (1001, "ALG1", "Q1", "I", "75")];
    grade(&mut district, "grades-2.csv", &risen);
    assert_eq!(receiver.kinds(), ["risk.flag.raised", "risk.flag.cleared"]);
}

/// The file was read with the wrong column as its terms: what was read so is taken back when it is read again.
#[test]
fn a_mapping_that_is_mended_leaves_no_term_behind() {
    let receiver = Receiver::start();
    let mut district = district(&receiver, POSTED);
    district.configure(|config| config.beside = FEED.replace("term: Term", "term: Section"));
    let rows = |grade| [(1001, "ALG1", "Q1", "P", grade), (1002, "ALG1", "Q1", "P", "90")];
    grade(&mut district, "grades-1.csv", &rows("50"));
    district.configure(|config| FEED.clone_into(&mut config.beside));
    let status = district.up();
    assert_counts(last_run(&status, "grades"), &[("rows", 2), ("add", 2), ("end", 2)]);
    assert_eq!(status["flags"]["open"], 1, "{status}");
    let status = grade(&mut district, "grades-2.csv", &rows("95"));
    assert_eq!(status["flags"]["open"], 0, "{status}");
    let quarter = [(1001, "ALG1", "Q2", "P", "50")];
    let status = grade(&mut district, "grades-3.csv", &quarter);
    assert_eq!(last_run(&status, "grades")["end"], 0, "another quarter takes nothing back: {status}");
}

/// A grade is none yet while its cell is blank; for a night it may be blank by mistake.
#[test]
fn a_night_of_blank_grades_takes_nothing_back() {
    let receiver = Receiver::start();
    let mut district = district(&receiver, POSTED);
    let failing =
        [(1000, "ALG1", "Q1", "P", "50"), (1001, "ALG1", "Q1", "P", "55"), (1002, "ALG1", "Q1", "P", "90")];
    grade(&mut district, "grades-1.csv", &failing);
    let blank = failing.map(|row| (row.0, row.1, row.2, row.3, ""));
    let status = grade(&mut district, "grades-2.csv", &blank);
    assert_eq!(status["flags"]["open"], 2, "{status}");
    let flag = district.flags().remove(0);
    let why = district.json(&["explain", flag["flag_id"].as_str().expect("an id")]);
    assert_eq!(why["unconfirmed"], true, "{why}");
    assert_eq!(why["unknown"], serde_json::json!(["ALG1 (Q1): no grade now"]), "{why}");
    grade(&mut district, "grades-3.csv", &failing);
    assert_eq!(receiver.kinds(), ["risk.flag.raised"; 2]);
}

/// What cannot be used speaks for no term.
#[test]
fn a_stray_row_that_cannot_be_used_ends_no_other_term() {
    for stray in ["1002,100,ART,Q1,P,999", "1002,999,ART,Q1,P,90"] {
        let receiver = Receiver::start();
        let mut district = district(&receiver, POSTED);
        grade(
            &mut district,
            "grades-1.csv",
            &[(1000, "ALG1", "Q1", "P", "50"), (1001, "ALG1", "Q1", "P", "55")],
        );
        let second = export(&[(1000, "ALG1", "Q2", "P", "70"), (1001, "ALG1", "Q2", "P", "80")]);
        district.drop("grades-2.csv", format!("{second}{stray}\r\n"));
        let status = district.up();
        assert_eq!(last_run(&status, "grades")["end"], 0, "{stray}: {status}");
        assert_eq!(status["flags"]["open"], 2, "{stray}: {status}");
    }
}

/// The end of a term is no shrunken export: running grades go, as they are posted.
#[test]
fn running_grades_that_are_posted_ask_nobody() {
    let receiver = Receiver::start();
    let mut district = District::with(|config| {
        FEED.clone_into(&mut config.beside);
        config.risk = "{rules: [{rule: course-failure, kind: in_progress, below: 60}]}";
        config.webhooks = vec![("counselor".to_owned(), receiver.url())];
        config.told_of = vec!["course-failure"];
    });
    let ids: Vec<u32> = (1000..1040).collect();
    district.enroll(&ids);
    let all = |kind| ids.iter().map(|id| (*id, "ALG1", "Q1", kind, "40")).collect::<Vec<Grade<'_>>>();
    grade(&mut district, "grades-1.csv", &all("I"));
    let status = grade(&mut district, "grades-2.csv", &all("P"));
    assert_eq!((&status["holds"], &status["flags"]["open"]), (&0.into(), &0.into()), "{status}");
    assert_counts(last_run(&status, "grades"), &[("rows", 40), ("add", 40), ("end", 40)]);
    let told = receiver.deliveries()[40].json();
    assert_eq!(
        (&told["type"], &told["data"]["reason"]),
        (&"risk.flag.cleared".into(), &"ALG1 (Q1): 40 posted.".into())
    );
}

/// What was entered last year is last year's, however late it is read.
#[test]
fn last_years_grades_raise_nothing_this_year() {
    let receiver = Receiver::start();
    let mut district = district(&receiver, POSTED);
    district.configure(|config| {
        let dated =
            FEED.replace("grade: Grade}", "grade: Grade, as_of: {from: Entered, format: \"%m/%d/%Y\"}}");
        config.beside = dated;
        config.calendars = "[{schools: all, school_year: 2021, first: 2020-08-24, last: 2021-05-28}, \
                            {schools: all, school_year: 2022, first: 2021-08-23, last: 2022-05-27}]"
            .to_owned();
    });
    let file = |entered: &str| {
        format!(
            "Student,School,Section,Term,Type,Grade,Entered\r\n1000,100,ALG1,Q4,P,40,{entered}\r\n1001,100,ALG1,Q4,P,90,{entered}\r\n"
        )
    };
    district.drop("grades-1.csv", file("5/20/2021"));
    let status = district.up();
    assert_eq!(
        (&status["flags"]["open"], &last_run(&status, "grades")["add"]),
        (&0.into(), &2.into()),
        "{status}"
    );
    district.drop("grades-2.csv", file("1/1/2099"));
    district.up();
    assert_eq!(district.flags()[0]["since"], "2021-11-01", "none is entered after it was read");
}

/// Blank cells where final grades will stand end nothing; neither does a final grade that cannot be read.
#[test]
fn a_final_grade_that_is_blank_or_unreadable_leaves_the_running_one() {
    let receiver = Receiver::start();
    let mut district = district(&receiver, "{rules: [{rule: course-failure, kind: in_progress, below: 60}]}");
    let ids: Vec<u32> = (1000..1040).collect();
    district.enroll(&ids.iter().copied().chain([2000]).collect::<Vec<_>>());
    let all = |kind, grade| ids.iter().map(|id| (*id, "ALG1", "Q1", kind, grade)).collect::<Vec<Grade<'_>>>();
    grade(&mut district, "grades-1.csv", &all("I", "40"));
    let status = grade(&mut district, "grades-2.csv", &all("P", ""));
    assert_eq!((&status["holds"], &status["flags"]["open"]), (&1.into(), &40.into()), "{status}");
    let status = grade(&mut district, "grades-3.csv", &all("I", "40"));
    assert_eq!((&status["holds"], &status["flags"]["open"]), (&0.into(), &40.into()), "{status}");
    let mut unread = all("I", "40");
    unread.push((1000, "ALG1", "Q1", "P", "#REF!"));
    let status = grade(&mut district, "grades-4.csv", &unread);
    assert_eq!(status["flags"]["open"], 40, "{status}");
    assert_eq!(receiver.kinds(), ["risk.flag.raised"; 40]);
}

/// A grade of nobody knows when may be last year's.
#[test]
fn a_grade_whose_day_cannot_be_read_is_not_known() {
    let receiver = Receiver::start();
    let mut district = district(&receiver, POSTED);
    district.configure(|config| {
        config.beside =
            FEED.replace("grade: Grade}", "grade: Grade, as_of: {from: Entered, format: \"%m/%d/%Y\"}}");
    });
    let good = |n: u32| format!("1001,100,C{n},Q1,P,90,10/20/2021\r\n");
    let beside: String = (0..20).map(good).collect();
    let file = |entered: &str| {
        format!(
            "Student,School,Section,Term,Type,Grade,Entered\r\n1000,100,ALG1,Q1,P,40,{entered}\r\n{beside}"
        )
    };
    district.drop("grades-1.csv", file("2021-10-20"));
    let status = district.up();
    assert_counts(last_run(&status, "grades"), &[("rows", 21), ("add", 20), ("reject", 1)]);
    assert_eq!((&status["flags"]["open"], &answer(&district, 1000)["unknown"]), (&0.into(), &1.into()));
    district.drop("grades-2.csv", file("10/20/2021"));
    assert_eq!(district.up()["flags"]["open"], 1, "the next good file heals it");
    district.drop("grades-3.csv", file(""));
    district.up();
    assert_eq!(district.flags()[0]["since"], "2021-10-20", "the same grade was not entered anew");
}
