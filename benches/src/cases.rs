//! What is measured, and against what.
//!
//! # Layout
//! - this file: the rules, and loading an embedded hub; `consume`: consuming on one; `on_servers`: a hub on Kafka and
//!   PostgreSQL

mod consume;
mod on_servers;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::Value;

use crate::district::{District, NOW, ROWS_EACH};
use crate::measure::{self, Taken};
use crate::parts::Done;
use crate::report::{Case, Report, machine};
use crate::servers::Servers;

/// How long `up` runs before its memory is looked at.
const IDLE_AFTER: Duration = Duration::from_secs(5);

/// Files of the same rows that are read in one pass: one alone takes less time than starting the process does.
const FILES: u64 = 6;

/// One run of everything.
#[derive(Debug)]
pub(crate) struct Bench {
    pub(crate) signalbox: PathBuf,
    pub(crate) folder: PathBuf,
    pub(crate) students: u32,
    /// How often short cases are measured.
    pub(crate) repeat: usize,
    /// `None`: without the cases of a hub on servers.
    pub(crate) servers: Option<Servers>,
    pub(crate) servers_only: bool,
    /// The beginnings of names of cases; empty: all of them.
    pub(crate) only: Vec<String>,
}

/// A rate with what it took.
#[derive(Debug, Clone, Copy)]
struct Rate {
    per_s: f64,
    taken: Taken,
}

impl Bench {
    pub(crate) fn run(&self) -> anyhow::Result<Report> {
        let machine = machine();
        let mut cases = Vec::new();
        if !self.servers_only {
            cases.extend(self.on_files()?);
        }
        if let Some(servers) = &self.servers {
            cases.extend(self.on_servers(servers)?);
        }
        Ok(Report { machine, cases })
    }

    /// The rules, and an embedded hub.
    fn on_files(&self) -> anyhow::Result<Vec<Case>> {
        let mut cases = Vec::new();
        if self.wants(&["risk"]) {
            cases.push(self.risk()?);
        }
        if self.wants(&["first_load", "first_load_rows", "unchanged", "one_changed", "idle"]) {
            let district = District::new(self.folder.join("district"), self.students)?;
            cases.extend(self.first_load(&district)?);
            cases.extend(self.again(&district)?);
            cases.push(self.idle(&district)?);
        }
        if self.wants(&["consume_sqlite", "consume_beside"]) {
            cases.extend(self.consume_sqlite()?);
        }
        Ok(cases)
    }

    /// Whether one of these cases is to be measured.
    fn wants(&self, cases: &[&str]) -> bool {
        let is_named = |case: &&str| self.only.iter().any(|beginning| case.starts_with(beginning.as_str()));
        self.only.is_empty() || cases.iter().any(is_named)
    }

    fn risk(&self) -> anyhow::Result<Case> {
        let students = self.students.to_string();
        let evaluating = self.median(|_| Ok(part(&["risk", &students])?.1))?;
        let applying = self.median(|_| Ok(part(&["risk-apply", &students])?.1))?;
        let workload = format!(
            "apply + evaluate, in CPU time of one core: {} students, a feed of exceptions over 180 days in day order",
            self.students
        );
        let ceiling = "the same observations, applied and not evaluated";
        Ok(case("risk", workload, evaluating, ceiling, applying.per_s))
    }

    /// The year's attendance into a hub that has the roster: once, since it takes long and cannot be repeated.
    fn first_load(&self, district: &District) -> anyhow::Result<[Case; 2]> {
        district.enroll()?;
        self.up_once(district)?;
        district.attend(1, 0)?;
        let (taken, status) = self.up_once(district)?;
        let rows = district.attendance_rows();
        ensure!(counted(&status, "add") == Some(rows), "not every row was added: {status}");
        let rate = Rate { per_s: rows as f64 / taken.seconds, taken };
        let data_dir = district.data_dir();
        let log = self.median(|round| self.append("log-append", &data_dir, round))?;
        let table = self.median(|round| self.append("table-append", &data_dir, round))?;
        let workload = format!(
            "`up --once`: {rows} shuffled rows ({} students x {ROWS_EACH}) landed, read, published, folded and evaluated; \
             the roster was there",
            self.students
        );
        Ok([
            case("first_load", workload.clone(), rate, "its records, appended to an empty log", log.per_s),
            case("first_load_rows", workload, rate, "its records, inserted into one table", table.per_s),
        ])
    }

    /// The same rows again, in another order each time, several files in one pass; then with one row changed each
    /// time. What the command takes with nothing to read (it opens the stores, prints the status) is taken off: a
    /// running hub does not do it.
    fn again(&self, district: &District) -> anyhow::Result<[Case; 2]> {
        let nothing = self.nothing(district)?;
        let unchanged =
            self.median(|round| self.reread(district, round as u64 * FILES + 2, FILES, 0, nothing))?;
        let compared =
            self.median(|round| self.reread(district, round as u64 + 900, 1, round + 1, nothing))?;
        let file = district.attendance_file(1);
        let file = file.to_str().context("the folder's name is text")?;
        let parsed = self.median(|_| Ok(part(&["parse", file])?.1))?;
        let less = format!("`up --once` less {:.2} s that it takes with nothing to read", nothing.seconds);
        let rows = district.attendance_rows();
        let same = format!("{FILES} files, each the same {rows} rows in another order, one pass: {less}");
        let one = format!("{rows} rows in another order, one changed: {less}");
        let ceiling = "csv ByteRecord + SHA-256 of the file + xxh3 of each row";
        Ok([
            case("unchanged", same, unchanged, ceiling, parsed.per_s),
            case("one_changed", one, compared, ceiling, parsed.per_s),
        ])
    }

    /// What `up --once` takes with nothing to read.
    fn nothing(&self, district: &District) -> anyhow::Result<Taken> {
        let rate = self.median(|_| {
            let (taken, _) = self.up_once(district)?;
            Ok(Rate { per_s: 1.0 / taken.seconds, taken })
        })?;
        Ok(rate.taken)
    }

    /// Drops `files` of the first load's rows, the codes of the first `changed` changed, and reads them in one pass.
    fn reread(
        &self,
        district: &District,
        first_seed: u64,
        files: u64,
        changed: usize,
        nothing: Taken,
    ) -> anyhow::Result<Rate> {
        (first_seed..first_seed + files).try_for_each(|seed| district.attend(seed, changed))?;
        let (mut taken, status) = self.up_once(district)?;
        let rows = district.attendance_rows();
        let change = u64::from(changed > 0);
        ensure!(counted(&status, "change") == Some(change), "not as many rows changed: {status}");
        ensure!(counted(&status, "unchanged") == Some(rows - change), "other rows changed: {status}");
        taken.seconds = (taken.seconds - nothing.seconds).max(f64::EPSILON);
        taken.cpu_s -= nothing.cpu_s;
        Ok(Rate { per_s: (rows * files) as f64 / taken.seconds, taken })
    }

    fn idle(&self, district: &District) -> anyhow::Result<Case> {
        let taken = measure::idle(self.signalbox(district, &["up"]), IDLE_AFTER)?;
        Ok(Case {
            name: "idle",
            workload: format!(
                "resident memory of `up` {} s after its start, nothing to do",
                IDLE_AFTER.as_secs()
            ),
            ceiling: "100 MiB",
            rss_mib: taken.rss_mib,
            cpu_s: taken.cpu_s,
            ..Case::default()
        })
    }

    /// A ceiling of loading, in a folder of its own.
    fn append(&self, name: &str, data_dir: &Path, round: usize) -> anyhow::Result<Rate> {
        let folder = self.folder.join(format!("{name}-{round}"));
        std::fs::create_dir(&folder)?;
        let text = |path: &Path| path.to_str().map(str::to_owned).context("the folder's name is text");
        let (_, rate) = part(&[name, &text(data_dir)?, &text(&folder)?])?;
        std::fs::remove_dir_all(folder)?;
        Ok(rate)
    }

    fn up_once(&self, district: &District) -> anyhow::Result<(Taken, Value)> {
        let (taken, status) = measure::run(self.signalbox(district, &["up", "--once"]))?;
        Ok((taken, serde_json::from_str(&status)?))
    }

    fn signalbox(&self, district: &District, args: &[&str]) -> Command {
        let mut command = Command::new(&self.signalbox);
        command
            .args(["--output", "json", "--now", NOW, "--config"])
            .arg(district.config())
            .args(args)
            .env("SIGNALBOX_SECRET", "the secret of a district that is not there")
            .env("DATABASE_URL", district.database_url.as_deref().unwrap_or_default());
        command
    }

    /// The middle one of several rounds.
    fn median(&self, mut round: impl FnMut(usize) -> anyhow::Result<Rate>) -> anyhow::Result<Rate> {
        let mut rates = (0..self.repeat).map(&mut round).collect::<anyhow::Result<Vec<_>>>()?;
        rates.sort_by(|a, b| a.per_s.total_cmp(&b.per_s));
        Ok(rates[rates.len() / 2])
    }
}

/// Starts this binary again for one part: what it did, and how fast.
fn part(args: &[&str]) -> anyhow::Result<(u64, Rate)> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("part").args(args);
    let (taken, done) = measure::run(command)?;
    let done: Done = serde_json::from_str(&done)?;
    Ok((done.items, Rate { per_s: done.per_s(), taken }))
}

/// A count of the attendance feed's last run.
fn counted(status: &Value, what: &str) -> Option<u64> {
    let feeds = status["feeds"].as_array()?;
    feeds.iter().find(|feed| feed["feed"] == "attendance")?["last_run"][what].as_u64()
}

fn case(name: &'static str, workload: String, rate: Rate, ceiling: &'static str, ceiling_per_s: f64) -> Case {
    Case {
        name,
        workload,
        per_s: Some(rate.per_s),
        ceiling,
        ceiling_per_s: Some(ceiling_per_s),
        ratio: Some(rate.per_s / ceiling_per_s),
        rss_mib: rate.taken.rss_mib,
        cpu_s: rate.taken.cpu_s,
        machine_cpu_s: Some(rate.taken.machine_cpu_s).filter(|cpu_s| *cpu_s > 0.0),
        ..Case::default()
    }
}
