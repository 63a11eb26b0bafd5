//! What Google's platforms share: the token endpoint (oauth2.googleapis.com/token), access tokens on every request, and the envelope of
//! refusals (google.rpc). Each of them brings its own scope and what it answers to those who signed in.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use chrono::{DateTime, Duration, Utc};
use http::header::AUTHORIZATION;
use serde_json::{Value, json};

use crate::faults::FaultKind;
use crate::noise::hash;
use crate::server::{Answer, Call};

/// Where tokens are renewed.
pub(crate) const TOKEN_PATH: &str = "/token";
/// What an access token lives, seconds.
const TOKEN_LIFE_SECS: i64 = 3_599;

/// What a person copies out of the Google Cloud project and of their sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignIn {
    /// The OAuth client's id.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// The refresh token of a person.
    pub refresh_token: String,
}

impl SignIn {
    /// One that is made up for an owner.
    pub(crate) fn made_up(seed: u64, owner: u64) -> Self {
        let part = |salt| format!("{:016x}", hash(seed, owner, salt));
        Self {
            client_id: format!("{}.apps.googleusercontent.com", part(71)),
            client_secret: format!("GOCSPX-{}", part(72)),
            refresh_token: format!("1//0{}{}", part(73), part(74)),
        }
    }

    /// The access token that is handed out as the `turn`th for it, from 1.
    pub fn access_token(&self, turn: u64) -> String {
        access_token(&self.refresh_token, turn)
    }
}

/// The access token that is handed out as the `turn`th for a refresh token, from 1.
pub(crate) fn access_token(refresh_token: &str, turn: u64) -> String {
    let seed = refresh_token.bytes().fold(turn, |seed, byte| hash(seed, u64::from(byte), 75));
    format!("ya29.{:016x}{:016x}", hash(seed, turn, 76), hash(seed, turn, 77))
}

/// An access token.
#[derive(Debug, Clone)]
struct Token {
    /// Place of its owner among the sign-ins.
    owner: usize,
    ends_at: DateTime<Utc>,
}

#[derive(Debug, Default)]
struct State {
    tokens: BTreeMap<String, Token>,
    /// How many were handed out.
    turn: u64,
    /// Owners whose refresh token was taken back.
    revoked: BTreeSet<usize>,
}

/// The desks that are open in this process. Google signs people in at one address for all of its platforms, so whichever simulator stands
/// in for that address knows the sign-ins of the others.
static DESKS: Mutex<Vec<Weak<Tokens>>> = Mutex::new(Vec::new());

/// Sign-ins and the tokens that are good now.
#[derive(Debug)]
pub(crate) struct Tokens {
    sign_ins: Vec<SignIn>,
    scope: &'static str,
    state: Mutex<State>,
}

impl Tokens {
    /// Nobody has signed in yet.
    pub fn new(sign_ins: Vec<SignIn>, scope: &'static str) -> Arc<Self> {
        let desk = Arc::new(Self { sign_ins, scope, state: Mutex::default() });
        let mut desks = DESKS.lock().unwrap_or_else(PoisonError::into_inner);
        desks.retain(|other| other.strong_count() > 0);
        desks.push(Arc::downgrade(&desk));
        desk
    }

    fn knows(&self, client_id: &str, client_secret: &str) -> bool {
        self.sign_ins.iter().any(|it| it.client_id == client_id && it.client_secret == client_secret)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands out access tokens for a refresh token.
    pub fn hand_out(&self, call: &Call, now: DateTime<Utc>) -> Answer {
        if call.method != "POST" {
            return Answer::raw(404, Vec::new());
        }
        let form: BTreeMap<String, String> = url::form_urlencoded::parse(&call.body)
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        let given = |name: &str| form.get(name).map_or("", String::as_str);
        let refused = |status: u16, error: &str, words: &str| {
            Answer::json(status, &json!({ "error": error, "error_description": words }))
        };
        if given("grant_type") != "refresh_token" {
            return refused(400, "unsupported_grant_type", "Invalid grant_type");
        }
        let (id, secret) = (given("client_id"), given("client_secret"));
        let elsewhere = || {
            let desks = DESKS.lock().unwrap_or_else(PoisonError::into_inner);
            desks.iter().filter_map(Weak::upgrade).find(|desk| desk.knows(id, secret))
        };
        let told = if self.knows(id, secret) {
            self.token_for(given("refresh_token"), now)
        } else if let Some(desk) = elsewhere() {
            desk.token_for(given("refresh_token"), now)
        } else {
            return refused(401, "invalid_client", "Unauthorized");
        };
        match told {
            Some(told) => Answer::json(200, &told),
            None => refused(400, "invalid_grant", "Token has been expired or revoked."),
        }
    }

    /// A new access token; none when the refresh token is no more good.
    fn token_for(&self, refresh_token: &str, now: DateTime<Utc>) -> Option<Value> {
        let owner = self.sign_ins.iter().position(|it| it.refresh_token == refresh_token)?;
        let mut state = self.state();
        if state.revoked.contains(&owner) {
            return None;
        }
        state.turn += 1;
        let token = self.sign_ins[owner].access_token(state.turn);
        state.tokens.insert(token.clone(), Token { owner, ends_at: now + Duration::seconds(TOKEN_LIFE_SECS) });
        Some(json!({
            "access_token": token, "expires_in": TOKEN_LIFE_SECS, "scope": self.scope, "token_type": "Bearer",
        }))
    }

    /// Place of the sign-in whose access token a request brings.
    pub fn owner(&self, call: &Call, now: DateTime<Utc>) -> Result<usize, Answer> {
        let Some(token) = bearer(call) else { return Err(refusal(401, "CREDENTIALS_MISSING", UNAUTHENTICATED)) };
        match self.state().tokens.get(token) {
            Some(known) if known.ends_at > now => Ok(known.owner),
            _ => Err(refusal(401, "ACCESS_TOKEN_EXPIRED", UNAUTHENTICATED)),
        }
    }

    /// What faults of the sign-in do.
    pub fn refuse(&self, fault: &FaultKind, call: &Call) -> Option<Answer> {
        match fault {
            FaultKind::WrongKey => {
                Some(Answer::json(401, &json!({ "error": "invalid_client", "error_description": "Unauthorized" })))
            }
            FaultKind::ExpireToken | FaultKind::RevokeToken => {
                let mut state = self.state();
                let known = state.tokens.remove(bearer(call)?);
                if *fault == FaultKind::RevokeToken {
                    state.revoked.extend(known.map(|known| known.owner));
                }
                Some(refusal(401, "ACCESS_TOKEN_EXPIRED", UNAUTHENTICATED))
            }
            FaultKind::ExpireAllTokens => {
                self.state().tokens.clear();
                None
            }
            _ => None,
        }
    }
}

/// What the platforms say to a token that is not good.
const UNAUTHENTICATED: &str = "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid \
                               authentication credential.";

fn bearer(call: &Call) -> Option<&str> {
    call.headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

/// A refusal with a reason; an empty one is left out.
pub(crate) fn refusal(status: u16, reason: &str, message: &str) -> Answer {
    let detail =
        json!({ "@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "googleapis.com" });
    envelope(status, message, if reason.is_empty() { &[] } else { std::slice::from_ref(&detail) })
}

/// The envelope of refusals; an empty message is the usual one.
pub(crate) fn envelope(status: u16, message: &str, details: &[Value]) -> Answer {
    let (word, usual) = match status {
        400 => ("INVALID_ARGUMENT", "Request contains an invalid argument."),
        401 => ("UNAUTHENTICATED", "Request had invalid authentication credentials."),
        403 => ("PERMISSION_DENIED", "The caller does not have permission"),
        404 => ("NOT_FOUND", "Requested entity was not found."),
        429 => ("RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota)."),
        503 => ("UNAVAILABLE", "The service is currently unavailable."),
        _ => ("INTERNAL", "Internal error encountered."),
    };
    let mut error =
        json!({ "code": status, "message": if message.is_empty() { usual } else { message }, "status": word });
    if !details.is_empty() {
        error["details"] = json!(details);
    }
    Answer::json(status, &json!({ "error": error }))
}
