//! skeleton end to end. It begins with a platform that has nothing; its own simulator takes that place.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use super::SYSTEM;
use crate::trial::{Bench, Shown, Trial};
use kit::battery;
use serde_json::json;
use simulators::blank::{self, ACCOUNT, KEY};

const HOST: &str = "https://api.skeleton.example";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_connector_passes_the_battery() {
    let source = SYSTEM.source().unwrap();
    let platform = blank::start().unwrap();
    let trial = Trial::new(SYSTEM.id, (HOST, &platform.base_url), &json!({"account": ACCOUNT}), &[("api_key", KEY)]);
    let truth = battery::Truth {
        accounts: [ACCOUNT.to_owned()].into(),
        objects: [("campaigns".to_owned(), Vec::new())].into(),
        stats: [("campaign_stats".to_owned(), Vec::new())].into(),
        days: Some(trial.range(40)),
    };
    let bench = Bench {
        trial: trial.clone(),
        faults: platform.faults(),
        reports: "statistics",
        shows: &|fault| match fault {
            // What this platform cannot show.
            battery::Fault::ExpiredToken
            | battery::Fault::Revoked
            | battery::Fault::Gone
            | battery::Fault::LyingTotal => Shown::Never,
            _ => Shown::Usual,
        },
        planted: &Vec::new,
    };
    let wrong = battery::run(&source, &bench, &truth, trial.today).await;
    assert!(wrong.is_empty(), "{wrong:#?}");
}
