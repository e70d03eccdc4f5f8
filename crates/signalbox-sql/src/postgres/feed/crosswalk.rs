//! Which id names which student or school.

use signalbox_store::feed::{CrosswalkRow, Named};
use sqlx::{PgConnection, PgExecutor};

use crate::postgres::statement::{ROWS_AT_ONCE, column};
use crate::stored::{crosswalk_row, limit, named_number};

/// Adds rows; one that is there changes nothing.
pub(super) async fn add(connection: &mut PgConnection, rows: &[CrosswalkRow]) -> Result<(), sqlx::Error> {
    // In key order: two feeds that add the same ids would else wait for each other. The sort is stable, so the first
    // of two equal rows stays.
    let mut rows: Vec<&CrosswalkRow> = rows.iter().collect();
    rows.sort_by_key(|row| (row.what, &row.id_type, &row.id, &row.target));
    for slice in rows.chunks(ROWS_AT_ONCE) {
        insert(connection, slice).await?;
    }
    Ok(())
}

/// Takes rows away; one that is not there changes nothing.
pub(super) async fn remove(connection: &mut PgConnection, rows: &[CrosswalkRow]) -> Result<(), sqlx::Error> {
    let mut rows: Vec<&CrosswalkRow> = rows.iter().collect();
    rows.sort_by_key(|row| (row.what, &row.id_type, &row.id, &row.target));
    for slice in rows.chunks(ROWS_AT_ONCE) {
        sqlx::query(
            "DELETE FROM crosswalk USING unnest($1::smallint[], $2::text[], $3::text[], $4::text[])
                AS gone (what, id_type, id, target)
             WHERE crosswalk.what = gone.what AND crosswalk.id_type = gone.id_type
               AND crosswalk.id = gone.id AND crosswalk.target = gone.target",
        )
        .bind(column(slice, |row| named_number(row.what)))
        .bind(column(slice, |row| row.id_type.as_str()))
        .bind(column(slice, |row| row.id.as_str()))
        .bind(column(slice, |row| row.target.as_str()))
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// Rows after `after`, in the order of (what, id type, id, target).
pub(super) async fn page(
    executor: impl PgExecutor<'_>,
    after: Option<&CrosswalkRow>,
    max: usize,
) -> Result<Vec<CrosswalkRow>, sqlx::Error> {
    // Nothing lies before -1, so one statement serves the first page too.
    let rows = sqlx::query(
        "SELECT * FROM crosswalk WHERE (what, id_type, id, target) > ($1, $2, $3, $4)
         ORDER BY what, id_type, id, target LIMIT $5",
    )
    .bind(after.map_or(-1, |row| named_number(row.what)))
    .bind(after.map_or("", |row| &row.id_type))
    .bind(after.map_or("", |row| &row.id))
    .bind(after.map_or("", |row| &row.target))
    .bind(limit(max))
    .fetch_all(executor)
    .await?;
    rows.iter().map(crosswalk_row).collect()
}

pub(super) async fn find_id(
    executor: impl PgExecutor<'_>,
    what: Named,
    id: &str,
) -> Result<Vec<CrosswalkRow>, sqlx::Error> {
    let rows = sqlx::query("SELECT * FROM crosswalk WHERE what = $1 AND id = $2 ORDER BY id_type, target")
        .bind(named_number(what))
        .bind(id)
        .fetch_all(executor)
        .await?;
    rows.iter().map(crosswalk_row).collect()
}

pub(super) async fn ids_of(
    executor: impl PgExecutor<'_>,
    what: Named,
    target: &str,
) -> Result<Vec<CrosswalkRow>, sqlx::Error> {
    let rows = sqlx::query("SELECT * FROM crosswalk WHERE what = $1 AND target = $2 ORDER BY id_type, id")
        .bind(named_number(what))
        .bind(target)
        .fetch_all(executor)
        .await?;
    rows.iter().map(crosswalk_row).collect()
}

async fn insert(connection: &mut PgConnection, rows: &[&CrosswalkRow]) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO crosswalk (what, id_type, id, target, is_first)
         SELECT * FROM unnest($1::smallint[], $2::text[], $3::text[], $4::text[], $5::boolean[])
         ON CONFLICT DO NOTHING",
    )
    .bind(column(rows, |row| named_number(row.what)))
    .bind(column(rows, |row| row.id_type.as_str()))
    .bind(column(rows, |row| row.id.as_str()))
    .bind(column(rows, |row| row.target.as_str()))
    .bind(column(rows, |row| row.first))
    .execute(connection)
    .await?;
    Ok(())
}
