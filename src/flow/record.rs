//! How a sign-in ends, written in one batch each: provisional, complete, or failed. After a crash
//! at any point either all of a batch is there or nothing (DESIGN §3, *One login*).

use std::mem::discriminant;

use jiff::Timestamp;
use tokio::sync::OnceCell;

use crate::channel::apple::verdict::WAITS;
use crate::domain::ask::Native;
use crate::domain::binding::{Binding, Vouch};
use crate::domain::contact::{Contact, Trace};
use crate::domain::conversation::{Conversation, Verified};
use crate::domain::event::EventType;
use crate::domain::fault::{Code, Fault, Step};
use crate::domain::ids::{ContactId, ConversationId};
use crate::domain::link::{Completion, Link};
use crate::domain::profile::SignedIn;
use crate::domain::provider::Provider;
use crate::domain::request::{AuthorizationRequest, CODE_LIFETIME, Outcome, Provisional};
use crate::domain::tenant::Tenant;
use crate::secret::Secret;
use crate::store::{Durability, StoreError, Stored, Tx};

use super::identify::Person;
use super::person::{Enriched, Occasion};
use super::{Broker, RACES};

/// How a sign-in ends.
pub(super) enum End<'a> {
    /// The chat must confirm it.
    Provisional(Provisional),
    /// It is complete.
    Completed(SignIn<'a>),
    /// It failed, or the customer declined at the provider.
    Failed(Fault),
}

/// A sign-in that is to be recorded as complete.
pub(super) struct SignIn<'a> {
    /// Where the customer signed in.
    pub provider: &'a Provider,
    /// The link's conversation.
    pub conversation: &'a ConversationId,
    /// Who it is.
    pub signed_in: &'a SignedIn,
    /// When the provider's answer was exchanged.
    pub exchanged_at: Timestamp,
    /// How it was proved.
    pub binding: Binding,
    /// When, by the channel's own clock; none where the channel did not vouch, or does not say.
    pub vouched_at: Option<Timestamp>,
    /// The number of a new contact: drawn once, however often a race is lost.
    pub number: OnceCell<u64>,
}

impl Broker {
    /// Writes down how a sign-in ended; reads again and tries once more after a lost race.
    pub(super) async fn record(
        &self,
        tenant: &Tenant,
        claimed: &Stored<AuthorizationRequest>,
        end: &End<'_>,
    ) -> Result<(), Fault> {
        let store = self.store.at(&tenant.id);
        let mut request = claimed.clone();
        for _ in 0..RACES {
            let tx = match end {
                End::Provisional(provisional) => self.hold(tenant, &request, provisional).await?,
                End::Completed(sign_in) => self.complete(tenant, &request, sign_in).await?,
                End::Failed(fault) => self.fail(tenant, &request, *fault).await?,
            };
            match store.commit(tx, Durability::Durable).await {
                Err(StoreError::Conflict) => request = self.read_again(tenant, &request).await?,
                done => return done.map_err(unavailable),
            }
        }
        Err(Fault::new(Step::Record, Code::StoreUnavailable))
    }

    /// A sign-in that the chat must confirm, with a fresh code; or the channel itself, and then no code does.
    pub(super) fn provisional(
        &self,
        request: &AuthorizationRequest,
        signed_in: SignedIn,
        exchanged_at: Timestamp,
    ) -> Provisional {
        let (code, lasts) = match &request.native {
            None => (Secret::new(format!("{:06}", self.clock.below(1_000_000))), CODE_LIFETIME),
            Some(Native::Linking { .. }) => (self.clock.fresh_token(), CODE_LIFETIME),
            Some(Native::Sheet { .. } | Native::Relay { .. }) => (self.clock.fresh_token(), WAITS),
        };
        let until = self.clock.now() + lasts;
        Provisional { code, until, guesses: 0, exchanged_at, signed_in }
    }

    /// Keeps the sign-in until the chat confirms it. An older one of the same link is voided.
    async fn hold(
        &self,
        tenant: &Tenant,
        request: &Stored<AuthorizationRequest>,
        provisional: &Provisional,
    ) -> Result<Tx, Fault> {
        let link = self.link_of(tenant, request).await?;
        let waiting = link.value.clone().hold(request.value.key.clone(), provisional.until, self.clock.now());
        let waiting = waiting.map_err(|_| Fault::new(Step::Record, Code::LinkFinal))?;
        let mut tx = Tx::new();
        self.forget_provisional(&mut tx, &tenant.id, &link.value).await.map_err(unavailable)?;
        tx.update_request(request, &request.value.clone().hold(provisional.clone()));
        tx.update_link(&link, &waiting);
        self.announce_link(&mut tx, &tenant.id, EventType::Provisional, &waiting, "customer");
        Ok(tx)
    }

    /// Link, conversation, contact, indexes, events and audit entry together.
    async fn complete(
        &self,
        tenant: &Tenant,
        request: &Stored<AuthorizationRequest>,
        sign_in: &SignIn<'_>,
    ) -> Result<Tx, Fault> {
        let now = self.clock.now();
        let known = self.read_login(tenant, &request.value, sign_in).await?;
        if known.link.value.was_taken_back_since(sign_in.vouched_at) {
            return Err(Fault::new(Step::Bind, Code::TakenBack));
        }
        let mut tx = Tx::new();
        let enriched = self.enrich(&mut tx, tenant, &known, sign_in).await?;
        let contact = enriched.as_ref().map(|enriched| enriched.contact.id.clone());
        let completed = known.link.value.clone().complete(completion(&known, contact.clone(), sign_in), now);
        let completed = completed.map_err(|_| Fault::new(Step::Record, Code::LinkFinal))?;
        let conversation = verified_conversation(&known, tenant, &completed, (contact, sign_in), now);
        self.keep_tokens(&mut tx, tenant, &conversation, sign_in).await.map_err(unavailable)?;
        tx.put_conversation(known.conversation.as_ref(), &conversation);
        let key = self.store.at(&tenant.id).conversation_key(&conversation.at.id);
        let outcome = Outcome::Completed { binding: sign_in.binding };
        tx.update_request(request, &request.value.clone().finish(outcome, now));
        if !known.link.value.is_held_by(&request.value.key) {
            self.forget_provisional(&mut tx, &tenant.id, &known.link.value).await.map_err(unavailable)?;
        }
        tx.update_link(&known.link, &completed);
        let told = self.announce_link(&mut tx, &tenant.id, EventType::Completed, &completed, "customer");
        if let Some(Enriched { contact, event }) = enriched {
            let events = event.into_iter().chain([told]).collect();
            tx.trace(&contact.id, &Trace { link: Some(completed.id), events, conversation: Some(key) });
        }
        Ok(tx)
    }

    /// A link that ended meanwhile, or waits for another browser's confirmation, stays as it is.
    async fn fail(
        &self,
        tenant: &Tenant,
        request: &Stored<AuthorizationRequest>,
        fault: Fault,
    ) -> Result<Tx, Fault> {
        let now = self.clock.now();
        let kind = if fault.code == Code::AccessDenied { EventType::Denied } else { EventType::Failed };
        let link = self.link_of(tenant, request).await?;
        let mut tx = Tx::new();
        tx.update_request(request, &request.value.clone().finish(Outcome::Failed(fault), now));
        self.settle_lapse(&mut tx, &tenant.id, &link.value).await.map_err(unavailable)?;
        if let Ok(failed) = link.value.clone().fail(&request.value.key, fault, now) {
            tx.update_link(&link, &failed);
            if failed.failure.is_some() {
                self.announce_link(&mut tx, &tenant.id, kind, &failed, "customer");
            }
        }
        Ok(tx)
    }

    /// The contact of this person, made or enriched; none where the provider named nobody.
    async fn enrich(
        &self,
        tx: &mut Tx,
        tenant: &Tenant,
        known: &Known,
        sign_in: &SignIn<'_>,
    ) -> Result<Option<Enriched>, Fault> {
        let provider = sign_in.provider;
        let Some(subject) = sign_in.signed_in.subject.as_deref() else { return Ok(None) };
        let person = &known.person;
        let contact = match &person.contact {
            Some(contact) => contact.value.clone(),
            None => self.new_contact(tenant, &sign_in.number).await?,
        };
        let link = &known.link.value;
        let occasion = Occasion {
            provider,
            subject,
            signed_in: sign_in.signed_in,
            read_at: sign_in.exchanged_at,
            link: Some(&link.id),
            conversation: Some(&link.conversation),
        };
        Ok(Some(self.write_person(tx, tenant, (person, contact), &occasion)))
    }

    /// A record about which nothing is known yet.
    async fn new_contact(&self, tenant: &Tenant, number: &OnceCell<u64>) -> Result<Contact, Fault> {
        let store = self.store.at(&tenant.id);
        let number = number.get_or_try_init(|| store.next_customer_number()).await.map_err(unavailable)?;
        Ok(self.blank_contact(*number))
    }

    async fn link_of(&self, tenant: &Tenant, request: &AuthorizationRequest) -> Result<Stored<Link>, Fault> {
        let link = self.store.at(&tenant.id).link(&request.link).await.map_err(unavailable)?;
        link.ok_or(Fault::new(Step::Record, Code::LinkFinal))
    }

    /// What the end of a login must know of before, in two reads.
    async fn read_login(
        &self,
        tenant: &Tenant,
        request: &AuthorizationRequest,
        sign_in: &SignIn<'_>,
    ) -> Result<Known, Fault> {
        let store = self.store.at(&tenant.id);
        let identity = sign_in.signed_in.subject.as_deref().map(|subject| (&request.provider, subject));
        let records = store.login_records(&request.link, sign_in.conversation, identity).await;
        let records = records.map_err(unavailable)?;
        let link = records.link.ok_or(Fault::new(Step::Record, Code::LinkFinal))?;
        let person = match identity {
            Some(_) => {
                let owner = records.identity.as_ref().map(|owner| &owner.value);
                self.identify(tenant, &link, sign_in, owner).await.map_err(unavailable)?
            }
            None => Person::default(),
        };
        Ok(Known { link, conversation: records.conversation, person })
    }

    /// The request after a lost race. If it is no longer in the same phase, somebody else ended it.
    async fn read_again(
        &self,
        tenant: &Tenant,
        before: &Stored<AuthorizationRequest>,
    ) -> Result<Stored<AuthorizationRequest>, Fault> {
        let mut stored = self.store.at(&tenant.id).request(&before.value.key).await.map_err(unavailable)?;
        if let Some(stored) = &mut stored {
            stored.value.timeline = before.value.timeline.clone();
        }
        let same_phase = |stored: &Stored<AuthorizationRequest>| {
            discriminant(&stored.value.phase) == discriminant(&before.value.phase)
        };
        stored.filter(same_phase).ok_or(Fault::new(Step::Record, Code::Voided))
    }
}

/// What stood in the store before a login ended.
struct Known {
    link: Stored<Link>,
    conversation: Option<Stored<Conversation>>,
    person: Person,
}

/// The conversation with who is there now.
fn verified_conversation(
    known: &Known,
    tenant: &Tenant,
    link: &Link,
    (contact, sign_in): (Option<ContactId>, &SignIn<'_>),
    now: Timestamp,
) -> Conversation {
    let new = || Conversation::new(link.conversation.clone(), now);
    let mut conversation = known.conversation.as_ref().map_or_else(new, |known| known.value.clone());
    conversation.updated_at = now;
    conversation.verified = Some(Verified {
        contact_id: contact,
        provider: link.provider.clone(),
        auth_link_id: link.id.clone(),
        binding: sign_in.binding,
        since: now,
        vouched_at: sign_in.vouched_at,
        until: now + tenant.binding.lasts,
        fields: link.completion().map(|completion| completion.fields.clone()).unwrap_or_default(),
    });
    conversation
}

/// What the completed link will know.
fn completion(known: &Known, contact: Option<ContactId>, sign_in: &SignIn<'_>) -> Completion {
    Completion {
        contact,
        profile: sign_in.signed_in.profile.clone(),
        binding: sign_in.binding,
        mismatch: Vouch::of(sign_in.signed_in, &known.link.conversation) == Vouch::Other,
        contact_mismatch: known.person.mismatch,
        fields: sign_in.signed_in.fields.clone(),
    }
}

/// The fault of a store that failed; the cause goes into the log where it happened.
#[expect(clippy::needless_pass_by_value, reason = "it stands in `map_err`")]
fn unavailable(error: StoreError) -> Fault {
    tracing::error!(step = "record", code = "store_unavailable", detail = %error, "store.failed");
    Fault::new(Step::Record, Code::StoreUnavailable)
}
