//! Rows on their way from SQLite to PostgreSQL, column by column.

use sqlx::query::Query;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, PgConnection, Postgres, Row};
use uuid::Uuid;

use super::table::{Kind, Table};
use crate::postgres::statement::ROWS_AT_ONCE;

/// Bytes of texts and blobs of one statement, about: some rows are a page long.
const BYTES_AT_ONCE: usize = 4 << 20;

/// Rows to be written by one statement.
pub(super) struct Batch {
    table: &'static Table,
    columns: Vec<Values>,
    rows: usize,
    bytes: usize,
}

/// The values of a column.
enum Values {
    Int2(Vec<Option<i16>>),
    Int4(Vec<Option<i32>>),
    Int8(Vec<Option<i64>>),
    Bool(Vec<Option<bool>>),
    Text(Vec<Option<String>>),
    Bytes(Vec<Option<Vec<u8>>>),
    Uuid(Vec<Option<Uuid>>),
}

impl Batch {
    pub(super) fn of(table: &'static Table) -> Self {
        Self { table, columns: empty(table), rows: 0, bytes: 0 }
    }

    pub(super) fn push(&mut self, row: &SqliteRow) -> Result<(), sqlx::Error> {
        for (index, values) in self.columns.iter_mut().enumerate() {
            self.bytes += values.push(row, index)?;
        }
        self.rows += 1;
        Ok(())
    }

    pub(super) const fn is_full(&self) -> bool {
        self.rows >= ROWS_AT_ONCE || self.bytes >= BYTES_AT_ONCE
    }

    /// Writes what there is and begins anew. Answers how many rows it was.
    pub(super) async fn write(&mut self, target: &mut PgConnection) -> Result<u64, sqlx::Error> {
        if self.rows == 0 {
            return Ok(0);
        }
        let full = std::mem::replace(self, Self::of(self.table));
        let insert = sqlx::query(AssertSqlSafe(full.table.insert()));
        let insert = full.columns.into_iter().fold(insert, |insert, values| values.bind(insert));
        Ok(insert.execute(target).await?.rows_affected())
    }
}

fn empty(table: &Table) -> Vec<Values> {
    let empty = |kind| match kind {
        Kind::Int2 => Values::Int2(Vec::new()),
        Kind::Int4 => Values::Int4(Vec::new()),
        Kind::Int8 => Values::Int8(Vec::new()),
        Kind::Bool => Values::Bool(Vec::new()),
        Kind::Text => Values::Text(Vec::new()),
        Kind::Bytes => Values::Bytes(Vec::new()),
        Kind::Uuid => Values::Uuid(Vec::new()),
    };
    table.columns.iter().map(|column| empty(column.kind)).collect()
}

type Insert = Query<'static, Postgres, sqlx::postgres::PgArguments>;

impl Values {
    /// How many bytes it took, beyond a few.
    fn push(&mut self, row: &SqliteRow, index: usize) -> Result<usize, sqlx::Error> {
        match self {
            Self::Int2(values) => values.push(row.try_get(index)?),
            Self::Int4(values) => values.push(row.try_get(index)?),
            Self::Int8(values) => values.push(row.try_get(index)?),
            Self::Bool(values) => values.push(row.try_get(index)?),
            Self::Text(values) => {
                let value: Option<String> = row.try_get(index)?;
                let bytes = value.as_ref().map_or(0, String::len);
                values.push(value);
                return Ok(bytes);
            }
            Self::Bytes(values) => {
                let value: Option<Vec<u8>> = row.try_get(index)?;
                let bytes = value.as_ref().map_or(0, Vec::len);
                values.push(value);
                return Ok(bytes);
            }
            Self::Uuid(values) => {
                let value: Option<&[u8]> = row.try_get(index)?;
                let value = value.map(Uuid::from_slice).transpose();
                values.push(value.map_err(|error| sqlx::Error::Decode(error.into()))?);
            }
        }
        Ok(0)
    }

    fn bind(self, insert: Insert) -> Insert {
        match self {
            Self::Int2(values) => insert.bind(values),
            Self::Int4(values) => insert.bind(values),
            Self::Int8(values) => insert.bind(values),
            Self::Bool(values) => insert.bind(values),
            Self::Text(values) => insert.bind(values),
            Self::Bytes(values) => insert.bind(values),
            Self::Uuid(values) => insert.bind(values),
        }
    }
}
