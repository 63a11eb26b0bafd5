//! Table `traffic`: requests, bytes, retries and errors of each connection by day. The log of requests is cut, these counters are not.
//! How long runs waited stands in `waits` and is added up when somebody asks.

use crate::{
    Result, Store,
    codec::{Read, day_code, instant_code},
    commit::signed,
    request_log::Request,
};
use chrono::{NaiveDate, NaiveTime};
use model::{date::DateRange, id::ConnectionId};
use sqlx::SqliteConnection;
use std::collections::BTreeMap;

/// A day of a connection's traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Traffic {
    /// Of which connection.
    pub connection_id: ConnectionId,
    /// The day in UTC.
    pub date: NaiveDate,
    /// What was asked and answered.
    pub tally: Tally,
    /// How long its runs waited for the platform, in milliseconds.
    pub waited_millis: u64,
}

/// Requests, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Requests, repeats included.
    pub requests: u64,
    /// Bytes of their answers.
    pub bytes: u64,
    /// Requests that repeated another one.
    pub retries: u64,
    /// Requests without an answer, or with one of 400 and above.
    pub errors: u64,
}

/// Adds requests to the counters of the connection whose run sent them.
pub(crate) async fn count(connection: &mut SqliteConnection, run: i64, requests: &[Request]) -> Result<()> {
    let mut days: BTreeMap<NaiveDate, Tally> = BTreeMap::new();
    for request in requests {
        let tally = days.entry(request.at.date_naive()).or_default();
        tally.requests += 1;
        tally.bytes += request.bytes;
        tally.retries += u64::from(request.attempt > 1);
        tally.errors += u64::from(request.status.is_none_or(|status| status >= 400));
    }
    for (date, tally) in days {
        sqlx::query(
            "INSERT INTO traffic (connection, date, requests, bytes, retries, errors)
             SELECT connection, ?2, ?3, ?4, ?5, ?6 FROM runs WHERE num = ?1
             ON CONFLICT (connection, date) DO UPDATE SET requests = requests + excluded.requests, bytes = bytes + excluded.bytes,
                 retries = retries + excluded.retries, errors = errors + excluded.errors",
        )
        .bind(run)
        .bind(day_code(date))
        .bind(signed(tally.requests))
        .bind(signed(tally.bytes))
        .bind(signed(tally.retries))
        .bind(signed(tally.errors))
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

impl Store {
    /// The traffic of one connection or of all, day by day, oldest first. Days without any have no row.
    pub async fn traffic(&self, connection: Option<ConnectionId>, days: DateRange) -> Result<Vec<Traffic>> {
        let midnight = |date: NaiveDate| instant_code(date.and_time(NaiveTime::MIN).and_utc());
        let rows = sqlx::query(
            "SELECT c.id, t.date, t.requests, t.bytes, t.retries, t.errors,
                    (SELECT coalesce(sum(w.millis), 0) FROM waits AS w JOIN runs AS r ON r.num = w.run
                     WHERE r.connection = c.num AND w.at >= ?4 + (t.date - ?2) * 86400000
                       AND w.at < ?4 + (t.date - ?2 + 1) * 86400000) AS waited
             FROM traffic AS t JOIN connections AS c ON c.num = t.connection
             WHERE (?1 IS NULL OR c.id = ?1) AND t.date BETWEEN ?2 AND ?3 ORDER BY c.num, t.date",
        )
        .bind(connection.map(|id| id.to_string()))
        .bind(day_code(days.from()))
        .bind(day_code(days.to()))
        .bind(midnight(days.from()))
        .fetch_all(&self.readers)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(Traffic {
                    connection_id: row.word("id")?,
                    date: row.day("date")?,
                    tally: Tally {
                        requests: row.count("requests")?,
                        bytes: row.count("bytes")?,
                        retries: row.count("retries")?,
                        errors: row.count("errors")?,
                    },
                    waited_millis: row.count("waited")?,
                })
            })
            .collect()
    }
}
