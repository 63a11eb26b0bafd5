//! skeleton end to end. It begins with a platform that has nothing; its own simulator takes that place.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use super::SYSTEM;
use chrono::{Days, Utc};
use kit::{
    battery::{self, Fault as Wanted},
    http::{Http, HttpOptions},
    session::{CancellationToken, Session},
    testing::{MemoryCredentials, Recorder, VirtualClock},
};
use model::date::DateRange;
use serde_json::json;
use simulators::{
    blank::{ACCOUNT, Blank, KEY},
    faults::{Fault, FaultKind, Hint},
};
use std::sync::Arc;

const HOST: &str = "https://api.skeleton.example";

/// The simulator as the battery's bench.
struct Bench {
    platform: Blank,
    log: Arc<Recorder>,
}

#[async_trait::async_trait]
impl battery::Bench for Bench {
    async fn session(&self, fault: Wanted) -> Option<Session> {
        let faults = self.platform.faults();
        faults.clear();
        let kind = match fault {
            Wanted::None => None,
            Wanted::Throttled => Some(Fault::always(FaultKind::Throttle { hint: Hint::After { secs: 2 } }).times(1)),
            Wanted::Flaky => Some(Fault::always(FaultKind::ServerError { status: 502 }).times(2)),
            Wanted::UnknownFields => Some(Fault::always(FaultKind::NewFields)),
            Wanted::WrongKey => Some(Fault::always(FaultKind::WrongKey)),
            Wanted::Forbidden => Some(Fault::always(FaultKind::RevokeScope)),
            Wanted::Down => Some(Fault::always(FaultKind::ServerError { status: 500 })),
            Wanted::Html => Some(Fault::always(FaultKind::Html { status: 200 })),
            Wanted::Truncated => Some(Fault::always(FaultKind::TruncatedBody)),
            // What this platform cannot show.
            Wanted::ExpiredToken | Wanted::Revoked | Wanted::Gone | Wanted::LyingTotal => return None,
        };
        if let Some(fault) = kind {
            faults.add(fault);
        }
        let clock = VirtualClock::at(Utc::now());
        let mut options = HttpOptions::new(SYSTEM.id, "shop");
        options.clock = clock.clone();
        options.observer = self.log.clone();
        options.url_map = vec![(HOST.to_owned(), self.platform.base_url.clone())];
        let config = json!({"account": ACCOUNT, "currency": "RUB", "vat": "excluded"});
        Some(Session {
            config: Arc::new(config.as_object().unwrap().clone()),
            credentials: MemoryCredentials::of(&[("api_key", KEY)]),
            http: Http::new(options).unwrap(),
            clock,
            cancel: CancellationToken::new(),
        })
    }
    fn observed(&self) -> String {
        self.log.everything()
    }
    fn planted(&self) -> Vec<String> {
        vec![KEY.to_owned()]
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_connector_passes_the_battery() {
    let source = SYSTEM.source().unwrap();
    let today = Utc::now().date_naive();
    let days = DateRange::new(today.checked_sub_days(Days::new(39)).unwrap(), today).unwrap();
    let truth = battery::Truth {
        accounts: [ACCOUNT.to_owned()].into(),
        objects: [("campaigns".to_owned(), Vec::new())].into(),
        stats: [("campaign_stats".to_owned(), Vec::new())].into(),
        days: Some(days),
    };
    let bench = Bench { platform: Blank::start().unwrap(), log: Recorder::shared() };
    let wrong = battery::run(&source, &bench, &truth, today).await;
    assert!(wrong.is_empty(), "{wrong:#?}");
}
