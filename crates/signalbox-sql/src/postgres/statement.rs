//! Statements for many rows at once: each column is one array.

/// Rows of one statement, at most: more gains nothing.
pub(super) const ROWS_AT_ONCE: usize = 2_000;

/// A column of the rows.
pub(super) fn column<'a, R, T>(rows: &'a [R], of: impl Fn(&'a R) -> T) -> Vec<T> {
    rows.iter().map(of).collect()
}
