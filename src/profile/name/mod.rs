//! Full names: cleaned, split into first and last name, and joined from them. No split is right
//! for all; this one keeps the full name as it was and says nothing where it sees no name.
//!
//! Rules, in this order: what is no name gives nothing; brackets, nicknames and company parts go;
//! a comma turns the order; titles and suffixes go; writing decides the order in the East;
//! particles and two family names stay together; of the rest the first and the last word count.
//!
//! To add a word: 1. a row in `words.rs` (or `east.rs`), 2. a case in `fixtures/profile/names.json`.

mod clean;
mod east;
mod words;

use std::borrow::Cow;

use clean::folded;

pub use clean::clean;

/// What stands between the words of a foreign name in Eastern writing.
const MIDDLE_DOTS: &[char] = &['\u{B7}', '\u{2027}', '\u{30FB}', '\u{FF65}'];

/// The parts of a full name. Either may be empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NameParts {
    /// The given name; a name of one word stands here.
    pub first: String,
    /// The family name, with its particles.
    pub last: String,
}

impl NameParts {
    fn of(first: &str, last: &str) -> Self {
        Self { first: first.to_owned(), last: last.to_owned() }
    }
}

/// Splits a full name. Both parts are empty if it is none.
pub fn split(full: &str) -> NameParts {
    let clean = clean(full);
    if !is_name(&clean) {
        return NameParts::default();
    }
    let bare = without_asides(&clean);
    let (family, rest) = turned(&bare);
    let Some(family) = family else {
        let words = significant(rest);
        return match words.as_slice() {
            // Foreign names keep their order, also in Eastern writing.
            [first, .., last] if has_middle_dots(rest) => NameParts::of(first, last),
            words => split_words(words),
        };
    };
    let given = significant(rest);
    let family = significant(family);
    match (given.first(), family.as_slice()) {
        (None, _) => split_words(&family),
        (Some(first), []) => NameParts::of(first, ""),
        (Some(first), family) => NameParts::of(first, &family.join(" ")),
    }
}

/// The full name of two parts, in the order of their writing.
pub fn join(first: &str, last: &str) -> String {
    if east::is_joined_tightly(last, first) {
        return format!("{last}{first}");
    }
    format!("{first} {last}").trim().to_owned()
}

/// Whether a cleaned text may be somebody's name: it has letters, and is no address, number or
/// placeholder.
pub fn is_name(clean: &str) -> bool {
    if !clean.chars().any(char::is_alphabetic) || clean.contains('@') || clean.contains("://") {
        return false;
    }
    let digits = clean.chars().filter(char::is_ascii_digit).count();
    let letters = clean.chars().filter(|c| c.is_alphabetic()).count();
    if digits > 6 && digits > letters {
        return false;
    }
    let is_placeholder = |word: &str| words::PLACEHOLDERS.iter().any(|none| none.eq_ignore_ascii_case(word));
    !clean.split(' ').all(is_placeholder)
}

/// Without what stands in brackets or quotes, behind ` - ` or `|`, and from the first sign that
/// no name has.
fn without_asides(name: &str) -> Cow<'_, str> {
    const HOSTILE: &[char] = &['<', '>', ';', '{', '}', '=', '\\', '^', '~', '|', '/'];
    const ASIDES: &[(char, char)] =
        &[('(', ')'), ('[', ']'), ('（', '）'), ('【', '】'), ('"', '"'), ('“', '”'), ('«', '»'), ('„', '“')];
    if name.chars().all(|c| c.is_alphabetic() || c == ' ') {
        return Cow::Borrowed(name);
    }
    let mut bare = name.to_owned();
    for (open, close) in ASIDES {
        while let Some(from) = bare.find(*open) {
            let behind = from + open.len_utf8();
            let Some(length) = bare[behind..].find(*close) else { break };
            bare.replace_range(from..behind + length + close.len_utf8(), " ");
        }
    }
    let end = bare.find(HOSTILE).unwrap_or(bare.len());
    let end = [" - ", " – ", " — "].iter().filter_map(|dash| bare.find(dash)).fold(end, usize::min);
    bare.truncate(end);
    let is_edge = |c: char| {
        !c.is_alphanumeric()
            && c != '.'
            && c != '\u{2019}'
            && c != ' '
            && !unicode_normalization::char::is_combining_mark(c)
    };
    let bare = bare
        .trim_end_matches(|c| is_edge(c) || c == ' ')
        .trim_start_matches(|c: char| c != '\'' && (is_edge(c) || c == ' '));
    Cow::Owned(bare.to_owned())
}

/// The family name that stands before a comma, if it does, and the rest. What stands behind the
/// last comma may be a degree.
fn turned(name: &str) -> (Option<&str>, &str) {
    let is_comma = |c: char| matches!(c, ',' | '，' | '、' | '،');
    let mut parts = name.split(is_comma).map(str::trim).filter(|part| !part.is_empty());
    let Some(before) = parts.next() else { return (None, name) };
    let is_degree = |part: &&str| part.split(' ').all(|word| is_one_of(word, words::SUFFIXES));
    match parts.find(|part| !is_degree(part)) {
        Some(behind) => (Some(before), behind),
        None => (None, before),
    }
}

/// Whether words are parted by middle dots; between Latin letters (`Marcel·lí`) they are spelling.
fn has_middle_dots(name: &str) -> bool {
    !name.is_ascii() && name.contains(MIDDLE_DOTS) && !name.contains(|c: char| c.is_ascii_alphabetic())
}

/// The words without titles before and suffixes behind them.
fn significant(name: &str) -> Vec<&str> {
    let has_dots = has_middle_dots(name);
    let parts = |c: char| c == ' ' || (has_dots && MIDDLE_DOTS.contains(&c));
    let mut words: Vec<&str> = name.split(parts).filter(|word| !word.is_empty()).collect();
    while words.len() > 1 && is_title(words[0]) {
        words.remove(0);
    }
    while words.len() > 2 && is_suffix(words[words.len() - 1]) {
        words.pop();
    }
    words
}

fn split_words(words: &[&str]) -> NameParts {
    match words {
        [] => NameParts::default(),
        [word] => {
            let (first, last) = east::split_word(word);
            NameParts::of(first, last)
        }
        [one, other] => {
            let (first, last) = east::split_pair(one, other).unwrap_or((one, other));
            NameParts::of(first, last)
        }
        [first, ..] => NameParts::of(first, &words[family_from(words)..].join(" ")),
    }
}

/// Where the family name begins, in three words or more.
fn family_from(words: &[&str]) -> usize {
    let last = words.len() - 1;
    if let Some(link) = (2..last).find(|at| words::LINKS.contains(&words[*at])) {
        return link - 1;
    }
    if let Some(particle) = (1..last).find(|at| is_particle(words[*at])) {
        return particle;
    }
    let are_two = is_one_of(words[last], words::IBERIAN) && is_one_of(words[last - 1], words::IBERIAN);
    if are_two && last >= 2 { last - 1 } else { last }
}

fn is_particle(word: &str) -> bool {
    // With its accents: `Văn` is a Vietnamese name and `van` is a particle.
    let lower = word.trim_end_matches('.').to_lowercase();
    words::PARTICLES.contains(&lower.as_str())
        || (lower == word && words::PARTICLES_IN_LOWER_CASE.contains(&lower.as_str()))
}

fn is_title(word: &str) -> bool {
    is_one_of(word, words::TITLES) || (word.ends_with('.') && is_one_of(word, words::TITLES_WITH_DOT))
}

fn is_suffix(word: &str) -> bool {
    is_one_of(word, words::SUFFIXES) && !is_one_of(word, words::SUFFIXES_BEHIND_A_COMMA)
}

/// Whether a word stands in a table; dots, case and accents do not count.
fn is_one_of(word: &str, table: &[&str]) -> bool {
    if word.len() > 24 {
        return false;
    }
    if word.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return table.iter().any(|own| own.eq_ignore_ascii_case(word));
    }
    let word = folded(&word.replace('.', ""));
    table.contains(&word.as_str())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parts(full: &str) -> (String, String) {
        let NameParts { first, last } = split(full);
        (first, last)
    }

    #[test]
    fn a_full_name_has_a_first_and_a_last_part() {
        assert_eq!(parts("Billy Bob"), ("Billy".into(), "Bob".into()));
        assert_eq!(parts("Cher"), ("Cher".into(), String::new()));
    }

    #[test]
    fn what_is_no_name_gives_nothing() {
        for none in [
            "",
            " ",
            "undefined undefined",
            "null",
            "+49 30 901820",
            "billy@example.com",
            "🎉",
            "N/A",
            "[object Object]",
            "https://x.example/a",
        ] {
            assert_eq!(parts(none), (String::new(), String::new()), "{none}");
        }
    }

    #[test]
    fn parts_are_joined_in_the_order_of_their_writing() {
        assert_eq!(join("Billy", "Bob"), "Billy Bob");
        assert_eq!(join("伟", "王"), "王伟");
        assert_eq!(join("재인", "문"), "문재인");
        assert_eq!(join("", "Bob"), "Bob");
    }

    proptest! {
        #[test]
        fn a_split_invents_no_letters(full in "\\PC{0,40}") {
            let clean = clean(&full).into_owned();
            let NameParts { first, last } = split(&full);
            for word in first.split(' ').chain(last.split(' ')) {
                prop_assert!(clean.contains(word), "{word:?} of {clean:?}");
            }
        }

        #[test]
        fn cleaning_twice_changes_nothing(text in any::<String>()) {
            let once = clean(&text).into_owned();
            prop_assert_eq!(clean(&once).into_owned(), once);
        }
    }
}
