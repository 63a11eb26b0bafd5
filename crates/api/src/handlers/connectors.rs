//! The catalogue.

use super::convert::small;
use crate::{
    host::Host,
    registry::{Imported, declarative},
    wire::{Capability, Category, Connector, Empty, ImportedInfo, LocalText, StreamInfo, StreamKind},
};
use insight::portfolio::{self, ConnectionView};
use kit::source::{self, Descriptor};
use model::{
    failure::{Code, Failure},
    run::Health,
};
use std::collections::BTreeMap;
use store::{Scope, imported_connectors::ImportedConnector};

pub(crate) async fn connectors_list(host: &Host, _: Empty) -> Result<Vec<Connector>, Failure> {
    let (registry, views) = match host.workspace().await {
        Ok(workspace) => {
            let views = portfolio::connections(&workspace.store, Scope::Portfolio, host.now()).await?;
            (workspace.registry.clone(), views)
        }
        // The catalogue can be looked at before there is a workspace.
        Err(failure) if failure.code == Code::WorkspaceMissing => (host.inner.registry.clone(), Vec::new()),
        Err(failure) => return Err(failure),
    };
    let all = registry.all();
    Ok(all
        .iter()
        .map(|source| {
            let imported = registry.imported(&source.descriptor().id);
            connector(source.descriptor(), imported.as_deref(), &views)
        })
        .collect())
}

/// The connectors of this build, connected to nothing.
pub(crate) fn built_in() -> Vec<Connector> {
    connectors::registry().iter().map(|source| connector(source.descriptor(), None, &[])).collect()
}

fn connector(descriptor: &Descriptor, imported: Option<&Imported>, views: &[ConnectionView]) -> Connector {
    let own = || views.iter().filter(|view| view.connection.connector == descriptor.id);
    let text = |key: &str| local(descriptor, key);
    let keys = descriptor.texts.values().flat_map(BTreeMap::keys);
    Connector {
        id: descriptor.id.clone(),
        name: text("name"),
        summary: text("summary"),
        sign_in_help: text("sign_in_help"),
        // A copy of a connector of ours stands with those that a person brought, not beside its original.
        category: if imported.is_some() { Category::Imported } else { category(&descriptor.category) },
        capabilities: descriptor.capabilities.iter().filter_map(|word| capability(word)).collect(),
        icon_svg: descriptor.icon_svg.clone(),
        form: descriptor.form.clone(),
        texts: keys.map(|key| (key.clone(), text(key))).collect(),
        streams: descriptor
            .streams
            .iter()
            .map(|stream| {
                let (kind, level, lookback) = match stream.kind {
                    source::StreamKind::Dictionary { level } => (StreamKind::Dictionary, Some(level), None),
                    source::StreamKind::Statistics { level, lookback } => {
                        (StreamKind::Statistics, Some(level), Some(lookback))
                    }
                    source::StreamKind::Records { .. } => (StreamKind::Records, None, None),
                };
                StreamInfo {
                    name: stream.name.clone(),
                    title: text(&format!("stream.{}", stream.name)),
                    kind,
                    level,
                    on_by_default: stream.on_by_default,
                    required: stream.required,
                    lookback,
                }
            })
            .collect(),
        first_load_days: descriptor.first_load_days,
        max_history_days: descriptor.max_history_days,
        final_after_days: descriptor.final_after_days,
        in_totals: descriptor.in_totals(),
        docs_url: descriptor.docs_url.clone(),
        connected: small(own().count() as u64),
        problems: small(own().filter(|view| view.diagnosis.health == Health::Act).count() as u64),
        declarative: declarative(&descriptor.id, imported.is_some()),
        files: crate::imports::files(&descriptor.id),
        imported: imported.map(|imported| info(&imported.saved)),
    }
}

/// What is known of an imported connector.
pub(crate) fn info(saved: &ImportedConnector) -> ImportedInfo {
    ImportedInfo {
        revision: saved.revision,
        saved_at: saved.saved_at,
        licence: saved.licence.clone(),
        origin: saved.origin.clone(),
        copy_of: saved.copy_of.clone(),
    }
}

/// A text in both languages; a connector's tests demand that both are there.
pub(crate) fn local(descriptor: &Descriptor, key: &str) -> LocalText {
    let text =
        |language: &str| descriptor.texts.get(language).and_then(|texts| texts.get(key)).cloned().unwrap_or_default();
    LocalText { ru: text("ru"), en: text("en") }
}

fn category(word: &str) -> Category {
    match word {
        "analytics" => Category::Analytics,
        "audiences" => Category::Audiences,
        "crm" => Category::Crm,
        "files" => Category::Files,
        "imported" => Category::Imported,
        _ => Category::Ads,
    }
}

fn capability(word: &str) -> Option<Capability> {
    match word {
        "statistics" => Some(Capability::Statistics),
        "costs" => Some(Capability::Costs),
        "audiences" => Some(Capability::Audiences),
        "leads" => Some(Capability::Leads),
        "webhooks" => Some(Capability::Webhooks),
        _ => None,
    }
}
