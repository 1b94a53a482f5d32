//! What webhooks of Meta's channels tell: customers' texts, which may hold a confirmation code, and in Messenger who
//! linked an account. Everything else in them is not ours.

use serde_json::Value;

use crate::domain::conversation::{Channel, Handle};
use crate::secret::Secret;

use super::linking::{self, Linked};

/// The most texts that are taken of one webhook; Meta sends at most 1,000 changes at once, and mostly one.
const MOST: usize = 1000;

/// What somebody wrote.
#[derive(Debug, Clone)]
pub struct Written {
    /// To which account: the id of the page, the professional account or the phone number.
    pub account: String,
    /// Who wrote it.
    pub from: Handle,
    /// What was written.
    pub text: Secret,
    /// The message's own name, which stays the same when Meta sends it again.
    pub id: Option<String>,
}

/// What a webhook tells that is ours to hear.
#[derive(Debug, Clone)]
pub enum Told {
    /// Somebody wrote something.
    Written(Written),
    /// Somebody linked an account, or took that back.
    Linked(Linked),
}

impl Told {
    /// Of which account.
    pub fn account(&self) -> &str {
        match self {
            Self::Written(written) => &written.account,
            Self::Linked(linked) => &linked.page,
        }
    }
}

/// What a webhook tells in its order, and the accounts that it speaks of. None if it is no webhook of this channel.
pub fn parse_webhook(channel: Channel, body: &[u8]) -> Option<(Vec<String>, Vec<Told>)> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let object = match channel {
        Channel::Messenger => "page",
        Channel::Instagram => "instagram",
        Channel::Whatsapp => "whatsapp_business_account",
        _ => return None,
    };
    if body.get("object")?.as_str()? != object {
        return None;
    }
    let entries = body.get("entry")?.as_array()?;
    if channel == Channel::Whatsapp {
        return Some(of_numbers(entries));
    }
    let accounts = entries.iter().filter_map(|entry| text_at(entry, "/id")).map(str::to_owned).collect();
    let events = entries.iter().filter_map(|entry| entry.get("messaging")?.as_array()).flatten();
    let told = |event| of_messaging(event).or_else(|| of_linking(channel, event));
    Some((accounts, events.filter_map(told).take(MOST).collect()))
}

/// Only a page can link accounts.
fn of_linking(channel: Channel, event: &Value) -> Option<Told> {
    (channel == Channel::Messenger).then(|| linking::parse_event(event)).flatten().map(Told::Linked)
}

/// A message of Messenger or Instagram. An echo is what the business wrote itself.
fn of_messaging(event: &Value) -> Option<Told> {
    if event.pointer("/message/is_echo").and_then(Value::as_bool) == Some(true) {
        return None;
    }
    Some(Told::Written(Written {
        account: text_at(event, "/recipient/id")?.to_owned(),
        from: Handle::parse(text_at(event, "/sender/id")?).ok()?,
        text: Secret::new(text_at(event, "/message/text")?),
        id: text_at(event, "/message/mid").map(str::to_owned),
    }))
}

/// WhatsApp names the account in every change.
fn of_numbers(entries: &[Value]) -> (Vec<String>, Vec<Told>) {
    let changes = entries.iter().filter_map(|entry| entry.get("changes")?.as_array()).flatten();
    let (mut accounts, mut written) = (Vec::new(), Vec::new());
    for value in changes.filter_map(|change| change.get("value")) {
        let Some(account) = text_at(value, "/metadata/phone_number_id") else { continue };
        accounts.push(account.to_owned());
        let messages = value.get("messages").and_then(Value::as_array).into_iter().flatten();
        written.extend(messages.filter_map(|message| {
            let from = Handle::parse(text_at(message, "/from")?).ok()?;
            let text = Secret::new(text_at(message, "/text/body")?);
            let id = text_at(message, "/id").map(str::to_owned);
            Some(Told::Written(Written { account: account.to_owned(), from, text, id }))
        }));
    }
    written.truncate(MOST);
    (accounts, written)
}

fn text_at<'v>(value: &'v Value, pointer: &str) -> Option<&'v str> {
    value.pointer(pointer)?.as_str()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    type Read = (Vec<String>, Vec<(String, String, String)>);

    fn read(channel: Channel, body: &Value) -> Option<Read> {
        let (accounts, written) = parse_webhook(channel, body.to_string().as_bytes())?;
        let told = written.into_iter().map(|told| {
            let account = told.account().to_owned();
            match told {
                Told::Written(written) => {
                    let text = format!("{} {}", written.id.unwrap_or_default(), written.text.expose());
                    (account, written.from.as_str().to_owned(), text)
                }
                Told::Linked(linked) => {
                    let code = linked.code.map_or("unlinked".to_owned(), |code| code.expose().to_owned());
                    (account, linked.sender.as_str().to_owned(), code)
                }
            }
        });
        Some((accounts, told.collect()))
    }

    #[test]
    fn texts_and_linked_accounts_stand_in_the_order_of_the_webhook_and_linking_is_messengers() {
        let event = |more: (&str, Value)| {
            let mut event = json!({"sender": {"id": "BILLY"}, "recipient": {"id": "PAGE"}, "timestamp": 1});
            event[more.0] = more.1;
            event
        };
        let messaging = [
            event(("account_linking", json!({"status": "unlinked"}))),
            event(("message", json!({"mid": "m1", "text": "hello"}))),
            event(("account_linking", json!({"status": "linked", "authorization_code": "c-1"}))),
        ];
        let texts = |channel, object| {
            let body = json!({"object": object, "entry": [{"id": "PAGE", "messaging": messaging}]});
            let (_, told) = read(channel, &body).unwrap();
            told.into_iter().map(|(_, _, text)| text).collect::<Vec<_>>()
        };
        assert_eq!(texts(Channel::Messenger, "page"), ["unlinked", "m1 hello", "c-1"]);
        assert_eq!(texts(Channel::Instagram, "instagram"), ["m1 hello"]);
    }

    #[test]
    fn what_was_written_in_messenger_and_instagram_is_found_and_echoes_are_not() {
        let event =
            |text: Value| json!({"sender": {"id": "BILLY"}, "recipient": {"id": "PAGE"}, "message": text});
        let messaging = [
            event(json!({"mid": "m1", "text": "CS-123456"})),
            event(json!({"mid": "m2", "text": "from us", "is_echo": true})),
            event(json!({"mid": "m3", "attachments": []})),
        ];
        for (channel, object) in [(Channel::Messenger, "page"), (Channel::Instagram, "instagram")] {
            let body = json!({"object": object, "entry": [{"id": "PAGE", "messaging": messaging}]});
            let written = vec![("PAGE".to_owned(), "BILLY".to_owned(), "m1 CS-123456".to_owned())];
            assert_eq!(read(channel, &body), Some((vec!["PAGE".to_owned()], written)));
            assert_eq!(read(Channel::Whatsapp, &body), None);
        }
    }

    #[test]
    fn what_was_written_in_whatsapp_is_found() {
        let value = json!({
            "metadata": {"phone_number_id": "1066"},
            "messages": [{"id": "wamid.1", "from": "15550100", "type": "text", "text": {"body": "123456"}}, {"from": "15550100", "type": "image"}],
        });
        let body = json!({"object": "whatsapp_business_account", "entry": [{"id": "W", "changes": [{"field": "messages", "value": value}]}]});
        let written = vec![("1066".to_owned(), "15550100".to_owned(), "wamid.1 123456".to_owned())];
        assert_eq!(read(Channel::Whatsapp, &body), Some((vec!["1066".to_owned()], written)));
        assert_eq!(read(Channel::Sms, &body), None);
    }

    proptest! {
        #[test]
        fn whatever_comes_is_no_panic(bytes: Vec<u8>, object in "(page|instagram|whatsapp_business_account)", text in "[\\[\\]{}\":,a-z_]{0,80}") {
            let near = format!("{{\"object\": \"{object}\", \"entry\": [{text}]}}");
            for body in [bytes.as_slice(), near.as_bytes()] {
                for channel in Channel::ALL {
                    parse_webhook(channel, body);
                }
            }
        }
    }
}
