//! The events of the consuming cases: a roster, then attendance in day order, one event per student and day.

use bytes::Bytes;
use jiff::ToSpan;
use jiff::civil::{Date, Weekday};
use signalbox_event::codec::to_binary;
use signalbox_event::data::{
    AttendanceCategory, AttendanceDaily, CourseGrade, CourseGradeKind, Enrollment, Incident,
    IncidentCategory, RowsMean, RunEnded, SchoolCoverage,
};
use signalbox_event::envelope::feed_source;
use signalbox_event::id::{derived, event_id};
use signalbox_event::topic::{self, DEFAULT_SHARDS};
use signalbox_event::{Data, Domain, Event, Status, StudentKey};
use signalbox_log::Message;

use crate::district::{DISTRICT, FIRST_DAY, SCHOOLS};

const SCHOOL_YEAR: u16 = 2022;
const TRACE: &str = "00-2f1d9c5b7a3e4f60b8d1c2a394e5f607-9c5b7a3e4f60b8d1-01";
/// One student in ten is kept for [`Workload::toggle`]: absent on the first day only, in a month half a day below the line.
const TOGGLED_ONE_IN: u32 = 10;
const TOGGLED: u32 = 3;
/// What students have beside their attendance.
const GRADES: u32 = 12;
const INCIDENTS: u32 = 3;

/// Attendance of so many students on so many days. Each day is a run of the feed.
#[derive(Debug, Clone)]
pub(crate) struct Workload {
    pub(crate) students: u32,
    pub(crate) days: u32,
    pub(crate) prefix: String,
}

impl Workload {
    /// Everybody's enrolment, and the end of its run on every shard.
    pub(crate) fn roster(&self) -> impl Iterator<Item = Message> + '_ {
        let ended = |shard| self.ended(said_nothing("enrollment"), Domain::Roster, FIRST_DAY, shard);
        let rows = (0..self.students).map(|student| {
            let enrollment = Enrollment {
                enrollment_id: format!("{}-{FIRST_DAY}", school(student)),
                student_id: id(student),
                id_system: "enrollment".to_owned(),
                school: school(student),
                entry_date: FIRST_DAY,
                exit_date: None,
                grade: Some(format!("{:02}", student % 13)),
                status: Status::Active,
            };
            let key = format!("{SCHOOL_YEAR}|{}|{}", id(student), enrollment.enrollment_id);
            self.student_message(student, "enrollment", &key, 1, 1, Data::RosterEnrollment(enrollment))
        });
        rows.chain((0..DEFAULT_SHARDS).map(ended))
    }

    /// Records of the roster.
    pub(crate) fn roster_records(&self) -> u64 {
        u64::from(self.students) + u64::from(DEFAULT_SHARDS)
    }

    /// Everybody's twelve grades, none of them failing.
    pub(crate) fn grades(&self) -> impl Iterator<Item = Message> + '_ {
        let ended = |shard| self.ended(said_nothing("grades"), Domain::Gradebook, FIRST_DAY, shard);
        let of_one = |student: u32| (0..GRADES).map(move |number| (student, number));
        let rows = (0..self.students).flat_map(of_one).map(|(student, number)| {
            let grade = CourseGrade {
                school: Some(school(student)),
                class: format!("{}-{}", 4_000 + number % 6, student % 7),
                term: format!("Q{}", 1 + number / 6),
                kind: CourseGradeKind::Posted,
                numeric_grade: Some((61 + (student + number) % 39).into()),
                letter_grade: None,
                is_unknown: false,
                as_of: Some(FIRST_DAY),
                status: Status::Active,
            };
            let key = format!("{SCHOOL_YEAR}|{}|{}|{}", id(student), grade.class, grade.term);
            self.student_message(student, "grades", &key, 1, 1, Data::GradebookCourseGrade(grade))
        });
        rows.chain((0..DEFAULT_SHARDS).map(ended))
    }

    /// Everybody's three incidents, too few to flag anybody.
    pub(crate) fn incidents(&self) -> impl Iterator<Item = Message> + '_ {
        let ended = |shard| self.ended(said_nothing("incidents"), Domain::Behavior, FIRST_DAY, shard);
        let of_one = |student: u32| (0..INCIDENTS).map(move |number| (student, number));
        let rows = (0..self.students).flat_map(of_one).map(|(student, number)| {
            let incident = Incident {
                incident: format!("INC-{}", student * INCIDENTS + number),
                school: Some(school(student)),
                date: Some(school_day(number)),
                category: IncidentCategory::Major,
                status: Status::Active,
            };
            let key = format!("{SCHOOL_YEAR}|{}|{}", incident.incident, id(student));
            self.student_message(student, "incidents", &key, 1, 1, Data::BehaviorIncident(incident))
        });
        rows.chain((0..DEFAULT_SHARDS).map(ended))
    }

    /// One day of everybody, and its end on every shard.
    pub(crate) fn day(&self, day: u32) -> impl Iterator<Item = Message> + '_ {
        let run = u64::from(day) + 1;
        let rows = (0..self.students)
            .map(move |student| self.attended(student, day, 1, category(student, day), run));
        rows.chain((0..DEFAULT_SHARDS).map(move |shard| self.day_ended(day, run, shard)))
    }

    /// Records of all days.
    pub(crate) fn attendance_records(&self) -> u64 {
        u64::from(self.days) * (u64::from(self.students) + u64::from(DEFAULT_SHARDS))
    }

    /// The `number`th of corrections without end, each of which raises a flag or takes it back, if there are twenty
    /// days: who it is about, whether it raises, and the record.
    pub(crate) fn toggle(&self, number: u64) -> (String, bool, Message) {
        let toggled = u64::from(self.students / TOGGLED_ONE_IN).max(1);
        let student = (number % toggled) as u32 * TOGGLED_ONE_IN + TOGGLED;
        let round = number / toggled;
        let raises = round.is_multiple_of(2);
        let category = if raises { AttendanceCategory::AbsentUnexcused } else { AttendanceCategory::Present };
        (key(student).to_string(), raises, self.attended(student, 1, round + 2, category, self.days.into()))
    }

    fn attended(
        &self,
        student: u32,
        day: u32,
        revision: u64,
        category: AttendanceCategory,
        run: u64,
    ) -> Message {
        let date = school_day(day);
        let code = if category == AttendanceCategory::Present { "P" } else { "A" };
        let row = AttendanceDaily {
            school: Some(school(student)),
            date,
            category,
            source_code: Some(code.to_owned()),
            status: Status::Active,
        };
        let key = format!("{SCHOOL_YEAR}|{}|{}|{date}", id(student), school(student));
        self.student_message(student, "attendance", &key, revision, run, Data::AttendanceDaily(row))
    }

    fn student_message(
        &self,
        student: u32,
        feed: &str,
        natural_key: &str,
        revision: u64,
        run: u64,
        data: Data,
    ) -> Message {
        let subject = key(student);
        let time = match &data {
            Data::AttendanceDaily(row) => format!("{}T00:00:00-05:00", row.date),
            _ => format!("{FIRST_DAY}T18:00:00-05:00"),
        };
        let kind = data.kind().short();
        let event = Event {
            id: event_id(DISTRICT, feed, kind, natural_key, revision, &revision.to_be_bytes()),
            source: feed_source(DISTRICT, feed),
            subject: Some(subject),
            time,
            partition_key: topic::student_key(DISTRICT, &subject),
            school_year: Some(SCHOOL_YEAR),
            revision,
            run: Some(run),
            traceparent: Some(TRACE.to_owned()),
            data,
        };
        let shard = topic::shard_of(event.partition_key.as_bytes(), DEFAULT_SHARDS);
        self.message(&event, event.kind().domain(), shard)
    }

    fn day_ended(&self, day: u32, run: u64, shard: u32) -> Message {
        let date = school_day(day);
        let covers = |number: u32| SchoolCoverage {
            school: school(number),
            first: date,
            last: date,
            doubtful: Vec::new(),
        };
        let ended = RunEnded {
            feed: "attendance".to_owned(),
            run,
            rows: Some(RowsMean::EveryDay),
            covered: (0..SCHOOLS).map(covers).collect(),
        };
        self.ended(ended, Domain::Attendance, date, shard)
    }

    fn ended(&self, ended: RunEnded, domain: Domain, date: Date, shard: u32) -> Message {
        let event = Event {
            id: derived(&[
                b"bench-run",
                ended.feed.as_bytes(),
                &ended.run.to_be_bytes(),
                &shard.to_be_bytes(),
            ]),
            source: feed_source(DISTRICT, &ended.feed),
            subject: None,
            time: format!("{date}T18:00:00-05:00"),
            partition_key: format!("{DISTRICT}/shard-{shard}"),
            school_year: None,
            revision: 1,
            run: Some(ended.run),
            traceparent: None,
            data: Data::OpsRunEnded(ended),
        };
        self.message(&event, domain, shard)
    }

    fn message(&self, event: &Event, domain: Domain, shard: u32) -> Message {
        let (headers, value) = to_binary(event);
        Message {
            topic: topic::name(&self.prefix, domain),
            shard,
            key: Some(Bytes::from(event.partition_key.clone())),
            headers: headers.into_iter().collect(),
            value: value.into(),
        }
    }
}

fn id(student: u32) -> String {
    (1_000_000 + student).to_string()
}

fn school(student: u32) -> String {
    (100 + student % SCHOOLS).to_string()
}

fn key(student: u32) -> StudentKey {
    StudentKey::derive(b"bench", "enrollment", &id(student))
}

/// The `number`th weekday of the school year, from 0.
fn school_day(number: u32) -> Date {
    debug_assert_eq!(FIRST_DAY.weekday(), Weekday::Monday);
    FIRST_DAY + i64::from(number / 5 * 7 + number % 5).days()
}

/// Students differ: between none and one in nine of their days are absences.
const fn category(student: u32, day: u32) -> AttendanceCategory {
    let absent = if student % TOGGLED_ONE_IN == TOGGLED {
        day == 0
    } else {
        (student * 31 + day * 17) % 64 < student % 64 / 8
    };
    if absent { AttendanceCategory::AbsentUnexcused } else { AttendanceCategory::Present }
}

/// The end of a feed's first run, which covers nothing.
fn said_nothing(feed: &str) -> RunEnded {
    RunEnded { feed: feed.to_owned(), run: 1, rows: None, covered: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_about_580_bytes_and_a_student_has_one_a_day() {
        let workload = Workload { students: 200, days: 20, prefix: "k12".to_owned() };
        let day: Vec<Message> = workload.day(3).collect();
        assert_eq!(day.len(), 200 + DEFAULT_SHARDS as usize);
        let size = |message: &Message| {
            let headers = message.headers.iter().map(|(name, value)| name.len() + value.len());
            message.value.len() + message.key.as_ref().map_or(0, Bytes::len) + headers.sum::<usize>()
        };
        let mean = day[..200].iter().map(size).sum::<usize>() / 200;
        assert!((540..=620).contains(&mean), "{mean} bytes");
        let mut keys: Vec<_> = day[..200].iter().map(|message| message.key.clone()).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), 200);
    }

    #[test]
    fn a_toggle_turns_when_all_have_had_theirs() {
        let workload = Workload { students: 1_000, days: 20, prefix: "k12".to_owned() };
        let (who, raises, first) = workload.toggle(0);
        let again = (1..u64::MAX).find(|number| workload.toggle(*number).0 == who).expect("it comes round");
        let (_, raises_again, second) = workload.toggle(again);
        assert!(raises && !raises_again);
        assert_eq!(first.key, second.key);
        assert_ne!(first.headers, second.headers);
    }
}
