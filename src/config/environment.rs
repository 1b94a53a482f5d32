//! The environment variables, read once at the edge and handed in from there.

use std::collections::BTreeMap;
use std::fmt;

/// The environment as the program was started with, or as a test makes it.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// Reads the variables of this process. Those that are not UTF-8 are left out: no setting is
    /// and no secret should be anything else.
    pub fn of_process() -> Self {
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }

    /// The value of a variable; an empty one counts, as it does in a shell.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The variables whose names begin with `prefix`, by name.
    pub fn starting_with<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.0
            .range(prefix.to_owned()..)
            .take_while(move |(name, _)| name.starts_with(prefix))
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Environment({} variables)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_finds_its_variables_only() {
        let environment: Environment =
            [("A", "1"), ("AB__X", "2"), ("AB__Y", "3"), ("AC", "4")].into_iter().collect();
        let found: Vec<_> = environment.starting_with("AB__").collect();
        assert_eq!(found, [("AB__X", "2"), ("AB__Y", "3")]);
        assert_eq!(environment.get("A"), Some("1"));
    }

    #[test]
    fn its_debug_form_holds_no_value() {
        let environment: Environment = [("ACME_SECRET", "canary")].into_iter().collect();
        assert!(!format!("{environment:?}").contains("canary"));
    }
}
