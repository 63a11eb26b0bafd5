//! Any text as a template, over any JSON, in every way a place may evaluate it. The input is the template, then after a NUL the JSON.
#![no_main]

use chrono::DateTime;
use libfuzzer_sys::fuzz_target;
use manifest::{
    json::Json,
    template::{Allowed, Scope, SliceView, Template, Value},
};

fuzz_target!(|input: &str| {
    let (text, context) = input.split_once('\0').unwrap_or((input, ""));
    let Ok(template) = Template::new(text) else { return };
    let context = Json::parse(context).unwrap_or(Json::Null);
    let slice = SliceView {
        all: context.clone(),
        partition: context.clone(),
        cursor: context.clone(),
        extra_fields: context.clone(),
    };
    let mut scope = Scope::new(DateTime::UNIX_EPOCH).with("stream_slice", Value::Slice(&slice)).with_json_loads();
    for name in ["config", "parameters", "record", "response", "headers", "last_record", "page_size", "next_page_token"]
    {
        scope.set(name, Value::from_json(&context));
    }
    let _ = template.value(&scope);
    let _ = template.text(&scope);
    let _ = template.condition(&scope);
    let all = [
        Allowed::Any,
        Allowed::Text,
        Allowed::Lists,
        Allowed::Strings,
        Allowed::Floats,
        Allowed::Integers,
        Allowed::Booleans,
    ];
    for allowed in all {
        let _ = template.optional(&scope, allowed);
        if let Ok(value) = template.typed(&scope, allowed) {
            let _ = (value.to_json(), value.print().len());
        }
    }
});
