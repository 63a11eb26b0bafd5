//! Opening what is missing, taken, foreign, broken, cut off or full: each has its own answer, and nothing is lost.

use crate::{Home, a_client, a_commit, a_run, a_slice, connected, day, days, key, noon, stat, write};
use model::{
    ad::Level,
    failure::{Code, Failure},
    secret::Secret,
};
use std::{fs, path::Path};
use store::{Options, Scope, Store, StoreError};

async fn refusal(path: &Path, key: &Secret) -> StoreError {
    Store::open(path, key, Options::default()).await.expect_err("a refusal")
}

#[tokio::test]
async fn missing_existing_and_busy_are_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("workspace.db");
    assert!(matches!(refusal(&path, &key()).await, StoreError::Missing { .. }));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "looking for a workspace leaves nothing behind");
    let store = Store::create(&path, &key(), Options::default()).await.unwrap();
    let alone = || async {
        let options = Options { alone: true, ..Options::default() };
        Store::open(&path, &key(), options).await
    };
    let seen = store.lease().await.unwrap();
    store.take_lease("the first", true, &seen).await.unwrap().unwrap();
    let other = Store::open(&path, &key(), Options::default()).await.expect("two programs may have it open");
    let refused = alone().await.unwrap_err();
    assert!(matches!(&refused, StoreError::Busy { by: Some(by), .. } if by == "the first"), "{refused:?}");
    other.close().await;
    let clone = store.clone();
    drop(store);
    assert!(matches!(alone().await, Err(StoreError::Busy { .. })), "the share is held until the last clone is gone");
    clone.close().await;
    let whole = alone().await.unwrap();
    assert_eq!(whole.lease().await.unwrap().holder, None, "who is alone knows that the one on duty is dead");
    whole.share().await.unwrap();
    Store::open(&path, &key(), Options::default()).await.unwrap().close().await;
    whole.close().await;
    let again = Store::create(&path, &key(), Options::default()).await;
    assert!(matches!(again, Err(StoreError::Exists { .. })));
    Store::open(&path, &key(), Options::default()).await.unwrap();
}

#[tokio::test]
async fn a_wrong_key_is_not_damage() {
    let home = Home::new().await;
    connected(&home.store, "acme").await;
    home.store.back_up().await.unwrap();
    home.store.clone().close().await;
    let path = home.path();
    drop(home.store);
    for wrong in [&"ff".repeat(32), "", "00", &crate::KEY[..62], &"zz".repeat(32), "\"'; DROP"] {
        assert!(matches!(refusal(&path, &Secret::new(wrong)).await, StoreError::WrongKey { .. }), "{wrong:?}");
    }
    // Without the check file too.
    fs::remove_file(home.dir.path().join("workspace.db.check")).unwrap();
    assert!(matches!(refusal(&path, &Secret::new("ff".repeat(32))).await, StoreError::WrongKey { .. }));
    let upper = Secret::new(crate::KEY.to_uppercase());
    let store = Store::open(&path, &upper, Options::default()).await.unwrap();
    assert_eq!(store.clients().await.unwrap().len(), 1);
    assert!(home.dir.path().join("workspace.db.check").exists(), "the check file is made anew");
}

/// A closed workspace with rows and a backup; returns the folder and how long the file is.
async fn closed() -> (tempfile::TempDir, usize) {
    let home = Home::new().await;
    let (_, connection) = connected(&home.store, "acme").await;
    let stats = (0..4_000).map(|n| stat(&n.to_string(), day(1 + n % 9), 1)).collect();
    write(&home.store, connection, Level::Campaign, days(1, 9), stats).await;
    home.store.back_up().await.unwrap();
    let path = home.path();
    home.store.close().await;
    let len = usize::try_from(fs::metadata(path).unwrap().len()).unwrap();
    (home.dir, len)
}

#[tokio::test]
async fn damage_is_noticed_and_names_the_good_backup() {
    type Damage = fn(&mut Vec<u8>);
    let table: [(&str, Damage); 6] = [
        ("empty", Vec::clear),
        ("first page", |bytes| bytes[100] ^= 1),
        ("salt", |bytes| bytes[3] ^= 0x80),
        ("cut within the first page", |bytes| bytes.truncate(1_000)),
        ("text", |bytes| *bytes = b"<html>not found</html>".repeat(400)),
        ("zeros", |bytes| bytes.fill(0)),
    ];
    for (name, damage) in table {
        let (dir, _) = closed().await;
        let path = dir.path().join("workspace.db");
        let mut bytes = fs::read(&path).unwrap();
        damage(&mut bytes);
        fs::write(&path, &bytes).unwrap();
        // The newest copy is damaged as well: the one before it is the answer.
        fs::write(dir.path().join("backups/99990101T000000000000Z-v1.db"), b"broken").unwrap();
        match refusal(&path, &key()).await {
            StoreError::Damaged { backup: Some(backup), .. } => {
                assert!(!backup.to_string_lossy().contains("9999"), "{name}");
                fs::copy(backup, &path).unwrap();
                let store = Store::open(&path, &key(), Options::default()).await.unwrap();
                assert_eq!(store.stat_counts(Scope::Portfolio).await.unwrap()[0].1, 4_000, "{name}");
            }
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn damage_in_the_middle_is_found_by_reading_and_by_the_check() {
    let (dir, len) = closed().await;
    let path = dir.path().join("workspace.db");
    let clean = fs::read(&path).unwrap();
    assert_eq!(clean.len(), len);
    for place in (4_096 * 4..len - 64).step_by(len / 9) {
        let mut bytes = clean.clone();
        bytes[place] ^= 0x55;
        fs::write(&path, &bytes).unwrap();
        let store = match Store::open(&path, &key(), Options::default()).await {
            Ok(store) => store,
            Err(StoreError::Damaged { .. }) => continue,
            Err(other) => panic!("byte {place}: {other:?}"),
        };
        let problems = store.check().await;
        assert!(
            matches!(&problems, Err(StoreError::Damaged { .. }))
                || problems.as_ref().is_ok_and(|r| !r.problems.is_empty()),
            "byte {place}: {problems:?}"
        );
        // Writing over it does not help and does not panic: it is damage, or it touches other pages and succeeds.
        let client = a_client("late");
        assert!(matches!(store.insert_client(&client).await, Ok(()) | Err(StoreError::Damaged { .. })));
    }
    // A tail that is missing.
    fs::write(&path, &clean[..len / 2]).unwrap();
    match Store::open(&path, &key(), Options::default()).await {
        Err(StoreError::Damaged { .. }) => {}
        Ok(store) => {
            let counted = store.stat_counts(Scope::Portfolio).await;
            let checked = store.check().await;
            assert!(counted.is_err() || checked.is_err() || !checked.unwrap().problems.is_empty());
        }
        Err(other) => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_broken_log_loses_at_most_what_it_held() {
    let home = Home::new().await;
    let first = a_client("first");
    home.store.insert_client(&first).await.unwrap();
    let path = home.path();
    home.store.close().await;
    let home = Home { dir: home.dir, store: Store::open(&path, &key(), Options::default()).await.unwrap() };
    home.store.insert_client(&a_client("second")).await.unwrap();
    // What a crash leaves: the files as they are now, and garbage at the end of the log.
    let crash = tempfile::tempdir().unwrap();
    for name in ["workspace.db", "workspace.db-wal", "workspace.db.check"] {
        fs::copy(home.dir.path().join(name), crash.path().join(name)).unwrap();
    }
    let wal = crash.path().join("workspace.db-wal");
    let mut bytes = fs::read(&wal).unwrap();
    assert!(bytes.len() > 4_096);
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&wal, bytes).unwrap();
    let store = Store::open(&crash.path().join("workspace.db"), &key(), Options::default()).await.unwrap();
    assert!(store.client(first.id).await.is_ok());
    assert_eq!(store.check().await.unwrap().problems, Vec::<String>::new());
}

#[tokio::test]
async fn a_full_disk_rolls_back_and_everything_goes_on_when_there_is_room() {
    let options = Options { max_bytes: Some(1 << 20), ..Options::default() };
    let home = Home::with(options).await;
    let (client, connection) = connected(&home.store, "acme").await;
    write(&home.store, connection, Level::Campaign, days(1, 2), vec![stat("old", day(1), 5)]).await;
    let run = a_run(&home.store, connection).await;
    let seq = a_slice(&home.store, run, Level::Campaign, days(1, 2)).await;
    let many: Vec<_> = (0..40_000).map(|n| stat(&n.to_string(), day(1), 1)).collect();
    for round in 0..2 {
        let error = home.store.commit_slice(a_commit(run, seq, many.clone())).await.unwrap_err();
        let StoreError::DiskFull { path: Some(path) } = &error else { panic!("round {round}: {error:?}") };
        assert_eq!(*path, home.path());
        assert_eq!(Failure::from(error).code, Code::DiskFull);
        let sums = home.store.client_sums(Scope::Client(client), days(1, 2)).await.unwrap();
        assert_eq!((sums[0].sums.rows, sums[0].sums.clicks), (1, Some(5)));
    }
    let mut staged = Ok(Vec::new());
    for part in many.chunks(5_000) {
        staged = home.store.stage(run, seq, part.to_vec()).await;
        if staged.is_err() {
            break;
        }
    }
    assert!(matches!(staged, Err(StoreError::DiskFull { .. })), "{staged:?}");
    home.store.begin_slice(run, seq).await.unwrap();
    home.store.commit_slice(a_commit(run, seq, many[..50].to_vec())).await.unwrap();
    assert_eq!(home.store.check().await.unwrap().problems, Vec::<String>::new());

    let home = home.reopened().await;
    home.store.commit_slice(a_commit(run, seq, many)).await.unwrap();
    assert_eq!(home.store.stat_counts(Scope::Portfolio).await.unwrap(), [(connection, 40_000)]);
    home.store.finish_run(run, model::run::RunState::Done, None, noon()).await.unwrap();
}

/// The same on a real file system that is really full. Mounting one needs rights that a developer rarely has; then only the test above
/// speaks.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_really_full_disk_rolls_back_too() {
    use std::process::Command;

    struct Mounted(tempfile::TempDir);
    impl Drop for Mounted {
        fn drop(&mut self) {
            let _ = Command::new("umount").arg("--lazy").arg(self.0.path()).status();
        }
    }

    let folder = tempfile::tempdir().unwrap();
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=4m", "tmpfs"]).arg(folder.path()).output();
    if !mounted.is_ok_and(|output| output.status.success()) {
        eprintln!("no right to mount a file system: skipped");
        return;
    }
    let disk = Mounted(folder);
    let path = disk.0.path().join("workspace.db");
    let store = Store::create(&path, &key(), Options::default()).await.unwrap();
    let (client, connection) = connected(&store, "acme").await;
    write(&store, connection, Level::Campaign, days(1, 2), vec![stat("old", day(1), 5)]).await;
    let run = a_run(&store, connection).await;
    let seq = a_slice(&store, run, Level::Campaign, days(1, 2)).await;
    let many: Vec<_> = (0..60_000).map(|n| stat(&n.to_string(), day(1), 1)).collect();
    // Writes that wait for each other meet it one after the other, and none meets what the one before has left behind.
    let at_once = (0..8).map(|_| store.commit_slice(a_commit(run, seq, many.clone())));
    for met in futures::future::join_all(at_once).await {
        assert!(matches!(met, Err(StoreError::DiskFull { path: Some(_) })), "{met:?}");
    }
    let sums = store.client_sums(Scope::Client(client), days(1, 2)).await.unwrap();
    assert_eq!((sums[0].sums.rows, sums[0].sums.clicks), (1, Some(5)));
    fs::write(disk.0.path().join("filler"), vec![0; 8 << 20]).unwrap_err();
    let backup = store.back_up().await;
    assert!(matches!(backup, Err(StoreError::DiskFull { .. })), "{backup:?}");
    assert!(store.backups().is_empty());

    fs::remove_file(disk.0.path().join("filler")).unwrap();
    store.close().await;
    let store = Store::open(&path, &key(), Options::default()).await.unwrap();
    assert_eq!(store.commit_slice(a_commit(run, seq, vec![stat("new", day(1), 6)])).await.unwrap().rows, 1);
    assert_eq!(store.check().await.unwrap().problems, Vec::<String>::new());
}

#[tokio::test]
async fn a_workspace_that_does_not_fit_is_not_created() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("workspace.db");
    let options = Options { max_bytes: Some(16_384), ..Options::default() };
    let refused = Store::create(&path, &key(), options).await;
    assert!(matches!(refused, Err(StoreError::DiskFull { path: Some(_) })), "{refused:?}");
    assert!(!path.exists());
    Store::create(&path, &key(), Options::default()).await.unwrap();
}

#[tokio::test]
async fn a_folder_that_cannot_be_used_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("no/such/folder/workspace.db");
    match Store::create(&path, &key(), Options::default()).await {
        Err(error @ StoreError::FileAccess { .. }) => assert_eq!(Failure::from(error).code, Code::FileAccess),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_key_is_not_printed() {
    let home = Home::new().await;
    assert!(!format!("{:?}", home.store).contains(&crate::KEY[..16]));
}

#[test]
fn every_error_has_its_code() {
    use std::path::PathBuf;
    let path = PathBuf::from("w.db");
    let io = || std::io::Error::from(std::io::ErrorKind::PermissionDenied);
    let full = || std::io::Error::from(std::io::ErrorKind::StorageFull);
    for (error, code, param) in [
        (StoreError::Missing { path: path.clone() }, Code::WorkspaceMissing, Some("path")),
        (StoreError::Exists { path: path.clone() }, Code::WorkspaceExists, Some("path")),
        (StoreError::Busy { path: path.clone(), by: None }, Code::DatabaseBusy, Some("path")),
        (StoreError::WrongKey { path: path.clone() }, Code::DatabaseWrongKey, Some("path")),
        (
            StoreError::Damaged { backup: Some(path.clone()), detail: String::new() },
            Code::DatabaseDamaged,
            Some("backup"),
        ),
        (StoreError::Newer { found: 9, known: 1 }, Code::DatabaseNewer, Some("found")),
        (StoreError::DiskFull { path: Some(path.clone()) }, Code::DiskFull, Some("path")),
        (StoreError::FileAccess { path, source: io() }, Code::FileAccess, Some("path")),
        (StoreError::NotFound { what: "client" }, Code::NotFound, Some("what")),
        (StoreError::Conflict { what: "connection" }, Code::BadRequest, Some("field")),
        (StoreError::Changed { what: "template" }, Code::ChangedMeanwhile, Some("what")),
        (StoreError::Misuse("x"), Code::Internal, None),
        (StoreError::from(sqlx::Error::PoolClosed), Code::Internal, None),
        (StoreError::from(sqlx::Error::Io(full())), Code::DiskFull, None),
    ] {
        let text = error.to_string();
        let failure = Failure::from(error);
        assert_eq!(failure.code, code, "{text}");
        assert!(param.is_none_or(|name| failure.params.contains_key(name)), "{text}");
    }
}
