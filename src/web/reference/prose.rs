//! The little markup of descriptions: paragraphs, `code`, *emphasis*. Everything else is text.

/// A description as HTML: a paragraph per block.
pub fn paragraphs(text: &str) -> String {
    let blocks = text.split("\n\n").filter(|block| !block.trim().is_empty());
    blocks.map(|block| format!("<p>{}</p>", line(block))).collect::<Vec<_>>().join("\n")
}

/// A description as HTML inside of an element.
pub fn line(text: &str) -> String {
    let mut html = String::new();
    for (at, part) in text.trim().split('`').enumerate() {
        if at % 2 == 1 {
            html.push_str("<code>");
            html.push_str(&escape(part));
            html.push_str("</code>");
        } else {
            emphasised(part, &mut html);
        }
    }
    html
}

/// JSON with its names and texts marked, for a `<pre>`.
pub fn json(text: &str) -> String {
    text.lines().map(marked).collect::<Vec<_>>().join("\n")
}

/// A text as it may stand in an element or an attribute.
pub fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut html, c| {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            c => html.push(c),
        }
        html
    })
}

fn emphasised(text: &str, html: &mut String) {
    for (at, part) in text.split('*').enumerate() {
        if at % 2 == 1 {
            html.push_str("<em>");
            html.push_str(&escape(part));
            html.push_str("</em>");
        } else {
            html.push_str(&escape(part));
        }
    }
}

/// A line of pretty JSON: at most a name and a value.
fn marked(line: &str) -> String {
    let trimmed = line.trim_start();
    let indent = &line[..line.len() - trimmed.len()];
    match trimmed.split_once("\": ") {
        Some((name, value)) if name.starts_with('"') => {
            format!("{indent}<b>{}</b>: {}", escape(&format!("{name}\"")), value_of(value))
        }
        _ => format!("{indent}{}", value_of(trimmed)),
    }
}

fn value_of(text: &str) -> String {
    if text.starts_with('"') { format!("<i>{}</i>", escape(text)) } else { escape(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_and_emphasis_are_marked_and_everything_is_escaped() {
        assert_eq!(line("a `<b>` *c* & \"d\""), "a <code>&lt;b&gt;</code> <em>c</em> &amp; &quot;d&quot;");
        assert_eq!(paragraphs("one\ntwo\n\nthree"), "<p>one\ntwo</p>\n<p>three</p>");
        assert_eq!(line("`a*b*`"), "<code>a*b*</code>");
    }

    #[test]
    fn names_and_texts_of_json_are_marked() {
        let html = json("{\n  \"a<\": \"b&\",\n  \"n\": 1\n}");
        assert_eq!(
            html,
            "{\n  <b>&quot;a&lt;&quot;</b>: <i>&quot;b&amp;&quot;,</i>\n  <b>&quot;n&quot;</b>: 1\n}"
        );
    }
}
