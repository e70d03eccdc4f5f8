use jiff::civil::date;
use signalbox_event::rows::{AttendanceCategory, AttendanceRow};

use super::*;

fn row(doubtful: bool) -> Row<'static> {
    let mark = if doubtful { Mark::Doubtful } else { Mark::None };
    let day = AttendanceRow {
        school: "100".into(),
        date: date(2026, 9, 18).into(),
        category: AttendanceCategory::AbsentExcused,
        source_code: None,
    };
    Row { student: Some(Uuid::from_u128(7)), mark, body: day.into() }
}

fn cast(rows: u32, place: &Place, before: &Book) -> Doubt {
    let mut doubts = Doubts::default();
    for row in 0..rows {
        match place {
            Place::Student(id) => doubts.on_student(StudentKey::from_uuid(*id), None, None, row),
            _ => doubts.on(place.clone(), row),
        }
    }
    Doubt::of(doubts, before, &Returned::default(), false, date(2026, 9, 20))
}

#[test]
fn only_new_doubt_lets_rows_stand_and_they_stand_while_it_remains() {
    for place in [
        Place::Student(Uuid::from_u128(7)),
        Place::Day("100".into(), date(2026, 9, 18)),
        Place::School("100".into()),
        Place::Payload,
    ] {
        let first = cast(2, &place, &Book::default());
        let stood = BTreeSet::from([place.clone()]);
        assert_eq!(first.on(&row(false)), vec![place.clone()]);
        let second = cast(2, &place, &first.book(9, 2, &stood));
        assert!(!is_on(&second, false), "no more than before: {place:?}");
        assert!(is_on(&second, true), "it stood on, and they remain: {place:?}");
        let third = cast(1, &place, &second.book(9, 2, &stood));
        assert!(is_on(&third, true), "one remains: {place:?}");
        let gone = cast(0, &place, &third.book(9, 1, &stood));
        assert!(!is_on(&gone, true), "{place:?}");
        let again = cast(3, &place, &second.book(9, 2, &stood));
        assert!(is_on(&again, false), "more than before: {place:?}");
    }
}

fn is_on(doubt: &Doubt, doubtful: bool) -> bool {
    !doubt.on(&row(doubtful)).is_empty()
}

/// A footer stands in every file. One night a row beside it cannot be read, and another is missing; then that row is
/// mended, and the other still missing.
#[test]
fn rows_in_spite_of_which_nothing_was_missing_keep_nothing_standing() {
    let place = Place::Payload;
    let footer = cast(1, &place, &Book::default()).book(9, 1, &BTreeSet::new());
    let beside = cast(2, &place, &footer);
    assert!(is_on(&beside, false));
    let mended = cast(1, &place, &beside.book(9, 2, &BTreeSet::from([place.clone()])));
    assert!(!is_on(&mended, true) && !is_on(&mended, false), "only the footer is left");
    let still_there = cast(2, &place, &beside.book(9, 2, &BTreeSet::new()));
    assert!(!is_on(&still_there, true), "nothing stood on because of it");
}

/// As many rows of a school's day as the night before, under other ids.
#[test]
fn other_ids_are_other_rows() {
    for place in [Place::Day("100".into(), date(2026, 9, 18)), Place::School("100".into())] {
        let cast = |ids: &[&str], before: &Book| {
            let mut doubts = Doubts::default();
            for id in ids {
                doubts.on(place.clone(), mark_of(id));
            }
            Doubt::of(doubts, before, &Returned::default(), false, date(2026, 9, 20))
        };
        let first = cast(&["X1", "X2"], &Book::default()).book(9, 2, &BTreeSet::new());
        assert!(!is_on(&cast(&["X2", "X1"], &first), false), "{place:?}");
        assert!(!is_on(&cast(&["X2"], &first), false), "fewer: {place:?}");
        let other = cast(&["X2", "X3"], &first);
        assert!(is_on(&other, false), "{place:?}");
        let stood = BTreeSet::from([place.clone()]);
        assert!(is_on(&cast(&["X2", "X3"], &other.book(9, 2, &stood)), true), "while it remains: {place:?}");
    }
}

/// A row that names the student may be about any day of theirs; it makes silence unknown on its own day only.
#[test]
fn a_day_that_is_named_is_the_only_one_that_it_hides() {
    let student = StudentKey::from_uuid(Uuid::from_u128(7));
    let cast = |day: i8, before: &Book| {
        let mut doubts = Doubts::default();
        doubts.on_student(student, None, Some(date(2026, 9, day)), 0);
        Doubt::of(doubts, before, &Returned::default(), false, date(2026, 9, 20))
    };
    let first = cast(3, &Book::default());
    assert!(is_on(&first, false), "the row of the 18th is missing");
    let hides = |doubt: &Doubt, day| doubt.students().any(|(.., hides)| hides(date(2026, 9, day)));
    assert!(hides(&first, 3) && !hides(&first, 18));
    let book = first.book(9, 1, &BTreeSet::new());
    assert!(!is_on(&cast(3, &book), false), "the same");
    assert!(is_on(&cast(4, &book), false), "another");
}

/// Another date that counts nowhere in place of the first. One that stands there for a second night is what its tool
/// says: a planned absence must not keep corrections out until its day comes.
#[test]
fn a_day_that_counts_nowhere_is_in_doubt_for_one_night() {
    let student = StudentKey::from_uuid(Uuid::from_u128(7));
    let cast = |day: i8, before: &Book, night: i8| {
        let mut doubts = Doubts::default();
        for _ in 0..2 {
            doubts.misdated(student, &format!("100|2036-09-{day}"));
        }
        Doubt::of(doubts, before, &Returned::default(), false, date(2026, 9, night))
    };
    let first = cast(3, &Book::default(), 20);
    assert!(first.students().next().is_none() && is_on(&first, false));
    let stood = BTreeSet::from([Place::Misdated(Uuid::from_u128(7))]);
    let book = first.book(9, 1, &stood);
    assert!(is_on(&cast(3, &book, 20), false), "an hour later nothing is proven");
    assert!(!is_on(&cast(3, &book, 21), true) && is_on(&cast(4, &book, 21), false));
}

/// Day 3 of a student could not be read last night; tonight day 7 cannot.
#[test]
fn another_row_of_the_student_is_new() {
    let student = StudentKey::from_uuid(Uuid::from_u128(7));
    let cast = |marks: &[u32], before: &Book| {
        let mut doubts = Doubts::default();
        for mark in marks {
            doubts.on_student(student, None, None, *mark);
        }
        Doubt::of(doubts, before, &Returned::default(), false, date(2026, 9, 20))
    };
    let first = cast(&[3], &Book::default());
    let stood = BTreeSet::from([Place::Student(Uuid::from_u128(7))]);
    let other = cast(&[7], &first.book(9, 1, &stood));
    assert!(is_on(&other, false), "it is another row");
    let same = cast(&[7], &other.book(9, 1, &stood));
    assert!(!is_on(&same, false) && is_on(&same, true), "and the same the night after");
    let fewer = cast(&[3], &cast(&[3, 7], &Book::default()).book(9, 2, &stood));
    assert!(!is_on(&fewer, false));
}

#[test]
fn the_same_payload_again_is_in_the_same_doubt() {
    let place = Place::School("100".into());
    let first = cast(2, &place, &Book::default());
    let mut doubts = Doubts::default();
    (0..2).for_each(|row| doubts.on(place.clone(), row));
    let book = first.book(9, 2, &BTreeSet::from([place]));
    assert_eq!(Doubt::of(doubts, &book, &Returned::default(), true, date(2026, 9, 21)), first);
}

/// A file that was not used comes between: what it would have covered is covered a night later, by the same bad rows.
#[test]
fn rows_that_are_no_longer_new_hide_days_that_had_come() {
    for place in [Place::Student(Uuid::from_u128(7)), Place::School("100".into())] {
        let first = cast(1, &place, &Book::default());
        let second = cast(1, &place, &first.book(9, 1, &BTreeSet::new()));
        let hides = |doubt: &Doubt, day| {
            doubt.hides_day("100", day) || doubt.students().any(|(.., hides)| hides(day))
        };
        assert!(hides(&second, date(2026, 9, 20)), "{place:?}");
        assert!(!hides(&second, date(2026, 9, 21)), "a later day is another: {place:?}");
    }
}

#[test]
fn doubt_elsewhere_is_none_here() {
    for place in [
        Place::Student(Uuid::from_u128(8)),
        Place::Misdated(Uuid::from_u128(8)),
        Place::Day("100".into(), date(2026, 9, 17)),
        Place::Day("200".into(), date(2026, 9, 18)),
        Place::School("200".into()),
    ] {
        assert!(!is_on(&cast(1, &place, &Book::default()), false), "{place:?}");
    }
}

#[test]
fn silence_is_doubted_by_school_and_day() {
    let day = cast(1, &Place::Day("100".into(), date(2026, 9, 18)), &Book::default());
    assert!(day.hides_day("100", date(2026, 9, 18)) && !day.hides_day("100", date(2026, 9, 17)));
    let school = cast(1, &Place::School("100".into()), &Book::default());
    assert!(school.hides_day("100", date(2026, 9, 17)) && !school.hides_day("200", date(2026, 9, 17)));
    assert!(cast(1, &Place::Payload, &Book::default()).hides_day("200", date(2026, 9, 17)));
}

/// As many as before, and some rows came late that may have been some of those: that is believed once, as rows come late
/// every night and a footer stands in every file.
#[test]
fn rows_that_come_late_renew_doubt_for_one_payload() {
    let place = Place::Payload;
    let late = Returned::of([(place.clone(), Back { stood: 0, late: 1 })]);
    let cast = |before: &Book, returned: &Returned| {
        let mut doubts = Doubts::default();
        doubts.on(place.clone(), 0);
        Doubt::of(doubts, before, returned, false, date(2026, 9, 20))
    };
    let first = cast(&Book::default(), &Returned::default());
    let book = first.book(9, 1, &BTreeSet::new());
    assert!(!is_on(&cast(&book, &Returned::default()), false), "the same");
    let renewed = cast(&book, &late);
    assert!(is_on(&renewed, false) && cast(&book, &Returned::default()).is_renewed(&book, &late));
    let book = renewed.book(9, 1, &BTreeSet::new());
    assert!(!is_on(&cast(&book, &late), false), "not for a second time");
}

/// Whoever is never found has more such rows every night.
#[test]
fn more_rows_of_the_same_id_at_no_known_school_are_nothing_new() {
    let cast = |ids: &[&str], before: &Book| {
        let mut doubts = Doubts::default();
        for id in ids {
            doubts.on_nobody(Some(id), Some("900"), 0);
        }
        Doubt::of(doubts, before, &Returned::default(), false, date(2026, 9, 20))
    };
    let book = cast(&["9001"], &Book::default()).book(9, 1, &BTreeSet::new());
    assert!(!is_on(&cast(&["9001", "9001"], &book), false));
    assert!(is_on(&cast(&["9001", "9002"], &book), false), "another one is");
    assert!(is_on(&cast(&["9001", ""], &book), false), "so is one without an id");
}
