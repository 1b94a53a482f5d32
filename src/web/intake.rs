//! What every request gets even if no handler can answer it: one whose handler panics, whose body did not arrive in
//! time or is one too many to wait for, or whose URI is too long, is refused in the form of its path, as everything else
//! is.

use std::panic::AssertUnwindSafe;

use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt as _;

use crate::issuer::TokenError;

use super::error::ApiError;
use super::limit::bodies::Crowded;
use super::limit::work::RETRY_AFTER;
use super::listener::Intake;
use super::oauth::answer::OAuthError;
use super::page::{self, Notice};

/// Answers a request: by its handler, if the listener found nothing wrong with it.
pub async fn answer<A>(https: bool, id: &str, request: Request, handle: impl FnOnce(Request) -> A) -> Response
where
    A: Future<Output = Response>,
{
    let intake = request.extensions().get::<Intake>().cloned();
    let crowded = request.extensions().get::<Crowded>().cloned();
    let refusal = || {
        let is_crowded = crowded.as_ref().is_some_and(Crowded::is_so);
        let refused = intake.as_ref().and_then(Intake::refusal);
        refused.or_else(|| is_crowded.then_some(StatusCode::SERVICE_UNAVAILABLE))
    };
    let asker = Asker::of(&request);
    if let Some(status) = refusal() {
        return asker.refuse(https, id, status);
    }
    let Ok(response) = AssertUnwindSafe(handle(request)).catch_unwind().await else {
        tracing::error!(request_id = id, "http.handler_panicked");
        return asker.refuse(https, id, StatusCode::INTERNAL_SERVER_ERROR);
    };
    // Whatever the handler made of half a body, the client is told what was wrong with it.
    refusal().map_or(response, |status| asker.refuse(https, id, status))
}

/// What must be known of a request to refuse it when it is gone.
pub struct Asker {
    is_program: bool,
    is_at_issuer: bool,
    language: Option<HeaderValue>,
}

impl Asker {
    /// Who sent a request.
    pub fn of(request: &Request) -> Self {
        Self {
            is_program: super::is_for_programs(request.uri()),
            is_at_issuer: request.uri().path().starts_with("/v1/oauth/"),
            language: request.headers().get(header::ACCEPT_LANGUAGE).cloned(),
        }
    }

    /// The answer while there is no place for the request.
    pub fn turn_away(&self, https: bool, id: &str) -> Response {
        if self.is_at_issuer {
            return OAuthError::Token(TokenError::Busy).into_response();
        }
        self.answer(https, id, ApiError::Overloaded, Notice::Unavailable { retry_after: RETRY_AFTER })
    }

    fn refuse(&self, https: bool, id: &str, status: StatusCode) -> Response {
        let (error, notice) = match status {
            StatusCode::URI_TOO_LONG => (ApiError::UriTooLong, Notice::UriTooLong),
            StatusCode::REQUEST_TIMEOUT => (ApiError::TooLate, Notice::TooLate),
            StatusCode::SERVICE_UNAVAILABLE => return self.turn_away(https, id),
            _ => (ApiError::Internal, Notice::Internal),
        };
        self.answer(https, id, error, notice)
    }

    fn answer(&self, https: bool, id: &str, error: ApiError, notice: Notice) -> Response {
        if self.is_program {
            return error.into_response();
        }
        let visitor = page::Visitor {
            accept_language: self.language.as_ref().and_then(|value| value.to_str().ok()),
            request_id: id,
            https,
            ..page::Visitor::default()
        };
        page::notice(&visitor, notice)
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::http::Uri;
    use axum::middleware::{Next, from_fn};
    use axum::routing::get;
    use tower::ServiceExt as _;

    use super::*;

    async fn ask(path: &str) -> Response {
        let panics = get(async || -> StatusCode { panic!("a handler's bug") });
        let router = Router::new().route("/v1/x", panics.clone()).route("/a/x", panics);
        let router = router.layer(from_fn(async |request, next: Next| {
            answer(true, "rq_1", request, |request| next.run(request)).await
        }));
        router.oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap()
    }

    #[tokio::test]
    async fn a_panic_is_answered_as_every_fault_of_our_own_is() {
        let problem = ask("/v1/x").await;
        assert_eq!(problem.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(problem.headers()["content-type"], "application/problem+json");
        let page = ask("/a/x").await;
        assert_eq!(page.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert!(page.headers()["content-security-policy"].to_str().unwrap().contains("default-src 'none'"));
    }

    #[test]
    fn programs_are_told_apart_from_browsers_by_the_path() {
        let is_program = |uri: &'static str| crate::web::is_for_programs(&Uri::from_static(uri));
        assert!(
            is_program("/v1/auth-links?x=1") && is_program("/api/oauth2/jwks") && is_program("/openapi.json")
        );
        assert!(!is_program("/a/token") && !is_program("/v1x") && !is_program("/"));
    }
}
