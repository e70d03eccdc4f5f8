//! The first pass over a payload: normalise, resolve ids, hash, sort.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::io;
use std::ops::ControlFlow;

use jiff::civil::Date;
use signalbox_connector::draft::value_class;
use signalbox_connector::{Contents, Draft, Entity, Item, Record, Refusal, Reject, RejectCode, RowSum};
use signalbox_event::{Status, StudentKey};
use signalbox_store::feed::{CrosswalkRow, Named};

use super::identity::{Found, Resolver, student_key};
use super::rejects::RejectBook;
use super::row::{Row, content_hash, of_record};
use super::same::{self, Summed};
use super::sort::{ENDS, FAULT, Head, Sorted, Sorter, UNMATCHED};
use crate::calendar::SchoolYear;
use crate::hub::{Feed, Settings};

/// The type under which a student's or school's first id stands in the crosswalk.
pub(crate) const FIRST_ID: &str = "sourcedId";

/// What the first pass found.
pub(crate) struct ReadIn {
    pub sorted: Sorted,
    pub contents: Contents,
    pub rejects: RejectBook,
    /// Rows of the feed's entities, and those that became rejects before they could be compared.
    pub rows: u64,
    pub rejected: u64,
    /// Entities and school years that rows stand in.
    pub scopes: BTreeSet<(u8, u16)>,
    /// The school year of a roster payload: that of its latest entry date.
    pub payload_year: Option<u16>,
    /// The latest readable row of each school, and the years of those days.
    pub latest: HashMap<String, Date>,
    /// Ids that the crosswalk did not know.
    pub ids: Vec<CrosswalkRow>,
    pub notes: Notes,
    /// Every row, summed as `summed` says.
    pub sum: RowSum,
    pub summed: Summed,
    /// A row's day had not come on the day of the run: on a later day the same rows say more.
    pub reaches_ahead: bool,
}

impl ReadIn {
    /// A payload without rows.
    pub(crate) fn empty(contents: Contents, rejects: RejectBook) -> Self {
        Self {
            sorted: Sorted::default(),
            contents,
            rejects,
            rows: 0,
            rejected: 0,
            scopes: BTreeSet::new(),
            payload_year: None,
            latest: HashMap::new(),
            ids: Vec::new(),
            notes: Notes::default(),
            sum: RowSum::default(),
            summed: Summed::default(),
            reaches_ahead: false,
        }
    }
}

/// What is worth saying though no row is lost by it.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Notes {
    /// Rows on a day without school: kept, counted nowhere.
    pub non_instructional: u64,
    /// Rows whose date no calendar covers.
    pub no_calendar: u64,
    /// Students not found whose id would be found with other leading zeros.
    pub leading_zeros: u64,
    /// Students not found because their id names several students.
    pub ambiguous: u64,
}

/// Reads a landed payload. Blocking.
pub(crate) fn read(
    settings: &Settings,
    feed: &Feed,
    payload_name: &str,
    mut payload: File,
    scratch: &std::path::Path,
    run_day: Date,
    resolver: &mut Resolver,
) -> io::Result<Result<ReadIn, Refusal>> {
    let raw_rows = same::raw_rows(feed, &mut payload)?;
    let summed = if raw_rows.is_some() { Summed::RawRows } else { Summed::Drafts };
    let mut reader = Reader {
        settings,
        feed,
        run_day,
        resolver,
        sorter: Sorter::new(scratch),
        rejects: RejectBook::new(&feed.name, payload_name),
        rows: 0,
        rejected: 0,
        scopes: BTreeSet::new(),
        latest_entry: None,
        schools: HashMap::new(),
        ids: Vec::new(),
        notes: Notes::default(),
        sum: raw_rows.unwrap_or_default(),
        summed,
        reaches_ahead: false,
        encoded: Vec::new(),
        natural_key: String::new(),
        failed: None,
    };
    let contents = feed.source.normalize(&mut payload, &mut |item| reader.item(item));
    if let Some(error) = reader.failed {
        return Err(error);
    }
    let contents = match contents {
        Ok(contents) => contents,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let payload_year = reader.latest_entry.map(|date| settings.calendars.school_year(date));
    let scopes = reader
        .scopes
        .into_iter()
        .map(|(entity, year)| (entity, if year == 0 { payload_year.unwrap_or(0) } else { year }))
        .collect();
    Ok(Ok(ReadIn {
        sorted: reader.sorter.finish()?,
        contents,
        rejects: reader.rejects,
        rows: reader.rows,
        rejected: reader.rejected,
        scopes,
        payload_year,
        latest: reader
            .schools
            .into_iter()
            .filter_map(|(school, seen)| seen.latest.map(|date| (school.into_string(), date)))
            .collect(),
        ids: reader.ids,
        notes: reader.notes,
        sum: reader.sum,
        summed: reader.summed,
        reaches_ahead: reader.reaches_ahead,
    }))
}

struct Reader<'a> {
    settings: &'a Settings,
    feed: &'a Feed,
    run_day: Date,
    resolver: &'a mut Resolver,
    sorter: Sorter,
    rejects: RejectBook,
    rows: u64,
    rejected: u64,
    scopes: BTreeSet<(u8, u16)>,
    latest_entry: Option<Date>,
    schools: HashMap<Box<str>, SchoolSeen<'a>>,
    ids: Vec<CrosswalkRow>,
    notes: Notes,
    sum: RowSum,
    summed: Summed,
    reaches_ahead: bool,
    encoded: Vec<u8>,
    natural_key: String,
    failed: Option<io::Error>,
}

/// What the rows of one school showed so far.
#[derive(Default)]
struct SchoolSeen<'a> {
    latest: Option<Date>,
    /// The calendar used last.
    year: Option<(u16, Option<&'a SchoolYear>)>,
}

/// The ids of a draft, resolved.
struct Resolved<'d> {
    student: Option<StudentKey>,
    school: Option<Cow<'d, str>>,
}

impl Reader<'_> {
    fn item(&mut self, item: Item<'_>) -> ControlFlow<()> {
        match item {
            Item::Reject(reject) => {
                self.rows += 1;
                self.reject(reject);
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

    fn reject(&mut self, reject: Reject) {
        self.rejected += 1;
        self.rejects.add(reject);
    }

    fn draft(&mut self, draft: Draft<'_>) -> io::Result<()> {
        if self.summed == Summed::Drafts {
            same::add_draft(&mut self.sum, &draft, &mut self.encoded);
        }
        let entity = draft.record.entity();
        let names_identity = matches!(entity, Entity::School | Entity::Student);
        if names_identity && !self.feed.roster_of_record {
            return Ok(());
        }
        if self.feed.source.entities().contains(&entity) {
            self.rows += 1;
        }
        if names_identity {
            self.learn(&draft.record);
        }
        let resolved = match self.resolve(&draft) {
            Ok(resolved) => resolved,
            Err(reject) => {
                self.reject(reject);
                return Ok(());
            }
        };
        self.keep(draft, resolved)
    }

    /// Takes the ids of the roster of record into the crosswalk.
    fn learn(&mut self, record: &Record<'_>) {
        match record {
            Record::School { id, identifier, .. } => {
                self.learn_id(Named::School, FIRST_ID, id, id, true);
                if let Some(identifier) = identifier {
                    self.learn_id(Named::School, "identifier", identifier, id, false);
                }
            }
            Record::Student { id, ids, .. } => {
                if self.resolver.student(id, Some(FIRST_ID)) != Found::None && ids.is_empty() {
                    return;
                }
                let key = student_key(&self.settings.district, &self.feed.name, id).to_string();
                self.learn_id(Named::Student, FIRST_ID, id, &key, true);
                for (id_type, value) in ids {
                    self.learn_id(Named::Student, id_type, value, &key, false);
                }
            }
            Record::Enrollment { .. } | Record::Attendance { .. } => {}
        }
    }

    fn learn_id(&mut self, what: Named, id_type: &str, id: &str, target: &str, first: bool) {
        let row = CrosswalkRow {
            what,
            id_type: id_type.to_owned(),
            id: id.to_owned(),
            target: target.to_owned(),
            first,
        };
        if self.resolver.add(&row) {
            self.ids.push(row);
        }
    }

    fn resolve<'d>(&mut self, draft: &Draft<'d>) -> Result<Resolved<'d>, Reject> {
        let (student, school) = match &draft.record {
            Record::School { .. } => return Ok(Resolved { student: None, school: None }),
            Record::Student { id, .. } => {
                let student = match self.resolver.student(id, Some(FIRST_ID)) {
                    Found::One(key) => Some(key),
                    Found::Several | Found::None => None,
                };
                return Ok(Resolved { student, school: None });
            }
            Record::Enrollment { student, school, .. } | Record::Attendance { student, school, .. } => {
                (student, school)
            }
        };
        let school = match self.resolver.school(school) {
            Found::One(first) if first == &**school => school.clone(),
            Found::One(first) => Cow::Owned(first.to_owned()),
            Found::None | Found::Several => return Err(unknown_school(draft, school)),
        };
        let id_type =
            if self.feed.roster_of_record { Some(FIRST_ID) } else { self.feed.source.student_id_type() };
        let student = match self.resolver.student(student, id_type) {
            Found::One(key) => Some(key),
            Found::Several => {
                self.notes.ambiguous += 1;
                None
            }
            Found::None => {
                self.notes.leading_zeros += u64::from(self.resolver.differs_by_leading_zeros(student));
                None
            }
        };
        Ok(Resolved { student, school: Some(school) })
    }

    fn keep(&mut self, draft: Draft<'_>, resolved: Resolved<'_>) -> io::Result<()> {
        let mut flags = 0;
        let is_about_student = !matches!(draft.record, Record::School { .. });
        if is_about_student && resolved.student.is_none() {
            flags |= UNMATCHED;
        }
        if draft.status == Status::ToBeDeleted {
            flags |= ENDS;
        }
        if let Some(fault) = draft.fault {
            // A row whose student is not found counts as that; the code is reported all the same.
            flags |= if flags & UNMATCHED == 0 { FAULT } else { 0 };
            self.rejects.add(fault);
        }
        let line = u32::try_from(draft.row).unwrap_or(u32::MAX);
        let row = of_record(draft.record, resolved.student, resolved.school);
        let school_year = self.see(&row);
        row.encode(&mut self.encoded);
        let head = Head {
            entity: row.entity() as u8,
            school_year,
            key: row.ledger_key(&mut self.natural_key),
            line,
            flags,
            content: content_hash(&self.encoded),
        };
        self.scopes.insert((head.entity, head.school_year));
        self.sorter.push(head, &self.encoded)
    }

    /// Notes the row's place in time; its school year, 0 where the payload as a whole has one.
    fn see(&mut self, row: &Row<'_>) -> u16 {
        let Some(date) = row.date() else { return 0 };
        if row.entity() == Entity::Enrollment {
            self.latest_entry = self.latest_entry.max(Some(date));
            return 0;
        }
        let settings = self.settings;
        let school = row.school().unwrap_or_default();
        if !self.schools.contains_key(school) {
            self.schools.insert(school.into(), SchoolSeen::default());
        }
        let seen = self.schools.get_mut(school).expect("just inserted");
        // A day that has not come yet is a slip of the pen: it must not stretch what the file speaks for.
        if date <= self.run_day {
            seen.latest = seen.latest.max(Some(date));
        } else {
            self.reaches_ahead = true;
        }
        let (year, calendar) = match seen.year {
            Some((year, Some(calendar))) if calendar.first <= date && date <= calendar.last => {
                (year, Some(calendar))
            }
            _ => {
                let year = settings.calendars.school_year(date);
                let calendar = settings.calendars.of(school, year);
                seen.year = Some((year, calendar));
                (year, calendar)
            }
        };
        match calendar {
            None => self.notes.no_calendar += 1,
            Some(calendar) if !calendar.is_instructional(date) => self.notes.non_instructional += 1,
            Some(_) => {}
        }
        year
    }
}

fn unknown_school(draft: &Draft<'_>, school: &str) -> Reject {
    Reject {
        file: draft.file,
        row: Some(draft.row),
        column: None,
        code: RejectCode::UnknownSchool,
        value_class: value_class(school),
        help: "No roster row names this school. Add it to the roster of record, or mend the id.".to_owned(),
    }
}
