//! `kill -9` in the middle of writing: afterwards there is the old state or the new one, never a mixture.
//!
//! The child is this test binary again, running [`writes_until_it_is_killed`], which does nothing unless it is told a folder.

use crate::{Home, a_commit, a_run, a_slice, connected, day, days, key, stat};
use model::{ad::Level, run::RunState};
use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};
use store::{Options, Scope, Store};

const FOLDER: &str = "SYNCDECK_STORE_CRASH_FOLDER";
const ROWS: u32 = 6_000;

/// Writes generation after generation into one window: every row of a generation carries its number as clicks.
#[tokio::test]
#[ignore = "the child of the test below"]
async fn writes_until_it_is_killed() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let store = Store::open(&Path::new(&folder).join("workspace.db"), &key(), Options::default()).await.unwrap();
    let connection = store.connections(Scope::Portfolio).await.unwrap()[0].id;
    let before = store.client_sums(Scope::Portfolio, days(1, 3)).await.unwrap();
    let mut generation = before.first().map_or(0, |sums| sums.sums.clicks.unwrap() / i64::from(ROWS));
    println!("ready");
    loop {
        generation += 1;
        let run = a_run(&store, connection).await;
        let seq = a_slice(&store, run, Level::Campaign, days(1, 3)).await;
        store.begin_slice(run, seq).await.unwrap();
        let mut stats: Vec<_> = (0..ROWS).map(|n| stat(&n.to_string(), day(1 + n % 3), generation)).collect();
        let rest = stats.split_off(ROWS as usize / 2);
        assert!(store.stage(run, seq, stats).await.unwrap().is_empty());
        store.commit_slice(a_commit(run, seq, rest)).await.unwrap();
        store.finish_run(run, RunState::Done, None, crate::noon()).await.unwrap();
        println!("committed {generation}");
    }
}

#[tokio::test]
async fn a_killed_process_leaves_the_old_state_or_the_new_one() {
    let home = Home::new().await;
    let (client, connection) = connected(&home.store, "acme").await;
    let path = home.path();
    home.store.close().await;
    let mut generations = Vec::new();
    for round in 0..6_u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["crash::writes_until_it_is_killed", "--exact", "--ignored", "--nocapture"])
            .env(FOLDER, home.dir.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap().contains("ready")), "the child opened the workspace");
        let alone = Options { alone: true, ..Options::default() };
        assert!(matches!(Store::open(&path, &key(), alone).await, Err(store::StoreError::Busy { .. })));
        // Half of the rounds are killed within their first generation, half within a later one.
        if round % 2 == 1 {
            assert!(lines.any(|line| line.unwrap().contains("committed")), "the child wrote a generation");
        }
        tokio::time::sleep(Duration::from_millis(40 + round * 90)).await;
        child.kill().unwrap();
        child.wait().unwrap();

        let store = Store::open(&path, &key(), Options::default()).await.unwrap();
        let mut clicks = Vec::new();
        store.each_stat(client, None, days(1, 3), |row| clicks.push(row.stat.clicks)).await.unwrap();
        if let Some(first) = clicks.first() {
            assert!(clicks.iter().all(|value| value == first), "round {round}: rows of two generations");
            assert_eq!(clicks.len(), ROWS as usize, "round {round}: a part of a generation");
            generations.push(first.unwrap());
        }
        assert_eq!(store.rollup_differences().await.unwrap(), 0);
        assert_eq!(store.check().await.unwrap().problems, Vec::<String>::new());
        // Committed slices are done, the one that was killed is not, and its staged rows are gone.
        for run in store.unfinished_runs(Scope::Portfolio).await.unwrap() {
            assert_eq!(run.connection_id, connection);
            store.finish_run(run.id, RunState::Stopped, None, crate::noon()).await.unwrap();
        }
        store.close().await;
    }
    assert!(generations.is_sorted(), "a generation was lost: {generations:?}");
    assert!(generations.last().is_some_and(|last| *last > 0), "no round wrote anything");
}
