//! AppsFlyer end to end against its simulator: what arrives equals the simulator's truth to the kopeck.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use super::SYSTEM;
use crate::trial::{self, Bench, Shown, Trial, read};
use chrono::{Days, NaiveDate};
use kit::{battery, session::Session, source::Source, testing::CollectSink};
use model::{
    ad::{AdObject, CampaignStat, Level, ObjectStatus},
    date::DateRange,
    failure::Code,
    money::{Currency, Micros},
};
use serde_json::{Value, json};
use simulators::{
    appsflyer::{self, App, Attributed, EVENT, Key, Rules, ZONE, purchases},
    faults::{Fault, FaultKind, Hint},
    stage::{Platform, Scenario},
    world::{self, Figures},
};
use std::collections::BTreeMap;

const HOST: &str = "https://hq1.appsflyer.com";

/// A simulator and a way to open sessions over it.
struct Desk {
    trial: Trial,
    platform: Platform<Key>,
    key: Key,
}

/// What a campaign is called here.
fn id_of(of: &Attributed) -> String {
    format!("{}/{}/{}", of.source, of.agency, of.campaign)
}

impl Desk {
    fn open(rules: Rules) -> Self {
        let today = chrono::Utc::now().date_naive();
        let platform = appsflyer::start(&Scenario::small(today), rules).unwrap();
        let key = platform.keys[0].clone();
        let trial = Trial::new(SYSTEM.id, (HOST, &platform.base_url), &json!({}), &[("api_token", &key.token)]);
        Self { trial: Trial { today, ..trial }, platform, key }
    }

    fn app(&self) -> &App {
        &self.key.apps[0]
    }

    fn session(&self, more: &Value) -> Session {
        let mut config = json!({"app": self.app().id, "time_zone": ZONE}).as_object().unwrap().clone();
        config.extend(more.as_object().unwrap().clone());
        self.trial.session(&Value::Object(config))
    }

    /// What the campaigns of the first app did; campaigns that reports cannot tell apart are one.
    fn did(&self, range: DateRange) -> BTreeMap<(Attributed, NaiveDate), Figures> {
        let truth = self.platform.truth();
        let mut did = BTreeMap::new();
        for (id, of) in &self.app().campaigns {
            for date in range.days() {
                let figures = truth.object(world::Level::Campaign, *id, date, date).unwrap();
                if figures != Figures::default() {
                    *did.entry((of.clone(), date)).or_insert_with(Figures::default) += figures;
                }
            }
        }
        did
    }

    fn truth(&self, range: DateRange) -> Vec<CampaignStat> {
        let did = self.did(range).into_iter();
        did.map(|((of, date), figures)| trial::row(Level::Campaign, id_of(&of), date, figures)).collect()
    }

    /// The same by event, of which there is one.
    fn events(&self, range: DateRange) -> Vec<CampaignStat> {
        let row = |((of, date), figures): ((Attributed, NaiveDate), Figures)| CampaignStat {
            breakdown: format!("goal={EVENT}"),
            impressions: None,
            clicks: None,
            cost: None,
            conversions: Micros::whole(purchases(figures.conversions)),
            ..trial::row(Level::Campaign, id_of(&of), date, figures)
        };
        let bought = |row: &CampaignStat| row.conversions != Some(Micros::ZERO);
        self.did(range).into_iter().map(row).filter(bought).collect()
    }

    /// Everything that ever did something.
    fn campaigns(&self) -> Vec<AdObject> {
        let ever = DateRange::new(self.platform.truth().first_day(), self.trial.today).unwrap();
        let mut all: Vec<Attributed> = self.did(ever).into_keys().map(|(of, _)| of).collect();
        all.dedup();
        let object = |of: Attributed| AdObject {
            level: Level::Campaign,
            external_id: id_of(&of),
            parent_external_id: None,
            name: format!("{} ({})", of.campaign, of.source),
            status: ObjectStatus::Unknown,
            landing_url: None,
        };
        all.into_iter().map(object).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn apps_are_found_page_by_page_and_looked_into() {
    let desk = Desk::open(Rules { apps_a_page: 1, ..Rules::default() });
    let source = SYSTEM.source().unwrap();
    let accounts = source.accounts(&desk.trial.session(&json!({})), &|_| {}).await.unwrap();
    let found: Vec<_> = accounts.iter().map(|account| account.external_id.clone()).collect();
    assert_eq!(found, desk.key.apps.iter().map(|app| app.id.clone()).collect::<Vec<_>>());
    assert!(found.len() > 1, "one page shows no paging");
    assert!(accounts.iter().all(|account| account.currency == Some(Currency::RUB)));
    assert_eq!(accounts[0].config["time_zone"], ZONE);

    let session = desk.trial.session(&Value::Object(accounts[0].config.clone()));
    let sample = source.sample(&session, desk.trial.today).await.unwrap();
    let month = desk.trial.range(30);
    let spend = desk.platform.truth().totals(desk.app().cabinet, month.from(), month.to()).unwrap().spend_kopecks;
    assert_eq!(sample.spend_30d, Some(Micros(spend * 10_000)));
    assert!(sample.last_data.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_event_that_was_chosen_counts() {
    let desk = Desk::open(Rules::default());
    let source = SYSTEM.source().unwrap();
    let range = desk.trial.range(30);
    let counted = |more: Value| {
        let session = desk.session(&more);
        let source = &source;
        async move {
            let rows = read(source, &session, "campaign_stats", range).await.batch;
            assert!(rows.rejected.is_empty(), "{:?}", rows.rejected);
            rows.stats.iter().filter_map(|row| row.conversions).sum::<Micros>()
        }
    };
    let did = desk.did(range);
    let sum = |of: fn(i64) -> i64| Micros(did.values().map(|figures| of(figures.conversions)).sum::<i64>() * 1_000_000);
    let (installs, bought) = (sum(|installs| installs), sum(purchases));
    assert!(bought > Micros::ZERO && installs > bought);
    assert_eq!(counted(json!({})).await, installs);
    assert_eq!(counted(json!({"conversion_event": EVENT})).await, bought);
    assert_eq!(counted(json!({"conversion_event": "af_unheard_of"})).await, Micros::ZERO);
}

/// The platform's day does not pass here, so what waits for it is told until when.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_that_is_used_up_is_waited_for_until_midnight() {
    let desk = Desk::open(Rules { long_of_an_app: 1, ..Rules::default() });
    let source = SYSTEM.source().unwrap();
    let slices = source.slices("campaign_stats", desk.trial.range(60)).unwrap();
    let mut sink = CollectSink::default();
    source.read(&desk.session(&json!({})), &slices[0], &mut sink).await.unwrap();
    let failure = source.read(&desk.session(&json!({})), &slices[1], &mut sink).await.unwrap_err();
    assert_eq!(failure.code, Code::QuotaWait, "{failure}");
}

/// Windows of up to two days are limited by the minute and not by the day.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_short_window_is_asked_for_once_a_minute() {
    let desk = Desk::open(Rules { long_of_an_app: 0, ..Rules::default() });
    let source = SYSTEM.source().unwrap();
    let slices = source.slices("campaign_stats", desk.trial.range(2)).unwrap();
    let mut sink = CollectSink::default();
    source.read(&desk.session(&json!({})), &slices[0], &mut sink).await.unwrap();
    desk.platform.calendar().advance_seconds(60);
    source.read(&desk.session(&json!({})), &slices[0], &mut sink).await.unwrap();
    let asked = desk.platform.requests().entries().len();
    assert_eq!(asked, 2);
    let failure = source.read(&desk.session(&json!({})), &slices[0], &mut sink).await.unwrap_err();
    assert_eq!(failure.code, Code::QuotaWait, "{failure}");
}

/// Real clients saw a limit go after a minute; a missing right stays.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_is_told_from_a_missing_right_and_an_app_from_another_accounts() {
    let desk = Desk::open(Rules::default());
    let source = SYSTEM.source().unwrap();
    let slices = source.slices("campaign_stats", desk.trial.range(20)).unwrap();
    for (fault, more, code) in [
        (Some(Fault::once(FaultKind::Throttle { hint: Hint::Body })), json!({}), None),
        (Some(Fault::once(FaultKind::RevokeScope)), json!({}), Some(Code::PermissionDenied)),
        (Some(Fault::always(FaultKind::WrongKey)), json!({}), Some(Code::SignInRejected)),
        (None, json!({"app": "id404"}), Some(Code::NotFound)),
        (None, json!({"time_zone": "Asia/Omsk"}), Some(Code::RequestRefused)),
    ] {
        desk.platform.faults().clear();
        if let Some(fault) = fault {
            desk.platform.faults().add(fault);
        }
        let mut sink = CollectSink::default();
        let outcome = source.read(&desk.session(&more), &slices[0], &mut sink).await;
        assert_eq!(outcome.as_ref().err().map(|failure| failure.code), code, "{outcome:?}");
        assert_eq!(sink.batch.stats.is_empty(), code.is_some());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_connector_passes_the_battery() {
    let desk = Desk::open(Rules::FREE);
    let source = SYSTEM.source().unwrap();
    let days = desk.trial.range(40);
    let truth = battery::Truth {
        accounts: desk.key.apps.iter().map(|app| app.id.clone()).collect(),
        days: Some(days),
        objects: [("campaigns".to_owned(), desk.campaigns())].into(),
        stats: [("campaign_stats".to_owned(), desk.truth(days)), ("event_stats".to_owned(), desk.events(days))].into(),
    };
    assert!(truth.objects["campaigns"].len() > 2 && truth.stats["campaign_stats"].len() > 40);
    assert!(
        truth.stats["event_stats"].len() > 5 && truth.stats["event_stats"].len() < truth.stats["campaign_stats"].len()
    );
    let session = desk.session(&json!({}));
    let bench = Bench {
        trial: Trial { config: session.config.as_ref().clone(), ..desk.trial.clone() },
        faults: desk.platform.faults(),
        reports: "/export/",
        shows: &|fault| match fault {
            // Told without a time, and a second refusal of a long window means the day's end.
            battery::Fault::Throttled => Shown::Fault(Fault::once(FaultKind::Throttle { hint: Hint::Body })),
            // A token that a person gave is not renewed and says nothing of why it ended; tables have no totals. What is not found is an
            // app here, and not a part of the interface.
            battery::Fault::ExpiredToken
            | battery::Fault::Revoked
            | battery::Fault::LyingTotal
            | battery::Fault::Gone => Shown::Never,
            _ => Shown::Usual,
        },
        planted: &Vec::new,
    };
    let wrong = battery::run(&source, &bench, &truth, desk.trial.today).await;
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Figures of a past day still change; the next reading has the later ones.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_is_what_the_platform_says_now() {
    let desk = Desk::open(Rules::default());
    let source = SYSTEM.source().unwrap();
    let day = desk.trial.today.checked_sub_days(Days::new(3)).unwrap();
    let range = DateRange::new(day, desk.trial.today).unwrap();
    let rows = read(&source, &desk.session(&json!({})), "campaign_stats", range).await.batch.stats;
    let key = |row: &CampaignStat| (row.external_id.clone(), row.date);
    let (mut rows, mut now) = (rows, desk.truth(range));
    rows.sort_by_key(key);
    now.sort_by_key(key);
    assert_eq!(rows, now);
    let then = desk.platform.truth().as_of(day);
    let cabinet = desk.app().cabinet;
    let (before, after) =
        (then.totals(cabinet, day, day).unwrap(), desk.platform.truth().totals(cabinet, day, day).unwrap());
    assert_ne!(before, after, "a day that does not ripen shows nothing");
}
