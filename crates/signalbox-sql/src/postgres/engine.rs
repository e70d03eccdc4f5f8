//! PostgreSQL as an engine of statements that both databases understand.

use signalbox_store::StoreError;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgPool, PgRow};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, PgConnection, Postgres, Transaction};

use super::refusal::{self, refusal};
use super::statement::of_rows;
use crate::engine::{Connection, Engine, Value, slices};

impl Engine for PgPool {
    type Connection = PgConnection;
    type Reader = PoolConnection<Postgres>;
    type Transaction = Transaction<'static, Postgres>;

    async fn reader(&self) -> Result<Self::Reader, StoreError> {
        self.acquire().await.map_err(refusal)
    }

    async fn write(&self) -> Result<Self::Transaction, StoreError> {
        self.begin().await.map_err(refusal)
    }

    async fn write_holding<T: Send>(
        &self,
        select: &'static str,
        values: &[Value<'_>],
        read: fn(&PgRow) -> Result<T, sqlx::Error>,
    ) -> Result<(Self::Transaction, Option<T>), StoreError> {
        let mut transaction = self.begin().await.map_err(refusal)?;
        // No value ever becomes part of a statement.
        let select = sqlx::query(AssertSqlSafe(format!("{select} FOR UPDATE")));
        let row = bound(select, values).fetch_optional(&mut *transaction).await;
        let found = row.and_then(|row| row.as_ref().map(read).transpose()).map_err(refusal)?;
        Ok((transaction, found))
    }

    async fn commit(transaction: Self::Transaction) -> Result<(), StoreError> {
        refusal::commit(transaction).await
    }
}

impl Connection for PgConnection {
    type Row = PgRow;

    async fn rows<T: Send>(
        &mut self,
        statement: &'static str,
        values: &[Value<'_>],
        read: fn(&PgRow) -> Result<T, sqlx::Error>,
    ) -> Result<Vec<T>, StoreError> {
        let rows = bound(sqlx::query(statement), values).fetch_all(self).await;
        rows.and_then(|rows| rows.iter().map(read).collect()).map_err(refusal)
    }

    async fn row<T: Send>(
        &mut self,
        statement: &'static str,
        values: &[Value<'_>],
        read: fn(&PgRow) -> Result<T, sqlx::Error>,
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
            let statement = sqlx::query(AssertSqlSafe(of_rows(before, slice.len(), COLUMNS, after)));
            let query = bound(statement, slice.as_flattened());
            changed += query.execute(&mut *self).await.map_err(refusal)?.rows_affected();
        }
        Ok(changed)
    }

    async fn delete_rows<const COLUMNS: usize>(
        &mut self,
        table: &'static str,
        columns: [&'static str; COLUMNS],
        rows: &[[Value<'_>; COLUMNS]],
    ) -> Result<(), StoreError> {
        let delete = format!("DELETE FROM {table} USING (VALUES");
        let of_table = columns.map(|column| format!("{table}.{column}")).join(", ");
        let gone = columns.map(|column| format!("gone.{column}")).join(", ");
        let so = format!(") AS gone ({}) WHERE ({of_table}) = ({gone})", columns.join(", "));
        for slice in slices(rows) {
            let statement = sqlx::query(AssertSqlSafe(of_rows(&delete, slice.len(), COLUMNS, &so)));
            bound(statement, slice.as_flattened()).execute(&mut *self).await.map_err(refusal)?;
        }
        Ok(())
    }
}

type Statement = Query<'static, Postgres, PgArguments>;

fn bound(statement: Statement, values: &[Value<'_>]) -> Statement {
    values.iter().fold(statement, |statement, value| match *value {
        Value::Bool(value) => statement.bind(value),
        Value::Number(value) => statement.bind(value),
        Value::Text(value) => statement.bind(value),
        Value::Bytes(value) => statement.bind(value),
        Value::Uuid(value) => statement.bind(value),
    })
}
