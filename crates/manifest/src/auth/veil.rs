//! Which secrets can stay placeholders. Templates that print a secret into a request work on a placeholder; those that cut, hash or
//! compare it, or put it into an address or a record, do not. For the fields such templates read the run gets the plain value, and the
//! connector's report says so: the redactor still keeps it out of logs and errors, but a template could carry it elsewhere.

use crate::{
    json::{Json, Map},
    template::{Template, Use},
};
use kit::{http::Http, placeholder};
use model::failure::Failure;
use std::collections::BTreeSet;

/// A secret that a template computes with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Computed {
    /// The secret field, as a dotted path of the configuration.
    pub field: String,
    /// Where the template stands in the document.
    pub path: String,
}

/// How a connector's templates treat the secrets of its form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Veil {
    names: Vec<String>,
    computed: Vec<Computed>,
}

impl Veil {
    /// Looks through a plain document. `form` is its connection specification.
    pub fn of(document: &Json, form: &Json) -> Self {
        let mut names = Vec::new();
        secrets_of(form, "", &mut names);
        let mut computed = Vec::new();
        for (field, part) in document.as_object().into_iter().flatten() {
            // What is used of the definitions stands in the streams, too.
            if !matches!(field.as_str(), "definitions" | "schemas" | "spec" | "metadata") {
                look(part, field, Place::Elsewhere, &names, &mut computed);
            }
        }
        Self { names, computed }
    }

    /// The secret fields of the form, as dotted paths.
    pub fn secret_names(&self) -> &[String] {
        &self.names
    }

    /// The secrets that templates compute with, each place once.
    pub fn computed(&self) -> &[Computed] {
        &self.computed
    }

    /// The configuration as a run's templates see it: secrets are placeholders, except those that are computed with. `http` knows
    /// the secrets; a secret may also stand in `config` itself.
    pub fn config(&self, config: &Json, http: &Http) -> Result<Json, Failure> {
        let known: BTreeSet<String> = http.secret_names().collect();
        let mut veiled = config.clone();
        for name in self.names.iter().filter(|name| known.contains(*name)) {
            let field = placeholder::field(name);
            let computed = self.computed.iter().any(|computed| computed.field == *name);
            let text = if computed { http.reveal(&field)?.to_string() } else { field };
            put(&mut veiled, name, text);
        }
        Ok(veiled)
    }
}

fn put(config: &mut Json, name: &str, text: String) {
    let mut place = config;
    for segment in name.split('.') {
        if place.is_null() {
            *place = Json::Object(Map::new());
        }
        let Json::Object(map) = place else { return };
        place = map.entry(segment.to_owned()).or_insert(Json::Null);
    }
    // A number or list among the secrets is none that we keep.
    if place.is_null() || place.is_string() {
        *place = Json::from(text);
    }
}

/// Dotted paths of the fields that a form marks as secret, through branches of a choice.
pub(crate) fn secrets_of(schema: &Json, prefix: &str, found: &mut Vec<String>) {
    for choice in ["oneOf", "anyOf", "allOf"] {
        for branch in schema.get(choice).and_then(Json::as_array).into_iter().flatten() {
            secrets_of(branch, prefix, found);
        }
    }
    for (name, field) in schema.get("properties").and_then(Json::as_object).into_iter().flatten() {
        let name = if prefix.is_empty() { name.to_string() } else { format!("{prefix}.{name}") };
        if field.get("airbyte_secret").and_then(Json::as_bool) == Some(true) {
            if !found.contains(&name) {
                found.push(name);
            }
        } else {
            secrets_of(field, &name, found);
        }
    }
}

/// Where a text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In what is sent.
    Request,
    /// In an address: a placeholder there could choose the host.
    Address,
    /// Where templates see secrets in the clear anyway.
    Signing,
    /// In what becomes of answers, in slices, in conditions.
    Elsewhere,
}

fn look(value: &Json, path: &str, place: Place, names: &[String], computed: &mut Vec<Computed>) {
    match value {
        Json::String(text) => {
            if place == Place::Signing || !text.contains("config") {
                return;
            }
            let Ok(template) = Template::new(text) else { return };
            for (keys, what) in template.config_uses() {
                let fits = what == Use::Tested || (what == Use::Printed && place == Place::Request);
                let read = keys.join(".");
                for name in names {
                    // Reading a whole branch reads the secrets in it. A key below a secret takes it apart.
                    let whole = *name == read;
                    let above = read.is_empty() || name.strip_prefix(&read).is_some_and(|rest| rest.starts_with('.'));
                    let below = read.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with('.'));
                    let exposed = (whole && !fits) || (above && what != Use::Tested) || below;
                    let found = Computed { field: name.clone(), path: path.to_owned() };
                    if exposed && !computed.contains(&found) {
                        computed.push(found);
                    }
                }
            }
        }
        Json::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                look(item, &format!("{path}/{index}"), place, names, computed);
            }
        }
        Json::Object(map) => {
            let place = match map.get("type").and_then(Json::as_str) {
                Some("JwtAuthenticator") => Place::Signing,
                Some(kind) if kind.ends_with("Authenticator") || kind == "HttpRequester" => Place::Request,
                _ => place,
            };
            for (name, item) in map.iter().filter(|(name, _)| *name != "$parameters") {
                let place = match name.as_str() {
                    "url_base" | "url" | "token_refresh_endpoint" | "login_url" | "validate_session_url" => {
                        Place::Address
                    }
                    "error_handler" | "query_properties" => Place::Elsewhere,
                    _ => place,
                };
                look(item, &format!("{path}/{name}"), place, names, computed);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::json;

    fn computed(field: &str, template: &str) -> bool {
        let form = json!({"properties": {"key": {"airbyte_secret": true}, "login": {"oneOf": [
            {"properties": {"kind": {"const": "a"}, "token": {"airbyte_secret": true}}}]}}});
        let requester =
            json!({"type": "HttpRequester", "authenticator": {"type": "BearerAuthenticator"}, field: template});
        let document = json!({"streams": [{"type": "DeclarativeStream", "requester": requester}]});
        let veil = Veil::of(&document, &form);
        assert_eq!(veil.secret_names(), ["key", "login.token"]);
        !veil.computed().is_empty()
    }

    #[test]
    fn a_secret_that_is_printed_into_a_request_stays_veiled_and_one_that_is_computed_with_is_named() {
        for template in [
            "{{ config['key'] }}",
            "Token {{ config.login.token }}",
            "{{ config.get('key', '') ~ ':x' }}",
            "{{ ('a:' + config['key']) | base64encode }}",
            "{{ config['key'] if config['key'] else 'none' }}",
            "{% if config.login.token is defined and config.key != '' %}{{ config.key }}{% endif %}",
            "{{ config.login.kind.split('x')[0] }}",
            "{{ config.login and 'yes' }}",
        ] {
            assert!(!computed("request_headers", template), "{template}");
        }
        for template in [
            "{{ config['key'].split('-')[1] }}",
            "{{ config['key'] | hash('md5') }}",
            "{{ config.login.token[:4] }}",
            "{{ 'a' if config.key == 'b' else 'c' }}",
            "{% set x = config.key %}{{ x }}",
            "{{ config | tojson }}",
            "{{ config.login.values() | first }}",
            "{{ json_loads(config.key).id }}",
            "{{ config.key.id }}",
        ] {
            assert!(computed("request_headers", template), "{template}");
        }
        assert!(computed("url_base", "https://{{ config.key }}.example"), "an address");
        assert!(!computed("path", "/v1/{{ config.key }}/rows"), "a path is sent like any other part");
    }

    #[test]
    fn a_secret_outside_of_requests_is_needed_in_the_clear() {
        let form = json!({"properties": {"key": {"airbyte_secret": true}}});
        let stream =
            |part: Json| Veil::of(&json!({"streams": [part], "definitions": {"x": "{{ config.key | upper }}"}}), &form);
        assert_eq!(
            stream(json!({"transformations": [{"type": "AddFields", "value": "{{ config.key }}"}]})).computed(),
            [Computed { field: "key".into(), path: "streams/0/transformations/0/value".into() }]
        );
        assert!(
            stream(json!({"x": {"type": "JwtAuthenticator", "secret_key": "{{ json_loads(config.key).k }}"}}))
                .computed()
                .is_empty()
        );
        assert!(stream(json!({"filter": "{{ config.key and record.id }}"})).computed().is_empty());
    }
}
