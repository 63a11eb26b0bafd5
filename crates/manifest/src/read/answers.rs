//! Answers that are kept for a run: a stream whose records make the partitions of others is asked for once, however many read
//! it, unless its requester says `use_cache: false` (connector-format.md, section 10).
//!
//! They are kept packed in memory and not on disk, because they are a client's data; beyond a bound they are not kept, and
//! whoever needs them asks again.

use bytes::Bytes;
use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};
use kit::http::{HttpRequest, HttpResponse};
use model::failure::Failure;
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    future::Future,
    io::{Read, Write},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

/// Packed bytes that are kept at most.
const MOST_BYTES: usize = 48 << 20;

/// An answer with its body packed; `None` until it is there.
type Place = Arc<tokio::sync::Mutex<Option<HttpResponse>>>;

/// The answers of a run.
#[derive(Default)]
pub struct Answers {
    places: Mutex<HashMap<[u8; 32], Place>>,
    bytes: AtomicUsize,
}

impl std::fmt::Debug for Answers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Answers({} bytes)", self.bytes.load(Ordering::Relaxed))
    }
}

impl Answers {
    /// The kept answer to a request, or what `ask` gives. Whoever asks the same at the same time waits for the first. `anew`: the
    /// kept one is no longer true.
    pub(super) async fn get(
        &self,
        request: &HttpRequest,
        anew: bool,
        ask: impl Future<Output = Result<HttpResponse, Failure>>,
    ) -> Result<HttpResponse, Failure> {
        // A request as text holds placeholders, never secrets, and everything that the answer depends on.
        let key: [u8; 32] = Sha256::digest(format!("{request:?}")).into();
        let place = Arc::clone(self.places.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default());
        let mut place = place.lock().await;
        if !anew
            && let Some(kept) = &*place
            && let Some(body) = unpacked(kept.body())
        {
            return Ok(kept.clone().with_body(body));
        }
        let response = ask.await?;
        if (200..300).contains(&response.status)
            && !response.ignored
            && let Some(body) = packed(response.body())
            && self.bytes.fetch_add(body.len(), Ordering::Relaxed) + body.len() <= MOST_BYTES
        {
            *place = Some(response.clone().with_body(body));
        }
        Ok(response)
    }
}

fn packed(body: &[u8]) -> Option<Bytes> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).ok()?;
    encoder.finish().ok().map(Bytes::from)
}

fn unpacked(body: &[u8]) -> Option<Bytes> {
    let mut whole = Vec::new();
    DeflateDecoder::new(body).read_to_end(&mut whole).ok()?;
    Some(Bytes::from(whole))
}
