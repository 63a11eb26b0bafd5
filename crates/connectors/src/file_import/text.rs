//! Splits delimited text into cells.
//!
//! Our own splitter and not a library's, for two things that exports need and RFC 4180 does not: a cell that merely begins
//! with a quote (`"Brand" sale` in Yandex Direct's unquoted TSV) stays as it is instead of swallowing the lines that follow,
//! and each row keeps the line of the file it begins on, with empty lines and line breaks inside quotes counted.

use super::{
    Kind, MAX_BYTES, Note, Table, encoding,
    sniff::refused,
    table::{Cells, Origin, TooManyCells},
};
use model::failure::{Code, Failure};

/// The longest quoted cell; a spreadsheet cell holds no more than this many characters. A quote that is not closed
/// within it was not the beginning of a quoted cell.
const LONGEST_QUOTED: usize = 32_767 * 2;
/// How many records the separator is decided on.
const SAMPLE_RECORDS: usize = 100;
/// In order of preference: a comma comes last, since with another separator it is usually a decimal comma.
const DELIMITERS: [char; 4] = ['\t', ';', '|', ','];

/// Opens delimited text.
pub(super) fn open(name: &str, bytes: &[u8]) -> Result<Table, Failure> {
    let decoded = encoding::decode(bytes);
    let (declared, skip) = declared_delimiter(&decoded.text);
    let text = &decoded.text[skip..];
    if text.trim().is_empty() {
        return Err(refused("empty"));
    }
    let delimiter = declared.map_or_else(|| find_delimiter(name, text), Ok).map_err(too_large)?;
    let cells = split(text, delimiter, usize::MAX, 1).map_err(too_large)?;
    let mut notes = Vec::new();
    if decoded.undecodable > 0 {
        notes.push(Note::Undecodable { chars: decoded.undecodable });
    }
    Ok(Table::find(
        cells,
        Origin {
            kind: if delimiter == '\t' { Kind::Tsv } else { Kind::Csv },
            encoding: Some(decoded.encoding.to_owned()),
            delimiter: Some(delimiter),
            sheets: Vec::new(),
            sheet: None,
            merges: Vec::new(),
            from_1904: false,
            notes,
        },
    ))
}

fn too_large(TooManyCells: TooManyCells) -> Failure {
    Failure::new(Code::FileTooLarge).with("bytes", MAX_BYTES).with("limit", MAX_BYTES).detail("too many cells")
}

/// Excel's own hint: a first line `sep=;`. Answers with the separator and the bytes to skip; the line end
/// stays, so that lines are counted right.
fn declared_delimiter(text: &str) -> (Option<char>, usize) {
    let first = text.split(['\r', '\n']).next().unwrap_or("");
    let mut letters = match first.get(..4) {
        Some(start) if start.eq_ignore_ascii_case("sep=") => first[4..].chars(),
        _ => return (None, 0),
    };
    match (letters.next(), letters.next()) {
        (Some(delimiter), None) => (Some(delimiter), first.len()),
        _ => (None, 0),
    }
}

/// Chooses the separator by how evenly it divides the first records.
fn find_delimiter(name: &str, text: &str) -> Result<char, TooManyCells> {
    struct Candidate {
        delimiter: char,
        /// Records of the commonest width, among all.
        coverage: f64,
        /// Records of the commonest width, among those that the separator divides at all.
        evenness: f64,
        width: usize,
    }
    let mut candidates = Vec::new();
    for delimiter in DELIMITERS {
        let cells = split(text, delimiter, SAMPLE_RECORDS, 1)?;
        let mut counts = std::collections::BTreeMap::<usize, usize>::new();
        for width in cells.widths().filter(|width| *width > 1) {
            *counts.entry(width).or_default() += 1;
        }
        let divided: usize = counts.values().sum();
        let Some((width, count)) = counts.into_iter().max_by_key(|(width, count)| (*count, *width)) else { continue };
        candidates.push(Candidate {
            delimiter,
            coverage: count as f64 / cells.height() as f64,
            evenness: count as f64 / divided as f64,
            width,
        });
    }
    let comma = candidates.iter().find(|c| c.delimiter == ',').map_or(0.0, |c| c.coverage);
    let sure = candidates
        .iter()
        .filter(|c| c.delimiter != ',' && c.evenness >= 0.8 && c.coverage * 2.0 >= comma)
        .max_by(|a, b| a.coverage.total_cmp(&b.coverage).then(a.width.cmp(&b.width)));
    let best = sure.or_else(|| {
        candidates
            .iter()
            .max_by(|a, b| (a.coverage * a.evenness).total_cmp(&(b.coverage * b.evenness)).then(a.width.cmp(&b.width)))
    });
    let named_tsv = name.to_ascii_lowercase().ends_with(".tsv");
    Ok(best.map_or(if named_tsv { '\t' } else { ',' }, |candidate| candidate.delimiter))
}

/// Splits the text into at most `limit` records; `line` is the number of its first line.
fn split(text: &str, delimiter: char, limit: usize, mut line: u64) -> Result<Cells, TooManyCells> {
    let mut cells = Cells::default();
    let mut rest = text;
    while !rest.is_empty() && cells.height() < limit {
        let began_on = line;
        let mark = cells.mark();
        loop {
            rest = cell(rest, delimiter, &mut cells, &mut line)?;
            if let Some(after) = rest.strip_prefix(delimiter) {
                rest = after;
                if rest.is_empty() {
                    cells.push("")?;
                }
                continue;
            }
            break;
        }
        cells.end_row(began_on, mark)?;
        rest = match rest.as_bytes() {
            [b'\r', b'\n', ..] => &rest[2..],
            [b'\r' | b'\n', ..] => &rest[1..],
            _ => rest,
        };
        line += 1;
    }
    Ok(cells)
}

/// Reads one cell and answers with what follows it: a separator, a line end or nothing.
fn cell<'a>(text: &'a str, delimiter: char, cells: &mut Cells, line: &mut u64) -> Result<&'a str, TooManyCells> {
    if text.starts_with('"')
        && let Some(length) = quoted(text, delimiter)
    {
        let inner = &text[1..length - 1];
        *line += line_ends(inner);
        let mut parts = inner.split("\"\"");
        if let Some(first) = parts.next() {
            cells.push_part(first);
        }
        for part in parts {
            cells.push_part("\"");
            cells.push_part(part);
        }
        cells.end_cell()?;
        return Ok(text[length..].trim_start_matches(' '));
    }
    let end = text.find([delimiter, '\r', '\n']).unwrap_or(text.len());
    cells.push(&text[..end])?;
    Ok(&text[end..])
}

/// The length of a quoted cell with its quotes, if it is one: closed, and followed by a separator or a line end.
fn quoted(text: &str, delimiter: char) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 1;
    loop {
        at += bytes.get(at..)?.iter().take(LONGEST_QUOTED).position(|byte| *byte == b'"')?;
        if at > LONGEST_QUOTED {
            return None;
        }
        if bytes.get(at + 1) == Some(&b'"') {
            at += 2;
            continue;
        }
        let after = text.get(at + 1..)?.trim_start_matches(' ');
        return (after.is_empty() || after.starts_with([delimiter, '\r', '\n'])).then_some(at + 1);
    }
}

/// Line ends in a piece of text; `\r\n` is one.
fn line_ends(text: &str) -> u64 {
    let mut count = 0;
    let mut before = 0;
    for byte in text.bytes() {
        if byte == b'\r' || (byte == b'\n' && before != b'\r') {
            count += 1;
        }
        before = byte;
    }
    count
}
