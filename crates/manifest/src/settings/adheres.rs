//! Whether a value is what a JSON Schema of draft 7 says, in the keywords that connection forms use. Formats are not looked at,
//! as in the reference; keywords nobody knows say nothing.

use crate::json::Json;

/// How deep schemas may lie in each other, references included.
const MAX_DEPTH: usize = 64;

/// Says what is wrong first.
pub(super) fn check(value: &Json, schema: &Json) -> Result<(), String> {
    Check { root: schema }.value(value, schema, "the value", 0)
}

struct Check<'s> {
    root: &'s Json,
}

impl Check<'_> {
    fn value(&self, value: &Json, schema: &Json, at: &str, depth: usize) -> Result<(), String> {
        let keywords = match schema {
            Json::Bool(false) => return Err(format!("{at} is not allowed")),
            Json::Object(keywords) if depth < MAX_DEPTH => keywords,
            _ => return Ok(()),
        };
        if let Some(reference) = keywords.get("$ref").and_then(Json::as_str) {
            let target = reference.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer));
            return target.map_or(Ok(()), |target| self.value(value, target, at, depth + 1));
        }
        for (keyword, wanted) in keywords {
            self.keyword(keyword, wanted, (value, schema), at, depth)?;
        }
        Ok(())
    }

    fn keyword(
        &self,
        keyword: &str,
        wanted: &Json,
        (value, schema): (&Json, &Json),
        at: &str,
        depth: usize,
    ) -> Result<(), String> {
        let says =
            |holds: bool, what: &dyn Fn() -> String| if holds { Ok(()) } else { Err(format!("{at} {}", what())) };
        let inner = |schema: &Json| self.value(value, schema, at, depth + 1);
        match (keyword, wanted, value) {
            ("type", Json::String(kind), _) => says(is_kind(value, kind), &|| format!("is not of the type {kind}")),
            ("type", Json::Array(kinds), _) => {
                let holds = kinds.iter().filter_map(Json::as_str).any(|kind| is_kind(value, kind));
                says(holds, &|| format!("is of none of the types {wanted}"))
            }
            ("enum", Json::Array(values), _) => {
                says(values.iter().any(|one| same(one, value)), &|| format!("is none of {wanted}"))
            }
            ("const", _, _) => says(same(wanted, value), &|| format!("is not {wanted}")),
            ("allOf", Json::Array(all), _) => all.iter().try_for_each(inner),
            ("anyOf", Json::Array(any), _) => {
                says(any.iter().any(|schema| inner(schema).is_ok()), &|| "fits none of the alternatives".to_owned())
            }
            ("oneOf", Json::Array(one), _) => {
                let fitting = one.iter().filter(|schema| inner(schema).is_ok()).count();
                says(fitting == 1, &|| format!("fits {fitting} of the alternatives instead of one"))
            }
            ("not", _, _) => says(inner(wanted).is_err(), &|| "is what it must not be".to_owned()),
            ("if", _, _) => {
                let next = schema.get(if inner(wanted).is_ok() { "then" } else { "else" });
                next.map_or(Ok(()), inner)
            }
            ("required", Json::Array(names), Json::Object(map)) => {
                let missing = names.iter().filter_map(Json::as_str).find(|name| !map.contains_key(name));
                says(missing.is_none(), &|| format!("has no {}", missing.unwrap_or_default()))
            }
            ("properties", Json::Object(properties), Json::Object(map)) => {
                let there = properties.iter().filter_map(|(name, schema)| Some((name, schema, map.get(name)?)));
                there
                    .into_iter()
                    .try_for_each(|(name, schema, inner)| self.value(inner, schema, &format!("{at}/{name}"), depth + 1))
            }
            ("additionalProperties", _, Json::Object(map)) => {
                let known = schema.get("properties").and_then(Json::as_object);
                let more = map.iter().filter(|(name, _)| known.is_none_or(|known| !known.contains_key(name)));
                more.into_iter()
                    .try_for_each(|(name, inner)| self.value(inner, wanted, &format!("{at}/{name}"), depth + 1))
            }
            ("items", Json::Array(schemas), Json::Array(items)) => {
                items.iter().zip(schemas).enumerate().try_for_each(|(index, (item, schema))| {
                    self.value(item, schema, &format!("{at}/{index}"), depth + 1)
                })
            }
            ("items", _, Json::Array(items)) => items
                .iter()
                .enumerate()
                .try_for_each(|(index, item)| self.value(item, wanted, &format!("{at}/{index}"), depth + 1)),
            ("minItems" | "minLength" | "minProperties", _, _) => {
                let size = size(keyword, value);
                says(size.zip(wanted.as_f64()).is_none_or(|(size, least)| size >= least), &|| "is too short".to_owned())
            }
            ("maxItems" | "maxLength" | "maxProperties", _, _) => {
                let size = size(keyword, value);
                says(size.zip(wanted.as_f64()).is_none_or(|(size, most)| size <= most), &|| "is too long".to_owned())
            }
            ("uniqueItems", Json::Bool(true), Json::Array(items)) => {
                let twice = items.iter().enumerate().any(|(at, one)| items[..at].iter().any(|other| same(one, other)));
                says(!twice, &|| "has an element twice".to_owned())
            }
            ("minimum", _, Json::Number(_)) => says(less(wanted, value, true), &|| format!("is less than {wanted}")),
            ("maximum", _, Json::Number(_)) => says(less(value, wanted, true), &|| format!("is more than {wanted}")),
            ("exclusiveMinimum", _, Json::Number(_)) => {
                says(less(wanted, value, false), &|| format!("is not more than {wanted}"))
            }
            ("exclusiveMaximum", _, Json::Number(_)) => {
                says(less(value, wanted, false), &|| format!("is not less than {wanted}"))
            }
            // A pattern this engine cannot read says nothing: three public forms use look-around.
            ("pattern", Json::String(pattern), Json::String(text)) => {
                let holds = regex::Regex::new(pattern).is_ok_and(|pattern| !pattern.is_match(text));
                says(!holds, &|| format!("does not fit the pattern {pattern}"))
            }
            _ => Ok(()),
        }
    }
}

fn is_kind(value: &Json, kind: &str) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "number" => value.is_number(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        _ => true,
    }
}

/// Equal as JSON: 1 and 1.0 are.
fn same(one: &Json, other: &Json) -> bool {
    match (one, other) {
        (Json::Number(_), Json::Number(_)) => one == other || (less(one, other, true) && less(other, one, true)),
        _ => one == other,
    }
}

fn less(one: &Json, other: &Json, or_equal: bool) -> bool {
    match (one.as_f64(), other.as_f64()) {
        (Some(one), Some(other)) => one < other || (or_equal && one <= other),
        _ => true,
    }
}

fn size(keyword: &str, value: &Json) -> Option<f64> {
    let size = match value {
        Json::String(text) if keyword.ends_with("Length") => text.chars().count(),
        Json::Array(items) if keyword.ends_with("Items") => items.len(),
        Json::Object(map) if keyword.ends_with("Properties") => map.len(),
        _ => return None,
    };
    Some(size as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    #[test]
    fn values_are_checked_as_the_schema_says() {
        let branches = json!({"oneOf": [{"type": "object", "required": ["k"], "properties": {"k": {"const": "a"}}}, {"properties": {"k": {"const": "b"}}, "required": ["k"]}]});
        let tree = json!({"$ref": "#/definitions/t", "definitions": {"t": {"type": "object", "properties": {"next": {"$ref": "#/definitions/t"}}}}});
        for (value, schema, expected) in [
            (json!(1), json!({"type": "string"}), "the value is not of the type string"),
            (json!(1.0), json!({"type": "integer"}), ""),
            (
                json!(true),
                json!({"type": ["integer", "null"]}),
                "the value is of none of the types [\"integer\",\"null\"]",
            ),
            (
                json!({"a": [1, "x"]}),
                json!({"properties": {"a": {"items": {"type": "integer"}}}}),
                "the value/a/1 is not of the type integer",
            ),
            (json!({}), json!({"required": ["a"]}), "the value has no a"),
            (
                json!({"a": 1, "b": 2}),
                json!({"properties": {"a": true}, "additionalProperties": false}),
                "the value/b is not allowed",
            ),
            (json!({"k": "b"}), branches.clone(), ""),
            (json!({"k": "c"}), branches, "the value fits 0 of the alternatives instead of one"),
            (json!({"next": {"next": 5}}), tree, "the value/next/next is not of the type object"),
            (json!(5), json!({"enum": [1, 5.0]}), ""),
            (json!(5), json!({"minimum": 5, "exclusiveMaximum": 5}), "the value is not less than 5"),
            (json!("ab"), json!({"minLength": 3}), "the value is too short"),
            (json!([1, 1.0]), json!({"uniqueItems": true}), "the value has an element twice"),
            (
                json!("2024-01"),
                json!({"pattern": "^\\d{4}-\\d{2}-\\d{2}$"}),
                "the value does not fit the pattern ^\\d{4}-\\d{2}-\\d{2}$",
            ),
            (json!("x"), json!({"pattern": "(?=never read)"}), ""),
            (
                json!(1),
                json!({"if": {"type": "integer"}, "then": {"minimum": 2}, "else": false}),
                "the value is less than 2",
            ),
            (json!(1), json!({"not": {"const": 1}}), "the value is what it must not be"),
        ] {
            assert_eq!(check(&value, &schema).err().unwrap_or_default(), expected, "{value} {schema}");
        }
    }
}
