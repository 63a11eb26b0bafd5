//! Table `staged_stats`: rows of a slice on their way. A slice is all or nothing, and a large one does not fit memory; its rows wait here,
//! out of sight of every screen, and move into place within the slice's commit. What a dead run left is dropped by whoever goes on duty.

use crate::{
    Result, Store,
    bulk::Bulk,
    campaign_stats,
    codec::{day_code, level_code},
    commit,
};
use model::{
    ad::{CampaignStat, Rejected},
    date::DateRange,
    id::RunId,
};
use sqlx::SqliteConnection;

impl Store {
    /// Puts a part of a slice's rows aside; [`Store::commit_slice`] takes them in. Returns rows that do not fit the slice (another day than
    /// its window, too large): hand them in as `rejected` with the commit. Batches of some thousands of rows are the fastest.
    pub async fn stage(&self, run: RunId, slice_seq: u32, stats: Vec<CampaignStat>) -> Result<Vec<Rejected>> {
        if stats.is_empty() {
            return Ok(Vec::new());
        }
        self.located(async {
            let mut transaction = self.begin().await?;
            let slice = commit::slice(&mut transaction, run, slice_seq).await?;
            let window = slice.window()?;
            let (ready, rejected) =
                campaign_stats::ready(&mut transaction, &slice, window, &stats).await?;
            let bulk = Bulk::new(
                "INSERT INTO staged_stats (run, seq, level, date, object, breakdown, impressions, clicks, cost_micros, currency, vat,
                     conversions_micros, revenue_micros, visits, users, page_views, bounces) VALUES",
                17,
                "ON CONFLICT (run, seq, level, date, object, breakdown) DO UPDATE SET impressions = excluded.impressions,
                     clicks = excluded.clicks, cost_micros = excluded.cost_micros, currency = excluded.currency, vat = excluded.vat,
                     conversions_micros = excluded.conversions_micros, revenue_micros = excluded.revenue_micros, visits = excluded.visits,
                     users = excluded.users, page_views = excluded.page_views, bounces = excluded.bounces",
            );
            let level = level_code(slice.level);
            campaign_stats::write(&mut transaction, bulk, &ready, |query| {
                query.bind(slice.run).bind(i64::from(slice_seq)).bind(level)
            })
            .await?;
            transaction.commit().await?;
            Ok(rejected)
        })
        .await
    }

    /// Drops everything that was staged. Only for a program that goes on duty, before it runs anything: then no run is alive.
    pub async fn clear_staged(&self) -> Result<()> {
        self.located(async {
            let mut transaction = self.begin().await?;
            sqlx::query("DELETE FROM staged_stats").execute(&mut *transaction).await?;
            sqlx::query("DELETE FROM staged_records").execute(&mut *transaction).await?;
            transaction.commit().await
        })
        .await
    }
}

/// Moves the rows of a slice into place. They come in the order of the target's key.
pub(crate) async fn move_in(
    connection: &mut SqliteConnection,
    num: i64,
    run: i64,
    seq: i64,
    level: i64,
    window: DateRange,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO campaign_stats (connection, level, date, object, breakdown, impressions, clicks, cost_micros, currency, vat,
             conversions_micros, revenue_micros, visits, users, page_views, bounces)
         SELECT ?1, level, date, object, breakdown, impressions, clicks, cost_micros, currency, vat, conversions_micros, revenue_micros,
             visits, users, page_views, bounces
         FROM staged_stats WHERE run = ?2 AND seq = ?3 AND level = ?4 AND date BETWEEN ?5 AND ?6
         ORDER BY date, object, breakdown
         ON CONFLICT (connection, level, date, object, breakdown) DO UPDATE SET impressions = excluded.impressions,
             clicks = excluded.clicks, cost_micros = excluded.cost_micros, currency = excluded.currency, vat = excluded.vat,
             conversions_micros = excluded.conversions_micros, revenue_micros = excluded.revenue_micros, visits = excluded.visits,
             users = excluded.users, page_views = excluded.page_views, bounces = excluded.bounces",
    )
    .bind(num)
    .bind(run)
    .bind(seq)
    .bind(level)
    .bind(day_code(window.from()))
    .bind(day_code(window.to()))
    .execute(&mut *connection)
    .await?;
    drop_slice(connection, run, seq).await
}

/// Drops the staged rows of a slice.
pub(crate) async fn drop_slice(connection: &mut SqliteConnection, run: i64, seq: i64) -> Result<()> {
    sqlx::query("DELETE FROM staged_stats WHERE run = ? AND seq = ?").bind(run).bind(seq).execute(connection).await?;
    Ok(())
}
