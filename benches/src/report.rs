//! How the figures are told.

use std::fs;
use std::io::Write;

use serde::Serialize;

/// All figures of one run.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) machine: String,
    pub(crate) cases: Vec<Case>,
}

/// One figure.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) workload: String,
    /// Rows or observations per second; `None` where nothing moves.
    pub(crate) per_s: Option<f64>,
    pub(crate) ceiling: &'static str,
    pub(crate) ceiling_per_s: Option<f64>,
    /// `per_s` of `ceiling_per_s`.
    pub(crate) ratio: Option<f64>,
    /// How long one takes, where that is what counts: the median, and what one in a hundred exceeds.
    pub(crate) p50_ms: Option<f64>,
    pub(crate) p99_ms: Option<f64>,
    /// Peak resident memory; where nothing moves, resident memory.
    pub(crate) rss_mib: f64,
    /// User and system time of the measured process.
    pub(crate) cpu_s: f64,
    /// That of all processes, where servers work too.
    pub(crate) machine_cpu_s: Option<f64>,
}

impl Report {
    pub(crate) fn json(&self, out: &mut dyn Write) -> anyhow::Result<()> {
        Ok(writeln!(out, "{}", serde_json::to_string(self)?)?)
    }

    pub(crate) fn text(&self, out: &mut dyn Write) -> anyhow::Result<()> {
        writeln!(out, "{}\n", self.machine)?;
        writeln!(
            out,
            "{:<16} {:>12} {:>12} {:>6} {:>8} {:>8} {:>8} {:>7} {:>9}  ceiling",
            "case", "per s", "ceiling", "ratio", "p50 ms", "p99 ms", "MiB", "CPU s", "all CPU s"
        )?;
        for case in &self.cases {
            writeln!(
                out,
                "{:<16} {:>12} {:>12} {:>6} {:>8} {:>8} {:>8.0} {:>7.1} {:>9}  {}",
                case.name,
                number(case.per_s, 0),
                number(case.ceiling_per_s, 0),
                number(case.ratio, 2),
                number(case.p50_ms, 0),
                number(case.p99_ms, 0),
                case.rss_mib,
                case.cpu_s,
                number(case.machine_cpu_s, 1),
                case.ceiling
            )?;
        }
        writeln!(out)?;
        self.cases.iter().try_for_each(|case| writeln!(out, "{:<16} {}", case.name, case.workload))?;
        Ok(())
    }
}

fn number(value: Option<f64>, decimals: usize) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.decimals$}"))
}

/// Processor, cores and how busy the machine was before the run.
pub(crate) fn machine() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ")).unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default().to_owned();
    format!("{}, {cores} cores, load {load} before the run", model.1)
}
