use countersign::profile::name;
use serde_json::Value;

use super::{all_in, fixtures, read};

/// Every case of every file, with the file's name.
fn cases() -> Vec<(String, Value)> {
    let mut files = all_in("profile/names");
    files.push(("names".to_owned(), read(&fixtures("profile/names.json"))));
    let cases = |(name, file): (String, Value)| {
        let cases = file["cases"].as_array().expect("a list of cases").clone();
        cases.into_iter().map(move |case| (name.clone(), case))
    };
    files.into_iter().flat_map(cases).collect()
}

#[test]
fn every_full_name_splits_as_its_fixture_says() {
    let cases = cases();
    assert!(cases.len() > 700);
    let mut wrong = Vec::new();
    for (file, case) in cases {
        let parts = name::split(case["full"].as_str().unwrap());
        if parts.first != case["first"] || parts.last != case["last"] {
            wrong.push(format!("{file}: {case}: got `{}` and `{}`", parts.first, parts.last));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_full_name_stands_in_two_fixtures() {
    let mut seen = std::collections::HashSet::new();
    for (file, case) in cases() {
        assert!(seen.insert(case["full"].clone()), "{file}: {case}");
    }
}

#[test]
fn every_file_of_names_says_its_rule() {
    for (file, value) in all_in("profile/names") {
        assert!(value["note"].as_str().is_some_and(|note| note.len() > 40), "{file}");
    }
}
