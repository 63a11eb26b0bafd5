//! Signing in. Sources: business-api.tiktok.com/portal/docs (Authentication), public clients of the interface.
//!
//! A person consents in the browser, which ends at an address with an `auth_code` in it. The code is good for an hour and once, and is
//! exchanged for a token that does not end and is not refreshed: it dies when the consent is taken back. Whoever has such a token from
//! another program gives it instead of a code.

use super::{HOST, errors::Tokens};
use async_trait::async_trait;
use kit::{
    http::{Body, Http, HttpRequest},
    placeholder,
    session::{CancellationToken, Session},
    signin::{ACCESS_TOKEN, Grant, TokenFlow, TokenSession},
};
use model::{
    failure::{Code, Failure},
    secret::Secret,
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// Setting: the developer's application.
const APP_ID: &str = "app_id";
/// Secret of the application.
const APP_SECRET: &str = "secret";
/// Secret: the code that a consent ended with.
const AUTH_CODE: &str = "auth_code";

/// The session's HTTP, signed in.
pub fn signed_in(session: &Session) -> Http {
    let http = session.http.with_hosts([HOST]);
    let app_id = session.config.get(APP_ID).and_then(Value::as_str).unwrap_or_default().trim().to_owned();
    let tokens =
        TokenSession::new(Consent { app_id }, http.clone(), Arc::clone(&session.credentials), session.cancel.clone());
    http.with_authorizer(Arc::new(tokens))
}

/// How a consent becomes a token.
#[derive(Debug)]
struct Consent {
    app_id: String,
}

#[derive(Deserialize)]
struct Reply {
    data: Granted,
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    /// Numbers of groups of permissions.
    #[serde(default)]
    scope: Vec<Value>,
}

/// Whether somebody gave a field.
fn given(http: &Http, name: &str) -> bool {
    http.reveal(&placeholder::field(name)).is_ok_and(|value| !value.trim().is_empty())
}

#[async_trait]
impl TokenFlow for Consent {
    async fn issue(&self, http: &Http, cancel: &CancellationToken) -> Result<Grant, Failure> {
        if !given(http, AUTH_CODE) {
            // The token that is there was refused, and there is no code for another one.
            let failure = if given(http, ACCESS_TOKEN) {
                http.failure(Code::SignInRejected)
            } else {
                Failure::new(Code::SettingInvalid).with("field", AUTH_CODE)
            };
            return Err(failure);
        }
        let body = json!({
            "app_id": self.app_id, "secret": placeholder::field(APP_SECRET), "auth_code": placeholder::field(AUTH_CODE),
        });
        let request = HttpRequest::post(format!("{HOST}/open_api/v1.3/oauth2/access_token/"), Body::Json(body));
        let Reply { data } = http.send(&request, &Tokens, cancel).await?.json_as()?;
        let scopes = data.scope.iter().map(ToString::to_string).collect();
        Ok(Grant { scopes: Some(scopes), ..Grant::of(Secret::new(data.access_token)) })
    }

    /// There is no refresh token.
    async fn refresh(&self, http: &Http, _: &CancellationToken) -> Result<Grant, Failure> {
        Err(http.failure(Code::SignInRejected))
    }

    fn header(&self, token: &Secret) -> (String, Secret) {
        ("Access-Token".to_owned(), token.clone())
    }
}
