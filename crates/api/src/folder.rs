//! A workspace as it lies on disk, and how it is opened. The folder holds:
//!
//! - `workspace.json`: which workspace this is and where its key is kept. No name, no secret: it is read before anything is unlocked;
//! - `workspace.db` (+ `-wal`, `-shm`, `.lock`, `backups/`): the encrypted database;
//! - `recovery.sealed`: the database key sealed with the recovery key that the person was shown once;
//! - `vault.sealed`: only with a passphrase, the file that takes the keychain's place;
//! - `vault.lock`: what programs lock while they use credentials.

use crate::demo::Cast;
use chrono::{DateTime, Utc};
use model::{
    failure::{Code, Failure},
    id::{ClientId, WorkspaceId},
    money::Currency,
    secret::Secret,
};
use serde::{Deserialize, Serialize};
use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};
use store::{Store, workspace::Workspace as WorkspaceRow};
use vault::{
    credential::Vault,
    keychain::{Keychain, KeychainStatus},
    keys::DatabaseKey,
    passphrase_file::PassphraseFile,
    recovery::{RecoveryKey, open_recovery, seal_recovery},
    store::SecretStore,
};

/// The form of `workspace.json` that this build writes and reads.
const FORMAT: u32 = 1;

/// Where a workspace keeps its key. The person chose it; nothing switches by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lock {
    /// The operating system's keychain.
    Keychain,
    /// A file sealed with a passphrase.
    Passphrase,
}

/// What `workspace.json` says.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Header {
    format: u32,
    /// Which workspace.
    pub id: WorkspaceId,
    /// Where its key is.
    pub lock: Lock,
    /// Whether it is the demo, which anybody may open over its own platform.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub demo: bool,
    /// Whether it is the demo of the mixed agency.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    mixed: bool,
}

impl Header {
    /// Which demo it is, if it is one.
    pub fn cast(&self) -> Option<Cast> {
        self.demo.then_some(if self.mixed { Cast::Mixed } else { Cast::Small })
    }
}

/// What a new workspace is made of.
#[derive(Debug, Clone)]
pub struct NewWorkspace {
    /// Name people see.
    pub name: String,
    /// Default currency.
    pub currency: Currency,
    /// Default time zone.
    pub time_zone: String,
    /// Which demo it is, if it is one.
    pub demo: Option<Cast>,
    /// Where to keep the key.
    pub lock: Lock,
    /// The passphrase, when it locks.
    pub passphrase: Option<Secret>,
    /// When it is made.
    pub created_at: DateTime<Utc>,
}

/// An open workspace: its database and its vault.
pub struct Opened {
    /// What `workspace.json` said.
    pub header: Header,
    /// The database.
    pub store: Store,
    /// The credentials.
    pub vault: Arc<Vault>,
}

/// The folder of a workspace, which may not exist yet.
#[derive(Debug, Clone)]
pub struct Folder {
    dir: PathBuf,
}

impl Folder {
    /// The workspace in this folder.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }
    /// The database file.
    pub fn database(&self) -> PathBuf {
        self.dir.join("workspace.db")
    }
    fn header_file(&self) -> PathBuf {
        self.dir.join("workspace.json")
    }
    fn recovery_file(&self) -> PathBuf {
        self.dir.join("recovery.sealed")
    }
    fn vault_file(&self) -> PathBuf {
        self.dir.join("vault.sealed")
    }

    fn vault_lock(&self) -> PathBuf {
        self.dir.join("vault.lock")
    }

    /// What `workspace.json` says; `None` when there is no workspace here.
    pub fn header(&self) -> Result<Option<Header>, Failure> {
        let path = self.header_file();
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(file_failure(&path, error)),
        };
        let header: Header = serde_json::from_str(&text).map_err(|error| {
            Failure::new(Code::FileFormat).with("found", path.display()).detail(&error).caused_by(error)
        })?;
        if header.format > FORMAT {
            return Err(Failure::new(Code::DatabaseNewer).with("found", header.format).with("known", FORMAT));
        }
        Ok(Some(header))
    }

    /// Makes a workspace. The header is written last, so that a crash leaves a folder that counts as empty.
    pub async fn create(&self, new: NewWorkspace, recovery: RecoveryKey) -> Result<Opened, Failure> {
        if self.header()?.is_some() {
            return Err(Failure::new(Code::WorkspaceExists));
        }
        make_private(&self.dir).map_err(|error| file_failure(&self.dir, error))?;
        let header = Header {
            format: FORMAT,
            id: WorkspaceId::new(),
            lock: new.lock,
            demo: new.demo.is_some(),
            mixed: new.demo == Some(Cast::Mixed),
        };
        self.clear_unfinished()?;
        let folder = self.clone();
        let (lock, passphrase) = (new.lock, new.passphrase.clone());
        let (vault, key) = blocking(move || {
            let vault = folder.make_vault(header.id, lock, passphrase.as_ref())?;
            let key = DatabaseKey::generate()?;
            write_durably(&folder.recovery_file(), &seal_recovery(&recovery, &key, header.id)?)?;
            vault.set_workspace_key(&key)?;
            Ok((vault, key))
        })
        .await?;
        let store = Store::create(&self.database(), &key.to_hex_secret(), store::Options::default()).await?;
        store
            .set_workspace(&WorkspaceRow {
                id: header.id,
                name: new.name,
                currency: new.currency,
                time_zone: new.time_zone,
                demo: new.demo.is_some(),
                created_at: new.created_at,
            })
            .await?;
        self.write_header(header)?;
        Ok(Opened { header, store, vault })
    }

    /// Opens the workspace. Without a passphrase where one is needed: `workspace_locked`.
    pub async fn open(&self, passphrase: Option<Secret>) -> Result<Opened, Failure> {
        let header = self.header()?.ok_or_else(|| Failure::new(Code::WorkspaceMissing))?;
        let folder = self.clone();
        let (vault, key) = blocking(move || {
            let secrets: Arc<dyn SecretStore> = match (header.lock, passphrase) {
                (Lock::Keychain, _) => Arc::new(Keychain::new()),
                (Lock::Passphrase, Some(passphrase)) => {
                    Arc::new(PassphraseFile::open(&folder.vault_file(), &passphrase)?)
                }
                (Lock::Passphrase, None) => return Err(Failure::new(Code::WorkspaceLocked)),
            };
            let vault = Vault::new(secrets, header.id).among_programs(folder.vault_lock());
            let key = vault.workspace_key()?.ok_or_else(|| Failure::new(Code::WorkspaceKeyMissing))?;
            Ok((Arc::new(vault), key))
        })
        .await?;
        let store = Store::open(&self.database(), &key.to_hex_secret(), store::Options::default()).await?;
        Ok(Opened { header, store, vault })
    }

    /// Puts the key of the workspace back with the recovery key: into this computer's keychain, or into a new passphrase file.
    /// Credentials that lay in a lost keychain stay lost; their connections ask for signing in again.
    pub async fn recover(&self, recovery: Secret, lock: Lock, passphrase: Option<Secret>) -> Result<Opened, Failure> {
        let header = self.header()?.ok_or_else(|| Failure::new(Code::WorkspaceMissing))?;
        let folder = self.clone();
        let key = blocking(move || {
            let recovery = RecoveryKey::parse(&recovery)?;
            let path = folder.recovery_file();
            let sealed = fs::read(&path).map_err(|error| file_failure(&path, error))?;
            Ok(open_recovery(&sealed, &recovery, header.id)?)
        })
        .await?;
        // Before anything is changed: a program that has it open goes on with what it has.
        let options = store::Options { alone: true, ..store::Options::default() };
        let store = Store::open(&self.database(), &key.to_hex_secret(), options).await?;
        let folder = self.clone();
        let vault = blocking(move || {
            if lock == Lock::Passphrase && folder.vault_file().exists() {
                // The old file may still hold credentials for whoever remembers its passphrase: it is set aside, not deleted.
                let aside = folder.dir.join(format!("vault.sealed.before-{}", Utc::now().format("%Y%m%d-%H%M%S")));
                fs::rename(folder.vault_file(), &aside).map_err(|error| file_failure(&aside, error))?;
            }
            let vault = folder.make_vault(header.id, lock, passphrase.as_ref())?;
            vault.set_workspace_key(&key)?;
            Ok(vault)
        })
        .await?;
        store.share().await?;
        let header = Header { lock, ..header };
        self.write_header(header)?;
        Ok(Opened { header, store, vault })
    }

    fn make_vault(&self, id: WorkspaceId, lock: Lock, passphrase: Option<&Secret>) -> Result<Arc<Vault>, Failure> {
        let secrets: Arc<dyn SecretStore> = match lock {
            Lock::Keychain => Arc::new(Keychain::new()),
            Lock::Passphrase => {
                let passphrase =
                    passphrase.ok_or_else(|| Failure::new(Code::SettingInvalid).with("field", "passphrase"))?;
                Arc::new(PassphraseFile::create(&self.vault_file(), passphrase)?)
            }
        };
        Ok(Arc::new(Vault::new(secrets, id).among_programs(self.vault_lock())))
    }

    /// Sets aside what a creation that died in the middle left. Nothing is deleted: a lost `workspace.json` looks the same.
    fn clear_unfinished(&self) -> Result<(), Failure> {
        let stamp = Utc::now().format("%Y%m%d-%H%M%S");
        for path in [self.vault_file(), self.recovery_file(), self.database()] {
            let aside = path.with_extension(format!("unfinished-{stamp}"));
            match fs::rename(&path, &aside) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(file_failure(&path, error)),
                _ => {}
            }
        }
        Ok(())
    }

    fn write_header(&self, header: Header) -> Result<(), Failure> {
        let text = serde_json::to_vec_pretty(&header)
            .map_err(|error| Failure::new(Code::Internal).detail("workspace.json").caused_by(error))?;
        write_durably(&self.header_file(), &text)
    }
}

/// Whether this computer's keychain can be used now.
pub async fn keychain_status() -> KeychainStatus {
    tokio::task::spawn_blocking(|| Keychain::new().probe()).await.unwrap_or(KeychainStatus::Missing)
}

/// The client's sealing key, made when the client has none yet.
pub async fn client_key(store: &Store, client: ClientId) -> Result<vault::keys::ClientKey, Failure> {
    if let Some(bytes) = store.client_key(client).await? {
        let bytes = bytes.try_into().map_err(|_| Failure::new(Code::SealBroken))?;
        return Ok(vault::keys::ClientKey::from_bytes(bytes));
    }
    let key = vault::keys::ClientKey::generate()?;
    store.put_client_key(client, key.as_bytes()).await?;
    Ok(key)
}

/// Runs what may block (a keychain asks a person, a passphrase is stretched on purpose) off the async threads.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|panic| Failure::new(Code::Internal).detail("a blocking step broke").caused_by(panic))?
}

/// Makes the folder for the person alone. Everything in it is sealed; nobody else needs to see even the names.
fn make_private(dir: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

/// Writes a small file so that after a crash it is whole, old or new.
fn write_durably(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let fresh = path.with_extension("new");
    let write = || {
        let mut file = fs::File::create(&fresh)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&fresh, path)
    };
    write().map_err(|error| file_failure(path, error))
}

/// The failure of a file operation; a full disk is a case of its own.
pub(crate) fn file_failure(path: &Path, error: io::Error) -> Failure {
    let code = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Code::DiskFull,
        _ => Code::FileAccess,
    };
    Failure::new(code).with("path", path.display()).detail(&error).caused_by(error)
}
