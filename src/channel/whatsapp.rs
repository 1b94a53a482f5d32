//! WhatsApp's Cloud API: a message with one URL button, and a template for when its 24 hours are over
//! (`POST /<version>/<phone number id>/messages`; *Interactive CTA URL messages*, read 2026-07).

use serde_json::{Map, Value, json};

use super::Draft;
use super::shorten::{Limit, Unit, check_link, fit};
use crate::domain::conversation::phone_digits;

const BODY: Limit = Limit { what: "text", most: 1024, unit: Unit::CodePoints };
const BUTTON: Limit = Limit { what: "button", most: 20, unit: Unit::CodePoints };
const LINK: Limit = Limit { what: "link", most: 2000, unit: Unit::CodePoints };

/// A text and a button that opens the link.
pub(super) fn button(draft: &mut Draft<'_>) -> Value {
    let url = draft.input.link_url;
    let body = fit(&draft.body, BODY, &mut draft.warnings);
    let label = fit(draft.button, BUTTON, &mut draft.warnings);
    check_link(url, LINK, &mut draft.warnings);
    let mut message = addressed(draft.input.handle, "interactive");
    message.insert(
        "interactive".to_owned(),
        json!({
            "type": "cta_url",
            "body": {"text": body},
            "action": {"name": "cta_url", "parameters": {"display_text": label, "url": url}},
        }),
    );
    Value::Object(message)
}

/// The tenant's template. Its text was approved by Meta; of its URL only the end is ours to fill in.
pub(super) fn template(draft: &mut Draft<'_>) -> Value {
    let suffix = draft.input.link_url.rsplit('/').next().unwrap_or_default();
    let template = draft.input.means.template;
    let mut message = addressed(draft.input.handle, "template");
    message.insert(
        "template".to_owned(),
        json!({
            "name": template.map(|template| template.name),
            "language": {"code": template.map(|template| template.language)},
            "components": [{
                "type": "button",
                "sub_type": "url",
                "index": "0",
                "parameters": [{"type": "text", "text": suffix}],
            }],
        }),
    );
    Value::Object(message)
}

fn addressed(handle: Option<&str>, kind: &str) -> Map<String, Value> {
    let mut message = Map::new();
    message.insert("messaging_product".to_owned(), json!("whatsapp"));
    message.insert("recipient_type".to_owned(), json!("individual"));
    if let Some(handle) = handle {
        message.insert("to".to_owned(), json!(e164(handle)));
    }
    message.insert("type".to_owned(), json!(kind));
    message
}

/// The number as E.164 has it. What is no number is an id of the platform's own and stays as it is.
fn e164(handle: &str) -> String {
    let bare = handle.strip_prefix("whatsapp:").unwrap_or(handle);
    let digits = phone_digits(bare);
    let written = |c: char| c.is_ascii_digit() || " +-.()/\u{A0}".contains(c);
    if (7..=15).contains(&digits.len()) && bare.chars().all(written) {
        return format!("+{digits}");
    }
    handle.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_written_as_e164_and_anything_else_stays() {
        for (handle, to) in [
            ("+1 (555) 01-00", "+15550100"),
            ("whatsapp:+15550100", "+15550100"),
            ("0049 30 1234567", "+49301234567"),
            ("15550100", "+15550100"),
            ("US.13491208655302741918", "US.13491208655302741918"),
            ("h-1", "h-1"),
        ] {
            assert_eq!(e164(handle), to);
        }
    }
}
