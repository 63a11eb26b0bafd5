//! Table `channel_deliveries`: what became of each telling on each channel that wants it. A row is made once and then only changes its
//! state, so that a telling cannot be delivered by two starts of the program.

use crate::{
    Result, Store, StoredFailure,
    codec::{Read, instant_code, json},
    tellings,
};
use chrono::{DateTime, Utc};
use model::{alert::Telling, channel::DeliveryState, id::ChannelId};
use sqlx::SqliteConnection;

/// A telling that waits for a channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Waiting {
    /// What is to be told.
    pub telling: Telling,
    /// Attempts so far.
    pub attempts: u32,
    /// Whether it is a digest and there is a newer one of the same client.
    pub outdated: bool,
    /// Whether it is about alerts that are all settled or muted by now.
    pub over: bool,
}

/// Lines up every telling for the channels that want it and do not have it yet.
pub(crate) async fn enqueue(connection: &mut SqliteConnection) -> Result<u64> {
    let done = sqlx::query(
        "INSERT OR IGNORE INTO channel_deliveries (channel, telling, state)
         SELECT c.num, t.num, 'waiting' FROM channels AS c JOIN tellings AS t ON t.num > c.after_telling
         WHERE c.enabled = 1
           AND CASE t.kind WHEN 'critical' THEN c.wants_critical = 1 ELSE c.wants_digest IS NOT NULL END
           AND (c.all_clients = 1 OR EXISTS (
                SELECT 1 FROM channel_clients AS l WHERE l.channel = c.num AND l.client_id = t.client_id))",
    )
    .execute(&mut *connection)
    .await?;
    // What is in line need not be looked at again.
    sqlx::query(
        "UPDATE channels SET after_telling = (SELECT max(num) FROM tellings)
         WHERE after_telling < (SELECT max(num) FROM tellings)",
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

impl Store {
    /// Lines up new tellings for the channels that want them. Answers how many deliveries that makes.
    pub async fn enqueue_deliveries(&self) -> Result<u64> {
        self.located(async {
            let mut transaction = self.begin().await?;
            let made = enqueue(&mut transaction).await?;
            transaction.commit().await?;
            Ok(made)
        })
        .await
    }

    /// What waits for a channel, in the order in which it was told.
    pub async fn waiting_deliveries(&self, id: ChannelId, limit: u32) -> Result<Vec<Waiting>> {
        let rows = sqlx::query(
            "SELECT t.num, t.id, t.client_id, t.kind, t.date, t.made_at, t.alerts, d.attempts,
                    t.kind = 'digest' AND EXISTS (
                        SELECT 1 FROM tellings AS n WHERE n.client_id = t.client_id AND n.kind = 'digest' AND n.num > t.num) AS outdated,
                    NOT EXISTS (
                        SELECT 1 FROM json_each(t.alerts) AS j JOIN alerts AS a ON a.id = json_extract(j.value, '$.id')
                        WHERE a.settled_at IS NULL AND a.muted_at IS NULL) AS over
             FROM channel_deliveries AS d JOIN channels AS c ON c.num = d.channel JOIN tellings AS t ON t.num = d.telling
             WHERE c.id = ? AND d.state = 'waiting' ORDER BY t.num LIMIT ?",
        )
        .bind(id.to_string())
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(Waiting {
                    telling: tellings::read_telling(row)?,
                    attempts: row.small("attempts")?,
                    outdated: row.value("outdated")?,
                    over: row.value("over")?,
                })
            })
            .collect()
    }

    /// Says what became of tellings on a channel, all together. `Done` also says that the channel works.
    pub async fn close_deliveries(
        &self,
        id: ChannelId,
        tellings: &[i64],
        state: DeliveryState,
        at: DateTime<Utc>,
    ) -> Result<()> {
        self.change_deliveries(id, tellings, state, None, at).await
    }

    /// Says that an attempt to deliver tellings failed; they wait on, or are given up as refused.
    pub async fn deliveries_failed(
        &self,
        id: ChannelId,
        tellings: &[i64],
        state: DeliveryState,
        failure: &StoredFailure,
        at: DateTime<Utc>,
    ) -> Result<()> {
        self.change_deliveries(id, tellings, state, Some(failure), at).await
    }

    async fn change_deliveries(
        &self,
        id: ChannelId,
        tellings: &[i64],
        state: DeliveryState,
        failure: Option<&StoredFailure>,
        at: DateTime<Utc>,
    ) -> Result<()> {
        let failure = failure.map(json).transpose()?;
        self.located(async {
            let mut transaction = self.begin().await?;
            for telling in tellings {
                sqlx::query(
                    "UPDATE channel_deliveries SET state = ?3, at = ?4, failure = ?5, attempts = attempts + ?6
                     WHERE telling = ?2 AND state = 'waiting' AND channel = (SELECT num FROM channels WHERE id = ?1)",
                )
                .bind(id.to_string())
                .bind(telling)
                .bind(state.as_str())
                .bind(instant_code(at))
                .bind(&failure)
                .bind(i64::from(state != DeliveryState::Passed))
                .execute(&mut *transaction)
                .await?;
            }
            if state == DeliveryState::Done {
                sqlx::query(
                    "UPDATE channels SET failure = NULL, failed_at = NULL, failures = 0, retry_at = NULL, delivered_at = ?2
                     WHERE id = ?1",
                )
                .bind(id.to_string())
                .bind(instant_code(at))
                .execute(&mut *transaction)
                .await?;
            }
            transaction.commit().await?;
            Ok(())
        })
        .await
    }
}
