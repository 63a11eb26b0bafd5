//! What was written down or stored once opens for ever: a recovery key on paper, a recovery file, a credential, a
//! passphrase file, each as the first version made it. When a form changes, its new version gets rows of its own here and
//! these stay.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use data_encoding::HEXLOWER;
use model::{
    id::{ClientId, ConnectionId, WorkspaceId},
    secret::Secret,
};
use std::sync::Arc;
use vault::{
    credential::Vault,
    keys::{ClientKey, DatabaseKey},
    passphrase_file::PassphraseFile,
    recovery::{RecoveryKey, open_recovery},
    store::{Memory, SecretStore},
};

const WORKSPACE: &str = "01932a00-0000-7000-8000-000000000001";
const CLIENT: &str = "01932a00-0000-7000-8000-000000000002";
const CONNECTION: &str = "01932a00-0000-7000-8000-000000000003";

const RECOVERY_KEY: &str = "QP3F-Y1Y0-G2M3-WYGA-MXRE-WNDE-49HC";
const RECOVERY_FILE: &str = "5344524b01266833641dc9432a451c770be932b8112683d1f0366f0d8f75019dfb0ff12a45e9317245662946d7cc09ea43589c86b9693926c1f3e1654695e0bb9bc8b11abb612047f5ea330976";
const ENVELOPE: &str = "005344435201000000006b0133602e53ee019906768841b6a4ffba72f342804fe14434f991401c6087d6d7c7e8ded677e4b94057bbdd7dec76e33f63c442d4b9f8ce3fe84e638ed30256fa01af0d90b3b8679d";
const PASSPHRASE: &str = "correct horse battery";
const PASSPHRASE_FILE: &str = "53445641554c54010000004000000001000000012a9081f4aafe52283a40f08c3cda96d30a764630aa58c4f277588b8fde7ef8667331c387dad5e3f9b8646152e0f044d59b27b5e41cdca5ebce8bbe1e1319ae502257403f3a189b4b528755d66324d407272d9b74a049b8b986617fb3de81bb551360f7a771b0bb596e";

fn bytes(hex: &str) -> Vec<u8> {
    HEXLOWER.decode(hex.as_bytes()).unwrap()
}

fn workspace() -> WorkspaceId {
    WORKSPACE.parse().unwrap()
}

#[test]
fn a_recovery_key_on_paper_opens_the_first_recovery_file() {
    let key = RecoveryKey::parse(&Secret::new(RECOVERY_KEY)).unwrap();
    assert_eq!(key.to_text().expose(), RECOVERY_KEY);
    let database = open_recovery(&bytes(RECOVERY_FILE), &key, workspace()).unwrap();
    assert_eq!(database, DatabaseKey::from_bytes([0x11; 32]));
}

#[test]
fn a_credential_of_the_first_version_opens() {
    let store = Memory::default();
    let connection: ConnectionId = CONNECTION.parse().unwrap();
    let client: ClientId = CLIENT.parse().unwrap();
    store.set(&format!("connection/{connection}"), &bytes(ENVELOPE)).unwrap();
    let vault = Vault::new(Arc::new(store), workspace());
    let sealed = vault.open(&ClientKey::from_bytes([0x22; 32]), client, connection).unwrap().unwrap();
    assert_eq!(sealed.stored_at.to_rfc3339(), "2026-11-21T06:00:00+00:00");
    assert_eq!(sealed.fields, [("token".to_owned(), Secret::new("значение"))].into());
}

#[test]
fn a_passphrase_file_of_the_first_version_opens() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault");
    std::fs::write(&path, bytes(PASSPHRASE_FILE)).unwrap();
    let file = PassphraseFile::open(&path, &Secret::new(PASSPHRASE)).unwrap();
    assert_eq!(file.get("name").unwrap().unwrap().as_slice(), b"value");
}
