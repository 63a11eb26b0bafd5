//! Yandex Metrica end to end against its simulator: what arrives is what the counter saw.
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
    source::{CheckEvent, Source, StreamKind},
    testing::{CollectSink, MemoryCredentials},
};
use model::{
    ad::{CampaignStat, Level, Visits},
    date::DateRange,
    failure::{Code, FailureKind},
    money::Micros,
};
use serde_json::{Value, json};
use simulators::{
    faults::{Fault, FaultKind},
    stage::{Platform, Scenario},
    visits,
    world::{self, Figures},
    yandex_metrika::{self, GOALS, Key, Pair, Rules, goals_of, reached, tags_of},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

const TOKENS: &str = "https://oauth.yandex.ru";
const MODEL: &str = "cross_device_last_significant";

/// A simulator and a way to open sessions over it.
struct Desk {
    trial: Trial,
    platform: Platform<Key>,
    key: Key,
}

impl Desk {
    /// Signed in as an agency, with tokens of an earlier sign-in.
    fn open(rules: Rules) -> Self {
        let today = chrono::Utc::now().date_naive();
        let platform = yandex_metrika::start(&Scenario::small(today), rules, 2).unwrap();
        let key = platform.keys[0].clone();
        let trial = trial_of(&platform, &key, today, &pair_secrets(&key.pairs[0]));
        Self { trial, platform, key }
    }

    /// The first counter.
    fn first(&self, more: &Value) -> Session {
        let mut settings = more.as_object().unwrap().clone();
        settings.insert("counter".to_owned(), json!(self.key.counters[0].to_string()));
        self.trial.session(&Value::Object(settings))
    }

    /// What the first counter saw of each ad on each day, with the ad's campaign.
    fn ad_days(&self, range: DateRange) -> Vec<(u64, u64, NaiveDate, visits::Visits, Figures)> {
        let truth = self.platform.truth();
        let ads = truth.objects(world::Level::Ad, self.key.counters[0]).unwrap();
        let campaign_of = self.campaigns();
        let mut days = Vec::new();
        for ad in ads {
            for date in range.days() {
                let seen = truth.visits(world::Level::Ad, ad, date, date).unwrap();
                let figures = truth.object(world::Level::Ad, ad, date, date).unwrap();
                if seen.visits > 0 {
                    days.push((campaign_of[&ad], ad, date, seen, figures));
                }
            }
        }
        assert!(days.len() > 5, "the world is too small to tell anything");
        days
    }

    /// Ads with their campaigns, which no counter knows: their landing pages are the world's.
    fn campaigns(&self) -> BTreeMap<u64, u64> {
        let truth = self.platform.truth();
        let ads = truth.objects(world::Level::Ad, self.key.counters[0]).unwrap();
        ads.into_iter().map(|ad| (ad, truth.campaign_of(ad).unwrap())).collect()
    }

    /// The rows of a level as they should arrive; `name` of a campaign and an ad, `conversions` and revenue in kopecks of an ad's day.
    fn rows(
        &self,
        level: Level,
        range: DateRange,
        name: impl Fn(u64, u64) -> String,
        counted: impl Fn(&Figures, u64) -> (i64, i64),
    ) -> Vec<CampaignStat> {
        let mut sums: BTreeMap<(String, NaiveDate), (visits::Visits, i64, i64)> = BTreeMap::new();
        for (campaign, ad, date, seen, figures) in self.ad_days(range) {
            let sum = sums.entry((name(campaign, ad), date)).or_default();
            let (conversions, revenue) = counted(&figures, campaign);
            sum.0 += seen;
            (sum.1, sum.2) = (sum.1 + conversions, sum.2 + revenue);
        }
        let row = |((name, date), (seen, conversions, revenue_kopecks)): (
            (String, NaiveDate),
            (visits::Visits, i64, i64),
        )| {
            let figures = Figures { conversions, revenue_kopecks, ..Figures::default() };
            CampaignStat {
                impressions: None,
                clicks: None,
                cost: None,
                visits: Visits {
                    count: Some(seen.visits),
                    users: Some(seen.users),
                    page_views: Some(seen.page_views),
                    bounces: Some(seen.bounces),
                },
                ..trial::row(level, name, date, figures)
            }
        };
        sums.into_iter().map(row).collect()
    }

    /// Conversions by goal as they should arrive.
    fn by_goal(&self, range: DateRange, places: &[usize]) -> Vec<CampaignStat> {
        let goals = goals_of(self.key.counters[0]);
        let mut rows = Vec::new();
        for place in places {
            let whole = self.rows(Level::Campaign, range, campaign(MODEL), |figures, id| reached(figures, id, *place));
            rows.extend(whole.into_iter().filter(|row| row.conversions != Some(Micros::ZERO)).map(|row| {
                CampaignStat { breakdown: format!("goal={}", goals[*place]), visits: Visits::default(), ..row }
            }));
        }
        rows
    }
}

fn joined(tags: &[Option<String>]) -> String {
    let tags: Vec<&str> = tags.iter().map(|tag| tag.as_deref().unwrap_or(UNDEFINED)).collect();
    tags.join(" / ")
}

/// The name of a campaign under a model.
fn campaign(model: &str) -> impl Fn(u64, u64) -> String {
    move |campaign, ad| joined(&tags_of(campaign, ad, model)[..3])
}

/// All goals together, and orders of the shop.
fn all(figures: &Figures, campaign: u64) -> (i64, i64) {
    ((0..GOALS).map(|place| reached(figures, campaign, place).0).sum(), figures.revenue_kopecks)
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
    rows.sort_by_key(|row| (row.breakdown.clone(), row.external_id.clone(), row.date));
    rows
}

async fn stats(session: &Session, stream: &str, range: DateRange) -> Vec<CampaignStat> {
    let sink = read(&SYSTEM.source().unwrap(), session, stream, range).await;
    assert!(sink.batch.rejected.is_empty(), "{stream}: {:?}", sink.batch.rejected.first());
    sorted(sink.batch.stats)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_counter_is_found_and_looked_into() {
    let desk = Desk::open(Rules::PATIENT);
    let source = SYSTEM.source().unwrap();
    let accounts = source.accounts(&desk.trial.session(&json!({})), &|_| {}).await.unwrap();
    let found: Vec<_> = accounts.iter().map(|account| account.external_id.clone()).collect();
    assert_eq!(found, desk.key.counters.iter().map(u64::to_string).collect::<Vec<_>>());
    assert!(accounts.iter().all(|account| account.currency.is_none() && !account.name.is_empty()));

    let session = desk.trial.session(&Value::Object(accounts[0].config.clone()));
    let sample = source.sample(&session, desk.trial.today).await.unwrap();
    let month = desk.rows(Level::Campaign, desk.trial.range(30), campaign(MODEL), all);
    let names: BTreeSet<_> = month.iter().map(|row| row.external_id.clone()).collect();
    assert_eq!(sample.campaigns, u32::try_from(names.len()).ok());
    assert_eq!((sample.spend_30d, sample.currency), (None, None), "a counter knows of no spend");
    assert_eq!(sample.last_data, Some(desk.trial.today));
    assert_eq!(source.day_totals(&session, desk.trial.range(7)).await.unwrap(), None);

    // Whoever owns a counter is known by its login.
    let key = desk.platform.keys.iter().find(|key| !key.agency).unwrap();
    let trial = trial_of(&desk.platform, key, desk.trial.today, &pair_secrets(&key.pairs[0]));
    let named = Mutex::new(Vec::new());
    let tell = |event: CheckEvent| {
        if let CheckEvent::Done { step: "sign_in", params } = event {
            named.lock().unwrap().push(params["user"].clone());
        }
    };
    let accounts = source.accounts(&trial.session(&json!({})), &tell).await.unwrap();
    assert_eq!((accounts.len(), named.into_inner().unwrap()), (1, vec![key.owner.clone()]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_level_is_what_the_counter_saw_page_by_page() {
    let desk = Desk::open(Rules { most_rows: 7, ..Rules::PATIENT });
    let range = desk.trial.range(80);
    let session = desk.first(&json!({}));
    let counter = desk.key.counters[0].to_string();
    let expected = desk.rows(Level::Account, range, |_, _| counter.clone(), all);
    assert_eq!(stats(&session, "counter_stats", range).await, sorted(expected));

    let expected = desk.rows(Level::Campaign, range, campaign(MODEL), all);
    let untagged = joined(&[None, None, None]);
    assert!(expected.iter().any(|row| row.external_id == untagged), "everything is tagged");
    assert!(expected.iter().any(|row| row.external_id.contains(" / (undefined) / ")), "every medium is known");
    assert_eq!(stats(&session, "campaign_stats", range).await, sorted(expected));

    let expected = desk.rows(Level::Ad, range, |campaign, ad| joined(&tags_of(campaign, ad, MODEL)), all);
    assert_eq!(stats(&session, "ad_stats", range).await, sorted(expected));
    assert!(desk.platform.requests().count_of("/stat/v1/data") > 60, "the reports had pages");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn goals_count_together_as_chosen_and_each_by_itself() {
    let desk = Desk::open(Rules::PATIENT);
    let range = desk.trial.range(40);
    let goals = goals_of(desk.key.counters[0]);
    // Nobody chose any: a dozen goals are two reports a window.
    let every: Vec<usize> = (0..GOALS).collect();
    let expected = desk.by_goal(range, &every);
    let goals_met: BTreeSet<_> = expected.iter().map(|row| row.breakdown.clone()).collect();
    assert!(goals_met.len() > 2, "{goals_met:?}");
    assert_eq!(stats(&desk.first(&json!({})), "goal_stats", range).await, sorted(expected));

    let reached_by = |figures: &Figures, id: u64, places: &[usize]| {
        let sums = places.iter().map(|place| reached(figures, id, *place));
        sums.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
    };
    let places: Vec<usize> = (4..12).collect();
    let chosen = places.iter().map(|place| goals[*place].to_string()).collect::<Vec<_>>().join(", ");
    let own = desk.first(&json!({"goals": chosen, "revenue_of": "goals"}));
    let expected = desk.rows(Level::Campaign, range, campaign(MODEL), |figures, id| reached_by(figures, id, &places));
    assert_eq!(stats(&own, "campaign_stats", range).await, sorted(expected));
    assert_eq!(stats(&own, "goal_stats", range).await, sorted(desk.by_goal(range, &places)));

    let shop = desk.first(&json!({"goals": goals[3].to_string()}));
    let expected = desk.rows(Level::Campaign, range, campaign(MODEL), |figures, id| {
        (reached(figures, id, 3).0, figures.revenue_kopecks)
    });
    assert_eq!(stats(&shop, "campaign_stats", range).await, sorted(expected));

    let records = read(&SYSTEM.source().unwrap(), &own, "goals", range).await.batch.records;
    let named: Vec<Value> = records.iter().map(|record| serde_json::from_str(&record.data).unwrap()).collect();
    assert_eq!(named.iter().map(|goal| goal["id"].as_u64().unwrap()).collect::<Vec<_>>(), goals);
    assert_eq!((named[0]["name"].as_str(), records[0].key.clone()), (Some("Заказ"), Some(format!("[{}]", goals[0]))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn visits_belong_to_the_source_that_the_model_names() {
    let desk = Desk::open(Rules::PATIENT);
    let range = desk.trial.range(80);
    let of = |model| sorted(desk.rows(Level::Campaign, range, campaign(model), all));
    assert!(of("last") != of("automatic"), "the world has no campaign whose people come back");
    for model in ["last", "automatic", "cross_device_first"] {
        assert_eq!(
            stats(&desk.first(&json!({"attribution": model})), "campaign_stats", range).await,
            of(model),
            "{model}"
        );
    }
}

/// What is too much for one query is asked for in halves, and nothing is lost at their seams.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_that_is_too_complicated_is_halved() {
    let desk = Desk::open(Rules { most_days: 9, ..Rules::PATIENT });
    let range = desk.trial.range(60);
    let expected = sorted(desk.rows(Level::Campaign, range, campaign(MODEL), all));
    assert_eq!(stats(&desk.first(&json!({})), "campaign_stats", range).await, expected);

    let desk = Desk::open(Rules { most_days: 0, ..Rules::PATIENT });
    let source = SYSTEM.source().unwrap();
    let slice = source.slices("counter_stats", desk.trial.range(3)).unwrap().remove(0);
    let failure = source.read(&desk.first(&json!({})), &slice, &mut CollectSink::default()).await.unwrap_err();
    assert_eq!((failure.code, failure.kind()), (Code::PlatformDown, FailureKind::Retry), "{failure}");
    assert!(failure.detail.as_deref().is_some_and(|detail| detail.contains("too complicated")), "{failure}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn estimates_are_refused() {
    let desk = Desk::open(Rules { samples: true, ..Rules::PATIENT });
    let source = SYSTEM.source().unwrap();
    let slice = source.slices("counter_stats", desk.trial.range(3)).unwrap().remove(0);
    let failure = source.read(&desk.first(&json!({})), &slice, &mut CollectSink::default()).await.unwrap_err();
    assert_eq!(failure.code, Code::VendorChanged, "{failure}");
    assert_eq!(failure.params["what"], "sampled");
}

/// Five minutes are waited for twice; then the day's requests are used up, which is nobody's fault.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quota_that_is_used_up_is_a_pause() {
    let desk = Desk::open(Rules { reports_in_five_minutes: 1, ..Rules::PATIENT });
    let source = SYSTEM.source().unwrap();
    let session = desk.first(&json!({}));
    let slices = source.slices("ad_stats", desk.trial.range(14)).unwrap();
    source.read(&session, &slices[0], &mut CollectSink::default()).await.unwrap();
    let failure = source.read(&session, &slices[1], &mut CollectSink::default()).await.unwrap_err();
    assert_eq!((failure.code, failure.kind()), (Code::QuotaWait, FailureKind::WaitUntil), "{failure}");
    let waits: Vec<_> = desk.trial.log.waits().iter().map(|wait| (wait.reason, wait.duration.as_secs())).collect();
    assert_eq!(waits[..2], [(WaitReason::RateLimited, 300), (WaitReason::RateLimited, 300)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_say_what_a_person_can_do() {
    let desk = Desk::open(Rules::PATIENT);
    let source = SYSTEM.source().unwrap();
    let others = desk.platform.keys.iter().find(|key| !key.agency).unwrap().counters[0].to_string();
    let own = desk.key.counters[0].to_string();
    let many = (1..=17).map(|goal| goal.to_string()).collect::<Vec<_>>().join(",");
    for (stream, more, code) in [
        ("counter_stats", json!({"counter": others}), Code::PermissionDenied),
        ("goals", json!({"counter": others}), Code::PermissionDenied),
        ("counter_stats", json!({"counter": "7"}), Code::NotFound),
        ("goals", json!({"counter": "7"}), Code::NotFound),
        ("counter_stats", json!({"counter": own, "goals": many}), Code::RequestRefused),
        ("counter_stats", json!({"counter": own, "attribution": "guess"}), Code::RequestRefused),
    ] {
        let slice = source.slices(stream, desk.trial.range(5)).unwrap().remove(0);
        let read = source.read(&desk.trial.session(&more), &slice, &mut CollectSink::default()).await;
        let failure = read.unwrap_err();
        assert_eq!(failure.code, code, "{stream} {more}: {failure}");
        assert!(failure.detail.is_some(), "{failure}");
    }
}

/// Waits until the platform was told so often to throw a log away: that happens in the background.
async fn cleaned(desk: &Desk, times: u64) -> u64 {
    for _ in 0..200 {
        if desk.platform.requests().count_of("/clean") >= times {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    desk.platform.requests().count_of("/clean")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn raw_visits_add_up_and_no_log_is_left_lying() {
    let desk = Desk::open(Rules::PATIENT);
    let source = SYSTEM.source().unwrap();
    let described = source.descriptor().streams.iter().find(|stream| stream.name == "visits").unwrap();
    assert_eq!((described.kind, described.on_by_default), (StreamKind::Records { incremental: true }, false));
    let days =
        DateRange::new(desk.trial.today - chrono::Days::new(9), desk.trial.today - chrono::Days::new(1)).unwrap();
    let session = desk.first(&json!({"start_date": days.from().to_string()}));
    let sink = read(&source, &session, "visits", days).await;
    let mut seen: BTreeMap<(String, NaiveDate), (i64, i64, i64)> = BTreeMap::new();
    let mut keys = BTreeSet::new();
    for record in &sink.batch.records {
        let visit: Value = serde_json::from_str(&record.data).unwrap();
        let cell = |name: &str| visit[format!("ym:s:{name}")].as_str().unwrap().to_owned();
        let tag = |name: &str| Some(cell(&format!("<attribution>{name}"))).filter(|tag| !tag.is_empty());
        let tags = ["UTMSource", "UTMMedium", "UTMCampaign", "UTMContent"].map(tag);
        let sum = seen.entry((joined(&tags), cell("date").parse().unwrap())).or_default();
        let number = |name: &str| cell(name).parse::<i64>().unwrap();
        *sum = (sum.0 + 1, sum.1 + number("pageViews"), sum.2 + number("bounce"));
        assert!(keys.insert(record.key.clone().unwrap()), "{:?} came twice", record.key);
    }
    let rows = desk.rows(Level::Ad, days, |campaign, ad| joined(&tags_of(campaign, ad, MODEL)), all);
    let expected = rows.into_iter().map(|row| {
        let Visits { count, page_views, bounces, .. } = row.visits;
        ((row.external_id, row.date), (count.unwrap(), page_views.unwrap(), bounces.unwrap()))
    });
    assert_eq!(seen, expected.collect());
    let orders = desk.platform.requests().entries().iter().filter(|seen| seen.path.ends_with("/logrequests")).count();
    assert_eq!((orders, cleaned(&desk, 2).await), (2, 2), "two weeks, both thrown away");
    assert!(desk.platform.requests().count_of("/part/1/download") > 0, "the logs had parts");
    assert!(
        desk.trial.log.waits().iter().any(|wait| wait.reason == WaitReason::Report && wait.duration.as_secs() == 20)
    );

    // A log that is ready and cannot be fetched takes room all the same.
    desk.platform.requests().clear();
    desk.platform.faults().add(Fault::always(FaultKind::ServerError { status: 500 }).on("/download"));
    let slice = source.slices("visits", days).unwrap().remove(0);
    let session = desk.first(&json!({"start_date": days.to().to_string()}));
    let failure = source.read(&session, &slice, &mut CollectSink::default()).await.unwrap_err();
    assert_eq!(failure.code, Code::PlatformDown, "{failure}");
    assert_eq!(cleaned(&desk, 1).await, 1);
}

/// A code becomes tokens once, they are kept before they are used, and what is refreshed is kept again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_becomes_tokens_that_are_kept_and_renewed() {
    let desk = Desk::open(Rules::PATIENT);
    let source = SYSTEM.source().unwrap();
    let code = desk.key.codes[0].as_str();
    let credentials = MemoryCredentials::of(&[("code", code), ("client_secret", &desk.key.client_secret)]);
    let session = Session { credentials: credentials.clone(), ..desk.first(&json!({})) };
    read(&source, &session, "goals", desk.trial.range(1)).await;
    let kept = credentials.load().await.unwrap();
    desk.platform.faults().add(Fault::once(FaultKind::ExpireToken));
    let again = Session { config: Arc::new((*session.config).clone()), ..session.clone() };
    read(&source, &again, "goals", desk.trial.range(1)).await;
    let renewed = credentials.load().await.unwrap();
    assert_ne!(renewed["access_token"].expose(), kept["access_token"].expose());

    // Taken back for good: only a person can help, with a new code.
    desk.platform.faults().add(Fault::once(FaultKind::RevokeToken));
    let revoked = Session { config: Arc::new((*session.config).clone()), ..session };
    let slice = source.slices("goals", desk.trial.range(1)).unwrap().remove(0);
    let failure = source.read(&revoked, &slice, &mut CollectSink::default()).await.unwrap_err();
    assert_eq!((failure.code, failure.kind()), (Code::SignInRejected, FailureKind::SignInAgain), "{failure}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_connector_passes_the_battery() {
    let desk = Desk::open(Rules::PATIENT);
    let source = SYSTEM.source().unwrap();
    let days = desk.trial.range(40);
    let counter = desk.key.counters[0].to_string();
    let every: Vec<usize> = (0..GOALS).collect();
    let stats = [
        ("counter_stats", desk.rows(Level::Account, days, |_, _| counter.clone(), all)),
        ("campaign_stats", desk.rows(Level::Campaign, days, campaign(MODEL), all)),
        ("ad_stats", desk.rows(Level::Ad, days, |campaign, ad| joined(&tags_of(campaign, ad, MODEL)), all)),
        ("goal_stats", desk.by_goal(days, &every)),
    ];
    let stats = stats.map(|(stream, rows)| (stream.to_owned(), rows)).into();
    let accounts = desk.key.counters.iter().map(u64::to_string).collect();
    let truth = battery::Truth { accounts, days: Some(days), stats, ..battery::Truth::default() };
    let with = |secrets: &[(&str, &str)]| {
        let trial = trial_of(&desk.platform, &desk.key, desk.trial.today, secrets);
        let session = Trial { log: desk.trial.log.clone(), ..trial }.session(&json!({"counter": counter}));
        Shown::Session(Box::new(session))
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
