//! What codes, days and rules are proposed.

use super::proposals::{GRADES, INCIDENTS, Proposal, completed, one, propose};
use super::*;

#[test]
fn codes_are_given_the_hubs_words_where_that_is_usual() {
    let Proposal { yaml, said, .. } = propose(&[
        ("grades.csv", GRADES.as_bytes()),
        ("incidents.csv", INCIDENTS.as_bytes()),
        ("att.csv", b"Student_ID,School_ID,Att_Date,Att_Code\n1,100,2026-09-15,A\n2,100,2026-09-15,\n"),
    ]);
    for line in [
        "kind: {Final: posted, IP: in_progress}\n",
        "category: {Minor: minor, OSS: suspension_out}\n",
        "# Zap: ???   # until it stands above with a word, what it stands for is unknown\n",
        "each is one of minor, major, suspension_in, suspension_out\n",
        "category: {A: absent_unexcused}\n",
        "# blank: ???   #",
        "each is one of present, present_remote, tardy,",
    ] {
        assert!(yaml.contains(line), "{line}: {yaml}");
    }
    assert!(said.contains("feed incidents: code Zap has no meaning yet"), "{said}");
}

#[test]
fn usual_codes() {
    let words = |entity: Entity, name: &str| match entity.column(name).expect("it has one").holds {
        signalbox_event::rows::Holds::Word(words) | signalbox_event::rows::Holds::Code(words) => words,
        other => panic!("{other:?}"),
    };
    let kind = words(Entity::CourseGrade, "kind");
    let category = words(Entity::Incident, "category");
    let day = words(Entity::Attendance, "category");
    for (words, word, all) in [
        (kind, Some("posted"), &["P", "F", "Final", "Posted"][..]),
        (kind, Some("in_progress"), &["IP", "In Progress", "Current", "in_progress"]),
        (kind, None, &["Q1", "blank"]),
        (category, Some("minor"), &["Minor", "MINOR"]),
        (category, Some("major"), &["Major"]),
        (category, Some("suspension_out"), &["OSS", "oss", "Out-of-School Suspension"]),
        (category, Some("suspension_in"), &["ISS", "In School Suspension"]),
        (category, None, &["1", "P", "-", ""]),
        (day, Some("present"), &["P", "Present"]),
        (day, Some("absent_half_day"), &["H", "Half Day"]),
    ] {
        for code in all {
            let found = codes::codes([*code].into_iter(), words).expect("it is one");
            assert_eq!(found[0].word, word, "{code}");
        }
    }
}

/// Every row would be rejected; and what is no code may be about a student.
#[test]
fn codes_that_say_nothing_make_no_feed() {
    let Proposal { said, yaml, .. } = one("grades.csv", &GRADES.replace("Final", "Q").replace("IP", "R"));
    assert!(said.contains("but what the codes in \"Grade_Type\" mean is not known"), "{said}");
    assert!(yaml.contains("#       # Q: ???"), "{yaml}");
    let told = "threw a chair at the teacher's desk";
    let Proposal { said, yaml, .. } = one("incidents.csv", &INCIDENTS.replace("Zap", told));
    assert!(said.contains("but \"Level\" holds too much to be codes"), "{said}");
    assert!(!said.contains("chair") && !yaml.contains("chair"), "{yaml}");
}

#[test]
fn weekdays_without_a_row_are_proposed_as_closed() {
    let mut text = "Student_ID,School_ID,Att_Date,Att_Code\n".to_owned();
    let first = jiff::civil::date(2026, 11, 2);
    for day in first.series(jiff::Span::new().days(1)).take(80) {
        let closed = [(2026, 11, 11, 11), (2026, 11, 26, 27), (2026, 12, 21, 31), (2027, 1, 1, 1)];
        let is_closed = |(year, month, from, to): (i16, i8, i8, i8)| {
            (day.year(), day.month()) == (year, month) && (from..=to).contains(&day.day())
        };
        if day.weekday().to_monday_one_offset() < 6 && !closed.into_iter().any(is_closed) {
            text.extend(["1,100,", &day.to_string(), ",A\n"]);
        }
    }
    let yaml = one("attendance.csv", &text).yaml;
    let closed =
        "closed: [2026-11-11, {from: 2026-11-26, to: 2026-11-27}, {from: 2026-12-21, to: 2027-01-01}]\n";
    assert!(yaml.contains(&format!("    # No row on these weekdays: closed?\n    # {closed}")), "{yaml}");
    let few = "Student_ID,School_ID,Att_Date,Att_Code\n1,100,2026-09-01,A\n1,100,2026-11-20,A\n";
    assert!(
        !one("attendance.csv", few).yaml.contains("closed?"),
        "absences of some days say nothing of the others"
    );
}

#[test]
fn rules_for_grades_and_incidents_are_proposed_beside_the_active_one() {
    let files: [(&str, &[u8]); 2] =
        [("grades.csv", GRADES.as_bytes()), ("incidents.csv", INCIDENTS.as_bytes())];
    let Proposal { yaml, .. } = propose(&files);
    assert!(
        yaml.contains("\nrisk: {packs: [federal-chronic-absence], min_days: 20, enter: 10%, leave: 9%}\n")
    );
    for rule in [
        "{rule: course-failure, kind: posted, below: 60, leave: 63, scale: {A: 95, ",
        "{rule: behavior, categories: [",
    ] {
        assert!(yaml.contains(&format!("#     - {rule}")), "{yaml}");
    }
    let old = "risk: {packs: [federal-chronic-absence], min_days: 20, enter: 10%, leave: 9%}\n";
    completed(&yaml.replacen(old, "", 1), "in place of the line above:", &[]);
    let Proposal { yaml, .. } = propose(&files[..1]);
    assert!(!yaml.contains("rule: behavior"), "what is not there is not judged: {yaml}");
}

#[test]
fn where_nothing_can_be_proposed_it_says_why_and_what_to_do() {
    let Proposal { said, yaml, json, .. } = propose(&[
        ("menu.csv", b"Day,Dish\nMonday,Soup\n"),
        ("tests.csv", b"Student_ID,Score\n1001,77\n"),
        ("empty.txt", b""),
    ]);
    for line in [
        "not used: menu.csv (none of its columns has a name that is known; does it have a header?)",
        "not used: tests.csv (nearest to gradebook.course_grade, of which it lacks school, class, term, kind)",
        "not used: empty.txt (the file has no header line)",
        "roster.enrollment with a column for each of student, school, entry",
        "attendance.daily with a column for each of student, school, date, category",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    assert!(yaml.contains("# feeds:\n#   - {name: sis"), "{yaml}");
    assert_eq!((&json["feeds"], &json["incomplete"]), (&json!([]), &json!([])));
    assert_eq!(json["not_used"].as_array().map(Vec::len), Some(3));
}

/// One name but for the number, and two kinds of rows: no pattern finds both.
#[test]
fn files_of_two_kinds_are_no_drops_of_one_feed() {
    let Proposal { yaml, .. } =
        propose(&[("out_1.csv", GRADES.as_bytes()), ("out_2.csv", INCIDENTS.as_bytes())]);
    assert!(yaml.contains("out_1.csv\"") && yaml.contains("out_2.csv\""), "{yaml}");
}

/// A name of a file or column ends no comment.
#[test]
fn names_stay_on_their_line() {
    let text = GRADES.replace("Term", "\"a\u{85}b\"");
    let Proposal { yaml, .. } = one("grades\nfeeds: [.csv", &text);
    assert!(yaml.contains("  # grades feeds: [.csv looks like"), "{yaml}");
}

/// What people write freely may be about a student: it goes into no file.
#[test]
fn what_is_a_sentence_is_no_code() {
    let words = &["minor", "major"];
    for text in ["Fight with a named girl", "two\nlines", "a text that is longer than any code is"] {
        assert!(codes::codes([text].into_iter(), words).is_none(), "{text:?}");
    }
    assert!(codes::codes(["Out of School Suspension"].into_iter(), words).is_some());
}
