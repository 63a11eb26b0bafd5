//! Any bytes as the body of an answer. The first byte picks the decoder, the second what is wanted of the documents. What is decoded at
//! once and what is decoded in batches is the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use manifest::{
    components::Decoder,
    decode::{Charset, Projection, decode, decode_each},
};

fuzz_target!(|input: &[u8]| {
    let [kind, wish, body @ ..] = input else { return };
    let charsets = ["utf-8", "utf-16", "latin-1", "shift_jis", "utf-8-sig", "cp1251"];
    let charset = Charset::of(charsets[usize::from(wish >> 3) % charsets.len()]).unwrap_or(Charset::Utf8);
    let plain = match kind % 6 {
        0 => Decoder::Json,
        1 => Decoder::Jsonl,
        2 => Decoder::JsonItems { path: vec!["a".to_owned(), "item".to_owned(), "b".to_owned()], charset },
        3 => Decoder::Csv { delimiter: b',', nulls: vec!["null".to_owned()], charset },
        4 => Decoder::Xml,
        _ => Decoder::Iterable,
    };
    let decoder = match kind / 6 % 4 {
        0 => plain,
        1 => Decoder::Gzip(Box::new(plain)),
        2 => Decoder::Zip(Box::new(plain)),
        _ => Decoder::Gzip(Box::new(Decoder::Zip(Box::new(plain)))),
    };
    let mut projection = if wish & 1 == 0 { Projection::all() } else { Projection::none() };
    if wish & 2 != 0 {
        projection.want(&["a", "b"]);
    }
    if wish & 4 != 0 {
        projection.want(&["a", "0", "c*"]);
    }
    let whole = decode(&decoder, body, &projection);
    let mut parts = Vec::new();
    let ended = decode_each(&decoder, body, &projection, &mut |batch| {
        parts.extend(batch);
        true
    });
    assert_eq!(whole.is_ok(), ended.is_ok(), "{decoder:?}");
    if let Ok(whole) = whole {
        assert_eq!(whole, parts, "{decoder:?}");
    }
});
