//! Reads a rendered text back as one Python literal, which is how the format gives templates a type: `{{ 4 / 2 }}` is the
//! float 2.0 because it printed `2.0`. What is not exactly one literal stays text (connector-format.md, 2.1).

use super::value::Value;
use std::sync::Arc;

/// The literal that `text` is, if it is one. Complex numbers are not literals here.
pub fn read(text: &str) -> Option<Value<'static>> {
    // Most rendered texts are words, paths and dates: the first letter settles it without a parser.
    let first = text.trim_start_matches([' ', '\t', '\n', '\r', '\x0c']).chars().next()?;
    if !(first.is_ascii_digit() || "+-.'\"([{TFNrRbBuU".contains(first)) {
        return None;
    }
    let mut reader = Reader { text: strip(text)?, at: 0, depth: 0, nested: 0 };
    let value = reader.tuple_or_one()?;
    reader.space();
    if reader.at < reader.text.len()
        && !reader.text[reader.at..].trim_matches(['\n', '\r', ' ', '\t', '\x0c']).is_empty()
    {
        return None;
    }
    Some(value)
}

/// Python drops spaces and tabs in front of an expression, and blank lines in front of one that is not indented.
fn strip(text: &str) -> Option<&str> {
    let text = text.trim_start_matches([' ', '\t']);
    let body = text.trim_start_matches(['\n', '\r', ' ', '\t', '\x0c']);
    let before = &text[..text.len() - body.len()];
    let indented = before.contains('\n') && before.ends_with([' ', '\t']);
    if indented { None } else { Some(body) }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
    nested: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }
    fn eat(&mut self, token: &str) -> bool {
        let found = self.text[self.at..].starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }
    /// Skips blanks; line ends only inside brackets, where Python ignores them.
    fn space(&mut self) {
        while let Some(c) = self.peek() {
            if matches!(c, ' ' | '\t' | '\x0c') || (self.nested > 0 && matches!(c, '\n' | '\r')) {
                self.at += 1;
            } else {
                break;
            }
        }
    }

    fn tuple_or_one(&mut self) -> Option<Value<'static>> {
        let first = self.value()?;
        self.space();
        if self.peek() != Some(',') {
            return Some(first);
        }
        let mut items = vec![first];
        while self.eat(",") {
            self.space();
            if self.text[self.at..].trim().is_empty() {
                break;
            }
            items.push(self.value()?);
            self.space();
        }
        Some(Value::Tuple(Arc::new(items)))
    }

    fn value(&mut self) -> Option<Value<'static>> {
        self.depth += 1;
        if self.depth > 100 {
            return None;
        }
        self.space();
        let value = match self.peek()? {
            '[' => self.items('[', ']').map(|(items, _)| Value::list(items)),
            '(' => {
                let (mut items, comma) = self.items('(', ')')?;
                if items.len() == 1 && !comma { items.pop() } else { Some(Value::Tuple(Arc::new(items))) }
            }
            '{' => self.map_or_set(),
            '\'' | '"' => self.texts(),
            c if c.is_ascii_digit() || matches!(c, '.' | '-' | '+') => self.number(),
            _ => self.word(),
        };
        self.depth -= 1;
        value
    }

    fn items(&mut self, open: char, close: char) -> Option<(Vec<Value<'static>>, bool)> {
        self.at += open.len_utf8();
        self.nested += 1;
        let (mut items, mut comma) = (Vec::new(), false);
        loop {
            self.space();
            if self.peek()? == close {
                break;
            }
            if !items.is_empty() && !comma {
                return None;
            }
            items.push(self.value()?);
            self.space();
            comma = self.eat(",");
        }
        self.at += close.len_utf8();
        self.nested -= 1;
        Some((items, comma))
    }

    fn map_or_set(&mut self) -> Option<Value<'static>> {
        self.at += 1;
        self.nested += 1;
        let (mut entries, mut set): (Vec<(Value, Value)>, Vec<Value>) = (Vec::new(), Vec::new());
        let mut comma = true;
        loop {
            self.space();
            if self.eat("}") {
                break;
            }
            if !comma {
                return None;
            }
            let key = self.value()?;
            self.space();
            if self.eat(":") {
                if !set.is_empty() || !hashable(&key) {
                    return None;
                }
                let value = self.value()?;
                match entries.iter_mut().find(|(found, _)| found.equals(&key)) {
                    Some((_, old)) => *old = value,
                    None => entries.push((key, value)),
                }
            } else {
                if !entries.is_empty() || !hashable(&key) {
                    return None;
                }
                if !set.iter().any(|found| found.equals(&key)) {
                    set.push(key);
                }
            }
            self.space();
            comma = self.eat(",");
        }
        self.nested -= 1;
        Some(if set.is_empty() { Value::map(entries) } else { Value::Set(Arc::new(set)) })
    }

    fn word(&mut self) -> Option<Value<'static>> {
        let rest = &self.text[self.at..];
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        let word = &rest[..end];
        if rest[end..].starts_with(['\'', '"']) && matches!(word, "r" | "R" | "u" | "U") {
            return self.texts();
        }
        let value = match word {
            "True" => Value::Bool(true),
            "False" => Value::Bool(false),
            "None" => Value::Null,
            _ => return None,
        };
        self.at += end;
        Some(value)
    }

    /// One or more quoted texts next to each other, which Python joins.
    fn texts(&mut self) -> Option<Value<'static>> {
        let mut whole = String::new();
        loop {
            let raw = self.eat("r") || self.eat("R");
            if !raw {
                let _ = self.eat("u") || self.eat("U");
            }
            self.quoted(raw, &mut whole)?;
            let before = self.at;
            self.space();
            let rest = &self.text[self.at..];
            let more = rest.starts_with(['\'', '"'])
                || (rest.starts_with(['r', 'R', 'u', 'U']) && rest[1..].starts_with(['\'', '"']));
            if !more {
                self.at = before;
                return Some(Value::text(whole));
            }
        }
    }

    fn quoted(&mut self, raw: bool, out: &mut String) -> Option<()> {
        let mark = self.peek().filter(|c| matches!(c, '\'' | '"'))?;
        let triple: String = std::iter::repeat_n(mark, 3).collect();
        let (close, long) = if self.eat(&triple) { (triple, true) } else { (mark.to_string(), false) };
        if !long {
            self.at += 1;
        }
        loop {
            if self.eat(&close) {
                return Some(());
            }
            let c = self.peek()?;
            self.at += c.len_utf8();
            match c {
                '\n' | '\r' if !long => return None,
                '\\' => {
                    let next = self.peek()?;
                    if raw {
                        out.push('\\');
                        out.push(next);
                        self.at += next.len_utf8();
                    } else {
                        self.at += next.len_utf8();
                        self.escape(next, out)?;
                    }
                }
                other => out.push(other),
            }
        }
    }

    fn escape(&mut self, letter: char, out: &mut String) -> Option<()> {
        let plain = match letter {
            '\n' => return Some(()),
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'a' => '\x07',
            'b' => '\x08',
            'f' => '\x0c',
            'v' => '\x0b',
            '\\' | '\'' | '"' => letter,
            'x' => return self.code(2, out),
            'u' => return self.code(4, out),
            'U' => return self.code(8, out),
            '0'..='7' => {
                let mut code = letter.to_digit(8)?;
                for _ in 0..2 {
                    let Some(digit) = self.peek().and_then(|c| c.to_digit(8)) else { break };
                    code = code * 8 + digit;
                    self.at += 1;
                }
                char::from_u32(code)?
            }
            other => {
                out.push('\\');
                other
            }
        };
        out.push(plain);
        Some(())
    }

    fn code(&mut self, digits: usize, out: &mut String) -> Option<()> {
        let hex = self.text.get(self.at..self.at + digits)?;
        let mut code = u32::from_str_radix(hex, 16).ok()?;
        self.at += digits;
        // JSON writes characters beyond the basic plane as two halves; Python's literal keeps them apart, we join them.
        if (0xd800..0xdc00).contains(&code) && self.text[self.at..].starts_with("\\u") {
            let low = u32::from_str_radix(self.text.get(self.at + 2..self.at + 6)?, 16).ok()?;
            if (0xdc00..0xe000).contains(&low) {
                code = 0x1_0000 + ((code - 0xd800) << 10) + (low - 0xdc00);
                self.at += 6;
            }
        }
        out.push(char::from_u32(code)?);
        Some(())
    }

    fn number(&mut self) -> Option<Value<'static>> {
        let mut negative = false;
        while let Some(sign) = self.peek().filter(|c| matches!(c, '-' | '+')) {
            negative ^= sign == '-';
            self.at += 1;
            self.space();
        }
        let rest = &self.text[self.at..];
        let radix = match rest.get(..2).map(str::to_ascii_lowercase).as_deref() {
            Some("0x") => Some(16),
            Some("0o") => Some(8),
            Some("0b") => Some(2),
            _ => None,
        };
        if let Some(radix) = radix {
            let end = 2 + rest[2..].find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len() - 2);
            let digits = digits(&rest[2..end])?;
            self.at += end;
            let value = i128::from_str_radix(&digits, radix).ok()?;
            return Some(Value::Int(if negative { -value } else { value }));
        }
        let bytes = rest.as_bytes();
        let mut end = 0;
        let mut float = false;
        while end < bytes.len() {
            match bytes[end] {
                b'0'..=b'9' | b'_' => {}
                b'.' => float = true,
                b'e' | b'E' => {
                    float = true;
                    if matches!(bytes.get(end + 1), Some(b'+' | b'-')) {
                        end += 1;
                    }
                }
                _ => break,
            }
            end += 1;
        }
        let body = &rest[..end];
        self.at += end;
        if self.peek().is_some_and(|c| c.is_alphanumeric() || c == '_') {
            return None;
        }
        if float {
            let parts = body.split(['e', 'E', '.', '+', '-']).filter(|part| !part.is_empty());
            for part in parts {
                digits(part)?;
            }
            let exponent_ok = body.to_ascii_lowercase().split_once('e').is_none_or(|(mantissa, exponent)| {
                !mantissa.is_empty()
                    && mantissa != "."
                    && exponent.trim_start_matches(['+', '-']).bytes().any(|b| b.is_ascii_digit())
            });
            if !exponent_ok || body == "." {
                return None;
            }
            let value: f64 = body.replace('_', "").parse().ok()?;
            return Some(Value::Float(if negative { -value } else { value }));
        }
        let plain = digits(body)?;
        if plain.len() > 1 && plain.starts_with('0') && plain.bytes().any(|b| b != b'0') {
            return None;
        }
        // Beyond 128 bits the text is the number: it prints the same.
        let value: i128 = plain.parse().ok()?;
        Some(Value::Int(if negative { -value } else { value }))
    }
}

/// Digits with single underscores between them.
fn digits(text: &str) -> Option<String> {
    let bad = text.is_empty() || text.starts_with('_') || text.ends_with('_') || text.contains("__");
    if bad { None } else { Some(text.replace('_', "")) }
}

fn hashable(value: &Value<'_>) -> bool {
    !matches!(value, Value::List(_) | Value::Map(_) | Value::Set(_))
}
