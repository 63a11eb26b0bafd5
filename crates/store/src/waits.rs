//! Table `waits`: the pauses a run made because a platform's quota was used up. A run has at most one open wait. A short one is waited
//! through by whoever reads; for a long one the run is parked: nobody holds it until its moment has come, also over restarts.

use crate::{
    Result, Store, StoreError, StoredFailure,
    codec::{Read, instant_code, json},
    runs::{self, Wish},
};
use chrono::{DateTime, Utc};
use model::{failure::Failure, id::RunId, run::RunState};

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
            open(&mut transaction, num, &reason, at, until).await?;
            transaction.commit().await
        })
        .await
    }

    /// Parks a run because its platform's quota is used up: it is `Waiting` until `until` and keeps the reason, what it has committed
    /// stays, slices that were being read become pending again. A person who wished something of it meanwhile gets that instead; the
    /// answer is the state it is in now.
    pub async fn park_run(
        &self,
        run: RunId,
        reason: &Failure,
        until: DateTime<Utc>,
        at: DateTime<Utc>,
    ) -> Result<RunState> {
        let told = json(&StoredFailure::from(reason))?;
        self.located(async {
            let mut transaction = self.begin().await?;
            let num = runs::num_of(&mut *transaction, run).await?;
            let state = match runs::wish_of(&mut transaction, num).await? {
                Some(Wish::Stop) => RunState::Stopped,
                Some(Wish::Pause) => RunState::Paused,
                None => RunState::Waiting,
            };
            let kept = (state == RunState::Waiting).then_some(reason);
            runs::put_down(&mut transaction, num, state, kept, at).await?;
            if kept.is_some() {
                open(&mut transaction, num, &told, at, Some(instant_code(until))).await?;
            }
            transaction.commit().await?;
            Ok(state)
        })
        .await
    }

    /// Lets a parked run wait for a place again. Nothing happens to one that is not parked any more.
    pub async fn unpark_run(&self, run: RunId, at: DateTime<Utc>) -> Result<()> {
        self.located(async {
            let mut transaction = self.begin().await?;
            let num = runs::num_of(&mut *transaction, run).await?;
            let set = sqlx::query(
                "UPDATE runs SET state = 'queued', waiting_until = NULL, failure = NULL
                 WHERE num = ? AND state = 'waiting' AND failure IS NOT NULL",
            );
            if set.bind(num).execute(&mut *transaction).await?.rows_affected() > 0 {
                close(&mut transaction, num, at).await?;
            }
            transaction.commit().await
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

/// Begins a wait of a run that has none open.
async fn open(
    connection: &mut sqlx::SqliteConnection,
    run: i64,
    reason: &str,
    at: DateTime<Utc>,
    until: Option<i64>,
) -> Result<()> {
    sqlx::query("INSERT INTO waits (run, reason, at, until) VALUES (?, ?, ?, ?)")
        .bind(run)
        .bind(reason)
        .bind(instant_code(at))
        .bind(until)
        .execute(&mut *connection)
        .await?;
    sqlx::query("UPDATE runs SET state = 'waiting', waiting_until = ? WHERE num = ?")
        .bind(until)
        .bind(run)
        .execute(connection)
        .await?;
    Ok(())
}

/// Ends the open wait of a run, if there is one. A clock that was set back meanwhile gives a wait of nothing.
pub(crate) async fn close(connection: &mut sqlx::SqliteConnection, run: i64, at: DateTime<Utc>) -> Result<u64> {
    let done = sqlx::query("UPDATE waits SET millis = max(0, ?2 - at) WHERE run = ?1 AND millis IS NULL")
        .bind(run)
        .bind(instant_code(at))
        .execute(connection)
        .await?;
    Ok(done.rows_affected())
}
