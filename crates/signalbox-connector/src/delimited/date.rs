//! Dates as tools write them.

use std::borrow::Cow;

use jiff::civil::{Date, DateTime, date, datetime};
use jiff::fmt::strtime::{self, BrokenDownTime};
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, Zoned};

/// The years that a date may have: anything else is a slip of the pen or another format.
const YEARS: std::ops::RangeInclusive<i16> = 1900..=2200;

/// How a column writes its dates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DateFormat(Shape);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Shape {
    Iso,
    MonthDayYear,
    DayMonthYear,
    Pattern(String),
    Moment(Moment),
}

/// A date with a time and an offset from UTC: its day is the district's.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Moment {
    pattern: String,
    /// With `%z`, as in `-0500`, and with `%:z`, as in `-05:00`: either is taken.
    spellings: [String; 2],
    zone: TimeZone,
}

/// The pattern cannot read a date.
#[derive(Debug, thiserror::Error)]
pub enum InvalidFormat {
    #[error("\"{0}\" is no date format; one such as %Y-%m-%d, %m/%d/%Y or %d.%m.%Y")]
    NoDate(String),
    #[error(
        "\"{pattern}\" takes the time zone for mere text ({word}): write %z there, and the day is the district's"
    )]
    BareZone { pattern: String, word: String },
    #[error("\"{0}\" has an offset (%z) without a whole time to go with it; one such as %Y-%m-%dT%H:%M:%S%z")]
    NoTime(String),
}

impl DateFormat {
    /// ISO 8601: `2021-08-31`.
    pub const ISO: Self = Self(Shape::Iso);

    /// The format for a strptime pattern. It has to name a whole date: year, month and day. With an offset (`%z`) it
    /// names a moment, whose day is that of UTC until [`in_zone`](Self::in_zone) says otherwise.
    pub fn new(pattern: &str) -> Result<Self, InvalidFormat> {
        if let Some(word) = bare_zone(pattern) {
            return Err(InvalidFormat::BareZone { pattern: pattern.to_owned(), word });
        }
        Ok(Self(match pattern {
            "%Y-%m-%d" => Shape::Iso,
            "%m/%d/%Y" => Shape::MonthDayYear,
            "%d/%m/%Y" => Shape::DayMonthYear,
            other if other.contains("%z") || other.contains("%:z") => Shape::Moment(Moment::new(other)?),
            other if names_a_whole_date(other) => Shape::Pattern(other.to_owned()),
            other => return Err(InvalidFormat::NoDate(other.to_owned())),
        }))
    }

    /// The same, with the days of this zone.
    #[must_use]
    pub fn in_zone(self, zone: &TimeZone) -> Self {
        match self.0 {
            Shape::Moment(moment) => Self(Shape::Moment(Moment { zone: zone.clone(), ..moment })),
            shape => Self(shape),
        }
    }

    /// Whether which day it is depends on the zone.
    pub fn names_a_moment(&self) -> bool {
        matches!(self.0, Shape::Moment(_))
    }

    /// The date, if `text` is one in this format and nothing else. Day and month may have one digit. Years outside
    /// 1900 to 2200 are no dates.
    pub fn parse(&self, text: &str) -> Option<Date> {
        let date = match &self.0 {
            Shape::Iso => {
                let [year, month, day] = numbers(text, b'-')?;
                civil(year, month, day)
            }
            Shape::MonthDayYear => {
                let [month, day, year] = numbers(text, b'/')?;
                civil(year, month, day)
            }
            Shape::DayMonthYear => {
                let [day, month, year] = numbers(text, b'/')?;
                civil(year, month, day)
            }
            Shape::Pattern(pattern) => Date::strptime(pattern, text).ok(),
            Shape::Moment(moment) => moment.day(text),
        }?;
        YEARS.contains(&date.year()).then_some(date)
    }

    /// The strptime pattern.
    pub fn pattern(&self) -> &str {
        match &self.0 {
            Shape::Iso => "%Y-%m-%d",
            Shape::MonthDayYear => "%m/%d/%Y",
            Shape::DayMonthYear => "%d/%m/%Y",
            Shape::Pattern(pattern) | Shape::Moment(Moment { pattern, .. }) => pattern,
        }
    }

    /// The last day of August 2021 in this format, for people.
    pub fn example(&self) -> String {
        let written = match &self.0 {
            Shape::Moment(moment) => strtime::format(&moment.pattern, &evening()).ok(),
            _ => written(self.pattern()),
        };
        written.expect("a pattern was tried before it was taken")
    }
}

const EXAMPLE: Date = date(2021, 8, 31);

fn names_a_whole_date(pattern: &str) -> bool {
    written(pattern).is_some_and(|text| Date::strptime(pattern, &text).is_ok_and(|read| read == EXAMPLE))
}

fn written(pattern: &str) -> Option<String> {
    jiff::fmt::strtime::format(pattern, DateTime::from(EXAMPLE)).ok()
}

impl Moment {
    fn new(pattern: &str) -> Result<Self, InvalidFormat> {
        let basic = pattern.replace("%:z", "%z");
        let spellings = [basic.replace("%z", "%:z"), basic];
        let moment = Self { pattern: pattern.to_owned(), spellings, zone: TimeZone::UTC };
        let written = strtime::format(pattern, &evening()).ok();
        let read = written.and_then(|text| moment.timestamp(&text));
        if read == Some(evening().timestamp()) {
            return Ok(moment);
        }
        Err(InvalidFormat::NoTime(pattern.to_owned()))
    }

    fn day(&self, text: &str) -> Option<Date> {
        Some(self.timestamp(text)?.to_zoned(self.zone.clone()).date())
    }

    /// A `Z` at the end is the offset zero.
    fn timestamp(&self, text: &str) -> Option<Timestamp> {
        let text = match text.strip_suffix(['Z', 'z']) {
            Some(text) => Cow::Owned(format!("{text}+00:00")),
            None => Cow::Borrowed(text),
        };
        self.spellings
            .iter()
            .find_map(|pattern| BrokenDownTime::parse(pattern, text.as_bytes()).ok()?.to_timestamp().ok())
    }
}

/// A moment that tells apart whether hours are read as hours, and offsets as offsets.
fn evening() -> Zoned {
    let offset = Offset::constant(-5).to_time_zone();
    datetime(2021, 8, 31, 21, 0, 0, 0).to_zoned(offset).expect("a fixed offset has every time")
}

/// What stands for a time zone in a pattern without being read as one: `Z` in `%H:%M:%SZ`, `UTC`, `+00:00`.
fn bare_zone(pattern: &str) -> Option<String> {
    const ZONES: [&str; 14] =
        ["Z", "UTC", "UT", "GMT", "EST", "EDT", "CST", "CDT", "MST", "MDT", "PST", "PDT", "AKST", "HST"];
    let literal = literals(pattern);
    let word = literal
        .split(|c: char| !c.is_ascii_alphabetic())
        .find(|word| ZONES.iter().any(|zone| zone.eq_ignore_ascii_case(word)));
    let offset = literal.as_bytes().windows(2).any(|pair| pair[0] == b'+' && pair[1].is_ascii_digit());
    word.map(str::to_owned).or_else(|| offset.then(|| "+".to_owned()))
}

/// A pattern with a blank for each of its directives.
fn literals(pattern: &str) -> String {
    let mut literals = String::new();
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        if c == '%' {
            let is_modifier = |c: &char| matches!(c, ':' | '.' | '-' | '_' | '0'..='9' | '^' | '#');
            chars.by_ref().find(|c| !is_modifier(c));
            literals.push(' ');
        } else {
            literals.push(c);
        }
    }
    literals
}

#[derive(Debug, Clone, Copy, Default)]
struct Number {
    value: i16,
    digits: u8,
}

/// Three numbers of one to four digits, apart by `separator`.
fn numbers(text: &str, separator: u8) -> Option<[Number; 3]> {
    let mut numbers = [Number::default(); 3];
    let mut at = 0;
    for &byte in text.as_bytes() {
        if byte == separator {
            at += 1;
            if at == numbers.len() {
                return None;
            }
        } else {
            let number = &mut numbers[at];
            if !byte.is_ascii_digit() || number.digits == 4 {
                return None;
            }
            number.value = number.value * 10 + i16::from(byte - b'0');
            number.digits += 1;
        }
    }
    (at == 2).then_some(numbers)
}

fn civil(year: Number, month: Number, day: Number) -> Option<Date> {
    let short = |number: Number| matches!(number.digits, 1 | 2).then_some(number.value as i8);
    (year.digits == 4).then_some(())?;
    Date::new(year.value, short(month)?, short(day)?).ok()
}
