//! Mappings: try one on a sample.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::domain::conversation::ConversationRef;
use crate::domain::ids::ProviderId;
use crate::domain::provider::Mapping;
use crate::flow::preview::Sample;
use crate::web::Web;
use crate::web::caller::{Caller, ReadProviders, Scope as _};
use crate::web::error::ApiError;
use crate::web::openapi::answers::{Called, WithBody};
use crate::web::strict_json::StrictJson;

use super::view::PreviewView;

/// A mapping and what it is tried on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MappingSample, examples(super::examples::sample))]
pub struct PreviewBody {
    /// The mapping; without it the provider's, or the default one.
    mapping: Option<Mapping>,
    /// What the WhoAmI endpoint would answer.
    whoami: Value,
    /// What a verified id_token would hold.
    claims: Option<Value>,
    /// Whose subject, trusted fields and policies are used.
    provider: Option<ProviderId>,
    /// In which conversation the sign-in would be, for the rules.
    conversation: Option<ConversationRef>,
}

/// Try a mapping
///
/// Answers the profile that the mapping makes of a sample, what an empty contact would take of it, what the
/// tenant's rules would set, and what was repaired. Nothing is stored.
#[utoipa::path(
    post, path = "/v1/mapping/preview", operation_id = "previewMapping", tag = "Mappings",
    security(("oauth2" = [ReadProviders::NAME])),
    request_body = PreviewBody,
    responses((status = 200, description = "What the mapping makes of it.", body = PreviewView), Called, WithBody)
)]
pub async fn preview(
    caller: Caller<ReadProviders>,
    State(web): State<Arc<Web>>,
    StrictJson(body): StrictJson<PreviewBody>,
) -> Result<Json<PreviewView>, ApiError> {
    let PreviewBody { mapping, whoami, claims, provider, conversation } = body;
    let sample = Sample { mapping, whoami, claims, provider, conversation };
    let preview = web.broker.preview_mapping(&caller.tenant, &sample)?;
    Ok(Json(preview.into()))
}
