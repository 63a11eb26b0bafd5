//! Tables `sign_ins` and `sign_in_keys`: who let us in where, until when, and which connections live by it. The secrets are in the vault;
//! here lies what may be shown, and the key of each sign-in, sealed once for every client that uses it.

use crate::{
    Result, Store, StoreError,
    codec::{Read, instant_code, json},
};
use chrono::{DateTime, Utc};
use model::id::{ClientId, ConnectionId, SignInId};
use sqlx::{SqliteConnection, sqlite::SqliteRow};
use std::collections::HashMap;

/// A sign-in as it may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignIn {
    /// Identity.
    pub id: SignInId,
    /// Of which system.
    pub connector: String,
    /// Who authorised it, as the platform calls them.
    pub owner: Option<String>,
    /// What it may do, in the platform's words.
    pub scopes: Option<Vec<String>>,
    /// When a person signed in.
    pub issued_at: DateTime<Utc>,
    /// The end of the access token in use, which renews itself.
    pub access_until: Option<DateTime<Utc>>,
    /// When it ends for good unless a person signs in again.
    pub ends_at: Option<DateTime<Utc>>,
    /// When a run last went in with it.
    pub used_at: Option<DateTime<Utc>>,
    /// When its tokens were last renewed.
    pub refreshed_at: Option<DateTime<Utc>>,
}

/// What a renewal says of a sign-in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Renewal {
    /// The end of the access token in use.
    pub access_until: Option<DateTime<Utc>>,
    /// When the sign-in ends for good.
    pub ends_at: Option<DateTime<Utc>>,
    /// What it may do; `None` leaves what is known.
    pub scopes: Option<Vec<String>>,
    /// When its tokens were renewed; `None`: they were only taken away.
    pub at: Option<DateTime<Utc>>,
}

/// A key of a sign-in, sealed for one client.
#[derive(Debug, Clone)]
pub struct SealedKey {
    /// For whom.
    pub client_id: ClientId,
    /// The sealed key.
    pub key: Vec<u8>,
}

fn read(row: &SqliteRow) -> Result<SignIn> {
    Ok(SignIn {
        id: row.word("id")?,
        connector: row.value("connector")?,
        owner: row.value("owner")?,
        scopes: row.json_or_none("scopes")?,
        issued_at: row.instant("issued_at")?,
        access_until: row.instant_or_none("access_until")?,
        ends_at: row.instant_or_none("ends_at")?,
        used_at: row.instant_or_none("used_at")?,
        refreshed_at: row.instant_or_none("refreshed_at")?,
    })
}

/// Removes sign-ins that no connection lives by, and the ways in of clients that have none left.
pub(crate) async fn sweep(connection: &mut SqliteConnection) -> Result<()> {
    sqlx::query(
        "DELETE FROM sign_in_keys WHERE NOT EXISTS
             (SELECT 1 FROM connections AS c WHERE c.sign_in = sign_in_keys.sign_in AND c.client_id = sign_in_keys.client_id)",
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query("DELETE FROM sign_ins WHERE NOT EXISTS (SELECT 1 FROM connections AS c WHERE c.sign_in = sign_ins.id)")
        .execute(connection)
        .await?;
    Ok(())
}

impl Store {
    /// Writes a sign-in, its keys for more clients, and gives it to connections in place of the sign-ins they had. Sign-ins that nobody
    /// has any more are removed; their ids are the answer, so that their secrets can go too.
    pub async fn put_sign_in(
        &self,
        sign_in: &SignIn,
        keys: &[SealedKey],
        connections: &[ConnectionId],
    ) -> Result<Vec<SignInId>> {
        let scopes = sign_in.scopes.as_ref().map(json).transpose()?;
        self.located(async {
            let mut transaction = self.begin().await?;
            let before = ids(&mut transaction).await?;
            sqlx::query(
                "INSERT INTO sign_ins (id, connector, owner, scopes, issued_at, access_until, ends_at, used_at, refreshed_at)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                 ON CONFLICT (id) DO UPDATE SET owner = excluded.owner, scopes = excluded.scopes, issued_at = excluded.issued_at,
                     access_until = excluded.access_until, ends_at = excluded.ends_at, used_at = excluded.used_at,
                     refreshed_at = excluded.refreshed_at",
            )
            .bind(sign_in.id.to_string())
            .bind(&sign_in.connector)
            .bind(&sign_in.owner)
            .bind(scopes)
            .bind(instant_code(sign_in.issued_at))
            .bind(sign_in.access_until.map(instant_code))
            .bind(sign_in.ends_at.map(instant_code))
            .bind(sign_in.used_at.map(instant_code))
            .bind(sign_in.refreshed_at.map(instant_code))
            .execute(&mut *transaction)
            .await?;
            for key in keys {
                sqlx::query(
                    "INSERT INTO sign_in_keys (sign_in, client_id, key) VALUES (?, ?, ?)
                     ON CONFLICT (sign_in, client_id) DO UPDATE SET key = excluded.key",
                )
                .bind(sign_in.id.to_string())
                .bind(key.client_id.to_string())
                .bind(key.key.clone())
                .execute(&mut *transaction)
                .await?;
            }
            for id in connections {
                let done = sqlx::query("UPDATE connections SET sign_in = ? WHERE id = ?")
                    .bind(sign_in.id.to_string())
                    .bind(id.to_string())
                    .execute(&mut *transaction)
                    .await?;
                if done.rows_affected() == 0 {
                    return Err(StoreError::NotFound { what: "connection" });
                }
            }
            sweep(&mut transaction).await?;
            let after = ids(&mut transaction).await?;
            transaction.commit().await?;
            Ok(before.into_iter().filter(|id| !after.contains(id)).collect())
        })
        .await
    }

    /// All sign-ins, in the order they were given.
    pub async fn sign_ins(&self) -> Result<Vec<SignIn>> {
        let rows = sqlx::query("SELECT * FROM sign_ins ORDER BY issued_at, id").fetch_all(&self.readers).await?;
        rows.iter().map(read).collect()
    }

    /// Which connection lives by which sign-in. Files, and what was not adopted yet, are not in it.
    pub async fn sign_ins_of_connections(&self) -> Result<HashMap<ConnectionId, SignInId>> {
        let rows = sqlx::query("SELECT id, sign_in FROM connections WHERE sign_in IS NOT NULL")
            .fetch_all(&self.readers)
            .await?;
        rows.iter().map(|row| Ok((row.word("id")?, row.word("sign_in")?))).collect()
    }

    /// The sign-in that a connection lives by.
    pub async fn sign_in_of(&self, connection: ConnectionId) -> Result<Option<SignIn>> {
        let row = sqlx::query("SELECT s.* FROM sign_ins AS s JOIN connections AS c ON c.sign_in = s.id WHERE c.id = ?")
            .bind(connection.to_string())
            .fetch_optional(&self.readers)
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// The keys of a sign-in, one for each client that uses it.
    pub async fn sign_in_keys(&self, id: SignInId) -> Result<Vec<SealedKey>> {
        let rows = sqlx::query("SELECT client_id, key FROM sign_in_keys WHERE sign_in = ? ORDER BY client_id")
            .bind(id.to_string())
            .fetch_all(&self.readers)
            .await?;
        rows.iter().map(|row| Ok(SealedKey { client_id: row.word("client_id")?, key: row.value("key")? })).collect()
    }

    /// Notes that a run went in.
    pub async fn note_sign_in_used(&self, id: SignInId, at: DateTime<Utc>) -> Result<()> {
        self.located(async {
            let query = sqlx::query("UPDATE sign_ins SET used_at = max(coalesce(used_at, 0), ?) WHERE id = ?")
                .bind(instant_code(at))
                .bind(id.to_string());
            self.execute(query).await?;
            Ok(())
        })
        .await
    }

    /// Notes what became of its tokens.
    pub async fn note_sign_in_renewal(&self, id: SignInId, renewal: Renewal) -> Result<()> {
        let scopes = renewal.scopes.as_ref().map(json).transpose()?;
        self.located(async {
            let query = sqlx::query(
                "UPDATE sign_ins SET access_until = ?, ends_at = ?, scopes = coalesce(?, scopes),
                     refreshed_at = coalesce(?, refreshed_at) WHERE id = ?",
            )
            .bind(renewal.access_until.map(instant_code))
            .bind(renewal.ends_at.map(instant_code))
            .bind(scopes)
            .bind(renewal.at.map(instant_code))
            .bind(id.to_string());
            self.execute(query).await?;
            Ok(())
        })
        .await
    }
}

async fn ids(connection: &mut SqliteConnection) -> Result<Vec<SignInId>> {
    let rows = sqlx::query("SELECT id FROM sign_ins").fetch_all(connection).await?;
    rows.iter().map(|row| row.word("id")).collect()
}
