//! Tables of any size: a downloaded CSV report read row by row (`ResponseToFileExtractor`, connector-format.md, section 11).
//!
//! Neither the body nor what it unpacks to is ever held as a whole: bytes go from the temporary file through decompression and the
//! character set into the CSV reader, a block at a time.

use crate::components::Table;
use crate::json::{Json, Map};
use encoding_rs::{CoderResult, Decoder, Encoding, UTF_8};
use kit::http::HttpResponse;
use std::{
    io::{self, BufRead, BufReader, Read},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// Rows that make one page of records.
const ROWS: usize = 2_000;

/// The longest row, in bytes: a quotation mark that is never closed must not swallow the rest of the file.
const LONGEST_ROW: u64 = 64 << 20;

/// What an unpacked table may grow to, in bytes.
const MOST_UNPACKED: u64 = 64 << 30;

/// What stands for "no value" in tables of statistics programs, besides the empty cell.
const NOTHING: [&str; 17] = [
    "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA", "NULL",
    "NaN", "None", "n/a", "nan",
];

/// The rows of a table.
pub struct Rows {
    reader: csv::Reader<Text>,
    names: Vec<String>,
    keep_words: bool,
    allowance: Arc<AtomicU64>,
}

/// A table that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the table is broken: {0}")]
pub struct TableError(String);

impl From<csv::Error> for TableError {
    fn from(error: csv::Error) -> Self {
        Self(error.to_string())
    }
}

impl Rows {
    /// Begins to read a downloaded table.
    pub fn new(response: &HttpResponse, table: Table) -> Result<Self, TableError> {
        let broken = |error: io::Error| TableError(error.to_string());
        let mut bytes = BufReader::new(response.reader());
        let packed = bytes.fill_buf().map_err(broken)?;
        let inner: Box<dyn Read + Send + Sync> = match packed {
            [0x1f, 0x8b, ..] => Box::new(flate2::read::MultiGzDecoder::new(bytes).take(MOST_UNPACKED)),
            [0x78, 0x01 | 0x5e | 0x9c | 0xda, ..] => {
                Box::new(flate2::read::ZlibDecoder::new(bytes).take(MOST_UNPACKED))
            }
            _ => Box::new(bytes),
        };
        let allowance = Arc::new(AtomicU64::new(LONGEST_ROW));
        let text = Text::new(inner, charset(response.header("content-type")), Arc::clone(&allowance));
        let mut reader = csv::ReaderBuilder::new().flexible(true).has_headers(false).from_reader(text);
        let mut first = csv::StringRecord::new();
        let names = if reader.read_record(&mut first)? { names(&first) } else { Vec::new() };
        Ok(Self { reader, names, keep_words: table.keep_words, allowance })
    }

    /// The next rows, as records; `None` after the last.
    pub fn next(&mut self) -> Result<Option<Vec<Json>>, TableError> {
        let mut records = Vec::new();
        let mut row = csv::StringRecord::new();
        while records.len() < ROWS {
            self.allowance.store(LONGEST_ROW, Ordering::Relaxed);
            if !self.reader.read_record(&mut row)? {
                break;
            }
            if row.len() > self.names.len() {
                let line = row.position().map_or(0, csv::Position::line);
                let (found, expected) = (row.len(), self.names.len());
                return Err(TableError(format!("line {line} has {found} cells, but there are {expected} columns")));
            }
            let cells = self.names.iter().enumerate().map(|(at, name)| (name.clone(), self.cell(row.get(at))));
            records.push(Json::Object(cells.collect::<Map>()));
        }
        Ok((!records.is_empty()).then_some(records))
    }

    fn cell(&self, cell: Option<&str>) -> Json {
        match cell {
            None | Some("") => Json::Null,
            Some(word) if !self.keep_words && (word == "null" || NOTHING.contains(&word)) => Json::Null,
            Some(text) => Json::from(text),
        }
    }
}

/// The names of columns. One that comes twice gets a number, one without a name the number of its column.
fn names(header: &csv::StringRecord) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(header.len());
    for (at, name) in header.iter().enumerate() {
        let plain = if name.is_empty() { format!("Unnamed: {at}") } else { name.to_owned() };
        let mut free = plain.clone();
        let mut number = 0;
        while names.contains(&free) {
            number += 1;
            free = format!("{plain}.{number}");
        }
        names.push(free);
    }
    names
}

fn charset(content_type: Option<&str>) -> &'static Encoding {
    let named = content_type.into_iter().flat_map(|header| header.split(';')).find_map(|part| {
        let (name, value) = part.split_once('=')?;
        let value = value.trim().trim_matches(['"', '\'']);
        name.trim().eq_ignore_ascii_case("charset").then(|| Encoding::for_label(value.as_bytes()))?
    });
    named.unwrap_or(UTF_8)
}

/// Bytes of a character set as UTF-8, without zero bytes, and no more per row than allowed.
struct Text {
    inner: Box<dyn Read + Send + Sync>,
    decoder: Decoder,
    raw: Vec<u8>,
    /// What is decoded and not yet taken.
    ready: Vec<u8>,
    taken: usize,
    over: bool,
    allowance: Arc<AtomicU64>,
}

impl Text {
    fn new(inner: Box<dyn Read + Send + Sync>, encoding: &'static Encoding, allowance: Arc<AtomicU64>) -> Self {
        let decoder = encoding.new_decoder_with_bom_removal();
        Self { inner, decoder, raw: vec![0; 16 << 10], ready: Vec::new(), taken: 0, over: false, allowance }
    }

    fn fill(&mut self) -> io::Result<()> {
        let read = self.inner.read(&mut self.raw)?;
        self.over = read == 0;
        // Some platforms pad their files with zero bytes; no table means them.
        let mut piece: Vec<u8> = self.raw.get(..read).unwrap_or_default().to_vec();
        if self.decoder.encoding() == UTF_8 {
            piece.retain(|byte| *byte != 0);
        }
        let room = self.decoder.max_utf8_buffer_length(piece.len()).unwrap_or(64 << 10);
        self.ready.resize(room, 0);
        let (result, _, written, errors) = self.decoder.decode_to_utf8(&piece, &mut self.ready, self.over);
        if errors || result == CoderResult::OutputFull {
            let name = self.decoder.encoding().name();
            return Err(io::Error::new(io::ErrorKind::InvalidData, format!("the text is not {name}")));
        }
        self.ready.truncate(written);
        self.taken = 0;
        Ok(())
    }
}

impl Read for Text {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.taken >= self.ready.len() && !self.over {
            self.fill()?;
        }
        let left = self.ready.get(self.taken..).unwrap_or_default();
        let count = left.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), left.get(..count)) {
            to.copy_from_slice(from);
        }
        self.taken += count;
        let allowed = self.allowance.load(Ordering::Relaxed).checked_sub(count as u64);
        let allowed =
            allowed.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "a row is larger than 64 MiB"))?;
        self.allowance.store(allowed, Ordering::Relaxed);
        Ok(count)
    }
}
