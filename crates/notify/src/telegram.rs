//! Telegram: a bot writes into a chat (<https://core.telegram.org/bots/api>). HTML rather than Markdown, because only three characters
//! must be escaped in it.

use crate::{Lent, Messenger, Once, Sent, fit, invalid, message::Message};
use async_trait::async_trait;
use kit::{
    http::{Body, Http, HttpRequest, HttpResponse},
    placeholder,
};
use model::{
    alert::Severity,
    channel::ChannelSettings,
    failure::{Code, Failure},
    secret::{Secret, SecretFields},
};
use serde_json::{Value, json};
use std::{fmt::Write, time::Duration};
use tokio_util::sync::CancellationToken;
use url::Url;

/// Where bots are served unless a person names another server.
const SERVER: &str = "https://api.telegram.org";
/// Longest text, in UTF-16 units after its markup was read.
const LONGEST: usize = 4096;
/// The name of the bot's secret.
const TOKEN: &str = "token";

/// A bot at its server.
pub(crate) struct Bot {
    http: Http,
    server: String,
}

/// A chat that has written to a bot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chat {
    /// Its number.
    pub id: String,
    /// Its title, or the person's name.
    pub title: String,
    /// Whether it is a conversation with one person.
    pub private: bool,
}

impl Bot {
    pub(crate) fn new(server: Option<&str>, token: &Secret, channel: &str, lent: &Lent) -> Result<Self, Failure> {
        let own = server.map(str::trim).filter(|server| !server.is_empty());
        let server = own.unwrap_or(SERVER).trim_end_matches('/').to_owned();
        let url = Url::parse(&server).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let host = url.as_ref().and_then(Url::host_str).ok_or_else(|| invalid("server"))?;
        let http = lent.http("Telegram", channel)?.with_hosts([&server]);
        // A server of one's own may stand in the office and speak plain HTTP; the usual one may not.
        let http = if own.is_some() { http.bounded([host]) } else { http };
        let secrets = SecretFields::from([(TOKEN.to_owned(), token.clone())]);
        Ok(Self { http: http.with_secrets(secrets), server })
    }

    async fn call(&self, method: &str, body: Value, cancel: &CancellationToken) -> Result<HttpResponse, Failure> {
        let url = format!("{}/bot{}/{method}", self.server, placeholder::field(TOKEN));
        let asked = |body: &Value| body["parameters"]["retry_after"].as_u64().map(Duration::from_secs);
        self.http.send(&HttpRequest::post(url, Body::Json(body)), &Once { asked }, cancel).await
    }

    /// Our word for a refusal, with Telegram's own as detail.
    fn refusal(&self, response: &HttpResponse) -> Failure {
        let body = response.json().unwrap_or_default();
        let said = body["description"].as_str().unwrap_or_default();
        let about_place = ["chat", "thread", "topic", "user", "peer", "rights", "member", "kicked", "blocked"];
        let code = match response.status {
            401 | 404 => Code::ChannelRejected,
            403 => Code::ChannelClosed,
            400 if about_place.iter().any(|word| said.to_lowercase().contains(word)) => Code::ChannelClosed,
            500.. => Code::PlatformDown,
            _ => Code::MessageRefused,
        };
        let failure = self.http.failure(code).with("status", response.status);
        if said.is_empty() { failure } else { failure.detail(response.redacted(said)) }
    }

    pub(crate) async fn chats(&self, cancel: &CancellationToken) -> Result<Vec<Chat>, Failure> {
        let asked =
            json!({ "timeout": 0, "limit": 100, "allowed_updates": ["message", "channel_post", "my_chat_member"] });
        let response = self.call("getUpdates", asked, cancel).await?;
        if response.status != 200 {
            return Err(self.refusal(&response));
        }
        let body = response.json()?;
        let mut chats: Vec<Chat> = Vec::new();
        for update in body["result"].as_array().into_iter().flatten().rev() {
            let kinds = ["message", "channel_post", "my_chat_member"];
            let Some(chat) = kinds.iter().map(|kind| &update[kind]["chat"]).find(|chat| chat.is_object()) else {
                continue;
            };
            let Some(id) = chat["id"].as_i64() else { continue };
            let text = |name: &str| chat[name].as_str().unwrap_or_default().to_owned();
            let person = format!("{} {}", text("first_name"), text("last_name"));
            let title = Some(text("title")).filter(|title| !title.is_empty()).unwrap_or(person);
            let chat = Chat { id: id.to_string(), title: title.trim().to_owned(), private: chat["type"] == "private" };
            if !chats.iter().any(|known| known.id == chat.id) {
                chats.push(chat);
            }
        }
        Ok(chats)
    }
}

/// A bot and the chat it writes into.
pub(crate) struct Telegram {
    bot: Bot,
    chat: String,
    topic: Option<i64>,
}

impl Telegram {
    pub(crate) fn new(bot: Bot, chat_id: &str, topic: Option<i64>) -> Result<Self, Failure> {
        let chat = chat_id.trim();
        let name = chat.strip_prefix('@').is_some_and(|name| {
            !name.is_empty() && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
        });
        if !name && chat.parse::<i64>().is_err() {
            return Err(invalid("chat_id"));
        }
        Ok(Self { bot, chat: chat.to_owned(), topic })
    }

    async fn write(
        &self,
        chat: &str,
        text: &str,
        quiet: bool,
        cancel: &CancellationToken,
    ) -> Result<HttpResponse, Failure> {
        let chat_id = chat.parse::<i64>().map_or_else(|_| json!(chat), |number| json!(number));
        let mut body = json!({
            "chat_id": chat_id,
            "text": text,
            "parse_mode": "HTML",
            "disable_notification": quiet,
            "link_preview_options": { "is_disabled": true },
        });
        if let Some(topic) = self.topic {
            body["message_thread_id"] = json!(topic);
        }
        self.bot.call("sendMessage", body, cancel).await
    }
}

#[async_trait]
impl Messenger for Telegram {
    async fn send(&self, message: &Message, cancel: &CancellationToken) -> Result<Sent, Failure> {
        let message = fit::shortened(message, |message| shown_units(&html(message)) <= LONGEST);
        let text = html(&message);
        let quiet = !message.urgent;
        let response = self.write(&self.chat, &text, quiet, cancel).await?;
        if response.status == 200 {
            return Ok(Sent::default());
        }
        // A group that became a supergroup: nothing was delivered, and the answer says where it is now.
        let moved = response.json().ok().and_then(|body| body["parameters"]["migrate_to_chat_id"].as_i64());
        let Some(chat) = moved.map(|chat| chat.to_string()).filter(|chat| *chat != self.chat) else {
            return Err(self.bot.refusal(&response));
        };
        let response = self.write(&chat, &text, quiet, cancel).await?;
        if response.status != 200 {
            return Err(self.bot.refusal(&response));
        }
        let server = Some(self.bot.server.clone()).filter(|server| server != SERVER);
        Ok(Sent { moved: Some(ChannelSettings::Telegram { chat_id: chat, topic: self.topic, server }) })
    }
}

/// What a person sees of a text in HTML, in UTF-16 units.
fn shown_units(html: &str) -> usize {
    let mut units = 0;
    let mut in_tag = false;
    let mut letters = html.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '<' => in_tag = true,
            '>' => in_tag = false,
            _ if in_tag => {}
            '&' => {
                letters.by_ref().find(|letter| *letter == ';');
                units += 1;
            }
            _ => units += letter.len_utf16(),
        }
    }
    units
}

pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A sign of urgency that is seen in a list of chats. Never alone: the word stands beside it.
pub(crate) fn sign(severity: Option<Severity>) -> &'static str {
    match severity {
        Some(Severity::Critical) => "🔴",
        Some(Severity::Warning) => "🟠",
        Some(Severity::Notice) => "🔵",
        None => "✅",
    }
}

fn html(message: &Message) -> String {
    let mut text = format!("<b>{}</b>", escape(&message.title));
    for group in &message.groups {
        if !group.heading.is_empty() {
            // Writing into a String does not fail.
            let _ = write!(text, "\n\n<b><u>{}</u></b>", escape(&group.heading));
        }
        for item in &group.items {
            let _ = write!(
                text,
                "\n\n{} {}: <b>{}</b>\n{}\n{}",
                sign(item.severity),
                escape(&item.mark),
                escape(&item.headline),
                escape(&item.place),
                escape(&item.text)
            );
            if let Some(action) = &item.action {
                let _ = write!(text, "\n→ <i>{}</i>", escape(action));
            }
        }
    }
    if let Some(foot) = &message.foot {
        let _ = write!(text, "\n\n{}", escape(foot));
    }
    text
}
