//! Table `stream_states`: where streams of records stand, as their connector writes it. Written in the transaction of the records it
//! stands for (see `records`), so that a state never promises what is not there.

use crate::{
    Result, Store,
    codec::{Read, instant_code, json},
};
use chrono::{DateTime, Utc};
use model::id::ConnectionId;
use serde_json::Value;
use sqlx::SqliteConnection;

pub(crate) async fn put(
    connection: &mut SqliteConnection,
    num: i64,
    stream: &str,
    state: &Value,
    at: DateTime<Utc>,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO stream_states (connection, stream, state, saved_at) VALUES (?, ?, ?, ?)
         ON CONFLICT (connection, stream) DO UPDATE SET state = excluded.state, saved_at = excluded.saved_at",
    )
    .bind(num)
    .bind(stream)
    .bind(json(state)?)
    .bind(instant_code(at))
    .execute(connection)
    .await?;
    Ok(())
}

impl Store {
    /// Where a stream of a connection stands, if it was ever committed.
    pub async fn stream_state(&self, connection: ConnectionId, stream: &str) -> Result<Option<Value>> {
        let row = sqlx::query(
            "SELECT s.state FROM stream_states AS s JOIN connections AS c ON c.num = s.connection WHERE c.id = ? AND s.stream = ?",
        )
        .bind(connection.to_string())
        .bind(stream)
        .fetch_optional(&self.readers)
        .await?;
        row.map(|row| row.json("state")).transpose()
    }
}
