//! Yandex Market end to end against its simulator: what arrives equals the simulator's truth to the kopeck.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use super::SYSTEM;
use crate::trial::{self, Bench, Keeping, Shown, Trial};
use chrono::{Days, NaiveDate};
use kit::{
    battery,
    clock::Clock,
    http::{Http, HttpOptions},
    session::Session,
    source::{Sink, Source},
    testing::{CollectSink, VirtualClock},
};
use model::{
    ad::{AdObject, Batch, CampaignStat, Level, ObjectStatus},
    date::DateRange,
    failure::{Code, Failure},
    money::{Currency, Micros, VatState},
    record::GenericRecord,
};
use serde_json::{Map, Value, json};
use simulators::{
    calendar::{TimeFlow, Watch},
    faults::{Fault, FaultKind, Hint},
    stage::{Platform, Scenario},
    world::{self, Figures},
    yandex_market::{self, Key, Kind, Offer, Rules},
};
use std::{collections::BTreeMap, sync::Arc};

const HOST: &str = "https://api.partner.market.yandex.ru";
/// Days of promotion whose names are asked for.
const NAMED_DAYS: u64 = 90;

/// A simulator and a way to open sessions over it.
struct Desk {
    trial: Trial,
    platform: Platform<Key>,
    key: Key,
}

impl Desk {
    fn open(rules: Rules, change: impl FnOnce(&mut Scenario)) -> Self {
        let today = chrono::Utc::now().date_naive();
        let mut scenario = Scenario::small(today);
        // Campaigns of every kind.
        scenario.size.campaigns = 8;
        change(&mut scenario);
        let platform = yandex_market::start(&scenario, rules).unwrap();
        let key = platform.keys[0].clone();
        let config = json!({"vat": "unknown", "business_id": key.cabinet.to_string()});
        let mut trial = Trial::new(SYSTEM.id, (HOST, &platform.base_url), &config, &[("api_key", &key.api_key)]);
        trial.hosts.push((yandex_market::STORAGE.to_owned(), platform.base_url.clone()));
        Self { trial: Trial { today, ..trial }, platform, key }
    }

    fn session(&self) -> Session {
        self.trial.session(&json!({}))
    }

    /// What an ad did on a day.
    fn of_ad(&self, id: u64, date: NaiveDate) -> Figures {
        self.platform.truth().object(world::Level::Ad, id, date, date).unwrap_or_default()
    }

    /// Rows of campaigns and of stores that were charged.
    fn campaign_days(&self, range: DateRange) -> Vec<CampaignStat> {
        let levels = (world::Level::Campaign, Level::Campaign);
        let kinds: BTreeMap<u64, Kind> = self.key.campaigns.iter().map(|(kind, id, _)| (*id, *kind)).collect();
        let named = |id: u64| {
            Some(*kinds.get(&id)?).filter(|kind| *kind != Kind::Sales).map(|kind| format!("{}:{id}", kind.word()))
        };
        let mut rows = trial::delivered(&self.platform.truth(), self.key.cabinet, levels, range, named);
        let mut charged: BTreeMap<(u64, NaiveDate), Figures> = BTreeMap::new();
        for (ad, partner) in &self.key.charged {
            for date in range.days() {
                let figures = self.of_ad(*ad, date);
                if figures != Figures::default() {
                    *charged.entry((*partner, date)).or_default() += figures;
                }
            }
        }
        rows.extend(charged.into_iter().map(|((partner, date), figures)| CampaignStat {
            impressions: None,
            clicks: None,
            ..trial::row(Level::Campaign, format!("sales:{partner}"), date, figures)
        }));
        with_vat(rows)
    }

    /// Rows of products; those of boosts are paid for with bonuses, too.
    fn offer_days(&self, range: DateRange) -> Vec<CampaignStat> {
        let mut rows = Vec::new();
        for offer in &self.key.offers {
            for date in range.days() {
                let mut sum = Figures::default();
                for (ad, campaign) in &offer.ads {
                    let mut figures = self.of_ad(*ad, date);
                    if offer.kind == Kind::Boost {
                        figures.spend_kopecks += yandex_market::bonus(*campaign, figures.spend_kopecks);
                    }
                    sum += figures;
                }
                if sum != Figures::default() {
                    rows.push(trial::row(Level::Ad, id_of(offer), date, sum));
                }
            }
        }
        with_vat(rows)
    }

    /// Campaigns of the offer that did something while names are asked for.
    fn campaigns_of(&self, offer: &Offer) -> Vec<u64> {
        let days = self.trial.range(NAMED_DAYS);
        let did = |ad: u64| days.days().any(|date| self.of_ad(ad, date) != Figures::default());
        let mut campaigns: Vec<u64> =
            offer.ads.iter().filter(|(ad, _)| did(*ad)).map(|(_, campaign)| *campaign).collect();
        campaigns.dedup();
        campaigns
    }

    fn stores(&self) -> Vec<AdObject> {
        let status = |active| if active { ObjectStatus::Active } else { ObjectStatus::Stopped };
        let store =
            |it: &yandex_market::Store| object(Level::Account, it.id.to_string(), None, &it.name, status(it.active));
        self.key.stores.iter().map(store).collect()
    }

    fn campaigns(&self) -> Vec<AdObject> {
        let truth = self.platform.truth();
        let days = self.trial.range(NAMED_DAYS);
        let mut all = Vec::new();
        for (kind, id, name) in self.key.campaigns.iter().filter(|(kind, ..)| *kind != Kind::Sales) {
            let done = truth.object(world::Level::Campaign, *id, days.from(), days.to()).unwrap();
            if done != Figures::default() {
                all.push(object(Level::Campaign, format!("{}:{id}", kind.word()), None, name, ObjectStatus::Unknown));
            }
        }
        let week = self.trial.range(7);
        for store in &self.key.stores {
            let ads = self.key.charged.iter().filter(|(_, partner)| *partner == store.partner);
            let mut days = ads.flat_map(|(ad, _)| week.days().map(move |date| (*ad, date)));
            if days.any(|(ad, date)| self.of_ad(ad, date) != Figures::default()) {
                all.push(object(
                    Level::Campaign,
                    format!("sales:{}", store.partner),
                    None,
                    &store.name,
                    ObjectStatus::Unknown,
                ));
            }
        }
        all
    }

    fn offers(&self) -> Vec<AdObject> {
        let mut all = Vec::new();
        for offer in &self.key.offers {
            let campaigns = self.campaigns_of(offer);
            let parent = match (&campaigns[..], offer.kind) {
                ([], _) => continue,
                ([single], Kind::Boost) => Some(format!("boost:{single}")),
                _ => None,
            };
            all.push(object(Level::Ad, id_of(offer), parent, &offer.name, ObjectStatus::Unknown));
        }
        all
    }

    /// Orders that changed since their first read begins, as records.
    fn orders(&self) -> BTreeMap<String, Map<String, Value>> {
        let from = self.trial.today.checked_sub_days(Days::new(90)).unwrap();
        let kept = self.key.orders.iter().filter(|order| !order.fake && order.changed >= from);
        let record = |order: &yandex_market::Order| {
            let record = json!({
                "id": order.id, "store": order.store, "status": order.status, "creationDate": order.created, "fake": false,
                "currency": "RUR",
            });
            (format!("[{}]", order.id), record.as_object().unwrap().clone())
        };
        kept.map(record).collect()
    }

    fn orders_for(&self, report: &str) -> usize {
        let seen = self.platform.requests().entries();
        seen.iter().filter(|seen| seen.path.ends_with(&format!("{report}/generate")) && seen.status == 200).count()
    }
}

fn object(level: Level, external_id: String, parent: Option<String>, name: &str, status: ObjectStatus) -> AdObject {
    AdObject { level, external_id, parent_external_id: parent, name: name.to_owned(), status, landing_url: None }
}

fn id_of(offer: &Offer) -> String {
    format!("{}:{}", offer.kind.word(), offer.sku)
}

fn with_vat(rows: Vec<CampaignStat>) -> Vec<CampaignStat> {
    rows.into_iter().map(|row| CampaignStat { vat: VatState::Included, ..row }).collect()
}

/// The first row that is another.
fn same(found: Vec<CampaignStat>, expected: Vec<CampaignStat>, stream: &str) {
    let (found, expected) = (sorted(found), sorted(expected));
    if let Some((found, expected)) = found.iter().zip(&expected).find(|(found, expected)| found != expected) {
        panic!("{stream}: read {found:?}, the platform holds {expected:?}");
    }
    assert_eq!(found.len(), expected.len(), "{stream}");
}

fn sorted(mut rows: Vec<CampaignStat>) -> Vec<CampaignStat> {
    rows.sort_by_key(|row| (row.external_id.clone(), row.date));
    rows
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cabinet_is_found_and_looked_into() {
    let desk = Desk::open(Rules::USUAL, |_| {});
    let source = SYSTEM.source().unwrap();
    let accounts = source.accounts(&desk.session(), &|_| {}).await.unwrap();
    assert_eq!(accounts.len(), 1, "three stores are of one cabinet");
    assert_eq!((&accounts[0].external_id, &accounts[0].name), (&desk.key.cabinet.to_string(), &desk.key.cabinet_name));
    assert_eq!(accounts[0].currency, Some(Currency::RUB));
    assert_eq!(accounts[0].config["business_id"], desk.key.cabinet.to_string());

    let sample = source.sample(&desk.session(), desk.trial.today).await.unwrap();
    let (month, truth) = (desk.trial.range(30), desk.platform.truth());
    let spend = truth.totals(desk.key.cabinet, month.from(), month.to()).unwrap().spend_kopecks;
    assert!(spend > 0);
    assert_eq!(sample.spend_30d, Some(Micros(spend * 10_000)), "of every kind, bonuses not counted");
    assert!(sample.last_data.is_some());
    assert_eq!(source.day_totals(&desk.session(), month).await.unwrap(), None);
}

/// A season of every kind of promotion, in the platform's own pace and with more stores' charges and shared products.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promotion_is_read_as_it_is_charged() {
    let noon = chrono::Utc::now().date_naive().and_hms_opt(12, 0, 0).unwrap().and_utc();
    let clock = VirtualClock::at(noon);
    let watch = {
        let clock = Arc::clone(&clock);
        Watch(Arc::new(move || clock.now()))
    };
    let desk = Desk::open(Rules { limits: true, slow: 2, ..Rules::USUAL }, |scenario| {
        scenario.size.campaigns = 24;
        scenario.time = TimeFlow::Led(watch);
    });
    let mut options = HttpOptions::new(SYSTEM.id, "shop");
    options.clock = clock.clone();
    options.url_map.clone_from(&desk.trial.hosts);
    let session = Session { http: Http::new(options).unwrap(), clock, ..desk.session() };
    let source = SYSTEM.source().unwrap();
    let season = desk.trial.range(60);
    let read = trial::read(&source, &session, "campaign_stats", season).await.batch;
    assert!(read.rejected.is_empty(), "{:?}", read.rejected.first());
    let expected = sorted(desk.campaign_days(season));
    for kind in ["boost:", "shelf:", "banner:", "sales:"] {
        assert!(expected.iter().any(|row| row.external_id.starts_with(kind)), "{kind}");
    }
    same(read.stats, expected, "campaign_stats");
    // A week at a time.
    assert_eq!(desk.orders_for("united-marketplace-services"), 9);

    let week = season.days().map(|day| DateRange::new(day, day.checked_add_days(Days::new(6)).unwrap()).unwrap());
    let charged = |week: &DateRange| desk.offer_days(*week).iter().any(|row| row.external_id.starts_with("sales:"));
    let week = week.take(50).find(charged).unwrap();
    let read = trial::read(&source, &session, "offer_stats", week).await.batch;
    assert!(read.rejected.is_empty(), "{:?}", read.rejected.first());
    let expected = desk.offer_days(week);
    assert!(expected.len() > 20);
    same(read.stats, expected, "offer_stats");
    assert_eq!(desk.orders_for("boost-consolidated"), 7, "a report for each day");

    let offers = trial::read(&source, &session, "offers", week).await.batch;
    let shared = desk.key.offers.iter().filter(|offer| desk.campaigns_of(offer).len() > 1);
    let shared: Vec<String> = shared.map(id_of).collect();
    assert!(!shared.is_empty());
    for offer in &offers.objects {
        assert!(!shared.contains(&offer.external_id) || offer.parent_external_id.is_none(), "{offer:?}");
    }
    let refused = desk.platform.requests().entries().into_iter().filter(|seen| seen.status == 420).count();
    assert_eq!(refused, 0, "not more than two requests at once, and no report too many");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sheets_may_lie_under_a_name_and_reports_may_fail_first() {
    let desk = Desk::open(Rules { wrapped: true, errors: 2, ..Rules::USUAL }, |_| {});
    let source = SYSTEM.source().unwrap();
    let week = desk.trial.range(7);
    for (stream, expected) in [("campaign_stats", desk.campaign_days(week)), ("offer_stats", desk.offer_days(week))] {
        let read = trial::read(&source, &desk.session(), stream, week).await.batch;
        assert!(read.rejected.is_empty(), "{stream}: {:?}", read.rejected.first());
        same(read.stats, expected, stream);
    }
    // Before there was anything, every report says that it has no data.
    let before = DateRange::new("2020-01-01".parse().unwrap(), "2020-01-02".parse().unwrap()).unwrap();
    let read = trial::read(&source, &desk.session(), "offer_stats", before).await.batch;
    assert!(read.stats.is_empty() && read.rejected.is_empty());
}

/// Keeps records by their key, and where their stream stood.
#[derive(Default)]
struct Shelf {
    records: BTreeMap<String, GenericRecord>,
    state: Option<Value>,
}

#[async_trait::async_trait]
impl Sink for Shelf {
    async fn batch(&mut self, batch: Batch) -> Result<(), Failure> {
        self.records.extend(batch.records.into_iter().map(|record| (record.key.clone().unwrap(), record)));
        Ok(())
    }
    fn resume_from(&self) -> Option<&Value> {
        self.state.as_ref()
    }
    async fn cursor(&mut self, state: Value) -> Result<(), Failure> {
        self.state = Some(state);
        Ok(())
    }
}

/// Orders change for days after they were made; a read goes on where the last one stopped and finds what changed since.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_are_read_on_by_what_changed() {
    let desk = Desk::open(Rules::USUAL, |_| {});
    let source = SYSTEM.source().unwrap();
    let slice = source.slices("orders", desk.trial.range(1)).unwrap().remove(0);
    let mut shelf = Shelf::default();
    source.read(&desk.session(), &slice, &mut shelf).await.unwrap();
    let expected = desk.orders();
    assert!(expected.len() > 100 && desk.key.orders.iter().any(|order| order.fake));
    assert_eq!(shelf.records.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    let first = desk.platform.requests().count_of("/stats/orders");
    assert!(first > 4, "two stores, three windows each");
    source.read(&desk.session(), &slice, &mut shelf).await.unwrap();
    assert_eq!(desk.platform.requests().count_of("/stats/orders") - first, 2, "a window of some days for each store");
    assert_eq!(shelf.records.len(), expected.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_say_what_a_person_can_do() {
    let desk = Desk::open(Rules::USUAL, |_| {});
    let source = SYSTEM.source().unwrap();
    let server = |status| FaultKind::ServerError { status };
    let rows = [
        ("campaign_stats", Fault::always(server(400)).on("generate"), Code::RequestRefused),
        ("campaign_stats", Fault::always(server(503)).on("reports/info"), Code::PlatformDown),
        ("campaign_stats", Fault::always(server(403)).on("market-reports"), Code::PlatformDown),
        ("campaign_stats", Fault::always(server(404)).on("generate"), Code::VendorChanged),
        ("stores", Fault::always(FaultKind::WrongKey), Code::SignInRejected),
        ("stores", Fault::always(FaultKind::RevokeToken), Code::SignInRevoked),
        ("orders", Fault::always(FaultKind::RevokeScope).on("stats/orders"), Code::PermissionDenied),
        ("orders", Fault::always(server(423)).on("stats/orders"), Code::RequestRefused),
        ("stores", Fault::always(FaultKind::MissingField { field: "campaigns".into() }), Code::VendorChanged),
        ("orders", Fault::always(FaultKind::Throttle { hint: Hint::Body }).on("stats/orders"), Code::TooManyRequests),
        // The limit of an hour is used up, and the platform says until when.
        (
            "campaign_stats",
            Fault::always(FaultKind::Throttle { hint: Hint::Date { secs: 7_000 } }).on("generate"),
            Code::QuotaWait,
        ),
    ];
    for (stream, fault, code) in rows {
        desk.platform.faults().clear();
        if !matches!(fault.kind, FaultKind::MissingField { .. }) {
            desk.platform.faults().add(fault.clone());
            let slices = source.slices(stream, desk.trial.range(7)).unwrap();
            let failure = source.read(&desk.session(), &slices[0], &mut CollectSink::default()).await.unwrap_err();
            assert_eq!(failure.code, code, "{fault:?}: {failure}");
        }
    }
    // A key without the right to orders still reads promotion.
    let desk = Desk::open(Rules { orders: false, ..Rules::USUAL }, |_| {});
    let slice = source.slices("orders", desk.trial.range(1)).unwrap().remove(0);
    let failure = source.read(&desk.session(), &slice, &mut CollectSink::default()).await.unwrap_err();
    assert_eq!(failure.code, Code::PermissionDenied);
    let read = trial::read(&source, &desk.session(), "campaign_stats", desk.trial.range(7)).await.batch;
    assert!(!read.stats.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn figures_that_are_none_are_put_aside_and_the_rest_is_kept() {
    let desk = Desk::open(Rules::USUAL, |scenario| scenario.size.campaigns = 24);
    let source = SYSTEM.source().unwrap();
    // Days on which both boosts promoted something.
    let promoted = |days: &DateRange| {
        let rows = desk.offer_days(*days);
        ["boost:", "sales:"].iter().all(|kind| rows.iter().any(|row| row.external_id.starts_with(kind)))
    };
    let ends = desk.trial.range(60).days();
    let mut ranges = ends.map(|to| DateRange::new(to.checked_sub_days(Days::new(2)).unwrap(), to).unwrap());
    let days = ranges.find(promoted).unwrap();
    for fault in [
        FaultKind::GarbageNumbers,
        FaultKind::NegativeNumbers,
        FaultKind::MissingField { field: "realCost".into() },
        FaultKind::MissingField { field: "billedAmount".into() },
        FaultKind::MissingField { field: "shopSku".into() },
        FaultKind::MissingField { field: "saleCampaignId".into() },
    ] {
        desk.platform.faults().clear();
        desk.platform.faults().add(Fault::always(fault.clone()).on("market-reports"));
        let field = if let FaultKind::MissingField { field } = &fault { field.as_str() } else { "" };
        for (stream, whole) in [("campaign_stats", desk.campaign_days(days)), ("offer_stats", desk.offer_days(days))] {
            let read = trial::read(&source, &desk.session(), stream, days).await.batch;
            let concerned = match field {
                "" => true,
                "realCost" | "saleCampaignId" => stream == "campaign_stats",
                _ => stream == "offer_stats",
            };
            assert_eq!(!read.rejected.is_empty(), concerned, "{stream} {fault:?}: {:?}", read.rejected.first());
            assert_eq!(read.stats.len() < whole.len(), concerned, "{stream} {fault:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_connector_passes_the_battery() {
    let desk = Desk::open(Rules { asks: 2, ..Rules::USUAL }, |_| {});
    let source = SYSTEM.source().unwrap();
    let days = desk.trial.range(5);
    let truth = battery::Truth {
        accounts: [desk.key.cabinet.to_string()].into(),
        objects: [
            ("stores".to_owned(), desk.stores()),
            ("campaigns".to_owned(), desk.campaigns()),
            ("offers".to_owned(), desk.offers()),
        ]
        .into(),
        stats: [
            ("campaign_stats".to_owned(), desk.campaign_days(days)),
            ("offer_stats".to_owned(), desk.offer_days(days)),
        ]
        .into(),
        days: Some(days),
    };
    assert!(truth.stats.values().all(|rows| rows.len() > 5) && truth.objects.values().all(|all| all.len() > 2));
    let bench = Bench {
        trial: desk.trial.clone(),
        faults: desk.platform.faults(),
        reports: "/generate",
        shows: &|fault| match fault {
            battery::Fault::Revoked => Shown::Fault(Fault::always(FaultKind::RevokeToken).on("/generate")),
            battery::Fault::Gone => Shown::Fault(Fault::always(FaultKind::ServerError { status: 404 }).on("/generate")),
            // A key does not run out.
            battery::Fault::ExpiredToken => Shown::Never,
            _ => Shown::Usual,
        },
        planted: &Vec::new,
    };
    let bench = Keeping { bench, records: [("orders".to_owned(), desk.orders())].into() };
    let wrong = battery::run(&source, &bench, &truth, desk.trial.today).await;
    assert!(wrong.is_empty(), "{wrong:#?}");
}
