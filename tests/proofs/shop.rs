//! One connection with healthy data, to which everything happens: what is shown of it, what is true of it, and bringing it back in order.

use crate::harness::{Office, Seen, Wish};
use anyhow::{Context, Result, ensure};
use api::wire::{DraftCommitted, DraftState};
use chrono::{Days, NaiveDate};
use model::{
    ad::Level,
    connection::ConnectionState,
    failure::Code,
    id::{ClientId, ConnectionId, RunId},
    run::RunState,
};
use serde_json::{Value, json};
use simulators::vk_ads::Key;
use std::collections::BTreeMap;

pub struct Shop {
    pub office: Office,
    pub client: ClientId,
    pub connection: ConnectionId,
    pub key: Key,
    /// The day it is there.
    pub today: NaiveDate,
    /// Days that the connection has, all of them read again by every run.
    pub days: u32,
}

/// What is shown, level by level and day by day.
pub type ByDay = BTreeMap<(Level, NaiveDate), Seen>;

impl Shop {
    /// Connects the first cabinet of an office where it is `today`.
    pub async fn open(office: Office, today: NaiveDate, days: u32) -> Result<Self> {
        let key = office.platform().keys().remove(0);
        let client = office.client("Кофейни Север").await?.id;
        let wish = Wish { key: &key, cabinets: &[0], client, first_load_days: days, lookback_days: days };
        let committed = office.connect(&wish).await?;
        office.done(&committed.run_ids).await?;
        Ok(Self { client, connection: committed.connection_ids[0], office, key, today, days })
    }

    /// First and last of its days.
    pub fn range(&self) -> (NaiveDate, NaiveDate) {
        (self.today - Days::new(u64::from(self.days)), self.today - Days::new(1))
    }

    pub fn cabinet(&self) -> u64 {
        self.key.cabinets[0].id
    }

    /// Whether everything shown is what the platform knows.
    pub async fn is_true(&self) -> Result<()> {
        let (from, to) = self.range();
        self.office.is_true(self.client, &[self.cabinet()], from, to).await
    }

    pub async fn shown(&self) -> Result<ByDay> {
        let (from, to) = self.range();
        let mut shown = ByDay::new();
        for level in [Level::Campaign, Level::AdGroup, Level::Ad] {
            for day in self.office.stats(self.client, level, from, to).await?.points {
                shown.insert((level, day.from), Seen::of(&day.sums));
            }
        }
        Ok(shown)
    }

    /// Whether each day is as it was or as it is in truth, and nothing between.
    pub async fn is_whole(&self, before: &ByDay) -> Result<()> {
        let (from, to) = self.range();
        let truth = self.office.platform().truth().days(self.cabinet(), from, to).context("the truth of each day")?;
        for ((level, day), seen) in self.shown().await? {
            let was = before.get(&(level, day)).copied().unwrap_or_default();
            let is = truth.get(&day).map(|figures| Seen::from(*figures)).unwrap_or_default();
            ensure!(seen == was || seen == is, "{day} at {level}: shown {seen:?}, before {was:?}, in truth {is:?}");
        }
        Ok(())
    }

    /// Signs in again where that is asked for, lets stopped and parked runs go on, and makes one ordinary run. `false`: the platform gives
    /// so many tokens to a user and no more until some end, which only its own cabinet can help.
    pub async fn in_order(&self) -> Result<bool> {
        if !self.is_signed_out().await? {
            let parked: Vec<RunId> = self.office.parked(self.connection).await?.iter().map(|run| run.id).collect();
            // By hand: the moment for which they wait may lie in days that the platform does not know yet.
            for id in &parked {
                let _: Value = self.office.ask("run_pause", json!({ "id": id })).await?;
                let _: Value = self.office.ask("run_resume", json!({ "id": id })).await?;
            }
            self.went_on(&parked).await.context("parked")?;
            self.office.sync(self.connection).await?;
            return Ok(true);
        }
        let draft = self.office.tested(&self.key, Some(self.connection)).await?;
        let mut codes = draft.steps.iter().filter_map(|step| Some(step.failure.as_ref()?.code));
        if codes.any(|code| code == Code::TokenLimit) {
            return Ok(false);
        }
        ensure!(draft.state == DraftState::Ready, "{draft:?}");
        let request = json!({
            "draft_id": draft.id, "picks": [], "streams": [], "lookbacks": {}, "first_load_days": 1, "vat": "unknown",
        });
        let again: DraftCommitted = self.office.ask("draft_commit", request).await?;
        self.went_on(&again.run_ids).await?;
        self.office.sync(self.connection).await?;
        Ok(true)
    }

    pub async fn is_signed_out(&self) -> Result<bool> {
        Ok(self.office.connection(self.connection).await?.connection.state == ConnectionState::SignInNeeded)
    }

    /// Waits for runs that go on where they stopped. What they kept aside before is theirs still; the next run reads it again.
    async fn went_on(&self, ids: &[RunId]) -> Result<()> {
        for id in ids {
            let run = self.office.ended(*id).await?;
            ensure!(matches!(run.state, RunState::Done | RunState::DoneWithRemarks), "{run:?}");
        }
        Ok(())
    }
}
