//! Lists: ad plans, ad groups, campaigns, banners and an agency's clients.
//!
//! Source: ads.vk.com/doc/api/resource/{AdPlans,AdGroups,Banners,AgencyClients} and "Стандарты API", target.my.com/doc/api/resource/
//! {Campaigns,Banners}. Two habits of the vendor
//! matter to a client and are kept: only the default fields come back unless `fields` is given, and removed objects are
//! absent unless a status filter names them.

use std::cmp::Ordering;

use chrono::{NaiveDate, NaiveDateTime};
use serde_json::{Map, Value, json};

use crate::server::{Answer, Call};
use crate::target_engine::{Product, errors};
use crate::world::{Ad, Aim, Cabinet, Campaign, Group, Life, Status, World};

/// Page size when none is asked for.
const DEFAULT_LIMIT: usize = 20;
/// Page size of the client list, the documented general maximum.
const MAX_CLIENTS: usize = 50;

/// The lists that belong to one cabinet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listed {
    /// `ad_plans.json`
    Plans,
    /// `ad_groups.json`
    Groups,
    /// `banners.json`
    Banners,
    /// `campaigns.json` of myTarget
    Campaigns,
    /// `banners.json` of myTarget, whose banners hang on campaigns
    CampaignBanners,
}

/// What may be asked of a list.
struct Shape {
    default_fields: &'static [&'static str],
    fields: &'static [&'static str],
    filters: &'static [&'static str],
    sortable: &'static [&'static str],
}

impl Listed {
    /// The list that a product serves at a path below `/api/v2/`.
    pub fn of(product: Product, path: &str) -> Option<Self> {
        match (product, path) {
            (Product::VkAds, "ad_plans.json") => Some(Self::Plans),
            (Product::VkAds, "ad_groups.json") => Some(Self::Groups),
            (Product::VkAds, "banners.json") => Some(Self::Banners),
            (Product::MyTarget, "campaigns.json") => Some(Self::Campaigns),
            (Product::MyTarget, "banners.json") => Some(Self::CampaignBanners),
            _ => None,
        }
    }

    fn shape(self) -> Shape {
        match self {
            Self::Plans => Shape {
                default_fields: &["id", "name"],
                fields: &[
                    "id",
                    "name",
                    "status",
                    "vkads_status",
                    "created",
                    "updated",
                    "budget_limit",
                    "budget_limit_day",
                    "date_start",
                    "date_end",
                    "objective",
                    "autobidding_mode",
                    "max_price",
                    "priced_goal",
                    "pricelist_id",
                ],
                filters: &["id", "status"],
                sortable: &["id", "name", "status"],
            },
            Self::Groups => Shape {
                default_fields: &["id", "name", "package_id"],
                fields: &[
                    "id",
                    "name",
                    "ad_plan_id",
                    "package_id",
                    "status",
                    "objective",
                    "budget_limit",
                    "budget_limit_day",
                    "date_start",
                    "date_end",
                    "utm",
                    "enable_utm",
                    "created",
                    "updated",
                ],
                filters: &["id", "status", "ad_plan_id", "updated"],
                sortable: &["id", "name", "status", "created"],
            },
            Self::Banners => Shape {
                default_fields: &["id", "ad_group_id"],
                fields: &[
                    "id",
                    "name",
                    "ad_group_id",
                    "campaign_id",
                    "status",
                    "moderation_status",
                    "delivery",
                    "urls",
                    "textblocks",
                    "content",
                    "created",
                    "updated",
                ],
                filters: &["id", "status", "ad_group_id", "ad_group_status", "updated"],
                sortable: &["id", "name", "status"],
            },
            Self::Campaigns => Shape {
                default_fields: &["id", "name", "package_id"],
                fields: &[
                    "id",
                    "name",
                    "status",
                    "package_id",
                    "objective",
                    "autobidding_mode",
                    "budget_limit",
                    "budget_limit_day",
                    "date_start",
                    "date_end",
                    "delivery",
                    "issues",
                    "max_price",
                    "utm",
                    "enable_utm",
                    "ad_plan_id",
                    "created",
                    "updated",
                ],
                filters: &["id", "status", "updated"],
                sortable: &["id", "name", "status", "created"],
            },
            Self::CampaignBanners => Shape {
                default_fields: &["id", "campaign_id"],
                fields: &[
                    "id",
                    "name",
                    "campaign_id",
                    "status",
                    "delivery",
                    "moderation_status",
                    "moderation_reasons",
                    "issues",
                    "urls",
                    "textblocks",
                    "content",
                    "created",
                    "updated",
                ],
                filters: &["id", "status", "campaign_id", "campaign_status", "updated"],
                sortable: &["id", "name", "status"],
            },
        }
    }
}

/// An object of a list with the cabinet it belongs to.
#[derive(Clone, Copy)]
enum Object<'a> {
    Plan(&'a Campaign),
    Group(&'a Group),
    Banner(&'a Ad),
    Campaign(&'a Campaign),
    CampaignBanner(&'a Ad),
}

struct View<'a> {
    cabinet: &'a Cabinet,
    today: NaiveDate,
}

impl View<'_> {
    /// A member of an object as the vendor writes it.
    fn member(&self, object: Object<'_>, field: &str) -> Value {
        match object {
            Object::Plan(plan) => self.plan_member(plan, field),
            Object::Group(group) => self.group_member(group, field),
            Object::Banner(banner) => self.banner_member(banner, field),
            Object::Campaign(campaign) => self.campaign_member(campaign, field),
            Object::CampaignBanner(banner) => {
                let campaign = &self.cabinet.campaigns[banner.campaign];
                match field {
                    "campaign_id" => json!(campaign.id),
                    "campaign_status" => json!(status_word(campaign.life.status(self.today))),
                    "moderation_reasons" | "issues" => json!([]),
                    "textblocks" => json!({ "title_25": { "text": banner.title }, "text_90": { "text": banner.text } }),
                    _ => self.banner_member(banner, field),
                }
            }
        }
    }

    fn campaign_member(&self, campaign: &Campaign, field: &str) -> Value {
        match field {
            "package_id" => json!(83 + campaign.aim as u64),
            // Filled only where the object belongs to the new cabinet.
            "ad_plan_id" => Value::Null,
            "delivery" => delivery(campaign.life.status(self.today)),
            "issues" => json!([]),
            "max_price" => json!("0"),
            "utm" => json!("utm_source=mytarget&utm_medium=cpc&utm_campaign={{campaign_id}}"),
            "enable_utm" => json!(true),
            _ => self.plan_member(campaign, field),
        }
    }

    fn plan_member(&self, plan: &Campaign, field: &str) -> Value {
        match field {
            "id" => json!(plan.id),
            "name" => json!(plan.name),
            "status" => json!(status_word(plan.life.status(self.today))),
            // The console's own status word differs from the engine's: a stopped plan is told apart from a finished one.
            "vkads_status" => json!({
                "status": status_word(plan.life.status(self.today)),
                "codes": if plan.life.ends.is_some_and(|end| end < self.today) { vec!["PLAN_FINISHED"] } else { vec![] },
            }),
            "objective" => json!(objective(plan.aim)),
            "autobidding_mode" => json!("max_goals"),
            "budget_limit_day" => json!(rubles(plan.daily_budget_kopecks)),
            "priced_goal" => json!({ "name": priced_goal(plan.aim), "source_id": plan.id % 1000 }),
            _ => life_member(&plan.life, plan.minute, self.today, field),
        }
    }

    fn group_member(&self, group: &Group, field: &str) -> Value {
        let plan = &self.cabinet.campaigns[group.campaign];
        match field {
            "id" => json!(group.id),
            "name" => json!(group.name),
            "ad_plan_id" => json!(plan.id),
            "package_id" => json!(3_122 + plan.aim as u64),
            "status" => json!(status_word(group.life.status(self.today))),
            "objective" => json!(objective(plan.aim)),
            "budget_limit_day" => json!("0"),
            "utm" => json!("utm_source=vk&utm_medium=cpc&utm_campaign={{campaign_id}}"),
            "enable_utm" => json!(true),
            _ => life_member(&group.life, group.minute, self.today, field),
        }
    }

    fn banner_member(&self, banner: &Ad, field: &str) -> Value {
        let group = &self.cabinet.groups[banner.group];
        match field {
            "id" => json!(banner.id),
            "name" => json!(banner.name),
            // In the engine a group used to be called a campaign, and the old member still carries the group's id.
            "ad_group_id" | "campaign_id" => json!(group.id),
            "ad_group_status" => json!(status_word(group.life.status(self.today))),
            "status" => json!(status_word(banner.life.status(self.today))),
            "moderation_status" => json!("allowed"),
            "delivery" => delivery(banner.life.status(self.today)),
            "urls" => json!({ "primary": { "id": banner.id + 7, "url": banner.url } }),
            "textblocks" => json!({
                "title_40_vkads": { "title": "", "text": banner.title },
                "text_2000": { "title": "", "text": banner.text },
            }),
            "content" => json!({ "icon_256x256": { "id": banner.id + 11, "type": "static" } }),
            _ => life_member(&banner.life, banner.minute, self.today, field),
        }
    }
}

/// Members every kind of object has.
fn life_member(life: &Life, minute: u32, today: NaiveDate, field: &str) -> Value {
    match field {
        "created" => json!(moscow(life.created(minute))),
        "updated" => json!(moscow(life.updated(today, minute))),
        "date_start" => json!(life.starts.to_string()),
        "date_end" => json!(life.ends.map(|day| day.to_string())),
        _ => Value::Null,
    }
}

fn delivery(status: Status) -> Value {
    json!(if status == Status::Active { "delivering" } else { "not_delivering" })
}

fn moscow(moment: NaiveDateTime) -> String {
    moment.format("%Y-%m-%d %H:%M:%S").to_string()
}

fn status_word(status: Status) -> &'static str {
    match status {
        Status::Active => "active",
        Status::Stopped => "blocked",
        Status::Deleted => "deleted",
    }
}

fn objective(aim: Aim) -> &'static str {
    match aim {
        Aim::Site => "site_conversions",
        Aim::Leads => "leadads",
        Aim::Community => "socialengagement",
    }
}

fn priced_goal(aim: Aim) -> &'static str {
    match aim {
        Aim::Site => "purchase",
        Aim::Leads => "lead_sent",
        Aim::Community => "join",
    }
}

/// Decimal text in rubles.
fn rubles(kopecks: i64) -> String {
    format!("{}.{:02}", kopecks / 100, kopecks % 100)
}

/// How a filter compares.
#[derive(Clone, Copy)]
enum Test {
    In,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

struct Filter {
    field: &'static str,
    test: Test,
    values: Vec<String>,
}

impl Filter {
    fn passes(&self, value: &Value) -> bool {
        let first = || self.values.first().map_or(Ordering::Equal, |wanted| order(value, wanted));
        match self.test {
            Test::In => self.values.iter().any(|wanted| order(value, wanted) == Ordering::Equal),
            Test::NotEqual => first() != Ordering::Equal,
            Test::Less => first() == Ordering::Less,
            Test::LessOrEqual => first() != Ordering::Greater,
            Test::Greater => first() == Ordering::Greater,
            Test::GreaterOrEqual => first() != Ordering::Less,
        }
    }
}

/// Compares a member with a text from a query: as numbers where the member is one.
fn order(value: &Value, wanted: &str) -> Ordering {
    match value {
        Value::Number(number) => match wanted.parse::<u64>() {
            Ok(wanted) => number.as_u64().unwrap_or(0).cmp(&wanted),
            Err(_) => Ordering::Less,
        },
        other => other.as_str().unwrap_or("").cmp(wanted),
    }
}

/// Page, fields, filters and order of a request.
struct Asked {
    limit: usize,
    offset: usize,
    fields: Vec<&'static str>,
    filters: Vec<Filter>,
    sorting: Vec<(&'static str, bool)>,
}

/// Answers one of a cabinet's lists.
pub fn list(world: &World, cabinet: usize, listed: Listed, today: NaiveDate, max_page: usize, call: &Call) -> Answer {
    let cabinet = &world.cabinets[cabinet];
    let asked = match asked(&listed.shape(), max_page, call) {
        Ok(asked) => asked,
        Err(answer) => return answer,
    };
    let view = View { cabinet, today };
    let mut objects: Vec<Object<'_>> = match listed {
        Listed::Plans => cabinet.campaigns.iter().filter(|it| it.life.exists(today)).map(Object::Plan).collect(),
        Listed::Groups => cabinet.groups.iter().filter(|it| it.life.exists(today)).map(Object::Group).collect(),
        Listed::Banners => cabinet.ads.iter().filter(|it| it.life.exists(today)).map(Object::Banner).collect(),
        Listed::Campaigns => {
            cabinet.campaigns.iter().filter(|it| it.life.exists(today)).map(Object::Campaign).collect()
        }
        Listed::CampaignBanners => {
            cabinet.ads.iter().filter(|it| it.life.exists(today)).map(Object::CampaignBanner).collect()
        }
    };
    let status_named = asked.filters.iter().any(|filter| filter.field == "status");
    objects.retain(|object| {
        (status_named || view.member(*object, "status") != "deleted")
            && asked.filters.iter().all(|filter| filter.passes(&view.member(*object, filter.field)))
    });
    for (field, descending) in asked.sorting.iter().rev() {
        objects.sort_by(|a, b| {
            let (a, b) = (view.member(*a, field), view.member(*b, field));
            let order = match (a.as_u64(), b.as_u64()) {
                (Some(a), Some(b)) => a.cmp(&b),
                _ => a.as_str().cmp(&b.as_str()),
            };
            if *descending { order.reverse() } else { order }
        });
    }
    let items: Vec<Value> = objects
        .iter()
        .skip(asked.offset)
        .take(asked.limit)
        .map(|object| {
            let members: Map<String, Value> =
                asked.fields.iter().map(|field| ((*field).to_owned(), view.member(*object, field))).collect();
            Value::Object(members)
        })
        .collect();
    page(objects.len(), asked.offset, asked.limit, &items)
}

fn page(count: usize, offset: usize, limit: usize, items: &[Value]) -> Answer {
    Answer::json(200, &json!({ "count": count, "offset": offset, "limit": limit, "items": items }))
}

fn asked(shape: &Shape, max_page: usize, call: &Call) -> Result<Asked, Answer> {
    let mut asked = Asked {
        limit: DEFAULT_LIMIT,
        offset: 0,
        fields: shape.default_fields.to_vec(),
        filters: Vec::new(),
        sorting: Vec::new(),
    };
    for (name, value) in &call.query {
        match name.as_str() {
            "limit" => asked.limit = limit(value, max_page)?,
            "offset" => asked.offset = offset(value)?,
            "fields" => asked.fields = fields(shape, value)?,
            "sorting" => asked.sorting = sorting(shape, value)?,
            _ => asked.filters.push(filter(shape, name, value)?),
        }
    }
    Ok(asked)
}

fn limit(text: &str, max: usize) -> Result<usize, Answer> {
    let value: usize = text.parse().map_err(|_| errors::field("limit", "bad_value", "Enter a whole number"))?;
    if value == 0 {
        return Err(errors::field("limit", "min_value", "Ensure this value is greater than or equal to 1"));
    }
    if value > max {
        let message = format!("Ensure this value is less than or equal to {max}");
        return Err(errors::field("limit", "max_value", &message));
    }
    Ok(value)
}

fn offset(text: &str) -> Result<usize, Answer> {
    text.parse().map_err(|_| errors::field("offset", "bad_value", "Enter a whole number"))
}

fn known(list: &[&'static str], name: &str) -> Option<&'static str> {
    list.iter().copied().find(|it| *it == name)
}

fn fields(shape: &Shape, text: &str) -> Result<Vec<&'static str>, Answer> {
    let mut fields = Vec::new();
    for name in text.split(',').map(str::trim) {
        let field = known(shape.fields, name)
            .ok_or_else(|| errors::field("fields", "unallowed_field", &format!("Field is not available: {name}")))?;
        if !fields.contains(&field) {
            fields.push(field);
        }
    }
    // The id is always there, asked for or not.
    if !fields.contains(&"id") {
        fields.insert(0, "id");
    }
    Ok(fields)
}

fn sorting(shape: &Shape, text: &str) -> Result<Vec<(&'static str, bool)>, Answer> {
    text.split(',')
        .map(|part| {
            let (name, descending) = part.strip_prefix('-').map_or((part, false), |name| (name, true));
            known(shape.sortable, name)
                .map(|field| (field, descending))
                .ok_or_else(|| errors::field("sorting", "unallowed_value", &format!("Cannot sort by {name}")))
        })
        .collect()
}

fn filter(shape: &Shape, name: &str, text: &str) -> Result<Filter, Answer> {
    let unknown = || errors::field(name, "unallowed_field", "Unknown parameter");
    let bare = name.strip_prefix('_').ok_or_else(unknown)?;
    let (field, test) = bare.rsplit_once("__").map_or((bare, "in"), |(field, test)| (field, test));
    let field = known(shape.filters, field).ok_or_else(unknown)?;
    let test = match test {
        "in" => Test::In,
        "ne" => Test::NotEqual,
        "lt" => Test::Less,
        "lte" => Test::LessOrEqual,
        "gt" => Test::Greater,
        "gte" => Test::GreaterOrEqual,
        _ => return Err(unknown()),
    };
    let values: Vec<String> = text.split(',').map(|it| it.trim().to_owned()).collect();
    let numeric = field == "id" || field.ends_with("_id");
    if numeric && values.iter().any(|value| value.parse::<u64>().is_err()) {
        return Err(errors::field(name, "bad_value", "Enter whole numbers"));
    }
    if field.ends_with("status")
        && values.iter().any(|value| !["active", "blocked", "deleted"].contains(&value.as_str()))
    {
        return Err(errors::field(name, "unallowed_value", "Known statuses are active, blocked, deleted"));
    }
    Ok(Filter { field, test, values })
}

/// Answers `agency/clients.json` for an agency.
pub fn clients(product: Product, world: &World, agency: usize, call: &Call) -> Answer {
    match client_page(product, world, agency, call) {
        Ok(answer) | Err(answer) => answer,
    }
}

fn client_page(product: Product, world: &World, agency: usize, call: &Call) -> Result<Answer, Answer> {
    let (mut page_limit, mut page_offset) = (DEFAULT_LIMIT, 0);
    let mut cabinets: Vec<&Cabinet> = world.cabinets[world.agencies[agency].cabinets.clone()].iter().collect();
    for (name, value) in &call.query {
        let any = |wanted: &str| value.split(',').any(|it| it.trim() == wanted);
        match name.as_str() {
            "limit" => page_limit = limit(value, MAX_CLIENTS)?,
            "offset" => page_offset = offset(value)?,
            // Every cabinet here is one of the new kind; asking for the old kind gives nothing.
            "_is_vkads" if product == Product::VkAds => cabinets.retain(|_| value != "false"),
            "_user__id" | "_user__id__in" => cabinets.retain(|cabinet| any(&cabinet.id.to_string())),
            "_user__username" | "_user__username__in" => cabinets.retain(|cabinet| any(&username(cabinet))),
            "_status" | "_status__in" | "_user__status" | "_user__status__in" => cabinets.retain(|_| any("active")),
            "_q" => {
                let wanted = value.to_lowercase();
                cabinets.retain(|it| it.name.to_lowercase().contains(&wanted) || it.login.contains(&wanted));
            }
            _ => return Err(errors::field(name, "unallowed_field", "Unknown parameter")),
        }
    }
    let items: Vec<Value> = cabinets.iter().skip(page_offset).take(page_limit).map(|cabinet| client(cabinet)).collect();
    Ok(page(cabinets.len(), page_offset, page_limit, &items))
}

/// The sign-in name of a cabinet; an agency's client carries the vendor's suffix.
pub fn username(cabinet: &Cabinet) -> String {
    if cabinet.agency.is_some() { format!("{}@agency_client", cabinet.login) } else { cabinet.login.clone() }
}

fn client(cabinet: &Cabinet) -> Value {
    json!({
        "access_type": "full_access",
        "status": "active",
        "user": {
            "id": cabinet.id,
            "username": username(cabinet),
            "status": "active",
            "account": {
                "id": cabinet.id,
                "balance": rubles(cabinet.balance_kopecks),
                "currency_balance_hold": "0",
                "type": "physical",
            },
            "additional_info": {
                "client_name": cabinet.name,
                "name": cabinet.name,
                "email": format!("{}@mail.example", cabinet.login),
            },
        },
    })
}

/// `user.json` of a cabinet.
pub fn cabinet_user(cabinet: &Cabinet) -> Value {
    let types = if cabinet.agency.is_some() { vec!["advert", "agency_client"] } else { vec!["advert"] };
    user(cabinet.id, &username(cabinet), &cabinet.name, &types, cabinet.balance_kopecks)
}

/// `user.json` of an agency.
pub fn agency_user(id: u64, login: &str, name: &str) -> Value {
    user(id, login, name, &["agency"], 0)
}

fn user(id: u64, username: &str, name: &str, types: &[&str], balance_kopecks: i64) -> Value {
    json!({
        "id": id,
        "username": username,
        "firstname": name,
        "lastname": "",
        "email": format!("{}@mail.example", username.replace('@', ".")),
        "currency": "RUB",
        "types": types,
        "status": "active",
        "account": { "id": id, "balance": rubles(balance_kopecks), "currency": "RUB" },
    })
}
