//! A configuration that changes under a hub that remembers.

use std::fs;

use crate::binary::Run;
use crate::district::District;
use crate::drops::{Row, through};

const SECRET_KEY: &str = r#", secret: "SECRET[env.SIGNALBOX_SECRET]""#;

/// Whoever would work on the hub is refused as a wrong configuration, with the reason and the mend.
#[track_caller]
fn assert_refused(district: &District, reason: &str, mend: &str) {
    for args in [&["up", "--once"][..], &["up"], &["plan"], &["retry", "attendance"], &["flags", "list"]] {
        assert_says(&District::spawn(district.command_of(args)).end(), reason, mend);
    }
}

#[track_caller]
fn assert_says(run: &Run, reason: &str, mend: &str) {
    assert_eq!(run.status.code(), Some(2), "{run:?}");
    assert!(run.stderr.contains(reason), "\"{reason}\" in {run:?}");
    assert!(run.stderr.contains(mend), "the mend \"{mend}\" in {run:?}");
}

fn rows() -> [Row; 6] {
    let absences = [3, 4, 8, 9, 10].map(|day| (1001, day, "A"));
    [absences[0], absences[1], absences[2], absences[3], absences[4], through(50)]
}

/// With a flag: student 1001 was absent 5 of 50 days.
fn at_work(change: impl FnOnce(&mut crate::config::Config)) -> District {
    let mut district = District::with(change);
    district.enroll(&[1000, 1001, 1002]);
    district.attend(&rows());
    district.up();
    assert_eq!(district.flags().len(), 1);
    district
}

/// Changes the text of the configuration.
fn rewrite(district: &mut District, from: &str, to: &str) {
    let text = district.config.render();
    assert!(text.contains(from), "{from} in {text}");
    let text = text.replace(from, to);
    district.configure(|config| config.verbatim = Some(text));
}

/// The hub goes on as if nothing had been.
#[track_caller]
fn assert_as_before(district: &mut District, hash: &str) {
    district.later(60);
    let status = district.up();
    assert_eq!(status["state_hash"], hash, "{status}");
    assert_eq!(status["flags"]["open"], 1, "{status}");
}

#[test]
fn another_district_is_refused_and_going_back_heals() {
    let mut district = at_work(|_| ());
    let hash = district.state_hash();
    rewrite(&mut district, "id: lakeside", "id: other-district");
    assert_refused(&district, "district.id", "put district.id back to \"lakeside\"");
    rewrite(&mut district, "id: other-district", "id: lakeside");
    assert_as_before(&mut district, &hash);
}

#[test]
fn another_secret_is_refused_and_going_back_heals() {
    let mut district = at_work(|_| ());
    let hash = district.state_hash();
    for (secret, reason) in [
        ("the secret of another district, long enough", "another than the one that this hub began with"),
        ("", "shorter than 16 bytes"),
        ("x", "shorter than 16 bytes"),
    ] {
        for args in [&["up", "--once"][..], &["plan"], &["flags", "list"]] {
            let mut command = district.command_of(args);
            let run = District::spawn_of(command.env("SIGNALBOX_SECRET", secret)).end();
            assert_says(&run, reason, "put");
            assert!(!run.stderr.contains("long enough"), "{run:?}");
        }
    }
    assert_as_before(&mut district, &hash);
}

#[test]
fn a_short_secret_begins_no_hub() {
    let mut district = District::new();
    district.enroll(&[1000]);
    let mut command = district.command_of(&["up", "--once"]);
    let run = District::spawn_of(command.env("SIGNALBOX_SECRET", "fifteen bytes..")).end();
    assert_says(&run, "shorter than 16 bytes", "openssl rand -hex 32");
    let mut command = district.command_of(&["up", "--once"]);
    District::spawn_of(command.env("SIGNALBOX_SECRET", "sixteen bytes...")).end().exit(0);
}

#[test]
fn a_secret_file_that_is_gone_or_cut_is_not_made_anew() {
    let mut district = District::new();
    rewrite(&mut district, SECRET_KEY, "");
    district.enroll(&[1000, 1001, 1002]);
    district.attend(&rows());
    district.up();
    let hash = district.state_hash();

    let file = district.path().join("var/secret");
    let secret = fs::read(&file).expect("one was made");
    fs::write(&file, &secret[..31]).expect("it is writable");
    assert_refused(&district, "is not whole", "from a backup");
    fs::write(&file, b"").expect("it is writable");
    assert_refused(&district, "is not whole", "from a backup");
    fs::remove_file(&file).expect("it is there");
    assert_refused(&district, "is gone", "from a backup");
    assert!(!file.exists(), "nobody made another");

    fs::write(&file, [7; 32]).expect("it is writable");
    assert_refused(&district, "another than the one that this hub began with", "put it back");
    fs::write(&file, secret).expect("it is writable");
    assert_as_before(&mut district, &hash);
}

#[test]
fn another_roster_of_record_is_refused_and_going_back_heals() {
    let mut district = at_work(|_| ());
    let hash = district.state_hash();
    rewrite(&mut district, "name: enrollment", "name: students");
    assert_refused(
        &district,
        "the roster of record is \"students\"",
        "signalbox feeds rename enrollment students",
    );
    rewrite(&mut district, "name: students", "name: enrollment");
    assert_as_before(&mut district, &hash);
}
