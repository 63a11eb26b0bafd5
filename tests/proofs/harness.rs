//! A workspace over a simulated platform, and the questions that the proofs ask it. Time is virtual: a wait of an hour takes no time,
//! and a day passes when a proof says so, for both sides at once.

use anyhow::{Context, Result, anyhow, bail, ensure};
use api::{
    contract::Event,
    host::{Host, HostOptions},
    wire::{
        ApiError, ClientRow, ClientStats, ConnectionDetail, Connector, Draft, DraftCommitted, DraftState, Overview,
        RunDetail, RunRow, RunStarted, StatsSums, SyncBoard, WorkspaceCreated,
    },
};
use async_trait::async_trait;
use chrono::{Days, NaiveDate, TimeZone, Utc};
use kit::{clock::Clock, testing::VirtualClock};
use model::{
    ad::Level,
    failure::Code,
    id::{ClientId, ConnectionId, RunId, WorkspaceId},
    money::Micros,
    power::Power,
    run::RunState,
    secret::Secret,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use simulators::{
    vk_ads::{Key, Limits, Running, Scenario, VkAds},
    world::{self, Figures},
};
use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};
use store::Store;
use sync::power::PowerSource;
use tempfile::TempDir;
use vault::{credential::Vault, passphrase_file::PassphraseFile};

/// Opens every workspace of these proofs.
pub const PASSPHRASE: &str = "seven horses under a paper moon";
/// The address that the simulator stands in for.
pub const PLATFORM: &str = "https://ads.vk.com";
/// How long anything may take before a proof gives up. Nothing is measured against it.
const PATIENCE: Duration = Duration::from_mins(2);

/// The day on which proofs with virtual time play.
pub fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, 20).unwrap()
}

/// `days` before [`today`].
pub fn days_ago(days: u64) -> NaiveDate {
    today() - Days::new(days)
}

/// A small world without limits: the vendor counts real seconds, and virtual waits would not let any pass.
pub fn small() -> Scenario {
    Scenario { limits: Limits::NONE, ..Scenario::small(today()) }
}

/// The battery of the computer; there is none until a proof says so.
#[derive(Default)]
pub struct Battery(Mutex<Option<Power>>);

impl Battery {
    pub fn set(&self, on_battery: bool, percent: u32) {
        *self.0.lock().unwrap() = Some(Power { on_battery, percent: Some(percent), saving: false });
    }
}

#[async_trait]
impl PowerSource for Battery {
    async fn power(&self) -> Option<Power> {
        *self.0.lock().unwrap()
    }
}

/// A workspace, the platform it reads, and everything that was said between screen and backend.
pub struct Office<C = VirtualClock> {
    pub host: Host,
    pub clock: Arc<C>,
    pub battery: Arc<Battery>,
    pub platform: Option<Running>,
    pub folder: TempDir,
    pub recovery_key: String,
    /// The size of the platform's pages; its usual one when nobody says.
    pub page_size: Option<u32>,
    options: HostOptions,
    said: Arc<Mutex<Vec<String>>>,
}

/// What `connect` needs to know beyond the key.
pub struct Wish<'a> {
    pub key: &'a Key,
    /// Places of the cabinets among the key's.
    pub cabinets: &'a [usize],
    pub client: ClientId,
    pub first_load_days: u32,
    pub lookback_days: u32,
}

impl Office {
    /// A new workspace over this world.
    pub async fn open(scenario: Scenario) -> Result<Self> {
        Self::open_in(scenario, tempfile::tempdir()?, "Агентство Полюс").await
    }

    /// A new workspace of this name in this folder.
    pub async fn open_in(scenario: Scenario, folder: TempDir, name: &str) -> Result<Self> {
        let day = scenario.today.unwrap_or(today());
        let clock = VirtualClock::at(Utc.from_utc_datetime(&day.and_hms_opt(6, 0, 0).context("a time of day")?));
        Self::open_at(scenario, folder, name, clock, false).await
    }

    /// Lets days pass for both sides.
    pub fn advance_days(&self, days: u32) {
        self.clock.advance(Duration::from_secs(u64::from(days) * 86_400));
        self.platform().calendar().advance_days(days);
    }
}

impl<C: Clock + 'static> Office<C> {
    /// A new workspace whose time is told by this clock; `scheduled`: whether it collects by itself.
    pub async fn open_at(
        scenario: Scenario,
        folder: TempDir,
        name: &str,
        clock: Arc<C>,
        scheduled: bool,
    ) -> Result<Self> {
        let platform = VkAds::start(scenario)?;
        let mut options = HostOptions::new(folder.path().join("workspace"));
        options.clock = Arc::clone(&clock) as Arc<dyn Clock>;
        options.scheduled = scheduled;
        // Not the battery of whoever runs these proofs.
        let battery = Arc::<Battery>::default();
        options.power = Arc::clone(&battery) as Arc<dyn PowerSource>;
        "proof".clone_into(&mut options.actor);
        options.url_map = vec![(PLATFORM.to_owned(), platform.base_url.clone())];
        let host = Host::start(options.clone()).await;
        options.passphrase = Some(PASSPHRASE.to_owned().into());
        let mut office = Self {
            host,
            clock,
            battery,
            platform: Some(platform),
            folder,
            recovery_key: String::new(),
            page_size: None,
            options,
            said: Arc::default(),
        };
        office.listen();
        let draft: Value = office.ask("workspace_draft", json!({})).await?;
        office.recovery_key = draft["recovery_key"].as_str().context("a recovery key")?.to_owned();
        let new = json!({
            "name": name, "currency": "RUB", "time_zone": "Europe/Moscow", "lock": "passphrase", "passphrase": PASSPHRASE,
        });
        let _: WorkspaceCreated = office.ask("workspace_create", new).await?;
        Ok(office)
    }

    /// Remembers every event from now on.
    fn listen(&self) {
        let (mut events, said) = (self.host.events(), Arc::clone(&self.said));
        tokio::spawn(async move {
            while let Ok(event) = events.recv().await {
                said.lock().unwrap().push(serde_json::to_string(&event).unwrap());
            }
        });
    }

    /// Every answer and every event so far, but for the one answer that shows the recovery key.
    pub fn said(&self) -> Vec<String> {
        self.said.lock().unwrap().clone()
    }

    /// The events of one kind so far.
    pub fn events(&self) -> Vec<Event> {
        self.said().iter().filter_map(|said| serde_json::from_str(said).ok()).collect()
    }

    /// The folder of the workspace.
    pub fn dir(&self) -> &Path {
        &self.options.workspace_dir
    }

    /// How the workspace is opened.
    pub fn options(&self) -> HostOptions {
        self.options.clone()
    }

    pub fn platform(&self) -> &Running {
        self.platform.as_ref().expect("the platform was stopped")
    }

    /// A command, its answer or its refusal.
    pub async fn call(&self, command: &str, request: Value) -> Result<Value, ApiError> {
        let answer = tokio::time::timeout(PATIENCE, self.host.call(command, request)).await.expect("a command hangs");
        let text = match &answer {
            Ok(answer) => answer.to_string(),
            Err(refusal) => serde_json::to_string(refusal).unwrap(),
        };
        if command != "workspace_draft" {
            self.said.lock().unwrap().push(text);
        }
        answer
    }

    /// A command that must succeed.
    pub async fn ask<A: DeserializeOwned>(&self, command: &str, request: Value) -> Result<A> {
        let answer = self.call(command, request).await.map_err(|refusal| anyhow!("{command}: {refusal:?}"))?;
        serde_json::from_value(answer).with_context(|| format!("the answer of {command}"))
    }

    /// A command that must be refused.
    pub async fn refused(&self, command: &str, request: Value) -> Result<ApiError> {
        match self.call(command, request).await {
            Err(refusal) => Ok(refusal),
            Ok(answer) => bail!("{command} was not refused: {answer}"),
        }
    }

    /// Closes and opens the workspace again, as quitting and starting the program does.
    pub async fn restart(&mut self) {
        self.host.shutdown().await;
        self.host = Host::start(self.options.clone()).await;
        self.listen();
    }

    /// The vault and the database as they lie on the disk, for looking at or changing what no screen can. The program may have ended.
    pub async fn offline(&self) -> Result<(Vault, Store)> {
        let workspace: Value = serde_json::from_slice(&std::fs::read(self.dir().join("workspace.json"))?)?;
        let workspace: WorkspaceId = serde_json::from_value(workspace["id"].clone())?;
        let file = PassphraseFile::open(&self.dir().join("vault.sealed"), &Secret::new(PASSPHRASE))?;
        let vault = Vault::new(Arc::new(file), workspace);
        let key = vault.workspace_key()?.context("the key of the workspace")?;
        let store =
            Store::open(&self.dir().join("workspace.db"), &key.to_hex_secret(), store::Options::default()).await?;
        Ok((vault, store))
    }

    /// From now on a platform that is silent for so long is one that does not answer.
    pub async fn impatient(&mut self, silence: Duration) {
        self.options.silence = silence;
        self.restart().await;
    }

    pub async fn client(&self, name: &str) -> Result<ClientRow> {
        self.ask("client_create", json!({ "name": name, "currency": null, "time_zone": null })).await
    }

    pub async fn connector(&self) -> Result<Connector> {
        let all: Vec<Connector> = self.ask("connectors_list", json!({})).await?;
        all.into_iter().find(|connector| connector.id == "vk_ads").context("VK Реклама is not in the catalogue")
    }

    /// Tests a sign-in as the wizard does, to its end.
    pub async fn tested(&self, key: &Key, connection: Option<ConnectionId>) -> Result<Draft> {
        let mut answers = json!({ "client_id": key.client_id, "client_secret": key.client_secret });
        if let Some(size) = self.page_size {
            answers["page_size"] = json!(size);
        }
        let request = json!({ "connector": "vk_ads", "answers": answers, "connection_id": connection });
        let mut draft: Draft = self.ask("draft_start", request).await?;
        let until = tokio::time::Instant::now() + PATIENCE;
        while draft.state == DraftState::Testing {
            ensure!(tokio::time::Instant::now() < until, "the test of a sign-in does not end: {draft:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
            draft = self.ask("draft_get", json!({ "id": draft.id })).await?;
        }
        Ok(draft)
    }

    /// Connects cabinets with every stream on; their first runs are under way.
    pub async fn connect(&self, wish: &Wish<'_>) -> Result<DraftCommitted> {
        let connector = self.connector().await?;
        let draft = self.tested(wish.key, None).await?;
        ensure!(draft.state == DraftState::Ready, "the test failed: {draft:?}");
        let picks: Vec<Value> = wish
            .cabinets
            .iter()
            .map(|place| json!({ "external_id": wish.key.cabinets[*place].id.to_string(), "client_id": wish.client, "new_client_name": null }))
            .collect();
        let streams: Vec<Value> =
            connector.streams.iter().map(|stream| json!({ "name": stream.name, "on": true })).collect();
        let request = json!({
            "draft_id": draft.id, "picks": picks, "streams": streams, "vat": "excluded",
            "lookbacks": lookbacks(&connector, wish.lookback_days), "first_load_days": wish.first_load_days,
        });
        self.ask("draft_commit", request).await
    }

    pub async fn run(&self, id: RunId) -> Result<RunDetail> {
        self.ask("run_get", json!({ "id": id })).await
    }

    /// Waits for the end of a run, however it ends, or until it is parked.
    pub async fn ended(&self, id: RunId) -> Result<RunRow> {
        let until = tokio::time::Instant::now() + PATIENCE;
        loop {
            let run = self.run(id).await?.run;
            if is_at_rest(&run) {
                return Ok(run);
            }
            ensure!(tokio::time::Instant::now() < until, "a run does not end: {run:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits for runs that must end well.
    pub async fn done(&self, ids: &[RunId]) -> Result<Vec<RunRow>> {
        let mut runs = Vec::new();
        for id in ids {
            let run = self.ended(*id).await?;
            ensure!(
                run.state == RunState::Done,
                "a run of {} ended {}: {:?}",
                run.account_name,
                run.state,
                run.failure
            );
            runs.push(run);
        }
        Ok(runs)
    }

    /// Starts a run of one connection.
    pub async fn start(&self, connection: ConnectionId, range: Option<(NaiveDate, NaiveDate)>) -> Result<RunId> {
        let range = range.map(|(from, to)| json!({ "from": from, "to": to }));
        let request = json!({ "connection_id": connection, "client_id": null, "range": range });
        let started: RunStarted = self.ask("run_start", request).await?;
        started.run_ids.first().copied().context("no run was started")
    }

    /// Syncs one connection to a good end.
    pub async fn sync(&self, connection: ConnectionId) -> Result<RunRow> {
        let id = self.start(connection, None).await?;
        Ok(self.done(&[id]).await?.remove(0))
    }

    /// The parked runs of a connection.
    pub async fn parked(&self, connection: ConnectionId) -> Result<Vec<RunRow>> {
        let board: SyncBoard = self.ask("syncs_board", json!({ "client_id": null, "days": 1 })).await?;
        let own = |run: &RunRow| run.connection_id == connection && is_parked(run);
        Ok(board.running.into_iter().filter(own).collect())
    }

    pub async fn stats(&self, client: ClientId, level: Level, from: NaiveDate, to: NaiveDate) -> Result<ClientStats> {
        let request =
            json!({ "client_id": client, "period": { "from": from, "to": to }, "compare": null, "level": level });
        self.ask("client_stats", request).await
    }

    pub async fn overview(&self, from: NaiveDate, to: NaiveDate) -> Result<Overview> {
        self.ask("overview_get", json!({ "period": { "from": from, "to": to }, "compare": null })).await
    }

    pub async fn connection(&self, id: ConnectionId) -> Result<ConnectionDetail> {
        self.ask("connection_get", json!({ "id": id })).await
    }

    /// Checks a client's statistics of a period against the truth about its cabinets: the total, each day, and each object of each level.
    pub async fn is_true(&self, client: ClientId, cabinets: &[u64], from: NaiveDate, to: NaiveDate) -> Result<()> {
        let truth = self.platform().truth();
        let mut total = Figures::default();
        let mut days: BTreeMap<NaiveDate, Figures> = BTreeMap::new();
        for cabinet in cabinets {
            total += truth.totals(*cabinet, from, to).context("the simulator does not know the cabinet")?;
            for (day, figures) in truth.days(*cabinet, from, to).context("days")? {
                *days.entry(day).or_default() += figures;
            }
        }
        ensure!(total.impressions > 0 && total.conversions > 0, "this truth would prove nothing: {total:?}");
        for (level, theirs) in [
            (Level::Campaign, world::Level::Campaign),
            (Level::AdGroup, world::Level::Group),
            (Level::Ad, world::Level::Ad),
        ] {
            let stats = self.stats(client, level, from, to).await?;
            same(&format!("total at {level}"), &stats.total, &total)?;
            for day in &stats.points {
                let (date, sums) = (day.from, &day.sums);
                same(&format!("{date} at {level}"), sums, &days.get(&date).copied().unwrap_or_default())?;
            }
            let found: BTreeMap<String, &StatsSums> =
                stats.objects.iter().map(|object| (object.external_id.clone(), &object.sums)).collect();
            ensure!(found.len() == stats.objects.len(), "an object stands twice at {level}");
            let mut delivered = 0;
            for cabinet in cabinets {
                for id in truth.objects(theirs, *cabinet).context("objects")? {
                    let figures = truth.object(theirs, id, from, to).context("an object")?;
                    if figures != Figures::default() {
                        delivered += 1;
                        let sums = found.get(&id.to_string()).with_context(|| format!("{level} {id} is missing"))?;
                        same(&format!("{level} {id}"), sums, &figures)?;
                    }
                }
            }
            let nameless = stats.objects.iter().find(|object| object.name == object.external_id);
            ensure!(nameless.is_none(), "an object has no name at {level}: {nameless:?}");
            let shown = stats.objects.iter().filter(|object| Seen::of(&object.sums) != Seen::default()).count();
            ensure!(shown == delivered, "{shown} objects deliver at {level}, in truth {delivered}");
        }
        Ok(())
    }
}

/// The same lookback for every stream with days; once a week it is as long as the platform suggests.
pub fn lookbacks(connector: &Connector, days: u32) -> Value {
    let of_days = connector.streams.iter().filter_map(|stream| Some((&stream.name, stream.lookback?)));
    of_days
        .map(|(name, preset)| (name.clone(), json!({ "days": days, "weekly_days": preset.weekly_days.max(days) })))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// Whether nobody works on a run any more: it has ended, or it is parked until its platform allows more.
pub fn is_at_rest(run: &RunRow) -> bool {
    run.state.is_over() || is_parked(run)
}

/// Whether a run is parked until its platform allows more.
pub fn is_parked(run: &RunRow) -> bool {
    run.state == RunState::Waiting && run.failure.is_some()
}

/// The numbers that are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Seen {
    pub impressions: i64,
    pub clicks: i64,
    pub spend: i64,
    pub conversions: i64,
}

impl Seen {
    /// Sums of the surface; unknown counts as nothing.
    pub fn of(sums: &StatsSums) -> Self {
        let micros = |value: Option<Micros>| value.unwrap_or_default().0;
        Self {
            impressions: sums.impressions.unwrap_or_default(),
            clicks: sums.clicks.unwrap_or_default(),
            spend: micros(sums.spend),
            conversions: micros(sums.conversions),
        }
    }
}

impl Seen {
    /// Adds another one.
    pub fn add(&mut self, other: Self) {
        self.impressions += other.impressions;
        self.clicks += other.clicks;
        self.spend += other.spend;
        self.conversions += other.conversions;
    }
}

impl From<Figures> for Seen {
    fn from(figures: Figures) -> Self {
        Self {
            impressions: figures.impressions,
            clicks: figures.clicks,
            spend: figures.spend_kopecks * 10_000,
            conversions: figures.conversions * 1_000_000,
        }
    }
}

fn same(what: &str, sums: &StatsSums, truth: &Figures) -> Result<()> {
    let (found, truth) = (Seen::of(sums), Seen::from(*truth));
    ensure!(found == truth, "{what}: found {found:?}, in truth {truth:?}");
    Ok(())
}

/// The code and the rest of a failure that must be there.
pub fn code(failure: Option<&ApiError>) -> Result<Code> {
    Ok(failure.context("no failure was told")?.code)
}

/// Everything that a folder holds, file by file.
pub fn files(dir: &Path) -> Result<Vec<(std::path::PathBuf, Vec<u8>)>> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            all.extend(files(&path)?);
        } else {
            let bytes = std::fs::read(&path)?;
            all.push((path, bytes));
        }
    }
    Ok(all)
}
