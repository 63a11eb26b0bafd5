//! A workspace with one connection of a scripted source, for tests of the engine and of the scheduler.
#![allow(dead_code, reason = "each test uses what it needs")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use kit::{
    clock::{Clock, SystemClock},
    http::{Http, HttpOptions},
    observe::Observer,
    session::Session,
    source::{
        Account, AccountSample, CheckEvent, Descriptor, FileReader, FileRows, Sink, Slice, Source, StreamDescriptor,
        StreamKind,
    },
    testing::MemoryCredentials,
};
use model::{
    ad::{AdObject, Batch, CampaignStat, Level, ObjectStatus, RejectReason, Rejected},
    connection::{Client, Connection, ConnectionState},
    date::{DateRange, today},
    failure::{Code, Failure},
    id::{ClientId, ConnectionId, RunId},
    money::{Currency, Micros, VatState},
    power::Power,
    run::{RunState, RunTrigger, SliceState},
    secret::Secret,
    settings::{Lookback, Settings, StreamChoice},
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};
use store::{Scope, Store};
use sync::{
    engine::{Asked, Engine, Wiring},
    power::PowerSource,
};
use tokio_util::sync::CancellationToken;

pub const ZONE: &str = "Europe/Moscow";
pub const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// Windows that are read at once.
pub const SIDE_BY_SIDE: usize = 3;

/// What the source does with a window, by its place in the plan.
#[derive(Debug, Clone)]
pub enum Act {
    Fail(Code),
    /// The quota is used up until then.
    Quota(DateTime<Utc>),
    /// Hands over a row and then waits until it is stopped or let go.
    Hang,
    /// Also rejects a row.
    Reject,
    /// Also hands over rows in which nothing happened, three for each day, and one of which nothing is known.
    Rest,
}

pub struct Scripted {
    pub descriptor: Descriptor,
    pub acts: Mutex<HashMap<usize, Act>>,
    pub reads: Mutex<Vec<Slice>>,
    /// A source may keep sessions, with all that is in them; a run must end all the same.
    pub kept: Mutex<Vec<Session>>,
    /// Ends what hangs.
    pub gate: tokio::sync::Notify,
    /// Clicks of every row: changed between runs to see whether a window was replaced.
    pub clicks: Mutex<i64>,
}

impl Scripted {
    pub fn new() -> Arc<Self> {
        let stream = |name: &str, kind| StreamDescriptor {
            name: name.to_owned(),
            kind,
            breakdown: None,
            on_by_default: true,
            required: false,
        };
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
                    stream(
                        "campaign_stats",
                        StreamKind::Statistics {
                            level: Level::Campaign,
                            lookback: Lookback { days: 3, weekly_days: 5 },
                        },
                    ),
                ],
                first_load_days: 10,
                max_history_days: 100,
                final_after_days: 5,
                time_zone: None,
                shared_limits: false,
                docs_url: None,
            },
            acts: Mutex::default(),
            reads: Mutex::default(),
            kept: Mutex::default(),
            gate: tokio::sync::Notify::new(),
            clicks: Mutex::new(1),
        })
    }
    pub fn acts(&self, acts: impl IntoIterator<Item = (usize, Act)>) {
        *self.acts.lock().unwrap() = acts.into_iter().collect();
        self.reads.lock().unwrap().clear();
    }
    /// All windows from a place of the plan on do the same: those before it are read, however many are read at once.
    pub fn all_since(&self, place: usize, act: &Act) {
        self.acts((place..100).map(|place| (place, act.clone())));
    }
    /// Lets what hangs end as if nothing had been.
    pub fn let_go(&self) {
        self.gate.notify_waiters();
    }
    pub fn windows(&self) -> usize {
        self.reads.lock().unwrap().iter().filter(|slice| slice.window.is_some()).count()
    }
}

/// A line of headers as the connection's configuration has it (`день;клики` unless it says otherwise), then a day and its clicks in each.
impl FileReader for Scripted {
    fn most_bytes(&self) -> u64 {
        1_000
    }
    fn read_file(&self, connection: &Connection, _: &str, bytes: &[u8]) -> Result<FileRows, Failure> {
        let text = std::str::from_utf8(bytes).unwrap();
        let mut lines = text.lines();
        let header = connection.config.get("header").and_then(serde_json::Value::as_str).unwrap_or("день;клики");
        if lines.next() != Some(header) {
            return Err(Failure::new(Code::FileColumnsChanged).with("missing", header).with("added", ""));
        }
        let row = |line: &str| {
            let (date, clicks) = line.split_once(';').unwrap();
            stat(date.parse().unwrap(), clicks.parse().unwrap())
        };
        let stats: Vec<CampaignStat> = lines.map(row).collect();
        let (first, last) = (stats.first().unwrap().date, stats.last().unwrap().date);
        let range = DateRange::new(first, last).unwrap();
        Ok(FileRows { level: Level::Campaign, range, objects: vec![], stats, rejected: vec![] })
    }
}

#[async_trait]
impl Source for Scripted {
    fn files(&self) -> Option<&dyn FileReader> {
        Some(self)
    }
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
                landing_url: None,
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
            Some(Act::Quota(until)) => Err(Failure::new(Code::QuotaWait).until(until)),
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
            Some(Act::Rest) => {
                let idle = |date, id: &str| CampaignStat {
                    external_id: id.to_owned(),
                    impressions: Some(0),
                    clicks: Some(0),
                    cost: Some(Micros(0)),
                    ..stat(date, 0)
                };
                let stats = window.days().flat_map(|date| ["8", "9", "10"].map(|id| idle(date, id)));
                // Of this one nothing is known, which is not zero.
                let unknown = window.days().map(|date| CampaignStat {
                    external_id: "11".to_owned(),
                    impressions: None,
                    clicks: None,
                    cost: None,
                    ..stat(date, 0)
                });
                let stats = stats.chain(unknown).collect();
                sink.batch(Batch { stats, ..Batch::default() }).await
            }
            Some(Act::Hang) => {
                tokio::select! {
                    () = session.cancel.cancelled() => Err(Failure::new(Code::Cancelled)),
                    () = self.gate.notified() => Ok(()),
                }
            }
        }
    }
}

pub fn stat(date: NaiveDate, clicks: i64) -> CampaignStat {
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
        visits: model::ad::Visits::default(),
    }
}

pub struct Wires(pub Arc<Scripted>);

#[async_trait]
impl Wiring for Wires {
    fn source(&self, connector: &str) -> Option<Arc<dyn Source>> {
        // Two systems, which behave alike.
        matches!(connector, "scripted" | "other").then(|| Arc::clone(&self.0) as Arc<dyn Source>)
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
    async fn signed_out(&self, _: &Connection, _: &Failure) -> Result<(), Failure> {
        Ok(())
    }
}

pub struct House {
    pub dir: tempfile::TempDir,
    pub source: Arc<Scripted>,
    pub store: Store,
    pub engine: Engine,
    pub connection: ConnectionId,
    pub clock: Arc<dyn Clock>,
}

impl House {
    pub async fn build() -> Self {
        Self::with_clock(Arc::new(SystemClock)).await
    }

    pub async fn with_clock(clock: Arc<dyn Clock>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("workspace.db");
        let store = Store::create(&path, &Secret::new(KEY), store::Options::default()).await.unwrap();
        let client = Client {
            id: ClientId::new(),
            name: "Ромашка".to_owned(),
            currency: Currency::RUB,
            time_zone: ZONE.to_owned(),
            created_at: clock.now(),
        };
        store.insert_client(&client).await.unwrap();
        let connection = Connection {
            id: ConnectionId::new(),
            client_id: client.id,
            connector: "scripted".to_owned(),
            account_external_id: "1".to_owned(),
            account_name: "romashka".to_owned(),
            currency: Currency::RUB,
            time_zone: ZONE.to_owned(),
            config: serde_json::Map::new(),
            state: ConnectionState::Active,
            first_load_days: 10,
            settings: Settings {
                streams: ["campaigns", "campaign_stats"]
                    .map(|name| StreamChoice { name: name.to_owned(), on: true })
                    .to_vec(),
                vat: VatState::Excluded,
                ..Settings::default()
            },
            follows: None,
            created_at: clock.now(),
        };
        store.insert_connection(&connection, Level::Campaign).await.unwrap();
        let source = Scripted::new();
        let engine = engine(&store, &source, Arc::clone(&clock)).await;
        Self { dir, source, store, engine, connection: connection.id, clock }
    }

    /// Another connection of the same client.
    pub async fn another(&self, account: &str) -> ConnectionId {
        let like = self.store.connection(self.connection).await.unwrap();
        let connection = Connection { id: ConnectionId::new(), account_external_id: account.to_owned(), ..like };
        self.store.insert_connection(&connection, Level::Campaign).await.unwrap();
        connection.id
    }

    /// A connection of the same client to another system.
    pub async fn elsewhere(&self) -> ConnectionId {
        let like = self.store.connection(self.connection).await.unwrap();
        let connection = Connection { id: ConnectionId::new(), connector: "other".to_owned(), ..like };
        self.store.insert_connection(&connection, Level::Campaign).await.unwrap();
        connection.id
    }

    /// Waits until so many windows were begun, and a moment longer, in which there should be no more.
    pub async fn has_begun(&self, windows: usize) {
        let reached = async {
            while self.source.windows() < windows {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let reached = tokio::time::timeout(Duration::from_mins(1), reached).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(reached.is_ok() && self.source.windows() == windows, "{} windows were begun", self.source.windows());
    }

    pub async fn run(&self) -> RunId {
        let id = self.engine.start(self.connection, RunTrigger::Manual, Asked::due()).await.unwrap();
        tokio::time::timeout(Duration::from_mins(1), self.engine.finished(id)).await.unwrap();
        id
    }

    /// Waits until all windows before a place are committed, and as many as are read at once hang.
    pub async fn hangs_at(&self, id: RunId, place: usize, begun: usize) {
        let reached = async || {
            let slices = self.store.slices(id).await.unwrap();
            let done = slices.iter().filter(|it| it.state == SliceState::Done && it.window.is_some()).count();
            (done, self.source.windows()) == (place, begun)
        };
        let waiting = async {
            while !reached().await {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let reached = tokio::time::timeout(Duration::from_mins(1), waiting).await;
        assert!(reached.is_ok(), "{} windows were begun", self.source.windows());
    }

    /// State of the run, how many of its slices are committed, and the sum of clicks in the database.
    pub async fn outcome(&self, id: RunId) -> (RunState, usize, i64) {
        let done = self.store.slices(id).await.unwrap().iter().filter(|slice| slice.state == SliceState::Done).count();
        (self.store.run(id).await.unwrap().state, done, self.clicks().await)
    }

    pub async fn clicks(&self) -> i64 {
        let yesterday = today(self.clock.now(), ZONE).pred_opt().unwrap();
        let sums = self.store.client_sums(Scope::Portfolio, DateRange::ending(yesterday, 30)).await.unwrap();
        assert_eq!(self.store.rollup_differences().await.unwrap(), 0);
        sums.iter().filter_map(|row| row.sums.clicks).sum()
    }
}

/// A battery that a test drains and charges; there is none until it says so.
#[derive(Default)]
pub struct Battery(Mutex<Option<Power>>);

impl Battery {
    /// On the battery with so much left.
    pub fn drained_to(&self, percent: u32) {
        *self.0.lock().unwrap() = Some(Power { on_battery: true, percent: Some(percent), saving: false });
    }
    /// The plug is in.
    pub fn plugged_in(&self) {
        *self.0.lock().unwrap() = Some(Power { on_battery: false, percent: Some(5), saving: false });
    }
}

#[async_trait]
impl PowerSource for Battery {
    async fn power(&self) -> Option<Power> {
        *self.0.lock().unwrap()
    }
}

/// An engine on duty.
pub async fn engine(store: &Store, source: &Arc<Scripted>, clock: Arc<dyn Clock>) -> Engine {
    let engine = idle(store, source, clock);
    let seen = store.lease().await.unwrap();
    engine.take(store.take_lease("house", true, &seen).await.unwrap().unwrap()).await.unwrap();
    engine
}

/// An engine of a program that is not on duty.
pub fn idle(store: &Store, source: &Arc<Scripted>, clock: Arc<dyn Clock>) -> Engine {
    Engine::new(store.clone(), Arc::new(Wires(Arc::clone(source))), clock, Arc::new(|_| {}))
}
