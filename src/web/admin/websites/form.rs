//! The form of a website: what was typed, what it makes of the settings, and where on it a fault belongs.

use serde_json::{Map, Value, json};

use crate::domain::website::Website;
use crate::flow::settings::format::Remark;
use crate::web::staff::Posted;

/// What was typed into the form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Typed {
    pub(super) public_key: String,
    /// One per line.
    pub(super) origins: String,
    pub(super) sender: String,
    pub(super) accent: String,
}

/// A field, and what is wrong with what was typed there.
pub(super) type Fault = (&'static str, String);

impl Typed {
    pub(super) fn of(form: &Posted) -> Self {
        let text = |name| form.text(name).to_owned();
        Self {
            public_key: text("public_key"),
            origins: text("origins"),
            sender: text("sender"),
            accent: text("accent"),
        }
    }

    /// What stands in a tenant's settings.
    pub(super) fn of_settings(website: &Value) -> Self {
        let text = |name: &str| website[name].as_str().unwrap_or_default().to_owned();
        let origins = website["origins"].as_array().into_iter().flatten().filter_map(Value::as_str);
        Self {
            public_key: text("publicKey"),
            origins: origins.collect::<Vec<_>>().join("\n"),
            sender: text("sender"),
            accent: text("accent"),
        }
    }

    /// What is served of a tenant whose settings are not changed here.
    pub(super) fn of_website(website: &Website) -> Self {
        Self {
            public_key: website.public_key.clone(),
            origins: website.origins.join("\n"),
            sender: website.sender.clone().unwrap_or_default(),
            accent: website.accent.map(|accent| accent.to_string()).unwrap_or_default(),
        }
    }

    /// Its origins, one by one.
    pub(super) fn origins(&self) -> impl Iterator<Item = &str> {
        self.origins.split_whitespace()
    }

    /// What it is in the tenant's settings.
    pub(super) fn settings(&self) -> Value {
        let mut settings = Map::new();
        settings.insert("publicKey".to_owned(), json!(self.public_key));
        settings.insert("origins".to_owned(), self.origins().collect());
        for (name, text) in [("sender", &self.sender), ("accent", &self.accent)] {
            if !text.is_empty() {
                settings.insert(name.to_owned(), json!(text));
            }
        }
        Value::Object(settings)
    }

    /// In one form, so that what somebody saw is compared with what is there.
    pub(super) fn print(&self) -> String {
        self.settings().to_string()
    }

    /// What is wrong before the settings are asked.
    pub(super) fn fault(&self) -> Option<Fault> {
        let words = "A website needs the origin of its pages, e.g. https://www.acme.example";
        self.origins().next().is_none().then(|| ("origins", format!("{words}.")))
    }
}

/// The field in which something cannot be used, and why; a blank one if that is no single field.
pub(super) fn fault_of(remarks: &[Remark]) -> Fault {
    let Some(remark) = remarks.first() else { return ("", "This cannot be used.".to_owned()) };
    let mut parts = remark.pointer.split('/').skip(1);
    let field = match (parts.next(), parts.next(), parts.next()) {
        (Some("websites"), Some(_), Some("publicKey")) => "public_key",
        (Some("websites"), Some(_), Some("origins")) => "origins",
        (Some("websites"), Some(_), Some("sender")) => "sender",
        (Some("websites"), Some(_), Some("accent")) => "accent",
        _ => "",
    };
    let help = remark.help.as_deref().map(|help| format!(" {}", sentence(help))).unwrap_or_default();
    (field, format!("{}{help}", sentence(&remark.message)))
}

/// With a capital letter and a full stop.
pub(super) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str().trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_the_settings_is_shown_and_put_back_as_it_was() {
        let settings = json!({
            "publicKey": "pk_dom_0123456789abcdef", "origins": ["https://a.example", "https://b.example"],
            "sender": "Acme", "accent": "#0b5fff",
        });
        let typed = Typed::of_settings(&settings);
        assert_eq!(
            (typed.origins.as_str(), typed.settings()),
            ("https://a.example\nhttps://b.example", settings)
        );
        let few = json!({"publicKey": "pk_dom_0123456789abcdef", "origins": ["https://a.example"]});
        assert_eq!(Typed::of_settings(&few).settings(), few, "what is blank is left out");
        assert!(
            typed.fault().is_none() && Typed::default().fault().is_some_and(|fault| fault.0 == "origins")
        );
    }

    #[test]
    fn a_fault_stands_at_its_field() {
        let remark =
            |pointer: &str| Remark::new(pointer.to_owned(), "no good".to_owned(), "mend it".to_owned());
        for (pointer, field) in [
            ("/websites/3/origins/1", "origins"),
            ("/websites/0/publicKey", "public_key"),
            ("/websites/0/accent", "accent"),
            ("/websites/0/sender", "sender"),
            ("/websites", ""),
            ("/binding/minimum", ""),
        ] {
            assert_eq!(fault_of(&[remark(pointer)]), (field, "No good. Mend it.".to_owned()), "{pointer}");
        }
        assert_eq!(fault_of(&[]).0, "");
    }
}
