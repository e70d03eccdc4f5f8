//! From events to states: what one record changes.

use std::collections::BTreeMap;

use jiff::Timestamp;
use signalbox_event::data::{Acknowledged, AttendanceCategory, Enrollment};
use signalbox_event::id::flag_id;
use signalbox_event::{Data, Event};
use signalbox_risk as risk;
use signalbox_risk::{Applied, CHRONIC_ABSENCE, Category, Fact, Observation};
use signalbox_store::state::StateRow;

use super::shard::ShardState;
use super::student::{Profile, StudentState, StudentYear};
use crate::hub::HubError;

/// The due date of a shard on which somebody waits: past, whatever the clock of the next command says.
pub(crate) const AT_ONCE_MS: i64 = 0;

/// One batch in hand: the states it touches and what is to be evaluated after.
pub(crate) struct Fold<'a> {
    pub district: &'a str,
    pub now: Timestamp,
    pub shard: &'a mut ShardState,
    pub students: &'a mut BTreeMap<StudentYear, StudentInHand>,
    /// Everybody on the shard is to be evaluated.
    pub all_wait: bool,
    pub shard_changed: bool,
    pub coverage_changed: bool,
}

/// A state loaded for this batch.
#[derive(Debug, Default)]
pub(crate) struct StudentInHand {
    state: StudentState,
    /// A date that stands; folding sets none.
    due_ms: Option<i64>,
    /// As it is stored.
    stored: Option<Vec<u8>>,
    /// To be written.
    changed: bool,
    /// To be written if it is no longer as it is stored.
    was_evaluated: bool,
    /// To be evaluated.
    pub waits: bool,
}

/// The student and school year whose state an event needs.
pub(crate) fn subject_of(event: &Event) -> Option<StudentYear> {
    match event.data {
        Data::RosterEnrollment(_) | Data::AttendanceDaily(_) | Data::InterventionAcknowledged(_) => {
            Some(StudentYear { school_year: event.school_year?, student: event.subject? })
        }
        _ => None,
    }
}

impl Fold<'_> {
    pub(crate) fn apply(&mut self, event: &Event) {
        if let (Some(feed), Some(run)) = (event.feed(), event.run)
            && !matches!(event.data, Data::OpsRunEnded(_))
        {
            let before = self.shard.has_open_run();
            self.shard.row_of(feed, run);
            self.shard_changed |= before != self.shard.has_open_run();
        }
        match &event.data {
            Data::RosterEnrollment(enrollment) => self.enrollment(event, enrollment),
            Data::AttendanceDaily(_) => {
                if let Some(who) = subject_of(event) {
                    self.observe(who, event);
                }
            }
            Data::InterventionAcknowledged(act) => self.acknowledged(event, act),
            Data::OpsRunEnded(ended) => {
                if self.shard.run_ended(ended) {
                    self.coverage_changed = true;
                    self.all_wait = true;
                }
                self.shard_changed = true;
            }
            Data::OpsFeedMode(mode) => {
                self.shard.feeds.entry(mode.feed.clone()).or_default().mode = mode.mode;
                self.shard_changed = true;
                self.all_wait = true;
            }
            Data::OpsPolicyChanged(policy) => {
                if self.shard.announced(policy) {
                    self.all_are_judged_anew();
                }
            }
            Data::OpsFeedRetired(retired) => {
                self.shard.retire(&retired.feed);
                self.all_are_judged_anew();
            }
            _ => {}
        }
    }

    fn all_are_judged_anew(&mut self) {
        self.shard_changed = true;
        self.coverage_changed = true;
        self.all_wait = true;
    }

    fn enrollment(&mut self, event: &Event, enrollment: &Enrollment) {
        let Some(who) = subject_of(event) else { return };
        self.students.entry(who).or_default().state.profile =
            Some(Profile { id: enrollment.student_id.clone(), id_system: enrollment.id_system.clone() });
        self.observe(who, event);
    }

    fn observe(&mut self, who: StudentYear, event: &Event) {
        if let Some(observation) = observation(event) {
            self.students.entry(who).or_default().observe(&observation);
        }
    }

    fn acknowledged(&mut self, event: &Event, act: &Acknowledged) {
        let Some(who) = subject_of(event) else { return };
        let in_hand = self.students.entry(who).or_default();
        let number = in_hand.state.announced.flags().iter().map(|flag| flag.number).find(|number| {
            flag_id(self.district, who.student, who.school_year, CHRONIC_ABSENCE, *number) == act.flag_id
        });
        let Some(number) = number else { return };
        // A flag that is closed by now needs nobody any more: the act stays on the log and changes nothing.
        let done = in_hand.state.announced.acknowledge(number, &act.by, act.reason.as_deref(), self.now);
        in_hand.changed |= done.is_ok();
    }
}

/// What an event of a feed says to the rules.
pub(crate) fn observation(event: &Event) -> Option<Observation<'_>> {
    let fact = match &event.data {
        Data::RosterEnrollment(enrollment) => Fact::Enrollment {
            key: &enrollment.enrollment_id,
            value: enrollment.status.is_active().then_some(risk::Enrollment {
                school: &enrollment.school,
                entry: enrollment.entry_date,
                exit: enrollment.exit_date,
                grade: enrollment.grade.as_deref(),
            }),
        },
        Data::AttendanceDaily(day) => Fact::Attendance {
            school: day.school.as_deref().unwrap_or_default(),
            date: day.date,
            value: day.status.is_active().then_some(category(day.category)),
        },
        _ => return None,
    };
    Some(Observation { feed: event.feed()?, revision: event.revision, fact })
}

impl StudentInHand {
    pub(crate) fn of(row: StateRow) -> Result<Self, HubError> {
        let state = StudentState::decode(&row.state)?;
        Ok(Self { state, due_ms: row.due_ms, stored: Some(row.state), ..Self::default() })
    }

    /// The state, to be evaluated: what was due is done.
    pub(crate) fn evaluated(&mut self) -> &mut StudentState {
        self.was_evaluated = true;
        self.changed |= self.due_ms.take().is_some();
        &mut self.state
    }

    /// The row, if it is to be written.
    pub(crate) fn into_changed(self, who: StudentYear) -> Option<StateRow> {
        if !self.changed && !self.was_evaluated {
            return None;
        }
        let state = self.state.encode();
        let changed = self.changed || self.stored.is_none_or(|stored| stored != state);
        changed.then(|| StateRow { subject: who.subject(), state, due_ms: self.due_ms })
    }

    fn observe(&mut self, observation: &Observation<'_>) {
        match self.state.registers.apply(observation) {
            Applied::Changed => {
                self.changed = true;
                self.waits = true;
            }
            Applied::Noted => self.changed = true,
            Applied::Ignored => {}
        }
    }
}

const fn category(category: AttendanceCategory) -> Category {
    match category {
        AttendanceCategory::Present => Category::Present,
        AttendanceCategory::PresentRemote => Category::PresentRemote,
        AttendanceCategory::Tardy => Category::Tardy,
        AttendanceCategory::EarlyDeparture => Category::EarlyDeparture,
        AttendanceCategory::AbsentExcused => Category::AbsentExcused,
        AttendanceCategory::AbsentUnexcused => Category::AbsentUnexcused,
        AttendanceCategory::AbsentHalfDay => Category::AbsentHalfDay,
        AttendanceCategory::Unknown => Category::Unknown,
        AttendanceCategory::Doubtful => Category::Doubtful,
    }
}
