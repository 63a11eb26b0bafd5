//! Copies of the database: made before each upgrade and whenever somebody asks, encrypted with the same key, the newest five kept.
//!
//! A copy is made with `VACUUM INTO`, which under SQLCipher keeps the key (a test opens the copy and reads its bytes). Deleting a client
//! destroys its key in the copies too; otherwise an old copy would bring its credentials back to life.

use crate::{Result, Store, StoreError};
use chrono::Utc;
use model::id::ClientId;
use sqlx::{ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// How many are kept.
pub const KEPT: usize = 5;

impl Store {
    /// Makes a backup now and returns where it is.
    pub async fn back_up(&self) -> Result<PathBuf> {
        self.located(async {
            let mut connection = self.writer.acquire().await?;
            let schema: i64 =
                sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations").fetch_one(&mut *connection).await?;
            write(&self.path, &mut connection, schema).await
        })
        .await
    }

    /// The backups beside this database, newest first.
    pub fn backups(&self) -> Vec<PathBuf> {
        list(&self.path)
    }

    /// Destroys a client's key in every backup; returns in how many it was.
    pub(crate) async fn shred_in_backups(&self, client: ClientId) -> Result<u32> {
        let mut found = 0;
        for backup in list(&self.path) {
            match shred(&self.connect, &backup, client).await {
                Ok(keys) => found += u32::from(keys > 0),
                // A copy that does not open with the workspace's key gives no key to anybody.
                Err(StoreError::Damaged { detail, .. }) => {
                    tracing::warn!(%detail, backup = %backup.display(), "a backup is damaged; no key can be read from it");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }
}

async fn shred(connect: &SqliteConnectOptions, backup: &Path, client: ClientId) -> Result<u64> {
    let mut connection = connect.clone().filename(backup).pragma("secure_delete", "ON").connect().await?;
    let done = sqlx::query("DELETE FROM client_keys WHERE client_id = ?")
        .bind(client.to_string())
        .execute(&mut connection)
        .await?;
    connection.close().await?;
    Ok(done.rows_affected())
}

fn folder(path: &Path) -> PathBuf {
    path.parent().unwrap_or(Path::new(".")).join("backups")
}

/// Copies the database of this connection into the folder of backups and removes the oldest beyond [`KEPT`].
pub(crate) async fn write(path: &Path, connection: &mut SqliteConnection, schema: i64) -> Result<PathBuf> {
    let folder = folder(path);
    fs::create_dir_all(&folder).map_err(|error| StoreError::file(&folder, error))?;
    // Microseconds, so that names of one second sort and do not meet.
    let name = format!("{}-v{schema}.db", Utc::now().format("%Y%m%dT%H%M%S%6fZ"));
    let (target, part) = (folder.join(&name), folder.join(format!("{name}.part")));
    let text = part.to_str().ok_or_else(|| {
        StoreError::file(&part, std::io::Error::new(std::io::ErrorKind::InvalidInput, "the path is not Unicode"))
    })?;
    // What a crash in the middle of an earlier copy left.
    for left in files(path, "part") {
        fs::remove_file(&left).map_err(|error| StoreError::file(&left, error))?;
    }
    let copied = sqlx::query("VACUUM INTO ?").bind(text.to_owned()).execute(connection).await;
    if let Err(error) = copied {
        // Best effort: the error worth telling is why the copy failed.
        let _ = fs::remove_file(&part);
        return Err(match StoreError::from(error) {
            StoreError::DiskFull { .. } => StoreError::DiskFull { path: Some(target) },
            other => other,
        });
    }
    fs::rename(&part, &target).map_err(|error| StoreError::file(&target, error))?;
    for old in list(path).into_iter().skip(KEPT) {
        fs::remove_file(&old).map_err(|error| StoreError::file(&old, error))?;
    }
    Ok(target)
}

/// Newest first: the names begin with the time.
fn list(path: &Path) -> Vec<PathBuf> {
    let mut backups = files(path, "db");
    backups.sort_unstable_by(|a, b| b.cmp(a));
    backups
}

fn files(path: &Path, extension: &str) -> Vec<PathBuf> {
    fs::read_dir(folder(path))
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|file| file.extension().is_some_and(|found| found == extension))
        .collect()
}

/// The newest backup that opens with the key and is whole.
pub(crate) async fn newest_good(path: &Path, connect: &SqliteConnectOptions) -> Option<PathBuf> {
    for backup in list(path) {
        if is_good(connect, &backup).await {
            return Some(backup);
        }
    }
    None
}

async fn is_good(connect: &SqliteConnectOptions, backup: &Path) -> bool {
    let Ok(mut connection) = connect.clone().filename(backup).pragma("query_only", "ON").connect().await else {
        return false;
    };
    let schema: std::result::Result<Option<i64>, _> =
        sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations").fetch_one(&mut connection).await;
    let checked: std::result::Result<Vec<String>, _> =
        sqlx::query_scalar("PRAGMA quick_check").fetch_all(&mut connection).await;
    schema.is_ok() && checked.is_ok_and(|lines| lines == ["ok"]) && connection.close().await.is_ok()
}
