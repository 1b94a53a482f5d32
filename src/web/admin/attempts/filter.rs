//! Which attempts somebody wants to see, as the form of the list sends it.

use jiff::Timestamp;

use crate::domain::attempt::AttemptStatus;
use crate::domain::fault::Code;
use crate::flow::lists::AttemptQuery;
use crate::web::staff::Local;

/// The names of the form's fields, in their order.
const FIELDS: [&str; 6] = ["from", "to", "provider", "status", "code", "link"];

/// What was asked for, as it was typed, and what it means.
#[derive(Debug, Default)]
pub struct Filter {
    typed: [String; 6],
    /// Where in the list to go on.
    pub cursor: Option<String>,
    /// The question.
    pub query: AttemptQuery,
    /// What cannot be read: the field and what is wrong with it.
    pub faults: Vec<(&'static str, &'static str)>,
}

impl Filter {
    /// Reads a query string. What is empty, or unknown, is not asked for.
    pub fn parse(raw: Option<&str>, local: &Local) -> Self {
        let mut filter = Self::default();
        for (name, value) in url::form_urlencoded::parse(raw.unwrap_or_default().as_bytes()) {
            let value = value.trim();
            if name == "cursor" && !value.is_empty() {
                filter.cursor = Some(value.to_owned());
            } else if let Some(place) = FIELDS.iter().position(|field| *field == name) {
                filter.typed[place] = value.chars().take(200).collect();
            }
        }
        filter.read(local);
        filter
    }

    /// What was typed into a field.
    pub fn typed(&self, name: &str) -> &str {
        FIELDS.iter().position(|field| *field == name).map_or("", |place| &self.typed[place])
    }

    /// What is wrong with a field.
    pub fn fault(&self, name: &str) -> Option<&'static str> {
        self.faults.iter().find(|(field, _)| *field == name).map(|(_, fault)| *fault)
    }

    /// Whether anything was asked for.
    pub fn is_asked(&self) -> bool {
        self.typed.iter().any(|typed| !typed.is_empty())
    }

    /// The query string of the same question, from another place of the list.
    pub fn from(&self, cursor: Option<&str>) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, typed) in FIELDS.iter().zip(&self.typed).filter(|(_, typed)| !typed.is_empty()) {
            query.append_pair(name, typed);
        }
        if let Some(cursor) = cursor {
            query.append_pair("cursor", cursor);
        }
        query.finish()
    }

    fn read(&mut self, local: &Local) {
        let mut faults = Vec::new();
        let mut time = |field: &'static str, typed: &str| -> Option<Timestamp> {
            let read = local.parse(typed);
            if read.is_none() && !typed.is_empty() {
                faults.push((field, "Write a day and a time, such as 2026-01-31T12:00."));
            }
            read
        };
        let [from, to, provider, status, code, link] = &self.typed;
        let (since, until) = (time("from", from), time("to", to));
        if since.zip(until).is_some_and(|(since, until)| since > until) {
            faults.push(("to", "This is before the beginning. Exchange the two."));
        }
        let mut known = |field, is_known: bool, typed: &str, fault| {
            if !is_known && !typed.is_empty() {
                faults.push((field, fault));
            }
        };
        let query = AttemptQuery {
            link: link.parse().ok(),
            provider: provider.parse().ok(),
            status: status.parse::<AttemptStatus>().ok(),
            code: Code::ALL.iter().copied().find(|known| known.as_str() == code),
            since,
            until,
        };
        known("provider", query.provider.is_some(), provider, "Choose one of the list.");
        known("status", query.status.is_some(), status, "Choose one of the list.");
        known("code", query.code.is_some(), code, "Choose one of the list.");
        let shape = "A link’s id is al_ and 32 digits or letters a to f. Copy it whole.";
        known("link", query.link.is_some(), link, shape);
        self.query = query;
        self.faults = faults;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(raw: &str) -> Filter {
        Filter::parse(Some(raw), &Local::new("en", "Europe/Berlin"))
    }

    #[test]
    fn what_was_typed_is_kept_and_a_time_is_that_of_the_readers_zone() {
        let filter = read("from=2026-01-31T12%3A00&provider=acme&status=failed&code=invalid_grant&status=");
        assert_eq!(filter.query.since, Some("2026-01-31T11:00:00Z".parse().unwrap()));
        assert_eq!(filter.query.code, Some(Code::InvalidGrant));
        assert_eq!(
            (filter.typed("from"), filter.typed("status"), filter.typed("nothing")),
            ("2026-01-31T12:00", "", "")
        );
        assert_eq!(filter.query.status, None, "the last one counts");
        assert!(filter.faults.is_empty() && filter.is_asked());
        assert!(!read("").is_asked() && !read("from=&x=1").is_asked());
    }

    #[test]
    fn what_cannot_be_read_is_pointed_at() {
        let filter = read("from=yesterday&to=2026-13-01T00:00&provider=A+B&status=done&code=oops&link=al_1");
        let fields: Vec<_> = filter.faults.iter().map(|(field, _)| *field).collect();
        assert_eq!(fields, ["from", "to", "provider", "status", "code", "link"]);
        assert!(filter.fault("link").unwrap().contains("32"));
        assert_eq!(filter.typed("from"), "yesterday");
        let backwards = read("from=2026-02-01T00:00&to=2026-01-01T00:00");
        assert_eq!(backwards.faults.len(), 1);
        assert!(backwards.fault("to").is_some());
    }

    #[test]
    fn the_next_page_asks_the_same_question() {
        let filter = read("provider=acme&link=&cursor=abc");
        assert_eq!(filter.cursor.as_deref(), Some("abc"));
        assert_eq!(filter.from(Some("d&f")), "provider=acme&cursor=d%26f");
        assert_eq!(filter.from(None), "provider=acme");
    }

    proptest! {
        #[test]
        fn no_query_string_is_a_panic_and_what_is_shown_again_reads_the_same(raw in ".{0,80}", status in "[a-z]{0,9}") {
            let filter = read(&format!("status={status}&{raw}"));
            let again = read(&filter.from(None));
            prop_assert_eq!(again.faults, filter.faults);
            prop_assert_eq!(again.typed, filter.typed);
        }
    }
}
