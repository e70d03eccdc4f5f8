//! What people see: problems with their place, failures with their mend.

mod escaping;

use std::collections::HashMap;
use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;
use signalbox_connector::regular_file;
use signalbox_connector::words::plural;

pub(crate) use escaping::Escaping;

use crate::cli::Output;
use crate::config::MOST_BYTES;
use crate::config::secrets::is_literal_secret;
use crate::exit::Failure;
use crate::problem::{Problem, Severity};

/// One JSON value on a line.
pub(crate) fn json(out: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    writeln!(out)
}

/// Why a command could not do its work.
pub(crate) fn failure(
    out: &mut dyn Write,
    failure: &Failure,
    config: &Path,
    output: Output,
) -> io::Result<()> {
    if output == Output::Json {
        return json(out, &failure_json(failure));
    }
    match failure {
        Failure::Config(found) => {
            problems(out, &found.0)?;
            writeln!(out, "{} cannot be used. Nothing was done.", config.display())
        }
        Failure::Other { error, help, .. } => {
            writeln!(out, "error: {error:#}")?;
            if help.is_empty() { Ok(()) } else { writeln!(out, "   Mend: {help}") }
        }
    }
}

fn failure_json(failure: &Failure) -> serde_json::Value {
    match failure {
        Failure::Config(found) => {
            serde_json::json!({"error": "the configuration cannot be used", "problems": found.0})
        }
        Failure::Other { error, help, .. } => {
            serde_json::json!({"error": format!("{error:#}"), "help": help})
        }
    }
}

/// Problems one after the other, each with its line of the file.
pub(crate) fn problems(out: &mut dyn Write, problems: &[Problem]) -> io::Result<()> {
    let mut sources = Sources::default();
    for problem in problems {
        self::problem(out, problem, &mut sources)?;
    }
    Ok(())
}

fn problem(out: &mut dyn Write, problem: &Problem, sources: &mut Sources) -> io::Result<()> {
    let Problem { severity, path, line, column, message, help, .. } = problem;
    let place = match (line, column) {
        (Some(line), Some(column)) => format!(":{line}:{column}"),
        (Some(line), None) => format!(":{line}"),
        (None, _) => String::new(),
    };
    let mut sentences = message.lines();
    writeln!(out, "{path}{place}  {}: {}", severity.as_str(), sentences.next().unwrap_or_default())?;
    if let Some((number, text)) = line.and_then(|line| Some((line, sources.line(path, line)?))) {
        writeln!(out, "{number:>5} | {text}")?;
    }
    for sentence in sentences {
        writeln!(out, "   {sentence}")?;
    }
    if help.is_empty() { Ok(()) } else { writeln!(out, "   Mend: {help}") }
}

/// "2 errors, 1 warning."
pub(crate) fn count(problems: &[Problem]) -> String {
    let of = |severity: Severity| {
        let n = problems.iter().filter(|problem| problem.severity == severity).count();
        (n > 0).then(|| plural(n as u64, severity.as_str()))
    };
    let parts: Vec<String> = [Severity::Error, Severity::Warning].into_iter().filter_map(of).collect();
    if parts.is_empty() { "No problems.".to_owned() } else { format!("{}.", parts.join(", ")) }
}

/// Lines of configuration files. Rows of exports are never shown: they speak of students.
#[derive(Default)]
struct Sources(HashMap<String, Option<String>>);

impl Sources {
    fn line(&mut self, path: &str, line: u64) -> Option<String> {
        let is_yaml = Path::new(path).extension().is_some_and(|ext| ext == "yaml" || ext == "yml");
        let read = || if is_yaml { regular_file::read_text(Path::new(path), MOST_BYTES).ok() } else { None };
        let text = self.0.entry(path.to_owned()).or_insert_with(read).as_ref()?;
        let line = text.lines().nth(usize::try_from(line).ok()?.checked_sub(1)?)?;
        (!may_show_secret(line)).then(|| cut(line))
    }
}

fn may_show_secret(line: &str) -> bool {
    line.split([',', '{', '}']).any(|part| {
        part.split_once(':').is_some_and(|(key, value)| {
            is_literal_secret(key.trim().trim_matches(['"', '\'']), value.trim().trim_matches(['"', '\'']))
        })
    })
}

/// Keeps a long line from filling the screen.
fn cut(line: &str) -> String {
    const WIDEST: usize = 100;
    let mut text: String = line.chars().take(WIDEST).collect();
    if line.chars().nth(WIDEST).is_some() {
        text.push('…');
    }
    text
}

/// Columns of text, each as wide as its widest cell.
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new<const N: usize>(head: [&str; N]) -> Self {
        Self { rows: vec![head.map(str::to_owned).to_vec()] }
    }

    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    pub(crate) fn print(&self, out: &mut dyn Write) -> io::Result<()> {
        let width =
            |column: usize| self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..self.rows[0].len()).map(width).collect();
        for row in &self.rows {
            let cells: Vec<String> =
                row.iter().zip(&widths).map(|(cell, width)| padded(cell, *width)).collect();
            writeln!(out, "{}", cells.join("  ").trim_end())?;
        }
        Ok(())
    }
}

/// `{:<width$}` has a bound.
fn padded(cell: &str, width: usize) -> String {
    let blanks = width.saturating_sub(cell.chars().count());
    format!("{cell}{}", " ".repeat(blanks))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_of_any_width_are_printed() {
        let mut table = Table::new(["a", "b"]);
        table.row(vec!["x".repeat(70_000), "y".to_owned()]);
        let mut out = Vec::new();
        table.print(&mut out).expect("printed");
        assert!(out.len() > 2 * 70_000);
    }

    #[test]
    fn a_line_with_a_secret_in_it_is_not_shown() {
        assert!(may_show_secret("district: {id: a, secret: \"hunter2\"}"));
        assert!(may_show_secret("  password: hunter2"));
        assert!(may_show_secret("store: {postgres: {url: \"postgres://hub:pw@db/hub\"}}"));
        assert!(!may_show_secret("district: {id: a, secret: \"SECRET[env.X]\"}"));
        assert!(!may_show_secret("  codes: {category: {A: absent_unexcused}}"));
    }

    #[test]
    fn counts_are_plain_words() {
        let problem = |severity| Problem {
            severity,
            code: "x",
            path: "a.yaml".to_owned(),
            line: None,
            column: None,
            message: String::new(),
            help: String::new(),
        };
        assert_eq!(count(&[]), "No problems.");
        assert_eq!(count(&[problem(Severity::Warning)]), "1 warning.");
        let three = [Severity::Error, Severity::Error, Severity::Warning].map(problem);
        assert_eq!(count(&three), "2 errors, 1 warning.");
    }
}
