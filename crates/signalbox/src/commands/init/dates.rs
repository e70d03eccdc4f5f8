//! How dates are written.

use std::collections::BTreeSet;

use jiff::civil::Date;
use signalbox_connector::delimited::DateFormat;

/// What databases write where there is no date.
const NO_DATES: [&str; 5] = ["0/0/0", "00/00/0000", "0000-00-00", "12/31/9999", "9999-12-31"];

/// Formats in use, the likelier in the United States first; the first needs no word in a feed.
const FORMATS: &[&str] = &[
    "%Y-%m-%d",
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%Y/%m/%d",
    "%m-%d-%Y",
    "%d-%m-%Y",
    "%d.%m.%Y",
    "%Y%m%d",
    "%m/%d/%y",
    "%d/%m/%y",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%z",
    "%m/%d/%Y %H:%M",
    "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y %I:%M:%S %p",
    "%m/%d/%Y %I:%M %p",
];

/// How the dates of a column are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dates {
    /// In this format, which every value fits.
    Fit {
        format: &'static str,
        /// Every value fits this one too.
        or: Option<&'static str>,
    },
    /// There is none yet.
    NoneYet,
    /// In no format that is known, or not in one.
    NotUnderstood,
}

/// The different values of a column of dates, and the formats that they fit.
#[derive(Debug)]
pub(super) struct Values<'a> {
    all: BTreeSet<&'a str>,
    fitting: Vec<&'static str>,
}

impl<'a> Values<'a> {
    pub(super) fn new(all: impl Iterator<Item = &'a str>) -> Self {
        let all: BTreeSet<&str> = all.filter(|value| !is_none(value)).collect();
        let fits = |format: &&str| {
            let format = known(format);
            all.iter().all(|value| format.parse(value).is_some())
        };
        let fitting =
            if all.is_empty() { Vec::new() } else { FORMATS.iter().copied().filter(fits).collect() };
        Self { all, fitting }
    }

    /// How they are written: a file is written by one tool, so that what its other columns fit is likelier.
    pub(super) fn dates(&self, of_file: &[Values<'_>]) -> Dates {
        let columns = |format: &str| of_file.iter().filter(|values| values.fitting.contains(&format)).count();
        let most = self.fitting.iter().map(|format| columns(format)).max();
        let mut likely = self.fitting.iter().copied().filter(|format| Some(columns(format)) == most);
        match likely.next() {
            Some(format) => Dates::Fit { format, or: likely.next() },
            None if self.all.is_empty() => Dates::NoneYet,
            None => Dates::NotUnderstood,
        }
    }

    pub(super) fn days(&self, dates: Dates) -> BTreeSet<Date> {
        let Dates::Fit { format, .. } = dates else { return BTreeSet::new() };
        let format = known(format);
        self.all.iter().filter_map(|value| format.parse(value)).collect()
    }
}

impl Dates {
    /// The format that a feed has to name.
    pub(super) fn format(self) -> Option<&'static str> {
        match self {
            Self::Fit { format, .. } => Some(format).filter(|format| *format != FORMATS[0]),
            Self::NoneYet => None,
            Self::NotUnderstood => Some("???"),
        }
    }
}

/// The words for no date among values.
pub(super) fn words_for_none<'a>(values: impl Iterator<Item = &'a str>) -> Vec<&'static str> {
    let none: BTreeSet<&str> = values.filter(|value| is_none(value)).collect();
    NO_DATES.into_iter().filter(|word| none.contains(word)).collect()
}

fn is_none(value: &str) -> bool {
    NO_DATES.contains(&value)
}

fn known(format: &str) -> DateFormat {
    DateFormat::new(format).expect("a test reads every format of the list")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_is_one_that_a_feed_takes_and_reads_its_own_example() {
        for format in FORMATS {
            let format = DateFormat::new(format).expect("it names a whole date");
            let example = format.example();
            assert!(format.parse(&example).is_some(), "{example}");
        }
    }
}
