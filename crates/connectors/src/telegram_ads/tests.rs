//! Telegram Ads end to end against its simulator: what arrives equals the simulator's truth to the cent.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use super::SYSTEM;
use crate::trial::{self, Bench, Shown, Trial};
use kit::{battery, session::Session, source::Source, testing::CollectSink};
use model::{
    ad::{AdObject, CampaignStat, Level, ObjectStatus},
    date::DateRange,
    failure::Code,
    money::{Currency, Micros},
};
use serde_json::{Value, json};
use simulators::{
    faults::{Fault, FaultKind, Hint},
    stage::{Platform, Scenario},
    telegram_ads::{self, Key, Rules},
    world,
};

const HOST: &str = "https://promoteapi.telegram.org";

/// A simulator and a way to open sessions over it.
struct Desk {
    trial: Trial,
    platform: Platform<Key>,
    key: Key,
    currency: Currency,
}

impl Desk {
    fn open(rules: Rules) -> Self {
        Self::of(rules, 0, |_| {})
    }

    /// Signed in with one of the platform's keys: an agency's is the first one, an advertiser's the last.
    fn of(rules: Rules, key: usize, change: impl FnOnce(&mut Scenario)) -> Self {
        let today = chrono::Utc::now().date_naive();
        let mut scenario = Scenario::small(today);
        change(&mut scenario);
        let platform = telegram_ads::start(&scenario, rules).unwrap();
        let key = platform.keys[key].clone();
        let config = json!({"currency": rules.currency});
        let trial = Trial::new(SYSTEM.id, (HOST, &platform.base_url), &config, &[("access_token", &key.token)]);
        Self { trial: Trial { today, ..trial }, platform, key, currency: rules.currency.parse().unwrap() }
    }

    fn first(&self) -> Session {
        self.trial.session(&json!({"account_id": self.key.accounts[0]}))
    }

    /// The rows of the ads that are still there, as they should arrive.
    fn ads(&self, range: DateRange) -> Vec<CampaignStat> {
        let listed = |id: u64| self.key.ads[0].iter().any(|ad| ad.id == id).then(|| id.to_string());
        let levels = (world::Level::Ad, Level::Campaign);
        self.told(trial::delivered(&self.platform.truth(), self.key.cabinets[0], levels, range, listed))
    }

    /// The rows of the whole account.
    fn account(&self, range: DateRange) -> Vec<CampaignStat> {
        let levels = (world::Level::Cabinet, Level::Account);
        let name = |_| Some(self.key.accounts[0].clone());
        self.told(trial::delivered(&self.platform.truth(), self.key.cabinets[0], levels, range, name))
    }

    /// The platform knows nothing of revenue.
    fn told(&self, rows: Vec<CampaignStat>) -> Vec<CampaignStat> {
        rows.into_iter().map(|row| CampaignStat { currency: self.currency, revenue: None, ..row }).collect()
    }
}

fn sorted(mut rows: Vec<CampaignStat>) -> Vec<CampaignStat> {
    rows.sort_by_key(|row| (row.external_id.clone(), row.date));
    rows
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agency_finds_its_clients_and_an_advertiser_itself() {
    let desk = Desk::open(Rules::default());
    let source = SYSTEM.source().unwrap();
    let accounts = source.accounts(&desk.trial.session(&json!({})), &|_| {}).await.unwrap();
    let found: Vec<_> = accounts.iter().map(|account| account.external_id.as_str()).collect();
    let own = [desk.key.account.as_str()];
    let expected: Vec<_> = own.into_iter().chain(desk.key.accounts.iter().map(String::as_str)).collect();
    assert!(found.len() > 2);
    assert_eq!(found, expected);
    assert_eq!(accounts[0].name, desk.key.owner);
    assert!(accounts.iter().all(|account| account.currency == Some(desk.currency)));

    let alone = Desk::of(Rules::default(), 1, |_| {});
    let accounts = source.accounts(&alone.trial.session(&json!({})), &|_| {}).await.unwrap();
    let found: Vec<_> = accounts.iter().map(|account| account.external_id.clone()).collect();
    assert_eq!(found, alone.key.accounts, "nobody is related to it, and that is no failure");

    // What is a failure stays one.
    for (code, expected) in
        [("ACCESS_TOKEN_INVALID", Code::SignInRejected), ("INTERNAL_SERVER_ERROR", Code::PlatformDown)]
    {
        desk.platform.faults().clear();
        desk.platform
            .faults()
            .add(Fault::always(FaultKind::ErrorInside { code: code.into() }).on("getRelatedAccountsList"));
        let failure = source.accounts(&desk.trial.session(&json!({})), &|_| {}).await.unwrap_err();
        assert_eq!(failure.code, expected, "{failure}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_is_looked_into_and_compared() {
    let desk = Desk::open(Rules::default());
    let source = SYSTEM.source().unwrap();
    let accounts = source.accounts(&desk.trial.session(&json!({})), &|_| {}).await.unwrap();
    let session = desk.trial.session(&Value::Object(accounts[1].config.clone()));
    let sample = source.sample(&session, desk.trial.today).await.unwrap();
    let (truth, cabinet) = (desk.platform.truth(), desk.key.cabinets[0]);
    let month = desk.trial.range(30);
    let spend = truth.totals(cabinet, month.from(), month.to()).unwrap().spend_kopecks;
    assert!(spend > 0);
    assert_eq!(sample.spend_30d, Some(Micros(spend * 10_000)));
    assert_eq!(sample.campaigns, u32::try_from(desk.key.ads[0].len()).ok());
    assert_eq!((sample.currency, sample.last_data), (Some(desk.currency), Some(desk.trial.today)));

    let days = desk.trial.range(60);
    let totals = source.day_totals(&session, days).await.unwrap().unwrap();
    assert_eq!(totals.len(), desk.account(days).len());
    for (date, total) in totals {
        let figures = truth.totals(cabinet, date, date).unwrap();
        assert_eq!((total.impressions, total.clicks), (Some(figures.impressions), Some(figures.clicks)), "{date}");
        assert_eq!(total.cost, Some(Micros(figures.spend_kopecks * 10_000)), "{date}");
    }
}

/// More ads than a page has, in gramms: pages are followed, and an ad that was never shown is not asked about.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_lists_are_followed_and_gramms_stay_gramms() {
    let rules = Rules { currency: "TON", ..Rules::default() };
    let desk = Desk::of(rules, 0, |scenario| {
        scenario.size.campaigns = 40;
        scenario.size.ads = 4;
    });
    let source = SYSTEM.source().unwrap();
    assert!(desk.key.ads[0].len() > 100);
    let names = trial::read(&source, &desk.first(), "ads", desk.trial.range(1)).await.batch;
    assert_eq!(names.objects.len(), desk.key.ads[0].len());
    let asked =
        |method: &str| desk.platform.requests().entries().iter().filter(|seen| seen.path.ends_with(method)).count();
    assert_eq!(asked("getAdsList"), desk.key.ads[0].len().div_ceil(100));

    let days = desk.trial.range(20);
    let read = trial::read(&source, &desk.first(), "ad_stats", days).await.batch;
    assert!(read.rejected.is_empty(), "{:?}", read.rejected.first());
    assert_eq!(sorted(read.stats), sorted(desk.ads(days)));
    let truth = desk.platform.truth();
    let seen = desk.key.ads[0].iter().filter(|ad| {
        let whole = truth.object(world::Level::Ad, ad.id, truth.first_day(), truth.today()).unwrap();
        whole.impressions > 0 || whole.spend_kopecks > 0
    });
    assert_eq!(asked("getAdStats"), seen.count());

    // A connection that thinks it is in roubles puts the rows aside instead of showing gramms as roubles.
    let roubles = desk.trial.session(&json!({"account_id": desk.key.accounts[0], "currency": "RUB"}));
    let read = trial::read(&source, &roubles, "account_stats", days).await.batch;
    assert!(read.stats.is_empty() && !read.rejected.is_empty());
}

/// What an ad did that is deleted by now stands in the sums of its account, and nowhere else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deleted_ads_are_in_the_account_alone() {
    let desk = Desk::open(Rules::default());
    let source = SYSTEM.source().unwrap();
    let days = desk.trial.range(90);
    let spend = |rows: &[CampaignStat]| rows.iter().filter_map(|row| row.cost).sum::<Micros>();
    let whole = trial::read(&source, &desk.first(), "account_stats", days).await.batch.stats;
    assert_eq!(sorted(whole.clone()), sorted(desk.account(days)));
    let ads = trial::read(&source, &desk.first(), "ad_stats", days).await.batch.stats;
    assert_eq!(sorted(ads.clone()), sorted(desk.ads(days)));
    assert!(spend(&ads) > Micros::ZERO && spend(&whole) > spend(&ads), "an ad of this world was deleted");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_say_what_a_person_can_do() {
    let desk = Desk::open(Rules::default());
    let source = SYSTEM.source().unwrap();
    let inside = |code: &str| FaultKind::ErrorInside { code: code.to_owned() };
    let server = |status| FaultKind::ServerError { status };
    let rows = [
        ("ads", inside("ACCESS_TOKEN_INVALID"), Code::SignInRejected),
        ("ads", inside("METHOD_INVALID"), Code::VendorChanged),
        ("ad_stats", inside("ACCOUNT_ID_INVALID"), Code::PermissionDenied),
        ("ad_stats", inside("AD_ID_INVALID"), Code::RequestRefused),
        ("ad_stats", inside("INTERNAL_SERVER_ERROR"), Code::PlatformDown),
        ("account_stats", server(503), Code::PlatformDown),
        ("account_stats", server(404), Code::VendorChanged),
        ("account_stats", FaultKind::EmptyBody, Code::NotJson),
    ];
    for (stream, fault, code) in rows {
        desk.platform.faults().clear();
        desk.platform.faults().add(Fault::always(fault.clone()));
        let slices = source.slices(stream, desk.trial.range(7)).unwrap();
        let failure = source.read(&desk.first(), &slices[0], &mut CollectSink::default()).await.unwrap_err();
        assert_eq!(failure.code, code, "{stream} {fault:?}: {failure}");
    }
    // However it says that it is too much, it is waited for.
    for hint in [Hint::After { secs: 3 }, Hint::Date { secs: 3 }, Hint::Body, Hint::Nonsense] {
        desk.platform.faults().clear();
        desk.platform.faults().add(Fault::always(FaultKind::Throttle { hint }).on("getAccountStats").times(2));
        let read = trial::read(&source, &desk.first(), "account_stats", desk.trial.range(7)).await.batch;
        assert_eq!(sorted(read.stats), sorted(desk.account(desk.trial.range(7))), "{hint:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn figures_that_are_none_are_put_aside() {
    let desk = Desk::open(Rules::default());
    let source = SYSTEM.source().unwrap();
    for fault in [
        FaultKind::GarbageNumbers,
        FaultKind::NegativeNumbers,
        FaultKind::MissingField { field: "spent_budget".into() },
        FaultKind::MissingField { field: "views".into() },
    ] {
        desk.platform.faults().clear();
        desk.platform.faults().add(Fault::always(fault.clone()).on("getAccountStats"));
        let read = trial::read(&source, &desk.first(), "account_stats", desk.trial.range(7)).await.batch;
        assert!(read.stats.is_empty() && !read.rejected.is_empty(), "{fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_connector_passes_the_battery() {
    let desk = Desk::open(Rules::default());
    let source = SYSTEM.source().unwrap();
    let days = desk.trial.range(40);
    let object = |ad: &telegram_ads::Told| AdObject {
        level: Level::Campaign,
        external_id: ad.id.to_string(),
        parent_external_id: None,
        name: ad.title.clone(),
        status: if ad.status == world::Status::Active { ObjectStatus::Active } else { ObjectStatus::Stopped },
        landing_url: None,
    };
    let truth = battery::Truth {
        accounts: desk.key.accounts.iter().chain([&desk.key.account]).cloned().collect(),
        objects: [("ads".to_owned(), desk.key.ads[0].iter().map(object).collect())].into(),
        stats: [("ad_stats".to_owned(), desk.ads(days)), ("account_stats".to_owned(), desk.account(days))].into(),
        days: Some(days),
    };
    assert!(truth.stats.values().all(|rows| rows.len() > 20) && truth.objects.values().all(|all| all.len() > 5));
    let bench = Bench {
        trial: Trial { config: desk.first().config.as_ref().clone(), ..desk.trial.clone() },
        faults: desk.platform.faults(),
        reports: "Stats",
        shows: &|fault| match fault {
            battery::Fault::Gone => Shown::Fault(Fault::always(FaultKind::ServerError { status: 404 }).on("Stats")),
            // A token that a person gave is not renewed, and one that was taken back is refused like a wrong one.
            battery::Fault::ExpiredToken | battery::Fault::Revoked => Shown::Never,
            _ => Shown::Usual,
        },
        planted: &Vec::new,
    };
    let wrong = battery::run(&source, &bench, &truth, desk.trial.today).await;
    assert!(wrong.is_empty(), "{wrong:#?}");
}
