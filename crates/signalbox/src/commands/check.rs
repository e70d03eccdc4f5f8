//! `signalbox check`: what is wrong with the configuration, or with a file for one of its feeds.

mod sample;

use std::io::{self, Write};
use std::path::Path;

use jiff::Timestamp;
use serde_json::json;
use signalbox_connector::Newest;
use signalbox_connector::words::plural;

use crate::cli::{Check, Global, Output};
use crate::clock::Clock;
use crate::config::parts::Feed;
use crate::config::{self, Config, Loaded};
use crate::connectors;
use crate::exit::{Done, Failure};
use crate::problem::{Problem, Report, has_errors};
use crate::screen;

pub(super) fn run(out: &mut dyn Write, global: &Global, args: &Check) -> Result<Done, Failure> {
    let (problems, summary) = match config::load(&global.config, connectors::ALL) {
        Ok(mut loaded) => {
            let mut problems = std::mem::take(&mut loaded.problems);
            let mut summary = configured(&loaded.config);
            if args.sample.is_none() {
                problems.extend(newest(&global.config, &loaded, Clock::new(global.now).frozen()));
                problems.extend(unready(&global.config, &loaded));
                problems.extend(nothing_to_read(&global.config, &loaded));
            }
            if let (Some(feed), Some(file)) = (&args.feed, &args.sample) {
                let sample =
                    sample::check(&global.config, &loaded, feed, file, Clock::new(global.now).frozen());
                problems.extend(sample.problems);
                summary = sample.summary;
            }
            (problems, summary)
        }
        Err(found) => (found.0, String::new()),
    };
    match global.output {
        Output::Json => screen::json(out, &json!({"ok": !has_errors(&problems), "problems": problems}))?,
        Output::Text => text(out, &problems, &summary)?,
    }
    Ok(if has_errors(&problems) { Done::Invalid } else { Done::Ok })
}

/// What lies where the feeds look: perhaps nothing, by a mistyped path; perhaps a file that does not fit the mapping.
fn newest(config: &Path, loaded: &Loaded, now: Timestamp) -> Vec<Problem> {
    let mut problems = Vec::new();
    let land = sample::Nameless::of(loaded);
    for feed in &loaded.config.feeds {
        match feed.source.newest(&land) {
            Some(Newest::Payload { path, bytes }) => {
                problems.extend(sample::newest(config, loaded, feed, Path::new(&path), bytes, now));
            }
            Some(Newest::Nothing { at }) => problems.extend(nothing_there(config, loaded, feed, &at)),
            None => {}
        }
    }
    problems
}

/// A file that says nothing yet is sound, and does nothing.
fn nothing_to_read(config: &Path, loaded: &Loaded) -> Vec<Problem> {
    let mut report = Report::new(config);
    if loaded.config.feeds.is_empty() {
        let help = "signalbox init --from FOLDER proposes feeds for the exports in a folder".to_owned();
        report.warning(
            loaded.tree.place_of(&["feeds"]),
            "no_feeds",
            "there is no feed: nothing is read",
            help,
        );
    }
    report.into_problems()
}

/// Destinations that cannot be sent to from here: their secret is missing, or is none.
fn unready(config: &Path, loaded: &Loaded) -> Vec<Problem> {
    let mut report = Report::new(config);
    for (index, destination) in loaded.config.destinations.iter().enumerate() {
        if let Err(error) = destination.channel.ready() {
            let place = loaded.tree.place_of(&["destinations", &index.to_string()]);
            let message = format!("{} cannot be told anything: {error}", destination.name);
            let help = "put its secret right where signalbox up runs: it does not start without";
            report.warning(place, "not_ready", message, help);
        }
    }
    report.into_problems()
}

fn nothing_there(config: &Path, loaded: &Loaded, feed: &Feed, nothing: &str) -> Vec<Problem> {
    let mut report = Report::new(config);
    let at = ["feeds", &feed.index.to_string(), feed.connector, "path"];
    let message = format!("there is no file at {nothing}");
    let help = "mind the path if there should be one; paths are relative to this file's folder";
    report.warning(loaded.tree.place_of(&at), "nothing_there", message, help);
    report.into_problems()
}

fn configured(config: &Config) -> String {
    let plural = |n: usize, one: &str| plural(n as u64, one);
    format!(
        "District {}: {}, {}, {}.",
        config.district.id,
        plural(config.feeds.len(), "feed"),
        plural(config.calendars.len(), "calendar"),
        plural(config.destinations.len(), "destination"),
    )
}

fn text(out: &mut dyn Write, problems: &[Problem], summary: &str) -> io::Result<()> {
    screen::problems(out, problems)?;
    if !summary.is_empty() {
        writeln!(out, "{summary}")?;
    }
    writeln!(out, "{} Nothing was read in, nobody was alerted.", screen::count(problems))
}

#[cfg(test)]
mod tests;
