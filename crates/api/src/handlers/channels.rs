//! Channels: adding, changing, testing and deleting the ways in which alerts reach people.

use crate::{
    folder::blocking,
    host::{Host, Workspace},
    post::PostOffice,
    wire::{ById, ChannelChats, ChannelRow, ChannelSave, ChannelState, Empty, TelegramChat},
};
use chrono::{DateTime, NaiveTime, Utc};
use model::{
    audit::AuditAction,
    channel::{Channel, ChannelKind, ChannelSettings, ChannelWants, Language, QuietHours},
    failure::{Code, Failure},
    id::ChannelId,
    secret::Secret,
};
use notify::{message, messenger};
use std::sync::Arc;
use store::channels::KeptChannel;
use tokio_util::sync::CancellationToken;
use vault::keys::ChannelKey;

pub(crate) async fn channels_list(host: &Host, _: Empty) -> Result<Vec<ChannelRow>, Failure> {
    let workspace = host.workspace().await?;
    let channels = workspace.store.channels().await?;
    // A channel that this program cannot reach is another one's affair.
    let here = channels.into_iter().filter(|kept| reachable(&workspace, kept.channel.settings.kind()));
    Ok(here.map(row).collect())
}

pub(crate) async fn channel_save(host: &Host, request: ChannelSave) -> Result<ChannelRow, Failure> {
    let workspace = host.workspace().await?;
    let now = host.now();
    let known = request.id.is_some();
    let (channel, secret) = asked(&workspace, request, now).await?;
    if known {
        // The secret first: settings that lead elsewhere must not be tried with the old one.
        if let Some(secret) = secret {
            workspace.post.seal(channel.id, secret).await?;
        }
        workspace.store.update_channel(&channel, now).await?;
    } else {
        workspace.store.insert_channel(&channel, ChannelKey::generate()?.as_bytes()).await?;
        if let Some(secret) = secret
            && let Err(failure) = workspace.post.seal(channel.id, secret).await
        {
            workspace.store.delete_channel(channel.id).await?;
            return Err(failure);
        }
    }
    let action = if known { AuditAction::ChannelUpdated } else { AuditAction::ChannelCreated };
    workspace.audit(now, action, &channel.name).await?;
    workspace.outbox.stir();
    Ok(row(workspace.store.channel(channel.id).await?))
}

pub(crate) async fn channel_test(host: &Host, request: ChannelSave) -> Result<Empty, Failure> {
    let workspace = host.workspace().await?;
    let as_saved = request.secret.is_none();
    let (channel, secret) = asked(&workspace, request, host.now()).await?;
    let message = message::test(&channel, host.now());
    let sent = workspace.post.send(&channel, secret, &message, None, &CancellationToken::new()).await;
    let saved = workspace.store.channel(channel.id).await.ok();
    let same = saved.filter(|saved| as_saved && saved.channel.settings == channel.settings);
    if let (Ok(moved), Some(saved)) = (&sent, same) {
        if let Some(settings) = moved {
            workspace.store.move_channel(saved.channel.id, settings).await?;
        }
        // What waits is due: the channel has just shown that it works.
        workspace.store.channel_works(saved.channel.id).await?;
        workspace.outbox.stir();
    }
    sent.map(|_| Empty {})
}

pub(crate) async fn channel_delete(host: &Host, request: ById<ChannelId>) -> Result<Empty, Failure> {
    let workspace = host.workspace().await?;
    let channel = workspace.store.channel(request.id).await?.channel;
    if channel.settings.kind() == ChannelKind::Desktop {
        return Err(Failure::new(Code::BadRequest)
            .with("field", "id")
            .detail("this computer is switched off, not deleted"));
    }
    // The key goes with the row: from this moment nothing opens the secret.
    workspace.store.delete_channel(channel.id).await?;
    let vault = Arc::clone(&workspace.vault);
    if let Err(failure) = blocking(move || Ok(vault.forget_channel(channel.id)?)).await {
        tracing::warn!(channel = %channel.id, error = %failure, "the secret of a deleted channel is still in the keychain");
    }
    workspace.audit(host.now(), AuditAction::ChannelDeleted, &channel.name).await?;
    Ok(Empty {})
}

pub(crate) async fn channel_chats(host: &Host, request: ChannelChats) -> Result<Vec<TelegramChat>, Failure> {
    let workspace = host.workspace().await?;
    let token = match (given(request.secret), request.id) {
        (Some(token), _) => token,
        (None, Some(id)) => workspace.post.secret(id, "").await?,
        (None, None) => return Err(Failure::new(Code::SettingInvalid).with("field", "secret")),
    };
    let (server, lent) = (request.server.as_deref(), workspace.post.lent());
    let chats = notify::telegram_chats(server, &token, &lent, &CancellationToken::new()).await?;
    Ok(chats.into_iter().map(|chat| TelegramChat { id: chat.id, title: chat.title, private: chat.private }).collect())
}

/// The channel of this computer, in a workspace that has none yet. It is there from the first start, with what nobody minds: critical
/// alerts, and not at night.
pub(crate) async fn keep_desktop(
    post: &PostOffice,
    language: Language,
    time_zone: &str,
    now: DateTime<Utc>,
) -> Result<(), Failure> {
    let channels = post.store.channels().await?;
    if channels.iter().any(|kept| kept.channel.settings.kind() == ChannelKind::Desktop) {
        return Ok(());
    }
    let hour = |hour| NaiveTime::from_hms_opt(hour, 0, 0).unwrap_or_default();
    let channel = Channel {
        id: ChannelId::new(),
        name: match language {
            Language::Ru => "Этот компьютер",
            Language::En => "This computer",
        }
        .to_owned(),
        settings: ChannelSettings::Desktop {},
        language,
        time_zone: time_zone.to_owned(),
        quiet: Some(QuietHours { from: hour(22), to: hour(8) }),
        critical_at_night: false,
        wants: ChannelWants { critical: true, digest: None, clients: None },
        enabled: true,
        created_at: now,
    };
    post.store.insert_channel(&channel, ChannelKey::generate()?.as_bytes()).await?;
    Ok(())
}

/// What a person asks for, checked; and the secret if it is a new one.
async fn asked(
    workspace: &Workspace,
    request: ChannelSave,
    now: DateTime<Utc>,
) -> Result<(Channel, Option<Secret>), Failure> {
    let invalid = |field: &'static str| Failure::new(Code::SettingInvalid).with("field", field);
    let before = match request.id {
        Some(id) => Some(workspace.store.channel(id).await?.channel),
        None => None,
    };
    let kind = request.settings.kind();
    // There is one screen, and a channel does not become another kind: its secret would open nothing there.
    let changes_kind = before.as_ref().map_or(kind == ChannelKind::Desktop, |before| before.settings.kind() != kind);
    if changes_kind || !reachable(workspace, kind) {
        return Err(invalid("kind"));
    }
    let name = request.name.trim().to_owned();
    if name.is_empty() || name.chars().count() > 120 {
        return Err(invalid("name"));
    }
    let secret = given(request.secret);
    if kind != ChannelKind::Desktop {
        let stored = match (&secret, &before) {
            (Some(secret), _) => secret.clone(),
            (None, Some(before)) => {
                // A secret is not shown to a server that the person did not enter it for.
                if leads_elsewhere(&before.settings, &request.settings) {
                    return Err(invalid("secret"));
                }
                workspace.post.secret(before.id, &before.name).await?
            }
            (None, None) => return Err(invalid("secret")),
        };
        messenger(&name, &request.settings, Some(&stored), &workspace.post.lent())?;
    }
    let channel = Channel {
        id: before.as_ref().map_or_else(ChannelId::new, |before| before.id),
        name,
        settings: request.settings,
        language: request.language,
        time_zone: super::workspace::time_zone(&request.time_zone)?,
        quiet: request.quiet,
        critical_at_night: request.critical_at_night,
        wants: request.wants,
        enabled: request.enabled,
        created_at: before.map_or(now, |before| before.created_at),
    };
    Ok((channel, secret))
}

/// Whether another host would see the secret.
fn leads_elsewhere(before: &ChannelSettings, after: &ChannelSettings) -> bool {
    let place = |settings: &ChannelSettings| match settings {
        ChannelSettings::Telegram { server, .. } => server.clone().filter(|server| !server.trim().is_empty()),
        ChannelSettings::Email { host, .. } => Some(host.to_lowercase()),
        ChannelSettings::Desktop {} | ChannelSettings::Slack {} => None,
    };
    place(before) != place(after)
}

fn given(secret: Option<String>) -> Option<Secret> {
    let secret = Secret::new(secret?.trim());
    (!secret.is_empty()).then_some(secret)
}

fn reachable(workspace: &Workspace, kind: ChannelKind) -> bool {
    sync::outbox::Post::reaches(&*workspace.post, kind)
}

fn row(kept: KeptChannel) -> ChannelRow {
    let state = match (&kept.failure, kept.delivered_at) {
        _ if !kept.channel.enabled => ChannelState::Off,
        (Some(_), _) if kept.stopped() => ChannelState::Broken,
        (Some(_), _) => ChannelState::Trying,
        (None, Some(_)) => ChannelState::Works,
        (None, None) => ChannelState::New,
    };
    let channel = kept.channel;
    ChannelRow {
        id: channel.id,
        kind: channel.settings.kind(),
        name: channel.name,
        settings: channel.settings,
        language: channel.language,
        time_zone: channel.time_zone,
        quiet: channel.quiet,
        critical_at_night: channel.critical_at_night,
        wants: channel.wants,
        enabled: channel.enabled,
        state,
        failure: kept.failure.as_ref().map(Into::into),
        failed_at: kept.failed_at,
        retry_at: kept.retry_at,
        delivered_at: kept.delivered_at,
        waiting: kept.waiting,
    }
}
