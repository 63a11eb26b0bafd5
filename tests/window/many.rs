//! Windows over a whole agency: many connections at once, the five commonest troubles side by side, and answers that change.

use crate::{
    allowed,
    desk::Desk,
    harness::{Start, Window, comes_true},
    report::{PRESS, Taken},
};
use anyhow::{Context, Result, anyhow, ensure};
use chrono::{Days, TimeDelta, Utc};
use serde_json::{Value, json};
use simulators::{
    faults::{Fault, FaultKind, Hint},
    vk_ads::{Key, Running, Scenario, VkAds},
    world::WorldSize,
};
use std::time::Duration;
use thread_priority::{ThreadPriority, ThreadPriorityValue, set_current_thread_priority};

/// Connections that sync at once.
const MANY: usize = 50;

/// How long a person looks at a screen at least before the next press.
const LOOKS: Duration = Duration::from_millis(300);
/// Rows of ads that they sync together without a word from `SYNCDECK_WINDOW_ROWS`.
const ROWS: usize = 400_000;

/// A platform that gives way to the window: in truth it is another computer, and here it would take its processor from what is measured.
fn elsewhere(scenario: Scenario) -> Result<Running> {
    let start = move || {
        let low = ThreadPriorityValue::try_from(25_u8).map_err(|error| anyhow!("{error}"))?;
        set_current_thread_priority(ThreadPriority::Crossplatform(low)).map_err(|error| anyhow!("{error:?}"))?;
        VkAds::start(scenario)
    };
    // The platform's own threads inherit it.
    std::thread::spawn(start).join().map_err(|_| anyhow!("the platform did not start"))?
}

/// The program over a platform with one agency, and a workspace made as a person makes it.
async fn open(folder: &std::path::Path, platform: &Running) -> Result<(Window, Key)> {
    let key = platform.keys().into_iter().next().context("the platform has a key")?;
    let url_map = format!("https://ads.vk.com={}", platform.base_url);
    let window = Window::open(&Start { workspace: folder, demo: false, url_map }).await?;
    window.prefer("en", "light").await?;
    window.fill("Workspace name", "Polyus Agency").await?;
    window.press("I have saved the key").await?;
    window.press("Create workspace").await?;
    window.reads("There are no clients yet").await?;
    Ok((window, key))
}

/// Connects every cabinet of a key, each for a client of its own, as the wizard does, and answers with the connections.
async fn connect_all(window: &Window, key: &Key, first_load_days: u32) -> Result<Vec<String>> {
    let answers = json!({ "client_id": key.client_id, "client_secret": key.client_secret });
    let start = json!({ "connector": "vk_ads", "answers": answers, "connection_id": null });
    let mut draft = window.ask("draft_start", &start).await?;
    let id = draft["id"].clone();
    while draft["state"] == "testing" {
        tokio::time::sleep(Duration::from_millis(50)).await;
        draft = window.ask("draft_get", &json!({ "id": id })).await?;
    }
    ensure!(draft["state"] == "ready", "the test of the sign-in failed: {draft}");
    let connectors = window.ask("connectors_list", &json!({})).await?;
    let connector = connectors.as_array().into_iter().flatten().find(|connector| connector["id"] == "vk_ads");
    let streams = connector.context("VK Реклама is not in the catalogue")?["streams"].as_array().context("streams")?;
    let streams: Vec<Value> = streams.iter().map(|stream| json!({ "name": stream["name"], "on": true })).collect();
    let picks: Vec<Value> = key
        .cabinets
        .iter()
        .map(|it| json!({ "external_id": it.id.to_string(), "client_id": null, "new_client_name": it.name }))
        .collect();
    let commit = json!({
        "draft_id": id, "picks": picks, "streams": streams, "vat": "excluded", "lookbacks": {},
        "first_load_days": first_load_days,
    });
    let committed = window.ask("draft_commit", &commit).await?;
    let ids = committed["connection_ids"].as_array().context("connections")?;
    Ok(ids.iter().filter_map(|id| id.as_str().map(str::to_owned)).collect())
}

/// Runs under way and queued, without those that rest until their platform allows more.
async fn under_way(window: &Window) -> Result<(usize, usize)> {
    let board = window.ask("syncs_board", &json!({ "client_id": null, "days": 1 })).await?;
    let is_parked = |run: &Value| run["state"] == "waiting" && !run["failure"].is_null();
    let count = |part: &str| board[part].as_array().into_iter().flatten().filter(|run| !is_parked(run)).count();
    Ok((count("running"), count("queued")))
}

/// Whether anything is under way, asked in few bytes: what a walk asks between two presses is work of the page, too.
async fn any_runs(window: &Window) -> Result<bool> {
    Ok(window.ask("app_status", &json!({})).await?["running"].as_u64().context("a number of runs")? > 0)
}

async fn all_over(window: &Window) -> Result<()> {
    comes_true(async || {
        let left = under_way(window).await?;
        ensure!(left == (0, 0), "{left:?} are running and queued");
        Ok(())
    })
    .await
}

/// Presses a button that starts syncs and waits until they are over. That they were started is read from the audit log: between the press
/// and the first run nothing is under way either.
async fn sync(window: &Window, button: &str) -> Result<()> {
    let starts = async || -> Result<usize> {
        let log = window.ask("audit_list", &json!({ "before": null, "limit": 500 })).await?;
        let entries = log["entries"].as_array().context("the audit log has entries")?;
        Ok(entries.iter().filter(|entry| entry["action"] == "run_started").count())
    };
    let before = starts().await?;
    window.press(button).await?;
    comes_true(async || {
        ensure!(starts().await? > before, "{button} started nothing");
        Ok(())
    })
    .await?;
    all_over(window).await
}

/// The system's notifications keep no quiet hours from now on.
async fn disturb_at_any_hour(window: &Window) -> Result<()> {
    let channels = window.ask("channels_list", &json!({})).await?;
    let desktop = channels.as_array().into_iter().flatten().find(|channel| channel["kind"] == "desktop");
    let mut channel = desktop.context("no channel leads to the desktop")?.clone();
    let row = channel.as_object_mut().context("a channel is an object")?;
    for only_shown in ["kind", "state", "failure", "failed_at", "retry_at", "delivered_at", "waiting"] {
        row.remove(only_shown);
    }
    row.insert("secret".to_owned(), Value::Null);
    row.insert("quiet".to_owned(), Value::Null);
    window.ask("channel_save", &channel).await.map(drop)
}

/// The window of a small agency whose cabinets have synced their last week.
struct Small {
    window: Window,
    key: Key,
    week: Value,
    _folder: tempfile::TempDir,
}

impl Small {
    async fn open(cabinets: usize) -> Result<(Self, Running)> {
        let folder = tempfile::tempdir()?;
        let today = (Utc::now() + TimeDelta::hours(3)).date_naive();
        let small = Scenario::small(today);
        let size = WorldSize { agencies: 1, cabinets_per_agency: cabinets, advertisers: 0, ..small.size };
        let platform = VkAds::start(Scenario { size, ..small })?;
        let (window, key) = open(folder.path(), &platform).await?;
        connect_all(&window, &key, 7).await?;
        all_over(&window).await?;
        let week = json!({ "period": { "from": today - Days::new(7), "to": today - Days::new(1) }, "compare": null });
        Ok((Self { window, key, week, _folder: folder }, platform))
    }

    /// What Overview says of the week.
    async fn kept(&self) -> Result<Value> {
        Ok(self.window.ask("overview_get", &self.week).await?["kpis"].clone())
    }
}

/// A person walks about while all clients of an agency sync at once. What was measured is printed, because how fast this computer is
/// decides nothing here; the size of the program is decided.
#[tokio::test]
async fn the_window_answers_while_fifty_connections_sync() -> Result<()> {
    if !allowed() {
        return Ok(());
    }
    let rows = std::env::var("SYNCDECK_WINDOW_ROWS").ok().and_then(|rows| rows.parse().ok()).unwrap_or(ROWS);
    let folder = tempfile::tempdir()?;
    let today = (Utc::now() + TimeDelta::hours(3)).date_naive();
    // The world has five hundred days, of which a year is read.
    let platform = elsewhere(Scenario::wide(MANY, rows * 500 / 365, today))?;
    let (window, key) = open(folder.path(), &platform).await?;
    let connections = connect_all(&window, &key, 365).await?;
    ensure!(connections.len() == MANY, "{} connections", connections.len());
    window.press("Syncs").await?;
    window.measure().await?;
    let on = |title: &str, part: &str| {
        format!("inSight('h1')[0]?.textContent === {title:?} && inSight({part:?}).length > 0")
    };
    let screens = [
        ("overview", "inSight('main [data-metric]').length > 0".to_owned(), "Overview"),
        ("clients", on("Clients", "main [data-row]"), "Clients"),
        ("integrations", on("Integrations", "main a"), "Integrations"),
        ("syncs", on("Syncs", "main [data-testid^=run-]"), "Syncs"),
    ];
    let mut taken = Taken::default();
    let mut rounds = 0;
    while any_runs(&window).await? {
        for (screen, shown, pressed) in &screens {
            window.point(pressed).await?;
            tokio::time::sleep(LOOKS).await;
            let millis = window.time(shown, window.press(pressed)).await?;
            if !any_runs(&window).await? {
                break;
            }
            taken.add(&format!("{PRESS}{screen}"), millis);
        }
        let screen = window.text().await?;
        ensure!(!screen.contains("NaN"), "a number is not one:\n{screen}");
        rounds += 1;
    }
    ensure!(rounds >= 2, "the syncs were over after {rounds} rounds; more rows are needed on this computer");
    let noted = window.measured().await?;
    let kept = taken.page(&noted)?;
    ensure!(kept >= 0.25, "the page kept {:.0} % of its heartbeats", kept * 100.0);
    all_over(&window).await?;
    // The same in a quiet window: what of it the syncs cost.
    window.press("Audit log").await?;
    for _ in 0..5 {
        for (screen, shown, pressed) in &screens {
            window.point(pressed).await?;
            tokio::time::sleep(LOOKS).await;
            taken.add(&format!("quiet {screen}"), window.time(shown, window.press(pressed)).await?);
        }
    }
    let failed = json!({ "client_id": null, "connection_id": null, "filter": "failed", "before": null, "limit": 9 });
    let failed = window.ask("runs_list", &failed).await?;
    ensure!(failed["runs"].as_array().is_some_and(Vec::is_empty), "{failed}");
    let (peak, files) = window.memory()?;
    eprintln!(
        "window {MANY} connections in {rounds} rounds; the program held {peak:.0} MB at most, {files:.0} MB of it files"
    );
    ensure!(peak - files < 350.0, "the program held {peak:.0} MB, {files:.0} MB of it files");
    window.close().await?;
    let promised = std::env::var("SYNCDECK_WINDOW_MILLIS").ok().and_then(|most| most.parse().ok());
    taken.print(promised)
}

/// What a trouble looks like to a person, in English and Russian.
struct Trouble {
    cabinet: usize,
    fault: Fault,
    /// What the list of syncs calls it.
    listed: &'static str,
    /// The first words of what the connection's page says, and the one button that helps.
    said: [(&'static str, &'static str); 2],
}

/// The commonest troubles of connections; being offline meets all of them and comes last.
fn troubles() -> [Trouble; 3] {
    [
        Trouble {
            cabinet: 0,
            fault: Fault::always(FaultKind::RevokeToken),
            listed: "Access revoked",
            said: [("Access to", "Sign in again"), ("Доступ к кабинету", "Войти снова")],
        },
        Trouble {
            cabinet: 1,
            fault: Fault::always(FaultKind::ServerError { status: 503 }),
            listed: "The platform is down",
            said: [("answers with error 503", "Retry now"), ("отвечает ошибкой 503", "Повторить сейчас")],
        },
        Trouble {
            cabinet: 2,
            fault: Fault::always(FaultKind::Throttle { hint: Hint::After { secs: 7_200 } }),
            listed: "Waiting for quota",
            said: [
                ("given everything allowed for now", "Show the run"),
                ("всё, что пока разрешено", "Показать запуск"),
            ],
        },
    ]
}

/// Opens the page of a connection from the list of syncs.
async fn open_connection(window: &Window, language: usize, account: &str) -> Result<()> {
    window.press(["Syncs", "Синхронизации"][language]).await?;
    window.press(account).await
}

/// Each of the commonest troubles says what happened in both languages, what was kept, and has the one button that helps; the data of
/// before stay, and when the trouble is over the button makes everything well.
#[tokio::test]
async fn every_common_trouble_says_what_it_is_and_has_its_button() -> Result<()> {
    if !allowed() {
        return Ok(());
    }
    let desk = Desk::open().await?;
    let (small, platform) = Small::open(5).await?;
    let Small { window, key, .. } = &small;
    let before = small.kept().await?;
    disturb_at_any_hour(window).await?;

    let troubles = troubles();
    for trouble in &troubles {
        platform.faults().add(trouble.fault.clone().of(key.cabinets[trouble.cabinet].id));
    }
    window.press("Syncs").await?;
    sync(window, "Sync all").await?;
    for trouble in &troubles {
        window.mentions(trouble.listed).await?;
    }
    // What only a person can mend is said on the desktop, once; what goes over by itself is not.
    comes_true(async || {
        let shown = desk.shown();
        ensure!(shown.len() == 1, "{shown:?}");
        ensure!(shown[0].contains(&key.cabinets[0].name), "{shown:?}");
        Ok(())
    })
    .await?;
    for (number, language) in ["en", "ru"].into_iter().enumerate() {
        window.prefer(language, "light").await?;
        for trouble in &troubles {
            let (said, button) = trouble.said[number];
            open_connection(window, number, &key.cabinets[trouble.cabinet].name).await?;
            window.mentions(said).await?;
            window.reads(button).await?;
            window.picture(&format!("trouble-{}-{language}", trouble.cabinet)).await?;
        }
    }
    window.prefer("en", "light").await?;
    ensure!(small.kept().await? == before, "a trouble changed what was there");

    // Over again: the buttons make everything well.
    platform.faults().clear();
    open_connection(window, 0, &key.cabinets[0].name).await?;
    window.press("Sign in again").await?;
    window.fill("Key (client_id)", &key.client_id).await?;
    window.fill("Secret (client_secret)", &key.client_secret).await?;
    window.press("Test the sign-in").await?;
    window.press("Save the sign-in").await?;
    window.reads("Sign-in saved").await?;
    window.press("Close").await?;
    open_connection(window, 0, &key.cabinets[1].name).await?;
    sync(window, "Retry now").await?;
    window.press("Syncs").await?;
    for trouble in &troubles[..2] {
        comes_true(async || {
            let text = window.text().await?;
            ensure!(!text.contains(trouble.listed), "{} is still told", trouble.listed);
            Ok(())
        })
        .await?;
    }

    // Without a network: everything is said, and everything that was there stays.
    platform.stop();
    sync(window, "Sync all").await?;
    for (number, (said, button)) in
        [("this computer may be offline", "Retry now"), ("возможно, нет сети", "Повторить сейчас")]
            .into_iter()
            .enumerate()
    {
        window.prefer(["en", "ru"][number], "light").await?;
        open_connection(window, number, &key.cabinets[3].name).await?;
        window.mentions(said).await?;
        window.reads(button).await?;
    }
    ensure!(small.kept().await? == before, "being offline changed what was there");
    ensure!(desk.shown().len() == 1, "being offline is no news: {:?}", desk.shown());
    small.window.close().await
}

/// A change of a platform's answers, and how a person meets it in English and Russian.
struct Changed {
    fault: Fault,
    /// What it is called, what was and what is, as the list says it.
    said: [[&'static str; 3]; 2],
    /// The button of the answer to it, in the language in which it is given.
    answer: (usize, &'static str),
}

/// A field that is new, one that is gone, and a word that nobody knew.
fn changes() -> [Changed; 3] {
    let anew = |kind, path: &str| Fault::always(kind).on(path);
    [
        Changed {
            fault: anew(FaultKind::NewFields, "ad_plans.json"),
            said: [
                ["A new field “brand_new_member”", "Before: nothing", "Now: list"],
                ["Новое поле «brand_new_member»", "Было: ничего", "Стало: список"],
            ],
            answer: (0, "Accept: A new field “brand_new_member”"),
        },
        Changed {
            fault: anew(FaultKind::MissingField { field: "cpm".to_owned() }, "statistics/ad_plans"),
            said: [
                ["The field “base.cpm” is gone", "Before: text", "Now: nothing"],
                ["Поле «base.cpm» исчезло", "Было: текст", "Стало: ничего"],
            ],
            answer: (1, "Скрыть: Поле «base.cpm» исчезло"),
        },
        Changed {
            fault: anew(FaultKind::UnknownEnum, "banners.json"),
            said: [
                ["A new value “quantum_paused” in “status”", "Before: active, blocked, deleted", "Now: quantum_paused"],
                [
                    "Новое значение «quantum_paused» в поле «status»",
                    "Было: active, blocked, deleted",
                    "Стало: quantum_paused",
                ],
            ],
            answer: (1, "Принять: Новое значение «quantum_paused» в поле «status»"),
        },
    ]
}

/// When a platform answers otherwise than before, the connection says so in both languages and leads to what was and what is; what was
/// decided is never asked again, although the platform goes on, and no number has changed meanwhile.
#[tokio::test]
async fn changed_answers_are_told_on_their_connection_and_decided_once() -> Result<()> {
    if !allowed() {
        return Ok(());
    }
    let (small, platform) = Small::open(3).await?;
    let Small { window, key, .. } = &small;
    let before = small.kept().await?;
    let sync_all = async || -> Result<()> {
        window.press("Syncs").await?;
        sync(window, "Sync all").await
    };
    let all_of = json!({ "connection_id": null, "all": false });
    let open_changes = async || -> Result<Value> { window.ask("drift_list", &all_of).await };
    ensure!(open_changes().await? == json!([]), "the first sync only learns");

    let changes = changes();
    for (change, cabinet) in changes.iter().zip(&key.cabinets) {
        platform.faults().add(change.fault.clone().of(cabinet.id));
    }
    sync_all().await?;
    ensure!(small.kept().await? == before, "a change of answers changed what was there");
    let alerts = async || window.ask("alerts_list", &json!({ "client_id": null })).await;

    // The connection says it, its button opens the list with what was and what is; so does the button behind the bell.
    let words = [
        ["Answers of the platform", "Changes of form", "1 change waits for a decision"],
        ["Ответы платформы", "Изменения формы", "1 изменение ждёт решения"],
    ];
    // The bell counts what is open: a word that nobody knew is in quarantine, too, which is told for itself.
    let bells = [
        ["Alerts: ", "The platform's answers have changed", "Open changes"],
        ["Оповещения: ", "Ответы платформы изменились", "Открыть изменения"],
    ];
    for (number, language) in ["en", "ru"].into_iter().enumerate() {
        window.prefer(language, "light").await?;
        for (at, (change, cabinet)) in changes.iter().zip(&key.cabinets).enumerate() {
            open_connection(window, number, &cabinet.name).await?;
            let [title, button, waits] = words[number];
            window.mentions(title).await?;
            window.picture(&format!("changed-{at}-{language}-connection")).await?;
            window.press(button).await?;
            window.mentions(waits).await?;
            for said in change.said[number] {
                window.mentions(said).await?;
            }
            window.picture(&format!("changed-{at}-{language}")).await?;
        }
        let [bell, title, button] = bells[number];
        window.press_first(&format!("button[aria-label^={bell:?}]")).await?;
        window.mentions(title).await?;
        window.picture(&format!("changed-bell-{language}")).await?;
        window.press(button).await?;
        window.mentions(words[number][2]).await?;
    }

    // Each is answered where it is shown, in either language and either way, and is gone from its connection.
    for (change, cabinet) in changes.iter().zip(&key.cabinets) {
        let (number, answer) = change.answer;
        window.prefer(["en", "ru"][number], "light").await?;
        open_connection(window, number, &cabinet.name).await?;
        window.press(words[number][1]).await?;
        window.press(answer).await?;
        window.reads(["Answers have the form that is known", "Ответы такие, как и раньше"][number]).await?;
        open_connection(window, number, &cabinet.name).await?;
        window.mentions(&cabinet.name).await?;
        comes_true(async || {
            let text = window.text().await?;
            ensure!(!text.contains(words[number][1]), "{} still tells of a change", cabinet.name);
            Ok(())
        })
        .await?;
    }

    // The platform goes on as it does now, and nobody is asked again.
    window.prefer("en", "light").await?;
    sync_all().await?;
    ensure!(open_changes().await? == json!([]), "{}", open_changes().await?);
    comes_true(async || {
        let told = alerts().await?;
        let rows = told["groups"].as_array().into_iter().flatten().filter_map(|group| group["alerts"].as_array());
        let asked = rows.flatten().filter(|row| row["kind"] == "schema_drift" && row["state"] == "open").count();
        ensure!(asked == 0, "{told}");
        Ok(())
    })
    .await?;
    ensure!(small.kept().await? == before, "what was decided changed what was there");
    small.window.close().await
}
