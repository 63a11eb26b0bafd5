//! Meta Ads end to end against its simulator: what arrives equals the simulator's truth to the kopeck.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use super::SYSTEM;
use crate::trial::{self, Bench, Shown, Trial, read};
use chrono::Utc;
use kit::{
    battery,
    http::{Http, HttpOptions},
    session::Session,
    source::Source,
    testing::{CollectSink, VirtualClock},
};
use model::{
    ad::{CampaignStat, Level, ObjectStatus},
    date::DateRange,
    failure::Code,
    money::{Currency, Micros},
};
use serde_json::{Value, json};
use simulators::{
    calendar::{TimeFlow, Watch},
    faults::{Fault, FaultKind, Hint},
    meta_ads::{self, CUSTOM_CONVERSION, Key, Rules, id_of},
    stage::{Platform, Scenario},
    world,
};
use std::{collections::BTreeSet, sync::Arc};

const HOST: &str = "https://graph.facebook.com";

/// Streams of statistics and their levels.
const STATS: [(&str, world::Level, Level); 4] = [
    ("account_stats", world::Level::Cabinet, Level::Account),
    ("campaign_stats", world::Level::Campaign, Level::Campaign),
    ("adset_stats", world::Level::Group, Level::AdGroup),
    ("ad_stats", world::Level::Ad, Level::Ad),
];

/// A simulator and a way to open sessions over it.
struct Desk {
    trial: Trial,
    platform: Platform<Key>,
    key: Key,
}

impl Desk {
    fn open(rules: Rules) -> Self {
        Self::with(rules, |_| {})
    }

    fn with(rules: Rules, change: impl FnOnce(&mut Scenario)) -> Self {
        let today = Utc::now().date_naive();
        let mut scenario = Scenario::small(today);
        change(&mut scenario);
        let platform = meta_ads::start(&scenario, rules).unwrap();
        let key = platform.keys[0].clone();
        let config = json!({"conversion_action": CUSTOM_CONVERSION, "account_id": key.accounts[0].to_string()});
        let trial = Trial::new(SYSTEM.id, (HOST, &platform.base_url), &config, &[("access_token", &key.token)]);
        Self { trial: Trial { today, ..trial }, platform, key }
    }

    fn session(&self, more: &Value) -> Session {
        self.trial.session(more)
    }

    /// The rows of a level that have something, as they should arrive.
    fn truth(&self, of: world::Level, level: Level, range: DateRange) -> Vec<CampaignStat> {
        let name = |id: u64| Some(if level == Level::Account { id.to_string() } else { id_of(id) });
        trial::delivered(&self.platform.truth(), self.key.accounts[0], (of, level), range, name)
    }
}

fn sum(rows: &[CampaignStat], pick: impl Fn(&CampaignStat) -> Option<Micros>) -> Micros {
    rows.iter().filter_map(pick).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_of_an_agency_is_read_to_the_kopeck_on_every_level() {
    let desk = Desk::open(Rules::default());
    let meta = SYSTEM.source().unwrap();
    let accounts = meta.accounts(&desk.session(&json!({})), &|_| {}).await.unwrap();
    let found: Vec<_> = accounts.iter().map(|account| account.external_id.clone()).collect();
    assert_eq!(found, desk.key.accounts.iter().map(u64::to_string).collect::<Vec<_>>());
    assert!(accounts.iter().all(|account| account.currency == Some(Currency::RUB)));
    assert_eq!(accounts[0].config["time_zone"], "Europe/Moscow");

    let session = desk.session(&Value::Object(accounts[0].config.clone()));
    let range = desk.trial.range(80);
    let mut parents = BTreeSet::new();
    for (stream, level) in [("campaigns", Level::Campaign), ("adsets", Level::AdGroup), ("ads", Level::Ad)] {
        let names = read(&meta, &session, stream, range).await.batch;
        assert!(names.rejected.is_empty() && !names.objects.is_empty(), "{stream}: {:?}", names.rejected);
        assert!(names.objects.iter().all(|it| it.level == level && it.status != ObjectStatus::Unknown));
        let above: BTreeSet<_> = names.objects.iter().filter_map(|it| it.parent_external_id.clone()).collect();
        assert!(above.is_subset(&parents) && above.is_empty() == (level == Level::Campaign), "{stream}");
        parents = names.objects.iter().map(|it| it.external_id.clone()).collect();
        let of = STATS.iter().find(|(_, _, its)| *its == level).unwrap().1;
        assert_eq!(parents.len(), desk.platform.truth().objects(of, desk.key.accounts[0]).unwrap().len(), "{stream}");
    }
    for (stream, of, level) in STATS {
        let rows = read(&meta, &session, stream, range).await.batch;
        assert!(rows.rejected.is_empty(), "{stream}: {:?}", rows.rejected);
        let key = |row: &CampaignStat| (row.external_id.clone(), row.date);
        let (mut rows, mut expected) = (rows.stats, desk.truth(of, level, range));
        rows.sort_by_key(key);
        expected.sort_by_key(key);
        assert_eq!(rows, expected, "{stream}");
    }

    let sample = meta.sample(&session, desk.trial.today).await.unwrap();
    let month = desk.trial.range(30);
    let truth = desk.platform.truth();
    let spend = truth.totals(desk.key.accounts[0], month.from(), month.to()).unwrap().spend_kopecks;
    assert_eq!((sample.currency, sample.spend_30d), (Some(Currency::RUB), Some(Micros(spend * 10_000))));
    assert!(sample.campaigns.is_some_and(|count| count > 0) && sample.last_data.is_some());
    for (date, total) in meta.day_totals(&session, desk.trial.range(7)).await.unwrap().unwrap() {
        let figures = truth.totals(desk.key.accounts[0], date, date).unwrap();
        assert_eq!((total.impressions, total.clicks), (Some(figures.impressions), Some(figures.clicks)), "{date}");
        assert_eq!(total.cost, Some(Micros(figures.spend_kopecks * 10_000)), "{date}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn actions_come_by_their_types_and_none_is_summed_with_another() {
    let desk = Desk::open(Rules::default());
    let meta = SYSTEM.source().unwrap();
    let range = desk.trial.range(30);
    let session = desk.session(&json!({}));
    let actions = read(&meta, &session, "campaign_actions", range).await.batch;
    assert!(actions.rejected.is_empty(), "{:?}", actions.rejected);
    let of = |kind: &str| -> Vec<CampaignStat> {
        let breakdown = format!("action={kind}");
        actions.stats.iter().filter(|row| row.breakdown == breakdown).cloned().collect()
    };
    let custom = of(CUSTOM_CONVERSION);
    let figures = desk.platform.truth().totals(desk.key.accounts[0], range.from(), range.to()).unwrap();
    assert_eq!(sum(&custom, |row| row.conversions), Micros(figures.conversions * 1_000_000));
    assert_eq!(sum(&custom, |row| row.revenue), Micros(figures.revenue_kopecks * 10_000));
    // The same purchases under two names, and link clicks, which have no value.
    let purchases = of("omni_purchase");
    assert!(!purchases.is_empty() && purchases.len() == of("purchase").len());
    let links = of("link_click");
    assert!(!links.is_empty() && links.iter().all(|row| row.revenue.is_none() && row.cost.is_none()));

    // What counts as a conversion is what the person says; without a word it is unknown, which is not zero.
    let leads = json!({"conversion_action": "lead"});
    let rows = read(&meta, &desk.session(&leads), "campaign_stats", range).await.batch.stats;
    assert_eq!(sum(&rows, |row| row.conversions), sum(&of("lead"), |row| row.conversions));
    assert!(rows.iter().any(|row| row.conversions == Some(Micros::ZERO)));
    let mut silent = desk.session(&json!({}));
    Arc::make_mut(&mut silent.config).remove("conversion_action");
    let rows = read(&meta, &silent, "campaign_stats", range).await.batch.stats;
    assert!(!rows.is_empty() && rows.iter().all(|row| row.conversions.is_none() && row.revenue.is_none()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_window_and_the_clicks_that_were_chosen_count() {
    let desk = Desk::open(Rules::default());
    let meta = SYSTEM.source().unwrap();
    let range = desk.trial.range(30);
    let mut counted = Vec::new();
    for window in ["1d_click", "7d_click", "28d_click", "default"] {
        let session = desk.session(&json!({"attribution_window": window}));
        let rows = read(&meta, &session, "account_stats", range).await.batch.stats;
        counted.push(sum(&rows, |row| row.conversions));
    }
    assert!(
        counted[0] > Micros::ZERO && counted.is_sorted() && counted[0] < counted[1] && counted[2] < counted[3],
        "{counted:?}"
    );
    let mut clicks = Vec::new();
    for kind in ["all", "link"] {
        let session = desk.session(&json!({"count_clicks": kind}));
        let rows = read(&meta, &session, "account_stats", range).await.batch.stats;
        let rows: i64 = rows.iter().filter_map(|row| row.clicks).sum();
        let totals = meta.day_totals(&session, range).await.unwrap().unwrap();
        assert_eq!(totals.iter().filter_map(|(_, total)| total.clicks).sum::<i64>(), rows, "{kind}");
        clicks.push(rows);
    }
    assert!(clicks[1] > 0 && clicks[1] < clicks[0], "{clicks:?}");
}

/// What is too much at once is asked for in halves until it is not, and lists come in pages.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_too_much_at_once_is_asked_for_in_parts() {
    let desk = Desk::open(Rules { rows_at_once: 12, ..Rules::default() });
    let meta = SYSTEM.source().unwrap();
    let range = desk.trial.range(30);
    let session = desk.session(&json!({"page_size": 5}));
    let rows = read(&meta, &session, "campaign_stats", range).await.batch;
    let expected = desk.truth(world::Level::Campaign, Level::Campaign, range);
    assert!(rows.rejected.is_empty() && expected.len() > 24, "{:?}", rows.rejected);
    assert_eq!(rows.stats.len(), expected.len());
    assert_eq!(sum(&rows.stats, |row| row.cost), sum(&expected, |row| row.cost));
    let ads = read(&meta, &session, "ads", range).await.batch.objects.len();
    assert!(ads > 5 && desk.platform.requests().count_of("/ads") >= ads as u64 / 5);

    // Where not even a day may be asked for, that is the end of it.
    let desk = Desk::open(Rules { rows_at_once: 0, ..Rules::default() });
    let slice = &meta.slices("campaign_stats", desk.trial.range(4)).unwrap()[0];
    let failure = meta.read(&desk.session(&json!({})), slice, &mut CollectSink::default()).await.unwrap_err();
    assert_eq!(failure.code, Code::PlatformDown, "{failure}");
    assert!(failure.detail.unwrap().contains("a single day"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_that_failed_is_ordered_again() {
    let desk = Desk::open(Rules { failing_runs: 2, ..Rules::default() });
    let meta = SYSTEM.source().unwrap();
    let range = desk.trial.range(7);
    let rows = read(&meta, &desk.session(&json!({})), "ad_stats", range).await.batch.stats;
    assert_eq!(rows.len(), desk.truth(world::Level::Ad, Level::Ad, range).len());

    let desk = Desk::open(Rules { failing_runs: u32::MAX, ..Rules::default() });
    let slice = &meta.slices("ad_stats", range).unwrap()[0];
    let failure = meta.read(&desk.session(&json!({})), slice, &mut CollectSink::default()).await.unwrap_err();
    assert_eq!(failure.code, Code::PlatformDown, "{failure}");
}

/// The hour's calls are used up in the middle: the account slows down before it, waits as long as the header says, and nothing is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_hour_that_is_used_up_is_waited_for() {
    let clock = VirtualClock::at(Utc::now());
    let watch = Watch(Arc::new({
        let clock = clock.clone();
        move || kit::clock::Clock::now(&*clock)
    }));
    let desk = Desk::with(Rules { calls_per_hour: 20, ..Rules::default() }, |it| it.time = TimeFlow::Led(watch));
    let meta = SYSTEM.source().unwrap();
    let mut options = HttpOptions::new(SYSTEM.id, "shop");
    options.clock = clock.clone();
    options.url_map.clone_from(&desk.trial.hosts);
    let session = Session { http: Http::new(options).unwrap(), clock, ..desk.session(&json!({"page_size": 2})) };
    let range = desk.trial.range(30);
    let rows = read(&meta, &session, "account_stats", range).await.batch.stats;
    let more = read(&meta, &session, "campaign_stats", range).await.batch.stats;
    assert_eq!(rows.len(), desk.truth(world::Level::Cabinet, Level::Account, range).len());
    assert_eq!(more.len(), desk.truth(world::Level::Campaign, Level::Campaign, range).len());
    let statuses = desk.platform.requests().counts().by_status;
    assert!(statuses.get(&200).is_some_and(|good| *good > 40), "{statuses:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_that_demands_a_proof_gets_it() {
    let desk = Desk::open(Rules { proof: true, ..Rules::default() });
    let meta = SYSTEM.source().unwrap();
    let names = |secret: Option<&str>| {
        let mut trial = desk.trial.clone();
        trial.secrets.extend(secret.map(|secret| ("app_secret".to_owned(), secret.to_owned())));
        let session = trial.session(&json!({}));
        let (meta, range) = (&meta, desk.trial.range(10));
        async move {
            let mut sink = CollectSink::default();
            for stream in ["campaigns", "ad_stats"] {
                for slice in meta.slices(stream, range).unwrap() {
                    meta.read(&session, &slice, &mut sink).await?;
                }
            }
            Ok::<_, model::failure::Failure>((sink.batch.objects.len(), sink.batch.stats.len()))
        }
    };
    let (objects, stats) = names(Some(&desk.key.app_secret)).await.unwrap();
    assert!(objects > 0 && stats > 0);
    for wrong in [None, Some("another-app")] {
        let failure = names(wrong).await.unwrap_err();
        assert_eq!(failure.code, Code::RequestRefused, "{wrong:?}: {failure}");
        assert!(failure.detail.unwrap().contains("appsecret_proof"));
    }
    assert!(!desk.trial.log.everything().contains(&desk.key.app_secret));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_ends_a_read_ends_it_with_its_code() {
    let desk = Desk::open(Rules::default());
    let meta = SYSTEM.source().unwrap();
    let inside = |code: &str| FaultKind::ErrorInside { code: code.to_owned() };
    for (kind, stream, code) in [
        (FaultKind::WrongKey, "campaigns", Code::SignInRejected),
        (FaultKind::ExpireToken, "ad_stats", Code::SignInRejected),
        (FaultKind::RevokeScope, "ad_stats", Code::PermissionDenied),
        (FaultKind::ServerError { status: 503 }, "ads", Code::PlatformDown),
        (FaultKind::Throttle { hint: Hint::Body }, "campaign_stats", Code::TooManyRequests),
        (FaultKind::Throttle { hint: Hint::After { secs: 7_200 } }, "campaign_stats", Code::QuotaWait),
        (FaultKind::Html { status: 200 }, "campaign_stats", Code::NotJson),
        (FaultKind::TruncatedBody, "campaign_stats", Code::BodyTruncated),
        (FaultKind::MissingField { field: "data".to_owned() }, "campaign_stats", Code::VendorChanged),
        (inside("2635"), "campaigns", Code::VendorChanged),
        (inside("3018"), "campaign_stats", Code::RequestRefused),
        (inside("10"), "adsets", Code::PermissionDenied),
    ] {
        desk.platform.faults().clear();
        desk.platform.faults().add(Fault::always(kind.clone()));
        let slice = &meta.slices(stream, desk.trial.range(5)).unwrap()[0];
        let outcome = meta.read(&desk.session(&json!({})), slice, &mut CollectSink::default()).await;
        let failure = outcome.map_err(|failure| (failure.code, failure.to_string())).expect_err(stream);
        assert_eq!(failure.0, code, "{kind:?} on {stream}: {}", failure.1);
    }
    desk.platform.faults().clear();
    // Accounts of others, and those that are none.
    let other = desk.platform.keys[1].accounts[0].to_string();
    for account in [other.as_str(), "1"] {
        let slice = &meta.slices("campaigns", desk.trial.range(5)).unwrap()[0];
        let session = desk.session(&json!({"account_id": account}));
        let failure = meta.read(&session, slice, &mut CollectSink::default()).await.unwrap_err();
        assert_eq!(failure.code, Code::PermissionDenied, "{account}: {failure}");
    }
    // Older than the platform keeps.
    let old = desk.trial.today - chrono::Months::new(38);
    let slice = &meta.slices("campaign_stats", DateRange::day(old)).unwrap()[0];
    let failure = meta.read(&desk.session(&json!({})), slice, &mut CollectSink::default()).await.unwrap_err();
    assert_eq!(failure.code, Code::RequestRefused, "{failure}");
    assert!(failure.detail.unwrap().contains("37 months"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_connector_passes_the_battery() {
    let desk = Desk::open(Rules::default());
    let days = desk.trial.range(40);
    let stats = STATS.map(|(stream, of, level)| (stream.to_owned(), desk.truth(of, level, days)));
    let accounts = desk.key.accounts.iter().map(u64::to_string).collect();
    let truth = battery::Truth { accounts, days: Some(days), stats: stats.into(), ..battery::Truth::default() };
    let bench = Bench {
        trial: desk.trial.clone(),
        faults: desk.platform.faults(),
        reports: "insights",
        shows: &|fault| match fault {
            // The vendor answers the same for what is gone and for what may not be seen; a token that a person gave is not renewed; lists
            // have no totals that would be read.
            battery::Fault::Gone | battery::Fault::ExpiredToken | battery::Fault::LyingTotal => Shown::Never,
            // The simulator's own fault takes the token away for good, and the battery goes on.
            battery::Fault::Revoked => {
                Shown::Fault(Fault::always(FaultKind::ErrorInside { code: "190/458".to_owned() }).on("insights"))
            }
            _ => Shown::Usual,
        },
        planted: &Vec::new,
    };
    let wrong = battery::run(&SYSTEM.source().unwrap(), &bench, &truth, desk.trial.today).await;
    assert!(wrong.is_empty(), "{wrong:#?}");
}
