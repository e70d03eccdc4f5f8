//! `manifest.csv`: which version it is, and which files are bulk, delta or absent.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use signalbox_connector::delimited::{Format, Header};
use signalbox_connector::{Refusal, RejectCode};

use crate::package::{FileName, Package, missing};

/// What the package says of itself.
#[derive(Debug)]
pub(crate) struct Manifest {
    /// Where it says who is a student.
    pub(crate) roles: Roles,
    modes: BTreeMap<FileName, Mode>,
}

/// Where a user's role stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Roles {
    /// OneRoster 1.1: in `users.csv`. Packages of 1.2 without `roles.csv` that still carry it, too.
    Users,
    /// OneRoster 1.2: in `roles.csv`.
    RolesFile,
}

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Everything: what is missing is gone.
    Bulk,
    /// What changed.
    Delta,
    /// The package says nothing about it.
    Absent,
}

/// The files that a package has unless its manifest says that they are absent.
const REQUIRED: [FileName; 5] =
    [FileName::AcademicSessions, FileName::Orgs, FileName::Users, FileName::Classes, FileName::Enrollments];

impl Manifest {
    /// Reads the manifest. Without one, all files are bulk and the headers tell the version.
    pub(crate) fn read(package: &mut Package<'_>, format: Format) -> Result<Self, Refusal> {
        let properties =
            if package.has(FileName::Manifest) { properties(package, format)? } else { BTreeMap::new() };
        check_version(&properties)?;
        let users = users_header(package, format)?;
        users.as_ref().map_or(Ok(()), refuse_school_data_sync)?;
        let mut modes = BTreeMap::new();
        for file in FileName::ALL {
            modes.insert(file, mode(&properties, package, file)?);
        }
        let has_role = users.is_some_and(|header| header.has("role"));
        let roles = roles(modes[&FileName::Users], modes[&FileName::Roles], has_role)?;
        Ok(Self { roles, modes })
    }

    pub(crate) fn mode(&self, file: FileName) -> Mode {
        self.modes[&file]
    }

    /// Whether a row that is not in the file does not exist.
    pub(crate) fn is_whole(&self, file: FileName) -> bool {
        self.mode(file) == Mode::Bulk
    }
}

/// The header tells 1.1 from 1.2, and OneRoster from what looks like it.
fn users_header(package: &mut Package<'_>, format: Format) -> Result<Option<Header>, Refusal> {
    if !package.has(FileName::Users) {
        return Ok(None);
    }
    package.read(FileName::Users, format, |reader| Ok(Some(reader.header().clone())))
}

fn roles(users: Mode, roles: Mode, users_has_role: bool) -> Result<Roles, Refusal> {
    match (users, roles) {
        (Mode::Absent, _) => Ok(Roles::Users),
        (_, Mode::Bulk | Mode::Delta) => Ok(Roles::RolesFile),
        (_, Mode::Absent) if users_has_role => Ok(Roles::Users),
        (_, Mode::Absent) => Err(missing(FileName::Roles)),
    }
}

/// Microsoft's School Data Sync 2.1 looks like OneRoster 1.2, but says neither which rows are gone nor which dates an
/// enrolment has.
fn refuse_school_data_sync(users: &Header) -> Result<(), Refusal> {
    if !users.has("sourcedId") || users.has("status") || users.has("enabledUser") {
        return Ok(());
    }
    Err(Refusal {
        code: RejectCode::UnreadableFile,
        file: Some(FileName::Users.as_str().to_owned()),
        column: None,
        message: "this looks like Microsoft School Data Sync 2.1, not OneRoster: users.csv has neither status nor enabledUser"
            .to_owned(),
        help: "Export OneRoster 1.1 or 1.2 CSV from the student information system instead; enrolments can also come by a csv feed"
            .to_owned(),
    })
}

fn properties(package: &mut Package<'_>, format: Format) -> Result<BTreeMap<String, String>, Refusal> {
    package.read(FileName::Manifest, format, |reader| {
        let [name, value] = reader.header().columns(["propertyName", "value"])?;
        let mut properties = BTreeMap::new();
        let mut broken = None;
        let _flow = reader.rows(|row| {
            let property = row
                .map_err(|misread| misread.reject)
                .and_then(|row| Ok((row.text(name)?.to_owned(), row.text(value)?.to_owned())));
            match property {
                Ok((name, value)) => {
                    properties.insert(name, value);
                    ControlFlow::Continue(())
                }
                Err(reject) => {
                    broken = reject.row;
                    ControlFlow::Break(())
                }
            }
        })?;
        match broken {
            Some(line) => Err(refuse(&format!("line {line} is no property and value"))),
            None => Ok(properties),
        }
    })
}

fn check_version(properties: &BTreeMap<String, String>) -> Result<(), Refusal> {
    match properties.get("oneroster.version").map(String::as_str) {
        None | Some("1.1" | "1.2" | "1.2.1") => Ok(()),
        Some(_) => Err(refuse("oneroster.version is neither 1.1 nor 1.2")),
    }
}

fn mode(
    properties: &BTreeMap<String, String>,
    package: &Package<'_>,
    file: FileName,
) -> Result<Mode, Refusal> {
    let name = file.as_str().trim_end_matches(".csv");
    let said = properties.get(&format!("file.{name}")).map(|mode| mode.to_ascii_lowercase());
    let mode = match said.as_deref() {
        Some("absent") => return Ok(Mode::Absent),
        Some("delta") => Mode::Delta,
        Some("bulk") => Mode::Bulk,
        Some(_) => return Err(refuse(&format!("file.{name} is none of absent, bulk, delta"))),
        None if package.has(file) || REQUIRED.contains(&file) => Mode::Bulk,
        None => return Ok(Mode::Absent),
    };
    if package.has(file) { Ok(mode) } else { Err(missing(file)) }
}

fn refuse(message: &str) -> Refusal {
    Refusal {
        code: RejectCode::UnreadableFile,
        file: Some(FileName::Manifest.as_str().to_owned()),
        column: None,
        message: message.to_owned(),
        help: "Export the package again; OneRoster 1.1 and 1.2 CSV are read".to_owned(),
    }
}
