//! What platforms' answers really contain: changes of their form, rows in quarantine, and both made good.

use super::{
    audit::PAGE,
    convert::small,
    stats::{file_name, guarded},
};
use crate::{
    host::Host,
    wire::{
        ById, DriftConnection, DriftDecided, DriftDecision, DriftList, DriftRow, ExportedFile, FileKind,
        OpenQuarantine, OpenQuarantineRequest, OpenQuarantineRow, QuarantineExport, ReasonCount, RunStarted,
    },
};
use model::{
    audit::AuditAction,
    connection::{Connection, ConnectionState},
    failure::{Code, Failure},
    id::{ClientId, ConnectionId},
    run::RunTrigger,
    shape::Drift,
};
use std::collections::HashMap;
use store::{Scope, quarantine::OpenQuery};
use sync::engine::Asked;

/// Columns of an export.
const COLUMNS: [&str; 7] = ["date", "stream", "reason", "field", "value", "record", "run_id"];

/// Connections and names of clients that changes are shown with.
struct Known {
    connections: HashMap<ConnectionId, Connection>,
    clients: HashMap<ClientId, String>,
}

pub(crate) async fn drift_list(host: &Host, request: DriftList) -> Result<Vec<DriftRow>, Failure> {
    let workspace = host.workspace().await?;
    let connections = workspace.store.connections(Scope::Portfolio).await?;
    let clients = workspace.store.clients().await?;
    let known = Known {
        connections: connections.into_iter().map(|connection| (connection.id, connection)).collect(),
        clients: clients.into_iter().map(|client| (client.id, client.name)).collect(),
    };
    let mut rows: Vec<DriftRow> = Vec::new();
    for drift in workspace.store.drifts(Scope::Portfolio, request.connection_id, request.all).await? {
        // A connection that was deleted between two queries.
        let Some(found) = row(&known, drift) else { continue };
        match rows.iter_mut().find(|row| same(row, &found)) {
            Some(row) => join(row, found),
            None => rows.push(found),
        }
    }
    Ok(rows)
}

fn row(known: &Known, drift: Drift) -> Option<DriftRow> {
    let connection = known.connections.get(&drift.connection_id)?;
    Some(DriftRow {
        numbers: vec![i32::try_from(drift.number).ok()?],
        connector: connection.connector.clone(),
        stream: drift.stream,
        kind: drift.change.kind,
        path: drift.change.path,
        before: drift.change.before,
        after: drift.change.after,
        records: small(drift.change.records),
        state: drift.state,
        first_seen: drift.first_seen,
        last_seen: drift.last_seen,
        connections: vec![DriftConnection {
            id: connection.id,
            client_id: connection.client_id,
            client_name: known.clients.get(&connection.client_id).cloned().unwrap_or_default(),
            account_name: connection.account_name.clone(),
            run_id: drift.run_id,
        }],
    })
}

fn same(one: &DriftRow, other: &DriftRow) -> bool {
    let change = |row: &DriftRow| (row.kind, row.state);
    change(one) == change(other)
        && one.connector == other.connector
        && one.stream == other.stream
        && one.path == other.path
        && one.after == other.after
}

fn join(row: &mut DriftRow, other: DriftRow) {
    row.numbers.extend(other.numbers);
    row.connections.extend(other.connections);
    row.records = row.records.saturating_add(other.records);
    row.first_seen = row.first_seen.min(other.first_seen);
    row.last_seen = row.last_seen.max(other.last_seen);
}

pub(crate) async fn drift_decide(host: &Host, request: DriftDecision) -> Result<DriftDecided, Failure> {
    let workspace = host.workspace().await?;
    let numbers: Vec<i64> = request.numbers.iter().copied().map(i64::from).collect();
    let touched = workspace.store.decide_drifts(&numbers, request.accept, host.now()).await?;
    for connection in &touched {
        sync::alerts::review_forms(&workspace.store, *connection, host.now()).await?;
    }
    if !touched.is_empty() {
        let action = if request.accept { AuditAction::DriftAccepted } else { AuditAction::DriftIgnored };
        workspace.audit(host.now(), action, &numbers.len().to_string()).await?;
    }
    Ok(DriftDecided { connections: small(touched.len() as u64) })
}

pub(crate) async fn quarantine_open(host: &Host, request: OpenQuarantineRequest) -> Result<OpenQuarantine, Failure> {
    let store = &host.workspace().await?.store;
    let query = OpenQuery { connection_id: request.connection_id, reason: request.reason };
    let rows = store.open_quarantine(query, request.skip, request.limit.clamp(1, PAGE)).await?;
    let reasons = store.open_quarantine_reasons(request.connection_id).await?;
    let counted = reasons.iter().filter(|(reason, _)| request.reason.is_none_or(|wanted| wanted == *reason));
    Ok(OpenQuarantine {
        total: small(counted.map(|(_, count)| count).sum()),
        rows: rows
            .into_iter()
            .map(|open| OpenQuarantineRow { run_id: open.run_id, found_at: open.found_at, row: open.row.into() })
            .collect(),
        reasons: reasons.into_iter().map(|(reason, count)| ReasonCount { reason, count: small(count) }).collect(),
    })
}

/// Open rows as CSV, or as one JSON object per line.
pub(crate) async fn quarantine_export(host: &Host, request: QuarantineExport) -> Result<ExportedFile, Failure> {
    let broken = || Failure::new(Code::Internal).detail("the export could not be written");
    let workspace = host.workspace().await?;
    let connection = workspace.store.connection(request.connection_id).await?;
    let query = OpenQuery { connection_id: request.connection_id, reason: request.reason };
    let (mut csv, mut lines) = (csv::Writer::from_writer(Vec::new()), String::new());
    let mut fine = csv.write_record(COLUMNS).is_ok();
    workspace
        .store
        .each_open_quarantine(query, |open| {
            let row = open.row;
            let date = row.date.map(|date| date.to_string()).unwrap_or_default();
            let cells =
                [date, row.stream, row.reason.to_string(), row.field, row.value, row.raw, open.run_id.to_string()];
            match request.kind {
                FileKind::Json => {
                    let object: serde_json::Map<String, serde_json::Value> =
                        COLUMNS.iter().zip(cells).map(|(column, cell)| ((*column).to_owned(), cell.into())).collect();
                    lines.push_str(&serde_json::Value::Object(object).to_string());
                    lines.push('\n');
                }
                _ => fine &= csv.write_record(cells.iter().map(|cell| guarded(cell))).is_ok(),
            }
        })
        .await?;
    let (content, mime, extension) = match request.kind {
        FileKind::Csv => {
            let bytes = csv.into_inner().ok().filter(|_| fine).ok_or_else(broken)?;
            (String::from_utf8(bytes).map_err(|_| broken())?, "text/csv", "csv")
        }
        FileKind::Json => (lines, "application/x-ndjson", "jsonl"),
        FileKind::Tsv | FileKind::Xlsx => return Err(Failure::new(Code::BadRequest).with("field", "kind")),
    };
    workspace.audit(host.now(), AuditAction::QuarantineExported, &connection.account_name).await?;
    let name = format!("{} quarantine {}.{extension}", file_name(&connection.account_name), host.now().date_naive());
    Ok(ExportedFile { name, mime: mime.to_owned(), content })
}

pub(crate) async fn quarantine_retry(host: &Host, request: ById<ConnectionId>) -> Result<RunStarted, Failure> {
    let workspace = host.workspace().await?;
    let connection = workspace.store.connection(request.id).await?;
    if connection.state == ConnectionState::SignInNeeded {
        return Err(Failure::new(Code::SignInRejected)
            .with("system", &connection.connector)
            .with("account", &connection.account_name));
    }
    let days = workspace.store.quarantined_days(request.id).await?;
    let run_id = workspace.engine.start(request.id, RunTrigger::Recollect, Asked { days, streams: None }).await?;
    workspace.audit(host.now(), AuditAction::RunStarted, "1").await?;
    Ok(RunStarted { run_ids: vec![run_id] })
}
