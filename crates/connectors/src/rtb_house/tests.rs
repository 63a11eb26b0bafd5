//! RTB House end to end against its simulator: what arrives equals the simulator's truth to the kopeck.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use super::SYSTEM;
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
    failure::Code,
    money::{Currency, Micros, VatState},
};
use serde_json::{Value, json};
use simulators::{
    faults::{Fault, FaultKind, Hint},
    rtb_house::{Key, RtbHouse, Scenario, hash_of},
    world,
};
use std::sync::Arc;

const HOST: &str = "https://api.panel.rtbhouse.com";

/// A simulator and a way to open sessions over it.
struct Desk {
    platform: RtbHouse,
    key: Key,
    log: Arc<Recorder>,
    today: NaiveDate,
}

impl Desk {
    fn open(change: impl FnOnce(&mut Scenario)) -> Self {
        let today = Utc::now().date_naive();
        let mut scenario = Scenario::small(today);
        change(&mut scenario);
        let platform = RtbHouse::start(&scenario).unwrap();
        let key = platform.keys()[0].clone();
        Self { platform, key, log: Recorder::shared(), today }
    }

    fn session(&self, token: &str, more: &Value) -> Session {
        let clock = VirtualClock::at(Utc::now());
        let mut options = HttpOptions::new("rtb_house", "shop");
        options.clock = clock.clone();
        options.observer = self.log.clone();
        options.url_map = vec![(HOST.to_owned(), self.platform.base_url.clone())];
        let mut config = json!({"currency": "RUB", "vat": "excluded"});
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Session {
            config: Arc::new(config.as_object().unwrap().clone()),
            credentials: MemoryCredentials::of(&[("api_token", token)]),
            http: Http::new(options).unwrap(),
            clock,
            cancel: CancellationToken::new(),
        }
    }

    fn first(&self) -> Session {
        self.session(&self.key.token, &json!({"advertiser": self.key.advertisers[0]}))
    }

    fn range(&self, days: u64) -> DateRange {
        DateRange::new(self.today.checked_sub_days(Days::new(days - 1)).unwrap(), self.today).unwrap()
    }

    /// The rows of a level that have something, as they should arrive.
    fn truth(&self, of: world::Level, level: Level, range: DateRange) -> Vec<CampaignStat> {
        let truth = self.platform.truth();
        let mut rows = Vec::new();
        for id in truth.objects(of, self.key.cabinets[0]).unwrap() {
            for date in range.days() {
                let figures = truth.object(of, id, date, date).unwrap();
                if figures == world::Figures::default() {
                    continue;
                }
                rows.push(CampaignStat {
                    level,
                    external_id: hash_of(id),
                    date,
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
        rows
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_advertiser_is_found_looked_into_and_compared() {
    let desk = Desk::open(|_| {});
    let source = SYSTEM.source().unwrap();
    let accounts = source.accounts(&desk.session(&desk.key.token, &json!({})), &|_| {}).await.unwrap();
    let found: Vec<_> = accounts.iter().map(|account| account.external_id.clone()).collect();
    assert_eq!(found, desk.key.advertisers);
    assert!(accounts.iter().all(|account| account.currency == Some(Currency::RUB)));

    let session = desk.session(&desk.key.token, &Value::Object(accounts[0].config.clone()));
    let sample = source.sample(&session, desk.today).await.unwrap();
    let month = desk.range(30);
    let truth = desk.platform.truth();
    let cabinet = desk.key.cabinets[0];
    let spend = truth.totals(cabinet, month.from(), month.to()).unwrap().spend_kopecks;
    assert_eq!(sample.spend_30d, Some(Micros(spend * 10_000)));
    assert!(sample.campaigns.is_some_and(|count| count > 0) && sample.last_data.is_some());

    let week = desk.range(7);
    let totals = source.day_totals(&session, week).await.unwrap().unwrap();
    for (date, total) in totals {
        let figures = truth.totals(cabinet, date, date).unwrap();
        assert_eq!((total.impressions, total.clicks), (Some(figures.impressions), Some(figures.clicks)), "{date}");
        assert_eq!(total.cost, Some(Micros(figures.spend_kopecks * 10_000)), "{date}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_convention_that_was_chosen_counts() {
    let desk = Desk::open(|_| {});
    let source = SYSTEM.source().unwrap();
    let mut counted = Vec::new();
    for convention in ["ATTRIBUTED", "ALL_CONVERSIONS"] {
        let more = json!({"advertiser": desk.key.advertisers[0], "count_convention": convention});
        let session = desk.session(&desk.key.token, &more);
        let mut sink = CollectSink::default();
        for slice in source.slices("campaign_stats", desk.range(30)).unwrap() {
            source.read(&session, &slice, &mut sink).await.unwrap();
        }
        counted.push(sink.batch.stats.iter().filter_map(|row| row.conversions).sum::<Micros>());
    }
    assert!(counted[0] > Micros::ZERO && counted[1] > counted[0], "{counted:?}");
}

/// The platform limits work and not requests. Its hour does not pass here, so the waits end in a refusal that says what it was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_hour_that_is_used_up_is_a_refusal_in_the_platforms_words() {
    let desk = Desk::open(|scenario| scenario.rows_per_hour = 10);
    let source = SYSTEM.source().unwrap();
    let slices = source.slices("campaign_stats", desk.range(60)).unwrap();
    let mut sink = CollectSink::default();
    source.read(&desk.first(), &slices[0], &mut sink).await.unwrap();
    let failure = source.read(&desk.first(), &slices[1], &mut sink).await.unwrap_err();
    assert_eq!(failure.code, Code::TooManyRequests, "{failure}");
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
            battery::Fault::WrongKey => Some(Fault::always(FaultKind::WrongKey)),
            battery::Fault::Forbidden => Some(Fault::always(FaultKind::RevokeScope)),
            battery::Fault::Gone => {
                let gone = format!("{}/elsewhere", self.0.key.advertisers[0]);
                return Some(self.0.session(&self.0.key.token, &json!({"advertiser": gone})));
            }
            battery::Fault::Down => Some(Fault::always(FaultKind::ServerError { status: 500 }).on("-stats")),
            battery::Fault::Html => Some(Fault::always(FaultKind::Html { status: 200 }).on("-stats")),
            battery::Fault::Truncated => Some(Fault::always(FaultKind::TruncatedBody).on("-stats")),
            // A token that a person gave is not renewed and says nothing of why it ended; lists have no totals.
            battery::Fault::ExpiredToken | battery::Fault::Revoked | battery::Fault::LyingTotal => return None,
        };
        if let Some(fault) = kind {
            faults.add(fault);
        }
        Some(self.0.first())
    }
    fn observed(&self) -> String {
        self.0.log.everything()
    }
    fn planted(&self) -> Vec<String> {
        vec![self.0.key.token.clone()]
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_connector_passes_the_battery() {
    let desk = Desk::open(|_| {});
    let source = SYSTEM.source().unwrap();
    let days = desk.range(40);
    let stats =
        [("campaign_stats", world::Level::Campaign, Level::Campaign), ("creative_stats", world::Level::Ad, Level::Ad)]
            .map(|(stream, of, level)| (stream.to_owned(), desk.truth(of, level, days)));
    let accounts = desk.key.advertisers.iter().cloned().collect();
    let truth = battery::Truth { accounts, days: Some(days), stats: stats.into(), ..battery::Truth::default() };
    let today = desk.today;
    let wrong = battery::run(&source, &Bench(desk), &truth, today).await;
    assert!(wrong.is_empty(), "{wrong:#?}");
}
