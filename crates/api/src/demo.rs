//! Demo workspaces: made-up agencies over simulated platforms that run inside this process as real HTTP servers. Nothing is faked on our
//! side: the same sign-in, sync and database as with the real platforms, only the addresses are others.
//!
//! Their passphrase is published here: the data are made up, and a newcomer should get in with one command on a machine without a keychain.

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
use simulators::agency::{self, Stand, StandAccount};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};
use store::Scope;
use vault::recovery::RecoveryKey;

/// Opens the demo workspace and nothing else.
const PASSPHRASE: &str = "made-up data, open to everybody";
/// The entry of the audit log that says the demo is complete. Without it the first start died in the middle, and the next one goes on.
const FURNISHED: AuditAction = AuditAction::DemoFurnished;
/// Entries looked through for it: more than a first start writes, and than anybody does in a demo.
const FIRST_ENTRIES: u32 = 10_000;
/// How long a sign-in to a simulator and the first look into its accounts may take.
const PATIENCE: Duration = Duration::from_mins(3);

/// Which made-up agency a demo workspace shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cast {
    /// Three clients on one platform: there at once.
    Small,
    /// Twelve clients on every platform that there is a simulator of, 24 months.
    Mixed,
}

impl Cast {
    /// Days the first syncs read, where nobody says otherwise.
    fn days(self) -> u32 {
        match self {
            Self::Small => 120,
            Self::Mixed => 730,
        }
    }
}

/// What a demo workspace is opened as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DemoOptions {
    /// The agency.
    pub cast: Cast,
    /// Days the first syncs read, when it is made; `None`: as many as there are.
    pub days: Option<u32>,
}

impl DemoOptions {
    /// An agency with all its days.
    pub fn of(cast: Cast) -> Self {
        Self { cast, days: None }
    }
}

/// The simulated platforms of an open demo workspace.
pub(crate) struct Demo {
    options: DemoOptions,
    stands: Vec<Stand>,
}

impl Demo {
    /// Starts the platforms, always the same for the same day.
    pub(crate) fn start(options: DemoOptions, now: DateTime<Utc>) -> Result<Self, Failure> {
        let today = model::date::today(now, "Europe/Moscow");
        let stands = match options.cast {
            Cast::Small => agency::small(today),
            Cast::Mixed => agency::mixed(today),
        };
        let stands = stands
            .map_err(|error| Failure::new(Code::Internal).detail(format!("the simulators do not start: {error:#}")))?;
        Ok(Self { options, stands })
    }

    pub(crate) fn url_map(&self) -> Vec<(String, String)> {
        let mut all: Vec<_> = self
            .stands
            .iter()
            .flat_map(|stand| &stand.hosts)
            .map(|(from, to)| ((*from).to_owned(), to.clone()))
            .collect();
        all.dedup();
        all
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
            demo: Some(self.options.cast),
            lock: Lock::Passphrase,
            passphrase,
            created_at: now,
        };
        Ok((folder.create(new, RecoveryKey::generate()?).await?, true))
    }
}

/// Fills a demo workspace as a person would: signs in to each platform, picks accounts, starts the first syncs. What an interrupted first
/// start has made already stays as it is.
pub(crate) async fn furnish(host: &Host) -> Result<(), Failure> {
    let workspace = host.workspace().await?;
    let Some(demo) = workspace.demo() else { return Ok(()) };
    let connected = workspace.store.connections(Scope::Portfolio).await?;
    let is_connected = |stand: &Stand, account: &str| {
        connected.iter().any(|it| it.connector == stand.system && it.account_external_id == account)
    };
    // All sign-ins first: reports that a platform makes for a first look take their time.
    let mut drafts = Vec::new();
    for stand in &demo.stands {
        if stand.accounts.iter().all(|account| is_connected(stand, &account.external_id)) {
            continue;
        }
        let source = workspace.registry.get(stand.system).ok_or_else(|| {
            Failure::new(Code::Internal).detail(format_args!("there is no connector for {}", stand.system))
        })?;
        let answers = stand.answers.as_object().cloned().unwrap_or_default();
        let answers = Answers::part(&source.descriptor().form, answers)?;
        let known = Known { clients: Vec::new(), connected: HashMap::new(), joins: None, taken: None };
        let draft = workspace.drafts.start(Arc::clone(&source), workspace.wires.clone(), answers, None, known);
        drafts.push((stand, source, draft));
    }
    for (stand, source, draft) in drafts {
        tested(&draft).await?;
        let descriptor = source.descriptor();
        let streams = descriptor.streams.iter();
        let streams = streams.map(|it| wire::StreamChoice { name: it.name.clone(), on: it.on_by_default }).collect();
        let clients = workspace.store.clients().await?;
        let missing = stand.accounts.iter().filter(|account| !is_connected(stand, &account.external_id));
        let pick = |account: &StandAccount| wire::AccountPick {
            external_id: account.external_id.clone(),
            client_id: clients.iter().find(|client| client.name == account.client).map(|client| client.id),
            new_client_name: Some(account.client.clone()),
        };
        let picks = missing.map(pick).collect();
        let days = demo.options.days.unwrap_or(demo.options.cast.days());
        let request = wire::DraftCommit {
            draft_id: draft.id,
            picks,
            streams,
            lookbacks: BTreeMap::new(),
            first_load_days: days.min(descriptor.max_history_days),
            vat: vat(stand)?,
            zero_rows: None,
            in_totals: None,
            schedule: None,
            template: None,
        };
        commit(host, request).await?;
    }
    workspace.audit(host.now(), FURNISHED, &workspace.row.name).await
}

/// Whether the platform's sums contain VAT, as the person would declare it.
fn vat(stand: &Stand) -> Result<VatState, Failure> {
    let word = serde_json::Value::from(stand.vat);
    serde_json::from_value(word).map_err(|error| Failure::new(Code::Internal).detail(error))
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
