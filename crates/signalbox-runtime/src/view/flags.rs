//! Flags and alerts, listed.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;
use serde_json::Value;
use signalbox_event::StudentKey;
use signalbox_event::id::flag_id;
use signalbox_risk::Flag;
use signalbox_store::outbox::{Entry, EntryState, TO_LOG};
use uuid::Uuid;

use super::listed::{Listed, TOLD};
use super::{PAGE, find_student, local, students};
use crate::hub::{Hub, HubError};
use crate::scoring::student::{RuleState, StudentState, StudentYear};

/// A line of `signalbox flags list`
#[derive(Debug, Clone, Serialize)]
pub struct FlagLine {
    pub flag_id: Uuid,
    pub student_key: StudentKey,
    pub student_id: Option<String>,
    pub rule: String,
    /// What people work on because of it: `attendance`, `course`, `behavior`.
    pub domain: &'static str,
    /// Of the enrolment that holds today, while the flag is live; later, of the one that held on `as_of`.
    pub school: Option<String>,
    pub grade: Option<String>,
    /// What was measured; of several reasons the first.
    pub value: Option<String>,
    pub state: &'static str,
    /// Whether it goes on depends on days that are unknown: it stands as it was told.
    pub unconfirmed: bool,
    /// The day on which the line was reached.
    pub since: String,
    /// The last covered day that was used.
    pub as_of: String,
    pub acknowledged_by: Option<String>,
}

/// A line of `signalbox alerts list`
#[derive(Debug, Clone, Serialize)]
pub struct AlertLine {
    pub alert_id: Uuid,
    #[serde(rename = "type")]
    pub kind: String,
    pub flag_id: Option<Uuid>,
    pub student_id: Option<String>,
    pub to: String,
    pub because: String,
    pub state: &'static str,
    pub attempts: u32,
    pub next_try: Option<String>,
    /// When it was decided.
    pub decided: String,
    /// Why it was not taken the last time.
    pub last_error: Option<String>,
    /// Why it is never sent.
    pub withheld: Option<String>,
}

/// A flag with the state it stands in.
#[derive(Debug, Clone)]
pub struct Found {
    pub who: StudentYear,
    pub state: StudentState,
    /// The name of its rule.
    pub rule: String,
    pub number: u32,
}

impl Found {
    /// What is kept of its rule, with the flag.
    pub fn kept(&self) -> Option<(&RuleState, &Flag)> {
        let kept = self.state.rule(&self.rule)?;
        Some((kept, kept.announced.flag(self.number)?))
    }
}

/// Every flag ever announced, the open ones first.
pub async fn flags(hub: &Hub, now: Timestamp) -> Result<Vec<FlagLine>, HubError> {
    let today = hub.settings.district.local_date(now);
    let mut lines = Vec::new();
    for shard in 0..hub.settings.topics.shards {
        students(hub, shard, |who, state| {
            lines.extend(of_student(hub, who, &state, today));
        })
        .await?;
    }
    lines.sort_by(|a, b| {
        let rank = |line: &FlagLine| (line.state != "open", line.student_id.clone(), line.since.clone());
        rank(a).cmp(&rank(b))
    });
    Ok(lines)
}

/// The lines of one student in one school year.
pub(crate) fn of_student(hub: &Hub, who: StudentYear, state: &StudentState, today: Date) -> Vec<FlagLine> {
    let of_rule = |kept: &RuleState| {
        let flags = kept.announced.flags().iter();
        flags.map(|flag| line(hub, who, state, (kept, flag), today)).collect::<Vec<_>>()
    };
    state.rules.iter().flat_map(of_rule).collect()
}

fn line(
    hub: &Hub,
    who: StudentYear,
    state: &StudentState,
    (kept, flag): (&RuleState, &Flag),
    today: Date,
) -> FlagLine {
    let on = if flag.state.is_live() { today } else { flag.until };
    let enrollment = state.registers.enrollment_on(on, |feed| hub.settings.authority(feed));
    let rule = kept.basis(flag.number).map(|basis| &basis.rule);
    let reasons = rule.map(|rule| rule.settings.reasons(flag)).unwrap_or_default();
    FlagLine {
        flag_id: id(hub, who, &kept.rule, flag.number),
        student_key: who.student,
        student_id: state.profile.as_ref().map(|profile| profile.id.clone()),
        rule: kept.rule.clone(),
        domain: flag.measured.domain(),
        school: enrollment.map(|enrollment| enrollment.school.to_owned()),
        grade: enrollment.and_then(|enrollment| enrollment.grade.map(str::to_owned)),
        value: reasons.into_iter().next().map(|reason| reason.value),
        state: flag.state.as_str(),
        unconfirmed: flag.unconfirmed,
        since: flag.start.to_string(),
        as_of: flag.until.to_string(),
        acknowledged_by: flag.acknowledgement.as_ref().map(|act| act.by.clone()),
    }
}

/// The id of a student's n-th flag of a rule.
pub fn id(hub: &Hub, who: StudentYear, rule: &str, number: u32) -> Uuid {
    flag_id(&hub.settings.district.id, who.student, who.school_year, rule, number)
}

/// The flags that a text names: by the beginning of their id, or by an id of their student's.
pub async fn find(hub: &Hub, named: &str) -> Result<Vec<Found>, HubError> {
    let start = named.trim_start_matches("F-").to_ascii_lowercase();
    let their_students = find_student(hub, named).await?;
    let mut found = Vec::new();
    for shard in 0..hub.settings.topics.shards {
        students(hub, shard, |who, state| {
            let is_theirs = their_students.contains(&who.student);
            for kept in &state.rules {
                for number in kept.announced.flags().iter().map(|flag| flag.number) {
                    let id = || id(hub, who, &kept.rule, number).to_string();
                    if is_theirs || !start.is_empty() && id().starts_with(&start) {
                        let rule = kept.rule.clone();
                        found.push(Found { who, state: state.clone(), rule, number });
                    }
                }
            }
        })
        .await?;
    }
    Ok(found)
}

/// Every alert, oldest first.
pub async fn alerts(hub: &Hub) -> Result<Vec<AlertLine>, HubError> {
    let (mut lines, mut listed) = (Vec::new(), Listed::default());
    let mut after = 0;
    loop {
        let entries = hub.outbox.entries(after, PAGE).await?;
        let Some(last) = entries.last() else { break };
        after = last.seq;
        for entry in &entries {
            listed.see(entry);
        }
        lines.extend(
            entries
                .iter()
                .filter(|entry| entry.target != TO_LOG && entry.state != EntryState::Bundled)
                .map(|entry| alert_line(hub, entry)),
        );
    }
    for line in lines.iter_mut().filter(|line| line.withheld.is_some()) {
        if line.flag_id.is_some_and(|flag| listed.has(flag, &line.to)) {
            line.state = EntryState::Superseded.as_str();
            line.withheld = Some(TOLD.to_owned());
        }
    }
    Ok(lines)
}

fn alert_line(hub: &Hub, entry: &Entry) -> AlertLine {
    // Only the hub writes bodies; one that does not parse shows without its student.
    let data: Value = serde_json::from_slice(&entry.body).unwrap_or_default();
    let (withheld, last_error) = match entry.state {
        EntryState::Withheld => (entry.last_error.clone(), None),
        _ => (None, entry.last_error.clone()),
    };
    AlertLine {
        alert_id: entry.id,
        kind: entry.kind.clone(),
        flag_id: entry.flag_id,
        student_id: data.pointer("/student/id").and_then(Value::as_str).map(str::to_owned),
        to: entry.target.clone(),
        because: data.pointer("/owner/because").and_then(Value::as_str).unwrap_or("route").to_owned(),
        state: entry.state.as_str(),
        attempts: entry.attempts,
        next_try: entry.next_try_ms.map(|at_ms| local(hub, at_ms)),
        decided: local(hub, entry.created_ms),
        last_error,
        withheld,
    }
}
