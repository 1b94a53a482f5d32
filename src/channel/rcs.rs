//! RCS by Google's RBM API: a text and a suggestion that opens the link
//! (`POST /v1/phones/<number>/agentMessages`).

use serde_json::{Value, json};

use super::Draft;
use super::shorten::{Limit, Unit, check_link, fit, fit_before_link};

const TEXT: Limit = Limit { what: "text", most: 3072, unit: Unit::Utf16 };
const BUTTON: Limit = Limit { what: "button", most: 25, unit: Unit::Utf16 };
const LINK: Limit = Limit { what: "link", most: 2048, unit: Unit::Bytes };

/// The text keeps the link, because suggestions are gone with the next message. The link opens in the
/// phone's own browser: some providers refuse to sign anybody in inside of a web view.
pub(super) fn payload(draft: &mut Draft<'_>) -> Value {
    let url = draft.input.link_url;
    let text = fit_before_link(&draft.text, &draft.body, url, TEXT, &mut draft.warnings);
    let label = fit(draft.button, BUTTON, &mut draft.warnings);
    check_link(url, LINK, &mut draft.warnings);
    json!({"contentMessage": {
        "text": text,
        "suggestions": [{"action": {
            "text": label,
            "postbackData": format!("sign-in {}", draft.input.link_id),
            "fallbackUrl": url,
            "openUrlAction": {"url": url, "application": "BROWSER"},
        }}],
    }})
}
