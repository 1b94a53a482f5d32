//! What can be wrong with a mapping when it is read, and what can go wrong when it runs. Texts
//! name places, functions and types, never a value of the answer.

use std::fmt;

/// The longest word that a fault repeats, in characters.
const MAX_QUOTED: usize = 64;

/// A mapping or expression that cannot be used: what is wrong, where, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct MappingFault {
    /// What is wrong: lower case, no full stop.
    pub message: String,
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
    /// The byte in the text, from 0.
    pub offset: usize,
    /// What to do about it, if that is known.
    pub hint: Option<String>,
    /// Which field of a table mapping, or `subject`; none in a mapping that is one expression.
    pub field: Option<String>,
    /// The line at fault, or the part of a long one around the place.
    shown: String,
}

impl MappingFault {
    /// How much of a long line a caret is shown under, in characters.
    const SHOWN: usize = 72;

    pub(super) fn at(text: &str, offset: usize, message: impl Into<String>) -> Self {
        let mut offset = offset.min(text.len());
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        let before = &text[..offset];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let column = before[line_start..].chars().count();
        let from = column.saturating_sub(Self::SHOWN / 2);
        let line = text[line_start..].lines().next().unwrap_or_default();
        let plain = |c: char| if c == '\t' { ' ' } else { c };
        Self {
            message: message.into(),
            line: before.matches('\n').count() + 1,
            column: column + 1,
            offset,
            hint: None,
            field: None,
            shown: line.chars().skip(from).take(Self::SHOWN).map(plain).collect(),
        }
    }

    pub(super) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(super) fn in_field(mut self, field: &str) -> Self {
        self.field = Some(field.to_owned());
        self
    }

    /// The line at fault with a caret below, and the hint, for a terminal or a `<pre>`.
    pub fn caret(&self) -> String {
        let (shown, gap) = (&self.shown, " ".repeat((self.column - 1).min(Self::SHOWN / 2)));
        match &self.hint {
            Some(hint) => format!("{shown}\n{gap}^ {}\nhint: {hint}", self.message),
            None => format!("{shown}\n{gap}^ {}", self.message),
        }
    }
}

/// A word of a mapping for a sentence: a long one is cut.
pub(super) fn quoted(word: &str) -> String {
    let mut shown: String = word.chars().take(MAX_QUOTED).collect();
    if shown.len() < word.len() {
        shown.push('…');
    }
    format!("`{shown}`")
}

impl fmt::Display for MappingFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(field) = &self.field {
            write!(f, "`{field}`: ")?;
        }
        write!(f, "{} (line {}, column {})", self.message, self.line, self.column)?;
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, "; {hint}"))
    }
}

/// Why a mapping gave no profile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvalFault {
    /// It took too many steps.
    #[error("the mapping takes too many steps for this answer; read fewer or smaller lists")]
    OutOfFuel,
    /// It made more than the byte budget allows.
    #[error("the mapping makes more than 8 MiB of this answer; name the fields that are needed")]
    TooLarge,
    /// A mapping must give an object.
    #[error(
        "the mapping gives {found} and not an object; write it as `{{email: …}}` or name a field that holds one"
    )]
    NotAnObject {
        /// What it gave: a JSON type with its article.
        found: &'static str,
    },
    /// A function was given something that it cannot take.
    #[error(
        "`{function}` wants {wanted} as argument {position} and was given {found} (line {line}, column {column})"
    )]
    WrongType {
        /// The function.
        function: &'static str,
        /// Which argument, from 1.
        position: usize,
        /// What it takes.
        wanted: &'static str,
        /// What it got: a JSON type with its article.
        found: &'static str,
        /// Where the function stands in its expression: the line, from 1.
        line: usize,
        /// The character in the line, from 1.
        column: usize,
    },
}

impl EvalFault {
    /// Whether only the field is lost, and not the whole answer: a budget that is spent is spent.
    pub fn is_of_one_field(&self) -> bool {
        matches!(self, Self::WrongType { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_counts_lines_and_characters_not_bytes() {
        let fault = MappingFault::at("{a: b,\n é: ?}", 12, "unexpected `?`");
        assert_eq!((fault.line, fault.column, fault.offset), (2, 5, 12));
        assert_eq!(fault.to_string(), "unexpected `?` (line 2, column 5)");
    }

    #[test]
    fn an_offset_inside_a_character_or_past_the_end_is_moved_back() {
        assert_eq!(MappingFault::at("é", 1, "x").offset, 0);
        assert_eq!(MappingFault::at("abc", 99, "x").offset, 3);
    }

    #[test]
    fn a_caret_stands_under_the_place() {
        let fault = MappingFault::at("{a: = b}", 4, "unexpected `=`").with_hint("did you mean `==`");
        assert_eq!(fault.caret(), "{a: = b}\n    ^ unexpected `=`\nhint: did you mean `==`");
    }

    #[test]
    fn a_fault_of_a_mebibyte_keeps_a_line_of_it() {
        let text = "a".repeat(1024 * 1024);
        let fault = MappingFault::at(&text, 700_000, format!("unexpected {}", quoted(&text)));
        assert_eq!((fault.column, fault.shown.len()), (700_001, 72));
        assert!(fault.caret().len() < 300 && fault.to_string().len() < 200);
    }

    #[test]
    fn a_caret_in_a_long_line_shows_its_surroundings_only() {
        let text = format!("{}?{}", "a".repeat(500), "b".repeat(500));
        let caret = MappingFault::at(&text, 500, "unexpected `?`").caret();
        let lines: Vec<&str> = caret.lines().collect();
        assert_eq!(lines[0].chars().count(), 72);
        assert_eq!(lines[0].find('?'), lines[1].find('^'));
    }
}
