//! VK Реклама end to end against its simulator: what arrives equals the simulator's truth to the kopeck.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use super::{signin::DEFAULT_HOST, source};
use chrono::{Days, NaiveDate, Utc};
use kit::{
    http::{Http, HttpOptions},
    session::{CancellationToken, Session},
    source::{CheckEvent, Source},
    testing::{CollectSink, MemoryCredentials, Recorder, VirtualClock},
};
use model::{
    ad::{Level, ObjectStatus},
    date::DateRange,
    money::{Currency, Micros, VatState},
};
use serde_json::{Value, json};
use simulators::vk_ads::{Key, Running, Scenario, VkAds};
use std::sync::{Arc, Mutex};

/// A simulator and a way to open sessions over it.
struct Desk {
    vk: Running,
    key: Key,
    log: Arc<Recorder>,
    today: NaiveDate,
}

impl Desk {
    fn open(agency: bool, change: impl FnOnce(&mut Scenario)) -> Self {
        let today = Utc::now().date_naive();
        let mut scenario = Scenario::small(today);
        change(&mut scenario);
        let vk = VkAds::start(scenario).unwrap();
        let own = |key: &Key| key.cabinets[0].id == key.owner_id;
        let key = vk.keys().into_iter().find(|key| own(key) != agency).unwrap();
        Self { vk, key, log: Recorder::shared(), today }
    }

    fn session(&self, more: Value) -> Session {
        let clock = VirtualClock::at(Utc::now());
        let mut options = HttpOptions::new("vk_ads", "shop");
        options.clock = clock.clone();
        options.observer = self.log.clone();
        options.url_map = vec![(DEFAULT_HOST.to_owned(), self.vk.base_url.clone())];
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

    fn range(&self, days: u64) -> DateRange {
        DateRange::new(self.today.checked_sub_days(Days::new(days - 1)).unwrap(), self.today).unwrap()
    }
}

async fn read(source: &dyn Source, session: &Session, stream: &str, range: DateRange) -> CollectSink {
    let mut sink = CollectSink::default();
    for slice in source.slices(stream, range).unwrap() {
        source.read(session, &slice, &mut sink).await.unwrap();
    }
    sink
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cabinet_of_an_agency_is_read_to_the_kopeck_on_three_levels() {
    let desk = Desk::open(true, |_| {});
    let vk = source().unwrap();
    let agency = desk.session(json!({}));
    let steps = Mutex::new(Vec::new());
    let accounts =
        vk.accounts(&agency, &|event: CheckEvent| steps.lock().unwrap().push(format!("{event:?}"))).await.unwrap();
    let names: Vec<_> = accounts.iter().map(|account| account.external_id.clone()).collect();
    let expected: Vec<_> = desk.key.cabinets.iter().map(|cabinet| cabinet.id.to_string()).collect();
    assert_eq!(names, expected);
    assert_eq!(steps.lock().unwrap().len(), 4);

    let session = desk.session(Value::Object(accounts[0].config.clone()));
    let cabinet = desk.key.cabinets[0].id;
    let range = desk.range(80);
    let truth = desk.vk.truth();
    let figures = truth.totals(cabinet, range.from(), range.to()).unwrap();
    for (dictionary, statistics, level) in [
        ("ad_plans", "ad_plan_stats", Level::Campaign),
        ("ad_groups", "ad_group_stats", Level::AdGroup),
        ("banners", "banner_stats", Level::Ad),
    ] {
        let names = read(&vk, &session, dictionary, range).await.batch;
        assert!(names.rejected.is_empty() && !names.objects.is_empty(), "{dictionary}: {:?}", names.rejected);
        assert!(names.objects.iter().all(|object| object.level == level && object.status != ObjectStatus::Unknown));
        assert_eq!(names.objects.iter().all(|object| object.parent_external_id.is_some()), level != Level::Campaign);
        let sink = read(&vk, &session, statistics, range).await;
        assert!(sink.sizes.iter().all(|size| *size <= 2_000));
        let rows = sink.batch;
        assert!(rows.rejected.is_empty(), "{statistics}: {:?}", rows.rejected);
        assert!(
            rows.stats
                .iter()
                .all(|row| row.level == level && row.currency == Currency::RUB && row.vat == VatState::Excluded)
        );
        let sum = |pick: &dyn Fn(&model::ad::CampaignStat) -> Option<Micros>| {
            rows.stats.iter().filter_map(pick).sum::<Micros>()
        };
        assert_eq!(sum(&|row| row.cost), Micros(figures.spend_kopecks * 10_000), "{statistics}: spend");
        assert_eq!(sum(&|row| row.revenue), Micros(figures.revenue_kopecks * 10_000), "{statistics}: revenue");
        assert_eq!(sum(&|row| row.conversions), Micros(figures.conversions * 1_000_000), "{statistics}: conversions");
        assert_eq!(rows.stats.iter().filter_map(|row| row.clicks).sum::<i64>(), figures.clicks, "{statistics}: clicks");
        assert_eq!(rows.stats.iter().filter_map(|row| row.impressions).sum::<i64>(), figures.impressions);
        let known: std::collections::HashSet<_> = names.objects.iter().map(|object| &object.external_id).collect();
        assert!(rows.stats.iter().all(|row| known.contains(&row.external_id)), "{statistics}: a row without a name");
    }
    let sample = vk.sample(&session, desk.today).await.unwrap();
    let month = desk.range(30);
    let spend = truth.totals(cabinet, month.from(), month.to()).unwrap().spend_kopecks;
    assert_eq!((sample.currency, sample.spend_30d), (Some(Currency::RUB), Some(Micros(spend * 10_000))));
    assert!(sample.campaigns.is_some_and(|count| count > 0) && sample.last_data.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ids_are_fetched_once_per_session_and_pages_follow_a_smaller_limit() {
    let desk = Desk::open(false, |scenario| scenario.max_page = 5);
    let vk = source().unwrap();
    let session = desk.session(json!({"page_size": 5}));
    let range = desk.range(70);
    let rows = read(&vk, &session, "banner_stats", range).await.batch.stats.len();
    let asked = desk.vk.requests().count_of("/banners.json");
    let banners = read(&vk, &session, "banners", range).await.batch.objects.len();
    assert!(banners > 10 && rows > banners);
    let pages = (banners / 5 + 1) as u64;
    assert!(asked > 1 && asked <= pages + 1, "{asked} requests for {banners} banners");
    read(&vk, &session, "banner_stats", range).await;
    assert_eq!(desk.vk.requests().count_of("statistics/banners"), 6, "two readings of three windows, one group each");
}
