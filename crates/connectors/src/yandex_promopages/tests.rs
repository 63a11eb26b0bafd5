//! Yandex PromoPages end to end against its simulator: what arrives equals the simulator's truth to the kopeck.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use super::{HOST, SYSTEM};
use crate::trial::{self, Bench, Shown, Trial};
use kit::{
    battery,
    observe::WaitReason,
    session::{Credentials, Session},
    source::Source,
    testing::{CollectSink, MemoryCredentials},
};
use model::{
    ad::{AdObject, CampaignStat, Level, ObjectStatus},
    date::DateRange,
    failure::{Code, FailureKind},
    money::{Currency, Micros},
};
use serde_json::{Value, json};
use simulators::{
    calendar::moscow_today,
    faults::{Fault, FaultKind, Hint},
    stage::{Platform, Scenario},
    world::{self, Status},
    yandex_promopages::{self, Key, Pair, Rules, Told},
};
use std::sync::Arc;

const TOKENS: &str = "https://oauth.yandex.ru";

/// A simulator and a way to open sessions over it.
struct Desk {
    trial: Trial,
    platform: Platform<Key>,
    key: Key,
}

impl Desk {
    /// Signed in as an agency, with tokens of an earlier sign-in.
    fn open(rules: Rules) -> Self {
        Self::of(rules, |_| {})
    }

    fn of(rules: Rules, change: impl FnOnce(&mut Scenario)) -> Self {
        let today = moscow_today();
        let mut scenario = Scenario::small(today);
        change(&mut scenario);
        let platform = yandex_promopages::start(&scenario, rules).unwrap();
        let key = platform.keys[0].clone();
        let trial = trial_of(&platform, &key, &pair_secrets(&key.pairs[0]));
        Self { trial, platform, key }
    }

    fn first(&self) -> Session {
        self.trial.session(&self.channel())
    }

    /// The settings of the first channel.
    fn channel(&self) -> Value {
        json!({"publisher": self.key.publishers[0]})
    }

    /// What is in the first channel, at a level.
    fn told(&self, level: world::Level) -> impl Iterator<Item = &Told> {
        self.key.objects[0].iter().filter(move |it| it.level == level)
    }

    fn objects(&self, (of, level): (world::Level, Level)) -> Vec<AdObject> {
        let object = |told: &Told| AdObject {
            level,
            external_id: told.id.clone(),
            parent_external_id: told.parent.clone(),
            name: told.name.clone(),
            status: match told.status {
                Status::Active => ObjectStatus::Active,
                Status::Stopped => ObjectStatus::Stopped,
                Status::Deleted => ObjectStatus::Deleted,
            },
            landing_url: None,
        };
        self.told(of).map(object).collect()
    }

    /// Rows of a level as they should arrive: the platform knows nothing of revenue.
    fn rows(&self, levels: (world::Level, Level), range: DateRange) -> Vec<CampaignStat> {
        let name = |id| self.told(levels.0).find(|it| it.of == id).map(|it| it.id.clone());
        let rows = trial::delivered(&self.platform.truth(), self.key.cabinets[0], levels, range, name);
        rows.into_iter().map(|row| CampaignStat { revenue: None, ..row }).collect()
    }
}

fn pair_secrets(pair: &Pair) -> [(&str, &str); 2] {
    [("access_token", &pair.access), ("refresh_token", &pair.refresh)]
}

fn trial_of(platform: &Platform<Key>, key: &Key, secrets: &[(&str, &str)]) -> Trial {
    let config = json!({"client_id": key.client_id});
    let secrets = [secrets, &[("client_secret", key.client_secret.as_str())]].concat();
    let mut trial = Trial::new(SYSTEM.id, (HOST, &platform.base_url), &config, &secrets);
    trial.hosts.push((TOKENS.to_owned(), platform.base_url.clone()));
    Trial { today: moscow_today(), ..trial }
}

/// The vendor's levels, and ours.
const CAMPAIGNS: (world::Level, Level) = (world::Level::Campaign, Level::Campaign);
const ARTICLES: (world::Level, Level) = (world::Level::Group, Level::AdGroup);
const COVERS: (world::Level, Level) = (world::Level::Ad, Level::Ad);

fn sorted(mut rows: Vec<CampaignStat>) -> Vec<CampaignStat> {
    rows.sort_by_key(|row| (row.external_id.clone(), row.date));
    rows
}

fn by_id(mut objects: Vec<AdObject>) -> Vec<AdObject> {
    objects.sort_by_key(|object| object.external_id.clone());
    objects
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agency_picks_a_channel_and_looks_into_it() {
    let desk = Desk::open(Rules::default());
    let source = SYSTEM.source().unwrap();
    let accounts = source.accounts(&desk.trial.session(&json!({})), &|_| {}).await.unwrap();
    let found: Vec<_> = accounts.iter().map(|account| account.external_id.clone()).collect();
    assert_eq!(found, desk.key.publishers, "neither what was deleted nor what may not be read");
    assert!(accounts.iter().all(|account| account.currency == Some(Currency::RUB) && !account.name.is_empty()));

    let session = desk.trial.session(&Value::Object(accounts[0].config.clone()));
    let sample = source.sample(&session, desk.trial.today).await.unwrap();
    let (month, truth) = (desk.trial.range(30), desk.platform.truth());
    let spend = truth.totals(desk.key.cabinets[0], month.from(), month.to()).unwrap().spend_kopecks;
    assert!(spend > 0);
    assert_eq!(sample.spend_30d, Some(Micros(spend * 10_000)));
    let live = desk.told(world::Level::Campaign).filter(|it| it.status != Status::Deleted).count();
    assert_eq!(sample.campaigns, u32::try_from(live).ok());
    assert_eq!(sample.last_data, Some(desk.trial.today));
}

/// More campaigns than a page and a report take.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_level_is_true_whatever_number_of_campaigns_there_is() {
    for campaigns in [8, 230] {
        let desk = Desk::of(Rules::default(), |scenario| scenario.size.campaigns = campaigns);
        let source = SYSTEM.source().unwrap();
        let range = desk.trial.range(if campaigns > 200 { 3 } else { 80 });
        for (stream, levels) in [("campaigns", CAMPAIGNS), ("publications", ARTICLES), ("previews", COVERS)] {
            let read = trial::read(&source, &desk.first(), stream, range).await.batch;
            assert!(read.rejected.is_empty(), "{stream}: {:?}", read.rejected.first());
            assert_eq!(by_id(read.objects), by_id(desk.objects(levels)), "{stream} of {campaigns}");
        }
        for (stream, levels) in
            [("campaign_stats", CAMPAIGNS), ("publication_stats", ARTICLES), ("preview_stats", COVERS)]
        {
            let read = trial::read(&source, &desk.first(), stream, range).await.batch;
            assert!(read.rejected.is_empty(), "{stream}: {:?}", read.rejected.first());
            let expected = sorted(desk.rows(levels, range));
            assert!(expected.len() > 50, "{stream}: {}", expected.len());
            assert_eq!(sorted(read.stats), expected, "{stream} of {campaigns}");
        }
    }
    // Of more than a page nobody counts the campaigns for a first look.
    let desk = Desk::of(Rules::default(), |scenario| scenario.size.campaigns = 230);
    let sample = SYSTEM.source().unwrap().sample(&desk.first(), desk.trial.today).await.unwrap();
    assert_eq!(sample.campaigns, None);
}

/// A report is asked for again after a while; that is work and no failure.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_in_the_making_is_waited_for() {
    let desk = Desk::open(Rules { askings: 4, ..Rules::default() });
    let source = SYSTEM.source().unwrap();
    let range = desk.trial.range(20);
    let read = trial::read(&source, &desk.first(), "campaign_stats", range).await.batch;
    assert_eq!(read.stats.len(), desk.rows(CAMPAIGNS, range).len());
    let waits = desk.trial.log.waits();
    assert_eq!(waits.len(), 3, "{waits:?}");
    assert!(waits.iter().all(|wait| wait.reason == WaitReason::Report && wait.duration.as_secs() == 15), "{waits:?}");
    assert!(desk.trial.log.retries().is_empty(), "{:?}", desk.trial.log.retries());
}

/// A channel without campaigns has nothing to report, and nothing is ordered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_channel_is_no_failure() {
    let desk = Desk::open(Rules::default());
    desk.platform.faults().add(Fault::always(FaultKind::EmptyAccount).on("campaigns"));
    let source = SYSTEM.source().unwrap();
    for stream in ["campaigns", "publications", "previews", "campaign_stats", "preview_stats"] {
        assert!(trial::read(&source, &desk.first(), stream, desk.trial.range(20)).await.batch.is_empty(), "{stream}");
    }
    assert!(desk.platform.requests().entries().iter().all(|seen| !seen.path.contains("/reports/")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_say_what_a_person_can_do() {
    let desk = Desk::open(Rules::default());
    let source = SYSTEM.source().unwrap();
    let server = |status| FaultKind::ServerError { status };
    let orders = "reports/campaigns-daily-stats";
    let rows = [
        ("campaigns", Fault::always(server(400)), Code::RequestRefused),
        ("campaigns", Fault::always(server(503)), Code::PlatformDown),
        ("campaign_stats", Fault::always(server(400)).on(orders), Code::RequestRefused),
        ("campaign_stats", Fault::always(FaultKind::RevokeScope).on(orders), Code::PermissionDenied),
        ("campaign_stats", Fault::always(FaultKind::Throttle { hint: Hint::Body }), Code::TooManyRequests),
        // A report that was forgotten: neither is there another address to ask.
        ("campaign_stats", Fault::always(server(404)).on("reports/65"), Code::VendorChanged),
    ];
    for (stream, fault, code) in rows {
        desk.platform.faults().clear();
        desk.platform.faults().add(fault.clone());
        let slices = source.slices(stream, desk.trial.range(7)).unwrap();
        let failure = source.read(&desk.first(), &slices[0], &mut CollectSink::default()).await.unwrap_err();
        assert_eq!(failure.code, code, "{fault:?}: {failure}");
    }
    // Another advertiser's channel.
    desk.platform.faults().clear();
    let others = desk.trial.session(&json!({"publisher": desk.platform.keys[1].publishers[0]}));
    let slices = source.slices("campaigns", desk.trial.range(7)).unwrap();
    let failure = source.read(&others, &slices[0], &mut CollectSink::default()).await.unwrap_err();
    assert_eq!(failure.code, Code::PermissionDenied, "{failure}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn figures_that_are_none_are_put_aside() {
    let desk = Desk::open(Rules::default());
    let source = SYSTEM.source().unwrap();
    let week = desk.trial.range(7);
    for fault in [
        FaultKind::GarbageNumbers,
        FaultKind::MissingField { field: "budget".into() },
        FaultKind::MissingField { field: "clickouts".into() },
        FaultKind::MissingField { field: "campaignId".into() },
    ] {
        desk.platform.faults().clear();
        desk.platform.faults().add(Fault::always(fault.clone()).on("reports/65"));
        for stream in ["campaign_stats", "preview_stats"] {
            let read = trial::read(&source, &desk.first(), stream, week).await.batch;
            assert!(read.stats.is_empty() && !read.rejected.is_empty(), "{stream} {fault:?}: {:?}", read.stats.first());
        }
    }
    // Visits are counted only where a counter is set.
    desk.platform.faults().clear();
    desk.platform.faults().add(Fault::always(FaultKind::MissingField { field: "metricaVisits".into() }));
    let read = trial::read(&source, &desk.first(), "campaign_stats", week).await.batch;
    assert!(read.rejected.is_empty() && !read.stats.is_empty());
    assert!(read.stats.iter().all(|row| row.conversions.is_none() && row.cost.is_some()));
}

/// A code becomes tokens once, they are kept before they are used, and what is refreshed is kept again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_becomes_tokens_that_are_kept_and_renewed() {
    let desk = Desk::open(Rules::default());
    let source = SYSTEM.source().unwrap();
    let credentials =
        MemoryCredentials::of(&[("code", &desk.key.codes[0]), ("client_secret", &desk.key.client_secret)]);
    let session = Session { credentials: credentials.clone(), ..desk.first() };
    trial::read(&source, &session, "campaigns", desk.trial.range(1)).await;
    let kept = credentials.load().await.unwrap();

    desk.platform.faults().add(Fault::once(FaultKind::ExpireToken));
    let again = Session { config: Arc::new((*session.config).clone()), ..session.clone() };
    trial::read(&source, &again, "campaigns", desk.trial.range(1)).await;
    let renewed = credentials.load().await.unwrap();
    assert_ne!(renewed["access_token"].expose(), kept["access_token"].expose());

    desk.platform.faults().add(Fault::once(FaultKind::RevokeToken));
    let revoked = Session { config: Arc::new((*session.config).clone()), ..session };
    let slice = source.slices("campaigns", desk.trial.range(1)).unwrap().remove(0);
    let failure = source.read(&revoked, &slice, &mut CollectSink::default()).await.unwrap_err();
    assert_eq!((failure.code, failure.kind()), (Code::SignInRejected, FailureKind::SignInAgain), "{failure}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_connector_passes_the_battery() {
    let desk = Desk::open(Rules::default());
    let source = SYSTEM.source().unwrap();
    let days = desk.trial.range(40);
    let objects = [("campaigns", CAMPAIGNS), ("publications", ARTICLES), ("previews", COVERS)];
    let stats = [("campaign_stats", CAMPAIGNS), ("publication_stats", ARTICLES), ("preview_stats", COVERS)];
    let truth = battery::Truth {
        accounts: desk.key.publishers.iter().cloned().collect(),
        objects: objects.map(|(stream, levels)| (stream.to_owned(), desk.objects(levels))).into(),
        stats: stats.map(|(stream, levels)| (stream.to_owned(), desk.rows(levels, days))).into(),
        days: Some(days),
    };
    assert!(truth.stats.values().all(|rows| rows.len() > 50) && truth.objects.values().all(|all| all.len() > 3));
    let with = |secrets: &[(&str, &str)]| {
        let trial = trial_of(&desk.platform, &desk.key, secrets);
        let session = Trial { log: desk.trial.log.clone(), ..trial }.session(&desk.channel());
        Shown::Session(Box::new(session))
    };
    let bench = Bench {
        trial: Trial { config: desk.first().config.as_ref().clone(), ..desk.trial.clone() },
        faults: desk.platform.faults(),
        reports: "/reports/",
        shows: &|fault| match fault {
            // A refresh ends the pair it renews, so this one has one of its own.
            battery::Fault::ExpiredToken => {
                desk.platform.faults().add(Fault::once(FaultKind::ExpireToken).on("/reports/"));
                with(&pair_secrets(&desk.key.pairs[1]))
            }
            battery::Fault::WrongKey => {
                desk.platform.faults().add(Fault::always(FaultKind::WrongKey));
                with(&[("code", desk.key.codes[1].as_str())])
            }
            battery::Fault::Gone => Shown::Fault(Fault::always(FaultKind::ServerError { status: 404 }).on("/reports/")),
            // A token that was taken back is refused like a wrong one; lists have no totals.
            battery::Fault::Revoked | battery::Fault::LyingTotal => Shown::Never,
            _ => Shown::Usual,
        },
        planted: &|| {
            let pairs = desk.key.pairs.iter().flat_map(|pair| [pair.access.clone(), pair.refresh.clone()]);
            pairs.chain(desk.key.codes.clone()).collect()
        },
    };
    let wrong = battery::run(&source, &bench, &truth, desk.trial.today).await;
    assert!(wrong.is_empty(), "{wrong:#?}");
}
