//! Meta opens our page by its *Log In* button (Messenger's account linking). Who pressed it is asked before anybody is
//! sent to the provider: a button that was forwarded ends here.

use jiff::{SignedDuration, Timestamp};

use crate::channel::linking::{Linked, Opened, parse_opened, parse_opener};
use crate::domain::accounts::MetaAccount;
use crate::domain::app::Demand;
use crate::domain::ask::Native;
use crate::domain::conversation::{Channel, Conversation, Handle};
use crate::domain::event::EventType;
use crate::domain::fault::{Code, Fault, Step};
use crate::domain::link::{Link, NotOpened, Opening};
use crate::domain::request::{AuthorizationRequest, Outcome, Phase};
use crate::domain::tenant::Tenant;
use crate::egress::channel::ChannelCall;
use crate::flow::inbound::Reading;
use crate::flow::open_link::{LoginCookie, OpenLinkError, OpenedLink};
use crate::flow::set_out::Errand;
use crate::flow::{Broker, RACES};
use crate::secret::Secret;
use crate::store::{Durability, StoreError, Tx};

use super::back::LINKING;

/// How long a customer is heard who takes a link back: as long as an index key takes to be replaced.
const HEARD: SignedDuration = SignedDuration::from_hours(24);

/// Somebody else pressed the button, or came back, than the person of the conversation.
const SOMEONE_ELSE: Fault = Fault { step: Step::Bind, code: Code::SomeoneElse };

/// Why the page that Meta opened begins no sign-in.
#[derive(Debug, thiserror::Error)]
pub enum OpenLinkingError {
    /// What Meta adds is not as Meta adds it: the neutral page, and nothing changes.
    #[error("refused: {0}")]
    Refused(String),
    /// Somebody else than the person of the conversation pressed the button.
    #[error("somebody else pressed the button")]
    SomeoneElse,
    /// Meta does not say who it was now.
    #[error("meta does not answer: {0}")]
    Silent(String),
    /// The link cannot be opened.
    #[error(transparent)]
    Link(#[from] OpenLinkError),
}

impl From<StoreError> for OpenLinkingError {
    fn from(error: StoreError) -> Self {
        Self::Link(error.into())
    }
}

/// Whether a page is opened as Meta's button opens one. What is wrong with that is found by
/// [`check_linking`].
pub fn is_linking(query: &str) -> bool {
    url::form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "account_linking_token")
}

/// Whether the parameters are as Meta writes them, and lead back to nobody but Facebook.
pub fn check_linking(query: &str) -> Result<(), OpenLinkingError> {
    parse_opened(query).map(drop).map_err(|fault| OpenLinkingError::Refused(fault.to_string()))
}

impl Broker {
    /// The customer pressed *Continue* on a page that Meta opened.
    pub async fn open_link_from_button(
        &self,
        tenant: &Tenant,
        token: &str,
        query: &str,
        cookies: &[LoginCookie],
    ) -> Result<OpenedLink, OpenLinkingError> {
        let opened = parse_opened(query).map_err(|fault| OpenLinkingError::Refused(fault.to_string()))?;
        let link = self.find_link(tenant, token).await?;
        let Some((account, customer)) = vouched(tenant, &link.value) else {
            // The page has no account linking any more: the code proves who it is.
            return Ok(self.open_link(tenant, token, cookies, &[]).await?);
        };
        self.check_openable(&link.value)?;
        let customer = customer.clone();
        if self.opener(tenant, account, &opened).await? != customer {
            self.note_someone_else(tenant, token).await?;
            return Err(OpenLinkingError::SomeoneElse);
        }
        let native = Native::Linking { back: Secret::new(opened.build_failed()) };
        Ok(self.open_found(tenant, token, link, (cookies, &[]), Some(native)).await?)
    }

    /// Who pressed the button, as Meta says it.
    async fn opener(
        &self,
        tenant: &Tenant,
        account: &MetaAccount,
        opened: &Opened,
    ) -> Result<Handle, OpenLinkingError> {
        let none = || OpenLinkingError::Silent("the page has no token".to_owned());
        let page_token = account.access_token.as_ref().ok_or_else(none)?;
        let url = opened.build_question(&account.graph, page_token);
        let call = ChannelCall { url, headers: Vec::new(), body: None };
        let answer = self.channels.send(&tenant.id, call).await;
        let answer = answer.map_err(|error| OpenLinkingError::Silent(error.to_string()))?;
        match answer.status {
            200 => {}
            // A token that Meta does not know, or no longer: they live for five minutes.
            400..=499 => return Err(OpenLinkingError::Refused(format!("meta answers {}", answer.status))),
            status => return Err(OpenLinkingError::Silent(format!("it answers {status}"))),
        }
        let nobody = || OpenLinkingError::Refused("meta names nobody".to_owned());
        parse_opener(&answer.body).ok_or_else(nobody)
    }

    /// Writes down an attempt of somebody else: nobody is sent to the provider, and the sender is told.
    async fn note_someone_else(&self, tenant: &Tenant, token: &str) -> Result<(), OpenLinkingError> {
        let store = self.store.at(&tenant.id);
        for _ in 0..RACES {
            let link = self.find_link(tenant, token).await?;
            let request = self.refused_request(tenant, &link.value).await?;
            let now = self.clock.now();
            let mut tx = Tx::new();
            for older in self.replaced_openings(tenant, &link.value, &[]).await? {
                tx.update_request(&older, &older.value.clone().give_up(now));
            }
            let settled = self.settle(&mut tx, &tenant.id, &link.value).await?;
            let opening = Opening { cookie_name: request.cookie_name.clone(), request: request.key.clone() };
            let opened = settled.open(opening, now).map_err(OpenLinkError::from)?;
            tx.create_request(&request);
            // A sign-in of the right person that waits keeps waiting.
            let failed = opened.fail(&request.key, SOMEONE_ELSE, now).map_err(NotOpened::from);
            let failed = failed.map_err(OpenLinkError::from)?;
            tx.update_link(&link, &failed);
            if failed.failure.is_some() {
                self.announce_link(&mut tx, &tenant.id, EventType::Failed, &failed, "customer");
            }
            match store.commit(tx, Durability::Durable).await {
                Err(StoreError::Conflict) => {}
                done => {
                    done?;
                    let (tenant, link_id, attempt) = (&tenant.id, &link.value.id, &request.id);
                    let Fault { step, code } = SOMEONE_ELSE;
                    tracing::warn!(%tenant, %link_id, %attempt, %step, %code, "native.refused");
                    return Ok(());
                }
            }
        }
        Err(StoreError::Conflict.into())
    }

    /// An attempt that is over before it began.
    async fn refused_request(
        &self,
        tenant: &Tenant,
        link: &Link,
    ) -> Result<AuthorizationRequest, OpenLinkError> {
        // The provider is not asked for anything, whatever it wants to be told before a sign-in.
        let provider = tenant.provider(Some(&link.provider)).ok_or(OpenLinkError::ProviderGone)?;
        let server = self.server(tenant, provider).await.map_err(|late| late.of(link))?;
        let errand = Errand {
            tenant,
            provider,
            server: &server,
            state: &self.clock.fresh_token(),
            link: link.id.clone(),
            route: link.route,
            locale: None,
            handle: None,
            native: None,
            demand: Demand::default(),
        };
        let mut request = self.fresh_request(&errand, &self.new_cookie());
        request.timeline.fail(SOMEONE_ELSE, 0);
        Ok(request.finish(Outcome::Failed(SOMEONE_ELSE), self.clock.now()))
    }

    /// Facebook says in a signed webhook that somebody came back with a code of ours, or took the link back.
    pub(super) async fn take_linked(&self, tenant: &Tenant, linked: &Linked) -> Result<Reading, StoreError> {
        match &linked.code {
            Some(code) => self.take_code(tenant, linked, code).await,
            None => self.take_unlinked(tenant, linked).await,
        }
    }

    async fn take_code(
        &self,
        tenant: &Tenant,
        linked: &Linked,
        code: &Secret,
    ) -> Result<Reading, StoreError> {
        let store = self.store.at(&tenant.id);
        let Some(key) = store.open_text(LINKING, code.expose()) else {
            return Ok(ignored(tenant, "no code of ours"));
        };
        let Some(request) = store.request(&key).await? else { return Ok(ignored(tenant, "forgotten")) };
        let Phase::Provisional(waits) = request.value.phase_at(self.clock.now()) else {
            return Ok(ignored(tenant, "nothing waits"));
        };
        if request.value.native.is_none() {
            return Ok(ignored(tenant, "another browser signed in"));
        }
        let Some(link) = store.link(&request.value.link).await? else {
            return Ok(ignored(tenant, "forgotten"));
        };
        if link.value.conversation.handle.as_ref() != Some(&linked.sender) {
            self.refuse_native(tenant, &key, SOMEONE_ELSE).await?;
            return Ok(Reading::Nothing);
        }
        // Where Facebook says no time, it happened when it was heard.
        let vouched_at = Some(linked.at.unwrap_or_else(|| self.clock.now()));
        let reading = self.complete_native(tenant, &request, &link.value, (&waits, vouched_at)).await?;
        if let Reading::Confirmed(_) = &reading {
            self.keep_handle(tenant, &link.value).await?;
        }
        Ok(reading)
    }

    /// The customer may take it back as long as somebody is verified, for a day at most: the address leads to the link
    /// until then, if no newer one was sent there.
    async fn keep_handle(&self, tenant: &Tenant, link: &Link) -> Result<(), StoreError> {
        let store = self.store.at(&tenant.id);
        let Some(handle) = &link.conversation.handle else { return Ok(()) };
        let sent = store.link_sent_to(link.conversation.channel, handle).await?;
        let Some(sent) = sent.filter(|sent| sent.link.id == link.id) else { return Ok(()) };
        let mut tx = Tx::new();
        tx.keep_handle(&sent, self.clock.now() + tenant.binding.lasts.min(HEARD));
        match store.commit(tx, Durability::Relaxed).await {
            // A newer one was sent there meanwhile.
            Err(StoreError::Conflict) => Ok(()),
            done => done,
        }
    }

    /// The customer took the link back in Messenger: nobody is verified there any more, and neither is anybody by a sign-in
    /// from before that Facebook has yet to tell of. Webhooks overtake each other, so that the times count which they name
    /// and not their order: one of before the present proof takes nothing back.
    async fn take_unlinked(&self, tenant: &Tenant, linked: &Linked) -> Result<Reading, StoreError> {
        let (store, now) = (self.store.at(&tenant.id), self.clock.now());
        let at = linked.at.unwrap_or(now);
        for _ in 0..RACES {
            let Some(sent) = store.link_sent_to(Channel::Messenger, &linked.sender).await? else {
                return Ok(Reading::Nothing);
            };
            let link = sent.link;
            let mut tx = Tx::new();
            let known = store.conversation(&link.value.conversation.id).await?;
            if let Some(known) = known.filter(|known| takes_back(known, &linked.sender, at)) {
                let mut ended = known.value.clone();
                self.drop_tokens(&mut tx, &tenant.id, &known.value).await?;
                self.unverify(&mut tx, &tenant.id, &mut ended, "customer");
                tx.put_conversation(Some(&known), &ended);
            }
            let runs = !link.value.status_at(now).is_final();
            if runs && link.value.taken_back_at.is_none_or(|before| before < at) {
                tx.update_link(&link, &link.value.clone().take_back(at));
            }
            if tx.is_empty() {
                return Ok(Reading::Nothing);
            }
            match store.commit(tx, Durability::Durable).await {
                Err(StoreError::Conflict) => {}
                done => return done.map(|()| Reading::Nothing),
            }
        }
        Err(StoreError::Conflict)
    }
}

/// The page and the customer, if Meta can say who pressed the button of this link.
fn vouched<'a>(tenant: &'a Tenant, link: &'a Link) -> Option<(&'a MetaAccount, &'a Handle)> {
    let account = tenant.accounts.messenger.as_ref().filter(|page| page.access_token.is_some())?;
    let at = &link.conversation;
    let handle = at.handle.as_ref().filter(|_| at.channel == Channel::Messenger)?;
    Some((account, handle))
}

/// Whether a conversation is still with this customer of Messenger, and somebody was verified there before the link was
/// taken back.
fn takes_back(known: &Conversation, customer: &Handle, at: Timestamp) -> bool {
    let is_same = known.at.channel == Channel::Messenger && known.at.handle.as_ref() == Some(customer);
    let verified = known.verified.as_ref().filter(|_| is_same);
    verified.is_some_and(|verified| at >= verified.vouched_at.unwrap_or(verified.since))
}

fn ignored(tenant: &Tenant, why: &str) -> Reading {
    tracing::warn!(tenant = %tenant.id, channel = "messenger", detail = why, "inbound.ignored");
    Reading::Nothing
}
