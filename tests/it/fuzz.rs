//! Every fuzz target replays its corpus, and what is near it: each seed cut at every place, with single bits turned,
//! and with neighbours joined. No clock and no chance: a failure comes again.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

#[path = "../../fuzz/targets.rs"]
mod targets;

/// Places of a seed that are tried: a long one is tried at so many, evenly spread.
const PLACES: usize = 64;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

fn names_in(folder: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries.map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned()).collect()
}

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = folder().join("corpus").join(target);
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

/// A seed cut short, and with a bit turned, at evenly spread places.
fn near(seed: &[u8]) -> impl Iterator<Item = Vec<u8>> + '_ {
    let step = (seed.len() / PLACES).max(1);
    (0..seed.len()).step_by(step).flat_map(move |at| {
        let mut turned = seed.to_vec();
        turned[at] ^= 1 << (at % 8);
        [seed[..at].to_vec(), turned]
    })
}

#[test]
fn every_target_survives_its_corpus_and_what_is_near_it() {
    for (name, _) in targets::TARGETS {
        let seeds = seeds(name);
        assert!(seeds.len() >= 3, "`fuzz/corpus/{name}` has too few seeds");
        for seed in &seeds {
            targets::run(name, seed);
            near(seed).for_each(|bytes| targets::run(name, &bytes));
        }
        seeds.windows(2).for_each(|pair| targets::run(name, &pair.concat()));
    }
}

#[test]
fn every_target_has_its_file_its_corpus_and_its_line() {
    let known: BTreeSet<_> = targets::TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(known.len(), targets::TARGETS.len(), "two targets have one name");
    assert_eq!(names_in(&folder().join("fuzz_targets")), known);
    assert_eq!(names_in(&folder().join("corpus")), known);
    let manifest = std::fs::read_to_string(folder().join("Cargo.toml")).unwrap();
    for name in known {
        assert!(manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")), "{name}");
        let file = std::fs::read_to_string(folder().join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(file.contains(&format!("targets::run(\"{name}\", data)")), "{name}");
    }
}
