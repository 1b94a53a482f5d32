//! The platform looks through links and attempts, newest first.

use jiff::Timestamp;

use crate::domain::attempt::{AttemptStatus, Standing};
use crate::domain::fault::Code;
use crate::domain::ids::{AttemptId, ConversationId, LinkId, ProviderId};
use crate::domain::link::{Link, LinkStatus, OPENINGS};
use crate::domain::request::AuthorizationRequest;
use crate::domain::tenant::Tenant;
use crate::store::{Asked, List, Page, StoreError, Stored};

use super::Broker;

/// Which part of a list.
#[derive(Debug, Clone, Copy)]
pub struct Part<'a> {
    /// Where to go on (a page's `next`).
    pub cursor: Option<&'a str>,
    /// The most items.
    pub limit: usize,
}

/// Which links.
#[derive(Debug, Clone, Default)]
pub struct LinkQuery {
    /// Of one conversation; none means every one of the tenant.
    pub conversation: Option<ConversationId>,
    /// With this status now.
    pub status: Option<LinkStatus>,
}

/// Which attempts.
#[derive(Debug, Clone, Default)]
pub struct AttemptQuery {
    /// At this link.
    pub link: Option<LinkId>,
    /// At this provider.
    pub provider: Option<ProviderId>,
    /// With this status now.
    pub status: Option<AttemptStatus>,
    /// Failed with this code.
    pub code: Option<Code>,
    /// Begun at this time or later.
    pub since: Option<Timestamp>,
    /// Begun at this time or earlier.
    pub until: Option<Timestamp>,
}

impl Broker {
    /// Links as they are now. A page may hold fewer than were asked for, and say that there is more.
    pub async fn links(
        &self,
        tenant: &Tenant,
        query: &LinkQuery,
        part: Part<'_>,
    ) -> Result<Page<Link>, StoreError> {
        let now = self.clock.now();
        let list = query.conversation.as_ref().map_or(List::Links, List::LinksOf);
        let filter = query.status.map_or("", LinkStatus::as_str);
        let asked = Asked { cursor: part.cursor, limit: part.limit, since: None, until: None, filter };
        // An opened link may turn out to have failed, when its attempt was interrupted.
        let may_be = |status: LinkStatus| match query.status {
            Some(LinkStatus::Failed) => matches!(status, LinkStatus::Failed | LinkStatus::Opened),
            Some(wanted) => status == wanted,
            None => true,
        };
        let page = self.store.at(&tenant.id).links(list, &asked, |link| may_be(link.status_at(now))).await?;
        let links = page.items.into_iter().map(|link| link.into_value().as_of(now)).collect();
        let mut items = self.with_interrupted(tenant, links).await?;
        items.retain(|link| query.status.is_none_or(|wanted| link.status() == wanted));
        Ok(Page { items, next: page.next })
    }

    /// Attempts. A page may hold fewer than were asked for, and say that there is more.
    pub async fn attempts(
        &self,
        tenant: &Tenant,
        query: &AttemptQuery,
        part: Part<'_>,
    ) -> Result<Page<AuthorizationRequest>, StoreError> {
        let now = self.clock.now();
        let store = self.store.at(&tenant.id);
        let wanted = |attempt: &AuthorizationRequest| {
            query.link.as_ref().is_none_or(|link| attempt.link == *link)
                && query.provider.as_ref().is_none_or(|provider| attempt.provider == *provider)
                && (query.status.is_none() && query.code.is_none() || query.stands(attempt.standing_at(now)))
        };
        let (mut since, mut until) = (query.since, query.until);
        if let Some(id) = &query.link {
            let nothing = Page { items: Vec::new(), next: None };
            let Some(link) = store.link(id).await? else { return Ok(nothing) };
            if let Some(items) = self.remembered(tenant, &link, query, part, wanted).await? {
                return Ok(Page { items, next: None });
            }
            // It can be opened in this time only, so that nothing else need be looked at.
            since = since.max(Some(link.value.created_at));
            until = Some(until.map_or(link.value.expires_at, |until| until.min(link.value.expires_at)));
        }
        let filter = query.in_words();
        let asked = Asked { cursor: part.cursor, limit: part.limit, since, until, filter: &filter };
        let page = store.attempts(&asked, wanted).await?;
        Ok(Page { items: page.items.into_iter().map(Stored::into_value).collect(), next: page.next })
    }

    /// One attempt.
    pub async fn attempt(
        &self,
        tenant: &Tenant,
        id: &AttemptId,
    ) -> Result<Option<AuthorizationRequest>, StoreError> {
        Ok(self.store.at(&tenant.id).attempt(id).await?.map(Stored::into_value))
    }

    /// The attempts at a link that it remembers itself, if these are all and fit one page.
    async fn remembered(
        &self,
        tenant: &Tenant,
        link: &Link,
        query: &AttemptQuery,
        part: Part<'_>,
        wanted: impl Fn(&AuthorizationRequest) -> bool,
    ) -> Result<Option<Vec<AuthorizationRequest>>, StoreError> {
        if part.cursor.is_some() || link.openings.len() >= OPENINGS {
            return Ok(None);
        }
        let keys: Vec<_> = link.openings.iter().rev().map(|opening| &*opening.request).collect();
        let attempts = self.store.at(&tenant.id).requests(&keys).await?.into_iter().map(Stored::into_value);
        let attempts: Vec<_> = attempts.filter(|attempt| wanted(attempt) && query.covers(attempt)).collect();
        Ok((attempts.len() <= part.limit).then_some(attempts))
    }

    /// The same links, those failed whose latest attempt was interrupted (DESIGN §5.3).
    pub(super) async fn with_interrupted(
        &self,
        tenant: &Tenant,
        links: Vec<Link>,
    ) -> Result<Vec<Link>, StoreError> {
        let latest = |link: &Link| {
            let opened = link.status() == LinkStatus::Opened;
            link.openings.last().filter(|_| opened).map(|opening| opening.request.clone())
        };
        let keys: Vec<_> = links.iter().filter_map(latest).collect();
        if keys.is_empty() {
            return Ok(links);
        }
        let keys: Vec<_> = keys.iter().map(String::as_str).collect();
        let requests = self.store.at(&tenant.id).requests(&keys).await?;
        let now = self.clock.now();
        let settled = links.into_iter().map(|link| {
            let request = latest(&link).and_then(|key| requests.iter().find(|request| request.key == key));
            match request.and_then(|request| request.value.interrupted_at(now)) {
                Some(at) => link.interrupt(at),
                None => link,
            }
        });
        Ok(settled.collect())
    }
}

impl AttemptQuery {
    /// Whether an attempt lies in the time that is asked for.
    fn covers(&self, attempt: &AuthorizationRequest) -> bool {
        self.since.is_none_or(|since| attempt.created_at >= since)
            && self.until.is_none_or(|until| attempt.created_at <= until)
    }

    /// Whether it stands as is asked for.
    fn stands(&self, standing: Standing) -> bool {
        self.status.is_none_or(|status| standing.status == status)
            && self.code.is_none_or(|code| standing.fault.is_some_and(|fault| fault.code == code))
    }

    /// The question in words, to which its cursors belong.
    fn in_words(&self) -> String {
        let Self { link, provider, status, code, since, until } = self;
        format!("{link:?} {provider:?} {status:?} {code:?} {since:?} {until:?}")
    }
}
