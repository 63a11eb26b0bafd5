//! A run that meets its daily quota is parked: it holds nobody up, goes on by itself on the next days where it stopped, and in the end
//! everything is true, without one request that the platform had to refuse.

use crate::{
    harness::{Wish, is_parked},
    unwatched::{Unwatched, at, first_day, moscow, platform},
};
use anyhow::{Context, Result, ensure};
use api::wire::{Alerts, AppStatus, RunRow, RunStarted, SyncBoard};
use chrono::{DateTime, Days, NaiveDate, TimeDelta, Timelike as _, Utc};
use kit::clock::Clock as _;
use model::{
    alert::AlertKind,
    failure::{Code, FailureKind},
    id::{ConnectionId, RunId},
    run::{RunState, RunTrigger},
};
use serde_json::{Value, json};
use simulators::vk_ads::Limits;

/// What the platform allows. Seconds and hours are wide: this is about days. A turn takes three requests for statistics, the days that are
/// collected again take six.
const LIMITS: Limits = Limits { per_second: 1_000, per_hour: 10_000, per_day: 6 };
/// Days that are collected again.
const LONG_AGO: u64 = 55;

/// One connection whose days are being collected again, and whose quota of the day is used up.
struct Parked {
    program: Unwatched,
    connection: ConnectionId,
    run: RunId,
}

impl Parked {
    /// Pressed at nine in the morning; it is half past nine.
    async fn on_the_first_day() -> Result<Self> {
        let nine = at(first_day(), 9);
        let mut program = Unwatched::open(platform(1, 1, LIMITS), nine).await?;
        let client = program.office.client("Кофейни Север").await?.id;
        let key = program.office.platform().keys().remove(0);
        let wish = Wish { key: &key, cabinets: &[0], client, first_load_days: 10, lookback_days: 4 };
        let connection = program.office.connect(&wish).await?.connection_ids[0];
        program.connections.insert(connection, (key.cabinets[0].id, client));
        program.until(nine + TimeDelta::minutes(10)).await;
        let run = press(&program, connection).await?;
        program.until(nine + TimeDelta::minutes(30)).await;
        Ok(Self { program, connection, run })
    }

    async fn row(&self) -> Result<RunRow> {
        Ok(self.program.office.run(self.run).await?.run)
    }

    /// It rests until the platform allows more and the turn of that morning has come, is shown so, and is nobody's trouble.
    async fn rests(&self, day: NaiveDate) -> Result<DateTime<Utc>> {
        let office = &self.program.office;
        let detail = office.run(self.run).await?;
        ensure!(is_parked(&detail.run) && detail.run.ended_at.is_none(), "{:?}", detail.run);
        ensure!(detail.run.progress.slices_done < detail.run.progress.slices_total, "{:?}", detail.run);
        let quota = detail.run.failure.context("why")?;
        ensure!(quota.code == Code::QuotaWait && quota.kind == FailureKind::WaitUntil, "{quota:?}");
        let tomorrow = day + Days::new(1);
        ensure!(quota.retry_at == Some(at(tomorrow, 0)), "{quota:?}");
        let until = detail.run.waiting_until.context("until when")?;
        ensure!(moscow(until).date() == tomorrow && moscow(until).hour() == 6, "{until}");
        let board: SyncBoard = office.ask("syncs_board", json!({ "client_id": null, "days": 7 })).await?;
        ensure!(board.running.iter().any(|run| run.id == self.run && run.waiting_until == Some(until)), "{board:?}");
        let status: AppStatus = office.ask("app_status", json!({})).await?;
        ensure!(status.running == 0, "nobody works on it");
        self.is_no_alarm().await?;
        Ok(until)
    }

    /// Nobody is told that it fails or that its days are old. What is said of the days themselves is another matter.
    async fn is_no_alarm(&self) -> Result<()> {
        let alerts: Alerts = self.program.office.ask("alerts_list", json!({ "client_id": null })).await?;
        let of_runs = |kind| matches!(kind, AlertKind::Failing | AlertKind::Stale | AlertKind::SignInNeeded);
        ensure!(!alerts.groups.iter().flat_map(|group| &group.alerts).any(|alert| of_runs(alert.kind)), "{alerts:?}");
        Ok(())
    }
}

async fn press(program: &Unwatched, connection: ConnectionId) -> Result<RunId> {
    let to = first_day() - Days::new(1);
    program.office.start(connection, Some((to - Days::new(LONG_AGO), to))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn days_collected_again_over_a_daily_quota_are_there_some_days_later_by_themselves() -> Result<()> {
    let mut parked = Parked::on_the_first_day().await?;
    let mut day = first_day();
    let (mut rested, mut done_before) = (0, 0);
    loop {
        let until = parked.rests(day).await?;
        rested += 1;
        let done = parked.row().await?.progress.slices_done;
        ensure!(done > done_before, "it goes on where it stopped: {done} after {done_before}");
        done_before = done;
        let sent = parked.program.office.platform().requests().count_of("statistics/");
        if rested == 1 {
            // Whoever presses again has it already; what is new waits for the same quota, once, and asks nobody.
            let request = json!({ "from": first_day() - Days::new(9), "to": first_day() - Days::new(1) });
            let request = json!({ "connection_id": parked.connection, "client_id": null, "range": request });
            ensure!(parked.program.office.refused("run_start", request).await?.code == Code::AlreadyRunning);
            let now = json!({ "connection_id": parked.connection, "client_id": null, "range": null });
            let first: RunStarted = parked.program.office.ask("run_start", now.clone()).await?;
            parked.program.until(at(day, 11)).await;
            let again: RunStarted = parked.program.office.ask("run_start", now).await?;
            ensure!(first.run_ids == again.run_ids, "one copy");
            let both = parked.program.office.parked(parked.connection).await?;
            ensure!(both.len() == 2, "{both:?}");
            let _: Value = parked.program.office.ask("run_cancel", json!({ "id": first.run_ids[0] })).await?;
        }
        // The second night the program is quit; it is opened again after the moment had come.
        parked.program.until(at(day, 20)).await;
        ensure!(parked.rests(day).await? == until, "its moment stands");
        ensure!(parked.program.office.platform().requests().count_of("statistics/") == sent, "a rest is a rest");
        parked.program.restart().await;
        ensure!(parked.rests(day).await? == until, "its moment stands over a restart");
        day = day + Days::new(1);
        if rested == 2 {
            parked.program.office.clock.set(at(day, 9));
        }
        parked.program.until(at(day, 10)).await;
        parked.is_no_alarm().await?;
        // The turn of the morning was not held up, and went first.
        let today = parked.program.runs_since(at(day, 0)).await?;
        let turn = today.iter().find(|run| run.trigger == RunTrigger::Schedule).context("the turn")?;
        ensure!(turn.state == RunState::Done, "{turn:?}");
        let row = parked.row().await?;
        if row.state == RunState::Done {
            ensure!(turn.ended_at <= row.ended_at, "{turn:?} {row:?}");
            break;
        }
        ensure!(rested < 8, "it never ends: {row:?}");
    }
    ensure!(rested >= 2, "one day was enough for everything: {rested}");
    println!("parked {rested} times, {done_before} slices before the last day");
    let waits = parked.program.office.run(parked.run).await?.waits;
    ensure!(waits.len() == rested && waits.iter().all(|wait| wait.until.is_none()), "{waits:?}");
    let runs = parked.program.runs_since(at(first_day(), 0)).await?;
    ensure!(runs.iter().filter(|run| run.trigger == RunTrigger::Recollect).count() == 1, "{runs:?}");
    let by_hand = |run: &RunRow| run.trigger == RunTrigger::Manual && run.state == RunState::Stopped;
    ensure!(runs.iter().all(|run| run.state == RunState::Done || by_hand(run)), "{runs:?}");
    ensure!(parked.program.is_true().await? > 150, "nothing was compared");
    parked.program.kept_the_limits(LIMITS)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parked_run_can_be_stopped_for_good_and_held_beyond_its_moment() -> Result<()> {
    for stopped in [true, false] {
        let parked = Parked::on_the_first_day().await?;
        parked.rests(first_day()).await?;
        let (program, office) = (&parked.program, &parked.program.office);
        let command = if stopped { "run_cancel" } else { "run_pause" };
        let _: Value = office.ask(command, json!({ "id": parked.run })).await?;
        let state = if stopped { RunState::Stopped } else { RunState::Paused };
        let done = parked.row().await?.progress.slices_done;
        program.until(at(first_day() + Days::new(1), 12)).await;
        let row = parked.row().await?;
        ensure!((row.state, row.progress.slices_done) == (state, done), "{row:?}");
        ensure!(row.waiting_until.is_none() && row.failure.is_none(), "{row:?}");
        program.is_true().await?;
        if !stopped {
            let _: Value = office.ask("run_resume", json!({ "id": parked.run })).await?;
            program.until(office.clock.now() + TimeDelta::minutes(30)).await;
            let row = parked.row().await?;
            ensure!(row.progress.slices_done > done && (is_parked(&row) || row.state == RunState::Done), "{row:?}");
        }
        program.kept_the_limits(LIMITS)?;
    }
    Ok(())
}
