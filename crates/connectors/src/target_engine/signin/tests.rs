//! Signing in, against the simulator: whose token, how many, and what a person is asked for when it does not work.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use super::*;
use crate::target_engine::errors::EnginePolicy;
use chrono::Utc;
use kit::{
    http::HttpOptions,
    session::{Credentials, SecretChanges},
    testing::{MemoryCredentials, Recorder, VirtualClock},
};
use model::failure::FailureKind;
use serde_json::json;
use simulators::{
    faults::{Fault, FaultKind, Hint},
    vk_ads::{Key, Running, Scenario, TokenRules, VkAds},
};
use tokio::task::JoinSet;

/// The product these tests sign in to.
const HOST: &str = "https://ads.vk.com";

/// A simulator and one set of secrets for it.
struct Desk {
    vk: Running,
    key: Key,
    credentials: Arc<MemoryCredentials>,
    log: Arc<Recorder>,
    cancel: CancellationToken,
}

impl Desk {
    /// With the key of an agency (`true`) or of an advertiser.
    fn open(agency: bool, tokens: TokenRules) -> Self {
        let today = Utc::now().date_naive();
        let vk = VkAds::start(Scenario { tokens, ..Scenario::small(today) }).unwrap();
        let own = |key: &Key| key.cabinets[0].id == key.owner_id;
        let key = vk.keys().into_iter().find(|key| own(key) != agency).unwrap();
        let credentials = MemoryCredentials::of(&[("client_secret", &key.client_secret)]);
        Self { vk, key, credentials, log: Recorder::shared(), cancel: CancellationToken::new() }
    }

    fn usual(agency: bool) -> Self {
        Self::open(agency, TokenRules::default())
    }

    /// A session as a run gets it; `cabinet` selects one of the agency's.
    fn session(&self, cabinet: Option<usize>) -> Session {
        let clock = VirtualClock::at(Utc::now());
        let mut options = HttpOptions::new("vk_ads", "shop");
        options.clock = clock.clone();
        options.observer = self.log.clone();
        options.url_map = vec![(HOST.to_owned(), self.vk.base_url.clone())];
        let mut config = json!({ "client_id": self.key.client_id });
        if let Some(cabinet) = cabinet {
            config["agency_client_name"] = json!(self.key.cabinets[cabinet].username);
        }
        Session {
            config: Arc::new(config.as_object().unwrap().clone()),
            credentials: self.credentials.clone(),
            http: Http::new(options).unwrap(),
            clock,
            cancel: self.cancel.clone(),
        }
    }

    /// Whose account answers.
    async fn whoami(&self, http: &Http) -> Result<u64, Failure> {
        self.get(http, "user").await.map(|user| user["id"].as_u64().unwrap())
    }

    async fn get(&self, http: &Http, resource: &str) -> Result<Value, Failure> {
        let request = HttpRequest::get(format!("{HOST}/api/v2/{resource}.json"));
        http.send(&request, &EnginePolicy, &self.cancel).await?.json()
    }

    fn token_requests(&self) -> u64 {
        self.vk.requests().count_of("/oauth2/token.json")
    }
}

#[tokio::test]
async fn one_token_serves_all_runs() {
    let desk = Desk::usual(false);
    for _ in 0..3 {
        let http = signed_in(&desk.session(None), HOST).unwrap();
        assert_eq!(desk.whoami(&http).await.unwrap(), desk.key.owner_id);
    }
    assert_eq!(desk.token_requests(), 1);
    let kept = desk.credentials.load().await.unwrap();
    assert!(kept.contains_key("access_expires_at"));
}

#[tokio::test]
async fn an_agency_and_its_cabinets_have_a_token_each_and_never_mix_them() {
    let desk = Desk::usual(true);
    for _ in 0..2 {
        let agency = signed_in(&desk.session(None), HOST).unwrap();
        assert_eq!(desk.whoami(&agency).await.unwrap(), desk.key.owner_id);
        for (place, cabinet) in desk.key.cabinets.iter().enumerate() {
            let http = signed_in(&desk.session(Some(place)), HOST).unwrap();
            assert_eq!(desk.whoami(&http).await.unwrap(), cabinet.id);
        }
    }
    assert_eq!(desk.token_requests(), 1 + desk.key.cabinets.len() as u64);
    let refused = desk.get(&signed_in(&desk.session(None), HOST).unwrap(), "ad_plans").await.unwrap_err();
    assert_eq!((refused.code, refused.kind()), (Code::PermissionDenied, FailureKind::FixSettings));
}

#[tokio::test]
async fn expired_tokens_are_refreshed_once_by_ten_requests_at_a_time_also_when_they_rotate() {
    for rotate_refresh in [false, true] {
        let desk = Arc::new(Desk::open(false, TokenRules { rotate_refresh, ..TokenRules::default() }));
        let one = signed_in(&desk.session(None), HOST).unwrap();
        desk.whoami(&one).await.unwrap();
        for round in 0..3 {
            let before = desk.credentials.load().await.unwrap();
            // Only the token ends: whoever comes later meets one that is good again.
            desk.vk.faults().add(Fault::once(FaultKind::ExpireAllTokens).on("user.json"));
            let mut reads = JoinSet::new();
            for _ in 0..10 {
                let (desk, one) = (Arc::clone(&desk), one.clone());
                reads.spawn(async move { desk.whoami(&one).await });
            }
            for outcome in reads.join_all().await {
                outcome.unwrap();
            }
            assert_eq!(desk.token_requests(), 2 + round, "rotation {rotate_refresh}");
            let after = desk.credentials.load().await.unwrap();
            assert_ne!(before["access_token"], after["access_token"]);
            assert_eq!(before["refresh_token"] != after["refresh_token"], rotate_refresh);
        }
    }
}

#[tokio::test]
async fn a_token_the_vendor_has_forgotten_is_issued_anew() {
    let desk = Desk::usual(false);
    let forgotten = |name: &str| (format!("{name}_token"), Some(Secret::new(format!("forgotten-{name}"))));
    let fields = vec![forgotten("access"), forgotten("refresh")];
    desk.credentials.change(SecretChanges { fields, own: false }).await.unwrap();
    let http = signed_in(&desk.session(None), HOST).unwrap();
    desk.whoami(&http).await.unwrap();
    assert_eq!(desk.token_requests(), 2, "the refresh that failed, and the new one");
}

#[tokio::test]
async fn a_person_is_asked_only_for_what_a_person_can_do() {
    let rows = [
        (FaultKind::WrongKey, "token.json", Code::SignInRejected, FailureKind::SignInAgain),
        (FaultKind::RevokeToken, "user.json", Code::SignInRevoked, FailureKind::SignInAgain),
    ];
    for (fault, path, code, kind) in rows {
        let desk = Desk::usual(false);
        desk.vk.faults().add(Fault::always(fault).on(path));
        let http = signed_in(&desk.session(None), HOST).unwrap();
        let failure = desk.whoami(&http).await.unwrap_err();
        assert_eq!((failure.code, failure.kind()), (code, kind), "{failure}");
        assert_eq!(failure.params["account"], "shop");
        assert_eq!(desk.token_requests(), 1, "no second token is asked for");
    }
}

#[tokio::test]
async fn the_sixth_token_is_a_clear_no_and_nobody_elses_tokens_are_purged() {
    let desk = Desk::usual(false);
    for number in 1..=6 {
        let fresh = MemoryCredentials::of(&[("client_secret", &desk.key.client_secret)]);
        let session = Session { credentials: fresh, ..desk.session(None) };
        let outcome = desk.whoami(&signed_in(&session, HOST).unwrap()).await;
        if number <= 5 {
            outcome.unwrap();
        } else {
            let failure = outcome.unwrap_err();
            assert_eq!((failure.code, failure.kind()), (Code::TokenLimit, FailureKind::FixSettings));
        }
    }
    assert_eq!(desk.vk.requests().count_of("token/delete.json"), 0);
    assert_eq!(desk.vk.token_secrets().len(), 10, "five pairs, all alive");
}

#[tokio::test]
async fn a_lost_answer_costs_one_token_and_not_four() {
    for fault in [FaultKind::TruncatedBody, FaultKind::BrokenJson] {
        let desk = Desk::usual(false);
        desk.vk.faults().add(Fault::always(fault).on("token.json"));
        let failure = desk.whoami(&signed_in(&desk.session(None), HOST).unwrap()).await.unwrap_err();
        assert_eq!((failure.code, failure.kind()), (Code::BodyTruncated, FailureKind::Retry));
        assert_eq!(desk.token_requests(), 1);
    }
}

#[tokio::test]
async fn limits_and_server_errors_are_lived_through_and_nothing_secret_is_logged() {
    let desk = Desk::usual(true);
    let faults = [
        Fault::once(FaultKind::Throttle { hint: Hint::After { secs: 3 } }),
        Fault::once(FaultKind::Throttle { hint: Hint::Windows }).times(2),
        Fault::once(FaultKind::ServerError { status: 500 }).times(3),
        Fault::once(FaultKind::Html { status: 502 }),
        Fault::once(FaultKind::Reset).on("user.json"),
    ];
    for fault in faults {
        desk.vk.faults().clear();
        desk.vk.faults().add(fault.clone());
        let http = signed_in(&desk.session(Some(0)), HOST).unwrap();
        let cabinet = desk.whoami(&http).await.map_err(|failure| format!("{fault:?}: {failure}"));
        assert_eq!(cabinet, Ok(desk.key.cabinets[0].id));
        assert!(desk.vk.faults().list()[0].struck > 0);
    }
    let shown = desk.log.everything();
    for secret in desk.vk.token_secrets().iter().chain([&desk.key.client_secret]) {
        assert!(!shown.contains(secret.as_str()));
    }
    assert!(shown.contains("/api/v2/user.json"));
}

#[test]
fn the_host_is_a_setting() {
    let rows = [
        (json!({}), Some("https://ads.vk.com")),
        (json!({ "host": " " }), Some("https://ads.vk.com")),
        (json!({ "host": "ads.vk.ru" }), Some("https://ads.vk.ru")),
        (json!({ "host": "https://ads.vk.ru/" }), Some("https://ads.vk.ru")),
        (json!({ "host": "http://127.0.0.1:8080" }), Some("http://127.0.0.1:8080")),
        (json!({ "host": "ftp://ads.vk.ru" }), None),
        (json!({ "host": "https://" }), None),
    ];
    for (config, expected) in rows {
        let found = host(config.as_object().unwrap(), HOST);
        assert_eq!(found.as_deref().ok(), expected, "{config}");
    }
}
