//! Lists and tables as lines that somebody types: one value per line, or `name = value`.

use serde_json::{Map, Value};

/// A line that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadLine {
    /// Which, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub message: String,
}

/// Names with their values, in the order of the lines; or every line that is wrong.
pub type Pairs = Result<Vec<(String, String)>, Vec<BadLine>>;

/// The values of a list, one per line; commas stand between values, too, where no value has one (`words`).
pub fn list(text: &str, words: bool) -> Vec<String> {
    let marks: &[char] = if words { &['\n', ',', ' '] } else { &['\n'] };
    text.split(marks).map(str::trim).filter(|value| !value.is_empty()).map(str::to_owned).collect()
}

/// The pairs of a table, one per line. Empty lines count for nothing.
pub fn pairs(text: &str) -> Pairs {
    let (mut pairs, mut bad): (Vec<(String, String)>, _) = (Vec::new(), Vec::new());
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let mut fault = |message: String| bad.push(BadLine { line: at + 1, message });
        match line.split_once('=') {
            None => fault("write it as `name = value`".to_owned()),
            Some((name, _)) if name.trim().is_empty() => fault("the name is missing before `=`".to_owned()),
            Some((name, _)) if pairs.iter().any(|(known, _)| known == name.trim()) => {
                fault(format!("`{}` stands there twice", name.trim()));
            }
            Some((name, value)) => pairs.push((name.trim().to_owned(), value.trim().to_owned())),
        }
    }
    if bad.is_empty() { Ok(pairs) } else { Err(bad) }
}

/// The expressions of a mapping that is a table, if the text is one: its first line begins with `name =`, which no
/// expression does. A line that begins otherwise goes on with the expression before it.
pub fn expressions(text: &str) -> Option<Pairs> {
    let first = text.lines().find(|line| !line.trim().is_empty())?;
    named(first)?;
    let (mut fields, mut bad): (Vec<(String, String)>, _) = (Vec::new(), Vec::new());
    for (at, line) in text.lines().enumerate() {
        match named(line) {
            Some((name, _)) if fields.iter().any(|(known, _)| known == name) => {
                bad.push(BadLine { line: at + 1, message: format!("`{name}` stands there twice") });
            }
            Some((name, expression)) => fields.push((name.to_owned(), expression.to_owned())),
            None => {
                if let Some((_, expression)) = fields.last_mut() {
                    expression.push('\n');
                    expression.push_str(line);
                }
            }
        }
    }
    for (_, expression) in &mut fields {
        expression.truncate(expression.trim_end().len());
    }
    Some(if bad.is_empty() { Ok(fields) } else { Err(bad) })
}

/// A table as lines.
pub fn of_pairs(table: &Map<String, Value>) -> String {
    let lines = table.iter().map(|(name, value)| match value {
        Value::String(text) => format!("{name} = {text}"),
        other => format!("{name} = {other}"),
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// A list as lines.
pub fn of_list(items: &[Value]) -> String {
    let lines = items.iter().map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned));
    lines.collect::<Vec<_>>().join("\n")
}

/// The name and the rest of a line that begins with `name =` and not with `==`.
fn named(line: &str) -> Option<(&str, &str)> {
    let (name, rest) = line.split_once('=')?;
    let name = name.trim();
    let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b));
    (is_name && !rest.starts_with('=')).then_some((name, rest.trim()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn texts(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_table_is_typed_as_lines_and_only_the_first_sign_parts_them() {
        let read = pairs("audience = https://a.example/?x=1\n\n prompt=login \nempty =").unwrap();
        assert_eq!(
            read,
            texts(&[("audience", "https://a.example/?x=1"), ("prompt", "login"), ("empty", "")])
        );
    }

    #[test]
    fn every_bad_line_is_told_with_its_number() {
        let bad = pairs("a = 1\nno sign\n= 2\na = 3").unwrap_err();
        let told: Vec<_> = bad.iter().map(|bad| (bad.line, bad.message.as_str())).collect();
        assert_eq!(
            told,
            [
                (2, "write it as `name = value`"),
                (3, "the name is missing before `=`"),
                (4, "`a` stands there twice")
            ]
        );
    }

    #[test]
    fn a_mapping_is_one_expression_or_one_per_field() {
        for whole in ["{email: user.email}", "user", "a == 'b'", "x[?y == `1`].z", "", "  \n"] {
            assert_eq!(expressions(whole), None, "{whole}");
        }
        let fields =
            expressions("email = user.email\nfullName = join(' ',\n  [a, b == 'c'])\n").unwrap().unwrap();
        assert_eq!(fields, texts(&[("email", "user.email"), ("fullName", "join(' ',\n  [a, b == 'c'])")]));
        assert_eq!(expressions("a = b\na = c").unwrap().unwrap_err()[0].line, 2);
    }

    #[test]
    fn a_list_has_a_value_per_line_and_words_may_stand_beside_each_other() {
        assert_eq!(list("urn:a b\n\n urn:c ", false), ["urn:a b", "urn:c"]);
        assert_eq!(list("email, phone\nname", true), ["email", "phone", "name"]);
        assert_eq!(of_list(&[json!("a"), json!(1)]), "a\n1");
    }

    proptest! {
        #[test]
        fn no_text_is_a_panic(text: String) {
            let _ = pairs(&text);
            let _ = expressions(&text);
            let _ = list(&text, true);
        }

        #[test]
        fn a_table_survives_the_way_through_its_lines(table in prop::collection::btree_map("[A-Za-z0-9_.-]{1,12}", "[!-~]([ -~]{0,20}[!-~])?", 0..6)) {
            let members: Map<String, Value> = table.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
            let read = pairs(&of_pairs(&members)).unwrap();
            prop_assert_eq!(read.into_iter().collect::<std::collections::BTreeMap<_, _>>(), table);
        }
    }
}
