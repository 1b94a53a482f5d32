//! The house keeps its plan: who imports whom, what pure folders do not name, how long files and
//! functions are, and which words are not used. Each test lists every fault as `file:line`.
//!
//! To add a rule: 1. a test here that collects faults with `Source::at` and hands them to
//! [`none`], 2. what it reads of a file as a method in `source`, 3. try it on a file that breaks it.

#[cfg(test)]
mod source;

use std::collections::{BTreeMap, BTreeSet};

use source::{read_sources, tokens};

/// What a pure folder never names: I/O, clocks, chance and the environment.
const IMPURE: [&str; 17] = [
    "tokio",
    "axum",
    "reqwest",
    "hyper",
    "redis",
    "rusqlite",
    "SystemTime",
    "Instant",
    "std::env",
    "std::fs",
    "std::thread",
    "TcpStream",
    "UdpSocket",
    "Timestamp::now",
    "Uuid::now_v7",
    "rand",
    "moka",
];
/// Words that mean nothing, or something else here (DESIGN §1, STYLE).
const UNUSED_WORDS: [&str; 12] = [
    "idp",
    "connector",
    "session",
    "util",
    "utils",
    "helper",
    "helpers",
    "common",
    "core",
    "manager",
    "service",
    "services",
];
/// Lines of a file without its tests.
const FILE: usize = 400;
/// Lines of a function.
const FUNCTION: usize = 60;

/// What stands in no row of the table: the small modules under all others, and the outermost ones,
/// which may name anything.
const GROUND: [(&str, &[&str]); 3] =
    [("secret", &[]), ("clock", &["secret"]), ("telemetry", &["domain", "secret", "clock"])];
const OUTERMOST: [&str; 7] = ["main", "lib", "app", "cli", "config", "tenants", "keyring"];

/// Fails with every fault on a line of its own.
fn none(rule: &str, faults: &[String]) {
    assert!(faults.is_empty(), "{rule}:\n  {}\n", faults.join("\n  "));
}

/// The rows of the table in `src/lib.rs`: folder, what it holds, what it may import.
fn table() -> Vec<(String, String, String)> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/lib.rs");
    let text = std::fs::read_to_string(path).expect("src/lib.rs is there");
    let row = |line: &str| {
        let cells: Vec<&str> = line.strip_prefix("//! | [`")?.split('|').map(str::trim).collect();
        let [name, holds, imports, ..] = cells.as_slice() else { return None };
        Some((name.trim_end_matches("`]").to_owned(), (*holds).to_owned(), (*imports).to_owned()))
    };
    text.lines().filter_map(row).collect()
}

/// Folder → folders that it may import. Words in backticks are names; `everything below`, `the
/// pure ones` and `but not` mean what they say.
fn rules() -> BTreeMap<String, BTreeSet<String>> {
    let rows = table();
    let pure = pure_folders(&rows);
    let mut rules: BTreeMap<String, BTreeSet<String>> = GROUND
        .iter()
        .map(|(name, allowed)| ((*name).to_owned(), allowed.iter().map(|name| (*name).to_owned()).collect()))
        .collect();
    for (index, (name, _, imports)) in rows.iter().enumerate() {
        let (granted, denied) = imports.split_once("but not").unwrap_or((imports, ""));
        let mut allowed: BTreeSet<String> = quoted(granted);
        if granted.contains("everything below") {
            allowed.extend(rows[index + 1..].iter().map(|(name, ..)| name.clone()));
            allowed.extend(GROUND.iter().map(|(name, _)| (*name).to_owned()));
        }
        if granted.contains("the pure ones") {
            allowed.extend(pure.iter().cloned());
        }
        for name in quoted(denied) {
            allowed.remove(&name);
        }
        allowed.insert(name.clone());
        rules.insert(name.clone(), allowed);
    }
    rules
}

fn pure_folders(rows: &[(String, String, String)]) -> BTreeSet<String> {
    let is_pure = |holds: &str| holds.ends_with(", pure");
    rows.iter().filter(|(_, holds, _)| is_pure(holds)).map(|(name, ..)| name.clone()).collect()
}

/// The words between backticks.
fn quoted(cell: &str) -> BTreeSet<String> {
    let inside = cell.split('`').skip(1).step_by(2);
    inside.flat_map(str::split_whitespace).map(str::to_owned).collect()
}

#[test]
fn the_table_of_the_house_names_every_layer() {
    let rules = rules();
    for layer in ["web", "flow", "issuer", "store", "egress", "oauth", "profile", "channel", "domain"] {
        assert!(rules.contains_key(layer), "`{layer}` has no row in the table of src/lib.rs");
    }
    assert!(!rules["flow"].contains("issuer") && !rules["issuer"].contains("flow"));
    assert!(rules["store"].contains("domain") && !rules["store"].contains("egress"));
    assert_eq!(rules["domain"], BTreeSet::from(["domain", "secret"].map(str::to_owned)));
}

#[test]
fn every_import_points_the_way_the_table_says() {
    let rules = rules();
    let mut faults = Vec::new();
    for source in read_sources("src") {
        let layer = source.layer();
        if OUTERMOST.contains(&layer) {
            continue;
        }
        let Some(allowed) = rules.get(layer) else {
            faults.push(source.at(0, &format!("`{layer}` has no row in the table of src/lib.rs")));
            continue;
        };
        for (line, target) in source.imports() {
            if target != layer && !allowed.contains(&target) {
                faults.push(source.at(line, &format!("`{layer}` may not import `{target}`")));
            }
        }
    }
    none("imports against the table in src/lib.rs", &faults);
}

#[test]
fn pure_folders_name_no_input_output_clock_or_chance() {
    let pure = pure_folders(&table());
    assert!(pure.len() >= 4, "the table marks {pure:?} as pure");
    let mut faults = Vec::new();
    for source in read_sources("src").iter().filter(|source| pure.contains(source.layer())) {
        for (line, text) in source.code() {
            for name in IMPURE.into_iter().filter(|name| names(text, name)) {
                faults.push(source.at(line, &format!("a pure folder names `{name}`")));
            }
            if text.contains("async ") || text.contains(".await") {
                faults.push(source.at(line, "a pure folder waits for something"));
            }
        }
    }
    none("pure folders", &faults);
}

#[test]
fn only_the_composition_root_names_a_concrete_backend() {
    // `config` reads the store's URL, whose scheme has the backend's name.
    let knows = ["src/app.rs", "src/app/", "src/cli/", "src/config", "src/store/sqlite", "src/store/mod.rs"];
    let mut faults = Vec::new();
    for source in read_sources("src") {
        if knows.iter().any(|place| source.path.starts_with(place)) {
            continue;
        }
        for (line, text) in source.code() {
            if tokens(text).any(|token| token.to_lowercase().contains("sqlite")) {
                faults.push(source.at(line, "a backend is named outside of `app` and `cli`"));
            }
        }
    }
    none("concrete backends", &faults);
}

#[test]
fn files_and_functions_are_short() {
    let mut faults = Vec::new();
    for source in read_sources("src") {
        let length = source.length();
        if length > FILE {
            faults.push(source.at(0, &format!("{length} lines without tests, at most {FILE}")));
        }
        for (line, name, length) in source.functions() {
            if length > FUNCTION {
                faults.push(source.at(line, &format!("`{name}` has {length} lines, at most {FUNCTION}")));
            }
        }
    }
    none("long files and functions", &faults);
}

#[test]
fn every_folder_says_how_to_add_one_more() {
    let mut faults = Vec::new();
    for source in read_sources("src").iter().filter(|source| source.path.ends_with("/mod.rs")) {
        let doc: Vec<&str> = source.text.lines().take_while(|line| line.starts_with("//!")).collect();
        if !doc.iter().any(|line| line.contains("To add")) || !doc.iter().any(|line| line.contains("1. ")) {
            faults.push(source.at(0, "the module's doc has no numbered steps after `To add`"));
        }
    }
    none("folders without a how-to", &faults);
}

#[test]
fn words_that_mean_nothing_here_name_nothing() {
    let mut faults = Vec::new();
    for source in read_sources("src").into_iter().chain(read_sources("tests")) {
        let stem = source.path.trim_end_matches(".rs").rsplit('/').next().unwrap_or_default();
        if UNUSED_WORDS.contains(&stem) && !(stem == "session" && source.speaks_of_staff(stem)) {
            faults.push(source.at(0, &format!("a file is called `{stem}`")));
        }
        for (line, name) in source.definitions() {
            let is_unused = |word: &String| {
                UNUSED_WORDS.contains(&word.as_str()) && !(word == "session" && source.speaks_of_staff(&name))
            };
            for word in source::words(&name).filter(is_unused) {
                faults.push(source.at(line, &format!("`{name}` holds the word `{word}`")));
            }
        }
    }
    none("words of DESIGN §1 and STYLE that are not used", &faults);
}

#[test]
fn nothing_is_left_for_later() {
    let marks =
        [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("todo", "!("), concat!("unimpl", "emented!(")];
    let mut faults = Vec::new();
    for source in read_sources("src").into_iter().chain(read_sources("tests")) {
        for (line, text) in source.text.lines().enumerate() {
            if marks.iter().any(|mark| text.contains(mark)) {
                faults.push(source.at(line, "something is left for later"));
            }
        }
    }
    none("unfinished work", &faults);
}

/// Whether code names a path or a word, whole.
fn names(code: &str, wanted: &str) -> bool {
    let edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && c != '_');
    code.match_indices(wanted)
        .any(|(at, _)| edge(code[..at].chars().next_back()) && edge(code[at + wanted.len()..].chars().next()))
}
