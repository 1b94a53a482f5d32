//! A tenant's rules: what a sign-in says of the person decides what the platform is told beside the
//! profile, e.g. a queue (DESIGN §4, `[[rule]]`).

use serde_json::{Map, Value};

use super::provider::Revision;

/// One rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// A JMESPath expression over `profile`, `whoami`, `claims` and `conversation`; what it finds
    /// counts as yes or no.
    pub when: String,
    /// What is set if it is a yes.
    pub set: Map<String, Value>,
}

/// A tenant's rules.
#[derive(Debug, Clone)]
pub struct Rules {
    /// In their order; later ones win.
    pub list: Vec<Rule>,
    /// Their hash, by which they are compiled once.
    pub revision: Revision,
}

impl Default for Rules {
    fn default() -> Self {
        Self { list: Vec::new(), revision: Revision::new("") }
    }
}
