//! One seed: night after night, what is dropped, what the hub makes of it, and whether that is right.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde_json::{Value, json};

use super::dice::Dice;
use super::district::{FIRST_NIGHT, LAST_NIGHT, SCHOOLS, Truth};
use super::export::{Export, Line, Reads};
use super::hub::{ATTENDANCE, Hub, ROSTER, answer};
use super::oracle::{Oracle, Outcome, is_open};
use super::package;
use super::trail::Trail;
use super::wreck::{self, Key, Kind, Must, Wrecked};
use crate::drops;

/// Parts of a hundred nights on which a file is wrecked; after a wrecked one it is more likely again.
const WRECKED: usize = 25;
const WRECKED_AGAIN: usize = 35;

pub(super) struct Play<'h> {
    hub: &'h mut dyn Hub,
    kind: Kind,
    dice: Dice,
    truth: Truth,
    oracle: Oracle,
    rosters: Past,
    attendances: Past,
    /// By flag: what was told of it.
    told: BTreeMap<String, Told>,
    trail: Trail,
    /// Who is looked at first: something of theirs was not plain since all was good.
    suspects: BTreeSet<usize>,
    all_was_good: bool,
    strangers: Strangers,
    /// How many students are looked at on a night.
    looks: usize,
}

/// Ids of nobody in the roster that was used last.
#[derive(Default)]
struct Strangers {
    ids: usize,
    of: usize,
}

impl Strangers {
    fn of(roster: &Export) -> Self {
        let is_stranger = |line: &&Line| matches!(line.reads, Reads::OfAnother);
        Self { ids: roster.lines.iter().filter(is_stranger).count(), of: roster.lines.len() }
    }

    /// So many that their end reaches the guard's lines, or nearly.
    fn are_many(&self) -> bool {
        self.ids >= 5 && self.ids * 20 > self.of
    }
}

struct Told {
    student: usize,
    /// The day that the raise was reckoned on.
    as_of: usize,
    /// The last word.
    is_raised: bool,
}

/// The nights so far of one kind of file.
#[derive(Default)]
struct Past {
    good: Vec<Export>,
    /// The rows that were spoilt last night.
    spoilt: Vec<(Key, &'static str)>,
    was_wrecked: bool,
}

impl<'h> Play<'h> {
    pub(super) fn new(seed: u64, hub: &'h mut dyn Hub, kind: Kind, looks: usize) -> Self {
        let mut dice = Dice::new(seed);
        let truth = Truth::new(&mut dice);
        Self {
            hub,
            kind,
            dice,
            truth,
            oracle: Oracle::default(),
            rosters: Past::default(),
            attendances: Past::default(),
            told: BTreeMap::new(),
            trail: Trail::new(seed),
            suspects: BTreeSet::new(),
            all_was_good: false,
            strangers: Strangers::default(),
            looks,
        }
    }

    pub(super) fn run(mut self) {
        (FIRST_NIGHT..=LAST_NIGHT).for_each(|_| self.night());
    }

    fn night(&mut self) {
        self.truth.night(&mut self.dice);
        let through = self.truth.through;
        // The first roster is good: before it nobody is known. The last night heals what is left.
        let mut roster = self.rosters.file(
            Export::roster(&self.truth),
            &mut self.dice,
            self.kind,
            (FIRST_NIGHT + 1..LAST_NIGHT).contains(&through),
        );
        if self.strangers.are_many() {
            // A person is asked before they go.
            roster.either();
        }
        let attendance = self.attendances.file(
            Export::attendance(&self.truth),
            &mut self.dice,
            self.kind,
            through < LAST_NIGHT,
        );
        let all_was_good = self.all_was_good;
        self.all_was_good = roster.is_good() && attendance.is_good();
        // Between good nights the hub sleeps: the next file says the same and more.
        if all_was_good && self.all_was_good && through < LAST_NIGHT {
            return;
        }
        self.trail.night(through, &roster.how, &attendance.how);
        self.hand_over(&roster.export, &attendance.export);
        self.judge(&roster, &attendance);
    }

    fn hand_over(&mut self, roster: &Export, attendance: &Export) {
        if self.kind.oneroster {
            self.hub.drop("roster.zip", &package::zipped(roster));
        } else {
            self.hub.drop("roster.csv", &roster.bytes());
        }
        self.hub.drop("attendance.csv", &attendance.bytes());
        self.hub.pass(self.truth.through);
    }

    fn judge(&mut self, roster: &Wrecked, attendance: &Wrecked) {
        let (status, holds) = (self.hub.status(), self.hub.holds());
        let outcomes = [ROSTER, ATTENDANCE].map(|feed| outcome(feed, &status, &holds));
        self.trail.became(&outcomes);
        let nothing_was_read = self.oracle.knows_no_attendance();
        // Those of a school that waits stay, and those that a row in doubt may be.
        let (strangers, became) = (Strangers::of(&roster.export), &outcomes[0]);
        let all_go = became.held_schools.is_empty() && became.doubtful == 0;
        if became.used && (all_go || strangers.are_many()) {
            self.strangers = strangers;
        }
        for (file, outcome) in [roster, attendance].into_iter().zip(&outcomes) {
            let right = match file.must {
                Must::Use => outcome.used && outcome.held_schools.is_empty(),
                Must::NotUse => !outcome.used,
                // A row in doubt that may be any of those missing keeps all of them, and nobody need be asked.
                // Nothing was there that could be missing.
                Must::Wait if file.export.is_attendance() && nothing_was_read => true,
                Must::Wait => !outcome.used || !outcome.held_schools.is_empty() || outcome.doubtful > 0,
                Must::Either => true,
            };
            assert!(
                right,
                "the file must be {:?}, and {outcome:?}; {holds:?}; {}",
                file.must, status["feeds"]
            );
        }
        self.oracle.roster(&self.truth, &roster.export, &outcomes[0]);
        self.oracle.attendance(&self.truth, &attendance.export, &outcomes[1]);
        assert_eq!(status["warnings"], json!([]), "nothing holds decisions up");
        self.hear();
        let all_is_good = [roster, attendance].iter().all(|file| file.must == Must::Use);
        self.look_at_students();
        self.look_at_flags();
        if all_is_good {
            self.all_is_healed(&status);
            self.suspects.clear();
        }
    }

    /// Nobody is told anything that no readable row said.
    fn hear(&mut self) {
        for alert in self.hub.told().into_iter().flat_map(one_by_one) {
            let kind = alert["type"].as_str().expect("a type").to_owned();
            let flag = alert["data"]["flag_id"].as_str().expect("a flag").to_owned();
            let student = self.student_of(&alert["data"]["student"]["id"]);
            let is_raised = kind == "risk.flag.raised";
            let (right, as_of) = if is_raised {
                let has_left = self.oracle.has_left(student, self.truth.through);
                (self.oracle.may_raise(student) && !has_left, day_of(&alert["data"]["as_of"]))
            } else {
                let Some(raise) = self.told.get(&flag) else { panic!("never told and taken back: {alert}") };
                (self.oracle.may_take_back(student, raise.as_of), raise.as_of)
            };
            assert!(right, "told: {alert}\nbut {}", self.oracle.describe(student));
            self.told.insert(flag, Told { student, as_of, is_raised });
        }
    }

    fn student_of(&self, id: &Value) -> usize {
        let id = id.as_str().expect("an id").trim_start_matches("u-");
        let found = self.truth.students.iter().position(|student| student.id == id);
        found.unwrap_or_else(|| panic!("a flag of {id}, whom the office does not know"))
    }

    fn look_at_students(&mut self) {
        let all = self.truth.students.len();
        self.suspects.extend((0..all).filter(|at| !self.oracle.is_plain(*at)));
        let suspects: Vec<usize> = self.suspects.iter().copied().collect();
        let some = self.dice.some(self.looks * 2 / 3, suspects.len());
        let mut chosen = self.dice.some(self.looks - some.len(), all);
        chosen.extend(some.into_iter().map(|at| suspects[at]));
        for student in chosen {
            let seen = self.hub.student(&self.truth.students[student].id);
            let seen = seen.as_ref().map(answer);
            assert!(
                self.oracle.is_right(student, seen.map(|(answer, _)| answer)),
                "student {}: {seen:?}, but {}",
                self.truth.students[student].id,
                self.oracle.describe(student)
            );
        }
    }

    fn look_at_flags(&self) {
        let open: Vec<usize> = self.open_flags().map(|flag| self.student_of(&flag["student_id"])).collect();
        for student in 0..self.truth.students.len() {
            let is_open = open.contains(&student);
            let right = if is_open {
                !self.oracle.must_not_be_open(student)
            } else {
                !self.oracle.must_be_open(student)
            };
            assert!(
                right,
                "a flag of {} is {}, but {}",
                self.truth.students[student].id,
                if is_open { "open" } else { "not open" },
                self.oracle.describe(student)
            );
        }
    }

    fn open_flags(&self) -> impl Iterator<Item = Value> + use<> {
        self.hub.flags().into_iter().filter(|flag| flag["state"] == "open")
    }

    /// After two good files everything is the truth.
    fn all_is_healed(&self, status: &Value) {
        assert!(self.oracle.is_the_truth(&self.truth), "the oracle itself is wrong");
        for what in ["holds", "rejects", "unmatched"] {
            assert_eq!(status[what], 0, "{what}: {status}");
        }
        for feed in status["feeds"].as_array().expect("feeds") {
            assert_eq!(feed["state"], "ok", "{status}");
            assert_eq!(feed["doubtful"].as_u64().unwrap_or(0), 0, "doubtful: {status}");
        }
        let mut open = Vec::new();
        for flag in self.open_flags() {
            let student = self.student_of(&flag["student_id"]);
            assert_ne!(flag["unconfirmed"], true, "{flag}");
            let is_here = self.truth.students[student].is_enrolled(self.truth.through);
            let last = self.told.get(flag["flag_id"].as_str().expect("an id")).map(|told| told.is_raised);
            assert!(last == Some(true) || (!is_here && last.is_none()), "{flag}: told {last:?}");
            open.push(student);
        }
        open.sort_unstable();
        let expected: Vec<usize> =
            (0..self.truth.students.len()).filter(|student| self.is_over_the_line(*student)).collect();
        assert_eq!(open, expected, "whose flags are open");
        let raised = self.told.values().filter(|told| told.is_raised);
        let untaken: Vec<usize> = raised.map(|told| told.student).filter(|at| !open.contains(at)).collect();
        assert_eq!(untaken, [0; 0], "told, not true any more, and never taken back");
    }

    fn is_over_the_line(&self, student: usize) -> bool {
        let who = &self.truth.students[student];
        let days = who.entry..=who.exit.unwrap_or(self.truth.through);
        let days: Vec<u8> = days.map(|day| u8::from(self.truth.is_absent(student, day))).collect();
        is_open(&days, |absent| absent == 1)
    }
}

impl Past {
    /// Tonight's file, wrecked or not.
    fn file(&mut self, good: Export, dice: &mut Dice, kind: Kind, may_be_wrecked: bool) -> Wrecked {
        let chance = if self.was_wrecked { WRECKED_AGAIN } else { WRECKED };
        let file = if may_be_wrecked && dice.percent(chance) {
            let again: &[_] = if dice.percent(40) { &self.spoilt } else { &[] };
            wreck::wreck(dice, good.clone(), &self.good, again, kind)
        } else {
            wreck::good(good.clone())
        };
        self.good.push(good);
        self.spoilt.clone_from(&file.rows);
        self.was_wrecked = !file.is_good();
        file
    }
}

/// What the hub says of tonight's file.
fn outcome(feed: &str, status: &Value, holds: &[Value]) -> Outcome {
    let feeds = status["feeds"].as_array().expect("feeds");
    let said = feeds.iter().find(|one| one["feed"] == feed).unwrap_or_else(|| panic!("no {feed}: {status}"));
    let is_refused = said["state"] == "refused" || said["last_run"]["refused"].is_string();
    let of_feed = || holds.iter().filter(|hold| hold["feed"] == feed);
    let is_held = of_feed().any(|hold| hold["reason"] != "school");
    let schools = of_feed().filter(|hold| hold["reason"] == "school");
    let schools = schools.flat_map(|hold| hold["schools"].as_array().expect("schools"));
    let held_schools = schools.map(|school| place(&school["school"])).collect();
    let doubtful = said["last_run"]["doubtful"].as_u64().unwrap_or_default();
    Outcome { used: !is_refused && !is_held, held_schools, doubtful }
}

/// Who was left out while enrolled nowhere is told of in a standing list: as if each flag in it were raised.
fn one_by_one(alert: Value) -> Vec<Value> {
    match alert["data"]["flags"].as_array() {
        None => vec![alert],
        Some(flags) => flags.iter().map(|flag| json!({"type": "risk.flag.raised", "data": flag})).collect(),
    }
}

/// The school day of a date of the calendar.
fn day_of(date: &Value) -> usize {
    let date: Date = date.as_str().and_then(|text| text.parse().ok()).expect("a date");
    drops::days().partition_point(|day| *day <= date)
}

fn place(school: &Value) -> usize {
    let id = school.as_str().expect("an id").trim_start_matches("s-");
    SCHOOLS.iter().position(|one| *one == id).unwrap_or_else(|| panic!("no school of the district: {school}"))
}
