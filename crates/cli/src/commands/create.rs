//! `syncdeckctl create`.

use super::call;
use crate::output::Output;
use api::{
    host::Host,
    wire::{NewWorkspaceDraft, WorkspaceCreated},
};
use serde_json::json;

#[derive(clap::Args)]
pub struct Args {
    /// Name of the workspace, such as the agency's.
    #[arg(long)]
    name: String,
    /// Where to keep the key: `keychain`, or `passphrase` (then set SYNCDECK_PASSPHRASE or --passphrase-file).
    #[arg(long, default_value = "keychain", value_parser = ["keychain", "passphrase"])]
    lock: String,
    /// Default currency.
    #[arg(long, default_value = "RUB")]
    currency: String,
    /// Default time zone; the system's when absent.
    #[arg(long)]
    time_zone: Option<String>,
}

pub async fn run(host: &Host, output: Output, args: Args, passphrase: Option<String>) -> anyhow::Result<()> {
    let draft: NewWorkspaceDraft = call(host, "workspace_draft", json!({})).await?;
    let request = json!({
        "name": args.name,
        "currency": args.currency,
        "time_zone": args.time_zone.unwrap_or(draft.time_zone),
        "lock": args.lock,
        "passphrase": passphrase,
    });
    let created: WorkspaceCreated = call(host, "workspace_create", request).await?;
    let answer = json!({ "workspace": created.status.workspace_name, "recovery_key": draft.recovery_key });
    output.result(&answer, |_| {
        format!(
            "Created. Recovery key, shown this once; without it a lost key means lost data:\n\n    {}\n",
            draft.recovery_key
        )
    })
}
