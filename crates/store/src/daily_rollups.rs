//! Table `daily_rollups`: sums per connection, level, day, currency and VAT state. Recomputed for the touched days with each commit, so
//! that the overview of sixty clients reads some thousands of rows and not millions.
//!
//! Rollups hold every level; reads take each connection's totals level, so levels, which describe the same money, are never added up.
//! A sum is unknown only when every input is unknown.

use crate::{
    Result, Scope, Store,
    codec::{Read, day_code},
};
use chrono::NaiveDate;
use model::{
    date::DateRange,
    id::{ClientId, ConnectionId},
    money::{Currency, Micros, VatState},
};
use sqlx::{SqliteConnection, sqlite::SqliteRow};

/// Sums over some rows. `None` = no row said it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sums {
    /// Times shown.
    pub impressions: Option<i64>,
    /// Clicks.
    pub clicks: Option<i64>,
    /// Spend.
    pub cost: Option<Micros>,
    /// Conversions, in millionths.
    pub conversions: Option<Micros>,
    /// Revenue.
    pub revenue: Option<Micros>,
    /// Visits.
    pub visits: Option<i64>,
    /// Pages or screens seen.
    pub page_views: Option<i64>,
    /// Visits that ended where they began.
    pub bounces: Option<i64>,
    /// Rows that were summed.
    pub rows: u64,
}

/// The columns that [`Sums::read`] reads, summed from rows under a name such as `"r."`; the number of rows is left to the query.
macro_rules! sums_of {
    ($from:literal) => {
        concat!(
            "sum(",
            $from,
            "impressions) AS impressions, sum(",
            $from,
            "clicks) AS clicks, sum(",
            $from,
            "cost_micros) AS cost_micros,
             sum(",
            $from,
            "conversions_micros) AS conversions_micros, sum(",
            $from,
            "revenue_micros) AS revenue_micros,
             sum(",
            $from,
            "visits) AS visits, sum(",
            $from,
            "page_views) AS page_views, sum(",
            $from,
            "bounces) AS bounces"
        )
    };
}
pub(crate) use sums_of;

impl Sums {
    pub(crate) fn read(row: &SqliteRow) -> Result<Self> {
        Ok(Self {
            impressions: row.value("impressions")?,
            clicks: row.value("clicks")?,
            cost: row.micros("cost_micros")?,
            conversions: row.micros("conversions_micros")?,
            revenue: row.micros("revenue_micros")?,
            visits: row.value("visits")?,
            page_views: row.value("page_views")?,
            bounces: row.value("bounces")?,
            rows: row.count("row_count")?,
        })
    }

    /// What a day's sums were before it was read again; all unknown when it was read once.
    pub(crate) fn read_before(row: &SqliteRow) -> Result<Self> {
        Ok(Self {
            impressions: row.value("impressions_before")?,
            clicks: row.value("clicks_before")?,
            cost: row.micros("cost_before")?,
            conversions: row.micros("conversions_before")?,
            ..Self::default()
        })
    }
}

/// Sums of one client in one currency and VAT state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientSums {
    /// Whose.
    pub client_id: ClientId,
    /// Currency of the sums.
    pub currency: Currency,
    /// Whether they contain VAT.
    pub vat: VatState,
    /// The sums.
    pub sums: Sums,
}

/// Sums of one client on one day in one currency and VAT state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientDay {
    /// Whose.
    pub client_id: ClientId,
    /// The day.
    pub date: NaiveDate,
    /// Currency of the sums.
    pub currency: Currency,
    /// Whether they contain VAT.
    pub vat: VatState,
    /// The sums.
    pub sums: Sums,
}

/// Sums of one connection in one currency and VAT state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionSums {
    /// Of which connection.
    pub connection_id: ConnectionId,
    /// Of which client.
    pub client_id: ClientId,
    /// Currency of the sums.
    pub currency: Currency,
    /// Whether they contain VAT.
    pub vat: VatState,
    /// The sums.
    pub sums: Sums,
}

/// Makes the sums of a window anew.
pub(crate) async fn recompute(
    connection: &mut SqliteConnection,
    num: i64,
    level: i64,
    window: DateRange,
) -> Result<()> {
    let (from, to) = (day_code(window.from()), day_code(window.to()));
    sqlx::query("DELETE FROM daily_rollups WHERE connection = ? AND level = ? AND date BETWEEN ? AND ?")
        .bind(num)
        .bind(level)
        .bind(from)
        .bind(to)
        .execute(&mut *connection)
        .await?;
    sqlx::query(
        "INSERT INTO daily_rollups (connection, level, date, currency, vat, impressions, clicks, cost_micros, conversions_micros,
             revenue_micros, visits, page_views, bounces, row_count)
         SELECT connection, level, date, currency, vat, sum(impressions), sum(clicks), sum(cost_micros), sum(conversions_micros),
             sum(revenue_micros), sum(visits), sum(page_views), sum(bounces), count(*)
         FROM total_stats WHERE connection = ? AND level = ? AND date BETWEEN ? AND ?
         GROUP BY connection, level, date, currency, vat",
    )
    .bind(num)
    .bind(level)
    .bind(from)
    .bind(to)
    .execute(connection)
    .await?;
    Ok(())
}

impl Store {
    /// Sums per client over a period, of the connections that count toward its totals: one query for the whole portfolio. A client without
    /// rows has none here.
    pub async fn client_sums(&self, scope: Scope, range: DateRange) -> Result<Vec<ClientSums>> {
        let rows = sqlx::query(
            concat!("SELECT c.client_id, r.currency, r.vat, ", sums_of!("r."), ", sum(r.row_count) AS row_count
             FROM connections AS c
             CROSS JOIN daily_rollups AS r ON r.connection = c.num AND r.level = c.totals_level AND r.date BETWEEN ?2 AND ?3
             WHERE (?1 IS NULL OR c.client_id = ?1) AND c.in_totals = 'counts'
             GROUP BY c.client_id, r.currency, r.vat ORDER BY c.client_id, r.currency, r.vat"),
        )
        .bind(scope.bound())
        .bind(day_code(range.from()))
        .bind(day_code(range.to()))
        .fetch_all(&self.readers)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(ClientSums {
                    client_id: row.word("client_id")?,
                    currency: row.word("currency")?,
                    vat: row.vat("vat")?,
                    sums: Sums::read(row)?,
                })
            })
            .collect()
    }

    /// Sums per client and day over a period, of the connections that count toward its totals, by client and day. Days without rows are absent.
    pub async fn client_days(&self, scope: Scope, range: DateRange) -> Result<Vec<ClientDay>> {
        let rows = sqlx::query(
            concat!("SELECT c.client_id, r.date, r.currency, r.vat, ", sums_of!("r."), ", sum(r.row_count) AS row_count
             FROM connections AS c
             CROSS JOIN daily_rollups AS r ON r.connection = c.num AND r.level = c.totals_level AND r.date BETWEEN ?2 AND ?3
             WHERE (?1 IS NULL OR c.client_id = ?1) AND c.in_totals = 'counts'
             GROUP BY c.client_id, r.date, r.currency, r.vat ORDER BY c.client_id, r.date, r.currency, r.vat"),
        )
        .bind(scope.bound())
        .bind(day_code(range.from()))
        .bind(day_code(range.to()))
        .fetch_all(&self.readers)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(ClientDay {
                    client_id: row.word("client_id")?,
                    date: row.day("date")?,
                    currency: row.word("currency")?,
                    vat: row.vat("vat")?,
                    sums: Sums::read(row)?,
                })
            })
            .collect()
    }

    /// Sums per connection over a period, in the order the connections were created.
    pub async fn connection_sums(&self, scope: Scope, range: DateRange) -> Result<Vec<ConnectionSums>> {
        let rows = sqlx::query(
            concat!("SELECT c.id AS connection_id, c.client_id, r.currency, r.vat, ", sums_of!("r."), ", sum(r.row_count) AS row_count
             FROM connections AS c
             CROSS JOIN daily_rollups AS r ON r.connection = c.num AND r.level = c.totals_level AND r.date BETWEEN ?2 AND ?3
             WHERE (?1 IS NULL OR c.client_id = ?1)
             GROUP BY c.num, r.currency, r.vat ORDER BY c.num, r.currency, r.vat"),
        )
        .bind(scope.bound())
        .bind(day_code(range.from()))
        .bind(day_code(range.to()))
        .fetch_all(&self.readers)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(ConnectionSums {
                    connection_id: row.word("connection_id")?,
                    client_id: row.word("client_id")?,
                    currency: row.word("currency")?,
                    vat: row.vat("vat")?,
                    sums: Sums::read(row)?,
                })
            })
            .collect()
    }

    /// Days whose sums differ from a recomputation from `campaign_stats`, as a count. Always zero; the doctor and the tests ask.
    pub async fn rollup_differences(&self) -> Result<u64> {
        let row = sqlx::query(
            "WITH fresh AS (
                 SELECT connection, level, date, currency, vat, sum(impressions), sum(clicks), sum(cost_micros), sum(conversions_micros),
                        sum(revenue_micros), sum(visits), sum(page_views), sum(bounces), count(*)
                 FROM total_stats GROUP BY connection, level, date, currency, vat),
             kept AS (
                 SELECT connection, level, date, currency, vat, impressions, clicks, cost_micros, conversions_micros, revenue_micros,
                        visits, page_views, bounces, row_count
                 FROM daily_rollups)
             SELECT (SELECT count(*) FROM (SELECT * FROM fresh EXCEPT SELECT * FROM kept))
                  + (SELECT count(*) FROM (SELECT * FROM kept EXCEPT SELECT * FROM fresh)) AS differences",
        )
        .fetch_one(&self.readers)
        .await?;
        row.count("differences")
    }
}
