//! What a setting is called on a page, and its meaning with names and values set apart.

use std::fmt;

use crate::web::page::tidy;

/// A text that may stand in a page as it is: everything in it is escaped but what we put there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Html(String);

impl fmt::Display for Html {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Html {
    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Words that are not written as they stand in a name.
const SPELLED: [(&str, &str); 21] = [
    ("acr", "ACR"),
    ("alg", "algorithm"),
    ("algs", "algorithms"),
    ("auth", "authentication"),
    ("id", "ID"),
    ("iss", "Issuer in the callback (iss)"),
    ("jwks", "Keys (JWKS)"),
    ("max", "maximum"),
    ("oidc", "OpenID Connect"),
    ("par", "Pushed requests (PAR)"),
    ("params", "parameters"),
    ("pkce", "PKCE"),
    ("skew", "tolerance"),
    ("url", "URL"),
    ("userinfo", "UserInfo"),
    ("vars", "Preset variables"),
    ("whoami", "WhoAmI"),
    ("enrich", "What a sign-in may change"),
    ("rename", "Renamed parameters"),
    ("callback_rename", "Renamed callback parameters"),
    ("whoami_calls", "Further WhoAmI calls"),
];

/// The label of a setting by its name in a file: `authorize_url` is *Authorize URL*.
pub fn label(name: &str) -> String {
    if let Some((_, whole)) = SPELLED.iter().find(|(known, _)| *known == name) {
        return sentence_case(whole);
    }
    let words: Vec<&str> = name
        .split('_')
        .map(|word| SPELLED.iter().find(|(known, _)| *known == word).map_or(word, |(_, spelled)| *spelled))
        .collect();
    sentence_case(&words.join(" "))
}

/// A text whose backticks set names and values apart, as `<code>`. One without an end stays as it is. Marks that turn the
/// direction of what follows are taken out: such a text may come from a provider.
pub fn html(text: &str) -> Html {
    let text = tidy(text);
    let pieces: Vec<&str> = text.split('`').collect();
    let is_closed = pieces.len() % 2 == 1;
    let mut shown = String::with_capacity(text.len() + 32);
    for (at, piece) in pieces.iter().enumerate() {
        let is_code = is_closed && at % 2 == 1;
        if !is_closed && at > 0 {
            shown.push('`');
        }
        shown.push_str(if is_code { "<code><bdi>" } else { "" });
        escape(piece, &mut shown);
        shown.push_str(if is_code { "</bdi></code>" } else { "" });
    }
    Html(shown)
}

fn escape(text: &str, out: &mut String) {
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
}

/// A fault or a remark as a sentence: the first letter large, with a full stop.
pub fn sentence(text: &str) -> String {
    let text = sentence_case(text.trim());
    if text.is_empty() || text.ends_with(['.', '!', '?', '…']) { text } else { format!("{text}.") }
}

fn sentence_case(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_of_a_file_becomes_a_label() {
        for (name, wanted) in [
            ("authorize_url", "Authorize URL"),
            ("client_id", "Client ID"),
            ("id_token_algs", "ID token algorithms"),
            ("client_auth", "Client authentication"),
            ("pkce", "PKCE"),
            ("whoami_params", "WhoAmI parameters"),
            ("label", "Label"),
        ] {
            assert_eq!(label(name), wanted);
        }
    }

    #[test]
    fn what_stands_in_backticks_is_code_and_everything_is_escaped() {
        assert_eq!(
            html("`a` is `<b>`.").to_string(),
            "<code><bdi>a</bdi></code> is <code><bdi>&lt;b&gt;</bdi></code>."
        );
        assert_eq!(html("a ` b & \"c\"").to_string(), "a ` b &amp; &quot;c&quot;");
        assert!(html("").is_empty());
    }

    #[test]
    fn a_fault_reads_as_a_sentence() {
        assert_eq!(sentence("the scope is missing"), "The scope is missing.");
        assert_eq!(sentence("Really?"), "Really?");
        assert_eq!(sentence(""), "");
    }

    proptest! {
        #[test]
        fn no_text_opens_a_tag_of_its_own(text: String) {
            let shown = html(&text).to_string();
            let ours = ["<code>", "</code>", "<bdi>", "</bdi>"];
            let rest = ours.iter().fold(shown, |shown, tag| shown.replace(tag, ""));
            prop_assert!(!rest.contains(['<', '>', '"', '\'']), "{}", rest);
        }
    }
}
