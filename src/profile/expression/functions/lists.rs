//! Functions over lists and objects.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::rc::Rc;

use super::super::super::fault::EvalFault;
use super::super::compare::order_of;
use super::super::found::{Found, Items, Kind};
use super::super::walk::{self, eval};
use super::Call;

const SORTABLE: &str = "a list of only numbers or only strings";
const SORTABLE_BY: &str = "an expression that gives only numbers or only strings";

pub(super) fn keys<'a>(call: &Call<'a, '_>) -> Result<Found<'a>, EvalFault> {
    wants_object(call, 0)?;
    call.meter.spend(call.values[0].width())?;
    Found::list(call.values[0].entries().into_iter().map(|(key, _)| Found::Text(key)).collect(), call.meter)
}

pub(super) fn values<'a>(call: &Call<'a, '_>) -> Result<Found<'a>, EvalFault> {
    wants_object(call, 0)?;
    walk::values(&call.values[0], call.meter)
}

/// Of keys that several objects have, the last one's value counts, in the first one's place.
pub(super) fn merge<'a>(call: &Call<'a, '_>) -> Result<Found<'a>, EvalFault> {
    let mut merged: Vec<(&'a str, Found<'a>)> = Vec::new();
    let mut places: HashMap<&'a str, usize> = HashMap::new();
    for (position, object) in call.values.iter().enumerate() {
        wants_object(call, position)?;
        call.meter.make(object.width() * 2 * size_of::<(&str, Found<'_>)>())?;
        for (key, value) in object.entries() {
            call.meter.spend(1)?;
            if let Some(place) = places.get(key) {
                merged[*place].1 = value;
            } else {
                places.insert(key, merged.len());
                merged.push((key, value));
            }
        }
    }
    Found::object(merged, call.meter)
}

pub(super) fn map<'a>(call: &Call<'a, '_>) -> Result<Found<'a>, EvalFault> {
    let items = call.items(1, "a list")?;
    let results = items.iter().map(|item| eval(call.each(), &item, call.meter));
    Found::list(results.collect::<Result<Vec<_>, _>>()?, call.meter)
}

pub(super) fn sort<'a>(call: &Call<'a, '_>) -> Result<Found<'a>, EvalFault> {
    let items = call.items(0, SORTABLE)?;
    let keys: Vec<Found<'a>> = items.iter().collect();
    let is_sortable = one_kind(&keys).is_ok();
    if !is_sortable {
        return Err(call.wrong_type(0, SORTABLE, "a list of something else"));
    }
    sorted(call, keys.iter().cloned().zip(keys.iter().cloned()).collect())
}

pub(super) fn sort_by<'a>(call: &Call<'a, '_>) -> Result<Found<'a>, EvalFault> {
    let items = call.items(0, "a list")?;
    let keys = keys_by(call, &items)?;
    sorted(call, keys.into_iter().zip(items.iter()).collect())
}

/// The element that is `wanted` of all; the first of equals, null of none.
pub(super) fn extreme<'a>(call: &Call<'a, '_>, wanted: Ordering) -> Result<Found<'a>, EvalFault> {
    let items = call.items(0, SORTABLE)?;
    let keys: Vec<Found<'a>> = items.iter().collect();
    if one_kind(&keys).is_err() {
        return Err(call.wrong_type(0, SORTABLE, "a list of something else"));
    }
    best(call, &keys, wanted).map(|place| place.and_then(|at| items.get(at)).unwrap_or_default())
}

pub(super) fn extreme_by<'a>(call: &Call<'a, '_>, wanted: Ordering) -> Result<Found<'a>, EvalFault> {
    let items = call.items(0, "a list")?;
    let keys = keys_by(call, &items)?;
    best(call, &keys, wanted).map(|place| place.and_then(|at| items.get(at)).unwrap_or_default())
}

fn wants_object(call: &Call<'_, '_>, position: usize) -> Result<(), EvalFault> {
    match call.values[position].kind() {
        Kind::Object => Ok(()),
        _ => Err(call.wrong(position, "an object")),
    }
}

fn keys_by<'a>(call: &Call<'a, '_>, items: &Items<'a>) -> Result<Vec<Found<'a>>, EvalFault> {
    let keys =
        items.iter().map(|item| eval(call.each(), &item, call.meter)).collect::<Result<Vec<_>, _>>()?;
    one_kind(&keys).map_err(|found| call.wrong_type(1, SORTABLE_BY, found))?;
    Ok(keys)
}

/// Only numbers or only strings have an order among each other.
fn one_kind(keys: &[Found<'_>]) -> Result<(), &'static str> {
    let Some(first) = keys.first().map(Found::kind) else { return Ok(()) };
    if !matches!(first, Kind::Number | Kind::String) {
        return Err(first.described());
    }
    match keys.iter().map(Found::kind).find(|kind| *kind != first) {
        Some(other) => Err(other.described()),
        None => Ok(()),
    }
}

fn order(left: &Found<'_>, right: &Found<'_>) -> Ordering {
    match (left.as_number(), right.as_number()) {
        (Some(left), Some(right)) => order_of(left, right).unwrap_or(Ordering::Equal),
        _ => left.as_str().cmp(&right.as_str()),
    }
}

/// Sorts the second parts by the first ones and keeps the order of equals. The comparisons are
/// paid for beforehand; a sort cannot stop halfway.
fn sorted<'a>(call: &Call<'a, '_>, mut pairs: Vec<(Found<'a>, Found<'a>)>) -> Result<Found<'a>, EvalFault> {
    let text: usize = pairs.iter().map(|(key, _)| key.as_str().map_or(0, str::len)).sum();
    let rounds = pairs.len().checked_ilog2().unwrap_or(0) as usize + 1;
    call.meter.make(pairs.len() * 2 * size_of::<Found<'_>>())?;
    call.meter.spend(pairs.len() * rounds)?;
    call.meter.read(text.saturating_mul(rounds))?;
    pairs.sort_by(|(left, _), (right, _)| order(left, right));
    Ok(Found::List(Rc::new(pairs.into_iter().map(|(_, value)| value).collect())))
}

fn best(call: &Call<'_, '_>, keys: &[Found<'_>], wanted: Ordering) -> Result<Option<usize>, EvalFault> {
    let mut best: Option<usize> = None;
    for (at, key) in keys.iter().enumerate() {
        call.meter.read(key.as_str().map_or(0, str::len))?;
        if best.is_none_or(|best| order(key, &keys[best]) == wanted) {
            best = Some(at);
        }
    }
    Ok(best)
}
