//! `signalbox migrate`: the tables that the hub needs in PostgreSQL.

use std::io::{self, Write};

use secrecy::ExposeSecret;
use serde::Serialize;
use signalbox_sql::postgres;

use super::load;
use crate::cli::{Global, Output};
use crate::config::Backing;
use crate::exit::{Done, Failure};
use crate::open::servers::database_url;
use crate::screen;

/// What was made. Nothing is ever changed in place or refused by half: a migration runs whole or not at all.
#[derive(Debug, Default, Serialize)]
struct Migrated {
    create: Vec<String>,
    change: Vec<String>,
    ok: Vec<String>,
    refuse: Vec<String>,
}

pub(super) async fn run(out: &mut dyn Write, global: &Global) -> Result<Done, Failure> {
    let config = load(global)?.config;
    let (migrated, schema) = match &config.backing {
        Backing::Embedded => (Migrated::default(), None),
        Backing::Servers(servers) => {
            let url = database_url(servers, &config.base)?;
            let done = postgres::migrate(url.expose_secret()).await?;
            let migrated = Migrated { create: done.missing, ok: done.applied, ..Migrated::default() };
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
    writeln!(out, "{} migrations were there already.", migrated.ok.len())
}
