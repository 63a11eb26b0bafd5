//! Yandex AppMetrica (api.appmetrica.yandex.com) with its sign-in (oauth.yandex.ru), both at one address here.
//!
//! Written from appmetrica.yandex.ru/docs/mobile-api and public clients of it. Served: applications, tables of the Reporting API of the
//! general audience (`ym:ge:`) by day and of installations (`ym:i:`) by day, partner and tracker, and exports of installations by the Logs
//! API. Not served, because the console does not call it: other prefixes, events, imports, push, the data stream.
//!
//! Each client of the world has an application. Every conversion of an ad is an installation; the campaign is a tracker of a partner
//! ([`tracker_of`]), and installations of some campaigns nobody tracked: they are organic.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::AddAssign;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, NaiveDateTime, NaiveTime, Utc};
use serde_json::{Value, json};

use crate::faults::FaultKind;
use crate::metrica::{self, Query, Quotas, lock, refusal, token};
use crate::noise::hash;
use crate::server::{Answer, Call, Vendor};
use crate::stage::{Owner, Platform, Scenario, Stage};
use crate::visits::Visits;
use crate::world::Cabinet;
use crate::yandex_id::Tokens;

pub use crate::metrica::Rules;
pub use crate::yandex_id::Pair;

/// How exports are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exports {
    /// How often one in the making is asked for until it is ready.
    pub asks: u32,
    /// Rows that are not yet too many for one part.
    pub most_rows: usize,
}

impl Exports {
    /// As the vendor's, only smaller.
    pub const USUAL: Self = Self { asks: 3, most_rows: 100_000 };
}

/// Who may ask, and what for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The owner's login.
    pub owner: String,
    /// Whether it is an agency, which has an agency's access to its clients' applications.
    pub agency: bool,
    /// Its application at Yandex ID.
    pub client_id: String,
    /// The secret of that.
    pub client_secret: String,
    /// Codes that a person was shown; each is good once.
    pub codes: Vec<String>,
    /// Tokens of earlier sign-ins.
    pub pairs: Vec<Pair>,
    /// Applications it sees: the number of each is that of the cabinet in the world.
    pub apps: Vec<u64>,
}

#[derive(Debug)]
struct AppMetrica {
    stage: Stage,
    rules: Rules,
    exports: Exports,
    owners: Vec<Owner>,
    tokens: Mutex<Tokens>,
    quotas: Quotas,
    /// How often each export was asked for; another query is another export.
    asked: Mutex<BTreeMap<String, u32>>,
}

/// Starts a platform that stands for `https://api.appmetrica.yandex.com` and for `https://oauth.yandex.ru`.
pub fn start(scenario: &Scenario, rules: Rules, exports: Exports) -> anyhow::Result<Platform<Key>> {
    let stage = Stage::build(scenario);
    let owners = stage.owners();
    let mut all = Tokens::new(stage.seed, "appmetrica:read");
    let keys = owners.iter().enumerate().map(|(place, owner)| {
        let application = all.application(place, owner.id);
        let cabinets = &stage.world.cabinets[owner.cabinets.clone()];
        Key {
            owner: owner.login.clone(),
            agency: owner.agency,
            client_id: application.0,
            client_secret: application.1,
            codes: (0..3).map(|_| all.code(place)).collect(),
            pairs: (0..3).map(|_| all.issue(place)).collect(),
            apps: cabinets.iter().map(|cabinet| cabinet.id).collect(),
        }
    });
    let keys = keys.collect();
    let app_metrica = AppMetrica {
        stage: stage.clone(),
        rules,
        exports,
        owners,
        tokens: Mutex::new(all),
        quotas: Quotas::default(),
        asked: Mutex::default(),
    };
    stage.serve(Arc::new(app_metrica), keys, 1 << 20)
}

/// Numbers of the partner and of the tracker by which a campaign's installations are known; organic ones have no tracker.
pub fn tracker_of(campaign: u64) -> (&'static str, Option<u64>) {
    match campaign % 4 {
        0 => ("0", None),
        1 => ("43", Some(campaign)),
        _ => ("69378", Some(campaign)),
    }
}

/// What people call a partner.
pub fn partner_name(partner: &str) -> &'static str {
    match partner {
        "0" => "Органика",
        "43" => "Yandex.Direct",
        _ => "VK Реклама 🌷",
    }
}

/// What people call a tracker: not by its number, so that two may have one name.
pub fn tracker_name(tracker: u64) -> String {
    format!("Установки / весна {}", tracker % 2)
}

/// What is counted.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    visits: Visits,
    installs: i64,
}

impl AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.visits += other.visits;
        self.installs += other.installs;
    }
}

/// Names of a prefix: dimensions, then metrics.
const GENERAL: ([&str; 1], [&str; 2]) = (["ym:ge:date"], ["ym:ge:sessions", "ym:ge:users"]);
const INSTALLS: ([&str; 3], [&str; 1]) = (["ym:i:date", "ym:i:publisher", "ym:i:campaign"], ["ym:i:installDevices"]);

/// Fields of installations that are served.
const FIELDS: [&str; 10] = [
    "application_id",
    "installation_id",
    "install_datetime",
    "install_receive_datetime",
    "publisher_id",
    "publisher_name",
    "tracking_id",
    "tracker_name",
    "match_type",
    "os_name",
];

/// A refusal of the Logs API, which speaks plainly.
fn plain(status: u16, words: &str) -> Answer {
    Answer::raw(status, words.as_bytes().to_vec()).with("content-type", "text/plain; charset=utf-8")
}

impl AppMetrica {
    fn app(&self, id: u64, owner: usize) -> Result<&Cabinet, Answer> {
        match self.stage.world.cabinet(id) {
            None => Err(refusal(404, "not_found", "Entity not found")),
            Some(place) if self.owners[owner].cabinets.contains(&place) => Ok(&self.stage.world.cabinets[place]),
            Some(_) => Err(refusal(403, "access_denied", "Access is denied")),
        }
    }

    fn applications(&self, call: &Call, owner: usize) -> Answer {
        let owner = &self.owners[owner];
        // An agency's access is shown to who asks for it.
        let shown = !owner.agency || call.param("include_agency_apps") == Some("true");
        let apps = self.stage.world.cabinets[owner.cabinets.clone()].iter().filter(|_| shown).map(|cabinet| {
            json!({
                "id": cabinet.id, "name": cabinet.name, "time_zone_name": "Europe/Moscow", "time_zone_offset": 10_800,
                "owner_login": cabinet.login, "permission": if owner.agency { "agency_view" } else { "own" },
                "create_date": "2020-01-01", "bundle_id": format!("example.{}", cabinet.login), "hide_address": false,
            })
        });
        Answer::json(200, &json!({ "applications": apps.collect::<Vec<_>>() }))
    }

    fn report(&self, call: &Call, owner: usize) -> Result<Answer, Answer> {
        let knows = |name: &str, dimension: bool| {
            if dimension {
                GENERAL.0.contains(&name) || INSTALLS.0.contains(&name)
            } else {
                GENERAL.1.contains(&name) || INSTALLS.1.contains(&name)
            }
        };
        let query = Query::read(call, &self.rules, knows)?;
        let is_general = |name: &&str| name.starts_with("ym:ge:");
        let general = query.metrics.iter().all(is_general);
        let mut names = query.metrics.iter().chain(&query.dimensions);
        if !names.all(|name| is_general(name) == general) {
            let words = "Dimensions and metrics of one request must have one prefix";
            return Err(refusal(400, "invalid_parameter", words));
        }
        let app = self.app(query.id, owner)?;
        let mut groups: BTreeMap<Vec<Option<String>>, Count> = BTreeMap::new();
        for day in self.stage.world.days(query.from, query.to, self.stage.today()) {
            for ad in &app.ads {
                let figures = self.stage.world.figures(app, ad, &day);
                let count = Count { visits: Visits::of(&figures), installs: figures.conversions };
                let counted = if general { count.visits.visits } else { count.installs };
                if counted == 0 {
                    continue;
                }
                let (partner, tracker) = tracker_of(app.campaigns[ad.campaign].id);
                let key = query.dimensions.iter().map(|name| match *name {
                    "ym:i:publisher" => Some(partner.to_owned()),
                    "ym:i:campaign" => tracker.map(|id| id.to_string()),
                    _ => Some(day.date.to_string()),
                });
                *groups.entry(key.collect()).or_default() += count;
            }
        }
        let value = |count: &Count, at: usize| match query.metrics[at] {
            "ym:ge:sessions" => count.visits.visits as f64,
            "ym:ge:users" => count.visits.users as f64,
            _ => count.installs as f64,
        };
        let shown = |at: usize, key: Option<&str>| {
            let name = key.map(|key| match query.dimensions[at] {
                "ym:i:publisher" => partner_name(key).to_owned(),
                "ym:i:campaign" => key.parse().map(tracker_name).unwrap_or_default(),
                _ => key.to_owned(),
            });
            json!({ "id": key, "name": name })
        };
        Ok(query.table(groups, value, shown, &[]))
    }

    /// Exports of installations: the same request again and again until it is made.
    fn export(&self, call: &Call, owner: usize) -> Answer {
        let number = |name: &str| call.param(name).and_then(|text| text.parse::<u64>().ok());
        let Some(app) = number("application_id") else { return plain(400, "application_id is required") };
        let app = match self.app(app, owner) {
            Ok(app) => app,
            Err(refused) => return refused,
        };
        let moment = |name: &str| NaiveDateTime::parse_from_str(call.param(name)?, "%Y-%m-%d %H:%M:%S").ok();
        let Some((from, to)) = moment("date_since").zip(moment("date_until")).filter(|(from, to)| from <= to) else {
            return plain(400, "date_since and date_until are required in the form yyyy-mm-dd hh:mm:ss");
        };
        if !matches!(call.param("date_dimension"), None | Some("default" | "receive")) {
            return plain(400, "date_dimension is default or receive");
        }
        let fields: Vec<&str> = call.param("fields").unwrap_or_default().split(',').collect();
        if let Some(unknown) = fields.iter().find(|field| !FIELDS.contains(field)) {
            return plain(400, &format!("Unknown field: {unknown}"));
        }
        {
            let mut asked = lock(&self.asked);
            let times = asked.entry(format!("{:?}", call.query)).or_default();
            *times += 1;
            if *times < self.exports.asks {
                return plain(202, &format!("Wait for result. Progress is {}%.", *times * 100 / self.exports.asks));
            }
        }
        let mut table = format!("{}\n", fields.join(","));
        let mut rows = 0;
        for day in self.stage.world.days(from.date(), to.date(), self.stage.today()) {
            for ad in &app.ads {
                let (partner, tracker) = tracker_of(app.campaigns[ad.campaign].id);
                for install in 0..self.stage.world.figures(app, ad, &day).conversions {
                    let id = hash(ad.id, install.unsigned_abs(), u64::from(day.date.to_epoch_days().unsigned_abs()));
                    let second = u32::try_from(id % 86_400).unwrap_or_default();
                    let time = NaiveTime::from_num_seconds_from_midnight_opt(second, 0);
                    let at = day.date.and_time(time.unwrap_or_default());
                    if at < from || at > to {
                        continue;
                    }
                    rows += 1;
                    let quoted = |text: String| format!("\"{}\"", text.replace('"', "\"\""));
                    let cell = |field: &str| match field {
                        "application_id" => app.id.to_string(),
                        "installation_id" => format!("{id:016x}"),
                        "install_datetime" | "install_receive_datetime" => at.to_string(),
                        "publisher_id" => partner.to_owned(),
                        "publisher_name" => quoted(partner_name(partner).to_owned()),
                        "tracking_id" => tracker.map(|id| id.to_string()).unwrap_or_default(),
                        "tracker_name" => quoted(tracker.map(tracker_name).unwrap_or_default()),
                        "match_type" => if tracker.is_some() { "referrer" } else { "" }.to_owned(),
                        _ => if id.is_multiple_of(3) { "ios" } else { "android" }.to_owned(),
                    };
                    let _ = writeln!(table, "{}", fields.iter().map(|field| cell(field)).collect::<Vec<_>>().join(","));
                }
            }
        }
        if rows > self.exports.most_rows {
            return plain(400, "Too much data. Try to use more parts.");
        }
        Answer::raw(200, table.into_bytes())
    }

    fn asked(&self, call: &Call) -> Answer {
        let is_report = call.path == "/stat/v1/data";
        let _under_way = match self.quotas.take(&self.rules, is_report, self.stage.calendar.now_secs()) {
            Ok(under_way) => under_way,
            Err(refused) => return refused,
        };
        let Some(token) = token(call) else { return refusal(401, "unauthorized", "Unauthorized") };
        let Some(owner) = lock(&self.tokens).owner(token) else {
            return refusal(403, "invalid_token", "Invalid oauth_token");
        };
        if call.method != "GET" {
            return Answer::raw(405, Vec::new());
        }
        let answer = match call.path.as_str() {
            "/stat/v1/data" => self.report(call, owner).unwrap_or_else(|refused| refused),
            "/management/v1/applications" => self.applications(call, owner),
            "/logs/v1/export/installations.csv" => self.export(call, owner),
            _ => Answer::raw(404, Vec::new()),
        };
        Answer { user: Some(self.owners[owner].id), ..answer }
    }
}

impl Vendor for AppMetrica {
    fn answer(&self, call: &Call) -> Answer {
        if call.path == "/token" {
            return if call.method == "POST" { lock(&self.tokens).asked(call) } else { Answer::raw(405, Vec::new()) };
        }
        self.asked(call)
    }

    fn meets(&self, fault: &FaultKind, call: &Call) -> bool {
        metrica::meets(fault, call, call.path == "/stat/v1/data")
    }

    fn now(&self) -> DateTime<Utc> {
        self.stage.now()
    }

    fn refuse(&self, fault: &FaultKind, call: &Call) -> Option<Answer> {
        metrica::refuse(fault, call, &self.tokens)
    }

    fn bend(&self, fault: &FaultKind, body: &mut Value) {
        metrica::bend(fault, body);
    }

    fn control(&self, _call: &Call) -> Option<Answer> {
        None
    }
}
