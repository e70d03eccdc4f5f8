//! Rows that could not be used.

use signalbox_store::StoreError;
use signalbox_store::feed::{Reject, RejectGroup, RejectPlace};

use crate::engine::{Connection, values};
use crate::stored::{StoredRow, limit};

/// Puts a feed's rejects in the place of its earlier ones.
pub(super) async fn replace(
    connection: &mut impl Connection,
    feed: &str,
    groups: &[RejectGroup],
    rejects: &[Reject],
) -> Result<(), StoreError> {
    for delete in ["DELETE FROM reject_group WHERE feed = $1", "DELETE FROM reject WHERE feed = $1"] {
        connection.execute(delete, &values![feed]).await?;
    }
    add_groups(connection, groups).await?;
    add(connection, rejects).await
}

async fn add_groups(connection: &mut impl Connection, groups: &[RejectGroup]) -> Result<(), StoreError> {
    let insert = "INSERT INTO reject_group
         (feed, code, value_class, count, first_file, first_row, first_column, help) VALUES";
    let rows: Vec<_> = groups
        .iter()
        .map(|RejectGroup { feed, code, value_class, count, first, help }| {
            let RejectPlace { file, row, column } = first;
            let row = row.map(|row| row as i64);
            values![feed, code, value_class, *count as i64, file, row, column, help]
        })
        .collect();
    connection.execute_rows(insert, &rows, "").await?;
    Ok(())
}

async fn add(connection: &mut impl Connection, rejects: &[Reject]) -> Result<(), StoreError> {
    let insert = "INSERT INTO reject (feed, code, value_class, file, row, column_name, help) VALUES";
    let rows: Vec<_> = rejects
        .iter()
        .map(|Reject { feed, code, value_class, place, help }| {
            let row = place.row.map(|row| row as i64);
            values![feed, code, value_class, &place.file, row, &place.column, help]
        })
        .collect();
    connection.execute_rows(insert, &rows, "").await?;
    Ok(())
}

/// Most first.
pub(super) async fn groups(reader: &mut impl Connection) -> Result<Vec<RejectGroup>, StoreError> {
    reader.rows("SELECT * FROM reject_group ORDER BY count DESC, feed, id", &values![], group).await
}

/// By feed, file and row.
pub(super) async fn all(reader: &mut impl Connection, max: usize) -> Result<Vec<Reject>, StoreError> {
    let select = "SELECT * FROM reject ORDER BY feed, file, row NULLS FIRST, id LIMIT $1 + 0";
    reader.rows(select, &values![limit(max)], reject).await
}

fn group(row: &impl StoredRow) -> Result<RejectGroup, sqlx::Error> {
    Ok(RejectGroup {
        feed: row.column("feed")?,
        code: row.column("code")?,
        value_class: row.column("value_class")?,
        count: row.count("count")?,
        first: place(row, ["first_file", "first_row", "first_column"])?,
        help: row.column("help")?,
    })
}

fn reject(row: &impl StoredRow) -> Result<Reject, sqlx::Error> {
    Ok(Reject {
        feed: row.column("feed")?,
        code: row.column("code")?,
        value_class: row.column("value_class")?,
        place: place(row, ["file", "row", "column_name"])?,
        help: row.column("help")?,
    })
}

fn place(row: &impl StoredRow, [file, line, column]: [&'static str; 3]) -> Result<RejectPlace, sqlx::Error> {
    let line: Option<i64> = row.column(line)?;
    Ok(RejectPlace {
        file: row.column(file)?,
        row: line.map(|line| line as u64),
        column: row.column(column)?,
    })
}
