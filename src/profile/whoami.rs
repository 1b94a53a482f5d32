//! From the bytes of an identity answer to JSON, strictly: one meaning per document.

use serde_json::Value;

use crate::domain::json::{self, DUPLICATE};

/// Why a body is no identity answer. Names places, never what stands there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WhoamiFault {
    /// There is nothing in it.
    #[error("the body is empty")]
    Empty,
    /// JSON is UTF-8 (RFC 8259, 8.1), whatever the header says.
    #[error("the body is not UTF-8 from byte {offset} on")]
    NotUtf8 {
        /// The first byte that cannot be read.
        offset: usize,
    },
    /// Two values for one name: who reads the first and who reads the last see two people.
    #[error("a name stands twice in one object (line {line}, column {column})")]
    DuplicateKey {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// Lists and objects within each other, 128 levels with the innermost value.
    #[error("the body nests deeper than 128 levels (line {line}, column {column})")]
    TooDeep {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// It is no JSON.
    #[error("the body is no JSON (line {line}, column {column})")]
    NotJson {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
}

/// Reads a WhoAmI or userinfo body: UTF-8 with or without a byte order mark, one JSON value, no
/// name twice in one object, at most 128 levels; numbers keep their digits. The caller caps the
/// length (SECURITY 13: 1 MiB).
pub fn parse_whoami(bytes: &[u8]) -> Result<Value, WhoamiFault> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let text =
        std::str::from_utf8(bytes).map_err(|error| WhoamiFault::NotUtf8 { offset: error.valid_up_to() })?;
    if text.trim().is_empty() {
        return Err(WhoamiFault::Empty);
    }
    json::parse(text).map_err(|error| fault(&error))
}

fn fault(error: &serde_json::Error) -> WhoamiFault {
    let (line, column) = (error.line(), error.column());
    let reason = error.to_string();
    if reason.starts_with(DUPLICATE) {
        WhoamiFault::DuplicateKey { line, column }
    } else if reason.starts_with("recursion limit") {
        WhoamiFault::TooDeep { line, column }
    } else {
        WhoamiFault::NotJson { line, column }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_keep_their_digits() {
        let body = br#"{"id": 12345678901234567890123, "a": [-0, 1.0, 1e400, 0.10]}"#;
        let value = parse_whoami(body).unwrap();
        assert_eq!(value["id"].to_string(), "12345678901234567890123");
        let kept: Vec<String> = value["a"].as_array().unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(kept[..2], ["-0", "1.0"]);
        assert_eq!(kept[3], "0.10");
        assert!(kept[2].starts_with("1e"), "{}", kept[2]);
    }

    #[test]
    fn a_byte_order_mark_is_tolerated_and_the_order_of_fields_is_kept() {
        let value = parse_whoami("\u{FEFF}{\"b\": \"é\", \"a\": null, \"c\": [true]}".as_bytes()).unwrap();
        assert_eq!(value.to_string(), r#"{"b":"é","a":null,"c":[true]}"#);
    }

    #[test]
    fn a_name_that_stands_twice_is_refused_at_any_depth() {
        let twice = |body: &str| parse_whoami(body.as_bytes()).unwrap_err();
        assert_eq!(
            twice(r#"{"email": "a@x.example", "email": "b@x.example"}"#).to_string(),
            "a name stands twice in one object (line 1, column 48)"
        );
        assert!(matches!(
            twice(r#"{"a": [{"b": 1, "c": 2, "\u0062": 3}]}"#),
            WhoamiFault::DuplicateKey { .. }
        ));
        assert!(parse_whoami(br#"[{"a": 1}, {"a": 2}]"#).is_ok());
    }

    #[test]
    fn what_is_no_utf_8_or_no_json_is_refused() {
        assert_eq!(parse_whoami(b"{\"a\": \"\xE9\"}"), Err(WhoamiFault::NotUtf8 { offset: 7 }));
        assert_eq!(parse_whoami(b" \n"), Err(WhoamiFault::Empty));
        for body in [
            r#""\ud800""#,
            r#"{"a": NaN}"#,
            "{\"a\": \"\n\"}",
            "{} {}",
            "<html>",
            "{\"a\": 01}",
            "{'a': 1}",
            "[1,]",
        ] {
            assert!(matches!(parse_whoami(body.as_bytes()), Err(WhoamiFault::NotJson { .. })), "{body}");
        }
    }

    #[test]
    fn depth_ends_at_128_with_the_innermost_value() {
        let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(parse_whoami(nested(127).as_bytes()).map(|_| ()), Ok(()));
        assert!(matches!(parse_whoami(nested(128).as_bytes()), Err(WhoamiFault::TooDeep { .. })));
        assert!(matches!(parse_whoami("[".repeat(100_000).as_bytes()), Err(WhoamiFault::TooDeep { .. })));
        assert!(matches!(
            parse_whoami("{\"a\":".repeat(100_000).as_bytes()),
            Err(WhoamiFault::TooDeep { .. })
        ));
    }

    #[test]
    fn the_librarys_own_key_is_a_number_or_a_fault_but_never_an_object() {
        assert_eq!(parse_whoami(br#"{"$serde_json::private::Number": "7"}"#), Ok(json!(7)));
        assert!(parse_whoami(br#"{"$serde_json::private::Number": "x"}"#).is_err());
        assert!(parse_whoami(br#"{"$serde_json::private::Number": "7", "a": 1}"#).is_err());
        assert!(parse_whoami(br#"{"a": 1, "$serde_json::private::Number": "7"}"#).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_give_a_value_or_a_fault(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse_whoami(&bytes);
        }

        #[test]
        fn what_is_read_can_be_written_and_read_again(text in r#"[\[\]{}",:0-9a-e\\u \-\.]{0,60}"#) {
            if let Ok(value) = parse_whoami(text.as_bytes()) {
                prop_assert_eq!(parse_whoami(value.to_string().as_bytes()), Ok(value));
            }
        }
    }
}
