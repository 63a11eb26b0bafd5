//! Where sealed bytes rest. A store knows names and bytes and nothing of what they mean.

use crate::failure::VaultError;
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};
use zeroize::Zeroizing;

/// Which store a workspace uses. The person chose it; nothing switches by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreKind {
    /// The operating system's keychain.
    Keychain,
    /// A file sealed with a passphrase.
    PassphraseFile,
    /// The memory of this process, for tests.
    Memory,
}

/// Named secrets. Every method may block, for a keychain may ask the person; each is atomic on its own: after a crash a
/// name has its old bytes or its new ones.
pub trait SecretStore: Send + Sync {
    /// Which store it is.
    fn kind(&self) -> StoreKind;
    /// The bytes under this name; `None` when there are none.
    fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError>;
    /// Stores the bytes under this name in place of what was there.
    fn set(&self, name: &str, bytes: &[u8]) -> Result<(), VaultError>;
    /// Removes the name; nothing happens when it is not there.
    fn delete(&self, name: &str) -> Result<(), VaultError>;
    /// The longest value in bytes the platform takes, if it has such a limit.
    fn max_len(&self) -> Option<usize>;
}

/// A store that ends with the process, for tests.
#[derive(Default)]
pub struct Memory {
    entries: Mutex<BTreeMap<String, Zeroizing<Vec<u8>>>>,
    max_len: Option<usize>,
}

impl Memory {
    /// An empty store that takes values of at most `max_len` bytes.
    pub fn with_max_len(max_len: usize) -> Self {
        Self { max_len: Some(max_len), ..Self::default() }
    }
    /// The names in the store, so that a test can look for what was left behind.
    pub fn names(&self) -> Vec<String> {
        self.lock().keys().cloned().collect()
    }
    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Zeroizing<Vec<u8>>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SecretStore for Memory {
    fn kind(&self) -> StoreKind {
        StoreKind::Memory
    }
    fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        Ok(self.lock().get(name).cloned())
    }
    fn set(&self, name: &str, bytes: &[u8]) -> Result<(), VaultError> {
        if self.max_len.is_some_and(|max| bytes.len() > max) {
            return Err(VaultError::KeychainFailed(format!("{} bytes are too many for this store", bytes.len())));
        }
        self.lock().insert(name.to_owned(), Zeroizing::new(bytes.to_vec()));
        Ok(())
    }
    fn delete(&self, name: &str) -> Result<(), VaultError> {
        self.lock().remove(name);
        Ok(())
    }
    fn max_len(&self) -> Option<usize> {
        self.max_len
    }
}
