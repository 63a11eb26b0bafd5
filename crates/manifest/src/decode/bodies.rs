//! Bodies to documents, decoder by decoder, with memory bounded whatever a platform sends: compressed bodies may not grow
//! without end, single lines and rows have a size, and what has to be held as a whole has a number of values.

use super::{Charset, Projection, csv, xml};
use crate::components::Decoder;
use crate::json::Json;
use std::io::{self, BufRead, BufReader, Read};

/// What a body may be.
#[derive(Debug, Clone, Copy)]
struct Limits {
    /// What a compressed one may unpack to when its documents can be handed over in parts, in bytes.
    streamed: u64,
    /// What a compressed one may unpack to when it has to be held as a whole, in bytes.
    whole: u64,
    /// The longest line, in bytes.
    line: u64,
    /// The longest row of delimited text, in bytes.
    row: u64,
    /// Values held at a time. One takes some 80 bytes beside its text.
    values: usize,
}

/// With these a body of nothing but brackets stays below 1 GB.
const LIMITS: Limits = Limits { streamed: 4 << 30, whole: 256 << 20, line: 64 << 20, row: 4 << 20, values: 8_000_000 };

/// Documents handed over at a time, and how many values they may have together.
const BATCH: (usize, usize) = (1_000, 100_000);

/// A body could not be decoded.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Broken compression or text, or more than fits.
    #[error("{0}")]
    Broken(String),
    /// Not JSON.
    #[error("not JSON: {0}")]
    Json(serde_json::Error),
    /// Not XML.
    #[error("not XML: {0}")]
    Xml(String),
}

impl DecodeError {
    /// Whether the reference takes the body for "no records": text that is not what a plain decoder reads. What is too large,
    /// too deep or not even text is never taken for that.
    pub fn counts_as_empty(&self, decoder: &Decoder) -> bool {
        matches!((self, decoder), (Self::Json(_), Decoder::Json) | (Self::Xml(_), Decoder::Xml))
    }
}

impl From<serde_json::Error> for DecodeError {
    fn from(error: serde_json::Error) -> Self {
        if error.to_string().starts_with("recursion limit exceeded") {
            return Self::Broken("the JSON is nested deeper than 128 levels".to_owned());
        }
        Self::Json(error)
    }
}

impl From<io::Error> for DecodeError {
    fn from(error: io::Error) -> Self {
        Self::Broken(error.to_string())
    }
}

/// Why decoding ended early.
pub(super) enum Stop {
    /// Nobody wants more.
    Enough,
    /// It cannot go on.
    Failed(DecodeError),
}

impl<E: Into<DecodeError>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Collects documents and hands them over in batches.
pub(super) struct Out<'e> {
    batch: Vec<Json>,
    values: usize,
    each: &'e mut dyn FnMut(Vec<Json>, usize) -> Result<(), Stop>,
    limits: Limits,
}

impl Out<'_> {
    /// Takes a document that has about so many values.
    pub(super) fn push(&mut self, document: Json, values: usize) -> Result<(), Stop> {
        self.batch.push(document);
        self.values += values.max(1);
        if self.batch.len() >= BATCH.0 || self.values >= BATCH.1 { self.flush() } else { Ok(()) }
    }
    fn flush(&mut self) -> Result<(), Stop> {
        let values = std::mem::take(&mut self.values);
        (self.each)(std::mem::take(&mut self.batch), values)
    }
}

/// Whether pagination may look into bodies of this decoder: streamed ones are not kept (section 5).
pub fn pages_see_it(decoder: &Decoder) -> bool {
    matches!(decoder, Decoder::Json | Decoder::Xml | Decoder::Zip(_))
}

/// Whether documents of this decoder come one after the other, so that a large body need not be held as documents at once.
pub fn streams(decoder: &Decoder) -> bool {
    match decoder {
        Decoder::Json | Decoder::Xml => false,
        Decoder::Jsonl | Decoder::JsonItems { .. } | Decoder::Csv { .. } | Decoder::Iterable => true,
        Decoder::Gzip(inner) | Decoder::Zip(inner) => streams(inner),
    }
}

/// The documents of a body. A top-level array is one document per element. Fails when they are more than memory should hold;
/// [`decode_each`] reads those.
pub fn decode(decoder: &Decoder, body: &[u8], projection: &Projection) -> Result<Vec<Json>, DecodeError> {
    decode_within(LIMITS, decoder, body, projection)
}

fn decode_within(
    limits: Limits,
    decoder: &Decoder,
    body: &[u8],
    projection: &Projection,
) -> Result<Vec<Json>, DecodeError> {
    if *decoder == Decoder::Json {
        return json(body, projection, limits);
    }
    let (mut documents, mut held) = (Vec::new(), 0usize);
    run(limits, decoder, body, projection, &mut |batch, values| {
        held += values;
        if held > limits.values {
            return Err(limits.too_many().into());
        }
        documents.extend(batch);
        Ok(())
    })?;
    Ok(documents)
}

/// The documents of a body in batches, until `each` says that it wants no more.
pub fn decode_each(
    decoder: &Decoder,
    body: &[u8],
    projection: &Projection,
    each: &mut dyn FnMut(Vec<Json>) -> bool,
) -> Result<(), DecodeError> {
    run(LIMITS, decoder, body, projection, &mut |batch, _| if each(batch) { Ok(()) } else { Err(Stop::Enough) })
}

fn run(
    limits: Limits,
    decoder: &Decoder,
    body: &[u8],
    projection: &Projection,
    each: &mut dyn FnMut(Vec<Json>, usize) -> Result<(), Stop>,
) -> Result<(), DecodeError> {
    let mut out = Out { batch: Vec::new(), values: 0, each, limits };
    match feed(decoder, body, projection, &mut out).and_then(|()| out.flush()) {
        Ok(()) | Err(Stop::Enough) => Ok(()),
        Err(Stop::Failed(error)) => Err(error),
    }
}

impl Limits {
    fn too_many(self) -> DecodeError {
        let most = self.values;
        DecodeError::Broken(format!("the body has more than {most} values, more than this program holds at once"))
    }
}

/// About how many values a JSON text has.
fn values_in(text: &[u8]) -> usize {
    text.iter().filter(|byte| matches!(byte, b',' | b'{' | b'[')).count()
}

fn json(body: &[u8], projection: &Projection, limits: Limits) -> Result<Vec<Json>, DecodeError> {
    Ok(match document(body, projection, limits)? {
        Json::Array(items) => items,
        other => vec![other],
    })
}

/// One JSON text. A text that is not UTF-8 is no JSON but something else altogether.
fn document(text: &[u8], projection: &Projection, limits: Limits) -> Result<Json, DecodeError> {
    let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
    if text.len() > limits.values && values_in(text) > limits.values {
        return Err(limits.too_many());
    }
    match projection.parse(text) {
        Ok(document) => Ok(document),
        Err(error) => {
            if let Err(place) = std::str::from_utf8(text) {
                return Err(DecodeError::Broken(format!("the body is not UTF-8 at byte {}", place.valid_up_to())));
            }
            match without_nan(text) {
                Some(text) => Ok(projection.parse(&text)?),
                None => Err(error.into()),
            }
        }
    }
}

/// Some platforms write `NaN` and `Infinity` into JSON, which the reference reads and writes on as null.
fn without_nan(text: &[u8]) -> Option<Vec<u8>> {
    let (mut plain, mut rest, mut changed) = (Vec::with_capacity(text.len()), text, false);
    let mut in_text = false;
    while let Some((&byte, after)) = rest.split_first() {
        let word = [&b"NaN"[..], b"Infinity", b"-Infinity"].into_iter().find(|word| !in_text && rest.starts_with(word));
        if let Some(word) = word {
            plain.extend_from_slice(b"null");
            rest = &rest[word.len()..];
            changed = true;
            continue;
        }
        plain.push(byte);
        rest = after;
        if in_text && byte == b'\\' {
            if let Some((&escaped, after)) = rest.split_first() {
                plain.push(escaped);
                rest = after;
            }
        } else if byte == b'"' {
            in_text = !in_text;
        }
    }
    changed.then_some(plain)
}

fn feed(decoder: &Decoder, mut body: &[u8], projection: &Projection, out: &mut Out<'_>) -> Result<(), Stop> {
    match decoder {
        Decoder::Json => json(body, projection, out.limits)?.into_iter().try_for_each(|document| out.push(document, 1)),
        Decoder::Xml => {
            let most = out.limits.values;
            if body.len() > most && body.iter().filter(|byte| matches!(byte, b'<' | b'=')).count() > most {
                return Err(out.limits.too_many().into());
            }
            out.push(xml::document(body)?, 1)
        }
        Decoder::JsonItems { path, charset } => {
            let recoded =
                (*charset != Charset::Utf8).then(|| whole(&mut charset.reader(body), out.limits)).transpose()?;
            let text = recoded.as_deref().unwrap_or(body);
            let mut wanted = Projection::none();
            wanted.want(&path.iter().filter(|segment| *segment != "item").collect::<Vec<_>>());
            if let Some(found) = items(document(text, &wanted, out.limits)?, path) {
                found.into_iter().try_for_each(|item| out.push(item, 1))?;
            }
            Ok(())
        }
        Decoder::Zip(inner) => {
            let broken = |error: zip::result::ZipError| DecodeError::Broken(format!("the zip body is broken: {error}"));
            let mut archive = zip::ZipArchive::new(io::Cursor::new(body)).map_err(broken)?;
            let mut left = out.limits.streamed;
            for index in 0..archive.len() {
                let member = archive.by_index(index).map_err(broken)?;
                if member.is_dir() {
                    continue;
                }
                let mut member = Bounded { inner: member, left, what: "zip" };
                stream(inner, &mut BufReader::new(&mut member), projection, out)?;
                left = member.left;
            }
            Ok(())
        }
        Decoder::Jsonl | Decoder::Csv { .. } | Decoder::Iterable | Decoder::Gzip(_) => {
            stream(decoder, &mut body, projection, out)
        }
    }
}

fn stream(decoder: &Decoder, input: &mut dyn BufRead, projection: &Projection, out: &mut Out<'_>) -> Result<(), Stop> {
    match decoder {
        // Bad lines are skipped, as in the reference; a note says how many.
        Decoder::Jsonl => {
            let mut bad = 0usize;
            lines(input, out.limits.line, &mut |line| {
                if line.trim_ascii().is_empty() {
                    return Ok(());
                }
                match document(line, projection, out.limits) {
                    Ok(document) => return out.push(document, values_in(line)),
                    Err(DecodeError::Json(_)) => bad += 1,
                    Err(error) => return Err(error.into()),
                }
                Ok(())
            })?;
            if bad > 0 {
                tracing::warn!(bad, "lines that are not JSON were skipped");
            }
            Ok(())
        }
        Decoder::Iterable => lines(input, out.limits.line, &mut |line| {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let text = std::str::from_utf8(line).map_err(|_| DecodeError::Broken("a line is not UTF-8".to_owned()))?;
            text.split('\r').try_for_each(|line| out.push(crate::json!({ "record": line }), 2))
        }),
        Decoder::Csv { delimiter, nulls, charset } => {
            csv::rows(charset.reader(input), (*delimiter, nulls), out.limits.row, out)
        }
        Decoder::Gzip(inner) => {
            let mut start = Vec::with_capacity(2);
            input.take(2).read_to_end(&mut start)?;
            let packed = start == [0x1f, 0x8b];
            let mut input = io::Cursor::new(start).chain(input);
            if !packed {
                return stream(inner, &mut BufReader::new(&mut input), projection, out);
            }
            let inflated = flate2::bufread::MultiGzDecoder::new(input);
            let inflated = Bounded { inner: inflated, left: out.limits.streamed, what: "gzip" };
            stream(inner, &mut BufReader::new(Named(inflated, "the gzip body is broken")), projection, out)
        }
        Decoder::Json | Decoder::Xml | Decoder::JsonItems { .. } | Decoder::Zip(_) => {
            feed(decoder, &whole(input, out.limits)?, projection, out)
        }
    }
}

/// The array at a path; the segment `item` stands for all elements of an array.
fn items(document: Json, path: &[String]) -> Option<Vec<Json>> {
    match (path.split_first(), document) {
        (None, Json::Array(items)) => Some(items),
        (Some((first, rest)), Json::Array(list)) if first == "item" => {
            Some(list.into_iter().filter_map(|inner| items(inner, rest)).flatten().collect())
        }
        (Some((first, rest)), Json::Object(mut map)) => items(map.shift_remove(first)?, rest),
        _ => None,
    }
}

/// A body that has to be held as a whole.
fn whole(input: &mut dyn Read, limits: Limits) -> Result<Vec<u8>, DecodeError> {
    let mut held = Vec::new();
    input.take(limits.whole + 1).read_to_end(&mut held)?;
    if held.len() as u64 > limits.whole {
        return Err(DecodeError::Broken(format!("the body unpacks to more than {} MiB", limits.whole >> 20)));
    }
    Ok(held)
}

fn lines(input: &mut dyn BufRead, longest: u64, each: &mut dyn FnMut(&[u8]) -> Result<(), Stop>) -> Result<(), Stop> {
    let mut line = Vec::new();
    loop {
        line.clear();
        if (&mut *input).take(longest + 1).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        if line.len() as u64 > longest {
            return Err(DecodeError::Broken(format!("a line is longer than {longest} bytes")).into());
        }
        each(line.strip_suffix(b"\n").unwrap_or(&line))?;
    }
}

/// Gives an error instead of more bytes than allowed.
struct Bounded<R> {
    inner: R,
    left: u64,
    what: &'static str,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.left = self
            .left
            .checked_sub(read as u64)
            .ok_or_else(|| io::Error::other(format!("the {} body unpacks to more than is allowed", self.what)))?;
        Ok(read)
    }
}

/// Says whose fault an error is.
struct Named<R>(R, &'static str);

impl<R: Read> Read for Named<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::Other => error,
            kind => io::Error::new(kind, format!("{}: {error}", self.1)),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::*;
    use crate::json;
    use std::io::Write;

    fn gz(body: &[u8]) -> Vec<u8> {
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        writer.write_all(body).unwrap();
        writer.finish().unwrap()
    }

    fn zipped(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
        for (name, body) in members {
            writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
            writer.write_all(body).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn csv(delimiter: u8, nulls: &[&str], charset: &str) -> Decoder {
        let nulls = nulls.iter().map(|it| (*it).to_owned()).collect();
        Decoder::Csv { delimiter, nulls, charset: Charset::of(charset).unwrap() }
    }

    fn items(path: &[&str]) -> Decoder {
        let path = path.iter().map(|it| (*it).to_owned()).collect();
        Decoder::JsonItems { path, charset: Charset::Utf8 }
    }

    fn gzip(inner: Decoder) -> Decoder {
        Decoder::Gzip(Box::new(inner))
    }

    // The expected values are what the reference (airbyte-cdk 7.39.1) decodes, except for byte order marks, which it takes for
    // a part of the text.
    #[test]
    fn bodies_are_decoded_as_their_decoder_says() {
        let plain = csv(b',', &[], "utf-8");
        let rows: [(Decoder, Vec<u8>, Json); 32] = [
            (Decoder::Json, b"\xEF\xBB\xBF{\"a\":1}".to_vec(), json!([{"a": 1}])),
            (Decoder::Json, b"[{\"a\":1},2]".to_vec(), json!([{"a": 1}, 2])),
            (Decoder::Json, b"[]".to_vec(), json!([])),
            (
                Decoder::Json,
                br#"{"a":NaN,"b":[-Infinity,Infinity],"c":"NaN \" NaN"}"#.to_vec(),
                json!([{"a": null, "b": [null, null], "c": "NaN \" NaN"}]),
            ),
            (
                Decoder::Json,
                br#"{"id":9007199254740993,"id":18446744073709551615}"#.to_vec(),
                json!([{"id": u64::MAX}]),
            ),
            (
                csv(b';', &["-"], "utf-8"),
                "a;b\n1;\"x;y\"\n-;z\n".into(),
                json!([{"a": "1", "b": "x;y"}, {"a": null, "b": "z"}]),
            ),
            (
                csv(b'\t', &[], "utf-8"),
                "a\tb\r\n1\t2\r\n\r\n3\t\r\n".into(),
                json!([{"a": "1", "b": "2"}, {"a": "3", "b": ""}]),
            ),
            (
                plain.clone(),
                "\u{feff}a,b\n1\n1,2,3,4\n".into(),
                json!([{"a": "1", "b": null}, {"a": "1", "b": "2", "null": ["3", "4"]}]),
            ),
            (
                plain.clone(),
                "a,b\n\"x\r\ny\",\"say \"\"hi\"\"\"\nq\"uote,\"a\"b\n".into(),
                json!([{"a": "x\ny", "b": "say \"hi\""}, {"a": "q\"uote", "b": "ab"}]),
            ),
            (plain.clone(), "a,a\n1,2\n".into(), json!([{"a": "2"}])),
            (plain.clone(), "a,b\n \n\"open,1\n".into(), json!([{"a": " ", "b": null}, {"a": "open,1\n", "b": null}])),
            (plain.clone(), b"".to_vec(), json!([])),
            (plain.clone(), b"a,b\n".to_vec(), json!([])),
            (csv(b',', &[], "latin-1"), b"n\n\xe9\x80\n".to_vec(), json!([{"n": "é\u{80}"}])),
            (csv(b',', &[], "cp1251"), b"n\n\xcf\xf0\n".to_vec(), json!([{"n": "Пр"}])),
            (
                csv(b',', &[], "utf-16"),
                "n\né\n".encode_utf16().fold(vec![0xff, 0xfe], |mut all, unit| {
                    all.extend(unit.to_le_bytes());
                    all
                }),
                json!([{"n": "é"}]),
            ),
            (Decoder::Jsonl, b"{\"a\":1}\nnope\n\n{\"a\":2}".to_vec(), json!([{"a": 1}, {"a": 2}])),
            (Decoder::Jsonl, b"{\"a\":NaN}\r\n2\n".to_vec(), json!([{"a": null}, 2])),
            (gzip(Decoder::Jsonl), gz(b"{\"a\":1}\nnope\n\n{\"a\":2}"), json!([{"a": 1}, {"a": 2}])),
            (gzip(Decoder::Jsonl), b"{\"a\":1}".to_vec(), json!([{"a": 1}])),
            (gzip(Decoder::Json), gz(b"[1,2]"), json!([1, 2])),
            (gzip(Decoder::Json), b"{}".to_vec(), json!([{}])),
            (gzip(gzip(plain.clone())), gz(&gz(b"a\n1\n")), json!([{"a": "1"}])),
            (gzip(plain.clone()), [gz(b"a\n1\n"), gz(b"2\n")].concat(), json!([{"a": "1"}, {"a": "2"}])),
            (
                Decoder::Zip(Box::new(plain.clone())),
                zipped(&[("b.csv", b"a\n1\n"), ("a.csv", b"a\n2\n")]),
                json!([{"a": "1"}, {"a": "2"}]),
            ),
            (
                Decoder::Zip(Box::new(gzip(Decoder::Json))),
                zipped(&[("x", &gz(b"{\"a\":1}")), ("y", b"[{\"a\":2}]")]),
                json!([{"a": 1}, {"a": 2}]),
            ),
            (
                Decoder::Iterable,
                b"one\n\ntwo\r\nth\rree".to_vec(),
                json!([{"record": "one"}, {"record": ""}, {"record": "two"}, {"record": "th"}, {"record": "ree"}]),
            ),
            (
                items(&["data", "users"]),
                br#"{"x":[1],"data":{"users":[{"a":1},2,null],"n":0}}"#.to_vec(),
                json!([{"a": 1}, 2, null]),
            ),
            (
                items(&["pages", "item", "rows"]),
                br#"{"pages":[{"rows":[1]},{"rows":[2,3]},{}]}"#.to_vec(),
                json!([1, 2, 3]),
            ),
            (items(&["nope"]), br#"{"a":1}"#.to_vec(), json!([])),
            (items(&["a"]), br#"{"a":{"b":1}}"#.to_vec(), json!([])),
            (gzip(items(&["a"])), gz(br#"{"a":[1]}"#), json!([1])),
        ];
        for (decoder, body, expected) in rows {
            let text = String::from_utf8_lossy(&body).into_owned();
            assert_eq!(
                Json::Array(decode(&decoder, &body, &Projection::all()).unwrap()),
                expected,
                "{decoder:?} {text}"
            );
            let mut each = Vec::new();
            decode_each(&decoder, &body, &Projection::all(), &mut |batch| {
                each.extend(batch);
                true
            })
            .unwrap();
            assert_eq!(Json::Array(each), expected, "{decoder:?} {text}");
        }
    }

    #[test]
    fn what_cannot_be_decoded_says_why_and_only_wrong_text_counts_as_no_records() {
        let zip = || Decoder::Zip(Box::new(Decoder::Json));
        let deep = [b"[".repeat(5_000), b"]".repeat(5_000)].concat();
        let deep_xml = [b"<a>".repeat(5_000), b"</a>".repeat(5_000)].concat();
        let limits = Limits { streamed: 4 << 20, whole: 1 << 20, line: 100_000, row: 50_000, values: 10_000 };
        let brackets = [&b"["[..], &b"[],".repeat(10_000), b"[]]"].concat();
        let long_line = vec![b' '; 100_001];
        let bomb = gz(&vec![b' '; (1 << 20) + 1]);
        let lines = |count| [vec![b'a'; 90_000], b"\n".to_vec()].concat().repeat(count);
        let larger_bomb = gz(&lines(50));
        let rows: [(Decoder, &[u8], &str, bool); 21] = [
            (Decoder::Json, b"<html>", "not JSON", true),
            (Decoder::Json, b"", "not JSON", true),
            (Decoder::Json, b"{\"a\":\"\xff\"}", "not UTF-8 at byte 6", false),
            (Decoder::Json, &deep, "nested deeper than 128", false),
            (Decoder::Json, &brackets, "more than 10000 values", false),
            (gzip(Decoder::Json), b"nope", "not JSON", false),
            (gzip(Decoder::Json), b"\x1f\x8b broken", "the gzip body is broken", false),
            (gzip(Decoder::Json), &bomb, "more than 1 MiB", false),
            (gzip(Decoder::Jsonl), &gz(&long_line), "longer than 100000 bytes", false),
            (Decoder::Jsonl, b"{\"a\":\"\xff\"}", "not UTF-8", false),
            (Decoder::Iterable, b"\xff", "not UTF-8", false),
            (zip(), b"PK nope", "the zip body is broken", false),
            (zip(), &zipped(&[("a", b"nope")]), "not JSON", false),
            (csv(b',', &[], "utf-8"), b"a\n\xff\n", "not UTF-8", false),
            (Decoder::Xml, b"<a><b></a>", "not XML", true),
            (Decoder::Xml, &deep_xml, "nested deeper", false),
            (gzip(Decoder::Iterable), &larger_bomb, "the gzip body unpacks to more", false),
            (
                Decoder::Zip(Box::new(Decoder::Iterable)),
                &zipped(&[("a", &lines(30)), ("b", &lines(30)), ("c", b"a")]),
                "the zip body unpacks to more",
                false,
            ),
            (
                csv(b',', &[], "utf-8"),
                &[&b"a\n\""[..], &b",".repeat(100_000)].concat(),
                "longer than 50000 bytes",
                false,
            ),
            (
                csv(b',', &[], "utf-8"),
                &[&b"a,b,c,d\n"[..], &b"1,2,3,4\n".repeat(2_501)].concat(),
                "more than 10000 values",
                false,
            ),
            (csv(b',', &[], "shift_jis"), b"a\n\xfd\n", "the text is not Shift_JIS", false),
        ];
        for (decoder, body, expected, empty) in rows {
            let error = decode_within(limits, &decoder, body, &Projection::all()).unwrap_err();
            assert!(error.to_string().contains(expected), "{decoder:?}: {error}");
            assert_eq!(error.counts_as_empty(&decoder), empty, "{decoder:?}: {error}");
        }
        let cells = [&b"a,b,c,d\n"[..], &b"1,2,3,4\n".repeat(10_000)].concat();
        // Batches end when nobody wants more.
        let mut rows = 0;
        decode_each(&csv(b',', &[], "utf-8"), &cells, &Projection::all(), &mut |batch| {
            rows += batch.len();
            rows < 5_000
        })
        .unwrap();
        assert_eq!(rows, 5_000);
    }
}
