//! Strict JSON from the bytes of a token answer. The rules stand in `domain::json`.

use serde_json::Value;

use crate::domain::json;

/// Why bytes are no strict JSON. It quotes nothing: the bytes are somebody's secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no JSON, nested too deeply, or a member stands twice")]
pub struct JsonError;

/// Reads one JSON text in UTF-8 without a byte order mark (RFC 8259, 8.1), as [`json::parse`] does.
pub fn parse(bytes: &[u8]) -> Result<Value, JsonError> {
    let text = std::str::from_utf8(bytes).map_err(|_| JsonError)?;
    json::parse(text).map_err(|_| JsonError)
}

/// The longest name of a function around JSON.
const NAME: usize = 64;

/// What stands inside of a function call, as JSONP has it: `callback({…});`. None if the bytes are no such call.
pub fn padding_off(bytes: &[u8]) -> Option<&[u8]> {
    let call = bytes.trim_ascii();
    let call = call.strip_suffix(b";").unwrap_or(call).trim_ascii_end();
    let (name, rest) = call.split_at(call.iter().position(|byte| *byte == b'(')?);
    let name = name.trim_ascii_end();
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || b"_$.".contains(byte);
    if !(1..=NAME).contains(&name.len()) || !name.iter().all(is_word) || name[0].is_ascii_digit() {
        return None;
    }
    let inside = rest.strip_prefix(b"(")?.strip_suffix(b")")?.trim_ascii();
    inside.starts_with(b"{").then_some(inside)
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

    #[rstest]
    #[case(b"callback({\"a\":1});", Some(&br#"{"a":1}"#[..]))]
    #[case(b"  jQuery_1.cb ( {} ) ;\n", Some(&b"{}"[..]))]
    #[case(b"cb({\"a\":\")\"})", Some(&br#"{"a":")"}"#[..]))]
    #[case(b"{\"a\":1}", None)]
    #[case(b"({})", None)]
    #[case(b"1cb({})", None)]
    #[case(b"alert(1);cb({})", None)]
    #[case(b"cb([1])", None)]
    #[case(b"cb({}", None)]
    #[case(b"<script>cb({})", None)]
    #[case(b"", None)]
    fn a_call_around_an_object_is_taken_off_and_nothing_else(
        #[case] bytes: &[u8],
        #[case] inside: Option<&[u8]>,
    ) {
        assert_eq!(padding_off(bytes), inside);
    }

    proptest! {
        #[test]
        fn what_is_inside_of_a_call_begins_and_ends_within_it(bytes: Vec<u8>, name in "[a-z]{0,3}") {
            let whole = [name.as_bytes(), b"(", bytes.as_slice(), b")"].concat();
            for bytes in [bytes.as_slice(), whole.as_slice()] {
                if let Some(inside) = padding_off(bytes) {
                    let is_object = inside.starts_with(b"{");
                    prop_assert!(is_object && inside.len() + 3 <= bytes.len());
                }
            }
        }

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
