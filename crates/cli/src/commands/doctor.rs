//! `syncdeckctl doctor`.

use super::call;
use crate::output::Output;
use anyhow::{Context, bail};
use api::{
    host::Host,
    wire::{DoctorReport, ExportedFile},
};
use serde_json::json;
use std::{fmt::Write, fs, path::PathBuf};

#[derive(clap::Args)]
pub struct Args {
    /// Also writes a diagnostic file for whoever helps: no secrets, no names of people or businesses.
    #[arg(long, value_name = "FILE")]
    bundle: Option<PathBuf>,
}

pub async fn run(host: &Host, output: Output, args: Args) -> anyhow::Result<()> {
    if let Some(path) = args.bundle {
        let file: ExportedFile = call(host, "diagnostics_export", json!({})).await?;
        fs::write(&path, file.content).with_context(|| format!("writing {}", path.display()))?;
    }
    let report: DoctorReport = call(host, "doctor_run", json!({})).await?;
    output.result(&report, |report| {
        let mut text = format!("{}, {} bytes, schema {}", report.workspace_dir, report.database_bytes, report.schema);
        // Writing into a String does not fail.
        let _ = match report.free_bytes {
            Some(free) => writeln!(text, ", {free} bytes free"),
            None => writeln!(text),
        };
        for check in &report.checks {
            let _ = writeln!(text, "{:<12} {}", check.id, if check.fine { "fine" } else { "NOT FINE" });
            for line in check.findings.iter().chain(&check.notes) {
                let _ = writeln!(text, "             {line}");
            }
        }
        text
    })?;
    if report.checks.iter().all(|check| check.fine) { Ok(()) } else { bail!("the doctor found something") }
}
