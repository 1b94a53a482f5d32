//! Instagram's Send API: the button template with a button that opens a URL; there is no account
//! linking (*Button template*, read 2026-04).

use serde_json::{Value, json};

use super::Draft;
use super::messenger::with_button;
use super::shorten::{Limit, Unit, fit};

const BUTTON: Limit = Limit { what: "button", most: 20, unit: Unit::CodePoints };

/// A text and a button that opens the link in Instagram's own browser.
pub(super) fn payload(draft: &mut Draft<'_>) -> Value {
    let title = fit(draft.button, BUTTON, &mut draft.warnings);
    let button = json!({"type": "web_url", "url": draft.input.link_url, "title": title});
    with_button(draft, &button)
}
