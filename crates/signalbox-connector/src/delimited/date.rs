//! Dates as tools write them.

use jiff::civil::{Date, DateTime, date};

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
}

/// The pattern cannot read a date.
#[derive(Debug, thiserror::Error)]
#[error("\"{0}\" is no date format; one such as %Y-%m-%d, %m/%d/%Y or %d.%m.%Y")]
pub struct InvalidFormat(String);

impl DateFormat {
    /// ISO 8601: `2021-08-31`.
    pub const ISO: Self = Self(Shape::Iso);

    /// The format for a strptime pattern. It has to name a whole date: year, month and day.
    pub fn new(pattern: &str) -> Result<Self, InvalidFormat> {
        Ok(Self(match pattern {
            "%Y-%m-%d" => Shape::Iso,
            "%m/%d/%Y" => Shape::MonthDayYear,
            "%d/%m/%Y" => Shape::DayMonthYear,
            other if names_a_whole_date(other) => Shape::Pattern(other.to_owned()),
            other => return Err(InvalidFormat(other.to_owned())),
        }))
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
        }?;
        YEARS.contains(&date.year()).then_some(date)
    }

    /// The strptime pattern.
    pub fn pattern(&self) -> &str {
        match &self.0 {
            Shape::Iso => "%Y-%m-%d",
            Shape::MonthDayYear => "%m/%d/%Y",
            Shape::DayMonthYear => "%d/%m/%Y",
            Shape::Pattern(pattern) => pattern,
        }
    }

    /// The last day of August 2021 in this format, for people.
    pub fn example(&self) -> String {
        written(self.pattern()).expect("a pattern was tried before it was taken")
    }
}

const EXAMPLE: Date = date(2021, 8, 31);

fn names_a_whole_date(pattern: &str) -> bool {
    written(pattern).is_some_and(|text| Date::strptime(pattern, &text).is_ok_and(|read| read == EXAMPLE))
}

fn written(pattern: &str) -> Option<String> {
    jiff::fmt::strtime::format(pattern, DateTime::from(EXAMPLE)).ok()
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
