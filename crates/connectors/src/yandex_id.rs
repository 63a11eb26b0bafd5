//! Signing in with Yandex ID, as all of Yandex's own systems do. Source: yandex.ru/dev/id/doc/ru/codes/code-url and
//! .../tokens/refresh-client.
//!
//! An application of the agency's own is allowed by a person on a page of Yandex, which shows a code. The
//! code is good for ten minutes and for one use: `POST /token` makes an access token and a refresh token of it, both good for about a year.
//! A refresh gives a new pair. Who has a token already may enter it instead; it works until its end and is then asked for again.

use async_trait::async_trait;
use kit::{
    http::{Body, Http, HttpRequest, HttpResponse},
    placeholder,
    policy::{self, Attempt, Decision, DefaultPolicy, Outcome, Policy},
    session::{CancellationToken, Session},
    signin::{ACCESS_TOKEN, Grant, REFRESH_TOKEN, TokenFlow, TokenSession},
};
use model::{
    failure::{Code, Failure},
    secret::Secret,
};
use serde::Deserialize;
use std::{sync::Arc, time::Duration};

/// Where tokens are handed out.
const TOKEN_HOST: &str = "https://oauth.yandex.ru";

/// Setting: the application's id.
const CLIENT_ID: &str = "client_id";
/// Secret of the application.
const CLIENT_SECRET: &str = "client_secret";
/// Secret: the code that Yandex showed to the person.
const CODE: &str = "code";

/// Where it is told whose token it is, to whoever has a token for any of Yandex's interfaces. Source: yandex.ru/dev/id/doc/ru/user-information.
pub const WHOSE: &str = "https://login.yandex.ru";

/// The session's HTTP, signed in for Yandex's interfaces: where they are, and the word before the token in their header.
pub fn signed_in(session: &Session, hosts: &[&str], scheme: &'static str) -> Http {
    let client_id = session.config.get(CLIENT_ID).and_then(|id| id.as_str()).unwrap_or_default().trim().to_owned();
    let flow = YandexId { client_id, scheme };
    let http = session.http.with_hosts([TOKEN_HOST]);
    let tokens = TokenSession::new(flow, http, Arc::clone(&session.credentials), session.cancel.clone());
    session.http.with_hosts(hosts).with_authorizer(Arc::new(tokens))
}

/// How Yandex ID hands out tokens.
struct YandexId {
    client_id: String,
    scheme: &'static str,
}

#[derive(Deserialize)]
struct Reply {
    access_token: String,
    refresh_token: Option<String>,
    expires_in: Option<u64>,
    scope: Option<String>,
}

impl YandexId {
    async fn ask(
        &self,
        http: &Http,
        cancel: &CancellationToken,
        grant_type: &str,
        with: (&str, &str),
    ) -> Result<Grant, Failure> {
        let form = vec![
            ("grant_type".to_owned(), grant_type.to_owned()),
            (with.0.to_owned(), placeholder::field(with.1)),
            (CLIENT_ID.to_owned(), self.client_id.clone()),
            (CLIENT_SECRET.to_owned(), placeholder::field(CLIENT_SECRET)),
        ];
        let request = HttpRequest::post(format!("{TOKEN_HOST}/token"), Body::Form(form));
        let reply: Reply = http.send(&request, &TokenPolicy, cancel).await?.json_as()?;
        Ok(Grant {
            access_token: Secret::new(reply.access_token),
            refresh_token: reply.refresh_token.filter(|token| !token.is_empty()).map(Secret::new),
            expires_in: reply.expires_in.map(Duration::from_secs),
            ends_in: None,
            scopes: reply.scope.map(|scope| scope.split_whitespace().map(str::to_owned).collect()),
        })
    }
}

#[async_trait]
impl TokenFlow for YandexId {
    async fn issue(&self, http: &Http, cancel: &CancellationToken) -> Result<Grant, Failure> {
        let has = |name: &str| http.secret_names().any(|secret| secret == name);
        // A token that a person entered is not renewed: when it has ended, only the person can give another one.
        if has(ACCESS_TOKEN) && !has(CODE) {
            return Err(http.failure(Code::SignInRejected));
        }
        self.ask(http, cancel, "authorization_code", (CODE, CODE)).await
    }

    async fn refresh(&self, http: &Http, cancel: &CancellationToken) -> Result<Grant, Failure> {
        self.ask(http, cancel, "refresh_token", (REFRESH_TOKEN, REFRESH_TOKEN)).await
    }

    fn scheme(&self) -> &'static str {
        self.scheme
    }
}

/// Decides about answers of the token endpoint. A code is good once: an answer that got lost is not asked for again.
struct TokenPolicy;

impl Policy for TokenPolicy {
    fn decide(&self, attempt: &Attempt<'_>) -> Decision {
        match attempt.outcome {
            Outcome::Response(response) if matches!(response.status, 400..=407 | 409..=428) => {
                Decision::Fail(self.exhausted(attempt))
            }
            Outcome::Response(response) if response.status < 400 && response.looks_like_json().is_err() => {
                Decision::Fail(self.exhausted(attempt))
            }
            Outcome::Error(failure) if matches!(failure.code, Code::Timeout | Code::BodyTruncated) => {
                Decision::Fail(failure.clone())
            }
            _ => DefaultPolicy::default().decide(attempt),
        }
    }

    fn exhausted(&self, attempt: &Attempt<'_>) -> Failure {
        match attempt.outcome {
            Outcome::Response(response) if refused(response) => {
                let failure = response.failure(Code::SignInRejected).with("account", attempt.account);
                match policy::vendor_message(response) {
                    Some(message) => failure.detail(message),
                    None => failure,
                }
            }
            _ => policy::classify(attempt),
        }
    }
}

/// Whether the code, the refresh token or the application is not good, in OAuth's words.
fn refused(response: &HttpResponse) -> bool {
    let word = response.json().ok().and_then(|body| Some(body.get("error")?.as_str()?.to_owned()));
    matches!(
        word.as_deref(),
        Some("invalid_grant" | "bad_verification_code" | "invalid_client" | "unauthorized_client")
    )
}
