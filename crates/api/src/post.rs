//! Joins the rooms for messages to people: `sync` says what is due, `notify` writes and sends it, the vault opens the channel's secret,
//! and what belongs on this computer's screen goes out as an event that the shell shows.

use crate::{contract::Event, folder::blocking, registry::Registry};
use async_trait::async_trait;
use kit::clock::Clock;
use model::{
    alert::Telling,
    channel::{Channel, ChannelKind, ChannelSettings, Language},
    failure::{Code, Failure},
    id::{ChannelId, ClientId},
    secret::{Secret, SecretFields},
};
use notify::{
    Lent,
    message::{self, Message},
    messenger,
};
use std::sync::Arc;
use store::Store;
use sync::outbox::Post;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;
use vault::{credential::Vault, keys::ChannelKey};

/// The name of a channel's one secret in its envelope.
const SECRET: &str = "secret";
/// Items of a notification before "and more": the system shows a few lines.
const NOTIFIED: usize = 3;

/// The post of one open workspace.
pub(crate) struct PostOffice {
    pub(crate) registry: Registry,
    pub(crate) store: Store,
    pub(crate) vault: Arc<Vault>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) url_map: Vec<(String, String)>,
    pub(crate) events: broadcast::Sender<Event>,
    /// Whether somebody listens to the events who can show notifications.
    pub(crate) notifies: bool,
}

impl PostOffice {
    pub(crate) fn lent(&self) -> Lent {
        Lent { clock: Arc::clone(&self.clock), url_map: self.url_map.clone() }
    }

    /// The secret of a channel; `credential_missing` when the vault has none.
    pub(crate) async fn secret(&self, id: ChannelId, name: &str) -> Result<Secret, Failure> {
        let key = self.key(id).await?;
        let vault = Arc::clone(&self.vault);
        let sealed = blocking(move || Ok(vault.open_channel(&key, id)?)).await?;
        let secret = sealed.and_then(|mut sealed| sealed.fields.remove(SECRET));
        secret.ok_or_else(|| Failure::new(Code::CredentialMissing).with("account", name))
    }

    /// Seals the secret of a channel whose row is there.
    pub(crate) async fn seal(&self, id: ChannelId, secret: Secret) -> Result<(), Failure> {
        let key = self.key(id).await?;
        let (vault, now) = (Arc::clone(&self.vault), self.clock.now());
        let fields = SecretFields::from([(SECRET.to_owned(), secret)]);
        blocking(move || Ok(vault.seal_channel(&key, id, &fields, now)?)).await
    }

    async fn key(&self, id: ChannelId) -> Result<ChannelKey, Failure> {
        let bytes = self.store.channel_key(id).await?.try_into().map_err(|_| Failure::new(Code::SealBroken))?;
        Ok(ChannelKey::from_bytes(bytes))
    }

    /// Sends one message over a channel, with this secret or with the channel's own.
    pub(crate) async fn send(
        &self,
        channel: &Channel,
        secret: Option<Secret>,
        message: &Message,
        client: Option<ClientId>,
        cancel: &CancellationToken,
    ) -> Result<Option<ChannelSettings>, Failure> {
        if channel.settings.kind() == ChannelKind::Desktop {
            if !self.notifies {
                return Err(Failure::new(Code::SettingInvalid).with("field", "kind"));
            }
            // Nobody listens when the window is gone, and then there is no screen to show it on.
            let _ = self.events.send(notification(message, client));
            return Ok(None);
        }
        let secret = match secret {
            Some(secret) => secret,
            None => self.secret(channel.id, &channel.name).await?,
        };
        let messenger = messenger(&channel.name, &channel.settings, Some(&secret), &self.lent())?;
        Ok(messenger.send(message, cancel).await?.moved)
    }
}

/// A message as the system shows it: a title and a few lines.
fn notification(message: &Message, client_id: Option<ClientId>) -> Event {
    let items = message.groups.iter().flat_map(|group| group.items.iter().map(move |item| (group, item)));
    let alone = message.len() == 1;
    let lines = items.take(NOTIFIED).map(|(group, item)| match (alone, group.heading.is_empty()) {
        (true, _) => format!("{}\n{}", item.place, item.text),
        (false, true) => format!("{}: {}", item.headline, item.place),
        (false, false) => format!("{}: {}", group.heading, item.headline),
    });
    let mut body = lines.collect::<Vec<_>>().join("\n");
    if message.len() > NOTIFIED {
        body.push_str("\n…");
    }
    Event::Notify { title: message.title.clone(), body, client_id }
}

#[async_trait]
impl Post for PostOffice {
    fn reaches(&self, kind: ChannelKind) -> bool {
        self.notifies || kind != ChannelKind::Desktop
    }

    async fn carry(
        &self,
        channel: &Channel,
        tellings: &[Telling],
        cancel: &CancellationToken,
    ) -> Result<Option<ChannelSettings>, Failure> {
        let system = |id: &str, language: Language| {
            let source = self.registry.get(id);
            let texts = source.as_ref().and_then(|source| source.descriptor().texts.get(language.as_str()));
            texts.and_then(|texts| texts.get("name")).map_or_else(|| id.to_owned(), Clone::clone)
        };
        let Some(message) = message::compose(channel, tellings, &system, self.clock.now()) else { return Ok(None) };
        let mut clients = tellings.iter().map(|telling| telling.client_id);
        let first = clients.next().filter(|first| clients.all(|client| client == *first));
        self.send(channel, None, &message, first, cancel).await
    }
}
