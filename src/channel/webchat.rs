//! The card of our own web chat element: a title, a text and a button that opens the sign-in in a
//! window of its own, since providers forbid frames.

use serde_json::{Value, json};

use super::Draft;

/// The card. Nothing limits it but the page it stands in, which is the tenant's own.
pub(super) fn payload(draft: &mut Draft<'_>) -> Value {
    json!({
        "type": "card",
        "authLinkId": draft.input.link_id,
        "title": draft.title,
        "text": draft.body,
        "button": {"label": draft.button, "url": draft.input.link_url},
        "opens": "window",
        "language": draft.language,
    })
}
