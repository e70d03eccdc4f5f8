//! Statements for many rows at once: row by row, most of the time goes into calls, not into SQLite.
//!
//! A bare `LIMIT ?` makes SQLite prepare the statement anew for each value (its planner looks at it): it is `LIMIT ? + 0`
//! everywhere here.

use sqlx::AssertSqlSafe;
use sqlx::query::Query;
use sqlx::sqlite::{Sqlite, SqliteArguments};

/// How many rows a statement takes. Few sizes, so that a connection prepares few statements and keeps them; the
/// largest stays well under SQLite's 32,766 parameters.
const SIZES: [usize; 6] = [512, 64, 8, 4, 2, 1];

/// Cuts rows into slices of the sizes that statements are made for, the largest first.
pub(super) fn slices<T>(mut rows: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let size = SIZES.into_iter().find(|size| *size <= rows.len())?;
        let (slice, rest) = rows.split_at(size);
        rows = rest;
        Some(slice)
    })
}

/// `before (?,?,?),(?,?,?) after`: `rows` rows of `columns` parameters.
pub(super) fn of_rows(
    before: &str,
    rows: usize,
    columns: usize,
    after: &str,
) -> Query<'static, Sqlite, SqliteArguments> {
    let row = format!("({})", list(columns));
    // Only placeholders are put together here: no value ever becomes part of a statement.
    sqlx::query(AssertSqlSafe(format!("{before} {} {after}", joined(&row, rows))))
}

/// `before (?,?,?) after`: one list of `length` parameters.
pub(super) fn of_list(before: &str, length: usize, after: &str) -> Query<'static, Sqlite, SqliteArguments> {
    of_rows(before, 1, length, after)
}

fn list(length: usize) -> String {
    joined("?", length)
}

fn joined(item: &str, times: usize) -> String {
    let mut text = format!("{item},").repeat(times);
    text.pop();
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_hold_every_row_once_in_few_sizes() {
        for length in [0, 1, 7, 8, 63, 577, 1_337] {
            let rows: Vec<usize> = (0..length).collect();
            let slices: Vec<&[usize]> = slices(&rows).collect();
            assert_eq!(slices.concat(), rows);
            assert!(slices.iter().all(|slice| SIZES.contains(&slice.len())));
        }
    }

    #[test]
    fn placeholders_are_put_together() {
        assert_eq!(joined(&format!("({})", list(2)), 3), "(?,?),(?,?),(?,?)");
    }
}
