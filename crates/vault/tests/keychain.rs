//! The keychain against a real Secret Service, in each of its states: open, locked, missing, denied.
//!
//! Each state is a message bus of its own with its own keyring folder, on which this test program runs itself once more.
//! It needs `dbus-run-session` and `gnome-keyring-daemon` and runs when `SYNCDECK_TEST_KEYCHAIN=1` is set.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
#![allow(clippy::print_stderr, reason = "a test that does not run says so")]

use chrono::Utc;
use model::{
    id::{ClientId, ConnectionId, WorkspaceId},
    secret::{Secret, SecretFields},
};
use std::{
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};
use vault::{
    credential::Vault,
    failure::VaultError,
    keychain::{Keychain, KeychainStatus},
    keys::{ClientKey, DatabaseKey},
    store::{SecretStore, StoreKind},
};

/// Set for the program on the bus: which state it finds itself in.
const STATE: &str = "SYNCDECK_TEST_KEYCHAIN_STATE";
/// A daemon with an unlocked keyring. The command returns before the daemon's name is on the bus, and a bus that starts no service
/// says "missing" until then.
const UNLOCKED: &str = "printf pw | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1
until dbus-send --session --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.NameHasOwner \\
  string:org.freedesktop.secrets 2>/dev/null | grep -q 'boolean true'; do sleep 0.05; done";

#[test]
fn the_keychain_is_told_apart_open_locked_missing_and_denied() {
    if std::env::var("SYNCDECK_TEST_KEYCHAIN").as_deref() != Ok("1") {
        eprintln!("skipped: the real keychain is tested when SYNCDECK_TEST_KEYCHAIN=1 is set");
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let run = |state: &str, before: &str, bus: &[&str]| {
        let this = std::env::current_exe().unwrap();
        let script = format!("{before}\nexec \"$0\" --exact on_the_bus --ignored --nocapture");
        let status = Command::new("dbus-run-session")
            .args(bus)
            .args(["--", "sh", "-c", &script])
            .arg(this)
            .env(STATE, state)
            .env("HOME", home.path())
            .env("XDG_DATA_HOME", home.path().join("data"))
            .env("XDG_RUNTIME_DIR", home.path().join("run"))
            .env_remove("DISPLAY")
            .env_remove("WAYLAND_DISPLAY")
            .status()
            .unwrap();
        assert!(status.success(), "state {state}");
    };
    std::fs::create_dir_all(home.path().join("run")).unwrap();
    // Buses that can start no service, so that nothing depends on what this computer has installed.
    let bus = |name: &str, rule: &str| {
        let config = home.path().join(name);
        let text = format!(
            "<busconfig><type>session</type><listen>unix:tmpdir=/tmp</listen><policy context=\"default\">\
            <allow send_destination=\"*\" eavesdrop=\"true\"/><allow eavesdrop=\"true\"/><allow own=\"*\"/>{rule}\
            </policy></busconfig>"
        );
        std::fs::write(&config, text).unwrap();
        format!("--config-file={}", config.display())
    };
    run("missing", ":", &[&bus("bare.conf", "")]);
    run("missing", "export DBUS_SESSION_BUS_ADDRESS=unix:path=/nonexistent/bus", &[]);
    run("open", UNLOCKED, &[]);
    // The folder now has a keyring with a password; a daemon that is started without it leaves it locked.
    run("locked", "gnome-keyring-daemon --start --components=secrets >/dev/null 2>&1", &[]);
    run("restarted", UNLOCKED, &[]);
    let refusing = bus("refusing.conf", "<deny send_interface=\"org.freedesktop.Secret.Service\"/>");
    run("denied", UNLOCKED, &[&refusing]);
    std::fs::remove_dir_all(home.path().join("data")).unwrap();
    run("never set up", "gnome-keyring-daemon --start --components=secrets >/dev/null 2>&1", &[]);
}

#[test]
#[ignore = "run by the test above, on a bus of its own"]
fn on_the_bus() {
    match std::env::var(STATE).as_deref() {
        Ok("open") => open(),
        Ok("locked") => locked(),
        Ok("missing") => missing(),
        Ok("restarted") => restarted(),
        Ok("denied") => denied(),
        Ok("never set up") => never_set_up(),
        _ => eprintln!("skipped: this is a part of another test"),
    }
}

fn open() {
    let keychain = Arc::new(Keychain::new());
    assert_eq!(keychain.probe(), KeychainStatus::Available);
    assert_eq!(keychain.kind(), StoreKind::Keychain);
    assert!(keychain.get("x").unwrap().is_none());
    keychain.delete("x").unwrap();
    for length in [0, 1, 4_096, 60_000] {
        let value = vec![0xA5; length];
        keychain.set("x", &value).unwrap();
        assert_eq!(keychain.get("x").unwrap().unwrap().as_slice(), value);
    }
    keychain.delete("x").unwrap();
    assert!(keychain.get("x").unwrap().is_none());

    let vault = Vault::new(keychain.clone(), WorkspaceId::new());
    let (key, client, connection) = (ClientKey::generate().unwrap(), ClientId::new(), ConnectionId::new());
    let fields = SecretFields::from([("token".to_owned(), Secret::new("t".repeat(5_000)))]);
    vault.seal(&key, client, connection, &fields, Utc::now()).unwrap();
    assert_eq!(vault.open(&key, client, connection).unwrap().unwrap().fields, fields);
    let database = DatabaseKey::generate().unwrap();
    vault.set_workspace_key(&database).unwrap();
    assert_eq!(vault.workspace_key().unwrap(), Some(database));
    vault.forget(connection).unwrap();
    assert!(!vault.present(connection).unwrap());
    vault.delete_workspace_key().unwrap();
    keychain.set("kept", b"for the locked state").unwrap();
}

fn locked() {
    let keychain = Keychain::with_patience(Duration::from_secs(3));
    let begun = Instant::now();
    assert_eq!(keychain.probe(), KeychainStatus::Locked);
    for outcome in [
        keychain.get("kept").map(drop),
        keychain.set("kept", b"changed"),
        keychain.set("fresh", b"new"),
        keychain.delete("kept"),
    ] {
        let error = outcome.expect_err("nothing is possible while it is locked");
        assert!(matches!(error, VaultError::KeychainLocked(_)), "{error:?}");
    }
    eprintln!("locked: five calls took {:?}", begun.elapsed());
}

fn missing() {
    let keychain = Keychain::new();
    assert_eq!(keychain.probe(), KeychainStatus::Missing);
    for outcome in [keychain.get("x").map(drop), keychain.set("x", b"1"), keychain.delete("x")] {
        let error = outcome.expect_err("there is no keychain");
        assert!(matches!(error, VaultError::KeychainMissing(_)), "{error:?}");
    }
}

fn denied() {
    let keychain = Keychain::new();
    assert_eq!(keychain.probe(), KeychainStatus::Denied);
    for outcome in [keychain.get("x").map(drop), keychain.set("x", b"1"), keychain.delete("x")] {
        let error = outcome.expect_err("the bus lets nobody through");
        assert!(matches!(error, VaultError::KeychainDenied(_)), "{error:?}");
    }
}

/// The service runs and its owner has never made a keyring: there is nowhere to put anything.
fn never_set_up() {
    let keychain = Keychain::new();
    assert_eq!(keychain.probe(), KeychainStatus::Missing);
    assert!(keychain.get("x").unwrap().is_none());
    assert!(matches!(keychain.set("x", b"1"), Err(VaultError::KeychainMissing(_))));
}

/// What was stored is still there, also after the daemon was replaced under a running program.
fn restarted() {
    let keychain = Keychain::new();
    assert_eq!(keychain.get("kept").unwrap().unwrap().as_slice(), b"for the locked state");
    let replaced = Command::new("sh")
        .args(["-c", "printf pw | gnome-keyring-daemon --replace --unlock --components=secrets >/dev/null 2>&1"])
        .status()
        .unwrap();
    assert!(replaced.success());
    assert_eq!(keychain.get("kept").unwrap().unwrap().as_slice(), b"for the locked state");
    keychain.set("kept", b"changed").unwrap();
    keychain.delete("kept").unwrap();
    assert!(keychain.get("kept").unwrap().is_none());
}
