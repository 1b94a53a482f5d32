//! The letter with a customer's sign-in code: plain text and HTML, in the customer's language and writing direction,
//! with nothing in it that is fetched from anywhere, and nothing to click.

use askama::Template;

use crate::domain::otp::OTP_LIFETIME;
use crate::domain::website::Accent;
use crate::flow::Letter;
use crate::secret::Secret;

use super::text::{Text, Words, clean};

/// The colour of letters whose website has none.
const ACCENT: &str = "#1f4e9c";
/// What is written on it.
const INK: &str = "#ffffff";

/// Who a letter comes from, and how it looks.
#[derive(Debug, Clone)]
pub struct LetterLook {
    /// The tenant's name.
    pub tenant: String,
    /// Who the letter comes from; none means the tenant.
    pub sender: Option<String>,
    /// Its colour; none means ours.
    pub accent: Option<Accent>,
    /// The language that was asked for.
    pub locale: Option<String>,
    /// The languages of the browser (`Accept-Language`).
    pub accept_language: Option<String>,
}

#[derive(Template)]
#[template(path = "letter.html")]
struct LetterView<'a> {
    lang: &'a str,
    dir: &'a str,
    subject: &'a str,
    sender: &'a str,
    accent: &'a str,
    ink: &'a str,
    lead: &'a str,
    digits: &'a str,
    good: &'a str,
    warning: &'a str,
    unasked: &'a str,
}

/// The letter to an address with a code.
pub fn code_letter(look: &LetterLook, to: &str, digits: &Secret) -> Letter {
    let words = Words::negotiate(look.locale.as_deref(), look.accept_language.as_deref());
    let language = words.language();
    let is_ltr = language.direction() == "ltr";
    // Marks of direction are right in a right-to-left sentence, and noise in a subject line of any other.
    let plain = |text: String| if is_ltr { text.replace(['\u{2068}', '\u{2069}'], "") } else { text };
    let tenant = [("tenant", look.tenant.as_str().into())];
    let subject = plain(words.with(Text::LetterSubject, &tenant));
    let lead = plain(words.with(Text::LetterLead, &tenant));
    let good = plain(words.with(Text::LetterGood, &[("minutes", OTP_LIFETIME.as_mins().into())]));
    let warning = plain(words.with(Text::LetterWarning, &tenant));
    let unasked = plain(words.say(Text::LetterUnasked));
    let sender = clean(look.sender.as_deref().unwrap_or(&look.tenant));
    let accent = look.accent.map_or_else(|| ACCENT.to_owned(), |accent| accent.to_string());
    let digits = digits.expose();
    let view = LetterView {
        lang: language.tag(),
        dir: language.direction(),
        subject: &subject,
        sender: &sender,
        accent: &accent,
        ink: look.accent.map_or(INK, Accent::ink),
        lead: &lead,
        digits,
        good: &good,
        warning: &warning,
        unasked: &unasked,
    };
    let html = view.render().expect("a letter is made of texts");
    let text = format!("{digits}\n\n{lead} {good}\n\n{warning}\n\n{unasked}\n");
    Letter { sender: Some(sender.clone()), to: to.to_owned(), subject, text, html }
}

#[cfg(test)]
mod tests {
    use super::super::language::Language;
    use super::*;

    fn look(locale: &str) -> LetterLook {
        LetterLook {
            tenant: "Acme <b>Bank</b>".to_owned(),
            sender: None,
            accent: Accent::parse("#ffdd00"),
            locale: Some(locale.to_owned()),
            accept_language: None,
        }
    }

    fn letter(locale: &str) -> Letter {
        code_letter(&look(locale), "dana@acme.example", &Secret::new("012345"))
    }

    #[test]
    fn every_language_has_its_letter_with_the_code_in_both_parts() {
        let mut subjects = std::collections::BTreeSet::new();
        for language in Language::all() {
            let letter = letter(language.tag());
            assert!(
                letter.text.starts_with("012345\n") && letter.html.contains(">012345<"),
                "{}",
                letter.text
            );
            let head = format!("<html lang=\"{}\" dir=\"{}\">", language.tag(), language.direction());
            assert!(letter.html.contains(&head), "{}", letter.html);
            assert!(letter.text.contains("10"), "how long it is good: {}", letter.text);
            subjects.insert(letter.subject);
        }
        assert_eq!(subjects.len(), Language::all().len(), "each in words of its own");
    }

    #[test]
    fn a_letter_fetches_nothing_and_has_nothing_to_click() {
        for language in Language::all() {
            let html = letter(language.tag()).html;
            for never in ["http:", "https:", "src=", "href=", "url(", "@import", "<script", "<img", "<link"] {
                assert!(!html.contains(never), "{never} in {html}");
            }
            assert!(html.contains("prefers-color-scheme: dark") && html.contains("content=\"light dark\""));
        }
    }

    #[test]
    fn a_hostile_name_is_text_and_turns_nothing_around() {
        let hostile = LetterLook {
            tenant: "Acme\r\nBcc: eve@evil.example \u{202e}<script>".to_owned(),
            sender: Some("<i>\u{2066}Eve</i>".to_owned()),
            ..look("en")
        };
        let letter = code_letter(&hostile, "dana@acme.example", &Secret::new("012345"));
        assert!(!letter.subject.contains(['\r', '\n', '\u{202e}', '\u{2068}']), "{:?}", letter.subject);
        assert!(!letter.html.contains("<script") && !letter.html.contains("<i>"), "{}", letter.html);
        assert_eq!(letter.sender.as_deref(), Some("<i>Eve</i>"));
    }

    #[test]
    fn what_stands_on_the_colour_of_a_website_can_be_read() {
        let html = letter("en").html;
        assert!(html.contains("background:#ffdd00;color:#000000"), "{html}");
        let ours = code_letter(&LetterLook { accent: None, ..look("en") }, "d@a.example", &Secret::new("1"));
        assert!(ours.html.contains("background:#1f4e9c;color:#ffffff"));
    }
}
