//! What load balancers and operators ask. These answer on any host.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::setting::SettingFault;

use super::Web;
use super::error::ApiError;
use super::host;

/// Marks a request that came in on the operator's own address.
#[derive(Debug, Clone, Copy)]
pub struct OnOps;

/// That the process answers.
#[derive(Debug, Serialize, ToSchema)]
pub struct Liveness {
    /// Always `ok`.
    #[schema(examples("ok"))]
    status: &'static str,
}

/// Whether the process can do its work, and what keeps it from that.
#[derive(Debug, Serialize, ToSchema)]
pub struct Readiness {
    /// `ok`, `unavailable`, or `stopping` where the broker was told to stop.
    #[schema(examples("ok"))]
    status: &'static str,
    /// `ok` or `unavailable`.
    #[schema(examples("ok"))]
    store: &'static str,
    tenants: TenantsTold,
    keys: KeysTold,
    audit: AuditTold,
}

/// Whether every tenant's audit comes under checkpoints. It keeps nobody from working.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditTold {
    /// How many tenants' entries cannot: their audit was tampered with, or does not open. `countersign audit verify`
    /// says what is wrong.
    stuck_count: usize,
    /// Their names; for loopback peers, and on the operator's own address.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Vec<String>)]
    stuck: Option<Vec<String>>,
}

/// How many tenants are served, and what is wrong with their files. It keeps nobody from working: of each
/// the last good version is served.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TenantsTold {
    /// How many are served.
    served: usize,
    /// How many faults there are.
    fault_count: usize,
    /// The faults; for loopback peers, and on the operator's own address.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Vec<SettingFault>)]
    faults: Option<Vec<SettingFault>>,
}

/// Which keys are in use, and what is wrong with their file: if anything is, the keys are those of an
/// earlier version. All but the count is for loopback peers, and on the operator's own address.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeysTold {
    /// How many faults there are.
    fault_count: usize,
    /// The name of the key that seals.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = String)]
    seal: Option<String>,
    /// The name of the key that signs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = String)]
    sign: Option<String>,
    /// Whether records are on their way to another index key.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = bool)]
    reindexing: Option<bool>,
    /// The faults.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Vec<SettingFault>)]
    faults: Option<Vec<SettingFault>>,
}

/// Which program answers.
#[derive(Debug, Serialize, ToSchema)]
pub struct Version {
    /// Its name.
    #[schema(examples("countersign"))]
    name: &'static str,
    /// Its version.
    #[schema(examples("0.1.0"))]
    version: &'static str,
}

/// Is the process alive?
///
/// It asks nobody, and answers on any host.
#[utoipa::path(
    get, path = "/livez", operation_id = "live", tag = "Operations",
    responses((status = 200, description = "The process answers.", body = Liveness))
)]
pub async fn live() -> Json<Liveness> {
    Json(Liveness { status: "ok" })
}

/// Can the process do its work?
///
/// Answers on any host; load balancers send customers only where this is 200. Faults in the files of tenants and
/// keys do not change that: the last good version is in use.
#[utoipa::path(
    get, path = "/readyz", operation_id = "ready", tag = "Operations",
    responses(
        (status = 200, description = "It can.", body = Readiness),
        (status = 503, description = "It cannot, and why.", body = Readiness),
    )
)]
pub async fn ready(State(web): State<Arc<Web>>, request: Request) -> (StatusCode, Json<Readiness>) {
    let in_detail = for_operator(&web, &request).is_ok();
    drop(request);
    let (tenants, keys) = (tenants_told(&web, in_detail), keys_told(&web, in_detail));
    let audit = audit_told(&web, in_detail);
    match web.broker.is_ready().await {
        Ok(()) if web.broker.is_stopping() => {
            let stopping = Readiness { status: "stopping", store: "ok", tenants, keys, audit };
            (StatusCode::SERVICE_UNAVAILABLE, Json(stopping))
        }
        Ok(()) => (StatusCode::OK, Json(Readiness { status: "ok", store: "ok", tenants, keys, audit })),
        Err(error) => {
            tracing::error!(detail = %error, "ready.store_unavailable");
            let unavailable = Readiness { status: "unavailable", store: "unavailable", tenants, keys, audit };
            (StatusCode::SERVICE_UNAVAILABLE, Json(unavailable))
        }
    }
}

fn tenants_told(web: &Web, in_detail: bool) -> TenantsTold {
    let directory = web.broker.directory();
    let faults = directory.faults();
    TenantsTold {
        served: directory.len(),
        fault_count: faults.len(),
        faults: in_detail.then(|| faults.to_vec()),
    }
}

fn audit_told(web: &Web, in_detail: bool) -> AuditTold {
    let stuck = web.broker.unsealable();
    let names = || stuck.iter().map(ToString::to_string).collect();
    AuditTold { stuck_count: stuck.len(), stuck: in_detail.then(names) }
}

fn keys_told(web: &Web, in_detail: bool) -> KeysTold {
    let keys = web.broker.keys_in_use();
    KeysTold {
        fault_count: keys.faults.len(),
        seal: in_detail.then(|| keys.seal.clone()),
        sign: in_detail.then(|| keys.sign.clone()),
        reindexing: in_detail.then_some(keys.reindexing),
        faults: in_detail.then(|| keys.faults.clone()),
    }
}

/// Which version answers?
///
/// On any host, but for loopback peers only, unless the operator has an address of its own (`ops.listen`).
#[utoipa::path(
    get, path = "/version", operation_id = "version", tag = "Operations",
    responses(
        (status = 200, description = "Name and version.", body = Version),
        (status = 404, description = "The caller is no operator.", body = super::problem::ProblemDocument,
            content_type = "application/problem+json"),
    )
)]
pub async fn version(State(web): State<Arc<Web>>, request: Request) -> Result<Json<Version>, ApiError> {
    for_operator(&web, &request)?;
    Ok(Json(Version { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") }))
}

/// How is it going?
///
/// Counters and histograms in the text form of Prometheus, for those who may ask for the version too.
#[utoipa::path(
    get, path = "/metrics", operation_id = "metrics", tag = "Operations",
    responses(
        (status = 200, description = "The figures.", body = String, content_type = "text/plain; version=0.0.4"),
        (status = 404, description = "The caller is no operator.", body = super::problem::ProblemDocument,
            content_type = "application/problem+json"),
    )
)]
pub async fn metrics(State(web): State<Arc<Web>>, request: Request) -> Result<Response, ApiError> {
    for_operator(&web, &request)?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], web.metrics.render())
        .into_response())
}

/// Whoever else asks is told nothing, not even that there is something to ask.
fn for_operator(web: &Web, request: &Request) -> Result<(), ApiError> {
    let forwarded = ["forwarded", "x-forwarded-for"].iter().any(|name| request.headers().contains_key(*name));
    let peer = host::peer(request.extensions());
    // A proxy on this machine speaks for others.
    let near = !web.has_ops && peer.is_some_and(|peer| peer.is_loopback()) && !forwarded;
    let on_ops = request.extensions().get::<OnOps>().is_some();
    if near || on_ops { Ok(()) } else { Err(ApiError::NoSuchPath) }
}
