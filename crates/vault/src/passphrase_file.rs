//! The passphrase vault: one file for machines without a keychain, chosen by the person and never fallen back to.
//!
//! Its key is made of the passphrase by Argon2id. The whole content is sealed anew with a fresh nonce at every change and
//! takes the old file's place in one step, so a crash or a full disk leaves the old file whole. The content is read from
//! the file each time and never kept: nothing lies in memory in the clear between two calls, and two processes see each
//! other's changes.
//!
//! Layout: magic (8 bytes), memory in KiB, rounds and lanes of Argon2id (4 each, big-endian), salt (16), nonce (24), sealed
//! pairs, SHA-256 of all before it (32). The last tells a damaged file from a wrong passphrase, which a cipher cannot; it
//! protects nothing, the cipher does: everything before the sealed pairs is its associated data.

use crate::{
    cipher::{self, KEY_LEN, NONCE_LEN, TAG_LEN, random},
    failure::VaultError,
    pairs,
    store::{SecretStore, StoreKind},
};
use argon2::{Algorithm, Argon2, Params, Version};
use model::secret::Secret;
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};
use zeroize::Zeroizing;

/// The least number of characters of a passphrase.
pub const MIN_PASSPHRASE_CHARS: usize = 10;

/// What the file is, and the version of its form.
const MAGIC: [u8; 8] = *b"SDVAULT\x01";
/// Bytes before the nonce: magic, three parameters, salt. A file keeps them until its passphrase changes.
const PREFIX_LEN: usize = MAGIC.len() + 3 * 4 + SALT_LEN;
const SALT_LEN: usize = 16;
const CHECKSUM_LEN: usize = 32;
/// A larger file is not one of ours: a few hundred credentials take less than one MiB.
const MAX_FILE_LEN: u64 = 16 << 20;

/// How much work it is to try one passphrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hardness {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub rounds: u32,
    /// Lanes that could be computed in parallel.
    pub lanes: u32,
}

impl Hardness {
    /// The memory-constrained recommendation of RFC 9106, section 4, on one lane: 64 MiB and three passes.
    pub const STANDARD: Self = Self { memory_kib: 64 * 1024, rounds: 3, lanes: 1 };
    /// More than this in a file's header is damage and not a choice: opening must not take the computer down.
    const MOST: Self = Self { memory_kib: 1024 * 1024, rounds: 16, lanes: 16 };
}

/// An opened passphrase vault.
pub struct PassphraseFile {
    path: PathBuf,
    key: Mutex<FileKey>,
    disk: Box<dyn Disk>,
}

impl PassphraseFile {
    /// Makes a new, empty vault. An existing file is never overwritten.
    pub fn create(path: &Path, passphrase: &Secret) -> Result<Self, VaultError> {
        Self::create_with(path, passphrase, Hardness::STANDARD)
    }

    /// As [`PassphraseFile::create`], with a hardness of its own; tests take a low one.
    pub fn create_with(path: &Path, passphrase: &Secret, hardness: Hardness) -> Result<Self, VaultError> {
        Self::create_on(Box::new(RealDisk), path, passphrase, hardness)
    }

    fn create_on(
        disk: Box<dyn Disk>,
        path: &Path,
        passphrase: &Secret,
        hardness: Hardness,
    ) -> Result<Self, VaultError> {
        let key = FileKey::new(passphrase, hardness)?;
        let _lock = lock(path)?;
        if path.try_exists().map_err(|error| VaultError::file(path, error))? {
            return Err(VaultError::FileExists { path: path.to_owned() });
        }
        save(&*disk, path, &key, &Entries::new())?;
        Ok(Self { path: path.to_owned(), key: Mutex::new(key), disk })
    }

    /// Opens an existing vault.
    pub fn open(path: &Path, passphrase: &Secret) -> Result<Self, VaultError> {
        Self::open_on(Box::new(RealDisk), path, passphrase)
    }

    fn open_on(disk: Box<dyn Disk>, path: &Path, passphrase: &Secret) -> Result<Self, VaultError> {
        let file = SealedFile::read(path)?;
        let key = FileKey::derive(passphrase, file.prefix, file.hardness)?;
        file.open(path, &key)?.ok_or(VaultError::WrongPassphrase)?;
        Ok(Self { path: path.to_owned(), key: Mutex::new(key), disk })
    }

    /// Seals the vault with another passphrase, in the same hardness. The present one is asked for again, so that an
    /// unattended screen is not enough.
    pub fn change_passphrase(&self, present: &Secret, new: &Secret) -> Result<(), VaultError> {
        let mut key = self.key();
        let _lock = lock(&self.path)?;
        let file = SealedFile::read(&self.path)?;
        let entries = file.open(&self.path, &FileKey::derive(present, file.prefix, file.hardness)?)?;
        let entries = entries.ok_or(VaultError::WrongPassphrase)?;
        let new_key = FileKey::new(new, file.hardness)?;
        save(&*self.disk, &self.path, &new_key, &entries)?;
        *key = new_key;
        Ok(())
    }

    /// The content as it is on the disk now. When another process has changed the passphrase, ours is a wrong one.
    fn load(&self, key: &FileKey) -> Result<Entries, VaultError> {
        let file = SealedFile::read(&self.path)?;
        if file.prefix != key.prefix {
            return Err(VaultError::WrongPassphrase);
        }
        // This key has opened the file before, so what does not open now was changed.
        file.open(&self.path, key)?.ok_or_else(|| VaultError::FileDamaged { path: self.path.clone() })
    }

    fn change(&self, act: impl FnOnce(&mut Entries)) -> Result<(), VaultError> {
        let key = self.key();
        let _lock = lock(&self.path)?;
        let mut entries = self.load(&key)?;
        act(&mut entries);
        save(&*self.disk, &self.path, &key, &entries)
    }

    fn key(&self) -> MutexGuard<'_, FileKey> {
        self.key.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SecretStore for PassphraseFile {
    fn kind(&self) -> StoreKind {
        StoreKind::PassphraseFile
    }
    fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        Ok(self.load(&self.key())?.remove(name))
    }
    fn set(&self, name: &str, bytes: &[u8]) -> Result<(), VaultError> {
        self.change(|entries| {
            entries.insert(name.to_owned(), Zeroizing::new(bytes.to_vec()));
        })
    }
    fn delete(&self, name: &str) -> Result<(), VaultError> {
        self.change(|entries| {
            entries.remove(name);
        })
    }
    fn max_len(&self) -> Option<usize> {
        None
    }
}

type Entries = BTreeMap<String, Zeroizing<Vec<u8>>>;

/// The key of a file, with the part of the file that says how it came from the passphrase.
struct FileKey {
    prefix: [u8; PREFIX_LEN],
    key: Zeroizing<[u8; KEY_LEN]>,
}

impl FileKey {
    /// A key with a new salt.
    fn new(passphrase: &Secret, hardness: Hardness) -> Result<Self, VaultError> {
        if passphrase.expose().chars().count() < MIN_PASSPHRASE_CHARS {
            return Err(VaultError::PassphraseTooShort { min: MIN_PASSPHRASE_CHARS });
        }
        let mut prefix = [0; PREFIX_LEN];
        let parts = [hardness.memory_kib, hardness.rounds, hardness.lanes].map(u32::to_be_bytes);
        prefix.copy_from_slice(&[&MAGIC[..], parts.as_flattened(), &random::<SALT_LEN>()?].concat());
        Self::derive(passphrase, prefix, hardness)
    }

    fn derive(passphrase: &Secret, prefix: [u8; PREFIX_LEN], hardness: Hardness) -> Result<Self, VaultError> {
        let refused = |_| VaultError::Crypto("Argon2id refused its parameters");
        let params =
            Params::new(hardness.memory_kib, hardness.rounds, hardness.lanes, Some(KEY_LEN)).map_err(refused)?;
        let mut key = Zeroizing::new([0; KEY_LEN]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.expose().as_bytes(), &prefix[PREFIX_LEN - SALT_LEN..], &mut *key)
            .map_err(refused)?;
        Ok(Self { prefix, key })
    }
}

/// A file as read, whole but not opened.
struct SealedFile {
    prefix: [u8; PREFIX_LEN],
    hardness: Hardness,
    nonce: [u8; NONCE_LEN],
    sealed: Vec<u8>,
}

impl SealedFile {
    fn read(path: &Path) -> Result<Self, VaultError> {
        let mut bytes = Vec::new();
        File::open(path)
            .and_then(|file| file.take(MAX_FILE_LEN + 1).read_to_end(&mut bytes))
            .map_err(|error| VaultError::file(path, error))?;
        Self::parse(&bytes).ok_or_else(|| VaultError::FileDamaged { path: path.to_owned() })
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let (bytes, checksum) = bytes.split_last_chunk::<CHECKSUM_LEN>()?;
        if Sha256::digest(bytes).as_slice() != checksum {
            return None;
        }
        let (prefix, rest) = bytes.split_first_chunk::<PREFIX_LEN>()?;
        let (nonce, sealed) = rest.split_first_chunk()?;
        let mut parameters = prefix.strip_prefix(&MAGIC)?.as_chunks().0.iter().map(|bytes| u32::from_be_bytes(*bytes));
        let hardness =
            Hardness { memory_kib: parameters.next()?, rounds: parameters.next()?, lanes: parameters.next()? };
        let most = Hardness::MOST;
        let bearable =
            hardness.memory_kib <= most.memory_kib && hardness.rounds <= most.rounds && hardness.lanes <= most.lanes;
        bearable.then(|| Self { prefix: *prefix, hardness, nonce: *nonce, sealed: sealed.to_vec() })
    }

    /// The content; `None` when the key is not the one it was sealed with.
    fn open(&self, path: &Path, key: &FileKey) -> Result<Option<Entries>, VaultError> {
        let Some(clear) = cipher::open(&key.key, &self.nonce, &bound_to(&self.prefix, &self.nonce), &self.sealed)
        else {
            return Ok(None);
        };
        let pairs = pairs::read(&clear).ok_or_else(|| VaultError::FileDamaged { path: path.to_owned() })?;
        Ok(Some(pairs.into_iter().map(|(name, value)| (name.to_owned(), Zeroizing::new(value.to_vec()))).collect()))
    }
}

fn bound_to(prefix: &[u8; PREFIX_LEN], nonce: &[u8; NONCE_LEN]) -> Vec<u8> {
    [&prefix[..], nonce].concat()
}

/// Seals the entries and puts them in the file's place in one step.
fn save(disk: &dyn Disk, path: &Path, key: &FileKey, entries: &Entries) -> Result<(), VaultError> {
    let clear = pairs::write(entries.iter().map(|(name, value)| (name.as_str(), value.as_slice())), TAG_LEN)
        .ok_or(VaultError::Crypto("the text is too long to seal"))?;
    let nonce = random::<NONCE_LEN>()?;
    let sealed = cipher::seal(&key.key, &nonce, &bound_to(&key.prefix, &nonce), clear)?;
    let mut bytes = [&key.prefix[..], &nonce, &sealed].concat();
    let checksum = Sha256::digest(&bytes);
    bytes.extend_from_slice(&checksum);

    // The same name each time: what a crash leaves behind is taken away by the next change.
    let fresh = beside(path, ".new");
    let written = disk
        .remove(&fresh)
        .and_then(|()| disk.write(&fresh, &bytes))
        .and_then(|()| disk.rename(&fresh, path))
        .and_then(|()| disk.sync_folder_of(path));
    if written.is_err()
        && let Err(error) = disk.remove(&fresh)
    {
        tracing::debug!(%error, "an unfinished passphrase file stays until the next change");
    }
    written.map_err(|error| VaultError::file(path, error))
}

/// Keeps other processes from changing the file until the lock is dropped. It is a file of its own, because the vault's
/// file is replaced and a lock would stay with the old one.
fn lock(path: &Path) -> Result<File, VaultError> {
    let beside = beside(path, ".lock");
    let locked = private(OpenOptions::new().create(true).truncate(false).write(true)).open(&beside).and_then(|file| {
        file.lock()?;
        Ok(file)
    });
    locked.map_err(|error| VaultError::file(&beside, error))
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Files of the vault are for their owner only.
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// The steps of replacing a file, so that a test can stop between any two.
trait Disk: Send + Sync {
    /// Removes a file, if there is one.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Writes a new file and waits until it is on the disk.
    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;
    /// Gives a file the name of another one, which is gone at that moment.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Waits until the folder's list of names is on the disk.
    fn sync_folder_of(&self, path: &Path) -> io::Result<()>;
}

struct RealDisk;

impl Disk for RealDisk {
    fn remove(&self, path: &Path) -> io::Result<()> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = private(OpenOptions::new().create_new(true).write(true)).open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }
    fn sync_folder_of(&self, path: &Path) -> io::Result<()> {
        // Windows has no such call; its rename is written through by the file system's own log.
        if cfg!(unix) {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::*;
    use std::sync::atomic::{AtomicI64, Ordering};

    const QUICK: Hardness = Hardness { memory_kib: 64, rounds: 1, lanes: 1 };

    fn phrase() -> Secret {
        Secret::new("верная лошадь")
    }

    fn get(file: &PassphraseFile, name: &str) -> Option<Vec<u8>> {
        file.get(name).unwrap().map(|value| value.to_vec())
    }

    #[test]
    fn entries_outlive_the_process_and_need_the_passphrase() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vault");
        let file = PassphraseFile::create_with(&path, &phrase(), QUICK).unwrap();
        assert_eq!(get(&file, "a"), None);
        file.set("a", b"planted-secret-a").unwrap();
        file.set("b", &vec![0; 60_000]).unwrap();
        file.set("b", b"").unwrap();
        file.delete("nothing").unwrap();

        let again = PassphraseFile::open(&path, &phrase()).unwrap();
        assert_eq!(get(&again, "a").as_deref(), Some(&b"planted-secret-a"[..]));
        assert_eq!(get(&again, "b").as_deref(), Some(&b""[..]));
        again.delete("a").unwrap();
        assert_eq!(get(&file, "a"), None, "the first opener sees the change of the second");

        let wrong = PassphraseFile::open(&path, &Secret::new("wrong horse!"));
        assert!(matches!(wrong, Err(VaultError::WrongPassphrase)));
        let taken = PassphraseFile::create_with(&path, &phrase(), QUICK);
        assert!(matches!(taken, Err(VaultError::FileExists { .. })));
        let short = PassphraseFile::create_with(&folder.path().join("other"), &Secret::new("лошадь123"), QUICK);
        assert!(matches!(short, Err(VaultError::PassphraseTooShort { min: 10 })));
        let missing = PassphraseFile::open(&folder.path().join("missing"), &phrase());
        assert!(matches!(missing, Err(VaultError::FileAccess { .. })));
    }

    #[test]
    fn the_file_holds_nothing_in_the_clear_and_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vault");
        let file = PassphraseFile::create_with(&path, &phrase(), QUICK).unwrap();
        file.set("connection/planted-name", b"planted-secret-a").unwrap();
        let first = fs::read(&path).unwrap();
        for planted in [&b"planted-name"[..], b"planted-secret-a"] {
            assert!(!first.windows(planted.len()).any(|window| window == planted));
        }
        file.set("connection/planted-name", b"planted-secret-a").unwrap();
        let second = fs::read(&path).unwrap();
        assert_ne!(first[PREFIX_LEN..PREFIX_LEN + NONCE_LEN], second[PREFIX_LEN..PREFIX_LEN + NONCE_LEN]);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            for file in fs::read_dir(folder.path()).unwrap() {
                assert_eq!(file.unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o600);
            }
        }
    }

    #[test]
    fn the_standard_hardness_is_written_into_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vault");
        PassphraseFile::create(&path, &phrase()).unwrap();
        assert_eq!(SealedFile::read(&path).unwrap().hardness, Hardness::STANDARD);
        PassphraseFile::open(&path, &phrase()).unwrap();
    }

    #[test]
    fn a_changed_passphrase_shuts_out_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vault");
        let file = PassphraseFile::create_with(&path, &phrase(), QUICK).unwrap();
        file.set("a", b"1").unwrap();
        let other = PassphraseFile::open(&path, &phrase()).unwrap();
        let new = Secret::new("another horse");

        let refused = |outcome| assert!(matches!(outcome, Err(VaultError::WrongPassphrase)));
        refused(file.change_passphrase(&new, &new));
        assert!(matches!(
            file.change_passphrase(&phrase(), &Secret::new("short")),
            Err(VaultError::PassphraseTooShort { .. })
        ));
        file.change_passphrase(&phrase(), &new).unwrap();
        assert_eq!(get(&file, "a").as_deref(), Some(&b"1"[..]));
        file.set("a", b"2").unwrap();

        refused(PassphraseFile::open(&path, &phrase()).map(drop));
        refused(other.set("a", b"3"));
        refused(other.get("a").map(drop));
        assert_eq!(get(&PassphraseFile::open(&path, &new).unwrap(), "a").as_deref(), Some(&b"2"[..]));
    }

    #[test]
    fn damage_of_any_byte_is_told_from_a_wrong_passphrase() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vault");
        let file = PassphraseFile::create_with(&path, &phrase(), QUICK).unwrap();
        file.set("a", b"1").unwrap();
        let good = fs::read(&path).unwrap();
        let damaged = |bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            assert!(matches!(PassphraseFile::open(&path, &phrase()), Err(VaultError::FileDamaged { .. })));
            assert!(matches!(file.get("a"), Err(VaultError::FileDamaged { .. })));
            assert!(matches!(file.set("a", b"2"), Err(VaultError::FileDamaged { .. })));
            assert_eq!(fs::read(&path).unwrap(), bytes, "a damaged file is not made worse");
        };
        for at in 0..good.len() {
            let mut bytes = good.clone();
            bytes[at] ^= 0x80;
            damaged(&bytes);
            damaged(&good[..at]);
        }
        damaged(b"");
        fs::write(&path, &good).unwrap();
        assert_eq!(get(&file, "a").as_deref(), Some(&b"1"[..]));
    }

    #[test]
    fn a_forged_header_neither_weakens_the_key_nor_takes_all_memory() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vault");
        PassphraseFile::create_with(&path, &phrase(), QUICK).unwrap();
        let good = fs::read(&path).unwrap();
        // Memory, rounds, lanes, salt, nonce and a byte of the sealed pairs, each with a checksum that fits.
        for (at, byte) in [(8, 0xff), (11, 65), (15, 2), (16, 0xff), (20, 0xff), (25, 1), (40, 1), (62, 1)] {
            let mut bytes = good[..good.len() - CHECKSUM_LEN].to_vec();
            // The last three are random and may be this byte already.
            bytes[at] = if bytes[at] == byte { !byte } else { byte };
            let checksum = Sha256::digest(&bytes);
            bytes.extend_from_slice(&checksum);
            fs::write(&path, &bytes).unwrap();
            assert!(PassphraseFile::open(&path, &phrase()).is_err(), "position {at}");
        }
    }

    /// A disk that fails at one step and, when the computer is switched off there, at all later ones.
    struct FailingDisk {
        steps_left: AtomicI64,
        kind: io::ErrorKind,
        switched_off: bool,
    }

    impl FailingDisk {
        fn step(&self, act: impl FnOnce() -> io::Result<()>, half: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
            match self.steps_left.fetch_sub(1, Ordering::Relaxed) {
                0 => half().and(Err(self.kind.into())),
                ..0 if self.switched_off => Err(self.kind.into()),
                _ => act(),
            }
        }
    }

    impl Disk for FailingDisk {
        fn remove(&self, path: &Path) -> io::Result<()> {
            self.step(|| RealDisk.remove(path), || Ok(()))
        }
        fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
            self.step(|| RealDisk.write(path, bytes), || RealDisk.write(path, &bytes[..bytes.len() / 2]))
        }
        fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
            self.step(|| RealDisk.rename(from, to), || Ok(()))
        }
        fn sync_folder_of(&self, path: &Path) -> io::Result<()> {
            self.step(|| RealDisk.sync_folder_of(path), || Ok(()))
        }
    }

    #[test]
    fn a_full_disk_or_a_crash_at_any_step_leaves_the_old_or_the_new_content() {
        for (kind, switched_off) in [(io::ErrorKind::StorageFull, false), (io::ErrorKind::Other, true)] {
            for steps in 0..4 {
                let folder = tempfile::tempdir().unwrap();
                let path = folder.path().join("vault");
                PassphraseFile::create_with(&path, &phrase(), QUICK).unwrap().set("a", b"old").unwrap();
                let disk = FailingDisk { steps_left: AtomicI64::new(steps), kind, switched_off };
                let file = PassphraseFile::open_on(Box::new(disk), &path, &phrase()).unwrap();
                let outcome = file.set("a", b"new");
                match kind {
                    io::ErrorKind::StorageFull => assert!(matches!(outcome, Err(VaultError::DiskFull { .. }))),
                    _ => assert!(matches!(outcome, Err(VaultError::FileAccess { .. }))),
                }
                drop(file);
                let again = PassphraseFile::open(&path, &phrase()).unwrap();
                let expected: &[u8] = if steps < 3 { b"old" } else { b"new" };
                assert_eq!(get(&again, "a").as_deref(), Some(expected), "{kind} at step {steps}");
                if !switched_off {
                    assert!(!beside(&path, ".new").exists(), "a full disk is not kept full by our own leftovers");
                }
                again.set("a", b"later").unwrap();
                assert_eq!(get(&again, "a").as_deref(), Some(&b"later"[..]), "what the crash left is no hindrance");
            }
        }
    }

    #[test]
    fn openers_in_parallel_lose_no_change() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vault");
        PassphraseFile::create_with(&path, &phrase(), QUICK).unwrap();
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let path = &path;
                scope.spawn(move || {
                    let file = PassphraseFile::open(path, &phrase()).unwrap();
                    for entry in 0..5 {
                        file.set(&format!("{thread}/{entry}"), b"x").unwrap();
                    }
                });
            }
        });
        let file = PassphraseFile::open(&path, &phrase()).unwrap();
        assert_eq!(file.load(&file.key()).unwrap().len(), 20);
    }
}
