//! What is read, as lines. A state follows the records it stands for, and says how many they are.

use super::messages::{self, Level, Printer};
use async_trait::async_trait;
use kit::clock::Clock;
use manifest::{
    connector::{Event, Outlet},
    json::Json,
};
use model::failure::{Code, Failure};
use serde_json::{Value, json};
use std::{collections::HashMap, sync::Arc};

/// Writes records and states.
pub(super) struct Lines {
    printer: Printer,
    debug: bool,
    clock: Arc<dyn Clock>,
    streams: HashMap<String, Stream>,
}

#[derive(Default)]
struct Stream {
    /// The beginning of each of its lines.
    head: Vec<u8>,
    /// Records since its last state.
    since_state: u64,
    records: u64,
    running: bool,
}

impl Lines {
    pub(super) fn new(printer: Printer, debug: bool, clock: Arc<dyn Clock>) -> Self {
        Self { printer, debug, clock, streams: HashMap::new() }
    }

    fn stream(&mut self, name: &str) -> &mut Stream {
        if !self.streams.contains_key(name) {
            let head = format!(r#"{{"type":"RECORD","record":{{"stream":{},"data":"#, Value::from(name)).into_bytes();
            self.streams.insert(name.to_owned(), Stream { head, ..Stream::default() });
        }
        self.streams.entry(name.to_owned()).or_default()
    }

    async fn records(&mut self, name: &str, records: Vec<Json>) -> Result<(), Failure> {
        let tail = format!(r#","emitted_at":{}}}}}{}"#, self.clock.now().timestamp_millis(), '\n');
        let stream = self.stream(name);
        let first = !std::mem::replace(&mut stream.running, true);
        stream.since_state += records.len() as u64;
        stream.records += records.len() as u64;
        let mut lines = Vec::with_capacity(records.len() * 512);
        for record in &records {
            lines.extend_from_slice(&stream.head);
            serde_json::to_writer(&mut lines, record)
                .map_err(|error| Failure::new(Code::Internal).detail("a record cannot be written").caused_by(error))?;
            lines.extend_from_slice(tail.as_bytes());
        }
        if first {
            self.printer.status(name, "RUNNING");
        }
        self.printer.records(lines).await
    }
}

#[async_trait]
impl Outlet for Lines {
    async fn event(&mut self, event: Event) -> Result<(), Failure> {
        match event {
            Event::Started { stream } => {
                self.printer.log(Level::Info, &format!("Reading {stream}"));
                self.printer.status(&stream, "STARTED");
            }
            Event::Slice { stream, slice } => {
                if self.debug {
                    self.printer.log(Level::Debug, &format!("A slice of {stream}: {slice}"));
                }
            }
            Event::Records { stream, records } => self.records(&stream, records).await?,
            Event::State { stream, state } => {
                let count = std::mem::take(&mut self.stream(&stream).since_state);
                let told = json!({
                    "type": "STREAM",
                    "stream": {"stream_descriptor": {"name": stream}, "stream_state": state},
                    "sourceStats": {"recordCount": messages::count(count)},
                });
                self.printer.message(&json!({"type": "STATE", "state": told}));
            }
            Event::Ended { stream, outcome } => {
                let records = self.stream(&stream).records;
                self.printer.log(Level::Info, &format!("Read {records} records of {stream}"));
                match outcome {
                    Ok(()) => self.printer.status(&stream, "COMPLETE"),
                    Err(failure) => {
                        self.printer.log(Level::Error, &format!("{stream}: {failure}"));
                        self.printer.error(&failure, Some(&stream));
                        self.printer.status(&stream, "INCOMPLETE");
                    }
                }
            }
        }
        Ok(())
    }
}
