//! The description of the API (OpenAPI 3.1), generated from the handlers: each has its
//! `#[utoipa::path]`, each body and view its `ToSchema`, and the rows of the URL table bring them here.
//!
//! To add an endpoint: 1. `#[utoipa::path]` on the handler: its doc comment's first line is the
//! summary, the rest the description; the groups of [`answers`] say what its extractors answer,
//! 2. a row of the URL table in `web/mod.rs`, 3. `UPDATE_OPENAPI=1 cargo test --test it openapi` writes
//! `docs/openapi.json` anew, 4. a group of endpoints of its own gets a line in [`TAGS`].

pub mod answers;

use std::sync::{Arc, LazyLock};

use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use utoipa::openapi::security::{
    ClientCredentials, Flow, Http, HttpAuthScheme, OAuth2, Scopes, SecurityScheme,
};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{Info, OpenApi, PathItem, Paths, Server};

use super::Web;
use super::caller::SCOPES;
use super::error::ApiError;
use super::host::{self, Asked};
use super::oauth::jwks::{etag_of, has};

/// The name of the security scheme of bearer tokens, as handlers write it.
const OAUTH: &str = "oauth2";
/// The name of the security scheme of clients at the token endpoint, as its handler writes it.
const CLIENT: &str = "client";
/// The name of the security scheme of customers, as handlers write it.
const CUSTOMER: &str = "customer";
/// Where the API is served, as the description says it outside of any tenant.
pub const ANYWHERE: &str = "https://acme.example.com";

/// What stands inline within the answer of the one endpoint that has it, so that nothing else names it.
const INLINE: [&str; 7] = [
    "ClientConversations",
    "ClientProfile",
    "ClientSignIns",
    "OtpTicket",
    "SignedIn",
    "SignedOut",
    "TokenPair",
];

/// The groups of endpoints, in the order in which they are read.
const TAGS: [(&str, &str); 16] = [
    (
        "Auth links",
        "A link that is sent into a conversation, what became of it, and the code that confirms it.",
    ),
    ("Inbound", "What customers write in the chats."),
    ("Conversations", "Who is verified in a conversation, how, since when and until when."),
    ("Contacts", "The records of persons, which sign-ins enrich."),
    (
        "Providers",
        "The tenant's OAuth servers, from draft to live. A tenant that stands in a file is read here, and changed there.",
    ),
    (
        "Settings",
        "What else a tenant that stands in no file can change while it is served: its document and its clients.",
    ),
    ("Mappings", "What is read from a provider's answer."),
    ("Attempts", "Every opening of a link, step by step."),
    ("Audit", "Who changed or read what; nothing in it is of a person."),
    ("Events", "Everything that happened, in its order."),
    ("Snippets", "Saved wordings of the message that carries a link."),
    ("Webhooks", "Where events are sent, and what came of it."),
    (
        "Tenants",
        "For the platform operator, at the bare base domain: who is served, and with which settings.",
    ),
    (
        "Client API",
        "For the apps of customers: an emailed code signs in, and a customer's token opens the own record. Answers are \
         `{\"success\": true, \"data\": …}`, refusals `{\"success\": false, \"error\": {code, message}}`. Pages call it from the \
         origins of the tenant's websites only.",
    ),
    ("Tokens", "Access tokens for this API, and the keys that sign them."),
    ("Operations", "What load balancers, operators and generators of clients ask. No token is needed."),
];

/// What stands above all endpoints.
const INTRODUCTION: &str = "\
Countersign sends a sign-in link into a chat, lets the customer sign in at the tenant's own OAuth provider, makes \
sure that who signed in is who is in the chat, and enriches the contact.

The tenant comes from the host name; a host that serves no tenant answers 421. Every call of `/v1` carries an \
access token of that tenant (`POST /v1/oauth/token`) with the scope that the endpoint names. At the bare base \
domain there are tokens, for the operator's clients, and `/v1/tenants`; anything else is 404 there. Bodies are JSON in \
UTF-8, at most 2 MiB; times are RFC 3339 in UTC. Lists are `{\"items\": […], \"next\": …}`: `next` goes into the \
next request and is null at the end. A query parameter that is unknown, stands twice or is empty is refused; an empty `after` is the beginning.

What is refused is answered by a problem document (RFC 9457) with a stable `code`, and with `faults` where a member \
of the request is to blame; the token endpoint answers as RFC 6749 says. Every answer has an `X-Request-Id`, which \
the log has too. A method that a path does not have is answered with 405 and `Allow`, a path that is none with 404. A body that does not arrive in time is answered \
with 408 (`too_late`), a path and query of more than 8 KiB with 414 (`uri_too_long`).

A sender that gets new members in an answer ignores them: they may be added at any time.";

/// The description as text, cut where the server's URL goes.
static DOCUMENT: LazyLock<Document> = LazyLock::new(Document::build);

struct Document {
    before: String,
    after: String,
    etag: String,
}

impl Document {
    fn build() -> Self {
        const MARK: &str = "https://server.invalid";
        let text = document(MARK).to_json().expect("a description is JSON");
        let (before, after) = text.split_once(MARK).expect("the server stands in the description");
        Self { before: before.to_owned(), after: after.to_owned(), etag: etag_of(text.as_bytes()) }
    }
}

/// The whole description, for a server at `origin`.
pub fn document(origin: &str) -> OpenApi {
    let mut document = super::described().into_openapi();
    document.info = Info::new("Countersign", env!("CARGO_PKG_VERSION"));
    document.info.description = Some(INTRODUCTION.to_owned());
    document.servers = Some(vec![Server::new(origin)]);
    let tags = TAGS.map(|(name, text)| TagBuilder::new().name(name).description(Some(text)).build());
    document.tags = Some(tags.into());
    let components = document.components.get_or_insert_default();
    components.schemas.retain(|name, _| !INLINE.contains(&name.as_str()));
    components.responses.extend(answers::components());
    let (name, problem) = answers::problem();
    components.schemas.extend(answers::parts());
    components.schemas.insert(name, problem);
    let flow = ClientCredentials::new("/v1/oauth/token", SCOPES.iter().copied().collect::<Scopes>());
    let oauth = OAuth2::with_description(
        [Flow::ClientCredentials(flow)],
        "A bearer token of this tenant (RFC 6750), good for an hour.",
    );
    components.add_security_scheme(OAUTH, SecurityScheme::OAuth2(oauth));
    let mut basic = Http::new(HttpAuthScheme::Basic);
    basic.description =
        Some("The client's id and secret, each form-encoded first (RFC 6749, 2.3.1).".to_owned());
    let mut customer = Http::new(HttpAuthScheme::Bearer);
    customer.bearer_format = Some("JWT".to_owned());
    customer.description =
        Some("A customer's access token of this tenant: `aud` is `countersign-client-api`.".to_owned());
    components.add_security_scheme(CUSTOMER, SecurityScheme::Http(customer));
    components.add_security_scheme(CLIENT, SecurityScheme::Http(basic));
    document
}

/// The whole description as a text for people and files.
pub fn pretty(origin: &str) -> String {
    document(origin).to_pretty_json().expect("a description is JSON") + "\n"
}

/// Compares a row of the URL table (`GET, POST /v1/things`) with the descriptions of its handlers.
///
/// # Panics
/// If they differ: the program does not start with a table that says something else than it does.
pub fn compare(row: &str, described: &Paths) {
    let told = described.paths.iter().map(|(path, item)| format!("{} {path}", methods(item).join(", ")));
    let told: Vec<String> = told.collect();
    assert_eq!([row], told.as_slice(), "a row of the URL table and the description of its handlers differ");
}

/// The methods of a path, as the table writes them.
pub fn methods(item: &PathItem) -> Vec<&'static str> {
    let PathItem { get, post, put, patch, delete, .. } = item;
    let known = [("GET", get), ("POST", post), ("PUT", put), ("PATCH", patch), ("DELETE", delete)];
    known.into_iter().filter(|(_, operation)| operation.is_some()).map(|(method, _)| method).collect()
}

/// This description
///
/// The same for every tenant but for `servers`, which is the host that was asked.
#[utoipa::path(
    get, path = "/openapi.json", operation_id = "openapi", tag = "Operations",
    responses(
        (status = 200, description = "The description of this API, OpenAPI 3.1.", body = Object),
        (status = 304, description = "The caller has this version already (`If-None-Match`)."),
        answers::AtHost,
    )
)]
pub async fn openapi(State(web): State<Arc<Web>>, request: Request) -> Result<Response, ApiError> {
    let origin = asked_origin(&web, &request)?;
    let document = &*DOCUMENT;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300")),
        (header::ETAG, HeaderValue::from_str(&document.etag).expect("a tag is quoted base64url")),
    ];
    if has(request.headers(), &document.etag) {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    Ok((headers, format!("{}{origin}{}", document.before, document.after)).into_response())
}

/// The scheme and port of the tenant's own origin, with the host that was asked, which is one of the
/// tenant's. Nothing else of the request gets into an answer that may be kept.
pub fn asked_origin(web: &Web, request: &Request) -> Result<String, ApiError> {
    let asked = Asked::of_request(request);
    let (tenant, host) = host::tenant_and_host(web, &asked)?;
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_ascii_lowercase() };
    let (scheme, authority) = tenant.origin.split_once("://").expect("an origin has a scheme");
    let port = authority.rsplit_once(':').map(|(_, port)| port).filter(|port| !port.ends_with(']'));
    Ok(port.map_or_else(|| format!("{scheme}://{host}"), |port| format!("{scheme}://{host}:{port}")))
}
