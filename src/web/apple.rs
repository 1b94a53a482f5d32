//! The pages that Apple has on record for a tenant: the authorize URL that a phone opens in a sheet, the token endpoint
//! of the older flow, and where the sheet goes in the end (docs/apple.md).

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequest as _, Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::domain::visitor::Visitor;
use crate::flow::native::Away;
use crate::flow::native::relay::RedeemError;
use crate::flow::native::sheet::OpenSheetError;
use crate::flow::open_link::Landing;

use super::Web;
use super::page::{self, Notice};
use super::strict_json::is_too_large;
use super::visit::{Returning, Visit, see_other, too_many};

/// Where Apple's phones open a sign-in.
const AUTHORIZE: &str = "/web/inbound/abc/oauth/authorize";

/// `GET /web/inbound/abc/oauth/authorize`: a phone opens the sign-in of a message. A robot that calls itself one is shown
/// the landing page, whose button begins the sign-in for a person who was taken for it (`POST`).
pub async fn authorize(visit: Visit, State(web): State<Arc<Web>>, request: Request) -> Response {
    let query = request.uri().query().unwrap_or_default();
    match visit.method {
        Method::GET if visit.is_prefetch() => return StatusCode::NO_CONTENT.into_response(),
        Method::GET if is_robot(&visit) => return look(&visit, &web, query).await,
        Method::POST if !visit.is_same_origin() => return visit.notice(Notice::Forbidden),
        Method::GET | Method::POST => {}
        _ => return visit.wrong_method("GET, POST"),
    }
    let (tenant, request_id) = (&visit.tenant.id, &visit.request_id);
    match web.broker.open_sheet(&visit.tenant, query).await {
        Ok(opened) => {
            tracing::info!(%tenant, request_id, attempt = %opened.attempt, "sheet.opened");
            let mut response = see_other(opened.authorize_url.as_str());
            let cookie = visit.set_cookie(&opened.cookie, opened.cross_site);
            response.headers_mut().append(header::SET_COOKIE, cookie);
            response
        }
        Err(error) => not_opened(&visit, &web, error),
    }
}

/// Whether a robot says that it is one. A phone that says nothing is left alone.
fn is_robot(visit: &Visit) -> bool {
    visit.user_agent().is_some_and(|agent| Visitor::of(Some(agent)) == Visitor::Robot)
}

/// What a robot sees.
async fn look(visit: &Visit, web: &Web, query: &str) -> Response {
    let Landing { link, provider, shares: _ } = match web.broker.look_at_sheet(&visit.tenant, query).await {
        Ok(landing) => landing,
        Err(error) => return not_opened(visit, web, error),
    };
    let Some(address) = web.broker.address_of(&visit.tenant, &provider).await else {
        return visit.notice(Notice::Unavailable { retry_after: 60 });
    };
    page::landing(
        &visit.visitor(link.locale.as_deref()),
        &page::Landing {
            channel: link.conversation.channel,
            handle: None,
            provider: &provider.label,
            authorize_url: &address,
            shares: &[],
            path: AUTHORIZE,
            query: &format!("?{query}"),
            now: web.broker.clock().now(),
            expires_at: link.expires_at,
            robot: true,
            can_decline: false,
        },
    )
}

fn not_opened(visit: &Visit, web: &Web, error: OpenSheetError) -> Response {
    let (tenant, request_id) = (&visit.tenant.id, &visit.request_id);
    match error {
        OpenSheetError::Refused(detail) => {
            let response = visit.miss(web, Notice::Neutral);
            if response.status() != StatusCode::TOO_MANY_REQUESTS {
                tracing::warn!(%tenant, request_id, detail, "sheet.refused");
            }
            response
        }
        OpenSheetError::Away { away: to, why } => {
            tracing::warn!(%tenant, request_id, detail = why, "sheet.sent_away");
            away(visit, &to)
        }
        OpenSheetError::Store(error) => visit.unavailable(&error),
    }
}

/// `POST /web/inbound/abc/oauth/token`: a phone redeems its code. Errors are those of RFC 6749, 5.2.
pub async fn token(Returning(visit): Returning, State(web): State<Arc<Web>>, request: Request) -> Response {
    if visit.method != Method::POST {
        return visit.wrong_method("POST");
    }
    if visit.tenant.accounts.apple.is_none() {
        return stranger(
            &visit,
            &web,
            "the tenant has no account at Apple",
            StatusCode::UNAUTHORIZED,
            "invalid_client",
        );
    }
    let query = request.uri().query().unwrap_or_default().to_owned();
    let body = match Bytes::from_request(request, &()).await {
        Ok(body) => body,
        Err(error) if is_too_large(&error) => {
            return refusal(StatusCode::PAYLOAD_TOO_LARGE, "invalid_request");
        }
        Err(_) => return refusal(StatusCode::BAD_REQUEST, "invalid_request"),
    };
    let form = String::from_utf8_lossy(&body);
    match web.broker.redeem_relay(&visit.tenant, &query, &form).await {
        Ok(answer) => Json(answer).into_response(),
        Err(RedeemError::Store(error)) => {
            tracing::error!(tenant = %visit.tenant.id, detail = %error, "store.unavailable");
            refusal(StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable")
        }
        Err(error) => {
            let detail = error.to_string();
            let client = matches!(error, RedeemError::Client);
            let status = if client { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST };
            stranger(&visit, &web, &detail, status, &detail)
        }
    }
}

/// A redeemer that is refused, counted for its address; a flood of them is not written into the log line by line.
fn stranger(visit: &Visit, web: &Web, detail: &str, status: StatusCode, error: &str) -> Response {
    if let Err(quota) = web.limits.miss(visit.address, web.broker.clock().now()) {
        return too_many(&visit.visitor(None), &quota);
    }
    tracing::warn!(tenant = %visit.tenant.id, request_id = visit.request_id, detail, "relay.refused");
    refusal(status, error)
}

/// Sends a phone or a browser back into its app, with a page for whoever stays.
pub fn away(visit: &Visit, to: &Away) -> Response {
    let reference = Some(to.reference.as_str()).filter(|reference| !reference.is_empty());
    let page = page::Away {
        location: to.location.expose(),
        ended: to.ended,
        provider: &to.provider,
        reference: reference.unwrap_or(&visit.request_id),
    };
    page::away(&visit.visitor(None), &page)
}

fn refusal(status: StatusCode, error: &str) -> Response {
    (status, Json(json!({ "error": error }))).into_response()
}
