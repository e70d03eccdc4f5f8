//! Speed and memory of the hub, each figure beside a named ceiling measured in the same run.
//!
//! Everything measured runs in a process of its own, so that its peak memory and its CPU time are its own: the hub is
//! the real binary on a data folder of its own, and the ceilings are this binary started again (`part`).
//!
//! # Layout
//! - `cases`: what is measured, and against what; `report`: how it is told
//! - `district`, `random`: the district that is loaded, the same in every run; `workload`: events of one
//! - `servers`: Kafka and PostgreSQL, and a look at what a hub has committed there
//! - `measure`: a process with its time and memory
//! - `parts`: work inside this binary: the rules, and the ceilings

mod cases;
mod district;
mod measure;
mod parts;
mod random;
mod report;
mod servers;
mod workload;

use std::io::Write;
use std::path::PathBuf;

use clap::{Parser, Subcommand};
use mimalloc::MiMalloc;

use crate::cases::Bench;
use crate::parts::Part;
use crate::servers::Servers;

/// The hub's: a ceiling is what the same process could do.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Measures the hub. `benches/run` builds what is needed and starts this.
#[derive(Debug, Parser)]
#[command(max_term_width = 100)]
struct Cli {
    /// The signalbox binary to be measured
    #[arg(long, value_name = "FILE", default_value = "target/release/signalbox")]
    signalbox: PathBuf,
    /// One JSON object instead of a table
    #[arg(long)]
    json: bool,
    /// Students of the district; each has 17 attendance rows
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    students: u32,
    /// How often short cases are measured; the median counts
    #[arg(long, value_name = "N", default_value_t = 3)]
    repeat: usize,
    /// Where the district is made and removed again; by default the system's folder for temporary files
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// Only the cases of a hub on servers
    #[arg(long)]
    servers_only: bool,
    /// Only cases whose names begin so; a case that needs another runs it as well
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    #[command(subcommand)]
    part: Option<Internal>,
}

#[derive(Debug, Subcommand)]
enum Internal {
    /// One measured part, in a process of its own
    #[command(subcommand, hide = true)]
    Part(Part),
}

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let out = &mut std::io::stdout().lock();
    if let Some(Internal::Part(part)) = cli.part {
        let done = part.run()?;
        return Ok(writeln!(out, "{}", serde_json::to_string(&done)?)?);
    }
    let folder = tempfile::tempdir_in(cli.folder.unwrap_or_else(std::env::temp_dir))?;
    let bench = Bench {
        signalbox: cli.signalbox.canonicalize()?,
        folder: folder.path().to_owned(),
        students: cli.students,
        repeat: cli.repeat.max(1),
        servers: Servers::from_env(),
        servers_only: cli.servers_only,
        only: cli.only,
    };
    let report = bench.run()?;
    if cli.json { report.json(out) } else { report.text(out) }
}
