//! The page about channels against the code: every form of a message, and no other.

use std::collections::BTreeSet;

use countersign::channel::Carrier;

use super::{part, read, rows};

#[test]
fn every_form_of_a_message_stands_in_the_docs_and_no_other() {
    let page = format!("\n{}", read("docs/channels.md"));
    let known: BTreeSet<&str> = Carrier::ALL.iter().map(|carrier| carrier.as_str()).collect();
    assert_eq!(rows(part(&page, "## Forms")), known);
}
