//! Google Analytics 4 end to end against its simulator: what arrives equals what the world's ads brought.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use super::SYSTEM;
use crate::trial::{Bench, Shown, Trial, read};
use chrono::{NaiveDate, Utc};
use kit::{battery, session::Session, source::Source, testing::CollectSink};
use model::{
    ad::{AdObject, CampaignStat, Level, ObjectStatus, RejectReason, Visits},
    date::DateRange,
    failure::Code,
    money::{Currency, Micros, VatState},
};
use serde_json::{Value, json};
use simulators::{
    faults::{Fault, FaultKind, Hint},
    google_analytics_4::{self, KEY_EVENTS, Key, Rules, property_of},
    stage::{Platform, Scenario},
    visits, world,
};
use std::collections::{BTreeMap, BTreeSet};

const HOSTS: [&str; 3] =
    ["https://analyticsdata.googleapis.com", "https://analyticsadmin.googleapis.com", "https://oauth2.googleapis.com"];

/// Streams of statistics, their levels, and how many parts of an origin they tell apart.
const STATS: [(&str, Level, usize); 3] =
    [("account_stats", Level::Account, 0), ("campaign_stats", Level::Campaign, 3), ("ad_stats", Level::Ad, 4)];

/// A simulator and a way to open sessions over it.
struct Desk {
    trial: Trial,
    platform: Platform<Key>,
    key: Key,
}

impl Desk {
    /// With the sign-in of an agency.
    fn open(rules: Rules) -> Self {
        let today = Utc::now().date_naive();
        let platform = google_analytics_4::start(&Scenario::small(today), rules).unwrap();
        let key = platform.keys[0].clone();
        let sign_in = &key.sign_in;
        let secrets =
            [("client_secret", sign_in.client_secret.as_str()), ("refresh_token", sign_in.refresh_token.as_str())];
        let config = json!({"client_id": sign_in.client_id, "time_zone": "Europe/Moscow"});
        let mut trial = Trial::new(SYSTEM.id, (HOSTS[0], &platform.base_url), &config, &secrets);
        trial.hosts = HOSTS.iter().map(|host| ((*host).to_owned(), platform.base_url.clone())).collect();
        Self { trial: Trial { today, ..trial }, platform, key }
    }

    /// A session with the first property.
    fn session(&self, more: &Value) -> Session {
        let mut config = json!({"property_id": self.key.properties[0].to_string()});
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.trial.session(&config)
    }

    /// Every ad of the first client with its origin.
    fn ads(&self) -> Vec<(u64, [String; 4])> {
        let truth = self.platform.truth();
        let cabinet = self.key.cabinets[0];
        let ads = truth.objects(world::Level::Ad, cabinet).unwrap();
        ads.into_iter().map(|ad| (ad, self.key.tags[&ad].clone())).collect()
    }

    /// The rows of a level that have something, as they should arrive: summed up from ads by what their origins share.
    fn truth(&self, level: Level, parts: usize, range: DateRange) -> Vec<CampaignStat> {
        let truth = self.platform.truth();
        let mut sums: BTreeMap<(String, NaiveDate), (visits::Visits, world::Figures)> = BTreeMap::new();
        for (ad, origin) in self.ads() {
            let id =
                if parts == 0 { property_of(self.key.cabinets[0]).to_string() } else { origin[..parts].join(" / ") };
            for date in range.days() {
                let sum = sums.entry((id.clone(), date)).or_default();
                sum.0 += truth.visits(world::Level::Ad, ad, date, date).unwrap();
                sum.1 += truth.object(world::Level::Ad, ad, date, date).unwrap();
            }
        }
        let happened = sums.into_iter().filter(|(_, (seen, _))| *seen != visits::Visits::default());
        let row = |((external_id, date), (seen, figures)): ((String, NaiveDate), (visits::Visits, world::Figures))| {
            CampaignStat {
                level,
                external_id,
                date,
                breakdown: String::new(),
                impressions: None,
                clicks: None,
                cost: None,
                currency: Currency::RUB,
                vat: VatState::Excluded,
                conversions: Micros::whole(figures.conversions),
                revenue: Some(Micros(figures.revenue_kopecks * 10_000)),
                visits: Visits {
                    count: Some(seen.visits),
                    users: Some(seen.users),
                    page_views: Some(seen.page_views),
                    bounces: Some(seen.bounces),
                },
            }
        };
        happened.map(row).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_property_is_read_to_the_visit_on_every_level() {
    // Short pages of lists and of reports, so that there are several.
    let desk = Desk::open(Rules { listed: 1, ..Rules::default() });
    let analytics = SYSTEM.source().unwrap();
    let accounts = analytics.accounts(&desk.trial.session(&json!({})), &|_| {}).await.unwrap();
    let found: Vec<_> = accounts.iter().map(|account| account.external_id.clone()).collect();
    assert_eq!(found, desk.key.properties.iter().map(u64::to_string).collect::<Vec<_>>());
    assert!(accounts.iter().all(|account| account.currency == Some(Currency::RUB)));
    assert_eq!(accounts[0].config["time_zone"], "Europe/Moscow");
    assert_eq!(accounts[0].name, "Ромашка: romashka GA4");

    let mut config = accounts[0].config.clone();
    config.insert("page_size".to_owned(), json!(7));
    let session = desk.session(&Value::Object(config));
    let range = desk.trial.range(80);
    for (stream, level, parts) in STATS {
        let rows = read(&analytics, &session, stream, range).await.batch;
        assert!(rows.rejected.is_empty(), "{stream}: {:?}", rows.rejected);
        let key = |row: &CampaignStat| (row.external_id.clone(), row.date);
        let (mut rows, mut expected) = (rows.stats, desk.truth(level, parts, range));
        rows.sort_by_key(key);
        expected.sort_by_key(key);
        assert!(rows.len() > 20, "{stream}");
        assert_eq!(rows, expected, "{stream}");
    }
    // What Google tags itself is one row for all content of a campaign.
    assert!(desk.truth(Level::Ad, 4, range).iter().any(|row| row.external_id.ends_with(" / (not set)")));

    let sample = analytics.sample(&session, desk.trial.today).await.unwrap();
    assert_eq!(sample.currency, Some(Currency::RUB));
    let month = desk.truth(Level::Campaign, 3, desk.trial.range(30));
    let origins: BTreeSet<_> = month.iter().map(|row| &row.external_id).collect();
    assert_eq!(sample.campaigns, u32::try_from(origins.len()).ok());
    assert_eq!(sample.last_data, month.iter().map(|row| row.date).max());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_know_what_lies_in_what() {
    let desk = Desk::open(Rules::default());
    let analytics = SYSTEM.source().unwrap();
    let session = desk.session(&json!({}));
    // Ninety days ago and today are the first and the last day.
    let range = desk.trial.range(91);
    let object = |level, external_id: &String, parent: Option<String>| AdObject {
        level,
        external_id: external_id.clone(),
        parent_external_id: parent,
        name: external_id.clone(),
        status: ObjectStatus::Unknown,
        landing_url: None,
    };
    for (stream, level, parts) in [("campaigns", Level::Campaign, 3), ("ads", Level::Ad, 4)] {
        let names = read(&analytics, &session, stream, range).await.batch;
        assert!(names.rejected.is_empty(), "{stream}: {:?}", names.rejected);
        let ids: BTreeSet<_> = desk.truth(level, parts, range).into_iter().map(|row| row.external_id).collect();
        let parent = |id: &String| (parts == 4).then(|| id.rsplit_once(" / ").unwrap().0.to_owned());
        let expected: Vec<_> = ids.iter().map(|id| object(level, id, parent(id))).collect();
        let mut found = names.objects;
        found.sort_by_key(|it| it.external_id.clone());
        assert_eq!(found, expected, "{stream}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn key_events_come_by_name_beside_the_whole() {
    let desk = Desk::open(Rules::default());
    let analytics = SYSTEM.source().unwrap();
    let range = desk.trial.range(30);
    let rows = read(&analytics, &desk.session(&json!({})), "campaign_key_events", range).await.batch;
    assert!(rows.rejected.is_empty(), "{:?}", rows.rejected);
    for whole in desk.truth(Level::Campaign, 3, range) {
        for (event, share) in KEY_EVENTS {
            let breakdown = format!("goal={event}");
            let of = |row: &&CampaignStat| {
                row.external_id == whole.external_id && row.date == whole.date && row.breakdown == breakdown
            };
            let found: Vec<_> = rows.stats.iter().filter(of).collect();
            let part = Micros(whole.conversions.unwrap().0 * share / 100);
            assert_eq!(found.iter().filter_map(|row| row.conversions).sum::<Micros>(), part, "{breakdown}");
            // Days without any are left out and not zeros.
            assert_eq!(found.len(), usize::from(part > Micros::ZERO), "{breakdown}");
            assert!(found.iter().all(|row| row.visits == Visits::default() && row.revenue.is_none()));
        }
    }
}

/// The platform keeps rows of few people back and puts too many origins together. Both is said, and what there is stays.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_report_keeps_back_is_told() {
    let analytics = SYSTEM.source().unwrap();
    let read_with = async |rules: Rules, stream: &'static str| {
        let desk = Desk::open(rules);
        let range = desk.trial.range(7);
        let rows = read(&analytics, &desk.session(&json!({})), stream, range).await.batch;
        let told = |it: &model::ad::Rejected| (it.reason, it.field.clone(), it.value.clone(), it.date.is_some());
        let whole = desk.truth(Level::Campaign, 3, range);
        (rows.stats, rows.rejected.iter().map(told).collect::<Vec<_>>(), whole)
    };
    let visits = |rows: &[CampaignStat]| rows.iter().filter_map(|row| row.visits.count).sum::<i64>();
    let said = |field: &str| vec![(RejectReason::UnknownWord, field.to_owned(), "true".to_owned(), false)];

    let (rows, told, whole) = read_with(Rules { fewest_users: 20, ..Rules::default() }, "campaign_stats").await;
    assert_eq!(told, said("subjectToThresholding"));
    assert!(!rows.is_empty() && rows.len() < whole.len() && visits(&rows) < visits(&whole));
    assert!(rows.iter().all(|row| row.visits.users.unwrap() >= 20));
    // The property as a whole is not concerned.
    let (_, told, _) = read_with(Rules { fewest_users: 20, ..Rules::default() }, "account_stats").await;
    assert!(told.is_empty(), "{told:?}");

    let (rows, told, whole) = read_with(Rules { origins: 1, ..Rules::default() }, "campaign_stats").await;
    assert_eq!(told, said("dataLossFromOtherRow"));
    assert_eq!(visits(&rows), visits(&whole));
    assert!(rows.iter().any(|row| row.external_id == "(other) / (other) / (other)"));

    let (rows, told, whole) = read_with(Rules { no_revenue: true, ..Rules::default() }, "campaign_stats").await;
    let restricted = (RejectReason::UnknownWord, "purchaseRevenue".to_owned(), "[\"REVENUE_DATA\"]".to_owned(), false);
    assert_eq!(told, [restricted]);
    assert!(rows.len() == whole.len() && rows.iter().all(|row| row.revenue.is_none()));

    let refunds = Rules { refunds_kopecks: 100_000_000, ..Rules::default() };
    let (rows, told, whole) = read_with(refunds, "account_stats").await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].0 == RejectReason::Negative && told[0].1 == "purchaseRevenue" && told[0].3);
    assert!(visits(&rows) == visits(&whole) && rows.iter().filter(|row| row.revenue.is_none()).count() == 1);
}

/// Tokens are used up by other programs, too. The wait is shown, whether it is known from an answer or from a refusal.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_that_are_used_up_are_waited_for() {
    let desk = Desk::open(Rules { tokens_per_project_per_hour: 3, ..Rules::default() });
    let analytics = SYSTEM.source().unwrap();
    let session = desk.session(&json!({}));
    let slices = analytics.slices("account_stats", desk.trial.range(60)).unwrap();
    let mut failure = None;
    for slice in &slices {
        if let Err(failed) = analytics.read(&session, slice, &mut CollectSink::default()).await {
            failure = Some(failed);
            break;
        }
    }
    let failure = failure.expect("three tokens are too few");
    assert_eq!(failure.code, Code::QuotaWait, "{failure}");
    assert!(failure.retry_at.is_some());
    // Another session does not know it and is told in a sentence.
    let failure = analytics.read(&desk.session(&json!({})), &slices[0], &mut CollectSink::default()).await.unwrap_err();
    assert_eq!(failure.code, Code::QuotaWait, "{failure}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_ends_a_read_ends_it_with_its_code() {
    let desk = Desk::open(Rules::default());
    let analytics = SYSTEM.source().unwrap();
    let inside = |code: &str| FaultKind::ErrorInside { code: code.to_owned() };
    for (kind, code) in [
        (FaultKind::WrongKey, Code::SignInRejected),
        // The refresh token went with it, and nothing tells it from one that has ended.
        (FaultKind::ExpireToken, Code::SignInRejected),
        (FaultKind::RevokeScope, Code::PermissionDenied),
        (FaultKind::ServerError { status: 503 }, Code::PlatformDown),
        (FaultKind::Throttle { hint: Hint::Body }, Code::TooManyRequests),
        (FaultKind::Throttle { hint: Hint::Windows }, Code::QuotaWait),
        (FaultKind::Html { status: 200 }, Code::NotJson),
        (FaultKind::TruncatedBody, Code::BodyTruncated),
        (FaultKind::LyingTotal { delta: 3 }, Code::TotalMismatch),
        (inside("400"), Code::RequestRefused),
        (inside("404"), Code::VendorChanged),
        (FaultKind::RevokeToken, Code::SignInRejected),
    ] {
        desk.platform.faults().clear();
        let on = if kind == FaultKind::WrongKey { "" } else { "runReport" };
        desk.platform.faults().add(Fault::always(kind.clone()).on(on));
        let slice = &analytics.slices("campaign_stats", desk.trial.range(5)).unwrap()[0];
        let outcome = analytics.read(&desk.session(&json!({})), slice, &mut CollectSink::default()).await;
        let failure = outcome.map_err(|failure| (failure.code, failure.to_string())).expect_err("it goes on");
        assert_eq!(failure.0, code, "{kind:?}: {}", failure.1);
    }
    // A property of somebody else.
    let desk = Desk::open(Rules::default());
    let other = desk.platform.keys.last().unwrap().properties[0].to_string();
    let slice = &analytics.slices("campaign_stats", desk.trial.range(5)).unwrap()[0];
    let session = desk.session(&json!({"property_id": other}));
    let failure = analytics.read(&session, slice, &mut CollectSink::default()).await.unwrap_err();
    assert_eq!(failure.code, Code::PermissionDenied, "{failure}");
    assert!(failure.detail.unwrap().contains("sufficient permissions"));
}

/// An answer that is no number stays out with its reason, and the others stay.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_that_are_none_are_put_aside() {
    let desk = Desk::open(Rules::default());
    let analytics = SYSTEM.source().unwrap();
    for (kind, reason) in
        [(FaultKind::GarbageNumbers, RejectReason::NotANumber), (FaultKind::NegativeNumbers, RejectReason::Negative)]
    {
        desk.platform.faults().clear();
        desk.platform.faults().add(Fault::always(kind));
        let rows = read(&analytics, &desk.session(&json!({})), "account_stats", desk.trial.range(3)).await.batch;
        assert!(rows.stats.is_empty() && rows.rejected.iter().all(|it| it.reason == reason), "{:?}", rows.rejected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_connector_passes_the_battery() {
    let desk = Desk::open(Rules::default());
    let days = desk.trial.range(40);
    let stats = STATS.map(|(stream, level, parts)| (stream.to_owned(), desk.truth(level, parts, days)));
    let accounts = desk.key.properties.iter().map(u64::to_string).collect();
    let truth = battery::Truth { accounts, days: Some(days), stats: stats.into(), ..battery::Truth::default() };
    let bench = Bench {
        trial: Trial { config: desk.session(&json!({})).config.as_ref().clone(), ..desk.trial.clone() },
        faults: desk.platform.faults(),
        reports: ":runReport",
        shows: &|fault| match fault {
            // What is gone is refused like what may not be seen; a sign-in that was taken back looks like one that has ended.
            battery::Fault::Gone | battery::Fault::Revoked => Shown::Never,
            battery::Fault::Forbidden => Shown::Fault(Fault::always(FaultKind::RevokeScope).on(":runReport")),
            battery::Fault::LyingTotal => {
                Shown::Fault(Fault::always(FaultKind::LyingTotal { delta: 2 }).on(":runReport"))
            }
            _ => Shown::Usual,
        },
        planted: &|| (1..200).map(|turn| desk.key.sign_in.access_token(turn)).collect(),
    };
    let wrong = battery::run(&SYSTEM.source().unwrap(), &bench, &truth, desk.trial.today).await;
    assert!(wrong.is_empty(), "{wrong:#?}");
}
