use countersign::profile::name;

use super::{fixtures, read};

#[test]
fn every_full_name_splits_as_its_fixture_says() {
    let file = read(&fixtures("profile/names.json"));
    let mut wrong = Vec::new();
    for case in file["cases"].as_array().unwrap() {
        let parts = name::split(case["full"].as_str().unwrap());
        if parts.first != case["first"] || parts.last != case["last"] {
            wrong.push(format!("{case}: got `{}` and `{}`", parts.first, parts.last));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
