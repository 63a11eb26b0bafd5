//! `syncdeckctl doctor`.

use super::call;
use crate::output::Output;
use anyhow::bail;
use api::{host::Host, wire::DoctorReport};
use serde_json::json;
use std::fmt::Write;

pub async fn run(host: &Host, output: Output) -> anyhow::Result<()> {
    let report: DoctorReport = call(host, "doctor_run", json!({})).await?;
    output.result(&report, |report| {
        let mut text = format!("{}, {} bytes, schema {}\n", report.workspace_dir, report.database_bytes, report.schema);
        for check in &report.checks {
            // Writing into a String does not fail.
            let _ = writeln!(text, "{:<12} {}", check.id, if check.fine { "fine" } else { "NOT FINE" });
            for finding in &check.findings {
                let _ = writeln!(text, "             {finding}");
            }
        }
        text
    })?;
    if report.checks.iter().all(|check| check.fine) { Ok(()) } else { bail!("the doctor found something") }
}
