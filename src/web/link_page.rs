//! `/a/{token}`: the landing page, *Continue*, and *This wasn't me*.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{FromRequest as _, FromRequestParts as _, RawQuery, Request, State};
use axum::http::{Method, header};
use axum::response::Response;

use crate::domain::binding::Binding;
use crate::domain::link::{Link, LinkStatus};
use crate::domain::provider::Provider;
use crate::domain::visitor::{App, Visitor, build_way_out};
use crate::flow::StoreError;
use crate::flow::native::linking::{OpenLinkingError, check_linking, is_linking};
use crate::flow::open_link::{Landing, OpenLinkError};

use super::host::{self, Asked};
use super::page::{self, Notice};
use super::segment::Segment;
use super::strict_json::is_too_large;
use super::visit::{Visit, nobody, see_other, takes_gzip, too_many};
use super::{RequestId, Web};

/// `GET` shows the landing page and changes nothing; `POST` starts a sign-in.
pub async fn link(
    visit: Visit,
    State(web): State<Arc<Web>>,
    Segment(token): Segment,
    RawQuery(query): RawQuery,
) -> Response {
    let query = query.as_deref();
    let button = query.filter(|query| is_linking(query));
    match visit.method {
        Method::GET | Method::HEAD => look(&visit, &web, &token, button, is_here(query)).await,
        Method::POST if !visit.is_same_origin() => visit.notice(Notice::Forbidden),
        Method::POST => open(&visit, &web, &token, button).await,
        _ => visit.wrong_method("GET, HEAD, POST"),
    }
}

/// Whether the customer wants to stay in the app's own browser.
fn is_here(query: Option<&str>) -> bool {
    query.unwrap_or_default().split('&').any(|part| part == "here")
}

/// `POST /a/{token}/decline`: *This wasn't me*. The first one asks once more.
pub async fn decline(
    visit: Visit,
    State(web): State<Arc<Web>>,
    Segment(token): Segment,
    request: Request,
) -> Response {
    if visit.method != Method::POST {
        return visit.wrong_method("POST");
    }
    if !visit.is_same_origin() {
        return visit.notice(Notice::Forbidden);
    }
    let body = match Bytes::from_request(request, &()).await {
        Ok(body) => body,
        Err(error) if is_too_large(&error) => return visit.notice(Notice::TooLarge),
        Err(_) => return visit.notice(Notice::TooLate),
    };
    if !url::form_urlencoded::parse(&body).any(|(name, value)| name == "confirm" && value == "yes") {
        return ask_once_more(&visit, &web, &token).await;
    }
    match web.broker.decline_link(&visit.tenant, &token).await {
        Ok(()) => visit.notice(Notice::Declined),
        Err(error) => refused(&visit, &web, &token, &error),
    }
}

/// `/assets/…`: stylesheet and icon, which the pages name by their content. They are the same on every host: the page that
/// says that nobody is served there needs them, too.
pub async fn asset(State(web): State<Arc<Web>>, Segment(path): Segment, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    let is_read = matches!(parts.method, Method::GET | Method::HEAD);
    if let Some(found) = page::asset(&path, takes_gzip(&parts.headers)).filter(|_| is_read) {
        return found;
    }
    match Visit::from_request_parts(&mut parts, &web).await {
        Ok(visit) if is_read => visit.notice(Notice::Unknown),
        Ok(visit) => visit.wrong_method("GET, HEAD"),
        Err(page) => page,
    }
}

/// The page of an address that is none of ours.
pub fn nothing_here(web: &Web, request: &Request) -> Response {
    let id = request.extensions().get::<RequestId>().map_or("", |id| &id.0);
    let language = request.headers().get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let visitor = page::Visitor {
        accept_language: language,
        request_id: id,
        https: web.https,
        ..page::Visitor::default()
    };
    let found = host::tenant(web, &Asked::of_request(request));
    let address = web.address(request.extensions(), request.headers());
    match web.limits.miss(address, web.broker.clock().now()) {
        Ok(()) => page::notice(&visitor, found.map_or_else(nobody, |_| Notice::Unknown)),
        Err(quota) => too_many(&visitor, &quota),
    }
}

/// The page for a link that is over.
pub fn gone(visit: &Visit, status: LinkStatus) -> Response {
    visit.notice(match status {
        LinkStatus::Completed => Notice::Completed,
        LinkStatus::Superseded => Notice::Superseded,
        LinkStatus::Cancelled => Notice::Cancelled,
        _ => Notice::Expired,
    })
}

async fn look(visit: &Visit, web: &Web, token: &str, button: Option<&str>, is_here: bool) -> Response {
    if let Some(Err(error)) = button.map(check_linking) {
        return refused_button(visit, web, token, &error);
    }
    let Landing { link, provider, shares } = match web.broker.look_at_link(&visit.tenant, token).await {
        Ok(landing) => landing,
        Err(error) => return refused(visit, web, token, &error),
    };
    let agent = visit.user_agent();
    let who = Visitor::of(agent);
    let query = button.map_or(String::new(), |query| format!("?{query}"));
    // Outside, the chat confirms the sign-in; where that is not enough, only the app's own browser is left.
    let leads_out = provider.blocks_webviews && link.minimum != Binding::Native;
    if let (Visitor::InApp(app), true, false) = (who, leads_out, is_here) {
        return lead_out(visit, (token, &query), &link, &provider, app);
    }
    let Some(address) = web.broker.address_of(&visit.tenant, &provider).await else {
        return visit.notice(Notice::Unavailable { retry_after: 60 });
    };
    page::landing(
        &visit.visitor(link.locale.as_deref()),
        &page::Landing {
            channel: link.conversation.channel,
            handle: link.conversation.handle.as_ref(),
            provider: &provider.label,
            authorize_url: &address,
            shares: &shares.iter().map(String::as_str).collect::<Vec<_>>(),
            path: &format!("/a/{token}"),
            query: &query,
            now: web.broker.clock().now(),
            expires_at: link.expires_at,
            robot: who == Visitor::Robot,
            can_decline: true,
        },
    )
}

/// Inside of an app whose own browser the provider refuses: the way to the phone's own one. What the channel's button
/// added stays in the app, where the channel asked for it.
fn lead_out(
    visit: &Visit,
    (token, query): (&str, &str),
    link: &Link,
    provider: &Provider,
    app: App,
) -> Response {
    let path = format!("/a/{token}");
    let address = format!("{}{path}", visit.tenant.origin);
    let agent = visit.user_agent().unwrap_or_default();
    let way_out = address.parse().ok().and_then(|page| build_way_out(app, agent, &page));
    page::elsewhere(
        &visit.visitor(link.locale.as_deref()),
        &page::Elsewhere {
            provider: &provider.label,
            way_out: way_out.as_deref(),
            address: &address,
            path: &path,
            query,
        },
    )
}

async fn open(visit: &Visit, web: &Web, token: &str, button: Option<&str>) -> Response {
    let (tenant, cookies) = (&visit.tenant, visit.cookies());
    let opened = if let Some(query) = button {
        // Each press asks Meta, with the page's token.
        let now = web.broker.clock().now();
        if let Err(quota) = web.limits.press(visit.address, (&tenant.id, token), now) {
            return too_many(&visit.visitor(None), &quota);
        }
        let opened = web.broker.open_link_from_button(tenant, token, query, &cookies).await;
        web.limits.pressed(visit.address, now);
        opened
    } else {
        let opened = web.broker.open_link(tenant, token, &cookies, &visit.chat_passes()).await;
        opened.map_err(OpenLinkingError::from)
    };
    let opened = match opened {
        Ok(opened) => opened,
        Err(error) => return refused_button(visit, web, token, &error),
    };
    let (tenant, link_id, provider) = (&visit.tenant.id, &opened.link, &opened.provider);
    let (request_id, attempt) = (&visit.request_id, &opened.attempt);
    tracing::info!(%tenant, request_id, %link_id, %provider, %attempt, "link.opened");
    let mut response = see_other(opened.authorize_url.as_str());
    let headers = response.headers_mut();
    headers.append(header::SET_COOKIE, visit.set_cookie(&opened.cookie, opened.cross_site));
    for name in &opened.forget {
        headers.append(header::SET_COOKIE, visit.forget_cookie(name));
    }
    response
}

async fn ask_once_more(visit: &Visit, web: &Web, token: &str) -> Response {
    match web.broker.look_at_live_link(&visit.tenant, token).await {
        Ok(landing) => {
            let visitor = visit.visitor(landing.link.locale.as_deref());
            page::decline(&visitor, &page::Decline { path: &format!("/a/{token}") })
        }
        Err(error) => refused(visit, web, token, &error),
    }
}

/// The page of a link that Meta's button opened, and that begins no sign-in.
fn refused_button(visit: &Visit, web: &Web, token: &str, error: &OpenLinkingError) -> Response {
    let (tenant, request_id) = (&visit.tenant.id, &visit.request_id);
    match error {
        OpenLinkingError::Link(error) => refused(visit, web, token, error),
        OpenLinkingError::Refused(detail) => {
            tracing::warn!(%tenant, request_id, detail, "link.button_refused");
            visit.miss(web, Notice::Neutral)
        }
        // Nobody learns here whose conversation it is.
        OpenLinkingError::SomeoneElse => visit.notice(Notice::Neutral),
        OpenLinkingError::Silent(detail) => {
            tracing::error!(%tenant, request_id, detail, "link.channel_silent");
            visit.notice(Notice::Unavailable { retry_after: 5 })
        }
    }
}

fn refused(visit: &Visit, web: &Web, token: &str, error: &OpenLinkError) -> Response {
    match error {
        OpenLinkError::Unknown => visit.miss(web, Notice::Unknown),
        OpenLinkError::OutOfOrder(provider) => visit.out_of_order(provider, Some(&format!("/a/{token}"))),
        OpenLinkError::Gone(status) => gone(visit, *status),
        OpenLinkError::TooMany => {
            tracing::warn!(tenant = %visit.tenant.id, request_id = visit.request_id, detail = %error, "link.opened_too_often");
            visit.notice(Notice::OpenedTooOften)
        }
        OpenLinkError::OnlyInChat => {
            tracing::info!(tenant = %visit.tenant.id, request_id = visit.request_id, detail = %error, "link.only_in_chat");
            visit.notice(Notice::Neutral)
        }
        OpenLinkError::ProviderGone => {
            tracing::error!(tenant = %visit.tenant.id, request_id = visit.request_id, detail = %error, "link.provider_gone");
            visit.notice(Notice::Unavailable { retry_after: 60 })
        }
        OpenLinkError::Store(error @ StoreError::Conflict) => {
            tracing::warn!(tenant = %visit.tenant.id, request_id = visit.request_id, detail = %error, "link.contended");
            visit.notice(Notice::TooMany { retry_after: 1 })
        }
        OpenLinkError::Store(error) => visit.unavailable(error),
    }
}
