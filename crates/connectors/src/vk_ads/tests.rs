//! VK Реклама end to end against its simulator: what arrives equals the simulator's truth to the kopeck.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use super::{HOST, SYSTEM};
use crate::target_engine::desk::{self, Desk, Product, read};
use kit::{
    source::{CheckEvent, Source},
    testing::CollectSink,
};
use model::{
    ad::{CampaignStat, Level, ObjectStatus, RejectReason},
    failure::{Code, Failure},
    money::{Currency, Micros, VatState},
    utm::Utm,
};
use serde_json::{Value, json};
use simulators::{
    faults::{Fault, FaultKind},
    vk_ads::{Limits, Scenario, VkAds},
};
use std::sync::Mutex;

const VK_ADS: Product = Product { id: "vk_ads", host: HOST, start: |scenario| VkAds::start(scenario).unwrap() };

fn open(agency: bool, change: impl FnOnce(&mut Scenario)) -> Desk {
    Desk::open(&VK_ADS, agency, change)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cabinet_of_an_agency_is_read_to_the_kopeck_on_three_levels() {
    let desk = open(true, |_| {});
    let vk = SYSTEM.source().unwrap();
    let agency = desk.session(&json!({}));
    let steps = Mutex::new(Vec::new());
    let accounts =
        vk.accounts(&agency, &|event: CheckEvent| steps.lock().unwrap().push(format!("{event:?}"))).await.unwrap();
    let names: Vec<_> = accounts.iter().map(|account| account.external_id.clone()).collect();
    let expected: Vec<_> = desk.key.cabinets.iter().map(|cabinet| cabinet.id.to_string()).collect();
    assert_eq!(names, expected);
    assert_eq!(steps.lock().unwrap().len(), 4);

    let session = desk.session(&Value::Object(accounts[0].config.clone()));
    let cabinet = desk.key.cabinets[0].id;
    let range = desk.range(80);
    let truth = desk.platform.truth();
    let figures = truth.totals(cabinet, range.from(), range.to()).unwrap();
    for (dictionary, statistics, level) in [
        ("ad_plans", "ad_plan_stats", Level::Campaign),
        ("ad_groups", "ad_group_stats", Level::AdGroup),
        ("banners", "banner_stats", Level::Ad),
    ] {
        let names = read(&vk, &session, dictionary, range).await.batch;
        assert!(names.rejected.is_empty() && !names.objects.is_empty(), "{dictionary}: {:?}", names.rejected);
        assert!(names.objects.iter().all(|object| object.level == level && object.status != ObjectStatus::Unknown));
        assert_eq!(names.objects.iter().all(|object| object.parent_external_id.is_some()), level != Level::Campaign);
        // Every ad leads somewhere, and the address names the ad itself.
        for object in &names.objects {
            let utm = object.landing_url.as_deref().map(Utm::of).unwrap_or_default();
            assert_eq!(utm.content.as_ref() == Some(&object.external_id), level == Level::Ad, "{object:?}");
        }
        let sink = read(&vk, &session, statistics, range).await;
        assert!(sink.sizes.iter().all(|size| *size <= 2_000));
        let rows = sink.batch;
        assert!(rows.rejected.is_empty(), "{statistics}: {:?}", rows.rejected);
        assert!(
            rows.stats
                .iter()
                .all(|row| row.level == level && row.currency == Currency::RUB && row.vat == VatState::Excluded)
        );
        let sum = |pick: &dyn Fn(&CampaignStat) -> Option<Micros>| rows.stats.iter().filter_map(pick).sum::<Micros>();
        assert_eq!(sum(&|row| row.cost), Micros(figures.spend_kopecks * 10_000), "{statistics}: spend");
        assert_eq!(sum(&|row| row.revenue), Micros(figures.revenue_kopecks * 10_000), "{statistics}: revenue");
        assert_eq!(sum(&|row| row.conversions), Micros(figures.conversions * 1_000_000), "{statistics}: conversions");
        assert_eq!(rows.stats.iter().filter_map(|row| row.clicks).sum::<i64>(), figures.clicks, "{statistics}: clicks");
        assert_eq!(rows.stats.iter().filter_map(|row| row.impressions).sum::<i64>(), figures.impressions);
        let known: std::collections::HashSet<_> = names.objects.iter().map(|object| &object.external_id).collect();
        assert!(rows.stats.iter().all(|row| known.contains(&row.external_id)), "{statistics}: a row without a name");
    }
    let sample = vk.sample(&session, desk.trial.today).await.unwrap();
    let month = desk.range(30);
    let spend = truth.totals(cabinet, month.from(), month.to()).unwrap().spend_kopecks;
    assert_eq!((sample.currency, sample.spend_30d), (Some(Currency::RUB), Some(Micros(spend * 10_000))));
    assert!(sample.campaigns.is_some_and(|count| count > 0) && sample.last_data.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ids_are_fetched_once_per_session_and_pages_follow_a_smaller_limit() {
    let desk = open(false, |scenario| scenario.max_page = 5);
    let vk = SYSTEM.source().unwrap();
    let session = desk.session(&json!({"page_size": 5}));
    let range = desk.range(70);
    let rows = read(&vk, &session, "banner_stats", range).await.batch.stats.len();
    let asked = desk.platform.requests().count_of("/banners.json");
    let banners = read(&vk, &session, "banners", range).await.batch.objects.len();
    assert!(banners > 10 && rows > banners);
    // Each page begins with the last banner of the one before it.
    let pages = (banners / 4 + 1) as u64;
    assert!(asked > 1 && asked <= pages + 1, "{asked} requests for {banners} banners");
    read(&vk, &session, "banner_stats", range).await;
    assert_eq!(
        desk.platform.requests().count_of("statistics/banners"),
        6,
        "two readings of three windows, one group each"
    );
}

/// Does a fault to the platform and says how a read of `stream` ends.
async fn under(desk: &Desk, faults: &[Fault], stream: &str) -> Result<CollectSink, Failure> {
    desk.platform.faults().clear();
    for fault in faults {
        desk.platform.faults().add(fault.clone());
    }
    let vk = SYSTEM.source().unwrap();
    let session = desk.session(&json!({}));
    let mut sink = CollectSink::default();
    for slice in vk.slices(stream, desk.range(10)).unwrap() {
        vk.read(&session, &slice, &mut sink).await?;
    }
    Ok(sink)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_ends_a_read_ends_it_with_its_code() {
    let desk = open(false, |_| {});
    let on = |kind: FaultKind, path: &str| Fault::always(kind).on(path);
    let missing = |field: &str| FaultKind::MissingField { field: field.to_owned() };
    for (fault, stream, code) in [
        (on(FaultKind::LyingTotal { delta: 3 }, "banners.json"), "banners", Code::TotalMismatch),
        (on(FaultKind::LyingTotal { delta: -1 }, "ad_plans.json"), "ad_plans", Code::TotalMismatch),
        (on(FaultKind::LyingTotal { delta: 1 }, "banners.json"), "banner_stats", Code::TotalMismatch),
        (on(FaultKind::Html { status: 200 }, "statistics"), "ad_plan_stats", Code::NotJson),
        (on(FaultKind::BrokenJson, "statistics"), "ad_plan_stats", Code::BodyTruncated),
        (on(FaultKind::TruncatedBody, "statistics"), "ad_plan_stats", Code::BodyTruncated),
        (on(FaultKind::ServerError { status: 503 }, "ad_groups.json"), "ad_groups", Code::PlatformDown),
        (on(missing("items"), "statistics"), "ad_plan_stats", Code::VendorChanged),
        (on(missing("rows"), "statistics"), "ad_plan_stats", Code::VendorChanged),
        (on(missing("items"), "banners.json"), "banners", Code::VendorChanged),
        (Fault::always(FaultKind::WrongKey), "ad_plans", Code::SignInRejected),
    ] {
        let what = format!("{fault:?} on {stream}");
        match under(&desk, &[fault], stream).await {
            Err(failure) => assert_eq!(failure.code, code, "{what}: {failure}"),
            Ok(_) => panic!("{what}: the read went well"),
        }
    }
}

/// A list that is paged by places and moves meanwhile: an object is skipped or comes twice, and the count may be right all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_that_moves_while_it_is_read_is_read_again_until_it_keeps_still() {
    // Waits are virtual here, and the platform counts real seconds.
    let desk = open(false, |scenario| scenario.limits = Limits::NONE);
    let vk = SYSTEM.source().unwrap();
    let narrow = json!({"page_size": 7});
    let ids = |sink: &CollectSink| {
        let mut ids: Vec<_> = sink.batch.objects.iter().map(|object| object.external_id.clone()).collect();
        ids.sort();
        ids
    };
    let whole = ids(&read(&vk, &desk.session(&json!({})), "banners", desk.range(10)).await);
    assert!(whole.len() > 21, "several pages");
    assert_eq!(ids(&read(&vk, &desk.session(&narrow), "banners", desk.range(10)).await), whole);
    let faults = desk.platform.faults();
    let slice = &vk.slices("banners", desk.range(10)).unwrap()[0];
    for kind in [FaultKind::RepeatPage, FaultKind::ShuffledPage, FaultKind::Vanish, FaultKind::Appear] {
        for (times, after) in [(1, 0), (1, 1), (2, 0)] {
            faults.clear();
            let id = faults.add(Fault::always(kind.clone()).on("banners.json").after(after).times(times));
            let sink = read(&vk, &desk.session(&narrow), "banners", desk.range(10)).await;
            assert_eq!(ids(&sink), whole, "{kind:?} {times} times after {after}");
            assert!(sink.batch.rejected.is_empty(), "{kind:?}: {:?}", sink.batch.rejected);
            let struck = faults.struck(id).unwrap();
            // The last one waits for a second first page, which a list that is read once does not have.
            assert!(struck > 0 || (kind == FaultKind::Appear && after > 0), "{kind:?} never struck");
        }
        faults.clear();
        faults.add(Fault::always(kind.clone()).on("banners.json"));
        let failure = vk.read(&desk.session(&narrow), slice, &mut CollectSink::default()).await.unwrap_err();
        assert_eq!(failure.code, Code::TotalMismatch, "{kind:?} without end");
    }
    // A list that has shown records is not empty a moment later, whatever its total says: neither for itself nor for what needs its ids.
    for (times, ends_well) in [(2, true), (9, false)] {
        for stream in ["banners", "banner_stats"] {
            faults.clear();
            faults.add(Fault::always(FaultKind::EmptyAccount).on("banners.json").after(1).times(times));
            let slice = &vk.slices(stream, desk.range(10)).unwrap()[0];
            let mut sink = CollectSink::default();
            let read = vk.read(&desk.session(&narrow), slice, &mut sink).await;
            if ends_well {
                read.unwrap();
                let found: std::collections::BTreeSet<_> = match stream {
                    "banners" => ids(&sink).into_iter().collect(),
                    _ => sink.batch.stats.into_iter().map(|row| row.external_id).collect(),
                };
                assert_eq!(found.into_iter().collect::<Vec<_>>(), whole, "{stream}, empty {times} times");
            } else {
                let failure = read.unwrap_err();
                assert_eq!(failure.code, Code::TotalMismatch, "{stream}, empty {times} times: {failure}");
            }
        }
    }
    // What others read for their ids is asked for again too, and not found where answers are kept.
    for stream in ["banners", "banner_stats"] {
        faults.clear();
        faults.add(Fault::once(FaultKind::Vanish).on("banners.json"));
        let session = desk.session(&narrow);
        read(&vk, &session, stream, desk.range(10)).await;
        let rows = read(&vk, &session, "banner_stats", desk.range(10)).await.batch.stats;
        let found: std::collections::BTreeSet<_> = rows.into_iter().map(|row| row.external_id).collect();
        assert_eq!(found.into_iter().collect::<Vec<_>>(), whole, "{stream} first");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_typed_goes_to_quarantine_and_the_rest_arrives() {
    let desk = open(false, |_| {});
    let clean = under(&desk, &[], "ad_plan_stats").await.unwrap().batch.stats.len();
    let missing = |field: &str| FaultKind::MissingField { field: field.to_owned() };
    for (kind, stream, reason, field) in [
        (FaultKind::NegativeNumbers, "ad_plan_stats", RejectReason::Negative, None),
        (FaultKind::GarbageNumbers, "ad_plan_stats", RejectReason::NotANumber, None),
        (missing("date"), "ad_plan_stats", RejectReason::Missing, Some("date")),
        (FaultKind::DuplicateRows, "ad_plan_stats", RejectReason::Duplicate, Some("external_id")),
    ] {
        let what = format!("{kind:?}");
        let batch = under(&desk, &[Fault::always(kind).on("statistics")], stream).await.unwrap().batch;
        let rejected = batch.rejected.iter().find(|row| row.reason == reason);
        let rejected = rejected.unwrap_or_else(|| panic!("{what}: {:?}", batch.rejected.first()));
        assert!(field.is_none_or(|field| rejected.field == field), "{what}: {rejected:?}");
        assert!(rejected.raw.chars().count() <= 4_000 && rejected.stream == stream);
        assert!(batch.stats.len() <= clean, "{what}");
    }
    // A figure that is not told is unknown, which is not zero.
    let batch = under(&desk, &[Fault::always(missing("romi")).on("statistics")], "ad_plan_stats").await.unwrap().batch;
    assert!(batch.rejected.is_empty() && batch.stats.len() == clean);
    assert!(batch.stats.iter().all(|row| row.revenue.is_none() && row.cost.is_some()));
    // A status nobody knows leaves the object in place, with a note.
    let batch =
        under(&desk, &[Fault::always(FaultKind::UnknownEnum).on("ad_plans.json")], "ad_plans").await.unwrap().batch;
    let unknown = batch.objects.iter().filter(|object| object.status == ObjectStatus::Unknown).count();
    assert!(unknown > 0 && batch.rejected.len() == unknown);
    assert!(batch.rejected.iter().all(|row| row.reason == RejectReason::UnknownWord && row.field == "status"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_connector_passes_the_battery() {
    let streams = [
        ("ad_plan_stats", simulators::world::Level::Campaign, Level::Campaign),
        ("banner_stats", simulators::world::Level::Ad, Level::Ad),
    ];
    let wrong = desk::battery(&SYSTEM.source().unwrap(), &VK_ADS, &streams).await;
    assert!(wrong.is_empty(), "{wrong:#?}");
}
