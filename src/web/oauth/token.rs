//! `POST /v1/oauth/token` (RFC 6749, 3.2): credentials in, access token out.

use std::net::IpAddr;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::CONTENT_LENGTH;
use axum::http::{HeaderMap, Method};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt as _;
use jiff::Timestamp;

use crate::domain::client::GrantType;
use crate::domain::family::TokenSource;
use crate::domain::tenant::Tenant;
use crate::issuer::{Credentials, Issuer, TokenAnswer, TokenError, TokenRequest};
use crate::secret::Secret;
use crate::web::limit::address::Address;
use crate::web::limit::{Guess, Limits};

use super::answer::{self, OAuthError};
use super::credentials;
use super::parameters::Parameters;

/// The largest body that is read, in bytes.
const MAX_BODY: usize = 64 * 1024;

/// By whom and where wrong secrets are counted.
#[derive(Debug, Clone, Copy)]
pub struct Counted<'w> {
    /// What is counted.
    pub limits: &'w Limits,
    /// Whose they are; nobody's if the request comes from this process.
    pub address: Option<Address>,
    /// Where the request comes from, for clients that may come from some places only.
    pub ip: Option<IpAddr>,
    /// The time.
    pub now: Timestamp,
}

impl<'w> Counted<'w> {
    pub(super) fn guess(self, tenant: &Tenant, client: &str) -> Result<Guess<'w>, OAuthError> {
        let guess = self.limits.guess(self.address, &tenant.id, client, self.now);
        guess.map_err(OAuthError::Limited)
    }

    /// One more refresh by an app of this customer, if the token is one of this client's.
    async fn refresh(
        self,
        issuer: &Issuer,
        tenant: &Tenant,
        client: &str,
        shown: &Secret,
    ) -> Result<(), OAuthError> {
        let known = issuer.sign_in_of(tenant, TokenSource::OAuth, shown).await.map_err(TokenError::from)?;
        let Some((_, contact)) = known.filter(|(known, _)| known.as_str() == client) else { return Ok(()) };
        self.limits.customer(&tenant.id, &contact, self.now).map(drop).map_err(OAuthError::TooOften)
    }

    /// A flood of wrong secrets is refused before it costs anything; right ones are not counted.
    pub(super) fn guess_of(
        self,
        issuer: &Issuer,
        tenant: &Tenant,
        credentials: &Credentials,
    ) -> Result<Option<Guess<'w>>, OAuthError> {
        let costs = issuer.costs(tenant, credentials);
        costs.then(|| self.guess(tenant, &credentials.client_id)).transpose()
    }

    /// Whether the guess was wrong.
    pub(super) fn settle<T>(
        self,
        guess: Option<Guess<'w>>,
        answer: Result<T, TokenError>,
    ) -> Result<T, TokenError> {
        if let Some(guess) = guess.filter(|_| !matches!(answer, Err(TokenError::Client))) {
            guess.forgive(self.now);
        }
        answer
    }
}

/// Answers a token request, whatever its method. Parameters of the query are not looked at: secrets
/// do not belong into URLs.
pub async fn token(issuer: &Issuer, tenant: &Tenant, counted: Counted<'_>, request: Request) -> Response {
    match answer(issuer, tenant, counted, request).await {
        Ok(token) => answer::token(&token),
        Err(error) => {
            log(tenant, error);
            error.into_response()
        }
    }
}

/// Neither id nor secret is named: people mix them up.
pub(super) fn log(tenant: &Tenant, error: OAuthError) {
    match error.kind() {
        (_, code @ "invalid_client") => {
            tracing::info!(tenant = %tenant.id, code, reason = %error, "auth.client_failed");
        }
        (_, code) => tracing::info!(tenant = %tenant.id, code, reason = %error, "oauth.refused"),
    }
}

async fn answer(
    issuer: &Issuer,
    tenant: &Tenant,
    counted: Counted<'_>,
    request: Request,
) -> Result<TokenAnswer, OAuthError> {
    let (headers, mut parameters) = receive(request).await?;
    let grant_type = parameters.take("grant_type")?.ok_or(OAuthError::Missing("grant_type"))?;
    let scope = parameters.take("scope")?;
    let code = parameters.take("code")?.map(Secret::new);
    let redirect_uri = parameters.take("redirect_uri")?;
    let code_verifier = parameters.take("code_verifier")?.map(Secret::new);
    let refresh_token = parameters.take("refresh_token")?.map(Secret::new);
    let credentials = who(&headers, &mut parameters, counted)?;
    if let Some(shown) = refresh_token.as_ref().filter(|_| grant_type == GrantType::RefreshToken.as_str()) {
        counted.refresh(issuer, tenant, &credentials.client_id, shown).await?;
    }
    let guess = counted.guess_of(issuer, tenant, &credentials)?;
    let asked =
        TokenRequest { grant_type, scope, code, redirect_uri, code_verifier, refresh_token, credentials };
    let answer = issuer.token(tenant, asked).await;
    Ok(counted.settle(guess, answer)?)
}

/// The parameters of a POST.
pub(super) async fn receive(request: Request) -> Result<(HeaderMap, Parameters), OAuthError> {
    let (parts, body) = request.into_parts();
    if parts.method != Method::POST {
        return Err(OAuthError::Method("POST"));
    }
    let body = read_body(&parts.headers, body).await?;
    let parameters = Parameters::parse(&parts.headers, &body)?;
    Ok((parts.headers, parameters))
}

/// What the client says of itself, and where it comes from.
pub(super) fn who(
    headers: &HeaderMap,
    parameters: &mut Parameters,
    counted: Counted<'_>,
) -> Result<Credentials, OAuthError> {
    let credentials = credentials::take(headers, parameters)?;
    Ok(Credentials { address: counted.ip, ..credentials })
}

/// The whole body. It is counted as it comes, since a chunked one announces nothing.
pub(super) async fn read_body(headers: &HeaderMap, body: Body) -> Result<Vec<u8>, OAuthError> {
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > MAX_BODY) {
        return Err(OAuthError::TooLarge);
    }
    let mut chunks = body.into_data_stream();
    let mut whole = Vec::new();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| OAuthError::Cut)?;
        if whole.len() + chunk.len() > MAX_BODY {
            return Err(OAuthError::TooLarge);
        }
        whole.extend_from_slice(&chunk);
    }
    Ok(whole)
}
