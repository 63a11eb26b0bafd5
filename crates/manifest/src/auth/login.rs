//! Session tokens: a login request brings a token, and further requests show it (`SessionTokenAuthenticator` and its older form).

use super::{
    oauth::{TokenPolicy, invalid, text_of},
    secret,
};
use crate::{
    components::{LegacySession, SessionLogin},
    datetime::Moment,
    decode::{self, Projection},
    json::Json,
    records::walk,
    retry::ManifestPolicy,
    template::{Scope, Value},
    wire::{self, WireError},
};
use chrono::{DateTime, Utc};
use kit::{
    http::{Body, Http, HttpRequest},
    session::CancellationToken,
    signin::Grant,
};
use model::{
    failure::{Code, Failure},
    secret::Secret,
};
use serde_json::json;
use std::{sync::Arc, time::Duration};

/// How long a token of the older form is good.
const LEGACY_LIFE: Duration = Duration::from_hours(24);

/// A login through a requester of the manifest, with its error handler and its own sign-in.
pub(super) struct Login {
    session: Arc<SessionLogin>,
    config: Arc<Json>,
    policy: ManifestPolicy,
}

impl Login {
    pub(super) fn new(session: Arc<SessionLogin>, config: Arc<Json>, now: DateTime<Utc>) -> Self {
        let policy = ManifestPolicy::new(session.requester.errors.clone(), Arc::clone(&config), now);
        Self { session, config, policy }
    }

    pub(super) fn identity(&self) -> &str {
        &self.session.identity
    }

    pub(super) async fn issue(&self, http: &Http, cancel: &CancellationToken) -> Result<Grant, Failure> {
        let now = http.clock().now();
        let request = {
            let scope = Scope::new(now).with("config", Value::from_json(&self.config));
            wire::build(&self.session.requester, &scope, &[], None, true).map_err(|error| invalid(&error))?
        };
        let response = http.send(&request, &self.policy, cancel).await?;
        if response.status >= 400 {
            let words = kit::policy::vendor_message(&response);
            return Err(words.into_iter().fold(http.failure(Code::SignInRejected), Failure::detail));
        }
        let place = self.session.token_path.join("/");
        let missing = || response.failure(Code::VendorChanged).with("what", &place);
        let bodies = decode::decode(&self.session.decoder, response.body(), &Projection::all())
            .map_err(|error| missing().detail(response.redacted(&error.to_string())))?;
        let token = bodies.first().and_then(|body| walk(body, &self.session.token_path)).and_then(text_of);
        let token = token.ok_or_else(missing)?;
        let ends = self.session.life.and_then(|life| life.add_to(Moment::utc(now)));
        let expires_in = ends.map(|ends| (ends.instant() - now).to_std().unwrap_or_default());
        Ok(Grant { expires_in, ..Grant::of(Secret::new(token)) })
    }
}

/// The older form: a token the person has is tried first, then user and password are posted as JSON.
pub(super) struct Legacy {
    session: Arc<LegacySession>,
    config: Arc<Json>,
}

impl Legacy {
    pub(super) fn new(session: Arc<LegacySession>, config: Arc<Json>) -> Self {
        Self { session, config }
    }

    pub(super) fn identity(&self) -> &str {
        &self.session.identity
    }

    pub(super) fn hosts(&self, scope: &Scope<'_>) -> Result<Vec<String>, Failure> {
        Ok(vec![secret(&self.session.base, scope, "url_base").map_err(|error| invalid(&error))?])
    }

    pub(super) async fn issue(&self, http: &Http, cancel: &CancellationToken) -> Result<Grant, Failure> {
        let asked = {
            let scope = Scope::new(http.clock().now()).with("config", Value::from_json(&self.config));
            self.asked(&scope).map_err(|error| invalid(&error))?
        };
        let grant = |token: Secret| Grant { expires_in: Some(LEGACY_LIFE), ..Grant::of(token) };
        let mut rejected = http.failure(Code::SignInRejected);
        if !asked.token.is_empty() {
            let request = HttpRequest::get(&asked.validate).header(&asked.header, super::marked(asked.token.clone()));
            let policy = TokenPolicy { refusal: None, passed: Some(401) };
            let response = http.send(&request, &policy, cancel).await?;
            if response.status != 401 {
                return Ok(grant(Secret::new(http.reveal(&asked.token)?.to_string())));
            }
            rejected = kit::policy::vendor_message(&response).into_iter().fold(rejected, Failure::detail);
        }
        if asked.user.is_empty() || asked.password.is_empty() {
            return Err(rejected);
        }
        let login = Body::Json(json!({"username": asked.user, "password": super::marked(asked.password)}));
        let policy = TokenPolicy { refusal: None, passed: None };
        let response = http.send(&HttpRequest::post(asked.login, login), &policy, cancel).await?;
        let answer = Json::from(response.json()?);
        let token = answer.get(&asked.response_key).and_then(text_of);
        let token = token.ok_or_else(|| response.failure(Code::VendorChanged).with("what", &asked.response_key))?;
        Ok(grant(Secret::new(token)))
    }

    fn asked(&self, scope: &Scope<'_>) -> Result<Asked, WireError> {
        let session = &*self.session;
        let optional = |text: &Option<_>, field| match text {
            Some(text) => secret(text, scope, field),
            None => Ok(String::new()),
        };
        let base = secret(&session.base, scope, "url_base")?;
        Ok(Asked {
            header: secret(&session.header, scope, "authenticator.header")?,
            token: optional(&session.token, "authenticator.session_token")?,
            user: optional(&session.user, "authenticator.username")?,
            password: optional(&session.password, "authenticator.password")?,
            validate: format!("{base}{}", secret(&session.validate, scope, "authenticator.validate_session_url")?),
            login: format!("{base}{}", secret(&session.login, scope, "authenticator.login_url")?),
            response_key: secret(&session.response_key, scope, "authenticator.session_token_response_key")?,
        })
    }
}

/// The fields of a [`LegacySession`], evaluated.
struct Asked {
    header: String,
    token: String,
    user: String,
    password: String,
    validate: String,
    login: String,
    response_key: String,
}
