//! OneRoster packages: a zip or a folder, bulk or delta, and the ids that other files use.

use std::io::{Cursor, Write as _};

use zip::write::SimpleFileOptions;

use crate::district::{District, last_run};
use crate::drops::{self, through};

pub(crate) type Files = Vec<(&'static str, String)>;

const MANIFEST: &str = "propertyName,value\r\nmanifest.version,1.0\r\noneroster.version,1.1\r\n\
    file.academicSessions,bulk\r\nfile.categories,absent\r\nfile.classes,bulk\r\nfile.classResources,absent\r\n\
    file.courses,absent\r\nfile.courseResources,absent\r\nfile.demographics,absent\r\nfile.enrollments,bulk\r\n\
    file.lineItems,absent\r\nfile.orgs,bulk\r\nfile.resources,absent\r\nfile.results,absent\r\nfile.users,bulk\r\n\
    source.systemName,Test\r\nsource.systemCode,test\r\n";
const USERS: &str = "sourcedId,status,dateLastModified,enabledUser,orgSourcedIds,role,username,userIds,givenName,\
    familyName,middleName,identifier,email,sms,phone,agentSourcedIds,grades,password\r\n";
const ENROLLMENTS: &str = "sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,role,primary,\
    beginDate,endDate\r\n";

/// Students `u-N`, known to other tools as `N`, each with one enrolment whose beginDate is blank.
pub(crate) fn package(students: &[u32]) -> Files {
    let user = |id: &u32| {
        let ids = format!("\"{{Local:{id}}},{{State:TX{id}}}\"");
        format!("u-{id},,,true,s-100,student,z{id},{ids},Zebedee,Quillfeather,,{id},,,,,09,\r\n")
    };
    let enrollment = |id: &u32| format!("e-{id},,,c-1,s-100,u-{id},student,,,\r\n");
    let users = USERS.to_owned() + &students.iter().map(user).collect::<String>();
    let enrollments = ENROLLMENTS.to_owned() + &students.iter().map(enrollment).collect::<String>();
    let orgs = "sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId\r\n\
        d-1,,,District,district,,\r\ns-100,,,Lincoln High,school,100,d-1\r\n";
    let sessions = "sourcedId,status,dateLastModified,title,type,startDate,endDate,parentSourcedId,schoolYear\r\n\
        y-22,,,Year,schoolYear,2021-08-23,2022-05-27,,2022\r\nt-1,,,Term,term,2021-08-23,2022-05-27,y-22,2022\r\n";
    let classes = "sourcedId,status,dateLastModified,title,grades,courseSourcedId,classCode,classType,location,\
        schoolSourcedId,termSourcedIds,subjects,subjectCodes,periods\r\n\
        c-1,,,Homeroom,,,,homeroom,,s-100,t-1,,,\r\n";
    vec![
        ("manifest.csv", MANIFEST.to_owned()),
        ("orgs.csv", orgs.to_owned()),
        ("academicSessions.csv", sessions.to_owned()),
        ("classes.csv", classes.to_owned()),
        ("users.csv", users),
        ("enrollments.csv", enrollments),
    ]
}

pub(crate) fn zipped(files: &Files) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in files {
        zip.start_file(*name, SimpleFileOptions::default()).expect("writes to memory");
        zip.write_all(text.as_bytes()).expect("writes to memory");
    }
    zip.finish().expect("writes to memory").into_inner()
}

pub(crate) fn reading(path: &str) -> District {
    let roster = format!("  - {{name: sis, roster_of_record: true, oneroster: {{path: {path}}}}}\n");
    District::with(|config| config.roster = roster)
}

pub(crate) fn drop_folder(district: &mut District, files: &Files) {
    for (name, text) in files {
        district.drop(&format!("sis/{name}"), text);
    }
}

#[test]
fn a_zip_and_a_folder_of_the_same_files_give_the_same_state() {
    let rows = [(1001, 3, "A"), (1001, 4, "A"), through(20)];
    let mut zip = reading("./drop/sis.zip");
    zip.drop("sis.zip", zipped(&package(&[1000, 1001])));
    zip.attend(&rows);
    let status = zip.up();
    assert_eq!(last_run(&status, "sis")["reject"], 0, "{status}");
    assert_eq!(zip.answer(1001)["value"], "2/20", "a blank beginDate is the term's start");

    let mut folder = reading("./drop/sis");
    drop_folder(&mut folder, &package(&[1000, 1001]));
    folder.attend(&rows);
    folder.up();
    assert_eq!(folder.state_hash(), zip.state_hash());
}

#[test]
fn a_student_is_found_by_every_id_and_a_school_by_its_identifier() {
    let mut district = reading("./drop/sis");
    drop_folder(&mut district, &package(&[1000, 1001]));
    let lines = [
        "u-1001,s-100,8/25/2021,A",
        "1001,100,8/26/2021,A",
        "TX1001,100,8/27/2021,A",
        "1000,100,9/20/2021,T",
    ];
    let lines: Vec<String> = lines.map(str::to_owned).into();
    district.drop("attendance.csv", drops::csv(drops::ATTENDANCE_HEADER, &lines));
    let status = district.up();
    let run = last_run(&status, "attendance");
    assert_eq!((&run["add"], &run["unmatched"], &run["reject"]), (&4.into(), &0.into(), &0.into()), "{run}");
    for id in ["u-1001", "1001", "TX1001"] {
        let student = district.json(&["student", id]);
        assert_eq!(student["answers"][0]["value"], "3/20", "{id}: {student}");
    }
    let flags = district.flags();
    assert_eq!((flags.len(), &flags[0]["student_id"]), (1, &"u-1001".into()), "the roster's own id");
}

#[test]
fn the_grade_reaches_the_alert() {
    let receiver = crate::receiver::Receiver::start();
    let mut district = reading("./drop/sis");
    district.configure(|config| config.webhooks = vec![("counselor".to_owned(), receiver.url())]);
    drop_folder(&mut district, &package(&[1000, 1001]));
    district.attend(&[(1001, 3, "A"), (1001, 4, "A"), through(20)]);
    district.up();
    let student = receiver.deliveries()[0].json()["data"]["student"].clone();
    let expected = serde_json::json!({"id": "u-1001", "id_system": "sis", "school": "s-100", "grade": "09"});
    assert_eq!(student, expected);
}

#[test]
fn the_same_package_again_is_no_news() {
    let mut district = reading("./drop/sis.zip");
    district.drop("sis.zip", zipped(&package(&[1000, 1001])));
    let first = district.up();
    let (hash, count) = (district.state_hash(), district.count_events());
    let mut again = package(&[1001, 1000]);
    again.reverse();
    district.drop("sis.zip", zipped(&again));
    let second = district.up();
    assert_eq!((district.state_hash(), district.count_events()), (hash, count));
    let (first, second) = (last_run(&first, "sis"), last_run(&second, "sis"));
    assert_eq!((&second["unchanged"], &second["add"]), (&first["add"], &0.into()));
}

#[test]
fn a_delta_ends_only_what_it_says() {
    let mut district = reading("./drop/sis.zip");
    district.drop("sis.zip", zipped(&package(&[1000, 1001, 1002])));
    district.up();
    let mut delta = package(&[1001]);
    for (_, text) in &mut delta {
        *text = text
            .replace("file.users,bulk", "file.users,delta")
            .replace("file.enrollments,bulk", "file.enrollments,delta")
            .replace("e-1001,,,", "e-1001,tobedeleted,2021-10-01T00:00:00Z,")
            .replace("u-1001,,,", "u-1001,active,2021-10-01T00:00:00Z,");
    }
    district.drop("sis.zip", zipped(&delta));
    let status = district.up();
    assert_eq!(last_run(&status, "sis")["end"], 1, "{status}");
    let exit = |id: u32| district.student(id)["enrollments"][0]["exit"].clone();
    let last_day = exit(1000);
    assert_ne!(last_day, "2021-10-31");
    assert_eq!((exit(1001), exit(1002)), ("2021-10-31".into(), last_day), "the day before it was read");
}

/// What is taken back need not say since when it was, nor point to a class that the delta holds.
#[test]
fn a_delta_ends_an_enrolment_without_dates() {
    let mut district = reading("./drop/sis.zip");
    district.drop("sis.zip", zipped(&package(&[1000, 1001])));
    district.up();
    let mut delta = package(&[1001]);
    delta.retain(|(name, _)| ["manifest.csv", "enrollments.csv"].contains(name));
    for (_, text) in &mut delta {
        *text = ["orgs", "academicSessions", "classes", "users"]
            .iter()
            .fold(text.clone(), |text, name| {
                text.replace(&format!("file.{name},bulk"), &format!("file.{name},absent"))
            })
            .replace("file.enrollments,bulk", "file.enrollments,delta")
            .replace("e-1001,,,", "e-1001,tobedeleted,2021-10-01T00:00:00Z,");
    }
    district.drop("sis.zip", zipped(&delta));
    let status = district.up();
    let run = last_run(&status, "sis");
    assert_eq!((&run["end"], &run["reject"]), (&1.into(), &0.into()), "{status}");
    assert_eq!(district.student(1001)["enrollments"][0]["exit"], "2021-10-31");
}

/// An enrolment of somebody whom the roster does not have yet ends before it brings them.
#[test]
fn a_delta_ends_what_still_waits_for_its_student() {
    let mut district = reading("./drop/sis.zip");
    let as_delta = |mut files: Files, keep: &[&str], change: &dyn Fn(String) -> String| {
        files.retain(|(name, _)| *name == "manifest.csv" || keep.contains(name));
        for (_, text) in &mut files {
            for name in ["orgs", "academicSessions", "classes", "users", "enrollments"] {
                let said = if keep.contains(&&*format!("{name}.csv")) { "delta" } else { "absent" };
                *text = text.replace(&format!("file.{name},bulk"), &format!("file.{name},{said}"));
            }
            *text = change(std::mem::take(text));
        }
        zipped(&files)
    };
    district.drop("sis.zip", zipped(&package(&[1000])));
    district.up();
    let began = |text: String| {
        text.replace("e-1001,,,", "e-1001,active,2021-10-01T00:00:00Z,")
            .replace("student,,,", "student,,2021-08-23,")
    };
    district.drop("sis.zip", as_delta(package(&[1001]), &["enrollments.csv"], &began));
    assert_eq!(district.up()["unmatched"], 1, "nobody knows 1001");
    let over = |text: String| text.replace("e-1001,,,", "e-1001,tobedeleted,2021-10-02T00:00:00Z,");
    district.drop("sis.zip", as_delta(package(&[1001]), &["enrollments.csv"], &over));
    assert_eq!(district.up()["unmatched"], 0);
    let comes = |text: String| text.replace("u-1001,,,", "u-1001,active,2021-10-03T00:00:00Z,");
    district.drop("sis.zip", as_delta(package(&[1001]), &["users.csv"], &comes));
    district.up();
    assert_eq!(district.student(1001)["enrollments"], serde_json::json!([]), "it was over before");
}

/// Tools that keep a row's sourcedId when its student moves to another school, or a class to another term: that they were
/// there before stands.
#[test]
fn a_row_key_that_moves_on_erases_nothing() {
    let at_200 = |files: Files| -> Files {
        let change = |(name, text): (&'static str, String)| match name {
            "orgs.csv" => (name, text + "s-200,,,Other High,school,200,d-1\r\n"),
            "enrollments.csv" => {
                let moved = format!("e-1001,,,c-1,s-200,u-1001,student,,{},\r\n", drops::day(30));
                (name, text.replace("e-1001,,,c-1,s-100,u-1001,student,,,\r\n", &moved))
            }
            _ => (name, text),
        };
        files.into_iter().map(change).collect()
    };
    let in_spring = |files: Files| -> Files {
        let change = |(name, text): (&'static str, String)| match name {
            "academicSessions.csv" => {
                (name, text.replace("t-1,,,Term,term,2021-08-23", "t-1,,,Term,term,2021-10-04"))
            }
            _ => (name, text),
        };
        files.into_iter().map(change).collect()
    };
    for (name, moved, value) in [
        // Of the other school no attendance is known.
        ("school", &at_200 as &dyn Fn(Files) -> Files, "3/29"),
        ("term", &in_spring, "3/31"),
    ] {
        let receiver = crate::receiver::Receiver::start();
        let mut district = reading("./drop/sis");
        district.configure(|config| config.webhooks = vec![("counselor".to_owned(), receiver.url())]);
        let absences = [(1001, 3, "A"), (1001, 4, "A"), (1001, 26, "A")];
        for (n, files) in [(30, package(&[1000, 1001])), (31, moved(package(&[1000, 1001])))] {
            district.now = format!("{}T23:00:00Z", drops::day(n));
            drop_folder(&mut district, &files);
            district.attend(&[&absences[..], &[through(n)]].concat());
            district.up();
        }
        assert_eq!(receiver.kinds(), ["risk.flag.raised"], "{name}: nobody is told that it was taken back");
        assert_eq!(district.answer(1001)["value"], value, "{name}: {}", district.student(1001));
        let enrolled = district.student(1001)["enrollments"].clone();
        assert_eq!(enrolled.as_array().map(Vec::len), Some(2), "{name}: {enrolled}");
    }
}

/// An export of the current term only: in spring the fall's enrolments are not in it, and the fall is not erased.
#[test]
fn an_export_of_the_current_term_keeps_the_terms_before() {
    let terms = |files: Files, of: &str| -> Files {
        let sessions = "sourcedId,status,dateLastModified,title,type,startDate,endDate,parentSourcedId,schoolYear\r\n\
            y-22,,,Year,schoolYear,2021-08-23,2022-05-27,,2022\r\n\
            fall,,,Fall,term,2021-08-23,2021-10-19,y-22,2022\r\nwinter,,,Winter,term,2021-10-19,2022-05-27,y-22,2022\r\n";
        let change = |(name, text): (&'static str, String)| match name {
            "academicSessions.csv" => (name, sessions.to_owned()),
            "classes.csv" => (name, text.replace("c-1,", &format!("c-{of},")).replace("t-1", of)),
            "enrollments.csv" => {
                (name, text.replace("e-", &format!("e-{of}-")).replace("c-1,", &format!("c-{of},")))
            }
            _ => (name, text),
        };
        files.into_iter().map(change).collect()
    };
    let mut district = reading("./drop/sis");
    district.now = format!("{}T23:00:00Z", drops::day(20));
    drop_folder(&mut district, &terms(package(&[1000, 1001]), "fall"));
    district.attend(&[(1001, 3, "A"), (1001, 4, "A"), through(20)]);
    district.up();
    assert_eq!(district.answer(1001)["value"], "2/20");
    district.now = format!("{}T23:00:00Z", drops::day(45));
    drop_folder(&mut district, &terms(package(&[1000, 1001]), "winter"));
    district.attend(&[(1001, 3, "A"), (1001, 4, "A"), through(45)]);
    let status = district.up();
    assert_eq!(status["holds"], 0, "{status}");
    assert_eq!(district.answer(1001)["value"], "2/45", "{}", district.student(1001));
}

#[test]
fn an_end_date_is_the_first_day_out() {
    let mut district = reading("./drop/sis");
    let mut files = package(&[1000, 1001, 1002]);
    let (ends, never) = (drops::day(31).to_string(), drops::day(1).to_string());
    for (_, text) in &mut files {
        *text = text
            .replace("u-1001,student,,,", &format!("u-1001,student,,,{ends}"))
            .replace("u-1002,student,,,", &format!("u-1002,student,,{never},{never}"));
    }
    drop_folder(&mut district, &files);
    district.attend(&[(1001, 3, "A"), through(40)]);
    let status = district.up();
    assert_eq!(last_run(&status, "sis")["reject"], 0, "{status}");
    assert_eq!(district.answer(1001)["value"], "1/30");
}

#[test]
fn no_user_claims_an_id_that_is_the_hubs_own() {
    let mut district = reading("./drop/sis");
    let mut files = package(&[1000, 1001, 1002]);
    for (_, text) in &mut files {
        *text = text.replace("{Local:1001}", "{sourcedId:u-1002}");
    }
    drop_folder(&mut district, &files);
    district.attend(&[(1002, 3, "A"), (1002, 4, "A"), through(20)]);
    district.up();
    let flags = district.flags();
    assert_eq!((flags.len(), &flags[0]["student_id"]), (1, &"u-1002".into()), "{flags:?}");
    let rejects = district.rejects();
    let users = rejects.iter().filter(|reject| reject["column"] == "userIds").count();
    assert_eq!(users, 1, "{rejects:?}");
}

/// One night a user has another's id under a type that nobody else uses, and from then on no id of that type.
#[test]
fn an_id_that_was_anothers_for_one_night_is_its_owners_again() {
    let mut district = reading("./drop/sis");
    let good = package(&[1000, 1001, 1002]);
    drop_folder(&mut district, &good);
    district.attend(&[(1001, 3, "A"), (1001, 4, "A"), through(20)]);
    district.up();
    let mut slip = good.clone();
    for (_, text) in &mut slip {
        *text = text.replace("{Local:1002}", "{Local:1002},{Badge:1001}");
    }
    drop_folder(&mut district, &slip);
    district.attend(&[(1001, 3, "A"), (1001, 4, "A"), (1001, 21, "A"), through(21)]);
    assert_eq!(district.up()["unmatched"], 3, "two students fit");
    drop_folder(&mut district, &good);
    district.attend(&[(1001, 3, "A"), (1001, 4, "A"), (1001, 21, "A"), (1001, 22, "A"), through(22)]);
    assert_eq!(district.up()["unmatched"], 0);
    assert_eq!(
        (&district.answer(1001)["value"], &district.answer(1002)["value"]),
        (&"4/22".into(), &"0/22".into())
    );
}

/// Every student has the number of another as an id of another type: they lose no id by it when a row is missing for a night.
#[test]
fn a_number_that_stands_under_two_types_is_two_ids() {
    let mut district = reading("./drop/sis");
    let mut good = package(&[1000, 1001, 1002]);
    for (_, text) in &mut good {
        *text = text.replace("{Local:1002}", "{Badge:1001}").replace("{Local:1000}", "{Badge:1002}");
    }
    drop_folder(&mut district, &good);
    let lines =
        ["TX1001,100,8/25/2021,A", "TX1001,100,8/26/2021,A", "TX1000,100,9/20/2021,T"].map(str::to_owned);
    district.drop("attendance.csv", drops::csv(drops::ATTENDANCE_HEADER, &lines));
    district.up();
    let mut without = good.clone();
    for (name, text) in &mut without {
        if *name == "users.csv" {
            let kept: Vec<&str> = text.lines().filter(|line| !line.starts_with("u-1001,")).collect();
            *text = kept.join("\r\n") + "\r\n";
        }
    }
    let ids = |district: &District| district.json(&["student", "u-1001"])["ids"].clone();
    let before = ids(&district);
    drop_folder(&mut district, &without);
    district.up();
    assert_eq!(ids(&district), before);
    drop_folder(&mut district, &good);
    district.up();
    let answer = district.json(&["student", "TX1001"])["answers"][0]["value"].clone();
    assert_eq!((ids(&district), answer), (before, "2/20".into()));
}
