//! A hub on Kafka and PostgreSQL.

mod alerts;

use std::time::Duration;

use anyhow::{Context, ensure};
use signalbox_event::{Domain, topic};

use super::{Bench, Rate, case, part};
use crate::district::District;
use crate::measure::{self, Running};
use crate::report::Case;
use crate::servers::{Servers, Watch, prefix};
use crate::workload::Workload;

/// Events of the consuming cases, however many students they are about.
const EVENTS: u32 = 2_000_000;
const DAYS: u32 = 20;
/// Whatever takes longer than this has failed.
const LIMIT: Duration = Duration::from_mins(10);

/// A hub that has its topics and tables, and perhaps a workload.
struct Place<'a> {
    bench: &'a Bench,
    servers: &'a Servers,
    district: District,
    watch: Watch,
    workload: Workload,
}

impl Bench {
    pub(super) fn on_servers(&self, servers: &Servers) -> anyhow::Result<Vec<Case>> {
        let mut cases = Vec::new();
        let comes_back = self.wants(&["restart", "recovery"]);
        if comes_back || self.wants(&["consume_postgres", "alert_latency"]) {
            let place = Place::new(self, servers, "day", self.students, DAYS)?;
            cases.push(place.consume("consume_postgres")?);
            let mut corrections = place.corrections()?;
            if self.wants(&["alert_latency"]) {
                cases.push(place.alert_latency(&mut corrections)?);
            }
            if comes_back {
                cases.extend(place.comings_back(["restart", "recovery"], &mut corrections)?);
            }
        }
        let comes_back = self.wants(&["restart_tenfold", "recovery_tenfold"]);
        if comes_back || self.wants(&["consume_tenfold"]) {
            let tenfold = self.students * 10;
            let days = (EVENTS / 100_000 * self.students / tenfold).max(1);
            let place = Place::new(self, servers, "tenfold", tenfold, days)?;
            cases.push(place.consume("consume_tenfold")?);
            if comes_back {
                let names = ["restart_tenfold", "recovery_tenfold"];
                cases.extend(place.comings_back(names, &mut place.corrections()?)?);
            }
        }
        if self.wants(&["ingest_kafka"]) {
            cases.push(self.ingest(servers)?);
        }
        Ok(cases)
    }

    /// The year's attendance from a file to Kafka.
    fn ingest(&self, servers: &Servers) -> anyhow::Result<Case> {
        let place = Place::new(self, servers, "ingest", self.students, 0)?;
        place.district.enroll()?;
        self.up_once(&place.district)?;
        place.district.attend(1, 0)?;
        let runs = place.watch.runs()?;
        let mut hub = Running::start(self.signalbox(&place.district, &["run", "ingest"]))?;
        let taken = hub.until(LIMIT, || Ok(place.watch.runs()? > runs))?;
        hub.end()?;
        let rows = place.district.attendance_rows();
        let rate = Rate { per_s: rows as f64 / taken.seconds, taken };
        let copy = Place::new(self, servers, "copy", self.students, 0)?;
        let to = &copy.workload.prefix;
        let append = self.median(|_| {
            let (done, rate) = place.part(&["copy"], &[to])?;
            ensure!(done >= rows, "{done} records for {rows} rows");
            Ok(rate)
        })?;
        let workload = format!(
            "`run ingest`, from its start: {rows} shuffled rows ({} students) landed, read, compared with the empty ledger, \
             published; the roster was there",
            self.students
        );
        let ceiling = "its records, appended again by the same idempotent lz4 producer";
        Ok(case("ingest_kafka", workload, rate, ceiling, append.per_s))
    }
}

impl<'a> Place<'a> {
    /// With the calendars announced.
    fn new(
        bench: &'a Bench,
        servers: &'a Servers,
        name: &str,
        students: u32,
        days: u32,
    ) -> anyhow::Result<Self> {
        let prefix = prefix(name);
        let folder = bench.folder.join(name);
        let district = District::on(folder, students, &servers.sections(&prefix), servers.url(&prefix))?;
        for args in [&["topics", "apply"][..], &["migrate"]] {
            measure::run(bench.signalbox(&district, args))?;
        }
        bench.up_once(&district)?;
        let watch = Watch::open(servers, &prefix)?;
        Ok(Self { bench, servers, district, watch, workload: Workload { students, days, prefix } })
    }

    /// A part on the hub's topics.
    fn part(&self, name: &[&str], rest: &[&str]) -> anyhow::Result<(u64, Rate)> {
        let at = ["--kafka", &self.servers.brokers, "--prefix", &self.workload.prefix];
        part(&[name, &at, rest].concat())
    }

    /// `run risk` from the first record of the attendance topic to the last, the roster being folded.
    fn consume(&self, name: &'static str) -> anyhow::Result<Case> {
        let Workload { students, days, .. } = self.workload;
        self.fill("roster")?;
        self.caught_up(Domain::Roster, self.workload.roster_records())?.1.end()?;
        self.fill("attendance")?;
        let records = self.workload.attendance_records();
        let (taken, hub) = self.caught_up(Domain::Attendance, records)?;
        hub.end()?;
        ensure!(self.watch.students()? == u64::from(students), "other students than those of the roster");
        let rate = Rate { per_s: records as f64 / taken.seconds, taken };
        let parse = self.bench.median(|_| {
            let (items, rate) = self.part(&["consume"], &[])?;
            ensure!(items == records, "{items} records were read, not {records}");
            Ok(rate)
        })?;
        let workload = format!(
            "`run risk` from its start until it has caught up: {students} students on {days} days in day order, a run a day; \
             folded, evaluated when caught up, {} flags announced",
            self.watch.announced()?
        );
        Ok(case(name, workload, rate, "consume_parse: the same topic consumed and parsed", parse.per_s))
    }

    fn fill(&self, what: &str) -> anyhow::Result<()> {
        let (students, days) = (self.workload.students.to_string(), self.workload.days.to_string());
        let database = self.servers.url(&self.workload.prefix);
        self.part(&["fill"], &["--database", &database, "--students", &students, "--days", &days, what])?;
        Ok(())
    }

    /// Starts `run risk` and waits until so many records of a topic are folded and nothing is left to do.
    fn caught_up(&self, domain: Domain, records: u64) -> anyhow::Result<(measure::Taken, Running)> {
        let topic = self.topic(domain);
        let mut hub = self.start()?;
        let taken = hub
            .until(LIMIT, || Ok(self.watch.folded(&topic)? >= records && self.watch.is_idle()?))
            .with_context(|| format!("{topic} was to be folded"))?;
        Ok((taken, hub))
    }

    fn start(&self) -> anyhow::Result<Running> {
        Running::start(self.bench.signalbox(&self.district, &["run", "risk"]))
    }

    fn topic(&self, domain: Domain) -> String {
        topic::name(&self.workload.prefix, domain)
    }
}
