//! Settings of a provider, from what its issuer says of itself.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::domain::trial::Proposal;
use crate::flow::discover::{Discovered, Fitting};
use crate::web::Web;
use crate::web::caller::{Caller, Scope as _, WriteProviders};
use crate::web::error::ApiError;
use crate::web::openapi::answers::{Called, Stored, WithBody};
use crate::web::strict_json::StrictJson;

/// The longest text that may be an issuer, in bytes.
const LONGEST: usize = 2000;

/// Who is asked.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = IssuerToDiscover)]
pub struct DiscoverBody {
    /// A domain, an issuer with or without a slash at its end, or the address of its metadata.
    #[schema(min_length = 1, max_length = 2000, examples("id.acme.example"))]
    issuer: String,
}

/// What an issuer says of itself, and what to write.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DiscoveredProvider, examples(super::trial_examples::discovered))]
pub struct DiscoveredView {
    /// What to write as `issuer`, to the last byte.
    issuer: String,
    /// Proposed settings; client id and secret are the provider's to give.
    #[schema(value_type = Object)]
    settings: Map<String, Value>,
    /// The same as lines of a tenant's file.
    toml: String,
    announced: AnnouncedView,
    presets: Vec<PresetView>,
    /// Spellings that were tried before.
    tried: Vec<TriedView>,
    warnings: Vec<String>,
}

/// What is announced; null where the issuer says nothing.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AnnouncedByIssuer)]
pub struct AnnouncedView {
    #[schema(required)]
    authorization_endpoint: Option<String>,
    #[schema(required)]
    token_endpoint: Option<String>,
    #[schema(required)]
    userinfo_endpoint: Option<String>,
    #[schema(required)]
    jwks_uri: Option<String>,
    #[schema(required)]
    pushed_authorization_request_endpoint: Option<String>,
    /// How a client may authenticate.
    #[schema(required)]
    client_auth: Option<Vec<String>>,
    /// Methods of PKCE.
    #[schema(required)]
    pkce: Option<Vec<String>>,
    #[schema(required)]
    scopes: Option<Vec<String>>,
    id_token_algs: Vec<String>,
    userinfo_algs: Vec<String>,
    /// Whether every callback names the issuer (RFC 9207).
    callback_names_issuer: bool,
    /// Whether every request must be pushed (RFC 9126).
    must_be_pushed: bool,
}

/// A preset that fits.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FittingPreset)]
pub struct PresetView {
    /// What to write as `preset`.
    id: &'static str,
    title: &'static str,
}

/// A spelling that led nowhere.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TriedIssuer)]
pub struct TriedView {
    issuer: String,
    fault: String,
}

/// Discover a provider
///
/// Fills settings from an issuer's metadata, however the issuer is written, and says how it must be written. Nothing is
/// stored.
#[utoipa::path(
    post, path = "/v1/providers/discover", operation_id = "discoverProvider", tag = "Providers",
    security(("oauth2" = [WriteProviders::NAME])),
    request_body = DiscoverBody,
    responses((status = 200, description = "What it says of itself.", body = DiscoveredView), Called, WithBody, Stored)
)]
pub async fn discover(
    caller: Caller<WriteProviders>,
    State(web): State<Arc<Web>>,
    StrictJson(body): StrictJson<DiscoverBody>,
) -> Result<Json<DiscoveredView>, ApiError> {
    let given = body.issuer.trim();
    if given.is_empty() || given.len() > LONGEST {
        return Err(ApiError::refused("/issuer", "an issuer is a url of at most 2000 bytes, or a domain"));
    }
    let found = web.broker.discover(&caller.tenant, given).await;
    let found = found.map_err(|nothing| ApiError::refused("/issuer", nothing.to_string()))?;
    Ok(Json(DiscoveredView::of(found)))
}

impl DiscoveredView {
    fn of(found: Discovered) -> Self {
        let proposals = found.settings.iter().map(|(name, value)| Proposal::text(name, value, ""));
        let (mut settings, mut toml) = (Map::new(), String::new());
        for proposal in proposals {
            toml.push_str(&proposal.toml);
            toml.push('\n');
            settings.insert(proposal.setting, proposal.value);
        }
        let metadata = found.metadata;
        let text = |url: Option<url::Url>| url.map(String::from);
        let names =
            |names: Vec<crate::domain::algorithm::Algorithm>| names.iter().map(ToString::to_string).collect();
        Self {
            issuer: found.issuer,
            settings,
            toml,
            announced: AnnouncedView {
                id_token_algs: names(metadata.id_token_algorithms()),
                userinfo_algs: match metadata.userinfo_signing_alg_values_supported {
                    Some(_) => names(metadata.userinfo_algorithms()),
                    None => Vec::new(),
                },
                authorization_endpoint: text(metadata.authorization_endpoint),
                token_endpoint: text(metadata.token_endpoint),
                userinfo_endpoint: text(metadata.userinfo_endpoint),
                jwks_uri: text(metadata.jwks_uri),
                pushed_authorization_request_endpoint: text(metadata.pushed_authorization_request_endpoint),
                client_auth: metadata.token_endpoint_auth_methods_supported,
                pkce: metadata.code_challenge_methods_supported,
                scopes: metadata.scopes_supported,
                callback_names_issuer: metadata.authorization_response_iss_parameter_supported,
                must_be_pushed: metadata.require_pushed_authorization_requests,
            },
            presets: found.presets.into_iter().map(PresetView::of).collect(),
            tried: found.tried.into_iter().map(|(issuer, fault)| TriedView { issuer, fault }).collect(),
            warnings: found.warnings,
        }
    }
}

impl PresetView {
    fn of(Fitting { id, title }: Fitting) -> Self {
        Self { id, title }
    }
}
