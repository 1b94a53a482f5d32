//! The fields of a form as a template shows them, in groups.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::flow::presets::Preset;
use crate::flow::settings::described::{Described, Holds};

use super::faults::Fault;
use super::groups::GROUPS;
use super::lines;
use super::typed::{CALLS, Typed};
use super::words::{Html, html, label};

/// Settings that are no fields of the form: the id is fixed, and the secret before stands on the page of secrets.
const ELSEWHERE: [&str; 2] = ["id", "client_secret_previous"];

/// A field, or a few that belong together.
#[derive(Debug)]
pub struct Field {
    /// Its name in the form.
    pub name: String,
    /// Its id in the page.
    pub id: String,
    /// What it is called.
    pub label: String,
    /// Its name in a tenant's file.
    pub code: String,
    /// What it means.
    pub doc: Html,
    /// A value as somebody would write it.
    pub example: Option<String>,
    /// What is typed into.
    pub input: Input,
    /// What stands in it.
    pub value: String,
    /// What is wrong with it.
    pub faults: Vec<Fault>,
    /// What counts where it is left empty.
    pub given: Option<String>,
    /// Whether it must be there.
    pub required: bool,
}

/// What a value is typed into.
#[derive(Debug)]
pub enum Input {
    /// A line.
    Line,
    /// Several lines: so many are shown.
    Lines(usize),
    /// One of these.
    Choice(Vec<Choice>),
    /// Some of these.
    Ticks(Vec<Choice>),
    /// A secret: whether one is there, and whether it has several lines.
    Secret {
        /// Since when one is there, for people; none if none is.
        set: Option<String>,
        /// Whether it has several lines.
        lines: bool,
    },
    /// It cannot be changed.
    Fixed,
}

/// One of several values.
#[derive(Debug)]
pub struct Choice {
    /// What is sent.
    pub value: String,
    /// What is read.
    pub text: String,
    /// Whether it is the one.
    pub chosen: bool,
}

/// A group of fields.
#[derive(Debug)]
pub struct Group {
    /// Its id in the page.
    pub id: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// What it is about.
    pub lead: &'static str,
    /// Whether it is one that is folded up.
    pub folds: bool,
    /// Whether it is open.
    pub is_open: bool,
    /// Its fields.
    pub fields: Vec<Field>,
}

/// What the fields of a form are made from.
#[derive(Debug, Clone, Copy)]
pub struct Making<'a> {
    /// The settings.
    pub table: &'a [Described],
    /// What stands in them.
    pub typed: &'a Typed,
    /// What is wrong with it.
    pub faults: &'a [Fault],
    /// The preset that is named.
    pub preset: Option<&'static Preset>,
    /// What counts where a setting is left out, by its name in a file, and who says so.
    pub given: &'a BTreeMap<&'static str, (String, &'static str)>,
    /// Since when a secret is there, by its name in a file.
    pub secrets: &'a BTreeMap<&'static str, String>,
    /// Settings that cannot be changed any more.
    pub fixed: &'a [&'a str],
}

impl Making<'_> {
    /// Every group with its fields.
    pub fn groups(&self) -> Vec<Group> {
        let listed: Vec<&str> = GROUPS.iter().flat_map(|(.., names)| names.iter().copied()).collect();
        let groups = GROUPS.iter().map(|(id, title, lead, folds, names)| {
            let is_last = names.is_empty();
            let rest = self.table.iter().map(|setting| setting.name).filter(|name| !listed.contains(name));
            let names: Vec<&str> = if is_last {
                rest.filter(|name| !ELSEWHERE.contains(name)).collect()
            } else {
                names.to_vec()
            };
            let fields = self.fields(&names);
            let is_used = names.iter().any(|name| self.typed.has(name));
            let is_faulty = fields.iter().any(|field| !field.faults.is_empty());
            Group { id, title, lead, folds: *folds, is_open: !folds || is_used || is_faulty, fields }
        });
        groups.filter(|group| !group.fields.is_empty()).collect()
    }

    /// The fields of some settings.
    pub fn fields(&self, names: &[&str]) -> Vec<Field> {
        let known = names.iter().filter_map(|name| self.table.iter().find(|setting| setting.name == *name));
        known.flat_map(|setting| self.of(setting)).collect()
    }

    /// The faults that stand beside no field.
    pub fn faults_elsewhere(&self, fields: &[&Field]) -> Vec<Fault> {
        let beside = |fault: &&Fault| !fields.iter().any(|field| field.name == fault.field);
        self.faults.iter().filter(beside).cloned().collect()
    }

    fn of(&self, setting: &Described) -> Vec<Field> {
        match &setting.holds {
            Holds::Table(fixed, each) => {
                if let Some(preset) = self.preset.filter(|_| setting.name == "vars") {
                    return self.variables(preset);
                }
                let own = fixed.iter().map(|within| {
                    let name = format!("{}.{}", setting.name, within.name);
                    let label = format!("{}: {}", label(setting.name), label(within.name).to_lowercase());
                    self.field(within, name, label)
                });
                let mut fields: Vec<Field> = own.collect();
                if each.is_some() {
                    fields.insert(0, self.field(setting, setting.name.to_owned(), label(setting.name)));
                }
                // Without a preset nobody asks for variables.
                fields.retain(|field| {
                    field.name != "vars" || !field.value.is_empty() || !field.faults.is_empty()
                });
                fields
            }
            Holds::Tables(table) => self.tables(setting, table),
            _ => vec![self.field(setting, setting.name.to_owned(), label(setting.name))],
        }
    }

    fn tables(&self, setting: &Described, table: &[Described]) -> Vec<Field> {
        let shown = (self.typed.tables(setting.name) + 1).min(CALLS);
        let mut fields = Vec::new();
        for at in 0..shown {
            for within in table {
                let name = format!("{}.{at}.{}", setting.name, within.name);
                let label = format!("Further call {}: {}", at + 1, label(within.name));
                let mut field = self.field(within, name, label);
                field.required = false;
                fields.push(field);
            }
        }
        fields
    }

    /// A field for each variable of a preset.
    fn variables(&self, preset: &'static Preset) -> Vec<Field> {
        let pairs = lines::pairs(self.typed.text("vars")).unwrap_or_default();
        let one = |asked: &crate::flow::presets::Variable| {
            let name = format!("vars.{}", asked.name);
            let value = pairs.iter().find(|(name, _)| *name == asked.name).map(|(_, value)| value.clone());
            Field {
                id: id_of(&name),
                label: asked.label.clone(),
                code: name.clone(),
                doc: html(&asked.help),
                example: Some(asked.example.clone()),
                input: Input::Line,
                value: value.unwrap_or_default(),
                faults: self.faults_of(&name),
                given: asked.default.as_ref().map(|default| format!("Left empty: {default}")),
                required: asked.default.is_none(),
                name,
            }
        };
        preset.vars.iter().map(one).collect()
    }

    fn field(&self, setting: &Described, name: String, label: String) -> Field {
        let value = self.typed.text(&name).to_owned();
        let given = self.given.get(name.as_str());
        let default = setting.default.map(|default| match (&setting.holds, default) {
            (Holds::Flag, "false") => "no".to_owned(),
            (_, " ") => "a space".to_owned(),
            (_, other) => other.to_owned(),
        });
        let empty = match (given, &default) {
            (Some((text, by)), _) => Some(format!("From {by}: {text}")),
            (None, Some(default)) => Some(format!("Left empty: {default}")),
            _ => None,
        };
        Field {
            id: id_of(&name),
            code: code_of(&name),
            doc: html(setting.doc),
            example: setting.example.map(str::to_owned),
            input: self.input(setting, &name, &value, empty.as_deref()),
            faults: self.faults_of(&name),
            required: setting.required && given.is_none(),
            given: empty,
            label,
            value,
            name,
        }
    }

    fn input(&self, setting: &Described, name: &str, value: &str, empty: Option<&str>) -> Input {
        if self.fixed.contains(&name) {
            return Input::Fixed;
        }
        let choice = |known: &str, text: &str, chosen: bool| Choice {
            value: known.to_owned(),
            text: text.to_owned(),
            chosen,
        };
        match &setting.holds {
            Holds::Secret => {
                let set = self.secrets.get(setting.name).cloned();
                Input::Secret { set, lines: setting.name.starts_with("private_key") }
            }
            Holds::Word(_) | Holds::Flag => {
                let words: Vec<(&str, &str)> = match &setting.holds {
                    Holds::Word(words) => words.iter().map(|word| (*word, *word)).collect(),
                    _ => vec![("true", "yes"), ("false", "no")],
                };
                let none = choice("", empty.unwrap_or("None"), value.is_empty());
                let rest = words.iter().map(|(known, text)| choice(known, text, *known == value));
                let mut choices: Vec<Choice> = std::iter::once(none).chain(rest).collect();
                if !value.is_empty() && !choices.iter().any(|choice| choice.chosen) {
                    choices.push(choice(value, value, true));
                }
                Input::Choice(choices)
            }
            Holds::List(words) if !words.is_empty() => {
                let ticked = lines::list(value, true);
                let ticks =
                    words.iter().map(|word| choice(word, word, ticked.iter().any(|known| known == word)));
                Input::Ticks(ticks.collect())
            }
            Holds::TextOrTable => Input::Lines(6),
            Holds::Table(..) | Holds::List(_) => Input::Lines(3),
            _ => Input::Line,
        }
    }

    fn faults_of(&self, name: &str) -> Vec<Fault> {
        self.faults.iter().filter(|fault| fault.field == name).cloned().collect()
    }
}

/// What a field is called in a file: `whoami.0.url` is `whoami.url`.
fn code_of(name: &str) -> String {
    let is_number = |part: &&str| part.parse::<usize>().is_ok();
    name.split('.').filter(|part| !is_number(part)).collect::<Vec<_>>().join(".")
}

/// The id of a field in the page.
pub fn id_of(name: &str) -> String {
    format!("f-{}", name.replace(['.', '_'], "-"))
}

/// A value of a preset as somebody would type it.
pub fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) if items.iter().all(|item| !item.is_object()) => {
            lines::of_list(items).replace('\n', ", ")
        }
        Value::Object(members) => lines::of_pairs(members).replace('\n', ", "),
        other => other.to_string(),
    }
}

/// What a preset says of each setting, by its name in a file.
pub fn given_by_preset(
    table: &[Described],
    settings: &Map<String, Value>,
) -> BTreeMap<&'static str, (String, &'static str)> {
    let of = |setting: &Described| Some((setting.name, (as_text(settings.get(setting.name)?), "the preset")));
    table.iter().filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn setting(name: &'static str, holds: Holds) -> Described {
        let member = name.to_owned();
        Described { name, member, doc: "It is `so`.", example: None, default: None, required: false, holds }
    }

    fn table() -> Vec<Described> {
        let pkce = Described { default: Some("S256"), ..setting("pkce", Holds::Word(vec!["S256", "off"])) };
        vec![
            setting("id", Holds::Text),
            setting("client_id", Holds::Text),
            pkce,
            setting("vars", Holds::Table(Vec::new(), Some(Box::new(Holds::Text)))),
            setting("whoami", Holds::Tables(vec![setting("url", Holds::Text)])),
            setting("brand_new", Holds::Flag),
        ]
    }

    fn with<T>(typed: &Typed, faults: &[Fault], look: impl FnOnce(&Making<'_>) -> T) -> T {
        let given = BTreeMap::from([("client_id", ("theirs".to_owned(), "the preset"))]);
        look(&Making {
            table: &table(),
            typed,
            faults,
            preset: None,
            given: &given,
            secrets: &BTreeMap::new(),
            fixed: &["client_id"],
        })
    }

    #[test]
    fn no_setting_stands_in_two_groups_and_a_new_one_stands_in_the_last() {
        let mut listed: Vec<&str> = GROUPS.iter().flat_map(|(.., names)| names.iter().copied()).collect();
        let count = listed.len();
        listed.sort_unstable();
        listed.dedup();
        assert_eq!(listed.len(), count);
        let names = with(&Typed::default(), &[], |making| {
            let groups = making.groups();
            let last = groups.last().unwrap();
            (last.id, last.fields.iter().map(|field| field.name.clone()).collect::<Vec<_>>())
        });
        assert_eq!(names, ("advanced", vec!["brand_new".to_owned()]));
    }

    #[test]
    fn a_group_that_is_used_or_at_fault_is_open() {
        let open = |typed: &Typed, faults: &[Fault]| {
            with(typed, faults, |making| {
                making
                    .groups()
                    .into_iter()
                    .filter(|group| group.is_open)
                    .map(|group| group.id)
                    .collect::<Vec<_>>()
            })
        };
        assert_eq!(open(&Typed::default(), &[]), ["basics"]);
        let mut typed = Typed::default();
        typed.put("pkce", "off");
        assert_eq!(open(&typed, &[]), ["basics", "requests"]);
        assert_eq!(open(&Typed::default(), &[Fault::new("whoami.0.url", "no", "")]), ["basics", "calls"]);
    }

    #[test]
    fn a_field_says_what_counts_where_it_is_empty_and_shows_what_stands_there() {
        let mut typed = Typed::default();
        typed.put("pkce", "plain");
        typed.put("whoami.0.url", "https://a.example");
        with(&typed, &[], |making| {
            let fields = making.fields(&["client_id", "pkce", "whoami", "vars"]);
            let names: Vec<_> =
                fields.iter().map(|field| (field.name.as_str(), field.code.as_str())).collect();
            let calls = [("whoami.0.url", "whoami.url"), ("whoami.1.url", "whoami.url")];
            assert_eq!(names, [&[("client_id", "client_id"), ("pkce", "pkce")][..], &calls].concat());
            assert_eq!(fields[0].given.as_deref(), Some("From the preset: theirs"));
            assert!(matches!(fields[0].input, Input::Fixed));
            assert_eq!(fields[1].given.as_deref(), Some("Left empty: S256"));
            let Input::Choice(choices) = &fields[1].input else { panic!("a word is chosen") };
            let chosen: Vec<_> =
                choices.iter().filter(|choice| choice.chosen).map(|choice| &*choice.value).collect();
            assert_eq!(chosen, ["plain"], "also one that is no choice");
            assert_eq!((fields[2].value.as_str(), fields[3].value.as_str()), ("https://a.example", ""));
        });
    }

    #[test]
    fn what_a_preset_says_reads_like_what_is_typed() {
        assert_eq!(as_text(&json!(["a", "b"])), "a, b");
        assert_eq!(as_text(&json!({"a": "b"})), "a = b");
        assert_eq!((as_text(&json!(60)), as_text(&json!("x"))), ("60".to_owned(), "x".to_owned()));
    }
}
