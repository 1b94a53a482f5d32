//! Apple's reply to an authentication message: who replied is the person of the conversation. Whether
//! anybody signed in is known from the provider alone.

use crate::channel::apple::Flow;
use crate::channel::apple::reply::{Inbound, Reply};
use crate::channel::apple::response_key::ResponseKey;
use crate::channel::apple::verdict::{Asked, Over, Verdict, judge};
use crate::domain::accounts::AppleBusiness;
use crate::domain::ask::{Ask, AskStage, AskWay, Native};
use crate::domain::event::EventType;
use crate::domain::fault::{Code, Fault, Step};
use crate::domain::link::Link;
use crate::domain::request::{AuthorizationRequest, Phase, Provisional};
use crate::domain::tenant::Tenant;
use crate::flow::inbound::Reading;
use crate::flow::{Broker, RACES};
use crate::secret::Secret;
use crate::store::{Durability, StoreError, Stored, Tx};

/// The customer's phone says that it is over.
const CLOSED: Fault = Fault { step: Step::Bind, code: Code::SheetClosed };
/// The reply brings a token that was not given for this sign-in.
const SOMEONE_ELSE: Fault = Fault { step: Step::Bind, code: Code::SomeoneElse };

impl Broker {
    /// Weighs a reply, and does what follows from it.
    pub(super) async fn take_reply(
        &self,
        tenant: &Tenant,
        account: &AppleBusiness,
        inbound: &Inbound,
        reply: &Reply,
    ) -> Result<Reading, StoreError> {
        let store = self.store.at(&tenant.id);
        let Some(ask) = store.ask(reply.request.as_str()).await? else {
            return Ok(ignored(tenant, "unasked"));
        };
        let Some(link) = store.link(&ask.value.link).await? else { return Ok(ignored(tenant, "forgotten")) };
        let Some(customer) = &link.value.conversation.handle else { return Ok(ignored(tenant, "nobody")) };
        let attempt = match &ask.value.stage {
            AskStage::Opened { attempt } => store.request(attempt).await?,
            AskStage::Sent | AskStage::Over => None,
        };
        // What went on in another browser than the sheet is no business of the sheet's.
        let attempt = attempt.filter(|attempt| attempt.value.native.is_some());
        let waits = attempt.as_ref().and_then(|attempt| self.waiting(&attempt.value));
        let asked = Asked {
            request: &reply.request,
            customer,
            business: &account.business_id,
            flow: if ask.value.is_older() { Flow::Older } else { Flow::Newer },
            exchanged: waits.is_some(),
            number: attempt.as_ref().and_then(|attempt| number_of(&attempt.value)),
        };
        match (judge(&asked, inbound, reply), attempt, waits) {
            (Verdict::Verified, Some(attempt), Some(waits)) => {
                self.complete_native(tenant, &attempt, &link.value, (&waits, None)).await
            }
            (Verdict::Forged, Some(attempt), _) => {
                self.refuse_native(tenant, &attempt.value.key, SOMEONE_ELSE).await?;
                Ok(Reading::Nothing)
            }
            (Verdict::Redeem(sealed), Some(attempt), Some(waits)) => {
                if !brings_back(&ask.value, &attempt.value, &sealed) {
                    self.refuse_native(tenant, &attempt.value.key, SOMEONE_ELSE).await?;
                    return Ok(Reading::Nothing);
                }
                self.complete_native(tenant, &attempt, &link.value, (&waits, None)).await
            }
            (Verdict::Over(_), Some(attempt), _) => {
                self.refuse_native(tenant, &attempt.value.key, CLOSED).await?;
                Ok(Reading::Nothing)
            }
            (Verdict::Over(over), None, _) => {
                self.end_ask(tenant, &ask.value.request, over).await?;
                Ok(Reading::Nothing)
            }
            (Verdict::Ignored(why), ..) => Ok(ignored(tenant, &format!("{why:?}"))),
            (Verdict::Verified | Verdict::Redeem(_) | Verdict::Forged, ..) => {
                Ok(ignored(tenant, "nothing waits"))
            }
        }
    }

    /// The sign-in that waits, if it still does.
    fn waiting(&self, attempt: &AuthorizationRequest) -> Option<Provisional> {
        match attempt.phase_at(self.clock.now()) {
            Phase::Provisional(provisional) => Some(*provisional),
            _ => None,
        }
    }

    /// The sheet came to nothing before a sign-in had begun, and the sender is told. A message that the customer closed
    /// is spent; one that failed, as where the provider was out of order for a moment, may be pressed again.
    async fn end_ask(&self, tenant: &Tenant, request: &str, over: Over) -> Result<(), StoreError> {
        let (store, now) = (self.store.at(&tenant.id), self.clock.now());
        for _ in 0..RACES {
            let Some(ask) = store.ask(request).await? else { return Ok(()) };
            let Ok(ended) = ask.value.clone().end() else { return Ok(()) };
            let (mut tx, mut is_news) = (Tx::new(), over == Over::Cancelled);
            if is_news {
                tx.put_ask(Some(&ask), &ended);
            }
            if let Some(link) = store.link(&ask.value.link).await?
                && is_untouched(&link, request)
                && link.value.failure.is_none()
                && let Ok(failed) = link.value.clone().refuse(CLOSED, now)
            {
                tx.update_link(&link, &failed);
                self.announce_link(&mut tx, &tenant.id, EventType::Failed, &failed, "customer");
                is_news = true;
            }
            if !is_news {
                return Ok(());
            }
            match store.commit(tx, Durability::Durable).await {
                Err(StoreError::Conflict) => {}
                done => return done,
            }
        }
        Err(StoreError::Conflict)
    }
}

/// What our last page told the sheet of this sign-in.
fn number_of(attempt: &AuthorizationRequest) -> Option<u32> {
    match attempt.native {
        Some(Native::Sheet { number, .. }) => number,
        _ => None,
    }
}

/// Whether nothing has happened with a link but that this message was sent.
fn is_untouched(link: &Stored<Link>, request: &str) -> bool {
    link.value.ask.as_deref() == Some(request) && link.value.openings.is_empty()
}

/// Whether the reply brings back the token that the phone of this sign-in got from us.
fn brings_back(ask: &Ask, attempt: &AuthorizationRequest, sealed: &Secret) -> bool {
    let (AskWay::Older { key }, Some(Native::Relay { token: Some(token), .. })) = (&ask.way, &attempt.native)
    else {
        return false;
    };
    let opened = ResponseKey::parse(key).ok().and_then(|key| key.decrypt(sealed.expose()).ok());
    opened.is_some_and(|opened| token.matches(opened.expose()))
}

/// A reply that changes nothing.
fn ignored(tenant: &Tenant, why: &str) -> Reading {
    tracing::warn!(tenant = %tenant.id, channel = "apple", detail = why, "inbound.ignored");
    Reading::Nothing
}
