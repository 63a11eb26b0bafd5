//! Which cabinets a key of VK Реклама sees, and a first look into one. Sources: ads.vk.com/doc/api (User, AgencyClients,
//! Statistics v2).
//!
//! An agency's own token cannot read its clients' campaigns, so each client's cabinet becomes an account of its own that is
//! selected by its user name; `signin` then asks for that cabinet's token.

use super::{errors::VkPolicy, signin};
use async_trait::async_trait;
use chrono::{Days, NaiveDate};
use kit::{
    http::{Http, HttpRequest},
    policy::Policy,
    session::Session,
    source::{Account, AccountSample, CheckEvent},
};
use manifest::source::Native;
use model::{
    failure::{Code, Failure},
    money::{Currency, Micros},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use std::{collections::BTreeMap, sync::Arc};

/// Clients per page: the documented most.
const CLIENTS_PER_PAGE: u64 = 50;
/// Days of spend shown as evidence.
const SAMPLE_DAYS: u64 = 30;

/// What of VK Реклама is written in Rust.
#[derive(Debug, Clone, Copy, Default)]
pub struct VkAds;

#[derive(Deserialize)]
struct User {
    id: u64,
    #[serde(default)]
    username: String,
    #[serde(default)]
    firstname: Option<String>,
    #[serde(default)]
    lastname: Option<String>,
    #[serde(default)]
    currency: Option<String>,
    #[serde(default)]
    types: Vec<String>,
}

impl User {
    fn name(&self) -> String {
        let parts = [self.firstname.as_deref(), self.lastname.as_deref()];
        let name =
            parts.into_iter().flatten().map(str::trim).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
        if name.is_empty() { self.username.clone() } else { name }
    }
    fn currency(&self) -> Option<Currency> {
        self.currency.as_deref().and_then(|code| code.parse().ok())
    }
}

#[derive(Deserialize)]
struct Page<T> {
    count: u64,
    items: Vec<T>,
}

#[derive(Deserialize)]
struct Client {
    user: ClientUser,
}

#[derive(Deserialize)]
struct ClientUser {
    id: u64,
    username: String,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    additional_info: Option<ClientInfo>,
}

#[derive(Deserialize)]
struct ClientInfo {
    #[serde(default)]
    client_name: Option<String>,
    #[serde(default)]
    name: Option<String>,
}

impl ClientUser {
    fn account(self, currency: Option<Currency>) -> Account {
        let info = self.additional_info;
        let names = info.map(|info| [info.client_name, info.name]).into_iter().flatten().flatten();
        let name = names.map(|name| name.trim().to_owned()).find(|name| !name.is_empty());
        let mut config = Map::new();
        config.insert(signin::AGENCY_CLIENT_NAME.to_owned(), Value::from(self.username.clone()));
        Account { external_id: self.id.to_string(), name: name.unwrap_or(self.username), currency, config }
    }
}

#[derive(Deserialize)]
struct Report {
    items: Vec<Item>,
}
#[derive(Deserialize)]
struct Item {
    #[serde(default)]
    rows: Vec<Row>,
}
#[derive(Deserialize)]
struct Row {
    date: NaiveDate,
    base: Base,
}
#[derive(Deserialize)]
struct Base {
    #[serde(default)]
    shows: i64,
    #[serde(default)]
    spent: Option<String>,
}

async fn get<T: DeserializeOwned>(session: &Session, http: &Http, request: HttpRequest) -> Result<T, Failure> {
    http.send(&request, &VkPolicy, &session.cancel).await?.json_as()
}

impl VkAds {
    fn address(session: &Session, resource: &str) -> Result<HttpRequest, Failure> {
        let host = signin::host(&session.config)?;
        let mut request = HttpRequest::get(format!("{host}/api/v2/{resource}.json"));
        resource.split('/').next().unwrap_or_default().clone_into(&mut request.scope);
        Ok(request)
    }

    /// All cabinets of an agency or a manager.
    async fn clients(
        session: &Session,
        http: &Http,
        resource: &str,
        currency: Option<Currency>,
    ) -> Result<Vec<Account>, Failure> {
        let mut accounts = Vec::new();
        let mut seen = 0;
        loop {
            let request = Self::address(session, resource)?
                .query("limit", CLIENTS_PER_PAGE)
                .query("offset", seen)
                .query("_is_vkads", "true");
            let page: Page<Client> = get(session, http, request).await?;
            let found = page.items.len() as u64;
            seen += found;
            // A deleted client keeps its entry, but nobody can sign in to its cabinet any more.
            let living = page.items.into_iter().filter(|client| client.user.status.as_deref() != Some("deleted"));
            accounts.extend(living.map(|client| client.user.account(currency)));
            if found == 0 || seen >= page.count {
                if seen != page.count {
                    return Err(http.failure(Code::TotalMismatch).with("expected", page.count).with("found", seen));
                }
                return Ok(accounts);
            }
        }
    }
}

#[async_trait]
impl Native for VkAds {
    fn signed_in(&self, session: &Session) -> Result<Option<Http>, Failure> {
        signin::signed_in(session).map(Some)
    }

    fn policy(&self) -> Option<Arc<dyn Policy>> {
        Some(Arc::new(VkPolicy))
    }

    async fn accounts(
        &self,
        session: &Session,
        tell: &(dyn Fn(CheckEvent) + Send + Sync),
    ) -> Result<Vec<Account>, Failure> {
        tell(CheckEvent::Started { step: "sign_in" });
        let http = signin::signed_in(session)?;
        let user: User = get(session, &http, Self::address(session, "user")?).await?;
        let name = user.name();
        tell(CheckEvent::Done {
            step: "sign_in",
            params: BTreeMap::from([("user", name.clone()), ("name", name.clone())]),
        });
        tell(CheckEvent::Started { step: "accounts" });
        let has = |kind: &str| user.types.iter().any(|found| found == kind);
        let accounts = if has("agency") {
            Self::clients(session, &http, "agency/clients", user.currency()).await?
        } else if has("manager") {
            Self::clients(session, &http, "manager/clients", user.currency()).await?
        } else {
            vec![Account { external_id: user.id.to_string(), name, currency: user.currency(), config: Map::new() }]
        };
        tell(CheckEvent::Done { step: "accounts", params: BTreeMap::from([("count", accounts.len().to_string())]) });
        Ok(accounts)
    }

    async fn sample(&self, session: &Session, today: NaiveDate) -> Result<AccountSample, Failure> {
        let http = signin::signed_in(session)?;
        let user: User = get(session, &http, Self::address(session, "user")?).await?;
        let plans = Self::address(session, "ad_plans")?.query("limit", 1).query("_status__in", "active,blocked");
        let plans: Page<Value> = get(session, &http, plans).await?;
        let from = today.checked_sub_days(Days::new(SAMPLE_DAYS - 1)).unwrap_or(today);
        let days = Self::address(session, "statistics/users/day")?
            .query("id", user.id)
            .query("date_from", from)
            .query("date_to", today)
            .query("metrics", "base");
        let report: Report = get(session, &http, days).await?;
        let rows: Vec<Row> = report.items.into_iter().flat_map(|item| item.rows).collect();
        let mut spend = Micros::ZERO;
        for row in &rows {
            if let Some(text) = &row.base.spent {
                let changed = |_| http.failure(Code::VendorChanged).with("what", "base.spent");
                spend += Micros::parse(text).map_err(changed)?;
            }
        }
        Ok(AccountSample {
            currency: user.currency(),
            campaigns: Some(u32::try_from(plans.count).unwrap_or(u32::MAX)),
            spend_30d: Some(spend),
            // Days without delivery come as zeros, so the last day with an impression is the last day with data.
            last_data: rows.iter().filter(|row| row.base.shows > 0).map(|row| row.date).max(),
        })
    }
}
