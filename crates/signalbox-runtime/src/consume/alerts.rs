//! From flag changes to what leaves the state transaction: events for the risk topic, alerts for recipients.

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::Value;
use signalbox_event::data::{FlagChanged, Mode, Reason, StudentRef};
use signalbox_event::id::{alert_id, derived, flag_id};
use signalbox_event::webhook::{FlagAlert, Owner};
use signalbox_event::{Data, Event, topic};
use signalbox_risk::{
    CHRONIC_ABSENCE, Evaluation, Flag, FlagChange, FlagChangeKind, FlagState, Reference, reasons,
    school_days_after,
};
use signalbox_store::outbox::{NewEntry, TO_LOG, WithheldBecause};
use uuid::Uuid;

use super::in_force::InForce;
use super::shard::ShardState;
use super::student::{StudentState, StudentYear, Told};
use crate::hub::Hub;
use crate::ingest::emit::{hub_source, rfc3339};
use crate::relay;

/// The kind of a standing list and of its parts.
pub(crate) const STANDING: &str = "risk.flags.standing";

/// Everything around one student's changes.
pub(crate) struct Announcer<'a> {
    pub hub: &'a Hub,
    pub shard: &'a ShardState,
    pub in_force: &'a InForce,
    pub reference: &'a Reference,
    pub who: StudentYear,
    pub evaluation: &'a Evaluation,
    pub now: Timestamp,
}

impl Announcer<'_> {
    /// The entries for what changed, and for open flags that a recipient of a live feed was not told of.
    pub(crate) fn entries(&self, state: &mut StudentState, changes: &[FlagChange]) -> Vec<NewEntry> {
        let mut entries = Vec::new();
        let mode = self.mode(state);
        for change in changes {
            let Some(flag) = state.announced.flag(change.number).cloned() else { continue };
            entries.push(self.event(state, &flag, change));
            match change.kind {
                FlagChangeKind::Raised => self.raised(state, &flag, mode, &mut entries),
                FlagChangeKind::Cleared | FlagChangeKind::Withdrawn => {
                    self.taken_back(state, &flag, change, mode, &mut entries);
                }
            }
        }
        if self.withheld(mode).is_none() {
            self.standing(state, &mut entries);
        } else if mode == Mode::Test {
            self.would_stand(state, changes, &mut entries);
        }
        entries
    }

    /// A flag takes the lowest mode among the feeds in its evidence.
    fn mode(&self, state: &StudentState) -> Mode {
        let feeds = self.evaluation.answer.feeds.iter().map(|feed| &**feed);
        let fallback = if state.told.is_empty() { Mode::Test } else { Mode::Live };
        self.shard.lowest_mode(feeds).unwrap_or(fallback)
    }

    /// Whether anybody is told of a flag now, or why nobody. Of a student who is enrolled nowhere nobody is, until they are
    /// again.
    fn withheld(&self, mode: Mode) -> Option<WithheldBecause> {
        match mode {
            _ if !self.evaluation.is_enrolled => Some(WithheldBecause::HasLeft),
            Mode::Live => None,
            Mode::Test | Mode::History => Some(WithheldBecause::InTest),
        }
    }

    fn recipients(&self) -> impl Iterator<Item = &str> {
        self.in_force
            .routes
            .iter()
            .filter(|route| route.rule == CHRONIC_ABSENCE)
            .map(|route| route.to.as_str())
    }

    fn raised(&self, state: &mut StudentState, flag: &Flag, mode: Mode, entries: &mut Vec<NewEntry>) {
        if mode == Mode::History {
            return;
        }
        let withheld = self.withheld(mode);
        for to in self.recipients() {
            let entry = NewEntry { withheld, ..self.alert(state, flag, "raised", None, to) };
            if withheld.is_none() {
                state.told.push(Told { number: flag.number, to: to.to_owned(), alert_id: entry.id });
            }
            entries.push(entry);
        }
    }

    /// Whoever was told is told, whatever the mode is by now and wherever the student.
    fn taken_back(
        &self,
        state: &mut StudentState,
        flag: &Flag,
        change: &FlagChange,
        mode: Mode,
        entries: &mut Vec<NewEntry>,
    ) {
        let kind = change.kind.as_str();
        let told: Vec<Told> = state.told.iter().filter(|told| told.number == flag.number).cloned().collect();
        for told in &told {
            let mut entry = self.alert(state, flag, kind, Some(&change.reason), &told.to);
            if change.kind == FlagChangeKind::Withdrawn {
                entry.cancels = Some(told.alert_id);
            }
            entries.push(entry);
        }
        if told.is_empty() && mode == Mode::Test {
            for to in self.recipients() {
                let entry = self.alert(state, flag, kind, Some(&change.reason), to);
                entries.push(NewEntry { withheld: self.withheld(mode), ..entry });
            }
        }
    }

    /// In test, who would be told by a route that came after the flag: what is shown already stays as it is.
    fn would_stand(&self, state: &StudentState, changes: &[FlagChange], entries: &mut Vec<NewEntry>) {
        let is_new = |flag: &Flag| changes.iter().any(|change| change.number == flag.number);
        for flag in state.announced.flags().iter().filter(|flag| stands(flag) && !is_new(flag)) {
            for to in self.recipients() {
                if !is_told_of(state, flag, to) {
                    let entry = self.alert(state, flag, "raised", None, to);
                    entries.push(NewEntry { withheld: self.withheld(Mode::Test), ..entry });
                }
            }
        }
    }

    fn standing(&self, state: &mut StudentState, entries: &mut Vec<NewEntry>) {
        let open: Vec<Flag> = state.announced.flags().iter().filter(|flag| stands(flag)).cloned().collect();
        for flag in &open {
            for to in self.recipients() {
                if is_told_of(state, flag, to) {
                    continue;
                }
                let mut entry = self.alert(state, flag, "standing", None, to);
                STANDING.clone_into(&mut entry.kind);
                entry.part = true;
                state.told.push(Told { number: flag.number, to: to.to_owned(), alert_id: entry.id });
                entries.push(entry);
            }
        }
    }

    fn flag_id(&self, flag: &Flag) -> Uuid {
        let district = &self.hub.settings.district.id;
        flag_id(district, self.who.student, self.who.school_year, CHRONIC_ABSENCE, flag.number)
    }

    fn alert(
        &self,
        state: &StudentState,
        flag: &Flag,
        kind: &str,
        reason: Option<&str>,
        to: &str,
    ) -> NewEntry {
        let flag_id = self.flag_id(flag);
        let id = alert_id(flag_id, kind, to);
        let data = self.flag_changed(state, flag, reason);
        let body = alert_data(id, data, to);
        NewEntry {
            id,
            target: to.to_owned(),
            lane: self.who.student.to_string(),
            kind: format!("risk.flag.{kind}"),
            flag_id: Some(flag_id),
            body: body.to_string().into_bytes(),
            created_ms: self.now.as_millisecond(),
            withheld: None,
            part: false,
            cancels: None,
        }
    }

    fn event(&self, state: &StudentState, flag: &Flag, change: &FlagChange) -> NewEntry {
        let district = &self.hub.settings.district;
        let reason = (change.kind != FlagChangeKind::Raised).then_some(&*change.reason);
        let data = self.flag_changed(state, flag, reason);
        let id = derived(&[b"flag-event", data.flag_id.as_bytes(), change.kind.as_str().as_bytes()]);
        let event = Event {
            id,
            source: hub_source(self.hub, "risk"),
            subject: Some(self.who.student),
            time: rfc3339(self.now.as_millisecond(), &district.zone),
            partition_key: topic::student_key(&district.id, &self.who.student),
            school_year: Some(self.who.school_year),
            revision: 1,
            run: None,
            traceparent: None,
            data: match change.kind {
                FlagChangeKind::Raised => Data::RiskFlagRaised(data),
                FlagChangeKind::Cleared => Data::RiskFlagCleared(data),
                FlagChangeKind::Withdrawn => Data::RiskFlagWithdrawn(data),
            },
        };
        NewEntry {
            id,
            target: TO_LOG.to_owned(),
            lane: self.who.student.to_string(),
            kind: event.kind().short().to_owned(),
            flag_id: Some(self.flag_id(flag)),
            body: relay::event_body(&event),
            created_ms: self.now.as_millisecond(),
            withheld: None,
            part: false,
            cancels: None,
        }
    }

    fn flag_changed(&self, state: &StudentState, flag: &Flag, reason: Option<&str>) -> FlagChanged {
        let policy = &self.evaluation.policy;
        // What is unconfirmed stands as it was told.
        let as_of = if flag.unconfirmed { Some(flag.until) } else { self.evaluation.answer.as_of };
        let left = school_days_after(
            &state.registers,
            self.reference,
            self.who.school_year,
            as_of.unwrap_or(flag.until),
        );
        FlagChanged {
            flag_id: self.flag_id(flag),
            student: student_ref(state, as_of.unwrap_or(flag.until)),
            indicator: CHRONIC_ABSENCE.to_owned(),
            reasons: vec![reason_of(&reasons::of_flag(flag, policy))],
            reason: reason.map(str::to_owned),
            clears_when: flag.state.is_live().then(|| reasons::clears_when(flag, policy, Some(left))),
            as_of,
        }
    }
}

fn is_told_of(state: &StudentState, flag: &Flag, to: &str) -> bool {
    state.told.iter().any(|told| told.number == flag.number && told.to == to)
}

/// What is unconfirmed stands for those who were told; nobody else hears of it until it is confirmed.
fn stands(flag: &Flag) -> bool {
    flag.state == FlagState::Open && !flag.unconfirmed
}

/// The student as the district's tools know them.
pub fn student_ref(state: &StudentState, on: Date) -> StudentRef {
    let enrollment = state.registers.enrollment_on(on);
    let profile = state.profile.as_ref();
    StudentRef {
        id: profile.map(|profile| profile.id.clone()).unwrap_or_default(),
        id_system: profile.map(|profile| profile.id_system.clone()).unwrap_or_default(),
        school: enrollment.map(|enrollment| enrollment.school.to_owned()),
        grade: enrollment.and_then(|enrollment| enrollment.grade.map(str::to_owned)),
    }
}

/// A reason in the words of the event.
pub fn reason_of(reason: &reasons::Reason) -> Reason {
    let halves = reason.counts.absent_half_days;
    Reason {
        code: reason.code.to_owned(),
        text: reason.text.clone(),
        value: reason.value.clone(),
        operator: reason.operator.to_owned(),
        threshold: reason.threshold.clone(),
        absent_days: if halves.is_multiple_of(2) {
            (halves / 2).into()
        } else {
            serde_json::Number::from_f64(f64::from(halves) / 2.0).expect("a half is finite")
        },
        expected_days: reason.counts.expected_days,
        dates: reason.dates.clone(),
    }
}

/// The `data` of an alert: the flag's, its own id, and who it was sent to and why.
fn alert_data(alert_id: Uuid, flag: FlagChanged, to: &str) -> Value {
    let owner = Owner { name: to.to_owned(), because: "route".to_owned() };
    serde_json::to_value(FlagAlert { alert_id, flag, owner }).expect("an alert always serialises")
}
