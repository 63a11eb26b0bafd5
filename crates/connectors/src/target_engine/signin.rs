//! Signing in. Sources: ads.vk.com/doc/api/info/Авторизация в API, target.my.com/help/advertisers/api_authorization.
//!
//! One endpoint, `POST /api/v2/oauth2/token.json`, hands out all tokens: with the application's key for the account itself, with the
//! non-standard `agency_client_credentials` for one cabinet of an agency (an agency's own token cannot read its clients' campaigns), and
//! with a refresh token. An access token lives a day and dies at once when it is refreshed; the refresh token stays unless the vendor's
//! support has switched rotation on. A user has five tokens per application, so a token is kept and refreshed, and issued anew only when
//! the refresh token is refused. The authorization code flow and agencies of third parties wait for their first tenant.

use super::errors::{TokenPolicy, day_window};
use async_trait::async_trait;
use kit::{
    http::{Body, Http, HttpRequest},
    placeholder,
    session::{CancellationToken, Session},
    signin::{Grant, REFRESH_TOKEN, TokenFlow, TokenSession},
};
use model::{
    failure::{Code, Failure},
    secret::Secret,
};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::{sync::Arc, time::Duration};

/// Setting: the interface's address.
pub const HOST: &str = "host";
/// Setting (or secret) of the application.
pub const CLIENT_ID: &str = "client_id";
/// Secret of the application.
pub const CLIENT_SECRET: &str = "client_secret";
/// Setting: the user name of the agency's cabinet to sign in to; absent for the account itself.
pub const AGENCY_CLIENT_NAME: &str = "agency_client_name";

/// The interface's address from a connection's settings, without a slash at its end; `usual` where they do not say.
pub fn host(config: &Map<String, Value>, usual: &str) -> Result<String, Failure> {
    let Some(host) = text(config, HOST) else { return Ok(usual.to_owned()) };
    let (scheme, name) = host.split_once("://").unwrap_or(("https", host));
    let name = name.trim_end_matches('/');
    // Plain HTTP is for simulators on this computer; `Http` refuses it anywhere else.
    if matches!(scheme, "https" | "http") && !name.is_empty() && !name.contains(char::is_whitespace) {
        Ok(format!("{scheme}://{name}"))
    } else {
        Err(Failure::new(Code::SettingInvalid).with("field", HOST))
    }
}

/// The session's HTTP, signed in to the account or cabinet that its settings select.
pub fn signed_in(session: &Session, usual_host: &str) -> Result<Http, Failure> {
    let host = host(&session.config, usual_host)?;
    let http = session.http.with_hosts([&host]);
    http.budget().correct(day_window());
    let flow = EngineTokens {
        token_url: format!("{host}/api/v2/oauth2/token.json"),
        client_id: text(&session.config, CLIENT_ID).map(str::to_owned),
        cabinet: text(&session.config, AGENCY_CLIENT_NAME).unwrap_or_default().to_owned(),
    };
    let tokens = TokenSession::new(flow, http.clone(), Arc::clone(&session.credentials), session.cancel.clone());
    Ok(http.with_authorizer(Arc::new(tokens)))
}

fn text<'a>(config: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    config.get(name)?.as_str().map(str::trim).filter(|text| !text.is_empty())
}

/// How this vendor hands out tokens.
#[derive(Debug)]
struct EngineTokens {
    token_url: String,
    /// From the settings; `None`: it lies with the secrets.
    client_id: Option<String>,
    /// User name of the agency's cabinet; empty: the account itself.
    cabinet: String,
}

/// The reply. Numbers come as text or as numbers.
#[derive(Deserialize)]
struct Reply {
    access_token: String,
    refresh_token: Option<String>,
    expires_in: Option<Value>,
    scope: Option<Value>,
}

impl EngineTokens {
    async fn ask(
        &self,
        http: &Http,
        cancel: &CancellationToken,
        grant_type: &str,
        more: Option<(&str, String)>,
    ) -> Result<Grant, Failure> {
        let client_id = self.client_id.clone().unwrap_or_else(|| placeholder::field(CLIENT_ID));
        let mut form = vec![
            ("grant_type".to_owned(), grant_type.to_owned()),
            (CLIENT_ID.to_owned(), client_id),
            (CLIENT_SECRET.to_owned(), placeholder::field(CLIENT_SECRET)),
        ];
        form.extend(more.map(|(name, value)| (name.to_owned(), value)));
        let request = HttpRequest::post(&self.token_url, Body::Form(form));
        let reply: Reply = http.send(&request, &TokenPolicy, cancel).await?.json_as()?;
        Ok(Grant {
            access_token: Secret::new(reply.access_token),
            refresh_token: reply.refresh_token.filter(|token| !token.is_empty()).map(Secret::new),
            expires_in: reply.expires_in.as_ref().and_then(seconds),
            ends_in: None,
            scopes: reply.scope.as_ref().map(words),
        })
    }
}

/// A list of words that may be one text.
fn words(value: &Value) -> Vec<String> {
    let texts = value.as_array().into_iter().flatten().chain(std::iter::once(value)).filter_map(Value::as_str);
    texts.flat_map(|text| text.split([' ', ','])).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// A number of seconds that may be text.
fn seconds(value: &Value) -> Option<Duration> {
    let secs = value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())?;
    Some(Duration::from_secs(secs))
}

#[async_trait]
impl TokenFlow for EngineTokens {
    async fn issue(&self, http: &Http, cancel: &CancellationToken) -> Result<Grant, Failure> {
        if self.cabinet.is_empty() {
            self.ask(http, cancel, "client_credentials", None).await
        } else {
            let cabinet = (AGENCY_CLIENT_NAME, self.cabinet.clone());
            self.ask(http, cancel, "agency_client_credentials", Some(cabinet)).await
        }
    }

    async fn refresh(&self, http: &Http, cancel: &CancellationToken) -> Result<Grant, Failure> {
        let refresh_token = (REFRESH_TOKEN, placeholder::field(REFRESH_TOKEN));
        self.ask(http, cancel, "refresh_token", Some(refresh_token)).await
    }

    fn subject(&self) -> String {
        self.cabinet.clone()
    }

    /// A cabinet's tokens are of no use to its neighbours.
    fn own(&self) -> bool {
        !self.cabinet.is_empty()
    }
}

#[cfg(test)]
mod tests;
