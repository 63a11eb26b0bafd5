//! Table `day_totals`: the platform's own sums of days, read right after our rows. Compared with ours only as long as no later reading
//! has changed our side: an old word of the platform proves nothing about new rows.

use crate::{
    Result, Scope, Store,
    bulk::{Bulk, pieces},
    codec::{Read, day_code, instant_code},
    connections,
};
use chrono::{DateTime, NaiveDate, Utc};
use model::{
    date::DateRange,
    id::ConnectionId,
    reconcile::{DayPair, DayTotal},
};
use std::collections::BTreeMap;

/// A day of a connection as we have it and as its platform says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionDay {
    /// Which connection.
    pub connection_id: ConnectionId,
    /// Its day.
    pub pair: DayPair,
}

impl Store {
    /// Replaces the platform's sums of these days. Days it did not name are days without anything.
    pub async fn put_day_totals(
        &self,
        connection: ConnectionId,
        days: &[DateRange],
        totals: &[(NaiveDate, DayTotal)],
        read_at: DateTime<Utc>,
    ) -> Result<()> {
        self.located(async {
            let mut transaction = self.begin().await?;
            let num = connections::num_of(&mut *transaction, connection).await?;
            let bulk = Bulk::new(
                "INSERT INTO day_totals (connection, date, impressions, clicks, cost_micros, read_at) VALUES",
                6,
                "ON CONFLICT (connection, date) DO UPDATE SET impressions = excluded.impressions, clicks = excluded.clicks,
                     cost_micros = excluded.cost_micros, read_at = excluded.read_at",
            );
            let zero = DayTotal { impressions: Some(0), clicks: Some(0), cost: Some(model::money::Micros::ZERO) };
            // Of two for one day the first counts.
            let known: BTreeMap<NaiveDate, DayTotal> = totals.iter().rev().copied().collect();
            let dates: Vec<NaiveDate> = days.iter().flat_map(DateRange::days).collect();
            for piece in pieces(&dates) {
                let mut query = bulk.statement(piece.len());
                for date in piece {
                    let total = known.get(date).copied().unwrap_or(zero);
                    query = query
                        .bind(num)
                        .bind(day_code(*date))
                        .bind(total.impressions)
                        .bind(total.clicks)
                        .bind(total.cost.map(|cost| cost.0))
                        .bind(instant_code(read_at));
                }
                query.execute(&mut *transaction).await?;
            }
            transaction.commit().await?;
            Ok(())
        })
        .await
    }

    /// Days of a range with the platform's sums beside ours, by connection and day. Days that were read again since are absent.
    pub async fn day_pairs(&self, scope: Scope, range: DateRange) -> Result<Vec<ConnectionDay>> {
        let rows = sqlx::query(
            "SELECT c.id, t.date, t.impressions AS their_impressions, t.clicks AS their_clicks, t.cost_micros AS their_cost,
                    coalesce(sum(r.impressions), 0) AS impressions, coalesce(sum(r.clicks), 0) AS clicks,
                    coalesce(sum(r.cost_micros), 0) AS cost, coalesce(sum(r.row_count), 0) AS row_count,
                    (SELECT max(d.state = 'moving') FROM day_reads AS d WHERE d.connection = c.num AND d.date = t.date) AS moving
             FROM connections AS c JOIN day_totals AS t ON t.connection = c.num AND t.date BETWEEN ?2 AND ?3
             LEFT JOIN daily_rollups AS r
                 ON r.connection = c.num AND r.level = c.totals_level AND r.date = t.date AND r.currency = c.currency
             WHERE (?1 IS NULL OR c.client_id = ?1)
               AND t.read_at >= coalesce((SELECT max(d.read_at) FROM day_reads AS d
                                          WHERE d.connection = c.num AND d.date = t.date AND d.state <> 'failed'), t.read_at + 1)
             GROUP BY c.num, t.date ORDER BY c.num, t.date",
        )
        .bind(scope.bound())
        .bind(day_code(range.from()))
        .bind(day_code(range.to()))
        .fetch_all(&self.readers)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(ConnectionDay {
                    connection_id: row.word("id")?,
                    pair: DayPair {
                        date: row.day("date")?,
                        ours: DayTotal {
                            impressions: row.value("impressions")?,
                            clicks: row.value("clicks")?,
                            cost: row.micros("cost")?,
                        },
                        theirs: DayTotal {
                            impressions: row.value("their_impressions")?,
                            clicks: row.value("their_clicks")?,
                            cost: row.micros("their_cost")?,
                        },
                        rows: row.count("row_count")?,
                        moving: row.value::<Option<i64>>("moving")? == Some(1),
                    },
                })
            })
            .collect()
    }
}
