//! The callback and the result page: one handler each, whatever the route.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{FromRequest as _, MatchedPath, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::domain::fault::Fault;
use crate::domain::request::Route;
use crate::flow::callback::{Arrival, CallbackError, Leads, parse_form, parse_query};
use crate::flow::native::Away;
use crate::flow::outcome::{Ended, OutcomeError, Shown};

use super::error::login_status;
use super::oauth::authorize;
use super::page::{self, Notice};
use super::segment::Segment;
use super::strict_json::is_too_large;
use super::visit::{Returning, Visit, see_other};
use super::{Web, apple, link_page, signin};

/// `/idp/eu/oauth/callback`, `/web/inbound/abc/oauth/redirect` and
/// `/web/inbound/abc/oauth/abcAuth2Redirect`, each with or without `/{provider}` behind it: a browser
/// comes back from the provider.
pub async fn arrive(
    Returning(visit): Returning,
    State(web): State<Arc<Web>>,
    path: MatchedPath,
    Segment(provider): Segment,
    request: Request,
) -> Response {
    let (route, is_named) = route_of(path.as_str());
    let posted = match visit.method {
        Method::GET if visit.is_prefetch() => return StatusCode::NO_CONTENT.into_response(),
        Method::GET => false,
        Method::POST => true,
        _ => return visit.wrong_method("GET, POST"),
    };
    let params = match params(posted, request).await {
        Ok(params) => params,
        Err(Unreadable::TooLarge) => return visit.notice(Notice::TooLarge),
        Err(Unreadable::Cut) => return visit.notice(Notice::TooLate),
        Err(Unreadable::Bad(fault)) => return neutral(&visit, &web, fault),
    };
    let provider = is_named.then_some(provider);
    let arrival = Arrival { route, provider, posted, params, cookies: visit.cookies() };
    match web.broker.callback(&visit.tenant, arrival).await {
        Ok(arrived) => {
            let page = match arrived.leads {
                Leads::Result => "/a/r",
                Leads::Trial => "/t",
                Leads::Away(to) => return back(&visit, &web, &to),
                // What was posted is lost to a page that loads itself again.
                Leads::Working if posted => return visit.notice(Notice::Unavailable { retry_after: 2 }),
                Leads::Working => return page::working(&visit.visitor(None)),
                Leads::App(arrived) => return authorize::arrived(&visit, &web, *arrived).await,
                Leads::Staff(entered) => return signin::arrived(&visit, &web, *entered).await,
            };
            let mut response = see_other(&format!("{page}/{}", arrived.handle));
            if let Some(cookie) = &arrived.keep {
                response.headers_mut().append(header::SET_COOKIE, visit.set_cookie(cookie, posted));
            }
            response
        }
        Err(CallbackError::Refused(fault)) => neutral(&visit, &web, fault),
        Err(CallbackError::Gone(status)) => link_page::gone(&visit, status),
        // The state is not spent: the same address, loaded again, goes on.
        Err(CallbackError::OutOfOrder(provider)) => visit.out_of_order(&provider, (!posted).then_some("")),
        Err(CallbackError::Store(error)) => visit.unavailable(&error),
    }
}

/// Back into the app that the browser came from. What was refused counts as every bad state does.
fn back(visit: &Visit, web: &Web, to: &Away) -> Response {
    if let Some(fault) = to.refused {
        let page = neutral(visit, web, fault);
        if page.status() == StatusCode::TOO_MANY_REQUESTS {
            return page;
        }
    }
    apple::away(visit, to)
}

/// `/a/r/{handle}`: how the login ended, or the code to send in the chat.
pub async fn result(
    Returning(visit): Returning,
    State(web): State<Arc<Web>>,
    Segment(handle): Segment,
) -> Response {
    if !matches!(visit.method, Method::GET | Method::HEAD) {
        return visit.wrong_method("GET, HEAD");
    }
    match web.broker.outcome(&visit.tenant, &handle, &visit.cookies()).await {
        Ok(shown) => result_page(&visit, &web, &shown),
        Err(OutcomeError::Unknown) => visit.miss(&web, Notice::Unknown),
        Err(OutcomeError::Gone(status)) => link_page::gone(&visit, status),
        Err(OutcomeError::Store(error)) => visit.unavailable(&error),
    }
}

/// Which callback route a row of the URL table is, and whether a provider stands behind it.
fn route_of(row: &str) -> (Route, bool) {
    let path = row.strip_suffix("/{provider}");
    let route = Route::ALL.into_iter().find(|route| route.path() == path.unwrap_or(row));
    (route.expect("the rows of the callback are the paths of the routes"), path.is_some())
}

/// Why the parameters of a callback cannot be read.
enum Unreadable {
    TooLarge,
    /// The body did not arrive as a whole.
    Cut,
    Bad(Fault),
}

/// The parameters of a callback, from the body or from the query.
async fn params(posted: bool, request: Request) -> Result<Vec<(String, String)>, Unreadable> {
    if !posted {
        return parse_query(request.uri().query().unwrap_or_default()).map_err(Unreadable::Bad);
    }
    let body = Bytes::from_request(request, &()).await;
    let unread = |error| if is_too_large(&error) { Unreadable::TooLarge } else { Unreadable::Cut };
    parse_form(&body.map_err(unread)?).map_err(Unreadable::Bad)
}

/// The one page for every bad state; the reason stands in the log only.
fn neutral(visit: &Visit, web: &Web, fault: Fault) -> Response {
    let Fault { step, code } = fault;
    metrics::counter!("countersign_callbacks_refused_total", "code" => code.as_str()).increment(1);
    let response = visit.miss(web, Notice::Neutral);
    // A flood is not written into the log line by line.
    if response.status() != StatusCode::TOO_MANY_REQUESTS {
        tracing::warn!(tenant = %visit.tenant.id, request_id = visit.request_id, %step, %code, "callback.refused");
    }
    response
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
