//! Days that stand still: what a connection's totals were on days that nothing is likely to change any more. Crosses `day_reads` and
//! `daily_rollups`.
//!
//! A day is final when its platform's attribution window has closed, which takes a month on most platforms and three on some. Nearly all
//! of its figures come to rest long before that, and the readings show it: a day that was read again and had not changed stands
//! still. Days that failed, or of which rows are in quarantine, are left out.

use crate::{
    Result, Scope, Store, StoreError,
    codec::{Read, day_code, day_from},
    daily_rollups::Sums,
};
use chrono::{DateTime, NaiveDate, Utc};
use model::{
    date::DateRange,
    id::{ClientId, ConnectionId},
    money::{Currency, Micros},
};
use std::collections::HashMap;

/// What of a day stands still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stands {
    /// It is final.
    Final,
    /// Its last reading, at this instant, changed nothing.
    All(DateTime<Utc>),
    /// Its last reading, at this instant, changed its conversions alone.
    Delivery(DateTime<Utc>),
}

/// A day that stands still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StandingDay {
    /// The day.
    pub date: NaiveDate,
    /// What of it.
    pub stands: Stands,
    /// Its totals in the connection's currency. A day without rows had nothing, which is known.
    pub sums: Sums,
}

/// The days of a connection.
#[derive(Debug, Clone)]
pub struct StandingDays {
    /// Which connection.
    pub connection_id: ConnectionId,
    /// Of which client.
    pub client_id: ClientId,
    /// Its calendar.
    pub time_zone: String,
    /// Currency of the sums.
    pub currency: Currency,
    /// The days, in order.
    pub days: Vec<StandingDay>,
}

/// Connection, day, what stands, when it was read, and the sums: a tuple, because a portfolio has tens of thousands of these.
type Row = (i64, i64, i64, i64, Option<i64>, Option<i64>, Option<i64>, Option<i64>, Option<i64>, Option<i64>);

impl Store {
    /// Days of a range that stand still, by connection: two queries for the whole portfolio. A connection without any is absent.
    pub async fn standing_days(&self, scope: Scope, range: DateRange) -> Result<Vec<StandingDays>> {
        let known = sqlx::query(
            "SELECT num, id, client_id, time_zone, currency FROM connections WHERE (?1 IS NULL OR client_id = ?1)",
        )
        .bind(scope.bound())
        .fetch_all(&self.readers)
        .await?;
        let rows: Vec<Row> = sqlx::query_as(
            // With one `max` the bare columns are those of its row: the stream of the totals level.
            // https://www.sqlite.org/lang_select.html#bareagg
            "WITH off AS MATERIALIZED (SELECT connection, name FROM streams WHERE enabled = 0),
             seen AS (
                 SELECT c.num AS connection, c.totals_level, c.currency, d.date, max(d.level IS c.totals_level) AS own,
                        sum(d.state = 'moving') AS moving, sum(d.state = 'failed' OR d.rejected > 0) AS lacking,
                        d.reads, d.read_at, d.impressions_before, d.clicks_before, d.cost_before, d.conversions_before
                 FROM connections AS c CROSS JOIN day_reads AS d ON d.connection = c.num AND d.date BETWEEN ?2 AND ?3
                 WHERE (?1 IS NULL OR c.client_id = ?1)
                   AND NOT EXISTS (SELECT 1 FROM off WHERE off.connection = d.connection AND off.name = d.stream)
                 GROUP BY c.num, d.date HAVING lacking = 0),
             days AS (
                 SELECT s.connection, s.date, s.read_at, r.impressions, r.clicks, r.cost_micros, r.conversions_micros, r.revenue_micros,
                        r.row_count,
                        CASE WHEN s.moving = 0 THEN 0
                             WHEN s.own AND s.reads > 1 AND s.impressions_before IS iif(r.row_count IS NULL, 0, r.impressions)
                                  AND s.clicks_before IS iif(r.row_count IS NULL, 0, r.clicks)
                                  AND s.cost_before IS iif(r.row_count IS NULL, 0, r.cost_micros)
                             THEN iif(s.conversions_before IS iif(r.row_count IS NULL, 0, r.conversions_micros), 1, 2) END AS stands
                 FROM seen AS s
                 LEFT JOIN daily_rollups AS r
                     ON r.connection = s.connection AND r.level = s.totals_level AND r.date = s.date AND r.currency = s.currency)
             SELECT connection, date, stands, read_at, impressions, clicks, cost_micros, conversions_micros, revenue_micros, row_count
             FROM days WHERE stands IS NOT NULL",
        )
        .bind(scope.bound())
        .bind(day_code(range.from()))
        .bind(day_code(range.to()))
        .fetch_all(&self.readers)
        .await?;
        let mut by_connection: HashMap<i64, Vec<StandingDay>> = HashMap::with_capacity(known.len());
        for row in rows {
            let days = by_connection.entry(row.0).or_default();
            let day = day(row)?;
            match days.last_mut() {
                // With and without VAT.
                Some(last) if last.date == day.date => last.sums = last.sums.with(day.sums),
                _ => days.push(day),
            }
        }
        let mut all = Vec::with_capacity(by_connection.len());
        for row in &known {
            let Some(mut days) = by_connection.remove(&row.value::<i64>("num")?) else { continue };
            days.sort_by_key(|day| day.date);
            all.push(StandingDays {
                connection_id: row.word("id")?,
                client_id: row.word("client_id")?,
                time_zone: row.value("time_zone")?,
                currency: row.word("currency")?,
                days,
            });
        }
        Ok(all)
    }
}

fn day((_, date, stands, read_at, impressions, clicks, cost, conversions, revenue, rows): Row) -> Result<StandingDay> {
    let unreadable = |column, value: i64| StoreError::Unreadable { column, value: value.to_string() };
    let at = || DateTime::from_timestamp_millis(read_at).ok_or_else(|| unreadable("read_at", read_at));
    let sums = Sums {
        impressions,
        clicks,
        cost: cost.map(Micros),
        conversions: conversions.map(Micros),
        revenue: revenue.map(Micros),
        rows: rows.and_then(|rows| u64::try_from(rows).ok()).unwrap_or(0),
        ..Sums::default()
    };
    let nothing = Sums {
        impressions: Some(0),
        clicks: Some(0),
        cost: Some(Micros::ZERO),
        conversions: Some(Micros::ZERO),
        revenue: Some(Micros::ZERO),
        ..Sums::default()
    };
    Ok(StandingDay {
        date: day_from(date).ok_or_else(|| unreadable("date", date))?,
        stands: match stands {
            0 => Stands::Final,
            1 => Stands::All(at()?),
            _ => Stands::Delivery(at()?),
        },
        sums: if rows.is_none() { nothing } else { sums },
    })
}

impl Sums {
    /// The sum of both; what neither knows stays unknown.
    fn with(self, other: Self) -> Self {
        fn plus<T: std::ops::Add<Output = T>>(one: Option<T>, other: Option<T>) -> Option<T> {
            match (one, other) {
                (Some(one), Some(other)) => Some(one + other),
                (one, other) => one.or(other),
            }
        }
        Self {
            impressions: plus(self.impressions, other.impressions),
            clicks: plus(self.clicks, other.clicks),
            cost: plus(self.cost, other.cost),
            conversions: plus(self.conversions, other.conversions),
            revenue: plus(self.revenue, other.revenue),
            rows: self.rows + other.rows,
            ..self
        }
    }
}
