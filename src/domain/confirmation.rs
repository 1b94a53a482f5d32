//! The confirmation code: what the result page shows and the customer sends in the chat.

use std::fmt;

use unicode_normalization::UnicodeNormalization as _;

/// How many digits a code has.
const DIGITS: usize = 6;

/// A code that somebody typed: six digits. It is compared with what we keep, never the other way.
#[derive(Clone, PartialEq, Eq)]
pub struct TypedCode(String);

impl TypedCode {
    /// Reads a field that holds a code and nothing else, with or without its prefix, in any case,
    /// with or without hyphens and spaces, in the digits of any script that chats are written in.
    pub fn parse(text: &str) -> Option<Self> {
        let folded = fold(text);
        let bare = folded.strip_prefix("CS").map_or(folded.as_str(), |rest| rest.trim_start_matches(is_gap));
        digits_at(bare).filter(|(_, rest)| rest.is_empty()).map(|(code, _)| code)
    }

    /// Finds a code in a customer's message: prefixed anywhere in the text, or six digits alone.
    pub fn find(message: &str) -> Option<Self> {
        // A chat message is short; a pasted book is not searched to its end.
        let head: String = message.chars().take(4096).collect();
        if let Some(code) = Self::parse(&head) {
            return Some(code);
        }
        let folded = fold(&head);
        let mut from = 0;
        while let Some(found) = folded[from..].find("CS") {
            let start = from + found;
            from = start + "CS".len();
            let inside_a_word = folded[..start].chars().next_back().is_some_and(char::is_alphanumeric);
            let rest = folded[from..].trim_start_matches(is_gap);
            if let (false, Some((code, _))) = (inside_a_word, digits_at(rest)) {
                return Some(code);
            }
        }
        None
    }

    /// The six digits.
    pub fn digits(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for TypedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// The form in which a code is shown: `CS-123456`.
pub fn shown(digits: &str) -> String {
    format!("CS-{digits}")
}

/// NFKC, upper case, one kind of digit, no invisible characters, no white space at the ends.
fn fold(text: &str) -> String {
    let visible = text.nfkc().filter(|c| !matches!(c, '\u{200b}'..='\u{200f}' | '\u{2066}'..='\u{2069}' | '\u{202a}'..='\u{202e}' | '\u{feff}'));
    let folded: String = visible.map(western_digit).flat_map(char::to_uppercase).collect();
    let ends =
        |c: char| c.is_whitespace() || matches!(c, '.' | '!' | '"' | '\'' | '`' | '“' | '”' | '„' | '。');
    folded.trim_matches(ends).to_owned()
}

/// The decimal digit of another script as `0` to `9`; keyboards of those scripts type them.
fn western_digit(c: char) -> char {
    const ZEROS: [char; 6] = ['\u{0660}', '\u{06f0}', '\u{0966}', '\u{09e6}', '\u{0e50}', '\u{07c0}'];
    let place = |zero: char| u32::from(c).checked_sub(u32::from(zero)).filter(|place| *place < 10);
    ZEROS.into_iter().find_map(place).and_then(|place| char::from_digit(place, 10)).unwrap_or(c)
}

fn is_gap(c: char) -> bool {
    c.is_whitespace() || matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '_' | ':')
}

/// Six digits at the start, at most one gap between two of them, and no seventh behind.
fn digits_at(text: &str) -> Option<(TypedCode, &str)> {
    let mut digits = String::with_capacity(DIGITS);
    let mut gap = false;
    for (at, c) in text.char_indices() {
        if digits.len() == DIGITS {
            let rest = &text[at..];
            return (!c.is_ascii_alphanumeric()).then_some((TypedCode(digits), rest));
        }
        if c.is_ascii_digit() {
            digits.push(c);
            gap = false;
        } else if is_gap(c) && !gap && !digits.is_empty() {
            gap = true;
        } else {
            return None;
        }
    }
    (digits.len() == DIGITS).then_some((TypedCode(digits), ""))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(message: &str) -> Option<String> {
        TypedCode::find(message).map(|code| code.digits().to_owned())
    }

    #[test]
    fn a_code_is_found_however_it_is_typed() {
        for message in [
            "CS-123456",
            "cs-123456",
            "CS 123456",
            "cs123456",
            "CS–123456",
            "ＣＳ－１２３４５６",
            "123456",
            " 123456\n",
            "123 456",
            "CS-123-456",
            "my code is cs-123456, thanks",
            "Code: CS-123456.",
            "\u{200e}CS-123456\u{200f}",
            "١٢٣٤٥٦",
            "(CS-123456)",
            "123456.",
            "“CS-123456”",
        ] {
            assert_eq!(found(message).as_deref(), Some("123456"), "{message:?}");
        }
    }

    #[test]
    fn ordinary_messages_hold_no_code() {
        for message in [
            "",
            "hello",
            "call me at 123456",
            "1234567",
            "12345",
            "CS-12345",
            "CS-1234567",
            "docs-123456",
            "my order is 123456 and 654321",
            "CS-",
            "CSCSCS",
            "1234 56x",
        ] {
            assert_eq!(found(message), None, "{message:?}");
        }
    }

    #[test]
    fn a_field_holds_the_code_alone() {
        assert!(TypedCode::parse("CS-123456").is_some());
        assert!(TypedCode::parse("123456").is_some());
        assert!(TypedCode::parse("my code is CS-123456").is_none());
    }

    proptest! {
        #[test]
        fn any_message_is_searched_without_panic(message in ".{0,200}") {
            let _ = TypedCode::find(&message);
        }

        #[test]
        fn every_shown_code_is_found(digits in "[0-9]{6}", before in "[a-z ]{0,20}") {
            let message = format!("{before} {}", shown(&digits));
            prop_assert_eq!(found(&message), Some(digits));
        }
    }
}
