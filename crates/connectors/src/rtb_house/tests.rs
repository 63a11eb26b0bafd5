//! RTB House end to end against its simulator: what arrives equals the simulator's truth to the kopeck.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use super::SYSTEM;
use crate::trial::{self, Bench, Shown, Trial};
use kit::{battery, session::Session, source::Source, testing::CollectSink};
use model::{
    ad::{CampaignStat, Level},
    date::DateRange,
    failure::Code,
    money::{Currency, Micros},
};
use serde_json::{Value, json};
use simulators::{
    rtb_house::{self, Key, ROWS_PER_HOUR, hash_of},
    stage::{Platform, Scenario},
    world,
};

const HOST: &str = "https://api.panel.rtbhouse.com";

/// A simulator and a way to open sessions over it.
struct Desk {
    trial: Trial,
    platform: Platform<Key>,
    key: Key,
}

impl Desk {
    fn open(rows_per_hour: u64) -> Self {
        let today = chrono::Utc::now().date_naive();
        let platform = rtb_house::start(&Scenario::small(today), rows_per_hour).unwrap();
        let key = platform.keys[0].clone();
        let trial = Trial::new(SYSTEM.id, (HOST, &platform.base_url), &json!({}), &[("api_token", &key.token)]);
        Self { trial: Trial { today, ..trial }, platform, key }
    }

    fn first(&self) -> Session {
        self.trial.session(&json!({"advertiser": self.key.advertisers[0]}))
    }

    /// The rows of a level that have something, as they should arrive.
    fn truth(&self, of: world::Level, level: Level, range: DateRange) -> Vec<CampaignStat> {
        let name = |id| Some(hash_of(id));
        trial::delivered(&self.platform.truth(), self.key.cabinets[0], (of, level), range, name)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_advertiser_is_found_looked_into_and_compared() {
    let desk = Desk::open(ROWS_PER_HOUR);
    let source = SYSTEM.source().unwrap();
    let accounts = source.accounts(&desk.trial.session(&json!({})), &|_| {}).await.unwrap();
    let found: Vec<_> = accounts.iter().map(|account| account.external_id.clone()).collect();
    assert_eq!(found, desk.key.advertisers);
    assert!(accounts.iter().all(|account| account.currency == Some(Currency::RUB)));

    let session = desk.trial.session(&Value::Object(accounts[0].config.clone()));
    let sample = source.sample(&session, desk.trial.today).await.unwrap();
    let month = desk.trial.range(30);
    let truth = desk.platform.truth();
    let cabinet = desk.key.cabinets[0];
    let spend = truth.totals(cabinet, month.from(), month.to()).unwrap().spend_kopecks;
    assert_eq!(sample.spend_30d, Some(Micros(spend * 10_000)));
    assert!(sample.campaigns.is_some_and(|count| count > 0) && sample.last_data.is_some());

    let week = desk.trial.range(7);
    let totals = source.day_totals(&session, week).await.unwrap().unwrap();
    for (date, total) in totals {
        let figures = truth.totals(cabinet, date, date).unwrap();
        assert_eq!((total.impressions, total.clicks), (Some(figures.impressions), Some(figures.clicks)), "{date}");
        assert_eq!(total.cost, Some(Micros(figures.spend_kopecks * 10_000)), "{date}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_convention_that_was_chosen_counts() {
    let desk = Desk::open(ROWS_PER_HOUR);
    let source = SYSTEM.source().unwrap();
    let mut counted = Vec::new();
    for convention in ["ATTRIBUTED", "ALL_CONVERSIONS"] {
        let more = json!({"advertiser": desk.key.advertisers[0], "count_convention": convention});
        let session = desk.trial.session(&more);
        let mut sink = CollectSink::default();
        for slice in source.slices("campaign_stats", desk.trial.range(30)).unwrap() {
            source.read(&session, &slice, &mut sink).await.unwrap();
        }
        counted.push(sink.batch.stats.iter().filter_map(|row| row.conversions).sum::<Micros>());
    }
    assert!(counted[0] > Micros::ZERO && counted[1] > counted[0], "{counted:?}");
}

/// The platform limits work and not requests. Its hour does not pass here, so the waits end in a refusal that says what it was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_hour_that_is_used_up_is_a_refusal_in_the_platforms_words() {
    let desk = Desk::open(10);
    let source = SYSTEM.source().unwrap();
    let slices = source.slices("campaign_stats", desk.trial.range(60)).unwrap();
    let mut sink = CollectSink::default();
    source.read(&desk.first(), &slices[0], &mut sink).await.unwrap();
    let failure = source.read(&desk.first(), &slices[1], &mut sink).await.unwrap_err();
    assert_eq!(failure.code, Code::TooManyRequests, "{failure}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_connector_passes_the_battery() {
    let desk = Desk::open(ROWS_PER_HOUR);
    let source = SYSTEM.source().unwrap();
    let days = desk.trial.range(40);
    let stats =
        [("campaign_stats", world::Level::Campaign, Level::Campaign), ("creative_stats", world::Level::Ad, Level::Ad)]
            .map(|(stream, of, level)| (stream.to_owned(), desk.truth(of, level, days)));
    let accounts = desk.key.advertisers.iter().cloned().collect();
    let truth = battery::Truth { accounts, days: Some(days), stats: stats.into(), ..battery::Truth::default() };
    let bench = Bench {
        trial: Trial { config: desk.first().config.as_ref().clone(), ..desk.trial.clone() },
        faults: desk.platform.faults(),
        reports: "-stats",
        shows: &|fault| match fault {
            battery::Fault::Gone => {
                let gone = format!("{}/elsewhere", desk.key.advertisers[0]);
                Shown::Session(Box::new(desk.trial.session(&json!({"advertiser": gone}))))
            }
            // A token that a person gave is not renewed and says nothing of why it ended; lists have no totals.
            battery::Fault::ExpiredToken | battery::Fault::Revoked | battery::Fault::LyingTotal => Shown::Never,
            _ => Shown::Usual,
        },
        planted: &Vec::new,
    };
    let wrong = battery::run(&source, &bench, &truth, desk.trial.today).await;
    assert!(wrong.is_empty(), "{wrong:#?}");
}
