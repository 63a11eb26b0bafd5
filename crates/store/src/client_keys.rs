//! Table `client_keys`: the data key of each client, which opens the client's sealed credentials in the keychain. Neither alone opens
//! anything, and destroying the key (see `clients`) destroys all credentials of the client at once.

use crate::{Result, Store, codec::Read};
use model::id::ClientId;

impl Store {
    /// Keeps a client's data key, replacing the one before.
    pub async fn put_client_key(&self, client: ClientId, key: &[u8]) -> Result<()> {
        self.located(async {
            let put = sqlx::query("INSERT INTO client_keys (client_id, key) VALUES (?, ?) ON CONFLICT (client_id) DO UPDATE SET key = excluded.key")
                .bind(client.to_string())
                .bind(key.to_vec());
            self.execute(put).await?;
            Ok(())
        })
        .await
    }

    /// A client's data key; `None` when it was never made or was destroyed.
    pub async fn client_key(&self, client: ClientId) -> Result<Option<Vec<u8>>> {
        let row = sqlx::query("SELECT key FROM client_keys WHERE client_id = ?")
            .bind(client.to_string())
            .fetch_optional(&self.readers)
            .await?;
        row.map(|row| row.value("key")).transpose()
    }
}
