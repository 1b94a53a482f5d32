//! The words behind `cargo bench --bench <name> --`. Unknown ones are skipped: cargo adds some of its own.

use std::fmt::Debug;
use std::str::FromStr;

/// The number behind `--name`, or the default.
pub fn number<N: FromStr<Err: Debug>>(name: &str, default: N) -> N {
    word(name).map_or(default, |word| word.parse().expect("a number stands behind it"))
}

/// The word behind `--name`.
pub fn word(name: &str) -> Option<String> {
    let words: Vec<String> = std::env::args().collect();
    let at = words.iter().position(|word| word == name)?;
    Some(words.get(at + 1).unwrap_or_else(|| panic!("something stands behind `{name}`")).clone())
}

/// The choice behind `--name`, which is one of `known`; the first if it is left out.
pub fn choice(name: &str, known: &[&'static str]) -> &'static str {
    let Some(word) = word(name) else { return known[0] };
    let found = known.iter().find(|known| **known == word);
    found.unwrap_or_else(|| panic!("`{name}` is one of {known:?}"))
}
