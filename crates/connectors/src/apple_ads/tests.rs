//! Apple Ads end to end against its simulator: what arrives equals the simulator's truth to the cent.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use super::SYSTEM;
use crate::trial::{self, Bench, Shown, Trial, read};
use kit::{battery, session::Session, source::Source, testing::CollectSink};
use model::{
    ad::{AdObject, CampaignStat, Level, ObjectStatus},
    date::DateRange,
    failure::Code,
    money::{Currency, Micros},
};
use serde_json::{Value, json};
use simulators::{
    apple_ads::{self, CURRENCY, Key, Rules, access_token},
    faults::{Fault, FaultKind, Hint},
    stage::{Platform, Scenario},
    world::{self, Status},
};

/// Names, statistics, level of the world, level of ours.
const LEVELS: [(&str, &str, world::Level, Level); 3] = [
    ("campaigns", "campaign_stats", world::Level::Campaign, Level::Campaign),
    ("ad_groups", "ad_group_stats", world::Level::Group, Level::AdGroup),
    ("ads", "ad_stats", world::Level::Ad, Level::Ad),
];

/// A simulator and a way to open sessions over it.
struct Desk {
    trial: Trial,
    platform: Platform<Key>,
    key: Key,
    dollar: Currency,
}

impl Desk {
    fn open(rules: Rules) -> Self {
        let today = chrono::Utc::now().date_naive();
        let platform = apple_ads::start(&Scenario::small(today), rules).unwrap();
        let key = platform.keys[0].clone();
        let config = json!({
            "client_id": key.client_id, "team_id": key.team_id, "key_id": key.key_id, "currency": CURRENCY,
        });
        let secrets = [("private_key", key.private_key.as_str())];
        let mut trial = Trial::new(SYSTEM.id, ("https://api.ads.apple.com", &platform.base_url), &config, &secrets);
        trial.hosts.push(("https://appleid.apple.com".to_owned(), platform.base_url.clone()));
        Self { trial: Trial { today, ..trial }, platform, key, dollar: CURRENCY.parse().unwrap() }
    }

    /// With the first account selected.
    fn first(&self) -> Session {
        self.trial.session(&json!({"ad_account_id": self.key.accounts[0].to_string()}))
    }

    /// The rows of a level that have something, as they should arrive.
    fn stats(&self, of: world::Level, level: Level, range: DateRange) -> Vec<CampaignStat> {
        let name = |id: u64| Some(id.to_string());
        let rows = trial::delivered(&self.platform.truth(), self.key.accounts[0], (of, level), range, name);
        // Apple does not know what an install is worth.
        let paid = rows.into_iter().map(|row| CampaignStat { currency: self.dollar, revenue: None, ..row });
        let mut rows: Vec<_> = paid.collect();
        rows.sort_by_key(|row| (row.external_id.clone(), row.date));
        rows
    }

    /// The objects of a level.
    fn objects(&self, of: world::Level, level: Level) -> Vec<AdObject> {
        let all = self.key.objects.iter().filter(|it| it.account == self.key.accounts[0] && it.level == of);
        let mut all: Vec<_> = all
            .map(|it| AdObject {
                level,
                external_id: it.id.to_string(),
                parent_external_id: it.parent.map(|parent| parent.to_string()),
                name: it.name.clone(),
                status: match it.status {
                    Status::Active => ObjectStatus::Active,
                    Status::Stopped => ObjectStatus::Stopped,
                    Status::Deleted => ObjectStatus::Deleted,
                },
                landing_url: None,
            })
            .collect();
        all.sort_by_key(|it| it.external_id.clone());
        all
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agencys_accounts_are_found_and_looked_into() {
    let desk = Desk::open(Rules::default());
    let source = SYSTEM.source().unwrap();
    let mut accounts = source.accounts(&desk.trial.session(&json!({})), &|_| {}).await.unwrap();
    accounts.sort_by_key(|account| account.external_id.clone());
    let found: Vec<_> = accounts.iter().map(|account| account.external_id.clone()).collect();
    assert_eq!(found, desk.key.accounts.iter().map(u64::to_string).collect::<Vec<_>>());
    assert!(found.len() > 1 && accounts.iter().all(|account| account.currency == Some(desk.dollar)));
    assert!(accounts.iter().all(|account| account.name != account.external_id));
    assert_eq!(accounts[0].config["time_zone"], "Europe/Moscow");

    let session = desk.trial.session(&Value::Object(accounts[0].config.clone()));
    let sample = source.sample(&session, desk.trial.today).await.unwrap();
    let (month, truth) = (desk.trial.range(30), desk.platform.truth());
    let spend = truth.totals(desk.key.accounts[0], month.from(), month.to()).unwrap().spend_kopecks;
    assert!(spend > 0);
    assert_eq!((sample.currency, sample.spend_30d), (Some(desk.dollar), Some(Micros(spend * 10_000))));
    let campaigns = desk.objects(world::Level::Campaign, Level::Campaign);
    let live = campaigns.iter().filter(|it| it.status != ObjectStatus::Deleted).count();
    assert!(live < campaigns.len(), "one is deleted");
    assert_eq!(sample.campaigns, u32::try_from(live).ok());
    assert!(sample.last_data.is_some());
    // Apple has no sums of an account's days.
    assert!(source.day_totals(&session, month).await.unwrap().is_none());
}

/// All that reports reach back, a day alone, and pages of two rows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_level_is_read_to_the_cent() {
    let desk = Desk::open(Rules { page: 2, ..Rules::default() });
    let source = SYSTEM.source().unwrap();
    let session = desk.first();
    for (names, stats, of, level) in LEVELS {
        let mut read_names = read(&source, &session, names, desk.trial.range(1)).await.batch;
        read_names.objects.sort_by_key(|it| it.external_id.clone());
        assert!(read_names.rejected.is_empty(), "{names}: {:?}", read_names.rejected);
        let expected = desk.objects(of, level);
        assert!(expected.len() > 4 && read_names.objects == expected, "{names}: {:#?}", read_names.objects);
        for days in [90, 1] {
            let range = desk.trial.range(days);
            let mut rows = read(&source, &session, stats, range).await.batch;
            assert!(rows.rejected.is_empty(), "{stats}: {:?}", rows.rejected.first());
            rows.stats.sort_by_key(|row| (row.external_id.clone(), row.date));
            let expected = desk.stats(of, level, range);
            assert!(!expected.is_empty());
            assert_eq!(rows.stats, expected, "{stats}, {days} days");
        }
    }
    let tokens = desk.platform.requests().count_of("/auth/oauth2/token");
    assert_eq!(tokens, 1, "a token is good for all of it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn installs_after_a_view_count_as_the_person_wants() {
    let desk = Desk::open(Rules::default());
    let source = SYSTEM.source().unwrap();
    let week = desk.trial.range(7);
    let installs = async |count: &str| {
        let more = json!({"ad_account_id": desk.key.accounts[0].to_string(), "count_installs": count});
        let rows = read(&source, &desk.trial.session(&more), "campaign_stats", week).await.batch;
        rows.stats.iter().filter_map(|row| row.conversions).sum::<Micros>()
    };
    let (total, tap) = (installs("total").await, installs("tap").await);
    let truth = desk.platform.truth().totals(desk.key.accounts[0], week.from(), week.to()).unwrap();
    assert_eq!(Some(total), Micros::whole(truth.conversions));
    // Of each row a third followed a view.
    let view = |row: &CampaignStat| Micros(row.conversions.unwrap().0 / 3_000_000 * 1_000_000);
    let rows = desk.stats(world::Level::Campaign, Level::Campaign, week);
    let viewed: Micros = rows.iter().map(view).sum();
    assert!(viewed > Micros::ZERO);
    assert_eq!(tap.0, total.0 - viewed.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_say_what_a_person_can_do() {
    let desk = Desk::open(Rules::default());
    let source = SYSTEM.source().unwrap();
    let server = |status| FaultKind::ServerError { status };
    let inside = || FaultKind::ErrorInside { code: "INVALID_ARGUMENT".to_owned() };
    let rows = [
        ("campaigns", Fault::always(server(400)).on("query"), Code::RequestRefused),
        ("campaigns", Fault::always(inside()).on("query"), Code::RequestRefused),
        ("ad_stats", Fault::always(inside()).on("reports"), Code::RequestRefused),
        ("ads", Fault::always(server(404)).on("ads/query"), Code::VendorChanged),
        ("ad_groups", Fault::always(server(503)).on("query"), Code::PlatformDown),
        ("campaigns", Fault::always(FaultKind::WrongKey), Code::SignInRejected),
        ("campaigns", Fault::always(server(503)).on("token"), Code::PlatformDown),
        // Also for the token that was renewed.
        ("campaigns", Fault::always(FaultKind::ExpireToken), Code::SignInRejected),
        ("ad_group_stats", Fault::always(FaultKind::RevokeScope).on("reports"), Code::PermissionDenied),
        (
            "campaign_stats",
            Fault::always(FaultKind::Throttle { hint: Hint::Body }).on("reports"),
            Code::TooManyRequests,
        ),
    ];
    for (stream, fault, code) in rows {
        desk.platform.faults().clear();
        desk.platform.faults().add(fault.clone());
        let slices = source.slices(stream, desk.trial.range(7)).unwrap();
        let failure = source.read(&desk.first(), &slices[0], &mut CollectSink::default()).await.unwrap_err();
        assert_eq!(failure.code, code, "{fault:?} on {stream}: {failure}");
    }
    desk.platform.faults().clear();
    let slice = &source.slices("campaigns", desk.trial.range(7)).unwrap()[0];
    // Somebody else's account, and none.
    let foreign = desk.platform.keys[1].accounts[0].to_string();
    for account in [foreign.as_str(), ""] {
        let session = desk.trial.session(&json!({"ad_account_id": account}));
        let failure = source.read(&session, slice, &mut CollectSink::default()).await.unwrap_err();
        assert_eq!(failure.code, Code::PermissionDenied, "{account:?}: {failure}");
    }
    // Another user's key, and what is no key at all.
    let other = desk.platform.keys[1].private_key.clone();
    for (key, code) in [(other, Code::SignInRejected), ("key".to_owned(), Code::SettingInvalid)] {
        let trial = Trial { secrets: vec![("private_key".to_owned(), key)], ..desk.trial.clone() };
        let failure = source.accounts(&trial.session(&json!({})), &|_| {}).await.unwrap_err();
        assert_eq!(failure.code, code, "{failure}");
    }
}

/// A form may take the line breaks out of a key.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_without_line_breaks_is_good() {
    let desk = Desk::open(Rules::default());
    let flat = desk.key.private_key.replace('\n', " ");
    let trial = Trial { secrets: vec![("private_key".to_owned(), flat)], ..desk.trial.clone() };
    let spaced = json!({"client_id": format!(" {} ", desk.key.client_id), "key_id": format!("{} ", desk.key.key_id)});
    let accounts = SYSTEM.source().unwrap().accounts(&trial.session(&spaced), &|_| {}).await.unwrap();
    assert_eq!(accounts.len(), desk.key.accounts.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn figures_that_are_none_are_put_aside_and_the_rest_is_kept() {
    let desk = Desk::open(Rules::default());
    let source = SYSTEM.source().unwrap();
    for days in [7, 30] {
        for fault in [FaultKind::GarbageNumbers, FaultKind::MissingField { field: "localSpend".into() }] {
            desk.platform.faults().clear();
            desk.platform.faults().add(Fault::always(fault.clone()).on("reports"));
            let rows = read(&source, &desk.first(), "campaign_stats", desk.trial.range(days)).await.batch;
            assert!(rows.stats.is_empty() && !rows.rejected.is_empty(), "{fault:?}: {:?}", rows.stats.first());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_connector_passes_the_battery() {
    let desk = Desk::open(Rules::default());
    let days = desk.trial.range(40);
    let truth = battery::Truth {
        accounts: desk.key.accounts.iter().map(u64::to_string).collect(),
        objects: LEVELS.iter().map(|(names, _, of, level)| ((*names).to_owned(), desk.objects(*of, *level))).collect(),
        stats: LEVELS
            .iter()
            .map(|(_, stats, of, level)| ((*stats).to_owned(), desk.stats(*of, *level, days)))
            .collect(),
        days: Some(days),
    };
    assert!(truth.stats.values().all(|rows| rows.len() > 10) && truth.objects.values().all(|all| all.len() > 3));
    let bench = Bench {
        trial: Trial { config: desk.first().config.as_ref().clone(), ..desk.trial.clone() },
        faults: desk.platform.faults(),
        reports: "reports",
        shows: &|fault| match fault {
            battery::Fault::Gone => Shown::Fault(Fault::always(FaultKind::ServerError { status: 404 }).on("reports")),
            // A key that was taken back is refused like a wrong one.
            battery::Fault::Revoked => Shown::Never,
            _ => Shown::Usual,
        },
        planted: &|| (1..200).map(|turn| access_token(&desk.key.client_id, turn)).collect(),
    };
    let wrong = battery::run(&SYSTEM.source().unwrap(), &bench, &truth, desk.trial.today).await;
    assert!(wrong.is_empty(), "{wrong:#?}");
}
