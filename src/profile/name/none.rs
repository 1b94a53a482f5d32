//! What is no name: addresses, numbers, ids, placeholders, templates and companies.

use super::words::{LEGAL, LEGAL_ELSEWHERE, LEGAL_EXACTLY, LEGAL_FIRST, NO_NAMES, PLACEHOLDERS, Table};

/// How addresses of machines begin.
const SCHEMES: &[&str] = &["www.", "mailto:", "tel:", "urn:", "//"];
/// How names of machines end, of those that are not the end of a person's handle.
const DOMAINS: &[&str] = &[".com", ".org", ".net", ".info", ".example"];

/// Whether a cleaned text may be somebody's name: it has letters, and is no address, number, id,
/// template or placeholder.
pub fn is_name(clean: &str) -> bool {
    if clean.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b' ') {
        return clean.bytes().any(|byte| byte != b' ') && !is_placeholder(clean);
    }
    if !clean.contains(char::is_alphabetic) || is_address(clean) || is_template(clean) {
        return false;
    }
    let digits = clean.chars().filter(char::is_ascii_digit).count();
    let letters = clean.chars().filter(|c| c.is_alphabetic()).count();
    !(digits > 6 && digits > letters || !clean.contains(' ') && is_id(clean, digits) || is_placeholder(clean))
}

/// Whether a name is that of a company: it ends or begins with a legal form.
pub(super) fn is_company(name: &str) -> bool {
    if !name.is_ascii() && LEGAL_ELSEWHERE.words().any(|form| name.contains(form)) {
        return true;
    }
    if let Some((before, behind)) = name.rsplit_once(',') {
        let behind = behind.trim();
        return !behind.is_empty() && !before.is_empty() && behind.split(' ').all(is_legal_form);
    }
    let mut words = name.split(' ');
    let (first, last) = (words.next(), words.next_back());
    last.is_some_and(is_legal_form)
        || last.is_some() && first.is_some_and(|word| LEGAL_FIRST.has_exactly(word))
}

/// Whether a word makes a company of what stands before it.
pub(super) fn is_legal_form(word: &str) -> bool {
    let word = word.trim_end_matches(')');
    let is_dotted = || word.contains('.') && LEGAL_EXACTLY.has_exactly(&word.replace('.', ""));
    LEGAL.has(word) || LEGAL_EXACTLY.has_exactly(word) || is_dotted()
}

fn is_address(text: &str) -> bool {
    // `Billy Bob @ Acme` is a person somewhere, and `Billy Bob (@billyb)` one with a handle.
    let is_aside = |word: &str| word == "@" || word.starts_with(['(', '[']) && text.contains(' ');
    let has_at = text.split(' ').any(|word| word.contains('@') && !is_aside(word));
    let is_host = || !text.contains(' ') && DOMAINS.iter().any(|domain| text.ends_with(domain));
    has_at || text.contains("://") || SCHEMES.iter().any(|scheme| text.starts_with(scheme)) || is_host()
}

fn is_template(text: &str) -> bool {
    let is_lone_variable = text.starts_with('$') && !text.contains(' ') && !text[1..].contains('$');
    is_lone_variable
        || text.starts_with(['{', '%'])
        || text.starts_with("${")
        || (text.starts_with("[[") && text.ends_with("]]"))
}

/// Whether one word is what machines call people by: long with digits all over it, capitals with
/// digits between them, or two parts with a bar.
fn is_id(word: &str, digits: usize) -> bool {
    if digits < 3 {
        return false;
    }
    let is_digit: Vec<bool> = word.chars().map(|c| c.is_ascii_digit()).collect();
    let runs = is_digit.windows(2).filter(|pair| !pair[0] && pair[1]).count() + usize::from(is_digit[0]);
    let is_capital = !word.contains(char::is_lowercase) && !word.contains(['_', '-']);
    match is_digit.len() {
        18.. if runs >= 2 => true,
        12.. if runs >= 4 => true,
        _ => (is_capital && runs >= 2) || word.contains('|'),
    }
}

fn is_placeholder(text: &str) -> bool {
    if text.split(' ').all(|word| is_no_word(&PLACEHOLDERS, word)) {
        return true;
    }
    if text.len() > 40 {
        return false;
    }
    let bare = text.trim_matches(|c: char| !c.is_alphanumeric());
    NO_NAMES.has_in_any_case(bare) || PLACEHOLDERS.has_in_any_case(bare)
}

fn is_no_word(placeholders: &Table, word: &str) -> bool {
    placeholders.has(word) || !word.contains(char::is_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_ids_and_templates_are_no_names() {
        for text in [
            "www.example.com",
            "a@b.example",
            "@billy",
            "urn:x:y",
            "U0G9QF9C6",
            "auth0|5f7c8ec7",
            "{{name}}",
            "%NAME%",
            "$name",
        ] {
            assert!(!is_name(text), "{text}");
        }
        for text in ["will.i.am", "r2d2", "Ke$ha", "A$AP Rocky", "X Æ A-12", "50 Cent", "octocat-42"] {
            assert!(is_name(text), "{text}");
        }
    }

    #[test]
    fn a_company_is_known_by_its_legal_form() {
        for company in ["Acme Inc.", "Acme, Inc.", "Example GmbH", "Ejemplo S.A.", "株式会社サンプル"]
        {
            assert!(is_company(company), "{company}");
        }
        for person in ["Ada Byron", "Corp", "Ada Byron, Acme Inc.", "Ag Bell", "Byron, Ada"] {
            assert!(!is_company(person), "{person}");
        }
    }
}
