//! Telegram's interface for bots, as far as the console calls it: `getMe`, `getUpdates`, `sendMessage`, with the error envelopes and the
//! flood limits of the real one (core.telegram.org/bots/api, tdlib/telegram-bot-api). It remembers every message that arrived.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::faults::{FaultKind, Faults, Hint};
use crate::requests::RequestLog;
use crate::server::{Answer, Call, Server, ServerOptions, Vendor};

/// Longest text, in UTF-16 units after its markup was read.
const LONGEST: usize = 4096;

/// How many messages a chat takes.
#[derive(Debug, Clone, Copy)]
pub struct Flood {
    /// In a minute, for groups and channels.
    pub per_minute: usize,
    /// In a second, for every chat; short bursts pass.
    pub per_second: usize,
}

impl Flood {
    /// What the vendor says: twenty a minute in a group, one a second anywhere with bursts of five.
    pub const USUAL: Self = Self { per_minute: 20, per_second: 5 };
}

/// What a chat does with messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChatState {
    /// Takes them.
    Open,
    /// The person has blocked the bot.
    Blocked,
    /// The bot was put out of the group.
    Kicked,
    /// The group has become a supergroup of this number.
    Upgraded(i64),
}

/// A message that arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The chat it arrived in.
    pub chat: i64,
    /// Its text with markup, as it was sent.
    pub text: String,
    /// Whether it came without a sound.
    pub silent: bool,
    /// The topic of a group.
    pub topic: Option<i64>,
}

#[derive(Debug)]
struct Chat {
    title: String,
    state: ChatState,
    recent: VecDeque<Instant>,
}

#[derive(Debug, Default)]
struct State {
    /// Tokens that are valid.
    tokens: Vec<String>,
    chats: BTreeMap<i64, Chat>,
    updates: Vec<Value>,
    messages: Vec<Message>,
    flood: Option<Flood>,
    webhook: bool,
}

/// A running simulator of Telegram. Dropping it stops it.
#[derive(Debug)]
pub struct Telegram {
    /// Its address; stands in for `https://api.telegram.org`.
    pub base_url: String,
    vendor: Arc<Bots>,
    faults: Arc<Faults>,
    server: Server,
}

#[derive(Debug, Default)]
struct Bots(Mutex<State>);

impl Bots {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Telegram {
    /// Starts with one bot.
    pub fn start(token: &str) -> anyhow::Result<Self> {
        Self::start_at(token, 0)
    }

    /// Starts with one bot on this port, so that it can come back where it was.
    pub fn start_at(token: &str, port: u16) -> anyhow::Result<Self> {
        let (vendor, faults) = (Arc::new(Bots::default()), Arc::new(Faults::default()));
        vendor.lock().tokens.push(token.to_owned());
        let options = ServerOptions { port, gzip: false, max_body_bytes: 1 << 20 };
        let server = Server::start(vendor.clone(), Arc::clone(&faults), Arc::new(RequestLog::default()), options)?;
        Ok(Self { base_url: format!("http://{}", server.address), vendor, faults, server })
    }

    /// Adds a chat. Numbers below zero are groups.
    pub fn chat(&self, id: i64, title: &str) {
        let chat = Chat { title: title.to_owned(), state: ChatState::Open, recent: VecDeque::new() };
        self.vendor.lock().chats.insert(id, chat);
    }

    /// Somebody writes to the bot, which is how it learns of a chat.
    pub fn says(&self, chat: i64, text: &str) {
        let mut state = self.vendor.lock();
        let title = state.chats.get(&chat).map(|chat| chat.title.clone()).unwrap_or_default();
        let number = state.updates.len() + 100;
        let about = if chat < 0 {
            json!({ "id": chat, "type": "group", "title": title })
        } else {
            json!({ "id": chat, "type": "private", "first_name": title })
        };
        state.updates.push(json!({
            "update_id": number,
            "message": { "message_id": number, "chat": about, "date": 1_761_990_000, "text": text },
        }));
    }

    /// Changes what a chat does with messages.
    pub fn set_chat(&self, id: i64, state: ChatState) {
        if let Some(chat) = self.vendor.lock().chats.get_mut(&id) {
            chat.state = state;
        }
    }

    /// Counts messages from now on, as the real one does; until then it takes any number.
    pub fn set_flood(&self, flood: Flood) {
        self.vendor.lock().flood = Some(flood);
    }

    /// Revokes a token, as @BotFather does.
    pub fn revoke(&self, token: &str) {
        self.vendor.lock().tokens.retain(|known| known != token);
    }

    /// Gives a token out.
    pub fn allow(&self, token: &str) {
        self.vendor.lock().tokens.push(token.to_owned());
    }

    /// Whether the bot's updates go to a webhook, so that nobody can ask for them.
    pub fn set_webhook(&self, set: bool) {
        self.vendor.lock().webhook = set;
    }

    /// Everything that arrived, oldest first.
    pub fn messages(&self) -> Vec<Message> {
        self.vendor.lock().messages.clone()
    }

    /// Faults.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Cuts every connection and listens no more.
    pub fn stop(&mut self) {
        self.server.stop();
    }
}

fn good(result: &Value) -> Answer {
    Answer::json(200, &json!({ "ok": true, "result": result }))
}

fn bad(code: u16, description: &str) -> Answer {
    Answer::json(code, &json!({ "ok": false, "error_code": code, "description": description }))
}

fn too_many(seconds: u64) -> Answer {
    let body = json!({
        "ok": false, "error_code": 429, "description": format!("Too Many Requests: retry after {seconds}"),
        "parameters": { "retry_after": seconds },
    });
    Answer::json(429, &body).with("retry-after", seconds.to_string())
}

impl Vendor for Bots {
    fn answer(&self, call: &Call) -> Answer {
        let mut state = self.lock();
        let path = call.path.strip_prefix("/bot").and_then(|rest| rest.split_once('/'));
        let Some((token, method)) = path else { return bad(404, "Not Found") };
        if !state.tokens.iter().any(|known| known == token) {
            // A token of the wrong shape is not even looked for.
            let shaped = token.split_once(':').is_some_and(|(id, key)| id.parse::<u64>().is_ok() && key.len() >= 20);
            return if shaped { bad(401, "Unauthorized") } else { bad(404, "Not Found") };
        }
        let body: Value = serde_json::from_slice(&call.body).unwrap_or_default();
        match method {
            "getMe" => good(&json!({ "id": 1, "is_bot": true, "first_name": "Syncdeck", "username": "syncdeck_bot" })),
            "getUpdates" if state.webhook => bad(
                409,
                "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
            ),
            "getUpdates" => good(&json!(state.updates)),
            "sendMessage" => send(&mut state, &body),
            _ => bad(404, "Not Found: method not found"),
        }
    }

    fn refuse(&self, fault: &FaultKind, _call: &Call) -> Option<Answer> {
        match fault {
            FaultKind::Throttle { hint: Hint::After { secs } } => Some(too_many(u64::from(*secs))),
            FaultKind::Throttle { .. } => Some(too_many(1)),
            FaultKind::ServerError { status } => Some(bad(*status, "Internal Server Error")),
            FaultKind::WrongKey => Some(bad(401, "Unauthorized")),
            _ => None,
        }
    }

    fn bend(&self, _fault: &FaultKind, _body: &mut Value) {}

    fn control(&self, _call: &Call) -> Option<Answer> {
        None
    }
}

fn send(state: &mut State, body: &Value) -> Answer {
    let id = body["chat_id"].as_i64();
    let flood = state.flood;
    let Some((id, chat)) = id.and_then(|id| Some((id, state.chats.get_mut(&id)?))) else {
        return bad(400, "Bad Request: chat not found");
    };
    match chat.state {
        ChatState::Open => {}
        ChatState::Blocked => return bad(403, "Forbidden: bot was blocked by the user"),
        ChatState::Kicked => return bad(403, "Forbidden: bot was kicked from the group chat"),
        ChatState::Upgraded(to) => {
            let body = json!({
                "ok": false, "error_code": 400, "description": "Bad Request: group chat was upgraded to a supergroup chat",
                "parameters": { "migrate_to_chat_id": to },
            });
            return Answer::json(400, &body);
        }
    }
    let text = body["text"].as_str().unwrap_or_default();
    let shown = match body["parse_mode"].as_str() {
        Some("HTML") => match visible(text) {
            Ok(shown) => shown,
            Err(why) => return bad(400, &format!("Bad Request: can't parse entities: {why}")),
        },
        _ => text.to_owned(),
    };
    if shown.trim().is_empty() {
        return bad(400, "Bad Request: message text is empty");
    }
    if shown.encode_utf16().count() > LONGEST {
        return bad(400, "Bad Request: message is too long");
    }
    if let Some(flood) = flood {
        let now = Instant::now();
        chat.recent.retain(|at| now.duration_since(*at) < Duration::from_mins(1));
        let this_second = chat.recent.iter().filter(|at| now.duration_since(**at) < Duration::from_secs(1)).count();
        if this_second >= flood.per_second {
            return too_many(1);
        }
        if id < 0 && chat.recent.len() >= flood.per_minute {
            let oldest = chat.recent.front().map_or(Duration::ZERO, |at| now.duration_since(*at));
            return too_many(60_u64.saturating_sub(oldest.as_secs()).max(1));
        }
        chat.recent.push_back(now);
    }
    let title = chat.title.clone();
    state.messages.push(Message {
        chat: id,
        text: text.to_owned(),
        silent: body["disable_notification"] == true,
        topic: body["message_thread_id"].as_i64(),
    });
    let number = state.messages.len();
    good(&json!({
        "message_id": number, "date": 1_761_990_000, "chat": { "id": id, "title": title }, "text": shown,
    }))
}

/// What a person sees of HTML, or why it is none that the vendor reads.
fn visible(html: &str) -> Result<String, String> {
    const TAGS: [&str; 8] = ["b", "i", "u", "s", "a", "code", "pre", "blockquote"];
    let mut shown = String::new();
    let mut open: Vec<String> = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find(['<', '&']) {
        shown.push_str(&rest[..at]);
        if let Some(entity) = rest[at..].strip_prefix('&') {
            let (name, after) = entity.split_once(';').ok_or("unclosed entity")?;
            shown.push_str(match name {
                "amp" => "&",
                "lt" => "<",
                "gt" => ">",
                "quot" => "\"",
                other => return Err(format!("unknown entity {other}")),
            });
            rest = after;
            continue;
        }
        let (tag, after) = rest[at + 1..].split_once('>').ok_or("unclosed start tag")?;
        if let Some(name) = tag.strip_prefix('/') {
            if open.pop().as_deref() != Some(name) {
                return Err(format!("unexpected end tag {name}"));
            }
        } else {
            let name = tag.split_whitespace().next().unwrap_or_default();
            if !TAGS.contains(&name) {
                return Err(format!("unsupported start tag \"{name}\""));
            }
            open.push(name.to_owned());
        }
        rest = after;
    }
    shown.push_str(rest);
    match open.pop() {
        Some(tag) => Err(format!("can't find end tag corresponding to start tag {tag}")),
        None => Ok(shown),
    }
}
