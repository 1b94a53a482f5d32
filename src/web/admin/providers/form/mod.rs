//! The form of a provider's settings: made from the one table of settings, filled with what stands there or with
//! what was typed, and read back.
//!
//! | file | what it holds |
//! |---|---|
//! | `words` | what a setting is called, and its meaning as parts of a sentence |
//! | `lines` | lists and tables of settings as lines that somebody types |
//! | `typed` | the texts of a form: from settings, and back to settings |
//! | `faults` | what is wrong, beside the field that it is about |
//! | `groups` | which setting stands in which group |
//! | `fields` | the fields as a template shows them, in their groups |
//! | `compare` | two versions side by side |
//!
//! To add a setting: 1. nothing, it stands in the last group, 2. its name in another group of [`groups::GROUPS`], if it
//! belongs there. To add a kind of setting: 1. its variant of `Holds` in `flow/settings/described.rs`, 2. its texts in
//! `typed`, both ways, 3. its input in `fields` and in `templates/admin/providers/field.html`.

pub mod compare;
pub mod faults;
pub mod fields;
mod groups;
pub mod lines;
pub mod typed;
pub mod words;
