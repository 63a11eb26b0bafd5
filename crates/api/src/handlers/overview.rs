//! The nine o'clock screen.

use super::{alerts, convert::small};
use crate::{
    host::Host,
    wire::{HealthCount, Kpi, LeftOut, Need, NeedAction, Overview, OverviewRequest, PortfolioRow, WorstAnomaly},
};
use insight::{
    anomalies::{self, Judged, Unanswered},
    metric::Metric,
    portfolio::{self, ClientView},
};
use model::{
    failure::{Failure, FailureKind},
    run::Health,
};
use store::Scope;

pub(crate) async fn overview_get(host: &Host, request: OverviewRequest) -> Result<Overview, Failure> {
    let workspace = host.workspace().await?;
    let (now, currency) = (host.now(), workspace.row.currency);
    let store = &workspace.store;
    let (screen, told) = tokio::try_join!(
        portfolio::portfolio(store, request.period, request.compare, currency, now),
        anomalies::told(store, Scope::Portfolio, Judged::Newest, now),
    )?;
    let unanswered = anomalies::unanswered(&told);
    let count = |health| small(screen.clients.iter().filter(|row| row.health == health).count() as u64);
    Ok(Overview {
        as_of: now,
        health: HealthCount {
            act: count(Health::Act),
            watch: count(Health::Watch),
            good: count(Health::Good),
            off: count(Health::Off),
        },
        kpis: screen
            .tiles
            .iter()
            .map(|tile| Kpi {
                metric: tile.metric.into(),
                unit: tile.metric.unit().into(),
                value: tile.value,
                compare: tile.before,
                change: tile.change,
                verdict: tile.verdict.into(),
                series: tile.series.clone(),
                compare_series: tile.before_series.clone(),
            })
            .collect(),
        currency,
        left_out: screen
            .left_out
            .iter()
            .map(|other| LeftOut { currency: other.currency, clients: other.clients, spend: other.spend })
            .collect(),
        complete_through: screen.complete_through,
        needs: screen
            .needs
            .iter()
            .map(|need| Need {
                error: (&need.failure).into(),
                client_id: need.client_id,
                client_name: need.client_name.clone(),
                connection_id: need.connection.id,
                connector: need.connection.connector.clone(),
                account_name: need.connection.account_name.clone(),
                run_id: need.run_id,
                since: need.since,
                data_through: need.data_through,
                action: action(need.failure.kind()),
            })
            .collect(),
        alerts: alerts::urgent(host, &workspace).await?,
        rows: screen.clients.iter().map(|view| row(view, unanswered.get(&view.client.id))).collect(),
        partial: screen.partial,
    })
}

/// The one button that repairs a failure of this kind.
fn action(kind: FailureKind) -> NeedAction {
    match kind {
        FailureKind::SignInAgain => NeedAction::SignIn,
        FailureKind::FixSettings => NeedAction::OpenSettings,
        FailureKind::WaitUntil | FailureKind::Retry | FailureKind::Cancelled => NeedAction::Retry,
        FailureKind::VendorChanged | FailureKind::OurFault => NeedAction::OpenRun,
    }
}

fn row(view: &ClientView, unanswered: Option<&Unanswered>) -> PortfolioRow {
    let (sums, before) = (&view.sums, view.before.unwrap_or_default());
    let change = |metric: Metric| metric.change(metric.of(sums), metric.of(&before));
    PortfolioRow {
        client_id: view.client.id,
        client_name: view.client.name.clone(),
        health: view.health,
        currency: view.client.currency,
        spend: sums.spend,
        spend_change: change(Metric::Spend),
        impressions: sums.impressions,
        clicks: sums.clicks,
        conversions: sums.conversions,
        revenue: sums.revenue,
        ctr: Metric::Ctr.of(sums),
        cpc: Metric::Cpc.of(sums),
        cpa: Metric::Cpa.of(sums),
        cpa_change: change(Metric::Cpa),
        roas: Metric::Roas.of(sums),
        drr: Metric::Drr.of(sums),
        daily_spend: view.points.iter().map(|point| point.spend).collect(),
        moving_days: view.moving_days,
        anomalies: unanswered.map_or(0, |unanswered| unanswered.count),
        worst_anomaly: unanswered.map(|unanswered| WorstAnomaly {
            metric: unanswered.worst.anomaly.metric,
            factor: unanswered.worst.anomaly.factor,
            verdict: unanswered.worst.anomaly.verdict.into(),
        }),
        data_through: view.data_through,
        synced_at: view.synced_at,
        connections: small(view.connections.len() as u64),
        problems: small(view.connections.iter().filter(|view| view.diagnosis.health == Health::Act).count() as u64),
        pace: view.standing.as_ref().map(Into::into),
    }
}
