//! What an authentication message of Apple's asks for, and what a tenant's messages can do.

use crate::channel::apple::response_key::{ResponseKey, SCALAR};
use crate::channel::apple::{self, RequestIdentifier, Way};
use crate::channel::{self, AppleAccount, AppleFlow, Capabilities, Carrier, Means, Template};
use crate::clock::Clock;
use crate::domain::ask::{Ask, AskStage, AskWay};
use crate::domain::conversation::{Channel, ConversationRef};
use crate::domain::link::Link;
use crate::domain::provider::Provider;
use crate::domain::request::Route;
use crate::domain::tenant::Tenant;
use crate::flow::Broker;
use crate::secret::Secret;
use crate::store::StoreError;

/// What a tenant's messages can do in a conversation. A link that was made for one of Apple's routes takes that flow,
/// and one that was made for the ordinary route none.
pub(in crate::flow) fn means_of<'a>(
    tenant: &'a Tenant,
    at: &ConversationRef,
    route: Option<Route>,
) -> Means<'a> {
    let flow = |usual| match route {
        Some(Route::Abc) => AppleFlow::Older,
        Some(Route::AbcAuth2) => AppleFlow::Newer,
        Some(Route::EndUser) | None => usual,
    };
    let apple = tenant.accounts.apple.as_ref().map(|account| AppleAccount {
        business_id: &account.business_id,
        flow: flow(account.flow),
        signs_in: route != Some(Route::EndUser) && at.handle.is_some(),
    });
    let template = tenant.accounts.whatsapp.as_ref().and_then(|account| account.template.as_ref());
    let template = template.map(|(name, language)| Template { name, language });
    // Whoever presses the button is compared with the conversation's address.
    Means { apple, template, account_linking: tenant.accounts.links_accounts() && at.handle.is_some() }
}

/// Whether the channel will vouch for the person of this conversation.
pub(in crate::flow) fn can_vouch(
    tenant: &Tenant,
    at: &ConversationRef,
    route: Option<Route>,
    capabilities: &[String],
) -> bool {
    let means = means_of(tenant, at, route);
    let carrier = channel::choose(at.channel, Capabilities::new(capabilities), &means).carrier;
    matches!(carrier, Carrier::AuthenticateV1 | Carrier::AuthenticateV2 | Carrier::AccountLink)
}

impl Broker {
    /// What the message of a new link asks the phone for; none if it is no authentication message.
    pub(in crate::flow) fn prepare_ask(
        &self,
        tenant: &Tenant,
        provider: &Provider,
        link: &Link,
        route: Option<Route>,
    ) -> Option<Ask> {
        let at = &link.conversation;
        if at.channel != Channel::Apple {
            return None;
        }
        let means = means_of(tenant, at, route);
        match channel::choose(at.channel, Capabilities::new(&link.capabilities), &means).carrier {
            Carrier::AuthenticateV2 => Some(self.new_ask(tenant, provider, link, false)),
            Carrier::AuthenticateV1 => Some(self.new_ask(tenant, provider, link, true)),
            _ => None,
        }
    }

    /// A fresh ask of the same flow, for a message that is sent again.
    pub(in crate::flow) async fn prepare_ask_again(
        &self,
        tenant: &Tenant,
        provider: &Provider,
        link: &Link,
    ) -> Result<Option<Ask>, StoreError> {
        let before = self.ask_of(tenant, link).await?.filter(|_| tenant.accounts.apple.is_some());
        Ok(before.map(|before| {
            let fresh = self.new_ask(tenant, provider, link, before.is_older());
            Ask { first: before.first.or(Some(before.request)), ..fresh }
        }))
    }

    /// The ask of the message that a link was made with.
    pub(in crate::flow) async fn first_ask_of(
        &self,
        tenant: &Tenant,
        link: &Link,
    ) -> Result<Option<Ask>, StoreError> {
        let newest = self.ask_of(tenant, link).await?;
        let Some(first) = newest.as_ref().and_then(|newest| newest.first.as_deref()) else {
            return Ok(newest);
        };
        Ok(self.store.at(&tenant.id).ask(first).await?.map(crate::store::Stored::into_value))
    }

    /// The ask of a link's newest message.
    pub(in crate::flow) async fn ask_of(
        &self,
        tenant: &Tenant,
        link: &Link,
    ) -> Result<Option<Ask>, StoreError> {
        let Some(request) = &link.ask else { return Ok(None) };
        Ok(self.store.at(&tenant.id).ask(request).await?.map(crate::store::Stored::into_value))
    }

    fn new_ask(&self, tenant: &Tenant, provider: &Provider, link: &Link, is_older: bool) -> Ask {
        let request = self.clock.fresh_uuid().to_string();
        let state = Secret::new(format!("{request}.{}", self.clock.fresh_token().expose()));
        let way = if is_older {
            AskWay::Older { key: fresh_key(&self.clock).to_secret() }
        } else {
            let redirect_uri =
                Route::AbcAuth2.redirect_uri(&tenant.origin, &provider.id, provider.callback_path);
            AskWay::Newer { redirect_uri }
        };
        let (link, created_at) = (link.id.clone(), self.clock.now());
        Ask { request, link, state, way, first: None, created_at, stage: AskStage::Sent }
    }
}

/// An ask as the message's renderer takes it: what is borrowed there, owned.
pub(in crate::flow) struct Asking {
    request: RequestIdentifier,
    public_key: Option<String>,
    scope: Vec<String>,
}

impl Asking {
    /// From what is stored. The scope is what the provider wants, of which our page takes no notice.
    pub(in crate::flow) fn of(ask: &Ask, provider: Option<&Provider>) -> Option<Self> {
        let request = RequestIdentifier::parse(&ask.request).ok()?;
        let public_key = match &ask.way {
            AskWay::Older { key } => Some(ResponseKey::parse(key).ok()?.public_key()),
            AskWay::Newer { .. } => None,
        };
        let scope = provider.and_then(|provider| provider.scope.as_deref()).unwrap_or_default();
        let scope = scope.split_whitespace().map(str::to_owned).collect();
        Some(Self { request, public_key, scope })
    }

    /// What the renderer takes.
    pub(in crate::flow) fn ask<'a>(&'a self, ask: &'a Ask, version: Option<&'a str>) -> apple::Ask<'a> {
        let way = match (&ask.way, &self.public_key) {
            (AskWay::Newer { redirect_uri }, _) => Way::Newer { redirect_uri },
            (AskWay::Older { .. }, key) => Way::Older { public_key: key.as_deref().unwrap_or_default() },
        };
        // The version that the tenant sets is that of the newer flow: the older one has only one.
        let version = version.filter(|_| !ask.is_older());
        apple::Ask { request: &self.request, state: &ask.state, scope: &self.scope, version, way }
    }
}

fn fresh_key(clock: &Clock) -> ResponseKey {
    loop {
        let mut bytes = [0; SCALAR];
        clock.fill(&mut bytes);
        if let Some(key) = ResponseKey::from_random(bytes) {
            return key;
        }
    }
}
