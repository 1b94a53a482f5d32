//! Lists of links, attempts, deliveries and conversations, newest first: one set member per record, which holds the time and
//! the names of the record, so that nothing else is needed to find it.
//!
//! To add a list: 1. its set's kind in `tx.rs` and the member in the `Tx` call that creates the
//! record, 2. a variant of [`List`], 3. its removal when the record is forgotten, 4. a case in
//! `tests/it/store/lists.rs`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;

use crate::domain::conversation::Conversation;
use crate::domain::delivery::Delivery;
use crate::domain::ids::{AttemptId, ConversationId, DeliveryId, LinkId};
use crate::domain::link::Link;
use crate::domain::request::AuthorizationRequest;

use super::backend::Key;
use super::conversations::parse_conversation;
use super::hashed::CONVERSATION;
use super::keys::millis;
use super::read::Page;
use super::records::{Record, Stored};
use super::tx::{ATTEMPTS, DEAD, DELIVERIES, LINKS, LINKS_OF, RECENT};
use super::{StoreError, TenantStore};

/// Records that are looked at together behind the first few.
const AT_ONCE: usize = 200;
/// Records that one page looks at, however few of them are wanted.
const LOOKED_AT: usize = 2000;

/// Which list.
#[derive(Debug, Clone, Copy)]
pub enum List<'a> {
    /// Every link of the tenant.
    Links,
    /// The links of one conversation.
    LinksOf(&'a ConversationId),
    /// Every attempt of the tenant.
    Attempts,
    /// Every delivery of the tenant.
    Deliveries,
    /// Those that were given up.
    DeadDeliveries,
    /// Every conversation of the tenant, the one that changed last first.
    Conversations,
}

/// Which part of a list.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Where to go on (a [`Page::next`]).
    pub cursor: Option<&'a str>,
    /// The most records, at least 1.
    pub limit: usize,
    /// Not before this time.
    pub since: Option<Timestamp>,
    /// Not after this time.
    pub until: Option<Timestamp>,
    /// What else was asked for, in any form: a cursor works for the same question only.
    pub filter: &'a str,
}

/// A record of a list and its place there; none if the record has gone already.
#[derive(Debug)]
pub struct Row<R> {
    /// Its place.
    pub(super) member: Vec<u8>,
    /// The record.
    pub record: Option<Stored<R>>,
}

impl TenantStore {
    /// A part of a list of links, those that `keep` wants.
    pub async fn links(
        &self,
        list: List<'_>,
        asked: &Asked<'_>,
        keep: impl Fn(&Link) -> bool + Send,
    ) -> Result<Page<Stored<Link>>, StoreError> {
        self.page(list, asked, keep).await
    }

    /// A part of the list of attempts, those that `keep` wants.
    pub async fn attempts(
        &self,
        asked: &Asked<'_>,
        keep: impl Fn(&AuthorizationRequest) -> bool + Send,
    ) -> Result<Page<Stored<AuthorizationRequest>>, StoreError> {
        self.page(List::Attempts, asked, keep).await
    }

    /// An attempt by its id, which says when it began and so where it is listed.
    pub async fn attempt(&self, id: &AttemptId) -> Result<Option<Stored<AuthorizationRequest>>, StoreError> {
        let (set, moment) = (self.keys.key(ATTEMPTS, ""), first_at(id.millis()));
        let mut after = moment.to_vec();
        loop {
            let members = self.store.inner.backend.range(&set, &after, AT_ONCE).await?;
            for member in members.iter().take_while(|member| member.starts_with(&moment)) {
                if let Some((listed, request)) = parse_attempt(member)
                    && listed == id.as_str()
                {
                    return self.request(request).await;
                }
            }
            match members.last().filter(|last| members.len() == AT_ONCE && last.starts_with(&moment)) {
                Some(last) => after.clone_from(last),
                None => return Ok(None),
            }
        }
    }

    /// At most `limit` links that were made before `cut`.
    pub async fn links_before(&self, cut: Timestamp, limit: usize) -> Result<Vec<Row<Link>>, StoreError> {
        self.rows_before(List::Links, cut, limit).await
    }

    /// At most `limit` attempts that began before `cut`.
    pub async fn attempts_before(
        &self,
        cut: Timestamp,
        limit: usize,
    ) -> Result<Vec<Row<AuthorizationRequest>>, StoreError> {
        self.rows_before(List::Attempts, cut, limit).await
    }

    pub(super) async fn rows_before<R: Record>(
        &self,
        list: List<'_>,
        cut: Timestamp,
        limit: usize,
    ) -> Result<Vec<Row<R>>, StoreError> {
        let newest = millis(cut).saturating_sub(1);
        let members = self.members(&self.sets_of(list), &first_at(newest), limit).await?;
        let records = self.many::<R>(self.keys_of(list, &members)).await?;
        Ok(members.into_iter().zip(records).map(|(member, record)| Row { member, record }).collect())
    }

    /// Walks the list until the page is full, the list ends, or enough was looked at.
    pub(super) async fn page<R: Record>(
        &self,
        list: List<'_>,
        asked: &Asked<'_>,
        keep: impl Fn(&R) -> bool + Send,
    ) -> Result<Page<Stored<R>>, StoreError> {
        let sets = self.sets_of(list);
        let purpose = purpose(list, asked.filter);
        let mut after = self.start(&purpose, asked)?;
        let mut items = Vec::new();
        let mut looked_at = 0;
        // One more than asked for shows whether there is a next page.
        let mut wanted = asked.limit.saturating_add(1);
        loop {
            let mut members = self.members(&sets, &after, wanted).await?;
            let mut at_end = members.len() < wanted;
            if let Some(cut) = members.iter().position(|member| is_before(member, asked.since)) {
                members.truncate(cut);
                at_end = true;
            }
            let records = self.many::<R>(self.keys_of(list, &members)).await?;
            let last = members.len();
            for (number, (member, record)) in members.into_iter().zip(records).enumerate() {
                after = member;
                items.extend(record.filter(|record| keep(&record.value)));
                if items.len() == asked.limit {
                    let more = !at_end || number + 1 < last;
                    return Ok(Page { items, next: more.then(|| self.cursor(&purpose, &after)) });
                }
            }
            looked_at += last;
            if at_end || looked_at >= LOOKED_AT {
                return Ok(Page { items, next: (!at_end).then(|| self.cursor(&purpose, &after)) });
            }
            wanted = AT_ONCE;
        }
    }

    fn sets_of(&self, list: List<'_>) -> Vec<Key> {
        match list {
            List::Links => vec![self.keys.key(LINKS, "")],
            List::LinksOf(conversation) => self.sets(LINKS_OF, CONVERSATION, conversation.as_str()),
            List::Attempts => vec![self.keys.key(ATTEMPTS, "")],
            List::Deliveries => vec![self.keys.key(DELIVERIES, "")],
            List::DeadDeliveries => vec![self.keys.key(DEAD, "")],
            List::Conversations => vec![self.keys.key(RECENT, "")],
        }
    }

    /// The keys of the records that stand in a list. What is no place there names nothing.
    fn keys_of(&self, list: List<'_>, members: &[Vec<u8>]) -> Vec<Key> {
        let name = |member: &Vec<u8>| match list {
            List::Links | List::LinksOf(_) => {
                self.keys.key(Link::KIND, parse_link(member).unwrap_or("unknown"))
            }
            List::Attempts => {
                let request = parse_attempt(member).map_or("unknown", |(_, request)| request);
                self.keys.key(AuthorizationRequest::KIND, request)
            }
            List::Deliveries | List::DeadDeliveries => {
                self.keys.key(Delivery::KIND, parse_delivery(member).unwrap_or("unknown"))
            }
            List::Conversations => {
                self.keys.key(Conversation::KIND, parse_conversation(member).unwrap_or("unknown"))
            }
        };
        members.iter().map(name).collect()
    }

    fn start(&self, purpose: &str, asked: &Asked<'_>) -> Result<Vec<u8>, StoreError> {
        match (asked.cursor, asked.until) {
            (Some(cursor), _) => {
                let place =
                    self.open_text(purpose, cursor).and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
                place.ok_or(StoreError::BadCursor)
            }
            (None, Some(until)) => Ok(first_at(millis(until)).to_vec()),
            (None, None) => Ok(Vec::new()),
        }
    }

    /// Sealed, so that a cursor works for its own tenant, list and question only.
    fn cursor(&self, purpose: &str, place: &[u8]) -> String {
        self.seal_text(purpose, &URL_SAFE_NO_PAD.encode(place))
    }
}

/// A link's place: eight bytes of inverted milliseconds, then its id.
pub(super) fn link_place(link: &Link) -> Vec<u8> {
    [&first_at(millis(link.created_at)), link.id.as_str().as_bytes()].concat()
}

/// An attempt's place: eight bytes of inverted milliseconds (those of its id), then its id and the
/// key of its record.
pub(super) fn attempt_place(request: &AuthorizationRequest) -> Vec<u8> {
    let names = format!("{}:{}", request.id, request.key);
    [&first_at(request.id.millis()), names.as_bytes()].concat()
}

/// A delivery's place: eight bytes of inverted milliseconds, then its id.
pub(super) fn delivery_place(delivery: &Delivery) -> Vec<u8> {
    [&first_at(millis(delivery.created_at)), delivery.id.as_str().as_bytes()].concat()
}

/// What stands before everything that was made in a millisecond or earlier.
pub(super) fn first_at(millis: u64) -> [u8; 8] {
    (!millis).to_be_bytes()
}

fn is_before(member: &[u8], since: Option<Timestamp>) -> bool {
    let time = member.first_chunk::<8>().map(|time| !u64::from_be_bytes(*time));
    since.zip(time).is_some_and(|(since, time)| time < millis(since))
}

pub(super) fn parse_link(member: &[u8]) -> Option<&str> {
    let id = std::str::from_utf8(member.get(8..)?).ok()?;
    id.parse::<LinkId>().is_ok().then_some(id)
}

fn parse_delivery(member: &[u8]) -> Option<&str> {
    let id = std::str::from_utf8(member.get(8..)?).ok()?;
    id.parse::<DeliveryId>().is_ok().then_some(id)
}

fn parse_attempt(member: &[u8]) -> Option<(&str, &str)> {
    std::str::from_utf8(member.get(8..)?).ok()?.split_once(':')
}

/// What a cursor is sealed for. It goes on when the list's set has another name meanwhile.
fn purpose(list: List<'_>, filter: &str) -> String {
    let (kind, of) = match list {
        List::Links => (LINKS, ""),
        List::LinksOf(conversation) => (LINKS_OF, conversation.as_str()),
        List::Attempts => (ATTEMPTS, ""),
        List::Deliveries => (DELIVERIES, ""),
        List::DeadDeliveries => (DEAD, ""),
        List::Conversations => (RECENT, ""),
    };
    // Neither an id nor a filter holds a control character.
    format!("cursor {kind}\0{of}\0{filter}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_newer_place_stands_before_an_older_one() {
        assert!(first_at(2_000) < first_at(1_999));
        let member = [&first_at(1_500)[..], b"al_x"].concat();
        let at = |millis| Some(Timestamp::from_millisecond(millis).unwrap());
        assert!(!is_before(&member, at(1_500)) && is_before(&member, at(1_501)) && !is_before(&member, None));
    }

    proptest! {
        #[test]
        fn bytes_that_are_no_place_are_no_panic(member: Vec<u8>) {
            parse_link(&member);
            parse_attempt(&member);
            parse_delivery(&member);
            is_before(&member, Some(Timestamp::UNIX_EPOCH));
        }
    }
}
