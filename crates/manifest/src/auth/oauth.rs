//! `OAuthAuthenticator`: tokens for a refresh token, for the client's own key, or for an assertion that we sign.

use super::{jwt, keep::at, secret, subject};
use crate::{
    components::{OAuth, Refusal},
    datetime,
    json::Json,
    template::{Allowed, Scope, Value},
    wire::{WireError, own, printed},
};
use chrono::{DateTime, Utc};
use kit::{
    http::{Body, Http, HttpRequest},
    placeholder,
    policy::{self, Attempt, Decision, Limits, Outcome, Policy},
    session::CancellationToken,
    signin::{Grant, TokenNames},
};
use model::{
    failure::{Code, Failure, FailureKind},
    secret::Secret,
};
use std::{sync::Arc, time::Duration};

/// How long a token is good when the platform does not say.
const DEFAULT_LIFE: Duration = Duration::from_hours(1);

/// How deep an answer is searched for a field.
const DEEPEST: usize = 5;

/// The way to tokens of one `OAuthAuthenticator`.
pub(super) struct Refresh {
    oauth: Arc<OAuth>,
    config: Arc<Json>,
}

impl Refresh {
    pub(super) fn new(oauth: Arc<OAuth>, config: Arc<Json>) -> Self {
        Self { oauth, config }
    }

    /// Whether refresh tokens are good for one use and lie in the configuration.
    pub(super) fn rotates(&self) -> bool {
        self.oauth.updater.is_some()
    }

    /// A rotated token is all there is; in other cases the one of the configuration may help when a kept one is rejected.
    pub(super) fn issues_anew(&self) -> bool {
        !self.rotates()
    }

    pub(super) fn names(&self) -> TokenNames {
        match &self.oauth.updater {
            None => TokenNames::of(&subject(&self.oauth.identity)),
            Some(updater) => TokenNames {
                access_token: updater.access_token.join("."),
                refresh_token: updater.refresh_token.join("."),
                access_expires_at: updater.ends.join("."),
                ..TokenNames::of(&subject(&self.oauth.identity))
            },
        }
    }

    /// The address tokens come from.
    pub(super) fn hosts(&self, scope: &Scope<'_>) -> Result<Vec<String>, Failure> {
        Ok(vec![self.endpoint(scope).map_err(|error| invalid(&error))?])
    }

    fn endpoint(&self, scope: &Scope<'_>) -> Result<String, WireError> {
        let field = "authenticator.token_refresh_endpoint";
        let endpoint = self.oauth.endpoint.as_ref().map(|text| secret(text, scope, field)).transpose()?;
        endpoint.filter(|endpoint| !endpoint.is_empty()).ok_or_else(|| WireError::new(field, "there is no address"))
    }

    /// What the manifest or the configuration says about tokens at the start: name among the secrets, text.
    pub(super) fn first_tokens(&self, scope: &Scope<'_>) -> Result<Vec<(String, String)>, Failure> {
        let names = self.names();
        if self.rotates() {
            let each = [names.access_token, names.refresh_token, names.access_expires_at].into_iter();
            let first = each.filter_map(|name| {
                let text = match at(&self.config, &name)? {
                    Json::String(text) => text.to_string(),
                    Json::Number(number) => number.to_string(),
                    _ => return None,
                };
                (!text.is_empty()).then_some((name, text))
            });
            return Ok(first.collect());
        }
        // A token without an end counts as ended, because whoever wrote it down did so some time ago.
        let (Some(token), Some(ends)) = (&self.oauth.access_token, &self.oauth.access_token_ends) else {
            return Ok(Vec::new());
        };
        let text = |text, field| secret(text, scope, field).map_err(|error| invalid(&error));
        let ends = text(ends, "authenticator.token_expiry_date")?;
        let Some(ends) = moment(&ends, None) else { return Ok(Vec::new()) };
        let token = text(token, "authenticator.access_token_value")?;
        Ok(vec![(names.access_token, token), (names.access_expires_at, ends.to_rfc3339())])
    }

    /// A token for what the person entered.
    pub(super) async fn issue(&self, http: &Http, cancel: &CancellationToken) -> Result<Grant, Failure> {
        self.ask(http, cancel, None).await
    }

    /// A token for the kept refresh token.
    pub(super) async fn refresh(&self, http: &Http, cancel: &CancellationToken) -> Result<Grant, Failure> {
        self.ask(http, cancel, Some(placeholder::field(&self.names().refresh_token))).await
    }

    async fn ask(&self, http: &Http, cancel: &CancellationToken, kept: Option<String>) -> Result<Grant, Failure> {
        let now = http.clock().now();
        let scope = Scope::new(now).with("config", Value::from_json(&self.config));
        let request = self.request(http, &scope, kept.as_deref())?;
        let response =
            http.send(&request, &TokenPolicy { refusal: Some(&self.oauth.refusal), passed: None }, cancel).await?;
        let answer = Json::from(response.json()?);
        let name = |text| secret(text, &scope, "authenticator").map_err(|error| invalid(&error));
        let access_name = name(&self.oauth.access_token_name)?;
        let token = found(&answer, &access_name).and_then(text_of);
        let token = token.ok_or_else(|| response.failure(Code::VendorChanged).with("what", &access_name))?;
        let refresh_name = match &self.oauth.updater {
            Some(updater) => updater.refresh_token_name.clone(),
            None => name(&self.oauth.refresh_token.0)?,
        };
        let received = response.received_at;
        let life = match found(&answer, &name(&self.oauth.expires_in_name)?) {
            None => DEFAULT_LIFE,
            Some(value) => self.life(value, received).unwrap_or(DEFAULT_LIFE),
        };
        // The two names that platforms have for it; the format has no field for either.
        let ends = ["refresh_token_expires_in", "refresh_expires_in"].into_iter().find_map(|name| found(&answer, name));
        let scopes = found(&answer, "scope").and_then(text_of);
        Ok(Grant {
            access_token: Secret::new(token),
            refresh_token: found(&answer, &refresh_name).and_then(text_of).map(Secret::new),
            expires_in: Some(life),
            // Nothing or zero stands for a life without end.
            ends_in: ends
                .and_then(text_of)
                .and_then(|secs| secs.parse().ok())
                .filter(|secs| *secs > 0)
                .map(Duration::from_secs),
            scopes: scopes.map(|text| text.split([' ', ',']).map(str::to_owned).collect()),
        })
    }

    /// Seconds, or an instant if the manifest says so or it cannot be anything else.
    fn life(&self, value: &Json, now: DateTime<Utc>) -> Option<Duration> {
        let text = text_of(value)?;
        let seconds = text.trim().parse::<f64>().ok().filter(|_| self.oauth.expiry_format.is_none());
        if let Some(seconds) = seconds {
            return Duration::try_from_secs_f64(seconds.max(0.0)).ok();
        }
        let ends = moment(&text, self.oauth.expiry_format.as_deref())?;
        Some((ends - now).to_std().unwrap_or_default())
    }

    fn request(&self, http: &Http, scope: &Scope<'_>, kept: Option<&str>) -> Result<HttpRequest, Failure> {
        let oauth = &*self.oauth;
        let build = || -> Result<_, WireError> {
            let headers = own(&oauth.headers, scope, "authenticator.refresh_request_headers", Allowed::Text)?;
            let text = |text, field| secret(text, scope, field);
            let grant_name = text(&oauth.grant_type.0, "authenticator.grant_type_name")?;
            let mut fields: Vec<(String, Json)> = Vec::new();
            let asserted = match &oauth.assertion {
                Some((used, jwt)) if used.condition(scope).map_err(WireError::template("use_profile_assertion"))? => {
                    Some(Arc::clone(jwt))
                }
                _ => None,
            };
            if asserted.is_some() {
                fields.push((grant_name, Json::from("urn:ietf:params:oauth:grant-type:jwt-bearer")));
            } else {
                fields.push((grant_name, Json::from(text(&oauth.grant_type.1, "authenticator.grant_type")?)));
                // A client that proves itself in the header does not do so twice.
                if !headers.iter().any(|(name, _)| name == "Authorization") {
                    for (name, value) in [&oauth.client_id, &oauth.client_secret] {
                        if let Some(value) = value {
                            let value = text(value, "authenticator.client_id")?;
                            fields.push((text(name, "authenticator.client_id_name")?, Json::from(value)));
                        }
                    }
                }
                let entered = match (kept, &oauth.updater, &oauth.refresh_token.1) {
                    (Some(kept), ..) => Some(kept.to_owned()),
                    (None, None, Some(entered)) => Some(text(entered, "authenticator.refresh_token")?),
                    _ => None,
                };
                if let Some(token) = entered {
                    let name = match &oauth.updater {
                        Some(updater) => updater.refresh_token_name.clone(),
                        None => text(&oauth.refresh_token.0, "authenticator.refresh_token_name")?,
                    };
                    fields.push((name, Json::from(token)));
                }
                if !oauth.scopes.is_empty() {
                    fields.push(("scopes".to_owned(), oauth.scopes.iter().map(String::as_str).collect()));
                }
                for (name, value) in own(&oauth.body, scope, "authenticator.refresh_request_body", Allowed::Lists)? {
                    if !fields.iter().any(|(taken, _)| *taken == name) {
                        fields.push((name, value));
                    }
                }
            }
            let mut pairs = Vec::new();
            for (name, value) in fields {
                let texts = printed(&value, "authenticator.refresh_request_body")?;
                pairs.extend(texts.into_iter().map(|text| (name.clone(), text)));
            }
            let mut lines = Vec::new();
            for (name, value) in headers {
                for text in printed(&value, "authenticator.refresh_request_headers")? {
                    lines.push((name.clone(), text));
                }
            }
            Ok((self.endpoint(scope)?, lines, pairs, asserted))
        };
        let (endpoint, headers, mut fields, asserted) = build().map_err(|error| invalid(&error))?;
        if let Some(jwt) = asserted {
            let token = jwt::signed(&jwt, &self.config, http)?;
            fields.push(("assertion".to_owned(), placeholder::guarded(&token)));
        }
        let mut request = HttpRequest::post(endpoint, Body::Empty);
        request.headers = headers;
        if oauth.in_query {
            request.query = fields;
        } else {
            request.body = Body::Form(fields);
        }
        Ok(request)
    }
}

/// The manifest asks for a sign-in that cannot be built.
pub(super) fn invalid(error: &WireError) -> Failure {
    let detail = placeholder::mask(&error.message);
    Failure::new(Code::ManifestInvalid).with("path", error.field).detail(detail)
}

/// A field of an answer: at the top, else somewhere below, maps and lists alike.
fn found<'a>(answer: &'a Json, name: &str) -> Option<&'a Json> {
    fn search<'a>(value: &'a Json, name: &str, depth: usize) -> Option<&'a Json> {
        if depth > DEEPEST {
            return None;
        }
        match value {
            Json::Object(map) => match map.get(name) {
                Some(found) => Some(found).filter(|found| !found.is_null()),
                None => map.values().find_map(|inner| search(inner, name, depth + 1)),
            },
            Json::Array(items) => items.iter().find_map(|inner| search(inner, name, depth + 1)),
            _ => None,
        }
    }
    search(answer, name, 0)
}

/// A token or a time as text; `None` when there is none.
pub(super) fn text_of(value: &Json) -> Option<String> {
    match value {
        Json::String(text) if !text.is_empty() => Some(text.to_string()),
        Json::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// An instant in the given format, in ISO form, or in epoch seconds.
fn moment(text: &str, format: Option<&str>) -> Option<DateTime<Utc>> {
    let formatted = format.and_then(|format| datetime::parse(text, format).ok());
    let read = formatted.or_else(|| datetime::parse_iso(text).ok()).map(datetime::Moment::instant);
    let epoch = || text.trim().parse::<i64>().ok().and_then(|secs| DateTime::from_timestamp(secs, 0));
    // Ten digits in a row are no year.
    if text.trim().len() > 8 && text.trim().bytes().all(|digit| digit.is_ascii_digit()) { epoch() } else { read }
}

/// What answers of a token endpoint mean. Waits grow from a second and last five minutes at most.
pub(super) struct TokenPolicy<'p> {
    /// Which of them are about the person's sign-in.
    pub(super) refusal: Option<&'p Refusal>,
    /// A status that the caller looks at.
    pub(super) passed: Option<u16>,
}

impl TokenPolicy<'_> {
    /// Whether the platform says that the credentials themselves are no good. Besides what the manifest lists these are OAuth's own
    /// words for it (RFC 6749, 5.2).
    fn refused(&self, response: &kit::http::HttpResponse) -> bool {
        const WORDS: [&str; 3] = ["invalid_grant", "invalid_client", "unauthorized_client"];
        let Some(refusal) = self.refusal else { return false };
        let body = response.json().unwrap_or_default();
        let says = |key: &str, word: &str| body.get(key).is_some_and(|found| found == word);
        let listed = refusal.codes.contains(&response.status) && refusal.values.iter().any(|it| says(&refusal.key, it));
        listed || (matches!(response.status, 400 | 401) && WORDS.iter().any(|word| says("error", word)))
    }
}

impl Policy for TokenPolicy<'_> {
    fn decide(&self, attempt: &Attempt<'_>) -> Decision {
        let response = match attempt.outcome {
            Outcome::Response(response) => response,
            Outcome::Error(failure) if failure.kind() == FailureKind::Retry => return Decision::Retry { wait: None },
            Outcome::Error(failure) => return Decision::Fail(failure.clone()),
        };
        if response.status < 400 || self.passed == Some(response.status) {
            return Decision::Success;
        }
        if self.refused(response) {
            let rejected =
                Failure::new(Code::SignInRejected).with("system", attempt.system).with("account", attempt.account);
            let words = policy::vendor_message(response);
            return Decision::Fail(words.into_iter().fold(rejected, Failure::detail));
        }
        match response.status {
            429 | 500.. => Decision::Retry { wait: None },
            _ => Decision::Fail(policy::classify(attempt)),
        }
    }
    fn limits(&self) -> Limits {
        Limits { retries: 20, retry_time: Duration::from_mins(5), limited_counts: true }
    }
}
