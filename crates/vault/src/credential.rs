//! Credentials at rest: a sealed envelope per sign-in with what its connections share, one per connection with what is its own, one per
//! channel, and the workspace's database key.
//!
//! An envelope is bound to workspace and sign-in, to workspace, client and connection, or to workspace and channel, by the associated data of
//! its cipher, so an
//! envelope that is swapped for another one, by mistake or by someone with access to the keychain, does not open.

use crate::{
    chunks,
    cipher::{self, KEY_LEN, NONCE_LEN, TAG_LEN, random},
    failure::VaultError,
    keys::{ChannelKey, ClientKey, DatabaseKey, SignInKey},
    pairs,
    store::{SecretStore, StoreKind},
};
use chrono::{DateTime, Utc};
use model::{
    id::{ChannelId, ClientId, ConnectionId, SignInId, WorkspaceId},
    secret::{Secret, SecretFields},
};
use std::{
    fs::{File, TryLockError},
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::{Duration, Instant},
};
use zeroize::Zeroizing;

/// First bytes of an envelope: what it is, and the version of its form.
const ENVELOPE: [u8; 5] = *b"SDCR\x01";
/// What the associated data of an envelope begins with, so that no other sealed text of ours passes for an envelope.
const LABEL: &[u8] = b"syncdeck-credential-v1";
/// The same of a channel's envelope.
const CHANNEL_LABEL: &[u8] = b"syncdeck-channel-v1";
/// The same for an envelope of a sign-in.
const SIGN_IN_LABEL: &[u8] = b"syncdeck-sign-in-v1";
/// The same for the key of a sign-in, sealed for a client.
const KEY_LABEL: &[u8] = b"syncdeck-sign-in-key-v1";
/// Bytes of an envelope before the nonce: [`ENVELOPE`] and the time of sealing in Unix seconds.
const HEADER_LEN: usize = ENVELOPE.len() + 8;
/// First byte of the stored database key: the version of its form.
const DATABASE_KEY: u8 = 1;

/// An opened credential.
#[derive(Debug)]
pub struct Sealed {
    /// The secret fields by the names of the connector's form.
    pub fields: SecretFields,
    /// When they were sealed, to the second.
    pub stored_at: DateTime<Utc>,
}

/// The credentials of one workspace in one store.
pub struct Vault {
    store: Arc<dyn SecretStore>,
    workspace: WorkspaceId,
    /// Keeps readers and writers of this program apart, as [`chunks`] asks for.
    turn: RwLock<()>,
    /// Does the same between programs: a file that they lock.
    gate: Option<PathBuf>,
}

impl Vault {
    /// The workspace's credentials in this store. Nothing is read or written yet.
    pub fn new(store: Arc<dyn SecretStore>, workspace: WorkspaceId) -> Self {
        Self { store, workspace, turn: RwLock::new(()), gate: None }
    }

    /// The same among other programs that use the same store, all of which name this file. It is made when it is not there.
    #[must_use]
    pub fn among_programs(self, gate: PathBuf) -> Self {
        Self { gate: Some(gate), ..self }
    }

    /// Which store it is.
    pub fn kind(&self) -> StoreKind {
        self.store.kind()
    }

    /// The key of the workspace's database; `None` when this store has none.
    pub fn workspace_key(&self) -> Result<Option<DatabaseKey>, VaultError> {
        let bytes = match self.stored(&self.workspace_key_name()) {
            Err(VaultError::EntryDamaged { .. }) => return Err(VaultError::WorkspaceKeyDamaged),
            outcome => outcome?,
        };
        let Some(bytes) = bytes else { return Ok(None) };
        let key = bytes.strip_prefix(&[DATABASE_KEY]).and_then(|key| key.try_into().ok());
        key.map(|key| Some(DatabaseKey::from_bytes(key))).ok_or(VaultError::WorkspaceKeyDamaged)
    }

    /// Stores the key of the workspace's database.
    pub fn set_workspace_key(&self, key: &DatabaseKey) -> Result<(), VaultError> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(1 + key.as_bytes().len()));
        bytes.push(DATABASE_KEY);
        bytes.extend_from_slice(key.as_bytes());
        let _turn = self.write();
        chunks::set(&*self.store, &self.workspace_key_name(), &bytes)
    }

    /// Removes the key of the workspace's database: without the recovery key nobody opens it again.
    pub fn delete_workspace_key(&self) -> Result<(), VaultError> {
        let _turn = self.write();
        chunks::delete(&*self.store, &self.workspace_key_name())
    }

    /// Seals the secret fields of a connection and stores them in place of the old ones. When this returns `Ok` they are
    /// stored, so a rotated refresh token may be used; on an error the old ones still stand.
    ///
    /// `stored_at` is the present time; it is kept to the second.
    pub fn seal(
        &self,
        key: &ClientKey,
        client: ClientId,
        connection: ConnectionId,
        fields: &SecretFields,
        stored_at: DateTime<Utc>,
    ) -> Result<(), VaultError> {
        self.seal_at(&Place::of(client, connection), key.as_bytes(), fields, stored_at)
    }

    /// Opens the secret fields of a connection; `None` when there are none.
    pub fn open(
        &self,
        key: &ClientKey,
        client: ClientId,
        connection: ConnectionId,
    ) -> Result<Option<Sealed>, VaultError> {
        self.open_at(&Place::of(client, connection), key.as_bytes())
    }

    /// Whether something is stored for the connection. It may still not open.
    pub fn present(&self, connection: ConnectionId) -> Result<bool, VaultError> {
        chunks::present(&*self.store, &connection_name(connection))
    }

    /// Removes the secret fields of a connection; nothing happens when there are none.
    pub fn forget(&self, connection: ConnectionId) -> Result<(), VaultError> {
        let _turn = self.write();
        chunks::delete(&*self.store, &connection_name(connection))
    }

    /// Seals the secret of a channel, as [`Vault::seal`] does for a connection.
    pub fn seal_channel(
        &self,
        key: &ChannelKey,
        channel: ChannelId,
        fields: &SecretFields,
        stored_at: DateTime<Utc>,
    ) -> Result<(), VaultError> {
        self.seal_at(&Place::of_channel(channel), key.as_bytes(), fields, stored_at)
    }

    /// Opens the secret of a channel; `None` when there is none.
    pub fn open_channel(&self, key: &ChannelKey, channel: ChannelId) -> Result<Option<Sealed>, VaultError> {
        self.open_at(&Place::of_channel(channel), key.as_bytes())
    }

    /// Removes the secret of a channel; nothing happens when there is none.
    pub fn forget_channel(&self, channel: ChannelId) -> Result<(), VaultError> {
        let _turn = self.write();
        chunks::delete(&*self.store, &Place::of_channel(channel).name)
    }

    /// Seals what the connections of a sign-in share, with the promise of [`Vault::seal`].
    pub fn seal_sign_in(
        &self,
        key: &SignInKey,
        sign_in: SignInId,
        fields: &SecretFields,
        stored_at: DateTime<Utc>,
    ) -> Result<(), VaultError> {
        self.seal_at(&Place::of_sign_in(sign_in), key.as_bytes(), fields, stored_at)
    }

    /// Opens what the connections of a sign-in share; `None` when there is nothing.
    pub fn open_sign_in(&self, key: &SignInKey, sign_in: SignInId) -> Result<Option<Sealed>, VaultError> {
        self.open_at(&Place::of_sign_in(sign_in), key.as_bytes())
    }

    /// Removes what the connections of a sign-in shared; nothing happens when there is nothing.
    pub fn forget_sign_in(&self, sign_in: SignInId) -> Result<(), VaultError> {
        let _turn = self.write();
        chunks::delete(&*self.store, &sign_in_name(sign_in))
    }

    /// Seals the key of a sign-in for a client whose connections use it.
    pub fn wrap(
        &self,
        key: &ClientKey,
        client: ClientId,
        sign_in: SignInId,
        inner: &SignInKey,
    ) -> Result<Vec<u8>, VaultError> {
        let nonce = random::<NONCE_LEN>()?;
        let mut clear = Zeroizing::new(Vec::with_capacity(inner.as_bytes().len() + TAG_LEN));
        clear.extend_from_slice(inner.as_bytes());
        let sealed = cipher::seal(key.as_bytes(), &nonce, &self.key_bound(client, sign_in), clear)?;
        Ok([&nonce[..], &sealed].concat())
    }

    /// Opens the key of a sign-in that was sealed for this client.
    pub fn unwrap_key(
        &self,
        key: &ClientKey,
        client: ClientId,
        sign_in: SignInId,
        wrapped: &[u8],
    ) -> Result<SignInKey, VaultError> {
        let opened = || {
            let (nonce, sealed) = wrapped.split_first_chunk()?;
            let clear = cipher::open(key.as_bytes(), nonce, &self.key_bound(client, sign_in), sealed)?;
            clear.as_slice().try_into().ok().map(SignInKey::from_bytes)
        };
        opened().ok_or(VaultError::SealBroken)
    }

    fn seal_at(
        &self,
        place: &Place,
        key: &[u8; KEY_LEN],
        fields: &SecretFields,
        stored_at: DateTime<Utc>,
    ) -> Result<(), VaultError> {
        let clear =
            pairs::write(fields.iter().map(|(name, value)| (name.as_str(), value.expose().as_bytes())), TAG_LEN)
                .ok_or(VaultError::Crypto("the text is too long to seal"))?;
        let mut header = [0; HEADER_LEN];
        header[..ENVELOPE.len()].copy_from_slice(&ENVELOPE);
        header[ENVELOPE.len()..].copy_from_slice(&stored_at.timestamp().to_be_bytes());
        let nonce = random::<NONCE_LEN>()?;
        let sealed = cipher::seal(key, &nonce, &self.bound_to(&header, place), clear)?;
        let envelope = [&header[..], &nonce, &sealed].concat();
        let _turn = self.write();
        chunks::set(&*self.store, &place.name, &envelope)
    }

    fn open_at(&self, place: &Place, key: &[u8; KEY_LEN]) -> Result<Option<Sealed>, VaultError> {
        let Some(envelope) = self.stored(&place.name)? else { return Ok(None) };
        self.unseal(place, key, &envelope).ok_or(VaultError::SealBroken).map(Some)
    }

    fn unseal(&self, place: &Place, key: &[u8; KEY_LEN], envelope: &[u8]) -> Option<Sealed> {
        let (header, rest) = envelope.split_first_chunk::<HEADER_LEN>()?;
        let stored_at = i64::from_be_bytes(header.strip_prefix(&ENVELOPE)?.try_into().ok()?);
        let (nonce, sealed) = rest.split_first_chunk()?;
        let clear = cipher::open(key, nonce, &self.bound_to(header, place), sealed)?;
        let mut fields = SecretFields::new();
        for (name, value) in pairs::read(&clear)? {
            fields.insert(name.to_owned(), Secret::new(std::str::from_utf8(value).ok()?));
        }
        Some(Sealed { fields, stored_at: DateTime::from_timestamp(stored_at, 0)? })
    }

    /// The associated data of an envelope. Every part has a length that its label fixes, so no two combinations give the same bytes.
    fn bound_to(&self, header: &[u8; HEADER_LEN], place: &Place) -> Vec<u8> {
        [place.label, header, self.workspace.as_bytes(), &place.ids].concat()
    }

    fn key_bound(&self, client: ClientId, sign_in: SignInId) -> Vec<u8> {
        [KEY_LABEL, self.workspace.as_bytes(), client.as_bytes(), sign_in.as_bytes()].concat()
    }

    fn workspace_key_name(&self) -> String {
        format!("workspace/{}", self.workspace)
    }

    fn read(&self) -> (RwLockReadGuard<'_, ()>, Option<Gate>) {
        let turn = self.turn.read().unwrap_or_else(PoisonError::into_inner);
        (turn, self.gate.as_deref().and_then(|path| Gate::enter(path, File::try_lock_shared)))
    }

    fn write(&self) -> (RwLockWriteGuard<'_, ()>, Option<Gate>) {
        let turn = self.turn.write().unwrap_or_else(PoisonError::into_inner);
        (turn, self.gate.as_deref().and_then(|path| Gate::enter(path, File::try_lock)))
    }

    fn stored(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        let _turn = self.read();
        chunks::get(&*self.store, name)
    }
}

/// Whose envelope it is: where it lies, and what it is bound to besides the workspace.
struct Place {
    name: String,
    label: &'static [u8],
    ids: Vec<u8>,
}

impl Place {
    fn of(client: ClientId, connection: ConnectionId) -> Self {
        let ids = [*client.as_bytes(), *connection.as_bytes()].concat();
        Self { name: connection_name(connection), label: LABEL, ids }
    }
    fn of_sign_in(sign_in: SignInId) -> Self {
        Self { name: sign_in_name(sign_in), label: SIGN_IN_LABEL, ids: sign_in.as_bytes().to_vec() }
    }
    fn of_channel(channel: ChannelId) -> Self {
        Self { name: format!("channel/{channel}"), label: CHANNEL_LABEL, ids: channel.as_bytes().to_vec() }
    }
}

/// A turn among programs.
struct Gate(File);

impl Gate {
    /// How long one waits for the others. A program that was held in the middle of its turn must not lock everybody out: then one goes
    /// on without a turn, and an entry that was read half old, half new does not open.
    const PATIENCE: Duration = Duration::from_secs(10);

    fn enter(path: &Path, lock: fn(&File) -> Result<(), TryLockError>) -> Option<Self> {
        let since = Instant::now();
        let entered = File::options().create(true).truncate(false).read(true).write(true).open(path).and_then(|file| {
            loop {
                match lock(&file) {
                    Ok(()) => return Ok(Self(file)),
                    Err(TryLockError::WouldBlock) if since.elapsed() < Self::PATIENCE => {
                        std::thread::sleep(Duration::from_millis(5));
                    }
                    Err(error) => return Err(error.into()),
                }
            }
        });
        entered
            .inspect_err(|error| tracing::warn!(%error, "credentials are used without waiting for other programs"))
            .ok()
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        if let Err(error) = self.0.unlock() {
            tracing::warn!(%error, "other programs wait for credentials until this one ends");
        }
    }
}

fn connection_name(connection: ConnectionId) -> String {
    format!("connection/{connection}")
}

fn sign_in_name(sign_in: SignInId) -> String {
    format!("sign_in/{sign_in}")
}
