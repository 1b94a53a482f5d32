//! An auth message as the customer's app shows it, from the payload that the channel's API would take.
//!
//! To add a form: 1. its arm in [`shown`] with where its payload has text, label and link, 2. a look in
//! `templates/demo/desk/chat.html` and `assets/demo/desk.css` if none of the others will do, 3. a sentence in
//! [`on_a_device`] if it looks or goes otherwise there.

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
    /// The bubble of an authentication message of Apple's.
    Bubble {
        /// Its title.
        title: String,
        /// What stands below it.
        subtitle: String,
        /// What the sheet opens.
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

/// Where a message leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opens {
    /// The link that stands in it.
    pub link: String,
    /// What the customer's app makes of it, or of the message; none if it opens the link as it is.
    pub pressed: Option<String>,
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
        let carrier = text("carrier")?;
        let notes = cost.into_iter().chain(warnings).chain(on_a_device(&carrier).map(str::to_owned));
        Some(Self {
            notes: notes.collect(),
            carrier,
            reason: text("reason").unwrap_or_default().replace('`', ""),
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
pub fn shown(message: &Value, opens: &Opens) -> Shown {
    let (link, pressed) = (opens.link.as_str(), opens.pressed.clone());
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
        // Its words are Meta's, and Facebook adds who pressed it.
        "account_link" => button(
            at("/message/attachment/payload/text"),
            Some("Log In".to_owned()),
            leads("/message/attachment/payload/buttons/0/url").map(|link| pressed.unwrap_or(link)),
        ),
        "template" => template(&plain(), payload, link),
        "authenticate_v1" | "authenticate_v2" => pressed.and_then(|link| {
            let subtitle = at("/interactiveData/receivedMessage/subtitle").unwrap_or_default();
            Some(Shown::Bubble { title: at("/interactiveData/receivedMessage/title")?, subtitle, link })
        }),
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

/// What a message is on a real device that it is not here.
fn on_a_device(carrier: &str) -> Option<&'static str> {
    Some(match carrier {
        "authenticate_v2" => {
            "On an iPhone the bubble opens a sheet over the chat. Here a tab opens, and the demo plays the phone that closes \
             it and replies."
        }
        "authenticate_v1" => {
            "On an older iPhone the bubble opens a sheet over the chat. Here a tab opens, and the demo plays the phone that \
             catches a code, redeems it and brings the token back encrypted."
        }
        "account_link" => {
            "In Messenger’s app Facebook says who pressed the button, and who came back. Here the demo says it."
        }
        "template" => {
            "The text of a template stands at Meta, where it was approved; here the message’s own is shown. Only the end of \
             the button’s link is sent."
        }
        "open_url" => {
            "On a phone the button is gone with the next message, so that the link stands in the text as well."
        }
        _ => return None,
    })
}

/// A template as Meta may have approved it: of what is sent only the end of the link is seen.
fn template(plain: &Shown, payload: &Value, link: &str) -> Option<Shown> {
    let Shown::Text { before, after, .. } = plain else { return None };
    let end = payload.pointer("/template/components/0/parameters/0/text").and_then(Value::as_str)?;
    let text = format!("{before} {after}").trim().trim_end_matches(':').to_owned();
    let link = Some(link).filter(|link| is_web(link) && link.rsplit('/').next() == Some(end));
    button(Some(text), Some("Sign in".to_owned()), link.map(str::to_owned))
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
    use crate::channel::{Capabilities, Means, MessageInput, Template, render};
    use crate::domain::conversation::Channel;

    const LINK: &str = "https://acme.example.com/a/x";

    fn opens(pressed: Option<&str>) -> Opens {
        Opens { link: LINK.to_owned(), pressed: pressed.map(str::to_owned) }
    }

    /// The message of a channel as the API has it.
    fn message(channel: Channel) -> Value {
        told(&MessageInput { tenant_name: "Acme", ..MessageInput::of(channel, LINK) })
    }

    fn told(input: &MessageInput<'_>) -> Value {
        let message = render(input);
        json!({"carrier": message.carrier, "reason": message.reason, "text": message.text, "payload": message.payload,
            "warnings": message.warnings})
    }

    #[test]
    fn every_channel_is_shown_in_its_own_form_with_the_link() {
        for channel in Channel::ALL {
            let shown = shown(&message(channel), &opens(None));
            let (form, link) = match &shown {
                Shown::Text { link, .. } => ("text", link.as_deref()),
                Shown::Button { link, .. } => ("button", Some(link.as_str())),
                Shown::Bubble { link, .. } => ("bubble", Some(link.as_str())),
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
    fn what_a_channel_vouches_for_opens_what_the_app_makes_of_it() {
        let account_link = told(&MessageInput {
            tenant_name: "Acme",
            means: Means { account_linking: true, ..Means::default() },
            ..MessageInput::of(Channel::Messenger, LINK)
        });
        let Shown::Button { label, link, .. } = shown(&account_link, &opens(Some("https://a/x?token")))
        else {
            panic!("no button: {account_link}")
        };
        assert_eq!((label.as_str(), link.as_str()), ("Log In", "https://a/x?token"));
        let bubble = json!({"carrier": "authenticate_v2", "text": "Sign in", "payload": {
            "interactiveData": {"receivedMessage": {"title": "Sign in to Acme", "subtitle": "Please"}},
        }});
        let Shown::Bubble { title, subtitle, link } = shown(&bubble, &opens(Some("https://a/authorize")))
        else {
            panic!("no bubble: {bubble}")
        };
        assert_eq!(
            (title.as_str(), subtitle.as_str(), link.as_str()),
            ("Sign in to Acme", "Please", "https://a/authorize")
        );
        assert!(matches!(shown(&bubble, &opens(None)), Shown::Text { .. }), "it has nothing to open");
    }

    #[test]
    fn a_template_leads_where_its_end_says() {
        let said = ["template_only".to_owned()];
        let template = Template { name: "sign_in", language: "en" };
        let mut message = told(&MessageInput {
            tenant_name: "Acme",
            capabilities: Capabilities::new(&said),
            means: Means { template: Some(template), ..Means::default() },
            ..MessageInput::of(Channel::Whatsapp, LINK)
        });
        let Shown::Button { text, link, .. } = shown(&message, &opens(None)) else { panic!("{message}") };
        assert!(link == LINK && text.contains("Acme") && !text.contains("https:"), "{text}");
        message["payload"]["template"]["components"][0]["parameters"][0]["text"] = json!("another");
        assert!(matches!(shown(&message, &opens(None)), Shown::Text { .. }));
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
        assert!(matches!(shown(&forged, &opens(None)), Shown::Text { link: Some(link), .. } if link == LINK));
    }

    #[test]
    fn the_agent_is_told_the_form_its_reason_and_the_cost() {
        let sent = Sent::of(&message(Channel::Sms)).unwrap();
        assert_eq!((sent.carrier.as_str(), sent.notes.len()), ("sms", 1));
        assert!(sent.notes[0].starts_with("1 segment, "), "{:?}", sent.notes);
        assert_eq!(Sent::of(&json!({"text": "x"})), None);
    }
}
