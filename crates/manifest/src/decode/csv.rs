//! Rows of delimited text as maps of text, the way Python's `csv.DictReader` reads them: a short row has nulls at its end, the
//! cells beyond the header stand as a list under `null`, empty lines are no rows.

use super::bodies::{DecodeError, Out, Stop};
use crate::json::{Json, Map};
use std::{
    cell::Cell,
    io::{self, Read},
};

pub(super) fn rows(
    input: impl Read,
    (delimiter, nulls): (u8, &[String]),
    longest: u64,
    out: &mut Out<'_>,
) -> Result<(), Stop> {
    let since = Cell::new(0);
    let input = Rows { inner: input, since: &since, longest };
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(input);
    let mut header: Vec<String> = reader.headers().map_err(|error| broken(&error))?.iter().map(str::to_owned).collect();
    if let Some(first) = header.first_mut()
        && let Some(plain) = first.strip_prefix('\u{feff}')
    {
        *first = plain.to_owned();
    }
    let cell = |text: &str| {
        if nulls.iter().any(|null| null == text) {
            return Json::Null;
        }
        // Python reads every kind of line end as a line feed, also inside of quotes.
        Json::from(if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n") } else { text.to_owned() })
    };
    let mut row = csv::StringRecord::new();
    since.set(0);
    while reader.read_record(&mut row).map_err(|error| broken(&error))? {
        since.set(0);
        let mut document = Map::with_capacity(header.len());
        for (index, name) in header.iter().enumerate() {
            document.insert(name.clone(), row.get(index).map_or(Json::Null, cell));
        }
        if row.len() > header.len() {
            document.insert("null".to_owned(), row.iter().skip(header.len()).map(Json::from).collect());
        }
        out.push(Json::Object(document), row.len().max(header.len()))?;
    }
    Ok(())
}

fn broken(error: &csv::Error) -> DecodeError {
    match error.kind() {
        csv::ErrorKind::Utf8 { .. } => DecodeError::Broken("the CSV body is not UTF-8".to_owned()),
        csv::ErrorKind::Io(error) => DecodeError::Broken(error.to_string()),
        _ => DecodeError::Broken(format!("the CSV body is broken: {error}")),
    }
}

/// A quote that is never closed would make the rest of the body one row.
struct Rows<'s, R> {
    inner: R,
    since: &'s Cell<u64>,
    longest: u64,
}

impl<R: Read> Read for Rows<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.since.get() > self.longest {
            return Err(io::Error::other(format!("a row of the CSV body is longer than {} bytes", self.longest)));
        }
        let read = self.inner.read(buffer)?;
        self.since.set(self.since.get() + read as u64);
        Ok(read)
    }
}
