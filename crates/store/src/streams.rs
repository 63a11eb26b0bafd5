//! Table `streams`: which streams of a connection are read, in the order of the connector.

use crate::{Result, Store, StoreError, codec::Read};
use model::id::ConnectionId;
use sqlx::SqliteConnection;

/// Whether a stream is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamChoice {
    /// Its name.
    pub name: String,
    /// On or off.
    pub on: bool,
}

pub(crate) async fn replace(connection: &mut SqliteConnection, num: i64, streams: &[StreamChoice]) -> Result<()> {
    sqlx::query("DELETE FROM streams WHERE connection = ?").bind(num).execute(&mut *connection).await?;
    for (position, stream) in (0_i64..).zip(streams) {
        sqlx::query(
            "INSERT INTO streams (connection, name, position, enabled) VALUES (?, ?, ?, ?)
                     ON CONFLICT (connection, name) DO UPDATE SET enabled = excluded.enabled",
        )
        .bind(num)
        .bind(&stream.name)
        .bind(position)
        .bind(stream.on)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

impl Store {
    /// The streams of a connection in order.
    pub async fn streams(&self, connection: ConnectionId) -> Result<Vec<StreamChoice>> {
        let rows = sqlx::query(
            "SELECT s.name, s.enabled FROM streams AS s JOIN connections AS c ON c.num = s.connection WHERE c.id = ?
             ORDER BY s.position",
        )
        .bind(connection.to_string())
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(|row| Ok(StreamChoice { name: row.value("name")?, on: row.value("enabled")? })).collect()
    }

    /// Replaces the streams of a connection. Data of a stream that is switched off stay.
    pub async fn set_streams(&self, connection: ConnectionId, streams: &[StreamChoice]) -> Result<()> {
        self.located(async {
            let mut transaction = self.begin().await?;
            let num: Option<i64> = sqlx::query_scalar("SELECT num FROM connections WHERE id = ?")
                .bind(connection.to_string())
                .fetch_optional(&mut *transaction)
                .await?;
            replace(&mut transaction, num.ok_or(StoreError::NotFound { what: "connection" })?, streams).await?;
            transaction.commit().await?;
            Ok(())
        })
        .await
    }
}
