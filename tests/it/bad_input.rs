//! What a bad file does: nothing, and somebody is told why in words without a student's data.

use std::io::{Cursor, Write as _};

use serde_json::Value;
use zip::write::SimpleFileOptions;

use crate::binary::Run;
use crate::district::{District, feed, last_run};
use crate::drops::{self, through};

/// All that operations see of a feed: its status and its rejects.
fn told(district: &District, name: &str) -> String {
    let rejects = district.rejects().into_iter().filter(|reject| reject["feed"] == name);
    let rejects: Vec<Value> = rejects.collect();
    format!("{} {}", feed(&district.status(), name), Value::from(rejects))
}

/// Facts in, and their state.
fn loaded() -> (District, String) {
    let mut district = District::new();
    district.enroll(&[1000, 1001]);
    district.attend(&[(1001, 3, "A"), (1001, 4, "A"), through(20)]);
    district.up();
    let hash = district.state_hash();
    (district, hash)
}

/// A refused attendance file changes nothing, is no error of the command, and says `code`.
#[track_caller]
fn assert_refused(bytes: &[u8], code: &str) {
    let (mut district, hash) = loaded();
    district.drop("attendance-bad.csv", bytes);
    district.up();
    assert_eq!(district.state_hash(), hash, "{code}");
    let words = told(&district, "attendance");
    assert!(words.contains(code), "{code}: {words}");
    assert!(
        feed(&district.status(), "attendance")["next_step"].as_str().is_some_and(|step| !step.is_empty())
    );

    district.attend(&[(1001, 3, "A"), (1001, 4, "A"), (1001, 5, "A"), through(20)]);
    let status = district.up();
    assert_eq!(last_run(&status, "attendance")["add"], 1, "the next good file goes through: {status}");
    assert_eq!(status["rejects"], 0, "{status}");
}

#[test]
fn a_missing_column_refuses_the_file() {
    assert_refused(b"Student_Number,School_ID,Day,Att_Code\r\n1001,100,8/25/2021,A\r\n", "missing_column");
}

#[test]
fn a_file_that_is_no_csv_is_refused() {
    assert_refused(b"PK\x03\x04\x14\x00\x00\x00\x08\x00 not what it says", "unreadable_file");
    assert_refused(b"\xff\xfe\x00\xd8\x00\xd8\x00\x00\x00\x00", "");
    assert_refused(b"", "");
}

#[test]
fn one_bad_row_is_rejected_and_the_others_go_in() {
    let (mut district, _) = loaded();
    let mut file = drops::attendance(&[(1001, 3, "A"), (1001, 4, "A"), through(20)]);
    file.push_str("1001,100,8/27/2021\r\n");
    file.push_str("1001,100,8/30/2021,A,surplus\r\n");
    file.push_str("1001,100,13/45/2021,A\r\n");
    file.push_str("1001,100,2021-08-31,A\r\n");
    file.push_str("1001,100,2/29/2022,A\r\n");
    file.push_str("1001,999,8/31/2021,A\r\n");
    file.push_str(",100,8/31/2021,A\r\n");
    file.push_str("1001,100,9/1/2021,A\r\n");
    district.drop("attendance-some.csv", file);
    let status = district.up();
    let run = last_run(&status, "attendance");
    assert_eq!(
        (&run["rows"], &run["reject"], &run["add"], &run["end"]),
        (&11.into(), &7.into(), &1.into(), &0.into())
    );
    let rejects = district.rejects();
    let rows: Vec<_> = rejects.iter().map(|reject| reject["row"].as_u64()).collect();
    assert_eq!(rows, (5..=11).map(Some).collect::<Vec<_>>(), "{rejects:?}");
    let codes: Vec<_> = rejects.iter().map(|reject| reject["code"].as_str().expect("a code")).collect();
    let dates = ["invalid_date"; 3];
    let expected = [&["wrong_field_count"; 2][..], &dates, &["unknown_school", "missing_value"]].concat();
    assert_eq!(codes, expected);
    let shown = Value::from(rejects).to_string();
    assert!(!shown.contains("1001") && !shown.contains("13/45"), "shapes, not values: {shown}");
    assert!(shown.contains("99/99/9999"), "shapes, not values: {shown}");
}

fn encoded_drop(extra: &'static str, encode: impl Fn(&str) -> Vec<u8>) -> District {
    let mut district = District::with(|config| config.csv_extra = extra);
    district.enroll(&[1000, 1001]);
    let text = drops::attendance(&[(1001, 3, "A"), through(20)]).replace(",A\r\n", ",\u{c4}\r\n");
    district.configure(|config| config.codes = "{Ä: absent_unexcused, T: tardy}");
    district.drop("attendance.csv", encode(&text));
    district.up();
    district
}

fn latin1(text: &str) -> Vec<u8> {
    text.chars().map(|c| u8::try_from(u32::from(c)).expect("a character of Latin-1")).collect()
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_header() {
    let district = encoded_drop("", |text| format!("\u{feff}{text}").into_bytes());
    assert_eq!(district.answer(1001)["value"], "1/20");
}

#[test]
fn windows_1252_is_read_as_declared() {
    let district = encoded_drop("encoding: windows-1252", latin1);
    assert_eq!(district.answer(1001)["value"], "1/20");
}

#[test]
fn utf_16_with_a_byte_order_mark_is_read() {
    let utf16 = |text: &str| {
        let units = std::iter::once(0xfeff).chain(text.encode_utf16());
        units.flat_map(u16::to_le_bytes).collect()
    };
    let district = encoded_drop("", utf16);
    assert_eq!(district.answer(1001)["value"], "1/20");
}

#[test]
fn bytes_that_are_no_text_are_rejected_not_guessed() {
    let district = encoded_drop("", latin1);
    assert_eq!(district.answer(1001)["value"], "0/19", "its day is unknown");
    assert!(told(&district, "attendance").contains("invalid_encoding"), "{}", told(&district, "attendance"));
}

fn sis() -> District {
    let roster = "  - {name: sis, roster_of_record: true, oneroster: {path: ./drop/sis.zip}}\n";
    District::with(|config| config.roster = roster.into())
}

fn zip_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        zip.start_file(*name, SimpleFileOptions::default()).expect("writes to memory");
        zip.write_all(bytes).expect("writes to memory");
    }
    zip.finish().expect("writes to memory").into_inner()
}

#[track_caller]
fn assert_zip_refused(bytes: &[u8], codes: &[&str]) {
    let mut district = sis();
    district.drop("sis.zip", bytes);
    let status = district.up();
    assert_eq!(feed(&status, "sis")["last_run"]["add"].as_u64().unwrap_or(0), 0, "{status}");
    let words = told(&district, "sis");
    assert!(codes.iter().any(|code| words.contains(code)), "{codes:?}: {words}");
    assert!(!district.path().join("evil.csv").exists() && !district.path().join("drop/evil.csv").exists());
}

#[test]
fn a_damaged_zip_is_refused() {
    let whole = zip_of(&[("manifest.csv", b"propertyName,value\r\n")]);
    assert_zip_refused(&whole[..whole.len() / 2], &["unreadable_file"]);
    assert_zip_refused(b"PK\x03\x04", &["unreadable_file"]);
    assert_zip_refused(b"", &["unreadable_file"]);
    assert_zip_refused(b"sourcedId,status\r\n1,active\r\n", &["unreadable_file"]);
}

#[test]
fn a_zip_that_points_outside_is_refused() {
    let manifest = b"propertyName,value\r\nmanifest.version,1.0\r\noneroster.version,1.1\r\n";
    assert_zip_refused(
        &zip_of(&[("manifest.csv", manifest), ("../evil.csv", b"a,b\r\n")]),
        &["unsafe_archive"],
    );
    assert_zip_refused(
        &zip_of(&[("manifest.csv", manifest), ("/tmp/evil.csv", b"a,b\r\n")]),
        &["unsafe_archive"],
    );
}

/// 200 MB of one letter pack into 200 kB.
#[test]
fn a_zip_bomb_is_refused() {
    let bomb = vec![b'a'; 200 << 20];
    let manifest =
        b"propertyName,value\r\nmanifest.version,1.0\r\noneroster.version,1.1\r\nfile.orgs,bulk\r\n";
    assert_zip_refused(
        &zip_of(&[("manifest.csv", manifest), ("users.csv", &bomb), ("orgs.csv", &bomb)]),
        &["unsafe_archive", "too_large"],
    );
}

#[test]
fn a_zip_without_what_its_manifest_names_says_so() {
    let manifest =
        b"propertyName,value\r\nmanifest.version,1.0\r\noneroster.version,1.1\r\nfile.users,bulk\r\n";
    assert_zip_refused(&zip_of(&[("manifest.csv", manifest)]), &["missing_file"]);
}

/// No log line carries an id, a name, or the value of a cell, even at the most talkative level.
#[test]
fn logs_carry_no_student_data() {
    let mut district = District::new();
    district.drop("enrollment.csv", drops::enrollment(&[1000]).replace("1000,", "77310042,"));
    let mut file = drops::csv(drops::ATTENDANCE_HEADER, &["77310042,100,8/25/2021,A".to_owned()]);
    file.push_str("77310042,100,8/26/2021,WEIRDCODE\r\n77310042,100,93/26/2021,A\r\n");
    file.push_str("66420099,100,8/26/2021,A\r\n77310042,100,8/27/2021,A,surplus\r\n");
    district.drop("attendance.csv", file);
    let mut command = district.command_of(&["up", "--once"]);
    for name in ["RUST_LOG", "SIGNALBOX_LOG"] {
        command.env(name, "trace");
    }
    let run: Run = command.output().expect("the binary starts").into();
    let run = run.exit(0);
    for secret in ["77310042", "66420099", "Quillfeather", "Zebedee", "2007-03", "93/26/2021"] {
        assert!(!run.stderr.contains(secret), "{secret} in\n{}", run.stderr);
        assert!(!run.stdout.contains(secret), "{secret} in\n{}", run.stdout);
    }
}

/// A panic or an error message must not carry it either.
#[test]
fn errors_carry_no_student_data() {
    let mut district = District::new();
    district.drop("enrollment.csv", drops::enrollment(&[1000]));
    district.up();
    let run = district.run(&["student", "424242"]);
    assert!(!run.stderr.contains("Quillfeather"), "{}", run.stderr);
}

/// A comma too few or too many: who it speaks of, and when, stands in its place all the same.
#[test]
fn a_row_that_is_too_short_or_too_long_makes_its_day_unknown() {
    for row in ["1001,100,9/14/2021,A", "1001,100,9/14/2021,A,,late,x"] {
        let mut district = District::new();
        district.enroll(&[1000, 1001]);
        let header = "Student_Number,School_ID,Att_Date,Att_Code,Minutes,Note";
        let lines =
            ["1000,100,9/20/2021,T,,".to_owned(), "1001,100,9/13/2021,A,,".to_owned(), row.to_owned()];
        for _ in 0..2 {
            district.drop("attendance.csv", drops::csv(header, &lines));
            let status = district.up();
            assert_eq!(last_run(&status, "attendance")["reject"], 1, "{status}");
            let answer = district.answer(1001);
            assert_eq!(
                (&answer["value"], &answer["unknown_days"]),
                (&"1/19".into(), &1.into()),
                "{row}: {answer}"
            );
        }
    }
}

/// What is wrong with a row besides is told of once its student is found: the figures of status agree.
#[test]
fn a_row_of_nobody_is_not_found_whatever_else_is_wrong_with_it() {
    let mut district = District::new();
    district.enroll(&[1000, 1001]);
    district.drop("attendance.csv", drops::attendance(&[(1999, 3, "ZZ"), (1001, 3, "A"), through(20)]));
    let status = district.up();
    assert_eq!((&status["unmatched"], &status["rejects"]), (&1.into(), &0.into()), "{status}");
    assert_eq!(district.rejects(), Vec::<Value>::new());
    district.enroll(&[1000, 1001, 1999]);
    district.drop("attendance.csv", drops::attendance(&[(1999, 3, "ZZ"), (1001, 3, "A"), through(20)]));
    let status = district.up();
    assert_eq!((&status["unmatched"], &status["rejects"]), (&0.into(), &1.into()), "{status}");
}
