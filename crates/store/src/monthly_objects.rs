//! Table `monthly_objects`: what each campaign and ad group did in a month, made anew for the months of each commit, so that a client's
//! year by campaign is some hundreds of rows and not tens of thousands. Ads have no months: there are too many of them, they live too
//! short to gain by it, and an account's commits would pay for it.

use crate::{
    Result,
    codec::level_code,
    monthly_rollups::{Pieces, months},
};
use model::{ad::Level, date::DateRange};
use sqlx::SqliteConnection;

/// How a period of objects of a level is read.
pub(crate) fn pieces(level: Level, range: DateRange) -> Pieces {
    if level == Level::Ad { Pieces::days(range) } else { Pieces::of(range) }
}

/// Makes the months of a window anew.
pub(crate) async fn recompute(
    connection: &mut SqliteConnection,
    num: i64,
    level: Level,
    window: DateRange,
) -> Result<()> {
    if level == Level::Ad {
        return Ok(());
    }
    for (month, next) in months(window) {
        sqlx::query("DELETE FROM monthly_objects WHERE connection = ? AND level = ? AND month = ?")
            .bind(num)
            .bind(level_code(level))
            .bind(month)
            .execute(&mut *connection)
            .await?;
        sqlx::query(
            "INSERT INTO monthly_objects (connection, level, month, object, currency, vat, impressions, clicks, cost_micros,
                 conversions_micros, revenue_micros, visits, page_views, bounces, row_count)
             SELECT connection, level, ?3, object, currency, vat, sum(impressions), sum(clicks), sum(cost_micros),
                 sum(conversions_micros), sum(revenue_micros), sum(visits), sum(page_views), sum(bounces), count(*)
             FROM total_stats WHERE connection = ?1 AND level = ?2 AND date >= ?3 AND date < ?4
             GROUP BY connection, level, object, currency, vat",
        )
        .bind(num)
        .bind(level_code(level))
        .bind(month)
        .bind(next)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}
