//! Table `cursors`: how far each stream of a connection has been read. "Data through" is a day of data and is another thing than the
//! time of the last sync.

use crate::{
    Result, Scope, Store,
    codec::{Read, day_code, day_from, json},
};
use chrono::NaiveDate;
use model::{date::DateRange, id::ConnectionId};
use sqlx::SqliteConnection;

/// How far a stream has been read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// The stream.
    pub stream: String,
    /// The last day that was read and before which no day failed to be read.
    pub data_through: Option<NaiveDate>,
    /// All days that were ever read, merged, oldest first.
    pub read: Vec<DateRange>,
}

/// How far a connection has been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataThrough {
    /// Which connection.
    pub connection_id: ConnectionId,
    /// The earliest "data through" of its streams that are on.
    pub date: NaiveDate,
}

fn merged(mut ranges: Vec<(i64, i64)>) -> Vec<(i64, i64)> {
    ranges.sort_unstable();
    let mut merged: Vec<(i64, i64)> = Vec::new();
    for (from, to) in ranges {
        match merged.last_mut() {
            Some(last) if from <= last.1.saturating_add(1) => last.1 = last.1.max(to),
            _ => merged.push((from, to)),
        }
    }
    merged
}

/// Notes that the days of a window were read.
pub(crate) async fn advance(
    connection: &mut SqliteConnection,
    num: i64,
    stream: &str,
    window: DateRange,
) -> Result<()> {
    let row = sqlx::query("SELECT read_ranges FROM cursors WHERE connection = ? AND stream = ?")
        .bind(num)
        .bind(stream)
        .fetch_optional(&mut *connection)
        .await?;
    let mut ranges: Vec<(i64, i64)> = row.map(|row| row.json("read_ranges")).transpose()?.unwrap_or_default();
    ranges.push((day_code(window.from()), day_code(window.to())));
    sqlx::query(
        "INSERT INTO cursors (connection, stream, read_ranges) VALUES (?, ?, ?)
         ON CONFLICT (connection, stream) DO UPDATE SET read_ranges = excluded.read_ranges",
    )
    .bind(num)
    .bind(stream)
    .bind(json(&merged(ranges))?)
    .execute(&mut *connection)
    .await?;
    recompute(connection, num, stream).await
}

/// Sets `data_through` anew: the last day read before the first that failed and was never read since; when nothing failed, the last.
pub(crate) async fn recompute(connection: &mut SqliteConnection, num: i64, stream: &str) -> Result<()> {
    sqlx::query(
        "UPDATE cursors SET data_through =
             (SELECT max(d.date) FROM day_reads AS d
              WHERE d.connection = ?1 AND d.stream = ?2 AND d.state <> 'failed'
                AND d.date < coalesce((SELECT min(f.date) FROM day_reads AS f
                                       WHERE f.connection = ?1 AND f.stream = ?2 AND f.state = 'failed'), 9223372036854775807))
         WHERE connection = ?1 AND stream = ?2",
    )
    .bind(num)
    .bind(stream)
    .execute(connection)
    .await?;
    Ok(())
}

impl Store {
    /// How far the streams of a connection have been read.
    pub async fn cursors(&self, connection: ConnectionId) -> Result<Vec<Cursor>> {
        let rows = sqlx::query(
            "SELECT u.stream, u.data_through, u.read_ranges FROM cursors AS u JOIN connections AS c ON c.num = u.connection
             WHERE c.id = ? ORDER BY u.stream",
        )
        .bind(connection.to_string())
        .fetch_all(&self.readers)
        .await?;
        rows.iter()
            .map(|row| {
                let ranges: Vec<(i64, i64)> = row.json("read_ranges")?;
                Ok(Cursor {
                    stream: row.value("stream")?,
                    data_through: row.day_or_none("data_through")?,
                    read: ranges
                        .into_iter()
                        .filter_map(|(from, to)| DateRange::new(day_from(from)?, day_from(to)?).ok())
                        .collect(),
                })
            })
            .collect()
    }

    /// "Data through" of each connection that has data, over its streams that are on. A stream that was never read yet does not hold
    /// the others back: its missing days show in the strip.
    pub async fn data_through(&self, scope: Scope) -> Result<Vec<DataThrough>> {
        let rows = sqlx::query(
            "SELECT c.id, min(u.data_through) AS data_through FROM connections AS c JOIN cursors AS u ON u.connection = c.num
             WHERE (?1 IS NULL OR c.client_id = ?1)
               AND NOT EXISTS (SELECT 1 FROM streams AS s WHERE s.connection = c.num AND s.name = u.stream AND s.enabled = 0)
             GROUP BY c.num HAVING min(u.data_through) IS NOT NULL ORDER BY c.num",
        )
        .bind(scope.bound())
        .fetch_all(&self.readers)
        .await?;
        rows.iter()
            .map(|row| Ok(DataThrough { connection_id: row.word("id")?, date: row.day("data_through")? }))
            .collect()
    }
}
