//! Just enough HTML reading for pages that we and the demo provider wrote: forms, fields, text.

use std::collections::BTreeMap;

/// A form of a page.
#[derive(Debug, Clone, Default)]
pub struct Form {
    /// Where it is sent; empty means the page's own URL.
    pub action: String,
    /// Names and values of its fields, buttons left out.
    pub fields: Vec<(String, String)>,
    /// Names and values of its named buttons.
    pub buttons: Vec<(String, String)>,
}

/// The forms of a page, in their order.
pub fn forms(html: &str) -> Vec<Form> {
    html.split("<form").skip(1).map(form).collect()
}

/// The text inside the first element of this name.
pub fn element(html: &str, name: &str) -> Option<String> {
    let start = html.find(&format!("<{name}"))?;
    let inner = &html[start + html[start..].find('>')? + 1..];
    Some(text(&inner[..inner.find(&format!("</{name}>"))?]))
}

/// The code in the page's one `<output>`, as a customer would copy it.
pub fn code(html: &str) -> Option<String> {
    assert!(html.matches("<output").count() <= 1, "a page has at most one output");
    element(html, "output").map(|text| text.split_whitespace().collect())
}

/// The text of a piece of HTML.
pub fn text(html: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for c in html.chars() {
        match c {
            '<' => inside = true,
            '>' => inside = false,
            c if !inside => out.push(c),
            _ => {}
        }
    }
    unescape(&out)
}

fn form(source: &str) -> Form {
    let (head, body) = source.split_once('>').unwrap_or((source, ""));
    let body = &body[..body.find("</form>").unwrap_or(body.len())];
    let mut form = Form { action: attributes(head).remove("action").unwrap_or_default(), ..Form::default() };
    for tag in body.split('<').skip(1) {
        let tag = tag.split('>').next().unwrap_or_default();
        let mut named = attributes(tag);
        let (Some(name), value) = (named.remove("name"), named.remove("value").unwrap_or_default()) else {
            continue;
        };
        if tag.starts_with("button") {
            form.buttons.push((name, value));
        } else if tag.starts_with("input")
            && named.get("type").is_none_or(|kind| kind != "radio" && kind != "checkbox")
        {
            form.fields.push((name, value));
        }
    }
    form
}

fn attributes(tag: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut rest = tag;
    while let Some(equals) = rest.find("=\"") {
        let name = rest[..equals].rsplit(char::is_whitespace).next().unwrap_or_default().to_owned();
        let value = &rest[equals + 2..];
        let end = value.find('"').unwrap_or(value.len());
        found.insert(name, unescape(&value[..end]));
        rest = value.get(end + 1..).unwrap_or_default();
    }
    found
}

fn unescape(text: &str) -> String {
    let mut out = text.to_owned();
    for (entity, c) in [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&#38;", "&"),
        ("&amp;", "&"),
    ] {
        out = out.replace(entity, c);
    }
    out
}
