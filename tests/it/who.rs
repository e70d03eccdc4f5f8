//! Who a row is about: ids follow the roster, and whichever of a student's ids a tool writes, it says the same.

use crate::district::{District, last_run};
use crate::drops::{self, day, through, us};
use crate::oneroster::{Files, drop_folder, package, reading};
use crate::receiver::Receiver;

const ABSENT: [usize; 3] = [3, 9, 16];

fn attendance(id_of: impl Fn(u32) -> String) -> String {
    let row = |id: u32, n: usize, code: &str| format!("{},s-100,{},{code}", id_of(id), us(day(n)));
    let mut lines: Vec<String> =
        [1001, 1002].iter().flat_map(|id| ABSENT.map(|n| row(*id, n, "A"))).collect();
    lines.push(row(1000, 20, "T"));
    drops::csv(drops::ATTENDANCE_HEADER, &lines)
}

/// `u-1001` in a file of the package becomes what `change` makes of it.
fn with_users(mut files: Files, change: impl Fn(&str) -> String) -> Files {
    for (name, text) in &mut files {
        if *name == "users.csv" {
            *text = change(text);
        }
    }
    files
}

#[test]
fn a_tool_that_writes_another_id_of_the_same_students_changes_nothing() {
    let receiver = Receiver::start();
    let mut district = reading("./drop/sis");
    district.configure(|config| config.webhooks = vec![("counselor".to_owned(), receiver.url())]);
    drop_folder(&mut district, &package(&[1000, 1001, 1002]));
    district.drop("attendance-1.csv", attendance(|id| format!("u-{id}")));
    district.up();
    assert_eq!(receiver.kinds(), ["risk.flag.raised"; 2]);
    let (events, hash) = (district.count_events(), district.state_hash());
    for (n, id_of) in
        [|id: u32| id.to_string(), |id| format!("TX{id}"), |id| format!("u-{id}")].iter().enumerate()
    {
        district.drop(&format!("attendance-{}.csv", n + 2), attendance(id_of));
        let status = district.up();
        assert_eq!(last_run(&status, "attendance")["unchanged"], 7, "{status}");
        assert_eq!(
            (district.count_events(), district.state_hash(), &status["holds"]),
            (events, hash.clone(), &0.into())
        );
    }
    assert_eq!(receiver.kinds().len(), 2, "nobody is told");
}

/// The rows' numbers are those of the state, not of the district: three were flagged for what others did.
#[test]
fn ids_that_were_read_as_another_kind_are_put_right_in_one_run() {
    let receiver = Receiver::start();
    let mut district = reading("./drop/sis");
    district.configure(|config| {
        config.webhooks = vec![("counselor".to_owned(), receiver.url())];
        config.csv_extra = "ids: {student: Local}";
    });
    // The state's number of 1001 to 1003 is the district's of 1004 to 1006, and the other way round.
    let crossed = |id: u32| if id < 1004 { id + 3 } else { id - 3 };
    let files = with_users(package(&(1000..1007).collect::<Vec<_>>()), |text| {
        (1001..1007).fold(text.to_owned(), |text, id| {
            text.replace(&format!("{{State:TX{id}}}"), &format!("{{State:{}}}", crossed(id)))
        })
    });
    drop_folder(&mut district, &files);
    let absent = (1001..1004).flat_map(|id| [(id, 3, "A"), (id, 4, "A")]);
    district.attend(&absent.chain([through(20)]).collect::<Vec<_>>());
    district.up();
    let open = |district: &District| {
        let flags = district.flags().into_iter().filter(|flag| flag["state"] == "open");
        let mut ids: Vec<String> =
            flags.map(|flag| flag["student_id"].as_str().expect("an id").to_owned()).collect();
        ids.sort();
        ids
    };
    assert_eq!(open(&district), ["u-1001", "u-1002", "u-1003"]);
    district.configure(|config| config.csv_extra = "ids: {student: State}");
    district.up();
    assert_eq!(open(&district), ["u-1004", "u-1005", "u-1006"]);
    assert_eq!(district.json(&["student", "u-1001"])["answers"][0]["value"], "0/20");
    let mut told = receiver.kinds()[3..].to_vec();
    told.sort();
    assert_eq!(told, [["risk.flag.raised"; 3], ["risk.flag.withdrawn"; 3]].concat());
}

/// One night's typo: 1001 has the identifier of 1002.
#[test]
fn a_typo_in_an_identifier_lasts_one_night() {
    let mut district = reading("./drop/sis");
    drop_folder(&mut district, &package(&[1000, 1001, 1002]));
    district.drop("attendance-1.csv", attendance(|id| id.to_string()));
    district.up();
    assert_eq!(district.answer(1002)["value"], "3/20");

    let typo = with_users(package(&[1000, 1001, 1002]), |users| {
        users.replace(",,1001,,", ",,1002,,").replace("Local:1001", "Local:7")
    });
    drop_folder(&mut district, &typo);
    let next = attendance(|id| id.to_string()) + &format!("1002,s-100,{},A\r\n", us(day(21)));
    district.drop("attendance-2.csv", next);
    let status = district.up();
    let run = last_run(&status, "attendance");
    assert!(run["unmatched"].as_u64() > Some(0), "two students fit, or none: {status}");
    assert!(run["warnings"].to_string().contains("two students fit"), "{run}");
    assert_eq!(run["end"], 0, "{run}");
    let student = district.json(&["student", "u-1002"]);
    assert!(student["answers"][0]["unknown_days"].as_u64() > Some(0), "{student}");

    drop_folder(&mut district, &package(&[1000, 1001, 1002]));
    let status = district.up();
    assert_eq!(status["unmatched"], 0, "{status}");
    let answer = district.answer(1002);
    assert_eq!(answer["value"], "4/21", "healed: {answer}");
}

/// One night's typo: another school has the identifier 100 as well, or in place of s-100.
#[test]
fn a_typo_in_a_schools_identifier_lasts_one_night() {
    for moved in [false, true] {
        let mut district = reading("./drop/sis");
        let package = || package(&[1000, 1001, 1002]);
        drop_folder(&mut district, &package());
        district.drop("attendance-1.csv", attendance(|id| id.to_string()).replace("s-100", "100"));
        district.up();
        assert_eq!(district.answer(1002)["value"], "3/20");

        let other = "s-200,,,Jefferson High,school,100,d-1\r\n";
        let typo = package().into_iter().map(|(name, text)| match name {
            "orgs.csv" if moved => (name, text.replace(",school,100,", ",school,900,") + other),
            "orgs.csv" => (name, text + other),
            _ => (name, text),
        });
        drop_folder(&mut district, &typo.collect());
        let next = attendance(|id| id.to_string()).replace("s-100", "100");
        let next = next + &format!("1002,100,{},A\r\n", us(day(21)));
        district.drop("attendance-2.csv", &next);
        let status = district.up();
        assert_eq!(status["flags"]["withdrawn"], 0, "{status}");

        drop_folder(&mut district, &package());
        district.drop("attendance-3.csv", &next);
        let status = district.up();
        assert_eq!((&status["rejects"], &status["holds"]), (&0.into(), &0.into()), "{status}");
        let answer = district.answer(1002);
        assert_eq!(
            (&answer["value"], &answer["unknown_days"]),
            (&"4/21".into(), &0.into()),
            "healed: {answer}"
        );
    }
}

#[test]
fn a_row_of_a_school_that_the_roster_brings_later_is_used_by_itself() {
    let mut district = District::new();
    district.enroll(&[1000, 1001]);
    let late = format!("1001,200,{},A", us(day(7)));
    district.drop("attendance-1.csv", drops::attendance(&[(1001, 3, "A"), through(20)]) + &late + "\r\n");
    let status = district.up();
    assert_eq!(last_run(&status, "attendance")["reject"], 1, "{status}");
    assert_eq!(district.answer(1001)["unknown_days"], 1);
    let mut roster = drops::enrollment(&[1000, 1001, 2001]);
    roster.push_str("1001,Quillfeather1001,Zebedee1001,2007-03-03,200,8/23/2021,\r\n");
    district.drop("enrollment-2.csv", roster);
    let status = district.up();
    let rows = district.events(&["--type", "attendance.daily", "--student", "1001"]);
    assert!(rows.iter().any(|row| row["data"]["school"] == "200"), "{rows:?}");
    let answer = district.answer(1001);
    assert_eq!((&answer["value"], &answer["unknown_days"]), (&"2/20".into(), &0.into()));
    assert_eq!(status["rejects"], 0, "{status}");
}

/// Other names and another birth date under one id: nobody, until it is one.
#[test]
fn two_persons_under_one_id_are_nobody() {
    let mut district = District::new();
    let two = drops::enrollment(&[1000, 1001]) + "1001,Marsh,Odile,2009-11-30,100,8/23/2021,\r\n";
    district.drop("enrollment-1.csv", &two);
    district.attend(&[(1001, 3, "A"), through(20)]);
    let status = district.up();
    assert_eq!(last_run(&status, "attendance")["unmatched"], 1, "{status}");
    assert!(last_run(&status, "attendance")["warnings"].to_string().contains("two persons"), "{status}");

    district.drop("enrollment-2.csv", drops::enrollment(&[1000, 1001]));
    district.up();
    assert_eq!(district.answer(1001)["value"], "1/20", "one again, and its rows are used");
}

#[test]
fn a_birth_date_that_was_retyped_is_one_person() {
    let mut district = District::new();
    let retyped =
        drops::enrollment(&[1000, 1001]) + "1001,Quillfeather1001,Zebedee1001,2007-03-30,200,10/4/2021,\r\n";
    district.drop("enrollment-1.csv", &retyped);
    district.attend(&[(1001, 3, "A"), through(20)]);
    let status = district.up();
    assert_eq!(last_run(&status, "attendance")["unmatched"], 0, "{status}");
    assert_eq!(district.answer(1001)["value"], "1/20");
}
