//! The workspace database: encrypted SQLite (SQLCipher) through sqlx, and the only room that contains SQL for it.
//!
//! One file per table: its row type, its reads and its writes together. What crosses tables has a file of its own: [`commit`] (a slice
//! of statistics, all or nothing; records and their state have the same in [`records`]) and [`backup`]. Types here are plain; the surface has wire types of its own.
//!
//! Invariants this room keeps. A window is replaced in one transaction or not at all. A failed slice leaves old data alone. Committing a
//! slice twice changes nothing. Totals come from `daily_rollups`, which always equal a recomputation from `campaign_stats`. One process
//! at a time has the file. Nothing readable is ever on disk: database, log and backups are encrypted, and temporary tables stay in memory.

pub mod ad_objects;
pub mod alert_rules;
pub mod alerts;
pub mod audit_log;
pub mod backup;
mod bulk;
pub mod campaign_stats;
mod client_keys;
pub mod clients;
mod codec;
pub mod commit;
pub mod connections;
pub mod cursors;
pub mod daily_rollups;
pub mod day_reads;
pub mod day_totals;
pub mod drifts;
mod error;
pub mod imported_connectors;
mod open;
pub mod quarantine;
pub mod records;
pub mod request_budgets;
pub mod request_log;
pub mod run_log;
pub mod runs;
pub mod slices;
mod staged_records;
mod staged_stats;
mod stream_states;
mod streams;
pub mod tellings;
pub mod turns;
pub mod waits;
pub mod workspace;

pub use codec::StoredFailure;
pub use error::{Result, StoreError};
pub use open::{Options, Report};
pub use streams::StreamChoice;

use model::id::ClientId;
use sqlx::{Sqlite, SqlitePool, Transaction, sqlite::SqliteConnectOptions};
use std::{fmt, path::Path, sync::Arc};

/// An open workspace database. Cheap to clone; the lock on the file is held until one of them is closed or the last is gone.
#[derive(Clone)]
pub struct Store {
    path: Arc<Path>,
    /// Holds the key, therefore never printed.
    connect: Arc<SqliteConnectOptions>,
    /// One connection: writes queue here instead of failing with "busy".
    writer: SqlitePool,
    /// Several, which see the last committed state while the writer works.
    readers: SqlitePool,
    lock: Arc<open::Lock>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Whose rows a read is about. There is no default: a screen about one client names it, and the portfolio says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// One client.
    Client(ClientId),
    /// Every client: the portfolio screens and the scheduler.
    Portfolio,
}

impl Scope {
    /// The value bound to `(?1 IS NULL OR client_id = ?1)`.
    pub(crate) fn bound(self) -> Option<String> {
        match self {
            Self::Client(id) => Some(id.to_string()),
            Self::Portfolio => None,
        }
    }
}

impl Store {
    /// Where the database is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Begins a write. `IMMEDIATE`, so that it never has to be upgraded from a read, which could fail in its middle.
    pub(crate) async fn begin(&self) -> Result<Transaction<'static, Sqlite>> {
        const BEGIN: &str = "BEGIN IMMEDIATE";
        match self.writer.begin_with(BEGIN).await {
            // On a full disk SQLite rolls back by itself, and the driver, which then has nothing to roll back, goes on counting a
            // transaction. Without a new connection nothing could be written until the next start, however much room there is.
            Err(sqlx::Error::InvalidSavePointStatement) => {
                self.writer.acquire().await?.close().await?;
                Ok(self.writer.begin_with(BEGIN).await?)
            }
            begun => Ok(begun?),
        }
    }

    /// Runs a write and completes its error with what a person needs: which disk is full, which backup is good.
    pub(crate) async fn located<T>(&self, work: impl Future<Output = Result<T>> + Send) -> Result<T> {
        match work.await {
            Err(StoreError::DiskFull { path: None }) => {
                Err(StoreError::DiskFull { path: Some(self.path.to_path_buf()) })
            }
            Err(StoreError::Damaged { backup: None, detail }) => {
                Err(StoreError::Damaged { backup: backup::newest_good(&self.path, &self.connect).await, detail })
            }
            other => other,
        }
    }
}
