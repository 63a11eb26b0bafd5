//! VK's former advertising cabinet (api.vk.com, methods `ads.*`): cabinets of advertisers, and of agencies with their clients.
//!
//! Written from VKCOM/vk-api-schema 5.199 and from public clients and their fixtures. Served: `users.get`, `ads.getAccounts`,
//! `ads.getClients`, `ads.getCampaigns`, `ads.getAds`, `ads.getStatistics` by day, `ads.getFloodStats`. Not served, because the console
//! does not call it: layouts, demographics, audiences, and statistics of other periods.
//!
//! Everything is answered under the status 200; a refusal repeats the request without its token. Codes are the vendor's, and so are the
//! words of those that its schema describes. Which calls cost how many of an account's actions is not documented: here a call for
//! statistics costs one for each object, others one.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Duration, NaiveDate, Utc};
use http::header::AUTHORIZATION;
use serde_json::{Map, Value, json};

use crate::faults::FaultKind;
use crate::noise::hash;
use crate::server::{Answer, Call, Vendor, number_in};
use crate::stage::{Owner, Platform, RowNames, Scenario, Stage};
use crate::world::{Cabinet, Figures, Level, Life, Place, Status};

/// Where its methods are.
const ROOT: &str = "/method/";
/// The most ads of an answer, and objects of a question.
const MOST_ADS: usize = 2_000;
const MOST_OBJECTS: usize = 2_000;
/// After how many seconds an account's actions are given anew.
const REFRESH_SECS: i64 = 3_600;

/// What faults of content twist.
const NAMES: RowNames =
    RowNames { day: "day", counts: &["impressions", "clicks"], money: &["spent"], status: "status" };

/// What may be asked; nothing is limited by default, because most tests are faster than any person.
#[derive(Debug, Clone, Copy, Default)]
pub struct Limits {
    /// Calls of a token in a second.
    pub per_second: Option<usize>,
    /// Actions of an account in an hour.
    pub actions: Option<usize>,
}

/// What a person has after signing in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Whose it is.
    pub owner: String,
    /// A user's token with the rights `ads` and `offline`.
    pub token: String,
    /// The cabinet.
    pub account_id: String,
    /// Whether it is an agency's.
    pub agency: bool,
    /// Of an agency: its clients.
    pub clients: Vec<String>,
    /// Numbers of the cabinets in the world: one for each client, or the advertiser's own.
    pub cabinets: Vec<u64>,
}

#[derive(Debug)]
struct Office {
    stage: Stage,
    owners: Vec<Owner>,
    keys: Vec<Key>,
    limits: Limits,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Owners by token.
    tokens: BTreeMap<String, usize>,
    /// Calls of the last second, by owner.
    sent: BTreeMap<usize, VecDeque<DateTime<Utc>>>,
    /// Actions used: the hour's number and the count, by owner.
    used: BTreeMap<usize, (i64, usize)>,
}

/// Starts a platform that stands for `https://api.vk.com`.
pub fn start(scenario: &Scenario, limits: Limits) -> anyhow::Result<Platform<Key>> {
    let stage = Stage::build(scenario);
    let owners = stage.owners();
    let mut state = State::default();
    let mut keys = Vec::new();
    for (at, owner) in owners.iter().enumerate() {
        let cabinets: Vec<u64> = owner.cabinets.clone().map(|place| stage.world.cabinets[place].id).collect();
        let part = |salt| format!("{:016x}", hash(stage.seed, owner.id, salt));
        let key = Key {
            owner: owner.name.clone(),
            token: format!("vk1.a.{}{}{}", part(41), part(42), part(43)),
            account_id: (1_600_000_000 + owner.id).to_string(),
            agency: owner.agency,
            clients: if owner.agency {
                cabinets.iter().map(|id| id_of(Level::Cabinet, *id)).collect()
            } else {
                Vec::new()
            },
            cabinets,
        };
        state.tokens.insert(key.token.clone(), at);
        keys.push(key);
    }
    let office = Office { stage: stage.clone(), owners, keys: keys.clone(), limits, state: Mutex::new(state) };
    stage.serve(Arc::new(office), keys, 1 << 16)
}

/// How the platform numbers an object of the world; a cabinet is a client.
pub fn id_of(level: Level, id: u64) -> String {
    let base = match level {
        Level::Cabinet => 1_590_000_000,
        Level::Campaign => 1_000_000_000,
        Level::Group | Level::Ad => 0,
    };
    (base + id).to_string()
}

/// A refusal before its envelope: code and words.
type Refused = (i64, String);

fn no_right() -> Refused {
    (600, "Permission denied. You have no access to operations specified with given object(s)".to_owned())
}

fn bad(what: impl std::fmt::Display) -> Refused {
    (100, format!("One of the parameters specified was missing or invalid: {what}"))
}

fn bad_token() -> Refused {
    (5, "User authorization failed: invalid access_token (4).".to_owned())
}

/// A call with its parameters, wherever they came.
struct Asked {
    method: String,
    params: BTreeMap<String, String>,
}

impl Asked {
    fn read(call: &Call) -> Self {
        let form = url::form_urlencoded::parse(&call.body);
        let form = form.map(|(name, value)| (name.into_owned(), value.into_owned()));
        let params = call.query.iter().cloned().chain(form).collect();
        Self { method: call.path.strip_prefix(ROOT).unwrap_or_default().to_owned(), params }
    }

    fn param(&self, name: &str) -> Option<&str> {
        self.params.get(name).map(String::as_str)
    }

    fn need(&self, name: &str) -> Result<&str, Refused> {
        self.param(name).ok_or_else(|| bad(format!("{name} is undefined")))
    }

    fn flag(&self, name: &str) -> Result<bool, Refused> {
        match self.param(name) {
            None | Some("0") => Ok(false),
            Some("1") => Ok(true),
            Some(_) => Err(bad(format!("{name} not boolean"))),
        }
    }

    fn number(&self, name: &str, usual: usize) -> Result<usize, Refused> {
        self.param(name).map_or(Ok(usual), |text| text.parse().map_err(|_| bad(format!("{name} not integer"))))
    }

    fn refusal(&self, (code, words): Refused) -> Answer {
        let shown = self.params.iter().filter(|(name, _)| *name != "access_token");
        let mut params =
            vec![json!({ "key": "method", "value": self.method }), json!({ "key": "oauth", "value": "1" })];
        params.extend(shown.map(|(name, value)| json!({ "key": name, "value": value })));
        let error = json!({ "error_code": code, "error_msg": words, "request_params": params });
        Answer::json(200, &json!({ "error": error }))
    }
}

fn token_of(call: &Call, asked: &Asked) -> Option<String> {
    let bearer = || call.headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ");
    asked.param("access_token").or_else(bearer).map(str::to_owned)
}

fn status_number(status: Status) -> u8 {
    match status {
        Status::Stopped => 0,
        Status::Active => 1,
        Status::Deleted => 2,
    }
}

fn decimal(kopecks: i64) -> String {
    format!("{}.{:02}", kopecks / 100, kopecks % 100)
}

impl Office {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whose token it is; calls of this second are counted.
    fn owner(&self, call: &Call, asked: &Asked) -> Result<usize, Refused> {
        let mut state = self.state();
        let token = token_of(call, asked)
            .ok_or_else(|| (5, "User authorization failed: no access_token passed.".to_owned()))?;
        let owner = state.tokens.get(&token).copied().ok_or_else(bad_token)?;
        if let Some(most) = self.limits.per_second {
            let now = self.stage.now();
            let sent = state.sent.entry(owner).or_default();
            while sent.front().is_some_and(|at| *at <= now - Duration::seconds(1)) {
                sent.pop_front();
            }
            if sent.len() >= most {
                return Err((6, "Too many requests per second".to_owned()));
            }
            sent.push_back(now);
        }
        Ok(owner)
    }

    /// Counts actions of an account against the hour.
    fn spend(&self, owner: usize, actions: usize) -> Result<(), Refused> {
        let Some(most) = self.limits.actions else { return Ok(()) };
        let mut state = self.state();
        let hour = self.stage.now().timestamp().div_euclid(REFRESH_SECS);
        let used = state.used.entry(owner).or_default();
        if used.0 != hour {
            *used = (hour, 0);
        }
        if used.1 + actions > most {
            return Err((
                601,
                "Permission denied. You have requested too many actions this day. Try later.".to_owned(),
            ));
        }
        used.1 += actions;
        Ok(())
    }

    fn flood_stats(&self, owner: usize) -> Value {
        let now = self.stage.now().timestamp();
        let hour = now.div_euclid(REFRESH_SECS);
        let used = self.state().used.get(&owner).filter(|used| used.0 == hour).map_or(0, |used| used.1);
        json!({ "left": self.limits.actions.unwrap_or(10_000) - used, "refresh": REFRESH_SECS - now.rem_euclid(REFRESH_SECS) })
    }

    /// The place of the cabinet that is asked about: an agency names its client, and nobody else may.
    fn cabinet(&self, owner: usize, asked: &Asked) -> Result<usize, Refused> {
        let key = &self.keys[owner];
        if asked.need("account_id")? != key.account_id {
            return Err(no_right());
        }
        let place = match (key.agency, asked.param("client_id")) {
            (false, None) => Some(0),
            (false, Some(_)) => return Err(bad("client_id is for agencies only")),
            (true, None) => return Err(bad("client_id is undefined")),
            (true, Some(client)) => key.clients.iter().position(|id| id == client),
        };
        let place = place.ok_or_else(no_right)?;
        Ok(self.owners[owner].cabinets.start + place)
    }

    fn accounts(&self, owner: usize) -> Value {
        let key = &self.keys[owner];
        json!([{
            "account_id": key.account_id.parse::<u64>().unwrap_or_default(),
            "account_type": if key.agency { "agency" } else { "general" },
            "account_status": 1, "account_name": key.owner, "access_role": "admin", "can_view_budget": true,
        }])
    }

    fn clients(&self, owner: usize, asked: &Asked) -> Result<Value, Refused> {
        let key = &self.keys[owner];
        if asked.need("account_id")? != key.account_id || !key.agency {
            return Err(no_right());
        }
        let places = self.owners[owner].cabinets.clone().zip(&key.clients);
        let client = |(place, id): (usize, &String)| {
            json!({
                "id": id.parse::<u64>().unwrap_or_default(), "name": self.stage.world.cabinets[place].name,
                "day_limit": "0", "all_limit": "0",
            })
        };
        Ok(places.map(client).collect())
    }

    fn campaigns(&self, place: usize, asked: &Asked) -> Result<Value, Refused> {
        let today = self.stage.today();
        let deleted = asked.flag("include_deleted")?;
        let shown = |life: &Life| life.exists(today) && (deleted || life.status(today) != Status::Deleted);
        let all = self.stage.world.cabinets[place].campaigns.iter().filter(|it| shown(&it.life));
        let told = all.map(|it| {
            json!({
                "id": id_of(Level::Campaign, it.id).parse::<u64>().unwrap_or_default(), "type": "promoted_posts",
                "name": it.name, "status": status_number(it.life.status(today)),
                "day_limit": (it.daily_budget_kopecks / 100).to_string(), "all_limit": "0", "start_time": "0",
                "stop_time": "0", "create_time": it.life.created(it.minute).and_utc().timestamp().to_string(),
            })
        });
        Ok(told.collect())
    }

    fn ads(&self, place: usize, asked: &Asked) -> Result<Value, Refused> {
        let today = self.stage.today();
        let deleted = asked.flag("include_deleted")?;
        let cabinet = &self.stage.world.cabinets[place];
        let wanted: Option<Vec<u64>> = match asked.param("campaign_ids") {
            None | Some("null") => None,
            Some(text) => Some(serde_json::from_str(text).map_err(|_| bad("campaign_ids not a JSON array"))?),
        };
        let campaign = |at: usize| id_of(Level::Campaign, cabinet.campaigns[at].id).parse::<u64>().unwrap_or_default();
        let all = cabinet.ads.iter().filter(|it| it.life.exists(today));
        let all = all.filter(|it| deleted || it.life.status(today) != Status::Deleted);
        let all = all.filter(|it| wanted.as_ref().is_none_or(|wanted| wanted.contains(&campaign(it.campaign))));
        // Limit and offset count for a single campaign only.
        let (limit, offset) = match &wanted {
            Some(one) if one.len() == 1 => (asked.number("limit", MOST_ADS)?, asked.number("offset", 0)?),
            _ => (MOST_ADS, 0),
        };
        let told = all.skip(offset).take(limit.min(MOST_ADS)).map(|it| {
            json!({
                "id": id_of(Level::Ad, it.id), "campaign_id": campaign(it.campaign), "name": it.name,
                "status": status_number(it.life.status(today)), "approved": "2", "ad_format": 9, "cost_type": 1,
                "cpm": "23699", "ad_platform": "all", "day_limit": "0", "all_limit": "0",
                "create_time": it.life.created(it.minute).and_utc().timestamp().to_string(),
            })
        });
        Ok(told.collect())
    }

    fn statistics(&self, owner: usize, asked: &Asked) -> Result<Value, Refused> {
        let key = &self.keys[owner];
        if asked.need("account_id")? != key.account_id {
            return Err(no_right());
        }
        let kind = asked.need("ids_type")?;
        let ids: Vec<&str> = asked.need("ids")?.split(',').collect();
        if ids.len() > MOST_OBJECTS || ids.iter().any(|id| id.parse::<u64>().is_err()) {
            return Err(bad("ids is invalid"));
        }
        if asked.need("period")? != "day" {
            return Err(bad("period: another one is not served here"));
        }
        let day = |name: &str| {
            NaiveDate::parse_from_str(asked.need(name)?, "%Y-%m-%d").map_err(|_| bad(format!("{name} is invalid")))
        };
        let (from, to) = (day("date_from")?, day("date_to")?);
        if from > to {
            return Err(bad("date_from is after date_to"));
        }
        self.spend(owner, ids.len())?;
        let objects = ids.into_iter().map(|id| {
            let days = self.days(owner, kind, id, from, to)?;
            let stats: Vec<Value> = days.into_iter().map(|(day, figures)| row(day, &figures)).collect();
            Ok(json!({ "id": id.parse::<u64>().unwrap_or_default(), "type": kind, "stats": stats }))
        });
        objects.collect()
    }

    /// The days of an object that had something.
    fn days(
        &self,
        owner: usize,
        kind: &str,
        id: &str,
        from: NaiveDate,
        to: NaiveDate,
    ) -> Result<BTreeMap<NaiveDate, Figures>, Refused> {
        let key = &self.keys[owner];
        let world = &self.stage.world;
        let own = self.owners[owner].cabinets.clone();
        let among = |all: fn(&Cabinet) -> Vec<u64>, level: Level| {
            let found = own.clone().find_map(|cabinet| {
                let index = all(&world.cabinets[cabinet]).into_iter().position(|it| id_of(level, it) == id)?;
                Some((level, Place { cabinet, index }))
            });
            found.into_iter().collect::<Vec<_>>()
        };
        let whole = |cabinet: usize| (Level::Cabinet, Place { cabinet, index: 0 });
        let places = match kind {
            "campaign" => among(|cabinet| cabinet.campaigns.iter().map(|it| it.id).collect(), Level::Campaign),
            "ad" => among(|cabinet| cabinet.ads.iter().map(|it| it.id).collect(), Level::Ad),
            "client" if key.agency => {
                key.clients.iter().position(|it| it == id).map(|at| whole(own.start + at)).into_iter().collect()
            }
            "office" if id == key.account_id => own.map(whole).collect(),
            "client" | "office" => Vec::new(),
            _ => return Err(bad("ids_type is invalid")),
        };
        if places.is_empty() {
            return Err(no_right());
        }
        let mut sums: BTreeMap<NaiveDate, Figures> = BTreeMap::new();
        for day in world.days(from, to, self.stage.today()) {
            for (level, place) in &places {
                let cabinet = &world.cabinets[place.cabinet];
                for at in world.ads_under(*level, *place) {
                    let figures = world.figures(cabinet, &cabinet.ads[at], &day);
                    if figures != Figures::default() {
                        *sums.entry(day.date).or_default() += figures;
                    }
                }
            }
        }
        Ok(sums)
    }

    fn asked(&self, call: &Call, asked: &Asked) -> Result<Value, Refused> {
        if asked.param("v").is_none() {
            return Err((8, "Invalid request: v (version) is required".to_owned()));
        }
        let owner = self.owner(call, asked)?;
        match asked.method.as_str() {
            "users.get" => Ok(
                json!([{ "id": self.owners[owner].id, "first_name": "Анна", "last_name": self.owners[owner].login }]),
            ),
            "ads.getAccounts" => Ok(self.accounts(owner)),
            "ads.getClients" => self.clients(owner, asked),
            "ads.getCampaigns" => self.campaigns(self.cabinet(owner, asked)?, asked),
            "ads.getAds" => self.ads(self.cabinet(owner, asked)?, asked),
            "ads.getStatistics" => self.statistics(owner, asked),
            "ads.getFloodStats" => Ok(self.flood_stats(owner)),
            _ => Err((3, "Unknown method passed".to_owned())),
        }
    }
}

/// A day; a number that is zero is left out.
fn row(day: NaiveDate, figures: &Figures) -> Value {
    let mut row = Map::new();
    row.insert("day".to_owned(), json!(day));
    for (name, count) in
        [("impressions", figures.impressions), ("clicks", figures.clicks), ("conversion_count", figures.conversions)]
    {
        if count > 0 {
            row.insert(name.to_owned(), json!(count));
        }
    }
    if figures.spend_kopecks > 0 {
        row.insert("spent".to_owned(), json!(decimal(figures.spend_kopecks)));
    }
    if figures.conversions > 0 {
        row.insert("conversion_sum".to_owned(), json!(figures.revenue_kopecks as f64 / 100.0));
    }
    Value::Object(row)
}

impl Vendor for Office {
    fn answer(&self, call: &Call) -> Answer {
        if !call.path.starts_with(ROOT) {
            return Answer::raw(404, b"404 Not Found".to_vec());
        }
        let asked = Asked::read(call);
        match self.asked(call, &asked) {
            Ok(response) => Answer::json(200, &json!({ "response": response })),
            Err(refused) => asked.refusal(refused),
        }
    }

    fn meets(&self, fault: &FaultKind, call: &Call) -> bool {
        let statistics = call.path.ends_with("ads.getStatistics");
        match fault {
            // Tokens do not end, lists have no totals, and how pages may shift was not seen.
            FaultKind::ExpireAllTokens
            | FaultKind::LyingTotal { .. }
            | FaultKind::RepeatPage
            | FaultKind::ShuffledPage
            | FaultKind::Vanish
            | FaultKind::Appear => false,
            FaultKind::NegativeNumbers | FaultKind::GarbageNumbers => statistics,
            FaultKind::UnknownEnum => !statistics,
            _ => true,
        }
    }

    fn now(&self) -> DateTime<Utc> {
        self.stage.now()
    }

    fn is_limit(&self, answer: &Answer) -> bool {
        matches!(number_in(answer, "/error/error_code"), Some(6 | 9 | 29))
    }

    fn refuse(&self, fault: &FaultKind, call: &Call) -> Option<Answer> {
        let asked = Asked::read(call);
        let refused = match fault {
            FaultKind::WrongKey => bad_token(),
            FaultKind::RevokeToken | FaultKind::ExpireToken => {
                self.state().tokens.remove(&token_of(call, &asked)?);
                bad_token()
            }
            FaultKind::Throttle { .. } => (6, "Too many requests per second".to_owned()),
            FaultKind::ErrorInside { code } => (code.parse().ok()?, "Request is not processed".to_owned()),
            FaultKind::RevokeScope => no_right(),
            // The methods' own errors come under 200, those of what stands before them do not.
            FaultKind::ServerError { status: 500 } => (10, "Internal server error".to_owned()),
            FaultKind::ServerError { status } => return Some(Answer::raw(*status, b"upstream error".to_vec())),
            _ => return None,
        };
        Some(asked.refusal(refused))
    }

    fn bend(&self, fault: &FaultKind, body: &mut Value) {
        let Some(objects) = body.get_mut("response").and_then(Value::as_array_mut) else { return };
        if matches!(fault, FaultKind::EmptyAccount | FaultKind::DuplicateRows)
            || objects.iter().all(|it| it["stats"].is_null())
        {
            return NAMES.bend(fault, objects);
        }
        let shown = |object: &Value| -> i64 {
            object["stats"].as_array().into_iter().flatten().filter_map(|day| day["impressions"].as_i64()).sum()
        };
        if *fault == FaultKind::LostRows {
            let most = (0..objects.len()).max_by_key(|at| shown(&objects[*at]));
            most.map(|at| objects.remove(at));
            return;
        }
        for days in objects.iter_mut().filter_map(|object| object.get_mut("stats")?.as_array_mut()) {
            NAMES.bend(fault, days);
        }
    }

    fn control(&self, _call: &Call) -> Option<Answer> {
        None
    }
}
