//! The parser's faults in our words. The library speaks of tokens by their Rust names.

use jmespath::{ErrorReason, JmespathError};

use super::super::fault::{MappingFault, quoted};
use super::bounds;

/// Tokens by the library's name, and as they are written.
const TOKENS: &[(&str, &str)] = &[
    ("Dot", "."),
    ("Star", "*"),
    ("Flatten", "[]"),
    ("And", "&&"),
    ("Or", "||"),
    ("Pipe", "|"),
    ("Filter", "[?"),
    ("Lbracket", "["),
    ("Rbracket", "]"),
    ("Comma", ","),
    ("Colon", ":"),
    ("Not", "!"),
    ("Ne", "!="),
    ("Eq", "=="),
    ("Gte", ">="),
    ("Gt", ">"),
    ("Lte", "<="),
    ("Lt", "<"),
    ("At", "@"),
    ("Ampersand", "&"),
    ("Lparen", "("),
    ("Rparen", ")"),
    ("Lbrace", "{"),
    ("Rbrace", "}"),
];

/// One of the library's faults, at its place, with a hint where we know one.
pub(super) fn fault(text: &str, error: &JmespathError) -> MappingFault {
    let ErrorReason::Parse(reason) = &error.reason else {
        return MappingFault::at(text, error.offset, "this cannot be read");
    };
    let (expected, token) = reason.split_once(" -- found ").unwrap_or((reason, ""));
    let fault = MappingFault::at(text, error.offset, message(expected, token));
    match hint(text, error.offset, expected, token) {
        Some(hint) => fault.with_hint(hint),
        None => fault,
    }
}

fn message(expected: &str, token: &str) -> String {
    let found = written(token);
    match expected {
        _ if token == "Eof" => "the expression ends too early".to_owned(),
        "Unexpected nud token" | "Unexpected led token" | "Did not parse the complete expression" => {
            format!("unexpected {found}")
        }
        "Expected ':' to follow key" => format!("a `:` is missing behind the field's name, before {found}"),
        "Expected Field to start key value pair" => format!("a field's name is missing before {found}"),
        "Quoted strings can't be a function name" => "a function's name has no quotes".to_owned(),
        "Invalid function name" => "no function's name stands before this `(`".to_owned(),
        "invalid token after ','" => format!("something is missing between `,` and {found}"),
        "Expected valid number" => "this number is too large".to_owned(),
        _ if expected.starts_with("Unclosed") => "this quote is never closed".to_owned(),
        _ if expected.starts_with("'=' is not valid") => "unexpected `=`".to_owned(),
        _ if expected.starts_with("Unable to parse literal JSON") => {
            "what stands between the backticks is no JSON".to_owned()
        }
        _ if expected.starts_with("Unable to parse quoted identifier") => {
            "this quoted name is no JSON string".to_owned()
        }
        _ => match expected.strip_prefix("Invalid character: ") {
            Some(character) => format!("unexpected {}", quoted(character)),
            None if token.is_empty() => expected.chars().take(200).collect::<String>().to_lowercase(),
            None => format!(
                "{} and found {found}",
                expected.replacen("Expected", "expected", 1).replace('\'', "`")
            ),
        },
    }
}

fn hint(text: &str, offset: usize, expected: &str, token: &str) -> Option<String> {
    if expected.starts_with("'=' is not valid") {
        return Some("did you mean `==`".to_owned());
    }
    if token.starts_with("Number(") {
        return Some("a number stands in backticks: `` `18` ``".to_owned());
    }
    if expected.starts_with("Unable to parse literal") {
        return Some("a text stands in single quotes: 'text'".to_owned());
    }
    if expected.starts_with("Invalid character") {
        return match text.get(offset..).and_then(|rest| rest.chars().next()) {
            Some('$') => Some("paths do not begin with `$`: write `user.id`".to_owned()),
            Some('\\') => Some("leave the backslash out".to_owned()),
            Some('-') => Some("a name with `-` stands in double quotes: \"first-name\"".to_owned()),
            Some('/' | '#') => Some("there are no comments".to_owned()),
            _ => Some(
                "a name with other characters than letters, digits and `_` stands in double quotes"
                    .to_owned(),
            ),
        };
    }
    if expected.starts_with("'-' must be followed") {
        return Some("a name with `-` stands in double quotes: \"first-name\"".to_owned());
    }
    let (at, bracket) = bounds::unclosed(text)?;
    let line = text[..at].matches('\n').count() + 1;
    let column = text[..at].chars().rev().take_while(|c| *c != '\n').count() + 1;
    Some(format!("the `{bracket}` at line {line}, column {column} is never closed"))
}

/// A token as it stands in the text.
fn written(token: &str) -> String {
    if let Some((_, written)) = TOKENS.iter().find(|(name, _)| *name == token) {
        return format!("`{written}`");
    }
    let inner = token.split_once('(').map(|(_, rest)| rest.trim_end_matches(')'));
    match (token.split('(').next().unwrap_or_default(), inner) {
        ("Identifier" | "QuotedIdentifier" | "Number", Some(inner)) => quoted(inner.trim_matches('"')),
        ("Literal", _) => "a literal".to_owned(),
        _ => "the end".to_owned(),
    }
}
