//! The tables of a schema as a whole, for those who copy all of them.

use sqlx::{AssertSqlSafe, PgConnection};

/// Every table but that of the migrations; a table comes after those that its rows refer to.
pub(super) const TABLES: [&str; 16] = [
    "consumer",
    "lease",
    "position",
    "state",
    "card",
    "outbox",
    "feed",
    "run",
    "mark",
    "ledger",
    "ledger_page",
    "crosswalk",
    "hold",
    "reject_group",
    "reject",
    "note",
];

/// After rows came with their numbers: the next ones are counted on from there, and the planner knows how many there
/// are.
pub(super) async fn settle(connection: &mut PgConnection, schema: &str) -> Result<(), sqlx::Error> {
    let numbered: Vec<(String, String)> = sqlx::query_as(
        "SELECT table_name::text, column_name::text FROM information_schema.columns
         WHERE table_schema = $1 AND is_identity = 'YES'",
    )
    .bind(schema)
    .fetch_all(&mut *connection)
    .await?;
    for (table, column) in numbered {
        let last = format!("SELECT max({column}) FROM \"{schema}\".{table}");
        let set = format!("SELECT setval(pg_get_serial_sequence($1, $2), last) FROM ({last}) AS of (last)");
        // An empty table's last number is null, which sets nothing.
        sqlx::query(AssertSqlSafe(set))
            .bind(format!("\"{schema}\".{table}"))
            .bind(column)
            .execute(&mut *connection)
            .await?;
    }
    for table in TABLES {
        let analyze = format!("ANALYZE \"{schema}\".{table}");
        sqlx::query(AssertSqlSafe(analyze)).execute(&mut *connection).await?;
    }
    Ok(())
}
