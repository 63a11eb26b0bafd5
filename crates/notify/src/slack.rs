//! Slack: an incoming webhook (<https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks>). Its address is its secret: who
//! knows it can write. It is taken apart here so that the host stands in the open, where the rules of HTTP look at it, and the path goes
//! out as a secret does.

use crate::{
    Lent, Messenger, Once, Sent, fit, invalid,
    message::Message,
    telegram::{escape, sign},
};
use async_trait::async_trait;
use kit::{
    http::{Body, Http, HttpRequest, HttpResponse},
    placeholder,
};
use model::{
    failure::{Code, Failure},
    secret::{Secret, SecretFields},
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use url::Url;

/// Hosts of webhooks: Slack's own and its government one.
const HOSTS: [&str; 2] = ["hooks.slack.com", "hooks.slack-gov.com"];
/// The name of the secret part of the address.
const PATH: &str = "webhook_path";
/// Largest number of blocks, and longest texts of a header and a section, in letters.
const MOST_BLOCKS: usize = 50;
const LONGEST_HEADER: usize = 150;
const LONGEST_SECTION: usize = 3000;

/// A webhook.
pub(crate) struct Slack {
    http: Http,
    url: String,
}

impl Slack {
    pub(crate) fn new(webhook: &Secret, channel: &str, lent: &Lent) -> Result<Self, Failure> {
        let url = Url::parse(webhook.expose().trim()).map_err(|_| invalid("secret"))?;
        let host = url.host_str().filter(|host| HOSTS.contains(host)).ok_or_else(|| invalid("secret"))?;
        let path = url.path().strip_prefix('/').filter(|path| path.len() > "services/".len());
        let path = path.filter(|_| url.scheme() == "https" && url.port().is_none()).ok_or_else(|| invalid("secret"))?;
        let base = format!("https://{host}");
        let http = lent.http("Slack", channel)?.with_hosts([&base]);
        // The last part of the path is the key itself; a service may quote it alone.
        if let Some(key) = path.rsplit('/').next() {
            http.redactor().learn(&Secret::new(key));
        }
        let secrets = SecretFields::from([(PATH.to_owned(), Secret::new(path))]);
        Ok(Self { http: http.with_secrets(secrets), url: format!("{base}/{}", placeholder::field(PATH)) })
    }

    /// Our word for a refusal, with Slack's own as detail. The body is a word in plain text.
    fn refusal(&self, response: &HttpResponse) -> Failure {
        let said = String::from_utf8_lossy(response.body()).trim().to_owned();
        let rejected = ["no_service", "no_team", "invalid_token", "no_active_hooks", "team_disabled"];
        let closed = [
            "channel_not_found",
            "channel_is_archived",
            "action_prohibited",
            "user_not_found",
            "posting_to_general_channel_denied",
        ];
        let code = match response.status {
            _ if rejected.contains(&said.as_str()) => Code::ChannelRejected,
            _ if closed.contains(&said.as_str()) => Code::ChannelClosed,
            500.. => Code::PlatformDown,
            403 | 404 => Code::ChannelRejected,
            410 => Code::ChannelClosed,
            _ => Code::MessageRefused,
        };
        let failure = self.http.failure(code).with("status", response.status);
        if said.is_empty() { failure } else { failure.detail(response.redacted(&said)) }
    }
}

#[async_trait]
impl Messenger for Slack {
    async fn send(&self, message: &Message, cancel: &CancellationToken) -> Result<Sent, Failure> {
        let message = fit::shortened(message, |message| blocks(message).len() <= MOST_BLOCKS);
        let body = json!({ "text": escape(&message.title), "blocks": blocks(&message) });
        let request = HttpRequest::post(&self.url, Body::Json(body));
        let response = self.http.send(&request, &Once { asked: |_| None }, cancel).await?;
        if response.status == 200 { Ok(Sent::default()) } else { Err(self.refusal(&response)) }
    }
}

fn blocks(message: &Message) -> Vec<Value> {
    let section =
        |text: &str| json!({ "type": "section", "text": { "type": "mrkdwn", "text": first(text, LONGEST_SECTION) } });
    let mut blocks = vec![
        json!({ "type": "header", "text": { "type": "plain_text", "text": first(&message.title, LONGEST_HEADER) } }),
    ];
    for group in &message.groups {
        // As many items as go into a section: there may be more alerts than blocks.
        let mut text = if group.heading.is_empty() { String::new() } else { format!("*{}*", bold(&group.heading)) };
        for item in &group.items {
            let action = item.action.as_ref().map(|action| format!("\n→ _{}_", escape(action))).unwrap_or_default();
            let item = format!(
                "{} {}: *{}*\n{}\n{}{action}",
                sign(item.severity),
                escape(&item.mark),
                bold(&item.headline),
                escape(&item.place),
                escape(&item.text)
            );
            if text.chars().count() + item.chars().count() + 2 > LONGEST_SECTION {
                blocks.push(section(&std::mem::take(&mut text)));
            }
            let space = if text.is_empty() { "" } else { "\n\n" };
            text = format!("{text}{space}{item}");
        }
        blocks.push(section(&text));
    }
    if let Some(foot) = &message.foot {
        blocks.push(json!({ "type": "context", "elements": [{ "type": "mrkdwn", "text": escape(foot) }] }));
    }
    blocks
}

/// Between asterisks an asterisk would end the bold.
fn bold(text: &str) -> String {
    escape(text).replace('*', "∗")
}

fn first(text: &str, letters: usize) -> String {
    if text.chars().count() <= letters {
        return text.to_owned();
    }
    text.chars().take(letters - 1).chain(['…']).collect()
}
