//! `signalbox migrate`: the tables that the hub needs in PostgreSQL, and the way there from an embedded hub.

use std::io::{self, Write};

use secrecy::ExposeSecret;
use serde::Serialize;
use signalbox_connector::words::{counted, plural};
use signalbox_sql::postgres;

use super::load;
use crate::cli::{Global, Migrate, Output};
use crate::config::Backing;
use crate::exit::{Done, Failure};
use crate::open::moving::{self, Moved};
use crate::open::servers::database_url;
use crate::screen;

/// What was made. Nothing is ever changed in place or refused by half: a migration runs whole or not at all.
#[derive(Debug, Default, Serialize)]
struct Migrated {
    create: Vec<String>,
    change: Vec<String>,
    ok: Vec<String>,
    refuse: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    moved: Option<Moved>,
}

pub(super) async fn run(out: &mut dyn Write, global: &Global, args: &Migrate) -> Result<Done, Failure> {
    let config = load(global)?.config;
    let (migrated, schema) = match &config.backing {
        Backing::Embedded => (Migrated::default(), None),
        Backing::Servers(servers) => {
            let url = database_url(servers, &config.base)?;
            let done = postgres::migrate(url.expose_secret()).await?;
            let moved = match &args.from {
                Some(from) => Some(moving::from(servers, &config.base, from).await?),
                None => None,
            };
            let migrated = Migrated { create: done.missing, ok: done.applied, moved, ..Migrated::default() };
            (migrated, Some(done.schema))
        }
    };
    match global.output {
        Output::Json => screen::json(out, &migrated)?,
        Output::Text => text(out, &migrated, schema.as_deref())?,
    }
    Ok(Done::Ok)
}

fn text(out: &mut dyn Write, migrated: &Migrated, schema: Option<&str>) -> io::Result<()> {
    let Some(schema) = schema else {
        return writeln!(out, "This hub is embedded: it makes its tables by itself.");
    };
    for migration in &migrated.create {
        writeln!(out, "made {migration} in schema {schema}")?;
    }
    let there = counted(migrated.ok.len() as u64, "migration was", "migrations were");
    writeln!(out, "{there} there already.")?;
    let Some(moved) = &migrated.moved else { return Ok(()) };
    let (events, rows) = (plural(moved.events, "event"), plural(moved.rows, "row"));
    writeln!(out, "Moved {events} and {rows} of tables. Next: signalbox up")
}
