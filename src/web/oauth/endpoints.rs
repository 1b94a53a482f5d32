//! The OAuth endpoints as the URL table names them, with their descriptions.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::web::Web;
use crate::web::api::client_words::GrantWord;
use crate::web::host::AtIssuer;
use crate::web::openapi::answers::AtHost;

use super::answer::{ErrorBody, TokenBody};
use super::token::Counted;

/// What a client asks the token endpoint for (RFC 6749, 4.1.3, 4.4.2 and 6). A form and a JSON object have the same members.
#[derive(Debug, ToSchema)]
#[schema(as = TokenRequest, examples(token_request))]
#[expect(dead_code, reason = "a description; the parameters are read one by one")]
pub struct TokenRequestBody {
    /// `client_credentials` for a client that acts for itself; `authorization_code` for a customer who signed in, and
    /// `refresh_token` for a later token of the same sign-in.
    #[schema(examples("client_credentials"))]
    grant_type: GrantWord,
    /// Who asks; left out with HTTP Basic.
    #[schema(nullable = false, value_type = String, required = false)]
    client_id: Option<String>,
    /// Its secret; left out with HTTP Basic.
    #[schema(nullable = false, value_type = String, required = false, format = Password)]
    client_secret: Option<String>,
    /// In place of a secret: always `urn:ietf:params:oauth:client-assertion-type:jwt-bearer` (RFC 7523, 2.2).
    #[schema(nullable = false, value_type = String, required = false)]
    client_assertion_type: Option<String>,
    /// A JWT that the client has signed with its own key.
    #[schema(nullable = false, value_type = String, required = false, format = Password)]
    client_assertion: Option<String>,
    /// What the token shall allow, separated by spaces; everything that the client may or the customer agreed to, if it is
    /// left out.
    #[schema(nullable = false, value_type = String, required = false)]
    scope: Option<String>,
    /// With `authorization_code`: what came back to the app.
    #[schema(nullable = false, value_type = String, required = false, format = Password)]
    code: Option<String>,
    /// With `authorization_code`: where it came back to, as it was asked for.
    #[schema(nullable = false, value_type = String, required = false)]
    redirect_uri: Option<String>,
    /// With `authorization_code`: PKCE's secret (RFC 7636, 4.5).
    #[schema(nullable = false, value_type = String, required = false, format = Password)]
    code_verifier: Option<String>,
    /// With `refresh_token`: that of the latest answer.
    #[schema(nullable = false, value_type = String, required = false, format = Password)]
    refresh_token: Option<String>,
}

fn token_request() -> Value {
    json!({
        "grant_type": "client_credentials",
        "client_id": "acme-bot",
        "client_secret": "the secret of the client",
        "scope": "read:auth_links write:auth_links",
    })
}

/// The public keys of our tokens (RFC 7517, 5).
#[derive(Debug, ToSchema)]
#[schema(as = Jwks, examples(keys))]
#[expect(dead_code, reason = "a description; the set is written once, when the keys are read")]
pub struct JwksBody {
    /// The keys: the one that signs, the next one, and those whose tokens are still good.
    keys: Vec<JwkBody>,
}

fn keys() -> Value {
    let key = json!({"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "2026-11", "n": "0vx7agoebGcQSuuPiLJXZpt…", "e": "AQAB"});
    json!({"keys": [key]})
}

/// An RSA key.
#[derive(Debug, ToSchema)]
#[schema(as = Jwk)]
#[expect(dead_code, reason = "a description")]
pub struct JwkBody {
    /// Always `RSA`.
    #[schema(examples("RSA"))]
    kty: String,
    /// Always `sig`.
    #[schema(rename = "use", examples("sig"))]
    usage: String,
    /// Always `RS256`.
    #[schema(examples("RS256"))]
    alg: String,
    /// Its name in the header of a token.
    kid: String,
    /// The modulus, base64url.
    n: String,
    /// The exponent, base64url.
    #[schema(examples("AQAB"))]
    e: String,
}

/// Get an access token
///
/// For a client of the tenant, by its id and secret, in the body or by HTTP Basic, by an assertion that it signed, or, of an
/// app that can keep no secret, by its id alone. A client gets a token for itself (`client_credentials`), one for a customer
/// who signed in (`authorization_code`), and a later one of the same sign-in (`refresh_token`): each of those is good once,
/// and one that comes again ends the sign-in. Form and JSON bodies say the same. Errors have the form of RFC 6749.
#[utoipa::path(
    post, path = "/v1/oauth/token", operation_id = "token", tag = "Tokens",
    security((), ("client" = [])),
    request_body(content(
        (TokenRequestBody = "application/x-www-form-urlencoded"),
        (TokenRequestBody = "application/json"),
    )),
    responses(
        (status = 200, description = "The token.", body = TokenBody),
        (status = 400, description = "A parameter is missing, stands twice or cannot be read (`invalid_request`), or \
            the client may not have this (`unauthorized_client`, `unsupported_grant_type`, `invalid_scope`), or the \
            code or refresh token is not good (`invalid_grant`).",
            body = ErrorBody),
        (status = 401, description = "The client is unknown, or its secret is wrong (`invalid_client`).", body = ErrorBody,
            headers(("WWW-Authenticate" = String, description = "The challenge of RFC 9110, 15.5.2."))),
        (status = 413, description = "The body is larger than 64 KiB (`invalid_request`).", body = ErrorBody),
        (status = 429, description = "Too many wrong secrets came from this address, or one customer's tokens are refreshed \
            too often (`slow_down`).", body = ErrorBody,
            headers(
                ("Retry-After" = i64, description = "Seconds to wait."),
                ("RateLimit" = String, description = "What is left."),
                ("RateLimit-Policy" = String, description = "How many are allowed."),
            )),
        (status = 500, description = "A fault of our own (`server_error`).", body = ErrorBody),
        (status = 503, description = "Too many tokens are asked for (`temporarily_unavailable`).", body = ErrorBody,
            headers(("Retry-After" = i64, description = "Seconds to wait."))),
        AtHost,
    )
)]
pub async fn token(AtIssuer(tenant): AtIssuer, State(web): State<Arc<Web>>, request: Request) -> Response {
    let counted = counted(&web, &request);
    super::token(&web.issuer, &tenant, counted, request).await
}

/// Whom wrong secrets are counted for.
pub(super) fn counted<'w>(web: &'w Web, request: &Request) -> Counted<'w> {
    let (extensions, headers) = (request.extensions(), request.headers());
    let (address, ip) = (web.address(extensions, headers), web.ip(extensions, headers));
    Counted { limits: &web.limits, address, ip, now: web.broker.clock().now() }
}

/// The keys that sign access tokens
///
/// They may be kept for five minutes.
#[utoipa::path(
    get, path = "/v1/oauth/.well-known/jwks.json", operation_id = "jwks", tag = "Tokens",
    responses(
        (status = 200, description = "The keys.", body = JwksBody),
        (status = 304, description = "The caller has these keys already (`If-None-Match`)."),
        AtHost,
    )
)]
pub async fn jwks(AtIssuer(_): AtIssuer, State(web): State<Arc<Web>>, request: Request) -> Response {
    super::jwks(&web.issuer, request.method(), request.headers())
}

/// The same keys under another path
///
/// For programs that look for them here.
#[utoipa::path(
    get, path = "/api/oauth2/jwks", operation_id = "jwksElsewhere", tag = "Tokens",
    responses(
        (status = 200, description = "The keys.", body = JwksBody),
        (status = 304, description = "The caller has these keys already (`If-None-Match`)."),
        AtHost,
    )
)]
pub async fn jwks_elsewhere(
    AtIssuer(_): AtIssuer,
    State(web): State<Arc<Web>>,
    request: Request,
) -> Response {
    super::jwks(&web.issuer, request.method(), request.headers())
}
