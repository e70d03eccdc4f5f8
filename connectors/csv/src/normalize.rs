//! Rows to drafts and rejects, for every entity by its columns.

mod code;
mod field;

use std::ops::ControlFlow;

use signalbox_connector::delimited::{Header, Misread, Reader, Row};
use signalbox_connector::draft::LeftOut;
use signalbox_connector::event::rows::{Cell, Cells, Holds, Unread};
use signalbox_connector::event::{Body, Status};
use signalbox_connector::{Claims, Contents, Draft, Entity, Item, ReadSeek, Refusal, Reject, RejectCode};

use self::field::Field;
use crate::config::{Feed, Table};

/// What the runtime hears of each row.
type Emit<'e> = dyn FnMut(Item<'_>) -> ControlFlow<()> + 'e;

pub(crate) fn normalize(
    feed: &Feed,
    payload: &mut dyn ReadSeek,
    emit: &mut Emit<'_>,
) -> Result<Contents, Refusal> {
    let mut reader = Reader::open(payload, feed.format, None)?;
    let entity = feed.extent.entity;
    let rows = Rows::new(entity, &feed.table, reader.header()).map_err(or_map_column)?;
    // A caller that breaks has had enough: what was read so far stands.
    let _flow = reader.rows(|row| {
        let mut read = Read::default();
        let outcome = match row {
            Ok(row) => rows.read(&row, &mut read),
            Err(misread) => rows.read_parts(misread, &mut read),
        };
        match outcome {
            Ok(()) => read.say(entity, emit),
            Err(reject) => emit(Item::Reject(reject)),
        }
    })?;
    Ok(Contents { extents: vec![feed.extent.clone()] })
}

/// The mend that only a mapped feed has: another column.
fn or_map_column(mut refusal: Refusal) -> Refusal {
    if refusal.code == RejectCode::MissingColumn {
        refusal.help.push_str("; or change columns in this feed to what the header has");
    }
    refusal
}

/// The table, found in a header.
struct Rows<'t> {
    entity: Entity,
    /// Those that are mapped, in the order of the entity's columns.
    fields: Vec<Field<'t>>,
    /// Where among the cells stands whom and when a row speaks of.
    student: Option<usize>,
    school: Option<usize>,
    day: Option<usize>,
}

impl<'t> Rows<'t> {
    fn new(entity: Entity, table: &'t Table, header: &Header) -> Result<Self, Refusal> {
        let names = table.columns.iter().flatten().flat_map(|column| &column.from).map(String::as_str);
        header.require(&names.collect::<Vec<_>>())?;
        let holds = |holds| entity.columns().iter().position(|column| column.holds == holds);
        Ok(Self {
            entity,
            fields: Field::all(table, header),
            student: holds(Holds::Student),
            school: holds(Holds::School),
            day: holds(Holds::Day),
        })
    }

    /// `read` is filled where it stands: it is large.
    #[inline]
    fn read<'r>(&self, row: &Row<'r>, read: &mut Read<'r>) -> Result<(), Reject> {
        read.line = row.line();
        for field in &self.fields {
            match field.read(row, &read.cells) {
                Ok(cell) => read.cells[field.at] = cell,
                Err(fault) if field.rejects(&fault) => return Err(fault.claiming(self.claims(row))),
                Err(fault) => unread(field, row, fault, read),
            }
        }
        read.claims = self.claims_of(&read.cells);
        if read.fault.is_some() || !read.left_out.is_empty() {
            self.doubt(read);
        }
        Ok(())
    }

    /// What is wrong with a row says whom it speaks of. Of one in dispute no word is believed: only the code stands, as it is
    /// written.
    #[cold]
    fn doubt(&self, read: &mut Read<'_>) {
        let faults = read.fault.as_deref_mut().into_iter();
        for why in faults.chain(read.left_out.iter_mut().map(|left_out| &mut left_out.why)) {
            *why.claims = read.claims.clone().into_owned();
        }
        let disputed = self.fields.iter().filter(|field| field.unread_means() == Unread::Disputes);
        for field in disputed.filter(|_| read.fault.is_some()) {
            match &mut read.cells[field.at] {
                Cell::Word(word, _) => *word = None,
                grade if field.table.column.holds == Holds::Grade => *grade = Cell::Unread,
                _ => {}
            }
        }
    }

    /// The row that cannot be told into its columns, if whose it is, and which, can be read: nothing else of it is believed.
    #[cold]
    fn read_parts<'r>(&self, misread: Misread<'r>, read: &mut Read<'r>) -> Result<(), Reject> {
        let Misread { reject, parts: Some(parts) } = misread else { return Err(misread.reject) };
        let claims = self.claims(&parts);
        let reject = reject.claiming(claims.clone());
        let Some(cells) = self.keys(&parts) else { return Err(reject) };
        *read =
            Read { line: parts.line(), cells, claims, fault: Some(Box::new(reject)), left_out: Vec::new() };
        Ok(())
    }

    /// What a row is none without, if it can be read. `None` too where no row of the entity can be in dispute.
    fn keys<'r>(&self, parts: &Row<'r>) -> Option<Cells<'r>> {
        let mut columns = self.entity.columns().iter();
        columns.find(|column| column.unread == Unread::Disputes)?;
        let mut cells = Cells::default();
        for field in &self.fields {
            let is_key = field.unread_means() == Unread::Rejects;
            cells[field.at] = if is_key { field.read(parts, &cells).ok()? } else { Cell::Unread };
        }
        Some(cells)
    }

    /// Whom and when a row speaks of, as far as that can be read.
    #[cold]
    fn claims<'r>(&self, row: &Row<'r>) -> Claims<'r> {
        let mut cells = Cells::default();
        let is_claimed = |at| [self.student, self.school, self.day].contains(&Some(at));
        for field in self.fields.iter().filter(|field| is_claimed(field.at)) {
            cells[field.at] = field.read(row, &cells).unwrap_or(Cell::Unread);
        }
        self.claims_of(&cells)
    }

    #[inline]
    fn claims_of<'r>(&self, cells: &Cells<'r>) -> Claims<'r> {
        let text = |at: Option<usize>| match &cells[at?] {
            Cell::Text(id) => Some(id.clone()),
            _ => None,
        };
        let date = self.day.and_then(|at| match cells[at] {
            Cell::Date(date) => Some(date),
            _ => None,
        });
        Claims { student: text(self.student), school: text(self.school), date }
    }
}

/// What cannot be read disputes the row, or is left out.
#[cold]
fn unread<'r>(field: &Field<'_>, row: &Row<'r>, fault: Reject, read: &mut Read<'r>) {
    read.cells[field.at] = field.unread(row);
    let kept = match field.unread_means() {
        Unread::LeftOut => None,
        Unread::Kept(kept) => Some(kept),
        Unread::Rejects | Unread::Disputes => {
            read.fault.get_or_insert_with(|| Box::new(fault));
            return;
        }
    };
    read.left_out.push(LeftOut { kept, why: fault });
}

/// What can be read of a row.
#[derive(Default)]
struct Read<'r> {
    line: u64,
    cells: Cells<'r>,
    claims: Claims<'r>,
    /// Why the row is in dispute.
    fault: Option<Box<Reject>>,
    left_out: Vec<LeftOut>,
}

impl Read<'_> {
    /// Says what the row says: the entity's own last, after what else it is that there is.
    #[inline]
    fn say(&mut self, entity: Entity, emit: &mut Emit<'_>) -> ControlFlow<()> {
        let Self { line, cells, claims, fault, left_out } = self;
        let mut flow = ControlFlow::Continue(());
        entity.of_cells(cells, &mut |body| {
            let mut draft = draft(*line, body);
            if draft.body.entity() == entity {
                draft.claims = std::mem::take(claims);
                draft.fault = fault.take();
                draft.left_out = std::mem::take(left_out);
            } else if matches!(draft.body, Body::Student(_)) && !left_out.is_empty() {
                draft.left_out = names(left_out);
            }
            if flow.is_continue() {
                flow = emit(Item::Draft(draft));
            }
        });
        flow
    }
}

fn draft(row: u64, body: Body<'_>) -> Draft<'_> {
    let (status, claims, left_out) = (Status::Active, Claims::default(), Vec::new());
    Draft { file: None, row, status, claims, body, fault: None, left_out }
}

/// Takes out what says how a student is called: it is left out of the student, the given name's first.
#[cold]
fn names(left_out: &mut Vec<LeftOut>) -> Vec<LeftOut> {
    left_out.extract_if(.., |one| one.kept.is_none()).collect::<Vec<_>>().into_iter().rev().collect()
}
