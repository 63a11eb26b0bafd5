//! Table `slices`: the pieces of a run that are read, committed and repeated as a whole. Their states are what a resumed run starts from.

use crate::{
    Result, Store, StoreError, StoredFailure,
    codec::{Read, day_code, level_code},
    runs, staged_records, staged_stats,
};
use model::{
    ad::Level,
    date::DateRange,
    id::{ConnectionId, RunId},
    run::SliceState,
};
use sqlx::SqliteConnection;

/// Which rows of its level's days a slice replaces. Two streams of one level replace each other's days unless they give different parts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// All of them, whatever they are split by: a file.
    All,
    /// The rows of whole objects.
    Whole,
    /// Splits by this kind, such as `goal`.
    Split(String),
}

impl Part {
    /// As it is kept; `None` for all rows.
    fn code(&self) -> Option<&str> {
        match self {
            Self::All => None,
            Self::Whole => Some(""),
            Self::Split(kind) => Some(kind),
        }
    }

    pub(crate) fn read(code: Option<String>) -> Self {
        match code {
            None => Self::All,
            Some(kind) if kind.is_empty() => Self::Whole,
            Some(kind) => Self::Split(kind),
        }
    }

    /// Rows of the part have a breakdown from the first (included) up to the second (not included), as `kind=value` is ordered.
    pub(crate) fn bounds(&self) -> (String, String) {
        match self {
            Self::All => (String::new(), char::MAX.to_string()),
            Self::Whole => (String::new(), '\u{1}'.to_string()),
            Self::Split(kind) => (format!("{kind}="), format!("{kind}>")),
        }
    }

    /// Whether a row with this breakdown is of the part.
    pub(crate) fn holds(&self, breakdown: &str) -> bool {
        let (from, to) = self.bounds();
        (from.as_str()..to.as_str()).contains(&breakdown)
    }
}

/// A slice to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSlice {
    /// The stream.
    pub stream: String,
    /// The level of its rows; `Account` for records, which have none.
    pub level: Level,
    /// Its days; `None` for names and records.
    pub window: Option<DateRange>,
    /// Which rows of these days it replaces.
    pub part: Part,
}

/// A slice as it was kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Slice {
    /// Its number within the run, from 0.
    pub seq: u32,
    /// The stream.
    pub stream: String,
    /// The level of its rows; `Account` for records, which have none.
    pub level: Level,
    /// Its days; `None` for names and records.
    pub window: Option<DateRange>,
    /// Which rows of these days it replaces.
    pub part: Part,
    /// What it does.
    pub state: SliceState,
    /// Rows written.
    pub rows: u64,
    /// Rows in quarantine.
    pub quarantined: u64,
    /// Requests, repeats included.
    pub requests: u64,
    /// Requests that were repeats.
    pub retries: u64,
    /// How long it took.
    pub millis: Option<u64>,
    /// Why it failed.
    pub failure: Option<StoredFailure>,
}

/// What reading a slice took, to learn from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SliceEffort {
    /// Its stream.
    pub stream: String,
    /// Whether it is of the connection that was asked about, and not of another one of its system.
    pub own: bool,
    /// Requests, repeats included.
    pub requests: u64,
    /// How long it took, in milliseconds.
    pub millis: u64,
}

/// Writes the plan of a run; returns the number of the first slice.
pub(crate) async fn plan(connection: &mut SqliteConnection, run: i64, slices: &[NewSlice]) -> Result<u32> {
    let first: i64 = sqlx::query_scalar("SELECT coalesce(max(seq) + 1, 0) FROM slices WHERE run = ?")
        .bind(run)
        .fetch_one(&mut *connection)
        .await?;
    for (seq, slice) in (first..).zip(slices) {
        sqlx::query(
            "INSERT INTO slices (run, seq, stream, level, window_from, window_to, breakdown, state)
             VALUES (?, ?, ?, ?, ?, ?, ?, 'pending')",
        )
        .bind(run)
        .bind(seq)
        .bind(&slice.stream)
        .bind(level_code(slice.level))
        .bind(slice.window.map(|window| day_code(window.from())))
        .bind(slice.window.map(|window| day_code(window.to())))
        .bind(slice.part.code())
        .execute(&mut *connection)
        .await?;
    }
    runs::count(connection, run).await?;
    u32::try_from(first).map_err(|_| StoreError::Misuse("a run has fewer slices than fit 32 bits"))
}

impl Store {
    /// Adds slices to a run, numbered on from those it has; returns the number of the first.
    pub async fn plan_slices(&self, run: RunId, slices: &[NewSlice]) -> Result<u32> {
        self.located(async {
            let mut transaction = self.begin().await?;
            let num = runs::num_of(&mut *transaction, run).await?;
            let first = plan(&mut transaction, num, slices).await?;
            transaction.commit().await?;
            Ok(first)
        })
        .await
    }

    /// Says that a slice is being read and drops what an earlier attempt had staged. Its ends are `commit_slice` and `fail_slice`.
    pub async fn begin_slice(&self, run: RunId, seq: u32) -> Result<()> {
        self.located(async {
            let mut transaction = self.begin().await?;
            let num = runs::num_of(&mut *transaction, run).await?;
            let done = sqlx::query("UPDATE slices SET state = 'running', failure = NULL WHERE run = ? AND seq = ?")
                .bind(num)
                .bind(i64::from(seq))
                .execute(&mut *transaction)
                .await?;
            if done.rows_affected() == 0 {
                return Err(StoreError::NotFound { what: "slice" });
            }
            staged_stats::drop_slice(&mut transaction, num, i64::from(seq)).await?;
            staged_records::drop_slice(&mut transaction, num, i64::from(seq)).await?;
            transaction.commit().await?;
            Ok(())
        })
        .await
    }

    /// What the slices of a connection and of the others of its system took, newest first, as far as a few hundred.
    pub async fn slice_efforts(&self, connection: ConnectionId) -> Result<Vec<SliceEffort>> {
        let rows = sqlx::query(
            "SELECT s.stream, s.requests, s.millis, c.id = ?1 AS own
             FROM connections AS c JOIN runs AS r ON r.connection = c.num JOIN slices AS s ON s.run = r.num
             WHERE c.connector = (SELECT connector FROM connections WHERE id = ?1) AND s.state = 'done' AND s.millis IS NOT NULL
             ORDER BY own DESC, r.num DESC, s.seq DESC LIMIT 800",
        )
        .bind(connection.to_string())
        .fetch_all(&self.readers)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(SliceEffort {
                    stream: row.value("stream")?,
                    own: row.value("own")?,
                    requests: row.count("requests")?,
                    millis: row.count("millis")?,
                })
            })
            .collect()
    }

    /// What the newest first load of a connection has not read, stream by stream: it was stopped, failed, or still runs.
    pub async fn first_load_left(&self, connection: ConnectionId) -> Result<Vec<(String, DateRange)>> {
        let rows = sqlx::query(
            "SELECT s.stream, s.window_from, s.window_to FROM slices AS s
             WHERE s.state <> 'done' AND s.window_from IS NOT NULL AND s.run =
                 (SELECT max(r.num) FROM runs AS r JOIN connections AS c ON c.num = r.connection
                  WHERE c.id = ? AND r.started_by = 'first')
             ORDER BY s.stream, s.window_from",
        )
        .bind(connection.to_string())
        .fetch_all(&self.readers)
        .await?;
        let mut left = Vec::with_capacity(rows.len());
        for row in &rows {
            if let Some(window) = row.range("window_from", "window_to")? {
                left.push((row.value("stream")?, window));
            }
        }
        Ok(left)
    }

    /// The slices of a run in order. A run is resumed with those that are not `Done`.
    pub async fn slices(&self, run: RunId) -> Result<Vec<Slice>> {
        let rows =
            sqlx::query("SELECT s.* FROM slices AS s JOIN runs AS r ON r.num = s.run WHERE r.id = ? ORDER BY s.seq")
                .bind(run.to_string())
                .fetch_all(&self.readers)
                .await?;
        rows.iter()
            .map(|row| {
                Ok(Slice {
                    seq: row.small("seq")?,
                    stream: row.value("stream")?,
                    level: row.level("level")?,
                    window: row.range("window_from", "window_to")?,
                    part: Part::read(row.value("breakdown")?),
                    state: row.word("state")?,
                    rows: row.count("row_count")?,
                    quarantined: row.count("quarantined")?,
                    requests: row.count("requests")?,
                    retries: row.count("retries")?,
                    millis: row.value::<Option<i64>>("millis")?.map(i64::unsigned_abs),
                    failure: row.json_or_none("failure")?,
                })
            })
            .collect()
    }
}
