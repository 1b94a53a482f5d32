//! The tenant's clients: bots and apps that may call the API.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::client::{Client, GrantType, Scopes};
use crate::domain::ids::ClientId;
use crate::flow::settings::own::NewClient;
use crate::issuer::secret_hash;
use crate::secret::Secret;
use crate::web::Web;
use crate::web::caller::{Caller, Scope as _, WriteClients};
use crate::web::error::ApiError;
use crate::web::openapi::answers::{Called, InState, Sought, Stored, WithBody};
use crate::web::segment::Segment;
use crate::web::strict_json::StrictJson;

use super::provider_view::SourceWord;

/// Random bytes of a secret.
const SECRET: usize = 32;

/// A client that is to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(as = NewClient)]
pub struct ClientBody {
    /// Its name, by which it gets tokens.
    client_id: ClientId,
    /// What it may ask for: at most what the caller may do.
    #[schema(examples("write:auth_links"))]
    scopes: Vec<String>,
    /// Which grants it may use; `client_credentials` if left out.
    #[schema(nullable = false)]
    grant_types: Option<Vec<GrantWord>>,
}

/// A way to get a token.
#[derive(Debug, Clone, Copy, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = GrantType)]
pub enum GrantWord {
    /// The client acts for itself.
    ClientCredentials,
    /// A customer signed in.
    AuthorizationCode,
    /// A later access token for the same sign-in.
    RefreshToken,
}

/// A client of the tenant.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Client)]
pub struct ClientView {
    client_id: ClientId,
    /// What it may ask for.
    #[schema(examples("write:auth_links"))]
    scopes: Vec<String>,
    /// Which grants it may use.
    #[schema(value_type = Vec<GrantWord>)]
    grant_types: Vec<&'static str>,
    source: SourceWord,
    /// Its secret, which is shown this once and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = String)]
    client_secret: Option<String>,
}

/// The clients of the tenant.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ClientList)]
pub struct ClientListView {
    /// All of them.
    items: Vec<ClientView>,
    /// Always null.
    #[schema(required)]
    next: Option<String>,
}

/// List the clients
///
/// All bots and apps that may call the API of this tenant. Their secrets are known to nobody here.
#[utoipa::path(
    get, path = "/v1/clients", operation_id = "listClients", tag = "Settings",
    security(("oauth2" = [WriteClients::NAME])),
    responses((status = 200, description = "All of them.", body = ClientListView), Called, Stored)
)]
pub async fn list(caller: Caller<WriteClients>, State(web): State<Arc<Web>>) -> Json<ClientListView> {
    let source = SourceWord::of(web.broker.home_of(&caller.tenant.id).as_ref());
    let items = caller.tenant.clients.iter().map(|client| ClientView::of(client, source)).collect();
    Json(ClientListView { items, next: None })
}

/// Make a client
///
/// The answer holds its secret, which is kept as a hash only: it is shown this once. A client gets at most the scopes
/// that the caller's own token has.
#[utoipa::path(
    post, path = "/v1/clients", operation_id = "createClient", tag = "Settings",
    security(("oauth2" = [WriteClients::NAME])),
    request_body = ClientBody,
    responses(
        (status = 201, description = "The client with its secret.", body = ClientView),
        Called, WithBody, Sought, InState, Stored,
    )
)]
pub async fn create(
    caller: Caller<WriteClients>,
    State(web): State<Arc<Web>>,
    StrictJson(body): StrictJson<ClientBody>,
) -> Result<Response, ApiError> {
    let scopes = Scopes::parse(&body.scopes.join(" "))
        .map_err(|error| ApiError::refused("/scopes", error.to_string()))?;
    if !caller.scopes.contain_all(&scopes) {
        let detail = "a client gets at most the scopes of the token that makes it";
        return Err(ApiError::refused("/scopes", detail));
    }
    let secret = fresh_secret(&web);
    let (clock, kept) = (web.broker.clock().clone(), secret.clone());
    // Hashing takes a while on purpose.
    let hashed = tokio::task::spawn_blocking(move || secret_hash::build(&kept, &clock)).await;
    let hash = hashed.ok().and_then(Result::ok).ok_or(ApiError::Internal)?;
    let grants = body.grant_types.unwrap_or_else(|| vec![GrantWord::ClientCredentials]);
    let grant_types: Vec<_> = grants.into_iter().map(|grant| grant.known().as_str()).collect();
    let client = NewClient {
        id: body.client_id.clone(),
        secret_hash: hash,
        scopes: scopes.clone(),
        grant_types: grant_types.iter().map(|grant| (*grant).to_owned()).collect(),
    };
    let author = caller.actor();
    web.broker.create_client(&caller.tenant.id, &client, &author).await?;
    let view = ClientView {
        client_id: body.client_id,
        scopes: words(&scopes),
        grant_types,
        source: SourceWord::Stored,
        client_secret: Some(secret.expose().to_owned()),
    };
    Ok((StatusCode::CREATED, Json(view)).into_response())
}

/// Delete a client
///
/// Its tokens are refused within a second. A client that may do more than the caller is not deleted (409).
#[utoipa::path(
    delete, path = "/v1/clients/{id}", operation_id = "deleteClient", tag = "Settings",
    security(("oauth2" = [WriteClients::NAME])),
    params(("id" = ClientId, Path, description = "The client.")),
    responses((status = 204, description = "It is deleted."), Called, Sought, InState, Stored)
)]
pub async fn delete(
    caller: Caller<WriteClients>,
    State(web): State<Arc<Web>>,
    Segment(id): Segment,
) -> Result<StatusCode, ApiError> {
    let id: ClientId = id.parse().map_err(|_| ApiError::NotFound)?;
    let author = caller.actor();
    web.broker.delete_client(&caller.tenant.id, &id, &caller.scopes, &author).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn fresh_secret(web: &Web) -> Secret {
    let mut bytes = [0; SECRET];
    web.broker.clock().fill(&mut bytes);
    Secret::new(URL_SAFE_NO_PAD.encode(bytes))
}

fn words(scopes: &Scopes) -> Vec<String> {
    scopes.to_string().split(' ').filter(|scope| !scope.is_empty()).map(str::to_owned).collect()
}

impl ClientView {
    fn of(client: &Client, source: SourceWord) -> Self {
        Self {
            client_id: client.client_id.clone(),
            scopes: words(&client.scopes),
            grant_types: client.grant_types.iter().map(|grant| grant.as_str()).collect(),
            source,
            client_secret: None,
        }
    }
}

impl GrantWord {
    fn known(self) -> GrantType {
        match self {
            Self::ClientCredentials => GrantType::ClientCredentials,
            Self::AuthorizationCode => GrantType::AuthorizationCode,
            Self::RefreshToken => GrantType::RefreshToken,
        }
    }
}
