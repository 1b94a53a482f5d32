//! The page about channels against the code: every form of a message, and no other.

use std::collections::BTreeSet;

use countersign::channel::Carrier;
use countersign::domain::conversation::Channel;

use super::{is_there, part, quoted, read, rows};

#[test]
fn every_form_of_a_message_stands_in_the_docs_and_no_other() {
    let page = format!("\n{}", read("docs/channels.md"));
    let known: BTreeSet<&str> = Carrier::ALL.iter().map(|carrier| carrier.as_str()).collect();
    assert_eq!(rows(part(&page, "## Forms")), known);
}

#[test]
fn every_channel_stands_in_the_matrix_and_what_is_said_to_show_it_is_there() {
    let page = format!("\n{}", read("docs/channels.md"));
    let told = part(&page, "## What each channel can prove");
    let lines: Vec<_> = told.lines().filter(|line| line.starts_with("| `")).collect();
    for channel in Channel::ALL {
        let named = format!("`{channel}`");
        let is_its = |line: &&&str| line.split(" | ").next().unwrap().contains(&named);
        assert!(lines.iter().any(|line| is_its(&line)), "{channel} has no row");
    }
    for line in lines {
        let last = line.trim_end_matches(['|', ' ']).rsplit(" | ").next().unwrap();
        assert!(quoted(last).count() > 0, "nothing shows {line}");
    }
    let robots = part(&page, "## Robots and apps");
    for proof in [told, robots].into_iter().flat_map(quoted).filter(|word| word.contains("::")) {
        assert!(is_there(proof), "`{proof}` is no test");
    }
}
