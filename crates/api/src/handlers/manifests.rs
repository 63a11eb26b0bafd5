//! Manifests that a person brings along: what they would do, keeping them, changing them, and the files of our own to copy from.

use super::connectors::{info, local};
use crate::{
    folder::blocking,
    host::{Host, Workspace},
    registry::{Imported, Loaded},
    wire::{
        ConnectorRequest, Empty, Fidelity, FieldInfo, LocalText, ManifestFile, ManifestImport, ManifestProblem,
        ManifestReport, ManifestRevision, ManifestSaved, ManifestSource, ManifestStarter, ManifestText, ManifestUpdate,
        MappingField, MappingFieldInfo, MappingPreview, MappingPreviewRequest, MappingTable, MappingTableInfo,
        PreviewObject, PreviewStat, QuarantineRow, StreamMapping, StreamRemark, StreamReport,
    },
};
use manifest::{
    document::{self, DocumentError},
    json::Json,
    mapping::{self, Account},
    report::{self, FieldReport},
};
use model::{
    audit::AuditAction,
    failure::{Code, Failure},
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeMap;
use store::imported_connectors::ImportedConnector;

/// Largest manifest or mapping. The largest public one is a tenth of this.
const MAX_BYTES: usize = 8 << 20;
/// Longest name of a connector.
const MAX_NAME: usize = 80;
/// Records looked at in a preview.
const PREVIEW: usize = 1_000;

pub(crate) async fn manifest_inspect(host: &Host, request: ManifestText) -> Result<ManifestReport, Failure> {
    let copy_of = match (&request.copy_of, host.workspace().await) {
        (Some(of), Ok(workspace)) => original(&workspace, of)?,
        _ => None,
    };
    inspect(request, copy_of).await
}

pub(crate) async fn manifest_import(host: &Host, request: ManifestImport) -> Result<ManifestSaved, Failure> {
    let workspace = host.workspace().await?;
    let name = name(&request.name)?;
    let copy_of = match &request.copy_of {
        Some(of) => original(&workspace, of)?,
        None => None,
    };
    let id = free_id(&workspace, &name).await?;
    let saved = ImportedConnector {
        id,
        revision: 1,
        name,
        manifest: request.manifest,
        mapping: request.mapping.unwrap_or_default(),
        licence: said(request.licence),
        origin: said(request.origin),
        copy_of,
        saved_at: host.now(),
    };
    save(host, &workspace, saved, AuditAction::ConnectorImported).await
}

pub(crate) async fn manifest_update(host: &Host, request: ManifestUpdate) -> Result<ManifestSaved, Failure> {
    let workspace = host.workspace().await?;
    let before = workspace.store.imported_connector(&request.connector, None).await?;
    if before.revision != request.revision {
        return Err(Failure::new(Code::BadRequest).with("field", "revision").detail("it was changed meanwhile"));
    }
    let saved = ImportedConnector {
        revision: before.revision + 1,
        name: request.name.as_deref().map_or(Ok(before.name), name)?,
        manifest: request.manifest.unwrap_or(before.manifest),
        mapping: request.mapping.unwrap_or(before.mapping),
        licence: request.licence.map_or(before.licence, |licence| said(Some(licence))),
        origin: request.origin.map_or(before.origin, |origin| said(Some(origin))),
        saved_at: host.now(),
        ..before
    };
    save(host, &workspace, saved, AuditAction::ConnectorUpdated).await
}

pub(crate) async fn manifest_remove(host: &Host, request: ConnectorRequest) -> Result<Empty, Failure> {
    let workspace = host.workspace().await?;
    let saved = workspace.store.imported_connector(&request.connector, None).await?;
    let connections = workspace.store.delete_imported_connector(&request.connector).await?;
    if connections > 0 {
        return Err(Failure::new(Code::ConnectorInUse).with("connector", saved.name).with("connections", connections));
    }
    workspace.registry.remove(&request.connector);
    workspace.audit(host.now(), AuditAction::ConnectorRemoved, &saved.name).await?;
    Ok(Empty {})
}

pub(crate) async fn manifest_starter(_: &Host, _: Empty) -> Result<ManifestStarter, Failure> {
    let (ru, en) = connectors::starter::starters();
    let both = |ru: &str, en: &str| LocalText { ru: ru.to_owned(), en: en.to_owned() };
    Ok(ManifestStarter { manifest: both(&ru.manifest, &en.manifest), mapping: both(&ru.mapping, &en.mapping) })
}

pub(crate) async fn manifest_source(host: &Host, request: ConnectorRequest) -> Result<ManifestSource, Failure> {
    if let Some(files) = connectors::files(&request.connector) {
        let source = host.inner.registry.get(&request.connector);
        let source = source.ok_or_else(|| Failure::new(Code::NotFound).with("what", &request.connector))?;
        return Ok(ManifestSource {
            name: local(source.descriptor(), "name"),
            connector: request.connector,
            manifest: files.manifest.to_owned(),
            mapping: files.mapping.to_owned(),
            imported: None,
            revisions: Vec::new(),
        });
    }
    let workspace = host.workspace().await?;
    let saved = workspace.store.imported_connector(&request.connector, request.revision).await?;
    let revisions = workspace.store.connector_revisions(&request.connector).await?;
    Ok(ManifestSource {
        name: LocalText { ru: saved.name.clone(), en: saved.name.clone() },
        imported: Some(info(&saved)),
        connector: saved.id,
        manifest: saved.manifest,
        mapping: saved.mapping,
        revisions: revisions
            .into_iter()
            .map(|revision| ManifestRevision { revision: revision.revision, saved_at: revision.saved_at })
            .collect(),
    })
}

pub(crate) async fn mapping_preview(_: &Host, request: MappingPreviewRequest) -> Result<MappingPreview, Failure> {
    blocking(move || Ok(preview(request))).await
}

fn preview(request: MappingPreviewRequest) -> MappingPreview {
    let mut shown = MappingPreview { stats: vec![], objects: vec![], rejected: vec![], problems: vec![] };
    let mut mappings = match load_mapping(&request.mapping) {
        Ok(mappings) => mappings,
        Err(error) => {
            shown.problems.push(problem(error));
            return shown;
        }
    };
    let Some(mapping) = mappings.remove(&request.stream) else { return shown };
    let records: Vec<Json> = request.records.into_iter().take(PREVIEW).map(Json::from).collect();
    let batch = mapping.rows(&records, &Account { currency: request.currency, vat: request.vat, window: None });
    let stats = batch.stats.into_iter().map(|row| PreviewStat {
        external_id: row.external_id,
        level: row.level,
        date: row.date,
        breakdown: row.breakdown,
        impressions: row.impressions,
        clicks: row.clicks,
        cost: row.cost,
        currency: row.currency,
        conversions: row.conversions,
        revenue: row.revenue,
    });
    let objects = batch.objects.into_iter().map(|row| PreviewObject {
        external_id: row.external_id,
        level: row.level,
        parent_external_id: row.parent_external_id,
        name: row.name,
        status: row.status,
    });
    shown.stats = stats.collect();
    shown.objects = objects.collect();
    shown.rejected = batch.rejected.into_iter().map(QuarantineRow::from).collect();
    shown
}

/// An empty mapping maps nothing.
fn load_mapping(text: &str) -> Result<BTreeMap<String, mapping::Mapping>, DocumentError> {
    if text.trim().is_empty() { Ok(BTreeMap::new()) } else { mapping::load(text) }
}

/// Checks, saves and puts into use.
async fn save(
    host: &Host,
    workspace: &Workspace,
    saved: ImportedConnector,
    action: AuditAction,
) -> Result<ManifestSaved, Failure> {
    size(&saved.manifest)?;
    size(&saved.mapping)?;
    let candidate = saved.clone();
    let imported = blocking(move || Imported::load(candidate).map_err(|error| failure(&error))).await?;
    let report = wire_report(&imported.report, &saved.name, mapped(&saved.mapping));
    workspace.store.save_imported_connector(&saved).await?;
    workspace.registry.put(imported);
    workspace.audit(host.now(), action, &saved.name).await?;
    Ok(ManifestSaved { connector: saved.id, revision: saved.revision, report })
}

async fn inspect(request: ManifestText, copy_of: Option<String>) -> Result<ManifestReport, Failure> {
    size(&request.manifest)?;
    size(request.mapping.as_deref().unwrap_or_default())?;
    blocking(move || {
        let mapping = request.mapping.unwrap_or_default();
        let found = report::inspect(&request.manifest);
        let file_name = request.file_name.as_deref().map(name_of_file).unwrap_or_default();
        let mut shown = match &found {
            Ok(found) => wire_report(found, found.name.as_deref().unwrap_or(&file_name), mapped(&mapping)),
            Err(_) => nothing(file_name),
        };
        // What a copy needs beyond the format, and the mapping, are checked by loading it as it would be.
        let loaded = Loaded::load("draft", &shown.name, (&request.manifest, &mapping), copy_of.as_deref());
        if let Some(error) = found.err().or(loaded.err()) {
            shown.problems.push(problem(error));
        }
        Ok(shown)
    })
    .await
}

fn nothing(name: String) -> ManifestReport {
    ManifestReport {
        name,
        version: String::new(),
        licence: None,
        origin: None,
        docs_url: None,
        description: None,
        form: Value::Object(serde_json::Map::new()),
        secrets: Vec::new(),
        streams: Vec::new(),
        generates_streams: false,
        mapping: Vec::new(),
        tables: tables(),
        problems: Vec::new(),
    }
}

fn wire_report(found: &report::Report, name: &str, mapping: Vec<StreamMapping>) -> ManifestReport {
    let remark = |remark: &report::Remark| StreamRemark {
        component: remark.component.clone(),
        path: remark.path.clone(),
        message: remark.message.clone(),
    };
    let stream = |stream: &report::StreamReport| StreamReport {
        name: stream.name.clone(),
        fidelity: match stream.fidelity {
            report::Fidelity::Runs => Fidelity::Runs,
            report::Fidelity::RunsWithout => Fidelity::RunsWithout,
            report::Fidelity::Unavailable => Fidelity::Unavailable,
        },
        remarks: stream.remarks.iter().map(remark).collect(),
        fields: fields(&stream.fields),
        primary_key: stream.primary_key.clone(),
        cursor_field: stream.cursor_field.clone(),
        incremental: stream.incremental,
    };
    ManifestReport {
        version: found.version.clone(),
        licence: found.licence.clone(),
        origin: found.origin.clone(),
        docs_url: found.docs_url.clone(),
        description: found.description.clone(),
        form: found.form.clone(),
        secrets: found.secrets.clone(),
        streams: found.streams.iter().map(stream).collect(),
        generates_streams: found.generates_streams,
        mapping,
        ..nothing(name.to_owned())
    }
}

/// Fields for the screens.
pub(crate) fn fields(found: &[FieldReport]) -> Vec<FieldInfo> {
    found.iter().map(|field| FieldInfo { path: field.path.clone(), kind: field.kind.clone() }).collect()
}

/// What a mapping says, as far as it can be read: the editor shows it, and loading it finds its mistakes.
fn mapped(text: &str) -> Vec<StreamMapping> {
    fn word<T: DeserializeOwned>(value: Option<&Value>) -> Option<T> {
        serde_json::from_value(value?.clone()).ok()
    }
    let parsed = document::parse(text).unwrap_or_default().general();
    let streams = parsed.get("streams").and_then(Value::as_object).into_iter().flatten();
    let mapped = streams.filter_map(|(stream, mapping)| {
        Some(StreamMapping {
            stream: stream.clone(),
            to: word(mapping.get("to"))?,
            level: word(mapping.get("level"))?,
            fields: word(mapping.get("fields")).unwrap_or_default(),
            status: word(mapping.get("status")),
            breakdown: word(mapping.get("breakdown")),
        })
    });
    mapped.collect()
}

/// The tables and their fields, as `mapping.yaml` names them.
fn tables() -> Vec<MappingTableInfo> {
    let fields = |fields: &[(MappingField, &str, bool)]| {
        let fields = fields.iter().map(|(field, name, required)| MappingFieldInfo {
            field: *field,
            name: (*name).to_owned(),
            required: *required,
        });
        fields.collect()
    };
    vec![
        MappingTableInfo {
            table: MappingTable::CampaignStats,
            fields: fields(&[
                (MappingField::ExternalId, "external_id", true),
                (MappingField::Date, "date", true),
                (MappingField::Impressions, "impressions", false),
                (MappingField::Clicks, "clicks", false),
                (MappingField::Cost, "cost", false),
                (MappingField::Conversions, "conversions", false),
                (MappingField::Revenue, "revenue", false),
                (MappingField::Currency, "currency", false),
            ]),
        },
        MappingTableInfo {
            table: MappingTable::AdObjects,
            fields: fields(&[
                (MappingField::ExternalId, "external_id", true),
                (MappingField::Parent, "parent", false),
                (MappingField::Name, "name", false),
            ]),
        },
    ]
}

/// Which file an error is about: mistakes of a mapping name it first.
fn place(error: &DocumentError) -> (ManifestFile, &str) {
    match error.path.strip_prefix("mapping.yaml") {
        Some(path) => (ManifestFile::Mapping, path.trim_start_matches('/')),
        None => (ManifestFile::Manifest, error.path.as_str()),
    }
}

fn problem(error: DocumentError) -> ManifestProblem {
    let (file, path) = place(&error);
    ManifestProblem { file, path: path.to_owned(), message: error.message }
}

/// An error of a document as a failure of a command.
pub(crate) fn failure(error: &DocumentError) -> Failure {
    let (file, path) = place(error);
    let code = match file {
        ManifestFile::Manifest => Code::ManifestInvalid,
        ManifestFile::Mapping => Code::MappingInvalid,
    };
    Failure::new(code).with("path", path).detail(&error.message)
}

/// The connector of ours behind a connector: itself, or the one that an imported one is a copy of.
pub(crate) fn original(workspace: &Workspace, id: &str) -> Result<Option<String>, Failure> {
    if connectors::files(id).is_some() {
        return Ok(Some(id.to_owned()));
    }
    let imported = workspace.registry.imported(id);
    let imported = imported.ok_or_else(|| Failure::new(Code::NotFound).with("what", id))?;
    Ok(imported.saved.copy_of.clone())
}

fn size(text: &str) -> Result<(), Failure> {
    if text.len() > MAX_BYTES {
        return Err(Failure::new(Code::FileTooLarge).with("bytes", text.len()).with("limit", MAX_BYTES));
    }
    Ok(())
}

fn name(text: &str) -> Result<String, Failure> {
    let name = text.trim();
    if name.is_empty() || name.chars().count() > MAX_NAME {
        return Err(Failure::new(Code::SettingInvalid).with("field", "name"));
    }
    Ok(name.to_owned())
}

/// What a person said, unless it is nothing.
fn said(text: Option<String>) -> Option<String> {
    text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// `source-calendly.yaml` is about Calendly; `manifest.yaml` says nothing.
fn name_of_file(file: &str) -> String {
    let stem = file.rsplit(['/', '\\']).next().unwrap_or_default().split('.').next().unwrap_or_default();
    let words = stem.split(['-', '_', ' ']).filter(|word| !["", "source", "manifest"].contains(word));
    let words = words.map(|word| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>()).unwrap_or_default()
    });
    words.collect::<Vec<_>>().join(" ")
}

/// An id that nothing has: a slug of the name, readable in logs and budgets.
async fn free_id(workspace: &Workspace, name: &str) -> Result<String, Failure> {
    let words = name.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let slug: String = words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("_").chars().take(40).collect();
    let slug = if slug.is_empty() { "own_connector".to_owned() } else { format!("own_{slug}") };
    let taken: Vec<String> =
        workspace.store.imported_connectors().await?.into_iter().map(|connector| connector.id).collect();
    let mut id = slug.clone();
    let mut number = 2;
    while taken.contains(&id) || workspace.registry.get(&id).is_some() {
        id = format!("{slug}_{number}");
        number += 1;
    }
    Ok(id)
}
