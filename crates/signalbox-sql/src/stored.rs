//! What stands in a row, in the words of the stores: the same for both databases.

mod state;

use sqlx::{ColumnIndex, Decode, Row, Type};
use uuid::Uuid;

pub(crate) use state::{PositionColumns, position, state_row};

/// A column by its name, as a type that the database has.
pub(crate) trait Column<T> {
    fn column(&self, name: &'static str) -> Result<T, sqlx::Error>;
}

impl<R, T> Column<T> for R
where
    R: Row,
    &'static str: ColumnIndex<R>,
    T: for<'row> Decode<'row, R::Database> + Type<R::Database>,
{
    fn column(&self, name: &'static str) -> Result<T, sqlx::Error> {
        self.try_get(name)
    }
}

/// A row of either database.
pub(crate) trait StoredRow:
    Column<bool>
    + Column<i16>
    + Column<i32>
    + Column<i64>
    + Column<String>
    + Column<Uuid>
    + Column<Vec<u8>>
    + Column<Option<i64>>
    + Column<Option<String>>
    + Column<Option<Uuid>>
    + Column<Option<Vec<u8>>>
{
    /// A number that is never negative.
    fn count(&self, name: &'static str) -> Result<u64, sqlx::Error> {
        let stored: i64 = self.column(name)?;
        Ok(stored as u64)
    }
}

impl StoredRow for sqlx::sqlite::SqliteRow {}
#[cfg(feature = "postgres")]
impl StoredRow for sqlx::postgres::PgRow {}

/// A limit, or the number of a row, as both databases take it.
pub(crate) fn limit(max: usize) -> i64 {
    i64::try_from(max).unwrap_or(i64::MAX)
}

/// The one of `all` that is stored so.
pub(crate) fn known<T: Copy>(
    all: &[T],
    is_stored_so: impl Fn(T) -> bool,
    unknown: &'static str,
) -> Result<T, sqlx::Error> {
    all.iter().copied().find(|one| is_stored_so(*one)).ok_or_else(|| sqlx::Error::Decode(unknown.into()))
}
