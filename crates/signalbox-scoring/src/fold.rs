//! From events to states: what one event changes of a student's.

use jiff::civil::Date;
use signalbox_consume::folder::{Folding, StateChange};
use signalbox_event::data::{
    self, Acknowledged, AttendanceCategory, CourseGrade, CourseGradeKind, Enrollment, Student,
};
use signalbox_event::id::flag_id;
use signalbox_event::rows::Grade;
use signalbox_event::{Data, Event};
use signalbox_hub::HubError;
use signalbox_risk as risk;
use signalbox_risk::{
    Applied, Category, Fact, GradeKind, GradeOf, IncidentCategory, Mark, Observation, Points,
};

use super::student::{Profile, StudentInHand, StudentState, StudentYear};

/// The student and school year that an event is about. Whether it says something that is kept, folding it tells.
pub(super) fn whose(event: &Event) -> Option<StudentYear> {
    Some(StudentYear { school_year: event.school_year?, student: event.subject? })
}

/// Takes in what an event says of the student whose state this is.
pub(super) fn apply(
    on: &Folding<'_>,
    state: &mut StudentInHand,
    event: &Event,
) -> Result<StateChange, HubError> {
    if let Data::InterventionAcknowledged(act) = &event.data {
        return Ok(acknowledged(on, state.whole()?, event, act));
    }
    if let Data::RosterStudent(student) = &event.data {
        let state = state.with_names()?;
        let called = event.feed().is_some_and(|feed| state.call(feed, event.revision, || name(student)));
        return Ok(if called { StateChange::Noted } else { StateChange::Same });
    }
    let Some(observation) = observation(event) else { return Ok(StateChange::Same) };
    let state = state.with_register_of(&observation.fact)?;
    let change = match state.registers.apply(&observation) {
        Applied::Changed => StateChange::Changed,
        Applied::Noted => StateChange::Noted,
        Applied::Ignored => StateChange::Same,
    };
    if let Data::RosterEnrollment(Enrollment { student_id, id_system, .. }) = &event.data
        && change > StateChange::Same
    {
        state.profile = Some(Profile { id: student_id.clone(), id_system: id_system.clone() });
    }
    Ok(change)
}

/// As lists have it: family name, given name.
fn name(student: &Student) -> Option<String> {
    if !student.status.is_active() {
        return None;
    }
    let names = [&student.family_name, &student.given_name];
    let names: Vec<&str> = names.into_iter().flatten().map(String::as_str).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

fn acknowledged(
    on: &Folding<'_>,
    state: &mut StudentState,
    event: &Event,
    act: &Acknowledged,
) -> StateChange {
    let Some(who) = whose(event) else { return StateChange::Same };
    let id = |rule: &str, number| flag_id(on.district, who.student, who.school_year, rule, number);
    for state in &mut state.rules {
        let mut numbers = state.announced.flags().iter().map(|flag| flag.number);
        let Some(number) = numbers.find(|number| id(&state.rule, *number) == act.flag_id) else { continue };
        // A flag that is closed by now needs nobody any more: the act stays on the log and changes nothing.
        let done = state.announced.acknowledge(number, &act.by, act.reason.as_deref(), on.now);
        return if done.is_ok() { StateChange::Noted } else { StateChange::Same };
    }
    StateChange::Same
}

/// What an event of a feed says to the rules.
pub fn observation(event: &Event) -> Option<Observation<'_>> {
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
