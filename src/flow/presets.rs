//! Providers that are known, for whoever sets one up: found by a word, and what each fills in.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

pub use crate::preset::{Form, Group, Preset, Variable, find};

/// The presets in which every word of a text stands, by group and title.
pub fn search(text: &str) -> Vec<(Group, Vec<&'static Preset>)> {
    let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    let fits = |preset: &&'static Preset| {
        let known = format!("{} {} {}", preset.id, preset.title, preset.group.title()).to_lowercase();
        words.iter().all(|word| known.contains(word.as_str()))
    };
    let found: Vec<&'static Preset> = crate::preset::all().iter().filter(fits).collect();
    let groups = Group::ALL.into_iter().map(|group| {
        let mut presets: Vec<_> = found.iter().copied().filter(|preset| preset.group == group).collect();
        presets.sort_by_key(|preset| preset.title.to_lowercase());
        (group, presets)
    });
    groups.filter(|(_, presets)| !presets.is_empty()).collect()
}

/// The settings of a preset by their names in a file, with these values for its variables; where these do not do, with
/// the variables in braces.
pub fn settings(preset: &Preset, values: &BTreeMap<String, String>) -> Map<String, Value> {
    let settings = preset.settings(values).unwrap_or_else(|_| preset.template().clone());
    match serde_json::to_value(settings) {
        Ok(Value::Object(settings)) => settings,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(text: &str) -> Vec<&'static str> {
        search(text).into_iter().flat_map(|(_, presets)| presets).map(|preset| preset.id).collect()
    }

    #[test]
    fn a_preset_is_found_by_any_of_its_words_in_any_case() {
        assert_eq!(ids("").len(), crate::preset::all().len());
        assert!(ids("GOOGLE").contains(&"google") && ids("goog").contains(&"google"));
        assert!(ids("google identity").len() < ids("google").len() + ids("identity").len());
        assert!(ids("nothing has this name").is_empty());
    }

    #[test]
    fn groups_stand_in_the_order_of_the_documentation_and_none_is_empty() {
        let groups: Vec<Group> = search("").into_iter().map(|(group, _)| group).collect();
        assert_eq!(groups, Group::ALL);
        assert!(search("google").iter().all(|(_, presets)| !presets.is_empty()));
    }

    #[test]
    fn a_preset_shows_its_variables_until_they_have_values() {
        let with_vars = crate::preset::all().iter().find(|preset| !preset.vars.is_empty()).unwrap();
        let open = settings(with_vars, &BTreeMap::new());
        assert!(!open.is_empty());
        for preset in crate::preset::all() {
            let examples =
                preset.vars.iter().map(|asked| (asked.name.clone(), asked.example.clone())).collect();
            let filled = settings(preset, &examples);
            assert_eq!(filled.len(), preset.template().len(), "{}", preset.id);
        }
    }
}
