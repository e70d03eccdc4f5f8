//! What was decided, or waits, under one configuration, and is met under another.

use crate::district::{District, feed};
use crate::drops::{Row, through};

/// A file's rows are out and the process died; then nobody reads the feed, and the file itself is overwritten by a better
/// one. Whatever of it was told is taken back like anything else that a file said.
#[test]
fn what_was_told_before_a_crash_is_taken_back_though_the_feed_was_gone_meanwhile() {
    let absences = [(1001, 3, "A"), (1001, 7, "A"), (1001, 12, "A")];
    let good = |more: &[Row]| crate::drops::attendance(&[&[crate::drops::through(26)], more].concat());
    for (first, crashed, last, value) in
        [(&[][..], &absences[..], &[][..], "0/26"), (&absences, &[], &absences, "3/26")]
    {
        for failpoint in ["append", "ledger"] {
            let mut district = District::new();
            district.enroll(&[1000, 1001]);
            district.drop("attendance.csv", good(first));
            district.up();
            district.drop("attendance.csv", good(crashed));
            assert!(district.up_dying_at(failpoint, 1), "it died while it was reading");
            let text = district.config.render();
            let start = text.find("  - name: attendance\n").expect("the feed");
            let end = text.find("risk:").expect("the rules");
            district.configure(|config| config.verbatim = Some([&text[..start], &text[end..]].concat()));
            district.later(60);
            district.up();
            district.configure(|config| config.verbatim = Some(text));
            district.drop("attendance.csv", good(last));
            district.later(60);
            district.up();
            assert_eq!(district.answer(1001)["value"], value, "{failpoint}");
        }
    }
}

/// A process died over a file; by the next start a code of it means something else. The later word holds.
#[test]
fn what_a_mapping_said_before_a_crash_gives_way_to_what_it_says_now() {
    for failpoint in ["append", "ledger"] {
        for (first, second, value) in [("A", "P", "0/26"), ("P", "A", "2/26")] {
            let codes = |meaning: &str| match meaning {
                "A" => "{X: absent_unexcused, T: tardy}",
                _ => "{X: present, T: tardy}",
            };
            let mut district = District::with(|config| config.codes = codes(first));
            district.enroll(&[1000, 1001]);
            district.attend(&[(1001, 3, "X"), (1001, 4, "X"), crate::drops::through(26)]);
            let hit = if failpoint == "append" { 3 } else { 2 };
            assert!(district.up_dying_at(failpoint, hit), "it died while it was reading");
            district.configure(|config| config.codes = codes(second));
            district.up();
            assert_eq!(district.answer(1001)["value"], value, "{failpoint}, {first} then {second}");
        }
    }
}

/// A process died after it had decided; by the next start the calendars say more days. It decides anew.
#[test]
fn what_was_decided_before_a_crash_does_not_outlive_other_calendars() {
    let mut district = District::with(|config| config.covers = "{school_days: 10}");
    let students: Vec<u32> = (1000..1040).collect();
    district.enroll(&students);
    let on = |days: &[usize]| -> Vec<Row> {
        days.iter().flat_map(|day| (1000..1040).map(move |id| (id, *day, "T"))).collect()
    };
    district.attend(&on(&[11, 12, 13, 14, 15, 16, 17]));
    district.up();
    district.attend(&on(&[16, 17, 23, 24, 25]));
    assert!(district.up_dying_at("run.gate", 1), "it died when it had decided");
    // Ten school days reach back to the 11th now.
    let from = crate::drops::day(18);
    let to = crate::drops::day(22);
    let closed = format!("closed: [{{from: {from}, to: {to}}}, ");
    district.configure(|config| config.calendars = config.calendars.replace("closed: [", &closed));
    let events = district.count_events();
    let status = district.up();
    assert_eq!(status["holds"], 1, "a person is asked, as ever: {status}");
    let ended = district.events(&["--type", "attendance.daily"]);
    assert!(ended.iter().all(|event| event["data"]["status"] == "active"), "nothing ended");
    assert!(district.count_events() >= events);
}

/// A file waits for a person; then a code of the one before is mended. What counts is read again, and what waits too.
#[test]
fn a_mended_mapping_reaches_the_rows_that_count_though_another_file_waits() {
    let mut district = District::with(|config| config.codes = "{X: present, T: tardy}");
    let students: Vec<u32> = (1000..1040).collect();
    district.enroll(&students);
    let rows: Vec<Row> = students.iter().map(|id| (*id, 3, "X")).chain([through(20)]).collect();
    district.attend(&rows);
    district.up();
    district.attend(&rows[..20]);
    assert_eq!(district.up()["holds"], 1);
    assert_eq!(district.answer(1001)["value"], "0/20");
    district.configure(|config| config.codes = "{X: absent_unexcused, T: tardy}");
    let status = district.up();
    assert_eq!(district.answer(1001)["value"], "1/20", "{status}");
    assert_eq!(district.answer(1039)["value"], "1/20", "of the file that counts");
    assert_eq!(status["holds"], 1, "and the other one waits: {status}");
    let holds = district.holds();
    district.up();
    assert_eq!(district.holds(), holds, "once");
}

/// What a person approved cannot be read under the configuration of now: it is over, and not taken up at every pass.
#[test]
fn an_approved_file_that_cannot_be_read_any_more_is_over() {
    let mut district = District::new();
    let students: Vec<u32> = (1000..1040).collect();
    district.enroll(&students);
    let rows: Vec<Row> = students.iter().map(|id| (*id, 3, "A")).chain([through(20)]).collect();
    district.attend(&rows);
    district.up();
    district.attend(&rows[..20]);
    district.up();
    let hold = district.holds().remove(0);
    let id = hold["id"].as_str().expect("an id").to_owned();
    district.json(&["holds", "approve", &id, "--by", "Ada", "--reason", "a trial"]);
    let text = district.config.render();
    let other = text.replace("category: Att_Code", "category: Attendance_Code");
    district.configure(|config| config.verbatim = Some(other));
    let status = district.up();
    assert_eq!(feed(&status, "attendance")["state"], "refused", "{status}");
    district.configure(|config| config.verbatim = Some(text));
    let events = district.count_events();
    district.up();
    district.up();
    assert_eq!(district.count_events(), events, "what was refused is not taken up again");
    assert_eq!(district.answer(1039)["value"], "1/20");
}
