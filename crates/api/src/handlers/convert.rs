//! From the rooms' types to wire types, where more than one handler needs it.

use crate::wire;
use chrono::{DateTime, Utc};
use insight::{
    metric::{self, Metric, Sums},
    portfolio::ConnectionView,
};
use model::ad::Rejected;
use store::{StoredFailure, runs::Run};
use sync::live::Snapshot;

impl From<&StoredFailure> for wire::ApiError {
    fn from(failure: &StoredFailure) -> Self {
        Self {
            code: failure.code,
            kind: failure.kind(),
            params: failure.params.clone(),
            detail: failure.detail.clone(),
            retry_at: failure.retry_at,
        }
    }
}

impl From<Sums> for wire::StatsSums {
    fn from(sums: Sums) -> Self {
        Self {
            impressions: sums.impressions,
            clicks: sums.clicks,
            spend: sums.spend,
            conversions: sums.conversions,
            revenue: sums.revenue,
            ctr: Metric::Ctr.of(&sums),
            spend_with_vat: Metric::SpendWithVat.of(&sums),
            spend_without_vat: Metric::SpendWithoutVat.of(&sums),
            cpc: Metric::Cpc.of(&sums),
            cpm: Metric::Cpm.of(&sums),
            cr: Metric::Cr.of(&sums),
            cpa: Metric::Cpa.of(&sums),
            roas: Metric::Roas.of(&sums),
            roi: Metric::Roi.of(&sums),
            romi: Metric::Romi.of(&sums),
            drr: Metric::Drr.of(&sums),
            visits: sums.visits,
            page_views: sums.page_views,
            bounce_rate: Metric::BounceRate.of(&sums),
        }
    }
}

impl From<Metric> for wire::Metric {
    fn from(metric: Metric) -> Self {
        match metric {
            Metric::Spend => Self::Spend,
            Metric::SpendWithVat => Self::SpendWithVat,
            Metric::SpendWithoutVat => Self::SpendWithoutVat,
            Metric::Impressions => Self::Impressions,
            Metric::Clicks => Self::Clicks,
            Metric::Conversions => Self::Conversions,
            Metric::Revenue => Self::Revenue,
            Metric::Ctr => Self::Ctr,
            Metric::Cpc => Self::Cpc,
            Metric::Cpm => Self::Cpm,
            Metric::Cr => Self::Cr,
            Metric::Cpa => Self::Cpa,
            Metric::Roas => Self::Roas,
            Metric::Roi => Self::Roi,
            Metric::Romi => Self::Romi,
            Metric::Drr => Self::Drr,
            Metric::Visits => Self::Visits,
            Metric::PageViews => Self::PageViews,
            Metric::BounceRate => Self::BounceRate,
        }
    }
}

impl From<metric::Unit> for wire::Unit {
    fn from(unit: metric::Unit) -> Self {
        match unit {
            metric::Unit::Money => Self::Money,
            metric::Unit::Count => Self::Count,
            metric::Unit::Percent => Self::Percent,
            metric::Unit::Ratio => Self::Ratio,
        }
    }
}

impl From<metric::Verdict> for wire::Verdict {
    fn from(verdict: metric::Verdict) -> Self {
        match verdict {
            metric::Verdict::Better => Self::Better,
            metric::Verdict::Worse => Self::Worse,
            metric::Verdict::Neutral => Self::Neutral,
        }
    }
}

impl From<Rejected> for wire::QuarantineRow {
    fn from(row: Rejected) -> Self {
        Self {
            stream: row.stream,
            date: row.date,
            reason: row.reason,
            field: row.field,
            value: row.value,
            line: row.line,
            raw: row.raw,
        }
    }
}

/// A connection in a list.
pub(crate) fn connection_row(view: &ConnectionView) -> wire::ConnectionRow {
    let connection = &view.connection;
    let latest = view.latest.as_ref().map(|latest| &latest.run);
    // A run that rests until its platform allows more is no failure of the connection, but it is what there is to say of it.
    let parked = latest.filter(|run| run.is_parked()).and_then(|run| run.failure.as_ref());
    wire::ConnectionRow {
        id: connection.id,
        client_id: connection.client_id,
        client_name: view.client_name.clone(),
        connector: connection.connector.clone(),
        account_external_id: connection.account_external_id.clone(),
        account_name: connection.account_name.clone(),
        currency: connection.currency,
        vat: connection.settings.vat,
        state: connection.state,
        health: view.diagnosis.health,
        failure: view.diagnosis.failure.as_ref().or(parked).map(wire::ApiError::from),
        data_through: view.data_through,
        synced_at: view.latest.as_ref().and_then(|latest| latest.synced_at),
        running: latest.filter(|run| run.state.is_under_way() && !run.is_parked()).map(|run| run.id),
        latest_run: latest.map(|run| run.id),
        next_at: view.turn.next_at,
        retry_at: view.turn.retry_at,
        failures: view.turn.failures,
    }
}

/// A run in a list. `live` is what this process knows of it beyond what is stored.
pub(crate) fn run_row(
    run: &Run,
    live: Option<&Snapshot>,
    connection: &model::connection::Connection,
    client_name: &str,
) -> wire::RunRow {
    wire::RunRow {
        id: run.id,
        connection_id: run.connection_id,
        client_id: run.client_id,
        client_name: client_name.to_owned(),
        connector: connection.connector.clone(),
        account_name: connection.account_name.clone(),
        trigger: run.trigger,
        state: live.map_or(run.state, |live| live.state),
        range: run.range,
        streams: run.streams.clone(),
        progress: live.map_or(run.progress, |live| live.progress),
        started_at: run.started_at,
        ended_at: run.ended_at,
        waiting_until: live.map_or(run.waiting_until, |live| live.waiting_until),
        failure: match live.and_then(|live| live.failure.as_ref()) {
            Some(untold) => Some(wire::ApiError::from(untold)),
            None => run.failure.as_ref().map(wire::ApiError::from),
        },
    }
}

/// Milliseconds and counts that fit the wire's 32 bits, which they do for centuries.
pub(crate) fn small(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// The newer of two instants of which either may be unknown.
pub(crate) fn newest(instants: impl IntoIterator<Item = Option<DateTime<Utc>>>) -> Option<DateTime<Utc>> {
    instants.into_iter().flatten().max()
}
