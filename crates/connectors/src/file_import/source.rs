//! What comes as files, as entries of the catalogue: any system, and each that has a [`Preset`]. They have no streams, because there is
//! nobody to ask: their rows come through [`super::read`] when a file is handed over.

use super::{Layout, MAX_BYTES, Mapping, Preset};
use async_trait::async_trait;
use chrono::NaiveDate;
use kit::{
    session::Session,
    source::{Account, AccountSample, CheckEvent, Descriptor, FileReader, FileRows, Sink, Slice, Source},
};
use model::{
    connection::Connection,
    date::DateRange,
    failure::{Code, Failure},
};
use std::collections::BTreeMap;

/// The connector of files from any system.
pub const ANY: &str = "file_import";

/// A system of the catalogue whose statistics come as files.
pub struct FileImport {
    descriptor: Descriptor,
}

impl FileImport {
    /// Files from any system, with the texts that lie beside this file.
    pub fn any() -> Self {
        let texts = [("ru", include_str!("texts.ru.json")), ("en", include_str!("texts.en.json"))];
        // Both files are part of the build, and a test reads them.
        let texts = texts.into_iter().map(|(language, text)| (language.to_owned(), read(text))).collect();
        Self::entry(ANY, "files", include_str!("icon.svg").to_owned(), texts)
    }

    /// Files of a system that has a preset.
    pub fn of(preset: &Preset) -> Self {
        Self::entry(&preset.id, &preset.category, preset.icon_svg(), preset.texts.clone())
    }

    fn entry(id: &str, category: &str, icon_svg: String, texts: BTreeMap<String, BTreeMap<String, String>>) -> Self {
        Self {
            descriptor: Descriptor {
                id: id.to_owned(),
                category: category.to_owned(),
                capabilities: vec!["statistics".to_owned()],
                icon_svg,
                form: serde_json::json!({ "type": "object", "properties": {} }),
                texts,
                streams: Vec::new(),
                first_load_days: 0,
                max_history_days: 0,
                final_after_days: 0,
                time_zone: None,
                shared_limits: false,
                docs_url: None,
            },
        }
    }
}

fn read(text: &str) -> BTreeMap<String, String> {
    serde_json::from_str(text).unwrap_or_default()
}

fn not_read() -> Failure {
    Failure::new(Code::BadRequest).with("field", "connector")
}

impl FileReader for FileImport {
    fn most_bytes(&self) -> u64 {
        MAX_BYTES as u64
    }

    fn read_file(&self, connection: &Connection, name: &str, bytes: &[u8]) -> Result<FileRows, Failure> {
        let layout = Layout::of_config(&connection.config)
            .ok_or_else(|| Failure::new(Code::SettingInvalid).with("field", "columns"))?;
        let table = super::open(name, bytes)?;
        let mapping = Mapping {
            fields: layout.fields(&table)?,
            currency: connection.currency,
            vat: connection.settings.vat,
            source_name: connection.account_external_id.clone(),
        };
        super::read(&table, &mapping)?.rows()
    }
}

#[async_trait]
impl Source for FileImport {
    fn files(&self) -> Option<&dyn FileReader> {
        Some(self)
    }
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }
    async fn accounts(&self, _: &Session, _: &(dyn Fn(CheckEvent) + Send + Sync)) -> Result<Vec<Account>, Failure> {
        Err(not_read())
    }
    async fn sample(&self, _: &Session, _: NaiveDate) -> Result<AccountSample, Failure> {
        Err(not_read())
    }
    fn slices(&self, _: &str, _: DateRange) -> Result<Vec<Slice>, Failure> {
        Err(not_read())
    }
    async fn read(&self, _: &Session, _: &Slice, _: &mut dyn Sink) -> Result<(), Failure> {
        Err(not_read())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_texts_are_there_in_both_languages() {
        let import = FileImport::any();
        for language in ["ru", "en"] {
            for key in ["name", "summary", "sign_in_help"] {
                let text = import.descriptor().texts.get(language).and_then(|texts| texts.get(key));
                assert!(text.is_some_and(|text| !text.is_empty()), "{language} {key}");
            }
        }
    }
}
