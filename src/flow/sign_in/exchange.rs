//! The token call (RFC 6749, 4.1.3), and a second exchange where the settings want one.

use serde_json::Value;

use crate::domain::fault::{Code, Fault, Step};
use crate::domain::provider::Ours;
use crate::egress::error::EgressError;
use crate::flow::Broker;
use crate::oauth::response::Grant;
use crate::oauth::token::{
    Find, Reading, TokenResponse, build_exchange_request, build_token_request, parse_token_response,
};
use crate::profile::Expression;

use super::Visit;

impl Broker {
    /// Exchanges the grant. Where our secret is being replaced, the previous one has a try, too.
    pub(super) async fn exchange(
        &self,
        visit: &mut Visit<'_>,
        grant: &Grant,
    ) -> Result<TokenResponse, Fault> {
        visit.course.begin(Step::Exchange);
        let provider = visit.provider;
        let mut redeemed = self.redeem_with(visit, grant, provider.ours()).await;
        if let (Err(Fault { code: Code::InvalidClient, .. }), Some(previous)) =
            (&redeemed, provider.ours_before())
        {
            visit.course.note(["the provider refused the secret or the key; the previous one was tried"]);
            // If that fails, too, the first refusal is the one to mend.
            if let Ok(token) = self.redeem_with(visit, grant, previous).await {
                visit.secret = previous.secret;
                redeemed = Ok(token);
            }
        }
        let token = redeemed?;
        visit.course.note(token.quirks.iter().map(|quirk| format!("token response: {quirk}")));
        if !token.quirks.is_empty() {
            let tenant = &visit.tenant.id;
            tracing::info!(%tenant, provider = %provider.id, quirks = ?token.quirks, "provider.quirks");
        }
        Ok(token)
    }

    async fn redeem_with(
        &self,
        visit: &mut Visit<'_>,
        grant: &Grant,
        ours: Ours<'_>,
    ) -> Result<TokenResponse, Fault> {
        let (provider, server) = (visit.provider, visit.server);
        let credentials = self.credentials(provider, server, ours)?;
        let request = build_token_request(provider, server, grant, &credentials);
        let answer = visit.send(Step::Exchange, &request, EgressError::at_token).await?;
        let find =
            |body: &Value| Expression::parse(provider.token_path.as_deref()?).ok()?.evaluate(body).ok();
        let find = provider.token_path.is_some().then_some(&find as &Find<'_>);
        parse_token_response(&answer, Reading::of(provider, find))
    }

    /// The second exchange. Its token takes the place of the first; everything else stays.
    pub(super) async fn exchange_again(
        &self,
        visit: &mut Visit<'_>,
        mut token: TokenResponse,
    ) -> Result<TokenResponse, Fault> {
        let Some(exchange) = &visit.provider.exchange else { return Ok(token) };
        let request = build_exchange_request(visit.provider, exchange, &token.access_token, visit.secret);
        let answer = visit.send(Step::Exchange, &request, EgressError::at_token).await?;
        let second =
            parse_token_response(&answer, Reading { find: None, any_type: true }).inspect_err(|_| {
                visit.course.note(["the second exchange failed"]);
            })?;
        token.access_token = second.access_token;
        token.expires_in = second.expires_in;
        Ok(token)
    }
}
