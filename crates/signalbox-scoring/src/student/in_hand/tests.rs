use jiff::ToSpan;
use jiff::civil::date;
use signalbox_risk::{
    Category, CourseGrade, GradeKind, GradeOf, Incident, IncidentCategory, Mark, Observation,
};

use super::*;
use crate::student::{Profile, RuleState};

fn encoded(state: &StudentInHand) -> (Bytes, Vec<u8>) {
    let (mut bytes, mut known) = (Vec::new(), Vec::new());
    state.encode(&mut bytes, &mut known);
    (bytes.into(), known)
}

fn decoded(bytes: &[u8]) -> StudentInHand {
    StudentInHand::decode(Bytes::copy_from_slice(bytes)).expect("reads")
}

fn push(bytes: &mut Vec<u8>, tag: u8, format: u8, section: &[u8]) {
    append(bytes, &(tag, format, section));
}

fn plain(value: &impl Serialize) -> Vec<u8> {
    let mut bytes = Vec::new();
    append(&mut bytes, value);
    bytes
}

fn rule(name: &str) -> RuleState {
    RuleState { rule: name.to_owned(), ..RuleState::default() }
}

fn absent(day: i8, revision: u64) -> Observation<'static> {
    let fact =
        Fact::Attendance { school: "100", date: date(2026, 9, day), value: Some(Category::AbsentUnexcused) };
    Observation { feed: "sis", revision, fact }
}

fn graded() -> Observation<'static> {
    let of = GradeOf { school: "100", class: "MATH-101", term: "2026Q1", kind: GradeKind::Posted };
    let value = Some(CourseGrade { mark: Mark::Letter("F"), date: date(2026, 10, 1) });
    Observation { feed: "lms", revision: 1, fact: Fact::CourseGrade { of, value } }
}

/// A state with something in every section that is written in this test.
fn full() -> StudentInHand {
    let mut state = StudentInHand::default();
    let read = &mut state.read;
    read.profile = Some(Profile { id: "1001".to_owned(), id_system: "sis".to_owned() });
    read.call("sis", 1, || Some("Rivera, Ana".to_owned()));
    read.rules = vec![rule("behavior"), rule("chronic-absence")];
    read.registers.apply(&graded());
    read.registers.apply(&absent(1, 1));
    state
}

/// In a rolling upgrade a process of the version before reads what one of the next has written, and works on it.
#[test]
fn what_another_version_has_beside_is_kept_as_it_is() {
    let mut bytes = encoded(&full()).0.to_vec();
    push(&mut bytes, RULE, DIGESTED, &[&[1; DIGEST_BYTES][..], &plain(&("tardiness", 7_u8))].concat());
    push(&mut bytes, 99, 1, b"a section");
    push(&mut bytes, 99, 3, b"of another format");
    push(&mut bytes, 98, DIGESTED, &[&[2; DIGEST_BYTES][..], b"a register"].concat());
    let mut state = decoded(&bytes);
    let digest = |state: &StudentInHand| u128::from_be_bytes(encoded(state).1.try_into().expect("a digest"));
    let counts = [[1; DIGEST_BYTES], [2; DIGEST_BYTES]].map(u128::from_be_bytes).iter().sum();
    assert_eq!(digest(&state).wrapping_sub(digest(&full())), counts, "what they know counts as well");
    let others = |state: &StudentInHand| {
        let mut state = state.clone();
        state.whole().expect("reads");
        state.unread
    };
    assert_eq!(others(&state).len(), 4);
    let work = absent(2, 2);
    state.with_register_of(&work.fact).expect("reads").registers.apply(&work);
    let mut expected = full();
    expected.read.registers.apply(&work);
    let written = decoded(&encoded(&state).0);
    assert_eq!(others(&written), others(&state));
    assert_eq!(written.into_whole().expect("reads"), expected.read);
}

#[test]
fn what_nobody_asked_for_is_written_as_it_was_and_counts_as_it_did() {
    let (bytes, known) = encoded(&full());
    assert_eq!(encoded(&decoded(&bytes)), (bytes.clone(), known));
    for observation in [absent(1, 2), absent(2, 1), graded()] {
        let mut whole = decoded(&bytes);
        whole.whole().expect("reads").registers.apply(&observation);
        let mut part = decoded(&bytes);
        part.with_register_of(&observation.fact).expect("reads").registers.apply(&observation);
        assert!(part.unread.len() >= 4, "names, profile and rules are not read");
        assert_eq!(encoded(&part), encoded(&whole));
    }
}

#[test]
fn what_is_no_state_is_refused() {
    for bytes in [&b""[..], &[2], &[FORMAT, 1], &[FORMAT, PROFILE, PLAIN, 9, 0]] {
        assert!(StudentInHand::decode(Bytes::copy_from_slice(bytes)).is_err(), "{bytes:?}");
    }
    for tag in tags() {
        for (format, why) in
            [(DIGESTED + 1, "a later version's"), (DIGESTED, "too short"), (PLAIN, "not its own")]
        {
            let mut newer = vec![FORMAT];
            push(&mut newer, tag, format, b"\xff\xff\xff");
            let whole = StudentInHand::decode(newer.into()).and_then(StudentInHand::into_whole);
            assert!(whole.is_err(), "nothing is judged without section {tag}: {why}");
        }
    }
}

/// A newer process finds its own rule behind those that an older one wrote.
#[test]
fn rules_are_in_the_order_of_their_names_whoever_wrote_them() {
    let mut bytes = vec![FORMAT];
    for name in ["chronic-absence", "behavior"] {
        push(&mut bytes, RULE, DIGESTED, &[&[1; DIGEST_BYTES][..], &plain(&rule(name))].concat());
    }
    let whole = decoded(&bytes).into_whole().expect("reads");
    assert_eq!(whole.rules, [rule("behavior"), rule("chronic-absence")]);
}

/// A year with a row for every day, the grades of six classes in two terms, three incidents.
#[test]
fn a_state_takes_less_than_two_kib() {
    let mut state = full();
    let registers = &mut state.read.registers;
    let days =
        date(2026, 8, 24).series(1.day()).filter(|day| day.weekday().to_monday_zero_offset() < 5).take(180);
    for (at, date) in (1..).zip(days) {
        let fact = Fact::Attendance { school: "100", date, value: Some(Category::Present) };
        registers.apply(&Observation { feed: "attendance", revision: at, fact });
    }
    let classes: Vec<String> = (0..6).map(|class| format!("MATH-101-{class}")).collect();
    for (class, term) in classes.iter().flat_map(|class| [(class, "2026Q1"), (class, "2026Q2")]) {
        let of = GradeOf { school: "100", class, term, kind: GradeKind::Posted };
        let value = Some(CourseGrade { mark: Mark::Letter("B"), date: date(2026, 10, 1) });
        let fact = Fact::CourseGrade { of, value };
        registers.apply(&Observation { feed: "grades", revision: 1, fact });
    }
    for incident in ["INC-1001", "INC-1002", "INC-1003"] {
        let value =
            Incident { school: "100", date: Some(date(2026, 9, 9)), category: IncidentCategory::Minor };
        let fact = Fact::Incident { incident, value: Some(value) };
        registers.apply(&Observation { feed: "incidents", revision: 1, fact });
    }
    let bytes = encoded(&state).0.len();
    assert!(bytes < 2_048, "{bytes} bytes");
}
