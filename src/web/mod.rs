//! Inbound HTTP: parse, call one flow, render. The URL table stands below, in one place.
//!
//! To add a page or an endpoint: 1. a handler in the folder of its kind (`api/`, `oauth/`,
//! `page/`), an endpoint with its description (`openapi/`), 2. a row in the URL table, 3. its scope
//! in `caller.rs` if it is a new one, 4. a test.

pub mod access;
mod account;
mod admin;
mod api;
mod apple;
pub mod callback;
pub mod caller;
pub mod client_api;
mod console;
mod cors;
mod customer_letter;
mod embed;
pub mod error;
pub mod health;
pub mod host;
pub mod if_match;
mod intake;
pub mod limit;
pub mod link_page;
pub mod listener;
mod measure;
pub mod oauth;
pub mod once_json;
pub mod openapi;
pub mod page;
pub mod precondition;
pub mod problem;
mod reference;
mod sdk;
mod segment;
mod shed;
mod signin;
pub mod staff;
mod stamp;
pub mod strict_json;
pub mod trial_page;
pub mod visit;

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{Extensions, HeaderMap, Uri};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use axum::{Extension, Router};
use ipnet::IpNet;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter, UtoipaMethodRouterExt as _};
use utoipa_axum::routes;

use crate::domain::tenant::Tenant;
use crate::flow::Broker;
use crate::issuer::Issuer;
use crate::telemetry::metrics::Metrics;

use api::{
    attempts, audit, auth_links, channels, client_changes, clients, contact_changes, contacts, conversations,
    discover, events, inbound, link_list, mapping, own_tenant, provider_token, providers, snippets,
    staff as staff_api, stream, tenants, trials, webhook_changes, webhooks,
};
use error::ApiError;
use host::{Asked, AtIssuer};
use limit::Limits;
use limit::address::Address;
use oauth::answer::OAuthError;
use oauth::{customer_endpoints, endpoints};
use stamp::stamp;

pub use stamp::Problem;

/// The most bytes of an API body.
const API_BODY: usize = 2 * 1024 * 1024;
/// The most bytes of a body at a callback, a page or the token endpoint.
const SMALL_BODY: usize = 64 * 1024;

/// What handlers need.
#[derive(Debug)]
pub struct Web {
    /// The use cases.
    pub broker: Arc<Broker>,
    /// Our own authorization server.
    pub issuer: Arc<Issuer>,
    /// Whether customers come by https.
    pub https: bool,
    /// What is counted.
    pub metrics: Metrics,
    /// The operator's own place, at the bare base domain.
    pub platform: Arc<Tenant>,
    /// The peers whose forwarded headers count.
    pub trusted_proxies: Vec<IpNet>,
    /// Who may ask how often.
    pub limits: Limits,
    /// Whether operators have an address of their own.
    pub has_ops: bool,
}

impl Web {
    /// Whether what this peer says of others counts.
    pub fn trusts(&self, peer: IpAddr) -> bool {
        self.trusted_proxies.iter().any(|network| network.contains(&peer))
    }

    /// Where a request comes from; none if it comes from this process.
    pub fn ip(&self, extensions: &Extensions, headers: &HeaderMap) -> Option<IpAddr> {
        let peer = host::peer(extensions)?;
        Some(limit::address::nearest(peer, headers, |peer| self.trusts(peer)))
    }

    /// Whom limits per address count a request for; nobody if it comes from this process.
    pub fn address(&self, extensions: &Extensions, headers: &HeaderMap) -> Option<Address> {
        let peer = host::peer(extensions)?;
        Some(Address::of_request(peer, headers, |peer| self.trusts(peer)))
    }
}

/// The name of a request, in its answer, in the log and on its error page.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

/// Every URL and what answers it.
pub fn router(web: Arc<Web>) -> Router {
    let (api, _) = described().split_for_parts();
    api.merge(pages())
        .merge(staff_pages())
        .merge(embed::routes())
        .fallback(nothing_here)
        // One layer for everything that all requests get: each one more would copy the whole of what is below it, per request.
        .layer(middleware::from_fn_with_state(Arc::clone(&web), stamp))
        .with_state(web)
}

/// The URLs of programs: each row is checked against the descriptions of its handlers.
fn described() -> OpenApiRouter<Arc<Web>> {
    let api = OpenApiRouter::default()
        .routes(row("GET, POST /v1/auth-links", routes!(auth_links::create, link_list::list)))
        .routes(row("GET /v1/auth-links/{id}", routes!(link_list::read)))
        .routes(row("POST /v1/auth-links/{id}/resend", routes!(link_list::resend)))
        .routes(row("POST /v1/auth-links/{id}/cancel", routes!(auth_links::cancel)))
        .routes(row("POST /v1/auth-links/{id}/confirm", routes!(auth_links::confirm)))
        .routes(row("POST /v1/inbound/messages", routes!(inbound::messages)))
        .routes(
            row("POST /v1/inbound/{channel}", routes!(channels::pass))
                .map(|route| route.get(channels::challenge)),
        )
        .routes(row("GET /v1/conversations/{id}", routes!(conversations::read)))
        .routes(row("POST /v1/conversations/{id}/end", routes!(conversations::end)))
        .routes(row("GET /v1/contacts", routes!(contacts::list)))
        .routes(row(
            "GET, PATCH, DELETE /v1/contacts/{id}",
            routes!(contacts::read, contact_changes::patch, contact_changes::erase),
        ))
        .routes(row("POST /v1/contacts/{id}/provider-token", routes!(provider_token::read)))
        .routes(row("POST /v1/contacts/{id}/undo", routes!(contact_changes::undo)))
        .routes(row("POST /v1/contacts/{id}/merge", routes!(contact_changes::merge)))
        .routes(row("POST /v1/contacts/{id}/suggestions/{field}/accept", routes!(contact_changes::accept)))
        .routes(row("POST /v1/contacts/{id}/suggestions/{field}/dismiss", routes!(contact_changes::dismiss)))
        .merge(settings_routes())
        .routes(row("POST /v1/mapping/preview", routes!(mapping::preview)))
        .routes(row("POST /v1/providers/discover", routes!(discover::discover)))
        .routes(row("POST /v1/providers/{id}/test", routes!(trials::begin)))
        .routes(row("GET /v1/providers/{id}/tests/{testId}", routes!(trials::read)))
        .routes(row("GET /v1/events", routes!(events::list)))
        .routes(row("GET /v1/events/stream", routes!(stream::follow)))
        .routes(row("GET, POST /v1/webhooks", routes!(webhooks::list, webhook_changes::create)))
        .routes(row(
            "GET, PUT, DELETE /v1/webhooks/{id}",
            routes!(webhooks::read, webhook_changes::put, webhook_changes::delete),
        ))
        .routes(row("POST /v1/webhooks/{id}/test", routes!(webhooks::test)))
        .routes(row("POST /v1/webhooks/{id}/resend-dead", routes!(webhooks::resend_dead)))
        .routes(row("GET /v1/webhooks/{id}/deliveries", routes!(webhooks::deliveries)))
        .routes(row("GET /v1/webhooks/{id}/deliveries/{delivery}", routes!(webhooks::delivery)))
        .routes(row("POST /v1/webhooks/{id}/deliveries/{delivery}/resend", routes!(webhooks::resend)))
        .routes(row("GET /v1/tenants", routes!(tenants::list)))
        .routes(row(
            "GET, PUT, DELETE /v1/tenants/{id}",
            routes!(tenants::read, tenants::put, tenants::delete),
        ))
        .routes(row("GET /v1/tenants/{id}/export", routes!(tenants::export)))
        .routes(row("GET /v1/attempts", routes!(attempts::list)))
        .routes(row("GET /v1/attempts/{id}", routes!(attempts::read)))
        .routes(row("GET /v1/audit", routes!(audit::list)))
        .routes(row("GET /openapi.json", routes!(openapi::openapi)))
        .layer(DefaultBodyLimit::max(API_BODY));
    api.merge(issuer_routes()).merge(client_routes()).merge(ops_routes())
}

/// What the apps of customers call.
fn client_routes() -> OpenApiRouter<Arc<Web>> {
    OpenApiRouter::default()
        .routes(row("POST /api/client/v1/otp/send", routes!(client_api::otp::send)))
        .routes(row("POST /api/client/v1/otp/verify", routes!(client_api::otp::verify)))
        .routes(row("POST /api/client/v1/refresh", routes!(client_api::tokens::refresh)))
        .routes(row("POST /api/client/v1/logout", routes!(client_api::tokens::logout)))
        .routes(row(
            "GET, PATCH /api/client/v1/profile",
            routes!(client_api::profile::read, client_api::profile::patch),
        ))
        .routes(row("GET /api/client/v1/conversations", routes!(client_api::sign_ins::conversations)))
        .routes(row("GET /api/client/v1/sign-ins", routes!(client_api::sign_ins::list)))
        .routes(row("DELETE /api/client/v1/sign-ins/{id}", routes!(client_api::sign_ins::unlink)))
        .layer(DefaultBodyLimit::max(SMALL_BODY))
}

/// What our own authorization server serves.
fn issuer_routes() -> OpenApiRouter<Arc<Web>> {
    OpenApiRouter::default()
        .routes(oauth_row("POST /v1/oauth/token", routes!(endpoints::token)))
        .routes(oauth_row(
            "GET, POST /v1/oauth/authorize",
            routes!(customer_endpoints::authorize, customer_endpoints::authorize_by_form),
        ))
        .routes(oauth_row(
            "GET, POST /v1/oauth/userinfo",
            routes!(customer_endpoints::userinfo, customer_endpoints::userinfo_by_post),
        ))
        .routes(oauth_row("POST /v1/oauth/revoke", routes!(customer_endpoints::revoke)))
        .routes(oauth_row("POST /v1/oauth/register", routes!(customer_endpoints::register)))
        .routes(oauth_row("POST /v1/oauth/introspect", routes!(customer_endpoints::introspect)))
        .routes(oauth_row(
            "GET /.well-known/openid-configuration",
            routes!(customer_endpoints::openid_configuration),
        ))
        .routes(oauth_row(
            "GET /.well-known/oauth-authorization-server",
            routes!(customer_endpoints::oauth_metadata),
        ))
        .routes(oauth_row("GET /v1/oauth/.well-known/jwks.json", routes!(endpoints::jwks)))
        .routes(oauth_row("GET /api/oauth2/jwks", routes!(endpoints::jwks_elsewhere)))
        .layer(DefaultBodyLimit::max(SMALL_BODY))
}

/// What a tenant's admin sets.
fn settings_routes() -> OpenApiRouter<Arc<Web>> {
    OpenApiRouter::default()
        .routes(row("GET /v1/providers", routes!(providers::list)))
        .routes(row(
            "GET, PUT, DELETE /v1/providers/{id}",
            routes!(providers::read, providers::put, providers::delete),
        ))
        .routes(row("POST /v1/providers/{id}/publish", routes!(providers::publish)))
        .routes(row("GET /v1/providers/{id}/diff", routes!(providers::diff)))
        .routes(row("POST /v1/providers/{id}/rollback", routes!(providers::rollback)))
        .routes(row("POST /v1/providers/{id}/discard", routes!(providers::discard)))
        .routes(row("POST /v1/providers/{id}/rotate-secret", routes!(providers::rotate_secret)))
        .routes(row("POST /v1/providers/{id}/drop-previous-secret", routes!(providers::drop_previous_secret)))
        .routes(row("GET, PUT /v1/tenant", routes!(own_tenant::read, own_tenant::put)))
        .routes(row("GET, POST /v1/snippets", routes!(snippets::list, snippets::create)))
        .routes(row(
            "GET, PUT, DELETE /v1/snippets/{id}",
            routes!(snippets::read, snippets::put, snippets::delete),
        ))
        .routes(row("GET, POST /v1/clients", routes!(clients::list, clients::create)))
        .routes(row(
            "GET, PUT, DELETE /v1/clients/{id}",
            routes!(client_changes::show, client_changes::put, clients::delete),
        ))
        .routes(row("POST /v1/clients/{id}/rotate-secret", routes!(clients::rotate)))
        .routes(row("GET, POST /v1/staff", routes!(staff_api::list, staff_api::create)))
        .routes(row(
            "GET, PUT, PATCH, DELETE /v1/staff/{id}",
            routes!(staff_api::read, staff_api::put, staff_api::patch, staff_api::delete),
        ))
}

/// The URLs of browsers.
fn pages() -> Router<Arc<Web>> {
    Router::new()
        .route("/idp/eu/oauth/callback", any(callback::arrive))
        .route("/idp/eu/oauth/callback/{provider}", any(callback::arrive))
        .route("/web/inbound/abc/oauth/redirect", any(callback::arrive))
        .route("/web/inbound/abc/oauth/redirect/{provider}", any(callback::arrive))
        .route("/web/inbound/abc/oauth/abcAuth2Redirect", any(callback::arrive))
        .route("/web/inbound/abc/oauth/abcAuth2Redirect/{provider}", any(callback::arrive))
        .route("/web/inbound/abc/oauth/authorize", any(apple::authorize))
        .route("/web/inbound/abc/oauth/token", any(apple::token))
        .route("/a/{token}", any(link_page::link))
        .route("/a/{token}/decline", any(link_page::decline))
        .route("/a/r/{handle}", any(callback::result))
        .route("/t/{handle}", any(trial_page::trial))
        .route("/docs", any(reference::home))
        .route("/docs/{group}", any(reference::group))
        .route("/assets/{*path}", any(link_page::asset))
        .route("/sdk/{file}", any(sdk::file))
        .layer(DefaultBodyLimit::max(SMALL_BODY))
}

/// The URLs of staff, whose forms may hold a mapping and a payload.
fn staff_pages() -> Router<Arc<Web>> {
    Router::new()
        .merge(account::routes())
        .merge(admin::staff::routes())
        .merge(console::routes())
        .merge(signin::routes())
        .merge(admin::overview::routes())
        .merge(admin::attempts::routes())
        .merge(admin::binding::routes())
        .merge(admin::webchat::routes())
        .merge(admin::clients::routes())
        .merge(admin::websites::routes())
        .merge(admin::providers::routes())
        .layer(DefaultBodyLimit::max(API_BODY))
}

/// What an operator asks, on an address of its own.
pub fn ops_router(web: Arc<Web>) -> Router {
    Router::from(ops_routes())
        .layer(Extension(health::OnOps))
        .layer(middleware::from_fn_with_state(Arc::clone(&web), stamp))
        .with_state(web)
}

fn ops_routes() -> OpenApiRouter<Arc<Web>> {
    OpenApiRouter::default()
        .routes(ops_row("GET /livez", routes!(health::live)))
        .routes(ops_row("GET /readyz", routes!(health::ready)))
        .routes(ops_row("GET /metrics", routes!(health::metrics)))
        .routes(ops_row("GET /version", routes!(health::version)))
}

/// A row of the API: its methods and its path. Other methods get a problem document and an `Allow` header.
fn row(said: &str, described: UtoipaMethodRouter<Arc<Web>>) -> UtoipaMethodRouter<Arc<Web>> {
    openapi::compare(said, &described.1);
    described.map(|route| route.fallback(|_: AtIssuer| async { ApiError::MethodNotAllowed }))
}

/// A row that is answered on any host.
fn ops_row(said: &str, described: UtoipaMethodRouter<Arc<Web>>) -> UtoipaMethodRouter<Arc<Web>> {
    openapi::compare(said, &described.1);
    described.map(|route| route.fallback(|| async { ApiError::MethodNotAllowed }))
}

/// A row of the issuer: other methods are refused in the form of RFC 6749, 5.2.
fn oauth_row(said: &str, described: UtoipaMethodRouter<Arc<Web>>) -> UtoipaMethodRouter<Arc<Web>> {
    openapi::compare(said, &described.1);
    let allowed = match said {
        said if said.starts_with("GET, POST") => "GET, HEAD, POST",
        said if said.starts_with("GET") => "GET, HEAD",
        _ => "POST",
    };
    described.map(|route| route.fallback(move |_: AtIssuer| async move { OAuthError::Method(allowed) }))
}

/// A path that is none of ours: a problem document under `/v1` and `/api`, a page elsewhere.
async fn nothing_here(State(web): State<Arc<Web>>, uri: Uri, request: Request) -> Response {
    if is_for_programs(&uri) {
        let found = host::tenant(&web, &Asked::of_request(&request));
        return found.map_or_else(ApiError::from, |_| ApiError::NoSuchPath).into_response();
    }
    link_page::nothing_here(&web, &request)
}

/// Whether programs ask for it, who are answered with problem documents; all others are browsers.
fn is_for_programs(uri: &Uri) -> bool {
    ["/v1/", "/api/", "/.well-known/", "/openapi.json"].iter().any(|start| uri.path().starts_with(start))
}
