//! `docs/providers.md`: every setting of a provider with what proves it, and codes that exist.

use std::collections::BTreeSet;

use countersign::domain::fault::Code;
use countersign::tenants::provider::shape::SHAPE;

use super::{is_there, part, quoted, read, rows};

fn page() -> String {
    format!("\n{}", read("docs/providers.md"))
}

#[test]
fn every_setting_of_a_provider_stands_in_the_guide_once_and_no_other() {
    let page = page();
    let told = part(&page, "## Every setting");
    let known: BTreeSet<&str> = SHAPE.fields.iter().map(|field| field.name).collect();
    assert_eq!(rows(told), known);
    let count = told.lines().filter(|line| line.starts_with("| `")).count();
    assert_eq!(count, known.len(), "a setting stands there twice");
}

#[test]
fn what_is_said_to_prove_a_setting_is_there() {
    let page = page();
    let told = part(&page, "## Every setting");
    for line in told.lines().filter(|line| line.starts_with("| `")) {
        let last = line.trim_end_matches(['|', ' ']).rsplit(" | ").next().unwrap();
        let proofs: Vec<_> = quoted(last).collect();
        assert!(!proofs.is_empty(), "nothing proves {line}");
        for proof in proofs {
            assert!(is_there(proof), "`{proof}` is no test and no fixture");
        }
    }
}

/// The reference client passes 34 of the Foundation's 39 core cases.
#[test]
fn more_cases_of_openid_connect_are_shown_than_the_reference_client_passes() {
    let page = page();
    let told = part(&page, "## OpenID Connect, case by case");
    let proofs: BTreeSet<&str> = told
        .lines()
        .filter_map(|line| quoted(line.strip_prefix("| ")?.rsplit(" | ").next()?).next())
        .filter(|proof| proof.contains("::"))
        .collect();
    for proof in &proofs {
        assert!(is_case(proof), "`{proof}` is no test");
    }
    assert!(proofs.len() > 39, "{}", proofs.len());
}

/// Whether a test, or a case of one, exists.
fn is_case(proof: &str) -> bool {
    let parts: Vec<&str> = proof.split("::").collect();
    let [folder, file, test, case @ ..] = parts.as_slice() else { return false };
    let text = read(&format!("tests/it/{folder}/{file}.rs"));
    let Some(at) = text.find(&format!("fn {test}(")) else { return false };
    // The attributes that stand right above it, behind the end of whatever stands before.
    let before = &text[..at];
    let own = &before[before.rfind("\n}\n").unwrap_or(0)..];
    let is_test = own.contains("#[test]") || own.contains("#[tokio::test]");
    is_test && case.iter().all(|case| own.contains(&format!("#[case::{case}(")))
}

#[test]
fn every_code_that_the_guide_speaks_of_exists_and_every_fault_of_a_provider_is_told() {
    let page = page();
    let told = part(&page, "## When it does not work");
    let lines = told.lines().filter(|line| line.starts_with("| `"));
    let first: BTreeSet<&str> = lines.flat_map(|line| quoted(line.split(" | ").next().unwrap())).collect();
    let known: BTreeSet<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert!(first.is_subset(&known), "{:?}", first.difference(&known));
    for group in ["token_", "id_token_", "whoami_", "jwks_"] {
        let missing: Vec<_> =
            known.iter().filter(|code| code.starts_with(group) && !first.contains(**code)).collect();
        assert!(missing.is_empty(), "the table says nothing of {missing:?}");
    }
}
