//! What can go wrong in the vault. No text here ever contains a secret: errors of the platform that carry the stored bytes
//! with them are reduced to words before they get here.

use model::failure::{Code, Failure};
use std::{io, path::PathBuf};

/// Why the vault could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The keychain is locked, or waits for its owner's password.
    #[error("the keychain is locked: {0}")]
    KeychainLocked(String),
    /// There is no keychain on this computer, or it is not running.
    #[error("no keychain: {0}")]
    KeychainMissing(String),
    /// The keychain is there and refuses this program.
    #[error("the keychain refused: {0}")]
    KeychainDenied(String),
    /// The keychain failed in a way we have no name for.
    #[error("the keychain failed: {0}")]
    KeychainFailed(String),
    /// The passphrase or the recovery key is well-formed and does not open what it was tried on.
    #[error("the passphrase or recovery key is wrong")]
    WrongPassphrase,
    /// The passphrase is shorter than allowed.
    #[error("a passphrase has at least {min} characters")]
    PassphraseTooShort {
        /// The least number of characters.
        min: usize,
    },
    /// The recovery key as typed cannot be one.
    #[error("not a recovery key: {0}")]
    RecoveryKeyTypo(RecoveryKeyTypo),
    /// The bytes sealed with a recovery key are damaged.
    #[error("the recovery file is damaged")]
    RecoveryDamaged,
    /// The passphrase file is damaged: cut off, changed, or not a vault at all.
    #[error("the passphrase file {path:?} is damaged")]
    FileDamaged {
        /// Which file.
        path: PathBuf,
    },
    /// There is a passphrase file already; it is not overwritten.
    #[error("there is a passphrase file already: {path:?}")]
    FileExists {
        /// Which file.
        path: PathBuf,
    },
    /// The disk is full. What was stored before is still there, whole.
    #[error("no space left for {path:?}")]
    DiskFull {
        /// Which file.
        path: PathBuf,
    },
    /// The passphrase file cannot be read or written.
    #[error("cannot read or write {path:?}: {source}")]
    FileAccess {
        /// Which file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// A sealed credential does not open: it was changed, or belongs to another client, connection or workspace.
    #[error("the sealed credential does not open")]
    SealBroken,
    /// What the store holds as the key of the workspace's database is none. The recovery key helps.
    #[error("the stored database key is damaged")]
    WorkspaceKeyDamaged,
    /// An entry of the store is not what was written there.
    #[error("the stored entry {name:?} is damaged")]
    EntryDamaged {
        /// Name of the entry.
        name: String,
    },
    /// The operating system gave no random bytes, or a cipher refused its parameters. Nothing was written.
    #[error("cryptography failed: {0}")]
    Crypto(&'static str),
}

/// What is wrong with a recovery key as typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecoveryKeyTypo {
    /// Characters are missing or there are too many.
    #[error("{found} characters instead of {expected}")]
    Length {
        /// How many were typed, without spaces and dashes.
        found: usize,
        /// How many there are in a recovery key.
        expected: usize,
    },
    /// A character occurs in no recovery key.
    #[error("the character at position {position} occurs in no recovery key")]
    Character {
        /// Where, counted from 1 without spaces and dashes.
        position: usize,
    },
    /// The check characters do not fit: something was mistyped.
    #[error("something is mistyped, the check characters do not fit")]
    Checksum,
}

impl VaultError {
    /// The error for a file operation that failed; a full disk is a case of its own.
    pub(crate) fn file(path: &std::path::Path, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { path: path.to_owned() },
            _ => Self::FileAccess { path: path.to_owned(), source },
        }
    }
}

impl From<VaultError> for Failure {
    fn from(error: VaultError) -> Self {
        let failure = match &error {
            VaultError::KeychainLocked(_) => Self::new(Code::KeychainLocked),
            VaultError::KeychainMissing(_) => Self::new(Code::KeychainMissing),
            VaultError::KeychainDenied(_) => Self::new(Code::KeychainDenied),
            VaultError::WrongPassphrase | VaultError::RecoveryKeyTypo(_) => Self::new(Code::WrongPassphrase),
            VaultError::PassphraseTooShort { .. } => Self::new(Code::SettingInvalid).with("field", "passphrase"),
            VaultError::RecoveryDamaged => Self::new(Code::VaultDamaged),
            VaultError::FileDamaged { path } => Self::new(Code::VaultDamaged).with("path", path.display()),
            VaultError::FileExists { path } | VaultError::FileAccess { path, .. } => {
                Self::new(Code::FileAccess).with("path", path.display())
            }
            VaultError::DiskFull { path } => Self::new(Code::DiskFull).with("path", path.display()),
            VaultError::SealBroken | VaultError::EntryDamaged { .. } => Self::new(Code::SealBroken),
            VaultError::WorkspaceKeyDamaged => Self::new(Code::DatabaseWrongKey),
            VaultError::KeychainFailed(_) | VaultError::Crypto(_) => Self::new(Code::Internal),
        };
        failure.detail(&error).caused_by(error)
    }
}
