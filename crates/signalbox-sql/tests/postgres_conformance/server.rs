//! A schema for each test on the server that the environment names.

use std::io::Write;
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use signalbox_sql::postgres::{Database, Options, connect, migrate};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// Made for one test and dropped after it.
pub(crate) struct Schema {
    server: String,
    name: String,
}

impl Schema {
    /// A schema with all tables; `None` without a server.
    pub(crate) async fn fresh() -> Option<Self> {
        let schema = Self::empty(&server()?).await;
        migrate(&schema.url()).await.expect("migrates");
        Some(schema)
    }

    /// The name of a schema that is not there, on `server`.
    pub(crate) async fn empty(server: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let schema = Self { server: server.to_owned(), name };
        schema.drop_tables().await;
        schema
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn url(&self) -> String {
        with_parameter(&self.server, "schema", &self.name)
    }

    /// Connections that are called as the schema is.
    pub(crate) fn options(&self) -> Options {
        Options { application_name: self.name.clone(), ..few_connections() }
    }

    /// A pool of its own: what another process would have.
    pub(crate) async fn database(&self) -> Database {
        connect(&self.url(), &self.options()).await.expect("connects")
    }

    /// A plain connection, for what no store would do.
    pub(crate) async fn connection(&self) -> PgConnection {
        let url = with_parameter(&self.server, "options[search_path]", &self.name);
        PgConnection::connect(&url).await.expect("connects")
    }

    /// Waits until a session of this schema waits for the lock of a lease, and answers its process id.
    pub(crate) async fn waits_for_a_lease(&self) -> i32 {
        let mut connection = self.connection().await;
        for _ in 0..500 {
            let waiting: Option<i32> = sqlx::query_scalar(
                "SELECT waiting.pid FROM pg_stat_activity AS waiting
                 WHERE wait_event_type = 'Lock' AND EXISTS (
                     SELECT FROM pg_locks JOIN pg_class ON relation = pg_class.oid
                     WHERE pg_locks.pid = waiting.pid AND relname IN ('lease', 'feed')
                       AND relnamespace = current_schema()::regnamespace)",
            )
            .fetch_optional(&mut connection)
            .await
            .expect("looks");
            if let Some(session) = waiting {
                return session;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("nobody waits for a lease");
    }

    async fn drop_tables(&self) {
        let mut connection = PgConnection::connect(&self.server).await.expect("connects");
        // A transaction that a test dropped last is rolled back by the test's runtime, which may not run any more.
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1";
        sqlx::query(end).bind(&self.name).execute(&mut connection).await.expect("ends its sessions");
        let drop = format!("SET client_min_messages = warning; DROP SCHEMA IF EXISTS {} CASCADE", self.name);
        sqlx::raw_sql(AssertSqlSafe(drop)).execute(&mut connection).await.expect("drops the schema");
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        // A test that failed leaves its tables to be looked at.
        if std::thread::panicking() {
            return;
        }
        let drop_tables = || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("builds a runtime").block_on(self.drop_tables());
        };
        // The test's own runtime cannot wait here.
        std::thread::scope(|scope| scope.spawn(drop_tables).join().expect("drops the schema"));
    }
}

/// Short of connections, so that tests run beside each other, and quick to say that a server is away.
pub(crate) fn few_connections() -> Options {
    Options { connections: 4, acquire_timeout: Duration::from_secs(3), ..Options::default() }
}

/// The URL of the server, or a loud word that there is none.
pub(crate) fn server() -> Option<String> {
    static SAID: Once = Once::new();
    let server = std::env::var("SIGNALBOX_TEST_POSTGRES").ok().filter(|url| !url.is_empty());
    if server.is_none() {
        SAID.call_once(|| {
            let say = "\n!! SKIPPED: every PostgreSQL test. Start a server and run them again:\n\
                       !!   eval \"$(scripts/postgres start)\"\n\n";
            // Written past what the test runner captures.
            std::io::stderr().write_all(say.as_bytes()).expect("stderr takes it");
        });
    }
    server
}

pub(crate) fn with_parameter(url: &str, name: &str, value: &str) -> String {
    let joint = if url.contains('?') { '&' } else { '?' };
    format!("{url}{joint}{name}={value}")
}
