//! Doubt: a row that could not be used, or whose student is not found, may be the very row that seems to be missing.
//!
//! Each such row casts doubt on one place: on a student, if it names one who is found, or on that student's day, where
//! that can be read; else on its school's day, where both can be read; else on its school; else on the whole payload. Where a payload has more of them than the one
//! before, what is missing there stands on, for as long as they remain. Where it has no more than before, what is
//! missing ends as ever: a row that is never found must not keep every correction out.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use signalbox_event::StudentKey;
use uuid::Uuid;

use super::row::Row;

/// Where a row that could not be used may belong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum Place {
    Payload,
    School(String),
    Day(String, Date),
    Student(Uuid),
    StudentDay(Uuid, Date),
    /// Of a student, in no school year that counts: whatever it is about, its date is no day of silence.
    Misdated(Uuid),
}

/// How many rows of a payload cast doubt on each place, and of which schools those speak that name a student.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Doubts {
    places: BTreeMap<Place, Seen>,
    schools: BTreeMap<Uuid, BTreeSet<Option<String>>>,
}

/// Rows that cast doubt on one place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Seen {
    rows: u32,
    /// What tells each from others, for those that name a student and no day.
    marks: BTreeSet<u32>,
}

impl Doubts {
    pub(crate) fn on(&mut self, place: Place) {
        self.places.entry(place).or_default().rows += 1;
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
        self.schools.entry(student).or_default().insert(school.map(str::to_owned));
        if let Some(date) = date {
            self.on(Place::StudentDay(student, date));
            return;
        }
        let seen = self.places.entry(Place::Student(student)).or_default();
        seen.rows += 1;
        seen.marks.insert(mark);
    }
}

/// What is remembered of the last accepted payload.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Book {
    /// Places with doubt: rows when there was no doubt last, and rows now.
    places: Vec<(Place, Rows)>,
    /// Rows of the payload, and those of them that could not be used or matched.
    pub rows: u64,
    pub unusable: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Rows {
    settled: u32,
    last: u32,
    /// Whether they were new in that payload.
    was_new: bool,
    /// The day on which the rows became more, last.
    since: Option<Date>,
    /// What told each from others, for those that name a student and no day.
    marks: BTreeSet<u32>,
}

impl Book {
    pub(crate) fn places(&self) -> BTreeSet<&Place> {
        self.places.iter().map(|(place, _)| place).collect()
    }

    /// Rows that were found since cast no doubt any more.
    pub(crate) fn without(mut self, found: &[(Place, u32)]) -> Self {
        let mut gone_by_place: BTreeMap<&Place, u32> = BTreeMap::new();
        for (place, rows) in found {
            *gone_by_place.entry(place).or_default() += rows;
        }
        for (place, rows) in &mut self.places {
            let gone = gone_by_place.get(place).copied().unwrap_or_default();
            rows.last = rows.last.saturating_sub(gone);
            rows.settled = rows.settled.saturating_sub(gone);
        }
        self
    }
}

/// The doubt that a payload casts, beside the one before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Doubt {
    /// With rows now, and whether there are more than before, or more than when there was no doubt.
    places: BTreeMap<Place, Cast>,
    schools: BTreeMap<Uuid, BTreeSet<Option<String>>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Cast {
    rows: Rows,
    remains: bool,
}

impl Cast {
    /// Whether one of the rows may be about a day that is covered now for the first time. A row that was there before the
    /// day had come is about another.
    fn hides(&self, day: Date) -> bool {
        self.rows.was_new || self.remains && self.rows.since.is_some_and(|since| day <= since)
    }
}

impl Doubt {
    /// `is_same`: the payload is the very one that `book` is of, read again. Its doubt is as new as it was, but for what
    /// the roster or the mapping has put in doubt since.
    pub(crate) fn of(doubts: Doubts, book: &Book, is_same: bool, run_day: Date) -> Self {
        let book: BTreeMap<&Place, &Rows> = book.places.iter().map(|(place, rows)| (place, rows)).collect();
        let none = Rows::default();
        let cast = |(place, now): (Place, Seen)| {
            let before = book.get(&place).copied().unwrap_or(&none);
            // As many as before, but of other days of the student, are not those of before.
            let are_more = now.rows > before.last || !now.marks.is_subset(&before.marks);
            let is_new = are_more || is_same && before.was_new;
            let remains = is_new || now.rows > before.settled;
            let rows = Rows {
                settled: if remains { before.settled.min(now.rows.saturating_sub(1)) } else { now.rows },
                last: now.rows,
                was_new: is_new,
                since: if are_more { Some(run_day) } else { before.since },
                marks: now.marks,
            };
            (place, Cast { rows, remains })
        };
        Self { places: doubts.places.into_iter().map(cast).collect(), schools: doubts.schools }
    }

    /// What is to be remembered, once the payload went in.
    pub(crate) fn book(&self, rows: u64, unusable: u64) -> Book {
        let places = self.places.iter().map(|(place, cast)| (place.clone(), cast.rows.clone())).collect();
        Book { places, rows, unusable }
    }

    /// Whether a row that is missing may be one that could not be used.
    pub(crate) fn is_on(&self, row: &Row<'_>) -> bool {
        if self.places.is_empty() {
            return false;
        }
        let stood_on = row.doubtful || row.is_silence();
        places_of(row).iter().flatten().any(|place| {
            self.places.get(place).is_some_and(|cast| cast.rows.was_new || stood_on && cast.remains)
        })
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

    /// Whether rows that name the student, and could not be used, may be about that school.
    pub(crate) fn may_be_at(&self, student: StudentKey, school: &str) -> bool {
        let is_it = |named: &Option<String>| named.as_deref().is_none_or(|named| named == school);
        self.schools.get(student.as_uuid()).is_some_and(|schools| schools.iter().any(is_it))
    }

    /// Students whom rows name that could not be used, and whether those may belong to a day that is covered now for the
    /// first time.
    pub(crate) fn students(&self) -> impl Iterator<Item = (StudentKey, impl Fn(Date) -> bool)> {
        self.places.iter().filter_map(|(place, cast)| {
            let (student, on) = match place {
                Place::Student(student) => (student, None),
                Place::StudentDay(student, date) => (student, Some(*date)),
                Place::Payload | Place::School(_) | Place::Day(..) | Place::Misdated(_) => return None,
            };
            let hides = move |day: Date| on.is_none_or(|on| on == day) && cast.hides(day);
            Some((StudentKey::from_uuid(*student), hides))
        })
    }
}

/// Where a row whose student was not found may have cast its doubt.
pub(crate) fn cast_by(row: &Row<'_>) -> impl Iterator<Item = Place> {
    let [student, _, student_day, day, school, _] = places_of(row);
    let has_day = row.date().is_some();
    let (of_student, of_school) = if has_day { (student_day, day) } else { (student, school) };
    of_student.into_iter().chain(of_school)
}

/// The places that a row stands in.
fn places_of(row: &Row<'_>) -> [Option<Place>; 6] {
    let school = row.school().filter(|school| !school.is_empty());
    [
        row.student.map(Place::Student),
        row.student.map(Place::Misdated),
        row.student.zip(row.date()).map(|(student, date)| Place::StudentDay(student, date)),
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
    use crate::ingest::row::Body;

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
        (0..rows).for_each(|_| doubts.on(place.clone()));
        Doubt::of(doubts, before, false, date(2026, 9, 20))
    }

    #[test]
    fn only_new_doubt_lets_rows_stand_and_they_stand_while_it_remains() {
        for place in [
            Place::Student(Uuid::from_u128(7)),
            Place::Misdated(Uuid::from_u128(7)),
            Place::StudentDay(Uuid::from_u128(7), date(2026, 9, 18)),
            Place::Day("100".into(), date(2026, 9, 18)),
            Place::School("100".into()),
            Place::Payload,
        ] {
            let first = cast(2, &place, &Book::default());
            assert!(first.is_on(&row(false)), "{place:?}");
            let second = cast(2, &place, &first.book(9, 2));
            assert!(!second.is_on(&row(false)), "no more than before: {place:?}");
            assert!(second.is_on(&row(true)), "it stood on, and they remain: {place:?}");
            let third = cast(1, &place, &second.book(9, 2));
            assert!(third.is_on(&row(true)), "one remains: {place:?}");
            let gone = cast(0, &place, &third.book(9, 1));
            assert!(!gone.is_on(&row(true)), "{place:?}");
            let again = cast(3, &place, &second.book(9, 2));
            assert!(again.is_on(&row(false)), "more than before: {place:?}");
        }
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
            Doubt::of(doubts, before, false, date(2026, 9, 20))
        };
        let first = cast(&[3], &Book::default());
        let other = cast(&[7], &first.book(9, 1));
        assert!(other.is_on(&row(false)), "it is another row");
        let same = cast(&[7], &other.book(9, 1));
        assert!(!same.is_on(&row(false)) && same.is_on(&row(true)), "and the same the night after");
        let fewer = cast(&[3], &cast(&[3, 7], &Book::default()).book(9, 2));
        assert!(!fewer.is_on(&row(false)));
    }

    #[test]
    fn the_same_payload_again_is_in_the_same_doubt() {
        let place = Place::School("100".into());
        let first = cast(2, &place, &Book::default());
        let mut doubts = Doubts::default();
        (0..2).for_each(|_| doubts.on(place.clone()));
        assert_eq!(Doubt::of(doubts, &first.book(9, 2), true, date(2026, 9, 21)), first);
    }

    /// A file that was not used comes between: what it would have covered is covered a night later, by the same bad rows.
    #[test]
    fn rows_that_are_no_longer_new_hide_days_that_had_come() {
        for place in [Place::Student(Uuid::from_u128(7)), Place::School("100".into())] {
            let first = cast(1, &place, &Book::default());
            let second = cast(1, &place, &first.book(9, 1));
            let hides = |doubt: &Doubt, day| {
                doubt.hides_day("100", day) || doubt.students().any(|(_, hides)| hides(day))
            };
            assert!(hides(&second, date(2026, 9, 20)), "{place:?}");
            assert!(!hides(&second, date(2026, 9, 21)), "a later day is another: {place:?}");
        }
    }

    #[test]
    fn doubt_elsewhere_is_none_here() {
        for place in [
            Place::Student(Uuid::from_u128(8)),
            Place::StudentDay(Uuid::from_u128(7), date(2026, 9, 17)),
            Place::Day("100".into(), date(2026, 9, 17)),
            Place::Day("200".into(), date(2026, 9, 18)),
            Place::School("200".into()),
        ] {
            assert!(!cast(1, &place, &Book::default()).is_on(&row(false)), "{place:?}");
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
