//! SQLite as an engine of statements that both databases understand.

use signalbox_store::StoreError;
use sqlx::query::Query;
use sqlx::sqlite::{Sqlite, SqliteArguments, SqliteRow};
use sqlx::{AssertSqlSafe, SqliteConnection};

use super::db::{Db, Reader, Write};
use super::refusal::refusal;
use super::statement::{of_list, of_rows};
use crate::engine::{Connection, Engine, Value, slices};

impl Engine for Db {
    type Connection = SqliteConnection;
    type Reader = Reader;
    type Transaction = Write;

    async fn reader(&self) -> Result<Reader, StoreError> {
        Self::reader(self).await.map_err(refusal)
    }

    async fn write(&self) -> Result<Write, StoreError> {
        Self::write(self).await.map_err(refusal)
    }

    /// There is one writer of a file: the transaction itself keeps others out.
    async fn write_holding<T: Send>(
        &self,
        select: &'static str,
        values: &[Value<'_>],
        read: fn(&SqliteRow) -> Result<T, sqlx::Error>,
    ) -> Result<(Write, Option<T>), StoreError> {
        let mut transaction = self.writer().await.map_err(refusal)?;
        // No value ever becomes part of a statement.
        let begin = sqlx::query(AssertSqlSafe(format!("BEGIN IMMEDIATE; {select}")));
        let row = bound(begin, values).fetch_optional(&mut *transaction).await;
        let found = row.and_then(|row| row.as_ref().map(read).transpose()).map_err(refusal)?;
        Ok((transaction, found))
    }

    async fn commit(transaction: Write) -> Result<(), StoreError> {
        transaction.commit().await.map_err(refusal)
    }
}

impl Connection for SqliteConnection {
    type Row = SqliteRow;

    async fn rows<T: Send>(
        &mut self,
        statement: &'static str,
        values: &[Value<'_>],
        read: fn(&SqliteRow) -> Result<T, sqlx::Error>,
    ) -> Result<Vec<T>, StoreError> {
        let rows = bound(sqlx::query(statement), values).fetch_all(self).await;
        rows.and_then(|rows| rows.iter().map(read).collect()).map_err(refusal)
    }

    async fn row<T: Send>(
        &mut self,
        statement: &'static str,
        values: &[Value<'_>],
        read: fn(&SqliteRow) -> Result<T, sqlx::Error>,
    ) -> Result<Option<T>, StoreError> {
        let row = bound(sqlx::query(statement), values).fetch_optional(self).await;
        row.and_then(|row| row.as_ref().map(read).transpose()).map_err(refusal)
    }

    async fn execute(&mut self, statement: &'static str, values: &[Value<'_>]) -> Result<u64, StoreError> {
        let done = bound(sqlx::query(statement), values).execute(self).await.map_err(refusal)?;
        Ok(done.rows_affected())
    }

    async fn execute_rows<const COLUMNS: usize>(
        &mut self,
        before: &'static str,
        rows: &[[Value<'_>; COLUMNS]],
        after: &'static str,
    ) -> Result<u64, StoreError> {
        let mut changed = 0;
        for slice in slices(rows) {
            let query = bound(of_rows(before, slice.len(), COLUMNS, after), slice.as_flattened());
            changed += query.execute(&mut *self).await.map_err(refusal)?.rows_affected();
        }
        Ok(changed)
    }

    /// Row by row: of a list of such rows, SQLite makes a scan of the table.
    async fn delete_rows<const COLUMNS: usize>(
        &mut self,
        table: &'static str,
        columns: [&'static str; COLUMNS],
        rows: &[[Value<'_>; COLUMNS]],
    ) -> Result<(), StoreError> {
        let delete = format!("DELETE FROM {table} WHERE ({}) =", columns.join(", "));
        for row in rows {
            let statement = bound(of_list(&delete, COLUMNS, ""), row);
            statement.execute(&mut *self).await.map_err(refusal)?;
        }
        Ok(())
    }
}

type Statement = Query<'static, Sqlite, SqliteArguments>;

fn bound(statement: Statement, values: &[Value<'_>]) -> Statement {
    values.iter().fold(statement, |statement, value| match *value {
        Value::Bool(value) => statement.bind(value),
        Value::Number(value) => statement.bind(value),
        Value::Text(value) => statement.bind(value),
        Value::Bytes(value) => statement.bind(value),
        Value::Uuid(value) => statement.bind(value),
    })
}
