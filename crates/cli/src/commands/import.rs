//! `syncdeckctl import`.

use super::{call, client};
use crate::output::{Output, known};
use anyhow::{Context, bail};
use api::{
    host::Host,
    wire::{ImportChecked, ImportPreview, RunStarted},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::{fmt::Write, fs, path::PathBuf};

#[derive(clap::Args)]
pub struct Args {
    /// The file: CSV, TSV or XLSX.
    file: PathBuf,
    /// The client it belongs to.
    #[arg(long)]
    client: String,
    /// The system it is from, when that has a preset: its id in `syncdeckctl connectors`.
    #[arg(long, default_value = "file_import")]
    system: String,
    /// The platform the numbers are from; files of the same source replace each other's days.
    #[arg(long)]
    source: String,
    /// Currency, when the file has no column for it.
    #[arg(long, default_value = "RUB")]
    currency: String,
    /// Whether its sums contain VAT.
    #[arg(long, default_value = "unknown", value_parser = ["included", "excluded", "unknown"])]
    vat: String,
    /// Says what a column means in place of the guess: HEADER=FIELD (date, campaign_id, cost, clicks, ignore ...).
    #[arg(long = "map", value_name = "HEADER=FIELD")]
    map: Vec<String>,
    /// Only shows what would be written and replaced.
    #[arg(long)]
    dry_run: bool,
}

pub async fn run(host: &Host, output: Output, args: Args) -> anyhow::Result<()> {
    let client = client(host, &args.client).await?;
    let bytes = fs::read(&args.file).with_context(|| format!("reading {}", args.file.display()))?;
    let name = args.file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let open = json!({ "name": name, "content_base64": STANDARD.encode(bytes), "connector": args.system });
    let preview: ImportPreview = call(host, "import_open", open).await?;
    let mut fields: Vec<Value> = Vec::with_capacity(preview.columns.len());
    // What was agreed about an earlier file of this source holds.
    let earlier = preview.known.iter().find(|one| one.client_id == client.id && one.source_name == args.source);
    for (at, column) in preview.columns.iter().enumerate() {
        let agreed = earlier.and_then(|earlier| earlier.fields.get(at));
        fields.push(serde_json::to_value(agreed.unwrap_or(&column.guess))?);
    }
    for pair in &args.map {
        let (header, field) = pair.rsplit_once('=').with_context(|| format!("not HEADER=FIELD: {pair:?}"))?;
        let column = preview.columns.iter().position(|column| column.header == header);
        let column = column.with_context(|| format!("the file has no column {header:?}"))?;
        fields[column] = Value::from(field);
    }
    let check = json!({
        "upload_id": preview.upload_id,
        "client_id": client.id,
        "connector": args.system,
        "source_name": args.source,
        "fields": fields,
        "currency": args.currency,
        "vat": args.vat,
    });
    let checked: ImportChecked = call(host, "import_check", &check).await?;
    if !args.dry_run && checked.good > 0 {
        let _: RunStarted = call(host, "import_commit", json!({ "check": check })).await?;
    }
    output.result(&checked, |checked| {
        let range = checked.range.map(|range| format!("{} to {}", range.from(), range.to()));
        let verb = if args.dry_run { "would be written" } else { "written" };
        let mut text = format!(
            "{} rows {verb}, {} bad; days {}; {} rows there before are replaced; spend {}\n",
            checked.good,
            checked.bad,
            known(range),
            checked.replaces,
            known(checked.spend)
        );
        for row in &checked.bad_rows {
            // Writing into a String does not fail.
            let _ = writeln!(text, "line {}: {} {}: {:?}", known(row.line), row.field, row.reason, row.value);
        }
        text
    })?;
    if checked.good == 0 {
        bail!("nothing in the file can be written");
    }
    Ok(())
}
