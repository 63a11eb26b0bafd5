//! Answers that this project did not write: examples from a vendor's documentation and test fixtures of public clients, served as they
//! stand. A simulator is written by the same hands as its connector and may share their error; these pages cannot.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::archive;
use crate::faults::{FaultKind, Faults};
use crate::requests::RequestLog;
use crate::server::{Answer, Call, Server, ServerOptions, Vendor};

/// An answer and the request it belongs to.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Page {
    /// The path that is asked; the query may be any.
    pub path: String,
    /// Status of the answer.
    #[serde(default = "ok")]
    pub status: u16,
    /// Its body: JSON, or a text that is sent as it stands.
    pub body: Value,
    /// The body's members are sheets of JSON by file name, sent as an archive of these files.
    #[serde(default)]
    pub archive: bool,
}

fn ok() -> u16 {
    200
}

#[derive(Debug)]
struct Pages {
    left: Mutex<VecDeque<Page>>,
    /// Refusals that were given.
    refused: Mutex<Vec<Page>>,
}

/// A server that gives each page once, in their order for each path, and a refusal again to whoever asks again: several may ask side by
/// side. Dropping it stops it.
#[derive(Debug)]
pub struct Recorded {
    /// Its address, without a slash at the end.
    pub base_url: String,
    pages: Arc<Pages>,
    _server: Server,
}

impl Recorded {
    /// Listens on 127.0.0.1.
    pub fn start(pages: Vec<Page>) -> anyhow::Result<Self> {
        let pages = Arc::new(Pages { left: Mutex::new(pages.into()), refused: Mutex::default() });
        let options = ServerOptions { port: 0, gzip: false, max_body_bytes: 1 << 20 };
        let vendor = Arc::clone(&pages) as Arc<dyn Vendor>;
        let server = Server::start(vendor, Arc::new(Faults::default()), Arc::new(RequestLog::default()), options)?;
        Ok(Self { base_url: format!("http://{}", server.address), pages, _server: server })
    }

    /// Paths of the pages that nobody asked for yet.
    pub fn left(&self) -> Vec<String> {
        self.pages.left.lock().unwrap_or_else(PoisonError::into_inner).iter().map(|page| page.path.clone()).collect()
    }
}

impl Vendor for Pages {
    fn answer(&self, call: &Call) -> Answer {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let found = left.iter().position(|page| page.path == call.path).and_then(|at| left.remove(at));
        refused.extend(found.iter().filter(|page| page.status >= 400).cloned());
        match found.or_else(|| refused.iter().find(|page| page.path == call.path).cloned()) {
            Some(Page { status, body: Value::Object(sheets), archive: true, .. }) => {
                let sheets: Vec<_> = sheets.into_iter().collect();
                match archive::pack(&sheets) {
                    Ok(packed) => Answer::raw(status, packed),
                    Err(error) => Answer::json(500, &json!({ "error": error.to_string() })),
                }
            }
            Some(Page { status, body: Value::String(text), .. }) => Answer::raw(status, text.into_bytes()),
            Some(Page { status, body, .. }) => Answer::json(status, &body),
            None => Answer::json(404, &json!({ "error": "no page was recorded for this request" })),
        }
    }

    fn refuse(&self, _fault: &FaultKind, _call: &Call) -> Option<Answer> {
        None
    }

    fn bend(&self, _fault: &FaultKind, _body: &mut Value) {}

    fn control(&self, _call: &Call) -> Option<Answer> {
        None
    }
}
