//! The messaging platform's side: calls of the broker's public API. They are real requests with a
//! real token; only the socket is left out, because both live in one process.

use std::sync::Mutex;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::request::Builder;
use axum::http::{Method, Request, StatusCode, header};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::secret::Secret;

/// The most bytes of an answer that are read.
const ANSWER: usize = 4 * 1024 * 1024;

/// Why a call did not work.
#[derive(Debug, thiserror::Error)]
pub enum PlatformError {
    /// The broker answered with another status than success.
    #[error("{method} {path} was answered with {status}: {detail}")]
    Refused {
        /// The request's method.
        method: Method,
        /// The request's path.
        path: String,
        /// The answer's status.
        status: StatusCode,
        /// The answer's `detail` or `error`.
        detail: String,
    },
    /// The answer could not be read.
    #[error("the answer to {path} is no JSON")]
    Unreadable {
        /// The request's path.
        path: String,
    },
}

/// A client of the broker's API.
#[derive(Debug)]
pub struct Platform {
    broker: Router,
    host: String,
    client_id: String,
    client_secret: Secret,
    token: Mutex<Option<String>>,
}

impl Platform {
    /// A client that calls `broker` under the host name `host` (with port) as this OAuth client.
    pub fn new(broker: Router, host: String, (client_id, client_secret): (String, Secret)) -> Self {
        Self { broker, host, client_id, client_secret, token: Mutex::default() }
    }

    /// The host name under which the broker, and so this page, is served.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Reads something.
    pub async fn get(&self, path: &str) -> Result<Value, PlatformError> {
        self.call(Method::GET, path, None).await
    }

    /// Makes or does something.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, PlatformError> {
        self.call(Method::POST, path, Some(body)).await
    }

    /// Posts a form, as a customer's phone does: without a token of the platform's.
    pub async fn post_form(&self, path: &str, form: &str) -> Result<Value, PlatformError> {
        let request = self.request(&Method::POST, path);
        let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.answer((Method::POST, path), request.body(Body::from(form.to_owned()))).await
    }

    /// Calls with the token at hand; where it is refused, once more with a fresh one.
    async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, PlatformError> {
        let known = self.known_token();
        if let Some(token) = known {
            let answer = self.send(method.clone(), path, body, Some(&token)).await;
            if !matches!(answer, Err(PlatformError::Refused { status: StatusCode::UNAUTHORIZED, .. })) {
                return answer;
            }
        }
        let token = self.fresh_token().await?;
        self.send(method, path, body, Some(&token)).await
    }

    fn known_token(&self) -> Option<String> {
        self.token.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    async fn fresh_token(&self) -> Result<String, PlatformError> {
        let path = "/v1/oauth/token";
        let body = json!({
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": self.client_secret.expose(),
        });
        let answer = self.send(Method::POST, path, Some(&body), None).await?;
        let token = answer["access_token"].as_str();
        let token = token.ok_or_else(|| PlatformError::Unreadable { path: path.to_owned() })?.to_owned();
        *self.token.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(token.clone());
        Ok(token)
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        token: Option<&str>,
    ) -> Result<Value, PlatformError> {
        let mut request = self.request(&method, path);
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        self.answer((method, path), request.body(body)).await
    }

    fn request(&self, method: &Method, path: &str) -> Builder {
        Request::builder().method(method.clone()).uri(path).header(header::HOST, &self.host)
    }

    async fn answer(
        &self,
        (method, path): (Method, &str),
        request: Result<Request<Body>, axum::http::Error>,
    ) -> Result<Value, PlatformError> {
        let request = request.expect("the desk names its own paths and a host that was listened on");
        let response = self.broker.clone().oneshot(request).await.unwrap_or_else(|never| match never {});
        let status = response.status();
        let unreadable = || PlatformError::Unreadable { path: path.to_owned() };
        let bytes = to_bytes(response.into_body(), ANSWER).await.map_err(|_| unreadable())?;
        if status.is_success() {
            return serde_json::from_slice(&bytes).map_err(|_| unreadable());
        }
        let answer: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let detail = answer["detail"].as_str().or(answer["error"].as_str()).unwrap_or_default().to_owned();
        Err(PlatformError::Refused { method, path: path.to_owned(), status, detail })
    }
}
