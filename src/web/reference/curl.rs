//! A line that can be pasted into a shell, per operation.

use serde_json::Value;

/// An operation as a command: examples in the place of path parameters, and of the filter that a
/// list is asked by most.
pub fn line(
    origin: &str,
    method: &str,
    path: &str,
    operation: &Value,
    sent: Option<(&str, &Value)>,
) -> String {
    let url = format!("{origin}{}", with_parameters(path, operation));
    // curl's own choice of the method: POST where it sends something, else GET.
    let usual = if sent.is_some() { "POST" } else { "GET" };
    let verb = if method == usual { String::new() } else { format!(" -X {method}") };
    let mut lines = vec![format!("curl{verb} {}", quoted(&url))];
    if operation["security"][0]["oauth2"].is_array() {
        lines.push("-H \"Authorization: Bearer $TOKEN\"".to_owned());
    }
    if let Some((media, example)) = sent {
        let body = serde_json::to_string_pretty(example).expect("an example is JSON");
        lines.push(format!("-H 'Content-Type: {media}' -d {}", quoted(&body)));
    }
    lines.join(" \\\n  ")
}

fn with_parameters(path: &str, operation: &Value) -> String {
    let parameters = || operation["parameters"].as_array().into_iter().flatten();
    let of = |place: &'static str| {
        parameters()
            .filter(move |parameter| parameter["in"] == place)
            .filter_map(|parameter| Some((parameter["name"].as_str()?, parameter["example"].as_str()?)))
    };
    let path =
        of("path").fold(path.to_owned(), |path, (name, value)| path.replace(&format!("{{{name}}}"), value));
    let query: Vec<String> = of("query").map(|(name, value)| format!("{name}={value}")).collect();
    if query.is_empty() { path } else { format!("{path}?{}", query.join("&")) }
}

/// A text between single quotes.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/".contains(c);
    if text.chars().all(plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_command_names_host_token_and_body() {
        let operation = json!({
            "parameters": [
                {"name": "id", "in": "path", "example": "al_1"},
                {"name": "limit", "in": "query"},
            ],
            "security": [{"oauth2": ["x"]}],
        });
        let said = line(
            "https://acme.test",
            "POST",
            "/v1/a/{id}",
            &operation,
            Some(("application/json", &json!({"it's": 1}))),
        );
        let wanted = "curl https://acme.test/v1/a/al_1 \\\n  -H \"Authorization: Bearer $TOKEN\" \\\n  \
                      -H 'Content-Type: application/json' -d '{\n  \"it'\\''s\": 1\n}'";
        assert_eq!(said, wanted);
        assert_eq!(line("https://a.test", "GET", "/livez", &json!({}), None), "curl https://a.test/livez");
        assert_eq!(
            line("https://a.test", "DELETE", "/x", &json!({}), None),
            "curl -X DELETE https://a.test/x"
        );
    }

    #[test]
    fn a_filter_with_an_example_is_asked_by_it() {
        let operation =
            json!({"parameters": [{"name": "email", "in": "query", "example": "billy@example.com"}]});
        let said = line("https://a.test", "GET", "/v1/contacts", &operation, None);
        assert_eq!(said, "curl 'https://a.test/v1/contacts?email=billy@example.com'");
    }
}
