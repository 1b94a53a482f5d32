//! Query strings of lists: known names only, each once, with bounds that are said.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::web::error::{ApiError, BodyFault};

/// The one parameter that may be empty.
const FROM_THE_BEGINNING: &str = "after";
/// How many items a page has if the caller does not say.
const DEFAULT_LIMIT: usize = 50;
/// The most items of one page.
const MOST: usize = 200;

/// A query string, taken apart.
pub struct Query {
    values: BTreeMap<String, String>,
}

impl Query {
    /// Reads a query string; a name that is not `known` or stands twice is refused.
    pub fn parse(raw: Option<&str>, known: &[&str]) -> Result<Self, ApiError> {
        let mut values = BTreeMap::new();
        let mut faults = Vec::new();
        for (name, value) in url::form_urlencoded::parse(raw.unwrap_or_default().as_bytes()) {
            if !known.contains(&name.as_ref()) {
                let short: String = name.chars().take(80).collect();
                faults.push(BodyFault::at(
                    format!("?{short}"),
                    format!("unknown parameter; known are `{}`", known.join("`, `")),
                ));
            } else if value.is_empty() && name == FROM_THE_BEGINNING {
                // A reader that has read nothing yet has no id to put there.
            } else if value.is_empty() {
                faults.push(BodyFault::at(format!("?{name}"), "is empty; leave it out"));
            } else if values.insert(name.to_string(), value.into_owned()).is_some() {
                faults.push(BodyFault::at(format!("?{name}"), "stands twice; send it once"));
            }
        }
        if faults.is_empty() { Ok(Self { values }) } else { Err(ApiError::Malformed(faults)) }
    }

    /// The value of a parameter, which is never empty: who asks for those of nobody does not mean all.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// The value of a parameter as something else.
    pub fn parsed<T>(&self, name: &str) -> Result<Option<T>, ApiError>
    where
        T: std::str::FromStr,
        T::Err: std::fmt::Display,
    {
        let fault =
            |error: T::Err| ApiError::Malformed(vec![BodyFault::at(format!("?{name}"), error.to_string())]);
        self.get(name).map(|value| value.parse().map_err(fault)).transpose()
    }

    /// The value of a parameter as a time (RFC 3339).
    pub fn time(&self, name: &str) -> Result<Option<Timestamp>, ApiError> {
        let fault = |_| {
            let detail = "use a time such as `2026-01-31T12:00:00Z`; a `+` is written `%2B`";
            ApiError::Malformed(vec![BodyFault::at(format!("?{name}"), detail)])
        };
        self.get(name).map(|value| value.parse().map_err(fault)).transpose()
    }

    /// How many items are wanted.
    pub fn limit(&self) -> Result<usize, ApiError> {
        match self.parsed::<usize>("limit")? {
            None => Ok(DEFAULT_LIMIT),
            Some(limit) if (1..=MOST).contains(&limit) => Ok(limit),
            Some(_) => {
                let detail = format!("use 1 to {MOST}");
                Err(ApiError::Malformed(vec![BodyFault::at("?limit", detail)]))
            }
        }
    }
}
