//! What was found in a sample's rows, by cause: no row is kept.

use std::collections::{BTreeMap, BTreeSet};

use signalbox_connector::event::rows::Stands;
use signalbox_connector::jiff::civil::Date;
use signalbox_connector::{Draft, Entity, Item, Reject, RejectCode};
use signalbox_runtime::calendar::{Calendars, Standing};
use signalbox_runtime::ingest::outside_years;

/// Rows that share their fault.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Cause {
    pub(super) code: RejectCode,
    pub(super) file: Option<&'static str>,
    pub(super) column: Option<String>,
    pub(super) value_class: String,
}

#[derive(Debug)]
pub(super) struct Seen {
    pub(super) count: u64,
    pub(super) first_row: Option<u64>,
    pub(super) help: String,
    /// Where the rows' students go to school, as far as the rows could be read.
    pub(super) schools: BTreeSet<String>,
}

/// How many, and the first.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rows {
    pub(super) count: u64,
    pub(super) first: u64,
}

/// What was found in the rows.
pub(super) struct Findings<'a> {
    calendars: &'a Calendars,
    today: Date,
    /// Those whose rows are counted.
    entities: &'a [Entity],
    pub(super) rows: u64,
    pub(super) unusable: u64,
    pub(super) causes: BTreeMap<Cause, Seen>,
    /// Of values that are left out.
    pub(super) left_out: BTreeMap<Cause, Seen>,
    /// Rows of attendance that count nowhere, by how their day stands.
    pub(super) idle: BTreeMap<Standing, Rows>,
    pub(super) schools: BTreeSet<String>,
}

impl<'a> Findings<'a> {
    /// As of this local day.
    pub(super) fn new(calendars: &'a Calendars, today: Date, entities: &'a [Entity]) -> Self {
        let (causes, left_out, schools) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
        let idle = BTreeMap::new();
        Self { calendars, today, entities, rows: 0, unusable: 0, causes, left_out, idle, schools }
    }

    pub(super) fn see(&mut self, item: Item<'_>) {
        match item {
            Item::Reject(reject) => {
                self.rows += 1;
                self.reject(reject, None);
            }
            Item::Draft(draft) => self.draft(draft),
        }
    }

    fn draft(&mut self, draft: Draft<'_>) {
        self.rows += u64::from(self.entities.contains(&draft.body.entity()));
        let claims = draft.claims.clone();
        let school = claims.school.as_deref();
        if let Some(school) = school
            && !self.schools.contains(school)
        {
            self.schools.insert(school.to_owned());
        }
        self.day(&draft);
        self.year(&draft);
        for left_out in draft.left_out {
            note(&mut self.left_out, left_out.why, school);
        }
        if let Some(fault) = draft.fault {
            self.reject(*fault, school);
        }
    }

    fn reject(&mut self, reject: Reject, school: Option<&str>) {
        self.unusable += 1;
        note(&mut self.causes, reject, school);
    }

    /// Notes an attendance row on a day that counts nowhere.
    fn day(&mut self, draft: &Draft<'_>) {
        let (Stands::On(date), Some(school)) = (draft.body.stands(), &draft.claims.school) else { return };
        let standing = self.calendars.standing(date, school, self.today);
        if standing != Standing::Counts {
            self.idle.entry(standing).or_insert(Rows { count: 0, first: draft.row }).count += 1;
        }
    }

    /// Notes an enrolment that begins in no school year there is.
    fn year(&mut self, draft: &Draft<'_>) {
        let (Stands::From(entry), Some(school)) = (draft.body.stands(), &draft.claims.school) else { return };
        let this_year = self.calendars.school_year(self.today);
        if self.calendars.year_of_entry(entry, school, this_year).is_none() {
            self.reject(outside_years(draft), Some(school));
        }
    }
}

fn note(causes: &mut BTreeMap<Cause, Seen>, reject: Reject, school: Option<&str>) {
    let Reject { file, row, column, code, value_class, help, claims: _, mark: _ } = reject;
    let cause = Cause { code, file, column, value_class };
    let new = Seen { count: 0, first_row: row, help, schools: BTreeSet::new() };
    let seen = causes.entry(cause).or_insert(new);
    seen.count += 1;
    seen.schools.extend(school.map(str::to_owned));
}
