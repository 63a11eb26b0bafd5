//! Turns tokens into a tree, with the precedence of Jinja 2: conditional, or, and, not, comparison, + and -, ~,
//! * / // %, **, unary, then attribute, index, call, filter and test.

use super::{
    SyntaxError,
    lexer::{Piece, Token, cut},
    value::Value,
};
use std::{borrow::Cow, collections::BTreeSet, sync::Arc};

/// A statement or piece of output.
#[derive(Debug, Clone)]
pub enum Node {
    /// Literal text.
    Text(String),
    /// The printed value of an expression.
    Output(Expr),
    /// `if`, `elif`s and `else`.
    If(Vec<(Expr, Vec<Node>)>, Vec<Node>),
    /// `for`.
    For(Box<For>),
    /// `set target = value`.
    Set(Vec<Target>, Expr),
    /// `set target` ... `endset`, through filters.
    SetBlock(Target, Vec<Node>, Vec<(String, Args)>),
}

/// A loop.
#[derive(Debug, Clone)]
pub struct For {
    /// Names bound to each element; several unpack it.
    pub targets: Vec<Target>,
    /// What is walked.
    pub over: Expr,
    /// Elements for which it is false are left out.
    pub only_if: Option<Expr>,
    /// For each element.
    pub body: Vec<Node>,
    /// Whether the body asks where the loop is.
    pub counts: bool,
    /// When there was none.
    pub otherwise: Vec<Node>,
}

/// What is assigned to: a name, or an attribute of a namespace.
#[derive(Debug, Clone)]
pub struct Target {
    /// The name.
    pub name: String,
    /// The attribute, for namespaces.
    pub attribute: Option<String>,
}

/// Arguments of a call.
#[derive(Debug, Clone, Default)]
pub struct Args {
    /// By position.
    pub positional: Vec<Expr>,
    /// By name.
    pub named: Vec<(String, Expr)>,
}

/// An expression.
#[derive(Debug, Clone)]
pub enum Expr {
    /// A constant.
    Const(Value<'static>),
    /// A variable or function.
    Name(String),
    /// `[a, b]`.
    List(Vec<Expr>),
    /// `(a, b)`.
    Tuple(Vec<Expr>),
    /// `{a: b}`.
    Map(Vec<(Expr, Expr)>),
    /// `a.b`.
    Attribute(Box<Expr>, String),
    /// `a[b]`.
    Item(Box<Expr>, Box<Expr>),
    /// `a[from:to:step]`.
    Range(Box<Expr>, [Option<Box<Expr>>; 3]),
    /// `a(b)`.
    Call(Box<Expr>, Args),
    /// `a | name(b)`.
    Filter(Box<Expr>, String, Args),
    /// `a is [not] name(b)`.
    Test(Box<Expr>, String, Args, bool),
    /// `-a`, `+a`.
    Sign(bool, Box<Expr>),
    /// `not a`.
    Not(Box<Expr>),
    /// Arithmetic.
    Binary(Operator, Box<Expr>, Box<Expr>),
    /// `a ~ b ~ c`.
    Concat(Vec<Expr>),
    /// `a < b <= c`.
    Compare(Box<Expr>, Vec<(Comparison, Expr)>),
    /// `a and b`.
    And(Box<Expr>, Box<Expr>),
    /// `a or b`.
    Or(Box<Expr>, Box<Expr>),
    /// `a if test else b`.
    Conditional(Box<Expr>, Box<Expr>, Option<Box<Expr>>),
}

/// An arithmetic operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `//`
    FloorDivide,
    /// `%`
    Modulo,
    /// `**`
    Power,
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `in`
    In,
    /// `not in`
    NotIn,
}

/// Nesting beyond this is an error: 64 levels are more than any public manifest uses, and the stack stays small.
const MAX_DEPTH: usize = 64;

/// Parses a template.
pub fn parse(source: &str) -> Result<Vec<Node>, SyntaxError> {
    let mut blocks = Blocks { pieces: cut(source)?.into_iter(), depth: 0 };
    let (nodes, end) = blocks.until(&[])?;
    match end {
        None => Ok(nodes),
        Some((word, _)) => Err(SyntaxError(format!("unexpected tag {word:?}"))),
    }
}

struct Blocks {
    pieces: std::vec::IntoIter<Piece>,
    depth: usize,
}

/// The word of the tag that ended a block, and the tokens behind it.
type End = Option<(String, Vec<Token>)>;

impl Blocks {
    fn until(&mut self, ends: &[&str]) -> Result<(Vec<Node>, End), SyntaxError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(SyntaxError("blocks are nested too deeply".to_owned()));
        }
        let mut nodes = Vec::new();
        while let Some(piece) = self.pieces.next() {
            let mut tokens = match piece {
                Piece::Text(text) => {
                    nodes.push(Node::Text(text));
                    continue;
                }
                Piece::Output(tokens) => {
                    let mut parser = Parser::new(tokens);
                    let value = parser.tuple()?;
                    parser.end()?;
                    nodes.push(Node::Output(value));
                    continue;
                }
                Piece::Statement(tokens) => tokens,
            };
            let word = match tokens.first() {
                Some(Token::Name(word)) => word.clone(),
                _ => return Err(SyntaxError("a tag must begin with a word".to_owned())),
            };
            tokens.remove(0);
            if ends.contains(&word.as_str()) {
                self.depth -= 1;
                return Ok((nodes, Some((word, tokens))));
            }
            nodes.push(self.statement(&word, tokens)?);
        }
        self.depth -= 1;
        if ends.is_empty() {
            Ok((nodes, None))
        } else {
            Err(SyntaxError(format!("a block is not closed by {}", ends.join(" or "))))
        }
    }

    fn statement(&mut self, word: &str, tokens: Vec<Token>) -> Result<Node, SyntaxError> {
        let mut parser = Parser::new(tokens);
        match word {
            "if" => {
                let mut branches = Vec::new();
                let mut test = parser.whole()?;
                loop {
                    let (body, end) = self.until(&["elif", "else", "endif"])?;
                    branches.push((test, body));
                    match end {
                        Some((word, tokens)) if word == "elif" => test = Parser::new(tokens).whole()?,
                        Some((word, _)) if word == "else" => {
                            let (otherwise, _) = self.until(&["endif"])?;
                            return Ok(Node::If(branches, otherwise));
                        }
                        _ => return Ok(Node::If(branches, Vec::new())),
                    }
                }
            }
            "for" => {
                let targets = parser.targets()?;
                parser.expect_word("in")?;
                let over = parser.tuple_without_condition()?;
                let only_if = if parser.word("if") { Some(parser.expression()?) } else { None };
                parser.end()?;
                let (body, end) = self.until(&["else", "endfor"])?;
                let otherwise = match end {
                    Some((word, _)) if word == "else" => self.until(&["endfor"])?.0,
                    _ => Vec::new(),
                };
                let counts = free_names(&body).contains("loop");
                Ok(Node::For(Box::new(For { targets, over, only_if, body, counts, otherwise })))
            }
            "set" => {
                let mut targets = parser.targets()?;
                if parser.sign("=") {
                    let value = parser.tuple()?;
                    parser.end()?;
                    return Ok(Node::Set(targets, value));
                }
                let mut filters = Vec::new();
                while parser.sign("|") {
                    filters.push(parser.filter()?);
                }
                parser.end()?;
                let (body, _) = self.until(&["endset"])?;
                match (targets.pop(), targets.is_empty()) {
                    (Some(target), true) => Ok(Node::SetBlock(target, body, filters)),
                    _ => Err(SyntaxError("a set block takes one name".to_owned())),
                }
            }
            other => Err(SyntaxError(format!("the tag {other:?} is not part of the language"))),
        }
    }
}

struct Parser {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token>>,
    depth: usize,
}

impl Parser {
    fn new(tokens: Vec<Token>) -> Self {
        Self { tokens: tokens.into_iter().peekable(), depth: 0 }
    }
    fn end(&mut self) -> Result<(), SyntaxError> {
        match self.tokens.peek() {
            None => Ok(()),
            Some(token) => Err(SyntaxError(format!("unexpected {token:?}"))),
        }
    }
    fn whole(&mut self) -> Result<Expr, SyntaxError> {
        let value = self.tuple()?;
        self.end()?;
        Ok(value)
    }
    fn sign(&mut self, sign: &str) -> bool {
        self.tokens.next_if(|token| matches!(token, Token::Sign(found) if *found == sign)).is_some()
    }
    fn word(&mut self, word: &str) -> bool {
        self.tokens.next_if(|token| matches!(token, Token::Name(found) if found == word)).is_some()
    }
    fn at_word(&mut self, words: &[&str]) -> bool {
        matches!(self.tokens.peek(), Some(Token::Name(found)) if words.contains(&found.as_str()))
    }
    fn at_sign(&mut self, signs: &[&str]) -> bool {
        matches!(self.tokens.peek(), Some(Token::Sign(found)) if signs.contains(found))
    }
    fn expect_sign(&mut self, sign: &str) -> Result<(), SyntaxError> {
        if self.sign(sign) {
            Ok(())
        } else {
            Err(SyntaxError(format!("expected {sign:?}, found {:?}", self.tokens.peek())))
        }
    }
    fn expect_word(&mut self, word: &str) -> Result<(), SyntaxError> {
        if self.word(word) {
            Ok(())
        } else {
            Err(SyntaxError(format!("expected {word:?}, found {:?}", self.tokens.peek())))
        }
    }
    fn name(&mut self) -> Result<String, SyntaxError> {
        match self.tokens.next() {
            Some(Token::Name(name)) => Ok(name),
            other => Err(SyntaxError(format!("expected a name, found {other:?}"))),
        }
    }

    fn targets(&mut self) -> Result<Vec<Target>, SyntaxError> {
        let bracket = self.sign("(");
        let mut targets = Vec::new();
        loop {
            let name = self.name()?;
            let attribute = if self.sign(".") { Some(self.name()?) } else { None };
            targets.push(Target { name, attribute });
            if !self.sign(",") {
                break;
            }
        }
        if bracket {
            self.expect_sign(")")?;
        }
        Ok(targets)
    }

    /// One expression, or several with commas between them, which make a tuple.
    fn tuple(&mut self) -> Result<Expr, SyntaxError> {
        let first = self.expression()?;
        self.rest_of_tuple(first, Self::expression)
    }
    fn tuple_without_condition(&mut self) -> Result<Expr, SyntaxError> {
        let first = self.or()?;
        self.rest_of_tuple(first, Self::or)
    }
    fn rest_of_tuple(
        &mut self,
        first: Expr,
        next: fn(&mut Self) -> Result<Expr, SyntaxError>,
    ) -> Result<Expr, SyntaxError> {
        if !self.at_sign(&[","]) {
            return Ok(first);
        }
        let mut items = vec![first];
        while self.sign(",") {
            if self.tokens.peek().is_none() || self.at_sign(&[")", "]", "}"]) {
                break;
            }
            items.push(next(self)?);
        }
        Ok(Expr::Tuple(items))
    }

    fn expression(&mut self) -> Result<Expr, SyntaxError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(SyntaxError("an expression is nested too deeply".to_owned()));
        }
        let mut value = self.or()?;
        while self.word("if") {
            let test = self.or()?;
            let otherwise = if self.word("else") { Some(Box::new(self.expression()?)) } else { None };
            value = Expr::Conditional(Box::new(test), Box::new(value), otherwise);
        }
        self.depth -= 1;
        Ok(value)
    }
    fn or(&mut self) -> Result<Expr, SyntaxError> {
        let mut left = self.and()?;
        while self.word("or") {
            left = Expr::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }
    fn and(&mut self) -> Result<Expr, SyntaxError> {
        let mut left = self.not()?;
        while self.word("and") {
            left = Expr::And(Box::new(left), Box::new(self.not()?));
        }
        Ok(left)
    }
    fn not(&mut self) -> Result<Expr, SyntaxError> {
        let mut count = 0usize;
        while self.word("not") {
            count += 1;
        }
        let mut value = self.comparison()?;
        for _ in 0..count {
            value = Expr::Not(Box::new(value));
        }
        Ok(value)
    }
    fn comparison(&mut self) -> Result<Expr, SyntaxError> {
        let first = self.sum()?;
        let mut rest = Vec::new();
        loop {
            let operator = match self.tokens.peek() {
                Some(Token::Sign("==")) => Comparison::Equal,
                Some(Token::Sign("!=")) => Comparison::NotEqual,
                Some(Token::Sign("<")) => Comparison::Less,
                Some(Token::Sign("<=")) => Comparison::LessOrEqual,
                Some(Token::Sign(">")) => Comparison::Greater,
                Some(Token::Sign(">=")) => Comparison::GreaterOrEqual,
                Some(Token::Name(word)) if word == "in" => Comparison::In,
                Some(Token::Name(word)) if word == "not" => Comparison::NotIn,
                _ => break,
            };
            self.tokens.next();
            if operator == Comparison::NotIn {
                self.expect_word("in")?;
            }
            rest.push((operator, self.sum()?));
        }
        Ok(if rest.is_empty() { first } else { Expr::Compare(Box::new(first), rest) })
    }
    fn sum(&mut self) -> Result<Expr, SyntaxError> {
        self.binary(Self::concat, &[("+", Operator::Add), ("-", Operator::Subtract)])
    }
    fn concat(&mut self) -> Result<Expr, SyntaxError> {
        let mut parts = vec![self.product()?];
        while self.sign("~") {
            parts.push(self.product()?);
        }
        match parts.pop() {
            Some(only) if parts.is_empty() => Ok(only),
            Some(last) => {
                parts.push(last);
                Ok(Expr::Concat(parts))
            }
            None => Err(SyntaxError("an expression is missing".to_owned())),
        }
    }
    fn product(&mut self) -> Result<Expr, SyntaxError> {
        let signs = [
            ("*", Operator::Multiply),
            ("/", Operator::Divide),
            ("//", Operator::FloorDivide),
            ("%", Operator::Modulo),
        ];
        self.binary(Self::power, &signs)
    }
    fn power(&mut self) -> Result<Expr, SyntaxError> {
        self.binary(|parser| parser.unary(true), &[("**", Operator::Power)])
    }
    fn binary(
        &mut self,
        next: fn(&mut Self) -> Result<Expr, SyntaxError>,
        signs: &[(&str, Operator)],
    ) -> Result<Expr, SyntaxError> {
        let mut left = next(self)?;
        while let Some((_, operator)) = signs.iter().find(|(sign, _)| self.sign(sign)) {
            left = Expr::Binary(*operator, Box::new(left), Box::new(next(self)?));
        }
        Ok(left)
    }
    fn unary(&mut self, with_filters: bool) -> Result<Expr, SyntaxError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(SyntaxError("an expression is nested too deeply".to_owned()));
        }
        let mut value = if self.sign("-") {
            Expr::Sign(true, Box::new(self.unary(false)?))
        } else if self.sign("+") {
            Expr::Sign(false, Box::new(self.unary(false)?))
        } else {
            self.primary()?
        };
        value = self.postfix(value)?;
        if with_filters {
            value = self.filters_and_tests(value)?;
        }
        self.depth -= 1;
        Ok(value)
    }

    fn primary(&mut self) -> Result<Expr, SyntaxError> {
        let token = self.tokens.next().ok_or_else(|| SyntaxError("an expression is missing".to_owned()))?;
        Ok(match token {
            Token::Name(name) => match name.as_str() {
                "true" | "True" => Expr::Const(Value::Bool(true)),
                "false" | "False" => Expr::Const(Value::Bool(false)),
                "none" | "None" => Expr::Const(Value::Null),
                _ => Expr::Name(name),
            },
            Token::Text(mut text) => {
                while let Some(Token::Text(more)) = self.tokens.next_if(|token| matches!(token, Token::Text(_))) {
                    text.push_str(&more);
                }
                Expr::Const(Value::Text(Cow::Owned(text)))
            }
            Token::Int(value) => Expr::Const(Value::Int(value)),
            Token::Float(value) => Expr::Const(Value::Float(value)),
            Token::Sign("(") => {
                if self.sign(")") {
                    Expr::Const(Value::Tuple(Arc::new(Vec::new())))
                } else {
                    let inner = self.tuple()?;
                    self.expect_sign(")")?;
                    inner
                }
            }
            Token::Sign("[") => {
                let mut items = Vec::new();
                while !self.sign("]") {
                    if !items.is_empty() {
                        self.expect_sign(",")?;
                        if self.sign("]") {
                            break;
                        }
                    }
                    items.push(self.expression()?);
                }
                Expr::List(items)
            }
            Token::Sign("{") => {
                let mut entries = Vec::new();
                while !self.sign("}") {
                    if !entries.is_empty() {
                        self.expect_sign(",")?;
                        if self.sign("}") {
                            break;
                        }
                    }
                    let key = self.expression()?;
                    self.expect_sign(":")?;
                    entries.push((key, self.expression()?));
                }
                Expr::Map(entries)
            }
            other @ Token::Sign(_) => return Err(SyntaxError(format!("unexpected {other:?}"))),
        })
    }

    fn postfix(&mut self, mut value: Expr) -> Result<Expr, SyntaxError> {
        loop {
            if self.sign(".") {
                value = match self.tokens.next() {
                    Some(Token::Name(name)) => Expr::Attribute(Box::new(value), name),
                    Some(Token::Int(index)) => Expr::Item(Box::new(value), Box::new(Expr::Const(Value::Int(index)))),
                    other => return Err(SyntaxError(format!("expected a name after the point, found {other:?}"))),
                };
            } else if self.sign("[") {
                value = self.subscript(value)?;
            } else if self.sign("(") {
                value = Expr::Call(Box::new(value), self.arguments()?);
            } else {
                return Ok(value);
            }
        }
    }

    fn subscript(&mut self, value: Expr) -> Result<Expr, SyntaxError> {
        let mut bounds: [Option<Box<Expr>>; 3] = [None, None, None];
        let mut colons = 0;
        loop {
            if self.sign("]") {
                break;
            }
            if self.sign(":") {
                colons += 1;
                if colons > 2 {
                    return Err(SyntaxError("a slice has at most three parts".to_owned()));
                }
                continue;
            }
            if self.at_sign(&[","]) || bounds[colons].is_some() {
                return Err(SyntaxError("an index takes one expression".to_owned()));
            }
            bounds[colons] = Some(Box::new(self.expression()?));
        }
        if colons > 0 {
            return Ok(Expr::Range(Box::new(value), bounds));
        }
        match bounds {
            [Some(index), ..] => Ok(Expr::Item(Box::new(value), index)),
            _ => Err(SyntaxError("an index is missing".to_owned())),
        }
    }

    fn arguments(&mut self) -> Result<Args, SyntaxError> {
        let mut args = Args::default();
        let mut first = true;
        while !self.sign(")") {
            if !first {
                self.expect_sign(",")?;
                if self.sign(")") {
                    break;
                }
            }
            first = false;
            let value = self.expression()?;
            if self.sign("=") {
                let Expr::Name(name) = value else {
                    return Err(SyntaxError("a named argument needs a name".to_owned()));
                };
                args.named.push((name, self.expression()?));
            } else if args.named.is_empty() {
                args.positional.push(value);
            } else {
                return Err(SyntaxError("a positional argument stands behind a named one".to_owned()));
            }
        }
        Ok(args)
    }

    fn filter(&mut self) -> Result<(String, Args), SyntaxError> {
        let mut name = self.name()?;
        while self.sign(".") {
            name = format!("{name}.{}", self.name()?);
        }
        let args = if self.sign("(") { self.arguments()? } else { Args::default() };
        Ok((name, args))
    }

    fn filters_and_tests(&mut self, mut value: Expr) -> Result<Expr, SyntaxError> {
        loop {
            if self.sign("|") {
                let (name, args) = self.filter()?;
                value = Expr::Filter(Box::new(value), name, args);
            } else if self.word("is") {
                let negated = self.word("not");
                let name = self.name()?;
                let mut args = Args::default();
                if self.sign("(") {
                    args = self.arguments()?;
                } else if self.test_takes_an_operand() {
                    let operand = self.primary()?;
                    args.positional.push(self.postfix(operand)?);
                }
                value = Expr::Test(Box::new(value), name, args, negated);
            } else if self.sign("(") {
                value = Expr::Call(Box::new(value), self.arguments()?);
            } else {
                return Ok(value);
            }
        }
    }

    fn test_takes_an_operand(&mut self) -> bool {
        if self.at_word(&["else", "or", "and", "if", "is", "not", "in"]) {
            return false;
        }
        matches!(self.tokens.peek(), Some(Token::Name(_) | Token::Text(_) | Token::Int(_) | Token::Float(_)))
            || self.at_sign(&["[", "{"])
    }
}

/// The names a template reads but does not bind itself, functions excluded by the caller.
pub fn free_names(nodes: &[Node]) -> BTreeSet<String> {
    let mut free = BTreeSet::new();
    walk(nodes, &mut Vec::new(), &mut free);
    free
}

fn walk(nodes: &[Node], bound: &mut Vec<String>, free: &mut BTreeSet<String>) {
    for node in nodes {
        match node {
            Node::Text(_) => {}
            Node::Output(value) => names(value, bound, free),
            Node::If(branches, otherwise) => {
                for (test, body) in branches {
                    names(test, bound, free);
                    walk(body, bound, free);
                }
                walk(otherwise, bound, free);
            }
            Node::For(each) => {
                names(&each.over, bound, free);
                let before = bound.len();
                bound.push("loop".to_owned());
                bound.extend(each.targets.iter().map(|target| target.name.clone()));
                if let Some(test) = &each.only_if {
                    names(test, bound, free);
                }
                walk(&each.body, bound, free);
                bound.truncate(before);
                walk(&each.otherwise, bound, free);
            }
            Node::Set(targets, value) => {
                names(value, bound, free);
                bound.extend(targets.iter().map(|target| target.name.clone()));
            }
            Node::SetBlock(target, body, filters) => {
                walk(body, bound, free);
                for (_, args) in filters {
                    argument_names(args, bound, free);
                }
                bound.push(target.name.clone());
            }
        }
    }
}

fn argument_names(args: &Args, bound: &[String], free: &mut BTreeSet<String>) {
    for value in args.positional.iter().chain(args.named.iter().map(|(_, value)| value)) {
        names(value, bound, free);
    }
}

fn names(value: &Expr, bound: &[String], free: &mut BTreeSet<String>) {
    let mut each = |items: &[&Expr]| items.iter().for_each(|item| names(item, bound, free));
    match value {
        Expr::Const(_) => {}
        Expr::Name(name) => {
            if !bound.contains(name) {
                free.insert(name.clone());
            }
        }
        Expr::List(items) | Expr::Tuple(items) | Expr::Concat(items) => each(&items.iter().collect::<Vec<_>>()),
        Expr::Map(entries) => entries.iter().for_each(|(key, value)| each(&[key, value])),
        Expr::Attribute(inner, _) | Expr::Sign(_, inner) | Expr::Not(inner) => each(&[inner]),
        Expr::Item(a, b) | Expr::Binary(_, a, b) | Expr::And(a, b) | Expr::Or(a, b) => each(&[a, b]),
        Expr::Range(inner, bounds) => {
            each(&[inner]);
            bounds.iter().flatten().for_each(|part| each(&[part]));
        }
        Expr::Call(inner, args) | Expr::Filter(inner, _, args) | Expr::Test(inner, _, args, _) => {
            each(&[inner]);
            argument_names(args, bound, free);
        }
        Expr::Compare(first, rest) => {
            each(&[first]);
            each(&rest.iter().map(|(_, value)| value).collect::<Vec<_>>());
        }
        Expr::Conditional(test, value, otherwise) => {
            each(&[test, value]);
            each(&otherwise.iter().map(|value| &**value).collect::<Vec<_>>());
        }
    }
}
