//! The smallest provider that a login needs: every authorization is a person of its own.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// Starts it on a free port of 127.0.0.1; answers its origin.
pub async fn start() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new()
        .route("/authorize", get(authorize))
        .route("/token", post(token))
        .route("/whoami", get(whoami))
        .with_state(Arc::new(AtomicU64::new(0)));
    tokio::spawn(async move { axum::serve(listener, router).await });
    origin
}

async fn authorize(
    State(people): State<Arc<AtomicU64>>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let person = people.fetch_add(1, Ordering::Relaxed);
    let location = format!("{}?code=p{person}&state={}", query["redirect_uri"], query["state"]);
    (StatusCode::FOUND, [(header::LOCATION, location)]).into_response()
}

async fn token(Form(form): Form<HashMap<String, String>>) -> Json<Value> {
    Json(json!({"access_token": form["code"], "token_type": "Bearer", "expires_in": 60}))
}

async fn whoami(headers: HeaderMap) -> Json<Value> {
    let person = headers[header::AUTHORIZATION].to_str().unwrap().trim_start_matches("Bearer ");
    Json(json!({"user": {"id": person, "name": "Billy Bob", "email": format!("{person}@example.com")}}))
}
