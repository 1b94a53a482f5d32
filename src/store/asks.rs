//! What Apple's authentication messages ask for, and the way from a customer's address on a channel to
//! the newest link that was sent there.

use jiff::{SignedDuration, Timestamp};

use crate::domain::ask::Ask;
use crate::domain::conversation::{Channel, Handle};
use crate::domain::ids::LinkId;
use crate::domain::link::Link;

use super::backend::Expect;
use super::hashed::HANDLE;
use super::keys::normal_phone;
use super::records::{Record as _, Stored};
use super::tx::{LINK_TTL, Op, Place, Tx, hashed};
use super::{StoreError, TenantStore};

/// How long an address leads to a link after that has expired: as long as what is asked of it is worth anything, and no
/// longer than an index key takes to be replaced.
const HANDLE_KEPT: SignedDuration = SignedDuration::from_hours(12);

/// The newest link that was sent to an address, as it was found there.
#[derive(Debug)]
pub struct SentTo {
    /// The link.
    pub link: Stored<Link>,
    /// The way there. It is kept or forgotten only if no newer link was sent meanwhile.
    entry: Stored<LinkId>,
}

impl Tx {
    /// Writes a new ask, or changes one.
    pub fn put_ask(&mut self, stored: Option<&Stored<Ask>>, ask: &Ask) {
        let until = Some(ask.created_at + LINK_TTL);
        match stored {
            Some(stored) => self.replace(stored, ask, until),
            None => self.put(Place::Named(ask.request.clone()), Some(Expect::Absent), ask, until),
        }
    }

    /// A link was sent to an address: the channel's own webhooks, which do not know the platform's conversations, find
    /// it there. A newer one takes its place.
    pub fn send_to_handle(&mut self, link: &Link) {
        let at = &link.conversation;
        if let Some(handle) = at.handle.as_ref().filter(|_| at.channel.has_webhooks()) {
            let until = Some(link.expires_at + HANDLE_KEPT);
            self.put(hashed(HANDLE, &handle_text(at.channel, handle)), None, &link.id, until);
        }
    }

    /// The address leads to no link any more.
    pub fn forget_handle(&mut self, sent: &SentTo) {
        self.ops.push(Op::Expect(sent.entry.key.clone(), sent.entry.version));
        self.ops.push(Op::Delete(sent.entry.key.clone()));
    }

    /// The address leads to the link for longer, at most for a day from now on.
    pub fn keep_handle(&mut self, sent: &SentTo, until: Timestamp) {
        let (link, at) = (&sent.link, &sent.link.conversation);
        if let Some(handle) = at.handle.as_ref().filter(|_| at.channel.has_webhooks()) {
            let until = Some(until.max(link.expires_at + HANDLE_KEPT));
            let place = Place::Moved(sent.entry.key.clone(), HANDLE, handle_text(at.channel, handle).into());
            self.put(place, Some(Expect::At(sent.entry.version)), &link.id, until);
        }
    }
}

impl TenantStore {
    /// An ask by its request identifier, in lower case.
    pub async fn ask(&self, request: &str) -> Result<Option<Stored<Ask>>, StoreError> {
        self.one(self.keys.key(Ask::KIND, request)).await
    }

    /// The newest link that was sent to this address.
    pub async fn link_sent_to(
        &self,
        channel: Channel,
        handle: &Handle,
    ) -> Result<Option<SentTo>, StoreError> {
        let Some(entry) = self.hashed::<LinkId>(HANDLE, &handle_text(channel, handle)).await? else {
            return Ok(None);
        };
        Ok(self.link(&entry).await?.map(|link| SentTo { link, entry }))
    }
}

/// One text for one address, however it is written.
fn handle_text(channel: Channel, handle: &Handle) -> String {
    if channel.has_phone_handles() {
        return format!("{channel}:{}", normal_phone(handle.as_str()));
    }
    format!("{channel}:{}", handle.as_str())
}
