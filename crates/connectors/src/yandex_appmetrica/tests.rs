//! Yandex AppMetrica end to end against its simulator: what arrives is what the application saw.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use super::{HOST, SYSTEM};
use crate::{
    metrica_engine::rows::UNDEFINED,
    trial::{self, Bench, Shown, Trial, read},
};
use chrono::NaiveDate;
use kit::{
    battery,
    observe::WaitReason,
    session::{Credentials, Session},
    source::{Source, StreamKind},
    testing::{CollectSink, MemoryCredentials},
};
use model::{
    ad::{CampaignStat, Level, Visits},
    date::DateRange,
    failure::Code,
};
use serde_json::{Value, json};
use simulators::{
    faults::{Fault, FaultKind},
    stage::{Platform, Scenario},
    world::{self, Figures},
    yandex_appmetrica::{self, Exports, Key, Pair, Rules, partner_name, tracker_name, tracker_of},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

const TOKENS: &str = "https://oauth.yandex.ru";

/// A simulator and a way to open sessions over it.
struct Desk {
    trial: Trial,
    platform: Platform<Key>,
    key: Key,
}

impl Desk {
    /// Signed in as an agency, with tokens of an earlier sign-in.
    fn open(rules: Rules, exports: Exports) -> Self {
        let today = chrono::Utc::now().date_naive();
        let platform = yandex_appmetrica::start(&Scenario::small(today), rules, exports).unwrap();
        let key = platform.keys[0].clone();
        let trial = trial_of(&platform, &key, today, &pair_secrets(&key.pairs[0]));
        Self { trial, platform, key }
    }

    /// The first application.
    fn first(&self, more: &Value) -> Session {
        let mut settings = more.as_object().unwrap().clone();
        settings.insert("app".to_owned(), json!(self.key.apps[0].to_string()));
        self.trial.session(&Value::Object(settings))
    }

    /// Days of the application as they should arrive.
    fn app_days(&self, range: DateRange) -> Vec<CampaignStat> {
        let (truth, app) = (self.platform.truth(), self.key.apps[0]);
        let days = range.days().map(|date| (date, truth.visits(world::Level::Cabinet, app, date, date).unwrap()));
        let seen = days.filter(|(_, seen)| seen.visits > 0);
        let row = seen.map(|(date, seen)| CampaignStat {
            conversions: None,
            visits: Visits { count: Some(seen.visits), users: Some(seen.users), ..Visits::default() },
            ..bare(Level::Account, app.to_string(), date, 0)
        });
        row.collect()
    }

    /// Installations by tracker and day.
    fn installs(&self, range: DateRange) -> BTreeMap<(String, NaiveDate), i64> {
        let truth = self.platform.truth();
        let mut sums = BTreeMap::new();
        for campaign in truth.objects(world::Level::Campaign, self.key.apps[0]).unwrap() {
            for date in range.days() {
                let installs = truth.object(world::Level::Campaign, campaign, date, date).unwrap().conversions;
                if installs > 0 {
                    *sums.entry((numbered(campaign), date)).or_default() += installs;
                }
            }
        }
        assert!(sums.len() > 5, "the world is too small to tell anything");
        sums
    }

    fn tracker_days(&self, range: DateRange) -> Vec<CampaignStat> {
        let installs = self.installs(range).into_iter();
        installs.map(|((tracker, date), installs)| bare(Level::Campaign, tracker, date, installs)).collect()
    }
}

/// A row that says nothing but conversions.
fn bare(level: Level, id: String, date: NaiveDate, conversions: i64) -> CampaignStat {
    let figures = Figures { conversions, ..Figures::default() };
    CampaignStat { impressions: None, clicks: None, cost: None, revenue: None, ..trial::row(level, id, date, figures) }
}

/// The numbers of a campaign's partner and tracker.
fn numbered(campaign: u64) -> String {
    let (partner, tracker) = tracker_of(campaign);
    format!("{partner}:{}", tracker.map_or_else(|| UNDEFINED.to_owned(), |tracker| tracker.to_string()))
}

fn pair_secrets(pair: &Pair) -> [(&str, &str); 2] {
    [("access_token", &pair.access), ("refresh_token", &pair.refresh)]
}

fn trial_of(platform: &Platform<Key>, key: &Key, today: NaiveDate, secrets: &[(&str, &str)]) -> Trial {
    let config = json!({"client_id": key.client_id});
    let secrets = [secrets, &[("client_secret", key.client_secret.as_str())]].concat();
    let mut trial = Trial::new(SYSTEM.id, (HOST, &platform.base_url), &config, &secrets);
    trial.hosts.push((TOKENS.to_owned(), platform.base_url.clone()));
    Trial { today, ..trial }
}

fn sorted(mut rows: Vec<CampaignStat>) -> Vec<CampaignStat> {
    rows.sort_by_key(|row| (row.external_id.clone(), row.date));
    rows
}

async fn stats(session: &Session, stream: &str, range: DateRange) -> Vec<CampaignStat> {
    let sink = read(&SYSTEM.source().unwrap(), session, stream, range).await;
    assert!(sink.batch.rejected.is_empty(), "{stream}: {:?}", sink.batch.rejected.first());
    sorted(sink.batch.stats)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_application_is_found_looked_into_and_its_trackers_named() {
    let desk = Desk::open(Rules::PATIENT, Exports::USUAL);
    let source = SYSTEM.source().unwrap();
    let accounts = source.accounts(&desk.trial.session(&json!({})), &|_| {}).await.unwrap();
    let found: Vec<_> = accounts.iter().map(|account| account.external_id.clone()).collect();
    assert_eq!(found, desk.key.apps.iter().map(u64::to_string).collect::<Vec<_>>(), "an agency sees its clients' own");
    assert!(accounts.iter().all(|account| !account.name.is_empty()));

    let session = desk.trial.session(&Value::Object(accounts[0].config.clone()));
    let sample = source.sample(&session, desk.trial.today).await.unwrap();
    let of =
        |days| desk.installs(desk.trial.range(days)).into_keys().map(|(tracker, _)| tracker).collect::<BTreeSet<_>>();
    assert_eq!(sample.campaigns, u32::try_from(of(30).len()).ok());
    assert_eq!((sample.spend_30d, sample.last_data), (None, Some(desk.trial.today)));

    let objects = read(&source, &session, "trackers", desk.trial.range(1)).await.batch.objects;
    let named: BTreeMap<String, String> = objects.into_iter().map(|it| (it.external_id, it.name)).collect();
    let campaigns = desk.platform.truth().objects(world::Level::Campaign, desk.key.apps[0]).unwrap();
    let all = of(90);
    let expected = campaigns.into_iter().filter(|campaign| all.contains(&numbered(*campaign))).map(|campaign| {
        let (partner, tracker) = tracker_of(campaign);
        let tracker = tracker.map_or_else(|| UNDEFINED.to_owned(), tracker_name);
        (numbered(campaign), format!("{} / {tracker}", partner_name(partner)))
    });
    assert_eq!(named, expected.collect());
    assert!(named.keys().any(|tracker| tracker == "0:(undefined)"), "nothing is organic: {named:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_level_is_true_page_by_page() {
    let desk = Desk::open(Rules { most_rows: 7, most_days: 40, ..Rules::PATIENT }, Exports::USUAL);
    let range = desk.trial.range(85);
    let session = desk.first(&json!({}));
    assert_eq!(stats(&session, "app_stats", range).await, sorted(desk.app_days(range)));
    assert_eq!(stats(&session, "tracker_stats", range).await, sorted(desk.tracker_days(range)));
    assert!(desk.platform.requests().count_of("/stat/v1/data") > 12, "the reports had pages");
}

/// An export is made while one asks for it, and one that is too large is asked for in pieces.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn raw_installations_add_up_though_they_are_too_many_for_one_part() {
    let desk = Desk::open(Rules::PATIENT, Exports { asks: 2, most_rows: 3 });
    let source = SYSTEM.source().unwrap();
    let described = source.descriptor().streams.iter().find(|stream| stream.name == "installations").unwrap();
    assert_eq!((described.kind, described.on_by_default), (StreamKind::Records { incremental: true }, false));
    let days =
        DateRange::new(desk.trial.today - chrono::Days::new(12), desk.trial.today - chrono::Days::new(1)).unwrap();
    let session = desk.first(&json!({"start_date": days.from().to_string()}));
    let records = read(&source, &session, "installations", days).await.batch.records;
    let mut seen: BTreeMap<(String, NaiveDate), i64> = BTreeMap::new();
    let mut keys = BTreeSet::new();
    for record in &records {
        let install: Value = serde_json::from_str(&record.data).unwrap();
        let cell = |name: &str| install[name].as_str().unwrap_or_default().to_owned();
        let tracker = Some(cell("tracking_id")).filter(|id| !id.is_empty()).unwrap_or_else(|| UNDEFINED.to_owned());
        let day = cell("install_receive_datetime")[..10].parse().unwrap();
        *seen.entry((format!("{}:{tracker}", cell("publisher_id")), day)).or_default() += 1;
        assert!(keys.insert(record.key.clone().unwrap()), "{:?} came twice", record.key);
    }
    assert_eq!(seen, desk.installs(days));
    assert!(desk.platform.requests().counts().by_status[&400] > 0, "no part was too large");
    let waits = desk.trial.log.waits();
    let made = waits.iter().filter(|wait| wait.reason == WaitReason::Report);
    assert!(made.clone().count() > 0 && made.clone().all(|wait| wait.duration.as_secs() == 10), "{waits:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_say_what_a_person_can_do() {
    let desk = Desk::open(Rules::PATIENT, Exports::USUAL);
    let source = SYSTEM.source().unwrap();
    let others = desk.platform.keys.iter().find(|key| !key.agency).unwrap().apps[0].to_string();
    for (stream, app, code) in [
        ("app_stats", others.as_str(), Code::PermissionDenied),
        ("installations", others.as_str(), Code::PermissionDenied),
        ("tracker_stats", "7", Code::NotFound),
        ("installations", "7", Code::NotFound),
        ("installations", "one", Code::RequestRefused),
    ] {
        let slice = source.slices(stream, desk.trial.range(5)).unwrap().remove(0);
        let session = desk.trial.session(&json!({"app": app}));
        let failure = source.read(&session, &slice, &mut CollectSink::default()).await.unwrap_err();
        assert_eq!(failure.code, code, "{stream} {app}: {failure}");
        assert!(failure.detail.is_some(), "{failure}");
    }
    // All was asked for, and an estimate came.
    let desk = Desk::open(Rules { samples: true, ..Rules::PATIENT }, Exports::USUAL);
    let slice = source.slices("app_stats", desk.trial.range(5)).unwrap().remove(0);
    let failure = source.read(&desk.first(&json!({})), &slice, &mut CollectSink::default()).await.unwrap_err();
    assert_eq!((failure.code, failure.params["what"].as_str()), (Code::VendorChanged, "sampled"), "{failure}");
}

/// A code becomes tokens once, they are kept before they are used, and what is refreshed is kept again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_becomes_tokens_that_are_kept_and_renewed() {
    let desk = Desk::open(Rules::PATIENT, Exports::USUAL);
    let source = SYSTEM.source().unwrap();
    let code = desk.key.codes[0].as_str();
    let credentials = MemoryCredentials::of(&[("code", code), ("client_secret", &desk.key.client_secret)]);
    let session = Session { credentials: credentials.clone(), ..desk.first(&json!({})) };
    read(&source, &session, "trackers", desk.trial.range(1)).await;
    let kept = credentials.load().await.unwrap();
    desk.platform.faults().add(Fault::once(FaultKind::ExpireToken));
    let again = Session { config: Arc::new((*session.config).clone()), ..session.clone() };
    read(&source, &again, "trackers", desk.trial.range(1)).await;
    let renewed = credentials.load().await.unwrap();
    assert_ne!(renewed["access_token"].expose(), kept["access_token"].expose());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_connector_passes_the_battery() {
    let desk = Desk::open(Rules::PATIENT, Exports::USUAL);
    let source = SYSTEM.source().unwrap();
    let days = desk.trial.range(40);
    let stats = [("app_stats", desk.app_days(days)), ("tracker_stats", desk.tracker_days(days))];
    let stats = stats.map(|(stream, rows)| (stream.to_owned(), rows)).into();
    let accounts = desk.key.apps.iter().map(u64::to_string).collect();
    let truth = battery::Truth { accounts, days: Some(days), stats, ..battery::Truth::default() };
    let with = |secrets: &[(&str, &str)]| {
        let trial = trial_of(&desk.platform, &desk.key, desk.trial.today, secrets);
        let app = json!({"app": desk.key.apps[0].to_string()});
        Shown::Session(Box::new(Trial { log: desk.trial.log.clone(), ..trial }.session(&app)))
    };
    let bench = Bench {
        trial: Trial { config: desk.first(&json!({})).config.as_ref().clone(), ..desk.trial.clone() },
        faults: desk.platform.faults(),
        reports: "/stat/",
        shows: &|fault| match fault {
            // A refresh ends the pair it renews, so each of these has one of its own.
            battery::Fault::ExpiredToken => {
                desk.platform.faults().add(Fault::once(FaultKind::ExpireToken).on("/stat/"));
                with(&pair_secrets(&desk.key.pairs[1]))
            }
            battery::Fault::WrongKey => {
                desk.platform.faults().add(Fault::always(FaultKind::WrongKey));
                with(&[("code", desk.key.codes[1].as_str())])
            }
            battery::Fault::Gone => Shown::Fault(Fault::always(FaultKind::ServerError { status: 404 }).on("/stat/")),
            // A token that was taken back is refused like a wrong one; the rows of a report are counted for its pages only.
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
