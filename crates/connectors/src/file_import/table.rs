//! The table found in a file: header, data rows, and where each stood.
//!
//! Cells lie end to end in one text with a list of ends, because half a million lines of twenty columns would otherwise be
//! ten million small allocations. Real exports wrap their table: title lines above it, two-line headers with merged cells,
//! totals and remarks below; this file peels that off and says what it left out.

use super::{Field, Kind, Note, cell, headers};
use std::collections::HashMap;

/// How many lines from the top the header is looked for.
const HEADER_SEARCH: usize = 60;

/// Rows of cells as they stand in the file, before a header is known.
#[derive(Debug, Default)]
pub(super) struct Cells {
    text: String,
    ends: Vec<u32>,
    rows: Vec<Row>,
}

#[derive(Debug, Clone, Copy)]
struct Row {
    line: u64,
    first: u32,
    len: u32,
}

/// The table is larger than the arena can address; only a crafted workbook gets there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooManyCells;

impl Cells {
    /// Adds a cell to the row being built.
    pub(super) fn push(&mut self, cell: &str) -> Result<(), TooManyCells> {
        self.text.push_str(cell);
        self.ends.push(u32::try_from(self.text.len()).map_err(|_| TooManyCells)?);
        if self.ends.len() > 60_000_000 { Err(TooManyCells) } else { Ok(()) }
    }

    /// Adds a piece of a cell; [`Self::end_cell`] completes it.
    pub(super) fn push_part(&mut self, part: &str) {
        self.text.push_str(part);
    }

    /// Completes a cell made of parts.
    pub(super) fn end_cell(&mut self) -> Result<(), TooManyCells> {
        self.push("")
    }

    /// Completes the row that began when `cells_before` cells were there; a row without any content is dropped.
    pub(super) fn end_row(&mut self, line: u64, cells_before: usize) -> Result<(), TooManyCells> {
        let first = u32::try_from(cells_before).map_err(|_| TooManyCells)?;
        let len = u32::try_from(self.ends.len() - cells_before).map_err(|_| TooManyCells)?;
        let row = Row { line, first, len };
        if (0..row.len as usize).all(|column| cell::trim(self.get(row, column)).is_empty()) {
            self.ends.truncate(cells_before);
            self.text.truncate(self.ends.last().map_or(0, |end| *end as usize));
        } else {
            self.rows.push(row);
        }
        Ok(())
    }

    /// How many cells there are, to mark the beginning of a row.
    pub(super) fn mark(&self) -> usize {
        self.ends.len()
    }

    /// How many rows there are.
    pub(super) fn height(&self) -> usize {
        self.rows.len()
    }

    /// How many cells each of the rows has.
    pub(super) fn widths(&self) -> impl Iterator<Item = usize> {
        self.rows.iter().map(|row| row.len as usize)
    }

    fn get(&self, row: Row, column: usize) -> &str {
        if column >= row.len as usize {
            return "";
        }
        let index = row.first as usize + column;
        let start = if index == 0 { 0 } else { self.ends[index - 1] as usize };
        let text = self.text.get(start..self.ends[index] as usize).unwrap_or("");
        // `="0012"` is how exports keep Excel from eating the zeros of an id.
        text.strip_prefix("=\"").and_then(|inner| inner.strip_suffix('"')).unwrap_or(text)
    }

    fn cells(&self, row: Row) -> impl Iterator<Item = &str> {
        (0..row.len as usize).map(move |column| self.get(row, column))
    }
}

/// A merged region of a sheet; rows are lines from 1, columns count from 0, ends included.
#[derive(Debug, Clone, Copy)]
pub(super) struct Merge {
    pub(super) top: u64,
    pub(super) bottom: u64,
    pub(super) left: usize,
    pub(super) right: usize,
}

/// Which decimal sign the file uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DecimalSign {
    Comma,
    Point,
    /// No cell proves it.
    Unproven,
}

/// What is known of a file besides its cells.
#[derive(Debug)]
pub(super) struct Origin {
    pub(super) kind: Kind,
    pub(super) encoding: Option<String>,
    pub(super) delimiter: Option<char>,
    pub(super) sheets: Vec<String>,
    pub(super) sheet: Option<String>,
    pub(super) merges: Vec<Merge>,
    pub(super) from_1904: bool,
    pub(super) notes: Vec<Note>,
}

/// A table found in a file.
#[derive(Debug)]
pub struct Table {
    /// What kind of file it is from.
    pub kind: Kind,
    /// The encoding that was recognised, for text.
    pub encoding: Option<String>,
    /// The separator that was recognised, for text.
    pub delimiter: Option<char>,
    /// The sheets of a workbook, in its order.
    pub sheets: Vec<String>,
    /// The sheet that was read: the first with days and figures.
    pub sheet: Option<String>,
    /// The line of the (last) header line, from 1; 0 when the file has no header.
    pub header_line: u64,
    /// The headers; those of two lines are joined as `Показы / всего`.
    pub headers: Vec<String>,
    /// What the person should know about how the table was found.
    pub notes: Vec<Note>,
    pub(super) decimal: DecimalSign,
    pub(super) from_1904: bool,
    cells: Cells,
    rows: Vec<Row>,
    /// For a cell inside a vertical merge: the row (by line) whose text stands for it.
    merged: HashMap<(u64, usize), Row>,
}

impl Table {
    /// Data rows, without headers, titles and totals.
    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    /// Whether numbers use a decimal comma.
    pub fn decimal_comma(&self) -> bool {
        self.decimal == DecimalSign::Comma
    }

    /// The first `count` data rows as text, each as wide as the header.
    pub fn sample(&self, count: usize) -> Vec<Vec<String>> {
        (0..self.rows.len().min(count))
            .map(|row| (0..self.headers.len()).map(|column| cell::trim(self.cell(row, column)).to_owned()).collect())
            .collect()
    }

    /// The cell as it stands there; empty beyond the end of its row.
    pub(super) fn cell(&self, row: usize, column: usize) -> &str {
        self.rows.get(row).map_or("", |row| self.cells.get(*row, column))
    }

    /// The cell of a column of names, ids or days: inside merged cells the text of the first one stands for all. Numbers
    /// are never repeated this way, since that would multiply money.
    pub(super) fn label(&self, row: usize, column: usize) -> &str {
        let text = self.cell(row, column);
        if !self.merged.is_empty() && text.is_empty() {
            let line = self.line(row);
            return self.merged.get(&(line, column)).map_or("", |anchor| self.cells.get(*anchor, column));
        }
        text
    }

    /// The line of a data row, from 1.
    pub(super) fn line(&self, row: usize) -> u64 {
        self.rows.get(row).map_or(0, |row| row.line)
    }

    /// How many cells the row has.
    pub(super) fn width(&self, row: usize) -> usize {
        self.rows.get(row).map_or(0, |row| row.len as usize)
    }

    /// The row as text, at most `limit` characters.
    pub(super) fn raw(&self, row: usize, limit: usize) -> String {
        let separator = self.delimiter.unwrap_or('\t');
        let mut raw = String::new();
        for column in 0..self.width(row) {
            if column > 0 {
                raw.push(separator);
            }
            raw.push_str(self.cell(row, column));
            if raw.len() > limit * 4 {
                break;
            }
        }
        raw.chars().take(limit).collect()
    }

    /// Finds header and data among the rows.
    pub(super) fn find(cells: Cells, origin: Origin) -> Self {
        let mut notes = origin.notes;
        let header = find_header(&cells, &origin.merges);
        let headers = header_texts(&cells, &header, &origin.merges);
        if header.is_absent() {
            notes.push(Note::NoHeader);
        }
        let mut rows: Vec<Row> = cells.rows[header.data_from..].to_vec();
        let mut totals = (0u64, Vec::new());
        rows.retain(|row| {
            let total = is_total(&cells, *row);
            if total {
                totals.0 += 1;
                if totals.1.len() < 20 {
                    totals.1.push(row.line);
                }
            }
            !total
        });
        if totals.0 > 0 {
            notes.push(Note::TotalsSkipped { count: totals.0, lines: totals.1 });
        }
        let decimal = match origin.kind {
            // The cells of a workbook are typed and their numbers come with a point; text among them proves nothing.
            Kind::Xlsx => DecimalSign::Unproven,
            Kind::Csv | Kind::Tsv => decimal_sign(&cells, &rows),
        };
        let merged = spread(&rows, &origin.merges);
        Self {
            kind: origin.kind,
            encoding: origin.encoding,
            delimiter: origin.delimiter,
            sheets: origin.sheets,
            sheet: origin.sheet,
            header_line: header.line(&cells),
            headers,
            notes,
            decimal,
            from_1904: origin.from_1904,
            cells,
            rows,
            merged,
        }
    }
}

/// Where the header stands: rows `top..data_from`; none when they are equal.
#[derive(Debug, Clone, Copy)]
struct Header {
    top: usize,
    data_from: usize,
}

impl Header {
    fn is_absent(&self) -> bool {
        self.top == self.data_from
    }
    fn line(&self, cells: &Cells) -> u64 {
        if self.is_absent() { 0 } else { cells.rows.get(self.data_from - 1).map_or(0, |row| row.line) }
    }
}

fn is_value(text: &str) -> bool {
    let mut plain = String::new();
    matches!(cell::number(text, false, &mut plain), cell::Shape::Number { .. })
        || cell::date(text, true, false).is_some()
}

/// Cells with text, and whether values are so few among them that this may be a header.
fn looks_like_header(cells: &Cells, row: Row) -> (usize, bool) {
    let filled: Vec<&str> = cells.cells(row).filter(|text| !cell::trim(text).is_empty()).collect();
    let values = filled.iter().filter(|text| is_value(text)).count();
    (filled.len(), !filled.is_empty() && values * 5 <= filled.len())
}

fn find_header(cells: &Cells, merges: &[Merge]) -> Header {
    let search = cells.rows.len().min(HEADER_SEARCH);
    let mut best: Option<(usize, usize)> = None;
    let mut widths: HashMap<usize, usize> = HashMap::new();
    for (index, row) in cells.rows.iter().take(search).enumerate() {
        let (filled, may_be) = looks_like_header(cells, *row);
        *widths.entry(filled).or_default() += 1;
        if !may_be {
            continue;
        }
        let mut known: Vec<Field> = cells.cells(*row).filter_map(headers::meaning).map(|(field, _)| field).collect();
        known.sort_unstable();
        known.dedup();
        let enough = known.len() >= 2 || (known.len() == 1 && (filled >= 2 || cells.rows.len() > 1 && row.len == 1));
        if enough && best.is_none_or(|(_, most)| known.len() > most) {
            best = Some((index, known.len()));
        }
    }
    // Without a known word: the first line as wide as the table that holds no values, when values follow.
    let usual = widths.iter().max_by_key(|(width, count)| (**count, **width)).map_or(1, |(width, _)| *width);
    let found = best.map(|(index, _)| index).or_else(|| {
        let first = cells.rows.iter().take(search).position(|row| {
            let (filled, may_be) = looks_like_header(cells, *row);
            may_be && filled * 2 >= usual
        })?;
        let values_follow =
            cells.rows[first + 1..].iter().take(HEADER_SEARCH).any(|row| cells.cells(*row).any(is_value));
        (values_follow || first == 0).then_some(first)
    });
    let Some(found) = found else { return Header { top: 0, data_from: 0 } };
    let (mut top, mut bottom) = (found, found);
    let table_width = cells.rows[found].len as usize;
    let filled = |index: usize, column: usize| !cell::trim(cells.get(cells.rows[index], column)).is_empty();
    let completes = |upper: usize, lower: usize, holes_in: usize, from: usize| {
        let width = cells.rows[upper].len.max(cells.rows[lower].len) as usize;
        (0..width).any(|column| !filled(holes_in, column) && filled(from, column))
    };
    // The line below belongs to the header when merged cells say so, or when it fills the holes of a line of groups.
    if let Some(next) = cells.rows.get(found + 1) {
        let line = cells.rows[found].line;
        let reaches = merges.iter().any(|m| m.top <= line && line < m.bottom && next.line <= m.bottom);
        let groups = merges.iter().any(|m| {
            m.top <= line
                && line <= m.bottom
                && m.right > m.left
                && m.right - m.left + 1 < table_width.max(next.len as usize)
        });
        let (_, may_be) = looks_like_header(cells, *next);
        if may_be
            && (reaches
                || groups
                || (merges.is_empty() && completes(found, found + 1, found, found + 1) && has_holes(cells, found)))
        {
            bottom = found + 1;
        }
    }
    if found > 0 && bottom == found {
        let (filled_above, may_be) = looks_like_header(cells, cells.rows[found - 1]);
        let line = cells.rows[found].line;
        let reaches = merges.iter().any(|m| m.top < line && line <= m.bottom);
        if may_be && (reaches || (filled_above >= 2 && completes(found - 1, found, found, found - 1))) {
            top = found - 1;
        }
    }
    Header { top, data_from: bottom + 1 }
}

/// Whether an empty cell stands between filled ones, as merged cells leave it in text.
fn has_holes(cells: &Cells, index: usize) -> bool {
    let row = cells.rows[index];
    let last = (0..row.len as usize).rev().find(|column| !cell::trim(cells.get(row, *column)).is_empty());
    last.is_some_and(|last| (0..last).any(|column| cell::trim(cells.get(row, column)).is_empty()))
}

fn header_texts(cells: &Cells, header: &Header, merges: &[Merge]) -> Vec<String> {
    let rows = &cells.rows[header.top..header.data_from];
    let mut width = rows.iter().map(|row| row.len as usize).max().unwrap_or(0);
    if header.is_absent() {
        width = cells.rows.iter().take(HEADER_SEARCH).map(|row| row.len as usize).max().unwrap_or(0);
        return (0..width).map(letters).collect();
    }
    let lines = rows.first().map_or(0, |row| row.line)..=rows.last().map_or(0, |row| row.line);
    let merges: Vec<&Merge> =
        merges.iter().filter(|m| m.top <= *lines.end() && *lines.start() <= m.bottom && m.left < width).collect();
    let mut texts = vec![Vec::<String>::new(); width];
    for (depth, row) in rows.iter().enumerate() {
        let mut group = String::new();
        for (column, parts) in texts.iter_mut().enumerate() {
            let own = tidy(cells.get(*row, column));
            let text = if !own.is_empty() {
                own.clone()
            } else if let Some(merge) = merges
                .iter()
                .find(|m| m.top <= row.line && row.line <= m.bottom && m.left <= column && column <= m.right)
            {
                let anchor = rows.iter().find(|row| row.line == merge.top);
                anchor.map(|anchor| tidy(cells.get(*anchor, merge.left))).unwrap_or_default()
            } else if merges.is_empty() && depth + 1 < rows.len() {
                // In text, the cells to the right of a group's name are empty; what stands below them is its part.
                let below = rows.get(depth + 1).is_some_and(|below| !cell::trim(cells.get(*below, column)).is_empty());
                if below { group.clone() } else { String::new() }
            } else {
                String::new()
            };
            if !own.is_empty() {
                group = own;
            }
            if !text.is_empty() && parts.last() != Some(&text) {
                parts.push(text);
            }
        }
    }
    texts.into_iter().map(|parts| parts.join(" / ")).collect()
}

/// One line without double spaces: headers are often broken inside a cell.
fn tidy(text: &str) -> String {
    text.split(cell::is_space).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The name of a column in a spreadsheet: A, B ... Z, AA.
fn letters(column: usize) -> String {
    let mut name = Vec::new();
    let mut rest = column + 1;
    while rest > 0 {
        rest -= 1;
        name.push(char::from(b'A' + u8::try_from(rest % 26).unwrap_or(0)));
        rest /= 26;
    }
    name.iter().rev().collect()
}

/// Whether this line is a total of the lines above: it begins with such a word and holds no day of its own.
fn is_total(cells: &Cells, row: Row) -> bool {
    let Some(first) = cells.cells(row).map(cell::trim).find(|text| !text.is_empty()) else { return false };
    is_total_word(first, true) && !cells.cells(row).any(cell::is_written_date)
}

/// Whether the text is the name of a total; `or_begins` also takes `Итого по кампаниям` and `Total: Account`.
pub(super) fn is_total_word(text: &str, or_begins: bool) -> bool {
    const WORDS: [&str; 9] =
        ["итого", "всего", "total", "totals", "grand total", "общий итог", "общая сумма", "итоги", "total rows"];
    let text = cell::trim(text);
    // Asked of every cell of a large file, so what cannot be one is dismissed by its length and first letter.
    let first = text.trim_start_matches(|c: char| !c.is_alphanumeric()).chars().next();
    let may_be = first.is_some_and(|c| matches!(c, 'и' | 'И' | 'в' | 'В' | 'о' | 'О' | 't' | 'T' | 'g' | 'G'));
    if !may_be || text.len() > if or_begins { 120 } else { 40 } {
        return false;
    }
    let lower = text.to_lowercase();
    let lower = lower.trim_matches(|c: char| !c.is_alphanumeric());
    WORDS.contains(&lower)
        || (or_begins
            && WORDS.iter().any(|word| {
                lower.strip_prefix(word).is_some_and(|rest| rest.starts_with(|c: char| !c.is_alphanumeric()))
            }))
}

fn decimal_sign(cells: &Cells, rows: &[Row]) -> DecimalSign {
    let (mut commas, mut points) = (0u32, 0u32);
    for row in rows.iter().take(2000) {
        for text in cells.cells(*row) {
            match cell::decimal_evidence(text) {
                Some(true) => commas += 1,
                Some(false) => points += 1,
                None => {}
            }
        }
    }
    match commas.cmp(&points) {
        std::cmp::Ordering::Greater => DecimalSign::Comma,
        std::cmp::Ordering::Less => DecimalSign::Point,
        std::cmp::Ordering::Equal if commas > 0 => DecimalSign::Point,
        std::cmp::Ordering::Equal => DecimalSign::Unproven,
    }
}

/// The rows of vertical merges among the data, each with the row that holds the text.
fn spread(rows: &[Row], merges: &[Merge]) -> HashMap<(u64, usize), Row> {
    let mut merged = HashMap::new();
    let Some(first) = rows.first() else { return merged };
    let mut budget = 2_000_000usize;
    for merge in merges.iter().filter(|m| m.bottom > m.top && m.top >= first.line) {
        let Ok(anchor) = rows.binary_search_by_key(&merge.top, |row| row.line) else { continue };
        for row in rows[anchor + 1..].iter().take_while(|row| row.line <= merge.bottom) {
            if budget == 0 {
                return merged;
            }
            budget -= 1;
            merged.insert((row.line, merge.left), rows[anchor]);
        }
    }
    merged
}
