//! Two versions of the same settings side by side.

use crate::flow::settings::described::{Described, Holds};

use super::typed::Typed;
use super::words::label;

/// A setting that is not the same in both.
#[derive(Debug, PartialEq, Eq)]
pub struct Row {
    /// What it is called.
    pub label: String,
    /// What stands there now.
    pub theirs: String,
    /// What was typed.
    pub yours: String,
}

/// Every setting that differs, in the order of the table.
pub fn compare(table: &[Described], theirs: &Typed, yours: &Typed) -> Vec<Row> {
    let mut names: Vec<(String, String)> = Vec::new();
    for setting in table.iter().filter(|setting| setting.name != "id") {
        let calls = theirs.tables(setting.name).max(yours.tables(setting.name));
        names.push((setting.name.to_owned(), label(setting.name)));
        match &setting.holds {
            Holds::Table(fixed, _) => names.extend(fixed.iter().map(|within| {
                let name = format!("{}.{}", setting.name, within.name);
                (name, format!("{}: {}", label(setting.name), label(within.name)))
            })),
            Holds::Tables(fields) => names.extend((0..calls).flat_map(|at| {
                fields.iter().map(move |within| {
                    let name = format!("{}.{at}.{}", setting.name, within.name);
                    (name, format!("Further call {}: {}", at + 1, label(within.name)))
                })
            })),
            _ => {}
        }
    }
    let differs = names.into_iter().filter(|(name, _)| theirs.text(name) != yours.text(name));
    differs
        .map(|(name, label)| Row {
            label,
            theirs: theirs.text(&name).to_owned(),
            yours: yours.text(&name).to_owned(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(name: &'static str, holds: Holds) -> Described {
        Described {
            name,
            member: name.to_owned(),
            doc: "",
            example: None,
            default: None,
            required: false,
            holds,
        }
    }

    #[test]
    fn only_what_differs_is_shown_however_deep_it_lies() {
        let table = [
            setting("scope", Holds::Text),
            setting("label", Holds::Text),
            setting("enrich", Holds::Table(vec![setting("required", Holds::List(Vec::new()))], None)),
            setting("whoami", Holds::Tables(vec![setting("url", Holds::Text)])),
        ];
        let (mut theirs, mut yours) = (Typed::default(), Typed::default());
        for typed in [&mut theirs, &mut yours] {
            typed.put("label", "same");
        }
        theirs.put("scope", "a");
        yours.put("enrich.required", "email");
        yours.put("whoami.0.url", "https://a.example");
        let rows = compare(&table, &theirs, &yours);
        let told: Vec<_> =
            rows.iter().map(|row| (row.label.as_str(), row.theirs.as_str(), row.yours.as_str())).collect();
        assert_eq!(
            told,
            [
                ("Scope", "a", ""),
                ("What a sign-in may change: Required", "", "email"),
                ("Further call 1: URL", "", "https://a.example"),
            ]
        );
        assert!(compare(&table, &yours, &yours).is_empty());
    }
}
