//! The connectors of this build by their id.

use kit::source::{Descriptor, Source};
use std::sync::Arc;

/// All connectors. Cheap to clone.
#[derive(Clone)]
pub struct Registry {
    sources: Arc<[Arc<dyn Source>]>,
}

impl Registry {
    /// The connectors that this build has.
    #[allow(clippy::new_without_default, reason = "reading manifests is not something a default does")]
    pub fn new() -> Self {
        Self { sources: connectors::registry().into() }
    }
    /// One of them.
    pub fn get(&self, id: &str) -> Option<Arc<dyn Source>> {
        self.sources.iter().find(|source| source.descriptor().id == id).map(Arc::clone)
    }
    /// What they are.
    pub fn descriptors(&self) -> impl Iterator<Item = &Descriptor> {
        self.sources.iter().map(|source| source.descriptor())
    }
}
