//! Payloads that a store or the machine's memory might not take: each is reported, none stops the hub, and the next good
//! one heals it.

use std::io::{Cursor, Write as _};

use zip::write::SimpleFileOptions;

use crate::district::{District, feed, last_run};
use crate::drops::{self, through};
use crate::oneroster::{Files, package, reading, zipped};

/// The package with one student's `identifier` spoilt.
fn spoilt(identifier: &str) -> Files {
    let mut files = package(&[1000, 1001]);
    let (_, users) = files.iter_mut().find(|(name, _)| *name == "users.csv").expect("there are users");
    *users = users.replace(",,1001,", &format!(",,{identifier},"));
    files
}

#[test]
fn an_identifier_that_no_store_takes_stops_nothing() {
    for identifier in ["10\u{0}01", &"x".repeat(6_000), "10\u{1b}[2J01", &"1".repeat(240_000)] {
        let mut district = reading("./drop/*.zip");
        district.drop("sis-1.zip", zipped(&spoilt(identifier)));
        for _ in 0..2 {
            let status = district.up();
            assert_ne!(feed(&status, "sis")["state"], "reading", "{status}");
        }
        district.drop("sis-2.zip", zipped(&package(&[1000, 1001, 1002])));
        district.attend(&[(1001, 3, "A"), through(20)]);
        let status = district.up();
        assert_eq!(last_run(&status, "sis")["payload"], "sis-2.zip", "{status}");
        assert_eq!(
            (&status["unmatched"], &feed(&status, "sis")["state"]),
            (&0.into(), &"ok".into()),
            "{status}"
        );
        assert_eq!(district.json(&["student", "1001"])["answers"][0]["value"], "1/20");
    }
}

/// Its entries are counted before they are listed: 8.4 million of them took 3.8 GB.
#[test]
fn a_zip_with_more_entries_than_a_package_has_is_refused_unlisted() {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for entry in 0..70_000 {
        zip.start_file(format!("{entry}.csv"), SimpleFileOptions::default()).expect("writes to memory");
    }
    zip.start_file("manifest.csv", SimpleFileOptions::default()).expect("writes to memory");
    zip.write_all(b"propertyName,value\r\n").expect("writes to memory");
    let mut district = reading("./drop/*.zip");
    district.drop("sis-1.zip", zip.finish().expect("writes to memory").into_inner());
    let status = district.up();
    assert_eq!(feed(&status, "sis")["state"], "refused", "{status}");
    district.drop("sis-2.zip", zipped(&package(&[1000])));
    assert_eq!(feed(&district.up(), "sis")["state"], "ok");
}

#[test]
fn cells_of_megabytes_are_rejects_and_their_neighbours_are_read() {
    let mut district = District::new();
    district.enroll(&[1000, 1001, 1002]);
    let long = "z".repeat(240_000);
    let rows = drops::attendance(&[(1001, 3, "A"), (1002, 4, "A"), through(20)]);
    district.drop(
        "attendance-1.csv",
        rows.clone() + &format!("{long},100,8/26/2021,A\r\n1000,100,8/27/2021,{long}\r\n"),
    );
    let status = district.up();
    assert_eq!(last_run(&status, "attendance")["reject"], 2, "{status}");
    assert!(!status.to_string().contains(&long[..5_000]), "no more of it is kept than people can read");
    let rejects = district.json(&["rejects", "list"]).to_string();
    assert!(!rejects.contains(&long[..5_000]));
    district.drop("attendance-2.csv", rows);
    assert_eq!(feed(&district.up(), "attendance")["state"], "ok");
}

/// One line of thousands is as good as all of them; a list of them stops no command.
#[test]
fn rows_of_one_key_without_end_are_told_of_in_a_line() {
    let mut district = District::new();
    district.enroll(&[1000, 1001]);
    district.up();
    let mut rows = vec![through(20)];
    rows.extend((0..6_000).flat_map(|_| [(1001, 3, "A"), (1001, 3, "E")]));
    district.attend(&rows);
    let status = district.up();
    assert_eq!(last_run(&status, "attendance")["reject"], 12_000, "{status}");
    let rejects = district.rejects();
    let help = rejects[0]["help"].as_str().expect("a help");
    assert!(help.len() < 500 && help.contains(" and 11980 more have the same key"), "{help}");
    assert!(district.run(&["rejects", "list", "--output", "text"]).status.success());
}

/// Put back from a backup, or tidied up by somebody.
#[test]
fn a_landed_payload_that_is_gone_holds_up_no_other() {
    let mut district = District::new();
    district.enroll(&[1000, 1001]);
    district.attend(&[(1001, 3, "A"), through(20)]);
    district.up();
    for entry in std::fs::read_dir(district.path().join("var/landing")).expect("it lands here") {
        std::fs::remove_file(entry.expect("an entry").path()).expect("goes");
    }
    let yaml = district.config.render().replace("A: absent_unexcused", "A: absent_excused");
    district.configure(|config| config.verbatim = Some(yaml));
    district.attend(&[(1001, 3, "A"), (1001, 4, "A"), through(20)]);
    let status = district.up();
    assert_eq!(district.answer(1001)["value"], "2/20", "{status}");
    assert_eq!(feed(&status, "attendance")["state"], "ok", "{status}");
}
