//! The tenants' folder: which files are looked at, and what holds over all of them.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use countersign::config::{Faults, Loaded, Look};
use countersign::domain::tenant::Tenant;
use countersign::tenants::read_dir;
use tempfile::TempDir;

use super::Surroundings;

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn read(dir: &Path) -> Result<Loaded<Vec<Tenant>>, Faults> {
    read_dir(dir, &Surroundings::new().context())
}

fn told(dir: &Path) -> String {
    read(dir).unwrap_err().render(Look::Plain)
}

fn minimal(hosts: &str) -> String {
    let minimal = fs::read_to_string("fixtures/settings/good/minimal.toml").unwrap();
    format!("hosts = [{hosts}]\n{minimal}")
}

#[test]
fn each_toml_file_is_a_tenant_and_other_files_are_none() {
    let text = minimal("");
    let files = [
        ("b.toml", text.as_str()),
        ("a.toml", &text),
        ("schema.json", "{"),
        (".c.toml", "x"),
        ("d.toml~", "x"),
    ];
    let folder = folder(&files);
    fs::create_dir(folder.path().join("e.toml")).unwrap();
    let tenants = read(folder.path()).unwrap().value;
    assert_eq!(tenants.iter().map(|tenant| tenant.id.as_str()).collect::<Vec<_>>(), ["a", "b"]);
}

#[test]
fn a_linked_file_is_read_as_a_config_map_mounts_it() {
    let folder = folder(&[]);
    fs::create_dir(folder.path().join("..data")).unwrap();
    fs::write(folder.path().join("..data/acme.toml"), minimal("")).unwrap();
    symlink("..data/acme.toml", folder.path().join("acme.toml")).unwrap();
    assert_eq!(read(folder.path()).unwrap().value.len(), 1);
}

#[test]
fn the_example_is_never_served() {
    let folder = folder(&[("example.toml", &minimal(""))]);
    let loaded = read(folder.path()).unwrap();
    assert!(loaded.value.is_empty());
    assert!(loaded.warnings[0].message().contains("example"));
    let fresh_checkout = read(Path::new("tenants")).unwrap();
    assert!(fresh_checkout.value.is_empty() && fresh_checkout.warnings.len() == 1);
}

#[test]
fn a_host_has_one_tenant() {
    let folder =
        folder(&[("a.toml", &minimal("\"login.example\"")), ("b.toml", &minimal("\"LOGIN.example\""))]);
    let told = told(folder.path());
    assert!(told.contains("`login.example` belongs to the tenant `a`"), "{told}");
    assert!(told.contains("b.toml:1:10") && told.contains("a.toml:1:10"), "{told}");
}

#[test]
fn the_faults_of_all_files_come_at_once() {
    let folder =
        folder(&[("a.toml", "x = 1"), ("b.toml", "["), ("c.toml", &minimal("\"?\"")), ("Bad Name.toml", "")]);
    fs::write(folder.path().join("d.toml"), b"name = \"\xff\"").unwrap();
    fs::write(folder.path().join("_platform.toml"), "").unwrap();
    let told = told(folder.path());
    for place in [
        "a.toml:1:1",
        "b.toml:1:",
        "c.toml:1:10",
        "d.toml: is not UTF-8 (line 1)",
        "Bad Name.toml",
        "_platform.toml",
    ] {
        assert!(told.contains(place), "{place}: {told}");
    }
}

#[test]
fn a_file_that_is_too_large_is_not_read() {
    let folder = folder(&[("a.toml", &"#".repeat(1024 * 1024 + 1))]);
    assert!(told(folder.path()).contains("larger than"));
}

#[test]
fn a_missing_folder_is_told_with_what_to_do() {
    let told = told(Path::new("no/such/folder"));
    assert!(told.contains("no/such/folder") && told.contains("--tenants"), "{told}");
}

#[test]
fn a_byte_order_mark_does_no_harm() {
    let folder = folder(&[("a.toml", &format!("\u{feff}{}", minimal("")))]);
    assert_eq!(read(folder.path()).unwrap().value.len(), 1);
}
