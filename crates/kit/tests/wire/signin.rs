//! Tokens: one renewal at a time, durable before use, never lost.

use crate::{
    http::rig,
    server::{Server, ok, reply},
};
use async_trait::async_trait;
use kit::{
    http::{Body, Http, HttpRequest},
    placeholder,
    policy::DefaultPolicy,
    session::{Credentials, SecretChanges},
    signin::{Grant, TokenFlow, TokenSession},
    testing::MemoryCredentials,
};
use model::{
    failure::{Code, Failure},
    secret::{Secret, SecretFields},
};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// A flow against the scripted server.
struct Flow {
    url: String,
}

impl Flow {
    async fn ask(
        &self,
        http: &Http,
        cancel: &CancellationToken,
        grant_type: &str,
        field: &str,
    ) -> Result<Grant, Failure> {
        let form =
            vec![("grant_type".to_owned(), grant_type.to_owned()), (field.to_owned(), placeholder::field(field))];
        let request = HttpRequest::post(format!("{}/token", self.url), Body::Form(form));
        let reply = http.send(&request, &DefaultPolicy::default(), cancel).await?.json()?;
        let text = |name: &str| reply[name].as_str().map(Secret::new);
        Ok(Grant {
            access_token: text("access_token").unwrap(),
            refresh_token: text("refresh_token"),
            expires_in: reply["expires_in"].as_u64().map(Duration::from_secs),
            ends_in: reply["refresh_expires_in"].as_u64().map(Duration::from_secs),
            scopes: reply["scope"].as_str().map(|scopes| scopes.split(' ').map(str::to_owned).collect()),
        })
    }
}

#[async_trait]
impl TokenFlow for Flow {
    async fn issue(&self, http: &Http, cancel: &CancellationToken) -> Result<Grant, Failure> {
        self.ask(http, cancel, "client_credentials", "client_secret").await
    }
    async fn refresh(&self, http: &Http, cancel: &CancellationToken) -> Result<Grant, Failure> {
        self.ask(http, cancel, "refresh_token", "refresh_token").await
    }
}

/// A vendor that rotates: token `n` is good only while it is the newest, and so is its refresh token.
struct Vendor {
    newest: Arc<Mutex<u32>>,
    server: Server,
}

async fn vendor() -> Vendor {
    let newest = Arc::new(Mutex::new(0));
    let state = Arc::clone(&newest);
    let server = Server::start(move |request, _| {
        let mut newest = state.lock().unwrap();
        if request.line.contains("/token") {
            let good = request.body().contains("client_secret=PLANTED-secret")
                || request.body().contains(&format!("refresh_token=PLANTED-refresh-{newest}&"))
                || request.body().ends_with(&format!("refresh_token=PLANTED-refresh-{newest}"));
            if !good {
                return reply(401, &[], r#"{"error":"invalid_grant"}"#);
            }
            *newest += 1;
            return ok(&format!(
                r#"{{"access_token":"PLANTED-access-{newest}","refresh_token":"PLANTED-refresh-{newest}","expires_in":86400}}"#
            ));
        }
        let newest_header = format!("Bearer PLANTED-access-{newest}");
        if request.header("authorization") == Some(&newest_header) { ok("{}") } else { reply(401, &[], "{}") }
    })
    .await;
    Vendor { newest, server }
}

impl Vendor {
    fn session(&self, http: &Http, credentials: Arc<dyn Credentials>) -> (Http, CancellationToken) {
        let http = http.with_hosts([&self.server.base]);
        let cancel = CancellationToken::new();
        let flow = Flow { url: self.server.base.clone() };
        let session = TokenSession::new(flow, http.clone(), credentials, cancel.clone());
        (http.with_authorizer(Arc::new(session)), cancel)
    }
    fn renewals(&self) -> usize {
        self.server.seen().iter().filter(|seen| seen.line.contains("/token")).count()
    }
    async fn read(&self, http: &Http) -> Result<(), Failure> {
        let request = HttpRequest::get(format!("{}/data", self.server.base));
        http.send(&request, &DefaultPolicy::default(), &CancellationToken::new()).await.map(drop)
    }
}

#[tokio::test]
async fn a_token_is_issued_kept_and_renewed_before_it_ends() {
    let (vendor, rig) = (vendor().await, rig(|_| {}));
    let credentials = MemoryCredentials::of(&[("client_secret", "PLANTED-secret")]);
    let (http, _) = vendor.session(&rig.http, credentials.clone());
    vendor.read(&http).await.unwrap();
    vendor.read(&http).await.unwrap();
    assert_eq!(vendor.renewals(), 1);
    let kept = credentials.load().await.unwrap();
    assert_eq!(kept["access_token"].expose(), "PLANTED-access-1");
    assert_eq!(kept["access_expires_at"].expose(), "2026-03-11T12:00:00Z");
    assert_eq!(kept["client_secret"].expose(), "PLANTED-secret", "what a person typed stays");
    // Another run of the same connection takes up the kept token.
    let (again, _) = vendor.session(&rig.http, credentials.clone());
    vendor.read(&again).await.unwrap();
    assert_eq!(vendor.renewals(), 1);
    rig.clock.advance(Duration::from_secs(86400 - 200));
    vendor.read(&http).await.unwrap();
    assert_eq!(vendor.renewals(), 2);
    assert!(vendor.server.seen().iter().any(|seen| seen.body().contains("PLANTED-refresh-1")));
    assert!(!rig.log.everything().contains("PLANTED"), "{}", rig.log.everything());
}

#[tokio::test]
async fn twenty_rejected_requests_renew_once() {
    let (vendor, rig) = (vendor().await, rig(|_| {}));
    *vendor.newest.lock().unwrap() = 7;
    let credentials =
        MemoryCredentials::of(&[("access_token", "PLANTED-access-6"), ("refresh_token", "PLANTED-refresh-7")]);
    // Two sessions of one connection, as a run and a check at the same time.
    let (one, _) = vendor.session(&rig.http, credentials.clone());
    let (two, _) = vendor.session(&rig.http, credentials.clone());
    let reads = (0..20).map(|number| vendor.read(if number % 2 == 0 { &one } else { &two }));
    for outcome in futures::future::join_all(reads).await {
        outcome.unwrap();
    }
    assert_eq!(vendor.renewals(), 1);
    assert_eq!(credentials.states().len(), 2);
}

#[tokio::test]
async fn a_dead_refresh_token_falls_back_to_the_key_and_a_dead_key_to_the_person() {
    let (vendor, rig) = (vendor().await, rig(|_| {}));
    let fields = [("client_secret", "PLANTED-secret"), ("refresh_token", "PLANTED-dead")];
    let (http, _) = vendor.session(&rig.http, MemoryCredentials::of(&fields));
    vendor.read(&http).await.unwrap();
    assert_eq!(vendor.renewals(), 2);
    let dead = [("client_secret", "wrong"), ("refresh_token", "PLANTED-dead")];
    let (http, _) = vendor.session(&rig.http, MemoryCredentials::of(&dead));
    assert_eq!(vendor.read(&http).await.unwrap_err().code, Code::SignInRejected);
}

/// Credentials that note what the vendor had seen when they were replaced, or refuse.
struct Watching {
    memory: Arc<MemoryCredentials>,
    server: Server,
    used_before: Mutex<Vec<bool>>,
    broken: bool,
}

#[async_trait]
impl Credentials for Watching {
    async fn load(&self) -> Result<SecretFields, Failure> {
        self.memory.load().await
    }
    async fn change(&self, changes: SecretChanges) -> Result<(), Failure> {
        let mut fields = self.memory.load().await?;
        changes.apply(&mut fields);
        let bearer = format!("Bearer {}", fields["access_token"].expose());
        let used = self.server.seen().iter().any(|seen| seen.header("authorization") == Some(&bearer));
        self.used_before.lock().unwrap().push(used);
        if self.broken { Err(Failure::new(Code::KeychainLocked)) } else { self.memory.change(changes).await }
    }
    fn turn(&self) -> Arc<tokio::sync::Mutex<()>> {
        self.memory.turn()
    }
}

#[tokio::test]
async fn a_rotated_token_is_durable_before_it_is_used() {
    for broken in [false, true] {
        let (vendor, rig) = (vendor().await, rig(|_| {}));
        let credentials = Arc::new(Watching {
            memory: MemoryCredentials::of(&[("client_secret", "PLANTED-secret")]),
            server: vendor.server.clone(),
            used_before: Mutex::default(),
            broken,
        });
        let (http, _) = vendor.session(&rig.http, credentials.clone());
        let outcome = vendor.read(&http).await;
        assert_eq!(*credentials.used_before.lock().unwrap(), [false]);
        let uses = vendor.server.seen().iter().filter(|seen| seen.line.contains("/data")).count();
        if broken {
            assert_eq!((outcome.unwrap_err().code, uses), (Code::KeychainLocked, 0), "not kept, so not used");
        } else {
            outcome.unwrap();
            assert_eq!(uses, 1);
        }
    }
}

/// The person stops while the vendor is thinking about the renewal: the caller returns at once, the rotated token is kept all the same.
#[tokio::test]
async fn a_renewal_survives_being_stopped() {
    let gate = Arc::new(Notify::new());
    let at_server = Arc::clone(&gate);
    let grant = r#"{"access_token":"PLANTED-access","refresh_token":"PLANTED-refresh"}"#;
    let server = Server::start(move |_, _| ok(grant).held(&at_server)).await;
    let vendor = Vendor { newest: Arc::default(), server };
    let credentials = MemoryCredentials::of(&[("client_secret", "PLANTED-secret")]);
    let (http, cancel) = vendor.session(&rig(|_| {}).http, credentials.clone());
    let stop = async {
        while vendor.renewals() == 0 {
            tokio::task::yield_now().await;
        }
        cancel.cancel();
    };
    let (outcome, ()) = tokio::join!(vendor.read(&http), stop);
    assert_eq!(outcome.unwrap_err().code, Code::Cancelled);
    assert_eq!(credentials.states().len(), 1);
    gate.notify_one();
    while credentials.states().len() == 1 {
        tokio::task::yield_now().await;
    }
    assert_eq!(credentials.load().await.unwrap()["refresh_token"].expose(), "PLANTED-refresh");
    assert_eq!(vendor.server.seen().len(), 1, "a stopped run uses nothing");
}
