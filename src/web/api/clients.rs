//! The tenant's clients: bots and apps that may call the API. One is looked at and changed in `client_changes`.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::domain::client::{Client, Scopes};
use crate::domain::ids::ClientId;
use crate::flow::settings::clients::{LONGEST_OVERLAP, NewClient, NewProof, NewSecret};
use crate::issuer::secret_hash;
use crate::secret::Secret;
use crate::web::Web;
use crate::web::caller::{Caller, Scope as _, WriteClients};
use crate::web::error::ApiError;
use crate::web::once_json::{self, OnceJson};
use crate::web::openapi::answers::{Called, InState, Sought, Stored, WithBody};
use crate::web::segment::Segment;

use super::client_words::{AuthWord, GrantWord, PkceWord, Wanted, id_of};
use super::provider_view::SourceWord;
use super::whole_list::page_of;

/// How long the old secret may still be used, if nobody says otherwise, in seconds.
const OVERLAP: u32 = 24 * 3600;

/// A client that is to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(as = NewClient)]
pub struct ClientBody {
    /// Its name, by which it gets tokens.
    client_id: ClientId,
    /// What customers read when they sign in to it.
    #[schema(min_length = 1)]
    name: Option<String>,
    /// What it may ask for: at most what the caller may do, and `openid`, `profile`, `email`, `phone` and
    /// `offline_access` of customers.
    #[schema(examples("write:auth_links"))]
    scopes: Vec<String>,
    /// Which grants it may use; `client_credentials` if left out.
    grant_types: Option<Vec<GrantWord>>,
    /// How it proves who it is; `client_secret` if left out.
    auth: Option<AuthWord>,
    /// Its public keys for `private_key_jwt`: a JWK set (RFC 7517).
    #[schema(value_type = Option<Object>)]
    jwks: Option<Value>,
    /// Where customers come back to, for `authorization_code`.
    #[schema(examples("https://yourapp.com/callback"))]
    redirect_uris: Option<Vec<String>>,
    /// Whether `authorization_code` needs PKCE; `required` if left out.
    pkce: Option<PkceWord>,
    /// Addresses and networks from which it may come; from anywhere if left out.
    #[schema(examples("192.0.2.0/24"))]
    allow_from: Option<Vec<String>>,
}

/// How a client gets another secret.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(as = ClientSecretRotation)]
pub struct RotateBody {
    /// For how many seconds the secret before may still be used: at most a week; a day if left out, 0 for not at all. With
    /// 0 one of an earlier change-over ends as well.
    #[schema(minimum = 0, maximum = 604_800, examples(86_400))]
    overlap_seconds: Option<u32>,
}

/// A client of the tenant.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Client)]
pub struct ClientView {
    client_id: ClientId,
    /// What customers read when they sign in to it.
    #[schema(required)]
    name: Option<String>,
    /// What it may ask for.
    #[schema(examples("write:auth_links"))]
    scopes: Vec<String>,
    /// Which grants it may use.
    #[schema(value_type = Vec<GrantWord>)]
    grant_types: Vec<&'static str>,
    /// How it proves who it is.
    auth: AuthWord,
    /// Where customers come back to.
    redirect_uris: Vec<String>,
    /// Whether `authorization_code` needs PKCE.
    pkce: PkceWord,
    /// From where it may come; empty means from anywhere.
    allow_from: Vec<String>,
    source: SourceWord,
    /// When it was here last, to within a few minutes.
    #[schema(required)]
    last_used_at: Option<Timestamp>,
    /// Until when the secret before may still be used.
    #[schema(required)]
    previous_secret_until: Option<Timestamp>,
    /// Its secret, which is shown this once and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = String)]
    client_secret: Option<String>,
}

/// A secret that was made just now.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RotatedClientSecret)]
pub struct RotatedView {
    client_id: ClientId,
    /// The secret, which is shown this once and never again.
    client_secret: String,
    /// Until when the secret before may still be used; null if it is good no more.
    #[schema(required)]
    previous_secret_until: Option<Timestamp>,
}

/// The clients of the tenant.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ClientList)]
pub struct ClientListView {
    items: Vec<ClientView>,
    /// The `cursor` of the next page.
    #[schema(required)]
    next: Option<String>,
}

/// List the clients
///
/// All bots and apps that may call the API of this tenant. Their secrets are known to nobody here.
#[utoipa::path(
    get, path = "/v1/clients", operation_id = "listClients", tag = "Settings",
    security(("oauth2" = [WriteClients::NAME])),
    params(
        ("limit" = Option<usize>, Query, minimum = 1, maximum = 200, description = "How many at most; 50 if left out."),
        ("cursor" = Option<String>, Query, min_length = 1, description = "The `next` of the page before."),
    ),
    responses((status = 200, description = "A page of them.", body = ClientListView), Called, Stored)
)]
pub async fn list(
    caller: Caller<WriteClients>,
    State(web): State<Arc<Web>>,
    RawQuery(raw): RawQuery,
) -> Result<Json<ClientListView>, ApiError> {
    let source = SourceWord::of(web.broker.home_of(&caller.tenant.id).as_ref());
    let used = web.issuer.last_used(&caller.tenant).await?;
    let clients = caller.tenant.clients.iter().zip(used).collect();
    let (clients, next) =
        page_of(raw.as_deref(), "clients", clients, |(client, _)| client.client_id.to_string())?;
    let now = web.broker.clock().now();
    let items = clients.into_iter().map(|(client, used)| ClientView::of(client, source, used, now)).collect();
    Ok(Json(ClientListView { items, next }))
}

/// Make a client
///
/// The answer holds its secret, which is kept as a hash only: it is shown this once. A client gets at most the scopes
/// that the caller's own token has, and those of customers. Sent again within 24 hours with the same `Idempotency-Key`,
/// the order makes nothing and is answered without the secret, which nobody knows any more; while the first one is at work
/// with 409 `still_running`, and another order with that key with 422 `key_reused`.
#[utoipa::path(
    post, path = "/v1/clients", operation_id = "createClient", tag = "Settings",
    security(("oauth2" = [WriteClients::NAME])),
    params(("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255, pattern = "^[!-~]+$",
        description = "The sender's name for this order: visible ASCII characters.")),
    request_body = ClientBody,
    responses(
        (status = 201, description = "The client with its secret.", body = ClientView,
            headers(("Location" = String, description = "Where it is."),
                ("Idempotent-Replayed" = String, description = "`true` where the same order has made it before."))),
        Called, WithBody, Sought, InState, Stored,
    )
)]
pub async fn create(
    caller: Caller<WriteClients>,
    State(web): State<Arc<Web>>,
    OnceJson { body, once }: OnceJson<ClientBody>,
) -> Result<Response, ApiError> {
    let (client, secret) = new_client(&web, &caller.scopes, body).await?;
    let made = web.broker.create_client(&caller.tenant.id, &client, &caller.actor(), once.as_ref()).await?;
    let view = ClientView::fresh(&client, secret.filter(|_| !made.replayed));
    let place = format!("/v1/clients/{}", made.id);
    Ok(once_json::made(Json(view).into_response(), &place, made.replayed))
}

/// Give a client another secret
///
/// The answer holds it, this once. The secret before may be used as long as the order says, so that the client can be
/// changed over without a failed call. While the secret of an earlier change-over is good there is no other (409), since
/// it may be the one in use; `overlapSeconds: 0` ends both. A client that may do more than the caller gets none (409).
/// Sent again within 24 hours with the same `Idempotency-Key`, the order changes nothing and is answered with the same
/// secret, which is kept sealed for as long; while the first one is at work with 409 `still_running`, and another order
/// with that key with 422 `key_reused`.
#[utoipa::path(
    post, path = "/v1/clients/{id}/rotate-secret", operation_id = "rotateClientSecret", tag = "Settings",
    security(("oauth2" = [WriteClients::NAME])),
    params(("id" = ClientId, Path, description = "The client."),
        ("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255, pattern = "^[!-~]+$",
        description = "The sender's name for this order: visible ASCII characters.")),
    request_body = RotateBody,
    responses(
        (status = 200, description = "The new secret.", body = RotatedView,
            headers(("Idempotent-Replayed" = String, description = "`true` where the same order has made it before."))),
        Called, WithBody, Sought, InState, Stored,
    )
)]
pub async fn rotate(
    caller: Caller<WriteClients>,
    State(web): State<Arc<Web>>,
    Segment(id): Segment,
    OnceJson { body, once }: OnceJson<RotateBody>,
) -> Result<Response, ApiError> {
    let id = id_of(&id)?;
    let seconds = body.overlap_seconds.unwrap_or(OVERLAP);
    let overlap = SignedDuration::from_secs(i64::from(seconds));
    if overlap > LONGEST_OVERLAP {
        return Err(ApiError::refused("/overlapSeconds", "the old secret may be used for a week at most"));
    }
    let (secret, hash) = fresh_secret(&web).await?;
    let order =
        NewSecret { secret: &secret, hash: &hash, overlap, ends_older: overlap.is_zero(), replaces: None };
    let (tenant, author) = (&caller.tenant.id, caller.actor());
    let rotated = web
        .broker
        .rotate_client_secret(tenant, (&id, &order), &caller.scopes, &author, once.as_ref())
        .await?;
    let view = RotatedView {
        client_id: id,
        client_secret: rotated.secret.expose().to_owned(),
        previous_secret_until: rotated.previous_until,
    };
    Ok(once_json::again(Json(view).into_response(), rotated.replayed))
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
    let id = id_of(&id)?;
    let author = caller.actor();
    web.broker.delete_client(&caller.tenant.id, &id, &caller.scopes, &author).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A client as an order describes it, and its secret if it has one.
async fn new_client(
    web: &Web,
    held: &Scopes,
    body: ClientBody,
) -> Result<(NewClient, Option<Secret>), ApiError> {
    let wanted = Wanted {
        name: body.name,
        scopes: body.scopes,
        grant_types: body.grant_types,
        redirect_uris: body.redirect_uris,
        pkce: body.pkce,
        allow_from: body.allow_from,
    };
    let terms = wanted.terms(held)?;
    let (proof, secret) = match (body.auth.unwrap_or(AuthWord::ClientSecret), &body.jwks) {
        (AuthWord::ClientSecret, None) => {
            let (secret, hash) = fresh_secret(web).await?;
            (NewProof::Secret(hash), Some(secret))
        }
        (AuthWord::PrivateKeyJwt, Some(jwks)) => (NewProof::Keys(jwks.to_string()), None),
        (AuthWord::PrivateKeyJwt, None) => {
            return Err(ApiError::refused("/jwks", "`private_key_jwt` needs the client's public keys"));
        }
        (AuthWord::None, None) => (NewProof::None, None),
        (_, Some(_)) => return Err(ApiError::refused("/jwks", "keys are for `private_key_jwt`")),
    };
    Ok((NewClient { id: body.client_id, proof, terms }, secret))
}

/// A secret of 256 bits and its hash, which takes a while on purpose.
pub(in crate::web) async fn fresh_secret(web: &Web) -> Result<(Secret, String), ApiError> {
    let secret = web.broker.clock().fresh_token();
    let (clock, kept) = (web.broker.clock().clone(), secret.clone());
    let hashed = tokio::task::spawn_blocking(move || secret_hash::build(&kept, &clock)).await;
    let hash = hashed.ok().and_then(Result::ok).ok_or(ApiError::Internal)?;
    Ok((secret, hash))
}

impl ClientView {
    pub(super) fn of(client: &Client, source: SourceWord, used: Option<Timestamp>, now: Timestamp) -> Self {
        let auth = match (&client.secret_hash, &client.keys) {
            (_, Some(_)) => AuthWord::PrivateKeyJwt,
            (Some(_), None) => AuthWord::ClientSecret,
            (None, None) => AuthWord::None,
        };
        let previous = client.previous_secret.as_ref().map(|previous| previous.until);
        Self {
            client_id: client.client_id.clone(),
            name: client.name.clone(),
            scopes: client.scopes.iter().map(str::to_owned).collect(),
            grant_types: client.grant_types.iter().map(|grant| grant.as_str()).collect(),
            auth,
            redirect_uris: client.redirect_uris.iter().map(|uri| uri.as_str().to_owned()).collect(),
            pkce: if client.pkce_optional { PkceWord::Optional } else { PkceWord::Required },
            allow_from: client.allow_from.iter().map(ToString::to_string).collect(),
            source,
            last_used_at: used,
            previous_secret_until: previous.filter(|until| *until > now),
            client_secret: None,
        }
    }

    /// One that was made just now.
    fn fresh(client: &NewClient, secret: Option<Secret>) -> Self {
        let auth = match client.proof {
            NewProof::Secret(_) => AuthWord::ClientSecret,
            NewProof::Keys(_) => AuthWord::PrivateKeyJwt,
            NewProof::None => AuthWord::None,
        };
        let terms = &client.terms;
        Self {
            client_id: client.id.clone(),
            name: terms.name.clone(),
            scopes: terms.scopes.iter().map(str::to_owned).collect(),
            grant_types: terms.grant_types.iter().map(|grant| grant.as_str()).collect(),
            auth,
            redirect_uris: terms.redirect_uris.clone(),
            pkce: if terms.pkce_optional { PkceWord::Optional } else { PkceWord::Required },
            allow_from: terms.allow_from.clone(),
            source: SourceWord::Stored,
            last_used_at: None,
            previous_secret_until: None,
            client_secret: secret.map(|secret| secret.expose().to_owned()),
        }
    }
}
