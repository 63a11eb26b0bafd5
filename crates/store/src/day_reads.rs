//! Table `day_reads`: for each day and stream, how often and when it was read, whether it can still change, and what its totals were
//! before it was read last. The strip on the Syncs screen is made of this.

use crate::{
    Result, Scope, Store, StoredFailure,
    codec::{Read, day_code, instant_code, json, level_code},
    commit::{Planned, signed},
    daily_rollups::{Sums, sums_of},
    slices::Part,
};
use chrono::{DateTime, NaiveDate, Utc};
use model::{
    date::DateRange,
    id::{ClientId, ConnectionId},
    run::DayState,
};
use sqlx::SqliteConnection;
use std::collections::BTreeMap;

/// A day of a connection over all its streams that are on. A day that was never tried has no cell: it is `Missing`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayCell {
    /// Which connection.
    pub connection_id: ConnectionId,
    /// The day.
    pub date: NaiveDate,
    /// Failed when every stream failed, partial when some did or when rows are in quarantine, moving when one still moves, final
    /// otherwise.
    pub state: DayState,
    /// Times it was read.
    pub reads: u32,
    /// When it was last tried.
    pub read_at: DateTime<Utc>,
    /// Rows kept.
    pub rows: u64,
    /// Rows that could not be understood when it was read last: its sums lack them.
    pub rejected: u64,
}

/// What a day's totals were before it was read again, and what they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayChange {
    /// Which connection.
    pub connection_id: ConnectionId,
    /// The day.
    pub date: NaiveDate,
    /// Before; rows and revenue are not kept.
    pub before: Sums,
    /// Now.
    pub after: Sums,
}

/// Keeps the totals of a window's days before they are made anew. A day without rows had nothing, which is known.
pub(crate) async fn keep_totals(connection: &mut SqliteConnection, slice: &Planned, window: DateRange) -> Result<()> {
    sqlx::query(
        "UPDATE day_reads SET (impressions_before, clicks_before, cost_before, conversions_before) =
             (SELECT CASE count(*) WHEN 0 THEN 0 ELSE sum(impressions) END, CASE count(*) WHEN 0 THEN 0 ELSE sum(clicks) END,
                     CASE count(*) WHEN 0 THEN 0 ELSE sum(cost_micros) END, CASE count(*) WHEN 0 THEN 0 ELSE sum(conversions_micros) END
              FROM daily_rollups AS r WHERE r.connection = ?1 AND r.level = ?3 AND r.date = day_reads.date)
         WHERE connection = ?1 AND stream = ?2 AND reads > 0 AND date BETWEEN ?4 AND ?5",
    )
    .bind(slice.connection)
    .bind(&slice.stream)
    .bind(level_code(slice.level))
    .bind(day_code(window.from()))
    .bind(day_code(window.to()))
    .execute(connection)
    .await?;
    Ok(())
}

/// Notes a successful reading of every day of a window. Days before `final_before` are final, the others will be read again.
/// Returns how many rows the window holds.
pub(crate) async fn mark_read(
    connection: &mut SqliteConnection,
    slice: &Planned,
    window: DateRange,
    read_at: DateTime<Utc>,
    final_before: NaiveDate,
) -> Result<u64> {
    let (from, to) = (day_code(window.from()), day_code(window.to()));
    let (least, beyond) = slice.part.bounds();
    sqlx::query(
        "WITH RECURSIVE days (date) AS (SELECT ?4 UNION ALL SELECT date + 1 FROM days WHERE date < ?5)
         INSERT INTO day_reads (connection, date, stream, reads, read_at, row_count, state, failure, level)
         SELECT ?1, d.date, ?2, 1, ?6,
                (SELECT count(*) FROM campaign_stats AS s WHERE s.connection = ?1 AND s.level = ?3 AND s.date = d.date
                     AND s.breakdown >= ?8 AND s.breakdown < ?9),
                CASE WHEN d.date < ?7 THEN 'final' ELSE 'moving' END, NULL, ?10
         FROM days AS d WHERE true
         ON CONFLICT (connection, date, stream) DO UPDATE SET reads = day_reads.reads + 1, read_at = excluded.read_at,
             row_count = excluded.row_count, state = excluded.state, failure = NULL, level = excluded.level, rejected = 0,
             left_out = 0",
    )
    .bind(slice.connection)
    .bind(&slice.stream)
    .bind(level_code(slice.level))
    .bind(from)
    .bind(to)
    .bind(instant_code(read_at))
    .bind(day_code(final_before))
    .bind(least)
    .bind(beyond)
    // What totals are compared by is their level; splits are no totals.
    .bind((!matches!(slice.part, Part::Split(_))).then(|| level_code(slice.level)))
    .execute(&mut *connection)
    .await?;
    let row = sqlx::query(
        "SELECT sum(row_count) AS row_count FROM day_reads WHERE connection = ? AND stream = ? AND date BETWEEN ? AND ?",
    )
    .bind(slice.connection)
    .bind(&slice.stream)
    .bind(from)
    .bind(to)
    .fetch_one(connection)
    .await?;
    row.count("row_count")
}

/// Rows of one day of a reading that are not kept.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct NotKept {
    /// Rows that could not be understood.
    pub(crate) rejected: u64,
    /// Rows that were left out because nothing happened in them: the platform did say something of the day.
    pub(crate) left_out: u64,
}

/// Notes how many rows of its days a reading does not keep. Other days than those of the slice are left alone.
pub(crate) async fn mark_not_kept(
    connection: &mut SqliteConnection,
    slice: &Planned,
    days: &BTreeMap<NaiveDate, NotKept>,
) -> Result<()> {
    let window = slice.window()?;
    for (date, rows) in days.iter().filter(|(date, _)| window.contains(**date)) {
        sqlx::query("UPDATE day_reads SET rejected = ?, left_out = ? WHERE connection = ? AND date = ? AND stream = ?")
            .bind(signed(rows.rejected))
            .bind(signed(rows.left_out))
            .bind(slice.connection)
            .bind(day_code(*date))
            .bind(&slice.stream)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// Notes a failed attempt on the days of a window that have nothing older. Days with data keep their state.
pub(crate) async fn mark_failed(
    connection: &mut SqliteConnection,
    num: i64,
    stream: &str,
    window: DateRange,
    tried_at: DateTime<Utc>,
    failure: &StoredFailure,
) -> Result<()> {
    sqlx::query(
        "WITH RECURSIVE days (date) AS (SELECT ?3 UNION ALL SELECT date + 1 FROM days WHERE date < ?4)
         INSERT INTO day_reads (connection, date, stream, reads, read_at, row_count, state, failure)
         SELECT ?1, d.date, ?2, 0, ?5, 0, 'failed', ?6 FROM days AS d WHERE true
         ON CONFLICT (connection, date, stream) DO UPDATE SET read_at = excluded.read_at, failure = excluded.failure
             WHERE day_reads.state = 'failed'",
    )
    .bind(num)
    .bind(stream)
    .bind(day_code(window.from()))
    .bind(day_code(window.to()))
    .bind(instant_code(tried_at))
    .bind(json(failure)?)
    .execute(connection)
    .await?;
    Ok(())
}

impl Store {
    /// The cells of a range of days, by connection and day.
    pub async fn day_cells(&self, scope: Scope, range: DateRange) -> Result<Vec<DayCell>> {
        let rows = sqlx::query(
            "SELECT c.id, d.date, max(d.reads) AS reads, max(d.read_at) AS read_at, sum(d.row_count) AS row_count,
                    sum(d.rejected) AS rejected,
                    CASE WHEN min(d.state = 'failed') = 1 THEN 'failed'
                         WHEN max(d.state = 'failed') = 1 OR max(d.rejected) > 0 THEN 'partial'
                         WHEN max(d.state = 'moving') = 1 THEN 'moving'
                         ELSE 'final' END AS state
             FROM connections AS c JOIN day_reads AS d ON d.connection = c.num AND d.date BETWEEN ?2 AND ?3
             WHERE (?1 IS NULL OR c.client_id = ?1)
               AND NOT EXISTS (SELECT 1 FROM streams AS s WHERE s.connection = c.num AND s.name = d.stream AND s.enabled = 0)
             GROUP BY c.num, d.date ORDER BY c.num, d.date",
        )
        .bind(scope.bound())
        .bind(day_code(range.from()))
        .bind(day_code(range.to()))
        .fetch_all(&self.readers)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(DayCell {
                    connection_id: row.word("id")?,
                    date: row.day("date")?,
                    state: row.word("state")?,
                    reads: row.small("reads")?,
                    read_at: row.instant("read_at")?,
                    rows: row.count("row_count")?,
                    rejected: row.count("rejected")?,
                })
            })
            .collect()
    }

    /// How many days of a range may still change, by client: days on which a connection's cell ([`Store::day_cells`]) is moving. Days that
    /// are final, which are nearly all, are not looked at.
    pub async fn moving_days(&self, scope: Scope, range: DateRange) -> Result<Vec<(ClientId, u32)>> {
        let rows = sqlx::query(
            "SELECT c.client_id, count(DISTINCT d.date) AS days
             FROM connections AS c
             CROSS JOIN day_reads AS d INDEXED BY day_reads_moving
                 ON d.connection = c.num AND d.date BETWEEN ?2 AND ?3 AND d.state = 'moving'
             WHERE (?1 IS NULL OR c.client_id = ?1)
               AND NOT EXISTS (SELECT 1 FROM streams AS s WHERE s.connection = c.num AND s.name = d.stream AND s.enabled = 0)
               AND NOT EXISTS (
                    SELECT 1 FROM day_reads AS o
                    WHERE o.connection = c.num AND o.date = d.date AND (o.state = 'failed' OR o.rejected > 0)
                      AND NOT EXISTS (SELECT 1 FROM streams AS s WHERE s.connection = c.num AND s.name = o.stream AND s.enabled = 0))
             GROUP BY c.client_id",
        )
        .bind(scope.bound())
        .bind(day_code(range.from()))
        .bind(day_code(range.to()))
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(|row| Ok((row.word("client_id")?, row.small("days")?))).collect()
    }

    /// How the totals of days changed when they were read last, by connection and day. Days that were read once are absent.
    pub async fn day_changes(&self, scope: Scope, range: DateRange) -> Result<Vec<DayChange>> {
        let rows = sqlx::query(
            concat!("SELECT c.id, d.date, d.impressions_before, d.clicks_before, d.cost_before, d.conversions_before,
                    ", sums_of!("r."), ", coalesce(sum(r.row_count), 0) AS row_count
             FROM connections AS c
             JOIN day_reads AS d ON d.connection = c.num AND d.date BETWEEN ?2 AND ?3 AND d.level = c.totals_level AND d.reads > 1
             LEFT JOIN daily_rollups AS r ON r.connection = c.num AND r.level = c.totals_level AND r.date = d.date
             WHERE (?1 IS NULL OR c.client_id = ?1) AND d.impressions_before IS NOT NULL
             GROUP BY c.num, d.date, d.stream ORDER BY c.num, d.date, max(d.read_at)"),
        )
        .bind(scope.bound())
        .bind(day_code(range.from()))
        .bind(day_code(range.to()))
        .fetch_all(&self.readers)
        .await?;
        rows.iter()
            .map(|row| {
                let before = Sums::read_before(row)?;
                Ok(DayChange {
                    connection_id: row.word("id")?,
                    date: row.day("date")?,
                    before,
                    after: Sums::read(row)?,
                })
            })
            .collect()
    }
}
