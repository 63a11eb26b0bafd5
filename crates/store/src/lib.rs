//! The workspace database: encrypted SQLite (SQLCipher) through sqlx, and the only room that contains SQL for it.
//!
//! One file per table: its row type, its reads and its writes together. What crosses tables has a file of its own: [`commit`] (a slice
//! of statistics, all or nothing; records and their state have the same in [`records`]) and [`backup`]. Types here are plain; the surface has wire types of its own.
//!
//! Invariants this room keeps. A window is replaced in one transaction or not at all. A failed slice leaves old data alone. Committing a
//! slice twice changes nothing. Totals come from `daily_rollups` and `monthly_rollups`, which always equal a recomputation from `campaign_stats`. What the
//! program on duty writes is written only while it is on duty ([`lease`]). Nothing readable is ever on disk: database, log and backups are encrypted, and temporary tables stay in memory.

pub mod ad_objects;
pub mod alert_facts;
pub mod alert_rules;
pub mod alerts;
pub mod anomaly_feedback;
pub mod audit_log;
pub mod backup;
mod bulk;
pub mod campaign_stats;
pub mod channel_deliveries;
pub mod channels;
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
pub mod lease;
mod monthly_objects;
mod monthly_rollups;
mod open;
pub mod plans;
pub mod quarantine;
pub mod records;
pub mod request_budgets;
pub mod request_log;
pub mod run_log;
pub mod runs;
pub mod sign_ins;
pub mod slices;
mod staged_records;
mod staged_stats;
pub mod standing_days;
pub mod stat_cells;
mod stream_states;
mod streams;
pub mod tellings;
pub mod templates;
pub mod traffic;
pub mod turns;
pub mod waits;
pub mod watched_folders;
pub mod workspace;

pub use codec::StoredFailure;
pub use error::{Result, StoreError};
pub use open::{Options, Report};

use model::id::ClientId;
use sqlx::{Sqlite, SqlitePool, Transaction, sqlite::SqliteConnectOptions};
use std::{
    fmt,
    path::Path,
    sync::{Arc, atomic::AtomicI64},
};

/// An open workspace database. Cheap to clone; the share in the file is held until one of them is closed or the last is gone.
#[derive(Clone)]
pub struct Store {
    path: Arc<Path>,
    /// Holds the key, therefore never printed.
    connect: Arc<SqliteConnectOptions>,
    /// One connection: writes of this program queue here, those of others are waited for. Changes go through [`Store::begin`].
    writer: SqlitePool,
    /// Several, which see the last committed state while the writer works.
    readers: SqlitePool,
    lock: Arc<open::Lock>,
    /// Whether the file has a table of the lease.
    leased: bool,
    /// How many changes this program has made.
    written: Arc<AtomicI64>,
    /// Of a handle of the program on duty.
    duty: Option<Arc<lease::Duty>>,
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

    /// A transaction that writes. `IMMEDIATE`, so that it never has to be upgraded from a read, which could fail in its middle.
    async fn transaction(&self) -> Result<Transaction<'static, Sqlite>> {
        Ok(self.writer.begin_with("BEGIN IMMEDIATE").await?)
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
