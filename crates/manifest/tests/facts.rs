//! Facts of the format, one row each: templates (connector-format.md, 2.8), transformations (6.4), and our own mapping.
//! They hold without the reference's tables beside the repository.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use chrono::{DateTime, NaiveDate, Utc};
use manifest::{
    components, datetime, document, mapping,
    records::{self, Around},
    template::{Allowed, Scope, SliceView, Template, TemplateError, Value},
};
use manifest::{json, json::Json};
use model::{
    ad::RejectReason,
    date::DateRange,
    money::{Currency, Micros, VatState},
};

fn now() -> DateTime<Utc> {
    "2024-06-01T12:34:56Z".parse().unwrap()
}

fn evaluate(template: &str, config: &Json, record: &Json) -> Result<Value<'static>, TemplateError> {
    let scope = Scope::new(now()).with("config", Value::from_json(config)).with("record", Value::from_json(record));
    Template::new(template).unwrap().value(&scope)
}

#[test]
fn templates_have_the_values_of_the_specification() {
    let config = json!({
        "s": "12", "key": "1e5", "z": "007", "csv": "1,2", "q": "'x'", "n": null, "b": true, "d": {"x": 1, "t": true},
    });
    let record = json!({"b": {"c": null}, "l": [1, 2], "a": 5, "items": 7});
    for (template, expected) in [
        ("{{ config.s }}", json!(12)),
        ("{{ config.key }}", json!(100_000.0)),
        ("{{ config.z }}", json!("007")),
        ("{{ config.csv }}", json!([1, 2])),
        ("{{ config.q }}", json!("x")),
        ("{{ config.n }}", json!(null)),
        ("{{ config.nope }}", json!("")),
        ("{{ record.b.c }}", json!(null)),
        ("{{ record.b.c.d }}", json!("")),
        ("x-{{ config.b }}", json!("x-True")),
        ("{{ config.d | tojson }}", json!("{\"t\": true, \"x\": 1}")),
        ("{{ config.d | string }}", json!("{\"x\": 1, \"t\": true}")),
        ("{{ 4/2 }}", json!(2.0)),
        ("{{ 7//2 }}", json!(3)),
        ("{{ -7//2 }}", json!(-4)),
        ("{{ -7 % 3 }}", json!(2)),
        ("{{ 'a' ~ 1 ~ none }}", json!("a1None")),
        ("{{ 'a' + 1 }}", json!("{{ 'a' + 1 }}")),
        ("{{ record.a > 'x' }}", json!("{{ record.a > 'x' }}")),
        ("{% for i in record.l %}{{ i }},{% endfor %}", json!([1, 2])),
        ("{{ now_utc() - duration('P1D') }}", json!("2024-05-31 12:34:56+00:00")),
        ("{{ (now_utc() - duration('P1M')).strftime('%Y-%m-%d') }}", json!("2024-05-01")),
        ("{{ format_datetime('2024-01-05T10:20:30+03:00', '%Y-%m-%dT%H:%M:%S') }}", json!("2024-01-05T07:20:30")),
        ("{{ format_datetime('2024-01-05T10:20:30+03:00', '%H', '%Y-%m-%dT%H:%M:%S%z') }}", json!(10)),
        ("{{ format_datetime(1704450030, '%Y-%m-%d') }}", json!("2024-01-05")),
        ("{{ timestamp('2024-01-05') }}", json!(1_704_412_800.0)),
        ("{{ 'a b&c' | urlencode }}", json!("a%20b%26c")),
        ("{{ 'abc' | hash }}", json!("900150983cd24fb0d6963f7d28e17f72")),
        ("{{ 'm' | hmac('k') | length }}", json!(64)),
        ("{{ 'id-42-x' | regex_search('-(\\d+)') }}", json!(42)),
        ("{{ 'a1b2' | regex_replace('([a-z])(\\d)', '\\2\\1') }}", json!("1a2b")),
        ("{% set l = [] %}{% for i in record.l %}{% set _ = l.append(i * 2) %}{% endfor %}{{ l }}", json!([2, 4])),
        (
            "{% set ns = namespace(n=0) %}{% for i in record.l %}{% set ns.n = ns.n + i %}{% endfor %}{{ ns.n }}",
            json!(3),
        ),
        ("{{ record['items'] }}", json!(7)),
        ("{{ '%03d' % 7 ~ '-' ~ '{:>4}'.format('x')|trim }}", json!("007-x")),
        ("{{ '{:*^5}|{:<3}|{:04d}|{:.2f}|{a}'.format('x', 'y', 7, 2.5, a=1) }}", json!("**x**|y  |0007|2.50|1")),
        ("{{ [3, 1, 2] | sort | first }}{{ 'cba'[::-1] }}", json!("1abc")),
        ("{{ record.l is sequence and 1 in record.l and 'a' not in 'xyz' }}", json!(true)),
        ("{# note #}{%- if record.a >= 5 %} yes {%- else %} no {% endif -%} ", json!(" yes")),
        ("{{ today_with_timezone('Asia/Tokyo') }} {{ day_delta(-1, format='%d') }}", json!("2024-06-01 31")),
    ] {
        let found = evaluate(template, &config, &record).unwrap_or_else(|error| panic!("{template}: {error}"));
        assert_eq!(found.to_json(), expected, "{template}");
    }
    for template in [
        "{{ config.nope.x }}",
        "{{ record.nope > 1 }}",
        "{{ nope }}",
        "{{ stream_state.x }}",
        "{{ 'x' | nofilter }}",
        "{{ str_to_datetime('x') }}",
    ] {
        assert!(evaluate(template, &config, &record).is_err(), "{template}");
    }
    for template in ["{{ broken", "{% if x %}", "{{ 'open }}", "{% macro m() %}{% endmacro %}", "{{ (1 }}"] {
        assert!(Template::new(template).is_err(), "{template}");
    }
}

#[test]
fn conditions_and_places_take_values_as_they_should() {
    let scope = Scope::new(now());
    let condition = |template: &str| Template::new(template).unwrap().condition(&scope).unwrap();
    for (template, expected) in [
        ("{{ 0 }}", false),
        ("{{ [] }}", false),
        ("{{ '' }}", false),
        ("{{ none }}", false),
        ("{{ {}.a.b }}", false),
        ("False", false),
        ("0.0", false),
        ("no", true),
        ("{{ 'a' + 1 }}", true),
        ("{{ 1 < 2 }}", true),
    ] {
        assert_eq!(condition(template), expected, "{template}");
    }
    let optional = |template: &str, allowed| {
        Template::new(template).unwrap().optional(&scope, allowed).unwrap().map(|value| value.to_json())
    };
    assert_eq!(optional("{{ 5 }}", Allowed::Lists), Some(json!("5")));
    assert_eq!(optional("{{ [1, 2] }}", Allowed::Lists), Some(json!([1, 2])));
    assert_eq!(optional("{{ 12 }}", Allowed::Floats), Some(json!("12")));
    assert_eq!(optional("{{ 1e5 }}", Allowed::Text), Some(json!("100000.0")));
    assert_eq!(optional("{{ {}.a.b }}", Allowed::Any), None);
}

#[test]
fn expensive_templates_are_stopped() {
    let scope = Scope::new(now());
    let run = |template: &str| Template::new(template).unwrap().value(&scope);
    let wide = "{% for a in 'x' * 1000 %}{% for b in 'x' * 1000 %}.{% endfor %}{% endfor %}";
    assert!(matches!(run(wide), Err(TemplateError::Limit(_))));
    assert!(matches!(run("{{ 'x' * 9000000 }}"), Err(TemplateError::Limit(_))));
    assert!(Template::new(&format!("{{{{ {}1{} }}}}", "(".repeat(100), ")".repeat(100))).is_err());
}

#[test]
fn dates_are_read_and_written_in_the_formats_of_the_language() {
    for (text, format, expected) in [
        ("2024-06-01T01:02:03.5Z", "%Y-%m-%dT%H:%M:%S.%fZ", Some("2024-06-01T01:02:03.500000+0000")),
        ("2024-06-01T01:02:03+03:00", "%Y-%m-%dT%H:%M:%S%z", Some("2024-06-01T01:02:03.000000+0300")),
        ("1717245296", "%s", Some("2024-06-01T12:34:56.000000+0000")),
        ("1717245296123", "%ms", Some("2024-06-01T12:34:56.123000+0000")),
        ("1717245296.25", "%s_as_float", Some("2024-06-01T12:34:56.250000+0000")),
        ("01-JUN-24", "%d-%b-%y", Some("2024-06-01T00:00:00.000000+0000")),
        ("2024-06-01x", "%Y-%m-%d", None),
        ("2024-02-30", "%Y-%m-%d", None),
        ("", "%s", None),
    ] {
        let found = datetime::parse(text, format).ok().map(|at| datetime::strftime(at, "%Y-%m-%dT%H:%M:%S.%f%z"));
        assert_eq!(found.as_deref(), expected, "{text:?} as {format:?}");
    }
    let at = datetime::parse_iso("2024-06-01T12:34:56.123456Z").unwrap();
    for (format, expected) in [
        ("%s", "1717245296"),
        ("%ms", "1717245296123"),
        ("%H:%M:%S.%_ms", "12:34:56.123"),
        ("%A %j %-", "Saturday 153 %-"),
    ] {
        assert_eq!(datetime::format(at, format), expected);
    }
    for (text, whole) in [("2024", 2024), ("2024-W01-1", 2024), ("20240105T10", 2024), ("2024-060", 2024)] {
        let year: i32 = datetime::strftime(datetime::parse_iso(text).unwrap(), "%Y").parse().unwrap();
        assert_eq!(year, whole, "{text}");
    }
    for text in ["", "P", "P1", "1D", "PT", "P1H", "PTD"] {
        assert!(datetime::IsoDuration::parse(text).is_err(), "{text:?}");
    }
}

fn transformed(yaml: &str, record: Json) -> Result<Option<Json>, records::RecordError> {
    let text = format!(
        "version: 6.0.0\ncheck: {{stream_names: []}}\nstreams:\n- name: s\n  retriever: {{requester: {{type: HttpRequester, url_base: x}}, record_selector: {{extractor: {{field_path: []}}}}}}\n  transformations: [{yaml}]\n"
    );
    let plain = document::load(&text).unwrap();
    let stream = components::stream(&plain["streams"][0], "streams/0").unwrap_or_else(|fault| panic!("{fault}"));
    let (config, slice) = (json!({"c": 1}), SliceView { all: json!({"p": 9}), ..SliceView::default() });
    let around = Around { config: &config, slice: &slice, page_token: &Json::Null, now: now() };
    records::refine(record, &stream.retriever.selector, &stream.transformations, &around)
}

#[test]
fn transformations_change_records_as_in_the_reference() {
    let record = json!({"id": 1, "Name": "x", "a": {"b": {"c": 2}, "l": [{"k": 3}, 4]}, "n": null});
    for (yaml, expected) in [
        (
            "{type: AddFields, fields: [{path: [p], value: '{{ stream_slice.p }}'}, {path: [q, r], value: '{{ record.p + 1 }}'}]}",
            json!({"id": 1, "Name": "x", "a": {"b": {"c": 2}, "l": [{"k": 3}, 4]}, "n": null, "p": 9, "q": {"r": 10}}),
        ),
        (
            "{type: AddFields, fields: [{path: [z, '1'], value: v}]}",
            json!({"id": 1, "Name": "x", "a": {"b": {"c": 2}, "l": [{"k": 3}, 4]}, "n": null, "z": [null, "v"]}),
        ),
        (
            "{type: AddFields, condition: '{{ value is string }}', fields: [{path: [t], value: '{{ record.id }}', value_type: string}, {path: [u], value: 5}]}",
            json!({"id": 1, "Name": "x", "a": {"b": {"c": 2}, "l": [{"k": 3}, 4]}, "n": null, "t": "1"}),
        ),
        (
            "{type: RemoveFields, field_pointers: [[a, l, '0'], [i*], [nope, x]]}",
            json!({"Name": "x", "a": {"b": {"c": 2}, "l": [null, 4]}, "n": null}),
        ),
        (
            "{type: RemoveFields, condition: '{{ property is none }}', field_pointers: [['*']]}",
            json!({"id": 1, "Name": "x", "a": {"b": {"c": 2}, "l": [{"k": 3}, 4]}}),
        ),
        ("{type: RemoveFields, field_pointers: [['**']]}", json!({})),
        ("{type: KeysToLower}", json!({"id": 1, "name": "x", "a": {"b": {"c": 2}, "l": [{"k": 3}, 4]}, "n": null})),
        (
            "{type: KeysReplace, old: a, new: o}",
            json!({"id": 1, "Nome": "x", "o": {"b": {"c": 2}, "l": [{"k": 3}, 4]}, "n": null}),
        ),
        (
            "{type: DpathFlattenFields, field_path: [a, b], delete_origin_value: true, key_transformation: {type: KeyTransformation, prefix: p_}}",
            json!({"id": 1, "Name": "x", "a": {"l": [{"k": 3}, 4]}, "n": null, "p_c": 2}),
        ),
        ("{type: DpathFlattenFields, field_path: [a, b], replace_record: true}", json!({"c": 2})),
    ] {
        let found = transformed(yaml, record.clone()).unwrap_or_else(|error| panic!("{yaml}: {error}"));
        assert_eq!(found, Some(expected), "{yaml}");
    }
    assert!(transformed("{type: AddFields, fields: [{path: [n, x], value: v}]}", record).is_err());
    let cases = json!({"CamelCase": 1, "HTTPServer": 2, "a1b2": 3, "1a": 4, "deep": {"InnerKey": 5}});
    assert_eq!(
        transformed("{type: KeysToSnakeCase}", cases).unwrap(),
        Some(json!({"camel_case": 1, "httpserver": 2, "a_1_b_2": 3, "_1_a": 4, "deep": {"inner_key": 5}}))
    );
    let flat = transformed("{type: FlattenFields}", json!({"l": [5], "a": {"x": 1, "y": {"z": 2}}})).unwrap().unwrap();
    assert_eq!((&flat["x"], &flat["z"], &flat["l.0"]), (&json!(1), &json!(2), &json!(5)));
}

const MAPPING: &str = "streams:\n  stats:\n    to: campaign_stats\n    level: ad\n    required: [cost]\n    fields: {external_id: id, date: day, impressions: b.shows, clicks: b.clicks, cost: b.spent, conversions: goals, currency: cur}\n    breakdown: {kind: device, from: device}\n";

#[test]
fn a_row_is_typed_exactly_or_rejected_with_its_reason() {
    let mapping = &mapping::load(MAPPING).unwrap()["stats"];
    let day = NaiveDate::from_ymd_opt(2026, 11, 20).unwrap();
    let account =
        mapping::Account { currency: Currency::RUB, vat: VatState::Included, window: Some(DateRange::day(day)) };
    let base = json!({"id": 5, "day": "2026-11-20", "b": {"shows": 10, "clicks": "3", "spent": "23328.92"}, "goals": 1.5, "device": "tv", "extra": {}});
    let batch = mapping.rows(std::slice::from_ref(&base), &account);
    let row = &batch.stats[0];
    assert_eq!((row.external_id.as_str(), row.date, row.breakdown.as_str()), ("5", day, "device=tv"));
    assert_eq!((row.impressions, row.clicks, row.revenue), (Some(10), Some(3), None));
    assert_eq!((row.cost, row.conversions), (Some(Micros(23_328_920_000)), Some(Micros(1_500_000))));

    for (pointer, value, expected) in [
        ("/id", json!(null), Err((RejectReason::Missing, "external_id"))),
        ("/id", json!(" "), Err((RejectReason::Missing, "external_id"))),
        ("/id", json!(1.5), Err((RejectReason::WrongShape, "external_id"))),
        ("/id", json!(18_446_744_073_709_551_615_u64), Ok("id 18446744073709551615")),
        ("/day", json!("20.11.2026"), Err((RejectReason::NotADate, "date"))),
        ("/day", json!("2026-13-01"), Err((RejectReason::NotADate, "date"))),
        ("/day", json!("2026-11-20 05:00:00"), Ok("id 5")),
        ("/day", json!("2026-11-21"), Err((RejectReason::OutsideWindow, "date"))),
        ("/b/shows", json!(-1), Err((RejectReason::Negative, "impressions"))),
        ("/b/shows", json!(10.0), Ok("id 5")),
        ("/b/shows", json!(10.5), Err((RejectReason::NotANumber, "impressions"))),
        ("/b/shows", json!("много"), Err((RejectReason::NotANumber, "impressions"))),
        ("/b/shows", json!("99999999999999999999"), Err((RejectReason::TooLarge, "impressions"))),
        ("/b/shows", json!(null), Ok("id 5")),
        ("/b/spent", json!(null), Err((RejectReason::Missing, "cost"))),
        ("/b", json!({"shows": 10}), Err((RejectReason::Missing, "cost"))),
        ("/b/spent", json!(0.1), Ok("cost 0.1")),
        ("/b/spent", json!(1_284_300.55), Ok("cost 1284300.55")),
        ("/b/spent", json!("1e5"), Err((RejectReason::NotANumber, "cost"))),
        ("/b/spent", json!("1 000,50"), Err((RejectReason::NotANumber, "cost"))),
        ("/b/spent", json!("99999999999999"), Err((RejectReason::TooLarge, "cost"))),
        ("/b/spent", json!("-0.01"), Err((RejectReason::Negative, "cost"))),
        ("/b/spent", json!([1]), Err((RejectReason::NotANumber, "cost"))),
        ("/extra/cur", json!(1), Ok("id 5")),
        ("/cur", json!("USD"), Err((RejectReason::CurrencyMismatch, "currency"))),
        ("/cur", json!("рубль"), Err((RejectReason::UnknownWord, "currency"))),
        ("/cur", json!("RUR"), Ok("id 5")),
    ] {
        let mut record = base.general();
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        record.pointer_mut(parent).unwrap()[key] = value.general();
        let batch = mapping.rows(&[record.into()], &account);
        let what = format!("{pointer} = {value}: {batch:?}");
        match expected {
            Ok(expected) => {
                let row = batch.stats.first().unwrap_or_else(|| panic!("{what}"));
                let found = if expected.starts_with("cost") {
                    format!("cost {}", row.cost.unwrap())
                } else {
                    format!("id {}", row.external_id)
                };
                assert_eq!(found, expected, "{what}");
            }
            Err((reason, field)) => {
                let row = batch.rejected.first().unwrap_or_else(|| panic!("{what}"));
                assert_eq!((row.reason, row.field.as_str()), (reason, field), "{what}");
                assert!(!row.raw.is_empty());
            }
        }
    }
    assert_eq!(mapping.rows(&[json!("not a map")], &account).rejected[0].reason, RejectReason::WrongShape);
}

#[test]
fn money_in_millionths_is_taken_as_it_is() {
    let text = MAPPING.replace("    required: [cost]\n", "    micros: [cost]\n");
    let mapping = &mapping::load(&text).unwrap()["stats"];
    let account = mapping::Account { currency: Currency::RUB, vat: VatState::Included, window: None };
    for (spent, expected) in [
        (json!("23328920001"), Ok(Some(Micros(23_328_920_001)))),
        (json!(9_007_199_254_740_993_i64), Ok(Some(Micros(9_007_199_254_740_993)))),
        (json!(null), Ok(None)),
        (json!("12.5"), Err(RejectReason::NotANumber)),
        (json!("-1"), Err(RejectReason::Negative)),
        (json!("9223372036854775808"), Err(RejectReason::TooLarge)),
    ] {
        let record = json!({"id": 5, "day": "2026-11-20", "b": {"spent": spent.clone()}});
        let batch = mapping.rows(&[record], &account);
        let found = batch.stats.first().map_or_else(|| Err(batch.rejected[0].reason), |row| Ok(row.cost));
        assert_eq!(found, expected, "{spent}");
    }
    let refused = mapping::load(&text.replace("micros: [cost]", "micros: [clicks]")).unwrap_err();
    assert!(refused.path.ends_with("/micros"), "{refused}");
}

#[test]
fn what_a_platform_says_of_its_rows_is_kept_beside_them() {
    let mapping = &mapping::load(&format!("{MAPPING}    remark: note.of\n")).unwrap()["stats"];
    assert!(mapping.wanted().contains(&vec!["note".to_owned(), "of".to_owned()]));
    let account = mapping::Account { currency: Currency::RUB, vat: VatState::Included, window: None };
    let row = json!({"id": 5, "day": "2026-11-20", "b": {"spent": "1"}, "note": {"of": null}});
    let whole = json!({"note": {"of": {"field": "subjectToThresholding", "value": true}}, "raw": 7});
    let dated = json!({"reason": "negative", "field": "revenue", "value": "-1.5", "date": "2026-11-20"});
    let dated = json!({"note": {"of": dated.general()}});
    let batch = mapping.rows(&[whole, row, dated], &account);
    assert_eq!(batch.stats.len(), 1);
    let told: Vec<_> =
        batch.rejected.iter().map(|it| (it.reason, it.field.as_str(), it.value.as_str(), it.date)).collect();
    let day = NaiveDate::from_ymd_opt(2026, 11, 20);
    let expected = [
        (RejectReason::UnknownWord, "subjectToThresholding", "true", None),
        (RejectReason::Negative, "revenue", "-1.5", day),
    ];
    assert_eq!(told, expected);
    assert!(batch.rejected[0].raw.contains("\"raw\":7"));
}

#[test]
fn a_mapping_that_names_what_does_not_exist_is_refused() {
    for (text, path) in [
        (
            "streams: {s: {to: campaign_stats, level: ad, fields: {external_id: id}}}",
            "mapping.yaml/streams/s/fields/date",
        ),
        (
            "streams: {s: {to: ad_objects, level: ad, fields: {external_id: id, cost: x}}}",
            "mapping.yaml/streams/s/fields/cost",
        ),
        ("streams: {s: {to: nowhere, level: ad, fields: {}}}", "mapping.yaml"),
        (
            "streams: {s: {to: campaign_stats, level: ad, required: [clicks], fields: {external_id: id, date: d}}}",
            "mapping.yaml/streams/s/required",
        ),
        (
            "streams: {s: {to: ad_objects, level: ad, required: [name], fields: {external_id: id, name: n}}}",
            "mapping.yaml/streams/s/required",
        ),
        (
            "streams: {s: {to: ad_objects, level: ad, fields: {external_id: id}, breakdown: {kind: a, from: b}}}",
            "mapping.yaml/streams/s/breakdown",
        ),
        (
            "streams: {s: {to: campaign_stats, level: ad, fields: {external_id: id, date: d}, breakdown: {kind: 'goal=1', from: b}}}",
            "mapping.yaml/streams/s/breakdown/kind",
        ),
    ] {
        assert_eq!(mapping::load(text).unwrap_err().path, path, "{text}");
    }
}
