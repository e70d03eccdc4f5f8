//! The difference between a judgement and what was announced: the only part that depends on history. The same for every rule.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::indicators::Measured;
use crate::judged::{Followed, Judged, Measure, Opens, Span};
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
    /// As last seen while the flag was live; a withdrawn flag keeps what it was told with, one that is cleared has what held
    /// on the day on which it was.
    pub measured: Measured,
    pub acknowledgement: Option<Acknowledgement>,
    /// Oldest first.
    pub history: Vec<HistoryEntry>,
    /// Live, and stands as it was told: whether its episode goes on depends on what is unknown.
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

/// Brings `announced` in line with the judgement and says what changed. A second call with the same
/// judgement changes nothing.
///
/// A live flag follows the last episode that could be and overlaps its interval: none withdraws it, an ended one clears
/// it, an open one keeps it. Kept, it is brought up to date if the line is certainly crossed, and else it stays as it was
/// told, unconfirmed. A certain episode that is open and that no live flag stands for raises a new number; one that began
/// and ended before it could be announced stays unannounced. While what it would be judged on is missing
/// nothing is told: absence of data neither raises nor clears, and what is live is unconfirmed.
pub fn announce<J: Judged>(judged: &J, announced: &mut Announced, now: Timestamp) -> Vec<FlagChange> {
    if !judged.decides() {
        announced.unconfirm();
        return Vec::new();
    }
    let mut changes = Vec::new();
    let mut standing = Vec::new();
    for flag in announced.flags.iter_mut().filter(|flag| flag.state.is_live()) {
        let Some(told) = J::Measured::of(&flag.measured).cloned() else { continue };
        match judged.follow(flag.span(), &told) {
            Followed::Gone => changes.push(flag.withdraw(judged, &told, now)),
            Followed::Ended { start, end, measured, text } => {
                flag.correct(judged, &told, now);
                flag.refresh(start, Some(end), measured.keep());
                changes.push(flag.clear(text, now));
            }
            Followed::Open(since) => {
                flag.keep(since, judged, &told, now);
                standing.extend(J::Measured::of(&flag.measured).cloned());
            }
        }
    }
    if let Some(opens) = judged.opens(&standing) {
        changes.push(announced.raise(&opens, judged, now));
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

    /// Whether the rule is one for the student is not known, or what they would be judged on: what is live stands as it was
    /// told.
    pub fn unconfirm(&mut self) {
        for flag in self.flags.iter_mut().filter(|flag| flag.state.is_live()) {
            flag.unconfirmed = true;
        }
    }

    /// The rule is none of the student's any more: what is live comes off.
    pub fn no_longer_fits(&mut self, now: Timestamp) -> Vec<FlagChange> {
        let live = self.flags.iter_mut().filter(|flag| flag.state.is_live());
        live.map(|flag| flag.clear(reasons::NO_LONGER_FITS.to_owned(), now)).collect()
    }

    fn raise<J: Judged>(&mut self, opens: &Opens<J::Measured>, judged: &J, now: Timestamp) -> FlagChange {
        let start = opens.since;
        let mut flag = Flag {
            number: self.flags.len() as u32 + 1,
            state: FlagState::Open,
            start,
            until: start,
            measured: opens.measured.clone().keep(),
            acknowledgement: None,
            history: Vec::new(),
            unconfirmed: false,
        };
        flag.until = judged.as_of().map_or(start, |until| until.max(start));
        let reason = judged.raised(&flag, &opens.measured);
        flag.record(now, HistoryKind::Raised, reason.clone());
        let number = flag.number;
        self.flags.push(flag);
        FlagChange { number, kind: FlagChangeKind::Raised, reason }
    }
}

impl Flag {
    /// Of the episode that it stands for, as far as it was seen.
    const fn span(&self) -> Span {
        Span { start: self.start, end: Some(self.until) }
    }

    /// `since`: where its episode certainly began.
    fn keep<J: Judged>(&mut self, since: Option<Date>, judged: &J, told: &J::Measured, now: Timestamp) {
        self.unconfirmed = since.is_none();
        if let Some(since) = since {
            self.correct(judged, told, now);
            self.refresh(since, judged.as_of(), judged.measured(told).keep());
        }
    }

    fn clear(&mut self, reason: String, now: Timestamp) -> FlagChange {
        self.end(FlagState::Cleared, HistoryKind::Cleared, reason.clone(), now);
        FlagChange { number: self.number, kind: FlagChangeKind::Cleared, reason }
    }

    fn withdraw<J: Judged>(&mut self, judged: &J, told: &J::Measured, now: Timestamp) -> FlagChange {
        if !self.correct(judged, told, now)
            && let Some(text) = judged.recount(told)
        {
            self.record(now, HistoryKind::Corrected, text);
        }
        let reason = judged.withdrawn(told);
        self.end(FlagState::Withdrawn, HistoryKind::Withdrawn, reason.clone(), now);
        FlagChange { number: self.number, kind: FlagChangeKind::Withdrawn, reason }
    }

    /// Notes in the history that kept evidence is gone; answers whether it did.
    fn correct<J: Judged>(&mut self, judged: &J, told: &J::Measured, now: Timestamp) -> bool {
        let text = judged.correction(told);
        let is_corrected = text.is_some();
        if let Some(text) = text {
            self.record(now, HistoryKind::Corrected, text);
        }
        is_corrected
    }

    fn refresh(&mut self, start: Date, until: Option<Date>, measured: Measured) {
        self.start = start;
        self.until = until.map_or(start, |until| until.max(start));
        self.measured = measured;
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
