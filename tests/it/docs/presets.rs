//! `docs/presets.md`: every preset, as its file has it.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use countersign::preset::{self, Group, Preset};

use super::generated;

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

/// The names of the settings, those that every provider needs first.
fn settings(preset: &Preset) -> String {
    let names: BTreeSet<&str> = preset.template().keys().map(String::as_str).collect();
    let ways = ["issuer", "authorize_url", "token_url", "whoami_url", "whoami"];
    let first = ways.into_iter().filter(|name| names.contains(name));
    let others = names.iter().copied().filter(|name| !ways.contains(name));
    first.chain(others).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" ")
}

fn row(preset: &Preset) -> String {
    let variables: Vec<String> = preset
        .vars
        .iter()
        .map(|variable| match &variable.default {
            Some(default) => format!("`{}` = `{default}`: {}", variable.name, variable.help),
            None => format!("`{}`, e.g. `{}`: {}", variable.name, variable.example, variable.help),
        })
        .collect();
    format!(
        "| `{}` | [{}]({}) | {} | {} | {} |\n",
        preset.id,
        cell(&preset.title),
        preset.docs,
        cell(&variables.join("<br>")),
        settings(preset),
        cell(&format!("{} {}", preset.console, preset.notes.join(" "))).trim_end()
    )
}

#[test]
fn every_preset_stands_in_the_docs_as_it_is() {
    let mut page = String::new();
    for group in Group::ALL {
        let rows: String = preset::all().iter().filter(|preset| preset.group == group).map(row).collect();
        let _ = write!(
            page,
            "### {}\n\n| preset | provider | variables | what it sets | to know |\n|---|---|---|---|---|\n{rows}\n",
            group.title()
        );
    }
    generated("docs/presets.md", "presets", &(page.trim_end().to_owned() + "\n"));
}
