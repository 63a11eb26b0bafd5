//! VK's former cabinet end to end against its simulator: what arrives equals the simulator's truth to the kopeck.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use super::SYSTEM;
use crate::trial::{self, Bench, Shown, Trial, read};
use kit::{battery, session::Session, source::Source, testing::CollectSink};
use model::{
    ad::{CampaignStat, Level, ObjectStatus},
    date::DateRange,
    failure::Code,
    money::{Currency, Micros},
};
use serde_json::{Value, json};
use simulators::{
    faults::{Fault, FaultKind},
    stage::{Platform, Scenario},
    vk_ads_legacy::{self, Key, Limits, id_of},
    world,
};
use std::collections::HashSet;

const HOST: &str = "https://api.vk.com";

/// A simulator and a way to open sessions over it.
struct Desk {
    trial: Trial,
    platform: Platform<Key>,
    key: Key,
}

impl Desk {
    fn open(agency: bool, limits: Limits, change: impl FnOnce(&mut Scenario)) -> Self {
        let today = chrono::Utc::now().date_naive();
        let mut scenario = Scenario::small(today);
        change(&mut scenario);
        let platform = vk_ads_legacy::start(&scenario, limits).unwrap();
        let key = platform.keys.iter().find(|key| key.agency == agency).unwrap().clone();
        let trial = Trial::new(SYSTEM.id, (HOST, &platform.base_url), &json!({}), &[("access_token", &key.token)]);
        Self { trial: Trial { today, ..trial }, platform, key }
    }

    /// Of an agency with two clients, or of an advertiser.
    fn small(agency: bool) -> Self {
        Self::open(agency, Limits::default(), |_| {})
    }

    /// The settings that select the first account.
    fn selects(&self) -> Value {
        match self.key.clients.first() {
            Some(client) => json!({"account_id": self.key.account_id, "client_id": client}),
            None => json!({"account_id": self.key.account_id}),
        }
    }

    fn first(&self) -> Session {
        self.trial.session(&self.selects())
    }

    /// How the account itself is called in statistics.
    fn account(&self) -> String {
        self.key.clients.first().unwrap_or(&self.key.account_id).clone()
    }

    /// The rows of a level that have something, as they should arrive.
    fn truth(&self, of: world::Level, level: Level, range: DateRange) -> Vec<CampaignStat> {
        let name = |id| Some(if of == world::Level::Cabinet { self.account() } else { id_of(of, id) });
        let rows = trial::delivered(&self.platform.truth(), self.key.cabinets[0], (of, level), range, name);
        // Without conversions the platform does not say what they were worth.
        let worth = |row: &CampaignStat| row.revenue.filter(|_| row.conversions > Some(Micros::ZERO));
        rows.into_iter().map(|row| CampaignStat { revenue: worth(&row), ..row }).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cabinet_and_an_agencys_clients_are_found_looked_into_and_compared() {
    for agency in [true, false] {
        let desk = Desk::small(agency);
        let source = SYSTEM.source().unwrap();
        let accounts = source.accounts(&desk.trial.session(&json!({})), &|_| {}).await.unwrap();
        let found: Vec<_> = accounts.iter().map(|account| account.external_id.clone()).collect();
        let expected = if agency { desk.key.clients.clone() } else { vec![desk.key.account_id.clone()] };
        assert_eq!(found, expected);
        assert!(accounts.iter().all(|account| account.currency == Some(Currency::RUB)));
        assert_eq!(Value::Object(accounts[0].config.clone()), desk.selects());

        let session = desk.trial.session(&Value::Object(accounts[0].config.clone()));
        let sample = source.sample(&session, desk.trial.today).await.unwrap();
        let truth = desk.platform.truth();
        let cabinet = desk.key.cabinets[0];
        let month = desk.trial.range(30);
        let spend = truth.totals(cabinet, month.from(), month.to()).unwrap().spend_kopecks;
        assert_eq!(sample.spend_30d, Some(Micros(spend * 10_000)));
        assert!(sample.campaigns.is_some_and(|count| count > 0) && sample.last_data.is_some());

        let days = desk.trial.range(80);
        let totals = source.day_totals(&session, days).await.unwrap().unwrap();
        let alive = days.days().filter(|day| truth.totals(cabinet, *day, *day).unwrap() != world::Figures::default());
        assert_eq!(totals.len(), alive.count());
        for (date, total) in totals {
            let figures = truth.totals(cabinet, date, date).unwrap();
            assert_eq!((total.impressions, total.clicks), (Some(figures.impressions), Some(figures.clicks)), "{date}");
            assert_eq!(total.cost, Some(Micros(figures.spend_kopecks * 10_000)), "{date}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_row_has_a_name_also_of_what_was_deleted() {
    for agency in [true, false] {
        let desk = Desk::small(agency);
        let source = SYSTEM.source().unwrap();
        // Two ads at a time: the campaigns' lists have pages.
        let mut config = desk.selects();
        config["page_size"] = json!(2);
        let session = desk.trial.session(&config);
        let mut above: Option<HashSet<String>> = None;
        let mut deleted = 0;
        for (dictionary, statistics, of, level) in [
            ("campaigns", "campaign_stats", world::Level::Campaign, Level::Campaign),
            ("ads", "ad_stats", world::Level::Ad, Level::Ad),
        ] {
            let names = read(&source, &session, dictionary, desk.trial.range(1)).await.batch;
            assert!(names.rejected.is_empty(), "{dictionary}: {:?}", names.rejected);
            let truth = desk.platform.truth().objects(of, desk.key.cabinets[0]).unwrap();
            let known: HashSet<_> = names.objects.iter().map(|object| object.external_id.clone()).collect();
            assert_eq!(known, truth.into_iter().map(|id| id_of(of, id)).collect(), "{dictionary}");
            assert!(names.objects.iter().all(|object| object.status != ObjectStatus::Unknown));
            deleted += names.objects.iter().filter(|object| object.status == ObjectStatus::Deleted).count();
            let mut parents = names.objects.iter().map(|object| object.parent_external_id.clone());
            match &above {
                None => assert!(parents.all(|parent| parent.is_none())),
                Some(above) => assert!(parents.all(|parent| above.contains(&parent.unwrap()))),
            }
            let rows = read(&source, &session, statistics, desk.trial.range(80)).await.batch;
            assert!(rows.rejected.is_empty(), "{statistics}: {:?}", rows.rejected);
            assert!(
                rows.stats.iter().all(|row| row.level == level && known.contains(&row.external_id)),
                "{statistics}"
            );
            above = Some(known);
        }
        assert!(deleted > 0);
    }
}

/// Many ads go into few questions, none of them too long, and nothing is lost between them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ids_are_asked_for_in_groups() {
    let desk = Desk::open(false, Limits::default(), |scenario| {
        (scenario.size.campaigns, scenario.size.groups, scenario.size.ads) = (12, 3, 4);
        scenario.size.varied_over_days = None;
    });
    let source = SYSTEM.source().unwrap();
    let range = desk.trial.range(10);
    let rows = read(&source, &desk.first(), "ad_stats", range).await.batch;
    let figures = desk.platform.truth().totals(desk.key.cabinets[0], range.from(), range.to()).unwrap();
    assert_eq!(rows.stats.iter().filter_map(|row| row.impressions).sum::<i64>(), figures.impressions);
    assert_eq!(rows.stats.iter().filter_map(|row| row.cost).sum::<Micros>(), Micros(figures.spend_kopecks * 10_000));
    assert_eq!(desk.platform.requests().count_of("ads.getStatistics"), 2, "144 ads");
    assert_eq!(desk.platform.requests().count_of("ads.getAds"), 12);
}

/// The manifest's own pace: no second has more than three calls.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_keep_the_pace_that_the_manifest_declares() {
    let desk = Desk::small(true);
    let source = SYSTEM.source().unwrap();
    let session = desk.first();
    for stream in ["ads", "campaign_stats", "ad_stats"] {
        read(&source, &session, stream, desk.trial.range(80)).await;
    }
    let mut sent: Vec<_> = desk.trial.log.requests().iter().map(|request| request.at).collect();
    sent.sort();
    assert!(sent.len() > 8, "{} requests", sent.len());
    for four in sent.windows(4) {
        assert!(four[3] - four[0] >= chrono::TimeDelta::seconds(1), "{four:?}");
    }
}

/// The present of these simulators does not pass, so the waits end in a refusal that says what it was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_that_do_not_end_are_refusals_in_the_platforms_words() {
    for (limits, words) in [
        (Limits { per_second: Some(1), actions: None }, "Too many requests per second (6)"),
        (
            Limits { per_second: None, actions: Some(4) },
            "Permission denied. You have requested too many actions this day. Try later. (601)",
        ),
    ] {
        let desk = Desk::open(false, limits, |scenario| scenario.time = simulators::calendar::TimeFlow::Manual);
        let source = SYSTEM.source().unwrap();
        let slice = &source.slices("campaign_stats", desk.trial.range(10)).unwrap()[0];
        let failure = source.read(&desk.first(), slice, &mut CollectSink::default()).await.unwrap_err();
        assert_eq!((failure.code, failure.detail.as_deref()), (Code::TooManyRequests, Some(words)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_ends_a_read_ends_it_with_its_code() {
    let desk = Desk::small(true);
    let source = SYSTEM.source().unwrap();
    let inside = |code: &str| FaultKind::ErrorInside { code: code.to_owned() };
    for (kind, stream, code) in [
        (inside("1"), "campaigns", Code::PlatformDown),
        (inside("9"), "ad_stats", Code::TooManyRequests),
        (inside("14"), "ads", Code::SignInRejected),
        (inside("15"), "campaigns", Code::PermissionDenied),
        (inside("17"), "campaigns", Code::SignInRejected),
        (inside("29"), "ads", Code::TooManyRequests),
        (inside("100"), "ad_stats", Code::RequestRefused),
        (inside("603"), "campaign_stats", Code::TooManyRequests),
        (inside("629"), "campaign_stats", Code::VendorChanged),
        // For good, so it is the last.
        (FaultKind::RevokeToken, "campaign_stats", Code::SignInRejected),
    ] {
        desk.platform.faults().clear();
        desk.platform.faults().add(Fault::always(kind.clone()));
        let slice = &source.slices(stream, desk.trial.range(10)).unwrap()[0];
        let failure = source.read(&desk.first(), slice, &mut CollectSink::default()).await.unwrap_err();
        assert_eq!(failure.code, code, "{kind:?} on {stream}: {failure}");
    }
    // A client of somebody else, and an agency without one.
    for (config, code) in [
        (json!({"account_id": desk.key.account_id, "client_id": "1"}), Code::PermissionDenied),
        (json!({"account_id": desk.key.account_id}), Code::RequestRefused),
    ] {
        let desk = Desk::small(true);
        let slice = &source.slices("campaigns", desk.trial.range(10)).unwrap()[0];
        let failure = source.read(&desk.trial.session(&config), slice, &mut CollectSink::default()).await.unwrap_err();
        assert_eq!(failure.code, code, "{config}: {failure}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_connector_passes_the_battery() {
    for agency in [true, false] {
        let desk = Desk::small(agency);
        let source = SYSTEM.source().unwrap();
        let days = desk.trial.range(40);
        let stats = [
            ("campaign_stats", world::Level::Campaign, Level::Campaign),
            ("ad_stats", world::Level::Ad, Level::Ad),
            ("account_stats", world::Level::Cabinet, Level::Account),
        ]
        .map(|(stream, of, level)| (stream.to_owned(), desk.truth(of, level, days)));
        let accounts = if agency { desk.key.clients.clone() } else { vec![desk.key.account_id.clone()] };
        let truth = battery::Truth {
            accounts: accounts.into_iter().collect(),
            days: Some(days),
            stats: stats.into(),
            ..battery::Truth::default()
        };
        let bench = Bench {
            trial: Trial { config: desk.first().config.as_ref().clone(), ..desk.trial.clone() },
            faults: desk.platform.faults(),
            reports: "getStatistics",
            shows: &|fault| match fault {
                battery::Fault::Gone => {
                    Shown::Fault(Fault::always(FaultKind::ErrorInside { code: "629".to_owned() }).on("getStatistics"))
                }
                // A token does not end, and says nothing of why it died; lists have no totals.
                battery::Fault::ExpiredToken | battery::Fault::Revoked | battery::Fault::LyingTotal => Shown::Never,
                _ => Shown::Usual,
            },
            planted: &Vec::new,
        };
        let wrong = battery::run(&source, &bench, &truth, desk.trial.today).await;
        assert!(wrong.is_empty(), "{agency}: {wrong:#?}");
    }
}
