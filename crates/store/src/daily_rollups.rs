//! Table `daily_rollups`: sums per connection, level, day, currency and VAT state. Recomputed for the touched days with each commit, so
//! that the overview of sixty clients reads some thousands of rows and not millions.
//!
//! Rollups hold every level; reads take each connection's totals level, so levels, which describe the same money, are never added up.
//! A sum is unknown only when every input is unknown. Whole months of longer periods are read from `monthly_rollups`.

use crate::{
    Result, Scope, Store,
    codec::{Read, day_code},
    monthly_rollups,
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

/// Sums of one client on one day, or in one month, in one currency and VAT state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientDay {
    /// Whose.
    pub client_id: ClientId,
    /// The day, or the first of the month's days.
    pub date: NaiveDate,
    /// Currency of the sums.
    pub currency: Currency,
    /// Whether they contain VAT.
    pub vat: VatState,
    /// The sums.
    pub sums: Sums,
}

impl ClientDay {
    pub(crate) fn read(row: &SqliteRow) -> Result<Self> {
        Ok(Self {
            client_id: row.word("client_id")?,
            date: row.day("date")?,
            currency: row.word("currency")?,
            vat: row.vat("vat")?,
            sums: Sums::read(row)?,
        })
    }
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

/// Makes the sums of a window anew, and those of its months.
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
    .execute(&mut *connection)
    .await?;
    monthly_rollups::recompute(connection, num, level, window).await
}

impl Store {
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
        rows.iter().map(ClientDay::read).collect()
    }

    /// Days and months whose sums differ from a recomputation from `campaign_stats`, as a count. Always zero; the doctor and the tests ask.
    pub async fn rollup_differences(&self) -> Result<u64> {
        let row = sqlx::query(
            "WITH fresh AS (
                 SELECT connection, level, date, currency, vat, sum(impressions), sum(clicks), sum(cost_micros), sum(conversions_micros),
                        sum(revenue_micros), sum(visits), sum(page_views), sum(bounces), count(*)
                 FROM total_stats GROUP BY connection, level, date, currency, vat),
             kept AS (
                 SELECT connection, level, date, currency, vat, impressions, clicks, cost_micros, conversions_micros, revenue_micros,
                        visits, page_views, bounces, row_count
                 FROM daily_rollups),
             -- From days that are compared themselves.
             fresh_months AS (
                 SELECT connection, level, strftime('%Y-%m', date * 86400, 'unixepoch') AS month, currency, vat, sum(impressions),
                        sum(clicks), sum(cost_micros), sum(conversions_micros), sum(revenue_micros), sum(visits), sum(page_views),
                        sum(bounces), sum(row_count)
                 FROM daily_rollups GROUP BY connection, level, month, currency, vat),
             kept_months AS (
                 SELECT connection, level, strftime('%Y-%m', month * 86400, 'unixepoch'), currency, vat, impressions, clicks, cost_micros,
                        conversions_micros, revenue_micros, visits, page_views, bounces, row_count
                 FROM monthly_rollups),
             fresh_objects AS (
                 SELECT connection, level, strftime('%Y-%m', date * 86400, 'unixepoch') AS month, object, currency, vat,
                        sum(impressions), sum(clicks), sum(cost_micros), sum(conversions_micros), sum(revenue_micros), sum(visits),
                        sum(page_views), sum(bounces), count(*)
                 FROM total_stats WHERE level < 4 GROUP BY connection, level, month, object, currency, vat),
             kept_objects AS (
                 SELECT connection, level, strftime('%Y-%m', month * 86400, 'unixepoch'), object, currency, vat, impressions, clicks,
                        cost_micros, conversions_micros, revenue_micros, visits, page_views, bounces, row_count
                 FROM monthly_objects)
             SELECT (SELECT count(*) FROM (SELECT * FROM fresh EXCEPT SELECT * FROM kept))
                  + (SELECT count(*) FROM (SELECT * FROM kept EXCEPT SELECT * FROM fresh))
                  + (SELECT count(*) FROM (SELECT * FROM fresh_months EXCEPT SELECT * FROM kept_months))
                  + (SELECT count(*) FROM (SELECT * FROM kept_months EXCEPT SELECT * FROM fresh_months))
                  + (SELECT count(*) FROM (SELECT * FROM fresh_objects EXCEPT SELECT * FROM kept_objects))
                  + (SELECT count(*) FROM (SELECT * FROM kept_objects EXCEPT SELECT * FROM fresh_objects)) AS differences",
        )
        .fetch_one(&self.readers)
        .await?;
        row.count("differences")
    }
}
