//! The files of a package, one after the other: what a row points to is read before it.

mod classes;
mod enrollments;
mod known;
mod orgs;
mod rows;
mod sessions;
mod users;

use std::ops::ControlFlow;

use signalbox_connector::delimited::Format;
use signalbox_connector::{AbsentRows, Contents, CoveredThrough, Covers, Entity, Extent, Item, Refusal};

use self::known::Known;
use crate::manifest::{Manifest, Mode};
use crate::package::{FileName, Package};

/// What the runtime hears of each row.
type Emit<'e> = dyn FnMut(Item<'_>) -> ControlFlow<()> + 'e;

/// A package on its way through.
struct Roster<'r, 'p, 'e> {
    package: &'r mut Package<'p>,
    format: Format,
    manifest: &'r Manifest,
    known: Known,
    emit: &'r mut Emit<'e>,
}

pub(crate) fn read(
    package: &mut Package<'_>,
    format: Format,
    emit: &mut Emit<'_>,
) -> Result<Contents, Refusal> {
    let manifest = Manifest::read(package, format)?;
    let mut roster = Roster { package, format, manifest: &manifest, known: Known::default(), emit };
    for step in [sessions::read, orgs::read, users::read_roles, users::read, classes::read, enrollments::read]
    {
        // A caller that breaks has had enough: what was read so far stands.
        if step(&mut roster)?.is_break() {
            break;
        }
    }
    Ok(Contents { extents: extents(&manifest) })
}

fn extents(manifest: &Manifest) -> Vec<Extent> {
    let files = [
        (Entity::School, FileName::Orgs),
        (Entity::Student, FileName::Users),
        (Entity::Enrollment, FileName::Enrollments),
    ];
    files.into_iter().filter_map(|(entity, file)| extent(entity, manifest.mode(file))).collect()
}

fn extent(entity: Entity, mode: Mode) -> Option<Extent> {
    let (covers, absent_rows) = match mode {
        Mode::Bulk => (Covers::SchoolYear, AbsentRows::End),
        Mode::Delta => (Covers::OwnRows, AbsentRows::Keep),
        Mode::Absent => return None,
    };
    Some(Extent { entity, covers, absent_rows, rows: None, covered_through: CoveredThrough::LatestRow })
}
