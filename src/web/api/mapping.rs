//! Mappings: try one on a sample.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::domain::conversation::ConversationRef;
use crate::domain::ids::ProviderId;
use crate::domain::provider::Mapping;
use crate::flow::preview::Sample;
use crate::web::Web;
use crate::web::caller::{Caller, ReadProviders};
use crate::web::error::ApiError;
use crate::web::strict_json::StrictJson;

/// The body of `POST /v1/mapping/preview`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PreviewBody {
    mapping: Option<Mapping>,
    whoami: Value,
    claims: Option<Value>,
    provider: Option<ProviderId>,
    conversation: Option<ConversationRef>,
}

/// `POST /v1/mapping/preview`: the profile, what a contact would take of it, what
/// the tenant's rules would set, and what was repaired.
pub async fn preview(
    caller: Caller<ReadProviders>,
    State(web): State<Arc<Web>>,
    StrictJson(body): StrictJson<PreviewBody>,
) -> Result<Json<Value>, ApiError> {
    let PreviewBody { mapping, whoami, claims, provider, conversation } = body;
    let sample = Sample { mapping, whoami, claims, provider, conversation };
    let preview = web.broker.preview_mapping(&caller.tenant, &sample)?;
    let mut view = json!({
        "profile": preview.signed_in.profile,
        "subject": preview.signed_in.subject,
        "verified": {
            "email": preview.signed_in.email_verified,
            "phone": preview.signed_in.phone_verified,
        },
        "contactChanges": preview.contact_changes,
        "warnings": preview.signed_in.warnings,
    });
    if let Some(fields) = preview.fields {
        view["fields"] = Value::Object(fields);
    }
    if !preview.repaired.is_empty() {
        view["repaired"] = repaired(preview.repaired);
    }
    Ok(Json(view))
}

/// The repaired expression as a text; of a table mapping, an object with the repaired fields.
fn repaired(texts: Vec<(Option<String>, String)>) -> Value {
    let mut by_field = Map::new();
    for (field, text) in texts {
        match field {
            None => return Value::String(text),
            Some(field) => by_field.insert(field, Value::String(text)),
        };
    }
    Value::Object(by_field)
}
