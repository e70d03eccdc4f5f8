//! Which id names which student or school.

use signalbox_store::feed::{CrosswalkRow, Named};
use sqlx::{SqliteConnection, SqliteExecutor};

use crate::sqlite::statement::{of_rows, slices};
use crate::stored::{crosswalk_row, limit, named_number};

/// Adds rows; one that is there changes nothing.
pub(super) async fn add(connection: &mut SqliteConnection, rows: &[CrosswalkRow]) -> Result<(), sqlx::Error> {
    for slice in slices(rows) {
        let insert = "INSERT INTO crosswalk (what, id_type, id, target, is_first) VALUES";
        let mut query = of_rows(insert, slice.len(), 5, "ON CONFLICT DO NOTHING");
        for row in slice {
            query = query
                .bind(named_number(row.what))
                .bind(&row.id_type)
                .bind(&row.id)
                .bind(&row.target)
                .bind(row.first);
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

/// Takes rows away; one that is not there changes nothing.
pub(super) async fn remove(
    connection: &mut SqliteConnection,
    rows: &[CrosswalkRow],
) -> Result<(), sqlx::Error> {
    for row in rows {
        sqlx::query("DELETE FROM crosswalk WHERE what = ? AND id_type = ? AND id = ? AND target = ?")
            .bind(named_number(row.what))
            .bind(&row.id_type)
            .bind(&row.id)
            .bind(&row.target)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// Rows after `after`, in the order of (what, id type, id, target).
pub(super) async fn page(
    executor: impl SqliteExecutor<'_>,
    after: Option<&CrosswalkRow>,
    max: usize,
) -> Result<Vec<CrosswalkRow>, sqlx::Error> {
    // Nothing lies before -1, so one statement serves the first page too.
    let rows = sqlx::query(
        "SELECT * FROM crosswalk WHERE (what, id_type, id, target) > (?, ?, ?, ?)
         ORDER BY what, id_type, id, target LIMIT ? + 0",
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
    executor: impl SqliteExecutor<'_>,
    what: Named,
    id: &str,
) -> Result<Vec<CrosswalkRow>, sqlx::Error> {
    let rows = sqlx::query("SELECT * FROM crosswalk WHERE what = ? AND id = ? ORDER BY id_type, target")
        .bind(named_number(what))
        .bind(id)
        .fetch_all(executor)
        .await?;
    rows.iter().map(crosswalk_row).collect()
}

pub(super) async fn ids_of(
    executor: impl SqliteExecutor<'_>,
    what: Named,
    target: &str,
) -> Result<Vec<CrosswalkRow>, sqlx::Error> {
    let rows = sqlx::query("SELECT * FROM crosswalk WHERE what = ? AND target = ? ORDER BY id_type, id")
        .bind(named_number(what))
        .bind(target)
        .fetch_all(executor)
        .await?;
    rows.iter().map(crosswalk_row).collect()
}
