//! Languages: which there are, which one a visitor reads, and how a message becomes text.

use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};
use rust_embed::RustEmbed;
use unic_langid::LanguageIdentifier;

/// The embedded language files, `<tag>/pages.ftl`.
#[derive(RustEmbed)]
#[folder = "assets/locales/"]
struct Files;

/// A language that the pages are written in.
pub struct Language {
    tag: String,
    bundle: FluentBundle<FluentResource>,
}

/// How many entries of an `Accept-Language` header are looked at.
const ACCEPTED: usize = 20;

static LANGUAGES: LazyLock<Vec<Language>> = LazyLock::new(|| {
    let mut languages: Vec<Language> = Files::iter()
        .filter_map(|path| path.strip_suffix("/pages.ftl").map(str::to_owned))
        .map(|tag| Language::load(&tag))
        .collect();
    languages.sort_by_key(|language| language.tag != "en");
    languages
});

impl Language {
    /// Every language, English first.
    pub fn all() -> &'static [Self] {
        &LANGUAGES
    }

    /// The best language for a visitor: the link's, then the browser's in its order of
    /// preference (RFC 9110, 12.5.4), then English. A tag matches exactly or by its primary subtag.
    pub fn negotiate(locale: Option<&str>, accept_language: Option<&str>) -> &'static Self {
        let accepted = accept_language.map(accepted_tags).unwrap_or_default();
        locale.into_iter().chain(accepted).find_map(Self::find).unwrap_or(&Self::all()[0])
    }

    /// The language tag, for `lang` and `Content-Language`.
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// The writing direction, for `dir`.
    pub fn direction(&self) -> &'static str {
        let primary = self.tag.split('-').next().unwrap_or_default();
        if matches!(primary, "ar" | "fa" | "he" | "ur") { "rtl" } else { "ltr" }
    }

    /// A message with its variables filled in. Each variable is isolated in direction, so that
    /// a name in another script cannot turn the sentence around it.
    pub(super) fn format(&self, id: &str, args: &FluentArgs) -> String {
        let pattern = self.bundle.get_message(id).and_then(|message| message.value());
        let pattern = pattern.expect("a test compares every language with the list of messages");
        self.bundle.format_pattern(pattern, Some(args), &mut Vec::new()).into_owned()
    }

    fn find(tag: &str) -> Option<&'static Self> {
        let tag = tag.trim().replace('_', "-");
        let primary = tag.split('-').next().unwrap_or_default();
        let named = |wanted: &str| Self::all().iter().find(|known| known.tag.eq_ignore_ascii_case(wanted));
        named(&tag).or_else(|| named(primary))
    }

    fn load(tag: &str) -> Self {
        let identifier: LanguageIdentifier =
            tag.parse().expect("the folders in `assets/locales` are named by language tags");
        let resource = FluentResource::try_new(Self::source(tag)).expect("a test parses every language");
        let mut bundle = FluentBundle::new_concurrent(vec![identifier]);
        bundle.add_resource(resource).expect("a test loads every language");
        Self { tag: tag.to_owned(), bundle }
    }

    /// The language's file.
    pub(super) fn source(tag: &str) -> String {
        let file = Files::get(&format!("{tag}/pages.ftl")).expect("the folder was listed");
        String::from_utf8(file.data.into_owned()).expect("language files are UTF-8")
    }
}

/// The tags of an `Accept-Language` header, the most wanted first; those with weight 0 are left out.
fn accepted_tags(header: &str) -> Vec<&str> {
    let mut tags: Vec<(&str, u16)> = header.split(',').take(ACCEPTED).filter_map(weighted_tag).collect();
    tags.sort_by_key(|(_, weight)| std::cmp::Reverse(*weight));
    tags.into_iter().map(|(tag, _)| tag).collect()
}

/// A tag and its weight in thousandths.
fn weighted_tag(entry: &str) -> Option<(&str, u16)> {
    let (tag, params) = entry.split_once(';').unwrap_or((entry, ""));
    let weight = match params.trim().strip_prefix("q=") {
        Some(quality) => thousandths(quality.trim())?,
        None => 1000,
    };
    let tag = tag.trim();
    (weight > 0 && !tag.is_empty()).then_some((tag, weight))
}

/// A quality value (RFC 9110, 12.4.2) times 1000.
fn thousandths(quality: &str) -> Option<u16> {
    let (whole, decimals) = quality.split_once('.').unwrap_or((quality, ""));
    if decimals.len() > 3 || !decimals.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let whole: u16 = whole.parse().ok()?;
    let part: u16 = format!("{decimals:0<3}").parse().ok()?;
    whole.checked_mul(1000)?.checked_add(part).filter(|weight| *weight <= 1000)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(Some("de"), Some("fr"), "de")]
    #[case(Some("de-AT"), None, "de")]
    #[case(Some("DE_ch"), None, "de")]
    #[case(Some("tlh"), Some("fr-CA, en;q=0.8"), "fr")]
    #[case(None, Some("en;q=0.5, ja;q=0.9"), "ja")]
    #[case(None, Some("de;q=0, es;q=0.1"), "es")]
    #[case(None, Some("*, tlh"), "en")]
    #[case(None, Some("de;q=1.5, nl"), "nl")]
    #[case(None, None, "en")]
    fn the_links_language_wins_then_the_browsers(
        #[case] locale: Option<&str>,
        #[case] accept: Option<&str>,
        #[case] expected: &str,
    ) {
        assert_eq!(Language::negotiate(locale, accept).tag(), expected);
    }

    #[test]
    fn a_language_is_written_in_its_own_direction() {
        assert_eq!(Language::negotiate(Some("ar"), None).direction(), "rtl");
        assert_eq!(Language::negotiate(Some("he"), None).direction(), "rtl");
        assert_eq!(Language::negotiate(Some("en"), None).direction(), "ltr");
    }

    proptest! {
        #[test]
        fn any_header_gives_some_language(header in ".{0,200}", locale in ".{0,40}") {
            let language = Language::negotiate(Some(&locale), Some(&header));
            prop_assert!(!language.tag().is_empty());
        }
    }
}
