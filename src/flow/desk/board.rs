//! Conversations with how they stand, the one that changed last first.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::domain::conversation::{Conversation, ConversationRef};
use crate::domain::fault::Code;
use crate::domain::ids::{ConversationId, LinkId, ProviderId};
use crate::domain::link::{Link, LinkStatus};
use crate::domain::tenant::Tenant;
use crate::flow::Broker;
use crate::flow::lists::{LinkQuery, Part};
use crate::store::{Asked, Page, StoreError, Stored};

/// Conversations that are read together.
const AT_ONCE: usize = 50;
/// Conversations that one page looks at, however few of them are wanted.
const LOOKED_AT: usize = 500;

/// How a conversation stands, as an agent sees it at a glance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is proved who this is.
    Verified,
    /// A sign-in is on its way.
    Waiting,
    /// The latest sign-in came to nothing.
    Failed,
    /// Nothing is going on.
    Quiet,
}

/// Which conversations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Filter {
    /// Every one.
    #[default]
    All,
    /// Those in which a sign-in is on its way.
    Waiting,
    /// Those in which somebody is verified now.
    Verified,
    /// Those whose latest sign-in came to nothing.
    Failed,
}

impl Filter {
    /// Every filter, in the order of the page.
    pub const ALL: [Self; 4] = [Self::All, Self::Waiting, Self::Verified, Self::Failed];

    /// The word in an address.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Waiting => "waiting",
            Self::Verified => "verified",
            Self::Failed => "failed",
        }
    }

    /// The filter of this word; every conversation for any other.
    pub fn parse(word: &str) -> Self {
        Self::ALL.into_iter().find(|filter| filter.as_str() == word).unwrap_or_default()
    }

    fn wants(self, row: &Row, now: Timestamp) -> bool {
        match self {
            Self::All => true,
            // Who is verified may be asked to sign in once more.
            Self::Waiting => row.is_waiting(),
            Self::Verified => row.conversation.verified_at(now).is_some(),
            Self::Failed => row.standing(now) == Standing::Failed,
        }
    }
}

/// A conversation and its newest link, as it is now.
#[derive(Debug, Clone)]
pub struct Row {
    /// The conversation.
    pub conversation: Conversation,
    /// Its newest link; none if there is none, or it is too old to be kept.
    pub link: Option<Link>,
}

impl Row {
    /// How it stands.
    pub fn standing(&self, now: Timestamp) -> Standing {
        if self.conversation.verified_at(now).is_some() {
            return Standing::Verified;
        }
        let Some(link) = &self.link else { return Standing::Quiet };
        let declined = link.failure.is_some_and(|failure| failure.code == Code::Declined);
        match link.status() {
            LinkStatus::Created | LinkStatus::Opened | LinkStatus::Provisional => Standing::Waiting,
            LinkStatus::Denied | LinkStatus::Failed | LinkStatus::Expired => Standing::Failed,
            LinkStatus::Cancelled if declined => Standing::Failed,
            LinkStatus::Cancelled | LinkStatus::Superseded | LinkStatus::Completed => Standing::Quiet,
        }
    }

    /// Whether a sign-in is on its way, also where somebody is verified already.
    pub fn is_waiting(&self) -> bool {
        let status = self.link.as_ref().map(Link::status);
        matches!(status, Some(LinkStatus::Created | LinkStatus::Opened | LinkStatus::Provisional))
    }
}

/// Everything that a conversation's page shows, but the contact.
#[derive(Debug)]
pub struct Opened {
    /// The conversation; a fresh one if no link was sent there yet.
    pub row: Row,
    /// Whether it is known already.
    pub is_known: bool,
    /// Its links, newest first.
    pub links: Vec<Link>,
}

impl Broker {
    /// A page of conversations. It may hold fewer or a few more than were asked for, and say that there are more.
    pub async fn desk_rows(
        &self,
        tenant: &Tenant,
        filter: Filter,
        part: Part<'_>,
    ) -> Result<Page<Row>, StoreError> {
        let now = self.clock.now();
        let (store, mut cursor) = (self.store.at(&tenant.id), part.cursor.map(str::to_owned));
        let (mut items, mut looked_at) = (Vec::new(), 0);
        let size = if filter == Filter::All { part.limit } else { AT_ONCE };
        loop {
            let asked = Asked {
                cursor: cursor.as_deref(),
                limit: size,
                since: None,
                until: None,
                filter: filter.as_str(),
            };
            let page = store.recent_conversations(&asked).await?;
            looked_at += page.items.len();
            let rows = self.with_links(tenant, page.items).await?;
            items.extend(rows.into_iter().filter(|row| filter.wants(row, now)));
            cursor = page.next;
            if cursor.is_none() || items.len() >= part.limit || looked_at >= LOOKED_AT {
                return Ok(Page { items, next: cursor });
            }
        }
    }

    /// A conversation with its latest links. One that is not known is begun as `fresh` says; none if nobody says.
    pub async fn desk_conversation(
        &self,
        tenant: &Tenant,
        id: &ConversationId,
        fresh: Option<ConversationRef>,
        links: usize,
    ) -> Result<Option<Opened>, StoreError> {
        let known = self.conversation(tenant, id).await?;
        let is_known = known.is_some();
        let begun = || fresh.map(|at| Conversation::new(at, self.clock.now()));
        let Some(conversation) = known.or_else(begun) else { return Ok(None) };
        let query = LinkQuery { conversation: Some(id.clone()), status: None };
        let links = self.links(tenant, &query, Part { cursor: None, limit: links }).await?.items;
        let newest = |link: &&Link| conversation.link.as_ref() == Some(&link.id);
        let link = links.iter().find(newest).cloned();
        Ok(Some(Opened { row: Row { conversation, link }, is_known, links }))
    }

    /// Conversations with their newest links.
    pub(super) async fn with_links(
        &self,
        tenant: &Tenant,
        conversations: Vec<Stored<Conversation>>,
    ) -> Result<Vec<Row>, StoreError> {
        let now = self.clock.now();
        let ids: Vec<&LinkId> =
            conversations.iter().filter_map(|conversation| conversation.value.link.as_ref()).collect();
        let links = self.store.at(&tenant.id).links_by_id(&ids).await?;
        let links = links.into_iter().map(|link| link.into_value().as_of(now)).collect();
        let links = self.with_interrupted(tenant, links).await?.into_iter();
        let mut links: HashMap<LinkId, Link> = links.map(|link| (link.id.clone(), link)).collect();
        let rows = conversations.into_iter().map(|conversation| {
            let conversation = conversation.into_value();
            let link = conversation.link.as_ref().and_then(|id| links.remove(id));
            Row { conversation, link }
        });
        Ok(rows.collect())
    }

    /// Since when a provider fails for everybody, as far as this broker or any other knows; none if it works.
    pub async fn provider_trouble(
        &self,
        tenant: &Tenant,
        provider: &ProviderId,
    ) -> Result<Option<Trouble>, StoreError> {
        let known = self.store.at(&tenant.id).provider_health(provider).await?;
        let failing = known.filter(|known| !known.healthy).map(|known| Trouble { since: Some(known.since) });
        let is_shut = self.provider.check(&tenant.id, provider).is_err();
        Ok(failing.or(is_shut.then_some(Trouble { since: None })))
    }
}

/// A provider that fails for everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trouble {
    /// Since when, if that is known.
    pub since: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_survives_the_way_through_an_address() {
        for filter in Filter::ALL {
            assert_eq!(Filter::parse(filter.as_str()), filter);
        }
        assert_eq!(Filter::parse("<b>"), Filter::All);
    }
}
