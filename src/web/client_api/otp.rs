//! A code by email: sent, and typed.

use std::sync::Arc;

use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::domain::family::TokenSource;
use crate::domain::otp::OTP_LIFETIME;
use crate::domain::tenant::Tenant;
use crate::domain::website::Website;
use crate::flow::customers::code::TypedByCustomer;
use crate::issuer::CustomerGrant;
use crate::secret::Secret;
use crate::web::Web;
use crate::web::customer_letter::customer_letter;
use crate::web::host::{self, Asked};
use crate::web::limit::address::Address;
use crate::web::page::LetterLook;
use crate::web::strict_json::StrictJson;

use super::answer::{ClientError, ClientRefusal, Refused, Success, success};
use super::customer::own_scopes;
use super::profile::UserView;
use super::tokens::TokenPair;
use super::{cors, tokens};

/// The most bytes of a language tag that is looked at.
const LOCALE: usize = 40;

/// Where a code shall be sent.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = OtpSend, examples(send_example))]
pub struct SendBody {
    /// The publishable key of the website.
    #[schema(examples("pk_dom_9f2c4e7a1b8d6350"))]
    public_key: String,
    /// The customer's address.
    email: String,
    /// The language of the letter, a tag; what the browser asks for, if it is left out.
    locale: Option<String>,
}

/// A code is on its way, if anybody may sign in by this address.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OtpTicket)]
pub struct TicketView {
    /// What must be shown with the code: it is good with this ticket only.
    #[schema(examples("JDTCfFjEL4m9lDtSGmnNqWh1b4l7y0QmO3V9h8vYkXw"))]
    ticket: String,
    /// For how many seconds the code is good.
    #[schema(examples(600))]
    expires_in: i64,
}

/// A code that was typed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = OtpVerify, examples(verify_example))]
pub struct VerifyBody {
    /// The publishable key of the website where the code was asked for.
    public_key: String,
    /// The address that it was sent to.
    email: String,
    /// What the customer typed.
    #[schema(examples("123456"))]
    code: String,
    /// What was answered when the code was asked for.
    ticket: String,
}

/// A customer who signed in.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SignedIn)]
pub struct SignedInView {
    /// The access token: a JWT (RS256).
    access_token: String,
    /// The refresh token; each is good once.
    refresh_token: String,
    /// Always `Bearer`.
    #[schema(examples("Bearer"))]
    token_type: &'static str,
    /// For how many seconds the access token is good.
    #[schema(examples(3600))]
    expires_in: i64,
    /// Until when, in milliseconds since 1970.
    #[schema(examples(1_706_580_000_000_i64))]
    expires_at: i64,
    /// Who it is.
    user: UserView,
}

fn send_example() -> Value {
    json!({"publicKey": "pk_dom_9f2c4e7a1b8d6350", "email": "customer@example.com"})
}

fn verify_example() -> Value {
    json!({
        "publicKey": "pk_dom_9f2c4e7a1b8d6350",
        "email": "customer@example.com",
        "code": "123456",
        "ticket": "JDTCfFjEL4m9lDtSGmnNqWh1b4l7y0QmO3V9h8vYkXw",
    })
}

/// A call that brings a publishable key: from which page, and whom limits count it for.
#[derive(Debug)]
pub struct FromPage {
    tenant: Arc<Tenant>,
    origin: Option<String>,
    address: Option<Address>,
    accept_language: Option<String>,
}

impl FromRequestParts<Arc<Web>> for FromPage {
    type Rejection = ClientError;

    async fn from_request_parts(parts: &mut Parts, web: &Arc<Web>) -> Result<Self, ClientError> {
        let tenant = host::tenant(web, &Asked::of(parts)).map_err(crate::web::error::ApiError::from)?;
        let origin = cors::origin(&parts.headers)?.map(str::to_owned);
        let address = web.address(&parts.extensions, &parts.headers);
        Ok(Self { tenant, origin, address, accept_language: accept_language(&parts.headers) })
    }
}

impl FromPage {
    /// The website of this key, whose page must have asked.
    fn website(&self, public_key: &str) -> Result<&Website, ClientError> {
        let website = self.tenant.website(public_key).ok_or(ClientError::UnknownKey)?;
        let is_there = self.origin.as_deref().is_some_and(|origin| website.allows(origin));
        if is_there { Ok(website) } else { Err(ClientError::Origin) }
    }
}

/// Send a code
///
/// For a page of a website with a publishable key. The answer is the same, and takes the same time, whether anybody is
/// known by the address. An address gets five codes in a quarter of an hour and twenty in a day.
#[utoipa::path(
    post, path = "/api/client/v1/otp/send", operation_id = "clientSendOtp", tag = "Client API",
    security(()),
    request_body = SendBody,
    responses(
        (status = 200, description = "A code is on its way, if anybody may sign in by this address.", body = Success<TicketView>),
        (status = 401, description = "A key or token is missing or not good; `code` says which.", body = ClientRefusal),
        Refused,
    )
)]
pub async fn send(
    page: FromPage,
    State(web): State<Arc<Web>>,
    StrictJson(body): StrictJson<SendBody>,
) -> Result<Response, ClientError> {
    let website = page.website(&body.public_key)?;
    web.limits.code(page.address, web.broker.clock().now()).map_err(ClientError::TooMany)?;
    let look = LetterLook {
        tenant: page.tenant.name.clone(),
        sender: website.sender.clone(),
        accent: website.accent,
        locale: body.locale.filter(|locale| locale.len() <= LOCALE),
        accept_language: page.accept_language.clone(),
    };
    let compose = customer_letter(&web, &page.tenant.id, look);
    let made = web.broker.send_customer_code(&page.tenant, &body.email, &website.public_key, compose).await?;
    let ticket = made.ticket.expose().to_owned();
    Ok(success(TicketView { ticket, expires_in: OTP_LIFETIME.as_secs() }))
}

/// Sign in with a code
///
/// For the page that asked for it. Five codes are compared with the one that was sent, also if they come at once.
/// Somebody whom nobody knows becomes a contact, if the tenant wants that.
#[utoipa::path(
    post, path = "/api/client/v1/otp/verify", operation_id = "clientVerifyOtp", tag = "Client API",
    security(()),
    request_body = VerifyBody,
    responses(
        (status = 200, description = "The customer is signed in.", body = Success<SignedInView>),
        (status = 401, description = "A key or token is missing or not good; `code` says which.", body = ClientRefusal),
        Refused,
    )
)]
pub async fn verify(
    page: FromPage,
    State(web): State<Arc<Web>>,
    StrictJson(body): StrictJson<VerifyBody>,
) -> Result<Response, ClientError> {
    let website = page.website(&body.public_key)?;
    web.limits.typed_code(page.address, web.broker.clock().now()).map_err(ClientError::TooMany)?;
    let ticket = Secret::new(body.ticket);
    let typed = TypedByCustomer {
        ticket: &ticket,
        address: &body.email,
        place: &website.public_key,
        client: &website.public_key,
        code: &body.code,
    };
    let customer = web.broker.type_customer_code(&page.tenant, &typed).await?;
    let now = web.broker.clock().now();
    let grant = CustomerGrant {
        contact: &customer.contact,
        client: tokens::client_of(website)?,
        source: TokenSource::Dom,
        scopes: own_scopes(),
        signed_in_at: now,
        authenticated_at: Some(now),
        renews: true,
        nonce: None,
    };
    let minted = web.issuer.mint(&page.tenant, &grant).await.map_err(tokens::refused)?;
    let TokenPair { access_token, refresh_token, expires_in, expires_at } = TokenPair::of(&minted);
    let user = UserView { id: customer.contact.id.clone(), email: Some(customer.email) };
    let token_type = "Bearer";
    Ok(success(SignedInView { access_token, refresh_token, token_type, expires_in, expires_at, user }))
}

fn accept_language(headers: &HeaderMap) -> Option<String> {
    headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).map(str::to_owned)
}
