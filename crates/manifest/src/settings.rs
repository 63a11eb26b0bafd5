//! Settings of a connection as a manifest's rules bring them up to date and check them (connector-format.md, section 13).
//! Secrets are placeholders here, so that a rule can move one to another place but never see it.

mod adheres;

use crate::{
    components::{ConfigChange, Field, Spec, ValidationTarget},
    json::{Json, Map},
    records,
    template::{Scope, TemplateError, Value},
};
use chrono::{DateTime, Utc};
use model::failure::{Code, Failure};

impl Spec {
    /// Whether settings are taken as they are.
    pub fn is_plain(&self) -> bool {
        self.migrations.is_empty() && self.transformations.is_empty() && self.validations.is_empty()
    }

    /// The settings in their newest shape, if that is another than they have; whoever keeps them keeps this.
    pub fn migrated(&self, config: &Json, now: DateTime<Utc>) -> Result<Option<Json>, Failure> {
        let mut changed = config.clone();
        for change in &self.migrations {
            change.apply(&mut changed, now)?;
        }
        Ok((changed != *config).then_some(changed))
    }

    /// The settings as templates see them: migrated and transformed.
    pub fn configured(&self, config: &Json, now: DateTime<Utc>) -> Result<Json, Failure> {
        let mut changed = config.clone();
        for change in self.migrations.iter().chain(&self.transformations) {
            change.apply(&mut changed, now)?;
        }
        Ok(changed)
    }

    /// Checks configured settings. The failure names the setting.
    pub fn validate(&self, config: &Json, now: DateTime<Utc>) -> Result<(), Failure> {
        let scope = Scope::new(now).with("config", Value::from_json(config));
        for validation in &self.validations {
            match &validation.target {
                ValidationTarget::Path(path) => {
                    let path = path
                        .iter()
                        .map(|it| it.text(&scope))
                        .collect::<Result<Vec<_>, _>>()
                        .map_err(|error| broken(&error))?;
                    for value in records::all(config, &path) {
                        adheres(value, &validation.schema, &path.join("."))?;
                    }
                }
                ValidationTarget::Value(value) => {
                    adheres(&evaluated(value, &scope).map_err(|error| broken(&error))?, &validation.schema, "")?;
                }
            }
        }
        Ok(())
    }
}

fn broken(error: &TemplateError) -> Failure {
    let detail = kit::placeholder::mask(&error.to_string());
    Failure::new(Code::ManifestInvalid).with("path", "spec/config_normalization_rules").detail(detail)
}

/// Text is read as JSON first, as the reference does.
fn adheres(value: &Json, schema: &Json, field: &str) -> Result<(), Failure> {
    let wrong =
        |what: &str| Failure::new(Code::SettingInvalid).with("field", field).detail(kit::placeholder::mask(what));
    let parsed;
    let value = match value {
        Json::String(text) => {
            parsed = Json::parse(text).map_err(|_| wrong("the value is not JSON"))?;
            &parsed
        }
        other => other,
    };
    adheres::check(value, schema).map_err(|what| wrong(&what))
}

fn evaluated(field: &Field, scope: &Scope<'_>) -> Result<Json, TemplateError> {
    Ok(match field {
        Field::Text(text) => text.value(scope)?.to_json(),
        Field::Other(json) => json.clone(),
        Field::List(items) => {
            Json::Array(items.iter().map(|item| evaluated(item, scope)).collect::<Result<Vec<_>, _>>()?)
        }
        Field::Map(entries) => {
            let mut map = Map::new();
            for (key, value) in entries {
                map.insert(key.text(scope)?, evaluated(value, scope)?);
            }
            Json::Object(map)
        }
    })
}

impl ConfigChange {
    fn apply(&self, config: &mut Json, now: DateTime<Utc>) -> Result<(), Failure> {
        match self {
            Self::Add { fields, condition } => {
                for (path, value, allowed) in fields {
                    let value = {
                        let scope = Scope::new(now).with("config", Value::from_json(config));
                        let value = value.typed(&scope, *allowed).map_err(|error| broken(&error))?.to_json();
                        if let Some(condition) = condition {
                            let place = Json::from(path.clone());
                            let scope =
                                scope.with("value", Value::from_json(&value)).with("path", Value::from_json(&place));
                            if !condition.condition(&scope).map_err(|error| broken(&error))? {
                                continue;
                            }
                        }
                        value
                    };
                    records::put(config, path, value).map_err(|error| {
                        Failure::new(Code::SettingInvalid).with("field", path.join(".")).detail(error)
                    })?;
                }
            }
            Self::Remove { pointers, condition } => {
                if let Some(condition) = condition {
                    let scope = Scope::new(now).with("config", Value::from_json(config));
                    if !condition.condition(&scope).map_err(|error| broken(&error))? {
                        return Ok(());
                    }
                }
                for pointer in pointers {
                    records::remove(config, pointer);
                }
            }
            Self::Remap { path, map } => {
                let (path, found) = {
                    let scope = Scope::new(now).with("config", Value::from_json(config));
                    let path = path
                        .iter()
                        .map(|it| it.text(&scope))
                        .collect::<Result<Vec<_>, _>>()
                        .map_err(|error| broken(&error))?;
                    let Some(old) = records::walk(config, &path).and_then(Json::as_str) else { return Ok(()) };
                    let mut found = None;
                    for (from, to) in map {
                        if from.text(&scope).map_err(|error| broken(&error))? == old {
                            found = Some(evaluated(to, &scope).map_err(|error| broken(&error))?);
                        }
                    }
                    (path, found)
                };
                if let Some(value) = found {
                    records::put(config, &path, value).map_err(|error| {
                        Failure::new(Code::SettingInvalid).with("field", path.join(".")).detail(error)
                    })?;
                }
            }
        }
        Ok(())
    }
}
