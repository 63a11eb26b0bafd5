//! XML as JSON, in the shape that the Python library xmltodict gives it: an element is a key; attributes are `@name`; text is
//! the value, or `#text` beside attributes and children; an element that comes several times is a list; an empty one is null.

use super::bodies::DecodeError;
use crate::json::{Json, Map};
use quick_xml::{
    Reader, XmlVersion,
    events::{BytesStart, Event},
};

/// How deep elements may lie in each other.
const MAX_DEPTH: usize = 128;

/// An element being read.
#[derive(Default)]
struct Open {
    name: String,
    fields: Map,
    text: String,
}

impl Open {
    /// The element's value: its fields, its text, or both.
    fn close(mut self) -> (String, Json) {
        let text = self.text.trim();
        let value = match (self.fields.is_empty(), text.is_empty()) {
            (true, true) => Json::Null,
            (true, false) => Json::from(text),
            (false, true) => Json::Object(self.fields),
            (false, false) => {
                push(&mut self.fields, "#text".to_owned(), Json::from(text));
                Json::Object(self.fields)
            }
        };
        (self.name, value)
    }
}

/// Adds a value; several of one name become a list.
fn push(fields: &mut Map, name: String, value: Json) {
    match fields.get_mut(&name) {
        None => {
            fields.insert(name, value);
        }
        Some(Json::Array(items)) => items.push(value),
        Some(one) => *one = Json::Array(vec![one.take(), value]),
    }
}

pub(super) fn document(body: &[u8]) -> Result<Json, DecodeError> {
    let text = text(body)?;
    let broken = |error: &dyn std::fmt::Display| DecodeError::Xml(error.to_string());
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
    // The bottom stands for the document: it has one field, the root element.
    let mut open = vec![Open::default()];
    loop {
        match reader.read_event().map_err(|error| broken(&error))? {
            Event::Start(tag) => {
                if open.len() > MAX_DEPTH {
                    return Err(DecodeError::Broken(format!("the XML is nested deeper than {MAX_DEPTH} levels")));
                }
                open.push(element(&tag)?);
            }
            Event::Empty(tag) => {
                let (name, value) = element(&tag)?.close();
                add(&mut open, name, value)?;
            }
            Event::End(_) => {
                let Some(last) = open.pop() else { return Err(broken(&"an end without a start")) };
                let (name, value) = last.close();
                add(&mut open, name, value)?;
            }
            Event::Text(text) => characters(&mut open, &text.xml10_content())?,
            Event::CData(text) => characters(&mut open, &text.xml10_content())?,
            Event::GeneralRef(reference) => {
                let found = reference.resolve_char_ref().map_err(|error| broken(&error))?;
                if let Some(found) = found {
                    characters(&mut open, found.encode_utf8(&mut [0; 4]))?;
                } else {
                    let name = reference.xml10_content();
                    let found = quick_xml::escape::resolve_predefined_entity(&name);
                    characters(&mut open, found.ok_or_else(|| broken(&format!("the entity {name} is not known")))?)?;
                }
            }
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
            Event::Eof => break,
        }
    }
    match open.pop() {
        Some(bottom) if open.is_empty() && !bottom.fields.is_empty() => Ok(Json::Object(bottom.fields)),
        _ => Err(broken(&"the document ends before its elements do")),
    }
}

fn element(tag: &BytesStart<'_>) -> Result<Open, DecodeError> {
    let mut open = Open { name: tag.name().0.to_owned(), ..Open::default() };
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|error| DecodeError::Xml(error.to_string()))?;
        let value =
            attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|error| DecodeError::Xml(error.to_string()))?;
        open.fields.insert(format!("@{}", attribute.key.0), Json::from(value.into_owned()));
    }
    Ok(open)
}

fn add(open: &mut [Open], name: String, value: Json) -> Result<(), DecodeError> {
    let bottom = open.len() == 1;
    let Some(parent) = open.last_mut() else { return Err(DecodeError::Xml("an end without a start".to_owned())) };
    if bottom && !parent.fields.is_empty() {
        return Err(DecodeError::Xml("there are several root elements".to_owned()));
    }
    push(&mut parent.fields, name, value);
    Ok(())
}

fn characters(open: &mut [Open], text: &str) -> Result<(), DecodeError> {
    match open {
        [] | [_] if text.trim().is_empty() => Ok(()),
        [] | [_] => Err(DecodeError::Xml("there is text outside of the root element".to_owned())),
        [.., last] => {
            last.text.push_str(text);
            Ok(())
        }
    }
}

/// UTF-8, or what the declaration in the first line says.
fn text(body: &[u8]) -> Result<String, DecodeError> {
    let declared = body.starts_with(b"<?xml").then(|| {
        let end = body.iter().position(|byte| *byte == b'>').unwrap_or(body.len());
        let line = String::from_utf8_lossy(&body[..end]).into_owned();
        let (_, after) = line.split_once("encoding=")?;
        let quote = after.chars().next()?;
        after[1..].split(quote).next().and_then(super::Charset::of)
    });
    let charset = match declared.flatten() {
        Some(charset) => charset,
        None if body.starts_with(b"\xFF\xFE") => super::Charset::Other(encoding_rs::UTF_16LE),
        None if body.starts_with(b"\xFE\xFF") => super::Charset::Other(encoding_rs::UTF_16BE),
        None => super::Charset::Utf8,
    };
    let mut plain = Vec::with_capacity(body.len());
    std::io::Read::read_to_end(&mut charset.reader(body), &mut plain)?;
    String::from_utf8(plain).map_err(|_| DecodeError::Broken("the XML body is not UTF-8".to_owned()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::*;
    use crate::json;

    // Expected values as xmltodict 0.14.2, which the reference uses, gives them.
    #[test]
    fn elements_become_the_maps_of_xmltodict() {
        for (body, expected) in [
            ("<a/>", json!({"a": null})),
            ("<a></a>", json!({"a": null})),
            ("<?xml version=\"1.0\" encoding=\"UTF-8\"?><!DOCTYPE a><a> x </a>", json!({"a": "x"})),
            ("<a b='1' c=\"x&amp;y\"/>", json!({"a": {"@b": "1", "@c": "x&y"}})),
            ("<a b='1'> t </a>", json!({"a": {"@b": "1", "#text": "t"}})),
            ("<a>x<b/>y</a>", json!({"a": {"b": null, "#text": "xy"}})),
            ("<a><b>1</b><b>2</b><c/><b><d>3</d></b></a>", json!({"a": {"b": ["1", "2", {"d": "3"}], "c": null}})),
            ("<a><b/><b/></a>", json!({"a": {"b": [null, null]}})),
            ("<n:a xmlns:n='u'><n:b>1</n:b></n:a>", json!({"n:a": {"@xmlns:n": "u", "n:b": "1"}})),
            ("<a><![CDATA[<x> & ]]>&lt;&#65;&#x42;</a>", json!({"a": "<x> & <AB"})),
            ("<a>1<!-- c -->2<?pi x?></a>", json!({"a": "12"})),
            ("<a>l1\r\nl2</a>", json!({"a": "l1\nl2"})),
            ("<a b='l1\nl2'/>", json!({"a": {"@b": "l1 l2"}})),
            ("\n<a>é</a>\n", json!({"a": "é"})),
        ] {
            assert_eq!(document(body.as_bytes()).unwrap(), expected, "{body}");
        }
        let latin = b"<?xml version='1.0' encoding='ISO-8859-1'?><a>\xe9</a>";
        assert_eq!(document(latin).unwrap(), json!({"a": "é"}));
        for body in ["", "text", "<a>", "<a></b>", "<a/><b/>", "<a/>x", "<a>&nope;</a>", "<a b='1' b='2'/>", "<a b=1/>"]
        {
            assert!(matches!(document(body.as_bytes()), Err(DecodeError::Xml(_))), "{body}");
        }
        assert!(matches!(document(b"<a>\xff</a>"), Err(DecodeError::Broken(_))));
    }
}
