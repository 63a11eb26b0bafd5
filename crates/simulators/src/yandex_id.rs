//! Sign-in of Yandex ID, for every simulator of Yandex's systems: `token` makes tokens of a code that a person was shown, or of a refresh token.
//!
//! Source: yandex.ru/dev/id/doc (codes/code-url, tokens/refresh-client). A code is good once and for ten minutes; a refresh gives a new pair
//! and ends the old one here. Errors come under 400 as `{"error", "error_description"}`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::noise::hash;
use crate::server::{Answer, Call};

/// A year, the life of a token.
const LIFE_SECS: u64 = 31_536_000;

/// An access token with its refresh token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// What requests carry.
    pub access: String,
    /// What renews it.
    pub refresh: String,
}

/// Everything that was handed out. Owners are places in the list of owners.
#[derive(Debug)]
pub struct Tokens {
    seed: u64,
    /// The right of the applications.
    scope: &'static str,
    /// By id: the secret and the owner.
    applications: BTreeMap<String, (String, usize)>,
    codes: BTreeMap<String, usize>,
    access: BTreeMap<String, usize>,
    /// With the access token that came with it.
    refresh: BTreeMap<String, (String, usize)>,
    count: u64,
}

/// A refusal of the endpoint.
pub fn refusal(error: &str, description: &str) -> Answer {
    Answer::json(400, &json!({ "error": error, "error_description": description }))
}

impl Tokens {
    /// Nothing yet. `scope` is the right that applications have.
    pub fn new(seed: u64, scope: &'static str) -> Self {
        let (applications, codes) = (BTreeMap::new(), BTreeMap::new());
        Self { seed, scope, applications, codes, access: BTreeMap::new(), refresh: BTreeMap::new(), count: 0 }
    }

    fn next(&mut self, salt: u64) -> u64 {
        self.count += 1;
        hash(self.seed, self.count, salt)
    }

    /// Registers an owner's application: its id and its secret.
    pub fn application(&mut self, owner: usize, id: u64) -> (String, String) {
        let part = |salt| format!("{:016x}{:016x}", hash(self.seed, id, salt), hash(self.seed, id, salt + 1));
        let (id, secret) = (part(11), part(13));
        self.applications.insert(id.clone(), (secret.clone(), owner));
        (id, secret)
    }

    /// Shows a person a code of seven digits.
    pub fn code(&mut self, owner: usize) -> String {
        let code = format!("{:07}", self.next(21) % 10_000_000);
        self.codes.insert(code.clone(), owner);
        code
    }

    /// Hands out a pair.
    pub fn issue(&mut self, owner: usize) -> Pair {
        let pair = Pair {
            access: format!("y0_{:016x}{:016x}", self.next(31), self.next(32)),
            refresh: format!("1:{:016x}:{:016x}", self.next(33), self.next(34)),
        };
        self.access.insert(pair.access.clone(), owner);
        self.refresh.insert(pair.refresh.clone(), (pair.access.clone(), owner));
        pair
    }

    /// Whose token it is.
    pub fn owner(&self, access: &str) -> Option<usize> {
        self.access.get(access).copied()
    }

    /// Ends a token; `wholly`: with what would renew it.
    pub fn end(&mut self, access: &str, wholly: bool) {
        self.access.remove(access);
        if wholly {
            self.refresh.retain(|_, (of, _)| of != access);
        }
    }

    /// Answers a request of the endpoint.
    pub fn asked(&mut self, call: &Call) -> Answer {
        let form: BTreeMap<String, String> = url::form_urlencoded::parse(&call.body).into_owned().collect();
        let said = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
        let Some((secret, owner)) = self.applications.get(said("client_id")).cloned() else {
            return refusal("invalid_client", "Client not found");
        };
        if said("client_secret") != secret {
            return refusal("invalid_client", "Wrong client secret");
        }
        let granted = match said("grant_type") {
            "authorization_code" => self.codes.remove(said("code")),
            "refresh_token" => self.refresh.remove(said("refresh_token")).map(|(access, owner)| {
                self.access.remove(&access);
                owner
            }),
            _ => return refusal("unsupported_grant_type", "The grant type is not supported"),
        };
        if granted != Some(owner) {
            return refusal("invalid_grant", "Code has expired");
        }
        let pair = self.issue(owner);
        let body: Value = json!({
            "token_type": "bearer", "access_token": pair.access, "expires_in": LIFE_SECS, "refresh_token": pair.refresh,
            "scope": self.scope,
        });
        Answer::json(200, &body)
    }
}
