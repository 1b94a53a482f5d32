//! Strict JSON: the parser for answers that decide who somebody is. A member that stands twice is
//! refused, because two readers could take different ones (RFC 8259, 4).

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// The name under which `serde_json` hands over the digits of a number that no integer holds.
const NUMBER: &str = "$serde_json::private::Number";

/// Why bytes are no strict JSON. It quotes nothing: the bytes are somebody's secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no JSON, nested too deeply, or a member stands twice")]
pub struct JsonError;

/// Reads one JSON text in UTF-8 without a byte order mark (RFC 8259, 8.1), with members once, fewer
/// than 128 levels deep, and nothing behind it. Numbers keep their digits.
pub fn parse(bytes: &[u8]) -> Result<Value, JsonError> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = Strict.deserialize(&mut deserializer).map_err(|_| JsonError)?;
    deserializer.end().map_err(|_| JsonError)?;
    Ok(value)
}

/// Builds a value like `serde_json` does, but looks at each member's name.
struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(Strict)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            // An object that really has this member reads as the number in it, as in serde_json.
            if name == NUMBER && object.is_empty() {
                let digits = members.next_value::<String>()?;
                return digits.parse::<Number>().map(Value::Number).map_err(A::Error::custom);
            }
            let value = members.next_value_seed(Strict)?;
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom("a member stands twice"));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[test]
    fn every_digit_of_a_number_is_kept() {
        for number in ["18446744073709551617", "1.10", "-0", "1e+400", "0.1000000000000000055"] {
            let text = format!("{{\"id\":[{number}]}}");
            assert_eq!(parse(text.as_bytes()).unwrap()["id"][0].to_string(), number);
        }
    }

    #[rstest]
    #[case::double(br#"{"a":1,"a":1}"#)]
    #[case::nested_double(br#"{"x":[{"a":1,"b":2,"a":3}]}"#)]
    #[case::double_by_escape(br#"{"a":1,"\u0061":2}"#)]
    #[case::empty(b"")]
    #[case::truncated(br#"{"a":"#)]
    #[case::trailing(b"{} {}")]
    #[case::byte_order_mark(b"\xef\xbb\xbf{}")]
    #[case::utf_16(b"{\0}\0")]
    #[case::no_utf8(b"{\"a\":\"\xff\"}")]
    #[case::lone_surrogate(br#"{"a":"\ud800"}"#)]
    #[case::not_a_number(b"[NaN]")]
    #[case::forged_number(br#"{"$serde_json::private::Number":"x"}"#)]
    #[case::page(b"<html>")]
    fn what_two_readers_could_read_differently_is_refused(#[case] bytes: &[u8]) {
        assert_eq!(parse(bytes), Err(JsonError));
    }

    #[test]
    fn depth_is_bounded_without_a_deep_stack() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(parse(nested(127).as_bytes()).is_ok());
        for depth in [129, 100_000] {
            assert_eq!(parse(nested(depth).as_bytes()), Err(JsonError));
            assert_eq!(parse("{\"a\":".repeat(depth).as_bytes()), Err(JsonError));
        }
    }

    #[test]
    fn members_keep_their_order() {
        let value = parse(br#"{"b":true,"a":[null,"x"]}"#).unwrap();
        assert_eq!(value, json!({"b": true, "a": [null, "x"]}));
        assert_eq!(value.to_string(), r#"{"b":true,"a":[null,"x"]}"#);
    }

    proptest! {
        #[test]
        fn what_is_read_is_what_serde_json_reads(text in r#"[\[\]{}",:0-9a-c. -]{0,40}"#) {
            if let Ok(value) = parse(text.as_bytes()) {
                prop_assert_eq!(value, serde_json::from_str::<Value>(&text).unwrap());
            }
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            let _ = parse(&bytes);
        }
    }
}
