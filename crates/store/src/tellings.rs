//! Table `tellings`: what people outside are told, in the order in which it was made. A telling carries a copy of all that a message
//! needs; who gets it and by which channel is no matter of this table.

use crate::{
    Result, Store,
    alerts::{Kept, read, select},
    codec::{Read, day_code, instant_code, json},
};
use chrono::{DateTime, NaiveDate, Utc};
use model::{
    alert::{AlertState, Telling, TellingKind, ToldAlert},
    id::{ClientId, TellingId},
};
use sqlx::{SqliteConnection, sqlite::SqliteRow};

/// An alert as it is told.
pub(crate) fn told(kept: &Kept) -> ToldAlert {
    let alert = &kept.alert;
    ToldAlert {
        id: alert.id,
        kind: alert.subject.kind,
        severity: alert.severity,
        state: alert.state,
        client_name: kept.client_name.clone(),
        connection_id: alert.subject.connection_id,
        connector: kept.connector.clone(),
        account_name: kept.account_name.clone(),
        stream: alert.subject.stream.clone(),
        days: alert.subject.days,
        params: alert.params.clone(),
        run_id: alert.run_id,
        action: alert.subject.kind.action(),
        opened_at: alert.opened_at,
        settled_at: alert.settled_at,
    }
}

/// Adds a telling; a second digest of a client's day is not added.
pub(crate) async fn add(
    connection: &mut SqliteConnection,
    client: ClientId,
    kind: TellingKind,
    date: Option<NaiveDate>,
    at: DateTime<Utc>,
    alerts: &[ToldAlert],
) -> Result<bool> {
    let done = sqlx::query(
        "INSERT INTO tellings (id, client_id, kind, date, made_at, alerts) VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT (client_id, date) WHERE kind = 'digest' DO NOTHING",
    )
    .bind(TellingId::new().to_string())
    .bind(client.to_string())
    .bind(kind.as_str())
    .bind(date.map(day_code))
    .bind(instant_code(at))
    .bind(json(&alerts)?)
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}

pub(crate) fn read_telling(row: &SqliteRow) -> Result<Telling> {
    Ok(Telling {
        number: row.value("num")?,
        id: row.word("id")?,
        client_id: row.word("client_id")?,
        kind: row.word("kind")?,
        date: row.day_or_none("date")?,
        made_at: row.instant("made_at")?,
        alerts: row.json("alerts")?,
    })
}

impl Store {
    /// The newest digest day of each client that ever had one.
    pub async fn digest_days(&self) -> Result<Vec<(ClientId, NaiveDate)>> {
        let rows = sqlx::query(
            "SELECT client_id, max(date) AS date FROM tellings WHERE kind = 'digest' GROUP BY client_id ORDER BY client_id",
        )
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(|row| Ok((row.word("client_id")?, row.day("date")?))).collect()
    }

    /// Makes the digest of a client's day: its open alerts, and those settled since its last digest. Answers whether one was made: there
    /// is none when there is nothing to tell, or when the day has one already.
    pub async fn make_digest(&self, client: ClientId, date: NaiveDate, at: DateTime<Utc>) -> Result<bool> {
        self.located(async {
            let mut transaction = self.begin().await?;
            // What was opened and settled before there ever was a digest is no news to anybody.
            let rows = sqlx::query(select!(
                "WHERE c.client_id = ?1 AND a.muted_at IS NULL
                   AND (a.settled_at IS NULL
                        OR a.settled_at > (SELECT max(made_at) FROM tellings WHERE client_id = ?1 AND kind = 'digest'))
                 ORDER BY a.num DESC"
            ))
            .bind(client.to_string())
            .fetch_all(&mut *transaction)
            .await?;
            let mut alerts = rows.iter().map(|row| Ok(told(&read(row)?))).collect::<Result<Vec<_>>>()?;
            if alerts.is_empty() {
                return Ok(false);
            }
            alerts.sort_by_key(|alert| (alert.state == AlertState::Settled, alert.severity));
            let made = add(&mut transaction, client, TellingKind::Digest, Some(date), at, &alerts).await?;
            transaction.commit().await?;
            Ok(made)
        })
        .await
    }

    /// Tellings after a number (0: from the first), in their order.
    pub async fn tellings_after(&self, number: i64, limit: u32) -> Result<Vec<Telling>> {
        let rows = sqlx::query(
            "SELECT num, id, client_id, kind, date, made_at, alerts FROM tellings WHERE num > ? ORDER BY num LIMIT ?",
        )
        .bind(number)
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(read_telling).collect()
    }
}
