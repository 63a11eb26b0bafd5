//! Table `streams`: which streams of a connection are read, in the order of the connector. Read with their connection.

use crate::Result;
use model::settings::StreamChoice;
use sqlx::SqliteConnection;

/// Replaces the streams of a connection. Data of a stream that is switched off stay.
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
