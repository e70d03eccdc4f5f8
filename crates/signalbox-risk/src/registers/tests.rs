use jiff::civil::date;

use super::*;
use crate::observation::{Category, Incident, IncidentCategory};
use crate::student::{bytes, read_back};

fn present(feed: &str, revision: u64, value: Option<Category>) -> Observation<'_> {
    let fact = Fact::Attendance { school: "100", date: date(2026, 9, 16), value };
    Observation { feed, revision, fact }
}

fn enrolled(revision: u64, school: Option<&str>) -> Observation<'_> {
    let value = school.map(|school| Enrollment { school, entry: date(2026, 8, 24), exit: None, grade: None });
    Observation { feed: "sis", revision, fact: Fact::Enrollment { key: "e1", value } }
}

fn registers(observations: &[Observation<'_>]) -> Registers {
    let mut registers = Registers::default();
    for observation in observations {
        registers.apply(observation);
    }
    registers
}

fn digest(registers: &Registers) -> Vec<u8> {
    let mut bytes = Vec::new();
    registers.digest_into(&mut bytes);
    bytes
}

#[test]
fn only_newer_revisions_change_a_fact() {
    use Category::{AbsentUnexcused as Absent, Present};
    let mut registers = Registers::default();
    for (revision, value, applied) in [
        (1, None, Applied::Noted),
        (2, Some(Present), Applied::Changed),
        (2, Some(Present), Applied::Ignored),
        (1, Some(Absent), Applied::Ignored),
        (3, Some(Present), Applied::Noted),
        (4, Some(Absent), Applied::Changed),
        (4, Some(Present), Applied::Ignored),
        (5, None, Applied::Changed),
        (6, None, Applied::Noted),
    ] {
        assert_eq!(registers.apply(&present("a", revision, value)), applied, "revision {revision}");
    }
    assert_eq!(registers.live_attendance().count(), 0);
}

#[test]
fn a_value_that_returns_is_a_new_revision() {
    let (a, b) = (Some(Category::Tardy), Some(Category::AbsentExcused));
    let history = [present("a", 1, a), present("a", 2, b), present("a", 3, a)];
    let held = registers(&[history[2], history[1], history[0]]);
    let live: Vec<_> = held.live_attendance().collect();
    assert_eq!((live[0].category, live[0].revision, live.len()), (Category::Tardy, 3, 1));
    assert_eq!(held, registers(&history));
}

#[test]
fn an_enrolment_that_moves_leaves_no_trace_of_the_old_school() {
    let moved = registers(&[enrolled(1, Some("050")), present("a", 1, None), enrolled(2, Some("200"))]);
    let fresh = registers(&[enrolled(2, Some("200")), present("a", 1, None)]);
    assert_eq!(moved, fresh);
    assert_eq!(moved.live_enrollments().next().map(|live| live.enrollment.school), Some("200"));
    assert_eq!(registers(&[enrolled(1, Some("050")), enrolled(2, None)]).days.schools.len(), 0);
}

#[test]
fn an_enrolment_reports_what_it_did() {
    let mut registers = Registers::default();
    assert_eq!(registers.apply(&enrolled(2, Some("100"))), Applied::Changed);
    assert_eq!(registers.apply(&enrolled(1, Some("200"))), Applied::Ignored);
    assert_eq!(registers.apply(&enrolled(2, Some("100"))), Applied::Ignored);
    assert_eq!(registers.apply(&enrolled(3, Some("100"))), Applied::Noted);
    assert_eq!(registers.apply(&enrolled(4, None)), Applied::Changed);
    assert_eq!(registers.apply(&enrolled(5, None)), Applied::Noted);
}

/// Its digest would be lost with the next write.
#[test]
fn a_section_that_holds_nothing_is_refused() {
    let days = postcard::to_stdvec(&Days::default()).expect("serialises");
    let grades = postcard::to_stdvec(&CourseGrades::default()).expect("serialises");
    let incidents = postcard::to_stdvec(&Incidents::default()).expect("serialises");
    for (tag, empty) in Registers::TAGS.iter().zip([days, grades, incidents]) {
        assert!(read_back(&[(*tag, 7, empty)]).is_err(), "section {tag}");
    }
}

/// Grades and incidents are stored compressed, behind the number of their bytes.
#[test]
fn a_section_that_is_cut_short_or_lies_about_its_size_is_refused() {
    let happened = Incident { school: "100", date: None, category: IncidentCategory::Major };
    let fact = Fact::Incident { incident: "i1", value: Some(happened) };
    let held = registers(&[Observation { feed: "incidents", revision: 1, fact }]);
    let (tag, digest, whole) = bytes(&held).pop().expect("one register holds something");
    assert_eq!(read_back(&[(tag, digest, whole.clone())]).expect("it was written so"), held);
    for end in 0..whole.len() {
        assert!(read_back(&[(tag, digest, whole[..end].to_vec())]).is_err(), "the first {end} bytes");
    }
    for size in [0, 1, u32::MAX] {
        let mut lies = whole.clone();
        lies[1..5].copy_from_slice(&size.to_le_bytes());
        assert!(read_back(&[(tag, digest, lies)]).is_err(), "{size} bytes");
    }
}

#[test]
fn the_digest_knows_live_facts_only() {
    let absent = Some(Category::AbsentExcused);
    let plain = registers(&[enrolled(1, Some("100")), present("b", 1, absent)]);
    let busy = registers(&[
        present("a", 1, absent),
        enrolled(1, Some("900")),
        enrolled(7, Some("100")),
        present("b", 9, absent),
        present("a", 2, None),
    ]);
    assert_ne!(plain, busy);
    assert_eq!(digest(&plain), digest(&busy));
    assert_eq!(plain.days.digest, busy.days.digest);
    assert_ne!(plain.days.digest, registers(&[enrolled(1, Some("100"))]).days.digest);
    assert_ne!(digest(&plain), digest(&registers(&[enrolled(1, Some("100"))])));
    assert!(digest(&Registers::default()).is_empty());
}

#[test]
fn serde_keeps_registers_and_refuses_damage() {
    let held = registers(&[enrolled(1, Some("100")), present("a", 1, Some(Category::Unknown))]);
    assert_eq!(read_back(&bytes(&held)), Ok(held.clone()));

    let mut dangling = held.clone();
    dangling.days.facts.attendance[0].feed = 7;
    let mut unsorted = held;
    unsorted.days.facts.attendance.push(unsorted.days.attendance[0].clone());
    for damaged in [dangling, unsorted] {
        assert!(read_back(&bytes(&damaged)).is_err());
    }
}

#[test]
fn a_day_of_attendance_takes_few_bytes() {
    let one = registers(&[present("a", 1, Some(Category::Present))]);
    let two = registers(&[
        present("a", 1, Some(Category::Present)),
        Observation {
            feed: "a",
            revision: 1,
            fact: Fact::Attendance { school: "100", date: date(2026, 9, 17), value: Some(Category::Tardy) },
        },
    ]);
    let size = |registers| bytes(registers)[0].2.len();
    assert_eq!(size(&two) - size(&one), 2);
}

#[test]
fn where_a_student_is_on_a_date() {
    let row = |key, school, entry, exit| {
        let value = Some(Enrollment { school, entry, exit, grade: Some("09") });
        Observation { feed: "sis", revision: 1, fact: Fact::Enrollment { key, value } }
    };
    let (aug, oct, nov, jan) = (date(2026, 8, 24), date(2026, 10, 1), date(2026, 11, 1), date(2027, 1, 4));
    let held = registers(&[row("1", "100", aug, Some(oct)), row("2", "200", nov, None)]);
    let school = |date| held.enrollment_on(date, |_| Some(0)).map(|enrollment| enrollment.school);
    assert_eq!(school(date(2026, 8, 1)), Some("100"), "nowhere yet: the first that is to come");
    assert_eq!(school(aug), Some("100"));
    assert_eq!(school(oct), Some("100"));
    assert_eq!(school(date(2026, 10, 15)), Some("100"), "the last that ended");
    assert_eq!(school(jan), Some("200"));
    assert_eq!(Registers::default().enrollment_on(aug, |_| Some(0)), None);
    let moves = [aug, oct, nov, jan].map(|date| held.moves_after(date));
    assert_eq!(moves, [Some(date(2026, 10, 2)), Some(date(2026, 10, 2)), None, None]);
}

/// A roster of record beside a file that has no grade levels, or writes them otherwise.
#[test]
fn of_one_school_the_first_feed_in_authority_is_heard() {
    let row = |feed, school, entry, grade| {
        let value = Some(Enrollment { school, entry, exit: None, grade });
        Observation { feed, revision: 1, fact: Fact::Enrollment { key: school, value } }
    };
    let (begin, later) = (date(2026, 8, 24), date(2026, 8, 26));
    let rank = |feed: &str| Some(usize::from(feed != "sis"));
    let at = |rows: &[Observation<'_>]| {
        let held = registers(rows);
        let at = held.enrollment_on(date(2026, 10, 1), rank).expect("enrolled");
        (at.school.to_owned(), at.grade.map(str::to_owned))
    };
    let is = |school: &str, grade: &str| (school.to_owned(), Some(grade.to_owned()));
    let of_record = row("sis", "100", begin, Some("09"));
    assert_eq!(at(&[of_record, row("club", "100", later, None)]), is("100", "09"));
    assert_eq!(at(&[of_record, row("club", "100", later, Some("9"))]), is("100", "09"));
    assert_eq!(at(&[row("sis", "100", begin, None), row("club", "100", later, Some("9"))]), is("100", "9"));
    assert_eq!(at(&[of_record, row("club", "200", later, Some("9"))]), is("200", "9"), "a school of its own");
}
