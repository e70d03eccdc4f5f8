//! The process dies at every dangerous place, and nobody can tell afterwards.

use std::collections::BTreeSet;

use crate::district::District;
use crate::drops::{Row, through};
use crate::receiver::Receiver;

const STUDENTS: [u32; 8] = [1000, 1001, 1002, 1003, 1004, 2000, 2001, 2002];

fn two_days(student: u32, first: usize) -> [Row; 2] {
    [(student, first, "A"), (student, first + 1, "A")]
}

/// 1004 is flagged while history is loaded.
fn sunday() -> Vec<Row> {
    [&two_days(1004, 7)[..], &[(2000, 20, "T"), through(20), (1003, 9, "A")]].concat()
}

/// Raises flags for 1001, 1002 and 2001.
fn monday() -> Vec<Row> {
    [&sunday()[..], &two_days(1001, 2), &two_days(1002, 3), &two_days(2001, 5)].concat()
}

/// Takes the flag of 1001 back and raises one for 1003.
fn tuesday() -> Vec<Row> {
    let mut rows: Vec<Row> = monday().into_iter().filter(|row| (row.0, row.1) != (1001, 3)).collect();
    rows.push((1003, 10, "E"));
    rows
}

struct Week {
    district: District,
    receiver: Receiver,
    died: bool,
}

impl Week {
    fn new() -> Self {
        let receiver = Receiver::start();
        Self { district: District::telling(&receiver), receiver, died: false }
    }

    fn drop_monday(&mut self) {
        self.district.enroll(&STUDENTS);
        self.district.attend(&monday());
    }

    fn drop_tuesday(&mut self) {
        self.district.enroll(&[&STUDENTS[..], &[1005]].concat());
        self.district.attend(&tuesday());
    }

    fn up(&mut self, crash: Option<(&str, u32)>) {
        if let Some((failpoint, n)) = crash {
            self.died |= self.district.up_dying_at(failpoint, n);
        }
        self.district.up();
    }

    /// History is loaded, the feed turns live, two files follow.
    fn play(&mut self, crash: Option<(&str, u32)>) {
        self.district.configure(|config| config.mode = "history");
        self.district.enroll(&STUDENTS);
        self.district.attend(&sunday());
        self.up(crash);
        self.district.configure(|config| config.mode = "live");
        self.up(crash);
        self.drop_monday();
        self.up(crash);
        self.drop_tuesday();
        self.up(crash);
    }

    fn lose_data_dir(&self) {
        std::fs::remove_dir_all(self.district.path().join("var")).expect("the data_dir is there");
    }

    fn outcome(&self) -> Outcome {
        let status = self.district.status();
        assert_eq!(status["outbox"]["pending"], 0, "everything was sent: {status}");
        let flags = self.district.flags();
        let flags = flags.iter().map(|f| format!("{} {} {}", f["flag_id"], f["student_id"], f["state"]));
        Outcome { told: self.receiver.ids(), flags: flags.collect(), state_hash: self.district.state_hash() }
    }
}

#[derive(Debug, PartialEq)]
struct Outcome {
    told: BTreeSet<String>,
    flags: BTreeSet<String>,
    state_hash: String,
}

fn crash_free() -> Outcome {
    let mut week = Week::new();
    week.play(None);
    let outcome = week.outcome();
    assert_eq!(outcome.told.len(), 6, "a standing list, 4 raised, 1 withdrawn");
    assert_eq!(week.receiver.deliveries().len(), 6, "each once");
    outcome
}

fn failpoints() -> Vec<String> {
    let listed = District::new().json(&["failpoints"]);
    let listed = if listed.is_array() { &listed } else { &listed["failpoints"] };
    let name = |item: &serde_json::Value| {
        item.as_str().or_else(|| item["name"].as_str()).expect("a failpoint has a name").to_owned()
    };
    let names: Vec<String> = listed.as_array().expect("a list").iter().map(name).collect();
    assert!(names.len() >= 10, "{names:?}");
    names
}

fn dies_and_recovers(n: u32) {
    let expected = crash_free();
    let mut hit = Vec::new();
    let names = failpoints();
    for name in &names {
        let mut week = Week::new();
        week.play(Some((name, n)));
        assert_eq!(week.outcome(), expected, "died at {name}:{n}");
        if week.died {
            hit.push(name.clone());
        }
    }
    if n == 1 {
        assert_eq!(hit, names, "every failpoint is passed in a week");
    } else {
        assert!(hit.len() * 2 >= names.len(), "most failpoints are passed twice: {hit:?}");
    }
}

#[test]
fn death_at_the_first_hit_of_every_failpoint_changes_nothing() {
    dies_and_recovers(1);
}

#[test]
fn death_at_the_second_hit_of_every_failpoint_changes_nothing() {
    dies_and_recovers(2);
}

/// The disk was lost; the drops still stand: the same state, and the same alerts under the same ids.
#[test]
fn a_lost_data_dir_changes_nothing() {
    let mut week = Week::new();
    week.drop_monday();
    week.drop_tuesday();
    week.up(None);
    let before = week.outcome();
    assert_eq!(before.told.len(), 4);
    week.lose_data_dir();
    week.up(None);
    assert_eq!(week.outcome(), before);
    assert_eq!(week.receiver.deliveries().len(), 8, "each twice, under its own id");
}

#[test]
fn a_data_dir_lost_between_two_drops_changes_nothing() {
    let mut week = Week::new();
    week.drop_monday();
    week.up(None);
    week.drop_tuesday();
    week.up(None);
    let expected = week.outcome();

    let mut week = Week::new();
    week.drop_monday();
    week.up(None);
    week.lose_data_dir();
    week.up(None);
    week.drop_tuesday();
    week.up(None);
    assert_eq!(week.outcome(), expected);
}
