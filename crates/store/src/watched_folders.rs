//! Tables `watched_folders` and `watched_files`: the folder from which a connection takes files by itself, and what is known of each file it
//! has seen there. A file is written down in the transaction that imports it, so that it is imported once whenever the program dies.

use crate::{
    Result, Scope, Store, StoreError, StoredFailure,
    codec::{Read, instant_code, json},
    commit::{self, Committed, SliceCommit, signed},
    connections,
    runs::{self, NewRun},
    slices::NewSlice,
};
use chrono::{DateTime, Utc};
use model::{
    failure::Failure,
    id::{ConnectionId, RunId},
    run::RunState,
};
use sqlx::{SqliteConnection, sqlite::SqliteRow};
use std::collections::HashMap;

/// A folder from which a connection takes files.
#[derive(Debug, Clone, PartialEq)]
pub struct WatchedFolder {
    /// Whose.
    pub connection_id: ConnectionId,
    /// Where it is, as the person said.
    pub path: String,
    /// Why it cannot be looked into; absent while it can.
    pub failure: Option<StoredFailure>,
}

/// A file that was seen in a folder.
#[derive(Debug, Clone, PartialEq)]
pub struct WatchedFile {
    /// Its name in the folder.
    pub name: String,
    /// Its size in bytes when it was read.
    pub size: u64,
    /// When it had been changed last, to the millisecond.
    pub modified_at: DateTime<Utc>,
    /// SHA-256 of its bytes; `None`: they could not be read.
    pub hash: Option<Vec<u8>>,
    /// Why it was not taken; absent when it was, or when the same bytes were before.
    pub failure: Option<StoredFailure>,
    /// The run that took it, or that failed.
    pub run_id: Option<RunId>,
    /// When this became known.
    pub seen_at: DateTime<Utc>,
}

fn folder(row: &SqliteRow) -> Result<WatchedFolder> {
    Ok(WatchedFolder {
        connection_id: row.word("id")?,
        path: row.value("path")?,
        failure: row.json_or_none("failure")?,
    })
}

fn file(row: &SqliteRow) -> Result<WatchedFile> {
    Ok(WatchedFile {
        name: row.value("name")?,
        size: row.count("size")?,
        modified_at: row.instant("modified_at")?,
        hash: row.value("hash")?,
        failure: row.json_or_none("failure")?,
        run_id: match row.value::<Option<&str>>("run")? {
            Some(_) => Some(row.word("run")?),
            None => None,
        },
        seen_at: row.instant("seen_at")?,
    })
}

async fn write(transaction: &mut SqliteConnection, connection: ConnectionId, file: &WatchedFile) -> Result<()> {
    let num = connections::num_of(&mut *transaction, connection).await?;
    sqlx::query(
        "INSERT INTO watched_files (connection, name, size, modified_at, hash, failure, run, seen_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (connection, name) DO UPDATE SET size = excluded.size, modified_at = excluded.modified_at, hash = excluded.hash,
             failure = excluded.failure, run = excluded.run, seen_at = excluded.seen_at",
    )
    .bind(num)
    .bind(&file.name)
    .bind(signed(file.size))
    .bind(instant_code(file.modified_at))
    .bind(&file.hash)
    .bind(file.failure.as_ref().map(json).transpose()?)
    .bind(file.run_id.map(|run| run.to_string()))
    .bind(instant_code(file.seen_at))
    .execute(transaction)
    .await?;
    Ok(())
}

impl Store {
    /// The folders that are watched, in the order of their connections.
    pub async fn watched_folders(&self, scope: Scope) -> Result<Vec<WatchedFolder>> {
        let rows = sqlx::query(
            "SELECT c.id, f.path, f.failure FROM watched_folders AS f JOIN connections AS c ON c.num = f.connection
             WHERE (?1 IS NULL OR c.client_id = ?1) ORDER BY c.num",
        )
        .bind(scope.bound())
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(folder).collect()
    }

    /// Names the folder of a connection, or lets it have none. A folder that another connection watches is a `Conflict`. What was refused in
    /// the folder before is looked at again; what was taken stays taken.
    pub async fn watch_folder(&self, id: ConnectionId, path: Option<&str>) -> Result<()> {
        self.located(async {
            let mut transaction = self.begin().await?;
            let num = connections::num_of(&mut *transaction, id).await?;
            sqlx::query("DELETE FROM watched_folders WHERE connection = ?")
                .bind(num)
                .execute(&mut *transaction)
                .await?;
            if let Some(path) = path {
                sqlx::query("INSERT INTO watched_folders (connection, path) VALUES (?, ?)")
                    .bind(num)
                    .bind(path)
                    .execute(&mut *transaction)
                    .await
                    .map_err(|error| StoreError::from(error).or_conflict("watched_folder"))?;
            }
            forget_refused(&mut transaction, num).await?;
            transaction.commit().await
        })
        .await
    }

    /// Notes why a folder cannot be looked into, or that it can again.
    pub async fn note_folder(&self, id: ConnectionId, failure: Option<&Failure>) -> Result<()> {
        let failure = failure.map(|failure| json(&StoredFailure::from(failure))).transpose()?;
        self.located(async {
            let note = sqlx::query(
                "UPDATE watched_folders SET failure = ? WHERE connection = (SELECT num FROM connections WHERE id = ?)",
            )
            .bind(failure)
            .bind(id.to_string());
            self.execute(note).await.map(drop)
        })
        .await
    }

    /// What is known of the files of a connection, by name.
    pub async fn watched_files(&self, id: ConnectionId) -> Result<Vec<WatchedFile>> {
        let rows = sqlx::query(
            "SELECT f.* FROM watched_files AS f JOIN connections AS c ON c.num = f.connection WHERE c.id = ? ORDER BY f.name",
        )
        .bind(id.to_string())
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(file).collect()
    }

    /// Why connections with a folder cannot take all that lies in it: the folder itself, else the first file that was refused. A
    /// connection whose folder is in order is in the answer, too.
    pub async fn folder_failures(&self, scope: Scope) -> Result<HashMap<ConnectionId, Option<StoredFailure>>> {
        let rows = sqlx::query(
            "SELECT c.id, coalesce(f.failure, (SELECT w.failure FROM watched_files AS w
                 WHERE w.connection = f.connection AND w.failure IS NOT NULL ORDER BY w.name LIMIT 1)) AS failure
             FROM watched_folders AS f JOIN connections AS c ON c.num = f.connection
             WHERE (?1 IS NULL OR c.client_id = ?1)",
        )
        .bind(scope.bound())
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(|row| Ok((row.word("id")?, row.json_or_none("failure")?))).collect()
    }

    /// Writes down a file of which nothing is imported: its bytes were taken before.
    pub async fn note_file(&self, id: ConnectionId, file: &WatchedFile) -> Result<()> {
        self.located(async {
            let mut transaction = self.begin().await?;
            write(&mut transaction, id, file).await?;
            transaction.commit().await
        })
        .await
    }

    /// Imports a file: its run, its rows, and that it was taken, in one transaction.
    pub async fn take_file(
        &self,
        run: &NewRun,
        slice: &NewSlice,
        rows: SliceCommit,
        file: &WatchedFile,
    ) -> Result<Committed> {
        self.located(async {
            let mut transaction = self.begin().await?;
            let committed = commit::whole_run(&mut transaction, run, slice, rows).await?;
            write(&mut transaction, run.connection_id, file).await?;
            transaction.commit().await?;
            Ok(committed)
        })
        .await
    }

    /// Notes that a file was not taken: a run that failed, and why, in one transaction. Data stay as they are.
    pub async fn refuse_file(&self, run: &NewRun, failure: &Failure, file: &WatchedFile) -> Result<()> {
        self.located(async {
            let mut transaction = self.begin().await?;
            let num = runs::insert(&mut transaction, run).await?;
            runs::put_down(&mut transaction, num, RunState::Failed, Some(failure), file.seen_at).await?;
            write(&mut transaction, run.connection_id, file).await?;
            transaction.commit().await
        })
        .await
    }

    /// Forgets files that were refused and are gone from the folder: nothing of them is left to mend.
    pub async fn forget_files(&self, id: ConnectionId, names: &[&str]) -> Result<()> {
        self.located(async {
            let mut transaction = self.begin().await?;
            let num = connections::num_of(&mut *transaction, id).await?;
            for name in names {
                sqlx::query("DELETE FROM watched_files WHERE connection = ? AND name = ? AND failure IS NOT NULL")
                    .bind(num)
                    .bind(*name)
                    .execute(&mut *transaction)
                    .await?;
            }
            transaction.commit().await
        })
        .await
    }

    /// Forgets what was refused, so that it is looked at again: the person has said anew what the columns are.
    pub async fn forget_refused_files(&self, id: ConnectionId) -> Result<()> {
        self.located(async {
            let mut transaction = self.begin().await?;
            let num = connections::num_of(&mut *transaction, id).await?;
            forget_refused(&mut transaction, num).await?;
            transaction.commit().await
        })
        .await
    }
}

async fn forget_refused(transaction: &mut SqliteConnection, connection: i64) -> Result<()> {
    sqlx::query("DELETE FROM watched_files WHERE connection = ? AND failure IS NOT NULL")
        .bind(connection)
        .execute(transaction)
        .await?;
    Ok(())
}
