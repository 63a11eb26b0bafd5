//! Who did what.

use crate::{
    host::Host,
    wire::{AuditEntry, AuditList, AuditPage},
};
use model::failure::Failure;

/// Most entries of a page.
pub(crate) const PAGE: u32 = 500;

pub(crate) async fn audit_list(host: &Host, request: AuditList) -> Result<AuditPage, Failure> {
    let workspace = host.workspace().await?;
    let entries = workspace.store.audit(request.before, request.limit.clamp(1, PAGE)).await?;
    let intact = workspace.store.verify_audit().await?.broken_at.is_none();
    let entries = entries.into_iter().map(|entry| AuditEntry {
        number: entry.number,
        at: entry.at,
        actor: entry.actor,
        action: entry.action,
        subject: entry.subject,
    });
    Ok(AuditPage { entries: entries.collect(), intact })
}
