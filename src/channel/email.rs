//! Email: a subject, a plain part and an HTML part that says the same.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::Draft;
use super::shorten::{Limit, Unit, fit};

/// RFC 5322, 2.1.1: a line should have at most 78 characters.
const SUBJECT: Limit = Limit { what: "subject", most: 78, unit: Unit::CodePoints };
/// Languages that are written from right to left.
const RIGHT_TO_LEFT: [&str; 4] = ["ar", "fa", "he", "ur"];
/// Mail services rewrite links to count who opens them. Each has its own word to leave this one alone:
/// the link is a credential that only the customer should see.
const UNTRACKED: &str =
    r#"clicktracking="off" data-pm-no-track="" disable-tracking="true" ses:no-track="" rel="noreferrer""#;

/// The parts of the email. Who sends it adds `from`.
pub(super) fn payload(draft: &mut Draft<'_>) -> Value {
    let subject = fit(&draft.title, SUBJECT, &mut draft.warnings);
    let html = html(draft, &subject);
    let mut email = Map::new();
    email.insert("type".to_owned(), json!("email"));
    if let Some(handle) = draft.input.handle {
        email.insert("to".to_owned(), json!(handle));
    }
    email.insert("subject".to_owned(), json!(subject));
    // RFC 3834: no holiday notice answers it.
    email.insert("headers".to_owned(), json!({"Auto-Submitted": "auto-generated"}));
    email.insert("text".to_owned(), json!(draft.text));
    email.insert("html".to_owned(), json!(html));
    Value::Object(email)
}

/// One column in the reader's own font; the link stands in words below its button, for those who check it.
fn html(draft: &Draft<'_>, subject: &str) -> String {
    let language = draft.language.split(['-', '_']).next().unwrap_or("en").to_ascii_lowercase();
    let direction = if RIGHT_TO_LEFT.contains(&&*language) { "rtl" } else { "ltr" };
    let (link, button) = (escape(draft.input.link_url), escape(draft.button));
    let mut html = format!(
        "<!doctype html>\n<html lang=\"{}\" dir=\"{direction}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{}</title>\n</head>\n\
         <body style=\"margin: 0; padding: 24px; font: 16px/1.5 sans-serif\">\n",
        escape(draft.language),
        escape(subject),
    );
    for paragraph in draft.body.split('\n').map(str::trim).filter(|line| !line.is_empty()) {
        let _ = writeln!(html, "<p>{}</p>", escape(paragraph));
    }
    let _ = write!(
        html,
        "<p><a href=\"{link}\" {UNTRACKED} style=\"display: inline-block; padding: 12px 24px; border-radius: 8px; \
         background: #1f4ed8; color: #ffffff; text-decoration: none\">{button}</a></p>\n\
         <p style=\"font-size: 14px\"><a href=\"{link}\" {UNTRACKED} dir=\"ltr\">{link}</a></p>\n</body>\n</html>\n"
    );
    html
}

/// A text that is safe inside of an element and of a quoted attribute.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::{MessageInput, render};
    use crate::domain::conversation::Channel;

    const LINK: &str = "https://acme.example.com/a/Zm9v?a=1&b=2";

    fn made(name: &str, wording: &str, locale: &str) -> Value {
        let input = MessageInput {
            tenant_name: name,
            wording: Some(wording),
            locale,
            ..MessageInput::of(Channel::Email, LINK)
        };
        render(&input).payload
    }

    #[test]
    fn what_others_wrote_stays_text() {
        let email = made("<b>\"Acme\"</b> & 'Sons'", "{tenant}\n<script>: {link}", "\"><x>");
        let html = email["html"].as_str().unwrap();
        assert!(html.contains("&lt;b&gt;&quot;Acme&quot;&lt;/b&gt; &amp; &#39;Sons&#39;"), "{html}");
        assert!(html.contains("<p>&lt;script&gt;</p>") && !html.contains("<x>"), "{html}");
        assert!(html.contains("href=\"https://acme.example.com/a/Zm9v?a=1&amp;b=2\""), "{html}");
        assert!(email["text"].as_str().unwrap().contains(LINK), "the plain part is not escaped");
    }

    #[test]
    fn arabic_reads_from_right_to_left_and_its_link_from_left_to_right() {
        let html = made("Acme", "{tenant} {link}", "ar-EG")["html"].as_str().unwrap().to_owned();
        assert!(html.contains("dir=\"rtl\"") && html.contains("dir=\"ltr\">https://"), "{html}");
        assert!(
            made("Acme", "{link}", "de")["html"].as_str().unwrap().contains("<html lang=\"de\" dir=\"ltr\">")
        );
    }

    #[test]
    fn a_subject_is_one_line_and_has_an_end() {
        let subject = made(&"Acme\r\nBcc: x@example.com ".repeat(9), "{link}", "en")["subject"].clone();
        let subject = subject.as_str().unwrap();
        assert!(subject.chars().count() <= 78 && !subject.contains(['\r', '\n']), "{subject}");
    }
}
