//! The form of a provider's settings: made from the one table of settings, filled with what stands there or with
//! what was typed, and read back.
//!
//! | file | what it holds |
//! |---|---|
//! | `words` | what a setting is called, and its meaning as parts of a sentence |
//! | `lines` | lists and tables of settings as lines that somebody types |
//! | `typed` | the texts of a form: from settings, and back to settings |
//! | `faults` | what is wrong, beside the field that it is about |
//! | `fields` | the fields as a template shows them, in groups |
//! | `compare` | two versions side by side |
//!
//! To add a setting: nothing; it stands in the last group. To move it: its name in [`fields::GROUPS`].

pub mod compare;
pub mod faults;
pub mod fields;
pub mod lines;
pub mod typed;
pub mod words;
