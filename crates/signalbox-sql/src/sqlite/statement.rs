//! Statements for many rows at once: row by row, most of the time goes into calls, not into SQLite.
//!
//! A bare `LIMIT ?` makes SQLite prepare the statement anew for each value (its planner looks at it): it is `LIMIT ? + 0`
//! everywhere here.

use sqlx::AssertSqlSafe;
use sqlx::query::Query;
use sqlx::sqlite::{Sqlite, SqliteArguments};

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
    fn placeholders_are_put_together() {
        assert_eq!(joined(&format!("({})", list(2)), 3), "(?,?),(?,?),(?,?)");
    }
}
