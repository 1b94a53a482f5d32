//! The token endpoint: a grant becomes an access token (RFC 6749, 4.1.3 to 5.2).

use std::fmt;
use std::time::Duration;

use serde_json::{Map, Value};
use url::form_urlencoded;

use crate::domain::fault::{Code, Fault, Step};
use crate::domain::provider::{Provider, TokenRequestForm};
use crate::secret::Secret;

use super::client_auth::{Credentials, build_credentials};
use super::quirk::Quirk;
use super::response::Grant;
use super::token_body::{NoTokenBody, TokenBody};
use super::wire::{Method, OutboundBody, OutboundRequest, ProviderAnswer};

/// A token response that is good enough to go on with. Its `Debug` shows quirks only.
#[derive(Clone)]
pub struct TokenResponse {
    /// What is borne to the WhoAmI endpoint: visible ASCII.
    pub access_token: Secret,
    /// The whole answer as an object, for the mapping's root `token_response`. It holds secrets:
    /// it goes nowhere but into the mapping.
    pub body: Value,
    /// How long the access token lives; none if the provider does not say, or says what cannot be.
    pub expires_in: Option<Duration>,
    /// What was tolerated.
    pub quirks: Vec<Quirk>,
}

/// The exchange of a grant (RFC 6749, 4.1.3; RFC 7636, 4.5), as a form or as JSON.
pub fn build_token_request(provider: &Provider, grant: &Grant) -> OutboundRequest {
    let credentials = build_credentials(provider);
    let mut pairs = vec![
        ("grant_type", "authorization_code"),
        ("code", grant.code().expose()),
        ("redirect_uri", grant.redirect_uri()),
    ];
    if let Some(verifier) = grant.code_verifier() {
        pairs.push(("code_verifier", verifier.expose()));
    }
    let mut headers = vec![("accept", Secret::new("application/json"))];
    match &credentials {
        Credentials::Header(header) => headers.push(("authorization", header.clone())),
        Credentials::Body { client_id, client_secret } => {
            pairs.push(("client_id", client_id));
            pairs.extend(client_secret.map(|secret| ("client_secret", secret.expose())));
        }
    }
    let body = Some(build_body(provider.token_request, &pairs));
    OutboundRequest { method: Method::Post, url: provider.token_url.clone(), headers, body }
}

/// Reads the answer to the exchange. Redirects are never followed, so they are failures.
pub fn parse_token_response(answer: &ProviderAnswer) -> Result<TokenResponse, Fault> {
    match answer.status {
        200 | 201 => parse_success(answer),
        202..=299 => Err(exchange_fault(Code::TokenGarbage)),
        400..=499 => {
            let body = TokenBody::parse(answer).ok();
            let error = body.as_ref().and_then(|body| body.members.get("error")).and_then(Value::as_str);
            Err(refusal(error, answer.status))
        }
        _ => Err(exchange_fault(Code::TokenFailed)),
    }
}

impl fmt::Debug for TokenResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenResponse(quirks {:?})", self.quirks)
    }
}

impl From<NoTokenBody> for Fault {
    fn from(_: NoTokenBody) -> Self {
        exchange_fault(Code::TokenGarbage)
    }
}

fn build_body(form: TokenRequestForm, pairs: &[(&str, &str)]) -> OutboundBody {
    match form {
        TokenRequestForm::Form => {
            let text =
                form_urlencoded::Serializer::new(String::with_capacity(512)).extend_pairs(pairs).finish();
            OutboundBody { content_type: "application/x-www-form-urlencoded", text: Secret::new(text) }
        }
        TokenRequestForm::Json => {
            let members = pairs.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value)));
            let text = Value::Object(members.collect::<Map<_, _>>()).to_string();
            OutboundBody { content_type: "application/json", text: Secret::new(text) }
        }
    }
}

fn parse_success(answer: &ProviderAnswer) -> Result<TokenResponse, Fault> {
    let mut body = TokenBody::parse(answer)?;
    match body.members.get("error") {
        None | Some(Value::Null | Value::Bool(false)) => {}
        Some(Value::String(error)) if error.is_empty() => {}
        Some(error) => return Err(refusal(error.as_str(), answer.status)),
    }
    if answer.status != 200 {
        body.quirks.push(Quirk::TokenStatus);
    }
    let access_token = body.access_token()?;
    body.check_token_type()?;
    let expires_in = body.expires_in();
    body.check_scope();
    Ok(TokenResponse { access_token, body: Value::Object(body.members), expires_in, quirks: body.quirks })
}

/// The error code decides; without one that we know, the status does (RFC 6749, 5.2).
fn refusal(error: Option<&str>, status: u16) -> Fault {
    exchange_fault(match (error, status) {
        (Some("invalid_grant"), _) => Code::InvalidGrant,
        (Some("invalid_client"), _) | (_, 401) => Code::InvalidClient,
        _ => Code::TokenRefused,
    })
}

fn exchange_fault(code: Code) -> Fault {
    Fault::new(Step::Exchange, code)
}

#[cfg(test)]
mod tests;
