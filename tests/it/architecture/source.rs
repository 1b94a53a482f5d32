//! A source file as the rules see it: code without comments, texts and tests, line by line.

use std::path::Path;

/// One file.
pub(super) struct Source {
    /// From the repository's root, with slashes.
    pub(super) path: String,
    /// As it stands.
    pub(super) text: String,
    /// The lines before the tests, with comments and the insides of texts blanked out.
    code: Vec<String>,
}

/// Every Rust file under a folder of the repository, in a stable order.
pub(super) fn read_sources(folder: &str) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = Vec::new();
    let mut folders = vec![root.join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
                sources.push(Source::new(name, std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(!sources.is_empty(), "no sources under {folder}");
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    sources
}

/// Names and numbers in code.
pub(super) fn tokens(code: &str) -> impl Iterator<Item = &str> {
    code.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|token| !token.is_empty())
}

/// The words of a name in snake or camel case, in lower case.
pub(super) fn words(name: &str) -> impl Iterator<Item = String> + '_ {
    let mut spaced = String::new();
    let mut previous = '_';
    for c in name.chars() {
        if c.is_uppercase() && previous.is_lowercase() {
            spaced.push('_');
        }
        spaced.extend(c.to_lowercase());
        previous = c;
    }
    spaced.split('_').map(str::to_owned).collect::<Vec<_>>().into_iter()
}

impl Source {
    fn new(path: String, text: String) -> Self {
        let is_test = path.ends_with("/tests.rs") || path.contains("/tests/");
        let blanked = blank(&text);
        let lines: Vec<String> = blanked.lines().map(str::to_owned).collect();
        let tests = lines.windows(2).position(|pair| {
            pair[0].trim() == "#[cfg(test)]" && tokens(&pair[1]).any(|token| token == "mod")
        });
        let end = if is_test && path.starts_with("src/") { 0 } else { tests.unwrap_or(lines.len()) };
        Self { code: lines[..end].to_vec(), path, text }
    }

    /// `file:line: what`, with lines counted from 0 here and from 1 there.
    pub(super) fn at(&self, line: usize, what: &str) -> String {
        format!("{}:{}: {what}", self.path, line + 1)
    }

    /// Whether a name is one of staff, who have sessions; an authorization request is none (DESIGN §1).
    pub(super) fn speaks_of_staff(&self, name: &str) -> bool {
        const PLACES: [&str; 5] = ["staff", "signin", "account", "admin", "domain/ids.rs"];
        PLACES.iter().any(|place| self.path.contains(place)) || words(name).any(|word| word == "staff")
    }

    /// The folder or file directly under `src`.
    pub(super) fn layer(&self) -> &str {
        let inside = self.path.split('/').nth(1).unwrap_or_default();
        inside.trim_end_matches(".rs")
    }

    /// Lines with their numbers.
    pub(super) fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code.iter().map(String::as_str).enumerate()
    }

    /// How many lines stand before the tests.
    pub(super) fn length(&self) -> usize {
        self.code.len()
    }

    /// Every layer that the code names, by `crate::…`, by a group `crate::{…}`, or by as many
    /// `super::` as lead to the root.
    pub(super) fn imports(&self) -> Vec<(usize, String)> {
        let climbs = "super::".repeat(self.depth());
        let joined = self.code.join("\n");
        let mut found = Vec::new();
        for prefix in ["crate::", climbs.as_str()] {
            for (at, _) in joined.match_indices(prefix) {
                let whole = !joined[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$');
                if whole && !joined[..at].ends_with("super::") {
                    let line = joined[..at].matches('\n').count();
                    let heads = heads(&joined[at + prefix.len()..]);
                    found.extend(heads.into_iter().map(|head| (line, head)));
                }
            }
        }
        found.retain(|(_, head)| head != "super" && head != "self");
        found
    }

    /// Name, first line and length of every function with a body.
    pub(super) fn functions(&self) -> Vec<(usize, String, usize)> {
        let mut found = Vec::new();
        for (first, line) in self.code() {
            let mut names = tokens(line).skip_while(|token| *token != "fn").skip(1);
            let (Some(name), true) = (names.next(), line.trim_start().contains("fn ")) else { continue };
            let (mut depth, mut opened) = (0_i32, false);
            for (last, line) in self.code().skip(first) {
                depth += line.chars().map(|c| i32::from(c == '{') - i32::from(c == '}')).sum::<i32>();
                opened |= line.contains('{');
                let declared_only = !opened && line.trim_end().ends_with(';');
                if declared_only {
                    break;
                }
                if opened && depth <= 0 {
                    found.push((first, name.to_owned(), last - first + 1));
                    break;
                }
            }
        }
        found
    }

    /// The names that the file gives to its own things.
    pub(super) fn definitions(&self) -> Vec<(usize, String)> {
        const KINDS: [&str; 9] = ["mod", "struct", "enum", "trait", "fn", "type", "const", "static", "union"];
        let mut found = Vec::new();
        for (line, text) in self.code() {
            let mut tokens = tokens(text).peekable();
            while let Some(token) = tokens.next() {
                if KINDS.contains(&token)
                    && let Some(name) = tokens.peek()
                    && !KINDS.contains(name)
                {
                    found.push((line, (*name).to_owned()));
                }
            }
        }
        found
    }

    /// How many modules deep the file's own module is: `src/flow/mod.rs` and `src/clock.rs` are one.
    fn depth(&self) -> usize {
        let parts = self.path.split('/').count() - 1;
        if self.path.ends_with("/mod.rs") { parts - 1 } else { parts }
    }
}

/// The first names behind `crate::`: one, or those of a group.
fn heads(rest: &str) -> Vec<String> {
    let Some(group) = rest.strip_prefix('{') else {
        return tokens(rest).next().map(str::to_owned).into_iter().collect();
    };
    let (mut depth, mut heads, mut fresh) = (0, Vec::new(), true);
    let mut name = String::new();
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                heads.push(std::mem::take(&mut name));
                fresh = true;
            }
            c if depth == 0 && fresh && (c.is_alphanumeric() || c == '_') => name.push(c),
            ':' => fresh = false,
            _ => {}
        }
    }
    heads.push(name);
    heads.retain(|head| !head.is_empty());
    heads
}

/// Blanks comments and the insides of texts and characters, and keeps every line where it is.
fn blank(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let after_name = out.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            block_comment(rest)
        } else if let Some(length) = (!after_name).then(|| raw_text(rest)).flatten() {
            length
        } else if c == '"' {
            quoted(&rest[1..], '"') + 1
        } else if c == '\'' && is_character(rest) {
            quoted(&rest[1..], '\'') + 1
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        };
        out.extend(rest[..length].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        rest = &rest[length..];
    }
    out
}

fn block_comment(rest: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

/// The length of `r"…"`, `r#"…"#`, `br"…"` and so on, if one begins here.
fn raw_text(rest: &str) -> Option<usize> {
    let marker = if rest.starts_with("br") { 2 } else { usize::from(rest.starts_with('r')) };
    let hashes = rest.get(marker..)?.bytes().take_while(|byte| *byte == b'#').count();
    let start = marker + hashes + 1;
    if marker == 0 || rest.as_bytes().get(marker + hashes) != Some(&b'"') {
        return None;
    }
    let end = format!("\"{}", "#".repeat(hashes));
    Some(rest[start..].find(&end).map_or(rest.len(), |at| start + at + end.len()))
}

/// The length up to and with the closing mark.
fn quoted(inside: &str, mark: char) -> usize {
    let mut escaped = false;
    for (at, c) in inside.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == mark => return at + 1,
            _ => {}
        }
    }
    inside.len()
}

/// Whether a quote begins a character and no lifetime.
fn is_character(rest: &str) -> bool {
    let mut chars = rest.chars().skip(1);
    match (chars.next(), chars.next()) {
        (Some('\\'), _) => true,
        (Some(_), Some(next)) => next == '\'',
        _ => false,
    }
}

#[test]
fn comments_texts_and_tests_are_no_code() {
    let text = "use crate::a; // crate::b\nlet s = \"crate::c\\\"\"; /* crate::d /* */ */\nlet r = r#\"\"crate::e\"#;\n\
                let c = '\"'; crate::{f::{g, h}, i, j::k};\nfn x<'a>(y: &'a u8) {\n}\n#[cfg(test)]\nmod tests { use crate::z; }\n";
    let source = Source::new("src/flow/one.rs".to_owned(), text.to_owned());
    let expected = [(0, "a"), (3, "f"), (3, "i"), (3, "j")].map(|(line, name)| (line, name.to_owned()));
    assert_eq!(source.imports(), expected);
    assert_eq!(source.functions(), [(4, "x".to_owned(), 2)]);
    assert_eq!((source.length(), source.layer()), (6, "flow"));
}

#[test]
fn a_climb_to_the_root_is_an_import_too() {
    let climb = |path: &str, text: &str| Source::new(path.to_owned(), text.to_owned()).imports();
    assert_eq!(climb("src/flow/one.rs", "use super::super::store::X;"), [(0, "store".to_owned())]);
    assert_eq!(climb("src/flow/mod.rs", "use super::store::X;"), [(0, "store".to_owned())]);
    assert!(climb("src/flow/one.rs", "use super::two::X;").is_empty());
}

#[test]
fn a_name_falls_into_its_words() {
    assert_eq!(words("TokenManager").collect::<Vec<_>>(), ["token", "manager"]);
    assert_eq!(words("make_Utils").collect::<Vec<_>>(), ["make", "utils"]);
}
