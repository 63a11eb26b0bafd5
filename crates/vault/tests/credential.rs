//! What the vault promises, from outside: a credential opens with its client's key, ids and workspace and with nothing
//! else, and no text of ours shows a secret.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use chrono::{DateTime, Utc};
use model::{
    failure::{Code, Failure},
    id::{ChannelId, ClientId, ConnectionId, SignInId, WorkspaceId},
    secret::{Secret, SecretFields},
};
use std::{path::PathBuf, sync::Arc};
use vault::{
    credential::Vault,
    failure::{RecoveryKeyTypo, VaultError},
    keys::{ChannelKey, ClientKey, DatabaseKey, SignInKey},
    recovery::RecoveryKey,
    store::{Memory, SecretStore, StoreKind},
};
use zeroize::Zeroizing;

const PLANTED: &str = "planted-secret-\"\\\u{1}Ж";

/// A store that lets others run before each operation, so that callers really meet.
struct Leisurely(Memory);

impl SecretStore for Leisurely {
    fn kind(&self) -> StoreKind {
        self.0.kind()
    }
    fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        std::thread::yield_now();
        self.0.get(name)
    }
    fn set(&self, name: &str, bytes: &[u8]) -> Result<(), VaultError> {
        std::thread::yield_now();
        self.0.set(name, bytes)
    }
    fn delete(&self, name: &str) -> Result<(), VaultError> {
        std::thread::yield_now();
        self.0.delete(name)
    }
    fn max_len(&self) -> Option<usize> {
        self.0.max_len()
    }
}

struct Room {
    store: Arc<Memory>,
    vault: Vault,
    key: ClientKey,
    client: ClientId,
    connection: ConnectionId,
}

impl Room {
    fn new(store: Memory) -> Self {
        let store = Arc::new(store);
        let vault = Vault::new(store.clone(), WorkspaceId::new());
        let key = ClientKey::generate().unwrap();
        Self { store, vault, key, client: ClientId::new(), connection: ConnectionId::new() }
    }
    fn seal(&self, fields: &SecretFields) {
        self.vault.seal(&self.key, self.client, self.connection, fields, now()).unwrap();
    }
    fn entry(&self) -> String {
        format!("connection/{}", self.connection)
    }
    fn stored(&self) -> Vec<u8> {
        self.store.get(&self.entry()).unwrap().unwrap().to_vec()
    }
}

fn now() -> DateTime<Utc> {
    "2026-11-21T06:00:00Z".parse().unwrap()
}

fn fields(token: &str) -> SecretFields {
    [("client_secret", "s"), ("empty", ""), ("refresh_token", token)]
        .map(|(name, value)| (name.to_owned(), Secret::new(value)))
        .into()
}

fn is_broken<T>(outcome: &Result<T, VaultError>) -> bool {
    matches!(outcome, Err(VaultError::SealBroken))
}

#[test]
fn fields_come_back_as_they_were_sealed() {
    for store in [Memory::default(), Memory::with_max_len(2_400), Memory::with_max_len(64)] {
        let room = Room::new(store);
        assert!(room.vault.open(&room.key, room.client, room.connection).unwrap().is_none());
        assert!(!room.vault.present(room.connection).unwrap());
        for fields in [fields(PLANTED), SecretFields::new(), fields(&"x".repeat(20_000)), fields("")] {
            room.seal(&fields);
            let sealed = room.vault.open(&room.key, room.client, room.connection).unwrap().unwrap();
            assert_eq!(sealed.fields, fields);
            assert_eq!(sealed.stored_at, now());
            assert!(room.vault.present(room.connection).unwrap());
        }
        room.vault.forget(room.connection).unwrap();
        room.vault.forget(room.connection).unwrap();
        assert!(!room.vault.present(room.connection).unwrap());
        assert!(room.store.names().is_empty(), "nothing is left behind");
    }
}

#[test]
fn every_changed_or_missing_byte_is_refused() {
    let room = Room::new(Memory::default());
    room.seal(&fields(PLANTED));
    let good = room.stored();
    for at in 0..good.len() {
        for bit in [0x01, 0x80] {
            let mut changed = good.clone();
            changed[at] ^= bit;
            room.store.set(&room.entry(), &changed).unwrap();
            let outcome = room.vault.open(&room.key, room.client, room.connection).map(|_| ());
            let code = Failure::from(outcome.unwrap_err()).code;
            assert_eq!(code, Code::SealBroken, "byte {at}");
        }
        room.store.set(&room.entry(), &good[..at]).unwrap();
        assert!(room.vault.open(&room.key, room.client, room.connection).is_err(), "cut at {at}");
    }
    let longer = [&good[..], &[0]].concat();
    room.store.set(&room.entry(), &longer).unwrap();
    assert!(is_broken(&room.vault.open(&room.key, room.client, room.connection)));
    room.store.set(&room.entry(), &good).unwrap();
    assert!(room.vault.open(&room.key, room.client, room.connection).unwrap().is_some());
}

#[test]
fn an_envelope_opens_for_its_own_key_client_connection_and_workspace_only() {
    let room = Room::new(Memory::default());
    room.seal(&fields(PLANTED));
    let (other_key, other_client) = (ClientKey::generate().unwrap(), ClientId::new());
    assert!(is_broken(&room.vault.open(&other_key, room.client, room.connection)));
    assert!(is_broken(&room.vault.open(&room.key, other_client, room.connection)));
    let other_workspace = Vault::new(room.store.clone(), WorkspaceId::new());
    assert!(is_broken(&other_workspace.open(&room.key, room.client, room.connection)));

    // Someone with access to the keychain swaps the envelopes of two connections of one client.
    let second = ConnectionId::new();
    room.vault.seal(&room.key, room.client, second, &fields("second"), now()).unwrap();
    let second_name = format!("connection/{second}");
    let (first_bytes, second_bytes) = (room.stored(), room.store.get(&second_name).unwrap().unwrap());
    room.store.set(&room.entry(), &second_bytes).unwrap();
    room.store.set(&second_name, &first_bytes).unwrap();
    assert!(is_broken(&room.vault.open(&room.key, room.client, room.connection)));
    assert!(is_broken(&room.vault.open(&room.key, room.client, second)));
}

#[test]
fn without_the_clients_key_nothing_that_is_left_opens() {
    let room = Room::new(Memory::default());
    room.seal(&fields(PLANTED));
    let kept_copy = room.stored();
    for needle in [PLANTED.as_bytes(), b"refresh_token", b"client_secret"] {
        assert!(!kept_copy.windows(needle.len()).any(|window| window == needle), "only ciphertext is stored");
    }
    // The client is deleted: its key is gone from the database. A copy of the keychain is put back later, and the client
    // is made anew under the same ids.
    let remade = ClientKey::generate().unwrap();
    room.store.set(&room.entry(), &kept_copy).unwrap();
    assert!(is_broken(&room.vault.open(&remade, room.client, room.connection)));
    assert!(is_broken(&room.vault.open(&ClientKey::from_bytes([0; 32]), room.client, room.connection)));
    assert!(room.vault.present(room.connection).unwrap(), "being there is not being readable");
}

#[test]
fn the_same_fields_never_give_the_same_bytes() {
    let room = Room::new(Memory::default());
    room.seal(&fields(PLANTED));
    let first = room.stored();
    room.seal(&fields(PLANTED));
    assert_ne!(first, room.stored());
}

#[test]
fn readers_and_writers_in_parallel_see_one_whole_value() {
    let mut room = Room::new(Memory::default());
    room.vault = Vault::new(Arc::new(Leisurely(Memory::with_max_len(64))), WorkspaceId::new());
    let room = room;
    room.seal(&fields(&"x".repeat(500)));
    let is_whole = || {
        let sealed = room.vault.open(&room.key, room.client, room.connection).unwrap().unwrap();
        let token = sealed.fields["refresh_token"].expose();
        token.len() == 500 && token.bytes().all(|byte| byte == token.as_bytes()[0])
    };
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let room = &room;
            scope.spawn(move || (0..20).for_each(|_| room.seal(&fields(&writer.to_string().repeat(500)))));
            scope.spawn(|| (0..50).for_each(|_| assert!(is_whole())));
        }
    });
    assert!(is_whole());
}

#[test]
fn the_database_key_is_kept_per_workspace() {
    let room = Room::new(Memory::default());
    assert_eq!(room.vault.kind(), StoreKind::Memory);
    assert!(room.vault.workspace_key().unwrap().is_none());
    let key = DatabaseKey::generate().unwrap();
    room.vault.set_workspace_key(&key).unwrap();
    assert_eq!(room.vault.workspace_key().unwrap(), Some(key.clone()));
    assert!(Vault::new(room.store.clone(), WorkspaceId::new()).workspace_key().unwrap().is_none());
    let hex = key.to_hex_secret();
    assert!(hex.expose().len() == 64 && hex.expose().bytes().all(|byte| byte.is_ascii_hexdigit()));

    let name = &room.store.names()[0];
    room.store.set(name, b"\0\x01short").unwrap();
    assert!(matches!(room.vault.workspace_key(), Err(VaultError::WorkspaceKeyDamaged)));
    room.store.set(name, b"\x07").unwrap();
    assert!(matches!(room.vault.workspace_key(), Err(VaultError::WorkspaceKeyDamaged)));
    room.vault.delete_workspace_key().unwrap();
    assert!(room.vault.workspace_key().unwrap().is_none());
}

#[test]
fn nothing_printed_shows_a_secret() {
    let room = Room::new(Memory::default());
    room.seal(&fields(PLANTED));
    let sealed = room.vault.open(&room.key, room.client, room.connection).unwrap().unwrap();
    let recovery = RecoveryKey::generate().unwrap();
    let key = DatabaseKey::from_bytes([0xAB; 32]);
    let printed = format!("{sealed:?} {key:?} {recovery:?} {:?} {:?}", room.key, key.to_hex_secret());
    assert!(!printed.contains("planted") && !printed.to_lowercase().contains("abab") && !printed.contains("171"));
    assert!(!printed.contains(&recovery.to_text().expose()[..9]));
    assert!(printed.contains("DatabaseKey(***)") && printed.contains("ClientKey(***)"));
}

#[test]
fn every_error_has_its_code_and_says_why() {
    let path = || PathBuf::from("vault");
    let io = || std::io::Error::from(std::io::ErrorKind::PermissionDenied);
    let rows = [
        (VaultError::KeychainLocked("why".into()), Code::KeychainLocked),
        (VaultError::KeychainMissing("why".into()), Code::KeychainMissing),
        (VaultError::KeychainDenied("why".into()), Code::KeychainDenied),
        (VaultError::KeychainFailed("why".into()), Code::Internal),
        (VaultError::WrongPassphrase, Code::WrongPassphrase),
        (VaultError::RecoveryKeyTypo(RecoveryKeyTypo::Checksum), Code::WrongPassphrase),
        (VaultError::PassphraseTooShort { min: 10 }, Code::SettingInvalid),
        (VaultError::RecoveryDamaged, Code::VaultDamaged),
        (VaultError::FileDamaged { path: path() }, Code::VaultDamaged),
        (VaultError::FileExists { path: path() }, Code::FileAccess),
        (VaultError::FileAccess { path: path(), source: io() }, Code::FileAccess),
        (VaultError::DiskFull { path: path() }, Code::DiskFull),
        (VaultError::SealBroken, Code::SealBroken),
        (VaultError::EntryDamaged { name: "connection/x".into() }, Code::SealBroken),
        (VaultError::WorkspaceKeyDamaged, Code::DatabaseWrongKey),
        (VaultError::Crypto("why"), Code::Internal),
    ];
    for (error, code) in rows {
        let names_path = format!("{error:?}").contains("path");
        let failure = Failure::from(error);
        assert_eq!(failure.code, code, "{failure}");
        assert!(failure.detail.as_ref().is_some_and(|detail| !detail.is_empty()));
        assert_eq!(failure.params.contains_key("path"), names_path, "{failure}");
    }
}

#[test]
fn the_secret_of_a_channel_opens_with_its_key_and_for_itself_only() {
    let (store, workspace) = (Arc::new(Memory::default()), WorkspaceId::new());
    let vault = Vault::new(store.clone(), workspace);
    let (key, channel) = (ChannelKey::generate().unwrap(), ChannelId::new());
    assert!(vault.open_channel(&key, channel).unwrap().is_none());
    vault.seal_channel(&key, channel, &fields(PLANTED), now()).unwrap();
    let opened = vault.open_channel(&key, channel).unwrap().unwrap();
    assert_eq!((opened.fields, opened.stored_at), (fields(PLANTED), now()));

    let name = format!("channel/{channel}");
    let envelope = store.get(&name).unwrap().unwrap().to_vec();
    assert!(!envelope.windows(12).any(|part| part == &PLANTED.as_bytes()[..12]), "the secret lies in the clear");
    let broken = |opened| matches!(opened, Err(VaultError::SealBroken));
    assert!(broken(vault.open_channel(&ChannelKey::generate().unwrap(), channel)), "another key opened it");
    let other = ChannelId::new();
    store.set(&format!("channel/{other}"), &envelope).unwrap();
    assert!(broken(vault.open_channel(&key, other)), "it opened for another channel");
    let elsewhere = Vault::new(store.clone(), WorkspaceId::new());
    assert!(broken(elsewhere.open_channel(&key, channel)), "it opened in another workspace");
    // A channel's envelope does not pass for a connection's, whatever its id is called.
    let (client, connection) = (ClientId::new(), ConnectionId::new());
    store.set(&format!("connection/{connection}"), &envelope).unwrap();
    assert!(broken(vault.open(&ClientKey::from_bytes(*key.as_bytes()), client, connection)));

    vault.forget_channel(channel).unwrap();
    vault.forget_channel(channel).unwrap();
    assert!(vault.open_channel(&key, channel).unwrap().is_none());
}

#[test]
fn what_a_sign_in_shares_opens_for_each_client_that_uses_it_and_for_nobody_else() {
    let room = Room::new(Memory::default());
    let (sign_in, inner) = (SignInId::new(), SignInKey::generate().unwrap());
    let fields: SecretFields = [("client_secret".to_owned(), Secret::new(PLANTED))].into();
    room.vault.seal_sign_in(&inner, sign_in, &fields, DateTime::<Utc>::UNIX_EPOCH).unwrap();
    let second = (ClientKey::generate().unwrap(), ClientId::new());
    for (key, client) in [(&room.key, room.client), (&second.0, second.1)] {
        let wrapped = room.vault.wrap(key, client, sign_in, &inner).unwrap();
        assert!(!wrapped.windows(32).any(|part| part == inner.as_bytes()), "the key lies in the clear");
        let opened = room.vault.unwrap_key(key, client, sign_in, &wrapped).unwrap();
        assert_eq!(room.vault.open_sign_in(&opened, sign_in).unwrap().unwrap().fields, fields);
        // Another client's key, another client, another sign-in, a changed byte, nothing.
        let stranger = ClientKey::generate().unwrap();
        let mut changed = wrapped.clone();
        *changed.last_mut().unwrap() ^= 1;
        for refused in [
            room.vault.unwrap_key(&stranger, client, sign_in, &wrapped),
            room.vault.unwrap_key(key, ClientId::new(), sign_in, &wrapped),
            room.vault.unwrap_key(key, client, SignInId::new(), &wrapped),
            room.vault.unwrap_key(key, client, sign_in, &changed),
            room.vault.unwrap_key(key, client, sign_in, &[]),
        ] {
            assert!(matches!(refused, Err(VaultError::SealBroken)), "{refused:?}");
        }
    }
    assert!(room.vault.open_sign_in(&SignInKey::generate().unwrap(), sign_in).is_err());
    assert!(room.vault.open_sign_in(&inner, SignInId::new()).unwrap().is_none());
    room.vault.forget_sign_in(sign_in).unwrap();
    assert!(room.vault.open_sign_in(&inner, sign_in).unwrap().is_none());
}
