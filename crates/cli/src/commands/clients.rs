//! `syncdeckctl clients`.

use super::{call, client};
use crate::output::{Output, known, table};
use api::{
    host::Host,
    wire::{ClientDeleted, ClientRow},
};
use serde_json::json;

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Lists the clients (the default).
    List,
    /// Adds a client.
    Add {
        /// Its name.
        name: String,
        /// Its currency; the workspace's when absent.
        #[arg(long)]
        currency: Option<String>,
    },
    /// Deletes a client, its data, and its key, so that its credentials open nowhere.
    Delete {
        /// Its name.
        name: String,
        /// The name once more, as consent.
        #[arg(long)]
        confirm: String,
    },
}

pub async fn run(host: &Host, output: Output, args: Args) -> anyhow::Result<()> {
    match args.action.unwrap_or(Action::List) {
        Action::List => {
            let clients: Vec<ClientRow> = call(host, "clients_list", json!({})).await?;
            output.result(&clients, |clients| {
                let rows: Vec<_> = clients
                    .iter()
                    .map(|client| {
                        vec![
                            client.name.clone(),
                            client.health.to_string(),
                            client.connections.to_string(),
                            known(client.spend_30d),
                            client.currency.to_string(),
                            known(client.data_through),
                        ]
                    })
                    .collect();
                table(&["client", "health", "connections", "spend 30 days", "currency", "data through"], 2, &rows)
            })
        }
        Action::Add { name, currency } => {
            let request = json!({ "name": name, "currency": currency, "time_zone": null });
            let client: ClientRow = call(host, "client_create", request).await?;
            output.result(&client, |client| format!("Added {}.", client.name))
        }
        Action::Delete { name, confirm } => {
            let client = client(host, &name).await?;
            let deleted: ClientDeleted =
                call(host, "client_delete", json!({ "id": client.id, "confirm_name": confirm })).await?;
            output.result(&deleted, |deleted| {
                format!("Deleted {} with {} connections and {} rows.", client.name, deleted.connections, deleted.rows)
            })
        }
    }
}
