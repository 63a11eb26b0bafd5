//! Slack's incoming webhooks: JSON in, a word in plain text out. What it refuses it refuses with the real one's words; what arrives is
//! remembered.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use crate::faults::{FaultKind, Faults, Hint};
use crate::requests::RequestLog;
use crate::server::{Answer, Call, Server, ServerOptions, Vendor};

/// What a webhook does with messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Webhook {
    /// Takes them.
    #[default]
    Open,
    /// It was removed.
    Revoked,
    /// Its channel is archived.
    Archived,
}

#[derive(Debug, Default)]
struct State {
    path: String,
    webhook: Webhook,
    messages: Vec<Value>,
}

#[derive(Debug, Default)]
struct Hooks(Mutex<State>);

impl Hooks {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running simulator of Slack. Dropping it stops it.
#[derive(Debug)]
pub struct Slack {
    /// Its address; stands in for `https://hooks.slack.com`.
    pub base_url: String,
    vendor: Arc<Hooks>,
    faults: Arc<Faults>,
    _server: Server,
}

impl Slack {
    /// Starts with one webhook, named by the path of its address: `/services/T000/B000/XXXX`.
    pub fn start(path: &str) -> anyhow::Result<Self> {
        let (vendor, faults) = (Arc::new(Hooks::default()), Arc::new(Faults::default()));
        path.clone_into(&mut vendor.lock().path);
        let options = ServerOptions { port: 0, gzip: false, max_body_bytes: 1 << 20 };
        let server = Server::start(vendor.clone(), Arc::clone(&faults), Arc::new(RequestLog::default()), options)?;
        Ok(Self { base_url: format!("http://{}", server.address), vendor, faults, _server: server })
    }

    /// Changes what the webhook does.
    pub fn set(&self, webhook: Webhook) {
        self.vendor.lock().webhook = webhook;
    }

    /// Bodies of everything that arrived, oldest first.
    pub fn messages(&self) -> Vec<Value> {
        self.vendor.lock().messages.clone()
    }

    /// Faults.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }
}

fn said(status: u16, word: &str) -> Answer {
    Answer::raw(status, word.as_bytes().to_vec()).with("content-type", "text/plain; charset=utf-8")
}

/// What is wrong with a message, in Slack's word.
fn fault_of(body: &Value) -> Option<&'static str> {
    if body["text"].as_str().is_none_or(str::is_empty) {
        return Some("no_text");
    }
    let blocks = body["blocks"].as_array()?;
    let letters = |text: &Value| text["text"].as_str().map_or(0, |text| text.chars().count());
    let wrong = blocks.len() > 50
        || blocks.iter().any(|block| match block["type"].as_str() {
            Some("header") => !(1..=150).contains(&letters(&block["text"])) || block["text"]["type"] != "plain_text",
            Some("section") => !(1..=3000).contains(&letters(&block["text"])),
            Some("context") => block["elements"].as_array().is_none_or(|all| all.is_empty() || all.len() > 10),
            Some("divider") => false,
            _ => true,
        });
    wrong.then_some("invalid_blocks")
}

impl Vendor for Hooks {
    fn answer(&self, call: &Call) -> Answer {
        let mut state = self.lock();
        if call.path != state.path || state.webhook == Webhook::Revoked {
            return said(404, "no_service");
        }
        if call.method != http::Method::POST {
            return said(400, "invalid_payload");
        }
        if state.webhook == Webhook::Archived {
            return said(410, "channel_is_archived");
        }
        let Ok(body) = serde_json::from_slice::<Value>(&call.body) else { return said(400, "invalid_payload") };
        if let Some(word) = fault_of(&body) {
            return said(400, word);
        }
        state.messages.push(body);
        said(200, "ok")
    }

    fn refuse(&self, fault: &FaultKind, _call: &Call) -> Option<Answer> {
        match fault {
            FaultKind::Throttle { hint } => {
                let answer = said(429, "rate_limited");
                Some(match hint {
                    Hint::After { secs } => answer.with("retry-after", secs.to_string()),
                    _ => answer,
                })
            }
            FaultKind::ServerError { status } => Some(said(*status, "rollup_error")),
            _ => None,
        }
    }

    fn bend(&self, _fault: &FaultKind, _body: &mut Value) {}

    fn control(&self, _call: &Call) -> Option<Answer> {
        None
    }
}
