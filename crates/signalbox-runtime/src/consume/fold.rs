//! From events to states: what one record changes.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use signalbox_event::data::{
    self, Acknowledged, AttendanceCategory, CourseGrade, CourseGradeKind, Enrollment, PolicyChanged,
};
use signalbox_event::id::flag_id;
use signalbox_event::rows::Grade;
use signalbox_event::{Data, Event};
use signalbox_risk as risk;
use signalbox_risk::{
    Applied, Category, Fact, GradeKind, GradeOf, IncidentCategory, Mark, Observation, Points,
};
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
    /// When time alone may change something.
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
    let who = || Some(StudentYear { school_year: event.school_year?, student: event.subject? });
    if is_about_a_student(event) { who() } else { None }
}

/// Whether it says something that is kept of a student.
pub(crate) const fn is_about_a_student(event: &Event) -> bool {
    matches!(
        event.data,
        Data::RosterEnrollment(_)
            | Data::AttendanceDaily(_)
            | Data::GradebookCourseGrade(_)
            | Data::BehaviorIncident(_)
            | Data::InterventionAcknowledged(_)
    )
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
            Data::AttendanceDaily(_) | Data::GradebookCourseGrade(_) | Data::BehaviorIncident(_) => {
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
            Data::OpsPolicyChanged(policy) => self.policy_changed(policy),
            Data::OpsFeedRetired(retired) => {
                self.shard.retire(&retired.feed);
                self.all_are_judged_anew();
            }
            _ => {}
        }
    }

    fn policy_changed(&mut self, policy: &PolicyChanged) {
        if self.shard.announced(policy) {
            self.all_are_judged_anew();
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
        let id = |rule: &str, number| flag_id(self.district, who.student, who.school_year, rule, number);
        for state in &mut in_hand.state.rules {
            let mut numbers = state.announced.flags().iter().map(|flag| flag.number);
            let Some(number) = numbers.find(|number| id(&state.rule, *number) == act.flag_id) else {
                continue;
            };
            // A flag that is closed by now needs nobody any more: the act stays on the log and changes nothing.
            let done = state.announced.acknowledge(number, &act.by, act.reason.as_deref(), self.now);
            in_hand.changed |= done.is_ok();
        }
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
        Data::GradebookCourseGrade(grade) => Fact::CourseGrade {
            of: GradeOf {
                school: grade.school.as_deref().unwrap_or_default(),
                class: &grade.class,
                term: &grade.term,
                kind: kind(grade.kind),
            },
            value: if grade.status.is_active() {
                Some(risk::CourseGrade { mark: mark(grade), date: entered(grade, event)? })
            } else {
                None
            },
        },
        Data::BehaviorIncident(incident) => Fact::Incident {
            incident: &incident.incident,
            value: incident.status.is_active().then_some(risk::Incident {
                school: incident.school.as_deref().unwrap_or_default(),
                date: incident.date,
                category: incident_category(incident.category),
            }),
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

    /// The state, to be evaluated.
    pub(crate) fn evaluated(&mut self) -> &mut StudentState {
        self.was_evaluated = true;
        &mut self.state
    }

    /// What was due is done; when time alone may change something next.
    pub(crate) fn looks_again(&mut self, due_ms: Option<i64>) {
        self.changed |= self.due_ms != due_ms;
        self.due_ms = due_ms;
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

const fn kind(kind: CourseGradeKind) -> GradeKind {
    match kind {
        CourseGradeKind::InProgress => GradeKind::InProgress,
        CourseGradeKind::Posted => GradeKind::Posted,
    }
}

/// What stands where a grade does; what is none is not known.
fn mark(said: &CourseGrade) -> Mark<&str> {
    match (said.grade(), &said.letter_grade) {
        (Ok(Grade::None), _) => Mark::None,
        (Ok(Grade::Number(points)), _) => {
            Points::from_hundredths(points.hundredths()).map_or(Mark::Unknown, Mark::Points)
        }
        (Ok(Grade::Letter(_)), Some(letter)) => Mark::Letter(letter),
        _ => Mark::Unknown,
    }
}

/// The day on which a grade was entered: none is entered after it was read.
fn entered(grade: &CourseGrade, event: &Event) -> Option<Date> {
    let read = date_of(event)?;
    Some(grade.as_of.map_or(read, |as_of| as_of.min(read)))
}

/// The day of the event's time, in the district's zone: that of the run that first read the row as it is.
fn date_of(event: &Event) -> Option<Date> {
    event.time.get(..10)?.parse().ok()
}

const fn incident_category(category: data::IncidentCategory) -> IncidentCategory {
    match category {
        data::IncidentCategory::Minor => IncidentCategory::Minor,
        data::IncidentCategory::Major => IncidentCategory::Major,
        data::IncidentCategory::SuspensionIn => IncidentCategory::SuspensionIn,
        data::IncidentCategory::SuspensionOut => IncidentCategory::SuspensionOut,
        data::IncidentCategory::Unknown => IncidentCategory::Unknown,
    }
}
