//! The starter of a source of one's own, as a person takes it: checked, kept, connected and synced against a system over HTTP, in the form in
//! which it is handed out and with each of the choices that stand in it as comments.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use api::host::{Host, HostOptions};
use axum::{
    Router,
    body::Body,
    http::{Request, Response, request::Parts},
};
use chrono::{TimeZone, Utc};
use kit::testing::VirtualClock;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    fmt::Write,
    sync::{Arc, Mutex},
    time::Duration,
};
use tempfile::TempDir;

const SECRET: &str = "token-3f8b1c77d0";
const PATIENCE: Duration = Duration::from_mins(1);
/// Days with a row each; more than a page, so that paging shows.
const DAYS: std::ops::RangeInclusive<u32> = 1..=15;
const PAGE: usize = 4;

/// How the system wants to be asked, which is what the starter's choices are about.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Ways {
    token: &'static str,
    days_in_path: bool,
    csv: bool,
    pages: &'static str,
}

const HANDED_OUT: Ways = Ways { token: "header", days_in_path: false, csv: false, pages: "none" };

struct System {
    ways: Ways,
    asked: Mutex<Vec<String>>,
}

impl System {
    async fn open(ways: Ways) -> (Arc<Self>, String) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let system = Arc::new(Self { ways, asked: Mutex::default() });
        let answering = Arc::clone(&system);
        let app = Router::new().fallback(move |request: Request<Body>| {
            let system = Arc::clone(&answering);
            async move { system.answer(&request.into_parts().0) }
        });
        tokio::spawn(async move { axum::serve(listener, app).await });
        (system, base)
    }

    fn answer(&self, request: &Parts) -> Response<Body> {
        let reply = |status: u16, body: String| Response::builder().status(status).body(Body::from(body)).unwrap();
        let Ways { token, days_in_path, csv, pages } = self.ways;
        let query = request.uri.query().unwrap_or_default();
        let asked: HashMap<&str, &str> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
        let header = |name: &str| request.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let given = match token {
            "header" => header("x-api-key"),
            "bearer" => header("authorization").and_then(|value| value.strip_prefix("Bearer ").map(str::to_owned)),
            _ => asked.get("token").map(|token| (*token).to_owned()),
        };
        if given.as_deref() != Some(SECRET) {
            return reply(401, json!({"error": "who are you"}).to_string());
        }
        let path = request.uri.path().strip_prefix("/v1/statistics").unwrap_or("?");
        let days = match (days_in_path, path) {
            (false, "") => asked.get("from").zip(asked.get("to")).map(|(from, to)| (*from, *to)),
            (true, path) => path.strip_prefix('/').and_then(|path| path.split_once('/')),
            _ => None,
        };
        let Some((from, to)) = days else { return reply(404, json!({"error": "no days"}).to_string()) };
        self.asked.lock().unwrap().push(request.uri.to_string());
        let rows: Vec<(String, u32)> = DAYS
            .map(|day| (format!("2026-11-{day:02}"), day))
            .filter(|(date, _)| (from..=to).contains(&date.as_str()))
            .collect();
        let number = |name: &str, or: usize| asked.get(name).map_or(or, |text| text.parse().unwrap());
        let skip = match pages {
            "page" => (number("page", 1) - 1) * PAGE,
            "offset" if asked.get("limit") == Some(&"4") => number("offset", 0),
            "offset" => return reply(400, json!({"error": "no limit"}).to_string()),
            "cursor" => number("cursor", 0),
            _ => 0,
        };
        let size = if pages == "none" { rows.len() } else { PAGE };
        let next = Some(skip + size).filter(|next| pages == "cursor" && *next < rows.len());
        let rows = rows.iter().skip(skip).take(size);
        if csv {
            let mut text = "date;campaign_id;impressions;clicks;cost\n".to_owned();
            for (date, day) in rows {
                writeln!(text, "{date};autumn;1000;{day};1.50").unwrap();
            }
            return reply(200, text);
        }
        let items: Vec<Value> = rows
            .map(|(date, day)| json!({"date": date, "campaign_id": "autumn", "impressions": 1000, "clicks": day, "cost": 1.5}))
            .collect();
        reply(200, json!({"data": {"items": items}, "next": next}).to_string())
    }
}

struct Office {
    host: Host,
    _folder: TempDir,
}

impl Office {
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut options = HostOptions::new(folder.path().join("workspace"));
        options.clock = VirtualClock::at(Utc.with_ymd_and_hms(2026, 11, 20, 6, 0, 0).unwrap());
        options.passphrase = Some("nine lanterns along the quay".to_owned().into());
        let office = Self { host: Host::start(options).await, _folder: folder };
        office.ask("workspace_draft", json!({})).await;
        let new = json!({"name": "Office", "currency": "RUB", "time_zone": "Europe/Moscow", "lock": "passphrase", "passphrase": "nine lanterns along the quay"});
        office.ask("workspace_create", new).await;
        office
    }

    async fn ask(&self, command: &str, request: Value) -> Value {
        let answer = tokio::time::timeout(PATIENCE, self.host.call(command, request)).await.expect("a command hangs");
        answer.unwrap_or_else(|refusal| panic!("{command}: {refusal:?}"))
    }

    /// Takes a manifest the whole way and answers with the sums of what came of it.
    async fn sums(&self, name: &str, manifest: &str, mapping: &str) -> Value {
        let text = json!({"manifest": manifest, "mapping": mapping, "file_name": null, "copy_of": null});
        let report = self.ask("manifest_inspect", text).await;
        assert_eq!(report["problems"], json!([]), "{name}");
        assert_eq!(report["streams"][0]["fidelity"], "runs", "{name}: {report}");
        assert_eq!(report["secrets"], json!(["token"]), "{name}");
        let import = json!({"manifest": manifest, "mapping": mapping, "name": name, "licence": null, "origin": null, "copy_of": null});
        let connector = self.ask("manifest_import", import).await["connector"].clone();
        let request = json!({"connector": connector, "answers": {"token": SECRET}, "connection_id": null});
        let mut draft = self.ask("draft_start", request).await;
        while draft["state"] == "testing" {
            tokio::time::sleep(Duration::from_millis(10)).await;
            draft = self.ask("draft_get", json!({"id": draft["id"]})).await;
        }
        assert_eq!(draft["state"], "ready", "{name}: {draft}");
        let request = json!({
            "draft_id": draft["id"], "streams": [{"name": "statistics", "on": true}], "vat": "excluded", "lookbacks": {}, "first_load_days": 30,
            "picks": [{"external_id": draft["accounts"][0]["external_id"], "client_id": null, "new_client_name": name}],
        });
        let committed = self.ask("draft_commit", request).await;
        loop {
            let run = self.ask("run_get", json!({"id": committed["run_ids"][0]})).await["run"].clone();
            match run["state"].as_str().unwrap() {
                "queued" | "running" | "waiting" => tokio::time::sleep(Duration::from_millis(10)).await,
                state => {
                    assert_eq!(state, "done", "{name}: {run}");
                    break;
                }
            }
        }
        let detail = self.ask("connection_get", json!({"id": committed["connection_ids"][0]})).await;
        let stats = json!({
            "client_id": detail["connection"]["client_id"], "period": {"from": "2026-11-01", "to": "2026-11-19"},
            "compare": null, "level": "campaign",
        });
        self.ask("client_stats", stats).await["total"].clone()
    }
}

/// Takes the n-th alternative that stands commented under a line, as a person does.
fn choose(manifest: &str, key: &str, alternative: usize) -> String {
    let trimmed = |line: &str| line.trim_start().to_owned();
    let lines: Vec<&str> = manifest.lines().collect();
    let live = lines.iter().position(|line| trimmed(line).starts_with(&format!("{key}:"))).expect(key);
    let chosen = live + alternative;
    assert!(trimmed(lines[chosen]).starts_with(&format!("#{key}:")), "{key} has no alternative {alternative}");
    let changed = lines.iter().enumerate().map(|(at, line)| {
        let indent = &line[..line.len() - line.trim_start().len()];
        match at {
            at if at == live => format!("{indent}#{}", line.trim_start()),
            at if at == chosen => format!("{indent}{}", &line.trim_start()[1..]),
            _ => (*line).to_owned(),
        }
    });
    changed.map(|line| line + "\n").collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_starter_runs_as_it_is_handed_out_and_with_each_of_its_choices() {
    let office = Office::open().await;
    let starter = office.ask("manifest_starter", json!({})).await;
    let mapping = starter["mapping"]["en"].as_str().unwrap();
    let manifest = |language: &str| starter["manifest"][language].as_str().unwrap().to_owned();
    let mut chosen = 0;
    for (name, language, ways, choices) in [
        ("as handed out", "en", HANDED_OUT, vec![]),
        ("as handed out, in Russian", "ru", HANDED_OUT, vec![]),
        (
            "days in the path",
            "en",
            Ways { days_in_path: true, ..HANDED_OUT },
            vec![("path", 1), ("request_parameters", 1)],
        ),
        ("a bearer", "ru", Ways { token: "bearer", ..HANDED_OUT }, vec![("authenticator", 1)]),
        ("the token in the query", "en", Ways { token: "query", ..HANDED_OUT }, vec![("authenticator", 2)]),
        ("CSV", "en", Ways { csv: true, ..HANDED_OUT }, vec![("decoder", 1), ("record_selector", 1)]),
        ("pages by number", "en", Ways { pages: "page", ..HANDED_OUT }, vec![("paginator", 1)]),
        ("pages by offset", "en", Ways { pages: "offset", ..HANDED_OUT }, vec![("paginator", 2)]),
        ("pages by a mark", "en", Ways { pages: "cursor", ..HANDED_OUT }, vec![("paginator", 3)]),
    ] {
        let (system, base) = System::open(ways).await;
        let mut text = manifest(language).replace("https://api.example.com", &base);
        text = text.replace("page_size: 100", &format!("page_size: {PAGE}"));
        for (key, alternative) in &choices {
            text = choose(&text, key, *alternative);
        }
        chosen += choices.len();
        let total = office.sums(name, &text, mapping).await;
        let sums = (&total["impressions"], &total["clicks"], &total["spend"]);
        assert_eq!(sums, (&json!(15_000), &json!(120), &json!(22_500_000)), "{name}: {total}");
        let asked = system.asked.lock().unwrap();
        // Four pages of fifteen days.
        let last = match ways.pages {
            "page" => "page=4",
            "offset" => "offset=12",
            "cursor" => "cursor=12",
            _ => "",
        };
        assert!(asked.iter().any(|url| url.contains(last)), "{name}: {asked:?}");
    }
    let offered = manifest("en")
        .lines()
        .filter(|line| line.trim_start().starts_with('#') && !line.trim_start().starts_with("# "))
        .count();
    assert_eq!(chosen, offered, "every choice of the starter was tried");
}
