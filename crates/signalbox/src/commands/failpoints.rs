//! `signalbox failpoints`: the names that `SIGNALBOX_FAILPOINT=name:n` takes.

use std::io::Write;

use signalbox_hub::failpoint;

use crate::cli::{Global, Output};
use crate::exit::{Done, Failure};
use crate::screen;

pub(super) fn run(out: &mut dyn Write, global: &Global) -> Result<Done, Failure> {
    let names: &[&str] = if failpoint::ENABLED { failpoint::NAMES } else { &[] };
    match global.output {
        Output::Json => screen::json(out, &names)?,
        Output::Text if names.is_empty() => writeln!(out, "This build has no failpoints.")?,
        Output::Text => names.iter().try_for_each(|name| writeln!(out, "{name}"))?,
    }
    Ok(Done::Ok)
}
