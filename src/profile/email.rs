//! What is an email address and what only looks like one (SECURITY 17).

use email_address::{EmailAddress, Options};
use unicode_normalization::{UnicodeNormalization as _, is_nfkc};

/// The longest address that mail can be sent to, in bytes (RFC 5321, 4.5.3.1.3).
const MAX_BYTES: usize = 254;

/// The address, composed (NFC) and otherwise as it is written; none if it is no address. Stricter
/// than RFC 5322: nobody signs in with a quoted local part, and much is hidden in one.
pub fn parse(text: &str) -> Option<String> {
    let text = text.trim();
    if text.is_empty() || text.len() > MAX_BYTES || text.contains(|c: char| c.is_whitespace() || is_hidden(c))
    {
        return None;
    }
    let composed = if text.is_ascii() { text.to_owned() } else { text.nfc().collect() };
    // Letters in disguise: `＠`, `﹫`, full-width letters. What changes under NFKC is not what it shows.
    if !composed.is_ascii() && !is_nfkc(&composed) {
        return None;
    }
    let (local, domain) = composed.split_once('@')?;
    if domain.contains('@') || local.contains(['"', ',', ';', '<', '>']) || domain.ends_with('.') {
        return None;
    }
    let options = Options::default().without_display_text().without_domain_literal().with_required_tld();
    EmailAddress::parse_with_options(&composed, options).ok()?;
    Some(composed)
}

/// Whether both are one address: letters of any case are the same (RFC 5321 leaves the local part
/// to the host, and no host that people use tells them apart).
pub fn is_same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
        || !(one.is_ascii() && other.is_ascii()) && one.to_lowercase() == other.to_lowercase()
}

/// Controls and marks that are not seen or turn the direction.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{AD}' | '\u{61C}' | '\u{34F}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFD}' | '\u{E0000}'..='\u{E0FFF}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_address_is_kept_as_it_is_written() {
        for address in [
            "billy@example.com",
            "Billy.Bob+chat@Example.co.uk",
            "o'brien@example.com",
            "用户@例子.广告",
            "dörte@example.de",
        ] {
            assert_eq!(parse(address).as_deref(), Some(address));
        }
        assert_eq!(parse(" billy@example.com\n").as_deref(), Some("billy@example.com"));
        assert_eq!(parse("do\u{308}rte@example.de").as_deref(), Some("dörte@example.de"));
    }

    #[test]
    fn what_only_looks_like_one_is_refused() {
        let long = format!("{}@example.com", "a".repeat(400));
        for address in [
            "",
            "billy",
            "@example.com",
            "billy@",
            "billy@localhost",
            "[email protected]",
            "a@b@example.com",
            "billy＠example.com",
            "billy﹫example.com",
            "a@evil.example＠example.com",
            "billy@example.com\r\nBcc: x@example.com",
            "bi\u{0}lly@example.com",
            "billy@example.com,x@example.com",
            "\"billy bob\"@example.com",
            "\"a@b\"@example.com",
            "billy@example.com.",
            "billy@[127.0.0.1]",
            "Billy <billy@example.com>",
            "billy\u{200B}@example.com",
            "\u{202E}billy@example.com",
            "ｂilly@example.com",
            "billy@.example.com",
            "billy..bob@example.com",
            &long,
        ] {
            assert_eq!(parse(address), None, "{address:?}");
        }
    }

    #[test]
    fn case_does_not_make_another_address() {
        assert!(is_same("Billy@Example.com", "billy@example.COM"));
        assert!(is_same("DÖRTE@example.de", "dörte@example.de"));
        assert!(!is_same("billy@example.com", "bill@example.com"));
    }

    proptest! {
        #[test]
        fn an_accepted_address_has_one_sign_and_nothing_hidden(text in r#"[a-zé＠@. "\n<,\u{200b}]{0,24}"#) {
            if let Some(address) = parse(&text) {
                prop_assert_eq!(address.matches('@').count(), 1);
                prop_assert!(!address.contains(|c: char| c.is_whitespace() || c.is_control() || c == '＠'));
                prop_assert_eq!(parse(&address), Some(address.clone()));
            }
        }
    }
}
