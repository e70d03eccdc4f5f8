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
use signalbox_connector::draft::{is_own_mark, mark_of};
use signalbox_event::StudentKey;
use signalbox_event::rows::Stands;
use uuid::Uuid;

use super::returned::{Back, Returned};
use super::row::{Mark, Row};

/// Where a row that could not be used may belong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum Place {
    Payload,
    /// Of a student and a school that nobody knows, though both can be read: whoever is never rostered may have more such
    /// rows every night. It may be anybody's the first time.
    Elsewhere,
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

    /// Counts the rows of one mark once.
    fn add_once(&mut self, mark: u32) {
        self.rows += u32::from(self.marks.insert(mark));
    }

    fn remove(&mut self, gone: &Self) {
        self.rows = self.rows.saturating_sub(gone.rows);
        self.marks.retain(|mark| !gone.marks.contains(mark));
    }

    /// Whether one of these rows may be none of those: there are more, or others.
    fn exceeds(&self, those: &Self) -> bool {
        self.rows > those.rows || !self.marks.is_subset(&those.marks)
    }

    /// Whether one of these rows is none of those before, of which so many are back.
    const fn replaces(&self, those: &Self, back: u32) -> bool {
        back > 0 && self.rows + back > those.rows
    }

    /// Whether ids that can be read tell each from the others.
    fn are_told_apart(&self) -> bool {
        !self.marks.is_empty() && self.marks.iter().all(|mark| is_own_mark(*mark))
    }
}

/// What tells a row from others of its student: what stands where the day should, or its id as written, and its day.
fn mark_of_day(mark: u32, date: Option<Date>) -> u32 {
    date.map_or(mark, |date| mark_of(&format!("{mark} {date}")))
}

impl Doubts {
    /// `mark` tells the row from others in that place.
    pub(crate) fn on(&mut self, place: Place, mark: u32) {
        // Whoever is never found may have more such rows every night.
        let is_once = matches!(place, Place::Elsewhere | Place::School(_)) && is_own_mark(mark);
        let mark_in_place = (place != Place::Payload).then_some(mark);
        let seen = self.places.entry(place).or_default();
        if is_once { seen.add_once(mark) } else { seen.add(mark_in_place) }
    }

    /// `student` and `school`: as they are written, and nobody's.
    pub(crate) fn on_nobody(&mut self, student: Option<&str>, school: Option<&str>, mark: u32) {
        self.on(place_of_nobody(student, school), student.map_or(mark, mark_of));
    }

    /// One of the student's rows stands on a day that counts nowhere: it may be the one that is missing. On silence it casts
    /// no doubt: most such rows are as they were meant, and a planned absence says nothing of today. `key`: of two rows with
    /// the same there is one.
    pub(crate) fn misdated(&mut self, student: StudentKey, key: &str) {
        self.places.entry(Place::Misdated(*student.as_uuid())).or_default().add_once(mark_of(key));
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
    /// And only because rows came late that may have been some of them: that is believed for one payload, as rows come late
    /// every night.
    #[serde(default)]
    by_late: bool,
    /// The day on which the rows became more, or others, last.
    since: Option<Date>,
}

/// Why rows are taken for others than those before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Others {
    /// There are more, or others; or some of those before are back.
    Seen,
    /// Rows came late that may have been some of those before.
    Late,
}

impl Rows {
    /// Why these rows are others than those, if they are. Where nothing stood on because of those, and they were not new, they
    /// were what is never found, and still are.
    fn others(&self, place: &Place, now: &Seen, back: Back) -> Option<Others> {
        let stood = if self.last.exceeds(&self.settled) { back.stood } else { 0 };
        if now.exceeds(&self.last) {
            return Some(Others::Seen);
        }
        // They are seen to be the same. Of a student's rows the marks are what stands for a date, and may be anybody's.
        if matches!(place, Place::Day(..) | Place::Elsewhere) && now.are_told_apart() {
            return None;
        }
        if now.replaces(&self.last, stood) {
            return Some(Others::Seen);
        }
        let may_be_late = self.was_new && !self.by_late;
        (may_be_late && now.replaces(&self.last, stood + back.late)).then_some(Others::Late)
    }
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
            let others = before.others(&place, &now, returned.at(&place));
            // A row that says so on a second day, that it is about a day that counts nowhere, is believed.
            let is_misdated = matches!(place, Place::Misdated(_));
            let is_said_today = is_misdated && before.since >= Some(run_day);
            let is_new = others.is_some() || (is_reread || is_said_today) && before.was_new;
            let remains = is_new || !is_misdated && now.exceeds(&before.settled);
            let rows = Rows {
                settled: before.settled.clone(),
                last: now,
                was_new: is_new,
                by_late: others.map_or(is_new && before.by_late, |others| others == Others::Late),
                since: if others.is_some() { Some(run_day) } else { before.since },
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
        taken.any(|(place, cast, before)| before.others(place, &cast.rows.last, returned.at(place)).is_some())
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
        let stood_on = row.mark == Mark::Doubtful || row.is_silence();
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
                || is_so(&Place::Elsewhere)
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

fn place_of_nobody(student: Option<&str>, school: Option<&str>) -> Place {
    let is_own = student.is_some_and(|id| is_own_mark(mark_of(id)));
    if is_own && school.is_some_and(|id| !id.trim().is_empty()) { Place::Elsewhere } else { Place::Payload }
}

/// Where a row that waited under this id, and is found now, may have cast its doubt, and what told it from others there.
/// `knew_school`: it waited for its student only.
pub(crate) fn cast_by<'r>(
    row: &'r Row<'_>,
    (id, school_id): (&str, &str),
    knew_school: bool,
) -> impl Iterator<Item = (Place, u32)> + 'r {
    let [student, _, day, school, ..] = places_of(row);
    let of_day = match row.body.stands() {
        Stands::On(date) | Stands::At(date) => Some(date),
        Stands::From(_) | Stands::By(_) | Stands::Throughout => None,
    };
    let of_school = match (knew_school, of_day) {
        (false, _) => Some(place_of_nobody(Some(id), Some(school_id))),
        (true, Some(_)) => day,
        (true, None) => school,
    };
    let mark = mark_of(id);
    let of_student = mark_of_day(mark, of_day);
    student.map(|place| (place, of_student)).into_iter().chain(of_school.map(|place| (place, mark)))
}

/// The places that a row stands in.
pub(super) fn places_of(row: &Row<'_>) -> [Option<Place>; 6] {
    let school = row.school().filter(|school| !school.is_empty());
    [
        row.student.map(Place::Student),
        row.student.map(Place::Misdated),
        row.date().zip(school).map(|(date, school)| Place::Day(school.to_owned(), date)),
        school.map(|school| Place::School(school.to_owned())),
        Some(Place::Payload),
        Some(Place::Elsewhere),
    ]
}

#[cfg(test)]
mod tests;
