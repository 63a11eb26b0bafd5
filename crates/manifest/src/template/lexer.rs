//! Cuts a template into literal text and the tokens of its tags. Whitespace control (`{%-`, `-%}`) is settled here, so that
//! the parser never sees it; braces inside a tag are counted, so that `{{ {'a': {}} }}` ends where its author meant.

use super::SyntaxError;

/// A piece of a template.
#[derive(Debug, Clone, PartialEq)]
pub enum Piece {
    /// Literal text.
    Text(String),
    /// `{{ ... }}`.
    Output(Vec<Token>),
    /// `{% ... %}`.
    Statement(Vec<Token>),
}

/// A token inside a tag.
#[derive(Debug, Clone, PartialEq)]
pub enum Token {
    /// A name or keyword.
    Name(String),
    /// An integer.
    Int(i128),
    /// A float.
    Float(f64),
    /// A quoted text, escapes resolved.
    Text(String),
    /// An operator or bracket.
    Sign(&'static str),
}

const SIGNS: [&str; 26] = [
    "**", "//", "==", "!=", "<=", ">=", "+", "-", "*", "/", "%", "~", "<", ">", "=", ".", ",", ":", "|", "(", ")", "[",
    "]", "{", "}", ";",
];

/// Cuts a whole template.
pub fn cut(source: &str) -> Result<Vec<Piece>, SyntaxError> {
    let mut source = source.replace("\r\n", "\n").replace('\r', "\n");
    if source.ends_with('\n') {
        source.pop();
    }
    let mut pieces = Vec::new();
    let mut rest = source.as_str();
    let mut trim_next = false;
    loop {
        let tag = rest.find("{{").into_iter().chain(rest.find("{%")).chain(rest.find("{#")).min();
        let text = &rest[..tag.unwrap_or(rest.len())];
        let mut text = if trim_next { text.trim_start() } else { text };
        let Some(at) = tag else {
            push_text(&mut pieces, text);
            return Ok(pieces);
        };
        let open = &rest[at..at + 2];
        let mut body = &rest[at + 2..];
        if let Some(after) = body.strip_prefix('-') {
            text = text.trim_end();
            body = after;
        } else if open != "{{" {
            body = body.strip_prefix('+').unwrap_or(body);
        }
        push_text(&mut pieces, text);
        if open == "{#" {
            let end = body.find("#}").ok_or_else(|| SyntaxError("a comment is not closed".to_owned()))?;
            trim_next = body[..end].ends_with('-');
            rest = &body[end + 2..];
            continue;
        }
        let close = if open == "{{" { "}}" } else { "%}" };
        let (tokens, used, trim) = tokens(body, close)?;
        trim_next = trim;
        rest = &body[used..];
        if open == "{{" {
            pieces.push(Piece::Output(tokens));
        } else if matches!(tokens.as_slice(), [Token::Name(name)] if name == "raw") {
            let (text, after, trim) = raw_block(rest)?;
            push_text(&mut pieces, if trim_next { text.trim_start() } else { text });
            rest = after;
            trim_next = trim;
        } else {
            pieces.push(Piece::Statement(tokens));
        }
    }
}

fn push_text(pieces: &mut Vec<Piece>, text: &str) {
    if !text.is_empty() {
        pieces.push(Piece::Text(text.to_owned()));
    }
}

fn raw_block(rest: &str) -> Result<(&str, &str, bool), SyntaxError> {
    let mut from = 0;
    while let Some(at) = rest[from..].find("{%") {
        let open = from + at;
        let body = &rest[open + 2..];
        if let Some(end) = body.find("%}") {
            let word = body[..end].trim_matches(['-', '+', ' ', '\t', '\n']);
            if word == "endraw" {
                let text = if body.starts_with('-') { rest[..open].trim_end() } else { &rest[..open] };
                return Ok((text, &body[end + 2..], body[..end].ends_with('-')));
            }
        }
        from = open + 2;
    }
    Err(SyntaxError("a raw block is not closed".to_owned()))
}

/// The tokens up to `close`, how many bytes they took, and whether the text behind is to be trimmed.
fn tokens(source: &str, close: &str) -> Result<(Vec<Token>, usize, bool), SyntaxError> {
    let mut tokens = Vec::new();
    let mut at = 0;
    let mut open = Vec::new();
    loop {
        let rest = &source[at..];
        let Some(c) = rest.chars().next() else {
            return Err(SyntaxError(format!("a tag is not closed by {close}")));
        };
        if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        }
        if open.is_empty() {
            for (mark, trim) in [("", false), ("-", true), ("+", false)] {
                if rest.strip_prefix(mark).is_some_and(|rest| rest.starts_with(close)) {
                    return Ok((tokens, at + mark.len() + close.len(), trim));
                }
            }
        }
        if c.is_alphabetic() || c == '_' {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            tokens.push(Token::Name(rest[..end].to_owned()));
            at += end;
            continue;
        }
        if c.is_ascii_digit() {
            let (token, used) = number(rest, matches!(tokens.last(), Some(Token::Sign("."))))?;
            tokens.push(token);
            at += used;
            continue;
        }
        if c == '\'' || c == '"' {
            let (text, used) = quoted(rest, c)?;
            tokens.push(Token::Text(text));
            at += used;
            continue;
        }
        let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
        let sign = *sign.ok_or_else(|| SyntaxError(format!("unexpected character {c:?}")))?;
        match sign {
            "(" | "[" | "{" => open.push(sign),
            ")" | "]" | "}" => {
                let expected = match open.pop() {
                    Some("(") => ")",
                    Some("[") => "]",
                    Some("{") => "}",
                    _ => "no closing bracket",
                };
                if expected != sign {
                    return Err(SyntaxError(format!("unexpected {sign:?}, expected {expected}")));
                }
            }
            _ => {}
        }
        tokens.push(Token::Sign(sign));
        at += sign.len();
    }
}

fn number(rest: &str, after_dot: bool) -> Result<(Token, usize), SyntaxError> {
    let run = |from: usize, ok: &dyn Fn(char) -> bool| {
        from + rest[from..].find(|c: char| !ok(c) && c != '_').unwrap_or(rest.len() - from)
    };
    let digits = |text: &str| text.replace('_', "");
    let too_large = |_| SyntaxError("a number is too large".to_owned());
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if rest.get(..2).is_some_and(|start| start.eq_ignore_ascii_case(prefix)) {
            let end = run(2, &|c| c.is_digit(radix));
            let value = i128::from_str_radix(&digits(&rest[2..end]), radix).map_err(too_large)?;
            return Ok((Token::Int(value), end));
        }
    }
    let whole = run(0, &|c| c.is_ascii_digit());
    let mut end = whole;
    if !after_dot {
        let bytes = rest.as_bytes();
        if bytes.get(end) == Some(&b'.') && bytes.get(end + 1).is_some_and(u8::is_ascii_digit) {
            end = run(end + 1, &|c| c.is_ascii_digit());
        }
        if matches!(bytes.get(end), Some(b'e' | b'E')) {
            let digits_at = end + 1 + usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
            if bytes.get(digits_at).is_some_and(u8::is_ascii_digit) {
                end = run(digits_at, &|c| c.is_ascii_digit());
            }
        }
    }
    if end > whole {
        let value = digits(&rest[..end]).parse().map_err(|_| SyntaxError("not a number".to_owned()))?;
        return Ok((Token::Float(value), end));
    }
    Ok((Token::Int(digits(&rest[..whole]).parse().map_err(too_large)?), whole))
}

/// A quoted text with Python's escapes, and its length in bytes.
fn quoted(rest: &str, mark: char) -> Result<(String, usize), SyntaxError> {
    let mut out = String::new();
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c == mark {
            return Ok((out, at + 1));
        }
        if c != '\\' {
            out.push(c);
            continue;
        }
        let Some((escape_at, letter)) = chars.next() else { break };
        let simple = match letter {
            'n' => Some('\n'),
            't' => Some('\t'),
            'r' => Some('\r'),
            'a' => Some('\x07'),
            'b' => Some('\x08'),
            'f' => Some('\x0c'),
            'v' => Some('\x0b'),
            '\\' | '\'' | '"' => Some(letter),
            _ => None,
        };
        let hex_digits = match letter {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            _ => 0,
        };
        if let Some(simple) = simple {
            out.push(simple);
        } else if letter == '\n' {
            // An escaped line end continues the line.
        } else if hex_digits > 0 {
            let hex = rest.get(escape_at + 1..escape_at + 1 + hex_digits);
            let code = hex.and_then(|hex| u32::from_str_radix(hex, 16).ok()).and_then(char::from_u32);
            out.push(code.ok_or_else(|| SyntaxError("an escape in a text cannot be read".to_owned()))?);
            for _ in 0..hex_digits {
                chars.next();
            }
        } else {
            out.push('\\');
            out.push(letter);
        }
    }
    Err(SyntaxError("a quoted text is not closed".to_owned()))
}
