//! Yandex Audience (api-audience.yandex.ru/v1/management) with its sign-in (oauth.yandex.ru) and the page that tells whose token it is
//! (login.yandex.ru/info), all at one address here.
//!
//! Written from yandex.ru/dev/audience (quotas, errors, reference) and public clients of it. Served, for applications that may only read:
//! lists of segments, pixels, delegates, accounts, and of a segment's grants. Sending is refused like anything that an application has no
//! right to. An account is a login: each client of the world has one, and an agency has one besides, which represents those of its clients
//! (`ulogin` names whose lists are wanted; no public page says so).
//!
//! Numbers come from the world ([`Sizes`]): ten impressions of the last thirty days are a person. A client has a segment for each of its
//! groups and a pixel for each of its campaigns; an agency has people like each client's ([`Segment`]), which it shows to that client.
//! Which members a segment has before it is ready, messages of refusals, and that unknown parameters are refused, is made up.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use chrono::{DateTime, Duration, NaiveDateTime, Utc};
use http::header::AUTHORIZATION;
use serde_json::{Value, json};

use crate::faults::FaultKind;
use crate::metrica::{self, fits, lock, refusal, wrong};
use crate::server::{Answer, Call, Vendor};
use crate::stage::{Owner, Platform, RowNames, Scenario, Stage};
use crate::world::{Cabinet, Figures, Level, Life, Status};
use crate::yandex_id::Tokens;

pub use crate::yandex_id::Pair;

/// The right of applications.
const SCOPE: &str = "audience:read";
/// Segments of a page, unless fewer are asked for.
const PAGE: usize = 10_000;
/// Fewer anonymous ids than these are no segment to advertise to.
const FEW: i64 = 100;
/// Numbers of the segments that agencies have of their own begin here.
const LIKE: u64 = 40_000_000;
const BRANCH: u64 = 900_000_000;

/// What faults of content twist.
const NAMES: RowNames = RowNames {
    day: "create_time",
    counts: &[
        "cookies_matched_quantity",
        "matched_quantity",
        "valid_unique_quantity",
        "item_quantity",
        "user_quantity_30",
    ],
    money: &[],
    status: "status",
};

/// The vendor's limits, and how much there is to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Requests from one address in a second.
    pub in_a_second: usize,
    /// Requests for a login in a day of Moscow.
    pub in_a_day: usize,
    /// Places of a network, around each of which an agency has a segment of its own.
    pub branches: u64,
    /// Whether `ulogin` is heeded; no public page says so.
    pub heeds_ulogin: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self { in_a_second: 30, in_a_day: 5_000, branches: 0, heeds_ulogin: true }
    }
}

impl Rules {
    /// No quotas: for a client whose time is not this simulator's.
    pub const PATIENT: Self = Self { in_a_second: usize::MAX, in_a_day: usize::MAX, branches: 0, heeds_ulogin: true };
}

/// How many people a segment has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// Rows that were uploaded: everybody, and one in fifty twice.
    pub items: i64,
    /// Of them, those that are whole and not repeated.
    pub valid: i64,
    /// Of them, those that Yandex knows.
    pub matched: i64,
    /// Their anonymous ids, of which a person has two. Segments that nobody uploads have one for each person.
    pub cookies: i64,
}

impl Sizes {
    /// Of the people that these figures of thirty days reached; `uploaded`: whether their segment is made from a file.
    pub fn of(figures: &Figures, uploaded: bool) -> Self {
        let people = figures.impressions / 10;
        let matched = people * 5 / 8;
        Self {
            items: people + people / 50,
            valid: people,
            matched,
            cookies: if uploaded { matched * 2 } else { people },
        }
    }
}

/// What a segment is made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A file.
    Uploading,
    /// Metrica.
    Metrika,
    /// `AppMetrica`.
    AppMetrica,
    /// Another segment.
    Lookalike,
    /// Circles on a map.
    Circles,
    /// Other shapes on a map.
    Polygons,
    /// A pixel.
    Pixel,
}

impl Kind {
    const ALL: [Self; 7] =
        [Self::Uploading, Self::Metrika, Self::AppMetrica, Self::Lookalike, Self::Circles, Self::Polygons, Self::Pixel];

    /// The vendor's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Uploading => "uploading",
            Self::Metrika => "metrika",
            Self::AppMetrica => "appmetrica",
            Self::Lookalike => "lookalike",
            Self::Circles | Self::Polygons => "geo",
            Self::Pixel => "pixel",
        }
    }
}

/// Who may use a segment, or a whole account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The login.
    pub login: String,
    /// `view` or `edit`.
    pub permission: &'static str,
    /// What was noted about it.
    pub comment: String,
    /// Since when, in Moscow.
    pub since: NaiveDateTime,
}

/// A segment, told from the world and not from answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Its number.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// What it is made from.
    pub kind: Kind,
    /// Whose ads its people have seen: a group, or a whole cabinet.
    pub of: (Level, u64),
    /// How far its making is; one that is `processed` is so unless it is too small ([`Segment::status`]).
    step: &'static str,
    /// The segment or pixel it is made from.
    link: Option<u64>,
    /// Whose it is.
    pub owner: String,
    /// Whom it is shown to.
    pub grants: Vec<Grant>,
    created: NaiveDateTime,
}

impl Segment {
    /// The vendor's word for how it is.
    pub fn status(&self, sizes: &Sizes) -> &'static str {
        if self.step == "processed" && sizes.cookies < FEW { "few_data" } else { self.step }
    }

    /// Whether its people are counted.
    pub fn is_counted(&self) -> bool {
        matches!(self.step, "processed" | "is_updated")
    }

    /// How many there are, from the figures of those whose ads they have seen.
    pub fn sizes(&self, figures: &Figures) -> Sizes {
        Sizes::of(figures, self.kind == Kind::Uploading)
    }
}

/// A pixel, told from the world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pixel {
    /// Its number, which is that of the campaign whose banners carry it.
    pub id: u64,
    /// Its name.
    pub name: String,
    created: NaiveDateTime,
}

/// What a login has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The login.
    pub login: String,
    /// Its own segments, newest last.
    pub segments: Vec<Segment>,
    /// Those of others that it is shown.
    pub shown: Vec<Segment>,
    /// Its pixels.
    pub pixels: Vec<Pixel>,
    /// Who represents it.
    pub delegates: Vec<Grant>,
}

/// Who may ask, and what for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its application.
    pub client_id: String,
    /// The application's secret.
    pub client_secret: String,
    /// Codes that a person was shown; each is good once.
    pub codes: Vec<String>,
    /// Tokens of earlier sign-ins.
    pub pairs: Vec<Pair>,
    /// Its own account, and those of the logins that it represents.
    pub accounts: Vec<Account>,
}

/// What was asked when, in seconds.
#[derive(Debug, Default)]
struct Quotas {
    second: VecDeque<i64>,
    /// The day and its requests, by owner.
    days: BTreeMap<usize, (i64, usize)>,
}

#[derive(Debug)]
struct Audience {
    stage: Stage,
    rules: Rules,
    owners: Vec<Owner>,
    tokens: Mutex<Tokens>,
    quotas: Mutex<Quotas>,
}

/// Starts a platform that stands for `https://api-audience.yandex.ru`, `https://oauth.yandex.ru` and `https://login.yandex.ru`.
pub fn start(scenario: &Scenario, rules: Rules) -> anyhow::Result<Platform<Key>> {
    let stage = Stage::build(scenario);
    let owners = stage.owners();
    let audience = Audience {
        tokens: Mutex::new(Tokens::new(stage.seed, SCOPE)),
        stage: stage.clone(),
        rules,
        owners,
        quotas: Mutex::default(),
    };
    let keys = audience.owners.iter().enumerate().map(|(place, owner)| {
        let mut tokens = lock(&audience.tokens);
        let (client_id, client_secret) = tokens.application(place, owner.id);
        let represented = audience.represented(owner).map(|cabinet| audience.of_client(cabinet));
        let accounts = std::iter::once(audience.own(owner)).chain(represented);
        Key {
            client_id,
            client_secret,
            codes: (0..3).map(|_| tokens.code(place)).collect(),
            pairs: (0..3).map(|_| tokens.issue(place)).collect(),
            accounts: accounts.map(|it| Account { shown: audience.shown(&it.login), ..it }).collect(),
        }
    });
    let keys = keys.collect();
    stage.serve(Arc::new(audience), keys, 1 << 16)
}

/// An instant as the vendor writes it.
fn instant(at: NaiveDateTime) -> String {
    at.format("%Y-%m-%dT%H:%M:%S+03:00").to_string()
}

fn grant(login: &str, permission: &'static str, comment: &str, since: NaiveDateTime) -> Grant {
    Grant { login: login.to_owned(), permission, comment: comment.to_owned(), since }
}

/// A grant of a segment, or of an account: the word for what it allows differs.
fn granted(grant: &Grant, permission: &str) -> Value {
    json!({
        "user_login": grant.login, permission: grant.permission, "comment": grant.comment,
        "created_at": instant(grant.since),
    })
}

/// Refuses a parameter that the method does not have.
fn only(call: &Call, known: &[&str]) -> Result<(), Answer> {
    match call.query.iter().find(|(name, _)| name != "pretty" && !known.contains(&name.as_str())) {
        Some((name, _)) => Err(wrong(name, "it is not known here")),
        None => Ok(()),
    }
}

/// A whole number that may be left out.
fn number(call: &Call, name: &str, usual: usize) -> Result<usize, Answer> {
    let Some(text) = call.param(name) else { return Ok(usual) };
    text.parse().map_err(|_| wrong(name, &format!("value: {text}")))
}

/// The token of a request. Unlike Metrica, only one word before it was seen here.
fn token_of(call: &Call) -> Option<&str> {
    call.headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("OAuth ")
}

impl Audience {
    /// Clients whose logins it represents.
    fn represented(&self, owner: &Owner) -> impl Iterator<Item = &Cabinet> {
        let cabinets = if owner.agency { owner.cabinets.clone() } else { 0..0 };
        self.stage.world.cabinets[cabinets].iter()
    }

    /// The account of a sign-in itself.
    fn own(&self, owner: &Owner) -> Account {
        if !owner.agency {
            return self.of_client(&self.stage.world.cabinets[owner.cabinets.start]);
        }
        let since = |cabinet: &Cabinet| {
            cabinet.campaigns.first().map_or_else(NaiveDateTime::default, |it| it.life.created(it.minute))
        };
        let like = self.represented(owner).map(|cabinet| Segment {
            id: LIKE + cabinet.id,
            name: format!("Похожие на покупателей: {}", cabinet.name),
            kind: Kind::Lookalike,
            of: (Level::Cabinet, cabinet.id),
            step: "processed",
            link: cabinet.groups.first().map(|group| group.id),
            owner: owner.login.clone(),
            grants: vec![grant(&cabinet.login, "view", "Для кампаний клиента", since(cabinet))],
            created: since(cabinet),
        });
        let mut segments: Vec<Segment> = like.collect();
        if let Some(cabinet) = self.represented(owner).next() {
            segments.extend((1..=self.rules.branches).map(|branch| Segment {
                id: BRANCH + branch,
                name: format!("Точка № {branch}, 500 м"),
                kind: Kind::Circles,
                of: (Level::Cabinet, cabinet.id),
                step: "processed",
                link: None,
                owner: owner.login.clone(),
                grants: Vec::new(),
                created: since(cabinet),
            }));
        }
        Account { login: owner.login.clone(), segments, shown: Vec::new(), pixels: Vec::new(), delegates: Vec::new() }
    }

    /// A client's account.
    fn of_client(&self, cabinet: &Cabinet) -> Account {
        let today = self.stage.today();
        let there = |life: &Life| life.exists(today) && life.status(today) != Status::Deleted;
        let agency = cabinet.agency.map(|place| &self.stage.world.agencies[place].login);
        let uploaded = cabinet.groups.first().map(|group| group.id);
        let groups = cabinet.groups.iter().enumerate().filter(|(_, group)| there(&group.life));
        let segments = groups.map(|(place, group)| {
            let campaign = &cabinet.campaigns[group.campaign];
            let since = group.life.created(group.minute);
            let kind = Kind::ALL[place % Kind::ALL.len()];
            let steps = ["processed", "is_updated", "processed", "is_processed", "processing_failed", "uploaded"];
            let step = match steps[(place / Kind::ALL.len() * 4 + place) % steps.len()] {
                // Only a file is there before anybody has said what is in it.
                "uploaded" if kind != Kind::Uploading => "processed",
                step => step,
            };
            let mut grants = Vec::new();
            if let Some(agency) = agency.filter(|_| place % 3 == 1) {
                grants.push(grant(agency, "edit", "", since));
            }
            if place % 4 == 1 {
                grants.push(grant("media-partner", "view", "Партнёр «Медиа» 🌷", since + Duration::days(1)));
            }
            Segment {
                id: group.id,
                name: format!("{} · {}", campaign.name, group.name),
                kind,
                of: (Level::Group, group.id),
                step,
                link: match kind {
                    Kind::Lookalike => uploaded,
                    Kind::Pixel => Some(campaign.id),
                    _ => None,
                },
                owner: cabinet.login.clone(),
                grants,
                created: since,
            }
        });
        let pixels = cabinet.campaigns.iter().filter(|campaign| there(&campaign.life)).map(|campaign| Pixel {
            id: campaign.id,
            name: campaign.name.clone(),
            created: campaign.life.created(campaign.minute),
        });
        let since = cabinet.campaigns.first().map_or_else(NaiveDateTime::default, |it| it.life.created(it.minute));
        let analyst = grant("analitik.anna", "view", "Только смотреть", since);
        let delegates = agency.map(|agency| grant(agency, "edit", "Агентство", since)).into_iter().chain([analyst]);
        Account {
            login: cabinet.login.clone(),
            segments: segments.collect(),
            shown: Vec::new(),
            pixels: pixels.collect(),
            delegates: delegates.collect(),
        }
    }

    /// Everybody's accounts.
    fn all(&self) -> impl Iterator<Item = Account> {
        let agencies = self.owners.iter().filter(|owner| owner.agency).map(|owner| self.own(owner));
        agencies.chain(self.stage.world.cabinets.iter().map(|cabinet| self.of_client(cabinet)))
    }

    /// Segments of others that a login was shown.
    fn shown(&self, login: &str) -> Vec<Segment> {
        let all = self.all().flat_map(|account| account.segments);
        all.filter(|it| it.owner != login && it.grants.iter().any(|grant| grant.login == login)).collect()
    }

    /// Whose token it is. The request is counted, whatever else is wrong with it.
    fn owner(&self, call: &Call) -> Result<usize, Answer> {
        let now = self.stage.calendar.now_secs();
        let mut quotas = lock(&self.quotas);
        if !fits(&mut quotas.second, self.rules.in_a_second, 1, now) {
            return Err(refusal(429, "quota", "Quota of requests by IP is exceeded"));
        }
        let token = token_of(call).ok_or_else(|| refusal(401, "unauthorized", "The user is not authorized"))?;
        let owner = lock(&self.tokens).owner(token);
        let owner = owner.ok_or_else(|| refusal(403, "invalid_token", "Invalid oauth_token"))?;
        let today = now.div_euclid(86_400);
        let day = quotas.days.entry(owner).or_insert((today, 0));
        if day.0 != today {
            *day = (today, 0);
        }
        day.1 += 1;
        if day.1 > self.rules.in_a_day {
            return Err(refusal(429, "quota", "Quota of requests by user_login is exceeded"));
        }
        Ok(owner)
    }

    /// The account that a request is about.
    fn account(&self, owner: &Owner, call: &Call) -> Result<Account, Answer> {
        match call.param("ulogin").filter(|_| self.rules.heeds_ulogin) {
            None => Ok(self.own(owner)),
            Some(login) if login == owner.login => Ok(self.own(owner)),
            Some(login) => {
                let cabinet = self.represented(owner).find(|cabinet| cabinet.login == login);
                cabinet.map(|cabinet| self.of_client(cabinet)).ok_or_else(closed)
            }
        }
    }

    /// What the ads of an object did in the last days.
    fn figures(&self, (level, id): (Level, u64), days: i64) -> Figures {
        let world = &self.stage.world;
        let mut sum = Figures::default();
        let Some(place) = world.find(level, id) else { return sum };
        let cabinet = &world.cabinets[place.cabinet];
        let today = self.stage.today();
        for day in world.days(today - Duration::days(days - 1), today, today) {
            for ad in &cabinet.ads[world.ads_under(level, place)] {
                sum += world.figures(cabinet, ad, &day);
            }
        }
        sum
    }

    /// A segment as it is listed for its owner, or for a guest.
    fn written(segment: &Segment, figures: &Figures, made_of_it: &[u64], guest: bool) -> Value {
        let sizes = segment.sizes(figures);
        let id = segment.id;
        let mut body = json!({
            "id": id, "type": segment.kind.word(), "name": segment.name, "status": segment.status(&sizes),
            "create_time": instant(segment.created), "owner": segment.owner, "has_guests": !segment.grants.is_empty(),
            "guest_quantity": segment.grants.len(), "can_create_dependent": segment.is_counted() && !guest,
            "has_derivatives": !made_of_it.is_empty(), "derivatives": made_of_it, "guest": guest,
        });
        let of_its_kind = match segment.kind {
            Kind::Uploading => {
                let contents = ["crm", "idfa_gaid", "mac"];
                let content = contents[usize::try_from(id % 3).unwrap_or_default()];
                json!({
                    "hashed": true, "used_hashing_alg": "SHA256", "content_type": content,
                    "device_matching_type": "CROSS_DEVICE", "item_quantity": sizes.items, "valid_unique_quantity": sizes.valid,
                })
            }
            Kind::Metrika => json!({ "metrika_segment_type": "goal_id", "metrika_segment_id": id + 1 }),
            Kind::AppMetrica => json!({ "app_metrica_segment_type": "api_key", "app_metrica_segment_id": id + 2 }),
            Kind::Lookalike => json!({
                "lookalike_link": segment.link, "lookalike_value": 1 + id % 5, "maintain_device_distribution": true,
                "maintain_geo_distribution": false,
            }),
            Kind::Circles => json!({
                "geo_segment_type": "regular", "radius": 500,
                "points": [{ "latitude": 55.734_01, "longitude": 37.588_07, "description": "Магазин" }],
            }),
            Kind::Polygons => {
                let corners = [(55.75, 37.60), (55.76, 37.63), (55.74, 37.64), (55.73, 37.61)];
                let points =
                    corners.map(|(latitude, longitude)| json!({ "latitude": latitude, "longitude": longitude }));
                json!({ "geo_segment_type": "home", "polygons": [{ "points": points }] })
            }
            Kind::Pixel => json!({
                "pixel_id": segment.link, "period_length": 30, "times_quantity": 3, "times_quantity_operation": "gt",
            }),
        };
        for (name, value) in of_its_kind.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        if segment.is_counted() {
            body["cookies_matched_quantity"] = json!(sizes.cookies);
            if segment.kind == Kind::Uploading {
                body["matched_quantity"] = json!(sizes.matched);
            }
        }
        body
    }

    /// A list of segments, newest first.
    fn list(&self, account: &Account, segments: &[(&Segment, bool)]) -> Vec<Value> {
        let mut derivatives: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        for made in account.segments.iter().filter(|it| it.kind == Kind::Lookalike) {
            derivatives.entry(made.link.unwrap_or_default()).or_default().push(made.id);
        }
        let mut known = BTreeMap::new();
        let mut list = Vec::with_capacity(segments.len());
        for (segment, guest) in segments.iter().rev() {
            let (level, id) = segment.of;
            let figures = known.entry((level as u8, id)).or_insert_with(|| self.figures(segment.of, 30));
            let made_of_it = derivatives.get(&segment.id).map(Vec::as_slice).unwrap_or_default();
            list.push(Self::written(segment, figures, made_of_it, *guest));
        }
        list
    }

    fn segments(&self, owner: &Owner, call: &Call) -> Result<Answer, Answer> {
        only(call, &["limit", "offset", "pixel", "ulogin"])?;
        let account = self.account(owner, call)?;
        let (limit, offset) = (number(call, "limit", PAGE)?, number(call, "offset", 0)?);
        if !(1..=PAGE).contains(&limit) {
            return Err(wrong("limit", "a number from 1 to 10000 was expected"));
        }
        let pixel = call.param("pixel").map(|_| number(call, "pixel", 0)).transpose()?;
        let shown = self.shown(&account.login);
        let all = shown.iter().map(|it| (it, true)).chain(account.segments.iter().map(|it| (it, false)));
        let made_from = |it: &Segment| it.kind == Kind::Pixel && it.link == pixel.map(|id| id as u64);
        let all: Vec<_> = all.filter(|(it, _)| pixel.is_none() || made_from(it)).collect();
        // What is not on the page need not be counted.
        let end = all.len().saturating_sub(offset);
        let page = &all[end.saturating_sub(limit)..end];
        Ok(Answer::json(200, &json!({ "segments": self.list(&account, page) })))
    }

    fn pixels(&self, owner: &Owner, call: &Call) -> Result<Answer, Answer> {
        only(call, &["ulogin"])?;
        let account = self.account(owner, call)?;
        let pixels = account.pixels.iter().map(|pixel| {
            let users = |days| self.figures((Level::Campaign, pixel.id), days).impressions / 10;
            let made = account.segments.iter().filter(|it| it.kind == Kind::Pixel && it.link == Some(pixel.id));
            let made: Vec<_> = made.map(|it| (it, false)).collect();
            json!({
                "id": pixel.id, "name": pixel.name, "create_time": instant(pixel.created),
                "url": format!("https://mc.yandex.ru/pixel/{}?rnd=%aw_random%", pixel.id), "user_quantity_7": users(7),
                "user_quantity_30": users(30), "user_quantity_90": users(90), "segments": self.list(&account, &made),
            })
        });
        Ok(Answer::json(200, &json!({ "pixels": pixels.collect::<Vec<_>>() })))
    }

    fn grants(&self, owner: &Owner, id: &str, call: &Call) -> Result<Answer, Answer> {
        only(call, &["ulogin"])?;
        let account = self.account(owner, call)?;
        let id: u64 = id.parse().map_err(|_| wrong("segmentId", &format!("value: {id}")))?;
        if let Some(segment) = account.segments.iter().find(|segment| segment.id == id) {
            let grants = segment.grants.iter().map(|it| granted(it, "permission"));
            return Ok(Answer::json(200, &json!({ "grants": grants.collect::<Vec<_>>() })));
        }
        // Whoever is a guest does not hear of the other guests.
        let known = self.all().any(|account| account.segments.iter().any(|segment| segment.id == id));
        Err(if known { closed() } else { refusal(404, "not_found", "Object is not found") })
    }

    fn asked(&self, call: &Call) -> Result<Answer, Answer> {
        let owner = &self.owners[self.owner(call)?];
        let path = call.path.strip_prefix("/v1/management/").unwrap_or_default();
        let answer = match (call.method.as_str(), path) {
            ("GET", "segments") => self.segments(owner, call),
            ("GET", "pixels") => self.pixels(owner, call),
            ("GET", "delegates") => {
                only(call, &["ulogin"])?;
                let delegates = self.account(owner, call)?.delegates;
                let delegates: Vec<Value> = delegates.iter().map(|it| granted(it, "perm")).collect();
                Ok(Answer::json(200, &json!({ "delegates": delegates })))
            }
            ("GET", "accounts") => {
                only(call, &[])?;
                let accounts = self.represented(owner).map(|cabinet| {
                    let since = self.of_client(cabinet).delegates.first().map(|it| instant(it.since));
                    json!({ "user_login": cabinet.login, "perm": "edit", "created_at": since })
                });
                Ok(Answer::json(200, &json!({ "accounts": accounts.collect::<Vec<_>>() })))
            }
            ("GET", path) => match path.strip_prefix("segment/").and_then(|rest| rest.strip_suffix("/grants")) {
                Some(id) => self.grants(owner, id, call),
                None => Err(refusal(404, "not_found", "Object is not found")),
            },
            // The right to change anything is one that applications here do not have.
            _ => Err(closed()),
        };
        answer.map(|answer| Answer { user: Some(owner.id), ..answer })
    }

    /// Whose token it is, as Yandex ID tells it to whoever has one for any of its services.
    fn whose(&self, call: &Call) -> Answer {
        let Some(owner) = token_of(call).and_then(|token| lock(&self.tokens).owner(token)) else {
            return Answer::raw(401, Vec::new());
        };
        let (owner, format) = (&self.owners[owner], call.param("format").unwrap_or("json"));
        if format != "json" {
            return Answer::raw(400, b"this simulator writes JSON only".to_vec());
        }
        let id = owner.id.to_string();
        Answer::json(
            200,
            &json!({ "login": owner.login, "id": id, "client_id": "made-up", "psuid": format!("1.AA.{id}") }),
        )
    }
}

fn closed() -> Answer {
    refusal(403, "access_denied", "Access is denied")
}

/// Whether a request is about signing in, and not about segments.
fn signs_in(call: &Call) -> bool {
    matches!(call.path.as_str(), "/token" | "/info")
}

impl Vendor for Audience {
    fn answer(&self, call: &Call) -> Answer {
        match (call.method.as_str(), call.path.as_str()) {
            ("POST", "/token") => lock(&self.tokens).asked(call),
            ("GET", "/info") => self.whose(call),
            (_, "/token" | "/info") => Answer::raw(405, Vec::new()),
            _ => self.asked(call).unwrap_or_else(|refused| refused),
        }
    }

    fn meets(&self, fault: &FaultKind, call: &Call) -> bool {
        match fault {
            FaultKind::WrongKey => call.path == "/token",
            FaultKind::ExpireToken | FaultKind::RevokeToken => call.path != "/token" && token_of(call).is_some(),
            FaultKind::Throttle { .. }
            | FaultKind::RevokeScope
            | FaultKind::ErrorInside { .. }
            | FaultKind::NewFields
            | FaultKind::UnknownEnum
            | FaultKind::MissingField { .. }
            | FaultKind::OtherType { .. }
            | FaultKind::DuplicateRows
            | FaultKind::EmptyAccount
            | FaultKind::NegativeNumbers
            | FaultKind::GarbageNumbers
            | FaultKind::LostRows => !signs_in(call),
            // Lists have no totals, one page is nearly always all, and nothing here has days.
            FaultKind::ExpireAllTokens
            | FaultKind::LyingTotal { .. }
            | FaultKind::RepeatPage
            | FaultKind::ShuffledPage
            | FaultKind::Vanish
            | FaultKind::Appear
            | FaultKind::MissingDay { .. }
            | FaultKind::HalfDay { .. }
            | FaultKind::CopiedDay { .. } => false,
            _ => true,
        }
    }

    fn now(&self) -> DateTime<Utc> {
        self.stage.now()
    }

    fn refuse(&self, fault: &FaultKind, call: &Call) -> Option<Answer> {
        match fault {
            // Whatever is wished for, the vendor does not say when to come back.
            FaultKind::Throttle { .. } => Some(refusal(429, "quota", "Quota of requests by IP is exceeded")),
            _ => metrica::refuse(fault, call, &self.tokens),
        }
    }

    fn bend(&self, fault: &FaultKind, body: &mut Value) {
        for name in ["segments", "pixels", "grants", "delegates", "accounts"] {
            if let Some(rows) = body.get_mut(name).and_then(Value::as_array_mut) {
                NAMES.bend(fault, rows);
            }
        }
    }

    fn control(&self, _call: &Call) -> Option<Answer> {
        None
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::*;
    use crate::calendar::{TimeFlow, moscow_today};
    use std::collections::BTreeSet;

    struct Visitor {
        platform: Platform<Key>,
        client: reqwest::Client,
    }

    impl Visitor {
        fn of(rules: Rules) -> Self {
            let mut scenario = Scenario::small(moscow_today());
            scenario.time = TimeFlow::Manual;
            Self { platform: start(&scenario, rules).unwrap(), client: reqwest::Client::new() }
        }

        async fn ask(&self, method: &str, path: &str, header: &str) -> (u16, Value) {
            let url = format!("{}/v1/management/{path}", self.platform.base_url);
            let request = self.client.request(method.parse().unwrap(), url).header("Authorization", header);
            let answer = request.send().await.unwrap();
            assert!(answer.headers().get("retry-after").is_none());
            (answer.status().as_u16(), answer.json().await.unwrap_or_default())
        }

        async fn get(&self, path: &str) -> (u16, Value) {
            let header = format!("OAuth {}", self.platform.keys[0].pairs[0].access);
            self.ask("GET", path, &header).await
        }
    }

    fn ids(body: &Value) -> Vec<u64> {
        body["segments"].as_array().unwrap().iter().map(|it| it["id"].as_u64().unwrap()).collect()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn there_are_segments_of_every_kind_in_every_status() {
        let visitor = Visitor::of(Rules::PATIENT);
        let (mut kinds, mut statuses) = (BTreeSet::new(), BTreeSet::new());
        for account in &visitor.platform.keys[0].accounts {
            let (_, body) = visitor.get(&format!("segments?ulogin={}&pretty=1", account.login)).await;
            for segment in body["segments"].as_array().unwrap() {
                kinds.insert(segment["type"].as_str().unwrap().to_owned());
                statuses.insert(segment["status"].as_str().unwrap().to_owned());
                let ready = ["processed", "is_updated", "few_data"].contains(&segment["status"].as_str().unwrap());
                assert_eq!(segment["cookies_matched_quantity"].is_i64(), ready, "{segment}");
            }
        }
        assert_eq!(
            kinds,
            ["appmetrica", "geo", "lookalike", "metrika", "pixel", "uploading"].map(str::to_owned).into()
        );
        let all = ["few_data", "is_processed", "is_updated", "processed", "processing_failed", "uploaded"];
        assert_eq!(statuses, all.map(str::to_owned).into());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_list_is_cut_where_it_was_asked_to_be() {
        let visitor = Visitor::of(Rules { branches: 5, ..Rules::PATIENT });
        let key = &visitor.platform.keys[0];
        let (_, whole) = visitor.get("segments").await;
        let whole = ids(&whole);
        assert_eq!(whole.len(), key.accounts[0].segments.len() + key.accounts[0].shown.len());
        assert!(!key.accounts[0].shown.is_empty() && key.accounts[0].segments.len() == 7);
        let mut found = Vec::new();
        for offset in (0..=whole.len()).step_by(2) {
            let (status, page) = visitor.get(&format!("segments?limit=2&offset={offset}")).await;
            assert_eq!(status, 200, "{page}");
            found.extend(ids(&page));
        }
        assert_eq!(found, whole);

        let client = &key.accounts[1];
        let made = client.segments.iter().find(|it| it.kind == Kind::Pixel).unwrap();
        let (_, of_pixel) =
            visitor.get(&format!("segments?ulogin={}&pixel={}", client.login, made.link.unwrap())).await;
        assert_eq!(ids(&of_pixel), [made.id]);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_the_vendor_refuses_is_refused_in_its_words() {
        let visitor = Visitor::of(Rules::PATIENT);
        let key = &visitor.platform.keys[0];
        let (stranger, shown) = (&visitor.platform.keys[1].accounts[0].login, key.accounts[0].shown[0].id);
        for (path, status, word) in [
            ("segments?limit=0".to_owned(), 400, "invalid_parameter"),
            ("segments?limit=10001".to_owned(), 400, "invalid_parameter"),
            ("segments?offset=none".to_owned(), 400, "invalid_parameter"),
            ("segments?page=2".to_owned(), 400, "invalid_parameter"),
            ("accounts?ulogin=somebody".to_owned(), 400, "invalid_parameter"),
            (format!("segments?ulogin={stranger}"), 403, "access_denied"),
            ("segments?ulogin=".to_owned(), 403, "access_denied"),
            (format!("segment/{shown}/grants"), 403, "access_denied"),
            ("segment/1/grants".to_owned(), 404, "not_found"),
            ("segment/1".to_owned(), 404, "not_found"),
        ] {
            let (found, body) = visitor.get(&path).await;
            assert_eq!((found, body["errors"][0]["error_type"].as_str()), (status, Some(word)), "{path}");
            assert_eq!(body["code"], json!(status));
        }
        let good = format!("OAuth {}", key.pairs[0].access);
        for (method, header, status, word) in [
            ("GET", "", 401, "unauthorized"),
            ("GET", "Bearer x", 401, "unauthorized"),
            ("GET", "OAuth x", 403, "invalid_token"),
            ("PUT", &good, 403, "access_denied"),
        ] {
            let (found, body) = visitor.ask(method, "segments", header).await;
            assert_eq!((found, body["errors"][0]["error_type"].as_str()), (status, Some(word)), "{method} {header}");
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn both_quotas_have_one_word_and_end_by_themselves() {
        let visitor = Visitor::of(Rules { in_a_second: 2, in_a_day: 3, ..Rules::PATIENT });
        let mut statuses = Vec::new();
        for _ in 0..3 {
            statuses.push(visitor.get("accounts").await.0);
        }
        visitor.platform.calendar().advance_seconds(1);
        for _ in 0..2 {
            statuses.push(visitor.get("accounts").await.0);
        }
        assert_eq!(statuses, [200, 200, 429, 200, 429], "a second, then the day");
        visitor.platform.calendar().advance_days(1);
        assert_eq!(visitor.get("accounts").await.0, 200);
    }
}
