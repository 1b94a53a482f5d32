//! The callback routes and the result page: one handler each, whatever the route.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::domain::fault::Fault;
use crate::domain::request::Route;
use crate::flow::callback::{Arrival, CallbackError, parse_form, parse_query};
use crate::flow::outcome::{Ended, OutcomeError, Shown};

use super::error::login_status;
use super::page::{self, Notice};
use super::segment::Segment;
use super::visit::{Visit, see_other};
use super::{Web, link_page};

/// `/idp/eu/oauth/callback`
pub async fn end_user(visit: Visit, State(web): State<Arc<Web>>, request: Request) -> Response {
    arrive(visit, &web, Route::EndUser, None, request).await
}

/// `/idp/eu/oauth/callback/{provider}`
pub async fn end_user_named(
    visit: Visit,
    State(web): State<Arc<Web>>,
    Segment(provider): Segment,
    request: Request,
) -> Response {
    arrive(visit, &web, Route::EndUser, Some(provider), request).await
}

/// `/web/inbound/abc/oauth/redirect`
pub async fn abc(visit: Visit, State(web): State<Arc<Web>>, request: Request) -> Response {
    arrive(visit, &web, Route::Abc, None, request).await
}

/// `/web/inbound/abc/oauth/redirect/{provider}`
pub async fn abc_named(
    visit: Visit,
    State(web): State<Arc<Web>>,
    Segment(provider): Segment,
    request: Request,
) -> Response {
    arrive(visit, &web, Route::Abc, Some(provider), request).await
}

/// `/web/inbound/abc/oauth/abcAuth2Redirect`
pub async fn abc_auth2(visit: Visit, State(web): State<Arc<Web>>, request: Request) -> Response {
    arrive(visit, &web, Route::AbcAuth2, None, request).await
}

/// `/web/inbound/abc/oauth/abcAuth2Redirect/{provider}`
pub async fn abc_auth2_named(
    visit: Visit,
    State(web): State<Arc<Web>>,
    Segment(provider): Segment,
    request: Request,
) -> Response {
    arrive(visit, &web, Route::AbcAuth2, Some(provider), request).await
}

/// `/a/r/{handle}`: how the login ended, or the code to send in the chat.
pub async fn result(visit: Visit, State(web): State<Arc<Web>>, Segment(handle): Segment) -> Response {
    if !matches!(visit.method, Method::GET | Method::HEAD) {
        return visit.wrong_method("GET, HEAD");
    }
    match web.broker.outcome(&visit.tenant, &handle, &visit.cookies()).await {
        Ok(shown) => result_page(&visit, &web, &shown),
        Err(OutcomeError::Unknown) => visit.notice(Notice::Unknown),
        Err(OutcomeError::Gone(status)) => link_page::gone(&visit, status),
        Err(OutcomeError::Store(error)) => visit.unavailable(&error),
    }
}

/// A browser comes back from the provider.
async fn arrive(
    visit: Visit,
    web: &Web,
    route: Route,
    provider: Option<String>,
    request: Request,
) -> Response {
    let posted = match visit.method {
        Method::GET if visit.is_prefetch() => return StatusCode::NO_CONTENT.into_response(),
        Method::GET => false,
        Method::POST => true,
        _ => return visit.wrong_method("GET, POST"),
    };
    let params = if posted {
        match axum::body::to_bytes(request.into_body(), super::SMALL_BODY).await {
            Ok(body) => parse_form(&body),
            Err(_) => return visit.notice(Notice::TooLarge),
        }
    } else {
        parse_query(request.uri().query().unwrap_or_default())
    };
    let params = match params {
        Ok(params) => params,
        Err(fault) => return neutral(&visit, fault),
    };
    let arrival = Arrival { route, provider, posted, params, cookies: visit.cookies() };
    match web.broker.callback(&visit.tenant, arrival).await {
        Ok(arrived) => {
            let mut response = see_other(&format!("/a/r/{}", arrived.handle));
            if let Some(cookie) = &arrived.keep {
                response.headers_mut().append(header::SET_COOKIE, visit.set_cookie(cookie, posted));
            }
            response
        }
        Err(CallbackError::Refused(fault)) => neutral(&visit, fault),
        Err(CallbackError::Gone(status)) => link_page::gone(&visit, status),
        Err(CallbackError::Store(error)) => visit.unavailable(&error),
    }
}

/// The one page for every bad state; the reason stands in the log only.
fn neutral(visit: &Visit, fault: Fault) -> Response {
    let Fault { step, code } = fault;
    tracing::warn!(tenant = %visit.tenant.id, request_id = visit.request_id, %step, %code, "callback.refused");
    metrics::counter!("countersign_callbacks_refused_total", "code" => code.as_str()).increment(1);
    visit.notice(Notice::Neutral)
}

fn result_page(visit: &Visit, web: &Web, shown: &Shown) -> Response {
    let link = &shown.link;
    let channel = link.conversation.channel;
    let (status, outcome) = match &shown.result {
        Ended::Completed { .. } => (StatusCode::OK, page::Outcome::Completed),
        Ended::SendCode { code, until } => {
            (StatusCode::OK, page::Outcome::Provisional { code, until: *until })
        }
        Ended::Working => (StatusCode::OK, page::Outcome::Working),
        Ended::Failed(fault) => (login_status(fault.code), page::Outcome::Failed(fault.code)),
    };
    let provider = visit.tenant.provider(Some(&link.provider));
    let retry = (!link.status().is_final()).then(|| format!("/a/{}", link.token.expose()));
    let mut response = page::result(
        &visit.visitor(link.locale.as_deref()),
        &page::ResultPage {
            status,
            channel,
            provider: provider.map_or(link.provider.as_str(), |provider| &provider.label),
            outcome,
            back: visit.tenant.returns.get(&channel).map(String::as_str),
            retry: retry.as_deref(),
            reference: shown.attempt.as_str(),
            now: web.broker.clock().now(),
        },
    );
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
    }
    response
}
