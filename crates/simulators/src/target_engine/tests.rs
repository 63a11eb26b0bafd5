//! The simulator against itself and against the dossier, through a plain HTTP client as a connector would use it.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::time::Duration as Wait;

use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};

use super::*;
use crate::faults::{Fault, FaultKind, Hint};
use crate::vk_ads::{Rows, VkAds};
use crate::world::{Figures, Level};

const TODAY: &str = "2026-06-15";

fn today() -> NaiveDate {
    TODAY.parse().unwrap()
}

fn quiet() -> Scenario {
    Scenario { time: TimeFlow::Manual, ..Scenario::small(today()) }
}

/// A client signed in to one cabinet.
struct Desk {
    sim: Running,
    http: Client,
    key: Key,
    access: String,
    refresh: String,
}

impl Desk {
    async fn open(scenario: Scenario) -> Self {
        let sim = VkAds::start(scenario).unwrap();
        let http = Client::builder().gzip(true).build().unwrap();
        let key = sim.keys()[0].clone();
        let mut desk = Self { sim, http, key, access: String::new(), refresh: String::new() };
        let grant = if desk.is_agency() { "agency_client_credentials" } else { "client_credentials" };
        let cabinet = desk.cabinet().to_string();
        let token = body(desk.sign_in(&[("grant_type", grant), ("agency_client_id", &cabinet)]).await).await;
        desk.access = token["access_token"].as_str().unwrap().to_owned();
        desk.refresh = token["refresh_token"].as_str().unwrap().to_owned();
        desk
    }

    fn is_agency(&self) -> bool {
        self.key.owner_id != self.key.cabinets[0].id
    }

    fn cabinet(&self) -> u64 {
        self.key.cabinets[0].id
    }

    async fn sign_in(&self, form: &[(&str, &str)]) -> Response {
        self.sign_in_as(&self.key, form).await
    }

    async fn sign_in_as(&self, key: &Key, form: &[(&str, &str)]) -> Response {
        let mut form = form.to_vec();
        if !form.iter().any(|(name, _)| *name == "client_secret") {
            form.push(("client_secret", &key.client_secret));
        }
        form.push(("client_id", &key.client_id));
        self.http.post(format!("{}/api/v2/oauth2/token.json", self.sim.base_url)).form(&form).send().await.unwrap()
    }

    async fn try_get(&self, path: &str) -> reqwest::Result<Response> {
        self.http.get(format!("{}{path}", self.sim.base_url)).bearer_auth(&self.access).send().await
    }

    async fn get(&self, path: &str) -> Response {
        self.try_get(path).await.unwrap()
    }

    async fn json(&self, path: &str) -> Value {
        let reply = self.get(path).await;
        assert_eq!(reply.status(), StatusCode::OK, "{path}");
        body(reply).await
    }

    /// All pages of a list.
    async fn all(&self, path_and_query: &str, limit: usize) -> Vec<Value> {
        let mut items = Vec::new();
        loop {
            let page = self.json(&format!("{path_and_query}&limit={limit}&offset={}", items.len())).await;
            let got = page["items"].as_array().unwrap().clone();
            assert_eq!(page["limit"], json!(limit));
            let short = got.len() < limit;
            items.extend(got);
            if short {
                assert_eq!(page["count"], json!(items.len()), "the total is the number of objects");
                return items;
            }
        }
    }

    async fn statistics(&self, objects: &str, ids: &[u64], from: &str, to: &str) -> Value {
        let ids = ids.iter().map(u64::to_string).collect::<Vec<_>>().join(",");
        let query = format!("id={ids}&date_from={from}&date_to={to}&metrics=base,events,uniques,romi");
        self.json(&format!("/api/v2/statistics/{objects}/day.json?{query}")).await
    }
}

async fn body(reply: Response) -> Value {
    serde_json::from_slice(&reply.bytes().await.unwrap()).unwrap()
}

async fn refusal(reply: Response) -> (u16, String) {
    let status = reply.status().as_u16();
    let body = body(reply).await;
    let code = body["error"]["code"].as_str().or_else(|| body["code"].as_str());
    (status, code.unwrap_or_default().to_owned())
}

/// Reads decimal text as kopecks, exactly.
fn kopecks(text: &Value) -> i64 {
    let text = text.as_str().unwrap();
    let (whole, part) = text.split_once('.').unwrap_or((text, "00"));
    assert_eq!(part.len(), 2, "{text}");
    whole.parse::<i64>().unwrap() * 100 + part.parse::<i64>().unwrap()
}

fn figures(metrics: &Value) -> Figures {
    let base = &metrics["base"];
    Figures {
        impressions: base["shows"].as_i64().unwrap(),
        clicks: base["clicks"].as_i64().unwrap(),
        spend_kopecks: kopecks(&base["spent"]),
        conversions: base["vk"]["goals"].as_i64().unwrap(),
        revenue_kopecks: kopecks(&metrics["romi"]["value"]),
    }
}

fn sum(rows: impl IntoIterator<Item = Figures>) -> Figures {
    rows.into_iter().fold(Figures::default(), |mut total, one| {
        total += one;
        total
    })
}

#[tokio::test]
async fn every_level_adds_up_to_the_truth() {
    let desk = Desk::open(quiet()).await;
    let truth = desk.sim.truth();
    let (from, to) = ("2026-05-01", "2026-06-15");
    let days = 46;
    let wanted = truth.cabinet(desk.cabinet(), from.parse().unwrap(), to.parse().unwrap()).unwrap();
    assert!(wanted.totals.conversions > 0 && wanted.totals.spend_kopecks > 0, "a world without figures proves nothing");
    for (objects, level, rows) in [
        ("banners", Level::Ad, wanted.ads),
        ("ad_groups", Level::Group, wanted.ad_groups),
        ("ad_plans", Level::Campaign, wanted.campaigns),
        ("users", Level::Cabinet, Rows { objects: 1, rows: days, rows_with_delivery: 0 }),
    ] {
        let ids = truth.objects(level, desk.cabinet()).unwrap();
        let report = desk.statistics(objects, &ids, from, to).await;
        let items = report["items"].as_array().unwrap();
        let all_rows: Vec<&Value> = items.iter().flat_map(|item| item["rows"].as_array().unwrap()).collect();
        assert_eq!(all_rows.len() as u64, rows.rows, "{objects}: zero days are present");
        assert_eq!(sum(all_rows.iter().map(|row| figures(row))), wanted.totals, "{objects}: rows");
        assert_eq!(sum(items.iter().map(|item| figures(&item["total"]))), wanted.totals, "{objects}: object totals");
        assert_eq!(figures(&report["total"]), wanted.totals, "{objects}: grand total");
        for item in items {
            let of_object =
                truth.object(level, item["id"].as_u64().unwrap(), from.parse().unwrap(), to.parse().unwrap());
            assert_eq!(Some(figures(&item["total"])), of_object, "{objects} {}", item["id"]);
        }
    }
}

#[tokio::test]
async fn summary_is_the_whole_history_whatever_the_dates() {
    let desk = Desk::open(quiet()).await;
    let truth = desk.sim.truth();
    let id = desk.cabinet();
    let path = format!(
        "/api/v2/statistics/users/summary.json?id={id}&metrics=base,romi&date_from=2026-06-01&date_to=2026-06-02"
    );
    let report = desk.json(&path).await;
    assert_eq!(Some(figures(&report["items"][0]["total"])), truth.totals(id, truth.first_day(), truth.today()));
    assert!(report["items"][0].get("rows").is_none());
}

#[tokio::test]
async fn a_reply_has_the_vendors_shape() {
    let desk = Desk::open(quiet()).await;
    let truth = desk.sim.truth();
    let plan = truth.objects(Level::Campaign, desk.cabinet()).unwrap()[0];
    let report = desk.statistics("ad_plans", &[plan], "2026-06-14", "2026-06-30").await;
    let rows = report["items"][0]["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 2, "days that have not come are not there");
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
    assert_eq!(names(&rows[0]), "date base events uniques romi");
    assert_eq!(names(&rows[0]["base"]), "shows clicks goals spent cpm cpc cpa ctr cr vk");
    assert_eq!(names(&rows[0]["uniques"]), "reach total increment initial_total frequency");
    assert_eq!(rows[0]["date"], "2026-06-14");
    let only_base = desk
        .json(&format!("/api/v2/statistics/ad_plans/day.json?id={plan}&date_from=2026-01-01&date_to=2026-01-01"))
        .await;
    let row = &only_base["items"][0]["rows"][0];
    assert_eq!(names(row), "date base", "base is the default set");
    assert_eq!(
        row["base"],
        json!({
            "shows": 0, "clicks": 0, "goals": 0, "spent": "0", "cpm": "0", "cpc": "0", "cpa": "0", "ctr": 0, "cr": 0,
            "vk": { "goals": 0, "cpa": 0, "cr": 0 }
        }),
        "nothing is written as the vendor writes it"
    );
}

#[tokio::test]
async fn lists_page_completely_and_hide_what_was_removed() {
    let desk = Desk::open(Scenario { time: TimeFlow::Manual, today: Some(today()), ..Scenario::demo() }).await;
    let truth = desk.sim.truth();
    let everything = "_status__in=active,blocked,deleted";
    for (path, level) in [("ad_plans", Level::Campaign), ("ad_groups", Level::Group), ("banners", Level::Ad)] {
        let wanted: BTreeSet<u64> = truth.objects(level, desk.cabinet()).unwrap().into_iter().collect();
        for limit in [7, 50, 250] {
            let items = desk.all(&format!("/api/v2/{path}.json?fields=id,name,status&{everything}"), limit).await;
            let got: BTreeSet<u64> = items.iter().map(|item| item["id"].as_u64().unwrap()).collect();
            assert_eq!(got, wanted, "{path} by {limit}");
            assert_eq!(items.len(), wanted.len(), "{path} by {limit}: no object twice");
        }
        let shown = desk.all(&format!("/api/v2/{path}.json?fields=id,status"), 250).await;
        assert!(shown.iter().all(|item| item["status"] != "deleted"), "{path}");
        let removed = desk.all(&format!("/api/v2/{path}.json?fields=id&_status=deleted"), 250).await;
        assert_eq!(shown.len() + removed.len(), wanted.len(), "{path}");
    }
    assert!(!desk.all("/api/v2/banners.json?_status__in=deleted", 250).await.is_empty(), "the demo has removed ads");
}

#[tokio::test]
async fn filters_order_and_fields_work_as_documented() {
    let desk = Desk::open(quiet()).await;
    let plain = desk.json("/api/v2/ad_plans.json").await;
    assert_eq!(plain["limit"], 20);
    let first = &plain["items"][0];
    assert_eq!(first.as_object().unwrap().keys().collect::<Vec<_>>(), ["id", "name"], "only default fields");
    let ids: Vec<u64> = plain["items"].as_array().unwrap().iter().map(|it| it["id"].as_u64().unwrap()).collect();
    let down = desk.json("/api/v2/ad_plans.json?sorting=-id").await;
    let reversed: Vec<u64> = down["items"].as_array().unwrap().iter().map(|it| it["id"].as_u64().unwrap()).collect();
    assert_eq!(reversed, ids.iter().rev().copied().collect::<Vec<_>>());
    let two = desk.json(&format!("/api/v2/ad_plans.json?_id__in={},{}", ids[0], ids[1])).await;
    assert_eq!(two["count"], 2);
    let others = desk.json(&format!("/api/v2/ad_plans.json?_id__ne={}", ids[0])).await;
    assert_eq!(others["count"], json!(ids.len() - 1));
    let groups =
        desk.all(&format!("/api/v2/ad_groups.json?fields=id,ad_plan_id,updated&_ad_plan_id__in={}", ids[0]), 250).await;
    assert!(!groups.is_empty() && groups.iter().all(|group| group["ad_plan_id"] == json!(ids[0])));
    let moment = groups[0]["updated"].as_str().unwrap();
    assert!(chrono::NaiveDateTime::parse_from_str(moment, "%Y-%m-%d %H:%M:%S").is_ok(), "{moment}");
    let banners = desk.all("/api/v2/banners.json?fields=id,urls,ad_group_id&_ad_group_status=active", 250).await;
    assert!(banners[0]["urls"]["primary"]["url"].as_str().unwrap().starts_with("https://"));
}

#[tokio::test]
async fn refusals_are_the_vendors() {
    let desk = Desk::open(quiet()).await;
    let foreign = desk.sim.truth().objects(Level::Ad, desk.key.cabinets[1].id).unwrap()[0];
    let own = desk.sim.truth().objects(Level::Ad, desk.cabinet()).unwrap()[0];
    let many = (1..=201).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    let day = "date_from=2026-06-01&date_to=2026-06-02";
    let stats = "/api/v2/statistics";
    for (path, status, code) in [
        (format!("{stats}/banners/day.json?id={many}&{day}"), 400, "ERR_LIMIT_EXCEEDED"),
        (format!("{stats}/banners/day.json?id={own},{foreign}&{day}"), 400, "ERR_WRONG_BANNERS"),
        (format!("{stats}/ad_groups/day.json?id={own}&{day}"), 400, "ERR_WRONG_ADGROUPS"),
        (format!("{stats}/ad_plans/day.json?id={own}&{day}"), 400, "ERR_WRONG_ADPLANS"),
        (format!("{stats}/users/day.json?id={}&{day}", desk.key.cabinets[1].id), 400, "ERR_WRONG_USERS"),
        (
            format!("{stats}/banners/day.json?id={own}&date_from=2025-06-01&date_to=2026-06-02"),
            400,
            "ERR_LIMIT_EXCEEDED",
        ),
        (format!("{stats}/banners/day.json?id={own}&date_from=2026-06-03&date_to=2026-06-02"), 400, "ERR_WRONG_DATE"),
        (format!("{stats}/banners/day.json?id={own}&date_from=01.06.2026"), 400, "ERR_WRONG_DATE"),
        (format!("{stats}/banners/day.json?id={own}"), 400, "ERR_WRONG_PARAMETER"),
        (format!("{stats}/banners/day.json?{day}"), 400, "ERR_WRONG_PARAMETER"),
        (format!("{stats}/banners/day.json?id=x&{day}"), 400, "ERR_WRONG_PARAMETER"),
        (format!("{stats}/banners/day.json?id={own}&{day}&metrics=base,magic"), 400, "ERR_WRONG_PARAMETER"),
        (format!("{stats}/banners/day.json?id={own}&{day}&limit=10"), 400, "ERR_WRONG_PARAMETER"),
        (format!("{stats}/banners/week.json?id={own}&{day}"), 404, "ERR_WRONG_RESOURCE"),
        (format!("{stats}/hats/day.json?id={own}&{day}"), 404, "ERR_WRONG_RESOURCE"),
        ("/api/v2/ad_plans.json?limit=251".to_owned(), 400, "validation_failed"),
        ("/api/v2/ad_plans.json?limit=0".to_owned(), 400, "validation_failed"),
        ("/api/v2/ad_plans.json?limit=ten".to_owned(), 400, "validation_failed"),
        ("/api/v2/ad_plans.json?fields=id,ad_groups".to_owned(), 400, "validation_failed"),
        ("/api/v2/ad_plans.json?_objective=leadads".to_owned(), 400, "validation_failed"),
        ("/api/v2/ad_plans.json?_status=paused".to_owned(), 400, "validation_failed"),
        ("/api/v2/ad_plans.json?page=2".to_owned(), 400, "validation_failed"),
        ("/api/v2/ad_plans.json?sorting=created".to_owned(), 400, "validation_failed"),
        ("/api/v2/agency/clients.json".to_owned(), 403, "forbidden"),
        ("/api/v2/unheard_of.json".to_owned(), 404, "not_found"),
    ] {
        assert_eq!(refusal(desk.get(&path).await).await, (status, code.to_owned()), "{path}");
    }
    let edge = format!("{stats}/banners/day.json?id={own}&date_from=2025-06-15&date_to=2026-06-15");
    assert_eq!(desk.get(&edge).await.status(), 200, "366 days are allowed");
    let posted = desk.http.post(format!("{}/api/v2/ad_plans.json", desk.sim.base_url)).send().await.unwrap();
    assert_eq!(refusal(posted).await, (405, "method_not_allowed".to_owned()));
    let huge = desk.http.post(format!("{}/api/v2/oauth2/token.json", desk.sim.base_url)).body(vec![b'x'; 1_100_000]);
    assert_eq!(huge.send().await.unwrap().status(), 413);
}

#[tokio::test]
async fn an_agency_sees_its_clients_and_not_their_campaigns() {
    let mut desk = Desk::open(quiet()).await;
    let token = body(desk.sign_in(&[("grant_type", "client_credentials")]).await).await;
    desk.access = token["access_token"].as_str().unwrap().to_owned();
    assert_eq!(token["expires_in"], "86400", "text, as the vendor sends it");
    let clients = desk.all("/api/v2/agency/clients.json?_is_vkads=true", 50).await;
    let names: Vec<&str> = clients.iter().map(|it| it["user"]["username"].as_str().unwrap()).collect();
    assert_eq!(names, desk.key.cabinets.iter().map(|it| it.username.as_str()).collect::<Vec<_>>());
    let one = desk.json(&format!("/api/v2/agency/clients.json?_user__id__in={}", desk.cabinet())).await;
    assert_eq!((&one["count"], &one["items"][0]["access_type"]), (&json!(1), &json!("full_access")));
    assert_eq!(refusal(desk.get("/api/v2/ad_plans.json").await).await, (403, "forbidden".to_owned()));
    let id = desk.cabinet();
    let stats = format!("/api/v2/statistics/users/day.json?id={id}&date_from=2026-06-01&date_to=2026-06-01");
    assert_eq!(refusal(desk.get(&stats).await).await, (403, "ERR_ACCESS_DENIED".to_owned()));
    let by_name = [("grant_type", "agency_client_credentials"), ("agency_client_name", names[1])];
    let client = body(desk.sign_in(&by_name).await).await;
    desk.access = client["access_token"].as_str().unwrap().to_owned();
    assert_eq!(desk.json("/api/v2/user.json").await["username"], names[1]);
    let other = desk.sim.keys()[1].clone();
    let stranger = [("grant_type", "agency_client_credentials"), ("agency_client_name", &other.cabinets[0].username)];
    assert_eq!(refusal(desk.sign_in(&stranger).await).await, (401, "invalid_user".to_owned()));
    let consent = desk.sign_in_as(&other, &[("grant_type", "client_credentials")]).await;
    let consent = body(consent).await["access_token"].as_str().unwrap().to_owned();
    let with_consent = [stranger[0], stranger[1], ("access_token", &consent)];
    assert_eq!(desk.sign_in(&with_consent).await.status(), 200, "the other agency's token opens its clients");
    let own = desk.sim.keys()[2].clone();
    let advertiser = desk.sign_in_as(&own, &stranger).await;
    assert_eq!(refusal(advertiser).await, (403, "forbidden".to_owned()));
    desk.access = body(desk.sign_in_as(&own, &[("grant_type", "client_credentials")]).await).await["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(desk.json("/api/v2/user.json").await["types"], json!(["advert"]));
    assert!(
        !desk.all("/api/v2/ad_plans.json?fields=id", 250).await.is_empty(),
        "an advertiser reads its own campaigns"
    );
}

#[tokio::test]
async fn tokens_are_five_and_a_refresh_kills_the_old_one() {
    let desk = Desk::open(quiet()).await;
    let cabinet = desk.cabinet().to_string();
    let form = [("grant_type", "agency_client_credentials"), ("agency_client_id", cabinet.as_str())];
    for left in (0..4).rev() {
        assert_eq!(body(desk.sign_in(&form).await).await["tokens_left"], left);
    }
    assert_eq!(refusal(desk.sign_in(&form).await).await, (403, "token_limit_exceeded".to_owned()));
    let again = [("grant_type", "refresh_token"), ("refresh_token", desk.refresh.as_str())];
    let renewed = body(desk.sign_in(&again).await).await;
    assert_eq!(renewed["refresh_token"], json!(desk.refresh), "it stays unless rotation is on");
    let reply = desk.get("/api/v2/user.json").await;
    let header = reply.headers()["www-authenticate"].to_str().unwrap().to_owned();
    assert!(header.contains("error=\"invalid_token\""), "{header}");
    assert_eq!(refusal(reply).await, (401, "invalid_token".to_owned()));
    assert_eq!(desk.sim.requests().counts().tokens_issued, 6);
    let purge = format!("{}/api/v2/oauth2/token/delete.json", desk.sim.base_url);
    let id = desk.cabinet().to_string();
    let form =
        [("client_id", desk.key.client_id.as_str()), ("client_secret", &desk.key.client_secret), ("user_id", &id)];
    assert_eq!(desk.http.post(purge).form(&form).send().await.unwrap().status(), 204);
    assert!(desk.sim.token_secrets().is_empty());
}

#[tokio::test]
async fn a_rotating_refresh_token_works_once() {
    let rules = TokenRules { rotate_refresh: true, ..TokenRules::default() };
    let desk = Desk::open(Scenario { tokens: rules, ..quiet() }).await;
    let again = [("grant_type", "refresh_token"), ("refresh_token", desk.refresh.as_str())];
    let renewed = body(desk.sign_in(&again).await).await;
    assert_ne!(renewed["refresh_token"], json!(desk.refresh));
    assert_eq!(refusal(desk.sign_in(&again).await).await, (401, "invalid_token".to_owned()));
}

#[tokio::test]
async fn tokens_age_with_the_clock() {
    let desk = Desk::open(quiet()).await;
    desk.sim.calendar().advance_seconds(86_399);
    assert_eq!(desk.get("/api/v2/user.json").await.status(), 200);
    desk.sim.calendar().advance_seconds(1);
    let reply = desk.get("/api/v2/user.json").await;
    assert!(reply.headers()["www-authenticate"].to_str().unwrap().contains("expired_token"));
    assert_eq!(refusal(reply).await, (401, "expired_token".to_owned()));
    let again = [("grant_type", "refresh_token"), ("refresh_token", desk.refresh.as_str())];
    assert_eq!(desk.sign_in(&again).await.status(), 200, "the refresh token outlives the access token");
    desk.sim.calendar().advance_days(31);
    assert_eq!(desk.get("/api/v2/user.json").await.status(), 401);
    let cabinet = desk.cabinet().to_string();
    let form = [("grant_type", "agency_client_credentials"), ("agency_client_id", cabinet.as_str())];
    assert_eq!(body(desk.sign_in(&form).await).await["tokens_left"], 4, "unused tokens are forgotten after a month");
}

#[tokio::test]
async fn bad_keys_and_forms_are_refused() {
    let desk = Desk::open(quiet()).await;
    for (form, status, code) in [
        (vec![("grant_type", "client_credentials"), ("client_secret", "wrong")], 401, "invalid_client"),
        (vec![("grant_type", "password")], 400, "unsupported_grant_type"),
        (vec![("scope", "read_ads")], 400, "validation_failed"),
        (vec![("grant_type", "refresh_token")], 400, "validation_failed"),
        (vec![("grant_type", "refresh_token"), ("refresh_token", "made up")], 401, "invalid_token"),
        (vec![("grant_type", "agency_client_credentials")], 400, "validation_failed"),
    ] {
        assert_eq!(refusal(desk.sign_in(&form).await).await, (status, code.to_owned()), "{form:?}");
    }
    let bare = desk.http.get(format!("{}/api/v2/user.json", desk.sim.base_url)).send().await.unwrap();
    assert_eq!(refusal(bare).await, (401, "unauthorized".to_owned()));
}

#[tokio::test]
async fn limits_follow_calendar_windows() {
    let limits = Limits { per_second: 3, per_hour: 5, per_day: 7 };
    let desk = Desk::open(Scenario { limits, ..quiet() }).await;
    let clock = desk.sim.calendar();
    // Start at the beginning of an hour, early in the day, so that every step below is within known windows.
    let to_next_day = 86_400 - u32::try_from(clock.now_secs().rem_euclid(86_400)).unwrap();
    clock.advance_seconds(to_next_day);
    let cabinet = desk.cabinet().to_string();
    let token =
        body(desk.sign_in(&[("grant_type", "agency_client_credentials"), ("agency_client_id", &cabinet)]).await).await;
    let desk = Desk { access: token["access_token"].as_str().unwrap().to_owned(), ..desk };
    let clock = desk.sim.calendar();
    let statuses = async |count: usize| {
        let mut all = Vec::new();
        for _ in 0..count {
            all.push(desk.get("/api/v2/ad_plans.json").await.status().as_u16());
        }
        all
    };
    assert_eq!(statuses(4).await, [200, 200, 200, 429], "three in a second");
    let reply = desk.get("/api/v2/ad_plans.json").await;
    assert_eq!(reply.headers()["x-ratelimit-rps-remaining"], "0");
    assert_eq!(reply.headers()["x-ratelimit-hourly-remaining"], "2");
    assert!(reply.headers().get("retry-after").is_none());
    assert_eq!(
        body(reply).await,
        json!({ "limits": { "1": 3, "3600": 5, "86400": 7 }, "remaining": { "1": 0, "3600": 2, "86400": 4 } })
    );
    assert_eq!(desk.get("/api/v2/ad_groups.json").await.status(), 200, "each resource has its own count");
    clock.advance_seconds(1);
    assert_eq!(statuses(3).await, [200, 200, 429], "five in an hour");
    let report = desk.json("/api/v2/throttling.json").await;
    assert_eq!(report["ADPLANS"]["v2"]["READ"]["remaining"], json!({ "1": 1, "3600": 0, "86400": 2 }));
    clock.advance_seconds(3_600);
    assert_eq!(statuses(3).await, [200, 200, 429], "seven in a day");
}

#[tokio::test]
async fn yesterday_moves_and_the_past_rests() {
    let desk = Desk::open(quiet()).await;
    let id = desk.cabinet();
    let yesterday = today() - Duration::days(1);
    let then = desk.sim.truth();
    let mut seen = vec![then.totals(id, yesterday, yesterday).unwrap()];
    let old = today() - Duration::days(40);
    let settled = then.totals(id, then.first_day(), old).unwrap();
    for step in [1, 2, 30] {
        desk.sim.calendar().advance_days(step);
        seen.push(desk.sim.truth().totals(id, yesterday, yesterday).unwrap());
    }
    assert!(seen.windows(2).all(|pair| pair[0].conversions <= pair[1].conversions), "{seen:?}");
    assert!(seen[0].conversions < seen[3].conversions, "conversions come late: {seen:?}");
    assert!(
        seen[0].clicks > seen[2].clicks && seen[0].spend_kopecks > seen[2].spend_kopecks,
        "fraud is taken out: {seen:?}"
    );
    assert_eq!((seen[2].clicks, seen[2].spend_kopecks), (seen[3].clicks, seen[3].spend_kopecks), "then it rests");
    assert!(seen.iter().all(|it| it.impressions == seen[0].impressions));
    let later = desk.sim.truth();
    assert_eq!(
        later.totals(id, later.first_day(), old).unwrap(),
        settled,
        "what is older than thirty days never moves"
    );
}

#[test]
fn the_same_seed_tells_the_same_story_on_another_day() {
    let demo = |seed: u64, day: &str| {
        let sim = VkAds::start(Scenario { seed, today: Some(day.parse().unwrap()), ..Scenario::demo() }).unwrap();
        let truth = sim.truth();
        let cabinet = truth.cabinets()[0];
        let (from, to) = ("2025-01-01".parse().unwrap(), "2026-01-31".parse().unwrap());
        (truth.totals(cabinet, from, to).unwrap(), sim.keys(), truth.first_day())
    };
    assert_eq!(demo(1, TODAY), demo(1, "2026-06-16"));
    assert_ne!(demo(1, TODAY).0, demo(2, TODAY).0);
}

#[test]
fn the_demo_is_two_agencies_and_eighteen_months() {
    let sim = VkAds::start(Scenario { today: Some(today()), ..Scenario::demo() }).unwrap();
    let truth = sim.truth();
    assert!((truth.today() - truth.first_day()).num_days() >= 546);
    assert_eq!(sim.keys().iter().map(|key| key.cabinets.len()).collect::<Vec<_>>(), [3, 3, 1]);
    for id in truth.cabinets() {
        let cabinet = truth.cabinet(id, truth.first_day(), truth.today()).unwrap();
        assert!((100..500).contains(&cabinet.ads.objects), "{cabinet:?}");
        let month = truth.totals(id, today() - Duration::days(30), today()).unwrap();
        assert!(month.spend_kopecks > 1_000_000, "{}: a live client, {month:?}", cabinet.name);
    }
}

#[tokio::test]
async fn the_large_world_has_exactly_the_rows_asked_for() {
    for rows in [1_000_000, 50_000, 500] {
        let desk = Desk::open(Scenario::large(rows, today())).await;
        let truth = desk.sim.truth();
        let told = truth.cabinet(desk.cabinet(), truth.first_day(), truth.first_day()).unwrap();
        let days = (truth.today() - truth.first_day()).num_days() + 1;
        assert_eq!(told.ads.objects * u64::try_from(days).unwrap(), rows as u64);
    }
}

#[tokio::test]
async fn replies_are_compressed_only_for_those_who_accept_it() {
    let desk = Desk::open(quiet()).await;
    let url = format!("{}/api/v2/banners.json?limit=250&fields=id,name,urls,content", desk.sim.base_url);
    let plain = Client::builder().gzip(false).build().unwrap();
    let reply = plain.get(&url).bearer_auth(&desk.access).header("accept-encoding", "gzip").send().await.unwrap();
    assert_eq!(reply.headers()["content-encoding"], "gzip");
    let packed = reply.bytes().await.unwrap();
    assert_eq!(&packed[..2], [0x1f, 0x8b]);
    let reply = plain.get(&url).bearer_auth(&desk.access).send().await.unwrap();
    assert!(reply.headers().get("content-encoding").is_none());
    let open = reply.bytes().await.unwrap();
    assert!(open.len() > packed.len());
    assert_eq!(
        serde_json::from_slice::<Value>(&open).unwrap(),
        desk.json("/api/v2/banners.json?limit=250&fields=id,name,urls,content").await
    );
}

#[tokio::test]
async fn faults_that_answer_in_the_vendors_words() {
    let desk = Desk::open(quiet()).await;
    let user = "/api/v2/user.json";
    desk.sim.faults().add(Fault::once(FaultKind::Throttle { hint: Hint::After { secs: 2 } }));
    let reply = desk.get(user).await;
    assert_eq!((reply.status().as_u16(), reply.headers()["retry-after"].to_str().unwrap()), (429, "2"));
    desk.sim.faults().add(Fault::once(FaultKind::Throttle { hint: Hint::Windows }));
    let reply = desk.get(user).await;
    assert_eq!((reply.status().as_u16(), reply.headers().get("retry-after")), (429, None));
    let now = desk.sim.calendar().now_utc();
    for (hint, header) in [
        (Hint::Date { secs: 90 }, Some(("retry-after", http_date(now + Duration::seconds(90))))),
        (Hint::ResetAt { secs: 90 }, Some(("x-ratelimit-reset", (now.timestamp() + 90).to_string()))),
        (Hint::ResetIn { secs: 90 }, Some(("ratelimit-reset", "90".to_owned()))),
        (Hint::Nonsense, Some(("retry-after", "soon".to_owned()))),
        (Hint::Body, None),
    ] {
        desk.sim.faults().add(Fault::once(FaultKind::Throttle { hint }));
        let reply = desk.get(user).await;
        assert_eq!((reply.status().as_u16(), reply.headers()["date"].to_str().unwrap()), (429, &*http_date(now)));
        match header {
            Some((name, value)) => assert_eq!(reply.headers()[name].to_str().unwrap(), value, "{hint:?}"),
            None => assert!(!reply.headers().keys().any(|name| name.as_str().contains("ratelimit")), "{hint:?}"),
        }
    }
    desk.sim.faults().add(Fault::once(FaultKind::ErrorInside { code: "ERR_INTERNAL".to_owned() }));
    assert_eq!(refusal(desk.get(user).await).await, (200, "ERR_INTERNAL".to_owned()));
    desk.sim.faults().add(Fault::once(FaultKind::RevokeScope).on("user.json"));
    assert_eq!(desk.get("/api/v2/banners.json").await.status(), 200, "the right to something else is left");
    assert_eq!(refusal(desk.get(user).await).await, (403, "ERR_ACCESS_DENIED".to_owned()));
    for status in [500, 503] {
        desk.sim.faults().add(Fault::once(FaultKind::ServerError { status }));
        assert_eq!(refusal(desk.get(user).await).await, (status, "ERR_INTERNAL".to_owned()));
    }
    for status in [200, 502] {
        desk.sim.faults().add(Fault::once(FaultKind::Html { status }));
        let reply = desk.get(user).await;
        assert_eq!(reply.status().as_u16(), status);
        assert!(reply.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
        assert!(reply.text().await.unwrap().starts_with("<!DOCTYPE html>"));
    }
    assert_eq!(desk.get(user).await.status(), 200, "a fault that struck once is gone");
    desk.sim.faults().add(Fault::once(FaultKind::ExpireToken));
    assert_eq!(refusal(desk.get(user).await).await, (401, "expired_token".to_owned()));
    assert_eq!(refusal(desk.get(user).await).await, (401, "expired_token".to_owned()), "the token stays expired");
    let again = [("grant_type", "refresh_token"), ("refresh_token", desk.refresh.as_str())];
    let renewed = body(desk.sign_in(&again).await).await;
    let desk = Desk { access: renewed["access_token"].as_str().unwrap().to_owned(), ..desk };
    desk.sim.faults().add(Fault::once(FaultKind::ExpireAllTokens));
    assert_eq!(refusal(desk.get(user).await).await, (401, "expired_token".to_owned()));
    desk.sim.faults().add(Fault::always(FaultKind::WrongKey));
    let again = [("grant_type", "refresh_token"), ("refresh_token", desk.refresh.as_str())];
    assert_eq!(refusal(desk.sign_in(&again).await).await, (401, "invalid_client".to_owned()));
    desk.sim.faults().clear();
    let renewed = body(desk.sign_in(&again).await).await;
    let desk = Desk { access: renewed["access_token"].as_str().unwrap().to_owned(), ..desk };
    desk.sim.faults().add(Fault::once(FaultKind::RevokeToken).on("/user").after(1));
    assert_eq!(desk.get(user).await.status(), 200, "revoked in the middle, not at the start");
    assert_eq!(refusal(desk.get(user).await).await, (401, "revoked_token".to_owned()));
    let again = [("grant_type", "refresh_token"), ("refresh_token", desk.refresh.as_str())];
    assert_eq!(refusal(desk.sign_in(&again).await).await, (401, "revoked_token".to_owned()));
}

#[tokio::test]
async fn faults_of_the_line() {
    let desk = Desk::open(quiet()).await;
    let banners = "/api/v2/banners.json?limit=250&fields=id,name,urls";
    let whole = desk.get(banners).await.bytes().await.unwrap().len();
    desk.sim.faults().add(Fault::once(FaultKind::TruncatedBody));
    let plain = Client::builder().gzip(false).build().unwrap();
    let url = format!("{}{banners}", desk.sim.base_url);
    let mut reply = plain.get(&url).bearer_auth(&desk.access).send().await.unwrap();
    assert_eq!(reply.content_length(), Some(whole as u64), "the length promises everything");
    let first = reply.chunk().await.unwrap().unwrap();
    assert!(!first.is_empty() && first.len() < whole);
    assert!(reply.chunk().await.is_err(), "and the line breaks");

    desk.sim.faults().add(Fault::once(FaultKind::BrokenJson));
    let reply = plain.get(&url).bearer_auth(&desk.access).send().await.unwrap();
    let half = reply.bytes().await.unwrap();
    assert_eq!(half.len(), whole / 2);
    assert!(serde_json::from_slice::<Value>(&half).is_err());

    desk.sim.faults().add(Fault::once(FaultKind::Reset));
    assert!(desk.try_get(banners).await.is_err(), "no answer at all");
    assert_eq!(desk.get(banners).await.status(), 200);

    let id = desk.sim.faults().add(Fault::once(FaultKind::Hang));
    let url = format!("{}{banners}", desk.sim.base_url);
    let waiting = desk.http.get(&url).bearer_auth(&desk.access).timeout(Wait::from_millis(300));
    assert!(waiting.send().await.unwrap_err().is_timeout());
    assert_eq!(desk.sim.faults().struck(id), Some(1));

    desk.sim.faults().add(Fault::once(FaultKind::Slow { millis: 1_500 }));
    let waiting = desk.http.get(&url).bearer_auth(&desk.access).timeout(Wait::from_millis(300));
    assert!(waiting.send().await.unwrap_err().is_timeout());

    desk.sim.faults().add(Fault::once(FaultKind::LostAnswer));
    let counted = desk.sim.requests().counts().by_status[&200];
    assert!(desk.try_get(banners).await.is_err(), "no answer");
    assert_eq!(desk.sim.requests().counts().by_status[&200], counted + 1, "and yet it was answered");

    desk.sim.faults().add(Fault::once(FaultKind::WrongLength));
    let mut reply = plain.get(&url).bearer_auth(&desk.access).send().await.unwrap();
    assert_eq!(reply.content_length(), Some(whole as u64 + 9));
    let mut got = 0;
    while let Ok(Some(chunk)) = reply.chunk().await {
        got += chunk.len();
    }
    assert_eq!(got, whole, "everything comes, and less than was promised");

    desk.sim.faults().add(Fault::once(FaultKind::WrongEncoding));
    assert!(desk.get(banners).await.bytes().await.is_err(), "what is not packed cannot be unpacked");

    desk.sim.faults().add(Fault::once(FaultKind::EmptyBody));
    assert!(desk.get(banners).await.bytes().await.unwrap().is_empty());

    desk.sim.faults().add(Fault::once(FaultKind::MalformedText));
    let text = desk.get(banners).await.bytes().await.unwrap();
    assert!(text.len() > whole && std::str::from_utf8(&text).is_err());

    desk.sim.faults().add(Fault::once(FaultKind::Redirect { to: "/hq/login".to_owned() }));
    assert!(desk.get(banners).await.text().await.unwrap().starts_with("<!DOCTYPE html>"));
    let id = desk.sim.faults().add(Fault::always(FaultKind::Redirect { to: String::new() }));
    assert!(desk.try_get(banners).await.unwrap_err().is_redirect(), "round in circles");
    desk.sim.faults().remove(id);

    desk.sim.faults().add(Fault::once(FaultKind::Drip { bytes: 2_000, millis: 30 }));
    let begun = std::time::Instant::now();
    assert_eq!(plain.get(&url).bearer_auth(&desk.access).send().await.unwrap().bytes().await.unwrap().len(), whole);
    assert!(begun.elapsed() > Wait::from_millis(60), "{:?}", begun.elapsed());

    desk.sim.faults().add(Fault::once(FaultKind::HugePage { bytes: 40_000_000 }));
    let page = desk.get(banners).await.bytes().await.unwrap();
    assert!(page.len() > 40_000_000);
    assert!(serde_json::from_slice::<Value>(&page).is_ok(), "large, and still valid");
}

#[tokio::test]
async fn faults_of_content() {
    let desk = Desk::open(quiet()).await;
    let banners = "/api/v2/banners.json?limit=250&fields=id,name,status";
    let id = desk.cabinet();
    let stats = format!("/api/v2/statistics/users/day.json?id={id}&date_from=2026-06-01&date_to=2026-06-07");
    let healthy = desk.json(banners).await;
    let count = healthy["count"].as_i64().unwrap();
    let struck = async |kind: FaultKind, path: &str| {
        desk.sim.faults().add(Fault::once(kind));
        desk.json(path).await
    };
    assert_eq!(struck(FaultKind::LyingTotal { delta: 100 }, banners).await["count"], count + 100);
    assert_eq!(struck(FaultKind::LyingTotal { delta: -3 }, banners).await["count"], count - 3);
    let unknown = struck(FaultKind::UnknownEnum, banners).await;
    assert_eq!(unknown["items"][0]["status"], "quantum_paused");
    let new = struck(FaultKind::NewFields, &stats).await;
    assert!(new["items"][0]["rows"][0]["base"]["attention_index"].is_object());
    let negative = struck(FaultKind::NegativeNumbers, &stats).await;
    assert_eq!(negative["items"][0]["rows"][0]["base"]["shows"], -5);
    let garbage = struck(FaultKind::GarbageNumbers, &stats).await;
    assert_eq!(garbage["items"][0]["rows"][0]["base"]["spent"], "12,34 руб.");
    let missing = struck(FaultKind::MissingField { field: "spent".to_owned() }, &stats).await;
    let base = &missing["items"][0]["rows"][0]["base"];
    assert!(base.get("spent").is_none() && base.get("shows").is_some());
    let empty = struck(FaultKind::EmptyAccount, banners).await;
    assert_eq!((&empty["count"], &empty["items"]), (&json!(0), &json!([])));
    let rows = |report: &Value, place: usize| report["items"][place]["rows"].as_array().unwrap().clone();
    let (whole, objects) = (desk.json(&stats).await, desk.json(&stats).await["items"].as_array().unwrap().len());
    let date: NaiveDate = rows(&whole, 0).last().unwrap()["date"].as_str().unwrap().parse().unwrap();
    let gone = struck(FaultKind::MissingDay { date }, &stats).await;
    assert!((0..objects).all(|place| rows(&gone, place)[..] == rows(&whole, place)[..rows(&whole, place).len() - 1]));
    let halved = struck(FaultKind::HalfDay { date }, &stats).await;
    for place in 0..objects {
        assert_eq!(rows(&halved, place).len(), rows(&whole, place).len() - place % 2, "the object at {place}");
    }
    let copied = struck(FaultKind::CopiedDay { date }, &stats).await;
    let [before, newest] = &rows(&copied, 0)[rows(&copied, 0).len() - 2..] else { panic!("two days") };
    assert_eq!((&before["base"], &newest["date"]), (&newest["base"], &json!(date.to_string())));
    let doubled = struck(FaultKind::DuplicateRows, &stats).await;
    assert_eq!(doubled["items"][0]["rows"].as_array().unwrap().len(), 8);
    let doubled = struck(FaultKind::DuplicateRows, banners).await;
    assert_eq!(doubled["items"][0], doubled["items"][1]);
    assert_eq!(desk.json(banners).await, healthy, "every fault was for once");
}

#[tokio::test]
async fn faults_of_pages() {
    let desk = Desk::open(quiet()).await;
    let page = |offset: usize| format!("/api/v2/banners.json?limit=5&sorting=id&fields=id&offset={offset}");
    let ids = |page: &Value| page["items"].as_array().unwrap().iter().map(|it| it["id"].as_u64().unwrap()).collect();
    let whole = desk.json("/api/v2/banners.json?limit=250&sorting=id&fields=id").await;
    let (all, count): (Vec<u64>, _) = (ids(&whole), whole["count"].as_u64().unwrap());
    let mut reversed = all.clone();
    reversed.reverse();
    for (kind, offset, expected, told) in [
        (FaultKind::RepeatPage, 5, &all[..5], count),
        (FaultKind::ShuffledPage, 5, &reversed[5..10], count),
        (FaultKind::Vanish, 5, &all[6..11], count - 1),
        (FaultKind::Appear, 0, &all[1..6], count - 1),
    ] {
        let id = desk.sim.faults().add(Fault::always(kind.clone()));
        // The other page is as ever, and is not counted.
        let other: Vec<u64> = ids(&desk.json(&page(5 - offset)).await);
        assert_eq!(other, all[5 - offset..10 - offset], "{kind:?}");
        let bent = desk.json(&page(offset)).await;
        assert_eq!((ids(&bent), &bent["count"]), (expected.to_vec(), &json!(told)), "{kind:?}");
        assert_eq!(desk.sim.faults().struck(id), Some(1), "{kind:?}");
        desk.sim.faults().clear();
    }
    // Nothing comes between the pages of a list that has only one.
    let id = desk.sim.faults().add(Fault::always(FaultKind::Appear));
    assert_eq!(desk.json("/api/v2/banners.json?limit=250&sorting=id&fields=id").await, whole);
    assert_eq!(desk.sim.faults().struck(id), Some(0));
}

#[tokio::test]
async fn faults_requests_and_truth_are_reached_over_http() {
    let desk = Desk::open(quiet()).await;
    let base = desk.sim.base_url.clone();
    let sim = |path: &str| format!("{base}/__sim/{path}");
    let order =
        r#"{"kind":"throttle","hint":{"style":"after","secs":3},"path":"/banners","times":2,"after_requests":1}"#;
    let added = body(desk.http.post(sim("faults")).body(order).send().await.unwrap()).await;
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(desk.get("/api/v2/banners.json").await.status().as_u16());
        assert_eq!(desk.get("/api/v2/ad_plans.json").await.status(), 200, "another path is not touched");
    }
    assert_eq!(statuses, [200, 429, 429, 200]);
    let listed = body(desk.http.get(sim("faults")).send().await.unwrap()).await;
    assert_eq!(listed["faults"][0]["struck"], 2);
    assert_eq!(listed["faults"][0]["id"], added["id"]);
    desk.http.delete(sim("faults")).send().await.unwrap();
    assert!(desk.sim.faults().list().is_empty());
    let wrong = desk.http.post(sim("faults")).body(r#"{"kind":"earthquake"}"#).send().await.unwrap();
    assert_eq!(wrong.status(), 400);

    let log = body(desk.http.get(sim("requests")).send().await.unwrap()).await;
    assert_eq!(log["counts"]["by_path"]["/api/v2/banners.json"], 4);
    assert_eq!(log["counts"]["tokens_issued"], 1);
    let text = log.to_string();
    assert!(!text.contains(&desk.access) && !text.contains(&desk.key.client_secret), "the log holds no secrets");

    let id = desk.cabinet();
    let path = format!("truth?cabinet={id}&date_from=2026-06-01&date_to=2026-06-03&by=day");
    let told = body(desk.http.get(sim(&path)).send().await.unwrap()).await;
    let truth = desk.sim.truth().cabinet(id, "2026-06-01".parse().unwrap(), "2026-06-03".parse().unwrap());
    assert_eq!(told["cabinets"][0]["totals"], json!(truth.unwrap().totals));
    assert_eq!(told["cabinets"][0]["days"].as_object().unwrap().len(), 3);
    let moved = body(desk.http.post(sim("clock")).body(r#"{"advance_days":1}"#).send().await.unwrap()).await;
    assert_eq!(moved["today"], "2026-06-16");
    assert_eq!(desk.http.get(sim("truth?cabinet=1")).send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn a_stopped_simulator_is_gone_and_its_port_can_be_taken_again() {
    let desk = Desk::open(quiet()).await;
    let port = desk.sim.base_url.rsplit_once(':').unwrap().1.parse().unwrap();
    assert_eq!(desk.get("/api/v2/user.json").await.status(), 200);
    let Desk { sim, http, access, .. } = desk;
    let url = format!("{}/api/v2/user.json", sim.base_url);
    sim.stop();
    assert!(http.get(&url).bearer_auth(&access).send().await.is_err(), "kept connections are cut too");
    let again = VkAds::start(Scenario { port, ..quiet() }).unwrap();
    let reply = http.get(&url).bearer_auth(&access).send().await.unwrap();
    assert_eq!(refusal(reply).await, (401, "invalid_token".to_owned()), "tokens do not outlive it");
    assert!(VkAds::start(Scenario { port, ..quiet() }).is_err(), "a taken port is an error, not a panic");
    again.stop();
}
