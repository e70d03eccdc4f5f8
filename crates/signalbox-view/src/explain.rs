//! Why a flag stands, and the same computed again from the log.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;
use signalbox_event::data::{Reason, StudentRef};
use signalbox_event::{Event, Kind};
use signalbox_hub::{Hub, HubError};
use signalbox_risk::policy_hash;
use signalbox_scoring::coverage::reference_version;
use signalbox_scoring::{observation, reason_of, student_ref};
use uuid::Uuid;

use super::LocalTime;
use super::flags::{self, Found};
use super::student::Judge;
use super::verify::Replay;

/// `signalbox explain FLAG`
#[derive(Debug, Serialize)]
pub struct Explanation {
    pub flag_id: Uuid,
    pub rule: String,
    pub domain: &'static str,
    pub student: StudentRef,
    pub state: &'static str,
    /// Whether it goes on depends on what is unknown: it stands as it was.
    pub unconfirmed: bool,
    /// The last day that its reasons speak of.
    pub told_as_of: Date,
    /// Of one that is unconfirmed, the days that are unknown.
    pub unknown_dates: Vec<Date>,
    /// All that is to be known before it is certain, those days too, each in a sentence without its stop.
    pub unknown: Vec<String>,
    pub reasons: Vec<Reason>,
    pub days_left: Option<u32>,
    pub clears_when: Option<String>,
    pub history: Vec<HistoryLine>,
    /// What else stands of the student: rules decide apart, and people see what moves together.
    pub together: Vec<Beside>,
    pub certificate: Certificate,
    /// Whether the log gives the same again; `None` unless asked.
    pub verified: Option<bool>,
}

#[derive(Debug, Serialize)]
pub struct HistoryLine {
    pub at: LocalTime,
    pub kind: &'static str,
    pub text: String,
}

/// Another open flag of the student's.
#[derive(Debug, Serialize)]
pub struct Beside {
    pub flag_id: Uuid,
    pub rule: String,
    pub domain: &'static str,
    /// The day on which its line was reached.
    pub since: Date,
    /// Why, in one sentence.
    pub text: String,
}

/// What the decision rests on, at its own place on the log.
#[derive(Debug, Serialize)]
pub struct Certificate {
    pub policy_hash: String,
    pub code_version: &'static str,
    pub as_of: String,
    pub reference_version: String,
    /// The events that said by then what is known of the student in that school year.
    pub events: Vec<Uuid>,
}

/// Explains a flag; with `verify`, folds the log again up to where the flag was decided, and compares.
pub async fn explain(
    hub: &Hub,
    found: &Found,
    verify: bool,
    now: Timestamp,
) -> Result<Option<Explanation>, HubError> {
    let Some((kept, flag)) = found.kept() else { return Ok(None) };
    let Some(basis) = kept.basis(found.number) else { return Ok(None) };
    let judge = Judge::load(hub, found.who.student, now).await?;
    let rule = &basis.rule;
    let now_known = judge.judge(found.who, &found.state, rule).answer();
    let (unknown_dates, unknown) =
        if flag.unconfirmed { judge.open_questions(found, flag) } else { Default::default() };
    let replay = Replay::of(hub, found.who, &basis.place).await?;
    let enrollment = judge.enrollment_of(&found.state, flag);
    let verified = if verify { Some(replay.verifies(hub, found, flag, basis).await?) } else { None };
    Ok(Some(Explanation {
        flag_id: flags::id(hub, found.who, &found.rule, flag.number),
        rule: found.rule.clone(),
        domain: rule.domain(),
        student: student_ref(found.state.profile.as_ref(), enrollment),
        state: flag.state.as_str(),
        unconfirmed: flag.unconfirmed,
        reasons: rule.settings.reasons(flag).iter().map(reason_of).collect(),
        days_left: now_known.days_left,
        clears_when: if flag.state.is_live() {
            let left = judge.school_days_after(found, now_known.as_of.unwrap_or(flag.until));
            rule.settings.clears_when(flag, Some(left))
        } else {
            None
        },
        unknown_dates,
        unknown,
        told_as_of: flag.until,
        together: together(hub, found),
        history: flag
            .history
            .iter()
            .map(|entry| HistoryLine {
                at: LocalTime::new(entry.at, &hub.settings.district.zone),
                kind: entry.kind.as_str(),
                text: entry.text.clone(),
            })
            .collect(),
        certificate: Certificate {
            policy_hash: policy_hash(std::slice::from_ref(rule)),
            code_version: env!("CARGO_PKG_VERSION"),
            as_of: basis.as_of.to_string(),
            reference_version: reference_version(basis.place.calendars, basis.place.turns),
            events: newest(&replay.events, rule.settings.reads()),
        },
        verified,
    }))
}

/// The student's other flags of that school year that are open.
fn together(hub: &Hub, found: &Found) -> Vec<Beside> {
    let mut beside = Vec::new();
    for kept in found.state.rules.iter().filter(|kept| kept.rule != found.rule) {
        for flag in kept.announced.flags().iter().filter(|flag| flag.state.is_live()) {
            let Some(basis) = kept.basis(flag.number) else { continue };
            let texts: Vec<String> =
                basis.rule.settings.reasons(flag).into_iter().map(|reason| reason.text).collect();
            beside.push(Beside {
                flag_id: flags::id(hub, found.who, &kept.rule, flag.number),
                rule: kept.rule.clone(),
                domain: basis.rule.domain(),
                since: flag.start,
                text: texts.join(" "),
            });
        }
    }
    beside
}

/// The ids of the events that stand of those that the rule reads: per feed and fact the one of the highest revision.
fn newest(events: &[Event], reads: &str) -> Vec<Uuid> {
    let mut newest: std::collections::BTreeMap<_, (u64, Uuid)> = std::collections::BTreeMap::new();
    let is_read = |event: &&Event| [reads, Kind::RosterEnrollment.short()].contains(&event.kind().short());
    for event in events.iter().filter(is_read) {
        let Some(said) = observation(event) else { continue };
        let entry =
            newest.entry((said.feed.to_owned(), said.fact.key())).or_insert((event.revision, event.id));
        if event.revision > entry.0 {
            *entry = (event.revision, event.id);
        }
    }
    newest.into_values().map(|(_, id)| id).collect()
}
