//! The pages that Apple has on record for a tenant: the authorize URL that a phone opens in a sheet, the token endpoint
//! of the older flow, and where the sheet goes in the end (docs/apple.md).

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequest as _, Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::flow::native::Away;
use crate::flow::native::relay::RedeemError;
use crate::flow::native::sheet::OpenSheetError;

use super::Web;
use super::page::{self, Notice};
use super::strict_json::is_too_large;
use super::visit::{Returning, Visit, see_other, too_many};

/// `GET /web/inbound/abc/oauth/authorize`: a phone opens the sign-in of a message.
pub async fn authorize(visit: Visit, State(web): State<Arc<Web>>, request: Request) -> Response {
    match visit.method {
        Method::GET if visit.is_prefetch() => return StatusCode::NO_CONTENT.into_response(),
        Method::GET => {}
        _ => return visit.wrong_method("GET"),
    }
    let query = request.uri().query().unwrap_or_default();
    let (tenant, request_id) = (&visit.tenant.id, &visit.request_id);
    match web.broker.open_sheet(&visit.tenant, query).await {
        Ok(opened) => {
            tracing::info!(%tenant, request_id, attempt = %opened.attempt, "sheet.opened");
            let mut response = see_other(opened.authorize_url.as_str());
            let cookie = visit.set_cookie(&opened.cookie, opened.cross_site);
            response.headers_mut().append(header::SET_COOKIE, cookie);
            response
        }
        Err(OpenSheetError::Refused(detail)) => {
            let response = visit.miss(&web, Notice::Neutral);
            if response.status() != StatusCode::TOO_MANY_REQUESTS {
                tracing::warn!(%tenant, request_id, detail, "sheet.refused");
            }
            response
        }
        Err(OpenSheetError::Away { away: to, why }) => {
            tracing::warn!(%tenant, request_id, detail = why, "sheet.sent_away");
            away(&visit, &to)
        }
        Err(OpenSheetError::Store(error)) => visit.unavailable(&error),
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
