//! Table `quarantine`: rows that could not become ours, with the reason and as they came. All are counted; the first [`KEPT`] of a slice
//! are kept, because a platform that changes a field would otherwise fill the disk with the same complaint.

use crate::{
    Result, Store,
    bulk::{Bulk, ROWS},
    codec::{Read, day_code},
};
use chrono::NaiveDate;
use model::{
    ad::{RejectReason, Rejected},
    id::RunId,
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

/// Replaces the quarantine of a slice.
pub(crate) async fn replace(
    connection: &mut SqliteConnection,
    run: i64,
    seq: i64,
    rejected: &[Rejected],
) -> Result<()> {
    sqlx::query("DELETE FROM quarantine WHERE run = ? AND slice_seq = ?")
        .bind(run)
        .bind(seq)
        .execute(&mut *connection)
        .await?;
    let mut bulk = Bulk::new(
        "INSERT INTO quarantine (run, slice_seq, stream, date, reason, field, value, line, raw) VALUES",
        9,
        "",
    );
    for chunk in rejected[..rejected.len().min(KEPT)].chunks(ROWS) {
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
                .bind(row.raw.chars().take(4_000).collect::<String>());
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
}
