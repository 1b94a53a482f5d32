//! `GET` and `POST /v1/oauth/userinfo` (OpenID Connect Core, 5.3): who the customer of a token is.

use axum::http::header::WWW_AUTHENTICATE;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::contact::Contact;
use crate::domain::tenant::Tenant;
use crate::issuer::{Customer, CustomerError};
use crate::web::Web;
use crate::web::access::{Refusal, bearer_token};

use super::answer::{ErrorBody, OAuthError, json};

/// Who a customer is (OpenID Connect Core, 5.1), as far as the scopes of the token go.
#[derive(Serialize, ToSchema)]
#[schema(as = UserInfo)]
pub struct UserInfoBody {
    /// The contact, as it was called when the customer signed in.
    #[schema(examples("ct_0199a1b2c3d47e5f8a9b0c1d2e3f4a5b"))]
    sub: String,
    /// The whole name (`profile`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    name: Option<String>,
    /// The given name (`profile`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    given_name: Option<String>,
    /// The family name (`profile`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    family_name: Option<String>,
    /// The name at the provider (`profile`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    preferred_username: Option<String>,
    /// A language tag (`profile`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    locale: Option<String>,
    /// When the contact changed last, in seconds since 1970 (`profile`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    updated_at: Option<i64>,
    /// A short number for people (`profile`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, examples("CUST-000001"))]
    customer_number: Option<String>,
    /// The email address (`email`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    email: Option<String>,
    /// Whether somebody vouches for it (`email`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    email_verified: Option<bool>,
    /// The phone number (`phone`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    phone_number: Option<String>,
    /// Whether somebody vouches for it (`phone`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    phone_number_verified: Option<bool>,
}

/// Answers with who the customer is.
pub async fn userinfo(web: &Web, tenant: &Tenant, request: &Parts) -> Response {
    let token = match bearer_token(&request.headers) {
        Ok(token) => token,
        Err(refusal) => return refused(tenant, refusal),
    };
    let ip = web.ip(&request.extensions, &request.headers);
    match web.issuer.admit_customer(tenant, token, ip).await {
        Ok(customer) if customer.scopes.has("openid") => json(StatusCode::OK, &UserInfoBody::of(&customer)),
        Ok(_) => refused(tenant, Refusal::Scope("openid")),
        Err(CustomerError::Access(why)) => refused(tenant, Refusal::Token(why)),
        Err(CustomerError::Store(error)) => {
            tracing::error!(tenant = %tenant.id, detail = %error, "store.unavailable");
            OAuthError::Token(crate::issuer::TokenError::Store).into_response()
        }
    }
}

/// The answer of RFC 6750, 3.
fn refused(tenant: &Tenant, refusal: Refusal) -> Response {
    tracing::info!(tenant = %tenant.id, code = refusal.as_str(), "userinfo.refused");
    let error = refusal.error().unwrap_or("invalid_token");
    let mut response = json(refusal.status(), &ErrorBody { error, error_description: refusal.to_string() });
    let challenge = HeaderValue::from_str(&refusal.www_authenticate(tenant));
    response
        .headers_mut()
        .insert(WWW_AUTHENTICATE, challenge.expect("a tenant's name and our words are ASCII"));
    response
}

impl UserInfoBody {
    fn of(customer: &Customer) -> Self {
        let Customer { contact, scopes, subject, .. } = customer;
        let profile = |text: &Option<String>| text.clone().filter(|_| scopes.has("profile"));
        let email = contact.email.clone().filter(|_| scopes.has("email"));
        let phone = contact.phone.clone().filter(|_| scopes.has("phone"));
        Self {
            sub: subject.to_string(),
            name: profile(&contact.full_name),
            given_name: profile(&contact.first_name),
            family_name: profile(&contact.last_name),
            preferred_username: profile(&contact.user_name),
            locale: profile(&contact.locale),
            updated_at: scopes.has("profile").then(|| contact.updated_at.as_second()),
            customer_number: profile(&Some(contact.customer_number.clone())),
            email_verified: email.as_ref().map(|_| is_verified(contact, "email")),
            email,
            phone_number_verified: phone.as_ref().map(|_| is_verified(contact, "phone")),
            phone_number: phone,
        }
    }
}

fn is_verified(contact: &Contact, field: &str) -> bool {
    contact.provenance.get(field).is_some_and(|known| known.verified)
}
