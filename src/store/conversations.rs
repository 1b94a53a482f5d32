//! Conversations, and the two lists in which each stands: by its name, so that all can be gone through, and by
//! the time of its latest change, for people who look at what is going on.

use jiff::Timestamp;
use zeroize::Zeroizing;

use crate::domain::conversation::Conversation;
use crate::domain::ids::LinkId;
use crate::domain::link::Link;

use super::backend::Expect;
use super::hashed::CONVERSATION;
use super::keys::{DueKind, millis, name_of};
use super::lists::{Asked, List, first_at};
use super::read::Page;
use super::records::{Record as _, Stored};
use super::tx::{CONVERSATIONS, Name, Op, Place, RECENT, Tx, hashed};
use super::{StoreError, TenantStore};

impl TenantStore {
    /// A part of the conversations, the one that changed last first. One that changes meanwhile moves to the front.
    pub async fn recent_conversations(
        &self,
        asked: &Asked<'_>,
    ) -> Result<Page<Stored<Conversation>>, StoreError> {
        self.page(List::Conversations, asked, |_| true).await
    }

    /// The links of these ids, in their order; those that are gone are left out.
    pub async fn links_by_id(&self, ids: &[&LinkId]) -> Result<Vec<Stored<Link>>, StoreError> {
        let keys: Vec<_> = ids.iter().map(|id| self.keys.key(Link::KIND, id.as_str())).collect();
        Ok(self.many(keys).await?.into_iter().flatten().collect())
    }
}

impl Tx {
    /// A new conversation, or a change of the `stored` one. Where somebody is verified it is due when that ends.
    pub fn put_conversation(&mut self, stored: Option<&Stored<Conversation>>, conversation: &Conversation) {
        let until =
            |conversation: &Conversation| conversation.verified.as_ref().map(|verified| verified.until);
        let lapse = match stored {
            Some(stored) if !stored.outdated => {
                self.replace(stored, conversation, None);
                self.relist(stored, conversation);
                let news = until(conversation).filter(|_| until(stored) != until(conversation));
                news.map(|until| (until, Name::Is(name_of(&stored.key).into())))
            }
            Some(stored) => {
                let place = Place::Moved(stored.key.clone(), CONVERSATION, id_of(conversation));
                self.put(place, Some(Expect::At(stored.version)), conversation, None);
                self.conversation_listed(false, Name::Is(name_of(&stored.key).into()));
                self.recently(false, Name::Is(place_of(stored)));
                self.list_anew(conversation);
                until(conversation).map(|until| (until, Name::Hashed(CONVERSATION, id_of(conversation))))
            }
            None => {
                self.put(
                    hashed(CONVERSATION, &id_of(conversation)),
                    Some(Expect::Absent),
                    conversation,
                    None,
                );
                self.list_anew(conversation);
                until(conversation).map(|until| (until, Name::Hashed(CONVERSATION, id_of(conversation))))
            }
        };
        if let Some((at, id)) = lapse {
            self.ops.push(Op::Due { is_in: true, kind: DueKind::ConversationLapse, at, id });
        }
    }

    /// Takes a name out of the list of all conversations: its record stands under another one.
    pub(super) fn conversation_listed(&mut self, is_in: bool, member: Name) {
        self.ops.push(Op::Member { is_in, set: Place::Only, set_kind: CONVERSATIONS, member });
    }

    fn list_anew(&mut self, conversation: &Conversation) {
        self.conversation_listed(true, Name::Hashed(CONVERSATION, id_of(conversation)));
        let at = changed_at(conversation.updated_at);
        self.recently(true, Name::HashedAt(at, CONVERSATION, id_of(conversation)));
    }

    /// Moves a conversation to the place of its latest change, if that is another one.
    fn relist(&mut self, stored: &Stored<Conversation>, conversation: &Conversation) {
        let (before, after) = (place_of(stored), place(&stored.key, conversation.updated_at));
        if before != after {
            self.recently(false, Name::Is(before));
            self.recently(true, Name::Is(after));
        }
    }

    fn recently(&mut self, is_in: bool, member: Name) {
        self.ops.push(Op::Member { is_in, set: Place::Only, set_kind: RECENT, member });
    }
}

/// The name of the conversation that stands at a place.
pub(super) fn parse_conversation(member: &[u8]) -> Option<&str> {
    std::str::from_utf8(member.get(8..)?).ok()
}

fn id_of(conversation: &Conversation) -> Zeroizing<String> {
    Zeroizing::new(conversation.at.id.as_str().to_owned())
}

fn changed_at(at: Timestamp) -> [u8; 8] {
    first_at(millis(at))
}

/// A conversation's place: eight bytes of inverted milliseconds, then its name.
fn place(key: &super::backend::Key, changed: Timestamp) -> Vec<u8> {
    [&changed_at(changed), name_of(key).as_bytes()].concat()
}

fn place_of(stored: &Stored<Conversation>) -> Vec<u8> {
    place(&stored.key, stored.value.updated_at)
}
