//! Messenger's Send API: Meta's *Log In* button, by which Facebook itself says who it was, and a plain
//! button that opens a URL (`POST /<version>/me/messages`; *Button template*, read 2026-04).

use serde_json::{Map, Value, json};

use super::Draft;
use super::shorten::{Limit, Unit, fit};

/// The text over the buttons.
const TEXT: Limit = Limit { what: "text", most: 640, unit: Unit::CodePoints };
const BUTTON: Limit = Limit { what: "button", most: 20, unit: Unit::CodePoints };

/// The *Log In* button. Its words are Meta's.
pub(super) fn account_link(draft: &mut Draft<'_>) -> Value {
    let button = json!({"type": "account_link", "url": draft.input.link_url});
    with_button(draft, &button)
}

/// A button that opens the link.
pub(super) fn url_button(draft: &mut Draft<'_>) -> Value {
    let title = fit(draft.button, BUTTON, &mut draft.warnings);
    let button = json!({
        "type": "web_url",
        "url": draft.input.link_url,
        "title": title,
        "webview_height_ratio": "full",
    });
    with_button(draft, &button)
}

/// A message of the button template, which Instagram takes as well.
pub(super) fn with_button(draft: &mut Draft<'_>, button: &Value) -> Value {
    let text = fit(&draft.body, TEXT, &mut draft.warnings);
    let mut message = Map::new();
    if let Some(handle) = draft.input.handle {
        message.insert("recipient".to_owned(), json!({"id": handle}));
    }
    message.insert(
        "message".to_owned(),
        json!({"attachment": {
            "type": "template",
            "payload": {"template_type": "button", "text": text, "buttons": [button]},
        }}),
    );
    Value::Object(message)
}
