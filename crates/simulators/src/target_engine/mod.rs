//! The advertising engine of VK group: cabinets of two agencies behind the HTTP interface that VK Реклама (ads.vk.com) and myTarget
//! (target.my.com) share. What tells the two apart is said by [`Product`] and nowhere else.
//!
//! Written from ads.vk.com/doc/api, target.my.com/doc/api and what production clients reported. Served: sign-in, `user`,
//! `agency/clients`, the lists of a product's tree, `throttling`, and statistics v2. Not served, because the console does not call it yet:
//! the browser's consent page, lead forms, remarketing lists, statistics v3 and the special reports.
//!
//! Control paths of its own: `GET /__sim/truth?cabinet=&date_from=&date_to=&by=day`, `GET /__sim/keys`,
//! `POST /__sim/clock {"advance_days":1}`.

mod collections;
mod errors;
mod limits;
mod product;
mod statistics;
mod tokens;

use std::sync::Arc;

use chrono::{DateTime, Duration, NaiveDate, Utc};
use http::header::AUTHORIZATION;
use serde::Serialize;
use serde_json::{Value, json};

use self::collections::Listed;
use self::limits::Throttle;
pub use self::limits::{Limits, Usage};
pub use self::product::Product;
pub use self::tokens::TokenRules;
use self::tokens::{Refusal, Tokens};
use crate::calendar::{Calendar, TimeFlow};
use crate::faults::{FaultKind, Faults, Hint};
use crate::noise::hash;
use crate::requests::RequestLog;
use crate::server::{Answer, Call, Server, ServerOptions, Vendor, http_date};
use crate::truth::Truth;
use crate::world::{World, WorldSize, default_first_day};

/// Largest request body the vendor takes on the paths served here, bytes.
const MAX_BODY_BYTES: usize = 1_048_576;

/// What is simulated.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// Decides everything that looks accidental.
    pub seed: u64,
    /// The simulated day; the real day in Moscow without it.
    pub today: Option<NaiveDate>,
    /// The first day with figures; see `default_first_day` for what is used without it.
    pub first_day: Option<NaiveDate>,
    /// How many objects there are.
    pub size: WorldSize,
    /// Request limits.
    pub limits: Limits,
    /// Sign-in rules.
    pub tokens: TokenRules,
    /// Largest page of ad plans, groups and banners: 250 in production, 50 in the documentation.
    pub max_page: usize,
    /// How many days back statistics reach. The documentation says 366, production accounts were seen to give more; none
    /// gives all there is.
    pub horizon_days: Option<u32>,
    /// Whether replies are compressed for clients that accept it.
    pub gzip: bool,
    /// How the clock of limits and tokens runs.
    pub time: TimeFlow,
    /// Port on 127.0.0.1; 0 picks a free one.
    pub port: u16,
}

impl Scenario {
    /// Two agencies with three clients each and one advertiser of its own, a few hundred ads per cabinet, eighteen months
    /// and more.
    pub fn demo() -> Self {
        Self {
            seed: 2_026,
            today: None,
            first_day: None,
            size: WorldSize {
                agencies: 2,
                cabinets_per_agency: 3,
                advertisers: 1,
                campaigns: 14,
                groups: 4,
                ads: 5,
                // Thirty months: at the end of the eighteen there are still campaigns to come.
                varied_over_days: Some(900),
            },
            limits: Limits::USUAL,
            tokens: TokenRules::default(),
            max_page: 250,
            horizon_days: None,
            gzip: true,
            time: TimeFlow::Real,
            port: 0,
        }
    }

    /// The same shape with few objects and ninety days, for tests that must be quick.
    pub fn small(today: NaiveDate) -> Self {
        let size = WorldSize {
            cabinets_per_agency: 2,
            campaigns: 6,
            groups: 2,
            ads: 3,
            varied_over_days: Some(100),
            ..Self::demo().size
        };
        Self { today: Some(today), first_day: Some(today - Duration::days(89)), size, ..Self::demo() }
    }

    /// One advertiser whose ads all run for five hundred days ending on `today`, so that at least `rows` daily rows exist at
    /// the level of ads (exactly `rows` when it is a multiple of 500), without limits or compression: for measuring.
    pub fn large(rows: usize, today: NaiveDate) -> Self {
        const DAYS: u32 = 500;
        let ads_wanted = rows.div_ceil(DAYS as usize).max(1);
        // Plans hold up to twenty groups of ten ads where the number divides so, else one plan holds all.
        let (campaigns, groups, ads) =
            if ads_wanted.is_multiple_of(200) { (ads_wanted / 200, 20, 10) } else { (1, 1, ads_wanted) };
        Self {
            today: Some(today),
            first_day: Some(today - Duration::days(i64::from(DAYS) - 1)),
            size: WorldSize {
                agencies: 0,
                cabinets_per_agency: 0,
                advertisers: 1,
                campaigns,
                groups,
                ads,
                varied_over_days: None,
            },
            limits: Limits::NONE,
            gzip: false,
            ..Self::demo()
        }
    }

    /// As many rows as [`Scenario::large`], spread evenly over the cabinets of one agency.
    pub fn wide(cabinets: usize, rows: usize, today: NaiveDate) -> Self {
        let one = Self::large(rows.div_ceil(cabinets.max(1)), today);
        let size = WorldSize { agencies: 1, cabinets_per_agency: cabinets, advertisers: 0, ..one.size };
        Self { size, ..one }
    }
}

/// A key for the interface, as a person would copy it from the cabinet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Key {
    /// Whose key it is: the agency or the advertiser.
    pub owner: String,
    /// Account of the owner.
    pub owner_id: u64,
    /// `client_id`.
    pub client_id: String,
    /// `client_secret`.
    pub client_secret: String,
    /// Cabinets reachable with it: an agency's clients, or the advertiser's own.
    pub cabinets: Vec<CabinetName>,
}

/// How a cabinet is named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CabinetName {
    /// Number of the account: `agency_client_id`.
    pub id: u64,
    /// Sign-in name: `agency_client_name`.
    pub username: String,
    /// Name of the business.
    pub name: String,
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Account {
    Agency(usize),
    Cabinet(usize),
}

/// The vendor.
#[derive(Debug)]
struct Engine {
    product: Product,
    scenario: Scenario,
    world: Arc<World>,
    calendar: Arc<Calendar>,
    tokens: Tokens,
    throttle: Throttle,
    log: Arc<RequestLog>,
    keys: Vec<(Key, Account)>,
}

/// Builds the world and listens on 127.0.0.1. Fails when the port is taken.
pub fn start(product: Product, scenario: Scenario) -> anyhow::Result<Running> {
    let calendar = Arc::new(Calendar::new(scenario.today, scenario.time.clone()));
    let first_day = scenario.first_day.unwrap_or_else(|| default_first_day(calendar.today()));
    let world = Arc::new(World::build(scenario.seed, first_day, &scenario.size));
    let faults = Arc::new(Faults::default());
    let log = Arc::new(RequestLog::default());
    let options = ServerOptions { port: scenario.port, gzip: scenario.gzip, max_body_bytes: MAX_BODY_BYTES };
    let engine = Arc::new(Engine {
        product,
        keys: keys(scenario.seed, &world),
        tokens: Tokens::new(scenario.tokens),
        throttle: Throttle::new(scenario.limits, product.resources()),
        log: Arc::clone(&log),
        world,
        calendar,
        scenario,
    });
    let server = Server::start(Arc::clone(&engine) as Arc<dyn Vendor>, Arc::clone(&faults), Arc::clone(&log), options)?;
    Ok(Running { base_url: format!("http://{}", server.address), engine, faults, log, server })
}

/// A simulator that is listening; dropping it stops it.
#[derive(Debug)]
pub struct Running {
    /// Stands for the product's address (`https://ads.vk.com`, `https://target.my.com`), without a slash at the end.
    pub base_url: String,
    engine: Arc<Engine>,
    faults: Arc<Faults>,
    log: Arc<RequestLog>,
    server: Server,
}

impl Running {
    /// The truth as of the simulated day.
    pub fn truth(&self) -> Truth {
        self.engine.truth()
    }

    /// The switches of faults.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// What was asked so far.
    pub fn requests(&self) -> &RequestLog {
        &self.log
    }

    /// How far every window of the limits was used: what a test of a client's thrift, and of its diligence, looks at.
    pub fn usage(&self) -> Vec<Usage> {
        self.engine.throttle.usage()
    }

    /// The simulated present; moving it ripens conversions, settles corrections, and ages tokens and limits.
    pub fn calendar(&self) -> &Calendar {
        &self.engine.calendar
    }

    /// The keys: agencies first, then advertisers.
    pub fn keys(&self) -> Vec<Key> {
        self.engine.keys.iter().map(|(key, _)| key.clone()).collect()
    }

    /// Every token now in force, so that a test can search a disk for them.
    pub fn token_secrets(&self) -> Vec<String> {
        self.engine.tokens.secrets()
    }

    /// Stops listening and cuts every connection.
    pub fn stop(mut self) {
        self.server.stop();
    }
}

/// Keys derived from the seed: a demo restarted tomorrow accepts the key that a workspace keeps.
fn keys(seed: u64, world: &World) -> Vec<(Key, Account)> {
    let secret = |owner_id: u64| {
        let part = |salt| format!("{:016x}", hash(seed, owner_id, salt));
        (part(1), format!("{}{}", part(2), part(3)))
    };
    let named = |cabinet: &crate::world::Cabinet| CabinetName {
        id: cabinet.id,
        username: collections::username(cabinet),
        name: cabinet.name.clone(),
    };
    let agencies = world.agencies.iter().enumerate().map(|(place, agency)| {
        let (client_id, client_secret) = secret(agency.id);
        let cabinets = world.cabinets[agency.cabinets.clone()].iter().map(named).collect();
        let key = Key { owner: agency.name.clone(), owner_id: agency.id, client_id, client_secret, cabinets };
        (key, Account::Agency(place))
    });
    let own = world.cabinets.iter().enumerate().filter(|(_, it)| it.agency.is_none()).map(|(place, cabinet)| {
        let (client_id, client_secret) = secret(cabinet.id);
        let key = Key {
            owner: cabinet.name.clone(),
            owner_id: cabinet.id,
            client_id,
            client_secret,
            cabinets: vec![named(cabinet)],
        };
        (key, Account::Cabinet(place))
    });
    agencies.chain(own).collect()
}

impl Vendor for Engine {
    fn answer(&self, call: &Call) -> Answer {
        match call.path.as_str() {
            "/api/v2/oauth2/token.json" => only("POST", call, || self.issue_token(call)),
            "/api/v2/oauth2/token/delete.json" => only("POST", call, || self.delete_tokens(call)),
            path => match path.strip_prefix("/api/v2/") {
                Some(resource) if self.is_resource(resource) => only("GET", call, || self.resource(resource, call)),
                _ => errors::plain(404, "not_found", "Resource not found"),
            },
        }
    }

    fn meets(&self, fault: &FaultKind, call: &Call) -> bool {
        use FaultKind::{
            Appear, DuplicateRows, EmptyAccount, ExpireAllTokens, ExpireToken, GarbageNumbers, LyingTotal,
            NegativeNumbers, RepeatPage, RevokeScope, RevokeToken, ShuffledPage, UnknownEnum, Vanish, WrongKey,
        };
        let signing_in = signs_in(call);
        // A first page may be asked for without its offset.
        let offset = call.param("limit").map(|_| call.param("offset").and_then(|text| text.parse().ok()).unwrap_or(0));
        match fault {
            WrongKey => signing_in,
            RevokeToken | ExpireToken | ExpireAllTokens => bearer(call).is_some(),
            RevokeScope | DuplicateRows | EmptyAccount => !signing_in,
            LyingTotal { .. } | UnknownEnum => !signing_in && !call.path.contains("/statistics/"),
            NegativeNumbers | GarbageNumbers => call.path.contains("/statistics/"),
            RepeatPage | ShuffledPage | Vanish => offset.is_some_and(|offset: usize| offset > 0),
            Appear => offset == Some(0) && self.has_more_pages(call),
            _ => true,
        }
    }

    fn twist(&self, fault: &FaultKind, call: &mut Call) {
        let limit = call.param("limit").and_then(|text| text.parse().ok()).unwrap_or(0);
        if *fault == FaultKind::Appear && call.param("offset").is_none() {
            call.query.push(("offset".to_owned(), "0".to_owned()));
        }
        for (name, value) in &mut call.query {
            let shifted = |by: &dyn Fn(usize) -> usize| value.parse().map(by).unwrap_or_default().to_string();
            match (fault, name.as_str()) {
                (FaultKind::RepeatPage, "offset") => *value = shifted(&|offset| offset.saturating_sub(limit)),
                // Without its first object every later one stands a place further up.
                (FaultKind::Vanish | FaultKind::Appear, "offset") => *value = shifted(&|offset| offset + 1),
                (FaultKind::ShuffledPage, "sorting") => *value = format!("-{value}"),
                _ => {}
            }
        }
    }

    fn now(&self) -> DateTime<Utc> {
        self.calendar.now_utc()
    }

    fn refuse(&self, fault: &FaultKind, call: &Call) -> Option<Answer> {
        let signing_in = signs_in(call);
        match fault {
            FaultKind::WrongKey if signing_in => Some(bad_client()),
            FaultKind::RevokeToken => {
                self.tokens.revoke(bearer(call)?);
                Some(Refusal::Revoked.answer())
            }
            FaultKind::ExpireToken => {
                self.tokens.expire(bearer(call)?);
                Some(Refusal::Expired.answer())
            }
            FaultKind::ExpireAllTokens => {
                self.tokens.expire_all();
                bearer(call).map(|_| Refusal::Expired.answer())
            }
            FaultKind::Throttle { hint } => Some(self.slow_down(*hint)),
            FaultKind::ErrorInside { code } => Some(errors::plain(200, code, "Request is not processed")),
            FaultKind::RevokeScope if !signing_in => {
                Some(errors::plain(403, "ERR_ACCESS_DENIED", "Access to the resource is denied"))
            }
            FaultKind::ServerError { status } => Some(errors::plain(*status, "ERR_INTERNAL", "Internal error")),
            _ => None,
        }
    }

    fn account_of(&self, call: &Call) -> Option<u64> {
        self.tokens.user_of(bearer(call)?, self.calendar.now_secs()).ok()
    }

    fn bend(&self, fault: &FaultKind, body: &mut Value) {
        match fault {
            FaultKind::Vanish | FaultKind::Appear => {
                for (member, less) in [("count", 1), ("offset", 1)] {
                    if let Some(number) = body.get(member).and_then(Value::as_i64) {
                        body[member] = json!(number - less);
                    }
                }
            }
            FaultKind::LyingTotal { delta } => {
                if let Some(count) = body.get("count").and_then(Value::as_i64) {
                    body["count"] = json!((count + delta).max(0));
                }
            }
            FaultKind::EmptyAccount => {
                if body.get("count").is_some() {
                    body["count"] = json!(0);
                }
                if body.get("items").is_some() {
                    body["items"] = json!([]);
                }
            }
            FaultKind::DuplicateRows => double_first(body),
            FaultKind::MissingDay { date } => rows_of_objects(body, |_, rows| rows.retain(|row| !is_of(row, *date))),
            FaultKind::HalfDay { date } => rows_of_objects(body, |place, rows| {
                rows.retain(|row| place % 2 == 0 || !is_of(row, *date));
            }),
            FaultKind::CopiedDay { date } => rows_of_objects(body, |_, rows| {
                let copy = rows.iter().find(|row| date.pred_opt().is_some_and(|before| is_of(row, before))).cloned();
                if let (Some(mut copy), Some(row)) = (copy, rows.iter_mut().find(|row| is_of(row, *date))) {
                    copy["date"] = json!(date.to_string());
                    *row = copy;
                }
            }),
            FaultKind::UnknownEnum => everywhere(body, &mut |name, value| match name {
                "status" | "moderation_status" | "delivery" | "objective" if value.is_string() => {
                    *value = json!("quantum_paused");
                }
                _ => {}
            }),
            FaultKind::NewFields => everywhere(body, &mut |name, value| match name {
                "base" | "user" | "vk" => value["attention_index"] = json!({ "score": 0.73, "of": ["new", null] }),
                "items" | "rows" => {
                    for item in value.as_array_mut().into_iter().flatten() {
                        item["brand_new_member"] = json!([1, "два", null]);
                    }
                }
                _ => {}
            }),
            FaultKind::NegativeNumbers => everywhere(body, &mut |name, value| match name {
                "shows" | "clicks" => *value = json!(-5),
                "spent" | "balance" => *value = json!("-12.34"),
                _ => {}
            }),
            FaultKind::GarbageNumbers => everywhere(body, &mut |name, value| match name {
                "shows" | "clicks" => *value = json!("много"),
                "spent" | "balance" => *value = json!("12,34 руб."),
                _ => {}
            }),
            FaultKind::MissingField { field } => remove_everywhere(body, field),
            FaultKind::LostRows => lose_largest(body),
            FaultKind::OtherType { field } => everywhere(body, &mut |name, value| {
                if name == field {
                    *value = match &*value {
                        Value::String(text) => json!(text.len()),
                        other => json!(other.to_string()),
                    };
                }
            }),
            _ => {}
        }
    }

    fn control(&self, call: &Call) -> Option<Answer> {
        match (call.method.as_str(), call.path.as_str()) {
            ("GET", "/__sim/truth") => Some(self.told_truth(call)),
            ("GET", "/__sim/keys") => {
                let keys: Vec<&Key> = self.keys.iter().map(|(key, _)| key).collect();
                Some(Answer::json(200, &json!({ "keys": keys })))
            }
            ("POST", "/__sim/clock") => Some(self.moved_clock(call)),
            _ => None,
        }
    }
}

impl Engine {
    fn truth(&self) -> Truth {
        Truth::new(Arc::clone(&self.world), self.calendar.today())
    }

    /// The number of an account.
    fn user_id(&self, account: Account) -> u64 {
        match account {
            Account::Agency(place) => self.world.agencies[place].id,
            Account::Cabinet(place) => self.world.cabinets[place].id,
        }
    }

    fn account(&self, user: u64) -> Option<Account> {
        let agency = self.world.agencies.iter().position(|agency| agency.id == user).map(Account::Agency);
        agency.or_else(|| self.world.cabinet(user).map(Account::Cabinet))
    }

    /// The account that a key of this request opens.
    fn key_owner(&self, form: &Form) -> Option<(String, Account)> {
        let (id, secret) = (form.get("client_id")?, form.get("client_secret")?);
        let (key, account) = self.keys.iter().find(|(key, _)| key.client_id == id && key.client_secret == secret)?;
        Some((key.client_id.clone(), *account))
    }

    fn issue_token(&self, call: &Call) -> Answer {
        let form = Form::read(call);
        let Some(grant) = form.get("grant_type") else {
            return errors::field("grant_type", "required", "This field is required");
        };
        for name in ["client_id", "client_secret"] {
            if form.get(name).is_none() {
                return errors::field(name, "required", "This field is required");
            }
        }
        let Some((client_id, owner)) = self.key_owner(&form) else {
            return bad_client();
        };
        let now = self.calendar.now_secs();
        let account = match grant {
            "client_credentials" => Ok(owner),
            "agency_client_credentials" => self.agency_client(owner, &form, now),
            "refresh_token" => {
                let Some(refresh) = form.get("refresh_token") else {
                    return errors::field("refresh_token", "required", "This field is required");
                };
                return match self.tokens.refresh(&client_id, refresh, now) {
                    Ok((user, issued)) => self.handed_out(user, &issued),
                    Err(Refusal::Revoked) => oauth(401, "revoked_token", "Access token is revoked"),
                    Err(_) => oauth(401, "invalid_token", "Unknown refresh token"),
                };
            }
            _ => Err(oauth(400, "unsupported_grant_type", "Unknown grant_type")),
        };
        match account {
            Ok(account) => {
                let user = self.user_id(account);
                let scope = match account {
                    Account::Agency(_) => vec!["create_clients", "read_clients", "create_agency_payments"],
                    Account::Cabinet(_) => vec!["read_ads", "read_payments", "create_ads"],
                };
                match self.tokens.issue(&client_id, user, scope, now) {
                    Some(issued) => self.handed_out(user, &issued),
                    None => oauth(403, "token_limit_exceeded", "Token limit is exceeded for this client and user"),
                }
            }
            Err(answer) => answer,
        }
    }

    fn handed_out(&self, user: u64, issued: &tokens::Issued) -> Answer {
        self.log.token_issued();
        let mut answer = Answer::json(200, &issued.body());
        answer.user = Some(user);
        answer
    }

    /// The client an agency asks a token for; another agency's token may stand in for its consent.
    fn agency_client(&self, owner: Account, form: &Form, now: i64) -> Result<Account, Answer> {
        let agency = match form.get("access_token") {
            Some(token) => {
                let user = self.tokens.user_of(token, now).map_err(Refusal::answer)?;
                self.account(user)
            }
            None => Some(owner),
        };
        let Some(Account::Agency(agency)) = agency else {
            return Err(oauth(403, "forbidden", "Only an agency may ask for tokens of its clients"));
        };
        let clients = self.world.agencies[agency].cabinets.clone();
        let found = match (form.get("agency_client_name"), form.get("agency_client_id")) {
            (Some(name), _) => clients.into_iter().find(|it| collections::username(&self.world.cabinets[*it]) == name),
            (None, Some(id)) => clients.into_iter().find(|it| self.world.cabinets[*it].id.to_string() == id),
            (None, None) => return Err(errors::field("agency_client_name", "required", "This field is required")),
        };
        found.map(Account::Cabinet).ok_or_else(|| oauth(401, "invalid_user", "Unknown agency client"))
    }

    fn delete_tokens(&self, call: &Call) -> Answer {
        let form = Form::read(call);
        let Some((client_id, owner)) = self.key_owner(&form) else {
            return bad_client();
        };
        let user = match (form.get("user_id"), form.get("username")) {
            (Some(id), _) => id.parse().ok(),
            (None, Some(name)) => {
                let cabinet = self.world.cabinets.iter().find(|it| collections::username(it) == name).map(|it| it.id);
                cabinet.or_else(|| self.world.agencies.iter().find(|it| it.login == name).map(|it| it.id))
            }
            (None, None) => Some(self.user_id(owner)),
        };
        match user {
            Some(user) => {
                self.tokens.delete(&client_id, user);
                Answer::raw(204, Vec::new())
            }
            None => errors::field("username", "bad_value", "Unknown user"),
        }
    }

    /// Answers a resource that needs a token and counts against limits.
    fn resource(&self, resource: &str, call: &Call) -> Answer {
        let now = self.calendar.now_secs();
        let known = bearer(call).ok_or(Refusal::Missing).and_then(|token| self.tokens.user_of(token, now));
        let user = match known {
            Ok(user) => user,
            Err(refusal) => return refusal.answer(),
        };
        let Some(account) = self.account(user) else {
            return Refusal::Unknown.answer();
        };
        let mut answer = if resource == "throttling.json" {
            Answer::json(200, &self.throttle.report(user, now))
        } else {
            let resources = self.product.resources();
            let limited =
                resources.iter().find(|(_, path)| resource.starts_with(path)).map_or("USER", |(name, _)| name);
            match self.throttle.take(user, limited, now) {
                Ok(left) => self.throttle.label(self.allowed_resource(resource, account, call), left),
                Err(left) => self.throttle.refusal(left),
            }
        };
        answer.user = Some(user);
        answer
    }

    /// Whether a path below `/api/v2/` is served at all.
    fn is_resource(&self, resource: &str) -> bool {
        let served = |path: &str| resource == path || (path.ends_with('/') && resource.starts_with(path));
        resource == "throttling.json" || self.product.resources().iter().any(|(_, path)| served(path))
    }

    /// Whether a list goes on after its first page. In a single one nothing can come between two.
    fn has_more_pages(&self, call: &Call) -> bool {
        let account = self.account_of(call).and_then(|user| self.account(user));
        let (Some(resource), Some(account)) = (call.path.strip_prefix("/api/v2/"), account) else { return false };
        let answer = self.allowed_resource(resource, account, call);
        let page: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        matches!((page["count"].as_u64(), page["limit"].as_u64()), (Some(count), Some(limit)) if count > limit)
    }

    fn allowed_resource(&self, resource: &str, account: Account, call: &Call) -> Answer {
        let today = self.calendar.today();
        let statistics = resource.strip_prefix("statistics/").and_then(|rest| rest.split_once('/'));
        let listed = Listed::of(self.product, resource);
        match (resource, account) {
            ("user.json", Account::Agency(place)) => {
                let agency = &self.world.agencies[place];
                Answer::json(200, &collections::agency_user(agency.id, &agency.login, &agency.name))
            }
            ("user.json", Account::Cabinet(place)) => {
                Answer::json(200, &collections::cabinet_user(&self.world.cabinets[place]))
            }
            ("agency/clients.json", Account::Agency(place)) => {
                collections::clients(self.product, &self.world, place, call)
            }
            ("agency/clients.json", Account::Cabinet(_)) => {
                errors::plain(403, "forbidden", "Only an agency has clients")
            }
            (_, Account::Cabinet(cabinet)) => match (listed, statistics) {
                (Some(listed), _) => {
                    collections::list(&self.world, cabinet, listed, today, self.scenario.max_page, call)
                }
                (None, Some((objects, period))) => {
                    let question = statistics::Question {
                        product: self.product,
                        world: &self.world,
                        today,
                        horizon_days: self.scenario.horizon_days,
                        cabinet,
                    };
                    statistics::answer(&question, objects, period, call)
                }
                (None, None) => errors::plain(404, "ERR_WRONG_RESOURCE", "Resource does not exist"),
            },
            (_, Account::Agency(_)) if statistics.is_some() => {
                errors::plain(403, "ERR_ACCESS_DENIED", "An agency's token cannot read its clients' statistics")
            }
            (_, Account::Agency(_)) => {
                errors::plain(403, "forbidden", "An agency's token cannot read its clients' campaigns")
            }
        }
    }

    /// A refusal for too many requests, in this style.
    fn slow_down(&self, hint: Hint) -> Answer {
        let now = self.calendar.now_utc();
        let after = |secs: u32| now + Duration::seconds(i64::from(secs));
        let bare = || errors::plain(429, "throttled", "Too many requests");
        match hint {
            Hint::After { secs } => self.throttle.refusal([0; 3]).with("retry-after", secs.to_string()),
            Hint::Date { secs } => bare().with("retry-after", http_date(after(secs))),
            Hint::ResetAt { secs } => bare().with("x-ratelimit-reset", after(secs).timestamp().to_string()),
            Hint::ResetIn { secs } => bare().with("ratelimit-reset", secs.to_string()),
            Hint::Windows => self.throttle.refusal([0; 3]),
            Hint::Body => Answer { headers: Vec::new(), ..self.throttle.refusal([0; 3]) },
            Hint::Nonsense => Answer::raw(429, Vec::new()).with("retry-after", "soon").with("ratelimit-reset", "-1"),
        }
    }

    /// `GET /__sim/truth?cabinet=&date_from=&date_to=&by=day`: all cabinets and all days by default.
    fn told_truth(&self, call: &Call) -> Answer {
        let truth = self.truth();
        let date = |name: &str, or: NaiveDate| match call.param(name) {
            None => Some(or),
            Some(text) => NaiveDate::parse_from_str(text, "%Y-%m-%d").ok(),
        };
        let (Some(from), Some(to)) = (date("date_from", truth.first_day()), date("date_to", truth.today())) else {
            return Answer::json(400, &json!({ "error": "dates are YYYY-MM-DD" }));
        };
        let wanted = match call.param("cabinet") {
            None => truth.cabinets(),
            Some(text) => match text.parse().ok().filter(|id| truth.cabinets().contains(id)) {
                Some(id) => vec![id],
                None => return Answer::json(404, &json!({ "error": "there is no such cabinet" })),
            },
        };
        let by_day = call.param("by") == Some("day");
        let cabinets: Vec<Value> = wanted
            .into_iter()
            .map(|id| {
                let mut told = json!(truth.cabinet(id, from, to));
                if by_day {
                    told["days"] = json!(truth.days(id, from, to));
                }
                told
            })
            .collect();
        let body = json!({ "today": truth.today(), "first_day": truth.first_day(), "cabinets": cabinets });
        Answer::json(200, &body)
    }

    /// `POST /__sim/clock {"advance_days":1}` or `{"advance_seconds":3600}`.
    fn moved_clock(&self, call: &Call) -> Answer {
        let order: Value = serde_json::from_slice(&call.body).unwrap_or_default();
        let number = |name: &str| order.get(name).and_then(Value::as_u64).and_then(|it| u32::try_from(it).ok());
        match (number("advance_days"), number("advance_seconds")) {
            (None, None) => {
                return Answer::json(400, &json!({ "error": "give advance_days or advance_seconds" }));
            }
            (days, seconds) => {
                self.calendar.advance_days(days.unwrap_or(0));
                self.calendar.advance_seconds(seconds.unwrap_or(0));
            }
        }
        let now = self.calendar.now().format("%Y-%m-%d %H:%M:%S").to_string();
        Answer::json(200, &json!({ "today": self.calendar.today(), "now": now }))
    }
}

/// Answers only this method.
fn only(method: &str, call: &Call, answer: impl FnOnce() -> Answer) -> Answer {
    if call.method.as_str() == method {
        answer()
    } else {
        errors::plain(405, "method_not_allowed", "Method is not allowed").with("allow", method)
    }
}

fn bad_client() -> Answer {
    oauth(401, "invalid_client", "Unknown or blocked client, or wrong client_secret")
}

/// A reply of the sign-in endpoint, which does not wrap its errors.
fn oauth(status: u16, code: &str, message: &str) -> Answer {
    let answer = Answer::json(status, &json!({ "code": code, "message": message }));
    if status == 401 {
        answer.with("www-authenticate", format!("Bearer realm=\"api\", error=\"{code}\""))
    } else {
        answer
    }
}

fn signs_in(call: &Call) -> bool {
    call.path.starts_with("/api/v2/oauth2/")
}

fn bearer(call: &Call) -> Option<&str> {
    call.headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

/// An urlencoded body.
struct Form(Vec<(String, String)>);

impl Form {
    fn read(call: &Call) -> Self {
        Self(url::form_urlencoded::parse(&call.body).map(|(k, v)| (k.into_owned(), v.into_owned())).collect())
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }
}

/// Whether a row of a report is about this day.
fn is_of(row: &Value, date: NaiveDate) -> bool {
    row["date"].as_str() == Some(&date.to_string())
}

/// Lets `change` at the rows of each object of a report, with the object's place.
fn rows_of_objects(body: &mut Value, change: impl Fn(usize, &mut Vec<Value>)) {
    let Some(items) = body.get_mut("items").and_then(Value::as_array_mut) else { return };
    for (place, item) in items.iter_mut().enumerate() {
        if let Some(rows) = item.get_mut("rows").and_then(Value::as_array_mut) {
            change(place, rows);
        }
    }
}

/// Leaves the object with the most impressions out of a report.
fn lose_largest(body: &mut Value) {
    let Some(items) = body.get_mut("items").and_then(Value::as_array_mut) else { return };
    let shows = |item: &Value| item.pointer("/total/base/shows").and_then(Value::as_i64).unwrap_or(-1);
    let largest = (0..items.len()).filter(|at| items[*at].get("rows").is_some()).max_by_key(|at| shows(&items[*at]));
    if let Some(largest) = largest {
        items.remove(largest);
    }
}

/// Repeats the first object of a list and the first row of each report.
fn double_first(body: &mut Value) {
    let Some(items) = body.get_mut("items").and_then(Value::as_array_mut) else { return };
    for rows in items.iter_mut().filter_map(|item| item.get_mut("rows")).filter_map(Value::as_array_mut) {
        if let Some(first) = rows.first().cloned() {
            rows.insert(0, first);
        }
    }
    if let Some(first) = items.first().cloned() {
        items.insert(0, first);
    }
}

/// Lets `change` at every named member of a document, outer ones first.
fn everywhere(value: &mut Value, change: &mut impl FnMut(&str, &mut Value)) {
    match value {
        Value::Object(members) => {
            for (name, member) in members.iter_mut() {
                change(name, member);
                everywhere(member, change);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| everywhere(item, change)),
        _ => {}
    }
}

fn remove_everywhere(value: &mut Value, name: &str) {
    match value {
        Value::Object(members) => {
            members.shift_remove(name);
            members.values_mut().for_each(|member| remove_everywhere(member, name));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| remove_everywhere(item, name)),
        _ => {}
    }
}

#[cfg(test)]
mod tests;
