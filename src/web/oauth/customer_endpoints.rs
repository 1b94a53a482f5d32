//! The endpoints of customers' apps as the URL table names them, with their descriptions.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use utoipa::ToSchema;

use crate::web::Web;
use crate::web::host::AtIssuer;
use crate::web::openapi::answers::AtHost;
use crate::web::visit::Visit;

use super::answer::ErrorBody;
use super::endpoints::counted;
use super::inspect::{self, IntrospectionBody};
use super::metadata::{self, MetadataBody};
use super::register::{self, RegisteredBody};
use super::userinfo::{self, UserInfoBody};

/// A token, and who asks.
#[derive(Debug, ToSchema)]
#[schema(as = TokenInQuestion)]
#[expect(dead_code, reason = "a description; the parameters are read one by one")]
pub struct TokenBody {
    /// The token.
    #[schema(format = Password)]
    token: String,
    /// Who asks; left out with HTTP Basic.
    #[schema(nullable = false, value_type = String, required = false)]
    client_id: Option<String>,
    /// Its secret; left out with HTTP Basic, and of a client that has none.
    #[schema(nullable = false, value_type = String, required = false, format = Password)]
    client_secret: Option<String>,
}

/// Ask a customer for consent
///
/// A page for browsers: the customer reads what the app asks for, signs in at the tenant's provider, and comes back to the
/// app's registered address with `code`, `state` and `iss`. The parameters are those of RFC 6749, 4.1.1, with `nonce`
/// (OpenID Connect) and PKCE by S256 (RFC 7636), which every client needs that is not set otherwise. The same parameters
/// may come as a form by `POST`.
#[utoipa::path(
    get, path = "/v1/oauth/authorize", operation_id = "authorize", tag = "Tokens",
    params(
        ("response_type" = String, Query, description = "Always `code`."),
        ("client_id" = String, Query, description = "The app."),
        ("redirect_uri" = String, Query, description = "Where the customer comes back to: one that is registered."),
        ("scope" = Option<String>, Query, description = "What the app asks for; all that it may, if it is left out."),
        ("state" = Option<String>, Query, description = "What comes back with the answer."),
        ("nonce" = Option<String>, Query, description = "What the id_token repeats."),
        ("code_challenge" = Option<String>, Query, description = "PKCE's challenge."),
        ("code_challenge_method" = Option<String>, Query, description = "Always `S256`."),
        ("prompt" = Option<String>, Query, description = "`none` is answered with `login_required`: nobody stays signed in here."),
    ),
    responses(
        (status = 200, description = "The page of consent.", content_type = "text/html"),
        (status = 303, description = "The app is told, at its registered address, why there is no consent (RFC 6749, 4.1.2.1)."),
        (status = 400, description = "A page: the app is not known, or its address is not registered. Nobody is redirected.", content_type = "text/html"),
    )
)]
pub async fn authorize(visit: Visit, web: State<Arc<Web>>, request: Request) -> Response {
    super::authorize::authorize(visit, web, request).await
}

/// Ask a customer for consent, by a form
///
/// The same parameters in a form body.
#[utoipa::path(
    post, path = "/v1/oauth/authorize", operation_id = "authorizeByForm", tag = "Tokens",
    responses(
        (status = 200, description = "The page of consent.", content_type = "text/html"),
        (status = 303, description = "To the provider, or back to the app."),
        (status = 400, description = "A page: the app is not known, or its address is not registered.", content_type = "text/html"),
    )
)]
pub async fn authorize_by_form(visit: Visit, web: State<Arc<Web>>, request: Request) -> Response {
    super::authorize::authorize(visit, web, request).await
}

/// Who the customer is
///
/// For the access token of a customer with the scope `openid`; `profile`, `email` and `phone` say more.
#[utoipa::path(
    get, path = "/v1/oauth/userinfo", operation_id = "userinfo", tag = "Tokens",
    responses(
        (status = 200, description = "The customer.", body = UserInfoBody),
        (status = 401, description = "The token is not good (`invalid_token`).", body = ErrorBody),
        (status = 403, description = "It lacks `openid` (`insufficient_scope`).", body = ErrorBody),
        (status = 503, description = "The store does not answer.", body = ErrorBody),
        AtHost,
    )
)]
pub async fn userinfo(AtIssuer(tenant): AtIssuer, State(web): State<Arc<Web>>, request: Request) -> Response {
    userinfo::userinfo(&web, &tenant, &request.into_parts().0).await
}

/// Who the customer is, by POST
///
/// The same.
#[utoipa::path(
    post, path = "/v1/oauth/userinfo", operation_id = "userinfoByPost", tag = "Tokens",
    responses(
        (status = 200, description = "The customer.", body = UserInfoBody),
        (status = 401, description = "The token is not good (`invalid_token`).", body = ErrorBody),
        (status = 403, description = "It lacks `openid` (`insufficient_scope`).", body = ErrorBody),
        (status = 503, description = "The store does not answer.", body = ErrorBody),
        AtHost,
    )
)]
pub async fn userinfo_by_post(
    AtIssuer(tenant): AtIssuer,
    State(web): State<Arc<Web>>,
    request: Request,
) -> Response {
    userinfo::userinfo(&web, &tenant, &request.into_parts().0).await
}

/// Revoke a token
///
/// Ends the customer's sign-in that the token belongs to, with all its tokens (RFC 7009). A token that is none of the
/// client's own is no fault.
#[utoipa::path(
    post, path = "/v1/oauth/revoke", operation_id = "revoke", tag = "Tokens",
    security((), ("client" = [])),
    request_body(content(
        (TokenBody = "application/x-www-form-urlencoded"),
        (TokenBody = "application/json"),
    )),
    responses(
        (status = 200, description = "It is good no more."),
        (status = 400, description = "`invalid_request`, or `unsupported_token_type` for a token of the API.", body = ErrorBody),
        (status = 401, description = "`invalid_client`.", body = ErrorBody),
        (status = 413, description = "The body is larger than 64 KiB.", body = ErrorBody),
        (status = 429, description = "Too many wrong secrets came from this address (`slow_down`).", body = ErrorBody),
        (status = 503, description = "`temporarily_unavailable`.", body = ErrorBody),
        AtHost,
    )
)]
pub async fn revoke(AtIssuer(tenant): AtIssuer, State(web): State<Arc<Web>>, request: Request) -> Response {
    let counted = counted(&web, &request);
    inspect::revoke(&web.issuer, &tenant, counted, request).await
}

/// Look at a token
///
/// Whether a token of this tenant is good now, and what it allows (RFC 7662). For clients that can prove who they are; of
/// refresh tokens they are told only about their own.
#[utoipa::path(
    post, path = "/v1/oauth/introspect", operation_id = "introspect", tag = "Tokens",
    security(("client" = [])),
    request_body(content(
        (TokenBody = "application/x-www-form-urlencoded"),
        (TokenBody = "application/json"),
    )),
    responses(
        (status = 200, description = "What it is.", body = IntrospectionBody),
        (status = 400, description = "`invalid_request`, or `unauthorized_client` for a client without secret and key.", body = ErrorBody),
        (status = 401, description = "`invalid_client`.", body = ErrorBody),
        (status = 413, description = "The body is larger than 64 KiB.", body = ErrorBody),
        (status = 429, description = "Too many wrong secrets came from this address (`slow_down`).", body = ErrorBody),
        (status = 503, description = "`temporarily_unavailable`.", body = ErrorBody),
        AtHost,
    )
)]
pub async fn introspect(
    AtIssuer(tenant): AtIssuer,
    State(web): State<Arc<Web>>,
    request: Request,
) -> Response {
    let counted = counted(&web, &request);
    inspect::introspect(&web.issuer, &tenant, counted, request).await
}

/// Register a client
///
/// For an app that got an initial access token from the tenant, as a bearer token (RFC 7591). Off unless the tenant's
/// settings say otherwise (403). The body is the client's metadata: `redirect_uris`, `client_name`, `scope`, `grant_types`,
/// `token_endpoint_auth_method`, `jwks`; others are ignored. Such a client always needs PKCE, and never acts for itself.
#[utoipa::path(
    post, path = "/v1/oauth/register", operation_id = "registerClient", tag = "Tokens",
    request_body(content = Object, content_type = "application/json"),
    responses(
        (status = 201, description = "The client.", body = RegisteredBody),
        (status = 400, description = "`invalid_redirect_uri` or `invalid_client_metadata`.", body = ErrorBody),
        (status = 401, description = "The initial access token is not good (`invalid_token`).", body = ErrorBody),
        (status = 403, description = "Clients do not register by themselves here (`access_denied`).", body = ErrorBody),
        (status = 413, description = "The body is larger than 64 KiB.", body = ErrorBody),
        (status = 429, description = "Too many wrong tokens came from this address (`slow_down`).", body = ErrorBody),
        (status = 503, description = "`temporarily_unavailable`.", body = ErrorBody),
        AtHost,
    )
)]
pub async fn register(AtIssuer(tenant): AtIssuer, State(web): State<Arc<Web>>, request: Request) -> Response {
    let counted = counted(&web, &request);
    register::register(&web, &tenant, counted, request).await
}

/// What the issuer says of itself
///
/// For clients of OpenID Connect, which need nothing but this address.
#[utoipa::path(
    get, path = "/.well-known/openid-configuration", operation_id = "openidConfiguration", tag = "Tokens",
    responses((status = 200, description = "The metadata.", body = MetadataBody), AtHost)
)]
pub async fn openid_configuration(AtIssuer(tenant): AtIssuer) -> Response {
    metadata::metadata(&tenant)
}

/// The same for clients of OAuth
///
/// At the address of RFC 8414.
#[utoipa::path(
    get, path = "/.well-known/oauth-authorization-server", operation_id = "oauthMetadata", tag = "Tokens",
    responses((status = 200, description = "The metadata.", body = MetadataBody), AtHost)
)]
pub async fn oauth_metadata(AtIssuer(tenant): AtIssuer) -> Response {
    metadata::metadata(&tenant)
}
