//! Runs: the board, the history, one run, starting and stopping.

use super::{
    audit::PAGE,
    convert::{connection_row, run_row, small},
};
use crate::{
    host::{Host, Workspace},
    wire::{
        ApiError, BoardRequest, ById, CollectRequest, DayCell, DayChange, DayTotals, Empty, LimitSaid, LogRow,
        QuarantineGroup, QuarantinePage, QuarantineRequest, RequestRow, RunDetail, RunEstimate, RunFilter, RunList,
        RunPage, RunRow, RunStarted, SliceRow, Strip, SyncBoard, WaitRow, WaitingForPower,
    },
};
use insight::{
    metric::{Metric, Sums},
    portfolio,
};
use model::{
    audit::AuditAction,
    connection::{Connection, ConnectionState},
    date::{self, DateRange},
    failure::{Code, Failure},
    id::{ClientId, ConnectionId, RunId},
    money::{Currency, Micros},
    reconcile::DayPair,
    run::{DayState, RunState, RunTrigger},
};
use std::collections::{HashMap, HashSet};
use store::{
    Scope,
    day_totals::ConnectionDay,
    runs::{Run, RunEnd, RunQuery},
};
use sync::{engine::Asked, live::Snapshot};

/// Most days of a strip.
const STRIP_DAYS: u32 = 92;

pub(crate) async fn syncs_board(host: &Host, request: BoardRequest) -> Result<SyncBoard, Failure> {
    let workspace = host.workspace().await?;
    let scope = request.client_id.map_or(Scope::Portfolio, Scope::Client);
    let now = host.now();
    let today = date::today(now, &workspace.row.time_zone);
    let days = DateRange::ending(today.pred_opt().unwrap_or(today), request.days.clamp(1, STRIP_DAYS));
    let currencies: HashMap<ConnectionId, Currency> =
        workspace.store.connections(scope).await?.into_iter().map(|it| (it.id, it.currency)).collect();
    let mut totals: HashMap<(ConnectionId, chrono::NaiveDate), DayTotals> = HashMap::new();
    for ConnectionDay { connection_id, pair } in workspace.store.day_pairs(scope, days).await? {
        if let Some(currency) = currencies.get(&connection_id) {
            totals.insert((connection_id, pair.date), day_totals(*currency, &pair));
        }
    }
    let mut read: HashMap<ConnectionId, HashMap<chrono::NaiveDate, DayCell>> = HashMap::new();
    for cell in workspace.store.day_cells(scope, days).await? {
        let shown = DayCell {
            date: cell.date,
            state: cell.state,
            reads: cell.reads,
            read_at: Some(cell.read_at),
            rows: small(cell.rows),
            change: None,
            rejected: small(cell.rejected),
            totals: totals.remove(&(cell.connection_id, cell.date)),
        };
        read.entry(cell.connection_id).or_default().insert(cell.date, shown);
    }
    for changed in workspace.store.day_changes(scope, days).await? {
        if let Some(cell) = read.get_mut(&changed.connection_id).and_then(|cells| cells.get_mut(&changed.date)) {
            cell.change = day_change(&changed);
        }
    }
    let missing = |date| DayCell {
        date,
        state: DayState::Missing,
        reads: 0,
        read_at: None,
        rows: 0,
        change: None,
        rejected: 0,
        totals: None,
    };
    let strips = portfolio::connections(&workspace.store, scope, now).await?.into_iter().map(|view| {
        let mut own = read.remove(&view.connection.id).unwrap_or_default();
        Strip {
            connection: connection_row(&view),
            cells: days.days().map(|date| own.remove(&date).unwrap_or_else(|| missing(date))).collect(),
        }
    });
    let strips = strips.collect();
    let shown = Shown::read(&workspace, scope).await?;
    let unfinished = workspace.store.unfinished_runs(scope).await?;
    let (queued, running): (Vec<RunRow>, Vec<RunRow>) =
        unfinished.iter().filter_map(|run| shown.row(run)).partition(|row| row.state == RunState::Queued);
    let waiting = workspace.scheduler.waiting().await?.map(|waiting| {
        let parked = waiting.parked.into_iter().map(|(_, connection)| connection);
        let connections: HashSet<ConnectionId> = waiting.connections.into_iter().chain(parked).collect();
        WaitingForPower {
            percent: waiting.power.percent.filter(|_| !waiting.power.saving),
            connections: small(connections.len() as u64),
        }
    });
    Ok(SyncBoard { running, queued, days, strips, waiting })
}

pub(crate) async fn runs_list(host: &Host, request: RunList) -> Result<RunPage, Failure> {
    let workspace = host.workspace().await?;
    let limit = request.limit.clamp(1, PAGE);
    let scope = request.client_id.map_or(Scope::Portfolio, Scope::Client);
    let end = match request.filter {
        RunFilter::All => RunEnd::All,
        RunFilter::Failed => RunEnd::Failed,
        RunFilter::Remarks => RunEnd::Remarks,
    };
    let query = RunQuery { scope, connection_id: request.connection_id, end, before: request.before, limit: limit + 1 };
    let runs = workspace.store.runs(query).await?;
    let shown = Shown::read(&workspace, scope).await?;
    let more = runs.len() > limit as usize;
    Ok(RunPage { runs: runs.iter().take(limit as usize).filter_map(|run| shown.row(run)).collect(), more })
}

pub(crate) async fn run_get(host: &Host, request: ById<RunId>) -> Result<RunDetail, Failure> {
    let workspace = host.workspace().await?;
    let store = &workspace.store;
    let run = store.run(request.id).await?;
    let shown = Shown::read(&workspace, Scope::Client(run.client_id)).await?;
    let row = shown.row(&run).ok_or_else(|| Failure::new(Code::NotFound).with("what", "connection"))?;
    Ok(RunDetail {
        slices: store.slices(run.id).await?.into_iter().map(slice_row).collect(),
        waits: store
            .waits(run.id)
            .await?
            .into_iter()
            .map(|wait| WaitRow {
                reason: ApiError::from(&wait.reason),
                at: wait.at,
                millis: small(wait.millis.unwrap_or_else(|| (host.now() - wait.at).num_milliseconds().unsigned_abs())),
                until: if wait.millis.is_none() { wait.until } else { None },
            })
            .collect(),
        quarantine: store
            .quarantine_groups(run.id)
            .await?
            .into_iter()
            .map(|group| QuarantineGroup {
                date: group.date,
                reason: group.reason,
                field: group.field,
                value: group.value,
                count: small(group.count),
            })
            .collect(),
        requests: store
            .requests(run.id)
            .await?
            .into_iter()
            .map(|request| RequestRow {
                at: request.at,
                method: request.method,
                url: request.url,
                status: request.status,
                millis: small(request.millis),
                bytes: small(request.bytes),
                attempt: request.attempt,
                limits: request.limits.into_iter().map(|(name, value)| LimitSaid { name, value }).collect(),
                failure: request.failure,
            })
            .collect(),
        log: store
            .run_log(run.id)
            .await?
            .into_iter()
            .map(|line| LogRow { at: line.at, event: line.event, params: line.params })
            .collect(),
        run: row,
    })
}

pub(crate) async fn quarantine_list(host: &Host, request: QuarantineRequest) -> Result<QuarantinePage, Failure> {
    let workspace = host.workspace().await?;
    let rows = workspace.store.quarantine(request.run_id, request.offset, request.limit.clamp(1, PAGE)).await?;
    let total = small(workspace.store.quarantine_kept(request.run_id).await?);
    Ok(QuarantinePage { rows: rows.into_iter().map(Into::into).collect(), total })
}

pub(crate) async fn run_estimate(host: &Host, request: CollectRequest) -> Result<RunEstimate, Failure> {
    let workspace = host.workspace().await?;
    let id = request.connection_id.ok_or_else(|| Failure::new(Code::BadRequest).with("field", "connection_id"))?;
    let connection = workspace.store.connection(id).await?;
    let windows = workspace.wires.budget_of(&connection).map(|known| known.windows).unwrap_or_default();
    let asked = Asked { days: request.range.into_iter().collect(), streams: request.streams };
    let found = workspace.engine.estimate(id, &asked, &windows).await?;
    Ok(RunEstimate {
        slices: found.slices,
        requests: found.requests,
        secs: found.millis.map(|millis| millis as f64 / 1_000.0),
        pause_at: found.pause.map(|pause| pause.at),
        pause_until: found.pause.map(|pause| pause.until),
    })
}

pub(crate) async fn run_start(host: &Host, request: CollectRequest) -> Result<RunStarted, Failure> {
    let workspace = host.workspace().await?;
    if request.streams.is_some() && request.connection_id.is_none() {
        return Err(Failure::new(Code::BadRequest).with("field", "streams").detail("streams are of one connection"));
    }
    let asked = Asked { days: request.range.into_iter().collect(), streams: request.streams };
    let trigger = if request.range.is_some() { RunTrigger::Recollect } else { RunTrigger::Manual };
    let mut run_ids = Vec::new();
    if let Some(id) = request.connection_id {
        let connection = workspace.store.connection(id).await?;
        if connection.state == ConnectionState::SignInNeeded {
            return Err(Failure::new(Code::SignInRejected)
                .with("system", &connection.connector)
                .with("account", &connection.account_name));
        }
        run_ids.push(workspace.engine.start(id, trigger, asked).await?);
    } else {
        let scope = request.client_id.map_or(Scope::Portfolio, Scope::Client);
        for connection in workspace.store.connections(scope).await? {
            // Files are not read again by themselves, and the others say on screen why they do not run.
            let readable = workspace
                .registry
                .get(&connection.connector)
                .is_some_and(|source| !source.descriptor().streams.is_empty());
            if readable && connection.state == ConnectionState::Active {
                run_ids.push(workspace.engine.start(connection.id, trigger, asked.clone()).await?);
            }
        }
    }
    workspace.audit(host.now(), AuditAction::RunStarted, &run_ids.len().to_string()).await?;
    Ok(RunStarted { run_ids })
}

pub(crate) async fn waiting_start(host: &Host, _: Empty) -> Result<RunStarted, Failure> {
    let workspace = host.workspace().await?;
    let run_ids = workspace.scheduler.start_waiting().await?;
    workspace.audit(host.now(), AuditAction::RunStarted, &run_ids.len().to_string()).await?;
    Ok(RunStarted { run_ids })
}

pub(crate) async fn run_cancel(host: &Host, request: ById<RunId>) -> Result<Empty, Failure> {
    let workspace = host.workspace().await?;
    workspace.engine.cancel(request.id).await?;
    workspace.audit(host.now(), AuditAction::RunCancelled, &request.id.to_string()).await?;
    Ok(Empty {})
}

/// How much a day changed: its spend, or its impressions where spend was not known or nothing.
fn day_change(changed: &store::day_reads::DayChange) -> Option<DayChange> {
    let (before, after) = (Sums::from(changed.before), Sums::from(changed.after));
    let of = |metric: Metric| {
        let nothing = (changed.after.rows == 0).then_some(Micros::ZERO);
        let change = metric.change(metric.of(&after).or(nothing), metric.of(&before))?;
        Some(DayChange { metric: metric.into(), change })
    };
    of(Metric::Spend).or_else(|| of(Metric::Impressions))
}

pub(crate) async fn run_pause(host: &Host, request: ById<RunId>) -> Result<Empty, Failure> {
    let workspace = host.workspace().await?;
    workspace.engine.pause(request.id).await?;
    workspace.audit(host.now(), AuditAction::RunPaused, &request.id.to_string()).await?;
    Ok(Empty {})
}

pub(crate) async fn run_resume(host: &Host, request: ById<RunId>) -> Result<Empty, Failure> {
    let workspace = host.workspace().await?;
    workspace.engine.resume(request.id).await?;
    workspace.audit(host.now(), AuditAction::RunResumed, &request.id.to_string()).await?;
    Ok(Empty {})
}

fn day_totals(currency: Currency, pair: &DayPair) -> DayTotals {
    DayTotals {
        currency,
        impressions: pair.ours.impressions,
        their_impressions: pair.theirs.impressions,
        clicks: pair.ours.clicks,
        their_clicks: pair.theirs.clicks,
        spend: pair.ours.cost,
        their_spend: pair.theirs.cost,
        differ: pair.difference().is_some(),
    }
}

fn slice_row(slice: store::slices::Slice) -> SliceRow {
    SliceRow {
        stream: slice.stream,
        window: slice.window,
        state: slice.state,
        rows: small(slice.rows),
        quarantined: small(slice.quarantined),
        requests: small(slice.requests),
        millis: slice.millis.map(small),
        failure: slice.failure.as_ref().map(ApiError::from),
    }
}

/// What a run is shown with: its connection, its client's name, and its moving numbers.
struct Shown {
    connections: HashMap<ConnectionId, Connection>,
    clients: HashMap<ClientId, String>,
    live: HashMap<RunId, Snapshot>,
}

impl Shown {
    async fn read(workspace: &Workspace, scope: Scope) -> Result<Self, Failure> {
        let connections = workspace.store.connections(scope).await?;
        let clients = workspace.store.clients().await?;
        let live = workspace.engine.snapshots();
        Ok(Self {
            connections: connections.into_iter().map(|connection| (connection.id, connection)).collect(),
            clients: clients.into_iter().map(|client| (client.id, client.name)).collect(),
            live: live.into_iter().map(|snapshot| (snapshot.run_id, snapshot)).collect(),
        })
    }

    /// `None` for a run whose connection was deleted between two queries.
    fn row(&self, run: &Run) -> Option<RunRow> {
        let connection = self.connections.get(&run.connection_id)?;
        let client = self.clients.get(&run.client_id).map(String::as_str).unwrap_or_default();
        Some(run_row(run, self.live.get(&run.id), connection, client))
    }
}
