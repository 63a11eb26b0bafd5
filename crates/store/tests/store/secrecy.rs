//! Nothing that was written is readable in any file: not in the database, its log, its index, its backups, nor in what the program logs.

use crate::{Home, KEY, a_commit, a_run, a_slice, connected, day, days, object, runs::a_reject, stat};
use model::ad::{Level, RejectReason};
use std::{
    fs,
    io::Write,
    path::Path,
    sync::{Arc, Mutex},
};

/// What is planted. Long enough not to occur by chance.
const PLANTED: [&str; 4] =
    ["zhanna@example.test", "Секретная кампания", "token-4f1d2c9e8b7a", "planted-client-key-material-0123"];

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

fn contains(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn files_hold_nothing_readable() {
    let captured = Captured::default();
    let log = captured.clone();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(move || log.clone()).finish();
    // For the whole process, because the database logs on threads of its own.
    tracing::subscriber::set_global_default(subscriber).unwrap();

    let home = Home::new().await;
    let (client, connection) = connected(&home.store, PLANTED[0]).await;
    home.store.put_client_key(client, PLANTED[3].as_bytes()).await.unwrap();
    home.store.append_audit(crate::noon(), PLANTED[0], "client_created", PLANTED[1]).await.unwrap();
    let run = a_run(&home.store, connection).await;
    let seq = a_slice(&home.store, run, Level::Campaign, days(1, 3)).await;
    home.store
        .stage(run, seq, (0..5_000).map(|n| stat(&format!("{}{n}", PLANTED[2]), day(1), 1)).collect())
        .await
        .unwrap();
    let mut commit = a_commit(run, seq, vec![stat("1", day(2), 1)]);
    commit.objects = vec![object(Level::Campaign, "1", PLANTED[1])];
    commit.rejected = vec![a_reject(RejectReason::NotANumber, PLANTED[2])];
    home.store.commit_slice(commit).await.unwrap();
    home.store.back_up().await.unwrap();
    home.store.client_objects(client, Level::Campaign, days(1, 3), 10).await.unwrap();

    let inspect = |expect_wal: bool| {
        let files = files(home.dir.path());
        assert_eq!(files.iter().any(|path| path.to_string_lossy().ends_with("-wal")), expect_wal);
        assert!(files.iter().any(|path| path.to_string_lossy().contains("backups")));
        for path in files {
            let bytes = fs::read(&path).unwrap();
            assert!(!bytes.starts_with(b"SQLite format 3"), "{}", path.display());
            for text in PLANTED.iter().copied().chain([KEY, "CREATE TABLE", "campaign_stats"]) {
                assert!(!contains(&bytes, text.as_bytes()), "{text:?} in {}", path.display());
            }
        }
    };
    inspect(true);
    home.store.clone().close().await;
    inspect(false);

    let logged = captured.0.lock().unwrap().clone();
    for text in PLANTED.iter().copied().chain([&KEY[..16]]) {
        assert!(!contains(&logged, text.as_bytes()), "{text:?} in the log");
    }
}
