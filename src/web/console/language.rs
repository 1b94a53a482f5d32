//! What languages are called in English.

/// Names by tag.
const NAMES: &[(&str, &str)] = &[
    ("ar", "Arabic"),
    ("bg", "Bulgarian"),
    ("ca", "Catalan"),
    ("cs", "Czech"),
    ("da", "Danish"),
    ("de", "German"),
    ("el", "Greek"),
    ("en", "English"),
    ("es", "Spanish"),
    ("et", "Estonian"),
    ("fi", "Finnish"),
    ("fr", "French"),
    ("he", "Hebrew"),
    ("hi", "Hindi"),
    ("hr", "Croatian"),
    ("hu", "Hungarian"),
    ("id", "Indonesian"),
    ("it", "Italian"),
    ("ja", "Japanese"),
    ("ko", "Korean"),
    ("nb", "Norwegian"),
    ("nl", "Dutch"),
    ("pl", "Polish"),
    ("pt", "Portuguese"),
    ("pt-br", "Portuguese (Brazil)"),
    ("ro", "Romanian"),
    ("ru", "Russian"),
    ("sk", "Slovak"),
    ("sv", "Swedish"),
    ("th", "Thai"),
    ("tr", "Turkish"),
    ("uk", "Ukrainian"),
    ("vi", "Vietnamese"),
    ("zh", "Chinese"),
    ("zh-hant", "Chinese (traditional)"),
];

/// What a language is called: its name, its language's name with the tag, or the tag.
pub fn name(tag: &str) -> String {
    let known = |wanted: &str| NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(wanted));
    if let Some((_, name)) = known(tag) {
        return (*name).to_owned();
    }
    let language = tag.split('-').next().unwrap_or(tag);
    known(language).map_or_else(|| tag.to_owned(), |(_, name)| format!("{name} ({tag})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_of_a_standard_message_has_a_name() {
        for tag in crate::flow::desk::draft::standard_languages() {
            assert_ne!(name(tag), tag, "{tag}");
        }
        assert_eq!(
            (name("PT-BR").as_str(), name("de-AT").as_str()),
            ("Portuguese (Brazil)", "German (de-AT)")
        );
        assert_eq!(name("xx"), "xx");
    }
}
