//! One module per command.

mod check;
mod failpoints;
mod init;
mod schema;

use std::io;

use crate::cli::{Cli, Command};
use crate::exit::{Done, Failure};

/// Runs the command. What scripts read goes to stdout.
pub(crate) fn run(cli: &Cli) -> Result<Done, Failure> {
    let out = &mut io::BufWriter::new(io::stdout().lock());
    let done = match &cli.command {
        Command::Check(args) => check::run(out, &cli.global, args),
        Command::Init(args) => init::run(out, &cli.global, args),
        Command::Schema => schema::run(out),
        Command::Failpoints => failpoints::run(out, &cli.global),
    }?;
    io::Write::flush(out)?;
    Ok(done)
}
