//! Lists of Direct: clients, campaigns, groups, ads, and the units that asking for them costs.
//!
//! Source: yandex.ru/dev/direct/doc/ru/{agencyclients,campaigns,adgroups,ads}/get. Fields and criteria that a service does not know are
//! refused, as are too many ids. An answer without objects has no list. How many units which call costs is about right, not exact.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Direct, Refused, bearer, header, is_of_wizard, lock, login_of};
use crate::server::{Answer, Call};
use crate::world::{Ad, Cabinet, Campaign, Life, Status};

/// Units that a call costs, besides one for each object.
const CALL_UNITS: i64 = 10;
/// Most campaigns by which groups and ads are asked for at once, and most ids.
const MOST_CAMPAIGNS: usize = 10;
const MOST_IDS: usize = 1_000;

/// Units used, by advertiser: the hour of each use and how many.
#[derive(Debug, Default)]
pub struct Units(BTreeMap<usize, Vec<(i64, i64)>>);

/// What a service knows.
struct Service {
    key: &'static str,
    criteria: &'static [&'static str],
    fields: &'static [&'static str],
    /// Names of fields of single types, by parameter.
    typed: &'static [(&'static str, &'static [&'static str])],
}

const CAMPAIGNS: Service = Service {
    key: "Campaigns",
    criteria: &["Ids", "Types", "States", "Statuses", "StatusesPayment"],
    fields: &[
        "Id",
        "Name",
        "Type",
        "State",
        "Status",
        "StatusPayment",
        "StartDate",
        "EndDate",
        "Currency",
        "DailyBudget",
    ],
    typed: &[("UnifiedCampaignFieldNames", &["BiddingStrategy", "CounterIds"])],
};
const GROUPS: Service = Service {
    key: "AdGroups",
    criteria: &["CampaignIds", "Ids", "Types", "Statuses"],
    fields: &["Id", "Name", "CampaignId", "Type", "Subtype", "Status", "ServingStatus", "RegionIds"],
    typed: &[],
};
const ADS: Service = Service {
    key: "Ads",
    criteria: &["CampaignIds", "AdGroupIds", "Ids", "States", "Statuses", "Types"],
    fields: &["Id", "AdGroupId", "CampaignId", "Type", "Subtype", "State", "Status", "AgeLabel"],
    typed: &[
        ("TextAdFieldNames", &["Title", "Title2", "Text", "Href", "Mobile", "DisplayUrlPath", "SitelinkSetId"]),
        (RESPONSIVE, &["Titles", "Texts", "Href"]),
        ("MobileAppAdFieldNames", &["Title", "Text"]),
        ("DynamicTextAdFieldNames", &["Text"]),
        ("TextImageAdFieldNames", &["AdImageHash", "Href"]),
    ],
};
/// The parameter that only version 501 knows.
const RESPONSIVE: &str = "ResponsiveAdFieldNames";
const CLIENT_FIELDS: &[&str] = &[
    "AccountQuality",
    "Archived",
    "ClientId",
    "ClientInfo",
    "CountryId",
    "CreatedAt",
    "Currency",
    "Grants",
    "Login",
    "Notification",
    "OverdraftSumAvailable",
    "Phone",
    "Representatives",
    "Restrictions",
    "Settings",
    "Type",
    "VatRate",
];
const AGENCY_CLIENTS: Service =
    Service { key: "Clients", criteria: &["Archived", "Logins"], fields: CLIENT_FIELDS, typed: &[] };

fn wrong(detail: impl Into<String>) -> Refused {
    (8000, detail.into())
}

/// Texts of a list; everything else is refused.
fn texts<'a>(value: &'a Value, name: &str) -> Result<Vec<&'a str>, Refused> {
    let items = value.as_array().ok_or_else(|| wrong(format!("{name} must be an array")))?;
    let all: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
    all.filter(|all| !all.is_empty()).ok_or_else(|| wrong(format!("{name} must contain names")))
}

/// Ids of a list, at most so many.
fn ids(criteria: &Value, name: &str, most: usize) -> Result<Option<Vec<u64>>, Refused> {
    let Some(value) = criteria.get(name) else { return Ok(None) };
    let items = value.as_array().ok_or_else(|| wrong(format!("{name} must be an array")))?;
    if items.len() > most {
        return Err((4001, format!("{name} has more than {most} elements")));
    }
    let all: Option<Vec<u64>> = items.iter().map(Value::as_u64).collect();
    all.map(Some).ok_or_else(|| wrong(format!("{name} must contain numbers")))
}

/// What was asked for, checked.
struct Question<'a> {
    criteria: &'a Value,
    fields: Vec<&'a str>,
    typed: Vec<(&'a str, Vec<&'a str>)>,
    limit: usize,
    offset: usize,
}

impl<'a> Question<'a> {
    fn read(body: &'a Value, service: &Service) -> Result<Self, Refused> {
        if body.get("method").and_then(Value::as_str) != Some("get") {
            return Err((55, "There is no such method".to_owned()));
        }
        let params = body.get("params").and_then(Value::as_object).ok_or_else(|| wrong("params are required"))?;
        let mut fields = None;
        let mut typed = Vec::new();
        let known = |names: &[&str], asked: &[&str], place: &str| match asked.iter().find(|name| !names.contains(name))
        {
            Some(name) => Err(wrong(format!("{place} does not know {name}"))),
            None => Ok(()),
        };
        for (name, value) in params {
            match name.as_str() {
                "FieldNames" => {
                    let asked = texts(value, name)?;
                    known(service.fields, &asked, name)?;
                    fields = Some(asked);
                }
                "SelectionCriteria" if !service.criteria.is_empty() => {
                    let criteria = value.as_object().ok_or_else(|| wrong("SelectionCriteria must be a structure"))?;
                    let names: Vec<&str> = criteria.keys().map(String::as_str).collect();
                    known(service.criteria, &names, name)?;
                }
                "Page" if !service.criteria.is_empty() => {
                    let page = value.as_object().ok_or_else(|| wrong("Page must be a structure"))?;
                    known(&["Limit", "Offset"], &page.keys().map(String::as_str).collect::<Vec<_>>(), name)?;
                }
                other => match service.typed.iter().find(|(parameter, _)| *parameter == other) {
                    Some((_, names)) => {
                        let asked = texts(value, name)?;
                        known(names, &asked, name)?;
                        typed.push((other, asked));
                    }
                    None => return Err(wrong(format!("params does not know {other}"))),
                },
            }
        }
        let page = |name: &str| match params.get("Page").and_then(|page| page.get(name)) {
            None => Ok(None),
            Some(value) => {
                let number = value.as_u64().and_then(|number| usize::try_from(number).ok());
                number.map(Some).ok_or_else(|| wrong(format!("{name} must be a number")))
            }
        };
        let limit = page("Limit")?.unwrap_or(10_000);
        if limit == 0 || limit > 10_000 {
            return Err((4002, "Limit must be from 1 to 10000".to_owned()));
        }
        if !service.criteria.is_empty() && !params.contains_key("SelectionCriteria") {
            return Err(wrong("SelectionCriteria is required"));
        }
        Ok(Self {
            criteria: params.get("SelectionCriteria").unwrap_or(&Value::Null),
            fields: fields.ok_or_else(|| wrong("FieldNames is required"))?,
            typed,
            limit,
            offset: page("Offset")?.unwrap_or(0),
        })
    }

    /// Whether a word is among those that were asked for, if any were.
    fn wants(&self, name: &str, known: &[&str]) -> Result<impl Fn(&str) -> bool + use<'a>, Refused> {
        let words = self.criteria.get(name).map(|value| texts(value, name)).transpose()?;
        if let Some(word) = words.iter().flatten().find(|word| !known.contains(word)) {
            return Err(wrong(format!("{name} does not know {word}")));
        }
        Ok(move |word: &str| words.as_ref().is_none_or(|words| words.contains(&word)))
    }

    /// The members of an object that were asked for.
    fn shown(&self, whole: Value) -> Value {
        let Value::Object(mut whole) = whole else { return whole };
        let mut shown = Map::new();
        for name in &self.fields {
            if let Some(value) = whole.shift_remove(*name) {
                shown.insert((*name).to_owned(), value);
            }
        }
        for (parameter, names) in &self.typed {
            let member = parameter.trim_end_matches("FieldNames");
            if let Some(Value::Object(of_type)) = whole.shift_remove(member) {
                let kept = of_type.into_iter().filter(|(name, _)| names.contains(&name.as_str()));
                shown.insert(member.to_owned(), Value::Object(kept.collect()));
            }
        }
        Value::Object(shown)
    }
}

/// The type of a campaign.
fn campaign_type(campaign: &Campaign) -> &'static str {
    if campaign.id.is_multiple_of(2) { "UNIFIED_CAMPAIGN" } else { "TEXT_CAMPAIGN" }
}

fn campaign_state(life: &Life, today: chrono::NaiveDate) -> &'static str {
    match life.status(today) {
        Status::Active => "ON",
        Status::Stopped => "SUSPENDED",
        Status::Deleted => "ARCHIVED",
    }
}

/// An ad as the service has it: most are texts, in unified campaigns half of them with several headlines; some are pictures without any.
fn ad(ad: &Ad, cabinet: &Cabinet, today: chrono::NaiveDate) -> Value {
    let picture = ad.id.is_multiple_of(4);
    let unified = campaign_type(&cabinet.campaigns[ad.campaign]) == "UNIFIED_CAMPAIGN";
    let responsive = unified && !ad.id.is_multiple_of(2);
    let kind = match (picture, responsive) {
        (true, _) => "IMAGE_AD",
        (_, true) => "RESPONSIVE_AD",
        _ => "TEXT_AD",
    };
    let mut whole = json!({
        "Id": ad.id,
        "AdGroupId": cabinet.groups[ad.group].id,
        "CampaignId": cabinet.campaigns[ad.campaign].id,
        "Type": kind,
        "Subtype": if picture { "TEXT_IMAGE_AD" } else { "NONE" },
        "State": campaign_state(&ad.life, today),
        "Status": "ACCEPTED",
        "AgeLabel": null,
    });
    let (member, of_type) = if picture {
        ("TextImageAd", json!({ "AdImageHash": "a1b2c3", "Href": ad.url }))
    } else if responsive {
        let titles =
            [format!("Первый: {}", ad.title), format!("Второй: {}", ad.title)].map(|it| json!({ "Title": it }));
        ("ResponsiveAd", json!({ "Titles": titles, "Texts": [{ "Text": ad.text }], "Href": ad.url }))
    } else {
        ("TextAd", json!({ "Title": ad.title, "Text": ad.text, "Href": ad.url, "Mobile": "NO" }))
    };
    whole[member] = of_type;
    whole
}

impl Direct {
    /// `get` of clients: an agency's list; or who asks, the agency itself included; or the client that is named.
    pub fn clients(&self, call: &Call, owner: usize, service: &str, body: &Value) -> Result<Answer, Refused> {
        let of = &self.owners[owner];
        let (is_list, named) = (service == "agencyclients", header(call, "client-login").is_some());
        if is_list && (!of.agency || named) {
            return Err((54, "The service is for agencies, without Client-Login".to_owned()));
        }
        let known = if is_list { AGENCY_CLIENTS } else { Service { criteria: &[], ..AGENCY_CLIENTS } };
        let asked = Question::read(body, &known)?;
        let client = |place: usize| {
            let cabinet = &self.stage.world.cabinets[place];
            let kind = if of.agency { "SUBCLIENT" } else { "CLIENT" };
            json!({
                "Login": login_of(cabinet), "ClientId": cabinet.id, "ClientInfo": cabinet.name, "Currency": "RUB", "VatRate": 22.0,
                "Archived": "NO", "Type": kind, "CountryId": 225, "AccountQuality": 4.6,
            })
        };
        let all = if is_list {
            of.cabinets.clone().map(client).collect()
        } else if of.agency && !named {
            // Of an agency neither currency nor quality is told.
            vec![json!({
                "Login": of.login.replace('_', "-"), "ClientId": of.id, "ClientInfo": of.name, "VatRate": 22.0, "Archived": "NO",
                "Type": "AGENCY", "CountryId": 225,
            })]
        } else {
            vec![client(self.advertiser(call, owner)?)]
        };
        Ok(self.page(call, None, "Clients", &asked, all.into_iter().map(|whole| asked.shown(whole)).collect()))
    }

    /// `get` of campaigns, groups or ads of an advertiser.
    pub fn objects(
        &self,
        call: &Call,
        owner: usize,
        service: &str,
        newest: bool,
        body: &Value,
    ) -> Result<Answer, Refused> {
        let place = self.advertiser(call, owner)?;
        let (cabinet, today) = (&self.stage.world.cabinets[place], self.stage.today());
        let known = match service {
            "campaigns" => CAMPAIGNS,
            "adgroups" => GROUPS,
            _ => ADS,
        };
        if !newest && body.pointer("/params").is_some_and(|params| params.get(RESPONSIVE).is_some()) {
            return Err(wrong(format!("params does not know {RESPONSIVE}")));
        }
        let asked = Question::read(body, &known)?;
        let by_campaign = ids(asked.criteria, "CampaignIds", MOST_CAMPAIGNS)?;
        let by_id = ids(asked.criteria, "Ids", MOST_IDS)?;
        if service != "campaigns" && by_campaign.is_none() && by_id.is_none() {
            return Err((4001, "CampaignIds or Ids is required".to_owned()));
        }
        let wanted = |id: u64, campaign: &Campaign| {
            by_id.as_ref().is_none_or(|ids| ids.contains(&id))
                && by_campaign.as_ref().is_none_or(|ids| ids.contains(&campaign.id))
                && (newest || campaign_type(campaign) != "UNIFIED_CAMPAIGN")
        };
        let all: Vec<Value> = match service {
            "campaigns" => {
                let state = asked.wants("States", &["ARCHIVED", "CONVERTED", "ENDED", "OFF", "ON", "SUSPENDED"])?;
                let all = cabinet.campaigns.iter().filter(|it| it.life.exists(today) && wanted(it.id, it));
                let all = all.filter(|it| state(campaign_state(&it.life, today)));
                let whole = all.map(|it| {
                    json!({
                        "Id": it.id, "Name": it.name, "Type": campaign_type(it), "State": campaign_state(&it.life, today),
                        "Status": "ACCEPTED", "StatusPayment": "ALLOWED", "StartDate": it.life.starts, "EndDate": it.life.ends,
                        "Currency": "RUB", "DailyBudget": {"Amount": it.daily_budget_kopecks * 10_000, "Mode": "STANDARD"},
                    })
                });
                whole.map(|whole| asked.shown(whole)).collect()
            }
            "adgroups" => {
                let campaign = |at: usize| &cabinet.campaigns[at];
                let all =
                    cabinet.groups.iter().filter(|it| it.life.exists(today) && wanted(it.id, campaign(it.campaign)));
                let all = all.filter(|it| !is_of_wizard(campaign(it.campaign).id));
                let whole = all.map(|it| {
                    let status = if it.id.is_multiple_of(7) { "MODERATION" } else { "ACCEPTED" };
                    json!({
                        "Id": it.id, "Name": it.name, "CampaignId": campaign(it.campaign).id, "Type": "TEXT_AD_GROUP", "Subtype": "NONE",
                        "Status": status, "ServingStatus": "ELIGIBLE", "RegionIds": [225],
                    })
                });
                whole.map(|whole| asked.shown(whole)).collect()
            }
            _ => {
                let state = asked.wants("States", &["OFF", "ON", "SUSPENDED", "OFF_BY_MONITORING", "ARCHIVED"])?;
                let campaign = |at: usize| &cabinet.campaigns[at];
                let all = cabinet.ads.iter().filter(|it| it.life.exists(today) && wanted(it.id, campaign(it.campaign)));
                let all = all.filter(|it| !is_of_wizard(campaign(it.campaign).id));
                let all = all.filter(|it| state(campaign_state(&it.life, today)));
                all.map(|it| asked.shown(ad(it, cabinet, today))).collect()
            }
        };
        let cost = CALL_UNITS + i64::try_from(all.len()).unwrap_or(0);
        let Some(left) = self.spend(place, cost) else { return Err((152, "No units are left".to_owned())) };
        let units = format!("{cost}/{left}/{}", self.rules.units);
        let answer = self.page(call, Some(place), known.key, &asked, all);
        Ok(answer.with("units", units).with("units-used-login", login_of(cabinet)))
    }

    /// A page of a list; a list of nothing is left out.
    fn page(&self, call: &Call, place: Option<usize>, key: &str, asked: &Question<'_>, all: Vec<Value>) -> Answer {
        let size = asked.limit.min(self.rules.most_objects);
        let next = asked.offset.saturating_add(size);
        let more = all.len() > next;
        let part: Vec<Value> = all.into_iter().skip(asked.offset).take(size).collect();
        let mut result = Map::new();
        if !part.is_empty() {
            result.insert(key.to_owned(), Value::Array(part));
        }
        if more {
            result.insert("LimitedBy".to_owned(), json!(next));
        }
        let user = place.map(|place| self.stage.world.cabinets[place].id);
        debug_assert!(bearer(call).is_some(), "who asks is known");
        Answer { user, ..Answer::json(200, &json!({ "result": result })) }
    }

    /// Takes units of an advertiser; what is left, or none when there are not enough. Those of the past twenty-four hours count.
    fn spend(&self, place: usize, cost: i64) -> Option<i64> {
        let hour = self.stage.now().timestamp().div_euclid(3_600);
        let mut units = lock(&self.units);
        let used = units.0.entry(place).or_default();
        used.retain(|(at, _)| at + 24 > hour);
        let left = self.rules.units - used.iter().map(|(_, units)| units).sum::<i64>() - cost;
        if left < 0 {
            return None;
        }
        used.push((hour, cost));
        Some(left)
    }
}
