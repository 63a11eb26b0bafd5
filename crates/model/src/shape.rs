//! The form of a platform's answers: which fields, of which types, with which codes. A connection learns it per stream while it reads,
//! and what changes afterwards is told to a person instead of being dropped in silence.
//!
//! Nothing of what the fields hold is kept, except the words of closed lists: short codes without spaces, few among many, in fields that
//! do not carry what people write. What differs between two honest days is no change: a whole number may get a fraction, an empty list
//! its first element, a field that was empty or zero a value of any type.

use crate::{
    id::{ClientId, ConnectionId, RunId},
    run::words,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use ts_rs::TS;

words! {
    /// A type of JSON. Null is none: it is the absence of a value.
    ValueKind {
        /// Text.
        Text = "text",
        /// A number without a fraction.
        Whole = "whole",
        /// A number with a fraction.
        Fraction = "fraction",
        /// True or false.
        Truth = "truth",
        /// Fields of its own.
        Object = "object",
        /// A list.
        List = "list",
    }
    /// How the form of a stream's answers changed.
    DriftKind {
        /// A field that was not there before.
        NewField = "new_field",
        /// A field that was in every record and is in none.
        RemovedField = "removed_field",
        /// A field with values of another type, or without values.
        ChangedType = "changed_type",
        /// A word that a closed list did not have.
        NewValue = "new_value",
    }
    /// What became of a change of form.
    DriftState {
        /// Nobody has decided yet.
        Open = "open",
        /// It is the form now.
        Accepted = "accepted",
        /// A person wants to hear no more of it.
        Ignored = "ignored",
        /// It is as it was before.
        Over = "over",
    }
}

/// Most fields of a stream. What has more is a map with data for keys, of which there is no form to keep.
const MOST_FIELDS: usize = 600;
/// Most words of a closed list, and the fewest values that make one.
const MOST_WORDS: usize = 12;
const FEWEST_TEXTS: u64 = 50;
/// Longest word of a closed list, in characters.
const LONGEST_WORD: usize = 32;
/// As often as this a field must have been possible before its absence means anything.
const ENOUGH: u64 = 3;
/// Names of fields that hold what people write or are. Parts of a name count, so `client_name` is one.
const PERSONAL: &[&str] = &[
    "name", "title", "text", "mail", "phone", "login", "user", "address", "comment", "descr", "city", "url", "link",
    "utm", "token", "key", "secret", "password", "id",
];

/// A field as it was seen.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Field {
    /// Types of its values. Zeros have none: that is how platforms say that there is no value.
    pub kinds: BTreeSet<ValueKind>,
    /// How often it had a value.
    pub seen: u64,
    /// How often it was there without one.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub nulls: u64,
    /// How often what it stands in was there.
    #[serde(default)]
    pub within: u64,
    /// How often it was an object.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub objects: u64,
    /// How often it was text.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub texts: u64,
    /// The words it had; `None` when it is no closed list.
    #[serde(default)]
    pub words: Option<BTreeSet<String>>,
    /// The words that a mapping knows in it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub declared: BTreeSet<String>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Field {
    /// Whether its words are a closed list.
    fn is_closed(&self) -> bool {
        let few = |words: &BTreeSet<String>| {
            (2..=MOST_WORDS).contains(&words.len()) && self.texts >= FEWEST_TEXTS.max(words.len() as u64 * 4)
        };
        !self.declared.is_empty() || self.words.as_ref().is_some_and(few)
    }

    fn is_always(&self) -> bool {
        self.seen >= ENOUGH && self.seen == self.within
    }

    fn add(&mut self, other: &Self) {
        self.kinds.extend(&other.kinds);
        self.seen += other.seen;
        self.nulls += other.nulls;
        self.objects += other.objects;
        self.texts += other.texts;
        self.declared.extend(other.declared.iter().cloned());
        self.words = match (self.words.take(), &other.words) {
            (Some(mut all), Some(more)) => {
                all.extend(more.iter().cloned());
                Some(all).filter(|all| all.len() <= MOST_WORDS || !self.declared.is_empty())
            }
            _ => None,
        };
    }
}

/// The form of a stream's records, as far as it was seen.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Shape {
    /// Records that were looked at.
    pub records: u64,
    /// Fields by path: names with points between them, `[]` for the elements of a list, `*` for a name that is data itself.
    pub fields: BTreeMap<String, Field>,
}

/// A change of form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What kind.
    pub kind: DriftKind,
    /// Of which field.
    pub path: String,
    /// The word, when a closed list has a new one.
    pub word: Option<String>,
    /// Types or words before, by commas.
    pub before: String,
    /// Types or the word now, by commas.
    pub after: String,
    /// In how many of the records that were looked at.
    pub records: u64,
    /// What the form gets when it is accepted.
    pub learned: Shape,
}

/// A change of form of one connection, as it is kept and shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    /// Its number.
    pub number: i64,
    /// Whose form.
    pub connection_id: ConnectionId,
    /// Whose connection.
    pub client_id: ClientId,
    /// Of which stream.
    pub stream: String,
    /// The change.
    pub change: Change,
    /// What became of it.
    pub state: DriftState,
    /// The run that found it.
    pub run_id: Option<RunId>,
    /// When it was found first, and last.
    pub first_seen: DateTime<Utc>,
    /// When it was found last.
    pub last_seen: DateTime<Utc>,
}

/// The name under which a key stands: itself, or `*` when it is data (an id, a date, a text).
pub fn name_of(key: &str) -> &str {
    let digits = key.bytes().filter(u8::is_ascii_digit).count();
    let data = key.is_empty() || key.len() > 64 || digits >= 6 || digits == key.len() || key.contains('@');
    if data { "*" } else { key }
}

/// Whether a text may be a word of a closed list under a field of this name, and therefore be kept.
pub fn is_word(field: &str, text: &str) -> bool {
    let name = field.trim_end_matches("[]").rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    let personal = PERSONAL
        .iter()
        .any(|part| if *part == "id" { name == "id" || name.ends_with("_id") } else { name.contains(part) });
    let mut letters = text.chars();
    !personal
        && letters.next().is_some_and(char::is_alphabetic)
        && text.chars().count() <= LONGEST_WORD
        && text.chars().all(|letter| letter.is_alphanumeric() || matches!(letter, '_' | '-'))
        && text.chars().filter(|letter| letter.is_numeric()).count() <= 2
}

fn parent(path: &str) -> Option<&str> {
    path.strip_suffix("[]").or_else(|| path.rfind('.').map(|at| &path[..at]))
}

fn is_under(path: &str, above: &str) -> bool {
    path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

fn listed<T: AsRef<str>>(items: impl IntoIterator<Item = T>) -> String {
    items.into_iter().map(|item| item.as_ref().to_owned()).collect::<Vec<_>>().join(", ")
}

fn kinds(field: &Field) -> String {
    if field.kinds.is_empty() && field.seen > 0 {
        return ValueKind::Whole.to_string();
    }
    // Of numbers one word is enough.
    let both = field.kinds.contains(&ValueKind::Whole) && field.kinds.contains(&ValueKind::Fraction);
    listed(field.kinds.iter().filter(|kind| !(both && **kind == ValueKind::Whole)).map(|kind| kind.as_str()))
}

fn is_number(kind: ValueKind) -> bool {
    matches!(kind, ValueKind::Whole | ValueKind::Fraction)
}

impl Shape {
    /// How often an object stood at a path; the record itself is the empty path.
    fn objects(&self, path: Option<&str>) -> u64 {
        path.map_or(self.records, |path| self.fields.get(path).map_or(0, |field| field.objects))
    }

    /// A field to note something about; `None` when there are too many.
    pub fn field(&mut self, path: &str) -> Option<&mut Field> {
        if !self.fields.contains_key(path) {
            if self.fields.len() >= MOST_FIELDS {
                return None;
            }
            self.fields.insert(path.to_owned(), Field { words: Some(BTreeSet::new()), ..Field::default() });
        }
        self.fields.get_mut(path)
    }

    /// Notes a text. Words of closed lists are kept; anything else makes the field an open one.
    pub fn note_text(&mut self, path: &str, text: &str) {
        let Some(field) = self.field(path) else { return };
        field.texts += 1;
        let Some(words) = &mut field.words else { return };
        if words.contains(text) || field.declared.contains(text) {
            return;
        }
        if is_word(path, text) && words.len() <= MOST_WORDS {
            words.insert(text.to_owned());
        } else if field.declared.is_empty() {
            field.words = None;
        }
    }

    /// Says which words a mapping knows in a field.
    pub fn declare<'w>(&mut self, path: &str, words: impl IntoIterator<Item = &'w str>) {
        if let Some(field) = self.field(path) {
            field.declared.extend(words.into_iter().map(str::to_owned));
        }
    }

    /// Notes how often each field was possible. Call once, after the last record.
    pub fn close(&mut self) {
        let within: Vec<u64> = self.fields.keys().map(|path| self.objects(parent(path))).collect();
        for (field, within) in self.fields.values_mut().zip(within) {
            field.within = within;
        }
    }

    /// Adds what another look saw.
    pub fn add(&mut self, other: &Self) {
        for (path, field) in &mut self.fields {
            field.within += other.fields.get(path).map_or_else(|| other.objects(parent(path)), |it| it.within);
        }
        let fresh = other.fields.iter().filter(|(path, _)| !self.fields.contains_key(*path));
        let fresh: Vec<(String, Field)> = fresh
            .take(MOST_FIELDS.saturating_sub(self.fields.len()))
            .map(|(path, field)| {
                let within = field.within + self.objects(parent(path));
                (path.clone(), Field { within, ..field.clone() })
            })
            .collect();
        for (path, field) in &mut self.fields {
            if let Some(more) = other.fields.get(path) {
                field.add(more);
            }
        }
        self.fields.extend(fresh);
        self.records += other.records;
    }

    /// The fields at and under a path.
    fn part(&self, path: &str) -> Self {
        let fields = self.fields.iter().filter(|(at, _)| is_under(at, path)).take(100);
        Self { records: 0, fields: fields.map(|(at, field)| (at.clone(), field.clone())).collect() }
    }

    /// How what was seen differs from this form, the topmost field of each change only. Before a form is `settled` it learns, and only
    /// words count that a mapping does not know.
    pub fn changes(&self, seen: &Self, settled: bool) -> Vec<Change> {
        let mut found: Vec<Change> = Vec::new();
        let mut covered: Vec<&str> = Vec::new();
        for (path, field) in &seen.fields {
            if covered.iter().any(|above| is_under(path, above)) {
                continue;
            }
            let change = |kind, before: String| Change {
                kind,
                path: path.clone(),
                word: None,
                before,
                after: kinds(field),
                records: field.seen.max(field.nulls),
                learned: seen.part(path),
            };
            let known = self.fields.get(path);
            found.extend(unknown_words(path, known, field, settled));
            match known {
                None => {
                    covered.push(path);
                    if settled && field.seen > 0 && self.is_telling(path) {
                        found.push(change(DriftKind::NewField, String::new()));
                    }
                }
                Some(known) if settled && is_another_type(known, field) => {
                    covered.push(path);
                    found.push(change(DriftKind::ChangedType, kinds(known)));
                }
                Some(_) => {}
            }
        }
        if settled {
            let mut gone: Vec<&str> = Vec::new();
            for (path, known) in &self.fields {
                let below = covered.iter().chain(&gone).any(|above| is_under(path, above));
                let absent = seen.fields.get(path).is_none_or(|field| field.seen + field.nulls == 0);
                let possible = seen.objects(parent(path));
                if below || !absent || possible < ENOUGH || !known.is_always() || path.ends_with("[]") {
                    continue;
                }
                gone.push(path);
                found.push(Change {
                    kind: DriftKind::RemovedField,
                    path: path.clone(),
                    word: None,
                    before: kinds(known),
                    after: String::new(),
                    records: possible,
                    learned: Self::default(),
                });
            }
        }
        found
    }

    /// Takes over what was seen, as far as it is no change: everything while the form is learned, afterwards only what was never told
    /// apart (types of what had no value, words of what had few).
    pub fn learn(&mut self, seen: &Self, settled: bool) {
        let changes = self.changes(seen, settled);
        let told = |path: &str| {
            changes.iter().any(|change| change.kind != DriftKind::NewValue && is_under(path, &change.path))
        };
        // A word that a mapping does not know becomes part of the form when a person says so.
        let silent = |field: &Field| {
            let words = if field.declared.is_empty() { field.words.clone() } else { Some(BTreeSet::new()) };
            Field { words, ..field.clone() }
        };
        if !settled {
            let fields = seen.fields.iter().map(|(path, field)| (path.clone(), silent(field))).collect();
            self.add(&Self { records: seen.records, fields });
            return;
        }
        for (path, field) in seen.fields.iter().filter(|(path, _)| !told(path)) {
            let room = self.fields.len() < MOST_FIELDS;
            match self.fields.get_mut(path) {
                None if room => {
                    self.fields.insert(path.clone(), silent(field));
                }
                None => {}
                Some(known) => {
                    known.kinds.extend(&field.kinds);
                    known.objects += field.objects;
                    known.declared.extend(field.declared.iter().cloned());
                    if !known.is_closed() {
                        let mut grown = Field { within: 0, ..silent(field) };
                        grown.add(known);
                        (known.words, known.texts) = (grown.words, grown.texts);
                    }
                }
            }
        }
    }

    /// Makes a change part of the form.
    pub fn accept(&mut self, change: &Change) {
        match change.kind {
            DriftKind::NewField | DriftKind::ChangedType => {
                for (path, field) in &change.learned.fields {
                    match self.fields.get_mut(path) {
                        // Its absence is as right from now on as its value.
                        Some(known) => {
                            known.add(field);
                            known.within += field.within.max(1);
                        }
                        None => {
                            self.fields.insert(path.clone(), field.clone());
                        }
                    }
                }
            }
            DriftKind::RemovedField => self.fields.retain(|path, _| !is_under(path, &change.path)),
            DriftKind::NewValue => {
                if let (Some(field), Some(word)) = (self.field(&change.path), &change.word) {
                    field.words.get_or_insert_default().insert(word.clone());
                }
            }
        }
    }

    /// Whether a path that is not known means anything: below what never had content, everything is new and nothing has changed.
    fn is_telling(&self, path: &str) -> bool {
        self.fields.len() < MOST_FIELDS && !path.ends_with("[]") && self.objects(parent(path)) > 0
    }
}

fn is_another_type(known: &Field, seen: &Field) -> bool {
    if known.kinds.is_empty() {
        return false;
    }
    let emptied = seen.seen == 0 && seen.nulls >= ENOUGH && known.is_always();
    let same = |kind: &ValueKind| {
        known.kinds.contains(kind) || (is_number(*kind) && known.kinds.iter().any(|other| is_number(*other)))
    };
    emptied || !seen.kinds.iter().all(same)
}

fn unknown_words(path: &str, known: Option<&Field>, seen: &Field, settled: bool) -> Vec<Change> {
    let closed = !seen.declared.is_empty() || (settled && known.is_some_and(Field::is_closed));
    let Some(words) = seen.words.as_ref().filter(|_| closed) else { return Vec::new() };
    let mut usual = seen.declared.clone();
    usual.extend(known.into_iter().flat_map(|known| known.words.iter().flatten().chain(&known.declared)).cloned());
    let new: Vec<&String> = words.difference(&usual).collect();
    // So many at once were no closed list after all.
    if seen.declared.is_empty() && usual.len() + new.len() > MOST_WORDS {
        return Vec::new();
    }
    let change = |word: &String| Change {
        kind: DriftKind::NewValue,
        path: path.to_owned(),
        word: Some(word.clone()),
        before: listed(&usual),
        after: word.clone(),
        records: seen.texts,
        learned: Shape::default(),
    };
    new.into_iter().map(change).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    /// Records as lines of `path:kind`; a kind in quotes is a word.
    fn shape(records: &[&str], times: u64) -> Shape {
        let mut shape = Shape::default();
        for _ in 0..times {
            for record in records {
                shape.records += 1;
                for (path, kind) in record.split_whitespace().map(|part| part.split_once(':').unwrap()) {
                    let field = shape.field(path).unwrap();
                    if kind == "null" {
                        field.nulls += 1;
                        continue;
                    }
                    field.seen += 1;
                    if kind == "zero" {
                        continue;
                    }
                    let word = kind.strip_prefix('\'');
                    let kind: ValueKind = if word.is_some() { ValueKind::Text } else { kind.parse().unwrap() };
                    field.kinds.insert(kind);
                    field.objects += u64::from(kind == ValueKind::Object);
                    if let Some(word) = word {
                        shape.note_text(path, word);
                    }
                }
            }
        }
        shape.close();
        shape
    }

    fn told(changes: &[Change]) -> Vec<String> {
        changes.iter().map(|it| format!("{} {}: {} -> {}", it.kind, it.path, it.before, it.after)).collect()
    }

    #[test]
    fn each_change_is_told_once_at_its_top() {
        let usual = &[
            "id:whole base:object base.shows:whole base.spent:text base.ctr:whole note:null cpa:zero tags:list state:'on",
            "id:whole base:object base.shows:whole base.spent:text base.ctr:fraction tags:list state:'off",
        ];
        for (what, now, expected) in [
            ("nothing", usual.to_vec(), vec![]),
            (
                "a new field",
                vec![
                    "id:whole base:object base.shows:whole base.spent:text base.ctr:whole base.x:whole tags:list state:'on",
                ],
                vec!["new_field base.x:  -> whole"],
            ),
            (
                "a new object is one change",
                vec![
                    "id:whole base:object base.shows:whole base.spent:text base.ctr:whole vk:object vk.a:text tags:list state:'on",
                ],
                vec!["new_field vk:  -> object"],
            ),
            (
                "a removed field",
                vec!["id:whole base:object base.shows:whole base.ctr:whole tags:list state:'on"],
                vec!["removed_field base.spent: text -> "],
            ),
            (
                "a removed object is one change",
                vec!["id:whole tags:list state:'on"],
                vec!["removed_field base: object -> "],
            ),
            (
                "another type",
                vec!["id:text base:object base.shows:whole base.spent:text base.ctr:whole tags:list state:'on"],
                vec!["changed_type id: whole -> text"],
            ),
            (
                "an object that became text",
                vec!["id:whole base:text tags:list state:'on"],
                vec!["changed_type base: object -> text"],
            ),
            (
                "values that are gone",
                vec!["id:null base:object base.shows:whole base.spent:text base.ctr:whole tags:list state:'on"],
                vec!["changed_type id: whole -> "],
            ),
            (
                "a word",
                vec!["id:whole base:object base.shows:whole base.spent:text base.ctr:whole tags:list state:'asleep"],
                vec!["new_value state: off, on -> asleep"],
            ),
            // What is no change.
            (
                "a fraction among whole numbers",
                vec!["id:whole base:object base.shows:fraction base.spent:text base.ctr:whole tags:list state:'on"],
                vec![],
            ),
            (
                "the first value of an empty field",
                vec![
                    "id:whole base:object base.shows:whole base.spent:text base.ctr:whole note:text tags:list state:'on",
                ],
                vec![],
            ),
            (
                "the first value of a field that was zero",
                vec![
                    "id:whole base:object base.shows:whole base.spent:zero base.ctr:zero cpa:text tags:list state:'on",
                ],
                vec![],
            ),
            (
                "the first element of an empty list",
                vec![
                    "id:whole base:object base.shows:whole base.spent:text base.ctr:whole tags:list tags[]:object tags[].a:text state:'on",
                ],
                vec![],
            ),
            ("nothing that was seen", vec![], vec![]),
        ] {
            let mut known = Shape::default();
            known.learn(&shape(usual, 30), false);
            let seen = shape(&now, 10);
            let changes = known.changes(&seen, true);
            assert_eq!(told(&changes), expected, "{what}");
            assert!(known.changes(&seen, false).is_empty(), "{what}: while it learns nothing is told");
            known.learn(&seen, true);
            assert_eq!(told(&known.changes(&seen, true)), expected, "{what}: what is told is not learned");
            for change in &changes {
                known.accept(change);
            }
            assert_eq!(told(&known.changes(&seen, true)), Vec::<String>::new(), "{what}: what is accepted is the form");
        }
    }

    #[test]
    fn a_field_that_is_sometimes_absent_is_not_missed_and_two_records_prove_nothing() {
        let mut known = Shape::default();
        known.learn(&shape(&["id:whole a:text", "id:whole"], 20), false);
        assert!(known.changes(&shape(&["id:whole"], 20), true).is_empty());
        assert!(known.changes(&shape(&["a:text"], 2), true).is_empty());
        assert_eq!(told(&known.changes(&shape(&["a:text"], 3), true)), ["removed_field id: whole -> "]);
    }

    #[test]
    fn closed_lists_are_learned_with_care() {
        let list = |records: &[&str], times| {
            let mut known = Shape::default();
            known.learn(&shape(records, times), false);
            told(&known.changes(&shape(&["state:'never_seen name:'never_seen"], 5), true))
        };
        assert!(list(&["state:'on name:'a", "state:'off name:'b"], 10).is_empty(), "twenty are too few");
        assert_eq!(list(&["state:'on name:'a", "state:'off name:'b"], 30), ["new_value state: off, on -> never_seen"]);
        assert!(list(&["state:'on name:'a"], 100).is_empty(), "a constant is no list");
        let many: Vec<String> = (b'a'..=b'z').map(|letter| format!("state:'word_{} name:'a", letter as char)).collect();
        assert!(list(&many.iter().map(String::as_str).collect::<Vec<_>>(), 30).is_empty(), "many are no list");
    }

    #[test]
    fn a_word_that_a_mapping_does_not_know_is_told_on_the_first_read() {
        let seen = |word: &str| {
            let mut seen = Shape { records: 1, ..Shape::default() };
            seen.declare("status", ["active", "deleted"]);
            seen.note_text("status", "active");
            seen.note_text("status", word);
            seen
        };
        let mut known = Shape::default();
        let changes = known.changes(&seen("on_hold"), false);
        assert_eq!(told(&changes), ["new_value status: active, deleted -> on_hold"]);
        known.learn(&seen("on_hold"), false);
        assert_eq!(known.changes(&seen("on_hold"), true).len(), 1, "it waits for a person");
        known.accept(&changes[0]);
        assert!(known.changes(&seen("on_hold"), true).is_empty());
        assert!(Shape::default().changes(&seen("deleted"), false).is_empty());
    }

    #[test]
    fn nothing_that_people_write_or_are_is_kept() {
        for (field, text, kept) in [
            ("status", "active", true),
            ("rows[].delivery", "not-delivering", true),
            ("state", "Активна", true),
            ("status", "Анна Петрова", false),
            ("contact", "anna@example.com", false),
            ("client_name", "Anna", false),
            ("user.city", "Tver", false),
            ("status", "79051234567", false),
            ("status", "a1b2c3d4", false),
            ("campaign_id", "main", false),
            ("status", "a word that is far too long to be one", false),
        ] {
            assert_eq!(is_word(field, text), kept, "{field}: {text}");
        }
        for (key, name) in
            [("base", "base"), ("17668", "*"), ("2026-11-20", "*"), ("anna@example.com", "*"), ("utm2", "utm2")]
        {
            assert_eq!(name_of(key), name);
        }
    }

    #[test]
    fn looks_add_up() {
        let (first, second) = (["id:whole a:object a.b:text", "id:whole"], ["id:whole", "id:null a:object"]);
        let mut sum = shape(&first, 5);
        sum.add(&shape(&second, 7));
        let mut whole = shape(&[], 0);
        for (records, times) in [(&first, 5), (&second, 7)] {
            whole.add(&shape(records, times));
        }
        assert_eq!(sum, whole);
        assert_eq!(sum.fields["a.b"].within, 12);
        assert_eq!(sum.fields["id"].within, 24);
    }
}
