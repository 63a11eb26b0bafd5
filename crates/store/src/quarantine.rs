//! Table `quarantine`: rows that could not become ours, with the reason and as they came. All are counted; the first [`KEPT`] of a slice
//! are kept, because a platform that changes a field would otherwise fill the disk with the same complaint.
//!
//! A row is open until its day is read again: then it is healed, or the same complaint stands anew under the later run. So what is open
//! is what is missing now, and what is healed stays in the history of its run.

use crate::{
    Result, Store,
    bulk::{Bulk, pieces},
    codec::{Read, day_code, instant_code},
};
use chrono::{DateTime, NaiveDate, Utc};
use futures::TryStreamExt;
use model::{
    ad::{RejectReason, Rejected},
    date::DateRange,
    id::{ConnectionId, RunId},
};
use sqlx::{SqliteConnection, sqlite::SqliteRow};

/// Rows kept per slice.
pub const KEPT: usize = 10_000;

/// Quarantined rows of one reason, field and day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuarantineGroup {
    /// The day, if it could be read.
    pub date: Option<NaiveDate>,
    /// Why.
    pub reason: RejectReason,
    /// The field.
    pub field: String,
    /// An example of the value.
    pub value: String,
    /// How many are kept.
    pub count: u64,
}

fn read(row: &SqliteRow) -> Result<Rejected> {
    Ok(Rejected {
        stream: row.value("stream")?,
        date: row.day_or_none("date")?,
        reason: row.word("reason")?,
        field: row.value("field")?,
        value: row.value("value")?,
        line: row.value::<Option<i64>>("line")?.map(i64::unsigned_abs),
        raw: row.value("raw")?,
    })
}

/// Open rows of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenQuery {
    /// The connection.
    pub connection_id: ConnectionId,
    /// Only those with this reason.
    pub reason: Option<RejectReason>,
}

/// An open row of a connection.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenRow {
    /// The run that read it last.
    pub run_id: RunId,
    /// When that run began.
    pub found_at: DateTime<Utc>,
    /// The row.
    pub row: Rejected,
}

/// Heals what earlier runs had put into quarantine and the slice has read again; days that lie partly outside keep their rows.
pub(crate) async fn heal(
    connection: &mut SqliteConnection,
    (num, stream): (i64, &str),
    window: Option<DateRange>,
    (run, seq): (i64, i64),
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query(
        "UPDATE quarantine SET healed_at = ?1
         WHERE connection = ?2 AND healed_at IS NULL AND stream = ?3 AND NOT (run = ?4 AND slice_seq = ?5)
           AND (?6 IS NULL OR date BETWEEN ?6 AND ?7
                OR EXISTS (SELECT 1 FROM slices AS s WHERE s.run = quarantine.run AND s.seq = quarantine.slice_seq
                           AND s.window_from >= ?6 AND s.window_to <= ?7))",
    )
    .bind(instant_code(now))
    .bind(num)
    .bind(stream)
    .bind(run)
    .bind(seq)
    .bind(window.map(|window| day_code(window.from())))
    .bind(window.map(|window| day_code(window.to())))
    .execute(connection)
    .await?;
    Ok(())
}

/// Replaces the quarantine of a slice of the connection with this number.
pub(crate) async fn replace(
    connection: &mut SqliteConnection,
    num: i64,
    (run, seq): (i64, i64),
    rejected: &[Rejected],
) -> Result<()> {
    sqlx::query("DELETE FROM quarantine WHERE run = ? AND slice_seq = ?")
        .bind(run)
        .bind(seq)
        .execute(&mut *connection)
        .await?;
    let bulk = Bulk::new(
        "INSERT INTO quarantine (run, slice_seq, stream, date, reason, field, value, line, raw, connection) VALUES",
        10,
        "",
    );
    for chunk in pieces(&rejected[..rejected.len().min(KEPT)]) {
        let mut query = bulk.statement(chunk.len());
        for row in chunk {
            query = query
                .bind(run)
                .bind(seq)
                .bind(row.stream.clone())
                .bind(row.date.map(day_code))
                .bind(row.reason.as_str())
                .bind(row.field.clone())
                .bind(row.value.chars().take(500).collect::<String>())
                .bind(row.line.map(u64::cast_signed))
                .bind(row.raw.chars().take(4_000).collect::<String>())
                .bind(num);
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

impl Store {
    /// Kept rows of a run in the order they came. How many there were in all is in the run's progress.
    pub async fn quarantine(&self, run: RunId, offset: u32, limit: u32) -> Result<Vec<Rejected>> {
        let rows = sqlx::query(
            "SELECT q.* FROM quarantine AS q JOIN runs AS r ON r.num = q.run WHERE r.id = ? ORDER BY q.slice_seq, q.num LIMIT ? OFFSET ?",
        )
        .bind(run.to_string())
        .bind(i64::from(limit))
        .bind(i64::from(offset))
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(read).collect()
    }

    /// How many rows of a run are kept.
    pub async fn quarantine_kept(&self, run: RunId) -> Result<u64> {
        let row =
            sqlx::query("SELECT count(*) AS kept FROM quarantine WHERE run = (SELECT num FROM runs WHERE id = ?)")
                .bind(run.to_string())
                .fetch_one(&self.readers)
                .await?;
        row.count("kept")
    }

    /// Kept rows of a run by reason, field and day, the most frequent first.
    pub async fn quarantine_groups(&self, run: RunId) -> Result<Vec<QuarantineGroup>> {
        let rows = sqlx::query(
            "SELECT date, reason, field, min(value) AS value, count(*) AS kept FROM quarantine
             WHERE run = (SELECT num FROM runs WHERE id = ?) GROUP BY date, reason, field ORDER BY kept DESC, date, reason, field",
        )
        .bind(run.to_string())
        .fetch_all(&self.readers)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(QuarantineGroup {
                    date: row.day_or_none("date")?,
                    reason: row.word("reason")?,
                    field: row.value("field")?,
                    value: row.value("value")?,
                    count: row.count("kept")?,
                })
            })
            .collect()
    }

    /// Open rows of a connection, the latest first.
    pub async fn open_quarantine(&self, query: OpenQuery, skip: u32, limit: u32) -> Result<Vec<OpenRow>> {
        let rows = sqlx::query(
            "SELECT q.*, r.id AS run_id, r.started_at FROM
                 (SELECT num FROM quarantine
                  WHERE connection = (SELECT num FROM connections WHERE id = ?1) AND healed_at IS NULL AND (?2 IS NULL OR reason = ?2)
                  ORDER BY num DESC LIMIT ?3 OFFSET ?4) AS page
             JOIN quarantine AS q ON q.num = page.num JOIN runs AS r ON r.num = q.run ORDER BY q.num DESC",
        )
        .bind(query.connection_id.to_string())
        .bind(query.reason.map(RejectReason::as_str))
        .bind(i64::from(limit))
        .bind(i64::from(skip))
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(read_open).collect()
    }

    /// How many open rows a connection has, by reason, the most frequent first.
    pub async fn open_quarantine_reasons(&self, connection: ConnectionId) -> Result<Vec<(RejectReason, u64)>> {
        let rows = sqlx::query(
            "SELECT reason, count(*) AS kept FROM quarantine
             WHERE connection = (SELECT num FROM connections WHERE id = ?) AND healed_at IS NULL
             GROUP BY reason ORDER BY kept DESC, reason",
        )
        .bind(connection.to_string())
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(|row| Ok((row.word("reason")?, row.count("kept")?))).collect()
    }

    /// Hands every open row to `take`, the latest first, one at a time.
    pub async fn each_open_quarantine(&self, query: OpenQuery, mut take: impl FnMut(OpenRow)) -> Result<()> {
        let mut rows = sqlx::query(
            "SELECT q.*, r.id AS run_id, r.started_at FROM quarantine AS q JOIN runs AS r ON r.num = q.run
             WHERE q.connection = (SELECT num FROM connections WHERE id = ?1) AND q.healed_at IS NULL
               AND (?2 IS NULL OR q.reason = ?2) ORDER BY q.num DESC",
        )
        .bind(query.connection_id.to_string())
        .bind(query.reason.map(RejectReason::as_str))
        .fetch(&self.readers);
        while let Some(row) = rows.try_next().await? {
            take(read_open(&row)?);
        }
        Ok(())
    }

    /// The days that have to be read again for every open row to be read again, merged, oldest first. Rows of names have no day; they
    /// are read with every run.
    pub async fn quarantined_days(&self, connection: ConnectionId) -> Result<Vec<DateRange>> {
        let rows = sqlx::query(
            "SELECT DISTINCT coalesce(CASE WHEN q.date BETWEEN s.window_from AND s.window_to THEN q.date END, s.window_from) AS from_date,
                    coalesce(CASE WHEN q.date BETWEEN s.window_from AND s.window_to THEN q.date END, s.window_to) AS to_date
             FROM quarantine AS q JOIN slices AS s ON s.run = q.run AND s.seq = q.slice_seq
             WHERE q.connection = (SELECT num FROM connections WHERE id = ?) AND q.healed_at IS NULL AND s.window_from IS NOT NULL
             ORDER BY from_date, to_date",
        )
        .bind(connection.to_string())
        .fetch_all(&self.readers)
        .await?;
        let mut merged: Vec<DateRange> = Vec::new();
        for row in &rows {
            let Some(next) = row.range("from_date", "to_date")? else { continue };
            match merged.last_mut() {
                Some(last) if last.to().succ_opt().is_some_and(|after| next.from() <= after) => {
                    *last = DateRange::new(last.from(), last.to().max(next.to())).unwrap_or(*last);
                }
                _ => merged.push(next),
            }
        }
        Ok(merged)
    }
}

fn read_open(row: &SqliteRow) -> Result<OpenRow> {
    Ok(OpenRow { run_id: row.word("run_id")?, found_at: row.instant("started_at")?, row: read(row)? })
}
