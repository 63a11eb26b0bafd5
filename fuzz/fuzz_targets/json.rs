//! Our JSON against the library's: the same texts are JSON, they mean the same, and what is printed is read back as it was.
#![no_main]

use libfuzzer_sys::fuzz_target;
use manifest::json::Json;

fuzz_target!(|text: &str| {
    let theirs = serde_json::from_str::<serde_json::Value>(text);
    let ours = Json::parse(text);
    assert_eq!(theirs.is_ok(), ours.is_ok());
    let (Ok(theirs), Ok(ours)) = (theirs, ours) else { return };
    assert_eq!(ours.general(), theirs);
    assert_eq!(ours, Json::from(theirs));
    let printed = ours.to_string();
    assert_eq!(Json::parse(&printed).ok(), Some(ours));
});
