//! Opening and migrating.

use signalbox_sql::postgres::{OpenError, connect, migrate, migrations};
use signalbox_store::StateStore;
use sqlx::Connection;

use crate::server::{Schema, few_connections, server, with_parameter};

#[tokio::test]
async fn a_schema_without_tables_is_not_opened() {
    let Some(server) = server() else { return };
    let schema = Schema::empty(&server).await;
    let refused = connect(&schema.url(), &few_connections()).await.expect_err("is not migrated");
    assert!(matches!(refused, OpenError::NotMigrated { .. }), "{refused:?}");
    assert!(refused.to_string().contains("run `signalbox migrate`"), "{refused}");

    let planned = migrations(&schema.url()).await.expect("looks");
    assert_eq!(planned.applied, Vec::<String>::new());
    assert_eq!(planned.missing[0], "0001 state");
    assert_eq!(migrations(&schema.url()).await.expect("looking changes nothing"), planned);
    assert_eq!(migrate(&schema.url()).await.expect("migrates"), planned);
    let again = migrate(&schema.url()).await.expect("has nothing to do");
    assert_eq!((again.applied, again.missing), (planned.missing, vec![]));
    connect(&schema.url(), &few_connections()).await.expect("opens");
}

#[tokio::test]
async fn two_may_migrate_at_once() {
    let Some(server) = server() else { return };
    let schema = Schema::empty(&server).await;
    let url = schema.url();
    let (one, other) = tokio::join!(migrate(&url), migrate(&url));
    one.expect("migrates");
    other.expect("waits for the first");
    schema.database().await.state().acquire("risk@1", 0).await.expect("has its tables");
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let Some(schema) = Schema::fresh().await else { return };
    change(&schema, "UPDATE _sqlx_migrations SET version = 99 WHERE version = 2").await;
    for refused in [
        connect(&schema.url(), &few_connections()).await.err(),
        migrate(&schema.url()).await.err(),
        migrations(&schema.url()).await.err(),
    ] {
        assert!(matches!(refused, Some(OpenError::Newer { migration: 99, .. })), "{refused:?}");
    }
}

#[tokio::test]
async fn a_schema_that_took_another_way_is_refused() {
    let Some(schema) = Schema::fresh().await else { return };
    change(&schema, r"UPDATE _sqlx_migrations SET checksum = '\x00' WHERE version = 1").await;
    let refused = connect(&schema.url(), &few_connections()).await.err();
    assert!(matches!(refused, Some(OpenError::Changed { migration: 1, .. })), "{refused:?}");
}

#[tokio::test]
async fn a_database_that_is_not_there_is_no_passing_trouble() {
    let Some(server) = server() else { return };
    let (front, _) = server.split_once('?').unwrap_or((&server, ""));
    let (host, _) = front.rsplit_once('/').expect("names a database");
    let refused = connect(&format!("{host}/no_such_database"), &few_connections()).await.err();
    assert!(matches!(refused, Some(OpenError::Failed(_))), "{refused:?}");
}

#[tokio::test]
async fn a_server_that_is_not_there_does_not_answer() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("binds");
    let port = listener.local_addr().expect("is bound").port();
    drop(listener);
    let url = with_parameter(&format!("postgres://me@127.0.0.1:{port}/hub"), "sslmode", "disable");
    let quick = signalbox_sql::postgres::Options {
        acquire_timeout: std::time::Duration::from_millis(200),
        ..few_connections()
    };
    let refused = connect(&url, &quick).await.err();
    assert!(matches!(refused, Some(OpenError::Unavailable(_))), "{refused:?}");
}

async fn change(schema: &Schema, statement: &'static str) {
    let mut connection = schema.connection().await;
    let done = sqlx::query(statement).execute(&mut connection).await.expect("changes");
    assert_eq!(done.rows_affected(), 1);
    connection.close().await.expect("closes");
}
