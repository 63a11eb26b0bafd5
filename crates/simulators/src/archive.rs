//! Reports as archives of JSON sheets, one file each: how platforms hand out what has several tables.

use std::io::{Cursor, Read, Write};

use serde_json::Value;
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

/// An archive of sheets by file name.
pub(crate) fn pack(sheets: &[(String, Value)]) -> anyhow::Result<Vec<u8>> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, sheet) in sheets {
        writer.start_file(name.as_str(), SimpleFileOptions::default())?;
        writer.write_all(sheet.to_string().as_bytes())?;
    }
    Ok(writer.finish()?.into_inner())
}

/// The sheets of an archive; none when it is something else.
pub(crate) fn sheets(body: &[u8]) -> Option<Vec<(String, Value)>> {
    let mut archive = ZipArchive::new(Cursor::new(body)).ok()?;
    let mut sheets = Vec::with_capacity(archive.len());
    for index in 0..archive.len() {
        let mut member = archive.by_index(index).ok()?;
        let mut text = Vec::new();
        member.read_to_end(&mut text).ok()?;
        let name = member.name().ok()?.into_owned();
        sheets.push((name, serde_json::from_slice(&text).ok()?));
    }
    Some(sheets)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_packed_is_unpacked() {
        let all = [("лист.json".to_owned(), json!([{ "a": 1 }])), ("b.json".to_owned(), json!([]))];
        assert_eq!(sheets(&pack(&all).unwrap()).unwrap(), all);
        assert!(sheets(b"{}").is_none());
    }
}
