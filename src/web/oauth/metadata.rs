//! What a tenant's issuer says of itself: `/.well-known/openid-configuration` (OpenID Connect Discovery 1.0) and
//! `/.well-known/oauth-authorization-server` (RFC 8414). Both say the same.

use axum::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::tenant::Tenant;

/// The metadata of an issuer (RFC 8414, 2).
#[derive(Serialize, ToSchema)]
#[schema(as = IssuerMetadata)]
#[expect(clippy::struct_excessive_bools, reason = "they are members of RFC 8414")]
pub struct MetadataBody {
    /// Its name: the tenant's own base URL.
    #[schema(examples("https://acme.example.com"))]
    issuer: String,
    /// Where customers are sent.
    authorization_endpoint: String,
    /// Where tokens are given.
    token_endpoint: String,
    /// Who the customer is.
    userinfo_endpoint: String,
    /// The keys.
    jwks_uri: String,
    /// Where tokens are revoked.
    revocation_endpoint: String,
    /// Where tokens are looked at.
    introspection_endpoint: String,
    /// Where clients register, if the tenant wants that.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    registration_endpoint: Option<String>,
    /// The scopes that mean something to customers; a client may have others.
    scopes_supported: &'static [&'static str],
    /// Always `code`.
    response_types_supported: &'static [&'static str],
    /// Always `query`.
    response_modes_supported: &'static [&'static str],
    /// The grants.
    grant_types_supported: &'static [&'static str],
    /// Customers are called alike by every client.
    subject_types_supported: &'static [&'static str],
    /// Always `RS256`.
    id_token_signing_alg_values_supported: &'static [&'static str],
    /// How clients prove who they are.
    token_endpoint_auth_methods_supported: &'static [&'static str],
    /// How the assertions of clients may be signed.
    token_endpoint_auth_signing_alg_values_supported: &'static [&'static str],
    /// Always `S256` (RFC 7636).
    code_challenge_methods_supported: &'static [&'static str],
    /// The claims of an id_token and of `userinfo`.
    claims_supported: &'static [&'static str],
    /// Answers name the issuer (RFC 9207).
    authorization_response_iss_parameter_supported: bool,
    /// Request objects are not taken.
    request_parameter_supported: bool,
    /// Nor those that stand elsewhere.
    request_uri_parameter_supported: bool,
    /// Nor single claims.
    claims_parameter_supported: bool,
}

/// What customers can agree to: who they are (OpenID Connect Core, 5.4 and 11), and the own record in the Client API.
const SCOPES: &[&str] =
    &["openid", "profile", "email", "phone", "offline_access", "read:profile", "write:profile"];
/// How clients sign their assertions.
const ASSERTIONS: &[&str] =
    &["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"];
/// How clients prove who they are.
const METHODS: &[&str] = &["client_secret_basic", "client_secret_post", "private_key_jwt", "none"];
/// What an id_token and `userinfo` say.
const CLAIMS: &[&str] = &[
    "sub",
    "iss",
    "aud",
    "exp",
    "iat",
    "auth_time",
    "nonce",
    "at_hash",
    "name",
    "given_name",
    "family_name",
    "preferred_username",
    "locale",
    "updated_at",
    "email",
    "email_verified",
    "phone_number",
    "phone_number_verified",
    "customer_number",
];

/// The metadata of a tenant's issuer.
pub fn metadata(tenant: &Tenant) -> Response {
    let at = |path: &str| format!("{}/v1/oauth/{path}", tenant.origin);
    let body = MetadataBody {
        issuer: tenant.origin.clone(),
        authorization_endpoint: at("authorize"),
        token_endpoint: at("token"),
        userinfo_endpoint: at("userinfo"),
        jwks_uri: at(".well-known/jwks.json"),
        revocation_endpoint: at("revoke"),
        introspection_endpoint: at("introspect"),
        registration_endpoint: tenant.registration.as_ref().map(|_| at("register")),
        scopes_supported: SCOPES,
        response_types_supported: &["code"],
        response_modes_supported: &["query"],
        grant_types_supported: &["authorization_code", "client_credentials", "refresh_token"],
        subject_types_supported: &["public"],
        id_token_signing_alg_values_supported: &["RS256"],
        token_endpoint_auth_methods_supported: METHODS,
        token_endpoint_auth_signing_alg_values_supported: ASSERTIONS,
        code_challenge_methods_supported: &["S256"],
        claims_supported: CLAIMS,
        authorization_response_iss_parameter_supported: true,
        request_parameter_supported: false,
        request_uri_parameter_supported: false,
        claims_parameter_supported: false,
    };
    let text = serde_json::to_string(&body).expect("texts and flags always serialise");
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (CACHE_CONTROL, HeaderValue::from_static("public, max-age=300")),
        // Nothing in it is anybody's own: every page may read it.
        (ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
    ];
    (StatusCode::OK, headers, text).into_response()
}
