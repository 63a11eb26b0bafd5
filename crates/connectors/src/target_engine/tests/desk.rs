//! A product of the engine on its simulator: what the tests of the products share.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use chrono::{Days, NaiveDate, Utc};
use kit::{
    battery,
    http::{Http, HttpOptions},
    session::{CancellationToken, Session},
    source::Source,
    testing::{CollectSink, MemoryCredentials, Recorder, VirtualClock},
};
use model::{
    ad::{CampaignStat, Level},
    date::DateRange,
    money::{Currency, Micros, VatState},
};
use serde_json::{Value, json};
use simulators::{
    faults::{Fault, FaultKind, Hint},
    vk_ads::{Key, Running, Scenario},
    world,
};
use std::sync::Arc;

/// A product as its tests know it.
pub struct Product {
    /// Its connector's id.
    pub id: &'static str,
    /// The address that the simulator stands in for.
    pub host: &'static str,
    /// Starts its simulator.
    pub start: fn(Scenario) -> Running,
}

/// A simulator and a way to open sessions over it.
pub struct Desk {
    product: Product,
    /// The simulator.
    pub platform: Running,
    /// The key that sessions sign in with.
    pub key: Key,
    /// What was written about requests.
    pub log: Arc<Recorder>,
    /// The simulated day.
    pub today: NaiveDate,
}

impl Desk {
    /// With the key of an agency or of an advertiser.
    pub fn open(product: Product, agency: bool, change: impl FnOnce(&mut Scenario)) -> Self {
        let today = Utc::now().date_naive();
        let mut scenario = Scenario::small(today);
        // Every session here signs in anew, which a program must not do; the limit itself is tested with the sign-in.
        scenario.tokens.per_user = 1_000;
        change(&mut scenario);
        let platform = (product.start)(scenario);
        let own = |key: &Key| key.cabinets[0].id == key.owner_id;
        let key = platform.keys().into_iter().find(|key| own(key) != agency).unwrap();
        Self { product, platform, key, log: Recorder::shared(), today }
    }

    /// A session over the simulator with these settings besides.
    pub fn session(&self, more: &Value) -> Session {
        let clock = VirtualClock::at(Utc::now());
        let mut options = HttpOptions::new(self.product.id, "shop");
        options.clock = clock.clone();
        options.observer = self.log.clone();
        options.url_map = vec![(self.product.host.to_owned(), self.platform.base_url.clone())];
        let mut config = json!({"client_id": self.key.client_id, "currency": "RUB", "vat": "excluded"});
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Session {
            config: Arc::new(config.as_object().unwrap().clone()),
            credentials: MemoryCredentials::of(&[("client_secret", &self.key.client_secret)]),
            http: Http::new(options).unwrap(),
            clock,
            cancel: CancellationToken::new(),
        }
    }

    /// So many days up to the simulated one.
    pub fn range(&self, days: u64) -> DateRange {
        DateRange::new(self.today.checked_sub_days(Days::new(days - 1)).unwrap(), self.today).unwrap()
    }
}

/// Everything a stream gives for these days.
pub async fn read(source: &dyn Source, session: &Session, stream: &str, range: DateRange) -> CollectSink {
    let mut sink = CollectSink::default();
    for slice in source.slices(stream, range).unwrap() {
        source.read(session, &slice, &mut sink).await.unwrap();
    }
    sink
}

/// The simulator as the battery's bench.
struct Bench(Desk);

#[async_trait::async_trait]
impl battery::Bench for Bench {
    async fn session(&self, fault: battery::Fault) -> Option<Session> {
        let faults = self.0.platform.faults();
        faults.clear();
        let kind = match fault {
            battery::Fault::None => None,
            battery::Fault::Throttled => {
                Some(Fault::always(FaultKind::Throttle { hint: Hint::After { secs: 2 } }).times(3))
            }
            battery::Fault::Flaky => Some(Fault::always(FaultKind::ServerError { status: 502 }).after(2).times(2)),
            battery::Fault::UnknownFields => Some(Fault::always(FaultKind::NewFields)),
            battery::Fault::ExpiredToken => Some(Fault::once(FaultKind::ExpireToken).on("statistics")),
            battery::Fault::WrongKey => Some(Fault::always(FaultKind::WrongKey)),
            battery::Fault::Revoked => Some(Fault::once(FaultKind::RevokeToken).on("statistics")),
            // The simulator has no account without rights and no resource that was taken away.
            battery::Fault::Forbidden | battery::Fault::Gone => return None,
            battery::Fault::Down => Some(Fault::always(FaultKind::ServerError { status: 500 }).on("statistics")),
            battery::Fault::Html => Some(Fault::always(FaultKind::Html { status: 200 }).on("statistics")),
            battery::Fault::Truncated => Some(Fault::always(FaultKind::TruncatedBody).on("statistics")),
            battery::Fault::LyingTotal => Some(Fault::always(FaultKind::LyingTotal { delta: 2 })),
        };
        if let Some(fault) = kind {
            faults.add(fault);
        }
        Some(self.0.session(&json!({})))
    }
    fn observed(&self) -> String {
        self.0.log.everything()
    }
    fn planted(&self) -> Vec<String> {
        let mut planted = self.0.platform.token_secrets();
        planted.push(self.0.key.client_secret.clone());
        planted
    }
}

/// Runs the battery over a product with an advertiser's key; `streams` are its statistics and their levels. Answers what went wrong.
pub async fn battery(source: &dyn Source, product: Product, streams: &[(&str, world::Level, Level)]) -> Vec<String> {
    let desk = Desk::open(product, false, |_| {});
    let cabinet = desk.key.cabinets[0].id;
    let days = desk.range(40);
    let platform = desk.platform.truth();
    let mut truth =
        battery::Truth { accounts: [cabinet.to_string()].into(), days: Some(days), ..battery::Truth::default() };
    for &(stream, of, level) in streams {
        let mut rows = Vec::new();
        for id in platform.objects(of, cabinet).unwrap() {
            for day in days.days() {
                let figures = platform.object(of, id, day, day).unwrap();
                rows.push(CampaignStat {
                    level,
                    external_id: id.to_string(),
                    date: day,
                    breakdown: String::new(),
                    impressions: Some(figures.impressions),
                    clicks: Some(figures.clicks),
                    cost: Some(Micros(figures.spend_kopecks * 10_000)),
                    currency: Currency::RUB,
                    vat: VatState::Excluded,
                    conversions: Micros::whole(figures.conversions),
                    revenue: Some(Micros(figures.revenue_kopecks * 10_000)),
                });
            }
        }
        truth.stats.insert(stream.to_owned(), rows);
    }
    let today = desk.today;
    battery::run(source, &Bench(desk), &truth, today).await
}
