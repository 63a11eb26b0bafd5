//! The evaluator and the windows against the reference's own answers (connector-format.md, section 17). The tables lie beside
//! the repository and are not part of it; without them a clear line says that nothing was compared.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test may panic and talks to its reader"
)]

use chrono::{DateTime, Utc};
use manifest::template::{Scope, SliceView, Template, Value};
use manifest::{
    json,
    json::{Json, Map},
};
use std::{collections::BTreeMap, io::Read, path::PathBuf};

fn table(name: &str) -> Option<String> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance").join(name);
    let Ok(bytes) = std::fs::read(&path) else {
        println!("SKIPPED: the conformance table {name} is not beside the repository; nothing was compared");
        return None;
    };
    let mut text = String::new();
    if bytes.starts_with(&[0x1f, 0x8b]) {
        flate2::read::GzDecoder::new(&bytes[..]).read_to_string(&mut text).unwrap();
    } else {
        text = String::from_utf8(bytes).unwrap();
    }
    Some(text)
}

fn evaluate(case: &Json, now: DateTime<Utc>) -> Result<Json, String> {
    let template = Template::new(case["template"].as_str().unwrap()).map_err(|error| error.to_string())?;
    let context = case["context"].as_object().unwrap();
    let slice = context["stream_slice"].as_object().cloned().unwrap_or_default();
    let extra = slice.get("extra_fields").filter(|extra| extra.is_object()).cloned().unwrap_or(json!({}));
    let partition: Map = slice.into_iter().filter(|(key, _)| key != "extra_fields").collect();
    let partition = Json::Object(partition);
    let view = SliceView { all: partition.clone(), partition, cursor: json!({}), extra_fields: extra };
    let mut scope = Scope::new(now).with_json_loads();
    for (name, value) in context {
        let name: &'static str = Box::leak(name.to_string().into_boxed_str());
        scope.set(name, if name == "stream_slice" { Value::Slice(&view) } else { Value::from_json(value) });
    }
    // The cases were made with null as default.
    let value = template.optional(&scope, manifest::template::Allowed::Any).map_err(|error| error.to_string())?;
    Ok(value.map_or(Json::Null, |value| value.to_json()))
}

#[test]
fn templates_give_what_the_reference_gives() {
    let Some(cases) = table("template_cases.jsonl.gz") else { return };
    let now: DateTime<Utc> = "2024-06-01T12:34:56.789012Z".parse().unwrap();
    let (mut total, mut equal) = (0, 0);
    let mut differences: BTreeMap<String, String> = BTreeMap::new();
    for line in cases.lines() {
        let case: Json = serde_json::from_str(line).unwrap();
        total += 1;
        let found = evaluate(&case, now);
        let same = match (case["expected"]["t"].as_str().unwrap(), &found) {
            ("err", Err(_)) => true,
            ("json", Ok(found)) => *found == case["expected"]["v"],
            _ => false,
        };
        if same {
            equal += 1;
        } else {
            let what = format!("{found:?} instead of {} with {}", case["expected"], case["context"]);
            differences.insert(case["template"].as_str().unwrap().to_owned(), what.chars().take(400).collect());
        }
    }
    let share = 100.0 * f64::from(equal) / f64::from(total);
    println!("templates: {equal} of {total} equal ({share:.2} %)");
    for (template, what) in differences.iter().take(60) {
        println!("  {template:?}\n    {what}");
    }
    assert!(share >= 99.9, "only {share:.2} % of the templates give what the reference gives");
}

#[test]
fn windows_are_cut_as_the_reference_cuts_them() {
    let Some(cases) = table("slices_golden.jsonl") else { return };
    let (mut total, mut equal) = (0, 0);
    for line in cases.lines() {
        let case: Json = serde_json::from_str(line).unwrap();
        total += 1;
        let mut cursor = case["cursor"].clone();
        cursor.as_object_mut().unwrap().insert("type", json!("DatetimeBasedCursor"));
        let now: DateTime<Utc> = case["now"].as_str().unwrap().parse().unwrap();
        let config = json!({"start": "2024-05-28"});
        let found = (|| -> Result<Json, String> {
            let cursor =
                manifest::document::propagate(cursor.clone(), "DeclarativeStream.incremental_sync", &Map::new(), false);
            let cursor = cursor.map_err(|error| error.to_string())?;
            let cursor = manifest::components::datetime_cursor(&cursor).map_err(|error| error.to_string())?;
            let scope = Scope::new(now).with("config", Value::from_json(&config));
            let plan = manifest::windows::Plan::new(&cursor, &scope, now).map_err(|error| error.to_string())?;
            let state = Some(&case["state"]).filter(|state| !state.is_null());
            let progress = manifest::windows::Progress::new(&plan, state, "c").ok_or("the state cannot be read")?;
            let (from, to) = (cursor.start_key.text(&scope).unwrap(), cursor.end_key.text(&scope).unwrap());
            let slice = |window: &manifest::windows::Interval| json!({&from: plan.write(window.start), &to: plan.write(window.end)});
            Ok(progress.windows(&plan).iter().map(slice).collect())
        })();
        let same = match &found {
            Ok(found) => *found == case["slices"],
            Err(_) => case.get("error").is_some(),
        };
        if same {
            equal += 1;
        } else {
            println!(
                "{} {}\n  found    {found:?}\n  expected {}",
                case["cursor"],
                case["state"],
                case.get("slices").unwrap_or(&case["error"])
            );
        }
    }
    println!("windows: {equal} of {total} equal");
    assert_eq!(equal, total);
}
