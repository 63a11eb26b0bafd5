//! Table `monthly_rollups`: `daily_rollups` added up by month, made anew from it for the months of each commit. Three years of three
//! hundred connections are a third of a million days, which no screen should wait for, and eleven thousand months.
//!
//! Sums of a period take its whole months from here and the days before and after them from `daily_rollups`.

use crate::{
    Result, Scope, Store,
    codec::{Read, day_code},
    daily_rollups::{ClientDay, ClientSums, ConnectionSums, Sums, sums_of},
};
use chrono::{Datelike, Days, Months, NaiveDate};
use model::date::DateRange;
use sqlx::{Sqlite, SqliteConnection, query::Query, sqlite::SqliteArguments};

/// The first day of a day's month.
fn month_of(date: NaiveDate) -> NaiveDate {
    date.with_day(1).unwrap_or(date)
}

fn next_month(month: NaiveDate) -> NaiveDate {
    month.checked_add_months(Months::new(1)).unwrap_or(month)
}

/// The months that a window touches, each as its first day and the first of the next.
pub(crate) fn months(window: DateRange) -> impl Iterator<Item = (i64, i64)> {
    let months = std::iter::successors(Some(month_of(window.from())), |month| Some(next_month(*month)));
    let touched = (window.to().year() - window.from().year()) * 12 + window.to().month().cast_signed()
        - window.from().month().cast_signed()
        + 1;
    months.take(usize::try_from(touched).unwrap_or(0)).map(|month| (day_code(month), day_code(next_month(month))))
}

/// Makes the months of a window anew, after its days.
pub(crate) async fn recompute(
    connection: &mut SqliteConnection,
    num: i64,
    level: i64,
    window: DateRange,
) -> Result<()> {
    for (month, next) in months(window) {
        sqlx::query("DELETE FROM monthly_rollups WHERE connection = ? AND level = ? AND month = ?")
            .bind(num)
            .bind(level)
            .bind(month)
            .execute(&mut *connection)
            .await?;
        sqlx::query(
            "INSERT INTO monthly_rollups (connection, level, month, currency, vat, impressions, clicks, cost_micros,
                 conversions_micros, revenue_micros, visits, page_views, bounces, row_count)
             SELECT connection, level, ?3, currency, vat, sum(impressions), sum(clicks), sum(cost_micros),
                 sum(conversions_micros), sum(revenue_micros), sum(visits), sum(page_views), sum(bounces), sum(row_count)
             FROM daily_rollups WHERE connection = ?1 AND level = ?2 AND date >= ?3 AND date < ?4
             GROUP BY connection, level, currency, vat",
        )
        .bind(num)
        .bind(level)
        .bind(month)
        .bind(next)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// A period as the days before its first whole month, its whole months, and the days after them, each as first and last; a piece without
/// days ends before it begins. The days before are all of one month, and so are those after.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Pieces {
    pub(crate) head: (i64, i64),
    pub(crate) months: (i64, i64),
    pub(crate) tail: (i64, i64),
}

/// No days.
const NONE: (i64, i64) = (0, -1);

impl Pieces {
    /// All days by themselves, where there are no months.
    pub(crate) fn days(range: DateRange) -> Self {
        Self { head: (day_code(range.from()), day_code(range.to())), months: NONE, tail: NONE }
    }

    pub(crate) fn of(range: DateRange) -> Self {
        let (from, to) = (day_code(range.from()), day_code(range.to()));
        let month = month_of(range.from());
        let first = if month == range.from() { month } else { next_month(month) };
        let after = month_of(range.to().checked_add_days(Days::new(1)).unwrap_or(range.to()));
        // Within one month. A period over its end is cut there even when neither side is a whole month.
        if first > after {
            return Self::days(range);
        }
        let (first, after) = (day_code(first), day_code(after));
        Self { head: (from, first - 1), months: (first, after - 1), tail: (after, to) }
    }
}

/// One piece of a period: rows of `daily_rollups` or `monthly_rollups`, each with its connection and the first day it stands for.
macro_rules! piece {
    ($table:literal, $day:literal, $first:literal, $between:literal) => {
        concat!(
            "SELECT c.num, c.id AS connection_id, c.client_id, c.in_totals, ",
            $first,
            " AS date, p.currency, p.vat, p.impressions, p.clicks, p.cost_micros, p.conversions_micros, p.revenue_micros, p.visits,
                    p.page_views, p.bounces, p.row_count
             FROM connections AS c
             CROSS JOIN ",
            $table,
            " AS p ON p.connection = c.num AND p.level = c.totals_level AND p.",
            $day,
            " BETWEEN ",
            $between,
            " WHERE (?1 IS NULL OR c.client_id = ?1)"
        )
    };
}

/// The sums of a period of a scope, read with [`bound`]: `columns` by `groups` from all its pieces.
macro_rules! of_period {
    ($columns:literal, $where:literal, $groups:literal) => {
        concat!(
            "WITH pieces AS (",
            piece!("daily_rollups", "date", "?2", "?2 AND ?3"),
            " UNION ALL ",
            piece!("monthly_rollups", "month", "p.month", "?4 AND ?5"),
            " UNION ALL ",
            piece!("daily_rollups", "date", "?6", "?6 AND ?7"),
            ") SELECT ",
            $columns,
            ", p.currency, p.vat, ",
            sums_of!("p."),
            ", sum(p.row_count) AS row_count FROM pieces AS p ",
            $where,
            " GROUP BY ",
            $groups,
            ", p.currency, p.vat ORDER BY ",
            $groups,
            ", p.currency, p.vat"
        )
    };
}

fn bound(sql: &'static str, scope: Scope, range: DateRange) -> Query<'static, Sqlite, SqliteArguments> {
    let Pieces { head, months, tail } = Pieces::of(range);
    [head, months, tail]
        .into_iter()
        .fold(sqlx::query(sql).bind(scope.bound()), |query, (from, to)| query.bind(from).bind(to))
}

impl Store {
    /// Sums per client over a period, of the connections that count toward its totals: one query for the whole portfolio. A client without
    /// rows has none here.
    pub async fn client_sums(&self, scope: Scope, range: DateRange) -> Result<Vec<ClientSums>> {
        let sql = of_period!("p.client_id", "WHERE p.in_totals = 'counts'", "p.client_id");
        let rows = bound(sql, scope, range).fetch_all(&self.readers).await?;
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

    /// Sums per client and month of a period, of the connections that count toward its totals, by client and month. A month that the
    /// period has not whole is its days within the period; its date is the first of them. Months without rows are absent.
    pub async fn client_months(&self, scope: Scope, range: DateRange) -> Result<Vec<ClientDay>> {
        let sql = of_period!("p.client_id, p.date", "WHERE p.in_totals = 'counts'", "p.client_id, p.date");
        let rows = bound(sql, scope, range).fetch_all(&self.readers).await?;
        rows.iter().map(ClientDay::read).collect()
    }

    /// Sums per connection over a period, in the order the connections were created.
    pub async fn connection_sums(&self, scope: Scope, range: DateRange) -> Result<Vec<ConnectionSums>> {
        let sql = of_period!("p.connection_id, p.client_id", "", "p.num");
        let rows = bound(sql, scope, range).fetch_all(&self.readers).await?;
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
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    /// Every day lies in exactly one piece, whole months are whole, and no more days stand outside of them than must.
    #[test]
    fn a_window_touches_every_month_that_has_a_day_of_it() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        for (from, to, count) in [
            ("2026-11-30", "2026-11-30", 1),
            ("2026-11-30", "2026-12-01", 2),
            ("2025-12-31", "2026-01-01", 2),
            ("2025-11-01", "2026-11-30", 13),
        ] {
            let window = DateRange::new(day(from), day(to)).unwrap();
            let touched: Vec<_> = months(window).collect();
            assert_eq!(touched.len(), count, "{from}..{to}");
            assert!(touched.windows(2).all(|pair| pair[0].1 == pair[1].0), "{from}..{to}");
            let (first, after) = (touched[0].0, touched[count - 1].1);
            assert!(window.days().all(|date| (first..after).contains(&day_code(date))), "{from}..{to}");
        }
    }

    #[test]
    fn a_period_is_cut_into_days_months_and_days() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        for (from, to, months) in [
            ("2026-11-01", "2026-11-30", 1),
            ("2026-11-02", "2026-11-30", 0),
            ("2026-11-01", "2026-11-29", 0),
            ("2026-10-15", "2026-11-14", 0),
            ("2026-10-31", "2026-12-01", 1),
            ("2023-11-20", "2026-11-19", 35),
            ("2024-02-01", "2024-02-29", 1),
            ("2025-12-01", "2026-01-31", 2),
            ("2026-11-19", "2026-11-19", 0),
        ] {
            let (from, to) = (day(from), day(to));
            let pieces = Pieces::of(DateRange::new(from, to).unwrap());
            let within = |(first, last): (i64, i64), date| (first..=last).contains(&day_code(date));
            let mut starts = 0;
            for date in from.iter_days().take_while(|date| *date <= to) {
                let found = [pieces.head, pieces.months, pieces.tail].into_iter().filter(|piece| within(*piece, date));
                assert_eq!(found.count(), 1, "{date} of {from}..{to}");
                starts += u32::from(within(pieces.months, date) && date.day() == 1);
                let of_one_month = [(pieces.head, from), (pieces.tail, to)]
                    .into_iter()
                    .all(|(piece, end)| !within(piece, date) || month_of(date) == month_of(end));
                assert!(of_one_month, "{date} of {from}..{to}");
            }
            assert_eq!(starts, months, "{from}..{to}");
            let length = |(first, last): (i64, i64)| (last - first + 1).max(0);
            let days = length(pieces.head) + length(pieces.months) + length(pieces.tail);
            assert_eq!(days, (to - from).num_days() + 1, "{from}..{to}");
        }
    }
}
