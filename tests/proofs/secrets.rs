//! What must never be written is planted everywhere, everything that can happen happens, and then every byte that was written is
//! searched: for the words themselves and for the forms in which they like to travel.

use crate::{
    harness::{Office, PASSPHRASE, PLATFORM, Wish, days_ago, files, small},
    process::{answer, command},
};
use anyhow::{Context, Result, ensure};
use api::wire::{DraftState, ImportField, ImportPreview};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use model::id::WorkspaceId;
use regex::bytes::Regex;
use serde_json::{Value, json};
use simulators::{
    faults::{Fault, FaultKind},
    vk_ads::{Running, Scenario, VkAds},
};
use std::{
    collections::BTreeSet,
    fmt::Write as _,
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};
use vault::{credential::Vault, passphrase_file::PassphraseFile};

/// Names and addresses of people, planted where people type.
const WORKSPACE_NAME: &str = "Агентство Чёрный Лебедь";
const CLIENT_NAME: &str = "Тайный Заказчик anna.planted@klient.example";
const CAMPAIGN_NAME: &str = "Секретная распродажа planted-campaign";
const NEW_PASSPHRASE: &str = "eleven geese above the quiet river";
/// Part of every e-mail address of the simulated platform.
const MAIL: &str = "@mail.example";

#[tokio::test(flavor = "multi_thread")]
async fn nothing_secret_is_in_files_answers_or_events() -> Result<()> {
    let office = Office::open_in(small(), tempfile::tempdir()?, WORKSPACE_NAME).await?;
    let mut secrets = BTreeSet::new();
    let mut names: BTreeSet<String> = [WORKSPACE_NAME, CLIENT_NAME, CAMPAIGN_NAME, MAIL].map(str::to_owned).into();
    secrets.extend([PASSPHRASE.to_owned(), NEW_PASSPHRASE.to_owned()]);
    secrets.extend(recovery_forms(&office.recovery_key));
    for key in office.platform().keys() {
        names.extend(key.cabinets.iter().map(|cabinet| cabinet.name.clone()).filter(|name| name.chars().count() > 5));
        names.insert(key.owner);
        secrets.insert(key.client_secret);
    }

    // A life with everything in it: good and bad sign-ins, syncs, failures, a file, exports, a look over.
    let keys = office.platform().keys();
    let client = office.client(CLIENT_NAME).await?.id;
    let mut wrong = keys[0].clone();
    wrong.client_secret = "wrong-secret-8bd1e07cf45a".to_owned();
    secrets.insert(wrong.client_secret.clone());
    ensure!(office.tested(&wrong, None).await?.state == DraftState::Failed);
    let committed = office
        .connect(&Wish { key: &keys[0], cabinets: &[0, 1], client, first_load_days: 30, lookback_days: 5 })
        .await?;
    office.done(&committed.run_ids).await?;
    secrets.extend(office.platform().token_secrets());
    let connection = committed.connection_ids[0];
    for fault in [
        Fault::once(FaultKind::ExpireAllTokens),
        Fault::always(FaultKind::ServerError { status: 500 }).on("statistics/"),
        Fault::always(FaultKind::Html { status: 200 }).on("statistics/"),
        Fault::once(FaultKind::Reset).on("statistics/"),
        Fault::always(FaultKind::GarbageNumbers).on("statistics/"),
        Fault::once(FaultKind::RevokeToken).on("statistics/"),
    ] {
        office.platform().faults().add(fault);
        let run = office.start(connection, None).await?;
        office.ended(run).await?;
        office.run(run).await?;
        let _: Value = office.ask("quarantine_list", json!({ "run_id": run, "offset": 0, "limit": 500 })).await?;
        office.platform().faults().clear();
        secrets.extend(office.platform().token_secrets());
    }
    // The secrets are sent again, and the form of the connection is shown again.
    ensure!(office.tested(&keys[0], Some(connection)).await?.state == DraftState::Ready);
    secrets.extend(office.platform().token_secrets());
    let csv = format!(
        "date,campaign,impressions,clicks,cost\n2026-11-02,{CAMPAIGN_NAME},2000,21,110.00\n2026-11-03,{CAMPAIGN_NAME},x,1,1\n"
    );
    let preview: ImportPreview =
        office.ask("import_open", json!({ "name": "planted.csv", "content_base64": STANDARD.encode(csv) })).await?;
    let fields: Vec<ImportField> = preview.columns.iter().map(|column| column.guess).collect();
    let check = json!({ "upload_id": preview.upload_id, "client_id": client, "connector": "file_import", "source_name": "Другая площадка", "fields": fields, "currency": "RUB", "vat": "unknown" });
    let _: Value = office.ask("import_commit", json!({ "check": check.clone() })).await?;
    let mut exports = Vec::new();
    for kind in ["csv", "json"] {
        let stats = json!({ "client_id": client, "period": { "from": days_ago(30), "to": days_ago(1) }, "compare": null, "level": "ad" });
        let file: Value = office.ask("stats_export", json!({ "stats": stats, "kind": kind })).await?;
        exports.push(file["content"].as_str().context("an export")?.to_owned());
    }
    ensure!(exports.iter().all(|export| export.len() > 1_000), "the exports are empty: the test is blind");
    for (command, request) in [
        ("app_status", json!({})),
        ("doctor_run", json!({})),
        ("connections_list", json!({})),
        ("connectors_list", json!({})),
        ("audit_list", json!({ "before": null, "limit": 500 })),
        ("syncs_board", json!({ "client_id": null, "days": 30 })),
        (
            "runs_list",
            json!({ "client_id": null, "connection_id": null, "filter": "all", "before": null, "limit": 500 }),
        ),
    ] {
        let _: Value = office.ask(command, request).await?;
    }

    // What is sent to whoever helps.
    let bundle: Value = office.ask("diagnostics_export", json!({})).await?;
    let bundle = bundle["content"].as_str().context("a diagnostic file")?.to_owned();

    // Files while the database is open (its log holds the last import), and once more after it was closed and recovered.
    let _: Value = office.ask("import_commit", json!({ "check": check })).await?;
    let key = |passphrase: &str| -> Result<String> {
        let header: Value = serde_json::from_slice(&std::fs::read(office.dir().join("workspace.json"))?)?;
        let id: WorkspaceId = serde_json::from_value(header["id"].clone())?;
        let file = PassphraseFile::open(&office.dir().join("vault.sealed"), &passphrase.to_owned().into())?;
        let key = Vault::new(Arc::new(file), id).workspace_key()?.context("a key")?;
        Ok(hex(key.as_bytes()))
    };
    secrets.insert(key(PASSPHRASE)?);
    let private: BTreeSet<String> = secrets.union(&names).cloned().collect();
    let everything = Search::new(&private)?;
    let only_secrets = Search::new(&secrets)?;
    let mut unsendable = private.clone();
    unsendable.extend(keys[0].cabinets.iter().map(|cabinet| cabinet.username.clone()).filter(|name| name.len() >= 8));
    unsendable.extend(keys[0].cabinets.iter().map(|cabinet| cabinet.id.to_string()).filter(|id| id.len() >= 8));
    unsendable.insert(keys[0].client_id.clone());
    unsendable.insert(office.dir().to_string_lossy().into_owned());
    Search::new(&unsendable)?.clean("the diagnostic file", bundle.as_bytes())?;
    let told: Value = serde_json::from_str(&bundle)?;
    let failed = |code: &str| {
        told["runs"].as_array().into_iter().flatten().any(|run| run["failure"]["code"] == code && run["log"].is_array())
    };
    ensure!(
        failed("sign_in_revoked") && failed("platform_down") && bundle.contains("client-1"),
        "the diagnostic file tells nothing: {bundle}"
    );
    ensure!(
        bundle.contains("https://ads.vk.com/api/v2/") && told["traffic"][0]["errors"].as_u64() > Some(0),
        "the diagnostic file shows no requests: {bundle}"
    );
    let open = files(office.dir())?;
    ensure!(
        open.iter().any(|(path, bytes)| path.ends_with("workspace.db-wal") && bytes.len() > 4_096),
        "no log to search"
    );
    sealed(&everything, &open)?;
    office.host.shutdown().await;
    let host = api::host::Host::start(api::host::HostOptions { passphrase: None, ..office.options() }).await;
    let recover = json!({ "recovery_key": office.recovery_key, "lock": "passphrase", "passphrase": NEW_PASSPHRASE });
    let recovered = host.call("workspace_recover", recover).await.map_err(|error| anyhow::anyhow!("{error:?}"))?;
    host.shutdown().await;
    sealed(&everything, &files(office.dir())?)?;

    let mut said = office.said();
    said.push(recovered.to_string());
    said.extend(exports);
    ensure!(said.len() > 100, "only {} answers and events: the test is blind", said.len());
    for text in said {
        only_secrets.clean("an answer, an event or an export", text.as_bytes())?;
    }
    ensure!(
        office.said().iter().any(|text| text.contains("anna.planted@klient.example")),
        "the names never got there: the test is blind"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_secret_is_in_logs_or_in_what_the_system_tells_of_a_process() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (workspace, logs) = (folder.path().join("workspace"), folder.path().join("logs"));
    std::fs::create_dir(&logs)?;
    let today = model::date::today(chrono::Utc::now(), "Europe/Moscow");
    let platform = VkAds::start(Scenario::small(today))?;
    let key = platform.keys().remove(0);
    let mut secrets: BTreeSet<String> =
        [PASSPHRASE, NEW_PASSPHRASE, key.client_secret.as_str()].map(str::to_owned).into();
    let put = |name: &str, text: &str| -> Result<String> {
        let path = folder.path().join(name);
        std::fs::write(&path, text)?;
        Ok(path.to_string_lossy().into_owned())
    };
    let (passphrase, new_passphrase) = (put("passphrase", PASSPHRASE)?, put("new-passphrase", NEW_PASSPHRASE)?);
    let client_secret = put("client-secret", &format!("{}\n", key.client_secret))?;
    let session = Session { workspace: &workspace, logs: &logs, platform: &platform };

    let created = session.ends(
        "create",
        &["--passphrase-file", &passphrase, "create", "--name", WORKSPACE_NAME, "--lock", "passphrase"],
    )?;
    let created: Value = serde_json::from_str(&created)?;
    let recovery_key = created["recovery_key"].as_str().context("a recovery key")?.to_owned();
    secrets.extend(recovery_forms(&recovery_key));
    let recovery_file = put("recovery-key", &recovery_key)?;

    let open = ["--passphrase-file", passphrase.as_str()];
    let with = |rest: &[&str]| -> Vec<String> { open.iter().chain(rest).map(|word| (*word).to_owned()).collect() };
    let mut printed = vec![session.ends("clients", &with(&["clients", "add", CLIENT_NAME]))?];
    // Slow enough that the process can be looked at while it works with the secret.
    platform.faults().add(Fault::always(FaultKind::Slow { millis: 40 }));
    let (client_id, secret) = (format!("client_id={}", key.client_id), format!("client_secret=file:{client_secret}"));
    let account = key.cabinets[0].id.to_string();
    let connect =
        ["connect", "vk_ads", "--set", &client_id, "--secret", &secret, "--account", &account, "--client", CLIENT_NAME];
    let (answer, told) = session.watched("connect", &with(&connect))?;
    printed.push(answer);
    platform.faults().clear();
    secrets.extend(platform.token_secrets());

    printed.push(session.ends("sync", &with(&["sync"]))?);
    platform.faults().add(Fault::once(FaultKind::ServerError { status: 500 }).on("statistics/"));
    platform.faults().add(Fault::once(FaultKind::ExpireAllTokens));
    printed.push(session.ends("sync-500", &with(&["sync"]))?);
    platform.faults().clear();
    secrets.extend(platform.token_secrets());
    platform.faults().add(Fault::once(FaultKind::RevokeToken).on("statistics/"));
    printed.push(session.fails("sync-revoked", &with(&["sync"]))?);
    platform.faults().clear();
    let (csv, json) = (folder.path().join("export.csv"), folder.path().join("export.json"));
    let (from, to) = ((today - chrono::Days::new(30)).to_string(), today.to_string());
    for file in [&csv, &json] {
        let file = file.to_string_lossy();
        printed.push(session.ends(
            "stats",
            &with(&["stats", "--client", CLIENT_NAME, "--from", &from, "--to", &to, "--export", &file]),
        )?);
    }
    let bundle = folder.path().join("bundle.json");
    // A connection waits for a sign-in, so not everything is fine, and the exit code says so.
    let doctor = ["doctor", "--bundle", &bundle.to_string_lossy()];
    printed.push(session.fails("doctor", &with(&doctor))?);
    printed.push(session.fails("locked", &[&"clients"])?);
    printed.push(session.fails("wrong", &["--passphrase-file", &recovery_file, "clients"])?);
    let recovery_from = format!("file:{recovery_file}");
    printed.push(session.ends(
        "recover",
        &["--passphrase-file", &new_passphrase, "recover", "--key-from", &recovery_from, "--lock", "passphrase"],
    )?);

    let only_secrets = Search::new(&secrets)?;
    for text in &printed {
        only_secrets.clean("what a command printed", text.as_bytes())?;
    }
    for export in [csv, json] {
        let bytes = std::fs::read(&export)?;
        ensure!(bytes.len() > 500, "{} is empty", export.display());
        only_secrets.clean("an export", &bytes)?;
    }
    ensure!(
        told.iter().any(|text| text.windows(7).any(|part| part == b"connect")),
        "the process was never seen: the test is blind"
    );
    for text in &told {
        only_secrets.clean("the list of processes", text)?;
    }
    // Logs leave the computer when somebody asks for help, so people's names do not belong there either.
    let mut private = secrets.clone();
    private.extend([WORKSPACE_NAME, CLIENT_NAME, "anna.planted@klient.example", MAIL].map(str::to_owned));
    private.extend(key.cabinets.iter().map(|cabinet| cabinet.name.clone()).filter(|name| name.chars().count() > 5));
    let everything = Search::new(&private)?;
    let bundle = std::fs::read(&bundle)?;
    ensure!(bundle.len() > 5_000, "the diagnostic file is empty");
    everything.clean("the diagnostic file", &bundle)?;
    let written = files(&logs)?;
    let size: usize = written.iter().map(|(_, bytes)| bytes.len()).sum();
    ensure!(size > 20_000, "{size} bytes of logs at the most talkative level: the test is blind");
    let mut leaks = Vec::new();
    for (path, bytes) in &written {
        if let Err(leak) = everything.clean(&path.display().to_string(), bytes) {
            leaks.push(format!("{leak:#}"));
        }
    }
    ensure!(leaks.is_empty(), "{}", leaks.join("\n"));
    sealed(&everything, &files(&workspace)?)
}

#[test]
fn the_search_finds_what_is_hidden_and_only_that() -> Result<()> {
    let secret = "s3cr3t/Token+with=everything";
    let name = "Тайный Заказчик";
    let search = Search::new(&BTreeSet::from([secret.to_owned(), name.to_owned()]))?;
    let mut hidden = vec![
        percent(secret.as_bytes(), true),
        percent(secret.as_bytes(), false),
        percent(name.as_bytes(), true),
        hex(secret.as_bytes()),
        hex(name.as_bytes()).to_uppercase(),
        escaped(name),
        serde_json::to_string(name)?,
    ];
    for lead in ["", "a", "ab", "abc"] {
        hidden.push(STANDARD.encode(format!("{lead}{secret} and more")));
        hidden.push(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(format!("{lead}{name}, and more")));
    }
    for text in hidden {
        let bytes = format!("before \0 {text} after");
        ensure!(search.clean("it", bytes.as_bytes()).is_err(), "{text} was not found");
    }
    let wide: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
    ensure!(search.clean("it", &wide).is_err(), "UTF-16 was not found");
    search.clean("harmless text", "Тайны заказа, s3cr3t/Token and Zm9vYmFy".as_bytes())?;

    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("plain.db"), b"SQLite format 3\0...")?;
    ensure!(sealed(&search, &files(folder.path())?).is_err(), "a database in the clear was not noticed");
    std::fs::create_dir(folder.path().join("backups"))?;
    std::fs::write(folder.path().join("plain.db"), b"sealed")?;
    std::fs::write(folder.path().join("backups/one.db"), format!("x{secret}x"))?;
    ensure!(sealed(&search, &files(folder.path())?).is_err(), "a secret in a backup was not noticed");
    Ok(())
}

/// Calls of `syncdeckctl` whose logs are kept.
struct Session<'a> {
    workspace: &'a Path,
    logs: &'a Path,
    platform: &'a Running,
}

impl Session<'_> {
    fn command(&self, name: &str, arguments: &[impl AsRef<str>]) -> Result<Command> {
        let map = format!("{PLATFORM}={}", self.platform.base_url);
        let arguments = arguments.iter().map(AsRef::as_ref);
        let mut command = command(self.workspace, ["--json", "--url-map", map.as_str()].into_iter().chain(arguments))?;
        let log = std::fs::File::create(self.logs.join(format!("{name}.log")))?;
        command.env("SYNCDECK_LOG", "trace").stderr(log).stdout(Stdio::piped());
        Ok(command)
    }

    fn ends(&self, name: &str, arguments: &[impl AsRef<str>]) -> Result<String> {
        let output = self.command(name, arguments)?.output()?;
        answer(&output).with_context(|| name.to_owned())
    }

    fn fails(&self, name: &str, arguments: &[impl AsRef<str>]) -> Result<String> {
        let output = self.command(name, arguments)?.output()?;
        ensure!(!output.status.success(), "{name} did not fail");
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Runs to its end, and looks all the time at what the system shows of it to others: its command line and its environment.
    fn watched(&self, name: &str, arguments: &[impl AsRef<str>]) -> Result<(String, Vec<Vec<u8>>)> {
        let mut process = self.command(name, arguments)?.spawn()?;
        let mut told = BTreeSet::new();
        let stdout = process.stdout.take().context("its output")?;
        let reader = std::thread::spawn(move || std::io::read_to_string(stdout));
        loop {
            for what in ["cmdline", "environ"] {
                // Only Linux shows it in files; elsewhere the arguments are what we gave.
                if let Ok(bytes) = std::fs::read(format!("/proc/{}/{what}", process.id())) {
                    told.insert(bytes);
                }
            }
            if let Some(status) = process.try_wait()? {
                ensure!(status.success(), "{name}: {status}");
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let text = reader.join().map_err(|_| anyhow::anyhow!("the reader broke"))??;
        if !cfg!(target_os = "linux") {
            told.insert(arguments.iter().map(AsRef::as_ref).collect::<Vec<_>>().join("\0").into_bytes());
        }
        Ok((text, told.into_iter().collect()))
    }
}

/// Nothing private is in these files, and none is a database in the clear.
fn sealed(search: &Search, files: &[(std::path::PathBuf, Vec<u8>)]) -> Result<()> {
    ensure!(!files.is_empty(), "there are no files: the test is blind");
    for (path, bytes) in files {
        ensure!(!bytes.starts_with(b"SQLite format 3"), "{} is a database in the clear", path.display());
        search.clean(&path.display().to_string(), bytes)?;
    }
    Ok(())
}

/// A recovery key as it is shown and as one word, in both cases.
fn recovery_forms(shown: &str) -> Vec<String> {
    let word: String = shown.chars().filter(char::is_ascii_alphanumeric).collect();
    vec![shown.to_owned(), word.to_lowercase(), word.to_uppercase()]
}

/// Finds words in bytes, in every form in which they travel.
struct Search {
    pattern: Regex,
}

impl Search {
    fn new(words: &BTreeSet<String>) -> Result<Self> {
        let mut forms = BTreeSet::new();
        for word in words {
            ensure!(word.len() >= 8, "{word:?} is too short to be searched for");
            let bytes = word.as_bytes();
            forms.extend([
                bytes.to_vec(),
                escaped(word).into_bytes(),
                serde_json::to_string(word)?.trim_matches('"').into(),
            ]);
            for upper in [true, false] {
                forms.insert(percent(bytes, upper).into_bytes());
                forms.insert(percent(bytes, upper).replace("%20", "+").into_bytes());
            }
            forms.extend([hex(bytes).into_bytes(), hex(bytes).to_uppercase().into_bytes()]);
            forms.insert(word.encode_utf16().flat_map(u16::to_le_bytes).collect());
            // The same bytes look different in base64 depending on where in a group of three they begin; what touches a border is left out.
            for lead in 0..3_usize {
                let text = STANDARD.encode([vec![0; lead], bytes.to_vec()].concat());
                let sure = text[(lead * 4).div_ceil(3)..(lead + bytes.len()) * 4 / 3].to_owned();
                forms.insert(sure.replace('+', "-").replace('/', "_").into_bytes());
                forms.insert(sure.into_bytes());
            }
        }
        let mut pattern = String::from("(?-u)");
        for (place, form) in forms.iter().enumerate() {
            pattern.push_str(if place == 0 { "" } else { "|" });
            for byte in form {
                // Writing into a String does not fail.
                let _ = write!(pattern, "\\x{byte:02x}");
            }
        }
        Ok(Self { pattern: regex::bytes::RegexBuilder::new(&pattern).size_limit(64 << 20).build()? })
    }

    fn clean(&self, what: &str, bytes: &[u8]) -> Result<()> {
        if let Some(found) = self.pattern.find(bytes) {
            let around = &bytes[found.start().saturating_sub(200)..bytes.len().min(found.end() + 80)];
            anyhow::bail!(
                "{what} holds {:?} in {:?}",
                String::from_utf8_lossy(found.as_bytes()),
                String::from_utf8_lossy(around)
            );
        }
        Ok(())
    }
}

fn hex(bytes: &[u8]) -> String {
    joined(bytes.iter().map(|byte| format!("{byte:02x}")))
}

/// Percent-encoding of everything that is not a letter, a digit or one of `-_.~`.
fn percent(bytes: &[u8], upper: bool) -> String {
    joined(bytes.iter().map(|byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(*byte).to_string(),
        byte if upper => format!("%{byte:02X}"),
        byte => format!("%{byte:02x}"),
    }))
}

/// As JSON writes it when it must be ASCII.
fn escaped(text: &str) -> String {
    joined(text.encode_utf16().map(|unit| match u8::try_from(unit) {
        Ok(byte) if byte.is_ascii() => char::from(byte).to_string(),
        _ => format!("\\u{unit:04x}"),
    }))
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().concat()
}
