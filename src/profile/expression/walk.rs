//! Evaluates the compiled form over the answer, within a meter.

use super::super::fault::EvalFault;
use super::compare::compare;
use super::found::Found;
use super::functions;
use super::meter::Meter;
use super::node::{Argument, Node, Slice};

/// What `node` finds at `at`.
pub(super) fn eval<'a>(node: &'a Node, at: &Found<'a>, meter: &Meter) -> Result<Found<'a>, EvalFault> {
    meter.spend(1)?;
    match node {
        Node::Current => Ok(at.clone()),
        Node::Field(name) => at.find(name, meter).map(Option::unwrap_or_default),
        Node::Index(index) => Ok(element(at, *index)),
        Node::Slice(slice) => sliced(at, *slice, meter),
        Node::Literal(value) => Ok(Found::Json(value)),
        Node::Then(links) => through(links, at.clone(), meter),
        Node::Or(links) => until(links, at, true, meter),
        Node::And(links) => until(links, at, false, meter),
        Node::Not(inner) => Ok(Found::boolean(!eval(inner, at, meter)?.is_truthy())),
        Node::Compare(how, left, right) => {
            compare(*how, &eval(left, at, meter)?, &eval(right, at, meter)?, meter)
        }
        Node::Flatten(inner) => flattened(&eval(inner, at, meter)?, meter),
        Node::Values(inner) => values(&eval(inner, at, meter)?, meter),
        Node::Project(list, each) => projected(&eval(list, at, meter)?, each, meter),
        Node::Filter(test, then) => {
            if eval(test, at, meter)?.is_truthy() {
                eval(then, at, meter)
            } else {
                Ok(Found::null())
            }
        }
        Node::List(_) | Node::Object(_) if at.is_null() => Ok(Found::null()),
        Node::List(nodes) => {
            let found = nodes.iter().map(|node| eval(node, at, meter)).collect::<Result<Vec<_>, _>>()?;
            Found::list(found, meter)
        }
        Node::Object(entries) => {
            let found = entries.iter().map(|(key, node)| Ok((&**key, eval(node, at, meter)?)));
            Found::object(found.collect::<Result<Vec<_>, _>>()?, meter)
        }
        Node::Call(called, arguments) => {
            let call = functions::Call::gather(*called, arguments, at, meter)?;
            call.run()
        }
    }
}

/// What the last link finds in what those before it have found.
pub(super) fn through<'a>(links: &'a [Node], at: Found<'a>, meter: &Meter) -> Result<Found<'a>, EvalFault> {
    links.iter().try_fold(at, |at, link| eval(link, &at, meter))
}

/// The first that is as truthy as `wanted`, or the last.
fn until<'a>(links: &'a [Node], at: &Found<'a>, wanted: bool, meter: &Meter) -> Result<Found<'a>, EvalFault> {
    let mut found = Found::null();
    for link in links {
        found = eval(link, at, meter)?;
        if found.is_truthy() == wanted {
            break;
        }
    }
    Ok(found)
}

/// The values that a call's arguments have, and the expression that it runs for each element.
pub(super) fn arguments<'a>(
    arguments: &'a [Argument],
    at: &Found<'a>,
    meter: &Meter,
) -> Result<(Vec<Found<'a>>, Option<&'a Node>), EvalFault> {
    let mut values = Vec::with_capacity(arguments.len());
    let mut each = None;
    for argument in arguments {
        match argument {
            Argument::Value(node) => values.push(eval(node, at, meter)?),
            Argument::Each(node) => {
                each = Some(node);
                values.push(Found::null());
            }
        }
    }
    Ok((values, each))
}

/// An object's values as a list; null if it is no object.
pub(super) fn values<'a>(of: &Found<'a>, meter: &Meter) -> Result<Found<'a>, EvalFault> {
    if of.kind() != super::found::Kind::Object {
        return Ok(Found::null());
    }
    meter.spend(of.width())?;
    Found::list(of.entries().into_iter().map(|(_, value)| value).collect(), meter)
}

fn element<'a>(of: &Found<'a>, index: i64) -> Found<'a> {
    let Some(items) = of.items() else { return Found::null() };
    let place = match usize::try_from(index) {
        Ok(from_start) => Some(from_start),
        Err(_) => usize::try_from(index.unsigned_abs()).ok().and_then(|back| items.len().checked_sub(back)),
    };
    place.and_then(|place| items.get(place)).unwrap_or_default()
}

fn sliced<'a>(of: &Found<'a>, slice: Slice, meter: &Meter) -> Result<Found<'a>, EvalFault> {
    let Some(items) = of.items() else { return Ok(Found::null()) };
    let mut taken = Vec::new();
    for index in slice.indexes(items.len()) {
        meter.spend(1)?;
        taken.extend(items.get(index));
    }
    Found::list(taken, meter)
}

fn flattened<'a>(of: &Found<'a>, meter: &Meter) -> Result<Found<'a>, EvalFault> {
    let Some(items) = of.items() else { return Ok(Found::null()) };
    let mut flat = Vec::with_capacity(items.len());
    for item in items.iter() {
        match item.items() {
            Some(inner) => {
                meter.make(inner.len() * size_of::<Found<'_>>())?;
                flat.extend(inner.iter());
            }
            None => flat.push(item),
        }
    }
    Found::list(flat, meter)
}

/// Runs `each` for every element and leaves nulls out.
fn projected<'a>(of: &Found<'a>, each: &'a Node, meter: &Meter) -> Result<Found<'a>, EvalFault> {
    let Some(items) = of.items() else { return Ok(Found::null()) };
    if matches!(each, Node::Current)
        && matches!(of, Found::List(_))
        && items.iter().all(|item| !item.is_null())
    {
        return Ok(of.clone());
    }
    let mut found = Vec::new();
    for item in items.iter() {
        let result = eval(each, &item, meter)?;
        if !result.is_null() {
            found.push(result);
        }
    }
    Found::list(found, meter)
}
