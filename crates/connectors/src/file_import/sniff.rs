//! Tells what a file is from its first bytes. Exports are often named `.xls` while being HTML, or `.csv` while being a zip
//! archive: the name is believed only where the content says nothing, and every refusal names what was found.

use super::encoding;
use model::failure::{Code, Failure};
use std::io::Cursor;
use zip::ZipArchive;

/// The most a workbook may unpack to, in bytes. A sheet of 500,000 rows and 20 columns takes about half of it.
pub(super) const MAX_UNPACKED: u64 = 1024 * 1024 * 1024;

/// What the reading goes on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// An Excel workbook (Office Open XML).
    Workbook,
    /// Text in some encoding.
    Text,
}

/// The refusal of a file that is not a table we read; `found` is a short word for what it is.
pub(super) fn refused(found: &str) -> Failure {
    Failure::new(Code::FileFormat).with("found", found)
}

/// Recognises the content or refuses it.
pub(super) fn content(name: &str, bytes: &[u8]) -> Result<Content, Failure> {
    let extension = name.rsplit_once('.').map(|(_, end)| end.to_ascii_lowercase()).unwrap_or_default();
    let named_workbook = matches!(extension.as_str(), "xlsx" | "xlsm");
    match bytes {
        [] => Err(refused("empty")),
        [b'P', b'K', 3 | 5, 4 | 6, ..] => archive(bytes, named_workbook),
        [0xD0, 0xCF, 0x11, 0xE0, ..] => Err(refused(if is_encrypted(bytes) { "encrypted" } else { "xls" })),
        [b'%', b'P', b'D', b'F', ..] => Err(refused("pdf")),
        [0x1F, 0x8B, ..] => Err(refused("gzip")),
        [0x37, 0x7A, 0xBC, 0xAF, ..] => Err(refused("7z")),
        [b'R', b'a', b'r', b'!', ..] => Err(refused("rar")),
        [b'{', b'\\', b'r', b't', b'f', ..] => Err(refused("rtf")),
        _ if named_workbook && encoding::is_binary(bytes) => Err(refused("damaged xlsx")),
        _ => markup(bytes),
    }
}

/// Text that is not a table: markup and JSON, recognised by how it begins.
fn markup(bytes: &[u8]) -> Result<Content, Failure> {
    if encoding::is_binary(bytes) {
        return Err(refused("binary"));
    }
    // Half a kilobyte is enough for a declaration, in UTF-16 too, where every second byte is zero.
    let start: String = bytes
        .iter()
        .take(1024)
        .filter(|byte| byte.is_ascii() && **byte != 0)
        .map(|byte| char::from(*byte).to_ascii_lowercase())
        .collect();
    let start = start.trim_start();
    if start.is_empty()
        && bytes.iter().all(|byte| byte.is_ascii_whitespace() || matches!(byte, 0 | 0xEF | 0xBB | 0xBF | 0xFE | 0xFF))
    {
        return Err(refused("empty"));
    }
    if start.starts_with('<') {
        let html = ["<html", "<!doctype html", "<table", "<body", "<head", "<meta", "<div", "<style"];
        return Err(refused(if html.iter().any(|tag| start.contains(tag)) { "html" } else { "xml" }));
    }
    if start.starts_with("{\"") || start.starts_with("[{") || start.starts_with("{\n") || start.starts_with("{\r") {
        return Err(refused("json"));
    }
    Ok(Content::Text)
}

/// What kind of zip archive it is. The sizes are those the archive declares; they stop an honest giant, and a liar is
/// stopped by the limits of the reader.
fn archive(bytes: &[u8], named_workbook: bool) -> Result<Content, Failure> {
    let damaged = if named_workbook { "damaged xlsx" } else { "damaged zip" };
    let mut zip = ZipArchive::new(Cursor::new(bytes)).map_err(|error| refused(damaged).detail(&error))?;
    let mut unpacked: u64 = 0;
    for index in 0..zip.len() {
        let entry = zip.by_index_raw(index).map_err(|error| refused(damaged).detail(&error))?;
        unpacked = unpacked.saturating_add(entry.size());
    }
    if unpacked > MAX_UNPACKED {
        return Err(Failure::new(Code::FileTooLarge).with("bytes", unpacked).with("limit", MAX_UNPACKED));
    }
    let names: Vec<String> =
        zip.file_names().filter_map(|name| name.ok().map(|name| name.to_ascii_lowercase())).collect();
    let has = |wanted: &str| names.iter().any(|name| name == wanted);
    let begins = |wanted: &str| names.iter().any(|name| name.starts_with(wanted));
    if has("xl/workbook.bin") {
        Err(refused("xlsb"))
    } else if has("[content_types].xml") && begins("word/") {
        Err(refused("docx"))
    } else if has("[content_types].xml") && begins("ppt/") {
        Err(refused("pptx"))
    } else if has("[content_types].xml") || begins("xl/") {
        Ok(Content::Workbook)
    } else if has("mimetype") && has("content.xml") {
        Err(refused("ods"))
    } else {
        Err(refused("zip"))
    }
}

/// Excel stores a workbook with a password in the old container, under this name in UTF-16.
fn is_encrypted(bytes: &[u8]) -> bool {
    let name: Vec<u8> = "EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes).collect();
    bytes.windows(name.len()).any(|window| window == name)
}
