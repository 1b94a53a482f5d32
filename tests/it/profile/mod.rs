//! The profile and channel layers against files of cases: a case added to a file is a test added.

mod channels;
mod faults;
mod jmespath;
mod names;
mod normalise;

use std::path::{Path, PathBuf};

use serde_json::Value;

/// A folder of fixtures.
fn fixtures(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(folder)
}

/// A file of fixtures as JSON.
fn read(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every JSON file of a folder, by its name.
fn all_in(folder: &str) -> Vec<(String, Value)> {
    let entries = std::fs::read_dir(fixtures(folder)).expect("the folder exists");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("a readable folder").path()).collect();
    files.sort();
    let name = |path: &Path| path.file_stem().expect("a file has a name").to_string_lossy().into_owned();
    files.iter().map(|path| (name(path), read(path))).collect()
}
