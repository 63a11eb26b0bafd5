//! What a platform does silently wrong is said on the next morning: days that come empty, halved or twice. What is right is not cried
//! about, and what was healed settles by itself.

use crate::harness::{Office, Wish, days_ago, small, today};
use anyhow::{Context, Result, ensure};
use api::wire::{AlertRow, AlertRuleRow, Alerts, AppStatus, Overview, SyncBoard};
use chrono::{Days, NaiveDate};
use model::{
    alert::{AlertAction, AlertKind, AlertState, Severity},
    date::DateRange,
    id::ConnectionId,
    run::RunState,
};
use serde_json::{Value, json};
use simulators::faults::{Fault, FaultKind};

async fn alerts(office: &Office) -> Result<Vec<AlertRow>> {
    let listed: Alerts = office.ask("alerts_list", json!({ "client_id": null })).await?;
    let all: Vec<AlertRow> = listed.groups.into_iter().flat_map(|group| group.alerts).collect();
    ensure!(listed.open as usize == all.iter().filter(|alert| alert.state == AlertState::Open).count(), "the count");
    Ok(all)
}

async fn open(office: &Office) -> Result<Vec<AlertRow>> {
    Ok(alerts(office).await?.into_iter().filter(|alert| alert.state == AlertState::Open).collect())
}

/// Connects one cabinet with eighty days of history.
async fn connected(office: &Office, cabinet: usize, lookback_days: u32) -> Result<ConnectionId> {
    let key = office.platform().keys()[0].clone();
    let client = office.client(&format!("Клиент {cabinet}")).await?.id;
    let wish = Wish { key: &key, cabinets: &[cabinet], client, first_load_days: 80, lookback_days };
    let committed = office.connect(&wish).await?;
    office.done(&committed.run_ids).await?;
    committed.connection_ids.first().copied().context("no connection")
}

#[tokio::test]
async fn every_silent_fault_is_said_after_the_next_sync_and_settles_when_it_is_healed() -> Result<()> {
    let office = Office::open(small()).await?;
    let id = connected(&office, 0, 3).await?;
    ensure!(open(&office).await?.is_empty(), "a healthy first load: {:?}", open(&office).await?);

    for (what, fault, kind, streams) in [
        (
            "a day of every stream is empty",
            (|date| FaultKind::MissingDay { date }) as fn(NaiveDate) -> FaultKind,
            AlertKind::EmptyDay,
            "",
        ),
        ("a day of one stream is empty", |date| FaultKind::MissingDay { date }, AlertKind::EmptyDay, "banners/"),
        ("half a day", |date| FaultKind::HalfDay { date }, AlertKind::UnusualVolume, ""),
        ("half a day of one stream", |date| FaultKind::HalfDay { date }, AlertKind::UnusualVolume, "banners/"),
        ("the same day twice", |date| FaultKind::CopiedDay { date }, AlertKind::RepeatedDay, ""),
        ("the same day twice in one stream", |date| FaultKind::CopiedDay { date }, AlertKind::RepeatedDay, "ad_plans/"),
    ] {
        office.advance_days(1);
        let status: AppStatus = office.ask("app_status", json!({})).await?;
        let date = status.today - Days::new(1);
        office.platform().faults().add(Fault::always(fault(date)).on(&format!("statistics/{streams}")));
        let run = office.sync(id).await?;
        ensure!(run.state == RunState::Done, "{what} is no silent fault");
        let found = open(&office).await?;
        ensure!(found.len() == 1, "{what}: {found:?}");
        let alert = &found[0];
        ensure!((alert.kind, alert.action) == (kind, AlertAction::Recollect), "{what}: {alert:?}");
        ensure!(alert.days == Some(DateRange::day(date)) && alert.run_id == Some(run.id), "{what}: {alert:?}");
        let status: AppStatus = office.ask("app_status", json!({})).await?;
        ensure!(status.alerts == 1, "the bell counts {}", status.alerts);
        let overview: Overview = office.overview(date, date).await?;
        let urgent = usize::from(alert.severity == Severity::Critical);
        ensure!(overview.alerts.len() == urgent && overview.needs.is_empty(), "{what}: {overview:?}");

        // The same again changes nothing, and a person who muted it hears no more.
        office.sync(id).await?;
        ensure!(open(&office).await?.len() == 1, "{what} twice");
        let _: Value = office.ask("alert_mute", json!({ "id": alert.id, "muted": true })).await?;
        office.sync(id).await?;
        ensure!(open(&office).await?.is_empty(), "{what} was muted: {:?}", open(&office).await?);

        // Its one action, now that the platform is well.
        office.platform().faults().clear();
        let days = alert.days.context("days")?;
        let again = office.start(id, Some((days.from(), days.to()))).await?;
        office.done(&[again]).await?;
        let after = alerts(&office).await?;
        ensure!(after.iter().all(|alert| alert.state == AlertState::Settled), "{what} was healed: {after:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_stream_that_answers_nothing_at_all_keeps_its_numbers_and_is_said_at_once() -> Result<()> {
    let office = Office::open(small()).await?;
    let id = connected(&office, 0, 3).await?;
    office.advance_days(1);
    office.platform().faults().add(Fault::always(FaultKind::EmptyAccount).on("statistics/"));
    let run = office.start(id, None).await?;
    ensure!(office.ended(run).await?.state == RunState::Failed, "nothing where there was something");
    let found = open(&office).await?;
    ensure!(found.len() == 1 && found[0].kind == AlertKind::Failing, "{found:?}");
    ensure!(found[0].action == AlertAction::OpenRun && found[0].params["code"] == "vendor_changed", "{found:?}");
    // The overview has a row for it already and does not say it twice.
    let overview = office.overview(days_ago(3), days_ago(1)).await?;
    ensure!(overview.needs.len() == 1 && overview.alerts.is_empty(), "{overview:?}");
    office.platform().faults().clear();
    office.sync(id).await?;
    ensure!(open(&office).await?.is_empty(), "a good sync settles it");
    Ok(())
}

#[tokio::test]
async fn a_healthy_month_is_silent() -> Result<()> {
    let office = Office::open(small()).await?;
    let cabinets = office.platform().keys()[0].cabinets.len().min(3);
    let mut ids = Vec::new();
    for cabinet in 0..cabinets {
        ids.push(connected(&office, cabinet, 3).await?);
    }
    for day in 0..30 {
        for id in &ids {
            office.sync(*id).await?;
        }
        let found = alerts(&office).await?;
        ensure!(found.is_empty(), "on day {day} after {}: {found:#?}", today());
        office.advance_days(1);
    }
    // What the corrections of the platform did is told beside each day.
    let board: SyncBoard = office.ask("syncs_board", json!({ "client_id": null, "days": 30 })).await?;
    let changed = board.strips.iter().flat_map(|strip| &strip.cells).filter(|cell| cell.change.is_some()).count();
    ensure!(changed > 20, "only {changed} days say how much they changed");
    Ok(())
}

#[tokio::test]
async fn a_rule_can_be_switched_off_and_made_strict() -> Result<()> {
    let office = Office::open(small()).await?;
    let id = connected(&office, 0, 3).await?;
    office.advance_days(1);
    let date = today();
    office.platform().faults().add(Fault::always(FaultKind::HalfDay { date }).on("statistics/"));
    office.sync(id).await?;
    ensure!(open(&office).await?.len() == 1, "half a day");

    let rules: Vec<AlertRuleRow> = office.ask("alert_rules_get", json!({})).await?;
    let row = rules.iter().find(|row| row.rule.kind == AlertKind::UnusualVolume).context("the rule")?;
    ensure!(row.rule == row.default, "untouched");
    let mut rule = serde_json::to_value(&row.rule)?;
    rule["enabled"] = json!(false);
    let rules: Vec<AlertRuleRow> = office.ask("alert_rules_update", rule.clone()).await?;
    ensure!(rules.iter().any(|row| !row.rule.enabled && row.default.enabled), "it is off");
    office.sync(id).await?;
    let found = open(&office).await?;
    ensure!(found.iter().all(|it| it.kind != AlertKind::UnusualVolume), "a rule that is off finds nothing: {found:?}");
    // Nobody else has told of the day, so what the platform itself says of it is told now.
    ensure!(found.iter().all(|it| it.kind == AlertKind::TotalsDiffer), "{found:?}");

    rule["enabled"] = json!(true);
    rule["severity"] = json!("critical");
    let _: Vec<AlertRuleRow> = office.ask("alert_rules_update", rule.clone()).await?;
    office.sync(id).await?;
    ensure!(open(&office).await?[0].severity == Severity::Critical, "as urgent as the person said");
    rule["thresholds"]["percent"] = json!(3);
    ensure!(office.refused("alert_rules_update", rule).await?.params["field"] == "percent", "beyond its range");
    Ok(())
}
