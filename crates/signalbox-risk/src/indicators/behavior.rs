//! Behavior: so many incidents within some time.
//!
//! Incidents are walked in the order of their days. Where some are not known to count (of a category that nobody mapped, or of
//! no day), they are walked twice: none of them counts, and all do.

#[cfg(test)]
mod tests;
mod walk;

use std::sync::Arc;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::walk::{Walked, walk};
use super::course_failure::SchoolDays;
use super::{Indicator, SettingFault};
use crate::announce::{Flag, FlagState};
use crate::judged::{Answer, Fares, Followed, Judged, Judging, Missing, Opens, Span, Status, fares};
use crate::observation::IncidentCategory;
use crate::reasons::{Evidence, Reason};

/// Code of the one reason that behavior has.
const BEHAVIOR_COUNT: &str = "BEHAVIOR_COUNT";

/// The settings. Balfanz, Herzog and Mac Iver (2007) found one suspension in grade 6 to tell; schools of PBIS look at two to five
/// referrals. None is the default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Behavior {
    /// Which incidents count.
    categories: Vec<IncidentCategory>,
    /// A flag is raised at so many.
    at_least: u32,
    /// It is cleared below so many; by default `at_least`.
    #[serde(default)]
    leave: Option<u32>,
    /// Those of so many school days count, the day itself included; by default all of the school year.
    #[serde(default)]
    within: Option<SchoolDays>,
}

/// The incidents that a flag was told with, in the order of their days.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountedIncidents {
    pub counted: Vec<CountedIncident>,
    /// Incidents that may count or not.
    pub unknown: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CountedIncident {
    pub date: Date,
    pub incident: Box<str>,
    pub category: IncidentCategory,
}

impl Behavior {
    fn leave(&self) -> u32 {
        self.leave.unwrap_or(self.at_least)
    }

    /// `within 45 school days`, `this school year`
    fn span(&self) -> String {
        match self.within {
            Some(SchoolDays { school_days: 1 }) => "on 1 school day".to_owned(),
            Some(SchoolDays { school_days }) => format!("within {school_days} school days"),
            None => "this school year".to_owned(),
        }
    }

    /// `2 incidents within 45 school days; the line is 2.`
    fn sentence(&self, flag: &Flag, measured: &CountedIncidents) -> String {
        let count = incidents(measured.counted.len());
        let unknown = match measured.unknown {
            0 => String::new(),
            1 => ", 1 more may count".to_owned(),
            more => format!(", {more} more may count"),
        };
        let (span, line, leave) = (self.span(), self.at_least, self.leave());
        match flag.state {
            // Of one whose rule no longer fits the count is as it was told.
            FlagState::Cleared if measured.counted.len() < leave as usize => {
                format!("{count} {span}{unknown} on {}; it comes off below {leave}.", flag.until)
            }
            _ => format!("{count} {span}{unknown}; the line is {line}."),
        }
    }
}

fn incidents(count: usize) -> String {
    if count == 1 { "1 incident".to_owned() } else { format!("{count} incidents") }
}

impl Indicator for Behavior {
    const NAME: &'static str = "behavior";
    const DOMAIN: &'static str = "behavior";
    const READS: &'static str = "behavior.incident";

    type Judged = IncidentsJudged;

    fn fault(&self) -> Option<SettingFault> {
        let Self { categories, at_least, leave, within } = self;
        let never = |key, message: &str, help: &str| Some(SettingFault::new(key, message, help));
        if categories.is_empty() {
            return never(
                "categories",
                "no category counts: the rule can never fire",
                "e.g. [major, suspension_out]",
            );
        }
        if categories.contains(&IncidentCategory::Unknown) {
            return never("categories", "unknown is no category that could count", "take it out");
        }
        if *at_least == 0 {
            return never(
                "at_least",
                "at_least must be at least 1: none flags every student",
                "e.g. at_least: 2",
            );
        }
        if leave.is_some_and(|leave| leave > *at_least || leave == 0) {
            return never("leave", "leave lies between 1 and at_least", "a flag comes off below it");
        }
        if within.is_some_and(|within| within.school_days == 0) {
            return never("within", "within must be at least 1 school day", "e.g. within: {school_days: 45}");
        }
        None
    }

    fn needs(&self) -> (&'static str, Vec<&'static str>) {
        ("category", self.categories.iter().map(|category| category.as_str()).collect())
    }

    fn judge(&self, on: &Judging<'_>) -> IncidentsJudged {
        IncidentsJudged { settings: self.clone(), walked: walk(self, on), as_of: on.as_of }
    }

    fn reasons(&self, flag: &Flag, measured: &CountedIncidents) -> Vec<Reason> {
        let count = measured.counted.len() as u32;
        // Below the line a flag stands until it is under the lower one.
        let (operator, threshold) = if count >= self.at_least {
            (">=", self.at_least)
        } else if count >= self.leave() {
            (">=", self.leave())
        } else {
            ("<", self.leave())
        };
        let evidence = |one: &CountedIncident| Evidence {
            date: one.date,
            what: one.category.as_str().to_owned(),
            reference: Some(one.incident.to_string()),
        };
        vec![Reason {
            code: BEHAVIOR_COUNT,
            text: self.sentence(flag, measured),
            value: measured.counted.len().to_string(),
            operator,
            threshold: threshold.to_string(),
            evidence: measured.counted.iter().map(evidence).collect(),
            counts: None,
        }]
    }

    fn clears_when(&self, _: &Flag, _: &CountedIncidents, _: Option<u32>) -> String {
        match self.within {
            Some(SchoolDays { school_days }) => {
                format!("Comes off when fewer than {} lie within {school_days} school days.", self.leave())
            }
            None => "Stays on for the whole school year.".to_owned(),
        }
    }
}

/// What judging a student's incidents gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentsJudged {
    settings: Behavior,
    walked: Walked,
    as_of: Date,
}

impl Judged for IncidentsJudged {
    type Measured = CountedIncidents;

    fn answer(&self) -> Answer {
        let Walked { known, missing, .. } = &self.walked;
        let CountedIncidents { counted, unknown } = self.walked.measured_on(self.as_of);
        let count = counted.len();
        let unread = (unknown > 0).then_some(Missing::UnreadIncidents { incidents: unknown });
        Answer {
            status: if missing.is_empty() { Status::Ok } else { Status::Insufficient },
            value: missing.is_empty().then(|| count.to_string()),
            text: match count {
                _ if !missing.is_empty() => "nothing is known".to_owned(),
                1 => "1 incident that counts".to_owned(),
                count => format!("{count} incidents that count"),
            },
            n: *known,
            unknown,
            unknown_dates: Vec::new(),
            as_of: self.as_of(),
            missing: missing.iter().cloned().chain(unread).collect(),
            days_left: None,
            feeds: self.walked.feeds.clone(),
        }
    }

    fn as_of(&self) -> Option<Date> {
        self.walked.known_to
    }

    fn feeds(&self) -> &[Arc<str>] {
        &self.walked.feeds
    }

    /// Also of what was: with it the line may have been reached by then.
    fn open_questions(&self, _: &CountedIncidents) -> Vec<String> {
        let missing = self.walked.missing.iter().map(Missing::to_string);
        missing.chain(self.walked.may_count()).collect()
    }

    fn decides(&self) -> bool {
        let hides = |missing: &Missing| matches!(missing, Missing::Calendar { .. } | Missing::Enrollment);
        !self.walked.missing.iter().any(hides)
    }

    fn opens(&self, told: &[CountedIncidents]) -> Option<Opens<CountedIncidents>> {
        let open = self.walked.certain.last().filter(|span| span.end.is_none() && told.is_empty())?;
        Some(Opens { since: open.start, measured: self.walked.measured_on(self.as_of) })
    }

    fn follow(&self, flag: Span, _: &CountedIncidents) -> Followed<CountedIncidents> {
        match fares(flag, &self.walked.certain, &self.walked.possible) {
            Fares::Gone => Followed::Gone,
            Fares::Open(since) => Followed::Open(since),
            Fares::Ended(at, start) => {
                let end = self.walked.possible[at].end.expect("it ended");
                let measured = self.walked.measured_on(end);
                let (count, span) = (incidents(measured.counted.len()), self.settings.span());
                let text = format!("Fell below {} on {end}: {count} {span}.", self.settings.leave());
                Followed::Ended { start, end, measured, text }
            }
        }
    }

    fn measured(&self, _: &CountedIncidents) -> CountedIncidents {
        self.walked.measured_on(self.as_of)
    }

    fn looks_again(&self) -> Option<Date> {
        self.walked.next_change
    }

    fn raised(&self, flag: &Flag, told: &CountedIncidents) -> String {
        self.settings.sentence(flag, told)
    }

    fn correction(&self, before: &CountedIncidents) -> Option<String> {
        let stands = |told: &CountedIncident| {
            self.walked.counted.iter().any(|now| now.incident == told.incident && now.date == told.date)
        };
        let gone: Vec<&CountedIncident> = before.counted.iter().filter(|told| !stands(told)).collect();
        match gone.as_slice() {
            [] => None,
            [one] => Some(format!("The incident of {} no longer counts.", one.date)),
            several => {
                let dates: Vec<String> = several.iter().map(|one| one.date.to_string()).collect();
                Some(format!("The incidents of {} no longer count.", dates.join(", ")))
            }
        }
    }

    fn recount(&self, before: &CountedIncidents) -> Option<String> {
        let now = self.measured(before);
        (now != *before).then(|| format!("What counts changed: {} now.", incidents(now.counted.len())))
    }

    fn withdrawn(&self, before: &CountedIncidents) -> String {
        let correction = self.correction(before).map(|text| text + " ").unwrap_or_default();
        let (count, span) = (incidents(self.measured(before).counted.len()), self.settings.span());
        format!("{correction}As known now: {count} {span}; the line is {}.", self.settings.at_least)
    }
}
