//! What load balancers and operators ask. These answer on any host.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
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
    match host::peer(request.extensions()) {
        Some(peer) if !peer.is_loopback() && request.extensions().get::<OnOps>().is_none() => {
            Err(ApiError::NoSuchPath)
        }
        _ => Ok(Json(json!({"name": env!("CARGO_PKG_NAME"), "version": env!("CARGO_PKG_VERSION")}))),
    }
}
