//! Slips in attendance.

use super::*;

/// A row whose student is found later says otherwise than one that stands: nobody can tell which holds.
#[test]
fn a_row_that_waited_does_not_override_one_that_stands() {
    let receiver = Receiver::start();
    let mut district = reading("./drop/sis");
    district.configure(|config| config.webhooks = vec![("counselor".to_owned(), receiver.url())]);
    let without = |files: Files| -> Files {
        let change =
            |(name, text): (&'static str, String)| (name, text.replace("{State:TX1001}", "{State:TX9}"));
        files.into_iter().map(change).collect()
    };
    drop_folder(&mut district, &without(package(&[1000, 1001])));
    let row = |id: &str, n: usize, code: &str| format!("{id},s-100,{},{code}", us(day(n)));
    let days = [3, 9, 16];
    let rows = days
        .iter()
        .flat_map(|n| [row("1001", *n, "T"), row("TX1001", *n, "A")])
        .chain([row("1000", 20, "T")]);
    district.drop("attendance-1.csv", drops::csv(drops::ATTENDANCE_HEADER, &rows.collect::<Vec<_>>()));
    district.up();
    assert_eq!(district.answer(1001)["value"], "0/20");
    drop_folder(&mut district, &package(&[1000, 1001]));
    district.up();
    let answer = district.answer(1001);
    assert_eq!((&answer["value"], &answer["unknown_days"]), (&"0/17".into(), &3.into()), "{answer}");
    assert_eq!(receiver.kinds(), Vec::<String>::new(), "what is unknown raises nothing");
    assert_eq!(last_run(&district.status(), "attendance")["reject"], 6, "both rows are named");
}

/// The same two rows again, and the same bytes: what is not known stays so, and no more than that.
#[test]
fn bytes_that_are_dropped_again_put_no_later_day_in_doubt() {
    let mut district = District::with(|config| config.csv_extra = "covered_through: run_day");
    district.enroll(&[1000, 1001]);
    let lines = [drops::line(&(1001, 3, "A")), ",100,99/99/2021,A".to_owned(), drops::line(&through(20))];
    let bytes = drops::csv(drops::ATTENDANCE_HEADER, &lines);
    district.drop("attendance-1.csv", &bytes);
    district.up();
    let unknown = |district: &District| district.answer(1001)["unknown_days"].clone();
    assert_ne!(unknown(&district), json!(0), "at the first load it may be about any day");
    for n in 2..5 {
        district.later(24 * 60);
        district.drop(&format!("attendance-{n}.csv"), &bytes);
        district.up();
        assert_eq!(unknown(&district), json!(0), "night {n}: it is no longer new");
    }
}

/// A child of whom no row can be read, night after night.
#[test]
fn days_of_a_student_whose_rows_cannot_be_read_stay_unknown() {
    let mut district = District::new();
    district.enroll(&[1000, 1001]);
    let wrong = [3, 9, 16].map(|n| format!("1001,100,{},A", day(n).strftime("%d.%m.%Y")));
    for n in 20..24 {
        let lines = [&wrong[..], &[drops::line(&through(n))]].concat();
        district.drop(&format!("attendance-{n}.csv"), drops::csv(drops::ATTENDANCE_HEADER, &lines));
        district.up();
        let answer = district.answer(1001);
        assert!(answer["unknown_days"].as_u64() >= Some(20), "day {n}: {answer}");
    }
    district.attend(&[(1001, 3, "A"), (1001, 9, "A"), (1001, 16, "A"), through(24)]);
    district.up();
    assert_eq!(district.answer(1001)["value"], "3/24", "the next good file heals");
}

/// An absence that was planned is over as soon as a file no longer has it, whatever else is planned.
#[test]
fn a_planned_absence_that_is_gone_is_gone() {
    let mut district = District::new();
    district.enroll(&[1000, 1001]);
    for n in 0..4 {
        district.attend(&[(1001, 60 + n, "E"), through(20)]);
        let status = district.up();
        assert_eq!(last_run(&status, "attendance")["doubtful"], 0, "night {n}: {status}");
    }
}

/// The few rows of a small school that is not in the file, however far the file says that it goes.
#[test]
fn a_small_school_that_is_not_in_the_file_stands() {
    for through in ["latest_row", "run_day", "day_before_run"] {
        let receiver = Receiver::start();
        let extra: &'static str = Box::leak(format!("covered_through: {through}").into_boxed_str());
        let mut district = District::with(|config| {
            config.csv_extra = extra;
            config.webhooks = vec![("counselor".to_owned(), receiver.url())];
        });
        district.now = format!("{}T23:00:00Z", day(21));
        district.enroll(&[1000, 1001, 3001]);
        let rows: [Row; 5] =
            [(3001, 3, "A"), (3001, 4, "A"), (3001, 5, "A"), (1001, 4, "T"), (1000, 20, "T")];
        district.drop("attendance-1.csv", drops::attendance(&[&rows[..], &[(3001, 20, "T")]].concat()));
        district.up();
        assert_eq!(receiver.kinds(), RAISED, "{through}");
        district.drop("attendance-2.csv", drops::attendance(&rows[3..]));
        let status = district.up();
        assert_eq!(last_run(&status, "attendance")["end"], 0, "{through}: {status}");
        assert_eq!(receiver.kinds(), RAISED, "{through}");
    }
}

/// What the hub infers of a bad row lasts no longer than the bad row, also where files take nothing back.
#[test]
fn days_that_were_unknown_are_known_again_where_rows_are_kept() {
    let mut district = District::with(|config| config.absent_rows = "keep");
    district.enroll(&[1000, 1001]);
    let lines = |date: String| [format!("1001,100,{date},A"), drops::line(&through(20))];
    let bad = lines(day(3).strftime("%d.%m.%Y").to_string());
    district.drop("attendance-1.csv", drops::csv(drops::ATTENDANCE_HEADER, &bad));
    district.up();
    assert_eq!(district.answer(1001)["unknown_days"], 20);
    district.drop("attendance-2.csv", drops::csv(drops::ATTENDANCE_HEADER, &lines(us(day(3)))));
    district.up();
    assert_eq!(
        (&district.answer(1001)["value"], &district.answer(1001)["unknown_days"]),
        (&"1/20".into(), &0.into())
    );
    district.attend(&[through(21)]);
    district.up();
    assert_eq!(district.answer(1001)["value"], "1/21", "what was said is kept");
}

/// A file that says nothing comes between.
#[test]
fn days_that_were_unknown_are_known_again_whatever_comes_between() {
    let mut district = District::with(|config| config.absent_rows = "keep");
    district.enroll(&[1000, 1001]);
    let bad = [format!("1001,100,{},A", day(3).strftime("%d.%m.%Y")), drops::line(&through(20))];
    district.drop("attendance-1.csv", drops::csv(drops::ATTENDANCE_HEADER, &bad));
    district.up();
    district.drop("attendance-2.csv", drops::csv(drops::ATTENDANCE_HEADER, &[]));
    district.up();
    district.attend(&[(1001, 3, "A"), through(20)]);
    district.up();
    assert_eq!(district.answer(1001)["value"], "1/20");
}

/// Children at two schools lose the rows of one of them, which stand at the other all along: that is a loss.
#[test]
fn days_that_stood_at_another_school_all_along_are_no_moved_days() {
    let mut district = District::new();
    let both: Vec<(u32, u32, &str, &str)> =
        (1000..1012).flat_map(|id| [(id, 100, AUGUST, ""), (id, 200, AUGUST, "")]).collect();
    drop_roster(&mut district, "enrollment-1.csv", &both);
    let at = |school: u32, code: &str| {
        let line = move |id: u32, n: usize, code: &str| format!("{id},{school},{},{code}", us(day(n)));
        let rows = (1000..1012).flat_map(|id| [3, 4].map(|n| line(id, n, code)));
        rows.chain([line(1000, 20, "T")]).collect::<Vec<_>>()
    };
    district.drop(
        "attendance-1.csv",
        drops::csv(drops::ATTENDANCE_HEADER, &[at(100, "T"), at(200, "A")].concat()),
    );
    district.up();
    let last = format!("1000,200,{},T", us(day(20)));
    district
        .drop("attendance-2.csv", drops::csv(drops::ATTENDANCE_HEADER, &[at(100, "T"), vec![last]].concat()));
    assert_eq!(district.up()["holds"], 1, "24 of 50 rows");
}

/// The attendance of a whole school stands under another school's number for one night.
#[test]
fn a_night_of_attendance_under_another_schools_number_heals_by_itself() {
    let receiver = Receiver::start();
    let mut district = District::telling(&receiver);
    let students: Vec<u32> = (1000..1020).chain(3000..3012).collect();
    district.enroll(&students);
    let flagged: [Row; 3] = [(3001, 3, "A"), (3001, 4, "A"), (3001, 5, "A")];
    let all = (1000..1020)
        .chain(3000..3012)
        .map(|id| (id, 10, "E"))
        .chain(flagged)
        .chain([(3000, 20, "T"), through(20)]);
    let good: Vec<Row> = all.collect();
    district.attend(&good);
    district.up();
    assert_eq!(receiver.kinds(), RAISED);
    let slip: Vec<String> = good.iter().map(|row| drops::line(row).replace(",300,", ",100,")).collect();
    district.drop("attendance-x.csv", drops::csv(drops::ATTENDANCE_HEADER, &slip));
    assert_eq!(district.up()["holds"], 0, "no day is lost");
    assert_eq!(receiver.kinds(), RAISED, "of rows at a school where they are not, nothing is known");
    district.attend(&good);
    let status = district.up();
    assert_eq!((&status["holds"], &district.answer(3001)["value"]), (&0.into(), &"4/20".into()), "{status}");
    assert_eq!(receiver.kinds(), RAISED);
}
