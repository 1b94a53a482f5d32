//! What documents, chats and word processors do to a mapping, undone. Nothing is repaired that
//! can be read as it is, and a repair is kept only if the result can be read.

use std::borrow::Cow;

use super::expression::Expression;
use super::expression::bounds::MAX_LENGTH;
use super::fault::MappingFault;

/// The longest text that is offered instead of a broken one, in bytes.
const MAX_SUGGESTED: usize = 1024;

/// An expression and, if it had to be repaired, the text that it was read from.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Repaired {
    pub(super) expression: Expression,
    pub(super) text: Option<String>,
}

/// Reads a text as it is, or else with ever more repairs. The fault is that of the text as given.
pub(super) fn parse(text: &str) -> Result<Repaired, MappingFault> {
    let fault = match as_json_string(text) {
        Some(inner) => match Expression::parse(&inner) {
            Ok(expression) => return Ok(Repaired { expression, text: Some(inner) }),
            Err(fault) => fault,
        },
        None => match Expression::parse(text) {
            Ok(expression) => return Ok(Repaired { expression, text: None }),
            Err(fault) => fault,
        },
    };
    if text.len() > 2 * MAX_LENGTH {
        return Err(fault);
    }
    let mut repaired = Cow::Borrowed(text);
    for repair in [straight_quotes, without_stray_backslashes, without_odd_quote] {
        repaired = Cow::Owned(repair(&repaired));
        if let Ok(expression) = Expression::parse(&repaired) {
            return Ok(Repaired { expression, text: Some(repaired.into_owned()) });
        }
    }
    Err(with_suggestion(fault, &repaired))
}

/// A mapping that was copied from JSON, quotes and all: `"{\"email\": mail}"`. It could be read
/// as one long quoted name, which nobody means.
fn as_json_string(text: &str) -> Option<String> {
    let text = Some(text.trim()).filter(|text| text.len() <= 2 * MAX_LENGTH)?;
    let inner: String = serde_json::from_str(text).ok()?;
    inner.trim_start().starts_with('{').then_some(inner)
}

/// Curly quotes become straight ones, and spaces and marks that nobody sees become spaces or
/// nothing; inside straight quotes everything stays.
fn straight_quotes(text: &str) -> String {
    let mut straight = String::with_capacity(text.len());
    let mut open: Option<char> = None;
    let mut is_escaped = false;
    for c in text.chars() {
        let plain = match c {
            '\u{201C}'..='\u{201F}' | '\u{AB}' | '\u{BB}' | '\u{FF02}' => '"',
            '\u{2018}'..='\u{201B}' | '\u{FF07}' => '\'',
            '\u{A0}' | '\u{2007}' | '\u{202F}' | '\u{3000}' => ' ',
            '\u{FEFF}' | '\u{200B}'..='\u{200F}' | '\u{2060}' => '\0',
            _ => c,
        };
        match open {
            Some(quote) if c == quote && !is_escaped => open = None,
            Some(quote) if plain == quote && plain != c => open = None,
            None if matches!(plain, '"' | '\'' | '`') => open = Some(plain),
            Some(_) => {
                is_escaped = c == '\\' && !is_escaped;
                straight.push(c);
                continue;
            }
            None => {}
        }
        is_escaped = false;
        straight.extend((plain != '\0').then_some(plain));
    }
    straight
}

/// `\"` was meant for a string in a program.
fn without_stray_backslashes(text: &str) -> String {
    text.replace("\\\"", "\"").replace("\\'", "'").replace("\\n", " ").replace("\\t", " ")
}

/// The closing or opening quote of that string, which stayed behind.
fn without_odd_quote(text: &str) -> String {
    let text = text.trim().trim_end_matches([';', ',']).trim_end();
    if text.matches('"').count().is_multiple_of(2) {
        return match text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
            Some(inner) if inner.trim_start().starts_with('{') => inner.to_owned(),
            _ => text.to_owned(),
        };
    }
    let without_last = text.strip_suffix('"');
    without_last.or_else(|| text.strip_prefix('"')).unwrap_or(text).to_owned()
}

/// Where only the closing brackets are missing, the whole text is offered.
fn with_suggestion(fault: MappingFault, repaired: &str) -> MappingFault {
    const CLOSING: [(char, char); 3] = [('[', ']'), ('(', ')'), ('{', '}')];
    if repaired.len() > MAX_SUGGESTED {
        return fault;
    }
    let mut closed = repaired.trim_end().to_owned();
    for _ in 0..8 {
        let Some((_, bracket)) = super::expression::bounds::unclosed(&closed) else { break };
        closed.extend(CLOSING.iter().find(|(open, _)| *open == bracket).map(|(_, close)| *close));
        if Expression::parse(&closed).is_ok() {
            return fault.with_hint(format!("did you mean `{closed}`"));
        }
    }
    fault
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEANT: &str = r#"{"userName": user.id, "fullName": user.name, "email": user.email}"#;

    fn repaired(text: &str) -> Option<String> {
        parse(text).unwrap_or_else(|fault| panic!("{fault}")).text
    }

    #[test]
    fn the_documented_mapping_works_as_printed_and_as_meant() {
        let printed = r#"{"userName\": user.id, \"fullName\": user.name, \"email\": user.email}""#;
        assert_eq!(repaired(printed).as_deref(), Some(MEANT));
        assert_eq!(repaired(MEANT), None);
        assert_eq!(parse(printed).unwrap().expression, parse(MEANT).unwrap().expression);
    }

    #[test]
    fn a_mapping_copied_out_of_json_is_unwrapped() {
        let copied = serde_json::to_string(MEANT).unwrap();
        assert_eq!(repaired(&copied).as_deref(), Some(MEANT));
        let escaped = copied.trim_matches('"');
        assert_eq!(repaired(escaped).as_deref(), Some(MEANT));
        assert_eq!(repaired(&format!("\"{MEANT}\"")).as_deref(), Some(MEANT));
        assert_eq!(repaired(&format!("\"{MEANT}")).as_deref(), Some(MEANT));
    }

    #[test]
    fn curly_quotes_and_unseen_marks_are_made_plain() {
        assert_eq!(repaired("{“email”:\u{A0}mail}").as_deref(), Some(r#"{"email": mail}"#));
        assert_eq!(repaired("\u{FEFF}{\u{200B}email: mail}").as_deref(), Some("{email: mail}"));
        assert_eq!(repaired("a[?b == ‘x’].c").as_deref(), Some("a[?b == 'x'].c"));
    }

    #[test]
    fn what_can_be_read_is_left_alone() {
        for text in ["{a: 'it\\'s “quoted”'}", "\"first name\"", "{\"a\\\"b\": c}", "a[?b=='“'].c"] {
            assert_eq!(repaired(text), None, "{text}");
        }
        let mixed = repaired("{“a”: 'say “hi”', b: 'it\\'s'}");
        assert_eq!(mixed.as_deref(), Some("{\"a\": 'say “hi”', b: 'it\\'s'}"));
    }

    #[test]
    fn what_stays_broken_is_reported_as_it_was_given() {
        let fault = parse(r#"{"userName\": user.id"#).unwrap_err();
        assert_eq!((fault.line, fault.column), (1, 2));
        assert_eq!(fault.hint.as_deref(), Some(r#"did you mean `{"userName": user.id}`"#));
        assert!(parse("{“a”: }").unwrap_err().hint.is_none_or(|hint| !hint.contains("did you mean")));
    }
}
