//! The card of our own web chat element: a title, a text and a button that opens the sign-in in a
//! window of its own, since providers forbid frames.

use serde_json::{Value, json};

use super::Draft;

/// What the element of `/embed/chat.js` needs to prove that the chat and the sign-in are in one browser.
#[derive(Debug, Clone, Copy)]
pub struct Embed<'a> {
    /// Where the element's script is.
    pub script: &'a str,
    /// By what the chat's page shows that the card was sent to it. It belongs into no URL.
    pub token: &'a str,
}

/// The card. Nothing limits it but the page it stands in, which is the tenant's own.
pub(super) fn payload(draft: &mut Draft<'_>) -> Value {
    let mut card = json!({
        "type": "card",
        "authLinkId": draft.input.link_id,
        "title": draft.title,
        "text": draft.body,
        "button": {"label": draft.button, "url": draft.input.link_url},
        "opens": "window",
        "language": draft.language,
    });
    if let Some(Embed { script, token }) = draft.input.embed {
        card["embed"] = json!({"script": script, "token": token});
    }
    card
}
