//! A sender asks how a link is, or takes it back (DESIGN §5.6).

use crate::domain::actor::Actor;
use crate::domain::conversation::Conversation;
use crate::domain::event::EventType;
use crate::domain::fault::{Code, Fault, Step};
use crate::domain::ids::{ConversationId, LinkId, TenantId};
use crate::domain::link::{Link, LinkState, LinkStatus};
use crate::domain::request::{Outcome, Phase};
use crate::domain::tenant::Tenant;
use crate::store::{Durability, StoreError, Stored, Tx};

use super::{Broker, RACES};

/// Why a link was not taken back.
#[derive(Debug, thiserror::Error)]
pub enum CancelError {
    /// No link has this id.
    #[error("no link has this id")]
    Unknown,
    /// It is over already.
    #[error("the link is {0}, which is final")]
    Final(LinkStatus),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Broker {
    /// A link as it is now. If its latest attempt was interrupted, it has failed (DESIGN §5.3).
    pub async fn link(&self, tenant: &Tenant, id: &LinkId) -> Result<Option<Link>, StoreError> {
        let Some(link) = self.store.at(&tenant.id).link(id).await? else { return Ok(None) };
        let link = link.into_value().as_of(self.clock.now());
        Ok(self.with_interrupted(tenant, vec![link]).await?.pop())
    }

    /// A conversation as we know it.
    pub async fn conversation(
        &self,
        tenant: &Tenant,
        id: &ConversationId,
    ) -> Result<Option<Conversation>, StoreError> {
        Ok(self.store.at(&tenant.id).conversation(id).await?.map(Stored::into_value))
    }

    /// The platform says that a conversation is over: whoever was verified there no longer is.
    pub async fn end_conversation(
        &self,
        tenant: &Tenant,
        by: &Actor,
        id: &ConversationId,
    ) -> Result<Option<Conversation>, StoreError> {
        let store = self.store.at(&tenant.id);
        for _ in 0..RACES {
            let Some(known) = store.conversation(id).await? else { return Ok(None) };
            let mut ended = known.value.clone();
            let mut tx = Tx::new();
            self.drop_tokens(&mut tx, &tenant.id, &known.value).await?;
            self.unverify(&mut tx, &tenant.id, &mut ended, &by.to_string());
            tx.put_conversation(Some(&known), &ended);
            match store.commit(tx, Durability::Durable).await {
                Err(StoreError::Conflict) => {}
                done => return done.map(|()| Some(ended)),
            }
        }
        Err(StoreError::Conflict)
    }

    /// Takes the verified identity out of a conversation, and tells of it if there was one.
    pub(super) fn unverify(
        &self,
        tx: &mut Tx,
        tenant: &TenantId,
        conversation: &mut Conversation,
        actor: &str,
    ) {
        if let Some(verified) = conversation.verified.take() {
            conversation.updated_at = self.clock.now();
            let told = self.announce_unverified(tx, tenant, &conversation.at, actor);
            // It has the address: whoever erases the person finds it by the link.
            tx.event_of_link(&verified.auth_link_id, &told);
        }
    }

    /// The sender takes a link back.
    pub async fn cancel_link(&self, tenant: &Tenant, by: &Actor, id: &LinkId) -> Result<Link, CancelError> {
        let store = self.store.at(&tenant.id);
        for _ in 0..RACES {
            let link = store.link(id).await?.ok_or(CancelError::Unknown)?;
            match self.cancel_stored(tenant, &link, false, &by.to_string()).await {
                Err(CancelError::Store(StoreError::Conflict)) => {}
                done => return done,
            }
        }
        Err(StoreError::Conflict.into())
    }

    /// One try to cancel a link as it was read. A sign-in that waits for its confirmation is forgotten.
    pub(super) async fn cancel_stored(
        &self,
        tenant: &Tenant,
        link: &Stored<Link>,
        declined: bool,
        actor: &str,
    ) -> Result<Link, CancelError> {
        let cancelled = link.value.clone().cancel(declined, self.clock.now());
        let cancelled = cancelled.map_err(|over| CancelError::Final(over.0))?;
        let mut tx = Tx::new();
        self.forget_provisional(&mut tx, &tenant.id, &link.value).await?;
        tx.update_link(link, &cancelled);
        self.announce_link(&mut tx, &tenant.id, EventType::Cancelled, &cancelled, actor);
        self.store.at(&tenant.id).commit(tx, Durability::Durable).await?;
        Ok(cancelled)
    }

    /// Ends a sign-in of this link that nobody confirmed in time, and tells of it. Belongs before every change of a
    /// link that takes it as it is now: whoever touches it first when that time is over settles what happened.
    pub(super) async fn settle_lapse(
        &self,
        tx: &mut Tx,
        tenant: &TenantId,
        link: &Link,
    ) -> Result<(), StoreError> {
        match link.lapsed(self.clock.now()) {
            Some(_) => self.forget_provisional(tx, tenant, link).await,
            None => Ok(()),
        }
    }

    /// The link with everything settled that ended by itself: a lapsed sign-in, and a latest attempt during which the
    /// broker was stopped.
    pub(super) async fn settle(
        &self,
        tx: &mut Tx,
        tenant: &TenantId,
        link: &Link,
    ) -> Result<Link, StoreError> {
        let now = self.clock.now();
        if let Some(lapsed) = link.lapsed(now) {
            self.forget_provisional(tx, tenant, link).await?;
            return Ok(lapsed);
        }
        let latest = link.openings.last().filter(|_| link.status() == LinkStatus::Opened);
        let Some(opening) = latest else { return Ok(link.clone()) };
        let Some(request) = self.store.at(tenant).request(&opening.request).await? else {
            return Ok(link.clone());
        };
        let Some(at) = request.value.interrupted_at(now) else { return Ok(link.clone()) };
        let ended = Outcome::Failed(Fault::new(Step::Exchange, Code::Interrupted));
        tx.update_request(&request, &request.value.clone().finish(ended, at));
        let interrupted = link.clone().interrupt(at);
        self.announce_link(tx, tenant, EventType::Failed, &interrupted, "system");
        Ok(interrupted)
    }

    /// Deletes what a provisional sign-in of this link knows of the person: it was voided, or had lapsed already,
    /// of which the platform is told.
    pub(super) async fn forget_provisional(
        &self,
        tx: &mut Tx,
        tenant: &TenantId,
        link: &Link,
    ) -> Result<(), StoreError> {
        let LinkState::Provisional { request: key, until } = &link.state else { return Ok(()) };
        let now = self.clock.now();
        let lapsed = link.lapsed(now);
        if let Some(request) = self.store.at(tenant).request(key).await?
            && matches!(request.value.phase, Phase::Provisional(_))
        {
            let (code, at) =
                if lapsed.is_some() { (Code::NotConfirmed, *until) } else { (Code::Voided, now) };
            let ended = Outcome::Failed(Fault::new(Step::Bind, code));
            tx.update_request(&request, &request.value.clone().finish(ended, at));
        }
        if let Some(lapsed) = lapsed {
            self.announce_link(tx, tenant, EventType::Failed, &lapsed, "system");
        }
        Ok(())
    }
}
