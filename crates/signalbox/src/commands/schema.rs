//! `signalbox schema`: the JSON Schema of `signalbox.yaml`.

use std::io::Write;

use crate::config::schema;
use crate::exit::{Done, Failure};

pub(super) fn run(out: &mut dyn Write) -> Result<Done, Failure> {
    serde_json::to_writer_pretty(&mut *out, &schema::schema()).map_err(std::io::Error::from)?;
    writeln!(out)?;
    Ok(Done::Ok)
}
