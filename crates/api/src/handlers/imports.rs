//! File import: the way in for systems that publish no interface, and the manual fallback when a platform is down.

use crate::{
    host::{Host, Workspace},
    imports::{by_file, checked, known, layout, preview, typed},
    wire::{
        ApiError, ConnectionDetail, FileSource, FolderState, FolderWatch, ImportCheck, ImportChecked, ImportCommit,
        ImportOpen, ImportPreview, RefusedFile, RunStarted,
    },
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use connectors::file_import::{self, Import, Layout, preset};
use model::{
    ad::Level,
    audit::AuditAction,
    connection::{Connection, ConnectionState},
    failure::{Code, Failure},
    id::ConnectionId,
    schedule::Schedule,
    settings::Settings,
};
use std::{fs, path::PathBuf};
use store::{Scope, slices::Part};

pub(crate) async fn import_open(host: &Host, request: ImportOpen) -> Result<ImportPreview, Failure> {
    let workspace = host.workspace().await?;
    // Four characters carry three bytes; this refuses before decoding what could not be read anyway.
    if request.content_base64.len() / 4 * 3 > file_import::MAX_BYTES + 3 {
        let bytes = request.content_base64.len() / 4 * 3;
        return Err(Failure::new(Code::FileTooLarge).with("bytes", bytes).with("limit", file_import::MAX_BYTES));
    }
    let connector = request.connector;
    let table = crate::folder::blocking(move || {
        let bytes = STANDARD
            .decode(request.content_base64)
            .map_err(|error| Failure::new(Code::BadRequest).with("field", "content_base64").caused_by(error))?;
        file_import::open(&request.name, &bytes)
    })
    .await?;
    let (id, table) = workspace.uploads.add(table);
    let mut sources = known(&table, workspace.store.connections(Scope::Portfolio).await?);
    if let Some(connector) = &connector {
        sources.retain(|source| source.connector == *connector);
    }
    Ok(preview(id, &table, connector.as_deref().and_then(preset), sources))
}

pub(crate) async fn import_check(host: &Host, request: ImportCheck) -> Result<ImportChecked, Failure> {
    let workspace = host.workspace().await?;
    let import = read(&workspace, &request).await?;
    let replaces = match (existing(&workspace, &request).await?, import.range) {
        (Some(connection), Some(range)) => {
            workspace.store.stats_in_range(connection.id, import.level, &Part::All, range).await?
        }
        _ => 0,
    };
    Ok(checked(&import, replaces))
}

pub(crate) async fn import_commit(host: &Host, request: ImportCommit) -> Result<RunStarted, Failure> {
    let workspace = host.workspace().await?;
    let check = request.check;
    let import = read(&workspace, &check).await?;
    let rows = import.rows()?;
    let mut connection = match existing(&workspace, &check).await? {
        Some(connection) => connection,
        None => create(host, &workspace, &check, rows.level).await?,
    };
    // What was agreed holds for the next file of this source.
    layout(&*workspace.uploads.get(check.upload_id)?, &check).keep_in(&mut connection.config);
    connection.currency = check.currency;
    connection.settings.vat = check.vat;
    workspace.store.update_connection(&connection).await?;
    // What was refused for other columns may fit now.
    workspace.store.forget_refused_files(connection.id).await?;
    workspace.store.set_totals_level(connection.id, rows.level).await?;
    let run = sync::import::commit(&workspace.store, connection.id, rows, host.now()).await?;
    workspace.audit(host.now(), AuditAction::ImportCommitted, &connection.account_name).await?;
    Ok(RunStarted { run_ids: vec![run] })
}

/// Names the folder from which a connection takes files by itself, or lets it have none.
pub(crate) async fn folder_watch(host: &Host, request: FolderWatch) -> Result<ConnectionDetail, Failure> {
    let workspace = host.workspace().await?;
    let connection = workspace.store.connection(request.id).await?;
    let path = match request.path.as_deref().map(str::trim) {
        Some(path) => Some(folder(&workspace, &connection, path).await?),
        None => None,
    };
    workspace.store.watch_folder(connection.id, path.as_deref()).await?;
    workspace.audit(host.now(), AuditAction::ConnectionUpdated, &connection.account_name).await?;
    super::connections::detail(host, &workspace, connection.id).await
}

/// A folder that can be watched for a connection: it is there, nobody else watches it, and what its files mean is agreed.
async fn folder(workspace: &Workspace, connection: &Connection, path: &str) -> Result<String, Failure> {
    let invalid = |field: &str| Failure::new(Code::SettingInvalid).with("field", field);
    if !by_file(&connection.connector) {
        return Err(Failure::new(Code::BadRequest).with("field", "connector"));
    }
    if Layout::of_config(&connection.config).is_none() {
        return Err(invalid("columns"));
    }
    let wanted = PathBuf::from(path);
    if !wanted.is_absolute() {
        return Err(invalid("path"));
    }
    let folder = crate::folder::blocking(move || {
        let read = wanted.canonicalize().and_then(|folder| fs::read_dir(&folder).map(|_| folder));
        read.map_err(|error| {
            Failure::new(Code::FileAccess).with("path", wanted.display()).detail(&error).caused_by(error)
        })
    })
    .await?;
    let folder = folder.into_os_string().into_string().map_err(|_| invalid("path"))?;
    for other in workspace.store.watched_folders(Scope::Portfolio).await? {
        if other.path == folder && other.connection_id != connection.id {
            let taken = workspace.store.connection(other.connection_id).await?.account_name;
            return Err(invalid("path").with("taken", taken));
        }
    }
    Ok(folder)
}

/// What is known of a connection's files; `None` when it is asked over the network.
pub(crate) async fn file_source(workspace: &Workspace, connection: &Connection) -> Result<Option<FileSource>, Failure> {
    if !by_file(&connection.connector) {
        return Ok(None);
    }
    let watched = workspace.store.watched_folders(Scope::Client(connection.client_id)).await?;
    let folder = match watched.into_iter().find(|folder| folder.connection_id == connection.id) {
        Some(folder) => {
            let files = workspace.store.watched_files(connection.id).await?;
            let taken = files.iter().filter(|file| file.failure.is_none()).count();
            let refused = files.into_iter().filter_map(|file| {
                let failure = ApiError::from(file.failure.as_ref()?);
                Some(RefusedFile { name: file.name, failure, run_id: file.run_id, at: file.seen_at })
            });
            Some(FolderState {
                path: folder.path,
                failure: folder.failure.as_ref().map(ApiError::from),
                taken: super::convert::small(taken as u64),
                refused: refused.collect(),
            })
        }
        None => None,
    };
    Ok(Some(FileSource { agreed: Layout::of_config(&connection.config).is_some(), folder }))
}

async fn read(workspace: &Workspace, check: &ImportCheck) -> Result<Import, Failure> {
    if !by_file(&check.connector) {
        return Err(Failure::new(Code::BadRequest).with("field", "connector"));
    }
    if check.source_name.trim().is_empty() {
        return Err(Failure::new(Code::SettingInvalid).with("field", "source_name"));
    }
    typed(workspace.uploads.get(check.upload_id)?, check).await
}

/// The connection that earlier files of this source went to.
async fn existing(workspace: &Workspace, check: &ImportCheck) -> Result<Option<Connection>, Failure> {
    let name = check.source_name.trim();
    let all = workspace.store.connections(Scope::Client(check.client_id)).await?;
    Ok(all
        .into_iter()
        .find(|connection| connection.connector == check.connector && connection.account_external_id == name))
}

async fn create(host: &Host, workspace: &Workspace, check: &ImportCheck, level: Level) -> Result<Connection, Failure> {
    let client = workspace.store.client(check.client_id).await?;
    let name = check.source_name.trim().to_owned();
    let connection = Connection {
        id: ConnectionId::new(),
        client_id: client.id,
        connector: check.connector.clone(),
        account_external_id: name.clone(),
        account_name: name,
        currency: check.currency,
        time_zone: client.time_zone,
        config: serde_json::Map::new(),
        state: ConnectionState::Active,
        first_load_days: 1,
        settings: Settings {
            schedule: Schedule::Off,
            vat: check.vat,
            in_totals: workspace
                .registry
                .get(&check.connector)
                .map(|source| source.descriptor().in_totals())
                .unwrap_or_default(),
            ..Settings::default()
        },
        follows: None,
        created_at: host.now(),
    };
    workspace.store.insert_connection(&connection, level).await?;
    workspace.audit(host.now(), AuditAction::ConnectionCreated, &connection.account_name).await?;
    Ok(connection)
}
