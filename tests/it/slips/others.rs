//! Exports that spoil as many rows every night, and others every night.

use super::*;

type Spoil = fn(&str) -> String;

fn cell(line: &str, at: usize, text: &str) -> String {
    let mut cells: Vec<&str> = line.split(',').collect();
    cells[at] = text;
    cells.join(",")
}

const SPOILS: [(&str, Spoil); 6] = [
    ("a date that is none", |line| cell(line, 2, "########")),
    ("no date", |line| cell(line, 2, "")),
    ("cut after the school", |line| line[..8].to_owned()),
    ("no id", |line| cell(line, 0, "")),
    ("an id that names nobody", |line| cell(line, 0, "#N/A")),
    ("no school", |line| cell(line, 1, "")),
];

/// One row tonight, another one tomorrow: the first is back, so the other is new.
#[test]
fn another_row_in_place_of_the_first_ends_nothing() {
    for (name, spoil) in SPOILS {
        let receiver = Receiver::start();
        let roster = [(1000, 100, AUGUST, ""), (1001, 100, AUGUST, ""), (1002, 100, AUGUST, "")];
        let mut district = District::telling(&receiver);
        drop_roster(&mut district, "enrollment-1.csv", &roster);
        let rows: [Row; 6] =
            [(1001, 3, "A"), (1001, 4, "A"), (1001, 5, "A"), (1002, 5, "T"), (1000, 3, "T"), (1000, 20, "T")];
        let mut night = |n: usize, spoilt: Option<usize>| {
            let lines = rows.iter().enumerate().map(|(at, row)| match drops::line(row) {
                line if Some(at) == spoilt => spoil(&line),
                line => line,
            });
            let lines: Vec<String> = lines.collect();
            district.drop(&format!("attendance-{n}.csv"), drops::csv(drops::ATTENDANCE_HEADER, &lines));
            district.up();
            district.answer(1001)
        };
        night(1, None);
        // Hers after another's of that day, hers after her own, another's after hers.
        for (n, spoilt) in [3, 2, 1, 0, 4, 2, 3].into_iter().enumerate() {
            let answer = night(n + 2, Some(spoilt));
            assert_eq!(receiver.kinds(), RAISED, "{name}, night {n}: {answer}");
            assert_eq!(answer["value"], "3/20", "{name}, night {n}: {answer}");
        }
        assert_eq!(night(10, None)["value"], "3/20", "{name}");
        assert_eq!(receiver.kinds(), RAISED, "{name}");
    }
}

/// A day of which nothing was known, as a row of it had no id. The night after, the row names its student as nobody does.
#[test]
fn a_day_that_nobody_knew_is_no_presence_of_whom_a_bad_row_names() {
    for id in ["01001", "1001.0", "'1001"] {
        let mut district = District::new();
        district.enroll(&[1000, 1001]);
        let lines = |id: &str, n: usize| {
            [drops::line(&(1001, 3, "A")), format!("{id},100,{},A", us(day(20))), drops::line(&through(n))]
        };
        district.attend(&[(1001, 3, "A"), through(19)]);
        district.up();
        for (file, id) in [("attendance-8.csv", ""), ("attendance-9.csv", id)] {
            district.drop(file, drops::csv(drops::ATTENDANCE_HEADER, &lines(id, 20)));
            district.up();
            let answer = district.answer(1001);
            let known = (&answer["value"], &answer["unknown_days"]);
            assert_eq!(known, (&json!("1/19"), &json!(1)), "{id}: {answer}");
        }
        district.drop("attendance-9a.csv", drops::csv(drops::ATTENDANCE_HEADER, &lines("1001", 21)));
        district.up();
        assert_eq!(district.answer(1001)["value"], "2/21", "{id}: the next good file heals");
    }
}

/// A row of a new day has no id, so that nothing is known of that day; the night after it is there, and another one of that
/// day has no id.
#[test]
fn a_row_of_a_day_that_nobody_knew_is_back_in_place_of_another() {
    let receiver = Receiver::start();
    let mut district =
        flagged(&receiver, &[(1000, 100, AUGUST, ""), (1001, 100, AUGUST, ""), (1002, 100, AUGUST, "")]);
    let known = ABSENCES.map(|row| drops::line(&row));
    let mut night = |n: usize, new: [&str; 2]| {
        let new = new.map(|id| format!("{id},100,{},A", us(day(21))));
        let lines = [&known[..], &new, &[drops::line(&through(22))]].concat();
        district.drop(&format!("attendance-{n}.csv"), drops::csv(drops::ATTENDANCE_HEADER, &lines));
        district.up();
        district.answer(1001)
    };
    assert_eq!(night(7, ["1001", ""])["value"], "4/22");
    let answer = night(8, ["", "1002"]);
    assert_eq!(answer["value"], "4/22", "what stood stands on: {answer}");
    assert_eq!(night(9, ["1001", "1002"])["value"], "4/22");
    assert_eq!(night(10, ["1002", "1000"])["value"], "3/22", "and a correction is one");
}

/// A quote before the first of her rows, and one behind the last: they stand in one value, of one row of another student.
#[test]
fn rows_between_two_stray_quotes_take_nothing_back() {
    let receiver = Receiver::start();
    let mut district = flagged(&receiver, &[(1000, 100, AUGUST, ""), (1001, 100, AUGUST, "")]);
    let lines = [&[(1000, 2, "T")], &ABSENCES[..]].concat().iter().map(drops::line).collect::<Vec<_>>();
    let good = drops::csv(drops::ATTENDANCE_HEADER, &lines);
    // The last of them has the second quote in it: behind its code nobody knows what it says, behind its school it stands.
    for (open, close, known) in [(lines[0].len() - 1, lines[3].len(), "2/19"), (5, 8, "3/20")] {
        let mut lines = lines.clone();
        lines[0].insert(open, '"');
        lines[3].insert(close, '"');
        district.drop("attendance-8.csv", drops::csv(drops::ATTENDANCE_HEADER, &lines));
        district.up();
        assert_eq!(receiver.kinds(), RAISED, "{lines:?}");
        let answer = district.answer(1001);
        assert_eq!(answer["value"], known, "{answer}");
        district.drop("attendance-9.csv", &good);
        district.up();
        assert_eq!(receiver.kinds(), RAISED, "{lines:?}");
        assert_eq!(district.answer(1001)["value"], "3/20", "{lines:?}");
    }
}

/// A footer and a child whom no roster has stand in every file, and teachers enter yesterday's absences today. Corrections
/// arrive, and no day but the newest is unknown.
#[test]
fn what_is_never_found_keeps_nothing_out_though_rows_come_late() {
    let mut district = District::new();
    district.enroll(&[1000, 1001, 1002]);
    for n in 20..28 {
        let known = [(1001, 3, "A"), (1001, 4, "A"), (1001, 5, "A")];
        // The third was a mistake.
        let known = if n < 24 { &known[..] } else { &known[..2] };
        let late = (20..n).map(|n| (1002, n, "T"));
        let rows: Vec<Row> = known.iter().copied().chain(late).chain([(1000, n, "T")]).collect();
        let mut lines: Vec<String> = rows.iter().map(drops::line).collect();
        lines.extend((19..=n).map(|n| format!("9001,100,{},A", us(day(n)))));
        lines.push(format!("Total,{}", lines.len()));
        district.later(24 * 60);
        district.drop(&format!("attendance-{n}.csv"), drops::csv(drops::ATTENDANCE_HEADER, &lines));
        district.up();
        let answer = district.answer(1001);
        let unknown = answer["unknown_days"].as_u64().expect("a count");
        // Nobody can tell at first that what comes late is not what could not be read.
        assert!(n <= 21 || unknown <= 1, "night {n}: {answer}");
        let absent = answer["value"].as_str().and_then(|value| value.split('/').next().map(str::to_owned));
        assert_eq!(absent.as_deref(), Some(if n < 24 { "3" } else { "2" }), "night {n}: {answer}");
    }
}

/// A child whom no roster has, at a school that none names either: one more row every day.
#[test]
fn a_child_at_a_school_that_nobody_knows_keeps_nothing_out() {
    let mut district = District::new();
    district.enroll(&[1000, 1001]);
    for n in 20..28 {
        let known = [(1001, 3, "A"), (1001, 4, "A"), (1001, 5, "A")];
        let known = if n < 24 { &known[..] } else { &known[..2] };
        let mut lines: Vec<String> = known.iter().map(drops::line).collect();
        lines.extend((20..=n).map(|n| format!("9001,900,{},A", us(day(n)))));
        lines.push(drops::line(&through(n)));
        district.now = format!("{}T02:00:00Z", day(n).tomorrow().expect("a day"));
        district.drop(&format!("attendance-{n}.csv"), drops::csv(drops::ATTENDANCE_HEADER, &lines));
        district.up();
        if n == 20 {
            continue;
        }
        let answer = district.answer(1001);
        let expected = format!("{}/{n}", if n < 24 { 3 } else { 2 });
        assert_eq!(
            (&answer["value"], &answer["unknown_days"]),
            (&expected.into(), &0.into()),
            "night {n}: {answer}"
        );
    }
}

/// A row that came late could not be read; the next night it can, and another one of that day cannot.
#[test]
fn a_row_that_came_late_is_back_in_place_of_another() {
    for (name, spoil) in SPOILS {
        let receiver = Receiver::start();
        let roster = [(1000, 100, AUGUST, ""), (1001, 100, AUGUST, ""), (1002, 100, AUGUST, "")];
        let mut district = flagged(&receiver, &roster);
        let mut night = |n: usize, spoilt: Option<u32>| {
            let here = [1001, 1002].map(|id| match drops::line(&(id, 5, "A")) {
                line if Some(id) == spoilt => spoil(&line),
                line => line,
            });
            let known = [ABSENCES[0], ABSENCES[1], ABSENCES[3]].map(|row| drops::line(&row));
            let lines = [&here[..], &known].concat();
            district.drop(&format!("attendance-{n}.csv"), drops::csv(drops::ATTENDANCE_HEADER, &lines));
            district.up();
            district.answer(1001)["value"].clone()
        };
        // That of 1002 is new.
        assert_eq!(night(7, Some(1002)), "3/20", "{name}");
        assert_eq!(night(8, Some(1001)), "3/20", "{name}");
        assert_eq!(night(9, None), "3/20", "{name}");
        assert_eq!(receiver.kinds(), RAISED, "{name}");
    }
}

/// Of a new day nothing was known of her, as a row of hers had no date; the night after it has one, and a row of hers that
/// stood has none.
#[test]
fn a_row_that_was_only_inferred_is_back_in_place_of_another() {
    let receiver = Receiver::start();
    let mut district = flagged(&receiver, &[(1000, 100, AUGUST, ""), (1001, 100, AUGUST, "")]);
    let good = [&ABSENCES[..], &[(1001, 21, "A"), through(22)]].concat();
    let mut night = |n: usize, spoilt: Option<usize>| {
        let lines = good.iter().enumerate().map(|(at, row)| match drops::line(row) {
            line if Some(at) == spoilt => cell(&line, 2, "########"),
            line => line,
        });
        let lines: Vec<String> = lines.collect();
        district.drop(&format!("attendance-{n}.csv"), drops::csv(drops::ATTENDANCE_HEADER, &lines));
        district.up();
        let answer = district.answer(1001);
        (answer["value"].clone(), answer["unknown_days"].clone())
    };
    assert_eq!(night(7, Some(4)), ("3/20".into(), 2.into()), "days 21 and 22");
    let (value, _) = night(8, Some(0));
    assert!(value.as_str().is_some_and(|value| value.starts_with("4/")), "{value}");
    assert_eq!(night(9, None), ("4/22".into(), 0.into()));
    assert_eq!(receiver.kinds(), RAISED);
}
