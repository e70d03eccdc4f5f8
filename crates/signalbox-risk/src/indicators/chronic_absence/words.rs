//! The sentences that people read. Every figure is computed with integers; percentages show one decimal,
//! rounded half up, and decide nothing.

use jiff::civil::Date;

use super::evaluate::{AbsenceRate, Counts, Episode, Evaluation};
use super::{Absences, ChronicAbsence};
use crate::announce::{Flag, FlagState};
use crate::judged::Missing;
use crate::ratio::Ratio;
use crate::reasons::{Evidence, Reason};

/// Code of the one reason that chronic absence has.
pub(super) const ABSENCE_RATE: &str = "ABSENCE_RATE";

/// The reason as a flag keeps it, also after its episode: of one that is withdrawn, as it was told; of one that is cleared,
/// as it stood on that day.
pub(super) fn of_flag(flag: &Flag, measured: &Absences, policy: &ChronicAbsence) -> Reason {
    let (operator, threshold) = match Stand::of(measured.counts, policy) {
        Stand::AtLine => (">=", policy.enter()),
        Stand::Between => (">=", policy.leave()),
        Stand::Below => ("<", policy.leave()),
    };
    let absent = |date: &Date| Evidence { date: *date, what: "absent".to_owned(), reference: None };
    Reason {
        code: ABSENCE_RATE,
        text: flag_text(flag, measured, policy),
        value: value(measured.counts),
        operator,
        threshold: threshold.to_string(),
        evidence: measured.dates.iter().map(absent).collect(),
        counts: Some(measured.counts),
    }
}

/// How a share of absent days stands to the lines of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stand {
    AtLine,
    /// Below the line at which a flag is raised, and not below the one at which it comes off.
    Between,
    Below,
}

impl Stand {
    fn of(counts: Counts, policy: &ChronicAbsence) -> Self {
        if counts.reaches(policy.enter()) {
            Self::AtLine
        } else if counts.reaches(policy.leave()) {
            Self::Between
        } else {
            Self::Below
        }
    }
}

/// Absent days over expected days: `2/20`, `2.5/20`.
pub fn value(counts: Counts) -> String {
    format!("{}/{}", days(counts.absent_half_days), counts.expected_days)
}

/// `Absent 2 of 20 school days (10.0 %); the line is 10 %.`; with days unknown `Absent 2 of 20 school days (10.0 %), 3
/// more are unknown; …`. Of a flag whose rate has fallen since: `…; reached 10 % on 2026-09-21, comes off below 9 %.`
pub(super) fn flag_text(flag: &Flag, measured: &Absences, policy: &ChronicAbsence) -> String {
    let share = format!("Absent {}{}", share(measured.counts), unknown(measured.unknown_days));
    let (enter, leave) = (line(policy.enter()), line(policy.leave()));
    match (flag.state, Stand::of(measured.counts, policy)) {
        (FlagState::Cleared, _) => format!("{share} on {}; it comes off below {leave}.", flag.until),
        (_, Stand::Between) => {
            format!("{share}; reached {enter} on {}, comes off below {leave}.", flag.start)
        }
        (_, Stand::AtLine | Stand::Below) => format!("{share}; the line is {enter}."),
    }
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
pub(super) fn clears_when(measured: &Absences, policy: &ChronicAbsence, left: Option<u32>) -> String {
    match measured.unknown_days {
        0 => comes_off(measured.counts, policy, left),
        1 => "Cannot be said while 1 school day is unknown.".to_owned(),
        days => format!("Cannot be said while {days} school days are unknown."),
    }
}

fn comes_off(counts: Counts, policy: &ChronicAbsence, left: Option<u32>) -> String {
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
pub fn days_left_text(answer: &AbsenceRate) -> Option<String> {
    Some(match answer.days_left? {
        0 => "Chronic for the whole school year already.".to_owned(),
        1 => "1 more absence would make it chronic.".to_owned(),
        days => format!("{days} more absences would make it chronic."),
    })
}

/// `2026-09-17 no longer counts as absent.`; `None` when every date of `before` is still in `now`. Both are
/// in date order.
pub(super) fn correction_text(before: &[Date], now: &[Date]) -> Option<String> {
    let gone: Vec<String> = gone(before, now).map(|date| date.to_string()).collect();
    match gone.as_slice() {
        [] => None,
        [date] => Some(format!("{date} no longer counts as absent.")),
        [dates @ .., last] => Some(format!("{} and {last} no longer count as absent.", dates.join(", "))),
    }
}

/// What changed when the counts did and no date went.
pub(super) fn recount_text(before: Counts, now: Counts) -> String {
    format!("The school days behind this flag changed: {}, now {}.", share(before), share(now))
}

/// `2026-09-17 no longer counts as absent. As known now: absent 1 of 20 school days (5.0 %); the line is
/// 10 %.`
pub(super) fn withdrawn_text(before: &[Date], evaluation: &Evaluation) -> String {
    let Evaluation { answer, policy, .. } = evaluation;
    let correction = correction_text(before, &answer.absent_dates).map(|text| text + " ").unwrap_or_default();
    let (share, unknown) = (share(answer.counts()), unknown(answer.unknown_days));
    let is_too_early = |missing: &Missing| matches!(missing, Missing::MinDays { .. });
    let why = match answer.missing.iter().find(|missing| is_too_early(missing)) {
        Some(too_early) => too_early.to_string(),
        None => format!("the line is {}", line(policy.enter())),
    };
    format!("{correction}As known now: absent {share}{unknown}; {why}.")
}

/// `Fell below 9 % on 2026-10-12. Absent 3 of 34 school days (8.8 %) now.`; where the rate has risen again meanwhile, `Fell
/// below 9 % on 2026-10-12, absent 3 of 34 school days (8.8 %). Absent 5 of 38 school days (13.2 %) now.`
pub(super) fn cleared_text(episode: &Episode, end: Date, evaluation: &Evaluation) -> String {
    let (leave, counts) = (evaluation.policy.leave(), evaluation.answer.counts());
    let then = if counts.reaches(leave) {
        format!(", absent {}{}", share(episode.counts), unknown(episode.unknown_days))
    } else {
        String::new()
    };
    let now = format!("Absent {}{} now.", share(counts), unknown(evaluation.answer.unknown_days));
    format!("Fell below {} on {end}{then}. {now}", line(leave))
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
    use crate::judged::Measure;

    fn counts(absent_half_days: u32, expected_days: u32) -> Counts {
        Counts { absent_half_days, expected_days }
    }

    fn measured(absent_half_days: u32, expected_days: u32) -> Absences {
        let counts = counts(absent_half_days, expected_days);
        Absences { counts, unknown_days: 0, dates: Vec::new() }
    }

    /// The reason of a flag that was told with it.
    fn reason(flag: &Flag) -> Reason {
        let measured = Absences::of(&flag.measured).expect("a flag of chronic absence");
        of_flag(flag, measured, &ChronicAbsence::default())
    }

    fn flag(absent_half_days: u32, expected_days: u32) -> Flag {
        Flag {
            number: 1,
            state: FlagState::Open,
            start: date(2026, 9, 21),
            until: date(2026, 10, 12),
            measured: measured(absent_half_days, expected_days).keep(),
            acknowledgement: None,
            history: Vec::new(),
            unconfirmed: false,
        }
    }

    #[test]
    fn rates_read_as_people_say_them() {
        for (absent_half_days, expected_days, text, short) in [
            (4, 20, "Absent 2 of 20 school days (10.0 %); the line is 10 %.", "2/20"),
            (5, 20, "Absent 2.5 of 20 school days (12.5 %); the line is 10 %.", "2.5/20"),
            (1, 200, "Absent 0.5 of 200 school days (0.3 %); the line is 10 %.", "0.5/200"),
            (8, 38, "Absent 4 of 38 school days (10.5 %); the line is 10 %.", "4/38"),
            (2, 1, "Absent 1 of 1 school day (100.0 %); the line is 10 %.", "1/1"),
            (0, 0, "Absent 0 of 0 school days; the line is 10 %.", "0/0"),
        ] {
            let reason = reason(&flag(absent_half_days, expected_days));
            assert_eq!((reason.text.as_str(), reason.value.as_str()), (text, short));
        }
        let told = Absences { unknown_days: 53, ..measured(14, 7) };
        let flag = Flag { measured: told.keep(), ..flag(14, 7) };
        let text = reason(&flag).text;
        assert_eq!(text, "Absent 7 of 7 school days (100.0 %), 53 more are unknown; the line is 10 %.");
    }

    /// Whatever the rate did since a flag was raised, cleared or the rule changed: value, operator and threshold are true.
    #[test]
    fn a_reason_states_what_holds() {
        let cleared = Flag { state: FlagState::Cleared, ..flag(8, 45) };
        for (flag, holds, text) in [
            (flag(10, 50), "5/50 >= 10%", "Absent 5 of 50 school days (10.0 %); the line is 10 %."),
            (
                flag(10, 54),
                "5/54 >= 9%",
                "Absent 5 of 54 school days (9.3 %); reached 10 % on 2026-09-21, comes off below 9 %.",
            ),
            (
                cleared,
                "4/45 < 9%",
                "Absent 4 of 45 school days (8.9 %) on 2026-10-12; it comes off below 9 %.",
            ),
            (flag(8, 45), "4/45 < 9%", "Absent 4 of 45 school days (8.9 %); the line is 10 %."),
        ] {
            let Reason { value, operator, threshold, text: said, .. } = reason(&flag);
            assert_eq!((format!("{value} {operator} {threshold}"), said.as_str()), (holds.to_owned(), text));
        }
    }

    #[test]
    fn clears_when_counts_the_days_it_takes() {
        let federal = ChronicAbsence::default();
        let leave = |text: &str| {
            let (enter, leave) = ("10%".parse().expect("valid"), text.parse().expect("valid"));
            ChronicAbsence::new(enter, leave, 20, crate::HalfDay::Whole).expect("sound")
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
        let federal = ChronicAbsence::default();
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
