//! The docs say what the code does.

use countersign::domain::fault::{Code, Step};

fn read(path: &str) -> String {
    std::fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

#[test]
fn every_code_of_a_login_stands_in_the_docs_and_no_other() {
    let page = read("docs/errors.md");
    let documented: Vec<&str> =
        page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    let known: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    for code in &known {
        assert!(documented.contains(code), "`{code}` is missing in docs/errors.md");
    }
    for code in &documented {
        assert!(known.contains(code), "docs/errors.md tells of `{code}`, which does not exist");
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
