//! The command `source` as two programs: whoever starts one of them hears the same.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::process::{Command, Output};

const MANIFEST: &str = "version: 6.0.0
type: DeclarativeSource
check: {type: CheckStream, stream_names: [orders]}
spec:
  type: Spec
  connection_specification:
    type: object
    required: [token]
    properties: {token: {type: string, airbyte_secret: true}}
streams:
- type: DeclarativeStream
  name: orders
  retriever:
    type: SimpleRetriever
    requester: {type: HttpRequester, url_base: 'https://shop.example', path: /orders}
    record_selector: {type: RecordSelector, extractor: {type: DpathExtractor, field_path: []}}
";

fn said(output: &Output) -> (bool, String) {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(!errors.contains("panicked"), "{errors}");
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn both_programs_say_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (manifest, config) = (folder.path().join("manifest.yaml"), folder.path().join("config.json"));
    std::fs::write(&manifest, MANIFEST).unwrap();
    std::fs::write(&config, r#"{"token": "a token"}"#).unwrap();
    for (command, arguments, good, expected) in [
        ("spec", vec![], true, r#""type":"SPEC""#),
        ("discover", vec!["--config".into(), config.into_os_string()], true, r#""name":"orders""#),
        ("read", vec![], false, ""),
    ] {
        let run = |program: &str, first: &[&str]| {
            let mut run = Command::new(program);
            run.args(first).arg(command).arg("--manifest").arg(&manifest).args(&arguments);
            said(&run.output().unwrap())
        };
        let small = run(env!("CARGO_BIN_EXE_syncdeck-source"), &[]);
        let large = run(env!("CARGO_BIN_EXE_syncdeckctl"), &["source"]);
        assert_eq!((small.0, small.1.contains(expected)), (good, true), "{command}: {}", small.1);
        // Messages of a failure carry the time.
        assert_eq!((large.0, good && large.1 != small.1), (good, false), "{command}: {} and {}", large.1, small.1);
    }
}
