//! What an auth message looks like on each channel, which form of it is sent, and how what a channel
//! tells us is believed. Pure: nothing here sends, waits, draws a number or reads a clock.
//!
//! A message passes through the files in this order: [`carrier`] chooses the best form that the customer's
//! device takes and the tenant has set up, `text` fills the wording and `wordings` has our own, the channel's
//! file builds the JSON that its API takes, and `shorten` keeps to its limits. [`apple`] holds both of Apple's
//! flows, [`linking`] Messenger's account linking, [`signature`] proves where a webhook comes from, and [`texts`]
//! reads what customers wrote in those of Meta's channels.
//!
//! To add a channel: 1. a variant of `domain::conversation::Channel` (the compiler then asks for its
//! chain in `carrier.rs`), 2. a variant of [`Carrier`] if it has a form of its own, with its word, 3. a file
//! with a `payload` that turns a [`Draft`] into the channel's JSON: what the API limits goes through
//! `shorten::fit`, a URL through `shorten::check_link`, 4. its arm in [`payload`] below, 5. a folder
//! `fixtures/channel/<name>/` with a file per case (a test walks them, and misses the channel without
//! one), 6. its signature in [`signature`] if it calls us, 7. a row in docs/channels.md.
//!
//! To add a language: a row in `wordings.rs`. To add a limit: a `Limit` at the top of the channel's file.

pub mod apple;
pub mod carrier;
mod email;
mod hex;
mod instagram;
pub mod linking;
mod messenger;
mod rcs;
mod shorten;
pub mod signature;
mod sms;
mod text;
pub mod texts;
mod webchat;
mod whatsapp;
mod wordings;

use serde_json::{Value, json};

use crate::domain::conversation::Channel;

pub use carrier::{AppleAccount, AppleFlow, Capabilities, Carrier, Choice, Means, Template, choose};
pub use sms::{Encoding, Segments};
pub use webchat::Embed;

/// A rendered auth message.
#[derive(Debug, Clone, PartialEq)]
pub struct AuthMessage {
    /// For which channel.
    pub channel: Channel,
    /// In which form.
    pub carrier: Carrier,
    /// Why in this form, in one sentence.
    pub reason: String,
    /// The text, with the link in it, for channels and people that take nothing else.
    pub text: String,
    /// What the channel's API takes. Addresses that nobody told us are left out; whoever sends it puts them in.
    pub payload: Value,
    /// What the sender should know: placeholders that nobody fills, costs, what was shortened.
    pub warnings: Vec<String>,
}

/// What goes into an auth message.
#[derive(Debug, Clone, Copy)]
pub struct MessageInput<'a> {
    /// Where it will be sent.
    pub channel: Channel,
    /// How the business calls itself.
    pub tenant_name: &'a str,
    /// How the provider is called.
    pub provider_label: &'a str,
    /// The auth link. It is never cut and never changed.
    pub link_url: &'a str,
    /// The link's id: what a tap on a button reports, and what a message's id is made of.
    pub link_id: &'a str,
    /// How often the message was rendered before: each time it is another message.
    pub rendering: u32,
    /// The customer's language tag; English where we have no wording for it.
    pub locale: &'a str,
    /// The tenant's own wording with `{tenant}`, `{provider}` and `{link}`; none for the default.
    pub wording: Option<&'a str>,
    /// The customer's address on the channel, if it is known.
    pub handle: Option<&'a str>,
    /// What the customer's device can do.
    pub capabilities: Capabilities<'a>,
    /// What the tenant has set up.
    pub means: Means<'a>,
    /// What our web chat element needs, where the tenant has named its chat's pages.
    pub embed: Option<Embed<'a>>,
    /// What an authentication message of Apple asks for, if that was prepared.
    pub ask: Option<apple::Ask<'a>>,
}

impl<'a> MessageInput<'a> {
    /// A message of a channel with its link, of which nothing else is known.
    pub fn of(channel: Channel, link_url: &'a str) -> Self {
        Self {
            channel,
            tenant_name: "",
            provider_label: "",
            link_url,
            link_id: "",
            rendering: 0,
            locale: "en",
            wording: None,
            handle: None,
            capabilities: Capabilities::default(),
            means: Means::default(),
            embed: None,
            ask: None,
        }
    }
}

/// A message on its way into a channel's form.
struct Draft<'a> {
    /// What it is made of.
    input: &'a MessageInput<'a>,
    /// The text with the link in it.
    text: String,
    /// The text for a form that has a button. Never empty.
    body: String,
    /// One line that names the business.
    title: String,
    /// The language of its words: the customer's, or English where we have no words in his and the tenant neither.
    language: &'a str,
    /// What the button says.
    button: &'static str,
    /// What the customer's own reply is called where the channel writes it.
    done: &'static str,
    /// What the sender should know.
    warnings: Vec<String>,
}

/// The tags of the languages that have a wording of ours, sorted.
pub fn languages() -> impl Iterator<Item = &'static str> {
    wordings::tags()
}

/// Renders an auth message for its channel, in the best form that is possible.
pub fn render(input: &MessageInput<'_>) -> AuthMessage {
    let choice = prepared(input, choose(input.channel, input.capabilities, &input.means));
    let mut draft = draft(input);
    if choice.carrier == Carrier::CtaUrl && input.capabilities.is_template_only() {
        draft.warnings.push(
            "WhatsApp takes a template only once its 24 hours are over, and the tenant has none".to_owned(),
        );
    }
    let payload = payload(choice.carrier, &mut draft);
    AuthMessage {
        channel: input.channel,
        carrier: choice.carrier,
        reason: choice.reason(),
        text: draft.text,
        payload,
        warnings: draft.warnings,
    }
}

fn draft<'a>(input: &'a MessageInput<'a>) -> Draft<'a> {
    let (text, warnings) = text::compose(input);
    let title = text::title(input);
    let body = text::without_link(&text, input.link_url);
    let body = if body.is_empty() { title.clone() } else { body };
    let words = wordings::words_for(input.locale);
    let language = if input.wording.is_some() { input.locale } else { words.tag };
    Draft { input, text, body, title, language, button: words.button, done: words.done, warnings }
}

/// The choice, or the next one if nobody prepared what it asks for.
fn prepared(input: &MessageInput<'_>, choice: Choice) -> Choice {
    let flow = input.ask.map(|ask| ask.flow());
    let ready = match choice.carrier {
        Carrier::AuthenticateV2 => flow == Some(apple::Flow::Newer),
        Carrier::AuthenticateV1 => flow == Some(apple::Flow::Older),
        _ => true,
    };
    let carrier = choice.carrier;
    if ready { choice } else { choice.without(carrier, Carrier::RichLink) }
}

fn payload(carrier: Carrier, draft: &mut Draft<'_>) -> Value {
    match carrier {
        Carrier::AuthenticateV2 | Carrier::AuthenticateV1 | Carrier::RichLink => {
            apple::payload(draft, carrier)
        }
        Carrier::CtaUrl => whatsapp::button(draft),
        Carrier::Template => whatsapp::template(draft),
        Carrier::AccountLink => messenger::account_link(draft),
        Carrier::UrlButton if draft.input.channel == Channel::Instagram => instagram::payload(draft),
        Carrier::UrlButton => messenger::url_button(draft),
        Carrier::OpenUrl => rcs::payload(draft),
        Carrier::Sms => sms::payload(draft),
        Carrier::Email => email::payload(draft),
        Carrier::Card => webchat::payload(draft),
        Carrier::Text => json!({"type": "text", "text": draft.text}),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LINK: &str = "https://acme.example.com/a/Zm9vYmFyYmF6cXV4Zm9vYg";

    fn input(channel: Channel, wording: Option<&str>) -> MessageInput<'_> {
        MessageInput {
            tenant_name: "Acme Bank",
            provider_label: "Acme online",
            link_id: "al_00000000000000000000000000000007",
            wording,
            ..MessageInput::of(channel, LINK)
        }
    }

    /// Every text of a payload.
    fn texts(value: &Value) -> Vec<&str> {
        match value {
            Value::String(text) => vec![text],
            Value::Array(items) => items.iter().flat_map(texts).collect(),
            Value::Object(fields) => fields.values().flat_map(texts).collect(),
            _ => vec![],
        }
    }

    #[test]
    fn every_channel_gets_a_text_and_a_payload_with_the_link() {
        for channel in Channel::ALL {
            let message = render(&input(channel, None));
            assert!(message.text.contains(LINK) && message.text.contains("Acme Bank"), "{channel}");
            assert!(texts(&message.payload).iter().any(|text| text.contains(LINK)), "{channel}");
            assert!(message.warnings.is_empty(), "{channel}: {:?}", message.warnings);
            assert!(!message.reason.is_empty(), "{channel}");
        }
    }

    #[test]
    fn an_sms_says_what_it_costs() {
        let payload = render(&input(Channel::Sms, Some("{tenant}: sign in {link}"))).payload;
        assert_eq!((payload["segments"].as_u64(), payload["encoding"].as_str()), (Some(1), Some("GSM-7")));
        assert_eq!(
            payload["units"].as_u64(),
            Some(u64::try_from("Acme Bank: sign in ".len() + LINK.len()).unwrap())
        );
    }

    #[test]
    fn an_rcs_message_to_a_phone_without_it_is_an_sms() {
        let said = ["mms".to_owned()];
        let message =
            render(&MessageInput { capabilities: Capabilities::new(&said), ..input(Channel::Rcs, None) });
        assert_eq!((message.channel, message.carrier), (Channel::Rcs, Carrier::Sms));
        assert_eq!(message.payload, render(&input(Channel::Sms, None)).payload);
    }

    #[test]
    fn a_closed_window_without_a_template_is_told() {
        let said = ["template_only".to_owned()];
        let message = render(&MessageInput {
            capabilities: Capabilities::new(&said),
            ..input(Channel::Whatsapp, None)
        });
        assert_eq!(message.carrier, Carrier::CtaUrl);
        assert!(message.warnings[0].contains("template"), "{:?}", message.warnings);
    }

    proptest! {
        #[test]
        fn whatever_the_wording_no_text_of_a_payload_holds_a_part_of_the_link(
            wording in r"(\PC|\{link\}|\{tenant\}|[{}\n]|[a-z ]{0,300}){0,12}",
            tenant in "\\PC{0,100}",
            channel in prop::sample::select(Channel::ALL.to_vec()),
            locale in prop::sample::select(vec!["en", "ja", "ar", "zh"]),
        ) {
            let made = MessageInput { tenant_name: &tenant, locale, ..input(channel, Some(&wording)) };
            let message = render(&made);
            prop_assert!(message.text.contains(LINK));
            for text in texts(&message.payload) {
                prop_assert_eq!(text.matches("https://acme").count(), text.matches(LINK).count(), "{}", text);
            }
        }
    }
}
