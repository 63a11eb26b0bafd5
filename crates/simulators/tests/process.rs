//! The simulator as a process of its own: what scripts, the bench and the crash tests rely on.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_syncdeck-simulator");

/// Ends the process even when an assertion fails.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to stop.
        let _stopped = self.0.kill();
        let _reaped = self.0.wait();
    }
}

#[tokio::test]
async fn it_prints_its_address_and_tells_the_same_truth_as_it_prints() {
    let arguments = ["vk-ads", "--scenario", "small", "--seed", "7", "--now", "2026-06-15"];
    let printed = Command::new(PROGRAM).args(arguments).arg("--truth").output().unwrap();
    assert!(printed.status.success());
    let printed: Value = serde_json::from_slice(&printed.stdout).unwrap();
    assert!(printed["cabinets"][0]["totals"]["spend_kopecks"].as_i64().unwrap() > 0);

    let mut running =
        Running(Command::new(PROGRAM).args(arguments).args(["--port", "0"]).stdout(Stdio::piped()).spawn().unwrap());
    let mut base = String::new();
    BufReader::new(running.0.stdout.take().unwrap()).read_line(&mut base).unwrap();
    let base = base.trim_end();
    assert!(base.starts_with("http://127.0.0.1:"), "{base}");
    let http = reqwest::Client::new();
    let told = async |path: &str| -> Value {
        let reply = http.get(format!("{base}/__sim/{path}")).send().await.unwrap();
        serde_json::from_slice(&reply.bytes().await.unwrap()).unwrap()
    };
    assert_eq!(told("truth").await["cabinets"], printed["cabinets"]);
    assert_eq!(told("keys").await["keys"], printed["keys"]);
}

#[test]
fn a_mistyped_argument_is_explained() {
    for arguments in [&["vk-ads", "--now", "yesterday"][..], &["vk-ads", "--scenario", "huge"], &["yandex"], &[]] {
        let ended = Command::new(PROGRAM).args(arguments).output().unwrap();
        assert_eq!(ended.status.code(), Some(2), "{arguments:?}");
        assert!(!ended.stderr.is_empty());
    }
}
