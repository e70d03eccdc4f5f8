//! The migrations that a build carries: every file below `migrations/`, by name.
//!
//! sqlx's own `migrate!` reads the folders by itself, but its macros compile both databases' drivers a second time, for
//! the compiler: a minute of a build's first five.

use std::sync::LazyLock;

use sqlx::SqlSafeStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};

macro_rules! migrations {
    ($folder:literal: $($name:literal),+ $(,)?) => {
        LazyLock::new(|| {
            migrator(&[$(
                ($name, include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/", $folder, "/", $name, ".sql")))
            ),+])
        })
    };
}

pub(crate) static SQLITE_LOG: LazyLock<Migrator> = migrations!("sqlite/log": "0001_log");

pub(crate) static SQLITE_STATE: LazyLock<Migrator> = migrations!(
    "sqlite/state":
    "0001_state",
    "0002_resending",
    "0003_cards",
    "0004_outbox_tallies",
    "0005_amendments",
    "0006_not_sent",
);

pub(crate) static SQLITE_FEEDS: LazyLock<Migrator> = migrations!(
    "sqlite/feeds":
    "0001_feeds",
    "0002_holders",
    "0003_unsent",
    "0004_highest_revision",
    "0005_marks",
    "0006_hold_state",
);

#[cfg(feature = "postgres")]
pub(crate) static POSTGRES: LazyLock<Migrator> = migrations!(
    "postgres":
    "0001_state",
    "0002_feeds",
    "0003_holders",
    "0004_outbox_front",
    "0005_unsent",
    "0006_highest_revision",
    "0007_marks",
    "0008_resending",
    "0009_hold_state",
    "0010_cards",
    "0011_outbox_tallies",
    "0012_amendments",
    "0013_not_sent",
);

/// Of `("0001_state", SQL)`.
///
/// # Panics
/// If a name does not begin with its number.
fn migrator(files: &[(&'static str, &'static str)]) -> Migrator {
    Migrator::with_migrations(files.iter().map(|(name, sql)| migration(name, sql)).collect())
}

fn migration(name: &'static str, sql: &'static str) -> Migration {
    let (version, description) = name.split_once('_').expect("a number, an underscore and what it does");
    let version = version.parse().expect("a migration's name begins with its number");
    let description = description.replace('_', " ").into();
    Migration::new(version, description, MigrationType::Simple, sql.into_sql_str(), false)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::Migrator;

    /// A file that nobody named would never run.
    #[test]
    fn every_file_is_named() {
        for (folder, migrator) in [
            ("sqlite/log", &super::SQLITE_LOG),
            ("sqlite/state", &super::SQLITE_STATE),
            ("sqlite/feeds", &super::SQLITE_FEEDS),
            #[cfg(feature = "postgres")]
            ("postgres", &super::POSTGRES),
        ] {
            assert_eq!(names(migrator), files(folder), "{folder}");
        }
    }

    fn names(migrator: &Migrator) -> Vec<String> {
        let name = |migration: &super::Migration| {
            format!("{:04}_{}.sql", migration.version, migration.description.replace(' ', "_"))
        };
        migrator.iter().map(name).collect()
    }

    fn files(folder: &str) -> Vec<String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(folder);
        let entries = fs::read_dir(&folder).expect("the folder of migrations");
        let mut names: Vec<String> =
            entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8")).collect();
        names.sort();
        names
    }
}
