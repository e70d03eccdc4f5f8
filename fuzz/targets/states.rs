//! States of consumers, as a store gives them back.

use bolero::TypeGenerator;
use jiff::ToSpan;
use jiff::civil::{Date, date};
use signalbox_consume::folder::{State, Who, hear};
use signalbox_event::data::{AttendanceCategory, AttendanceDaily, RowsMean, RunEnded, SchoolCoverage};
use signalbox_event::envelope::feed_source;
use signalbox_event::{Data, Event, Status, StudentKey};
use signalbox_risk::{
    Calendar, Category, CourseGrade, DateRanges, Enrollment, Fact, GradeKind, GradeOf, Incident,
    IncidentCategory, Judging, Mark, Observation, Reference, Registers, Rows, Rule,
};
use signalbox_scoring::student::{Profile, RuleState, StudentInHand, StudentState, StudentYear, Told};
use signalbox_scoring::{ScoredShard, Scoring};
use uuid::Uuid;

use signalbox_fuzz::Edited;

use crate::memory;

const SCHOOL_YEAR: u16 = 2022;
const FIRST: Date = date(2021, 8, 23);
const LAST: Date = date(2022, 5, 27);

fn reference() -> Reference {
    let days = FIRST.series(1.day()).take_while(|day| *day <= LAST);
    let calendar = Calendar::new(SCHOOL_YEAR, FIRST, LAST, days).expect("a year");
    Reference::builder("r")
        .default_calendar(calendar)
        .enrollment_feed("sis")
        .attendance_feed("attendance", Rows::Exceptions)
        .covered("attendance", "100", &DateRanges::from((FIRST, LAST)))
        .build()
        .expect("a reference")
}

fn enrolled() -> Observation<'static> {
    let value = Enrollment { school: "100", entry: FIRST, exit: None, grade: Some("09") };
    Observation { feed: "sis", revision: 1, fact: Fact::Enrollment { key: "e1", value: Some(value) } }
}

fn absent(days: i64) -> Observation<'static> {
    let date = FIRST.checked_add(days.days()).expect("a day of the year");
    let fact = Fact::Attendance { school: "100", date, value: Some(Category::AbsentUnexcused) };
    Observation { feed: "attendance", revision: 1, fact }
}

/// A student with a flag that somebody was told of.
fn student() -> StudentState {
    let mut state = StudentState::default();
    state.profile = Some(Profile { id: "1001".to_owned(), id_system: "sis".to_owned() });
    state.registers.apply(&enrolled());
    (0..40).for_each(|day| {
        state.registers.apply(&absent(day * 3));
    });
    state.registers.apply(&failed());
    (0..2).for_each(|number| {
        state.registers.apply(&misbehaved(["i-1", "i-2"][number]));
    });
    changes(&mut state);
    for kept in &mut state.rules {
        kept.told =
            vec![Told { number: 1, to: "counselor".to_owned(), alert_id: Uuid::from_u128(7), held: None }];
    }
    state
}

/// Judges a state by every rule and announces what is found.
fn changes(state: &mut StudentState) -> usize {
    let reference = reference();
    let mut changes = 0;
    for rule in rules() {
        let on = Judging {
            registers: &state.registers,
            reference: &reference,
            school_year: SCHOOL_YEAR,
            as_of: LAST,
        };
        let judgement = rule.judge(&on);
        let at = state.rules.binary_search_by(|kept| kept.rule.as_str().cmp(rule.name()));
        let at = at.unwrap_or_else(|at| {
            state.rules.insert(at, RuleState { rule: rule.name().to_owned(), ..RuleState::default() });
            at
        });
        changes += judgement.announce(&mut state.rules[at].announced, jiff::Timestamp::UNIX_EPOCH).len();
    }
    changes
}

fn rules() -> Vec<Rule> {
    let rules = [
        r#"{"rule": "chronic-absence"}"#,
        r#"{"rule": "course-failure", "kind": "posted", "below": 60}"#,
        r#"{"rule": "behavior", "categories": ["major"], "at_least": 2, "within": {"school_days": 45}}"#,
    ];
    let rule = |json: &&str| Rule::from_json(serde_json::from_str(json).expect("an object")).expect("a rule");
    rules.iter().map(rule).collect()
}

fn failed() -> Observation<'static> {
    let of = GradeOf { school: "100", class: "ALG1", term: "Q1", kind: GradeKind::Posted };
    let grade = CourseGrade { mark: Mark::Letter("F"), date: FIRST };
    Observation { feed: "grades", revision: 1, fact: Fact::CourseGrade { of, value: Some(grade) } }
}

fn misbehaved(incident: &'static str) -> Observation<'static> {
    let value = Incident { school: "100", date: Some(FIRST), category: IncidentCategory::Major };
    Observation { feed: "incidents", revision: 1, fact: Fact::Incident { incident, value: Some(value) } }
}

/// A row in memory is larger than its bytes, but by a factor.
fn memory_for(bytes: usize) -> u64 {
    4 * 1024 * 1024 + 256 * bytes as u64
}

#[test]
fn student_state() {
    let samples = [encoded(StudentState::default()), encoded(student())];
    let mut raised = student();
    assert!(raised.rules.iter().any(|kept| !kept.announced.flags().is_empty()), "the sample has a flag");
    assert_eq!(changes(&mut raised), 0, "which is announced once");
    bolero::check!().with_iterations(2_000).with_type::<Edited>().for_each(|input| {
        let bytes = input.bytes(&samples);
        let Some(state) = memory::at_most(memory_for(bytes.len()), || decoded(&bytes)) else {
            return;
        };
        assert_eq!(decoded(&encoded(state.clone())), Some(state.clone()));
        works(state.registers.clone());
        changes(&mut state.clone());
    });
}

fn encoded(state: StudentState) -> Vec<u8> {
    let mut bytes = Vec::new();
    StudentInHand::from(state).encode(&mut bytes, &mut Vec::new());
    bytes
}

fn decoded(bytes: &[u8]) -> Option<StudentState> {
    StudentInHand::decode(bytes.to_vec().into()).ok()?.into_whole().ok()
}

/// What was believed must not become a panic later.
fn works(mut registers: Registers) {
    registers.apply(&enrolled());
    registers.apply(&absent(1));
    let again = registers.clone();
    registers.apply(&absent(1));
    assert_eq!(registers, again, "a repetition changes nothing");
}

fn said(run: u64, data: Data) -> Event {
    Event {
        id: Uuid::from_u128(1),
        source: feed_source("lakeside", "attendance"),
        subject: None,
        time: "2021-09-01T08:00:00-05:00".to_owned(),
        partition_key: "lakeside/shard-0".to_owned(),
        school_year: None,
        revision: 1,
        run: Some(run),
        traceparent: None,
        data,
    }
}

fn row(run: u64) -> Event {
    let category = AttendanceCategory::Tardy;
    let day =
        AttendanceDaily { school: None, date: FIRST, category, source_code: None, status: Status::Active };
    said(run, Data::AttendanceDaily(day))
}

fn ended(run: u64) -> Event {
    let covered =
        vec![SchoolCoverage { school: "100".to_owned(), first: FIRST, last: LAST, doubtful: Vec::new() }];
    let (feed, rows) = ("attendance".to_owned(), Some(RowsMean::Exceptions));
    said(run, Data::OpsRunEnded(RunEnded { feed, run, rows, covered }))
}

#[test]
fn shard_state() {
    let hear = |shard: &mut ScoredShard, event: Event| hear::<Scoring>(shard, &event);
    let mut shard = ScoredShard::default();
    hear(&mut shard, ended(3));
    hear(&mut shard, row(4));
    let samples = [ScoredShard::default().encode(), shard.encode()];
    bolero::check!().with_iterations(2_000).with_type::<Edited>().for_each(|input| {
        let bytes = input.bytes(&samples);
        let decoded = memory::at_most(memory_for(bytes.len()), || ScoredShard::decode(&bytes));
        let Ok(mut state) = decoded else { return };
        assert_eq!(ScoredShard::decode(&state.encode()).ok(), Some(state.clone()));
        // Nothing counts to the end of 64 bits; damage may say that something did.
        state.turns = state.turns.min(u64::MAX - 2);
        hear(&mut state, row(u64::MAX));
        hear(&mut state, ended(u64::MAX));
        assert!(state.feeds["attendance"].open_run.is_none(), "the end of a run is the end of it");
    });
}

#[derive(Debug, Clone, TypeGenerator)]
struct Whom {
    school_year: u16,
    student: u128,
    edited: Edited,
}

#[test]
fn subject() {
    bolero::check!().with_iterations(2_000).with_type::<Whom>().for_each(|input| {
        let student = StudentKey::from_uuid(Uuid::from_u128(input.student));
        let whom = StudentYear { school_year: input.school_year, student };
        assert_eq!(StudentYear::of_subject(&whom.subject()), Some(whom));
        let bytes = input.edited.bytes(&[whom.subject()]);
        let read = StudentYear::of_subject(&bytes);
        assert!(read.is_none_or(|read| read.subject() == bytes), "two spellings of one subject");
    });
}
