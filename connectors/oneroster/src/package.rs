//! A zip from outside, which is not trusted: neither its names nor the sizes it declares.

mod limit;

use std::collections::BTreeMap;
use std::io::Read;

use signalbox_connector::delimited::{Format, Reader};
use signalbox_connector::{ReadSeek, Refusal, RejectCode};
use zip::ZipArchive;
use zip::read::ZipFileEntry;
use zip::result::ZipError;
use zip::unstable::read::ZipIterable;

use self::limit::Limited;

/// OneRoster has about twenty files.
const MAX_ENTRIES: usize = 200;

/// The largest file inside, unpacked.
const MAX_FILE_BYTES: u64 = 2 << 30;

/// All files inside, unpacked.
const MAX_TOTAL_BYTES: u64 = 8 << 30;

/// CSV shrinks to a tenth or, at the most repetitive, a hundredth; a file that grows more is a bomb.
const MAX_RATIO: u64 = 200;

/// Below this a ratio says nothing.
const MAX_UNRATED_BYTES: u64 = 10 << 20;

/// The files that are opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum FileName {
    Manifest,
    AcademicSessions,
    Orgs,
    Roles,
    Users,
    Classes,
    Enrollments,
}

impl FileName {
    pub(crate) const ALL: [Self; 7] = [
        Self::Manifest,
        Self::AcademicSessions,
        Self::Orgs,
        Self::Roles,
        Self::Users,
        Self::Classes,
        Self::Enrollments,
    ];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Manifest => "manifest.csv",
            Self::AcademicSessions => "academicSessions.csv",
            Self::Orgs => "orgs.csv",
            Self::Roles => "roles.csv",
            Self::Users => "users.csv",
            Self::Classes => "classes.csv",
            Self::Enrollments => "enrollments.csv",
        }
    }

    /// The file of that name; Windows exports differ in upper and lower case.
    pub(crate) fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|file| file.as_str().eq_ignore_ascii_case(name))
    }
}

/// A zip whose list of files was checked.
pub(crate) struct Package<'p> {
    archive: ZipArchive<&'p mut dyn ReadSeek>,
    /// Where each file that is opened stands in the zip.
    files: BTreeMap<FileName, usize>,
}

impl<'p> Package<'p> {
    /// Reads the list of files, and refuses the zip if it is not safe to open.
    pub(crate) fn open(payload: &'p mut dyn ReadSeek) -> Result<Self, Refusal> {
        // How many there are stands at its end; only then is room made for them.
        let declared = ZipIterable::try_new(&mut *payload, zip::read::Config::default());
        let files = declared.map_err(|error| unreadable(None, &plain(&error)))?.len();
        if files > MAX_ENTRIES {
            return Err(unsafe_archive(None, &format!("{files} files; at most {MAX_ENTRIES} are taken")));
        }
        let mut archive = ZipArchive::new(payload).map_err(|error| unreadable(None, &plain(&error)))?;
        if archive.has_duplicate_names() {
            return Err(unsafe_archive(None, "two files have the same name"));
        }
        if archive.has_overlapping_entries().map_err(|error| unreadable(None, &plain(&error)))? {
            return Err(unsafe_archive(None, "its files overlap"));
        }
        let mut package = Self { archive, files: BTreeMap::new() };
        package.list()?;
        Ok(package)
    }

    pub(crate) fn has(&self, file: FileName) -> bool {
        self.files.contains_key(&file)
    }

    /// Opens a file that is there, hands over its rows' reader, and closes it.
    pub(crate) fn read<T>(
        &mut self,
        file: FileName,
        format: Format,
        read: impl FnOnce(&mut Reader<'_>) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let name = file.as_str();
        let at = *self.files.get(&file).ok_or_else(|| missing(file))?;
        let entry = self.archive.by_index(at).map_err(|error| unreadable(Some(name), &plain(&error)))?;
        let mut limited = Limited::new(MAX_FILE_BYTES, most(entry.compressed_size()), entry);
        let outcome =
            Reader::open(limited.by_ref(), format, Some(name)).and_then(|mut reader| read(&mut reader));
        if limited.exceeded() {
            return Err(unsafe_archive(Some(name), "it unpacks to far more than it declares"));
        }
        outcome
    }

    fn list(&mut self) -> Result<(), Refusal> {
        let mut total_bytes = 0_u64;
        for at in 0..self.archive.len() {
            let entry = self.archive.by_index_data(at).map_err(|error| unreadable(None, &plain(&error)))?;
            let name =
                entry.name().map_err(|_| unsafe_archive(None, "a file's name is not text"))?.into_owned();
            if entry.is_dir() && is_plain(name.trim_end_matches('/')) || name.starts_with("__MACOSX/._") {
                continue;
            }
            check_name(&name)?;
            check_entry(&entry, &name)?;
            total_bytes = total_bytes.saturating_add(entry.size());
            if let Some(file) = FileName::of(&name)
                && self.files.insert(file, at).is_some()
            {
                return Err(unsafe_archive(Some(&name), "two files have the same name"));
            }
        }
        if total_bytes > MAX_TOTAL_BYTES {
            let message = format!("{total_bytes} bytes unpacked; at most {MAX_TOTAL_BYTES} are taken");
            return Err(unsafe_archive(None, &message));
        }
        Ok(())
    }
}

/// How many bytes a file may have that takes so many in the zip.
fn most(compressed_bytes: u64) -> u64 {
    compressed_bytes.saturating_mul(MAX_RATIO).max(MAX_UNRATED_BYTES)
}

fn check_name(name: &str) -> Result<(), Refusal> {
    if is_plain(name) {
        return Ok(());
    }
    if name.split(['/', '\\']).any(|part| part == ".." || part.is_empty() || part.ends_with(':'))
        || name.contains('\0')
    {
        return Err(unsafe_archive(None, "a file's name leads out of the archive"));
    }
    let mut refusal = unsafe_archive(None, "its files lie in a folder; OneRoster has them at the root");
    "Zip the CSV files themselves, not the folder they are in".clone_into(&mut refusal.help);
    Err(refusal)
}

/// A name without folders, drives or control characters.
fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && name != "."
        && name != ".."
        && !name.contains(['/', '\\', ':'])
        && !name.chars().any(char::is_control)
}

/// What the zip declares about a file; what it holds is limited while it is read.
fn check_entry(entry: &ZipFileEntry<'_>, name: &str) -> Result<(), Refusal> {
    if entry.is_symlink() {
        return Err(unsafe_archive(Some(name), "it is a link to another file"));
    }
    if entry.encrypted() {
        let mut refusal = unreadable(Some(name), "it is encrypted");
        "Drop the zip without a password; use a protected way of transport (SFTP) instead"
            .clone_into(&mut refusal.help);
        return Err(refusal);
    }
    if entry.size() > MAX_FILE_BYTES {
        return Err(unsafe_archive(Some(name), "it unpacks to more than 2 GiB"));
    }
    if entry.size() > most(entry.compressed_size()) {
        return Err(unsafe_archive(Some(name), "it unpacks to more than 200 times its size"));
    }
    Ok(())
}

/// The refusal for a file that has to be there.
pub(crate) fn missing(file: FileName) -> Refusal {
    Refusal {
        code: RejectCode::MissingFile,
        file: Some(file.as_str().to_owned()),
        column: None,
        message: format!("{} is not in the package", file.as_str()),
        help: "Export all files of OneRoster CSV at the same time, and drop them together".to_owned(),
    }
}

/// An error of the zip crate without its details, which may hold names from the archive.
fn plain(error: &ZipError) -> String {
    match error {
        ZipError::Io(error) => format!("reading broke off: {}", error.kind()),
        ZipError::UnsupportedArchive(_) | ZipError::CompressionMethodNotSupported(_) => {
            "it is packed in a way that is not supported".to_owned()
        }
        _ => "it is no zip archive, or a damaged one".to_owned(),
    }
}

fn unreadable(file: Option<&str>, message: &str) -> Refusal {
    Refusal {
        code: RejectCode::UnreadableFile,
        file: file.map(str::to_owned),
        column: None,
        message: message.to_owned(),
        help: "Drop a plain zip (deflate, without password), or the bare CSV files in a folder".to_owned(),
    }
}

fn unsafe_archive(file: Option<&str>, message: &str) -> Refusal {
    Refusal {
        code: RejectCode::UnsafeArchive,
        file: file.map(str::to_owned),
        column: None,
        message: message.to_owned(),
        help: "Make a new zip with nothing but the OneRoster CSV files in it; ask who made this one"
            .to_owned(),
    }
}
