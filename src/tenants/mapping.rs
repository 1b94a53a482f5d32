//! Whether a mapping can be compiled. The compiler itself is the profile's; this is where the
//! reading of settings asks it.

use crate::domain::provider::Mapping;

/// The longest expression, in bytes.
const MAX_LENGTH: usize = 16 * 1024;
/// The deepest nesting of brackets and negations.
const MAX_DEPTH: usize = 64;
/// The most operators of one expression: its tree is as deep as its longest chain.
const MAX_OPERATORS: usize = 1024;

/// Why a mapping cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappingProblem {
    /// What is wrong: lower case, no full stop.
    pub message: String,
    /// The byte of the expression at which it is wrong.
    pub offset: usize,
}

/// Checks one mapping. A mapping of several fields is checked field by field by the caller, as
/// [`Mapping::Whole`], so that the offset belongs to one expression.
pub fn check_mapping(mapping: &Mapping) -> Result<(), MappingProblem> {
    match mapping {
        Mapping::Whole(expression) => check_expression(expression),
        Mapping::Fields(fields) => fields.values().try_for_each(|expression| check_expression(expression)),
    }
}

fn check_expression(expression: &str) -> Result<(), MappingProblem> {
    check_bounds(expression)?;
    jmespath::compile(expression).map(|_| ()).map_err(|error| {
        let told = error.reason.to_string();
        let told = told.lines().next().unwrap_or_default().trim_end_matches('.');
        let told = told.strip_prefix("Parse error: ").unwrap_or(told);
        MappingProblem { message: lower_first(told), offset: error.offset.min(expression.len()) }
    })
}

/// The library's parser is recursive and unbounded: what is too long or too deep must not reach it.
fn check_bounds(expression: &str) -> Result<(), MappingProblem> {
    let problem = |message: String, offset| Err(MappingProblem { message, offset });
    if expression.len() > MAX_LENGTH {
        return problem(format!("the expression is longer than {MAX_LENGTH} bytes"), MAX_LENGTH);
    }
    let (mut depth, mut negations, mut operators) = (0_usize, 0_usize, 0_usize);
    for (offset, byte) in expression.bytes().enumerate() {
        match byte {
            b'[' | b'(' | b'{' => {
                depth += 1;
                operators += 1;
            }
            b']' | b')' | b'}' => depth = depth.saturating_sub(1),
            b'!' | b'&' => negations += 1,
            b'.' | b'|' | b',' | b'<' | b'>' | b'=' | b'*' => operators += 1,
            _ => {}
        }
        if depth + negations > MAX_DEPTH {
            return problem(format!("the expression is nested deeper than {MAX_DEPTH}"), offset);
        }
        if operators > MAX_OPERATORS {
            return problem(format!("the expression has more than {MAX_OPERATORS} operators"), offset);
        }
    }
    Ok(())
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expression: &str) -> Result<(), MappingProblem> {
        check_mapping(&Mapping::Whole(expression.to_owned()))
    }

    #[test]
    fn a_good_mapping_passes() {
        assert_eq!(check(r#"{"userName": user.id, "fullName": user.name, "email": user.email}"#), Ok(()));
        assert_eq!(check("user.id"), Ok(()));
    }

    #[test]
    fn a_slip_is_told_with_its_place() {
        let problem = check("{userName: user.}").unwrap_err();
        assert_eq!(problem.offset, 16, "{problem:?}");
        assert!(check("user..id").is_err() && check("").is_err());
    }

    #[test]
    fn what_would_overflow_the_parser_does_not_reach_it() {
        for piece in
            ["[", "(", "{a:", "!", "a.", "a||", "a|", "[]", "a[", "&", "*.", "a[?b==", "-", "`", "'", "\""]
        {
            let bomb = piece.repeat(MAX_LENGTH / piece.len());
            assert!(check(&bomb).is_err(), "{piece}");
        }
        assert!(check(&"a".repeat(MAX_LENGTH + 1)).unwrap_err().message.contains("longer"));
    }
}
