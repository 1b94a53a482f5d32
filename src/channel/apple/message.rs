//! What is sent: the authentication message of either flow (`POST /v1/authenticate`), and the card of a
//! link (`POST /v1/message`), which every device shows.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::super::Draft;
use super::super::carrier::{AppleAccount, Carrier};
use super::super::shorten::{Limit, Unit, fit};
use super::{Ask, Way, message_id};

/// The extension of Messages that shows interactive messages of businesses.
const EXTENSION: &str = "com.apple.messages.MSMessageExtensionBalloonPlugin:0000000000:com.apple.icloud.apps.messages.business.extension";
/// Apple refuses longer texts in bubbles since 2026-08.
const TITLE: Limit = Limit { what: "title", most: 200, unit: Unit::Utf16 };
const SUBTITLE: Limit = Limit { what: "text", most: 200, unit: Unit::Utf16 };
/// The versions by which the phone knows the flow.
const OLDER: &str = "1.0";
const NEWER: &str = "2.0";
/// A scope for a provider that has none: the phone refuses a message without one.
const ANY_SCOPE: &str = "openid";
/// A padlock. Apple takes PNG up to 200 kB.
const PICTURE: &[u8] = include_bytes!("sign-in.png");

/// The message for Apple's gateway.
pub(in crate::channel) fn payload(draft: &mut Draft<'_>, carrier: Carrier) -> Value {
    match (carrier, draft.input.means.apple, draft.input.ask) {
        (Carrier::AuthenticateV1 | Carrier::AuthenticateV2, Some(account), Some(ask)) => {
            authentication(draft, &account, &ask)
        }
        (_, account, _) => rich_link(draft, account.as_ref()),
    }
}

/// The bubble that opens the sign-in. What the tenant wrote stands below its title.
fn authentication(draft: &mut Draft<'_>, account: &AppleAccount<'_>, ask: &Ask<'_>) -> Value {
    let title = fit(&draft.title, TITLE, &mut draft.warnings);
    let body = draft.body.split_whitespace().collect::<Vec<_>>().join(" ");
    let subtitle = fit(&body, SUBTITLE, &mut draft.warnings);
    let version = ask.version.unwrap_or(match ask.way {
        Way::Older { .. } => OLDER,
        Way::Newer { .. } => NEWER,
    });
    let mut message = frame(draft, Some(account), "interactive");
    message.insert(
        "interactiveData".to_owned(),
        json!({
            "bid": EXTENSION,
            "data": {
                "version": version,
                "requestIdentifier": ask.request.as_str(),
                "authenticate": {"oauth2": oauth2(ask)},
            },
            "receivedMessage": {"title": title, "subtitle": subtitle, "style": "icon"},
            "replyMessage": {"title": draft.done, "style": "icon"},
        }),
    );
    Value::Object(message)
}

/// What the phone builds its URL of. A client secret would reach the phone in clear, so that there is none.
fn oauth2(ask: &Ask<'_>) -> Value {
    let scope: Vec<&str> = ask.scope.iter().map(|word| word.trim()).filter(|word| !word.is_empty()).collect();
    let scope = if scope.is_empty() { vec![ANY_SCOPE] } else { scope };
    let state = ask.state.expose();
    match ask.way {
        Way::Newer { redirect_uri } => {
            json!({"responseType": "code", "scope": scope, "state": state, "redirectURI": redirect_uri})
        }
        Way::Older { public_key } => json!({
            "responseType": "code",
            "scope": scope,
            "state": state,
            "responseEncryptionKey": public_key,
        }),
    }
}

/// The card of the link, with our picture, so that the phone need not fetch the page for it.
fn rich_link(draft: &mut Draft<'_>, account: Option<&AppleAccount<'_>>) -> Value {
    let title = fit(&draft.title, TITLE, &mut draft.warnings);
    let mut message = frame(draft, account, "richLink");
    message.insert(
        "richLinkData".to_owned(),
        json!({
            "url": draft.input.link_url,
            "title": title,
            "assets": {"image": {"data": STANDARD.encode(PICTURE), "mimeType": "image/png"}},
        }),
    );
    Value::Object(message)
}

fn frame(draft: &Draft<'_>, account: Option<&AppleAccount<'_>>, kind: &str) -> Map<String, Value> {
    let mut message = Map::new();
    message.insert("v".to_owned(), json!(1));
    message.insert("type".to_owned(), json!(kind));
    message.insert("id".to_owned(), json!(message_id(draft.input.link_id, draft.input.rendering)));
    if let Some(account) = account {
        message.insert("sourceId".to_owned(), json!(account.business_id));
    }
    if let Some(handle) = draft.input.handle {
        message.insert("destinationId".to_owned(), json!(handle));
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::apple::RequestIdentifier;
    use crate::channel::{AppleFlow, Capabilities, Means, MessageInput, render};
    use crate::domain::conversation::Channel;
    use crate::secret::Secret;

    #[test]
    fn the_picture_is_a_png_that_apple_takes() {
        assert!(PICTURE.starts_with(b"\x89PNG\r\n\x1a\n") && PICTURE.len() <= 200 * 1024);
    }

    #[test]
    fn a_bubble_has_one_line_each_of_what_apple_takes_and_the_whole_message_fits_inline() {
        let (request, state) = (RequestIdentifier::parse("r-1").unwrap(), Secret::new("s"));
        let said = ["auth".to_owned()];
        let account = AppleAccount { business_id: "b", flow: AppleFlow::Newer, signs_in: true };
        let way = Way::Newer { redirect_uri: "https://acme.example.com/cb" };
        let wording = "Please 🎉\nsign in. ".repeat(40);
        let message = render(&MessageInput {
            tenant_name: "Acme",
            wording: Some(&wording),
            capabilities: Capabilities::new(&said),
            means: Means { apple: Some(account), ..Means::default() },
            ask: Some(Ask { request: &request, state: &state, scope: &[], version: None, way }),
            ..MessageInput::of(Channel::Apple, "https://acme.example.com/a/x")
        });
        let subtitle = message.payload["interactiveData"]["receivedMessage"]["subtitle"].as_str().unwrap();
        assert!(subtitle.encode_utf16().count() <= 200 && !subtitle.contains('\n'), "{subtitle}");
        assert!(
            message.warnings.iter().any(|warning| warning.contains("shortened")),
            "{:?}",
            message.warnings
        );
        assert!(message.payload.to_string().len() < 10 * 1024);
    }

    #[test]
    fn an_authentication_message_never_holds_the_link() {
        let (request, state) = (RequestIdentifier::parse("r-1").unwrap(), Secret::new("s"));
        let said = ["auth".to_owned()];
        let account = AppleAccount { business_id: "b", flow: AppleFlow::Older, signs_in: true };
        let message = render(&MessageInput {
            tenant_name: "Acme",
            capabilities: Capabilities::new(&said),
            means: Means { apple: Some(account), ..Means::default() },
            ask: Some(Ask {
                request: &request,
                state: &state,
                scope: &[String::new()],
                version: Some("1.1"),
                way: Way::Older { public_key: "BPub" },
            }),
            ..MessageInput::of(Channel::Apple, "https://acme.example.com/a/x")
        });
        assert_eq!(message.carrier, Carrier::AuthenticateV1);
        let data = &message.payload["interactiveData"]["data"];
        assert_eq!(
            (&data["version"], &data["authenticate"]["oauth2"]["scope"]),
            (&json!("1.1"), &json!(["openid"]))
        );
        assert!(!message.payload.to_string().contains("/a/x"), "{}", message.payload);
    }
}
