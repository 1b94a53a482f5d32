//! A sender asks for an auth link (DESIGN §5.1).

use jiff::SignedDuration;
use serde_json::{Map, Value};

use crate::channel::AuthMessage;
use crate::domain::actor::Actor;
use crate::domain::ask::Ask;
use crate::domain::binding::Binding;
use crate::domain::conversation::{Conversation, ConversationRef, GuessWindow, Handle};
use crate::domain::event::EventType;
use crate::domain::ids::{LinkId, ProviderId};
use crate::domain::link::{ContactHint, Link, LinkState, Sender, Times};
use crate::domain::provider::Provider;
use crate::domain::request::Route;
use crate::domain::snippet::Snippet;
use crate::domain::tenant::Tenant;
use crate::store::{Durability, Store, StoreError, Stored, Tx};

use super::native::can_vouch;
use super::once::{Once, OnceError, Turn};
use super::{Broker, RACES};

/// How long a link lives if the sender does not say.
const LIFETIME: SignedDuration = SignedDuration::from_mins(15);
/// The longest life a sender may ask for.
pub const LONGEST: SignedDuration = SignedDuration::from_hours(24);

/// What a sender asks for. The shapes were checked; what depends on the tenant was not.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "documented at `Link`")]
pub struct NewLink {
    pub conversation: ConversationRef,
    pub provider: Option<ProviderId>,
    pub snippet: Option<String>,
    pub locale: Option<String>,
    pub expires_in: Option<i64>,
    pub sender: Option<Sender>,
    pub route: Option<Route>,
    pub capabilities: Vec<String>,
    pub contact: Option<ContactHint>,
    pub minimum: Option<Binding>,
    pub metadata: Map<String, Value>,
}

/// The link and its message for the channel.
#[derive(Debug)]
pub struct CreatedLink {
    /// The link.
    pub link: Link,
    /// What stands in the chat.
    pub url: String,
    /// The channel's rendering.
    pub message: AuthMessage,
    /// Whether the same order has made it before.
    pub replayed: bool,
}

/// Why no link was made.
#[derive(Debug, thiserror::Error)]
pub enum CreateLinkError {
    /// The order cannot be carried out as it stands; a JSON pointer to the place and words.
    #[error("{detail}")]
    Refused {
        /// Where in the body.
        pointer: &'static str,
        /// What is wrong and how to mend it.
        detail: String,
    },
    /// The same order is at work, or its key was used for another one.
    #[error(transparent)]
    Once(#[from] OnceError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Broker {
    /// Makes a link, takes the conversation's older one back, and renders the message. An order
    /// that was carried out before is answered as it was then.
    pub async fn create_link(
        &self,
        tenant: &Tenant,
        by: &Actor,
        order: NewLink,
        once: Option<&Once>,
    ) -> Result<CreatedLink, CreateLinkError> {
        let mut turn = self.begin_once(&tenant.id, by, once)?;
        let wording = (order.snippet.clone(), order.locale.clone());
        let made = match turn.made_before(&self.store.at(&tenant.id), self.clock.now()).await? {
            Some(id) => Made::Before(id),
            None => self.make_link(tenant, by, order, &mut turn).await?,
        };
        match made {
            Made::Now(created) => Ok(*created),
            Made::Before(id) => self.tell_again(tenant, &id, wording).await,
        }
    }

    async fn make_link(
        &self,
        tenant: &Tenant,
        by: &Actor,
        order: NewLink,
        turn: &mut Turn<'_>,
    ) -> Result<Made<CreatedLink>, CreateLinkError> {
        let provider = find_provider(tenant, order.provider.as_ref())?;
        let snippet = find_snippet(tenant, order.snippet.as_deref())?;
        let minimum = self.raise_minimum(tenant, &order).await?;
        let lifetime = check_lifetime(order.expires_in)?;
        self.check_hint(tenant, order.contact.as_ref()).await?;
        let route = order.route;
        let link = self.new_link(provider, by, order, minimum, lifetime);
        let (link, ask) = match self.keep_new_link(tenant, (provider, route), link, by, turn).await? {
            Made::Now(kept) => *kept,
            Made::Before(id) => return Ok(Made::Before(id)),
        };
        let (url, message) = self.render(tenant, Some(provider), snippet, &link, ask.as_ref());
        Ok(Made::Now(Box::new(CreatedLink { link, url, message, replayed: false })))
    }

    /// What the chat must prove: what the tenant demands, or more. Whether the channel can vouch may hang on the address
    /// that is known of the conversation.
    async fn raise_minimum(&self, tenant: &Tenant, order: &NewLink) -> Result<Binding, CreateLinkError> {
        let minimum = check_minimum(tenant, order)?;
        if minimum != Binding::Native {
            return Ok(minimum);
        }
        let mut at = order.conversation.clone();
        if at.handle.is_none() {
            let known = self.store.at(&tenant.id).conversation(&at.id).await?;
            at.handle = known_handle(&at, known.as_deref());
        }
        if can_vouch(tenant, &at, order.route, &order.capabilities) {
            return Ok(minimum);
        }
        let detail = format!(
            "`{}` cannot vouch for the person of this conversation; the strongest proof here is `code`",
            at.channel
        );
        Err(CreateLinkError::Refused { pointer: "/binding/minimum", detail })
    }

    /// The answer to an order that was carried out before, as it was then. The wording is that of
    /// the order, which is the same; only if the tenant has reworded its snippet the text differs.
    async fn tell_again(
        &self,
        tenant: &Tenant,
        id: &LinkId,
        (snippet, locale): (Option<String>, Option<String>),
    ) -> Result<CreatedLink, CreateLinkError> {
        let link = self.store.at(&tenant.id).link(id).await?.ok_or(StoreError::Conflict)?;
        let link = Link { locale, ..link.into_value().as_made() };
        let snippet = snippet.and_then(|name| tenant.snippet(&name));
        let provider = tenant.provider(Some(&link.provider)).map(AsRef::as_ref);
        let ask = self.first_ask_of(tenant, &link).await?;
        let (url, message) = self.render(tenant, provider, snippet, &link, ask.as_ref());
        Ok(CreatedLink { link, url, message, replayed: true })
    }

    /// The contact that the platform expects is there. An id of the platform that nobody has yet is
    /// given to a new contact.
    async fn check_hint(&self, tenant: &Tenant, hint: Option<&ContactHint>) -> Result<(), CreateLinkError> {
        let Some(id) = hint.and_then(|hint| hint.id.as_ref()) else { return Ok(()) };
        match self.contact(tenant, id).await? {
            Some(_) => Ok(()),
            None => Err(CreateLinkError::Refused {
                pointer: "/contact/id",
                detail: format!("there is no contact `{id}`; leave it out, or name an `externalId`"),
            }),
        }
    }

    fn new_link(
        &self,
        provider: &Provider,
        by: &Actor,
        order: NewLink,
        minimum: Binding,
        lifetime: SignedDuration,
    ) -> Link {
        let now = self.clock.now();
        Link {
            id: LinkId::from_uuid(self.clock.fresh_uuid()),
            token: self.clock.fresh_token(),
            conversation: order.conversation,
            provider: provider.id.clone(),
            route: order.route.unwrap_or(Route::EndUser),
            sender: Some(order.sender.unwrap_or_else(|| by.as_sender())),
            locale: order.locale,
            snippet: order.snippet,
            capabilities: order.capabilities,
            contact: order.contact,
            minimum,
            metadata: order.metadata,
            created_at: now,
            expires_at: now + lifetime,
            state: LinkState::Created,
            times: Times::default(),
            failure: None,
            guesses: GuessWindow::default(),
            resends: 0,
            ask: None,
            openings: Vec::new(),
            times_opened: 0,
            taken_back_at: None,
        }
    }

    /// Writes link, conversation and event in one batch, together with the end of the older link.
    /// Another broker may have made a link of the same order meanwhile.
    async fn keep_new_link(
        &self,
        tenant: &Tenant,
        (provider, route): (&Provider, Option<Route>),
        link: Link,
        by: &Actor,
        turn: &mut Turn<'_>,
    ) -> Result<Made<(Link, Option<Ask>)>, OnceError> {
        let store = self.store.at(&tenant.id);
        let actor = by.to_string();
        for _ in 0..RACES {
            let mut tx = Tx::new();
            turn.keep(&mut tx, &link.id, link.created_at);
            let known = store.conversation(&link.conversation.id).await?;
            if let Some(older) = live_link(&self.store, tenant, known.as_ref()).await? {
                self.supersede(&mut tx, tenant, &older, &actor).await?;
            }
            let mut link = with_known_handle(link.clone(), known.as_deref());
            let ask = self.prepare_ask(tenant, provider, &link, route);
            if let Some(ask) = &ask {
                link.ask = Some(ask.request.clone());
                link.route = if ask.is_older() { Route::Abc } else { Route::AbcAuth2 };
                tx.put_ask(None, ask);
            }
            if let Some(other) = known.as_deref().filter(|known| !known.at.is_same_person(&link.conversation))
            {
                self.drop_tokens(&mut tx, &tenant.id, other).await?;
            }
            let conversation = self.conversation_for(&mut tx, tenant, known.as_deref(), &link, &actor);
            tx.put_conversation(known.as_ref(), &conversation);
            tx.create_link(&link);
            tx.send_to_handle(&link);
            self.announce_link(&mut tx, &tenant.id, EventType::LinkCreated, &link, &actor);
            match store.commit(tx, Durability::Durable).await {
                Err(StoreError::Conflict) => {}
                done => return Ok(done.map(|()| Made::Now(Box::new((link, ask))))?),
            }
            if let Some(id) = turn.made_before(&store, self.clock.now()).await? {
                return Ok(Made::Before(id));
            }
        }
        Err(StoreError::Conflict.into())
    }

    async fn supersede(
        &self,
        tx: &mut Tx,
        tenant: &Tenant,
        older: &Stored<Link>,
        actor: &str,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        let Ok(superseded) = older.value.clone().supersede(now) else { return Ok(()) };
        self.forget_provisional(tx, &tenant.id, &older.value).await?;
        tx.update_link(older, &superseded);
        self.announce_link(tx, &tenant.id, EventType::Superseded, &superseded, actor);
        Ok(())
    }

    /// The conversation with its newest link. Another handle or channel is another person, until proved.
    fn conversation_for(
        &self,
        tx: &mut Tx,
        tenant: &Tenant,
        known: Option<&Conversation>,
        link: &Link,
        actor: &str,
    ) -> Conversation {
        let now = self.clock.now();
        let mut conversation =
            known.cloned().unwrap_or_else(|| Conversation::new(link.conversation.clone(), now));
        let same_person = conversation.at.is_same_person(&link.conversation);
        if !same_person {
            self.unverify(tx, &tenant.id, &mut conversation, actor);
        }
        conversation.at = link.conversation.clone();
        conversation.link = Some(link.id.clone());
        conversation.updated_at = now;
        conversation
    }
}

/// What became of an order.
enum Made<T> {
    /// A new link.
    Now(Box<T>),
    /// The link that the same order has made before.
    Before(LinkId),
}

/// A sender that leaves the address out speaks of the one that is known: who may confirm the sign-in does not grow by
/// that, and what the provider vouches for is still compared with it.
fn with_known_handle(mut link: Link, known: Option<&Conversation>) -> Link {
    link.conversation.handle =
        link.conversation.handle.clone().or_else(|| known_handle(&link.conversation, known));
    link
}

fn known_handle(at: &ConversationRef, known: Option<&Conversation>) -> Option<Handle> {
    known.filter(|known| known.at.channel == at.channel)?.at.handle.clone()
}

/// The link of a conversation that can still change.
async fn live_link(
    store: &Store,
    tenant: &Tenant,
    conversation: Option<&Stored<Conversation>>,
) -> Result<Option<Stored<Link>>, StoreError> {
    let Some(id) = conversation.and_then(|known| known.value.link.as_ref()) else { return Ok(None) };
    let link = store.at(&tenant.id).link(id).await?;
    Ok(link.filter(|link| !link.value.status().is_final()))
}

pub(super) fn find_provider<'a>(
    tenant: &'a Tenant,
    wanted: Option<&ProviderId>,
) -> Result<&'a Provider, CreateLinkError> {
    tenant.provider(wanted).map(AsRef::as_ref).ok_or_else(|| {
        let known: Vec<_> = tenant.providers.iter().map(|provider| format!("`{}`", provider.id)).collect();
        let detail = match wanted {
            Some(id) => format!("there is no provider `{id}`; this tenant has {}", known.join(", ")),
            None => format!("this tenant has several providers; name one of {}", known.join(", ")),
        };
        CreateLinkError::Refused { pointer: "/provider", detail }
    })
}

pub(super) fn find_snippet<'a>(
    tenant: &'a Tenant,
    wanted: Option<&str>,
) -> Result<Option<&'a Snippet>, CreateLinkError> {
    let Some(name) = wanted else { return Ok(None) };
    tenant.snippet(name).map(Some).ok_or_else(|| CreateLinkError::Refused {
        pointer: "/snippet",
        detail: format!("there is no snippet with the id or tag `{name}`"),
    })
}

fn check_minimum(tenant: &Tenant, order: &NewLink) -> Result<Binding, CreateLinkError> {
    let floor = tenant.binding.minimum_for(order.conversation.channel);
    let minimum = order.minimum.unwrap_or(floor);
    if minimum < floor {
        let detail =
            format!("the tenant demands at least `{floor}` here; a link may raise it, never lower it");
        return Err(CreateLinkError::Refused { pointer: "/binding/minimum", detail });
    }
    Ok(minimum)
}

fn check_lifetime(seconds: Option<i64>) -> Result<SignedDuration, CreateLinkError> {
    let Some(seconds) = seconds else { return Ok(LIFETIME) };
    let lifetime = SignedDuration::from_secs(seconds);
    if seconds < 1 || lifetime > LONGEST {
        return Err(CreateLinkError::Refused {
            pointer: "/expiresIn",
            detail: format!("`{seconds}` is outside of 1 to {} seconds", LONGEST.as_secs()),
        });
    }
    Ok(lifetime)
}
