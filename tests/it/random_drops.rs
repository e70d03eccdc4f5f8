//! Random files, one after the other, against a small model of what the contract says they mean.
//!
//! Who is flagged in the end depends on what is known in the end only: the model knows nothing of earlier flags.

use std::collections::{BTreeMap, BTreeSet};

use crate::district::{District, list};
use crate::drops::{self, Row};

const CODES: [&str; 7] = ["A", "E", "H", "A", "T", "P", "X"];
const LAST_DAY: usize = 48;

/// A generator of numbers that are the same on every run (an MMIX linear congruential one).
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % n
    }

    fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }
}

/// What is known: the codes of each student and day, and the days on which each school was recorded.
#[derive(Default)]
struct Model {
    window: Option<usize>,
    known: BTreeMap<(u32, usize), BTreeSet<&'static str>>,
    covered: BTreeMap<u32, BTreeSet<usize>>,
    flagged: BTreeSet<u32>,
}

impl Model {
    fn read(&mut self, file: &[Row]) {
        let mut rows: BTreeMap<(u32, usize), BTreeSet<&'static str>> = BTreeMap::new();
        for (student, day, code) in file {
            rows.entry((*student, *day)).or_default().insert(code);
        }
        for school in [100, 200] {
            let days = rows.keys().filter(|(student, _)| drops::school(*student) == school).map(|key| key.1);
            let Some(latest) = days.max() else { continue };
            let first = self.window.map_or(1, |days| (latest + 1).saturating_sub(days).max(1));
            self.covered.entry(school).or_default().extend(first..=latest);
            // The file may have ended within its last day: what it lacks there, and later, stands.
            self.known.retain(|(student, day), _| {
                drops::school(*student) != school || !(first..latest).contains(day)
            });
        }
        self.known.extend(rows);
    }

    /// Of each day that was recorded whether the student was absent; `None`: rows disagree.
    fn days(&self, student: u32) -> impl Iterator<Item = Option<bool>> {
        let covered = self.covered.get(&drops::school(student)).into_iter().flatten();
        covered.map(move |day| {
            let said = self.known.get(&(student, *day));
            match said.map(|codes| codes.iter().copied().collect::<Vec<_>>()).as_deref() {
                None | Some(["T" | "P"]) => Some(false),
                Some(["A" | "E" | "H"]) => Some(true),
                Some(_) => None,
            }
        })
    }

    /// What is known: absent of known days.
    fn value(&self, student: u32) -> Option<String> {
        let known: Vec<bool> = self.days(student).flatten().collect();
        let absent = known.iter().filter(|absent| **absent).count();
        (!known.is_empty()).then(|| format!("{absent}/{}", known.len()))
    }

    /// Whether the line is crossed in the end, were every unknown day so.
    fn is_over(&self, student: u32, unknown: bool) -> bool {
        let (mut absent, mut expected, mut over) = (0, 0, false);
        for day in self.days(student) {
            expected += 1;
            absent += u32::from(day.unwrap_or(unknown));
            over =
                if over { absent * 100 >= 9 * expected } else { expected >= 20 && absent * 10 >= expected };
        }
        over
    }

    /// A flag is raised when it would be whatever the unknown days were, and goes likewise.
    fn decide(&mut self, students: &[u32]) {
        for student in students {
            let was = self.flagged.contains(student);
            if self.is_over(*student, was) {
                self.flagged.insert(*student);
            } else {
                self.flagged.remove(student);
            }
        }
    }
}

/// The next file: a few rows go, change and come; some stand twice, some disagree; all in any order.
fn next_file(
    dice: &mut Dice,
    truth: &mut BTreeMap<(u32, usize), &'static str>,
    students: &[u32],
    through: usize,
) -> Vec<Row> {
    for _ in 0..dice.below(5) {
        let keys: Vec<_> = truth.keys().copied().collect();
        if !keys.is_empty() {
            truth.remove(&dice.pick(&keys));
        }
    }
    for _ in 0..8 + dice.below(8) {
        // Few students, so that some come close to the line from both sides.
        let some = 1 + dice.below(students.len());
        let student = dice.pick(&students[..some]);
        truth.insert((student, 1 + dice.below(through)), dice.pick(&CODES));
    }
    let mut rows: Vec<Row> = truth.iter().map(|((student, day), code)| (*student, *day, *code)).collect();
    rows.extend([(1000, through, "T"), (2000, through - dice.below(3), "T")]);
    for _ in 0..dice.below(4) {
        let (student, day, code) = dice.pick(&rows);
        rows.push((student, day, if dice.below(2) == 0 { code } else { "A" }));
    }
    for i in (1..rows.len()).rev() {
        rows.swap(i, dice.below(i + 1));
    }
    rows
}

fn play(seed: u64, window: Option<usize>) {
    let mut dice = Dice(seed);
    let mut district = District::new();
    if window.is_some() {
        district.configure(|config| config.covers = "{school_days: 10}");
    }
    let students: Vec<u32> = (1001..1009).chain(2001..2006).collect();
    district.enroll(&[&students[..], &[1000, 2000]].concat());
    let (mut model, mut truth) = (Model { window, ..Model::default() }, BTreeMap::new());
    let mut through = 18;
    while through < LAST_DAY {
        let mut file = next_file(&mut dice, &mut truth, &students, through);
        if let Some(days) = window {
            // What lies before the window is rarely in the file, and then it counts.
            file.retain(|row| row.1 + days + 2 > through || row.0 % 5 == 0);
        }
        model.read(&file);
        model.decide(&students);
        district.attend(&file);
        let status = district.up();
        assert_eq!(status["holds"], 0, "seed {seed}: the files are too wild for this test");
        compare(&format!("seed {seed} through day {through}"), &district, &model, &students, false);
        through += 1 + dice.below(9);
    }
    compare(&format!("seed {seed} in the end"), &district, &model, &students, true);
}

fn compare(when: &str, district: &District, model: &Model, students: &[u32], values_too: bool) {
    let flags = list(district.json(&["flags", "list"]));
    let open = flags.iter().filter(|flag| flag["state"] == "open");
    let open: BTreeSet<String> =
        open.map(|flag| flag["student_id"].as_str().expect("an id").to_owned()).collect();
    let expected = model.flagged.iter().map(ToString::to_string).collect();
    assert_eq!(open, expected, "who is flagged, {when}");
    for id in students.iter().filter(|_| values_too) {
        assert_eq!(
            district.answer(*id)["value"].as_str(),
            model.value(*id).as_deref(),
            "student {id}, {when}"
        );
    }
}

#[test]
fn whole_year_files_mean_what_the_model_says() {
    (1..=6).for_each(|seed| play(seed, None));
}

#[test]
fn windowed_files_mean_what_the_model_says() {
    (1..=6).for_each(|seed| play(seed, Some(10)));
}
