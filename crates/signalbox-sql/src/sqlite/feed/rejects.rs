//! Rows that could not be used.

use signalbox_store::feed::{Reject, RejectGroup};
use sqlx::{SqliteConnection, SqliteExecutor};

use crate::sqlite::statement::{of_rows, slices};
use crate::stored::{group, limit, reject};

/// Puts a feed's rejects in the place of its earlier ones.
pub(super) async fn replace(
    connection: &mut SqliteConnection,
    feed: &str,
    groups: &[RejectGroup],
    rejects: &[Reject],
) -> Result<(), sqlx::Error> {
    let delete = "DELETE FROM reject_group WHERE feed = ?1; DELETE FROM reject WHERE feed = ?1";
    sqlx::query(delete).bind(feed).execute(&mut *connection).await?;
    for slice in slices(groups) {
        insert_groups(connection, slice).await?;
    }
    for slice in slices(rejects) {
        insert(connection, slice).await?;
    }
    Ok(())
}

/// Most first.
pub(super) async fn groups(executor: impl SqliteExecutor<'_>) -> Result<Vec<RejectGroup>, sqlx::Error> {
    let rows =
        sqlx::query("SELECT * FROM reject_group ORDER BY count DESC, feed, id").fetch_all(executor).await?;
    rows.iter().map(group).collect()
}

/// By feed, file and row.
pub(super) async fn all(executor: impl SqliteExecutor<'_>, max: usize) -> Result<Vec<Reject>, sqlx::Error> {
    let rows = sqlx::query("SELECT * FROM reject ORDER BY feed, file, row, id LIMIT ? + 0")
        .bind(limit(max))
        .fetch_all(executor)
        .await?;
    rows.iter().map(reject).collect()
}

async fn insert_groups(connection: &mut SqliteConnection, groups: &[RejectGroup]) -> Result<(), sqlx::Error> {
    let insert = "INSERT INTO reject_group
         (feed, code, value_class, count, first_file, first_row, first_column, help) VALUES";
    let mut query = of_rows(insert, groups.len(), 8, "");
    for group in groups {
        query = query
            .bind(&group.feed)
            .bind(&group.code)
            .bind(&group.value_class)
            .bind(group.count as i64)
            .bind(&group.first.file)
            .bind(group.first.row.map(|row| row as i64))
            .bind(&group.first.column)
            .bind(&group.help);
    }
    query.execute(connection).await?;
    Ok(())
}

async fn insert(connection: &mut SqliteConnection, rejects: &[Reject]) -> Result<(), sqlx::Error> {
    let insert = "INSERT INTO reject (feed, code, value_class, file, row, column_name, help) VALUES";
    let mut query = of_rows(insert, rejects.len(), 7, "");
    for reject in rejects {
        query = query
            .bind(&reject.feed)
            .bind(&reject.code)
            .bind(&reject.value_class)
            .bind(&reject.place.file)
            .bind(reject.place.row.map(|row| row as i64))
            .bind(&reject.place.column)
            .bind(&reject.help);
    }
    query.execute(connection).await?;
    Ok(())
}
