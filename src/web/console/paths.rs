//! Addresses of the console. A conversation's id is the platform's and may hold anything, so that it is encoded.

use crate::domain::conversation::ConversationRef;
use crate::domain::ids::{ContactId, ConversationId};

/// A conversation's page.
pub fn conversation(id: &ConversationId) -> String {
    format!("/console/conversations/{}", segment(id.as_str()))
}

/// Something that is done there.
pub fn action(id: &ConversationId, verb: &str) -> String {
    format!("{}/{verb}", conversation(id))
}

/// The page of a conversation that may not be known yet: the address says what the broker has to know of it.
pub fn fresh(at: &ConversationRef) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("channel", at.channel.as_str());
    if let Some(handle) = &at.handle {
        query.append_pair("handle", handle.as_str());
    }
    format!("{}?{}", conversation(&at.id), query.finish())
}

/// Something that is done to a contact.
pub fn contact(id: &ContactId, verb: &str) -> String {
    format!("/console/contacts/{id}/{verb}")
}

/// A page about a contact, which leads back to a conversation.
pub fn contact_of(id: &ContactId, verb: &str, from: &ConversationId) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("conversation", from.as_str());
    format!("{}?{}", contact(id, verb), query.finish())
}

/// A conversation in the chat simulator.
pub fn simulator(id: &ConversationId) -> String {
    format!("/console/simulator/{}", segment(id.as_str()))
}

/// One segment of a path (RFC 3986, 3.3).
fn segment(text: &str) -> String {
    // A form's way to write a space is a plus, which is a plus in a path.
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

#[cfg(test)]
mod tests {
    use crate::domain::conversation::{Channel, Handle};

    use super::*;

    #[test]
    fn an_id_of_any_kind_is_one_segment() {
        let id = |text: &str| text.parse::<ConversationId>().unwrap();
        assert_eq!(conversation(&id("conv-42")), "/console/conversations/conv-42");
        assert_eq!(conversation(&id("a/b?c#d e+f%")), "/console/conversations/a%2Fb%3Fc%23d%20e%2Bf%25");
        let handle = Some(Handle::parse("+1 555").unwrap());
        let at = ConversationRef { id: id("ü"), channel: Channel::Sms, handle };
        assert_eq!(fresh(&at), "/console/conversations/%C3%BC?channel=sms&handle=%2B1+555");
    }
}
