//! Apple's phone opens our authorize URL in a sheet over the chat (DESIGN §5.3): the one GET that begins a
//! sign-in. It needs the message's unused state, and repeats what the message said.

use std::sync::Arc;

use url::Url;

use crate::channel::apple::relay::{
    APPLES_REDIRECT_URI, Opening, RelayFault, Sent, build_back_failed, parse_opening,
};
use crate::channel::apple::response_key::ResponseKey;
use crate::channel::apple::sheet;
use crate::domain::accounts::AppleProof;
use crate::domain::ask::{Ask, AskStage, AskWay, Native};
use crate::domain::ids::AttemptId;
use crate::domain::link::{Link, LinkStatus};
use crate::domain::request::Route;
use crate::domain::tenant::Tenant;
use crate::flow::open_link::{Landing, LoginCookie, OpenLinkError};
use crate::flow::set_out::Underway;
use crate::flow::{Broker, RACES};
use crate::secret::Secret;
use crate::store::{Durability, StoreError, Stored};

use super::{Away, SheetEnded};

/// How many numbers a sheet may be told: those of 31 bits, which every phone can carry.
const NUMBERS: u32 = 0x7fff_ffff;

/// A sign-in that began in a sheet.
#[derive(Debug)]
pub struct OpenedSheet {
    /// Where the sheet goes.
    pub authorize_url: Url,
    /// What it must bring back.
    pub cookie: LoginCookie,
    /// Whether the provider answers by a POST from its own site.
    pub cross_site: bool,
    /// The attempt, for the log.
    pub attempt: AttemptId,
}

/// Why no sign-in began.
#[derive(Debug, thiserror::Error)]
pub enum OpenSheetError {
    /// It is not what a phone opens, or of a message that nobody sent: the neutral page.
    #[error("refused: {0}")]
    Refused(&'static str),
    /// The message is ours, and cannot be used: the sheet is closed, and nothing else happens.
    #[error("the sheet is sent away: {why}")]
    Away {
        /// Where to.
        away: Away,
        /// Why, for the log.
        why: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Broker {
    /// Begins the sign-in of an authentication message. Nothing that was not sent begins one, and none begins twice.
    pub async fn open_sheet(&self, tenant: &Tenant, query: &str) -> Result<OpenedSheet, OpenSheetError> {
        let (ask, proof) = self.asked(tenant, query).await?;
        let opened = self.open_asked(tenant, ask.clone(), proof).await;
        opened.map_err(|error| not_opened(error, &ask))
    }

    /// What whoever comes upon the address of a sign-in is shown before anything begins: a robot that makes a preview
    /// spends no message.
    pub async fn look_at_sheet(&self, tenant: &Tenant, query: &str) -> Result<Landing, OpenSheetError> {
        let (ask, _) = self.asked(tenant, query).await?;
        let looked = async {
            let link = self.openable(tenant, &ask).await?.into_value();
            let provider = tenant.provider(Some(&link.provider)).ok_or(OpenLinkError::ProviderGone)?;
            // Nobody but a robot looks, which is told nothing of the chat or of what will be shared.
            let (provider, shares) = (Arc::clone(provider), Vec::new());
            Ok::<_, OpenLinkError>(Landing { link, provider, shares })
        };
        looked.await.map_err(|error| not_opened(error, &ask))
    }

    /// The message that an address repeats to the letter, and what its reply must bring.
    async fn asked(&self, tenant: &Tenant, query: &str) -> Result<(Ask, AppleProof), OpenSheetError> {
        let account = tenant.accounts.apple.as_ref();
        let account = account.ok_or(OpenSheetError::Refused("the tenant has no account at Apple"))?;
        let opening = parse_opening(query).map_err(|_| OpenSheetError::Refused("no opening of a phone"))?;
        let ask = self.ask_by_state(tenant, &opening).await?.into_value();
        verify(&opening, &ask, &account.client_id)
            .map_err(|_| OpenSheetError::Refused("not what the message says"))?;
        Ok((ask, account.proof))
    }

    /// The ask whose state it is, to the letter.
    async fn ask_by_state(&self, tenant: &Tenant, opening: &Opening) -> Result<Stored<Ask>, OpenSheetError> {
        let unknown = OpenSheetError::Refused("no message has this state");
        let Some(request) = Ask::request_of(opening.state.expose()) else { return Err(unknown) };
        let Ok(request) = crate::channel::apple::RequestIdentifier::parse(request) else {
            return Err(unknown);
        };
        let ask = self.store.at(&tenant.id).ask(request.as_str()).await?;
        ask.filter(|ask| ask.state.matches(opening.state.expose())).ok_or(unknown)
    }

    /// Makes the authorization request, and writes it down with the ask that it spends.
    async fn open_asked(
        &self,
        tenant: &Tenant,
        ask: Ask,
        proof: AppleProof,
    ) -> Result<OpenedSheet, OpenLinkError> {
        let link = self.openable(tenant, &ask).await?;
        let name = ask.request.clone();
        let (route, native) = if ask.is_older() {
            (Route::Abc, Native::Relay { ask: name, token: None })
        } else {
            // Nought is what a phone makes of a number that it cannot read.
            let number = (proof == AppleProof::Number).then(|| self.clock.below(NUMBERS) + 1);
            (Route::AbcAuth2, Native::Sheet { ask: name, number })
        };
        let underway = self.set_out_from(tenant, &link.value, (route, Some(native))).await?;
        self.spend_ask(tenant, &ask.request, &underway).await?;
        let Underway { request, cookie, authorize_url, cross_site } = underway;
        Ok(OpenedSheet { authorize_url, cookie, cross_site, attempt: request.id })
    }

    /// The link of a message that nobody has used yet.
    async fn openable(&self, tenant: &Tenant, ask: &Ask) -> Result<Stored<Link>, OpenLinkError> {
        if ask.stage != AskStage::Sent {
            return Err(OpenLinkError::TooMany);
        }
        let link = self.store.at(&tenant.id).link(&ask.link).await?.ok_or(OpenLinkError::Unknown)?;
        if self.clock.now() >= link.value.expires_at {
            return Err(OpenLinkError::Gone(LinkStatus::Expired));
        }
        self.check_openable(&link.value)?;
        Ok(link)
    }

    /// Writes request, link and ask in one batch: of two sheets of one message only one begins a sign-in.
    async fn spend_ask(
        &self,
        tenant: &Tenant,
        request: &str,
        underway: &Underway,
    ) -> Result<(), OpenLinkError> {
        let store = self.store.at(&tenant.id);
        for _ in 0..RACES {
            let ask = store.ask(request).await?.ok_or(OpenLinkError::Unknown)?;
            let link = self.openable(tenant, &ask.value).await?;
            let spent = ask.value.clone().open(underway.request.key.clone());
            let spent = spent.map_err(|_| OpenLinkError::TooMany)?;
            let (mut tx, _) = self.opening(tenant, &link, &underway.request, &[]).await?;
            tx.put_ask(Some(&ask), &spent);
            match store.commit(tx, Durability::Relaxed).await {
                Err(StoreError::Conflict) => {}
                done => return Ok(done?),
            }
        }
        Err(StoreError::Conflict.into())
    }
}

/// Whether an opening repeats its message.
fn verify(opening: &Opening, ask: &Ask, client_id: &str) -> Result<(), RelayFault> {
    let public_key = match &ask.way {
        AskWay::Older { key } => {
            let key = ResponseKey::parse(key).map_err(|_| RelayFault::Foreign("response_encryption_key"))?;
            Some(key.public_key())
        }
        AskWay::Newer { .. } => None,
    };
    let redirect_uri = match &ask.way {
        AskWay::Newer { redirect_uri } => redirect_uri,
        AskWay::Older { .. } => APPLES_REDIRECT_URI,
    };
    let sent = Sent { client_id, state: &ask.state, redirect_uri, response_key: public_key.as_deref() };
    opening.verify(&sent)
}

/// What is said of a message that opens nothing. A store that fails is no fault of the message.
fn not_opened(error: OpenLinkError, ask: &Ask) -> OpenSheetError {
    match error {
        OpenLinkError::Store(error @ (StoreError::Unavailable(_) | StoreError::Unknown)) => error.into(),
        error => OpenSheetError::Away { away: failed(ask), why: error.to_string() },
    }
}

/// Where a sheet goes whose sign-in did not begin.
fn failed(ask: &Ask) -> Away {
    let ended = SheetEnded::Failure;
    let location = match &ask.way {
        AskWay::Newer { .. } => sheet::build(ended, None),
        AskWay::Older { .. } => build_back_failed("server_error", &ask.state),
    };
    let (provider, reference) = (String::new(), String::new());
    Away { location: Secret::new(location), ended, provider, reference, refused: None }
}
