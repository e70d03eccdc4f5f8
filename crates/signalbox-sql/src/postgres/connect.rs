//! The URL, what every connection is set to, and the pool.

use std::str::FromStr;
use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use url::Url;

use super::migrate::{self, OpenError};
use super::{PgFeeds, PgState};

/// The schema when the URL names none.
const DEFAULT_SCHEMA: &str = "signalbox";

/// Longer names are cut by PostgreSQL.
pub(super) const MAX_SCHEMA_BYTES: usize = 63;

/// How long a caller waits for a connection, to be made or to come free, before it is `Unavailable`.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// Connections are replaced after this long, so that a server behind a name that moved is found.
const MAX_LIFETIME: Duration = Duration::from_mins(30);

/// What every connection is set to, unless the URL's `options` say otherwise.
const SETTINGS: [(&str, &str); 11] = [
    // Compiling a statement takes longer than running it; some run ten times as long.
    ("jit", "off"),
    // Tables grow from nothing to millions of rows within one load; a plan made while one was empty would read all of it
    // for every row from then on.
    ("enable_seqscan", "off"),
    // An outbox entry that was sent must not be taken back by a crash of the server.
    ("synchronous_commit", "on"),
    // A statement after a lock must see what the lock waited for.
    ("default_transaction_isolation", "read committed"),
    // Longer than any statement here takes.
    ("statement_timeout", "120s"),
    // Longer than any transaction here takes.
    ("lock_timeout", "30s"),
    // A process that stopped in the middle of a batch (a paused machine) must not keep its successor out.
    ("idle_in_transaction_session_timeout", "60s"),
    // The server finds a vanished client after half a minute, and lets its locks go.
    ("tcp_keepalives_idle", "15"),
    ("tcp_keepalives_interval", "5"),
    ("tcp_keepalives_count", "3"),
    ("client_min_messages", "warning"),
];

/// How a process uses the database.
#[derive(Debug, Clone)]
pub struct Options {
    /// Connections at most. A shard being written, a feed being read in and a look-up hold one each.
    pub connections: u32,
    /// How long a call waits for a connection, also while the server is away, before it is `Unavailable`.
    pub acquire_timeout: Duration,
    /// What the connections are called in `pg_stat_activity`.
    pub application_name: String,
}

impl Default for Options {
    fn default() -> Self {
        Self { connections: 8, acquire_timeout: ACQUIRE_TIMEOUT, application_name: "signalbox".into() }
    }
}

/// A schema that is as this version needs it, and a pool of connections to it.
#[derive(Debug, Clone)]
pub struct Database {
    pool: PgPool,
}

impl Database {
    /// States and the outbox.
    pub fn state(&self) -> PgState {
        PgState { engine: self.pool.clone() }
    }

    /// Feeds.
    pub fn feeds(&self) -> PgFeeds {
        PgFeeds { engine: self.pool.clone() }
    }

    /// Gives the connections back to the server. Calls after it are `Unavailable`.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// Connects to `url`, `postgres://user:password@host:port/database`, with the parameters that libpq knows
/// (`sslmode=verify-full`, `options=-c%20statement_timeout=5min`) and `schema`.
///
/// The schema is the URL's `schema`, else the first of its `search_path` option, else `signalbox`. A server
/// that does not answer within the acquire timeout, and a schema that is not migrated or is newer, are errors.
pub async fn connect(url: &str, options: &Options) -> Result<Database, OpenError> {
    let place = Place::parse(url)?;
    let database = open(&place, options).await?;
    migrate::check(&mut *database.pool.acquire().await?, &place.schema).await?;
    Ok(database)
}

/// Where the server of `url` is, for people: `host:port`, or the folder of its socket. Nothing else of the URL.
pub fn address(url: &str) -> Result<String, OpenError> {
    let place = Place::parse(url)?;
    Ok(match place.options.get_socket() {
        Some(folder) => folder.display().to_string(),
        None => format!("{}:{}", place.options.get_host(), place.options.get_port()),
    })
}

/// The pool, whatever the schema holds.
pub(super) async fn open(place: &Place, options: &Options) -> Result<Database, OpenError> {
    let pool = PgPoolOptions::new()
        .max_connections(options.connections)
        .acquire_timeout(options.acquire_timeout)
        .max_lifetime(MAX_LIFETIME)
        .connect_with(place.options.clone().application_name(&options.application_name))
        .await?;
    Ok(Database { pool })
}

/// Where a hub's tables are.
pub(super) struct Place {
    pub(super) options: PgConnectOptions,
    pub(super) schema: String,
}

impl Place {
    pub(super) fn parse(url: &str) -> Result<Self, OpenError> {
        let mut url = Url::parse(url).map_err(|error| OpenError::Url(error.to_string()))?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return Err(OpenError::Url("it must begin with postgres://".into()));
        }
        let schema = take_parameter(&mut url, "schema");
        let options = PgConnectOptions::from_str(url.as_str())?;
        let theirs = options.get_options().unwrap_or_default().to_owned();
        let schema = schema.or_else(|| search_path(&theirs)).unwrap_or_else(|| DEFAULT_SCHEMA.into());
        if !is_schema(&schema) {
            return Err(OpenError::Url(format!(
                "schema {schema:?} must be of a-z, 0-9 and _, not begin with a digit or pg_, and be {MAX_SCHEMA_BYTES} bytes at most"
            )));
        }
        let ours = SETTINGS.into_iter().filter(|(name, _)| !theirs.contains(&format!("{name}=")));
        let options = options.options(ours).options([("search_path", &schema)]).disable_statement_logging();
        Ok(Self { options, schema })
    }

    /// Another schema of the same database.
    pub(super) fn beside(&self, schema: String) -> Self {
        // Of two settings of one name the server takes the last.
        Self { options: self.options.clone().options([("search_path", &schema)]), schema }
    }
}

/// Takes a parameter out of a URL's query.
fn take_parameter(url: &mut Url, name: &str) -> Option<String> {
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let (taken, left): (Vec<_>, Vec<_>) = pairs.into_iter().partition(|(key, _)| key == name);
    url.set_query(None);
    if !left.is_empty() {
        url.query_pairs_mut().extend_pairs(left);
    }
    taken.into_iter().next_back().map(|(_, value)| value)
}

/// The first schema of the `search_path` in startup options.
fn search_path(options: &str) -> Option<String> {
    let (_, path) = options.split_once("search_path=")?;
    let first = path.split([',', ' ', '\\']).next()?.trim_matches('"');
    (!first.is_empty()).then(|| first.to_owned())
}

/// A name that is the same quoted and not.
fn is_schema(name: &str) -> bool {
    let bytes = name.as_bytes();
    bytes.first().is_some_and(|first| !first.is_ascii_digit())
        && bytes.iter().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
        && !name.starts_with("pg_")
        && bytes.len() <= MAX_SCHEMA_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(url: &str) -> String {
        Place::parse(url).expect("parses").schema
    }

    #[test]
    fn the_schema_comes_from_the_url() {
        assert_eq!(schema("postgres://me@db/hub"), "signalbox");
        assert_eq!(schema("postgres://me@db/hub?schema=lakeview&sslmode=require"), "lakeview");
        assert_eq!(schema("postgres://me@db/hub?options=-c%20search_path=oak,public"), "oak");
        assert_eq!(schema("postgresql://me@db/hub?options[search_path]=elm"), "elm");
        assert_eq!(schema("postgres://me@db/hub?options=-c%20search_path=oak&schema=elm"), "elm");
    }

    #[test]
    fn our_schema_is_the_only_one_searched() {
        let place = Place::parse("postgres://me@db/hub?options=-c%20search_path=oak,public").expect("parses");
        let options = place.options.get_options().expect("are there");
        assert!(options.ends_with("-c search_path=oak"), "{options}");
    }

    #[test]
    fn the_urls_settings_win() {
        let place = Place::parse("postgres://me@db/hub?options=-c%20statement_timeout=5min").expect("parses");
        let options = place.options.get_options().expect("are there");
        assert!(options.contains("statement_timeout=5min") && !options.contains("120s"), "{options}");
        assert!(options.contains("jit=off"), "{options}");
    }

    #[test]
    fn names_that_need_quoting_and_other_databases_are_refused() {
        for wrong in ["Lakeview", "9th", "a b", "a\"b", "", "pg_hub", &"x".repeat(64)] {
            let url = format!("postgres://me@db/hub?schema={wrong}");
            assert!(matches!(Place::parse(&url), Err(OpenError::Url(_))), "{wrong}");
        }
        for wrong in ["mysql://me@db/hub", "not a url"] {
            assert!(matches!(Place::parse(wrong), Err(OpenError::Url(_))), "{wrong}");
        }
    }

    #[test]
    fn an_address_is_no_more_than_that() {
        let address = |url| address(url).expect("parses");
        assert_eq!(address("postgres://me:hunter2@db:6432/hub?schema=oak"), "db:6432");
        assert_eq!(address("postgres://me:hunter2@db/hub"), "db:5432");
        assert_eq!(address("postgres://me:hunter2@localhost/hub?host=/run/postgresql"), "/run/postgresql");
    }

    #[test]
    fn an_error_does_not_repeat_the_password() {
        let error = Place::parse("postgres://me:hunter2@db:port/hub").err().expect("is refused");
        assert!(!format!("{error:?}").contains("hunter2"));
    }
}
