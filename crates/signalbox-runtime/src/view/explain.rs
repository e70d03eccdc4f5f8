//! Why a flag stands, and the same computed again from the log.

use jiff::Timestamp;
use serde::Serialize;
use signalbox_event::data::{Reason, StudentRef};
use signalbox_event::{Data, Event};
use signalbox_risk::{Registers, reasons};
use uuid::Uuid;

use super::events::events_of;
use super::flags::{self, Found};
use super::student::Judge;
use crate::consume::student::StudentState;
use crate::consume::{observe, reason_of, student_ref};
use crate::hub::{Hub, HubError};

/// `signalbox explain FLAG`
#[derive(Debug, Serialize)]
pub struct Explanation {
    pub flag_id: Uuid,
    pub student: StudentRef,
    pub state: &'static str,
    pub reasons: Vec<Reason>,
    pub days_left: Option<u32>,
    pub clears_when: Option<String>,
    pub history: Vec<HistoryLine>,
    pub certificate: Certificate,
    /// Whether the log gives the same again; `None` unless asked.
    pub verified: Option<bool>,
}

#[derive(Debug, Serialize)]
pub struct HistoryLine {
    pub at: String,
    pub kind: &'static str,
    pub text: String,
}

/// What the decision rests on.
#[derive(Debug, Serialize)]
pub struct Certificate {
    pub policy_hash: String,
    pub code_version: &'static str,
    pub as_of: String,
    pub reference_version: String,
    /// The events that say what is known of the student in that school year.
    pub events: Vec<Uuid>,
}

/// Explains a flag; with `verify`, folds the student's events from the log again and compares.
pub async fn explain(
    hub: &Hub,
    found: &Found,
    verify: bool,
    now: Timestamp,
) -> Result<Option<Explanation>, HubError> {
    let Some(flag) = found.state.announced.flag(found.number) else { return Ok(None) };
    let judge = Judge::load(hub, found.who.student, now).await?;
    let evaluation = judge.evaluate(found.who, &found.state);
    let events = events_of(hub, found.who).await?;
    let policy = &judge.law.in_force.policy;
    Ok(Some(Explanation {
        flag_id: flags::id(hub, found.who, flag.number),
        student: student_ref(&found.state, flag.until),
        state: flag.state.as_str(),
        reasons: vec![reason_of(&reasons::of_flag(flag, policy))],
        days_left: evaluation.answer.days_left,
        clears_when: flag.state.is_live().then(|| reasons::clears_when(flag.counts, policy)),
        history: flag
            .history
            .iter()
            .map(|entry| HistoryLine {
                at: entry.at.to_string(),
                kind: entry.kind.as_str(),
                text: entry.text.clone(),
            })
            .collect(),
        certificate: Certificate {
            policy_hash: policy.policy_hash(),
            code_version: env!("CARGO_PKG_VERSION"),
            as_of: flag.until.to_string(),
            reference_version: judge.reference.version().to_owned(),
            events: newest(&events),
        },
        verified: verify.then(|| is_verified(&judge, found, &events)),
    }))
}

/// The ids of the events that stand: per feed and fact the one of the highest revision.
fn newest(events: &[Event]) -> Vec<Uuid> {
    let mut newest: std::collections::BTreeMap<_, (u64, Uuid)> = std::collections::BTreeMap::new();
    for event in events {
        let Some(key) = fact_key(event) else { continue };
        let entry = newest.entry(key).or_insert((event.revision, event.id));
        if event.revision > entry.0 {
            *entry = (event.revision, event.id);
        }
    }
    newest.into_values().map(|(_, id)| id).collect()
}

fn fact_key(event: &Event) -> Option<(String, String, String)> {
    let feed = event.feed()?.to_owned();
    match &event.data {
        Data::RosterEnrollment(enrollment) => {
            Some((feed, "enrollment".to_owned(), enrollment.enrollment_id.clone()))
        }
        Data::AttendanceDaily(day) => {
            Some((feed, day.school.clone().unwrap_or_default(), day.date.to_string()))
        }
        _ => None,
    }
}

/// Folds the events into fresh registers: they must be the stored ones, and while the flag is live, what it was told with
/// must come out again.
fn is_verified(judge: &Judge<'_>, found: &Found, events: &[Event]) -> bool {
    let mut registers = Registers::default();
    for event in events {
        if let Some(observation) = observe(event) {
            registers.apply(&observation);
        }
    }
    if digest(&registers) != digest(&found.state.registers) {
        return false;
    }
    let state = StudentState { registers, ..StudentState::default() };
    let evaluation = judge.evaluate(found.who, &state);
    let Some(flag) = found.state.announced.flag(found.number) else { return false };
    let overlaps = evaluation
        .episodes
        .iter()
        .any(|episode| episode.start <= flag.until && episode.end.is_none_or(|end| end >= flag.start));
    if flag.state.is_live() {
        overlaps
            && evaluation.answer.counts() == flag.counts
            && evaluation.answer.absent_dates == flag.evidence
    } else {
        overlaps == (flag.state == signalbox_risk::FlagState::Cleared)
    }
}

fn digest(registers: &Registers) -> Vec<u8> {
    let mut bytes = Vec::new();
    registers.digest_into(&mut |part| bytes.extend_from_slice(part));
    bytes
}
