//! The difference between an evaluation and what was announced: the only part that depends on history.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::evaluate::{Counts, Episode, Evaluation};
use crate::reasons;

mod acts;
#[cfg(test)]
mod completions;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod unknown;

pub use acts::ActError;

/// All flags ever announced for one student, school year and rule. Flags are numbered 1, 2, 3 … and never
/// removed, so a number names the same flag for ever.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announced {
    flags: Vec<Flag>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flag {
    /// From 1, in the order of raising.
    pub number: u32,
    pub state: FlagState,
    /// Start of the episode that this flag stands for.
    pub start: Date,
    /// The last covered day on which that episode was seen open, or its end.
    pub until: Date,
    /// As last seen while the flag was live; a withdrawn flag keeps what it was told with, one that is cleared has those of
    /// the day on which it was.
    pub counts: Counts,
    /// School days that nobody knew of then, in none of the counts.
    pub unknown_days: u32,
    /// Absent dates in `counts`.
    pub evidence: Vec<Date>,
    pub acknowledgement: Option<Acknowledgement>,
    /// Oldest first.
    pub history: Vec<HistoryEntry>,
    /// Live, and stands as it was told: whether its episode goes on depends on days that are unknown.
    pub unconfirmed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlagState {
    Open,
    /// A person said that it is not a concern. It still follows its episode: no second flag is raised for
    /// it, and it is cleared or withdrawn like an open one.
    Dismissed,
    /// The episode ended.
    Cleared,
    /// As known now, the episode never was.
    Withdrawn,
    /// The school year is over.
    Ended,
}

impl FlagState {
    pub const fn as_str(self) -> &'static str {
        match self {
            FlagState::Open => "open",
            FlagState::Dismissed => "dismissed",
            FlagState::Cleared => "cleared",
            FlagState::Withdrawn => "withdrawn",
            FlagState::Ended => "ended",
        }
    }

    /// Open or dismissed: the flag stands for an episode that goes on.
    pub const fn is_live(self) -> bool {
        matches!(self, FlagState::Open | FlagState::Dismissed)
    }
}

/// A person has taken note of a flag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledgement {
    pub by: String,
    pub reason: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    pub at: Timestamp,
    pub kind: HistoryKind,
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HistoryKind {
    Raised,
    Corrected,
    Acknowledged,
    Dismissed,
    Cleared,
    Withdrawn,
    Ended,
}

impl HistoryKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            HistoryKind::Raised => "raised",
            HistoryKind::Corrected => "corrected",
            HistoryKind::Acknowledged => "acknowledged",
            HistoryKind::Dismissed => "dismissed",
            HistoryKind::Cleared => "cleared",
            HistoryKind::Withdrawn => "withdrawn",
            HistoryKind::Ended => "ended",
        }
    }
}

/// Something to tell about one flag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlagChange {
    pub number: u32,
    pub kind: FlagChangeKind,
    /// For people; no names, dates in ISO 8601.
    pub reason: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlagChangeKind {
    Raised,
    Cleared,
    Withdrawn,
}

impl FlagChangeKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            FlagChangeKind::Raised => "raised",
            FlagChangeKind::Cleared => "cleared",
            FlagChangeKind::Withdrawn => "withdrawn",
        }
    }
}

/// Brings `announced` in line with the evaluation and says what changed. A second call with the same
/// evaluation changes nothing.
///
/// A live flag follows the last episode that could be and overlaps its interval: none withdraws it, an ended one clears
/// it, an open one keeps it. Kept, it is brought up to date if the line is certainly crossed, and else it stays as it was
/// told, unconfirmed. A certain episode that is open and that no live flag claims raises a new number; one that began
/// and ended before it could be announced stays unannounced. While enrolment, calendar or coverage is missing nothing
/// changes at all: absence of data neither raises nor clears.
pub fn announce(evaluation: &Evaluation, announced: &mut Announced, now: Timestamp) -> Vec<FlagChange> {
    if evaluation.lacks_data() {
        return Vec::new();
    }
    let mut changes = Vec::new();
    let mut is_claimed = false;
    for flag in announced.flags.iter_mut().filter(|flag| flag.state.is_live()) {
        match flag.last_overlapping(evaluation.possible()) {
            None => changes.push(flag.withdraw(evaluation, now)),
            Some(episode @ Episode { end: Some(end), .. }) => {
                changes.push(flag.clear(&episode, end, evaluation, now));
            }
            Some(Episode { start, end: None, .. }) => {
                is_claimed = true;
                flag.keep(start, evaluation, now);
            }
        }
    }
    if let Some(start) = evaluation.open_since()
        && !is_claimed
    {
        changes.push(announced.raise(start, evaluation, now));
    }
    changes
}

impl Announced {
    /// Every flag ever announced, by number.
    pub fn flags(&self) -> &[Flag] {
        &self.flags
    }

    pub fn flag(&self, number: u32) -> Option<&Flag> {
        self.flags.iter().find(|flag| flag.number == number)
    }

    /// The school year is not the running one: what is live ends, and nobody is told. Answers whether anything did.
    pub fn end_year(&mut self, is_over: bool, now: Timestamp) -> bool {
        let why = if is_over { reasons::YEAR_OVER } else { reasons::YEAR_TO_COME };
        let live = self.flags.iter_mut().filter(|flag| flag.state.is_live());
        live.fold(false, |_, flag| {
            flag.end(FlagState::Ended, HistoryKind::Ended, why.to_owned(), now);
            true
        })
    }

    fn raise(&mut self, start: Date, evaluation: &Evaluation, now: Timestamp) -> FlagChange {
        let mut flag = Flag {
            number: self.flags.len() as u32 + 1,
            state: FlagState::Open,
            start,
            until: start,
            counts: Counts::default(),
            unknown_days: 0,
            evidence: Vec::new(),
            acknowledgement: None,
            history: Vec::new(),
            unconfirmed: false,
        };
        flag.refresh(start, evaluation.answer.as_of, evaluation);
        let reason = reasons::flag_text(&flag, &evaluation.policy);
        flag.record(now, HistoryKind::Raised, reason.clone());
        let number = flag.number;
        self.flags.push(flag);
        FlagChange { number, kind: FlagChangeKind::Raised, reason }
    }
}

impl Flag {
    fn last_overlapping(&self, episodes: &[Episode]) -> Option<Episode> {
        episodes.iter().rev().find(|episode| self.overlaps(episode)).copied()
    }

    fn overlaps(&self, episode: &Episode) -> bool {
        episode.start <= self.until && episode.end.is_none_or(|end| self.start <= end)
    }

    /// `since` is where the possible episode begins that the flag follows.
    fn keep(&mut self, since: Date, evaluation: &Evaluation, now: Timestamp) {
        self.unconfirmed = evaluation.open_since().is_none();
        if !self.unconfirmed {
            self.correct(evaluation, now);
            self.refresh(self.start_within(since, evaluation), evaluation.answer.as_of, evaluation);
        }
    }

    fn clear(&mut self, episode: &Episode, end: Date, evaluation: &Evaluation, now: Timestamp) -> FlagChange {
        self.correct(evaluation, now);
        self.refresh(self.start_within(episode.start, evaluation), Some(end), evaluation);
        // What came after its end is no part of it.
        self.counts = episode.counts;
        self.unknown_days = episode.unknown_days;
        self.evidence.retain(|date| *date <= end);
        let reason = reasons::cleared_text(episode, end, evaluation);
        self.end(FlagState::Cleared, HistoryKind::Cleared, reason.clone(), now);
        FlagChange { number: self.number, kind: FlagChangeKind::Cleared, reason }
    }

    /// Where its episode certainly began: the possible one since `since` may be several.
    fn start_within(&self, since: Date, evaluation: &Evaluation) -> Date {
        let certain =
            evaluation.episodes.iter().find(|episode| episode.start >= since && self.overlaps(episode));
        certain.map_or(self.start, |episode| episode.start)
    }

    fn withdraw(&mut self, evaluation: &Evaluation, now: Timestamp) -> FlagChange {
        if !self.correct(evaluation, now) && self.counts != evaluation.answer.counts() {
            let text = reasons::recount_text(self.counts, evaluation.answer.counts());
            self.record(now, HistoryKind::Corrected, text);
        }
        let reason = reasons::withdrawn_text(&self.evidence, evaluation);
        self.end(FlagState::Withdrawn, HistoryKind::Withdrawn, reason.clone(), now);
        FlagChange { number: self.number, kind: FlagChangeKind::Withdrawn, reason }
    }

    /// Notes in the history that kept evidence is gone; answers whether it did.
    fn correct(&mut self, evaluation: &Evaluation, now: Timestamp) -> bool {
        let text = reasons::correction_text(&self.evidence, &evaluation.answer.absent_dates);
        let is_corrected = text.is_some();
        if let Some(text) = text {
            self.record(now, HistoryKind::Corrected, text);
        }
        is_corrected
    }

    fn refresh(&mut self, start: Date, until: Option<Date>, evaluation: &Evaluation) {
        self.start = start;
        self.until = until.map_or(start, |until| until.max(start));
        self.counts = evaluation.answer.counts();
        self.unknown_days = evaluation.answer.unknown_days;
        self.evidence.clone_from(&evaluation.answer.absent_dates);
    }

    fn end(&mut self, state: FlagState, kind: HistoryKind, text: String, now: Timestamp) {
        self.state = state;
        self.unconfirmed = false;
        self.record(now, kind, text);
    }

    fn record(&mut self, at: Timestamp, kind: HistoryKind, text: String) {
        self.history.push(HistoryEntry { at, kind, text });
    }
}
