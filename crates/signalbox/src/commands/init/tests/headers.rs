//! Headers as districts have them: what is read of them, and what is said of the rest.

use super::proposals::{Proposal, completed, one};
use super::*;

/// The project's own example is read whole.
#[test]
fn the_grades_of_the_example_are_mapped_whole() {
    let text = "Student_Number,School_ID,Section,Term,Grade_Type,Percent,Entered\n\
                1001,100,ALG-100,Q1,Posted,74,10/15/2026\n";
    let Proposal { yaml, said, .. } = one("grades_1016.csv", text);
    assert!(yaml.contains("as_of: {from: Entered, format: \"%m/%d/%Y\"}"), "{yaml}");
    assert!(!yaml.contains("not used") && !said.contains("not used"), "{said}{yaml}");
}

#[test]
fn columns_that_are_left_out_are_named() {
    let text = "Student_Number,School_ID,Entry_Date,Stufe,Bus \"A\"\n1001,100,2026-08-17,9,7\n";
    let Proposal { yaml, said, loaded, .. } = one("enrollment.csv", text);
    assert_eq!(loaded.config.feeds.len(), 1, "{yaml}");
    assert!(said.contains("  feed enrollment: columns that are not used: \"Stufe\", \"Bus"), "{said}");
    for line in [
        "        # Columns that are not used: \"Stufe\", \"Bus",
        "        # exit: \"???\"   # The last day enrolled: last day, or none\n",
        "        # grade: \"???\"   # The grade level: text\n",
    ] {
        assert!(yaml.contains(line), "{line}: {yaml}");
    }
    assert_eq!(first_of(&["c"; 14]).matches("\"c\"").count(), 12);
    assert!(first_of(&["c"; 14]).ends_with(" and 2 more"));
}

/// Filled in as told, students leave, and grades fit.
#[test]
fn what_a_skeleton_could_hold_beside_what_it_lacks_is_named() {
    let text = "StudentID,Campus,Stufe,Von,Bis\n1001,100,9,8/17/2026,\n";
    let Proposal { yaml, said, .. } = one("roster.csv", text);
    assert!(said.contains("no column seems to hold the entry"), "{said}");
    for line in [
        "  #       entry: \"???\"   # The first day enrolled: date\n",
        "  #       # Columns that are not used: \"Stufe\", \"Von\", \"Bis\"\n",
        "  #       # exit: \"???\"",
        "  #       # grade: \"???\"",
    ] {
        assert!(yaml.contains(line), "{line}: {yaml}");
    }
    completed(&yaml, "take the comment signs away:", &[("entry: \"???\"", "entry: Von")]);
}

#[test]
fn short_names_are_known() {
    let text =
        "StudentID,Last,First,Birth,Campus,Gr,Start,End\n020001,Lee,Chloe,12/28/2008,0310,12,8/17/2026,\n";
    let Proposal { yaml, loaded, .. } = one("roster.csv", text);
    assert_eq!(loaded.config.feeds.len(), 1, "{yaml}");
    for line in
        ["last_name: Last\n", "first_name: First\n", "grade: Gr\n", "entry: {from: Start", "exit: {from: End"]
    {
        assert!(yaml.contains(line), "{line}: {yaml}");
    }
    let text = "Ref,Pupil,Campus,Occurred,Severity\n7000,020652,0310,10/22/2026,1\n";
    let Proposal { yaml, loaded, .. } = one("behaviour.csv", text);
    assert_eq!(loaded.config.feeds.len(), 1, "{yaml}");
    assert!(yaml.contains("# 1: ???") || yaml.contains("# \"1\": ???"), "{yaml}");
}

/// What a file is called says what it is, though most of its columns have names of their own.
#[test]
fn a_file_that_is_called_so_has_a_skeleton() {
    let text = "No,Kid,Campus,When,Severity\n7000,020652,0310,10/22/2026,1\n";
    let Proposal { yaml, said, json, .. } = one("behaviour.csv", text);
    let why = "behaviour.csv looks like behavior.incident, but no column seems to hold the incident and the student and the date";
    assert!(said.contains(why) && yaml.contains(why), "{said}{yaml}");
    assert_eq!(json["incomplete"][0]["file"], "behaviour.csv");
    assert!(
        one("menu.csv", text).said.contains("not used: menu.csv"),
        "a name that says nothing helps nothing"
    );
}

/// Whether the date is the last day there or the first day away, no export says.
#[test]
fn how_an_exit_is_read_is_said() {
    for name in ["Exit_Date", "End", "Withdrawal_Date", "Leave date"] {
        let text = format!("Student_ID,School_ID,Entry_Date,{name}\n1,100,2026-08-17,2026-09-30\n");
        let yaml = one("enrollment.csv", &text).yaml;
        let hint =
            "# exit: read as the last day there; if yours is the first day away, add exclusive: true\n";
        assert!(yaml.contains(hint), "{name}: {yaml}");
    }
}

/// A file of posted grades only, or one whose term tells them apart.
#[test]
fn grades_without_a_kind_have_a_way() {
    let text = "Student_Number,School_ID,Section_ID,Term,Percent\n1001,100,7.2,Q1,59.5\n";
    let yaml = one("grades.csv", text).yaml;
    assert!(yaml.contains("such as the term's: say under codes: {kind: …} what each means"), "{yaml}");
    let codes = "entity: gradebook.course_grade\n      codes: {kind: {Q1: posted, Q2: in_progress}}";
    let complete = [("kind: \"???\"", "kind: Term"), ("entity: gradebook.course_grade", codes)];
    completed(&yaml, "take the comment signs away:", &complete);
}
