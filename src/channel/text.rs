//! The text of a message: a wording with its placeholders filled.

use super::MessageInput;
use super::wordings::words_for;

/// The longest name that is put into a message, in characters.
const MAX_NAME: usize = 80;

/// The text and what is odd about its wording.
pub(super) fn compose(input: &MessageInput<'_>) -> (String, Vec<String>) {
    let mut warnings = Vec::new();
    let own = input.wording.map(str::trim).filter(|wording| !wording.is_empty());
    let wording = own.unwrap_or_else(|| words_for(input.locale).text);
    let mut text = fill(wording, input, &mut warnings);
    if !text.contains(input.link_url) {
        text = format!("{} {}", text.trim_end(), input.link_url);
        warnings.push("the wording has no `{link}`, so the link was put at its end".to_owned());
    }
    (text, warnings)
}

/// The text for a message whose link is a button: without the link, if nothing that is read stands behind
/// it. A link in the middle of a sentence stays there.
pub(super) fn without_link(text: &str, link: &str) -> String {
    let Some((before, behind)) = text.rsplit_once(link) else { return text.to_owned() };
    if before.contains(link) || behind.contains(char::is_alphanumeric) {
        return text.to_owned();
    }
    before.trim_end_matches(|c: char| c.is_whitespace() || ":：,，-–—(（<\"“„".contains(c)).to_owned()
}

/// The title of a card or the subject of an email, on one line.
pub(super) fn title(input: &MessageInput<'_>) -> String {
    words_for(input.locale).title.replace("{tenant}", &name(input.tenant_name))
}

/// Fills the placeholders in one pass, so that a name with braces in it fills nothing.
fn fill(wording: &str, input: &MessageInput<'_>, warnings: &mut Vec<String>) -> String {
    let mut text = String::with_capacity(wording.len() + input.link_url.len() + 32);
    let mut rest = wording;
    while let Some(from) = rest.find('{') {
        let Some(length) = rest[from..].find('}') else {
            warnings.push("a `{` of the wording is never closed".to_owned());
            break;
        };
        // Of several `{` the last one opens the placeholder.
        let open = rest[..from + length].rfind('{').unwrap_or(from);
        text.push_str(&visible(&rest[..open]));
        let placeholder = &rest[open..=from + length];
        match placeholder {
            "{tenant}" => text.push_str(&name(input.tenant_name)),
            "{provider}" => text.push_str(&name(input.provider_label)),
            "{link}" => push_link(&mut text, input.link_url, &rest[from + length + 1..], warnings),
            unknown => {
                warnings.push(format!(
                    "`{unknown}` is not filled; known are `{{tenant}}`, `{{provider}}` and `{{link}}`"
                ));
                text.push_str(&visible(unknown));
            }
        }
        rest = &rest[from + length + 1..];
    }
    text.push_str(&visible(rest));
    text
}

/// Puts the link in, and says so where what follows would be taken for a part of it.
fn push_link(text: &mut String, link: &str, behind: &str, warnings: &mut Vec<String>) {
    text.push_str(link);
    if behind.starts_with(|c: char| !c.is_whitespace()) {
        warnings.push(
            "a character directly behind `{link}` may be taken for a part of it; put a space or a new line between them"
                .to_owned(),
        );
    }
}

/// A name on one line, without controls and marks of direction, and not endless.
fn name(name: &str) -> String {
    let spaced: String =
        name.chars().map(|c| if c.is_control() || c.is_whitespace() { ' ' } else { c }).collect();
    let words: Vec<String> = spaced.split_whitespace().map(visible).filter(|word| !word.is_empty()).collect();
    words.join(" ").chars().take(MAX_NAME).collect()
}

/// A text without what turns its direction or is not seen. New lines stay.
fn visible(text: &str) -> String {
    text.chars().filter(|c| *c == '\n' || !(c.is_control() || is_hidden(*c))).collect()
}

fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::conversation::Channel;

    const LINK: &str = "https://acme.example.com/a/x";

    fn input<'a>(wording: Option<&'a str>, tenant_name: &'a str) -> MessageInput<'a> {
        let (provider_label, locale) = ("Acme online", "en");
        MessageInput {
            tenant_name,
            provider_label,
            locale,
            wording,
            ..MessageInput::of(Channel::Webchat, LINK)
        }
    }

    #[test]
    fn placeholders_are_filled_and_unknown_ones_stay_with_a_word() {
        let (text, warnings) = compose(&input(Some("{tenant} via {provider}: {link} {name}"), "Acme"));
        assert_eq!(text, format!("Acme via Acme online: {LINK} {{name}}"));
        assert_eq!(warnings, ["`{name}` is not filled; known are `{tenant}`, `{provider}` and `{link}`"]);
    }

    #[test]
    fn a_wording_without_link_gets_it_at_its_end() {
        let (text, warnings) = compose(&input(Some("Sign in at {tenant}"), "Acme"));
        assert_eq!(text, format!("Sign in at Acme {LINK}"));
        assert_eq!(warnings.len(), 1);
    }

    #[test]
    fn a_link_at_the_end_is_left_to_the_button_and_one_in_a_sentence_stays() {
        let bare = |text: &str| without_link(&text.replace("<>", LINK), LINK).replace(LINK, "<>");
        for (text, expected) in [
            ("Sign in: <>", "Sign in"),
            ("Connectez-vous : <>", "Connectez-vous"),
            ("请登录： <>", "请登录"),
            ("Sign in (<>).", "Sign in"),
            ("Sign in!\n<>\n", "Sign in!"),
            ("Open <> to sign in", "Open <> to sign in"),
            ("<> or <>", "<> or <>"),
            ("<>", ""),
            ("Sign in", "Sign in"),
        ] {
            assert_eq!(bare(text), expected);
        }
    }

    #[test]
    fn a_title_names_the_business_on_one_line() {
        assert_eq!(title(&input(None, "Acme\r\nBank")), "Sign in to Acme Bank");
        assert_eq!(title(&MessageInput { locale: "ja", ..input(None, "Acme") }), "Acme にサインイン");
    }

    #[test]
    fn what_stands_directly_behind_the_link_is_warned_of() {
        let (text, warnings) = compose(&input(Some("Sign in: {link}."), "Acme"));
        assert!(text.ends_with("/x."));
        assert!(warnings[0].contains("directly behind"));
    }

    #[test]
    fn a_name_cannot_bring_in_controls_directions_or_placeholders() {
        let (text, _) =
            compose(&input(Some("{tenant}: {link}"), "\u{202E}Ac\r\nme\u{0}\u{2066} {link}\u{FEFF}"));
        assert_eq!(text, format!("Ac me {{link}}: {LINK}"));
        let (text, _) = compose(&input(Some("{tenant}: {link}"), &"x".repeat(500)));
        assert_eq!(text.chars().count(), MAX_NAME + 2 + LINK.len());
    }

    #[test]
    fn an_empty_wording_is_none_and_an_open_brace_stays() {
        let (text, warnings) = compose(&input(Some("{{link}"), "Acme"));
        assert_eq!((text, warnings.len()), (format!("{{{LINK}"), 0));
        assert_eq!(compose(&input(Some("  "), "Acme")), compose(&input(None, "Acme")));
        let (text, warnings) = compose(&input(Some("{link} {tenant"), "Acme"));
        assert_eq!(text, format!("{LINK} {{tenant"));
        assert_eq!(warnings.len(), 1);
    }

    proptest! {
        #[test]
        fn the_link_is_always_whole(wording in r"(\PC|\{link\}|\{tenant\}|[{}\n\u{202e}]){0,12}", tenant in "\\PC{0,100}") {
            let (text, _) = compose(&input(Some(&wording), &tenant));
            prop_assert!(text.contains(LINK));
            prop_assert!(!text.contains(|c: char| c.is_control() && c != '\n'));
        }
    }
}
