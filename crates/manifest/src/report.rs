//! The fidelity report: what a manifest would do here, before anybody trusts it with a key. Per stream it says whether it runs as it does
//! in the format's own runtime, runs with a soft part left out, or is unavailable because of something named.
//!
//! What the format has no word for (name, licence, origin) is guessed from where authors are used to writing it, and the person
//! corrects the guess.

use crate::{
    components::Fault,
    connector::{Connector, Declared, Note},
    document::DocumentError,
    imported::secret_fields,
    json::Json,
};
use indexmap::IndexMap;
use serde_json::Value as General;

/// Deepest field that is listed.
const DEPTH: usize = 4;
/// Most fields that are listed for a stream.
const FIELDS: usize = 400;

/// What is known of a manifest without asking anybody.
#[derive(Debug, Clone)]
pub struct Report {
    /// The version of the format that it was written for.
    pub version: String,
    /// A name for the catalogue, if one can be guessed.
    pub name: Option<String>,
    /// Its licence, if it says one.
    pub licence: Option<String>,
    /// Where it is from, if it says so.
    pub origin: Option<String>,
    /// The vendor's or the author's documentation.
    pub docs_url: Option<String>,
    /// What it says about itself.
    pub description: Option<String>,
    /// JSON Schema of the connection form.
    pub form: General,
    /// Names of the form's secret fields; nested ones with points.
    pub secrets: Vec<String>,
    /// The streams in its order.
    pub streams: Vec<StreamReport>,
    /// Whether it has streams that are found out by asking the platform, so that the list is not the whole.
    pub generates_streams: bool,
}

/// What one stream would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamReport {
    /// Its name.
    pub name: String,
    /// How true it is to the manifest.
    pub fidelity: Fidelity,
    /// What is left out, or why it cannot be read.
    pub remarks: Vec<Remark>,
    /// Fields of its schema.
    pub fields: Vec<FieldReport>,
    /// Its primary key, paths with points.
    pub primary_key: Vec<String>,
    /// The field its state counts by.
    pub cursor_field: Option<String>,
    /// Whether it continues where it stopped.
    pub incremental: bool,
}

/// How true a stream is to its manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fidelity {
    /// Runs.
    Runs,
    /// Runs; something that does not change its records is left out.
    RunsWithout,
    /// Does not run.
    Unavailable,
}

/// A part of the document and what there is to say of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// The component's type, class or field; `None` when the document itself is wrong there.
    pub component: Option<String>,
    /// Where it stands.
    pub path: String,
    /// What is wrong and what to write instead; empty where the component says it all.
    pub message: String,
}

/// A field of a stream's schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldReport {
    /// Names from the outside in, with points.
    pub path: String,
    /// Its type in JSON Schema's words, several joined by `|`.
    pub kind: String,
}

/// Reports on a manifest. Fails on what is wrong with the document as a whole.
pub fn inspect(text: &str) -> Result<Report, DocumentError> {
    Ok(report(text, &Connector::load(text)?))
}

/// Reports on a manifest that is loaded already; `text` is its text, whose comments may say what the format cannot.
pub fn report(text: &str, connector: &Connector) -> Report {
    let document = connector.document();
    let word = |pointer: &str| {
        document.pointer(pointer).and_then(Json::as_str).map(str::trim).filter(|it| !it.is_empty()).map(str::to_owned)
    };
    let docs_url = word("/spec/documentation_url");
    let form = connector.form().general();
    let head: Vec<&str> =
        text.lines().take_while(|line| line.trim().is_empty() || line.starts_with('#')).map(str::trim).collect();
    Report {
        version: word("/version").unwrap_or_default(),
        name: word("/metadata/name")
            .or_else(|| docs_url.as_deref().and_then(name_of_docs))
            .or_else(|| word("/spec/connection_specification/title").map(|title| plain_title(&title))),
        licence: word("/metadata/license").or_else(|| word("/metadata/licence")).or_else(|| licence(&head)),
        origin: word("/metadata/origin").or_else(|| head.iter().find_map(|line| address(line))),
        description: word("/description"),
        docs_url,
        secrets: secret_fields(&form),
        form,
        streams: connector.declared().iter().map(stream).collect(),
        generates_streams: document
            .get("dynamic_streams")
            .and_then(Json::as_array)
            .is_some_and(|templates| !templates.is_empty()),
    }
}

fn stream(declared: &Declared) -> StreamReport {
    let mut remarks: Vec<Remark> = declared.notes.iter().map(note).collect();
    let fidelity = match &declared.stream {
        Err(fault) => {
            remarks.insert(0, remark(fault));
            Fidelity::Unavailable
        }
        Ok(_) if remarks.is_empty() => Fidelity::Runs,
        Ok(_) => Fidelity::RunsWithout,
    };
    let mut fields = Vec::new();
    collect_fields(&declared.schema, "", 0, &mut fields);
    StreamReport {
        name: declared.name.clone(),
        fidelity,
        remarks,
        fields,
        primary_key: declared.primary_key.iter().map(|path| path.join(".")).collect(),
        cursor_field: declared.cursor_field.clone(),
        incremental: declared.incremental,
    }
}

fn note(note: &Note) -> Remark {
    Remark { component: Some(note.component.clone()), path: note.path.clone(), message: String::new() }
}

/// What a fault says, taken apart.
pub fn remark(fault: &Fault) -> Remark {
    match fault {
        Fault::Invalid(error) => Remark { component: None, path: error.path.clone(), message: error.message.clone() },
        Fault::Unsupported { component, path } => {
            Remark { component: Some(component.clone()), path: path.clone(), message: String::new() }
        }
    }
}

fn collect_fields(schema: &Json, prefix: &str, depth: usize, found: &mut Vec<FieldReport>) {
    for (name, field) in schema.get("properties").and_then(Json::as_object).into_iter().flatten() {
        if found.len() >= FIELDS {
            return;
        }
        let path = if prefix.is_empty() { name.to_string() } else { format!("{prefix}.{name}") };
        let kind = match field.get("type") {
            Some(Json::String(kind)) => kind.to_string(),
            Some(Json::Array(kinds)) => {
                kinds.iter().filter_map(Json::as_str).filter(|kind| *kind != "null").collect::<Vec<_>>().join("|")
            }
            _ => String::new(),
        };
        found.push(FieldReport { path: path.clone(), kind });
        if depth < DEPTH {
            collect_fields(field, &path, depth + 1, found);
        }
    }
}

/// The fields that records have, in the order they are met.
pub fn fields_of(records: &[General]) -> Vec<FieldReport> {
    fn kind(value: &General) -> &'static str {
        match value {
            General::Null => "",
            General::Bool(_) => "boolean",
            General::Number(number) if number.is_f64() => "number",
            General::Number(_) => "integer",
            General::String(_) => "string",
            General::Array(_) => "array",
            General::Object(_) => "object",
        }
    }
    fn collect(value: &General, prefix: &str, depth: usize, found: &mut IndexMap<String, Vec<&'static str>>) {
        for (name, value) in value.as_object().into_iter().flatten() {
            let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
            if !found.contains_key(&path) && found.len() >= FIELDS {
                return;
            }
            let kinds = found.entry(path.clone()).or_default();
            let kind = kind(value);
            if !kind.is_empty() && !kinds.contains(&kind) {
                kinds.push(kind);
            }
            if depth < DEPTH {
                collect(value, &path, depth + 1, found);
            }
        }
    }
    let mut found = IndexMap::new();
    for record in records {
        collect(record, "", 0, &mut found);
    }
    found.into_iter().map(|(path, kinds)| FieldReport { path, kind: kinds.join("|") }).collect()
}

/// `https://docs.example.com/integrations/sources/google-ads` names itself in its last part.
fn name_of_docs(address: &str) -> Option<String> {
    let path = address.split(['?', '#']).next()?.trim_end_matches('/');
    let (before, last) = path.rsplit_once("/sources/").map(|(_, last)| ("sources", last))?;
    let words = last.split(['-', '_']).filter(|word| !word.is_empty()).map(capital);
    let name = words.collect::<Vec<_>>().join(" ");
    (before == "sources" && !name.is_empty() && !name.contains('/')).then_some(name)
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// Forms are usually titled "X Spec" or "X Source Spec".
fn plain_title(title: &str) -> String {
    let mut words: Vec<&str> = title.split_whitespace().collect();
    while words.len() > 1
        && words.last().is_some_and(|word| ["spec", "source", "configuration"].contains(&word.to_lowercase().as_str()))
    {
        words.pop();
    }
    words.join(" ")
}

/// `# SPDX-License-Identifier: MIT`, see <https://spdx.dev/learn/handling-license-info/>.
fn licence(head: &[&str]) -> Option<String> {
    let mark = "SPDX-License-Identifier:";
    let found = head.iter().find_map(|line| line.split_once(mark)).map(|(_, licence)| licence.trim().to_owned());
    found.filter(|licence| !licence.is_empty())
}

fn address(line: &str) -> Option<String> {
    let start = line.find("https://")?;
    let rest = &line[start..];
    let end = rest.find(|letter: char| letter.is_whitespace() || "\"'<>)".contains(letter)).unwrap_or(rest.len());
    Some(rest[..end].trim_end_matches(['.', ',']).to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    const TEXT: &str = r##"# SPDX-License-Identifier: MIT
# Taken from (https://github.com/someone/manifests/tree/main/harbour).
version: "6.1.0"
check: {type: CheckStream, stream_names: [ships]}
definitions:
  retriever:
    type: SimpleRetriever
    requester: {type: HttpRequester, url_base: "https://harbour.example", path: /ships}
    record_selector: {type: RecordSelector, extractor: {type: DpathExtractor, field_path: []}}
streams:
  - type: DeclarativeStream
    name: ships
    primary_key: [id]
    retriever: {$ref: "#/definitions/retriever"}
    schema_loader:
      type: InlineSchemaLoader
      schema:
        type: object
        properties:
          id: {type: integer}
          owner: {type: ["null", object], properties: {name: {type: [string, "null"]}}}
  - type: DeclarativeStream
    name: tides
    retriever:
      $ref: "#/definitions/retriever"
      requester: {type: CustomRequester, class_name: source_harbour.components.Tide}
  - type: DeclarativeStream
    name: piers
    retriever: {type: SimpleRetriever, record_selector: {type: RecordSelector, extractor: {type: DpathExtractor, field_path: []}}}
spec:
  type: Spec
  documentation_url: https://docs.example.com/integrations/sources/harbour-master
  connection_specification:
    title: Harbour Spec
    type: object
    properties:
      key: {type: string, airbyte_secret: true}
      credentials:
        oneOf:
          - {type: object, properties: {client_secret: {type: string, airbyte_secret: true}}}
"##;

    #[test]
    fn a_report_says_what_runs_and_what_does_not() {
        let report = inspect(TEXT).unwrap();
        assert_eq!(report.version, "6.1.0");
        assert_eq!(report.name.as_deref(), Some("Harbour Master"));
        assert_eq!(report.licence.as_deref(), Some("MIT"));
        assert_eq!(report.origin.as_deref(), Some("https://github.com/someone/manifests/tree/main/harbour"));
        assert_eq!(report.secrets, ["key", "credentials.client_secret"]);
        let [ships, tides, piers] = &report.streams[..] else { panic!("three streams") };
        assert_eq!((ships.fidelity, ships.remarks.len()), (Fidelity::Runs, 0));
        let fields: Vec<_> = ships.fields.iter().map(|field| (field.path.as_str(), field.kind.as_str())).collect();
        assert_eq!(fields, [("id", "integer"), ("owner", "object"), ("owner.name", "string")]);
        assert_eq!(tides.fidelity, Fidelity::Unavailable);
        assert!(tides.remarks[0].component.as_deref().unwrap().contains("Tide"), "{tides:?}");
        assert_eq!(piers.fidelity, Fidelity::Unavailable);
        assert!(piers.remarks[0].component.is_none() && piers.remarks[0].path.starts_with("streams/2"), "{piers:?}");
    }

    #[test]
    fn fields_of_records_carry_every_type_they_were_met_with() {
        let records =
            [serde_json::json!({"id": 1, "who": {"name": "a"}}), serde_json::json!({"id": "x", "late": null})];
        let fields: Vec<_> = fields_of(&records).into_iter().map(|field| (field.path, field.kind)).collect();
        let expected = [("id", "integer|string"), ("who", "object"), ("who.name", "string"), ("late", "")];
        assert_eq!(fields, expected.map(|(path, kind)| (path.to_owned(), kind.to_owned())));
    }

    #[test]
    fn names_are_guessed_from_where_authors_write_them() {
        for (address, name) in [
            ("https://docs.example.com/integrations/sources/sendgrid", Some("Sendgrid")),
            ("https://docs.example.com/integrations/sources/apple-search-ads/", Some("Apple Search Ads")),
            ("https://docs.example.com/integrations/sources/", None),
            ("https://api.example.com/reference", None),
        ] {
            assert_eq!(name_of_docs(address).as_deref(), name, "{address}");
        }
        assert_eq!(plain_title("Calendly Source Spec"), "Calendly");
        assert_eq!(plain_title("Spec"), "Spec");
    }
}
