//! Meta opens our page by its *Log In* button (Messenger's account linking). Who pressed it is asked before anybody is
//! sent to the provider: a button that was forwarded ends here.

use crate::channel::linking::{Linked, Opened, parse_opened, parse_opener};
use crate::domain::accounts::MetaAccount;
use crate::domain::ask::Native;
use crate::domain::conversation::{Channel, Handle};
use crate::domain::event::EventType;
use crate::domain::fault::{Code, Fault, Step};
use crate::domain::link::{Link, NotOpened, Opening};
use crate::domain::request::{AuthorizationRequest, Outcome, Phase};
use crate::domain::tenant::Tenant;
use crate::egress::channel::ChannelCall;
use crate::flow::inbound::Reading;
use crate::flow::open_link::{LoginCookie, OpenLinkError, OpenedLink};
use crate::flow::set_out::{Errand, Underway};
use crate::flow::{Broker, RACES};
use crate::secret::Secret;
use crate::store::{Durability, StoreError, Stored, Tx};

use super::back::LINKING;
use super::settle::SettleError;

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
        let native = Native::Linking { back: opened.build_failed().to_string() };
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
        };
        let Underway { mut request, .. } = self.set_out(&errand).await.map_err(|late| late.of(link))?;
        request.timeline.fail(SOMEONE_ELSE, 0);
        Ok(request.finish(Outcome::Failed(SOMEONE_ELSE), self.clock.now()))
    }

    /// Facebook says in a signed webhook that somebody came back with a code of ours, or took the link back.
    pub(super) async fn take_linked(&self, tenant: &Tenant, linked: &Linked) -> Result<Reading, SettleError> {
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
    ) -> Result<Reading, SettleError> {
        let store = self.store.at(&tenant.id);
        let Some(key) = store.open_text(LINKING, code.expose()) else {
            return Ok(ignored(tenant, "no code of ours"));
        };
        let Some(request) = store.request(&key).await? else { return Ok(ignored(tenant, "forgotten")) };
        let Phase::Provisional(waits) = request.value.phase_at(self.clock.now()) else {
            return Ok(ignored(tenant, "nothing waits"));
        };
        let Some(link) = store.link(&request.value.link).await? else {
            return Ok(ignored(tenant, "forgotten"));
        };
        if link.value.conversation.handle.as_ref() != Some(&linked.sender) {
            self.refuse_native(tenant, &key, SOMEONE_ELSE).await?;
            return Ok(Reading::Nothing);
        }
        self.complete_native(tenant, &request, &link.value, &waits).await.map(Reading::Confirmed)
    }

    /// The customer took the link back in Messenger: nobody is verified there any more.
    async fn take_unlinked(&self, tenant: &Tenant, linked: &Linked) -> Result<Reading, SettleError> {
        let store = self.store.at(&tenant.id);
        let Some(link) = store.link_sent_to(Channel::Messenger, &linked.sender).await? else {
            return Ok(Reading::Nothing);
        };
        for _ in 0..RACES {
            let Some(known) = store.conversation(&link.value.conversation.id).await? else { break };
            if !is_of(&known, &linked.sender) {
                break;
            }
            let (mut tx, mut ended) = (Tx::new(), known.value.clone());
            self.drop_tokens(&mut tx, &tenant.id, &known.value).await?;
            self.unverify(&mut tx, &tenant.id, &mut ended, "customer");
            tx.put_conversation(Some(&known), &ended);
            match store.commit(tx, Durability::Durable).await {
                Err(StoreError::Conflict) => {}
                done => return Ok(done.map(|()| Reading::Nothing)?),
            }
        }
        Ok(Reading::Nothing)
    }
}

/// The page and the customer, if Meta can say who pressed the button of this link.
fn vouched<'a>(tenant: &'a Tenant, link: &'a Link) -> Option<(&'a MetaAccount, &'a Handle)> {
    let account = tenant.accounts.messenger.as_ref().filter(|page| page.access_token.is_some())?;
    let at = &link.conversation;
    let handle = at.handle.as_ref().filter(|_| at.channel == Channel::Messenger)?;
    Some((account, handle))
}

/// Whether a conversation is still with this customer of Messenger, and somebody is verified there.
fn is_of(known: &Stored<crate::domain::conversation::Conversation>, customer: &Handle) -> bool {
    let at = &known.value.at;
    let same = at.channel == Channel::Messenger && at.handle.as_ref() == Some(customer);
    same && known.value.verified.is_some()
}

fn ignored(tenant: &Tenant, why: &str) -> Reading {
    tracing::warn!(tenant = %tenant.id, channel = "messenger", detail = why, "inbound.ignored");
    Reading::Nothing
}
