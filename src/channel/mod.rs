//! What an auth message looks like on each channel, pure: a text with the link today, and the
//! channel's own payload.
//!
//! To add a channel: 1. a variant of `domain::conversation::Channel`, 2. its arm in [`render`], with
//! a file of its own if it is more than a text, 3. a fixture `fixtures/channel/<name>.json` (a test
//! walks them and misses the channel without one). To add a language: a row in `wordings.rs`.

mod sms;
mod text;
mod wordings;

use serde_json::{Value, json};

use crate::domain::conversation::Channel;

pub use sms::{Encoding, Segments};

/// A rendered auth message.
#[derive(Debug, Clone, PartialEq)]
pub struct AuthMessage {
    /// For which channel.
    pub channel: Channel,
    /// The text, with the link in it, for channels and people that take nothing else.
    pub text: String,
    /// The message in the channel's own form; `{"type": "text", "text": …}` at least.
    pub payload: Value,
    /// What the sender should know: placeholders that nobody fills, costs, a link that was added.
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
    /// The customer's language tag; English where we have no wording for it.
    pub locale: &'a str,
    /// The tenant's own wording with `{tenant}`, `{provider}` and `{link}`; none for the default.
    pub wording: Option<&'a str>,
}

/// The tags of the languages that have a wording of ours, sorted.
pub fn languages() -> impl Iterator<Item = &'static str> {
    wordings::tags()
}

/// Renders an auth message for its channel.
pub fn render(input: &MessageInput<'_>) -> AuthMessage {
    let (text, mut warnings) = text::compose(input);
    let payload = match input.channel {
        Channel::Sms => {
            let segments = Segments::of(&text);
            warnings.extend(segments.warnings());
            json!({
                "type": "text",
                "text": text,
                "encoding": segments.encoding.as_str(),
                "units": segments.units,
                "segments": segments.count,
            })
        }
        Channel::Whatsapp
        | Channel::Messenger
        | Channel::Instagram
        | Channel::Apple
        | Channel::Rcs
        | Channel::Line
        | Channel::Telegram
        | Channel::Viber
        | Channel::Slack
        | Channel::Teams
        | Channel::Webchat
        | Channel::Email => json!({"type": "text", "text": text}),
    };
    AuthMessage { channel: input.channel, text, payload, warnings }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINK: &str = "https://acme.example.com/a/Zm9vYmFyYmF6cXV4Zm9vYg";

    fn input(channel: Channel, wording: Option<&str>) -> MessageInput<'_> {
        MessageInput {
            channel,
            tenant_name: "Acme Bank",
            provider_label: "Acme online",
            link_url: LINK,
            locale: "en",
            wording,
        }
    }

    #[test]
    fn every_channel_gets_a_text_with_the_link() {
        for channel in Channel::ALL {
            let message = render(&input(channel, None));
            assert!(message.text.contains(LINK) && message.text.contains("Acme Bank"), "{channel}");
            assert_eq!(
                (message.payload["type"].as_str(), message.payload["text"].as_str()),
                (Some("text"), Some(&*message.text))
            );
            assert!(message.warnings.is_empty(), "{channel}: {:?}", message.warnings);
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
}
