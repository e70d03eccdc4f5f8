//! The embedded consumer over the embedded log.

use anyhow::{Context, ensure};

use super::{Bench, Rate, case, part};
use crate::district::District;
use crate::report::Case;
use crate::workload::Workload;

const DAYS: u32 = 20;

impl Bench {
    /// The same events as those of a hub on servers.
    pub(super) fn consume_sqlite(&self) -> anyhow::Result<Case> {
        let district = District::new(self.folder.join("consume"), self.students)?;
        self.up_once(&district)?;
        self.fill(&district, "roster")?;
        self.up_once(&district)?;
        let nothing = self.nothing(&district)?;
        self.fill(&district, "attendance")?;
        let (mut taken, status) = self.up_once(&district)?;
        taken.seconds = (taken.seconds - nothing.seconds).max(f64::EPSILON);
        taken.cpu_s -= nothing.cpu_s;
        let workload = Workload { students: self.students, days: DAYS, prefix: "k12".to_owned() };
        let records = workload.attendance_records();
        ensure!(status["consumers"].to_string().contains("\"behind\":0"), "it has not caught up: {status}");
        let rate = Rate { per_s: records as f64 / taken.seconds, taken };
        let data_dir = district.data_dir();
        let data_dir = data_dir.to_str().context("the folder's name is text")?;
        let parse = self.median(|_| {
            let (items, rate) = part(&["consume", "--data-dir", data_dir])?;
            ensure!(items == records, "{items} records were read, not {records}");
            Ok(rate)
        })?;
        let workload = format!(
            "`up --once` less {:.2} s that it takes with nothing to read: {} students on {DAYS} days in day order, a run a \
             day; folded, evaluated when caught up",
            nothing.seconds, self.students
        );
        Ok(case("consume_sqlite", workload, rate, "the same log consumed and parsed", parse.per_s))
    }

    fn fill(&self, district: &District, what: &str) -> anyhow::Result<()> {
        let (students, days) = (self.students.to_string(), DAYS.to_string());
        let data_dir = district.data_dir();
        let data_dir = data_dir.to_str().context("the folder's name is text")?;
        part(&["fill", "--data-dir", data_dir, "--students", &students, "--days", &days, what])?;
        Ok(())
    }
}
