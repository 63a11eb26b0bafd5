//! Changes of records as the reference makes them, corner by corner (connector-format.md, 6.4).

use super::{RecordError, glob, index_of, matches, walk};
use crate::{
    decode::is_glob,
    json::{Json, JsonText, Map},
};

/// Removes what lies under a path with globs. In a list the last element is cut off and any other is blanked, so that the
/// elements keep their places.
pub(super) fn remove(value: &mut Json, pointer: &[String]) {
    let pointer = match pointer {
        [] => return,
        [only] if only == "**" => {
            if let Json::Object(map) = value {
                map.clear();
            }
            return;
        }
        // Any depth includes none, so that the value in front goes and all below with it.
        [front @ .., last] if last == "**" => front,
        whole => whole,
    };
    let Some((first, rest)) = pointer.split_first() else { return };
    if first == "**" {
        remove(value, rest);
        each_child(value, &mut |child| remove(child, pointer));
        return;
    }
    match value {
        Json::Object(map) if rest.is_empty() && is_glob(first) => map.retain(|key, _| !glob(first, key)),
        Json::Object(map) if rest.is_empty() => {
            map.shift_remove(first);
        }
        Json::Object(map) if is_glob(first) => {
            for (key, inner) in map.iter_mut() {
                if glob(first, key) {
                    remove(inner, rest);
                }
            }
        }
        Json::Object(map) => {
            if let Some(inner) = map.get_mut(first) {
                remove(inner, rest);
            }
        }
        Json::Array(items) => {
            let exact = index_of(first, items.len());
            for index in 0..items.len() {
                if exact == Some(index) || (exact.is_none() && glob(first, &index.to_string())) {
                    if rest.is_empty() {
                        cut(items, index);
                    } else {
                        remove(&mut items[index], rest);
                    }
                }
            }
        }
        _ => {}
    }
}

fn cut(items: &mut Vec<Json>, index: usize) {
    if index + 1 == items.len() {
        items.pop();
    } else if let Some(item) = items.get_mut(index) {
        *item = Json::Null;
    }
}

fn each_child(value: &mut Json, act: &mut dyn FnMut(&mut Json)) {
    match value {
        Json::Object(map) => map.values_mut().for_each(act),
        Json::Array(items) => items.iter_mut().for_each(act),
        _ => {}
    }
}

/// Removes every scalar, at any depth, for which the condition holds. With a condition the reference looks at all of them,
/// whatever the pointers say.
pub(super) fn remove_leaves(
    value: &mut Json,
    goes: &mut dyn FnMut(&Json) -> Result<bool, RecordError>,
) -> Result<(), RecordError> {
    let mut failed = None;
    let mut leaf_goes = |inner: &Json| {
        if failed.is_some() || inner.is_object() || inner.is_array() {
            return false;
        }
        goes(inner).unwrap_or_else(|error| {
            failed = Some(error);
            false
        })
    };
    match value {
        Json::Object(map) => map.retain(|_, inner| !leaf_goes(inner)),
        Json::Array(items) => {
            let gone: Vec<usize> = (0..items.len()).filter(|at| leaf_goes(&items[*at])).collect();
            for index in gone {
                cut(items, index);
            }
        }
        _ => {}
    }
    if let Some(error) = failed {
        return Err(error);
    }
    let mut outcome = Ok(());
    each_child(value, &mut |child| {
        if outcome.is_ok() && (child.is_object() || child.is_array()) {
            outcome = remove_leaves(child, goes);
        }
    });
    outcome
}

/// Removes the lists under a path, as an expander takes them out of a parent; what is no list stays.
pub(super) fn remove_lists(value: &mut Json, path: &[String]) {
    let Some((last, parents)) = path.split_last() else { return };
    matches(value, parents, &mut |parent| match parent {
        Json::Object(map) => map.retain(|key, inner| !(glob(last, key) && inner.is_array())),
        Json::Array(items) => {
            let (exact, mut next) = (index_of(last, items.len()), 0..);
            items.retain(|inner| {
                let at = next.next().unwrap_or(usize::MAX);
                let fits = exact == Some(at) || (exact.is_none() && glob(last, &at.to_string()));
                !(fits && inner.is_array())
            });
        }
        _ => {}
    });
}

/// Leaves under their own key, or under `parent.key` when that is taken or once any list was met; read depth-first from a
/// stack, last key first, as the reference does. Empty maps vanish, and empty lists where lists are flattened.
pub(super) fn flattened(record: Map, lists: bool) -> Map {
    let mut flat = Map::new();
    let mut with_parent = false;
    let mut stack = vec![(Json::Object(record), JsonText::from("_"))];
    while let Some((value, path)) = stack.pop() {
        match value {
            Json::Object(map) => {
                for (key, inner) in map {
                    let name =
                        if with_parent || flat.contains_key(&key) { format!("{path}.{key}").into() } else { key };
                    stack.push((inner, name));
                }
            }
            Json::Array(items) if lists => {
                with_parent |= !items.is_empty();
                for (index, inner) in items.into_iter().enumerate() {
                    stack.push((inner, format!("{path}.{index}").into()));
                }
            }
            leaf => {
                flat.insert(path, leaf);
            }
        }
    }
    flat
}

/// Lifts the map under a path into the record, unless one of its keys is there already.
pub(super) fn lift(
    record: &mut Json,
    path: &[String],
    (delete_origin, replace): (bool, bool),
    (prefix, suffix): &(String, String),
) -> Result<(), RecordError> {
    let found = if path.iter().any(|segment| is_glob(segment)) {
        let mut found = Vec::new();
        matches(record, path, &mut |value| found.push(value.clone()));
        if found.len() > 1 && !path.iter().any(|segment| segment == "*") {
            return Err(RecordError::several("field_path", path, found.len()));
        }
        found.into_iter().next()
    } else {
        walk(record, path).cloned()
    };
    let Some(Json::Object(found)) = found else { return Ok(()) };
    let found: Map = if prefix.is_empty() && suffix.is_empty() {
        found
    } else {
        found.into_iter().map(|(key, value)| (format!("{prefix}{key}{suffix}"), value)).collect()
    };
    if replace && !found.is_empty() {
        *record = Json::Object(found);
        return Ok(());
    }
    let Json::Object(map) = &*record else { return Ok(()) };
    if found.keys().any(|key| map.contains_key(key)) {
        return Ok(());
    }
    if delete_origin {
        remove(record, path);
    }
    if let Json::Object(map) = record {
        map.extend(found);
    }
    Ok(())
}

/// New names for all keys of nested maps; lists are left alone.
pub(super) fn rename(value: &mut Json, name: &dyn Fn(&str) -> String) {
    if let Json::Object(map) = value {
        let old = std::mem::take(map);
        for (key, mut inner) in old {
            rename(&mut inner, name);
            map.insert(name(&key), inner);
        }
    }
}

/// What a character of a key is.
#[derive(PartialEq, Clone, Copy)]
enum Kind {
    Upper,
    Lower,
    Digit,
    Other,
}

/// `CamelCase` to `camel_case`, `HTTPServer` to `httpserver`, `a1b2` to `a_1_b_2`, `1a` to `_1_a`, other scripts in Latin.
pub(super) fn snake_case(key: &str) -> String {
    let mut tokens: Vec<String> = Vec::new();
    let mut before = None;
    for c in any_ascii::any_ascii(key).chars() {
        let kind = match c {
            'A'..='Z' => Kind::Upper,
            'a'..='z' => Kind::Lower,
            '0'..='9' => Kind::Digit,
            _ => Kind::Other,
        };
        // A word is capitals and then small letters; what is neither letter nor digit counts as one empty word.
        if !(before == Some(kind) || (before == Some(Kind::Upper) && kind == Kind::Lower)) {
            tokens.push(String::new());
        }
        before = Some(kind);
        if let (Some(token), true) = (tokens.last_mut(), kind != Kind::Other) {
            token.push(c.to_ascii_lowercase());
        }
    }
    let last = tokens.len().saturating_sub(1);
    let words = tokens.iter().enumerate().filter(|(at, token)| *at == 0 || *at == last || !token.is_empty());
    let snake = words.map(|(_, token)| token.as_str()).collect::<Vec<_>>().join("_");
    if snake.starts_with(|c: char| c.is_ascii_digit()) { format!("_{snake}") } else { snake }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::*;
    use crate::json;

    fn path(segments: &str) -> Vec<String> {
        segments.split_whitespace().map(str::to_owned).collect()
    }

    // All expected values of this file were observed with the reference, airbyte-cdk 7.39.1.
    #[test]
    fn fields_are_removed_as_the_reference_removes_them() {
        for (pointers, record, expected) in [
            (&["a"][..], json!({"a": 1, "b": 2}), json!({"b": 2})),
            (&["l 0"], json!({"l": [1, 2, 3]}), json!({"l": [null, 2, 3]})),
            (&["l 2"], json!({"l": [1, 2, 3]}), json!({"l": [1, 2]})),
            (&["l -1"], json!({"l": [1, 2, 3]}), json!({"l": [1, 2]})),
            (&["l *"], json!({"l": [1, 2, 3]}), json!({"l": [null, null]})),
            (&["l 0", "l 1", "l 2"], json!({"l": [1, 2, 3]}), json!({"l": [null, null]})),
            (&["l * x"], json!({"l": [{"x": 1, "y": 2}, {"x": 3}]}), json!({"l": [{"y": 2}, {}]})),
            (&["**"], json!({"a": 1, "b": {"c": 1}}), json!({})),
            (&["** x"], json!({"a": {"x": 1, "b": {"x": 2}}, "x": 3}), json!({"a": {"b": {}}})),
            (&["a **"], json!({"a": {"x": 1, "b": {"x": 2}}, "x": 3}), json!({"x": 3})),
            (&["*_id"], json!({"a_id": 1, "b_id": 2, "id": 3}), json!({"id": 3})),
            (&["nope x", "a x", ""], json!({"a": 1}), json!({"a": 1})),
        ] {
            let mut changed = record.clone();
            for pointer in pointers {
                remove(&mut changed, &path(pointer));
            }
            assert_eq!(changed, expected, "{record} {pointers:?}");
        }
        let mut record = json!({"a": null, "b": null, "c": {"d": null, "e": 1}, "l": [null, 1, null], "m": {}});
        remove_leaves(&mut record, &mut |leaf| Ok(leaf.is_null())).unwrap();
        assert_eq!(record, json!({"c": {"e": 1}, "l": [null, 1], "m": {}}));
        let failing = remove_leaves(&mut json!({"a": {"b": 1}}), &mut |_| Err(RecordError::Path("x".to_owned())));
        assert_eq!(failing, Err(RecordError::Path("x".to_owned())));
    }

    #[test]
    fn records_are_flattened_and_lifted_as_the_reference_does() {
        for (record, lists, expected) in [
            (json!({"a": {"b": 1, "c": {"d": 2}}, "b": 3}), true, json!({"b": 3, "d": 2, "a.b": 1})),
            (json!({"b": 3, "a": {"b": 1}}), true, json!({"b": 3})),
            (json!({"a": {}, "b": [], "c": {"d": []}}), true, json!({})),
            (json!({"a": {}, "b": [], "c": {"d": []}}), false, json!({"d": [], "b": []})),
            (
                json!({"x": {"k": 1}, "l": [{"k": 2}, 3], "y": {"z": 4}}),
                true,
                json!({"z": 4, "l.1": 3, "l.0.k": 2, "x.k": 1}),
            ),
            (
                json!({"l": [[1, 2], {"a": {"b": 1}}], "m": {"n": 1}}),
                true,
                json!({"n": 1, "l.1.a.b": 1, "l.0.1": 2, "l.0.0": 1}),
            ),
            (json!({"l": [1, {"a": 2}], "m": {"n": 1}}), false, json!({"n": 1, "l": [1, {"a": 2}]})),
            (json!({"a": {"k": 1}, "b": {"k": 2}, "c": {"k": 3}}), true, json!({"k": 3, "b.k": 2, "a.k": 1})),
        ] {
            let flat = Json::Object(flattened(record.as_object().unwrap().clone(), lists));
            assert_eq!(flat, expected, "{record}");
        }
        let none = (String::new(), String::new());
        let affix = ("p_".to_owned(), "_s".to_owned());
        let nested = json!({"a": {"k": {"x": 1}, "m": {"y": 2}}, "b": 2});
        let plain = json!({"a": {"x": 1}, "b": 2});
        for (at, record, options, affix, expected) in [
            ("a", plain.clone(), (false, false), &none, json!({"a": {"x": 1}, "b": 2, "x": 1})),
            ("a", plain.clone(), (true, false), &none, json!({"b": 2, "x": 1})),
            ("a", plain.clone(), (false, true), &none, json!({"x": 1})),
            ("a", json!({"a": {"b": 1}, "b": 2}), (true, false), &none, json!({"a": {"b": 1}, "b": 2})),
            ("a", plain, (true, false), &affix, json!({"b": 2, "p_x_s": 1})),
            ("a *", nested.clone(), (false, false), &none, json!({"a": nested["a"].general(), "b": 2, "x": 1})),
            ("a *", nested, (true, false), &none, json!({"a": {}, "b": 2, "x": 1})),
            ("a", json!({"a": {}, "b": 2}), (true, true), &none, json!({"b": 2})),
            ("a", json!({"a": [1], "b": 2}), (true, false), &none, json!({"a": [1], "b": 2})),
            ("nope", json!({"b": 2}), (true, false), &none, json!({"b": 2})),
            ("a", json!({"a": {"a": 1}, "b": 2}), (true, false), &none, json!({"a": {"a": 1}, "b": 2})),
            ("", json!({"a": 1}), (false, false), &affix, json!({"a": 1, "p_a_s": 1})),
        ] {
            let mut changed = record.clone();
            lift(&mut changed, &path(at), options, affix).unwrap();
            assert_eq!(changed, expected, "{record} {at:?}");
        }
        let several = lift(&mut json!({"a1": {"x": 1}, "a2": {"x": 2}}), &path("a?"), (false, false), &none);
        assert!(several.unwrap_err().to_string().contains("2 places"));
    }

    #[test]
    fn keys_are_renamed_as_the_reference_does() {
        for (key, expected) in [
            ("CamelCase", "camel_case"),
            ("HTTPServer", "httpserver"),
            ("a1b2", "a_1_b_2"),
            ("1a", "_1_a"),
            ("_id", "_id"),
            ("a_", "a_"),
            ("__a__b", "_a_b"),
            ("a b", "a_b"),
            ("a-b_", "a_b_"),
            ("aBC", "a_bc"),
            ("Имя Поля", "imya_polya"),
            ("Größe", "grosse"),
            ("", ""),
            ("$", ""),
            ("a.b$", "a_b_"),
            ("ID", "id"),
            ("userID2X", "user_id_2_x"),
            ("çÀ", "c_a"),
            ("日本", "ri_ben"),
            ("é1É", "e_1_e"),
            ("a--", "a_"),
            ("-", ""),
            ("1", "_1"),
            ("x²", "x_2"),
        ] {
            assert_eq!(snake_case(key), expected, "{key}");
        }
        let mut record = json!({"AbC": {"DeF": [{"GhI": 1}]}, "ab": {"x": 1}, "b": 2});
        rename(&mut record, &snake_case);
        assert_eq!(record, json!({"ab_c": {"de_f": [{"GhI": 1}]}, "ab": {"x": 1}, "b": 2}));
        rename(&mut record, &|key| key.replace('a', ""));
        assert_eq!(record, json!({"b_c": {"de_f": [{"GhI": 1}]}, "b": 2}));
    }
}
