//! Table `turns`: when each connection is collected next, and how many attempts in a row have failed.

use crate::{
    Result, Scope, Store, StoreError,
    codec::{Read, instant_code},
};
use chrono::{DateTime, Utc};
use model::id::ConnectionId;
use sqlx::{
    Sqlite,
    query::Query,
    sqlite::{SqliteArguments, SqliteRow},
};

/// When a connection is collected next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// Which connection.
    pub connection_id: ConnectionId,
    /// By its schedule; `None` when that is off or was not looked at yet.
    pub next_at: Option<DateTime<Utc>>,
    /// After a failure that time alone may heal.
    pub retry_at: Option<DateTime<Utc>>,
    /// Failed attempts in a row.
    pub failures: u32,
    /// When it was last read as far back as its platform still corrects days.
    pub long_read_at: Option<DateTime<Utc>>,
}

impl Turn {
    /// Of a connection that was never looked at.
    pub fn none(connection_id: ConnectionId) -> Self {
        Self { connection_id, next_at: None, retry_at: None, failures: 0, long_read_at: None }
    }

    /// The nearest time at which it is collected.
    pub fn at(&self) -> Option<DateTime<Utc>> {
        [self.retry_at, self.next_at].into_iter().flatten().min()
    }
}

fn read(row: &SqliteRow) -> Result<Turn> {
    Ok(Turn {
        connection_id: row.word("id")?,
        next_at: row.instant_or_none("next_at")?,
        retry_at: row.instant_or_none("retry_at")?,
        failures: row.small("failures")?,
        long_read_at: row.instant_or_none("long_read_at")?,
    })
}

impl Store {
    /// The turns of all connections; one that was never looked at has neither times nor failures.
    pub async fn turns(&self, scope: Scope) -> Result<Vec<Turn>> {
        let rows = sqlx::query(
            "SELECT c.id, t.next_at, t.retry_at, coalesce(t.failures, 0) AS failures, t.long_read_at
             FROM connections AS c LEFT JOIN turns AS t ON t.connection = c.num
             WHERE (?1 IS NULL OR c.client_id = ?1) ORDER BY c.num",
        )
        .bind(scope.bound())
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(read).collect()
    }

    /// The turn of one connection.
    pub async fn turn(&self, id: ConnectionId) -> Result<Turn> {
        let row = sqlx::query(
            "SELECT c.id, t.next_at, t.retry_at, coalesce(t.failures, 0) AS failures, t.long_read_at
             FROM connections AS c LEFT JOIN turns AS t ON t.connection = c.num WHERE c.id = ?",
        )
        .bind(id.to_string())
        .fetch_optional(&self.readers)
        .await?;
        read(&row.ok_or(StoreError::NotFound { what: "connection" })?)
    }

    /// Says when the schedule starts it next.
    pub async fn set_next_turn(&self, id: ConnectionId, next_at: Option<DateTime<Utc>>) -> Result<()> {
        self.change_turn(
            sqlx::query(
                "INSERT INTO turns (connection, next_at) SELECT num, ?2 FROM connections WHERE id = ?1
                 ON CONFLICT (connection) DO UPDATE SET next_at = excluded.next_at",
            )
            .bind(id.to_string())
            .bind(next_at.map(instant_code)),
        )
        .await
    }

    /// Says how the last attempt went: how many have failed in a row, and when to try again before the schedule does.
    pub async fn set_attempts(&self, id: ConnectionId, failures: u32, retry_at: Option<DateTime<Utc>>) -> Result<()> {
        self.change_turn(
            sqlx::query(
                "INSERT INTO turns (connection, failures, retry_at) SELECT num, ?2, ?3 FROM connections WHERE id = ?1
                 ON CONFLICT (connection) DO UPDATE SET failures = excluded.failures, retry_at = excluded.retry_at",
            )
            .bind(id.to_string())
            .bind(i64::from(failures))
            .bind(retry_at.map(instant_code)),
        )
        .await
    }

    /// Says that it was read as far back as its platform still corrects days.
    pub async fn set_long_read(&self, id: ConnectionId, at: DateTime<Utc>) -> Result<()> {
        self.change_turn(
            sqlx::query(
                "INSERT INTO turns (connection, long_read_at) SELECT num, ?2 FROM connections WHERE id = ?1
                 ON CONFLICT (connection) DO UPDATE SET long_read_at = excluded.long_read_at",
            )
            .bind(id.to_string())
            .bind(instant_code(at)),
        )
        .await
    }

    async fn change_turn(&self, change: Query<'_, Sqlite, SqliteArguments>) -> Result<()> {
        self.located(async {
            if self.execute(change).await? == 0 { Err(StoreError::NotFound { what: "connection" }) } else { Ok(()) }
        })
        .await
    }
}
