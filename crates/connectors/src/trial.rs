//! How connectors are tried: sessions over a simulator, whole readings, and the simulator as the battery's bench. A connector's own tests
//! say what the platform is and where it differs from others.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use chrono::{Days, NaiveDate, Utc};
use kit::{
    battery,
    http::{Http, HttpOptions},
    session::{CancellationToken, Session},
    source::Source,
    testing::{CollectSink, MemoryCredentials, Recorder, VirtualClock},
};
use model::{
    ad::{CampaignStat, Level, Visits},
    date::DateRange,
    money::{Currency, Micros, VatState},
};
use serde_json::{Map, Value, json};
use simulators::{
    faults::{Fault, FaultKind, Faults, Hint},
    truth::Truth,
    world,
};
use std::sync::Arc;

/// A way to open sessions over a simulator: in virtual time, with secrets in memory, and with everything written down that an observer
/// hears.
#[derive(Debug, Clone)]
pub struct Trial {
    /// The connector's id.
    pub system: &'static str,
    /// Addresses of the vendor and what stands in for each.
    pub hosts: Vec<(String, String)>,
    /// Settings of the connection; currency and VAT state are there unless they are said.
    pub config: Map<String, Value>,
    /// Secrets of the connection.
    pub secrets: Vec<(String, String)>,
    /// What was written about requests.
    pub log: Arc<Recorder>,
    /// The simulated day.
    pub today: NaiveDate,
}

impl Trial {
    /// Over one address. `config` is an object.
    pub fn new(system: &'static str, host: (&str, &str), config: &Value, secrets: &[(&str, &str)]) -> Self {
        let mut all = json!({"currency": "RUB", "vat": "excluded"}).as_object().unwrap().clone();
        all.extend(config.as_object().unwrap().clone());
        Self {
            system,
            hosts: vec![(host.0.to_owned(), host.1.to_owned())],
            config: all,
            secrets: secrets.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            log: Recorder::shared(),
            today: Utc::now().date_naive(),
        }
    }

    /// A session with other settings besides.
    pub fn session(&self, more: &Value) -> Session {
        let clock = VirtualClock::at(Utc::now());
        let mut options = HttpOptions::new(self.system, "shop");
        options.clock = clock.clone();
        options.observer = self.log.clone();
        options.url_map.clone_from(&self.hosts);
        let mut config = self.config.clone();
        config.extend(more.as_object().unwrap().clone());
        let secrets: Vec<_> = self.secrets.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        Session {
            config: Arc::new(config),
            credentials: MemoryCredentials::of(&secrets),
            http: Http::new(options).unwrap(),
            clock,
            cancel: CancellationToken::new(),
        }
    }

    /// So many days up to the simulated one.
    pub fn range(&self, days: u64) -> DateRange {
        DateRange::new(self.today.checked_sub_days(Days::new(days - 1)).unwrap(), self.today).unwrap()
    }
}

/// Everything that a stream gives for these days.
pub async fn read(source: &dyn Source, session: &Session, stream: &str, range: DateRange) -> CollectSink {
    let mut sink = CollectSink::default();
    for slice in source.slices(stream, range).unwrap() {
        source.read(session, &slice, &mut sink).await.unwrap();
    }
    sink
}

/// A row as it should arrive, in roubles without VAT and without a breakdown.
pub fn row(level: Level, external_id: String, date: NaiveDate, figures: world::Figures) -> CampaignStat {
    CampaignStat {
        level,
        external_id,
        date,
        breakdown: String::new(),
        impressions: Some(figures.impressions),
        clicks: Some(figures.clicks),
        cost: Some(Micros(figures.spend_kopecks * 10_000)),
        currency: Currency::RUB,
        vat: VatState::Excluded,
        conversions: Micros::whole(figures.conversions),
        revenue: Some(Micros(figures.revenue_kopecks * 10_000)),
        visits: Visits::default(),
    }
}

/// The rows of a cabinet's objects on days on which something happened, as they should arrive. `name` is what the platform calls an object;
/// one without a name has no rows there.
pub fn delivered(
    truth: &Truth,
    cabinet: u64,
    (of, level): (world::Level, Level),
    range: DateRange,
    name: impl Fn(u64) -> Option<String>,
) -> Vec<CampaignStat> {
    let named = truth.objects(of, cabinet).unwrap().into_iter().filter_map(|id| Some((id, name(id)?)));
    let days = named.flat_map(|(id, name)| range.days().map(move |date| (id, name.clone(), date)));
    let known = days.map(|(id, name, date)| (name, date, truth.object(of, id, date, date).unwrap()));
    let happened = known.filter(|(_, _, figures)| *figures != world::Figures::default());
    happened.map(|(name, date, figures)| row(level, name, date, figures)).collect()
}

/// What a platform shows for a fault of the battery.
pub enum Shown {
    /// What most platforms show ([`usual`]).
    Usual,
    /// This fault of its simulator.
    Fault(Fault),
    /// A session in which it is so without any fault.
    Session(Box<Session>),
    /// Nothing: this cannot happen there.
    Never,
}

/// A simulator as the battery's bench.
pub struct Bench<'a> {
    /// How sessions are opened.
    pub trial: Trial,
    /// The simulator's faults.
    pub faults: &'a Faults,
    /// A part of the path of reports, where faults strike that should leave the sign-in alone.
    pub reports: &'static str,
    /// What the platform shows for each fault.
    pub shows: &'a (dyn Fn(battery::Fault) -> Shown + Sync),
    /// Everything that must be seen nowhere, besides the secrets of the connection.
    pub planted: &'a (dyn Fn() -> Vec<String> + Sync),
}

/// What most platforms show for a fault. One token that nobody renews cannot expire in the middle; most lists have totals.
fn usual(fault: battery::Fault, reports: &str) -> Option<Fault> {
    Some(match fault {
        battery::Fault::None => return None,
        battery::Fault::Throttled => Fault::always(FaultKind::Throttle { hint: Hint::After { secs: 2 } }).times(3),
        battery::Fault::Flaky => Fault::always(FaultKind::ServerError { status: 502 }).after(2).times(2),
        battery::Fault::UnknownFields => Fault::always(FaultKind::NewFields),
        battery::Fault::ExpiredToken => Fault::once(FaultKind::ExpireToken).on(reports),
        battery::Fault::WrongKey => Fault::always(FaultKind::WrongKey),
        battery::Fault::Revoked => Fault::once(FaultKind::RevokeToken).on(reports),
        battery::Fault::Forbidden | battery::Fault::Gone => Fault::always(FaultKind::RevokeScope),
        battery::Fault::Down => Fault::always(FaultKind::ServerError { status: 500 }).on(reports),
        battery::Fault::Html => Fault::always(FaultKind::Html { status: 200 }).on(reports),
        battery::Fault::Truncated => Fault::always(FaultKind::TruncatedBody).on(reports),
        battery::Fault::LyingTotal => Fault::always(FaultKind::LyingTotal { delta: 2 }),
    })
}

#[async_trait::async_trait]
impl battery::Bench for Bench<'_> {
    async fn session(&self, fault: battery::Fault) -> Option<Session> {
        self.faults.clear();
        let kind = match (self.shows)(fault) {
            Shown::Usual => usual(fault, self.reports),
            Shown::Fault(fault) => Some(fault),
            Shown::Session(session) => return Some(*session),
            Shown::Never => return None,
        };
        if let Some(fault) = kind {
            self.faults.add(fault);
        }
        Some(self.trial.session(&json!({})))
    }
    fn observed(&self) -> String {
        self.trial.log.everything()
    }
    fn planted(&self) -> Vec<String> {
        self.trial.secrets.iter().map(|(_, value)| value.clone()).chain((self.planted)()).collect()
    }
}

/// A bench of a platform that has records to be kept, too.
pub struct Keeping<'a> {
    /// The rest of it.
    pub bench: Bench<'a>,
    /// Its records.
    pub records: battery::Records,
}

#[async_trait::async_trait]
impl battery::Bench for Keeping<'_> {
    async fn session(&self, fault: battery::Fault) -> Option<Session> {
        self.bench.session(fault).await
    }
    fn observed(&self) -> String {
        self.bench.observed()
    }
    fn planted(&self) -> Vec<String> {
        self.bench.planted()
    }
    fn records(&self) -> battery::Records {
        self.records.clone()
    }
}
