//! myTarget end to end against its simulator: what arrives equals the simulator's truth to the kopeck.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use super::{HOST, SYSTEM};
use crate::target_engine::desk::{self, Desk, Product, read};
use kit::source::Source;
use model::{
    ad::{Level, ObjectStatus},
    failure::Code,
    money::{Currency, Micros},
    utm::Utm,
};
use serde_json::{Value, json};
use simulators::{
    faults::{Fault, FaultKind},
    my_target::{MyTarget, Scenario},
    world,
};

const MY_TARGET: Product =
    Product { id: "my_target", host: HOST, start: |scenario| MyTarget::start(scenario).unwrap() };

fn open(agency: bool, change: impl FnOnce(&mut Scenario)) -> Desk {
    Desk::open(&MY_TARGET, agency, change)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cabinet_of_an_agency_is_read_to_the_kopeck_on_two_levels() {
    let desk = open(true, |_| {});
    let my_target = SYSTEM.source().unwrap();
    let accounts = my_target.accounts(&desk.session(&json!({})), &|_| {}).await.unwrap();
    let found: Vec<_> = accounts.iter().map(|account| account.external_id.clone()).collect();
    let expected: Vec<_> = desk.key.cabinets.iter().map(|cabinet| cabinet.id.to_string()).collect();
    assert_eq!(found, expected);

    let session = desk.session(&Value::Object(accounts[0].config.clone()));
    let cabinet = desk.key.cabinets[0].id;
    let range = desk.range(80);
    let figures = desk.platform.truth().totals(cabinet, range.from(), range.to()).unwrap();
    for (dictionary, statistics, level) in
        [("campaigns", "campaign_stats", Level::Campaign), ("banners", "banner_stats", Level::Ad)]
    {
        let names = read(&my_target, &session, dictionary, range).await.batch;
        assert!(names.rejected.is_empty() && !names.objects.is_empty(), "{dictionary}: {:?}", names.rejected);
        assert!(names.objects.iter().all(|object| object.level == level && object.status != ObjectStatus::Unknown));
        assert_eq!(names.objects.iter().all(|object| object.parent_external_id.is_some()), level == Level::Ad);
        // Every ad leads somewhere, and the address names the ad itself.
        for object in &names.objects {
            let utm = object.landing_url.as_deref().map(Utm::of).unwrap_or_default();
            assert_eq!(utm.content.as_ref() == Some(&object.external_id), level == Level::Ad, "{object:?}");
        }
        let rows = read(&my_target, &session, statistics, range).await.batch;
        assert!(rows.rejected.is_empty(), "{statistics}: {:?}", rows.rejected);
        assert!(rows.stats.iter().all(|row| row.level == level && row.currency == Currency::RUB));
        let cost: Micros = rows.stats.iter().filter_map(|row| row.cost).sum();
        let revenue: Micros = rows.stats.iter().filter_map(|row| row.revenue).sum();
        let conversions: Micros = rows.stats.iter().filter_map(|row| row.conversions).sum();
        assert_eq!(cost, Micros(figures.spend_kopecks * 10_000), "{statistics}: spend");
        assert_eq!(revenue, Micros(figures.revenue_kopecks * 10_000), "{statistics}: revenue");
        assert_eq!(conversions, Micros(figures.conversions * 1_000_000), "{statistics}: conversions");
        assert_eq!(rows.stats.iter().filter_map(|row| row.clicks).sum::<i64>(), figures.clicks, "{statistics}: clicks");
        assert_eq!(rows.stats.iter().filter_map(|row| row.impressions).sum::<i64>(), figures.impressions);
        let known: std::collections::HashSet<_> = names.objects.iter().map(|object| &object.external_id).collect();
        assert!(rows.stats.iter().all(|row| known.contains(&row.external_id)), "{statistics}: a row without a name");
    }
    let sample = my_target.sample(&session, desk.trial.today).await.unwrap();
    assert!(sample.campaigns.is_some_and(|count| count > 0) && sample.last_data.is_some());
    assert_eq!(sample.currency, Some(Currency::RUB));
}

/// Where the platform keeps 92 days, as an older client says, days before that fail by themselves and the rest arrives.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn days_that_the_platform_no_longer_keeps_are_refused_in_its_words() {
    let desk = open(false, |scenario| scenario.horizon_days = Some(40));
    let my_target = SYSTEM.source().unwrap();
    let session = desk.session(&json!({}));
    let slices = my_target.slices("campaign_stats", desk.range(80)).unwrap();
    let mut outcomes = Vec::new();
    for slice in &slices {
        let mut sink = kit::testing::CollectSink::default();
        let outcome = my_target.read(&session, slice, &mut sink).await;
        outcomes.push(outcome.map(|()| sink.batch.stats.is_empty()).map_err(|failure| failure.code));
    }
    assert_eq!(outcomes, [Err(Code::RequestRefused), Err(Code::RequestRefused), Ok(false)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_ends_a_read_ends_it_with_its_code() {
    let desk = open(false, |_| {});
    let my_target = SYSTEM.source().unwrap();
    for (kind, path, stream, code) in [
        (FaultKind::LyingTotal { delta: 3 }, "banners.json", "banners", Code::TotalMismatch),
        (FaultKind::LyingTotal { delta: -1 }, "campaigns.json", "campaigns", Code::TotalMismatch),
        (FaultKind::Html { status: 200 }, "statistics", "campaign_stats", Code::NotJson),
        (FaultKind::TruncatedBody, "statistics", "campaign_stats", Code::BodyTruncated),
        (FaultKind::ServerError { status: 503 }, "campaigns.json", "campaigns", Code::PlatformDown),
        (FaultKind::RevokeScope, "statistics", "campaign_stats", Code::PermissionDenied),
        (FaultKind::WrongKey, "oauth2", "campaigns", Code::SignInRejected),
    ] {
        desk.platform.faults().clear();
        desk.platform.faults().add(Fault::always(kind.clone()).on(path));
        let slice = &my_target.slices(stream, desk.range(10)).unwrap()[0];
        let mut sink = kit::testing::CollectSink::default();
        let failure = my_target.read(&desk.session(&json!({})), slice, &mut sink).await.unwrap_err();
        assert_eq!(failure.code, code, "{kind:?} on {stream}: {failure}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_connector_passes_the_battery() {
    let streams =
        [("campaign_stats", world::Level::Campaign, Level::Campaign), ("banner_stats", world::Level::Ad, Level::Ad)];
    let wrong = desk::battery(&SYSTEM.source().unwrap(), &MY_TARGET, &streams).await;
    assert!(wrong.is_empty(), "{wrong:#?}");
}
