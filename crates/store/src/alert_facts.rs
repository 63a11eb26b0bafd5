//! What the rules of alerts look at, read across tables in a few queries: the days of a connection with their totals, what explains a
//! jump, and how every connection stands.

use crate::{
    Result, Scope, Store, StoredFailure,
    codec::{Read, day_code, level_code},
    daily_rollups::Sums,
};
use chrono::{DateTime, NaiveDate, Utc};
use model::{
    ad::Level,
    id::{ConnectionId, RunId},
    run::{DayState, RunState},
};

/// A day of one stream of statistics.
#[derive(Debug, Clone, PartialEq)]
pub struct StatDay {
    /// The stream.
    pub stream: String,
    /// What its rows are about.
    pub level: Level,
    /// Whether they are the connection's totals.
    pub is_total: bool,
    /// The day.
    pub date: NaiveDate,
    /// Final, moving or failed.
    pub state: DayState,
    /// When it was last tried.
    pub read_at: DateTime<Utc>,
    /// Its totals. Rows are those that the platform sent, kept or left out because nothing happened in them.
    pub sums: Sums,
    /// Its totals before it was read last; absent when it was read once. Rows and revenue are not kept.
    pub before: Option<Sums>,
}

/// What explains that a day is unlike those before it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Shift {
    /// What objects that are stopped or deleted by now brought on a day they delivered, and did not on this one.
    pub ended: Sums,
    /// The same of objects that may deliver, and of which the platform says that they brought nothing on this day: somebody paused them,
    /// or their money was spent. Where such rows are left out, all that have none are taken for that; how many rows there are is judged, too.
    pub idle: Sums,
    /// What objects brought on the day that showed nothing before.
    pub fresh: Sums,
}

/// How the last attempt that was not stopped ended.
#[derive(Debug, Clone, PartialEq)]
pub struct LastEnd {
    /// Of which connection.
    pub connection_id: ConnectionId,
    /// Which run.
    pub run_id: RunId,
    /// Done, done with remarks, or failed.
    pub state: RunState,
    /// When it ended.
    pub ended_at: DateTime<Utc>,
    /// Why it failed.
    pub failure: Option<StoredFailure>,
    /// When the newest good one ended.
    pub synced_at: Option<DateTime<Utc>>,
    /// Whether another run is queued or under way.
    pub running: bool,
}

impl Store {
    /// The days of a connection's streams of statistics since a day, by stream and day. Streams that are off are absent.
    pub async fn read_days(&self, id: ConnectionId, since: NaiveDate) -> Result<Vec<StatDay>> {
        let rows = sqlx::query(
            "SELECT d.stream, d.level, d.level = c.totals_level AS is_total, d.date, d.state, d.read_at,
                    d.impressions_before, d.clicks_before, d.cost_before, d.conversions_before,
                    iif(d.left_out > 0, coalesce(sum(r.impressions), 0), sum(r.impressions)) AS impressions,
                    iif(d.left_out > 0, coalesce(sum(r.clicks), 0), sum(r.clicks)) AS clicks,
                    iif(d.left_out > 0, coalesce(sum(r.cost_micros), 0), sum(r.cost_micros)) AS cost_micros,
                    sum(r.conversions_micros) AS conversions_micros, sum(r.revenue_micros) AS revenue_micros,
                    sum(r.visits) AS visits, sum(r.page_views) AS page_views, sum(r.bounces) AS bounces,
                    coalesce(sum(r.row_count), 0) + d.left_out AS row_count
             FROM connections AS c
             JOIN day_reads AS d ON d.connection = c.num AND d.date >= ?2 AND d.level IS NOT NULL
             LEFT JOIN daily_rollups AS r ON r.connection = c.num AND r.level = d.level AND r.date = d.date
             WHERE c.id = ?1
               AND NOT EXISTS (SELECT 1 FROM streams AS s WHERE s.connection = c.num AND s.name = d.stream AND s.enabled = 0)
             GROUP BY d.stream, d.date ORDER BY d.stream, d.date",
        )
        .bind(id.to_string())
        .bind(day_code(since))
        .fetch_all(&self.readers)
        .await?;
        rows.iter()
            .map(|row| {
                let before = Sums::read_before(row)?;
                Ok(StatDay {
                    stream: row.value("stream")?,
                    level: row.level("level")?,
                    is_total: row.value("is_total")?,
                    date: row.day("date")?,
                    state: row.word("state")?,
                    read_at: row.instant("read_at")?,
                    sums: Sums::read(row)?,
                    before: Some(before).filter(|before| *before != Sums::default()),
                })
            })
            .collect()
    }

    /// What explains that a day of a level is unlike the `days` before it: objects that ended or pause, objects that are new.
    pub async fn shift(&self, id: ConnectionId, level: Level, date: NaiveDate, days: u32) -> Result<Shift> {
        let rows = sqlx::query(
            "WITH c AS (SELECT num, zero_rows FROM connections WHERE id = ?1),
             earlier AS (
                 SELECT s.object, sum(s.impressions) AS impressions, sum(s.clicks) AS clicks, sum(s.cost_micros) AS cost_micros,
                        max(1, count(DISTINCT CASE WHEN s.impressions > 0 OR s.cost_micros > 0 THEN s.date END)) AS days
                 FROM total_stats AS s WHERE s.connection = (SELECT num FROM c) AND s.level = ?2 AND s.date BETWEEN ?3 - ?4 AND ?3 - 1
                 GROUP BY s.object),
             now AS (
                 SELECT s.object, sum(s.impressions) AS impressions, sum(s.clicks) AS clicks, sum(s.cost_micros) AS cost_micros
                 FROM total_stats AS s WHERE s.connection = (SELECT num FROM c) AND s.level = ?2 AND s.date = ?3 GROUP BY s.object),
             quiet AS (
                 SELECT e.impressions / e.days AS impressions, e.clicks / e.days AS clicks, e.cost_micros / e.days AS cost_micros,
                        n.object IS NULL AS is_absent, o.status IN ('stopped', 'deleted') AS is_over
                 FROM earlier AS e JOIN ad_objects AS o ON o.num = e.object LEFT JOIN now AS n ON n.object = e.object
                 WHERE coalesce(n.impressions, 0) = 0 AND coalesce(n.cost_micros, 0) = 0),
             sides AS (
                 SELECT 'ended' AS side, impressions, clicks, cost_micros, is_absent AS row_count FROM quiet WHERE is_over
                 UNION ALL
                 SELECT 'idle', impressions, clicks, cost_micros, 0 FROM quiet
                 WHERE NOT is_over AND (NOT is_absent OR (SELECT zero_rows FROM c) = 'leave_out')
                 UNION ALL
                 SELECT 'fresh', n.impressions, n.clicks, n.cost_micros, 1 FROM now AS n LEFT JOIN earlier AS e ON e.object = n.object
                 WHERE coalesce(e.impressions, 0) = 0 AND coalesce(e.cost_micros, 0) = 0)
             SELECT side, sum(impressions) AS impressions, sum(clicks) AS clicks, sum(cost_micros) AS cost_micros,
                    NULL AS conversions_micros, NULL AS revenue_micros, NULL AS visits, NULL AS page_views, NULL AS bounces,
                    sum(row_count) AS row_count
             FROM sides GROUP BY side",
        )
        .bind(id.to_string())
        .bind(level_code(level))
        .bind(day_code(date))
        .bind(i64::from(days.max(1)))
        .fetch_all(&self.readers)
        .await?;
        let mut shift = Shift::default();
        for row in &rows {
            let sums = Sums::read(row)?;
            match row.value::<&str>("side")? {
                "ended" => shift.ended = sums,
                "idle" => shift.idle = sums,
                _ => shift.fresh = sums,
            }
        }
        Ok(shift)
    }

    /// How the last attempt of each connection ended; connections without one are absent, and attempts that a person stopped say nothing.
    pub async fn last_ends(&self, scope: Scope) -> Result<Vec<LastEnd>> {
        let rows = sqlx::query(
            "SELECT c.id AS connection_id, r.id AS run_id, r.state, r.ended_at, r.failure,
                    (SELECT g.ended_at FROM runs AS g WHERE g.connection = c.num AND g.state IN ('done', 'done_with_remarks')
                     ORDER BY g.num DESC LIMIT 1) AS synced_at,
                    (SELECT n.state FROM runs AS n WHERE n.connection = c.num ORDER BY n.num DESC LIMIT 1)
                        IN ('queued', 'running', 'waiting') AS running
             FROM connections AS c
             JOIN runs AS r ON r.num = (SELECT e.num FROM runs AS e WHERE e.connection = c.num
                                        AND e.state IN ('done', 'done_with_remarks', 'failed') ORDER BY e.num DESC LIMIT 1)
             WHERE (?1 IS NULL OR c.client_id = ?1) AND r.ended_at IS NOT NULL ORDER BY c.num",
        )
        .bind(scope.bound())
        .fetch_all(&self.readers)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(LastEnd {
                    connection_id: row.word("connection_id")?,
                    run_id: row.word("run_id")?,
                    state: row.word("state")?,
                    ended_at: row.instant("ended_at")?,
                    failure: row.json_or_none("failure")?,
                    synced_at: row.instant_or_none("synced_at")?,
                    running: row.value("running")?,
                })
            })
            .collect()
    }
}
