//! Chronic absence: absent from a share of the school days, counted over all schools of the school year.
//!
//! # Layout
//! - `settings`: the thresholds, with their sources; `evaluate`: the days, walked in date order
//! - `words`: the sentences that people read

mod evaluate;
mod settings;
mod words;

use std::sync::Arc;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

pub(crate) use self::evaluate::is_enrolled_on;
pub use self::evaluate::{
    AbsenceRate, Counts, Episode, Evaluation, evaluate, school_days_after, unused_rows,
};
pub use self::settings::{ChronicAbsence, ChronicAbsenceError, HalfDay};
pub use self::words::{days_left_text, value};
use super::{Indicator, SettingFault};
use crate::announce::Flag;
use crate::judged::{Answer, Fares, Followed, Judged, Judging, Opens, Span, fares};
use crate::reasons::Reason;

/// What a flag was told with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Absences {
    pub counts: Counts,
    /// School days that nobody knew of then, in none of the counts.
    pub unknown_days: u32,
    /// Absent dates in `counts`.
    pub dates: Vec<Date>,
}

impl Indicator for ChronicAbsence {
    const NAME: &'static str = crate::CHRONIC_ABSENCE;
    const DOMAIN: &'static str = "attendance";
    const READS: &'static str = "attendance.daily";

    type Judged = Evaluation;

    fn fault(&self) -> Option<SettingFault> {
        settings::fault(self)
    }

    fn needs(&self) -> (&'static str, Vec<&'static str>) {
        ("category", self.words_of_absence().collect())
    }

    fn judge(&self, on: &Judging<'_>) -> Evaluation {
        evaluate(on.registers, on.reference, self, on.school_year, on.as_of)
    }

    fn reasons(&self, flag: &Flag, measured: &Absences) -> Vec<Reason> {
        vec![words::of_flag(flag, measured, self)]
    }

    fn clears_when(&self, _: &Flag, measured: &Absences, left: Option<u32>) -> String {
        words::clears_when(measured, self, left)
    }
}

impl Judged for Evaluation {
    type Measured = Absences;

    fn answer(&self) -> Answer {
        let AbsenceRate { expected_days, unknown_days, .. } = self.answer;
        let value = (expected_days > 0).then(|| words::value(self.answer.counts()));
        let text = value.as_ref().map(|value| format!("{value} school days absent"));
        Answer {
            status: self.answer.status,
            value,
            text: text.unwrap_or_else(|| "no school day is known".to_owned()),
            n: expected_days,
            unknown: unknown_days,
            unknown_dates: self.answer.unknown_dates.clone(),
            as_of: self.answer.as_of,
            missing: self.answer.missing.clone(),
            days_left: self.answer.days_left,
            feeds: self.answer.feeds.clone(),
        }
    }

    fn as_of(&self) -> Option<Date> {
        self.answer.as_of
    }

    fn feeds(&self) -> &[Arc<str>] {
        &self.answer.feeds
    }

    fn decides(&self) -> bool {
        !self.lacks_data()
    }

    fn opens(&self, told: &[Absences]) -> Option<Opens<Absences>> {
        let since = self.open_since().filter(|_| told.is_empty())?;
        Some(Opens { since, measured: self.absences() })
    }

    fn follow(&self, flag: Span, _: &Absences) -> Followed<Absences> {
        let span = |episode: &Episode| Span { start: episode.start, end: episode.end };
        let certain: Vec<Span> = self.episodes.iter().map(span).collect();
        let possible: Vec<Span> = self.possible().iter().map(span).collect();
        match fares(flag, &certain, &possible) {
            Fares::Gone => Followed::Gone,
            Fares::Open(since) => Followed::Open(since),
            Fares::Ended(at, start) => {
                let episode = &self.possible()[at];
                let end = episode.end.expect("it ended");
                let text = words::cleared_text(episode, end, self);
                Followed::Ended { start, end, measured: self.until(episode, end), text }
            }
        }
    }

    fn measured(&self, _: &Absences) -> Absences {
        self.absences()
    }

    fn raised(&self, flag: &Flag, told: &Absences) -> String {
        words::flag_text(flag, told, &self.policy)
    }

    fn correction(&self, before: &Absences) -> Option<String> {
        words::correction_text(&before.dates, &self.answer.absent_dates)
    }

    fn recount(&self, before: &Absences) -> Option<String> {
        let now = self.answer.counts();
        (before.counts != now).then(|| words::recount_text(before.counts, now))
    }

    fn withdrawn(&self, before: &Absences) -> String {
        words::withdrawn_text(&before.dates, self)
    }
}

impl Evaluation {
    fn absences(&self) -> Absences {
        Absences {
            counts: self.answer.counts(),
            unknown_days: self.answer.unknown_days,
            dates: self.answer.absent_dates.clone(),
        }
    }

    /// What came after the end of an episode is no part of it.
    fn until(&self, episode: &Episode, end: Date) -> Absences {
        let dates = self.answer.absent_dates.iter().copied().filter(|date| *date <= end).collect();
        Absences { counts: episode.counts, unknown_days: episode.unknown_days, dates }
    }
}
