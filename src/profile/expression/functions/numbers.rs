//! Functions over numbers. Whole numbers stay whole and exact as long as they fit 128 bits;
//! everything else is counted in doubles, as the specification has it.

use serde_json::{Number, Value};

use super::super::super::fault::EvalFault;
use super::super::found::Found;
use super::Call;

const NUMBERS: &str = "a list of numbers";

pub(super) fn abs<'a>(call: &Call<'a, '_>) -> Result<Found<'a>, EvalFault> {
    let number = number(call)?;
    match number.as_str().strip_prefix('-') {
        Some(digits) => Ok(digits.parse().map_or_else(|_| Found::null(), Found::number)),
        None => Ok(call.values[0].clone()),
    }
}

pub(super) fn rounded<'a>(call: &Call<'a, '_>, round: fn(f64) -> f64) -> Result<Found<'a>, EvalFault> {
    let number = number(call)?;
    if is_whole(number) {
        return Ok(call.values[0].clone());
    }
    Ok(number.as_f64().map_or_else(Found::null, |value| from_double(round(value))))
}

pub(super) fn sum<'a>(call: &Call<'a, '_>) -> Result<Found<'a>, EvalFault> {
    let numbers = numbers(call)?;
    let exact =
        numbers.iter().try_fold(0_i128, |sum, number| sum.checked_add(number.as_str().parse::<i128>().ok()?));
    if let Some(exact) = exact {
        return Ok(exact.to_string().parse().map_or_else(|_| Found::null(), Found::number));
    }
    Ok(from_double(numbers.iter().filter_map(Number::as_f64).sum()))
}

/// The mean; null of an empty list.
pub(super) fn avg<'a>(call: &Call<'a, '_>) -> Result<Found<'a>, EvalFault> {
    let numbers = numbers(call)?;
    if numbers.is_empty() {
        return Ok(Found::null());
    }
    let count = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
    Ok(from_double(numbers.iter().filter_map(Number::as_f64).sum::<f64>() / f64::from(count)))
}

/// A number as it is, a text that is a JSON number with its digits, null for all else.
pub(super) fn to_number<'a>(call: &Call<'a, '_>) -> Found<'a> {
    let value = &call.values[0];
    if value.as_number().is_some() {
        return value.clone();
    }
    let parsed = value.as_str().and_then(|text| text.parse::<Number>().ok());
    parsed.map_or_else(Found::null, Found::number)
}

fn number<'c>(call: &'c Call<'_, '_>) -> Result<&'c Number, EvalFault> {
    call.values[0].as_number().ok_or_else(|| call.wrong(0, "a number"))
}

fn numbers(call: &Call<'_, '_>) -> Result<Vec<Number>, EvalFault> {
    let items = call.items(0, NUMBERS)?;
    call.meter.make(items.len() * size_of::<Number>())?;
    let mut numbers = Vec::with_capacity(items.len());
    for item in items.iter() {
        let number =
            item.as_number().ok_or_else(|| call.wrong_type(0, NUMBERS, "a list of something else"))?;
        call.meter.make(number.as_str().len())?;
        numbers.push(number.clone());
    }
    Ok(numbers)
}

fn is_whole(number: &Number) -> bool {
    number.as_str().bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
}

/// Without `.0` where the value is whole and a double still counts every whole number.
fn from_double<'a>(value: f64) -> Found<'a> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if value.fract() == 0.0 && value.abs() < EXACT {
        return format!("{value:.0}").parse().map_or_else(|_| Found::null(), Found::number);
    }
    Number::from_f64(value).map_or_else(Found::null, |number| Found::Made(Value::Number(number).into()))
}
