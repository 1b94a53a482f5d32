//! What a check says, as people read it: our errors are in lower case, without a full stop, with values in backticks.

use super::text::tidy;

/// The text with a capital letter, a full stop at the end, and quotes in place of backticks.
pub fn sentence(text: &str) -> String {
    let text = tidy(text);
    let mut marks = ["“", "”"].into_iter().cycle();
    let quoted = text.matches('`').count().is_multiple_of(2);
    let mut told = String::new();
    for (index, letter) in text.chars().enumerate() {
        match letter {
            '`' if quoted => told.push_str(marks.next().unwrap_or_default()),
            letter if index == 0 => told.extend(letter.to_uppercase()),
            letter => told.push(letter),
        }
    }
    if told.ends_with(['.', '!', '?']) { told } else { told + "." }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_told_as_a_sentence() {
        assert_eq!(sentence("at `a b` is no page"), "At “a b” is no page.");
        assert_eq!(sentence("`x` and a lone ` mark!"), "`x` and a lone ` mark!");
        assert_eq!(sentence(""), ".");
    }
}
