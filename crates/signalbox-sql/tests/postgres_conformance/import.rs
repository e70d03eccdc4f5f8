//! From a hub on SQLite to one on PostgreSQL.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signalbox_sql::postgres::{ImportError, Imported, OpenError, import};
use signalbox_sql::sqlite::{SqliteFeeds, SqliteState};
use signalbox_store::feed::{CrosswalkRow, Named, Term};
use signalbox_store::outbox::{EntryState, Settled};
use signalbox_store::state::Batch;
use signalbox_store::{FeedStore, Outbox, StateStore};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, SqliteConnection};
use tempfile::TempDir;

use crate::batches::step;
use crate::filled::{feeds_of, fill_feeds, fill_states, in_flight, raised_epochs, states_of};
use crate::server::{Schema, server};

/// Columns that stay behind: who was at work in the old hub is not in the new one.
const LEFT_BEHIND: [&str; 3] = ["feed.held_until_ms", "feed.holder", "outbox.claimed_until_ms"];

/// A hub's files.
struct Old {
    dir: TempDir,
}

impl Old {
    /// With tables and no rows.
    async fn empty() -> Self {
        let old = Self { dir: TempDir::new().expect("makes a directory") };
        old.stores().await;
        old
    }

    async fn filled() -> Self {
        let old = Self::empty().await;
        let (feeds, states) = old.stores().await;
        fill_feeds(&feeds).await;
        fill_states(&states).await;
        old
    }

    fn path(&self, file: &str) -> PathBuf {
        self.dir.path().join(file)
    }

    async fn stores(&self) -> (SqliteFeeds, SqliteState) {
        let feeds = SqliteFeeds::open(&self.path("feeds.db")).await.expect("opens");
        (feeds, SqliteState::open(&self.path("state.db")).await.expect("opens"))
    }

    async fn change(&self, file: &str, statement: &'static str) {
        let options = SqliteConnectOptions::new().filename(self.path(file));
        let mut connection: SqliteConnection = options.connect().await.expect("opens");
        let done = sqlx::query(statement).execute(&mut connection).await.expect("changes");
        assert_eq!(done.rows_affected(), 1);
        connection.close().await.expect("closes");
    }

    async fn import(&self, schema: &Schema) -> Result<Imported, ImportError> {
        import(&schema.url(), &self.path("feeds.db"), &self.path("state.db"), |_, _| {}).await
    }
}

#[tokio::test]
async fn what_is_imported_equals() {
    let Some(schema) = Schema::fresh().await else { return };
    let old = Old::filled().await;
    let mut progress: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    let tell = |table: &str, rows| progress.entry(table.to_owned()).or_default().push(rows);
    let imported = import(&schema.url(), &old.path("feeds.db"), &old.path("state.db"), tell).await.unwrap();

    let (old_feeds, old_states) = old.stores().await;
    let own = schema.database().await;
    let mut expected = feeds_of(&old_feeds).await;
    assert!(expected.rows.iter().all(|row| row.holder.as_deref() == Some("embedded")));
    for row in &mut expected.rows {
        (row.holder, row.held_until_ms) = (None, None);
    }
    assert_eq!(feeds_of(&own.feeds()).await, expected);
    assert_eq!(states_of(&own.state()).await, states_of(&old_states).await);

    assert_counts(&schema, &imported, &progress).await;
    assert_eq!(columns_without_values(&schema).await, LEFT_BEHIND);
    let raised = raised_epochs(&own.feeds(), &own.state()).await;
    assert_eq!(raised, raised_epochs(&old_feeds, &old_states).await, "raised from the same");
}

#[tokio::test]
async fn an_imported_hub_goes_on() {
    let Some(schema) = Schema::fresh().await else { return };
    let old = Old::filled().await;
    old.import(&schema).await.unwrap();
    let own = schema.database().await;
    let (feeds, states) = (own.feeds(), own.state());

    let term = Term { holder: "a process", now_ms: 0, until_ms: 100 };
    let lease = feeds.lease("attendance", term).await.unwrap().expect("its holder stayed behind");
    let open = feeds.open(&lease).await.unwrap().expect("is still open");
    assert_eq!(open.gated.as_deref(), Some(r#"{"add":3}"#));
    feeds.lease("a new one", term).await.unwrap().expect("has a number of its own");

    let before = states_of(&states).await;
    let lapsed = in_flight(&before);
    assert_eq!((lapsed.state, lapsed.attempts), (EntryState::Pending, 1));
    let claims = states.claim("hook", 11, 60_000, 9).await.unwrap();
    let claim = claims.iter().find(|claim| claim.entry.id == lapsed.id).expect("may be claimed at once");
    assert_eq!(claim.entry.attempts, 2);
    assert!(states.settle(claim, Settled::Delivered, None).await.unwrap());

    let last = before.entries.last().expect("has entries").seq;
    let lease = states.acquire("a new one", 0).await.unwrap();
    states.commit(&lease, &long_step(0)).await.unwrap();
    let new = states.entries(last, 9).await.unwrap();
    assert_eq!(new.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [last + 1]);
}

/// States, outbox and positions are written together, so whatever the moment, the import has them together. A file in
/// use has its last commits beside it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_in_use_is_read_as_of_one_moment() {
    let Some(schema) = Schema::fresh().await else { return };
    let old = Old::empty().await;
    let (_, states) = old.stores().await;
    let lease = states.acquire("risk@1", 0).await.unwrap();
    for at in 0..500 {
        states.commit(&lease, &long_step(at)).await.unwrap();
    }
    let done = Arc::new(AtomicBool::new(false));
    let writing = tokio::spawn({
        let done = done.clone();
        async move {
            let mut at = 500;
            while !done.load(Ordering::Relaxed) {
                states.commit(&lease, &long_step(at)).await.unwrap();
                at += 1;
            }
            at
        }
    });
    let imported = old.import(&schema).await;
    done.store(true, Ordering::Relaxed);
    let written = writing.await.unwrap();
    imported.unwrap();

    let own = schema.database().await.state();
    let next = own.positions("risk@1", 0).await.unwrap()[0].next;
    assert!(500 <= next && next < written, "{next} of {written}");
    assert_eq!(own.scan("risk@1", 0, None, usize::MAX).await.unwrap().len() as u64, next);
    assert_eq!(own.entries(0, usize::MAX).await.unwrap().len() as u64, next);
}

/// A hub that was killed leaves its last commits beside its files.
#[tokio::test]
async fn what_a_killed_hub_committed_is_imported() {
    let Some(schema) = Schema::fresh().await else { return };
    let (old, killed) = (Old::empty().await, Old { dir: TempDir::new().expect("makes a directory") });
    let (_feeds, states) = old.stores().await;
    let lease = states.acquire("risk@1", 0).await.unwrap();
    states.commit(&lease, &long_step(0)).await.unwrap();
    for file in ["feeds.db", "feeds.db-wal", "state.db", "state.db-wal"] {
        std::fs::copy(old.path(file), killed.path(file)).unwrap();
    }
    killed.import(&schema).await.unwrap();
    let own = schema.database().await.state();
    assert_eq!(own.positions("risk@1", 0).await.unwrap()[0].next, 1);
}

#[tokio::test]
async fn a_schema_that_holds_anything_is_refused() {
    if server().is_none() {
        return;
    }
    let old = Old::empty().await;
    for (statement, holds) in [
        ("INSERT INTO feed (name, epoch) VALUES ('sis', 1)", "feed"),
        ("INSERT INTO state VALUES (1, 0, '', '', NULL)", "state"),
        ("INSERT INTO consumer (name) VALUES ('risk@1')", "consumer"),
        (
            "INSERT INTO outbox (id, target, lane, kind, body, created_ms, part, state)
             VALUES (gen_random_uuid(), '', '', '', '', 0, false, 'dead')",
            "outbox",
        ),
    ] {
        let schema = Schema::fresh().await.expect("there is a server");
        sqlx::query(statement).execute(&mut schema.connection().await).await.unwrap();
        let refused = old.import(&schema).await.expect_err("is refused");
        assert!(matches!(refused, ImportError::NotEmpty { table, .. } if table == holds), "{refused:?}");
        assert!(refused.to_string().contains("not empty"), "{refused}");
    }
}

#[tokio::test]
async fn an_import_is_not_repeated() {
    let Some(schema) = Schema::fresh().await else { return };
    let old = Old::filled().await;
    old.import(&schema).await.unwrap();
    let before = states_of(&schema.database().await.state()).await;
    assert!(matches!(old.import(&schema).await, Err(ImportError::NotEmpty { .. })));
    assert_eq!(states_of(&schema.database().await.state()).await, before);
}

#[tokio::test]
async fn a_schema_without_tables_is_refused() {
    let Some(server) = server() else { return };
    let refused = Old::empty().await.import(&Schema::empty(&server).await).await;
    assert!(matches!(refused, Err(ImportError::Target(OpenError::NotMigrated { .. }))), "{refused:?}");
}

#[tokio::test]
async fn a_file_of_another_version_is_refused_with_the_mend() {
    let Some(schema) = Schema::fresh().await else { return };
    let old = Old::filled().await;
    old.change("feeds.db", "DELETE FROM _sqlx_migrations WHERE version = 2").await;
    let refused = old.import(&schema).await.expect_err("is older");
    assert!(matches!(refused, ImportError::Older { .. }), "{refused:?}");
    assert!(refused.to_string().contains("start the old hub once with this version"), "{refused}");

    let old = Old::filled().await;
    old.change("state.db", "UPDATE _sqlx_migrations SET version = 99 WHERE version = 1").await;
    let refused = old.import(&schema).await.expect_err("is newer");
    assert!(matches!(refused, ImportError::Foreign { .. }), "{refused:?}");

    let old = Old::filled().await;
    let swapped = import(&schema.url(), &old.path("state.db"), &old.path("feeds.db"), |_, _| {}).await;
    assert!(matches!(swapped, Err(ImportError::Foreign { .. })), "{swapped:?}");
    assert_nothing_was_written(&schema).await;
}

#[tokio::test]
async fn a_file_that_is_no_hubs_is_refused_and_left_alone() {
    let Some(schema) = Schema::fresh().await else { return };
    let old = Old::empty().await;
    let missing = old.path("missing.db");
    let refused = import(&schema.url(), &missing, &old.path("state.db"), |_, _| {}).await;
    assert!(matches!(&refused, Err(ImportError::Unreadable { file, .. }) if *file == missing), "{refused:?}");
    assert!(!missing.exists());

    let other = old.path("other.db");
    std::fs::write(&other, "").unwrap();
    let refused = import(&schema.url(), &other, &old.path("state.db"), |_, _| {}).await;
    assert!(matches!(refused, Err(ImportError::NotAHubs { .. })), "{refused:?}");
    std::fs::write(&other, "Student_Number,School_ID\n".repeat(99)).unwrap();
    let refused = import(&schema.url(), &other, &old.path("state.db"), |_, _| {}).await;
    assert!(matches!(refused, Err(ImportError::Unreadable { .. })), "{refused:?}");
    assert_nothing_was_written(&schema).await;
}

/// PostgreSQL takes no NUL in a text. What it says must not repeat the text.
#[tokio::test]
async fn a_refused_row_takes_everything_back_and_is_not_repeated() {
    let Some(schema) = Schema::fresh().await else { return };
    let old = Old::filled().await;
    let (feeds, _) = old.stores().await;
    let term = Term { holder: "embedded", now_ms: 0, until_ms: 0 };
    let lease = feeds.take("sis", term).await.unwrap();
    let row = CrosswalkRow {
        what: Named::Student,
        id_type: "identifier".into(),
        id: "Grace\0Hopper".into(),
        target: "student".into(),
        first: false,
    };
    feeds.add_crosswalk(&lease, &[row]).await.unwrap();
    let refused = old.import(&schema).await.expect_err("is refused");
    assert!(matches!(refused, ImportError::Refused { table: "crosswalk", .. }), "{refused:?}");
    assert!(!format!("{refused:?} {refused}").contains("Hopper"), "{refused:?}");
    assert_nothing_was_written(&schema).await;
}

async fn assert_counts(schema: &Schema, imported: &Imported, progress: &BTreeMap<String, Vec<u64>>) {
    let mut connection = schema.connection().await;
    for (table, rows) in &imported.tables {
        let count = format!("SELECT count(*) FROM {table}");
        let there: i64 =
            sqlx::query_scalar(AssertSqlSafe(count)).fetch_one(&mut connection).await.expect("counts");
        assert_eq!(there as u64, *rows, "{table}");
        let told = &progress[*table];
        assert!(told.is_sorted() && told.last() == Some(rows), "{table}: {told:?}");
    }
    assert_eq!(imported.tables.len(), progress.len());
    assert!(progress["state"].len() > 2, "is copied in batches");
}

/// Of every table that there is, so that one which an import forgets is found.
async fn columns_without_values(schema: &Schema) -> Vec<String> {
    let mut connection = schema.connection().await;
    let columns: Vec<(String, String)> = sqlx::query_as(
        "SELECT table_name::text, column_name::text FROM information_schema.columns
         WHERE table_schema = $1 AND table_name <> '_sqlx_migrations' ORDER BY 1, 2",
    )
    .bind(schema.name())
    .fetch_all(&mut connection)
    .await
    .expect("looks");
    let mut without = vec![];
    for (table, column) in columns {
        let count = format!("SELECT count({column}) FROM {table}");
        let values: i64 =
            sqlx::query_scalar(AssertSqlSafe(count)).fetch_one(&mut connection).await.expect("counts");
        if values == 0 {
            without.push(format!("{table}.{column}"));
        }
    }
    without
}

async fn assert_nothing_was_written(schema: &Schema) {
    let own = schema.database().await;
    assert_eq!(own.feeds().feeds().await.expect("reads"), []);
    assert_eq!(own.state().entries(0, 9).await.expect("reads"), []);
    Old::empty().await.import(schema).await.expect("every table is empty");
}

/// With a state that takes a while to copy.
fn long_step(at: u64) -> Batch {
    let mut batch = step(at);
    batch.states[0].state = vec![1; 2_000].into();
    batch
}
