//! The check before the parser: length and nesting. The library's parser and the destructor of
//! its tree recurse as deep as the text says, and a stack that overflows ends the process.

use super::super::fault::MappingFault;

/// The longest text, in bytes.
pub const MAX_LENGTH: usize = 16 * 1024;
/// How deep a tree may become: brackets within brackets, plus the operators that nest without them.
pub const MAX_DEPTH: usize = 48;
/// How many `|`, `||` and `&&` may follow each other on one level.
const MAX_CHAIN: usize = 256;

/// Refuses a text that would make too deep a tree, without building one.
pub(super) fn check(text: &str) -> Result<(), MappingFault> {
    let bytes = text.as_bytes();
    let mut levels = Levels::default();
    let mut at = 0;
    while at < bytes.len().min(MAX_LENGTH) {
        let byte = bytes[at];
        let doubled = bytes.get(at + 1) == Some(&byte);
        match byte {
            b'\'' | b'"' | b'`' => at = closing_quote(bytes, at),
            b'[' | b'{' | b'(' => levels.open(),
            b']' | b'}' | b')' => levels.close(),
            b',' => levels.next_element(),
            b'|' | b'&' if byte == b'|' || doubled => {
                levels.chain();
                at += usize::from(doubled);
            }
            b'.' | b'&' | b'!' | b'*' | b'<' | b'>' | b'=' => {
                levels.operator();
                at += usize::from(bytes.get(at + 1) == Some(&b'=') && byte != b'.');
            }
            _ => {}
        }
        if levels.depth() > MAX_DEPTH || levels.top().chained > MAX_CHAIN {
            return Err(MappingFault::at(text, at, "the expression is nested too deep")
                .with_hint("split it into one expression per field, or end a long chain with a function"));
        }
        at += 1;
    }
    if bytes.len() > MAX_LENGTH {
        return Err(MappingFault::at(text, MAX_LENGTH, "the expression is longer than 16 KiB")
            .with_hint("split it into one expression per field"));
    }
    Ok(())
}

/// The innermost bracket that is never closed: its byte and its character.
pub fn unclosed(text: &str) -> Option<(usize, char)> {
    let bytes = text.as_bytes();
    let mut open: Vec<usize> = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'\'' | b'"' | b'`' => at = closing_quote(bytes, at),
            b'[' | b'{' | b'(' => open.push(at),
            b']' | b'}' | b')' => {
                open.pop();
            }
            _ => {}
        }
        at += 1;
    }
    open.pop().map(|at| (at, char::from(bytes[at])))
}

/// Where the quote that opens at `from` closes; the text's end if it does not.
fn closing_quote(bytes: &[u8], from: usize) -> usize {
    let mut at = from + 1;
    while at < bytes.len() && bytes[at] != bytes[from] {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    at
}

/// What is open at a place in the text.
struct Levels {
    open: Vec<Level>,
    /// The operators of all levels but the innermost.
    below: usize,
}

/// One pair of brackets, or the whole text.
#[derive(Clone, Copy, Default)]
struct Level {
    /// `|`, `||`, `&&` since the last comma: each makes the tree one deeper on the left.
    chained: usize,
    /// Operators of the running operand: each makes the tree one deeper.
    operators: usize,
}

impl Default for Levels {
    fn default() -> Self {
        Self { open: vec![Level::default()], below: 0 }
    }
}

impl Levels {
    fn top(&mut self) -> &mut Level {
        self.open.last_mut().expect("the level of the whole text is never closed")
    }

    /// How deep the tree is here. Long chains are counted apart: eight links are one level, since
    /// they cost far less of the stack than brackets do.
    fn depth(&mut self) -> usize {
        let Level { chained, operators } = *self.top();
        self.below + operators + chained / 8
    }

    fn open(&mut self) {
        let Level { chained, operators } = *self.top();
        self.top().operators += 1;
        self.below += operators + 1 + chained / 8;
        self.open.push(Level::default());
    }

    fn close(&mut self) {
        if self.open.len() > 1 {
            self.open.pop();
            let Level { chained, operators } = *self.top();
            self.below -= operators + chained / 8;
        }
    }

    fn next_element(&mut self) {
        *self.top() = Level::default();
    }

    fn chain(&mut self) {
        let top = self.top();
        top.chained += 1;
        top.operators = 0;
    }

    fn operator(&mut self) {
        self.top().operators += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_are_counted_as_deep_as_they_nest() {
        assert!(check(&format!("{}a{}", "[".repeat(47), "]".repeat(47))).is_ok());
        let fault = check(&"[".repeat(2000)).unwrap_err();
        assert_eq!((fault.offset, fault.message.as_str()), (MAX_DEPTH, "the expression is nested too deep"));
    }

    #[test]
    fn operators_that_nest_without_brackets_are_counted_too() {
        for text in ["!".repeat(5000), "&".repeat(999), "*.".repeat(3000), "[*]".repeat(3000)] {
            assert!(check(&text).is_err(), "{} passed", &text[..9]);
        }
        assert!(check(&"not_null(".repeat(1500)).is_err());
        assert!(check(&"a|".repeat(1000)).is_err());
    }

    #[test]
    fn siblings_and_quoted_brackets_do_not_count() {
        assert!(check(&format!("{{{}}}", vec!["a: b.c[0].d"; 1000].join(", "))).is_ok());
        assert!(
            check(&format!("'{}' || \"{}\" || `\"{}\"`", "[".repeat(200), "[".repeat(200), "[".repeat(200)))
                .is_ok()
        );
        assert!(check(r"'it\'s [[[' || a").is_ok());
        assert!(check(&vec!["user.names[0].value"; 100].join(" || ")).is_ok());
    }

    #[test]
    fn a_text_over_16_kib_is_refused() {
        assert!(check(&"a".repeat(MAX_LENGTH)).is_ok());
        assert!(check(&"a".repeat(MAX_LENGTH + 1)).unwrap_err().message.contains("16 KiB"));
    }

    #[test]
    fn what_is_never_closed_is_found_outside_quotes() {
        assert_eq!(unclosed("{a: b[0"), Some((5, '[')));
        assert_eq!(unclosed("{a: '[', b: \"(\""), Some((0, '{')));
        assert_eq!(unclosed("{a: [b]}"), None);
    }
}
