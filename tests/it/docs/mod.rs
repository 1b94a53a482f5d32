//! The docs say what the code does. Tables that can be generated are: `UPDATE_DOCS=1 cargo test --test
//! it docs::` writes them anew.

mod channels;
mod commands;
mod issuer;
mod presets;
mod providers;
mod settings;

use std::collections::BTreeSet;

use countersign::domain::audit::AuditAction;
use countersign::domain::event::EventType;
use countersign::domain::fault::{Code, Step};
use countersign::web::caller::SCOPES;
use countersign::web::error::ApiError;
use serde_json::{Value, json};

use crate::harness::Harness;
use crate::openapi::document;

fn path_of(path: &str) -> String {
    format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path_of(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every source file under a folder, with its path.
fn sources(folder: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path_of(folder)).unwrap() {
        let path = entry.unwrap().path();
        let name = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap().display().to_string();
        if path.is_dir() {
            found.extend(sources(&name));
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push((name.clone(), read(&name)));
        }
    }
    found
}

/// One test at a time writes a page.
static WRITING: std::sync::Mutex<()> = std::sync::Mutex::new(());

/// Compares the part of a page between `<!-- generated: name -->` and `<!-- end -->`, or writes it.
fn generated(path: &str, name: &str, wanted: &str) {
    let page = read(path);
    let start = format!("<!-- generated: {name} -->\n");
    let from = page.find(&start).unwrap_or_else(|| panic!("{path} has no part `{name}`")) + start.len();
    let to =
        from + page[from..].find("<!-- end -->").unwrap_or_else(|| panic!("{path}: `{name}` has no end"));
    let wanted = format!("\n{wanted}\n");
    if page[from..to] != wanted {
        assert!(
            std::env::var_os("UPDATE_DOCS").is_some(),
            "{path}: the part `{name}` is old; UPDATE_DOCS=1 cargo test --test it docs::"
        );
        // Other tests may write other parts of the page.
        let _writing = WRITING.lock().unwrap();
        let page = read(path);
        let from = page.find(&start).unwrap() + start.len();
        let to = from + page[from..].find("<!-- end -->").unwrap();
        std::fs::write(path_of(path), format!("{}{wanted}{}", &page[..from], &page[to..])).unwrap();
    }
}

/// The words in the first column of the tables of a page's part.
fn rows(part: &str) -> BTreeSet<&str> {
    part.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect()
}

/// The words in backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// Whether a folder of fixtures, or a test by its path in this binary, exists.
fn is_there(proof: &str) -> bool {
    if proof.starts_with("fixtures/") {
        return std::path::Path::new(&path_of(proof)).is_dir();
    }
    let (module, name) = proof.rsplit_once("::").unwrap_or_default();
    let file = path_of(&format!("tests/it/{}.rs", module.replace("::", "/")));
    std::fs::read_to_string(file).is_ok_and(|text| text.contains(&format!("fn {name}(")))
}

/// A page's part from a heading to the next of its level.
fn part<'a>(page: &'a str, heading: &str) -> &'a str {
    let from = page.find(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("no heading `{heading}`")) + 1;
    let level = heading.split(' ').next().unwrap();
    let rest = &page[from + heading.len()..];
    &rest[..rest.find(&format!("\n{level} ")).unwrap_or(rest.len())]
}

#[test]
fn every_code_of_a_login_stands_in_the_docs_and_no_other() {
    let page = format!("\n{}", read("docs/errors.md"));
    let known: BTreeSet<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(rows(part(&page, "# Codes of a login")), known);
}

#[test]
fn every_code_of_the_api_stands_in_the_docs_and_no_other() {
    let page = format!("\n{}", read("docs/errors.md"));
    let told = part(&page, "# Codes of the API");
    let known: BTreeSet<&str> = ApiError::CODES.iter().map(|(code, _)| *code).collect();
    assert_eq!(rows(told), known);
    for (code, status) in ApiError::CODES {
        assert!(told.contains(&format!("| `{code}` | {status} |")), "`{code}` goes with {status}");
    }
}

#[test]
fn every_code_of_the_api_is_described_where_it_is_answered() {
    let described = document().to_string();
    for (code, _) in ApiError::CODES {
        let elsewhere = ["method_not_allowed", "no_such_path"].contains(code);
        assert!(elsewhere || described.contains(code), "the description says nothing of `{code}`");
    }
}

#[test]
fn every_event_stands_in_the_docs_and_no_other() {
    let page = format!("\n{}", read("docs/events.md"));
    let known: BTreeSet<&str> = EventType::ALL.iter().map(|kind| kind.as_str()).collect();
    assert_eq!(rows(part(&page, "## Types")), known);
}

#[test]
fn every_action_of_the_audit_stands_in_the_docs_and_no_other() {
    let row = |action: &AuditAction| {
        format!("| `{action}` | {} | {} |\n", action.kind().as_str(), action.meaning())
    };
    let rows: String = AuditAction::ALL.iter().map(row).collect();
    generated(
        "docs/audit.md",
        "actions",
        &format!("| action | kind | what happened |\n|---|---|---|\n{rows}"),
    );
}

#[tokio::test]
async fn what_an_event_holds_stands_in_the_docs() {
    let broker = Harness::minimum("none").await;
    crate::api::sign_in(&broker, "conv-1", "billy").await;
    broker.post("/v1/conversations/conv-1/end", json!(null)).await;
    let link = broker.link("conv-2").await;
    broker.post(&format!("/v1/auth-links/{}/cancel", link["id"].as_str().unwrap()), json!(null)).await;
    let page = format!("\n{}", read("docs/events.md"));
    let members = part(&page, "## Data");
    let events = broker.get("/v1/events?limit=200").await;
    let mut seen = BTreeSet::new();
    for event in events["items"].as_array().unwrap() {
        let kind = event["type"].as_str().unwrap();
        let group = kind.split('.').next().unwrap();
        let told = part(members, &format!("### `{group}.*`"));
        for name in event["data"].as_object().unwrap().keys() {
            assert!(
                rows(told).contains(name.as_str()),
                "docs/events.md says nothing of `{name}` in `{kind}`"
            );
        }
        seen.insert(group.to_owned());
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), ["auth", "contact", "conversation"]);
}

/// README's table of endpoints: methods, paths and scope of each row.
fn readme_endpoints() -> BTreeSet<(String, String, String)> {
    let readme = format!("\n{}", read("README.md"));
    let mut endpoints = BTreeSet::new();
    let table =
        part(&readme, "## What is there").lines().skip_while(|line| !line.starts_with("| method, path"));
    for line in table.skip(2).take_while(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let scope = cells[2].trim_matches('`');
        for row in cells[1].split('`').skip(1).step_by(2) {
            let (methods, path) = row.rsplit_once(' ').unwrap_or_else(|| panic!("{row} has no method"));
            for method in methods.split(", ") {
                endpoints.insert((method.to_owned(), path.to_owned(), scope.to_owned()));
            }
        }
    }
    endpoints
}

#[test]
fn the_readme_tells_every_endpoint_with_its_scope() {
    let document = document();
    let mut described = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let scope = operation["security"][0]["oauth2"][0].as_str().unwrap_or_default().to_owned();
            described.insert((method.to_uppercase(), path.clone(), scope));
        }
    }
    let told = readme_endpoints();
    let missing: Vec<_> = described.difference(&told).collect();
    let invented: Vec<_> = told.difference(&described).collect();
    assert!(
        missing.is_empty() && invented.is_empty(),
        "README.md lacks {missing:?} and invents {invented:?}"
    );
}

#[test]
fn every_scope_says_what_it_allows_and_guards_something() {
    let described = document();
    let named = &described["components"]["securitySchemes"]["oauth2"]["flows"]["clientCredentials"]["scopes"];
    let used = described["paths"].to_string();
    for (scope, allows) in SCOPES {
        assert!(allows.ends_with('.') && allows.len() > 10, "{scope}: {allows:?}");
        assert_eq!(named[scope], Value::from(*allows));
        assert!(used.contains(&format!("[\"{scope}\"]")), "nothing demands `{scope}`");
    }
}

#[test]
fn every_step_stands_in_the_docs() {
    let page = read("docs/errors.md");
    for step in [
        Step::Parse,
        Step::Find,
        Step::Verify,
        Step::Claim,
        Step::Exchange,
        Step::IdToken,
        Step::Whoami,
        Step::Normalise,
        Step::Bind,
        Step::Record,
        Step::Announce,
    ] {
        assert!(page.contains(&format!("`{step}`")), "{step}");
    }
}
