//! The first pass over a payload: normalise, resolve ids, hash, sort. `ids`: whom a row speaks of; `place`: where it
//! stands in time.

mod ids;
mod place;

use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::io;
use std::ops::ControlFlow;

use jiff::civil::Date;
use signalbox_connector::{Contents, Draft, Entity, Item, Record, Refusal, Reject, RowSum};
use signalbox_event::Status;
use signalbox_store::feed::CrosswalkRow;

use self::ids::Resolved;
use self::place::SchoolSeen;
use super::identity::Resolver;
use super::rejects::RejectBook;
use super::row::{content_hash, of_record};
use super::same::{self, Summed};
use super::sort::{ENDS, FAULT, Head, Sorted, Sorter, UNMATCHED};
use crate::hub::{Feed, Settings};

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
    let found = ReadIn::empty(Contents::default(), RejectBook::new(&feed.name, payload_name));
    let mut reader = Reader {
        settings,
        feed,
        run_day,
        resolver,
        found: ReadIn { sum: raw_rows.unwrap_or_default(), summed, ..found },
        sorter: Sorter::new(scratch),
        latest_entry: None,
        schools: HashMap::new(),
        encoded: Vec::new(),
        natural_key: String::new(),
        failed: None,
    };
    let contents = feed.source.normalize(&mut payload, &mut |item| reader.item(item));
    if let Some(error) = reader.failed {
        return Err(error);
    }
    match contents {
        Ok(contents) => reader.finish(contents).map(Ok),
        Err(refusal) => Ok(Err(refusal)),
    }
}

struct Reader<'a> {
    settings: &'a Settings,
    feed: &'a Feed,
    run_day: Date,
    resolver: &'a mut Resolver,
    found: ReadIn,
    sorter: Sorter,
    latest_entry: Option<Date>,
    schools: HashMap<Box<str>, SchoolSeen<'a>>,
    encoded: Vec<u8>,
    natural_key: String,
    failed: Option<io::Error>,
}

impl Reader<'_> {
    fn item(&mut self, item: Item<'_>) -> ControlFlow<()> {
        match item {
            Item::Reject(reject) => {
                self.found.rows += 1;
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
        self.found.rejected += 1;
        self.found.rejects.add(reject);
    }

    fn draft(&mut self, draft: Draft<'_>) -> io::Result<()> {
        if self.found.summed == Summed::Drafts {
            same::add_draft(&mut self.found.sum, &draft, &mut self.encoded);
        }
        let entity = draft.record.entity();
        let names_identity = matches!(entity, Entity::School | Entity::Student);
        if names_identity && !self.feed.roster_of_record {
            return Ok(());
        }
        if self.feed.source.entities().contains(&entity) {
            self.found.rows += 1;
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
            self.found.rejects.add(fault);
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
        self.found.scopes.insert((head.entity, head.school_year));
        self.sorter.push(head, &self.encoded)
    }

    /// What is known only at the end: what the payload says of itself, and the year of a roster.
    fn finish(self, contents: Contents) -> io::Result<ReadIn> {
        let payload_year = self.latest_entry.map(|date| self.settings.calendars.school_year(date));
        let year_or_payloads = |year| if year == 0 { payload_year.unwrap_or(0) } else { year };
        let schools = self.schools.into_iter();
        Ok(ReadIn {
            sorted: self.sorter.finish()?,
            contents,
            payload_year,
            scopes: self
                .found
                .scopes
                .into_iter()
                .map(|(entity, year)| (entity, year_or_payloads(year)))
                .collect(),
            latest: schools
                .filter_map(|(school, seen)| seen.latest.map(|date| (school.into_string(), date)))
                .collect(),
            ..self.found
        })
    }
}
