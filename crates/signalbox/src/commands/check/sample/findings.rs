//! What was found in a sample's rows, by cause: no row is kept.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher as _};

use signalbox_connector::event::rows::Stands;
use signalbox_connector::jiff::civil::Date;
use signalbox_connector::{Draft, Entity, Item, Reject, RejectCode};
use signalbox_hub::calendar::{Calendars, Standing};
use signalbox_ingest::{outside_years, unknown_school};

use super::roster::{Nobody, Roster};

/// Rows that disagree are looked for among so many keys: no school year of a district has more.
const MOST_KEYS: usize = 2_000_000;

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
    /// Those of them that only begin in no school year there is.
    pub(super) outside_years: u64,
    pub(super) causes: BTreeMap<Cause, Seen>,
    /// Of values that are left out.
    pub(super) left_out: BTreeMap<Cause, Seen>,
    /// Rows of attendance that count nowhere, by how their day stands.
    pub(super) idle: BTreeMap<Standing, Rows>,
    pub(super) schools: BTreeSet<String>,
    /// Whom rows are looked up among.
    pub(super) roster: Result<Roster<'a>, Nobody>,
    /// By a hash of the key, one of what the first row says, and where it stands if it is not counted as unusable yet.
    said: HashMap<u64, (u64, Option<u64>)>,
}

impl<'a> Findings<'a> {
    /// As of this local day.
    pub(super) fn new(calendars: &'a Calendars, today: Date, entities: &'a [Entity]) -> Self {
        let (causes, left_out, schools) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
        let (idle, said) = (BTreeMap::new(), HashMap::new());
        Self {
            calendars,
            today,
            entities,
            rows: 0,
            unusable: 0,
            outside_years: 0,
            causes,
            left_out,
            idle,
            schools,
            roster: Err(Nobody::NoRoster),
            said,
        }
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
        self.look_up(&draft);
        self.day(&draft);
        self.year(&draft);
        self.conflict(&draft);
        for left_out in draft.left_out {
            note(&mut self.left_out, left_out.why, school);
        }
        if let Some(fault) = draft.fault {
            self.reject(*fault, school);
        }
    }

    /// Notes a row whose student or school no roster has.
    fn look_up(&mut self, draft: &Draft<'_>) {
        let Ok(roster) = &mut self.roster else { return };
        let is_counted = self.entities.contains(&draft.body.entity());
        if draft.fault.is_some() || !is_counted {
            return;
        }
        match draft.claims.school.as_deref().filter(|school| !roster.has_school(school)) {
            Some(school) => {
                let mut reject = unknown_school(draft, school);
                reject.help = roster.school_mend(school).unwrap_or(reject.help);
                self.reject(reject, Some(school));
            }
            None => roster.see(draft),
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

    /// Notes rows of one key that disagree.
    fn conflict(&mut self, draft: &Draft<'_>) {
        if !self.entities.contains(&draft.body.entity()) || draft.fault.is_some() {
            return;
        }
        let mut key = String::new();
        draft.body.push_key(&mut key);
        let key = hash(&(draft.body.entity(), &draft.claims.student, &draft.claims.school, key));
        if self.said.len() >= MOST_KEYS && !self.said.contains_key(&key) {
            return;
        }
        let says = hash(&format!("{:?} {:?}", draft.body, draft.status));
        let (first_says, first) = self.said.entry(key).or_insert((says, Some(draft.row)));
        if *first_says == says {
            return;
        }
        for row in first.take().into_iter().chain([draft.row]) {
            self.reject(disagrees(draft, row), draft.claims.school.as_deref());
        }
    }

    /// Notes an enrolment that begins in no school year there is.
    fn year(&mut self, draft: &Draft<'_>) {
        let (Stands::From(entry), Some(school)) = (draft.body.stands(), &draft.claims.school) else { return };
        let this_year = self.calendars.school_year(self.today);
        if self.calendars.year_of_entry(entry, school, this_year).is_none() {
            self.outside_years += 1;
            self.reject(outside_years(draft), Some(school));
        }
    }
}

fn hash(what: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}

fn disagrees(draft: &Draft<'_>, row: u64) -> Reject {
    let what = draft.body.entity().while_disputed();
    Reject {
        file: draft.file,
        row: Some(row),
        column: None,
        code: RejectCode::ConflictingRows,
        value_class: "the same key".to_owned(),
        help: format!("See that the export has one row for each. {what}"),
        claims: Box::default(),
        mark: 0,
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
