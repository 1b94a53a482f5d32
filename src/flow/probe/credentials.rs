//! The token endpoint and WhoAmI, asked with nonsense: a right refusal proves that everything but
//! the nonsense is right.

use jiff::Timestamp;

use crate::domain::fault::{Code, Fault};
use crate::domain::ids::{AttemptId, LinkId};
use crate::domain::provider::{ClientAuth, ResponseMode};
use crate::domain::request::{AuthorizationRequest, Phase, REQUEST_LIFETIME, Route};
use crate::domain::timeline::Timeline;
use crate::domain::trial::{Proposal, Stage, StageReport};
use crate::oauth::response::{Arrival, Grant, Verdict, parse_response};
use crate::oauth::server::Server;
use crate::oauth::shown::Shown;
use crate::oauth::token::{Reading, Terms, TokenResponse, build_token_request, parse_token_response};
use crate::oauth::whoami::build_whoami_request;
use crate::oauth::wire::ProviderAnswer;

use super::{Probe, Target};
use crate::flow::server::credentials;

/// Ways to authenticate that need no more than the secret, each with its name in the settings.
const WAYS: [(ClientAuth, &str); 3] = [
    (ClientAuth::ClientSecretBasic, "client_secret_basic"),
    (ClientAuth::ClientSecretPost, "client_secret_post"),
    (ClientAuth::None, "none"),
];

impl Probe {
    /// Exchanges a code that does not exist. `invalid_grant` proves that client id and secret are taken; where they
    /// are not, the other ways to send them are tried.
    pub async fn token(&self, target: &Target<'_>, server: &Server) -> (StageReport, Vec<Proposal>) {
        let (asked, ms) = self.timed(self.refused_grant(target, server)).await;
        let url = &server.token_url;
        let (fault, answer) = match asked {
            Ok(asked) => asked,
            Err(report) => return (report.taking(ms), Vec::new()),
        };
        let status = answer.status;
        let mut proposals = Vec::new();
        let report = match fault.map(|fault| fault.code) {
            Some(Code::InvalidGrant) => StageReport::ok(
                Stage::Token,
                "client id and secret are taken: only the made-up code is refused",
            ),
            Some(Code::InvalidClient) => {
                proposals = self.other_ways(target, server).await;
                let remedy = match proposals.first() {
                    Some(proposal) => format!("write `{}`: so the same secret is taken", proposal.toml),
                    None => {
                        "compare `client_id` with the provider's console, and enter the client's secret anew"
                            .to_owned()
                    }
                };
                let cause = format!("`{url}` does not take our client id or secret (status {status})");
                StageReport::failed(Stage::Token, Code::InvalidClient.as_str(), cause, remedy)
            }
            Some(code) if matches!(status, 404 | 405 | 410) || code == Code::TokenGarbage => {
                let cause = format!("`{url}` is no token endpoint (status {status})");
                StageReport::failed(Stage::Token, code.as_str(), cause, TOKEN_URL)
            }
            Some(code @ Code::TokenFailed) => {
                let cause = format!("`{url}` fails (status {status})");
                StageReport::failed(Stage::Token, code.as_str(), cause, "look into the provider's own log")
            }
            _ => StageReport::warning(
                Stage::Token,
                "unclear",
                format!(
                    "`{url}` answers a made-up code with status {status}, which says nothing of id and secret"
                ),
                "begin a test login, which tells",
            ),
        };
        (report.taking(ms), proposals)
    }

    /// Ways to send client id and secret that the provider takes.
    pub(in crate::flow) async fn other_ways(&self, target: &Target<'_>, server: &Server) -> Vec<Proposal> {
        let mut taken = Vec::new();
        for (auth, name) in WAYS.into_iter().filter(|(auth, _)| *auth != server.client_auth) {
            let other = Server { client_auth: auth, ..server.clone() };
            if let Ok((Some(Fault { code: Code::InvalidGrant, .. }), _)) =
                self.refused_grant(target, &other).await
            {
                taken.push(Proposal::text(
                    "client_auth",
                    name,
                    "sent so, the provider takes client id and secret",
                ));
            }
        }
        taken
    }

    /// Asks WhoAmI with a token that does not exist.
    pub async fn whoami(&self, target: &Target<'_>, server: &Server) -> StageReport {
        let Some(call) = &server.whoami else {
            return StageReport::skipped(Stage::Whoami, "no such call is made");
        };
        let token = TokenResponse {
            access_token: self.clock.fresh_token(),
            id_token: None,
            body: serde_json::Value::Null,
            expires_in: None,
            terms: Terms::default(),
            quirks: Vec::new(),
        };
        let Ok(request) =
            build_whoami_request(call, target.provider, &token, &std::collections::BTreeMap::new())
        else {
            return StageReport::skipped(Stage::Whoami, "its address stands in the token answer");
        };
        let at = call.url.as_str();
        let (asked, ms) = self.timed(self.client.send(&target.tenant.id, &request, target.deadline)).await;
        let report = match asked.map(|answer| answer.status) {
            Ok(401 | 403 | 400) => {
                StageReport::ok(Stage::Whoami, "a made-up token is refused, as it must be")
            }
            Ok(status @ (404 | 405 | 410)) => StageReport::failed(
                Stage::Whoami,
                "whoami_failed",
                format!("there is nothing at `{at}` (status {status})"),
                "correct `whoami_url`, or `whoami_method` if it wants a POST",
            ),
            Ok(status @ 500..) => StageReport::failed(
                Stage::Whoami,
                "whoami_failed",
                format!("`{at}` fails (status {status})"),
                "look into the provider's own log",
            ),
            Ok(status) => StageReport::warning(
                Stage::Whoami,
                "unclear",
                format!("`{at}` answers a made-up token with status {status}"),
                "a WhoAmI endpoint refuses it with 401: see that this is the right address",
            ),
            Err(error) => StageReport { step: Stage::Whoami, ..super::reach::unmet(&request.url, &error) },
        };
        report.taking(ms)
    }

    /// What the token endpoint says to a code that does not exist; a report if it says nothing.
    async fn refused_grant(
        &self,
        target: &Target<'_>,
        server: &Server,
    ) -> Result<(Option<Fault>, ProviderAnswer), StageReport> {
        let Target { tenant, provider, deadline } = *target;
        let unsigned = || {
            StageReport::failed(
                Stage::Token,
                Code::InvalidClient.as_str(),
                "our assertion cannot be signed with the key of the settings",
                "enter `private_key` anew, as PEM or JWK, of a kind that the provider takes",
            )
        };
        let grant = self.nonsense(target, server).ok_or_else(unsigned)?;
        let credentials = credentials(&self.clock, provider, server, provider.ours());
        let request = build_token_request(provider, server, &grant, &credentials.map_err(|_| unsigned())?);
        let answer = self.client.send(&tenant.id, &request, deadline).await.map_err(|error| StageReport {
            step: Stage::Token,
            code: Some(error.at_token().code.as_str().to_owned()),
            sent: Some(Shown::default().request(&request)),
            ..super::reach::unmet(&server.token_url, &error)
        })?;
        let fault = parse_token_response(&answer, Reading { find: None, any_type: true }).err();
        Ok((fault, answer))
    }

    /// A grant of a code that nobody issued. Like every other one it is made of a verified response.
    fn nonsense(&self, target: &Target<'_>, server: &Server) -> Option<Grant> {
        let Target { tenant, provider, .. } = *target;
        let (id, now, state) = (self.clock.fresh_uuid(), self.clock.now(), self.clock.fresh_token());
        let request = self.sent(target, server, id, now);
        let pairs = [("code", self.clock.fresh_token()), ("state", state)];
        let mut pairs: Vec<_> =
            pairs.iter().map(|(name, value)| ((*name).to_owned(), value.expose().to_owned())).collect();
        pairs.extend(request.issuer.clone().map(|issuer| ("iss".to_owned(), issuer)));
        let response = parse_response(&pairs, &crate::domain::provider::CallbackNames::default()).ok()?;
        let redirect_uri = Route::EndUser.redirect_uri(&tenant.origin, &provider.id, provider.callback_path);
        let arrival = Arrival {
            provider,
            route: Route::EndUser,
            redirect_uri: &redirect_uri,
            mode: if provider.response_mode == ResponseMode::FormPost {
                ResponseMode::FormPost
            } else {
                ResponseMode::Query
            },
            issuer: request.issuer.as_deref(),
            names_issuer: request.names_issuer,
        };
        match response.verify(&request, &arrival).ok()? {
            Verdict::Granted(grant) => Some(grant),
            Verdict::Refused(_) => None,
        }
    }

    fn sent(
        &self,
        target: &Target<'_>,
        server: &Server,
        id: uuid::Uuid,
        now: Timestamp,
    ) -> AuthorizationRequest {
        let Target { tenant, provider, .. } = *target;
        let issuer = server.issuer.as_ref().and_then(|issuer| issuer.as_exact());
        AuthorizationRequest {
            key: String::new(),
            id: AttemptId::from_uuid(id),
            link: LinkId::from_uuid(id),
            provider: provider.id.clone(),
            revision: provider.revision.clone(),
            route: Route::EndUser,
            redirect_uri: Route::EndUser.redirect_uri(&tenant.origin, &provider.id, provider.callback_path),
            code_verifier: (provider.pkce == crate::domain::provider::Pkce::S256)
                .then(|| self.clock.fresh_token()),
            nonce: None,
            issuer: issuer.map(str::to_owned),
            names_issuer: server.names_issuer,
            brought: None,
            cookie_hash: String::new(),
            cookie_name: String::new(),
            native: None,
            in_chat: false,
            created_at: now,
            expires_at: now + REQUEST_LIFETIME,
            phase: Phase::Started,
            timeline: Timeline::default(),
        }
    }
}

/// What helps against a wrong token URL.
pub(in crate::flow) const TOKEN_URL: &str = "correct `token_url`: it is the address where the code is exchanged, as the provider's documentation or its metadata \
     (`token_endpoint`) have it";
