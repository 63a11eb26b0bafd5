//! `syncdeckctl recover`.

use super::{call, secret};
use crate::output::Output;
use api::{host::Host, wire::AppStatus};
use serde_json::json;

#[derive(clap::Args)]
pub struct Args {
    /// Where the recovery key comes from: env:NAME, file:PATH or - for standard input.
    #[arg(long, default_value = "-")]
    key_from: String,
    /// Where to keep the key from now on: `keychain`, or `passphrase` (then set SYNCDECK_PASSPHRASE or --passphrase-file).
    #[arg(long, default_value = "keychain", value_parser = ["keychain", "passphrase"])]
    lock: String,
}

pub async fn run(host: &Host, output: Output, args: Args, passphrase: Option<String>) -> anyhow::Result<()> {
    let request = json!({
        "recovery_key": secret(&args.key_from)?,
        "lock": args.lock,
        "passphrase": passphrase,
    });
    let status: AppStatus = call(host, "workspace_recover", request).await?;
    output.result(&status, |status| {
        format!(
            "The key of {:?} is back. Connections whose credentials were lost ask for signing in again.",
            status.workspace_name.as_deref().unwrap_or_default()
        )
    })
}
