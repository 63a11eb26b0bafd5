//! Carries a message to a person: what alerts say in Russian and in English, and the services that bring it.
//!
//! [`message`] makes one message of whatever is due, in no service's language; a file per service writes it in that service's markup and
//! turns the service's refusals into our failures. Nothing is repeated here and nothing is remembered: `sync::outbox` decides when, how
//! often and whether at all. None of these services knows a message twice, so a request whose answer was lost is not sent again by this
//! room.

pub mod format;
pub mod message;
pub mod words;

mod email;
mod fit;
mod slack;
mod telegram;

pub use telegram::Chat;

use async_trait::async_trait;
use kit::{
    clock::Clock,
    http::{Http, HttpOptions},
    policy::{Attempt, Decision, Limits, Outcome, Policy, retry_after},
};
use message::Message;
use model::{
    channel::ChannelSettings,
    failure::{Code, Failure},
    secret::Secret,
};
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// How long a service may be silent. Messages are small, so whatever takes longer has failed.
const SILENCE: Duration = Duration::from_secs(45);
/// A wait that is shorter than this is waited out at once; a longer one is the caller's.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a delivery changed besides being delivered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sent {
    /// The place has moved (Telegram gives a group that grows a new number): where it is now.
    pub moved: Option<ChannelSettings>,
}

/// A service that carries messages to one place.
#[async_trait]
pub trait Messenger: Send + Sync {
    /// Sends one message. A failure of kind `wait_until` names the time; `retry` may have been delivered after all.
    async fn send(&self, message: &Message, cancel: &CancellationToken) -> Result<Sent, Failure>;
}

/// What this room is lent.
#[derive(Clone)]
pub struct Lent {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Address prefixes and what stands in for them; `smtp://host:port` for mail servers.
    pub url_map: Vec<(String, String)>,
}

impl Lent {
    /// HTTP for one service. `account` names the channel in failures.
    fn http(&self, system: &str, account: &str) -> Result<Http, Failure> {
        Http::new(HttpOptions {
            clock: Arc::clone(&self.clock),
            url_map: self.url_map.clone(),
            read_timeout: SILENCE,
            connect_timeout: Duration::from_secs(15),
            max_body_bytes: 1 << 20,
            patience: PATIENCE,
            ..HttpOptions::new(system, account)
        })
    }
}

/// The messenger of a channel. Fails with `setting_invalid` and the field's name when the settings or the secret cannot be right, which
/// is found without asking anybody. A desktop has no messenger: whoever has a window shows its notifications.
pub fn messenger(
    name: &str,
    settings: &ChannelSettings,
    secret: Option<&Secret>,
    lent: &Lent,
) -> Result<Box<dyn Messenger>, Failure> {
    let secret = || secret.filter(|secret| !secret.is_empty()).ok_or_else(|| invalid("secret"));
    Ok(match settings {
        ChannelSettings::Desktop {} => return Err(invalid("kind")),
        ChannelSettings::Telegram { chat_id, topic, server } => Box::new(telegram::Telegram::new(
            telegram::Bot::new(server.as_deref(), secret()?, name, lent)?,
            chat_id,
            *topic,
        )?),
        ChannelSettings::Slack {} => Box::new(slack::Slack::new(secret()?, name, lent)?),
        ChannelSettings::Email { host, port, tls, user, from, to } => {
            let server = email::Server { host, port: *port, tls: *tls, user };
            Box::new(email::Email::new(&server, from, to, secret()?, lent)?)
        }
    })
}

/// The chats that have written to a Telegram bot lately, so that a person need not know a chat's number.
pub async fn telegram_chats(
    server: Option<&str>,
    token: &Secret,
    lent: &Lent,
    cancel: &CancellationToken,
) -> Result<Vec<Chat>, Failure> {
    if token.is_empty() {
        return Err(invalid("secret"));
    }
    telegram::Bot::new(server, token, "", lent)?.chats(cancel).await
}

/// A setting that cannot be right.
fn invalid(field: &'static str) -> Failure {
    Failure::new(Code::SettingInvalid).with("field", field)
}

/// What a request to a service comes to: every answer goes to the caller, who knows the service's words; only "later" is understood here.
/// Nothing is repeated, because a message whose answer was lost may have arrived.
struct Once {
    /// Finds the wait that the answer's body asks for.
    asked: fn(&serde_json::Value) -> Option<Duration>,
}

impl Policy for Once {
    fn decide(&self, attempt: &Attempt<'_>) -> Decision {
        match attempt.outcome {
            Outcome::Error(failure) => Decision::Fail(failure.clone()),
            Outcome::Response(response) if response.status == 429 => {
                let asked = response.json().ok().and_then(|body| (self.asked)(&body));
                // A service that says "later" without a time means something like a minute.
                let wait = asked.or_else(|| retry_after(response, attempt.now)).unwrap_or(Duration::from_mins(1));
                Decision::RateLimited { wait: Some(wait), known: true }
            }
            Outcome::Response(_) => Decision::Success,
        }
    }

    fn limits(&self) -> Limits {
        Limits { retries: 0, retry_time: Duration::ZERO, limited_counts: false }
    }
}
