//! Which conversation an event belongs to, and where the log ends: for pages that stand open.

use crate::domain::event::{Event, EventType};
use crate::domain::ids::{ConversationId, LinkId};
use crate::domain::tenant::Tenant;
use crate::flow::Broker;
use crate::store::StoreError;

/// What an event means for an open page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News<'e> {
    /// The conversations that look different now; none if that may be any.
    pub conversations: Option<Vec<&'e str>>,
    /// The link that it is about.
    pub link: Option<&'e str>,
}

impl<'e> News<'e> {
    /// What an event means. Only ids are taken out of it, nothing that says who somebody is.
    pub fn of(event: &'e Event) -> Self {
        let link = event.data["authLinkId"].as_str();
        if let Some(id) = event.data["conversation"]["id"].as_str() {
            return Self { conversations: Some(vec![id]), link };
        }
        if matches!(event.kind, EventType::ContactCreated | EventType::ContactUpdated) {
            let at = event.data["contact"]["conversations"].as_array();
            let ids = at.into_iter().flatten().filter_map(|at| at["id"].as_str()).collect();
            return Self { conversations: Some(ids), link };
        }
        // An erased contact, or a provider that everybody signs in at.
        Self { conversations: None, link }
    }

    /// Whether this conversation may look different now.
    pub fn concerns(&self, id: &ConversationId) -> bool {
        self.conversations.as_ref().is_none_or(|ids| ids.contains(&id.as_str()))
    }

    /// The link, if it is one of ours.
    pub fn link_id(&self) -> Option<LinkId> {
        self.link?.parse().ok()
    }
}

impl Broker {
    /// The position of the tenant's newest event. What happens behind it is not on a page that is drawn afterwards.
    pub async fn news_end(&self, tenant: &Tenant) -> Result<u64, StoreError> {
        self.store.at(&tenant.id).events_end().await
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::ids::EventId;

    fn event(kind: EventType, data: Value) -> Event {
        let id = EventId::from_uuid(uuid::Uuid::from_u128(1));
        Event { id, kind, timestamp: Timestamp::UNIX_EPOCH, tenant: "acme".parse().unwrap(), data }
    }

    #[test]
    fn an_event_concerns_its_own_conversations_and_one_about_everybody_all() {
        let (one, two): (ConversationId, ConversationId) = ("c1".parse().unwrap(), "c2".parse().unwrap());
        let concerned = |kind, data| {
            let event = event(kind, data);
            let news = News::of(&event);
            (news.concerns(&one), news.concerns(&two))
        };
        assert_eq!(concerned(EventType::Opened, json!({"conversation": {"id": "c1"}})), (true, false));
        let contact = json!({"contact": {"conversations": [{"id": "c2", "channel": "sms"}]}});
        assert_eq!(concerned(EventType::ContactUpdated, contact), (false, true));
        assert_eq!(concerned(EventType::ContactErased, json!({"contact": {"id": "ct_1"}})), (true, true));
        assert_eq!(concerned(EventType::ProviderUnhealthy, json!({"provider": "acme"})), (true, true));
    }

    #[test]
    fn a_link_that_is_none_of_ours_is_none() {
        let strange =
            event(EventType::Opened, json!({"authLinkId": "al_<script>", "conversation": {"id": "c"}}));
        assert_eq!(News::of(&strange).link_id(), None);
    }
}
