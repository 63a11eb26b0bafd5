//! Signing in, with a server as the vendor: when tokens are fetched, which of them are used, and what is kept before that.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod desk;

use async_trait::async_trait;
use aws_lc_rs::{
    encoding::AsDer,
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_2048_8192_SHA256,
        UnparsedPublicKey,
    },
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use desk::{Desk, Reply, Seen, Server, desk, ok};
use kit::{
    placeholder,
    session::{Credentials, SecretChanges},
    testing::MemoryCredentials,
};
use manifest::{
    connector::{Connector, Event, Limits, Outlet, Wanted},
    json,
    json::Json,
    read::Run,
};
use model::{
    failure::{Code, Failure, FailureKind},
    secret::SecretFields,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

struct Nowhere;

#[async_trait]
impl Outlet for Nowhere {
    async fn event(&mut self, _: Event) -> Result<(), Failure> {
        Ok(())
    }
}

const STREAMS: [&str; 4] = ["a", "b", "c", "d"];

/// Four streams that sign in alike; a 401 renews the token.
fn connector(server: &Server, auth: &str) -> Connector {
    let streams: Vec<String> = STREAMS
        .iter()
        .map(|name| {
            format!(
                "- {{type: DeclarativeStream, name: {name}, retriever: {{type: SimpleRetriever, requester: {{type: HttpRequester, url_base: BASE, path: /items/{name}, \
                 authenticator: {auth}, error_handler: {{type: DefaultErrorHandler, max_retries: 0, response_filters: [{{type: HttpResponseFilter, http_codes: [401], action: REFRESH_TOKEN_THEN_RETRY}}]}}}}, \
                 record_selector: {{extractor: {{type: DpathExtractor, field_path: [items]}}}}}}}}"
            )
        })
        .collect();
    let text =
        format!("version: 6.0.0\ncheck: {{type: CheckStream, stream_names: [a]}}\nstreams:\n{}\n", streams.join("\n"));
    Connector::load(&text.replace("BASE", &server.base)).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

async fn read(connector: &Connector, run: &Run, streams: &[&str]) -> Result<(), Failure> {
    let wanted = streams.iter().map(|name| Wanted { stream: (*name).to_owned(), ..Wanted::default() }).collect();
    let summary = connector.read(run, wanted, &Limits::default(), &mut Nowhere).await?;
    summary.streams.into_iter().try_for_each(|(.., outcome)| outcome)
}

fn asked(server: &Server, path: &str) -> Vec<Seen> {
    server.seen.lock().unwrap().iter().filter(|seen| seen.target.starts_with(path)).cloned().collect()
}

fn config() -> Json {
    json!({"token": placeholder::field("token"), "password": placeholder::field("password")})
}

const OAUTH: &str = "{type: OAuthAuthenticator, token_refresh_endpoint: BASE/token, client_id: me, client_secret: \"{{ config['password'] }}\", refresh_token: \"{{ config['token'] }}\"}";

/// Gives out `at1`, `at2` and so on, and takes those that `good` names.
fn vendor(good: impl Fn(&str) -> bool + Send + Sync + 'static) -> impl Fn(&Seen, usize) -> Reply + Send + Sync {
    let given = std::sync::atomic::AtomicUsize::new(0);
    move |seen, _| {
        if seen.target.starts_with("/token") {
            let number = given.fetch_add(1, Ordering::SeqCst) + 1;
            return ok(&json!({"access_token": format!("at{number}"), "expires_in": 3600}));
        }
        let token = seen.header("authorization").and_then(|it| it.strip_prefix("Bearer ")).unwrap_or_default();
        if good(token) { ok(&json!({"items": [{"id": 1}]})) } else { (401, vec![], "{}".to_owned()) }
    }
}

#[tokio::test]
async fn a_token_serves_all_streams_until_it_ends() {
    let server = Server::start(vendor(|token| token.starts_with("at"))).await;
    let desk = desk(&config());
    let connector = connector(&server, OAUTH);
    // All at once, and yet one of them asks.
    let run = Run { workers: 8, ..desk.run.clone() };
    read(&connector, &run, &STREAMS).await.unwrap();
    assert_eq!((asked(&server, "/token").len(), asked(&server, "/items").len()), (1, 4));
    let login = &asked(&server, "/token")[0].body;
    for part in ["grant_type=refresh_token", "client_id=me", "client_secret=pa%3Ass", "refresh_token=s3cret-1e5"] {
        assert!(login.split('&').any(|pair| pair == part), "{login}");
    }
    read(&connector, &run, &["a"]).await.unwrap();
    assert_eq!(asked(&server, "/token").len(), 1);
    desk.clock.advance(Duration::from_hours(2));
    read(&connector, &run, &STREAMS).await.unwrap();
    assert_eq!(asked(&server, "/token").len(), 2);
    let last = asked(&server, "/items").pop().unwrap();
    assert_eq!(last.header("authorization"), Some("Bearer at2"));
    let log = desk.log.everything();
    assert!(!log.contains("s3cret") && !log.contains("pa:ss") && !log.contains("at1"), "{log}");
}

#[tokio::test]
async fn a_rejected_token_is_renewed_once() {
    for (good, expected) in [("at2", None), ("none of them", Some(Code::SignInRejected))] {
        let server = Server::start(vendor(move |token| token == good)).await;
        let desk = desk(&config());
        let ended = read(&connector(&server, OAUTH), &desk.run, &["a"]).await;
        assert_eq!(ended.err().map(|failure| failure.code), expected);
        assert_eq!((asked(&server, "/token").len(), asked(&server, "/items").len()), (2, 2));
    }
    // Four streams whose token is rejected at once renew it once together.
    let server = Server::start(vendor(|token| token != "at1")).await;
    let desk = desk(&config());
    let run = Run { workers: 8, ..desk.run.clone() };
    read(&connector(&server, OAUTH), &run, &STREAMS).await.unwrap();
    assert_eq!(asked(&server, "/token").len(), 2);
}

#[tokio::test]
async fn a_refused_refresh_token_asks_the_person_to_sign_in() {
    for (status, body, kind) in [
        (400, r#"{"error": "invalid_grant", "error_description": "s3cret-1e5 has ended"}"#, FailureKind::SignInAgain),
        (401, r#"{"error": "invalid_client"}"#, FailureKind::SignInAgain),
        (503, "{}", FailureKind::Retry),
    ] {
        let server = Server::start(move |_, _| (status, vec![], body.to_owned())).await;
        let desk = desk(&config());
        let failure = read(&connector(&server, OAUTH), &desk.run, &["a"]).await.unwrap_err();
        assert_eq!(failure.kind(), kind, "{status}: {failure}");
        assert!(!failure.to_string().contains("s3cret") && !desk.log.everything().contains("s3cret"), "{failure}");
        assert_eq!(asked(&server, "/items").len(), 0, "{status}");
    }
}

/// Keeps, but the first time the program dies right after.
struct Crashing {
    kept: Arc<MemoryCredentials>,
    alive: AtomicBool,
}

#[async_trait]
impl Credentials for Crashing {
    async fn load(&self) -> Result<SecretFields, Failure> {
        self.kept.load().await
    }
    async fn change(&self, changes: SecretChanges) -> Result<(), Failure> {
        self.kept.change(changes).await?;
        if self.alive.swap(true, Ordering::SeqCst) { Ok(()) } else { Err(Failure::new(Code::DiskFull)) }
    }
    fn turn(&self) -> Arc<tokio::sync::Mutex<()>> {
        self.kept.turn()
    }
}

#[tokio::test]
async fn a_rotated_token_is_kept_before_it_is_used() {
    // Each refresh token is good for one use.
    let server = Server::start({
        let uses = std::sync::atomic::AtomicUsize::new(0);
        move |seen, _| {
            if !seen.target.starts_with("/token") {
                return ok(&json!({"items": [{"id": 1}]}));
            }
            let expected = uses.load(Ordering::SeqCst);
            if !seen.body.split('&').any(|pair| pair == format!("refresh_token=r{expected}")) {
                return (400, vec![], r#"{"error": "invalid_grant"}"#.to_owned());
            }
            uses.store(expected + 1, Ordering::SeqCst);
            ok(&json!({"access_token": format!("at{expected}"), "refresh_token": format!("r{}", expected + 1), "expires_in": 3600}))
        }
    })
    .await;
    let auth = "{type: OAuthAuthenticator, token_refresh_endpoint: BASE/token, client_id: me, client_secret: x, refresh_token: \"{{ config.credentials.refresh_token }}\", \
                refresh_token_updater: {refresh_token_config_path: [credentials, refresh_token], access_token_config_path: [credentials, access_token], token_expiry_date_config_path: [credentials, ends]}}";
    let connector = connector(&server, auth);
    let kept = MemoryCredentials::new(SecretFields::new());
    let credentials = Arc::new(Crashing { kept: Arc::clone(&kept), alive: AtomicBool::new(false) });
    let begin = || -> Desk {
        let desk = desk(&json!({"credentials": {"refresh_token": "r0"}}));
        Desk { run: desk.run.with_credentials(Arc::clone(&credentials) as Arc<dyn Credentials>), ..desk }
    };
    read(&connector, &begin().run, &["a"]).await.unwrap_err();
    assert_eq!(asked(&server, "/items").len(), 0, "the token was used before it was kept");
    let rotated =
        |kept: &MemoryCredentials| kept.states().pop().unwrap()["credentials.refresh_token"].expose().to_owned();
    assert_eq!(rotated(&kept), "r1");
    // The next run goes on with what was kept, although the configuration still says r0.
    let desk = begin();
    read(&connector, &desk.run, &["a"]).await.unwrap();
    assert_eq!(asked(&server, "/token").len(), 1);
    desk.clock.advance(Duration::from_hours(3));
    read(&connector, &desk.run, &["b"]).await.unwrap();
    assert_eq!((asked(&server, "/token").len(), rotated(&kept).as_str()), (2, "r2"));
}

#[tokio::test]
async fn a_login_brings_a_token_for_a_while() {
    let server = Server::start(|seen, number| match seen.target.as_str() {
        "/login" => ok(&json!({"session": {"id": format!("t{number}")}})),
        _ => ok(&json!({"items": [{"id": 1}]})),
    })
    .await;
    let auth = "{type: SessionTokenAuthenticator, login_requester: {type: HttpRequester, url_base: BASE, path: /login, http_method: POST, \
                authenticator: {type: BasicHttpAuthenticator, username: me, password: \"{{ config['password'] }}\"}}, session_token_path: [session, id], expiration_duration: PT1H, \
                request_authentication: {type: ApiKey, inject_into: {type: RequestOption, inject_into: header, field_name: X-Session}}}";
    let (connector, desk) = (connector(&server, auth), desk(&config()));
    read(&connector, &desk.run, &["a", "b"]).await.unwrap();
    assert_eq!(asked(&server, "/login").len(), 1);
    assert_eq!(asked(&server, "/login")[0].header("authorization"), Some("Basic bWU6cGE6c3M="));
    assert!(asked(&server, "/items").iter().all(|seen| seen.header("x-session") == Some("t1")));
    desk.clock.advance(Duration::from_hours(2));
    read(&connector, &desk.run, &["c"]).await.unwrap();
    assert_eq!(asked(&server, "/login").len(), 2);
    assert!(!desk.log.everything().contains("pa:ss"));
}

#[tokio::test]
async fn a_signed_token_is_verified_with_the_public_key() {
    let server = Server::start(|_, _| ok(&json!({"items": []}))).await;
    let curve = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let rsa = aws_lc_rs::rsa::KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
    let pem =
        |der: &[u8]| format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(der));
    let curve_pem = pem(curve.to_pkcs8v1().unwrap().as_ref());
    let rsa_pem = pem(AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&rsa).unwrap().as_ref());
    for (algorithm, key, public) in [
        (
            "ES256",
            &curve_pem,
            UnparsedPublicKey::new(
                &ECDSA_P256_SHA256_FIXED as &dyn aws_lc_rs::signature::VerificationAlgorithm,
                curve.public_key().as_ref().to_vec(),
            ),
        ),
        ("RS256", &rsa_pem, UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, rsa.public_key().as_ref().to_vec())),
    ] {
        let auth = format!(
            "{{type: JwtAuthenticator, secret_key: \"{{{{ config['key'] }}}}\", algorithm: {algorithm}, token_duration: 600, header_prefix: Bearer, jwt_headers: {{kid: k1}}, jwt_payload: {{iss: me, aud: you}}}}"
        );
        let desk = desk(&json!({"key": key.as_str()}));
        read(&connector(&server, &auth), &desk.run, &["a"]).await.unwrap();
        let seen = asked(&server, "/items").pop().unwrap();
        let token = seen.header("authorization").unwrap().strip_prefix("Bearer ").unwrap();
        let (signed, signature) = token.rsplit_once('.').unwrap();
        public
            .verify(signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap())
            .unwrap_or_else(|_| panic!("{algorithm}"));
        let part = |index: usize| {
            let bytes = URL_SAFE_NO_PAD.decode(token.split('.').nth(index).unwrap()).unwrap();
            Json::parse(std::str::from_utf8(&bytes).unwrap()).unwrap()
        };
        assert_eq!((part(0)["alg"].as_str(), part(0)["kid"].as_str()), (Some(algorithm), Some("k1")));
        let claims = part(1);
        assert_eq!((claims["iss"].as_str(), claims["aud"].as_str()), (Some("me"), Some("you")));
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 600);
        let log = desk.log.everything();
        assert!(!log.contains(token) && !log.contains(&key[40..80]), "{algorithm}");
    }
}
