//! Table `waits`: the pauses a run made because a platform's quota was used up. A run has at most one open wait.

use crate::{
    Result, Store, StoreError, StoredFailure,
    codec::{Read, instant_code, json},
    runs,
};
use chrono::{DateTime, Utc};
use model::{failure::Failure, id::RunId};

/// A pause a run made.
#[derive(Debug, Clone, PartialEq)]
pub struct Wait {
    /// Why.
    pub reason: StoredFailure,
    /// From when.
    pub at: DateTime<Utc>,
    /// Until when it was announced.
    pub until: Option<DateTime<Utc>>,
    /// How long it was, in milliseconds; `None` while it lasts.
    pub millis: Option<u64>,
}

impl Store {
    /// A pause begins: the run is `Waiting` until the failure's `retry_at`.
    pub async fn begin_wait(&self, run: RunId, reason: &Failure, at: DateTime<Utc>) -> Result<()> {
        let until = reason.retry_at.map(instant_code);
        let reason = json(&StoredFailure::from(reason))?;
        self.located(async {
            let mut transaction = self.begin().await?;
            let num = runs::num_of(&mut *transaction, run).await?;
            close(&mut transaction, num, at).await?;
            sqlx::query("INSERT INTO waits (run, reason, at, until) VALUES (?, ?, ?, ?)")
                .bind(num)
                .bind(reason)
                .bind(instant_code(at))
                .bind(until)
                .execute(&mut *transaction)
                .await?;
            sqlx::query("UPDATE runs SET state = 'waiting', waiting_until = ? WHERE num = ?")
                .bind(until)
                .bind(num)
                .execute(&mut *transaction)
                .await?;
            transaction.commit().await?;
            Ok(())
        })
        .await
    }

    /// The pause is over: the run is `Running` again.
    pub async fn end_wait(&self, run: RunId, at: DateTime<Utc>) -> Result<()> {
        self.located(async {
            let mut transaction = self.begin().await?;
            let num = runs::num_of(&mut *transaction, run).await?;
            if close(&mut transaction, num, at).await? == 0 {
                return Err(StoreError::NotFound { what: "wait" });
            }
            sqlx::query("UPDATE runs SET state = 'running', waiting_until = NULL WHERE num = ? AND state = 'waiting'")
                .bind(num)
                .execute(&mut *transaction)
                .await?;
            transaction.commit().await?;
            Ok(())
        })
        .await
    }

    /// The pauses of a run, newest first.
    pub async fn waits(&self, run: RunId) -> Result<Vec<Wait>> {
        let rows = sqlx::query(
            "SELECT w.* FROM waits AS w JOIN runs AS r ON r.num = w.run WHERE r.id = ? ORDER BY w.num DESC",
        )
        .bind(run.to_string())
        .fetch_all(&self.readers)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(Wait {
                    reason: row.json("reason")?,
                    at: row.instant("at")?,
                    until: row.instant_or_none("until")?,
                    millis: row.value::<Option<i64>>("millis")?.map(i64::unsigned_abs),
                })
            })
            .collect()
    }
}

/// Ends the open wait of a run, if there is one. A clock that was set back meanwhile gives a wait of nothing.
async fn close(connection: &mut sqlx::SqliteConnection, run: i64, at: DateTime<Utc>) -> Result<u64> {
    let done = sqlx::query("UPDATE waits SET millis = max(0, ?2 - at) WHERE run = ?1 AND millis IS NULL")
        .bind(run)
        .bind(instant_code(at))
        .execute(connection)
        .await?;
    Ok(done.rows_affected())
}
