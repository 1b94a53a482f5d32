//! What stands in a name beside the name: brackets, nicknames, companies, and what follows the first
//! sign that no name has.

use std::borrow::Cow;

use unicode_normalization::char::is_combining_mark;

use super::words::PARTICLES;

/// Signs that no name has: it ends before them.
const HOSTILE: &[char] = &['<', '>', ';', '{', '}', '=', '\\', '^', '~', '|', '/', '%'];
/// What stands between a name and a company or remark.
const BREAKS: &[&str] = &[" - ", " – ", " — ", " @ ", " via "];
/// What opens and closes an aside.
const ASIDES: &[(&str, &str)] = &[
    ("(", ")"),
    ("[", "]"),
    ("（", "）"),
    ("【", "】"),
    ("「", "」"),
    ("\"", "\""),
    ("“", "”"),
    ("«", "»"),
    ("„", "“"),
    (" '", "' "),
    (" ‘", "’ "),
];

/// A cleaned name without its asides. A name that is all aside is taken out of its brackets.
pub(super) fn without(name: &str) -> Cow<'_, str> {
    if name.chars().all(|c| c.is_alphabetic() || c == ' ') && !name.contains(" via ") {
        return Cow::Borrowed(name);
    }
    let name = unwrapped(name);
    let mut bare = format!(" {name} ");
    for (open, close) in ASIDES {
        while let Some(from) = opening(&bare, open, close) {
            let behind = from + open.len();
            let Some(length) = bare[behind..].find(close) else { break };
            bare.replace_range(from..behind + length + close.len(), " ");
        }
    }
    bare.truncate(hostile_from(&bare));
    let end = BREAKS.iter().filter_map(|mark| bare.find(mark)).fold(bare.len(), usize::min);
    bare.truncate(end);
    let is_edge = |c: char| {
        !c.is_alphanumeric() && !matches!(c, '.' | '\'' | '\u{2019}' | '$') && !is_combining_mark(c)
    };
    let bare = bare.trim_start_matches(is_edge).trim_end_matches(|c| is_edge(c) || matches!(c, '\'' | '$'));
    Cow::Owned(bare.to_owned())
}

/// What stands in the brackets around all of it.
fn unwrapped(name: &str) -> &str {
    let inner = [('(', ')'), ('[', ']'), ('（', '）')].into_iter().find_map(|(open, close)| {
        name.strip_prefix(open)?.strip_suffix(close).filter(|inner| !inner.contains([open, close]))
    });
    inner.unwrap_or(name)
}

/// Where an aside begins. `d"r` in the middle of a Hebrew word and `'t` of a Dutch one open none.
fn opening(text: &str, open: &str, close: &str) -> Option<usize> {
    let from = text.find(open)?;
    let is_inside_a_word = open == close
        && text[..from].ends_with(char::is_alphabetic)
        && text[from + open.len()..].starts_with(char::is_alphabetic);
    let has_end = text[from + open.len()..].contains(close);
    (has_end && !is_inside_a_word).then_some(from)
}

/// Where the first sign stands that no name has. `a/l` is a particle, and `=` joins kana.
fn hostile_from(text: &str) -> usize {
    let is_kana = |c: char| matches!(c, '\u{30A0}'..='\u{30FF}');
    let is_spelling = |at: usize, sign: &str| match sign {
        "=" => text[..at].ends_with(is_kana) && text[at + 1..].starts_with(is_kana),
        "/" => {
            let from = text[..at].rfind(' ').map_or(0, |space| space + 1);
            let word = text[from..].split(' ').next().unwrap_or_default();
            PARTICLES.has_exactly(word)
        }
        _ => false,
    };
    let mut signs = text.match_indices(HOSTILE).filter(|(at, sign)| !is_spelling(*at, sign));
    signs.next().map_or(text.len(), |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asides_go_and_the_name_stays() {
        for name in [
            "Ada Byron (Acme)",
            "(Ada Byron)",
            "Ada Byron - Acme",
            "Ada Byron | Acme",
            "Ada 'Addie' Byron",
            "Ada “Addie” Byron [EXT]",
            "Ada Byron @ Acme",
            "Ada Byron/Acme",
        ] {
            let bare = without(name);
            let bare: Vec<&str> = bare.split_whitespace().collect();
            assert_eq!(bare, ["Ada", "Byron"], "{name}");
        }
    }

    #[test]
    fn what_only_looks_like_an_aside_stays() {
        for name in [
            "Jan in 't Veld",
            "ד\"ר דנה לוי",
            "Kumar a/l Raju",
            "ジャン=リュック・ゴダール",
            "P!nk",
            "O'Brien",
        ] {
            assert_eq!(without(name), name);
        }
    }
}
