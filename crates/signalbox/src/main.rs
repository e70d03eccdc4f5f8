//! The signalbox binary: reads the configuration, wires connectors and stores together, and speaks to people.
//!
//! # Layout
//! - `cli`: the command line; `commands`: one module per command; `exit`: exit codes
//! - `config`: `signalbox.yaml`; `connectors`, `consumers`: the lists of them
//! - `open`: from configuration to runtime
//! - `problem`: what `check` finds; `screen`: what people see; `clock`: the only clock

mod cli;
mod clock;
mod commands;
mod config;
mod connectors;
mod consumers;
mod exit;
mod open;
mod problem;
mod screen;

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;
use tracing_subscriber::EnvFilter;

use cli::Cli;
use exit::Failure;
use screen::Escaping;

/// Loading makes and frees many small values, often on another thread than made them, which the system's allocator is
/// slow at (docs/performance.md).
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(error),
    };
    // What is written is about students: it is for this account alone.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    log_to_stderr();
    match on_one_line().and_then(|()| commands::run(&cli)) {
        Ok(done) => done.into(),
        Err(failure) if is_broken_pipe(&failure) => ExitCode::SUCCESS,
        Err(failure) => {
            let code = failure.code();
            // Nowhere is left to say it when stderr is gone too.
            let out = &mut Escaping::new(io::stderr().lock());
            drop(screen::failure(out, &failure, &cli.global.config, cli.global.output));
            code
        }
    }
}

/// Arguments go into messages and records that are lines: they make none of their own.
fn on_one_line() -> Result<(), Failure> {
    if std::env::args_os().all(|argument| !argument.to_string_lossy().contains(char::is_control)) {
        return Ok(());
    }
    let error = anyhow::anyhow!("an argument has a line break in it, or a character that cannot be printed");
    Err(Failure::input(error, "write it on one line"))
}

/// Help goes to stdout with code 0, a wrong command line to stderr with code 2. That quotes what was written.
fn usage(error: clap::Error) -> ExitCode {
    let plain = std::env::args_os().map(|argument| argument.to_string_lossy().replace(char::is_control, " "));
    let error = Cli::try_parse_from(plain).err().unwrap_or(error);
    if error.use_stderr() {
        drop(write!(Escaping::new(io::stderr().lock()), "{}", error.render()));
    } else {
        drop(error.print());
    }
    ExitCode::from(u8::try_from(error.exit_code()).expect("clap's exit codes are 0 and 2"))
}

/// `SIGNALBOX_LOG`, or `RUST_LOG`, says how much: e.g. `debug` or `signalbox_ingest=trace`.
fn log_to_stderr() {
    let filter = EnvFilter::try_from_env("SIGNALBOX_LOG").or_else(|_| EnvFilter::try_from_default_env());
    let filter = filter.unwrap_or_else(|_| EnvFilter::new("warn,signalbox=info"));
    // Colours would act on a terminal, like all else that is escaped.
    let out = || Escaping::new(io::stderr());
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(out).init();
}

/// Whoever read our output has seen enough (`signalbox events list | head`).
fn is_broken_pipe(failure: &Failure) -> bool {
    let Failure::Other { error, .. } = failure else { return false };
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
