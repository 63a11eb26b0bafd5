//! Yandex Direct (api.direct.yandex.com, API 5 and 501) with its sign-in (oauth.yandex.ru), both at one address here.
//!
//! Written from yandex.ru/dev/direct/doc and public clients of it. Served: `agencyclients`, `clients`, `campaigns`, `adgroups`, `ads` (`get`
//! of each), the Reports service with tables made at once or in a queue, and Yandex ID's `token` endpoint. Not served, because the console
//! does not call it: changes, keywords, leads, everything that writes, the device flow.
//!
//! The rooms: `objects` (lists and their units), `reports` (tables, their queue and names); the sign-in is `yandex_id`. Every second campaign is a
//! unified one, which version 5 does not show; every fifth was made in the Campaign Wizard and shows neither groups nor ads. Of goals there
//! are three ([`goals_of`]). Words of refusals are made up, their codes are the vendor's.

mod objects;
mod reports;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use http::header::AUTHORIZATION;
use serde_json::{Value, json};

use crate::faults::FaultKind;
use crate::server::{Answer, Call, Vendor, number_in};
use crate::stage::{Owner, Platform, RowNames, Scenario, Stage};
use crate::world::Cabinet;
use crate::yandex_id::{self, Tokens};

pub use crate::yandex_id::Pair;
pub use reports::{VAT_PERCENT, counted};

/// What faults of content twist in lists; tables are no JSON and are left alone.
const NAMES: RowNames = RowNames { day: "Date", counts: &[], money: &[], status: "State" };

/// The vendor's limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Objects that an answer has at most, whatever was asked for.
    pub most_objects: usize,
    /// Tables of more rows are made in the queue when the server may choose.
    pub online_rows: usize,
    /// How often a report in the queue is asked for until it is ready.
    pub askings: u32,
    /// `retryIn`, seconds.
    pub retry_in: u32,
    /// Reports in the making that a user may have.
    pub queue: usize,
    /// Reports that a user may ask for in ten seconds.
    pub reports_in_ten_seconds: usize,
    /// Units of an advertiser for a day; a twenty-fourth comes each hour.
    pub units: i64,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            most_objects: 10_000,
            online_rows: 5_000,
            askings: 3,
            retry_in: 20,
            queue: 5,
            reports_in_ten_seconds: 20,
            units: 64_000,
        }
    }
}

/// Who may ask, and what for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The owner's name.
    pub owner: String,
    /// Whether it is an agency, whose requests name a client.
    pub agency: bool,
    /// Its application.
    pub client_id: String,
    /// The application's secret.
    pub client_secret: String,
    /// Codes that a person was shown; each is good once.
    pub codes: Vec<String>,
    /// Tokens of earlier sign-ins.
    pub pairs: Vec<Pair>,
    /// Logins of the advertisers it sees.
    pub logins: Vec<String>,
    /// Numbers of the same cabinets in the world.
    pub cabinets: Vec<u64>,
}

#[derive(Debug)]
struct Direct {
    stage: Stage,
    rules: Rules,
    owners: Vec<Owner>,
    tokens: Mutex<Tokens>,
    units: Mutex<objects::Units>,
    desk: Mutex<reports::Desk>,
}

/// Starts a platform that stands for `https://api.direct.yandex.com` and for `https://oauth.yandex.ru`.
pub fn start(scenario: &Scenario, rules: Rules) -> anyhow::Result<Platform<Key>> {
    let stage = Stage::build(scenario);
    let owners = stage.owners();
    let mut all = Tokens::new(stage.seed, "direct:api");
    let keys = owners.iter().enumerate().map(|(place, owner)| {
        let application = all.application(place, owner.id);
        let cabinets = || stage.world.cabinets[owner.cabinets.clone()].iter();
        Key {
            owner: owner.name.clone(),
            agency: owner.agency,
            client_id: application.0,
            client_secret: application.1,
            codes: (0..3).map(|_| all.code(place)).collect(),
            pairs: (0..3).map(|_| all.issue(place)).collect(),
            logins: cabinets().map(login_of).collect(),
            cabinets: cabinets().map(|cabinet| cabinet.id).collect(),
        }
    });
    let keys = keys.collect();
    let direct = Direct {
        stage: stage.clone(),
        rules,
        owners,
        tokens: Mutex::new(all),
        units: Mutex::default(),
        desk: Mutex::default(),
    };
    stage.serve(Arc::new(direct), keys, 1 << 20)
}

/// The login of an advertiser: Yandex allows hyphens and no underscores.
fn login_of(cabinet: &Cabinet) -> String {
    cabinet.login.replace('_', "-")
}

/// The goals of an advertiser: a purchase (in campaigns with an even number), a request (in the others), and either of both.
pub fn goals_of(cabinet: u64) -> [u64; 3] {
    [1, 2, 3].map(|goal| cabinet * 10 + goal)
}

/// Whether a campaign was made in the Campaign Wizard: its groups and ads are nobody's business.
pub fn is_of_wizard(campaign: u64) -> bool {
    campaign.is_multiple_of(5)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A refusal as objects show it.
fn refusal(code: i64, detail: &str) -> Answer {
    let words = match code {
        53 => "Authorization error",
        54 => "Access denied",
        56 => "Method call limit exceeded",
        58 => "Registration not completed",
        152 => "Not enough units",
        506 => "Connection limit exceeded",
        1000..=1002 => "The server is temporarily unavailable",
        4000 => "Inconsistent parameters",
        8800 => "Object not found",
        9000 => "The queue of reports is full",
        _ => "Invalid request",
    };
    let error = json!({ "request_id": "8695244274068608439", "error_code": code, "error_string": words, "error_detail": detail });
    Answer::json(200, &json!({ "error": error }))
}

/// The same as reports show it: under 400, the code as text.
fn refused_report(code: i64, detail: &str) -> Answer {
    let answer = refusal(code, detail);
    let text = String::from_utf8_lossy(&answer.body)
        .replace(&format!("\"error_code\":{code}"), &format!("\"error_code\":\"{code}\""));
    Answer { status: 400, body: text.into_bytes(), ..answer }
}

fn bearer(call: &Call) -> Option<&str> {
    call.headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

fn header<'a>(call: &'a Call, name: &str) -> Option<&'a str> {
    call.headers.get(name)?.to_str().ok()
}

/// A refusal's code and what it is about.
type Refused = (i64, String);

impl Direct {
    /// The advertiser that a request is about, as its place in the world.
    fn advertiser(&self, call: &Call, owner: usize) -> Result<usize, Refused> {
        let owner = &self.owners[owner];
        let named = header(call, "client-login");
        if !owner.agency && named.is_none() {
            return Ok(owner.cabinets.start);
        }
        let Some(named) = named else { return Err((54, "Client-Login is required for an agency".to_owned())) };
        let at = |place: usize| login_of(&self.stage.world.cabinets[place]) == named;
        match (0..self.stage.world.cabinets.len()).find(|place| at(*place)) {
            Some(place) if owner.cabinets.contains(&place) => Ok(place),
            Some(_) => Err((54, format!("{} has no rights to {named}", owner.login))),
            None => Err((8800, format!("There is no login {named}"))),
        }
    }

    fn asked(&self, call: &Call) -> Answer {
        let (newest, service) = match call.path.strip_prefix("/json/").and_then(|path| path.split_once('/')) {
            Some(("v501", service)) => (true, service),
            Some(("v5", service)) => (false, service),
            _ => return Answer::raw(404, Vec::new()),
        };
        if call.method != "POST" {
            return Answer::raw(405, Vec::new());
        }
        let is_report = service == "reports";
        let refuse = |(code, detail): Refused| {
            if is_report { refused_report(code, &detail) } else { refusal(code, &detail) }
        };
        let Some(owner) = bearer(call).and_then(|token| lock(&self.tokens).owner(token)) else {
            return refuse((53, "Invalid OAuth token".to_owned()));
        };
        let Ok(body) = serde_json::from_slice::<Value>(&call.body) else {
            return refuse((8000, "The body is no JSON".to_owned()));
        };
        let answered = match service {
            "reports" => self.report(call, owner, &body),
            "agencyclients" | "clients" => self.clients(call, owner, service, &body),
            "campaigns" | "adgroups" | "ads" => self.objects(call, owner, service, newest, &body),
            _ => return Answer::raw(404, Vec::new()),
        };
        answered.unwrap_or_else(refuse).with("requestid", "8695244274068608439")
    }
}

impl Vendor for Direct {
    fn answer(&self, call: &Call) -> Answer {
        if call.path == "/token" {
            return if call.method == "POST" { lock(&self.tokens).asked(call) } else { Answer::raw(405, Vec::new()) };
        }
        self.asked(call)
    }

    fn meets(&self, fault: &FaultKind, call: &Call) -> bool {
        let (signs_in, reports) = (call.path == "/token", call.path.ends_with("/reports"));
        match fault {
            FaultKind::WrongKey => signs_in,
            FaultKind::ExpireToken | FaultKind::RevokeToken => !signs_in && bearer(call).is_some(),
            FaultKind::Throttle { .. } | FaultKind::RevokeScope | FaultKind::ErrorInside { .. } => !signs_in,
            // Lists have no totals and are asked for whole; tables are no JSON.
            FaultKind::ExpireAllTokens
            | FaultKind::LyingTotal { .. }
            | FaultKind::RepeatPage
            | FaultKind::ShuffledPage
            | FaultKind::Vanish
            | FaultKind::Appear
            | FaultKind::NegativeNumbers
            | FaultKind::GarbageNumbers
            | FaultKind::LostRows
            | FaultKind::MissingDay { .. }
            | FaultKind::HalfDay { .. }
            | FaultKind::CopiedDay { .. } => false,
            FaultKind::NewFields
            | FaultKind::UnknownEnum
            | FaultKind::MissingField { .. }
            | FaultKind::OtherType { .. }
            | FaultKind::DuplicateRows
            | FaultKind::EmptyAccount => !signs_in && !reports,
            _ => true,
        }
    }

    fn now(&self) -> DateTime<Utc> {
        self.stage.now()
    }

    fn is_limit(&self, answer: &Answer) -> bool {
        matches!(number_in(answer, "/error/error_code"), Some(56 | 152 | 506 | 9000))
    }

    fn refuse(&self, fault: &FaultKind, call: &Call) -> Option<Answer> {
        let in_place = |code: i64, detail: &str| {
            if call.path.ends_with("/reports") { refused_report(code, detail) } else { refusal(code, detail) }
        };
        match fault {
            FaultKind::WrongKey => Some(yandex_id::refusal("invalid_client", "Wrong client secret")),
            FaultKind::ExpireToken | FaultKind::RevokeToken => {
                lock(&self.tokens).end(bearer(call)?, *fault == FaultKind::RevokeToken);
                Some(in_place(53, "Invalid OAuth token"))
            }
            FaultKind::Throttle { .. } => Some(in_place(56, "Too many calls of this method")),
            FaultKind::RevokeScope => Some(in_place(54, "No rights to this client")),
            FaultKind::ErrorInside { code } => Some(in_place(code.parse().unwrap_or(1000), "As was wished")),
            FaultKind::ServerError { status } => Some(Answer::raw(*status, b"<html>Internal error</html>".to_vec())),
            _ => None,
        }
    }

    fn bend(&self, fault: &FaultKind, body: &mut Value) {
        let lists =
            body.get_mut("result").and_then(Value::as_object_mut).into_iter().flat_map(|result| result.values_mut());
        for rows in lists.filter_map(Value::as_array_mut) {
            NAMES.bend(fault, rows);
        }
    }

    fn control(&self, _call: &Call) -> Option<Answer> {
        None
    }
}
