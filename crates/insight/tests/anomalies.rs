//! Anomalies of a workspace: which days are news, and what answers do.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use chrono::{DateTime, Days, NaiveDate, Utc};
use insight::anomalies::{Judged, Told, find, told, unanswered};
use model::{
    ad::{CampaignStat, Level, Visits},
    anomaly::{AnomalyMetric, AnomalyVerdict},
    connection::{Client, Connection, ConnectionState},
    date::DateRange,
    id::{ClientId, ConnectionId, RunId},
    money::{Currency, Micros, VatState},
    run::{RunState, RunTrigger},
    secret::Secret,
    settings::{Settings, StreamChoice},
};
use std::collections::BTreeMap;
use store::{
    Options, Scope, Store,
    anomaly_feedback::{AnomalyFeedback, AnomalyKey},
    commit::{Effort, SliceCommit},
    runs::NewRun,
    slices::{NewSlice, Part},
};

const KEY: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

/// Thursday morning in Moscow.
fn now() -> DateTime<Utc> {
    "2026-11-19T06:00:00Z".parse().unwrap()
}

fn ago(days: u64) -> NaiveDate {
    now().date_naive().checked_sub_days(Days::new(days)).unwrap()
}

struct Account {
    _dir: tempfile::TempDir,
    store: Store,
    client: ClientId,
    connection: ConnectionId,
}

impl Account {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("workspace.db");
        let store = Store::create(&path, &Secret::new(KEY), Options::default()).await.unwrap();
        let client = Client {
            id: ClientId::new(),
            name: "acme".to_owned(),
            currency: Currency::RUB,
            time_zone: "Europe/Moscow".to_owned(),
            created_at: now(),
        };
        store.insert_client(&client).await.unwrap();
        let connection = Connection {
            id: ConnectionId::new(),
            client_id: client.id,
            connector: "vk_ads".to_owned(),
            account_external_id: "1".to_owned(),
            account_name: "Brand".to_owned(),
            currency: Currency::RUB,
            time_zone: "Europe/Moscow".to_owned(),
            config: serde_json::Map::new(),
            state: ConnectionState::Active,
            first_load_days: 90,
            settings: Settings {
                streams: vec![StreamChoice { name: "campaign_stats".to_owned(), on: true }],
                ..Settings::default()
            },
            follows: None,
            created_at: now(),
        };
        store.insert_connection(&connection, Level::Campaign).await.unwrap();
        Self { _dir: dir, store, client: client.id, connection: connection.id }
    }

    /// Reads days, each of which spent so much, at an instant; days before `final_before` are final then.
    async fn read(&self, days: &[(NaiveDate, i64)], read_at: DateTime<Utc>, final_before: NaiveDate) {
        let run = NewRun {
            id: RunId::new(),
            connection_id: self.connection,
            trigger: RunTrigger::Manual,
            range: None,
            streams: None,
            state: RunState::Running,
            started_at: read_at,
        };
        self.store.create_run(&run).await.unwrap();
        let window = DateRange::new(days[0].0, days[days.len() - 1].0).unwrap();
        let slice = NewSlice {
            stream: "campaign_stats".to_owned(),
            level: Level::Campaign,
            window: Some(window),
            part: Part::All,
        };
        let slice_seq = self.store.plan_slices(run.id, &[slice]).await.unwrap();
        let stat = |(date, roubles): &(NaiveDate, i64)| CampaignStat {
            level: Level::Campaign,
            external_id: "1".to_owned(),
            date: *date,
            breakdown: String::new(),
            impressions: Some(roubles * 10),
            clicks: Some(roubles / 20),
            cost: Micros::whole(*roubles),
            currency: Currency::RUB,
            vat: VatState::Included,
            conversions: Micros::whole(roubles / 500),
            revenue: None,
            visits: Visits::default(),
        };
        let commit = SliceCommit {
            run_id: run.id,
            slice_seq,
            objects: Vec::new(),
            stats: days.iter().map(stat).collect(),
            rejected: Vec::new(),
            rejected_more: BTreeMap::new(),
            left_out: BTreeMap::new(),
            read_at,
            final_before,
            effort: Effort { requests: 1, retries: 0, millis: 1 },
        };
        self.store.commit_slice(commit).await.unwrap();
        self.store.finish_run(run.id, RunState::Done, None, read_at).await.unwrap();
    }

    async fn told(&self, judged: Judged) -> Vec<Told> {
        told(&self.store, Scope::Portfolio, judged, now()).await.unwrap()
    }

    fn key(&self, date: NaiveDate) -> AnomalyKey {
        AnomalyKey { connection_id: self.connection, metric: AnomalyMetric::Spend, date }
    }

    async fn answer(&self, date: NaiveDate, verdict: AnomalyVerdict) {
        let told = find(&self.store, self.client, self.key(date), now()).await.unwrap().unwrap();
        let feedback = AnomalyFeedback { key: self.key(date), verdict, factor: told.anomaly.factor };
        self.store.put_anomaly_feedback(&feedback, now()).await.unwrap();
    }
}

/// Ten thousand a day up to yesterday, and more on some days.
fn spends(odd: &[(u64, i64)]) -> Vec<(NaiveDate, i64)> {
    let spend = |days: u64| odd.iter().find(|(day, _)| *day == days).map_or(10_000, |(_, spend)| *spend);
    (1..=75).rev().map(|days| (ago(days), spend(days))).collect()
}

fn spend_of(told: &[Told]) -> Vec<(NaiveDate, Option<Micros>, Option<AnomalyVerdict>)> {
    let spend = told.iter().filter(|told| told.anomaly.metric == AnomalyMetric::Spend);
    spend.map(|told| (told.anomaly.date, told.anomaly.factor, told.verdict)).collect()
}

#[tokio::test]
async fn an_answer_is_kept_and_an_expected_level_is_learned() {
    let account = Account::new().await;
    // Two Wednesdays in a row, and one odd Friday in between.
    account.read(&spends(&[(1, 22_000), (8, 24_000), (6, 50_000)]), now(), ago(0)).await;
    let times = |millionths| Some(Micros(millionths));
    let period = Judged::Within(DateRange::new(ago(30), ago(1)).unwrap());
    let all = [(ago(6), times(5_000_000), None), (ago(8), times(2_400_000), None), (ago(1), times(2_200_000), None)];
    assert_eq!(spend_of(&account.told(period).await), all, "the farthest first");
    let newest = account.told(Judged::Newest).await;
    assert!(newest.iter().all(|told| told.anomaly.date == ago(1)));
    let count = unanswered(&newest)[&account.client];
    assert_eq!((count.count as usize, count.worst.anomaly.metric), (newest.len(), newest[0].anomaly.metric));

    account.answer(ago(1), AnomalyVerdict::Ignored).await;
    let newest = account.told(Judged::Newest).await;
    assert_eq!(spend_of(&newest), [(ago(1), times(2_200_000), Some(AnomalyVerdict::Ignored))]);
    let left = unanswered(&newest).get(&account.client).map_or(0, |count| count.count as usize);
    assert_eq!(left, newest.len() - 1, "what was answered is not counted");

    // The week before was planned: this Wednesday is no news any more, the Friday still is.
    account.store.drop_anomaly_feedback(&account.key(ago(1))).await.unwrap();
    account.answer(ago(8), AnomalyVerdict::Expected).await;
    let expected = [(ago(6), times(5_000_000), None), (ago(8), times(2_400_000), Some(AnomalyVerdict::Expected))];
    assert_eq!(spend_of(&account.told(period).await), expected);
    assert!(spend_of(&account.told(Judged::Newest).await).is_empty());
    let usual = find(&account.store, account.client, account.key(ago(2)), now()).await.unwrap();
    assert!(usual.is_none(), "a day as usual cannot be answered");
}

#[tokio::test]
async fn a_day_is_news_when_it_stands_still_and_is_young() {
    let account = Account::new().await;
    let newest =
        async || spend_of(&account.told(Judged::Newest).await).into_iter().map(|(date, ..)| date).collect::<Vec<_>>();
    let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
    let days = spends(&[(1, 30_000), (2, 40_000), (20, 40_000)]);
    // Days of the last month still move; read once, nobody knows how they stand.
    account.read(&days, at("2026-11-18T20:00:00Z"), ago(30)).await;
    assert!(newest().await.is_empty(), "what is final is older than two weeks");
    let found = account.told(Judged::Within(DateRange::new(ago(30), ago(1)).unwrap())).await;
    assert!(spend_of(&found).is_empty(), "moving days are not judged");

    // Read again in the evening: the day before yesterday has not changed, and yesterday was not over.
    account.read(&days, at("2026-11-18T20:30:00Z"), ago(30)).await;
    assert_eq!(newest().await, [ago(2)]);
    // In the morning yesterday is over and as it was.
    account.read(&days[days.len() - 3..], at("2026-11-19T05:00:00Z"), ago(30)).await;
    assert_eq!(newest().await, [ago(1)]);
}
