//! `signalbox init`: writes a `signalbox.yaml` to start from, with a mapping guessed from the district's own files.
//!
//! # Layout
//! - this file: the command; `scan`: what stands in a folder; `write`: the YAML
//! - `names`: what columns are usually called; `fit`: which entity a header is of; `written`: how a file is written
//! - `table`: what a file seems to be; `dates`, `codes`: what its values mean; `closed`: days without school

mod closed;
mod codes;
mod dates;
mod fit;
mod names;
mod scan;
mod table;
mod write;
mod written;

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::Path;

use anyhow::Context;
use serde_json::{Value, json};
use signalbox_connector::Entity;

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
            screen::json(out, &as_json(&found, &global.config))?;
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

fn as_json(found: &Found, config: &Path) -> Value {
    let incomplete = found.lacking().map(|(feed, table)| {
        let (missing, why) = (table.missing(), table.why_not());
        json!({"file": feed.file, "entity": table.entity.as_str(), "missing": missing, "why": why})
    });
    json!({
        "path": config,
        "feeds": found.feed_names(),
        "not_used": found.not_used,
        "incomplete": incomplete.collect::<Vec<_>>(),
    })
}

fn say(out: &mut dyn Write, found: &Found, args: &Init, config: &Path) -> std::io::Result<()> {
    writeln!(out, "Wrote {}.", config.display())?;
    let nothing = args.from.as_ref().filter(|_| found.feeds.is_empty());
    if let Some(folder) = nothing {
        writeln!(
            out,
            "No file in {} can be read as it is: what was written is a skeleton.",
            folder.display()
        )?;
    }
    for name in found.feed_names() {
        writeln!(out, "  feed {name}")?;
    }
    for (feed, table) in found.lacking() {
        writeln!(out, "  {} looks like {}, but {}", feed.file, table.entity, table.why_not())?;
    }
    for (file, why) in &found.not_used {
        writeln!(out, "  not used: {file} ({why})")?;
    }
    for (feed, columns) in found.unused() {
        writeln!(out, "  feed {feed}: columns that are not used: {}", first_of(&columns))?;
    }
    for (feed, code) in found.unmapped() {
        writeln!(out, "  feed {feed}: code {code} has no meaning yet")?;
    }
    if nothing.is_some() {
        return say_what_is_needed(out, found);
    }
    writeln!(out, "Read it and correct what was guessed: time zone, calendar, codes.")?;
    writeln!(out, "Nothing was read in, nobody was alerted. Next: signalbox check")
}

/// The names, of many the first ones; all of them stand in the file.
fn first_of(names: &[&str]) -> String {
    const MOST: usize = 12;
    let first: Vec<String> = names.iter().take(MOST).map(|name| format!("\"{name}\"")).collect();
    match names.len().checked_sub(MOST + 1) {
        None => first.join(", "),
        Some(more) => format!("{} and {} more", first.join(", "), more + 1),
    }
}

/// What to do where nothing could be proposed.
fn say_what_is_needed(out: &mut dyn Write, found: &Found) -> std::io::Result<()> {
    if !found.incomplete.is_empty() {
        writeln!(out, "What they lack stands there as ???: complete it, and take the comment signs away.")?;
    }
    writeln!(out, "To begin, the hub needs two exports as .csv, .txt or .tsv, each with a header line:")?;
    for entity in [Entity::Enrollment, Entity::Attendance] {
        let required = entity.columns().iter().filter(|column| column.required);
        let names: Vec<&str> = required.map(|column| column.name).collect();
        writeln!(out, "  {entity} with a column for each of {}", names.join(", "))?;
    }
    writeln!(
        out,
        "A OneRoster package goes in place of the first. Next: signalbox init --from FOLDER again,"
    )?;
    writeln!(out, "with --config NEW.yaml, or write the feeds by hand; then signalbox check")
}

#[cfg(test)]
mod tests;
