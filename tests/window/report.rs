//! What was measured in a window, printed so that it can be compared between computers and versions; no test decides by it.

use anyhow::{Context, Result};
use serde_json::Value;
use std::collections::BTreeMap;

/// Milliseconds by what took them.
#[derive(Default)]
pub struct Taken(BTreeMap<String, Vec<f64>>);

impl Taken {
    /// Notes one.
    pub fn add(&mut self, what: &str, millis: f64) {
        self.0.entry(what.to_owned()).or_default().push(millis);
    }

    /// Takes up what the page noted itself (`meter.js`); the answer is which part of its heartbeats it kept.
    pub fn page(&mut self, noted: &Value) -> Result<f64> {
        let list =
            |value: &Value| -> Vec<f64> { value.as_array().into_iter().flatten().filter_map(Value::as_f64).collect() };
        let (beats, expected) = (list(&noted["beats"]), noted["expected"].as_f64().context("no heartbeat")?);
        #[allow(clippy::cast_precision_loss, reason = "heartbeats of a test that takes minutes")]
        let kept = beats.len() as f64 / expected;
        for (command, noted) in noted["commands"].as_object().into_iter().flatten() {
            eprintln!("window {command} answers up to {} bytes", noted["bytes"]);
            self.0.insert(format!("command {command}"), list(&noted["millis"]));
        }
        self.0.insert("heartbeat of 50 ms".to_owned(), beats);
        self.0.insert("between frames".to_owned(), list(&noted["frames"]));
        Ok(kept)
    }

    /// Prints the middle and the worst of each.
    pub fn print(self) {
        for (name, mut millis) in self.0 {
            millis.sort_by(f64::total_cmp);
            if let (Some(median), Some(worst)) = (millis.get(millis.len() / 2), millis.last()) {
                eprintln!("window {name} median {median:.0} ms, worst {worst:.0} ms ({} times)", millis.len());
            }
        }
    }
}
