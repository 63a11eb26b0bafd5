//! The diagnostic file: what somebody who helps needs to know of a workspace, in one JSON document that a person can read before sending
//! it. No secret is in it, and no name of a person or a business: [`Pseudonyms`] stand in their place. Statistics are not in it at all.

use crate::{
    folder::Lock,
    host::{Host, Workspace},
    pseudonyms::Pseudonyms,
    wire::DoctorReport,
};
use model::{
    date::{self, DateRange},
    failure::Failure,
    id::ConnectionId,
};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap};
use store::{
    Scope, StoredFailure,
    runs::{Run, RunEnd, RunQuery},
};

/// Days of counters.
const DAYS: u32 = 30;
/// Runs told in a line each.
const RUNS: u32 = 200;
/// Runs whose log and requests are told too: of these, those that failed and the newest.
const TOLD: usize = 20;
/// Requests told of one run, and lines of its log.
const LINES: usize = 100;

/// Builds the document.
pub(crate) async fn document(host: &Host, workspace: &Workspace, doctor: &DoctorReport) -> Result<Value, Failure> {
    let store = &workspace.store;
    let now = host.now();
    let connections = store.connections(Scope::Portfolio).await?;
    let clients = store.clients().await?;
    let sign_ins = store.sign_ins().await?;
    let mut names = Pseudonyms::new(public_hosts(workspace));
    names.of("workspace", &workspace.row.name);
    names.of("person", &workspace.actor);
    let client_words: HashMap<_, _> =
        clients.iter().map(|client| (client.id, names.of("client", &client.name))).collect();
    let mut words: HashMap<ConnectionId, String> = HashMap::new();
    let mut systems: BTreeMap<String, String> = BTreeMap::new();
    for connection in &connections {
        words.insert(connection.id, names.of("account", &connection.account_name));
        names.of("account-id", &connection.account_external_id);
        let system = system(workspace, &mut names, &connection.connector);
        systems.insert(connection.connector.clone(), system);
        private_values(&Value::Object(connection.config.clone()), &mut names);
    }
    for owner in sign_ins.iter().filter_map(|sign_in| sign_in.owner.as_deref()) {
        names.of("person", owner);
    }
    let word = |id: &ConnectionId| words.get(id).cloned().unwrap_or_default();
    let system = |connector: &str| systems.get(connector).cloned().unwrap_or_default();

    let checks: Vec<Value> = doctor
        .checks
        .iter()
        .map(|check| {
            let findings: Vec<String> = check.findings.iter().map(|finding| names.text(finding)).collect();
            json!({ "id": check.id, "fine": check.fine, "findings": findings })
        })
        .collect();
    let turns: HashMap<_, _> =
        store.turns(Scope::Portfolio).await?.into_iter().map(|turn| (turn.connection_id, turn)).collect();
    let living = store.sign_ins_of_connections().await?;
    let mut shown_connections = Vec::with_capacity(connections.len());
    for connection in &connections {
        let streams = connection.settings.streams.iter();
        let streams: Vec<String> = streams.filter(|stream| stream.on).map(|it| names.text(&it.name)).collect();
        let lookbacks: BTreeMap<String, _> =
            connection.settings.lookbacks.iter().map(|(stream, own)| (names.text(stream), own)).collect();
        let turn = turns.get(&connection.id);
        shown_connections.push(json!({
            "connection": word(&connection.id),
            "client": client_words.get(&connection.client_id),
            "system": system(&connection.connector),
            "state": connection.state,
            "schedule": connection.settings.schedule,
            "lookbacks": lookbacks,
            "first_load_days": connection.first_load_days,
            "currency": connection.currency,
            "vat": connection.settings.vat,
            "zero_rows": connection.settings.zero_rows,
            "in_totals": connection.settings.in_totals,
            "time_zone": connection.time_zone,
            "created_at": connection.created_at,
            "settings": shape(&Value::Object(connection.config.clone())),
            "streams": streams,
            "sign_in": living.get(&connection.id).and_then(|id| sign_ins.iter().position(|it| it.id == *id)).map(|at| at + 1),
            "next_at": turn.and_then(|turn| turn.next_at),
            "retry_at": turn.and_then(|turn| turn.retry_at),
            "failures": turn.map(|turn| turn.failures),
        }));
    }
    let shown_sign_ins: Vec<Value> = sign_ins
        .iter()
        .enumerate()
        .map(|(at, sign_in)| {
            json!({
                "sign_in": at + 1,
                "system": system(&sign_in.connector),
                "scopes": sign_in.scopes.as_ref().map(|scopes| scopes.iter().map(|it| names.text(it)).collect::<Vec<_>>()),
                "issued_at": sign_in.issued_at,
                "access_until": sign_in.access_until,
                "ends_at": sign_in.ends_at,
                "used_at": sign_in.used_at,
                "refreshed_at": sign_in.refreshed_at,
                "connections": living.values().filter(|id| **id == sign_in.id).count(),
            })
        })
        .collect();
    let query = RunQuery { scope: Scope::Portfolio, connection_id: None, end: RunEnd::All, before: None, limit: RUNS };
    let runs = store.runs(query).await?;
    let (failed, rest): (Vec<&Run>, Vec<&Run>) = runs.iter().partition(|run| run.failure.is_some());
    let told: Vec<_> = failed.into_iter().take(TOLD).chain(rest.into_iter().take(TOLD / 2)).map(|run| run.id).collect();
    let mut shown_runs = Vec::with_capacity(runs.len());
    for run in &runs {
        let mut shown = json!({
            "run": run.id,
            "connection": word(&run.connection_id),
            "trigger": run.trigger,
            "state": run.state,
            "range": run.range,
            "started_at": run.started_at,
            "ended_at": run.ended_at,
            "progress": run.progress,
            "failure": run.failure.as_ref().map(|failure| told_failure(failure, &mut names)),
        });
        if told.contains(&run.id) {
            shown["waits"] = store
                .waits(run.id)
                .await?
                .iter()
                .map(|wait| json!({ "at": wait.at, "until": wait.until, "millis": wait.millis, "reason": wait.reason.code }))
                .collect();
            shown["log"] = store
                .run_log(run.id)
                .await?
                .iter()
                .rev()
                .take(LINES)
                .map(|line| {
                    let params: BTreeMap<&String, String> =
                        line.params.iter().map(|(name, value)| (name, names.text(value))).collect();
                    json!({ "at": line.at, "event": line.event, "params": params })
                })
                .collect();
            shown["requests"] = store
                .requests(run.id)
                .await?
                .iter()
                .take(LINES)
                .map(|request| {
                    let limits: Vec<_> =
                        request.limits.iter().map(|(name, value)| (name.clone(), names.text(value))).collect();
                    json!({
                        "at": request.at, "method": request.method, "url": names.address(&request.url),
                        "status": request.status, "millis": request.millis, "bytes": request.bytes,
                        "attempt": request.attempt, "limits": limits,
                        "failure": request.failure.as_ref().map(|failure| names.text(failure)),
                    })
                })
                .collect();
        }
        shown_runs.push(shown);
    }
    let today = date::today(now, "UTC");
    let traffic: Vec<Value> = store
        .traffic(None, DateRange::ending(today, DAYS))
        .await?
        .iter()
        .map(|day| {
            json!({
                "connection": word(&day.connection_id), "date": day.date, "requests": day.tally.requests,
                "bytes": day.tally.bytes, "retries": day.tally.retries, "errors": day.tally.errors,
                "waited_millis": day.waited_millis,
            })
        })
        .collect();
    Ok(json!({
        "about": "Syncdeck diagnostics: no secrets, no names of people or businesses, no statistics",
        "made_at": now,
        "program": {
            "version": env!("CARGO_PKG_VERSION"), "system": std::env::consts::OS, "machine": std::env::consts::ARCH,
            "debug": cfg!(debug_assertions),
        },
        "workspace": {
            "schema": doctor.schema, "database_bytes": doctor.database_bytes, "free_bytes": doctor.free_bytes,
            "lock": if workspace.lock == Lock::Keychain { "keychain" } else { "passphrase" },
            "demo": workspace.row.demo, "currency": workspace.row.currency, "time_zone": workspace.row.time_zone,
            "clients": clients.len(), "connections": connections.len(), "running": workspace.engine.snapshots().len(),
        },
        "checks": checks,
        "connections": shown_connections,
        "sign_ins": shown_sign_ins,
        "runs": shown_runs,
        "traffic": traffic,
    }))
}

/// The hosts of platforms that this build reads: everybody's, so they tell nothing of a client.
fn public_hosts(workspace: &Workspace) -> Vec<String> {
    let docs = workspace.registry.all().into_iter().filter(|source| source.descriptor().category != "imported");
    let urls = docs.filter_map(|source| source.descriptor().docs_url.clone());
    urls.filter_map(|url| Some(url::Url::parse(&url).ok()?.host_str()?.to_owned())).collect()
}

/// A system of ours by its id; an imported one may be called after a client.
fn system(workspace: &Workspace, names: &mut Pseudonyms, connector: &str) -> String {
    match workspace.registry.get(connector) {
        Some(source) if source.descriptor().category != "imported" => connector.to_owned(),
        Some(source) => {
            for texts in source.descriptor().texts.values() {
                if let Some(name) = texts.get("name") {
                    names.of("imported-name", name);
                }
            }
            names.of("imported", connector)
        }
        None => "unknown".to_owned(),
    }
}

/// Learns what settings say, because failures quote it.
fn private_values(value: &Value, names: &mut Pseudonyms) {
    match value {
        Value::String(text) if text.chars().count() >= 4 => {
            names.of("setting", text);
        }
        Value::Object(map) => map.values().for_each(|inner| private_values(inner, names)),
        Value::Array(items) => items.iter().for_each(|inner| private_values(inner, names)),
        _ => {}
    }
}

/// The names of settings and the kinds of their values.
fn shape(value: &Value) -> Value {
    match value {
        Value::Null => "null".into(),
        Value::Bool(_) => "bool".into(),
        Value::Number(_) => "number".into(),
        Value::String(text) => format!("text of {}", text.chars().count()).into(),
        Value::Array(items) => items.iter().map(shape).collect(),
        Value::Object(map) => {
            Value::Object(map.iter().map(|(name, value)| (name.clone(), shape(value))).collect::<Map<_, _>>())
        }
    }
}

fn told_failure(failure: &StoredFailure, names: &mut Pseudonyms) -> Value {
    // What people call their files helps nobody and may name anybody.
    let told = failure.params.iter().filter(|(name, _)| *name != "file");
    let params: BTreeMap<&String, String> = told.map(|(name, value)| (name, names.text(value))).collect();
    json!({
        "code": failure.code, "kind": failure.kind(), "params": params,
        "detail": failure.detail.as_ref().map(|detail| names.text(detail)), "retry_at": failure.retry_at,
    })
}
