//! The query of an address of the console. What cannot be read is as if it were left out: an address that somebody
//! cut or mistyped still leads somewhere.

/// Names and values, in their order.
#[derive(Debug, Default)]
pub struct Query {
    pairs: Vec<(String, String)>,
}

impl Query {
    /// Reads what stands behind the `?`.
    pub fn parse(raw: Option<&str>) -> Self {
        let pairs = url::form_urlencoded::parse(raw.unwrap_or_default().as_bytes());
        Self { pairs: pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect() }
    }

    /// A value, without white space around it; empty if it is not there.
    pub fn text(&self, name: &str) -> &str {
        let found = self.pairs.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value.trim())
    }

    /// Whether it is there at all.
    pub fn has(&self, name: &str) -> bool {
        self.pairs.iter().any(|(known, _)| known == name)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_first_of_a_name_counts() {
        let query = Query::parse(Some("a=+1%20&a=2&b"));
        assert_eq!((query.text("a"), query.text("b"), query.text("c")), ("1", "", ""));
        assert!(query.has("b") && !query.has("c") && !Query::parse(None).has(""));
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text: String) {
            let query = Query::parse(Some(&text));
            prop_assert_eq!(query.text("x"), query.text("x").trim());
        }
    }
}
