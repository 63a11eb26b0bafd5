//! The connection form of a manifest, and the rules by which settings are brought up to date and checked (connector-format.md,
//! section 13).

use super::{Built, Fault, Field, Text, part::Part};
use crate::{connector::Note, json::Json, template::Allowed};

/// `Spec`.
#[derive(Debug, Clone, Default)]
pub struct Spec {
    /// JSON Schema of the form; an empty map when the manifest has none.
    pub form: Json,
    /// Where the author explains the settings.
    pub documentation_url: Option<String>,
    /// How a person may sign in instead of pasting keys.
    pub sign_in: Option<SignIn>,
    /// Bring old settings to the newest shape; the result is kept.
    pub migrations: Vec<ConfigChange>,
    /// Run at every start; the result is not kept.
    pub transformations: Vec<ConfigChange>,
    /// What settings have to be like.
    pub validations: Vec<Validation>,
    /// Checks of the author's own that are left out.
    pub notes: Vec<Note>,
}

/// `AdvancedAuth`: what a manifest says about signing in in a browser. It is shown; the consent itself is not run from it.
#[derive(Debug, Clone, PartialEq)]
pub struct SignIn {
    /// `oauth2.0` or `oauth1.0`.
    pub flow: String,
    /// The setting that decides whether this way is taken, and the value it then has.
    pub predicate: Option<(Vec<String>, Option<String>)>,
    /// Results of the consent, and where in the settings they go.
    pub results: Vec<(String, Vec<String>)>,
    /// What belongs to the application, such as its id and secret, and where in the settings it goes.
    pub application: Vec<(String, Vec<String>)>,
    /// Where the consent is given; a template of its own tiny language.
    pub consent_url: Option<String>,
    /// Where the code is exchanged for a token; likewise.
    pub token_url: Option<String>,
}

/// A change of settings.
#[derive(Debug, Clone)]
pub enum ConfigChange {
    /// `ConfigAddFields`.
    Add {
        /// Path, value and the literals accepted.
        fields: Vec<(Vec<String>, Text, Allowed)>,
        /// Only where it holds; sees `value` and `path`, too.
        condition: Option<Text>,
    },
    /// `ConfigRemoveFields`.
    Remove {
        /// Paths with globs.
        pointers: Vec<Vec<String>>,
        /// Only where it holds.
        condition: Option<Text>,
    },
    /// `ConfigRemapField`.
    Remap {
        /// The setting.
        path: Vec<Text>,
        /// Its values, before and after.
        map: Vec<(Text, Field)>,
    },
}

/// A check of settings with `ValidateAdheresToSchema`.
#[derive(Debug, Clone)]
pub struct Validation {
    /// What is checked.
    pub target: ValidationTarget,
    /// JSON Schema of what it has to be.
    pub schema: Json,
}

/// What a validation looks at.
#[derive(Debug, Clone)]
pub enum ValidationTarget {
    /// `DpathValidator`: the setting under a path, or all with a `*`. Nothing there is fine.
    Path(Vec<Text>),
    /// `PredicateValidator`: a value over the settings.
    Value(Field),
}

/// Builds the `spec` of a document.
pub fn spec(document: &Json) -> Result<Spec, Fault> {
    let Some(value) = crate::inventory::look(document, "spec") else {
        return Ok(Spec { form: Json::Object(crate::json::Map::new()), ..Spec::default() });
    };
    let part = Part::new(value, "spec")?;
    let form = part.get("connection_specification").cloned();
    let form = form.unwrap_or_else(|| Json::Object(crate::json::Map::new()));
    if !form.is_object() {
        return Err(part.invalid("connection_specification", "a JSON Schema was expected"));
    }
    let mut spec = Spec { form, documentation_url: part.plain("documentation_url")?, ..Spec::default() };
    if part.get("advanced_auth").is_some() {
        spec.sign_in = Some(sign_in(&part.child("advanced_auth")?.known_as("AuthFlow"))?);
    }
    if part.get("config_normalization_rules").is_some() {
        let rules = part.child("config_normalization_rules")?;
        for migration in rules.children("config_migrations")? {
            for change in migration.children("transformations")? {
                spec.migrations.push(config_change(&change)?);
            }
        }
        spec.transformations = rules.children("transformations")?.iter().map(config_change).collect::<Built<_>>()?;
        for rule in rules.children("validations")? {
            match validation(&rule) {
                Ok(validation) => spec.validations.push(validation),
                Err(Fault::Unsupported { component, path }) => spec.notes.push(Note { component, path }),
                Err(fault) => return Err(fault),
            }
        }
    }
    Ok(spec)
}

fn words(part: &Part<'_>, field: &str) -> Built<Vec<String>> {
    let words = match part.get(field) {
        None => return Ok(Vec::new()),
        Some(Json::Array(words)) => words,
        Some(_) => return Err(part.invalid(field, "a list of segments was expected")),
    };
    Ok(words.iter().map(|word| word.as_str().map_or_else(|| word.to_string(), str::to_owned)).collect())
}

fn pointers(part: &Part<'_>) -> Built<Vec<Vec<String>>> {
    let list = part.need("field_pointers")?.as_array();
    let list = list.ok_or_else(|| part.invalid("field_pointers", "a list of paths was expected"))?;
    let word = |word: &Json| word.as_str().map_or_else(|| word.to_string(), str::to_owned);
    let path = |path: &Json| path.as_array().map(|path| path.iter().map(word).collect());
    let all: Option<Vec<Vec<String>>> = list.iter().map(path).collect();
    all.ok_or_else(|| part.invalid("field_pointers", "lists of segments were expected"))
}

fn condition(part: &Part<'_>) -> Built<Option<Text>> {
    Ok(part.text("condition")?.filter(|text| !text.template().source().is_empty()))
}

fn config_change(part: &Part<'_>) -> Built<ConfigChange> {
    Ok(match part.kind()? {
        "ConfigAddFields" => {
            let mut fields = Vec::new();
            for field in part.children("fields")? {
                let allowed = match field.plain("value_type")?.as_deref() {
                    None => Allowed::Any,
                    Some("string") => Allowed::Strings,
                    Some("number") => Allowed::Floats,
                    Some("integer") => Allowed::Integers,
                    Some("boolean") => Allowed::Booleans,
                    Some(other) => return Err(field.invalid("value_type", format!("{other:?} is not a type"))),
                };
                let path = words(&field, "path")?;
                if path.is_empty() {
                    return Err(field.invalid("path", "at least one segment was expected"));
                }
                fields.push((path, field.need_text("value")?, allowed));
            }
            ConfigChange::Add { fields, condition: condition(part)? }
        }
        "ConfigRemoveFields" => ConfigChange::Remove { pointers: pointers(part)?, condition: condition(part)? },
        "ConfigRemapField" => {
            let path = part.texts("field_path")?;
            if path.is_empty() {
                return Err(part.invalid("field_path", "at least one segment was expected"));
            }
            match part.field_of("map", part.need("map")?)? {
                Field::Map(map) => ConfigChange::Remap { path, map },
                _ => return Err(part.invalid("map", "a map of values was expected")),
            }
        }
        _ => return Err(part.unsupported(part.name())),
    })
}

fn validation(part: &Part<'_>) -> Built<Validation> {
    let target = match part.kind()? {
        "DpathValidator" => {
            let path = part.texts("field_path")?;
            if path.is_empty() {
                return Err(part.invalid("field_path", "at least one segment was expected"));
            }
            ValidationTarget::Path(path)
        }
        "PredicateValidator" => ValidationTarget::Value(part.field_of("value", part.need("value")?)?),
        _ => return Err(part.unsupported(part.name())),
    };
    let strategy = part.child("validation_strategy")?;
    if strategy.kind()? != "ValidateAdheresToSchema" {
        return Err(strategy.unsupported(strategy.name()));
    }
    let schema = match strategy.need("base_schema")? {
        Json::String(text) => Json::parse(text).map_err(|error| strategy.invalid("base_schema", error.to_string()))?,
        schema => schema.clone(),
    };
    Ok(Validation { target, schema })
}

fn sign_in(part: &Part<'_>) -> Built<SignIn> {
    let oauth = match part.get("oauth_config_specification") {
        None => None,
        Some(_) => Some(part.child("oauth_config_specification")?.known_as("OAuthConfigSpecification")),
    };
    let oauth = |field: &str| oauth.as_ref().and_then(|oauth| oauth.get(field));
    let places = |field: &str| -> Vec<(String, Vec<String>)> {
        let properties = oauth(field).and_then(|spec| spec.get("properties")).and_then(Json::as_object);
        let place = |value: &Json| {
            let path = value.get("path_in_connector_config").and_then(Json::as_array)?;
            Some(path.iter().filter_map(Json::as_str).map(str::to_owned).collect())
        };
        let each = properties.into_iter().flatten().filter_map(|(name, value)| Some((name.to_string(), place(value)?)));
        each.collect()
    };
    let input = |field: &str| {
        let input = oauth("oauth_connector_input_specification")?;
        input.get(field).and_then(Json::as_str).map(str::to_owned)
    };
    let key = words(part, "predicate_key")?;
    Ok(SignIn {
        flow: part.plain("auth_flow_type")?.unwrap_or_else(|| "oauth2.0".to_owned()),
        predicate: if key.is_empty() { None } else { Some((key, part.plain("predicate_value")?)) },
        results: places("complete_oauth_output_specification"),
        application: places("complete_oauth_server_output_specification"),
        consent_url: input("consent_url"),
        token_url: input("access_token_url"),
    })
}
