//! A mapping names something that the answer does not have: which path, and which one may be meant.
//! Only words for an admin hang on it, so an expression that is too involved is passed over.

use serde_json::Value;

/// The most members of an answer that come into question.
const MOST: usize = 500;
/// How deep they may lie.
const DEPTH: usize = 6;
/// How many letters may be wrong.
const LETTERS: usize = 3;

/// A path of a mapping that leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Astray {
    /// As the mapping has it.
    pub path: String,
    /// What the answer has instead.
    pub meant: Option<String>,
}

/// The paths of an expression that lead nowhere in `input`.
pub fn astray(expression: &str, input: &Value) -> Vec<Astray> {
    let mut known = Vec::new();
    collect(input, "", 0, &mut known);
    let lost = paths(expression).into_iter().filter(|path| !leads(path, input));
    let mut found: Vec<Astray> = Vec::new();
    for path in lost {
        if !found.iter().any(|astray| astray.path == path) {
            found.push(Astray { meant: nearest(&path, &known), path });
        }
    }
    found
}

/// The plain paths of an expression that begin at its root: names with dots between them. Whatever
/// stands within brackets, behind them, or behind a pipe is relative to something else.
fn paths(expression: &str) -> Vec<String> {
    let (mut found, mut rest, mut relative) = (Vec::new(), expression, Vec::new());
    let mut before = ' ';
    while let Some(first) = rest.chars().next() {
        match first {
            '\'' | '`' => {
                let end = rest[1..].find(first).map_or(rest.len(), |end| end + 2);
                (rest, before) = (&rest[end..], first);
                continue;
            }
            '|' if !rest.starts_with("||") => return found,
            '|' => rest = &rest[1..],
            '[' => relative.push(true),
            '{' => relative.push(before == '.'),
            ']' | '}' => drop(relative.pop()),
            _ if first.is_ascii_alphabetic() || first == '_' => {
                let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.')));
                let (path, behind) = rest.split_at(end.unwrap_or(rest.len()));
                let next = behind.trim_start().chars().next();
                let is_root = before != '.' && before != '"' && !relative.contains(&true);
                if is_root && !matches!(next, Some('(' | ':')) {
                    found.push(path.trim_end_matches('.').to_owned());
                }
                before = path.chars().next_back().unwrap_or(' ');
                rest = behind;
                continue;
            }
            _ => {}
        }
        if !first.is_whitespace() {
            before = first;
        }
        rest = &rest[first.len_utf8()..];
    }
    found
}

fn leads(path: &str, input: &Value) -> bool {
    let mut at = input;
    for name in path.split('.') {
        match at.get(name) {
            Some(next) => at = next,
            None => return false,
        }
    }
    true
}

fn collect(value: &Value, path: &str, depth: usize, known: &mut Vec<String>) {
    let Value::Object(members) = value else { return };
    for (name, value) in members {
        if known.len() >= MOST || depth >= DEPTH {
            return;
        }
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        known.push(path.clone());
        collect(value, &path, depth + 1, known);
    }
}

/// The known path that ends in the same name, else the one that differs by few letters.
fn nearest(path: &str, known: &[String]) -> Option<String> {
    let last = |path: &str| path.rsplit('.').next().unwrap_or_default().to_lowercase();
    let by_letters = |known: &&String| letters(path, known);
    let namesake = known.iter().filter(|known| last(known) == last(path)).min_by_key(by_letters);
    let near = known.iter().min_by_key(by_letters).filter(|known| {
        let wrong = letters(path, known);
        wrong <= LETTERS && wrong * 2 < path.chars().count()
    });
    namesake.or(near).cloned()
}

/// How many letters must be changed, added or taken out to make one text of the other.
fn letters(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) =
        (one.to_lowercase().chars().take(200).collect(), other.to_lowercase().chars().take(200).collect());
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.iter().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, b) in other.iter().enumerate() {
            let cost = if a == b { corner } else { corner + 1 };
            corner = row[j + 1];
            row[j + 1] = cost.min(corner + 1).min(row[j] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case("{userName: user.id, email: user.emial}", &[("user.emial", Some("user.email"))])]
    #[case(r#"{"userName": user.id, "email": usr.email}"#, &[("usr.email", Some("user.email"))])]
    #[case("email", &[("email", Some("user.email"))])]
    #[case("join(' ', [user.first, user.name])", &[])]
    #[case("user.name || user.nickname", &[("user.nickname", None)])]
    #[case("emails[?primary].value | [0]", &[])]
    #[case("user.{x: id, y: nowhere}", &[])]
    #[case("not_null(user.email, 'user.x')", &[])]
    fn a_path_that_leads_nowhere_is_named(#[case] expression: &str, #[case] wanted: &[(&str, Option<&str>)]) {
        let input = json!({"user": {"id": 1, "name": "Billy", "email": "b@example.com"}, "emails": []});
        let found = astray(expression, &input);
        let found: Vec<_> = found.iter().map(|lost| (lost.path.as_str(), lost.meant.as_deref())).collect();
        assert_eq!(found, wanted);
    }

    proptest! {
        #[test]
        fn any_expression_is_read(expression in "[a-z.\\[\\]{}|'`\"é:(), ]{0,40}", any: String) {
            astray(&expression, &json!({"a": {"b": 1}}));
            astray(&any, &Value::Null);
        }
    }
}
