//! Records of streams that are kept as they come: listed, searched and exported.

use super::{
    manifests::fields,
    stats::{file_name, guarded},
};
use crate::{
    host::Host,
    wire::{
        ById, ExportedFile, FieldInfo, FileKind, RecordExport, RecordFilter, RecordList, RecordPage, RecordRow,
        RecordStream,
    },
};
use kit::source::StreamKind;
use manifest::report::fields_of;
use model::{
    audit::AuditAction,
    failure::{Code, Failure},
    id::ConnectionId,
};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use store::records::{RecordQuery, StoredRecord};

/// Most records of a page.
const PAGE: u32 = 500;

pub(crate) async fn record_streams(host: &Host, request: ById<ConnectionId>) -> Result<Vec<RecordStream>, Failure> {
    let workspace = host.workspace().await?;
    let connection = workspace.store.connection(request.id).await?;
    let mut counts: BTreeMap<String, u64> =
        workspace.store.record_streams(connection.id).await?.into_iter().map(|row| (row.stream, row.count)).collect();
    let imported = workspace.registry.imported(&connection.connector);
    let mut streams = Vec::new();
    let source = workspace.registry.get(&connection.connector);
    for stream in source.iter().flat_map(|source| &source.descriptor().streams) {
        let StreamKind::Records { incremental } = stream.kind else { continue };
        let known = imported.as_ref().and_then(|it| it.report.streams.iter().find(|it| it.name == stream.name));
        streams.push(RecordStream {
            count: counts.remove(&stream.name).unwrap_or_default(),
            stream: stream.name.clone(),
            fields: known.map(|known| fields(&known.fields)).unwrap_or_default(),
            primary_key: known.map(|known| known.primary_key.clone()).unwrap_or_default(),
            incremental,
        });
    }
    // Records outlive their stream: a manifest may have lost it, or a mapping may have taken it over.
    streams.extend(counts.into_iter().map(|(stream, count)| RecordStream {
        stream,
        count,
        fields: Vec::new(),
        primary_key: Vec::new(),
        incremental: false,
    }));
    Ok(streams)
}

pub(crate) async fn records_list(host: &Host, request: RecordList) -> Result<RecordPage, Failure> {
    let workspace = host.workspace().await?;
    let field = path(&request.filter);
    let query = query(&request.filter, field.as_deref());
    let limit = request.limit.clamp(1, PAGE);
    let mut records =
        workspace.store.records(query, request.after, request.skip.unwrap_or_default(), limit + 1).await?;
    let more = records.len() > limit as usize;
    records.truncate(limit as usize);
    let total = workspace.store.records_count(query).await?;
    let records = records.into_iter().map(row).collect::<Result<Vec<_>, _>>()?;
    let fields = seen(records.iter().map(|record| &record.data));
    Ok(RecordPage { records, total, more, fields })
}

/// All records that a filter means. As CSV a top-level field is a column and what is nested stays JSON text.
pub(crate) async fn records_export(host: &Host, request: RecordExport) -> Result<ExportedFile, Failure> {
    let workspace = host.workspace().await?;
    let connection = workspace.store.connection(request.filter.connection_id).await?;
    let field = path(&request.filter);
    let query = query(&request.filter, field.as_deref());
    let (content, mime, extension) = match request.kind {
        FileKind::Csv => (csv(&workspace.store, query).await?, "text/csv", "csv"),
        FileKind::Json => {
            let mut content = String::from("[");
            workspace
                .store
                .each_record(query, |record| {
                    content.push_str(if content.len() > 1 { ",\n" } else { "\n" });
                    content.push_str(&record.data);
                })
                .await?;
            content.push_str("\n]\n");
            (content, "application/json", "json")
        }
        FileKind::Tsv | FileKind::Xlsx => return Err(Failure::new(Code::BadRequest).with("field", "kind")),
    };
    let subject = format!("{}: {}", connection.account_name, request.filter.stream);
    workspace.audit(host.now(), AuditAction::RecordsExported, &subject).await?;
    let day = host.now().date_naive();
    let name =
        format!("{} {} {day}.{extension}", file_name(&connection.account_name), file_name(&request.filter.stream));
    Ok(ExportedFile { name, mime: mime.to_owned(), content })
}

async fn csv(store: &store::Store, query: RecordQuery<'_>) -> Result<String, Failure> {
    let broken = || Failure::new(Code::Internal).detail("the export could not be written");
    // Twice through the records: the columns of a schemaless stream are known when the last one was seen.
    let mut columns: Vec<String> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    store
        .each_record(query, |record| {
            if let Ok(Value::Object(fields)) = serde_json::from_str(&record.data) {
                for (name, _) in fields {
                    if !places.contains_key(&name) {
                        places.insert(name.clone(), columns.len());
                        columns.push(name);
                    }
                }
            }
        })
        .await?;
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut fine = writer.write_record(columns.iter().map(|column| guarded(column))).is_ok();
    store
        .each_record(query, |record| {
            let Ok(Value::Object(fields)) = serde_json::from_str(&record.data) else { return };
            let mut cells = vec![String::new(); columns.len()];
            for (name, value) in fields {
                if let Some(place) = places.get(&name) {
                    cells[*place] = match value {
                        Value::Null => String::new(),
                        Value::String(text) => guarded(&text),
                        other => other.to_string(),
                    };
                }
            }
            fine &= columns.is_empty() || writer.write_record(cells).is_ok();
        })
        .await?;
    let bytes = writer.into_inner().ok().filter(|_| fine).ok_or_else(broken)?;
    String::from_utf8(bytes).map_err(|_| broken())
}

fn path(filter: &RecordFilter) -> Option<Vec<String>> {
    let field = filter.field.as_deref().filter(|field| !field.is_empty())?;
    Some(field.split('.').map(str::to_owned).collect())
}

fn query<'a>(filter: &'a RecordFilter, field: Option<&'a [String]>) -> RecordQuery<'a> {
    RecordQuery {
        connection_id: filter.connection_id,
        stream: &filter.stream,
        text: filter.text.as_deref().map(str::trim).filter(|text| !text.is_empty()),
        field,
    }
}

fn row(record: StoredRecord) -> Result<RecordRow, Failure> {
    let data = serde_json::from_str(&record.data)
        .map_err(|error| Failure::new(Code::Internal).detail("a record is not JSON").caused_by(error))?;
    Ok(RecordRow { number: record.number, key: record.key, data, read_at: record.read_at })
}

fn seen<'a>(records: impl Iterator<Item = &'a Value>) -> Vec<FieldInfo> {
    let records: Vec<Value> = records.cloned().collect();
    fields(&fields_of(&records))
}
