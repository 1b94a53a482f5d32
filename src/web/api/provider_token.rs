//! The token vault: an access token of the provider, to call the tenant's own API for a customer.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::ids::{ContactId, ConversationId, ProviderId};
use crate::domain::vault::ProviderTokens;
use crate::flow::vault::TokenWanted;
use crate::web::Web;
use crate::web::caller::{Caller, ReadProviderTokens, Scope as _};
use crate::web::error::{ApiError, ProblemDocument};
use crate::web::openapi::answers::{Called, Sought, Stored, WithBody};
use crate::web::segment::Segment;
use crate::web::strict_json::StrictJson;

/// Of which provider, and in which conversation the customer is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = ProviderTokenWanted)]
pub struct TokenBody {
    /// The provider at which the customer signed in.
    provider: ProviderId,
    /// The conversation, which must be verified now, for this contact, by this provider.
    conversation_id: ConversationId,
}

/// An access token of the provider. Do not keep it: ask again for the next call.
// The one answer that holds a provider's token: that is what it is for.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ProviderToken)]
pub struct TokenView {
    /// The provider.
    provider: ProviderId,
    /// What the tenant's own API takes.
    #[schema(examples("eyJhbGciOiJSUzI1NiIsInR5cCI6ImF0K2p3dCJ9"))]
    access_token: String,
    /// How it is sent, mostly `Bearer`.
    #[schema(examples("Bearer"))]
    token_type: String,
    /// When it stops to be good; null if the provider does not say.
    #[schema(required)]
    expires_at: Option<Timestamp>,
    /// What it may do, as far as the provider or the settings say; null if neither does.
    #[schema(required, examples("read"))]
    scope: Option<String>,
}

impl TokenView {
    fn of(provider: ProviderId, tokens: ProviderTokens) -> Self {
        Self {
            provider,
            access_token: tokens.access_token.expose().to_owned(),
            token_type: tokens.token_type,
            expires_at: tokens.expires_at,
            scope: tokens.scope,
        }
    }
}

/// Be given a provider's access token
///
/// A good access token of the provider, to call the tenant's own API for this customer, while the conversation is
/// verified. It is refreshed first where less than a minute of it is left. The provider's setting `vault` must be on.
/// Each one that is given stands in the audit. While the provider cannot be asked the answer is 503
/// (`provider_out_of_order`) with `Retry-After`.
#[utoipa::path(
    post, path = "/v1/contacts/{id}/provider-token", operation_id = "readProviderToken", tag = "Contacts",
    security(("oauth2" = [ReadProviderTokens::NAME])),
    params(("id" = ContactId, Path, description = "The contact.")),
    request_body = TokenBody,
    responses(
        (status = 200, description = "The access token, never to be cached.", body = TokenView,
            headers(("Cache-Control" = String, description = "`no-store`."))),
        Called, WithBody, Sought, Stored,
        (status = 409, description = "The conversation is not verified now, for this contact, by this provider \
            (`not_verified`); there is no token that the provider still takes (`sign_in_again`); or the provider's \
            tokens are not kept (`vault_off`).",
            body = ProblemDocument, content_type = "application/problem+json"),
        (status = 502, description = "The provider gave no fresh token: `provider_failed`.",
            body = ProblemDocument, content_type = "application/problem+json"),
        (status = 504, description = "The provider did not answer in time: `provider_timeout`.",
            body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn read(
    caller: Caller<ReadProviderTokens>,
    State(web): State<Arc<Web>>,
    Segment(id): Segment,
    StrictJson(body): StrictJson<TokenBody>,
) -> Result<Response, ApiError> {
    let contact = id.parse().map_err(|_| ApiError::NotFound)?;
    let TokenBody { provider, conversation_id: conversation } = body;
    let wanted = TokenWanted { contact, provider, conversation };
    let tokens = web.broker.provider_token(&caller.tenant, &caller.actor(), &wanted).await?;
    let told = Json(TokenView::of(wanted.provider, tokens));
    Ok(([(header::CACHE_CONTROL, "no-store")], told).into_response())
}
