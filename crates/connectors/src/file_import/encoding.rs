//! Decodes text exports. Russian cabinets still hand out Windows-1251, Excel saves UTF-16 as "Unicode text", old systems
//! KOI8-R and the DOS code page.
//!
//! A file that is valid UTF-8 is UTF-8. Otherwise the candidates are decoded and the one whose letters look most like
//! words wins: Cyrillic text read in a wrong Cyrillic code page turns its case inside out ("Дата" becomes "дЮРЮ") or turns
//! into box drawings, and that is countable even in a short header line.

use encoding_rs::{Encoding, IBM866, KOI8_R, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1251, WINDOWS_1252};

/// How much of a file is looked at when guessing.
const SAMPLE: usize = 256 * 1024;

/// Text and how it was obtained.
#[derive(Debug)]
pub(super) struct Decoded {
    /// The text, without a byte order mark.
    pub(super) text: String,
    /// The name of the encoding.
    pub(super) encoding: &'static str,
    /// Characters that could not be decoded.
    pub(super) undecodable: u64,
}

/// Decodes the whole file.
pub(super) fn decode(bytes: &[u8]) -> Decoded {
    let encoding = Encoding::for_bom(bytes).map_or_else(|| recognise(bytes), |(encoding, _)| encoding);
    let (text, _, broken) = encoding.decode(bytes);
    let undecodable = if broken { text.chars().filter(|c| *c == char::REPLACEMENT_CHARACTER).count() } else { 0 };
    Decoded {
        text: text.into_owned(),
        encoding: encoding.name(),
        undecodable: u64::try_from(undecodable).unwrap_or(u64::MAX),
    }
}

/// Whether this cannot be text in any encoding: control characters where text has none.
pub(super) fn is_binary(bytes: &[u8]) -> bool {
    if Encoding::for_bom(bytes).is_some() || utf16(bytes).is_some() {
        return false;
    }
    let sample = &bytes[..bytes.len().min(SAMPLE)];
    let controls = sample.iter().filter(|b| **b < 0x20 && !matches!(**b, b'\t' | b'\n' | b'\r' | 0x0B | 0x0C | 0x1A));
    sample.contains(&0) || controls.count() * 200 > sample.len()
}

fn recognise(bytes: &[u8]) -> &'static Encoding {
    if let Some(encoding) = utf16(bytes) {
        return encoding;
    }
    if std::str::from_utf8(bytes).is_ok() || mostly_utf8(bytes) {
        return UTF_8;
    }
    let sample = &bytes[..bytes.len().min(SAMPLE)];
    let mut best = (WINDOWS_1251, i64::MIN);
    for candidate in [WINDOWS_1251, KOI8_R, IBM866, WINDOWS_1252] {
        let (text, _) = candidate.decode_without_bom_handling(sample);
        let score = likeness(&text);
        if score > best.1 {
            best = (candidate, score);
        }
    }
    best.0
}

/// UTF-16 without a mark: digits, separators and line ends leave a zero in every second byte.
fn utf16(bytes: &[u8]) -> Option<&'static Encoding> {
    let sample = &bytes[..bytes.len().min(4096) & !1];
    if sample.len() < 8 {
        return None;
    }
    let zeros = |offset: usize| sample.iter().skip(offset).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd, half) = (zeros(0), zeros(1), sample.len() / 2);
    if odd * 5 > half && even * 50 < half {
        Some(UTF_16LE)
    } else if even * 5 > half && odd * 50 < half {
        Some(UTF_16BE)
    } else {
        None
    }
}

/// UTF-8 with a few broken places, such as a file cut off in the middle of a letter.
fn mostly_utf8(bytes: &[u8]) -> bool {
    let mut good = 0usize;
    let mut bad = 0usize;
    for chunk in bytes.utf8_chunks() {
        good += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        bad += usize::from(!chunk.invalid().is_empty());
    }
    good >= 8 && bad * 20 <= good
}

/// How much the non-ASCII letters look like words of a human language.
fn likeness(text: &str) -> i64 {
    let mut score = 0;
    let mut before = ' ';
    for letter in text.chars() {
        let cyrillic = |c: char| matches!(c, 'А'..='я' | 'Ё' | 'ё');
        score += match letter {
            _ if letter.is_ascii() => {
                // A Latin letter glued to a Cyrillic one is a sign of a wrong code page.
                if letter.is_ascii_alphabetic() && cyrillic(before) { -3 } else { 0 }
            }
            'о' | 'е' | 'а' | 'и' | 'н' | 'т' | 'с' | 'р' | 'в' | 'л' | 'к' | 'м' | 'д' | 'п' | 'у' | 'я' => {
                if before.is_ascii_alphabetic() {
                    -3
                } else {
                    3
                }
            }
            'а'..='я' | 'ё' => {
                if before.is_ascii_alphabetic() {
                    -3
                } else {
                    1
                }
            }
            'А'..='Я' | 'Ё' => {
                if before.is_ascii_alphabetic() || (cyrillic(before) && before.is_lowercase()) {
                    -3
                } else {
                    1
                }
            }
            'À'..='ÿ' if letter.is_alphabetic() => {
                if before.is_ascii_lowercase() || (before == ' ' && letter.is_uppercase()) { 2 } else { -2 }
            }
            '№' | '«' | '»' | '–' | '—' | '…' | '\u{a0}' | '’' | '“' | '”' | '€' | '°' | '·' | '•' | '§' => {
                0
            }
            _ => -3,
        };
        before = letter;
    }
    score
}
