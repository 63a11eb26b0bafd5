//! Sign-ins: what connections that were made from one going-in share, where it is kept, and how it is handed to a run.
//!
//! What is shared (the key a person typed, the tokens of the sign-in itself) lies once, sealed with the sign-in's own key, so that a
//! refresh token that one connection rotates is the one that all others find. What belongs to one connection alone (the tokens of its
//! cabinet) is sealed with its client's key. The sign-in's key is sealed with the key of every client that uses it: destroying a client's
//! key takes both from it.

use crate::{
    folder::{blocking, client_key},
    registry::Registry,
};
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use kit::{
    clock::Clock,
    session::{Credentials, SecretChanges},
    signin::{SignInFacts, is_access, is_token},
    source::Source,
};
use model::{
    alert::{AlertKind, AlertRule, Threshold},
    connection::Connection,
    failure::{Code, Failure},
    id::{ClientId, ConnectionId, SignInId},
    secret::SecretFields,
    sign_in::ENDS_SOON,
};
use serde_json::{Map, Value};
use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use store::{
    Scope, Store,
    alerts::Found,
    sign_ins::{Renewal, SealedKey, SignIn},
};
use tokio::sync::Mutex as Turn;
use vault::{credential::Vault, keys::SignInKey};

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The sign-ins of one open workspace.
pub(crate) struct SignIns {
    store: Store,
    vault: Arc<Vault>,
    clock: Arc<dyn Clock>,
    turns: Mutex<HashMap<SignInId, Turns>>,
}

/// The turns of one sign-in, the same for everybody in this process.
#[derive(Clone, Default)]
struct Turns {
    renewing: Arc<Turn<()>>,
    /// Held between reading an envelope and writing it again.
    writing: Arc<Turn<()>>,
}

/// What a person gave, to be kept as a sign-in or in place of one.
pub(crate) struct Given {
    pub(crate) id: SignInId,
    pub(crate) connector: String,
    pub(crate) owner: Option<String>,
    pub(crate) shared: SecretFields,
    pub(crate) issued_at: DateTime<Utc>,
}

impl SignIns {
    pub(crate) fn new(store: Store, vault: Arc<Vault>, clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self { store, vault, clock, turns: Mutex::default() })
    }

    fn turns(&self, id: SignInId) -> Turns {
        lock(&self.turns).entry(id).or_default().clone()
    }

    /// The credentials of a connection.
    pub(crate) async fn credentials(
        self: &Arc<Self>,
        client: ClientId,
        connection: ConnectionId,
    ) -> Result<Arc<VaultCredentials>, Failure> {
        let id = self.store.sign_in_of(connection).await?.map(|sign_in| sign_in.id);
        let id = id.ok_or_else(|| Failure::new(Code::CredentialMissing))?;
        Ok(Arc::new(VaultCredentials { all: Arc::clone(self), id, turns: self.turns(id), client, connection }))
    }

    /// Notes that a run goes in with a connection's sign-in.
    pub(crate) async fn note_used(&self, connection: ConnectionId) -> Result<(), Failure> {
        if let Some(sign_in) = self.store.sign_in_of(connection).await? {
            self.store.note_sign_in_used(sign_in.id, self.clock.now()).await?;
        }
        Ok(())
    }

    /// The key of a sign-in, by way of this client or of any that uses it.
    async fn key(&self, id: SignInId, client: Option<ClientId>) -> Result<Option<SignInKey>, Failure> {
        let keys = self.store.sign_in_keys(id).await?;
        let Some(sealed) = keys.into_iter().find(|sealed| client.is_none_or(|client| sealed.client_id == client))
        else {
            return Ok(None);
        };
        let own = client_key(&self.store, sealed.client_id).await?;
        Ok(Some(self.vault.unwrap_key(&own, sealed.client_id, id, &sealed.key)?))
    }

    /// What the connections of a sign-in share.
    pub(crate) async fn shared(&self, id: SignInId) -> Result<Option<SecretFields>, Failure> {
        let Some(key) = self.key(id, None).await? else { return Ok(None) };
        let vault = Arc::clone(&self.vault);
        let opened = blocking(move || Ok(vault.open_sign_in(&key, id)?)).await?;
        Ok(opened.map(|sealed| sealed.fields))
    }

    /// What is a connection's own; empty when it has nothing.
    async fn own(&self, client: ClientId, connection: ConnectionId) -> Result<SecretFields, Failure> {
        let (key, vault) = (client_key(&self.store, client).await?, Arc::clone(&self.vault));
        let opened = blocking(move || Ok(vault.open(&key, client, connection)?)).await?;
        Ok(opened.map(|sealed| sealed.fields).unwrap_or_default())
    }

    /// Keeps what is a connection's own, in place of what was.
    pub(crate) async fn keep_own(
        &self,
        client: ClientId,
        connection: ConnectionId,
        fields: SecretFields,
    ) -> Result<(), Failure> {
        let (key, vault, now) = (client_key(&self.store, client).await?, Arc::clone(&self.vault), self.clock.now());
        blocking(move || {
            if fields.is_empty() {
                return Ok(vault.forget(connection)?);
            }
            Ok(vault.seal(&key, client, connection, &fields, now)?)
        })
        .await
    }

    /// Keeps a sign-in and lets these connections live by it. What they lived by before is forgotten when nobody else does.
    pub(crate) async fn give(&self, given: &Given, to: &[(ClientId, ConnectionId)]) -> Result<(), Failure> {
        let turns = self.turns(given.id);
        let _writing = turns.writing.lock().await;
        let before = self.store.sign_ins().await?.into_iter().find(|known| known.id == given.id);
        let key = match self.key(given.id, None).await? {
            Some(key) => key,
            None => SignInKey::generate()?,
        };
        let mut facts = given.shared.clone();
        let mut keys: Vec<SealedKey> = Vec::new();
        for (client, connection) in to {
            facts.extend(self.own(*client, *connection).await?);
            if keys.iter().all(|known| known.client_id != *client) {
                let own = client_key(&self.store, *client).await?;
                keys.push(SealedKey { client_id: *client, key: self.vault.wrap(&own, *client, given.id, &key)? });
            }
        }
        let facts = SignInFacts::of(&facts);
        let sign_in = SignIn {
            id: given.id,
            connector: given.connector.clone(),
            owner: given.owner.clone(),
            scopes: facts.scopes,
            issued_at: given.issued_at,
            access_until: facts.access_until,
            ends_at: facts.ends_at,
            used_at: before.as_ref().and_then(|before| before.used_at),
            refreshed_at: before.and_then(|before| before.refreshed_at),
        };
        // Sealed first: a row without its secrets would send everybody to sign in.
        let (vault, id, shared, now) = (Arc::clone(&self.vault), given.id, given.shared.clone(), self.clock.now());
        blocking(move || Ok(vault.seal_sign_in(&key, id, &shared, now)?)).await?;
        let connections: Vec<ConnectionId> = to.iter().map(|(_, connection)| *connection).collect();
        let orphans = self.store.put_sign_in(&sign_in, &keys, &connections).await?;
        self.forget(orphans).await;
        // The sign-in is kept; the next look takes the warning back.
        if let Err(failure) = self.review().await {
            tracing::warn!(error = %failure, "whether sign-ins end soon could not be looked at");
        }
        Ok(())
    }

    /// Says in time that a sign-in ends, to everybody whose connection lives by it, and takes it back when it was renewed. Answers whether
    /// anything changed.
    pub(crate) async fn review(&self) -> Result<bool, Failure> {
        let now = self.clock.now();
        let rule = self.store.alert_rules().await?.remove(&AlertKind::SignInEnds).filter(|rule| rule.enabled);
        let ends: HashMap<SignInId, Option<DateTime<Utc>>> =
            self.store.sign_ins().await?.into_iter().map(|sign_in| (sign_in.id, sign_in.ends_at)).collect();
        let mut changed = false;
        for (connection, id) in self.store.sign_ins_of_connections().await? {
            let end = ends.get(&id).copied().flatten();
            // After its end it is no warning any more: a person is asked in.
            let soon = |rule: &AlertRule, end: DateTime<Utc>| {
                let days = rule.thresholds.get(&Threshold::Days).copied().unwrap_or_default();
                end > now && end - now <= ENDS_SOON.max(TimeDelta::days(days.into()))
            };
            let found = rule.as_ref().zip(end).filter(|(rule, end)| soon(rule, *end)).map(|(rule, end)| Found {
                kind: AlertKind::SignInEnds,
                stream: None,
                days: None,
                severity: rule.severity,
                params: [("until".to_owned(), end.to_rfc3339())].into(),
            });
            let found: Vec<Found> = found.into_iter().collect();
            let reviewed = self.store.review_alerts(connection, &[AlertKind::SignInEnds], &found, None, now).await?;
            changed |= reviewed.is_change();
        }
        Ok(changed)
    }

    /// Removes from the vault what nobody lives by any more. The rows are gone already, so a keychain that refuses is said, not shown as
    /// a failure.
    pub(crate) async fn forget(&self, ids: Vec<SignInId>) {
        for id in ids {
            lock(&self.turns).remove(&id);
            let vault = Arc::clone(&self.vault);
            if let Err(failure) = blocking(move || Ok(vault.forget_sign_in(id)?)).await {
                tracing::warn!(error = %failure, "the secrets of a sign-in that nobody uses are still in the keychain");
            }
        }
    }

    /// Which sign-ins there are, to be compared with by [`SignIns::forget_gone`] after connections were deleted.
    pub(crate) async fn ids(&self) -> Result<BTreeSet<SignInId>, Failure> {
        Ok(self.store.sign_ins().await?.into_iter().map(|sign_in| sign_in.id).collect())
    }

    /// Forgets the secrets of the sign-ins that went with their last connection.
    pub(crate) async fn forget_gone(&self, before: &BTreeSet<SignInId>) -> Result<(), Failure> {
        let left = self.ids().await?;
        self.forget(before.difference(&left).copied().collect()).await;
        Ok(())
    }

    /// Takes the dead tokens of a connection away after the platform refused it, so that nothing tries them again: its access tokens, and
    /// the refresh tokens too when the consent itself was taken back. What a person typed stays, whatever its name.
    pub(crate) async fn clear_dead(
        self: &Arc<Self>,
        connection: &Connection,
        source: &dyn Source,
        failure: &Failure,
    ) -> Result<(), Failure> {
        let typed = typed(&source.descriptor().form);
        let credentials = self.credentials(connection.client_id, connection.id).await?;
        // Its own tokens where it has some: those of the sign-in itself were not tried then.
        let own = !self.own(connection.client_id, connection.id).await?.is_empty();
        let dead = |name: &String| {
            !typed.contains(name) && if failure.code == Code::SignInRevoked { is_token(name) } else { is_access(name) }
        };
        let fields = credentials.load().await?.into_keys().filter(dead).map(|name| (name, None)).collect();
        credentials.change(SecretChanges { fields, own }).await
    }

    /// A sign-in that was given with the same answers: whoever connects more cabinets of an agency goes on with the tokens it has. A
    /// platform gives few of them.
    pub(crate) async fn same(
        &self,
        source: &dyn Source,
        config: &Map<String, Value>,
        secrets: &SecretFields,
    ) -> Result<Option<SignInId>, Failure> {
        let form = &source.descriptor().form;
        let typed = typed(form);
        let living = self.store.sign_ins_of_connections().await?;
        let connections = self.store.connections(Scope::Portfolio).await?;
        let alike = connections.iter().filter(|connection| {
            connection.connector == source.descriptor().id && asked(form, &connection.config) == asked(form, config)
        });
        let mut seen = BTreeSet::new();
        for id in alike.filter_map(|connection| living.get(&connection.id).copied()) {
            if seen.insert(id)
                && let Some(shared) = self.shared(id).await?
                && entered(&typed, &shared) == entered(&typed, secrets)
            {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    /// What a new test of a sign-in takes over from the one it renews or joins: its tokens but for the access tokens, so that the test
    /// proves what the person typed and yet asks the platform for no token more than needed.
    pub(crate) async fn taken_over(
        self: &Arc<Self>,
        source: &dyn Source,
        config: &Map<String, Value>,
        id: SignInId,
    ) -> Result<Option<TakenOver>, Failure> {
        let form = &source.descriptor().form;
        let typed = typed(form);
        let lasting = |fields: SecretFields| -> SecretFields {
            let kept = |name: &String| is_token(name) && !is_access(name) && !typed.contains(name);
            fields.into_iter().filter(|(name, _)| kept(name)).collect()
        };
        let living = self.store.sign_ins_of_connections().await?;
        let mut connections = self.store.connections(Scope::Portfolio).await?;
        connections.retain(|connection| living.get(&connection.id) == Some(&id));
        // Tokens of another application are of no use, and refreshing them in its name would cost the ones that are.
        let same = connections.first().is_some_and(|first| asked(form, &first.config) == asked(form, config));
        let Some(shared) = self.shared(id).await?.filter(|_| same) else { return Ok(None) };
        let mut accounts = HashMap::new();
        let mut any = None;
        for connection in &connections {
            let kept = self.credentials(connection.client_id, connection.id).await?;
            let own = lasting(self.own(connection.client_id, connection.id).await?);
            any.get_or_insert_with(|| Arc::clone(&kept));
            accounts.insert(connection.account_external_id.clone(), (kept, own));
        }
        Ok(any.map(|kept| TakenOver { shared: lasting(shared), kept, accounts }))
    }

    /// Gives connections of before there were sign-ins theirs: those whose secrets and answers are the same share one. A credential that
    /// does not open stays where it is, and its connection asks for a sign-in.
    pub(crate) async fn adopt(&self, registry: &Registry) -> Result<(), Failure> {
        let living = self.store.sign_ins_of_connections().await?;
        let mut groups: Vec<Group> = Vec::new();
        for connection in self.store.connections(Scope::Portfolio).await? {
            let source = registry.get(&connection.connector).filter(|source| !source.descriptor().streams.is_empty());
            let Some(source) = source.filter(|_| !living.contains_key(&connection.id)) else { continue };
            let fields = match self.own(connection.client_id, connection.id).await {
                Ok(fields) if fields.is_empty() => continue,
                Ok(fields) => fields,
                Err(failure) => {
                    tracing::warn!(error = %failure, "a credential could not be taken over");
                    continue;
                }
            };
            let form = &source.descriptor().form;
            let typed = typed(form);
            // Tokens for a cabinet carry its name.
            let names: Vec<&str> = connection.config.values().filter_map(Value::as_str).collect();
            let (own, shared): (SecretFields, SecretFields) = fields.into_iter().partition(|(name, _)| {
                is_token(name) && name.split_once(':').is_some_and(|(_, subject)| names.contains(&subject))
            });
            let identity = (entered(&typed, &shared), asked(form, &connection.config));
            let member = (connection.client_id, connection.id, own);
            let alike = |group: &&mut Group| group.connector == connection.connector && group.identity == identity;
            if let Some(group) = groups.iter_mut().find(alike) {
                // Of two tokens of one name one stays; the other is forgotten by the platform when nobody uses it.
                group.shared.extend(shared);
                group.issued_at = group.issued_at.min(connection.created_at);
                group.members.push(member);
            } else {
                groups.push(Group {
                    connector: connection.connector.clone(),
                    identity,
                    shared,
                    issued_at: connection.created_at,
                    members: vec![member],
                });
            }
        }
        for group in groups {
            let given = Given {
                id: SignInId::new(),
                connector: group.connector,
                owner: None,
                shared: group.shared,
                issued_at: group.issued_at,
            };
            let to: Vec<_> = group.members.iter().map(|(client, connection, _)| (*client, *connection)).collect();
            self.give(&given, &to).await?;
            // Only now, when what is shared lies safe.
            for (client, connection, own) in group.members {
                self.keep_own(client, connection, own).await?;
            }
        }
        Ok(())
    }
}

/// Connections that will share a sign-in.
struct Group {
    connector: String,
    identity: (SecretFields, Map<String, Value>),
    shared: SecretFields,
    issued_at: DateTime<Utc>,
    members: Vec<(ClientId, ConnectionId, SecretFields)>,
}

/// The secret fields that a person types. Forms hide those that only signing in fills.
fn typed(form: &Value) -> Vec<String> {
    let hidden = |name: &String| form["properties"][name]["airbyte_hidden"] == Value::Bool(true);
    manifest::imported::secret_fields(form).into_iter().filter(|name| !hidden(name)).collect()
}

/// What a person typed among secret fields.
fn entered(typed: &[String], fields: &SecretFields) -> SecretFields {
    let own = |name: &String| typed.contains(name) || !is_token(name);
    fields.iter().filter(|(name, _)| own(name)).map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// The answers to a form among a connection's settings; what selects its account is not among them.
pub(crate) fn asked(form: &Value, config: &Map<String, Value>) -> Map<String, Value> {
    let known = |name: &String| form["properties"].get(name).is_some();
    config.iter().filter(|(name, _)| known(name)).map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// What a test of a sign-in takes over.
pub(crate) struct TakenOver {
    shared: SecretFields,
    kept: Arc<VaultCredentials>,
    /// By the vendor's id of the account.
    accounts: HashMap<String, (Arc<VaultCredentials>, SecretFields)>,
}

/// The credentials of a connection, sealed in the vault.
pub(crate) struct VaultCredentials {
    all: Arc<SignIns>,
    id: SignInId,
    turns: Turns,
    client: ClientId,
    connection: ConnectionId,
}

impl VaultCredentials {
    async fn key(&self) -> Result<SignInKey, Failure> {
        let key = self.all.key(self.id, Some(self.client)).await?;
        key.ok_or_else(|| Failure::new(Code::CredentialMissing))
    }

    async fn shared(&self, key: &SignInKey) -> Result<SecretFields, Failure> {
        let (vault, key, id) = (Arc::clone(&self.all.vault), key.clone(), self.id);
        let opened = blocking(move || Ok(vault.open_sign_in(&key, id)?)).await?;
        opened.map(|sealed| sealed.fields).ok_or_else(|| Failure::new(Code::CredentialMissing))
    }

    async fn own(&self) -> Result<SecretFields, Failure> {
        self.all.own(self.client, self.connection).await
    }
}

#[async_trait]
impl Credentials for VaultCredentials {
    async fn load(&self) -> Result<SecretFields, Failure> {
        let mut fields = self.shared(&self.key().await?).await?;
        fields.extend(self.own().await?);
        Ok(fields)
    }

    async fn change(&self, changes: SecretChanges) -> Result<(), Failure> {
        let _writing = self.turns.writing.lock().await;
        let key = self.key().await?;
        let (mut own, mut shared) = (self.own().await?, self.shared(&key).await?);
        let kept = if changes.own { &mut own } else { &mut shared };
        let before = kept.clone();
        changes.apply(kept);
        if *kept == before {
            return Ok(());
        }
        if changes.own {
            self.all.keep_own(self.client, self.connection, own.clone()).await?;
        } else {
            let (vault, id, fields, now) = (Arc::clone(&self.all.vault), self.id, shared.clone(), self.all.clock.now());
            blocking(move || Ok(vault.seal_sign_in(&key, id, &fields, now)?)).await?;
        }
        shared.extend(own);
        let facts = SignInFacts::of(&shared);
        let renewed = changes.fields.iter().any(|(_, value)| value.is_some());
        let renewal = Renewal {
            access_until: facts.access_until,
            ends_at: facts.ends_at,
            scopes: facts.scopes,
            at: renewed.then(|| self.all.clock.now()),
        };
        // The secrets are kept, which is what counts; without this the board is a little behind.
        if let Err(error) = self.all.store.note_sign_in_renewal(self.id, renewal).await {
            tracing::warn!(%error, "the renewal of a sign-in could not be noted");
        }
        Ok(())
    }

    fn turn(&self) -> Arc<Turn<()>> {
        Arc::clone(&self.turns.renewing)
    }
}

/// The credential of a sign-in being tested: nothing that a person typed is written anywhere until it is saved. Tokens that were taken over
/// are another matter: one that rotates while it is tested is kept at once, because the platform knows the old one no more.
pub(crate) struct DraftCredentials {
    shared: Arc<Mutex<SecretFields>>,
    own: Mutex<SecretFields>,
    typed: Arc<BTreeSet<String>>,
    turn: Arc<Turn<()>>,
    kept_shared: Option<Arc<VaultCredentials>>,
    kept_own: Option<Arc<VaultCredentials>>,
}

impl DraftCredentials {
    pub(crate) fn new(fields: SecretFields) -> Arc<Self> {
        Self::over(fields, None)
    }

    /// What a person typed, over what was taken over from an earlier sign-in.
    pub(crate) fn over(mut fields: SecretFields, taken: Option<&TakenOver>) -> Arc<Self> {
        let typed = fields.keys().cloned().collect();
        for (name, value) in taken.iter().flat_map(|taken| &taken.shared) {
            fields.entry(name.clone()).or_insert_with(|| value.clone());
        }
        Arc::new(Self {
            shared: Arc::new(Mutex::new(fields)),
            own: Mutex::default(),
            typed: Arc::new(typed),
            turn: taken.map(|taken| taken.kept.turn()).unwrap_or_default(),
            kept_shared: taken.map(|taken| Arc::clone(&taken.kept)),
            kept_own: None,
        })
    }

    /// The credentials of one of the accounts found.
    pub(crate) fn of_account(&self, external_id: &str, taken: Option<&TakenOver>) -> Arc<Self> {
        let known = taken.and_then(|taken| taken.accounts.get(external_id));
        Arc::new(Self {
            shared: Arc::clone(&self.shared),
            own: Mutex::new(known.map(|(_, own)| own.clone()).unwrap_or_default()),
            typed: Arc::clone(&self.typed),
            turn: Arc::clone(&self.turn),
            kept_shared: self.kept_shared.clone(),
            kept_own: known.map(|(kept, _)| Arc::clone(kept)),
        })
    }

    fn shared(&self) -> SecretFields {
        lock(&self.shared).clone()
    }

    fn own(&self) -> SecretFields {
        lock(&self.own).clone()
    }

    /// Whether it goes on with the tokens of an earlier sign-in.
    pub(crate) fn goes_on(&self) -> bool {
        self.kept_shared.is_some()
    }

    /// What is to be kept as shared. Tokens that were taken over are in the vault already, perhaps newer ones by now.
    pub(crate) async fn shared_to_keep(&self) -> Result<SecretFields, Failure> {
        let mut fields = self.shared();
        if let Some(kept) = &self.kept_shared {
            fields.retain(|name, _| self.typed.contains(name));
            let tokens = kept.shared(&kept.key().await?).await?.into_iter();
            fields.extend(tokens.filter(|(name, _)| is_token(name) && !self.typed.contains(name)));
        }
        Ok(fields)
    }

    /// What is to be kept as the account's own; `None` when it is in the vault already, as some connection's own.
    pub(crate) fn own_to_keep(&self) -> Option<SecretFields> {
        self.kept_own.is_none().then(|| self.own())
    }
}

#[async_trait]
impl Credentials for DraftCredentials {
    async fn load(&self) -> Result<SecretFields, Failure> {
        let mut fields = self.shared();
        fields.extend(self.own());
        Ok(fields)
    }
    async fn change(&self, changes: SecretChanges) -> Result<(), Failure> {
        changes.apply(&mut lock(if changes.own { &self.own } else { &self.shared }));
        let kept = if changes.own { &self.kept_own } else { &self.kept_shared };
        let Some(kept) = kept else { return Ok(()) };
        let fields = changes.fields.into_iter().filter(|(name, _)| !self.typed.contains(name)).collect();
        kept.change(SecretChanges { fields, own: changes.own }).await
    }
    fn turn(&self) -> Arc<Turn<()>> {
        Arc::clone(&self.turn)
    }
}
