//! SMS: a text, and what it costs: its segments (3GPP TS 23.038 for the alphabets, 23.040 for the parts).

use serde_json::{Value, json};
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use super::Draft;

/// The GSM 7-bit default alphabet: one unit each. The escape at 0x1B is no character.
const GSM_7: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// Its extension table: an escape and a character, two units.
const EXTENSION: &str = "\u{C}^{}\\[~]|€";

/// How the text of an SMS is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// 7 bits a unit: 160 alone, 153 in each of several.
    Gsm7,
    /// 16 bits a unit: 70 alone, 67 in each of several.
    Ucs2,
}

impl Encoding {
    /// The name in the payload.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gsm7 => "GSM-7",
            Self::Ucs2 => "UCS-2",
        }
    }

    /// Units of a single message, and of each of several.
    fn capacities(self) -> (usize, usize) {
        match self {
            Self::Gsm7 => (160, 153),
            Self::Ucs2 => (70, 67),
        }
    }
}

/// How an SMS is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segments {
    /// The alphabet that all characters fit.
    pub encoding: Encoding,
    /// Units of that alphabet.
    pub units: usize,
    /// Messages that are sent and paid.
    pub count: usize,
    /// The first character that does not fit the cheaper alphabet.
    pub culprit: Option<char>,
}

impl Segments {
    /// Counts a text. A character of two units is never cut in half.
    pub fn of(text: &str) -> Self {
        let culprit = text.chars().find(|c| gsm_units(*c).is_none());
        let encoding = if culprit.is_some() { Encoding::Ucs2 } else { Encoding::Gsm7 };
        let width = |c: char| match encoding {
            Encoding::Gsm7 => gsm_units(c).unwrap_or(1),
            Encoding::Ucs2 => c.len_utf16(),
        };
        let units = text.chars().map(width).sum();
        let (alone, each) = encoding.capacities();
        let count = if units <= alone { 1 } else { parts(text.chars().map(width), each) };
        Self { encoding, units, count, culprit }
    }

    /// What makes it dearer than one message.
    pub fn warnings(&self) -> Vec<String> {
        let (alone, _) = self.encoding.capacities();
        let culprit = self.culprit.map(|c| {
            format!(
                "{} is not in the GSM alphabet, so that a message has 70 characters and not 160",
                named(c)
            )
        });
        let count = (self.count > 1).then(|| {
            format!(
                "the message is sent as {} segments: it has {} units and one segment has {alone}",
                self.count, self.units
            )
        });
        culprit.into_iter().chain(count).collect()
    }
}

/// A text and its price.
pub(super) fn payload(draft: &mut Draft<'_>) -> Value {
    let segments = Segments::of(&draft.text);
    draft.warnings.extend(segments.warnings());
    draft.warnings.extend(lint(&draft.text, segments));
    json!({
        "type": "text",
        "text": draft.text,
        "encoding": segments.encoding.as_str(),
        "units": segments.units,
        "segments": segments.count,
    })
}

/// Names the characters that make it dearer, and what would do instead, if that would make it cheaper.
fn lint(text: &str, now: Segments) -> Option<String> {
    if now.encoding == Encoding::Gsm7 {
        return None;
    }
    let (now, then) = (now.count, Segments::of(&fold(text)).count);
    if then >= now {
        return None;
    }
    let mut advice: Vec<String> = Vec::new();
    for (c, plain) in text.chars().filter_map(|c| Some((c, plain(c)?))) {
        let plain = if plain.is_empty() { "nothing".to_owned() } else { format!("`{plain}`") };
        let advised = format!("{plain} for {}", named(c));
        if !advice.contains(&advised) {
            advice.push(advised);
        }
    }
    let segments = if then == 1 { "segment" } else { "segments" };
    Some(format!("it would be {then} {segments} and not {now} with {}", advice.join(", ")))
}

/// The text with the plain form of every character that has one and is not in the GSM alphabet.
fn fold(text: &str) -> String {
    text.chars().map(|c| plain(c).unwrap_or_else(|| c.to_string())).collect()
}

/// What does instead of a character that is not in the GSM alphabet: what typewriters wrote for it, its
/// letter without marks, or nothing for a picture. None for the letters of other scripts.
fn plain(c: char) -> Option<String> {
    if gsm_units(c).is_some() {
        return None;
    }
    let typed = match c {
        '\u{2018}' | '\u{2019}' | '\u{201A}' | '\u{2032}' | '\u{2B9}' | '\u{2BC}' => "'",
        '\u{201C}' | '\u{201D}' | '\u{201E}' | '\u{2033}' | '\u{AB}' | '\u{BB}' => "\"",
        '\u{2010}'..='\u{2015}' | '\u{2212}' => "-",
        '\u{2026}' => "...",
        '\u{2022}' => "*",
        '\u{20BA}' => "TL",
        'ł' => "l",
        'Ł' => "L",
        'đ' => "d",
        'Đ' => "D",
        'ı' => "i",
        'œ' => "oe",
        'Œ' => "OE",
        c if c.is_whitespace() => " ",
        c if c.is_alphanumeric() => return unmarked(c),
        c if is_combining_mark(c) => return None,
        _ => "",
    };
    Some(typed.to_owned())
}

/// The Latin letter under its marks.
fn unmarked(c: char) -> Option<String> {
    let mut parts = std::iter::once(c).nfd();
    let letter = parts.next().filter(char::is_ascii_alphabetic)?;
    parts.all(is_combining_mark).then(|| letter.to_string())
}

/// Units of a character in the GSM alphabet; none if it is not in it.
fn gsm_units(c: char) -> Option<usize> {
    match c {
        // Most of a message, without a look into the tables.
        'a'..='z' | 'A'..='Z' | ' '..='?' | '_' => Some(1),
        c if GSM_7.contains(c) => Some(1),
        c => EXTENSION.contains(c).then_some(2),
    }
}

fn parts(widths: impl Iterator<Item = usize>, capacity: usize) -> usize {
    let (mut count, mut used) = (1, 0);
    for width in widths {
        if used + width > capacity {
            count += 1;
            used = 0;
        }
        used += width;
    }
    count
}

/// A character for a warning, also if it cannot be seen.
fn named(c: char) -> String {
    if c.is_alphanumeric() || c.is_ascii_graphic() || u32::from(c) > 0x2100 {
        return format!("`{c}` (U+{:04X})", u32::from(c));
    }
    let (name, number) = (
        match c {
            '\u{A0}' => "a no-break space",
            '\u{2018}' | '\u{2019}' => "a curly apostrophe",
            '\u{201C}' | '\u{201D}' => "a curly quote",
            '\u{2013}' | '\u{2014}' => "a long dash",
            '\u{2026}' => "an ellipsis",
            '\t' => "a tab",
            _ => "a character",
        },
        u32::from(c),
    );
    format!("{name} (U+{number:04X})")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn advised(text: &str) -> Option<String> {
        lint(text, Segments::of(text))
    }

    fn counted(text: &str) -> (Encoding, usize, usize) {
        let Segments { encoding, units, count, .. } = Segments::of(text);
        (encoding, units, count)
    }

    #[test]
    fn the_alphabet_has_127_characters_and_nine_escaped_ones_and_a_page_break() {
        assert_eq!(GSM_7.chars().count(), 127);
        assert_eq!(EXTENSION.chars().count(), 10);
        for c in '\0'..='\u{20AC}' {
            let width = GSM_7.contains(c).then_some(1).or(EXTENSION.contains(c).then_some(2));
            assert_eq!(gsm_units(c), width, "{c:?}");
        }
    }

    #[test]
    fn gsm_7_has_160_units_alone_and_153_in_parts() {
        assert_eq!(counted(&"a".repeat(160)), (Encoding::Gsm7, 160, 1));
        assert_eq!(counted(&"a".repeat(161)), (Encoding::Gsm7, 161, 2));
        assert_eq!(counted(&"a".repeat(306)), (Encoding::Gsm7, 306, 2));
        assert_eq!(counted(&"a".repeat(307)), (Encoding::Gsm7, 307, 3));
        assert_eq!(counted(""), (Encoding::Gsm7, 0, 1));
    }

    #[test]
    fn ucs_2_has_70_units_alone_and_67_in_parts() {
        assert_eq!(counted(&"ж".repeat(70)), (Encoding::Ucs2, 70, 1));
        assert_eq!(counted(&"ж".repeat(71)), (Encoding::Ucs2, 71, 2));
        assert_eq!(counted(&"ж".repeat(135)), (Encoding::Ucs2, 135, 3));
        assert_eq!(counted(&"🎉".repeat(35)), (Encoding::Ucs2, 70, 1));
    }

    #[test]
    fn escaped_characters_cost_two_and_are_not_cut_in_half() {
        assert_eq!(counted("[€]"), (Encoding::Gsm7, 6, 1));
        assert_eq!(counted(&"€".repeat(80)), (Encoding::Gsm7, 160, 1));
        // 153 units hold 76 of them and a half: 153 need three parts, and not two.
        assert_eq!(counted(&"€".repeat(153)), (Encoding::Gsm7, 306, 3));
        // 67 units hold 33 emoji and a half.
        assert_eq!(counted(&"🎉".repeat(67)), (Encoding::Ucs2, 134, 3));
    }

    #[test]
    fn the_character_that_costs_is_named() {
        let warnings = Segments::of("It\u{2019}s you").warnings();
        assert_eq!(
            warnings,
            [
                "a curly apostrophe (U+2019) is not in the GSM alphabet, so that a message has 70 characters and not 160"
            ]
        );
        assert!(Segments::of("Zażółć").warnings()[0].starts_with("`ż` (U+017C)"));
        assert!(Segments::of(&"a".repeat(200)).warnings()[0].contains("2 segments"));
        assert!(Segments::of("Größe @ £5").warnings().is_empty());
    }

    #[test]
    fn what_doubles_the_price_is_named_once_each_with_what_would_do_instead() {
        let long = format!("It\u{2019}s you \u{2013} it\u{2019}s Acme 🎉 zażółć{}", "!".repeat(60));
        assert_eq!(
            advised(&long).unwrap(),
            "it would be 1 segment and not 2 with `'` for a curly apostrophe (U+2019), \
             `-` for a long dash (U+2013), nothing for `🎉` (U+1F389), `z` for `ż` (U+017C), \
             `o` for `ó` (U+00F3), `l` for `ł` (U+0142), `c` for `ć` (U+0107)"
        );
        assert_eq!(advised("It\u{2019}s you"), None, "one segment either way");
        assert_eq!(advised(&"ж".repeat(100)), None, "there is no plain form");
        assert_eq!(advised(&format!("\u{2019}{}", "ж".repeat(100))), None, "the rest is as dear");
        assert_eq!(advised(&"a".repeat(200)), None);
    }

    #[test]
    fn every_plain_form_is_in_the_alphabet_and_what_it_stands_for_is_not() {
        for c in (0..=0x1_FFFF).filter_map(char::from_u32) {
            if let Some(plain) = plain(c) {
                assert!(gsm_units(c).is_none(), "U+{:04X}", u32::from(c));
                assert!(plain.chars().all(|c| gsm_units(c) == Some(1)), "U+{:04X}", u32::from(c));
            }
        }
        for (c, plain_form) in
            [('ê', Some("e")), ('Ő', Some("O")), ('ä', None), ('д', None), ('登', None), ('ँ', None)]
        {
            assert_eq!(plain(c).as_deref(), plain_form, "{c}");
        }
    }

    proptest! {
        #[test]
        fn plain_forms_leave_a_plain_text_alone_and_are_plain_themselves(text in "\\PC{0,200}") {
            let (before, after) = (Segments::of(&text), Segments::of(&fold(&text)));
            prop_assert!(before.encoding != Encoding::Gsm7 || before == after);
            prop_assert_eq!(fold(&fold(&text)), fold(&text));
        }

        #[test]
        fn parts_hold_all_units_and_no_more_than_needed(text in "[a-z€🎉ж\\[]{0,400}") {
            let Segments { encoding, units, count, .. } = Segments::of(&text);
            let (alone, each) = encoding.capacities();
            prop_assert!(count == 1 && units <= alone || count * each >= units);
            // A part is left with one free unit at most.
            prop_assert!(count == 1 || (count - 1) * (each - 1) < units);
        }
    }
}
