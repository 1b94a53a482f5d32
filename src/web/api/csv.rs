//! Rows of CSV (RFC 4180): every field is quoted, every row ends with CR LF. A text that a
//! spreadsheet would take for a formula gets an apostrophe in front.

/// Adds a row.
pub fn push_row<'f>(text: &mut String, fields: impl IntoIterator<Item = &'f str>) {
    for (number, field) in fields.into_iter().enumerate() {
        text.push_str(if number == 0 { "\"" } else { ",\"" });
        if field.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) {
            text.push('\'');
        }
        for c in field.chars() {
            if c == '"' {
                text.push('"');
            }
            text.push(c);
        }
        text.push('"');
    }
    text.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn row(fields: &[&str]) -> String {
        let mut text = String::new();
        push_row(&mut text, fields.iter().copied());
        text
    }

    /// What a reader of RFC 4180 makes of a row.
    fn read(row: &str) -> Vec<String> {
        let inside = row.strip_suffix("\r\n").unwrap().strip_prefix('"').unwrap().strip_suffix('"').unwrap();
        inside.split("\",\"").map(|field| field.replace("\"\"", "\"")).collect()
    }

    #[test]
    fn a_formula_is_a_text_in_every_spreadsheet() {
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"] {
            assert!(row(&["a", formula]).contains(&format!(",\"'{formula}\"")), "{formula:?}");
        }
        assert_eq!(row(&["a", "b=1", ""]), "\"a\",\"b=1\",\"\"\r\n");
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_again(fields in prop::collection::vec("[a-z\", \r\n]{0,8}x", 1..4)) {
            let texts: Vec<&str> = fields.iter().map(String::as_str).collect();
            // The simple reader knows no `","` within a field.
            prop_assume!(fields.iter().all(|field| !field.contains("\",\"") && !field.starts_with('"')));
            let read: Vec<String> = read(&row(&texts)).into_iter().map(|field| field.trim_start_matches('\'').to_owned()).collect();
            prop_assert_eq!(read, fields);
        }
    }
}
