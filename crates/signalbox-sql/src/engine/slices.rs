//! How many rows a statement for many of them takes: row by row, most of the time goes into calls, not into the database.

/// Few sizes, so that a connection prepares few statements and keeps them; the largest stays well under the 32,766
/// parameters that SQLite takes (PostgreSQL takes twice as many).
const SIZES: [usize; 6] = [512, 64, 8, 4, 2, 1];

/// Cuts rows into slices of the sizes that statements are made for, the largest first.
pub(crate) fn slices<T>(mut rows: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let size = SIZES.into_iter().find(|size| *size <= rows.len())?;
        let (slice, rest) = rows.split_at(size);
        rows = rest;
        Some(slice)
    })
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
}
