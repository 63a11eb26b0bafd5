//! Runs against a scripted source: what each kind of failure does to the rest of a run, stopping, resuming after a crash, and that what a
//! run left behind is whole. Reading a real platform is tested across rooms, against its simulator.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use async_trait::async_trait;
use chrono::{NaiveDate, Utc};
use kit::{
    clock::SystemClock,
    http::{Http, HttpOptions},
    observe::Observer,
    session::Session,
    source::{Account, AccountSample, CheckEvent, Descriptor, Sink, Slice, Source, StreamDescriptor, StreamKind},
    testing::MemoryCredentials,
};
use model::{
    ad::{AdObject, Batch, CampaignStat, Level, ObjectStatus, RejectReason, Rejected},
    connection::{Client, Connection, ConnectionState},
    date::{DateRange, today},
    failure::{Code, Failure},
    id::{ClientId, ConnectionId, RunId},
    money::{Currency, Micros, VatState},
    run::{RunState, RunTrigger, SliceState},
    secret::Secret,
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};
use store::{Scope, Store, StreamChoice};
use sync::engine::{Engine, Wiring};
use tokio_util::sync::CancellationToken;

const ZONE: &str = "Europe/Moscow";
const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// What the source does with a window, by its place in the plan.
#[derive(Debug, Clone)]
enum Act {
    Fail(Code),
    /// Hands over a row and then waits until it is stopped.
    Hang,
    /// Also rejects a row.
    Reject,
}

struct Scripted {
    descriptor: Descriptor,
    acts: Mutex<HashMap<usize, Act>>,
    reads: Mutex<Vec<Slice>>,
    /// A source may keep sessions, with all that is in them; a run must end all the same.
    kept: Mutex<Vec<Session>>,
    /// Clicks of every row: changed between runs to see whether a window was replaced.
    clicks: Mutex<i64>,
}

impl Scripted {
    fn new() -> Arc<Self> {
        let stream =
            |name: &str, kind| StreamDescriptor { name: name.to_owned(), kind, on_by_default: true, required: false };
        Arc::new(Self {
            descriptor: Descriptor {
                id: "scripted".to_owned(),
                category: "ads".to_owned(),
                capabilities: vec![],
                icon_svg: String::new(),
                form: serde_json::Value::Null,
                texts: [].into(),
                streams: vec![
                    stream("campaigns", StreamKind::Dictionary { level: Level::Campaign }),
                    stream("campaign_stats", StreamKind::Statistics { level: Level::Campaign }),
                ],
                lookback_days: 3,
                first_load_days: 10,
                max_history_days: 100,
                final_after_days: 5,
                time_zone: None,
                docs_url: None,
            },
            acts: Mutex::default(),
            reads: Mutex::default(),
            kept: Mutex::default(),
            clicks: Mutex::new(1),
        })
    }
    fn acts(&self, acts: impl IntoIterator<Item = (usize, Act)>) {
        *self.acts.lock().unwrap() = acts.into_iter().collect();
        self.reads.lock().unwrap().clear();
    }
    fn windows(&self) -> usize {
        self.reads.lock().unwrap().iter().filter(|slice| slice.window.is_some()).count()
    }
}

#[async_trait]
impl Source for Scripted {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }
    async fn accounts(&self, _: &Session, _: &(dyn Fn(CheckEvent) + Send + Sync)) -> Result<Vec<Account>, Failure> {
        Ok(vec![])
    }
    async fn sample(&self, _: &Session, _: NaiveDate) -> Result<AccountSample, Failure> {
        Ok(AccountSample::default())
    }
    fn slices(&self, stream: &str, range: DateRange) -> Result<Vec<Slice>, Failure> {
        let slice = |window| Slice { stream: stream.to_owned(), window };
        Ok(if stream == "campaigns" {
            vec![slice(None)]
        } else {
            range.windows(2).into_iter().map(|w| slice(Some(w))).collect()
        })
    }
    async fn read(&self, session: &Session, slice: &Slice, sink: &mut dyn Sink) -> Result<(), Failure> {
        self.kept.lock().unwrap().push(session.clone());
        let place = self.windows();
        self.reads.lock().unwrap().push(slice.clone());
        let Some(window) = slice.window else {
            let object = AdObject {
                level: Level::Campaign,
                external_id: "7".to_owned(),
                parent_external_id: None,
                name: "Имплантация | Поиск".to_owned(),
                status: ObjectStatus::Active,
            };
            return sink.batch(Batch { objects: vec![object], ..Batch::default() }).await;
        };
        let clicks = *self.clicks.lock().unwrap();
        let stats = window.days().map(|date| stat(date, clicks)).collect();
        sink.batch(Batch { stats, ..Batch::default() }).await?;
        let act = self.acts.lock().unwrap().get(&place).cloned();
        match act {
            None => Ok(()),
            Some(Act::Fail(code)) => Err(Failure::new(code)),
            Some(Act::Reject) => {
                let rejected = Rejected {
                    stream: slice.stream.clone(),
                    date: Some(window.from()),
                    reason: RejectReason::Negative,
                    field: "cost".to_owned(),
                    value: "-312.40".to_owned(),
                    line: None,
                    raw: "{}".to_owned(),
                };
                sink.batch(Batch { rejected: vec![rejected], ..Batch::default() }).await
            }
            Some(Act::Hang) => {
                session.cancel.cancelled().await;
                Err(Failure::new(Code::Cancelled))
            }
        }
    }
}

fn stat(date: NaiveDate, clicks: i64) -> CampaignStat {
    CampaignStat {
        level: Level::Campaign,
        external_id: "7".to_owned(),
        date,
        breakdown: String::new(),
        impressions: Some(100),
        clicks: Some(clicks),
        cost: Some(Micros(1_500_000)),
        currency: Currency::RUB,
        vat: VatState::Excluded,
        conversions: None,
        revenue: None,
    }
}

struct Wires(Arc<Scripted>);

#[async_trait]
impl Wiring for Wires {
    fn source(&self, connector: &str) -> Option<Arc<dyn Source>> {
        (connector == "scripted").then(|| Arc::clone(&self.0) as Arc<dyn Source>)
    }
    async fn session(
        &self,
        connection: &Connection,
        observer: Arc<dyn Observer>,
        cancel: CancellationToken,
    ) -> Result<Session, Failure> {
        Ok(Session {
            config: Arc::new(connection.config.clone()),
            credentials: MemoryCredentials::of(&[]),
            http: Http::new(HttpOptions { observer, ..HttpOptions::new("scripted", "account") })?,
            clock: Arc::new(SystemClock),
            cancel,
        })
    }
}

struct House {
    dir: tempfile::TempDir,
    source: Arc<Scripted>,
    store: Store,
    engine: Engine,
    connection: ConnectionId,
}

impl House {
    async fn build() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("workspace.db");
        let store = Store::create(&path, &Secret::new(KEY), store::Options::default()).await.unwrap();
        let client = Client {
            id: ClientId::new(),
            name: "Ромашка".to_owned(),
            currency: Currency::RUB,
            time_zone: ZONE.to_owned(),
            created_at: Utc::now(),
        };
        store.insert_client(&client).await.unwrap();
        let connection = Connection {
            id: ConnectionId::new(),
            client_id: client.id,
            connector: "scripted".to_owned(),
            account_external_id: "1".to_owned(),
            account_name: "romashka".to_owned(),
            currency: Currency::RUB,
            vat: VatState::Excluded,
            time_zone: ZONE.to_owned(),
            config: serde_json::Map::new(),
            state: ConnectionState::Active,
            lookback_days: 3,
            first_load_days: 10,
            created_at: Utc::now(),
        };
        let streams = ["campaigns", "campaign_stats"].map(|name| StreamChoice { name: name.to_owned(), on: true });
        store.insert_connection(&connection, &streams, Level::Campaign).await.unwrap();
        let source = Scripted::new();
        let engine = engine(&store, &source);
        Self { dir, source, store, engine, connection: connection.id }
    }

    async fn run(&self) -> RunId {
        let id = self.engine.start(self.connection, RunTrigger::Manual, None).await.unwrap();
        tokio::time::timeout(Duration::from_mins(1), self.engine.finished(id)).await.unwrap();
        id
    }

    /// State of the run, how many of its slices are committed, and the sum of clicks in the database.
    async fn outcome(&self, id: RunId) -> (RunState, usize, i64) {
        let done = self.store.slices(id).await.unwrap().iter().filter(|slice| slice.state == SliceState::Done).count();
        (self.store.run(id).await.unwrap().state, done, self.clicks().await)
    }

    async fn clicks(&self) -> i64 {
        let yesterday = today(Utc::now(), ZONE).pred_opt().unwrap();
        let sums = self.store.client_sums(Scope::Portfolio, DateRange::ending(yesterday, 30)).await.unwrap();
        assert_eq!(self.store.rollup_differences().await.unwrap(), 0);
        sums.iter().filter_map(|row| row.sums.clicks).sum()
    }
}

fn engine(store: &Store, source: &Arc<Scripted>) -> Engine {
    Engine::new(store.clone(), Arc::new(Wires(Arc::clone(source))), Arc::new(SystemClock), Arc::new(|_| {}))
}

/// Ten days in five windows of two, after one dictionary: six slices.
#[tokio::test]
async fn what_a_failure_does_to_the_rest_of_a_run() {
    for (act, state, slices, clicks) in [
        (None, RunState::Done, 6, 10),
        (Some(Act::Reject), RunState::DoneWithRemarks, 6, 10),
        // Other windows may succeed.
        (Some(Act::Fail(Code::VendorChanged)), RunState::Failed, 5, 8),
        (Some(Act::Fail(Code::NotJson)), RunState::Failed, 5, 8),
        (Some(Act::Fail(Code::Internal)), RunState::Failed, 5, 8),
        // They would fail for the same reason.
        (Some(Act::Fail(Code::PlatformDown)), RunState::Failed, 3, 4),
        (Some(Act::Fail(Code::QuotaWait)), RunState::Failed, 3, 4),
        (Some(Act::Fail(Code::SignInRejected)), RunState::Failed, 3, 4),
        (Some(Act::Fail(Code::PermissionDenied)), RunState::Failed, 3, 4),
        (Some(Act::Fail(Code::Cancelled)), RunState::Stopped, 3, 4),
    ] {
        let house = House::build().await;
        house.source.acts(act.clone().map(|act| (2, act)));
        let id = house.run().await;
        assert_eq!(house.outcome(id).await, (state, slices, clicks), "{act:?}");
        let run = house.store.run(id).await.unwrap();
        let code = run.failure.map(|failure| failure.code);
        let expected = match act {
            Some(Act::Fail(code)) if code != Code::Cancelled => Some(code),
            _ => None,
        };
        assert_eq!(code, expected, "{act:?}");
        let waits_for_person =
            house.store.connection(house.connection).await.unwrap().state == ConnectionState::SignInNeeded;
        assert_eq!(waits_for_person, expected == Some(Code::SignInRejected), "{act:?}");
        // The next run reads what is missing and nothing is doubled.
        house.source.acts([]);
        let id = house.run().await;
        assert_eq!((house.outcome(id).await.0, house.clicks().await), (RunState::Done, 10), "{act:?}");
    }
}

#[tokio::test]
async fn a_second_run_reads_the_lookback_again_and_replaces_it() {
    let house = House::build().await;
    house.run().await;
    house.source.acts([]);
    *house.source.clicks.lock().unwrap() = 5;
    let id = house.run().await;
    assert_eq!(house.source.windows(), 2, "three days in windows of two");
    assert_eq!(house.outcome(id).await, (RunState::Done, 3, 7 + 3 * 5));
}

#[tokio::test]
async fn a_failed_reading_leaves_the_old_days_alone() {
    let house = House::build().await;
    house.run().await;
    *house.source.clicks.lock().unwrap() = 5;
    house.source.acts([(0, Act::Fail(Code::BodyTruncated))]);
    let id = house.run().await;
    assert_eq!(house.outcome(id).await, (RunState::Failed, 1, 10));
}

#[tokio::test]
async fn a_stopped_run_keeps_what_it_committed() {
    let house = House::build().await;
    house.source.acts([(3, Act::Hang)]);
    let id = house.engine.start(house.connection, RunTrigger::First, None).await.unwrap();
    let again = house.engine.start(house.connection, RunTrigger::Manual, None).await.unwrap();
    assert_eq!(again, id, "a connection has one run at a time");
    let other_days = Some(DateRange::day(today(Utc::now(), ZONE).pred_opt().unwrap()));
    let refused = house.engine.start(house.connection, RunTrigger::Recollect, other_days).await.unwrap_err();
    assert_eq!(refused.code, Code::AlreadyRunning);
    until(|| house.source.windows() == 4).await;
    house.engine.cancel(id).await.unwrap();
    assert_eq!(house.outcome(id).await, (RunState::Stopped, 4, 6));
    house.engine.cancel(id).await.expect("stopping what has stopped is not an error");
}

#[tokio::test]
async fn what_a_quitted_program_left_goes_on_under_the_same_id() {
    let house = House::build().await;
    house.source.acts([(3, Act::Hang)]);
    let id = house.engine.start(house.connection, RunTrigger::First, None).await.unwrap();
    until(|| house.source.windows() == 4).await;
    house.engine.shutdown().await;
    assert!(!house.store.run(id).await.unwrap().state.is_over(), "quitting is not an end");
    assert_eq!(house.clicks().await, 6);

    let House { dir, source, store, connection, engine: dead } = house;
    drop(dead);
    store.close().await;
    let store =
        Store::open(&dir.path().join("workspace.db"), &Secret::new(KEY), store::Options::default()).await.unwrap();
    source.acts([]);
    let house = House { engine: engine(&store, &source), dir, source, store, connection };
    assert_eq!(house.engine.resume().await.unwrap(), [id]);
    house.engine.finished(id).await;
    assert_eq!(house.outcome(id).await, (RunState::Done, 6, 10));
    assert_eq!(house.source.windows(), 2, "what was committed is not read again");
    assert!(house.dir.path().exists());
}

async fn until(condition: impl Fn() -> bool) {
    tokio::time::timeout(Duration::from_mins(1), async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .unwrap();
}
