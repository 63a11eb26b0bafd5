//! What a platform's answers really contain: a change of their form is told once and loses nothing, what went to quarantine heals when it
//! is read again, and a day whose rows are not what the platform says in sum is told within the run.

use crate::harness::{Office, Wish, days_ago, small};
use anyhow::{Context, Result, ensure};
use api::wire::{
    AlertRow, Alerts, DayCell, DriftDecided, DriftRow, ExportedFile, OpenQuarantine, RunStarted, SyncBoard,
};
use model::{
    ad::RejectReason,
    alert::{AlertAction, AlertKind, AlertState},
    id::{ClientId, ConnectionId},
    run::{DayState, RunState},
    shape::DriftKind,
};
use serde_json::json;
use simulators::{
    faults::{Fault, FaultKind},
    vk_ads::Key,
};
use std::time::Duration;

const DAYS: u32 = 12;

/// Two cabinets of one client, read once.
struct Desk {
    office: Office,
    key: Key,
    client: ClientId,
    connections: Vec<ConnectionId>,
}

impl Desk {
    /// `faults` strike the first sync already.
    async fn open(faults: Vec<Fault>) -> Result<Self> {
        let office = Office::open(small()).await?;
        let key = office.platform().keys().remove(0);
        let client = office.client("Кофейни Север").await?.id;
        for fault in faults {
            office.platform().faults().add(fault);
        }
        let wish = Wish { key: &key, cabinets: &[0, 1], client, first_load_days: DAYS, lookback_days: DAYS };
        let committed = office.connect(&wish).await?;
        for run in &committed.run_ids {
            office.ended(*run).await?;
        }
        Ok(Self { office, key, client, connections: committed.connection_ids })
    }

    async fn drifts(&self) -> Result<Vec<DriftRow>> {
        self.office.ask("drift_list", json!({ "connection_id": null, "all": false })).await
    }

    /// Open alerts of a kind, each with what it says.
    async fn alerts(&self, kind: AlertKind) -> Result<Vec<AlertRow>> {
        let alerts: Alerts = self.office.ask("alerts_list", json!({ "client_id": null })).await?;
        let rows = alerts.groups.into_iter().flat_map(|group| group.alerts);
        Ok(rows.filter(|row| row.kind == kind && row.state == AlertState::Open).collect())
    }

    /// Syncs both connections, to whatever good end.
    async fn sync(&self) -> Result<()> {
        for connection in &self.connections {
            let run = self.office.start(*connection, None).await?;
            let ended = self.office.ended(run).await?;
            ensure!(matches!(ended.state, RunState::Done | RunState::DoneWithRemarks), "{ended:?}");
        }
        Ok(())
    }

    async fn is_true(&self) -> Result<()> {
        let cabinets = [self.key.cabinets[0].id, self.key.cabinets[1].id];
        self.office.is_true(self.client, &cabinets, days_ago(u64::from(DAYS)), days_ago(1)).await
    }

    async fn quarantine(&self, reason: Option<RejectReason>) -> Result<OpenQuarantine> {
        let request = json!({ "connection_id": self.connections[0], "reason": reason, "skip": 0, "limit": 3 });
        self.office.ask("quarantine_open", request).await
    }

    /// The days of the first connection.
    async fn cells(&self) -> Result<Vec<DayCell>> {
        let board: SyncBoard = self.office.ask("syncs_board", json!({ "client_id": null, "days": DAYS })).await?;
        let strip = board.strips.into_iter().find(|strip| strip.connection.id == self.connections[0]);
        Ok(strip.context("no strip")?.cells)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_form_is_told_once_and_no_row_is_lost() -> Result<()> {
    let anew = |kind, on: &str| Fault::always(kind).on(on);
    let field = |name: &str| name.to_owned();
    for (what, fault, kind, path, before, after, accept) in [
        (
            "a new field",
            anew(FaultKind::NewFields, "ad_plans.json"),
            DriftKind::NewField,
            "brand_new_member",
            "",
            "list",
            true,
        ),
        (
            "a removed field",
            anew(FaultKind::MissingField { field: field("cpm") }, "statistics/ad_plans"),
            DriftKind::RemovedField,
            "base.cpm",
            "text",
            "",
            false,
        ),
        (
            "another type",
            anew(FaultKind::OtherType { field: field("cpc") }, "statistics/ad_groups"),
            DriftKind::ChangedType,
            "base.cpc",
            "text",
            "whole",
            true,
        ),
        (
            "a new word",
            anew(FaultKind::UnknownEnum, "banners.json"),
            DriftKind::NewValue,
            "status",
            "active, blocked, deleted",
            "quantum_paused",
            true,
        ),
    ] {
        let desk = Desk::open(vec![]).await?;
        ensure!(desk.drifts().await?.is_empty(), "{what}: the first sync only learns: {:?}", desk.drifts().await?);
        desk.sync().await?;
        ensure!(desk.drifts().await?.is_empty(), "{what}: nothing has changed: {:?}", desk.drifts().await?);
        desk.office.platform().faults().add(fault);
        for round in ["met", "met again"] {
            desk.sync().await?;
            let found = desk.drifts().await?;
            ensure!(found.len() == 1, "{what}, {round}: {found:?}");
            let row = &found[0];
            ensure!(row.kind == kind && row.path == path && row.after == after, "{what}, {round}: {row:?}");
            ensure!(row.before == before, "{what}, {round}: {row:?}");
            ensure!(row.connections.len() == 2 && row.records > 0, "{what}, {round}: one line for both: {row:?}");
            desk.is_true().await.with_context(|| format!("{what}, {round}"))?;
            let told = desk.alerts(AlertKind::SchemaDrift).await?;
            ensure!(told.len() == 2 && told.iter().all(|it| it.action == AlertAction::OpenDrift), "{what}: {told:?}");
            ensure!(told.iter().all(|it| it.params["changes"] == "1"), "{what}, {round}: {told:?}");
        }
        let numbers: Vec<i32> = desk.drifts().await?.into_iter().flat_map(|row| row.numbers).collect();
        let request = json!({ "numbers": numbers, "accept": accept });
        let decided: DriftDecided = desk.office.ask("drift_decide", request).await?;
        ensure!(decided.connections == 2, "{what}: {decided:?}");
        ensure!(desk.drifts().await?.is_empty(), "{what} is decided");
        ensure!(desk.alerts(AlertKind::SchemaDrift).await?.is_empty(), "{what}: nobody is asked any more");
        desk.sync().await?;
        ensure!(desk.drifts().await?.is_empty(), "{what} is decided for good: {:?}", desk.drifts().await?);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_comes_back_settles_itself() -> Result<()> {
    let desk = Desk::open(vec![]).await?;
    desk.office.platform().faults().add(Fault::always(FaultKind::MissingField { field: "cpm".to_owned() }));
    desk.sync().await?;
    ensure!(desk.drifts().await?.len() == 3, "one for each level: {:?}", desk.drifts().await?);
    desk.office.platform().faults().clear();
    desk.sync().await?;
    ensure!(desk.drifts().await?.is_empty(), "{:?}", desk.drifts().await?);
    ensure!(desk.alerts(AlertKind::SchemaDrift).await?.is_empty(), "the alert settles with it");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn quarantine_heals_when_its_days_are_read_again() -> Result<()> {
    let garbage = Fault::always(FaultKind::GarbageNumbers).on("statistics/ad_plans");
    let desk = Desk::open(vec![garbage]).await?;
    let open = desk.quarantine(None).await?;
    ensure!(open.total > 0 && open.rows.len() == 3, "{open:?}");
    ensure!(open.reasons.len() == 1 && open.reasons[0].reason == RejectReason::NotANumber, "{:?}", open.reasons);
    let row = &open.rows[0].row;
    ensure!(row.value == "много" && row.raw.contains("много") && row.date.is_some(), "{row:?}");
    ensure!(desk.quarantine(Some(RejectReason::Negative)).await?.total == 0, "another reason");
    let cells = desk.cells().await?;
    ensure!(cells.iter().all(|cell| cell.state == DayState::Partial && cell.rejected > 0), "days lack rows: {cells:?}");
    for (kind, lines) in [("csv", open.total + 1), ("json", open.total)] {
        let request = json!({ "connection_id": desk.connections[0], "reason": null, "kind": kind });
        let file: ExportedFile = desk.office.ask("quarantine_export", request).await?;
        ensure!(file.content.matches("not_a_number").count() == open.total as usize, "{kind}");
        if kind == "json" {
            ensure!(file.content.lines().count() == lines as usize, "{}", file.name);
        }
    }
    // While the platform is wrong, trying again changes nothing and doubles nothing.
    let retry = || async {
        let started: RunStarted = desk.office.ask("quarantine_retry", json!({ "id": desk.connections[0] })).await?;
        desk.office.ended(started.run_ids[0]).await
    };
    let run = retry().await?;
    ensure!(run.state == RunState::DoneWithRemarks, "{run:?}");
    ensure!(desk.quarantine(None).await?.total == open.total, "{:?}", desk.quarantine(None).await?);
    desk.office.platform().faults().clear();
    let run = retry().await?;
    ensure!(run.state == RunState::Done, "{run:?}");
    ensure!(desk.quarantine(None).await?.total == 0, "{:?}", desk.quarantine(None).await?);
    let cells = desk.cells().await?;
    ensure!(cells.iter().all(|cell| cell.state != DayState::Partial && cell.rejected == 0), "{cells:?}");
    desk.sync().await?;
    desk.is_true().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_that_is_not_the_platforms_is_told_and_collecting_again_repairs_it() -> Result<()> {
    let desk = Desk::open(vec![]).await?;
    let (office, connection) = (&desk.office, desk.connections[0]);
    let differ =
        |cells: &[DayCell]| cells.iter().filter(|cell| cell.totals.as_ref().is_some_and(|it| it.differ)).count();
    let cells = desk.cells().await?;
    ensure!(cells.iter().all(|cell| cell.totals.is_some()) && differ(&cells) == 0, "{cells:?}");
    // Days that lost what they had, or are far from usual, would be told for that, and each day is told once.
    for kind in ["shrunk_day", "unusual_volume"] {
        let rules: serde_json::Value = office.ask("alert_rules_get", json!({})).await?;
        let row = rules.as_array().into_iter().flatten().find(|row| row["rule"]["kind"] == kind).context("the rule")?;
        let mut rule = row["rule"].clone();
        rule["enabled"] = json!(false);
        let _: serde_json::Value = office.ask("alert_rules_update", rule).await?;
    }
    let asked = office.platform().requests().count_of("statistics/users");
    let lost = office.platform().faults().add(Fault::always(FaultKind::LostRows).on("statistics/ad_plans"));
    let run = office.sync(connection).await?;
    ensure!(office.platform().faults().struck(lost).is_some_and(|struck| struck > 0), "the fault never struck");
    ensure!(office.platform().requests().count_of("statistics/users") == asked + 1, "one request for the sums");
    let cells = desk.cells().await?;
    ensure!(differ(&cells) > 0, "{cells:?}");
    let worst = cells.iter().filter_map(|cell| cell.totals.as_ref()).find(|it| it.differ).context("a day")?;
    ensure!(worst.spend < worst.their_spend || worst.impressions < worst.their_impressions, "{worst:?}");
    let log = office.run(run.id).await?.log;
    ensure!(log.iter().filter(|line| line.event == "totals_differ").count() == differ(&cells), "{log:?}");
    let told = desk.alerts(AlertKind::TotalsDiffer).await?;
    let days: u32 = told.iter().filter_map(|it| it.days).map(|days| days.len()).sum();
    ensure!(days as usize == differ(&cells), "{told:?} of {cells:?}");
    ensure!(told.iter().all(|it| it.connection_id == connection && it.action == AlertAction::Recollect), "{told:?}");
    ensure!(told.iter().all(|it| it.params["ours"] != it.params["theirs"]), "{told:?}");
    // The next sync finds the same, and nobody is told twice.
    office.sync(connection).await?;
    let again = desk.alerts(AlertKind::TotalsDiffer).await?;
    ensure!(told.iter().map(|it| it.id).eq(again.iter().map(|it| it.id)), "{told:?} {again:?}");
    office.platform().faults().clear();
    let run = office.start(connection, Some((days_ago(u64::from(DAYS)), days_ago(1)))).await?;
    office.done(&[run]).await?;
    let cells = desk.cells().await?;
    ensure!(cells.iter().all(|cell| cell.totals.is_some()) && differ(&cells) == 0, "{cells:?}");
    ensure!(desk.alerts(AlertKind::TotalsDiffer).await?.is_empty(), "collected again, they are alike");
    office.clock.advance(Duration::from_hours(1));
    // Sums that cannot be had end no run, and say nothing about rows that were read since.
    office.platform().faults().add(Fault::always(FaultKind::ServerError { status: 500 }).on("statistics/users"));
    office.sync(connection).await?;
    ensure!(desk.cells().await?.iter().all(|cell| cell.totals.is_none()), "old sums prove nothing about new rows");
    desk.is_true().await
}
