//! Equality and order. Whole numbers are compared by their digits, however many there are, so
//! that two long ids are never taken for one.

use std::cmp::Ordering;

use serde_json::Number;

use super::super::fault::EvalFault;
use super::found::{Found, Kind};
use super::meter::Meter;
use super::node::Comparison;

/// What a comparison gives: the four orders are for numbers only and give null for all else.
pub(super) fn compare<'a>(
    how: Comparison,
    left: &Found<'a>,
    right: &Found<'a>,
    meter: &Meter,
) -> Result<Found<'a>, EvalFault> {
    let expected = match how {
        Comparison::Equal => return is_equal(left, right, meter).map(Found::boolean),
        Comparison::NotEqual => return is_equal(left, right, meter).map(|equal| Found::boolean(!equal)),
        Comparison::Less => [Ordering::Less, Ordering::Less],
        Comparison::LessOrEqual => [Ordering::Less, Ordering::Equal],
        Comparison::Greater => [Ordering::Greater, Ordering::Greater],
        Comparison::GreaterOrEqual => [Ordering::Greater, Ordering::Equal],
    };
    let (Some(left), Some(right)) = (left.as_number(), right.as_number()) else {
        return Ok(Found::null());
    };
    Ok(order_of(left, right).map_or_else(Found::null, |order| Found::boolean(expected.contains(&order))))
}

/// Deep equality; the order of an object's fields does not count.
pub(super) fn is_equal(left: &Found<'_>, right: &Found<'_>, meter: &Meter) -> Result<bool, EvalFault> {
    meter.spend(1)?;
    let kind = left.kind();
    if kind != right.kind() {
        return Ok(false);
    }
    match kind {
        Kind::Null => Ok(true),
        Kind::Boolean => Ok(left.is_truthy() == right.is_truthy()),
        Kind::Number => Ok(match (left.as_number(), right.as_number()) {
            (Some(left), Some(right)) => order_of(left, right) == Some(Ordering::Equal),
            _ => false,
        }),
        Kind::String => {
            let (left, right) = (left.as_str(), right.as_str());
            meter.read(left.map_or(0, str::len))?;
            Ok(left == right)
        }
        Kind::Array => {
            let (Some(left), Some(right)) = (left.items(), right.items()) else { return Ok(false) };
            if left.len() != right.len() {
                return Ok(false);
            }
            for (left, right) in left.iter().zip(right.iter()) {
                if !is_equal(&left, &right, meter)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        Kind::Object => {
            if left.width() != right.width() {
                return Ok(false);
            }
            meter.make(left.width() * size_of::<(&str, Found<'_>)>())?;
            for (key, value) in left.entries() {
                match right.find(key, meter)? {
                    Some(other) if is_equal(&value, &other, meter)? => {}
                    _ => return Ok(false),
                }
            }
            Ok(true)
        }
    }
}

/// The order of two numbers; none if one is beyond what a double can hold and the other no
/// whole number.
pub(super) fn order_of(left: &Number, right: &Number) -> Option<Ordering> {
    match (whole(left), whole(right)) {
        (Some(left), Some(right)) => Some(left.cmp(&right)),
        _ if left.as_str() == right.as_str() => Some(Ordering::Equal),
        _ => left.as_f64()?.partial_cmp(&right.as_f64()?),
    }
}

/// A whole number: its sign, its length and its digits, in the order in which they decide.
#[derive(PartialEq, Eq)]
struct Whole<'n> {
    is_negative: bool,
    digits: &'n str,
}

impl PartialOrd for Whole<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Whole<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_size = || self.digits.len().cmp(&other.digits.len()).then(self.digits.cmp(other.digits));
        match (self.is_negative, other.is_negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => by_size(),
            (true, true) => by_size().reverse(),
        }
    }
}

/// The digits of a whole number; JSON allows no leading zeros, so that `-0` is the only trap.
fn whole(number: &Number) -> Option<Whole<'_>> {
    let text = number.as_str();
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_whole = digits.bytes().all(|byte| byte.is_ascii_digit());
    is_whole.then_some(Whole { is_negative: digits.len() < text.len() && digits != "0", digits })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(left: &str, right: &str) -> Option<Ordering> {
        order_of(&left.parse().unwrap(), &right.parse().unwrap())
    }

    #[test]
    fn long_ids_that_share_a_double_are_not_equal() {
        assert_eq!(order("18446744073709551617", "18446744073709551618"), Some(Ordering::Less));
        assert_eq!(order("12345678901234567890123", "12345678901234567890123"), Some(Ordering::Equal));
        assert_eq!(order("-18446744073709551617", "-18446744073709551618"), Some(Ordering::Greater));
    }

    #[test]
    fn whole_numbers_and_fractions_are_one_line() {
        assert_eq!(order("1", "1.0"), Some(Ordering::Equal));
        assert_eq!(order("-0", "0"), Some(Ordering::Equal));
        assert_eq!(order("9", "10"), Some(Ordering::Less));
        assert_eq!(order("-9", "-10"), Some(Ordering::Greater));
        assert_eq!(order("-1", "1"), Some(Ordering::Less));
        assert_eq!(order("0.5", "1e2"), Some(Ordering::Less));
    }

    #[test]
    fn a_number_beyond_a_double_equals_itself_only() {
        assert_eq!(order("1e400", "1e400"), Some(Ordering::Equal));
        assert_eq!(order("1e400", "1"), None);
    }
}
