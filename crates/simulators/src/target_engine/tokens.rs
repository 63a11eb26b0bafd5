//! Sign-in of VK Реклама: `oauth2/token.json` with its two kinds of client credentials, refresh, and the limit of five.
//!
//! Source: ads.vk.com/doc/api/info/Авторизация в API. A token is issued to a pair (client_id, user); a sixth is refused with
//! 403 `token_limit_exceeded`, and a token unused for a month is forgotten. A refresh keeps the record and replaces the
//! access token, so the old one is unknown at once. Rotation of the refresh token is switched on by the vendor's support.
//! The endpoint speaks OAuth style `{"code","message"}`; resources wrap the same in `error` (both were seen in clients).

use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use crate::server::Answer;

/// Rules of sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenRules {
    /// Tokens a (client_id, user) pair may hold.
    pub per_user: usize,
    /// Life of an access token, seconds.
    pub lifetime_secs: i64,
    /// Whether a refresh replaces the refresh token too.
    pub rotate_refresh: bool,
}

impl Default for TokenRules {
    fn default() -> Self {
        Self { per_user: 5, lifetime_secs: 86_400, rotate_refresh: false }
    }
}

/// A token unused this long is deleted by the vendor.
const FORGOTTEN_AFTER_SECS: i64 = 30 * 86_400;

/// Why a bearer is refused; all with HTTP 401.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Never issued, replaced, deleted.
    Unknown,
    /// Older than its life.
    Expired,
    /// Consent was taken back.
    Revoked,
    /// No Authorization header.
    Missing,
}

impl Refusal {
    /// The reply on a resource.
    pub fn answer(self) -> Answer {
        let (code, message) = match self {
            Self::Unknown => ("invalid_token", "Unknown access token"),
            Self::Expired => ("expired_token", "Access token is expired"),
            Self::Revoked => ("revoked_token", "Access token is revoked"),
            Self::Missing => ("unauthorized", "Authorization required"),
        };
        let header = match self {
            Self::Missing => "Bearer realm=\"api\"".to_owned(),
            _ => format!("Bearer realm=\"api\", error=\"{code}\""),
        };
        Answer::json(401, &json!({ "error": { "code": code, "message": message } })).with("www-authenticate", header)
    }
}

#[derive(Debug)]
struct Token {
    access: String,
    refresh: String,
    client_id: String,
    user: u64,
    expires_at: i64,
    used_at: i64,
    revoked: bool,
}

/// A pair handed out, as the reply shows it.
#[derive(Debug)]
pub struct Issued {
    access: String,
    refresh: String,
    lifetime_secs: i64,
    left: usize,
    scope: Vec<&'static str>,
}

impl Issued {
    /// The reply. `expires_in` is text, as the vendor really sends it.
    pub fn body(&self) -> Value {
        json!({
            "access_token": self.access,
            "token_type": "bearer",
            "scope": self.scope,
            "expires_in": self.lifetime_secs.to_string(),
            "refresh_token": self.refresh,
            "tokens_left": self.left,
        })
    }
}

/// All tokens of one simulator.
#[derive(Debug)]
pub struct Tokens {
    rules: TokenRules,
    inner: Mutex<Vec<Token>>,
}

impl Tokens {
    /// No tokens yet.
    pub fn new(rules: TokenRules) -> Self {
        Self { rules, inner: Mutex::default() }
    }

    /// Issues a token; none when the pair already holds as many as it may.
    pub fn issue(&self, client_id: &str, user: u64, scope: Vec<&'static str>, now: i64) -> Option<Issued> {
        let mut all = self.lock();
        all.retain(|token| token.used_at + FORGOTTEN_AFTER_SECS > now);
        let held =
            all.iter().filter(|token| token.user == user && token.client_id == client_id && !token.revoked).count();
        if held >= self.rules.per_user {
            return None;
        }
        let token = Token {
            access: fresh(),
            refresh: fresh(),
            client_id: client_id.to_owned(),
            user,
            expires_at: now + self.rules.lifetime_secs,
            used_at: now,
            revoked: false,
        };
        let issued = Issued {
            access: token.access.clone(),
            refresh: token.refresh.clone(),
            lifetime_secs: self.rules.lifetime_secs,
            left: self.rules.per_user - held - 1,
            scope,
        };
        all.push(token);
        Some(issued)
    }

    /// Gives a new access token for a refresh token of this client; the old access token is unknown from now on.
    pub fn refresh(&self, client_id: &str, refresh: &str, now: i64) -> Result<(u64, Issued), Refusal> {
        let mut all = self.lock();
        let held = |all: &[Token], user: u64| {
            all.iter().filter(|token| token.user == user && token.client_id == client_id && !token.revoked).count()
        };
        let Some(index) = all.iter().position(|token| token.refresh == refresh && token.client_id == client_id) else {
            return Err(Refusal::Unknown);
        };
        let token = &mut all[index];
        if token.revoked {
            return Err(Refusal::Revoked);
        }
        token.access = fresh();
        if self.rules.rotate_refresh {
            token.refresh = fresh();
        }
        token.expires_at = now + self.rules.lifetime_secs;
        token.used_at = now;
        let (user, access, refresh) = (token.user, token.access.clone(), token.refresh.clone());
        let left = self.rules.per_user.saturating_sub(held(&all, user));
        let lifetime_secs = self.rules.lifetime_secs;
        Ok((user, Issued { access, refresh, lifetime_secs, left, scope: Vec::new() }))
    }

    /// The user whose valid token this is.
    pub fn user_of(&self, access: &str, now: i64) -> Result<u64, Refusal> {
        let mut all = self.lock();
        let token = all.iter_mut().find(|token| token.access == access).ok_or(Refusal::Unknown)?;
        if token.revoked {
            return Err(Refusal::Revoked);
        }
        if token.expires_at <= now {
            return Err(Refusal::Expired);
        }
        token.used_at = now;
        Ok(token.user)
    }

    /// Takes consent back for one token.
    pub fn revoke(&self, access: &str) {
        for token in self.lock().iter_mut().filter(|token| token.access == access) {
            token.revoked = true;
        }
    }

    /// Makes one token old.
    pub fn expire(&self, access: &str) {
        for token in self.lock().iter_mut().filter(|token| token.access == access) {
            token.expires_at = i64::MIN;
        }
    }

    /// Makes all tokens old.
    pub fn expire_all(&self) {
        for token in self.lock().iter_mut() {
            token.expires_at = i64::MIN;
        }
    }

    /// Deletes the tokens of a pair.
    pub fn delete(&self, client_id: &str, user: u64) {
        self.lock().retain(|token| token.user != user || token.client_id != client_id);
    }

    /// Every access and refresh token that exists, so that a test can search a disk for them.
    pub fn secrets(&self) -> Vec<String> {
        self.lock().iter().flat_map(|token| [token.access.clone(), token.refresh.clone()]).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Token>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A token no other simulator has issued. Random rather than seeded: a token kept from an earlier run must be unknown to the
/// next one, never somebody else's.
fn fresh() -> String {
    format!("{:032x}{:032x}", rand::random::<u128>(), rand::random::<u128>())
}
