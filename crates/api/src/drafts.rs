//! Sign-ins being tested. A draft lives in memory: its secrets, the steps of its test, the accounts found. Nothing is saved before the
//! person commits it, and discarding it (or quitting) wipes it.
//!
//! The tokens that a test obtains are the ones its connections will use, and a test of a sign-in that is known already goes on with the
//! tokens it has: a platform that allows five tokens per user would otherwise lose some with every connection.

use crate::{
    contract::{Event, Tag},
    host::changed,
    sign_ins::{DraftCredentials, TakenOver},
    wire,
    wiring::{Named, Wires},
};
use kit::{
    observe::Unobserved,
    source::{Account, AccountSample, CheckEvent, Source},
};
use model::{
    connection::Client,
    date,
    failure::{Code, Failure},
    id::{ClientId, ConnectionId, DraftId, SignInId},
    secret::SecretFields,
};
use serde_json::{Map, Value};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

/// Accounts looked into at the same time.
const AT_ONCE: usize = 3;

/// All drafts of an open workspace.
pub(crate) struct Drafts {
    all: Mutex<HashMap<DraftId, Arc<Draft>>>,
    events: broadcast::Sender<Event>,
}

/// One sign-in being tested.
pub(crate) struct Draft {
    pub(crate) id: DraftId,
    pub(crate) connector: String,
    /// The connection that signs in again.
    pub(crate) connection_id: Option<ConnectionId>,
    /// The sign-in that it joins, because the same one was given before.
    pub(crate) joins: Option<SignInId>,
    /// The form's answers that are not secret.
    pub(crate) config: Map<String, Value>,
    pub(crate) base: Arc<DraftCredentials>,
    cancel: CancellationToken,
    test: Mutex<Test>,
}

#[derive(Default)]
struct Test {
    state: Option<wire::DraftState>,
    signed_in_as: Option<String>,
    steps: Vec<Step>,
    accounts: Vec<Found>,
}

struct Step {
    id: &'static str,
    state: wire::StepState,
    params: BTreeMap<String, String>,
    began: Option<Instant>,
    millis: Option<u32>,
    failure: Option<Failure>,
}

/// An account found, and what its own test said.
#[derive(Clone)]
pub(crate) struct Found {
    pub(crate) account: Account,
    pub(crate) credentials: Arc<DraftCredentials>,
    pub(crate) sample: Option<AccountSample>,
    /// Whether it is known to be in use by what was spent there. Where there are only records, nothing tells.
    pub(crate) spends: bool,
    pub(crate) state: wire::StepState,
    pub(crate) suggested: Option<ClientId>,
    pub(crate) connected_as: Option<ConnectionId>,
}

/// What a test compares accounts with.
pub(crate) struct Known {
    pub(crate) clients: Vec<Client>,
    /// Accounts of this connector that are connected already.
    pub(crate) connected: HashMap<String, ConnectionId>,
    /// The sign-in that this one joins or renews, and what is taken over from it.
    pub(crate) joins: Option<SignInId>,
    pub(crate) taken: Option<TakenOver>,
}

impl Drafts {
    pub(crate) fn new(events: broadcast::Sender<Event>) -> Self {
        Self { all: Mutex::default(), events }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<DraftId, Arc<Draft>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get(&self, id: DraftId) -> Result<Arc<Draft>, Failure> {
        self.lock().get(&id).map(Arc::clone).ok_or_else(|| Failure::new(Code::NotFound).with("what", "draft"))
    }

    /// Stops and forgets a draft with its secrets.
    pub(crate) fn discard(&self, id: DraftId) {
        if let Some(draft) = self.lock().remove(&id) {
            draft.cancel.cancel();
        }
    }

    pub(crate) fn clear(&self) {
        for (_, draft) in self.lock().drain() {
            draft.cancel.cancel();
        }
    }

    /// Begins the test of a sign-in.
    pub(crate) fn start(
        &self,
        source: Arc<dyn Source>,
        wires: Arc<Wires>,
        answers: Answers,
        connection_id: Option<ConnectionId>,
        known: Known,
    ) -> Arc<Draft> {
        let steps = ["sign_in", "accounts", "sample"].into_iter().map(Step::waiting).collect();
        let draft = Arc::new(Draft {
            id: DraftId::new(),
            connector: source.descriptor().id.clone(),
            connection_id,
            joins: known.joins,
            config: answers.config,
            base: DraftCredentials::over(answers.secrets, known.taken.as_ref()),
            cancel: CancellationToken::new(),
            test: Mutex::new(Test { steps, ..Test::default() }),
        });
        self.lock().insert(draft.id, Arc::clone(&draft));
        let (running, events) = (Arc::clone(&draft), self.events.clone());
        tokio::spawn(async move { running.test(source, wires, known, &events).await });
        draft
    }
}

/// The answers of a form, parted.
pub(crate) struct Answers {
    pub(crate) config: Map<String, Value>,
    pub(crate) secrets: SecretFields,
}

impl Answers {
    /// Takes the secret fields (marked `airbyte_secret` in the form) out of the answers, and refuses when a required one is missing.
    pub(crate) fn part(form: &Value, mut answers: Map<String, Value>) -> Result<Self, Failure> {
        let missing = |field: &str| Failure::new(Code::SettingInvalid).with("field", field);
        for name in form["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            match answers.get(name) {
                None | Some(Value::Null) => return Err(missing(name)),
                Some(Value::String(text)) if text.trim().is_empty() => return Err(missing(name)),
                Some(_) => {}
            }
        }
        let mut secrets = SecretFields::new();
        for name in manifest::imported::secret_fields(form) {
            match take(&mut answers, &name) {
                Some(Value::String(text)) if text.trim().is_empty() => {}
                Some(Value::String(text)) => {
                    secrets.insert(name, text.trim().to_owned().into());
                }
                None | Some(Value::Null) => {}
                Some(_) => return Err(missing(&name)),
            }
        }
        Ok(Self { config: answers, secrets })
    }
}

impl Answers {
    /// Takes the secret fields out of answers that are laid over a connection's own: its secrets stay as they are.
    pub(crate) fn forget_secrets(form: &Value, answers: &mut Map<String, Value>) {
        for name in manifest::imported::secret_fields(form) {
            take(answers, &name);
        }
    }
}

/// Takes a field out of the answers; the names of nested ones are joined by points.
fn take(answers: &mut Map<String, Value>, name: &str) -> Option<Value> {
    match name.split_once('.') {
        None => answers.remove(name),
        Some((outer, inner)) => take(answers.get_mut(outer)?.as_object_mut()?, inner),
    }
}

impl Step {
    fn waiting(id: &'static str) -> Self {
        Self { id, state: wire::StepState::Waiting, params: BTreeMap::new(), began: None, millis: None, failure: None }
    }
    fn begin(&mut self) {
        self.state = wire::StepState::Running;
        self.began = Some(Instant::now());
    }
    fn end(&mut self, state: wire::StepState) {
        self.state = state;
        self.millis = self.began.map(elapsed);
    }
}

fn elapsed(since: Instant) -> u32 {
    u32::try_from(since.elapsed().as_millis()).unwrap_or(u32::MAX)
}

impl Test {
    /// The step with this id; one that was not foreseen is put before the last, which looks into the accounts.
    fn step(&mut self, id: &'static str) -> &mut Step {
        let place = self.steps.iter().position(|step| step.id == id).unwrap_or_else(|| {
            let place = self.steps.len().saturating_sub(1);
            self.steps.insert(place, Step::waiting(id));
            place
        });
        &mut self.steps[place]
    }

    fn take(&mut self, event: CheckEvent) {
        match event {
            CheckEvent::Started { step } => self.step(step).begin(),
            CheckEvent::Done { step, params } => {
                if let Some(name) = params.get("name") {
                    self.signed_in_as = Some(name.clone());
                }
                let step = self.step(step);
                step.params = params.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
                step.end(wire::StepState::Done);
            }
        }
    }

    fn fail(&mut self, failure: Failure) {
        let place = self
            .steps
            .iter()
            .position(|step| step.state == wire::StepState::Running)
            .or_else(|| self.steps.iter().position(|step| step.state == wire::StepState::Waiting));
        if let Some(step) = place.and_then(|place| self.steps.get_mut(place)) {
            step.failure = Some(failure);
            step.end(wire::StepState::Failed);
        }
        self.state = Some(wire::DraftState::Failed);
    }
}

impl Draft {
    fn lock(&self) -> MutexGuard<'_, Test> {
        self.test.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, events: &broadcast::Sender<Event>) {
        // Nobody listens when no screen is open.
        let _ = events.send(Event::DraftStep { draft_id: self.id });
        changed(events, &[Tag::Drafts]);
    }

    async fn test(&self, source: Arc<dyn Source>, wires: Arc<Wires>, known: Known, events: &broadcast::Sender<Event>) {
        let tested = tokio::select! {
            tested = self.steps(&*source, &wires, known, events) => tested,
            () = self.cancel.cancelled() => return,
        };
        match tested {
            Ok(()) => self.lock().state = Some(wire::DraftState::Ready),
            Err(failure) => {
                tracing::info!(connector = %self.connector, error = %failure, "the test of a sign-in failed");
                self.lock().fail(failure);
            }
        }
        self.tell(events);
    }

    async fn steps(
        &self,
        source: &dyn Source,
        wires: &Wires,
        known: Known,
        events: &broadcast::Sender<Event>,
    ) -> Result<(), Failure> {
        let owner = self.owner();
        let session = wires.open(
            &Named { connector: &self.connector, account: &owner, account_name: &owner },
            self.config.clone(),
            Arc::clone(&self.base) as Arc<dyn kit::session::Credentials>,
            Arc::new(Unobserved),
            self.cancel.clone(),
        )?;
        let accounts = source
            .accounts(&session, &|event| {
                self.lock().take(event);
                self.tell(events);
            })
            .await?;
        let found: Vec<Found> = accounts
            .into_iter()
            .map(|account| Found {
                credentials: self.base.of_account(&account.external_id, known.taken.as_ref()),
                sample: None,
                spends: source.descriptor().keeps_statistics(),
                state: wire::StepState::Waiting,
                suggested: suggest(&account.name, &known.clients),
                connected_as: known.connected.get(&account.external_id).copied(),
                account,
            })
            .collect();
        {
            let mut test = self.lock();
            test.accounts = found;
            test.step("sample").begin();
        }
        self.tell(events);
        self.look_into_accounts(source, wires, events).await
    }

    /// Looks into each account. One that refuses is marked; the test fails only when none can be read.
    async fn look_into_accounts(
        &self,
        source: &dyn Source,
        wires: &Wires,
        events: &broadcast::Sender<Event>,
    ) -> Result<(), Failure> {
        use futures::StreamExt;
        let count = self.lock().accounts.len();
        let mut samples = futures::stream::iter(0..count)
            .map(|place| async move { (place, self.sample(place, source, wires, events).await) })
            .buffer_unordered(AT_ONCE);
        let (mut readable, mut first_failure) = (0_u32, None);
        while let Some((place, sample)) = samples.next().await {
            {
                let mut test = self.lock();
                let Some(found) = test.accounts.get_mut(place) else { continue };
                match sample {
                    Ok(sample) => {
                        readable += 1;
                        found.sample = Some(sample);
                        found.state = wire::StepState::Done;
                    }
                    Err(failure) => {
                        found.state = wire::StepState::Failed;
                        first_failure.get_or_insert(failure);
                    }
                }
                let step = test.step("sample");
                step.params.insert("done".to_owned(), readable.to_string());
                step.params.insert("total".to_owned(), count.to_string());
            }
            self.tell(events);
        }
        if readable == 0
            && let Some(failure) = first_failure
        {
            return Err(failure);
        }
        self.lock().step("sample").end(wire::StepState::Done);
        Ok(())
    }

    async fn sample(
        &self,
        place: usize,
        source: &dyn Source,
        wires: &Wires,
        events: &broadcast::Sender<Event>,
    ) -> Result<AccountSample, Failure> {
        let (account, credentials) = {
            let mut test = self.lock();
            let found = test.accounts.get_mut(place).ok_or_else(|| Failure::new(Code::Internal))?;
            found.state = wire::StepState::Running;
            (found.account.clone(), Arc::clone(&found.credentials))
        };
        self.tell(events);
        let mut config = self.config.clone();
        config.extend(account.config);
        let session = wires.open(
            &Named { connector: &self.connector, account: &account.external_id, account_name: &account.name },
            config,
            credentials,
            Arc::new(Unobserved),
            self.cancel.clone(),
        )?;
        let zone = source.descriptor().time_zone.clone().unwrap_or_default();
        source.sample(&session, date::today(wires.clock().now(), &zone)).await
    }

    /// How the sign-in calls itself in failures, before its own name is known: the first answer that is not secret.
    fn owner(&self) -> String {
        self.config.values().find_map(Value::as_str).unwrap_or_default().to_owned()
    }

    /// Why the test failed.
    pub(crate) fn failure(&self) -> Failure {
        let failed = self.lock().steps.iter().find_map(|step| step.failure.clone());
        failed.unwrap_or_else(|| Failure::new(Code::Internal))
    }

    /// The accounts found.
    pub(crate) fn accounts(&self) -> Vec<Found> {
        self.lock().accounts.clone()
    }

    /// The draft as the screen sees it. No secret is in it.
    pub(crate) fn wire(&self) -> wire::Draft {
        let test = self.lock();
        wire::Draft {
            id: self.id,
            connector: self.connector.clone(),
            state: test.state.unwrap_or(wire::DraftState::Testing),
            signed_in_as: test.signed_in_as.clone(),
            steps: test
                .steps
                .iter()
                .map(|step| wire::TestStep {
                    id: step.id.to_owned(),
                    state: step.state,
                    params: step.params.clone(),
                    millis: step.millis.or_else(|| step.began.map(elapsed)),
                    failure: step.failure.as_ref().map(wire::ApiError::from),
                })
                .collect(),
            accounts: test.accounts.iter().map(Found::wire).collect(),
        }
    }
}

impl Found {
    fn wire(&self) -> wire::FoundAccount {
        let sample = self.sample.clone().unwrap_or_default();
        wire::FoundAccount {
            external_id: self.account.external_id.clone(),
            name: self.account.name.clone(),
            currency: sample.currency.or(self.account.currency),
            campaigns: sample.campaigns,
            spend_30d: sample.spend_30d,
            last_data: sample.last_data,
            active: !self.spends || sample.spend_30d.is_some_and(|spend| spend > model::money::Micros::ZERO),
            state: self.state,
            suggested_client: self.suggested,
            connected_as: self.connected_as,
        }
    }
}

/// The client whose name fits an account's: the same letters and digits, or one within the other, the longest such name first.
fn suggest(account: &str, clients: &[Client]) -> Option<ClientId> {
    let plain =
        |text: &str| text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>();
    let account = plain(account);
    let fits = |name: &str| name.chars().count() >= 3 && (account.contains(name) || name.contains(&account));
    let fitting = clients
        .iter()
        .map(|client| (plain(&client.name), client.id))
        .filter(|(name, _)| !account.is_empty() && fits(name));
    fitting.max_by_key(|(name, _)| (*name == account, name.len())).map(|(_, id)| id)
}
