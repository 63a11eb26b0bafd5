//! The whole way of a number: platform, sign-in, sync, encrypted database, screen. What the screens say is compared with the truth of
//! the simulated world to the kopeck, day by day and object by object.

use crate::harness::{Office, PASSPHRASE, Seen, Wish, code, days_ago, small, today};
use anyhow::{Context, Result, ensure};
use api::{
    contract::Event,
    wire::{
        AppStatus, ClientDeleted, ClientDetail, ConnectionDetail, DraftState, ImportChecked, ImportColumn, ImportField,
        ImportPreview, NeedAction, RunEstimate, RunStarted, SyncBoard, WorkspaceState,
    },
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::Days;
use model::{
    ad::Level,
    connection::ConnectionState,
    failure::Code,
    id::WorkspaceId,
    money::VatState,
    run::{DayState, RunState, RunTrigger, SliceState},
    schedule::Schedule,
    secret::Secret,
    settings::Lookback,
};
use serde_json::{Value, json};
use simulators::faults::{Fault, FaultKind};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use vault::{credential::Vault, keys::ClientKey, passphrase_file::PassphraseFile};

/// Days that the first runs of these proofs read.
const FIRST_LOAD: u32 = 60;

#[tokio::test(flavor = "multi_thread")]
async fn numbers_are_true_from_the_first_sync_to_the_next_day_and_offline() -> Result<()> {
    let mut office = Office::open(small()).await?;
    let keys = office.platform().keys();
    let (from, to) = (days_ago(u64::from(FIRST_LOAD)), days_ago(1));

    // Two cabinets of one agency for one client; a third with a short memory; an advertiser with a key of its own.
    let pair = office.client("Кофейни Север").await?.id;
    let short = office.client("Дом и сад").await?.id;
    let own = office.client("Прямой клиент").await?.id;
    let wish = |key, cabinets, client, lookback_days| Wish {
        key,
        cabinets,
        client,
        first_load_days: FIRST_LOAD,
        lookback_days,
    };
    let mut runs = Vec::new();
    let mut connections = Vec::new();
    for wish in [wish(&keys[0], &[0, 1], pair, 35), wish(&keys[1], &[0], short, 3), wish(&keys[2], &[0], own, 35)] {
        let committed = office.connect(&wish).await?;
        runs.extend(committed.run_ids);
        connections.extend(committed.connection_ids);
    }
    let id = |key: usize, cabinet: usize| keys[key].cabinets[cabinet].id;
    let clients = [(pair, vec![id(0, 0), id(0, 1)]), (short, vec![id(1, 0)]), (own, vec![id(2, 0)])];
    for run in office.done(&runs).await? {
        ensure!(run.trigger == RunTrigger::First, "the first run is called {}", run.trigger);
        ensure!(run.range.is_some_and(|range| (range.from(), range.to()) == (from, to)), "read {:?}", run.range);
    }
    for (client, cabinets) in &clients {
        office.is_true(*client, cabinets, from, to).await?;
    }

    // Overview: the strip is the sum of the clients, each row is its client's truth, and the last day is the last day read.
    let overview = office.overview(from, to).await?;
    ensure!(overview.complete_through == Some(to) && !overview.partial && overview.needs.is_empty(), "{overview:?}");
    let truth = office.platform().truth();
    let mut strip = simulators::world::Figures::default();
    for (client, cabinets) in &clients {
        let mut figures = simulators::world::Figures::default();
        for cabinet in cabinets {
            figures += truth.totals(*cabinet, from, to).context("a cabinet")?;
        }
        strip += figures;
        let row = overview.rows.iter().find(|row| row.client_id == *client).context("a row of the overview")?;
        let expected = Seen::from(figures);
        ensure!(row.spend.map(|spend| spend.0) == Some(expected.spend), "{row:?} against {expected:?}");
        ensure!(row.clicks == Some(expected.clicks) && row.impressions == Some(expected.impressions), "{row:?}");
        ensure!(row.data_through == Some(to) && row.problems == 0, "{row:?}");
    }
    let strip = Seen::from(strip);
    for (metric, value) in [
        ("spend", strip.spend),
        ("impressions", strip.impressions * 1_000_000),
        ("clicks", strip.clicks * 1_000_000),
        ("conversions", strip.conversions),
    ] {
        let tile = overview.kpis.iter().find(|tile| serde_json::to_value(tile.metric).is_ok_and(|word| word == metric));
        let found = tile.and_then(|tile| tile.value).map(|value| value.0);
        ensure!(found == Some(value), "{metric} on the strip is {found:?}, in truth {value}");
    }
    ensure!(
        office.events().iter().any(|event| matches!(event, Event::RunProgress { state: RunState::Done, .. })),
        "no screen was told that a run ended"
    );

    // Once more: nothing changes and nothing doubles.
    let mut rows = Vec::new();
    for connection in &connections {
        let before = office.connection(*connection).await?.rows;
        ensure!(before > 0, "no rows");
        office.sync(*connection).await?;
        let after = office.connection(*connection).await?.rows;
        ensure!(before == after, "{before} rows became {after}");
        rows.push(after);
    }
    for (client, cabinets) in &clients {
        office.is_true(*client, cabinets, from, to).await?;
    }

    // The next day. Long lookback: everything is true again. Short: the days read again are, the others stand as they were read.
    let before = office.stats(short, Level::Campaign, from, to).await?;
    office.advance_days(1);
    for connection in &connections {
        office.sync(*connection).await?;
    }
    let (new_to, new_from) = (today(), days_ago(u64::from(FIRST_LOAD)));
    for (client, cabinets) in [&clients[0], &clients[2]] {
        office.is_true(*client, cabinets, new_from, new_to).await?;
    }
    office.is_true(short, &clients[1].1, days_ago(2), new_to).await?;
    let after = office.stats(short, Level::Campaign, from, days_ago(3)).await?;
    for (was, is) in before.points.iter().zip(&after.points) {
        ensure!(Seen::of(&was.sums) == Seen::of(&is.sums), "{} was not read again and yet changed", was.from);
    }
    ensure!(
        office.is_true(short, &clients[1].1, new_from, new_to).await.is_err(),
        "no conversion came late: the test is blind"
    );

    // Days asked for again are read again, all of them.
    let run = office.start(connections[2], Some((new_from, new_to))).await?;
    let run = office.done(&[run]).await?.remove(0);
    ensure!(run.trigger == RunTrigger::Recollect, "{}", run.trigger);
    office.is_true(short, &clients[1].1, new_from, new_to).await?;

    // Days beyond the attribution window are final, the newest still move.
    let stats = office.stats(own, Level::Campaign, new_from, new_to).await?;
    ensure!(stats.points.first().map(|day| day.state) == Some(DayState::Final), "{:?}", stats.points.first());
    ensure!(stats.points.last().map(|day| day.state) == Some(DayState::Moving), "{:?}", stats.points.last());

    // Offline: the platform is gone, the program starts again, the numbers and "data through" are there.
    let expected = office.overview(new_from, new_to).await?;
    let stood: Vec<_> =
        office.stats(pair, Level::Ad, new_from, new_to).await?.objects.iter().map(|row| Seen::of(&row.sums)).collect();
    office.platform.take().context("the platform")?.stop();
    office.restart().await;
    let status: AppStatus = office.ask("app_status", json!({})).await?;
    ensure!(status.workspace == WorkspaceState::Open, "{status:?}");
    let found = office.overview(new_from, new_to).await?;
    ensure!(found.complete_through == Some(new_to), "{:?}", found.complete_through);
    for (was, is) in expected.kpis.iter().zip(&found.kpis) {
        ensure!(was.value == is.value && was.series == is.series, "{:?} changed by starting again", was.metric);
    }
    let stands: Vec<_> =
        office.stats(pair, Level::Ad, new_from, new_to).await?.objects.iter().map(|row| Seen::of(&row.sums)).collect();
    ensure!(stood == stands, "the objects changed by starting again");

    // And a sync without the platform says so, and takes nothing away.
    let run = office.start(connections[0], None).await?;
    let run = office.ended(run).await?;
    ensure!(run.state == RunState::Failed && code(run.failure.as_ref())? == Code::Offline, "{run:?}");
    let found = office.overview(new_from, new_to).await?;
    for (was, is) in expected.kpis.iter().zip(&found.kpis) {
        ensure!(was.value == is.value, "{:?} changed by a failed run", was.metric);
    }
    let doctor: Value = office.ask("doctor_run", json!({})).await?;
    ensure!(
        // The platform is down, which is just what the doctor has to notice, and nothing else.
        doctor["checks"]
            .as_array()
            .is_some_and(|checks| checks.iter().all(|check| check["fine"] == (check["id"] != "platforms"))),
        "{doctor}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_run_keeps_what_it_committed_and_the_next_one_completes() -> Result<()> {
    let mut office = Office::open(small()).await?;
    let key = office.platform().keys().remove(0);
    let client = office.client("Кофейни Север").await?.id;
    // Names come, numbers hang.
    office.platform().faults().add(Fault::always(FaultKind::Hang).on("statistics/ad_groups"));
    let committed =
        office.connect(&Wish { key: &key, cabinets: &[0], client, first_load_days: 60, lookback_days: 7 }).await?;
    let (connection, run) = (committed.connection_ids[0], committed.run_ids[0]);
    let hanging = async {
        loop {
            let detail = office.run(run).await?;
            if detail.slices.iter().any(|slice| slice.state == SliceState::Running)
                && office.platform().requests().count_of("statistics/ad_groups") > 0
            {
                return anyhow::Ok(detail);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let detail = tokio::time::timeout(Duration::from_mins(1), hanging)
        .await
        .context("the run never got to the hanging report")??;
    let committed_slices = detail.slices.iter().filter(|slice| slice.state == SliceState::Done).count();
    ensure!(committed_slices > 0 && committed_slices < detail.slices.len(), "{:?}", detail.slices);

    // What is new is asked for beside the first load and waits for its slice to end; asking twice answers with it. Other days are refused.
    let second = office.start(connection, None).await?;
    ensure!(second != run && office.start(connection, None).await? == second, "not one run beside the first");
    let other = json!({
        "connection_id": connection, "client_id": null, "range": { "from": days_ago(3), "to": days_ago(2) }, "streams": null,
    });
    ensure!(office.refused("run_start", other).await?.code == Code::AlreadyRunning);
    ensure!(office.run(second).await?.run.state == RunState::Queued);

    let reached = office.platform().requests().count_of("statistics/ad_groups");
    let _: Value = office.ask("run_cancel", json!({ "id": run })).await?;
    let stopped = office.run(run).await?;
    ensure!(stopped.run.state == RunState::Stopped && stopped.run.failure.is_none(), "{:?}", stopped.run);
    // A slice whose rows were on their way to the file may have been committed since: what was there stays.
    let taken_back = detail.slices.iter().zip(&stopped.slices).find(|(before, after)| {
        (&before.stream, before.window) != (&after.stream, after.window)
            || (before.state == SliceState::Done && after.state != SliceState::Done)
    });
    ensure!(taken_back.is_none(), "{taken_back:?}");
    ensure!(stopped.slices.iter().all(|slice| slice.state != SliceState::Failed), "being stopped is not a failure");
    let rows = office.connection(connection).await?.rows;
    ensure!(rows > 0, "what was committed is gone");

    // Quitting in the middle of the next run: it goes on under its own id when the program is back.
    tokio::time::timeout(Duration::from_mins(1), async {
        while office.platform().requests().count_of("statistics/ad_groups") <= reached {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .context("the second run never got to the hanging report")?;
    office.host.shutdown().await;
    office.platform().faults().clear();
    office.restart().await;
    office.done(&[second]).await?;
    // The one after it completes what the stopped first load has left.
    office.sync(connection).await?;
    office.is_true(client, &[key.cabinets[0].id], days_ago(60), days_ago(1)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn windows_are_read_side_by_side_and_each_is_charged_with_its_own() -> Result<()> {
    let office = Office::open(small()).await?;
    let key = office.platform().keys().remove(0);
    let client = office.client("Кофейни Север").await?.id;
    office.platform().faults().add(Fault::always(FaultKind::Slow { millis: 60 }).on("statistics/"));
    let wish = Wish { key: &key, cabinets: &[0], client, first_load_days: 200, lookback_days: 7 };
    let committed = office.connect(&wish).await?;
    let run = office.done(&committed.run_ids).await?.remove(0);
    let detail = office.run(run.id).await?;
    let seen = office.platform().requests().entries();
    let mut reports = 0;
    for slice in &detail.slices {
        let (Some(window), Some(resource)) = (slice.window, slice.stream.strip_suffix("_stats")) else { continue };
        let days = [format!("date_from={}", window.from()), format!("date_to={}", window.to())];
        let path = format!("statistics/{resource}s/day");
        let own = seen.iter().filter(|it| it.path.contains(&path) && days.iter().all(|day| it.query.contains(day)));
        let own = own.count();
        ensure!(own > 0 && usize::try_from(slice.requests)? >= own, "{own} of {slice:?}");
        reports += own;
    }
    ensure!(reports > 6, "{reports} reports in {:?}", detail.slices);
    // Nothing is charged twice: what no slice sent is the sign-in and the platform's own sums.
    let counted: u32 = detail.slices.iter().map(|slice| slice.requests).sum();
    let all = detail.requests.iter().filter(|it| !it.url.contains("token") && !it.url.contains("user")).count();
    ensure!(usize::try_from(counted)? <= detail.requests.len() && usize::try_from(counted)? >= all, "{counted}, {all}");
    // Begun and not yet over, as the log tells it.
    let mut open = 0_i32;
    let steps = detail.log.iter().filter_map(|line| match line.event.as_str() {
        "slice_started" => Some(1),
        "slice_committed" => Some(-1),
        _ => None,
    });
    let most = steps.map(|step| {
        open += step;
        open.abs()
    });
    ensure!(most.max() == Some(3), "one after the other: {:?}", detail.log);
    office.is_true(client, &[key.cabinets[0].id], days_ago(200), days_ago(1)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn seven_days_of_one_stream_are_collected_again_and_nothing_else_is_touched() -> Result<()> {
    let office = Office::open(small()).await?;
    let key = office.platform().keys().remove(0);
    let client = office.client("Кофейни Север").await?.id;
    let wish = Wish { key: &key, cabinets: &[0], client, first_load_days: 40, lookback_days: 7 };
    let committed = office.connect(&wish).await?;
    office.done(&committed.run_ids).await?;
    let connection = committed.connection_ids[0];
    let (from, to) = (days_ago(24), days_ago(18));

    // Before it is started it is told what it takes, learned from the first load.
    let asked = json!({
        "connection_id": connection, "client_id": null, "range": { "from": from, "to": to }, "streams": ["ad_group_stats"],
    });
    let estimate: RunEstimate = office.ask("run_estimate", asked.clone()).await?;
    ensure!(estimate.slices == 1 && estimate.requests.is_some_and(|requests| requests > 0), "{estimate:?}");
    ensure!(estimate.secs.is_some() && estimate.pause_at.is_none(), "{estimate:?}");

    let whole = || async {
        let mut all = Vec::new();
        for level in [Level::Campaign, Level::AdGroup, Level::Ad] {
            all.push(serde_json::to_value(office.stats(client, level, days_ago(40), days_ago(1)).await?)?);
        }
        anyhow::Ok(all)
    };
    let strip = || async {
        let board: SyncBoard = office.ask("syncs_board", json!({ "client_id": null, "days": 40 })).await?;
        anyhow::Ok(board.strips.into_iter().next().context("a strip")?.cells)
    };
    let (numbers, days) = (whole().await?, strip().await?);
    office.clock.advance(Duration::from_mins(90));
    office.platform().requests().clear();
    let started: RunStarted = office.ask("run_start", asked).await?;
    let run = office.done(&started.run_ids).await?.remove(0);

    // What the platform saw: reports of this one resource for these days, and what leads there (the sign-in, the list of ids).
    let seen = office.platform().requests().entries();
    let reports: Vec<_> = seen.iter().filter(|request| request.path.contains("/statistics/")).collect();
    ensure!(!reports.is_empty(), "nothing was asked for");
    for request in &reports {
        ensure!(request.path.contains("statistics/ad_groups/day"), "another resource: {request:?}");
        let has = |part: String| request.query.contains(&part);
        ensure!(has(format!("date_from={from}")) && has(format!("date_to={to}")), "other days: {request:?}");
    }
    let beside = seen.iter().filter(|request| !request.path.contains("/statistics/"));
    for request in beside {
        ensure!(
            request.path.contains("token") || request.path.contains("v2/ad_groups"),
            "another resource: {request:?}"
        );
    }
    let detail = office.run(run.id).await?;
    ensure!(detail.slices.iter().all(|slice| slice.stream == "ad_group_stats"), "{:?}", detail.slices);
    ensure!(run.streams == Some(vec!["ad_group_stats".to_owned()]), "{:?}", run.streams);

    // What the database shows: the same numbers at every level, and only these days read again, by one stream.
    ensure!(whole().await? == numbers, "numbers moved");
    for (before, after) in days.iter().zip(strip().await?) {
        if before.date < from || before.date > to {
            ensure!(serde_json::to_value(before)? == serde_json::to_value(&after)?, "{before:?} became {after:?}");
        } else {
            ensure!(after.reads == before.reads + 1 && after.read_at > before.read_at, "{before:?} became {after:?}");
            ensure!((after.rows, after.state) == (before.rows, before.state), "{before:?} became {after:?}");
        }
    }
    office.is_true(client, &[key.cabinets[0].id], days_ago(40), days_ago(1)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_is_shown_as_soon_as_it_is_set_and_one_that_cannot_be_kept_is_refused() -> Result<()> {
    let office = Office::open(small()).await?;
    let key = office.platform().keys().remove(0);
    let client = office.client("Кофейни Север").await?.id;
    let committed =
        office.connect(&Wish { key: &key, cabinets: &[0], client, first_load_days: 3, lookback_days: 3 }).await?;
    let id = committed.connection_ids[0];
    let update = |schedule: Value| json!({ "id": id, "streams": null, "lookbacks": null, "vat": null, "schedule": schedule, "paused": null });
    for schedule in [
        json!({ "kind": "hourly", "every": 5 }),
        json!({ "kind": "daily", "at": "06:00", "days": [] }),
        json!({ "kind": "cron", "expression": "* * * * *" }),
    ] {
        let refusal = office.refused("connection_update", update(schedule.clone())).await?;
        ensure!(
            refusal.code == Code::SettingInvalid && refusal.params["field"] == "schedule",
            "{schedule}: {refusal:?}"
        );
    }
    let hourly: ConnectionDetail =
        office.ask("connection_update", update(json!({ "kind": "hourly", "every": 1 }))).await?;
    let next = hourly.connection.next_at.context("the next sync is not shown")?;
    let ahead = (next - office.options().clock.now()).num_minutes();
    ensure!((0..=65).contains(&ahead), "the next sync of an hourly schedule is {ahead} minutes ahead");
    let status: AppStatus = office.ask("app_status", json!({})).await?;
    ensure!(status.next_sync_at == Some(next), "{status:?}");
    let by_hand: ConnectionDetail = office.ask("connection_update", update(json!({ "kind": "off" }))).await?;
    ensure!(by_hand.connection.next_at.is_none(), "{by_hand:?}");
    ensure!(by_hand.settings.schedule == Schedule::Off, "{by_hand:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_stream_is_read_again_as_far_as_it_is_set_and_once_a_week_further() -> Result<()> {
    let office = Office::open(small()).await?;
    let key = office.platform().keys().remove(0);
    let client = office.client("Кофейни Север").await?.id;
    let committed =
        office.connect(&Wish { key: &key, cabinets: &[0], client, first_load_days: 40, lookback_days: 7 }).await?;
    office.done(&committed.run_ids).await?;
    let id = committed.connection_ids[0];
    let update = |lookbacks: Value| json!({ "id": id, "streams": null, "lookbacks": lookbacks, "vat": null, "schedule": null, "paused": null });
    let own = json!({
        "ad_plan_stats": { "days": 3, "weekly_days": 20 },
        // Once a week it is no less than every time, and never more than the platform has.
        "ad_group_stats": { "days": 12, "weekly_days": 5 },
    });
    let detail: ConnectionDetail = office.ask("connection_update", update(own)).await?;
    ensure!(detail.settings.lookbacks["ad_group_stats"] == Lookback { days: 12, weekly_days: 12 }, "{detail:?}");
    for stranger in ["ad_plans", "nothing"] {
        let refused =
            office.refused("connection_update", update(json!({ stranger: { "days": 1, "weekly_days": 1 } }))).await?;
        ensure!(refused.code == Code::BadRequest, "{stranger}: {refused:?}");
    }
    ensure!(office.connection(id).await?.settings.lookbacks == detail.settings.lookbacks, "a refused change was made");

    // What is read of each stream: in the week after the first load, on its eighth day, the day after that, and as the platform suggests.
    let read = async |days: u32| -> Result<BTreeMap<String, u32>> {
        office.advance_days(days);
        let run = office.sync(id).await?;
        let mut read = BTreeMap::<String, u32>::new();
        for slice in office.run(run.id).await?.slices {
            if let Some(window) = slice.window {
                *read.entry(slice.stream).or_default() += window.len();
            }
        }
        Ok(read)
    };
    let expected = |plan, group, banner| {
        BTreeMap::from([
            ("ad_plan_stats".to_owned(), plan),
            ("ad_group_stats".to_owned(), group),
            ("banner_stats".to_owned(), banner),
        ])
    };
    for (what, days, days_read) in [
        ("an ordinary day", 1, expected(3, 12, 7)),
        ("a week later", 7, expected(20, 12, 30)),
        ("the day after", 1, expected(3, 12, 7)),
    ] {
        let found = read(days).await?;
        ensure!(found == days_read, "{what}: {found:?}");
    }
    let detail: ConnectionDetail = office.ask("connection_update", update(json!({}))).await?;
    ensure!(detail.settings.lookbacks.is_empty(), "{detail:?}");
    let found = read(1).await?;
    ensure!(found == expected(7, 7, 7), "as the platform suggests: {found:?}");
    // Ten days have passed, and the last seven of them were read just now.
    office.is_true(client, &[key.cabinets[0].id], today() + Days::new(3), today() + Days::new(9)).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_of_a_quota_is_shown_and_survives_a_restart() -> Result<()> {
    let mut office = Office::open(small()).await?;
    let key = office.platform().keys().remove(0);
    let client = office.client("Кофейни Север").await?.id;
    let committed =
        office.connect(&Wish { key: &key, cabinets: &[0], client, first_load_days: 3, lookback_days: 3 }).await?;
    office.done(&committed.run_ids).await?;
    let quota = office.connection(committed.connection_ids[0]).await?.quota;
    let of = |period: i64| quota.iter().filter(move |window| window.period_secs == period);
    ensure!(of(3_600).count() > 0 && of(86_400).count() > 0 && of(1).count() == 0, "{quota:?}");
    ensure!(quota.iter().all(|window| window.used > 0 && window.used < window.limit), "{quota:?}");
    office.restart().await;
    let after = office.connection(committed.connection_ids[0]).await?.quota;
    ensure!(format!("{after:?}") == format!("{quota:?}"), "before {quota:?}, after {after:?}");
    office.advance_days(2);
    let later = office.connection(committed.connection_ids[0]).await?.quota;
    ensure!(later.is_empty(), "windows that have ended are shown: {later:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_sign_in_waits_for_a_person_and_goes_on_after_it() -> Result<()> {
    let office = Office::open(small()).await?;
    let keys = office.platform().keys();
    let client = office.client("Кофейни Север").await?.id;
    let (from, to) = (days_ago(60), days_ago(1));
    let committed =
        office.connect(&Wish { key: &keys[0], cabinets: &[0], client, first_load_days: 60, lookback_days: 60 }).await?;
    let connection = committed.connection_ids[0];
    office.done(&committed.run_ids).await?;
    let before = Seen::of(&office.stats(client, Level::Campaign, from, to).await?.total);

    // Taken back in the middle of a run.
    office.platform().faults().add(Fault::once(FaultKind::RevokeToken).on("statistics/").after(1));
    let run = office.start(connection, None).await?;
    let run = office.ended(run).await?;
    ensure!(run.state == RunState::Failed, "{run:?}");
    let failure = run.failure.context("why it failed")?;
    ensure!(failure.code == Code::SignInRevoked && failure.params.contains_key("account"), "{failure:?}");
    ensure!(
        Seen::of(&office.stats(client, Level::Campaign, from, to).await?.total) == before,
        "the old numbers changed"
    );

    // Everything says who has to do what; nothing runs in the meantime.
    let row = office.connection(connection).await?.connection;
    ensure!(
        row.state == ConnectionState::SignInNeeded && code(row.failure.as_ref())? == Code::SignInRevoked,
        "{row:?}"
    );
    let overview = office.overview(from, to).await?;
    let need = overview.needs.first().context("nothing needs a person")?;
    ensure!(need.action == NeedAction::SignIn && need.connection_id == connection, "{need:?}");
    let start = json!({ "connection_id": connection, "client_id": null, "range": null });
    ensure!(office.refused("run_start", start).await?.code == Code::SignInRejected);
    let everything: RunStarted =
        office.ask("run_start", json!({ "connection_id": null, "client_id": null, "range": null })).await?;
    ensure!(everything.run_ids.is_empty(), "a connection that needs a sign-in was started");

    // Another agency's key is valid and still does not see this cabinet.
    let commit = |draft: &api::wire::Draft| json!({ "draft_id": draft.id, "picks": [], "streams": [], "lookbacks": {}, "first_load_days": 90, "vat": "unknown" });
    let foreign = office.tested(&keys[1], Some(connection)).await?;
    ensure!(foreign.state == DraftState::Ready, "{foreign:?}");
    ensure!(office.refused("draft_commit", commit(&foreign)).await?.code == Code::PermissionDenied);
    let row = office.connection(connection).await?.connection;
    ensure!(row.state == ConnectionState::SignInNeeded, "a key that does not see the cabinet mended it: {row:?}");
    // A wrong secret fails in its step and changes nothing.
    let mut wrong = keys[0].clone();
    wrong.client_secret = "not-the-secret".to_owned();
    let failed = office.tested(&wrong, Some(connection)).await?;
    ensure!(failed.state == DraftState::Failed, "{failed:?}");
    let step = failed.steps.iter().find_map(|step| step.failure.as_ref());
    ensure!(code(step)? == Code::SignInRejected, "{failed:?}");

    // The right one mends it.
    office.advance_days(1);
    let draft = office.tested(&keys[0], Some(connection)).await?;
    ensure!(draft.state == DraftState::Ready, "{draft:?}");
    let again: api::wire::DraftCommitted = office.ask("draft_commit", commit(&draft)).await?;
    ensure!(again.connection_ids == [connection], "signing in again made another connection: {again:?}");
    office.done(&again.run_ids).await?;
    let detail = office.connection(connection).await?;
    ensure!(detail.connection.state == ConnectionState::Active && detail.connection.failure.is_none(), "{detail:?}");
    ensure!(
        detail.settings.lookbacks.values().all(|own| own.days == 60) && detail.settings.lookbacks.len() == 3,
        "signing in again changed the settings"
    );
    office.is_true(client, &[keys[0].cabinets[0].id], days_ago(60), today()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_that_vanish_from_the_platform_keep_their_names_and_numbers() -> Result<()> {
    let office = Office::open(small()).await?;
    let key = office.platform().keys().remove(0);
    let client = office.client("Кофейни Север").await?.id;
    let committed =
        office.connect(&Wish { key: &key, cabinets: &[0], client, first_load_days: 60, lookback_days: 3 }).await?;
    office.done(&committed.run_ids).await?;
    let names = async || -> Result<Vec<(String, String)>> {
        let stats = office.stats(client, Level::Campaign, days_ago(60), days_ago(4)).await?;
        Ok(stats.objects.into_iter().map(|row| (row.external_id, row.name)).collect())
    };
    let before = names().await?;
    ensure!(before.iter().any(|(id, name)| id != name), "no campaign has a name");
    // The platform no longer lists a single object.
    for list in ["ad_plans.json", "ad_groups.json", "banners.json"] {
        office.platform().faults().add(Fault::always(FaultKind::EmptyAccount).on(list));
    }
    let run = office.start(committed.connection_ids[0], None).await?;
    let run = office.ended(run).await?;
    ensure!(matches!(run.state, RunState::Done | RunState::DoneWithRemarks | RunState::Failed), "{run:?}");
    ensure!(names().await? == before, "names or numbers of vanished campaigns are gone");
    office.platform().faults().clear();
    office.sync(committed.connection_ids[0]).await?;
    office.is_true(client, &[key.cabinets[0].id], days_ago(60), days_ago(1)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_stands_in_for_a_platform_that_is_down() -> Result<()> {
    let office = Office::open(small()).await?;
    let client = office.client("Дом и сад").await?.id;
    let open = async |name: &str, bytes: &[u8]| -> Result<ImportPreview> {
        office.ask("import_open", json!({ "name": name, "content_base64": STANDARD.encode(bytes) })).await
    };
    let check = |preview: &ImportPreview, source: &str| {
        // The guess, and one correction by the person: a column with words in it is not taken for clicks by itself.
        let meant =
            |column: &ImportColumn| if column.header == "Клики" { ImportField::Clicks } else { column.guess };
        let fields: Vec<ImportField> = preview.columns.iter().map(meant).collect();
        json!({
            "upload_id": preview.upload_id, "client_id": client, "connector": "file_import", "source_name": source,
            "fields": fields, "currency": "RUB", "vat": "included",
        })
    };

    // Windows-1251, semicolons, decimal commas, a bad row: what a Russian Excel writes.
    let text = "Дата;Кампания;Показы;Клики;Расход;Конверсии\n\
                01.11.2026;Зима;1 000;10;1 234,56;2\n\
                02.11.2026;Зима;2000;20;100,00;0\n\
                02.11.2026;Лето;500;пять;50,00;1\n\
                03.11.2026;Лето;700;7;70,07;1,5\n";
    let mut bytes = Vec::new();
    for c in text.chars() {
        bytes.push(match c {
            'А'..='я' => u8::try_from(u32::from(c) - 0x410 + 0xC0)?,
            c => u8::try_from(u32::from(c))?,
        });
    }
    let preview = open("отчёт.csv", &bytes).await?;
    ensure!(preview.delimiter.as_deref() == Some(";") && preview.decimal_comma && preview.rows == 4, "{preview:?}");
    let request = check(&preview, "Яндекс Директ");
    let checked: ImportChecked = office.ask("import_check", request.clone()).await?;
    ensure!((checked.good, checked.bad, checked.replaces) == (3, 1, 0), "{checked:?}");
    ensure!(checked.bad_rows.first().and_then(|row| row.line) == Some(4), "{:?}", checked.bad_rows);
    ensure!(checked.spend.map(|spend| spend.0) == Some(1_404_630_000), "{checked:?}");
    let total = async || -> Result<Seen> {
        Ok(Seen::of(&office.stats(client, Level::Campaign, days_ago(30), days_ago(1)).await?.total))
    };
    ensure!(total().await? == Seen::default(), "checking wrote something");
    let commit = json!({ "check": request });
    let started: RunStarted = office.ask("import_commit", commit.clone()).await?;
    let run = office.ended(started.run_ids[0]).await?;
    ensure!(run.state == RunState::DoneWithRemarks && run.trigger == RunTrigger::Import, "{run:?}");
    let expected = Seen { impressions: 3_700, clicks: 37, spend: 1_404_630_000, conversions: 3_500_000 };
    ensure!(total().await? == expected, "{:?}", total().await?);
    let detail = office.run(run.id).await?;
    ensure!(detail.quarantine.iter().map(|group| group.count).sum::<u32>() == 1, "{:?}", detail.quarantine);

    // The same file again changes nothing and says before what it replaces.
    let checked: ImportChecked = office.ask("import_check", request).await?;
    ensure!(checked.replaces == 3, "{checked:?}");
    let _: RunStarted = office.ask("import_commit", commit).await?;
    ensure!(total().await? == expected, "the file counts twice");

    // A corrected day replaces that day alone.
    let preview = open(
        "day.csv",
        "date,campaign,impressions,clicks,cost,conversions\n2026-11-02,Зима,2000,21,110.00,3\n".as_bytes(),
    )
    .await?;
    let _: RunStarted = office.ask("import_commit", json!({ "check": check(&preview, "Яндекс Директ") })).await?;
    let expected = Seen { clicks: 38, spend: 1_414_630_000, conversions: 6_500_000, ..expected };
    ensure!(total().await? == expected, "{:?} against {expected:?}", total().await?);
    let clients: ClientDetail = office.ask("client_get", json!({ "id": client })).await?;
    ensure!(clients.connections.len() == 1, "files of one source are one connection: {clients:?}");

    // The next file of this source needs no mapping: what was agreed holds, corrections included, in whatever order the columns are.
    let preview =
        open("day.csv", "clicks,date,campaign,impressions,cost,conversions\n9,2026-11-04,Зима,1,1,1\n".as_bytes())
            .await?;
    let known = preview.known.first().context("the source is known by its headers")?;
    ensure!((known.client_id, known.source_name.as_str()) == (client, "Яндекс Директ"), "{known:?}");
    ensure!(known.fields.first() == Some(&ImportField::Clicks) && known.vat == VatState::Included, "{known:?}");
    let preview = open("day.csv", "date,campaign,clicks\n2026-11-04,Зима,1\n".as_bytes()).await?;
    ensure!(preview.known.is_empty(), "a file with other headers is nobody's: {:?}", preview.known);

    // What is not a table is refused in words.
    let refusal = office
        .refused(
            "import_open",
            json!({ "name": "x.xlsx", "content_base64": STANDARD.encode(b"PK\x03\x04 not a workbook") }),
        )
        .await?;
    ensure!(refusal.code == Code::FileFormat, "{refusal:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_system_without_an_interface_is_read_by_its_preset() -> Result<()> {
    let office = Office::open(small()).await?;
    let client = office.client("Дом и сад").await?.id;
    let text = "День;Кампания;Показы;Переходы;Бюджет;Расход\n01.11.2026;Зима;1000;10;90000;1234,56\n";
    let open =
        |system: &str| json!({ "name": "отчёт.csv", "content_base64": STANDARD.encode(text), "connector": system });
    for system in ["mts_rtb", "roxot", "gnezdo", "weborama", "trackad"] {
        let preview: ImportPreview = office.ask("import_open", open(system)).await?;
        let meant: Vec<_> = preview.columns.iter().map(|column| column.guess).collect();
        ensure!(meant.contains(&ImportField::Date) && meant[4] == ImportField::Ignore, "{system}: {meant:?}");
        let mut fields = meant.clone();
        // What the preset does not guess, the person says.
        fields[3] = ImportField::Clicks;
        fields[5] = ImportField::Cost;
        let check = |vat: &str| {
            json!({ "check": {
                "upload_id": preview.upload_id, "client_id": client, "connector": system, "source_name": "Кабинет",
                "fields": fields, "currency": "RUB", "vat": vat,
            } })
        };
        let refusal = office.refused("import_commit", check("unknown")).await?;
        ensure!(refusal.code == Code::SettingInvalid && refusal.params["field"] == "vat", "{system}: {refusal:?}");
        let _: RunStarted = office.ask("import_commit", check("excluded")).await?;
        let again: ImportPreview = office.ask("import_open", open(system)).await?;
        let known = again.known.first().context("its next file is known")?;
        ensure!(again.known.len() == 1 && known.connector == system && known.fields == fields, "{system}: {known:?}");
        ensure!(known.vat == VatState::Excluded, "{system}: {known:?}");
    }
    // Without a system that was named, all five are the file's possible sources: the person says which.
    let any: ImportPreview =
        office.ask("import_open", json!({ "name": "отчёт.csv", "content_base64": STANDARD.encode(text) })).await?;
    ensure!(any.known.len() == 5, "{:?}", any.known);
    let clients: ClientDetail = office.ask("client_get", json!({ "id": client })).await?;
    ensure!(clients.connections.len() == 5, "each system is a connection of its own: {clients:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_client_is_gone_and_its_credentials_open_nowhere() -> Result<()> {
    let office = Office::open(small()).await?;
    let keys = office.platform().keys();
    let (gone, stays) = (office.client("Уходящий").await?, office.client("Остаётся").await?);
    let wish = |key, client| Wish { key, cabinets: &[0], client, first_load_days: 30, lookback_days: 7 };
    let first = office.connect(&wish(&keys[0], gone.id)).await?;
    let second = office.connect(&wish(&keys[1], stays.id)).await?;
    office.done(&first.run_ids).await?;
    office.done(&second.run_ids).await?;
    let (dead, alive) = (first.connection_ids[0], second.connection_ids[0]);

    // A thief or a backup has the vault's file from before.
    let workspace: Value = serde_json::from_slice(&std::fs::read(office.dir().join("workspace.json"))?)?;
    let workspace: WorkspaceId = serde_json::from_value(workspace["id"].clone())?;
    let copy = office.folder.path().join("vault.before");
    std::fs::copy(office.dir().join("vault.sealed"), &copy)?;

    let mistyped = json!({ "id": gone.id, "confirm_name": "Уходящи" });
    ensure!(office.refused("client_delete", mistyped).await?.code == Code::SettingInvalid);
    let deleted: ClientDeleted =
        office.ask("client_delete", json!({ "id": gone.id, "confirm_name": gone.name })).await?;
    ensure!(deleted.connections == 1 && deleted.rows > 0, "{deleted:?}");
    for (command, request) in [
        ("client_get", json!({ "id": gone.id })),
        ("connection_get", json!({ "id": dead })),
        ("run_get", json!({ "id": first.run_ids[0] })),
    ] {
        ensure!(office.refused(command, request).await?.code == Code::NotFound, "{command} still finds it");
    }
    office.is_true(stays.id, &[keys[1].cabinets[0].id], days_ago(30), days_ago(1)).await?;
    office.sync(alive).await?;
    office.host.shutdown().await;

    // Neither the present vault nor the old copy gives the credential back: the key it was sealed with does not exist any more.
    let (present, store) = office.offline().await?;
    let passphrase = Secret::new(PASSPHRASE);
    let before = Vault::new(Arc::new(PassphraseFile::open(&copy, &passphrase)?), workspace);
    ensure!(!present.present(dead)? && present.present(alive)?, "the vault forgot the wrong one");
    ensure!(before.present(dead)?, "the copy never held it: the test is blind");
    ensure!(store.client_key(gone.id).await?.is_none(), "the sealing key is still there");
    let left = store.sign_ins().await?;
    ensure!(left.len() == 1, "the sign-in of the deleted client is still there: {left:?}");
    let keys = store.sign_in_keys(left[0].id).await?;
    ensure!(keys.iter().all(|key| key.client_id == stays.id), "a deleted client still has a way in");
    let other = store.client_key(stays.id).await?.context("the other client's key")?;
    let other = ClientKey::from_bytes(other.try_into().map_err(|_| anyhow::anyhow!("a key of another length"))?);
    ensure!(before.open(&other, stays.id, alive)?.is_some(), "the other client's credential must still open");
    for key in [ClientKey::generate()?, other] {
        ensure!(before.open(&key, gone.id, dead).is_err(), "a shredded credential opened");
    }
    store.close().await;
    Ok(())
}
