//! What was found in a sample's rows, by cause: no row is kept.

use std::collections::{BTreeMap, BTreeSet};

use signalbox_connector::event::rows::Stands;
use signalbox_connector::jiff::civil::Date;
use signalbox_connector::{Draft, Entity, Item, Reject, RejectCode, Source};
use signalbox_hub::calendar::{Calendars, Standing};
use signalbox_ingest::{Disputed, FirstLoad, Known, outside_years, unknown_school};

use super::roster::{Nobody, Roster};

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
    source: &'a dyn Source,
    /// Those whose rows are counted.
    entities: &'a [Entity],
    /// Where each entity has its rows.
    files: BTreeMap<Entity, Option<&'static str>>,
    pub(super) causes: BTreeMap<Cause, Seen>,
    /// Of values that are left out.
    pub(super) left_out: BTreeMap<Cause, Seen>,
    /// Rows of attendance that count nowhere, by how their day stands.
    pub(super) idle: BTreeMap<Standing, Rows>,
    pub(super) schools: BTreeSet<String>,
    /// Whom rows are looked up among.
    pub(super) roster: Result<Roster<'a>, Nobody>,
    /// Whom the sample names.
    known: Known,
}

impl<'a> Findings<'a> {
    /// As of this local day.
    pub(super) fn new(
        calendars: &'a Calendars,
        today: Date,
        source: &'a dyn Source,
        roster: Result<Roster<'a>, Nobody>,
    ) -> Self {
        Self {
            calendars,
            today,
            source,
            entities: source.entities(),
            files: BTreeMap::new(),
            causes: BTreeMap::new(),
            left_out: BTreeMap::new(),
            idle: BTreeMap::new(),
            schools: BTreeSet::new(),
            roster,
            known: Known::default(),
        }
    }

    pub(super) fn see(&mut self, item: Item<'_>) {
        match item {
            Item::Reject(reject) => note(&mut self.causes, reject, None),
            Item::Draft(draft) => self.draft(draft),
        }
    }

    fn draft(&mut self, draft: Draft<'_>) {
        let is_counted = self.entities.contains(&draft.body.entity());
        self.files.entry(draft.body.entity()).or_insert(draft.file);
        let claims = draft.claims.clone();
        let school = claims.school.as_deref();
        if let Some(school) = school
            && !self.schools.contains(school)
        {
            self.schools.insert(school.to_owned());
        }
        if self.roster.as_ref().is_err_and(|nobody| nobody.is_unknown()) {
            self.known.assume(&draft, self.source);
        }
        if self.is_in_a_year(&draft) && is_counted {
            self.look_up(&draft);
        }
        self.day(&draft);
        for left_out in draft.left_out {
            note(&mut self.left_out, left_out.why, school);
        }
        if let Some(fault) = draft.fault {
            note(&mut self.causes, *fault, school);
        }
    }

    /// Notes a row whose student or school no roster has.
    fn look_up(&mut self, draft: &Draft<'_>) {
        let Ok(roster) = &mut self.roster else { return };
        let fault = draft.fault.as_ref().map(|fault| fault.code);
        match draft.claims.school.as_deref().filter(|school| !roster.has_school(school)) {
            Some(school) if fault.is_none() => {
                let mut reject = unknown_school(draft, school);
                reject.help = roster.school_mend(school).unwrap_or(reject.help);
                note(&mut self.causes, reject, Some(school));
            }
            // What its columns say is not believed.
            None if fault != Some(RejectCode::WrongFieldCount) => roster.see(draft),
            _ => {}
        }
    }

    /// Those among whom the sample is judged: as long as no roster can be looked at, all whom it names.
    pub(super) fn known(&mut self) -> &mut Known {
        match &mut self.roster {
            Ok(roster) => &mut roster.known,
            Err(_) => &mut self.known,
        }
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
    pub(super) fn dispute(&mut self, first: &FirstLoad) {
        for (entity, disputed) in first.disputed.iter().filter(|(entity, _)| self.entities.contains(entity)) {
            let file = self.files.get(entity).copied().flatten();
            let (cause, new) = disagree(*entity, file, *disputed);
            self.causes.insert(cause, new);
        }
    }

    /// Whether an enrolment begins in a school year that there is; notes one that does not.
    fn is_in_a_year(&mut self, draft: &Draft<'_>) -> bool {
        let (Stands::From(entry), Some(school)) = (draft.body.stands(), &draft.claims.school) else {
            return true;
        };
        let this_year = self.calendars.school_year(self.today);
        let is_in_one = self.calendars.year_of_entry(entry, school, this_year).is_some();
        if !is_in_one {
            note(&mut self.causes, outside_years(draft), Some(school));
        }
        is_in_one
    }
}

fn disagree(entity: Entity, file: Option<&'static str>, disputed: Disputed) -> (Cause, Seen) {
    let code = RejectCode::ConflictingRows;
    let cause = Cause { code, file, column: None, value_class: "the same key".to_owned() };
    let help = format!("See that the export has one row for each. {}", entity.while_disputed());
    let Disputed { rows: count, first } = disputed;
    (cause, Seen { count, first_row: Some(first), help, schools: BTreeSet::new() })
}

fn note(causes: &mut BTreeMap<Cause, Seen>, reject: Reject, school: Option<&str>) {
    let Reject { file, row, column, code, value_class, help, claims: _, mark: _ } = reject;
    let cause = Cause { code, file, column, value_class };
    let new = Seen { count: 0, first_row: row, help, schools: BTreeSet::new() };
    let seen = causes.entry(cause).or_insert(new);
    seen.count += 1;
    seen.schools.extend(school.map(str::to_owned));
}
