//! A row that could not be used, or whose student is not found, may be the very row that seems to be missing: nothing
//! ends because of it, and nobody is told anything.

use serde_json::Value;

use crate::district::{District, feed, last_run};
use crate::drops::{self, Row, day, us};
use crate::receiver::Receiver;

/// Students 1001 to 1030 of school 100, 31 school days; students 1001 to 1003 were absent on four days.
fn students() -> Vec<u32> {
    (1000..=1030).collect()
}

fn rows() -> Vec<Row> {
    let chronic = (1001..=1003).flat_map(|id| [3, 9, 16, 20].map(|n| (id, n, "A")));
    let others = (1004..=1030).flat_map(|id| [4, 11].map(|n| (id, n + id as usize % 5, "E")));
    chronic.chain(others).chain([(1000, 31, "T")]).collect()
}

fn lines() -> Vec<String> {
    rows().iter().map(drops::line).collect()
}

fn drop_lines(district: &mut District, name: &str, lines: &[String]) -> Value {
    district.drop(name, drops::csv(drops::ATTENDANCE_HEADER, lines));
    district.up()
}

fn loaded(receiver: &Receiver) -> District {
    let mut district = District::telling(receiver);
    district.enroll(&students());
    let status = drop_lines(&mut district, "attendance-01.csv", &lines());
    assert_eq!(last_run(&status, "attendance")["add"], 67, "{status}");
    assert_eq!(receiver.kinds(), ["risk.flag.raised"; 3]);
    assert_eq!(district.answer(1001)["value"], "4/31");
    district
}

/// Rewrites the rows of the students who are chronic, all but the first day's, as somebody's tool might.
fn wrecked(rewrite: impl Fn(u32, usize) -> String) -> Vec<String> {
    let rewrite = |row: &Row| match row {
        (id @ 1001..=1003, n @ 9.., _) => rewrite(*id, *n),
        other => drops::line(other),
    };
    rows().iter().map(rewrite).collect()
}

/// Nothing ended, nobody was told, and the next good file heals.
#[track_caller]
fn assert_stands(name: &str, lines: &[String]) {
    let receiver = Receiver::start();
    let mut district = loaded(&receiver);
    let status = drop_lines(&mut district, "attendance-02.csv", lines);
    let run = last_run(&status, "attendance");
    assert_eq!((&run["end"], &run["doubtful"]), (&0.into(), &9.into()), "{name}: {status}");
    assert_eq!(receiver.kinds(), ["risk.flag.raised"; 3], "{name}: nobody is told anything");
    assert_eq!(district.answer(1001)["value"], "4/31", "{name}");
    let said = district.text(&["status"]);
    assert!(said.contains("attendance: 9 rows not in it, standing on (doubtful)"), "{name}: {said}");
    assert_ne!(feed(&status, "attendance")["state"], "ok", "{name}: {status}");

    let status = drop_lines(&mut district, "attendance-03.csv", &self::lines());
    let run = last_run(&status, "attendance");
    assert_eq!((&run["unchanged"], &run["doubtful"]), (&67.into(), &0.into()), "{name}: {status}");
    assert_eq!(district.answer(1001)["unknown_days"], 0, "{name}");

    let healed = wrecked(|id, n| drops::line(&(id, n, "T")));
    let status = drop_lines(&mut district, "attendance-04.csv", &healed);
    assert_eq!(last_run(&status, "attendance")["change"], 9, "{name}: a correction arrives");
    assert_eq!(district.answer(1001)["value"], "1/31", "{name}");
    assert_eq!(receiver.kinds()[3..], ["risk.flag.withdrawn"; 3], "{name}");
}

#[test]
fn dates_in_another_format_end_nothing() {
    let dashed = |id, n| format!("{id},100,{},A", day(n).strftime("%d-%m-%Y"));
    assert_stands("D-M-YYYY", &wrecked(dashed));
}

#[test]
fn short_years_end_nothing() {
    let short = |id, n| format!("{id},100,{},A", day(n).strftime("%m/%d/%y"));
    assert_stands("two digits of a year", &wrecked(short));
}

/// The day before the month, where both are a month.
#[test]
fn dates_that_read_as_a_day_that_has_not_come_end_nothing() {
    assert_stands("a later month", &wrecked(|id, n| format!("{id},100,{},A", us(day(n + 70)))));
}

#[test]
fn dates_that_read_as_a_day_without_school_end_nothing() {
    let saturday = |id, n| {
        let date = day(n).nth_weekday(1, jiff::civil::Weekday::Saturday).expect("a week later");
        format!("{id},100,{},A", us(date))
    };
    assert_stands("a Saturday", &wrecked(saturday));
}

/// Of a row that names a student not even its own day can be trusted.
#[test]
fn a_row_of_a_student_on_another_day_under_an_id_of_another_shape_ends_nothing() {
    assert_stands("zeros, and another day", &wrecked(|id, n| format!("0{id},100,{},A", us(day(n - 1)))));
}

#[test]
fn ids_with_zeros_decimals_quotes_or_an_exponent_end_nothing() {
    assert_stands("a leading zero", &wrecked(|id, n| format!("0{id},100,{},A", us(day(n)))));
    assert_stands("decimals", &wrecked(|id, n| format!("{id}.0,100,{},A", us(day(n)))));
    assert_stands("a quote", &wrecked(|id, n| format!("'{id},100,{},A", us(day(n)))));
    assert_stands("an exponent", &wrecked(|_, n| format!("1.001E+03,100,{},A", us(day(n)))));
}

#[test]
fn blank_ids_end_nothing() {
    assert_stands("no id", &wrecked(|_, n| format!(",100,{},A", us(day(n)))));
}

/// If doubt never ended, no correction of that day would ever arrive.
#[test]
fn a_row_that_is_never_found_does_not_keep_corrections_out() {
    let receiver = Receiver::start();
    let mut district = loaded(&receiver);
    let never = format!("9999,100,{},A", us(day(18)));
    let total = "Total,,,67".to_owned();
    let with = |lines: Vec<String>| [lines, vec![never.clone(), total.clone()]].concat();
    drop_lines(&mut district, "attendance-02.csv", &with(lines()));
    let corrected: Vec<String> =
        rows().iter().filter(|row| row.2 != "A" || row.1 == 3).map(drops::line).collect();
    let status = drop_lines(&mut district, "attendance-03.csv", &with(corrected));
    let run = last_run(&status, "attendance");
    assert_eq!((&run["end"], &run["doubtful"]), (&9.into(), &0.into()), "{status}");
    assert_eq!(district.answer(1001)["value"], "1/31");
    assert_eq!(receiver.kinds()[3..], ["risk.flag.withdrawn"; 3]);
}

/// A footer stands in every file. One night a row beside it cannot be read and an absence is missing; then that row is
/// mended, and the absence still missing: the office has taken it back.
#[test]
fn a_footer_keeps_no_row_standing_that_was_in_doubt_once() {
    let receiver = Receiver::start();
    let mut district = loaded(&receiver);
    let with = |lines: Vec<String>, more: &[&str]| {
        let more = more.iter().map(|line| (*line).to_owned());
        lines.into_iter().chain(["Total,,,67".to_owned()]).chain(more).collect::<Vec<_>>()
    };
    let without_9 = || -> Vec<String> {
        rows().iter().filter(|row| (row.0, row.1) != (1001, 9)).map(drops::line).collect()
    };
    drop_lines(&mut district, "attendance-02.csv", &with(lines(), &[]));
    let status = drop_lines(&mut district, "attendance-03.csv", &with(without_9(), &["?,?,?,?"]));
    assert_eq!(last_run(&status, "attendance")["doubtful"], 1, "{status}");
    assert_eq!(district.answer(1001)["value"], "4/31");
    drop_lines(&mut district, "attendance-04.csv", &with(without_9(), &[]));
    assert_eq!(district.answer(1001)["value"], "3/31", "nothing is in doubt any more");
}

/// As many rows are not found as the night before, but others.
#[test]
fn as_many_other_rows_are_new_doubt() {
    let receiver = Receiver::start();
    let mut district = loaded(&receiver);
    let strange = |ids: [u32; 2], gone: &[u32]| -> Vec<String> {
        let is_there = |row: &&Row| row.1 != 16 || !gone.contains(&row.0);
        let strange = ids.map(|id| format!("{id},100,{},A", us(day(16))));
        rows().iter().filter(is_there).map(drops::line).chain(strange).collect()
    };
    drop_lines(&mut district, "attendance-02.csv", &strange([8001, 8002], &[]));
    let status = drop_lines(&mut district, "attendance-03.csv", &strange([8003, 8004], &[1001, 1002]));
    let run = last_run(&status, "attendance");
    assert_eq!((&run["end"], &run["doubtful"]), (&0.into(), &2.into()), "{status}");
    assert_eq!(receiver.kinds(), ["risk.flag.raised"; 3], "nobody is told anything");
    drop_lines(&mut district, "attendance-04.csv", &strange([8003, 8004], &[1001, 1002]));
    assert_eq!(district.answer(1001)["value"], "4/31", "while they remain");
    drop_lines(&mut district, "attendance-05.csv", &strange([8001, 8002], &[1001]));
    assert_eq!(district.answer(1001)["value"], "4/31", "those of the first night are others again");
    drop_lines(&mut district, "attendance-06.csv", &strange([8002, 8001], &[1001]));
    assert_eq!(district.answer(1001)["value"], "3/31", "as they were when nothing was missing");
}

/// The same bytes are in doubt anew where the roster has changed.
#[test]
fn a_roster_that_spoils_ids_puts_the_same_file_in_doubt() {
    let receiver = Receiver::start();
    let mut district = loaded(&receiver);
    let two = drops::enrollment(&students()) + "1001,Marsh,Odile,2009-11-30,100,8/23/2021,\r\n";
    district.drop("enrollment-2.csv", two);
    let status = drop_lines(&mut district, "attendance-02.csv", &lines());
    let run = last_run(&status, "attendance");
    assert_eq!((&run["end"], &run["doubtful"]), (&0.into(), &4.into()), "{status}");
    assert_eq!(receiver.kinds(), ["risk.flag.raised"; 3]);
    assert_eq!(district.answer(1001)["value"], "4/31");
    district.drop("enrollment-3.csv", drops::enrollment(&students()));
    district.up();
    assert_eq!(receiver.kinds(), ["risk.flag.raised"; 3], "one again, and nothing happened");
    assert_eq!(district.answer(1001)["value"], "4/31");
}

/// Rows that waited for their student and were found are no measure of what is new doubt.
#[test]
fn rows_that_were_found_since_leave_room_for_doubt() {
    let receiver = Receiver::start();
    let mut district = District::telling(&receiver);
    district.enroll(&students());
    let absent = |id: &str| [3, 9, 16, 20].map(|n| format!("{id},100,{},A", us(day(n))));
    let file = |id: &str| [lines(), absent(id).to_vec()].concat();
    let late: Vec<u32> = students().into_iter().chain([1031]).collect();
    drop_lines(&mut district, "attendance-01.csv", &file("1031"));
    district.drop("enrollment-2.csv", drops::enrollment(&late));
    district.up();
    assert_eq!(district.answer(1031)["value"], "4/31");
    let told = receiver.kinds();
    let status = drop_lines(&mut district, "attendance-02.csv", &file("77777"));
    let run = last_run(&status, "attendance");
    assert_eq!((&run["end"], &run["doubtful"]), (&0.into(), &4.into()), "{status}");
    assert_eq!((district.answer(1031)["value"].clone(), receiver.kinds()), ("4/31".into(), told));
}

/// What is inferred of a row of no known school ends with the schools that the feed speaks of.
#[test]
fn a_row_of_no_school_heals_where_the_feed_has_one_of_two_schools() {
    const HIGH: &str = r#"  - name: high
    mode: live
    csv: {path: "./drop/high*.csv", entity: attendance.daily, rows: exceptions, covers: school_year, absent_rows: end,
          columns: {student: Student_Number, school: School_ID, date: {from: Att_Date, format: "%m/%d/%Y"}, category: Att_Code},
          codes: {category: {A: absent_unexcused, T: tardy}}}
"#;
    let mut district = District::with(|config| config.roster.push_str(HIGH));
    let moved = format!("1001,Q,Z,2007-03-03,200,{},\r\n", us(day(11)));
    let until =
        drops::enrollment(&[1000, 1001, 2000]).replace("1001,Quillfeather1001,Zebedee1001", "1001,Q,Z");
    let until = until.replace("100,8/23/2021,\r\n2000", &format!("100,8/23/2021,{}\r\n2000", us(day(10))));
    district.drop("enrollment-1.csv", until + &moved);
    let night = |district: &mut District, n: usize, school: &str| {
        let stray = format!("1001,{school},{},A\r\n", us(day(5)));
        let rows = drops::attendance(&[(1001, 3, "A"), (1000, n, "T")]);
        district.drop(&format!("attendance-{n}.csv"), if school.is_empty() { rows } else { rows + &stray });
        district.drop(&format!("high-{n}.csv"), drops::attendance(&[(2000, n, "T")]));
        district.up();
        let answer = district.answer(1001);
        (answer["value"].clone(), answer["unknown_days"].clone())
    };
    assert_eq!(night(&mut district, 30, "100"), ("2/30".into(), 0.into()));
    assert_eq!(night(&mut district, 31, "999"), ("2/31".into(), 0.into()), "it stands on in doubt");
    assert_eq!(night(&mut district, 32, ""), ("1/32".into(), 0.into()), "it was no absence");
}

/// What stood on in doubt stands on while the rows remain, though they are no longer new.
#[test]
fn the_same_bad_file_again_ends_nothing_either() {
    let receiver = Receiver::start();
    let mut district = loaded(&receiver);
    let bad = wrecked(|id, n| format!("{id},100,{},A", day(n).strftime("%d-%m-%Y")));
    drop_lines(&mut district, "attendance-02.csv", &bad);
    let status = drop_lines(&mut district, "attendance-03.csv", &bad);
    assert_eq!(last_run(&status, "attendance")["doubtful"], 9, "{status}");
    assert_eq!(district.answer(1001)["value"], "4/31");
    assert_eq!(receiver.kinds().len(), 3);
}

/// A file of exceptions says nothing of a student whose rows it has and nobody can read.
#[test]
fn silence_that_a_bad_row_could_explain_is_unknown() {
    let mut district = District::new();
    district.enroll(&students());
    let first: Vec<String> = lines().into_iter().filter(|line| !line.starts_with("1000,")).collect();
    drop_lines(
        &mut district,
        "attendance-01.csv",
        &[first.clone(), vec![drops::line(&(1000, 29, "T"))]].concat(),
    );
    let bad = [first, vec![drops::line(&(1000, 31, "T")), "1010,100,31-9-2021,A".to_owned()]].concat();
    drop_lines(&mut district, "attendance-02.csv", &bad);
    assert_eq!(district.answer(1010)["unknown_days"], 2, "days 30 and 31 were covered for the first time");
    assert_eq!(district.answer(1011)["unknown_days"], 0, "the row names somebody else");
    drop_lines(&mut district, "attendance-03.csv", &lines());
    assert_eq!(district.answer(1010)["unknown_days"], 0, "healed");
}

/// The row's school and day can be read, its student cannot: on that day nobody's silence says that they were there.
#[test]
fn a_bad_row_without_a_student_casts_doubt_on_its_school_and_day() {
    let mut district = District::new();
    district.enroll(&[students(), vec![2001]].concat());
    let other = "2001,200,9/1/2021,T".to_owned();
    let bad = format!(",100,{},A", us(day(31)));
    drop_lines(&mut district, "attendance-01.csv", &[lines(), vec![other.clone(), bad]].concat());
    assert_eq!(district.answer(1010)["unknown_days"], 1);
    assert_eq!(district.answer(2001)["unknown_days"], 0, "another school");
    drop_lines(&mut district, "attendance-02.csv", &[lines(), vec![other]].concat());
    assert_eq!(district.answer(1010)["unknown_days"], 0, "healed");
}

/// Whatever else is wrong with a row whose student and day can be read, that day is unknown, never present.
#[test]
fn a_day_of_which_only_the_code_or_the_school_is_bad_is_unknown() {
    let when = us(day(25));
    for (name, bad) in [
        ("a blank code", format!("1010,100,{when},").into_bytes()),
        ("bytes that are no text", [format!("1010,100,{when},").as_bytes(), b"\xe9\xff"].concat()),
        ("a code without a meaning", format!("1010,100,{when},Q").into_bytes()),
        ("a blank school", format!("1010,,{when},A").into_bytes()),
        ("an unknown school", format!("1010,999,{when},A").into_bytes()),
    ] {
        let mut district = District::new();
        district.enroll(&students());
        let text = drops::csv(drops::ATTENDANCE_HEADER, &lines());
        district.drop("attendance-01.csv", [text.as_bytes(), &bad, b"\r\n"].concat());
        let status = district.up();
        let run = last_run(&status, "attendance");
        assert_eq!((&run["reject"], &run["rows"]), (&1.into(), &68.into()), "{name}: {status}");
        let answer = district.answer(1010);
        assert_eq!((&answer["unknown_days"], &answer["n"]), (&1.into(), &30.into()), "{name}: {answer}");
    }
}

#[test]
fn a_first_load_of_which_too_little_can_be_used_waits_and_is_judged_again() {
    let mut district = District::new();
    drop_lines(&mut district, "attendance-01.csv", &lines());
    let status = district.status();
    let hold = &last_run(&status, "attendance")["hold"];
    assert_eq!(hold["reason"], "unusable", "nobody is enrolled yet: {status}");
    district.enroll(&students());
    let status = district.up();
    assert_eq!(
        (&status["holds"], &last_run(&status, "attendance")["add"]),
        (&0.into(), &67.into()),
        "{status}"
    );
    assert_eq!(district.answer(1001)["value"], "4/31");
}

#[test]
fn wrong_dates_at_the_first_load_wait_until_the_mapping_is_mended() {
    let mut district = District::new();
    district.enroll(&students());
    let dashed: Vec<String> = rows()
        .iter()
        .map(|(id, n, code)| format!("{id},100,{},{code}", day(*n).strftime("%d-%m-%Y")))
        .collect();
    let status = drop_lines(&mut district, "attendance-01.csv", &dashed);
    assert_eq!(last_run(&status, "attendance")["hold"]["reason"], "unusable", "{status}");
    assert_ne!(district.answer(1001)["status"], "ok");
    let hold = district.holds().remove(0);
    let shown = district.run(&["holds", "show", hold["id"].as_str().expect("an id")]).exit(0).stdout;
    assert!(shown.contains("invalid_date"), "why it waits: {shown}");
    assert_eq!(district.rejects().len(), 67);
    let as_was = "Att_Date, format: \"%m/%d/%Y\"";
    let mended = district.config.render().replace(as_was, "Att_Date, format: \"%d-%m-%Y\"");
    district.configure(|config| config.verbatim = Some(mended));
    let status = district.up();
    assert_eq!(
        (&status["holds"], &last_run(&status, "attendance")["add"]),
        (&0.into(), &67.into()),
        "{status}"
    );
}

#[test]
fn check_says_of_a_sample_that_it_would_wait() {
    let never: Vec<String> = (1..=12).map(|n| format!("{},100,{},A", 9000 + n, us(day(n)))).collect();
    let unread: Vec<String> = (1..=12).map(|n| format!("1001,100,{},Q", us(day(40 + n)))).collect();
    for (name, more, waits) in [
        ("fine", &[][..], false),
        ("few", &never[..9], false),
        ("nobody", &never, true),
        ("code", &unread, true),
    ] {
        let mut district = District::new();
        district.enroll(&students());
        let text = drops::csv(drops::ATTENDANCE_HEADER, &[&lines(), more].concat());
        let sample = district.drop("attendance-01.csv", text);
        let sample = ["check", "--feed", "attendance", "--sample", sample.to_str().expect("UTF-8")];
        let checked = district.run(&sample).any_json();
        let problems = checked["problems"].as_array().expect("a list").iter();
        let told: Vec<&Value> = problems.filter(|problem| problem["code"] == "would_wait").collect();
        assert_eq!(told.len(), usize::from(waits), "{name}: {checked}");
        assert!(
            told.iter().all(|one| one["message"].to_string().contains("12 of 79 rows")),
            "{name}: {checked}"
        );
        assert_eq!(district.up()["holds"], usize::from(waits), "{name}: as was said");
    }
}

/// Pre-kindergarten is never rostered: that is so every night.
#[test]
fn a_share_that_does_not_grow_is_accepted_after_the_first_decision() {
    let mut district = District::new();
    district.enroll(&students());
    let never: Vec<String> = (1..=12).map(|n| format!("{},100,{},A", 9000 + n, us(day(n)))).collect();
    let with = |extra: &[String]| [lines(), never.clone(), extra.to_vec()].concat();
    drop_lines(&mut district, "attendance-01.csv", &with(&[]));
    let hold = district.holds().remove(0);
    assert_eq!(hold["reason"], "unusable");
    let id = hold["id"].as_str().expect("an id").to_owned();
    let shown = district.run(&["holds", "show", &id]).exit(0).stdout;
    assert!(shown.contains("\"unmatched\":12"), "{shown}");
    district.run(&["holds", "approve", &id, "--by", "Pat", "--reason", "pre-kindergarten"]).exit(0);
    assert_eq!(last_run(&district.up(), "attendance")["unmatched"], 12);
    let status = drop_lines(&mut district, "attendance-02.csv", &with(&[drops::line(&(1020, 30, "A"))]));
    assert_eq!(
        (&status["holds"], &last_run(&status, "attendance")["add"]),
        (&0.into(), &1.into()),
        "{status}"
    );
}

/// A file may end within a day; and a file that was cut says nothing of the days behind its end.
#[test]
fn rows_after_the_end_of_a_file_stand_on() {
    let receiver = Receiver::start();
    let mut district = loaded(&receiver);
    let mut by_day = rows();
    by_day.sort_by_key(|row| row.1);
    let cut: Vec<String> = by_day.iter().take(by_day.len() - 4).map(drops::line).collect();
    let status = drop_lines(&mut district, "attendance-02.csv", &cut);
    let run = last_run(&status, "attendance");
    assert_eq!((&run["end"], &run["doubtful"]), (&0.into(), &4.into()), "{status}");
    assert_eq!(receiver.kinds().len(), 3, "nobody is told");
}

/// Sorted by student, a cut takes everything of the last few.
#[test]
fn a_cut_that_takes_all_of_several_students_waits() {
    let mut district = District::new();
    let students: Vec<u32> = (1000..1200).collect();
    district.enroll(&students);
    let rows: Vec<Row> =
        students.iter().flat_map(|id| [2, 5, 8].map(|n| (*id, n + *id as usize % 9, "A"))).collect();
    district.attend(&[rows.clone(), vec![(1000, 40, "T")]].concat());
    district.up();
    let cut = [&rows[..rows.len() - 24], &[(1000, 40, "T")]].concat();
    district.attend(&cut);
    let status = district.up();
    assert_eq!(last_run(&status, "attendance")["hold"]["reason"], "students", "{status}");
}

/// A kindergarten of 20 on a day on which nobody is away.
#[test]
fn a_header_alone_says_nothing() {
    let mut district = District::with(|config| config.covers = "{school_days: 1}");
    district.enroll(&students());
    district.attend(&[(1001, 31, "A"), (1002, 31, "A")]);
    district.up();
    let before = district.count_events();
    let status = drop_lines(&mut district, "attendance-02.csv", &[]);
    let run = last_run(&status, "attendance");
    assert_eq!(
        (&run["end"], &run["hold"], &status["holds"]),
        (&0.into(), &Value::Null, &0.into()),
        "{status}"
    );
    assert!(run["warnings"].to_string().contains("empty"), "{run}");
    assert_eq!(district.count_events(), before, "quiet");
}

/// Day 3 of a student cannot be read one night, day 9 the next: as many rows, and not the same.
#[test]
fn as_many_bad_rows_of_other_days_are_new() {
    let receiver = Receiver::start();
    let mut district = loaded(&receiver);
    for bad in [3, 9, 16] {
        let spoil =
            |line: String| line.replace(&format!("1001,100,{},", us(day(bad))), &format!("1001,100,{bad}?,"));
        let lines: Vec<String> = lines().into_iter().map(spoil).collect();
        let status = drop_lines(&mut district, &format!("attendance-1{bad:02}.csv"), &lines);
        let run = last_run(&status, "attendance");
        assert_eq!(
            (&run["reject"], &run["end"], &run["doubtful"]),
            (&1.into(), &0.into(), &1.into()),
            "{run}"
        );
        assert_eq!(district.answer(1001)["value"], "4/31");
    }
}
