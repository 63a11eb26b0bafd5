//! Table `campaign_stats`: one day of one ad object, optionally split. The table that everything else here is about.
//!
//! Its key is ordered (connection, level, date, ...) so that a window is one contiguous piece: replacing it deletes and appends there.
//! Sums across levels do not exist in this crate: every read names its level or takes the connection's totals level.

use crate::{
    Result, Scope, Store, StoreError,
    ad_objects::{self, Landing},
    bulk::{Bulk, pieces},
    codec::{Read, day_code, level_code, vat_code},
    commit::Planned,
    connections,
    daily_rollups::{Sums, sums_of},
    monthly_objects,
    monthly_rollups::Pieces,
    slices::Part,
};
use chrono::NaiveDate;
use futures::TryStreamExt;
use model::{
    ad::{CampaignStat, Level, ObjectStatus, RejectReason, Rejected, Visits},
    date::DateRange,
    id::{ClientId, ConnectionId},
    money::{Currency, VatState},
    settings::InTotals,
};
use sqlx::{
    Sqlite, SqliteConnection,
    query::Query,
    sqlite::{SqliteArguments, SqliteRow},
};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

/// The largest metric that is taken: ten billion currency units or ten quadrillion impressions of one object on one day. Sums of
/// hundreds of such rows still fit 64 bits, so no single absurd row can make the portfolio's sum overflow.
pub const LARGEST: i64 = 10_000_000_000_000_000;

/// What an ad object did over a period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectSums {
    /// Of which connection.
    pub connection_id: ConnectionId,
    /// The vendor's id.
    pub external_id: String,
    /// The vendor's id of its parent.
    pub parent_external_id: Option<String>,
    /// Its name; `None` until its dictionary was read.
    pub name: Option<String>,
    /// Whether it delivers.
    pub status: ObjectStatus,
    /// Where it leads.
    pub landing: Landing,
    /// Currency of the sums.
    pub currency: Currency,
    /// Whether the sums contain VAT.
    pub vat: VatState,
    /// The sums.
    pub sums: Sums,
}

/// A row as it was kept, with its object's name, for exports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredStat {
    /// Of which connection.
    pub connection_id: ConnectionId,
    /// The name of the object.
    pub name: Option<String>,
    /// Where it leads.
    pub landing: Landing,
    /// Whether its connection counts toward the client's totals.
    pub in_totals: InTotals,
    /// The row.
    pub stat: CampaignStat,
}

/// A row ready to be written: its object is a number, its day is a number.
pub(crate) struct Ready<'a> {
    date: i64,
    object: i64,
    stat: &'a CampaignStat,
}

/// Sorts rows into those that fit the slice, as numbers in the order of the table, and those that go to quarantine.
pub(crate) async fn ready<'a>(
    connection: &mut SqliteConnection,
    slice: &Planned,
    window: DateRange,
    stats: &'a [CampaignStat],
) -> Result<(Vec<Ready<'a>>, Vec<Rejected>)> {
    if stats.iter().any(|stat| stat.level != slice.level || !slice.part.holds(&stat.breakdown)) {
        return Err(StoreError::Misuse(
            "rows of another level or breakdown than the slice's would be added to data that the slice does not replace",
        ));
    }
    // In the order of their first appearance, so that numbers do not depend on chance.
    let mut seen = HashSet::new();
    let distinct: Vec<&str> =
        stats.iter().map(|stat| stat.external_id.as_str()).filter(|external_id| seen.insert(*external_id)).collect();
    let nums = ad_objects::nums(connection, slice.connection, level_code(slice.level), &distinct).await?;
    let (mut ready, mut rejected) = (Vec::with_capacity(stats.len()), Vec::new());
    for stat in stats {
        if let Some(reason) = objection(&slice.stream, window, stat) {
            rejected.push(reason);
        } else if let Some(object) = nums.get(&stat.external_id) {
            ready.push(Ready { date: day_code(stat.date), object: *object, stat });
        } else {
            return Err(StoreError::Misuse("an ad object that was just written is not there"));
        }
    }
    // In the order of the key every insert lands beside the one before it, which is what makes a large window fast.
    ready.sort_by(|a, b| (a.date, a.object, &a.stat.breakdown).cmp(&(b.date, b.object, &b.stat.breakdown)));
    Ok((ready, rejected))
}

fn objection(stream: &str, window: DateRange, stat: &CampaignStat) -> Option<Rejected> {
    let (reason, field, value) = if window.contains(stat.date) {
        let metrics = [
            ("impressions", stat.impressions),
            ("clicks", stat.clicks),
            ("cost", stat.cost.map(|micros| micros.0)),
            ("conversions", stat.conversions.map(|micros| micros.0)),
            ("revenue", stat.revenue.map(|micros| micros.0)),
            ("visits", stat.visits.count),
            ("users", stat.visits.users),
            ("page_views", stat.visits.page_views),
            ("bounces", stat.visits.bounces),
        ];
        let (field, value) = metrics.into_iter().find_map(|(field, value)| {
            value.filter(|v| v.unsigned_abs() > LARGEST.unsigned_abs()).map(|v| (field, v))
        })?;
        (RejectReason::TooLarge, field, value.to_string())
    } else {
        (RejectReason::OutsideWindow, "date", stat.date.to_string())
    };
    Some(Rejected {
        stream: stream.to_owned(),
        date: Some(stat.date),
        reason,
        field: field.to_owned(),
        value,
        line: None,
        raw: format!("{stat:?}"),
    })
}

/// Writes rows in the order they come; of two rows with one key the later stays.
pub(crate) async fn insert(connection: &mut SqliteConnection, num: i64, level: i64, rows: &[Ready<'_>]) -> Result<()> {
    let bulk = Bulk::new(
        "INSERT INTO campaign_stats (connection, level, date, object, breakdown, impressions, clicks, cost_micros, currency, vat,
             conversions_micros, revenue_micros, visits, users, page_views, bounces) VALUES",
        16,
        "ON CONFLICT (connection, level, date, object, breakdown) DO UPDATE SET impressions = excluded.impressions,
             clicks = excluded.clicks, cost_micros = excluded.cost_micros, currency = excluded.currency, vat = excluded.vat,
             conversions_micros = excluded.conversions_micros, revenue_micros = excluded.revenue_micros, visits = excluded.visits,
             users = excluded.users, page_views = excluded.page_views, bounces = excluded.bounces",
    );
    write(connection, bulk, rows, |query| query.bind(num).bind(level)).await
}

/// Binds rows to a statement whose first parameters of each row `own` binds.
pub(crate) async fn write<'q>(
    connection: &mut SqliteConnection,
    bulk: Bulk,
    rows: &[Ready<'_>],
    own: impl Fn(Query<'q, Sqlite, SqliteArguments>) -> Query<'q, Sqlite, SqliteArguments>,
) -> Result<()> {
    // The two texts that nearly every row shares are allocated once and not per row.
    let whole: Arc<str> = "".into();
    let mut currencies: HashMap<Currency, Arc<str>> = HashMap::new();
    for chunk in pieces(rows) {
        let mut query = bulk.statement(chunk.len());
        for row in chunk {
            let stat = row.stat;
            let currency = Arc::clone(currencies.entry(stat.currency).or_insert_with(|| stat.currency.as_str().into()));
            query = own(query)
                .bind(row.date)
                .bind(row.object)
                .bind(if stat.breakdown.is_empty() { Arc::clone(&whole) } else { stat.breakdown.as_str().into() })
                .bind(stat.impressions)
                .bind(stat.clicks)
                .bind(stat.cost.map(|micros| micros.0))
                .bind(currency)
                .bind(vat_code(stat.vat))
                .bind(stat.conversions.map(|micros| micros.0))
                .bind(stat.revenue.map(|micros| micros.0))
                .bind(stat.visits.count)
                .bind(stat.visits.users)
                .bind(stat.visits.page_views)
                .bind(stat.visits.bounces);
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

/// Removes a slice's rows of a window; returns how many there were.
pub(crate) async fn delete_window(
    connection: &mut SqliteConnection,
    slice: &Planned,
    window: DateRange,
) -> Result<u64> {
    let (from, to) = slice.part.bounds();
    let done = sqlx::query(
        "DELETE FROM campaign_stats WHERE connection = ? AND level = ? AND date BETWEEN ? AND ? AND breakdown >= ? AND breakdown < ?",
    )
        .bind(slice.connection)
        .bind(level_code(slice.level))
        .bind(day_code(window.from()))
        .bind(day_code(window.to()))
        .bind(from)
        .bind(to)
        .execute(connection)
        .await?;
    Ok(done.rows_affected())
}

/// One piece of a period of a client's objects: rows of their days or of `monthly_objects`.
macro_rules! piece {
    ($table:literal, $day:literal, $rows:literal, $between:literal) => {
        concat!(
            "SELECT s.connection, s.object, s.currency, s.vat, s.impressions, s.clicks, s.cost_micros, s.conversions_micros,
                    s.revenue_micros, s.visits, s.page_views, s.bounces, ",
            $rows,
            " AS row_count
             FROM connections AS c
             CROSS JOIN ",
            $table,
            " AS s ON s.connection = c.num AND s.level = ?2 AND s.",
            $day,
            " BETWEEN ",
            $between,
            " WHERE c.client_id = ?1"
        )
    };
}

fn stored(row: &SqliteRow) -> Result<StoredStat> {
    Ok(StoredStat {
        connection_id: row.word("connection_id")?,
        name: row.value("name")?,
        landing: Landing::read(row)?,
        in_totals: row.word("in_totals")?,
        stat: CampaignStat {
            level: row.level("level")?,
            external_id: row.value("external_id")?,
            date: row.day("date")?,
            breakdown: row.value("breakdown")?,
            impressions: row.value("impressions")?,
            clicks: row.value("clicks")?,
            cost: row.micros("cost_micros")?,
            currency: row.word("currency")?,
            vat: row.vat("vat")?,
            conversions: row.micros("conversions_micros")?,
            revenue: row.micros("revenue_micros")?,
            visits: Visits {
                count: row.value("visits")?,
                users: row.value("users")?,
                page_views: row.value("page_views")?,
                bounces: row.value("bounces")?,
            },
        },
    })
}

impl Store {
    /// The ad objects of a client at one level, by spend over the period, the largest first; unknown spend last. The number of objects
    /// that there are in all is [`Store::client_object_count`].
    pub async fn client_objects(
        &self,
        client: ClientId,
        level: Level,
        range: DateRange,
        limit: u32,
    ) -> Result<Vec<ObjectSums>> {
        let Pieces { head, months, tail } = monthly_objects::pieces(level, range);
        let rows = sqlx::query(concat!(
            "WITH pieces AS (",
            piece!("total_stats", "date", "1", "?4 AND ?5"),
            " UNION ALL ",
            piece!("monthly_objects", "month", "s.row_count", "?6 AND ?7"),
            " UNION ALL ",
            piece!("total_stats", "date", "1", "?8 AND ?9"),
            "), sums AS (
                 SELECT p.connection, p.object, p.currency, p.vat, ",
            sums_of!("p."),
            ", sum(p.row_count) AS row_count
                 FROM pieces AS p GROUP BY p.connection, p.object, p.currency, p.vat)
             SELECT sums.*, c.id AS connection_id, o.external_id, o.parent_external_id, o.name, o.status,
                 o.landing_url, o.utm_source, o.utm_medium, o.utm_campaign, o.utm_content, o.utm_term
             FROM sums JOIN connections AS c ON c.num = sums.connection JOIN ad_objects AS o ON o.num = sums.object
             ORDER BY sums.cost_micros DESC NULLS LAST, o.external_id LIMIT ?3"
        ))
        .bind(client.to_string())
        .bind(level_code(level))
        .bind(i64::from(limit))
        .bind(head.0)
        .bind(head.1)
        .bind(months.0)
        .bind(months.1)
        .bind(tail.0)
        .bind(tail.1)
        .fetch_all(&self.readers)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(ObjectSums {
                    connection_id: row.word("connection_id")?,
                    external_id: row.value("external_id")?,
                    parent_external_id: row.value("parent_external_id")?,
                    name: row.value("name")?,
                    status: row.word("status")?,
                    landing: Landing::read(row)?,
                    currency: row.word("currency")?,
                    vat: row.vat("vat")?,
                    sums: Sums::read(row)?,
                })
            })
            .collect()
    }

    /// How many ad objects of a level have rows in the period.
    pub async fn client_object_count(&self, client: ClientId, level: Level, range: DateRange) -> Result<u64> {
        let row = sqlx::query(
            "SELECT count(*) AS objects FROM (
                 SELECT DISTINCT s.object FROM connections AS c
                 JOIN campaign_stats AS s ON s.connection = c.num AND s.level = ?2 AND s.date BETWEEN ?3 AND ?4
                 WHERE c.client_id = ?1)",
        )
        .bind(client.to_string())
        .bind(level_code(level))
        .bind(day_code(range.from()))
        .bind(day_code(range.to()))
        .fetch_one(&self.readers)
        .await?;
        row.count("objects")
    }

    /// Hands every row of a client over, one at a time, so that an export of any size stays small in memory. `level` of `None` takes each
    /// connection's totals level. By connection, day and object; splits included.
    pub async fn each_stat(
        &self,
        client: ClientId,
        level: Option<Level>,
        range: DateRange,
        mut take: impl FnMut(StoredStat) + Send,
    ) -> Result<()> {
        let mut rows = sqlx::query(
            "SELECT s.*, c.id AS connection_id, c.in_totals, o.external_id, o.name, o.landing_url, o.utm_source, o.utm_medium,
                 o.utm_campaign, o.utm_content, o.utm_term
             FROM connections AS c
             JOIN campaign_stats AS s ON s.connection = c.num AND s.level = coalesce(?2, c.totals_level) AND s.date BETWEEN ?3 AND ?4
             JOIN ad_objects AS o ON o.num = s.object
             WHERE c.client_id = ?1 ORDER BY s.connection, s.date, s.object, s.breakdown",
        )
        .bind(client.to_string())
        .bind(level.map(level_code))
        .bind(day_code(range.from()))
        .bind(day_code(range.to()))
        .fetch(&self.readers);
        while let Some(row) = rows.try_next().await? {
            take(stored(&row)?);
        }
        Ok(())
    }

    /// Rows that stand in a range of one connection, level and part: what a slice would replace.
    pub async fn stats_in_range(
        &self,
        connection: ConnectionId,
        level: Level,
        part: &Part,
        range: DateRange,
    ) -> Result<u64> {
        let num = connections::num_of(&self.readers, connection).await?;
        let (from, to) = part.bounds();
        let row = sqlx::query(
            "SELECT count(*) AS kept FROM campaign_stats
             WHERE connection = ? AND level = ? AND date BETWEEN ? AND ? AND breakdown >= ? AND breakdown < ?",
        )
        .bind(num)
        .bind(level_code(level))
        .bind(day_code(range.from()))
        .bind(day_code(range.to()))
        .bind(from)
        .bind(to)
        .fetch_one(&self.readers)
        .await?;
        row.count("kept")
    }

    /// Rows of statistics of each connection, all levels, splits included.
    pub async fn stat_counts(&self, scope: Scope) -> Result<Vec<(ConnectionId, u64)>> {
        let rows = sqlx::query(
            "SELECT c.id, (SELECT count(*) FROM campaign_stats AS s WHERE s.connection = c.num) AS kept
             FROM connections AS c WHERE (?1 IS NULL OR c.client_id = ?1) ORDER BY c.num",
        )
        .bind(scope.bound())
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(|row| Ok((row.word("id")?, row.count("kept")?))).collect()
    }

    /// The first and the last day with a row of this connection at its totals level.
    pub async fn stat_days(&self, connection: ConnectionId) -> Result<Option<(NaiveDate, NaiveDate)>> {
        let row = sqlx::query(
            "SELECT min(r.date) AS first, max(r.date) AS last FROM connections AS c
             JOIN daily_rollups AS r ON r.connection = c.num AND r.level = c.totals_level WHERE c.id = ?",
        )
        .bind(connection.to_string())
        .fetch_one(&self.readers)
        .await?;
        Ok(row.day_or_none("first")?.zip(row.day_or_none("last")?))
    }
}
