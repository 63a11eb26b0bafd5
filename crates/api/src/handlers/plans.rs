//! Plans of spend, and the margin that a return on investment needs.

use crate::{
    host::{Host, Workspace},
    wire::{ClientPlans, Course, Empty, MarginSet, Pace, PlanList, PlanRow, PlanSet},
};
use insight::{
    metric::ratio,
    pacing,
    plans::{self, Standing},
    portfolio,
};
use model::{
    audit::AuditAction,
    connection::Connection,
    failure::{Code, Failure},
    money::Micros,
    plan::{Plan, PlanScope},
    settings::InTotals,
};
use store::Scope;

pub(crate) async fn plan_list(host: &Host, request: PlanList) -> Result<ClientPlans, Failure> {
    let workspace = host.workspace().await?;
    of_client(host, &workspace, request).await
}

pub(crate) async fn plan_set(host: &Host, request: PlanSet) -> Result<ClientPlans, Failure> {
    let workspace = host.workspace().await?;
    let PlanSet { client_id, month, scope, amount, phasing } = request;
    let client = workspace.store.client(client_id).await?;
    if let Some(amount) = amount {
        if amount <= Micros::ZERO {
            return Err(invalid("amount"));
        }
        if phasing.weights(month).is_none() {
            return Err(invalid("phasing"));
        }
        let connections = workspace.store.connections(Scope::Client(client_id)).await?;
        if !possible(&workspace, &connections, &scope).await? {
            return Err(invalid("scope"));
        }
        let plan = Plan { client_id, month, scope, amount, currency: client.currency, phasing };
        workspace.store.set_plan(&plan).await?;
    } else {
        workspace.store.delete_plan(client_id, month, &scope).await?;
    }
    workspace.audit(host.now(), AuditAction::PlanChanged, &client.name).await?;
    of_client(host, &workspace, PlanList { client_id, month }).await
}

pub(crate) async fn margin_set(host: &Host, request: MarginSet) -> Result<Empty, Failure> {
    let workspace = host.workspace().await?;
    let client = workspace.store.client(request.client_id).await?;
    if request.margin.is_some_and(|margin| !(Micros::ZERO..=Micros::ONE).contains(&margin)) {
        return Err(invalid("margin"));
    }
    workspace.store.set_margin(client.id, request.margin).await?;
    workspace.audit(host.now(), AuditAction::MarginChanged, &client.name).await?;
    Ok(Empty {})
}

fn invalid(field: &'static str) -> Failure {
    Failure::new(Code::SettingInvalid).with("field", field)
}

/// Whether the client has what the plan is to be of.
async fn possible(workspace: &Workspace, connections: &[Connection], scope: &PlanScope) -> Result<bool, Failure> {
    Ok(match scope {
        PlanScope::Client => true,
        PlanScope::Channel { connector } => channels(connections).contains(connector),
        PlanScope::Campaign { connection_id, external_id } => {
            connections.iter().any(|connection| connection.id == *connection_id)
                && workspace.store.has_campaign(*connection_id, external_id).await?
        }
    })
}

/// The systems that count toward a client's totals, by name.
fn channels(connections: &[Connection]) -> Vec<String> {
    let counted = connections.iter().filter(|connection| connection.settings.in_totals == InTotals::Counts);
    let mut channels: Vec<String> = counted.map(|connection| connection.connector.clone()).collect();
    channels.sort();
    channels.dedup();
    channels
}

async fn of_client(host: &Host, workspace: &Workspace, request: PlanList) -> Result<ClientPlans, Failure> {
    let store = &workspace.store;
    let client = store.client(request.client_id).await?;
    let scope = Scope::Client(client.id);
    let views = portfolio::connections(store, scope, host.now()).await?;
    let connections: Vec<Connection> = views.iter().map(|view| view.connection.clone()).collect();
    let found = plans::of_client(store, &client, request.month, &views, host.now()).await?;
    Ok(ClientPlans {
        month: request.month,
        currency: client.currency,
        channels: channels(&connections),
        margin: store.margins(scope).await?.remove(&client.id),
        plans: found
            .into_iter()
            .map(|view| PlanRow {
                scope: view.plan.scope,
                campaign: view.campaign,
                amount: view.plan.amount,
                currency: view.plan.currency,
                phasing: view.plan.phasing,
                pace: (&view.standing).into(),
            })
            .collect(),
    })
}

impl From<pacing::Course> for Course {
    fn from(course: pacing::Course) -> Self {
        match course {
            pacing::Course::OnPlan => Self::OnPlan,
            pacing::Course::Under => Self::Under,
            pacing::Course::Over => Self::Over,
        }
    }
}

impl From<&Standing> for Pace {
    fn from(standing: &Standing) -> Self {
        let pacing::Pace { plan, spent, expected, pacing, course, forecast, outcome } = standing.pace;
        let share = |part: Micros| ratio(Some(part), Some(plan));
        let interval = forecast.and_then(|forecast| forecast.interval);
        Self {
            plan,
            spent,
            expected,
            spent_share: share(spent),
            expected_share: share(expected),
            pacing,
            course: course.map(Into::into),
            forecast: forecast.map(|forecast| forecast.value),
            forecast_low: interval.map(|(low, _)| low),
            forecast_high: interval.map(|(_, high)| high),
            forecast_share: forecast.and_then(|forecast| share(forecast.value)),
            outcome: outcome.map(Into::into),
            through: standing.through,
            stale: standing.stale,
        }
    }
}
