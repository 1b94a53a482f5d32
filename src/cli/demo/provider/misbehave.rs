//! What the demo provider does when it is told to misbehave.

use std::time::Duration;

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::trick::Trick;
use super::whoami;

/// How long *slow* is.
const SLOW: Duration = Duration::from_secs(3);
/// How long *never* is: longer than anybody waits.
const NEVER: Duration = Duration::from_mins(1);
/// More bytes than any client should read of such an answer.
const HUGE: usize = 2 * 1024 * 1024 + 1;
/// No JSON, and what many servers send when they are out of order.
const GARBAGE: &str = "<html><body>It works!</body></html>";

/// Waits, if that is the trick.
pub(super) async fn wait(trick: Trick) {
    match trick {
        Trick::TokenSlow | Trick::WhoamiSlow => tokio::time::sleep(SLOW).await,
        Trick::TokenHang | Trick::WhoamiHang => tokio::time::sleep(NEVER).await,
        _ => {}
    }
}

/// The answer that a trick puts in place of a token response. The code is not spent by it.
pub(super) fn instead_of_token(trick: Trick) -> Option<Response> {
    match trick {
        Trick::TokenInvalidGrant => {
            let body = json!({"error": "invalid_grant", "error_description": "Call +1 555 0199 to unlock <b>now</b>"});
            Some((StatusCode::BAD_REQUEST, Json(body)).into_response())
        }
        Trick::TokenInvalidClient => {
            Some((StatusCode::UNAUTHORIZED, Json(json!({"error": "invalid_client"}))).into_response())
        }
        Trick::TokenError => Some((StatusCode::INTERNAL_SERVER_ERROR, GARBAGE).into_response()),
        Trick::TokenGarbage => Some(GARBAGE.into_response()),
        Trick::TokenHuge => Some(huge("access_token")),
        Trick::TokenRedirect => {
            Some((StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, "/whoami")]).into_response())
        }
        _ => None,
    }
}

/// A right token response, changed a little by some tricks.
pub(super) fn twist_token(trick: Option<Trick>, mut answer: Map<String, Value>) -> Response {
    match trick {
        Some(Trick::TokenMissing) => {
            answer.shift_remove("access_token");
        }
        Some(Trick::TokenNoType) => {
            answer.shift_remove("token_type");
        }
        Some(Trick::TokenTextExpiry) => {
            answer.insert("expires_in".to_owned(), json!("3600"));
        }
        Some(Trick::TokenPlain) => return Value::Object(answer).to_string().into_response(),
        Some(Trick::TokenTwice) => {
            let body = Value::Object(answer).to_string().replacen('{', "{\"access_token\":\"another\",", 1);
            return ([(header::CONTENT_TYPE, "application/json")], body).into_response();
        }
        _ => {}
    }
    ([(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response()
}

/// The answer that a trick puts in place of a person.
pub(super) fn instead_of_whoami(trick: Trick) -> Option<Response> {
    match trick {
        Trick::WhoamiRefused => Some(whoami::refuse()),
        Trick::WhoamiError => Some((StatusCode::INTERNAL_SERVER_ERROR, GARBAGE).into_response()),
        Trick::WhoamiGarbage => Some(GARBAGE.into_response()),
        Trick::WhoamiWrong => Some(Json(json!([1, 2, 3])).into_response()),
        Trick::WhoamiNobody => Some(Json(json!({"status": "ok"})).into_response()),
        Trick::WhoamiHuge => Some(huge("name")),
        Trick::WhoamiHostile => {
            let name = "<script>alert(1)</script>\u{202e} \"'&{{7*7}}";
            let user = json!({"id": "mallory", "name": name, "email": "mallory@example.com"});
            Some(Json(json!({"user": user})).into_response())
        }
        _ => None,
    }
}

fn huge(member: &str) -> Response {
    Json(json!({member: "x".repeat(HUGE)})).into_response()
}
