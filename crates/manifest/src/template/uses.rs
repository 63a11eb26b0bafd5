//! What a template does with values of the configuration: a secret that is only printed can stay a placeholder, one that is computed
//! with cannot. The answer is found in the text and not by running it, so it holds for every run.

use super::{
    Template,
    parser::{Args, Expr, Node, Operator},
    value::Value,
};

/// What is done with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Use {
    /// Asked whether it is there.
    Tested,
    /// Printed, whole, possibly next to other text.
    Printed,
    /// Anything else: cut, compared, hashed, walked.
    Computed,
}

impl Template {
    /// Each place that reads `config`: the keys that follow, as far as the text says, and what is done there.
    pub fn config_uses(&self) -> Vec<(Vec<String>, Use)> {
        let mut uses = Vec::new();
        if let super::Body::Nodes { nodes, .. } = &self.body {
            walk_nodes(nodes, &mut uses);
        }
        uses
    }
}

type Uses = Vec<(Vec<String>, Use)>;

fn walk_nodes(nodes: &[Node], uses: &mut Uses) {
    for node in nodes {
        match node {
            Node::Text(_) => {}
            Node::Output(expr) => walk(expr, Use::Printed, uses),
            Node::If(branches, otherwise) => {
                for (condition, body) in branches {
                    walk(condition, Use::Tested, uses);
                    walk_nodes(body, uses);
                }
                walk_nodes(otherwise, uses);
            }
            Node::For(each) => {
                walk(&each.over, Use::Computed, uses);
                if let Some(condition) = &each.only_if {
                    walk(condition, Use::Tested, uses);
                }
                walk_nodes(&each.body, uses);
                walk_nodes(&each.otherwise, uses);
            }
            // What becomes of a variable is not followed.
            Node::Set(_, expr) => walk(expr, Use::Computed, uses),
            Node::SetBlock(_, body, filters) => {
                let from = uses.len();
                walk_nodes(body, uses);
                uses[from..].iter_mut().for_each(|(_, what)| *what = Use::Computed);
                for (_, args) in filters {
                    walk_args(args, uses);
                }
            }
        }
    }
}

fn walk_args(args: &Args, uses: &mut Uses) {
    args.positional
        .iter()
        .chain(args.named.iter().map(|(_, expr)| expr))
        .for_each(|expr| walk(expr, Use::Computed, uses));
}

/// The keys behind `config`, and a default value given on the way.
fn path(expr: &Expr) -> Option<(Vec<String>, Option<&Expr>)> {
    let key = |expr: &Expr| match expr {
        Expr::Const(Value::Text(text)) => Some(text.to_string()),
        _ => None,
    };
    let (inner, key, default) = match expr {
        Expr::Name(name) if name == "config" => return Some((Vec::new(), None)),
        Expr::Attribute(inner, name) => (inner, name.clone(), None),
        Expr::Item(inner, index) => (inner, key(index)?, None),
        Expr::Call(callee, args) => match (&**callee, args.positional.as_slice()) {
            (Expr::Attribute(inner, get), [name, default @ ..]) if get == "get" && args.named.is_empty() => {
                (inner, key(name)?, default.first())
            }
            _ => return None,
        },
        _ => return None,
    };
    let (mut keys, before) = path(inner)?;
    keys.push(key);
    Some((keys, default.or(before)))
}

/// Whether it is something nobody learns from by comparing with it.
fn nothing(expr: &Expr) -> bool {
    match expr {
        Expr::Const(Value::Null) => true,
        Expr::Const(Value::Text(text)) => text.is_empty(),
        _ => false,
    }
}

fn walk(expr: &Expr, what: Use, uses: &mut Uses) {
    if let Some((keys, default)) = path(expr) {
        uses.push((keys, what));
        if let Some(default) = default {
            walk(default, what, uses);
        }
        return;
    }
    match expr {
        Expr::Const(_) | Expr::Name(_) => {}
        Expr::Concat(parts) => parts.iter().for_each(|part| walk(part, what, uses)),
        Expr::Binary(Operator::Add, left, right) | Expr::Or(left, right) => {
            walk(left, what, uses);
            walk(right, what, uses);
        }
        // The left side comes out only when there is nothing in it.
        Expr::And(left, right) => {
            walk(left, Use::Tested, uses);
            walk(right, what, uses);
        }
        Expr::Conditional(then, condition, otherwise) => {
            walk(then, what, uses);
            walk(condition, Use::Tested, uses);
            if let Some(otherwise) = otherwise {
                walk(otherwise, what, uses);
            }
        }
        Expr::Not(inner) => walk(inner, Use::Tested, uses),
        Expr::Test(inner, name, args, _) => {
            let harmless = matches!(name.as_str(), "defined" | "undefined" | "none");
            walk(inner, if harmless { Use::Tested } else { Use::Computed }, uses);
            walk_args(args, uses);
        }
        Expr::Compare(first, rest) => {
            let harmless = rest.iter().all(|(_, other)| nothing(other)) || (nothing(first) && rest.len() == 1);
            let what = if harmless { Use::Tested } else { Use::Computed };
            walk(first, what, uses);
            for (_, other) in rest {
                walk(other, what, uses);
            }
        }
        Expr::Filter(inner, name, args) => match name.as_str() {
            "base64encode" | "trim" => walk(inner, what, uses),
            "default" | "d" => {
                walk(inner, what, uses);
                args.positional.iter().for_each(|default| walk(default, what, uses));
            }
            _ => {
                walk(inner, Use::Computed, uses);
                walk_args(args, uses);
            }
        },
        Expr::List(items) | Expr::Tuple(items) => items.iter().for_each(|item| walk(item, Use::Computed, uses)),
        Expr::Map(entries) => entries.iter().for_each(|(key, value)| {
            walk(key, Use::Computed, uses);
            walk(value, Use::Computed, uses);
        }),
        Expr::Attribute(inner, _) | Expr::Sign(_, inner) => walk(inner, Use::Computed, uses),
        Expr::Item(inner, index) => {
            walk(inner, Use::Computed, uses);
            walk(index, Use::Computed, uses);
        }
        Expr::Range(inner, bounds) => {
            walk(inner, Use::Computed, uses);
            bounds.iter().flatten().for_each(|bound| walk(bound, Use::Computed, uses));
        }
        Expr::Call(callee, args) => {
            // A method is no key.
            let callee = if let Expr::Attribute(receiver, _) = &**callee { receiver } else { callee };
            walk(callee, Use::Computed, uses);
            walk_args(args, uses);
        }
        Expr::Binary(_, left, right) => {
            walk(left, Use::Computed, uses);
            walk(right, Use::Computed, uses);
        }
    }
}
