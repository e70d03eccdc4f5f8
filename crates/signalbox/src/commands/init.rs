//! `signalbox init`: writes a `signalbox.yaml` to start from, with a mapping guessed from the district's own files.
//!
//! # Layout
//! - this file: the command; `written`: how a CSV file is written; `table`: what it seems to be; `scan`: what stands in a
//!   folder; `write`: the YAML

mod scan;
mod table;
mod write;
mod written;

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::Path;

use anyhow::Context;
use serde_json::json;

use crate::cli::{Global, Init, Output};
use crate::config;
use crate::exit::{Done, Failure};
use crate::screen;
use scan::Found;

pub(super) fn run(out: &mut dyn Write, global: &Global, args: &Init) -> Result<Done, Failure> {
    let found = match &args.from {
        Some(folder) => scan::folder(folder).map_err(|error| {
            let error =
                anyhow::Error::new(error).context(format!("{} cannot be looked at", folder.display()));
            Failure::input(error, "--from takes a folder with your exports")
        })?,
        None => Found::default(),
    };
    let text = write::yaml(&found, &config::folder(&global.config));
    write_new(&global.config, &text)?;
    match global.output {
        Output::Json => {
            let feeds = found.feed_names();
            screen::json(out, &json!({"path": global.config, "feeds": feeds, "not_used": found.not_used}))?;
        }
        Output::Text => say(out, &found, args, &global.config)?,
    }
    Ok(Done::Ok)
}

fn write_new(path: &Path, text: &str) -> Result<(), Failure> {
    let mut file = match OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let error = anyhow::anyhow!("{} is there already; it was not touched", path.display());
            return Err(Failure::input(error, "name another place with --config"));
        }
        Err(error) => {
            let error = anyhow::Error::new(error).context(format!("{} cannot be written", path.display()));
            return Err(Failure::environment(error, "mind the folder and its permissions"));
        }
    };
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    written
        .with_context(|| format!("{} cannot be written", path.display()))
        .map_err(|error| Failure::environment(error, "mind the space on the disk"))
}

fn say(out: &mut dyn Write, found: &Found, args: &Init, config: &Path) -> std::io::Result<()> {
    writeln!(out, "Wrote {}.", config.display())?;
    if let Some(folder) = args.from.as_ref().filter(|_| found.feed_names().is_empty()) {
        writeln!(out, "No export was found in {}: it is a skeleton.", folder.display())?;
    }
    for name in found.feed_names() {
        writeln!(out, "  feed {name}")?;
    }
    for (file, why) in &found.not_used {
        writeln!(out, "  not used: {file} ({why})")?;
    }
    for (feed, code) in found.unmapped() {
        writeln!(out, "  feed {feed}: code {code} has no meaning yet")?;
    }
    writeln!(out, "Read it and correct what was guessed: time zone, calendar, codes.")?;
    writeln!(out, "Nothing was read in, nobody was alerted. Next: signalbox check")
}

#[cfg(test)]
mod tests;
