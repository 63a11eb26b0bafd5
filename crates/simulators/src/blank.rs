//! A platform with one account and nothing in it, for the skeleton of a connector: what `cargo xtask new connector` writes passes the
//! battery against it before a word of the vendor is filled in, so that a red battery later is about the vendor.

use std::sync::Arc;

use http::header::AUTHORIZATION;
use serde_json::{Value, json};

use crate::calendar::moscow_today;
use crate::faults::FaultKind;
use crate::server::{Answer, Call, Vendor};
use crate::stage::{Platform, Scenario, Stage};

/// The number of its account.
pub const ACCOUNT: &str = "1";
/// The key that it takes.
pub const KEY: &str = "blank-key-7d1f40c2";

#[derive(Debug)]
struct Nothing;

/// Starts it.
pub fn start() -> anyhow::Result<Platform<&'static str>> {
    Stage::build(&Scenario::small(moscow_today())).serve(Arc::new(Nothing), vec![KEY], 1 << 16)
}

fn refusal(status: u16, message: &str) -> Answer {
    Answer::json(status, &json!({ "error": { "message": message } }))
}

impl Vendor for Nothing {
    fn answer(&self, call: &Call) -> Answer {
        let key = call.headers.get(AUTHORIZATION).and_then(|header| header.to_str().ok()?.strip_prefix("Bearer "));
        if key != Some(KEY) {
            return refusal(401, "unknown key");
        }
        match call.path.as_str() {
            "/accounts" => {
                Answer::json(200, &json!({ "items": [{ "id": ACCOUNT, "name": "Blank", "currency": "RUB" }] }))
            }
            "/campaigns" | "/statistics" => Answer::json(200, &json!({ "items": [] })),
            _ => refusal(404, "there is no such resource"),
        }
    }

    fn refuse(&self, fault: &FaultKind, _call: &Call) -> Option<Answer> {
        match fault {
            FaultKind::WrongKey => Some(refusal(401, "unknown key")),
            FaultKind::Throttle { .. } => Some(refusal(429, "too many requests").with("retry-after", "2")),
            FaultKind::RevokeScope => Some(refusal(403, "no right to this")),
            FaultKind::ServerError { status } => Some(refusal(*status, "internal error")),
            _ => None,
        }
    }

    fn bend(&self, fault: &FaultKind, body: &mut Value) {
        if let (FaultKind::NewFields, Some(members)) = (fault, body.as_object_mut()) {
            members.insert("brand_new_member".to_owned(), json!([1, "два", null]));
        }
    }

    fn control(&self, _call: &Call) -> Option<Answer> {
        None
    }
}
