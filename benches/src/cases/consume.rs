//! The embedded consumer over the embedded log.

use anyhow::{Context, ensure};

use super::{Bench, Rate, case, part};
use crate::district::District;
use crate::measure::Taken;
use crate::report::Case;
use crate::workload::Workload;

const DAYS: u32 = 20;

/// What reading the waiting attendance took, and whose data it was.
struct Consumed {
    district: District,
    nothing: Taken,
    rate: Rate,
}

impl Bench {
    /// The same events as those of a hub on servers.
    pub(super) fn consume_sqlite(&self) -> anyhow::Result<[Case; 2]> {
        let alone = self.consume(District::new(self.folder.join("consume"), self.students)?, &["roster"])?;
        let data_dir = alone.district.data_dir();
        let data_dir = data_dir.to_str().context("the folder's name is text")?;
        let parse = self.median(|_| {
            let (items, rate) = part(&["consume", "--data-dir", data_dir])?;
            ensure!(items == self.attendance_records(), "{items} records were read");
            Ok(rate)
        })?;
        let district = District::with_all_domains(self.folder.join("beside"), self.students)?;
        let beside = self.consume(district, &["roster", "grades", "incidents"])?;
        let workload = |of: &Consumed, beside: &str| {
            format!(
                "`up --once` less {:.2} s that it takes with nothing to read: {} students on {DAYS} days in day order{beside}, \
                 a run a day; folded, evaluated when caught up",
                of.nothing.seconds, self.students
            )
        };
        let with = workload(&beside, ", who have 12 grades and 3 incidents each");
        let (alone_workload, alone_per_s) = (workload(&alone, ""), alone.rate.per_s);
        Ok([
            case(
                "consume_sqlite",
                alone_workload,
                alone.rate,
                "the same log consumed and parsed",
                parse.per_s,
            ),
            case(
                "consume_beside",
                with,
                beside.rate,
                "consume_sqlite: without the grades and incidents",
                alone_per_s,
            ),
        ])
    }

    fn consume(&self, district: District, before: &[&str]) -> anyhow::Result<Consumed> {
        self.up_once(&district)?;
        for what in before {
            self.fill(&district, what)?;
        }
        self.up_once(&district)?;
        let nothing = self.nothing(&district)?;
        self.fill(&district, "attendance")?;
        let (mut taken, status) = self.up_once(&district)?;
        ensure!(status["consumers"].to_string().contains("\"behind\":0"), "it has not caught up: {status}");
        taken.seconds = (taken.seconds - nothing.seconds).max(f64::EPSILON);
        taken.cpu_s -= nothing.cpu_s;
        let rate = Rate { per_s: self.attendance_records() as f64 / taken.seconds, taken };
        Ok(Consumed { district, nothing, rate })
    }

    fn attendance_records(&self) -> u64 {
        Workload { students: self.students, days: DAYS, prefix: String::new() }.attendance_records()
    }

    fn fill(&self, district: &District, what: &str) -> anyhow::Result<()> {
        let (students, days) = (self.students.to_string(), DAYS.to_string());
        let data_dir = district.data_dir();
        let data_dir = data_dir.to_str().context("the folder's name is text")?;
        part(&["fill", "--data-dir", data_dir, "--students", &students, "--days", &days, what])?;
        Ok(())
    }
}
