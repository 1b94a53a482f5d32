//! What load balancers and operators ask. These answer on any host.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::Web;
use super::error::ApiError;
use super::host;

/// Marks a request that came in on the operator's own address.
#[derive(Debug, Clone, Copy)]
pub struct OnOps;

/// `/livez`: the process answers.
pub async fn live() -> Json<Value> {
    Json(json!({"status": "ok"}))
}

/// `/readyz`: the process can do its work; 503 with the reason if not.
pub async fn ready(State(web): State<Arc<Web>>) -> (StatusCode, Json<Value>) {
    match web.broker.is_ready().await {
        Ok(()) => (StatusCode::OK, Json(json!({"status": "ok", "store": "ok"}))),
        Err(error) => {
            tracing::error!(detail = %error, "ready.store_unavailable");
            (StatusCode::SERVICE_UNAVAILABLE, Json(json!({"status": "unavailable", "store": "unavailable"})))
        }
    }
}

/// `/version`: for loopback peers, and on the operator's own address.
pub async fn version(request: Request) -> Result<Json<Value>, ApiError> {
    for_operator(&request)?;
    Ok(Json(json!({"name": env!("CARGO_PKG_NAME"), "version": env!("CARGO_PKG_VERSION")})))
}

/// `/metrics`: in the text form of Prometheus, for the same askers.
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
