//! One website: what its pages need, changed, or taken away. A key that is gone ends every sign-in under it, so that this
//! has a page of its own behind the list.

use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Map, Value};

use crate::web::Web;
use crate::web::staff::{Admin, Forms, Frame, OnDuty, Posted, Said, Section, respond, see_other_saying};

use super::form::{Fault, Typed};
use super::{LIST, Missed, Now, list_of, now, place_of, put, put_list, told_of};

#[derive(Template)]
#[template(path = "admin/websites/website.html")]
struct WebsiteView {
    frame: Frame,
    /// As it is now.
    website: Typed,
    /// What the form begins with.
    typed: Typed,
    fault: Option<Fault>,
    /// The file in which it stands; none if it stands in none.
    file: Option<String>,
    /// Whether it is changed here.
    is_open: bool,
    /// What must still be there when the form is sent.
    seen: String,
    /// Who letters come from if it says nothing.
    business: String,
    origin: String,
}

/// Where the page of a website is.
pub(super) fn path_of(key: &str) -> String {
    let key: String = url::form_urlencoded::byte_serialize(key.as_bytes()).collect();
    format!("{LIST}/website?public_key={key}")
}

/// `GET /admin/websites/website`: what may be done with one.
pub(super) async fn show(
    duty: OnDuty<Admin>,
    State(web): State<Arc<Web>>,
    RawQuery(raw): RawQuery,
) -> Response {
    let query = raw.unwrap_or_default();
    let key = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "public_key");
    let key = key.as_ref().map_or("", |(_, key)| key);
    page(&duty, &web, (key, None), None, StatusCode::OK).await
}

/// `POST /admin/websites/change`: its origins, and how its letters look. Its key stays.
pub(super) async fn change(duty: OnDuty<Admin>, State(web): State<Arc<Web>>, form: Posted) -> Response {
    let typed = Typed::of(&form);
    let key = typed.public_key.clone();
    if let Some(fault) = typed.fault() {
        let again = (key.as_str(), Some(typed));
        return page(&duty, &web, again, Some(fault), StatusCode::UNPROCESSABLE_ENTITY).await;
    }
    let seen = form.text("seen").to_owned();
    let change = |document: &mut Map<String, Value>| {
        let place = place_of(document, &key, &seen)?;
        let mut list = list_of(document);
        list[place] = typed.settings();
        put_list(document, &list);
        Ok(())
    };
    match put(&web, &duty, change).await {
        Ok(()) => see_other_saying(LIST, Said::Saved),
        Err(missed) => told(&duty, &web, (&key, Some(typed)), missed).await,
    }
}

/// `POST /admin/websites/delete`: every token that was given under its key is refused from now on.
pub(super) async fn delete(duty: OnDuty<Admin>, State(web): State<Arc<Web>>, form: Posted) -> Response {
    let (key, seen) = (form.text("public_key").to_owned(), form.text("seen").to_owned());
    let change = |document: &mut Map<String, Value>| {
        let place = place_of(document, &key, &seen)?;
        let mut list = list_of(document);
        list.remove(place);
        put_list(document, &list);
        Ok(())
    };
    match put(&web, &duty, change).await {
        Ok(()) => see_other_saying(LIST, Said::Deleted),
        Err(missed) => told(&duty, &web, (&key, None), missed).await,
    }
}

/// The page again, with what was in the way.
async fn told(
    duty: &OnDuty<Admin>,
    web: &Web,
    (key, typed): (&str, Option<Typed>),
    missed: Missed,
) -> Response {
    match told_of(duty, missed) {
        Ok((fault, status)) => page(duty, web, (key, typed), Some(fault), status).await,
        Err(response) => *response,
    }
}

/// The page of a website, with what was typed if something was.
async fn page(
    duty: &OnDuty<Admin>,
    web: &Web,
    (key, typed): (&str, Option<Typed>),
    fault: Option<Fault>,
    status: StatusCode,
) -> Response {
    let Now { websites, file, is_open, .. } = match now(web, duty).await {
        Ok(now) => now,
        Err(error) => return super::failed(duty, error),
    };
    let Some(website) = websites.into_iter().find(|website| website.public_key == key) else {
        return duty.missing();
    };
    let tenant = duty.tenant();
    let view = WebsiteView {
        frame: duty.frame("A website", Section::Websites),
        typed: typed.unwrap_or_else(|| website.clone()),
        seen: website.print(),
        website,
        fault,
        file,
        is_open,
        business: crate::web::page::clean(&tenant.name),
        origin: tenant.origin.clone(),
    };
    respond(status, &view.frame, Forms::Here, &view)
}
