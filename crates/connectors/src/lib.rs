//! The systems Syncdeck reads from: one folder each, and file import.
//!
//! A connector is a folder and its line in [`SYSTEMS`]; a system that publishes no interface is a preset of file import. What a vendor calls things stays in its folder.

mod apple_ads;
mod appsflyer;
#[cfg(test)]
mod evidence;
pub mod file_import;
mod google;
mod google_ads;
mod google_analytics_4;
mod google_merchant_center;
mod meta_ads;
mod metrica_engine;
mod my_target;
mod ozon_performance;
mod rtb_house;
#[cfg(test)]
#[path = "../skeleton/mod.rs"]
mod skeleton;
#[path = "../starter/mod.rs"]
pub mod starter;
mod target_engine;
mod telegram_ads;
mod tiktok_ads;
#[cfg(test)]
mod trial;
mod vk_ads;
mod vk_ads_legacy;
mod wildberries;
mod yandex_appmetrica;
mod yandex_audience;
mod yandex_direct;
mod yandex_id;
mod yandex_market;
mod yandex_metrika;
mod yandex_promopages;

use file_import::source::FileImport;
use kit::{http::Http, policy::Policy, session::Session, source::Source};
use manifest::{
    document::DocumentError,
    source::{Files, ManifestSource, Native},
};
use model::failure::Failure;
use std::sync::Arc;

/// The connectors that are manifests, in the order of the catalogue.
const SYSTEMS: &[System] = &[
    yandex_direct::SYSTEM,
    yandex_metrika::SYSTEM,
    vk_ads::SYSTEM,
    vk_ads_legacy::SYSTEM,
    my_target::SYSTEM,
    google_ads::SYSTEM,
    google_analytics_4::SYSTEM,
    meta_ads::SYSTEM,
    tiktok_ads::SYSTEM,
    telegram_ads::SYSTEM,
    ozon_performance::SYSTEM,
    wildberries::SYSTEM,
    yandex_market::SYSTEM,
    yandex_appmetrica::SYSTEM,
    appsflyer::SYSTEM,
    apple_ads::SYSTEM,
    yandex_promopages::SYSTEM,
    rtb_house::SYSTEM,
    google_merchant_center::SYSTEM,
    yandex_audience::SYSTEM,
];

/// A connector that is a manifest.
struct System {
    /// Its id, which is the name of its folder, too.
    id: &'static str,
    files: Files<'static>,
    /// What a manifest cannot say, the sign-in above all.
    native: fn() -> Arc<dyn Native>,
}

impl System {
    /// The connector. Its files are part of the program, so an error here is a defect that a test finds.
    fn source(&self) -> Result<ManifestSource, DocumentError> {
        ManifestSource::new(&self.files, (self.native)())
    }
}

/// The files of the folder in which this is said.
macro_rules! folder {
    () => {
        manifest::source::Files {
            manifest: include_str!("manifest.yaml"),
            mapping: include_str!("mapping.yaml"),
            texts: &[("en", include_str!("texts.en.json")), ("ru", include_str!("texts.ru.json"))],
            icon: include_str!("icon.svg"),
        }
    };
}
use folder;

/// For a connector of which the manifest says all.
fn nothing() -> Arc<dyn Native> {
    struct Nothing;
    impl Native for Nothing {
        fn signed_in(&self, _: &Session) -> Result<Option<Http>, Failure> {
            Ok(None)
        }
        fn policy(&self) -> Option<Arc<dyn Policy>> {
            None
        }
    }
    Arc::new(Nothing)
}

fn system(id: &str) -> Option<&'static System> {
    SYSTEMS.iter().find(|system| system.id == id)
}

/// A connector of this build that is a manifest; `None` when there is none of this id.
pub fn declarative(id: &str) -> Option<Result<ManifestSource, DocumentError>> {
    system(id).map(System::source)
}

/// Every connector of this build, in the order of the catalogue.
pub fn registry() -> Vec<Arc<dyn Source>> {
    let mut sources: Vec<Arc<dyn Source>> = SYSTEMS.iter().filter_map(|system| loaded(system.source())).collect();
    sources.extend(file_import::presets().iter().map(|preset| Arc::new(FileImport::of(preset)) as Arc<dyn Source>));
    sources.push(Arc::new(FileImport::any()));
    sources
}

/// The files of a declarative connector of this build: to be read, copied and changed.
pub fn files(id: &str) -> Option<&'static Files<'static>> {
    system(id).map(|system| &system.files)
}

/// A copy of a declarative connector with another manifest and mapping. What a manifest cannot say stays that of the original. `None` when
/// there is no such connector.
pub fn copy(of: &str, manifest: &str, mapping: &str) -> Option<Result<ManifestSource, DocumentError>> {
    let System { files, native, .. } = system(of)?;
    let Files { texts, icon, .. } = *files;
    Some(ManifestSource::new(&Files { manifest, mapping, texts, icon }, native()))
}

/// A connector whose files are broken is left out and named in the log; a test makes sure that none is.
fn loaded(source: Result<ManifestSource, DocumentError>) -> Option<Arc<dyn Source>> {
    match source {
        Ok(source) => Some(Arc::new(source)),
        Err(error) => {
            tracing::error!(%error, "a connector of this build cannot be loaded");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

    use kit::source::{StreamDescriptor, StreamKind};
    use std::{collections::BTreeSet, fs, path::Path};

    #[test]
    fn every_connector_is_loaded_and_speaks_both_languages() {
        let sources = super::registry();
        let ids: Vec<_> = sources.iter().map(|source| source.descriptor().id.as_str()).collect();
        let listed: Vec<_> = super::SYSTEMS.iter().map(|system| system.id).collect();
        let files = super::file_import::presets().iter().map(|preset| preset.id.as_str());
        let listed: Vec<_> = listed.into_iter().chain(files).chain([super::file_import::source::ANY]).collect();
        assert_eq!(ids, listed, "the registry and the manifests name the same connectors");
        let folders = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap();
        let with_manifest = folders.filter_map(|entry| {
            let folder = entry.unwrap().path();
            folder.join("manifest.yaml").exists().then(|| folder.file_name().unwrap().to_string_lossy().into_owned())
        });
        let (folders, listed): (BTreeSet<_>, BTreeSet<_>) =
            (with_manifest.collect(), super::SYSTEMS.iter().map(|system| system.id.to_owned()).collect());
        assert_eq!(folders, listed, "every folder with a manifest stands in the registry");
        for source in &sources {
            let descriptor = source.descriptor();
            let (ru, en) = (&descriptor.texts["ru"], &descriptor.texts["en"]);
            assert_eq!(ru.keys().collect::<Vec<_>>(), en.keys().collect::<Vec<_>>(), "{}", descriptor.id);
            for (key, text) in ru.iter().chain(en) {
                assert!(!text.trim().is_empty(), "{} {key}", descriptor.id);
            }
            let read = |it: &StreamDescriptor| matches!(it.kind, StreamKind::Statistics { .. });
            let by_file = source.files().is_some();
            let has_days = by_file || descriptor.streams.iter().any(read);
            assert_eq!(
                descriptor.keeps_statistics(),
                has_days,
                "{}: what it can do and its streams differ",
                descriptor.id
            );
            let streams = descriptor.streams.iter().map(|stream| format!("stream.{}", stream.name));
            let fields = descriptor.form["properties"].as_object().unwrap().iter();
            let shown = fields.filter(|(_, field)| field["airbyte_hidden"] != true);
            let titles = shown.flat_map(|(_, field)| [&field["title"], &field["description"]]);
            let titles = titles.filter_map(|title| title.as_str()).map(str::to_owned);
            for key in streams.chain(titles).chain(["name".to_owned(), "summary".to_owned()]) {
                assert!(ru.contains_key(&key), "{}: no text {key}", descriptor.id);
            }
            assert!(descriptor.icon_svg.contains("<svg"));
        }
    }
}
