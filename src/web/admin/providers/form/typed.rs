//! The texts of a form: taken from settings or from what was typed, and made into settings again. A secret is in
//! neither: it goes from the form into the settings that are sent, and is never shown.

use std::collections::BTreeMap;

use serde_json::{Map, Number, Value, json};

use super::faults::Fault;
use super::lines::{self, BadLine};
use crate::flow::settings::described::{Described, Holds};

/// The most further calls of a login, and one place for a new one.
pub const CALLS: usize = 4;

/// The fields of a form as they came.
#[derive(Debug, Clone, Default)]
pub struct Sent<'a>(pub Vec<(&'a str, &'a str)>);

impl<'a> Sent<'a> {
    /// The first field of this name; empty if there is none.
    pub fn raw(&self, name: &str) -> &'a str {
        self.all(name).next().unwrap_or_default()
    }

    /// Every field of this name.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| *known == name).map(|(_, value)| *value)
    }

    /// Fields below a name, without its front.
    fn below(&self, name: &str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.0
            .iter()
            .filter_map(move |(known, value)| Some((known.strip_prefix(name)?.strip_prefix('.')?, *value)))
    }
}

/// Texts by the names of their fields: `client_id`, `enrich.required`, `whoami.0.url`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Typed {
    texts: BTreeMap<String, String>,
}

impl Typed {
    /// What stands in settings, whose names are those of JSON.
    pub fn of_settings(table: &[Described], settings: &Map<String, Value>) -> Self {
        let mut typed = Self::default();
        for setting in table {
            if let Some(value) = settings.get(&setting.member) {
                typed.show(setting.name, &setting.holds, value);
            }
        }
        typed
    }

    /// What was typed.
    pub fn of_form(table: &[Described], sent: &Sent<'_>) -> Self {
        let mut typed = Self::default();
        for setting in table {
            typed.copy(setting.name, &setting.holds, sent);
        }
        typed
    }

    /// The text of a field; empty if there is none.
    pub fn text(&self, field: &str) -> &str {
        self.texts.get(field).map(String::as_str).unwrap_or_default()
    }

    /// Every field with a text.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts.iter().map(|(field, text)| (field.as_str(), text.as_str()))
    }

    /// Puts a text into a field.
    pub fn put(&mut self, field: impl Into<String>, text: impl Into<String>) {
        let text = text.into();
        if !text.is_empty() {
            self.texts.insert(field.into(), text);
        }
    }

    /// Empties a field.
    pub fn clear(&mut self, field: &str) {
        self.texts.remove(field);
    }

    /// Whether a setting, or one below it, has a text.
    pub fn has(&self, setting: &str) -> bool {
        self.texts.keys().any(|field| field == setting || below(field, setting))
    }

    /// How many tables of a list have a text.
    pub fn tables(&self, setting: &str) -> usize {
        let number =
            |field: &String| field.strip_prefix(setting)?.strip_prefix('.')?.split('.').next()?.parse().ok();
        self.texts.keys().filter_map(number).max().map_or(0, |last: usize| last + 1)
    }

    /// Settings with their names in JSON, to be sent as a draft; or every line that cannot be read.
    pub fn settings(&self, table: &[Described]) -> Result<Map<String, Value>, Vec<Fault>> {
        let (mut settings, mut faults) = (Map::new(), Vec::new());
        for setting in table {
            if let Some(value) = self.value(setting.name, &setting.holds, &mut faults) {
                settings.insert(setting.member.clone(), value);
            }
        }
        if faults.is_empty() { Ok(settings) } else { Err(faults) }
    }

    fn show(&mut self, field: &str, holds: &Holds, value: &Value) {
        match (holds, value) {
            (Holds::Secret, _) | (_, Value::Null) => {}
            (Holds::Tables(table), Value::Array(items)) => {
                for (at, item) in items.iter().filter_map(Value::as_object).enumerate() {
                    self.show_table(&format!("{field}.{at}"), table, item);
                }
            }
            (Holds::Table(fixed, each), Value::Object(members)) => {
                self.show_table(field, fixed, members);
                let is_fixed = |name: &String| fixed.iter().any(|setting| setting.member == *name);
                let open: Map<String, Value> = members
                    .iter()
                    .filter(|(name, _)| each.is_some() && !is_fixed(name))
                    .map(|(name, value)| (name.clone(), value.clone()))
                    .collect();
                self.put(field, lines::of_pairs(&open));
            }
            (Holds::TextOrTable, Value::Object(members)) => self.put(field, lines::of_pairs(members)),
            (_, Value::Array(items)) => self.put(field, lines::of_list(items)),
            (_, Value::String(text)) => self.put(field, text.clone()),
            (_, other) => self.put(field, other.to_string()),
        }
    }

    fn show_table(&mut self, front: &str, table: &[Described], members: &Map<String, Value>) {
        for setting in table {
            if let Some(value) = members.get(&setting.member) {
                self.show(&format!("{front}.{}", setting.name), &setting.holds, value);
            }
        }
    }

    fn copy(&mut self, field: &str, holds: &Holds, sent: &Sent<'_>) {
        match holds {
            Holds::Secret => {}
            Holds::Tables(table) => {
                // What stands between others may have been emptied: the rest moves up.
                let mut at = 0;
                for number in 0..=CALLS {
                    let mut one = Self::default();
                    for setting in table {
                        let text = sent.raw(&format!("{field}.{number}.{}", setting.name));
                        one.put(setting.name, tidy(text));
                    }
                    let filled = !one.texts.is_empty();
                    for (name, text) in one.texts {
                        self.put(format!("{field}.{at}.{name}"), text);
                    }
                    at += usize::from(filled);
                }
            }
            Holds::Table(fixed, each) => {
                for setting in fixed {
                    self.copy(&format!("{field}.{}", setting.name), &setting.holds, sent);
                }
                if each.is_some() {
                    // A preset's variables have fields of their own.
                    let asked = sent.below(field).filter(|(name, text)| {
                        fixed.is_empty() && !name.is_empty() && !text.trim().is_empty()
                    });
                    let asked = asked.map(|(name, text)| format!("{name} = {}", text.trim()));
                    let lines = std::iter::once(tidy(sent.raw(field))).chain(asked);
                    let lines: Vec<String> = lines.filter(|line| !line.is_empty()).collect();
                    self.put(field, lines.join("\n"));
                }
            }
            // Boxes to tick come as several fields of one name.
            Holds::List(words) if !words.is_empty() => {
                self.put(field, sent.all(field).collect::<Vec<_>>().join("\n"));
            }
            // A separator may be a space.
            Holds::Text if field == "scope_separator" => self.put(field, sent.raw(field)),
            _ => self.put(field, tidy(sent.raw(field))),
        }
    }

    /// The value of a setting; none if its fields are empty.
    fn value(&self, field: &str, holds: &Holds, faults: &mut Vec<Fault>) -> Option<Value> {
        let text = self.text(field);
        match holds {
            Holds::Secret => None,
            Holds::Tables(table) => self.list_of_tables(field, table, faults),
            Holds::Table(fixed, each) => self.table(field, fixed, each.as_deref(), faults),
            _ if text.is_empty() => None,
            Holds::Text | Holds::Word(_) => Some(json!(text)),
            Holds::Count(..) => Some(number(text)),
            Holds::Flag => Some(match text {
                "true" => json!(true),
                "false" => json!(false),
                other => json!(other),
            }),
            Holds::Json => Some(serde_json::from_str(text).unwrap_or_else(|_| json!(text))),
            Holds::List(words) => Some(json!(lines::list(text, !words.is_empty()))),
            Holds::TextOrTable => match lines::expressions(text) {
                None => Some(json!(text)),
                Some(Ok(fields)) => Some(object(fields.into_iter().map(|(name, text)| (name, json!(text))))),
                Some(Err(bad)) => told(field, bad, faults),
            },
        }
    }

    fn list_of_tables(&self, field: &str, table: &[Described], faults: &mut Vec<Fault>) -> Option<Value> {
        let mut list = Vec::new();
        for at in 0..self.tables(field) {
            let mut members = Map::new();
            for setting in table {
                let name = format!("{field}.{at}.{}", setting.name);
                if let Some(value) = self.value(&name, &setting.holds, faults) {
                    members.insert(setting.member.clone(), value);
                }
            }
            list.push(Value::Object(members));
        }
        (!list.is_empty()).then_some(Value::Array(list))
    }

    fn table(
        &self,
        field: &str,
        fixed: &[Described],
        each: Option<&Holds>,
        faults: &mut Vec<Fault>,
    ) -> Option<Value> {
        let mut members = Map::new();
        for setting in fixed {
            let name = format!("{field}.{}", setting.name);
            if let Some(value) = self.value(&name, &setting.holds, faults) {
                members.insert(setting.member.clone(), value);
            }
        }
        let Some(each) = each else { return (!members.is_empty()).then_some(Value::Object(members)) };
        match lines::pairs(self.text(field)) {
            Ok(pairs) => members.extend(pairs.into_iter().map(|(name, text)| {
                let value = match each {
                    Holds::Json => serde_json::from_str(&text).unwrap_or_else(|_| json!(text)),
                    _ => json!(text),
                };
                (name, value)
            })),
            Err(bad) => return told(field, bad, faults),
        }
        (!members.is_empty()).then_some(Value::Object(members))
    }
}

/// Whether a field stands below a setting: `whoami.0.url` below `whoami`.
fn below(field: &str, setting: &str) -> bool {
    field.strip_prefix(setting).is_some_and(|rest| rest.starts_with('.'))
}

/// Without white space around, and without that of lines at their ends.
fn tidy(text: &str) -> String {
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n").trim().to_owned()
}

/// A number as it is; what is none goes on as a text, so that whoever checks it can say so.
fn number(text: &str) -> Value {
    text.parse::<u32>().map_or_else(|_| json!(text), |number| Value::Number(Number::from(number)))
}

fn object(members: impl Iterator<Item = (String, Value)>) -> Value {
    Value::Object(members.collect())
}

fn told(field: &str, bad: Vec<BadLine>, faults: &mut Vec<Fault>) -> Option<Value> {
    faults.extend(bad.into_iter().map(|BadLine { line, message }| Fault::in_line(field, line, &message)));
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(name: &'static str, member: &str, holds: Holds) -> Described {
        let member = member.to_owned();
        Described { name, member, doc: "", example: None, default: None, required: false, holds }
    }

    fn table() -> Vec<Described> {
        let calls = vec![
            setting("name", "name", Holds::Text),
            setting("url", "url", Holds::Text),
            setting("params", "params", Holds::Table(Vec::new(), Some(Box::new(Holds::Text)))),
        ];
        let required = vec![setting("required", "required", Holds::List(Vec::new()))];
        vec![
            setting("client_id", "clientId", Holds::Text),
            setting("client_secret", "clientSecret", Holds::Secret),
            setting("scope_separator", "scopeSeparator", Holds::Text),
            setting("mapping", "mapping", Holds::TextOrTable),
            setting("trusted", "trusted", Holds::List(vec!["email", "phone"])),
            setting("max_age", "maxAge", Holds::Count(0, 100)),
            setting("merge_by_email", "mergeByEmail", Holds::Flag),
            setting("claims", "claims", Holds::Table(Vec::new(), Some(Box::new(Holds::Json)))),
            setting("vars", "vars", Holds::Table(Vec::new(), Some(Box::new(Holds::Text)))),
            setting("enrich", "enrich", Holds::Table(required, Some(Box::new(Holds::Text)))),
            setting("whoami", "whoami", Holds::Tables(calls)),
        ]
    }

    fn typed(fields: &[(&str, &str)]) -> Typed {
        Typed::of_form(&table(), &Sent(fields.to_vec()))
    }

    fn settings(fields: &[(&str, &str)]) -> Value {
        Value::Object(typed(fields).settings(&table()).unwrap())
    }

    #[test]
    fn what_is_typed_becomes_settings_of_their_kinds() {
        let made = settings(&[
            ("client_id", " acme "),
            ("client_secret", "canary"),
            ("scope_separator", " "),
            ("mapping", "email = a\nfullName = b"),
            ("trusted", "email"),
            ("trusted", "phone"),
            ("max_age", "60"),
            ("merge_by_email", "true"),
            ("claims", "id_token = {\"email\": null}"),
            ("vars.domain", "id.example"),
            ("enrich", "email = overwrite"),
            ("enrich.required", "email"),
            ("whoami.0.name", ""),
            ("whoami.2.name", "emails"),
            ("whoami.2.params", "a = b"),
        ]);
        assert_eq!(
            made,
            json!({
                "clientId": "acme", "scopeSeparator": " ", "mapping": {"email": "a", "fullName": "b"},
                "trusted": ["email", "phone"], "maxAge": 60, "mergeByEmail": true,
                "claims": {"id_token": {"email": null}}, "vars": {"domain": "id.example"},
                "enrich": {"required": ["email"], "email": "overwrite"},
                "whoami": [{"name": "emails", "params": {"a": "b"}}],
            })
        );
    }

    #[test]
    fn what_is_shown_and_sent_back_unchanged_is_the_same() {
        let whole = json!({
            "clientId": "acme", "clientSecret": {"set": true}, "mapping": "{email: a}", "trusted": ["email"],
            "maxAge": 60, "mergeByEmail": false, "claims": {"id_token": {"n": 1.50}},
            "enrich": {"required": ["email"], "email": "fill"},
            "whoami": [{"name": "a", "url": "https://a.example"}, {"name": "b", "params": {"x": "1"}}],
        });
        let shown = Typed::of_settings(&table(), whole.as_object().unwrap());
        let mut again = Value::Object(shown.settings(&table()).unwrap());
        again["clientSecret"] = json!({"set": true});
        assert_eq!(again, whole);
        assert_eq!((shown.text("whoami.1.params"), shown.tables("whoami")), ("x = 1", 2));
        assert!(shown.has("whoami") && shown.has("enrich") && !shown.has("vars"));
    }

    #[test]
    fn what_cannot_be_read_goes_on_to_whoever_says_so_or_is_told_by_its_line() {
        assert_eq!(
            settings(&[("max_age", "soon"), ("merge_by_email", "maybe")]),
            json!({"maxAge": "soon", "mergeByEmail": "maybe"})
        );
        let bad = typed(&[("enrich", "email"), ("mapping", "a = b\na = c")]).settings(&table()).unwrap_err();
        let told: Vec<_> = bad.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(told, ["mapping", "enrich"]);
    }

    #[test]
    fn no_secret_is_ever_kept_in_what_was_typed() {
        let typed = typed(&[("client_secret", "canary")]);
        assert!(!format!("{typed:?}").contains("canary"));
    }
}
