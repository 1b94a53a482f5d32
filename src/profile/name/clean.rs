//! What is taken out of a name before anybody reads it: marks that are not seen, that change the
//! direction of what follows, or that are pictures.

use std::borrow::Cow;

use unicode_normalization::char::is_combining_mark;
use unicode_normalization::{UnicodeNormalization as _, is_nfc};

/// The longest name that is kept, in characters.
pub const MAX_CHARS: usize = 1024;
/// How many marks one letter may carry. No script needs more.
const MAX_MARKS: usize = 6;

/// A name as one line: composed (NFC), white space folded to single spaces, without controls,
/// marks of direction, unseen marks, emoji and towers of accents.
pub fn clean(text: &str) -> Cow<'_, str> {
    if is_clean(text) { Cow::Borrowed(text) } else { Cow::Owned(cleaned(text)) }
}

/// Whether there is nothing to do: plain letters with single spaces between them.
fn is_clean(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() <= MAX_CHARS
        && bytes.iter().all(|byte| (b' '..0x7F).contains(byte))
        && bytes.first() != Some(&b' ')
        && bytes.last() != Some(&b' ')
        && !bytes.windows(2).any(|pair| pair == b"  ")
}

fn cleaned(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let (mut marks, mut length) = (0, 0);
    let visible: Vec<char> = text.chars().take(8 * MAX_CHARS).flat_map(plain).nfc().collect();
    for (place, &c) in visible.iter().enumerate() {
        let c = match kind(c) {
            Kind::Joiner if joins(&visible, place) => c,
            Kind::Unseen | Kind::Joiner => continue,
            Kind::Space | Kind::Picture => ' ',
            Kind::Text => c,
        };
        if c == ' ' && (clean.is_empty() || clean.ends_with(' ')) {
            continue;
        }
        marks = if is_combining_mark(c) { marks + 1 } else { 0 };
        if marks > MAX_MARKS || (marks > 0 && (clean.is_empty() || clean.ends_with(' '))) {
            continue;
        }
        if length >= MAX_CHARS && marks == 0 {
            break;
        }
        clean.push(c);
        length += 1;
    }
    clean.truncate(clean.trim_end().len());
    // What was taken out may have stood between a letter and its mark.
    if is_nfc(&clean) { clean } else { clean.nfc().collect() }
}

enum Kind {
    Text,
    Space,
    /// An emoji or sign. Leaves a gap, which is folded.
    Picture,
    /// Leaves nothing.
    Unseen,
    /// Zero-width joiner and non-joiner: part of the spelling in some scripts.
    Joiner,
}

fn kind(c: char) -> Kind {
    match c {
        '\u{200C}' | '\u{200D}' => Kind::Joiner,
        '\u{AD}'
        | '\u{34F}'
        | '\u{61C}'
        | '\u{115F}'
        | '\u{1160}'
        | '\u{17B4}'
        | '\u{17B5}'
        | '\u{180B}'..='\u{180F}'
        | '\u{200B}'
        | '\u{200E}'
        | '\u{200F}'
        | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}'
        | '\u{3164}'
        | '\u{FFA0}'
        | '\u{FE00}'..='\u{FE0F}'
        | '\u{FEFF}'
        | '\u{FFF9}'..='\u{FFFD}'
        | '\u{E000}'..='\u{F8FF}'
        | '\u{E0000}'..='\u{10FFFF}' => Kind::Unseen,
        '\u{A9}'
        | '\u{AE}'
        | '\u{2100}'..='\u{2BFF}'
        | '\u{3030}'
        | '\u{303D}'
        | '\u{3297}'
        | '\u{3299}'
        | '\u{1F000}'..='\u{1FAFF}'
        | '\u{20D0}'..='\u{20FF}' => Kind::Picture,
        c if c.is_whitespace() || c.is_control() => Kind::Space,
        _ => Kind::Text,
    }
}

/// Letters in fancy dress (`𝓑`, `Ｂ`, half-width `ﾔ`) as themselves.
fn plain(c: char) -> impl Iterator<Item = char> {
    let is_fancy = matches!(c, '\u{1D400}'..='\u{1D7FF}' | '\u{FF01}'..='\u{FF9F}');
    let folded = is_fancy.then(|| std::iter::once(c).nfkc());
    let as_is = (!is_fancy).then_some(c);
    folded.into_iter().flatten().chain(as_is)
}

/// Whether a joiner stands between two letters of a script that spells with it (Arabic, Indic).
fn joins(text: &[char], place: usize) -> bool {
    let spells = |c: Option<&char>| {
        c.is_some_and(|c| matches!(c, '\u{600}'..='\u{6FF}' | '\u{750}'..='\u{77F}' | '\u{900}'..='\u{DFF}'))
    };
    place.checked_sub(1).is_some_and(|before| spells(text.get(before))) && spells(text.get(place + 1))
}

/// Letters without their accents, in lower case: for looking up a word in a table.
pub(super) fn folded(word: &str) -> String {
    word.nfd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_clean_is_not_copied() {
        assert!(matches!(clean("Billy Bob"), Cow::Borrowed("Billy Bob")));
    }

    #[test]
    fn white_space_of_any_kind_becomes_one_space() {
        assert_eq!(clean(" \tBilly\u{3000}\r\n Bob\u{A0}"), "Billy Bob");
        assert_eq!(clean("\u{0}Billy\u{7}Bob"), "Billy Bob");
    }

    #[test]
    fn marks_of_direction_and_pictures_go() {
        assert_eq!(clean("\u{202E}Billy\u{202C} Bob\u{200F}"), "Billy Bob");
        assert_eq!(clean("Billy 👨\u{200D}👩\u{200D}👧 Bob 🇳🇴 ❤\u{FE0F}"), "Billy Bob");
        assert_eq!(clean("🎉🎉"), "");
    }

    #[test]
    fn fancy_letters_become_plain_and_accents_composed() {
        assert_eq!(clean("𝓑𝓲𝓵𝓵𝔂 Ｂｏｂ"), "Billy Bob");
        assert_eq!(clean("Jose\u{301}"), "Jos\u{E9}");
        assert_eq!(clean("ﾔﾏﾀﾞ"), "ヤマダ");
        // What stood between a letter and its accent goes, and the two are one.
        assert_eq!(clean("Jose\u{FFFC}\u{301}"), "Jos\u{E9}");
        assert_eq!(clean("𚿽\u{C55}\u{FFFC}\u{BCD}"), "𚿽\u{BCD}\u{C55}");
    }

    #[test]
    fn a_joiner_stays_where_it_is_spelling() {
        assert_eq!(clean("علی\u{200C}رضا"), "علی\u{200C}رضا");
        assert_eq!(clean("Bil\u{200C}ly"), "Billy");
    }

    #[test]
    fn towers_of_accents_and_endless_names_are_cut() {
        let tower = format!("Z{}algo", "\u{315}".repeat(10_000));
        assert!(clean(&tower).chars().count() <= 11, "{}", clean(&tower));
        assert_eq!(clean(&"a".repeat(1_000_000)).chars().count(), MAX_CHARS);
        assert_eq!(
            clean(&format!("{}e\u{301}\u{315}x", "a".repeat(MAX_CHARS - 1))).chars().last(),
            Some('\u{315}')
        );
    }
}
