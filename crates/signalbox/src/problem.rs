//! What `check` finds, and how it is shown.

use std::path::Path;

use serde::Serialize;

use crate::config::place::{Fault, Place};

/// One thing that is wrong, or may be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Problem {
    pub(crate) severity: Severity,
    /// A stable word for scripts.
    pub(crate) code: &'static str,
    /// The file.
    pub(crate) path: String,
    /// From 1; `None` when the whole file is meant.
    pub(crate) line: Option<u64>,
    /// From 1, in characters (YAML) or columns of the header (CSV).
    pub(crate) column: Option<u64>,
    /// One headline, then sentences of detail.
    #[serde(serialize_with = "one_line")]
    pub(crate) message: String,
    /// What to do; may be empty.
    pub(crate) help: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    Error,
    Warning,
}

impl Severity {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// In memory the headline is parted from its details by a line end; scripts get one line.
#[expect(clippy::ptr_arg, reason = "serde passes the field's type")]
fn one_line<S: serde::Serializer>(message: &String, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&message.replace(".\n", "\n").replace('\n', ". "))
}

/// Problems of one file, in the order in which they were found.
#[derive(Debug)]
pub(crate) struct Report {
    path: String,
    problems: Vec<Problem>,
}

impl Report {
    pub(crate) fn new(path: &Path) -> Self {
        Self { path: path.display().to_string(), problems: Vec::new() }
    }

    pub(crate) fn fault(&mut self, fault: Fault) {
        let Fault { place, code, message, help } = fault;
        self.push(Severity::Error, at(place), code, message, help);
    }

    pub(crate) fn error(
        &mut self,
        place: Place,
        code: &'static str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.push(Severity::Error, at(Some(place)), code, message.into(), help.into());
    }

    pub(crate) fn warning(
        &mut self,
        place: Place,
        code: &'static str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.push(Severity::Warning, at(Some(place)), code, message.into(), help.into());
    }

    /// `at`: line and column, as far as they are known.
    pub(crate) fn push(
        &mut self,
        severity: Severity,
        at: (Option<u64>, Option<u64>),
        code: &'static str,
        message: String,
        help: String,
    ) {
        let path = self.path.clone();
        let (line, column) = at;
        self.problems.push(Problem { severity, code, path, line, column, message, help });
    }

    pub(crate) fn has_errors(&self) -> bool {
        has_errors(&self.problems)
    }

    /// The problems, by place.
    pub(crate) fn into_problems(mut self) -> Vec<Problem> {
        self.problems.sort_by_key(|problem| (problem.line, problem.column));
        self.problems
    }
}

fn at(place: Option<Place>) -> (Option<u64>, Option<u64>) {
    place.map(|place| (place.line, place.column)).unzip()
}

pub(crate) fn has_errors(problems: &[Problem]) -> bool {
    problems.iter().any(|problem| problem.severity == Severity::Error)
}
