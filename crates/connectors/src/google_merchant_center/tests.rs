//! Google Merchant Center end to end against its simulator: what arrives equals what was done with the shop's offers.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use super::SYSTEM;
use crate::trial::{Bench, Shown, Trial, read};
use chrono::{NaiveDate, Utc};
use kit::{battery, session::Session, source::Source, testing::CollectSink};
use model::{
    ad::{CampaignStat, Level, ObjectStatus},
    date::DateRange,
    failure::Code,
    money::{Currency, Micros, VatState},
};
use serde_json::{Value, json};
use simulators::{
    faults::{Fault, FaultKind, Hint},
    google_merchant_center::{self, Key, Rules, is_free, offer_of, shop_of},
    stage::{Platform, Scenario},
    world,
};
use std::collections::{BTreeMap, BTreeSet};

const HOSTS: [&str; 2] = ["https://merchantapi.googleapis.com", "https://oauth2.googleapis.com"];

/// A simulator and a way to open sessions over it.
struct Desk {
    trial: Trial,
    platform: Platform<Key>,
    key: Key,
}

impl Desk {
    /// With the sign-in of an agency, or of a shop without one.
    fn open(agency: bool, rules: Rules) -> Self {
        let today = Utc::now().date_naive();
        let platform = google_merchant_center::start(&Scenario::small(today), rules).unwrap();
        let key = platform.keys.iter().find(|key| key.provider.is_some() == agency).unwrap().clone();
        let sign_in = &key.sign_in;
        let secrets =
            [("client_secret", sign_in.client_secret.as_str()), ("refresh_token", sign_in.refresh_token.as_str())];
        let config = json!({"client_id": sign_in.client_id, "time_zone": "Europe/Moscow"});
        let mut trial = Trial::new(SYSTEM.id, (HOSTS[0], &platform.base_url), &config, &secrets);
        trial.hosts = HOSTS.iter().map(|host| ((*host).to_owned(), platform.base_url.clone())).collect();
        Self { trial: Trial { today, ..trial }, platform, key }
    }

    /// A session with the first shop.
    fn session(&self, more: &Value) -> Session {
        let mut config = json!({"merchant_id": self.key.shops[0].to_string()});
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.trial.session(&config)
    }

    fn ads(&self) -> Vec<u64> {
        self.platform.truth().objects(world::Level::Ad, self.key.cabinets[0]).unwrap()
    }

    /// The rows that have something, as they should arrive: conversions and revenue are those of free listings.
    fn truth(&self, level: Level, range: DateRange) -> Vec<CampaignStat> {
        let truth = self.platform.truth();
        let mut sums: BTreeMap<(String, NaiveDate), (world::Figures, Option<world::Figures>)> = BTreeMap::new();
        for ad in self.ads() {
            let id = if level == Level::Ad { offer_of(ad) } else { shop_of(self.key.cabinets[0]).to_string() };
            for date in range.days() {
                let figures = truth.object(world::Level::Ad, ad, date, date).unwrap();
                let sum = sums.entry((id.clone(), date)).or_default();
                sum.0 += figures;
                if is_free(ad) {
                    *sum.1.get_or_insert_default() += figures;
                }
            }
        }
        let happened = sums.into_iter().filter(|(_, (all, _))| all.impressions > 0 || all.clicks > 0);
        let rows = happened.map(|((external_id, date), (all, free))| CampaignStat {
            level,
            external_id,
            date,
            breakdown: String::new(),
            impressions: Some(all.impressions),
            clicks: Some(all.clicks),
            cost: None,
            currency: Currency::RUB,
            vat: VatState::Excluded,
            conversions: free.and_then(|free| Micros::whole(free.conversions)),
            revenue: free.map(|free| Micros(free.revenue_kopecks * 10_000)),
            visits: model::ad::Visits::default(),
        });
        rows.collect()
    }
}

const STATS: [(&str, Level); 2] = [("account_stats", Level::Account), ("product_stats", Level::Ad)];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shop_is_read_to_the_click_on_every_level() {
    // Small pages, so that there are several.
    let desk = Desk::open(true, Rules { page: 7, ..Rules::default() });
    let merchant = SYSTEM.source().unwrap();
    let accounts = merchant.accounts(&desk.trial.session(&json!({})), &|_| {}).await.unwrap();
    let found: Vec<_> = accounts.iter().map(|account| account.external_id.clone()).collect();
    // The advanced account, the shop that was given directly, and the others below, each once.
    let expected: Vec<_> = desk.key.provider.iter().chain(&desk.key.shops).map(u64::to_string).collect();
    assert_eq!(found, expected);
    assert_eq!(accounts[1].config["time_zone"], "Europe/Moscow");

    let session = desk.session(&Value::Object(accounts[1].config.clone()));
    let range = desk.trial.range(60);
    for (stream, level) in STATS {
        let rows = read(&merchant, &session, stream, range).await.batch;
        assert!(rows.rejected.is_empty(), "{stream}: {:?}", rows.rejected);
        let key = |row: &CampaignStat| (row.external_id.clone(), row.date);
        let (mut rows, mut expected) = (rows.stats, desk.truth(level, range));
        rows.sort_by_key(key);
        expected.sort_by_key(key);
        assert!(rows.len() > 20, "{stream}");
        assert_eq!(rows, expected, "{stream}");
    }
    let sample = merchant.sample(&session, desk.trial.today).await.unwrap();
    assert_eq!((sample.currency, sample.campaigns), (Some(Currency::RUB), None));
    assert!(sample.last_data.is_some());
    let truth = desk.platform.truth();
    for (date, total) in merchant.day_totals(&session, desk.trial.range(20)).await.unwrap().unwrap() {
        let figures = truth.totals(desk.key.cabinets[0], date, date).unwrap();
        assert_eq!((total.impressions, total.clicks), (Some(figures.impressions), Some(figures.clicks)), "{date}");
        assert_eq!(total.cost, None);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_offer_in_two_feeds_is_one_product() {
    let desk = Desk::open(false, Rules::default());
    let merchant = SYSTEM.source().unwrap();
    let accounts = merchant.accounts(&desk.trial.session(&json!({})), &|_| {}).await.unwrap();
    assert_eq!(accounts.len(), 1);
    let products = read(&merchant, &desk.session(&json!({})), "products", desk.trial.range(1)).await.batch;
    assert!(products.rejected.is_empty() && !products.objects.is_empty(), "{:?}", products.rejected);
    let found: BTreeSet<_> = products.objects.iter().map(|it| it.external_id.clone()).collect();
    let known: BTreeSet<_> = desk.ads().into_iter().map(offer_of).collect();
    assert!(found.len() == products.objects.len() && found.is_subset(&known));
    assert!(products.objects.iter().any(|it| it.status == ObjectStatus::Active));
    assert!(products.objects.iter().all(|it| it.status != ObjectStatus::Unknown && it.name != it.external_id));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_ends_a_read_ends_it_with_its_code() {
    let desk = Desk::open(true, Rules::default());
    let merchant = SYSTEM.source().unwrap();
    let inside = |code: &str| FaultKind::ErrorInside { code: code.to_owned() };
    for (kind, code) in [
        (FaultKind::WrongKey, Code::SignInRejected),
        (FaultKind::ExpireToken, Code::SignInRejected),
        (FaultKind::RevokeScope, Code::PermissionDenied),
        (FaultKind::ServerError { status: 503 }, Code::PlatformDown),
        (FaultKind::Throttle { hint: Hint::Body }, Code::TooManyRequests),
        (FaultKind::Throttle { hint: Hint::After { secs: 9_000 } }, Code::QuotaWait),
        (FaultKind::Html { status: 200 }, Code::NotJson),
        (FaultKind::TruncatedBody, Code::BodyTruncated),
        (inside("400"), Code::RequestRefused),
        (inside("410"), Code::VendorChanged),
        (FaultKind::RevokeToken, Code::SignInRejected),
    ] {
        desk.platform.faults().clear();
        let on = if kind == FaultKind::WrongKey { "" } else { "reports" };
        desk.platform.faults().add(Fault::always(kind.clone()).on(on));
        let slice = &merchant.slices("product_stats", desk.trial.range(5)).unwrap()[0];
        let outcome = merchant.read(&desk.session(&json!({})), slice, &mut CollectSink::default()).await;
        let failure = outcome.map_err(|failure| (failure.code, failure.to_string())).expect_err("it goes on");
        assert_eq!(failure.0, code, "{kind:?}: {}", failure.1);
    }
    // A shop of somebody else, and a Cloud project that nobody has registered.
    for (rules, shop) in [
        (Rules::default(), desk.platform.keys.last().unwrap().shops[0]),
        (Rules { registered: false, ..Rules::default() }, desk.key.shops[0]),
    ] {
        let desk = Desk::open(true, rules);
        let slice = &merchant.slices("account_stats", desk.trial.range(5)).unwrap()[0];
        let session = desk.session(&json!({"merchant_id": shop.to_string()}));
        let failure = merchant.read(&session, slice, &mut CollectSink::default()).await.unwrap_err();
        assert_eq!(failure.code, Code::PermissionDenied, "{failure}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_connector_passes_the_battery() {
    let desk = Desk::open(true, Rules::default());
    let days = desk.trial.range(40);
    let stats = STATS.map(|(stream, level)| (stream.to_owned(), desk.truth(level, days)));
    let accounts = desk.key.provider.iter().chain(&desk.key.shops).map(u64::to_string).collect();
    let truth = battery::Truth { accounts, days: Some(days), stats: stats.into(), ..battery::Truth::default() };
    let bench = Bench {
        trial: Trial { config: desk.session(&json!({})).config.as_ref().clone(), ..desk.trial.clone() },
        faults: desk.platform.faults(),
        reports: "reports:search",
        shows: &|fault| match fault {
            // What is gone is refused like what may not be seen; a sign-in that was taken back looks like one that has ended; nobody
            // says how many rows there are.
            battery::Fault::Gone | battery::Fault::Revoked | battery::Fault::LyingTotal => Shown::Never,
            battery::Fault::Forbidden => Shown::Fault(Fault::always(FaultKind::RevokeScope).on("reports:search")),
            _ => Shown::Usual,
        },
        planted: &|| (1..200).map(|turn| desk.key.sign_in.access_token(turn)).collect(),
    };
    let wrong = battery::run(&SYSTEM.source().unwrap(), &bench, &truth, desk.trial.today).await;
    assert!(wrong.is_empty(), "{wrong:#?}");
}
