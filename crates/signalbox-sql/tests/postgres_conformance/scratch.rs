//! A copy of the schema to plan on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use signalbox_sql::postgres::{OpenError, Options, scratch_copy};
use signalbox_store::feed::Term;
use signalbox_store::state::Batch;
use signalbox_store::{FeedStore, Outbox, StateStore, StoreError};
use sqlx::{AssertSqlSafe, PgConnection};

use crate::batches::step;
use crate::filled::{feeds_of, fill_feeds, fill_states, raised_epochs, states_of};
use crate::server::{Schema, few_connections, server};

#[tokio::test]
async fn a_copy_equals_and_is_apart() {
    let Some(schema) = Schema::fresh().await else { return };
    let own = schema.database().await;
    fill_feeds(&own.feeds()).await;
    fill_states(&own.state()).await;
    let (feeds, states) = (feeds_of(&own.feeds()).await, states_of(&own.state()).await);

    let scratch = scratch_copy(&schema.url(), &schema.options()).await.expect("copies");
    let mut connection = schema.connection().await;
    let [copy] = &copies(&mut connection, &schema).await[..] else { panic!("one copy") };
    assert_no_difference(&mut connection, &schema, copy).await;
    let copied = scratch.database();
    assert_eq!(feeds_of(&copied.feeds()).await, feeds);
    assert_eq!(states_of(&copied.state()).await, states);

    let raised = raised_epochs(&copied.feeds(), &copied.state()).await;
    // Numbers go on where they were.
    fill_more(&copied.feeds(), &copied.state()).await;
    assert_ne!(feeds_of(&copied.feeds()).await, feeds);
    assert_ne!(states_of(&copied.state()).await, states);
    assert_eq!(feeds_of(&own.feeds()).await, feeds);
    assert_eq!(states_of(&own.state()).await, states);

    let store = copied.state();
    scratch.remove().await.expect("removes");
    assert!(matches!(store.acquire("risk@1", 0).await, Err(StoreError::Unavailable(_))));
    assert_eq!(copies(&mut connection, &schema).await, [""; 0]);
    assert_eq!(feeds_of(&own.feeds()).await, feeds);
    assert_eq!(raised_epochs(&own.feeds(), &own.state()).await, raised, "raised from the same");
}

/// States, outbox and positions are written together, so whatever the moment, the copy has them together.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_is_of_one_moment() {
    let Some(schema) = Schema::fresh().await else { return };
    let own = schema.database().await.state();
    let done = Arc::new(AtomicBool::new(false));
    let lease = own.acquire("risk@1", 0).await.unwrap();
    let writing = tokio::spawn({
        let done = done.clone();
        async move {
            let mut at = 0;
            while !done.load(Ordering::Relaxed) {
                own.commit(&lease, &step(at)).await.unwrap();
                at += 1;
            }
            at
        }
    });
    let mut moments = vec![];
    for _ in 0..3 {
        let scratch = scratch_copy(&schema.url(), &schema.options()).await.expect("copies");
        let copy = scratch.database().state();
        let next = copy.positions("risk@1", 0).await.unwrap().first().map_or(0, |position| position.next);
        assert_eq!(copy.scan("risk@1", 0, None, usize::MAX).await.unwrap().len() as u64, next);
        assert_eq!(copy.entries(0, usize::MAX).await.unwrap().len() as u64, next);
        moments.push(next);
        scratch.remove().await.expect("removes");
    }
    done.store(true, Ordering::Relaxed);
    let written = writing.await.unwrap();
    assert!(
        moments.is_sorted() && moments[2] <= written && moments[2] > moments[0],
        "{moments:?} of {written}"
    );
}

#[tokio::test]
async fn a_copy_whose_maker_died_is_swept_and_a_living_one_is_not() {
    let Some(schema) = Schema::fresh().await else { return };
    let mut connection = schema.connection().await;
    let living = scratch_copy(&schema.url(), &schema.options()).await.expect("copies");
    let [of_the_living] = &copies(&mut connection, &schema).await[..] else { panic!("one copy") };

    let makers_name = format!("{}_killed", schema.options().application_name);
    let options = Options { application_name: makers_name.clone(), ..schema.options() };
    drop(scratch_copy(&schema.url(), &options).await.expect("copies"));
    until_gone(&mut connection, &makers_name).await;
    assert_eq!(copies(&mut connection, &schema).await.len(), 2, "a left-over stays until the next copy");
    // Called as a copy is, but nobody's copy of this schema.
    let neighbour = format!("{}_plan_1_1", schema.name());
    run(&mut connection, format!("CREATE SCHEMA {neighbour}")).await;

    let next = scratch_copy(&schema.url(), &schema.options()).await.expect("copies");
    let there = copies(&mut connection, &schema).await;
    assert_eq!(there.len(), 3, "{there:?}");
    assert!(there.contains(of_the_living) && there.contains(&neighbour), "{there:?}");
    living.database().state().acquire("risk@1", 0).await.expect("is still in use");
    for scratch in [living, next] {
        scratch.remove().await.expect("removes");
    }
    assert_eq!(copies(&mut connection, &schema).await, std::slice::from_ref(&neighbour));
    run(&mut connection, format!("DROP SCHEMA {neighbour}")).await;
}

#[tokio::test]
async fn a_schema_without_tables_is_not_copied() {
    let Some(server) = server() else { return };
    let schema = Schema::empty(&server).await;
    let refused = scratch_copy(&schema.url(), &few_connections()).await.err();
    assert!(matches!(refused, Some(OpenError::NotMigrated { .. })), "{refused:?}");
    run(&mut schema.connection().await, format!("CREATE SCHEMA {}", schema.name())).await;
    assert_eq!(copies(&mut schema.connection().await, &schema).await, [""; 0]);
}

async fn copies(connection: &mut PgConnection, schema: &Schema) -> Vec<String> {
    sqlx::query_scalar("SELECT nspname::text FROM pg_namespace WHERE starts_with(nspname, $1) ORDER BY 1")
        .bind(format!("{}_plan_", schema.name()))
        .fetch_all(connection)
        .await
        .expect("looks")
}

/// Row by row and column by column, of every table that there is: one that a copy forgets would be empty.
async fn assert_no_difference(connection: &mut PgConnection, schema: &Schema, copy: &str) {
    let tables: Vec<String> =
        sqlx::query_scalar("SELECT tablename::text FROM pg_tables WHERE schemaname = $1")
            .bind(schema.name())
            .fetch_all(&mut *connection)
            .await
            .expect("looks");
    for table in tables.iter().filter(|table| *table != "_sqlx_migrations") {
        let (one, other) = (format!("{}.{table}", schema.name()), format!("{copy}.{table}"));
        let count = format!(
            "SELECT (SELECT count(*) FROM {one}),
                (SELECT count(*) FROM ((TABLE {one} EXCEPT ALL TABLE {other})
                                       UNION ALL (TABLE {other} EXCEPT ALL TABLE {one})) AS difference)"
        );
        let counted = sqlx::query_as(AssertSqlSafe(count)).fetch_one(&mut *connection).await;
        let (rows, differences): (i64, i64) = counted.expect("compares");
        assert!(rows > 0, "{table} was to be filled");
        assert_eq!(differences, 0, "{table}");
    }
}

async fn fill_more(feeds: &impl FeedStore, states: &impl StateStore) {
    let term = Term { holder: "plan", now_ms: 0, until_ms: 0 };
    feeds.take("a new one", term).await.expect("has a number of its own");
    for (shard, consumer) in [(0, "risk@1"), (9, "a new one")] {
        let lease = states.acquire(consumer, shard).await.expect("has a number of its own");
        let at = if shard == 0 { 500 } else { 0 };
        let new = Batch { advances: vec![], ..step(at) };
        states.commit(&lease, &new).await.expect("has a number of its own");
    }
}

async fn until_gone(connection: &mut PgConnection, application_name: &str) {
    for _ in 0..500 {
        let sessions: i64 =
            sqlx::query_scalar("SELECT count(*) FROM pg_stat_activity WHERE application_name = $1")
                .bind(application_name)
                .fetch_one(&mut *connection)
                .await
                .expect("looks");
        if sessions == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("its sessions live on");
}

async fn run(connection: &mut PgConnection, statement: String) {
    sqlx::query(AssertSqlSafe(statement)).execute(connection).await.expect("runs");
}
