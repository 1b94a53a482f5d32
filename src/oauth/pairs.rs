//! Names and values of a query or form, decoded without mercy: what is no text is refused, where
//! the URL standard's decoder would replace it silently (RFC 6749, appendix B).

/// How many pairs a query or form may have.
pub const PAIRS: usize = 64;

/// Decoded names and values in the order they came.
pub type Pairs = Vec<(String, String)>;

/// Why bytes are no query or form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PairsError {
    /// A `%` without two hexadecimal digits.
    #[error("a percent sign stands without two hexadecimal digits")]
    Encoding,
    /// Bytes that are no UTF-8.
    #[error("a name or value is no UTF-8")]
    Text,
    /// More than [`PAIRS`].
    #[error("more than {PAIRS} parameters")]
    TooMany,
}

/// Decodes `application/x-www-form-urlencoded` bytes. A part without `=` is a name without value.
pub fn decode(bytes: &[u8]) -> Result<Pairs, PairsError> {
    let mut pairs = Pairs::new();
    for part in bytes.split(|byte| *byte == b'&').filter(|part| !part.is_empty()) {
        if pairs.len() == PAIRS {
            return Err(PairsError::TooMany);
        }
        let equals = part.iter().position(|byte| *byte == b'=').unwrap_or(part.len());
        let value = part.get(equals + 1..).unwrap_or_default();
        pairs.push((decode_text(&part[..equals])?, decode_text(value)?));
    }
    Ok(pairs)
}

fn decode_text(encoded: &[u8]) -> Result<String, PairsError> {
    let mut text = Vec::with_capacity(encoded.len());
    let mut rest = encoded.iter();
    while let Some(&byte) = rest.next() {
        text.push(match byte {
            b'+' => b' ',
            b'%' => hex_digit(rest.next())? << 4 | hex_digit(rest.next())?,
            plain => plain,
        });
    }
    String::from_utf8(text).map_err(|_| PairsError::Text)
}

fn hex_digit(byte: Option<&u8>) -> Result<u8, PairsError> {
    match byte {
        Some(digit @ b'0'..=b'9') => Ok(digit - b'0'),
        Some(digit @ b'a'..=b'f') => Ok(digit - b'a' + 10),
        Some(digit @ b'A'..=b'F') => Ok(digit - b'A' + 10),
        _ => Err(PairsError::Encoding),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use url::form_urlencoded;

    use super::*;

    #[test]
    fn text_is_decoded_as_the_rfc_has_it() {
        let pairs = decode("a=1+2&b=%C3%BC%2B&c&&=d&e=f=g".as_bytes()).unwrap();
        let expected = [("a", "1 2"), ("b", "ü+"), ("c", ""), ("", "d"), ("e", "f=g")];
        assert_eq!(pairs, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn what_is_no_text_is_refused() {
        for bad in ["a=%", "a=%4", "a=%zz", "a=%u0041", "%=a", "a=%+1"] {
            assert_eq!(decode(bad.as_bytes()), Err(PairsError::Encoding), "{bad}");
        }
        for bad in [&b"a=%ff%fe"[..], b"a=\xff", b"%c3=a", b"a=%ed%a0%80"] {
            assert_eq!(decode(bad), Err(PairsError::Text), "{bad:?}");
        }
    }

    #[test]
    fn the_number_of_pairs_is_bounded() {
        let many = |count| vec!["a=b"; count].join("&");
        assert_eq!(decode(many(PAIRS).as_bytes()).unwrap().len(), PAIRS);
        assert_eq!(decode(many(PAIRS + 1).as_bytes()), Err(PairsError::TooMany));
    }

    proptest! {
        #[test]
        fn any_bytes_are_decoded_or_refused(bytes: Vec<u8>) {
            if let Ok(pairs) = decode(&bytes) {
                prop_assert!(pairs.len() <= PAIRS);
            }
        }

        #[test]
        fn what_a_browser_encodes_is_decoded_alike(
            pairs in proptest::collection::vec((".{0,8}", ".{0,8}"), 0..5),
        ) {
            let encoded = form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
            prop_assert_eq!(decode(encoded.as_bytes()).unwrap(), pairs);
        }
    }
}
