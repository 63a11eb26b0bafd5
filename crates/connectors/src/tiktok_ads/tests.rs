//! TikTok Ads end to end against its simulator: what arrives equals the simulator's truth to the cent.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use super::{HOST, SYSTEM};
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
    tiktok_ads::{self, CURRENCY, Key, Limits, id_of},
    world,
};
use std::collections::HashSet;

/// Statistics by level: stream, level of the world, level of ours.
const STATS: [(&str, world::Level, Level); 4] = [
    ("campaign_stats", world::Level::Campaign, Level::Campaign),
    ("ad_group_stats", world::Level::Group, Level::AdGroup),
    ("ad_stats", world::Level::Ad, Level::Ad),
    ("account_stats", world::Level::Cabinet, Level::Account),
];

/// A simulator and a way to open sessions over it.
struct Desk {
    trial: Trial,
    platform: Platform<Key>,
    key: Key,
    euro: Currency,
}

impl Desk {
    /// With a token that somebody has already.
    fn open(limits: Limits) -> Self {
        let today = chrono::Utc::now().date_naive();
        let platform = tiktok_ads::start(&Scenario::small(today), limits).unwrap();
        let key = platform.keys[0].clone();
        let config = json!({"app_id": key.app_id, "currency": CURRENCY});
        let secrets = [("secret", key.secret.as_str()), ("access_token", key.token.as_str())];
        let trial = Trial::new(SYSTEM.id, (HOST, &platform.base_url), &config, &secrets);
        Self { trial: Trial { today, ..trial }, platform, key, euro: CURRENCY.parse().unwrap() }
    }

    fn first(&self) -> Session {
        self.trial.session(&json!({"advertiser_id": self.key.advertisers[0]}))
    }

    /// The rows of a level that have something, as they should arrive.
    fn truth(&self, of: world::Level, level: Level, range: DateRange) -> Vec<CampaignStat> {
        let name = |id| Some(id_of(of, id));
        let rows = trial::delivered(&self.platform.truth(), self.key.cabinets[0], (of, level), range, name);
        // Without conversions the platform does not say what they were worth.
        let worth = |row: &CampaignStat| row.revenue.filter(|_| row.conversions > Some(Micros::ZERO));
        rows.into_iter().map(|row| CampaignStat { currency: self.euro, revenue: worth(&row), ..row }).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consent_becomes_a_lasting_token_and_its_code_works_once() {
    let desk = Desk::open(Limits::default());
    let source = SYSTEM.source().unwrap();
    let with_code = |more: &[(&str, &str)]| {
        let secrets = [("secret", desk.key.secret.as_str()), ("auth_code", desk.key.auth_code.as_str())];
        let secrets = secrets.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Trial { secrets: secrets.collect(), ..desk.trial.clone() }.session(&json!({}))
    };
    let session = with_code(&[]);
    let accounts = source.accounts(&session, &|_| {}).await.unwrap();
    let found: Vec<_> = accounts.iter().map(|account| account.external_id.clone()).collect();
    assert_eq!(found, desk.key.advertisers);
    let kept = session.credentials.load().await.unwrap();
    assert_ne!(kept["access_token"].expose(), desk.key.token);
    assert_eq!(kept["granted_scopes"].expose(), "4 200 210");
    assert!(!desk.trial.log.everything().contains(kept["access_token"].expose()));

    // The code is used up: only the token that it gave goes on working, and goes before the code.
    let failure = source.accounts(&with_code(&[]), &|_| {}).await.unwrap_err();
    assert_eq!(failure.code, Code::SignInRejected, "{failure}");
    source.accounts(&with_code(&[("access_token", kept["access_token"].expose())]), &|_| {}).await.unwrap();
    // Nothing to sign in with.
    let without = Trial { secrets: vec![("secret".to_owned(), desk.key.secret.clone())], ..desk.trial.clone() };
    let failure = source.accounts(&without.session(&json!({})), &|_| {}).await.unwrap_err();
    assert_eq!((failure.code, failure.params["field"].as_str()), (Code::SettingInvalid, "auth_code"));
    // Another application's secret.
    let other = desk.platform.keys[1].secret.as_str();
    let secrets = vec![("secret".to_owned(), other.to_owned()), ("access_token".to_owned(), desk.key.token.clone())];
    let other = Trial { secrets, ..desk.trial.clone() };
    let failure = source.accounts(&other.session(&json!({})), &|_| {}).await.unwrap_err();
    assert_eq!(failure.code, Code::SignInRejected, "{failure}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_advertiser_is_found_looked_into_and_compared() {
    let desk = Desk::open(Limits::default());
    let source = SYSTEM.source().unwrap();
    let accounts = source.accounts(&desk.trial.session(&json!({})), &|_| {}).await.unwrap();
    assert!(accounts.len() > 1 && accounts.iter().all(|account| account.currency == Some(desk.euro)));
    assert_eq!(accounts[0].config["time_zone"], "Europe/Berlin");

    let session = desk.trial.session(&Value::Object(accounts[0].config.clone()));
    let sample = source.sample(&session, desk.trial.today).await.unwrap();
    let truth = desk.platform.truth();
    let cabinet = desk.key.cabinets[0];
    let month = desk.trial.range(30);
    let spend = truth.totals(cabinet, month.from(), month.to()).unwrap().spend_kopecks;
    assert_eq!(sample.spend_30d, Some(Micros(spend * 10_000)));
    assert_eq!(sample.currency, Some(desk.euro));
    assert!(sample.campaigns.is_some_and(|count| count > 0) && sample.last_data.is_some());

    // Longer than the platform answers at once.
    let days = desk.trial.range(80);
    let totals = source.day_totals(&session, days).await.unwrap().unwrap();
    let with_delivery =
        days.days().filter(|day| truth.totals(cabinet, *day, *day).unwrap() != world::Figures::default());
    assert_eq!(totals.len(), with_delivery.count());
    for (date, total) in totals {
        let figures = truth.totals(cabinet, date, date).unwrap();
        assert_eq!((total.impressions, total.clicks), (Some(figures.impressions), Some(figures.clicks)), "{date}");
        assert_eq!(total.cost, Some(Micros(figures.spend_kopecks * 10_000)), "{date}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_row_has_a_name_also_of_what_was_deleted() {
    let desk = Desk::open(Limits::default());
    let source = SYSTEM.source().unwrap();
    let session = desk.first();
    let dictionaries = ["campaigns", "ad_groups", "ads"];
    let mut above: Option<HashSet<String>> = None;
    for (dictionary, (statistics, of, level)) in dictionaries.into_iter().zip(STATS) {
        let names = read(&source, &session, dictionary, desk.trial.range(1)).await.batch;
        assert!(names.rejected.is_empty(), "{dictionary}: {:?}", names.rejected);
        let truth = desk.platform.truth().objects(of, desk.key.cabinets[0]).unwrap();
        let known: HashSet<_> = names.objects.iter().map(|object| object.external_id.clone()).collect();
        assert_eq!(known, truth.into_iter().map(|id| id_of(of, id)).collect(), "{dictionary}");
        let parents = names.objects.iter().map(|object| object.parent_external_id.clone());
        match &above {
            None => assert!(parents.into_iter().all(|parent| parent.is_none())),
            Some(above) => assert!(parents.into_iter().all(|parent| above.contains(&parent.unwrap()))),
        }
        let statuses: HashSet<_> = names.objects.iter().map(|object| object.status.as_str()).collect();
        assert!(statuses.contains(ObjectStatus::Deleted.as_str()) && !statuses.contains("unknown"), "{statuses:?}");
        let rows = read(&source, &session, statistics, desk.trial.range(80)).await.batch;
        assert!(rows.rejected.is_empty(), "{statistics}: {:?}", rows.rejected);
        assert!(rows.stats.iter().all(|row| row.level == level && known.contains(&row.external_id)), "{statistics}");
        above = Some(known);
    }
}

/// The manifest's own pace: no second has more requests than the lowest level of an application allows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_keep_the_pace_that_the_manifest_declares() {
    let desk = Desk::open(Limits::default());
    let source = SYSTEM.source().unwrap();
    let session = desk.first();
    for stream in ["campaigns", "ad_groups", "ads", "campaign_stats", "ad_stats"] {
        read(&source, &session, stream, desk.trial.range(80)).await;
    }
    let mut sent: Vec<_> = desk.trial.log.requests().iter().map(|request| request.at).collect();
    sent.sort();
    assert!(sent.len() > 11, "{} requests", sent.len());
    for eleven in sent.windows(11) {
        assert!(eleven[10] - eleven[0] >= chrono::TimeDelta::seconds(1), "{eleven:?}");
    }
}

/// The present of this simulator does not pass, so the waits end in a refusal that says what it was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_that_does_not_end_is_a_refusal_in_the_platforms_words() {
    let today = chrono::Utc::now().date_naive();
    let mut scenario = Scenario::small(today);
    scenario.time = simulators::calendar::TimeFlow::Manual;
    let platform = tiktok_ads::start(&scenario, Limits { per_second: Some(1), ..Limits::default() }).unwrap();
    let key = &platform.keys[0];
    let config = json!({"app_id": key.app_id, "advertiser_id": key.advertisers[0], "currency": CURRENCY});
    let trial = Trial::new(SYSTEM.id, (HOST, &platform.base_url), &config, &[("access_token", &key.token)]);
    let source = SYSTEM.source().unwrap();
    let slice = &source.slices("campaigns", trial.range(1)).unwrap()[0];
    let failure = source.read(&trial.session(&json!({})), slice, &mut CollectSink::default()).await.unwrap_err();
    assert_eq!(failure.code, Code::TooManyRequests, "{failure}");
    assert_eq!(failure.detail.as_deref(), Some("App reaches the QPS limit."));
}

/// What is too large for one report is asked for in halves, at every level.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_too_large_is_asked_for_in_halves() {
    let ads = |desk: &Desk| desk.platform.truth().objects(world::Level::Ad, desk.key.cabinets[0]).unwrap().len();
    // A single day always fits, a month of ads does not.
    let most = ads(&Desk::open(Limits::default()));
    let desk = Desk::open(Limits { report_rows: Some(most), ..Limits::default() });
    let source = SYSTEM.source().unwrap();
    let range = desk.trial.range(30);
    for (stream, of, level) in STATS {
        let mut rows = read(&source, &desk.first(), stream, range).await.batch;
        let mut expected = desk.truth(of, level, range);
        let key = |row: &CampaignStat| (row.external_id.clone(), row.date);
        rows.stats.sort_by_key(key);
        expected.sort_by_key(key);
        assert!(rows.rejected.is_empty(), "{stream}: {:?}", rows.rejected);
        assert_eq!(rows.stats, expected, "{stream}");
        assert!(level != Level::Ad || expected.len() > most, "{} rows of {most}", expected.len());
    }

    // Where not even a day may be asked for, that is the end of it, and said.
    let desk = Desk::open(Limits { report_rows: Some(0), ..Limits::default() });
    let slice = &source.slices("ad_stats", desk.trial.range(4)).unwrap()[0];
    let failure = source.read(&desk.first(), slice, &mut CollectSink::default()).await.unwrap_err();
    assert_eq!(failure.code, Code::PlatformDown, "{failure}");
    assert!(failure.detail.unwrap().contains("a single day"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_ends_a_read_ends_it_with_its_code() {
    let desk = Desk::open(Limits::default());
    let source = SYSTEM.source().unwrap();
    let inside = |code: &str| FaultKind::ErrorInside { code: code.to_owned() };
    for (kind, stream, code) in [
        (inside("40001"), "campaigns", Code::PermissionDenied),
        (inside("40113"), "ad_stats", Code::PermissionDenied),
        (inside("40002"), "ad_stats", Code::RequestRefused),
        (inside("40007"), "ads", Code::VendorChanged),
        (inside("40067"), "ad_stats", Code::PlatformDown),
        (inside("40133"), "ad_stats", Code::TooManyRequests),
        (inside("40104"), "ad_stats", Code::SignInRejected),
        (inside("50002"), "ad_stats", Code::PlatformDown),
        (FaultKind::LyingTotal { delta: -1 }, "ad_groups", Code::TotalMismatch),
        // For good, so it is the last.
        (FaultKind::RevokeToken, "campaign_stats", Code::SignInRejected),
    ] {
        desk.platform.faults().clear();
        desk.platform.faults().add(Fault::always(kind.clone()));
        let slice = &source.slices(stream, desk.trial.range(10)).unwrap()[0];
        let failure = source.read(&desk.first(), slice, &mut CollectSink::default()).await.unwrap_err();
        assert_eq!(failure.code, code, "{kind:?} on {stream}: {failure}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_connector_passes_the_battery() {
    let desk = Desk::open(Limits::default());
    let source = SYSTEM.source().unwrap();
    let days = desk.trial.range(40);
    let stats = STATS.map(|(stream, of, level)| (stream.to_owned(), desk.truth(of, level, days)));
    let accounts = desk.key.advertisers.iter().cloned().collect();
    let truth = battery::Truth { accounts, days: Some(days), stats: stats.into(), ..battery::Truth::default() };
    let bench = Bench {
        trial: Trial { config: desk.first().config.as_ref().clone(), ..desk.trial.clone() },
        faults: desk.platform.faults(),
        reports: "report",
        shows: &|fault| match fault {
            // A token does not end, and says nothing of why it died; what is gone was not seen among the answers.
            battery::Fault::ExpiredToken | battery::Fault::Revoked | battery::Fault::Gone => Shown::Never,
            _ => Shown::Usual,
        },
        planted: &Vec::new,
    };
    let wrong = battery::run(&source, &bench, &truth, desk.trial.today).await;
    assert!(wrong.is_empty(), "{wrong:#?}");
}
