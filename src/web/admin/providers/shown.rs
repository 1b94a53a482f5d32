//! Values, people and times as these pages write them.

use serde_json::Value;

use crate::domain::stored::{Difference, Tested};
use crate::web::page::{clean, tidy};
use crate::web::staff::{Admin, Moment, OnDuty};

use super::form::words::label;

/// The most characters of JSON that are shown of one answer.
const LONGEST: usize = 20_000;

/// A mark beside a name: its colour's class and its word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Badge {
    /// `good`, `warn`, `bad` or `calm`.
    pub class: &'static str,
    /// What it says.
    pub text: &'static str,
}

/// A difference of two versions.
#[derive(Debug)]
pub struct Change {
    /// What the setting is called.
    pub label: String,
    /// Its name in a file, with what lies below it.
    pub code: String,
    /// What it was; none if it was not there.
    pub before: Option<String>,
    /// What it becomes; none if it goes.
    pub after: Option<String>,
    /// Whether it is a secret, whose values nobody sees.
    pub is_secret: bool,
}

/// Who did something, as a person would say it.
pub fn who(duty: &OnDuty<Admin>, actor: &str) -> String {
    if duty.actor().to_string() == actor {
        return "you".to_owned();
    }
    match actor.split_once(':') {
        Some(("staff", _)) => "another admin".to_owned(),
        Some(("client", id)) => format!("the API client {}", clean(id)),
        Some(("operator", _)) => "the platform's operator".to_owned(),
        _ => "the broker".to_owned(),
    }
}

/// How long ago something was.
pub fn ago(duty: &OnDuty<Admin>, now: jiff::Timestamp, at: jiff::Timestamp) -> Moment {
    duty.local().ago(at, now)
}

/// When a test login was passed.
pub fn tested(duty: &OnDuty<Admin>, tested: Option<&Tested>) -> Option<Moment> {
    tested.map(|tested| duty.local().moment(tested.at))
}

/// JSON over several lines. What is very long is cut, and says so.
pub fn pretty(value: &Value) -> String {
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    let mut shown: String = text.chars().filter(|c| !turns(*c)).take(LONGEST).collect();
    if shown.len() < text.len() && shown.chars().count() == LONGEST {
        shown.push_str("\n… (cut here)");
    }
    shown
}

/// A value in a cell: a text as it is, anything else as JSON.
pub fn cell(value: &Value) -> String {
    match value {
        Value::String(text) => tidy(text),
        other => tidy(&other.to_string()),
    }
}

/// Differences with what their settings are called.
pub fn changes(found: &[Difference]) -> Vec<Change> {
    found.iter().map(change).collect()
}

fn change(found: &Difference) -> Change {
    let mut names = found.setting.split('/').skip(1).map(snake);
    let setting = names.next().unwrap_or_default();
    let below: Vec<String> = names.collect();
    let code = std::iter::once(setting.clone()).chain(below).collect::<Vec<_>>().join(".");
    let whole = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => pretty(other),
    };
    Change {
        label: label(&setting),
        code,
        before: found.before.as_ref().map(whole),
        after: found.after.as_ref().map(whole),
        is_secret: found.before.is_none() && found.after.is_none(),
    }
}

/// `tokenUrl` → `token_url`, as it stands in a file.
fn snake(member: &str) -> String {
    let mut name = String::with_capacity(member.len() + 4);
    for letter in member.chars() {
        if letter.is_ascii_uppercase() {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

/// Marks that turn the direction of what follows, and other controls but the end of a line.
fn turns(c: char) -> bool {
    matches!(c, '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        || (c.is_control() && c != '\n')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_difference_has_the_name_of_its_setting_and_a_secret_no_value() {
        let secret =
            Difference { setting: "/clientSecret".to_owned(), what: "changed", before: None, after: None };
        let shown = changes(&[secret]);
        assert_eq!(
            (shown[0].label.as_str(), shown[0].code.as_str(), shown[0].is_secret),
            ("Client secret", "client_secret", true)
        );
        let url = Difference {
            setting: "/whoamiUrl".to_owned(),
            what: "changed",
            before: Some(json!("https://a.example")),
            after: Some(json!({"b": 1})),
        };
        let shown = changes(&[url]);
        assert_eq!(shown[0].label, "WhoAmI URL");
        assert_eq!(shown[0].before.as_deref(), Some("https://a.example"));
        assert_eq!(shown[0].after.as_deref(), Some("{\n  \"b\": 1\n}"));
    }

    #[test]
    fn what_is_very_long_is_cut_and_what_turns_the_text_is_taken_out() {
        let long = pretty(&json!("x".repeat(LONGEST + 5)));
        assert!(long.ends_with("(cut here)") && long.len() < LONGEST + 40);
        assert_eq!(pretty(&json!("a\u{202e}b")), "\"ab\"");
        assert_eq!(cell(&json!("a\nb")), "a b");
        assert_eq!(cell(&json!(1.50)), "1.5");
    }
}
