//! Snippets: the tenant's saved wording for an auth message.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::conversation::Channel;
use super::ids::SnippetId;

/// A saved wording, per locale and channel. `{tenant}`, `{link}` and `{provider}` are filled in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snippet {
    /// Its name.
    pub id: SnippetId,
    /// What an agent types to find it, e.g. `/auth`.
    pub tag: Option<String>,
    /// Text by language tag.
    pub text: BTreeMap<String, String>,
    /// A channel's own wording, by language tag.
    pub channels: BTreeMap<Channel, BTreeMap<String, String>>,
}

/// A wording and the language that it is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wording<'a> {
    /// Its language tag, as the tenant wrote it.
    pub tag: &'a str,
    /// The text with its placeholders.
    pub text: &'a str,
}

impl Snippet {
    /// The wording for a channel in the best language: the exact tag, then ever shorter ones, then
    /// another region's, then English, then the first there is. A channel's own text beats the
    /// general one in the same language only. Tags are compared in any case.
    pub fn wording(&self, channel: Channel, locale: &str) -> Option<Wording<'_>> {
        let mut wanted = locale;
        loop {
            if let Some(found) = self.find(channel, |tag| same(tag, wanted)) {
                return Some(found);
            }
            match wanted.rsplit_once('-') {
                Some((shorter, _)) => wanted = shorter,
                None => break,
            }
        }
        self.find(channel, |tag| same(language(tag), wanted))
            .or_else(|| self.find(channel, |tag| same(tag, "en")))
            .or_else(|| self.find(channel, |_| true))
    }

    fn find(&self, channel: Channel, fits: impl Fn(&str) -> bool) -> Option<Wording<'_>> {
        let texts = self.channels.get(&channel).into_iter().chain([&self.text]).flatten();
        let mut texts = texts.map(|(tag, text)| Wording { tag, text });
        texts.find(|wording| fits(wording.tag))
    }
}

impl Wording<'_> {
    /// Whether it is in the language of a tag, whatever the region.
    pub fn speaks(&self, locale: &str) -> bool {
        same(language(self.tag), language(locale))
    }
}

fn language(tag: &str) -> &str {
    tag.split('-').next().unwrap_or(tag)
}

fn same(tag: &str, other: &str) -> bool {
    tag.eq_ignore_ascii_case(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(tag, text)| ((*tag).to_owned(), (*text).to_owned())).collect()
    }

    fn snippet() -> Snippet {
        Snippet {
            id: "sign-in".parse().unwrap(),
            tag: None,
            text: texts(&[("en", "en"), ("de", "de"), ("pt-BR", "pt-BR"), ("zh-Hant", "zh-Hant")]),
            channels: BTreeMap::from([(Channel::Sms, texts(&[("en", "sms en"), ("de-CH", "sms de-CH")]))]),
        }
    }

    fn text(channel: Channel, locale: &str) -> String {
        snippet().wording(channel, locale).unwrap().text.to_owned()
    }

    #[test]
    fn the_language_comes_first_and_then_the_channel() {
        for (locale, sms, other) in [
            ("en", "sms en", "en"),
            ("en-GB", "sms en", "en"),
            ("de", "de", "de"),
            ("DE-at", "de", "de"),
            ("de-CH", "sms de-CH", "de"),
            ("pt", "pt-BR", "pt-BR"),
            ("pt-PT", "pt-BR", "pt-BR"),
            ("zh-hant-HK", "zh-Hant", "zh-Hant"),
            ("fr", "sms en", "en"),
        ] {
            assert_eq!(
                (&*text(Channel::Sms, locale), &*text(Channel::Email, locale)),
                (sms, other),
                "{locale}"
            );
        }
    }

    #[test]
    fn without_english_the_first_wording_serves() {
        let snippet = Snippet { text: texts(&[("it", "it")]), channels: BTreeMap::new(), ..snippet() };
        let wording = snippet.wording(Channel::Sms, "fr").unwrap();
        assert!(wording.text == "it" && wording.speaks("it-CH") && !wording.speaks("fr"));
        let none = Snippet { text: BTreeMap::new(), ..snippet };
        assert_eq!(none.wording(Channel::Sms, "it"), None);
    }
}
