//! Rows that could not be used.

use signalbox_store::feed::{Reject, RejectGroup};
use sqlx::{PgConnection, PgExecutor};

use crate::postgres::statement::{ROWS_AT_ONCE, column};
use crate::stored::{group, limit, reject};

/// Puts a feed's rejects in the place of its earlier ones.
pub(super) async fn replace(
    connection: &mut PgConnection,
    feed: &str,
    groups: &[RejectGroup],
    rejects: &[Reject],
) -> Result<(), sqlx::Error> {
    for delete in ["DELETE FROM reject_group WHERE feed = $1", "DELETE FROM reject WHERE feed = $1"] {
        sqlx::query(delete).bind(feed).execute(&mut *connection).await?;
    }
    for slice in groups.chunks(ROWS_AT_ONCE) {
        insert_groups(connection, slice).await?;
    }
    for slice in rejects.chunks(ROWS_AT_ONCE) {
        insert(connection, slice).await?;
    }
    Ok(())
}

/// Most first.
pub(super) async fn groups(executor: impl PgExecutor<'_>) -> Result<Vec<RejectGroup>, sqlx::Error> {
    let rows =
        sqlx::query("SELECT * FROM reject_group ORDER BY count DESC, feed, id").fetch_all(executor).await?;
    rows.iter().map(group).collect()
}

/// By feed, file and row.
pub(super) async fn all(executor: impl PgExecutor<'_>, max: usize) -> Result<Vec<Reject>, sqlx::Error> {
    let rows = sqlx::query("SELECT * FROM reject ORDER BY feed, file, row NULLS FIRST, id LIMIT $1")
        .bind(limit(max))
        .fetch_all(executor)
        .await?;
    rows.iter().map(reject).collect()
}

async fn insert_groups(connection: &mut PgConnection, groups: &[RejectGroup]) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO reject_group (feed, code, value_class, count, first_file, first_row, first_column, help)
         SELECT feed, code, value_class, count, file, row, column_name, help
         FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::bigint[], $7::text[], $8::text[])
              WITH ORDINALITY AS new (feed, code, value_class, count, file, row, column_name, help, place)
         ORDER BY place",
    )
    .bind(column(groups, |group| group.feed.as_str()))
    .bind(column(groups, |group| group.code.as_str()))
    .bind(column(groups, |group| group.value_class.as_str()))
    .bind(column(groups, |group| group.count as i64))
    .bind(column(groups, |group| group.first.file.as_str()))
    .bind(column(groups, |group| group.first.row.map(|row| row as i64)))
    .bind(column(groups, |group| group.first.column.as_deref()))
    .bind(column(groups, |group| group.help.as_str()))
    .execute(connection)
    .await?;
    Ok(())
}

async fn insert(connection: &mut PgConnection, rejects: &[Reject]) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO reject (feed, code, value_class, file, row, column_name, help)
         SELECT feed, code, value_class, file, row, column_name, help
         FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::text[])
              WITH ORDINALITY AS new (feed, code, value_class, file, row, column_name, help, place)
         ORDER BY place",
    )
    .bind(column(rejects, |reject| reject.feed.as_str()))
    .bind(column(rejects, |reject| reject.code.as_str()))
    .bind(column(rejects, |reject| reject.value_class.as_str()))
    .bind(column(rejects, |reject| reject.place.file.as_str()))
    .bind(column(rejects, |reject| reject.place.row.map(|row| row as i64)))
    .bind(column(rejects, |reject| reject.place.column.as_deref()))
    .bind(column(rejects, |reject| reject.help.as_str()))
    .execute(connection)
    .await?;
    Ok(())
}
