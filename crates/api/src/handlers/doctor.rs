//! A look over the whole workspace, for the person who asks "is everything really all right?" and for whoever helps them.

use crate::{
    diagnostics,
    folder::{Lock, keychain_status},
    host::{Host, Workspace},
    wire::{DoctorCheck, DoctorReport, Empty, ExportedFile},
};
use chrono::{DateTime, TimeDelta, Utc};
use kit::{
    http::{Http, HttpOptions, HttpRequest},
    policy::{Attempt, Decision, Limits, Outcome, Policy},
    session::{CancellationToken, Credentials},
};
use model::{
    audit::AuditAction, connection::ConnectionState, failure::Failure, id::ConnectionId, sign_in::SignInState,
};
use std::{collections::HashSet, sync::Arc, time::Duration};
use store::{
    Scope,
    runs::{RunEnd, RunQuery},
};
use url::Url;
use vault::keychain::KeychainStatus;

/// Less free space than this, or than twice the database, is too little for an upgrade with its backup.
const ROOM: u64 = 500 << 20;
/// How far two clocks may be apart.
const SKEW: TimeDelta = TimeDelta::minutes(5);
/// How late the schedule may be before something holds it up.
const LATE: TimeDelta = TimeDelta::hours(2);
/// How long a platform has for its answer.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) async fn doctor_run(host: &Host, _: Empty) -> Result<DoctorReport, Failure> {
    let workspace = host.workspace().await?;
    look_over(host, &workspace).await
}

pub(crate) async fn diagnostics_export(host: &Host, _: Empty) -> Result<ExportedFile, Failure> {
    let workspace = host.workspace().await?;
    let report = look_over(host, &workspace).await?;
    let document = diagnostics::document(host, &workspace, &report).await?;
    workspace.audit(host.now(), AuditAction::DiagnosticsExported, "").await?;
    Ok(ExportedFile {
        name: format!("syncdeck-diagnostics-{}.json", host.now().date_naive()),
        mime: "application/json".to_owned(),
        content: format!("{document:#}\n"),
    })
}

async fn look_over(host: &Host, workspace: &Workspace) -> Result<DoctorReport, Failure> {
    let report = workspace.store.check().await?;
    let differing = workspace.store.rollup_differences().await?;
    let audit = workspace.store.verify_audit().await?;
    let free_bytes = workspace.store.free_bytes();
    let needed = ROOM.max(report.bytes.saturating_mul(2));
    let (platforms, skewed) = platforms(host, workspace).await?;
    let mut clock = clock(host, workspace).await?;
    clock.extend(skewed);
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
        check(
            "disk",
            free_bytes
                .filter(|free| *free < needed)
                .map(|free| format!("{free} bytes are free, {needed} are needed"))
                .into_iter()
                .collect(),
        ),
        check("clock", clock),
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
    checks.push(check("credentials", credentials(host, workspace).await?));
    checks.push(check("schedule", schedule(host, workspace).await?));
    checks.push(platforms);
    Ok(DoctorReport {
        workspace_dir: workspace.folder.dir().display().to_string(),
        database_bytes: report.bytes,
        schema: report.schema,
        free_bytes,
        checks,
    })
}

fn check(id: &str, findings: Vec<String>) -> DoctorCheck {
    DoctorCheck { id: id.to_owned(), fine: findings.is_empty(), findings, notes: Vec::new() }
}

/// Connections that read by themselves and have no credential that opens, and sign-ins that end.
async fn credentials(host: &Host, workspace: &Workspace) -> Result<Vec<String>, Failure> {
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
    for row in super::sign_ins::rows(host, workspace, None).await? {
        match (row.state, row.ends_at) {
            (SignInState::Needed, _) => {
                findings.push(format!("{}: a sign-in is needed, {} connections", row.connector, row.uses.len()));
            }
            (SignInState::EndsSoon, Some(end)) => findings.push(format!("{}: a sign-in ends at {end}", row.connector)),
            _ => {}
        }
    }
    Ok(findings)
}

/// Instants of the past that lie in the future: the clock of this computer was set back, or was ahead.
async fn clock(host: &Host, workspace: &Workspace) -> Result<Vec<String>, Failure> {
    let now = host.now();
    let newest = RunQuery { scope: Scope::Portfolio, connection_id: None, end: RunEnd::All, before: None, limit: 1 };
    let newest = workspace.store.runs(newest).await?.into_iter().next();
    let ahead = newest.map(|run| run.ended_at.unwrap_or(run.started_at)).filter(|at| *at > now + SKEW);
    Ok(ahead.map(|at| format!("the newest sync was at {at}, and now it is {now}")).into_iter().collect())
}

/// Connections whose hour has come and gone.
async fn schedule(host: &Host, workspace: &Workspace) -> Result<Vec<String>, Failure> {
    // Without the scheduler nothing is ever on time; whoever runs a single command knows that.
    if !host.inner.options.scheduled {
        return Ok(Vec::new());
    }
    let now = host.now();
    let active: Vec<_> = workspace
        .store
        .connections(Scope::Portfolio)
        .await?
        .into_iter()
        .filter(|connection| connection.state == ConnectionState::Active)
        .collect();
    let turns = workspace.store.turns(Scope::Portfolio).await?;
    let unfinished = workspace.store.unfinished_runs(Scope::Portfolio).await?.into_iter();
    let under_way: HashSet<ConnectionId> =
        unfinished.filter(|run| !run.is_parked()).map(|run| run.connection_id).collect();
    let late = turns.iter().filter_map(|turn| {
        let at = turn.at().filter(|at| now - *at > LATE && !under_way.contains(&turn.connection_id))?;
        let connection = active.iter().find(|connection| connection.id == turn.connection_id)?;
        Some(format!("{}: its turn was at {at}", connection.account_name))
    });
    Ok(late.collect())
}

/// Any answer at all.
struct AnyAnswer;

impl Policy for AnyAnswer {
    fn decide(&self, attempt: &Attempt<'_>) -> Decision {
        match attempt.outcome {
            Outcome::Response(_) => Decision::Success,
            Outcome::Error(failure) => Decision::Fail(failure.clone()),
        }
    }
    fn limits(&self) -> Limits {
        Limits { retries: 0, retry_time: Duration::ZERO, limited_counts: false }
    }
}

/// Asks each platform that was ever read for its front page, once and without a sign-in: whether it can be reached, and what time it is
/// there. The second answer is about our clock.
async fn platforms(host: &Host, workspace: &Workspace) -> Result<(DoctorCheck, Vec<String>), Failure> {
    let (mut findings, mut notes, mut skewed) = (Vec::new(), Vec::new(), Vec::new());
    let mut asked: Vec<String> = Vec::new();
    for (connector, url) in workspace.store.newest_addresses().await? {
        let Some(origin) = Url::parse(&url).ok().map(|url| url.origin().ascii_serialization()) else { continue };
        if asked.contains(&origin) {
            continue;
        }
        notes.push(format!("asked {origin} once, without a sign-in"));
        match front_page(workspace, &connector, &origin).await {
            Ok(there) => {
                let here = host.now();
                skewed.extend(
                    there
                        .filter(|there| (*there - here).abs() > SKEW)
                        .map(|there| format!("{origin} says it is {there}, here it is {here}")),
                );
            }
            Err(failure) => findings.push(format!("{origin}: {}", failure.code)),
        }
        asked.push(origin);
    }
    Ok((DoctorCheck { notes, ..check("platforms", findings) }, skewed))
}

/// The time a platform says it is.
async fn front_page(workspace: &Workspace, connector: &str, origin: &str) -> Result<Option<DateTime<Utc>>, Failure> {
    let options = HttpOptions {
        budget_key: format!("{connector}/doctor"),
        clock: Arc::clone(workspace.wires.clock()),
        url_map: workspace.wires.url_map().to_vec(),
        ..HttpOptions::new(connector, "")
    };
    let request = HttpRequest { read_timeout: Some(PATIENCE), ..HttpRequest::get(format!("{origin}/")) };
    let answer = Http::new(options)?.send(&request, &AnyAnswer, &CancellationToken::new()).await?;
    let date = answer.header("date").and_then(|date| DateTime::parse_from_rfc2822(date).ok());
    Ok(date.map(|date| date.to_utc()))
}
