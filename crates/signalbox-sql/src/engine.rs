//! SQLite or PostgreSQL, for statements that both understand: what is alike in both is written once, on these traits.
//!
//! Such a statement names what it is given `$1`, `$2` and so on. Its numbers are read as `i64` where both have to agree
//! (`CAST(id AS BIGINT) AS id`: PostgreSQL's ids are shorter), and it says `LIMIT $1 + 0` for SQLite's sake (see
//! `sqlite/statement.rs`).

mod slices;

use std::ops::DerefMut;

use signalbox_store::StoreError;
use uuid::Uuid;

use crate::stored::StoredRow;
pub(crate) use slices::slices;

/// A database that is open.
pub(crate) trait Engine: Send + Sync {
    type Connection: Connection;
    type Reader: DerefMut<Target = Self::Connection> + Send;
    /// Dropped without [`Engine::commit`], it writes nothing.
    type Transaction: DerefMut<Target = Self::Connection> + Send;

    /// A connection to read with.
    fn reader(&self) -> impl Future<Output = Result<Self::Reader, StoreError>> + Send;

    /// Begins a transaction.
    fn write(&self) -> impl Future<Output = Result<Self::Transaction, StoreError>> + Send;

    /// Begins a transaction with the row that `select` finds. If there is one, nobody else writes it until the
    /// transaction ends; whoever has it is waited for, and then `select` decides by what they left.
    fn write_holding<T: Send>(
        &self,
        select: &'static str,
        values: &[Value<'_>],
        read: fn(&<Self::Connection as Connection>::Row) -> Result<T, sqlx::Error>,
    ) -> impl Future<Output = Result<(Self::Transaction, Option<T>), StoreError>> + Send;

    /// Ends a transaction. [`StoreError::Unknown`]: it may have been written, and it may not.
    fn commit(transaction: Self::Transaction) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// A connection to either database. What writes is called inside a transaction: whatever fails was not written.
pub(crate) trait Connection: Send {
    type Row: StoredRow;

    fn rows<T: Send>(
        &mut self,
        statement: &'static str,
        values: &[Value<'_>],
        read: fn(&Self::Row) -> Result<T, sqlx::Error>,
    ) -> impl Future<Output = Result<Vec<T>, StoreError>> + Send;

    /// The first row, if there is any.
    fn row<T: Send>(
        &mut self,
        statement: &'static str,
        values: &[Value<'_>],
        read: fn(&Self::Row) -> Result<T, sqlx::Error>,
    ) -> impl Future<Output = Result<Option<T>, StoreError>> + Send;

    /// How many rows it changed.
    fn execute(
        &mut self,
        statement: &'static str,
        values: &[Value<'_>],
    ) -> impl Future<Output = Result<u64, StoreError>> + Send;

    /// `before ($1, $2), ($3, $4) after`, in their order, with as many rows to a statement as do well. How many it changed.
    fn execute_rows<const COLUMNS: usize>(
        &mut self,
        before: &'static str,
        rows: &[[Value<'_>; COLUMNS]],
        after: &'static str,
    ) -> impl Future<Output = Result<u64, StoreError>> + Send;

    /// Deletes the rows of `table` whose columns of these names are so, in this order.
    fn delete_rows<const COLUMNS: usize>(
        &mut self,
        table: &'static str,
        columns: [&'static str; COLUMNS],
        rows: &[[Value<'_>; COLUMNS]],
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// What a statement is given.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Value<'a> {
    Bool(bool),
    Number(Option<i64>),
    Text(Option<&'a str>),
    Bytes(Option<&'a [u8]>),
    Uuid(Option<Uuid>),
}

/// What a statement is given, in the order of `$1`, `$2` and so on.
macro_rules! values {
    ($($value:expr),* $(,)?) => { [$($crate::engine::Value::from($value)),*] };
}
pub(crate) use values;

impl From<bool> for Value<'_> {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value<'_> {
    fn from(value: i64) -> Self {
        Self::Number(Some(value))
    }
}

impl From<Option<i64>> for Value<'_> {
    fn from(value: Option<i64>) -> Self {
        Self::Number(value)
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(value: &'a str) -> Self {
        Self::Text(Some(value))
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(value: &'a String) -> Self {
        Self::Text(Some(value))
    }
}

impl<'a> From<Option<&'a str>> for Value<'a> {
    fn from(value: Option<&'a str>) -> Self {
        Self::Text(value)
    }
}

impl<'a> From<&'a Option<String>> for Value<'a> {
    fn from(value: &'a Option<String>) -> Self {
        Self::Text(value.as_deref())
    }
}

impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(value: &'a [u8]) -> Self {
        Self::Bytes(Some(value))
    }
}

impl<'a> From<Option<&'a [u8]>> for Value<'a> {
    fn from(value: Option<&'a [u8]>) -> Self {
        Self::Bytes(value)
    }
}

impl From<Uuid> for Value<'_> {
    fn from(value: Uuid) -> Self {
        Self::Uuid(Some(value))
    }
}

impl From<Option<Uuid>> for Value<'_> {
    fn from(value: Option<Uuid>) -> Self {
        Self::Uuid(value)
    }
}
