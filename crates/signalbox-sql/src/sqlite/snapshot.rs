//! A copy of a database file while it is in use.

use std::path::Path;

use signalbox_store::StoreError;
use sqlx::Connection;

use super::db::Db;
use super::refusal::refusal;

/// Writes the last commit to a new file at `path`. A reader's view of the file is copied, so writing goes on beside it.
pub(super) async fn write(db: &Db, path: &Path) -> Result<(), StoreError> {
    let path =
        path.to_str().ok_or_else(|| StoreError::Failed("the path of a snapshot is not UTF-8".into()))?;
    // To SQLite, filling a new file is writing too: readers may not.
    let mut reader = db.apart().await.map_err(refusal)?;
    sqlx::query("VACUUM INTO ?").bind(path).execute(&mut reader).await.map_err(refusal)?;
    reader.close().await.map_err(refusal)
}
