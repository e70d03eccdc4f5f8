//! Flags and alerts, listed.

use std::ops::RangeInclusive;

use serde::Serialize;
use serde_json::Value;
use signalbox_consume::folder::{Folder, Who};
use signalbox_event::StudentKey;
use signalbox_event::id::flag_id;
use signalbox_hub::{Hub, HubError};
use signalbox_risk::Flag;
use signalbox_scoring::cards::FLAG;
pub use signalbox_scoring::cards::FlagLine;
use signalbox_scoring::student::{RuleState, StudentState, StudentYear};
use signalbox_scoring::{Scopes, Scoring};
use signalbox_store::card::{Card, CardQuery};
use signalbox_store::outbox::{Entry, EntryState, TO_LOG};
use uuid::Uuid;

use super::listed::{Listed, TOLD};
use super::{PAGE, local, shard_state, state_of, states_of, whose_key_begins, with_id};

/// Shorter ones are how several begin, or how one is mistyped.
const SHORTEST_PREFIX: usize = 6;
/// More than so many are meant by no text.
const FOUND_AT_MOST: usize = 100;

/// A line of `signalbox alerts list`
#[derive(Debug, Clone, Serialize)]
pub struct AlertLine {
    pub alert_id: Uuid,
    #[serde(rename = "type")]
    pub kind: String,
    pub flag_id: Option<Uuid>,
    /// Of a list: none.
    pub rule: Option<String>,
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
    /// Why it is not sent.
    pub withheld: Option<String>,
    /// It goes with a list, not by itself.
    #[serde(skip)]
    pub is_part: bool,
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

/// Which flags are asked for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Which<'a> {
    pub school: Option<&'a str>,
    pub state: Option<&'a str>,
    pub rule: Option<&'a str>,
}

/// Flags that were announced, the open ones first.
pub async fn flags(hub: &Hub, which: Which<'_>) -> Result<Vec<FlagLine>, HubError> {
    let Which { school, state, rule } = which;
    let query = CardQuery { kind: FLAG, state, about: rule, school };
    let (mut lines, mut last) = (Vec::new(), None);
    loop {
        let page = hub.states.cards(Scoring::KEPT_AS, &query, last.as_ref(), PAGE).await?;
        lines.extend(page.iter().map(line).collect::<Result<Vec<_>, _>>()?);
        last = page.into_iter().next_back();
        if last.is_none() {
            return Ok(lines);
        }
    }
}

/// The schools, and the grade levels, that rosters write.
pub async fn scopes(hub: &Hub) -> Result<Scopes, HubError> {
    let mut all = Scopes::default();
    for shard in 0..hub.settings.topics.shards {
        all.join(shard_state(hub, shard).await?.own.scopes);
    }
    Ok(all)
}

/// One flag, by its id.
pub async fn flag(hub: &Hub, id: Uuid) -> Result<Option<FlagLine>, HubError> {
    let cards = hub.states.cards_by_id(Scoring::KEPT_AS, FLAG, id..=id, 1).await?;
    cards.first().map(line).transpose()
}

fn line(card: &Card) -> Result<FlagLine, HubError> {
    serde_json::from_str(&card.body).map_err(|_| HubError::Stored("card"))
}

/// The id of a student's n-th flag of a rule.
pub fn id(hub: &Hub, who: StudentYear, rule: &str, number: u32) -> Uuid {
    flag_id(&hub.settings.district.id, who.student, who.school_year, rule, number)
}

/// The flags that a text names: by an id of their student's in a tool, else by how their id begins, or the key of their
/// student. Where both begin so, all are meant: the caller is to say more.
pub async fn find(hub: &Hub, named: &str) -> Result<Vec<Found>, HubError> {
    let of_id = with_id(hub, named).await?;
    if !of_id.is_empty() {
        return of_students(hub, &of_id).await;
    }
    let mut found = of_students(hub, &whose_key_begins(hub, named).await?).await?;
    let Some(ids) = that_begin(named.trim_start_matches("F-")) else { return Ok(found) };
    for card in hub.states.cards_by_id(Scoring::KEPT_AS, FLAG, ids, FOUND_AT_MOST).await? {
        let Some(who) = StudentYear::of_subject(&card.subject) else { continue };
        let Some(state) = state_of(hub, who).await? else { continue };
        let is_new = |flag: &Found| {
            !found.iter().any(|held| (held.who, &held.rule, held.number) == (who, &flag.rule, flag.number))
        };
        let of_card = |flag: &Found| id(hub, who, &flag.rule, flag.number) == card.id;
        let flags: Vec<Found> = all_of(who, &state).filter(|flag| of_card(flag) && is_new(flag)).collect();
        found.extend(flags);
    }
    Ok(found)
}

async fn of_students(hub: &Hub, students: &[StudentKey]) -> Result<Vec<Found>, HubError> {
    let mut found = Vec::new();
    for student in students {
        for (who, state) in states_of(hub, *student).await? {
            found.extend(all_of(who, &state));
        }
    }
    Ok(found)
}

fn all_of(who: StudentYear, state: &StudentState) -> impl Iterator<Item = Found> {
    let flags = state
        .rules
        .iter()
        .flat_map(|kept| kept.announced.flags().iter().map(|flag| (kept.rule.clone(), flag.number)));
    flags.map(move |(rule, number)| Found { who, state: state.clone(), rule, number })
}

/// The ids that begin so; `None`: none can.
fn that_begin(text: &str) -> Option<RangeInclusive<Uuid>> {
    let digits = text.to_ascii_lowercase().replace('-', "");
    let is_long_enough = (SHORTEST_PREFIX..=32).contains(&digits.len());
    let is_one = is_long_enough && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let filled = |with: &str| Uuid::try_parse(&(digits.clone() + &with.repeat(32 - digits.len()))).ok();
    is_one.then_some(())?;
    Some(filled("0")?..=filled("f")?)
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
    for line in lines.iter_mut().filter(|line| line.withheld.is_some() && !line.is_part) {
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
        rule: data.pointer("/rule").and_then(Value::as_str).map(str::to_owned),
        student_id: data.pointer("/student/id").and_then(Value::as_str).map(str::to_owned),
        to: entry.target.clone(),
        because: data.pointer("/owner/because").and_then(Value::as_str).unwrap_or("route").to_owned(),
        state: entry.state.as_str(),
        attempts: entry.attempts,
        next_try: entry.next_try_ms.map(|at_ms| local(hub, at_ms)),
        decided: local(hub, entry.created_ms),
        last_error,
        withheld,
        is_part: entry.part,
    }
}
