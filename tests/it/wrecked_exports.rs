//! Nothing that a file says or fails to say may cost a flag or invent one.
//!
//! A seed is a district of 3 schools and 300 students over 40 nights. Each night brings a roster and an attendance file,
//! and each of them is often wrecked: rows that cannot be read, other ids, another encoding, a file cut short, a school
//! missing, last week's file. After each night the hub's answers, its flags and what people were told are compared with
//! what readable rows of the files that it used said; after each night with two good files, with the truth.
//!
//! # How it is run
//! - 200 seeds drive the hub inside this process: the connectors on real files, all loops, stores in memory. A night costs
//!   about a tenth of a second so, looks at 24 students included; with the real binary each look would cost as much. Between
//!   good nights the hub sleeps, and the next file brings it several days.
//! - A few seeds drive the real binary with a real receiver, and look at ten students a night.
//! - `SIGNALBOX_WRECK_SEED=7` runs one seed, `SIGNALBOX_WRECK_SEEDS=10000` that many, `…=200..300` those. A failure prints its seed, and what
//!   happened on each night of it.
//!
//! # Layout
//! - `district`: the truth; `export`, `package`: how good files say it; `damage`, `wreck`: what goes wrong with them
//! - `oracle`: what must hold, reckoned with none of our code; `night`: one seed; `hub`: the hub, inside and outside
//! - `dice`: numbers of a seed; `trail`: what a failure prints

mod damage;
mod dice;
mod district;
mod export;
mod hub;
mod night;
mod oracle;
mod package;
mod trail;
mod wreck;

use std::num::NonZero;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use dice::Dice;
use district::{FIRST_NIGHT, LAST_NIGHT, Truth};
use export::Export;
use hub::{Inside, Outside};
use night::Play;
use oracle::{Oracle, Outcome};
use wreck::Kind;

use crate::servers;

const SEEDS: u64 = 200;
/// After so many the rest is not worth its time.
const ENOUGH_FAILURES: usize = 4;
/// Seeds on the real binary: one of each kind of roster.
const SEEDS_OUTSIDE: u64 = 2;
/// Students that are looked at on a night, those first of whom something is not plain.
const LOOKS: usize = 24;
const LOOKS_OUTSIDE: usize = 10;
/// Where one seed was asked for.
const EVERYBODY: usize = 600;
/// Every fourth seed has a OneRoster roster.
const ONEROSTER_EVERY: u64 = 4;

const CSV_ROSTER: &str = r#"  - name: roster
    roster_of_record: true
    csv: {path: "./drop/roster.csv", entity: roster.enrollment, covers: school_year, absent_rows: end,
          columns: {student: Student_Number, last_name: Last_Name, first_name: First_Name, birth_date: {from: DOB, format: "%m/%d/%Y"},
                    school: School_ID, entry: {from: Entry_Date, format: "%m/%d/%Y"}, exit: {from: Exit_Date, format: "%m/%d/%Y"}}}
"#;
const PACKAGE_ROSTER: &str =
    "  - {name: roster, roster_of_record: true, oneroster: {path: ./drop/roster.zip}}\n";

fn kind(seed: u64) -> Kind {
    Kind { oneroster: seed % ONEROSTER_EVERY == ONEROSTER_EVERY - 1 }
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is a number, not {text}")))
}

/// The seeds from 0 to `many` - 1, or the one that was asked for.
fn seeds(many: u64) -> Range<u64> {
    match number("SIGNALBOX_WRECK_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..many,
    }
}

/// `SEEDS` of them, or those that were asked for: `10000`, or `200..300`.
fn seeds_inside() -> Range<u64> {
    let Ok(asked) = std::env::var("SIGNALBOX_WRECK_SEEDS") else { return seeds(SEEDS) };
    let number = |text: &str| text.parse().unwrap_or_else(|_| panic!("no number of seeds: {asked}"));
    match asked.split_once("..") {
        Some((first, end)) => number(first)..number(end),
        None => seeds(number(&asked)),
    }
}

/// Plays every seed, as many at a time as there are cores, until some have failed.
fn play_all(seeds: Range<u64>, play: impl Fn(u64) + Sync) {
    let threads = std::thread::available_parallelism().map_or(2, NonZero::get);
    let (next, failed) = (AtomicU64::new(seeds.start), Mutex::new(Vec::new()));
    let work = || {
        while failed.lock().expect("no thread panics with it").len() < ENOUGH_FAILURES {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return;
            }
            if catch_unwind(AssertUnwindSafe(|| play(seed))).is_err() {
                failed.lock().expect("no thread panics with it").push(seed);
            }
        }
    };
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    let failed = failed.into_inner().expect("no thread panicked with it");
    assert!(failed.is_empty(), "these seeds failed, and what each did stands above: {failed:?}");
}

#[test]
fn wrecked_files_cost_no_flag_and_invent_none() {
    // On servers the real binary plays below; here no server is used.
    if servers::asked_for() {
        return;
    }
    let looks = if number("SIGNALBOX_WRECK_SEED").is_some() { EVERYBODY } else { LOOKS };
    play_all(seeds_inside(), |seed| {
        let kind = kind(seed);
        Play::new(seed, &mut Inside::new(kind.oneroster), kind, looks).run();
    });
}

#[test]
fn nor_do_they_with_the_real_binary() {
    play_all(seeds(SEEDS_OUTSIDE), |seed| {
        let kind = kind(seed + ONEROSTER_EVERY - SEEDS_OUTSIDE);
        let mut hub = Outside::new(if kind.oneroster { PACKAGE_ROSTER } else { CSV_ROSTER });
        Play::new(seed, &mut hub, kind, LOOKS_OUTSIDE).run();
    });
}

/// With good files only, the oracle knows the truth, and some are over the line.
#[test]
fn the_oracle_finds_the_truth_in_good_files() {
    for seed in 0..5 {
        let mut dice = Dice::new(seed);
        let (mut truth, mut oracle) = (Truth::new(&mut dice), Oracle::default());
        let used = Outcome { used: true, ..Outcome::default() };
        for night in FIRST_NIGHT..=LAST_NIGHT {
            truth.night(&mut dice);
            oracle.roster(&truth, &Export::roster(&truth), &used);
            oracle.attendance(&truth, &Export::attendance(&truth), &used);
            assert!(oracle.is_the_truth(&truth), "seed {seed}, night {night}");
        }
        let flagged = (0..truth.students.len()).filter(|at| oracle.must_be_open(*at)).count();
        assert!((5..100).contains(&flagged), "{flagged} of {}", truth.students.len());
    }
}
