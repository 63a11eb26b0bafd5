//! Google Ads end to end against its simulator: what arrives equals the simulator's truth to the kopeck.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use super::SYSTEM;
use crate::trial::{self, Bench, Shown, Trial, read};
use chrono::Utc;
use kit::{battery, session::Session, source::Source, testing::CollectSink};
use model::{
    ad::{CampaignStat, Level, ObjectStatus},
    date::DateRange,
    failure::Code,
    money::{Currency, Micros},
};
use serde_json::{Value, json};
use simulators::{
    faults::{Fault, FaultKind, Hint},
    google_ads::{self, ACTIONS, Key, Rules, access_token, customer_of},
    stage::{Platform, Scenario},
    world,
};
use std::collections::BTreeSet;

const HOSTS: [&str; 2] = ["https://googleads.googleapis.com", "https://oauth2.googleapis.com"];

/// Streams of statistics and their levels.
const STATS: [(&str, world::Level, Level); 4] = [
    ("account_stats", world::Level::Cabinet, Level::Account),
    ("campaign_stats", world::Level::Campaign, Level::Campaign),
    ("ad_group_stats", world::Level::Group, Level::AdGroup),
    ("ad_stats", world::Level::Ad, Level::Ad),
];

/// A simulator and a way to open sessions over it.
struct Desk {
    trial: Trial,
    platform: Platform<Key>,
    key: Key,
}

impl Desk {
    /// With the sign-in of an agency, or of an advertiser without one.
    fn open(agency: bool, rules: Rules) -> Self {
        let today = Utc::now().date_naive();
        let platform = google_ads::start(&Scenario::small(today), rules).unwrap();
        let key = platform.keys.iter().find(|key| key.manager.is_some() == agency).unwrap().clone();
        let config = json!({"client_id": key.client_id});
        let secrets = [("client_secret", key.client_secret.as_str()), ("refresh_token", key.refresh_token.as_str())];
        let mut trial = Trial::new(SYSTEM.id, (HOSTS[0], &platform.base_url), &config, &secrets);
        trial.hosts.push((HOSTS[1].to_owned(), platform.base_url.clone()));
        Self { trial: Trial { today, ..trial }, platform, key }
    }

    fn session(&self, more: &Value) -> Session {
        self.trial.session(more)
    }

    /// Settings that select the first account.
    fn first(&self) -> Value {
        let through = self.key.manager.unwrap_or(self.key.customers[0]);
        json!({"customer_id": self.key.customers[0].to_string(), "reached_through": through.to_string()})
    }

    /// The rows of a level that have something, as they should arrive.
    fn truth(&self, of: world::Level, level: Level, range: DateRange) -> Vec<CampaignStat> {
        let name = |id| Some(if level == Level::Account { customer_of(id) } else { id }.to_string());
        trial::delivered(&self.platform.truth(), self.key.cabinets[0], (of, level), range, name)
    }
}

fn sum(rows: &[CampaignStat], pick: impl Fn(&CampaignStat) -> Option<Micros>) -> Micros {
    rows.iter().filter_map(pick).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_below_a_manager_is_read_to_the_kopeck_on_every_level() {
    // Small pages, so that there are several.
    let desk = Desk::open(true, Rules { page: 7, ..Rules::default() });
    let google = SYSTEM.source().unwrap();
    let accounts = google.accounts(&desk.session(&json!({})), &|_| {}).await.unwrap();
    // The manager's clients, each once, though one of them was given directly, too; the closed account beside them is passed over.
    let found: Vec<_> = accounts.iter().map(|account| account.external_id.clone()).collect();
    assert_eq!(found, desk.key.customers.iter().map(u64::to_string).collect::<Vec<_>>());
    assert!(accounts.iter().all(|account| account.currency == Some(Currency::RUB)));
    assert_eq!(Value::Object(accounts[1].config.clone())["reached_through"], desk.key.manager.unwrap().to_string());
    assert_eq!(accounts[0].config["time_zone"], "Europe/Moscow");

    let session = desk.session(&Value::Object(accounts[0].config.clone()));
    let range = desk.trial.range(80);
    let truth = desk.platform.truth();
    let mut parents = BTreeSet::new();
    for (stream, level) in [("campaigns", Level::Campaign), ("ad_groups", Level::AdGroup), ("ads", Level::Ad)] {
        let names = read(&google, &session, stream, range).await.batch;
        assert!(names.rejected.is_empty() && !names.objects.is_empty(), "{stream}: {:?}", names.rejected);
        assert!(names.objects.iter().all(|it| it.level == level && it.status != ObjectStatus::Unknown));
        assert!(names.objects.iter().all(|it| it.name != it.external_id && !it.name.is_empty()), "{stream}");
        let above: BTreeSet<_> = names.objects.iter().filter_map(|it| it.parent_external_id.clone()).collect();
        assert!(above.is_subset(&parents) && above.is_empty() == (level == Level::Campaign), "{stream}");
        parents = names.objects.iter().map(|it| it.external_id.clone()).collect();
        let of = STATS.iter().find(|(_, _, its)| *its == level).unwrap().1;
        assert_eq!(parents.len(), truth.objects(of, desk.key.cabinets[0]).unwrap().len(), "{stream}");
    }
    for (stream, of, level) in STATS {
        let rows = read(&google, &session, stream, range).await.batch;
        assert!(rows.rejected.is_empty(), "{stream}: {:?}", rows.rejected);
        let key = |row: &CampaignStat| (row.external_id.clone(), row.date);
        let (mut rows, mut expected) = (rows.stats, desk.truth(of, level, range));
        rows.sort_by_key(key);
        expected.sort_by_key(key);
        assert_eq!(rows, expected, "{stream}");
    }

    let sample = google.sample(&session, desk.trial.today).await.unwrap();
    let month = desk.trial.range(30);
    let spend = truth.totals(desk.key.cabinets[0], month.from(), month.to()).unwrap().spend_kopecks;
    assert_eq!((sample.currency, sample.spend_30d), (Some(Currency::RUB), Some(Micros(spend * 10_000))));
    assert!(sample.campaigns.is_some_and(|count| count > 0) && sample.last_data.is_some());
    for (date, total) in google.day_totals(&session, desk.trial.range(20)).await.unwrap().unwrap() {
        let figures = truth.totals(desk.key.cabinets[0], date, date).unwrap();
        assert_eq!((total.impressions, total.clicks), (Some(figures.impressions), Some(figures.clicks)), "{date}");
        assert_eq!(total.cost, Some(Micros(figures.spend_kopecks * 10_000)), "{date}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_named_manager_and_an_advertiser_of_its_own_find_their_accounts() {
    let google = SYSTEM.source().unwrap();
    let desk = Desk::open(true, Rules::default());
    // As a person copies it from the cabinet.
    let digits = desk.key.manager.unwrap().to_string();
    let named = json!({"login_customer_id": format!("{}-{}-{}", &digits[..3], &digits[3..6], &digits[6..])});
    let found = google.accounts(&desk.session(&named), &|_| {}).await.unwrap();
    assert_eq!(found.len(), desk.key.customers.len());
    let foreign = json!({"login_customer_id": "111-222-3333"});
    let failure = google.accounts(&desk.session(&foreign), &|_| {}).await.unwrap_err();
    assert_eq!(failure.code, Code::PermissionDenied, "{failure}");

    let desk = Desk::open(false, Rules::default());
    let found = google.accounts(&desk.session(&json!({})), &|_| {}).await.unwrap();
    assert_eq!(found.len(), 1);
    let session = desk.session(&Value::Object(found[0].config.clone()));
    let range = desk.trial.range(10);
    let rows = read(&google, &session, "campaign_stats", range).await.batch.stats;
    assert_eq!(rows.len(), desk.truth(world::Level::Campaign, Level::Campaign, range).len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conversions_come_by_action_and_those_chosen_count() {
    let desk = Desk::open(true, Rules::default());
    let google = SYSTEM.source().unwrap();
    let range = desk.trial.range(30);
    let figures = desk.platform.truth().totals(desk.key.cabinets[0], range.from(), range.to()).unwrap();
    let session = desk.session(&desk.first());
    let goals = read(&google, &session, "campaign_conversions", range).await.batch;
    assert!(goals.rejected.is_empty(), "{:?}", goals.rejected);
    for (number, name, share) in ACTIONS {
        let breakdown = format!("goal={name} #{number}");
        let rows: Vec<_> = goals.stats.iter().filter(|row| row.breakdown == breakdown).cloned().collect();
        let conversions = Micros(figures.conversions * share * 10_000);
        assert_eq!(sum(&rows, |row| row.conversions), conversions, "{name}");
        assert!(rows.iter().all(|row| row.cost.is_none() && row.clicks.is_none()), "{name}");
    }
    assert_eq!(sum(&goals.stats, |row| row.revenue), Micros(figures.revenue_kopecks * 10_000));

    let mut all = desk.first();
    all["count_conversions"] = json!("all");
    for stream in ["account_stats", "campaign_conversions"] {
        let rows = read(&google, &desk.session(&all), stream, range).await.batch;
        assert!(rows.rejected.is_empty(), "{stream}: {:?}", rows.rejected);
        assert_eq!(sum(&rows.stats, |row| row.conversions), Micros(figures.conversions * 1_500_000), "{stream}");
    }
}

/// Pages of a query are one operation with it, and the day's operations end in the platform's words.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operations_are_counted_by_queries_and_not_by_pages() {
    let desk = Desk::open(true, Rules { operations_per_day: 3, page: 5 });
    let google = SYSTEM.source().unwrap();
    let session = desk.session(&desk.first());
    let slices = google.slices("ad_stats", desk.trial.range(80)).unwrap();
    assert_eq!(slices.len(), 3);
    let mut sink = CollectSink::default();
    for slice in &slices {
        google.read(&session, slice, &mut sink).await.unwrap();
    }
    assert!(desk.platform.requests().count_of("googleAds:search") > 10 && sink.batch.stats.len() > 50);
    let failure = google.read(&session, &slices[0], &mut sink).await.unwrap_err();
    assert_eq!(failure.code, Code::QuotaWait, "{failure}");
    assert!(failure.retry_at.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_ends_a_read_ends_it_with_its_code() {
    let desk = Desk::open(true, Rules::default());
    let google = SYSTEM.source().unwrap();
    let inside = |code: &str| FaultKind::ErrorInside { code: code.to_owned() };
    for (kind, stream, code) in [
        (FaultKind::WrongKey, "campaigns", Code::SignInRejected),
        (FaultKind::RevokeToken, "campaigns", Code::SignInRevoked),
        // Also for the token that was renewed.
        (FaultKind::ExpireToken, "ads", Code::SignInRejected),
        (FaultKind::RevokeScope, "ad_stats", Code::PermissionDenied),
        (FaultKind::ServerError { status: 503 }, "ads", Code::PlatformDown),
        (FaultKind::Throttle { hint: Hint::Body }, "campaign_stats", Code::TooManyRequests),
        (FaultKind::Throttle { hint: Hint::After { secs: 8_962 } }, "campaign_stats", Code::QuotaWait),
        (FaultKind::Html { status: 200 }, "campaign_stats", Code::NotJson),
        (FaultKind::TruncatedBody, "campaign_stats", Code::BodyTruncated),
        (inside("requestError/UNSUPPORTED_VERSION"), "campaigns", Code::VendorChanged),
        (inside("queryError/UNRECOGNIZED_FIELD"), "campaigns", Code::RequestRefused),
        (inside("authorizationError/CLOUD_PROJECT_NOT_APPROVED_FOR_PRODUCTION"), "campaigns", Code::PermissionDenied),
        (inside("internalError/TRANSIENT_ERROR"), "campaigns", Code::PlatformDown),
    ] {
        desk.platform.faults().clear();
        desk.platform.faults().add(Fault::always(kind.clone()).on(if kind == FaultKind::WrongKey {
            ""
        } else {
            "v25"
        }));
        let slice = &google.slices(stream, desk.trial.range(5)).unwrap()[0];
        let outcome = google.read(&desk.session(&desk.first()), slice, &mut CollectSink::default()).await;
        let failure = outcome.map_err(|failure| (failure.code, failure.to_string())).expect_err(stream);
        assert_eq!(failure.0, code, "{kind:?} on {stream}: {}", failure.1);
    }
    desk.platform.faults().clear();
    // Without the manager that leads there, with a wrong one, and an account of somebody else.
    let other = desk.platform.keys.last().unwrap().customers[0].to_string();
    let second = desk.key.customers[1].to_string();
    for (customer, through) in [(second.as_str(), ""), (second.as_str(), "1234567890"), (other.as_str(), "")] {
        let settings = json!({"customer_id": customer, "login_customer_id": through});
        let slice = &google.slices("campaigns", desk.trial.range(5)).unwrap()[0];
        let failure = google.read(&desk.session(&settings), slice, &mut CollectSink::default()).await.unwrap_err();
        assert_eq!(failure.code, Code::PermissionDenied, "{customer} {through}: {failure}");
        assert!(failure.detail.unwrap().contains("login-customer-id"));
    }
    // A manager has no metrics of its own.
    let manager = desk.key.manager.unwrap().to_string();
    let slice = &google.slices("campaign_stats", desk.trial.range(5)).unwrap()[0];
    let session = desk.session(&json!({"customer_id": manager, "login_customer_id": manager}));
    let failure = google.read(&session, slice, &mut CollectSink::default()).await.unwrap_err();
    assert_eq!(failure.code, Code::RequestRefused, "{failure}");
    assert!(failure.detail.unwrap().contains("REQUESTED_METRICS_FOR_MANAGER"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_connector_passes_the_battery() {
    let desk = Desk::open(true, Rules::default());
    let days = desk.trial.range(40);
    let stats = STATS.map(|(stream, of, level)| (stream.to_owned(), desk.truth(of, level, days)));
    let accounts = desk.key.customers.iter().map(u64::to_string).collect();
    let truth = battery::Truth { accounts, days: Some(days), stats: stats.into(), ..battery::Truth::default() };
    let bench = Bench {
        trial: Trial { config: desk.session(&desk.first()).config.as_ref().clone(), ..desk.trial.clone() },
        faults: desk.platform.faults(),
        reports: "googleAds:search",
        shows: &|fault| match fault {
            // What is gone is refused like what may not be seen; lists have no totals that would be compared.
            battery::Fault::Gone | battery::Fault::LyingTotal => Shown::Never,
            battery::Fault::Forbidden => Shown::Fault(Fault::always(FaultKind::RevokeScope).on("googleAds:search")),
            _ => Shown::Usual,
        },
        planted: &|| (1..200).map(|turn| access_token(&desk.key.refresh_token, turn)).collect(),
    };
    let wrong = battery::run(&SYSTEM.source().unwrap(), &bench, &truth, desk.trial.today).await;
    assert!(wrong.is_empty(), "{wrong:#?}");
}
