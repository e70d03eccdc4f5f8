//! Statements for many rows at once: each column is one array where time matters most, else each row a list.

/// Rows of one statement of arrays, at most: more gains nothing.
pub(super) const ROWS_AT_ONCE: usize = 2_000;

/// A column of the rows.
pub(super) fn column<'a, R, T>(rows: &'a [R], of: impl Fn(&'a R) -> T) -> Vec<T> {
    rows.iter().map(of).collect()
}

/// `before ($1,$2,$3),($4,$5,$6) after`: `rows` rows of `columns` parameters.
pub(super) fn of_rows(before: &str, rows: usize, columns: usize, after: &str) -> String {
    let row = |row: usize| {
        let parameters: Vec<String> =
            (1..=columns).map(|column| format!("${}", row * columns + column)).collect();
        format!("({})", parameters.join(","))
    };
    let rows: Vec<String> = (0..rows).map(row).collect();
    format!("{before} {} {after}", rows.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_numbered_on() {
        assert_eq!(of_rows("VALUES", 2, 2, ""), "VALUES ($1,$2),($3,$4) ");
    }
}
