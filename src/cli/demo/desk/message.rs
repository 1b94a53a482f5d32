//! An auth message as the customer's app shows it, from the payload that the channel's API would take.
//!
//! To add a form: 1. its arm in [`shown`] with where its payload has text, label and link, 2. a look in
//! `templates/demo/desk/chat.html` and `assets/demo/desk.css` if none of the others will do.

use serde_json::Value;

/// What stands in the bubble.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// A text, perhaps with the link in it.
    Text {
        /// Before the link.
        before: String,
        /// The link.
        link: Option<String>,
        /// After the link.
        after: String,
    },
    /// A text with a button below.
    Button {
        /// The text.
        text: String,
        /// What the button says.
        label: String,
        /// Where it leads.
        link: String,
    },
    /// A card of a link, as Apple shows it.
    LinkCard {
        /// Its title.
        title: String,
        /// The host below it.
        host: String,
        /// Where it leads.
        link: String,
    },
    /// An email.
    Letter {
        /// Its subject.
        subject: String,
        /// Its text without the link.
        text: String,
        /// What the button says.
        label: String,
        /// Where it leads.
        link: String,
    },
    /// The element of our web chat.
    Element {
        /// The card as JSON.
        card: String,
        /// What the button says where scripts do not run.
        label: String,
        /// Where it leads there.
        link: String,
    },
}

/// What the agent should know of a message that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// Its form.
    pub carrier: String,
    /// Why this form.
    pub reason: String,
    /// What it costs and what was shortened.
    pub notes: Vec<String>,
}

impl Sent {
    /// Of a message of the API; none if it does not say its form.
    pub fn of(message: &Value) -> Option<Self> {
        let text = |name: &str| message[name].as_str().map(str::to_owned);
        let payload = &message["payload"];
        let cost = payload["segments"].as_u64().map(|segments| {
            let (units, encoding) = (&payload["units"], payload["encoding"].as_str().unwrap_or_default());
            let parts = if segments == 1 { "segment" } else { "segments" };
            format!("{segments} {parts}, {units} units of {encoding}")
        });
        let warnings = message["warnings"].as_array().into_iter().flatten();
        let warnings = warnings.filter_map(|warning| warning.as_str().map(str::to_owned));
        Some(Self {
            carrier: text("carrier")?,
            reason: text("reason").unwrap_or_default().replace('`', ""),
            notes: cost.into_iter().chain(warnings).collect(),
        })
    }
}

/// A text of the chat, with its link if it has one.
pub fn text(text: &str, link: Option<&str>) -> Shown {
    let link = link.filter(|link| is_web(link));
    let (before, after) = link.and_then(|link| text.split_once(link)).unwrap_or((text, ""));
    Shown::Text {
        before: before.trim_end().to_owned(),
        link: link.map(str::to_owned),
        after: after.trim_start().to_owned(),
    }
}

/// A message of the API with this link. A payload that leads anywhere else, or that is of no known form, is shown as
/// its text.
pub fn shown(message: &Value, link: &str) -> Shown {
    let plain = || text(message["text"].as_str().unwrap_or_default(), Some(link));
    let payload = &message["payload"];
    let at = |pointer: &str| payload.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let leads = |pointer: &str| at(pointer).filter(|to| to == link && is_web(to));
    let found = match message["carrier"].as_str().unwrap_or_default() {
        "cta_url" => button(
            at("/interactive/body/text"),
            at("/interactive/action/parameters/display_text"),
            leads("/interactive/action/parameters/url"),
        ),
        "url_button" => button(
            at("/message/attachment/payload/text"),
            at("/message/attachment/payload/buttons/0/title"),
            leads("/message/attachment/payload/buttons/0/url"),
        ),
        // Its words are Meta's.
        "account_link" => button(
            at("/message/attachment/payload/text"),
            Some("Log In".to_owned()),
            leads("/message/attachment/payload/buttons/0/url"),
        ),
        "open_url" => button(
            at("/contentMessage/text"),
            at("/contentMessage/suggestions/0/action/text"),
            leads("/contentMessage/suggestions/0/action/openUrlAction/url"),
        ),
        "rich_link" => leads("/richLinkData/url").and_then(|link| {
            Some(Shown::LinkCard { title: at("/richLinkData/title")?, host: host(&link), link })
        }),
        "email" => at("/subject").filter(|_| is_web(link)).map(|subject| Shown::Letter {
            subject,
            text: at("/text").unwrap_or_default().replace(link, "").trim_end_matches([' ', ':']).to_owned(),
            label: "Sign in".to_owned(),
            link: link.to_owned(),
        }),
        "card" => leads("/button/url").and_then(|link| {
            Some(Shown::Element { card: payload.to_string(), label: at("/button/label")?, link })
        }),
        _ => None,
    };
    found.unwrap_or_else(plain)
}

fn button(text: Option<String>, label: Option<String>, link: Option<String>) -> Option<Shown> {
    Some(Shown::Button { text: text?, label: label?, link: link? })
}

fn is_web(link: &str) -> bool {
    link.starts_with("http://") || link.starts_with("https://")
}

fn host(link: &str) -> String {
    let rest = link.split_once("://").map_or(link, |(_, rest)| rest);
    rest.split('/').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::channel::{MessageInput, render};
    use crate::domain::conversation::Channel;

    const LINK: &str = "https://acme.example.com/a/x";

    /// The message of a channel as the API has it.
    fn message(channel: Channel) -> Value {
        let message = render(&MessageInput { tenant_name: "Acme", ..MessageInput::of(channel, LINK) });
        json!({"carrier": message.carrier, "reason": message.reason, "text": message.text, "payload": message.payload,
            "warnings": message.warnings})
    }

    #[test]
    fn every_channel_is_shown_in_its_own_form_with_the_link() {
        for channel in Channel::ALL {
            let shown = shown(&message(channel), LINK);
            let (form, link) = match &shown {
                Shown::Text { link, .. } => ("text", link.as_deref()),
                Shown::Button { link, .. } => ("button", Some(link.as_str())),
                Shown::LinkCard { link, .. } => ("card of a link", Some(link.as_str())),
                Shown::Letter { link, .. } => ("letter", Some(link.as_str())),
                Shown::Element { link, .. } => ("element", Some(link.as_str())),
            };
            let expected = match channel {
                Channel::Whatsapp | Channel::Messenger | Channel::Instagram | Channel::Rcs => "button",
                Channel::Apple => "card of a link",
                Channel::Email => "letter",
                Channel::Webchat => "element",
                _ => "text",
            };
            assert_eq!((form, link), (expected, Some(LINK)), "{channel}");
        }
    }

    #[test]
    fn a_message_is_cut_around_its_link() {
        let cut = |before: &str, link: Option<&str>, after: &str| Shown::Text {
            before: before.to_owned(),
            link: link.map(str::to_owned),
            after: after.to_owned(),
        };
        assert_eq!(text(&format!("Sign in: {LINK} now"), Some(LINK)), cut("Sign in:", Some(LINK), "now"));
        assert_eq!(text("x", Some("javascript:alert(1)")), cut("x", None, ""));
    }

    #[test]
    fn a_payload_that_leads_elsewhere_is_shown_as_its_text() {
        let mut forged = message(Channel::Whatsapp);
        forged["payload"]["interactive"]["action"]["parameters"]["url"] = json!("https://evil.example/a/x");
        assert!(matches!(shown(&forged, LINK), Shown::Text { link: Some(link), .. } if link == LINK));
    }

    #[test]
    fn the_agent_is_told_the_form_its_reason_and_the_cost() {
        let sent = Sent::of(&message(Channel::Sms)).unwrap();
        assert_eq!((sent.carrier.as_str(), sent.notes.len()), ("sms", 1));
        assert!(sent.notes[0].starts_with("1 segment, "), "{:?}", sent.notes);
        assert_eq!(Sent::of(&json!({"text": "x"})), None);
    }
}
