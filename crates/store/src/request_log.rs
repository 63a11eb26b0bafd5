//! Table `request_log`: the requests of a run, masked before they get here. The newest [`KEPT`] of a run stay.

use crate::{
    Result, Store, StoreError,
    bulk::{Bulk, pieces},
    codec::{Read, instant_code, json},
    commit::signed,
    runs, traffic,
};
use chrono::{DateTime, Utc};
use model::id::RunId;

/// Requests kept per run.
pub const KEPT: u32 = 500;

/// A request that a run sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// When.
    pub at: DateTime<Utc>,
    /// Method.
    pub method: String,
    /// URL without secrets.
    pub url: String,
    /// Status; absent when no answer came.
    pub status: Option<u16>,
    /// How long, in milliseconds.
    pub millis: u64,
    /// Bytes of the answer.
    pub bytes: u64,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// What the platform said of its limits: headers by name.
    pub limits: Vec<(String, String)>,
    /// Why no usable answer came.
    pub failure: Option<String>,
}

impl Store {
    /// Adds requests, oldest first.
    pub async fn append_requests(&self, run: RunId, requests: &[Request]) -> Result<()> {
        if requests.is_empty() {
            return Ok(());
        }
        self.located(async {
            let mut transaction = self.begin().await?;
            let num = runs::num_of(&mut *transaction, run).await?;
            traffic::count(&mut transaction, num, requests).await?;
            let bulk = Bulk::new(
                "INSERT INTO request_log (run, at, method, url, status, millis, bytes, attempt, limits, failure) VALUES",
                10,
                "",
            );
            for chunk in pieces(requests) {
                let mut query = bulk.statement(chunk.len());
                for request in chunk {
                    query = query
                        .bind(num)
                        .bind(instant_code(request.at))
                        .bind(request.method.clone())
                        .bind(request.url.clone())
                        .bind(request.status.map(i64::from))
                        .bind(signed(request.millis))
                        .bind(signed(request.bytes))
                        .bind(i64::from(request.attempt))
                        .bind(json(&request.limits)?)
                        .bind(request.failure.clone());
                }
                query.execute(&mut *transaction).await?;
            }
            sqlx::query(
                "DELETE FROM request_log WHERE run = ?1 AND num <=
                     (SELECT num FROM request_log WHERE run = ?1 ORDER BY num DESC LIMIT 1 OFFSET ?2)",
            )
            .bind(num)
            .bind(i64::from(KEPT))
            .execute(&mut *transaction)
            .await?;
            transaction.commit().await?;
            Ok(())
        })
        .await
    }

    /// The address that each connector's newest kept request went to, by connector.
    pub async fn newest_addresses(&self) -> Result<Vec<(String, String)>> {
        let rows = sqlx::query(
            "SELECT c.connector, q.url, max(q.num) FROM request_log AS q JOIN runs AS r ON r.num = q.run
             JOIN connections AS c ON c.num = r.connection GROUP BY c.connector ORDER BY c.connector",
        )
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(|row| Ok((row.value("connector")?, row.value("url")?))).collect()
    }

    /// The kept requests of a run, newest first.
    pub async fn requests(&self, run: RunId) -> Result<Vec<Request>> {
        let rows = sqlx::query(
            "SELECT q.* FROM request_log AS q JOIN runs AS r ON r.num = q.run WHERE r.id = ? ORDER BY q.num DESC",
        )
        .bind(run.to_string())
        .fetch_all(&self.readers)
        .await?;
        rows.iter()
            .map(|row| {
                let status: Option<i64> = row.value("status")?;
                Ok(Request {
                    at: row.instant("at")?,
                    method: row.value("method")?,
                    url: row.value("url")?,
                    status: status
                        .map(|status| {
                            u16::try_from(status)
                                .map_err(|_| StoreError::Unreadable { column: "status", value: status.to_string() })
                        })
                        .transpose()?,
                    millis: row.count("millis")?,
                    bytes: row.count("bytes")?,
                    attempt: row.small("attempt")?,
                    limits: row.json("limits")?,
                    failure: row.value("failure")?,
                })
            })
            .collect()
    }
}
