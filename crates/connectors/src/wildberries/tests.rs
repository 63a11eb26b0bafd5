//! Wildberries promotion end to end against its simulator: what arrives equals the simulator's truth to the kopeck.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use super::SYSTEM;
use crate::trial::{self, Bench, Shown, Trial};
use kit::{
    battery,
    clock::Clock,
    http::{Http, HttpOptions},
    session::Session,
    source::Source,
    testing::{CollectSink, VirtualClock},
};
use model::{
    ad::{AdObject, CampaignStat, Level, ObjectStatus},
    date::DateRange,
    failure::Code,
    money::{Currency, Micros},
};
use serde_json::json;
use simulators::{
    calendar::{TimeFlow, Watch},
    faults::{Fault, FaultKind, Hint},
    stage::{Platform, Scenario},
    wildberries::{self, Key, Limits, Told},
    world,
};
use std::sync::Arc;

const HOSTS: [&str; 2] = ["https://advert-api.wildberries.ru", "https://common-api.wildberries.ru"];

/// A simulator and a way to open sessions over it.
struct Desk {
    trial: Trial,
    platform: Platform<Key>,
    key: Key,
}

impl Desk {
    fn open(limits: Limits, change: impl FnOnce(&mut Scenario)) -> Self {
        let today = chrono::Utc::now().date_naive();
        let mut scenario = Scenario::small(today);
        scenario.size.campaigns = 8;
        change(&mut scenario);
        let platform = wildberries::start(&scenario, limits).unwrap();
        let key = platform.keys[0].clone();
        let secrets = [("api_token", key.token.as_str())];
        let mut trial = Trial::new(SYSTEM.id, (HOSTS[0], &platform.base_url), &json!({}), &secrets);
        trial.hosts.push((HOSTS[1].to_owned(), platform.base_url.clone()));
        Self { trial: Trial { today, ..trial }, platform, key }
    }

    fn session(&self) -> Session {
        self.trial.session(&json!({}))
    }

    fn campaigns(&self, range: DateRange) -> Vec<CampaignStat> {
        let levels = (world::Level::Campaign, Level::Campaign);
        trial::delivered(&self.platform.truth(), self.key.cabinet, levels, range, |id| Some(id.to_string()))
    }

    fn products(&self, range: DateRange) -> Vec<CampaignStat> {
        let levels = (world::Level::Ad, Level::Ad);
        trial::delivered(&self.platform.truth(), self.key.cabinet, levels, range, |id| {
            let promoted = self.key.promoted.iter().find(|(_, article)| *article == id);
            promoted.map(|(campaign, article)| format!("{campaign}:{article}"))
        })
    }

    /// Requests whose path ends so: those with an answer, those without statistics, and those that were too many.
    fn asked(&self, path: &str) -> [usize; 3] {
        let seen = self.platform.requests().entries();
        let seen = seen.iter().filter(|seen| seen.path.ends_with(path));
        [200, 400, 429].map(|status| seen.clone().filter(|seen| seen.status == status).count())
    }
}

fn object(told: &Told) -> AdObject {
    match told.campaign {
        None => AdObject {
            level: Level::Campaign,
            external_id: told.id.to_string(),
            parent_external_id: None,
            name: told.name.clone(),
            status: if told.status == 9 { ObjectStatus::Active } else { ObjectStatus::Stopped },
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

fn sorted(mut rows: Vec<CampaignStat>) -> Vec<CampaignStat> {
    rows.sort_by_key(|row| (row.external_id.clone(), row.date));
    rows
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_seller_is_found_and_looked_into() {
    let desk = Desk::open(Limits::Off, |_| {});
    let source = SYSTEM.source().unwrap();
    let accounts = source.accounts(&desk.session(), &|_| {}).await.unwrap();
    assert_eq!(accounts.len(), 1);
    assert_eq!((&accounts[0].external_id, &accounts[0].name), (&desk.key.sid, &desk.key.shop));
    assert_eq!(accounts[0].currency, None, "a campaign tells it");

    let sample = source.sample(&desk.session(), desk.trial.today).await.unwrap();
    let (month, truth) = (desk.trial.range(30), desk.platform.truth());
    let spend = truth.totals(desk.key.cabinet, month.from(), month.to()).unwrap().spend_kopecks;
    assert!(spend > 0);
    assert_eq!(sample.spend_30d, Some(Micros(spend * 10_000)));
    assert_eq!(sample.campaigns, u32::try_from(desk.key.campaigns.len()).ok());
    assert_eq!(sample.currency, Some(Currency::RUB));
    assert!(sample.last_data.is_some());
    // The platform has no sums of days that statistics agree with: write-offs are another count.
    assert_eq!(source.day_totals(&desk.session(), month).await.unwrap(), None);
}

/// More campaigns than a request takes, three windows, and the platform's own limits: nothing is refused, and products cost no request.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pace_is_kept_and_products_come_out_of_the_same_answers() {
    let noon = chrono::Utc::now().date_naive().and_hms_opt(12, 0, 0).unwrap().and_utc();
    let clock = VirtualClock::at(noon);
    let watch = {
        let clock = Arc::clone(&clock);
        Watch(Arc::new(move || clock.now()))
    };
    let desk = Desk::open(Limits::Vendor, |scenario| {
        scenario.size.campaigns = 60;
        scenario.time = TimeFlow::Led(watch);
    });
    let mut options = HttpOptions::new(SYSTEM.id, "shop");
    options.clock = clock.clone();
    options.url_map.clone_from(&desk.trial.hosts);
    let session = Session { http: Http::new(options).unwrap(), clock: clock.clone(), ..desk.session() };
    let source = SYSTEM.source().unwrap();
    let days = desk.trial.range(90);
    let with_figures = desk.key.campaigns.iter().filter(|it| [7, 9, 11].contains(&it.status)).count();
    assert!(with_figures > 50);
    let read = trial::read(&source, &session, "campaign_stats", days).await.batch;
    assert!(read.rejected.is_empty(), "{:?}", read.rejected.first());
    assert_eq!(sorted(read.stats), sorted(desk.campaigns(days)));
    let [answers, empty, refused] = desk.asked("/fullstats");
    assert_eq!((answers + empty, refused), (2 * 3, 0));
    assert!((clock.now() - noon).num_seconds() >= 100, "one in twenty seconds");

    let read = trial::read(&source, &session, "product_stats", days).await.batch;
    assert!(read.rejected.is_empty(), "{:?}", read.rejected.first());
    assert_eq!(sorted(read.stats), sorted(desk.products(days)));
    // Answers are kept, refusals are not: a group of campaigns without statistics in a window is asked for again.
    assert_eq!(desk.asked("/fullstats"), [answers, 2 * empty, 0]);
    let names = trial::read(&source, &session, "products", days).await.batch;
    assert_eq!(names.objects.len(), desk.key.products.len());
    assert_eq!((desk.asked("/promotion/count"), desk.asked("/adverts")), ([1, 0, 0], [2, 0, 0]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_time_without_statistics_is_empty_and_not_wrong() {
    let desk = Desk::open(Limits::Off, |_| {});
    let source = SYSTEM.source().unwrap();
    let before = DateRange::new("2020-01-01".parse().unwrap(), "2020-01-10".parse().unwrap()).unwrap();
    for stream in ["campaign_stats", "product_stats"] {
        let read = trial::read(&source, &desk.session(), stream, before).await.batch;
        assert!(read.stats.is_empty() && read.rejected.is_empty(), "{stream}");
    }
    let seen = desk.platform.requests().entries();
    assert!(seen.iter().any(|seen| seen.path.ends_with("/fullstats") && seen.status == 400));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_say_what_a_person_can_do() {
    let desk = Desk::open(Limits::Off, |_| {});
    let source = SYSTEM.source().unwrap();
    let server = |status| FaultKind::ServerError { status };
    let rows = [
        ("campaign_stats", Fault::always(server(400)).on("fullstats"), Code::RequestRefused),
        ("campaign_stats", Fault::always(server(503)).on("fullstats"), Code::PlatformDown),
        ("campaigns", Fault::always(server(401)).on("promotion/count"), Code::SignInRejected),
        ("campaigns", Fault::always(server(403)).on("adverts"), Code::PermissionDenied),
        ("product_stats", Fault::always(server(404)).on("fullstats"), Code::VendorChanged),
        (
            "campaign_stats",
            Fault::always(FaultKind::MissingField { field: "days".into() }).on("fullstats"),
            Code::VendorChanged,
        ),
        (
            "product_stats",
            Fault::always(FaultKind::Throttle { hint: Hint::Body }).on("fullstats"),
            Code::TooManyRequests,
        ),
    ];
    for (stream, fault, code) in rows {
        desk.platform.faults().clear();
        desk.platform.faults().add(fault.clone());
        let slices = source.slices(stream, desk.trial.range(7)).unwrap();
        let failure = source.read(&desk.session(), &slices[0], &mut CollectSink::default()).await.unwrap_err();
        assert_eq!(failure.code, code, "{fault:?}: {failure}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn figures_that_are_none_are_put_aside_and_the_rest_is_kept() {
    let desk = Desk::open(Limits::Off, |_| {});
    let source = SYSTEM.source().unwrap();
    let week = desk.trial.range(7);
    for stream in ["campaign_stats", "product_stats"] {
        for fault in [
            FaultKind::GarbageNumbers,
            FaultKind::NegativeNumbers,
            FaultKind::MissingField { field: "sum".into() },
            FaultKind::MissingField { field: "nms".into() },
            FaultKind::MissingField { field: "days".into() },
        ] {
            let missing = |name: &str| matches!(&fault, FaultKind::MissingField { field } if field == name);
            if stream == "campaign_stats" && (missing("nms") || missing("days")) {
                continue;
            }
            desk.platform.faults().clear();
            desk.platform.faults().add(Fault::always(fault.clone()).on("fullstats"));
            let read = trial::read(&source, &desk.session(), stream, week).await.batch;
            assert!(read.stats.is_empty() && !read.rejected.is_empty(), "{stream} {fault:?}");
        }
        // A campaign in another currency than the connection's.
        desk.platform.faults().clear();
        let session = desk.trial.session(&json!({"currency": "BYN"}));
        let read = trial::read(&source, &session, stream, week).await.batch;
        assert!(read.stats.is_empty() && !read.rejected.is_empty(), "{stream}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_connector_passes_the_battery() {
    let desk = Desk::open(Limits::Off, |_| {});
    let source = SYSTEM.source().unwrap();
    let days = desk.trial.range(40);
    let truth = battery::Truth {
        accounts: [desk.key.sid.clone()].into(),
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
        reports: "fullstats",
        shows: &|fault| match fault {
            battery::Fault::Gone => Shown::Fault(Fault::always(FaultKind::ServerError { status: 404 }).on("fullstats")),
            // A token that was taken back is refused like a wrong one, one that ended in the middle of a run, too; lists have no total.
            battery::Fault::Revoked | battery::Fault::ExpiredToken | battery::Fault::LyingTotal => Shown::Never,
            _ => Shown::Usual,
        },
        planted: &Vec::new,
    };
    let wrong = battery::run(&source, &bench, &truth, desk.trial.today).await;
    assert!(wrong.is_empty(), "{wrong:#?}");
}
