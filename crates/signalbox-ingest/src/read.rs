//! The first pass over a payload: normalise, resolve ids, hash, sort. `ids`: whom a row speaks of; `place`: where it
//! stands in time; `keep`: what becomes of it.

mod ids;
mod keep;
mod place;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io;
use std::ops::ControlFlow;

use indexmap::IndexMap;
use jiff::civil::Date;
use signalbox_connector::{
    Claims, Contents, Covers, Draft, Item, ReadSeek, Refusal, Reject, RejectCode, RowSum,
};
use signalbox_event::StudentKey;
use signalbox_event::data::{AttendanceCategory, RowsMean, SchoolCoverage};
use signalbox_event::rows::Role;
use signalbox_hub::{Feed, Settings};
use signalbox_risk::DateRanges;

pub use self::ids::unknown_school;
pub use self::place::outside_years;
use self::place::{RowsByDay, SchoolSeen};
use super::doubt::{Book, Doubt, Doubts, Place};
use super::extent::{self, RowDays, Speaks, Spoken};
use super::identity::{Change, Found, Hint, Person, Resolver, RosterIds, two_persons};
use super::rejects::RejectBook;
use super::returned::Returned;
use super::row::Row;
use super::same::{self, Summed};
use super::sort::{INFERRED, NOW, Sorted, Sorter};
use super::waited::Waited;

/// What the first pass found.
pub(crate) struct ReadIn {
    pub sorted: Sorted,
    pub contents: Contents,
    pub rejects: RejectBook,
    /// Rows of the feed's entities, and those that became rejects before they could be compared.
    pub rows: u64,
    pub rejected: u64,
    /// Enrolments that begin in no configured year: rejects that say nothing of how well the file is written.
    pub outside_years: u64,
    /// Values of columns that are not required, left out because they could not be used.
    pub left_out: u64,
    /// Slots and school years that rows stand in.
    pub scopes: BTreeSet<(u8, u16)>,
    /// Those in which a row says that it ends another.
    pub ends: BTreeSet<(u8, u16)>,
    /// The school year of the day on which the payload is read.
    pub year: u16,
    /// The day of the latest readable row of each school.
    pub latest: HashMap<String, Date>,
    pub days: RowDays,
    /// What changes in the crosswalk.
    pub ids: Change,
    pub notes: Notes,
    /// Every row, summed as `summed` says.
    pub sum: RowSum,
    pub summed: Summed,
    /// A row's day had not come on the day of the run: on a later day the same rows say more.
    pub reaches_ahead: bool,
    /// Schools that the feed ever covered, with those of this payload.
    pub spoken_of: BTreeSet<String>,
    /// What its usable rows speak of, where they are no days of attendance.
    pub speaks: Speaks,
    /// By school, a day before which the payload does not speak, whatever the settings say by now.
    pub spoke_from: BTreeMap<String, Date>,
    /// What earlier payloads spoke for that speak for the last school days.
    pub spoken: Spoken,
    /// What the payload covers, with the days whose silence is in doubt.
    pub covered: Vec<SchoolCoverage>,
    /// What it speaks for at each school, where its rows are no attendance and it speaks for the last school days.
    pub windows: Vec<SchoolCoverage>,
    /// Of a list of exceptions, by school, the covered days of whose silence nothing is known before this payload.
    pub first_heard: BTreeMap<String, DateRanges>,
    pub doubt: Doubt,
    /// Places because of which a student's silence is unknown.
    pub unheard: BTreeSet<Place>,
    /// Days of students are unknown of whom the payload has no row of that day.
    pub infers: bool,
    /// Who stands under the ids of students.
    pub persons: HashMap<StudentKey, Person>,
    /// Students who are another person since an earlier payload: what they have no more, this person never had.
    pub succeeded: HashSet<StudentKey>,
}

impl ReadIn {
    /// A payload without rows, read in `year`.
    pub(crate) fn empty(contents: Contents, rejects: RejectBook, year: u16) -> Self {
        Self {
            sorted: Sorted::default(),
            contents,
            rejects,
            rows: 0,
            rejected: 0,
            outside_years: 0,
            left_out: 0,
            scopes: BTreeSet::new(),
            ends: BTreeSet::new(),
            year,
            latest: HashMap::new(),
            days: RowDays::default(),
            ids: Change::default(),
            notes: Notes::default(),
            sum: RowSum::default(),
            summed: Summed::default(),
            reaches_ahead: false,
            spoken_of: BTreeSet::new(),
            speaks: Speaks::default(),
            spoke_from: BTreeMap::new(),
            spoken: Spoken::default(),
            covered: Vec::new(),
            windows: Vec::new(),
            first_heard: BTreeMap::new(),
            doubt: Doubt::default(),
            unheard: BTreeSet::new(),
            infers: false,
            persons: HashMap::new(),
            succeeded: HashSet::new(),
        }
    }

    /// What the absence of a row says about a covered day; `None`: the payload is about no school days.
    pub(crate) fn rows_mean(&self) -> Option<RowsMean> {
        self.contents.extents.iter().find_map(|extent| extent.rows)
    }

    /// It speaks for its own rows only: what an earlier one said is not said again.
    pub(crate) fn is_delta(&self) -> bool {
        let extents = &self.contents.extents;
        !extents.is_empty() && extents.iter().all(|extent| extent.covers == Covers::OwnRows)
    }

    /// A header alone, where only exceptions have rows, or what happened: nobody can tell whether nothing did, or nothing was
    /// exported.
    pub(crate) fn is_empty_list(&self) -> bool {
        let is_of_facts = self.contents.extents.iter().any(|extent| extent.entity.role() == Role::Fact);
        self.rows == 0 && is_of_facts && self.rows_mean() != Some(RowsMean::EveryDay)
    }
}

/// What is worth saying though no row is lost by it.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Notes {
    /// Rows on a day without school: kept, counted nowhere.
    pub non_instructional: u64,
    /// Rows whose date no calendar covers.
    pub no_calendar: u64,
    /// Schools of such rows.
    #[serde(default)]
    pub no_calendar_at: BTreeSet<String>,
    /// Rows of school days that neither this payload speaks for nor one before did.
    #[serde(default)]
    pub before_coverage: u64,
    /// Rows whose student is not found because the id names several students.
    pub ambiguous: u64,
    /// Rows whose student is not found because the roster has two persons under the id.
    #[serde(default)]
    pub two_persons: u64,
    /// Rows whose student is not found, by what may be wrong with how the id is written.
    #[serde(default)]
    pub hints: BTreeMap<Hint, u64>,
    /// A list of exceptions without a row.
    #[serde(default)]
    pub empty: bool,
}

/// What reading depends on besides settings and bytes.
pub(crate) struct Beside<'a> {
    pub book: &'a Book,
    /// Rows that were in doubt and are back, as far as that is known.
    pub returned: &'a Returned,
    /// The payload is the very one that was accepted last, and no new drop.
    pub is_reread: bool,
    /// Of a payload that is read again under other settings: by school, the first day that it spoke of.
    pub spoke_from: Option<&'a BTreeMap<String, Date>>,
    pub spoken: &'a Spoken,
    /// The terms that the last accepted payload spoke for.
    pub terms: &'a BTreeSet<String>,
    /// Of what the feed covered, the days whose silence is in doubt.
    pub doubtful: &'a BTreeMap<String, DateRanges>,
    /// What the feed covered before.
    pub covered: &'a BTreeMap<String, DateRanges>,
    /// Rows of the feed wait for their student or school.
    pub some_wait: bool,
    /// Since when those that have no date of their own are known, in ms since 1970.
    pub waited: &'a Waited,
    pub run_day: Date,
    /// For chunks that do not fit in memory.
    pub scratch: &'a std::path::Path,
}

/// Reads a landed payload. Blocking.
pub(crate) fn read(
    settings: &Settings,
    feed: &Feed,
    payload_name: &str,
    payload: &mut dyn ReadSeek,
    beside: &Beside<'_>,
    resolver: &mut Resolver,
) -> io::Result<Result<ReadIn, Refusal>> {
    let mut known = Change::default();
    let mut succeeded = HashSet::new();
    loop {
        let raw_rows = same::raw_rows(feed, payload)?;
        let mut reader = Reader::new(settings, feed, payload_name, beside, resolver, raw_rows);
        let contents = feed.source.normalize(payload, &mut |item| reader.item(item));
        if let Some(error) = reader.failed {
            return Err(error);
        }
        let contents = match contents {
            Ok(contents) => contents,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let strangers = reader.roster.new_two_persons(reader.resolver);
        let one_again = reader.roster.one_again(reader.resolver);
        succeeded.extend(
            one_again.iter().copied().filter(|key| reader.roster.has_succeeded(reader.resolver, *key)),
        );
        known.extend(std::mem::take(&mut reader.found.ids));
        if strangers.is_empty() && one_again.is_empty() {
            let mut read = reader.finish(contents)?;
            known.extend(std::mem::take(&mut read.ids));
            return Ok(Ok(ReadIn { ids: known, succeeded, ..read }));
        }
        // Rows about them, earlier in the payload, were taken for one person's, or nobody's: once more, knowing.
        for key in strangers {
            let row = two_persons(resolver, key, None);
            resolver.add(&row);
            known.new.push(row);
        }
        for key in one_again {
            let row = two_persons(resolver, key, resolver.successor(key));
            resolver.remove(&row);
            known.gone.push(row);
        }
        payload.rewind()?;
    }
}

struct Reader<'a> {
    settings: &'a Settings,
    feed: &'a Feed,
    beside: &'a Beside<'a>,
    run_day: Date,
    year: u16,
    resolver: &'a mut Resolver,
    roster: RosterIds,
    found: ReadIn,
    doubts: Doubts,
    sorter: Sorter,
    schools: IndexMap<Box<str>, SchoolSeen<'a>>,
    encoded: Vec<u8>,
    natural_key: String,
    failed: Option<io::Error>,
}

impl<'a> Reader<'a> {
    fn new(
        settings: &'a Settings,
        feed: &'a Feed,
        payload_name: &str,
        beside: &'a Beside<'a>,
        resolver: &'a mut Resolver,
        raw_rows: Option<RowSum>,
    ) -> Self {
        let summed = if raw_rows.is_some() { Summed::RawRows } else { Summed::Drafts };
        let year = settings.calendars.school_year(beside.run_day);
        let found = ReadIn::empty(Contents::default(), RejectBook::new(&feed.name, payload_name), year);
        Self {
            settings,
            feed,
            beside,
            run_day: beside.run_day,
            year,
            resolver,
            roster: RosterIds::of(beside.run_day),
            found: ReadIn { sum: raw_rows.unwrap_or_default(), summed, ..found },
            doubts: Doubts::default(),
            sorter: Sorter::new(beside.scratch),
            schools: IndexMap::new(),
            encoded: Vec::new(),
            natural_key: String::new(),
            failed: None,
        }
    }

    fn item(&mut self, item: Item<'_>) -> ControlFlow<()> {
        match item {
            Item::Reject(reject) => {
                self.found.rows += 1;
                self.unusable(reject);
            }
            Item::Draft(draft) => {
                if let Err(error) = self.draft(draft) {
                    self.failed = Some(error);
                    return ControlFlow::Break(());
                }
            }
        }
        ControlFlow::Continue(())
    }

    fn unusable(&mut self, mut reject: Reject) {
        let student = reject.claims.student.as_deref().unwrap_or_default();
        // Where the columns have slipped, and nobody is called so, nothing of the row is believed.
        if reject.code == RejectCode::WrongFieldCount && !matches!(self.student(student), Found::One(_)) {
            *reject.claims = Claims::default();
        }
        let claims = &reject.claims;
        self.doubt(claims.student.as_deref(), claims.school.as_deref(), claims.date, reject.mark);
        self.reject(reject);
    }

    fn reject(&mut self, reject: Reject) {
        self.found.rejected += 1;
        self.found.rejects.add(reject);
    }

    fn draft(&mut self, draft: Draft<'_>) -> io::Result<()> {
        if self.found.summed == Summed::Drafts {
            same::add_draft(&mut self.found.sum, &draft, &mut self.encoded);
        }
        let entity = draft.body.entity();
        let names_identity = entity.names_identity();
        if names_identity && !self.feed.roster_of_record {
            return Ok(());
        }
        if self.feed.source.entities().contains(&entity) {
            self.found.rows += 1;
        }
        self.found.left_out += draft.left_out.len() as u64;
        if names_identity {
            self.learn(&draft);
        }
        self.keep(draft)
    }

    /// What is known only at the end: what the payload says of itself, what it covers, and where doubt lies.
    fn finish(mut self, contents: Contents) -> io::Result<ReadIn> {
        let schools = std::mem::take(&mut self.schools).into_iter();
        let mut rows = HashMap::new();
        for (school, seen) in schools {
            let school = school.into_string();
            self.found.latest.extend(seen.latest.map(|date| (school.clone(), date)));
            if let Some(year) = self.settings.calendars.of(&school, seen.rows.year) {
                self.found.days.extend(&school, seen.rows.days(year));
            }
            rows.insert(school, seen.rows);
        }
        self.found.contents = contents;
        self.found.doubt = Doubt::of(
            std::mem::take(&mut self.doubts),
            self.beside.book,
            self.beside.returned,
            self.beside.is_reread,
            self.run_day,
        );
        self.found.notes.empty = self.found.is_empty_list();
        self.found.spoken = self.beside.spoken.clone();
        if self.beside.is_reread {
            self.found.speaks.speak_also_of(self.beside.terms);
        }
        self.found.spoke_from = self.beside.spoke_from.cloned().unwrap_or_default();
        self.found.covered = extent::coverage(&self.found, &self.settings.calendars, self.run_day);
        self.found.windows = extent::windows(&self.found, &self.settings.calendars, self.run_day);
        self.found.notes.before_coverage = self.before_coverage(&rows);
        let covered = self.found.covered.iter().map(|one| &one.school);
        self.found.spoken_of = self.beside.covered.keys().chain(covered).cloned().collect();
        if self.found.rows_mean() == Some(RowsMean::Exceptions) {
            self.doubt_silence()?;
        }
        self.found.persons = self.roster.take_persons();
        let changed = self.roster.settle(self.resolver, self.found.is_delta());
        self.found.ids.extend(changed);
        Ok(ReadIn { sorted: self.sorter.finish()?, ..self.found })
    }

    /// Rows of school days before what the payload covers of their school, that none covered before.
    fn before_coverage(&self, rows: &HashMap<String, RowsByDay>) -> u64 {
        let calendars = &self.settings.calendars;
        let of_school = |covered: &SchoolCoverage| {
            let year = calendars.of(&covered.school, calendars.school_year(covered.last))?;
            let rows = rows.get(&covered.school).filter(|rows| rows.year == year.school_year)?;
            let before = self.beside.covered.get(&covered.school);
            let is_covered = |day: Date| before.is_some_and(|before| before.contains(day));
            let earlier = rows.days(year).take_while(|(day, _)| *day < covered.first);
            Some(earlier.filter(|(day, _)| !is_covered(*day)).map(|(_, rows)| rows).sum::<u64>())
        };
        self.found.covered.iter().filter_map(of_school).sum()
    }

    /// Silence that new doubt could explain is unknown, on days that no earlier payload covered: at a school on its
    /// coverage, of a student as a row that the hub infers.
    fn doubt_silence(&mut self) -> io::Result<()> {
        let mut covered = std::mem::take(&mut self.found.covered);
        let mut days = Vec::new();
        for school in &mut covered {
            let new = extent::newly_covered(school, self.beside.covered, &self.settings.calendars);
            let (doubt, name, is_reread) = (&self.found.doubt, &school.school, self.beside.is_reread);
            let before = || self.beside.doubtful.get(name).into_iter().flat_map(DateRanges::days);
            let again = before().filter(|day| is_reread || doubt.is_new_on(name, *day));
            let doubtful = new.iter().copied().chain(again).filter(|day| doubt.hides_day(name, *day));
            school.doubtful = doubtful.map(|day| (day, day)).collect::<DateRanges>().into();
            let unheard: Vec<Date> = new.iter().copied().chain(before()).collect();
            self.found.first_heard.insert(name.clone(), unheard.iter().map(|day| (*day, *day)).collect());
            days.push((school.school.clone(), unheard));
        }
        self.found.covered = covered;
        let doubt = std::mem::take(&mut self.found.doubt);
        for (place, student, hides) in doubt.students() {
            for (school, days) in days.iter().filter(|(school, _)| doubt.may_be_at(student, school)) {
                for day in days.iter().filter(|day| hides(**day)) {
                    self.found.unheard.insert(place.clone());
                    let year = self.settings.calendars.school_year(*day);
                    let row = Row::of_unknown_day(student, school, *day, AttendanceCategory::Doubtful);
                    self.infer(&row, year)?;
                }
            }
        }
        self.found.doubt = doubt;
        Ok(())
    }

    /// Adds a row that the payload does not have.
    fn infer(&mut self, row: &Row<'_>, year: u16) -> io::Result<()> {
        self.found.infers = true;
        self.push(row, year, 0, INFERRED, NOW)
    }
}
