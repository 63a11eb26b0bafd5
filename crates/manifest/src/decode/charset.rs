//! Texts in other encodings than UTF-8, by the names Python gives them.

use encoding_rs::{Decoder, DecoderResult, Encoding};
use std::io::{self, Read};

/// An encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charset {
    /// UTF-8; also ASCII, which is a part of it.
    Utf8,
    /// Every byte is the character of its number, as Python's `latin-1` has it. (The web's is Windows-1252.)
    Latin1,
    /// Any other.
    Other(&'static Encoding),
}

impl Charset {
    /// An encoding by its name.
    pub fn of(name: &str) -> Option<Self> {
        let name = name.trim().to_ascii_lowercase().replace('_', "-");
        Some(match name.as_str() {
            "utf-8" | "utf8" | "utf-8-sig" | "u8" | "ascii" | "us-ascii" | "646" => Self::Utf8,
            "latin-1" | "latin1" | "latin" | "l1" | "iso-8859-1" | "iso8859-1" | "8859" | "cp819" => Self::Latin1,
            "utf-16" | "utf16" | "utf-16-le" | "utf-16le" => Self::Other(encoding_rs::UTF_16LE),
            "utf-16-be" | "utf-16be" => Self::Other(encoding_rs::UTF_16BE),
            "sjis" | "shift-jis" => Self::Other(encoding_rs::SHIFT_JIS),
            other => match Encoding::for_label(other.as_bytes())? {
                encoding if encoding == encoding_rs::UTF_8 => Self::Utf8,
                encoding => Self::Other(encoding),
            },
        })
    }

    /// The text as UTF-8. Bytes that are no text in the encoding are an error.
    pub fn reader<'r>(self, input: impl Read + 'r) -> Box<dyn Read + 'r> {
        match self {
            Self::Utf8 => Box::new(input),
            Self::Latin1 => Box::new(Recoded::new(input, None)),
            Self::Other(encoding) => Box::new(Recoded::new(input, Some(encoding.new_decoder_with_bom_removal()))),
        }
    }
}

struct Recoded<R> {
    input: R,
    /// `None`: every byte is the character of its number.
    decoder: Option<Decoder>,
    /// Read, but not yet decoded.
    raw: Vec<u8>,
    /// Decoded, and handed over up to `at`.
    ready: Vec<u8>,
    at: usize,
    ended: bool,
}

impl<R: Read> Recoded<R> {
    fn new(input: R, decoder: Option<Decoder>) -> Self {
        Self { input, decoder, raw: Vec::new(), ready: Vec::new(), at: 0, ended: false }
    }
    fn fill(&mut self) -> io::Result<()> {
        let mut block = [0; 8_192];
        let read = self.input.read(&mut block)?;
        self.ended = read == 0;
        self.at = 0;
        let Some(decoder) = &mut self.decoder else {
            self.ready.clear();
            for byte in &block[..read] {
                self.ready.extend_from_slice(char::from(*byte).encode_utf8(&mut [0; 4]).as_bytes());
            }
            return Ok(());
        };
        self.raw.extend_from_slice(&block[..read]);
        self.ready.resize(self.raw.len() * 3 + 16, 0);
        let (result, used, written) =
            decoder.decode_to_utf8_without_replacement(&self.raw, &mut self.ready, self.ended);
        self.raw.drain(..used);
        self.ready.truncate(written);
        match result {
            DecoderResult::Malformed(..) => {
                Err(io::Error::other(format!("the text is not {}", decoder.encoding().name())))
            }
            DecoderResult::OutputFull | DecoderResult::InputEmpty => Ok(()),
        }
    }
}

impl<R: Read> Read for Recoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.ready.len() {
            if self.ended {
                return Ok(0);
            }
            self.fill()?;
        }
        let count = buffer.len().min(self.ready.len() - self.at);
        buffer[..count].copy_from_slice(&self.ready[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}
