//! The battery itself: it is content with a sound connector and notices each flaw of an unsound one.

use crate::{
    http::{noon, rig},
    server::{Answer, Seen, Server, ok, raw, reply},
};
use async_trait::async_trait;
use chrono::NaiveDate;
use kit::{
    battery::{Bench, Fault, Truth, run},
    http::{Authorizer, HttpRequest},
    policy::{Attempt, Decision, DefaultPolicy, Outcome, Policy},
    session::{CancellationToken, Session},
    source::{Account, AccountSample, CheckEvent, Descriptor, Sink, Slice, Source, StreamDescriptor, StreamKind},
    testing::{MemoryCredentials, Recorder},
};
use model::{
    ad::{AdObject, Batch, CampaignStat, Level, ObjectStatus},
    date::DateRange,
    failure::{Code, Failure},
    money::{Currency, VatState},
    secret::Secret,
    settings::Lookback,
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

/// What is wrong with the connector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flaw {
    None,
    LosesARow,
    DoublesARow,
    SwallowsErrors,
    TrustsTotals,
    SkipsADay,
    GoesOnWhenStopped,
    PutsTheKeyIntoTheAddress,
    LeavesAStepOpen,
}

struct Toy {
    flaw: Flaw,
    descriptor: Descriptor,
}

const ROWS: [(&str, &str, i64); 3] = [("1", "2026-03-01", 10), ("1", "2026-03-02", 20), ("2", "2026-03-02", 30)];

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn stat(id: &str, date: &str, clicks: i64) -> CampaignStat {
    CampaignStat {
        level: Level::Campaign,
        external_id: id.into(),
        date: day(date),
        breakdown: String::new(),
        impressions: None,
        clicks: Some(clicks),
        cost: None,
        currency: Currency::RUB,
        vat: VatState::Unknown,
        conversions: None,
        revenue: None,
        visits: model::ad::Visits::default(),
    }
}

fn campaign(id: &str) -> AdObject {
    AdObject {
        level: Level::Campaign,
        external_id: id.into(),
        parent_external_id: None,
        name: format!("Campaign {id}"),
        status: ObjectStatus::Active,
        landing_url: None,
    }
}

fn truth() -> Truth {
    Truth {
        accounts: ["17".to_owned()].into(),
        objects: BTreeMap::from([("campaigns".to_owned(), vec![campaign("1"), campaign("2")])]),
        stats: BTreeMap::from([("stats".to_owned(), ROWS.map(|(id, date, clicks)| stat(id, date, clicks)).to_vec())]),
        days: Some(DateRange::new(day("2026-03-01"), day("2026-03-04")).unwrap()),
    }
}

/// The default rules, and one word of the vendor's.
struct ToyPolicy;

impl Policy for ToyPolicy {
    fn decide(&self, attempt: &Attempt<'_>) -> Decision {
        match attempt.outcome {
            Outcome::Response(response) if response.body() == "revoked" => {
                Decision::Fail(response.failure(Code::SignInRevoked))
            }
            _ => DefaultPolicy::default().decide(attempt),
        }
    }
}

/// A token that can be renewed once.
#[derive(Default)]
struct ToySignIn(Mutex<bool>);

#[async_trait]
impl Authorizer for ToySignIn {
    async fn headers(&self) -> Result<Vec<(String, Secret)>, Failure> {
        let word = if *self.0.lock().unwrap() { "Bearer PLANTED-new" } else { "Bearer PLANTED-old" };
        Ok(vec![("Authorization".into(), Secret::new(word))])
    }
    async fn rejected(&self, _used: &[(String, Secret)]) -> Result<(), Failure> {
        *self.0.lock().unwrap() = true;
        Ok(())
    }
}

impl Toy {
    fn new(flaw: Flaw) -> Self {
        let stream = |name: &str, kind| StreamDescriptor {
            name: name.to_owned(),
            kind,
            breakdown: None,
            on_by_default: true,
            required: false,
        };
        let descriptor = Descriptor {
            id: "toy".into(),
            category: "ads".into(),
            capabilities: vec!["statistics".into()],
            icon_svg: String::new(),
            form: serde_json::json!({}),
            texts: BTreeMap::new(),
            streams: vec![
                stream("campaigns", StreamKind::Dictionary { level: Level::Campaign }),
                stream(
                    "stats",
                    StreamKind::Statistics { level: Level::Campaign, lookback: Lookback { days: 7, weekly_days: 30 } },
                ),
            ],
            first_load_days: 90,
            max_history_days: 366,
            final_after_days: 30,
            time_zone: None,
            shared_limits: false,
            docs_url: None,
        };
        Self { flaw, descriptor }
    }

    async fn items(&self, session: &Session, path: &str) -> Result<Vec<serde_json::Value>, Failure> {
        let base = session.config["host"].as_str().unwrap();
        let http = session.http.with_hosts([base]).with_authorizer(Arc::new(ToySignIn::default()));
        let http = if self.flaw == Flaw::PutsTheKeyIntoTheAddress { session.http.clone() } else { http };
        let mut request = HttpRequest::get(format!("{base}/{path}"));
        if self.flaw == Flaw::PutsTheKeyIntoTheAddress {
            request = request.query("q", "PLANTED-old").header("Authorization", "Bearer PLANTED-old");
        }
        let never = CancellationToken::new();
        let cancel = if self.flaw == Flaw::GoesOnWhenStopped { &never } else { &session.cancel };
        let page = match http.send(&request, &ToyPolicy, cancel).await {
            Err(_) if self.flaw == Flaw::SwallowsErrors => return Ok(Vec::new()),
            outcome => outcome?.json()?,
        };
        let items = page["items"].as_array().unwrap().clone();
        if page["count"] != items.len() && self.flaw != Flaw::TrustsTotals {
            return Err(http.failure(Code::TotalMismatch));
        }
        Ok(items)
    }
}

#[async_trait]
impl Source for Toy {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    async fn accounts(
        &self,
        session: &Session,
        tell: &(dyn Fn(CheckEvent) + Send + Sync),
    ) -> Result<Vec<Account>, Failure> {
        tell(CheckEvent::Started { step: "accounts" });
        let items = self.items(session, "accounts").await?;
        if self.flaw != Flaw::LeavesAStepOpen {
            tell(CheckEvent::Done { step: "accounts", params: BTreeMap::new() });
        }
        let account = |item: &serde_json::Value| Account {
            external_id: item.to_string(),
            name: String::new(),
            currency: None,
            config: serde_json::Map::new(),
        };
        Ok(items.iter().map(account).collect())
    }

    async fn sample(&self, _session: &Session, today: NaiveDate) -> Result<AccountSample, Failure> {
        Ok(AccountSample { last_data: Some(today), ..AccountSample::default() })
    }

    fn slices(&self, stream: &str, range: DateRange) -> Result<Vec<Slice>, Failure> {
        let slice = |window| Slice { stream: stream.to_owned(), window };
        if stream == "campaigns" {
            return Ok(vec![slice(None)]);
        }
        let skipped = usize::from(self.flaw == Flaw::SkipsADay);
        Ok(range.windows(1).into_iter().skip(skipped).map(|window| slice(Some(window))).collect())
    }

    async fn read(&self, session: &Session, slice: &Slice, sink: &mut dyn Sink) -> Result<(), Failure> {
        let mut batch = Batch::default();
        for item in self.items(session, &slice.stream).await? {
            let id = item["id"].as_str().unwrap();
            match slice.window {
                None => batch.objects.push(campaign(id)),
                Some(window) => {
                    let date = item["date"].as_str().unwrap();
                    if window.contains(day(date)) {
                        batch.stats.push(stat(id, date, item["clicks"].as_i64().unwrap()));
                    }
                }
            }
        }
        match self.flaw {
            Flaw::LosesARow => drop(batch.stats.pop()),
            Flaw::DoublesARow => batch.objects.extend(batch.objects.first().cloned()),
            _ => {}
        }
        sink.batch(batch).await
    }
}

/// A vendor that does every fault.
struct ToyBench {
    log: Arc<Recorder>,
    servers: Mutex<Vec<Server>>,
}

fn page(request: &Seen, extra: &str, lie: usize) -> String {
    let items: Vec<String> = if request.line.contains("/accounts") {
        vec!["17".to_owned()]
    } else if request.line.contains("/campaigns") {
        ["1", "2"].map(|id| format!(r#"{{"id":"{id}"{extra}}}"#)).to_vec()
    } else {
        let row = |(id, date, clicks)| format!(r#"{{"id":"{id}","date":"{date}","clicks":{clicks}{extra}}}"#);
        ROWS.map(row).to_vec()
    };
    format!(r#"{{"count":{},"items":[{}]}}"#, items.len() + lie, items.join(","))
}

fn toy_answer(fault: Fault, request: &Seen, number: usize) -> Answer {
    match fault {
        Fault::Throttled if number % 3 == 1 => reply(429, &[("Retry-After", "5")], "{}"),
        Fault::Flaky if number % 2 == 1 => reply(500, &[], "{}"),
        Fault::None | Fault::Throttled | Fault::Flaky => ok(&page(request, "", 0)),
        Fault::UnknownFields => ok(&page(request, r#","new":[1,{"a":null}]"#, 0)),
        Fault::ExpiredToken if request.header("authorization") == Some("Bearer PLANTED-new") => {
            ok(&page(request, "", 0))
        }
        Fault::ExpiredToken | Fault::WrongKey => reply(401, &[], "{}"),
        Fault::Revoked => reply(401, &[], "revoked"),
        Fault::Forbidden => reply(403, &[], "{}"),
        Fault::Gone => reply(404, &[], "{}"),
        Fault::Down => reply(500, &[], "{}"),
        Fault::Html => reply(200, &[], "<html>"),
        Fault::Truncated => raw("HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{\"count\":"),
        Fault::LyingTotal => ok(&page(request, "", 1)),
    }
}

#[async_trait]
impl Bench for ToyBench {
    async fn session(&self, fault: Fault) -> Option<Session> {
        let server = Server::start(move |request, number| toy_answer(fault, request, number)).await;
        let log = Arc::clone(&self.log);
        let rig = rig(|options| options.observer = log);
        let config = serde_json::json!({ "host": server.base });
        self.servers.lock().unwrap().push(server);
        Some(Session {
            config: Arc::new(config.as_object()?.clone()),
            credentials: MemoryCredentials::of(&[]),
            http: rig.http,
            clock: rig.clock,
            cancel: rig.cancel,
        })
    }
    fn observed(&self) -> String {
        self.log.everything()
    }
    fn planted(&self) -> Vec<String> {
        vec!["PLANTED-old".into(), "PLANTED-new".into()]
    }
}

#[tokio::test]
async fn the_battery_passes_what_is_sound_and_names_each_flaw() {
    let rows = [
        (Flaw::None, ""),
        (Flaw::LosesARow, "is missing"),
        (Flaw::DoublesARow, "was read twice"),
        (Flaw::SwallowsErrors, "expected Some(SignInRejected)"),
        (Flaw::TrustsTotals, "expected Some(TotalMismatch)"),
        (Flaw::SkipsADay, "the next day wanted is 2026-03-01"),
        (Flaw::GoesOnWhenStopped, "a stopped read went on"),
        (Flaw::PutsTheKeyIntoTheAddress, "the planted secret number 0 is in the log"),
        (Flaw::LeavesAStepOpen, "never ended"),
    ];
    for (flaw, words) in rows {
        let bench = ToyBench { log: Recorder::shared(), servers: Mutex::default() };
        let wrong = run(&Toy::new(flaw), &bench, &truth(), noon().date_naive()).await;
        if flaw == Flaw::None {
            assert_eq!(wrong, Vec::<String>::new());
        } else {
            assert!(wrong.iter().any(|found| found.contains(words)), "{flaw:?}: {wrong:#?}");
        }
    }
}
