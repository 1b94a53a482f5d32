//! Who can sign in at the demo provider.

use serde_json::{Value, json};

/// A person with an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Person {
    /// The name in forms.
    pub key: &'static str,
    /// The person's name.
    pub name: &'static str,
    /// The address.
    pub email: &'static str,
    /// The first letters, for the picture.
    pub initials: &'static str,
    /// The account's number or name.
    id: Id,
}

/// Providers number people in either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Id {
    Text(&'static str),
    /// More digits than a floating-point number keeps.
    Number(u64),
}

/// Everybody: the person of the seed, one with marks in the name, one with a number of many digits.
pub const PEOPLE: [Person; 3] = [
    Person {
        key: "billy",
        name: "Billy Bob",
        email: "billy.bob@example.com",
        initials: "BB",
        id: Id::Text("billy.bob"),
    },
    Person {
        key: "amelie",
        name: "Amélie O’Neill-Dupré",
        email: "amelie@example.org",
        initials: "AO",
        id: Id::Text("amelie.oneill"),
    },
    Person {
        key: "hanako",
        name: "山田 花子",
        email: "hanako.yamada@example.net",
        initials: "花",
        id: Id::Number(9_007_199_254_740_993_123),
    },
];

impl Person {
    /// The person of this name in forms.
    pub fn named(key: &str) -> Option<Self> {
        PEOPLE.into_iter().find(|person| person.key == key)
    }

    /// What the WhoAmI endpoint says: the nested form of the seed "End User OAuth".
    pub fn whoami(self) -> Value {
        let id = match self.id {
            Id::Text(id) => json!(id),
            Id::Number(id) => json!(id),
        };
        json!({
            "user": {"id": id, "name": self.name, "email": self.email, "other": "stuff"},
            "roles": ["SomeRole", "OtherRole"],
            "other": "stuff",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_number_keeps_its_digits() {
        let body = Person::named("hanako").unwrap().whoami().to_string();
        assert!(body.contains("\"id\":9007199254740993123"), "{body}");
    }
}
