//! What the hub wrote down, by name.

use signalbox_store::StoreError;

use crate::engine::{Connection, values};
use crate::stored::Column;

pub(super) async fn find(connection: &mut impl Connection, name: &str) -> Result<Option<String>, StoreError> {
    let select = "SELECT value FROM note WHERE name = $1";
    connection.row(select, &values![name], |row| row.column("value")).await
}

pub(super) async fn save(
    connection: &mut impl Connection,
    name: &str,
    value: &str,
) -> Result<(), StoreError> {
    let save = "INSERT INTO note (name, value) VALUES ($1, $2)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    connection.execute(save, &values![name, value]).await?;
    Ok(())
}

/// Unless there is one: what is written down from then on.
pub(super) async fn remember(
    connection: &mut impl Connection,
    name: &str,
    value: &str,
) -> Result<String, StoreError> {
    let insert = "INSERT INTO note (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    connection.execute(insert, &values![name, value]).await?;
    let first = find(connection, name).await?;
    first.ok_or_else(|| StoreError::Failed("a note is not there that was just written".into()))
}
