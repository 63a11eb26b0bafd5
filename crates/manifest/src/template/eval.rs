//! Walks the tree of a template. Errors are Python's three kinds that the format tells apart: a wrong type, an undefined
//! value, and everything else; plus our own limits.

use super::{
    Scope,
    builtins::{self, Called},
    parser::{Args, Comparison, Expr, For, Node, Operator, Target},
    value::{Number, Value},
};
use crate::datetime::{IsoDuration, Moment};
use std::{borrow::Cow, sync::Arc};

/// Why an evaluation stopped.
#[derive(Debug, Clone, PartialEq)]
pub enum Raise {
    /// Types that do not fit: the result is the template text.
    Type,
    /// An undefined value was used: the result is the default.
    Undefined(String),
    /// Any other Python error.
    Invalid(String),
    /// A limit of ours.
    Limit(&'static str),
}

pub type Outcome<T> = Result<T, Raise>;

/// Longest text a template may produce, also on the way.
pub const MAX_OUTPUT: usize = 1 << 20;

/// A text or list that grew beyond the limit.
const TOO_LONG: Raise = Raise::Limit("its output is longer than 1 MiB");
/// Most loop steps of one evaluation.
const MAX_STEPS: usize = 100_000;

/// Renders a template to text. A single expression that prints as text is not copied.
pub fn render<'a>(nodes: &'a [Node], scope: &'a Scope<'a>) -> Outcome<Cow<'a, str>> {
    let mut eval = Eval { scope, locals: vec![Vec::new()], steps: 0 };
    if let [Node::Output(only)] = nodes {
        let text = match eval.expr(only)? {
            Value::Text(text) => text,
            other => Cow::Owned(other.print().into_owned()),
        };
        return if text.len() > MAX_OUTPUT { Err(TOO_LONG) } else { Ok(text) };
    }
    let mut out = String::new();
    eval.nodes(nodes, &mut out)?;
    Ok(Cow::Owned(out))
}

pub struct Eval<'a> {
    pub scope: &'a Scope<'a>,
    /// Frames of names bound by the template; a loop body has its own frame, an `if` does not.
    locals: Vec<Vec<(Cow<'a, str>, Value<'a>)>>,
    steps: usize,
}

impl<'a> Eval<'a> {
    fn nodes(&mut self, nodes: &'a [Node], out: &mut String) -> Outcome<()> {
        for node in nodes {
            match node {
                Node::Text(text) => out.push_str(text),
                Node::Output(value) => out.push_str(&self.expr(value)?.print()),
                Node::If(branches, otherwise) => {
                    let mut chosen = otherwise;
                    for (test, body) in branches {
                        if self.expr(test)?.truthy() {
                            chosen = body;
                            break;
                        }
                    }
                    self.nodes(chosen, out)?;
                }
                Node::For(each) => self.each(each, out)?,
                Node::Set(targets, value) => {
                    let value = self.expr(value)?;
                    self.assign(targets, value)?;
                }
                Node::SetBlock(target, body, filters) => {
                    let mut text = String::new();
                    self.nodes(body, &mut text)?;
                    let mut value = Value::text(text);
                    for (name, args) in filters {
                        let args = self.arguments(args)?;
                        value = builtins::filter(self, name, value, args)?;
                    }
                    self.assign(std::slice::from_ref(target), value)?;
                }
            }
            if out.len() > MAX_OUTPUT {
                return Err(TOO_LONG);
            }
        }
        Ok(())
    }

    fn each(&mut self, each: &'a For, out: &mut String) -> Outcome<()> {
        let mut items = self.expr(&each.over)?.walk().ok_or(Raise::Type)?;
        self.count(items.len())?;
        self.locals.push(Vec::new());
        if let Some(test) = &each.only_if {
            let mut kept = Vec::new();
            for item in items {
                self.assign(&each.targets, item.clone())?;
                if self.expr(test)?.truthy() {
                    kept.push(item);
                }
            }
            items = kept;
        }
        let count = items.len();
        for (index, item) in items.iter().enumerate() {
            let frame = self.locals.last_mut().ok_or(Raise::Type)?;
            frame.clear();
            // Nine values a step, for the few templates that ask.
            if each.counts {
                let number = |value: usize| Value::Int(i128::try_from(value).unwrap_or(i128::MAX));
                let at = |index: Option<usize>| index.and_then(|i| items.get(i)).cloned().unwrap_or(Value::Undefined);
                let entry = |name: &'static str, value: Value<'a>| (Value::Text(Cow::Borrowed(name)), value);
                let state = Value::map(vec![
                    entry("index", number(index + 1)),
                    entry("index0", number(index)),
                    entry("revindex", number(count - index)),
                    entry("revindex0", number(count - index - 1)),
                    entry("first", Value::Bool(index == 0)),
                    entry("last", Value::Bool(index + 1 == count)),
                    entry("length", number(count)),
                    entry("previtem", at(index.checked_sub(1))),
                    entry("nextitem", at(Some(index + 1))),
                ]);
                frame.push((Cow::Borrowed("loop"), state));
            }
            self.assign(&each.targets, item.clone())?;
            self.nodes(&each.body, out)?;
        }
        self.locals.pop();
        if count == 0 { self.nodes(&each.otherwise, out) } else { Ok(()) }
    }

    /// Counts work against the limit.
    pub fn count(&mut self, steps: usize) -> Outcome<()> {
        self.steps = self.steps.saturating_add(steps);
        if self.steps > MAX_STEPS { Err(Raise::Limit("more than 100,000 loop steps")) } else { Ok(()) }
    }

    fn assign(&mut self, targets: &'a [Target], value: Value<'a>) -> Outcome<()> {
        if let [only] = targets {
            return self.assign_one(only, value);
        }
        let items = value.walk().ok_or(Raise::Type)?;
        if items.len() != targets.len() {
            return Err(Raise::Invalid(format!(
                "{} values cannot be unpacked into {} names",
                items.len(),
                targets.len()
            )));
        }
        targets.iter().zip(items).try_for_each(|(target, item)| self.assign_one(target, item))
    }

    fn assign_one(&mut self, target: &'a Target, value: Value<'a>) -> Outcome<()> {
        if let Some(attribute) = &target.attribute {
            let place = self.local_mut(&target.name).ok_or(Raise::Type)?;
            let entries = owned_map(place).ok_or(Raise::Type)?;
            put(entries, Value::Text(Cow::Borrowed(attribute)), value);
            return Ok(());
        }
        let frame = self.locals.last_mut().ok_or(Raise::Type)?;
        match frame.iter_mut().find(|(name, _)| *name == target.name) {
            Some((_, old)) => *old = value,
            None => frame.push((Cow::Borrowed(&target.name), value)),
        }
        Ok(())
    }

    fn local(&self, name: &str) -> Option<&Value<'a>> {
        self.locals
            .iter()
            .rev()
            .find_map(|frame| frame.iter().rev().find(|(found, _)| found == name))
            .map(|(_, value)| value)
    }
    fn local_mut(&mut self, name: &str) -> Option<&mut Value<'a>> {
        let frames = self.locals.iter_mut().rev();
        frames
            .filter_map(|frame| frame.iter_mut().rev().find(|(found, _)| *found == name))
            .map(|(_, value)| value)
            .next()
    }

    fn name(&self, name: &'a str) -> Value<'a> {
        if let Some(value) = self.local(name) {
            return value.clone();
        }
        if let Some(value) = self.scope.get(name) {
            return value.clone();
        }
        if name == "self" {
            // Jinja's handle on blocks. There are none here, so whatever is asked of it is undefined.
            return Value::map(Vec::new());
        }
        builtins::function(name, self.scope.json_loads).map_or(Value::Undefined, Value::Function)
    }

    /// The value of an expression. What is too long is not handed on: a few lines could double it as often as they like.
    pub fn expr(&mut self, expr: &'a Expr) -> Outcome<Value<'a>> {
        let value = self.value(expr)?;
        let long = match &value {
            Value::Text(Cow::Owned(text)) => text.len() > MAX_OUTPUT,
            Value::List(items) | Value::Tuple(items) | Value::Set(items) | Value::Generator(items) => {
                items.len() > MAX_OUTPUT
            }
            _ => false,
        };
        if long { Err(TOO_LONG) } else { Ok(value) }
    }

    fn value(&mut self, expr: &'a Expr) -> Outcome<Value<'a>> {
        Ok(match expr {
            Expr::Const(Value::Text(text)) => Value::Text(Cow::Borrowed(text)),
            Expr::Const(value) => value.clone(),
            Expr::Name(name) => self.name(name),
            Expr::List(items) => Value::list(self.all(items)?),
            Expr::Tuple(items) => Value::Tuple(Arc::new(self.all(items)?)),
            Expr::Map(entries) => {
                let mut map = Vec::with_capacity(entries.len());
                for (key, value) in entries {
                    let key = self.expr(key)?;
                    let value = self.expr(value)?;
                    put(&mut map, key, value);
                }
                Value::map(map)
            }
            Expr::Attribute(inner, name) => {
                let inner = self.expr(inner)?;
                attribute(&inner, name)?
            }
            Expr::Item(inner, index) => {
                let inner = self.expr(inner)?;
                let index = self.expr(index)?;
                item(&inner, &index)?
            }
            Expr::Range(inner, bounds) => {
                let inner = self.expr(inner)?;
                let mut parts = [None, None, None];
                for (part, bound) in parts.iter_mut().zip(bounds) {
                    *part = match bound {
                        None => None,
                        Some(bound) => match self.expr(bound)? {
                            Value::Null => None,
                            Value::Undefined => return Err(Raise::Type),
                            value => match value.number() {
                                Some(Number::Int(value)) => Some(value),
                                _ => return Err(Raise::Type),
                            },
                        },
                    };
                }
                range(&inner, parts)?
            }
            Expr::Call(callee, args) => self.call(callee, args)?,
            Expr::Filter(inner, name, args) => {
                let inner = self.expr(inner)?;
                let args = self.arguments(args)?;
                builtins::filter(self, name, inner, args)?
            }
            Expr::Test(inner, name, args, negated) => {
                let inner = self.expr(inner)?;
                let args = self.arguments(args)?;
                Value::Bool(builtins::test(name, &inner, &args.positional)? != *negated)
            }
            Expr::Sign(negative, inner) => {
                let inner = self.expr(inner)?;
                sign(*negative, &inner)?
            }
            Expr::Not(inner) => Value::Bool(!self.expr(inner)?.truthy()),
            Expr::Binary(operator, left, right) => {
                let left = self.expr(left)?;
                let right = self.expr(right)?;
                binary(*operator, &left, &right)?
            }
            Expr::Concat(parts) => {
                let mut text = String::new();
                for part in parts {
                    text.push_str(&self.expr(part)?.print());
                }
                Value::text(text)
            }
            Expr::Compare(first, rest) => {
                let mut left = self.expr(first)?;
                for (operator, right) in rest {
                    let right = self.expr(right)?;
                    if !compare(*operator, &left, &right)? {
                        return Ok(Value::Bool(false));
                    }
                    left = right;
                }
                Value::Bool(true)
            }
            Expr::And(left, right) => {
                let left = self.expr(left)?;
                if left.truthy() { self.expr(right)? } else { left }
            }
            Expr::Or(left, right) => {
                let left = self.expr(left)?;
                if left.truthy() { left } else { self.expr(right)? }
            }
            Expr::Conditional(test, value, otherwise) => {
                if self.expr(test)?.truthy() {
                    self.expr(value)?
                } else {
                    match otherwise {
                        Some(otherwise) => self.expr(otherwise)?,
                        None => Value::Undefined,
                    }
                }
            }
        })
    }

    fn all(&mut self, items: &'a [Expr]) -> Outcome<Vec<Value<'a>>> {
        items.iter().map(|item| self.expr(item)).collect()
    }

    fn arguments(&mut self, args: &'a Args) -> Outcome<Called<'a>> {
        let positional = self.all(&args.positional)?;
        let mut named = Vec::with_capacity(args.named.len());
        for (name, value) in &args.named {
            named.push((name.as_str(), self.expr(value)?));
        }
        Ok(Called { positional, named })
    }

    fn call(&mut self, callee: &'a Expr, args: &'a Args) -> Outcome<Value<'a>> {
        if let Expr::Attribute(receiver, name) = callee {
            if builtins::mutates(name) && self.place(receiver)?.is_some_and(|place| builtins::has_method(place, name)) {
                let args = self.arguments(args)?;
                let place = self.place(receiver)?.ok_or(Raise::Type)?;
                return builtins::mutate(place, name, args);
            }
            let receiver = self.expr(receiver)?;
            if builtins::has_method(&receiver, name) {
                let args = self.arguments(args)?;
                return builtins::method(&receiver, name, args);
            }
            let callee = attribute(&receiver, name)?;
            return self.call_value(&callee, args, name);
        }
        let name = if let Expr::Name(name) = callee { name } else { "a value" };
        let callee = self.expr(callee)?;
        self.call_value(&callee, args, name)
    }

    fn call_value(&mut self, callee: &Value<'a>, args: &'a Args, name: &str) -> Outcome<Value<'a>> {
        match callee {
            Value::Undefined => Err(Raise::Undefined(name.to_owned())),
            Value::Function(function) => {
                let args = self.arguments(args)?;
                builtins::call(self, function, args)
            }
            Value::Method(bound) => {
                let args = self.arguments(args)?;
                builtins::method(&bound.0, &bound.1, args)
            }
            _ => Err(Raise::Type),
        }
    }

    /// The place an expression names, if it is rooted in a variable, so that `x.append(1)` changes `x`. A variable of the
    /// context is copied into the template's own frame first: templates never change a record or the configuration.
    fn place(&mut self, expr: &'a Expr) -> Outcome<Option<&mut Value<'a>>> {
        match expr {
            Expr::Name(name) => {
                if self.local(name).is_none() {
                    let Some(value) = self.scope.get(name).cloned() else { return Ok(None) };
                    if let Some(frame) = self.locals.first_mut() {
                        frame.push((Cow::Borrowed(name), value));
                    }
                }
                Ok(self.local_mut(name))
            }
            Expr::Attribute(inner, name) => {
                let key = Value::Text(Cow::Borrowed(name.as_str()));
                Ok(self.place(inner)?.and_then(|place| child(place, &key)))
            }
            Expr::Item(inner, key) => {
                let key = self.expr(key)?;
                Ok(self.place(inner)?.and_then(|place| child(place, &key)))
            }
            _ => Ok(None),
        }
    }
}

fn child<'v, 'a>(place: &'v mut Value<'a>, key: &Value<'a>) -> Option<&'v mut Value<'a>> {
    if place.is_map() {
        return owned_map(place)?.iter_mut().find(|(found, _)| found.equals(key)).map(|(_, value)| value);
    }
    let Value::Int(index) = key else { return None };
    let items = owned_list(place)?;
    let index = wrapped(*index, items.len())?;
    items.get_mut(index)
}

/// The entries of a map, made the template's own.
pub fn owned_map<'v, 'a>(place: &'v mut Value<'a>) -> Option<&'v mut Vec<(Value<'a>, Value<'a>)>> {
    if !matches!(place, Value::Map(_)) {
        *place = Value::map(place.entries()?);
    }
    match place {
        Value::Map(entries) => Some(Arc::make_mut(entries)),
        _ => None,
    }
}

/// The elements of a list, made the template's own.
pub fn owned_list<'v, 'a>(place: &'v mut Value<'a>) -> Option<&'v mut Vec<Value<'a>>> {
    if let Value::Json(crate::json::Json::Array(_)) = place {
        *place = Value::list(place.elements()?);
    }
    match place {
        Value::List(items) => Some(Arc::make_mut(items)),
        _ => None,
    }
}

/// Sets a key of a map.
pub fn put<'a>(entries: &mut Vec<(Value<'a>, Value<'a>)>, key: Value<'a>, value: Value<'a>) {
    match entries.iter_mut().find(|(found, _)| found.equals(&key)) {
        Some((_, old)) => *old = value,
        None => entries.push((key, value)),
    }
}

/// A Python index: negative ones count from the end.
pub fn wrapped(index: i128, len: usize) -> Option<usize> {
    let len_wide = i128::try_from(len).ok()?;
    let index = if index < 0 { index + len_wide } else { index };
    usize::try_from(index).ok().filter(|index| *index < len)
}

/// `value.name`: an attribute, else an entry. A second step on undefined is the undefined error.
pub fn attribute<'a>(value: &Value<'a>, name: &'a str) -> Outcome<Value<'a>> {
    if matches!(value, Value::Undefined) {
        return Err(Raise::Undefined(format!("what {name:?} belongs to")));
    }
    if name.starts_with('_') && name != "_partition" {
        return Ok(Value::Undefined);
    }
    if let Value::Slice(slice) = value {
        match name {
            "partition" | "_partition" => return Ok(Value::from_json(&slice.partition)),
            "cursor_slice" => return Ok(Value::from_json(&slice.cursor)),
            "extra_fields" => return Ok(Value::from_json(&slice.extra_fields)),
            _ => {}
        }
    }
    if let Some(found) = builtins::date_attribute(value, name) {
        return Ok(found);
    }
    if builtins::has_method(value, name) {
        return Ok(Value::Method(Arc::new((value.clone(), Cow::Borrowed(name)))));
    }
    Ok(value.get(&Value::Text(Cow::Borrowed(name))).unwrap_or(Value::Undefined))
}

/// `value[index]`: an entry, else an attribute of that name.
pub fn item<'a>(value: &Value<'a>, index: &Value<'a>) -> Outcome<Value<'a>> {
    if matches!(value, Value::Undefined) {
        return Err(Raise::Undefined("what is indexed".to_owned()));
    }
    if let Some(found) = value.get(index) {
        return Ok(found);
    }
    if let Some(Number::Int(index)) = index.number() {
        return Ok(element(value, index).unwrap_or(Value::Undefined));
    }
    if let Value::Text(name) = index {
        if let (Value::Slice(_), Cow::Borrowed(name)) = (value, name) {
            return attribute(value, name);
        }
        if !name.starts_with('_') && builtins::has_method(value, name) {
            return Ok(Value::Method(Arc::new((value.clone(), name.clone()))));
        }
    }
    Ok(Value::Undefined)
}

fn element<'a>(value: &Value<'a>, index: i128) -> Option<Value<'a>> {
    match value {
        Value::Json(crate::json::Json::Array(items)) => Some(Value::from_json(&items[wrapped(index, items.len())?])),
        Value::List(items) | Value::Tuple(items) => items.get(wrapped(index, items.len())?).cloned(),
        Value::Text(text) => {
            let at = wrapped(index, text.chars().count())?;
            text.chars().nth(at).map(|c| Value::text(c.to_string()))
        }
        _ => None,
    }
}

fn range<'a>(value: &Value<'a>, [from, to, step]: [Option<i128>; 3]) -> Outcome<Value<'a>> {
    if matches!(value, Value::Undefined) {
        return Err(Raise::Undefined("what is sliced".to_owned()));
    }
    let Some(items) = (if matches!(value, Value::Text(_)) { value.walk() } else { value.elements() }) else {
        // Jinja turns a failed subscript into undefined.
        return Ok(Value::Undefined);
    };
    let step = step.unwrap_or(1);
    if step == 0 {
        return Err(Raise::Invalid("slice step cannot be zero".to_owned()));
    }
    let len = i128::try_from(items.len()).unwrap_or(i128::MAX);
    let (low, high) = if step > 0 { (0, len) } else { (-1, len - 1) };
    let bound = |bound: Option<i128>, default: i128| match bound {
        None => default,
        Some(index) => (if index < 0 { index + len } else { index }).clamp(low, high),
    };
    let (mut at, end) = if step > 0 { (bound(from, 0), bound(to, len)) } else { (bound(from, len - 1), bound(to, -1)) };
    let mut picked = Vec::new();
    while (step > 0 && at < end) || (step < 0 && at > end) {
        if let Some(item) = usize::try_from(at).ok().and_then(|at| items.get(at)) {
            picked.push(item.clone());
        }
        at += step;
    }
    Ok(match value {
        Value::Text(_) => Value::text(picked.iter().map(Value::print).collect::<String>()),
        Value::Tuple(_) => Value::Tuple(Arc::new(picked)),
        _ => Value::list(picked),
    })
}

fn sign<'a>(negative: bool, value: &Value<'a>) -> Outcome<Value<'a>> {
    match value {
        Value::Undefined => Err(Raise::Undefined("what has a sign".to_owned())),
        Value::Span(span) => Ok(Value::Span(if negative { span.negated() } else { *span })),
        other => match other.number() {
            Some(Number::Int(value)) => {
                Ok(Value::Int(if negative { value.checked_neg().ok_or(Raise::Type)? } else { value }))
            }
            Some(Number::Float(value)) => Ok(Value::Float(if negative { -value } else { value })),
            None => Err(Raise::Type),
        },
    }
}

fn compare(operator: Comparison, left: &Value<'_>, right: &Value<'_>) -> Outcome<bool> {
    use std::cmp::Ordering;
    let ordered = |test: fn(Ordering) -> bool| {
        if matches!(left, Value::Undefined) || matches!(right, Value::Undefined) {
            return Err(Raise::Undefined("what is compared".to_owned()));
        }
        left.compare(right).map(test).ok_or(Raise::Type)
    };
    match operator {
        Comparison::Equal => Ok(left.equals(right)),
        Comparison::NotEqual => Ok(!left.equals(right)),
        Comparison::Less => ordered(Ordering::is_lt),
        Comparison::LessOrEqual => ordered(Ordering::is_le),
        Comparison::Greater => ordered(Ordering::is_gt),
        Comparison::GreaterOrEqual => ordered(Ordering::is_ge),
        Comparison::In => contains(right, left),
        Comparison::NotIn => contains(right, left).map(|found| !found),
    }
}

/// Python's `needle in hay`.
pub fn contains(hay: &Value<'_>, needle: &Value<'_>) -> Outcome<bool> {
    match hay {
        Value::Text(hay) => match needle {
            Value::Text(needle) => Ok(hay.contains(&**needle)),
            _ => Err(Raise::Type),
        },
        map if map.is_map() => Ok(map.get(needle).is_some()),
        other => Ok(other.walk().ok_or(Raise::Type)?.iter().any(|item| item.equals(needle))),
    }
}

fn binary<'a>(operator: Operator, left: &Value<'a>, right: &Value<'a>) -> Outcome<Value<'a>> {
    // Text formatting comes before the undefined check: `'%s' % undefined` prints nothing.
    if let (Operator::Modulo, Value::Text(format)) = (operator, left) {
        return builtins::percent(format, right);
    }
    if matches!(left, Value::Undefined) || matches!(right, Value::Undefined) {
        return Err(Raise::Undefined("an operand".to_owned()));
    }
    if let (Some(a), Some(b)) = (left.number(), right.number()) {
        return arithmetic(operator, a, b);
    }
    match (operator, left, right) {
        (Operator::Add, Value::Text(a), Value::Text(b)) => Ok(Value::text(format!("{a}{b}"))),
        (Operator::Add, Value::Tuple(a), Value::Tuple(b)) => Ok(Value::Tuple(Arc::new([&a[..], &b[..]].concat()))),
        (Operator::Add, Value::Tuple(_), _) | (Operator::Add, _, Value::Tuple(_)) => Err(Raise::Type),
        (Operator::Multiply, sequence, times) | (Operator::Multiply, times, sequence)
            if matches!(times, Value::Int(_) | Value::Bool(_)) =>
        {
            repeat(sequence, times)
        }
        (Operator::Add | Operator::Subtract, Value::Moment(_) | Value::Date(_), _)
        | (Operator::Add, _, Value::Moment(_) | Value::Date(_)) => dates(operator, left, right),
        (Operator::Add | Operator::Subtract, Value::Span(a), Value::Span(b)) => {
            let b = if operator == Operator::Add { *b } else { b.negated() };
            let exact = a.exact.checked_add(&b.exact).ok_or(Raise::Type)?;
            let months = a.months.checked_add(b.months).ok_or(Raise::Type)?;
            Ok(Value::Span(IsoDuration { months, exact }))
        }
        (Operator::Multiply, Value::Span(span), Value::Int(times))
        | (Operator::Multiply, Value::Int(times), Value::Span(span)) => {
            let times = i32::try_from(*times).map_err(|_| Raise::Type)?;
            multiplied(*span, times)
        }
        (Operator::Add, a, b) => match (a.elements(), b.elements()) {
            (Some(mut a), Some(b)) => {
                a.extend(b);
                Ok(Value::list(a))
            }
            _ => Err(Raise::Type),
        },
        _ => Err(Raise::Type),
    }
}

fn multiplied<'a>(span: IsoDuration, times: i32) -> Outcome<Value<'a>> {
    let exact = span.exact.checked_mul(times).ok_or(Raise::Type)?;
    let months = span.months.checked_mul(i64::from(times)).ok_or(Raise::Type)?;
    Ok(Value::Span(IsoDuration { months, exact }))
}

fn repeat<'a>(sequence: &Value<'a>, times: &Value<'a>) -> Outcome<Value<'a>> {
    if let Value::Span(span) = sequence {
        let Some(Number::Int(times)) = times.number() else { return Err(Raise::Type) };
        let times = i32::try_from(times).map_err(|_| Raise::Type)?;
        return multiplied(*span, times);
    }
    let Some(Number::Int(times)) = times.number() else { return Err(Raise::Type) };
    let times = usize::try_from(times.max(0)).map_err(|_| Raise::Limit("a repeated text is too long"))?;
    let len = sequence.length().ok_or(Raise::Type)?;
    if len.saturating_mul(times) > MAX_OUTPUT {
        return Err(Raise::Limit("a repeated text is too long"));
    }
    match sequence {
        Value::Text(text) => Ok(Value::text(text.repeat(times))),
        Value::Tuple(items) => Ok(Value::Tuple(Arc::new(repeated(items, times)))),
        other => Ok(Value::list(repeated(&other.elements().ok_or(Raise::Type)?, times))),
    }
}

fn repeated<'a>(items: &[Value<'a>], times: usize) -> Vec<Value<'a>> {
    std::iter::repeat_n(items, times).flatten().cloned().collect()
}

fn dates<'a>(operator: Operator, left: &Value<'a>, right: &Value<'a>) -> Outcome<Value<'a>> {
    let overflow = || Raise::Invalid("date value out of range".to_owned());
    let span = |value: &Value<'a>| match value {
        Value::Span(span) => Some(if operator == Operator::Add { *span } else { span.negated() }),
        _ => None,
    };
    match (operator, left, right) {
        (_, Value::Moment(at), by) | (Operator::Add, by, Value::Moment(at)) if span(by).is_some() => {
            let by = span(by).ok_or(Raise::Type)?;
            by.add_to(*at).map(Value::Moment).ok_or_else(overflow)
        }
        (_, Value::Date(at), by) | (Operator::Add, by, Value::Date(at)) if span(by).is_some() => {
            let by = span(by).ok_or(Raise::Type)?;
            by.add_to_date(*at).map(Value::Date).ok_or_else(overflow)
        }
        (Operator::Subtract, Value::Moment(a), Value::Moment(b)) if a.offset.is_some() == b.offset.is_some() => {
            Ok(Value::Span(IsoDuration { months: 0, exact: a.instant() - b.instant() }))
        }
        (Operator::Subtract, Value::Date(a), Value::Date(b)) => {
            Ok(Value::Span(IsoDuration { months: 0, exact: *a - *b }))
        }
        _ => Err(Raise::Type),
    }
}

fn arithmetic<'a>(operator: Operator, a: Number, b: Number) -> Outcome<Value<'a>> {
    let division = || Raise::Invalid("division by zero".to_owned());
    let too_large = || Raise::Invalid("a number is too large".to_owned());
    if let (Number::Int(a), Number::Int(b)) = (a, b) {
        let value = match operator {
            Operator::Add => a.checked_add(b),
            Operator::Subtract => a.checked_sub(b),
            Operator::Multiply => a.checked_mul(b),
            Operator::Divide | Operator::FloorDivide | Operator::Modulo if b == 0 => return Err(division()),
            Operator::FloorDivide => floor_divide(a, b),
            Operator::Modulo => Some(floor_modulo(a, b)),
            Operator::Power if b >= 0 => u32::try_from(b).ok().and_then(|b| a.checked_pow(b)),
            Operator::Divide => return Ok(Value::Float(a as f64 / b as f64)),
            Operator::Power => return Ok(Value::Float((a as f64).powf(b as f64))),
        };
        return value.map(Value::Int).ok_or_else(too_large);
    }
    let (a, b) = (a.float(), b.float());
    Ok(Value::Float(match operator {
        Operator::Add => a + b,
        Operator::Subtract => a - b,
        Operator::Multiply => a * b,
        Operator::Divide | Operator::FloorDivide | Operator::Modulo if b == 0.0 => return Err(division()),
        Operator::Divide => a / b,
        Operator::FloorDivide => (a / b).floor(),
        Operator::Modulo => a - b * (a / b).floor(),
        Operator::Power => a.powf(b),
    }))
}

fn floor_divide(a: i128, b: i128) -> Option<i128> {
    let quotient = a.checked_div(b)?;
    Some(if floor_modulo(a, b) == a.wrapping_rem(b) { quotient } else { quotient - 1 })
}

fn floor_modulo(a: i128, b: i128) -> i128 {
    let rest = a.wrapping_rem(b);
    if rest != 0 && (rest < 0) != (b < 0) { rest + b } else { rest }
}

/// A moment from the scope's clock.
pub fn now(scope: &Scope<'_>) -> Moment {
    Moment::utc(scope.now)
}
