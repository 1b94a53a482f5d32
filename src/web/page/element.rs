//! The web chat element: our script with the words of every language in it.

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::LazyLock;

use aws_lc_rs::digest;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Map, Value, json};

use super::language::Language;
use super::text::{Text, Words};

/// The script without its words.
const SOURCE: &str = include_str!("../../../assets/embed/chat.js");
/// Where they go.
const PLACE: &str = "/* words */ {}";

/// The element as browsers load it.
#[derive(Debug)]
pub struct Element {
    /// The script.
    pub text: String,
    /// The same, compressed (RFC 1952).
    pub gzip: Vec<u8>,
    /// What changes with it (RFC 9110, 8.8.3), in quotes.
    pub etag: String,
}

/// The element's script.
pub fn element() -> &'static Element {
    static ELEMENT: LazyLock<Element> = LazyLock::new(build);
    &ELEMENT
}

fn build() -> Element {
    let text = SOURCE.replacen(PLACE, &Value::Object(words()).to_string(), 1);
    let digest = digest::digest(&digest::SHA256, text.as_bytes());
    let hash = digest.as_ref().iter().take(16).fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes every byte");
        text
    });
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text.as_bytes()).expect("memory takes every byte");
    let gzip = encoder.finish().expect("memory takes every byte");
    Element { text, gzip, etag: format!("\"{hash}\"") }
}

/// The words per language, with the direction in which it is written.
fn words() -> Map<String, Value> {
    let of = |language: &'static Language| {
        let words = Words::in_language(language);
        let said = json!({
            "dir": language.direction(),
            "window": words.say(Text::CardWindow),
            "opened": words.say(Text::CardOpened),
            "blocked": words.say(Text::CardBlocked),
            "page": words.say(Text::CardPage),
            "code": words.say(Text::CardCode),
            "done": words.say(Text::CardDone),
            "again": words.say(Text::CardAgain),
            "over": words.say(Text::CardOver),
        });
        (language.tag().to_owned(), said)
    };
    Language::all().iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_element_speaks_every_language_of_the_pages() {
        let text = &element().text;
        assert!(SOURCE.contains(PLACE) && !text.contains(PLACE));
        for language in Language::all() {
            assert!(text.contains(&format!("\"{}\":{{\"", language.tag())), "{}", language.tag());
        }
        assert!(text.contains("\"dir\":\"rtl\"") && text.contains("You are signed in."));
    }

    #[test]
    fn the_element_makes_no_markup_from_text_and_names_no_other_site() {
        for word in [
            "innerHTML",
            "insertAdjacentHTML",
            "outerHTML",
            "document.write",
            "eval(",
            "http://",
            "https://",
            "setAttribute(\"on",
        ] {
            assert!(!SOURCE.contains(word), "{word}");
        }
        assert!(element().gzip.len() < 12_000, "{}", element().gzip.len());
    }
}
