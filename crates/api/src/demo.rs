//! The demo workspace: three made-up clients over a simulated VK Реклама that runs inside this process as a real HTTP server. Nothing is
//! faked on our side: the same sign-in, sync and database as with the real platform, only the address is another.
//!
//! Its passphrase is published here: the data are made up, and a newcomer should get in with one command on a machine without a keychain.

use crate::{
    drafts::{Answers, Known},
    folder::{Folder, Lock, NewWorkspace, Opened},
    handlers::drafts::commit,
    host::Host,
    wire,
};
use chrono::{DateTime, Utc};
use model::{
    audit::AuditAction,
    failure::{Code, Failure},
    money::{Currency, VatState},
    secret::Secret,
};
use serde_json::json;
use simulators::vk_ads::{Key, Running, Scenario, VkAds};
use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};
use store::Scope;
use vault::recovery::RecoveryKey;

/// Opens the demo workspace and nothing else.
const PASSPHRASE: &str = "made-up data, open to everybody";
/// The address of the platform that the simulator stands in for.
const PLATFORM: &str = "https://ads.vk.com";
/// Days the demo's first sync reads.
const DAYS: u32 = 120;
/// The entry of the audit log that says the demo is complete. Without it the first start died in the middle, and the next one goes on.
const FURNISHED: AuditAction = AuditAction::DemoFurnished;
/// Entries looked through for it: more than a first start writes, and than anybody does in a demo.
const FIRST_ENTRIES: u32 = 10_000;
/// How long a sign-in to the simulator may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// The simulated platform of an open demo workspace.
pub(crate) struct Demo {
    platform: Running,
}

impl Demo {
    /// Starts the platform, always the same for the same day.
    pub(crate) fn start(now: DateTime<Utc>) -> Result<Self, Failure> {
        let today = model::date::today(now, "Europe/Moscow");
        let scenario = Scenario { today: Some(today), ..Scenario::demo() };
        let platform = VkAds::start(scenario)
            .map_err(|error| Failure::new(Code::Internal).detail(format!("the simulator does not start: {error:#}")))?;
        Ok(Self { platform })
    }

    pub(crate) fn url_map(&self) -> Vec<(String, String)> {
        vec![(PLATFORM.to_owned(), self.platform.base_url.clone())]
    }

    /// Opens the demo workspace or makes it; the flag tells which.
    pub(crate) async fn open(&self, folder: &Folder, now: DateTime<Utc>) -> Result<(Opened, bool), Failure> {
        let passphrase = Some(Secret::new(PASSPHRASE));
        if folder.header()?.is_some() {
            let opened = folder.open(passphrase).await?;
            let furnished =
                opened.store.audit(None, FIRST_ENTRIES).await?.iter().any(|entry| entry.action == FURNISHED.as_str());
            return Ok((opened, !furnished));
        }
        let new = NewWorkspace {
            name: "Агентство Полюс".to_owned(),
            currency: Currency::RUB,
            time_zone: "Europe/Moscow".to_owned(),
            demo: true,
            lock: Lock::Passphrase,
            passphrase,
            created_at: now,
        };
        Ok((folder.create(new, RecoveryKey::generate()?).await?, true))
    }

    pub(crate) fn keys(&self) -> Vec<Key> {
        self.platform.keys()
    }
}

/// Fills a demo workspace as a person would: signs in with two agencies' keys, picks cabinets, starts the first syncs. What an interrupted
/// first start has made already stays as it is.
pub(crate) async fn furnish(host: &Host) -> Result<(), Failure> {
    let workspace = host.workspace().await?;
    let keys = workspace.demo().map(Demo::keys).unwrap_or_default();
    let agencies: Vec<&Key> = keys.iter().filter(|key| key.cabinets.len() > 1).collect();
    for (key, cabinets) in agencies.into_iter().zip([2, 1]) {
        let source = workspace.registry.get("vk_ads").ok_or_else(|| Failure::new(Code::Internal))?;
        let answers = json!({ "client_id": key.client_id, "client_secret": key.client_secret });
        let answers = answers.as_object().cloned().unwrap_or_default();
        let answers = Answers::part(&source.descriptor().form, answers)?;
        let known = Known { clients: Vec::new(), connected: HashMap::new(), joins: None, taken: None };
        let streams = source
            .descriptor()
            .streams
            .iter()
            .map(|stream| wire::StreamChoice { name: stream.name.clone(), on: stream.on_by_default })
            .collect();
        let clients = workspace.store.clients().await?;
        let connected = workspace.store.connections(Scope::Portfolio).await?;
        let missing = key.cabinets.iter().take(cabinets).filter(|cabinet| {
            !connected.iter().any(|connection| connection.account_external_id == cabinet.id.to_string())
        });
        let picks: Vec<_> = missing
            .map(|cabinet| {
                let client = clients.iter().find(|client| client.name == cabinet.name);
                wire::AccountPick {
                    external_id: cabinet.id.to_string(),
                    client_id: client.map(|client| client.id),
                    new_client_name: Some(cabinet.name.clone()),
                }
            })
            .collect();
        if picks.is_empty() {
            continue;
        }
        let draft = workspace.drafts.start(source, workspace.wires.clone(), answers, None, known);
        tested(&draft).await?;
        let request = wire::DraftCommit {
            draft_id: draft.id,
            picks,
            streams,
            lookbacks: BTreeMap::new(),
            first_load_days: DAYS,
            vat: VatState::Excluded,
            zero_rows: None,
            schedule: None,
            template: None,
        };
        commit(host, request).await?;
    }
    workspace.audit(host.now(), FURNISHED, &workspace.row.name).await
}

async fn tested(draft: &crate::drafts::Draft) -> Result<(), Failure> {
    let until = tokio::time::Instant::now() + PATIENCE;
    loop {
        match draft.wire().state {
            wire::DraftState::Ready => return Ok(()),
            wire::DraftState::Failed => return Err(draft.failure()),
            wire::DraftState::Testing if tokio::time::Instant::now() > until => {
                return Err(Failure::new(Code::Timeout));
            }
            wire::DraftState::Testing => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}
