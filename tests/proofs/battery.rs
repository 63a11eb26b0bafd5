//! A laptop on its last percents: the program collects nothing by itself and says so, what a person starts goes, and when the plug is in
//! each connection is caught up once, however many mornings it was.

use crate::{
    harness::Wish,
    unwatched::{Unwatched, at, first_day, platform},
};
use anyhow::{Context, Result, ensure};
use api::wire::{BatterySaver, RunStarted, SyncBoard, WaitingForPower};
use chrono::{DateTime, Days, TimeDelta, Utc};
use kit::clock::Clock as _;
use model::{
    failure::Code,
    id::ConnectionId,
    run::{RunState, RunTrigger},
};
use serde_json::json;
use simulators::vk_ads::Limits;
use std::collections::BTreeSet;

/// Two connections of one client, loaded on the first day.
async fn loaded() -> Result<Unwatched> {
    let nine = at(first_day(), 9);
    let mut program = Unwatched::open(platform(1, 2, Limits::NONE), nine).await?;
    let client = program.office.client("Кофейни Север").await?.id;
    let key = program.office.platform().keys().remove(0);
    let wish = Wish { key: &key, cabinets: &[0, 1], client, first_load_days: 10, lookback_days: 4 };
    let made = program.office.connect(&wish).await?.connection_ids;
    program.connections.extend(made.into_iter().zip(&key.cabinets).map(|(id, cabinet)| (id, (cabinet.id, client))));
    program.until(nine + TimeDelta::minutes(30)).await;
    Ok(program)
}

async fn waiting(program: &Unwatched) -> Result<Option<WaitingForPower>> {
    let board: SyncBoard = program.office.ask("syncs_board", json!({ "client_id": null, "days": 7 })).await?;
    Ok(board.waiting)
}

/// Whose runs began since then, and that all of them ended well.
async fn began(program: &Unwatched, since: DateTime<Utc>, trigger: RunTrigger) -> Result<Vec<ConnectionId>> {
    let mut runs = program.runs_since(since).await?;
    runs.retain(|run| run.trigger == trigger);
    ensure!(runs.iter().all(|run| run.state == RunState::Done), "{runs:?}");
    Ok(runs.iter().map(|run| run.connection_id).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_low_battery_nothing_starts_by_itself_and_the_plug_catches_up_once() -> Result<()> {
    let mut program = loaded().await?;
    let both: BTreeSet<ConnectionId> = program.connections.keys().copied().collect();
    let evening = at(first_day(), 20);
    program.until(evening).await;
    program.office.battery.set(true, 15);
    ensure!(waiting(&program).await?.is_none(), "nothing is due yet");
    program.until(at(first_day() + Days::new(2), 12)).await;
    // A restart is no reason to begin either.
    program.restart().await;
    program.until(at(first_day() + Days::new(3), 12)).await;
    ensure!(program.runs_since(evening).await?.is_empty(), "something began by itself");
    let line = waiting(&program).await?.context("nothing is said to wait")?;
    ensure!((line.percent, line.connections) == (Some(15), 2), "{line:?}");
    let one = *both.first().context("a connection")?;
    let by_hand = program.office.start(one, None).await?;
    program.until(program.office.clock.now() + TimeDelta::minutes(20)).await;
    ensure!(program.office.run(by_hand).await?.run.state == RunState::Done, "a person was held up");

    let plugged = program.office.clock.now();
    program.office.battery.set(false, 15);
    program.until(at(first_day() + Days::new(4), 1)).await;
    let caught_up = began(&program, plugged, RunTrigger::Schedule).await?;
    ensure!(caught_up.len() == 2 && caught_up.iter().copied().collect::<BTreeSet<_>>() == both, "{caught_up:?}");
    ensure!(waiting(&program).await?.is_none());
    program.is_true().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_power_goes_when_a_person_says_so_and_is_not_caught_up_again() -> Result<()> {
    let program = loaded().await?;
    let evening = at(first_day(), 20);
    program.until(evening).await;
    program.office.battery.set(true, 15);
    let noon = at(first_day() + Days::new(1), 12);
    program.until(noon).await;
    let refused = program.office.refused("battery_saver_update", json!({ "enabled": true, "percent": 0 })).await?;
    ensure!(refused.code == Code::SettingInvalid, "{refused:?}");
    let saver: BatterySaver = program.office.ask("battery_saver_get", json!({})).await?;
    ensure!(saver == BatterySaver { enabled: true, percent: 20 }, "{saver:?}");
    ensure!(waiting(&program).await?.is_some_and(|line| line.connections == 2));
    let started: RunStarted = program.office.ask("waiting_start", json!({})).await?;
    ensure!(started.run_ids.len() == 2 && waiting(&program).await?.is_none(), "{started:?}");
    program.until(noon + TimeDelta::minutes(30)).await;
    ensure!(began(&program, evening, RunTrigger::Manual).await?.len() == 2);
    let again: RunStarted = program.office.ask("waiting_start", json!({})).await?;
    ensure!(again.run_ids.is_empty(), "{again:?}");
    program.office.battery.set(false, 15);
    program.until(noon + TimeDelta::hours(6)).await;
    ensure!(began(&program, evening, RunTrigger::Schedule).await?.is_empty(), "what was done was caught up");

    // Who is content with less is not held up at fifteen percent.
    program.office.battery.set(true, 15);
    let _: BatterySaver = program.office.ask("battery_saver_update", json!({ "enabled": true, "percent": 10 })).await?;
    program.until(at(first_day() + Days::new(2), 9)).await;
    ensure!(began(&program, evening, RunTrigger::Schedule).await?.len() == 2);
    program.is_true().await?;
    Ok(())
}
