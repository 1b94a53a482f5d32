//! Events: what we tell the platform (DESIGN §7).

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};

use super::ids::{EventId, TenantId};

macro_rules! event_types {
    ($($(#[doc = $doc:literal])* $name:ident => $text:literal),* $(,)?) => {
        /// What happened.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum EventType { $($(#[doc = $doc])* #[serde(rename = $text)] $name),* }

        impl EventType {
            /// Every type.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The word in JSON.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }
        }
    };
}

impl utoipa::PartialSchema for EventType {
    fn schema() -> RefOr<Schema> {
        let words = Self::ALL.iter().map(|kind| kind.as_str());
        let words = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words));
        words.description(Some("What happened.")).into()
    }
}

impl ToSchema for EventType {}

event_types! {
    /// A link was made.
    LinkCreated => "auth.link_created",
    /// The customer pressed *Continue*.
    Opened => "auth.opened",
    /// The customer signed in; the chat has not confirmed it yet.
    Provisional => "auth.provisional",
    /// The sign-in is complete.
    Completed => "auth.completed",
    /// A sign-in failed; the link may be opened again.
    Failed => "auth.failed",
    /// The customer declined at the provider; the link may be opened again.
    Denied => "auth.denied",
    /// The link's time is over.
    Expired => "auth.expired",
    /// The link was taken back, or the customer said *This wasn't me*.
    Cancelled => "auth.cancelled",
    /// A newer link of the conversation took its place.
    Superseded => "auth.superseded",
    /// A conversation is no longer verified.
    ConversationUnverified => "conversation.unverified",
    /// A sign-in made a contact.
    ContactCreated => "contact.created",
    /// A contact changed.
    ContactUpdated => "contact.updated",
    /// A contact was erased.
    ContactErased => "contact.erased",
    /// A provider fails for everybody.
    ProviderUnhealthy => "provider.unhealthy",
    /// A provider works again.
    ProviderRecovered => "provider.recovered",
    /// Somebody tries a webhook; such an event goes to that one only, and stands in no list.
    WebhookTest => "webhook.test",
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An event as it is delivered.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// Its id; a delivery may come twice, always with the same id.
    pub id: EventId,
    /// What happened.
    #[serde(rename = "type")]
    pub kind: EventType,
    /// When.
    pub timestamp: Timestamp,
    /// Whose.
    pub tenant: TenantId,
    /// The body, as DESIGN §7 lists it per type.
    pub data: Value,
}

/// An event that is being told: what [`Event`] will be, with a body that is written as it is and read by nobody before.
#[derive(Debug, Serialize)]
pub struct Telling<'e, Data> {
    /// Its id.
    pub id: EventId,
    /// What happened.
    #[serde(rename = "type")]
    pub kind: EventType,
    /// When.
    pub timestamp: Timestamp,
    /// Whose.
    pub tenant: &'e TenantId,
    /// The body.
    pub data: Data,
}

impl Event {
    /// The same to be told.
    pub fn telling(&self) -> Telling<'_, &Value> {
        let Self { id, kind, timestamp, tenant, data } = self;
        Telling { id: id.clone(), kind: *kind, timestamp: *timestamp, tenant, data }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_written_alike_in_json_and_in_text() {
        for kind in EventType::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
    }

    #[test]
    fn what_is_told_is_the_event_that_is_read() {
        let id = EventId::from_uuid(uuid::Uuid::from_u128(1));
        let (kind, timestamp, data) =
            (EventType::Opened, Timestamp::UNIX_EPOCH, serde_json::json!({"a": [1]}));
        let event = Event { id, kind, timestamp, tenant: "acme".parse().unwrap(), data };
        let (told, read) = (serde_json::to_string(&event.telling()), serde_json::to_string(&event));
        assert_eq!(told.unwrap(), read.unwrap());
    }
}
