//! Table `clients`: the agency's clients. Deleting one deletes everything that is theirs, the key of their credentials first.

use crate::{
    Result, Store, StoreError,
    codec::{Read, instant_code},
};
use model::{connection::Client, id::ClientId};
use sqlx::sqlite::SqliteRow;

/// What was deleted with a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DeletedClient {
    /// Connections.
    pub connections: u64,
    /// Rows of statistics.
    pub stats: u64,
    /// Runs.
    pub runs: u64,
    /// Backups in which the client's key was destroyed too.
    pub backups: u32,
}

fn read(row: &SqliteRow) -> Result<Client> {
    Ok(Client {
        id: row.word("id")?,
        name: row.value("name")?,
        currency: row.word("currency")?,
        time_zone: row.value("time_zone")?,
        created_at: row.instant("created_at")?,
    })
}

impl Store {
    /// Adds a client.
    pub async fn insert_client(&self, client: &Client) -> Result<()> {
        self.located(async {
            let insert =
                sqlx::query("INSERT INTO clients (id, name, currency, time_zone, created_at) VALUES (?, ?, ?, ?, ?)")
                    .bind(client.id.to_string())
                    .bind(&client.name)
                    .bind(client.currency.as_str())
                    .bind(&client.time_zone)
                    .bind(instant_code(client.created_at));
            self.execute(insert).await.map_err(|error| error.or_conflict("client"))?;
            Ok(())
        })
        .await
    }

    /// Changes name, currency and time zone of a client.
    pub async fn update_client(&self, client: &Client) -> Result<()> {
        self.located(async {
            let update = sqlx::query("UPDATE clients SET name = ?, currency = ?, time_zone = ? WHERE id = ?")
                .bind(&client.name)
                .bind(client.currency.as_str())
                .bind(&client.time_zone)
                .bind(client.id.to_string());
            if self.execute(update).await? == 0 { Err(StoreError::NotFound { what: "client" }) } else { Ok(()) }
        })
        .await
    }

    /// One client, or `NotFound`.
    pub async fn client(&self, id: ClientId) -> Result<Client> {
        let row = sqlx::query("SELECT id, name, currency, time_zone, created_at FROM clients WHERE id = ?")
            .bind(id.to_string())
            .fetch_optional(&self.readers)
            .await?;
        read(&row.ok_or(StoreError::NotFound { what: "client" })?)
    }

    /// All clients in the order they were created.
    pub async fn clients(&self) -> Result<Vec<Client>> {
        let rows = sqlx::query("SELECT id, name, currency, time_zone, created_at FROM clients ORDER BY created_at, id")
            .fetch_all(&self.readers)
            .await?;
        rows.iter().map(read).collect()
    }

    /// Deletes a client with connections, data, runs and key in one transaction. Freed pages are overwritten and the log is folded in,
    /// so that the key is nowhere in the files, and it is destroyed in the backups.
    pub async fn delete_client(&self, id: ClientId) -> Result<DeletedClient> {
        self.located(async {
            // The backups first: when one cannot be rewritten the client is still there and deleting can be repeated.
            let backups = self.shred_in_backups(id).await?;
            sqlx::query("PRAGMA secure_delete = ON").execute(&self.writer).await?;
            let deleted = self.delete_client_rows(id, backups).await;
            sqlx::query("PRAGMA secure_delete = OFF").execute(&self.writer).await?;
            let deleted = deleted?;
            sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&self.writer).await?;
            Ok(deleted)
        })
        .await
    }

    async fn delete_client_rows(&self, id: ClientId, backups: u32) -> Result<DeletedClient> {
        let id = id.to_string();
        let mut transaction = self.begin().await?;
        let runs: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM runs WHERE connection IN (SELECT num FROM connections WHERE client_id = ?)",
        )
        .bind(&id)
        .fetch_one(&mut *transaction)
        .await?;
        let stats = sqlx::query(
            "DELETE FROM campaign_stats WHERE connection IN (SELECT num FROM connections WHERE client_id = ?)",
        )
        .bind(&id)
        .execute(&mut *transaction)
        .await?
        .rows_affected();
        sqlx::query(
            "DELETE FROM staged_stats WHERE run IN
                 (SELECT r.num FROM runs AS r JOIN connections AS c ON c.num = r.connection WHERE c.client_id = ?)",
        )
        .bind(&id)
        .execute(&mut *transaction)
        .await?;
        sqlx::query(
            "DELETE FROM staged_records WHERE run IN
                 (SELECT r.num FROM runs AS r JOIN connections AS c ON c.num = r.connection WHERE c.client_id = ?)",
        )
        .bind(&id)
        .execute(&mut *transaction)
        .await?;
        let connections = sqlx::query("DELETE FROM connections WHERE client_id = ?")
            .bind(&id)
            .execute(&mut *transaction)
            .await?
            .rows_affected();
        crate::sign_ins::sweep(&mut transaction).await?;
        let clients =
            sqlx::query("DELETE FROM clients WHERE id = ?").bind(&id).execute(&mut *transaction).await?.rows_affected();
        if clients == 0 {
            return Err(StoreError::NotFound { what: "client" });
        }
        transaction.commit().await?;
        Ok(DeletedClient { connections, stats, runs: runs.unsigned_abs(), backups })
    }
}
