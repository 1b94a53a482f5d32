//! What load balancers and operators ask. These answer on any host.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

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
    /// `ok` or `unavailable`.
    #[schema(examples("ok"))]
    status: &'static str,
    /// `ok` or `unavailable`.
    #[schema(examples("ok"))]
    store: &'static str,
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
/// Answers on any host; load balancers send customers only where this is 200.
#[utoipa::path(
    get, path = "/readyz", operation_id = "ready", tag = "Operations",
    responses(
        (status = 200, description = "It can.", body = Readiness),
        (status = 503, description = "It cannot, and why.", body = Readiness),
    )
)]
pub async fn ready(State(web): State<Arc<Web>>) -> (StatusCode, Json<Readiness>) {
    match web.broker.is_ready().await {
        Ok(()) => (StatusCode::OK, Json(Readiness { status: "ok", store: "ok" })),
        Err(error) => {
            tracing::error!(detail = %error, "ready.store_unavailable");
            let unavailable = Readiness { status: "unavailable", store: "unavailable" };
            (StatusCode::SERVICE_UNAVAILABLE, Json(unavailable))
        }
    }
}

/// Which version answers?
///
/// On any host, but for loopback peers only, unless the operator has an address of its own (`ops.listen`).
#[utoipa::path(
    get, path = "/version", operation_id = "version", tag = "Operations",
    responses(
        (status = 200, description = "Name and version.", body = Version),
        (status = 404, description = "The caller is no operator.", body = super::error::ProblemDocument,
            content_type = "application/problem+json"),
    )
)]
pub async fn version(request: Request) -> Result<Json<Version>, ApiError> {
    for_operator(&request)?;
    Ok(Json(Version { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") }))
}

/// How is it going?
///
/// Counters and histograms in the text form of Prometheus, for those who may ask for the version too.
#[utoipa::path(
    get, path = "/metrics", operation_id = "metrics", tag = "Operations",
    responses(
        (status = 200, description = "The figures.", body = String, content_type = "text/plain; version=0.0.4"),
        (status = 404, description = "The caller is no operator.", body = super::error::ProblemDocument,
            content_type = "application/problem+json"),
    )
)]
pub async fn metrics(State(web): State<Arc<Web>>, request: Request) -> Result<Response, ApiError> {
    for_operator(&request)?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], web.metrics.render())
        .into_response())
}

/// Whoever else asks is told nothing, not even that there is something to ask.
fn for_operator(request: &Request) -> Result<(), ApiError> {
    let forwarded = ["forwarded", "x-forwarded-for"].iter().any(|name| request.headers().contains_key(*name));
    let peer = host::peer(request.extensions());
    // A proxy on this machine speaks for others.
    let near = peer.is_none_or(|peer| peer.is_loopback()) && !forwarded;
    let on_ops = request.extensions().get::<OnOps>().is_some();
    if near || on_ops { Ok(()) } else { Err(ApiError::NoSuchPath) }
}
