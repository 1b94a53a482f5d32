//! Hexadecimal digits as bytes, in either case.

/// Reads an even number of digits; nothing else is one.
pub(super) fn parse(text: &str) -> Option<Vec<u8>> {
    let digit = |c: u8| char::from(c).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| Some(digit(pair[0])? << 4 | digit(*pair.get(1)?)?)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn digits_are_read_in_pairs_and_nothing_else_is_a_digit() {
        assert_eq!(parse("00fFA0"), Some(vec![0, 255, 160]));
        assert_eq!(parse(""), Some(vec![]));
        for bad in ["0", "000", "+1", "0x00", "g0", " 00", "é", "1é", "０１"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(number in any::<u64>()) {
            prop_assert_eq!(parse(&format!("{number:016x}")), Some(number.to_be_bytes().to_vec()));
            prop_assert_eq!(parse(&format!("{number:016X}")), Some(number.to_be_bytes().to_vec()));
        }
    }
}
