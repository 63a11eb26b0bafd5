//! `syncdeckctl stats`.

use super::{call, client};
use crate::output::{Output, known, table};
use api::{
    host::Host,
    wire::{ClientStats, ExportedFile, StatsRow},
};
use serde_json::{Value, json};
use std::{fs, path::PathBuf};

#[derive(clap::Args)]
pub struct Args {
    /// The client.
    #[arg(long)]
    client: String,
    /// First day (YYYY-MM-DD).
    #[arg(long)]
    from: String,
    /// Last day.
    #[arg(long)]
    to: String,
    /// How deep: account, campaign, `ad_group` or ad.
    #[arg(long, default_value = "campaign", value_parser = ["campaign", "ad_group", "ad"])]
    level: String,
    /// Writes every row to a file: NAME.csv or NAME.json.
    #[arg(long, value_name = "FILE")]
    export: Option<PathBuf>,
}

pub async fn run(host: &Host, output: Output, args: Args) -> anyhow::Result<()> {
    let client = client(host, &args.client).await?;
    let stats = json!({
        "client_id": client.id,
        "period": { "from": args.from, "to": args.to },
        "compare": null,
        "level": args.level,
    });
    if let Some(path) = args.export {
        let kind = if path.extension().is_some_and(|extension| extension == "json") { "json" } else { "csv" };
        let file: ExportedFile = call(host, "stats_export", json!({ "stats": stats, "kind": kind })).await?;
        fs::write(&path, &file.content)?;
        let written: Value = json!({ "file": path, "bytes": file.content.len() });
        return output.result(&written, |_| format!("Wrote {}.", path.display()));
    }
    let stats: ClientStats = call(host, "client_stats", stats).await?;
    output.result(&stats, |stats| {
        let mut rows: Vec<_> = stats.objects.iter().map(row).collect();
        rows.push(vec![
            "total".to_owned(),
            String::new(),
            known(stats.total.impressions),
            known(stats.total.clicks),
            known(stats.total.spend),
            known(stats.total.conversions),
            known(stats.total.cpa),
        ]);
        let list = table(&["name", "id", "impressions", "clicks", "spend", "conversions", "CPA"], 2, &rows);
        format!("{list}\n\nSums in {}.", stats.currency)
    })
}

fn row(row: &StatsRow) -> Vec<String> {
    vec![
        row.name.clone(),
        row.external_id.clone(),
        known(row.sums.impressions),
        known(row.sums.clicks),
        known(row.sums.spend),
        known(row.sums.conversions),
        known(row.sums.cpa),
    ]
}
