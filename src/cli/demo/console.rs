//! The way from the demo page into the agent's console: whoever sits at this machine is let in as the demo's own
//! member of staff. The demo is served on loopback only, and this only for its own page.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;

use crate::domain::staff::SignedInBy;
use crate::flow::Broker;
use crate::flow::staff::session::Browser;
use crate::web::staff::plain_cookie;
use crate::web::visit::see_other;

use super::desk::refusal;

/// What the way needs.
struct Way {
    broker: Arc<Broker>,
    /// Host and port of the demo, as the browser writes them.
    host: String,
}

/// The route `POST /demo/console`.
pub fn router(broker: Arc<Broker>, host: String) -> Router {
    let way = Arc::new(Way { broker, host });
    Router::new().route("/demo/console", post(enter)).with_state(way)
}

/// Signs the browser in and leads it to the console.
async fn enter(State(way): State<Arc<Way>>, request: Request) -> Response {
    if let Some(refusal) = refusal(&way.host, &request) {
        return refusal.into_response();
    }
    let tenant = way.host.rsplit_once(':').and_then(|(host, _)| way.broker.tenant_at(host));
    let member = tenant.as_ref().and_then(|tenant| tenant.staff.first().map(|member| (tenant, member)));
    let Some((tenant, member)) = member else { return StatusCode::NOT_FOUND.into_response() };
    let device = request.headers().get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    let browser = Browser {
        device: crate::web::staff::device(device.unwrap_or_default()),
        locale: "en".to_owned(),
        zone: "UTC".to_owned(),
    };
    match way.broker.begin_session(tenant, member, SignedInBy::Demo, &browser).await {
        Ok(begun) => {
            let mut response = see_other("/console");
            response.headers_mut().insert(header::SET_COOKIE, plain_cookie(&begun.cookie));
            response
        }
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, HeaderValue::from_static("2"))])
            .into_response(),
    }
}
