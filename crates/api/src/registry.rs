//! The connectors by their id: those of this build, and those that the open workspace has imported.

use connectors::{copy, files};
use kit::source::Source;
use manifest::{
    connector::Connector,
    document::DocumentError,
    imported::{Files, ImportedSource},
    report::{Report, report},
    source::ManifestSource,
};
use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};
use store::imported_connectors::ImportedConnector;

/// All connectors. Cheap to clone; clones share what is imported.
#[derive(Clone)]
pub struct Registry {
    built_in: Arc<[Arc<dyn Source>]>,
    imported: Arc<RwLock<BTreeMap<String, Arc<Imported>>>>,
}

/// An imported connector, ready to read.
pub(crate) struct Imported {
    /// What was saved.
    pub(crate) saved: ImportedConnector,
    /// How it is read.
    pub(crate) loaded: Loaded,
    /// What it can do.
    pub(crate) report: Report,
}

/// The two ways in which a manifest is read.
#[derive(Clone)]
pub(crate) enum Loaded {
    /// By itself.
    Own(Arc<ImportedSource>),
    /// With the sign-in of the connector of ours that it is a copy of.
    Copy(Arc<ManifestSource>),
}

impl Loaded {
    /// Loads a manifest under an id and a name.
    pub(crate) fn load(
        id: &str,
        name: &str,
        (manifest, mapping): (&str, &str),
        copy_of: Option<&str>,
    ) -> Result<Self, DocumentError> {
        if let Some(copied) = copy_of.and_then(|of| copy(of, manifest, mapping)) {
            return Ok(Self::Copy(Arc::new(copied?.renamed(id, name))));
        }
        let icon = icon(name);
        Ok(Self::Own(Arc::new(ImportedSource::new(&Files { id, name, manifest, mapping, icon: &icon })?)))
    }

    pub(crate) fn source(&self) -> Arc<dyn Source> {
        match self {
            Self::Own(source) => Arc::clone(source) as Arc<dyn Source>,
            Self::Copy(source) => Arc::clone(source) as Arc<dyn Source>,
        }
    }
}

impl Imported {
    /// Loads what was saved.
    pub(crate) fn load(saved: ImportedConnector) -> Result<Self, DocumentError> {
        let texts = (saved.manifest.as_str(), saved.mapping.as_str());
        let loaded = Loaded::load(&saved.id, &saved.name, texts, saved.copy_of.as_deref())?;
        let report = match &loaded {
            Loaded::Own(source) => report(&saved.manifest, source.connector()),
            Loaded::Copy(_) => report(&saved.manifest, &Connector::load(&saved.manifest)?),
        };
        Ok(Self { saved, loaded, report })
    }
}

/// The first letter of a name on a plain ground: an imported connector has no drawing of ours.
fn icon(name: &str) -> String {
    let letter = name.chars().find(|letter| letter.is_alphanumeric()).unwrap_or('?');
    let letter: String = letter.to_uppercase().collect();
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 24 24\"><rect width=\"24\" height=\"24\" rx=\"5\" fill=\"#64748b\"/><text x=\"12\" y=\"16.5\" font-family=\"sans-serif\" font-size=\"13\" font-weight=\"600\" text-anchor=\"middle\" fill=\"#fff\">{letter}</text></svg>"
    )
}

impl Registry {
    /// The connectors that this build has.
    #[allow(clippy::new_without_default, reason = "reading manifests is not something a default does")]
    pub fn new() -> Self {
        Self { built_in: connectors::registry().into(), imported: Arc::default() }
    }

    /// The same connectors of the build, and these imported ones. One that this version cannot load any more is named in the log; its
    /// files can still be read and mended.
    pub(crate) fn with_imported(&self, saved: Vec<ImportedConnector>) -> Self {
        let mut imported = BTreeMap::new();
        for connector in saved {
            let id = connector.id.clone();
            match Imported::load(connector) {
                Ok(loaded) => {
                    imported.insert(id, Arc::new(loaded));
                }
                Err(error) => tracing::error!(connector = id, %error, "an imported connector cannot be loaded"),
            }
        }
        Self { built_in: Arc::clone(&self.built_in), imported: Arc::new(RwLock::new(imported)) }
    }

    /// Puts an imported connector, or its new revision, into use.
    pub(crate) fn put(&self, connector: Imported) {
        let mut imported = self.imported.write().unwrap_or_else(PoisonError::into_inner);
        imported.insert(connector.saved.id.clone(), Arc::new(connector));
    }

    /// Takes in what another program has imported, changed or removed.
    pub(crate) fn refresh(&self, saved: Vec<ImportedConnector>) {
        let known = |connector: &ImportedConnector| {
            self.imported(&connector.id).is_some_and(|known| known.saved.revision == connector.revision)
        };
        let ids: Vec<String> = saved.iter().map(|connector| connector.id.clone()).collect();
        let fresh: Vec<ImportedConnector> = saved.into_iter().filter(|connector| !known(connector)).collect();
        let fresh = self.with_imported(fresh);
        let mut fresh = fresh.imported.write().unwrap_or_else(PoisonError::into_inner);
        let mut imported = self.imported.write().unwrap_or_else(PoisonError::into_inner);
        imported.retain(|id, _| ids.contains(id));
        imported.append(&mut fresh);
    }

    pub(crate) fn remove(&self, id: &str) {
        self.imported.write().unwrap_or_else(PoisonError::into_inner).remove(id);
    }

    /// An imported connector.
    pub(crate) fn imported(&self, id: &str) -> Option<Arc<Imported>> {
        self.imported.read().unwrap_or_else(PoisonError::into_inner).get(id).map(Arc::clone)
    }

    /// One of them.
    pub fn get(&self, id: &str) -> Option<Arc<dyn Source>> {
        let built_in = self.built_in.iter().find(|source| source.descriptor().id == id).map(Arc::clone);
        built_in.or_else(|| self.imported(id).map(|imported| imported.loaded.source()))
    }

    /// All of them, those of the build first.
    pub fn all(&self) -> Vec<Arc<dyn Source>> {
        let imported = self.imported.read().unwrap_or_else(PoisonError::into_inner);
        let imported = imported.values().map(|imported| imported.loaded.source());
        self.built_in.iter().map(Arc::clone).chain(imported).collect()
    }
}

/// Whether a connector has files that can be read and copied.
pub(crate) fn declarative(id: &str, imported: bool) -> bool {
    imported || files(id).is_some()
}
