//! The signed tokens: the id_token of a login of OpenID Connect, and an access token that says who
//! it is for (SECURITY 15).

use std::sync::Arc;
use std::time::Duration;

use crate::domain::fault::{Fault, Step};
use crate::domain::provider::Identity;
use crate::flow::Broker;
use crate::oauth::id_token::fault::TokenFault;
use crate::oauth::id_token::{
    ExpectedAccessToken, ExpectedIdToken, ExpectedWhoami, Keys, Moment, Verified, verify_access_token,
    verify_id_token, verify_whoami,
};
use crate::oauth::issuer::Issuer;
use crate::oauth::jwk::KeySet;
use crate::oauth::response::Grant;
use crate::oauth::token::TokenResponse;

use super::{Visit, Vouched};

impl Broker {
    /// Verifies the tokens that this login must have.
    pub(super) async fn check_tokens(
        &self,
        visit: &mut Visit<'_>,
        grant: &Grant,
        token: &TokenResponse,
    ) -> Result<Vouched, Fault> {
        let mut vouched = Vouched { id_token: None, access_token: None };
        if visit.provider.is_openid() {
            visit.course.begin(Step::IdToken);
            vouched.id_token = Some(self.check_id_token(visit, grant, token).await?);
        }
        if visit.provider.identity == Identity::AccessToken {
            visit.course.begin(Step::IdToken);
            let expected =
                ExpectedAccessToken { issuer: visit.issuer()?, audience: None, moment: self.moment(visit) };
            let verify = |keys: &Keys<'_>| verify_access_token(token.access_token.expose(), keys, &expected);
            vouched.access_token = Some(self.verify_with_keys(visit, Step::IdToken, verify).await?);
        }
        Ok(vouched)
    }

    async fn check_id_token(
        &self,
        visit: &mut Visit<'_>,
        grant: &Grant,
        token: &TokenResponse,
    ) -> Result<Verified, Fault> {
        let provider = visit.provider;
        let id_token = token.id_token.as_ref().ok_or_else(|| visit.disbelieve(TokenFault::Missing))?;
        let expected = ExpectedIdToken {
            issuer: visit.issuer()?,
            client_id: &provider.client_id,
            nonce: grant.nonce(),
            access_token: Some(&token.access_token),
            code: Some(grant.code()),
            max_age: self.oldest(visit),
            acr_values: &provider.oidc.acr_values,
            moment: self.moment(visit),
        };
        let verify = |keys: &Keys<'_>| verify_id_token(id_token.expose(), keys, &expected);
        self.verify_with_keys(visit, Step::IdToken, verify).await
    }

    /// How long ago the customer may have signed in, as the settings and the app want it. What an app asks for counts from
    /// when it asked: the customer may take time over the provider's pages.
    fn oldest(&self, visit: &Visit<'_>) -> Option<Duration> {
        let seconds = |seconds: u32| Duration::from_secs(seconds.into());
        let set = visit.provider.oidc.max_age.map(seconds);
        let asked = visit.asked.and_then(|(demand, at)| {
            let since = Duration::try_from(self.clock.now().duration_since(at)).unwrap_or_default();
            // A token tells whole seconds: the one in which it was asked counts.
            Some(seconds(demand.oldest()?) + since + Duration::from_secs(1))
        });
        set.into_iter().chain(asked).min()
    }

    /// Verifies a signed WhoAmI answer (OIDC Core, 5.3.2).
    pub(super) async fn check_signed_whoami(
        &self,
        visit: &mut Visit<'_>,
        answer: &str,
    ) -> Result<Verified, Fault> {
        let client_id = &visit.provider.client_id;
        let expected = ExpectedWhoami { issuer: visit.issuer()?, client_id, moment: self.moment(visit) };
        self.verify_with_keys(visit, Step::Whoami, |keys| verify_whoami(answer, keys, &expected)).await
    }

    /// Verifies with the keys at hand, and once more with fresh ones if the token names one that is not among them:
    /// a provider that changes its keys fails no login.
    async fn verify_with_keys(
        &self,
        visit: &mut Visit<'_>,
        step: Step,
        verify: impl Fn(&Keys<'_>) -> Result<Verified, TokenFault>,
    ) -> Result<Verified, Fault> {
        let server = visit.server;
        let algorithms =
            if step == Step::Whoami { &server.whoami_algorithms } else { &server.token_algorithms };
        let signs_alone = algorithms.iter().all(|algorithm| algorithm.is_symmetric());
        let set = if signs_alone { None } else { self.keys_of(visit, step).await? };
        // While our secret is being replaced, either may have signed.
        let secrets = [visit.provider.client_secret.as_ref(), visit.provider.previous_secret.as_ref()];
        let with = |set: Option<&KeySet>| {
            let [client_secret, previous] = secrets;
            match verify(&Keys { set, client_secret, algorithms }) {
                Err(TokenFault::Signature) if previous.is_some() => {
                    verify(&Keys { set, client_secret: previous, algorithms })
                }
                verified => verified,
            }
        };
        let mut verified = with(set.as_deref());
        if let (Err(fault), Some(known), Some(url)) = (&verified, &set, &server.jwks_url)
            && fault.wants_fresh_keys()
            && let Some(fresh) = self.documents.fresh_keys(&visit.tenant.id, url, known, visit.deadline).await
        {
            visit.course.note(["the provider's keys were fetched anew"]);
            verified = with(Some(&fresh));
        }
        let verified = verified.map_err(|fault| visit.disbelieve_at(step, fault))?;
        visit.course.note(verified.quirks.iter().map(|quirk| format!("{step}: {quirk}")));
        Ok(verified)
    }

    /// The issuer's keys, if it has any.
    async fn keys_of(&self, visit: &mut Visit<'_>, step: Step) -> Result<Option<Arc<KeySet>>, Fault> {
        let Some(url) = &visit.server.jwks_url else { return Ok(None) };
        let keys = self.documents.keys(&visit.tenant.id, url, visit.deadline).await;
        keys.map(Some).map_err(|fault| {
            visit.course.note([format!("keys: {fault}")]);
            fault.at(step)
        })
    }

    fn moment(&self, visit: &Visit<'_>) -> Moment {
        let skew = Duration::from_secs(visit.provider.oidc.clock_skew.into());
        Moment { now: self.clock.now(), skew }
    }
}

impl<'a> Visit<'a> {
    fn issuer(&mut self) -> Result<&'a Issuer, Fault> {
        let server = self.server;
        server.issuer.as_ref().ok_or_else(|| self.disbelieve(TokenFault::Issuer))
    }

    fn disbelieve(&mut self, fault: TokenFault) -> Fault {
        self.disbelieve_at(Step::IdToken, fault)
    }

    pub(super) fn disbelieve_at(&mut self, step: Step, fault: TokenFault) -> Fault {
        self.course.note([format!("{step}: {fault}")]);
        self.course.disbelieved(fault);
        fault.at(step)
    }
}
