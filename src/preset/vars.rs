//! What a preset asks for. A value goes into hosts and paths of URLs to which credentials are sent,
//! so each has a form that cannot leave its place: no `/`, `@`, `:`, `?`, `#`, `%`, spaces or
//! braces in any of them.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A value that a preset asks for.
#[derive(Debug, Clone)]
pub struct Variable {
    /// What stands between braces in the preset's settings, and in a tenant's `vars`.
    pub name: String,
    /// What it is, for people.
    pub label: String,
    /// Where to find it: one sentence.
    pub help: String,
    /// How one looks.
    pub example: String,
    /// What a value may be.
    pub form: Form,
    /// The value if none is given; without it one must be.
    pub default: Option<String>,
}

/// What a value may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// A host name in small letters, or the end of one: `login.acme.example`.
    Host,
    /// One label of a host name in small letters: `acme`.
    Label,
    /// One part of a URL's path.
    Segment,
    /// Letters, digits, `_` and `-`.
    Word,
}

/// Why a preset cannot be filled in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VarFault {
    /// A variable without default has no value.
    #[error("the preset `{preset}` asks for `{name}` ({label}), e.g. `{example}`")]
    Missing {
        /// The preset.
        preset: &'static str,
        /// The variable.
        name: String,
        /// What it is.
        label: String,
        /// How one looks.
        example: String,
        /// Where to find it.
        help: String,
    },
    /// A value is given for something that the preset does not ask for.
    #[error("the preset `{preset}` has no variable `{name}`; {}", asks_for(known))]
    Unknown {
        /// The preset.
        preset: &'static str,
        /// What was given.
        name: String,
        /// What it asks for.
        known: Vec<String>,
    },
    /// A value has not the form that is asked for.
    #[error("`{name}` must be {}", form.described())]
    Unfit {
        /// The variable.
        name: String,
        /// What it may be.
        form: Form,
    },
}

/// A variable as it stands in a preset's file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    label: String,
    help: String,
    example: String,
    form: Form,
    default: Option<String>,
}

impl Variable {
    pub(super) fn named(name: String, asked: Asked) -> Self {
        let Asked { label, help, example, form, default } = asked;
        Self { name, label, help, example, form, default }
    }
}

impl VarFault {
    /// The variable that it is about.
    pub fn name(&self) -> &str {
        match self {
            Self::Missing { name, .. } | Self::Unknown { name, .. } | Self::Unfit { name, .. } => name,
        }
    }
}

impl Form {
    /// Whether a value has this form.
    pub fn holds(self, value: &str) -> bool {
        match self {
            Self::Host => is_host(value),
            Self::Label => is_label(value),
            Self::Segment => is_of(value, 128, b"._~-") && value.bytes().any(|byte| byte != b'.'),
            Self::Word => is_of(value, 64, b"_-"),
        }
    }

    /// What a value may be, in words.
    pub fn described(self) -> &'static str {
        match self {
            Self::Host => "a host name in small letters, without scheme, port and path",
            Self::Label => "one label of a host name: small letters, digits and `-`, without dots",
            Self::Segment => "one part of a path: letters, digits, `.`, `_`, `~` and `-`",
            Self::Word => "one word: letters, digits, `_` and `-`",
        }
    }
}

/// The value of each variable, given or by default.
pub(super) fn check(
    preset: &'static str,
    asked: &[Variable],
    given: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, Vec<VarFault>> {
    let (mut values, mut faults) = (BTreeMap::new(), Vec::new());
    for variable in asked {
        match given.get(&variable.name).or(variable.default.as_ref()) {
            Some(value) if variable.form.holds(value) => {
                values.insert(variable.name.clone(), value.clone());
            }
            Some(_) => faults.push(VarFault::Unfit { name: variable.name.clone(), form: variable.form }),
            None => faults.push(VarFault::Missing {
                preset,
                name: variable.name.clone(),
                label: variable.label.clone(),
                example: variable.example.clone(),
                help: variable.help.clone(),
            }),
        }
    }
    let is_asked = |name: &String| asked.iter().any(|variable| variable.name == *name);
    faults.extend(given.keys().filter(|name| !is_asked(name)).map(|name| VarFault::Unknown {
        preset,
        name: name.clone(),
        known: asked.iter().map(|variable| variable.name.clone()).collect(),
    }));
    if faults.is_empty() { Ok(values) } else { Err(faults) }
}

/// A table with the values in each of its texts, however deep.
pub(super) fn fill_table(table: &toml::Table, values: &BTreeMap<String, String>) -> toml::Table {
    table.iter().map(|(key, value)| (key.clone(), fill(value, values))).collect()
}

fn fill(value: &toml::Value, values: &BTreeMap<String, String>) -> toml::Value {
    match value {
        // No value has braces, so the order makes no difference.
        toml::Value::String(text) => toml::Value::String(
            values
                .iter()
                .fold(text.clone(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value)),
        ),
        toml::Value::Array(items) => {
            toml::Value::Array(items.iter().map(|item| fill(item, values)).collect())
        }
        toml::Value::Table(table) => toml::Value::Table(fill_table(table, values)),
        other => other.clone(),
    }
}

/// Labels with dots between them (RFC 1123, 2.1). One that ends in digits would be an address.
fn is_host(value: &str) -> bool {
    let last = value.rsplit('.').next().unwrap_or_default();
    value.len() <= 253 && value.split('.').all(is_label) && !last.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_label(value: &str) -> bool {
    (1..=63).contains(&value.len())
        && value.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !value.starts_with('-')
        && !value.ends_with('-')
}

fn is_of(value: &str, most: usize, marks: &[u8]) -> bool {
    (1..=most).contains(&value.len())
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || marks.contains(&byte))
}

fn asks_for(known: &[String]) -> String {
    if known.is_empty() {
        return "it asks for none".to_owned();
    }
    let known: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
    format!("it asks for {}", known.join(", "))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;
    use url::Url;

    use super::*;

    #[rstest]
    #[case(Form::Host, "login.acme.example")]
    #[case(Form::Host, "com.au")]
    #[case(Form::Host, "eu")]
    #[case(Form::Host, "xn--bcher-kva.example")]
    #[case(Form::Label, "acme-1")]
    #[case(Form::Label, "775527ff-9a37-4307-8b3d-cc311f58d925")]
    #[case(Form::Segment, "B2C_1_signup.in~2")]
    #[case(Form::Segment, "...a")]
    #[case(Form::Word, "sbid")]
    #[case(Form::Word, "A_1-b")]
    fn what_has_the_form_is_taken(#[case] form: Form, #[case] value: &str) {
        assert!(form.holds(value));
    }

    #[rstest]
    #[case("")]
    #[case("a/b")]
    #[case("a@b")]
    #[case("a:443")]
    #[case("a?b")]
    #[case("a#b")]
    #[case("a b")]
    #[case("a%2fb")]
    #[case("a\\b")]
    #[case("a\n")]
    #[case("{a}")]
    #[case("ä.example")]
    #[case("..")]
    #[case(".")]
    fn what_could_leave_its_place_is_refused_in_every_form(#[case] value: &str) {
        for form in [Form::Host, Form::Label, Form::Segment, Form::Word] {
            assert!(!form.holds(value), "{form:?}");
        }
    }

    #[rstest]
    #[case(Form::Host, "https://acme.example")]
    #[case(Form::Host, "Acme.example")]
    #[case(Form::Host, "127.0.0.1")]
    #[case(Form::Host, "2130706433")]
    #[case(Form::Host, "acme.example.")]
    #[case(Form::Host, ".acme.example")]
    #[case(Form::Host, "acme..example")]
    #[case(Form::Host, "-acme.example")]
    #[case(Form::Label, "acme.example")]
    #[case(Form::Label, "acme_1")]
    #[case(Form::Label, "Acme")]
    #[case(Form::Label, "acme-")]
    #[case(Form::Word, "com.au")]
    fn what_has_another_form_is_refused(#[case] form: Form, #[case] value: &str) {
        assert!(!form.holds(value));
    }

    #[test]
    fn endless_values_are_refused() {
        assert!(!Form::Label.holds(&"a".repeat(64)) && !Form::Word.holds(&"a".repeat(65)));
        assert!(!Form::Segment.holds(&"a".repeat(129)) && !Form::Host.holds(&"a.".repeat(127)[..].repeat(2)));
    }

    proptest! {
        #[test]
        fn a_value_stays_where_it_was_put(value in r"[a-zA-Z0-9._~@:/?#%{} \\-]{1,12}") {
            // What is no punycode is no URL, and told so elsewhere.
            if Form::Host.holds(&value)
                && let Ok(url) = format!("https://x.{value}/p").parse::<Url>()
            {
                prop_assert_eq!(url.host_str().map(str::to_owned), Some(format!("x.{value}")));
                prop_assert_eq!(url.path(), "/p");
            }
            if Form::Label.holds(&value)
                && let Ok(url) = format!("https://{value}.acme.example/p").parse::<Url>()
            {
                prop_assert_eq!(url.host_str().map(str::to_owned), Some(format!("{value}.acme.example")));
            }
            for form in [Form::Segment, Form::Word] {
                if form.holds(&value) {
                    let url: Url = format!("https://acme.example/a/{value}/b").parse().unwrap();
                    prop_assert_eq!(url.path(), format!("/a/{value}/b"));
                    prop_assert_eq!(url.path_segments().unwrap().count(), 3);
                }
            }
        }
    }
}
