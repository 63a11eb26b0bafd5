//! Yandex Direct end to end against its simulator: what arrives equals the simulator's truth to the kopeck.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use super::{HOST, SYSTEM};
use crate::trial::{self, Bench, Shown, Trial, read};
use kit::{
    battery,
    observe::WaitReason,
    session::{Credentials, Session},
    source::{CheckEvent, Source},
    testing::{CollectSink, MemoryCredentials},
};
use model::{
    ad::{CampaignStat, Level, ObjectStatus},
    date::DateRange,
    failure::{Code, FailureKind},
    money::{Currency, Micros, VatState},
    utm::Utm,
};
use serde_json::{Value, json};
use simulators::{
    faults::{Fault, FaultKind},
    stage::{Platform, Scenario},
    world::{self, Figures},
    yandex_direct::{self, Key, Pair, Rules, VAT_PERCENT, counted, goals_of, is_of_wizard},
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

const TOKENS: &str = "https://oauth.yandex.ru";

/// Virtual time stands still while a simulator counts its own seconds, so only the test of the pace lets it count requests.
const PATIENT: usize = 1_000_000;

fn rules() -> Rules {
    Rules { reports_in_ten_seconds: PATIENT, ..Rules::default() }
}

/// A simulator and a way to open sessions over it.
struct Desk {
    trial: Trial,
    platform: Platform<Key>,
    key: Key,
}

impl Desk {
    /// Signed in as an agency or as an advertiser, with tokens of an earlier sign-in.
    fn open(agency: bool, rules: Rules) -> Self {
        let today = chrono::Utc::now().date_naive();
        let platform = yandex_direct::start(&Scenario::small(today), rules).unwrap();
        let key = platform.keys.iter().find(|key| key.agency == agency).unwrap().clone();
        let trial = trial_of(&platform, &key, today, &pair_secrets(&key.pairs[0]));
        Self { trial, platform, key }
    }

    /// The first advertiser.
    fn first(&self, more: &Value) -> Session {
        let mut settings = more.as_object().unwrap().clone();
        if self.key.agency {
            settings.insert("login".to_owned(), json!(self.key.logins[0]));
        }
        self.trial.session(&Value::Object(settings))
    }

    /// What happened on a day to an object of a level of the first advertiser, without days of nothing.
    fn figures(&self, of: world::Level, range: DateRange) -> BTreeMap<(u64, chrono::NaiveDate), Figures> {
        let truth = self.platform.truth();
        let ids = truth.objects(of, self.key.cabinets[0]).unwrap();
        let days = ids.into_iter().flat_map(|id| range.days().map(move |date| (id, date)));
        let known = days.map(|(id, date)| ((id, date), truth.object(of, id, date, date).unwrap()));
        known.filter(|(_, figures)| *figures != Figures::default()).collect()
    }
}

fn pair_secrets(pair: &Pair) -> [(&str, &str); 2] {
    [("access_token", &pair.access), ("refresh_token", &pair.refresh)]
}

fn trial_of(platform: &Platform<Key>, key: &Key, today: chrono::NaiveDate, secrets: &[(&str, &str)]) -> Trial {
    let config = json!({"client_id": key.client_id});
    let secrets = [secrets, &[("client_secret", key.client_secret.as_str())]].concat();
    let mut trial = Trial::new(SYSTEM.id, (HOST, &platform.base_url), &config, &secrets);
    trial.hosts.push((TOKENS.to_owned(), platform.base_url.clone()));
    Trial { today, ..trial }
}

/// What is not measured is not zero.
fn measured(row: CampaignStat) -> CampaignStat {
    let some = |number: Option<Micros>| number.filter(|number| *number != Micros::ZERO);
    CampaignStat { conversions: some(row.conversions), revenue: some(row.revenue), ..row }
}

/// The rows of a level as they should arrive. `shown`: whether the platform shows what this object did there.
fn rows(
    desk: &Desk,
    of: world::Level,
    level: Level,
    range: DateRange,
    shown: impl Fn(u64) -> bool,
) -> Vec<CampaignStat> {
    let all = desk.figures(of, range).into_iter().filter(|((id, _), _)| shown(*id));
    all.map(|((id, date), figures)| measured(trial::row(level, id.to_string(), date, figures))).collect()
}

/// Objects of a level with the object above each, as they were read.
async fn tree(desk: &Desk, stream: &str) -> BTreeMap<u64, Option<u64>> {
    let source = SYSTEM.source().unwrap();
    let sink = read(&source, &desk.first(&json!({})), stream, desk.trial.range(1)).await;
    assert!(sink.batch.rejected.is_empty(), "{stream}: {:?}", sink.batch.rejected);
    let number = |text: &str| text.parse().unwrap();
    let objects = sink.batch.objects.iter();
    objects.map(|it| (number(&it.external_id), it.parent_external_id.as_deref().map(number))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agency_picks_a_client_looks_into_it_and_compares() {
    let desk = Desk::open(true, rules());
    let source = SYSTEM.source().unwrap();
    let named = Mutex::new(Vec::new());
    let tell = |event: CheckEvent| {
        if let CheckEvent::Done { step: "sign_in", params } = event {
            named.lock().unwrap().push(params["user"].clone());
        }
    };
    let accounts = source.accounts(&desk.trial.session(&json!({})), &tell).await.unwrap();
    assert_eq!(named.into_inner().unwrap(), std::slice::from_ref(&desk.key.owner));
    let found: Vec<_> = accounts.iter().map(|account| account.external_id.clone()).collect();
    assert_eq!(found, desk.key.logins);
    assert!(accounts.iter().all(|account| account.currency == Some(Currency::RUB) && !account.name.is_empty()));

    let session = desk.trial.session(&Value::Object(accounts[0].config.clone()));
    let sample = source.sample(&session, desk.trial.today).await.unwrap();
    let (truth, cabinet, month) = (desk.platform.truth(), desk.key.cabinets[0], desk.trial.range(30));
    let spend = truth.totals(cabinet, month.from(), month.to()).unwrap().spend_kopecks;
    assert_eq!(sample.spend_30d, Some(Micros(spend * 10_000)));
    assert!(sample.campaigns.is_some_and(|count| count > 0) && sample.last_data == Some(desk.trial.today));

    let week = desk.trial.range(7);
    let totals = source.day_totals(&session, week).await.unwrap().unwrap();
    assert_eq!(totals.len(), 7);
    for (date, total) in totals {
        let figures = truth.totals(cabinet, date, date).unwrap();
        assert_eq!((total.impressions, total.clicks), (Some(figures.impressions), Some(figures.clicks)), "{date}");
        assert_eq!(total.cost, Some(Micros(figures.spend_kopecks * 10_000)), "{date}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_advertiser_is_its_own_account_and_every_level_is_true() {
    let desk = Desk::open(false, rules());
    let source = SYSTEM.source().unwrap();
    let accounts = source.accounts(&desk.trial.session(&json!({})), &|_| {}).await.unwrap();
    let found: Vec<_> = accounts.iter().map(|account| (account.external_id.clone(), account.config.len())).collect();
    assert_eq!(found, [(desk.key.logins[0].clone(), 0)]);

    let range = desk.trial.range(80);
    let (groups, ads) = (tree(&desk, "ad_groups").await, tree(&desk, "ads").await);
    let truth = desk.platform.truth();
    let campaigns = truth.objects(world::Level::Campaign, desk.key.cabinets[0]).unwrap();
    assert_eq!(tree(&desk, "campaigns").await.into_keys().collect::<Vec<_>>(), campaigns, "unified ones included");
    assert!(groups.values().chain(ads.values()).all(Option::is_some));
    // What hangs below a campaign of the wizard is on no list and in no table of its level.
    assert!(campaigns.iter().any(|id| is_of_wizard(*id)), "the world has no such campaign");
    for (stream, of, level, shown) in [
        ("campaign_stats", world::Level::Campaign, Level::Campaign, None),
        ("ad_group_stats", world::Level::Group, Level::AdGroup, Some(&groups)),
        ("ad_stats", world::Level::Ad, Level::Ad, Some(&ads)),
    ] {
        let expected = rows(&desk, of, level, range, |id| shown.is_none_or(|shown| shown.contains_key(&id)));
        let sink = read(&source, &desk.first(&json!({})), stream, range).await;
        assert!(sink.batch.rejected.is_empty(), "{stream}: {:?}", sink.batch.rejected.first());
        let mut found = sink.batch.stats;
        found.sort_by_key(|row| (row.external_id.parse::<u64>().unwrap(), row.date));
        assert_eq!(found, expected, "{stream}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_and_states_are_those_of_the_platform() {
    let desk = Desk::open(true, Rules { most_objects: 2, ..rules() });
    let source = SYSTEM.source().unwrap();
    let session = desk.first(&json!({}));
    for stream in ["campaigns", "ad_groups", "ads"] {
        let objects = read(&source, &session, stream, desk.trial.range(1)).await.batch.objects;
        assert!(objects.len() > 2, "{stream} has pages");
        assert!(objects.iter().all(|it| it.status != ObjectStatus::Unknown && !it.name.is_empty()), "{stream}");
        if stream == "ads" {
            // A picture has no headline; a text has one, and a responsive ad some.
            for named in ["IMAGE_AD ", "Ромашка: ", "Первый: Ромашка: "] {
                assert!(objects.iter().any(|it| it.name.starts_with(named)), "no ad is named {named}");
            }
            // Whatever its kind, an ad's address names the ad itself.
            for ad in &objects {
                let utm = ad.landing_url.as_deref().map(Utm::of).unwrap_or_default();
                assert_eq!((utm.source.as_deref(), utm.content.as_ref()), (Some("vk"), Some(&ad.external_id)));
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chosen_goals_count_together_and_each_by_itself() {
    let desk = Desk::open(true, rules());
    let source = SYSTEM.source().unwrap();
    let range = desk.trial.range(40);
    let goals = goals_of(desk.key.cabinets[0]);
    // Nobody chose any: all goals count, and there is nothing by goal.
    assert!(read(&source, &desk.first(&json!({})), "goal_stats", range).await.batch.is_empty());
    for model in ["AUTO", "LC"] {
        let chosen = format!("{}, {}", goals[0], goals[2]);
        let session = desk.first(&json!({"goals": chosen, "attribution_model": model}));
        let (mut whole, mut each) = (Vec::new(), Vec::new());
        for ((id, date), figures) in desk.figures(world::Level::Campaign, range) {
            let (mut conversions, mut value) = (0, 0);
            for place in [0, 2] {
                let (one, worth) = counted(&figures, id, place, model);
                (conversions, value) = (conversions + one, value + worth);
                if one > 0 {
                    each.push((goals[place], id, date, one, worth));
                }
            }
            let figures = Figures { conversions, revenue_kopecks: value, ..figures };
            whole.push(measured(trial::row(Level::Campaign, id.to_string(), date, figures)));
        }
        assert!(each.iter().any(|row| row.0 == goals[0]) && each.iter().any(|row| row.0 == goals[2]), "{model}");
        let mut found = read(&source, &session, "campaign_stats", range).await.batch.stats;
        found.sort_by_key(|row| (row.external_id.parse::<u64>().unwrap(), row.date));
        assert_eq!(found, whole, "{model}");

        let sink = read(&source, &session, "goal_stats", range).await;
        assert!(sink.batch.rejected.is_empty(), "{:?}", sink.batch.rejected.first());
        each.sort_unstable();
        let expected: Vec<_> = each
            .into_iter()
            .map(|(goal, id, date, conversions, worth)| CampaignStat {
                breakdown: format!("goal={goal}"),
                impressions: None,
                clicks: None,
                cost: None,
                ..trial::row(
                    Level::Campaign,
                    id.to_string(),
                    date,
                    Figures { conversions, revenue_kopecks: worth, ..Figures::default() },
                )
            })
            .collect();
        let mut found = sink.batch.stats;
        found.sort_by_key(|row| (row.breakdown.clone(), row.external_id.parse::<u64>().unwrap(), row.date));
        assert_eq!(found, expected, "{model}");
    }
}

/// Whether sums contain VAT is asked for, so it is known also when nobody has declared it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spend_comes_with_the_vat_that_was_declared() {
    let desk = Desk::open(true, rules());
    let source = SYSTEM.source().unwrap();
    let range = desk.trial.range(20);
    let net: i64 =
        desk.figures(world::Level::Campaign, range).values().map(|figures| figures.spend_kopecks * 10_000).sum();
    for (declared, state, spend) in [
        ("excluded", VatState::Excluded, net),
        ("included", VatState::Included, net / 100 * (100 + VAT_PERCENT)),
        ("unknown", VatState::Included, net / 100 * (100 + VAT_PERCENT)),
    ] {
        let stats = read(&source, &desk.first(&json!({"vat": declared})), "campaign_stats", range).await.batch.stats;
        assert!(stats.iter().all(|row| row.vat == state), "{declared}");
        assert_eq!(stats.iter().filter_map(|row| row.cost).sum::<Micros>(), Micros(spend), "{declared}");
    }
}

/// A report in the queue is fetched by asking again, after the time that the platform names; that is work and no failure.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_in_the_queue_is_waited_for() {
    let desk = Desk::open(true, Rules { online_rows: 3, queue: 2, ..rules() });
    let source = SYSTEM.source().unwrap();
    let range = desk.trial.range(60);
    let stats = read(&source, &desk.first(&json!({})), "campaign_stats", range).await.batch.stats;
    assert_eq!(stats.len(), desk.figures(world::Level::Campaign, range).len());
    let waits = desk.trial.log.waits();
    assert_eq!(waits.len(), 4, "two windows, two times not ready each: {waits:?}");
    assert!(waits.iter().all(|wait| wait.reason == WaitReason::Report && wait.duration.as_secs() == 20), "{waits:?}");
    assert!(desk.trial.log.retries().is_empty(), "{:?}", desk.trial.log.retries());

    // One that does not get ready ends the attempt and nothing else: it is tried again later, and found where it was.
    let desk = Desk::open(true, Rules { online_rows: 3, askings: u32::MAX, retry_in: 900, ..rules() });
    let slices = source.slices("campaign_stats", range).unwrap();
    let mut sink = CollectSink::default();
    let failure = source.read(&desk.first(&json!({})), &slices[0], &mut sink).await.unwrap_err();
    assert_eq!((failure.code, failure.kind()), (Code::Timeout, FailureKind::Retry), "{failure}");
}

/// A full queue is waited for; when it stays full, the platform is too busy for now.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_is_a_pause() {
    let desk = Desk::open(true, Rules { online_rows: 3, queue: 0, ..rules() });
    let source = SYSTEM.source().unwrap();
    let slices = source.slices("campaign_stats", desk.trial.range(20)).unwrap();
    let failure = source.read(&desk.first(&json!({})), &slices[0], &mut CollectSink::default()).await.unwrap_err();
    assert_eq!(failure.kind(), FailureKind::WaitUntil, "{failure}");
    assert!(desk.trial.log.waits().iter().all(|wait| wait.reason == WaitReason::RateLimited));
}

/// Units come back by the hour: the account rests until the next one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_units_the_account_waits_for_the_next_hour() {
    let desk = Desk::open(true, Rules { units: 12, ..rules() });
    let source = SYSTEM.source().unwrap();
    let slices = source.slices("campaigns", desk.trial.range(1)).unwrap();
    let failure = source.read(&desk.first(&json!({})), &slices[0], &mut CollectSink::default()).await.unwrap_err();
    assert_eq!((failure.code, failure.kind()), (Code::QuotaWait, FailureKind::WaitUntil), "{failure}");
    assert!(failure.detail.as_deref().is_some_and(|detail| detail.starts_with("152: Not enough units")), "{failure}");
}

/// Twenty reports go at once, the next ones when ten seconds have passed, so that the platform has nothing to refuse.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pace_of_reports_is_kept() {
    let desk = Desk::open(true, rules());
    let source = SYSTEM.source().unwrap();
    let session = desk.first(&json!({}));
    // Weeks, one report each.
    for slice in source.slices("ad_stats", desk.trial.range(7 * 24)).unwrap() {
        source.read(&session, &slice, &mut CollectSink::default()).await.unwrap();
    }
    let waits: Vec<_> = desk.trial.log.waits().iter().map(|wait| (wait.reason, wait.duration.as_secs())).collect();
    assert_eq!(waits, [(WaitReason::Budget, 10)]);
}

/// What the console asks is checked by the platform; what the platform refuses has a name here.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_say_what_a_person_can_do() {
    let desk = Desk::open(true, rules());
    let source = SYSTEM.source().unwrap();
    let of = async |stream: &str, more: Value| {
        let session = desk.trial.session(&more);
        let slice = source.slices(stream, desk.trial.range(5)).unwrap().remove(0);
        source.read(&session, &slice, &mut CollectSink::default()).await.unwrap_err()
    };
    let others = desk.platform.keys.iter().find(|key| !key.agency).unwrap().logins[0].clone();
    for (stream, more, code) in [
        ("campaigns", json!({}), Code::PermissionDenied),
        ("campaign_stats", json!({"login": others}), Code::PermissionDenied),
        ("campaigns", json!({"login": "nobody-there"}), Code::NotFound),
        (
            "campaign_stats",
            json!({"login": desk.key.logins[0], "goals": "1,2,3,4,5,6,7,8,9,10,11"}),
            Code::RequestRefused,
        ),
    ] {
        let failure = of(stream, more.clone()).await;
        assert_eq!(failure.code, code, "{stream} {more}: {failure}");
        assert!(failure.detail.is_some(), "{failure}");
    }
}

/// A code becomes tokens once, they are kept before they are used, and what is refreshed is kept again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_becomes_tokens_that_are_kept_and_renewed() {
    let desk = Desk::open(true, rules());
    let source = SYSTEM.source().unwrap();
    let secrets = [("code", desk.key.codes[0].as_str())];
    let trial = trial_of(&desk.platform, &desk.key, desk.trial.today, &secrets);
    let first = trial.session(&json!({"login": desk.key.logins[0]}));
    let credentials = MemoryCredentials::of(&[("code", secrets[0].1), ("client_secret", &desk.key.client_secret)]);
    let session = Session { credentials: credentials.clone(), ..first };
    read(&source, &session, "campaigns", trial.range(1)).await;
    let kept = credentials.load().await.unwrap();
    for name in ["access_token", "refresh_token", "access_expires_at"] {
        assert!(kept.contains_key(name), "{name}");
    }

    // The token ends before its time: it is renewed once and the new pair is kept.
    desk.platform.faults().add(Fault::once(FaultKind::ExpireToken));
    let again = Session { config: Arc::new((*session.config).clone()), ..session.clone() };
    read(&source, &again, "campaigns", trial.range(1)).await;
    let renewed = credentials.load().await.unwrap();
    assert_ne!(renewed["access_token"].expose(), kept["access_token"].expose());
    assert_ne!(renewed["refresh_token"].expose(), kept["refresh_token"].expose());

    // Taken back for good: only a person can help, with a new code.
    desk.platform.faults().add(Fault::once(FaultKind::RevokeToken));
    let revoked = Session { config: Arc::new((*session.config).clone()), ..session };
    let slice = source.slices("campaigns", trial.range(1)).unwrap().remove(0);
    let failure = source.read(&revoked, &slice, &mut CollectSink::default()).await.unwrap_err();
    assert_eq!((failure.code, failure.kind()), (Code::SignInRejected, FailureKind::SignInAgain), "{failure}");
    let observed = trial.log.everything();
    for secret in
        [secrets[0].1, kept["access_token"].expose(), renewed["refresh_token"].expose(), &desk.key.client_secret]
    {
        assert!(!observed.contains(secret), "a secret is in the log");
    }
}

/// A token that a person entered works without the application, and its end is the person's affair.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_of_ones_own_is_enough_until_it_ends() {
    let desk = Desk::open(true, rules());
    let source = SYSTEM.source().unwrap();
    let session = desk.first(&json!({"client_id": ""}));
    let own = |secrets: &[(&str, &str)]| Session {
        credentials: MemoryCredentials::of(secrets),
        config: Arc::new((*session.config).clone()),
        ..session.clone()
    };
    let token = own(&[("access_token", &desk.key.pairs[0].access)]);
    assert!(!read(&source, &token, "campaigns", desk.trial.range(1)).await.batch.objects.is_empty());
    let slice = source.slices("campaigns", desk.trial.range(1)).unwrap().remove(0);
    for (secrets, code) in
        [(vec![("access_token", "y0_wrong")], Code::SignInRejected), (Vec::new(), Code::CredentialMissing)]
    {
        let failure = source.read(&own(&secrets), &slice, &mut CollectSink::default()).await.unwrap_err();
        assert_eq!((failure.code, failure.kind()), (code, FailureKind::SignInAgain), "{failure}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_connector_passes_the_battery() {
    let desk = Desk::open(true, rules());
    let source = SYSTEM.source().unwrap();
    let days = desk.trial.range(40);
    let ads = tree(&desk, "ads").await;
    let stats = [
        ("campaign_stats", rows(&desk, world::Level::Campaign, Level::Campaign, days, |_| true)),
        ("ad_stats", rows(&desk, world::Level::Ad, Level::Ad, days, |id| ads.contains_key(&id))),
    ];
    let stats = stats.map(|(stream, rows)| (stream.to_owned(), rows)).into();
    let accounts = desk.key.logins.iter().cloned().collect();
    let truth = battery::Truth { accounts, days: Some(days), stats, ..battery::Truth::default() };
    let client = json!({"login": desk.key.logins[0]});
    let with = |secrets: &[(&str, &str)]| {
        let trial = trial_of(&desk.platform, &desk.key, desk.trial.today, secrets);
        let session = Trial { log: desk.trial.log.clone(), ..trial }.session(&client);
        Shown::Session(Box::new(session))
    };
    let bench = Bench {
        trial: Trial { config: desk.first(&json!({})).config.as_ref().clone(), ..desk.trial.clone() },
        faults: desk.platform.faults(),
        reports: "/reports",
        shows: &|fault| match fault {
            // A refresh ends the pair it renews, so each of these has one of its own.
            battery::Fault::ExpiredToken => {
                desk.platform.faults().add(Fault::once(FaultKind::ExpireToken).on("/reports"));
                with(&pair_secrets(&desk.key.pairs[1]))
            }
            battery::Fault::WrongKey => {
                desk.platform.faults().add(Fault::always(FaultKind::WrongKey));
                with(&[("code", desk.key.codes[1].as_str())])
            }
            battery::Fault::Gone => Shown::Fault(Fault::always(FaultKind::ServerError { status: 404 }).on("/reports")),
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
