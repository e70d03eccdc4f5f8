//! Doubt: a row that could not be used, or whose student is not found, may be the very row that seems to be missing.
//!
//! Each such row casts doubt on one place: on a student, if it names one who is found; else on its school's day, where
//! both can be read; else on its school; else on the whole payload.
//! Where a payload has more of them than the one before, or others, what is missing there stands on, for as long as those
//! remain. Others they are also where as many are there though some that were in doubt are [back](super::returned). Where it has no others than before, what is missing ends as ever: a row that is never found must not keep
//! every correction out.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use signalbox_event::StudentKey;
use uuid::Uuid;

use super::returned::{Back, Returned};
use super::row::{Body, Row};

/// Where a row that could not be used may belong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum Place {
    Payload,
    School(String),
    Day(String, Date),
    Student(Uuid),
    /// Of a student, on a day that counts nowhere, by now at least.
    Misdated(Uuid),
}

/// How many rows of a payload cast doubt on each place, and of what those speak that name a student.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Doubts {
    places: BTreeMap<Place, Seen>,
    named: BTreeMap<Uuid, Named>,
}

/// What rows that name a student, and could not be used, speak of; `None`: one of them does not say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Named {
    schools: BTreeSet<Option<String>>,
    days: BTreeSet<Option<Date>>,
}

/// Rows that cast doubt on one place.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen {
    rows: u32,
    /// What tells one from another: the id as written, of a student who is found its day too. On the whole payload nothing
    /// does: a footer may count its rows.
    marks: BTreeSet<u32>,
}

impl Seen {
    fn add(&mut self, mark: Option<u32>) {
        self.rows += 1;
        self.marks.extend(mark);
    }

    fn remove(&mut self, gone: &Self) {
        self.rows = self.rows.saturating_sub(gone.rows);
        self.marks.retain(|mark| !gone.marks.contains(mark));
    }

    /// Whether one of these rows may be none of those: there are more, or others.
    fn exceeds(&self, those: &Self) -> bool {
        self.rows > those.rows || !self.marks.is_subset(&those.marks)
    }

    /// Whether one of these rows is none of those before, of which some are back. Where nothing stood on because of those
    /// before, they were what is never found, and still are.
    fn replace(&self, before: &Rows, back: Back) -> bool {
        let stood = if before.last.exceeds(&before.settled) { back.stood } else { 0 };
        let back = stood + back.unheard;
        back > 0 && self.rows + back > before.last.rows
    }
}

/// What tells an id from others.
pub(crate) fn mark_of(id: &str) -> u32 {
    xxhash_rust::xxh3::xxh3_64(id.as_bytes()) as u32
}

/// What tells a row from others of its student: what stands where the day should, or its id as written, and its day.
fn mark_of_day(mark: u32, date: Option<Date>) -> u32 {
    date.map_or(mark, |date| mark ^ mark_of(&date.to_string()))
}

impl Doubts {
    /// `mark` tells the row from others in that place.
    pub(crate) fn on(&mut self, place: Place, mark: u32) {
        let mark = (place != Place::Payload).then_some(mark);
        self.places.entry(place).or_default().add(mark);
    }

    /// One of the student's rows stands on a day that counts nowhere: it may be the one that is missing. On silence it casts
    /// no doubt: most such rows are as they were meant, and a planned absence says nothing of today.
    pub(crate) fn misdated(&mut self, student: StudentKey, date: Date) {
        self.on(Place::Misdated(*student.as_uuid()), mark_of_day(0, Some(date)));
    }

    pub(crate) fn into_places(self) -> impl Iterator<Item = (Place, Seen)> {
        self.places.into_iter()
    }

    /// `school`: where the row speaks of, if that can be read. `mark` tells it from others of the student.
    pub(crate) fn on_student(
        &mut self,
        key: StudentKey,
        school: Option<&str>,
        date: Option<Date>,
        mark: u32,
    ) {
        let student = *key.as_uuid();
        let named = self.named.entry(student).or_default();
        named.schools.insert(school.map(str::to_owned));
        named.days.insert(date);
        self.on(Place::Student(student), mark_of_day(mark, date));
    }
}

/// What is remembered of the last accepted payload.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Book {
    /// Places with doubt.
    places: Vec<(Place, Rows)>,
    /// Rows of the payload, and those of them that could not be used or matched.
    pub rows: u64,
    pub unusable: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Rows {
    /// Those in spite of which everything else was as it should: when no row stood on because of them, last.
    settled: Seen,
    last: Seen,
    /// Whether they were new in that payload.
    was_new: bool,
    /// The day on which the rows became more, or others, last.
    since: Option<Date>,
}

impl Book {
    pub(crate) fn places(&self) -> BTreeSet<&Place> {
        self.places.iter().map(|(place, _)| place).collect()
    }

    /// Rows that were found since cast no doubt any more.
    pub(crate) fn without(mut self, found: &[(Place, Seen)]) -> Self {
        let mut found_by_place: BTreeMap<&Place, Vec<&Seen>> = BTreeMap::new();
        for (place, seen) in found {
            found_by_place.entry(place).or_default().push(seen);
        }
        for (place, rows) in &mut self.places {
            for seen in found_by_place.get(place).into_iter().flatten() {
                rows.last.remove(seen);
                rows.settled.remove(seen);
            }
        }
        self
    }
}

/// The doubt that a payload casts, beside the one before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Doubt {
    places: BTreeMap<Place, Cast>,
    named: BTreeMap<Uuid, Named>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Cast {
    rows: Rows,
    /// Whether rows remain of which others stood on.
    remains: bool,
}

impl Cast {
    /// Whether one of the rows may be about a day that is covered now for the first time. A row that was there before the
    /// day had come is about another.
    fn hides(&self, day: Date) -> bool {
        self.rows.was_new || self.rows.since.is_some_and(|since| day <= since)
    }
}

impl Doubt {
    /// `is_reread`: the payload is the very one that `book` is of, read again for another reason than a drop. Its doubt is as
    /// new as it was, but for what the roster or the mapping has put in doubt since.
    pub(crate) fn of(
        doubts: Doubts,
        book: &Book,
        returned: &Returned,
        is_reread: bool,
        run_day: Date,
    ) -> Self {
        let book: BTreeMap<&Place, &Rows> = book.places.iter().map(|(place, rows)| (place, rows)).collect();
        let none = Rows::default();
        let cast = |(place, now): (Place, Seen)| {
            let before = book.get(&place).copied().unwrap_or(&none);
            let are_others = now.exceeds(&before.last) || now.replace(before, returned.at(&place));
            // A row that says so on a second day, that it is about a day that counts nowhere, is believed.
            let is_misdated = matches!(place, Place::Misdated(_));
            let is_said_today = is_misdated && before.since >= Some(run_day);
            let is_new = are_others || (is_reread || is_said_today) && before.was_new;
            let remains = is_new || !is_misdated && now.exceeds(&before.settled);
            let rows = Rows {
                settled: before.settled.clone(),
                last: now,
                was_new: is_new,
                since: if are_others { Some(run_day) } else { before.since },
            };
            (place, Cast { rows, remains })
        };
        Self { places: doubts.places.into_iter().map(cast).collect(), named: doubts.named }
    }

    /// Whether there are rows that were taken for those of the payload before, and are others if these are back.
    pub(crate) fn is_renewed(&self, book: &Book, returned: &Returned) -> bool {
        let before =
            book.places.iter().filter_map(|(place, rows)| Some((place, self.places.get(place)?, rows)));
        let mut taken = before.filter(|(_, cast, _)| !cast.rows.was_new);
        taken.any(|(place, cast, before)| cast.rows.last.replace(before, returned.at(place)))
    }

    /// Whether every row could be used.
    pub(crate) fn is_none(&self) -> bool {
        self.places.is_empty()
    }

    /// What is to be remembered, once the payload went in. `stood`: the places because of which rows stood on; the rows of
    /// the others hide nothing that is known.
    pub(crate) fn book(&self, rows: u64, unusable: u64, stood: &BTreeSet<Place>) -> Book {
        let settled = |place: &Place, rows: &Rows| {
            let settled = if stood.contains(place) { &rows.settled } else { &rows.last };
            Rows { settled: settled.clone(), ..rows.clone() }
        };
        let places = self.places.iter().map(|(place, cast)| (place.clone(), settled(place, &cast.rows)));
        Book { places: places.collect(), rows, unusable }
    }

    /// The places because of which a row that is missing may be one that could not be used.
    pub(crate) fn on(&self, row: &Row<'_>) -> Vec<Place> {
        if self.places.is_empty() {
            return Vec::new();
        }
        let stood_on = row.doubtful || row.is_silence();
        let is_it = |cast: &Cast| cast.rows.was_new || stood_on && cast.remains;
        let places = places_of(row).into_iter().flatten();
        places.filter(|place| self.places.get(place).is_some_and(is_it)).collect()
    }

    /// Whether rows that could not be used may belong to that school's day, covered now for the first time, whoever they
    /// are about: more than before, or as many, where the day had come when they became more.
    pub(crate) fn hides_day(&self, school: &str, date: Date) -> bool {
        self.any_on(school, date, |cast| cast.hides(date))
    }

    /// Whether there are more such rows than before: what was unknown there stays so.
    pub(crate) fn is_new_on(&self, school: &str, date: Date) -> bool {
        self.any_on(school, date, |cast| cast.rows.was_new)
    }

    fn any_on(&self, school: &str, date: Date, is_so: impl Fn(&Cast) -> bool) -> bool {
        let is_so = |place: &Place| self.places.get(place).is_some_and(&is_so);
        !self.places.is_empty()
            && (is_so(&Place::Payload)
                || is_so(&Place::School(school.to_owned()))
                || is_so(&Place::Day(school.to_owned(), date)))
    }

    /// Whether rows that could not be used name the student.
    pub(crate) fn is_about(&self, student: StudentKey) -> bool {
        self.named.contains_key(student.as_uuid())
    }

    /// Whether rows that name the student, and could not be used, may be about that school.
    pub(crate) fn may_be_at(&self, student: StudentKey, school: &str) -> bool {
        let is_it = |named: &Option<String>| named.as_deref().is_none_or(|named| named == school);
        self.named.get(student.as_uuid()).is_some_and(|named| named.schools.iter().any(is_it))
    }

    /// Students whom rows name that could not be used, and whether those may belong to a day that is covered now for the
    /// first time.
    pub(crate) fn students(&self) -> impl Iterator<Item = (&Place, StudentKey, impl Fn(Date) -> bool)> {
        self.places.iter().filter_map(|(place, cast)| {
            let Place::Student(student) = place else { return None };
            let named = self.named.get(student)?;
            let is_named = |day| named.days.contains(&None) || named.days.contains(&Some(day));
            let hides = move |day: Date| is_named(day) && cast.hides(day);
            Some((place, StudentKey::from_uuid(*student), hides))
        })
    }
}

/// Where a row that waited under this id, and is found now, may have cast its doubt, and what told it from others there.
/// `knew_school`: it waited for its student only.
pub(crate) fn cast_by<'r>(
    row: &'r Row<'_>,
    id: &str,
    knew_school: bool,
) -> impl Iterator<Item = (Place, u32)> + 'r {
    let [student, _, day, school, payload] = places_of(row);
    let of_attendance = row.date().filter(|_| matches!(row.body, Body::Attendance { .. }));
    let of_school = match (knew_school, of_attendance) {
        (false, _) => payload,
        (true, Some(_)) => day,
        (true, None) => school,
    };
    let mark = mark_of(id);
    let of_student = mark_of_day(mark, of_attendance);
    student.map(|place| (place, of_student)).into_iter().chain(of_school.map(|place| (place, mark)))
}

/// The places that a row stands in.
pub(super) fn places_of(row: &Row<'_>) -> [Option<Place>; 5] {
    let school = row.school().filter(|school| !school.is_empty());
    [
        row.student.map(Place::Student),
        row.student.map(Place::Misdated),
        row.date().zip(school).map(|(date, school)| Place::Day(school.to_owned(), date)),
        school.map(|school| Place::School(school.to_owned())),
        Some(Place::Payload),
    ]
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use signalbox_event::data::AttendanceCategory;

    use super::*;

    fn row(doubtful: bool) -> Row<'static> {
        let body = Body::Attendance {
            school: "100".into(),
            date: date(2026, 9, 18).into(),
            category: AttendanceCategory::AbsentExcused,
            source_code: None,
        };
        Row { student: Some(Uuid::from_u128(7)), doubtful, body }
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
            assert!(
                is_on(&cast(&["X2", "X3"], &other.book(9, 2, &stood)), true),
                "while it remains: {place:?}"
            );
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
            doubts.misdated(student, date(2036, 9, day));
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
}
