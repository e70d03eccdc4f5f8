//! One natural key, judged.

use signalbox_connector::Entity;
use signalbox_event::{Status, StudentKey};
use signalbox_hub::HubError;
use signalbox_store::feed::{LedgerKey, LedgerRow};

use super::ledger::{Group, group};
use crate::doubt::Place;
use crate::identity::Person;
use crate::read::ReadIn;
use crate::row::{Row, Slot, Waiting};

/// What becomes of one natural key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Add,
    /// An enrolment that corrects another's entry date.
    Corrects,
    Change,
    Unchanged,
    /// A payload of changes does not mention it.
    Untouched,
    /// Its row is gone, inside the extent: it ends.
    EndAbsent,
    /// Its row is gone with all of its school's: it ends, if a person says so.
    EndVanished,
    /// Its row says so: it ends.
    EndDelta,
    /// An enrolment whose entry date another row corrects: it never was.
    Corrected,
    /// What an enrolment was before its row became another's: over, and known from here on by a key of its own.
    Left,
    /// Its row is gone and it stands on: the payload may end before it.
    Late,
    /// Its row is gone and it stands on: a row that could not be used may have been it.
    Doubted,
    /// It waits for its student or school, and the ledger does not know the row yet or not like this.
    Hold,
    /// It waits, as before.
    StillHeld,
    /// A row that waited is gone, or found.
    DropHeld,
}

impl Verdict {
    /// Whether its row is gone and it ends.
    pub(crate) const fn is_end(self) -> bool {
        matches!(self, Self::EndAbsent | Self::EndVanished | Self::EndDelta)
    }
}

/// What an enrolment that ends means for its student at that school.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Departure {
    Leaves,
    /// The student keeps or gains one there, or it was over anyway.
    Stays,
    /// The student has one elsewhere now.
    Moves,
}

/// One natural key, judged.
#[derive(Debug)]
pub(crate) struct Step {
    pub slot: Slot,
    pub school_year: u16,
    pub verdict: Verdict,
    /// The row as it stands in the ledger, if it does.
    pub old: Option<LedgerRow>,
    /// The ledger row to be written, if one is.
    pub new: Option<LedgerRow>,
    /// The status of the event that goes out, if one does.
    pub publish: Option<Status>,
    /// Rows of the payload with this key.
    pub rows: u64,
    /// Where the first of them stand, if there are several, and whether they agree.
    pub lines: Vec<u32>,
    pub conflict: bool,
    pub fault: bool,
    /// Of a row that is missing and stands on, the places in doubt that it stands in.
    pub doubted_by: Vec<Place>,
    /// Of an enrolment that ends.
    pub departure: Departure,
    /// A row of attendance that is gone, on a day that counts nowhere: nothing is lost with it, and a file whose dates were
    /// wrong holds no good one up.
    pub unmissed: bool,
}

impl Step {
    #[inline]
    pub(super) fn new(slot: Slot, school_year: u16, verdict: Verdict, old: Option<LedgerRow>) -> Self {
        Self {
            slot,
            school_year,
            verdict,
            old,
            new: None,
            publish: None,
            rows: 0,
            lines: Vec::new(),
            conflict: false,
            fault: false,
            doubted_by: Vec::new(),
            departure: Departure::Leaves,
            unmissed: false,
        }
    }

    pub(crate) fn key(&self) -> Option<LedgerKey> {
        self.new.as_ref().or(self.old.as_ref()).map(|row| row.key)
    }

    /// Rows of one student, or about one id, stand together.
    pub(crate) fn group(&self) -> Option<Group> {
        let row = self.new.as_ref().or(self.old.as_ref())?;
        Some(group(&row.key))
    }

    /// The student, where another person stands under the id than did.
    pub(crate) fn stranger(&self, read: &ReadIn) -> Result<Option<(StudentKey, Person)>, HubError> {
        let Some(old) = &self.old else { return Ok(None) };
        // Of a row that is missing nobody says who it is.
        if self.slot.waits || self.slot.entity != Entity::Student || self.rows == 0 {
            return Ok(None);
        }
        let was = Row::decode(&old.detail)?;
        let Some(key) = was.student.map(StudentKey::from_uuid).filter(|key| !read.succeeded.contains(key))
        else {
            return Ok(None);
        };
        let is = read.persons.get(&key).filter(|is| was.person().is_some_and(|was| is.is_another_than(&was)));
        Ok(is.map(|is| (key, is.clone())))
    }

    /// The newest of the row that is known.
    pub(crate) fn row(&self) -> Result<Option<Row<'_>>, HubError> {
        let rows = [self.new.as_ref(), self.old.as_ref()];
        let Some(known) = rows.into_iter().flatten().find(|row| !row.detail.is_empty()) else {
            return Ok(None);
        };
        if self.slot.waits {
            return Ok(Some(Waiting::decode(&known.detail)?.row));
        }
        Row::decode(&known.detail).map(Some)
    }
}
