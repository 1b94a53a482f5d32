//! From the library's tree to ours: what could harm or cannot work is refused here, with its place.

use jmespath::Variable;
use jmespath::ast::{Ast, Comparator, KeyValuePair};
use serde_json::{Map, Number, Value};

use super::super::fault::{MappingFault, quoted};
use super::functions::Function;
use super::node::{Argument, Called, Comparison, Node, Slice};

/// The largest number in a slice: no list of an answer (1 MiB) is longer.
const MAX_SLICE: i32 = 1_000_000;
/// The key under which `serde_json` hands on a number whose digits it keeps.
const EXACT_NUMBER: &str = "$serde_json::private::Number";

/// Compiles one tree of `text`.
pub(super) fn compile(text: &str, tree: &Ast) -> Result<Node, MappingFault> {
    Compiler { text }.node(tree)
}

struct Compiler<'t> {
    text: &'t str,
}

impl Compiler<'_> {
    fn node(&self, tree: &Ast) -> Result<Node, MappingFault> {
        Ok(match tree {
            Ast::Identity { .. } => Node::Current,
            Ast::Field { name, .. } => Node::Field(name.as_str().into()),
            Ast::Index { idx, .. } => Node::Index(i64::from(*idx)),
            Ast::Slice { offset, start, stop, step } => self.slice(*offset, *start, *stop, *step)?,
            Ast::Literal { value, .. } => Node::Literal(literal(value)),
            Ast::Subexpr { .. } => Node::Then(self.chain(tree, |tree| match tree {
                Ast::Subexpr { lhs, rhs, .. } => Some((lhs, rhs)),
                _ => None,
            })?),
            Ast::Or { .. } => Node::Or(self.chain(tree, |tree| match tree {
                Ast::Or { lhs, rhs, .. } => Some((lhs, rhs)),
                _ => None,
            })?),
            Ast::And { .. } => Node::And(self.chain(tree, |tree| match tree {
                Ast::And { lhs, rhs, .. } => Some((lhs, rhs)),
                _ => None,
            })?),
            Ast::Not { node, .. } => Node::Not(self.boxed(node)?),
            Ast::Comparison { comparator, lhs, rhs, .. } => {
                Node::Compare(comparison(comparator), self.boxed(lhs)?, self.boxed(rhs)?)
            }
            Ast::Flatten { node, .. } => Node::Flatten(self.boxed(node)?),
            Ast::ObjectValues { node, .. } => Node::Values(self.boxed(node)?),
            Ast::Projection { lhs, rhs, .. } => Node::Project(self.boxed(lhs)?, self.boxed(rhs)?),
            Ast::Condition { predicate, then, .. } => Node::Filter(self.boxed(predicate)?, self.boxed(then)?),
            Ast::MultiList { elements, .. } => {
                Node::List(elements.iter().map(|element| self.node(element)).collect::<Result<_, _>>()?)
            }
            Ast::MultiHash { elements, .. } => self.object(elements)?,
            Ast::Function { offset, name, args } => self.call(*offset, name, args)?,
            Ast::Expref { offset, .. } => return Err(self.stray_reference(*offset)),
        })
    }

    fn boxed(&self, tree: &Ast) -> Result<Box<Node>, MappingFault> {
        self.node(tree).map(Box::new)
    }

    /// The links of a chain from left to right. The library's tree leans to the left.
    fn chain<'t>(
        &self,
        mut tree: &'t Ast,
        sides: fn(&'t Ast) -> Option<(&'t Ast, &'t Ast)>,
    ) -> Result<Vec<Node>, MappingFault> {
        let mut links = Vec::new();
        while let Some((left, right)) = sides(tree) {
            links.push(self.node(right)?);
            tree = left;
        }
        links.push(self.node(tree)?);
        links.reverse();
        Ok(links)
    }

    /// Of keys that are written twice the last one counts.
    fn object(&self, elements: &[KeyValuePair]) -> Result<Node, MappingFault> {
        let mut entries: Vec<(Box<str>, Node)> = Vec::with_capacity(elements.len());
        for KeyValuePair { key, value } in elements {
            let node = self.node(value)?;
            match entries.iter_mut().find(|(earlier, _)| **earlier == **key) {
                Some(earlier) => earlier.1 = node,
                None => entries.push((key.as_str().into(), node)),
            }
        }
        Ok(Node::Object(entries))
    }

    fn slice(
        &self,
        offset: usize,
        start: Option<i32>,
        stop: Option<i32>,
        step: i32,
    ) -> Result<Node, MappingFault> {
        // The library gives the place where the slice ends.
        let offset = self.text.get(..offset).and_then(|before| before.rfind('[')).unwrap_or(offset);
        if step == 0 {
            return Err(MappingFault::at(self.text, offset, "a slice with step 0 takes nothing")
                .with_hint("leave the step out, or use `-1` for the reverse order"));
        }
        let numbers = [start, stop, Some(step)];
        if numbers.into_iter().flatten().any(|number| number.unsigned_abs() > MAX_SLICE.unsigned_abs()) {
            return Err(MappingFault::at(self.text, offset, "a number of this slice is over 1,000,000")
                .with_hint("leave a side empty for `to the end`, as in `[1:]`"));
        }
        Ok(Node::Slice(Slice {
            start: start.map(i64::from),
            stop: stop.map(i64::from),
            step: i64::from(step),
        }))
    }

    fn call(&self, offset: usize, name: &str, args: &[Ast]) -> Result<Node, MappingFault> {
        let at = self.text[..offset.min(self.text.len())].rfind(name).unwrap_or(offset);
        let Some(function) = Function::named(name) else {
            let fault = MappingFault::at(self.text, at, format!("there is no function {}", quoted(name)));
            return Err(match Function::hint_for(name) {
                Some(hint) => fault.with_hint(hint),
                None => fault,
            });
        };
        if !function.takes(args.len()) {
            let message = format!("`{name}` takes {} and is given {}", function.arity(), args.len());
            return Err(MappingFault::at(self.text, at, message));
        }
        let mut arguments = Vec::with_capacity(args.len());
        for (position, arg) in args.iter().enumerate() {
            let each = function.reference_position() == Some(position);
            arguments.push(match arg {
                Ast::Expref { ast, .. } if each => Argument::Each(self.node(ast)?),
                _ if each => {
                    let message = format!("argument {} of `{name}` wants an `&` before it", position + 1);
                    return Err(MappingFault::at(self.text, at, message)
                        .with_hint("as in `sort_by(people, &age)` or `map(&name, people)`"));
                }
                _ => Argument::Value(self.node(arg)?),
            });
        }
        let MappingFault { line, column, .. } = MappingFault::at(self.text, at, "");
        Ok(Node::Call(Called { function, line, column }, arguments))
    }

    fn stray_reference(&self, offset: usize) -> MappingFault {
        MappingFault::at(self.text, offset, "`&` does not stand here").with_hint(
            "it marks the expression that `map`, `sort_by`, `max_by` and `min_by` run for each element",
        )
    }
}

fn comparison(comparator: &Comparator) -> Comparison {
    match comparator {
        Comparator::Equal => Comparison::Equal,
        Comparator::NotEqual => Comparison::NotEqual,
        Comparator::LessThan => Comparison::Less,
        Comparator::LessThanEqual => Comparison::LessOrEqual,
        Comparator::GreaterThan => Comparison::Greater,
        Comparator::GreaterThanEqual => Comparison::GreaterOrEqual,
    }
}

/// A literal as JSON. The library reads numbers without knowing that `serde_json` keeps their
/// digits here, and so takes each for an object with one strange key.
fn literal(variable: &Variable) -> Value {
    match variable {
        Variable::Null | Variable::Expref(_) => Value::Null,
        Variable::Bool(value) => Value::Bool(*value),
        Variable::String(text) => Value::String(text.clone()),
        Variable::Number(number) => Value::Number(number.clone()),
        Variable::Array(items) => Value::Array(items.iter().map(|item| literal(item)).collect()),
        Variable::Object(fields) => match fields.get(EXACT_NUMBER).and_then(|text| text.as_string()) {
            Some(text) if fields.len() == 1 => text.parse::<Number>().map_or(Value::Null, Value::Number),
            _ => Value::Object(
                fields.iter().map(|(key, value)| (key.clone(), literal(value))).collect::<Map<_, _>>(),
            ),
        },
    }
}
