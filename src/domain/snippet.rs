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

impl Snippet {
    /// The wording for a channel in the best language: exact tag, then its language, then the
    /// tenant's default, then English, then the first there is. A channel's own text beats the
    /// general one in the same language only.
    pub fn wording(&self, channel: Channel, locale: &str) -> Option<&str> {
        let language = locale.split('-').next().unwrap_or(locale);
        for wanted in [locale, language, "en"] {
            for texts in self.channels.get(&channel).into_iter().chain([&self.text]) {
                if let Some(text) = texts.get(wanted) {
                    return Some(text);
                }
            }
        }
        let own = self.channels.get(&channel).and_then(|texts| texts.values().next());
        own.or_else(|| self.text.values().next()).map(String::as_str)
    }
}
