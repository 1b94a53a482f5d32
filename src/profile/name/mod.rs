//! Full names: cleaned, split into first and last name, and joined from them. No split is right
//! for all; this one keeps the full name as it was and says nothing where it sees no name.
//!
//! Rules, in this order: what is no name, or a company's, gives nothing (`none`); brackets, nicknames
//! and company parts go (`asides`); a comma turns the order; titles and suffixes go; writing decides
//! the order in the East (`east`); capitals or a patronymic show a family name in front; particles
//! and two family names stay together (`family`); of the rest the first and the last word count.
//!
//! To add a word: 1. a row in `words` (or `east`, `iberian`), 2. a case under `fixtures/profile/names/`.

mod asides;
mod clean;
mod east;
mod family;
mod iberian;
mod none;
mod words;

use east::Joint;
use family::family_from;
use words::{AND, POLITE, SUFFIXES, SUFFIXES_BEHIND_A_COMMA, TITLES, TITLES_ELSEWHERE, TITLES_WITH_DOT};

pub use clean::clean;
pub use none::is_name;

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
    match plain_pair(&clean) {
        Some((first, last)) => NameParts::of(first, last),
        None if is_name(&clean) => split_clean(&clean),
        None => NameParts::default(),
    }
}

/// Most names: two words of plain letters with a capital before each, for which the long way would
/// find nothing to do.
fn plain_pair(clean: &str) -> Option<(&str, &str)> {
    let (first, last) = clean.split_once(' ')?;
    let is_plain = |word: &str| match word.as_bytes() {
        [capital, rest @ ..] => capital.is_ascii_uppercase() && rest.iter().all(u8::is_ascii_lowercase),
        [] => false,
    };
    let is_pair = is_plain(first)
        && is_plain(last)
        && !TITLES.has_in_any_case(first)
        && !none::is_legal_form(last)
        && is_name(clean);
    is_pair.then_some((first, last))
}

fn split_clean(clean: &str) -> NameParts {
    let bare = asides::without(clean);
    if !is_name(&bare) || none::is_company(&bare) {
        return NameParts::default();
    }
    let (family, rest) = turned(&bare);
    let given = Significant::of(rest, family.is_some());
    let Some(family) = family else { return given.split() };
    let family = Significant::of(family, true);
    match (given.words.first(), family.words.as_slice()) {
        (None, _) => family.split(),
        (Some(first), []) => NameParts::of(first, ""),
        (Some(first), family) => NameParts::of(first, &family.join(" ")),
    }
}

/// The full name of two parts, in the order of their writing: in the East the family name comes
/// first and no space stands behind it, unless the name is foreign.
pub fn join(first: &str, last: &str) -> String {
    match east::joint(first, last) {
        Some(Joint::FamilyFirst) => format!("{last}{first}"),
        Some(Joint::Dot) => format!("{first}·{last}"),
        None => format!("{} {}", first.trim(), last.trim()).trim().to_owned(),
    }
}

/// The family name that stands before a comma, if it does, and the rest. What stands behind the
/// last comma may be a degree or a company.
fn turned(name: &str) -> (Option<&str>, &str) {
    let is_comma = |c: char| matches!(c, ',' | '，' | '、' | '،');
    if !name.contains(is_comma) {
        return (None, name);
    }
    let mut parts = name.split(is_comma).map(str::trim).filter(|part| !part.is_empty());
    let Some(before) = parts.next() else { return (None, name) };
    let is_whole = before.contains(' ') && !family::begins_with_particle(before);
    let is_aside = |part: &&str| {
        part.split(' ').all(|word| SUFFIXES.has(word) || (is_whole && is_dotted_degree(word)))
            || none::is_company(part)
    };
    match parts.find(|part| !is_aside(part)) {
        Some(behind) => (Some(before), behind),
        None => (None, before),
    }
}

/// `S.H.`, `M.Kn.`, `B.Sc`: short pieces that begin with capitals, and dots between them.
fn is_dotted_degree(word: &str) -> bool {
    let mut pieces = word.trim_end_matches('.').split('.');
    word.trim_end_matches('.').contains('.')
        && pieces.all(|piece| piece.len() <= 5 && piece.starts_with(|c: char| c.is_ascii_uppercase()))
}

/// The words of a name without titles before and suffixes behind them.
struct Significant<'n> {
    words: Vec<&'n str>,
    /// The last of the titles.
    title: Option<&'n str>,
    /// Whether middle dots part the words: a foreign name, which keeps its order.
    has_dots: bool,
}

impl<'n> Significant<'n> {
    /// A part beside a comma may be left with one word.
    fn of(name: &'n str, is_part: bool) -> Self {
        let has_dots = east::has_middle_dots(name);
        let parts = |c: char| c == ' ' || (has_dots && east::MIDDLE_DOTS.contains(&c));
        let mut words: Vec<&str> =
            name.split(parts).filter(|word| word.contains(char::is_alphanumeric)).collect();
        let mut title = None;
        while words.len() > 1 && is_title(words[0]) {
            title = Some(words.remove(0));
            if words.len() > 2 && AND.has(words[0]) && is_title(words[1]) {
                words.remove(0);
            }
        }
        let fewest = if is_part { 1 } else { 2 };
        while words.len() > fewest && is_suffix(words[words.len() - 1]) {
            words.pop();
        }
        east::without_titles(&mut words);
        Self { words, title, has_dots }
    }

    fn split(&self) -> NameParts {
        let mut into = Vec::new();
        let words = east::of_one_script(&self.words, &mut into);
        match words {
            [] => NameParts::default(),
            [first, .., last] if self.has_dots => NameParts::of(first, last),
            [word] => {
                let (first, last) = east::split_word(word);
                // Who is addressed as `Frau Müller` is called by the family name.
                if last.is_empty() && self.title.is_some_and(|title| POLITE.has(title)) {
                    return NameParts::of("", first);
                }
                NameParts::of(first, last)
            }
            ["undefined" | "null", rest @ ..] => NameParts::of("", &rest.join(" ")),
            [first, .., "undefined" | "null"] => NameParts::of(first, ""),
            [one, other] => split_two(one, other),
            words => split_long(words),
        }
    }
}

fn split_two(one: &str, other: &str) -> NameParts {
    if family::is_servant_alone(one) {
        return NameParts::of(&format!("{one} {other}"), "");
    }
    if let Some((first, last)) = family::shown(&[one, other]) {
        return NameParts::of(first, &last);
    }
    let (first, last) = east::split_pair(one, other).unwrap_or((one, other));
    NameParts::of(first, last)
}

/// The parts of three words or more.
fn split_long(words: &[&str]) -> NameParts {
    if let Some((first, last)) = east::spelt_out(words) {
        return NameParts::of(&first, last);
    }
    if let Some((first, last)) = family::shown(words) {
        return NameParts::of(first, &last);
    }
    let given = family::given_words(words);
    let family = words[family_from(words).max(given)..].join(" ");
    NameParts::of(&words[..given].join(" "), &family)
}

fn is_title(word: &str) -> bool {
    TITLES.has(word)
        || (word.ends_with('.') && TITLES_WITH_DOT.has(word))
        || (!word.is_ascii() || word.contains(['"', '\'']))
            && (TITLES_ELSEWHERE.has_exactly(word) || TITLES_ELSEWHERE.has_exactly(&word.to_lowercase()))
}

fn is_suffix(word: &str) -> bool {
    let is_number = || word.bytes().all(|byte| byte.is_ascii_digit());
    (SUFFIXES.has(word) && !SUFFIXES_BEHIND_A_COMMA.has(word)) || word == "V" || is_number()
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
        assert_eq!(join("エミリー", "田中"), "田中エミリー");
        assert_eq!(join("みなみ", "高橋"), "高橋みなみ");
        assert_eq!(join("威廉", "莎士比亚"), "威廉·莎士比亚");
        assert_eq!(join("潤", "長谷川"), "長谷川潤");
        assert_eq!(join("スミス", "ジョン"), "スミス ジョン");
        assert_eq!(join("David", "陈"), "David 陈");
        assert_eq!(join("", "Bob"), "Bob");
        assert_eq!(join("Billy", ""), "Billy");
        assert_eq!(join("", ""), "");
    }

    #[test]
    fn a_mebibyte_of_anything_is_split_within_bounds() {
        for piece in [
            "a", "a ", "(", "('", " '", "\u{301}", "e\u{301}", "王", "김", "· ", "@", ", ", "\u{200d}",
            "von ", "Dr. ", "\"", "= ",
        ] {
            let NameParts { first, last } = split(&piece.repeat(1024 * 1024 / piece.len()));
            assert!(first.chars().count() + last.chars().count() <= 8 * clean::MAX_CHARS, "{piece:?}");
        }
    }

    /// A name without marks, titles and the like: no word of a table ends in `q`.
    fn plain_word() -> impl Strategy<Value = String> {
        "[A-ZÀ-Ö][a-zß-ö]{2,9}q"
    }

    proptest! {
        #[test]
        fn a_split_invents_no_letters_and_is_composed(full in "\\PC{0,40}") {
            let clean = clean(&full).into_owned();
            let NameParts { first, last } = split(&full);
            for word in first.split(' ').chain(last.split(' ')) {
                prop_assert!(clean.contains(word), "{word:?} of {clean:?}");
            }
            for part in [first, last] {
                prop_assert!(unicode_normalization::is_nfc(&part) && part.trim() == part, "{part:?}");
            }
        }

        #[test]
        fn any_words_in_any_order_are_split_without_a_word_twice(
            words in prop::collection::vec(prop::sample::select(vec![
                "Dr.", "von", "Maria", "del", "García", "y", "DUPONT", "bin", "Abdul", "Jr.", ",", "(x)", "'B'", "王",
                "·", "김", "null", "и", "Петрович", "O'", "A.", "-", "@", "=", "/", "12", "عبد", "\"", "de", "la",
            ]), 0..9),
        ) {
            let full = words.join(" ");
            let NameParts { first, last } = split(&full);
            let letters = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).count();
            prop_assert!(letters(&first) + letters(&last) <= letters(&full), "{full}: {first} {last}");
        }

        #[test]
        fn two_plain_words_lose_nothing_and_are_joined_again(first in plain_word(), last in plain_word()) {
            let full = join(&first, &last);
            prop_assert_eq!(split(&full), NameParts::of(&first, &last));
            prop_assert_eq!(split(&format!("{last}, {first}")), NameParts::of(&first, &last));
        }

        #[test]
        fn the_short_way_is_the_long_way(
            first in prop_oneof![plain_word(), "[A-Z][a-z]{0,9}", prop::sample::select(vec!["Dr", "Van", "Abdul", "No", "Le"]).prop_map(str::to_owned)],
            last in prop_oneof![plain_word(), "[A-Z][a-z]{0,9}", prop::sample::select(vec!["Inc", "Jr", "Name", "V", "Dr"]).prop_map(str::to_owned)],
        ) {
            let full = format!("{first} {last}");
            let long = if is_name(&full) { split_clean(&full) } else { NameParts::default() };
            prop_assert_eq!(split(&full), long);
        }

        #[test]
        fn a_word_of_the_east_loses_nothing(word in "[一-龥]{2,6}|[가-힣]{2,5}") {
            let NameParts { first, last } = split(&word);
            if is_name(&word) && !none::is_company(&word) && !first.is_empty() && !words::HONORIFICS.iter().any(|title| word.ends_with(title)) {
                prop_assert_eq!(format!("{last}{first}"), word);
            }
        }

        #[test]
        fn cleaning_twice_changes_nothing(text in any::<String>()) {
            let once = clean(&text).into_owned();
            prop_assert!(unicode_normalization::is_nfc(&once), "{once:?}");
            prop_assert_eq!(clean(&once).into_owned(), once);
        }
    }
}
