//! How columns are written: codes, ids, dates, headers, calendars, and the folder that paths start from.

use std::fs;

use serde_json::Value;

use crate::binary::Run;
use crate::district::{District, assert_counts, last_run};
use crate::drops::{self, day, us};

const ROSTER: &str = "columns: {student: Student_Number, last_name: Last_Name, first_name: First_Name, birth_date: DOB, \
    school: School_ID, entry: {from: Entry_Date, format: \"%m/%d/%Y\"}, exit: {from: Exit_Date, format: \"%m/%d/%Y\"}}";
const EXCEPTIONS: &str = "rows: exceptions, columns: {student: Student_Number, school: School_ID, \
    date: {from: Att_Date, format: \"%m/%d/%Y\"}, category: Att_Code}, \
    codes: {category: {A: absent_unexcused, T: tardy}}";
const YEAR: &str = "schools: all, school_year: 2022, first: 2021-08-23, last: 2022-05-27, \
    closed: [2021-09-06, {from: 2021-12-18, to: 2022-01-03}]";

/// A district whose feeds and calendar have these keys.
fn reading(roster: &str, attendance: &str, calendar: &str) -> District {
    let text = format!(
        r#"district: {{id: lakeside, timezone: America/Chicago, secret: "SECRET[env.SIGNALBOX_SECRET]"}}
data_dir: ./var
calendars: [{{{calendar}}}]
feeds:
  - name: enrollment
    roster_of_record: true
    csv: {{path: "./drop/enrollment*.csv", entity: roster.enrollment, covers: school_year, absent_rows: end, {roster}}}
  - name: attendance
    mode: live
    csv: {{path: "./drop/attendance*.csv", entity: attendance.daily, covers: school_year, absent_rows: end, {attendance}}}
risk: {{packs: [federal-chronic-absence], min_days: 20, enter: 10%, leave: 9%}}
"#
    );
    District::with(|config| config.verbatim = Some(text))
}

fn lines(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|line| (*line).to_owned()).collect()
}

#[test]
fn an_empty_cell_means_what_the_mapping_says() {
    let every_day = EXCEPTIONS.replace("rows: exceptions", "rows: every_day");
    let mapped = every_day.replace("{A: ", "{blank: present, A: ");
    let rows: Vec<_> = (1..=20).map(|n| (1001, n, if n < 3 { "A" } else { "" })).collect();
    let read = |attendance: &str| {
        let mut district = reading(ROSTER, attendance, YEAR);
        district.enroll(&[1001]);
        district.attend(&rows);
        let status = district.up();
        (last_run(&status, "attendance").clone(), district.answer(1001))
    };
    let (run, answer) = read(&mapped);
    assert_counts(&run, &[("rows", 20), ("add", 20)]);
    assert_eq!(answer["value"], "2/20");
    let (run, answer) = read(&every_day);
    assert_eq!((&run["rows"], &run["reject"]), (&20.into(), &18.into()), "{run}");
    assert_eq!(run["hold"]["reason"], "unusable", "{run}");
    assert_eq!(answer["status"], "insufficient", "what is not mapped is nothing known: {answer}");
}

#[test]
fn a_code_may_stand_in_several_columns() {
    let attendance = EXCEPTIONS
        .replace("category: Att_Code", "category: {from: [Absent, Tardy]}")
        .replace("{A: absent_unexcused, T: tardy}", "{\"1|0\": absent_unexcused, \"0|1\": tardy}");
    let mut district = reading(ROSTER, &attendance, YEAR);
    district.enroll(&[1001]);
    let row = |n: usize, flags: &str| format!("1001,100,{},{flags}", us(day(n)));
    let rows = [row(3, "1,0"), row(4, " 1 ,0"), row(5, "0,1"), row(6, "1,1"), row(20, "0,1")];
    district.drop("attendance.csv", drops::csv("Student_Number,School_ID,Att_Date,Absent,Tardy", &rows));
    let status = district.up();
    assert_eq!(last_run(&status, "attendance")["reject"], 1, "nobody mapped 1|1: {status}");
    assert_eq!(district.answer(1001)["value"], "2/19", "its day is unknown");
}

#[test]
fn ids_get_the_zeros_back_that_a_spreadsheet_took() {
    let attendance = format!("pad: {{student: 6, school: 4}}, {EXCEPTIONS}");
    let mut district = reading(ROSTER, &attendance, YEAR);
    let enrolled = lines(&["001001,Q,Z,2007-03-01,0100,8/23/2021,"]);
    district.drop("enrollment.csv", drops::csv(drops::ENROLLMENT_HEADER, &enrolled));
    district.attend(&[(1001, 3, "A"), (1001, 4, "A"), (1001, 20, "T")]);
    let status = district.up();
    assert_counts(last_run(&status, "attendance"), &[("rows", 3), ("add", 3)]);
    let student = district.json(&["student", "001001"]);
    assert_eq!(student["answers"][0]["value"], "2/20", "{student}");
}

#[test]
fn an_exit_may_be_the_first_day_out() {
    let roster = ROSTER.replace(
        "exit: {from: Exit_Date,",
        "exit: {from: Exit_Date, exclusive: true, none: [\"0/0/0\", \"12/31/9999\"],",
    );
    let read = |roster: &str| {
        let mut district = reading(roster, EXCEPTIONS, YEAR);
        let row = |id: u32, exit: &str| format!("{id},Q{id},Z,2007-03-01,100,8/23/2021,{exit}");
        let exit = us(day(31));
        let rows = [row(1001, &exit), row(1002, "12/31/9999"), row(1003, "0/0/0"), row(1000, "")];
        district.drop("enrollment.csv", drops::csv(drops::ENROLLMENT_HEADER, &rows));
        district.attend(&[(1001, 3, "A"), (1002, 3, "A"), (1003, 3, "A"), drops::through(40)]);
        let status = district.up();
        assert_eq!(last_run(&status, "enrollment")["reject"], 0, "{status}");
        [1001, 1002, 1003].map(|id| district.answer(id)["value"].as_str().expect("a value").to_owned())
    };
    assert_eq!(read(&roster), ["1/30", "1/40", "1/40"]);
    assert_eq!(read(ROSTER), ["1/31", "1/40", "1/40"], "inclusive; what is no date is left out");
}

#[test]
fn a_moment_is_a_day_of_the_district() {
    let moments = EXCEPTIONS.replace("%m/%d/%Y", "%Y-%m-%dT%H:%M:%S%z");
    let mut district = reading(ROSTER, &moments, YEAR);
    district.enroll(&[1001]);
    let rows = lines(&["1001,100,2021-08-26T02:00:00Z,A", "1001,100,2021-08-27T08:00:00-05:00,A"]);
    district.drop("attendance.csv", drops::csv(drops::ATTENDANCE_HEADER, &rows));
    district.up();
    let events = district.events(&["--type", "attendance.daily", "--student", "1001"]);
    let mut days: Vec<_> = events.iter().map(|event| event["data"]["date"].clone()).collect();
    days.sort_by_key(Value::to_string);
    assert_eq!(days, ["2021-08-25", "2021-08-27"]);

    let bare = reading(ROSTER, &EXCEPTIONS.replace("%m/%d/%Y", "%Y-%m-%dT%H:%M:%SZ"), YEAR);
    let problems = bare.run(&["check"]).exit(2).any_json()["problems"].clone();
    assert!(problems[0]["line"].is_u64(), "{problems}");
    assert!(problems[0]["message"].as_str().is_some_and(|text| text.contains("write %z")), "{problems}");
}

#[test]
fn what_is_not_required_is_left_out_and_the_child_stays() {
    let mut district = reading(ROSTER, EXCEPTIONS, YEAR);
    let mut file = drops::csv(drops::ENROLLMENT_HEADER, &[]).into_bytes();
    file.extend_from_slice(b"1001,N\xfa\xf1ez,\"Ana\r\nMaria\",0/0/0,100,8/23/2021,someday\r\n");
    district.drop("enrollment.csv", file);
    district.attend(&[(1001, 3, "A"), (1001, 4, "A"), (1001, 20, "T")]);
    let status = district.up();
    assert_counts(last_run(&status, "enrollment"), &[("rows", 1), ("add", 1)]);
    assert_eq!(district.answer(1001)["value"], "2/20");
    let events = district.events(&["--type", "roster.student"]);
    let data = &events[0]["data"];
    assert_eq!((&data["given_name"], &data["family_name"]), (&"Ana Maria".into(), &Value::Null), "{data}");
}

#[test]
fn a_header_in_another_case_and_trailing_commas_are_read() {
    let mut district = reading(ROSTER, EXCEPTIONS, YEAR);
    let roster = drops::enrollment(&[1001])
        .replace(drops::ENROLLMENT_HEADER, &drops::ENROLLMENT_HEADER.to_uppercase());
    district.drop("enrollment.csv", format!("\u{FEFF}{roster}"));
    let header = "att_code, ATT_DATE ,student_number,School_ID";
    let rows: Vec<_> = [3, 4, 20].map(|n| format!("A,{},1001,100,,,", us(day(n)))).into();
    district.drop("attendance.csv", drops::csv(header, &rows));
    let status = district.up();
    assert_counts(last_run(&status, "attendance"), &[("rows", 3), ("add", 3)]);
    assert_eq!(district.answer(1001)["value"], "3/20");
}

#[test]
fn calendars_have_make_up_days_and_weeks_of_their_own() {
    let of = |calendar: &str| {
        let mut district = reading(ROSTER, EXCEPTIONS, calendar);
        district.enroll(&[1001]);
        let rows = lines(&["1001,100,8/28/2021,A", "1001,100,9/6/2021,A", "1001,100,9/24/2021,T"]);
        district.drop("attendance.csv", drops::csv(drops::ATTENDANCE_HEADER, &rows));
        district.up();
        district.answer(1001)["value"].clone()
    };
    assert_eq!(of(YEAR), "0/24", "five weeks less Labor Day");
    assert_eq!(of(&format!("{YEAR}, open: [2021-08-28, 2021-09-06]")), "2/26");
    assert_eq!(of(&format!("{YEAR}, weekdays: [tue, wed, thu, fri]")), "0/20");
    let outside = reading(ROSTER, EXCEPTIONS, &format!("{YEAR}, open: [2022-06-04]"));
    let problems = outside.run(&["check"]).exit(2).any_json()["problems"].clone();
    assert_eq!((&problems[0]["code"], &problems[0]["line"]), (&"open_outside".into(), &3.into()));
}

/// A command in the district's folder, with `--config` as it is typed there.
fn here(district: &District, config: &str, args: &[&str]) -> Run {
    let mut command = district.command();
    command.args(["--config", config, "--output", "json", "--now", &district.now]).args(args);
    command.output().expect("the binary starts").into()
}

#[test]
fn paths_start_at_the_files_folder_however_it_is_named() {
    let mut district = reading(ROSTER, EXCEPTIONS, YEAR);
    district.enroll(&[1001]);
    district.attend(&[(1001, 3, "A"), (1001, 4, "A"), (1001, 20, "T")]);
    let status = here(&district, "signalbox.yaml", &["up", "--once"]).json();
    assert_counts(last_run(&status, "attendance"), &[("rows", 3), ("add", 3)]);
    let sample = ["check", "--feed", "attendance", "--sample", "drop/attendance-001.csv"];
    assert_eq!(here(&district, "signalbox.yaml", &sample).json()["ok"], true);
    for name in ["signalbox.yaml", "./signalbox.yaml", "drop/../signalbox.yaml"] {
        let again = here(&district, name, &["up", "--once"]).json();
        let run = |status: &Value| last_run(status, "attendance").clone();
        if name != "drop/../signalbox.yaml" {
            assert_eq!(run(&again), run(&status), "{name}: a file that stands unchanged is not read again");
        }
        assert_eq!(again["state_hash"], status["state_hash"], "{name}");
    }
    assert_eq!(district.up()["state_hash"], status["state_hash"]);
}

#[test]
fn a_configuration_of_a_bare_name_is_proposed_with_paths_that_lead_there() {
    let mut district = District::new();
    district.enroll(&[1001]);
    fs::remove_file(district.config_path()).expect("it was written");
    here(&district, "signalbox.yaml", &["init", "--from", "drop"]).json();
    let text = fs::read_to_string(district.config_path()).expect("it was written");
    assert!(
        text.contains("path: \"./drop/enrollment-*.csv\"") || text.contains("path: ./drop/enrollment-*.csv"),
        "{text}"
    );
}
