//! What was measured in a window, printed so that it can be compared between computers and versions. No test decides by it; the bench
//! does, which builds for speed and has the computer for itself.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::collections::BTreeMap;

/// What the names of presses that open a screen begin with.
pub const PRESS: &str = "to ";

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
        Ok(kept)
    }

    /// Prints the middle and the worst of each. A press that opens a screen may take `most` in the middle, where that is promised.
    pub fn print(self, most: Option<f64>) -> Result<()> {
        let mut broken = Vec::new();
        for (name, mut millis) in self.0 {
            millis.sort_by(f64::total_cmp);
            if let (Some(median), Some(worst)) = (millis.get(millis.len() / 2), millis.last()) {
                eprintln!("window {name} median {median:.0} ms, worst {worst:.0} ms ({} times)", millis.len());
                if name.starts_with(PRESS) && most.is_some_and(|most| *median >= most) {
                    broken.push(format!("{name}: {median:.0} ms"));
                }
            }
        }
        ensure!(broken.is_empty(), "slower than promised: {}", broken.join(", "));
        Ok(())
    }
}
