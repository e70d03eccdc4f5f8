//! Events of every kind, made up by proptest.

use jiff::civil::Date;
use jiff::tz::Offset;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use uuid::Uuid;

use crate::data::{
    Acknowledged, Action, AttendanceCategory, AttendanceDaily, Calendar, CourseGrade, CourseGradeKind,
    Enrollment, Evidence, FeedInForce, FeedMode, FeedRetired, FlagChanged, IdValue, Incident,
    IncidentCategory, Mode, PolicyChanged, Reason, RouteInForce, RowsMean, RuleInForce, RunEnded, School,
    SchoolCoverage, Student, StudentRef,
};
use crate::{Data, Event, Status, StudentKey};

/// An event with every attribute there is.
pub(crate) fn full_event() -> Event {
    let key = StudentKey::derive(b"secret", "sis", "1001");
    Event {
        id: crate::id::event_id("d", "att", "attendance.daily", "1001|100|2021-09-07", 1, b"hash"),
        source: crate::envelope::feed_source("d", "att"),
        subject: Some(key),
        time: "2021-09-07T00:00:00-05:00".into(),
        partition_key: crate::topic::student_key("d", &key),
        school_year: Some(2022),
        revision: 1,
        run: Some(3),
        traceparent: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".into()),
        data: Data::AttendanceDaily(AttendanceDaily {
            school: Some("100".into()),
            date: jiff::civil::date(2021, 9, 7),
            category: AttendanceCategory::AbsentExcused,
            source_code: Some("E".into()),
            status: Status::Active,
        }),
    }
}

pub(crate) fn event() -> impl Strategy<Value = Event> {
    let whom = (option::of(any::<u128>()), text(), option::of(any::<u16>()));
    let counts = (any::<u64>(), option::of(any::<u64>()), option::of(text()));
    (any::<u128>(), text(), time(), whom, counts, data()).prop_map(
        |(id, source, time, (subject, partition_key, school_year), (revision, run, traceparent), data)| {
            Event {
                id: Uuid::from_u128(id),
                source,
                subject: subject.map(|key| StudentKey::from_uuid(Uuid::from_u128(key))),
                time,
                partition_key,
                school_year,
                revision,
                run,
                traceparent,
                data,
            }
        },
    )
}

/// Any text, quotes, control characters and those outside the basic plane included.
fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z0-9/-]{1,12}", any::<String>()]
}

fn maybe() -> impl Strategy<Value = Option<String>> {
    option::of(text())
}

fn date() -> impl Strategy<Value = Date> {
    (0_i16..=9999, 1_i8..=12, 1_i8..=28).prop_map(|(year, month, day)| jiff::civil::date(year, month, day))
}

fn time() -> impl Strategy<Value = String> {
    (0_i64..4_000_000_000, -12_i8..=14).prop_map(|(second, hours)| {
        let at = jiff::Timestamp::from_second(second).expect("a second of this age");
        at.display_with_offset(Offset::constant(hours)).to_string()
    })
}

fn status() -> impl Strategy<Value = Status> {
    prop_oneof![Just(Status::Active), Just(Status::ToBeDeleted)]
}

fn data() -> impl Strategy<Value = Data> {
    prop_oneof![
        student().prop_map(Data::RosterStudent),
        enrollment().prop_map(Data::RosterEnrollment),
        attendance().prop_map(Data::AttendanceDaily),
        course_grade().prop_map(Data::GradebookCourseGrade),
        incident().prop_map(Data::BehaviorIncident),
        flag().prop_map(Data::RiskFlagRaised),
        flag().prop_map(Data::RiskFlagCleared),
        flag().prop_map(Data::RiskFlagWithdrawn),
        acknowledged().prop_map(Data::InterventionAcknowledged),
        run_ended().prop_map(Data::OpsRunEnded),
        feed_mode().prop_map(Data::OpsFeedMode),
        feed_retired().prop_map(Data::OpsFeedRetired),
        policy_changed().prop_map(Data::OpsPolicyChanged),
        action().prop_map(Data::OpsAction),
        school().prop_map(Data::ReferenceSchool),
        calendar().prop_map(Data::ReferenceCalendar),
    ]
}

fn feed_retired() -> impl Strategy<Value = FeedRetired> {
    text().prop_map(|feed| FeedRetired { feed })
}

fn policy_changed() -> impl Strategy<Value = PolicyChanged> {
    let rule = (text(), text(), any::<u32>()).prop_map(|(rule, key, number)| RuleInForce {
        rule,
        settings: std::iter::once((key, number.into())).collect(),
    });
    let route = (text(), text()).prop_map(|(rule, to)| RouteInForce { rule, to });
    let feed = (text(), vec(text(), 0..3), any::<bool>(), any::<bool>()).prop_map(
        |(feed, entities, enrollment, attendance)| FeedInForce { feed, entities, enrollment, attendance },
    );
    let lists = (vec(rule, 0..3), vec(route, 0..3), vec(feed, 0..3));
    (text(), any::<u64>(), lists).prop_map(|(policy_hash, number, (rules, routes, feeds))| PolicyChanged {
        policy_hash,
        number,
        rules,
        routes,
        feeds,
    })
}

fn student() -> impl Strategy<Value = Student> {
    let ids = vec((text(), text()).prop_map(|(kind, value)| IdValue { kind, value }), 0..3);
    (text(), text(), ids, maybe(), maybe(), option::of(date()), status()).prop_map(
        |(id, id_system, ids, given_name, family_name, birth_date, status)| Student {
            id,
            id_system,
            ids,
            given_name,
            family_name,
            birth_date,
            status,
        },
    )
}

fn enrollment() -> impl Strategy<Value = Enrollment> {
    let ids = (text(), text(), text(), text());
    (ids, date(), option::of(date()), maybe(), status()).prop_map(
        |((enrollment_id, student_id, id_system, school), entry_date, exit_date, grade, status)| Enrollment {
            enrollment_id,
            student_id,
            id_system,
            school,
            entry_date,
            exit_date,
            grade,
            status,
        },
    )
}

fn attendance() -> impl Strategy<Value = AttendanceDaily> {
    let category = prop_oneof![
        proptest::sample::select(AttendanceCategory::MAPPABLE),
        Just(AttendanceCategory::Unknown),
        Just(AttendanceCategory::Doubtful)
    ];
    (maybe(), date(), category, maybe(), status()).prop_map(
        |(school, date, category, source_code, status)| AttendanceDaily {
            school,
            date,
            category,
            source_code,
            status,
        },
    )
}

fn course_grade() -> impl Strategy<Value = CourseGrade> {
    let kind = proptest::sample::select(CourseGradeKind::MAPPABLE);
    let grade = (option::of(0_u16..=200), maybe(), any::<bool>());
    ((maybe(), text(), text()), kind, grade, option::of(date()), status()).prop_map(
        |((school, class, term), kind, (number, letter_grade, is_unknown), as_of, status)| CourseGrade {
            school,
            class,
            term,
            kind,
            numeric_grade: number.map(Into::into),
            letter_grade,
            is_unknown,
            as_of,
            status,
        },
    )
}

fn incident() -> impl Strategy<Value = Incident> {
    let category =
        prop_oneof![proptest::sample::select(IncidentCategory::MAPPABLE), Just(IncidentCategory::Unknown)];
    (text(), maybe(), option::of(date()), category, status()).prop_map(
        |(incident, school, date, category, status)| Incident { incident, school, date, category, status },
    )
}

fn flag() -> impl Strategy<Value = FlagChanged> {
    let student = (text(), text(), maybe(), maybe()).prop_map(|(id, id_system, school, grade)| StudentRef {
        id,
        id_system,
        school,
        grade,
    });
    let mode = prop_oneof![Just(Mode::History), Just(Mode::Test), Just(Mode::Live)];
    let said = (vec(reason(), 0..2), maybe(), maybe());
    let of = (text(), text(), text());
    (any::<u128>(), student, of, said, option::of(date()), option::of(mode)).prop_map(
        |(flag_id, student, (rule, domain, indicator), (reasons, reason, clears_when), as_of, mode)| {
            FlagChanged {
                flag_id: Uuid::from_u128(flag_id),
                student,
                rule,
                domain,
                indicator,
                reasons,
                reason,
                clears_when,
                as_of,
                mode,
            }
        },
    )
}

fn reason() -> impl Strategy<Value = Reason> {
    let words = (text(), text(), text(), text(), text());
    let evidence =
        (date(), text(), maybe()).prop_map(|(date, what, reference)| Evidence { date, what, reference });
    let absences = option::of((any::<u16>(), any::<u32>(), vec(date(), 0..4)));
    (words, vec(evidence, 0..3), absences).prop_map(
        |((code, text, value, operator, threshold), evidence, absences)| {
            let half_days = |half_days: u16| match half_days % 2 {
                0 => (half_days / 2).into(),
                _ => serde_json::Number::from_f64(f64::from(half_days) / 2.0).expect("a half is finite"),
            };
            Reason {
                code,
                text,
                value,
                operator,
                threshold,
                evidence,
                absent_days: absences.as_ref().map(|absences| half_days(absences.0)),
                expected_days: absences.as_ref().map(|absences| absences.1),
                dates: absences.map(|absences| absences.2),
            }
        },
    )
}

fn acknowledged() -> impl Strategy<Value = Acknowledged> {
    (any::<u128>(), text(), maybe()).prop_map(|(flag_id, by, reason)| Acknowledged {
        flag_id: Uuid::from_u128(flag_id),
        by,
        reason,
    })
}

fn run_ended() -> impl Strategy<Value = RunEnded> {
    let rows = option::of(prop_oneof![Just(RowsMean::Exceptions), Just(RowsMean::EveryDay)]);
    let school = (text(), date(), date()).prop_map(|(school, first, last)| SchoolCoverage {
        school,
        first,
        last,
        doubtful: vec![(first, last)],
    });
    (text(), any::<u64>(), rows, vec(school, 0..3)).prop_map(|(feed, run, rows, covered)| RunEnded {
        feed,
        run,
        rows,
        covered,
    })
}

fn feed_mode() -> impl Strategy<Value = FeedMode> {
    let mode = prop_oneof![Just(Mode::History), Just(Mode::Test), Just(Mode::Live)];
    (text(), mode).prop_map(|(feed, mode)| FeedMode { feed, mode })
}

fn action() -> impl Strategy<Value = Action> {
    (text(), text(), text(), text()).prop_map(|(actor, action, target, reason)| Action {
        actor,
        action,
        target,
        reason,
    })
}

fn school() -> impl Strategy<Value = School> {
    (text(), maybe(), maybe(), status()).prop_map(|(id, identifier, name, status)| School {
        id,
        identifier,
        name,
        status,
    })
}

fn calendar() -> impl Strategy<Value = Calendar> {
    (maybe(), any::<u16>(), date(), date(), vec(date(), 0..4), status()).prop_map(
        |(school, school_year, first, last, days, status)| Calendar {
            school,
            school_year,
            first,
            last,
            days,
            status,
        },
    )
}
