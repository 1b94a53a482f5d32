//! `/signin`: choose how.

use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use futures_util::future::join_all;
use url::Url;

use crate::web::Web;
use crate::web::page::clean;
use crate::web::staff::{Forms, Frame, cookie_of, respond};
use crate::web::visit::{Visit, see_other};

use super::elsewhere;
use super::next::Next;

/// A provider to choose.
struct Choice {
    id: String,
    label: String,
}

#[derive(Template)]
#[template(path = "signin/choose.html")]
struct ChooseView {
    frame: Frame,
    providers: Vec<Choice>,
    /// Whether codes can be sent.
    mails: bool,
    next: String,
    /// What was typed, to be mended.
    email: String,
    fault: Option<&'static str>,
    tenant: String,
}

/// `GET /signin`: the ways in. Who is in already goes on.
pub(super) async fn choose(visit: Visit, State(web): State<Arc<Web>>, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let named = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "next");
    let next = Next::parse(&named.map(|(_, value)| value.into_owned()).unwrap_or_default());
    if let Some(there) = elsewhere(&visit, &format!("/signin{}", next.query())) {
        return there;
    }
    let at_work = match cookie_of(&visit) {
        Some(cookie) => web.broker.at_work(&visit.tenant, cookie.expose()).await,
        None => Ok(None),
    };
    match at_work {
        Ok(Some(at_work)) => see_other(next.or_home(at_work.member.role)),
        Ok(None) => page(&visit, &web, &next, None).await,
        Err(error) => visit.unavailable(&error),
    }
}

/// The page, perhaps with what was typed and is no address.
pub(super) async fn page(
    visit: &Visit,
    web: &Web,
    next: &Next,
    mistyped: Option<(&str, &'static str)>,
) -> Response {
    let tenant = &visit.tenant;
    let providers = || tenant.providers.iter().filter(|provider| provider.for_staff);
    let addresses = providers().map(|provider| web.broker.address_of(tenant, provider));
    let addresses: Vec<Url> = join_all(addresses).await.into_iter().flatten().collect();
    // Browsers hold the policy of forms against every redirect after them.
    let plain = addresses.iter().find(|url| url.scheme() == "http").or(addresses.first());
    let choice = |provider: &Arc<crate::domain::provider::Provider>| Choice {
        id: provider.id.to_string(),
        label: clean(&provider.label),
    };
    let (email, fault) = mistyped.unzip();
    let view = ChooseView {
        frame: Frame::outside(visit, &format!("Sign in to {}", clean(&tenant.name))),
        providers: providers().map(choice).collect(),
        mails: web.broker.sends_mail(),
        next: next.as_str().to_owned(),
        email: email.unwrap_or_default().to_owned(),
        fault,
        tenant: tenant.id.to_string(),
    };
    let status = if fault.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    respond(status, &view.frame, Forms::Provider(plain), &view)
}
