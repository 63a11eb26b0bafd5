//! Table `runs`: what was read, when and why, how it ended. Counters of a run are recomputed from its slices, so that committing a slice
//! twice counts it once.

use crate::{
    Result, Scope, Store, StoreError, StoredFailure,
    codec::{Read, day_code, instant_code, json},
    slices::{self, NewSlice},
    waits,
};
use chrono::{DateTime, Utc};
use model::{
    date::DateRange,
    failure::Failure,
    id::{ClientId, ConnectionId, RunId},
    run::{Progress, RunState, RunTrigger},
};
use sqlx::{SqliteConnection, SqliteExecutor, sqlite::SqliteRow};

/// A run to begin.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRun {
    /// Identity.
    pub id: RunId,
    /// Of which connection.
    pub connection_id: ConnectionId,
    /// Why.
    pub trigger: RunTrigger,
    /// The days it is to read, when it reads days.
    pub range: Option<DateRange>,
    /// The streams that were asked for; `None`: all that are on.
    pub streams: Option<Vec<String>>,
    /// `Queued`, or `Running` when it begins at once.
    pub state: RunState,
    /// When it was started.
    pub started_at: DateTime<Utc>,
}

/// What a person asks of a run; whoever is on duty does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// To end it.
    Stop,
    /// To hold it until it is resumed.
    Pause,
}

impl Wish {
    fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Pause => "pause",
        }
    }
    fn of(word: &str) -> Self {
        if word == "pause" { Self::Pause } else { Self::Stop }
    }
}

/// A run as it was kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Identity.
    pub id: RunId,
    /// Of which connection.
    pub connection_id: ConnectionId,
    /// Of which client.
    pub client_id: ClientId,
    /// Why.
    pub trigger: RunTrigger,
    /// The days it reads.
    pub range: Option<DateRange>,
    /// The streams that were asked for; `None`: all that are on.
    pub streams: Option<Vec<String>>,
    /// What it does or how it ended.
    pub state: RunState,
    /// What a person asked of it that is not done yet.
    pub wish: Option<Wish>,
    /// When it was started.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// Until when it waits.
    pub waiting_until: Option<DateTime<Utc>>,
    /// How far it is by its finished slices; rate and remaining time are known to the live run only.
    pub progress: Progress,
    /// Why it failed, or why it is parked.
    pub failure: Option<StoredFailure>,
}

impl Run {
    /// Whether it rests until its platform allows more ([`Store::park_run`]). One that waits a little while it reads has no failure.
    pub fn is_parked(&self) -> bool {
        self.state == RunState::Waiting && self.failure.is_some()
    }
}

/// Which runs of the history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RunEnd {
    /// All.
    #[default]
    All,
    /// Failed.
    Failed,
    /// Done, with rows in quarantine.
    Remarks,
}

/// A page of the history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunQuery {
    /// Whose runs.
    pub scope: Scope,
    /// Of one connection, or of all.
    pub connection_id: Option<ConnectionId>,
    /// How they ended.
    pub end: RunEnd,
    /// Only runs created before this one.
    pub before: Option<RunId>,
    /// At most this many.
    pub limit: u32,
}

/// The latest of a connection's runs.
#[derive(Debug, Clone, PartialEq)]
pub struct LatestRun {
    /// Of which connection.
    pub connection_id: ConnectionId,
    /// The newest run, whatever its state.
    pub run: Run,
    /// When the newest successful one ended.
    pub synced_at: Option<DateTime<Utc>>,
}

fn read(row: &SqliteRow) -> Result<Run> {
    Ok(Run {
        id: row.word("id")?,
        connection_id: row.word("connection_id")?,
        client_id: row.word("client_id")?,
        trigger: row.word("started_by")?,
        range: row.range("range_from", "range_to")?,
        streams: row.json_or_none("streams")?,
        state: row.word("state")?,
        wish: row.value::<Option<&str>>("wish")?.map(Wish::of),
        started_at: row.instant("started_at")?,
        ended_at: row.instant_or_none("ended_at")?,
        waiting_until: row.instant_or_none("waiting_until")?,
        progress: Progress {
            slices_done: row.small("slices_done")?,
            slices_total: row.small("slices_total")?,
            rows: row.count("row_count")?,
            quarantined: row.count("quarantined")?,
            requests: row.count("requests")?,
            retries: row.count("retries")?,
            rows_per_sec: None,
            remaining_secs: None,
        },
        failure: row.json_or_none("failure")?,
    })
}

/// The compact number of a run.
pub(crate) async fn num_of(executor: impl SqliteExecutor<'_>, id: RunId) -> Result<i64> {
    let num: Option<i64> =
        sqlx::query_scalar("SELECT num FROM runs WHERE id = ?").bind(id.to_string()).fetch_optional(executor).await?;
    num.ok_or(StoreError::NotFound { what: "run" })
}

/// Recomputes the counters of a run from its slices.
pub(crate) async fn count(connection: &mut SqliteConnection, run: i64) -> Result<()> {
    sqlx::query(
        "UPDATE runs SET (slices_total, slices_done, row_count, quarantined, requests, retries) =
             (SELECT count(*), count(*) FILTER (WHERE state = 'done'), coalesce(sum(row_count), 0), coalesce(sum(quarantined), 0),
                     coalesce(sum(requests), 0), coalesce(sum(retries), 0)
              FROM slices WHERE run = ?1)
         WHERE num = ?1",
    )
    .bind(run)
    .execute(connection)
    .await?;
    Ok(())
}

/// Writes the row of a run; returns its compact number.
pub(crate) async fn insert(connection: &mut SqliteConnection, run: &NewRun) -> Result<i64> {
    let num = crate::connections::num_of(&mut *connection, run.connection_id).await?;
    let inserted = sqlx::query(
        "INSERT INTO runs (id, connection, started_by, range_from, range_to, streams, state, started_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(run.id.to_string())
    .bind(num)
    .bind(run.trigger.as_str())
    .bind(run.range.map(|range| day_code(range.from())))
    .bind(run.range.map(|range| day_code(range.to())))
    .bind(run.streams.as_ref().map(json).transpose()?)
    .bind(run.state.as_str())
    .bind(instant_code(run.started_at))
    .execute(connection)
    .await;
    inserted.map(|done| done.last_insert_rowid()).map_err(|error| StoreError::from(error).or_conflict("run"))
}

/// What a person asks of a run that is not done yet.
pub(crate) async fn wish_of(connection: &mut SqliteConnection, run: i64) -> Result<Option<Wish>> {
    let wish: Option<String> =
        sqlx::query_scalar("SELECT wish FROM runs WHERE num = ?").bind(run).fetch_one(connection).await?;
    Ok(wish.as_deref().map(Wish::of))
}

/// Takes a run out of the hands of whoever reads it: slices that were being read become pending again, what they had staged is dropped.
pub(crate) async fn put_down(
    connection: &mut SqliteConnection,
    run: i64,
    state: RunState,
    failure: Option<&Failure>,
    at: DateTime<Utc>,
) -> Result<()> {
    let failure = failure.map(|failure| json(&StoredFailure::from(failure))).transpose()?;
    sqlx::query(
        "UPDATE runs SET state = ?, failure = ?, ended_at = ?, waiting_until = NULL, wish = NULL WHERE num = ?",
    )
    .bind(state.as_str())
    .bind(failure)
    .bind(state.is_over().then(|| instant_code(at)))
    .bind(run)
    .execute(&mut *connection)
    .await?;
    sqlx::query("UPDATE slices SET state = 'pending' WHERE run = ? AND state = 'running'")
        .bind(run)
        .execute(&mut *connection)
        .await?;
    waits::close(&mut *connection, run, at).await?;
    sqlx::query("DELETE FROM staged_stats WHERE run = ?").bind(run).execute(&mut *connection).await?;
    sqlx::query("DELETE FROM staged_records WHERE run = ?").bind(run).execute(&mut *connection).await?;
    count(connection, run).await
}

impl Store {
    /// Begins a run. Its slices are planned with [`Store::plan_slices`].
    pub async fn create_run(&self, run: &NewRun) -> Result<()> {
        self.located(async {
            let mut transaction = self.begin().await?;
            insert(&mut transaction, run).await?;
            transaction.commit().await
        })
        .await
    }

    /// Asks for a run with these slices: whoever is on duty takes it up. A connection has one long run and one of each day at a time;
    /// where there is one that has not ended, nothing is written and it is the answer.
    pub async fn ask_run(&self, run: &NewRun, slices: &[NewSlice]) -> Result<Option<RunId>> {
        self.located(async {
            let mut transaction = self.begin().await?;
            let there: Option<String> = sqlx::query_scalar(
                "SELECT r.id FROM runs AS r JOIN connections AS c ON c.num = r.connection
                 WHERE c.id = ?1 AND r.state IN ('queued', 'running', 'waiting') AND r.started_by <> 'import'
                   AND (r.started_by IN ('first', 'recollect')) = ?2",
            )
            .bind(run.connection_id.to_string())
            .bind(run.trigger.is_long())
            .fetch_optional(&mut *transaction)
            .await?;
            if let Some(there) = there {
                let id = there.parse().map_err(|_| StoreError::Unreadable { column: "id", value: there })?;
                return Ok(Some(id));
            }
            let num = insert(&mut transaction, run).await?;
            slices::plan(&mut transaction, num, slices).await?;
            transaction.commit().await?;
            Ok(None)
        })
        .await
    }

    /// Says what a run is doing: queued or running. Waiting is [`Store::begin_wait`] and [`Store::park_run`], ending is
    /// [`Store::finish_run`].
    pub async fn set_run_state(&self, id: RunId, state: RunState) -> Result<()> {
        self.located(async {
            let set = sqlx::query(
                "UPDATE runs SET state = ?, waiting_until = NULL, ended_at = NULL, failure = NULL WHERE id = ?",
            )
            .bind(state.as_str())
            .bind(id.to_string());
            if self.execute(set).await? == 0 { Err(StoreError::NotFound { what: "run" }) } else { Ok(()) }
        })
        .await
    }

    /// Notes what a person asks of a run that has not ended. Whether there is such a run.
    pub async fn wish_run(&self, id: RunId, wish: Wish) -> Result<bool> {
        self.located(async {
            let set = sqlx::query(
                "UPDATE runs SET wish = ? WHERE id = ? AND state IN ('queued', 'running', 'waiting', 'paused')",
            )
            .bind(wish.as_str())
            .bind(id.to_string());
            Ok(self.execute(set).await? > 0)
        })
        .await
    }

    /// Lets a run that is held wait for its turn again. Whether there is such a run.
    pub async fn resume_run(&self, id: RunId) -> Result<bool> {
        self.located(async {
            let set = sqlx::query(
                "UPDATE runs SET state = CASE state WHEN 'paused' THEN 'queued' ELSE state END, wish = NULL
                 WHERE id = ? AND state IN ('queued', 'running', 'waiting', 'paused') AND (state = 'paused' OR wish = 'pause')",
            )
            .bind(id.to_string());
            Ok(self.execute(set).await? > 0)
        })
        .await
    }

    /// Holds a run until it is resumed. Slices that were being read become pending again; what they had staged is dropped.
    pub async fn pause_run(&self, id: RunId, at: DateTime<Utc>) -> Result<()> {
        self.end_or_hold(id, RunState::Paused, None, at).await
    }

    /// Ends a run. Slices that were being read become pending again; what they had staged is dropped.
    pub async fn finish_run(
        &self,
        id: RunId,
        state: RunState,
        failure: Option<&Failure>,
        ended_at: DateTime<Utc>,
    ) -> Result<()> {
        if !state.is_over() {
            return Err(StoreError::Misuse("a run ends in a state that is over"));
        }
        self.end_or_hold(id, state, failure, ended_at).await
    }

    async fn end_or_hold(
        &self,
        id: RunId,
        state: RunState,
        failure: Option<&Failure>,
        at: DateTime<Utc>,
    ) -> Result<()> {
        self.located(async {
            let mut transaction = self.begin().await?;
            let num = num_of(&mut *transaction, id).await?;
            put_down(&mut transaction, num, state, failure, at).await?;
            transaction.commit().await
        })
        .await
    }

    /// One run, or `NotFound`.
    pub async fn run(&self, id: RunId) -> Result<Run> {
        let row = sqlx::query(
            "SELECT r.*, c.id AS connection_id, c.client_id FROM runs AS r JOIN connections AS c ON c.num = r.connection WHERE r.id = ?",
        )
        .bind(id.to_string())
        .fetch_optional(&self.readers)
        .await?;
        read(&row.ok_or(StoreError::NotFound { what: "run" })?)
    }

    /// Runs that have ended or not, newest first. Ask for one more than a page to know whether there are older ones.
    pub async fn runs(&self, query: RunQuery) -> Result<Vec<Run>> {
        let end = match query.end {
            RunEnd::All => None,
            RunEnd::Failed => Some(RunState::Failed.as_str()),
            RunEnd::Remarks => Some(RunState::DoneWithRemarks.as_str()),
        };
        let rows = sqlx::query(
            "SELECT r.*, c.id AS connection_id, c.client_id FROM runs AS r JOIN connections AS c ON c.num = r.connection
             WHERE (?1 IS NULL OR c.client_id = ?1) AND (?2 IS NULL OR c.id = ?2) AND (?3 IS NULL OR r.state = ?3)
               AND (?4 IS NULL OR r.num < (SELECT num FROM runs WHERE id = ?4))
             ORDER BY r.num DESC LIMIT ?5",
        )
        .bind(query.scope.bound())
        .bind(query.connection_id.map(|id| id.to_string()))
        .bind(end)
        .bind(query.before.map(|id| id.to_string()))
        .bind(i64::from(query.limit))
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(read).collect()
    }

    /// Runs that have not ended, oldest first.
    pub async fn unfinished_runs(&self, scope: Scope) -> Result<Vec<Run>> {
        let rows = sqlx::query(
            "SELECT r.*, c.id AS connection_id, c.client_id FROM runs AS r JOIN connections AS c ON c.num = r.connection
             WHERE r.state IN ('queued', 'running', 'waiting', 'paused') AND (?1 IS NULL OR c.client_id = ?1) ORDER BY r.num",
        )
        .bind(scope.bound())
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(read).collect()
    }

    /// The newest run of each connection that ever ran, and when it last succeeded.
    pub async fn latest_runs(&self, scope: Scope) -> Result<Vec<LatestRun>> {
        let rows = sqlx::query(
            "SELECT r.*, c.id AS connection_id, c.client_id,
                    (SELECT g.ended_at FROM runs AS g WHERE g.connection = c.num AND g.state IN ('done', 'done_with_remarks')
                     ORDER BY g.num DESC LIMIT 1) AS synced_at
             FROM connections AS c
             JOIN runs AS r ON r.num = (SELECT max(n.num) FROM runs AS n WHERE n.connection = c.num)
             WHERE (?1 IS NULL OR c.client_id = ?1) ORDER BY c.num",
        )
        .bind(scope.bound())
        .fetch_all(&self.readers)
        .await?;
        rows.iter()
            .map(|row| {
                let run = read(row)?;
                Ok(LatestRun { connection_id: run.connection_id, run, synced_at: row.instant_or_none("synced_at")? })
            })
            .collect()
    }
}
