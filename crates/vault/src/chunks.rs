//! Values longer than the platform takes (Windows: 2,560 bytes), split so that a crash never costs the value.
//!
//! The entry under the value's own name, the *head*, holds the value itself or names a slot and what lies there. Pieces go
//! into the slot the head does not name; then the head is flipped, which is one atomic write; then the old slot is emptied.
//! There are two slots and not a growing number because a keychain cannot be listed: with two, leftovers of any crash are
//! always found and cleared by the next write.
//!
//! Whoever calls these functions keeps readers and writers of one name apart: a reader between a flip and the emptying of
//! the old slot would find its pieces gone.

use crate::{failure::VaultError, store::SecretStore};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// First byte of a head that is followed by the value.
const WHOLE: u8 = 0;
/// First byte of a head that describes pieces: slot (1 byte), number of pieces (4), length (8), SHA-256 (32).
const SPLIT: u8 = 1;

#[derive(Debug, Clone, PartialEq, Eq)]
struct Split {
    slot: u8,
    pieces: u32,
    length: u64,
    digest: [u8; 32],
}

impl Split {
    fn to_bytes(&self) -> Vec<u8> {
        let mut head = vec![SPLIT, self.slot];
        head.extend_from_slice(&self.pieces.to_be_bytes());
        head.extend_from_slice(&self.length.to_be_bytes());
        head.extend_from_slice(&self.digest);
        head
    }
    fn parse(bytes: &[u8]) -> Option<Self> {
        let (&[slot], rest) = bytes.split_first_chunk()?;
        let (pieces, rest) = rest.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let split = Self {
            slot,
            pieces: u32::from_be_bytes(*pieces),
            length: u64::from_be_bytes(*length),
            digest: rest.try_into().ok()?,
        };
        (slot <= 1).then_some(split)
    }
}

fn piece_name(name: &str, slot: u8, index: u32) -> String {
    format!("{name}#{}{index}", if slot == 0 { 'a' } else { 'b' })
}

/// Stores the value. `Ok` means it is stored; an error means the old value still stands, or, if the head's own write
/// failed half-way, the new one does.
pub(crate) fn set(store: &dyn SecretStore, name: &str, value: &[u8]) -> Result<(), VaultError> {
    let Some(max) = store.max_len() else {
        return set_whole(store, name, value);
    };
    if value.len() < max {
        set_whole(store, name, value)?;
        clear_quietly(store, name, [(0, 0), (1, 0)]);
        return Ok(());
    }
    let current = store.get(name)?.and_then(|head| head.strip_prefix(&[SPLIT]).and_then(Split::parse));
    let slot = u8::from(current.is_some_and(|split| split.slot == 0));
    let mut pieces = 0;
    for piece in value.chunks(max.max(1)) {
        store.set(&piece_name(name, slot, pieces), piece)?;
        pieces += 1;
    }
    let split = Split { slot, pieces, length: value.len() as u64, digest: Sha256::digest(value).into() };
    store.set(name, &split.to_bytes())?;
    clear_quietly(store, name, [(1 - slot, 0), (slot, pieces)]);
    Ok(())
}

/// The value; `None` when there is none.
pub(crate) fn get(store: &dyn SecretStore, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
    let Some(head) = store.get(name)? else { return Ok(None) };
    let value = match head.split_first() {
        Some((&WHOLE, value)) => Some(Zeroizing::new(value.to_vec())),
        Some((&SPLIT, rest)) => match Split::parse(rest) {
            Some(split) => gather(store, name, &split)?,
            None => None,
        },
        _ => None,
    };
    value.map(Some).ok_or_else(|| VaultError::EntryDamaged { name: name.to_owned() })
}

/// Whether there is a value. Reads the head only.
pub(crate) fn present(store: &dyn SecretStore, name: &str) -> Result<bool, VaultError> {
    Ok(store.get(name)?.is_some())
}

/// Removes the value and whatever crashed writes have left of it.
pub(crate) fn delete(store: &dyn SecretStore, name: &str) -> Result<(), VaultError> {
    store.delete(name)?;
    if store.max_len().is_some() {
        clear(store, name, 0, 0)?;
        clear(store, name, 1, 0)?;
    }
    Ok(())
}

fn set_whole(store: &dyn SecretStore, name: &str, value: &[u8]) -> Result<(), VaultError> {
    let mut head = Zeroizing::new(Vec::with_capacity(value.len() + 1));
    head.push(WHOLE);
    head.extend_from_slice(value);
    store.set(name, &head)
}

/// The pieces put together; `None` when they are not what the head describes.
fn gather(store: &dyn SecretStore, name: &str, split: &Split) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
    // The pieces are collected first: a length from a damaged head must not decide how much memory is taken.
    let mut pieces = Vec::new();
    for index in 0..split.pieces {
        match store.get(&piece_name(name, split.slot, index))? {
            Some(piece) => pieces.push(piece),
            None => return Ok(None),
        }
    }
    let length: usize = pieces.iter().map(|piece| piece.len()).sum();
    let mut value = Zeroizing::new(Vec::with_capacity(length));
    for piece in &pieces {
        value.extend_from_slice(piece);
    }
    let whole = length as u64 == split.length && Sha256::digest(&*value).as_slice() == split.digest;
    Ok(whole.then_some(value))
}

/// Empties slots after the head was flipped. The value is stored by then, so a failure is only worth a remark: the next
/// write clears what is left, and without the client's key it opens for nobody.
fn clear_quietly(store: &dyn SecretStore, name: &str, slots: [(u8, u32); 2]) {
    for (slot, from) in slots {
        if let Err(error) = clear(store, name, slot, from) {
            tracing::warn!(name, %error, "pieces of a replaced secret are left behind until the next write");
        }
    }
}

/// Deletes the pieces of a slot from index `from` up, last first, so that an interrupted clearing leaves no gap below
/// which the rest would hide.
fn clear(store: &dyn SecretStore, name: &str, slot: u8, from: u32) -> Result<(), VaultError> {
    let mut end = from;
    while store.get(&piece_name(name, slot, end))?.is_some() {
        end += 1;
    }
    for index in (from..end).rev() {
        store.delete(&piece_name(name, slot, index))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::*;
    use crate::store::{Memory, StoreKind};
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// A store over `inner` that dies after `left` operations, the dying one done or not done.
    struct Dying<'a> {
        inner: &'a Memory,
        left: AtomicUsize,
        last_is_done: bool,
    }

    impl Dying<'_> {
        fn run<T>(&self, act: impl FnOnce() -> Result<T, VaultError>) -> Result<T, VaultError> {
            let dead = || VaultError::KeychainFailed("killed".into());
            match self.left.load(Ordering::Relaxed) {
                0 => Err(dead()),
                1 => {
                    self.left.store(0, Ordering::Relaxed);
                    if self.last_is_done {
                        act()?;
                    }
                    Err(dead())
                }
                left => {
                    self.left.store(left - 1, Ordering::Relaxed);
                    act()
                }
            }
        }
    }

    impl SecretStore for Dying<'_> {
        fn kind(&self) -> StoreKind {
            StoreKind::Memory
        }
        fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
            self.run(|| self.inner.get(name))
        }
        fn set(&self, name: &str, bytes: &[u8]) -> Result<(), VaultError> {
            self.run(|| self.inner.set(name, bytes))
        }
        fn delete(&self, name: &str) -> Result<(), VaultError> {
            self.run(|| self.inner.delete(name))
        }
        fn max_len(&self) -> Option<usize> {
            self.inner.max_len()
        }
    }

    const MAX: usize = 64;

    fn value(length: usize, seed: u8) -> Vec<u8> {
        (0..length).map(|i| u8::try_from(i % 251).unwrap() ^ seed).collect()
    }

    #[test]
    fn values_of_every_length_around_the_limit_come_back() {
        let store = Memory::with_max_len(MAX);
        for length in [0, 1, MAX - 2, MAX - 1, MAX, MAX + 1, 2 * MAX - 1, 2 * MAX, 2 * MAX + 1, 11 * MAX] {
            set(&store, "x", &value(length, 7)).unwrap();
            assert_eq!(**get(&store, "x").unwrap().unwrap(), value(length, 7), "length {length}");
            let pieces = if length < MAX { 0 } else { length.div_ceil(MAX) };
            assert_eq!(store.names().len(), 1 + pieces, "nothing of the last value is left at length {length}");
        }
        delete(&store, "x").unwrap();
        assert!(get(&store, "x").unwrap().is_none());
        assert_eq!(store.names(), Vec::<String>::new());
    }

    #[test]
    fn a_crash_at_any_operation_leaves_the_old_or_the_new_value() {
        let lengths = [10, 3 * MAX, 5 * MAX + 9, MAX];
        for old_length in lengths {
            for new_length in lengths {
                for last_is_done in [false, true] {
                    let (old, new) = (value(old_length, 1), value(new_length, 2));
                    let mut crashes = 0;
                    for operations in 1.. {
                        let store = Memory::with_max_len(MAX);
                        set(&store, "x", &old).unwrap();
                        // A second crash on top of the first one: leftovers must not mislead the next writer.
                        let dying = |left| Dying { inner: &store, left: AtomicUsize::new(left), last_is_done };
                        let first = dying(operations);
                        let outcome = set(&first, "x", &new);
                        let died = first.left.load(Ordering::Relaxed) == 0;
                        let found = get(&store, "x").unwrap().expect("a value is always there");
                        assert!(*found == old || *found == new, "{old_length}->{new_length} at {operations}");
                        if outcome.is_ok() {
                            assert_eq!(*found, new, "what was reported as stored is stored");
                        }
                        let _ = set(&dying(operations), "x", &old);
                        let found = get(&store, "x").unwrap().expect("a value is always there");
                        assert!(*found == old || *found == new, "{old_length}->{new_length} twice at {operations}");

                        set(&store, "x", &new).unwrap();
                        assert_eq!(**get(&store, "x").unwrap().unwrap(), new);
                        let pieces = if new_length < MAX { 0 } else { new_length.div_ceil(MAX) };
                        assert_eq!(store.names().len(), 1 + pieces, "leftovers are cleared: {:?}", store.names());
                        if !died {
                            break;
                        }
                        crashes += 1;
                    }
                    assert!(crashes >= 3, "the table reached the crashes");
                }
            }
        }
    }

    #[test]
    fn a_crash_while_deleting_never_leaves_half_a_value() {
        for last_is_done in [false, true] {
            for operations in 1..12 {
                let store = Memory::with_max_len(MAX);
                set(&store, "x", &value(3 * MAX, 1)).unwrap();
                let _ = delete(&Dying { inner: &store, left: AtomicUsize::new(operations), last_is_done }, "x");
                if let Some(found) = get(&store, "x").unwrap() {
                    assert_eq!(*found, value(3 * MAX, 1));
                }
                delete(&store, "x").unwrap();
                assert_eq!(store.names(), Vec::<String>::new(), "a second deletion clears what the crash left");
            }
        }
    }

    #[test]
    fn damaged_pieces_and_heads_are_refused() {
        let store = Memory::with_max_len(MAX);
        set(&store, "x", &value(3 * MAX, 1)).unwrap();
        let names = store.names();
        for name in names {
            let good = store.get(&name).unwrap().unwrap();
            let mut cut = good.to_vec();
            cut.pop();
            let mut changed = good.to_vec();
            changed[3] ^= 1;
            for bad in [cut, changed, Vec::new()] {
                store.set(&name, &bad).unwrap();
                assert!(matches!(get(&store, "x"), Err(VaultError::EntryDamaged { .. })), "{name}");
            }
            store.set(&name, &good).unwrap();
        }
        assert!(get(&store, "x").unwrap().is_some());
        store.delete("x#a1").unwrap();
        assert!(matches!(get(&store, "x"), Err(VaultError::EntryDamaged { .. })));
    }
}
