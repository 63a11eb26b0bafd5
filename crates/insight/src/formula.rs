//! Custom metrics: arithmetic over the metrics of [`crate::metric`], such as `(revenue * 0.35 - spend) / spend`. A formula is read once and
//! evaluated for any sums.
//!
//! Numbers are fractions of integers of millionths and stay exact until the end, which is rounded once: `1 / 3 * 3` is 1. Unknown and division
//! by zero are unknown, as everywhere. The grammar has five rules and its errors must say in our words what is wrong and where, so it is read
//! by hand: a parser library would bring more code than it saves here.

use crate::metric::{Metric, Sums};
use model::money::Micros;
use std::{fmt, iter::Peekable, str::CharIndices};

/// Most parts a formula may have, which also bounds how deep it nests.
const LONGEST: usize = 200;

/// A formula that was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Formula {
    tree: Node,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Node {
    Number(Micros),
    Metric(Metric),
    Minus(Box<Node>),
    Both(Box<Node>, Sign, Box<Node>),
}

/// What stands between two parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    Plus,
    Minus,
    Times,
    By,
}

/// Why a text is no formula, and where: the character, counted from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormulaError {
    /// What is wrong.
    pub problem: Problem,
    /// At which character.
    pub at: usize,
}

/// What may be wrong with a formula.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// A number, a metric or an opening parenthesis should stand here.
    NothingHere,
    /// A word that is no metric.
    UnknownMetric(String),
    /// A number with more than six decimals, or too large, or not one.
    BadNumber(String),
    /// A character that formulas do not have.
    BadCharacter(char),
    /// A parenthesis that is not closed, told where it opens.
    NotClosed,
    /// Something after the end.
    TooMuch,
    /// More parts than anybody needs.
    TooLong,
}

impl fmt::Display for FormulaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at character {}", self.problem, self.at)
    }
}

impl std::error::Error for FormulaError {}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NothingHere => f.write_str("a number, a metric or a parenthesis is missing"),
            Self::UnknownMetric(word) => write!(f, "`{word}` is not a metric"),
            Self::BadNumber(text) => write!(f, "`{text}` is not a number with at most six decimals"),
            Self::BadCharacter(found) => write!(f, "`{found}` has no meaning in a formula"),
            Self::NotClosed => f.write_str("a parenthesis is not closed"),
            Self::TooMuch => f.write_str("nothing more was expected"),
            Self::TooLong => f.write_str("the formula is too long"),
        }
    }
}

impl Formula {
    /// Reads a formula: names of metrics as on the wire, numbers with a point, `+ - * /`, parentheses.
    pub fn parse(text: &str) -> Result<Self, FormulaError> {
        let mut parts = Parts::read(text)?;
        let tree = parts.sum()?;
        match parts.rest.next() {
            None => Ok(Self { tree }),
            Some(part) => Err(FormulaError { problem: Problem::TooMuch, at: part.at }),
        }
    }

    /// Its value for these sums, to the nearest millionth. Unknown where a metric is, where it divides by zero, and where it does not fit.
    pub fn of(&self, sums: &Sums) -> Option<Micros> {
        value(&self.tree, sums)?.micros()
    }

    /// The metrics that it asks for, in their order in the text.
    pub fn metrics(&self) -> Vec<Metric> {
        let mut found = Vec::new();
        asked(&self.tree, &mut found);
        found
    }
}

fn asked(node: &Node, found: &mut Vec<Metric>) {
    match node {
        Node::Number(_) => {}
        Node::Metric(metric) => found.push(*metric),
        Node::Minus(inner) => asked(inner, found),
        Node::Both(left, _, right) => {
            asked(left, found);
            asked(right, found);
        }
    }
}

fn value(node: &Node, sums: &Sums) -> Option<Fraction> {
    match node {
        Node::Number(number) => Fraction::new(i128::from(number.0), 1_000_000),
        Node::Metric(metric) => {
            let (part, whole) = metric.parts(sums);
            Fraction::new(i128::from(part?.0), i128::from(whole?.0))
        }
        Node::Minus(inner) => value(inner, sums)?.negative(),
        Node::Both(left, sign, right) => {
            let (left, right) = (value(left, sums)?, value(right, sums)?);
            match sign {
                Sign::Plus => left.plus(right),
                Sign::Minus => left.plus(right.negative()?),
                Sign::Times => left.times(right),
                Sign::By => left.times(right.upside_down()?),
            }
        }
    }
}

/// A fraction in lowest terms with a positive denominator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Fraction {
    over: i128,
    under: i128,
}

impl Fraction {
    fn new(over: i128, under: i128) -> Option<Self> {
        let common =
            i128::try_from(common(over.checked_abs()?.unsigned_abs(), under.checked_abs()?.unsigned_abs())).ok()?;
        if under == 0 {
            return None;
        }
        let sign = under.signum();
        Some(Self { over: over / common * sign, under: under / common * sign })
    }

    fn plus(self, other: Self) -> Option<Self> {
        let left = self.over.checked_mul(other.under)?;
        let right = other.over.checked_mul(self.under)?;
        Self::new(left.checked_add(right)?, self.under.checked_mul(other.under)?)
    }

    fn times(self, other: Self) -> Option<Self> {
        // Reduced crosswise first, so that what fits in the end is not lost on the way.
        let (one, two) = (Self::new(self.over, other.under)?, Self::new(other.over, self.under)?);
        Self::new(one.over.checked_mul(two.over)?, one.under.checked_mul(two.under)?)
    }

    fn negative(self) -> Option<Self> {
        Some(Self { over: self.over.checked_neg()?, under: self.under })
    }

    fn upside_down(self) -> Option<Self> {
        Self::new(self.under, self.over)
    }

    /// The nearest millionth, half away from zero.
    fn micros(self) -> Option<Micros> {
        let whole = self.over.abs() / self.under;
        let rest = (self.over.abs() % self.under).checked_mul(2_000_000)?;
        let exact =
            whole.checked_mul(1_000_000)?.checked_add(rest.checked_add(self.under)? / self.under.checked_mul(2)?)?;
        i64::try_from(exact * self.over.signum()).ok().map(Micros)
    }
}

/// The greatest common divisor; of nothing and nothing 1.
fn common(one: u128, other: u128) -> u128 {
    let (mut one, mut other) = (one, other);
    while other > 0 {
        (one, other) = (other, one % other);
    }
    one.max(1)
}

/// A part of the text and where it begins.
struct Part {
    word: Word,
    at: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Word {
    Number(Micros),
    Metric(Metric),
    Sign(Sign),
    Open,
    Close,
}

/// The parts of a formula, of which the next is looked at.
struct Parts {
    rest: Peekable<std::vec::IntoIter<Part>>,
    /// The character after the last.
    end: usize,
}

impl Parts {
    fn read(text: &str) -> Result<Self, FormulaError> {
        let mut parts = Vec::new();
        let mut left = text.char_indices().peekable();
        // Places are told in characters, not in bytes: people count those.
        let place = |byte: usize| text.get(..byte).map_or(0, |before| before.chars().count());
        while let Some((byte, found)) = left.peek().copied() {
            let at = place(byte);
            if parts.len() >= LONGEST {
                return Err(FormulaError { problem: Problem::TooLong, at });
            }
            let word = match found {
                _ if found.is_whitespace() => {
                    left.next();
                    continue;
                }
                '+' => Word::Sign(Sign::Plus),
                '-' | '\u{2212}' => Word::Sign(Sign::Minus),
                '*' | '\u{d7}' => Word::Sign(Sign::Times),
                '/' | '\u{f7}' => Word::Sign(Sign::By),
                '(' => Word::Open,
                ')' => Word::Close,
                '0'..='9' | '.' => {
                    let number = taken(&mut left, |c| c.is_ascii_digit() || c == '.');
                    let decimals = number.split_once('.').map_or(0, |(_, decimals)| decimals.len());
                    let read = Micros::parse(&number).ok().filter(|_| decimals <= 6);
                    let problem = Problem::BadNumber(number);
                    parts.push(Part { word: Word::Number(read.ok_or(FormulaError { problem, at })?), at });
                    continue;
                }
                'a'..='z' => {
                    let name = taken(&mut left, |c| c.is_ascii_lowercase() || c == '_');
                    let metric = Metric::ALL.into_iter().find(|metric| metric.name() == name);
                    let problem = Problem::UnknownMetric(name);
                    parts.push(Part { word: Word::Metric(metric.ok_or(FormulaError { problem, at })?), at });
                    continue;
                }
                other => return Err(FormulaError { problem: Problem::BadCharacter(other), at }),
            };
            left.next();
            parts.push(Part { word, at });
        }
        Ok(Self { rest: parts.into_iter().peekable(), end: text.chars().count() })
    }

    /// `product (+ product | - product)*`
    fn sum(&mut self) -> Result<Node, FormulaError> {
        let mut left = self.product()?;
        while let Some(sign) = self.sign(&[Sign::Plus, Sign::Minus]) {
            left = Node::Both(Box::new(left), sign, Box::new(self.product()?));
        }
        Ok(left)
    }

    /// `factor (* factor | / factor)*`
    fn product(&mut self) -> Result<Node, FormulaError> {
        let mut left = self.factor()?;
        while let Some(sign) = self.sign(&[Sign::Times, Sign::By]) {
            left = Node::Both(Box::new(left), sign, Box::new(self.factor()?));
        }
        Ok(left)
    }

    /// `number | metric | - factor | ( sum )`
    fn factor(&mut self) -> Result<Node, FormulaError> {
        let missing = |at| FormulaError { problem: Problem::NothingHere, at };
        let Some(Part { word, at }) = self.rest.next() else { return Err(missing(self.end)) };
        match word {
            Word::Number(number) => Ok(Node::Number(number)),
            Word::Metric(metric) => Ok(Node::Metric(metric)),
            Word::Sign(Sign::Minus) => Ok(Node::Minus(Box::new(self.factor()?))),
            Word::Open => {
                let inner = self.sum()?;
                match self.rest.next() {
                    Some(Part { word: Word::Close, .. }) => Ok(inner),
                    Some(part) => Err(FormulaError { problem: Problem::TooMuch, at: part.at }),
                    None => Err(FormulaError { problem: Problem::NotClosed, at }),
                }
            }
            Word::Sign(_) | Word::Close => Err(missing(at)),
        }
    }

    /// Takes the next part if it is one of these signs.
    fn sign(&mut self, wanted: &[Sign]) -> Option<Sign> {
        let sign = match self.rest.peek() {
            Some(Part { word: Word::Sign(sign), .. }) if wanted.contains(sign) => *sign,
            _ => return None,
        };
        self.rest.next();
        Some(sign)
    }
}

/// The characters from here on that fit.
fn taken(left: &mut Peekable<CharIndices<'_>>, fits: impl Fn(char) -> bool) -> String {
    let mut word = String::new();
    while let Some((_, found)) = left.next_if(|(_, found)| fits(*found)) {
        word.push(found);
    }
    word
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;
    use proptest::prelude::*;

    /// The example of <https://support.google.com/google-ads/answer/1722066>: 1,200 of revenue for 200 of advertising, half of it margin.
    fn shop() -> Sums {
        Sums {
            spend: Micros::whole(200),
            revenue: Micros::whole(1_200),
            impressions: Some(3_000),
            clicks: Some(7),
            conversions: Micros::whole(6),
            ..Sums::default()
        }
        .at_margin(Micros::parse("0.5").ok())
    }

    #[test]
    fn formulas_have_the_value_that_arithmetic_gives_them() {
        for (formula, expected) in [
            ("1 + 2 * 3", Some("7")),
            ("(1 + 2) * 3", Some("9")),
            ("10 - 4 - 3", Some("3")),
            ("24 / 4 / 2", Some("3")),
            ("-2 * -3", Some("6")),
            ("--1", Some("1")),
            ("-(1 + 2)", Some("-3")),
            ("2 \u{d7} 3 \u{2212} 1", Some("5")),
            (".5 + 0.000001", Some("0.500001")),
            // Exact on the way, rounded once at the end.
            ("1 / 3 * 3", Some("1")),
            ("clicks / 7 * 7 - clicks", Some("0")),
            ("cpc * clicks", Some("200")),
            ("2 / 3", Some("0.666667")),
            ("-2 / 3", Some("-0.666667")),
            ("0.0000005", None),
            // What is a metric already comes out the same.
            ("(revenue * 0.5 - spend) / (revenue * 0.5 + spend)", Some("0.5")),
            ("spend / impressions * 1000 - cpm", Some("0")),
            ("roas - romi", Some("1")),
            ("roi", Some("0.5")),
            // Unknown and impossible.
            ("visits", None),
            ("visits * 0", None),
            ("spend / (clicks - 7)", None),
            ("1 / 0", None),
            ("9000000000000 * 9000000000000", None),
            ("9000000000000 * 9000000000000 / 9000000000000", Some("9000000000000")),
        ] {
            let found = Formula::parse(formula).ok().and_then(|formula| formula.of(&shop()));
            assert_eq!(found.map(|value| value.to_string()).as_deref(), expected, "{formula}");
        }
    }

    #[test]
    fn an_error_says_what_is_wrong_and_where() {
        for (text, said) in [
            ("", "a number, a metric or a parenthesis is missing at character 0"),
            ("spend /", "a number, a metric or a parenthesis is missing at character 7"),
            ("spend + * 2", "a number, a metric or a parenthesis is missing at character 8"),
            ("()", "a number, a metric or a parenthesis is missing at character 1"),
            ("spend + cost", "`cost` is not a metric at character 8"),
            ("2 * (spend + 1", "a parenthesis is not closed at character 4"),
            ("(spend 1)", "nothing more was expected at character 7"),
            ("spend)", "nothing more was expected at character 5"),
            ("spend spend", "nothing more was expected at character 6"),
            ("1.2.3", "`1.2.3` is not a number with at most six decimals at character 0"),
            ("0.1234567", "`0.1234567` is not a number with at most six decimals at character 0"),
            ("1,5", "`,` has no meaning in a formula at character 1"),
            ("\u{a0}расход", "`р` has no meaning in a formula at character 1"),
            ("Spend", "`S` has no meaning in a formula at character 0"),
        ] {
            assert_eq!(Formula::parse(text).unwrap_err().to_string(), said, "{text:?}");
        }
        let long = format!("1{}", " + 1".repeat(100));
        assert_eq!(Formula::parse(&long).unwrap_err().problem, Problem::TooLong);
        assert_eq!(Formula::parse(&"(".repeat(100_000)).unwrap_err().problem, Problem::TooLong);
    }

    #[test]
    fn a_formula_names_what_it_asks_for() {
        let formula = Formula::parse("(revenue - spend) / -(spend + 2 * clicks)").unwrap();
        assert_eq!(formula.metrics(), [Metric::Revenue, Metric::Spend, Metric::Spend, Metric::Clicks]);
        for metric in Metric::ALL {
            assert_eq!(Formula::parse(metric.name()).unwrap().of(&shop()), metric.of(&shop()), "{metric:?}");
        }
    }

    /// A formula with the number that it should come to, worked out beside it in whole numbers.
    fn sound() -> impl Strategy<Value = (String, Option<i128>)> {
        let leaf = (0i64..1_000).prop_map(|number| (number.to_string(), Some(i128::from(number))));
        leaf.prop_recursive(5, 40, 2, |inner| {
            prop_oneof![
                inner.clone().prop_map(|(text, value)| (format!("-({text})"), value.and_then(i128::checked_neg))),
                (inner.clone(), prop::sample::select(vec!['+', '-', '*']), inner).prop_map(|((a, x), sign, (b, y))| {
                    let value = x.zip(y).and_then(|(x, y)| match sign {
                        '+' => x.checked_add(y),
                        '-' => x.checked_sub(y),
                        _ => x.checked_mul(y),
                    });
                    (format!("({a}) {sign} ({b})"), value)
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn whole_numbers_come_to_what_they_should((text, expected) in sound()) {
            let Ok(formula) = Formula::parse(&text) else { return Ok(()) };
            let expected = expected.and_then(|value| i64::try_from(value).ok()).and_then(Micros::whole);
            if let Some(expected) = expected {
                prop_assert_eq!(formula.of(&shop()), Some(expected), "{}", text);
            }
        }

        #[test]
        fn no_text_breaks_it(text in "\\PC{0,40}", formula in "[-+*/(). 0-9a-z_]{0,60}") {
            for text in [text, formula] {
                if let Ok(formula) = Formula::parse(&text) {
                    let _ = formula.of(&shop());
                }
            }
        }
    }
}
