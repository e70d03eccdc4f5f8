//! The header: columns by name.

use crate::draft::RejectCode;
use crate::source::Refusal;

/// The names in a file's header, trimmed.
#[derive(Debug, Clone, Default)]
pub struct Header {
    file: Option<&'static str>,
    names: Vec<String>,
    /// How many fields there are up to the last that has a name.
    named: usize,
}

/// Where a column stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column(pub(super) usize);

impl Header {
    pub(super) fn new(file: Option<&'static str>, names: Vec<String>) -> Self {
        let named = names.iter().rposition(|name| !name.is_empty()).map_or(names.len(), |last| last + 1);
        Self { file, names, named }
    }

    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether a row of so many fields is whole: what stands under no name may be missing at its end.
    pub(super) fn fits(&self, fields: usize) -> bool {
        (self.named..=self.names.len()).contains(&fields)
    }

    /// Whether a column of that name is there.
    pub fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// The name of a column of this header.
    pub fn name(&self, column: Column) -> &str {
        &self.names[column.0]
    }

    /// The columns of these names, in their order. A name that is not there means the only one that differs from it in
    /// upper and lower case. A missing one refuses the file, and so does a name that stands twice: which of the two is
    /// meant is not guessed.
    pub fn columns<const N: usize>(&self, names: [&str; N]) -> Result<[Column; N], Refusal> {
        self.require(&names)?;
        Ok(names.map(|name| self.find(name).expect("every name was found a line before")))
    }

    /// The column of this name, if it is there.
    pub fn optional(&self, name: Option<&str>) -> Option<Column> {
        name.and_then(|name| self.find(name))
    }

    /// Checks that each of the names stands once.
    pub fn require(&self, names: &[&str]) -> Result<(), Refusal> {
        if let Some(name) = names.iter().find(|name| !self.has(name)) {
            return Err(self.missing(name, names));
        }
        match names.iter().find(|name| self.names.iter().filter(|there| there == *name).count() > 1) {
            Some(name) => Err(self.twice(name)),
            None => Ok(()),
        }
    }

    /// What has no name is no column.
    fn find(&self, name: &str) -> Option<Column> {
        if name.is_empty() {
            return None;
        }
        let exact = self.names.iter().position(|there| there == name);
        exact.or_else(|| self.only_in_other_case(name)).map(Column)
    }

    fn only_in_other_case(&self, name: &str) -> Option<usize> {
        let mut like = (0..self.names.len()).filter(|at| is_like(&self.names[*at], name));
        let only = like.next()?;
        like.next().is_none().then_some(only)
    }

    fn missing(&self, name: &str, wanted: &[&str]) -> Refusal {
        Refusal {
            code: RejectCode::MissingColumn,
            file: self.file.map(str::to_owned),
            column: Some(name.to_owned()),
            message: format!("column \"{name}\" is not in the header; {}", self.says(wanted)),
            help: self.mend(name),
        }
    }

    /// The names in the header's first line, unless none of them is known: then that may be a student's row, and no
    /// message may repeat one. Nor may it repeat rows that are taken for a name because of a quote too many.
    fn says(&self, wanted: &[&str]) -> String {
        if self.names.iter().any(|there| wanted.iter().any(|name| is_like(there, name))) {
            let whole = self.names.iter().take_while(|name| !name.contains(['\r', '\n']));
            let names: Vec<_> = whole.map(|name| format!("\"{name}\"")).collect();
            format!("there are {}", names.join(", "))
        } else if self.names.len() == 1 {
            "its only field is no column this feed knows".to_owned()
        } else {
            format!("none of its {} fields is a column this feed knows", self.names.len())
        }
    }

    fn mend(&self, name: &str) -> String {
        if let Some(there) = self.names.iter().find(|there| is_like(there, name)) {
            return format!("The header has \"{there}\" more than once: name it letter by letter");
        }
        match self.other_delimiter() {
            Some(delimiter) => format!(
                "The header looks separated by {delimiter}: set the feed's delimiter, or export it separated by commas"
            ),
            None => format!("Add \"{name}\" to the export; a file without a header line cannot be read"),
        }
    }

    fn other_delimiter(&self) -> Option<&'static str> {
        let [only] = self.names.as_slice() else { return None };
        [('\t', "tabs (\"\\t\")"), (';', "\";\""), (',', "\",\""), ('|', "\"|\"")]
            .into_iter()
            .find(|(delimiter, _)| only.contains(*delimiter))
            .map(|(_, words)| words)
    }

    fn twice(&self, name: &str) -> Refusal {
        Refusal {
            code: RejectCode::MissingColumn,
            file: self.file.map(str::to_owned),
            column: Some(name.to_owned()),
            message: format!("column \"{name}\" stands more than once in the header"),
            help: format!("Leave one \"{name}\" in the export: which of them is meant is not guessed"),
        }
    }
}

/// Whether two names differ in upper and lower case only.
fn is_like(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b) || a.to_lowercase() == b.to_lowercase()
}
