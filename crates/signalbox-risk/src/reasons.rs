//! The sentences that people read. Every figure is computed with integers; percentages show one decimal,
//! rounded half up, and decide nothing.

use jiff::civil::Date;

use crate::announce::{Flag, FlagState};
use crate::evaluate::{Answer, Counts, Evaluation};
use crate::policy::{Policy, Ratio};

/// Code of the one reason that chronic absence has.
pub const ABSENCE_RATE: &str = "ABSENCE_RATE";

/// Why a flag of a year that is over ended.
pub(crate) const YEAR_OVER: &str = "The school year is over.";
/// Why one of a year that the calendars do not reach ended.
pub(crate) const YEAR_TO_COME: &str =
    "The school year has not begun, by the calendars that are configured now.";

/// Why a flag stands, for people and for programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    pub code: &'static str,
    /// `Absent 2 of 20 school days (10.0 %); the line is 10 %.`
    pub text: String,
    /// `2/20`; half-days as `2.5/20`.
    pub value: String,
    /// How the value is compared to the threshold.
    pub operator: &'static str,
    /// `10%`
    pub threshold: String,
    pub counts: Counts,
    /// Absent dates, in order.
    pub dates: Vec<Date>,
}

/// The reason as evaluated now.
pub fn of_evaluation(evaluation: &Evaluation) -> Reason {
    let Answer { absent_dates, unknown_days, .. } = &evaluation.answer;
    reason(evaluation.answer.counts(), *unknown_days, absent_dates, &evaluation.policy)
}

/// The reason as a flag keeps it, also after its episode: of one that is withdrawn, as it was told; of one that is cleared,
/// why it is.
pub fn of_flag(flag: &Flag, policy: &Policy) -> Reason {
    let reason = reason(flag.counts, flag.unknown_days, &flag.evidence, policy);
    match flag.state {
        FlagState::Cleared => Reason { operator: "<", threshold: policy.leave().to_string(), ..reason },
        _ => reason,
    }
}

fn reason(counts: Counts, unknown_days: u32, dates: &[Date], policy: &Policy) -> Reason {
    Reason {
        code: ABSENCE_RATE,
        text: rate_text(counts, unknown_days, policy),
        value: value(counts),
        operator: ">=",
        threshold: policy.enter().to_string(),
        counts,
        dates: dates.to_vec(),
    }
}

/// Absent days over expected days: `2/20`, `2.5/20`.
pub fn value(counts: Counts) -> String {
    format!("{}/{}", days(counts.absent_half_days), counts.expected_days)
}

/// `Absent 2 of 20 school days (10.0 %); the line is 10 %.`; with days unknown `Absent 2 of 20 school days (10.0 %), 3
/// more are unknown; …`
fn rate_text(counts: Counts, unknown_days: u32, policy: &Policy) -> String {
    format!("Absent {}{}; the line is {}.", share(counts), unknown(unknown_days), line(policy.enter()))
}

fn unknown(days: u32) -> String {
    match days {
        0 => String::new(),
        1 => ", 1 more is unknown".to_owned(),
        days => format!(", {days} more are unknown"),
    }
}

/// `Comes off below 9 %: 3 school days in a row present.` `left` is how many school days the school year still has;
/// `None`: that is not known.
pub fn clears_when(flag: &Flag, policy: &Policy, left: Option<u32>) -> String {
    match flag.unknown_days {
        0 => comes_off(flag.counts, policy, left),
        1 => "Cannot be said while 1 school day is unknown.".to_owned(),
        days => format!("Cannot be said while {days} school days are unknown."),
    }
}

fn comes_off(counts: Counts, policy: &Policy, left: Option<u32>) -> String {
    let leave = line(policy.leave());
    let Some(first_below) = counts.first_days_below(policy) else {
        return "Stays on for the whole school year.".to_owned();
    };
    let days = first_below.saturating_sub(u64::from(counts.expected_days));
    if let Some(left) = left.filter(|left| u64::from(*left) < days) {
        return cannot_come_off(days, left);
    }
    match days {
        0 => format!("Is below {leave} now."),
        1 => format!("Comes off below {leave}: 1 school day present."),
        days => format!("Comes off below {leave}: {days} school days in a row present."),
    }
}

fn cannot_come_off(days: u64, left: u32) -> String {
    let takes = if days == 1 { "1 school day".to_owned() } else { format!("{days} school days in a row") };
    let left = match left {
        0 => "none is left".to_owned(),
        1 => "1 is left".to_owned(),
        left => format!("{left} are left"),
    };
    format!("Cannot come off this school year: it would take {takes}, {left}.")
}

/// `9 more absences would make it chronic.`; `None` when that cannot be said.
pub fn days_left_text(answer: &Answer) -> Option<String> {
    Some(match answer.days_left? {
        0 => "Chronic for the whole school year already.".to_owned(),
        1 => "1 more absence would make it chronic.".to_owned(),
        days => format!("{days} more absences would make it chronic."),
    })
}

/// `2026-09-17 no longer counts as absent.`; `None` when every date of `before` is still in `now`. Both are
/// in date order.
pub(crate) fn correction_text(before: &[Date], now: &[Date]) -> Option<String> {
    let gone: Vec<String> = gone(before, now).map(|date| date.to_string()).collect();
    match gone.as_slice() {
        [] => None,
        [date] => Some(format!("{date} no longer counts as absent.")),
        [dates @ .., last] => Some(format!("{} and {last} no longer count as absent.", dates.join(", "))),
    }
}

/// What changed when the counts did and no date went.
pub(crate) fn recount_text(before: Counts, now: Counts) -> String {
    format!("The school days behind this flag changed: {}, now {}.", share(before), share(now))
}

/// `2026-09-17 no longer counts as absent. As known now: absent 1 of 20 school days (5.0 %); the line is
/// 10 %.`
pub(crate) fn withdrawn_text(before: &[Date], evaluation: &Evaluation) -> String {
    let Evaluation { answer, policy, .. } = evaluation;
    let correction = correction_text(before, &answer.absent_dates).map(|text| text + " ").unwrap_or_default();
    let (share, line) = (share(answer.counts()), line(policy.enter()));
    let unknown = unknown(answer.unknown_days);
    format!("{correction}As known now: absent {share}{unknown}; the line is {line}.")
}

/// `Fell below 9 % on 2026-10-12. Absent 3 of 34 school days (8.8 %) now.`
pub(crate) fn cleared_text(end: Date, evaluation: &Evaluation) -> String {
    let (leave, share) = (line(evaluation.policy.leave()), share(evaluation.answer.counts()));
    let unknown = unknown(evaluation.answer.unknown_days);
    format!("Fell below {leave} on {end}. Absent {share}{unknown} now.")
}

fn gone<'a>(before: &'a [Date], now: &'a [Date]) -> impl Iterator<Item = Date> + 'a {
    before.iter().copied().filter(|date| now.binary_search(date).is_err())
}

/// `2 of 20 school days (10.0 %)`; of no days at all there is no percentage.
fn share(counts: Counts) -> String {
    let (absent, expected) = (days(counts.absent_half_days), counts.expected_days);
    let school_days = if expected == 1 { "school day" } else { "school days" };
    match percent(counts) {
        Some(percent) => format!("{absent} of {expected} {school_days} ({percent} %)"),
        None => format!("{absent} of {expected} {school_days}"),
    }
}

/// One decimal, rounded half up: tenths of a percent = half-days * 1000 / (2 * days).
fn percent(counts: Counts) -> Option<String> {
    let (half_days, days) = (u64::from(counts.absent_half_days), u64::from(counts.expected_days));
    let tenths = (half_days * 1000 + days).checked_div(2 * days)?;
    Some(format!("{}.{}", tenths / 10, tenths % 10))
}

fn days(half_days: u32) -> String {
    let half = if half_days % 2 == 1 { ".5" } else { "" };
    format!("{}{half}", half_days / 2)
}

fn line(ratio: Ratio) -> String {
    format!("{} %", ratio.percent())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn counts(absent_half_days: u32, expected_days: u32) -> Counts {
        Counts { absent_half_days, expected_days }
    }

    #[test]
    fn rates_read_as_people_say_them() {
        let federal = Policy::default();
        for (absent_half_days, expected_days, text, short) in [
            (4, 20, "Absent 2 of 20 school days (10.0 %); the line is 10 %.", "2/20"),
            (5, 20, "Absent 2.5 of 20 school days (12.5 %); the line is 10 %.", "2.5/20"),
            (1, 200, "Absent 0.5 of 200 school days (0.3 %); the line is 10 %.", "0.5/200"),
            (8, 38, "Absent 4 of 38 school days (10.5 %); the line is 10 %.", "4/38"),
            (2, 1, "Absent 1 of 1 school day (100.0 %); the line is 10 %.", "1/1"),
            (0, 0, "Absent 0 of 0 school days; the line is 10 %.", "0/0"),
        ] {
            let counts = counts(absent_half_days, expected_days);
            assert_eq!((rate_text(counts, 0, &federal), value(counts)), (text.to_owned(), short.to_owned()));
        }
        let text = rate_text(counts(14, 7), 53, &federal);
        assert_eq!(text, "Absent 7 of 7 school days (100.0 %), 53 more are unknown; the line is 10 %.");
    }

    #[test]
    fn clears_when_counts_the_days_it_takes() {
        let federal = Policy::default();
        let leave = |text: &str| {
            let (enter, leave) = ("10%".parse().expect("valid"), text.parse().expect("valid"));
            Policy::new(enter, leave, 20, crate::HalfDay::Whole).expect("sound")
        };
        for (counts, policy, text) in [
            (counts(4, 20), federal, "Comes off below 9 %: 3 school days in a row present."),
            (counts(4, 22), federal, "Comes off below 9 %: 1 school day present."),
            (counts(4, 23), federal, "Is below 9 % now."),
            (counts(18, 100), federal, "Comes off below 9 %: 1 school day present."),
            (counts(4, 20), leave("7.5%"), "Comes off below 7.5 %: 7 school days in a row present."),
            (counts(4, 20), leave("0%"), "Stays on for the whole school year."),
        ] {
            assert_eq!(comes_off(counts, &policy, None), text);
            assert_eq!(comes_off(counts, &policy, Some(7)), text);
        }
    }

    #[test]
    fn a_flag_that_cannot_come_off_says_so() {
        let federal = Policy::default();
        for (counts, left, text) in [
            (counts(60, 193), 140, "it would take 141 school days in a row, 140 are left."),
            (counts(60, 193), 1, "it would take 141 school days in a row, 1 is left."),
            (counts(4, 22), 0, "it would take 1 school day, none is left."),
        ] {
            let text = format!("Cannot come off this school year: {text}");
            assert_eq!(comes_off(counts, &federal, Some(left)), text);
        }
        assert!(comes_off(counts(60, 193), &federal, Some(141)).starts_with("Comes off"));
    }

    #[test]
    fn corrections_name_the_dates() {
        let days: Vec<Date> = (16..=18).map(|day| date(2026, 9, day)).collect();
        let text = |now: &[Date]| correction_text(&days, now);
        assert_eq!(text(&days), None);
        assert_eq!(text(&days[..2]).as_deref(), Some("2026-09-18 no longer counts as absent."));
        assert_eq!(
            text(&[]).as_deref(),
            Some("2026-09-16, 2026-09-17 and 2026-09-18 no longer count as absent.")
        );
    }
}
