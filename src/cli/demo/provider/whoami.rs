//! The WhoAmI endpoint of the seed "End User OAuth".

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::backstage::Backstage;
use super::misbehave;
use super::trick::Stage;

/// `GET /whoami`, with the access token as a bearer (RFC 6750, 2.1).
pub async fn whoami(State(backstage): State<Backstage>, headers: HeaderMap) -> Response {
    backstage.count(|counters| counters.whoami += 1);
    if let Some(trick) = backstage.next_trick(Stage::Whoami) {
        misbehave::wait(trick).await;
        if let Some(response) = misbehave::instead_of_whoami(trick) {
            return response;
        }
    }
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = bearer.and_then(|value| value.strip_prefix("Bearer "));
    match token.and_then(|token| backstage.person(token)) {
        Some(person) => Json(person.whoami()).into_response(),
        None => refuse(),
    }
}

/// 401 (RFC 6750, 3).
pub(super) fn refuse() -> Response {
    let challenge = [(header::WWW_AUTHENTICATE, "Bearer error=\"invalid_token\"")];
    (StatusCode::UNAUTHORIZED, challenge, Json(json!({"error": "invalid_token"}))).into_response()
}
