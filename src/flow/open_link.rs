//! The customer opens a link (DESIGN §5.2): looking is harmless, *Continue* starts a sign-in.

use std::sync::Arc;
use std::time::Duration;

use url::Url;

use crate::domain::app::Demand;
use crate::domain::ask::Native;
use crate::domain::binding::Binding;
use crate::domain::conversation::Handle;
use crate::domain::event::EventType;
use crate::domain::ids::{AttemptId, LinkId, ProviderId};
use crate::domain::link::{Link, LinkStatus, NotOpened, Opening};
use crate::domain::profile::ProfileField;
use crate::domain::provider::{Identity, Provider};
use crate::domain::request::{AuthorizationRequest, Phase, Route};
use crate::domain::tenant::Tenant;
use crate::secret::Secret;
use crate::store::{Durability, StoreError, Stored, Tx};

use super::health::OutOfOrder;
use super::links::CancelError;
use super::set_out::{Errand, Underway};
use super::{Broker, RACES};

/// How long a landing page waits for an issuer's metadata.
const GLANCE: Duration = Duration::from_millis(300);
/// How many logins one browser may have under way.
const COOKIES: usize = 8;

/// A cookie of a login, as the browser sent it.
#[derive(Debug, Clone)]
pub struct LoginCookie {
    /// Its name, prefix included.
    pub name: String,
    /// Its value.
    pub value: Secret,
}

/// What the landing page tells.
#[derive(Debug)]
pub struct Landing {
    /// The link as it is now.
    pub link: Link,
    /// Where the customer will sign in.
    pub provider: Arc<Provider>,
    /// Which fields the tenant may learn, by their names in a profile.
    pub shares: Vec<String>,
}

/// A sign-in that began.
#[derive(Debug)]
pub struct OpenedLink {
    /// Where the browser goes.
    pub authorize_url: Url,
    /// What the browser must bring back.
    pub cookie: LoginCookie,
    /// Whether the provider answers by a POST from its own site, so that the cookie must follow it.
    pub cross_site: bool,
    /// Older cookies that the browser should forget.
    pub forget: Vec<String>,
    /// The attempt, for the log.
    pub attempt: AttemptId,
    /// Which link it is, for the log.
    pub link: LinkId,
    /// Where the browser goes, for the log.
    pub provider: ProviderId,
}

/// Why a link cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenLinkError {
    /// No link has this token.
    #[error("no link has this token")]
    Unknown,
    /// The link is final.
    #[error("the link is {0}")]
    Gone(LinkStatus),
    /// The link was opened so often that it takes no further opening.
    #[error("the link was opened too many times")]
    TooMany,
    /// The business wants the channel itself to vouch for the person, who must begin in the chat.
    #[error("the link is good for a sign-in that begins in the chat only")]
    OnlyInChat,
    /// The provider was taken out of the tenant's settings.
    #[error("the link's provider is no longer configured")]
    ProviderGone,
    /// The provider fails for everybody: the customer is not sent there.
    #[error(transparent)]
    OutOfOrder(#[from] OutOfOrder),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<CancelError> for OpenLinkError {
    fn from(error: CancelError) -> Self {
        match error {
            CancelError::Unknown => Self::Unknown,
            CancelError::Final(status) => Self::Gone(status),
            CancelError::Store(error) => Self::Store(error),
        }
    }
}

impl From<NotOpened> for OpenLinkError {
    fn from(error: NotOpened) -> Self {
        match error {
            NotOpened::Final(over) => Self::Gone(over.0),
            NotOpened::TooOften => Self::TooMany,
        }
    }
}

impl Broker {
    /// What the landing page tells. Changes nothing, however often and by whomever it is called.
    pub async fn look_at_link(&self, tenant: &Tenant, token: &str) -> Result<Landing, OpenLinkError> {
        let landing = self.look_at_live_link(tenant, token).await?;
        // A sign-in that began in time goes on, but no other one begins.
        if self.clock.now() >= landing.link.expires_at {
            return Err(OpenLinkError::Gone(LinkStatus::Expired));
        }
        Ok(landing)
    }

    /// What the page tells that asks once more before a link is declined. A running sign-in can be
    /// declined after the link's own time, too.
    pub async fn look_at_live_link(&self, tenant: &Tenant, token: &str) -> Result<Landing, OpenLinkError> {
        let link = self.find_link(tenant, token).await?.into_value().as_of(self.clock.now());
        if link.status().is_final() {
            return Err(OpenLinkError::Gone(link.status()));
        }
        let provider = tenant.provider(Some(&link.provider)).ok_or(OpenLinkError::ProviderGone)?;
        let shares = self.shares(tenant, provider);
        Ok(Landing { provider: Arc::clone(provider), link, shares })
    }

    /// Where *Continue* leads, as far as it is known: looking must not wait for an issuer that hangs, so its own address
    /// stands in for the page that its metadata name.
    pub async fn address_of(&self, tenant: &Tenant, provider: &Provider) -> Option<Url> {
        if let Some(url) = &provider.authorize_url {
            return Some(url.clone());
        }
        let server = self.server_within(tenant, provider, GLANCE).await.ok();
        let known = server.map(|server| server.authorize_url);
        known.or_else(|| provider.oidc.issuer.as_ref()?.parse().ok())
    }

    /// Which fields a sign-in may tell the tenant: what its mapping writes out, whatever is then done with it. Where
    /// the provider's answer decides, that is everything, and what has no name of its own is called `other`.
    fn shares(&self, tenant: &Tenant, provider: &Provider) -> Vec<String> {
        let asks = provider.whoami.is_some()
            || provider.oidc.issuer.is_some()
            || provider.identity != Identity::Whoami;
        if provider.mapping.is_none() && !asks && provider.further_whoami.is_empty() {
            return Vec::new();
        }
        let normaliser = self.normaliser(tenant, provider);
        let written = normaliser.as_ref().ok().and_then(|normaliser| normaliser.written_fields());
        written.map_or_else(
            || {
                ProfileField::ALL
                    .into_iter()
                    .map(ProfileField::as_str)
                    .chain(["other"])
                    .map(str::to_owned)
                    .collect()
            },
            |names| names.into_iter().map(str::to_owned).collect(),
        )
    }

    /// The customer pressed *Continue*: makes the link `opened` and a fresh authorization request. `passes` are what the
    /// browser holds if it came from a web chat.
    pub async fn open_link(
        &self,
        tenant: &Tenant,
        token: &str,
        cookies: &[LoginCookie],
        passes: &[LoginCookie],
    ) -> Result<OpenedLink, OpenLinkError> {
        let link = self.find_link(tenant, token).await?;
        if link.value.minimum == Binding::Native {
            return Err(OpenLinkError::OnlyInChat);
        }
        self.open_found(tenant, token, link, (cookies, passes), None).await
    }

    /// The same with a link that was found, and the browser's cookies and passes. If the channel vouches for the person,
    /// `native` says how.
    pub(super) async fn open_found(
        &self,
        tenant: &Tenant,
        token: &str,
        link: Stored<Link>,
        (cookies, passes): (&[LoginCookie], &[LoginCookie]),
        native: Option<Native>,
    ) -> Result<OpenedLink, OpenLinkError> {
        self.check_openable(&link.value)?;
        let underway = self.set_out_from(tenant, &link.value, (link.value.route, native)).await?;
        let Underway { mut request, cookie, authorize_url, cross_site } = underway;
        request.in_chat = self.holds_chat(tenant, &link.value, passes);
        self.keep(tenant, token, link, &request, cookies).await?;
        let (attempt, link, provider) = (request.id, request.link, request.provider);
        Ok(OpenedLink {
            authorize_url,
            cross_site,
            forget: surplus(cookies),
            attempt,
            link,
            provider,
            cookie,
        })
    }

    /// Makes the authorization request of a link that is opened, for its provider as that is now. Nothing is written down.
    pub(super) async fn set_out_from(
        &self,
        tenant: &Tenant,
        link: &Link,
        (route, native): (Route, Option<Native>),
    ) -> Result<Underway, OpenLinkError> {
        let provider = tenant.provider(Some(&link.provider)).ok_or(OpenLinkError::ProviderGone)?;
        self.check_provider(tenant, provider, link)?;
        let server = self.server(tenant, provider).await.map_err(|late| late.of(link))?;
        let errand = Errand {
            tenant,
            provider,
            server: &server,
            state: &self.clock.fresh_token(),
            link: link.id.clone(),
            route,
            locale: link.locale.as_deref(),
            handle: link.conversation.handle.as_ref().map(Handle::as_str),
            native,
            demand: Demand::default(),
        };
        self.set_out(&errand).await.map_err(|late| late.of(link).into())
    }

    /// Writes the opening down, over whatever else happens to the link meanwhile.
    async fn keep(
        &self,
        tenant: &Tenant,
        token: &str,
        mut link: Stored<Link>,
        request: &AuthorizationRequest,
        cookies: &[LoginCookie],
    ) -> Result<(), OpenLinkError> {
        for _ in 0..RACES {
            match self.keep_opening(tenant, &link, request, cookies).await {
                Err(OpenLinkError::Store(StoreError::Conflict)) => {
                    link = self.find_link(tenant, token).await?;
                }
                done => return done,
            }
        }
        Err(StoreError::Conflict.into())
    }

    /// A link that takes no opening says so before anybody is asked.
    pub(super) fn check_openable(&self, link: &Link) -> Result<(), OpenLinkError> {
        let nobody = Opening { cookie_name: String::new(), request: String::new() };
        Ok(link.clone().open(nobody, self.clock.now()).map(drop)?)
    }

    /// The customer said *This wasn't me*: the link is cancelled.
    pub async fn decline_link(&self, tenant: &Tenant, token: &str) -> Result<(), OpenLinkError> {
        for _ in 0..RACES {
            let link = self.find_link(tenant, token).await?;
            match self.cancel_stored(tenant, &link, true, "customer").await {
                Err(CancelError::Store(StoreError::Conflict)) => {}
                done => return Ok(done.map(drop)?),
            }
        }
        Err(StoreError::Conflict.into())
    }

    /// Nobody is sent to a provider that could not carry the login to its end. A link that is over says so instead.
    pub(super) fn check_provider(
        &self,
        tenant: &Tenant,
        provider: &Provider,
        link: &Link,
    ) -> Result<(), OpenLinkError> {
        let Err(why) = self.provider.check(&tenant.id, &provider.id) else { return Ok(()) };
        let status = link.clone().as_of(self.clock.now()).status();
        if status.is_final() {
            return Err(OpenLinkError::Gone(status));
        }
        Err(OutOfOrder { why, label: provider.label.clone(), locale: link.locale.clone() }.into())
    }

    pub(super) async fn find_link(
        &self,
        tenant: &Tenant,
        token: &str,
    ) -> Result<Stored<Link>, OpenLinkError> {
        self.store.at(&tenant.id).link_by_token(token).await?.ok_or(OpenLinkError::Unknown)
    }

    /// Writes request and link in one batch. A browser that opens the link again gives up its older opening.
    async fn keep_opening(
        &self,
        tenant: &Tenant,
        link: &Stored<Link>,
        request: &AuthorizationRequest,
        cookies: &[LoginCookie],
    ) -> Result<(), OpenLinkError> {
        let (tx, _) = self.opening(tenant, link, request, cookies).await?;
        Ok(self.store.at(&tenant.id).commit(tx, Durability::Relaxed).await?)
    }

    /// The batch of an opening, and the link as it then is.
    pub(super) async fn opening(
        &self,
        tenant: &Tenant,
        link: &Stored<Link>,
        request: &AuthorizationRequest,
        cookies: &[LoginCookie],
    ) -> Result<(Tx, Link), OpenLinkError> {
        let mut tx = Tx::new();
        for older in self.replaced_openings(tenant, &link.value, cookies).await? {
            tx.update_request(&older, &older.value.clone().give_up(self.clock.now()));
        }
        let settled = self.settle(&mut tx, &tenant.id, &link.value).await?;
        let opening = Opening { cookie_name: request.cookie_name.clone(), request: request.key.clone() };
        let news = settled.status() != LinkStatus::Opened;
        let opened = settled.open(opening, self.clock.now())?;
        tx.create_request(request);
        tx.update_link(link, &opened);
        if news && opened.status() == LinkStatus::Opened {
            self.announce_link(&mut tx, &tenant.id, EventType::Opened, &opened, "customer");
        }
        Ok((tx, opened))
    }

    /// Openings of this link that end with a new one: those that this browser began and did not finish,
    /// and the one that the link can no longer remember.
    pub(super) async fn replaced_openings(
        &self,
        tenant: &Tenant,
        link: &Link,
        cookies: &[LoginCookie],
    ) -> Result<Vec<Stored<AuthorizationRequest>>, StoreError> {
        let store = self.store.at(&tenant.id);
        let mut replaced = Vec::new();
        for opening in &link.openings {
            let cookie = cookies.iter().find(|cookie| cookie.name == opening.cookie_name);
            let is_crowded_out = link.crowded_out() == Some(opening);
            if cookie.is_none() && !is_crowded_out {
                continue;
            }
            let Some(request) = store.request(&opening.request).await? else { continue };
            let is_own = cookie.is_some_and(|cookie| {
                store.is_hash("cookie", cookie.value.expose(), &request.value.cookie_hash)
            });
            if (is_own || is_crowded_out) && matches!(request.value.phase, Phase::Started) {
                replaced.push(request);
            }
        }
        Ok(replaced)
    }

    /// A cookie with a name of its own, so that logins in two tabs do not disturb each other. Its
    /// first five digits count minutes: sorted by name, the oldest comes first.
    pub(super) fn new_cookie(&self) -> LoginCookie {
        let minutes = (self.clock.now().as_second() / 60) & 0xf_ffff;
        let prefix = cookie_prefix(self.settings.https);
        let name = format!("{prefix}{minutes:05x}{:03x}", self.clock.below(0x1000));
        LoginCookie { name, value: self.clock.fresh_token() }
    }
}

/// What the names of our login cookies begin with.
pub fn cookie_prefix(https: bool) -> &'static str {
    if https { "__Host-cs-" } else { "cs-" }
}

/// The oldest cookies beyond what a browser may hold, the new one counted.
fn surplus(cookies: &[LoginCookie]) -> Vec<String> {
    let mut names: Vec<_> = cookies.iter().map(|cookie| cookie.name.clone()).collect();
    names.sort_unstable();
    let surplus = (names.len() + 1).saturating_sub(COOKIES);
    names.truncate(surplus);
    names
}
