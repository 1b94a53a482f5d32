//! The pages of the web chat as a form: what stands in the settings, and what somebody typed over it.

use serde_json::{Map, Value, json};

use crate::flow::settings::format::Remark;
use crate::flow::settings::own::own_part;
use crate::web::staff::Posted;

/// The member of the settings.
const MEMBER: &str = "webchat";

/// The fields of the form, as they are shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Typed {
    /// The origins of the pages that hold the chat, one per line.
    pub(super) origins: String,
}

/// What is wrong with a field: its name, or none for the whole, and a sentence.
pub(super) type Fault = (Option<&'static str>, String);

impl Typed {
    /// What stands in a tenant's settings.
    pub(super) fn of_settings(document: &Map<String, Value>) -> Self {
        let origins = document.get(MEMBER).and_then(|table| table.get("origins")).and_then(Value::as_array);
        Self::of_list(origins.into_iter().flatten().filter_map(Value::as_str))
    }

    /// A list, one per line.
    pub(super) fn of_list<'a>(origins: impl Iterator<Item = &'a str>) -> Self {
        Self { origins: origins.collect::<Vec<_>>().join("\n") }
    }

    /// What somebody sent. Empty lines and white space around one are nobody's.
    pub(super) fn of_form(form: &Posted) -> Self {
        let typed = Self { origins: form.raw("origins").to_owned() };
        Self::of_list(typed.list())
    }

    /// The origins, in their order.
    pub(super) fn list(&self) -> impl Iterator<Item = &str> {
        self.origins.lines().map(str::trim).filter(|line| !line.is_empty())
    }

    /// A tenant's settings with these pages in place of those before.
    pub(super) fn put_into(&self, document: Map<String, Value>) -> Map<String, Value> {
        let mut document = own_part(document);
        let origins: Vec<_> = self.list().collect();
        if origins.is_empty() {
            document.shift_remove(MEMBER);
        } else {
            document.insert(MEMBER.to_owned(), json!({ "origins": origins }));
        }
        document
    }

    /// The lines of a tenant's file.
    pub(super) fn toml(&self) -> String {
        let lines: Vec<_> = self.list().map(|origin| format!("  {},\n", Value::from(origin))).collect();
        format!("[webchat]\norigins = [\n{}]\n", lines.concat())
    }
}

/// What the settings' reader says, each with its line.
pub(super) fn faults(remarks: Vec<Remark>) -> Vec<Fault> {
    let fault = |remark: Remark| {
        let help = remark.help.map(|help| format!(": {help}")).unwrap_or_default();
        let said = format!("{}{help}.", remark.message);
        let Some(place) = remark.pointer.strip_prefix("/webchat") else {
            return (None, format!("{said} (at {})", remark.pointer));
        };
        let line = place.strip_prefix("/origins/").and_then(|line| line.parse::<usize>().ok());
        (Some("origins"), line.map_or(said.clone(), |line| format!("Line {}: {said}", line + 1)))
    };
    remarks.into_iter().map(fault).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(webchat: &Value) -> Map<String, Value> {
        let all = json!({"name": "Acme", "hosts": ["a"], "webchat": webchat, "clients": []});
        all.as_object().unwrap().clone()
    }

    #[test]
    fn what_stands_in_the_settings_is_shown_and_put_back_as_it_was() {
        let webchat = json!({"origins": ["https://a.example", "https://b.example:8443"]});
        let typed = Typed::of_settings(&settings(&webchat));
        assert_eq!(typed.origins, "https://a.example\nhttps://b.example:8443");
        let put = typed.put_into(settings(&json!({"origins": []})));
        assert_eq!(Value::Object(put), json!({"name": "Acme", "webchat": webchat}));
        assert_eq!(
            typed.toml(),
            "[webchat]\norigins = [\n  \"https://a.example\",\n  \"https://b.example:8443\",\n]\n"
        );
    }

    #[test]
    fn a_form_without_a_line_takes_the_pages_away() {
        assert_eq!(Typed::of_settings(&Map::new()), Typed::default());
        let put =
            Typed { origins: " \n\n".to_owned() }.put_into(settings(&json!({"origins": ["https://a"]})));
        assert_eq!(Value::Object(put), json!({"name": "Acme"}));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        let remark =
            |pointer: &str| Remark::new(pointer.to_owned(), "it is wrong".to_owned(), "mend it".to_owned());
        let told = faults(vec![remark("/webchat/origins/1"), remark("/webchat/origins"), remark("/name")]);
        let expected = [
            (Some("origins"), "Line 2: it is wrong: mend it.".to_owned()),
            (Some("origins"), "it is wrong: mend it.".to_owned()),
            (None, "it is wrong: mend it. (at /name)".to_owned()),
        ];
        assert_eq!(told, expected);
    }
}
