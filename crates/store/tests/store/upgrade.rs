//! Databases of every version open: older ones after a backup, newer ones not, and a failed upgrade leaves the old one whole.

use crate::{Home, a_client, connected, key, raw};
use model::{
    date::DateRange,
    failure::{Code, Failure},
    id::{ConnectionId, TemplateId},
    settings::Lookback,
};
use sqlx::Connection;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};
use store::{Options, Scope, Store, StoreError, backup};

fn shipped() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "sql"))
        .collect();
    files.sort();
    files
}

/// The number of the newest shipped one.
fn newest() -> i64 {
    let name = shipped().pop().unwrap().file_name().unwrap().to_string_lossy().into_owned();
    name.split('_').next().unwrap().parse().unwrap()
}

/// The shipped migrations up to a number, and these besides.
fn migrations(dir: &Path, shipped_up_to: usize, more: &[(&str, &str)]) -> Options {
    let folder = dir.join(format!("migrations{shipped_up_to}-{}", more.len()));
    fs::create_dir_all(&folder).unwrap();
    for file in &shipped()[..shipped_up_to] {
        fs::copy(file, folder.join(file.file_name().unwrap())).unwrap();
    }
    for (name, sql) in more {
        fs::write(folder.join(name), sql).unwrap();
    }
    Options { migrations: Some(folder), ..Options::default() }
}

const NEXT: (&str, &str) =
    ("9001_next.sql", "CREATE TABLE nexts (num INTEGER PRIMARY KEY) STRICT; INSERT INTO nexts VALUES (7);");

#[tokio::test]
async fn every_version_that_was_shipped_opens() {
    for version in 1..=shipped().len() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("workspace.db");
        let old = Store::create(&path, &key(), migrations(dir.path(), version, &[])).await.unwrap();
        old.close().await;
        let mut raw = raw(&path).await;
        sqlx::query("INSERT INTO clients (id, name, currency, time_zone, created_at) VALUES (?, 'Old', 'RUB', 'Europe/Moscow', 0)")
            .bind(a_client("x").id.to_string())
            .execute(&mut raw)
            .await
            .unwrap();
        raw.close().await.unwrap();
        let store = Store::open(&path, &key(), Options::default()).await.unwrap();
        assert_eq!(store.clients().await.unwrap()[0].name, "Old");
        let report = store.check().await.unwrap();
        assert_eq!((report.problems.len(), report.schema), (0, newest()));
        assert_eq!(store.backups().len(), usize::from(version < shipped().len()));
    }
}

/// Months are made of the days that were there before months were kept.
#[tokio::test]
async fn days_of_before_are_added_up_by_month() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("workspace.db");
    let before = shipped().iter().take_while(|file| !file.ends_with("0022_monthly_rollups.sql")).count();
    Store::create(&path, &key(), migrations(dir.path(), before, &[])).await.unwrap().close().await;
    let mut raw = raw(&path).await;
    let client = a_client("acme").id;
    sqlx::query(
        "INSERT INTO clients (id, name, currency, time_zone, created_at) VALUES (?, 'acme', 'RUB', 'Europe/Moscow', 0)",
    )
    .bind(client.to_string())
    .execute(&mut raw)
    .await
    .unwrap();
    sqlx::query(
        "INSERT INTO connections (num, id, client_id, connector, account_external_id, account_name, currency, vat, time_zone, config, state,
             first_load_days, totals_level, created_at)
         VALUES (1, ?, ?, 'vk_ads', '1', '', 'RUB', 1, 'Europe/Moscow', '{}', 'active', 90, 2, 0)",
    )
    .bind(ConnectionId::new().to_string())
    .bind(client.to_string())
    .execute(&mut raw)
    .await
    .unwrap();
    let days = [("2026-10-31", 1), ("2026-11-01", 20), ("2026-11-30", 300), ("2026-12-01", 4_000)];
    for (date, clicks) in days {
        sqlx::query(
            "INSERT INTO daily_rollups (connection, level, date, currency, vat, clicks, row_count)
             VALUES (1, 2, unixepoch(?) / 86400, 'RUB', 1, ?, 1)",
        )
        .bind(date)
        .bind(clicks)
        .execute(&mut raw)
        .await
        .unwrap();
    }
    raw.close().await.unwrap();
    let store = Store::open(&path, &key(), Options::default()).await.unwrap();
    let range = |from: &str, to: &str| DateRange::new(from.parse().unwrap(), to.parse().unwrap()).unwrap();
    for (range, clicks) in [
        (range("2026-10-01", "2026-12-31"), vec![Some(1), Some(320), Some(4_000)]),
        (range("2026-11-01", "2026-11-30"), vec![Some(320)]),
        (range("2026-11-01", "2026-11-29"), vec![Some(20)]),
    ] {
        let months = store.client_months(Scope::Portfolio, range).await.unwrap();
        assert_eq!(months.iter().map(|month| month.sums.clicks).collect::<Vec<_>>(), clicks, "{range:?}");
    }
}

/// One lookback for a whole connection became each stream's own, where a person had changed it.
#[tokio::test]
async fn a_lookback_that_was_changed_stays_with_every_stream() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("workspace.db");
    let before = shipped().iter().take_while(|file| !file.ends_with("0013_lookbacks.sql")).count();
    Store::create(&path, &key(), migrations(dir.path(), before, &[])).await.unwrap().close().await;
    let mut raw = raw(&path).await;
    let client = a_client("acme").id.to_string();
    sqlx::query(
        "INSERT INTO clients (id, name, currency, time_zone, created_at) VALUES (?, 'acme', 'RUB', 'Europe/Moscow', 0)",
    )
    .bind(&client)
    .execute(&mut raw)
    .await
    .unwrap();
    for (id, copy_of) in [("shop", None), ("copy", Some("vk_ads"))] {
        sqlx::query("INSERT INTO imported_connectors (id, revision, name, manifest, mapping, copy_of, saved_at) VALUES (?, 1, '', '', '', ?, 0)")
            .bind(id)
            .bind(copy_of)
            .execute(&mut raw)
            .await
            .unwrap();
    }
    let both = |days, weekly_days| {
        let own = Lookback { days, weekly_days };
        BTreeMap::from([("names".to_owned(), own), ("numbers".to_owned(), own)])
    };
    let table = [
        ("vk_ads", 7, BTreeMap::new()),
        ("vk_ads", 3, both(3, 30)),
        ("vk_ads", 60, both(60, 60)),
        ("shop", 7, BTreeMap::new()),
        ("shop", 0, both(1, 7)),
        ("copy", 14, both(14, 30)),
        ("file_import", 0, BTreeMap::new()),
    ];
    for (num, (connector, days, _)) in (1_i64..).zip(&table) {
        sqlx::query(
            "INSERT INTO connections (num, id, client_id, connector, account_external_id, account_name, currency, vat, time_zone, config, state,
                 lookback_days, first_load_days, totals_level, created_at)
             VALUES (?, ?, ?, ?, ?, '', 'RUB', 0, 'Europe/Moscow', '{}', 'active', ?, 90, 2, 0)",
        )
        .bind(num)
        .bind(ConnectionId::new().to_string())
        .bind(&client)
        .bind(connector)
        .bind(num.to_string())
        .bind(days)
        .execute(&mut raw)
        .await
        .unwrap();
        // A required stream need not be among those that were chosen; what was read of it tells that it is there.
        for insert in [
            "INSERT INTO streams (connection, name, position, enabled) VALUES (?, 'names', 0, 1)",
            "INSERT INTO cursors (connection, stream, read_ranges) VALUES (?, 'numbers', '[]')",
        ] {
            sqlx::query(insert).bind(num).execute(&mut raw).await.unwrap();
        }
    }
    // A template that was saved with the one number says it for its streams.
    let said = r#"{"lookback_days":14,"streams":[{"name":"names","on":true},{"name":"numbers","on":false}]}"#;
    for (name, connector, settings) in
        [("changed", "vk_ads", said), ("usual", "shop", r#"{"lookback_days":7,"streams":[]}"#)]
    {
        sqlx::query("INSERT INTO templates (id, connector, name, settings, created_at) VALUES (?, ?, ?, ?, 0)")
            .bind(TemplateId::new().to_string())
            .bind(connector)
            .bind(name)
            .bind(settings)
            .execute(&mut raw)
            .await
            .unwrap();
    }
    raw.close().await.unwrap();
    let store = Store::open(&path, &key(), Options::default()).await.unwrap();
    let templates = store.templates().await.unwrap();
    let said = |name: &str| &templates.iter().find(|template| template.name == name).unwrap().settings.lookbacks;
    assert_eq!((said("changed"), said("usual")), (&both(14, 30), &BTreeMap::new()));
    let found = store.connections(Scope::Portfolio).await.unwrap();
    for (connection, (connector, days, expected)) in found.iter().zip(&table) {
        assert_eq!(&connection.settings.lookbacks, expected, "{connector} with {days} days");
    }
    assert_eq!(found.len(), table.len());
}

#[tokio::test]
async fn an_upgrade_makes_a_backup_first_and_keeps_the_newest_five() {
    let home = Home::new().await;
    connected(&home.store, "acme").await;
    for _ in 0..backup::KEPT + 2 {
        home.store.back_up().await.unwrap();
    }
    let left = home.dir.path().join("backups/20200101T000000000000Z-v1.db.part");
    fs::write(&left, b"half a copy").unwrap();
    home.store.back_up().await.unwrap();
    assert!(!left.exists());
    let before = home.store.backups();
    assert_eq!(before.len(), backup::KEPT);
    let (path, dir) = (home.path(), home.dir);
    home.store.close().await;

    let store = Store::open(&path, &key(), migrations(dir.path(), shipped().len(), &[NEXT])).await.unwrap();
    assert_eq!((store.clients().await.unwrap().len(), store.check().await.unwrap().schema), (1, 9001));
    let after = store.backups();
    assert_eq!((after.len(), &after[1..]), (backup::KEPT, &before[..backup::KEPT - 1]));
    assert!(after[0].to_string_lossy().ends_with(&format!("-v{}.db", newest())));
    store.close().await;

    // The old version meets the new file, and the backup is what it can open.
    match Store::open(&path, &key(), Options::default()).await {
        Err(error @ StoreError::Newer { found: 9001, .. }) => {
            assert_eq!(Failure::from(error).code, Code::DatabaseNewer);
        }
        other => panic!("{other:?}"),
    }
    fs::copy(&after[0], &path).unwrap();
    assert_eq!(Store::open(&path, &key(), Options::default()).await.unwrap().clients().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_failed_upgrade_leaves_the_database_as_it_was() {
    let table: [(&str, &[(&str, &str)]); 4] = [
        ("second of two fails", &[NEXT, ("9002_bad.sql", "DROP TABLE clients; SELECT nothing FROM nowhere;")]),
        ("breaks references", &[("9001_bad.sql", "DELETE FROM clients;")]),
        ("breaks a rule", &[("9001_bad.sql", "UPDATE clients SET name = NULL;")]),
        ("not SQL", &[("9001_bad.sql", "<<<<<<< HEAD")]),
    ];
    for (name, more) in table {
        let home = Home::new().await;
        connected(&home.store, "acme").await;
        let (path, dir) = (home.path(), home.dir);
        home.store.close().await;
        match Store::open(&path, &key(), migrations(dir.path(), shipped().len(), more)).await {
            Err(StoreError::Upgrade { backup: Some(backup), .. }) => assert!(backup.exists(), "{name}"),
            other => panic!("{name}: {other:?}"),
        }
        let store = Store::open(&path, &key(), Options::default()).await.unwrap();
        assert_eq!(store.clients().await.unwrap().len(), 1, "{name}");
        let report = store.check().await.unwrap();
        assert_eq!((report.problems, report.schema), (vec![], newest()), "{name}");
    }
}

#[tokio::test]
async fn a_migration_that_was_edited_after_its_release_is_refused() {
    let home = Home::new().await;
    let (path, dir) = (home.path(), home.dir);
    home.store.close().await;
    let options = migrations(dir.path(), shipped().len(), &[]);
    let file = fs::read_dir(options.migrations.as_ref().unwrap()).unwrap().next().unwrap().unwrap().path();
    fs::write(&file, format!("{} -- edited", fs::read_to_string(&file).unwrap())).unwrap();
    assert!(matches!(Store::open(&path, &key(), options).await, Err(StoreError::Upgrade { .. })));
    Store::open(&path, &key(), Options::default()).await.unwrap();
}
