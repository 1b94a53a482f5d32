//! Turns requests away at once when too many are at work (SECURITY 29).

use axum::extract::Request;
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::issuer::TokenError;

use super::error::ApiError;
use super::limit::work::{Full, RETRY_AFTER};
use super::oauth::answer::OAuthError;
use super::page::{self, Notice, Visitor};
use super::{Web, measure};

/// Runs the request, if there is a place for it.
pub async fn run(web: &Web, id: &str, request: Request, next: Next) -> Response {
    match web.limits.work.begin(&request) {
        Ok(_place) => measure::run(web, id, request, next).await,
        Err(Full) => turned_away(web, id, &request),
    }
}

fn turned_away(web: &Web, id: &str, request: &Request) -> Response {
    let path = request.uri().path();
    if path.starts_with("/v1/oauth/") {
        return OAuthError::Token(TokenError::Busy).into_response();
    }
    if path.starts_with("/v1/") || path.starts_with("/api/") {
        return ApiError::Overloaded.into_response();
    }
    let language = request.headers().get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let visitor =
        Visitor { accept_language: language, request_id: id, https: web.https, ..Visitor::default() };
    page::notice(&visitor, Notice::Unavailable { retry_after: RETRY_AFTER })
}
