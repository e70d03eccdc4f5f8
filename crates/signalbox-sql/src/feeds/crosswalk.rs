//! Which id names which student or school.

use signalbox_store::StoreError;
use signalbox_store::feed::{CrosswalkRow, Named};

use crate::engine::{Connection, values};
use crate::stored::{StoredRow, known, limit};

/// Adds rows; one that is there changes nothing.
pub(super) async fn add(connection: &mut impl Connection, rows: &[CrosswalkRow]) -> Result<(), StoreError> {
    let rows: Vec<_> = in_key_order(rows)
        .into_iter()
        .map(|row| values![number(row.what), &row.id_type, &row.id, &row.target, row.first])
        .collect();
    let insert = "INSERT INTO crosswalk (what, id_type, id, target, is_first) VALUES";
    connection.execute_rows(insert, &rows, "ON CONFLICT DO NOTHING").await?;
    Ok(())
}

/// Takes rows away; one that is not there changes nothing.
pub(super) async fn remove(
    connection: &mut impl Connection,
    rows: &[CrosswalkRow],
) -> Result<(), StoreError> {
    let rows: Vec<_> = in_key_order(rows)
        .into_iter()
        .map(|row| values![number(row.what), &row.id_type, &row.id, &row.target])
        .collect();
    connection.delete_rows("crosswalk", ["what", "id_type", "id", "target"], &rows).await
}

/// On PostgreSQL two feeds that add the same ids would else wait for each other. The sort is stable, so the first of two
/// equal rows stays.
fn in_key_order(rows: &[CrosswalkRow]) -> Vec<&CrosswalkRow> {
    let mut rows: Vec<&CrosswalkRow> = rows.iter().collect();
    rows.sort_by_key(|row| (row.what, &row.id_type, &row.id, &row.target));
    rows
}

/// Rows after `after`, in the order of (what, id type, id, target).
pub(super) async fn page(
    reader: &mut impl Connection,
    after: Option<&CrosswalkRow>,
    max: usize,
) -> Result<Vec<CrosswalkRow>, StoreError> {
    let select = "SELECT * FROM crosswalk WHERE (what, id_type, id, target) > ($1, $2, $3, $4)
         ORDER BY what, id_type, id, target LIMIT $5 + 0";
    // Nothing lies before -1, so one statement serves the first page too.
    let given = match after {
        Some(row) => values![number(row.what), &row.id_type, &row.id, &row.target, limit(max)],
        None => values![-1_i64, "", "", "", limit(max)],
    };
    reader.rows(select, &given, crosswalk_row).await
}

pub(super) async fn find_id(
    reader: &mut impl Connection,
    what: Named,
    id: &str,
) -> Result<Vec<CrosswalkRow>, StoreError> {
    let select = "SELECT * FROM crosswalk WHERE what = $1 AND id = $2 ORDER BY id_type, target";
    reader.rows(select, &values![number(what), id], crosswalk_row).await
}

pub(super) async fn ids_of(
    reader: &mut impl Connection,
    what: Named,
    target: &str,
) -> Result<Vec<CrosswalkRow>, StoreError> {
    let select = "SELECT * FROM crosswalk WHERE what = $1 AND target = $2 ORDER BY id_type, id";
    reader.rows(select, &values![number(what), target], crosswalk_row).await
}

fn crosswalk_row(row: &impl StoredRow) -> Result<CrosswalkRow, sqlx::Error> {
    Ok(CrosswalkRow {
        what: named(row.column("what")?)?,
        id_type: row.column("id_type")?,
        id: row.column("id")?,
        target: row.column("target")?,
        first: row.column("is_first")?,
    })
}

/// In the order of [`Named`], which the crosswalk is paged by.
fn number(what: Named) -> i64 {
    match what {
        Named::Student => 0,
        Named::School => 1,
    }
}

fn named(stored: i16) -> Result<Named, sqlx::Error> {
    known(
        &[Named::Student, Named::School],
        |what| number(what) == i64::from(stored),
        "a crosswalk row names something that this version does not know",
    )
}
