//! Alerts: the list behind the bell, muting, and the rules.

use super::convert::small;
use crate::{
    contract::Tag,
    host::{Host, Workspace},
    wire::{AlertGroup, AlertList, AlertMute, AlertRow, AlertRuleRow, Alerts, Empty, RuleNumber},
};
use chrono::{NaiveDate, TimeDelta};
use model::{
    alert::{Alert, AlertKind, AlertRule, AlertState, Severity},
    audit::AuditAction,
    connection::Connection,
    date::DateRange,
    failure::{Code, Failure},
    id::{ClientId, ConnectionId},
};
use std::{collections::HashMap, sync::Arc};
use store::Scope;

/// How long a settled alert is still shown.
const SHOWN: TimeDelta = TimeDelta::days(7);

pub(crate) async fn alerts_list(host: &Host, request: AlertList) -> Result<Alerts, Failure> {
    let workspace = host.workspace().await?;
    let scope = request.client_id.map_or(Scope::Portfolio, Scope::Client);
    let rows = rows(&workspace, scope, host.now() - SHOWN).await?;
    let open = small(rows.iter().filter(|row| row.state == AlertState::Open).count() as u64);
    let mut by_client: HashMap<ClientId, AlertGroup> = HashMap::new();
    for row in rows {
        let group = by_client.entry(row.client_id).or_insert_with(|| AlertGroup {
            client_id: row.client_id,
            client_name: row.client_name.clone(),
            alerts: Vec::new(),
        });
        group.alerts.push(row);
    }
    let mut groups: Vec<AlertGroup> = by_client.into_values().collect();
    // The newest comes first from the store, and sorting keeps that order among equals.
    let rank = |row: &AlertRow| (row.state, row.severity);
    for group in &mut groups {
        group.alerts.sort_by_key(rank);
    }
    groups.sort_by_key(|group| (group.alerts.first().map(rank), group.client_name.clone()));
    Ok(Alerts { groups, open })
}

pub(crate) async fn alert_mute(host: &Host, request: AlertMute) -> Result<Empty, Failure> {
    let workspace = host.workspace().await?;
    let alert = workspace.store.alert(request.id).await?;
    workspace.store.mute_alert(request.id, request.muted, host.now()).await?;
    workspace.audit(host.now(), AuditAction::AlertMuted, alert.subject.kind.as_str()).await?;
    Ok(Empty {})
}

pub(crate) async fn alert_rules_get(host: &Host, _: Empty) -> Result<Vec<AlertRuleRow>, Failure> {
    rule_rows(&*host.workspace().await?).await
}

pub(crate) async fn alert_rules_update(host: &Host, rule: AlertRule) -> Result<Vec<AlertRuleRow>, Failure> {
    let workspace = host.workspace().await?;
    if let Err(number) = rule.check() {
        return Err(Failure::new(Code::SettingInvalid).with("field", number));
    }
    if !sync::alerts::KINDS.contains(&rule.kind) {
        return Err(Failure::new(Code::BadRequest).with("field", "kind"));
    }
    workspace.store.set_alert_rule(&rule).await?;
    workspace.audit(host.now(), AuditAction::AlertRuleChanged, rule.kind.as_str()).await?;
    tokio::spawn(review_all(host.clone(), Arc::clone(&workspace)));
    rule_rows(&workspace).await
}

/// Judges every connection by the rules that are in force now; the answer to the person does not wait for it.
async fn review_all(host: Host, workspace: Arc<Workspace>) {
    let reviewed = async {
        let mut changed = false;
        for connection in workspace.store.connections(Scope::Portfolio).await? {
            changed |= sync::alerts::review(&workspace.store, &*workspace.wires, connection.id, host.now()).await?;
        }
        Ok::<bool, Failure>(changed)
    };
    match reviewed.await {
        Ok(true) => host.changed(&[Tag::Alerts]),
        Ok(false) => {}
        Err(failure) => tracing::warn!(error = %failure, "alerts are judged by the new rule after the next syncs"),
    }
}

async fn rule_rows(workspace: &Workspace) -> Result<Vec<AlertRuleRow>, Failure> {
    let mut rules = workspace.store.alert_rules().await?;
    let row = |kind: &AlertKind| {
        let numbers = kind.thresholds().iter().map(|range| RuleNumber {
            threshold: range.threshold,
            least: range.least,
            most: range.most,
        });
        let default = kind.rule();
        AlertRuleRow {
            numbers: numbers.collect(),
            rule: rules.remove(kind).unwrap_or_else(|| default.clone()),
            default,
        }
    };
    Ok(sync::alerts::KINDS.iter().map(row).collect())
}

/// Alerts as they are shown, the newest first.
async fn rows(
    workspace: &Workspace,
    scope: Scope,
    settled_since: chrono::DateTime<chrono::Utc>,
) -> Result<Vec<AlertRow>, Failure> {
    let alerts = workspace.store.alerts(scope, settled_since).await?;
    if alerts.is_empty() {
        return Ok(Vec::new());
    }
    let connections: HashMap<ConnectionId, Connection> =
        workspace.store.connections(scope).await?.into_iter().map(|connection| (connection.id, connection)).collect();
    let clients: HashMap<ClientId, String> =
        workspace.store.clients().await?.into_iter().map(|client| (client.id, client.name)).collect();
    // An alert whose connection was deleted between two queries is gone with it.
    let row = |alert: Alert| {
        let connection = connections.get(&alert.subject.connection_id)?;
        Some(AlertRow {
            id: alert.id,
            kind: alert.subject.kind,
            severity: alert.severity,
            state: alert.state,
            client_id: alert.client_id,
            client_name: clients.get(&alert.client_id)?.clone(),
            connection_id: connection.id,
            connector: connection.connector.clone(),
            account_name: connection.account_name.clone(),
            days: days(&alert),
            action: alert.subject.kind.action(),
            params: alert.params,
            run_id: alert.run_id,
            opened_at: alert.opened_at,
            settled_at: alert.settled_at,
        })
    };
    Ok(alerts.into_iter().filter_map(row).collect())
}

/// The days that an alert is about by now: trouble that lasts grows beyond the day it began with.
fn days(alert: &Alert) -> Option<DateRange> {
    let day = |name: &str| alert.params.get(name)?.parse::<NaiveDate>().ok();
    let said = day("date").zip(day("through")).and_then(|(from, to)| DateRange::new(from, to).ok());
    said.or(alert.subject.days)
}

/// What the overview says beside the health of connections: urgent alerts that are not about that health itself.
pub(crate) async fn urgent(host: &Host, workspace: &Workspace) -> Result<Vec<AlertRow>, Failure> {
    let mut urgent = rows(workspace, Scope::Portfolio, host.now()).await?;
    urgent.retain(|row| {
        row.state == AlertState::Open
            && row.severity == Severity::Critical
            && !matches!(row.kind, AlertKind::SignInNeeded | AlertKind::Failing)
    });
    Ok(urgent)
}

/// How many alerts are open: the number at the bell.
pub(crate) async fn bell(host: &Host, workspace: &Workspace) -> Result<u32, Failure> {
    let alerts = workspace.store.alerts(Scope::Portfolio, host.now()).await?;
    Ok(small(alerts.iter().filter(|alert| alert.state == AlertState::Open).count() as u64))
}
