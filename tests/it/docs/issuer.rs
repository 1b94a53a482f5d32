//! `docs/issuer.md`: what the seeds' pages describe, and what shows that it is here.

use super::{is_there, part, path_of, quoted, read};

/// Whether a word names a file of tests, or a folder of them.
fn is_file(proof: &str) -> bool {
    let path = path_of(&format!("tests/it/{}", proof.replace("::", "/")));
    std::path::Path::new(&format!("{path}.rs")).is_file() || std::path::Path::new(&path).is_dir()
}

#[test]
fn every_line_of_the_seeds_is_answered_and_shown_by_a_test_that_is_there() {
    let page = format!("\n{}", read("docs/issuer.md"));
    for (heading, least) in [("### Customer Authentication", 15), ("### OAuth 2.0", 15)] {
        let told = part(&page, heading);
        let rows = told.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| it says"));
        let mut shown = 0;
        for row in rows {
            let last = row.trim_end_matches(['|', ' ']).rsplit(" | ").next().unwrap();
            let proofs: Vec<_> = quoted(last).filter(|word| word.contains("::")).collect();
            assert!(!proofs.is_empty() || last == "the same", "nothing shows {row}");
            for proof in proofs {
                assert!(is_there(proof) || is_file(proof), "`{proof}` is no test");
            }
            shown += 1;
        }
        assert!(shown >= least, "{heading} has {shown} lines");
    }
}
