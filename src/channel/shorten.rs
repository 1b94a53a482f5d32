//! Texts made to fit a channel: its limits are counted its way, what must be left out is left out at
//! the end of a word, a URL is never cut, and everything that was shortened is told.

use unicode_normalization::char::is_combining_mark;

/// What stands where something was left out.
const ELLIPSIS: char = '…';

/// How a channel counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// Unicode code points.
    CodePoints,
    /// UTF-16 code units: an emoji has two and more.
    Utf16,
    /// Bytes of UTF-8.
    Bytes,
}

impl Unit {
    /// How long a text is.
    pub(super) fn measure(self, text: &str) -> usize {
        match self {
            Self::CodePoints => text.chars().count(),
            Self::Utf16 => text.encode_utf16().count(),
            Self::Bytes => text.len(),
        }
    }

    fn width(self, c: char) -> usize {
        match self {
            Self::CodePoints => 1,
            Self::Utf16 => c.len_utf16(),
            Self::Bytes => c.len_utf8(),
        }
    }

    /// Its name in a warning.
    fn as_str(self) -> &'static str {
        match self {
            Self::CodePoints => "characters",
            Self::Utf16 => "UTF-16 units",
            Self::Bytes => "bytes",
        }
    }
}

/// The most that a field of a channel's message takes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limit {
    /// The field, in words: `text`, `button`.
    pub(super) what: &'static str,
    /// How many units.
    pub(super) most: usize,
    /// Of which kind.
    pub(super) unit: Unit,
}

/// The text as far as it fits. A warning says so if that is not all of it.
pub(super) fn fit(text: &str, limit: Limit, warnings: &mut Vec<String>) -> String {
    let Limit { most, unit, .. } = limit;
    let length = unit.measure(text);
    if length <= most {
        return text.to_owned();
    }
    warnings.push(shortened(limit, length));
    cut(text, most, unit)
}

/// The text as far as it fits, with the link at its end whole: what is left out stood before it.
pub(super) fn fit_before_link(
    text: &str,
    body: &str,
    link: &str,
    limit: Limit,
    warnings: &mut Vec<String>,
) -> String {
    if limit.unit.measure(text) <= limit.most {
        return text.to_owned();
    }
    let room = limit.most.saturating_sub(limit.unit.measure(link) + 1);
    warnings.push(shortened(limit, limit.unit.measure(text)));
    let body = body.replace(link, "");
    let body = fit(body.trim(), Limit { most: room, ..limit }, &mut Vec::new());
    format!("{body} {link}").trim_start().to_owned()
}

/// A link is never cut: one that is too long is told.
pub(super) fn check_link(link: &str, limit: Limit, warnings: &mut Vec<String>) {
    let length = limit.unit.measure(link);
    if length > limit.most {
        warnings.push(format!(
            "the {} has {length} {} and the channel takes {}; use a shorter host name",
            limit.what,
            limit.unit.as_str(),
            limit.most
        ));
    }
}

fn shortened(limit: Limit, length: usize) -> String {
    let Limit { what, most, unit } = limit;
    format!("the {what} was shortened: it has {length} {} and the channel takes {most}", unit.as_str())
}

fn cut(text: &str, most: usize, unit: Unit) -> String {
    let Some(room) = most.checked_sub(unit.width(ELLIPSIS)) else { return String::new() };
    let mut used = 0;
    let fits = text.char_indices().find(|(_, c)| {
        used += unit.width(*c);
        used > room
    });
    let end = before_url(text, before_cluster(text, fits.map_or(text.len(), |(at, _)| at)));
    // A word is not cut if most of the text stands before it.
    let head = &text[..end];
    let inside_word = text[end..].starts_with(|c: char| !c.is_whitespace());
    let word = head.rfind(char::is_whitespace).filter(|at| inside_word && *at >= end / 2);
    let head = head[..word.unwrap_or(end)].trim_end();
    let urls = urls(head);
    if urls.last().is_some_and(|(_, end)| *end == head.len()) {
        // Nothing is written directly behind a URL: it would be taken for a part of it.
        return head.to_owned();
    }
    format!("{head}{ELLIPSIS}")
}

/// The place, or the start of the URL that it would cut.
fn before_url(text: &str, at: usize) -> usize {
    let urls = urls(text);
    urls.into_iter().find(|(start, end)| *start < at && at < *end).map_or(at, |(start, _)| start)
}

/// Where URLs stand: from the first letter of the scheme to the last character that a URL is written with.
fn urls(text: &str) -> Vec<(usize, usize)> {
    let spans = text.match_indices("://").map(|(at, _)| {
        let scheme = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
        let start = text[..at]
            .rfind(|c| !scheme(c))
            .map_or(0, |before| before + text[before..].chars().next().map_or(1, char::len_utf8));
        let written = |c: char| c.is_ascii_graphic() && !"<>\"".contains(c);
        let end = text[at..].find(|c| !written(c)).map_or(text.len(), |length| at + length);
        (start, end)
    });
    spans.collect()
}

/// The place, or one before it that leaves no accent, no half of a flag and no part of an emoji behind.
fn before_cluster(text: &str, mut at: usize) -> usize {
    while at > 0 && at < text.len() && !is_boundary(text, at) {
        at = text[..at].char_indices().next_back().map_or(0, |(before, _)| before);
    }
    at
}

fn is_boundary(text: &str, at: usize) -> bool {
    let (Some(previous), Some(next)) = (text[..at].chars().next_back(), text[at..].chars().next()) else {
        return true;
    };
    let is_flag = |c: &char| ('\u{1F1E6}'..='\u{1F1FF}').contains(c);
    let half_a_flag = is_flag(&next) && text[..at].chars().rev().take_while(is_flag).count() % 2 == 1;
    !(previous == '\u{200D}' || continues(next) || half_a_flag)
}

/// Whether a character belongs to the one before it.
fn continues(c: char) -> bool {
    is_combining_mark(c)
        || matches!(c,
            '\u{200C}' | '\u{200D}' | '\u{1160}'..='\u{11FF}' | '\u{FE00}'..='\u{FE0F}'
            | '\u{1F3FB}'..='\u{1F3FF}' | '\u{E0020}'..='\u{E007F}' | '\u{E0100}'..='\u{E01EF}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const URL: &str = "https://acme.example.com/a/Zm9v";

    fn fitted(text: &str, most: usize, unit: Unit) -> (String, usize) {
        let mut warnings = Vec::new();
        let fitted = fit(text, Limit { what: "text", most, unit }, &mut warnings);
        (fitted, warnings.len())
    }

    #[test]
    fn what_fits_stays_as_it_is() {
        assert_eq!(fitted("abcd", 4, Unit::CodePoints), ("abcd".to_owned(), 0));
        assert_eq!(fitted("äö", 4, Unit::Bytes), ("äö".to_owned(), 0));
        assert_eq!(fitted("🎉🎉", 4, Unit::Utf16), ("🎉🎉".to_owned(), 0));
        assert_eq!(fitted("", 0, Unit::Bytes), (String::new(), 0));
    }

    #[test]
    fn each_channel_counts_its_own_way() {
        assert_eq!(fitted("🎉🎉🎉", 2, Unit::CodePoints).0, "🎉…");
        assert_eq!(fitted("🎉🎉🎉", 4, Unit::Utf16).0, "🎉…");
        assert_eq!(fitted("🎉🎉🎉", 11, Unit::Bytes).0, "🎉🎉…");
        assert_eq!(fitted("🎉🎉🎉", 10, Unit::Bytes).0, "🎉…");
    }

    #[test]
    fn a_warning_names_the_field_and_both_lengths() {
        let mut warnings = Vec::new();
        fit("abcdef", Limit { what: "button", most: 4, unit: Unit::Utf16 }, &mut warnings);
        assert_eq!(warnings, ["the button was shortened: it has 6 UTF-16 units and the channel takes 4"]);
    }

    #[test]
    fn a_word_is_left_out_whole_unless_it_is_most_of_the_text() {
        assert_eq!(fitted("Sign in to Acme Bank", 17, Unit::CodePoints).0, "Sign in to Acme…");
        assert_eq!(fitted("Donaudampfschiffahrt", 8, Unit::CodePoints).0, "Donauda…");
        assert_eq!(fitted("A Donaudampfschiffahrt", 10, Unit::CodePoints).0, "A Donauda…");
    }

    #[test]
    fn a_url_stays_whole_or_goes() {
        let text = format!("Open {URL} now, please");
        let whole = format!("Open {URL}");
        assert_eq!(fitted(&text, whole.len() + 2, Unit::CodePoints).0, whole);
        assert_eq!(fitted(&text, 20, Unit::CodePoints).0, "Open…");
        assert_eq!(fitted(&format!("请登录{URL}。谢谢您"), 20, Unit::CodePoints).0, "请登录…");
    }

    #[test]
    fn an_emoji_of_several_parts_a_flag_and_an_accent_are_not_cut() {
        let family = "👨\u{200D}👩\u{200D}👧";
        assert_eq!(fitted(&format!("ab{family}cd"), 5, Unit::CodePoints).0, "ab…");
        assert_eq!(fitted("ab🇩🇪🇫🇷", 4, Unit::CodePoints).0, "ab…");
        assert_eq!(fitted("ab🇩🇪🇫🇷", 5, Unit::CodePoints).0, "ab🇩🇪…");
        assert_eq!(fitted("abe\u{301}\u{301}fg", 5, Unit::CodePoints).0, "ab…");
        assert_eq!(fitted("ab👍🏽cd", 4, Unit::CodePoints).0, "ab…");
    }

    #[test]
    fn a_link_at_the_end_stays_and_what_stands_before_it_is_shortened() {
        let body = "Please sign in so that we can help you";
        let text = format!("{body}: {URL}");
        let limit = Limit { what: "text", most: 50, unit: Unit::Utf16 };
        let mut warnings = Vec::new();
        let fitted = fit_before_link(&text, body, URL, limit, &mut warnings);
        assert_eq!((fitted, warnings.len()), (format!("Please sign in so… {URL}"), 1));
        let roomy = Limit { most: 500, ..limit };
        assert_eq!(fit_before_link(&text, body, URL, roomy, &mut warnings), text);
        let tiny = Limit { most: 3, ..limit };
        assert_eq!(fit_before_link(&text, body, URL, tiny, &mut warnings), URL, "the link is never cut");
    }

    #[test]
    fn a_link_that_is_too_long_is_told_and_left_whole() {
        let mut warnings = Vec::new();
        let limit = Limit { what: "link", most: URL.len(), unit: Unit::Bytes };
        check_link(URL, limit, &mut warnings);
        assert!(warnings.is_empty());
        check_link(URL, Limit { most: URL.len() - 1, ..limit }, &mut warnings);
        assert!(warnings[0].starts_with("the link has 31 bytes"), "{warnings:?}");
    }

    proptest! {
        #[test]
        fn nothing_is_longer_than_its_limit_and_no_url_is_cut(
            parts in prop::collection::vec(
                prop_oneof!["\\PC{0,12}", Just(format!(" {URL} ")), "[a-z ]{0,20}", Just("e\u{301}🇩🇪".to_owned())], 0..6),
            most in 0_usize..120,
            unit in prop_oneof![Just(Unit::CodePoints), Just(Unit::Utf16), Just(Unit::Bytes)],
        ) {
            let text = parts.concat();
            let (fitted, warnings) = fitted(&text, most, unit);
            prop_assert!(unit.measure(&fitted) <= most);
            prop_assert_eq!(warnings == 1, unit.measure(&text) > most);
            let head = fitted.strip_suffix(ELLIPSIS).unwrap_or(&fitted);
            prop_assert!(text.starts_with(head));
            for (at, _) in text.match_indices(URL) {
                prop_assert!(head.len() <= at || head.len() >= at + URL.len());
            }
        }
    }
}
