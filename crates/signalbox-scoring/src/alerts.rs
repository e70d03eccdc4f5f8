//! From flag changes to what leaves the state transaction: events for the risk topic, alerts for recipients. `held`: what
//! becomes of alerts that wait.

mod held;

use jiff::Timestamp;
use serde_json::Value;
use signalbox_consume::folder::Decided;
use signalbox_consume::relay;
use signalbox_event::data::{Evidence, FeedInForce, FlagChanged, Mode, Reason, StudentRef};
use signalbox_event::id::{alert_id, derived, flag_id};
use signalbox_event::webhook::{FlagAlert, Owner, STANDING};
use signalbox_event::{Data, Event, topic};
use signalbox_hub::Hub;
use signalbox_hub::in_force::InForce;
use signalbox_hub::publish::{hub_source, rfc3339};
use signalbox_risk as risk;
use signalbox_risk::{
    Enrollment, Flag, FlagChange, FlagChangeKind, FlagState, Judgement, Judging, Rule, school_days_after,
};
use signalbox_store::outbox::{EndOf, NewEntry, TO_LOG, WithheldBecause};
use uuid::Uuid;

pub(crate) use self::held::over;
use super::ScoredShard;
use super::student::{Profile, RuleState, StudentYear, Told};

/// A student who is judged.
pub(crate) struct Whom<'a> {
    pub who: StudentYear,
    pub profile: Option<&'a Profile>,
    pub on: &'a Judging<'a>,
    pub is_enrolled: bool,
}

/// Everything around what changed of one student by one rule.
pub(crate) struct Announcer<'a> {
    pub hub: &'a Hub,
    pub shard: &'a ScoredShard,
    pub in_force: &'a InForce,
    pub whom: &'a Whom<'a>,
    pub rule: &'a Rule,
    /// `None`: the rule is none of the student's any more.
    pub judgement: Option<&'a Judgement>,
    pub now: Timestamp,
}

impl Announcer<'_> {
    /// Says what changed, and tells of open flags that a recipient of a live feed was not told of.
    pub(crate) fn say(&self, state: &mut RuleState, changes: &[FlagChange], said: &mut Decided) {
        if state.announced.flags().is_empty() {
            return;
        }
        for change in changes {
            let Some(flag) = state.announced.flag(change.number).cloned() else { continue };
            let mode = self.mode(state, &flag);
            said.entries.push(self.event(&flag, change, mode));
            match change.kind {
                FlagChangeKind::Raised => self.raised(state, &flag, mode, &mut said.entries),
                FlagChangeKind::Cleared | FlagChangeKind::Withdrawn => {
                    self.taken_back(state, &flag, change, mode, said);
                }
            }
        }
        self.hold(state, said);
        let open: Vec<Flag> = state.announced.flags().iter().filter(|flag| stands(flag)).cloned().collect();
        for flag in &open {
            let mode = self.mode(state, flag);
            let is_new = changes.iter().any(|change| change.number == flag.number);
            if self.withheld(mode).is_none() {
                self.standing(state, flag, &mut said.entries);
            } else if mode == Mode::Test && !is_new {
                self.would_stand(state, flag, &mut said.entries);
            }
        }
    }

    /// A flag takes the lowest mode among the feeds in its evidence.
    fn mode(&self, state: &RuleState, flag: &Flag) -> Mode {
        let is_told = told_of(state, flag).next().is_some();
        let otherwise = || if is_told { Mode::Live } else { self.mode_of_all() };
        self.mode_in_evidence(flag).unwrap_or_else(otherwise)
    }

    fn mode_in_evidence(&self, flag: &Flag) -> Option<Mode> {
        let feeds = self.judgement.map(|judgement| judgement.feeds_of(flag)).unwrap_or_default();
        self.shard.lowest_mode(feeds.iter().map(|feed| &**feed))
    }

    /// Of what nothing is left of, as a grade that is gone: by all feeds that could have said it.
    fn mode_of_all(&self) -> Mode {
        let reads = self.rule.settings.reads();
        let brings = |feed: &&FeedInForce| feed.entities.iter().any(|entity| entity == reads);
        let feeds = self.in_force.feeds.iter().filter(brings).map(|feed| &*feed.feed);
        self.shard.lowest_mode(feeds).unwrap_or(Mode::Test)
    }

    /// Whether anybody is told of a flag now, or why nobody. Of a student who is enrolled nowhere nobody is, until they are
    /// again.
    fn withheld(&self, mode: Mode) -> Option<WithheldBecause> {
        match mode {
            _ if !self.whom.is_enrolled => Some(WithheldBecause::HasLeft),
            Mode::Live => None,
            Mode::Test => Some(WithheldBecause::InTest),
            Mode::History => Some(WithheldBecause::InHistory),
        }
    }

    fn recipients(&self) -> impl Iterator<Item = &str> {
        let routes = self.in_force.routes.iter().filter(|route| route.rule == self.rule.name());
        routes.map(|route| route.to.as_str())
    }

    fn raised(&self, state: &mut RuleState, flag: &Flag, mode: Mode, entries: &mut Vec<NewEntry>) {
        if mode == Mode::History {
            return;
        }
        let withheld = self.withheld(mode);
        for to in self.recipients() {
            let entry = NewEntry { withheld, ..self.alert(flag, "raised", None, to) };
            if withheld.is_none() {
                state.told.push(Told::of(flag, &entry));
            }
            entries.push(entry);
        }
    }

    /// Whoever was told is told, whatever the mode is by now and wherever the student.
    fn taken_back(
        &self,
        state: &RuleState,
        flag: &Flag,
        change: &FlagChange,
        mode: Mode,
        said: &mut Decided,
    ) {
        let kind = change.kind.as_str();
        for told in told_of(state, flag) {
            let entry = self.alert(flag, kind, Some(&change.reason), &told.to);
            // What was raised and is cleared is told of in this order.
            let takes_back = change.kind == FlagChangeKind::Withdrawn;
            said.entries.push(NewEntry { end_of: Some(EndOf { id: told.alert_id, takes_back }), ..entry });
        }
        if told_of(state, flag).next().is_none() && mode == Mode::Test {
            for to in self.recipients() {
                let entry = self.alert(flag, kind, Some(&change.reason), to);
                said.entries.push(NewEntry { withheld: self.withheld(mode), ..entry });
            }
        }
    }

    /// In test, who would be told by a route that came after the flag: what is shown already stays as it is.
    fn would_stand(&self, state: &RuleState, flag: &Flag, entries: &mut Vec<NewEntry>) {
        for to in self.recipients().filter(|to| !is_told_of(state, flag, to)) {
            let entry = self.alert(flag, "raised", None, to);
            entries.push(NewEntry { withheld: self.withheld(Mode::Test), ..entry });
        }
    }

    fn standing(&self, state: &mut RuleState, flag: &Flag, entries: &mut Vec<NewEntry>) {
        for to in self.recipients() {
            if is_told_of(state, flag, to) {
                continue;
            }
            let mut entry = self.alert(flag, "standing", None, to);
            STANDING.clone_into(&mut entry.kind);
            entry.part = true;
            state.told.push(Told::of(flag, &entry));
            entries.push(entry);
        }
    }

    fn flag_id(&self, flag: &Flag) -> Uuid {
        let StudentYear { school_year, student } = self.whom.who;
        flag_id(&self.hub.settings.district.id, student, school_year, self.rule.name(), flag.number)
    }

    fn alert(&self, flag: &Flag, kind: &str, reason: Option<&str>, to: &str) -> NewEntry {
        let flag_id = self.flag_id(flag);
        let id = alert_id(flag_id, kind, to);
        let data = self.flag_changed(flag, reason, None);
        let body = alert_data(id, data, to);
        NewEntry {
            id,
            target: to.to_owned(),
            lane: self.whom.who.student.to_string(),
            kind: format!("risk.flag.{kind}"),
            flag_id: Some(flag_id),
            body: body.to_string().into_bytes(),
            created_ms: self.now.as_millisecond(),
            withheld: None,
            part: false,
            end_of: None,
        }
    }

    fn event(&self, flag: &Flag, change: &FlagChange, mode: Mode) -> NewEntry {
        let district = &self.hub.settings.district;
        let StudentYear { school_year, student } = self.whom.who;
        let reason = (change.kind != FlagChangeKind::Raised).then_some(&*change.reason);
        let data = self.flag_changed(flag, reason, Some(mode));
        let id = derived(&[b"flag-event", data.flag_id.as_bytes(), change.kind.as_str().as_bytes()]);
        let event = Event {
            id,
            source: hub_source(self.hub, "risk"),
            subject: Some(student),
            time: rfc3339(self.now.as_millisecond(), &district.zone),
            partition_key: topic::student_key(&district.id, &student),
            school_year: Some(school_year),
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
            lane: student.to_string(),
            kind: event.kind().short().to_owned(),
            flag_id: Some(self.flag_id(flag)),
            body: relay::event_body(&event),
            created_ms: self.now.as_millisecond(),
            withheld: None,
            part: false,
            end_of: None,
        }
    }

    fn flag_changed(&self, flag: &Flag, reason: Option<&str>, mode: Option<Mode>) -> FlagChanged {
        let Whom { who, profile, on, .. } = self.whom;
        // What is unconfirmed stands as it was told.
        let judged = self.judgement.map_or(Some(flag.until), Judgement::as_of);
        let as_of = match flag.state {
            _ if flag.unconfirmed => Some(flag.until),
            // It comes off on a day on which perhaps nothing happened.
            FlagState::Cleared => judged.max(Some(flag.until)),
            _ => judged,
        };
        let day = as_of.unwrap_or(flag.until);
        let left = school_days_after(on.registers, on.reference, who.school_year, day);
        let settings = &self.rule.settings;
        FlagChanged {
            flag_id: self.flag_id(flag),
            student: student_ref(*profile, on.enrollment()),
            rule: self.rule.name().to_owned(),
            domain: self.rule.domain().to_owned(),
            indicator: self.rule.name().to_owned(),
            reasons: settings.reasons(flag).iter().map(reason_of).collect(),
            reason: reason.map(str::to_owned),
            clears_when: if flag.state.is_live() { settings.clears_when(flag, Some(left)) } else { None },
            as_of,
            mode,
        }
    }
}

impl Told {
    fn of(flag: &Flag, alert: &NewEntry) -> Self {
        Self { number: flag.number, to: alert.target.clone(), alert_id: alert.id, held: None }
    }
}

fn told_of<'a>(state: &'a RuleState, flag: &Flag) -> impl Iterator<Item = &'a Told> + use<'a> {
    let number = flag.number;
    state.told.iter().filter(move |told| told.number == number)
}

fn is_told_of(state: &RuleState, flag: &Flag, to: &str) -> bool {
    told_of(state, flag).any(|told| told.to == to)
}

/// What is unconfirmed stands for those who were told; nobody else hears of it until it is confirmed.
fn stands(flag: &Flag) -> bool {
    flag.state == FlagState::Open && !flag.unconfirmed
}

/// The student as the district's tools know them.
pub fn student_ref(profile: Option<&Profile>, enrollment: Option<Enrollment<'_>>) -> StudentRef {
    StudentRef {
        id: profile.map(|profile| profile.id.clone()).unwrap_or_default(),
        id_system: profile.map(|profile| profile.id_system.clone()).unwrap_or_default(),
        school: enrollment.map(|enrollment| enrollment.school.to_owned()),
        grade: enrollment.and_then(|enrollment| enrollment.grade.map(str::to_owned)),
    }
}

/// A reason in the words of the event.
pub fn reason_of(reason: &risk::Reason) -> Reason {
    let evidence = |one: &risk::Evidence| Evidence {
        date: one.date,
        what: one.what.clone(),
        reference: one.reference.clone(),
    };
    let days = || reason.evidence.iter().map(|one| one.date).collect();
    Reason {
        code: reason.code.to_owned(),
        text: reason.text.clone(),
        value: reason.value.clone(),
        operator: reason.operator.to_owned(),
        threshold: reason.threshold.clone(),
        evidence: reason.evidence.iter().map(evidence).collect(),
        absent_days: reason.counts.map(|counts| days_of(counts.absent_half_days)),
        expected_days: reason.counts.map(|counts| counts.expected_days),
        dates: reason.counts.map(|_| days()),
    }
}

fn days_of(half_days: u32) -> serde_json::Number {
    if half_days.is_multiple_of(2) {
        return (half_days / 2).into();
    }
    serde_json::Number::from_f64(f64::from(half_days) / 2.0).expect("a half is finite")
}

/// The `data` of an alert: the flag's, its own id, and who it was sent to and why.
fn alert_data(alert_id: Uuid, flag: FlagChanged, to: &str) -> Value {
    let owner = Owner { name: to.to_owned(), because: "route".to_owned() };
    serde_json::to_value(FlagAlert { alert_id, flag, owner }).expect("an alert always serialises")
}
