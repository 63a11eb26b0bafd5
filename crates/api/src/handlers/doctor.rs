//! A look over the whole workspace, for the person who asks "is everything really all right?" and for whoever helps them.

use crate::{
    folder::{Lock, keychain_status},
    host::{Host, Workspace},
    wire::{DoctorCheck, DoctorReport, Empty},
};
use kit::session::Credentials;
use model::failure::Failure;
use store::Scope;
use vault::keychain::KeychainStatus;

pub(crate) async fn doctor_run(host: &Host, _: Empty) -> Result<DoctorReport, Failure> {
    let workspace = host.workspace().await?;
    let report = workspace.store.check().await?;
    let differing = workspace.store.rollup_differences().await?;
    let audit = workspace.store.verify_audit().await?;
    let mut checks = vec![
        check("database", report.problems),
        check(
            "rollups",
            (differing > 0).then(|| format!("{differing} days differ from their rows")).into_iter().collect(),
        ),
        check(
            "audit_log",
            audit.broken_at.map(|number| format!("the chain breaks at entry {number}")).into_iter().collect(),
        ),
    ];
    if workspace.lock == Lock::Keychain {
        let findings = match keychain_status().await {
            KeychainStatus::Available => None,
            KeychainStatus::Locked => Some("locked"),
            KeychainStatus::Missing => Some("missing"),
            KeychainStatus::Denied => Some("denied"),
        };
        checks.push(check("keychain", findings.into_iter().map(str::to_owned).collect()));
    }
    checks.push(check("credentials", credentials(&workspace).await?));
    Ok(DoctorReport {
        workspace_dir: workspace.folder.dir().display().to_string(),
        database_bytes: report.bytes,
        schema: report.schema,
        checks,
    })
}

fn check(id: &str, findings: Vec<String>) -> DoctorCheck {
    DoctorCheck { id: id.to_owned(), fine: findings.is_empty(), findings }
}

/// Connections that read by themselves and have no credential that opens.
async fn credentials(workspace: &Workspace) -> Result<Vec<String>, Failure> {
    let mut findings = Vec::new();
    for connection in workspace.store.connections(Scope::Portfolio).await? {
        let reads =
            workspace.registry.get(&connection.connector).is_some_and(|source| !source.descriptor().streams.is_empty());
        if !reads {
            continue;
        }
        let opened = async { workspace.wires.vaulted(&connection).await?.load().await };
        match opened.await {
            Ok(fields) if !fields.is_empty() => {}
            Ok(_) => findings.push(format!("{}: nothing is stored", connection.account_name)),
            Err(failure) => findings.push(format!("{}: {}", connection.account_name, failure.code)),
        }
    }
    Ok(findings)
}
