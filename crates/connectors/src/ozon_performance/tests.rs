//! Ozon Performance end to end against its simulator: what arrives equals the simulator's truth to the kopeck.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use super::SYSTEM;
use crate::trial::{self, Bench, Shown, Trial};
use kit::{battery, session::Session, source::Source};
use model::{
    ad::{AdObject, CampaignStat, Level, ObjectStatus},
    date::DateRange,
    failure::Code,
    money::{Currency, Micros},
};
use serde_json::json;
use simulators::{
    faults::{Fault, FaultKind},
    ozon_performance::{self, Key, Making, Told},
    stage::{Platform, Scenario},
    world::{self, Status},
};

const HOST: &str = "https://api-performance.ozon.ru";

/// A simulator and a way to open sessions over it.
struct Desk {
    trial: Trial,
    platform: Platform<Key>,
    key: Key,
}

impl Desk {
    fn open(making: Making, change: impl FnOnce(&mut Scenario)) -> Self {
        let today = chrono::Utc::now().date_naive();
        let mut scenario = Scenario::small(today);
        // Campaigns of other kinds than products among them.
        scenario.size.campaigns = 8;
        change(&mut scenario);
        let platform = ozon_performance::start(&scenario, making).unwrap();
        let key = platform.keys[0].clone();
        let (config, secrets) = (json!({"client_id": key.client_id}), [("client_secret", key.client_secret.as_str())]);
        let trial = Trial::new(SYSTEM.id, (HOST, &platform.base_url), &config, &secrets);
        Self { trial: Trial { today, ..trial }, platform, key }
    }

    fn session(&self) -> Session {
        self.trial.session(&json!({}))
    }

    /// Rows of campaigns.
    fn campaigns(&self, range: DateRange) -> Vec<CampaignStat> {
        let levels = (world::Level::Campaign, Level::Campaign);
        trial::delivered(&self.platform.truth(), self.key.cabinet, levels, range, |id| Some(id.to_string()))
    }

    /// Rows of products, in campaigns of products.
    fn products(&self, range: DateRange) -> Vec<CampaignStat> {
        let levels = (world::Level::Ad, Level::Ad);
        trial::delivered(&self.platform.truth(), self.key.cabinet, levels, range, |id| {
            let promoted = self.key.promoted.iter().find(|(_, sku)| *sku == id);
            promoted.map(|(campaign, sku)| format!("{campaign}:{sku}"))
        })
    }
}

fn object(told: &Told) -> AdObject {
    let status = match told.status {
        Status::Active => ObjectStatus::Active,
        Status::Stopped => ObjectStatus::Stopped,
        Status::Deleted => ObjectStatus::Deleted,
    };
    match told.campaign {
        None => AdObject {
            level: Level::Campaign,
            external_id: told.id.to_string(),
            parent_external_id: None,
            name: told.name.clone(),
            status,
            landing_url: None,
        },
        // How a product is, is not told.
        Some(campaign) => AdObject {
            level: Level::Ad,
            external_id: format!("{campaign}:{}", told.id),
            parent_external_id: Some(campaign.to_string()),
            name: format!("{}, {}", told.name, told.id),
            status: ObjectStatus::Unknown,
            landing_url: None,
        },
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cabinet_is_found_looked_into_and_compared() {
    let desk = Desk::open(Making::USUAL, |_| {});
    let source = SYSTEM.source().unwrap();
    // People copy the number of the service account.
    let number = desk.key.client_id.split('@').next().unwrap();
    let short = desk.trial.session(&json!({"client_id": format!(" {number} "), "cabinet_name": "Ромашка"}));
    let accounts = source.accounts(&short, &|_| {}).await.unwrap();
    assert_eq!(accounts.len(), 1);
    assert_eq!((accounts[0].external_id.as_str(), accounts[0].name.as_str()), (number, "Ромашка"));
    assert_eq!(accounts[0].currency, Some(Currency::RUB));
    let unnamed = source.accounts(&desk.session(), &|_| {}).await.unwrap();
    assert_eq!(unnamed[0].name, format!("Ozon {number}"));

    let session = desk.session();
    let sample = source.sample(&session, desk.trial.today).await.unwrap();
    let (month, truth) = (desk.trial.range(30), desk.platform.truth());
    let spend = truth.totals(desk.key.cabinet, month.from(), month.to()).unwrap().spend_kopecks;
    assert!(spend > 0);
    assert_eq!(sample.spend_30d, Some(Micros(spend * 10_000)));
    let live = desk.key.campaigns.iter().filter(|campaign| campaign.status != Status::Deleted).count();
    assert!(live < desk.key.campaigns.len(), "one is archived");
    assert_eq!(sample.campaigns, u32::try_from(live).ok());
    assert!(sample.last_data.is_some());

    let week = desk.trial.range(7);
    let totals = source.day_totals(&session, week).await.unwrap().unwrap();
    assert!(!totals.is_empty());
    for (date, total) in totals {
        let spend = truth.totals(desk.key.cabinet, date, date).unwrap().spend_kopecks;
        assert_eq!((total.impressions, total.clicks), (None, None), "expenses tell money alone");
        assert_eq!(total.cost, Some(Micros(spend * 10_000)), "{date}");
    }
}

/// Ten campaigns a report and one report at a time, also while another program has the place and after reports that failed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reports_are_ordered_one_after_the_other() {
    let making = Making { busy: 3, errors: 1, ..Making::USUAL };
    let desk = Desk::open(making, |scenario| scenario.size.campaigns = 24);
    assert!(desk.key.by_products.len() > 10);
    let source = SYSTEM.source().unwrap();
    let days = desk.trial.range(90);
    let mut read = trial::read(&source, &desk.session(), "product_stats", days).await.batch;
    assert!(read.rejected.is_empty(), "{:?}", read.rejected.first());
    let mut expected = desk.products(days);
    for rows in [&mut read.stats, &mut expected] {
        rows.sort_by_key(|row| (row.external_id.clone(), row.date));
    }
    assert!(expected.len() > 100 && read.stats == expected, "{} rows, {} expected", read.stats.len(), expected.len());
    let orders = desk.platform.requests().entries().into_iter().filter(|seen| seen.path.ends_with("/statistics/json"));
    let taken = orders.clone().filter(|seen| seen.status == 200).count();
    // Two windows of ninety days, and the one that failed.
    assert_eq!(taken, 2 * desk.key.by_products.len().div_ceil(10) + 1);
    assert_eq!(orders.filter(|seen| seen.status == 429).count(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_say_what_a_person_can_do() {
    let desk = Desk::open(Making::USUAL, |_| {});
    let source = SYSTEM.source().unwrap();
    let server = |status| FaultKind::ServerError { status };
    let rows = [
        ("campaign_stats", Fault::always(server(400)).on("daily"), Code::RequestRefused),
        ("campaign_stats", Fault::always(server(503)).on("daily"), Code::PlatformDown),
        (
            "campaign_stats",
            Fault::always(FaultKind::ErrorInside { code: "no".into() }).on("daily"),
            Code::VendorChanged,
        ),
        ("campaign_stats", Fault::always(server(401)).on("/token"), Code::SignInRejected),
        ("campaign_stats", Fault::always(server(403)).on("/token"), Code::PermissionDenied),
        ("product_stats", Fault::always(server(404)).on("statistics/report"), Code::VendorChanged),
        ("product_stats", Fault::always(server(400)).on("statistics/json"), Code::RequestRefused),
        // The day's exports are used up; nothing says for how long.
        (
            "product_stats",
            Fault::always(FaultKind::Throttle { hint: simulators::faults::Hint::Body }).on("statistics/json"),
            Code::TooManyRequests,
        ),
    ];
    for (stream, fault, code) in rows {
        desk.platform.faults().clear();
        desk.platform.faults().add(fault.clone());
        let slices = source.slices(stream, desk.trial.range(7)).unwrap();
        let mut sink = kit::testing::CollectSink::default();
        let failure = source.read(&desk.session(), &slices[0], &mut sink).await.unwrap_err();
        assert_eq!(failure.code, code, "{fault:?}: {failure}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn figures_that_are_none_are_put_aside_and_the_rest_is_kept() {
    let desk = Desk::open(Making::USUAL, |_| {});
    let source = SYSTEM.source().unwrap();
    let week = desk.trial.range(7);
    for (stream, path) in [("campaign_stats", "daily"), ("product_stats", "statistics/report")] {
        for fault in [FaultKind::GarbageNumbers, FaultKind::MissingField { field: "moneySpent".into() }] {
            desk.platform.faults().clear();
            desk.platform.faults().add(Fault::always(fault.clone()).on(path));
            let read = trial::read(&source, &desk.session(), stream, week).await.batch;
            assert!(read.stats.is_empty() && !read.rejected.is_empty(), "{stream} {fault:?}: {:?}", read.stats.first());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_connector_passes_the_battery() {
    let desk = Desk::open(Making::USUAL, |_| {});
    let source = SYSTEM.source().unwrap();
    let days = desk.trial.range(40);
    let number = desk.key.client_id.split('@').next().unwrap().to_owned();
    let truth = battery::Truth {
        accounts: [number].into(),
        objects: [
            ("campaigns".to_owned(), desk.key.campaigns.iter().map(object).collect()),
            ("products".to_owned(), desk.key.products.iter().map(object).collect()),
        ]
        .into(),
        stats: [("campaign_stats".to_owned(), desk.campaigns(days)), ("product_stats".to_owned(), desk.products(days))]
            .into(),
        days: Some(days),
    };
    assert!(truth.stats.values().all(|rows| rows.len() > 10) && truth.objects.values().all(|all| all.len() > 3));
    let bench = Bench {
        trial: desk.trial.clone(),
        faults: desk.platform.faults(),
        reports: "statistics",
        shows: &|fault| match fault {
            battery::Fault::Gone => {
                Shown::Fault(Fault::always(FaultKind::ServerError { status: 404 }).on("statistics/daily"))
            }
            // A key that was taken back is refused like a wrong one.
            battery::Fault::Revoked => Shown::Never,
            _ => Shown::Usual,
        },
        planted: &Vec::new,
    };
    let wrong = battery::run(&source, &bench, &truth, desk.trial.today).await;
    assert!(wrong.is_empty(), "{wrong:#?}");
}
